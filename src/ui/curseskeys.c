/*
 * From what a terminal sends to keys of a PC. A terminal sends characters; the guest's keyboard is taken to have the US
 * layout, on which each character is a key with or without Shift.
 */
#include "config.h"

#include "ui/cursesscreen.h"

#include <glib.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>

enum { DEL = 0x7f };

/* Rows of the US keyboard: the characters without Shift, with Shift, and the first one's key; keys are numbered along a row. */
static const struct {
    const char *plain, *shifted;
    unsigned first;
} rows[] = {
    {"1234567890-=", "!@#$%^&*()_+", KEY_1},
    {"qwertyuiop[]", "QWERTYUIOP{}", KEY_Q},
    {"asdfghjkl;'`", "ASDFGHJKL:\"~", KEY_A},
    {"\\zxcvbnm,./", "|ZXCVBNM<>?", KEY_BACKSLASH},
    {" ", "", KEY_SPACE},
};

Stroke stroke_of_char(wint_t c)
{
    if (c == '\r' || c == '\n')
        return (Stroke){KEY_ENTER, 0};
    if (c == '\t')
        return (Stroke){KEY_TAB, 0};
    if (c == '\b' || c == DEL)
        return (Stroke){KEY_BACKSPACE, 0};
    if (c == 0x1b)
        return (Stroke){KEY_ESC, 0};
    if (c < ' ') { /* Ctrl-Space, Ctrl-A.. Ctrl-Z, Ctrl-\ and so on */
        Stroke s = stroke_of_char(c == 0 ? ' ' : c <= 26 ? c + 'a' - 1 : c + '@');
        s.modifiers |= STROKE_CTRL;
        return s;
    }
    for (unsigned r = 0; r < G_N_ELEMENTS(rows) && c < DEL; r++) {
        const char *p = strchr(rows[r].plain, (int)c), *s = strchr(rows[r].shifted, (int)c);
        if (p || s)
            return (Stroke){rows[r].first + (unsigned)(p ? p - rows[r].plain : s - rows[r].shifted), p ? 0 : STROKE_SHIFT};
    }
    return (Stroke){0, 0};
}

static const unsigned function_keys[12] = {KEY_F1, KEY_F2, KEY_F3, KEY_F4,  KEY_F5,  KEY_F6,
                                           KEY_F7, KEY_F8, KEY_F9, KEY_F10, KEY_F11, KEY_F12};

static const struct {
    const char *name;
    unsigned key, modifiers;
} names[] = {
    {"KEY_UP", KEY_UP, 0},            {"KEY_DOWN", KEY_DOWN, 0},
    {"KEY_LEFT", KEY_LEFT, 0},        {"KEY_RIGHT", KEY_RIGHT, 0},
    {"KEY_HOME", KEY_HOME, 0},        {"KEY_END", KEY_END, 0},
    {"KEY_PPAGE", KEY_PAGEUP, 0},     {"KEY_NPAGE", KEY_PAGEDOWN, 0},
    {"KEY_IC", KEY_INSERT, 0},        {"KEY_DC", KEY_DELETE, 0},
    {"KEY_ENTER", KEY_KPENTER, 0},    {"KEY_BACKSPACE", KEY_BACKSPACE, 0},
    {"KEY_B2", KEY_KP5, 0},           {"KEY_PRINT", KEY_SYSRQ, 0},
    {"KEY_BTAB", KEY_TAB, STROKE_SHIFT},      {"KEY_SR", KEY_UP, STROKE_SHIFT},
    {"KEY_SF", KEY_DOWN, STROKE_SHIFT},       {"KEY_SLEFT", KEY_LEFT, STROKE_SHIFT},
    {"KEY_SRIGHT", KEY_RIGHT, STROKE_SHIFT},  {"KEY_SHOME", KEY_HOME, STROKE_SHIFT},
    {"KEY_SEND", KEY_END, STROKE_SHIFT},      {"KEY_SPREVIOUS", KEY_PAGEUP, STROKE_SHIFT},
    {"KEY_SNEXT", KEY_PAGEDOWN, STROKE_SHIFT}, {"KEY_SIC", KEY_INSERT, STROKE_SHIFT},
    {"KEY_SDC", KEY_DELETE, STROKE_SHIFT},
};

/*
 * Keys with modifiers as xterm says them, and most terminals after it: ESC [ 1 ; m final, or ESC [ number ; m ~, m being 2
 * for Shift, 3 Alt, 4 Shift-Alt, 5 Ctrl... Not every terminfo entry tells.
 */
static const struct {
    unsigned key;
    int number; /* 1: the final is a letter */
    char final;
} sequences[] = {
    {KEY_UP, 1, 'A'},      {KEY_DOWN, 1, 'B'},    {KEY_RIGHT, 1, 'C'},   {KEY_LEFT, 1, 'D'},      {KEY_HOME, 1, 'H'},
    {KEY_END, 1, 'F'},     {KEY_F1, 1, 'P'},      {KEY_F2, 1, 'Q'},      {KEY_F3, 1, 'R'},        {KEY_F4, 1, 'S'},
    {KEY_INSERT, 2, '~'},  {KEY_DELETE, 3, '~'},  {KEY_PAGEUP, 5, '~'},  {KEY_PAGEDOWN, 6, '~'},  {KEY_F5, 15, '~'},
    {KEY_F6, 17, '~'},     {KEY_F7, 18, '~'},     {KEY_F8, 19, '~'},     {KEY_F9, 20, '~'},       {KEY_F10, 21, '~'},
    {KEY_F11, 23, '~'},    {KEY_F12, 24, '~'},
};

enum { MODIFIERS = 7 }; /* sets of Shift, Alt, Ctrl, but for the empty one */

bool stroke_sequence(unsigned n, char sequence[STROKE_SEQUENCE], Stroke *s)
{
    unsigned k = n / MODIFIERS, modifiers = n % MODIFIERS + 1;
    if (k >= G_N_ELEMENTS(sequences))
        return false;
    g_snprintf(sequence, STROKE_SEQUENCE, "\033[%d;%u%c", sequences[k].number, modifiers + 1, sequences[k].final);
    *s = (Stroke){sequences[k].key, modifiers};
    return true;
}

/* F13 to F60 are how terminals say F1 to F12 with modifiers. */
static Stroke function_stroke(unsigned n)
{
    static const unsigned modifiers[] = {0, STROKE_SHIFT, STROKE_CTRL, STROKE_CTRL | STROKE_SHIFT, STROKE_ALT};
    if (n < 1 || n > 12 * G_N_ELEMENTS(modifiers))
        return (Stroke){0, 0};
    return (Stroke){function_keys[(n - 1) % 12], modifiers[(n - 1) / 12]};
}

Stroke stroke_of_key(const char *name)
{
    if (g_str_has_prefix(name, "KEY_F("))
        return function_stroke((unsigned)strtoul(name + 6, NULL, 10));
    for (unsigned n = 0; n < G_N_ELEMENTS(names); n++)
        if (!strcmp(name, names[n].name))
            return (Stroke){names[n].key, names[n].modifiers};
    return (Stroke){0, 0};
}

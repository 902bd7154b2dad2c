/*
 * The monitor's terminal: a line editor with history and completion, and the look-up of commands.
 *
 * Keys: arrows, Home, End, Backspace, Delete, Tab; Ctrl-A E B F P N K U W L D.
 */
#include <config.h>
#include <string.h>

#include "debug/moncmd.h"

#define PROMPT "(qemu) " /* what scripts that drive QEMU wait for */
#define LINE_MAX_LEN 4096
#define HISTORY 64

enum { CTRL_A = 1, CTRL_B, CTRL_C, CTRL_D, CTRL_E, CTRL_F, BACKSPACE = 8, TAB = 9, NEWLINE = 10, CTRL_K = 11,
        CTRL_L = 12, ENTER = 13,
       CTRL_N = 14, CTRL_P = 16, CTRL_U = 21, CTRL_W = 23, ESCAPE = 27, DELETE = 127 };

typedef struct LineEdit {
    GString *line;
    size_t at;
    GPtrArray *history;
    unsigned back; /* steps back in history */
    enum { KEY_PLAIN, KEY_ESC, KEY_CSI } state;
    unsigned param;
    bool after_cr;
    bool greeted;
} LineEdit;

/* ---- commands ---- */

char *monitor_run(Monitor *mon, const char *line)
{
    GString *out = g_string_new(NULL);
    char *copy = g_strstrip(g_strdup(line));
    size_t word = strcspn(copy, " \t/");
    const char *args = copy + word;
    bool found = !*copy;
    while (*args == ' ' || *args == '\t')
        args++;
    for (const MonCommand *c = mon_commands; c->name && !found; c++)
        if (moncmd_is(c, copy, word)) {
            found = true;
            bool was_running = c->moves ? false : machine_hold(mon->m); /* nothing is looked at while it changes */
            c->run(mon, args, out);
            machine_release(mon->m, was_running);
        }
    if (!found)
        g_string_append_printf(out, "unknown command: '%.*s'\n", (int)word, copy);
    g_free(copy);
    return g_string_free(out, FALSE);
}

/* ---- terminal ---- */

static void put(Monitor *mon, const char *text)
{
    GString *s = g_string_new(NULL);
    for (; *text; text++) {
        if (*text == '\n')
            g_string_append_c(s, '\r');
        g_string_append_c(s, *text);
    }
    chardev_write(mon->chr, (const uint8_t *)s->str, s->len);
    g_string_free(s, TRUE);
}

/* Draw the line again, cursor in its place. */
static void redraw(Monitor *mon)
{
    LineEdit *e = mon->edit;
    char back[32] = "";
    if (e->at < e->line->len)
        g_snprintf(back, sizeof back, "\033[%zuD", e->line->len - e->at);
    char *s = g_strconcat("\r" PROMPT, e->line->str, "\033[K", back, NULL);
    put(mon, s);
    g_free(s);
}

static void set_line(LineEdit *e, const char *text)
{
    g_string_assign(e->line, text);
    e->at = e->line->len;
}

static void enter(Monitor *mon)
{
    LineEdit *e = mon->edit;
    char *line = g_strdup(e->line->str);
    set_line(e, "");
    e->back = 0;
    if (*line) {
        if (e->history->len == HISTORY)
            g_ptr_array_remove_index(e->history, 0);
        g_ptr_array_add(e->history, g_strdup(line));
    }
    put(mon, "\n");
    char *out = monitor_run(mon, line);
    put(mon, out);
    put(mon, PROMPT);
    g_free(out);
    g_free(line);
}

static void recall(Monitor *mon, int step)
{
    LineEdit *e = mon->edit;
    if (step > 0 ? e->back >= e->history->len : e->back == 0)
        return;
    e->back += step;
    set_line(e, e->back ? e->history->pdata[e->history->len - e->back] : "");
    redraw(mon);
}

/* Complete the word before the cursor from a command table: the common part of what fits; all that fits when that adds nothing. */
static void complete(Monitor *mon)
{
    LineEdit *e = mon->edit;
    const MonCommand *table = mon_commands;
    const char *word = e->line->str;
    GString *fits = g_string_new("\n"), *common = NULL;
    if (e->at != e->line->len)
        goto out;
    if (g_str_has_prefix(word, "info ") || g_str_has_prefix(word, "help ")) {
        table = *word == 'i' ? mon_info : mon_commands;
        word += 5;
    }
    if (strchr(word, ' '))
        goto out;
    unsigned count = 0;
    for (const MonCommand *c = table; c->name; c++) {
        if (strncmp(c->name, word, strlen(word)) || strlen(word) > strcspn(c->name, "|"))
            continue;
        count++;
        g_string_append_len(fits, c->name, strcspn(c->name, "|"));
        g_string_append_c(fits, ' ');
        if (!common)
            common = g_string_new_len(c->name, strcspn(c->name, "|"));
        size_t same = 0;
        while (same < common->len && common->str[same] == c->name[same])
            same++;
        g_string_truncate(common, same);
    }
    if (count && common->len > strlen(word)) {
        g_string_append(e->line, common->str + strlen(word));
    } else if (count > 1) {
        g_string_append_c(fits, '\n');
        put(mon, fits->str);
    }
    if (count == 1)
        g_string_append_c(e->line, ' ');
    e->at = e->line->len;
    redraw(mon);
out:
    g_string_free(fits, TRUE);
    if (common)
        g_string_free(common, TRUE);
}

static void erase(LineEdit *e, size_t from, size_t to)
{
    g_string_erase(e->line, from, to - from);
    e->at = from;
}

static void control_key(Monitor *mon, uint8_t key)
{
    LineEdit *e = mon->edit;
    size_t word = e->at;
    switch (key) {
    case CTRL_A: e->at = 0; break;
    case CTRL_E: e->at = e->line->len; break;
    case CTRL_B: e->at -= e->at > 0; break;
    case CTRL_F: e->at += e->at < e->line->len; break;
    case CTRL_P: recall(mon, 1); return;
    case CTRL_N: recall(mon, -1); return;
    case CTRL_K: g_string_truncate(e->line, e->at); break;
    case CTRL_U: erase(e, 0, e->at); break;
    case CTRL_W:
        while (word && e->line->str[word - 1] == ' ')
            word--;
        while (word && e->line->str[word - 1] != ' ')
            word--;
        erase(e, word, e->at);
        break;
    case CTRL_D:
        if (e->at < e->line->len)
            g_string_erase(e->line, e->at, 1);
        break;
    case BACKSPACE:
    case DELETE:
        if (e->at)
            erase(e, e->at - 1, e->at);
        break;
    case TAB: complete(mon); return;
    case CTRL_L: put(mon, "\033[H\033[2J"); break;
    case ESCAPE: e->state = KEY_ESC; return;
    default: return;
    }
    redraw(mon);
}

static void csi_key(Monitor *mon, uint8_t c)
{
    static const struct {
        uint8_t letter, param, key;
    } keys[] = {{'A', 0, CTRL_P}, {'B', 0, CTRL_N}, {'C', 0, CTRL_F}, {'D', 0, CTRL_B}, {'H', 0, CTRL_A}, {'F', 0,
            CTRL_E},
                {'~', 1, CTRL_A}, {'~', 3, CTRL_D}, {'~', 4, CTRL_E}};
    LineEdit *e = mon->edit;
    if (g_ascii_isdigit(c)) {
        e->param = (e->param * 10 + (c - '0')) % 1000;
        return;
    }
    e->state = KEY_PLAIN;
    for (unsigned n = 0; n < G_N_ELEMENTS(keys); n++)
        if (keys[n].letter == c && (c != '~' || keys[n].param == e->param))
            control_key(mon, keys[n].key);
}

static void key(Monitor *mon, uint8_t c)
{
    LineEdit *e = mon->edit;
    bool after_cr = e->after_cr;
    e->after_cr = c == ENTER;
    if (e->state == KEY_CSI) {
        csi_key(mon, c);
    } else if (e->state == KEY_ESC) {
        e->state = c == '[' || c == 'O' ? KEY_CSI : KEY_PLAIN;
        e->param = 0;
    } else if (c == ENTER || (c == NEWLINE && !after_cr)) {
        enter(mon);
    } else if (c < ' ' || c == DELETE) {
        control_key(mon, c);
    } else if (e->line->len < LINE_MAX_LEN) {
        g_string_insert_c(e->line, e->at++, c);
        if (e->at == e->line->len)
            chardev_write(mon->chr, &c, 1);
        else
            redraw(mon);
    }
}

static void greet(Monitor *mon)
{
    if (mon->edit->greeted)
        return;
    mon->edit->greeted = true;
    put(mon, "x86vm " PACKAGE_VERSION " monitor - type 'help' for more information\n" PROMPT);
}

static size_t can_receive(void *opaque)
{
    return 1; /* one by one: a command that ends the program leaves the rest alone */
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
    Monitor *mon = opaque;
    greet(mon);
    for (size_t n = 0; n < len; n++)
        key(mon, buf[n]);
}

static void opened(void *opaque, bool open)
{
    Monitor *mon = opaque;
    mon->edit->greeted = false;
    mon->edit->state = KEY_PLAIN;
    set_line(mon->edit, "");
    if (open)
        greet(mon);
}

static const ChardevFrontendOps front_ops = {.can_receive = can_receive, .receive = receive, .opened = opened};

Monitor *monitor_new(Machine *m, const Symbols *symbols, Tracer *tracer, Chardev *chr)
{
    Monitor *mon = g_new0(Monitor, 1);
    mon->m = m;
    mon->symbols = symbols;
    mon->tracer = tracer;
    mon->chr = chr;
    mon->format_letter = 'x';
    mon->format_size = 4;
    mon->edit = g_new0(LineEdit, 1);
    mon->edit->line = g_string_new(NULL);
    mon->edit->history = g_ptr_array_new_with_free_func(g_free);
    if (chr) {
        chr->front = &front_ops;
        chr->front_opaque = mon;
    }
    return mon;
}

void monitor_free(Monitor *mon)
{
    if (!mon)
        return;
    if (mon->chr)
        mon->chr->front = NULL;
    g_string_free(mon->edit->line, TRUE);
    g_ptr_array_unref(mon->edit->history);
    g_free(mon->edit);
    g_free(mon);
}

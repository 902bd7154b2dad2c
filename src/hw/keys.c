/*
 * The keys of a PC keyboard, by KEY_* number.
 *
 * IBM Personal System/2 Hardware Interface Technical Reference, "Keyboard", scan code sets 1 to 3; the multimedia keys
 * after Microsoft's Keyboard Scan Code Specification.
 */
#include "config.h"
#include "hw/keys.h"
#include "hw/input.h"

#include <glib.h>
#include <linux/input-event-codes.h>
#include <string.h>

static const KeyCodes keys[] = {
    [KEY_ESC] = { "esc", 0x01, 0x76, 0x08 },
    [KEY_1] = { "1", 0x02, 0x16, 0x16 },
    [KEY_2] = { "2", 0x03, 0x1e, 0x1e },
    [KEY_3] = { "3", 0x04, 0x26, 0x26 },
    [KEY_4] = { "4", 0x05, 0x25, 0x25 },
    [KEY_5] = { "5", 0x06, 0x2e, 0x2e },
    [KEY_6] = { "6", 0x07, 0x36, 0x36 },
    [KEY_7] = { "7", 0x08, 0x3d, 0x3d },
    [KEY_8] = { "8", 0x09, 0x3e, 0x3e },
    [KEY_9] = { "9", 0x0a, 0x46, 0x46 },
    [KEY_0] = { "0", 0x0b, 0x45, 0x45 },
    [KEY_MINUS] = { "minus", 0x0c, 0x4e, 0x4e },
    [KEY_EQUAL] = { "equal", 0x0d, 0x55, 0x55 },
    [KEY_BACKSPACE] = { "backspace", 0x0e, 0x66, 0x66 },
    [KEY_TAB] = { "tab", 0x0f, 0x0d, 0x0d },
    [KEY_Q] = { "q", 0x10, 0x15, 0x15 },
    [KEY_W] = { "w", 0x11, 0x1d, 0x1d },
    [KEY_E] = { "e", 0x12, 0x24, 0x24 },
    [KEY_R] = { "r", 0x13, 0x2d, 0x2d },
    [KEY_T] = { "t", 0x14, 0x2c, 0x2c },
    [KEY_Y] = { "y", 0x15, 0x35, 0x35 },
    [KEY_U] = { "u", 0x16, 0x3c, 0x3c },
    [KEY_I] = { "i", 0x17, 0x43, 0x43 },
    [KEY_O] = { "o", 0x18, 0x44, 0x44 },
    [KEY_P] = { "p", 0x19, 0x4d, 0x4d },
    [KEY_LEFTBRACE] = { "bracket_left", 0x1a, 0x54, 0x54 },
    [KEY_RIGHTBRACE] = { "bracket_right", 0x1b, 0x5b, 0x5b },
    [KEY_ENTER] = { "ret", 0x1c, 0x5a, 0x5a },
    [KEY_LEFTCTRL] = { "ctrl", 0x1d, 0x14, 0x11 },
    [KEY_A] = { "a", 0x1e, 0x1c, 0x1c },
    [KEY_S] = { "s", 0x1f, 0x1b, 0x1b },
    [KEY_D] = { "d", 0x20, 0x23, 0x23 },
    [KEY_F] = { "f", 0x21, 0x2b, 0x2b },
    [KEY_G] = { "g", 0x22, 0x34, 0x34 },
    [KEY_H] = { "h", 0x23, 0x33, 0x33 },
    [KEY_J] = { "j", 0x24, 0x3b, 0x3b },
    [KEY_K] = { "k", 0x25, 0x42, 0x42 },
    [KEY_L] = { "l", 0x26, 0x4b, 0x4b },
    [KEY_SEMICOLON] = { "semicolon", 0x27, 0x4c, 0x4c },
    [KEY_APOSTROPHE] = { "apostrophe", 0x28, 0x52, 0x52 },
    [KEY_GRAVE] = { "grave_accent", 0x29, 0x0e, 0x0e },
    [KEY_LEFTSHIFT] = { "shift", 0x2a, 0x12, 0x12 },
    [KEY_BACKSLASH] = { "backslash", 0x2b, 0x5d, 0x5c },
    [KEY_Z] = { "z", 0x2c, 0x1a, 0x1a },
    [KEY_X] = { "x", 0x2d, 0x22, 0x22 },
    [KEY_C] = { "c", 0x2e, 0x21, 0x21 },
    [KEY_V] = { "v", 0x2f, 0x2a, 0x2a },
    [KEY_B] = { "b", 0x30, 0x32, 0x32 },
    [KEY_N] = { "n", 0x31, 0x31, 0x31 },
    [KEY_M] = { "m", 0x32, 0x3a, 0x3a },
    [KEY_COMMA] = { "comma", 0x33, 0x41, 0x41 },
    [KEY_DOT] = { "dot", 0x34, 0x49, 0x49 },
    [KEY_SLASH] = { "slash", 0x35, 0x4a, 0x4a },
    [KEY_RIGHTSHIFT] = { "shift_r", 0x36, 0x59, 0x59 },
    [KEY_KPASTERISK] = { "kp_multiply", 0x37, 0x7c, 0x7e },
    [KEY_LEFTALT] = { "alt", 0x38, 0x11, 0x19 },
    [KEY_SPACE] = { "spc", 0x39, 0x29, 0x29 },
    [KEY_CAPSLOCK] = { "caps_lock", 0x3a, 0x58, 0x14 },
    [KEY_F1] = { "f1", 0x3b, 0x05, 0x07 },
    [KEY_F2] = { "f2", 0x3c, 0x06, 0x0f },
    [KEY_F3] = { "f3", 0x3d, 0x04, 0x17 },
    [KEY_F4] = { "f4", 0x3e, 0x0c, 0x1f },
    [KEY_F5] = { "f5", 0x3f, 0x03, 0x27 },
    [KEY_F6] = { "f6", 0x40, 0x0b, 0x2f },
    [KEY_F7] = { "f7", 0x41, 0x83, 0x37 },
    [KEY_F8] = { "f8", 0x42, 0x0a, 0x3f },
    [KEY_F9] = { "f9", 0x43, 0x01, 0x47 },
    [KEY_F10] = { "f10", 0x44, 0x09, 0x4f },
    [KEY_NUMLOCK] = { "num_lock", 0x45, 0x77, 0x76 },
    [KEY_SCROLLLOCK] = { "scroll_lock", 0x46, 0x7e, 0x5f },
    [KEY_KP7] = { "kp_7", 0x47, 0x6c, 0x6c },
    [KEY_KP8] = { "kp_8", 0x48, 0x75, 0x75 },
    [KEY_KP9] = { "kp_9", 0x49, 0x7d, 0x7d },
    [KEY_KPMINUS] = { "kp_subtract", 0x4a, 0x7b, 0x84 },
    [KEY_KP4] = { "kp_4", 0x4b, 0x6b, 0x6b },
    [KEY_KP5] = { "kp_5", 0x4c, 0x73, 0x73 },
    [KEY_KP6] = { "kp_6", 0x4d, 0x74, 0x74 },
    [KEY_KPPLUS] = { "kp_add", 0x4e, 0x79, 0x7c },
    [KEY_KP1] = { "kp_1", 0x4f, 0x69, 0x69 },
    [KEY_KP2] = { "kp_2", 0x50, 0x72, 0x72 },
    [KEY_KP3] = { "kp_3", 0x51, 0x7a, 0x7a },
    [KEY_KP0] = { "kp_0", 0x52, 0x70, 0x70 },
    [KEY_KPDOT] = { "kp_decimal", 0x53, 0x71, 0x71 },
    [KEY_102ND] = { "less", 0x56, 0x61, 0x13 },
    [KEY_F11] = { "f11", 0x57, 0x78, 0x56 },
    [KEY_F12] = { "f12", 0x58, 0x07, 0x5e },
    [KEY_RO] = { "ro", 0x73, 0x51, 0x51 },
    [KEY_HENKAN] = { "henkan", 0x79, 0x64, 0x86 },
    [KEY_KATAKANAHIRAGANA] = { "katakanahiragana", 0x70, 0x13, 0x87 },
    [KEY_MUHENKAN] = { "muhenkan", 0x7b, 0x67, 0x85 },
    [KEY_KPENTER] = { "kp_enter", 0xe01c, 0xe05a, 0x79 },
    [KEY_RIGHTCTRL] = { "ctrl_r", 0xe01d, 0xe014, 0x58 },
    [KEY_KPSLASH] = { "kp_divide", 0xe035, 0xe04a, 0x77 },
    [KEY_SYSRQ] = { "print", 0xe037, 0xe07c, 0x57 },
    [KEY_RIGHTALT] = { "alt_r", 0xe038, 0xe011, 0x39 },
    [KEY_HOME] = { "home", 0xe047, 0xe06c, 0x6e },
    [KEY_UP] = { "up", 0xe048, 0xe075, 0x63 },
    [KEY_PAGEUP] = { "pgup", 0xe049, 0xe07d, 0x6f },
    [KEY_LEFT] = { "left", 0xe04b, 0xe06b, 0x61 },
    [KEY_RIGHT] = { "right", 0xe04d, 0xe074, 0x6a },
    [KEY_END] = { "end", 0xe04f, 0xe069, 0x65 },
    [KEY_DOWN] = { "down", 0xe050, 0xe072, 0x60 },
    [KEY_PAGEDOWN] = { "pgdn", 0xe051, 0xe07a, 0x6d },
    [KEY_INSERT] = { "insert", 0xe052, 0xe070, 0x67 },
    [KEY_DELETE] = { "delete", 0xe053, 0xe071, 0x64 },
    [KEY_MUTE] = { "audiomute", 0xe020, 0xe023, 0 },
    [KEY_VOLUMEDOWN] = { "volumedown", 0xe02e, 0xe021, 0 },
    [KEY_VOLUMEUP] = { "volumeup", 0xe030, 0xe032, 0 },
    [KEY_POWER] = { "power", 0xe05e, 0xe037, 0 },
    [KEY_KPEQUAL] = { "kp_equals", 0x59, 0x0f, 0 },
    [KEY_PAUSE] = { "pause", 0xe11d, 0xe114, 0x62 }, /* and more: see the keyboard */
    [KEY_KPCOMMA] = { "kp_comma", 0x7e, 0x6d, 0x7b },
    [KEY_YEN] = { "yen", 0x7d, 0x6a, 0x5d },
    [KEY_LEFTMETA] = { "meta_l", 0xe05b, 0xe01f, 0x8b },
    [KEY_RIGHTMETA] = { "meta_r", 0xe05c, 0xe027, 0x8c },
    [KEY_COMPOSE] = { "menu", 0xe05d, 0xe02f, 0x8d },
    [KEY_STOP] = { "ac_stop", 0xe068, 0xe028, 0 },
    [KEY_CALC] = { "calculator", 0xe021, 0xe02b, 0 },
    [KEY_SLEEP] = { "sleep", 0xe05f, 0xe03f, 0 },
    [KEY_WAKEUP] = { "wake", 0xe063, 0xe05e, 0 },
    [KEY_MAIL] = { "mail", 0xe06c, 0xe048, 0 },
    [KEY_BOOKMARKS] = { "ac_bookmarks", 0xe066, 0xe018, 0 },
    [KEY_COMPUTER] = { "computer", 0xe06b, 0xe040, 0 },
    [KEY_BACK] = { "ac_back", 0xe06a, 0xe038, 0 },
    [KEY_FORWARD] = { "ac_forward", 0xe069, 0xe030, 0 },
    [KEY_NEXTSONG] = { "audionext", 0xe019, 0xe04d, 0 },
    [KEY_PLAYPAUSE] = { "audioplay", 0xe022, 0xe034, 0 },
    [KEY_PREVIOUSSONG] = { "audioprev", 0xe010, 0xe015, 0 },
    [KEY_STOPCD] = { "audiostop", 0xe024, 0xe03b, 0 },
    [KEY_HOMEPAGE] = { "ac_home", 0xe032, 0xe03a, 0 },
    [KEY_REFRESH] = { "ac_refresh", 0xe067, 0xe020, 0 },
    [KEY_SEARCH] = { "find", 0xe065, 0xe010, 0 },
    [KEY_MEDIA] = { "mediaselect", 0xe06d, 0xe050, 0 },
};

const KeyCodes *key_codes(unsigned key)
{
    return key < G_N_ELEMENTS(keys) && keys[key].set1 ? &keys[key] : NULL;
}

unsigned input_key_by_name(const char *name)
{
    static const struct {
        const char *name;
        unsigned key;
    } aliases[] = {
        { "enter", KEY_ENTER },      { "shift_l", KEY_LEFTSHIFT }, { "ctrl_l", KEY_LEFTCTRL }, { "alt_l", KEY_LEFTALT },
        { "asterisk", KEY_KPASTERISK }, { "sysrq", KEY_SYSRQ },    { "altgr", KEY_RIGHTALT },  { "<", KEY_102ND },
        { "compose", KEY_COMPOSE },  { "space", KEY_SPACE },
    };

    for (unsigned key = 0; key < G_N_ELEMENTS(keys); key++)
        if (keys[key].name && !strcmp(name, keys[key].name))
            return key;
    for (unsigned i = 0; i < G_N_ELEMENTS(aliases); i++)
        if (!strcmp(name, aliases[i].name))
            return aliases[i].key;
    return 0;
}

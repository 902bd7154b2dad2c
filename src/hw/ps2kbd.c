/*
 * A PS/2 keyboard: 102 keys and the multimedia ones, scan code sets 1, 2 and 3, typematic repeat.
 *
 * 1. Keys to bytes. 2. Typematic. 3. Commands.
 *
 * IBM Personal System/2 Hardware Interface Technical Reference, "Keyboard".
 */
#include "config.h"
#include "hw/keys.h"
#include "hw/ps2.h"

#include <glib.h>
#include <linux/input-event-codes.h>
#include <string.h>

enum {
    KBD_SET_LEDS = 0xed,
    KBD_ECHO = 0xee,
    KBD_SCAN_SET = 0xf0,
    KBD_IDENTIFY = 0xf2,
    KBD_TYPEMATIC = 0xf3,
    KBD_ENABLE = 0xf4,
    KBD_DISABLE = 0xf5,
    KBD_DEFAULTS = 0xf6,
    KBD_ALL_TYPEMATIC = 0xf7, /* F7 to FD: how keys behave in set 3 */
    KBD_ALL_MAKE_BREAK = 0xf8,
    KBD_ALL_MAKE = 0xf9,
    KBD_ALL_TYPEMATIC_MAKE_BREAK = 0xfa,
    KBD_KEY_TYPEMATIC = 0xfb,
    KBD_KEY_MAKE_BREAK = 0xfc,
    KBD_KEY_MAKE = 0xfd,
    KBD_RESEND = 0xfe,
    KBD_RESET = 0xff,
    KBD_FIRST_COMMAND = KBD_SET_LEDS,
};

/* How a key behaves in set 3. */
enum {
    KEY_BREAKS = 1 << 0,
    KEY_REPEATS = 1 << 1,
};

#define TYPEMATIC_DEFAULT 0x2b /* 10.9 a second after 500 ms */

struct Ps2Keyboard {
    Clock *clock;
    Input *input;
    Ps2Port port;
    bool enabled;
    uint8_t set, leds, typematic;
    uint8_t behaviour[256]; /* KEY_BREAKS, KEY_REPEATS by set 3 code */
    bool down[KEY_CNT];
    unsigned repeating; /* key, or 0 */
    Timer *repeat;
};

/* ---- 1. keys to bytes ---- */

static bool held(const Ps2Keyboard *k, unsigned left, unsigned right)
{
    return k->down[left] || k->down[right];
}

/* Add a code of set 1 or 2 with its prefix: break is a top bit in set 1, F0 before the last byte in set 2. */
static size_t put_code(uint8_t *out, int set, uint16_t code, bool down)
{
    size_t n = 0;

    if (code >> 8)
        out[n++] = code >> 8;
    if (!down && set != 1)
        out[n++] = 0xf0;
    out[n++] = !down && set == 1 ? (code & 0xff) | 0x80 : code & 0xff;
    return n;
}

/* Print Screen: a fake shift around it, unless modifiers are held; with Alt it's the SysRq key of old. */
static size_t put_print(const Ps2Keyboard *k, uint8_t *out, bool down)
{
    uint16_t shift = k->set == 1 ? 0xe02a : 0xe012, print = k->set == 1 ? 0xe037 : 0xe07c;
    bool bare = !held(k, KEY_LEFTSHIFT, KEY_RIGHTSHIFT) && !held(k, KEY_LEFTCTRL, KEY_RIGHTCTRL);
    size_t n = 0;

    if (held(k, KEY_LEFTALT, KEY_RIGHTALT))
        return put_code(out, k->set, k->set == 1 ? 0x54 : 0x84, down);
    if (bare && down)
        n += put_code(out + n, k->set, shift, true);
    n += put_code(out + n, k->set, print, down);
    if (bare && !down)
        n += put_code(out + n, k->set, shift, false);
    return n;
}

/* Pause says make and break at once when pressed, nothing when released; with Ctrl it's Break. */
static size_t put_pause(const Ps2Keyboard *k, uint8_t *out, bool down)
{
    static const uint8_t pause1[] = { 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5 };
    static const uint8_t pause2[] = { 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77 };
    static const uint8_t break1[] = { 0xe0, 0x46, 0xe0, 0xc6 };
    static const uint8_t break2[] = { 0xe0, 0x7e, 0xe0, 0xf0, 0x7e };
    bool ctrl = held(k, KEY_LEFTCTRL, KEY_RIGHTCTRL);
    const uint8_t *from = k->set == 1 ? (ctrl ? break1 : pause1) : (ctrl ? break2 : pause2);
    size_t n = k->set == 1 ? (ctrl ? sizeof break1 : sizeof pause1) : (ctrl ? sizeof break2 : sizeof pause2);

    if (!down)
        return 0;
    memcpy(out, from, n);
    return n;
}

/* What a key sends; at most 8 bytes. */
static size_t encode(const Ps2Keyboard *k, unsigned key, bool down, uint8_t *out)
{
    const KeyCodes *codes = key_codes(key);

    if (k->set == 3) {
        if (!codes->set3 || (!down && !(k->behaviour[codes->set3] & KEY_BREAKS)))
            return 0;
        return put_code(out, 3, codes->set3, down);
    }
    if (key == KEY_SYSRQ)
        return put_print(k, out, down);
    if (key == KEY_PAUSE)
        return put_pause(k, out, down);
    return put_code(out, k->set, k->set == 1 ? codes->set1 : codes->set2, down);
}

static void send_key(Ps2Keyboard *k, unsigned key, bool down)
{
    uint8_t bytes[8];
    size_t n = encode(k, key, down, bytes);

    /* A full buffer loses the key, whole. */
    if (n && ps2_queue_put(&k->port.events, bytes, n))
        k->port.ready(k->port.opaque);
}

/* ---- 2. typematic ---- */

static int64_t repeat_delay(const Ps2Keyboard *k)
{
    return ((k->typematic >> 5 & 3) + 1) * MS(250);
}

static int64_t repeat_period(const Ps2Keyboard *k)
{
    return (8 + (k->typematic & 7)) * (1 << (k->typematic >> 3 & 3)) * US(4170);
}

static void stop_repeat(Ps2Keyboard *k)
{
    k->repeating = 0;
    timer_disarm(k->repeat);
}

static void repeat_fire(void *opaque)
{
    Ps2Keyboard *k = opaque;

    /* A guest that doesn't read now gets no backlog of repeats. */
    if (!k->port.events.count)
        send_key(k, k->repeating, true);
    timer_arm(k->repeat, clock_now(k->clock) + repeat_period(k));
}

static void start_repeat(Ps2Keyboard *k, unsigned key)
{
    const KeyCodes *codes = key_codes(key);

    stop_repeat(k);
    if (key == KEY_PAUSE || (k->set == 3 && !(k->behaviour[codes->set3] & KEY_REPEATS)))
        return;
    k->repeating = key;
    timer_arm(k->repeat, clock_now(k->clock) + repeat_delay(k));
}

static void key_event(void *opaque, unsigned key, bool down)
{
    Ps2Keyboard *k = opaque;

    if (!key_codes(key) || k->down[key] == down)
        return;
    k->down[key] = down;
    if (!down && key == k->repeating)
        stop_repeat(k);
    if (!k->enabled)
        return;
    send_key(k, key, down);
    if (down)
        start_repeat(k, key);
}

/* ---- 3. commands ---- */

static void reply(Ps2Keyboard *k, uint8_t byte)
{
    ps2_port_reply(&k->port, byte);
}

static void set_leds(Ps2Keyboard *k, uint8_t leds)
{
    k->leds = leds & 7;
    if (k->input->leds)
        k->input->leds(k->input->leds_opaque, k->leds);
}

static void set_all(Ps2Keyboard *k, uint8_t behaviour)
{
    memset(k->behaviour, behaviour, sizeof k->behaviour);
}

/* Set 3 as it is at power-on: letters, digits and arrows repeat, modifiers also break, the rest only makes. */
static void default_behaviour(Ps2Keyboard *k)
{
    static const uint8_t both[] = { 0x11, 0x12, 0x14, 0x19, 0x59 }; /* Ctrl, Shift, Caps Lock, Alt, right Shift */
    static const uint8_t arrows[] = { 0x60, 0x61, 0x63, 0x64, 0x6a, 0x7c };

    set_all(k, 0);
    for (int code = 0x0d; code <= 0x5d; code++)
        if (code != 0x39 && code != 0x58 && (code & 7) != 7) /* right Alt, right Ctrl, function keys */
            k->behaviour[code] = KEY_REPEATS;
    k->behaviour[0x56] = 0;
    k->behaviour[0x0f] = 0;
    for (size_t i = 0; i < sizeof both; i++)
        k->behaviour[both[i]] = KEY_BREAKS;
    for (size_t i = 0; i < sizeof arrows; i++)
        k->behaviour[arrows[i]] = KEY_REPEATS;
}

static void set_defaults(Ps2Keyboard *k)
{
    k->typematic = TYPEMATIC_DEFAULT;
    default_behaviour(k);
    stop_repeat(k);
    k->port.events.count = 0;
}

void ps2_keyboard_reset(Ps2Keyboard *k)
{
    set_defaults(k);
    ps2_port_reset(&k->port);
    k->enabled = true;
    k->set = 2;
    set_leds(k, 0);
}

static uint8_t behaviour_of(uint8_t command)
{
    switch (command) {
    case KBD_ALL_TYPEMATIC:
    case KBD_KEY_TYPEMATIC:
        return KEY_REPEATS;
    case KBD_ALL_MAKE_BREAK:
    case KBD_KEY_MAKE_BREAK:
        return KEY_BREAKS;
    case KBD_ALL_TYPEMATIC_MAKE_BREAK:
        return KEY_REPEATS | KEY_BREAKS;
    default:
        return 0;
    }
}

static void parameter(Ps2Keyboard *k, uint8_t command, uint8_t byte)
{
    switch (command) {
    case KBD_SET_LEDS:
        set_leds(k, byte);
        break;
    case KBD_SCAN_SET:
        if (byte > 3) {
            k->port.command = command; /* still waiting */
            reply(k, PS2_RESEND);
            return;
        }
        reply(k, PS2_ACK);
        if (byte == 0)
            reply(k, k->set);
        else
            k->set = byte;
        return;
    case KBD_TYPEMATIC:
        k->typematic = byte;
        break;
    default: /* the behaviour of a key */
        k->behaviour[byte] = behaviour_of(command);
        k->port.command = command; /* until another command ends the list */
        break;
    }
    reply(k, PS2_ACK);
}

static void command(Ps2Keyboard *k, uint8_t byte)
{
    switch (byte) {
    case KBD_SET_LEDS:
    case KBD_SCAN_SET:
    case KBD_TYPEMATIC:
    case KBD_KEY_TYPEMATIC:
    case KBD_KEY_MAKE_BREAK:
    case KBD_KEY_MAKE:
        k->port.command = byte;
        reply(k, PS2_ACK);
        break;
    case KBD_ECHO:
        reply(k, KBD_ECHO);
        break;
    case KBD_IDENTIFY:
        reply(k, PS2_ACK);
        reply(k, 0xab);
        reply(k, 0x83);
        break;
    case KBD_ENABLE:
        k->port.events.count = 0;
        k->enabled = true;
        reply(k, PS2_ACK);
        break;
    case KBD_DISABLE:
        set_defaults(k);
        k->enabled = false;
        reply(k, PS2_ACK);
        break;
    case KBD_DEFAULTS:
        set_defaults(k);
        reply(k, PS2_ACK);
        break;
    case KBD_ALL_TYPEMATIC:
    case KBD_ALL_MAKE_BREAK:
    case KBD_ALL_MAKE:
    case KBD_ALL_TYPEMATIC_MAKE_BREAK:
        set_all(k, behaviour_of(byte));
        reply(k, PS2_ACK);
        break;
    case KBD_RESEND:
        reply(k, k->port.last);
        break;
    case KBD_RESET:
        ps2_keyboard_reset(k);
        reply(k, PS2_ACK);
        reply(k, PS2_SELF_TEST_PASSED);
        break;
    default:
        reply(k, PS2_RESEND);
        break;
    }
}

void ps2_keyboard_write(Ps2Keyboard *k, uint8_t byte)
{
    uint8_t waiting = ps2_port_begin(&k->port);

    if (waiting && byte < KBD_FIRST_COMMAND)
        parameter(k, waiting, byte);
    else
        command(k, byte);
}

bool ps2_keyboard_pending(const Ps2Keyboard *k)
{
    return ps2_port_pending(&k->port);
}

uint8_t ps2_keyboard_take(Ps2Keyboard *k)
{
    return ps2_port_take(&k->port);
}

Ps2Keyboard *ps2_keyboard_new(Clock *clock, Input *input, void (*ready)(void *opaque), void *opaque)
{
    Ps2Keyboard *k = g_new0(Ps2Keyboard, 1);

    k->clock = clock;
    k->input = input;
    k->port.ready = ready;
    k->port.opaque = opaque;
    k->repeat = timer_new(clock, repeat_fire, k);
    input->key = key_event;
    input->key_opaque = k;
    ps2_keyboard_reset(k);
    return k;
}

void ps2_keyboard_free(Ps2Keyboard *k)
{
    if (!k)
        return;
    k->input->key = NULL;
    timer_free(k->repeat);
    g_free(k);
}

/*
 * Input: the seam between whoever has keys and a mouse (window, VNC, monitor's sendkey) and the devices that show them
 * to the guest. The machine lock is held in every call.
 *
 * Keys are the KEY_* numbers of <linux/input-event-codes.h> (evdev): physical keys of a US keyboard, KEY_ESC 1, KEY_A 30.
 * Host auto-repeat is not passed on: the emulated keyboard repeats by itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    INPUT_LEFT = 1 << 0,
    INPUT_RIGHT = 1 << 1,
    INPUT_MIDDLE = 1 << 2,
    INPUT_SIDE = 1 << 3,
    INPUT_EXTRA = 1 << 4,
};

enum {
    INPUT_SCROLL_LOCK = 1 << 0,
    INPUT_NUM_LOCK = 1 << 1,
    INPUT_CAPS_LOCK = 1 << 2,
};

typedef struct Input {
    /* Filled in by the keyboard and the mouse. */
    void (*key)(void *opaque, unsigned key, bool down);
    void *key_opaque;
    void (*mouse)(void *opaque, int dx, int dy, int dz, unsigned buttons);
    void *mouse_opaque;
    /* Filled in by the user interface: the guest set the LEDs (INPUT_*_LOCK). May be NULL. */
    void (*leds)(void *opaque, unsigned leds);
    void *leds_opaque;
} Input;

/* A key goes down or up. */
static inline void input_key(const Input *in, unsigned key, bool down)
{
    if (in->key)
        in->key(in->key_opaque, key, down);
}

/*
 * The mouse moved by dx to the right, dy down (screen sense) and its wheel by dz towards the user, with buttons now
 * INPUT_LEFT... held.
 */
static inline void input_mouse(const Input *in, int dx, int dy, int dz, unsigned buttons)
{
    if (in->mouse)
        in->mouse(in->mouse_opaque, dx, dy, dz, buttons);
}

/* The key of a name as `sendkey` spells it ("a", "ret", "ctrl", "f1", "kp_enter"...), or 0. */
unsigned input_key_by_name(const char *name);

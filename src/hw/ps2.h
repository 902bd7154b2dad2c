/*
 * PS/2 devices: what hangs on the keyboard controller's two plugs. Each takes command bytes from the controller and
 * queues bytes for it. The controller calls take when its output buffer is free, and is told by ready() that there is
 * something to take.
 */
#pragma once

#include "clock.h"
#include "hw/input.h"

#define PS2_QUEUE 64 /* bytes of events; replies to commands always find room */

typedef struct Ps2Queue {
    uint8_t data[PS2_QUEUE];
    unsigned head, count;
} Ps2Queue;

typedef struct Ps2Keyboard Ps2Keyboard;
typedef struct Ps2Mouse Ps2Mouse;

/* ready is called when bytes were queued; it must not call back synchronously into anything but _pending and _take. */
Ps2Keyboard *ps2_keyboard_new(Clock *clock, Input *input, void (*ready)(void *opaque), void *opaque);
void ps2_keyboard_free(Ps2Keyboard *k);
/* Power-on, without the self test's answer. */
void ps2_keyboard_reset(Ps2Keyboard *k);
void ps2_keyboard_write(Ps2Keyboard *k, uint8_t byte);
bool ps2_keyboard_pending(const Ps2Keyboard *k);
uint8_t ps2_keyboard_take(Ps2Keyboard *k);

Ps2Mouse *ps2_mouse_new(Clock *clock, Input *input, void (*ready)(void *opaque), void *opaque);
void ps2_mouse_free(Ps2Mouse *m);
void ps2_mouse_reset(Ps2Mouse *m);
void ps2_mouse_write(Ps2Mouse *m, uint8_t byte);
bool ps2_mouse_pending(const Ps2Mouse *m);
uint8_t ps2_mouse_take(Ps2Mouse *m);

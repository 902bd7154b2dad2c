/*
 * PS/2 devices: what hangs on the keyboard controller's two plugs. Each takes command bytes from the controller and
 * queues bytes for it. The controller calls take when its output buffer is free, and is told by ready() that there is
 * something to take.
 */
#pragma once

#include "clock.h"
#include "hw/input.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PS2_QUEUE 64 /* bytes */

typedef struct Ps2Queue {
    uint8_t data[PS2_QUEUE];
    unsigned head, count;
} Ps2Queue;

/* Queue len bytes, all or none. */
static inline bool ps2_queue_put(Ps2Queue *q, const uint8_t *bytes, size_t len)
{
    if (len > PS2_QUEUE - q->count)
        return false;
    for (size_t i = 0; i < len; i++)
        q->data[(q->head + q->count++) % PS2_QUEUE] = bytes[i];
    return true;
}

/* The next byte; the queue isn't empty. */
static inline uint8_t ps2_queue_take(Ps2Queue *q)
{
    uint8_t byte = q->data[q->head];

    q->head = (q->head + 1) % PS2_QUEUE;
    q->count--;
    return byte;
}

/* Bytes that both devices say. */
enum {
    PS2_ACK = 0xfa,
    PS2_SELF_TEST_PASSED = 0xaa,
    PS2_RESEND = 0xfe,
};

/* A device's end of the wire. */
typedef struct Ps2Port {
    Ps2Queue replies, events; /* replies to commands come before events */
    uint8_t last;             /* byte sent, for "resend" */
    uint8_t command;          /* that waits for its parameter, or 0 */
    void (*ready)(void *opaque);
    void *opaque;
} Ps2Port;

/* As at power-on: nothing to send, nothing waited for. */
static inline void ps2_port_reset(Ps2Port *p)
{
    p->replies.count = p->events.count = 0;
    p->command = p->last = 0;
}

static inline void ps2_port_reply(Ps2Port *p, uint8_t byte)
{
    ps2_queue_put(&p->replies, &byte, 1);
    p->ready(p->opaque);
}

/* A byte from the host ends what was being answered. Returns the command that waited for a parameter, or 0. */
static inline uint8_t ps2_port_begin(Ps2Port *p)
{
    uint8_t waiting = p->command;

    p->command = 0;
    p->replies.count = 0;
    return waiting;
}

static inline bool ps2_port_pending(const Ps2Port *p)
{
    return p->replies.count || p->events.count;
}

static inline uint8_t ps2_port_take(Ps2Port *p)
{
    uint8_t byte = ps2_queue_take(p->replies.count ? &p->replies : &p->events);

    if (byte != PS2_RESEND)
        p->last = byte;
    return byte;
}

typedef struct Ps2Keyboard Ps2Keyboard;
typedef struct Ps2Mouse Ps2Mouse;

/* ready is called when there is a byte to take. Replies to commands come before events. */
Ps2Keyboard *ps2_keyboard_new(Clock *clock, Input *input, void (*ready)(void *opaque), void *opaque);
void ps2_keyboard_free(Ps2Keyboard *k);
/* To power-on state, silently. */
void ps2_keyboard_reset(Ps2Keyboard *k);
void ps2_keyboard_write(Ps2Keyboard *k, uint8_t byte);
bool ps2_keyboard_pending(const Ps2Keyboard *k);
/* The next byte; only while pending. */
uint8_t ps2_keyboard_take(Ps2Keyboard *k);

Ps2Mouse *ps2_mouse_new(Clock *clock, Input *input, void (*ready)(void *opaque), void *opaque);
void ps2_mouse_free(Ps2Mouse *m);
void ps2_mouse_reset(Ps2Mouse *m);
void ps2_mouse_write(Ps2Mouse *m, uint8_t byte);
bool ps2_mouse_pending(const Ps2Mouse *m);
uint8_t ps2_mouse_take(Ps2Mouse *m);

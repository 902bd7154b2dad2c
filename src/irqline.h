/*
 * An interrupt line: a wire from a device to whoever listens.
 *
 * The board gives each device its lines; a device only ever raises or lowers them. Lines are level wires: edge
 * detection belongs to the interrupt controller. Called with the machine lock held.
 */
#pragma once

#include <stdbool.h>

typedef struct IrqLine {
    void (*set)(void *opaque, int n, bool level);
    void *opaque;
    int n;
} IrqLine;

/* Drive the line. An unconnected line (set == NULL) takes it silently. */
static inline void irqline_set(const IrqLine *line, bool level)
{
    if (line->set)
        line->set(line->opaque, line->n, level);
}

static inline void irqline_pulse(const IrqLine *line)
{
    irqline_set(line, true);
    irqline_set(line, false);
}

/*
 * Interrupt acknowledge: the CPU asks the controller for the vector of the interrupt it is about to take.
 * Returns 0..255, or -1 when the request has gone away. Called with the machine lock held.
 */
typedef struct IntAck {
    int (*ack)(void *opaque);
    void *opaque;
} IntAck;

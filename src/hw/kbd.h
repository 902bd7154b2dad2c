/*
 * The keyboard controller of the PC: an 8042 with a keyboard (IRQ 1) and a PS/2 mouse (IRQ 12). Ports 60h and 64h.
 */
#pragma once

#include "clock.h"
#include "hw/input.h"
#include "irqline.h"
#include "softmmu/region.h"

typedef struct Kbd Kbd;

typedef struct KbdLines {
    IrqLine irq1, irq12;
    IrqLine a20;   /* the output port's bit 1: driven when written, and at reset (on) */
    IrqLine reset; /* pulsed when the guest asks for a CPU reset */
} KbdLines;

/* The keyboard and mouse enter themselves in input, which outlives the controller. */
Kbd *kbd_new(Bus *io, Clock *clock, KbdLines lines, Input *input);
void kbd_free(Kbd *k);
void kbd_reset(Kbd *k);

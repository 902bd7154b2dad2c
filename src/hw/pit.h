/*
 * The timer of the PC: an 8254 (ports 40h-43h) and the port that gates its channel 2 (61h).
 *
 * Channel 0 drives IRQ 0, channel 1 once refreshed the DRAM, channel 2 makes the speaker's tone.
 */
#pragma once

#include "clock.h"
#include "irqline.h"
#include "softmmu/region.h"

#define PIT_HZ 1193182 /* 14.31818 MHz / 12 */

typedef struct Pit Pit;

Pit *pit_new(Bus *io, Clock *clock, IrqLine irq);
void pit_free(Pit *p);
void pit_reset(Pit *p);

/*
 * Let the timer ask how its last tick fared (see PicIrqState in pic.h: 0 idle, 1 pending, 2 masked). A tick that comes due
 * while the last is pending isn't lost, but made up for when the guest takes interrupts again: some at once, as each is
 * taken (pit_tick_taken(), after each acknowledge), the rest at twice the rate. Without state, only ticks that this process was
 * late for are made up for.
 */
void pit_set_irq_state(Pit *p, int (*state)(void *opaque), void *opaque);
void pit_tick_taken(Pit *p);

/* Cut IRQ 0, or connect it again: the HPET's legacy replacement route. Connected at reset. */
void pit_set_irq_enabled(Pit *p, bool enabled);

/* The speaker: what it sounds now (hz is 0 when silent or beyond hearing), and a call when that changes. */
unsigned pit_speaker_hz(Pit *p);
void pit_set_speaker(Pit *p, void (*changed)(void *opaque, unsigned hz), void *opaque);

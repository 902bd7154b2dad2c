/*
 * The high precision event timer (IA-PC HPET specification 1.0a): a 64-bit counter at 100 MHz and three comparators.
 */
#pragma once

#include "clock.h"
#include "irqline.h"
#include "softmmu/region.h"

typedef struct Hpet Hpet;

#define HPET_BASE 0xfed00000u
#define HPET_ID 0x8086a201u /* also in the ACPI table */

typedef struct HpetWires {
    IrqLine irq0; /* timer interrupt: from the PIT, or from timer 0 in legacy replacement mode */
    IrqLine irq8; /* clock interrupt: from the RTC, or from timer 1 */
    IrqLine irq2; /* the one route of its own: I/O APIC pin 2 */
    IrqLine legacy; /* up while legacy replacement is on: nobody hears the PIT. May be unconnected */
} HpetWires;

Hpet *hpet_new(Bus *mem, Clock *clock, const HpetWires *wires);
void hpet_reset(Hpet *h);
void hpet_free(Hpet *h);

/*
 * Let timer 0, as the timer interrupt (irq0), ask how its last tick fared: 0 idle, 1 pending, 2 masked, as
 * PicIrqState in pic.h. A periodic tick that comes due while the last is pending isn't lost, but made up for:
 * some at once, as each is taken (hpet_tick_taken(), after each acknowledge), the rest at twice the rate.
 */
void hpet_set_irq_state(Hpet *h, int (*state)(void *opaque), void *opaque);
void hpet_tick_taken(Hpet *h);

/* Where the PIT and the RTC plug in: passed on to irq0 and irq8 unless legacy replacement is on. */
IrqLine hpet_pit_input(Hpet *h);
IrqLine hpet_rtc_input(Hpet *h);

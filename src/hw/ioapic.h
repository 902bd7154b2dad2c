/*
 * The I/O APIC (82093AA, with the EOI register of later ones): 24 pins, each redirected to a vector of the local
 * APIC.
 */
#pragma once

#include "hw/apicbus.h"
#include "irqline.h"
#include "softmmu/region.h"

typedef struct Ioapic Ioapic;

#define IOAPIC_BASE 0xfec00000u
#define IOAPIC_PINS 24

/* Put the I/O APIC on mem at IOAPIC_BASE; send is how its messages leave. */
Ioapic *ioapic_new(Bus *mem, ApicSendFn *send, void *opaque);
void ioapic_reset(Ioapic *a);
void ioapic_free(Ioapic *a);

/* Pin n's wire. */
IrqLine ioapic_line(Ioapic *a, unsigned n);
/* Is pin n masked? If not, which vector does it send? */
bool ioapic_masked(const Ioapic *a, unsigned n);
uint8_t ioapic_vector(const Ioapic *a, unsigned n);
/* A local APIC has ended a level-triggered interrupt: pins with this vector may interrupt again. */
void ioapic_eoi(Ioapic *a, uint8_t vector);

/* How often pin n has risen since ioapic_new(). */
uint64_t ioapic_pin_count(const Ioapic *a, unsigned n);
/* As `info pic` shows it. */
void ioapic_print(const Ioapic *a, GString *out);

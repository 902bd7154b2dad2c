/*
 * The interrupt wiring of the board: every IRQ goes to the PIC and to the I/O APIC at once.
 *
 * Several devices may pull one IRQ (PCI lines, SCI); it is high while any of them does.
 */
#pragma once

#include "irqline.h"

typedef struct Gsi Gsi;

#define GSI_LINES 24

Gsi *gsi_new(void);
void gsi_free(Gsi *g);

/* Where IRQ n comes out: input n of the PIC pair (n < 16), pin n of the I/O APIC (n < 24). */
void gsi_connect_pic(Gsi *g, unsigned n, IrqLine line);
void gsi_connect_ioapic(Gsi *g, unsigned n, IrqLine line);

/* A new wire onto IRQ n, for one device. Lives as long as g. */
IrqLine gsi_line(Gsi *g, unsigned n);
/* Is anybody pulling IRQ n? */
bool gsi_level(const Gsi *g, unsigned n);

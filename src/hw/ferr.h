/*
 * Floating-point errors the PC/AT way: FERR# becomes IRQ 13, and a write to port F0h ends it by IGNNE# (SDM 1
 * appendix D.2).
 */
#pragma once

#include "irqline.h"
#include "softmmu/region.h"

typedef struct Ferr Ferr;

/* ignne is the wire to the CPU's pin: raised when the guest acknowledges, lowered when FERR# falls. */
Ferr *ferr_new(Bus *io, IrqLine irq13, IrqLine ignne);
void ferr_reset(Ferr *f);
void ferr_free(Ferr *f);

/* The CPU's FERR# pin comes in here. */
IrqLine ferr_input(Ferr *f);

/*
 * A parallel port with a printer that takes everything: standard (SPP), three ports. Bytes go to the chardev.
 */
#pragma once

#include "chardev.h"
#include "irqline.h"
#include "softmmu/region.h"

typedef struct Parallel Parallel;

/* port is 378h (IRQ 7) or 278h (IRQ 5). chr may be NULL: the printer is off line. It outlives the device. */
Parallel *parallel_new(Bus *io, uint16_t port, IrqLine irq, Chardev *chr);
void parallel_free(Parallel *p);
void parallel_reset(Parallel *p);

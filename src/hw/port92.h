/*
 * Port 92h, system control port A: the fast A20 gate and the fast CPU reset.
 */
#pragma once

#include "irqline.h"
#include "softmmu/region.h"

typedef struct Port92 Port92;

/*
 * a20 follows bit 1. It is driven when the guest writes the port, and at reset (off), so a board may either OR it with the
 * keyboard controller's line or let the last writer win. reset is pulsed when bit 0 goes from 0 to 1.
 */
Port92 *port92_new(Bus *io, IrqLine a20, IrqLine reset);
void port92_free(Port92 *p);
void port92_reset(Port92 *p);

/*
 * The PIIX3's IDE function, 8086:7010: two channels at the ISA addresses, and their bus masters behind BAR 4.
 */
#pragma once

#include "hw/ide.h"
#include "hw/pci.h"

typedef struct PiixIde PiixIde;

/* Function devfn of bus (the PIIX3's function 1); the channels' ports go on io. irq14 and irq15 are the ISA lines. */
PiixIde *piix_ide_new(PciBus *bus, unsigned devfn, Bus *io, IrqLine irq14, IrqLine irq15);
void piix_ide_free(PiixIde *ide);
void piix_ide_reset(PiixIde *ide);
/* Channel 0 (1f0h, irq 14) or 1 (170h, irq 15), to attach drives to. */
IdeChannel *piix_ide_channel(PiixIde *ide, unsigned n);

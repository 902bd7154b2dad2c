/*
 * The PIIX3 ISA bridge (82371SB, 8086:7000 at 00:01.0): where the four PCI interrupts go, and the reset control port.
 */
#pragma once

#include "hw/gsi.h"
#include "hw/pci.h"

typedef struct Piix3 Piix3;

/*
 * Takes the bus's four PIRQs, puts them on the IRQs that the guest chooses, and pulses reset when the guest writes
 * 0xcf9.
 */
Piix3 *piix3_new(PciBus *pci, Gsi *gsi, IrqLine reset);
void piix3_reset(Piix3 *p);
void piix3_free(Piix3 *p);

/*
 * The bus-master IDE function of the PIIX: eight ports a channel, and the walk over the guest's table of physical
 * regions.
 */
#pragma once

#include "hw/ide.h"
#include "hw/pci.h"

typedef struct Bmdma Bmdma;

/* A bus master for ch that moves data as pci (not owned). */
Bmdma *bmdma_new(PciDevice *pci, IdeChannel *ch);
void bmdma_free(Bmdma *bm);
void bmdma_reset(Bmdma *bm);

/* The registers: offset 0..7 in the channel's half of BAR 4. */
uint64_t bmdma_read(Bmdma *bm, uint64_t offset, unsigned size);
void bmdma_write(Bmdma *bm, uint64_t offset, uint64_t value, unsigned size);

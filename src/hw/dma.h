/*
 * The ISA DMA controllers: two 8237A and the page registers. Channels 0 to 3 move bytes, 5 to 7 words, 4 cascades.
 *
 * Ports 00h-0Fh, C0h-DFh, 80h-8Fh. A device moves data when it has some, with dma_to_memory() and dma_from_memory(). If
 * the guest hasn't opened the channel yet they move nothing: the device holds DREQ and is called when it opens.
 * As on the real board, channels 0 to 3 run only while channel 4 is unmasked (BIOSes do that: mode C0h to port D6h, 0 to D4h).
 */
#pragma once

#include "softmmu/region.h"

typedef struct Dma Dma;

/* mem is where transfers go. */
Dma *dma_new(Bus *io, Bus *mem);
void dma_free(Dma *d);
void dma_reset(Dma *d);

/*
 * Attach a device to channel 0..3 or 5..7. ready (may be NULL) is called when the guest opens the channel while the
 * device holds DREQ; it may call back into here.
 */
void dma_attach(Dma *d, int channel, void (*ready)(void *opaque), void *opaque);
void dma_set_dreq(Dma *d, int channel, bool level);

/* Whether a transfer would move anything now. */
bool dma_is_open(const Dma *d, int channel);

/*
 * Move up to len bytes from the device to memory, or from memory to the device. Returns the bytes moved: fewer than len when the
 * terminal count was reached (*tc is then true, for an auto-initialised channel too: call again to go on), 0 when the
 * channel is closed. Word channels move whole words. Verify transfers, and transfers against the programmed direction, count
 * but touch no memory; buf is then filled with 0xff. tc may be NULL.
 */
size_t dma_to_memory(Dma *d, int channel, const void *buf, size_t len, bool *tc);
size_t dma_from_memory(Dma *d, int channel, void *buf, size_t len, bool *tc);

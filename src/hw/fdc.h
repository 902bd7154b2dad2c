/*
 * The floppy disk controller, an 82077AA in AT mode: ports 3F2h to 3F5h and 3F7h, interrupt 6, DMA channel 2, two
 * drives.
 *
 * The transfers' I/O is synchronous: a sector is half a kilobyte, and the host's page cache has it.
 */
#pragma once

#include "block/block.h"
#include "clock.h"
#include "hw/dma.h"
#include "hw/floppy.h"
#include "irqline.h"

typedef struct Fdc Fdc;

/* dma may be NULL: then only the non-DMA mode moves data. */
Fdc *fdc_new(Bus *io, Clock *clock, Dma *dma, IrqLine irq);
void fdc_free(Fdc *f);
void fdc_reset(Fdc *f);

/*
 * Connect drive 0 (A) or 1 (B), before the machine starts, empty or with a diskette: of the type that the diskette
 * wants, 1.44M when empty. The image stays the caller's and outlives the controller or its replacement. False and an
 * error when it is larger than any diskette.
 */
bool fdc_attach(Fdc *f, unsigned unit, BlockDev *image, GError **error);

/*
 * Exchange the diskette (NULL: take it out); the guest sees the change line. The old image is the caller's to close.
 */
bool fdc_change(Fdc *f, unsigned unit, BlockDev *image, GError **error);

BlockDev *fdc_image(const Fdc *f, unsigned unit);
/* CMOS byte 10h: drive A in the high nibble, B in the low one. */
uint8_t fdc_cmos_types(const Fdc *f);

/*
 * Cylinders, heads and sectors of a hard disk image, as QEMU and SeaBIOS guess them.
 */
#pragma once

#include "block/block.h"

/* How the BIOS shows the disk through int 13h; the values are those of CMOS byte 39h in QEMU and SeaBIOS. */
typedef enum BlockTranslation {
    BLOCK_TRANSLATION_NONE = 0,  /* int 13h geometry is the drive's own */
    BLOCK_TRANSLATION_LBA = 1,   /* LBA-assist: 63 sectors, 16 to 255 heads by size */
    BLOCK_TRANSLATION_LARGE = 2, /* heads doubled, cylinders halved, until there are at most 1024 cylinders */
} BlockTranslation;

typedef struct BlockGeometry {
    unsigned cylinders, heads, sectors; /* what the drive says of itself: at most 16383, 16, 63 */
    BlockTranslation translation;
    unsigned bios_cylinders, bios_heads, bios_sectors; /* what int 13h says: at most 1024, 255, 63 */
} BlockGeometry;

/*
 * From the partition table when it tells (it was written by someone who knew the geometry), else from the size. An
 * unreadable first sector counts as no table.
 */
void block_guess_geometry(BlockDev *b, BlockGeometry *g);

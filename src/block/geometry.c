/*
 * The geometry guess.
 *
 * A partition table entry ends on a cylinder boundary, so its last head and sector tell the geometry that the
 * partitioner saw. With more than 16 heads the partitioner saw a BIOS translation and the drive itself is of the
 * standard shape; with 16 or fewer it saw the drive's own geometry.
 */
#include "block/geometry.h"

#define ATA_MAX_CYLINDERS 16383u
#define ATA_MAX_HEADS 16u
#define ATA_MAX_SECTORS 63u
#define BIOS_MAX_CYLINDERS 1024u
#define MBR_TABLE 0x1be
#define MBR_ENTRY 16
/* Above this many tracks LARGE can't reach the end of the disk: 1024 cylinders by 128 heads. */
#define LARGE_MAX_TRACKS 131072u

static bool geometry_from_table(BlockDev *b, unsigned *cylinders, unsigned *heads, unsigned *sectors)
{
    uint8_t mbr[BLOCK_SECTOR];

    if (block_read(b, 0, mbr, sizeof(mbr)) < 0 || mbr[510] != 0x55 || mbr[511] != 0xaa)
        return false;
    for (int i = 0; i < 4; i++) {
        const uint8_t *e = mbr + MBR_TABLE + i * MBR_ENTRY;
        uint32_t count = e[12] | e[13] << 8 | e[14] << 16 | (uint32_t)e[15] << 24;
        unsigned end_head = e[5], end_sector = e[6] & 63;

        if (!count || !end_head || !end_sector)
            continue;
        *heads = end_head + 1;
        *sectors = end_sector;
        uint64_t c = block_size(b) / BLOCK_SECTOR / (*heads * *sectors);
        if (c < 1 || c > ATA_MAX_CYLINDERS)
            continue;
        *cylinders = (unsigned)c;
        return true;
    }
    return false;
}

static void geometry_from_size(BlockDev *b, BlockGeometry *g)
{
    uint64_t c = block_size(b) / BLOCK_SECTOR / (ATA_MAX_HEADS * ATA_MAX_SECTORS);

    g->cylinders = (unsigned)CLAMP(c, 2, ATA_MAX_CYLINDERS);
    g->heads = ATA_MAX_HEADS;
    g->sectors = ATA_MAX_SECTORS;
}

static void geometry_translate(BlockDev *b, BlockGeometry *g)
{
    uint64_t total = block_size(b) / BLOCK_SECTOR;
    uint64_t c = g->cylinders;
    unsigned h = g->heads, s = g->sectors;

    if (g->translation == BLOCK_TRANSLATION_LARGE) {
        while (c > BIOS_MAX_CYLINDERS && h < 128) {
            c /= 2;
            h *= 2;
        }
    } else if (g->translation == BLOCK_TRANSLATION_LBA) {
        s = 63;
        for (h = 16; h < 255 && total / s / BIOS_MAX_CYLINDERS > h;)
            h = h == 128 ? 255 : h * 2;
        c = total / s / h;
    }
    g->bios_cylinders = (unsigned)CLAMP(c, 1, BIOS_MAX_CYLINDERS);
    g->bios_heads = h;
    g->bios_sectors = s;
}

void block_guess_geometry(BlockDev *b, BlockGeometry *g)
{
    unsigned c, h, s;

    if (!geometry_from_table(b, &c, &h, &s)) {
        geometry_from_size(b, g);
        g->translation = g->cylinders <= BIOS_MAX_CYLINDERS ? BLOCK_TRANSLATION_NONE : BLOCK_TRANSLATION_LBA;
    } else if (h > ATA_MAX_HEADS) {
        geometry_from_size(b, g);
        g->translation = g->cylinders * g->heads <= LARGE_MAX_TRACKS ? BLOCK_TRANSLATION_LARGE : BLOCK_TRANSLATION_LBA;
    } else {
        g->cylinders = c;
        g->heads = h;
        g->sectors = s;
        g->translation = BLOCK_TRANSLATION_NONE;
    }
    geometry_translate(b, g);
}

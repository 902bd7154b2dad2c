/*
 * Floppy drives and diskettes.
 */
#include "config.h"
#include "hw/floppy.h"

#include <errno.h>
#include <string.h>

#define MAX_TRACK 84 /* where the head meets the end stop */

/* 5.25" diskettes of 40 tracks are read at 300 kbit/s: the 1.2M drive turns at 360 rpm. */
static const FloppyFormat formats[] = {
    {8, 40, 1, FLOPPY_300K, FLOPPY_1200K},  /* 160K */
    {9, 40, 1, FLOPPY_300K, FLOPPY_1200K},  /* 180K */
    {8, 40, 2, FLOPPY_300K, FLOPPY_1200K},  /* 320K */
    {9, 40, 2, FLOPPY_300K, FLOPPY_1200K},  /* 360K */
    {15, 80, 2, FLOPPY_500K, FLOPPY_1200K}, /* 1.2M */
    {9, 80, 2, FLOPPY_250K, FLOPPY_1440K},  /* 720K */
    {10, 80, 2, FLOPPY_250K, FLOPPY_1440K}, /* 800K */
    {10, 82, 2, FLOPPY_250K, FLOPPY_1440K}, /* 820K */
    {18, 80, 2, FLOPPY_500K, FLOPPY_1440K}, /* 1.44M */
    {20, 80, 2, FLOPPY_500K, FLOPPY_1440K}, /* 1.6M */
    {21, 80, 2, FLOPPY_500K, FLOPPY_1440K}, /* 1.68M, DMF */
    {21, 82, 2, FLOPPY_500K, FLOPPY_1440K}, /* 1.72M */
    {21, 83, 2, FLOPPY_500K, FLOPPY_1440K}, /* 1.74M */
    {36, 80, 2, FLOPPY_1M, FLOPPY_2880K},   /* 2.88M */
};

static uint64_t format_bytes(const FloppyFormat *f)
{
    return (uint64_t)f->sectors * f->tracks * f->heads * BLOCK_SECTOR;
}

const FloppyFormat *floppy_format(uint64_t bytes)
{
    const FloppyFormat *any = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        const FloppyFormat *f = &formats[i];
        if (format_bytes(f) == bytes)
            return f;
        if (!any && (f->sectors == 18 || f->sectors == 36) && format_bytes(f) > bytes)
            any = f;
    }
    return any;
}

void floppy_insert(FloppyDrive *d, BlockDev *image)
{
    d->image = image;
    d->format = image ? floppy_format(block_size(image)) : NULL;
    g_assert(!image || d->format);
    d->passing = 1;
    d->changed = true;
}

void floppy_seek(FloppyDrive *d, unsigned track)
{
    unsigned to = MIN(track, MAX_TRACK);

    /*
     * Only step pulses reset the change line, and there are none towards where the head is: drivers step to and fro.
     */
    if (d->image && to != d->track)
        d->changed = false;
    d->track = to;
}

static uint64_t sector_offset(const FloppyDrive *d, unsigned head, unsigned sector)
{
    const FloppyFormat *f = d->format;

    return (((uint64_t)d->track * f->heads + head) * f->sectors + sector - 1) * BLOCK_SECTOR;
}

int floppy_read(FloppyDrive *d, unsigned head, unsigned sector, uint8_t *buf)
{
    uint64_t at = sector_offset(d, head, sector);

    if (at >= block_size(d->image)) {
        memset(buf, 0, BLOCK_SECTOR);
        return 0;
    }
    return block_read(d->image, at, buf, BLOCK_SECTOR);
}

int floppy_write(FloppyDrive *d, unsigned head, unsigned sector, const uint8_t *buf)
{
    uint64_t at = sector_offset(d, head, sector);

    return at >= block_size(d->image) ? -ENOSPC : block_write(d->image, at, buf, BLOCK_SECTOR);
}

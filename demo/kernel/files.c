/*
 * The file system, read-only: one directory of fixed entries in two sectors, and every file in consecutive sectors
 * behind them. mkdisk makes it.
 */
#include "kernel/kernel.h"

#define DIRECTORY_SECTORS 2
#define DIRECTORY_FILES (DIRECTORY_SECTORS * SECTOR_BYTES / sizeof(FileInfo))

static FileInfo directory[DIRECTORY_FILES];

void files_init(uint32_t first_sector)
{
    if (!disk_read(first_sector, DIRECTORY_SECTORS, directory))
        panic("the directory cannot be read");
}

/* NULL behind the last. */
const FileInfo *file_at(unsigned index)
{
    return index < DIRECTORY_FILES && directory[index].name[0] ? directory + index : NULL;
}

const FileInfo *file_find(const char *name)
{
    const FileInfo *f;
    for (unsigned n = 0; (f = file_at(n)); n++)
        if (!strcmp(f->name, name))
            return f;
    return NULL;
}

/* Bytes read, fewer at the file's end; -1 on an error of the disk. */
int file_read(const FileInfo *f, uint32_t offset, void *to, uint32_t count)
{
    uint8_t sector[SECTOR_BYTES], *at = to;
    if (offset >= f->bytes)
        return 0;
    if (count > f->bytes - offset)
        count = f->bytes - offset;
    for (uint32_t left = count, bytes; left; left -= bytes, offset += bytes, at += bytes) {
        uint32_t within = offset % SECTOR_BYTES, number = f->sector + offset / SECTOR_BYTES;
        if (within == 0 && left >= SECTOR_BYTES) { /* whole sectors go straight to where they belong */
            bytes = left & -SECTOR_BYTES;
            if (!disk_read(number, bytes / SECTOR_BYTES, at))
                return -1;
        } else {
            bytes = left < SECTOR_BYTES - within ? left : SECTOR_BYTES - within;
            if (!disk_read(number, 1, sector))
                return -1;
            memcpy(at, sector + within, bytes);
        }
    }
    return count;
}

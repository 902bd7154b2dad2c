/*
 * Bus-master IDE ("Programming Interface for Bus Master IDE Controller", 1.0; 82371SB datasheet 2.7).
 *
 * The guest gives the address of a table: per entry eight bytes, a region's address, its length in bytes (0 for 64
 * KiB) and, in the top bit, whether it is the last. What the status says at the end:
 *
 *     interrupt  active
 *         0        1     under way
 *         1        0     done, table and transfer were equally long
 *         1        1     done, the table was longer
 *         0        0     the table was shorter (or nothing was started)
 */
#include "hw/bmdma.h"

#include "hw/ide_drive.h"

enum {
    BM_COMMAND = 0,
    BM_STATUS = 2,
    BM_TABLE = 4,
};
enum {
    BM_COMMAND_START = 1 << 0,
    BM_COMMAND_TO_MEMORY = 1 << 3,
    BM_STATUS_ACTIVE = 1 << 0,
    BM_STATUS_ERROR = 1 << 1,
    BM_STATUS_INTERRUPT = 1 << 2,
    BM_STATUS_CAPABLE = 3 << 5, /* for software: drive 0, drive 1 */
};
#define PRD_LAST (1u << 31)
/* A table may not cross 64 KiB; without an end mark ours doesn't run on for ever either. */
#define TABLE_MAX_ENTRIES 8192

struct Bmdma {
    PciDevice *pci;
    IdeChannel *ch;
    IdeMaster master;
    uint8_t command, status;
    uint32_t table;
    /* the walk */
    uint32_t next;    /* address of the next entry */
    unsigned entries; /* read so far */
    uint32_t addr, left;
    bool last; /* the entry being used is the last */
};

/* ---- The table ---- */

static bool bmdma_next_region(Bmdma *bm)
{
    uint8_t entry[8];

    if (bm->last || bm->entries == TABLE_MAX_ENTRIES)
        return false;
    if (!pci_dma_read(bm->pci, bm->next, entry, sizeof(entry)))
        return false;
    uint32_t addr = entry[0] | entry[1] << 8 | entry[2] << 16 | (uint32_t)entry[3] << 24;
    uint32_t size = entry[4] | entry[5] << 8 | entry[6] << 16 | (uint32_t)entry[7] << 24;
    bm->next += sizeof(entry);
    bm->entries++;
    bm->addr = addr & ~1u;
    bm->left = size & 0xfffe ? size & 0xfffe : 0x10000;
    bm->last = size & PRD_LAST;
    return true;
}

static uint32_t master_transfer(void *opaque, uint8_t *buf, uint32_t len, bool to_memory)
{
    Bmdma *bm = opaque;
    uint32_t done = 0;

    while (done < len) {
        if (bm->left == 0 && !bmdma_next_region(bm))
            break;
        uint32_t n = MIN(len - done, bm->left);
        bool ok = to_memory ? pci_dma_write(bm->pci, bm->addr, buf + done, n)
                            : pci_dma_read(bm->pci, bm->addr, buf + done, n);
        if (!ok) {
            bm->status |= BM_STATUS_ERROR;
            break;
        }
        bm->addr += n;
        bm->left -= n;
        done += n;
    }
    return done;
}

static bool master_active(void *opaque)
{
    return ((Bmdma *)opaque)->status & BM_STATUS_ACTIVE;
}

/* Active stays when the table has more to offer. */
static void master_finish(void *opaque)
{
    Bmdma *bm = opaque;

    if (bm->left == 0 && bm->last)
        bm->status &= (uint8_t)~BM_STATUS_ACTIVE;
}

static void master_interrupt(void *opaque)
{
    ((Bmdma *)opaque)->status |= BM_STATUS_INTERRUPT;
}

/* ---- Registers ---- */

static void bmdma_write_command(Bmdma *bm, uint8_t value)
{
    bool was = bm->command & BM_COMMAND_START, is = value & BM_COMMAND_START;

    bm->command = value & (BM_COMMAND_START | BM_COMMAND_TO_MEMORY);
    if (is && !was) {
        bm->next = bm->table;
        bm->entries = 0;
        bm->left = 0;
        bm->last = false;
        bm->status |= BM_STATUS_ACTIVE;
        ide_master_started(bm->ch);
    } else if (was && !is) {
        if (bm->status & BM_STATUS_ACTIVE)
            ide_master_stopped(bm->ch);
        bm->status &= (uint8_t)~BM_STATUS_ACTIVE;
    }
}

static uint8_t bmdma_read_byte(Bmdma *bm, unsigned offset)
{
    switch (offset) {
    case BM_COMMAND:
        return bm->command;
    case BM_STATUS:
        return bm->status;
    case BM_TABLE ... BM_TABLE + 3:
        return (uint8_t)(bm->table >> 8 * (offset - BM_TABLE));
    default:
        return 0;
    }
}

static void bmdma_write_byte(Bmdma *bm, unsigned offset, uint8_t value)
{
    switch (offset) {
    case BM_COMMAND:
        bmdma_write_command(bm, value);
        break;
    case BM_STATUS:
        /* Interrupt and error are cleared by writing ones; active is ours; the rest is memory for software. */
        bm->status = (bm->status & BM_STATUS_ACTIVE) | (value & BM_STATUS_CAPABLE) |
                     (bm->status & ~value & (BM_STATUS_ERROR | BM_STATUS_INTERRUPT));
        break;
    case BM_TABLE ... BM_TABLE + 3: {
        unsigned shift = 8 * (offset - BM_TABLE);
        bm->table = (bm->table & ~(0xffu << shift)) | (uint32_t)value << shift;
        bm->table &= ~3u;
        break;
    }
    }
}

uint64_t bmdma_read(Bmdma *bm, uint64_t offset, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bmdma_read_byte(bm, (unsigned)offset + i) << 8 * i;
    return value;
}

void bmdma_write(Bmdma *bm, uint64_t offset, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        bmdma_write_byte(bm, (unsigned)offset + i, (uint8_t)(value >> 8 * i));
}

/* ---- Reset, creation ---- */

void bmdma_reset(Bmdma *bm)
{
    bm->command = bm->status = 0;
    bm->table = bm->next = bm->addr = bm->left = 0;
    bm->last = false;
}

Bmdma *bmdma_new(PciDevice *pci, IdeChannel *ch)
{
    Bmdma *bm = g_new0(Bmdma, 1);

    bm->pci = pci;
    bm->ch = ch;
    bm->master = (IdeMaster){master_active, master_transfer, master_finish, master_interrupt, bm};
    ide_set_master(ch, &bm->master);
    return bm;
}

void bmdma_free(Bmdma *bm)
{
    g_free(bm);
}

/*
 * What a disk says of itself and lets be changed: IDENTIFY DEVICE, SET FEATURES, SMART.
 */
#include "hw/ide_drive.h"

#include <string.h>

#include "config.h"

#define MODEL "X86VM HARDDISK"
#define MODE_KIND 0xf8 /* SET FEATURES 03h: kind of mode; the rest is its number */
#define MODE_MWDMA 0x20
#define MODE_UDMA 0x40
#define MODE_PIO 0x08
#define UDMA_MAX 5
#define MWDMA_MAX 2

/* ---- IDENTIFY DEVICE (ATA-6 8.15) ---- */

static uint16_t mode_selected(uint8_t mode, uint8_t kind)
{
    return (mode & MODE_KIND) == kind ? (uint16_t)(1 << (8 + (mode & 7))) : 0;
}

static void identify_end(IdeDrive *d)
{
    d->status = ATA_DRDY | ATA_DSC;
}

void ata_identify(IdeDrive *d)
{
    const AtaState *a = &d->ata;
    uint64_t total = block_size(d->image) / BLOCK_SECTOR;
    uint32_t lba28 = (uint32_t)MIN(total, (1u << 28) - 1);
    uint32_t chs = (uint32_t)MIN((uint64_t)a->cur_cylinders * a->cur_heads * a->cur_sectors, lba28);
    uint8_t *w = d->buf;
    const struct {
        unsigned n;
        unsigned value;
    } words[] = {
        {0, 0x0040}, /* fixed device */
        {1, a->cylinders},
        {3, a->heads},
        {4, a->sectors * BLOCK_SECTOR},
        {5, BLOCK_SECTOR},
        {6, a->sectors},
        {20, 3},   /* dual-ported buffer with look-ahead */
        {21, 512}, /* buffer sectors */
        {22, 4},   /* ECC bytes */
        {47, 0x8000 | ATA_MAX_MULTIPLE},
        {48, 1}, /* 32-bit access to the data port */
        {49, 1 << 11 | 1 << 10 | 1 << 9 | 1 << 8}, /* IORDY, may be disabled; LBA; DMA */
        {50, 0x4000},
        {51, 0x0200}, /* PIO mode 2 */
        {52, 0x0200},
        {53, 7}, /* words 54-58, 64-70 and 88 are valid */
        {54, a->cur_cylinders},
        {55, a->cur_heads},
        {56, a->cur_sectors},
        {57, chs & 0xffff},
        {58, chs >> 16},
        {59, a->multiple ? 0x100 | a->multiple : 0},
        {60, lba28 & 0xffff},
        {61, lba28 >> 16},
        {63, 0x0007 | mode_selected(a->transfer_mode, MODE_MWDMA)},
        {64, 0x0003}, /* PIO 3 and 4 */
        {65, 120},
        {66, 120},
        {67, 120},
        {68, 120},
        {80, 0x00f0}, /* ATA-4 to ATA-7 */
        {81, 0x0016},
        /* NOP, buffers, look-ahead, cache, power, SMART */
        {82, 1 << 14 | 1 << 13 | 1 << 12 | 1 << 6 | 1 << 5 | 1 << 3 | 1},
        {83, 1 << 14 | 1 << 13 | 1 << 12 | 1 << 10}, /* FLUSH CACHE EXT, FLUSH CACHE, 48 bits */
        {84, 1 << 14 | 1 << 6},                      /* WRITE FUA */
        {85, 1 << 14 | 1 << 13 | 1 << 12 | (a->look_ahead ? 1 << 6 : 0) | (a->write_cache ? 1 << 5 : 0) | 1 << 3 |
                 (a->smart ? 1 : 0)},
        {86, 1 << 13 | 1 << 12 | 1 << 10},
        {87, 1 << 14 | 1 << 6},
        {88, 0x003f | mode_selected(a->transfer_mode, MODE_UDMA)},
        {93, d->unit ? 0x6b00 : 0x600b}, /* 80-wire cable; jumpers decide the number, diagnostics passed */
        {100, total & 0xffff},
        {101, total >> 16 & 0xffff},
        {102, total >> 32 & 0xffff},
        {103, total >> 48 & 0xffff},
        {106, 0x4000},
        {169, block_read_only(d->image) ? 0 : 1}, /* TRIM */
        {105, block_read_only(d->image) ? 0 : IDE_CHUNK / BLOCK_SECTOR}, /* blocks of a DATA SET MANAGEMENT */
    };

    memset(w, 0, BLOCK_SECTOR);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        ide_put_word(w, words[i].n, (uint16_t)words[i].value);
    ide_identify_string(w, 10, 10, d->serial);
    ide_identify_string(w, 23, 4, PACKAGE_VERSION);
    ide_identify_string(w, 27, 20, MODEL);
    ide_data_in(d, 0, BLOCK_SECTOR, identify_end);
}

/* ---- SET FEATURES (ATA-6 8.46) ---- */

static bool set_transfer_mode(AtaState *a, uint8_t mode)
{
    unsigned n = mode & 7;

    switch (mode & MODE_KIND) {
    case 0: /* PIO default, with or without IORDY */
        return n <= 1;
    case MODE_PIO:
        return n <= 4;
    case MODE_MWDMA:
        if (n > MWDMA_MAX)
            return false;
        break;
    case MODE_UDMA:
        if (n > UDMA_MAX)
            return false;
        break;
    default:
        return false;
    }
    a->transfer_mode = mode;
    return true;
}

void ata_set_features(IdeDrive *d)
{
    AtaState *a = &d->ata;

    switch (d->feature) {
    case 0x02:
        a->write_cache = true;
        break;
    case 0x82: {
        /* What is cached goes out first: the host's cache is ours. */
        a->write_cache = false;
        ata_command(d, 0xe7);
        return;
    }
    case 0x03:
        if (!set_transfer_mode(a, d->count)) {
            ide_abort(d);
            return;
        }
        break;
    case 0x55:
        a->look_ahead = false;
        break;
    case 0xaa:
        a->look_ahead = true;
        break;
    case 0x66: /* keep settings over a soft reset; or return to the defaults then */
    case 0xcc:
        break;
    default:
        ide_abort(d);
        return;
    }
    ide_done(d);
}

/* ---- SMART (ATA-6 8.54) ---- */

/* A small healthy disk: id, flags, value, worst, threshold. */
static const uint8_t attributes[][5] = {
    {0x01, 0x03, 100, 100, 6},  /* read error rate */
    {0x03, 0x03, 100, 100, 16}, /* spin-up time */
    {0x04, 0x02, 100, 100, 20}, /* start/stop count */
    {0x05, 0x03, 100, 100, 36}, /* reallocated sectors */
    {0x09, 0x03, 100, 100, 0},  /* power-on hours */
    {0x0c, 0x03, 100, 100, 0},  /* power cycles */
    {0xbe, 0x03, 69, 69, 50},   /* airflow temperature */
};

static void smart_send(IdeDrive *d)
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < 511; i++)
        sum += d->buf[i];
    d->buf[511] = (uint8_t)-sum;
    ide_data_in(d, 0, BLOCK_SECTOR, identify_end);
}

static void smart_read_data(IdeDrive *d)
{
    memset(d->buf, 0, BLOCK_SECTOR);
    d->buf[0] = 1; /* revision */
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        uint8_t *e = d->buf + 2 + 12 * i;
        e[0] = attributes[i][0];
        e[1] = attributes[i][1];
        e[3] = attributes[i][2];
        e[4] = attributes[i][3];
        if (e[0] == 0xbe)
            e[5] = 100 - e[3]; /* degrees Celsius */
    }
    d->buf[362] = 0x02; /* off-line collection completed */
    d->buf[364] = 1;
    d->buf[367] = 0x01 | 0x02 | 0x10; /* can run off-line, autosave, self-tests */
    d->buf[368] = 3;                  /* saves before standby, autosave */
    d->buf[372] = 2;                  /* minutes of the short self-test, and of the long one */
    d->buf[373] = 2;
    smart_send(d);
}

static void smart_read_thresholds(IdeDrive *d)
{
    memset(d->buf, 0, BLOCK_SECTOR);
    d->buf[0] = 1;
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        d->buf[2 + 12 * i] = attributes[i][0];
        d->buf[3 + 12 * i] = attributes[i][4];
    }
    smart_send(d);
}

/* Log directory, error log, self-test log: all empty. */
static void smart_read_log(IdeDrive *d)
{
    memset(d->buf, 0, BLOCK_SECTOR);
    switch (d->low) {
    case 0x00:
        d->buf[0] = 1;
        d->buf[2] = 1; /* the error log has one sector, */
        d->buf[12] = 1; /* the self-test log too */
        ide_data_in(d, 0, BLOCK_SECTOR, identify_end);
        break;
    case 0x01:
    case 0x06:
        d->buf[0] = 1;
        smart_send(d);
        break;
    default:
        ide_abort(d);
    }
}

void ata_smart(IdeDrive *d)
{
    AtaState *a = &d->ata;

    /* The signature keeps a stray B0h from doing anything. */
    if (d->mid != 0x4f || d->high != 0xc2 || (!a->smart && d->feature != 0xd8)) {
        ide_abort(d);
        return;
    }
    switch (d->feature) {
    case 0xd0:
        smart_read_data(d);
        return;
    case 0xd1:
        smart_read_thresholds(d);
        return;
    case 0xd2:
        if (d->count != 0x00 && d->count != 0xf1) {
            ide_abort(d);
            return;
        }
        a->smart_autosave = d->count == 0xf1;
        break;
    case 0xd3: /* save attribute values: they are constants */
    case 0xd4: /* run a test: it has passed */
        break;
    case 0xd5:
        smart_read_log(d);
        return;
    case 0xd8:
        a->smart = true;
        break;
    case 0xd9:
        a->smart = false;
        break;
    case 0xda: /* healthy: the signature comes back unchanged */
        break;
    default:
        ide_abort(d);
        return;
    }
    ide_done(d);
}

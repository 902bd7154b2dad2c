/*
 * The packet interface of a CD-ROM drive: how packets come in, and data and sense go out.
 *
 * The PACKET command takes twelve bytes through the data port; mmc.c runs them and ends with atapi_ok(),
 * atapi_fail(), atapi_reply() or atapi_read(). Data leave in PIO portions of at most the byte count limit, each
 * announced in the byte count registers with an interrupt, or by DMA in one go (ATA/ATAPI-6 9.8, 9.9). Parts: ends,
 * data to the guest, commands.
 */
#include "hw/ide_drive.h"

#include <string.h>

#include "config.h"

#define MODEL "X86VM DVD-ROM"
#define FEATURE_DMA 1
#define FEATURE_OVERLAP 2

const Sense sense_none = {0, 0, 0};
const Sense sense_no_medium = {0x02, 0x3a, 0x00};
const Sense sense_tray_open = {0x02, 0x3a, 0x02};
const Sense sense_bad_command = {0x05, 0x20, 0x00};
const Sense sense_bad_field = {0x05, 0x24, 0x00};
const Sense sense_out_of_range = {0x05, 0x21, 0x00};
const Sense sense_read_error = {0x03, 0x11, 0x00};
const Sense sense_locked = {0x05, 0x53, 0x02};
const Sense sense_medium_changed = {0x06, 0x28, 0x00};
const Sense sense_wrong_mode = {0x05, 0x64, 0x00};

uint32_t atapi_sectors(const IdeDrive *d)
{
    return d->image && !d->atapi.tray_open ? (uint32_t)MIN(block_size(d->image) / CD_SECTOR, UINT32_MAX) : 0;
}

/* ---- Ends ---- */

static void atapi_reason(IdeDrive *d, uint8_t reason)
{
    d->count = (d->count & (uint8_t)~(ATAPI_CD | ATAPI_IO)) | reason;
}

static void atapi_end_dma(IdeDrive *d)
{
    if (d->dma)
        ide_dma_finish(d);
}

void atapi_ok(IdeDrive *d)
{
    atapi_end_dma(d);
    atapi_reason(d, ATAPI_CD | ATAPI_IO);
    ide_done(d);
}

void atapi_fail(IdeDrive *d, const Sense *sense)
{
    atapi_end_dma(d);
    d->atapi.sense = *sense;
    atapi_reason(d, ATAPI_CD | ATAPI_IO);
    ide_fail(d, (uint8_t)(sense->key << 4));
}

/* ---- Data to the guest ---- */

static void atapi_read_step(IdeDrive *d);

/* Pass on what is in buf; then read more, or be done. */
static void atapi_pio_step(IdeDrive *d)
{
    AtapiState *a = &d->atapi;

    if (a->reply_pos == a->reply) {
        if (a->left)
            atapi_read_step(d);
        else
            atapi_ok(d);
        return;
    }
    uint32_t at = a->reply_pos, n = MIN(a->reply - a->reply_pos, a->limit);
    a->reply_pos += n;
    d->mid = (uint8_t)n;
    d->high = (uint8_t)(n >> 8);
    atapi_reason(d, ATAPI_IO);
    ide_data_in(d, at, n, atapi_pio_step);
}

static void atapi_dma_step(IdeDrive *d)
{
    AtapiState *a = &d->atapi;

    if (ide_dma_transfer(d, d->buf, a->reply, true) < a->reply)
        ide_dma_underrun(d);
    else if (a->left)
        atapi_read_step(d);
    else
        atapi_ok(d);
}

void atapi_reply(IdeDrive *d, uint32_t n, uint32_t allowed)
{
    AtapiState *a = &d->atapi;

    a->reply = MIN(n, allowed);
    a->reply_pos = 0;
    a->left = 0;
    if (a->reply == 0)
        atapi_ok(d);
    else if (a->dma)
        ide_dma_wait(d, atapi_dma_step);
    else
        atapi_pio_step(d);
}

/*
 * The parts of a mode 1 sector that READ CD asked for, packed (MMC-3 table 361): sync, header, user data, EDC and
 * ECC.
 */
static uint32_t atapi_pack(uint8_t *to, const uint8_t *data, uint32_t lba, uint8_t fields)
{
    uint8_t raw[CD_RAW_SECTOR];
    static const struct {
        uint8_t mask;
        uint16_t at, len;
    } parts[] = {{0x80, 0, 12}, {0x20, 12, 4}, {0x10, 16, 2048}, {0x08, 2064, 288}};
    uint32_t n = 0;

    memcpy(raw + 16, data, CD_SECTOR);
    mmc_raw_sector(raw, lba);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!(fields & parts[i].mask))
            continue;
        memcpy(to + n, raw + parts[i].at, parts[i].len);
        n += parts[i].len;
    }
    return n;
}

static void atapi_read_done(IdeDrive *d, BlockReq *req)
{
    AtapiState *a = &d->atapi;
    uint32_t n = (uint32_t)(req->len / CD_SECTOR);

    if (req->error) {
        atapi_fail(d, &sense_read_error);
        return;
    }
    a->reply = 0;
    a->reply_pos = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *data = req->buf + i * CD_SECTOR;
        if (a->sector_size == CD_SECTOR)
            memcpy(d->buf + a->reply, data, CD_SECTOR);
        else
            atapi_pack(d->buf + a->reply, data, a->lba + i, a->fields);
        a->reply += a->sector_size;
    }
    a->lba += n;
    a->left -= n;
    if (a->dma)
        atapi_dma_step(d);
    else
        atapi_pio_step(d);
}

static void atapi_read_step(IdeDrive *d)
{
    AtapiState *a = &d->atapi;
    uint32_t n = MIN(a->left, IDE_CHUNK / MAX(a->sector_size, CD_SECTOR));

    /* The disc may have been exchanged since the last piece. */
    if (a->lba > atapi_sectors(d) || n > atapi_sectors(d) - a->lba) {
        atapi_fail(d, &sense_no_medium);
        return;
    }
    ide_submit(d, block_req_new(BLOCK_READ, (uint64_t)a->lba * CD_SECTOR, (uint64_t)n * CD_SECTOR), atapi_read_done);
}

void atapi_read(IdeDrive *d, uint32_t lba, uint32_t count, uint32_t sector_size)
{
    AtapiState *a = &d->atapi;

    if (lba > atapi_sectors(d) || count > atapi_sectors(d) - lba) {
        atapi_fail(d, &sense_out_of_range);
        return;
    }
    if (count == 0) {
        atapi_ok(d);
        return;
    }
    a->lba = lba;
    a->left = count;
    a->sector_size = sector_size;
    a->reply = a->reply_pos = 0;
    if (a->dma)
        ide_dma_wait(d, atapi_read_step);
    else
        atapi_read_step(d);
}

/* ---- Commands ---- */

static void atapi_packet_in(IdeDrive *d)
{
    memcpy(d->atapi.packet, d->buf, sizeof(d->atapi.packet));
    mmc_command(d);
}

static void atapi_packet(IdeDrive *d)
{
    AtapiState *a = &d->atapi;
    uint32_t limit = d->mid | (uint32_t)d->high << 8;

    if (d->feature & FEATURE_OVERLAP || (d->feature & FEATURE_DMA && !ide_dma_possible(d))) {
        ide_abort(d);
        return;
    }
    a->dma = d->feature & FEATURE_DMA;
    /* Portions are even but for the last; 0 is not a limit (some drivers leave it so for commands without data). */
    a->limit = limit < 2 ? 0xfffe : limit & 0xfffe;
    d->error = 0;
    d->count = 0;
    atapi_reason(d, ATAPI_CD);
    ide_data_out(d, sizeof(a->packet), false, atapi_packet_in);
}

static void identify_end(IdeDrive *d)
{
    d->status = ATA_DRDY | ATA_DSC;
}

/* ATA/ATAPI-6 8.16. */
static void atapi_identify(IdeDrive *d)
{
    uint8_t mode = d->atapi.transfer_mode;
    uint8_t *w = d->buf;
    const struct {
        unsigned n, value;
    } words[] = {
        {0, 2 << 14 | 5 << 8 | 1 << 7 | 2 << 5}, /* packet device, CD-ROM, removable, DRQ within 50 us, 12 bytes */
        {20, 3},
        {21, 512},
        {22, 4},
        {48, 1},
        {49, 1 << 11 | 1 << 10 | 1 << 9 | 1 << 8}, /* IORDY, LBA, DMA */
        {50, 0x4000},
        {51, 0x0200},
        {53, 7}, /* words 64-70 and 88 are valid */
        {63, 0x0007 | ((mode & 0xf8) == 0x20 ? 1 << (8 + (mode & 7)) : 0)},
        {64, 0x0003},
        {65, 180},
        {66, 180},
        {67, 300},
        {68, 180},
        {71, 30},
        {72, 30},
        {80, 0x001e}, /* up to ATA/ATAPI-4 */
        {82, 1 << 14 | 1 << 9 | 1 << 4}, /* NOP, DEVICE RESET, PACKET */
        {83, 1 << 14},
        {84, 1 << 14},
        {85, 1 << 14 | 1 << 9 | 1 << 4},
        {87, 1 << 14},
        {88, 0x003f | ((mode & 0xf8) == 0x40 ? 1 << (8 + (mode & 7)) : 0)},
        {93, d->unit ? 0x6b00 : 0x600b},
    };

    memset(w, 0, BLOCK_SECTOR);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        ide_put_word(w, words[i].n, (uint16_t)words[i].value);
    ide_identify_string(w, 10, 10, d->serial);
    ide_identify_string(w, 23, 4, PACKAGE_VERSION);
    ide_identify_string(w, 27, 20, MODEL);
    ide_data_in(d, 0, BLOCK_SECTOR, identify_end);
}

static void atapi_set_features(IdeDrive *d)
{
    uint8_t kind = d->count & 0xf8, n = d->count & 7;

    if (d->feature == 0x66 || d->feature == 0xcc) {
        ide_done(d);
        return;
    }
    if (d->feature != 0x03 ||
        !((kind == 0 && n <= 1) || (kind == 0x08 && n <= 4) || (kind == 0x20 && n <= 2) ||
          (kind == 0x40 && n <= 5))) {
        ide_abort(d);
        return;
    }
    if (kind >= 0x20)
        d->atapi.transfer_mode = d->count;
    ide_done(d);
}

void atapi_command(IdeDrive *d, uint8_t command)
{
    switch (command) {
    case 0x08: /* DEVICE RESET: no interrupt (ATA-6 8.8) */
        ide_cancel(d);
        ide_signature(d);
        d->status = 0;
        d->irq = false;
        break;
    case 0xa0:
        atapi_packet(d);
        break;
    case 0xa1:
        atapi_identify(d);
        break;
    case 0xef:
        atapi_set_features(d);
        break;
    case 0xe5: /* CHECK POWER MODE: active */
    case 0x98:
        d->count = 0xff;
        ide_done(d);
        break;
    case 0xe0 ... 0xe3:
    case 0xe6:
    case 0x94 ... 0x97:
    case 0x99:
        ide_done(d);
        break;
    case 0x20: /* READ SECTORS and IDENTIFY DEVICE tell what this is (ATA-6 8.15.5.2) */
    case 0xec:
        ide_signature(d);
        ide_abort(d);
        break;
    default:
        ide_abort(d);
    }
}

/* ---- Media, reset, creation ---- */

void atapi_change(IdeDrive *d, BlockDev *image)
{
    AtapiState *a = &d->atapi;

    if (d->req) {
        /* The command that was reading has lost its disc. */
        bool dma = d->dma;
        ide_cancel(d);
        d->dma = dma;
        atapi_fail(d, &sense_no_medium);
    }
    d->image = image;
    a->tray_open = false;
    a->locked = false;
    a->attention = image != NULL;
    a->event = image ? 2 : 3;
}

void atapi_reset(IdeDrive *d, bool hard)
{
    AtapiState *a = &d->atapi;

    a->sense = sense_none;
    a->left = a->reply = a->reply_pos = 0;
    a->dma = false;
    a->locked = false;
    if (hard) {
        a->attention = false;
        a->event = 0;
        a->tray_open = false;
        a->transfer_mode = 0x40 | 5;
    }
}

void atapi_attach(IdeDrive *d)
{
    d->atapi = (AtapiState){0};
}

/*
 * ATA disk commands.
 *
 * A table says which function runs each command. Reads and writes come in the forms PIO (one DRQ block of 1 or
 * `multiple` sectors at a time), DMA and verify, with 28- or 48-bit addresses, and all share ata_begin(). Parts:
 * addresses, reads, writes, DMA, verify, the small commands, the table.
 */
#include "hw/ide_drive.h"

#include <errno.h>
#include <string.h>

#include "block/geometry.h"

#define LBA28_LIMIT (1ull << 28)
#define LBA48_LIMIT (1ull << 48)

static uint64_t ata_sectors(const IdeDrive *d)
{
    return block_size(d->image) / BLOCK_SECTOR;
}

/* ---- Addresses ---- */

/* The address in the task file; UINT64_MAX for a CHS address that the geometry hasn't. */
static uint64_t ata_get_lba(const IdeDrive *d)
{
    const AtaState *a = &d->ata;
    uint64_t low24 = d->low | (uint64_t)d->mid << 8 | (uint64_t)d->high << 16;

    if (a->ext)
        return low24 | (uint64_t)d->hob_low << 24 | (uint64_t)d->hob_mid << 32 | (uint64_t)d->hob_high << 40;
    if (d->device & ATA_DEVICE_LBA)
        return low24 | (uint64_t)(d->device & ATA_DEVICE_HEAD) << 24;
    unsigned cylinder = d->mid | (unsigned)d->high << 8, head = d->device & ATA_DEVICE_HEAD, sector = d->low;
    if (head >= a->cur_heads || sector == 0 || sector > a->cur_sectors)
        return UINT64_MAX;
    return ((uint64_t)cylinder * a->cur_heads + head) * a->cur_sectors + sector - 1;
}

static void ata_put_lba(IdeDrive *d, uint64_t lba)
{
    const AtaState *a = &d->ata;

    if (a->ext) {
        d->hob_low = (uint8_t)(lba >> 24);
        d->hob_mid = (uint8_t)(lba >> 32);
        d->hob_high = (uint8_t)(lba >> 40);
    } else if (d->device & ATA_DEVICE_LBA) {
        d->device = (d->device & (uint8_t)~ATA_DEVICE_HEAD) | (lba >> 24 & ATA_DEVICE_HEAD);
    } else {
        uint64_t track = lba / a->cur_sectors;
        d->low = (uint8_t)(lba % a->cur_sectors + 1);
        d->device = (d->device & (uint8_t)~ATA_DEVICE_HEAD) | (uint8_t)(track % a->cur_heads);
        d->mid = (uint8_t)(track / a->cur_heads);
        d->high = (uint8_t)(track / a->cur_heads >> 8);
        return;
    }
    d->low = (uint8_t)lba;
    d->mid = (uint8_t)(lba >> 8);
    d->high = (uint8_t)(lba >> 16);
}

/* Address and count of the sectors still to do, as the task file shows them while a command proceeds. */
static void ata_show_progress(IdeDrive *d)
{
    ata_put_lba(d, d->ata.lba);
    d->count = (uint8_t)d->ata.left;
    if (d->ata.ext)
        d->hob_count = (uint8_t)(d->ata.left >> 8);
}

/* Take address and count from the task file. False: the command has failed. */
static bool ata_begin(IdeDrive *d, bool ext)
{
    AtaState *a = &d->ata;

    a->ext = ext;
    a->through = false;
    a->standby = false;
    a->left = ext ? d->count | (uint32_t)d->hob_count << 8 : d->count;
    if (a->left == 0)
        a->left = ext ? 65536 : 256;
    a->lba = ata_get_lba(d);
    if (a->lba >= ata_sectors(d) || a->left > ata_sectors(d) - a->lba) {
        ide_fail(d, ATA_IDNF);
        return false;
    }
    return true;
}

static BlockReq *ata_request(IdeDrive *d, BlockOp op, uint32_t sectors)
{
    return block_req_new(op, d->ata.lba * BLOCK_SECTOR, (uint64_t)sectors * BLOCK_SECTOR);
}

static void ata_advance(IdeDrive *d, uint32_t sectors)
{
    d->ata.lba += sectors;
    d->ata.left -= sectors;
}

static uint32_t ata_piece(const IdeDrive *d)
{
    return MIN(d->ata.left, d->ata.block);
}

/*
 * A piece failed. Go on sector by sector, so that the good ones before the bad are not lost and the task file names
 * the bad one; true when that has been arranged and the step is to be run again.
 */
static bool ata_retry(IdeDrive *d, uint32_t sectors)
{
    if (sectors == 1)
        return false;
    d->ata.block = 1;
    return true;
}

static void ata_medium_error(IdeDrive *d, uint8_t error)
{
    ata_show_progress(d);
    ide_fail(d, error);
}

/* ---- PIO reads ---- */

static void ata_read_step(IdeDrive *d);

static void ata_read_done(IdeDrive *d, BlockReq *req)
{
    uint32_t n = (uint32_t)(req->len / BLOCK_SECTOR);

    if (req->error) {
        ata_medium_error(d, ATA_UNC);
        return;
    }
    memcpy(d->buf, req->buf, req->len);
    ata_advance(d, n);
    ata_show_progress(d);
    d->error = 0;
    ide_data_in(d, 0, n * BLOCK_SECTOR, ata_read_step);
}

static void ata_read_step(IdeDrive *d)
{
    if (d->ata.left == 0) {
        d->status = ATA_DRDY | ATA_DSC; /* the last block's interrupt was the last */
        return;
    }
    ide_submit(d, ata_request(d, BLOCK_READ, ata_piece(d)), ata_read_done);
}

static void ata_read(IdeDrive *d, bool ext, uint32_t block)
{
    d->ata.block = block;
    if (ata_begin(d, ext))
        ata_read_step(d);
}

/* ---- PIO writes ---- */

static void ata_flush_done(IdeDrive *d, BlockReq *req)
{
    if (req->error)
        ide_abort(d);
    else
        ide_done(d);
}

/* With the write cache off, or for FUA, "written" means on the host's disk. */
static void ata_write_end(IdeDrive *d)
{
    ata_show_progress(d);
    if (d->ata.through || !d->ata.write_cache)
        ide_submit(d, block_req_new(BLOCK_FLUSH, 0, 0), ata_flush_done);
    else
        ide_done(d);
}

static void ata_write_step(IdeDrive *d);

static void ata_write_done(IdeDrive *d, BlockReq *req)
{
    if (req->error) {
        ata_medium_error(d, ATA_ABRT);
        return;
    }
    ata_advance(d, (uint32_t)(req->len / BLOCK_SECTOR));
    ata_show_progress(d);
    if (d->ata.left == 0)
        ata_write_end(d);
    else
        ide_data_out(d, ata_piece(d) * BLOCK_SECTOR, true, ata_write_step);
}

static void ata_write_step(IdeDrive *d)
{
    BlockReq *req = ata_request(d, BLOCK_WRITE, ata_piece(d));

    memcpy(req->buf, d->buf, req->len);
    ide_submit(d, req, ata_write_done);
}

static void ata_write(IdeDrive *d, bool ext, uint32_t block, bool through)
{
    d->ata.block = block;
    if (!ata_begin(d, ext))
        return;
    d->ata.through = through;
    d->error = 0;
    /* No interrupt before the first block (ATA-6 9.6). */
    ide_data_out(d, ata_piece(d) * BLOCK_SECTOR, false, ata_write_step);
}

/* ---- DMA ---- */

static void ata_dma_read_step(IdeDrive *d);

static void ata_dma_read_done(IdeDrive *d, BlockReq *req)
{
    uint32_t n = (uint32_t)(req->len / BLOCK_SECTOR);

    if (req->error && !ata_retry(d, n)) {
        ide_dma_finish(d);
        ata_medium_error(d, ATA_UNC);
        return;
    }
    if (!req->error) {
        if (ide_dma_transfer(d, req->buf, (uint32_t)req->len, true) < req->len) {
            ide_dma_underrun(d);
            return;
        }
        ata_advance(d, n);
    }
    ata_dma_read_step(d);
}

static void ata_dma_read_step(IdeDrive *d)
{
    if (d->ata.left == 0) {
        ata_show_progress(d);
        ide_dma_finish(d);
        ide_done(d);
        return;
    }
    ide_submit(d, ata_request(d, BLOCK_READ, ata_piece(d)), ata_dma_read_done);
}

static void ata_dma_write_step(IdeDrive *d);

static void ata_dma_flushed(IdeDrive *d, BlockReq *req)
{
    ide_dma_finish(d);
    ata_flush_done(d, req);
}

static void ata_dma_write_done(IdeDrive *d, BlockReq *req)
{
    if (req->error) {
        ide_dma_finish(d);
        ata_medium_error(d, ATA_ABRT);
        return;
    }
    ata_advance(d, (uint32_t)(req->len / BLOCK_SECTOR));
    ata_dma_write_step(d);
}

static void ata_dma_write_step(IdeDrive *d)
{
    uint32_t n = ata_piece(d);

    if (n == 0) {
        ata_show_progress(d);
        if (d->ata.through || !d->ata.write_cache) {
            ide_submit(d, block_req_new(BLOCK_FLUSH, 0, 0), ata_dma_flushed);
            return;
        }
        ide_dma_finish(d);
        ide_done(d);
        return;
    }
    uint32_t got = ide_dma_transfer(d, d->buf, n * BLOCK_SECTOR, false) / BLOCK_SECTOR;
    if (got == 0) {
        ide_dma_underrun(d);
        return;
    }
    BlockReq *req = ata_request(d, BLOCK_WRITE, got);
    memcpy(req->buf, d->buf, req->len);
    ide_submit(d, req, ata_dma_write_done);
}

static void ata_dma(IdeDrive *d, bool ext, bool write, bool through)
{
    if (!ide_dma_possible(d)) {
        ide_abort(d);
        return;
    }
    d->ata.block = IDE_CHUNK / BLOCK_SECTOR;
    if (!ata_begin(d, ext))
        return;
    d->ata.through = through;
    ide_dma_wait(d, write ? ata_dma_write_step : ata_dma_read_step);
}

/* DATA SET MANAGEMENT, TRIM: blocks of 64 entries, each 48 bits of address and 16 of length (ATA8-ACS 7.10). */
static void ata_trim_step(IdeDrive *d)
{
    uint32_t len = ide_dma_transfer(d, d->buf, d->ata.left * BLOCK_SECTOR, false);
    uint64_t total = ata_sectors(d);

    for (uint32_t i = 0; i + 8 <= len; i += 8) {
        uint64_t entry = 0;
        for (int j = 7; j >= 0; j--)
            entry = entry << 8 | d->buf[i + (uint32_t)j];
        uint64_t lba = entry & (LBA48_LIMIT - 1), n = entry >> 48;
        if (n && (lba >= total || n > total - lba)) {
            ide_dma_finish(d);
            ide_fail(d, ATA_IDNF);
            return;
        }
        if (n)
            block_discard(d->image, lba * BLOCK_SECTOR, n * BLOCK_SECTOR);
    }
    ide_dma_finish(d);
    ide_done(d);
}

static void ata_data_set_management(IdeDrive *d)
{
    uint32_t blocks = d->count | (uint32_t)d->hob_count << 8;

    if (!(d->feature & 1) || !ide_dma_possible(d) || blocks == 0 || blocks > IDE_CHUNK / BLOCK_SECTOR ||
        block_read_only(d->image)) {
        ide_abort(d);
        return;
    }
    d->ata.left = blocks;
    ide_dma_wait(d, ata_trim_step);
}

/* ---- Verify ---- */

static void ata_verify_step(IdeDrive *d);

static void ata_verify_done(IdeDrive *d, BlockReq *req)
{
    uint32_t n = (uint32_t)(req->len / BLOCK_SECTOR);

    if (req->error && !ata_retry(d, n)) {
        ata_medium_error(d, ATA_UNC);
        return;
    }
    if (!req->error)
        ata_advance(d, n);
    ata_verify_step(d);
}

static void ata_verify_step(IdeDrive *d)
{
    if (d->ata.left == 0) {
        ata_show_progress(d);
        ide_done(d);
        return;
    }
    ide_submit(d, ata_request(d, BLOCK_READ, ata_piece(d)), ata_verify_done);
}

static void ata_verify(IdeDrive *d, bool ext)
{
    d->ata.block = IDE_CHUNK / BLOCK_SECTOR;
    if (ata_begin(d, ext))
        ata_verify_step(d);
}

/* ---- The forms, as the table names them ---- */

static void cmd_read(IdeDrive *d) { ata_read(d, false, 1); }
static void cmd_read_ext(IdeDrive *d) { ata_read(d, true, 1); }
static void cmd_write(IdeDrive *d) { ata_write(d, false, 1, false); }
static void cmd_write_ext(IdeDrive *d) { ata_write(d, true, 1, false); }
static void cmd_read_dma(IdeDrive *d) { ata_dma(d, false, false, false); }
static void cmd_read_dma_ext(IdeDrive *d) { ata_dma(d, true, false, false); }
static void cmd_write_dma(IdeDrive *d) { ata_dma(d, false, true, false); }
static void cmd_write_dma_ext(IdeDrive *d) { ata_dma(d, true, true, false); }
static void cmd_write_dma_fua_ext(IdeDrive *d) { ata_dma(d, true, true, true); }
static void cmd_verify(IdeDrive *d) { ata_verify(d, false); }
static void cmd_verify_ext(IdeDrive *d) { ata_verify(d, true); }

static void ata_multiple(IdeDrive *d, bool ext, bool write, bool through)
{
    if (!d->ata.multiple)
        ide_abort(d);
    else if (write)
        ata_write(d, ext, d->ata.multiple, through);
    else
        ata_read(d, ext, d->ata.multiple);
}

static void cmd_read_multiple(IdeDrive *d) { ata_multiple(d, false, false, false); }
static void cmd_read_multiple_ext(IdeDrive *d) { ata_multiple(d, true, false, false); }
static void cmd_write_multiple(IdeDrive *d) { ata_multiple(d, false, true, false); }
static void cmd_write_multiple_ext(IdeDrive *d) { ata_multiple(d, true, true, false); }
static void cmd_write_multiple_fua_ext(IdeDrive *d) { ata_multiple(d, true, true, true); }

/* ---- The small commands ---- */

static void cmd_recalibrate(IdeDrive *d)
{
    d->mid = d->high = 0; /* cylinder 0 */
    ide_done(d);
}

static void cmd_seek(IdeDrive *d)
{
    d->ata.ext = false;
    if (ata_get_lba(d) >= ata_sectors(d))
        ide_fail(d, ATA_IDNF);
    else
        ide_done(d);
}

static void cmd_initialize_parameters(IdeDrive *d)
{
    AtaState *a = &d->ata;
    unsigned heads = (d->device & ATA_DEVICE_HEAD) + 1, sectors = d->count;

    if (sectors == 0) {
        ide_abort(d);
        return;
    }
    a->cur_heads = heads;
    a->cur_sectors = sectors;
    a->cur_cylinders = (unsigned)MIN(ata_sectors(d) / (heads * sectors), 65535);
    ide_done(d);
}

static void cmd_set_multiple(IdeDrive *d)
{
    unsigned n = d->count;

    if (n > ATA_MAX_MULTIPLE || (n & (n - 1))) {
        d->ata.multiple = 0; /* ATA-6 8.41.6: the mode is then disabled */
        ide_abort(d);
        return;
    }
    d->ata.multiple = n;
    ide_done(d);
}

static void cmd_flush(IdeDrive *d)
{
    ide_submit(d, block_req_new(BLOCK_FLUSH, 0, 0), ata_flush_done);
}

static void cmd_native_max(IdeDrive *d)
{
    d->ata.ext = false;
    ata_put_lba(d, MIN(ata_sectors(d), LBA28_LIMIT) - 1);
    ide_done(d);
}

static void cmd_native_max_ext(IdeDrive *d)
{
    d->ata.ext = true;
    ata_put_lba(d, ata_sectors(d) - 1);
    ide_done(d);
}

static void cmd_standby(IdeDrive *d)
{
    d->ata.standby = true;
    ide_done(d);
}

static void cmd_idle(IdeDrive *d)
{
    d->ata.standby = false;
    ide_done(d);
}

static void cmd_check_power(IdeDrive *d)
{
    d->count = d->ata.standby ? 0x00 : 0xff;
    ide_done(d);
}

static void buffer_end(IdeDrive *d)
{
    d->status = ATA_DRDY | ATA_DSC;
}

static void cmd_read_buffer(IdeDrive *d)
{
    ide_data_in(d, 0, BLOCK_SECTOR, buffer_end);
}

static void cmd_write_buffer(IdeDrive *d)
{
    ide_data_out(d, BLOCK_SECTOR, false, ide_done);
}

/* PACKET commands on a disk abort; a host may tell the kinds apart by that. */
static void cmd_device_reset(IdeDrive *d)
{
    ide_abort(d);
}

/* ---- The table ---- */

/* ATA-6 chapter 8, ATA-3 for the 9xh power commands. Whatever has no entry aborts. */
static IdeStep *const commands[256] = {
    [0x06] = ata_data_set_management,
    [0x08] = cmd_device_reset,
    [0x10 ... 0x1f] = cmd_recalibrate,
    [0x20] = cmd_read,
    [0x21] = cmd_read, /* without retries */
    [0x24] = cmd_read_ext,
    [0x25] = cmd_read_dma_ext,
    [0x27] = cmd_native_max_ext,
    [0x29] = cmd_read_multiple_ext,
    [0x30] = cmd_write,
    [0x31] = cmd_write,
    [0x34] = cmd_write_ext,
    [0x35] = cmd_write_dma_ext,
    [0x39] = cmd_write_multiple_ext,
    [0x3c] = cmd_write, /* WRITE VERIFY */
    [0x3d] = cmd_write_dma_fua_ext,
    [0x40] = cmd_verify,
    [0x41] = cmd_verify,
    [0x42] = cmd_verify_ext,
    [0x70 ... 0x7f] = cmd_seek,
    [0x91] = cmd_initialize_parameters,
    [0x94] = cmd_standby,
    [0x95] = cmd_idle,
    [0x96] = cmd_standby,
    [0x97] = cmd_idle,
    [0x98] = cmd_check_power,
    [0x99] = cmd_standby, /* SLEEP: any command wakes it, which is more lenient than the standard's reset */
    [0xb0] = ata_smart,
    [0xc4] = cmd_read_multiple,
    [0xc5] = cmd_write_multiple,
    [0xc6] = cmd_set_multiple,
    [0xc8] = cmd_read_dma,
    [0xc9] = cmd_read_dma,
    [0xca] = cmd_write_dma,
    [0xcb] = cmd_write_dma,
    [0xce] = cmd_write_multiple_fua_ext,
    [0xe0] = cmd_standby,
    [0xe1] = cmd_idle,
    [0xe2] = cmd_standby,
    [0xe3] = cmd_idle,
    [0xe4] = cmd_read_buffer,
    [0xe5] = cmd_check_power,
    [0xe6] = cmd_standby,
    [0xe7] = cmd_flush,
    [0xe8] = cmd_write_buffer,
    [0xea] = cmd_flush,
    [0xec] = ata_identify,
    [0xef] = ata_set_features,
    [0xf8] = cmd_native_max,
};

void ata_command(IdeDrive *d, uint8_t command)
{
    if (commands[command])
        commands[command](d);
    else
        ide_abort(d);
}

/* ---- Creation ---- */

void ata_attach(IdeDrive *d)
{
    BlockGeometry g;

    block_guess_geometry(d->image, &g);
    d->ata.cylinders = g.cylinders;
    d->ata.heads = g.heads;
    d->ata.sectors = g.sectors;
}

/* A soft reset keeps what SET FEATURES chose only by 66h; these return to power-on values as in QEMU. */
void ata_reset(IdeDrive *d, bool hard)
{
    AtaState *a = &d->ata;

    a->cur_cylinders = a->cylinders;
    a->cur_heads = a->heads;
    a->cur_sectors = a->sectors;
    a->multiple = ATA_MAX_MULTIPLE; /* on from the start, as QEMU's drives have it */
    a->standby = false;
    a->write_cache = a->look_ahead = true;
    if (hard) {
        a->smart = true;
        a->smart_autosave = true;
        a->transfer_mode = 0x40 | 5; /* what a BIOS would have set: UDMA 5 */
    }
}

/*
 * The floppy controller's execution phase: the commands that find sectors and move data.
 *
 * All of them go sector by sector: find the address on the track, fill or drain the 512-byte buffer by DMA or by the
 * FIFO, step the address, until the terminal count, the end of the cylinder, or an error. The result phase then tells
 * status and the address where the next command would go on (290166 table 5-5).
 */
#include "config.h"

#include <string.h>

#include "hw/fdc_state.h"

#define SIZE_512 2 /* N: 128 << N bytes */

static void sector_begin(Fdc *f);

/* ---- Ends ---- */

static void transfer_end(Fdc *f, uint8_t st0)
{
    FdcTransfer *x = &f->x;

    if (f->dma)
        dma_set_dreq(f->dma, FDC_DMA_CHANNEL, false);
    f->fifo[0] = (uint8_t)(st0 | (x->h & 1) << 2 | x->unit);
    f->fifo[1] = x->st1;
    f->fifo[2] = x->st2;
    f->fifo[3] = x->c;
    f->fifo[4] = x->h;
    f->fifo[5] = x->r;
    f->fifo[6] = x->n;
    fdc_result(f, 7);
    fdc_set_irq(f, true);
}

static void transfer_fail(Fdc *f, uint8_t st1, uint8_t st2)
{
    f->x.st1 |= st1;
    f->x.st2 |= st2;
    transfer_end(f, ST0_ABNORMAL);
}

/* ---- Finding a sector ---- */

/* Can the head read anything here? Nothing is found without a diskette, at the wrong rate or by FM. */
static bool track_readable(Fdc *f, const FloppyDrive *d, bool mfm)
{
    return d && d->image && mfm && d->format->rate == (FloppyRate)f->rate && d->track < d->format->tracks &&
           (f->x.h & 1) < d->format->heads;
}

/* The sector's address is on this track; false: the command has failed. */
static bool sector_find(Fdc *f)
{
    FdcTransfer *x = &f->x;
    FloppyDrive *d = fdc_drive(f, x->unit);

    if (!track_readable(f, d, true)) {
        transfer_fail(f, ST1_NO_ADDRESS_MARK, 0);
        return false;
    }
    if (x->c != d->track) {
        transfer_fail(f, ST1_NO_DATA, ST2_WRONG_CYLINDER);
        return false;
    }
    if (x->r == 0 || x->r > d->format->sectors || x->n != SIZE_512) {
        transfer_fail(f, ST1_NO_DATA, 0);
        return false;
    }
    return true;
}

/* Step the address. False when that was the last sector of the cylinder. */
static bool sector_step(FdcTransfer *x)
{
    unsigned step = x->op == FDC_SCAN ? MAX(x->step, 1) : 1;

    if (x->r < x->eot && x->r + step <= x->eot) {
        x->r = (uint8_t)(x->r + step);
        return true;
    }
    x->r = 1;
    if (x->multitrack) {
        x->h ^= 1;
        if (x->h & 1)
            return true;
    }
    x->c++;
    return false;
}

/* ---- One sector ---- */

/* Compare as SCAN does: byte by byte, FF on either side matches anything (290166 5.1.7). */
static void scan_compare(FdcTransfer *x, const uint8_t *disk)
{
    bool equal = true, low = true, high = true;

    for (unsigned i = 0; i < sizeof(x->buf); i++) {
        uint8_t a = disk[i], b = x->buf[i];
        if (a == b || a == 0xff || b == 0xff)
            continue;
        equal = false;
        low &= a < b;
        high &= a > b;
    }
    x->equal = equal;
    x->matched = equal || (x->scan == 0x19 && low) || (x->scan == 0x1d && high);
}

/* FORMAT: the four bytes of an address; the sector gets the fill byte if the image has a place for it. */
static int format_sector(Fdc *f, FloppyDrive *d)
{
    FdcTransfer *x = &f->x;
    uint8_t fill[512], r = x->buf[2];

    if (x->buf[0] != d->track || x->buf[1] != (x->h & 1) || r == 0 || r > d->format->sectors || x->buf[3] != SIZE_512)
        return 0;
    memset(fill, x->fill, sizeof(fill));
    return floppy_write(d, x->h & 1, r, fill);
}

/* The buffer is full (write, scan, format) or empty (read): finish this sector. False: the command has ended. */
static bool sector_finish(Fdc *f, bool tc)
{
    FdcTransfer *x = &f->x;
    FloppyDrive *d = fdc_drive(f, x->unit);
    uint8_t disk[512];
    int error = 0;
    bool more;

    x->pos = 0;
    if (x->op == FDC_WRITE)
        error = floppy_write(d, x->h & 1, x->r, x->buf);
    else if (x->op == FDC_FORMAT)
        error = format_sector(f, d);
    else if (x->op == FDC_SCAN)
        error = floppy_read(d, x->h & 1, x->r, disk);
    if (error) {
        transfer_fail(f, ST1_DATA_ERROR, ST2_DATA_ERROR);
        return false;
    }
    if (x->op == FDC_FORMAT) {
        if (--x->left && !tc)
            return true;
        transfer_end(f, 0);
        return false;
    }
    if (x->op == FDC_SCAN)
        scan_compare(x, disk);
    if (x->op == FDC_SCAN && x->matched) {
        x->st2 |= x->equal ? ST2_SCAN_EQUAL : 0;
        transfer_end(f, 0);
        return false;
    }
    more = sector_step(x);
    if (x->op == FDC_VERIFY && x->left && --x->left == 0)
        tc = true;
    if (x->op == FDC_SCAN && (tc || !more)) {
        x->st2 |= ST2_SCAN_NOT_SATISFIED;
        transfer_end(f, 0);
    } else if (tc || x->one) {
        transfer_end(f, 0);
    } else if (!more) {
        transfer_fail(f, ST1_END_OF_CYLINDER, 0); /* nobody said stop (290166 5.1.1) */
    } else {
        return true;
    }
    return false;
}

/* Find the next sector and, to read, fetch it. */
static void sector_begin(Fdc *f)
{
    FdcTransfer *x = &f->x;

    x->pos = 0;
    x->end = x->op == FDC_FORMAT ? 4 : sizeof(x->buf);
    if (x->op == FDC_FORMAT || !sector_find(f))
        return;
    FloppyDrive *d = fdc_drive(f, x->unit);
    d->passing = x->r;
    if ((x->op == FDC_READ || x->op == FDC_VERIFY) && floppy_read(d, x->h & 1, x->r, x->buf) < 0)
        transfer_fail(f, ST1_DATA_ERROR, ST2_DATA_ERROR);
}

/* ---- Moving data ---- */

/* As much as the DMA controller takes; it calls again when the guest opens the channel. */
void transfer_dma(void *opaque)
{
    Fdc *f = opaque;
    FdcTransfer *x = &f->x;

    while (f->phase == FDC_EXECUTION && !f->read_id && !fdc_non_dma(f) && x->op != FDC_VERIFY) {
        bool tc = false;
        size_t n = x->to_host ? dma_to_memory(f->dma, FDC_DMA_CHANNEL, x->buf + x->pos, x->end - x->pos, &tc)
                              : dma_from_memory(f->dma, FDC_DMA_CHANNEL, x->buf + x->pos, x->end - x->pos, &tc);
        x->pos += (unsigned)n;
        if (n == 0 && !tc) {
            dma_set_dreq(f->dma, FDC_DMA_CHANNEL, true);
            return;
        }
        /* A terminal count inside a sector: the rest of it is zeros (290166 5.1.3). */
        if (tc && !x->to_host)
            memset(x->buf + x->pos, 0, x->end - x->pos);
        if ((tc || x->pos == x->end) && sector_finish(f, tc))
            sector_begin(f);
    }
}

uint8_t transfer_fifo_read(Fdc *f)
{
    FdcTransfer *x = &f->x;

    if (f->read_id || !fdc_non_dma(f) || !x->to_host)
        return 0;
    uint8_t byte = x->buf[x->pos++];
    fdc_set_irq(f, false);
    if (x->pos == x->end && sector_finish(f, false))
        sector_begin(f);
    if (f->phase == FDC_EXECUTION)
        fdc_set_irq(f, true); /* the next byte is there */
    return byte;
}

void transfer_fifo_write(Fdc *f, uint8_t byte)
{
    FdcTransfer *x = &f->x;

    if (f->read_id || !fdc_non_dma(f) || x->to_host)
        return;
    x->buf[x->pos++] = byte;
    fdc_set_irq(f, false);
    if (x->pos == x->end && sector_finish(f, false))
        sector_begin(f);
    if (f->phase == FDC_EXECUTION)
        fdc_set_irq(f, true);
}

void transfer_diskette_gone(Fdc *f, unsigned unit)
{
    if (f->phase == FDC_EXECUTION && !f->read_id && f->x.unit == unit)
        transfer_fail(f, ST1_NO_ADDRESS_MARK, 0);
}

/* ---- Commands ---- */

/* Take unit and address from the parameters, check drive and diskette. False: the command has failed. */
static bool transfer_begin(Fdc *f, FdcOp op, bool to_host)
{
    FdcTransfer *x = &f->x;
    FloppyDrive *d;

    *x = (FdcTransfer){.op = op, .to_host = to_host, .unit = f->fifo[1] & 3, .h = f->fifo[1] >> 2 & 1};
    f->phase = FDC_EXECUTION;
    d = fdc_drive(f, x->unit);
    if (op == FDC_FORMAT) {
        x->c = d ? (uint8_t)d->track : 0;
    } else {
        x->c = f->fifo[2];
        x->r = f->fifo[4];
        x->n = f->fifo[5];
        x->eot = f->fifo[6];
        x->multitrack = f->fifo[0] & 0x80;
    }
    if (!d || !d->image) {
        x->st1 = ST1_NO_ADDRESS_MARK;
        transfer_end(f, ST0_ABNORMAL | ST0_NOT_READY);
        return false;
    }
    if (op != FDC_FORMAT && fdc_implied_seek(f) && d->track != x->c) {
        floppy_seek(d, x->c);
        f->cylinder[x->unit] = x->c;
    }
    if ((op == FDC_WRITE || op == FDC_FORMAT) && block_read_only(d->image)) {
        transfer_fail(f, ST1_NOT_WRITABLE, 0);
        return false;
    }
    if (!track_readable(f, d, f->fifo[0] & 0x40)) {
        transfer_fail(f, ST1_NO_ADDRESS_MARK, 0);
        return false;
    }
    /* The head that the address names must be the one that reads. */
    if (op != FDC_FORMAT && f->fifo[3] != x->h) {
        transfer_fail(f, ST1_NO_DATA, 0);
        return false;
    }
    return true;
}

static void transfer_start(Fdc *f)
{
    sector_begin(f);
    if (f->phase != FDC_EXECUTION)
        return;
    if (fdc_non_dma(f))
        fdc_set_irq(f, true);
    else
        transfer_dma(f);
}

void transfer_read(Fdc *f)
{
    if (transfer_begin(f, FDC_READ, true))
        transfer_start(f);
}

/* Every sector of an image has a normal mark: the first one ends the command, or all are skipped (290166 5.1.2). */
void transfer_read_deleted(Fdc *f)
{
    bool skip = f->fifo[0] & 0x20;

    if (!transfer_begin(f, FDC_READ, true))
        return;
    f->x.st2 |= ST2_CONTROL_MARK;
    f->x.one = true;
    if (skip)
        transfer_fail(f, ST1_NO_DATA, 0);
    else
        transfer_start(f);
}

/* From the index hole on, whatever the address says. */
void transfer_read_track(Fdc *f)
{
    if (!transfer_begin(f, FDC_READ, true))
        return;
    f->x.r = 1;
    f->x.multitrack = false;
    transfer_start(f);
}

void transfer_write(Fdc *f)
{
    if (transfer_begin(f, FDC_WRITE, false))
        transfer_start(f);
}

void transfer_scan(Fdc *f)
{
    uint8_t scan = f->fifo[0] & 0x1f, step = f->fifo[8];

    if (!transfer_begin(f, FDC_SCAN, false))
        return;
    f->x.scan = scan;
    f->x.step = step;
    transfer_start(f);
}

/* No data move, so there is no terminal count: EC says that the last parameter counts sectors. */
void transfer_verify(Fdc *f)
{
    bool counted = f->fifo[1] & 0x80;
    unsigned count = f->fifo[8];

    if (!transfer_begin(f, FDC_VERIFY, true))
        return;
    f->x.left = counted ? count : 0;
    do
        sector_begin(f);
    while (f->phase == FDC_EXECUTION && sector_finish(f, false));
}

void transfer_format(Fdc *f)
{
    uint8_t n = f->fifo[2], count = f->fifo[3], fill = f->fifo[5];

    if (!transfer_begin(f, FDC_FORMAT, false))
        return;
    f->x.n = n;
    f->x.left = count;
    f->x.fill = fill;
    if (count == 0)
        transfer_end(f, 0);
    else
        transfer_start(f);
}

void transfer_read_id(Fdc *f)
{
    FdcTransfer *x = &f->x;
    bool mfm = f->fifo[0] & 0x40;
    FloppyDrive *d;

    *x = (FdcTransfer){.unit = f->fifo[1] & 3, .h = f->fifo[1] >> 2 & 1};
    d = fdc_drive(f, x->unit);
    if (!d || !d->image) {
        x->st1 = ST1_NO_ADDRESS_MARK;
        transfer_end(f, ST0_ABNORMAL | ST0_NOT_READY);
        return;
    }
    if (!track_readable(f, d, mfm)) {
        transfer_fail(f, ST1_NO_ADDRESS_MARK, 0);
        return;
    }
    x->c = (uint8_t)d->track;
    d->passing = d->passing % d->format->sectors + 1;
    x->r = (uint8_t)d->passing;
    x->n = SIZE_512;
    transfer_end(f, 0);
}

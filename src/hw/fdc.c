/*
 * The 82077AA floppy disk controller (Intel 290166): registers, phases, and the commands that move no data.
 *
 * A command is a byte and its parameters through the FIFO, then perhaps an execution phase (fdc_transfer.c), then
 * results, with an interrupt before them if data were moved. Seeks and recalibrations have no result phase: they
 * interrupt, and SENSE INTERRUPT STATUS tells which drive it was. Parts: interrupt, phases, drive commands,
 * controller commands, table, registers, reset, creation.
 */
#include "config.h"

#include <string.h>

#include "hw/fdc_state.h"

enum { REG_DOR = 2, REG_TDR = 3, REG_MSR = 4, REG_FIFO = 5, REG_DIR = 7 };
#define REG_DSR REG_MSR
#define REG_CCR REG_DIR
#define FDC_PORT 0x3f0

enum {
    DSR_RESET = 1 << 7,
    DSR_RATE = 3,
    DIR_CHANGED = 1 << 7,
};

enum {
    CONFIG_EIS = 1 << 6,
    CONFIG_DEFAULT = 0x20, /* FIFO disabled, polling on, threshold 1 */
    CONFIG_FIFO = 0x2f,    /* the bits that LOCK keeps over a software reset: EFIFO and FIFOTHR */
};

#define VERSION_82077AA 0x90
/* Much faster than a drive, but late enough that a driver sees the seek begin. */
#define SEEK_TIME US(200)
#define READ_ID_TIME US(500)

/* ---- Interrupt ---- */

static void fdc_update_irq(Fdc *f)
{
    irqline_set(&f->irq, (f->data_irq || f->sense_irq) && f->dor & DOR_DMAGATE);
}

void fdc_set_irq(Fdc *f, bool level)
{
    f->data_irq = level;
    fdc_update_irq(f);
}

static void fdc_set_sense_irq(Fdc *f, bool level)
{
    f->sense_irq = level;
    fdc_update_irq(f);
}

/* ---- Phases ---- */

FloppyDrive *fdc_drive(Fdc *f, unsigned unit)
{
    return unit < FDC_DRIVES && f->drive[unit].type != FLOPPY_NONE ? &f->drive[unit] : NULL;
}

static void fdc_idle(Fdc *f)
{
    f->phase = FDC_COMMAND;
    f->pos = f->len = 0;
}

void fdc_result(Fdc *f, unsigned n)
{
    f->phase = FDC_RESULT;
    f->pos = 0;
    f->len = n;
}

/* ---- Drive commands ---- */

static void cmd_specify(Fdc *f)
{
    f->specify[0] = f->fifo[1];
    f->specify[1] = f->fifo[2];
    fdc_idle(f);
}

static void cmd_sense_drive(Fdc *f)
{
    unsigned unit = f->fifo[1] & 3;
    const FloppyDrive *d = fdc_drive(f, unit);
    uint8_t st3 = 0x28 | (f->fifo[1] & 7); /* ready and two-sided are wired so */

    if (d && d->track == 0)
        st3 |= 0x10;
    if (d && d->image && block_read_only(d->image))
        st3 |= 0x40;
    f->fifo[0] = st3;
    fdc_result(f, 1);
}

/* Head movement goes on in the background: the controller takes commands for other drives meanwhile. */
static void start_seek(Fdc *f, unsigned unit, unsigned head, unsigned track)
{
    f->seek[unit] = (FdcSeek){true, (uint8_t)head, (uint8_t)track};
    timer_arm(f->timer, clock_now(f->clock) + SEEK_TIME);
    fdc_idle(f);
}

static void end_seek(Fdc *f, unsigned unit)
{
    FdcSeek *s = &f->seek[unit];
    FloppyDrive *d = fdc_drive(f, unit);

    s->active = false;
    f->sense[unit].pending = true;
    f->sense[unit].st0 = (uint8_t)(ST0_SEEK_END | s->head << 2 | unit);
    if (d) {
        floppy_seek(d, s->track);
        f->cylinder[unit] = s->track;
    } else {
        /* No track 0 signal within 79 steps; a seek to nowhere ends well. */
        f->cylinder[unit] = s->track;
        if (s->track == 0)
            f->sense[unit].st0 |= ST0_ABNORMAL | ST0_EQUIPMENT;
    }
    fdc_set_sense_irq(f, true);
}

static void cmd_recalibrate(Fdc *f)
{
    start_seek(f, f->fifo[1] & 3, 0, 0);
}

static void cmd_seek(Fdc *f)
{
    start_seek(f, f->fifo[1] & 3, f->fifo[1] >> 2 & 1, f->fifo[2]);
}

/* RELATIVE SEEK: bit 6 of the command is the direction, 1 inwards, to higher numbers. */
static void cmd_relative_seek(Fdc *f)
{
    unsigned unit = f->fifo[1] & 3;
    int to = f->cylinder[unit] + (f->fifo[0] & 0x40 ? f->fifo[2] : -f->fifo[2]);

    start_seek(f, unit, f->fifo[1] >> 2 & 1, (unsigned)CLAMP(to, 0, 255));
}

/* After a reset the four drives are polled, and each has something to say (290166 5.2.5). */
static void cmd_sense_interrupt(Fdc *f)
{
    unsigned unit = 0;

    while (unit < 4 && !f->sense[unit].pending)
        unit++;
    if (unit == 4) {
        f->fifo[0] = ST0_INVALID;
        fdc_result(f, 1);
        return;
    }
    f->sense[unit].pending = false;
    f->fifo[0] = f->sense[unit].st0;
    f->fifo[1] = f->cylinder[unit];
    fdc_set_sense_irq(f, false);
    /* One interrupt does for the four of a reset; each seek has its own. */
    for (unit = 0; unit < 4; unit++)
        if (f->sense[unit].pending && (f->sense[unit].st0 & ST0_POLLED) != ST0_POLLED)
            fdc_set_sense_irq(f, true);
    fdc_result(f, 2);
}

static void cmd_read_id(Fdc *f)
{
    f->phase = FDC_EXECUTION;
    f->read_id = true;
    timer_arm(f->timer, clock_now(f->clock) + READ_ID_TIME);
}

static void fdc_tick(void *opaque)
{
    Fdc *f = opaque;

    for (unsigned i = 0; i < 4; i++)
        if (f->seek[i].active)
            end_seek(f, i);
    if (f->read_id) {
        f->read_id = false;
        transfer_read_id(f);
    }
}

/* ---- Controller commands ---- */

static void cmd_configure(Fdc *f)
{
    f->config = f->fifo[2] & 0x7f;
    f->precompensation = f->fifo[3];
    fdc_idle(f);
}

static void cmd_perpendicular(Fdc *f)
{
    /* OW guards the drive bits */
    f->perpendicular = f->fifo[1] & 0x80 ? f->fifo[1] & 0x3f : (f->perpendicular & 0x3c) | (f->fifo[1] & 3);
    fdc_idle(f);
}

static void cmd_lock(Fdc *f)
{
    f->lock = f->fifo[0] & 0x80;
    f->fifo[0] = f->lock ? 0x10 : 0;
    fdc_result(f, 1);
}

static void cmd_version(Fdc *f)
{
    f->fifo[0] = VERSION_82077AA;
    fdc_result(f, 1);
}

static void cmd_dumpreg(Fdc *f)
{
    memcpy(f->fifo, f->cylinder, 4);
    f->fifo[4] = f->specify[0];
    f->fifo[5] = f->specify[1];
    f->fifo[6] = f->x.eot;
    f->fifo[7] = (f->lock ? 0x80 : 0) | f->perpendicular;
    f->fifo[8] = f->config;
    f->fifo[9] = f->precompensation;
    fdc_result(f, 10);
}

static void cmd_invalid(Fdc *f)
{
    f->fifo[0] = ST0_INVALID;
    fdc_result(f, 1);
}

/* ---- The table ---- */

typedef struct Command {
    uint8_t mask, value; /* MT, MFM and SK are not in the mask where they are options */
    unsigned parameters;
    void (*run)(Fdc *f);
} Command;

/* 290166 table 5-1. */
static const Command commands[] = {
    {0x1f, 0x06, 8, transfer_read},
    {0x3f, 0x05, 8, transfer_write},
    {0x1f, 0x0c, 8, transfer_read_deleted},
    {0x3f, 0x09, 8, transfer_write}, /* WRITE DELETED: an image has no place for the mark */
    {0x9f, 0x02, 8, transfer_read_track},
    {0x1f, 0x16, 8, transfer_verify},
    {0x1f, 0x11, 8, transfer_scan},
    {0x1f, 0x19, 8, transfer_scan},
    {0x1f, 0x1d, 8, transfer_scan},
    {0xbf, 0x0d, 5, transfer_format},
    {0xbf, 0x0a, 1, cmd_read_id},
    {0xff, 0x07, 1, cmd_recalibrate},
    {0xff, 0x08, 0, cmd_sense_interrupt},
    {0xff, 0x03, 2, cmd_specify},
    {0xff, 0x04, 1, cmd_sense_drive},
    {0xff, 0x0f, 2, cmd_seek},
    {0xbf, 0x8f, 2, cmd_relative_seek},
    {0xff, 0x13, 3, cmd_configure},
    {0xff, 0x0e, 0, cmd_dumpreg},
    {0xff, 0x10, 0, cmd_version},
    {0xff, 0x12, 1, cmd_perpendicular},
    {0x7f, 0x14, 0, cmd_lock},
};

static const Command *find_command(uint8_t byte)
{
    static const Command invalid = {0, 0, 0, cmd_invalid};

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        if ((byte & commands[i].mask) == commands[i].value)
            return &commands[i];
    return &invalid;
}

/* ---- Registers ---- */

static uint8_t read_msr(Fdc *f)
{
    uint8_t v = 0;

    if (!(f->dor & DOR_NRESET))
        return 0;
    for (unsigned i = 0; i < 4; i++)
        v |= f->seek[i].active ? 1 << i : 0;
    switch (f->phase) {
    case FDC_COMMAND:
        return v | MSR_RQM | (f->pos ? MSR_BUSY : 0);
    case FDC_RESULT:
        return v | MSR_RQM | MSR_DIO | MSR_BUSY;
    default:
        if (!f->read_id && fdc_non_dma(f))
            v |= MSR_NON_DMA | MSR_RQM | (f->x.to_host ? MSR_DIO : 0);
        return v | MSR_BUSY;
    }
}

static void write_fifo(Fdc *f, uint8_t byte)
{
    if (!(f->dor & DOR_NRESET))
        return;
    if (f->phase == FDC_EXECUTION) {
        transfer_fifo_write(f, byte);
        return;
    }
    if (f->phase != FDC_COMMAND)
        return;
    f->fifo[f->pos++] = byte;
    if (f->pos == 1)
        f->len = 1 + find_command(byte)->parameters;
    if (f->pos == f->len) {
        f->pos = 0;
        find_command(f->fifo[0])->run(f);
    }
}

static uint8_t read_fifo(Fdc *f)
{
    if (f->phase == FDC_EXECUTION)
        return transfer_fifo_read(f);
    if (f->phase != FDC_RESULT || !(f->dor & DOR_NRESET))
        return 0;
    uint8_t byte = f->fifo[f->pos++];
    fdc_set_irq(f, false); /* the first result byte takes it back (290166 5.1.3) */
    if (f->pos == f->len)
        fdc_idle(f);
    return byte;
}

static uint8_t read_dir(Fdc *f)
{
    unsigned unit = f->dor & DOR_SELECT;
    const FloppyDrive *d = fdc_drive(f, unit);

    /* The selected drive drives the line, whether its motor is on or not. */
    return d && d->changed ? DIR_CHANGED : 0;
}

static void fdc_stop(Fdc *f)
{
    timer_disarm(f->timer);
    f->read_id = false;
    memset(f->seek, 0, sizeof(f->seek));
    memset(f->sense, 0, sizeof(f->sense));
    memset(f->cylinder, 0, sizeof(f->cylinder));
    if (f->dma)
        dma_set_dreq(f->dma, FDC_DMA_CHANNEL, false);
    fdc_idle(f);
    f->sense_irq = false;
    fdc_set_irq(f, false);
}

/* Through DOR or DSR. Ends with the interrupt of the polling mode. */
static void fdc_soft_reset(Fdc *f)
{
    fdc_stop(f);
    f->config = f->lock ? (f->config & CONFIG_FIFO) : CONFIG_DEFAULT;
    f->precompensation = f->lock ? f->precompensation : 0;
    f->perpendicular &= 0x3c;
    for (unsigned i = 0; i < 4; i++) {
        f->sense[i].pending = true;
        f->sense[i].st0 = (uint8_t)(ST0_POLLED | i);
    }
    fdc_set_sense_irq(f, true);
}

static void write_dor(Fdc *f, uint8_t value)
{
    uint8_t was = f->dor;

    f->dor = value;
    if (was & DOR_NRESET && !(value & DOR_NRESET))
        fdc_stop(f);
    else if (!(was & DOR_NRESET) && value & DOR_NRESET)
        fdc_soft_reset(f);
    fdc_update_irq(f);
}

static void write_dsr(Fdc *f, uint8_t value)
{
    f->rate = value & DSR_RATE;
    if (value & DSR_RESET && f->dor & DOR_NRESET)
        fdc_soft_reset(f);
}

static uint64_t fdc_read(void *opaque, uint64_t offset, unsigned size)
{
    Fdc *f = opaque;

    switch (offset + REG_DOR) {
    case REG_DOR:
        return f->dor;
    case REG_TDR:
        return f->tdr;
    case REG_MSR:
        return read_msr(f);
    default:
        return read_fifo(f);
    }
}

static void fdc_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Fdc *f = opaque;
    uint8_t byte = (uint8_t)value;

    switch (offset + REG_DOR) {
    case REG_DOR:
        write_dor(f, byte);
        break;
    case REG_TDR:
        f->tdr = byte & 3;
        break;
    case REG_DSR:
        write_dsr(f, byte);
        break;
    default:
        write_fifo(f, byte);
    }
}

static uint64_t dir_read(void *opaque, uint64_t offset, unsigned size)
{
    return read_dir(opaque);
}

static void ccr_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    ((Fdc *)opaque)->rate = value & DSR_RATE;
}

static const RegionOps fdc_ops = {fdc_read, fdc_write, 1, 1};
static const RegionOps dir_ops = {dir_read, ccr_write, 1, 1};

/* ---- Reset, creation ---- */

void fdc_reset(Fdc *f)
{
    fdc_stop(f);
    f->dor = f->tdr = 0;
    f->rate = FLOPPY_250K;
    f->lock = false;
    f->config = CONFIG_DEFAULT;
    f->precompensation = f->perpendicular = 0;
    f->specify[0] = f->specify[1] = 0;
    memset(&f->x, 0, sizeof(f->x));
    for (int i = 0; i < FDC_DRIVES; i++) {
        f->drive[i].track = 0;
        f->drive[i].changed = true;
    }
    fdc_update_irq(f);
}

bool fdc_implied_seek(const Fdc *f)
{
    return f->config & CONFIG_EIS;
}

Fdc *fdc_new(Bus *io, Clock *clock, Dma *dma, IrqLine irq)
{
    Fdc *f = g_new0(Fdc, 1);

    f->clock = clock;
    f->dma = dma;
    f->irq = irq;
    f->timer = timer_new(clock, fdc_tick, f);
    if (dma)
        dma_attach(dma, FDC_DMA_CHANNEL, transfer_dma, f);
    /* In AT mode status registers A and B don't answer; 3F6h is the IDE controller's. */
    bus_add_io(io, "fdc", FDC_PORT + REG_DOR, 4, &fdc_ops, f, 0);
    bus_add_io(io, "fdc-dir", FDC_PORT + REG_DIR, 1, &dir_ops, f, 0);
    fdc_reset(f);
    return f;
}

void fdc_free(Fdc *f)
{
    if (!f)
        return;
    timer_free(f->timer);
    g_free(f);
}

static bool check_image(BlockDev *image, GError **error)
{
    if (!image || floppy_format(block_size(image)))
        return true;
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_SIZE,
                "%s: %" G_GUINT64_FORMAT " bytes; a floppy image has at most 2949120 (2.88M): is it a hard disk "
                "(-hda)?",
                block_path(image), block_size(image));
    return false;
}

bool fdc_attach(Fdc *f, unsigned unit, BlockDev *image, GError **error)
{
    g_assert(unit < FDC_DRIVES);
    if (!check_image(image, error))
        return false;
    floppy_insert(&f->drive[unit], image);
    f->drive[unit].type = image ? f->drive[unit].format->drive : FLOPPY_1440K;
    return true;
}

bool fdc_change(Fdc *f, unsigned unit, BlockDev *image, GError **error)
{
    FloppyDrive *d = fdc_drive(f, unit);

    if (!d) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "floppy%u: no such drive", unit);
        return false;
    }
    if (!check_image(image, error))
        return false;
    transfer_diskette_gone(f, unit);
    floppy_insert(d, image);
    return true;
}

BlockDev *fdc_image(const Fdc *f, unsigned unit)
{
    return unit < FDC_DRIVES ? f->drive[unit].image : NULL;
}

uint8_t fdc_cmos_types(const Fdc *f)
{
    return (uint8_t)(f->drive[0].type << 4 | f->drive[1].type);
}

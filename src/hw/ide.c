/*
 * The IDE channel: task file registers, drive selection, INTRQ, resets, the data port.
 *
 * Both drives on the cable latch every write to the command block; the DEV bit says which of them answers reads and
 * takes the command. Parts: interrupt, data phases, disk requests, DMA waits, registers, resets, creation.
 */
#include "hw/ide_drive.h"

#include <string.h>

/* Offsets in the command block. */
enum { REG_DATA, REG_ERROR, REG_COUNT, REG_LOW, REG_MID, REG_HIGH, REG_DEVICE, REG_STATUS };
#define REG_FEATURE REG_ERROR
#define REG_COMMAND REG_STATUS
#define COMMAND_DEVICE_RESET 0x08
#define COMMAND_DIAGNOSTIC 0x90

/* ---- Interrupt ---- */

/* INTRQ is driven by the selected drive only, and only while nIEN is clear (ATA-6 5.2.9). */
static void channel_update_irq(IdeChannel *ch)
{
    bool level = ide_selected(ch)->irq && !(ch->control & ATA_CONTROL_NIEN);

    if (level && !ch->irq_level && ch->master)
        ch->master->interrupt(ch->master->opaque);
    if (level != ch->irq_level) {
        ch->irq_level = level;
        irqline_set(&ch->irq, level);
    }
}

static void drive_lower_irq(IdeDrive *d)
{
    d->irq = false;
    channel_update_irq(d->ch);
}

void ide_raise_irq(IdeDrive *d)
{
    d->irq = true;
    channel_update_irq(d->ch);
}

/* ---- Data phases ---- */

static void data_phase(IdeDrive *d, uint32_t at, uint32_t n, bool out, bool irq, IdeStep *next)
{
    g_assert(n > 0 && n <= IDE_CHUNK && at <= IDE_CHUNK - n);
    d->pos = at;
    d->end = at + n;
    d->out = out;
    d->next = next;
    d->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    if (irq)
        ide_raise_irq(d);
}

void ide_data_in(IdeDrive *d, uint32_t at, uint32_t n, IdeStep *next)
{
    data_phase(d, at, n, false, true, next);
}

void ide_data_out(IdeDrive *d, uint32_t n, bool irq, IdeStep *next)
{
    data_phase(d, 0, n, true, irq, next);
}

static void data_moved(IdeDrive *d, unsigned size)
{
    d->pos += size;
    if (d->pos < d->end)
        return;
    IdeStep *next = d->next;
    d->pos = d->end = 0;
    d->status = ATA_BSY | ATA_DRDY | ATA_DSC;
    next(d);
}

/* An access wider than what is left moves what is left: an odd byte count ends with half a word (ATA-6 9.8). */
static uint64_t data_read(IdeDrive *d, unsigned size)
{
    uint64_t value = 0;

    if (d->pos == d->end || d->out)
        return 0;
    unsigned n = MIN(size, d->end - d->pos);
    for (unsigned i = 0; i < n; i++)
        value |= (uint64_t)d->buf[d->pos + i] << 8 * i;
    data_moved(d, n);
    return value;
}

static void data_write(IdeDrive *d, uint64_t value, unsigned size)
{
    if (d->pos == d->end || !d->out)
        return;
    unsigned n = MIN(size, d->end - d->pos);
    for (unsigned i = 0; i < n; i++)
        d->buf[d->pos + i] = (uint8_t)(value >> 8 * i);
    data_moved(d, n);
}

/* ---- Ends of commands ---- */

void ide_done(IdeDrive *d)
{
    d->status = ATA_DRDY | ATA_DSC;
    d->error = 0;
    ide_raise_irq(d);
}

void ide_fail(IdeDrive *d, uint8_t error)
{
    d->status = ATA_DRDY | ATA_DSC | ATA_ERR;
    d->error = error;
    ide_raise_irq(d);
}

void ide_abort(IdeDrive *d)
{
    ide_fail(d, ATA_ABRT);
}

/* ---- Disk requests ---- */

static void drive_req_done(void *opaque, BlockReq *req)
{
    IdeDrive *d = opaque;

    if (d->submitting) {
        d->finished = req; /* ide_submit() goes on with it */
        return;
    }
    d->req = NULL;
    d->req_done(d, req);
    block_req_free(req);
}

/*
 * A request that completes at once leads to the next, and a command may have tens of thousands: so a loop here
 * instead of a recursion. An inner call leaves its request in `waiting` for the outermost.
 */
void ide_submit(IdeDrive *d, BlockReq *req, void (*done)(IdeDrive *d, BlockReq *req))
{
    g_assert(!d->req);
    d->status = ATA_BSY | ATA_DRDY | ATA_DSC;
    d->req = req;
    d->req_done = done;
    if (d->submitting) {
        d->waiting = true;
        return;
    }
    do {
        d->waiting = false;
        d->finished = NULL;
        d->submitting = true;
        block_submit(d->image, d->req, drive_req_done, d);
        if (d->finished) {
            BlockReq *now = d->finished;
            d->req = NULL;
            d->req_done(d, now);
            block_req_free(now);
        }
        d->submitting = false;
    } while (d->waiting);
}

void ide_cancel(IdeDrive *d)
{
    if (d->req)
        block_cancel(d->req);
    d->req = NULL;
    d->waiting = false;
    d->pos = d->end = 0;
    d->dma = false;
    if (d->ch->dma_drive == d)
        d->ch->dma_drive = NULL;
}

/* ---- DMA ---- */

bool ide_dma_possible(const IdeDrive *d)
{
    return d->ch->master != NULL;
}

void ide_dma_wait(IdeDrive *d, IdeStep *step)
{
    IdeChannel *ch = d->ch;

    d->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    ch->dma_drive = d;
    ch->dma_step = step;
    if (ch->master->active(ch->master->opaque))
        ide_master_started(ch);
}

uint32_t ide_dma_transfer(IdeDrive *d, uint8_t *buf, uint32_t len, bool to_memory)
{
    const IdeMaster *m = d->ch->master;

    return m->transfer(m->opaque, buf, len, to_memory);
}

void ide_dma_finish(IdeDrive *d)
{
    const IdeMaster *m = d->ch->master;

    d->dma = false;
    m->finish(m->opaque);
}

void ide_dma_underrun(IdeDrive *d)
{
    ide_dma_finish(d);
    d->status = ATA_DRDY | ATA_DSC;
}

void ide_set_master(IdeChannel *ch, const IdeMaster *master)
{
    ch->master = master;
}

void ide_master_started(IdeChannel *ch)
{
    IdeDrive *d = ch->dma_drive;

    if (!d)
        return;
    ch->dma_drive = NULL;
    d->dma = true;
    d->status = ATA_BSY | ATA_DRDY | ATA_DSC;
    ch->dma_step(d);
}

void ide_master_stopped(IdeChannel *ch)
{
    for (int i = 0; i < 2; i++) {
        IdeDrive *d = &ch->drive[i];
        if (d->dma) {
            ide_cancel(d);
            d->status = ATA_DRDY | ATA_DSC;
        }
    }
}

/* ---- Resets ---- */

void ide_signature(IdeDrive *d)
{
    d->device &= (uint8_t)~ATA_DEVICE_HEAD;
    d->count = d->low = 1;
    d->mid = d->kind == IDE_CDROM ? 0x14 : 0;
    d->high = d->kind == IDE_CDROM ? 0xeb : 0;
    d->error = 1;
}

static void drive_reset(IdeDrive *d, bool hard)
{
    ide_cancel(d);
    d->irq = false;
    d->feature = d->hob_feature = d->hob_count = d->hob_low = d->hob_mid = d->hob_high = 0;
    d->device = ATA_DEVICE_OBSOLETE | (d->unit ? ATA_DEVICE_DEV : 0);
    ide_signature(d);
    /* Packet devices wait for their first command with DRDY clear (ATA-6 9.12). */
    d->status = d->kind == IDE_DISK ? ATA_DRDY | ATA_DSC : 0;
    if (d->kind == IDE_DISK)
        ata_reset(d, hard);
    else if (d->kind == IDE_CDROM)
        atapi_reset(d, hard);
}

void ide_channel_reset(IdeChannel *ch)
{
    ch->control = 0;
    ch->selected = 0;
    drive_reset(&ch->drive[0], true);
    drive_reset(&ch->drive[1], true);
    channel_update_irq(ch);
}

static void channel_write_control(IdeChannel *ch, uint8_t value)
{
    bool was = ch->control & ATA_CONTROL_SRST, is = value & ATA_CONTROL_SRST;

    ch->control = value;
    if (is && !was) {
        for (int i = 0; i < 2; i++) {
            ide_cancel(&ch->drive[i]);
            ch->drive[i].irq = false;
            ch->drive[i].status = ATA_BSY;
        }
        ch->selected = 0;
    } else if (was && !is) {
        drive_reset(&ch->drive[0], false);
        drive_reset(&ch->drive[1], false);
    }
    channel_update_irq(ch);
}

/* EXECUTE DEVICE DIAGNOSTIC is for both drives; device 0 answers for both (ATA-6 9.13). */
static void channel_diagnostic(IdeChannel *ch)
{
    for (int i = 0; i < 2; i++) {
        IdeDrive *d = &ch->drive[i];
        if (d->kind == IDE_NONE)
            continue;
        ide_cancel(d);
        ide_signature(d);
        d->status = d->kind == IDE_DISK ? ATA_DRDY | ATA_DSC : 0;
        d->device &= ATA_DEVICE_OBSOLETE | ATA_DEVICE_DEV;
    }
    ch->selected = ch->drive[0].kind == IDE_NONE ? ch->selected : 0;
    ide_raise_irq(ide_selected(ch));
}

/* ---- Registers ---- */

static void channel_command(IdeChannel *ch, uint8_t command)
{
    IdeDrive *d = ide_selected(ch);

    if (d->kind == IDE_NONE)
        return;
    if (d->status & (ATA_BSY | ATA_DRQ)) {
        /* Only a packet device's reset gets through. */
        if (command == COMMAND_DEVICE_RESET && d->kind == IDE_CDROM)
            atapi_command(d, command);
        return;
    }
    drive_lower_irq(d);
    d->error = 0;
    if (command == COMMAND_DIAGNOSTIC)
        channel_diagnostic(ch);
    else if (d->kind == IDE_DISK)
        ata_command(d, command);
    else
        atapi_command(d, command);
}

static void drive_latch(IdeDrive *d, unsigned reg, uint8_t value)
{
    switch (reg) {
    case REG_FEATURE:
        d->hob_feature = d->feature;
        d->feature = value;
        break;
    case REG_COUNT:
        d->hob_count = d->count;
        d->count = value;
        break;
    case REG_LOW:
        d->hob_low = d->low;
        d->low = value;
        break;
    case REG_MID:
        d->hob_mid = d->mid;
        d->mid = value;
        break;
    case REG_HIGH:
        d->hob_high = d->high;
        d->high = value;
        break;
    case REG_DEVICE:
        d->device = (value & (uint8_t)~ATA_DEVICE_DEV) | ATA_DEVICE_OBSOLETE | (d->unit ? ATA_DEVICE_DEV : 0);
        break;
    }
}

static void register_write(IdeChannel *ch, unsigned reg, uint8_t value)
{
    ch->control &= (uint8_t)~ATA_CONTROL_HOB; /* ATA-6 7.8 */
    if (reg == REG_COMMAND) {
        channel_command(ch, value);
        return;
    }
    if (ide_selected(ch)->status & (ATA_BSY | ATA_DRQ))
        return;
    drive_latch(&ch->drive[0], reg, value);
    drive_latch(&ch->drive[1], reg, value);
    if (reg == REG_DEVICE) {
        ch->selected = value & ATA_DEVICE_DEV ? 1 : 0;
        channel_update_irq(ch);
    }
}

/* Device 0 answers for an absent device 1, with zeros; a channel without drives is held at zero too, as in QEMU. */
static uint8_t register_read(IdeChannel *ch, unsigned reg)
{
    IdeDrive *d = ide_selected(ch);
    bool hob = ch->control & ATA_CONTROL_HOB;

    if (d->kind == IDE_NONE)
        return 0;
    switch (reg) {
    case REG_ERROR:
        return hob ? d->hob_feature : d->error;
    case REG_COUNT:
        return hob ? d->hob_count : d->count;
    case REG_LOW:
        return hob ? d->hob_low : d->low;
    case REG_MID:
        return hob ? d->hob_mid : d->mid;
    case REG_HIGH:
        return hob ? d->hob_high : d->high;
    case REG_DEVICE:
        return d->device;
    default:
        drive_lower_irq(d);
        return d->status;
    }
}

/* The data port is as wide as the access; the others are bytes. */
static uint64_t command_read(void *opaque, uint64_t offset, unsigned size)
{
    IdeChannel *ch = opaque;
    uint64_t value = 0;

    if (offset == REG_DATA)
        return data_read(ide_selected(ch), size);
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)register_read(ch, (unsigned)offset + i) << 8 * i;
    return value;
}

static void command_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    IdeChannel *ch = opaque;

    if (offset == REG_DATA) {
        data_write(ide_selected(ch), value, size);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        register_write(ch, (unsigned)offset + i, (uint8_t)(value >> 8 * i));
}

static uint64_t control_read(void *opaque, uint64_t offset, unsigned size)
{
    IdeDrive *d = ide_selected(opaque);

    return d->kind == IDE_NONE ? 0 : d->status; /* the alternate status: leaves INTRQ alone */
}

static void control_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    channel_write_control(opaque, (uint8_t)value);
}

static const RegionOps command_ops = {command_read, command_write, 1, 4};
static const RegionOps control_ops = {control_read, control_write, 1, 1};

/* ---- Creation ---- */

IdeChannel *ide_channel_new(Bus *io, Gpa command, Gpa control, IrqLine irq)
{
    IdeChannel *ch = g_new0(IdeChannel, 1);

    ch->irq = irq;
    for (unsigned i = 0; i < 2; i++) {
        ch->drive[i].ch = ch;
        ch->drive[i].unit = i;
    }
    bus_add_io(io, "ide-command", command, 8, &command_ops, ch, 0);
    bus_add_io(io, "ide-control", control, 1, &control_ops, ch, 0);
    ide_channel_reset(ch);
    return ch;
}

void ide_channel_free(IdeChannel *ch)
{
    if (!ch)
        return;
    for (int i = 0; i < 2; i++) {
        ide_cancel(&ch->drive[i]);
        g_free(ch->drive[i].buf);
    }
    g_free(ch);
}

void ide_attach(IdeChannel *ch, unsigned unit, IdeKind kind, BlockDev *image, const char *serial)
{
    IdeDrive *d = &ch->drive[unit];

    g_assert(unit < 2 && d->kind == IDE_NONE && (kind == IDE_CDROM || image));
    d->kind = kind;
    d->image = image;
    d->buf = g_malloc0(IDE_CHUNK);
    g_strlcpy(d->serial, serial, sizeof(d->serial));
    if (kind == IDE_DISK)
        ata_attach(d);
    else
        atapi_attach(d);
    ide_channel_reset(ch);
}

IdeKind ide_drive_kind(const IdeChannel *ch, unsigned unit)
{
    return ch->drive[unit].kind;
}

BlockDev *ide_drive_image(const IdeChannel *ch, unsigned unit)
{
    return ch->drive[unit].image;
}

bool ide_cdrom_change(IdeChannel *ch, unsigned unit, BlockDev *image, bool force)
{
    IdeDrive *d = &ch->drive[unit];

    if (d->kind != IDE_CDROM)
        return false;
    if (d->atapi.locked && !d->atapi.tray_open && !force) {
        d->atapi.event = 1; /* the button was pressed: the guest may let go */
        return false;
    }
    atapi_change(d, image);
    return true;
}

bool ide_cdrom_tray_open(const IdeChannel *ch, unsigned unit)
{
    return ch->drive[unit].kind == IDE_CDROM && ch->drive[unit].atapi.tray_open;
}

void ide_identify_string(uint8_t *words, unsigned first, unsigned count, const char *text)
{
    uint8_t *p = words + 2 * first;
    size_t len = strlen(text);

    for (unsigned i = 0; i < 2 * count; i++)
        p[i ^ 1] = i < len ? (uint8_t)text[i] : ' ';
}

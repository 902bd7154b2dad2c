/*
 * The PIIX4's SMBus host controller.
 *
 * A transaction is set up in the registers and started by a bit of the control register; drivers then poll the
 * status. No device ever acknowledges its address here: the controller reports a device error at once, as it does
 * for an empty memory socket.
 */
#include "hw/smbus.h"

#include <string.h>

#define SMBUS_SIZE 0x40

enum { HST_STATUS = 0, SLV_STATUS = 1, HST_CONTROL = 2, HST_BLOCK = 7 };

#define STATUS_DEVICE_ERROR 0x04
#define STATUS_FAILED 0x10
#define STATUS_CLEARABLE 0x1e
#define CONTROL_KILL 0x02
#define CONTROL_START 0x40

struct Smbus {
    Bus *io;
    Region *region;
    uint8_t status, control;
    uint8_t reg[SMBUS_SIZE]; /* command, address, data: just kept */
    uint8_t block[32];
    unsigned index; /* into block; a read of the control register rewinds it */
};

static uint64_t smbus_read(void *opaque, uint64_t offset, unsigned size)
{
    Smbus *s = opaque;
    switch (offset) {
    case HST_STATUS:
        return s->status;
    case SLV_STATUS:
        return 0;
    case HST_CONTROL:
        s->index = 0;
        return s->control;
    case HST_BLOCK:
        return s->block[s->index++ % sizeof s->block];
    default:
        return s->reg[offset];
    }
}

static void smbus_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Smbus *s = opaque;
    switch (offset) {
    case HST_STATUS:
        s->status &= ~(value & STATUS_CLEARABLE);
        s->index = 0;
        break;
    case SLV_STATUS:
        break;
    case HST_CONTROL:
        s->control = value & ~(CONTROL_START | CONTROL_KILL);
        if (value & CONTROL_KILL)
            s->status |= STATUS_FAILED;
        else if (value & CONTROL_START)
            s->status |= STATUS_DEVICE_ERROR;
        break;
    case HST_BLOCK:
        s->block[s->index++ % sizeof s->block] = (uint8_t)value;
        break;
    default:
        s->reg[offset] = (uint8_t)value;
        break;
    }
}

static const RegionOps smbus_ops = { .read = smbus_read, .write = smbus_write, .min_size = 1, .max_size = 1 };

void smbus_place(Smbus *s, Gpa base, bool enabled)
{
    bus_begin(s->io);
    if (enabled)
        region_move(s->io, s->region, base);
    region_set_enabled(s->io, s->region, enabled);
    bus_commit(s->io);
}

void smbus_reset(Smbus *s)
{
    s->status = s->control = 0;
    s->index = 0;
    memset(s->reg, 0, sizeof s->reg);
    memset(s->block, 0, sizeof s->block);
}

Smbus *smbus_new(Bus *io)
{
    Smbus *s = g_new0(Smbus, 1);
    s->io = io;
    s->region = bus_add_io(io, "smbus", 0, SMBUS_SIZE, &smbus_ops, s, 0);
    region_set_enabled(io, s->region, false);
    return s;
}

void smbus_free(Smbus *s)
{
    g_free(s);
}

/*
 * A debug console: bytes out by one port, a signature back.
 */
#include "config.h"
#include "hw/debugport.h"

struct DebugPort {
    uint8_t readback;
    Chardev *chr;
};

static uint64_t debugport_read(void *opaque, uint64_t offset, unsigned size)
{
    DebugPort *d = opaque;

    return d->readback;
}

static void debugport_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    DebugPort *d = opaque;
    uint8_t byte = value;

    chardev_write(d->chr, &byte, 1);
}

static const RegionOps debugport_ops = { debugport_read, debugport_write, 1, 1 };

DebugPort *debugport_new(Bus *io, uint16_t port, uint8_t readback, Chardev *chr)
{
    DebugPort *d = g_new0(DebugPort, 1);

    d->readback = readback;
    d->chr = chr;
    bus_add_io(io, "debugport", port, 1, &debugport_ops, d, 0);
    return d;
}

void debugport_free(DebugPort *d)
{
    g_free(d);
}

/*
 * isa-debug-exit: a test guest ends the VM by one out.
 */
#include "config.h"
#include "hw/debugexit.h"

struct DebugExit {
    void (*exit)(void *opaque, int status);
    void *opaque;
};

static uint64_t debugexit_read(void *opaque, uint64_t offset, unsigned size)
{
    return 0;
}

static void debugexit_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    DebugExit *d = opaque;

    d->exit(d->opaque, (int)((value << 1) | 1));
}

static const RegionOps debugexit_ops = { debugexit_read, debugexit_write, 1, 4 };

DebugExit *debugexit_new(Bus *io, uint16_t port, unsigned size, void (*exit)(void *opaque, int status), void *opaque)
{
    DebugExit *d = g_new0(DebugExit, 1);

    d->exit = exit;
    d->opaque = opaque;
    bus_add_io(io, "debugexit", port, size, &debugexit_ops, d, 0);
    return d;
}

void debugexit_free(DebugExit *d)
{
    g_free(d);
}

/*
 * Port 92h: A20 by bit 1, a CPU reset by a rising bit 0. The other bits are kept and mean nothing here.
 */
#include "config.h"
#include "hw/port92.h"

enum {
    PORT92_RESET = 1 << 0,
    PORT92_A20 = 1 << 1,
};

struct Port92 {
    IrqLine a20, reset;
    uint8_t value;
};

static uint64_t port92_read(void *opaque, uint64_t offset, unsigned size)
{
    Port92 *p = opaque;

    return p->value;
}

static void port92_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Port92 *p = opaque;
    bool reset = (value & PORT92_RESET) && !(p->value & PORT92_RESET);

    p->value = value;
    irqline_set(&p->a20, value & PORT92_A20);
    if (reset)
        irqline_pulse(&p->reset);
}

static const RegionOps port92_ops = { port92_read, port92_write, 1, 1 };

void port92_reset(Port92 *p)
{
    p->value = 0;
    irqline_set(&p->a20, false);
}

Port92 *port92_new(Bus *io, IrqLine a20, IrqLine reset)
{
    Port92 *p = g_new0(Port92, 1);

    p->a20 = a20;
    p->reset = reset;
    bus_add_io(io, "port92", 0x92, 1, &port92_ops, p, 0);
    port92_reset(p);
    return p;
}

void port92_free(Port92 *p)
{
    g_free(p);
}

/*
 * A standard parallel port and a printer that is always quick.
 *
 * The byte on the data lines is printed when the strobe rises; the printer acknowledges at once, so the port is never
 * busy, and the interrupt (on the acknowledge's end, while enabled) comes right away.
 *
 * IBM PC/AT Technical Reference, "Printer Port".
 */
#include "config.h"
#include "hw/parallel.h"

enum {
    STATUS_UNUSED = 7,
    STATUS_NOT_ERROR = 1 << 3,
    STATUS_SELECTED = 1 << 4,
    STATUS_NOT_ACK = 1 << 6,
    STATUS_NOT_BUSY = 1 << 7,
    CONTROL_STROBE = 1 << 0,
    CONTROL_NOT_INIT = 1 << 2,
    CONTROL_SELECT = 1 << 3,
    CONTROL_IRQ = 1 << 4,
    CONTROL_INPUT = 1 << 5, /* PS/2: data lines are inputs */
    CONTROL_UNUSED = 0xc0,
};

struct Parallel {
    IrqLine irq;
    Chardev *chr;
    uint8_t data, control;
};

static uint64_t parallel_read(void *opaque, uint64_t offset, unsigned size)
{
    Parallel *p = opaque;

    switch (offset) {
    case 0:
        return p->control & CONTROL_INPUT ? 0xff : p->data;
    case 1:
        if (!p->chr) /* nothing plugged in: busy, in error */
            return STATUS_UNUSED | STATUS_NOT_ACK;
        return STATUS_UNUSED | STATUS_NOT_ERROR | STATUS_SELECTED | STATUS_NOT_ACK | STATUS_NOT_BUSY;
    default:
        return p->control | CONTROL_UNUSED;
    }
}

static void write_control(Parallel *p, uint8_t value)
{
    bool strobe = (value & CONTROL_STROBE) && !(p->control & CONTROL_STROBE);

    p->control = value & ~CONTROL_UNUSED;
    if (!strobe || !p->chr || (value & CONTROL_INPUT))
        return;
    chardev_write(p->chr, &p->data, 1);
    if (value & CONTROL_IRQ)
        irqline_pulse(&p->irq);
}

static void parallel_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Parallel *p = opaque;

    if (offset == 0)
        p->data = value;
    else if (offset == 2)
        write_control(p, value);
}

static const RegionOps parallel_ops = { parallel_read, parallel_write, 1, 1 };

void parallel_reset(Parallel *p)
{
    p->data = 0;
    p->control = CONTROL_NOT_INIT | CONTROL_SELECT;
    irqline_set(&p->irq, false);
}

Parallel *parallel_new(Bus *io, uint16_t port, IrqLine irq, Chardev *chr)
{
    Parallel *p = g_new0(Parallel, 1);

    p->irq = irq;
    p->chr = chr;
    bus_add_io(io, "parallel", port, 3, &parallel_ops, p, 0);
    parallel_reset(p);
    return p;
}

void parallel_free(Parallel *p)
{
    g_free(p);
}

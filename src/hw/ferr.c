/*
 * Floating-point errors the PC/AT way.
 *
 * The error latches IRQ 13. The handler writes to port F0h (any value; F1h resets a real 287, to the same end): the
 * interrupt goes away, and IGNNE# lets the handler's own x87 instructions run until the error is cleared.
 */
#include "hw/ferr.h"

#define FERR_PORT 0xf0

struct Ferr {
    IrqLine irq, ignne;
    bool error; /* FERR# */
};

static void ferr_set(void *opaque, int n, bool level)
{
    Ferr *f = opaque;
    if (level && !f->error)
        irqline_set(&f->irq, true);
    if (!level)
        irqline_set(&f->ignne, false);
    f->error = level;
}

IrqLine ferr_input(Ferr *f)
{
    return (IrqLine){ .set = ferr_set, .opaque = f };
}

static uint64_t ferr_read(void *opaque, uint64_t offset, unsigned size)
{
    return UINT64_MAX;
}

static void ferr_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Ferr *f = opaque;
    irqline_set(&f->irq, false);
    if (f->error)
        irqline_set(&f->ignne, true);
}

static const RegionOps ferr_ops = { .read = ferr_read, .write = ferr_write, .min_size = 1, .max_size = 1 };

void ferr_reset(Ferr *f)
{
    f->error = false;
    irqline_set(&f->irq, false);
    irqline_set(&f->ignne, false);
}

Ferr *ferr_new(Bus *io, IrqLine irq13, IrqLine ignne)
{
    Ferr *f = g_new0(Ferr, 1);
    f->irq = irq13;
    f->ignne = ignne;
    bus_add_io(io, "ferr", FERR_PORT, 2, &ferr_ops, f, 0);
    return f;
}

void ferr_free(Ferr *f)
{
    g_free(f);
}

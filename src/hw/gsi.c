/*
 * The interrupt wiring of the board.
 *
 * IRQ n reaches PIC input n and I/O APIC pin n, with the two exceptions that every PC has: the second PIC hangs on
 * input 2 of the first, so the I/O APIC's pin 2 is free, and the timer's IRQ 0 goes there (the MADT and the MP table
 * tell the guest so). What drives "IRQ 2" here is therefore pin 2 only: the HPET's own route.
 */
#include "hw/gsi.h"

#include <glib.h>

#define IRQ_TIMER 0
#define IRQ_CASCADE 2

typedef struct GsiSource {
    Gsi *gsi;
    unsigned n;
    bool level;
} GsiSource;

struct Gsi {
    GPtrArray *sources; /* GsiSource, one for each wire handed out */
    unsigned pulled[GSI_LINES]; /* sources that are high */
    IrqLine pic[GSI_LINES];
    IrqLine ioapic[GSI_LINES];
};

bool gsi_level(const Gsi *g, unsigned n)
{
    return n < GSI_LINES && g->pulled[n] > 0;
}

static void gsi_source_set(void *opaque, int n, bool level)
{
    GsiSource *source = opaque;
    Gsi *g = source->gsi;
    unsigned irq = source->n;
    if (source->level == level)
        return;
    source->level = level;
    g->pulled[irq] += level ? 1 : -1;
    if (g->pulled[irq] != (level ? 1 : 0))
        return;
    if (irq != IRQ_CASCADE)
        irqline_set(&g->pic[irq], level);
    if (irq == IRQ_TIMER || irq == IRQ_CASCADE)
        irqline_set(&g->ioapic[2], gsi_level(g, IRQ_TIMER) || gsi_level(g, IRQ_CASCADE));
    else
        irqline_set(&g->ioapic[irq], level);
}

IrqLine gsi_line(Gsi *g, unsigned n)
{
    g_assert(n < GSI_LINES);
    GsiSource *source = g_new0(GsiSource, 1);
    source->gsi = g;
    source->n = n;
    g_ptr_array_add(g->sources, source);
    return (IrqLine){ .set = gsi_source_set, .opaque = source, .n = (int)n };
}

void gsi_connect_pic(Gsi *g, unsigned n, IrqLine line)
{
    g_assert(n < 16);
    g->pic[n] = line;
}

void gsi_connect_ioapic(Gsi *g, unsigned n, IrqLine line)
{
    g_assert(n < GSI_LINES);
    g->ioapic[n] = line;
}

Gsi *gsi_new(void)
{
    Gsi *g = g_new0(Gsi, 1);
    g->sources = g_ptr_array_new_with_free_func(g_free);
    return g;
}

void gsi_free(Gsi *g)
{
    if (!g)
        return;
    g_ptr_array_free(g->sources, TRUE);
    g_free(g);
}

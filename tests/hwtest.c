/* The bench on which a device is tested; see hwtest.h. */
#include "config.h"
#include "hwtest.h"

HwTest *hw_new(void)
{
    HwTest *t = g_new0(HwTest, 1);

    t->clock = clock_new_manual();
    t->io = bus_new("io", 0x10000, NULL);
    t->mem = bus_new("mem", 1ull << 32, NULL);
    t->ram = ram_new(HW_RAM_SIZE, NULL);
    g_assert_nonnull(t->ram);
    bus_set_ram(t->mem, t->ram);
    bus_add_ram(t->mem, "ram", 0, HW_RAM_SIZE, t->ram->host, 0, 0);
    return t;
}

void hw_free(HwTest *t)
{
    bus_free(t->io);
    bus_free(t->mem);
    ram_free(t->ram);
    clock_free(t->clock);
    g_free(t);
}

static void run(gconstpointer data)
{
    void (*test)(HwTest *t) = (void (*)(HwTest *))(uintptr_t)data;
    HwTest *t = hw_new();

    test(t);
    hw_free(t);
}

void hw_test_add(const char *path, void (*test)(HwTest *t))
{
    g_test_add_data_func(path, (gconstpointer)(uintptr_t)test, run);
}

static void set_line(void *opaque, int n, bool level)
{
    HwTest *t = opaque;

    t->edges[n] += level && !t->level[n];
    t->level[n] = level;
}

IrqLine hw_irq_line(HwTest *t, int n)
{
    g_assert(n >= 0 && n < HW_LINES);
    return (IrqLine){ set_line, t, n };
}

bool hw_irq(const HwTest *t, int n)
{
    return t->level[n];
}

unsigned hw_irq_edges(HwTest *t, int n)
{
    unsigned edges = t->edges[n];

    t->edges[n] = 0;
    return edges;
}

uint8_t hw_inb(HwTest *t, uint16_t port)
{
    return bus_read(t->io, port, 1);
}

uint16_t hw_inw(HwTest *t, uint16_t port)
{
    return bus_read(t->io, port, 2);
}

uint32_t hw_inl(HwTest *t, uint16_t port)
{
    return bus_read(t->io, port, 4);
}

void hw_outb(HwTest *t, uint16_t port, uint8_t value)
{
    bus_write(t->io, port, value, 1);
}

void hw_outw(HwTest *t, uint16_t port, uint16_t value)
{
    bus_write(t->io, port, value, 2);
}

void hw_outl(HwTest *t, uint16_t port, uint32_t value)
{
    bus_write(t->io, port, value, 4);
}

uint8_t hw_readb(HwTest *t, Gpa addr)
{
    return bus_read(t->mem, addr, 1);
}

uint16_t hw_readw(HwTest *t, Gpa addr)
{
    return bus_read(t->mem, addr, 2);
}

uint32_t hw_readl(HwTest *t, Gpa addr)
{
    return bus_read(t->mem, addr, 4);
}

void hw_writeb(HwTest *t, Gpa addr, uint8_t value)
{
    bus_write(t->mem, addr, value, 1);
}

void hw_writew(HwTest *t, Gpa addr, uint16_t value)
{
    bus_write(t->mem, addr, value, 2);
}

void hw_writel(HwTest *t, Gpa addr, uint32_t value)
{
    bus_write(t->mem, addr, value, 4);
}

/*
 * pc-testdev: device memory, ports and IRQ lines for test guests.
 */
#include "config.h"
#include "hw/testdev.h"

#include <string.h>

#define PORTS 4
#define MEMORY_SIZE 0x10000

struct TestDev {
    uint8_t port[PORTS];
    uint8_t memory[MEMORY_SIZE];
    IrqLine irq[GSI_LINES];
};

/* opaque: the bytes. Regions hand over only accesses that lie within them. */
static uint64_t bytes_read(void *opaque, uint64_t offset, unsigned size)
{
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)opaque + offset, size);
    return value;
}

static void bytes_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    memcpy((uint8_t *)opaque + offset, &value, size);
}

static uint64_t zero_read(void *opaque, uint64_t offset, unsigned size)
{
    return 0;
}

static void flush_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
}

static void irq_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    TestDev *t = opaque;
    irqline_set(&t->irq[offset], value & 1);
}

static const RegionOps port_ops = {bytes_read, bytes_write, 1, 4};
static const RegionOps flush_ops = {zero_read, flush_write, 1, 4};
static const RegionOps irq_ops = {zero_read, irq_write, 1, 1};
static const RegionOps memory_ops = {bytes_read, bytes_write, 1, 8};

TestDev *testdev_new(Bus *mem, Bus *io, Gsi *gsi)
{
    TestDev *t = g_new0(TestDev, 1);

    bus_add_io(io, "testdev", TESTDEV_PORT, PORTS, &port_ops, t->port, 0);
    bus_add_io(io, "testdev-flush", TESTDEV_FLUSH_PORT, PORTS, &flush_ops, t, 0);
    bus_add_io(io, "testdev-irq", TESTDEV_IRQ_PORT, GSI_LINES, &irq_ops, t, 0);
    bus_add_io(mem, "testdev-memory", TESTDEV_MEMORY, MEMORY_SIZE, &memory_ops, t->memory, 0);
    for (unsigned n = 0; n < GSI_LINES; n++)
        t->irq[n] = gsi_line(gsi, n);
    return t;
}

void testdev_free(TestDev *t)
{
    g_free(t);
}

/* The PCI bus, the 440FX bridge's memory map, and the PIIX3's interrupt routing, as a guest sees them. */
#include "hw/gsi.h"
#include "hw/i440fx.h"
#include "hw/pci.h"
#include "hw/piix3.h"
#include "hwtest.h"

#include <stdlib.h>
#include <string.h>

static uint32_t cfg_read(HwTest *t, unsigned devfn, unsigned reg, unsigned size)
{
    hw_outl(t, 0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc));
    uint16_t port = 0xcfc + (reg & 3);
    return size == 1 ? hw_inb(t, port) : size == 2 ? hw_inw(t, port) : hw_inl(t, port);
}

static void cfg_write(HwTest *t, unsigned devfn, unsigned reg, uint32_t value, unsigned size)
{
    hw_outl(t, 0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc));
    uint16_t port = 0xcfc + (reg & 3);
    if (size == 1)
        hw_outb(t, port, value);
    else if (size == 2)
        hw_outw(t, port, value);
    else
        hw_outl(t, port, value);
}

/* A device with one BAR of each kind */

typedef struct Toy {
    PciDevice *pci;
    uint64_t offset, value;
    unsigned size, config_writes;
    uint8_t *vram;
} Toy;

static uint64_t toy_read(void *opaque, uint64_t offset, unsigned size)
{
    return 0xa0 + offset;
}

static void toy_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Toy *toy = opaque;
    toy->offset = offset;
    toy->value = value;
    toy->size = size;
}

static void toy_config(void *opaque, unsigned offset, unsigned size)
{
    Toy *toy = opaque;
    toy->config_writes++;
}

static const RegionOps toy_ops = { .read = toy_read, .write = toy_write, .min_size = 1, .max_size = 4 };

#define TOY PCI_DEVFN(5, 0)

static Toy *toy_new(PciBus *bus)
{
    static const uint8_t rom[3000] = { 0x55, 0xaa, 6 };
    Toy *toy = g_new0(Toy, 1);
    toy->vram = aligned_alloc(4096, 1 << 20);
    memset(toy->vram, 0, 1 << 20);
    toy->pci = pci_device_new(bus, TOY, "toy", &(PciId){ 0x1234, 0x5678, 9, 0x030102, 0, 0 });
    toy->pci->config[PCI_INTERRUPT_PIN] = 1;
    toy->pci->written = toy_config;
    toy->pci->opaque = toy;
    pci_bar_ram(toy->pci, 0, 1 << 20, toy->vram, UINT64_MAX, true);
    pci_bar_mem(toy->pci, 1, 4096, &toy_ops, toy);
    pci_bar_io(toy->pci, 4, 16, &toy_ops, toy);
    pci_rom(toy->pci, rom, sizeof rom);
    return toy;
}

static void toy_free(Toy *toy)
{
    free(toy->vram);
    g_free(toy);
}

static void test_mechanism(HwTest *t)
{
    PciBus *bus = pci_bus_new(t->io, t->mem);
    Toy *toy = toy_new(bus);
    g_assert_cmphex(cfg_read(t, TOY, 0, 4), ==, 0x56781234);
    g_assert_cmphex(cfg_read(t, TOY, 2, 2), ==, 0x5678);
    g_assert_cmphex(cfg_read(t, TOY, 8, 4), ==, 0x03010209);
    g_assert_cmphex(cfg_read(t, TOY, 0xb, 1), ==, 0x03);
    g_assert_cmphex(cfg_read(t, TOY, 0x2c, 4), ==, 0x11001af4);
    /* nobody there, another bus, not enabled */
    g_assert_cmphex(cfg_read(t, PCI_DEVFN(6, 0), 0, 4), ==, 0xffffffff);
    g_assert_cmphex(cfg_read(t, TOY | 1, 0, 2), ==, 0xffff);
    hw_outl(t, 0xcf8, 0x80010000 | TOY << 8);
    g_assert_cmphex(hw_inl(t, 0xcfc), ==, 0xffffffff);
    hw_outl(t, 0xcf8, TOY << 8);
    g_assert_cmphex(hw_inl(t, 0xcfc), ==, 0xffffffff);
    /* the address register takes dwords only, and keeps its reserved bits 0 */
    hw_outl(t, 0xcf8, 0xffffffff);
    g_assert_cmphex(hw_inl(t, 0xcf8), ==, 0x80fffffc);
    hw_outb(t, 0xcf8, 0);
    hw_outw(t, 0xcf8, 0);
    hw_outb(t, 0xcfb, 0);
    g_assert_cmphex(hw_inl(t, 0xcf8), ==, 0x80fffffc);
    /* ids are read-only, the interrupt line is the guest's */
    cfg_write(t, TOY, 0, 0, 4);
    g_assert_cmphex(cfg_read(t, TOY, 0, 4), ==, 0x56781234);
    cfg_write(t, TOY, 0x3c, 0xffff, 2);
    g_assert_cmphex(cfg_read(t, TOY, 0x3c, 2), ==, 0x01ff);
    g_assert_cmpuint(toy->config_writes, ==, 2);
    pci_bus_reset(bus);
    g_assert_cmphex(cfg_read(t, TOY, 0x3c, 1), ==, 0);
    pci_bus_free(bus);
    toy_free(toy);
}

static void test_bars(HwTest *t)
{
    PciBus *bus = pci_bus_new(t->io, t->mem);
    Toy *toy = toy_new(bus);
    /* sizing */
    static const struct { unsigned reg; uint32_t size; } bars[] = {
        { 0x10, 0xfff00008 }, { 0x14, 0xfffff000 }, { 0x18, 0 }, { 0x20, 0xfffffff1 }, { 0x30, 0xfffff001 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bars); i++) {
        cfg_write(t, TOY, bars[i].reg, 0xffffffff, 4);
        g_assert_cmphex(cfg_read(t, TOY, bars[i].reg, 4), ==, bars[i].size);
        cfg_write(t, TOY, bars[i].reg, 0, 4);
    }
    cfg_write(t, TOY, 0x10, 0xe0000000, 4);
    cfg_write(t, TOY, 0x14, 0xe0100000, 4);
    cfg_write(t, TOY, 0x20, 0xc000, 4);
    cfg_write(t, TOY, 0x30, 0xe0110001, 4);
    /* nothing decodes yet */
    g_assert_cmphex(hw_inb(t, 0xc003), ==, 0xff);
    g_assert_cmphex(hw_readb(t, 0xe0100001), ==, 0xff);
    cfg_write(t, TOY, PCI_COMMAND, PCI_COMMAND_IO, 2);
    g_assert_cmphex(hw_inb(t, 0xc003), ==, 0xa3);
    g_assert_cmphex(hw_readb(t, 0xe0100001), ==, 0xff);
    cfg_write(t, TOY, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    g_assert_cmphex(hw_inb(t, 0xc003), ==, 0xff);
    g_assert_cmphex(hw_readb(t, 0xe0100001), ==, 0xa1);
    hw_writew(t, 0xe0100010, 0x1234);
    g_assert_cmphex(toy->offset, ==, 0x10);
    g_assert_cmphex(toy->value, ==, 0x1234);
    hw_writel(t, 0xe0000010, 0xdeadbeef);
    g_assert_cmphex(toy->vram[0x10], ==, 0xef);
    g_assert_cmphex(hw_readw(t, 0xe0110000), ==, 0xaa55);
    g_assert_cmphex(hw_readw(t, 0xe0110000 + 3000), ==, 0xffff); /* padding */
    hw_writeb(t, 0xe0110000, 0);
    g_assert_cmphex(hw_readb(t, 0xe0110000), ==, 0x55);
    /* move by bytes, one BAR; the ROM off by its enable bit */
    cfg_write(t, TOY, 0x13, 0xd0, 1);
    g_assert_cmphex(hw_readl(t, 0xd0000010), ==, 0xdeadbeef);
    g_assert_cmphex(hw_readl(t, 0xe0000010), ==, 0xffffffff);
    cfg_write(t, TOY, 0x30, 0, 1);
    g_assert_cmphex(hw_readw(t, 0xe0110000), ==, 0xffff);
    g_assert_cmphex(pci_bar_address(toy->pci, 0), ==, 0xd0000000);
    g_assert_cmphex(pci_bar_address(toy->pci, 6), ==, UINT64_MAX);
    /* while sizing with decode on, and at 0, a BAR is nowhere */
    cfg_write(t, TOY, 0x14, 0xffffffff, 4);
    g_assert_cmphex(hw_readb(t, 0xfffff001), ==, 0xff);
    cfg_write(t, TOY, 0x14, 0, 4);
    g_assert_cmphex(hw_readb(t, 1), ==, 0);
    /* RAM wins over a BAR laid on it */
    cfg_write(t, TOY, 0x14, 0x10000, 4);
    hw_writeb(t, 0x10001, 0x77);
    g_assert_cmphex(hw_readb(t, 0x10001), ==, 0x77);
    pci_bus_reset(bus);
    g_assert_cmphex(hw_readl(t, 0xd0000010), ==, 0xffffffff);
    g_assert_cmphex(cfg_read(t, TOY, 0x10, 4), ==, 8);
    g_assert_cmphex(cfg_read(t, TOY, 0x20, 4), ==, 1);
    g_assert_cmphex(cfg_read(t, TOY, 0x04, 2), ==, 0);
    pci_bus_free(bus);
    toy_free(toy);
}

static void test_dma(HwTest *t)
{
    PciBus *bus = pci_bus_new(t->io, t->mem);
    Toy *toy = toy_new(bus);
    uint8_t buf[4] = { 1, 2, 3, 4 };
    g_assert_false(pci_dma_write(toy->pci, 0x1000, buf, 4));
    g_assert_cmphex(hw_readl(t, 0x1000), ==, 0);
    g_assert_false(pci_dma_read(toy->pci, 0x1000, buf, 4));
    g_assert_cmphex(buf[0], ==, 0xff);
    cfg_write(t, TOY, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
    buf[0] = 5;
    g_assert_true(pci_dma_write(toy->pci, 0x1000, buf, 1));
    g_assert_cmphex(hw_readl(t, 0x1000), ==, 5);
    g_assert_true(pci_dma_read(toy->pci, 0x1000, buf, 4));
    g_assert_cmphex(buf[0], ==, 5);
    g_assert_cmphex(buf[3], ==, 0);
    pci_bus_free(bus);
    toy_free(toy);
}

/* Bridges */

#define HOST PCI_DEVFN(0, 0)
#define ISA PCI_DEVFN(1, 0)
#define LINE_RESET 15

static void test_irq(HwTest *t)
{
    PciBus *bus = pci_bus_new(t->io, t->mem);
    Gsi *gsi = gsi_new();
    Piix3 *piix3 = piix3_new(bus, gsi, hw_irq_line(t, LINE_RESET));
    Toy *toy = toy_new(bus);
    PciDevice *other = pci_device_new(bus, PCI_DEVFN(9, 0), "other", &(PciId){ 1, 2, 3, 0x020000, 4, 5 });
    other->config[PCI_INTERRUPT_PIN] = 1; /* slot 9 shares slot 5's wire */
    for (unsigned n = 3; n < 12; n++)
        gsi_connect_pic(gsi, n, hw_irq_line(t, n));

    g_assert_cmphex(cfg_read(t, ISA, 0x60, 4), ==, 0x80808080);
    g_assert_cmphex(cfg_read(t, ISA, 0, 4), ==, 0x70008086);
    g_assert_cmphex(cfg_read(t, ISA, 0xe, 1), ==, 0x80);
    pci_set_irq(toy->pci, true);
    for (unsigned n = 3; n < 12; n++)
        g_assert_false(hw_irq(t, n));
    g_assert_cmphex(cfg_read(t, TOY, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, !=, 0);
    /* slot 5, INTA: (5 - 1) mod 4 = PIRQA */
    cfg_write(t, ISA, 0x61, 10, 1);
    g_assert_false(hw_irq(t, 10));
    cfg_write(t, ISA, 0x60, 11, 1);
    g_assert_true(hw_irq(t, 11));
    cfg_write(t, ISA, 0x60, 5, 1);
    g_assert_false(hw_irq(t, 11));
    g_assert_true(hw_irq(t, 5));
    /* shared: low only when both let go */
    pci_set_irq(other, true);
    pci_set_irq(other, true);
    pci_set_irq(toy->pci, false);
    g_assert_true(hw_irq(t, 5));
    pci_set_irq(other, false);
    g_assert_false(hw_irq(t, 5));
    g_assert_cmphex(cfg_read(t, TOY, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, ==, 0);
    /* INTx disable takes it off the wire and puts it back */
    pci_set_irq(toy->pci, true);
    cfg_write(t, TOY, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
    g_assert_false(hw_irq(t, 5));
    g_assert_cmphex(cfg_read(t, TOY, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, !=, 0);
    cfg_write(t, TOY, PCI_COMMAND, 0, 2);
    g_assert_true(hw_irq(t, 5));
    cfg_write(t, ISA, 0x60, 0x85, 1);
    g_assert_false(hw_irq(t, 5));
    /* IRQ 8 is not for PCI */
    cfg_write(t, ISA, 0x60, 8, 1);
    g_assert_false(hw_irq(t, 8));
    cfg_write(t, ISA, 0x60, 11, 1);
    pci_bus_reset(bus);
    piix3_reset(piix3);
    g_assert_false(hw_irq(t, 11));
    g_assert_cmphex(cfg_read(t, ISA, 0x60, 4), ==, 0x80808080);
    piix3_free(piix3);
    gsi_free(gsi);
    pci_bus_free(bus);
    toy_free(toy);
}

static void test_reset_port(HwTest *t)
{
    PciBus *bus = pci_bus_new(t->io, t->mem);
    Gsi *gsi = gsi_new();
    Piix3 *piix3 = piix3_new(bus, gsi, hw_irq_line(t, LINE_RESET));
    hw_outl(t, 0xcf8, 0x80000600);
    g_assert_cmpuint(hw_irq_edges(t, LINE_RESET), ==, 0);
    hw_outb(t, 0xcf9, 2);
    g_assert_cmphex(hw_inb(t, 0xcf9), ==, 2);
    g_assert_cmpuint(hw_irq_edges(t, LINE_RESET), ==, 0);
    hw_outb(t, 0xcf9, 6);
    g_assert_cmpuint(hw_irq_edges(t, LINE_RESET), ==, 1);
    g_assert_cmphex(hw_inl(t, 0xcf8), ==, 0x80000600);
    piix3_free(piix3);
    gsi_free(gsi);
    pci_bus_free(bus);
}

typedef struct Board {
    Bus *mem;
    Ram *ram;
    PciBus *bus;
    I440fx *host;
    uint8_t *bios;
} Board;

static void board_up(HwTest *t, Board *b)
{
    b->mem = bus_new("mem", 1ull << 32, NULL);
    b->ram = ram_new(4 << 20, NULL);
    g_assert_nonnull(b->ram);
    bus_set_ram(b->mem, b->ram);
    b->bios = aligned_alloc(4096, I440FX_BIOS_WINDOW);
    memset(b->bios, 0xb1, I440FX_BIOS_WINDOW);
    b->bus = pci_bus_new(t->io, b->mem);
    b->host = i440fx_new(b->bus, b->mem, b->ram, 4 << 20, b->bios);
}

static void board_down(Board *b)
{
    i440fx_free(b->host);
    pci_bus_free(b->bus);
    bus_free(b->mem);
    ram_free(b->ram);
    free(b->bios);
}

static void test_pam(HwTest *t)
{
    static const struct { unsigned reg, shift; Gpa start, size; } segments[] = {
        { 0x59, 4, 0xf0000, 0x10000 }, { 0x5a, 0, 0xc0000, 0x4000 }, { 0x5a, 4, 0xc4000, 0x4000 },
        { 0x5b, 0, 0xc8000, 0x4000 },  { 0x5b, 4, 0xcc000, 0x4000 }, { 0x5c, 0, 0xd0000, 0x4000 },
        { 0x5c, 4, 0xd4000, 0x4000 },  { 0x5d, 0, 0xd8000, 0x4000 }, { 0x5d, 4, 0xdc000, 0x4000 },
        { 0x5e, 0, 0xe0000, 0x4000 },  { 0x5e, 4, 0xe4000, 0x4000 }, { 0x5f, 0, 0xe8000, 0x4000 },
        { 0x5f, 4, 0xec000, 0x4000 },
    };
    Board b;
    board_up(t, &b);
    g_assert_cmphex(cfg_read(t, HOST, 0, 4), ==, 0x12378086);
    for (unsigned i = 0; i < G_N_ELEMENTS(segments); i++) {
        Gpa first = segments[i].start, last = first + segments[i].size - 1;
        uint8_t rom = first >= 0xe0000 ? 0xb1 : 0xff;
        unsigned reg = segments[i].reg, shift = segments[i].shift;
        b.ram->host[first] = 0x11;
        b.ram->host[last] = 0x22;
        /* 0: the bus, writes lost */
        bus_write(b.mem, first, 0x99, 1);
        g_assert_cmphex(bus_read(b.mem, first, 1), ==, rom);
        g_assert_cmphex(bus_read(b.mem, last, 1), ==, rom);
        g_assert_cmphex(b.ram->host[first], ==, 0x11);
        /* write only: the bus is read, RAM is written; the whole segment and no more */
        cfg_write(t, HOST, reg, 2 << shift, 1);
        bus_write(b.mem, first, 0x33, 1);
        bus_write(b.mem, last, 0x44, 1);
        bus_write(b.mem, last + 1, 0x55, 1);
        g_assert_cmphex(bus_read(b.mem, first, 1), ==, rom);
        g_assert_cmphex(b.ram->host[first], ==, 0x33);
        g_assert_cmphex(b.ram->host[last], ==, 0x44);
        if (last + 1 < 0x100000)
            g_assert_cmphex(b.ram->host[last + 1], !=, 0x55);
        /* read only: RAM, writes lost */
        cfg_write(t, HOST, reg, 1 << shift, 1);
        bus_write(b.mem, first, 0x66, 1);
        g_assert_cmphex(bus_read(b.mem, first, 1), ==, 0x33);
        g_assert_cmphex(bus_read(b.mem, last, 1), ==, 0x44);
        /* both */
        cfg_write(t, HOST, reg, 3 << shift, 1);
        bus_write(b.mem, first, 0x77, 1);
        g_assert_cmphex(bus_read(b.mem, first, 1), ==, 0x77);
        cfg_write(t, HOST, reg, 0, 1);
        g_assert_cmphex(bus_read(b.mem, first, 1), ==, rom);
    }
    cfg_write(t, HOST, 0x59, 0x30, 1);
    i440fx_reset(b.host);
    g_assert_cmphex(bus_read(b.mem, 0xf0000, 1), ==, 0xb1);
    board_down(&b);
}

static void watch_hit(void *opaque, uint64_t offset, uint64_t len)
{
    *(uint64_t *)opaque = offset;
}

/* RAM that is written through a read-only shadow tells those who translated code from it. */
static void test_pam_watch(HwTest *t)
{
    Board b;
    uint64_t hit = 0;
    board_up(t, &b);
    ram_set_watcher(b.ram, WATCH_CODE, watch_hit, &hit);
    ram_watch(b.ram, 0xc8000, 4096, WATCH_CODE);
    cfg_write(t, HOST, 0x5b, 2, 1);
    bus_write(b.mem, 0xc8010, 0x12345678, 4);
    g_assert_cmphex(hit, ==, 0xc8010);
    g_assert_cmphex(b.ram->host[0xc8013], ==, 0x12);
    board_down(&b);
}

static void test_smram(HwTest *t)
{
    Board b;
    board_up(t, &b);
    bus_add_io(b.mem, "vga", 0xa0000, 0x20000, &toy_ops, &(Toy){ 0 }, 1);
    b.ram->host[0xa0001] = 0x5a;
    g_assert_cmphex(cfg_read(t, HOST, 0x72, 1), ==, 0x02);
    g_assert_cmphex(bus_read(b.mem, 0xa0001, 1), ==, 0xa1);
    cfg_write(t, HOST, 0x72, 0x40, 1); /* open, but not enabled */
    g_assert_cmphex(bus_read(b.mem, 0xa0001, 1), ==, 0xa1);
    cfg_write(t, HOST, 0x72, 0x48, 1);
    g_assert_cmphex(cfg_read(t, HOST, 0x72, 1), ==, 0x4a);
    g_assert_cmphex(bus_read(b.mem, 0xa0001, 1), ==, 0x5a);
    cfg_write(t, HOST, 0x72, 0x58, 1); /* lock closes */
    g_assert_cmphex(cfg_read(t, HOST, 0x72, 1), ==, 0x1a);
    g_assert_cmphex(bus_read(b.mem, 0xa0001, 1), ==, 0xa1);
    cfg_write(t, HOST, 0x72, 0x48, 1);
    g_assert_cmphex(cfg_read(t, HOST, 0x72, 1), ==, 0x1a);
    pci_bus_reset(b.bus);
    i440fx_reset(b.host);
    cfg_write(t, HOST, 0x72, 0x48, 1);
    g_assert_cmphex(bus_read(b.mem, 0xa0001, 1), ==, 0x5a);
    board_down(&b);
}

/* Random writes to every register must leave a machine that still answers. */
static void test_random(HwTest *t)
{
    PciBus *bus = pci_bus_new(t->io, t->mem);
    Gsi *gsi = gsi_new();
    Piix3 *piix3 = piix3_new(bus, gsi, hw_irq_line(t, LINE_RESET));
    Toy *toy = toy_new(bus);
    GRand *rand = g_rand_new_with_seed(1);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned devfn = g_rand_boolean(rand) ? TOY : ISA;
        unsigned size = 1 << g_rand_int_range(rand, 0, 3);
        cfg_write(t, devfn, g_rand_int_range(rand, 0, 256) & ~(size - 1), g_rand_int(rand), size);
        pci_set_irq(toy->pci, g_rand_boolean(rand));
        hw_inb(t, g_rand_int_range(rand, 0x1000, 0x10000));
    }
    g_assert_cmphex(cfg_read(t, TOY, 0, 4), ==, 0x56781234);
    pci_set_irq(toy->pci, false);
    pci_bus_reset(bus);
    g_assert_cmphex(pci_bar_address(toy->pci, 0), ==, UINT64_MAX);
    g_rand_free(rand);
    piix3_free(piix3);
    gsi_free(gsi);
    pci_bus_free(bus);
    toy_free(toy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/pci/mechanism", test_mechanism);
    hw_test_add("/pci/bars", test_bars);
    hw_test_add("/pci/dma", test_dma);
    hw_test_add("/pci/irq", test_irq);
    hw_test_add("/pci/reset-port", test_reset_port);
    hw_test_add("/pci/pam", test_pam);
    hw_test_add("/pci/pam-watch", test_pam_watch);
    hw_test_add("/pci/smram", test_smram);
    hw_test_add("/pci/random", test_random);
    return g_test_run();
}

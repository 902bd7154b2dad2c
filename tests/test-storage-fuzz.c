/*
 * A hostile driver: random port accesses to disk, CD-ROM, bus master and floppy controller, mixed with whole commands
 * so that it gets deep. Nothing may crash, hang or assert, and a reset must always bring the devices back.
 */
#include "config.h"

#include "hw/fdc.h"
#include "hw/pci.h"
#include "hw/piix_ide.h"
#include "idetest.h"

#define ROUNDS 60000
#define BM 0xc000

typedef struct Rig {
    HwTest *t;
    GRand *rand;
    PciBus *pci;
    PiixIde *ide;
    Dma *dma;
    Fdc *fdc;
    BlockDev *disk, *disc, *floppy;
} Rig;

static uint32_t any(Rig *r, uint32_t n)
{
    return (uint32_t)g_rand_int_range(r->rand, 0, (gint32)n);
}

static uint8_t byte(Rig *r)
{
    return (uint8_t)g_rand_int(r->rand);
}

static void rig_init(Rig *r, HwTest *t, uint32_t seed)
{
    *r = (Rig){.t = t, .rand = g_rand_new_with_seed(seed)};
    r->pci = pci_bus_new(t->io, t->mem);
    r->ide = piix_ide_new(r->pci, PCI_DEVFN(1, 1), t->io, hw_irq_line(t, 14), hw_irq_line(t, 15));
    PciDevice *dev = pci_bus_device(r->pci, PCI_DEVFN(1, 1));
    pci_config_write(dev, 0x20, BM, 4);
    pci_config_write(dev, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER, 2);
    r->dma = dma_new(t->io, t->mem);
    r->fdc = fdc_new(t->io, t->clock, r->dma, hw_irq_line(t, 6));
    r->disk = idetest_image(3000, 512);
    r->disc = idetest_image(500, 2048);
    r->floppy = idetest_image(2880, 512);
    ide_attach(piix_ide_channel(r->ide, 0), 0, IDE_DISK, r->disk, "XM00001");
    ide_attach(piix_ide_channel(r->ide, 0), 1, IDE_CDROM, r->disc, "XM00002");
    g_assert_true(fdc_attach(r->fdc, 0, r->floppy, NULL));
}

static void rig_free(Rig *r)
{
    piix_ide_free(r->ide);
    pci_bus_free(r->pci);
    fdc_free(r->fdc);
    dma_free(r->dma);
    block_close(r->disk);
    block_close(r->disc);
    block_close(r->floppy);
    g_rand_free(r->rand);
}

static void any_ide_command(Rig *r)
{
    static const uint8_t likely[] = {0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x40, 0xc4, 0xc5, 0xc6,
                                     0xc8, 0xca, 0xec, 0xef, 0xa0, 0xa0, 0xa0, 0xa1, 0xb0, 0x06, 0xe7, 0x91};
    uint8_t command = any(r, 4) ? likely[any(r, G_N_ELEMENTS(likely))] : byte(r);
    HwTest *t = r->t;

    hw_outb(t, CMD0 + 6, 0xa0 | (any(r, 2) ? 0x10 : 0) | (any(r, 4) ? 0x40 : byte(r)));
    hw_outb(t, CMD0 + 1, any(r, 2) ? any(r, 4) : byte(r));
    for (uint16_t i = 2; i < 6; i++)
        hw_outb(t, CMD0 + i, any(r, 3) ? any(r, 12) : byte(r));
    hw_outb(t, CMD0 + 7, command);
    if (command == 0xa0) {
        static const uint8_t packets[] = {0x00, 0x03, 0x12, 0x1b, 0x1e, 0x25, 0x28, 0x43, 0x46, 0x4a, 0x51, 0x5a,
                                          0xa8, 0xbe};
        uint8_t p[12] = {any(r, 4) ? packets[any(r, G_N_ELEMENTS(packets))] : byte(r)};
        for (int i = 1; i < 12; i++)
            p[i] = any(r, 3) ? 0 : byte(r);
        ide_pio_out(t, CMD0, p, 12);
    }
}

static void any_table(Rig *r)
{
    uint32_t table = any(r, 4) ? 0x1000 : g_rand_int(r->rand);

    for (uint32_t i = 0; i < 4; i++) {
        hw_writel(r->t, 0x1000 + 8 * i, any(r, 4) ? 0x10000 + any(r, 0x10000) : g_rand_int(r->rand));
        hw_writel(r->t, 0x1004 + 8 * i, any(r, 0x10000) | (any(r, 2) ? 0x80000000 : 0));
    }
    hw_outl(r->t, BM + 4, table);
    hw_outb(r->t, BM, any(r, 2) ? 0x09 : 0x01);
}

static void any_floppy_command(Rig *r)
{
    static const uint8_t likely[] = {0xe6, 0xc5, 0x46, 0x45, 0x4a, 0x4d, 0x07, 0x08, 0x0f, 0x03, 0x13, 0x51, 0x56,
                                     0x42, 0x4c};
    HwTest *t = r->t;

    if (any(r, 4) == 0) {
        hw_outb(t, 0xd6, 0xc0);
        hw_outb(t, 0xd4, 0);
        hw_outb(t, 0x0b, any(r, 2) ? 0x46 : 0x4a);
        hw_outb(t, 0x05, byte(r));
        hw_outb(t, 0x05, any(r, 8));
        hw_outb(t, 0x81, any(r, 4));
        hw_outb(t, 0x0a, any(r, 4) ? 2 : 6);
    }
    if (any(r, 16) == 0)
        hw_outb(t, 0x3f2, byte(r));
    hw_outb(t, 0x3f2, 0x1c);
    hw_outb(t, 0x3f5, any(r, 4) ? likely[any(r, G_N_ELEMENTS(likely))] : byte(r));
    for (int i = 0; i < 9; i++)
        hw_outb(t, 0x3f5, any(r, 3) ? any(r, 4) : byte(r));
}

static void any_access(Rig *r)
{
    static const uint16_t ports[] = {CMD0, CMD0 + 1, CMD0 + 2, CMD0 + 3, CMD0 + 4, CMD0 + 5, CMD0 + 6, CMD0 + 7, CTL0,
                                     CMD1, CMD1 + 6, CMD1 + 7, CTL1,     BM,       BM + 2,   BM + 4,   BM + 7,   0x3f2,
                                     0x3f3, 0x3f4,   0x3f5,    0x3f5,    0x3f7,    0x0a,     0x0b,     0x0c,     0x05};
    uint16_t port = ports[any(r, G_N_ELEMENTS(ports))];
    HwTest *t = r->t;

    switch (any(r, 8)) {
    case 0:
        hw_outb(t, port, byte(r));
        break;
    case 1:
        hw_outw(t, port, (uint16_t)g_rand_int(r->rand));
        break;
    case 2:
        hw_outl(t, port, g_rand_int(r->rand));
        break;
    case 3:
        hw_inw(t, port);
        break;
    case 4:
        hw_inl(t, port);
        break;
    default:
        hw_inb(t, port);
    }
}

static void any_bulk(Rig *r)
{
    uint16_t port = any(r, 2) ? CMD0 : 0x3f5;
    unsigned n = any(r, 3000);

    for (unsigned i = 0; i < n; i++) {
        if (port == CMD0)
            i & 1 ? hw_outl(r->t, port, i) : (void)hw_inl(r->t, port);
        else
            i & 1 ? hw_outb(r->t, port, (uint8_t)i) : (void)hw_inb(r->t, port);
    }
}

static void any_change(Rig *r)
{
    IdeChannel *ch = piix_ide_channel(r->ide, 0);

    ide_cdrom_change(ch, 1, any(r, 3) ? r->disc : NULL, any(r, 2));
    fdc_change(r->fdc, 0, any(r, 3) ? r->floppy : NULL, NULL);
}

static void fuzz(Rig *r, GMainContext *context)
{
    for (int i = 0; i < ROUNDS; i++) {
        switch (any(r, 64)) {
        case 0 ... 7:
            any_ide_command(r);
            break;
        case 8 ... 11:
            any_table(r);
            break;
        case 12 ... 15:
            any_floppy_command(r);
            break;
        case 16:
            any_bulk(r);
            break;
        case 17:
            any_change(r);
            break;
        case 18:
            clock_step(r->t->clock, US(100));
            break;
        case 19:
            hw_outb(r->t, CTL0, 4);
            hw_outb(r->t, CTL0, 0);
            break;
        default:
            any_access(r);
        }
        while (context && any(r, 4) == 0 && g_main_context_iteration(context, FALSE))
            ;
    }
}

/* Everything still works. */
static void check_alive(Rig *r, GMainContext *context)
{
    HwTest *t = r->t;
    uint16_t w[256];

    hw_outb(t, CTL0, 4);
    hw_outb(t, CTL0, 0);
    block_drain(r->disk);
    block_drain(r->disc);
    ide_command28(t, CMD0, 0xa0, 0, 0, 0, 0xec);
    ide_pio_in(t, CMD0, w, 512);
    g_assert_cmpuint(w[60], ==, 3000);
    ide_command28(t, CMD0, 0xe0, 0, 1, 10, 0x40);
    while (hw_inb(t, CTL0) & BSY)
        g_main_context_iteration(context, TRUE);
    assert_status(t, CTL0, DRDY | DSC);
    ide_command28(t, CMD0, 0xb0, 0, 0, 0, 0xa1);
    ide_pio_in(t, CMD0, w, 512);
    g_assert_cmphex(w[0], ==, 0x85c0);
    hw_outb(t, 0x3f2, 0);
    hw_outb(t, 0x3f2, 0x0c);
    g_assert_cmphex(hw_inb(t, 0x3f4), ==, 0x80);
    hw_outb(t, 0x3f5, 0x10);
    g_assert_cmphex(hw_inb(t, 0x3f5), ==, 0x90);
    g_assert_cmpuint(block_size(r->disk), ==, 3000 * 512);
}

static void test_sync(HwTest *t)
{
    Rig r;

    rig_init(&r, t, 1);
    fuzz(&r, NULL);
    check_alive(&r, NULL);
    rig_free(&r);
}

static void test_async(HwTest *t)
{
    GMainContext *context = g_main_context_new();
    Rig r;

    rig_init(&r, t, 2);
    block_set_async(r.disk, context, NULL);
    block_set_async(r.disc, context, NULL);
    fuzz(&r, context);
    check_alive(&r, context);
    rig_free(&r);
    g_main_context_unref(context);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/storage-fuzz/sync", test_sync);
    hw_test_add("/storage-fuzz/async", test_async);
    return g_test_run();
}

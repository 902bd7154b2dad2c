/*
 * Bus-master DMA through the PIIX3's IDE function: Linux's sequence, tables of every shape, errors, resets.
 */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "hw/pci.h"
#include "hw/piix_ide.h"
#include "idetest.h"

#define BM 0xc000
#define TABLE 0x1000u
#define DATA 0x10000u
#define SECTORS 70000u

typedef struct Rig {
    PciBus *pci;
    PciDevice *dev;
    PiixIde *ide;
    BlockDev *disk;
    char *path;
} Rig;

static Rig rig_new(HwTest *t)
{
    Rig r;

    r.pci = pci_bus_new(t->io, t->mem);
    r.ide = piix_ide_new(r.pci, PCI_DEVFN(1, 1), t->io, hw_irq_line(t, 14), hw_irq_line(t, 15));
    r.dev = pci_bus_device(r.pci, PCI_DEVFN(1, 1));
    r.disk = idetest_image_path(SECTORS, 512, &r.path);
    ide_attach(piix_ide_channel(r.ide, 0), 0, IDE_DISK, r.disk, "XM00001");
    pci_config_write(r.dev, 0x20, BM, 4);
    pci_config_write(r.dev, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER, 2);
    return r;
}

static void rig_free(Rig *r)
{
    piix_ide_free(r->ide);
    pci_bus_free(r->pci);
    block_close(r->disk);
    g_unlink(r->path);
    g_free(r->path);
}

static void prd(HwTest *t, unsigned n, uint32_t addr, uint32_t size, bool last)
{
    hw_writel(t, TABLE + 8 * n, addr);
    hw_writel(t, TABLE + 8 * n + 4, (size & 0xffff) | (last ? 0x80000000 : 0));
}

/* ata_bmdma_setup() */
static void bm_setup(HwTest *t, bool to_memory)
{
    hw_outl(t, BM + 4, TABLE);
    hw_outb(t, BM, to_memory ? 8 : 0);
    hw_outb(t, BM + 2, hw_inb(t, BM + 2) | 6);
}

static void bm_start(HwTest *t)
{
    hw_outb(t, BM, hw_inb(t, BM) | 1);
}

static void bm_stop(HwTest *t)
{
    hw_outb(t, BM, hw_inb(t, BM) & ~1);
}

static void test_config(HwTest *t)
{
    Rig r = rig_new(t);

    g_assert_cmphex(pci_config_read(r.dev, 0, 4), ==, 0x70108086);
    g_assert_cmphex(pci_config_read(r.dev, 8, 4) >> 8, ==, 0x010180);
    g_assert_cmphex(pci_config_read(r.dev, 0x20, 4), ==, BM | 1);
    pci_config_write(r.dev, 0x20, 0xffffffff, 4);
    g_assert_cmphex(pci_config_read(r.dev, 0x20, 4), ==, 0xfffffff1);
    g_assert_cmphex(pci_config_read(r.dev, 0x40, 4) & 0x80008000, ==, 0x80008000);
    rig_free(&r);
}

static void test_registers(HwTest *t)
{
    Rig r = rig_new(t);

    hw_outl(t, BM + 4, 0xffffffff);
    g_assert_cmphex(hw_inl(t, BM + 4), ==, 0xfffffffc);
    hw_outw(t, BM + 4, 0x1234);
    g_assert_cmphex(hw_inl(t, BM + 4), ==, 0xffff1234);
    hw_outb(t, BM + 2, 0x60); /* drives capable of DMA: for software */
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x60);
    /* The second channel has its own. */
    hw_outl(t, BM + 12, 0x5678);
    g_assert_cmphex(hw_inl(t, BM + 12), ==, 0x5678);
    g_assert_cmphex(hw_inl(t, BM + 4), ==, 0xffff1234);
    rig_free(&r);
}

static void test_read(HwTest *t)
{
    Rig r = rig_new(t);

    prd(t, 0, DATA, 512, false);
    prd(t, 1, DATA + 0x2000, 1024, true);
    bm_setup(t, true);
    ide_command28(t, CMD0, 0xe0, 0, 3, 100, 0xc8);
    assert_status(t, CTL0, DRDY | DSC | DRQ);
    g_assert_false(hw_irq(t, 14));
    g_assert_cmphex(hw_inw(t, CMD0), ==, 0); /* the data port is not the way */
    bm_start(t);
    g_assert_true(hw_irq(t, 14));
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x04); /* interrupt, not active: all fitted */
    g_assert_cmpuint(hw_readl(t, DATA), ==, 100);
    g_assert_cmpuint(hw_readl(t, DATA + 0x2000), ==, 101);
    g_assert_cmpuint(hw_readl(t, DATA + 0x2200), ==, 102);
    bm_stop(t);
    g_assert_cmphex(hw_inb(t, CMD0 + 7), ==, DRDY | DSC);
    g_assert_false(hw_irq(t, 14));
    hw_outb(t, BM + 2, 0x04);
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0);
    rig_free(&r);
}

/* Starting the bus master first works too. */
static void test_start_first(HwTest *t)
{
    Rig r = rig_new(t);

    prd(t, 0, DATA, 512, true);
    bm_setup(t, true);
    bm_start(t);
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x01);
    ide_command28(t, CMD0, 0xe0, 0, 1, 9, 0xc8);
    g_assert_true(hw_irq(t, 14));
    g_assert_cmpuint(hw_readl(t, DATA), ==, 9);
    rig_free(&r);
}

static void test_write(HwTest *t)
{
    Rig r = rig_new(t);
    uint8_t back[4096];

    for (uint32_t i = 0; i < 4096; i += 4)
        hw_writel(t, DATA + i, i * 3 + 7);
    prd(t, 0, DATA, 1000, false); /* regions need not be whole sectors */
    prd(t, 1, DATA + 1000, 3096, true);
    bm_setup(t, false);
    ide_command48(t, CMD0, 0xe0, 8, 60000, 0x35);
    bm_start(t);
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x04);
    bm_stop(t);
    g_assert_cmphex(hw_inb(t, CMD0 + 7), ==, DRDY | DSC);
    g_assert_cmpint(block_read(r.disk, 60000ull * 512, back, sizeof(back)), ==, 0);
    for (uint32_t i = 0; i < 4096; i += 4) {
        uint32_t v;
        memcpy(&v, back + i, 4);
        g_assert_cmpuint(v, ==, i * 3 + 7);
    }
    /* WRITE DMA FUA EXT, and with the write cache off. */
    hw_writel(t, DATA, 0xfeedface);
    prd(t, 0, DATA, 512, true);
    for (int i = 0; i < 2; i++) {
        if (i)
            ide_command28(t, CMD0, 0xe0, 0x82, 0, 0, 0xef);
        bm_setup(t, false);
        ide_command48(t, CMD0, 0xe0, 1, 60000 + (uint32_t)i, i ? 0x35 : 0x3d);
        bm_start(t);
        g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x04);
        bm_stop(t);
        g_assert_cmpint(block_read(r.disk, (60000ull + (unsigned)i) * 512, back, 512), ==, 0);
        g_assert_cmphex(back[0], ==, 0xce);
    }
    rig_free(&r);
}

/* The largest command: 65536 sectors, table entries of 64 KiB that all point to the same place. */
static void test_large(HwTest *t)
{
    Rig r = rig_new(t);

    for (unsigned i = 0; i < 512; i++)
        prd(t, i, DATA, 0, i == 511);
    bm_setup(t, true);
    ide_command48(t, CMD0, 0xe0, 0, 2048, 0x25);
    bm_start(t);
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x04);
    assert_status(t, CTL0, DRDY | DSC);
    rig_free(&r);
}

static void test_table_longer(HwTest *t)
{
    Rig r = rig_new(t);

    prd(t, 0, DATA, 4096, true);
    bm_setup(t, true);
    ide_command28(t, CMD0, 0xe0, 0, 1, 5, 0xc8);
    hw_writel(t, DATA + 512, 0x11111111);
    bm_start(t);
    g_assert_true(hw_irq(t, 14));
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x05); /* interrupt and still active */
    g_assert_cmpuint(hw_readl(t, DATA), ==, 5);
    g_assert_cmphex(hw_readl(t, DATA + 512), ==, 0x11111111);
    bm_stop(t);
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x04);
    rig_free(&r);
}

static void test_table_shorter(HwTest *t)
{
    Rig r = rig_new(t);
    uint8_t back[1024];

    for (int write = 0; write < 2; write++) {
        hw_writel(t, DATA, 0xabcdef01);
        prd(t, 0, DATA, 512, true);
        bm_setup(t, !write);
        ide_command28(t, CMD0, 0xe0, 0, 2, 40, write ? 0xca : 0xc8);
        bm_start(t);
        g_assert_false(hw_irq(t, 14));
        g_assert_cmphex(hw_inb(t, BM + 2) & 0x05, ==, 0);
        bm_stop(t);
        /* The drive takes commands again. */
        ide_command28(t, CMD0, 0xe0, 0, 1, 0, 0x40);
        g_assert_cmphex(hw_inb(t, CMD0 + 7), ==, DRDY | DSC);
    }
    g_assert_cmpint(block_read(r.disk, 40 * 512, back, sizeof(back)), ==, 0);
    g_assert_cmphex(back[0], ==, 0x01);   /* the sector that the table had */
    g_assert_cmphex(back[512], ==, 41);   /* the one that it hadn't */
    rig_free(&r);
}

/* Bus mastering off in the command register: nothing moves. */
static void test_no_mastering(HwTest *t)
{
    Rig r = rig_new(t);

    pci_config_write(r.dev, PCI_COMMAND, PCI_COMMAND_IO, 2);
    hw_writel(t, DATA, 0x12345678);
    prd(t, 0, DATA, 512, true);
    bm_setup(t, true);
    ide_command28(t, CMD0, 0xe0, 0, 1, 7, 0xc8);
    bm_start(t);
    g_assert_cmphex(hw_readl(t, DATA), ==, 0x12345678);
    g_assert_false(hw_irq(t, 14));
    rig_free(&r);
}

/* A table without an end that points at itself must not hang us. */
static void test_endless_table(HwTest *t)
{
    Rig r = rig_new(t);

    for (uint32_t i = 0; i < 64 << 10; i += 8) {
        hw_writel(t, TABLE + i, DATA + (64 << 10));
        hw_writel(t, TABLE + i + 4, 2);
    }
    bm_setup(t, true);
    ide_command48(t, CMD0, 0xe0, 0, 0, 0x25);
    bm_start(t);
    g_assert_cmphex(hw_inb(t, BM + 2) & 0x04, ==, 0);
    rig_free(&r);
}

static void test_read_error(HwTest *t)
{
    Rig r = rig_new(t);

    g_assert_cmpint(truncate(r.path, 5003 * 512), ==, 0);
    for (unsigned i = 0; i < 4; i++)
        prd(t, i, DATA + 0x10000 * i, 0, i == 3);
    bm_setup(t, true);
    ide_command28(t, CMD0, 0xe0, 0, 0, 4900, 0xc8);
    bm_start(t);
    g_assert_true(hw_irq(t, 14));
    g_assert_cmphex(hw_inb(t, BM + 2) & 0x04, ==, 0x04);
    bm_stop(t);
    g_assert_cmphex(hw_inb(t, CMD0 + 7), ==, DRDY | DSC | ERR);
    g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 0x40);
    g_assert_cmpuint(hw_inb(t, CMD0 + 3) | hw_inb(t, CMD0 + 4) << 8, ==, 5003);
    rig_free(&r);
}

static void flushed(void *opaque, BlockReq *req)
{
    block_req_free(req);
}

/* Stop in the middle: nothing is written to guest memory afterwards. */
static void test_stop_async(HwTest *t)
{
    Rig r = rig_new(t);
    GMainContext *context = g_main_context_new();

    block_set_async(r.disk, context, NULL);
    for (int reset = 0; reset < 2; reset++) {
        /* A flush keeps the worker's queue from being idle, so that the read waits behind it. */
        block_submit(r.disk, block_req_new(BLOCK_FLUSH, 0, 0), flushed, NULL);
        hw_writel(t, DATA, 0x12345678);
        prd(t, 0, DATA, 512, true);
        bm_setup(t, true);
        ide_command28(t, CMD0, 0xe0, 0, 1, 7, 0xc8);
        bm_start(t);
        assert_status(t, CTL0, BSY | DRDY | DSC);
        g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x01);
        if (reset) {
            hw_outb(t, CTL0, 4);
            hw_outb(t, CTL0, 0);
        }
        bm_stop(t);
        block_drain(r.disk);
        g_assert_cmphex(hw_readl(t, DATA), ==, 0x12345678);
        g_assert_false(hw_irq(t, 14));
        assert_status(t, CTL0, DRDY | DSC);
    }
    rig_free(&r);
    g_main_context_unref(context);
}

/* Completion by the main loop, as a machine runs. */
static void test_async(HwTest *t)
{
    Rig r = rig_new(t);
    GMainContext *context = g_main_context_new();

    block_set_async(r.disk, context, NULL);
    for (uint32_t i = 0; i < 512 << 10; i += 4)
        hw_writel(t, DATA + i, i ^ 0x5a5a);
    for (unsigned i = 0; i < 8; i++)
        prd(t, i, DATA + 0x10000 * i, 0, i == 7);
    bm_setup(t, false);
    ide_command48(t, CMD0, 0xe0, 1024, 10000, 0x35);
    bm_start(t);
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x01);
    while (!hw_irq(t, 14))
        g_main_context_iteration(context, TRUE);
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x04);
    bm_stop(t);
    for (uint32_t i = 0; i < 512 << 10; i += 4)
        hw_writel(t, DATA + i, 0);
    hw_inb(t, CMD0 + 7);
    bm_setup(t, true);
    ide_command48(t, CMD0, 0xe0, 1024, 10000, 0x25);
    bm_start(t);
    while (!hw_irq(t, 14))
        g_main_context_iteration(context, TRUE);
    for (uint32_t i = 0; i < 512 << 10; i += 4)
        g_assert_cmphex(hw_readl(t, DATA + i), ==, i ^ 0x5a5a);
    rig_free(&r);
    g_main_context_unref(context);
}

static void test_trim(HwTest *t)
{
    Rig r = rig_new(t);
    uint8_t back[512];

    for (uint32_t i = 0; i < 512; i += 4)
        hw_writel(t, DATA + i, 0);
    hw_writel(t, DATA, 2048);           /* sectors 2048 to 2063 */
    hw_writel(t, DATA + 4, 16u << 16);
    prd(t, 0, DATA, 512, true);
    bm_setup(t, false);
    hw_outb(t, CMD0 + 1, 0);
    hw_outb(t, CMD0 + 1, 1);
    hw_outb(t, CMD0 + 2, 0);
    hw_outb(t, CMD0 + 2, 1);
    hw_outb(t, CMD0 + 6, 0xe0);
    hw_outb(t, CMD0 + 7, 0x06);
    bm_start(t);
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x04);
    bm_stop(t);
    g_assert_cmphex(hw_inb(t, CMD0 + 7), ==, DRDY | DSC);
    g_assert_cmpint(block_read(r.disk, 2047 * 512, back, 512), ==, 0);
    g_assert_cmphex(back[0] | back[1] << 8, ==, 2047);
    g_assert_cmpint(block_read(r.disk, 2064 * 512, back, 512), ==, 0);
    g_assert_cmphex(back[0] | back[1] << 8, ==, 2064);
    /* A range off the end. */
    hw_writel(t, DATA, SECTORS - 1);
    bm_setup(t, false);
    hw_outb(t, CMD0 + 7, 0x06);
    bm_start(t);
    g_assert_cmphex(hw_inb(t, CMD0 + 7), ==, DRDY | DSC | ERR);
    rig_free(&r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/bmdma/config", test_config);
    hw_test_add("/bmdma/registers", test_registers);
    hw_test_add("/bmdma/read", test_read);
    hw_test_add("/bmdma/start-first", test_start_first);
    hw_test_add("/bmdma/write", test_write);
    hw_test_add("/bmdma/large", test_large);
    hw_test_add("/bmdma/table-longer", test_table_longer);
    hw_test_add("/bmdma/table-shorter", test_table_shorter);
    hw_test_add("/bmdma/no-mastering", test_no_mastering);
    hw_test_add("/bmdma/endless-table", test_endless_table);
    hw_test_add("/bmdma/read-error", test_read_error);
    hw_test_add("/bmdma/stop", test_stop_async);
    hw_test_add("/bmdma/async", test_async);
    hw_test_add("/bmdma/trim", test_trim);
    return g_test_run();
}

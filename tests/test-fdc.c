/*
 * The floppy controller at register level: what a PC BIOS, DOS and Linux do, the result bytes, the errors, DMA and
 * not.
 */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "hw/fdc.h"
#include "idetest.h"

#define DOR 0x3f2
#define MSR 0x3f4
#define FIFO 0x3f5
#define DIR 0x3f7
#define CCR 0x3f7
#define IRQ 6
#define DATA 0x20000u
#define MSR_READY 0x80
#define MSR_RESULT 0xd0

typedef struct Rig {
    HwTest *t;
    Dma *dma;
    Fdc *fdc;
    BlockDev *image;
} Rig;

static void reset(HwTest *t)
{
    hw_outb(t, DOR, 0x00);
    hw_outb(t, DOR, 0x0c);
}

static uint8_t in(HwTest *t)
{
    g_assert_cmphex(hw_inb(t, MSR) & 0xd0, ==, MSR_RESULT);
    return hw_inb(t, FIFO);
}

static void out(HwTest *t, const uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_assert_cmphex(hw_inb(t, MSR) & 0xc0, ==, MSR_READY);
        hw_outb(t, FIFO, bytes[i]);
    }
}

#define OUT(t, ...) out(t, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Expect exactly these result bytes. */
static void results(HwTest *t, const uint8_t *want, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        g_assert_cmphex(in(t), ==, want[i]);
    g_assert_cmphex(hw_inb(t, MSR) & 0xd0, ==, MSR_READY);
}

#define RESULTS(t, ...) results(t, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void sense_reset(HwTest *t)
{
    for (uint8_t i = 0; i < 4; i++) {
        OUT(t, 0x08);
        g_assert_false(hw_irq(t, IRQ)); /* the first takes the interrupt back for all four */
        RESULTS(t, 0xc0 | i, 0);
        g_assert_false(hw_irq(t, IRQ));
    }
}

static void seek(HwTest *t, uint8_t unit, uint8_t track)
{
    OUT(t, 0x0f, unit, track);
    g_assert_cmphex(hw_inb(t, MSR) & (1 << unit), ==, 1 << unit);
    clock_step(t->clock, MS(1));
    g_assert_true(hw_irq(t, IRQ));
    OUT(t, 0x08);
    g_assert_false(hw_irq(t, IRQ));
    RESULTS(t, 0x20 | unit, track);
}

/* Channel 2 at DATA for n bytes: mode 46h reads from the disk, 4Ah writes to it. */
static void dma_setup(HwTest *t, uint8_t mode, unsigned n)
{
    hw_outb(t, 0xd6, 0xc0);
    hw_outb(t, 0xd4, 0);
    hw_outb(t, 0x0a, 6);
    hw_outb(t, 0x0c, 0);
    hw_outb(t, 0x0b, mode);
    hw_outb(t, 0x04, DATA & 0xff);
    hw_outb(t, 0x04, DATA >> 8 & 0xff);
    hw_outb(t, 0x81, DATA >> 16);
    hw_outb(t, 0x05, (n - 1) & 0xff);
    hw_outb(t, 0x05, (n - 1) >> 8);
    hw_outb(t, 0x0a, 2);
}

static Rig rig_new(HwTest *t, unsigned sectors)
{
    Rig r = {.t = t};
    g_autoptr(GError) error = NULL;

    r.dma = dma_new(t->io, t->mem);
    r.fdc = fdc_new(t->io, t->clock, r.dma, hw_irq_line(t, IRQ));
    r.image = sectors ? idetest_image(sectors, 512) : NULL;
    g_assert_true(fdc_attach(r.fdc, 0, r.image, &error));
    g_assert_no_error(error);
    reset(t);
    sense_reset(t);
    OUT(t, 0x03, 0xdf, 0x02);
    hw_outb(t, CCR, 0);
    hw_outb(t, DOR, 0x1c);
    return r;
}

static void rig_free(Rig *r)
{
    fdc_free(r->fdc);
    dma_free(r->dma);
    block_close(r->image);
}

static void test_reset(HwTest *t)
{
    Dma *dma = dma_new(t->io, t->mem);
    Fdc *fdc = fdc_new(t->io, t->clock, dma, hw_irq_line(t, IRQ));

    g_assert_cmphex(hw_inb(t, MSR), ==, 0); /* held in reset from power-on */
    hw_outb(t, DOR, 0x0c);
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(hw_inb(t, MSR), ==, 0x80);
    sense_reset(t);
    g_assert_false(hw_irq(t, IRQ));
    OUT(t, 0x08); /* nothing more to tell */
    RESULTS(t, 0x80);
    /* By DSR, and without the DMA gate nobody hears of it. */
    hw_outb(t, DOR, 0x04);
    hw_outb(t, MSR, 0x80);
    g_assert_false(hw_irq(t, IRQ));
    hw_outb(t, DOR, 0x0c);
    g_assert_true(hw_irq(t, IRQ));
    sense_reset(t);
    g_assert_cmphex(hw_inb(t, DOR), ==, 0x0c);
    /* Status registers A and B: nobody there in AT mode. */
    g_assert_cmphex(hw_inb(t, 0x3f0), ==, 0xff);
    fdc_free(fdc);
    dma_free(dma);
}

static void test_version_and_registers(HwTest *t)
{
    Rig r = rig_new(t, 2880);

    OUT(t, 0x10);
    RESULTS(t, 0x90);
    OUT(t, 0x18); /* PART ID: an 82078's */
    RESULTS(t, 0x80);
    OUT(t, 0x13, 0, 0x57, 0x11);
    OUT(t, 0x94);
    RESULTS(t, 0x10);
    OUT(t, 0x12, 0x84);
    OUT(t, 0x0e);
    RESULTS(t, 0, 0, 0, 0, 0xdf, 0x02, 0, 0x84, 0x57, 0x11);
    /* A locked configuration outlives a software reset, polling and implied seek don't. */
    reset(t);
    sense_reset(t);
    OUT(t, 0x0e);
    RESULTS(t, 0, 0, 0, 0, 0xdf, 0x02, 0, 0x84, 0x07, 0x11);
    OUT(t, 0x14);
    RESULTS(t, 0x00);
    reset(t);
    sense_reset(t);
    OUT(t, 0x0e);
    RESULTS(t, 0, 0, 0, 0, 0xdf, 0x02, 0, 0x04, 0x20, 0x00);
    rig_free(&r);
}

static void test_seek(HwTest *t)
{
    Rig r = rig_new(t, 2880);

    g_assert_cmphex(hw_inb(t, DIR), ==, 0x80); /* a diskette that was never looked at */
    seek(t, 0, 0); /* no step, no change */
    g_assert_cmphex(hw_inb(t, DIR), ==, 0x80);
    seek(t, 0, 40);
    g_assert_cmphex(hw_inb(t, DIR), ==, 0x00);
    OUT(t, 0x04, 0x00);
    RESULTS(t, 0x28);
    OUT(t, 0x07, 0x00);
    clock_step(t->clock, MS(1));
    OUT(t, 0x08);
    RESULTS(t, 0x20, 0);
    OUT(t, 0x04, 0x04);
    RESULTS(t, 0x3c); /* track 0, head 1 */
    /* Relative: in by 7, out by 3. */
    OUT(t, 0xcf, 0x00, 7);
    clock_step(t->clock, MS(1));
    OUT(t, 0x08);
    RESULTS(t, 0x20, 7);
    OUT(t, 0x8f, 0x00, 3);
    clock_step(t->clock, MS(1));
    OUT(t, 0x08);
    RESULTS(t, 0x20, 4);
    /* Two seeks at once: two interrupts. */
    hw_irq_edges(t, IRQ);
    OUT(t, 0x0f, 0x00, 9);
    OUT(t, 0x0f, 0x01, 8);
    g_assert_cmphex(hw_inb(t, MSR), ==, 0x83);
    clock_step(t->clock, MS(1));
    OUT(t, 0x08);
    RESULTS(t, 0x20, 9);
    g_assert_true(hw_irq(t, IRQ));
    OUT(t, 0x08);
    RESULTS(t, 0x21, 8);
    g_assert_false(hw_irq(t, IRQ));
    g_assert_cmpuint(hw_irq_edges(t, IRQ), ==, 2);
    /* A drive that isn't there finds no track 0. */
    OUT(t, 0x07, 0x01);
    clock_step(t->clock, MS(1));
    OUT(t, 0x08);
    RESULTS(t, 0x71, 0);
    rig_free(&r);
}

static void test_change_line(HwTest *t)
{
    Rig r = rig_new(t, 2880);

    seek(t, 0, 1);
    g_assert_cmphex(hw_inb(t, DIR), ==, 0);
    g_assert_true(fdc_change(r.fdc, 0, NULL, NULL));
    g_assert_cmphex(hw_inb(t, DIR), ==, 0x80);
    seek(t, 0, 2); /* an empty drive goes on saying so */
    seek(t, 0, 0);
    g_assert_cmphex(hw_inb(t, DIR), ==, 0x80);
    OUT(t, 0x4a, 0x00);
    clock_step(t->clock, MS(1));
    RESULTS(t, 0x48, 0x01, 0, 0, 0, 0, 0);
    BlockDev *second = idetest_image(1440, 512);
    g_assert_true(fdc_change(r.fdc, 0, second, NULL));
    g_assert_cmphex(hw_inb(t, DIR), ==, 0x80);
    hw_outb(t, DOR, 0x0d); /* drive B isn't there */
    g_assert_cmphex(hw_inb(t, DIR), ==, 0);
    hw_outb(t, DOR, 0x1c);
    seek(t, 0, 1);
    g_assert_cmphex(hw_inb(t, DIR), ==, 0);
    /* 720K wants 250 kbit/s. */
    OUT(t, 0x4a, 0x00);
    clock_step(t->clock, MS(1));
    RESULTS(t, 0x40, 0x01, 0, 0, 0, 0, 0);
    hw_outb(t, CCR, 2);
    OUT(t, 0x4a, 0x00);
    clock_step(t->clock, MS(1));
    g_assert_cmphex(in(t), ==, 0x00);
    for (int i = 0; i < 6; i++)
        in(t);
    rig_free(&r);
    block_close(second);
}

static void test_read_dma(HwTest *t)
{
    Rig r = rig_new(t, 2880);

    seek(t, 0, 3);
    dma_setup(t, 0x46, 512);
    hw_irq_edges(t, IRQ);
    OUT(t, 0xe6, 0x04, 3, 1, 5, 2, 18, 0x1b, 0xff);
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(in(t), ==, 0x04);
    g_assert_false(hw_irq(t, IRQ)); /* the first result byte takes it back */
    RESULTS(t, 0, 0, 3, 1, 6, 2);
    g_assert_cmpuint(hw_irq_edges(t, IRQ), ==, 1);
    g_assert_cmpuint(hw_readl(t, DATA), ==, (3 * 2 + 1) * 18 + 4);

    /* A whole cylinder, both heads, by multi-track. */
    dma_setup(t, 0x46, 36 * 512);
    OUT(t, 0xe6, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x00, 0, 0, 4, 0, 1, 2);
    for (unsigned i = 0; i < 36; i++)
        g_assert_cmpuint(hw_readl(t, DATA + 512 * i), ==, 3 * 36 + i);
    /* To the last sector of head 0 only: the next is on head 1. */
    dma_setup(t, 0x46, 2 * 512);
    OUT(t, 0xe6, 0x00, 3, 0, 17, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x04, 0, 0, 3, 1, 1, 2);
    /* Without multi-track the cylinder ends there. */
    dma_setup(t, 0x46, 2 * 512);
    OUT(t, 0x46, 0x00, 3, 0, 17, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x00, 0, 0, 4, 0, 1, 2);
    /* More asked for than there is. */
    dma_setup(t, 0x46, 4 * 512);
    OUT(t, 0x46, 0x00, 3, 0, 17, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x40, 0x80, 0, 4, 0, 1, 2);
    g_assert_cmpuint(hw_readl(t, DATA + 512), ==, 3 * 36 + 17);
    rig_free(&r);
}

/* The guest opens the DMA channel after the command: the data wait. */
static void test_read_dma_late(HwTest *t)
{
    Rig r = rig_new(t, 2880);

    hw_outb(t, 0x0a, 6);
    OUT(t, 0xe6, 0x00, 0, 0, 7, 2, 18, 0x1b, 0xff);
    g_assert_false(hw_irq(t, IRQ));
    g_assert_cmphex(hw_inb(t, MSR), ==, 0x10);
    dma_setup(t, 0x46, 512);
    g_assert_true(hw_irq(t, IRQ));
    RESULTS(t, 0, 0, 0, 0, 0, 8, 2);
    g_assert_cmpuint(hw_readl(t, DATA), ==, 6);
    /* And a reset frees a command that waits for ever. */
    hw_outb(t, 0x0a, 6);
    OUT(t, 0xe6, 0x00, 0, 0, 7, 2, 18, 0x1b, 0xff);
    hw_outb(t, DOR, 0x00);
    hw_outb(t, DOR, 0x1c);
    sense_reset(t);
    hw_writel(t, DATA, 0x77777777);
    dma_setup(t, 0x46, 512);
    g_assert_cmphex(hw_readl(t, DATA), ==, 0x77777777);
    rig_free(&r);
}

static void test_write_dma(HwTest *t)
{
    Rig r = rig_new(t, 2880);
    uint8_t back[1024];

    seek(t, 0, 79);
    for (unsigned i = 0; i < 1024; i++)
        hw_writeb(t, DATA + i, (uint8_t)(i * 5 + 1));
    dma_setup(t, 0x4a, 1024);
    OUT(t, 0xc5, 0x04, 79, 1, 17, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x00, 0, 0, 80, 0, 1, 2);
    g_assert_cmpint(block_read(r.image, 2878 * 512, back, 1024), ==, 0);
    for (unsigned i = 0; i < 1024; i++)
        g_assert_cmphex(back[i], ==, (uint8_t)(i * 5 + 1));
    /* A terminal count in the middle of a sector: zeros follow. */
    dma_setup(t, 0x4a, 100);
    OUT(t, 0xc5, 0x00, 79, 0, 1, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x00, 0, 0, 79, 0, 2, 2);
    g_assert_cmpint(block_read(r.image, 79 * 36 * 512, back, 512), ==, 0);
    g_assert_cmphex(back[99], ==, (uint8_t)(99 * 5 + 1));
    g_assert_cmphex(back[100], ==, 0);
    rig_free(&r);
}

static void test_read_pio(HwTest *t)
{
    Rig r = rig_new(t, 2880);
    uint8_t buf[1024];
    uint32_t n;

    OUT(t, 0x03, 0xdf, 0x03); /* ND */
    OUT(t, 0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff);
    for (unsigned i = 0; i < 1024; i++) {
        g_assert_cmphex(hw_inb(t, MSR), ==, 0xf0);
        g_assert_true(hw_irq(t, IRQ));
        buf[i] = hw_inb(t, FIFO);
    }
    g_assert_cmpuint(hw_irq_edges(t, IRQ), >=, 1024);
    /* Nobody gives a terminal count: "end of cylinder", which drivers take for success. */
    RESULTS(t, 0x40, 0x80, 0, 1, 0, 1, 2);
    memcpy(&n, buf, 4);
    g_assert_cmpuint(n, ==, 16);
    memcpy(&n, buf + 512, 4);
    g_assert_cmpuint(n, ==, 17);
    rig_free(&r);
}

static void test_write_pio(HwTest *t)
{
    Rig r = rig_new(t, 2880);
    uint8_t back[512];

    OUT(t, 0x03, 0xdf, 0x03);
    OUT(t, 0x45, 0x00, 0, 0, 9, 2, 9, 0x1b, 0xff);
    for (unsigned i = 0; i < 512; i++) {
        g_assert_cmphex(hw_inb(t, MSR), ==, 0xb0);
        hw_outb(t, FIFO, (uint8_t)(i ^ 0x33));
    }
    RESULTS(t, 0x40, 0x80, 0, 1, 0, 1, 2);
    g_assert_cmpint(block_read(r.image, 8 * 512, back, 512), ==, 0);
    for (unsigned i = 0; i < 512; i++)
        g_assert_cmphex(back[i], ==, (uint8_t)(i ^ 0x33));
    rig_free(&r);
}

static void test_errors(HwTest *t)
{
    Rig r = rig_new(t, 2880);

    dma_setup(t, 0x46, 512);
    /* Sector 0, sector 19, another size, the wrong cylinder, FM. */
    OUT(t, 0xe6, 0x00, 0, 0, 0, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x40, 0x04, 0, 0, 0, 0, 2);
    OUT(t, 0xe6, 0x00, 0, 0, 19, 2, 36, 0x1b, 0xff);
    RESULTS(t, 0x40, 0x04, 0, 0, 0, 19, 2);
    OUT(t, 0xe6, 0x00, 0, 0, 1, 3, 18, 0x1b, 0xff);
    RESULTS(t, 0x40, 0x04, 0, 0, 0, 1, 3);
    OUT(t, 0xe6, 0x00, 5, 0, 1, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x40, 0x04, 0x10, 5, 0, 1, 2);
    OUT(t, 0x86, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x40, 0x01, 0, 0, 0, 1, 2);
    /* The address says head 1, the select says head 0. */
    OUT(t, 0xe6, 0x00, 0, 1, 1, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x40, 0x04, 0, 0, 0, 1, 2);
    /* Nothing connected. */
    OUT(t, 0xe6, 0x01, 0, 0, 1, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x49, 0x01, 0, 0, 0, 1, 2);
    /* Implied seek makes the wrong cylinder the right one. */
    OUT(t, 0x13, 0, 0x40, 0);
    OUT(t, 0xe6, 0x00, 5, 0, 1, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x00, 0, 0, 5, 0, 2, 2);
    g_assert_cmpuint(hw_readl(t, DATA), ==, 5 * 36);
    rig_free(&r);
}

static void test_write_protected(HwTest *t)
{
    Rig r = rig_new(t, 0);
    char *path;
    BlockDev *w = idetest_image_path(2880, 512, &path);

    block_close(w);
    BlockDev *ro = block_open(path, &(BlockOptions){.read_only = true}, NULL);
    g_assert_true(fdc_change(r.fdc, 0, ro, NULL));
    OUT(t, 0x04, 0x00);
    RESULTS(t, 0x78);
    dma_setup(t, 0x4a, 512);
    OUT(t, 0xc5, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x40, 0x02, 0, 0, 0, 1, 2);
    OUT(t, 0x4d, 0x00, 2, 18, 0x54, 0xf6);
    g_assert_cmphex(in(t), ==, 0x40);
    g_assert_cmphex(in(t), ==, 0x02);
    for (int i = 0; i < 5; i++)
        in(t);
    rig_free(&r);
    block_close(ro);
    g_unlink(path);
    g_free(path);
}

static void test_read_id(HwTest *t)
{
    Rig r = rig_new(t, 2880);
    unsigned seen = 0;

    for (int i = 0; i < 18; i++) {
        OUT(t, 0x4a, 0x04);
        g_assert_cmphex(hw_inb(t, MSR), ==, 0x10);
        clock_step(t->clock, MS(1));
        g_assert_true(hw_irq(t, IRQ));
        g_assert_cmphex(in(t), ==, 0x04);
        in(t), in(t);
        g_assert_cmpuint(in(t), ==, 0);
        g_assert_cmpuint(in(t), ==, 1);
        seen |= 1u << in(t);
        g_assert_cmpuint(in(t), ==, 2);
    }
    g_assert_cmphex(seen, ==, 0x7fffe); /* every sector of the track comes past */
    rig_free(&r);
}

static void test_format(HwTest *t)
{
    Rig r = rig_new(t, 2880);
    uint8_t back[512];

    seek(t, 0, 2);
    for (unsigned i = 0; i < 18; i++)
        hw_writel(t, DATA + 4 * i, 2 | 1 << 8 | (i + 1) << 16 | 2u << 24);
    dma_setup(t, 0x4a, 18 * 4);
    OUT(t, 0x4d, 0x04, 2, 18, 0x54, 0xf6);
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(in(t), ==, 0x04);
    g_assert_cmphex(in(t), ==, 0x00);
    for (int i = 0; i < 5; i++)
        in(t);
    for (unsigned i = 0; i < 18; i++) {
        g_assert_cmpint(block_read(r.image, (2 * 36 + 18 + i) * 512, back, 512), ==, 0);
        g_assert_cmphex(back[0], ==, 0xf6);
        g_assert_cmphex(back[511], ==, 0xf6);
    }
    g_assert_cmpint(block_read(r.image, (2 * 36 + 17) * 512, back, 512), ==, 0);
    g_assert_cmphex(back[0], ==, 2 * 36 + 17); /* the other side is untouched */
    rig_free(&r);
}

static void test_verify_and_scan(HwTest *t)
{
    Rig r = rig_new(t, 2880);

    /* VERIFY with a count, then up to the end of the track, then past it. */
    OUT(t, 0xf6, 0x80, 0, 0, 1, 2, 18, 0x1b, 5);
    RESULTS(t, 0x00, 0, 0, 0, 0, 6, 2);
    OUT(t, 0x56, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x40, 0x80, 0, 1, 0, 1, 2);
    OUT(t, 0x56, 0x00, 0, 0, 1, 2, 19, 0x1b, 0xff);
    RESULTS(t, 0x40, 0x04, 0, 0, 0, 19, 2);
    /* SCAN EQUAL finds sector 4 of the four scanned. */
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < 512; j += 4)
            hw_writel(t, DATA + 512 * i + j, j ? 0 : 3);
    dma_setup(t, 0x4a, 4 * 512);
    OUT(t, 0x51, 0x00, 0, 0, 1, 2, 18, 0x1b, 1);
    RESULTS(t, 0x00, 0, 0x08, 0, 0, 4, 2);
    /* And doesn't find 200. */
    for (unsigned i = 0; i < 4; i++)
        hw_writel(t, DATA + 512 * i, 200);
    dma_setup(t, 0x4a, 4 * 512);
    OUT(t, 0x51, 0x00, 0, 0, 1, 2, 18, 0x1b, 1);
    RESULTS(t, 0x00, 0, 0x04, 0, 0, 5, 2);
    /* READ DELETED DATA takes one sector and says that it wasn't deleted. */
    dma_setup(t, 0x46, 2 * 512);
    OUT(t, 0x4c, 0x00, 0, 0, 8, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x00, 0, 0x40, 0, 0, 9, 2);
    g_assert_cmpuint(hw_readl(t, DATA), ==, 7);
    /* READ TRACK begins at the index hole. */
    dma_setup(t, 0x46, 512);
    OUT(t, 0x42, 0x00, 0, 0, 8, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x00, 0, 0, 0, 0, 2, 2);
    g_assert_cmpuint(hw_readl(t, DATA), ==, 0);
    rig_free(&r);
}

static void test_formats(HwTest *t)
{
    static const struct {
        unsigned kib, sectors, tracks, heads;
        uint8_t cmos;
        FloppyRate rate;
    } sizes[] = {
        {160, 8, 40, 1, 2, FLOPPY_300K},   {180, 9, 40, 1, 2, FLOPPY_300K},   {320, 8, 40, 2, 2, FLOPPY_300K},
        {360, 9, 40, 2, 2, FLOPPY_300K},   {720, 9, 80, 2, 4, FLOPPY_250K},   {1200, 15, 80, 2, 2, FLOPPY_500K},
        {1440, 18, 80, 2, 4, FLOPPY_500K}, {1680, 21, 80, 2, 4, FLOPPY_500K}, {2880, 36, 80, 2, 5, FLOPPY_1M},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        const FloppyFormat *f = floppy_format(sizes[i].kib * 1024);
        g_assert_nonnull(f);
        g_assert_cmpuint(f->sectors, ==, sizes[i].sectors);
        g_assert_cmpuint(f->tracks, ==, sizes[i].tracks);
        g_assert_cmpuint(f->heads, ==, sizes[i].heads);
        g_assert_cmpint((int)f->rate, ==, (int)sizes[i].rate);
        g_assert_cmpint((int)f->drive, ==, sizes[i].cmos);
    }
    g_assert_cmpuint(floppy_format(512)->sectors, ==, 18);
    g_assert_cmpuint(floppy_format(1475072)->sectors, ==, 36);
    g_assert_null(floppy_format(2949120 + 512));
}

/* A boot sector alone is a diskette: the rest of it is blank and can't be written. */
static void test_short_image(HwTest *t)
{
    Rig r = rig_new(t, 3);

    g_assert_cmphex(fdc_cmos_types(r.fdc), ==, 0x40);
    hw_writel(t, DATA + 1024, 0x55555555);
    dma_setup(t, 0x46, 4 * 512);
    OUT(t, 0xe6, 0x00, 0, 0, 2, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x00, 0, 0, 0, 0, 6, 2);
    g_assert_cmpuint(hw_readl(t, DATA + 512), ==, 2);
    g_assert_cmpuint(hw_readl(t, DATA + 1024), ==, 0);
    dma_setup(t, 0x4a, 512);
    OUT(t, 0xc5, 0x00, 0, 0, 4, 2, 18, 0x1b, 0xff);
    RESULTS(t, 0x40, 0x20, 0x20, 0, 0, 4, 2);
    /* Too large for any. */
    BlockDev *disk = idetest_image(10000, 512);
    g_autoptr(GError) error = NULL;
    g_assert_false(fdc_attach(r.fdc, 1, disk, &error));
    g_assert_nonnull(strstr(error->message, "5120000 bytes"));
    block_close(disk);
    rig_free(&r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/fdc/reset", test_reset);
    hw_test_add("/fdc/version-and-registers", test_version_and_registers);
    hw_test_add("/fdc/seek", test_seek);
    hw_test_add("/fdc/change-line", test_change_line);
    hw_test_add("/fdc/read-dma", test_read_dma);
    hw_test_add("/fdc/read-dma-late", test_read_dma_late);
    hw_test_add("/fdc/write-dma", test_write_dma);
    hw_test_add("/fdc/read-pio", test_read_pio);
    hw_test_add("/fdc/write-pio", test_write_pio);
    hw_test_add("/fdc/errors", test_errors);
    hw_test_add("/fdc/write-protected", test_write_protected);
    hw_test_add("/fdc/read-id", test_read_id);
    hw_test_add("/fdc/format", test_format);
    hw_test_add("/fdc/verify-and-scan", test_verify_and_scan);
    hw_test_add("/fdc/formats", test_formats);
    hw_test_add("/fdc/short-image", test_short_image);
    return g_test_run();
}

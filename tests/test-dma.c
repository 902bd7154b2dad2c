/* The 8237A pair as floppy and sound drivers program it. */
#include "config.h"
#include "hw/dma.h"
#include "hwtest.h"

#include <string.h>

/* As SeaBIOS: clear both, open the cascade. */
static Dma *make(HwTest *t)
{
    Dma *d = dma_new(t->io, t->mem);

    hw_outb(t, 0x0d, 0);
    hw_outb(t, 0xda, 0);
    hw_outb(t, 0xd6, 0xc0);
    hw_outb(t, 0xd4, 0x00);
    return d;
}

/* As a floppy driver: mask, flip-flop, address, page, count, mode, unmask. */
static void program(HwTest *t, int channel, uint8_t mode, uint32_t addr, uint16_t count)
{
    static const uint8_t page[8] = { 0x87, 0x83, 0x81, 0x82, 0, 0x8b, 0x89, 0x8a };
    bool wide = channel >= 4;
    uint16_t base = wide ? 0xc0 : 0x00, step = wide ? 2 : 1, n = channel & 3, shifted = wide ? addr >> 1 : addr;

    hw_outb(t, base + 10 * step, 4 | n);
    hw_outb(t, base + 12 * step, 0);
    hw_outb(t, base + 2 * n * step, shifted);
    hw_outb(t, base + 2 * n * step, shifted >> 8);
    hw_outb(t, page[channel], addr >> 16);
    hw_outb(t, base + (2 * n + 1) * step, count);
    hw_outb(t, base + (2 * n + 1) * step, count >> 8);
    hw_outb(t, base + 11 * step, mode | n);
    hw_outb(t, base + 10 * step, n);
}

static uint16_t read_pair(HwTest *t, uint16_t port)
{
    uint8_t low;

    hw_outb(t, port < 0xc0 ? 0x0c : 0xd8, 0);
    low = hw_inb(t, port);
    return low | hw_inb(t, port) << 8;
}

static void test_floppy(HwTest *t)
{
    Dma *d = make(t);
    uint8_t buf[1024];
    bool tc;

    memset(buf, 0xa5, sizeof buf);
    program(t, 2, 0x44, 0x12340, 511); /* single, write to memory */
    g_assert_true(dma_is_open(d, 2));
    g_assert_cmpuint(dma_to_memory(d, 2, buf, 100, &tc), ==, 100);
    g_assert_false(tc);
    g_assert_cmphex(read_pair(t, 0x04), ==, 0x2340 + 100);
    g_assert_cmpuint(read_pair(t, 0x05), ==, 411);
    g_assert_cmphex(hw_inb(t, 0x08) & 0x0f, ==, 0);
    g_assert_cmpuint(dma_to_memory(d, 2, buf + 100, 924, &tc), ==, 412);
    g_assert_true(tc);
    g_assert_cmphex(t->ram->host[0x1233f], ==, 0);
    g_assert_cmphex(t->ram->host[0x12340], ==, 0xa5);
    g_assert_cmphex(t->ram->host[0x12340 + 511], ==, 0xa5);
    g_assert_cmphex(t->ram->host[0x12340 + 512], ==, 0);
    /* Terminal count masks the channel and shows in the status until read. */
    g_assert_false(dma_is_open(d, 2));
    g_assert_cmpuint(dma_to_memory(d, 2, buf, 1, &tc), ==, 0);
    g_assert_false(tc);
    g_assert_cmpuint(read_pair(t, 0x05), ==, 0xffff);
    g_assert_cmphex(hw_inb(t, 0x08), ==, 0x04);
    g_assert_cmphex(hw_inb(t, 0x08), ==, 0x00);

    /* Read from memory. */
    program(t, 2, 0x48, 0x12340, 3);
    memset(buf, 0, sizeof buf);
    g_assert_cmpuint(dma_from_memory(d, 2, buf, 4, NULL), ==, 4);
    g_assert_cmphex(buf[3], ==, 0xa5);
    g_assert_cmphex(buf[4], ==, 0);
    /* Verify counts only. */
    program(t, 2, 0x40, 0x20000, 3);
    g_assert_cmpuint(dma_to_memory(d, 2, "abcd", 4, &tc), ==, 4);
    g_assert_true(tc);
    g_assert_cmphex(t->ram->host[0x20000], ==, 0);
    /* The wrong direction moves nothing, but ends. */
    program(t, 2, 0x48, 0x20000, 3);
    g_assert_cmpuint(dma_to_memory(d, 2, "abcd", 4, &tc), ==, 4);
    g_assert_true(tc);
    g_assert_cmphex(t->ram->host[0x20000], ==, 0);
    program(t, 2, 0x44, 0x20000, 3);
    g_assert_cmpuint(dma_from_memory(d, 2, buf, 4, &tc), ==, 4);
    g_assert_cmphex(buf[0], ==, 0xff);
    dma_free(d);
}

/* Address wraps within the page: the classic 64 KiB boundary. */
static void test_wrap(HwTest *t)
{
    Dma *d = make(t);

    program(t, 1, 0x44, 0x1fffe, 3);
    g_assert_cmpuint(dma_to_memory(d, 1, "abcd", 4, NULL), ==, 4);
    g_assert_cmpmem(t->ram->host + 0x1fffe, 2, "ab", 2);
    g_assert_cmpmem(t->ram->host + 0x10000, 2, "cd", 2);
    g_assert_cmphex(t->ram->host[0x20000], ==, 0);
    /* Downwards. */
    program(t, 1, 0x64, 0x30001, 3);
    g_assert_cmpuint(dma_to_memory(d, 1, "abcd", 4, NULL), ==, 4);
    g_assert_cmpmem(t->ram->host + 0x30000, 2, "ba", 2);
    g_assert_cmpmem(t->ram->host + 0x3fffe, 2, "dc", 2);
    dma_free(d);
}

/* Sound Blaster 16: a word channel, auto-initialised. */
static void test_sound(HwTest *t)
{
    Dma *d = make(t);
    uint8_t buf[16];
    bool tc;

    memcpy(t->ram->host + 0x18000, "0123456789abcdef", 16);
    memcpy(t->ram->host + 0x38000, "ABCDEFGHIJKLMNOP", 16);
    program(t, 5, 0x58, 0x18000, 7); /* address bit 16 comes from the chip; the page's lowest bit is no address bit */
    g_assert_cmpuint(dma_from_memory(d, 5, buf, 5, &tc), ==, 4);
    g_assert_cmpmem(buf, 4, "0123", 4);
    hw_outb(t, 0x8b, 0x02);
    g_assert_cmpuint(dma_from_memory(d, 5, buf, 16, &tc), ==, 12);
    g_assert_true(tc);
    g_assert_cmpmem(buf, 12, "EFGHIJKLMNOP", 12);
    g_assert_true(dma_is_open(d, 5)); /* started over */
    g_assert_cmpuint(read_pair(t, 0xc6), ==, 7);
    g_assert_cmphex(read_pair(t, 0xc4), ==, 0xc000);
    g_assert_cmpuint(dma_from_memory(d, 5, buf, 2, &tc), ==, 2);
    g_assert_cmpmem(buf, 2, "AB", 2);
    g_assert_cmphex(hw_inb(t, 0xd0), ==, 0x02);
    /* Word addresses wrap in 128 KiB. */
    program(t, 7, 0x44, 0x3fffe, 1);
    g_assert_cmpuint(dma_to_memory(d, 7, "wxyz", 4, &tc), ==, 4);
    g_assert_cmpmem(t->ram->host + 0x3fffe, 2, "wx", 2);
    g_assert_cmpmem(t->ram->host + 0x20000, 2, "yz", 2);
    dma_free(d);
}

typedef struct Device {
    Dma *dma;
    unsigned ready;
    size_t moved;
} Device;

static void on_ready(void *opaque)
{
    Device *dev = opaque;

    dev->ready++;
    dev->moved += dma_to_memory(dev->dma, 3, "zz", 2, NULL);
    dma_set_dreq(dev->dma, 3, false);
}

static void test_waiting(HwTest *t)
{
    Dma *d = dma_new(t->io, t->mem);
    Device dev = { d, 0, 0 };

    dma_attach(d, 3, on_ready, &dev);
    program(t, 3, 0x44, 0x5000, 99);
    g_assert_false(dma_is_open(d, 3)); /* the cascade is masked */
    dma_set_dreq(d, 3, true);
    g_assert_cmphex(hw_inb(t, 0x08), ==, 0x80);
    g_assert_cmpuint(dma_to_memory(d, 3, "z", 1, NULL), ==, 0);
    hw_outb(t, 0xd4, 0x00);
    g_assert_cmpuint(dev.ready, ==, 1);
    g_assert_cmpuint(dev.moved, ==, 2);
    hw_outb(t, 0x0a, 0x07);
    hw_outb(t, 0x0a, 0x03); /* no DREQ now: no call */
    g_assert_cmpuint(dev.ready, ==, 1);
    dma_set_dreq(d, 3, true);
    hw_outb(t, 0x08, 0x04); /* controller off and on */
    g_assert_false(dma_is_open(d, 3));
    hw_outb(t, 0x08, 0x00);
    g_assert_cmpuint(dev.ready, ==, 2);
    dma_set_dreq(d, 3, true);
    hw_outb(t, 0x0f, 0x0f); /* all masks, clear masks */
    g_assert_cmphex(hw_inb(t, 0x0f), ==, 0xff);
    hw_outb(t, 0x0e, 0);
    g_assert_cmpuint(dev.ready, ==, 3);
    hw_outb(t, 0x0d, 0); /* master clear masks */
    g_assert_false(dma_is_open(d, 3));
    g_assert_false(dma_is_open(d, 4));
    dma_free(d);
}

static void test_registers(HwTest *t)
{
    Dma *d = make(t);

    for (int i = 0; i < 16; i++)
        hw_outb(t, 0x80 + i, i * 3);
    for (int i = 0; i < 16; i++)
        g_assert_cmphex(hw_inb(t, 0x80 + i), ==, i * 3);
    /* Linux's and DOS's test of the flip-flop: low, high, low. */
    hw_outb(t, 0x0c, 0);
    hw_outb(t, 0x00, 0x34);
    hw_outb(t, 0x00, 0x12);
    g_assert_cmphex(hw_inb(t, 0x00), ==, 0x34);
    g_assert_cmphex(hw_inb(t, 0x00), ==, 0x12);
    hw_outb(t, 0xd8, 0);
    hw_outb(t, 0xce, 0x78);
    hw_outb(t, 0xce, 0x56);
    g_assert_cmphex(read_pair(t, 0xce), ==, 0x5678);
    /* A software request shows in the status. */
    hw_outb(t, 0x09, 0x06);
    g_assert_cmphex(hw_inb(t, 0x08), ==, 0x40);
    hw_outb(t, 0x09, 0x02);
    g_assert_cmphex(hw_inb(t, 0x08), ==, 0x00);
    dma_reset(d);
    g_assert_cmphex(read_pair(t, 0x00), ==, 0);
    g_assert_false(dma_is_open(d, 2));
    dma_free(d);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/dma/floppy", test_floppy);
    hw_test_add("/dma/wrap", test_wrap);
    hw_test_add("/dma/sound", test_sound);
    hw_test_add("/dma/waiting", test_waiting);
    hw_test_add("/dma/registers", test_registers);
    return g_test_run();
}

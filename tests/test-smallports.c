/* Port 92h, the debug console, debug-exit, the test device, and the parallel port. */
#include "config.h"
#include "hw/debugexit.h"
#include "hw/debugport.h"
#include "hw/parallel.h"
#include "hw/port92.h"
#include "hw/testdev.h"
#include "hwtest.h"

static void collect(void *opaque, const uint8_t *buf, size_t len)
{
    g_string_append_len(opaque, (const char *)buf, len);
}

static const ChardevBackendOps collect_ops = { .write = collect };

static void test_port92(HwTest *t)
{
    Port92 *p = port92_new(t->io, hw_irq_line(t, 0), hw_irq_line(t, 1));

    g_assert_cmphex(hw_inb(t, 0x92), ==, 0);
    hw_outb(t, 0x92, hw_inb(t, 0x92) | 2);
    g_assert_true(hw_irq(t, 0));
    g_assert_cmphex(hw_inb(t, 0x92), ==, 2);
    g_assert_cmpuint(hw_irq_edges(t, 1), ==, 0);
    hw_outb(t, 0x92, 3);
    g_assert_cmpuint(hw_irq_edges(t, 1), ==, 1);
    g_assert_false(hw_irq(t, 1));
    hw_outb(t, 0x92, 3);
    g_assert_cmpuint(hw_irq_edges(t, 1), ==, 0);
    hw_outb(t, 0x92, 0);
    g_assert_false(hw_irq(t, 0));
    hw_outb(t, 0x92, 2);
    port92_reset(p);
    g_assert_false(hw_irq(t, 0));
    g_assert_cmphex(hw_inb(t, 0x92), ==, 0);
    port92_free(p);
}

static void test_debugport(HwTest *t)
{
    g_autoptr(GString) out = g_string_new(NULL);
    Chardev chr = { &collect_ops, out, NULL, NULL };
    DebugPort *a = debugport_new(t->io, DEBUGPORT_BIOS, DEBUGPORT_READBACK, &chr);
    DebugPort *b = debugport_new(t->io, 0xe9, 0x55, NULL);

    g_assert_cmphex(hw_inb(t, 0x402), ==, 0xe9);
    hw_outb(t, 0x402, 'o');
    hw_outb(t, 0x402, 'k');
    g_assert_cmpstr(out->str, ==, "ok");
    g_assert_cmphex(hw_inb(t, 0xe9), ==, 0x55);
    hw_outb(t, 0xe9, 'x');
    debugport_free(a);
    debugport_free(b);
}

static void on_exit_status(void *opaque, int status)
{
    *(int *)opaque = status;
}

static void test_debugexit(HwTest *t)
{
    int status = -1;
    DebugExit *d = debugexit_new(t->io, 0x501, 2, on_exit_status, &status);

    g_assert_cmphex(hw_inb(t, 0x501), ==, 0);
    g_assert_cmpint(status, ==, -1);
    hw_outb(t, 0x501, 0);
    g_assert_cmpint(status, ==, 1);
    hw_outb(t, 0x501, 0x10);
    g_assert_cmpint(status, ==, 33);
    hw_outb(t, 0x502, 1);
    g_assert_cmpint(status, ==, 3);
    debugexit_free(d);
    d = debugexit_new(t->io, 0xf4, 4, on_exit_status, &status);
    hw_outl(t, 0xf4, 0x10); /* as the Rust test kernels do */
    g_assert_cmpint(status, ==, 33);
    debugexit_free(d);
}

static void test_testdev(HwTest *t)
{
    Gsi *gsi = gsi_new();
    gsi_connect_pic(gsi, 5, hw_irq_line(t, 5));
    TestDev *d = testdev_new(t->mem, t->io, gsi);

    hw_outl(t, TESTDEV_PORT, 0x12345678);
    g_assert_cmphex(hw_inb(t, TESTDEV_PORT + 1), ==, 0x56);
    hw_outb(t, TESTDEV_PORT + 3, 0xab);
    g_assert_cmphex(hw_inl(t, TESTDEV_PORT), ==, 0xab345678);
    hw_outl(t, TESTDEV_FLUSH_PORT, 0x1000);
    g_assert_cmphex(hw_inl(t, TESTDEV_PORT), ==, 0xab345678);
    hw_writel(t, TESTDEV_MEMORY + 0xfffc, 0x01020304);
    hw_writew(t, TESTDEV_MEMORY + 0xfffd, 0xbbcc);
    g_assert_cmphex(hw_readl(t, TESTDEV_MEMORY + 0xfffc), ==, 0x01bbcc04);
    g_assert_cmphex(hw_readb(t, TESTDEV_MEMORY), ==, 0);
    hw_outb(t, TESTDEV_IRQ_PORT + 5, 1);
    g_assert_true(hw_irq(t, 5));
    hw_outb(t, TESTDEV_IRQ_PORT + 5, 0);
    g_assert_false(hw_irq(t, 5));
    testdev_free(d);
    gsi_free(gsi);
}

/* BIOS INT 17h: wait for not busy, data, strobe; then the status. */
static void test_parallel(HwTest *t)
{
    g_autoptr(GString) out = g_string_new(NULL);
    Chardev chr = { &collect_ops, out, NULL, NULL };
    Parallel *p = parallel_new(t->io, 0x378, hw_irq_line(t, 7), &chr);

    /* The BIOS's presence test. */
    hw_outb(t, 0x378, 0xaa);
    g_assert_cmphex(hw_inb(t, 0x378), ==, 0xaa);
    hw_outb(t, 0x37a, 0x08);
    hw_outb(t, 0x37a, 0x0c);
    g_assert_cmphex(hw_inb(t, 0x37a), ==, 0xcc);
    for (const char *c = "print"; *c; c++) {
        g_assert_cmphex(hw_inb(t, 0x379), ==, 0xdf);
        hw_outb(t, 0x378, *c);
        hw_outb(t, 0x37a, 0x0d);
        hw_outb(t, 0x37a, 0x0d); /* held: printed once */
        hw_outb(t, 0x37a, 0x0c);
    }
    g_assert_cmpstr(out->str, ==, "print");
    g_assert_cmpuint(hw_irq_edges(t, 7), ==, 0);
    hw_outb(t, 0x37a, 0x1d);
    hw_outb(t, 0x37a, 0x1c);
    g_assert_cmpuint(hw_irq_edges(t, 7), ==, 1);
    g_assert_false(hw_irq(t, 7));
    /* Data lines turned to input: nothing drives them. */
    hw_outb(t, 0x37a, 0x2c);
    g_assert_cmphex(hw_inb(t, 0x378), ==, 0xff);
    g_assert_cmphex(hw_inb(t, 0x37b), ==, 0xff);
    parallel_free(p);
    p = parallel_new(t->io, 0x278, hw_irq_line(t, 5), NULL);
    g_assert_cmphex(hw_inb(t, 0x279) & 0x98, ==, 0); /* busy, not selected, error */
    hw_outb(t, 0x27a, 0x1d);
    g_assert_cmpuint(hw_irq_edges(t, 5), ==, 0);
    parallel_free(p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/port92", test_port92);
    hw_test_add("/debugport", test_debugport);
    hw_test_add("/debugexit", test_debugexit);
    hw_test_add("/testdev", test_testdev);
    hw_test_add("/parallel", test_parallel);
    return g_test_run();
}

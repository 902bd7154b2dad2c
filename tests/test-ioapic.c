/* The I/O APIC's registers and pins, and the board's interrupt wiring in front of it. */
#include "hw/gsi.h"
#include "hw/ioapic.h"
#include "hwtest.h"

typedef struct Sent {
    ApicMessage last;
    unsigned count;
    bool refuse;
} Sent;

static bool record(void *opaque, const ApicMessage *m)
{
    Sent *sent = opaque;
    sent->last = *m;
    sent->count++;
    return !sent->refuse;
}

static uint32_t reg_read(HwTest *t, uint8_t reg)
{
    hw_writel(t, IOAPIC_BASE, reg);
    return hw_readl(t, IOAPIC_BASE + 0x10);
}

static void reg_write(HwTest *t, uint8_t reg, uint32_t value)
{
    hw_writel(t, IOAPIC_BASE, reg);
    hw_writel(t, IOAPIC_BASE + 0x10, value);
}

static void entry(HwTest *t, unsigned pin, uint32_t high, uint32_t low)
{
    reg_write(t, 0x11 + 2 * pin, high);
    reg_write(t, 0x10 + 2 * pin, low);
}

#define MASKED 0x10000
#define LEVEL 0x8000
#define REMOTE_IRR 0x4000

static void test_registers(HwTest *t)
{
    Sent sent = { 0 };
    Ioapic *a = ioapic_new(t->mem, record, &sent);
    g_assert_cmphex(reg_read(t, 1), ==, 0x00170020);
    reg_write(t, 0, 0xffffffff);
    g_assert_cmphex(reg_read(t, 0), ==, 0x0f000000);
    g_assert_cmphex(reg_read(t, 2), ==, 0x0f000000);
    reg_write(t, 1, 0);
    g_assert_cmphex(reg_read(t, 1), ==, 0x00170020);
    for (unsigned n = 0; n < 24; n++) {
        g_assert_cmphex(reg_read(t, 0x10 + 2 * n), ==, MASKED);
        g_assert_cmphex(reg_read(t, 0x11 + 2 * n), ==, 0);
        reg_write(t, 0x11 + 2 * n, 0xffffffff);
        reg_write(t, 0x10 + 2 * n, 0xffffffff);
        g_assert_cmphex(reg_read(t, 0x11 + 2 * n), ==, 0xff000000);
        g_assert_cmphex(reg_read(t, 0x10 + 2 * n), ==, 0x1ffff & ~0x5000); /* status bits are read-only */
    }
    g_assert_cmphex(reg_read(t, 0x40), ==, 0);
    reg_write(t, 0x40, 0xffffffff);
    g_assert_cmphex(hw_readb(t, IOAPIC_BASE), ==, 0x40);
    ioapic_reset(a);
    g_assert_cmphex(reg_read(t, 0x10), ==, MASKED);
    g_assert_cmphex(reg_read(t, 0), ==, 0);
    g_assert_cmpuint(sent.count, ==, 0);
    ioapic_free(a);
}

static void test_edge(HwTest *t)
{
    Sent sent = { 0 };
    Ioapic *a = ioapic_new(t->mem, record, &sent);
    IrqLine pin = ioapic_line(a, 4);
    entry(t, 4, 0x03000000, MASKED | 0x934);
    irqline_pulse(&pin);
    g_assert_cmpuint(sent.count, ==, 0);
    entry(t, 4, 0x03000000, 0x934);
    g_assert_cmpuint(sent.count, ==, 0); /* an edge while masked is lost */
    irqline_set(&pin, true);
    g_assert_cmpuint(sent.count, ==, 1);
    g_assert_cmphex(sent.last.vector, ==, 0x34);
    g_assert_cmphex(sent.last.destination, ==, 3);
    g_assert_cmphex(sent.last.mode, ==, APIC_MODE_LOWEST);
    g_assert_true(sent.last.logical);
    g_assert_false(sent.last.level);
    irqline_set(&pin, true);
    g_assert_cmpuint(sent.count, ==, 1);
    irqline_set(&pin, false);
    irqline_set(&pin, true);
    g_assert_cmpuint(sent.count, ==, 2);
    g_assert_cmphex(reg_read(t, 0x18) & REMOTE_IRR, ==, 0);
    ioapic_free(a);
}

static void test_level(HwTest *t)
{
    Sent sent = { 0 };
    Ioapic *a = ioapic_new(t->mem, record, &sent);
    IrqLine pin = ioapic_line(a, 23);
    entry(t, 23, 0, LEVEL | MASKED | 0x51);
    irqline_set(&pin, true);
    g_assert_cmpuint(sent.count, ==, 0);
    entry(t, 23, 0, LEVEL | 0x51);
    g_assert_cmpuint(sent.count, ==, 1); /* a level waits for the mask to go */
    g_assert_true(sent.last.level);
    g_assert_cmphex(reg_read(t, 0x10 + 46) & REMOTE_IRR, !=, 0);
    irqline_set(&pin, false);
    irqline_set(&pin, true);
    g_assert_cmpuint(sent.count, ==, 1);
    ioapic_eoi(a, 0x52);
    g_assert_cmpuint(sent.count, ==, 1);
    ioapic_eoi(a, 0x51); /* still high: again */
    g_assert_cmpuint(sent.count, ==, 2);
    irqline_set(&pin, false);
    hw_writel(t, IOAPIC_BASE + 0x40, 0x51); /* the EOI register does the same */
    g_assert_cmpuint(sent.count, ==, 2);
    g_assert_cmphex(reg_read(t, 0x10 + 46) & REMOTE_IRR, ==, 0);
    irqline_set(&pin, true);
    g_assert_cmpuint(sent.count, ==, 3);
    /* to edge and back: the stuck remote IRR is gone, and the level is sent anew */
    entry(t, 23, 0, MASKED | 0x51);
    g_assert_cmphex(reg_read(t, 0x10 + 46) & REMOTE_IRR, ==, 0);
    entry(t, 23, 0, LEVEL | 0x51);
    g_assert_cmpuint(sent.count, ==, 4);
    /* nobody takes it: no EOI will come, so none is waited for */
    ioapic_eoi(a, 0x51);
    irqline_set(&pin, false);
    ioapic_eoi(a, 0x51);
    sent.refuse = true;
    irqline_set(&pin, true);
    g_assert_cmphex(reg_read(t, 0x10 + 46) & REMOTE_IRR, ==, 0);
    ioapic_free(a);
}

static void test_wiring(HwTest *t)
{
    Gsi *gsi = gsi_new();
    for (unsigned n = 0; n < 8; n++) {
        gsi_connect_pic(gsi, n, hw_irq_line(t, n));
        gsi_connect_ioapic(gsi, n, hw_irq_line(t, 8 + n));
    }
    IrqLine timer = gsi_line(gsi, 0), hpet = gsi_line(gsi, 2), a = gsi_line(gsi, 5), b = gsi_line(gsi, 5);
    irqline_set(&timer, true);
    g_assert_true(hw_irq(t, 0));
    g_assert_false(hw_irq(t, 8));
    g_assert_true(hw_irq(t, 10));
    irqline_set(&hpet, true);
    irqline_set(&timer, false);
    g_assert_false(hw_irq(t, 0));
    g_assert_false(hw_irq(t, 2)); /* the cascade is no input */
    g_assert_true(hw_irq(t, 10));
    irqline_set(&hpet, false);
    g_assert_false(hw_irq(t, 10));
    irqline_set(&a, true);
    irqline_set(&b, true);
    irqline_set(&a, false);
    g_assert_true(hw_irq(t, 5));
    g_assert_true(hw_irq(t, 13));
    g_assert_true(gsi_level(gsi, 5));
    irqline_set(&a, false);
    g_assert_true(hw_irq(t, 5));
    irqline_set(&b, false);
    g_assert_false(hw_irq(t, 5));
    g_assert_false(hw_irq(t, 13));
    g_assert_false(gsi_level(gsi, 5));
    gsi_free(gsi);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/ioapic/registers", test_registers);
    hw_test_add("/ioapic/edge", test_edge);
    hw_test_add("/ioapic/level", test_level);
    hw_test_add("/ioapic/wiring", test_wiring);
    return g_test_run();
}

/* The 8259A pair as BIOSes, DOS and Linux program it. */
#include "config.h"
#include "hw/pic.h"
#include "hwtest.h"

#define INTR 0

/* ICW1..4 as SeaBIOS and the IBM BIOS: vectors 08h and 70h; all masked but what is in mask. */
static Pic *setup(HwTest *t, uint8_t master_icw4, uint16_t mask)
{
    Pic *p = pic_new(t->io, hw_irq_line(t, INTR));

    hw_outb(t, 0x20, 0x11);
    hw_outb(t, 0xa0, 0x11);
    hw_outb(t, 0x21, 0x08);
    hw_outb(t, 0xa1, 0x70);
    hw_outb(t, 0x21, 0x04);
    hw_outb(t, 0xa1, 0x02);
    hw_outb(t, 0x21, master_icw4);
    hw_outb(t, 0xa1, 0x01);
    g_assert_cmphex(hw_inb(t, 0x21), ==, 0);
    hw_outb(t, 0x21, mask);
    hw_outb(t, 0xa1, mask >> 8);
    g_assert_cmphex(hw_inb(t, 0x21), ==, mask & 0xff);
    g_assert_cmphex(hw_inb(t, 0xa1), ==, mask >> 8);
    return p;
}

static uint8_t read_irr(HwTest *t, uint16_t port)
{
    hw_outb(t, port, 0x0a);
    return hw_inb(t, port);
}

static uint8_t read_isr(HwTest *t, uint16_t port)
{
    hw_outb(t, port, 0x0b);
    return hw_inb(t, port);
}

static void test_edge(HwTest *t)
{
    Pic *p = setup(t, 0x01, 0);
    IrqLine line = pic_line(p, 4);

    g_assert_false(hw_irq(t, INTR));
    irqline_set(&line, true);
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmphex(read_irr(t, 0x20), ==, 0x10);
    g_assert_cmphex(pic_ack(p), ==, 0x0c);
    g_assert_false(hw_irq(t, INTR));
    g_assert_cmphex(read_irr(t, 0x20), ==, 0);
    g_assert_cmphex(read_isr(t, 0x20), ==, 0x10);
    /* Still up: no second interrupt, also after EOI. */
    irqline_set(&line, true);
    hw_outb(t, 0x20, 0x20);
    g_assert_cmphex(read_isr(t, 0x20), ==, 0);
    g_assert_false(hw_irq(t, INTR));
    /* A pulse is remembered. */
    irqline_set(&line, false);
    irqline_pulse(&line);
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmphex(pic_ack(p), ==, 0x0c);
    /* A second edge while in service waits for the EOI. */
    irqline_pulse(&line);
    g_assert_false(hw_irq(t, INTR));
    hw_outb(t, 0x20, 0x64); /* specific EOI of 4 */
    g_assert_true(hw_irq(t, INTR));
    pic_free(p);
}

static void test_priority(HwTest *t)
{
    Pic *p = setup(t, 0x01, 0);

    pic_set_irq(p, 5, true);
    g_assert_cmphex(pic_ack(p), ==, 0x0d);
    pic_set_irq(p, 6, true); /* lower: waits */
    g_assert_false(hw_irq(t, INTR));
    pic_set_irq(p, 1, true); /* higher: nests */
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmphex(pic_ack(p), ==, 0x09);
    g_assert_cmphex(read_isr(t, 0x20), ==, 0x22);
    hw_outb(t, 0x20, 0x20); /* ends the higher */
    g_assert_cmphex(read_isr(t, 0x20), ==, 0x20);
    g_assert_false(hw_irq(t, INTR));
    hw_outb(t, 0x20, 0x20);
    g_assert_cmphex(pic_ack(p), ==, 0x0e);
    hw_outb(t, 0x20, 0x20);
    /* Two at once: the lower number first. */
    pic_set_irq(p, 7, true);
    pic_set_irq(p, 0, true);
    g_assert_cmphex(pic_ack(p), ==, 0x08);
    hw_outb(t, 0x20, 0x20);
    g_assert_cmphex(pic_ack(p), ==, 0x0f);
    g_assert_cmphex(read_isr(t, 0x20), ==, 0x80); /* a true IRQ 7, not a spurious one */
    pic_free(p);
}

static void test_mask(HwTest *t)
{
    Pic *p = setup(t, 0x01, 0xfffb);

    pic_set_irq(p, 0, true);
    g_assert_false(hw_irq(t, INTR));
    g_assert_cmpint(pic_irq_state(p, 0), ==, PIC_IRQ_MASKED);
    hw_outb(t, 0x21, 0xfe);
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmpint(pic_irq_state(p, 0), ==, PIC_IRQ_PENDING);
    hw_outb(t, 0x21, 0xff);
    g_assert_false(hw_irq(t, INTR));
    /* Masked between the request and the acknowledge: spurious 7, nothing in service. */
    g_assert_cmphex(pic_ack(p), ==, 0x0f);
    g_assert_cmphex(read_isr(t, 0x20), ==, 0);
    hw_outb(t, 0x21, 0xfe);
    g_assert_cmphex(pic_ack(p), ==, 0x08);
    g_assert_cmpint(pic_irq_state(p, 0), ==, PIC_IRQ_IDLE);
    g_assert_cmpint(pic_irq_state(p, 8), ==, PIC_IRQ_MASKED); /* own bit and the cascade's */
    hw_outb(t, 0xa1, 0);
    g_assert_cmpint(pic_irq_state(p, 8), ==, PIC_IRQ_MASKED); /* the cascade's */
    pic_free(p);
}

static void test_slave(HwTest *t)
{
    Pic *p = setup(t, 0x01, 0);

    pic_set_irq(p, 2, true); /* not connected */
    g_assert_false(hw_irq(t, INTR));
    pic_set_irq(p, 14, true);
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmphex(read_irr(t, 0x20), ==, 0x04);
    g_assert_cmphex(pic_ack(p), ==, 0x76);
    g_assert_cmphex(read_isr(t, 0x20), ==, 0x04);
    g_assert_cmphex(read_isr(t, 0xa0), ==, 0x40);
    pic_set_irq(p, 12, true); /* higher within the slave, but the master's input 2 is in service */
    g_assert_false(hw_irq(t, INTR));
    pic_set_irq(p, 4, true); /* lower than 2 */
    g_assert_false(hw_irq(t, INTR));
    hw_outb(t, 0xa0, 0x20);
    g_assert_false(hw_irq(t, INTR));
    hw_outb(t, 0x20, 0x20);
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmphex(pic_ack(p), ==, 0x74);
    /* Linux: specific EOI to the slave (60h + n), then of the cascade to the master (62h). */
    hw_outb(t, 0xa0, 0x64);
    hw_outb(t, 0x20, 0x62);
    g_assert_cmphex(read_isr(t, 0xa0), ==, 0);
    g_assert_cmphex(pic_ack(p), ==, 0x0c);
    /* The slave's request goes before the master is asked: no interrupt. */
    hw_outb(t, 0x20, 0x20);
    pic_set_irq(p, 9, true);
    g_assert_true(hw_irq(t, INTR));
    hw_outb(t, 0xa1, 0x02);
    g_assert_false(hw_irq(t, INTR));
    pic_free(p);
}

static void test_special_nested(HwTest *t)
{
    Pic *p = setup(t, 0x11, 0);

    pic_set_irq(p, 14, true);
    g_assert_cmphex(pic_ack(p), ==, 0x76);
    pic_set_irq(p, 12, true);
    g_assert_true(hw_irq(t, INTR)); /* the slave's higher request passes */
    g_assert_cmphex(pic_ack(p), ==, 0x74);
    pic_set_irq(p, 15, true);
    g_assert_false(hw_irq(t, INTR));
    pic_free(p);
}

static void test_auto_eoi(HwTest *t)
{
    Pic *p = setup(t, 0x03, 0);

    pic_set_irq(p, 3, true);
    g_assert_cmphex(pic_ack(p), ==, 0x0b);
    g_assert_cmphex(read_isr(t, 0x20), ==, 0);
    /* Rotation on automatic EOI: what was served comes last. */
    hw_outb(t, 0x20, 0x80);
    pic_set_irq(p, 3, false);
    pic_set_irq(p, 3, true);
    g_assert_cmphex(pic_ack(p), ==, 0x0b);
    pic_set_irq(p, 3, false);
    pic_set_irq(p, 3, true);
    pic_set_irq(p, 6, true);
    g_assert_cmphex(pic_ack(p), ==, 0x0e);
    g_assert_cmphex(pic_ack(p), ==, 0x0b);
    hw_outb(t, 0x20, 0x00);
    pic_set_irq(p, 5, true);
    g_assert_cmphex(pic_ack(p), ==, 0x0d); /* no rotation now: 3 stays the lowest */
    pic_set_irq(p, 5, false);
    pic_set_irq(p, 5, true);
    pic_set_irq(p, 4, true);
    g_assert_cmphex(pic_ack(p), ==, 0x0c);
    pic_free(p);
}

static void test_rotate(HwTest *t)
{
    Pic *p = setup(t, 0x01, 0);

    hw_outb(t, 0x20, 0xc2); /* set priority: 2 lowest, so 3 is the highest */
    pic_set_irq(p, 1, true);
    pic_set_irq(p, 3, true);
    pic_set_irq(p, 7, true);
    g_assert_cmphex(pic_ack(p), ==, 0x0b);
    hw_outb(t, 0x20, 0xa0); /* non-specific EOI with rotation: 3 lowest */
    g_assert_cmphex(pic_ack(p), ==, 0x0f);
    pic_set_irq(p, 3, false);
    pic_set_irq(p, 3, true);
    g_assert_false(hw_irq(t, INTR));
    hw_outb(t, 0x20, 0xe7); /* specific EOI with rotation: 7 lowest, the usual order */
    g_assert_cmphex(pic_ack(p), ==, 0x09);
    hw_outb(t, 0x20, 0x40); /* no operation */
    g_assert_cmphex(read_isr(t, 0x20), ==, 0x02);
    hw_outb(t, 0x20, 0x20);
    g_assert_cmphex(pic_ack(p), ==, 0x0b);
    pic_free(p);
}

static void test_special_mask(HwTest *t)
{
    Pic *p = setup(t, 0x01, 0);

    pic_set_irq(p, 3, true);
    g_assert_cmphex(pic_ack(p), ==, 0x0b);
    pic_set_irq(p, 6, true);
    g_assert_false(hw_irq(t, INTR));
    hw_outb(t, 0x21, 0x08); /* mask the one in service */
    g_assert_false(hw_irq(t, INTR));
    hw_outb(t, 0x20, 0x68); /* special mask mode on */
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmphex(pic_ack(p), ==, 0x0e);
    hw_outb(t, 0x20, 0x20); /* passes over the masked 3 */
    g_assert_cmphex(read_isr(t, 0x20), ==, 0x08);
    hw_outb(t, 0x20, 0x0a); /* without ESMM the mode stays */
    pic_set_irq(p, 7, true);
    g_assert_true(hw_irq(t, INTR));
    hw_outb(t, 0x20, 0x48); /* off */
    g_assert_false(hw_irq(t, INTR));
    pic_free(p);
}

static void test_poll(HwTest *t)
{
    Pic *p = setup(t, 0x01, 0);

    hw_outb(t, 0x20, 0x0c);
    g_assert_cmphex(hw_inb(t, 0x20), ==, 0x00);
    pic_set_irq(p, 5, true);
    pic_set_irq(p, 10, true);
    hw_outb(t, 0x20, 0x0c);
    g_assert_cmphex(hw_inb(t, 0x20), ==, 0x82);
    g_assert_cmphex(read_isr(t, 0x20), ==, 0x04);
    hw_outb(t, 0xa0, 0x0c);
    g_assert_cmphex(hw_inb(t, 0xa0), ==, 0x82);
    hw_outb(t, 0xa0, 0x20);
    hw_outb(t, 0x20, 0x20);
    hw_outb(t, 0x20, 0x0c);
    g_assert_cmphex(hw_inb(t, 0x21), ==, 0x85); /* either port */
    g_assert_cmphex(hw_inb(t, 0x21), ==, 0x00); /* one poll only: the mask again */
    pic_free(p);
}

static void test_level(HwTest *t)
{
    Pic *p = setup(t, 0x01, 0);

    hw_outb(t, 0x4d0, 0xff);
    hw_outb(t, 0x4d1, 0xff);
    g_assert_cmphex(hw_inb(t, 0x4d0), ==, 0xf8);
    g_assert_cmphex(hw_inb(t, 0x4d1), ==, 0xde);
    pic_set_irq(p, 11, true);
    g_assert_cmphex(pic_ack(p), ==, 0x73);
    hw_outb(t, 0xa0, 0x20);
    hw_outb(t, 0x20, 0x20);
    g_assert_true(hw_irq(t, INTR)); /* still asserted: again */
    g_assert_cmphex(pic_ack(p), ==, 0x73);
    pic_set_irq(p, 11, false); /* the handler quieted the device */
    hw_outb(t, 0xa0, 0x20);
    hw_outb(t, 0x20, 0x20);
    g_assert_false(hw_irq(t, INTR));
    pic_set_irq(p, 11, true);
    pic_set_irq(p, 11, false); /* gone before it was taken */
    g_assert_false(hw_irq(t, INTR));
    g_assert_cmphex(pic_ack(p), ==, 0x0f);
    /* Changing an asserted input to level raises it, ICW1 keeps level requests only. */
    hw_outb(t, 0x4d0, 0);
    pic_set_irq(p, 5, true);
    g_assert_cmphex(pic_ack(p), ==, 0x0d);
    hw_outb(t, 0x20, 0x20);
    g_assert_false(hw_irq(t, INTR));
    hw_outb(t, 0x4d0, 0x20);
    g_assert_true(hw_irq(t, INTR));
    pic_set_irq(p, 3, true);
    hw_outb(t, 0x20, 0x11);
    g_assert_cmphex(hw_inb(t, 0x20), ==, 0x20);
    pic_free(p);
}

/* Linux init_8259A: probe the mask register, vectors 30h and 38h, then mask all. */
static void test_linux_probe(HwTest *t)
{
    Pic *p = pic_new(t->io, hw_irq_line(t, INTR));

    hw_outb(t, 0xa1, 0xff);
    hw_outb(t, 0x21, 0xfb);
    g_assert_cmphex(hw_inb(t, 0x21), ==, 0xfb);
    hw_outb(t, 0x20, 0x11);
    hw_outb(t, 0x21, 0x30);
    hw_outb(t, 0x21, 0x04);
    hw_outb(t, 0x21, 0x03); /* auto EOI */
    hw_outb(t, 0xa0, 0x11);
    hw_outb(t, 0xa1, 0x3f); /* the low three bits aren't the vector's */
    hw_outb(t, 0xa1, 0x02);
    hw_outb(t, 0xa1, 0x01);
    pic_set_irq(p, 9, true);
    g_assert_cmphex(pic_ack(p), ==, 0x39);
    /* Single, without ICW4: two words, then masks. */
    hw_outb(t, 0x20, 0x12);
    hw_outb(t, 0x21, 0x40);
    hw_outb(t, 0x21, 0xef);
    g_assert_cmphex(hw_inb(t, 0x21), ==, 0xef);
    pic_set_irq(p, 4, true);
    g_assert_cmphex(pic_ack(p), ==, 0x44);
    g_assert_cmphex(read_isr(t, 0x20), ==, 0x10); /* no auto EOI any more */
    pic_reset(p);
    g_assert_false(hw_irq(t, INTR));
    g_assert_cmphex(read_isr(t, 0x20), ==, 0);
    pic_free(p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/pic/edge", test_edge);
    hw_test_add("/pic/priority", test_priority);
    hw_test_add("/pic/mask", test_mask);
    hw_test_add("/pic/slave", test_slave);
    hw_test_add("/pic/special-nested", test_special_nested);
    hw_test_add("/pic/auto-eoi", test_auto_eoi);
    hw_test_add("/pic/rotate", test_rotate);
    hw_test_add("/pic/special-mask", test_special_mask);
    hw_test_add("/pic/poll", test_poll);
    hw_test_add("/pic/level", test_level);
    hw_test_add("/pic/linux-probe", test_linux_probe);
    return g_test_run();
}

/* The bench itself: a toy device on it, seen through ports, memory, clock and lines. */
#include "config.h"
#include "hwtest.h"

typedef struct Toy {
    IrqLine irq;
    Timer *timer;
    Clock *clock;
} Toy;

static void toy_fire(void *opaque)
{
    Toy *toy = opaque;

    irqline_set(&toy->irq, true);
}

static uint64_t toy_read(void *opaque, uint64_t offset, unsigned size)
{
    Toy *toy = opaque;

    irqline_set(&toy->irq, false);
    return 0x42;
}

static void toy_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Toy *toy = opaque;

    timer_arm(toy->timer, clock_now(toy->clock) + MS(value));
}

static const RegionOps toy_ops = { toy_read, toy_write, 0, 1 };

static void test_toy(HwTest *t)
{
    Toy toy = { hw_irq_line(t, 5), NULL, t->clock };

    toy.timer = timer_new(t->clock, toy_fire, &toy);
    bus_add_io(t->io, "toy", 0x300, 1, &toy_ops, &toy, 0);
    for (int i = 0; i < 2; i++) {
        hw_outb(t, 0x300, 3);
        clock_step(t->clock, MS(3) - 1);
        g_assert_false(hw_irq(t, 5));
        clock_step(t->clock, 1);
        g_assert_true(hw_irq(t, 5));
        g_assert_cmphex(hw_inb(t, 0x300), ==, 0x42);
        g_assert_false(hw_irq(t, 5));
    }
    g_assert_cmpuint(hw_irq_edges(t, 5), ==, 2);
    g_assert_cmpuint(hw_irq_edges(t, 5), ==, 0);
    g_assert_cmphex(hw_inw(t, 0x300), ==, 0xff42);
    g_assert_cmphex(hw_inl(t, 0x304), ==, 0xffffffff);
    timer_free(toy.timer);
}

static void test_memory(HwTest *t)
{
    hw_writel(t, 0x1000, 0x12345678);
    hw_writew(t, 0x1002, 0xabcd);
    hw_writeb(t, 0x1000, 0xef);
    g_assert_cmphex(hw_readl(t, 0x1000), ==, 0xabcd56ef);
    g_assert_cmphex(hw_readw(t, 0x1001), ==, 0xcd56);
    g_assert_cmphex(hw_readb(t, 0x1003), ==, 0xab);
    g_assert_cmphex(t->ram->host[0x1000], ==, 0xef);
    g_assert_cmphex(hw_readb(t, HW_RAM_SIZE), ==, 0xff);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/hwtest/toy", test_toy);
    hw_test_add("/hwtest/memory", test_memory);
    return g_test_run();
}

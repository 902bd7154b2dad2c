/* The HPET: counter, comparators, legacy replacement, level interrupts. */
#include "hw/hpet.h"
#include "hwtest.h"

enum { CAPABILITIES = 0, PERIOD = 4, CONFIG = 0x10, STATUS = 0x20, COUNTER = 0xf0, COUNTER_HIGH = 0xf4 };
#define T_CONFIG(n) (0x100 + 0x20 * (n))
#define T_ROUTES(n) (0x104 + 0x20 * (n))
#define T_CMP(n) (0x108 + 0x20 * (n))
#define T_CMP_HIGH(n) (0x10c + 0x20 * (n))

#define LEVEL 0x002
#define ENABLE 0x004
#define PERIODIC 0x008
#define VALUE_SET 0x040
#define BITS32 0x100
#define ROUTE2 (2 << 9)

static uint32_t rd(HwTest *t, unsigned reg)
{
    return hw_readl(t, HPET_BASE + reg);
}

static void wr(HwTest *t, unsigned reg, uint32_t value)
{
    hw_writel(t, HPET_BASE + reg, value);
}

static Hpet *up(HwTest *t)
{
    return hpet_new(t->mem, t->clock, &(HpetWires){ hw_irq_line(t, 0), hw_irq_line(t, 8), hw_irq_line(t, 2) });
}

static void test_registers(HwTest *t)
{
    Hpet *h = up(t);
    g_assert_cmphex(rd(t, CAPABILITIES), ==, 0x8086a201);
    g_assert_cmpuint(rd(t, PERIOD), ==, 10000000);
    g_assert_cmphex(rd(t, CONFIG), ==, 0);
    for (unsigned n = 0; n < 3; n++) {
        g_assert_cmphex(rd(t, T_CONFIG(n)), ==, 0x30);
        g_assert_cmphex(rd(t, T_ROUTES(n)), ==, 4);
        g_assert_cmphex(rd(t, T_CMP(n)), ==, 0xffffffff);
        g_assert_cmphex(rd(t, T_CMP_HIGH(n)), ==, 0xffffffff);
        wr(t, T_CONFIG(n), 0xffffffff & ~BITS32);
        g_assert_cmphex(rd(t, T_CONFIG(n)), ==, 0x3e7e);
        g_assert_cmphex(rd(t, T_ROUTES(n)), ==, 4);
    }
    wr(t, CONFIG, 0xffffffff);
    g_assert_cmphex(rd(t, CONFIG), ==, 3);
    wr(t, CAPABILITIES, 0);
    g_assert_cmphex(rd(t, CAPABILITIES), ==, 0x8086a201);
    g_assert_cmphex(rd(t, 0x3f8), ==, 0);
    hpet_reset(h);
    g_assert_cmphex(rd(t, CONFIG), ==, 0);
    g_assert_cmphex(rd(t, T_CONFIG(2)), ==, 0x30);
    hpet_free(h);
}

static void test_counter(HwTest *t)
{
    Hpet *h = up(t);
    clock_step(t->clock, MS(1));
    g_assert_cmpuint(rd(t, COUNTER), ==, 0); /* halted */
    wr(t, COUNTER, 0xfffffff0);
    wr(t, COUNTER_HIGH, 5);
    wr(t, CONFIG, 1);
    g_assert_cmphex(rd(t, COUNTER), ==, 0xfffffff0);
    clock_step(t->clock, 320);
    g_assert_cmphex(rd(t, COUNTER), ==, 0x10);
    g_assert_cmphex(rd(t, COUNTER_HIGH), ==, 6);
    g_assert_cmphex(bus_read(t->mem, HPET_BASE + COUNTER, 8), ==, 0x600000010);
    wr(t, CONFIG, 0);
    clock_step(t->clock, MS(1));
    g_assert_cmphex(rd(t, COUNTER), ==, 0x10);
    wr(t, CONFIG, 1);
    clock_step(t->clock, MS(1));
    g_assert_cmphex(rd(t, COUNTER), ==, 0x10 + 100000);
    bus_write(t->mem, HPET_BASE + COUNTER, 0x123456789abcdef0, 8);
    g_assert_cmphex(rd(t, COUNTER_HIGH), ==, 0x12345678);
    hpet_free(h);
}

static void test_one_shot(HwTest *t)
{
    Hpet *h = up(t);
    wr(t, T_CONFIG(0), ENABLE | BITS32);
    wr(t, T_CMP(0), 1000);
    wr(t, CONFIG, 3);
    clock_step(t->clock, 9999);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    clock_step(t->clock, 1);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    clock_step(t->clock, MS(100));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    g_assert_cmphex(rd(t, STATUS), ==, 0); /* edges leave no status */
    /* again, as an operating system programs one event after the other */
    wr(t, T_CMP(0), rd(t, COUNTER) + 500);
    clock_step(t->clock, 5000);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    /* a 32-bit comparator comes round after 2^32 ticks */
    clock_step(t->clock, (1ll << 32) * 10 - 1);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    clock_step(t->clock, 1);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    /* halted, and disabled */
    wr(t, T_CMP(0), rd(t, COUNTER) + 500);
    wr(t, CONFIG, 2);
    clock_step(t->clock, MS(1));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    wr(t, CONFIG, 3);
    wr(t, T_CONFIG(0), BITS32);
    clock_step(t->clock, MS(1));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    hpet_free(h);
}

static void test_periodic(HwTest *t)
{
    Hpet *h = up(t);
    wr(t, CONFIG, 3);
    /* the usual sequence: first comparator by "value set", then the period */
    wr(t, T_CONFIG(0), ENABLE | PERIODIC | VALUE_SET | BITS32);
    wr(t, T_CMP(0), 100000);
    g_assert_cmphex(rd(t, T_CONFIG(0)) & VALUE_SET, ==, 0);
    wr(t, T_CMP(0), 50000);
    clock_step(t->clock, MS(1));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    for (unsigned i = 0; i < 50; i++) {
        clock_step(t->clock, US(500) - 1);
        g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
        clock_step(t->clock, 1);
        g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    }
    g_assert_cmpuint(rd(t, T_CMP(0)), ==, 100000 + 51 * 50000);
    /* a period of one tick is bearable */
    wr(t, T_CONFIG(0), ENABLE | PERIODIC | VALUE_SET | BITS32);
    wr(t, T_CMP(0), rd(t, COUNTER) + 10);
    wr(t, T_CMP(0), 1);
    clock_step(t->clock, MS(100));
    unsigned edges = hw_irq_edges(t, 0);
    g_assert_cmpuint(edges, >=, 1000);
    g_assert_cmpuint(edges, <=, 5001);
    hpet_free(h);
}

static int given_state(void *opaque)
{
    return *(int *)opaque;
}

/* Ticks that the guest can't take aren't lost. */
static void test_owed(HwTest *t)
{
    enum { IDLE, PENDING, MASKED };
    int state = IDLE;
    Hpet *h = up(t);
    hpet_set_irq_state(h, given_state, &state);
    wr(t, CONFIG, 3);
    wr(t, T_CONFIG(0), ENABLE | PERIODIC | VALUE_SET | BITS32);
    wr(t, T_CMP(0), 100000);
    wr(t, T_CMP(0), 100000); /* a millisecond */
    clock_step(t->clock, MS(10));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 10);
    state = PENDING; /* the guest's CPU is away for 20 ms */
    clock_step(t->clock, MS(20));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    state = IDLE;
    clock_step(t->clock, MS(10));
    unsigned soon = hw_irq_edges(t, 0);
    g_assert_cmpuint(soon, >, 15); /* faster than usual */
    g_assert_cmpuint(soon, <=, 31);
    clock_step(t->clock, MS(20));
    g_assert_cmpuint(soon + hw_irq_edges(t, 0), ==, 50); /* all there */
    clock_step(t->clock, MS(10));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 10);
    /* masked: nobody counts */
    state = MASKED;
    clock_step(t->clock, MS(10));
    state = IDLE;
    hw_irq_edges(t, 0);
    clock_step(t->clock, MS(10));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 10);
    /* reprogrammed: debts are forgotten */
    state = PENDING;
    clock_step(t->clock, MS(10));
    state = IDLE;
    wr(t, T_CONFIG(0), BITS32 | ENABLE);
    wr(t, T_CMP(0), rd(t, COUNTER) + 1000000000);
    clock_step(t->clock, MS(100));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    hpet_free(h);
}

/* A guest that takes its interrupts again is given what it has missed, a few at once. */
static void test_owed_burst(HwTest *t)
{
    enum { IDLE, PENDING };
    int state = IDLE;
    Hpet *h = up(t);
    hpet_set_irq_state(h, given_state, &state);
    wr(t, CONFIG, 3);
    wr(t, T_CONFIG(0), ENABLE | PERIODIC | VALUE_SET | BITS32);
    wr(t, T_CMP(0), 100000);
    wr(t, T_CMP(0), 100000); /* a millisecond */
    hpet_tick_taken(h); /* nothing is owed */
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    clock_step(t->clock, MS(1));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    state = PENDING;
    clock_step(t->clock, MS(20));
    hpet_tick_taken(h); /* it took another interrupt; this one still waits */
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    state = IDLE;
    for (int i = 0; i < 100; i++)
        hpet_tick_taken(h);
    unsigned burst = hw_irq_edges(t, 0);
    g_assert_cmpuint(burst, >=, 5);
    g_assert_cmpuint(burst, <, 20); /* but the guest comes to its own work, too */
    unsigned all = burst;
    for (int i = 0; i < 100; i++) {
        clock_step(t->clock, US(100));
        hpet_tick_taken(h);
        all += hw_irq_edges(t, 0);
    }
    g_assert_cmpuint(all, ==, 30);
    hpet_free(h);
}

static void test_legacy(HwTest *t)
{
    Hpet *h = up(t);
    IrqLine pit = hpet_pit_input(h), rtc = hpet_rtc_input(h);
    irqline_set(&pit, true);
    irqline_pulse(&rtc);
    g_assert_true(hw_irq(t, 0));
    g_assert_cmpuint(hw_irq_edges(t, 8), ==, 1);
    wr(t, CONFIG, 3);
    g_assert_false(hw_irq(t, 0));
    irqline_set(&pit, false);
    irqline_set(&pit, true);
    irqline_pulse(&rtc);
    g_assert_false(hw_irq(t, 0));
    g_assert_cmpuint(hw_irq_edges(t, 8), ==, 0);
    wr(t, T_CONFIG(1), ENABLE | BITS32);
    wr(t, T_CMP(1), 10);
    clock_step(t->clock, 100);
    g_assert_cmpuint(hw_irq_edges(t, 8), ==, 1);
    wr(t, CONFIG, 1); /* back: the PIT's level shows again */
    g_assert_true(hw_irq(t, 0));
    /* without it, only the route counts */
    wr(t, T_CONFIG(1), ENABLE | BITS32);
    wr(t, T_CMP(1), 20);
    wr(t, T_CONFIG(2), ENABLE | BITS32 | ROUTE2);
    wr(t, T_CMP(2), 30);
    clock_step(t->clock, 1000);
    g_assert_cmpuint(hw_irq_edges(t, 8), ==, 0);
    g_assert_cmpuint(hw_irq_edges(t, 2), ==, 1);
    hpet_free(h);
}

static void test_level(HwTest *t)
{
    Hpet *h = up(t);
    wr(t, CONFIG, 1);
    wr(t, T_CONFIG(2), ENABLE | LEVEL | ROUTE2);
    bus_write(t->mem, HPET_BASE + T_CMP(2), 100, 8);
    clock_step(t->clock, 1000);
    g_assert_true(hw_irq(t, 2));
    g_assert_cmphex(rd(t, STATUS), ==, 4);
    wr(t, STATUS, 3);
    g_assert_true(hw_irq(t, 2));
    wr(t, STATUS, 4);
    g_assert_false(hw_irq(t, 2));
    g_assert_cmphex(rd(t, STATUS), ==, 0);
    /* status without the interrupt while that is disabled; enabling shows it */
    wr(t, T_CONFIG(2), LEVEL | ROUTE2);
    bus_write(t->mem, HPET_BASE + T_CMP(2), 200, 8);
    clock_step(t->clock, 1000);
    g_assert_cmphex(rd(t, STATUS), ==, 4);
    g_assert_false(hw_irq(t, 2));
    wr(t, T_CONFIG(2), ENABLE | LEVEL | ROUTE2);
    g_assert_true(hw_irq(t, 2));
    hpet_reset(h);
    g_assert_false(hw_irq(t, 2));
    hpet_free(h);
}

/* An edge that nobody hears costs no timer, and the comparator moves on all the same. */
static void test_silent(HwTest *t)
{
    Hpet *h = up(t);
    wr(t, CONFIG, 3);
    wr(t, T_CONFIG(0), ENABLE | PERIODIC | VALUE_SET | BITS32);
    wr(t, T_CMP(0), 100000);
    wr(t, T_CMP(0), 100000);
    g_assert_cmpint(clock_wait_begin(t->clock), ==, MS(1));
    clock_wait_end(t->clock);
    clock_step(t->clock, US(2500));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 2);
    wr(t, T_CONFIG(0), PERIODIC | BITS32);
    g_assert_cmpint(clock_wait_begin(t->clock), ==, INT64_MAX);
    clock_wait_end(t->clock);
    clock_step(t->clock, MS(10));
    g_assert_cmpuint(rd(t, T_CMP(0)), ==, 1300000);
    clock_step(t->clock, MS(10));
    wr(t, T_CONFIG(0), ENABLE | PERIODIC | BITS32);
    g_assert_cmpuint(rd(t, T_CMP(0)), ==, 2300000);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    clock_step(t->clock, US(500) - 1);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    clock_step(t->clock, 1);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    /* a wire goes with legacy replacement, and comes with it */
    wr(t, CONFIG, 1);
    g_assert_cmpint(clock_wait_begin(t->clock), ==, INT64_MAX);
    clock_wait_end(t->clock);
    clock_step(t->clock, US(3500));
    wr(t, CONFIG, 3);
    clock_step(t->clock, US(500));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    g_assert_cmpuint(rd(t, T_CMP(0)), ==, 2800000);
    /* a single shot that passed unheard stays so */
    wr(t, T_CONFIG(0), BITS32);
    wr(t, T_CMP(0), rd(t, COUNTER) + 100);
    clock_step(t->clock, MS(1));
    wr(t, T_CONFIG(0), ENABLE | BITS32);
    clock_step(t->clock, MS(100));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    hpet_free(h);
}

static void legacy_set(void *opaque, int n, bool level)
{
    *(bool *)opaque = level;
}

static void test_legacy_line(HwTest *t)
{
    bool on = true;
    Hpet *h = hpet_new(t->mem, t->clock, &(HpetWires){ .legacy = { legacy_set, &on, 0 } });
    g_assert_false(on);
    wr(t, CONFIG, 3);
    g_assert_true(on);
    wr(t, CONFIG, 1);
    g_assert_false(on);
    wr(t, CONFIG, 2);
    g_assert_true(on);
    hpet_reset(h);
    g_assert_false(on);
    hpet_free(h);
}

static void test_random(HwTest *t)
{
    Hpet *h = up(t);
    GRand *rand = g_rand_new_with_seed(3);
    for (unsigned i = 0; i < 50000; i++) {
        unsigned size = 1 << g_rand_int_range(rand, 0, 4);
        Gpa at = HPET_BASE + (g_rand_int_range(rand, 0, 0x180) & ~(size - 1));
        bus_write(t->mem, at, g_rand_int(rand) | (uint64_t)g_rand_int(rand) << 32, size);
        bus_read(t->mem, at, size);
        clock_step(t->clock, g_rand_int_range(rand, 0, 5000));
    }
    hpet_reset(h);
    g_assert_cmphex(rd(t, CONFIG), ==, 0);
    g_rand_free(rand);
    hpet_free(h);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/hpet/registers", test_registers);
    hw_test_add("/hpet/counter", test_counter);
    hw_test_add("/hpet/one-shot", test_one_shot);
    hw_test_add("/hpet/periodic", test_periodic);
    hw_test_add("/hpet/owed", test_owed);
    hw_test_add("/hpet/owed-burst", test_owed_burst);
    hw_test_add("/hpet/legacy", test_legacy);
    hw_test_add("/hpet/level", test_level);
    hw_test_add("/hpet/silent", test_silent);
    hw_test_add("/hpet/legacy-line", test_legacy_line);
    hw_test_add("/hpet/random", test_random);
    return g_test_run();
}

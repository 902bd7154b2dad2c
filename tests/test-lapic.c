/* The local APIC: registers, priorities, the timer, pins, interrupt commands, IA32_APIC_BASE. */
#include "hw/lapic.h"
#include "hwtest.h"

enum { INTR, NMI };

enum { ID = 0x20, VERSION = 0x30, TPR = 0x80, PPR = 0xa0, EOI = 0xb0, LDR = 0xd0, DFR = 0xe0, SVR = 0xf0, ISR = 0x100,
       TMR = 0x180, IRR = 0x200, ESR = 0x280, ICR = 0x300, ICR_HIGH = 0x310, TIMER = 0x320, THERMAL = 0x330, LINT0 = 0x350,
       LINT1 = 0x360, ERROR = 0x370, INITIAL = 0x380, CURRENT = 0x390, DIVIDE = 0x3e0 };

#define SVR_ENABLE 0x100
#define MASKED 0x10000
#define PERIODIC 0x20000
#define LEVEL 0x8000

typedef struct Case {
    HwTest *t;
    Lapic *a;
    unsigned eois;
    uint8_t eoi_vector;
} Case;

static int pic_vector(void *opaque)
{
    return 0x08;
}

static void eoi_seen(void *opaque, uint8_t vector)
{
    Case *c = opaque;
    c->eois++;
    c->eoi_vector = vector;
}

/* As a CPU reads that has found the device before: the ID at least takes the quick way. */
static uint32_t rd_quick(Case *c, unsigned reg)
{
    const Region *r = bus_find(c->t->mem, LAPIC_BASE, NULL);
    g_assert_nonnull(r->peek);
    return bus_read_region(c->t->mem, r, reg, 4);
}

static uint32_t rd(Case *c, unsigned reg)
{
    uint32_t value = hw_readl(c->t, LAPIC_BASE + reg);
    if (reg == ID)
        g_assert_cmphex(rd_quick(c, reg), ==, value);
    return value;
}

static void wr(Case *c, unsigned reg, uint32_t value)
{
    hw_writel(c->t, LAPIC_BASE + reg, value);
}

static void up(Case *c, HwTest *t, bool present)
{
    LapicWires wires = {
        .intr = hw_irq_line(t, INTR), .nmi = hw_irq_line(t, NMI), .pic = { pic_vector, NULL },
        .eoi = eoi_seen, .eoi_opaque = c,
    };
    *c = (Case){ .t = t, .a = lapic_new(t->mem, t->clock, &wires, present) };
}

static bool send(Case *c, uint8_t vector, bool level)
{
    return lapic_send(c->a, &(ApicMessage){ .destination = 0, .vector = vector, .level = level });
}

static void test_registers(HwTest *t)
{
    static const struct { unsigned reg; uint32_t reset, ones; } regs[] = {
        { VERSION, 0x50014, 0x50014 }, { TPR, 0, 0xff },          { LDR, 0, 0xff000000 },
        { DFR, 0xffffffff, 0xffffffff }, { SVR, 0xff, 0x3ff },    { TIMER, MASKED, 0x300ff },
        { THERMAL, MASKED, 0x107ff },  { LINT0, 0x700, 0x1a7ff }, { LINT1, MASKED, 0x1a7ff },
        { ERROR, MASKED, 0x100ff },    { DIVIDE, 0, 0xb },        { ICR_HIGH, 0, 0xff000000 },
        { ID, 0, 0xff000000 },         { PPR, 0, 0xff },
    };
    Case c;
    up(&c, t, true);
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++)
        g_assert_cmphex(rd(&c, regs[i].reg), ==, regs[i].reset);
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++)
        wr(&c, regs[i].reg, 0xffffffff);
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++)
        g_assert_cmphex(rd(&c, regs[i].reg), ==, regs[i].ones);
    wr(&c, DFR, 0);
    g_assert_cmphex(rd(&c, DFR), ==, 0x0fffffff);
    lapic_reset(c.a);
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++)
        g_assert_cmphex(rd(&c, regs[i].reg), ==, regs[i].reset);
    lapic_free(c.a);
}

static void test_priority(HwTest *t)
{
    Case c;
    up(&c, t, true);
    g_assert_false(send(&c, 0x40, false)); /* software-disabled */
    wr(&c, SVR, SVR_ENABLE | 0xff);
    g_assert_true(send(&c, 0x40, false));
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmphex(rd(&c, IRR + 0x20), ==, 1);
    g_assert_true(send(&c, 0x61, false));
    g_assert_cmpint(lapic_ack(c.a), ==, 0x61);
    g_assert_cmphex(rd(&c, ISR + 0x30), ==, 2);
    g_assert_cmphex(rd(&c, IRR + 0x30), ==, 0);
    g_assert_cmphex(rd(&c, PPR), ==, 0x60);
    g_assert_false(hw_irq(t, INTR)); /* 0x40 waits for the end of 0x61 */
    g_assert_cmpint(lapic_ack(c.a), ==, -1);
    g_assert_true(send(&c, 0x6f, false)); /* the same class waits too */
    g_assert_false(hw_irq(t, INTR));
    g_assert_true(send(&c, 0x70, false)); /* a higher one nests */
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmpint(lapic_ack(c.a), ==, 0x70);
    wr(&c, EOI, 0);
    g_assert_false(hw_irq(t, INTR));
    wr(&c, EOI, 0);
    g_assert_cmpint(lapic_ack(c.a), ==, 0x6f);
    wr(&c, EOI, 0);
    wr(&c, TPR, 0x40); /* its own class and below are held */
    g_assert_false(hw_irq(t, INTR));
    wr(&c, TPR, 0x3f);
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmphex(lapic_cr8(c.a), ==, 3);
    lapic_set_cr8(c.a, 15);
    g_assert_false(hw_irq(t, INTR));
    g_assert_cmphex(rd(&c, TPR), ==, 0xf0);
    lapic_set_cr8(c.a, 0);
    g_assert_cmpint(lapic_ack(c.a), ==, 0x40);
    wr(&c, EOI, 0);
    g_assert_cmpuint(c.eois, ==, 0);
    /* level: the end is told, once */
    send(&c, 0x55, true);
    g_assert_cmphex(rd(&c, TMR + 0x20), ==, 1 << 21);
    g_assert_cmpint(lapic_ack(c.a), ==, 0x55);
    wr(&c, EOI, 0);
    g_assert_cmpuint(c.eois, ==, 1);
    g_assert_cmphex(c.eoi_vector, ==, 0x55);
    wr(&c, EOI, 0);
    g_assert_cmpuint(c.eois, ==, 1);
    send(&c, 0x55, false);
    g_assert_cmphex(rd(&c, TMR + 0x20), ==, 0);
    lapic_free(c.a);
}

static void test_destination(HwTest *t)
{
    static const struct { uint32_t dfr, ldr; uint8_t destination; bool logical, taken; } cases[] = {
        { ~0u, 0, 0, false, true },            { ~0u, 0, 1, false, false },   { ~0u, 0, 0xff, false, true },
        { ~0u, 0x02000000, 2, true, true },    { ~0u, 0x02000000, 1, true, false },
        { ~0u, 0x02000000, 3, true, true },    { ~0u, 0x02000000, 0xff, true, true },
        { 0x0fffffff, 0x12000000, 0x12, true, true },  { 0x0fffffff, 0x12000000, 0x16, true, true },
        { 0x0fffffff, 0x12000000, 0x22, true, false }, { 0x0fffffff, 0x12000000, 0x14, true, false },
    };
    Case c;
    up(&c, t, true);
    wr(&c, SVR, SVR_ENABLE | 0xff);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        wr(&c, DFR, cases[i].dfr);
        wr(&c, LDR, cases[i].ldr);
        ApicMessage m = { .destination = cases[i].destination, .logical = cases[i].logical, .vector = 0x99 };
        g_assert_cmpint(lapic_send(c.a, &m), ==, cases[i].taken);
        g_assert_cmpint(lapic_ack(c.a), ==, cases[i].taken ? 0x99 : -1);
        if (cases[i].taken)
            wr(&c, EOI, 0);
    }
    g_assert_true(lapic_send(c.a, &(ApicMessage){ .mode = APIC_MODE_NMI }));
    g_assert_cmpuint(hw_irq_edges(t, NMI), ==, 1);
    g_assert_true(lapic_send(c.a, &(ApicMessage){ .mode = APIC_MODE_LOWEST, .vector = 0x33 }));
    g_assert_cmpint(lapic_ack(c.a), ==, 0x33);
    lapic_free(c.a);
}

static void test_timer(HwTest *t)
{
    Case c;
    up(&c, t, true);
    wr(&c, SVR, SVR_ENABLE | 0xff);
    wr(&c, DIVIDE, 3); /* by 16 */
    wr(&c, TIMER, 0x41);
    wr(&c, INITIAL, 1000);
    clock_step(t->clock, 15);
    g_assert_cmpuint(rd(&c, CURRENT), ==, 1000);
    clock_step(t->clock, 1);
    g_assert_cmpuint(rd(&c, CURRENT), ==, 999);
    clock_step(t->clock, 998 * 16);
    g_assert_false(hw_irq(t, INTR));
    g_assert_cmpuint(rd(&c, CURRENT), ==, 1);
    clock_step(t->clock, 16);
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmpuint(rd(&c, CURRENT), ==, 0);
    g_assert_cmpint(lapic_ack(c.a), ==, 0x41);
    wr(&c, EOI, 0);
    clock_step(t->clock, MS(10));
    g_assert_false(hw_irq(t, INTR)); /* once */
    /* periodic, by 1 */
    wr(&c, DIVIDE, 0xb);
    wr(&c, TIMER, PERIODIC | 0x42);
    wr(&c, INITIAL, 100000);
    unsigned fired = 0;
    for (unsigned i = 0; i < 100; i++) {
        clock_step(t->clock, US(100));
        fired += lapic_ack(c.a) == 0x42;
        g_assert_cmpuint(rd(&c, CURRENT), ==, 100000);
        wr(&c, EOI, 0);
    }
    g_assert_cmpuint(fired, ==, 100);
    clock_step(t->clock, US(40));
    g_assert_cmpuint(rd(&c, CURRENT), ==, 60000);
    /* masked: runs on, tells nobody */
    wr(&c, TIMER, PERIODIC | MASKED | 0x42);
    clock_step(t->clock, US(100));
    g_assert_false(hw_irq(t, INTR));
    g_assert_cmpuint(rd(&c, CURRENT), ==, 60000);
    wr(&c, TIMER, PERIODIC | 0x42);
    clock_step(t->clock, US(60));
    g_assert_cmpint(lapic_ack(c.a), ==, 0x42);
    wr(&c, EOI, 0);
    wr(&c, INITIAL, 0);
    g_assert_cmpuint(rd(&c, CURRENT), ==, 0);
    clock_step(t->clock, MS(1));
    g_assert_false(hw_irq(t, INTR));
    /* every divisor */
    static const struct { uint32_t reg; unsigned by; } divide[] = {
        { 0, 2 }, { 1, 4 }, { 2, 8 }, { 3, 16 }, { 8, 32 }, { 9, 64 }, { 10, 128 }, { 11, 1 },
    };
    wr(&c, TIMER, MASKED);
    for (unsigned i = 0; i < G_N_ELEMENTS(divide); i++) {
        wr(&c, DIVIDE, divide[i].reg);
        wr(&c, INITIAL, 0xffffffff);
        clock_step(t->clock, 1280);
        g_assert_cmphex(rd(&c, CURRENT), ==, 0xffffffff - 1280 / divide[i].by);
    }
    /* a period of one nanosecond doesn't stop the world */
    wr(&c, DIVIDE, 0xb);
    wr(&c, TIMER, PERIODIC | 0x43);
    wr(&c, INITIAL, 1);
    clock_step(t->clock, MS(1000));
    g_assert_true(hw_irq(t, INTR));
    lapic_free(c.a);
}

static void test_virtual_wire(HwTest *t)
{
    Case c;
    up(&c, t, true);
    IrqLine pic = lapic_lint(c.a, 0);
    irqline_set(&pic, true); /* as reset leaves it: through */
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmpint(lapic_ack(c.a), ==, 0x08);
    irqline_set(&pic, false);
    g_assert_false(hw_irq(t, INTR));
    wr(&c, SVR, SVR_ENABLE | 0xff);
    wr(&c, LINT0, MASKED | 0x700);
    irqline_set(&pic, true);
    g_assert_false(hw_irq(t, INTR));
    wr(&c, LINT0, 0x700);
    g_assert_true(hw_irq(t, INTR));
    send(&c, 0x20, false); /* the APIC's own come first */
    g_assert_cmpint(lapic_ack(c.a), ==, 0x20);
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmpint(lapic_ack(c.a), ==, 0x08);
    wr(&c, EOI, 0);
    /* software disable masks the pins, the way SDM has it */
    wr(&c, SVR, 0xff);
    g_assert_false(hw_irq(t, INTR));
    g_assert_cmphex(rd(&c, LINT0), ==, MASKED | 0x700);
    /* globally disabled: a wire */
    g_assert_true(lapic_set_base(c.a, LAPIC_BASE));
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmpint(lapic_ack(c.a), ==, 0x08);
    IrqLine nmi = lapic_lint(c.a, 1);
    hw_irq_edges(t, NMI);
    irqline_pulse(&nmi);
    g_assert_cmpuint(hw_irq_edges(t, NMI), ==, 1);
    lapic_free(c.a);
}

static void test_pins(HwTest *t)
{
    Case c;
    up(&c, t, true);
    IrqLine lint0 = lapic_lint(c.a, 0), lint1 = lapic_lint(c.a, 1);
    irqline_pulse(&lint1);
    g_assert_cmpuint(hw_irq_edges(t, NMI), ==, 0); /* masked at reset */
    wr(&c, SVR, SVR_ENABLE | 0xff);
    wr(&c, LINT1, 0x400);
    irqline_set(&lint1, true);
    g_assert_cmpuint(hw_irq_edges(t, NMI), ==, 1);
    /* fixed, edge */
    wr(&c, LINT0, 0x71);
    irqline_set(&lint0, true);
    g_assert_cmpint(lapic_ack(c.a), ==, 0x71);
    wr(&c, EOI, 0);
    g_assert_false(hw_irq(t, INTR));
    irqline_set(&lint0, false);
    /* fixed, level: again after EOI while high */
    wr(&c, LINT0, LEVEL | 0x72);
    irqline_set(&lint0, true);
    g_assert_cmphex(rd(&c, LINT0), ==, LEVEL | 0x4000 | 0x72);
    g_assert_cmpint(lapic_ack(c.a), ==, 0x72);
    g_assert_false(hw_irq(t, INTR));
    wr(&c, EOI, 0);
    g_assert_true(hw_irq(t, INTR));
    irqline_set(&lint0, false);
    g_assert_cmpint(lapic_ack(c.a), ==, 0x72);
    wr(&c, EOI, 0);
    g_assert_false(hw_irq(t, INTR));
    g_assert_cmphex(rd(&c, LINT0), ==, LEVEL | 0x72);
    lapic_free(c.a);
}

static void test_command(HwTest *t)
{
    Case c;
    up(&c, t, true);
    wr(&c, SVR, SVR_ENABLE | 0xff);
    wr(&c, ICR, 0x40000 | 0x81); /* self */
    g_assert_cmpint(lapic_ack(c.a), ==, 0x81);
    wr(&c, EOI, 0);
    g_assert_cmphex(rd(&c, ICR), ==, 0x40081); /* delivery status is idle */
    wr(&c, ICR, 0x80000 | 0x82); /* all */
    g_assert_cmpint(lapic_ack(c.a), ==, 0x82);
    wr(&c, EOI, 0);
    wr(&c, ICR, 0xc0000 | 0x83); /* others: there are none */
    g_assert_cmpint(lapic_ack(c.a), ==, -1);
    wr(&c, ICR_HIGH, 0x01000000);
    wr(&c, ICR, 0x84);
    g_assert_cmpint(lapic_ack(c.a), ==, -1);
    wr(&c, ICR_HIGH, 0);
    wr(&c, ICR, 0x85);
    g_assert_cmpint(lapic_ack(c.a), ==, 0x85);
    wr(&c, EOI, 0);
    wr(&c, ICR, 0x400);
    g_assert_cmpuint(hw_irq_edges(t, NMI), ==, 1);
    /* INIT and start-up to the processor that runs: nothing */
    wr(&c, ICR, 0xc500);
    wr(&c, ICR, 0x8500);
    wr(&c, ICR, 0x4600 | 0x9f);
    wr(&c, ICR, 0xc0000 | 0xc500);
    g_assert_false(hw_irq(t, INTR));
    g_assert_cmphex(rd(&c, SVR), ==, SVR_ENABLE | 0xff);
    lapic_free(c.a);
}

static void test_errors(HwTest *t)
{
    Case c;
    up(&c, t, true);
    wr(&c, SVR, SVR_ENABLE | 0xff);
    wr(&c, ERROR, 0xfe);
    wr(&c, ICR, 0x40000 | 5); /* vectors below 16 are illegal */
    g_assert_cmphex(rd(&c, ESR), ==, 0); /* a write latches */
    wr(&c, ESR, 0);
    g_assert_cmphex(rd(&c, ESR), ==, 0x20);
    g_assert_cmpint(lapic_ack(c.a), ==, 0xfe);
    wr(&c, EOI, 0);
    wr(&c, ESR, 0);
    g_assert_cmphex(rd(&c, ESR), ==, 0);
    send(&c, 3, false);
    wr(&c, ESR, 0);
    g_assert_cmphex(rd(&c, ESR), ==, 0x40);
    g_assert_cmpint(lapic_ack(c.a), ==, 0xfe);
    wr(&c, EOI, 0);
    wr(&c, 0x40, 1); /* no such register */
    g_assert_cmphex(rd(&c, 0x3f0), ==, 0);
    wr(&c, ESR, 0);
    g_assert_cmphex(rd(&c, ESR), ==, 0x80);
    /* an error entry with an illegal vector must not chase its own tail */
    wr(&c, ERROR, 1);
    send(&c, 2, false);
    wr(&c, ESR, 0);
    g_assert_cmphex(rd(&c, ESR), ==, 0x40);
    lapic_free(c.a);
}

static void test_base(HwTest *t)
{
    Case c;
    up(&c, t, true);
    g_assert_cmphex(lapic_base(c.a), ==, 0xfee00900);
    g_assert_false(lapic_set_base(c.a, 0xfee00c00)); /* x2APIC: #GP */
    g_assert_false(lapic_set_base(c.a, 0x1000000000900));
    g_assert_true(lapic_set_base(c.a, 0xfed80800));
    g_assert_cmphex(lapic_base(c.a), ==, 0xfed80900); /* BSP stays */
    g_assert_cmphex(hw_readl(t, 0xfed80030), ==, 0x50014);
    g_assert_cmphex(hw_readl(t, 0xfee00030), ==, 0xffffffff);
    hw_writel(t, 0xfed800f0, SVR_ENABLE | 0x3f);
    hw_writel(t, 0xfed80320, 0x41);
    hw_writel(t, 0xfed80380, 1000);
    g_assert_true(lapic_set_base(c.a, LAPIC_BASE)); /* off: like a reset */
    g_assert_false(lapic_enabled(c.a));
    g_assert_cmphex(rd(&c, VERSION), ==, 0xffffffff);
    clock_step(t->clock, MS(1));
    g_assert_false(send(&c, 0x40, false));
    g_assert_false(hw_irq(t, INTR));
    g_assert_true(lapic_set_base(c.a, LAPIC_BASE | 0x800));
    g_assert_cmphex(rd(&c, SVR), ==, 0xff);
    g_assert_cmphex(rd(&c, TIMER), ==, MASKED);
    lapic_free(c.a);
}

static void test_absent(HwTest *t)
{
    Case c;
    up(&c, t, false);
    IrqLine pic = lapic_lint(c.a, 0);
    g_assert_cmphex(rd(&c, VERSION), ==, 0xffffffff);
    g_assert_false(lapic_set_base(c.a, LAPIC_BASE | 0x800));
    irqline_set(&pic, true);
    g_assert_true(hw_irq(t, INTR));
    g_assert_cmpint(lapic_ack(c.a), ==, 0x08);
    irqline_set(&pic, false);
    g_assert_false(hw_irq(t, INTR));
    lapic_free(c.a);
}

static void test_random(HwTest *t)
{
    Case c;
    up(&c, t, true);
    IrqLine lint[2] = { lapic_lint(c.a, 0), lapic_lint(c.a, 1) };
    GRand *rand = g_rand_new_with_seed(2);
    for (unsigned i = 0; i < 50000; i++) {
        wr(&c, g_rand_int_range(rand, 0, 0x40) << 4, g_rand_int(rand));
        rd(&c, g_rand_int_range(rand, 0, 0x40) << 4);
        irqline_set(&lint[i & 1], g_rand_boolean(rand));
        lapic_ack(c.a);
        clock_step(t->clock, g_rand_int_range(rand, 0, 2000));
    }
    lapic_reset(c.a);
    g_assert_cmphex(rd(&c, SVR), ==, 0xff);
    g_rand_free(rand);
    lapic_free(c.a);
}

/* By the host's clock, a single shot of a nanosecond is over before the write that starts it has ended: it fires all the same. */
static void test_short_shot(HwTest *t)
{
    Clock *clock = clock_new();
    LapicWires wires = { .intr = hw_irq_line(t, INTR), .nmi = hw_irq_line(t, NMI) };
    Lapic *a = lapic_new(t->mem, clock, &wires, true);
    clock_start(clock);
    hw_writel(t, LAPIC_BASE + SVR, SVR_ENABLE | 0xff);
    hw_writel(t, LAPIC_BASE + DIVIDE, 0xb); /* by 1 */
    hw_writel(t, LAPIC_BASE + TIMER, 0x40);
    for (int i = 0; i < 100; i++) {
        hw_writel(t, LAPIC_BASE + INITIAL, 1);
        clock_run(clock);
        g_assert_true(hw_irq(t, INTR));
        g_assert_cmpint(lapic_ack(a), ==, 0x40);
        hw_writel(t, LAPIC_BASE + EOI, 0);
        g_assert_false(hw_irq(t, INTR));
        hw_writel(t, LAPIC_BASE + TIMER, 0x40); /* run out: not again */
        clock_run(clock);
        g_assert_false(hw_irq(t, INTR));
    }
    lapic_free(a);
    clock_free(clock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/lapic/registers", test_registers);
    hw_test_add("/lapic/priority", test_priority);
    hw_test_add("/lapic/destination", test_destination);
    hw_test_add("/lapic/timer", test_timer);
    hw_test_add("/lapic/short-shot", test_short_shot);
    hw_test_add("/lapic/virtual-wire", test_virtual_wire);
    hw_test_add("/lapic/pins", test_pins);
    hw_test_add("/lapic/command", test_command);
    hw_test_add("/lapic/errors", test_errors);
    hw_test_add("/lapic/base", test_base);
    hw_test_add("/lapic/absent", test_absent);
    hw_test_add("/lapic/random", test_random);
    return g_test_run();
}

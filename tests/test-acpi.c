/* The PIIX4's power management function: PM registers, timer, SCI, power button, soft-off; and its SMBus. */
#include "hw/acpi.h"
#include "hwtest.h"

#define PM PCI_DEVFN(1, 3)
#define SCI 9
#define BASE 0x600

typedef struct Case {
    HwTest *t;
    PciBus *bus;
    Acpi *a;
    unsigned offs;
} Case;

static void power_off(void *opaque)
{
    Case *c = opaque;
    c->offs++;
}

static void cfg(Case *c, unsigned reg, uint32_t value)
{
    hw_outl(c->t, 0xcf8, 0x80000000u | PM << 8 | reg);
    hw_outl(c->t, 0xcfc, value);
}

static uint32_t cfg_get(Case *c, unsigned reg)
{
    hw_outl(c->t, 0xcf8, 0x80000000u | PM << 8 | reg);
    return hw_inl(c->t, 0xcfc);
}

static void up(Case *c, HwTest *t)
{
    *c = (Case){ .t = t, .bus = pci_bus_new(t->io, t->mem) };
    AcpiWires wires = { .sci = hw_irq_line(t, SCI), .power_off = power_off, .opaque = c };
    c->a = acpi_new(c->bus, PM, t->io, t->clock, &wires);
}

/* As a BIOS sets it up. */
static void enable(Case *c)
{
    cfg(c, 0x40, BASE | 1);
    cfg(c, 0x80, 1);
}

static void down(Case *c)
{
    acpi_free(c->a);
    pci_bus_free(c->bus);
}

static void test_config(HwTest *t)
{
    Case c;
    up(&c, t);
    g_assert_cmphex(cfg_get(&c, 0), ==, 0x71138086);
    g_assert_cmphex(cfg_get(&c, 8), ==, 0x06800003);
    g_assert_cmphex(cfg_get(&c, 0x3c), ==, 0x0100);
    g_assert_cmphex(cfg_get(&c, 0x40), ==, 1);
    g_assert_cmphex(cfg_get(&c, 0x58) & 1 << 25, !=, 0); /* SMIs are taken care of */
    g_assert_cmphex(hw_inl(t, BASE + 8), ==, 0xffffffff);
    cfg(&c, 0x40, 0xffffffff);
    g_assert_cmphex(cfg_get(&c, 0x40), ==, 0xffc1);
    cfg(&c, 0x40, BASE);
    g_assert_cmphex(hw_inw(t, BASE), ==, 0xffff);
    cfg(&c, 0x80, 1);
    g_assert_cmphex(hw_inw(t, BASE), ==, 0);
    cfg(&c, 0x40, 0xb000);
    g_assert_cmphex(hw_inw(t, BASE), ==, 0xffff);
    g_assert_cmphex(hw_inw(t, 0xb000), ==, 0);
    acpi_reset(c.a);
    g_assert_cmphex(hw_inw(t, 0xb000), ==, 0xffff);
    down(&c);
}

static void test_timer(HwTest *t)
{
    Case c;
    up(&c, t);
    enable(&c);
    g_assert_cmphex(hw_inl(t, BASE + 8), ==, 0);
    clock_step(t->clock, NS_PER_SEC);
    g_assert_cmpuint(hw_inl(t, BASE + 8), ==, 3579545);
    g_assert_cmphex(hw_inb(t, BASE + 9), ==, 3579545 >> 8 & 0xff);
    g_assert_cmphex(hw_inw(t, BASE + 10), ==, 3579545 >> 16);
    hw_outl(t, BASE + 8, 0); /* read-only */
    g_assert_cmpuint(hw_inl(t, BASE + 8), ==, 3579545);
    clock_step(t->clock, 9 * NS_PER_SEC);
    g_assert_cmphex(hw_inl(t, BASE + 8), ==, 35795450 & 0xffffff); /* 24 bits */
    down(&c);
}

static void test_overflow(HwTest *t)
{
    /* 2^23 ticks, rounded up to the nanosecond */
    const int64_t half = (8388608ll * NS_PER_SEC + 3579544) / 3579545;
    Case c;
    up(&c, t);
    enable(&c);
    clock_step(t->clock, half - 1);
    g_assert_cmphex(hw_inw(t, BASE), ==, 0);
    clock_step(t->clock, 1);
    g_assert_cmphex(hw_inw(t, BASE), ==, 1); /* the status needs no enable */
    g_assert_false(hw_irq(t, SCI));
    hw_outb(t, 0xb2, 0xf1);
    hw_outw(t, BASE + 2, 1);
    g_assert_true(hw_irq(t, SCI));
    hw_outw(t, BASE, 1);
    g_assert_false(hw_irq(t, SCI));
    g_assert_cmphex(hw_inw(t, BASE), ==, 0);
    clock_step(t->clock, half - 2);
    g_assert_false(hw_irq(t, SCI));
    clock_step(t->clock, 2);
    g_assert_true(hw_irq(t, SCI)); /* by itself */
    hw_outw(t, BASE + 2, 0);
    g_assert_false(hw_irq(t, SCI));
    down(&c);
}

static void test_mode(HwTest *t)
{
    Case c;
    up(&c, t);
    enable(&c);
    g_assert_cmphex(hw_inw(t, BASE + 4) & 1, ==, 0);
    hw_outb(t, 0xb3, 0x5a);
    hw_outb(t, 0xb2, 0xf1);
    g_assert_cmphex(hw_inw(t, BASE + 4) & 1, ==, 1);
    g_assert_cmphex(hw_inb(t, 0xb2), ==, 0xf1);
    g_assert_cmphex(hw_inb(t, 0xb3), ==, 0x5a);
    hw_outb(t, 0xb2, 0xf0);
    g_assert_cmphex(hw_inw(t, BASE + 4) & 1, ==, 0);
    hw_outb(t, 0xb2, 0x77);
    g_assert_cmphex(hw_inw(t, BASE + 4), ==, 0);
    down(&c);
}

static void test_button(HwTest *t)
{
    Case c;
    up(&c, t);
    enable(&c);
    g_assert_false(acpi_power_button(c.a)); /* nobody listens */
    g_assert_false(hw_irq(t, SCI));
    hw_outw(t, BASE, 0x100);
    hw_outb(t, 0xb2, 0xf1);
    hw_outw(t, BASE + 2, 0x120);
    g_assert_cmphex(hw_inw(t, BASE + 2), ==, 0x120);
    g_assert_true(acpi_power_button(c.a));
    g_assert_true(hw_irq(t, SCI));
    g_assert_cmphex(hw_inw(t, BASE), ==, 0x100);
    hw_outw(t, BASE, 1); /* other bits don't clear it */
    g_assert_true(hw_irq(t, SCI));
    hw_outb(t, BASE + 1, 1);
    g_assert_false(hw_irq(t, SCI));
    g_assert_cmphex(hw_inw(t, BASE), ==, 0);
    acpi_power_button(c.a);
    acpi_reset(c.a);
    g_assert_false(hw_irq(t, SCI));
    down(&c);
}

/* The rise of IRQ 8 is an event of its own: Linux waits for its alarm there. */
static void test_rtc(HwTest *t)
{
    Case c;
    up(&c, t);
    enable(&c);
    hw_outb(t, 0xb2, 0xf1);
    hw_outw(t, BASE + 2, 0x400);
    g_assert_cmphex(hw_inw(t, BASE + 2), ==, 0x400);
    acpi_rtc_alarm(c.a, true);
    g_assert_true(hw_irq(t, SCI));
    g_assert_cmphex(hw_inw(t, BASE), ==, 0x400);
    hw_outw(t, BASE, 0x400);
    acpi_rtc_alarm(c.a, true); /* still the same one */
    g_assert_false(hw_irq(t, SCI));
    acpi_rtc_alarm(c.a, false);
    g_assert_false(hw_irq(t, SCI));
    acpi_rtc_alarm(c.a, true);
    g_assert_true(hw_irq(t, SCI));
    down(&c);
}

static void test_off(HwTest *t)
{
    Case c;
    up(&c, t);
    enable(&c);
    hw_outw(t, BASE + 4, 0x1401); /* a type alone does nothing */
    g_assert_cmpuint(c.offs, ==, 0);
    g_assert_cmphex(hw_inw(t, BASE + 4), ==, 0x1401);
    hw_outw(t, BASE + 4, 0x3401); /* type 5 isn't offered */
    g_assert_cmpuint(c.offs, ==, 0);
    hw_outw(t, BASE + 4, 0x2001);
    g_assert_cmpuint(c.offs, ==, 1);
    g_assert_cmphex(hw_inw(t, BASE + 4), ==, 1); /* the enable bit reads 0 */
    hw_outb(t, BASE + 5, 0x20);
    g_assert_cmpuint(c.offs, ==, 2);
    down(&c);
}

static void test_smbus(HwTest *t)
{
    Case c;
    up(&c, t);
    g_assert_cmphex(cfg_get(&c, 0xd0) >> 16, ==, 0x08);
    cfg(&c, 0x90, 0x701);
    cfg(&c, 0xd0, 0x090000);
    g_assert_cmphex(hw_inb(t, 0x700), ==, 0); /* idle */
    hw_outb(t, 0x704, 0xa1);
    g_assert_cmphex(hw_inb(t, 0x704), ==, 0xa1);
    hw_outb(t, 0x702, 0x48); /* start: byte data */
    g_assert_cmphex(hw_inb(t, 0x700), ==, 0x04); /* nobody answered; not busy */
    g_assert_cmphex(hw_inb(t, 0x702), ==, 0x08);
    hw_outb(t, 0x700, 0xff);
    g_assert_cmphex(hw_inb(t, 0x700), ==, 0);
    for (unsigned i = 0; i < 100; i++)
        hw_outb(t, 0x707, i);
    hw_inb(t, 0x702);
    g_assert_cmphex(hw_inb(t, 0x707), ==, 96); /* 32 bytes, round and round */
    cfg(&c, 0xd0, 0);
    g_assert_cmphex(hw_inb(t, 0x700), ==, 0xff);
    down(&c);
}

static void test_random(HwTest *t)
{
    Case c;
    up(&c, t);
    GRand *rand = g_rand_new_with_seed(4);
    for (unsigned i = 0; i < 50000; i++) {
        unsigned port = BASE + g_rand_int_range(rand, 0, 0x40);
        switch (g_rand_int_range(rand, 0, 8)) {
        case 0:
            hw_outb(t, port, g_rand_int(rand));
            break;
        case 1:
            hw_outw(t, port, g_rand_int(rand));
            break;
        case 2:
            hw_outl(t, port, g_rand_int(rand));
            break;
        case 3:
            hw_inl(t, port);
            break;
        case 4:
            cfg(&c, g_rand_int_range(rand, 0x10, 0x40) << 2, g_rand_int(rand));
            enable(&c);
            break;
        case 5:
            acpi_power_button(c.a);
            break;
        default:
            clock_step(t->clock, g_rand_int_range(rand, 0, 10000000));
        }
    }
    g_rand_free(rand);
    acpi_reset(c.a);
    enable(&c);
    g_assert_cmphex(hw_inw(t, BASE + 2), ==, 0);
    down(&c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/acpi/config", test_config);
    hw_test_add("/acpi/timer", test_timer);
    hw_test_add("/acpi/overflow", test_overflow);
    hw_test_add("/acpi/mode", test_mode);
    hw_test_add("/acpi/button", test_button);
    hw_test_add("/acpi/rtc", test_rtc);
    hw_test_add("/acpi/off", test_off);
    hw_test_add("/acpi/smbus", test_smbus);
    hw_test_add("/acpi/random", test_random);
    return g_test_run();
}

/* The MC146818A as BIOSes, DOS and Linux use it. */
#include "config.h"
#include "hw/rtc.h"
#include "hwtest.h"

#define IRQ 8

static uint8_t cmos(HwTest *t, uint8_t reg)
{
    hw_outb(t, 0x70, reg);
    return hw_inb(t, 0x71);
}

static void set(HwTest *t, uint8_t reg, uint8_t value)
{
    hw_outb(t, 0x70, reg);
    hw_outb(t, 0x71, value);
}

static Rtc *make(HwTest *t, const char *date)
{
    g_autoptr(GError) error = NULL;
    RtcBase base;

    g_assert_true(rtc_parse_base(date, &base, &error));
    return rtc_new(t->io, t->clock, hw_irq_line(t, IRQ), base);
}

/* The registers as one string: century year month day weekday hours minutes seconds. */
static void expect_date(HwTest *t, const char *want)
{
    g_autofree char *got = g_strdup_printf("%02x%02x-%02x-%02x/%x %02x:%02x:%02x", cmos(t, 0x32), cmos(t, 9), cmos(t, 8),
                                           cmos(t, 7), cmos(t, 6), cmos(t, 4), cmos(t, 2), cmos(t, 0));

    g_assert_cmpstr(got, ==, want);
}

static void test_date(HwTest *t)
{
    Rtc *r = make(t, "1999-12-31T23:59:58");

    g_assert_cmphex(cmos(t, 0x0d), ==, 0x80);
    g_assert_cmphex(cmos(t, 0x0a), ==, 0x26);
    g_assert_cmphex(cmos(t, 0x0b), ==, 0x02);
    expect_date(t, "1999-12-31/6 23:59:58");
    clock_step(t->clock, NS_PER_SEC - 1);
    expect_date(t, "1999-12-31/6 23:59:58");
    clock_step(t->clock, 1);
    expect_date(t, "1999-12-31/6 23:59:59");
    clock_step(t->clock, NS_PER_SEC);
    expect_date(t, "2000-01-01/7 00:00:00");
    g_assert_cmphex(cmos(t, 0x37), ==, 0x20);
    clock_step(t->clock, (31 + 28) * 86400ll * NS_PER_SEC);
    expect_date(t, "2000-02-29/3 00:00:00");
    rtc_free(r);
}

static void test_modes(HwTest *t)
{
    Rtc *r = make(t, "2006-06-17T00:30:45");

    set(t, 0x0b, 0x00); /* 12 hours, BCD */
    g_assert_cmphex(cmos(t, 4), ==, 0x12);
    clock_step(t->clock, 12 * 3600 * NS_PER_SEC);
    g_assert_cmphex(cmos(t, 4), ==, 0x92);
    clock_step(t->clock, 3600 * NS_PER_SEC);
    g_assert_cmphex(cmos(t, 4), ==, 0x81);
    set(t, 0x0b, 0x04); /* 12 hours, binary */
    clock_step(t->clock, 10 * 3600 * NS_PER_SEC);
    g_assert_cmphex(cmos(t, 4), ==, 0x8b);
    g_assert_cmphex(cmos(t, 2), ==, 30);
    set(t, 0x0b, 0x06); /* 24 hours, binary */
    g_assert_cmphex(cmos(t, 4), ==, 23);
    g_assert_cmphex(cmos(t, 0), ==, 45);
    g_assert_cmphex(cmos(t, 0x32), ==, 0x20); /* the century is BCD always */
    rtc_free(r);
}

/* Linux mc146818_set_time: SET, divider reset, the registers, then both back; the next second starts half a second later. */
static void test_set_linux(HwTest *t)
{
    Rtc *r = make(t, "2006-06-17");

    clock_step(t->clock, MS(300));
    set(t, 0x0b, 0x82);
    set(t, 0x0a, 0x76);
    set(t, 0x09, 0x24);
    set(t, 0x08, 0x02);
    set(t, 0x07, 0x29);
    set(t, 0x04, 0x12);
    set(t, 0x02, 0x34);
    set(t, 0x00, 0x56);
    clock_step(t->clock, 10 * NS_PER_SEC);
    g_assert_cmphex(cmos(t, 0), ==, 0x56);
    g_assert_cmphex(cmos(t, 0x0a), ==, 0x76);
    set(t, 0x0b, 0x02);
    clock_step(t->clock, 10 * NS_PER_SEC);
    g_assert_cmphex(cmos(t, 0), ==, 0x56); /* the divider still stands */
    set(t, 0x0a, 0x26);
    clock_step(t->clock, MS(499));
    expect_date(t, "2024-02-29/5 12:34:56");
    clock_step(t->clock, MS(1));
    expect_date(t, "2024-02-29/5 12:34:57");
    rtc_free(r);
}

/* DOS BIOSes: SET only: the divider goes on. And programs that don't bother with SET. */
static void test_set_bios(HwTest *t)
{
    Rtc *r = make(t, "2006-02-17");

    clock_step(t->clock, MS(300));
    set(t, 0x0b, 0x82);
    clock_step(t->clock, MS(100));
    set(t, 0x04, 0x10);
    set(t, 0x0b, 0x02);
    clock_step(t->clock, MS(600) - 1);
    expect_date(t, "2006-02-17/6 10:00:00");
    clock_step(t->clock, 1);
    expect_date(t, "2006-02-17/6 10:00:01");

    set(t, 0x07, 0x31); /* 31 February, for a moment */
    g_assert_cmphex(cmos(t, 0x07), ==, 0x31);
    set(t, 0x08, 0x12);
    set(t, 0x09, 0x95);
    set(t, 0x32, 0x19);
    clock_step(t->clock, NS_PER_SEC);
    expect_date(t, "1995-12-31/1 10:00:02");
    /* Nonsense doesn't harm. */
    for (int reg = 0; reg < 10; reg++)
        set(t, reg, 0xff);
    clock_step(t->clock, NS_PER_SEC);
    cmos(t, 0);
    set(t, 0x08, 0);
    set(t, 0x07, 0);
    clock_step(t->clock, NS_PER_SEC);
    cmos(t, 7);
    rtc_free(r);
}

static void test_uip(HwTest *t)
{
    Rtc *r = make(t, "2006-06-17");

    g_assert_cmphex(cmos(t, 0x0a), ==, 0x26);
    clock_step(t->clock, MS(997));
    g_assert_cmphex(cmos(t, 0x0a), ==, 0x26);
    clock_step(t->clock, MS(1));
    g_assert_cmphex(cmos(t, 0x0a), ==, 0xa6);
    g_assert_cmphex(cmos(t, 0), ==, 0);
    clock_step(t->clock, MS(2));
    g_assert_cmphex(cmos(t, 0x0a), ==, 0x26);
    g_assert_cmphex(cmos(t, 0), ==, 1);
    clock_step(t->clock, MS(999));
    set(t, 0x0b, 0x82); /* SET ends it */
    g_assert_cmphex(cmos(t, 0x0a), ==, 0x26);
    set(t, 0x0a, 0xa6); /* and it can't be written */
    g_assert_cmphex(cmos(t, 0x0a), ==, 0x26);
    rtc_free(r);
}

static void test_update(HwTest *t)
{
    Rtc *r = make(t, "2006-06-17");

    /* Flags come without interrupts too; reading clears them. */
    clock_step(t->clock, MS(1500));
    g_assert_cmphex(cmos(t, 0x0c) & 0x90, ==, 0x10);
    g_assert_cmphex(cmos(t, 0x0c), ==, 0);
    g_assert_false(hw_irq(t, IRQ));
    set(t, 0x0b, 0x12);
    clock_step(t->clock, MS(500) - 1);
    g_assert_false(hw_irq(t, IRQ));
    clock_step(t->clock, 1);
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(cmos(t, 0x0c) & 0x90, ==, 0x90);
    g_assert_false(hw_irq(t, IRQ));
    for (int i = 0; i < 10; i++) {
        clock_step(t->clock, NS_PER_SEC);
        cmos(t, 0x0c);
    }
    g_assert_cmpuint(hw_irq_edges(t, IRQ), ==, 11);
    /* Not read: it stays, and no more edges. */
    clock_step(t->clock, 10 * NS_PER_SEC);
    g_assert_cmpuint(hw_irq_edges(t, IRQ), ==, 1);
    g_assert_true(hw_irq(t, IRQ));
    /* SET clears UIE and with it the request. */
    set(t, 0x0b, 0x92);
    g_assert_cmphex(cmos(t, 0x0b), ==, 0x82);
    g_assert_false(hw_irq(t, IRQ));
    /* Enabling with the flag set asserts at once. */
    set(t, 0x0b, 0x12);
    g_assert_true(hw_irq(t, IRQ));
    rtc_reset(r);
    g_assert_false(hw_irq(t, IRQ));
    g_assert_cmphex(cmos(t, 0x0b), ==, 0x02);
    rtc_free(r);
}

static void test_alarm(HwTest *t)
{
    Rtc *r = make(t, "2006-06-17T11:58:00");

    set(t, 0x05, 0x12);
    set(t, 0x03, 0x00);
    set(t, 0x01, 0x30);
    set(t, 0x0b, 0x22);
    clock_step(t->clock, 150 * NS_PER_SEC - 1);
    g_assert_false(hw_irq(t, IRQ));
    clock_step(t->clock, 1);
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(cmos(t, 0x0c) & 0xa0, ==, 0xa0);
    clock_step(t->clock, 86400 * NS_PER_SEC - 1);
    g_assert_cmpuint(hw_irq_edges(t, IRQ), ==, 1);
    clock_step(t->clock, 1);
    g_assert_cmpuint(hw_irq_edges(t, IRQ), ==, 1);
    cmos(t, 0x0c);
    /* Don't care: every minute at 15. */
    set(t, 0x05, 0xff);
    set(t, 0x03, 0xc0);
    set(t, 0x01, 0x15);
    for (int i = 0; i < 5; i++) {
        clock_step(t->clock, 60 * NS_PER_SEC);
        g_assert_cmphex(cmos(t, 0x0c) & 0xa0, ==, 0xa0);
    }
    g_assert_cmpuint(hw_irq_edges(t, IRQ), ==, 5);
    /* Never: no such second. */
    set(t, 0x01, 0x75);
    clock_step(t->clock, 2 * 86400 * NS_PER_SEC);
    g_assert_cmpuint(hw_irq_edges(t, IRQ), ==, 0);
    /* 12-hour alarm: 1 pm. And without AIE the flag alone. */
    set(t, 0x0b, 0x00);
    set(t, 0x05, 0x81);
    set(t, 0x03, 0x00);
    set(t, 0x01, 0x00);
    cmos(t, 0x0c);
    clock_step(t->clock, 86400 * NS_PER_SEC);
    g_assert_cmphex(cmos(t, 0x0c) & 0xa0, ==, 0x20);
    g_assert_false(hw_irq(t, IRQ));
    /* The alarm registers take any byte and give it back. */
    set(t, 0x05, 0xfe);
    g_assert_cmphex(cmos(t, 0x05), ==, 0xfe);
    rtc_free(r);
}

static unsigned periodic(HwTest *t, int rate, int64_t ns)
{
    unsigned taken = 0;
    int64_t end = clock_now(t->clock) + ns;

    set(t, 0x0a, 0x20 | rate);
    set(t, 0x0b, 0x42);
    cmos(t, 0x0c);
    while (clock_now(t->clock) < end) {
        clock_step(t->clock, MIN(US(10), end - clock_now(t->clock)));
        if (hw_irq(t, IRQ)) {
            g_assert_cmphex(cmos(t, 0x0c) & 0xc0, ==, 0xc0);
            taken++;
        }
    }
    set(t, 0x0b, 0x02);
    return taken;
}

static void test_periodic(HwTest *t)
{
    Rtc *r = make(t, "2006-06-17");

    g_assert_cmpuint(periodic(t, 6, NS_PER_SEC), ==, 1024);
    g_assert_cmpuint(periodic(t, 3, NS_PER_SEC), ==, 8192);
    g_assert_cmpuint(periodic(t, 15, 3 * NS_PER_SEC), ==, 6);
    g_assert_cmpuint(periodic(t, 1, NS_PER_SEC), ==, 256);
    g_assert_cmpuint(periodic(t, 2, NS_PER_SEC), ==, 128);
    g_assert_cmpuint(periodic(t, 0, NS_PER_SEC), ==, 0);
    /* Polled, without the interrupt. */
    set(t, 0x0a, 0x26);
    cmos(t, 0x0c);
    clock_step(t->clock, MS(1));
    g_assert_cmphex(cmos(t, 0x0c) & 0x40, ==, 0x40);
    g_assert_cmphex(cmos(t, 0x0c) & 0x40, ==, 0);
    g_assert_false(hw_irq(t, IRQ));
    rtc_free(r);
}

/* A guest that takes the periodic interrupt late at times has had all of them in the end. */
static void test_lost_ticks(HwTest *t)
{
    Rtc *r = make(t, "2006-06-17");
    unsigned taken = 0;

    set(t, 0x0b, 0x42);
    for (int i = 0; i < 100000; i++) {
        clock_step(t->clock, US(100));
        if (i / 100 % 10 >= 3 && hw_irq(t, IRQ)) {
            cmos(t, 0x0c);
            taken++;
        }
    }
    g_assert_cmpuint(taken, >=, 10238);
    g_assert_cmpuint(taken, <=, 10240);
    rtc_free(r);
}

static void test_nvram(HwTest *t)
{
    Rtc *r = make(t, "2006-06-17");

    rtc_set_cmos(r, CMOS_BASE_KB, 0x80);
    rtc_set_cmos(r, CMOS_BASE_KB + 1, 0x02);
    g_assert_cmphex(cmos(t, 0x15), ==, 0x80);
    g_assert_cmphex(cmos(t, 0x16), ==, 0x02);
    for (int reg = 0x0e; reg < 0x80; reg++)
        if (reg != 0x32 && reg != 0x37)
            set(t, reg, reg ^ 0x55);
    for (int reg = 0x0e; reg < 0x80; reg++)
        if (reg != 0x32 && reg != 0x37)
            g_assert_cmphex(cmos(t, reg), ==, reg ^ 0x55);
    g_assert_cmphex(rtc_get_cmos(r, CMOS_SHUTDOWN), ==, CMOS_SHUTDOWN ^ 0x55);
    rtc_reset(r);
    g_assert_cmphex(rtc_get_cmos(r, CMOS_SHUTDOWN), ==, CMOS_SHUTDOWN ^ 0x55);
    /* Bit 7 of the index masks NMI. */
    rtc_set_nmi_mask_line(r, hw_irq_line(t, 0));
    g_assert_cmphex(cmos(t, 0x8f), ==, 0x0f ^ 0x55);
    g_assert_true(rtc_nmi_masked(r));
    g_assert_true(hw_irq(t, 0));
    cmos(t, 0x0f);
    g_assert_false(rtc_nmi_masked(r));
    g_assert_false(hw_irq(t, 0));
    g_assert_cmphex(hw_inb(t, 0x70), ==, 0xff);
    rtc_free(r);
}

static void test_base(HwTest *t)
{
    static const char *const bad[] = { "", "utc2", "2006", "2006-13-01", "2006-02-30", "2006-01-01T", "2006-01-01T24:00:00",
                                       "2006-01-01T00:00:00Z", "2006-01-01T00:61:00", "-1-01-01" };
    g_autoptr(GError) error = NULL;
    g_autoptr(GDateTime) now = NULL;
    g_autofree char *text = NULL;
    RtcBase base;
    Rtc *r;

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(rtc_parse_base(bad[i], &base, &error));
        g_assert_nonnull(error);
        g_clear_error(&error);
    }
    g_assert_true(rtc_parse_base("1970-01-02T00:00:01", &base, &error));
    g_assert_cmpint(base.date, ==, 86401);
    g_assert_true(rtc_parse_base("localtime", &base, &error));
    g_assert_cmpint(base.kind, ==, RTC_LOCALTIME);
    g_assert_true(rtc_parse_base("utc", &base, &error));
    r = rtc_new(t->io, t->clock, hw_irq_line(t, IRQ), base);
    now = g_date_time_new_now_utc();
    text = g_date_time_format(now, "%Y%m%d");
    g_assert_cmphex(cmos(t, 9), ==, g_ascii_strtoull(text, NULL, 16) >> 16 & 0xff);
    g_assert_cmphex(cmos(t, 8), ==, g_ascii_strtoull(text, NULL, 16) >> 8 & 0xff);
    rtc_free(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/rtc/date", test_date);
    hw_test_add("/rtc/modes", test_modes);
    hw_test_add("/rtc/set-linux", test_set_linux);
    hw_test_add("/rtc/set-bios", test_set_bios);
    hw_test_add("/rtc/uip", test_uip);
    hw_test_add("/rtc/update", test_update);
    hw_test_add("/rtc/alarm", test_alarm);
    hw_test_add("/rtc/periodic", test_periodic);
    hw_test_add("/rtc/lost-ticks", test_lost_ticks);
    hw_test_add("/rtc/nvram", test_nvram);
    hw_test_add("/rtc/base", test_base);
    return g_test_run();
}

/* The 8254 and port 61h as BIOSes, DOS and Linux use them. */
#include "config.h"
#include "hw/pic.h"
#include "hw/pit.h"
#include "hwtest.h"

/* The first nanosecond of tick n. */
static int64_t tick_ns(int64_t n)
{
    return (n * NS_PER_SEC + PIT_HZ - 1) / PIT_HZ;
}

/* Step to tick n exactly. */
static void to_tick(HwTest *t, int64_t n)
{
    clock_step(t->clock, tick_ns(n) - clock_now(t->clock));
}

static uint16_t read_both(HwTest *t, int channel)
{
    uint8_t low = hw_inb(t, 0x40 + channel);

    return low | hw_inb(t, 0x40 + channel) << 8;
}

static uint16_t read_latched(HwTest *t, int channel)
{
    hw_outb(t, 0x43, channel << 6);
    return read_both(t, channel);
}

static uint8_t read_status(HwTest *t, int channel)
{
    hw_outb(t, 0x43, 0xe0 | 2 << channel);
    return hw_inb(t, 0x40 + channel);
}

static void load(HwTest *t, uint8_t control, uint16_t count)
{
    hw_outb(t, 0x43, control);
    hw_outb(t, 0x40 + (control >> 6), count);
    hw_outb(t, 0x40 + (control >> 6), count >> 8);
}

static Pit *make(HwTest *t)
{
    return pit_new(t->io, t->clock, hw_irq_line(t, 0));
}

/* Mode 2 at 100 Hz, as an old Linux: n edges in exactly the time of n periods, for an hour. */
static void test_rate(HwTest *t)
{
    Pit *p = make(t);

    load(t, 0x34, 11932);
    hw_irq_edges(t, 0);
    to_tick(t, 1 + 11932 - 1);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    to_tick(t, 1 + 11932);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    to_tick(t, 1 + 11932ll * 1000);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 999);
    to_tick(t, 1 + 11932ll * 360000 - 1);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 359000 - 1);
    to_tick(t, 1 + 11932ll * 360000);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    pit_free(p);
}

/* A new count while a square wave runs is loaded at the end of the half that is running (datasheet, "Mode 3"). */
static void test_square_reload(HwTest *t)
{
    Pit *p = make(t);

    load(t, 0xb6, 10);
    hw_outb(t, 0x61, 1); /* high from tick 1 to 5 */
    to_tick(t, 3);
    hw_outb(t, 0x42, 20);
    hw_outb(t, 0x42, 0);
    for (int i = 3; i < 28; i++) {
        to_tick(t, i);
        bool high = i < 6 || (i >= 16 && i < 26); /* low for ten ticks after five high ones */
        g_assert_cmphex(hw_inb(t, 0x61) & 0x20, ==, high ? 0x20 : 0);
    }
    to_tick(t, 28); /* in a low half: the period ends first */
    hw_outb(t, 0x42, 4);
    hw_outb(t, 0x42, 0);
    for (int i = 28; i < 60; i++) {
        to_tick(t, i);
        g_assert_cmphex(hw_inb(t, 0x61) & 0x20, ==, i >= 36 && i % 4 < 2 ? 0x20 : 0);
    }

    /* IRQ 0 comes with the rise. */
    to_tick(t, 100);
    load(t, 0x36, 200); /* 101 to 300 */
    hw_irq_edges(t, 0);
    to_tick(t, 110);
    hw_outb(t, 0x40, 1000 & 0xff);
    hw_outb(t, 0x40, 1000 >> 8); /* low from 201 for 500 */
    to_tick(t, 700);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    to_tick(t, 701);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    to_tick(t, 1700);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    to_tick(t, 1701);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    pit_free(p);
}

/* The BIOS: mode 3, count 0 is 65536: 18.2 Hz. */
static void test_bios(HwTest *t)
{
    Pit *p = make(t);

    load(t, 0x36, 0);
    hw_irq_edges(t, 0);
    clock_step(t->clock, 3600 * NS_PER_SEC);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 3600ll * PIT_HZ / 65536); /* 65543 an hour */
    pit_free(p);
}

static void test_mode0(HwTest *t)
{
    Pit *p = make(t);

    to_tick(t, 10);
    load(t, 0x30, 100);
    g_assert_false(hw_irq(t, 0));
    g_assert_cmphex(read_status(t, 0), ==, 0x70); /* null count: not loaded yet */
    to_tick(t, 11);
    g_assert_cmphex(read_status(t, 0), ==, 0x30);
    g_assert_cmpuint(read_latched(t, 0), ==, 100);
    to_tick(t, 41);
    g_assert_cmpuint(read_latched(t, 0), ==, 70);
    to_tick(t, 110);
    g_assert_false(hw_irq(t, 0));
    g_assert_cmpuint(read_latched(t, 0), ==, 1);
    to_tick(t, 111);
    g_assert_true(hw_irq(t, 0));
    g_assert_cmphex(read_status(t, 0), ==, 0xb0);
    to_tick(t, 113);
    g_assert_cmpuint(read_latched(t, 0), ==, 0xfffe); /* it wraps and counts on */
    clock_step(t->clock, NS_PER_SEC);
    g_assert_true(hw_irq(t, 0));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    /* The first byte of a new count stops it, the output falls. */
    hw_outb(t, 0x40, 50);
    g_assert_cmphex(read_status(t, 0) & 0x80, ==, 0);
    hw_outb(t, 0x40, 0);
    g_assert_false(hw_irq(t, 0));
    clock_step(t->clock, MS(1));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    pit_free(p);
}

/* Linux pit_next_event (mode 4): one strobe an arming, none without. */
static void test_mode4(HwTest *t)
{
    Pit *p = make(t);
    int64_t now;

    load(t, 0x38, 1000);
    hw_irq_edges(t, 0);
    to_tick(t, 1 + 1000);
    g_assert_cmphex(read_status(t, 0) & 0x80, ==, 0); /* the strobe */
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    to_tick(t, 1 + 1001);
    g_assert_cmphex(read_status(t, 0) & 0x80, ==, 0x80);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    clock_step(t->clock, NS_PER_SEC);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    /* Re-armed by writing a count alone; a later one replaces it. */
    hw_outb(t, 0x40, 0x10);
    hw_outb(t, 0x40, 0x00);
    now = clock_now(t->clock);
    clock_step(t->clock, US(5));
    hw_outb(t, 0x40, 0x00);
    hw_outb(t, 0x40, 0x10);
    clock_step(t->clock, MS(3));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    clock_step(t->clock, MS(1));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    g_assert_cmpint(now, <, clock_now(t->clock));
    /* Shut down as Linux does: mode 0, count 0. */
    load(t, 0x30, 0);
    clock_step(t->clock, MS(50));
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    pit_free(p);
}

static void test_mode2_reads(HwTest *t)
{
    Pit *p = make(t);

    load(t, 0xb4, 5); /* channel 2, whose gate is closed */
    to_tick(t, 100);
    g_assert_cmphex(read_status(t, 2), ==, 0xf4); /* out high, not loaded */
    hw_outb(t, 0x61, 1);
    for (int i = 0; i < 23; i++) {
        to_tick(t, 101 + i);
        g_assert_cmpuint(read_latched(t, 2), ==, 5 - i % 5);
        g_assert_cmphex(read_status(t, 2), ==, i % 5 == 4 ? 0x34 : 0xb4);
        g_assert_cmphex(hw_inb(t, 0x61) & 0x20, ==, i % 5 == 4 ? 0 : 0x20);
    }
    hw_outb(t, 0x61, 0); /* the gate stops it, out goes high */
    to_tick(t, 300);
    g_assert_cmpuint(read_latched(t, 2), ==, 3);
    g_assert_cmphex(hw_inb(t, 0x61) & 0x21, ==, 0x20);
    hw_outb(t, 0x61, 1); /* and starts it anew */
    to_tick(t, 302);
    g_assert_cmpuint(read_latched(t, 2), ==, 4);
    pit_free(p);
}

static void test_mode3_reads(HwTest *t)
{
    static const uint8_t even[] = { 6, 4, 2, 6, 4, 2, 6 }, odd[] = { 4, 2, 0, 4, 2, 4, 2 };
    Pit *p = make(t);

    hw_outb(t, 0x61, 1);
    load(t, 0xb6, 6);
    for (int i = 0; i < 7; i++) {
        to_tick(t, 1 + i);
        g_assert_cmpuint(read_latched(t, 2), ==, even[i]);
        g_assert_cmphex(read_status(t, 2), ==, i % 6 < 3 ? 0xb6 : 0x36);
    }
    to_tick(t, 50);
    load(t, 0xb6, 5); /* high for three ticks, low for two */
    for (int i = 0; i < 7; i++) {
        to_tick(t, 51 + i);
        g_assert_cmpuint(read_latched(t, 2), ==, odd[i]);
        g_assert_cmphex(hw_inb(t, 0x61) & 0x20, ==, i % 5 < 3 ? 0x20 : 0);
    }
    pit_free(p);
}

/* A new count in modes 2 and 3 waits for the end of the period (datasheet, mode 2). */
static void test_reload(HwTest *t)
{
    Pit *p = make(t);

    load(t, 0x34, 1000);
    hw_irq_edges(t, 0);
    to_tick(t, 301);
    hw_outb(t, 0x40, 200);
    hw_outb(t, 0x40, 0);
    g_assert_cmphex(read_status(t, 0), ==, 0xf4);
    g_assert_cmpuint(read_latched(t, 0), ==, 700);
    to_tick(t, 1000);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    to_tick(t, 1001);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    g_assert_cmpuint(read_latched(t, 0), ==, 200);
    g_assert_cmphex(read_status(t, 0), ==, 0xb4);
    to_tick(t, 1201);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    to_tick(t, 2001);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 4);
    /* A new control word starts at once. */
    load(t, 0x34, 300);
    to_tick(t, 2001 + 1 + 300);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    pit_free(p);
}

/* Hardware one-shot and strobe, on the only channel whose gate moves. */
static void test_triggered(HwTest *t)
{
    Pit *p = make(t);

    load(t, 0xb2, 50); /* mode 1 */
    to_tick(t, 100);
    g_assert_cmphex(read_status(t, 2), ==, 0xf2);
    hw_outb(t, 0x61, 1);
    to_tick(t, 101);
    g_assert_cmphex(read_status(t, 2), ==, 0x32);
    g_assert_cmpuint(read_latched(t, 2), ==, 50);
    hw_outb(t, 0x61, 0); /* the gate's fall does nothing */
    to_tick(t, 121);
    g_assert_cmpuint(read_latched(t, 2), ==, 30);
    hw_outb(t, 0x61, 1); /* triggered again: from the start */
    to_tick(t, 171);
    g_assert_cmphex(hw_inb(t, 0x61) & 0x20, ==, 0);
    to_tick(t, 172);
    g_assert_cmphex(hw_inb(t, 0x61) & 0x20, ==, 0x20);
    load(t, 0xba, 10); /* mode 5; the gate is up, it wants an edge */
    to_tick(t, 300);
    g_assert_cmphex(read_status(t, 2), ==, 0xfa);
    hw_outb(t, 0x61, 0);
    hw_outb(t, 0x61, 1);
    to_tick(t, 310);
    g_assert_cmphex(hw_inb(t, 0x61) & 0x20, ==, 0x20);
    to_tick(t, 311);
    g_assert_cmphex(hw_inb(t, 0x61) & 0x20, ==, 0);
    to_tick(t, 312);
    g_assert_cmphex(hw_inb(t, 0x61) & 0x20, ==, 0x20);
    pit_free(p);
}

static void test_latches(HwTest *t)
{
    Pit *p = make(t);

    load(t, 0x34, 0x1234);
    load(t, 0x54, 0); /* channel 1, low byte only; the second byte loads again */
    to_tick(t, 1 + 0x34);
    hw_outb(t, 0x43, 0x00);
    to_tick(t, 500);
    hw_outb(t, 0x43, 0x00); /* ignored: not yet read */
    g_assert_cmphex(read_both(t, 0), ==, 0x1200);
    g_assert_cmphex(read_both(t, 0), ==, 0x1234 - 499); /* live again */
    /* Read-back: status and count of channels 0 and 1. Status comes first. */
    hw_outb(t, 0x43, 0xc6);
    g_assert_cmphex(hw_inb(t, 0x40), ==, 0xb4);
    g_assert_cmphex(read_both(t, 0), ==, 0x1234 - 499);
    g_assert_cmphex(hw_inb(t, 0x41), ==, 0x94);
    to_tick(t, 520);
    g_assert_cmphex(hw_inb(t, 0x41), ==, (uint8_t)(256 - 499 % 256)); /* the latched one */
    g_assert_cmphex(hw_inb(t, 0x41), ==, (uint8_t)(256 - 519 % 256)); /* live */
    /* High byte only. */
    hw_outb(t, 0x43, 0x24);
    hw_outb(t, 0x40, 0x10);
    to_tick(t, 521);
    g_assert_cmphex(hw_inb(t, 0x40), ==, 0x10);
    g_assert_cmphex(hw_inb(t, 0x43), ==, 0xff);
    pit_free(p);
}

static void test_bcd(HwTest *t)
{
    Pit *p = make(t);

    load(t, 0x35, 0x1000);
    hw_irq_edges(t, 0);
    to_tick(t, 1);
    g_assert_cmphex(read_latched(t, 0), ==, 0x1000);
    to_tick(t, 2);
    g_assert_cmphex(read_latched(t, 0), ==, 0x0999);
    to_tick(t, 1001);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 1);
    load(t, 0x31, 0); /* 10000 */
    to_tick(t, 1001 + 1 + 9999);
    g_assert_cmphex(read_latched(t, 0), ==, 0x0001);
    to_tick(t, 1001 + 1 + 10001);
    g_assert_cmphex(read_latched(t, 0), ==, 0x9999);
    pit_free(p);
}

/* Linux pit_calibrate_tsc: 50 ms by channel 2, mode 0, seen in bit 5 of port 61h. Quick calibration reads its high byte. */
static void test_calibrate(HwTest *t)
{
    Pit *p = make(t);
    int64_t start;

    clock_step(t->clock, 12345678);
    hw_outb(t, 0x61, (hw_inb(t, 0x61) & ~0x02) | 0x01);
    load(t, 0xb0, PIT_HZ / 20);
    start = clock_now(t->clock);
    while (!(hw_inb(t, 0x61) & 0x20))
        clock_step(t->clock, 1000);
    g_assert_cmpint(ABS(clock_now(t->clock) - start - MS(50)), <, US(3));

    load(t, 0xb0, 0xffff);
    clock_step(t->clock, US(1)); /* loaded by the next tick */
    hw_inb(t, 0x42);
    hw_inb(t, 0x42);
    for (int msb = 0xff; msb > 0xf0; msb--) {
        int reads = 0;

        for (;; reads++) {
            hw_inb(t, 0x42);
            if (hw_inb(t, 0x42) != msb)
                break;
            clock_step(t->clock, 2000);
        }
        g_assert_cmpint(reads, >=, 106); /* 256 ticks are 214.5 us */
        g_assert_cmpint(reads, <=, 108);
    }
    /* A closed gate holds the count. */
    load(t, 0xb0, 1000);
    clock_step(t->clock, US(100));
    hw_outb(t, 0x61, 0);
    start = read_latched(t, 2);
    clock_step(t->clock, MS(10));
    g_assert_cmpint(read_latched(t, 2), ==, start);
    hw_outb(t, 0x61, 1);
    clock_step(t->clock, US(100));
    g_assert_cmpint(ABS(start - 119 - read_latched(t, 2)), <=, 1);
    pit_free(p);
}

static void test_refresh(HwTest *t)
{
    Pit *p = make(t);
    unsigned toggles = 0;
    uint8_t last = hw_inb(t, 0x61);

    for (int i = 0; i < 10000; i++) {
        clock_step(t->clock, US(1));
        toggles += (last ^ hw_inb(t, 0x61)) >> 4 & 1;
        last = hw_inb(t, 0x61);
    }
    g_assert_cmpuint(toggles, >=, 661); /* one each 15.085 us */
    g_assert_cmpuint(toggles, <=, 664);
    hw_outb(t, 0x61, 0xff);
    g_assert_cmphex(hw_inb(t, 0x61) & 0xcf, ==, 0x0f);
    pit_free(p);
}

static void heard(void *opaque, unsigned hz)
{
    g_string_append_printf(opaque, "%u ", hz);
}

static void test_speaker(HwTest *t)
{
    Pit *p = make(t);
    g_autoptr(GString) log = g_string_new(NULL);

    pit_set_speaker(p, heard, log);
    load(t, 0xb6, 1193); /* 1000 Hz */
    g_assert_cmpstr(log->str, ==, "");
    hw_outb(t, 0x61, 3);
    g_assert_cmpstr(log->str, ==, "1000 ");
    g_assert_cmpuint(pit_speaker_hz(p), ==, 1000);
    hw_outb(t, 0x42, 2386 & 0xff);
    hw_outb(t, 0x42, 2386 >> 8);
    hw_outb(t, 0x61, 1);
    hw_outb(t, 0x61, 0);
    g_assert_cmpstr(log->str, ==, "1000 500 0 ");
    pit_free(p);
}

static int ask_pic(void *pic)
{
    return pic_irq_state(pic, 0);
}

/* A guest that takes interrupts late, but in the end, has had one for every period. */
static void test_lost_ticks(HwTest *t)
{
    Pic *pic = pic_new(t->io, hw_irq_line(t, 1));
    Pit *p = pit_new(t->io, t->clock, pic_line(pic, 0));
    unsigned taken = 0;
    int64_t end;

    hw_outb(t, 0x20, 0x11);
    hw_outb(t, 0x21, 0x08);
    hw_outb(t, 0x21, 0x04);
    hw_outb(t, 0x21, 0x03); /* auto EOI */
    pit_set_irq_state(p, ask_pic, pic);
    load(t, 0x34, 11932);
    if (hw_irq(t, 1))
        pic_ack(pic);
    end = tick_ns(1 + 11932ll * 1000);
    while (clock_now(t->clock) < end) {
        int64_t now = clock_now(t->clock);
        /* Interrupts are off for 70 ms of every 200. */
        bool open = now / MS(10) % 20 >= 7;

        clock_step(t->clock, MIN(US(500), end - now));
        if (open && hw_irq(t, 1)) {
            g_assert_cmphex(pic_ack(pic), ==, 0x08);
            taken++;
        }
    }
    g_assert_cmpuint(taken, >=, 998);
    g_assert_cmpuint(taken, <=, 1000);

    /* Nothing is owed to a guest that masks the timer, nor across reprogramming. */
    hw_outb(t, 0x21, 0x01);
    clock_step(t->clock, NS_PER_SEC);
    hw_outb(t, 0x21, 0x00);
    g_assert_true(hw_irq(t, 1)); /* the last edge is latched */
    pic_ack(pic);
    clock_step(t->clock, MS(200)); /* twenty come due, none is taken */
    load(t, 0x34, 11932);
    if (hw_irq(t, 1))
        pic_ack(pic);
    taken = 0;
    for (int i = 0; i < 1000; i++) {
        clock_step(t->clock, MS(1));
        if (hw_irq(t, 1)) {
            pic_ack(pic);
            taken++;
        }
    }
    g_assert_cmpuint(taken, >=, 99);
    g_assert_cmpuint(taken, <=, 100);
    pit_free(p);
    pic_free(pic);
}

/* After 65 ms away, half of Linux's test whether timer interrupts come, a guest at 250 Hz gets what it missed at once. */
static void test_burst(HwTest *t)
{
    Pic *pic = pic_new(t->io, hw_irq_line(t, 1));
    Pit *p = pit_new(t->io, t->clock, pic_line(pic, 0));
    unsigned taken = 0;

    hw_outb(t, 0x20, 0x11);
    hw_outb(t, 0x21, 0x08);
    hw_outb(t, 0x21, 0x04);
    hw_outb(t, 0x21, 0x03); /* auto EOI */
    pit_set_irq_state(p, ask_pic, pic);
    load(t, 0x34, 4773);
    if (hw_irq(t, 1))
        pic_ack(pic);
    clock_step(t->clock, MS(65));
    while (hw_irq(t, 1)) {
        pic_ack(pic);
        taken++;
        pit_tick_taken(p);
    }
    g_assert_cmpuint(taken, >, 4);
    g_assert_cmpuint(taken, <=, 16);
    for (int i = 0; i < 350; i++) { /* until 100 ms */
        clock_step(t->clock, US(100));
        if (hw_irq(t, 1)) {
            pic_ack(pic);
            taken++;
            pit_tick_taken(p);
        }
    }
    g_assert_cmpuint(taken, ==, 24);
    pit_free(p);
    pic_free(pic);
}

static void count_edge(void *opaque, int n, bool level)
{
    *(int64_t *)opaque += level;
}

/* On the host's clock, with a main loop that stalls: ticks that this process was late for follow. */
static void test_late(HwTest *t)
{
    Clock *c = clock_new();
    int64_t edges = 0, due;
    Pit *p = pit_new(t->io, c, (IrqLine){ count_edge, &edges, 0 });

    clock_start(c);
    load(t, 0x34, 11932);
    edges = 0;
    g_usleep(100000);
    clock_run(c);
    g_assert_cmpint(edges, ==, 1); /* not all at once */
    do {
        due = clock_now(c) / MS(10);
        g_assert_cmpint(edges, <=, due + 1);
        g_usleep(1000);
        clock_run(c);
    } while (edges < due - 1 && due < 1000);
    g_assert_cmpint(due, <, 1000);
    pit_free(p);
    clock_free(c);
}

/* Absurd rates neither hang us nor lose the channel. */
static void test_fast(HwTest *t)
{
    Pit *p = make(t);

    load(t, 0x34, 1);
    hw_irq_edges(t, 0);
    clock_step(t->clock, MS(100));
    g_assert_cmpuint(hw_irq_edges(t, 0), <=, 2000);
    load(t, 0x36, 2);
    clock_step(t->clock, MS(100));
    g_assert_cmpuint(hw_irq_edges(t, 0), >, 1000);
    load(t, 0x34, 11932);
    hw_irq_edges(t, 0);
    clock_step(t->clock, NS_PER_SEC);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 99);
    pit_free(p);
}

static void test_hpet_route(HwTest *t)
{
    Pit *p = make(t);

    load(t, 0x34, 1000);
    pit_set_irq_enabled(p, false);
    hw_irq_edges(t, 0);
    clock_step(t->clock, NS_PER_SEC);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    g_assert_false(hw_irq(t, 0));
    g_assert_cmpuint(read_latched(t, 0), ==, 1000 - (PIT_HZ - 1) % 1000);
    pit_set_irq_enabled(p, true);
    hw_irq_edges(t, 0);
    clock_step(t->clock, NS_PER_SEC);
    g_assert_cmpuint(hw_irq_edges(t, 0), >=, 1193);
    pit_reset(p);
    hw_irq_edges(t, 0);
    clock_step(t->clock, NS_PER_SEC);
    g_assert_cmpuint(hw_irq_edges(t, 0), ==, 0);
    pit_free(p);
}

/*
 * Between the load of channel 2 and the guest's first look at a clock the host runs something else, here: this thread sleeps. That has not
 * passed for the guest; what passes after the look has.
 */
static void test_absent(HwTest *t)
{
    enum { SLEEP_US = 30000, OUT2 = 0x20, TEN_MS = 11932 };
    Clock *clock = clock_new();
    Pit *p = pit_new(t->io, clock, hw_irq_line(t, 0));

    clock_start(clock);
    hw_outb(t, 0x61, 1);

    load(t, 0xb0, TEN_MS);
    g_usleep(SLEEP_US);
    g_assert_cmpuint(hw_inb(t, 0x61) & OUT2, ==, 0);
    g_usleep(SLEEP_US);
    g_assert_cmpuint(hw_inb(t, 0x61) & OUT2, ==, OUT2);

    load(t, 0xb0, TEN_MS);
    g_usleep(SLEEP_US);
    g_assert_cmpuint(read_latched(t, 2), <=, TEN_MS);

    load(t, 0xb0, TEN_MS);
    clock_tsc(clock);
    g_usleep(SLEEP_US);
    g_assert_cmpuint(hw_inb(t, 0x61) & OUT2, ==, OUT2);

    load(t, 0xb0, TEN_MS); /* halted, it knows of that time */
    g_assert_cmpint(clock_wait_begin(clock), >, 0);
    g_usleep(SLEEP_US);
    clock_wait_end(clock);
    g_assert_cmpuint(hw_inb(t, 0x61) & OUT2, ==, OUT2);

    pit_free(p);
    clock_free(clock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/pit/rate", test_rate);
    hw_test_add("/pit/bios", test_bios);
    hw_test_add("/pit/mode0", test_mode0);
    hw_test_add("/pit/mode4", test_mode4);
    hw_test_add("/pit/mode2-reads", test_mode2_reads);
    hw_test_add("/pit/mode3-reads", test_mode3_reads);
    hw_test_add("/pit/reload", test_reload);
    hw_test_add("/pit/triggered", test_triggered);
    hw_test_add("/pit/latches", test_latches);
    hw_test_add("/pit/bcd", test_bcd);
    hw_test_add("/pit/calibrate", test_calibrate);
    hw_test_add("/pit/refresh", test_refresh);
    hw_test_add("/pit/speaker", test_speaker);
    hw_test_add("/pit/lost-ticks", test_lost_ticks);
    hw_test_add("/pit/burst", test_burst);
    hw_test_add("/pit/square-reload", test_square_reload);
    hw_test_add("/pit/late", test_late);
    hw_test_add("/pit/fast", test_fast);
    hw_test_add("/pit/hpet-route", test_hpet_route);
    hw_test_add("/pit/absent", test_absent);
    return g_test_run();
}

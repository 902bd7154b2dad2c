/* The 8042 with its keyboard and mouse, as SeaBIOS, DOS and Linux's i8042, atkbd and psmouse use them. */
#include "config.h"
#include "hw/kbd.h"
#include "hwtest.h"

#include <linux/input-event-codes.h>
#include <string.h>

#define IRQ_KBD 1
#define IRQ_MOUSE 12
#define LINE_A20 13
#define LINE_RESET 14

typedef struct Rig {
    HwTest *t;
    Input input;
    Kbd *kbd;
    unsigned leds;
} Rig;

static void on_leds(void *opaque, unsigned leds)
{
    *(unsigned *)opaque = leds;
}

static void rig_init(Rig *r, HwTest *t)
{
    memset(r, 0, sizeof *r);
    r->t = t;
    r->input.leds = on_leds;
    r->input.leds_opaque = &r->leds;
    r->kbd = kbd_new(t->io, t->clock,
                     (KbdLines){ hw_irq_line(t, IRQ_KBD), hw_irq_line(t, IRQ_MOUSE), hw_irq_line(t, LINE_A20),
                                 hw_irq_line(t, LINE_RESET) },
                     &r->input);
}

static uint8_t status(Rig *r)
{
    return hw_inb(r->t, 0x64);
}

static void command(Rig *r, uint8_t byte)
{
    g_assert_cmphex(status(r) & 0x02, ==, 0);
    hw_outb(r->t, 0x64, byte);
}

static void data(Rig *r, uint8_t byte)
{
    hw_outb(r->t, 0x60, byte);
}

/* The next byte in the output buffer, within 10 ms; -1 when none comes, bit 8 set when it is the mouse's. */
static int next(Rig *r)
{
    for (int i = 0; i < 100; i++) {
        uint8_t s = status(r);

        if (s & 1)
            return hw_inb(r->t, 0x60) | (s & 0x20 ? 0x100 : 0);
        clock_step(r->t->clock, US(100));
    }
    return -1;
}

/* All that comes, in hex; the mouse's bytes are marked. */
static void expect(Rig *r, const char *want)
{
    g_autoptr(GString) got = g_string_new(NULL);

    for (int byte; (byte = next(r)) >= 0;)
        g_string_append_printf(got, "%s%s%02x", got->len ? " " : "", byte & 0x100 ? "m" : "", byte & 0xff);
    g_assert_cmpstr(got->str, ==, want);
}

static void set_mode(Rig *r, uint8_t mode)
{
    command(r, 0x60);
    data(r, mode);
}

static void press(Rig *r, unsigned key)
{
    input_key(&r->input, key, true);
}

static void release(Rig *r, unsigned key)
{
    input_key(&r->input, key, false);
}

static void tap(Rig *r, unsigned key)
{
    press(r, key);
    release(r, key);
}

static void mouse(Rig *r, uint8_t byte)
{
    command(r, 0xd4);
    data(r, byte);
}

/* SeaBIOS kbd_init: flush, self tests, reset, translation on, enable. */
static void test_bios(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    g_assert_cmphex(status(&r), ==, 0x10);
    command(&r, 0xad);
    command(&r, 0xa7);
    expect(&r, "");
    command(&r, 0xaa);
    expect(&r, "55");
    g_assert_cmphex(status(&r) & 0x0c, ==, 0x0c);
    command(&r, 0xab);
    expect(&r, "00");
    set_mode(&r, 0x10 | 0x20); /* both off, no interrupts, no translation */
    data(&r, 0xff); /* sending enables the keyboard again */
    g_assert_cmphex(status(&r) & 0x08, ==, 0);
    expect(&r, "fa aa");
    data(&r, 0xf5);
    expect(&r, "fa");
    data(&r, 0xf0);
    expect(&r, "fa");
    data(&r, 0x02);
    expect(&r, "fa");
    set_mode(&r, 0x61);
    data(&r, 0xf4);
    expect(&r, "fa");
    command(&r, 0x20);
    expect(&r, "61");
    hw_irq_edges(t, IRQ_KBD);
    press(&r, KEY_A);
    g_assert_true(hw_irq(t, IRQ_KBD));
    g_assert_false(hw_irq(t, IRQ_MOUSE));
    g_assert_cmphex(status(&r) & 0x21, ==, 0x01);
    g_assert_cmphex(hw_inb(t, 0x60), ==, 0x1e);
    g_assert_false(hw_irq(t, IRQ_KBD));
    release(&r, KEY_A);
    expect(&r, "9e");
    g_assert_cmpuint(hw_irq_edges(t, IRQ_KBD), ==, 2);
    kbd_free(r.kbd);
}

/* The same byte for who reads twice; the next one comes with a new edge. */
static void test_read_twice(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    set_mode(&r, 0x41);
    hw_irq_edges(t, IRQ_KBD);
    tap(&r, KEY_UP);
    g_assert_cmphex(hw_inb(t, 0x60), ==, 0xe0);
    g_assert_cmphex(hw_inb(t, 0x60), ==, 0xe0);
    g_assert_cmphex(status(&r) & 1, ==, 0);
    clock_step(t->clock, MS(1));
    g_assert_cmphex(hw_inb(t, 0x60), ==, 0x48);
    expect(&r, "e0 c8");
    g_assert_cmpuint(hw_irq_edges(t, IRQ_KBD), ==, 4);
    /* Held back while the keyboard is off. */
    command(&r, 0xad);
    tap(&r, KEY_B);
    expect(&r, "");
    command(&r, 0xae);
    expect(&r, "30 b0");
    kbd_free(r.kbd);
}

static void test_sets(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    set_mode(&r, 0x01); /* not translated: set 2 */
    tap(&r, KEY_A);
    tap(&r, KEY_F7);
    tap(&r, KEY_RIGHTCTRL);
    expect(&r, "1c f0 1c 83 f0 83 e0 14 e0 f0 14");
    tap(&r, KEY_SYSRQ);
    expect(&r, "e0 12 e0 7c e0 f0 7c e0 f0 12");
    press(&r, KEY_LEFTALT);
    tap(&r, KEY_SYSRQ);
    release(&r, KEY_LEFTALT);
    expect(&r, "11 84 f0 84 f0 11");
    press(&r, KEY_LEFTSHIFT);
    tap(&r, KEY_SYSRQ);
    release(&r, KEY_LEFTSHIFT);
    expect(&r, "12 e0 7c e0 f0 7c f0 12");
    tap(&r, KEY_PAUSE);
    expect(&r, "e1 14 77 e1 f0 14 f0 77");
    press(&r, KEY_LEFTCTRL);
    tap(&r, KEY_PAUSE);
    release(&r, KEY_LEFTCTRL);
    expect(&r, "14 e0 7e e0 f0 7e f0 14");
    /* Set 1 from the keyboard itself. */
    data(&r, 0xf0);
    data(&r, 0x01);
    expect(&r, "fa fa");
    tap(&r, KEY_A);
    tap(&r, KEY_DELETE);
    tap(&r, KEY_PAUSE);
    tap(&r, KEY_SYSRQ);
    expect(&r, "1e 9e e0 53 e0 d3 e1 1d 45 e1 9d c5 e0 2a e0 37 e0 b7 e0 aa");
    data(&r, 0xf0);
    data(&r, 0x00);
    expect(&r, "fa fa 01");
    /* Set 3: letters make only, Shift makes and breaks; all can be told to break. */
    data(&r, 0xf0);
    data(&r, 0x03);
    expect(&r, "fa fa");
    tap(&r, KEY_A);
    tap(&r, KEY_LEFTSHIFT);
    tap(&r, KEY_LEFTCTRL);
    tap(&r, KEY_UP);
    tap(&r, KEY_PAUSE);
    expect(&r, "1c 12 f0 12 11 f0 11 63 62");
    data(&r, 0xf8);
    expect(&r, "fa");
    tap(&r, KEY_A);
    expect(&r, "1c f0 1c");
    data(&r, 0xfd); /* A makes only, again; then B */
    expect(&r, "fa");
    data(&r, 0x1c);
    expect(&r, "fa");
    data(&r, 0x32);
    expect(&r, "fa");
    data(&r, 0xf4);
    expect(&r, "fa");
    tap(&r, KEY_A);
    tap(&r, KEY_B);
    tap(&r, KEY_C);
    expect(&r, "1c 32 21 f0 21");
    /* No such set: resend. */
    data(&r, 0xf0);
    data(&r, 0x04);
    expect(&r, "fa fe");
    kbd_free(r.kbd);
}

/* What the controller makes of set 2 is set 1, for every key: the two columns of the manual agree. */
static void test_translation(HwTest *t)
{
    Rig r;
    int keys = 0;

    rig_init(&r, t);
    for (unsigned key = 1; key < 256; key++) {
        g_autoptr(GString) translated = g_string_new(NULL), direct = g_string_new(NULL);

        for (int pass = 0; pass < 2; pass++) {
            GString *to = pass ? direct : translated;

            set_mode(&r, pass ? 0x01 : 0x41);
            data(&r, 0xf0);
            data(&r, pass ? 1 : 2);
            expect(&r, "fa fa");
            press(&r, key);
            release(&r, key);
            for (int byte; (byte = next(&r)) >= 0;)
                g_string_append_printf(to, "%02x ", byte);
        }
        g_assert_cmpstr(translated->str, ==, direct->str);
        keys += translated->len > 0;
    }
    g_assert_cmpint(keys, >=, 120);
    kbd_free(r.kbd);
}

static void test_typematic(HwTest *t)
{
    Rig r;
    int repeats = 0;

    rig_init(&r, t);
    set_mode(&r, 0x40);
    press(&r, KEY_A);
    g_assert_cmphex(next(&r), ==, 0x1e);
    clock_step(t->clock, MS(499));
    g_assert_cmphex(status(&r) & 1, ==, 0);
    clock_step(t->clock, MS(1));
    g_assert_cmphex(next(&r), ==, 0x1e);
    for (int i = 0; i < 1000; i++) {
        clock_step(t->clock, MS(1));
        if (status(&r) & 1) {
            g_assert_cmphex(hw_inb(t, 0x60), ==, 0x1e);
            repeats++;
        }
    }
    g_assert_cmpint(repeats, >=, 10); /* 10.9 a second */
    g_assert_cmpint(repeats, <=, 11);
    /* The host's own repeat is no key event; another key takes over; its release ends it. */
    while (next(&r) != 0x1e) /* just after a repeat */
        ;
    press(&r, KEY_A);
    expect(&r, "");
    press(&r, KEY_B);
    g_assert_cmphex(next(&r), ==, 0x30);
    release(&r, KEY_A);
    g_assert_cmphex(next(&r), ==, 0x9e);
    clock_step(t->clock, MS(550));
    g_assert_cmphex(next(&r), ==, 0x30);
    release(&r, KEY_B);
    clock_step(t->clock, NS_PER_SEC);
    expect(&r, "b0");
    /* The fastest: 250 ms, then 30 a second. */
    data(&r, 0xf3);
    data(&r, 0x00);
    expect(&r, "fa fa");
    press(&r, KEY_C);
    g_assert_cmphex(next(&r), ==, 0x2e);
    for (int i = repeats = 0; i < 1250; i++) {
        clock_step(t->clock, MS(1));
        if (status(&r) & 1) {
            hw_inb(t, 0x60);
            repeats++;
        }
    }
    g_assert_cmpint(repeats, >=, 29);
    g_assert_cmpint(repeats, <=, 31);
    /* A guest that doesn't read gets no backlog. */
    clock_step(t->clock, 10 * NS_PER_SEC);
    release(&r, KEY_C);
    for (repeats = 0; next(&r) == 0x2e; repeats++)
        ;
    g_assert_cmpint(repeats, <=, 2);
    tap(&r, KEY_PAUSE);
    expect(&r, "e1 1d 45 e1 9d c5");
    kbd_free(r.kbd);
}

/* Linux atkbd_probe and its LEDs. */
static void test_keyboard_commands(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    set_mode(&r, 0x01);
    data(&r, 0xf2);
    expect(&r, "fa ab 83");
    data(&r, 0xed);
    expect(&r, "fa");
    data(&r, 0x06);
    expect(&r, "fa");
    g_assert_cmpuint(r.leds, ==, INPUT_NUM_LOCK | INPUT_CAPS_LOCK);
    data(&r, 0xee);
    expect(&r, "ee");
    data(&r, 0xfe);
    expect(&r, "ee");
    data(&r, 0x12);
    expect(&r, "fe");
    /* A command in place of a parameter is a command. */
    data(&r, 0xed);
    expect(&r, "fa");
    data(&r, 0xf4);
    expect(&r, "fa");
    data(&r, 0x01);
    expect(&r, "fe");
    g_assert_cmpuint(r.leds, ==, 6);
    /* Disabled: no keys, but what is held down then is known after. */
    data(&r, 0xf5);
    tap(&r, KEY_A);
    press(&r, KEY_LEFTSHIFT);
    expect(&r, "fa");
    data(&r, 0xf4);
    release(&r, KEY_LEFTSHIFT);
    expect(&r, "fa f0 12");
    /* A reply overtakes keys that wait; F4 drops them. */
    tap(&r, KEY_A);
    tap(&r, KEY_B);
    g_assert_cmphex(hw_inb(t, 0x60), ==, 0x1c);
    data(&r, 0xee);
    g_assert_cmphex(next(&r), ==, 0xee);
    data(&r, 0xf4);
    expect(&r, "fa");
    /* Reset. */
    data(&r, 0xff);
    expect(&r, "fa aa");
    g_assert_cmpuint(r.leds, ==, 0);
    /* With translation the id's second byte is translated too, as on real machines. */
    set_mode(&r, 0x41);
    data(&r, 0xf2);
    expect(&r, "fa ab 41");
    /* The buffer holds a few keys and drops whole ones. */
    for (int i = 0; i < 1000; i++)
        tap(&r, KEY_RIGHT);
    for (int i = 0; next(&r) == 0xe0; i++)
        g_assert_cmphex(next(&r), ==, i & 1 ? 0xcd : 0x4d);
    kbd_free(r.kbd);
}

static void test_a20_reset(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    g_assert_true(hw_irq(t, LINE_A20));
    command(&r, 0xd0);
    g_assert_cmphex(next(&r), ==, 0xcf);
    command(&r, 0xd1); /* as HIMEM */
    data(&r, 0xdd);
    g_assert_false(hw_irq(t, LINE_A20));
    command(&r, 0xd1);
    data(&r, 0xdf);
    g_assert_true(hw_irq(t, LINE_A20));
    command(&r, 0xdd);
    g_assert_false(hw_irq(t, LINE_A20));
    command(&r, 0xdf);
    g_assert_true(hw_irq(t, LINE_A20));
    command(&r, 0xff); /* HIMEM ends with a pulse of nothing */
    g_assert_cmpuint(hw_irq_edges(t, LINE_RESET), ==, 0);
    command(&r, 0xfe);
    g_assert_cmpuint(hw_irq_edges(t, LINE_RESET), ==, 1);
    g_assert_false(hw_irq(t, LINE_RESET));
    command(&r, 0xd1);
    data(&r, 0x02);
    g_assert_cmpuint(hw_irq_edges(t, LINE_RESET), ==, 1);
    g_assert_true(hw_irq(t, LINE_A20));
    command(&r, 0xdd);
    kbd_reset(r.kbd);
    g_assert_true(hw_irq(t, LINE_A20));
    kbd_free(r.kbd);
}

/* Linux i8042_check_aux and i8042_check_mux: the loop command, with and without interrupts. */
static void test_linux_i8042(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    command(&r, 0x20);
    expect(&r, "03");
    set_mode(&r, 0x30);
    command(&r, 0xd3);
    data(&r, 0x5a);
    expect(&r, "m5a");
    command(&r, 0xa9);
    expect(&r, "00");
    command(&r, 0xa7);
    command(&r, 0x20);
    g_assert_cmphex(next(&r) & 0x20, ==, 0x20);
    command(&r, 0xa8);
    command(&r, 0x20);
    g_assert_cmphex(next(&r) & 0x20, ==, 0);
    set_mode(&r, 0x12);
    hw_irq_edges(t, IRQ_MOUSE);
    command(&r, 0xd3);
    data(&r, 0xa5);
    g_assert_true(hw_irq(t, IRQ_MOUSE));
    g_assert_cmphex(status(&r) & 0x21, ==, 0x21);
    command(&r, 0xd0);
    g_assert_cmphex(next(&r), ==, 0x1a5);
    g_assert_false(hw_irq(t, IRQ_MOUSE));
    g_assert_cmphex(next(&r), ==, 0xef); /* the port as it was when asked for */
    command(&r, 0xd2);
    data(&r, 0x77);
    expect(&r, "77");
    /* Internal RAM, the password, the input port, the test inputs. */
    command(&r, 0x65);
    data(&r, 0x99);
    command(&r, 0x25);
    expect(&r, "99");
    command(&r, 0xa4);
    expect(&r, "f1");
    command(&r, 0xc0);
    expect(&r, "80");
    command(&r, 0xe0);
    expect(&r, "00");
    command(&r, 0xb8); /* unknown */
    expect(&r, "");
    /* Turning interrupts on with a byte waiting raises the line. */
    set_mode(&r, 0x40);
    press(&r, KEY_A);
    g_assert_false(hw_irq(t, IRQ_KBD));
    set_mode(&r, 0x41);
    g_assert_true(hw_irq(t, IRQ_KBD));
    kbd_free(r.kbd);
}

static void mouse_init(Rig *r, HwTest *t)
{
    rig_init(r, t);
    set_mode(r, 0x43);
    mouse(r, 0xff);
    expect(r, "mfa maa m00");
    hw_irq_edges(t, IRQ_KBD);
    hw_irq_edges(t, IRQ_MOUSE);
}

static void test_mouse(HwTest *t)
{
    Rig r;

    mouse_init(&r, t);
    input_mouse(&r.input, 5, 5, 0, 0);
    expect(&r, ""); /* not enabled */
    mouse(&r, 0xf2);
    expect(&r, "mfa m00");
    mouse(&r, 0xf4);
    expect(&r, "mfa");
    hw_irq_edges(t, IRQ_MOUSE);
    input_mouse(&r.input, 3, 2, 0, INPUT_LEFT);
    g_assert_true(hw_irq(t, IRQ_MOUSE));
    g_assert_false(hw_irq(t, IRQ_KBD));
    expect(&r, "m29 m03 mfe"); /* down on the screen is negative */
    g_assert_cmpuint(hw_irq_edges(t, IRQ_MOUSE), ==, 3);
    input_mouse(&r.input, -3, -2, 1, INPUT_RIGHT | INPUT_MIDDLE | INPUT_SIDE);
    expect(&r, "m1e mfd m02"); /* no wheel, three buttons */
    input_mouse(&r.input, 0, 0, 0, 0);
    expect(&r, "m08 m00 m00");
    input_mouse(&r.input, 0, 0, 0, 0);
    expect(&r, ""); /* nothing new */
    /* More than a packet holds: the rest follows. */
    input_mouse(&r.input, 600, -300, 0, 0);
    clock_step(t->clock, MS(50));
    expect(&r, "m08 mff mff m08 mff m2d m08 m5a m00");
    /* At most 100 packets a second, movement adds up. */
    for (int i = 0; i < 100; i++) {
        input_mouse(&r.input, 1, 0, 0, 0);
        clock_step(t->clock, US(50));
    }
    expect(&r, "m08 m01 m00 m08 m63 m00");
    /* Quick clicks survive. */
    clock_step(t->clock, MS(20));
    for (int i = 0; i < 2; i++) {
        input_mouse(&r.input, 0, 0, 0, INPUT_LEFT);
        input_mouse(&r.input, 0, 0, 0, 0);
    }
    clock_step(t->clock, MS(20));
    expect(&r, "m09 m00 m00 m08 m00 m00 m09 m00 m00 m08 m00 m00");
    /* Its line off: bytes wait. Sending to it turns the line on. */
    command(&r, 0xa7);
    input_mouse(&r.input, 1, 0, 0, 0);
    expect(&r, "");
    command(&r, 0xa8);
    expect(&r, "m08 m01 m00");
    mouse(&r, 0xf5);
    expect(&r, "mfa");
    input_mouse(&r.input, 1, 0, 0, 0);
    expect(&r, "");
    kbd_free(r.kbd);
}

static void set_rates(Rig *r, int a, int b, int c)
{
    int rates[] = { a, b, c };

    for (int i = 0; i < 3; i++) {
        mouse(r, 0xf3);
        mouse(r, rates[i]);
    }
    while (next(r) >= 0)
        ;
}

/* Linux psmouse: the knocks of IntelliMouse and IntelliMouse Explorer. */
static void test_wheel(HwTest *t)
{
    Rig r;

    mouse_init(&r, t);
    set_rates(&r, 200, 100, 80);
    mouse(&r, 0xf2);
    expect(&r, "mfa m03");
    mouse(&r, 0xf4);
    expect(&r, "mfa");
    input_mouse(&r.input, 0, 0, -1, 0); /* away from the user */
    expect(&r, "m08 m00 m00 mff");
    input_mouse(&r.input, 1, -1, 2, INPUT_MIDDLE);
    expect(&r, "m0c m01 m01 m02");
    set_rates(&r, 200, 200, 80);
    mouse(&r, 0xf2);
    expect(&r, "mfa m04");
    input_mouse(&r.input, 0, 0, -1, INPUT_SIDE);
    expect(&r, "m08 m00 m00 m1f");
    input_mouse(&r.input, 0, 0, 9, INPUT_EXTRA | INPUT_SIDE);
    clock_step(t->clock, MS(30));
    expect(&r, "m08 m00 m00 m37 m08 m00 m00 m32");
    mouse(&r, 0xf6); /* defaults keep the id, reset does not */
    mouse(&r, 0xf2);
    while (next(&r) == 0x1fa)
        ;
    mouse(&r, 0xff);
    mouse(&r, 0xf2);
    while (next(&r) != 0x100)
        ;
    kbd_free(r.kbd);
}

static void test_mouse_modes(HwTest *t)
{
    Rig r;

    mouse_init(&r, t);
    mouse(&r, 0xe9);
    expect(&r, "mfa m00 m02 m64");
    mouse(&r, 0xe8);
    mouse(&r, 0x03);
    mouse(&r, 0xe7);
    mouse(&r, 0xf3);
    mouse(&r, 40);
    mouse(&r, 0xf4);
    while (next(&r) >= 0)
        ;
    input_mouse(&r.input, 0, 0, 0, INPUT_LEFT | INPUT_RIGHT);
    expect(&r, "m0b m00 m00");
    mouse(&r, 0xe9);
    expect(&r, "mfa m35 m03 m28");
    clock_step(t->clock, MS(30));
    input_mouse(&r.input, 3, -20, 0, INPUT_LEFT | INPUT_RIGHT); /* 2:1: 3 stays, 20 doubles */
    expect(&r, "m0b m03 m28");
    mouse(&r, 0xe6);
    expect(&r, "mfa");
    /* Remote mode: only when asked. */
    mouse(&r, 0xf0);
    expect(&r, "mfa");
    input_mouse(&r.input, 4, 0, 0, 0);
    input_mouse(&r.input, 4, 0, 0, 0);
    expect(&r, "");
    mouse(&r, 0xeb);
    expect(&r, "mfa m08 m08 m00");
    mouse(&r, 0xeb);
    expect(&r, "mfa m08 m00 m00");
    mouse(&r, 0xe9);
    expect(&r, "mfa m60 m03 m28");
    mouse(&r, 0xea);
    expect(&r, "mfa");
    /* Wrap mode: everything comes back but reset and the way out. */
    mouse(&r, 0xee);
    expect(&r, "mfa");
    mouse(&r, 0xf2);
    expect(&r, "mf2");
    mouse(&r, 0x12);
    expect(&r, "m12");
    input_mouse(&r.input, 4, 0, 0, 0);
    expect(&r, "");
    mouse(&r, 0xec);
    expect(&r, "mfa");
    mouse(&r, 0x12);
    expect(&r, "mfe");
    mouse(&r, 0xe9);
    g_assert_cmphex(next(&r), ==, 0x1fa);
    kbd_free(r.kbd);
}

/* A guest may write anything. */
static void test_noise(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    for (int i = 0; i < 200000; i++) {
        switch (g_test_rand_int_range(0, 6)) {
        case 0:
            hw_outb(t, 0x60, g_test_rand_int());
            break;
        case 1:
            hw_outb(t, 0x64, g_test_rand_int());
            break;
        case 2:
            hw_inb(t, 0x60);
            break;
        case 3:
            input_key(&r.input, g_test_rand_int_range(0, 2000), g_test_rand_int_range(0, 2));
            break;
        case 4:
            input_mouse(&r.input, g_test_rand_int(), g_test_rand_int(), g_test_rand_int(), g_test_rand_int());
            break;
        case 5:
            clock_step(t->clock, US(50));
            break;
        }
    }
    kbd_reset(r.kbd);
    set_mode(&r, 0x41);
    expect(&r, "");
    data(&r, 0xee);
    expect(&r, "ee");
    kbd_free(r.kbd);
    g_assert_null(r.input.key);
    g_assert_null(r.input.mouse);
}

static void test_names(HwTest *t)
{
    g_assert_cmpuint(input_key_by_name("a"), ==, KEY_A);
    g_assert_cmpuint(input_key_by_name("ret"), ==, KEY_ENTER);
    g_assert_cmpuint(input_key_by_name("ctrl"), ==, KEY_LEFTCTRL);
    g_assert_cmpuint(input_key_by_name("kp_enter"), ==, KEY_KPENTER);
    g_assert_cmpuint(input_key_by_name("asterisk"), ==, KEY_KPASTERISK);
    g_assert_cmpuint(input_key_by_name("nokey"), ==, 0);
    g_assert_cmpuint(input_key_by_name(""), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/kbd/bios", test_bios);
    hw_test_add("/kbd/read-twice", test_read_twice);
    hw_test_add("/kbd/sets", test_sets);
    hw_test_add("/kbd/translation", test_translation);
    hw_test_add("/kbd/typematic", test_typematic);
    hw_test_add("/kbd/keyboard-commands", test_keyboard_commands);
    hw_test_add("/kbd/a20-reset", test_a20_reset);
    hw_test_add("/kbd/linux-i8042", test_linux_i8042);
    hw_test_add("/kbd/mouse", test_mouse);
    hw_test_add("/kbd/wheel", test_wheel);
    hw_test_add("/kbd/mouse-modes", test_mouse_modes);
    hw_test_add("/kbd/noise", test_noise);
    hw_test_add("/kbd/names", test_names);
    return g_test_run();
}

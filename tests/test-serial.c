/* The 16550A as BIOSes, DOS and Linux use it. */
#include "config.h"
#include "hw/serial.h"
#include "hwtest.h"

#include <string.h>

#define IRQ 4
#define COM 0x3f8

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR, THR = RBR, FCR = IIR };

/* A host end that logs. */
typedef struct Host {
    GString *log;
    unsigned modem;
    unsigned accepts;
} Host;

static void host_write(void *opaque, const uint8_t *buf, size_t len)
{
    g_string_append_len(((Host *)opaque)->log, (const char *)buf, len);
}

static void host_accept(void *opaque)
{
    ((Host *)opaque)->accepts++;
}

static void host_params(void *opaque, const ChardevParams *p)
{
    g_string_append_printf(((Host *)opaque)->log, "[%u %u%c%u]", p->baud, p->data_bits, p->parity, p->stop_bits);
}

static void host_break(void *opaque, bool on)
{
    g_string_append(((Host *)opaque)->log, on ? "[break]" : "[mark]");
}

static void host_modem(void *opaque, unsigned lines)
{
    g_string_append_printf(((Host *)opaque)->log, "[%s%s]", lines & CHARDEV_DTR ? "D" : "-", lines & CHARDEV_RTS ? "R" : "-");
}

static unsigned host_get_modem(void *opaque)
{
    return ((Host *)opaque)->modem;
}

static const ChardevBackendOps host_ops = { host_write, host_accept, host_params, host_break, host_modem, host_get_modem };

typedef struct Rig {
    HwTest *t;
    Host host;
    Chardev chr;
    Serial *s;
} Rig;

static void rig_init(Rig *r, HwTest *t)
{
    *r = (Rig){ .t = t, .host = { g_string_new(NULL), CHARDEV_CTS | CHARDEV_DSR | CHARDEV_DCD, 0 } };
    r->chr = (Chardev){ &host_ops, &r->host, NULL, NULL };
    r->s = serial_new(t->io, t->clock, COM, hw_irq_line(t, IRQ), &r->chr);
}

static void rig_free(Rig *r)
{
    serial_free(r->s);
    g_assert_null(r->chr.front);
    g_string_free(r->host.log, TRUE);
}

static uint8_t in(Rig *r, int reg)
{
    return hw_inb(r->t, COM + reg);
}

static void out(Rig *r, int reg, uint8_t value)
{
    hw_outb(r->t, COM + reg, value);
}

static void logged(Rig *r, const char *want)
{
    g_assert_cmpstr(r->host.log->str, ==, want);
    g_string_truncate(r->host.log, 0);
}

static void send(Rig *r, const char *text)
{
    g_assert_cmpuint(chardev_can_receive(&r->chr), >=, strlen(text));
    chardev_receive(&r->chr, (const uint8_t *)text, strlen(text));
}

static void test_transmit(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    g_assert_cmphex(in(&r, LSR), ==, 0x60);
    g_assert_cmphex(in(&r, IIR), ==, 0x01);
    /* As a BIOS sets 115200 8N1 and sends. */
    out(&r, LCR, 0x80);
    out(&r, 0, 1);
    out(&r, 1, 0);
    g_assert_cmphex(in(&r, 0), ==, 1);
    g_assert_cmphex(in(&r, 1), ==, 0);
    out(&r, LCR, 0x03);
    out(&r, MCR, 0x03);
    logged(&r, "[115200 5N1][115200 8N1][DR]");
    out(&r, THR, 'h');
    out(&r, THR, 'i');
    g_assert_cmphex(in(&r, LSR), ==, 0x60);
    logged(&r, "hi");
    g_assert_cmpuint(hw_irq_edges(t, IRQ), ==, 0);
    out(&r, LCR, 0x1f);
    out(&r, LCR, 0x5f);
    out(&r, LCR, 0x0b);
    out(&r, MCR, 0x00);
    logged(&r, "[115200 8E2][break][115200 8O1][mark][--]");
    rig_free(&r);
}

/* Linux serial8250_do_startup's test that enabling THRI raises its interrupt each time. */
static void test_thre(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    out(&r, IER, 0x02);
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(in(&r, IIR), ==, 0x02);
    g_assert_false(hw_irq(t, IRQ)); /* reading IIR as the source takes it back */
    g_assert_cmphex(in(&r, IIR), ==, 0x01);
    out(&r, IER, 0x00);
    out(&r, IER, 0x02);
    g_assert_cmphex(in(&r, IIR), ==, 0x02);
    out(&r, IER, 0x02); /* no change, no request */
    g_assert_false(hw_irq(t, IRQ));
    hw_irq_edges(t, IRQ);
    /* An edge for each byte, whether or not IIR was read between. */
    out(&r, THR, 'a');
    out(&r, THR, 'b');
    g_assert_cmpuint(hw_irq_edges(t, IRQ), ==, 2);
    g_assert_true(hw_irq(t, IRQ));
    out(&r, IER, 0x00);
    g_assert_false(hw_irq(t, IRQ));
    rig_free(&r);
}

static void test_no_fifo(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    out(&r, IER, 0x01);
    g_assert_cmpuint(chardev_can_receive(&r.chr), ==, 1);
    send(&r, "x");
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(in(&r, IIR), ==, 0x04);
    g_assert_cmphex(in(&r, LSR), ==, 0x61);
    g_assert_cmpuint(chardev_can_receive(&r.chr), ==, 0);
    clock_step(t->clock, NS_PER_SEC); /* no timeout without a FIFO */
    g_assert_cmphex(in(&r, IIR), ==, 0x04);
    g_assert_cmpuint(r.host.accepts, ==, 0);
    g_assert_cmphex(in(&r, RBR), ==, 'x');
    g_assert_cmpuint(r.host.accepts, ==, 1);
    g_assert_false(hw_irq(t, IRQ));
    g_assert_cmphex(in(&r, LSR), ==, 0x60);
    rig_free(&r);
}

static void test_fifo(HwTest *t)
{
    static const struct {
        uint8_t fcr;
        unsigned level;
    } levels[] = { { 0x07, 1 }, { 0x47, 4 }, { 0x87, 8 }, { 0xc7, 14 } };
    Rig r;

    rig_init(&r, t);
    out(&r, IER, 0x01);
    for (unsigned i = 0; i < G_N_ELEMENTS(levels); i++) {
        out(&r, FCR, levels[i].fcr);
        g_assert_cmphex(in(&r, IIR), ==, 0xc1);
        g_assert_cmpuint(chardev_can_receive(&r.chr), ==, 16);
        for (unsigned n = 1; n < levels[i].level; n++) {
            send(&r, "x");
            g_assert_false(hw_irq(t, IRQ));
        }
        send(&r, "y");
        g_assert_true(hw_irq(t, IRQ));
        g_assert_cmphex(in(&r, IIR), ==, 0xc4);
        in(&r, RBR);
        g_assert_false(hw_irq(t, IRQ));
    }
    /* Full: order kept, and the host told when half is free. */
    out(&r, FCR, 0xc7);
    send(&r, "0123456789abcdef");
    g_assert_cmpuint(chardev_can_receive(&r.chr), ==, 0);
    for (int i = 0; i < 7; i++)
        g_assert_cmphex(in(&r, RBR), ==, "0123456"[i]);
    g_assert_cmpuint(r.host.accepts, ==, 0);
    g_assert_cmphex(in(&r, RBR), ==, '7');
    g_assert_cmpuint(r.host.accepts, ==, 1);
    for (int i = 8; i < 16; i++)
        g_assert_cmphex(in(&r, RBR), ==, "0123456789abcdef"[i]);
    g_assert_cmphex(in(&r, LSR), ==, 0x60);
    /* Clearing, and turning off. */
    send(&r, "abc");
    out(&r, FCR, 0x03);
    g_assert_cmphex(in(&r, LSR), ==, 0x60);
    send(&r, "abc");
    out(&r, FCR, 0x00);
    g_assert_cmphex(in(&r, LSR), ==, 0x60);
    g_assert_cmphex(in(&r, IIR), ==, 0x01);
    rig_free(&r);
}

/* Below the trigger: four characters' time, 10 bits each, at 9600 baud 4.17 ms. */
static void test_timeout(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    out(&r, LCR, 0x83);
    out(&r, 0, 12);
    out(&r, 1, 0);
    out(&r, LCR, 0x03);
    out(&r, FCR, 0xc1);
    out(&r, IER, 0x01);
    send(&r, "ab");
    clock_step(t->clock, US(4166));
    g_assert_false(hw_irq(t, IRQ));
    send(&r, "c"); /* starts anew */
    clock_step(t->clock, US(4166));
    g_assert_false(hw_irq(t, IRQ));
    clock_step(t->clock, US(1));
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(in(&r, IIR), ==, 0xcc);
    g_assert_cmphex(in(&r, RBR), ==, 'a');
    g_assert_false(hw_irq(t, IRQ)); /* a read ends it and starts anew */
    clock_step(t->clock, US(4167));
    g_assert_cmphex(in(&r, IIR), ==, 0xcc);
    in(&r, RBR);
    in(&r, RBR);
    clock_step(t->clock, MS(10));
    g_assert_false(hw_irq(t, IRQ));
    g_assert_cmphex(in(&r, IIR), ==, 0xc1);
    rig_free(&r);
}

static void test_errors(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    out(&r, FCR, 0x81);
    out(&r, IER, 0x05);
    send(&r, "a");
    chardev_receive_break(&r.chr);
    g_assert_cmphex(in(&r, LSR), ==, 0xe1); /* somewhere in the FIFO, not at its head */
    g_assert_false(hw_irq(t, IRQ));
    g_assert_cmphex(in(&r, RBR), ==, 'a');
    g_assert_true(hw_irq(t, IRQ)); /* now at its head */
    g_assert_cmphex(in(&r, IIR), ==, 0xc6);
    g_assert_cmphex(in(&r, LSR), ==, 0xf9);
    g_assert_false(hw_irq(t, IRQ));
    g_assert_cmphex(in(&r, LSR), ==, 0x61);
    g_assert_cmphex(in(&r, RBR), ==, 0);
    rig_free(&r);
}

/* All sources at once, served in order of priority. */
static void test_priority(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    in(&r, MSR);
    out(&r, FCR, 0x01);
    out(&r, IER, 0x0f);
    r.host.modem = CHARDEV_DSR;
    chardev_modem_changed(&r.chr);
    chardev_receive_break(&r.chr);
    g_assert_cmphex(in(&r, IIR), ==, 0xc6);
    in(&r, LSR);
    g_assert_cmphex(in(&r, IIR), ==, 0xc4);
    in(&r, RBR);
    g_assert_cmphex(in(&r, IIR), ==, 0xc2);
    g_assert_cmphex(in(&r, IIR), ==, 0xc0);
    g_assert_cmphex(in(&r, MSR), ==, 0x29); /* DSR up; CTS and DCD changed */
    g_assert_cmphex(in(&r, IIR), ==, 0xc1);
    g_assert_false(hw_irq(t, IRQ));
    /* Ringing counts when it ends. */
    r.host.modem |= CHARDEV_RI;
    chardev_modem_changed(&r.chr);
    g_assert_false(hw_irq(t, IRQ));
    r.host.modem &= ~CHARDEV_RI;
    chardev_modem_changed(&r.chr);
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(in(&r, MSR), ==, 0x24);
    rig_free(&r);
}

/* Linux autoconfig: scratch register, IER, loopback, FIFO size. */
static void test_autoconfig(HwTest *t)
{
    Rig r;

    rig_init(&r, t);
    out(&r, IER, 0x0f);
    g_assert_cmphex(in(&r, IER), ==, 0x0f);
    out(&r, IER, 0xf0);
    g_assert_cmphex(in(&r, IER), ==, 0x00);
    out(&r, SCR, 0xa5);
    g_assert_cmphex(in(&r, SCR), ==, 0xa5);
    out(&r, MCR, 0x1a); /* loop, OUT2, RTS */
    g_assert_cmphex(in(&r, MSR) & 0xf0, ==, 0x90);
    out(&r, MCR, 0x15);
    g_assert_cmphex(in(&r, MSR), ==, 0x6b); /* DSR and RI up; CTS, DSR, DCD changed */
    out(&r, MCR, 0xff);
    g_assert_cmphex(in(&r, MCR), ==, 0x1f);
    /* size_fifo: what goes out comes back; more than 16 overrun. */
    out(&r, FCR, 0x07);
    g_assert_cmpuint(chardev_can_receive(&r.chr), ==, 0);
    for (int i = 0; i < 20; i++)
        out(&r, THR, i);
    g_assert_cmphex(in(&r, LSR), ==, 0x63);
    g_assert_cmphex(in(&r, LSR), ==, 0x61);
    for (int i = 0; i < 16; i++)
        g_assert_cmphex(in(&r, RBR), ==, i);
    g_assert_cmphex(in(&r, LSR), ==, 0x60);
    out(&r, FCR, 0x00); /* without FIFO the newer byte wins */
    out(&r, THR, 'a');
    out(&r, THR, 'b');
    g_assert_cmphex(in(&r, LSR), ==, 0x63);
    g_assert_cmphex(in(&r, RBR), ==, 'b');
    logged(&r, "[--]");
    out(&r, MCR, 0x03); /* out of the loop: the host may send again */
    g_assert_cmpuint(r.host.accepts, ==, 1);
    g_assert_cmphex(in(&r, MSR) & 0xf0, ==, 0xb0);
    /* Not a 16750, not an EFR chip. */
    out(&r, LCR, 0xbf);
    g_assert_cmphex(in(&r, IIR), ==, 0x01);
    out(&r, FCR, 0x21);
    g_assert_cmphex(in(&r, IIR), ==, 0xc1);
    serial_reset(r.s);
    g_assert_cmphex(in(&r, LCR), ==, 0);
    g_assert_cmphex(in(&r, IIR), ==, 0x01);
    rig_free(&r);
}

static void test_unplugged(HwTest *t)
{
    Serial *s = serial_new(t->io, t->clock, 0x2f8, hw_irq_line(t, 3), NULL);

    hw_outb(t, 0x2f8, 'x');
    g_assert_cmphex(hw_inb(t, 0x2fd), ==, 0x60);
    g_assert_cmphex(hw_inb(t, 0x2f8), ==, 0);
    serial_free(s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/serial/transmit", test_transmit);
    hw_test_add("/serial/thre", test_thre);
    hw_test_add("/serial/no-fifo", test_no_fifo);
    hw_test_add("/serial/fifo", test_fifo);
    hw_test_add("/serial/timeout", test_timeout);
    hw_test_add("/serial/errors", test_errors);
    hw_test_add("/serial/priority", test_priority);
    hw_test_add("/serial/autoconfig", test_autoconfig);
    hw_test_add("/serial/unplugged", test_unplugged);
    return g_test_run();
}

/*
 * Two 8259A interrupt controllers, cascaded, and the ELCR of the PIIX.
 *
 * An input is latched in the request register (IRR) on its rising edge, or follows its wire where the ELCR says level. The
 * chip's output is up while a request that isn't masked has priority over all that is in service (ISR). The slave's
 * output is the master's input 2, and is taken as a level here: the pair behaves as one.
 *
 * Priorities are counted from 0, the highest; `lowest` is the input that comes last, 7 until the guest rotates.
 *
 * Intel 8259A datasheet (231468), and 82371AB (PIIX4) datasheet 4.2.7 for the ELCR.
 */
#include "config.h"
#include "hw/pic.h"

#include <string.h>

#define MASTER 0
#define SLAVE 1
#define CASCADE 2 /* the master's input that the slave drives */

enum {
    ICW1_IC4 = 1 << 0, /* an ICW4 follows */
    ICW1_SNGL = 1 << 1,
    ICW1_INIT = 1 << 4,
    ICW4_AEOI = 1 << 1,
    ICW4_SFNM = 1 << 4,
    OCW3 = 1 << 3,
    OCW3_RIS = 1 << 0,
    OCW3_RR = 1 << 1,
    OCW3_POLL = 1 << 2,
    OCW3_SMM = 1 << 5,
    OCW3_ESMM = 1 << 6,
};

/* What the next write to the odd port means. */
typedef enum Expect { EXPECT_OCW1, EXPECT_ICW2, EXPECT_ICW3, EXPECT_ICW4 } Expect;

typedef struct Chip {
    uint8_t level; /* the wires */
    uint8_t irr, imr, isr;
    uint8_t elcr, elcr_mask; /* 1 for level; which bits exist */
    uint8_t base;            /* vector of input 0 */
    uint8_t lowest;          /* input of lowest priority */
    bool auto_eoi, rotate_auto, nested; /* nested: special fully nested mode */
    bool special_mask;
    bool read_isr, poll;
    bool single, icw4; /* as ICW1 said */
    Expect expect;
    uint64_t count[8]; /* rising edges, for `info irq`; a reset keeps them */
} Chip;

struct Pic {
    Chip chip[2];
    IrqLine intr;
    bool out;
    struct Port {
        Pic *pic;
        int chip;
    } port[2];
};

/* ---- priority ---- */

/* The first of bits in order of priority, or -1. */
static int chip_first(const Chip *c, uint8_t bits)
{
    for (int i = 1; bits && i <= 8; i++)
        if (bits & 1 << ((c->lowest + i) & 7))
            return (c->lowest + i) & 7;
    return -1;
}

static int priority(const Chip *c, int n)
{
    return (n - c->lowest - 1) & 7;
}

/* The input whose request the chip puts through now, or -1. */
static int chip_request(const Chip *c, bool master)
{
    int request = chip_first(c, c->irr & ~c->imr);
    uint8_t in_service = c->isr;
    int current;

    if (request < 0)
        return -1;
    /* Special mask mode: what is masked while in service holds back nobody. */
    if (c->special_mask)
        in_service &= ~c->imr;
    /* Special fully nested mode: the slave's own priorities decide among its requests. */
    if (c->nested && master)
        in_service &= ~(1 << CASCADE);
    current = chip_first(c, in_service);
    return current < 0 || priority(c, request) < priority(c, current) ? request : -1;
}

static void chip_set(Chip *c, int n, bool level)
{
    uint8_t bit = 1 << n;

    c->count[n] += level && !(c->level & bit);
    if (c->elcr & bit)
        c->irr = level ? c->irr | bit : c->irr & ~bit;
    else if (level && !(c->level & bit))
        c->irr |= bit;
    c->level = level ? c->level | bit : c->level & ~bit;
}

static void pic_update(Pic *p)
{
    Chip *m = &p->chip[MASTER];
    uint8_t bit = 1 << CASCADE;
    bool out;

    m->irr = chip_request(&p->chip[SLAVE], false) >= 0 ? m->irr | bit : m->irr & ~bit;
    out = chip_request(m, true) >= 0;
    if (out != p->out) {
        p->out = out;
        irqline_set(&p->intr, out);
    }
}

void pic_set_irq(Pic *p, int n, bool level)
{
    if (n < 0 || n > 15 || n == CASCADE)
        return;
    chip_set(&p->chip[n >> 3], n & 7, level);
    pic_update(p);
}

static void line_set(void *opaque, int n, bool level)
{
    pic_set_irq(opaque, n, level);
}

IrqLine pic_line(Pic *p, int n)
{
    return (IrqLine){ line_set, p, n };
}

/* ---- acknowledge and end of interrupt ---- */

static void chip_take(Chip *c, int n)
{
    uint8_t bit = 1 << n;

    if (!(c->elcr & bit))
        c->irr &= ~bit;
    if (!c->auto_eoi)
        c->isr |= bit;
    else if (c->rotate_auto)
        c->lowest = n;
}

int pic_ack(void *opaque)
{
    Pic *p = opaque;
    Chip *m = &p->chip[MASTER], *s = &p->chip[SLAVE];
    int n = chip_request(m, true), vector;

    if (n < 0)
        return m->base + 7; /* the request went away: spurious, nothing in service */
    if (n == CASCADE && !m->single) {
        int k = chip_request(s, false);

        if (k >= 0)
            chip_take(s, k);
        vector = s->base + (k >= 0 ? k : 7);
    } else {
        vector = m->base + n;
    }
    chip_take(m, n);
    pic_update(p);
    return vector;
}

/* ---- registers ---- */

static void write_icw1(Chip *c, uint8_t value)
{
    c->imr = 0;
    c->isr = 0;
    c->irr = c->level & c->elcr; /* edges seen before are forgotten */
    c->lowest = 7;
    c->special_mask = c->read_isr = c->poll = false;
    c->auto_eoi = c->rotate_auto = c->nested = false; /* without ICW4 its functions are off */
    c->single = value & ICW1_SNGL;
    c->icw4 = value & ICW1_IC4;
    c->expect = EXPECT_ICW2;
}

static void write_ocw2(Chip *c, uint8_t value)
{
    int level = value & 7;
    /* A non-specific EOI passes over what special mask mode has masked (datasheet, "EOI command"). */
    int top = chip_first(c, c->special_mask ? c->isr & ~c->imr : c->isr);

    switch (value >> 5) {
    case 0: /* no rotation on automatic EOI */
        c->rotate_auto = false;
        break;
    case 4:
        c->rotate_auto = true;
        break;
    case 1: /* non-specific EOI */
    case 5: /* the same, and rotate */
        if (top >= 0) {
            c->isr &= ~(1 << top);
            if (value >> 5 == 5)
                c->lowest = top;
        }
        break;
    case 3: /* specific EOI */
        c->isr &= ~(1 << level);
        break;
    case 7: /* the same, and rotate */
        c->isr &= ~(1 << level);
        c->lowest = level;
        break;
    case 6: /* set priority */
        c->lowest = level;
        break;
    }
}

static void write_ocw3(Chip *c, uint8_t value)
{
    c->poll = value & OCW3_POLL;
    if (value & OCW3_RR)
        c->read_isr = value & OCW3_RIS;
    if (value & OCW3_ESMM)
        c->special_mask = value & OCW3_SMM;
}

static void write_data(Chip *c, uint8_t value)
{
    switch (c->expect) {
    case EXPECT_OCW1:
        c->imr = value;
        break;
    case EXPECT_ICW2:
        c->base = value & 0xf8;
        c->expect = c->single ? (c->icw4 ? EXPECT_ICW4 : EXPECT_OCW1) : EXPECT_ICW3;
        break;
    case EXPECT_ICW3: /* the wiring is fixed */
        c->expect = c->icw4 ? EXPECT_ICW4 : EXPECT_OCW1;
        break;
    case EXPECT_ICW4:
        c->auto_eoi = value & ICW4_AEOI;
        c->nested = value & ICW4_SFNM;
        c->expect = EXPECT_OCW1;
        break;
    }
}

static void pic_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    struct Port *port = opaque;
    Chip *c = &port->pic->chip[port->chip];

    if (offset & 1)
        write_data(c, value);
    else if (value & ICW1_INIT)
        write_icw1(c, value);
    else if (value & OCW3)
        write_ocw3(c, value);
    else
        write_ocw2(c, value);
    pic_update(port->pic);
}

/* A poll is an acknowledge by the program: the request goes in service, its number is read. */
static uint8_t read_poll(struct Port *port)
{
    Chip *c = &port->pic->chip[port->chip];
    int n = chip_request(c, port->chip == MASTER);

    c->poll = false;
    if (n < 0)
        return 0;
    chip_take(c, n);
    pic_update(port->pic);
    return 0x80 | n;
}

static uint64_t pic_read(void *opaque, uint64_t offset, unsigned size)
{
    struct Port *port = opaque;
    Chip *c = &port->pic->chip[port->chip];

    if (c->poll)
        return read_poll(port);
    if (offset & 1)
        return c->imr;
    return c->read_isr ? c->isr : c->irr;
}

static uint64_t elcr_read(void *opaque, uint64_t offset, unsigned size)
{
    Pic *p = opaque;

    return p->chip[offset].elcr;
}

static void elcr_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Pic *p = opaque;
    Chip *c = &p->chip[offset];
    uint8_t changed = c->elcr ^ (value & c->elcr_mask);

    c->elcr ^= changed;
    /* An input that became level follows its wire from now on. */
    c->irr = (c->irr & ~(changed & c->elcr)) | (c->level & changed & c->elcr);
    pic_update(p);
}

static const RegionOps pic_ops = { pic_read, pic_write, 1, 1 };
static const RegionOps elcr_ops = { elcr_read, elcr_write, 1, 1 };

/* ---- state ---- */

PicIrqState pic_irq_state(Pic *p, int n)
{
    Chip *c = &p->chip[n >> 3];
    uint8_t bit = 1 << (n & 7);

    if ((c->imr & bit) || (c == &p->chip[SLAVE] && (p->chip[MASTER].imr & 1 << CASCADE)))
        return PIC_IRQ_MASKED;
    return c->irr & bit ? PIC_IRQ_PENDING : PIC_IRQ_IDLE;
}

uint64_t pic_irq_count(const Pic *p, int n)
{
    return p->chip[n >> 3].count[n & 7];
}

void pic_print(Pic *p, GString *out)
{
    for (int i = SLAVE; i >= MASTER; i--) {
        Chip *c = &p->chip[i];

        g_string_append_printf(out,
                               "pic%d: irr=%02x imr=%02x isr=%02x hprio=%d irq_base=%02x rr_sel=%d elcr=%02x fnm=%d\n",
                               i, c->irr, c->imr, c->isr, (c->lowest + 1) & 7, c->base, c->read_isr, c->elcr, c->nested);
    }
}

void pic_reset(Pic *p)
{
    for (int i = 0; i < 2; i++) {
        Chip *c = &p->chip[i];

        Chip was = *c;

        *c = (Chip){ .level = was.level, .elcr_mask = was.elcr_mask, .lowest = 7, .expect = EXPECT_OCW1 };
        memcpy(c->count, was.count, sizeof c->count);
    }
    pic_update(p);
}

Pic *pic_new(Bus *io, IrqLine intr)
{
    Pic *p = g_new0(Pic, 1);

    p->intr = intr;
    p->chip[MASTER].elcr_mask = 0xf8; /* timer, keyboard and cascade are always edge */
    p->chip[SLAVE].elcr_mask = 0xde;  /* so are the clock (8) and the FPU (13) */
    for (int i = 0; i < 2; i++) {
        p->port[i] = (struct Port){ p, i };
        bus_add_io(io, i ? "pic-slave" : "pic-master", i ? 0xa0 : 0x20, 2, &pic_ops, &p->port[i], 0);
    }
    bus_add_io(io, "elcr", 0x4d0, 2, &elcr_ops, p, 0);
    pic_reset(p);
    return p;
}

void pic_free(Pic *p)
{
    g_free(p);
}

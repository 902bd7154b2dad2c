/*
 * 16550A UART.
 *
 * Sending takes no time: a byte written to THR is with the host before the instruction ends, so the transmitter is always
 * empty, and its interrupt request returns with every write. Receiving keeps the chip's manners: a FIFO of 16 with trigger
 * levels, errors that travel with their byte, a timeout for what stays below the trigger, and a loopback mode by which
 * drivers test the chip.
 *
 * On a real PC OUT2 of the modem control register gates the interrupt. Here, as in QEMU, it does not: kernels
 * written against emulators leave it off.
 *
 * 1. Interrupts. 2. Receiving. 3. Modem lines. 4. Registers.
 *
 * National Semiconductor PC16550D datasheet.
 */
#include "config.h"
#include "hw/serial.h"

enum {
    IER_RDA = 1 << 0,
    IER_THRE = 1 << 1,
    IER_LINE = 1 << 2,
    IER_MODEM = 1 << 3,
    IIR_NONE = 0x01,
    IIR_MODEM = 0x00,
    IIR_THRE = 0x02,
    IIR_RDA = 0x04,
    IIR_LINE = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFO = 0xc0,
    FCR_ENABLE = 1 << 0,
    FCR_CLEAR_RX = 1 << 1,
    LCR_BITS = 3,
    LCR_STOP = 1 << 2,
    LCR_PARITY = 1 << 3,
    LCR_EVEN = 1 << 4,
    LCR_STICK = 1 << 5,
    LCR_BREAK = 1 << 6,
    LCR_DLAB = 1 << 7,
    MCR_DTR = 1 << 0,
    MCR_RTS = 1 << 1,
    MCR_OUT1 = 1 << 2,
    MCR_OUT2 = 1 << 3,
    MCR_LOOP = 1 << 4,
    LSR_DR = 1 << 0,
    LSR_OVERRUN = 1 << 1,
    LSR_FRAMING = 1 << 3,
    LSR_BREAK = 1 << 4,
    LSR_ERRORS = 0x1e,
    LSR_THRE = 1 << 5,
    LSR_TEMT = 1 << 6,
    LSR_FIFO_ERROR = 1 << 7,
    MSR_DELTAS = 0x0f,
    MSR_CTS = 1 << 4, /* each four bits above its delta */
    MSR_DSR = 1 << 5,
    MSR_RI = 1 << 6,
    MSR_DCD = 1 << 7,
};

#define FIFO_SIZE 16
#define SERIAL_BASE_BAUD 115200

struct Serial {
    Clock *clock;
    IrqLine irq;
    Chardev *chr;
    uint16_t divisor;
    uint8_t ier, fcr, lcr, mcr, msr, scr;
    uint8_t line_errors; /* LSR_ERRORS seen and not read */
    bool thre_request;   /* the transmitter became empty, not told yet */
    struct {
        uint8_t byte, errors;
    } fifo[FIFO_SIZE];
    unsigned head, count;
    bool timed_out;
    Timer *timeout;
    bool host_waits; /* the back end found no room */
};

static bool has_fifo(const Serial *s)
{
    return s->fcr & FCR_ENABLE;
}

/* ---- 1. interrupts ---- */

static unsigned trigger(const Serial *s)
{
    static const uint8_t levels[4] = { 1, 4, 8, 14 };

    return has_fifo(s) ? levels[s->fcr >> 6] : 1;
}

/* The request of highest priority (datasheet, table V), as IIR shows it. */
static uint8_t highest(const Serial *s)
{
    if ((s->ier & IER_LINE) && s->line_errors)
        return IIR_LINE;
    if ((s->ier & IER_RDA) && s->count >= trigger(s))
        return IIR_RDA;
    if ((s->ier & IER_RDA) && s->timed_out)
        return IIR_TIMEOUT;
    if ((s->ier & IER_THRE) && s->thre_request)
        return IIR_THRE;
    if ((s->ier & IER_MODEM) && (s->msr & MSR_DELTAS))
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_irq(Serial *s)
{
    irqline_set(&s->irq, highest(s) != IIR_NONE);
}

/* ---- 2. receiving ---- */

static unsigned frame_bits(const Serial *s)
{
    return 1 + 5 + (s->lcr & LCR_BITS) + (s->lcr & LCR_PARITY ? 1 : 0) + (s->lcr & LCR_STOP ? 2 : 1);
}

/* The timeout is four characters without one coming or going. */
static void restart_timeout(Serial *s)
{
    int64_t character = frame_bits(s) * NS_PER_SEC * MAX(s->divisor, 1) / SERIAL_BASE_BAUD;

    s->timed_out = false;
    if (has_fifo(s) && s->count)
        timer_arm(s->timeout, clock_now(s->clock) + 4 * character);
    else
        timer_disarm(s->timeout);
}

static void timeout_fire(void *opaque)
{
    Serial *s = opaque;

    s->timed_out = s->count > 0;
    update_irq(s);
}

static unsigned room(const Serial *s)
{
    return (has_fifo(s) ? FIFO_SIZE : 1) - s->count;
}

/* The errors of the byte that became the next to be read show in LSR. */
static void show_errors(Serial *s)
{
    if (s->count)
        s->line_errors |= s->fifo[s->head].errors;
}

static void receive(Serial *s, uint8_t byte, uint8_t errors)
{
    unsigned tail = (s->head + s->count) % FIFO_SIZE;

    if (!room(s)) {
        s->line_errors |= LSR_OVERRUN;
        if (has_fifo(s))
            return; /* what is in the FIFO stays; without one the old byte is lost */
        tail = s->head;
        s->count = 0;
    }
    s->fifo[tail].byte = byte;
    s->fifo[tail].errors = errors;
    s->count++;
    if (s->count == 1)
        show_errors(s);
    restart_timeout(s);
}

/* Let the back end go on, when half of the FIFO is free: not once a byte. */
static void offer_room(Serial *s)
{
    if (!s->host_waits || room(s) < (has_fifo(s) ? FIFO_SIZE / 2 : 1) || (s->mcr & MCR_LOOP))
        return;
    s->host_waits = false;
    chardev_accept(s->chr);
}

static uint8_t read_rbr(Serial *s)
{
    uint8_t byte = s->fifo[s->head].byte;

    if (s->count) {
        s->head = (s->head + 1) % FIFO_SIZE;
        s->count--;
        show_errors(s);
    }
    restart_timeout(s);
    update_irq(s);
    offer_room(s);
    return byte;
}

static void clear_rx(Serial *s)
{
    s->head = s->count = 0;
    restart_timeout(s);
}

static size_t chr_can_receive(void *opaque)
{
    Serial *s = opaque;
    size_t n = s->mcr & MCR_LOOP ? 0 : room(s);

    s->host_waits = n == 0;
    return n;
}

static void chr_receive(void *opaque, const uint8_t *buf, size_t len)
{
    Serial *s = opaque;

    for (size_t i = 0; i < len; i++)
        receive(s, buf[i], 0);
    update_irq(s);
}

static void chr_receive_break(void *opaque)
{
    Serial *s = opaque;

    if (s->mcr & MCR_LOOP)
        return;
    receive(s, 0, LSR_BREAK | LSR_FRAMING);
    update_irq(s);
}

/* ---- 3. modem lines ---- */

/* The upper half of MSR. */
static uint8_t modem_lines(const Serial *s)
{
    unsigned lines;

    if (s->mcr & MCR_LOOP) /* datasheet 8.6.6: the outputs come back */
        return (s->mcr & MCR_RTS ? MSR_CTS : 0) | (s->mcr & MCR_DTR ? MSR_DSR : 0) | (s->mcr & MCR_OUT1 ? MSR_RI : 0) |
               (s->mcr & MCR_OUT2 ? MSR_DCD : 0);
    lines = chardev_get_modem(s->chr);
    return (lines & CHARDEV_CTS ? MSR_CTS : 0) | (lines & CHARDEV_DSR ? MSR_DSR : 0) | (lines & CHARDEV_RI ? MSR_RI : 0) |
           (lines & CHARDEV_DCD ? MSR_DCD : 0);
}

static void update_modem(Serial *s)
{
    uint8_t lines = modem_lines(s), changed = (s->msr ^ lines) & ~MSR_DELTAS;

    if (lines & MSR_RI)
        changed &= ~MSR_RI; /* TERI: only the end of ringing counts */
    s->msr = lines | (s->msr & MSR_DELTAS) | changed >> 4;
    update_irq(s);
}

static void chr_modem_changed(void *opaque)
{
    update_modem(opaque);
}

static const ChardevFrontendOps serial_front = {
    .can_receive = chr_can_receive,
    .receive = chr_receive,
    .receive_break = chr_receive_break,
    .modem_changed = chr_modem_changed,
};

/* ---- 4. registers ---- */

static void tell_params(Serial *s)
{
    ChardevParams params = {
        .baud = SERIAL_BASE_BAUD / MAX(s->divisor, 1),
        .data_bits = 5 + (s->lcr & LCR_BITS),
        .parity = 'N',
        .stop_bits = s->lcr & LCR_STOP ? 2 : 1,
    };

    if (s->lcr & LCR_PARITY)
        params.parity = s->lcr & LCR_STICK ? (s->lcr & LCR_EVEN ? 'S' : 'M') : (s->lcr & LCR_EVEN ? 'E' : 'O');
    chardev_set_params(s->chr, &params);
}

static void write_divisor(Serial *s, uint16_t divisor)
{
    if (divisor == s->divisor)
        return;
    s->divisor = divisor;
    tell_params(s);
}

static void write_thr(Serial *s, uint8_t byte)
{
    s->thre_request = false; /* the line falls... */
    update_irq(s);
    if (s->mcr & MCR_LOOP)
        receive(s, byte, 0);
    else
        chardev_write(s->chr, &byte, 1);
    s->thre_request = true; /* ...and rises: an edge for each byte */
    update_irq(s);
}

static void write_ier(Serial *s, uint8_t value)
{
    /* Enabling the transmitter's interrupt while it is empty requests one: Linux tests for it. */
    if ((value & IER_THRE) && !(s->ier & IER_THRE))
        s->thre_request = true;
    s->ier = value & 0x0f;
    update_irq(s);
}

static void write_fcr(Serial *s, uint8_t value)
{
    if (!(value & FCR_ENABLE))
        value = 0; /* the other bits count only with this one */
    if (((value ^ s->fcr) & FCR_ENABLE) || (value & FCR_CLEAR_RX))
        clear_rx(s);
    s->fcr = value & (IIR_FIFO | FCR_ENABLE);
    update_irq(s);
    offer_room(s);
}

static void write_lcr(Serial *s, uint8_t value)
{
    uint8_t changed = value ^ s->lcr;

    s->lcr = value;
    if (changed & (LCR_BITS | LCR_STOP | LCR_PARITY | LCR_EVEN | LCR_STICK))
        tell_params(s);
    if (changed & LCR_BREAK) {
        if (!(s->mcr & MCR_LOOP))
            chardev_set_break(s->chr, value & LCR_BREAK);
        else if (value & LCR_BREAK)
            receive(s, 0, LSR_BREAK | LSR_FRAMING);
        update_irq(s);
    }
}

static void write_mcr(Serial *s, uint8_t value)
{
    uint8_t changed = (value ^ s->mcr) & 0x1f;

    s->mcr = value & 0x1f;
    if ((changed & MCR_LOOP) || (changed & (MCR_DTR | MCR_RTS) && !(value & MCR_LOOP))) {
        unsigned lines = (value & MCR_DTR ? CHARDEV_DTR : 0) | (value & MCR_RTS ? CHARDEV_RTS : 0);

        chardev_set_modem(s->chr, value & MCR_LOOP ? 0 : lines);
    }
    update_modem(s);
    offer_room(s);
}

static void serial_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Serial *s = opaque;
    bool dlab = s->lcr & LCR_DLAB;

    switch (offset) {
    case 0:
        if (dlab)
            write_divisor(s, (s->divisor & 0xff00) | value);
        else
            write_thr(s, value);
        break;
    case 1:
        if (dlab)
            write_divisor(s, (s->divisor & 0x00ff) | value << 8);
        else
            write_ier(s, value);
        break;
    case 2:
        write_fcr(s, value);
        break;
    case 3:
        write_lcr(s, value);
        break;
    case 4:
        write_mcr(s, value);
        break;
    case 7:
        s->scr = value;
        break;
    default: /* LSR and MSR are for reading */
        break;
    }
}

static uint8_t read_iir(Serial *s)
{
    uint8_t value = highest(s);

    if (value == IIR_THRE) {
        s->thre_request = false;
        update_irq(s);
    }
    return value | (has_fifo(s) ? IIR_FIFO : 0);
}

static uint8_t read_lsr(Serial *s)
{
    uint8_t value = LSR_THRE | LSR_TEMT | s->line_errors | (s->count ? LSR_DR : 0);

    for (unsigned i = 0; has_fifo(s) && i < s->count; i++)
        if (s->fifo[(s->head + i) % FIFO_SIZE].errors)
            value |= LSR_FIFO_ERROR;
    s->line_errors = 0;
    if (s->count)
        s->fifo[s->head].errors = 0; /* told */
    update_irq(s);
    return value;
}

static uint8_t read_msr(Serial *s)
{
    uint8_t value;

    update_modem(s);
    value = s->msr;
    s->msr &= ~MSR_DELTAS;
    update_irq(s);
    return value;
}

static uint64_t serial_read(void *opaque, uint64_t offset, unsigned size)
{
    Serial *s = opaque;
    bool dlab = s->lcr & LCR_DLAB;

    switch (offset) {
    case 0:
        return dlab ? s->divisor & 0xff : read_rbr(s);
    case 1:
        return dlab ? s->divisor >> 8 : s->ier;
    case 2:
        return read_iir(s);
    case 3:
        return s->lcr;
    case 4:
        return s->mcr;
    case 5:
        return read_lsr(s);
    case 6:
        return read_msr(s);
    default:
        return s->scr;
    }
}

static const RegionOps serial_ops = { serial_read, serial_write, 1, 1 };

void serial_reset(Serial *s)
{
    s->divisor = 12; /* 9600 */
    s->ier = s->fcr = s->lcr = s->mcr = s->scr = 0;
    s->line_errors = 0;
    s->thre_request = false;
    clear_rx(s);
    s->msr = modem_lines(s);
    update_irq(s);
    offer_room(s);
}

Serial *serial_new(Bus *io, Clock *clock, uint16_t port, IrqLine irq, Chardev *chr)
{
    Serial *s = g_new0(Serial, 1);

    s->clock = clock;
    s->irq = irq;
    s->chr = chr;
    s->timeout = timer_new(clock, timeout_fire, s);
    if (chr) {
        chr->front = &serial_front;
        chr->front_opaque = s;
    }
    bus_add_io(io, "serial", port, 8, &serial_ops, s, 0);
    serial_reset(s);
    return s;
}

void serial_free(Serial *s)
{
    if (!s)
        return;
    if (s->chr)
        s->chr->front = NULL;
    timer_free(s->timeout);
    g_free(s);
}

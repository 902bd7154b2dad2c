/*
 * The 8254 timer, and port 61h.
 *
 * Nothing counts here. A channel remembers when (in ticks of its input clock since guest time 0) its count was loaded, and
 * all else follows from that and the time: the value that a read gets, the level of the output, and when it rises next.
 * Only channel 0 needs a timer of the host, for its rising edges: they are what IRQ 0 is.
 *
 * Ticks are computed from absolute time, so nothing drifts. An edge that we are late for, or that comes while the
 * guest hasn't taken the last one, is owed; owed ticks go out between the regular ones until the guest has had as many
 * as there were: the next whenever one has been taken, a few at a time. A DOS clock then keeps wall time on a busy host, and a guest
 * that measures something against its ticks finds them when it looks.
 *
 * 1. Time. 2. A channel. 3. IRQ 0. 4. Registers. 5. Port 61h and the speaker.
 *
 * Intel 8254 datasheet (231164).
 */
#include "config.h"
#include "hw/pit.h"

#define NEVER INT64_MAX

enum {
    PIT_RW_LATCH = 0,
    PIT_RW_LOW = 1,
    PIT_RW_HIGH = 2,
    PIT_RW_BOTH = 3,
    PIT_READBACK = 3,                /* in place of a channel */
    PIT_READBACK_NO_COUNT = 1 << 5,  /* active low */
    PIT_READBACK_NO_STATUS = 1 << 4, /* active low */
    PIT_STATUS_NULL = 1 << 6,
    PIT_STATUS_OUT = 1 << 7,
};

enum {
    PORTB_GATE2 = 1 << 0,
    PORTB_SPEAKER = 1 << 1,
    PORTB_STORED = 0x0f,
    PORTB_REFRESH = 1 << 4,
    PORTB_OUT2 = 1 << 5,
};

#define REFRESH_TICKS 18            /* the DRAM refresh that channel 1 makes: every 15 us */
#define SHORTEST_TICKS 60           /* edges closer than 50 us are put together */
#define OWED_BURST 8                /* owed ticks made up for at once, between two regular ones */
#define OWED_SECONDS 10             /* more is a guest that doesn't care, or a host that never catches up */

typedef struct Channel {
    uint8_t mode, rw; /* as programmed */
    bool bcd;
    bool gate;
    /* Counting. */
    bool loaded;       /* count and start are valid */
    int64_t count;     /* 1..65536 */
    int64_t start;     /* tick at which count was loaded */
    int64_t stopped;   /* modes 0 and 4, gate low: ticks that had passed */
    int64_t pending;   /* a count written but not loaded yet, or 0 */
    int64_t pending_at; /* tick at which it will be loaded */
    int64_t pending_skip; /* ticks of its period that count as over by then: mode 3 goes on with the other half */
    int64_t hold;      /* value while nothing is loaded */
    /* Access. */
    bool write_high, read_high; /* next is the second byte */
    uint8_t write_low;
    unsigned latched; /* bytes of latch still to be read */
    uint16_t latch;
    bool status_latched;
    uint8_t status;
} Channel;

struct Pit {
    Clock *clock;
    IrqLine irq;
    bool irq_enabled, level;
    Channel channel[3];
    uint8_t portb;

    Timer *edge_timer;
    int64_t edge; /* tick of the edge that the timer is armed for */
    int (*irq_state)(void *opaque);
    void *irq_state_opaque;
    Timer *owed_timer;
    int64_t owed;
    int burst; /* owed ticks given since the last regular one */

    void (*speaker)(void *opaque, unsigned hz);
    void *speaker_opaque;
    unsigned speaker_hz;
};

/* ---- 1. time ---- */

static int64_t ns_to_ticks(int64_t ns)
{
    return ns / NS_PER_SEC * PIT_HZ + ns % NS_PER_SEC * PIT_HZ / NS_PER_SEC;
}

/* The first nanosecond of a tick. */
static int64_t ticks_to_ns(int64_t ticks)
{
    return ticks / PIT_HZ * NS_PER_SEC + (ticks % PIT_HZ * NS_PER_SEC + PIT_HZ - 1) / PIT_HZ;
}

static int64_t pit_now(Pit *p)
{
    return ns_to_ticks(clock_now(p->clock));
}

/* ---- 2. a channel ---- */

static bool is_periodic(const Channel *c)
{
    return c->mode == 2 || c->mode == 3;
}

/* Modes that a rising gate starts. */
static bool is_triggered(const Channel *c)
{
    return c->mode == 1 || c->mode == 5;
}

/* Ticks for which the output of mode 3 is high; an odd count's first half is one longer. */
static int64_t square_high(int64_t count)
{
    return (count + 1) / 2;
}

/* Load the pending count if its time has come. Everything below expects this to have been done. */
static void channel_sync(Channel *c, int64_t now)
{
    if (!c->pending || now < c->pending_at)
        return;
    c->count = c->pending;
    c->start = c->pending_at - c->pending_skip;
    c->stopped = 0;
    c->pending = 0;
    c->loaded = true;
}

/* Ticks counted since the load. */
static int64_t channel_elapsed(const Channel *c, int64_t now)
{
    if (!c->gate && (c->mode == 0 || c->mode == 4))
        return c->stopped;
    return MAX(now - c->start, 0);
}

static bool channel_out(const Channel *c, int64_t now)
{
    int64_t d = channel_elapsed(c, now);

    if (!c->loaded)
        return c->mode != 0;
    switch (c->mode) {
    case 0:
    case 1:
        return d >= c->count;
    case 2:
        return !c->gate || d % c->count != c->count - 1;
    case 3:
        return !c->gate || d % c->count < square_high(c->count);
    default:
        return d != c->count;
    }
}

/* The counting element, 0..65535 (0..9999 in BCD). */
static int64_t channel_value(const Channel *c, int64_t now)
{
    int64_t d = channel_elapsed(c, now), modulus = c->bcd ? 10000 : 65536, half, value;

    if (!c->loaded || (is_periodic(c) && !c->gate))
        return c->hold;
    switch (c->mode) {
    case 2:
        value = c->count - d % c->count;
        break;
    case 3: /* counts down by two, twice a period */
        half = square_high(c->count);
        d %= c->count;
        value = (c->count & ~1) - 2 * (d < half ? d : d - half);
        break;
    default:
        value = c->count - d;
        break;
    }
    value %= modulus;
    return value < 0 ? value + modulus : value;
}

static uint16_t channel_read_value(const Channel *c, int64_t now)
{
    int64_t v = channel_value(c, now);

    return c->bcd ? v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12 : v;
}

/* The first tick after `after` at which a period of the count that is loaded begins. */
static int64_t next_period(const Channel *c, int64_t after)
{
    return after < c->start ? c->start + c->count : c->start + ((after - c->start) / c->count + 1) * c->count;
}

/* The first tick after `after` at which the output rises, for an open gate. */
static int64_t channel_next_edge(const Channel *c, int64_t after)
{
    int64_t start = c->start, count = c->count, edge;

    if (c->pending && (!c->loaded || !is_periodic(c) || c->pending_skip)) {
        start = c->pending_at == NEVER ? NEVER : c->pending_at - c->pending_skip;
        count = c->pending;
    } else if (!c->loaded) {
        return NEVER;
    }
    if (start == NEVER)
        return NEVER;
    if (is_periodic(c)) /* a pending count that isn't loaded on such an edge was seen to above */
        return after < start ? start + count : start + ((after - start) / count + 1) * count;
    edge = start + count + (c->mode >= 4);
    return edge > after ? edge : NEVER;
}

static void channel_set_mode(Channel *c, uint8_t control, int64_t now)
{
    c->hold = channel_value(c, now);
    c->rw = control >> 4 & 3;
    c->mode = control >> 1 & 7;
    if (c->mode > 5)
        c->mode &= 3; /* the third bit doesn't count for modes 2 and 3 */
    c->bcd = control & 1;
    if (c->bcd)
        c->hold %= 10000;
    c->loaded = false;
    c->pending = 0;
    c->stopped = 0;
    c->write_high = c->read_high = false;
    c->latched = 0;
    c->status_latched = false;
}

static void channel_load(Channel *c, uint16_t raw, int64_t now)
{
    int64_t count = raw;

    if (c->bcd)
        count = (raw & 15) + (raw >> 4 & 15) * 10 + (raw >> 8 & 15) * 100 + (raw >> 12) * 1000;
    if (!count)
        count = c->bcd ? 10000 : 65536;
    if (is_periodic(c) && count < 2)
        count = 2; /* 1 is illegal there */
    c->pending = count;
    c->pending_skip = 0;
    if (is_triggered(c) || (is_periodic(c) && !c->gate)) {
        c->pending_at = NEVER; /* until the gate rises */
    } else if (c->mode == 3 && c->loaded && now >= c->start && (now - c->start) % c->count < square_high(c->count)) {
        /* datasheet, "Mode 3": a new count is loaded at the end of the current half-cycle; the low one follows */
        c->pending_at = c->start + (now - c->start) / c->count * c->count + square_high(c->count);
        c->pending_skip = square_high(count);
    } else if (is_periodic(c) && c->loaded) {
        c->pending_at = next_period(c, now); /* the running period ends first */
    } else {
        if (c->mode == 0 && c->loaded) {
            c->hold = channel_value(c, now); /* the output falls with the write */
            c->loaded = false;
        }
        c->pending_at = now + 1;
    }
}

static void channel_set_gate(Channel *c, bool gate, int64_t now)
{
    if (gate == c->gate)
        return;
    if (!gate) {
        c->stopped = channel_elapsed(c, now);
        if (is_periodic(c))
            c->hold = channel_value(c, now);
    } else if (c->mode == 0 || c->mode == 4) {
        c->start = now - c->stopped;
    } else {
        int64_t count = c->pending ? c->pending : c->count;

        if (c->pending || c->loaded || (is_triggered(c) && count)) {
            c->count = count;
            c->start = now + 1;
            c->pending = 0;
            c->loaded = true;
        }
    }
    c->gate = gate;
}

/* ---- 3. IRQ 0 ---- */

static void set_level(Pit *p, bool level)
{
    level = level && p->irq_enabled;
    if (level == p->level)
        return;
    p->level = level;
    irqline_set(&p->irq, level);
}

/* A rising edge. The line then stays up: nobody on it cares for the time that a square wave is low. */
static void pulse(Pit *p)
{
    set_level(p, false);
    set_level(p, true);
}

static int irq_state(Pit *p)
{
    return p->irq_state ? p->irq_state(p->irq_state_opaque) : 0;
}

static void arm_owed(Pit *p)
{
    if (p->owed && !timer_armed(p->owed_timer))
        timer_arm(p->owed_timer, clock_now(p->clock) + ticks_to_ns(p->channel[0].count) / 2);
}

/* n edges have come due. */
static void tick(Pit *p, int64_t n)
{
    Channel *c = &p->channel[0];
    bool makes_up = is_periodic(c) && c->count >= SHORTEST_TICKS;

    p->burst = 0;
    switch (irq_state(p)) {
    case 0:
        pulse(p);
        p->owed += n - 1;
        break;
    case 1:
        p->owed += n;
        break;
    default:
        pulse(p);
        p->owed = 0;
        break;
    }
    p->owed = makes_up ? MIN(p->owed, OWED_SECONDS * PIT_HZ / c->count) : 0;
    if (irq_state(p) != 2 && p->owed)
        arm_owed(p);
}

void pit_tick_taken(Pit *p)
{
    if (!p->owed || p->burst == OWED_BURST || irq_state(p) != 0)
        return;
    p->owed--;
    p->burst++;
    pulse(p);
}

static void owed_fire(void *opaque)
{
    Pit *p = opaque;

    switch (irq_state(p)) {
    case 0:
        if (p->owed) {
            p->owed--;
            pulse(p);
        }
        break;
    case 1: /* the next regular tick asks again */
        break;
    default:
        p->owed = 0;
        break;
    }
}

static void arm_edge(Pit *p, int64_t after)
{
    Channel *c = &p->channel[0];
    int64_t edge;

    channel_sync(c, after);
    edge = p->irq_enabled ? channel_next_edge(c, after) : NEVER;
    if (edge != NEVER && is_periodic(c) && c->loaded && c->count < SHORTEST_TICKS)
        edge += (SHORTEST_TICKS - 1) / c->count * c->count;
    p->edge = edge;
    if (edge == NEVER)
        timer_disarm(p->edge_timer);
    else
        timer_arm(p->edge_timer, ticks_to_ns(edge));
}

static void edge_fire(void *opaque)
{
    Pit *p = opaque;
    Channel *c = &p->channel[0];
    int64_t now = pit_now(p), n = 1;

    if (p->edge == NEVER || now < p->edge)
        now = p->edge;
    channel_sync(c, p->edge); /* a new period begins with this edge */
    if (is_periodic(c) && c->loaded && !c->pending)
        n += (now - p->edge) / c->count;
    else
        now = p->edge; /* what came after it follows one by one */
    tick(p, n);
    arm_edge(p, now);
}

/* Channel 0 was programmed: bring line and timer in step. */
static void reprogrammed(Pit *p)
{
    int64_t now = pit_now(p);

    set_level(p, channel_out(&p->channel[0], now));
    arm_edge(p, now);
}

void pit_set_irq_enabled(Pit *p, bool enabled)
{
    if (enabled == p->irq_enabled)
        return;
    p->irq_enabled = enabled;
    p->owed = 0;
    timer_disarm(p->owed_timer);
    reprogrammed(p);
}

void pit_set_irq_state(Pit *p, int (*state)(void *opaque), void *opaque)
{
    p->irq_state = state;
    p->irq_state_opaque = opaque;
}

/* ---- 4. registers ---- */

static void speaker_update(Pit *p);

static void latch_count(Channel *c, int64_t now)
{
    if (c->latched)
        return; /* the first latch stands until it is read */
    c->latch = channel_read_value(c, now);
    c->latched = c->rw == PIT_RW_BOTH ? 2 : 1;
}

static void latch_status(Channel *c, int64_t now)
{
    if (c->status_latched)
        return;
    c->status = (channel_out(c, now) ? PIT_STATUS_OUT : 0) | (c->pending || !c->loaded ? PIT_STATUS_NULL : 0) |
                c->rw << 4 | c->mode << 1 | c->bcd;
    c->status_latched = true;
}

static void write_control(Pit *p, uint8_t value, int64_t now)
{
    unsigned n = value >> 6;

    if (n == PIT_READBACK) {
        for (unsigned i = 0; i < 3; i++) {
            if (!(value & 2 << i))
                continue;
            if (!(value & PIT_READBACK_NO_COUNT))
                latch_count(&p->channel[i], now);
            if (!(value & PIT_READBACK_NO_STATUS))
                latch_status(&p->channel[i], now);
        }
    } else if ((value >> 4 & 3) == PIT_RW_LATCH) {
        latch_count(&p->channel[n], now);
    } else {
        channel_set_mode(&p->channel[n], value, now);
        if (n == 0) {
            p->owed = 0;
            timer_disarm(p->owed_timer);
            reprogrammed(p);
        }
    }
}

static void write_count(Pit *p, unsigned n, uint8_t value, int64_t now)
{
    Channel *c = &p->channel[n];

    switch (c->rw) {
    case PIT_RW_LOW:
        channel_load(c, value, now);
        break;
    case PIT_RW_HIGH:
        channel_load(c, value << 8, now);
        break;
    case PIT_RW_BOTH:
        c->write_high = !c->write_high;
        if (c->write_high) {
            c->write_low = value;
            if (c->mode == 0) { /* the first byte stops the count, the output falls */
                c->hold = channel_value(c, now);
                c->loaded = false;
                c->pending = 0;
                break;
            }
            return;
        }
        channel_load(c, value << 8 | c->write_low, now);
        break;
    default:
        return; /* never programmed */
    }
    if (n == 0)
        reprogrammed(p);
}

/*
 * Guests calibrate other clocks by channel 2, with one look at those right behind its load. Had the host taken the CPU away in between they would
 * find that it counted very fast: so what the guest cannot have seen pass does not count.
 */
static void settle_start(Pit *p)
{
    Channel *c = &p->channel[2];
    int64_t absent = ns_to_ticks(clock_absent(p->clock));

    if (c->mode == 0 && c->gate && c->loaded)
        c->start += absent;
}

static void pit_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Pit *p = opaque;

    if (offset == 2 && p->channel[2].mode == 0)
        clock_absent_begin(p->clock);
    int64_t now = pit_now(p);

    for (int i = 0; i < 3; i++)
        channel_sync(&p->channel[i], now);
    if (offset == 3) {
        settle_start(p); /* it may latch the count */
        write_control(p, value, now);
    } else {
        write_count(p, offset, value, now);
    }
    speaker_update(p);
}

static uint8_t read_byte(Channel *c, uint16_t value)
{
    if (c->rw == PIT_RW_LOW)
        return value;
    if (c->rw == PIT_RW_HIGH)
        return value >> 8;
    c->read_high = !c->read_high;
    return c->read_high ? value : value >> 8;
}

static uint64_t pit_read(void *opaque, uint64_t offset, unsigned size)
{
    Pit *p = opaque;
    int64_t now = pit_now(p);
    Channel *c;

    if (offset == 3)
        return 0xff; /* the control word can't be read */
    c = &p->channel[offset];
    channel_sync(c, now);
    if (offset == 2)
        settle_start(p);
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    if (c->latched) {
        c->latched--;
        return read_byte(c, c->latch);
    }
    return read_byte(c, channel_read_value(c, now));
}

/* ---- 5. port 61h and the speaker ---- */

static void speaker_update(Pit *p)
{
    Channel *c = &p->channel[2];
    int64_t count = c->pending ? c->pending : c->loaded ? c->count : 0;
    unsigned hz = 0;

    if ((p->portb & PORTB_SPEAKER) && c->gate && c->mode == 3 && count)
        hz = PIT_HZ / count;
    if (hz > 20000)
        hz = 0;
    if (hz == p->speaker_hz)
        return;
    p->speaker_hz = hz;
    if (p->speaker)
        p->speaker(p->speaker_opaque, hz);
}

unsigned pit_speaker_hz(Pit *p)
{
    return p->speaker_hz;
}

void pit_set_speaker(Pit *p, void (*changed)(void *opaque, unsigned hz), void *opaque)
{
    p->speaker = changed;
    p->speaker_opaque = opaque;
}

static uint64_t portb_read(void *opaque, uint64_t offset, unsigned size)
{
    Pit *p = opaque;
    int64_t now = pit_now(p);

    channel_sync(&p->channel[2], now);
    settle_start(p);
    return p->portb | (now / REFRESH_TICKS & 1 ? PORTB_REFRESH : 0) |
           (channel_out(&p->channel[2], now) ? PORTB_OUT2 : 0);
}

static void portb_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Pit *p = opaque;
    int64_t now = pit_now(p);

    p->portb = value & PORTB_STORED;
    channel_sync(&p->channel[2], now);
    channel_set_gate(&p->channel[2], value & PORTB_GATE2, now);
    speaker_update(p);
}

static const RegionOps pit_ops = { pit_read, pit_write, 1, 1 };
static const RegionOps portb_ops = { portb_read, portb_write, 1, 1 };

void pit_reset(Pit *p)
{
    for (int i = 0; i < 3; i++)
        p->channel[i] = (Channel){ .gate = i < 2, .rw = PIT_RW_BOTH };
    p->portb = 0;
    p->irq_enabled = true;
    p->owed = 0;
    timer_disarm(p->owed_timer);
    reprogrammed(p);
    speaker_update(p);
}

Pit *pit_new(Bus *io, Clock *clock, IrqLine irq)
{
    Pit *p = g_new0(Pit, 1);

    p->clock = clock;
    p->irq = irq;
    p->edge_timer = timer_new(clock, edge_fire, p);
    p->owed_timer = timer_new(clock, owed_fire, p);
    bus_add_io(io, "pit", 0x40, 4, &pit_ops, p, 0);
    bus_add_io(io, "portb", 0x61, 1, &portb_ops, p, 0);
    pit_reset(p);
    return p;
}

void pit_free(Pit *p)
{
    if (!p)
        return;
    timer_free(p->edge_timer);
    timer_free(p->owed_timer);
    g_free(p);
}

/*
 * The high precision event timer.
 *
 * The main counter is virtual time in units of 10 ns, plus an offset; halted, it holds a value. A comparator fires
 * when the counter reaches it; a periodic one then moves on by its period. In 32-bit mode both are compared by
 * their low halves.
 *
 * Guests count periodic ticks. Those that this process was late for, or that the guest's CPU couldn't take in time,
 * are owed, and made up for: a few at once whenever one has been taken, the rest at twice the rate.
 *
 * Section numbers are those of the IA-PC HPET specification 1.0a.
 */
#include "hw/hpet.h"

#include <string.h>

#define HPET_SIZE 0x400
#define HPET_TICK_NS 10
#define HPET_TICK_FS 10000000ull
#define HPET_TIMERS 3

enum { REG_CAPABILITIES = 0x00, REG_CONFIG = 0x10, REG_STATUS = 0x20, REG_COUNTER = 0xf0, REG_TIMER = 0x100 };
enum { TIMER_CONFIG = 0x00, TIMER_COMPARATOR = 0x08, TIMER_FSB = 0x10, TIMER_STRIDE = 0x20 };

/*
 * HPET_ID in the low half: vendor, legacy replacement, 64 bits, three timers, revision 1; the period in the high
 * one.
 */
#define HPET_CAPABILITIES (HPET_TICK_FS << 32 | HPET_ID)

#define CONFIG_ENABLE 1u
#define CONFIG_LEGACY 2u

#define T_LEVEL (1u << 1)
#define T_ENABLE (1u << 2)
#define T_PERIODIC (1u << 3)
#define T_PERIODIC_CAP (1u << 4)
#define T_SIZE_CAP (1u << 5)
#define T_VALUE_SET (1u << 6)
#define T_32BIT (1u << 8)
#define T_ROUTE(c) ((c) >> 9 & 31)
#define T_WRITABLE 0x3f4eull /* type, enable, mode, value set, 32-bit, route */
#define T_ROUTES (4ull << 32) /* may interrupt on IRQ 2 */

/* However short a period the guest sets, we don't wake up more often. */
#define PERIOD_MIN US(20)
/* Periods shorter than this aren't made up for, nor more than so much time. */
#define OWED_PERIOD_MIN US(100)
#define OWED_MAX (10 * NS_PER_SEC)
#define OWED_BURST 8 /* ticks made up for at once, between two regular ones */

typedef struct HpetTimer {
    struct Hpet *hpet;
    unsigned n;
    uint64_t config, comparator, period, fsb;
    Timer *timer;
    int64_t due; /* when the counter reaches the comparator, INT64_MAX: never; `timer` is armed for it if anybody would notice */
    uint64_t owed; /* ticks that came due and weren't delivered */
    unsigned burst; /* of them, given since the last regular one */
    Timer *owed_timer;
} HpetTimer;

/* As PicIrqState. */
enum { TICK_IDLE, TICK_PENDING, TICK_MASKED };

struct Hpet {
    Clock *clock;
    HpetWires wires;
    uint64_t config;
    uint32_t status; /* level interrupts that are active */
    uint64_t counter; /* halted: its value; running: its value at time 0 of the clock */
    bool pit, rtc; /* levels of the inputs */
    int (*irq_state)(void *opaque);
    void *irq_state_opaque;
    HpetTimer timer[HPET_TIMERS];
};

static bool running(const Hpet *h)
{
    return h->config & CONFIG_ENABLE;
}

static bool legacy(const Hpet *h)
{
    return h->config & CONFIG_LEGACY;
}

static uint64_t ticks(const Hpet *h)
{
    return (uint64_t)clock_now(h->clock) / HPET_TICK_NS;
}

static uint64_t counter(const Hpet *h)
{
    return running(h) ? h->counter + ticks(h) : h->counter;
}

/* Interrupts */

/* The wire that a timer drives (2.3.8, table 2: routing in legacy replacement mode), NULL for none. */
static const IrqLine *timer_wire(const HpetTimer *t)
{
    const Hpet *h = t->hpet;
    if (legacy(h) && t->n == 0)
        return &h->wires.irq0;
    if (legacy(h) && t->n == 1)
        return &h->wires.irq8;
    return T_ROUTE(t->config) == 2 ? &h->wires.irq2 : NULL;
}

static void timer_fire(HpetTimer *t)
{
    Hpet *h = t->hpet;
    const IrqLine *wire = timer_wire(t);
    if (t->config & T_LEVEL) {
        /* The status bit is set even if the interrupt is disabled (2.3.6). */
        h->status |= 1u << t->n;
        if (wire && (t->config & T_ENABLE))
            irqline_set(wire, true);
    } else if (wire && (t->config & T_ENABLE)) {
        irqline_pulse(wire);
    }
}

static void timer_quiet(HpetTimer *t)
{
    const IrqLine *wire = timer_wire(t);
    if (wire && (t->config & T_LEVEL))
        irqline_set(wire, false);
}

/* The inputs go through, or stay low. */
static void inputs_update(Hpet *h)
{
    if (legacy(h))
        return;
    irqline_set(&h->wires.irq0, h->pit);
    irqline_set(&h->wires.irq8, h->rtc);
}

static void pit_set(void *opaque, int n, bool level)
{
    Hpet *h = opaque;
    h->pit = level;
    inputs_update(h);
}

static void rtc_set(void *opaque, int n, bool level)
{
    Hpet *h = opaque;
    h->rtc = level;
    inputs_update(h);
}

IrqLine hpet_pit_input(Hpet *h)
{
    return (IrqLine){ .set = pit_set, .opaque = h };
}

IrqLine hpet_rtc_input(Hpet *h)
{
    return (IrqLine){ .set = rtc_set, .opaque = h };
}

/* Comparators */

static uint64_t timer_mask(const HpetTimer *t)
{
    return t->config & T_32BIT ? 0xffffffff : UINT64_MAX;
}

/* An edge on no wire. Linux leaves its periodic timer running like that when it goes over to the local APIC's. */
static bool timer_silent(const HpetTimer *t)
{
    return !(t->config & T_LEVEL) && !((t->config & T_ENABLE) && timer_wire(t));
}

/* Arm for the moment when the counter reaches the comparator. A silent timer wakes nobody; see timer_overtaken(). */
static void timer_schedule(HpetTimer *t)
{
    Hpet *h = t->hpet;
    t->due = INT64_MAX;
    if (!running(h)) {
        timer_disarm(t->timer);
        return;
    }
    uint64_t mask = timer_mask(t);
    uint64_t wait = (t->comparator - counter(h)) & mask;
    /*
     * Reached just now, and passed: the next time is after a whole turn. 64 bits of that are centuries; don't wake.
     */
    if (wait == 0 && mask != UINT64_MAX)
        wait = mask + 1;
    if (wait == 0 || wait > INT64_MAX / HPET_TICK_NS / 4) {
        timer_disarm(t->timer);
        return;
    }
    t->due = (int64_t)(ticks(h) + wait) * HPET_TICK_NS;
    if (timer_silent(t))
        timer_disarm(t->timer);
    else
        timer_arm(t->timer, t->due);
}

/*
 * Move a periodic comparator to the first multiple that is ahead, and not closer than the shortest wake-up. Returns
 * the periods that it moved.
 */
static uint64_t timer_advance(HpetTimer *t)
{
    uint64_t mask = timer_mask(t);
    uint64_t period = t->period & mask;
    if (period == 0)
        return 1;
    uint64_t margin = period < PERIOD_MIN / HPET_TICK_NS ? PERIOD_MIN / HPET_TICK_NS : 1;
    uint64_t behind = (counter(t->hpet) - t->comparator) & mask;
    uint64_t steps = MAX((behind + margin + period - 1) / period, 1);
    t->comparator = (t->comparator + steps * period) & mask;
    return steps;
}

static int tick_state(const HpetTimer *t)
{
    const Hpet *h = t->hpet;
    return t->n == 0 && legacy(h) && h->irq_state ? h->irq_state(h->irq_state_opaque) : TICK_IDLE;
}

static void owed_schedule(HpetTimer *t)
{
    uint64_t period_ns = (t->period & timer_mask(t)) * HPET_TICK_NS;
    bool makes_up = (t->config & T_PERIODIC) && !(t->config & T_LEVEL) && period_ns >= OWED_PERIOD_MIN;
    t->owed = makes_up ? MIN(t->owed, OWED_MAX / period_ns) : 0;
    if (t->owed && !timer_armed(t->owed_timer))
        timer_arm(t->owed_timer, clock_now(t->hpet->clock) + (int64_t)(period_ns / 2));
}

static void owed_forget(HpetTimer *t)
{
    t->owed = 0;
    timer_disarm(t->owed_timer);
}

void hpet_tick_taken(Hpet *h)
{
    HpetTimer *t = &h->timer[0];
    if (!t->owed || t->burst == OWED_BURST || tick_state(t) != TICK_IDLE)
        return;
    t->owed--;
    t->burst++;
    timer_fire(t);
}

static void owed_expired(void *opaque)
{
    HpetTimer *t = opaque;
    switch (tick_state(t)) {
    case TICK_IDLE:
        if (t->owed) {
            t->owed--;
            timer_fire(t);
        }
        break;
    case TICK_MASKED:
        t->owed = 0;
        break;
    }
    owed_schedule(t);
}

/* n periods have ended. */
static void timer_tick(HpetTimer *t, uint64_t n)
{
    t->burst = 0;
    switch (tick_state(t)) {
    case TICK_PENDING:
        t->owed += n;
        break;
    case TICK_MASKED:
        t->owed = 0;
        timer_fire(t);
        break;
    default:
        t->owed += n - 1;
        timer_fire(t);
        break;
    }
    owed_schedule(t);
}

static void timer_expired(void *opaque)
{
    HpetTimer *t = opaque;
    if (t->config & T_PERIODIC)
        timer_tick(t, timer_advance(t));
    else
        timer_fire(t);
    timer_schedule(t);
}

/* Before the guest looks: what a silent timer would have done by now. */
static void timer_overtaken(HpetTimer *t)
{
    if (timer_armed(t->timer) || t->due > clock_now(t->hpet->clock))
        return;
    if (t->config & T_PERIODIC)
        timer_advance(t);
    timer_schedule(t);
}

static void overtaken(Hpet *h)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        timer_overtaken(&h->timer[n]);
}

void hpet_set_irq_state(Hpet *h, int (*state)(void *opaque), void *opaque)
{
    h->irq_state = state;
    h->irq_state_opaque = opaque;
}

/* Registers */

static uint64_t timer_read(HpetTimer *t, unsigned reg)
{
    switch (reg) {
    case TIMER_CONFIG:
        return t->config;
    case TIMER_COMPARATOR:
        return t->comparator & timer_mask(t);
    case TIMER_FSB:
        return t->fsb;
    default:
        return 0;
    }
}

static uint64_t hpet_register(Hpet *h, unsigned reg)
{
    switch (reg) {
    case REG_CAPABILITIES:
        return HPET_CAPABILITIES;
    case REG_CONFIG:
        return h->config;
    case REG_STATUS:
        return h->status;
    case REG_COUNTER:
        return counter(h);
    default:
        if (reg >= REG_TIMER && reg < REG_TIMER + HPET_TIMERS * TIMER_STRIDE)
            return timer_read(&h->timer[(reg - REG_TIMER) / TIMER_STRIDE], (reg - REG_TIMER) % TIMER_STRIDE);
        return 0;
    }
}

static void config_write(Hpet *h, uint64_t value)
{
    uint64_t was = h->config;
    uint64_t now = ticks(h);
    value &= CONFIG_ENABLE | CONFIG_LEGACY;
    if ((was ^ value) & CONFIG_LEGACY) {
        /* Let go of the wires under the old routing first. */
        for (unsigned n = 0; n < HPET_TIMERS; n++)
            timer_quiet(&h->timer[n]);
        irqline_set(&h->wires.irq0, false);
        irqline_set(&h->wires.irq8, false);
    }
    if ((value & CONFIG_ENABLE) && !(was & CONFIG_ENABLE))
        h->counter -= now;
    else if (!(value & CONFIG_ENABLE) && (was & CONFIG_ENABLE))
        h->counter += now;
    h->config = value;
    inputs_update(h);
    irqline_set(&h->wires.legacy, legacy(h));
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        HpetTimer *t = &h->timer[n];
        owed_forget(t);
        if (!running(h))
            timer_quiet(t);
        else if (h->status >> n & 1 && t->config & T_ENABLE && timer_wire(t))
            irqline_set(timer_wire(t), true);
        timer_schedule(t);
    }
}

static void status_write(Hpet *h, uint32_t value)
{
    uint32_t cleared = h->status & value;
    h->status &= ~value;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        if (cleared >> n & 1)
            timer_quiet(&h->timer[n]);
    }
}

static void counter_write(Hpet *h, uint64_t value)
{
    h->counter = running(h) ? value - ticks(h) : value;
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        timer_schedule(&h->timer[n]);
}

static void timer_config_write(HpetTimer *t, uint64_t value)
{
    Hpet *h = t->hpet;
    timer_quiet(t);
    owed_forget(t);
    t->config = (t->config & ~T_WRITABLE) | (value & T_WRITABLE);
    if (t->config & T_32BIT) {
        t->comparator &= 0xffffffff;
        t->period &= 0xffffffff;
    }
    if (!(t->config & T_LEVEL))
        h->status &= ~(1u << t->n);
    if (h->status >> t->n & 1 && t->config & T_ENABLE && timer_wire(t))
        irqline_set(timer_wire(t), true);
    timer_schedule(t);
}

/*
 * 2.3.9.2.2: in periodic mode a write sets the period, and the comparator too if "value set" was set before. So the
 * usual pair of writes, first value then period, works.
 */
static void comparator_write(HpetTimer *t, uint64_t value, uint64_t changed)
{
    changed &= timer_mask(t);
    owed_forget(t);
    bool periodic = t->config & T_PERIODIC;
    if (!periodic || (t->config & T_VALUE_SET))
        t->comparator = (t->comparator & ~changed) | (value & changed);
    if (periodic)
        t->period = (t->period & ~changed) | (value & changed);
    t->config &= ~(uint64_t)T_VALUE_SET; /* by itself, after one write */
    timer_schedule(t);
}

/* The register reg of 64 bits gets the bits `changed` of value. */
static void hpet_register_write(Hpet *h, unsigned reg, uint64_t value, uint64_t changed)
{
    uint64_t merged = (hpet_register(h, reg) & ~changed) | (value & changed);
    switch (reg) {
    case REG_CONFIG:
        config_write(h, merged);
        return;
    case REG_STATUS:
        status_write(h, (uint32_t)(value & changed)); /* ones clear */
        return;
    case REG_COUNTER:
        counter_write(h, merged);
        return;
    }
    if (reg < REG_TIMER || reg >= REG_TIMER + HPET_TIMERS * TIMER_STRIDE)
        return;
    HpetTimer *t = &h->timer[(reg - REG_TIMER) / TIMER_STRIDE];
    switch ((reg - REG_TIMER) % TIMER_STRIDE) {
    case TIMER_CONFIG:
        timer_config_write(t, merged);
        break;
    case TIMER_COMPARATOR:
        comparator_write(t, value, changed);
        break;
    case TIMER_FSB:
        t->fsb = merged;
        break;
    }
}

/* Registers are 64 bits wide; the guest may use either half, or all (2.1). */
static uint64_t hpet_read(void *opaque, uint64_t offset, unsigned size)
{
    overtaken(opaque);
    return hpet_register(opaque, (unsigned)offset & ~7u) >> (offset & 7) * 8;
}

static void hpet_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    unsigned shift = (offset & 7) * 8;
    uint64_t changed = (size == 8 ? UINT64_MAX : (1ull << size * 8) - 1) << shift;
    overtaken(opaque);
    hpet_register_write(opaque, (unsigned)offset & ~7u, value << shift, changed);
}

static const RegionOps hpet_ops = { .read = hpet_read, .write = hpet_write, .min_size = 1, .max_size = 8 };

void hpet_reset(Hpet *h)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        HpetTimer *t = &h->timer[n];
        timer_quiet(t);
        timer_disarm(t->timer);
        t->due = INT64_MAX;
        owed_forget(t);
        t->config = T_PERIODIC_CAP | T_SIZE_CAP | T_ROUTES;
        t->comparator = UINT64_MAX;
        t->period = t->fsb = 0;
    }
    h->config = 0;
    h->status = 0;
    h->counter = 0;
    inputs_update(h);
    irqline_set(&h->wires.legacy, false);
}

Hpet *hpet_new(Bus *mem, Clock *clock, const HpetWires *wires)
{
    Hpet *h = g_new0(Hpet, 1);
    h->clock = clock;
    h->wires = *wires;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        h->timer[n].hpet = h;
        h->timer[n].n = n;
        h->timer[n].timer = timer_new(clock, timer_expired, &h->timer[n]);
        h->timer[n].owed_timer = timer_new(clock, owed_expired, &h->timer[n]);
    }
    bus_add_io(mem, "hpet", HPET_BASE, HPET_SIZE, &hpet_ops, h, 0);
    hpet_reset(h);
    return h;
}

void hpet_free(Hpet *h)
{
    if (!h)
        return;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        timer_free(h->timer[n].timer);
        timer_free(h->timer[n].owed_timer);
    }
    g_free(h);
}

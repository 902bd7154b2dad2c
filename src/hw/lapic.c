/*
 * The local APIC.
 *
 * 256 vectors, a bit for each in three registers: IRR (asked for), ISR (being serviced), TMR (level-triggered: tell
 * the I/O APIC at the end). A vector's high nibble is its priority. The highest in IRR goes to the CPU when it is
 * above the processor priority, the higher of the task priority and the highest in ISR (SDM 3A 10.8).
 *
 * Virtual wire: after reset LINT0 is set for ExtINT, as every BIOS leaves it, and the PIC's interrupts pass through
 * to the CPU with the PIC's vectors. Disabled in IA32_APIC_BASE, the two pins are simply INTR and NMI (10.4.3).
 *
 * The timer counts nanoseconds divided by the divide register: a bus clock of 1 GHz.
 *
 * Parts: bits and priorities, delivery, pins, timer, interrupt command, registers, IA32_APIC_BASE.
 */
#include "hw/lapic.h"

#include <string.h>

#define LAPIC_VERSION 0x50014u /* integrated APIC, six LVT entries */

enum {
    REG_ID = 0x02,
    REG_VERSION = 0x03,
    REG_TPR = 0x08,
    REG_APR = 0x09,
    REG_PPR = 0x0a,
    REG_EOI = 0x0b,
    REG_LDR = 0x0d,
    REG_DFR = 0x0e,
    REG_SVR = 0x0f,
    REG_ISR = 0x10,
    REG_TMR = 0x18,
    REG_IRR = 0x20,
    REG_ESR = 0x28,
    REG_ICR_LOW = 0x30,
    REG_ICR_HIGH = 0x31,
    REG_LVT = 0x32,
    REG_TIMER_INITIAL = 0x38,
    REG_TIMER_CURRENT = 0x39,
    REG_TIMER_DIVIDE = 0x3e,
};

enum { LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };

#define LVT_MODE(e) ((e) >> 8 & 7)
#define LVT_REMOTE_IRR (1u << 14)
#define LVT_LEVEL (1u << 15)
#define LVT_MASKED (1u << 16)
#define LVT_PERIODIC (1u << 17)

#define SVR_ENABLE (1u << 8)
#define SVR_WRITABLE 0x3ffu

#define ESR_SEND_ILLEGAL (1u << 5)
#define ESR_RECEIVE_ILLEGAL (1u << 6)
#define ESR_REGISTER_ILLEGAL (1u << 7)

#define ICR_LOGICAL (1u << 11)
#define ICR_ASSERT (1u << 14)
#define ICR_LEVEL (1u << 15)
#define ICR_SHORTHAND(v) ((v) >> 18 & 3)
enum { SHORTHAND_NONE, SHORTHAND_SELF, SHORTHAND_ALL, SHORTHAND_OTHERS };

#define BASE_BSP (1u << 8)
#define BASE_ENABLE (1u << 11)
#define BASE_ADDRESS 0xffffff000ull /* 36 physical address bits */

#define DESTINATION_ALL 0xff

/* A periodic timer that the guest sets shorter still comes no more often than this. */
#define PERIOD_MIN US(20)

/* The board's own devices lie below. */
#define LAPIC_PRIORITY 32

struct Lapic {
    bool present;
    Bus *mem;
    Clock *clock;
    Region *region;
    LapicWires wires;
    uint64_t base;
    uint8_t id, tpr, ldr;
    uint32_t dfr, svr, icr[2];
    uint32_t esr, esr_pending; /* what reads see; what the next write to ESR will show */
    uint32_t irr[8], isr[8], tmr[8];
    uint32_t lvt[LVT_COUNT];
    bool pin[LAPIC_LINTS];
    /* timer */
    uint32_t initial, divide;
    int64_t start; /* when the count began */
    Timer *timer;
};

/* Bits and priorities */

static void bit_set(uint32_t *reg, uint8_t vector)
{
    reg[vector / 32] |= 1u << (vector & 31);
}

static void bit_clear(uint32_t *reg, uint8_t vector)
{
    reg[vector / 32] &= ~(1u << (vector & 31));
}

static bool bit_test(const uint32_t *reg, uint8_t vector)
{
    return reg[vector / 32] >> (vector & 31) & 1;
}

/* The highest vector in a register, -1 for none. */
static int bit_highest(const uint32_t *reg)
{
    for (int i = 7; i >= 0; i--) {
        if (reg[i])
            return i * 32 + 31 - __builtin_clz(reg[i]);
    }
    return -1;
}

bool lapic_enabled(const Lapic *a)
{
    return a->present && (a->base & BASE_ENABLE);
}

static bool software_enabled(const Lapic *a)
{
    return lapic_enabled(a) && (a->svr & SVR_ENABLE);
}

static uint8_t processor_priority(const Lapic *a)
{
    int serviced = bit_highest(a->isr);
    if (serviced >= 0 && (serviced & 0xf0) > (a->tpr & 0xf0))
        return serviced & 0xf0;
    return a->tpr;
}

/* The vector that would be taken now, -1 for none. */
static int lapic_waiting(const Lapic *a)
{
    int asked = bit_highest(a->irr);
    if (!software_enabled(a) || asked < 0 || (asked & 0xf0) <= (processor_priority(a) & 0xf0))
        return -1;
    return asked;
}

/* Does an interrupt of the PIC pass through? */
static bool lapic_extint(const Lapic *a)
{
    if (!a->pin[0])
        return false;
    uint32_t e = a->lvt[LVT_LINT0];
    return !lapic_enabled(a) || (!(e & LVT_MASKED) && LVT_MODE(e) == APIC_MODE_EXTINT);
}

static void lapic_update(Lapic *a)
{
    irqline_set(&a->wires.intr, lapic_waiting(a) >= 0 || lapic_extint(a));
}

bool lapic_requested(const Lapic *a, uint8_t vector)
{
    return bit_test(a->irr, vector);
}

int lapic_ack(void *opaque)
{
    Lapic *a = opaque;
    int vector = lapic_waiting(a);
    if (vector >= 0) {
        bit_clear(a->irr, vector);
        bit_set(a->isr, vector);
    } else if (lapic_extint(a) && a->wires.pic.ack) {
        vector = a->wires.pic.ack(a->wires.pic.opaque);
    }
    lapic_update(a);
    return vector;
}

void lapic_drive(Lapic *a)
{
    lapic_update(a);
}

void lapic_set_pic(Lapic *a, IntAck pic)
{
    a->wires.pic = pic;
}

/* Delivery */

static void lvt_raise(Lapic *a, unsigned n);

static void lapic_error(Lapic *a, uint32_t bit)
{
    bool first = !(a->esr_pending & bit);
    a->esr_pending |= bit;
    if (first)
        lvt_raise(a, LVT_ERROR);
}

static void lapic_accept(Lapic *a, uint8_t vector, bool level)
{
    if (vector < 16) {
        lapic_error(a, ESR_RECEIVE_ILLEGAL);
        return;
    }
    bit_set(a->irr, vector);
    if (level)
        bit_set(a->tmr, vector);
    else
        bit_clear(a->tmr, vector);
    lapic_update(a);
}

/* SDM 3A 10.6.2: physical ids, or a logical set in the flat or the cluster model. */
static bool lapic_addressed(const Lapic *a, const ApicMessage *m)
{
    if (m->destination == DESTINATION_ALL)
        return true;
    if (!m->logical)
        return m->destination == a->id;
    if (a->dfr >> 28 == 0xf)
        return m->destination & a->ldr;
    return m->destination >> 4 == a->ldr >> 4 && (m->destination & a->ldr & 15);
}

static bool lapic_take(Lapic *a, const ApicMessage *m)
{
    switch (m->mode) {
    case APIC_MODE_FIXED:
    case APIC_MODE_LOWEST:
        if (!software_enabled(a))
            return false;
        lapic_accept(a, m->vector, m->level);
        return true;
    case APIC_MODE_NMI:
        irqline_pulse(&a->wires.nmi);
        return true;
    default:
        /* SMI: there is no SMM. INIT and start-up: for the only processor, which runs already. ExtINT: by the pin. */
        return true;
    }
}

bool lapic_send(void *opaque, const ApicMessage *message)
{
    Lapic *a = opaque;
    return lapic_enabled(a) && lapic_addressed(a, message) && lapic_take(a, message);
}

/* The local sources: timer, pins, errors. */
static void lvt_raise(Lapic *a, unsigned n)
{
    uint32_t e = a->lvt[n];
    if ((e & LVT_MASKED) || !lapic_enabled(a))
        return;
    /* The timer and error entries have no mode field: always fixed (SDM 3A figure 10-8). */
    bool has_mode = n != LVT_TIMER && n != LVT_ERROR;
    bool level = (n == LVT_LINT0 || n == LVT_LINT1) && (e & LVT_LEVEL);
    ApicMessage m = { .mode = has_mode ? LVT_MODE(e) : APIC_MODE_FIXED, .vector = (uint8_t)e, .level = level };
    if (lapic_take(a, &m) && level && m.mode == APIC_MODE_FIXED)
        a->lvt[n] |= LVT_REMOTE_IRR;
}

static void lapic_eoi(Lapic *a)
{
    int vector = bit_highest(a->isr);
    if (vector < 0)
        return;
    bit_clear(a->isr, vector);
    if (bit_test(a->tmr, vector)) {
        if (a->wires.eoi)
            a->wires.eoi(a->wires.eoi_opaque, vector);
        for (unsigned n = 0; n < LAPIC_LINTS; n++) {
            uint32_t *e = &a->lvt[LVT_LINT0 + n];
            if ((*e & LVT_REMOTE_IRR) && (uint8_t)*e == vector) {
                *e &= ~LVT_REMOTE_IRR;
                if (a->pin[n])
                    lvt_raise(a, LVT_LINT0 + n);
            }
        }
    }
    lapic_update(a);
}

/* Pins */

static void lint_set(void *opaque, int n, bool level)
{
    Lapic *a = opaque;
    bool rising = level && !a->pin[n];
    uint32_t e = a->lvt[LVT_LINT0 + n];
    a->pin[n] = level;
    if (!lapic_enabled(a)) {
        if (n == 1 && rising)
            irqline_pulse(&a->wires.nmi);
    } else if (LVT_MODE(e) == APIC_MODE_FIXED && (e & LVT_LEVEL)) {
        if (level && !(e & LVT_REMOTE_IRR))
            lvt_raise(a, LVT_LINT0 + n);
    } else if (rising) {
        lvt_raise(a, LVT_LINT0 + n);
    }
    lapic_update(a);
}

IrqLine lapic_lint(Lapic *a, unsigned n)
{
    g_assert(n < LAPIC_LINTS);
    return (IrqLine){ .set = lint_set, .opaque = a, .n = (int)n };
}

/* Timer */

/* Nanoseconds per count: the divide register's bits 3, 1 and 0 select 2, 4 .. 128, 1 (SDM 3A figure 10-10). */
static int64_t timer_unit(const Lapic *a)
{
    unsigned code = (a->divide & 3) | (a->divide >> 1 & 4);
    return 1 << ((code + 1) & 7);
}

static int64_t timer_period(const Lapic *a)
{
    return (int64_t)a->initial * timer_unit(a);
}

static void timer_rearm(Lapic *a)
{
    if (a->initial == 0 || !lapic_enabled(a)) {
        timer_disarm(a->timer);
        return;
    }
    int64_t now = clock_now(a->clock);
    int64_t period = timer_period(a);
    int64_t next = a->start + period;
    if (a->lvt[LVT_TIMER] & LVT_PERIODIC) {
        /* The first expiry that is due and not too close to now. */
        int64_t earliest = now + (period < PERIOD_MIN ? PERIOD_MIN : 1);
        if (next < earliest)
            next += (earliest - next + period - 1) / period * period;
    }
    /* A single shot whose time has passed meanwhile fires at once: we may have been off the host's CPU since `start`. */
    timer_arm(a->timer, next);
}

static void timer_expired(void *opaque)
{
    Lapic *a = opaque;
    lvt_raise(a, LVT_TIMER);
    if (a->lvt[LVT_TIMER] & LVT_PERIODIC)
        timer_rearm(a);
}

static uint32_t timer_current(const Lapic *a)
{
    if (a->initial == 0)
        return 0;
    int64_t counted = (clock_now(a->clock) - a->start) / timer_unit(a);
    if (a->lvt[LVT_TIMER] & LVT_PERIODIC)
        return (uint32_t)(a->initial - counted % a->initial);
    return counted >= a->initial ? 0 : (uint32_t)(a->initial - counted);
}

/* The count goes on from where it is, at the new speed or in the new mode. */
static void timer_change(Lapic *a, uint32_t *reg, uint32_t value)
{
    uint32_t current = timer_current(a);
    bool due = timer_armed(a->timer); /* at 0, but not delivered yet */
    *reg = value;
    if (a->initial)
        a->start = clock_now(a->clock) - (int64_t)(a->initial - current) * timer_unit(a);
    if (current == 0 && !(a->lvt[LVT_TIMER] & LVT_PERIODIC) && !due)
        timer_disarm(a->timer); /* has run out */
    else
        timer_rearm(a);
}

/* Interrupt command */

static void lapic_command(Lapic *a)
{
    uint32_t low = a->icr[0];
    ApicMessage m = {
        .destination = (uint8_t)(a->icr[1] >> 24),
        .logical = low & ICR_LOGICAL,
        .mode = LVT_MODE(low),
        .vector = (uint8_t)low,
        .level = false, /* interprocessor interrupts are edges (SDM 3A 10.6.1, trigger mode) */
    };
    bool to_us = ICR_SHORTHAND(low) == SHORTHAND_SELF || ICR_SHORTHAND(low) == SHORTHAND_ALL ||
                 (ICR_SHORTHAND(low) == SHORTHAND_NONE && lapic_addressed(a, &m));
    if (m.mode <= APIC_MODE_LOWEST && m.vector < 16) {
        lapic_error(a, ESR_SEND_ILLEGAL);
        return;
    }
    if (to_us)
        lapic_take(a, &m);
}

/* Registers */

static uint32_t register_read(Lapic *a, unsigned reg)
{
    switch (reg) {
    case REG_ID:
        return (uint32_t)a->id << 24;
    case REG_VERSION:
        return LAPIC_VERSION;
    case REG_TPR:
        return a->tpr;
    case REG_APR:
    case REG_EOI:
        return 0;
    case REG_PPR:
        return processor_priority(a);
    case REG_LDR:
        return (uint32_t)a->ldr << 24;
    case REG_DFR:
        return a->dfr;
    case REG_SVR:
        return a->svr;
    case REG_ISR ... REG_ISR + 7:
        return a->isr[reg - REG_ISR];
    case REG_TMR ... REG_TMR + 7:
        return a->tmr[reg - REG_TMR];
    case REG_IRR ... REG_IRR + 7:
        return a->irr[reg - REG_IRR];
    case REG_ESR:
        return a->esr;
    case REG_ICR_LOW:
    case REG_ICR_HIGH:
        return a->icr[reg - REG_ICR_LOW];
    case REG_LVT ... REG_LVT + LVT_COUNT - 1:
        return a->lvt[reg - REG_LVT];
    case REG_TIMER_INITIAL:
        return a->initial;
    case REG_TIMER_CURRENT:
        return timer_current(a);
    case REG_TIMER_DIVIDE:
        return a->divide;
    default:
        lapic_error(a, ESR_REGISTER_ILLEGAL);
        return 0;
    }
}

static void lvt_write(Lapic *a, unsigned n, uint32_t value)
{
    static const uint32_t writable[LVT_COUNT] = {
        [LVT_TIMER] = 0x300ff, [LVT_THERMAL] = 0x107ff, [LVT_PERFORMANCE] = 0x107ff,
        [LVT_LINT0] = 0x1a7ff, [LVT_LINT1] = 0x1a7ff, [LVT_ERROR] = 0x100ff,
    };
    value = (value & writable[n]) | (a->lvt[n] & LVT_REMOTE_IRR);
    if (!(value & LVT_LEVEL))
        value &= ~LVT_REMOTE_IRR;
    /*
     * SDM 3A 10.4.7.2: while software-disabled, mask bits stay set. LINT0 is left to the BIOS for the virtual wire.
     */
    if (!(a->svr & SVR_ENABLE) && n != LVT_LINT0 && n != LVT_LINT1)
        value |= LVT_MASKED;
    if (n == LVT_TIMER) {
        timer_change(a, &a->lvt[n], value);
        return;
    }
    a->lvt[n] = value;
    unsigned pin = n - LVT_LINT0;
    if ((n == LVT_LINT0 || n == LVT_LINT1) && a->pin[pin] && (value & LVT_LEVEL) && !(value & LVT_REMOTE_IRR) &&
        LVT_MODE(value) == APIC_MODE_FIXED)
        lvt_raise(a, n);
    lapic_update(a);
}

static void svr_write(Lapic *a, uint32_t value)
{
    bool was = a->svr & SVR_ENABLE;
    a->svr = value & SVR_WRITABLE;
    if (was && !(a->svr & SVR_ENABLE)) {
        for (unsigned n = 0; n < LVT_COUNT; n++)
            a->lvt[n] |= LVT_MASKED;
        if (timer_armed(a->timer))
            timer_rearm(a);
    }
    lapic_update(a);
}

static void register_write(Lapic *a, unsigned reg, uint32_t value)
{
    switch (reg) {
    case REG_ID:
        a->id = value >> 24;
        break;
    case REG_TPR:
        a->tpr = (uint8_t)value;
        lapic_update(a);
        break;
    case REG_EOI:
        lapic_eoi(a);
        break;
    case REG_LDR:
        a->ldr = value >> 24;
        break;
    case REG_DFR:
        a->dfr = value | 0x0fffffff;
        break;
    case REG_SVR:
        svr_write(a, value);
        break;
    case REG_ESR:
        /* SDM 3A 10.5.3: a write brings up what has happened since the one before */
        a->esr = a->esr_pending;
        a->esr_pending = 0;
        break;
    case REG_ICR_LOW:
        a->icr[0] = value & 0xccfff;
        lapic_command(a);
        break;
    case REG_ICR_HIGH:
        a->icr[1] = value & 0xff000000;
        break;
    case REG_LVT ... REG_LVT + LVT_COUNT - 1:
        lvt_write(a, reg - REG_LVT, value);
        break;
    case REG_TIMER_INITIAL:
        a->initial = value;
        a->start = clock_now(a->clock);
        timer_rearm(a);
        break;
    case REG_TIMER_DIVIDE:
        timer_change(a, &a->divide, value & 0xb);
        break;
    case REG_VERSION:
    case REG_APR:
    case REG_PPR:
    case REG_ISR ... REG_ISR + 7:
    case REG_TMR ... REG_TMR + 7:
    case REG_IRR ... REG_IRR + 7:
    case REG_TIMER_CURRENT:
        break; /* read-only */
    default:
        lapic_error(a, ESR_REGISTER_ILLEGAL);
        break;
    }
}

/* Registers are dwords, 16 bytes apart. */
static uint64_t lapic_read(void *opaque, uint64_t offset, unsigned size)
{
    if (offset & 15 || size != 4)
        return 0;
    return register_read(opaque, (unsigned)offset >> 4);
}

/* The ID, by which kernels see which processor they are on, each time they want to know. */
static bool lapic_peek(void *opaque, uint64_t offset, unsigned size, uint64_t *value)
{
    if (offset != REG_ID << 4 || size != 4)
        return false;
    *value = register_read(opaque, REG_ID);
    return true;
}

static void lapic_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    if (offset & 15 || size != 4)
        return;
    register_write(opaque, (unsigned)offset >> 4, (uint32_t)value);
}

static const RegionOps lapic_ops = { .read = lapic_read, .write = lapic_write, .min_size = 1, .max_size = 4 };

uint8_t lapic_cr8(const Lapic *a)
{
    return a->tpr >> 4;
}

void lapic_set_cr8(Lapic *a, uint8_t value)
{
    a->tpr = (uint8_t)(value << 4);
    lapic_update(a);
}

/* IA32_APIC_BASE, reset, create */

static void lapic_clear(Lapic *a)
{
    a->id = a->tpr = a->ldr = 0;
    a->dfr = 0xffffffff;
    a->svr = 0xff;
    a->esr = a->esr_pending = 0;
    a->initial = a->divide = 0;
    memset(a->icr, 0, sizeof a->icr);
    memset(a->irr, 0, sizeof a->irr);
    memset(a->isr, 0, sizeof a->isr);
    memset(a->tmr, 0, sizeof a->tmr);
    for (unsigned n = 0; n < LVT_COUNT; n++)
        a->lvt[n] = LVT_MASKED;
    a->lvt[LVT_LINT0] = APIC_MODE_EXTINT << 8;
    timer_disarm(a->timer);
}

static void lapic_map(Lapic *a)
{
    if (!a->region)
        return;
    bus_begin(a->mem);
    region_move(a->mem, a->region, a->base & BASE_ADDRESS);
    region_set_enabled(a->mem, a->region, a->base & BASE_ENABLE);
    bus_commit(a->mem);
}

uint64_t lapic_base(const Lapic *a)
{
    return a->base;
}

bool lapic_set_base(Lapic *a, uint64_t value)
{
    if (!a->present || (value & ~(BASE_ADDRESS | BASE_ENABLE | BASE_BSP)))
        return false;
    /* SDM 3A 10.4.3: switching it off and on again is like a reset */
    if ((a->base & BASE_ENABLE) && !(value & BASE_ENABLE))
        lapic_clear(a);
    a->base = (value & (BASE_ADDRESS | BASE_ENABLE)) | BASE_BSP;
    lapic_map(a);
    lapic_update(a);
    return true;
}

void lapic_reset(Lapic *a)
{
    lapic_clear(a);
    a->base = a->present ? LAPIC_BASE | BASE_ENABLE | BASE_BSP : 0;
    lapic_map(a);
    lapic_update(a);
}

Lapic *lapic_new(Bus *mem, Clock *clock, const LapicWires *wires, bool present)
{
    Lapic *a = g_new0(Lapic, 1);
    a->present = present;
    a->mem = mem;
    a->clock = clock;
    a->wires = *wires;
    a->timer = timer_new(clock, timer_expired, a);
    if (present) {
        a->region = bus_add_io(mem, "lapic", LAPIC_BASE, 0x1000, &lapic_ops, a, LAPIC_PRIORITY);
        region_set_peek(a->region, lapic_peek);
    }
    lapic_reset(a);
    return a;
}

void lapic_free(Lapic *a)
{
    if (!a)
        return;
    timer_free(a->timer);
    g_free(a);
}

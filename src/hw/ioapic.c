/*
 * The I/O APIC.
 *
 * Two windows reach all registers: an index at 0x00 and data at 0x10 (82093AA datasheet, 3.1). A pin's redirection
 * entry is edge- or level-triggered. An edge is sent once, and lost while the pin is masked (3.4.2). A level is
 * sent, then held back by its remote IRR until the local APIC's EOI comes; if the wire is still high it is sent
 * again.
 *
 * Polarity is a matter of how a wire is read; all wires here are active high, whatever the entry says.
 */
#include "hw/ioapic.h"

#define IOREGSEL 0x00
#define IOWIN 0x10
#define IOEOI 0x40 /* write the vector: clears remote IRR as a broadcast EOI does (version 0x20) */

#define IOAPIC_VERSION 0x20u

enum { REG_ID = 0, REG_VERSION = 1, REG_ARBITRATION = 2, REG_TABLE = 16 };

#define RTE_MODE(e) ((e) >> 8 & 7)
#define RTE_LOGICAL (1u << 11)
#define RTE_DELIVERY_STATUS (1u << 12)
#define RTE_ACTIVE_LOW (1u << 13)
#define RTE_REMOTE_IRR (1u << 14)
#define RTE_LEVEL (1u << 15)
#define RTE_MASKED (1u << 16)
#define RTE_READ_ONLY ((uint64_t)(RTE_DELIVERY_STATUS | RTE_REMOTE_IRR))
#define RTE_DEFINED 0xff0000000001ffffull

struct Ioapic {
    uint8_t select;
    uint8_t id;
    uint64_t entry[IOAPIC_PINS];
    bool level[IOAPIC_PINS]; /* on the wire */
    uint64_t count[IOAPIC_PINS]; /* rising edges, for `info irq` */
    ApicSendFn *send;
    void *opaque;
};

/* Send pin n's message. False when nobody took it. */
static bool ioapic_send(Ioapic *a, unsigned n)
{
    uint64_t e = a->entry[n];
    ApicMessage message = {
        .destination = (uint8_t)(e >> 56),
        .logical = e & RTE_LOGICAL,
        .mode = RTE_MODE(e),
        .vector = (uint8_t)e,
        .level = e & RTE_LEVEL,
    };
    return a->send(a->opaque, &message);
}

/* Send a level that is waiting on pin n, if the entry lets it. */
static void ioapic_service(Ioapic *a, unsigned n)
{
    uint64_t *e = &a->entry[n];
    if (!(*e & RTE_LEVEL) || (*e & (RTE_MASKED | RTE_REMOTE_IRR)) || !a->level[n])
        return;
    if (ioapic_send(a, n))
        *e |= RTE_REMOTE_IRR;
}

static void ioapic_set(void *opaque, int n, bool level)
{
    Ioapic *a = opaque;
    bool rising = level && !a->level[n];
    a->level[n] = level;
    a->count[n] += rising;
    if (rising && !(a->entry[n] & (RTE_LEVEL | RTE_MASKED)))
        ioapic_send(a, n);
    else
        ioapic_service(a, n);
}

IrqLine ioapic_line(Ioapic *a, unsigned n)
{
    g_assert(n < IOAPIC_PINS);
    return (IrqLine){ .set = ioapic_set, .opaque = a, .n = (int)n };
}

bool ioapic_masked(const Ioapic *a, unsigned n)
{
    return a->entry[n] & RTE_MASKED;
}

uint8_t ioapic_vector(const Ioapic *a, unsigned n)
{
    return (uint8_t)a->entry[n];
}

void ioapic_eoi(Ioapic *a, uint8_t vector)
{
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        uint64_t *e = &a->entry[n];
        if ((uint8_t)*e != vector || !(*e & RTE_REMOTE_IRR))
            continue;
        *e &= ~(uint64_t)RTE_REMOTE_IRR;
        ioapic_service(a, n);
    }
}

static uint32_t register_read(Ioapic *a)
{
    unsigned reg = a->select;
    if (reg == REG_ID || reg == REG_ARBITRATION)
        return (uint32_t)a->id << 24;
    if (reg == REG_VERSION)
        return IOAPIC_VERSION | (IOAPIC_PINS - 1) << 16;
    if (reg >= REG_TABLE && reg < REG_TABLE + 2 * IOAPIC_PINS)
        return (uint32_t)(a->entry[(reg - REG_TABLE) / 2] >> (reg & 1 ? 32 : 0));
    return 0;
}

static void entry_write(Ioapic *a, unsigned n, unsigned half, uint32_t value)
{
    uint64_t *e = &a->entry[n];
    uint64_t changed = half ? 0xffffffff00000000ull : 0xffffffffull;
    uint64_t wanted = half ? (uint64_t)value << 32 : value;
    changed &= RTE_DEFINED & ~RTE_READ_ONLY;
    *e = (*e & ~changed) | (wanted & changed);
    /* An edge-triggered entry has no remote IRR; guests switch to edge and back to get rid of a stuck one. */
    if (!(*e & RTE_LEVEL))
        *e &= ~(uint64_t)RTE_REMOTE_IRR;
    ioapic_service(a, n);
}

static void register_write(Ioapic *a, uint32_t value)
{
    unsigned reg = a->select;
    if (reg == REG_ID)
        a->id = value >> 24 & 15;
    else if (reg >= REG_TABLE && reg < REG_TABLE + 2 * IOAPIC_PINS)
        entry_write(a, (reg - REG_TABLE) / 2, reg & 1, value);
}

static uint64_t ioapic_read(void *opaque, uint64_t offset, unsigned size)
{
    Ioapic *a = opaque;
    switch (offset & 0xff) {
    case IOREGSEL:
        return a->select;
    case IOWIN:
        return size == 4 ? register_read(a) : 0;
    default:
        return 0;
    }
}

static void ioapic_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Ioapic *a = opaque;
    switch (offset & 0xff) {
    case IOREGSEL:
        a->select = (uint8_t)value;
        break;
    case IOWIN:
        if (size == 4)
            register_write(a, (uint32_t)value);
        break;
    case IOEOI:
        ioapic_eoi(a, (uint8_t)value);
        break;
    }
}

static const RegionOps ioapic_ops = { .read = ioapic_read, .write = ioapic_write, .min_size = 1, .max_size = 4 };

void ioapic_reset(Ioapic *a)
{
    a->select = 0;
    a->id = 0;
    for (unsigned n = 0; n < IOAPIC_PINS; n++)
        a->entry[n] = RTE_MASKED;
}

Ioapic *ioapic_new(Bus *mem, ApicSendFn *send, void *opaque)
{
    Ioapic *a = g_new0(Ioapic, 1);
    a->send = send;
    a->opaque = opaque;
    bus_add_io(mem, "ioapic", IOAPIC_BASE, 0x1000, &ioapic_ops, a, 0);
    ioapic_reset(a);
    return a;
}

void ioapic_free(Ioapic *a)
{
    g_free(a);
}

/* ---- for the monitor ---- */

uint64_t ioapic_pin_count(const Ioapic *a, unsigned n)
{
    return a->count[n];
}

static void pins_print(GString *out, const char *name, uint32_t pins)
{
    g_string_append_printf(out, "%-10s ", name);
    for (unsigned n = 0; n < IOAPIC_PINS; n++)
        if (pins >> n & 1)
            g_string_append_printf(out, "%-2u ", n);
    g_string_append(out, pins ? "\n" : "(none)\n");
}

void ioapic_print(const Ioapic *a, GString *out)
{
    static const char *const modes[8] = { "fixed", "lowest", "SMI", "...", "NMI", "INIT", "...", "extINT" };
    uint32_t waiting = 0, remote = 0;

    g_string_append_printf(out, "ioapic0: ver=0x%x id=0x%02x sel=0x%02x\n", IOAPIC_VERSION, a->id, a->select);
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        uint64_t e = a->entry[n];

        g_string_append_printf(out, "  pin %-2u 0x%016" G_GINT64_MODIFIER "x dest=%x vec=%-3u %s %-5s %-6s %-6s %s\n", n,
                               e, (unsigned)(e >> 56), (uint8_t)e, e & RTE_ACTIVE_LOW ? "active-lo" : "active-hi",
                               e & RTE_LEVEL ? "level" : "edge", e & RTE_MASKED ? "masked" : "", modes[RTE_MODE(e)],
                               e & RTE_LOGICAL ? "logical" : "physical");
        waiting |= (uint32_t)(a->level[n] && (e & RTE_LEVEL)) << n;
        remote |= (uint32_t)!!(e & RTE_REMOTE_IRR) << n;
    }
    pins_print(out, "  IRR", waiting);
    pins_print(out, "  Remote IRR", remote);
}

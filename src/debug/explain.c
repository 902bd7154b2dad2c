/*
 * The story of a guest's death. See explain.h.
 *
 * The material is Vcpu.event, the ring of events delivered, which every engine keeps; and, while watching, a ring of the last
 * branches. All else is read from the machine as it stands: a delivery that fails changes nothing.
 */
#include "debug/explain.h"

#include <stdio.h>
#include <string.h>

#include "cpu/cpu.h"
#include "debug/cpuprint.h"
#include "debug/explaindesc.h"
#include "debug/memory.h"
#include "debug/pagewalk.h"

#define SAY(...) g_string_append_printf(out, __VA_ARGS__)
#define BRANCHES 32u
#define ZERO_RUN 16 /* this many ADD [EAX],AL in a row are no program */

typedef struct Branch {
    uint64_t from, to; /* linear */
    uint64_t times;    /* in a row */
} Branch;

struct Explain {
    Vcpu *v;
    Debugger *d;
    const Symbols *symbols;
    DebugListener listener;
    bool watch, told_stuck, told_zero;
    Branch branch[BRANCHES];
    uint64_t branch_count;
    uint64_t last; /* linear address of the instruction before */
    unsigned zeros;
};

static void say_place(Explain *x, GString *out, uint64_t addr)
{
    SAY("%08" G_GINT64_MODIFIER "x", addr);
    symbols_append(x->symbols, out, addr);
}

static void say_branches(Explain *x, GString *out)
{
    if (!x->watch) {
        SAY("(-explain keeps the last branches too)\n");
        return;
    }
    SAY("The last branches, latest first:\n");
    for (unsigned n = 0; n < MIN(x->branch_count, 12); n++) {
        const Branch *b = &x->branch[(x->branch_count - 1 - n) % BRANCHES];
        SAY("  ");
        say_place(x, out, b->from);
        SAY(" -> ");
        say_place(x, out, b->to);
        if (b->times > 1)
            SAY(", %" G_GUINT64_FORMAT " times", b->times);
        SAY("\n");
    }
}

/* ---- watching ---- */

static void zero_story(Explain *x, uint64_t addr)
{
    GString *out = g_string_new("x86vm: explain: the CPU runs through zeroed memory at ");
    x->told_zero = true;
    say_place(x, out, addr);
    SAY(": bytes 00 00 are ADD [EAX],AL\n");
    say_branches(x, out);
    SAY("Usual cause: a jump, call or return to a wrong address (a function pointer that is not set, a smashed return address), or "
        "code that was never loaded there\n");
    fputs(out->str, stderr);
    g_string_free(out, TRUE);
}

static void on_insn(void *opaque, Vcpu *v)
{
    Explain *x = opaque;
    uint64_t addr = (v->seg[S_CS].base + v->rip) & v->lin_mask;
    if (addr - x->last > 15) { /* further than an instruction is long, or back */
        Branch *b = &x->branch[(x->branch_count + BRANCHES - 1) % BRANCHES];
        if (b->from == x->last && b->to == addr)
            b->times++;
        else
            x->branch[x->branch_count++ % BRANCHES] = (Branch){x->last, addr, 1};
    }
    x->last = addr;
    if (x->told_zero)
        return;
    uint8_t b[2] = {1, 1};
    if (debug_read(v, addr, b, 2) == 2 && !b[0] && !b[1]) {
        if (++x->zeros == ZERO_RUN)
            zero_story(x, addr);
    } else {
        x->zeros = 0;
    }
}

/* ---- the chain ---- */

static void say_error(const VcpuEvent *e, GString *out)
{
    if (!e->has_error)
        return;
    if (e->vector == VEC_PF) {
        SAY(": %s %s 0x%08" G_GINT64_MODIFIER "x, %s", e->error & PF_U ? "user" : "supervisor",
            e->error & PF_I ? "fetch from" : e->error & PF_W ? "write to" : "access to", e->cr2,
            e->error & PF_RSVD ? "reserved bits set in a table" : e->error & PF_P
                    ? "which the page's protection forbids" : "page not present");
    } else if (e->error) {
        SAY(", error code %04x: ", e->error);
        if (e->error & 2)
            SAY("IDT entry %u", e->error >> 3);
        else
            SAY("selector %04x (entry %u of the %s)", e->error & 0xfffc, e->error >> 3, e->error & 4 ? "LDT" : "GDT");
    } else if (e->vector != VEC_DF) {
        SAY(", error code 0");
    }
}

static void say_event(Explain *x, GString *out, const VcpuEvent *e)
{
    const char *name = e->kind == EVENT_EXCEPTION ? vector_name(e->vector) : NULL;
    if (name)
        SAY("%s %s", name, vector_words(e->vector));
    else
        SAY("%s 0x%02x", e->kind == EVENT_EXTERNAL ? "hardware interrupt, vector" : "INT", e->vector);
    SAY(" at %04x:%08" G_GINT64_MODIFIER "x", e->cs, e->rip);
    symbols_append(x->symbols, out, e->rip);
    say_error(e, out);
}

static const VcpuEvent *event(const Vcpu *v, uint64_t n)
{
    return &v->event[n % VCPU_EVENTS];
}

/* The event with which it began: the last that was not met on the way to another one's handler. */
static uint64_t chain_start(const Vcpu *v)
{
    uint64_t n = v->event_count - 1, oldest = v->event_count > VCPU_EVENTS ? v->event_count - VCPU_EVENTS : 0;
    while (n > oldest && event(v, n)->nested)
        n--;
    /* a fault while an interrupt or INT n was on its way: that comes first */
    if (n > oldest && event(v, n)->has_error && (event(v, n)->error & 2) && event(v, n)->vector != VEC_PF &&
        event(v, n - 1)->kind != EVENT_EXCEPTION && event(v, n - 1)->vector == event(v, n)->error >> 3)
        n--;
    return n;
}

/* SDM 3A table 6-5 */
static bool contributory(int vector)
{
    return vector == VEC_DE || (vector >= VEC_TS && vector <= VEC_GP);
}

static void say_chain(Explain *x, GString *out, uint64_t first)
{
    const Vcpu *v = x->v;
    int delivering = -1;
    unsigned number = 1;
    SAY("The chain of faults:\n");
    for (uint64_t n = first; n < v->event_count; n++) {
        SAY("  %u. ", number++);
        say_event(x, out, event(v, n));
        int vector = event(v, n)->vector;
        bool counts = contributory(vector) || vector == VEC_PF;
        if (delivering == VEC_DF && counts) {
            SAY(", while entering the double fault's handler: a triple fault, the CPU gives up");
        } else if ((contributory(delivering) && contributory(vector)) || (delivering == VEC_PF && counts)) {
            SAY(", while entering the handler of %s: both together are a double fault", vector_name(delivering));
            vector = VEC_DF;
        } else if (n > first) {
            SAY(", while entering its handler");
        }
        delivering = event(v, n)->kind == EVENT_EXCEPTION ? vector : -1;
        SAY("\n");
    }
}

/* The same exception at the same place, delivered over and over before the end: its handler faults at once. */
static bool storm(const Vcpu *v, uint64_t first)
{
    uint64_t n = first;
    unsigned same = 0;
    for (; n > 0 && same < 8 && first - n < VCPU_EVENTS - 8; n--) {
        if (event(v, n - 1)->vector != event(v, first)->vector || event(v, n - 1)->rip != event(v, first)->rip)
            break;
        same++;
    }
    return same >= 3;
}

static void say_earlier(Explain *x, GString *out, uint64_t first)
{
    uint64_t oldest = x->v->event_count > VCPU_EVENTS ? x->v->event_count - VCPU_EVENTS : 0;
    if (first == oldest)
        return;
    SAY("Interrupts and exceptions before, latest first:\n");
    for (unsigned n = 0; n < 8 && first > oldest; n++) {
        SAY("  ");
        say_event(x, out, event(x->v, --first));
        SAY("\n");
    }
}

static const char *first_guess(Explain *x, GString *out, const VcpuEvent *e, bool stormy)
{
    Vcpu *v = x->v;
    const char *guess = NULL;
    if (e->kind == EVENT_EXCEPTION)
        guess = explain_insn(v, out, e->rip, x->symbols);
    if (!guess && e->kind == EVENT_EXCEPTION && e->vector == VEC_DE)
        guess = "division by zero, or a quotient too large for its register";
    if (e->kind == EVENT_EXCEPTION && e->vector == VEC_PF) {
        SAY("The address that faulted:\n");
        const char *walk = explain_walk(v, out, e->cr2);
        guess = walk ? walk : guess;
        if (!guess && e->cr2 < PAGE_SIZE)
            guess = "a null pointer is used";
        else if (!guess && (e->error & PF_P))
            guess = e->error & PF_W ? "a write to a page that is mapped read-only"
                    : "an access that the page's protection forbids";
    }
    if (stormy) {
        Gpa gpa;
        SAY("It was delivered again and again: the handler faults at its first instruction, and each try takes more of the stack\n");
        if (!debug_translate(v, v->seg[S_CS].base + e->rip, &gpa))
            guess = "the exception handler itself is not mapped in these page tables";
    }
    return guess;
}

char *explain_triple_fault(Explain *x)
{
    Vcpu *v = x->v;
    GString *out = g_string_new(NULL);
    if (!v->event_count)
        return g_string_free(out, FALSE);
    uint64_t first = chain_start(v);
    const VcpuEvent *e = event(v, first);
    bool stormy = storm(v, first);

    SAY("x86vm: triple fault: the guest could not handle an exception, nor the double fault that came of it\n");
    say_chain(x, out, first);
    const char *cause = first_guess(x, out, e, stormy);
    SAY("Why no handler could run:\n");
    const char *why = explain_delivery(v, out, e->vector, v->cpl, x->symbols);
    const char *why_df = NULL;
    if (e->vector != VEC_DF)
        why_df = explain_delivery(v, out, VEC_DF, v->cpl, x->symbols);
    say_earlier(x, out, first);
    say_branches(x, out);
    SAY("The CPU:\n");
    cpu_print(v, out, false);
    if (!why)
        why = why_df;
    if (cause || why)
        SAY("Usual cause: %s\n", cause ? cause : why);
    if (cause && why)
        SAY("No handler could run, because: %s\n", why);
    return g_string_free(out, FALSE);
}

char *explain_stuck(Explain *x)
{
    if (!x->watch || x->told_stuck)
        return NULL;
    GString *out = g_string_new("x86vm: explain: the CPU halts with interrupts off at ");
    Vcpu *v = x->v;
    x->told_stuck = true;
    SAY("%04x:", v->seg[S_CS].sel);
    say_place(x, out, v->rip - 1); /* HLT's own address */
    SAY(": only an NMI or a reset can wake it\n");
    if (v->event_count)
        say_earlier(x, out, v->event_count);
    say_branches(x, out);
    SAY("Usual cause: the end of a program (a panic's last loop), or HLT where STI; HLT was meant\n");
    return g_string_free(out, FALSE);
}

Explain *explain_new(Vcpu *v, Debugger *d, const Symbols *symbols, bool watch)
{
    Explain *x = g_new0(Explain, 1);
    x->v = v;
    x->d = d;
    x->symbols = symbols;
    x->watch = watch;
    x->listener = (DebugListener){.opaque = x, .insn = on_insn};
    if (watch)
        debugger_listen(d, &x->listener);
    return x;
}

void explain_free(Explain *x)
{
    if (!x)
        return;
    if (x->watch)
        debugger_unlisten(x->d, &x->listener);
    g_free(x);
}

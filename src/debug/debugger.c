/*
 * Breakpoints, watchpoints, single steps, listeners. See debugger.h and debughooks.h.
 */
#include "debug/debugger.h"

#include "softmmu/mmu.h"

typedef struct Point {
    BreakKind kind;
    uint64_t addr, len;
} Point;

struct Debugger {
    Vcpu *v;
    DebugHooks hooks;
    GArray *points; /* Point */
    GPtrArray *listeners;
    unsigned steps; /* instructions still to run; 0: no end */
    bool skip;      /* the instruction at skip_addr was stopped at and comes first */
    uint64_t skip_addr;
    DebugStop stop;
};

static uint64_t here(const Vcpu *v)
{
    return (v->seg[S_CS].base + v->rip) & v->lin_mask;
}

static bool overlaps(const Point *p, uint64_t addr, uint64_t len)
{
    return addr < p->addr + p->len && p->addr < addr + len;
}

static unsigned on_page(void *opaque, uint64_t addr)
{
    const Debugger *d = opaque;
    unsigned bits = 0;
    for (unsigned n = 0; n < d->points->len; n++) {
        const Point *p = &g_array_index(d->points, Point, n);
        if (overlaps(p, addr & PAGE_MASK, PAGE_SIZE))
            bits |= p->kind == BREAK_EXEC ? HOOK_EXEC : HOOK_DATA;
    }
    return bits;
}

static bool breaks_at(const Debugger *d, uint64_t addr)
{
    for (unsigned n = 0; n < d->points->len; n++) {
        const Point *p = &g_array_index(d->points, Point, n);
        if (p->kind == BREAK_EXEC && p->addr == addr)
            return true;
    }
    return false;
}

static bool on_insn(void *opaque, Vcpu *v)
{
    Debugger *d = opaque;
    uint64_t addr = here(v);
    bool skip = d->skip && d->skip_addr == addr;
    d->skip = false;
    if (!skip && breaks_at(d, addr)) {
        d->stop = (DebugStop){.why = DEBUG_STOP_BREAK, .addr = addr};
        return true;
    }
    if (d->hooks.no_irq && d->steps-- == 0) {
        d->stop = (DebugStop){.why = DEBUG_STOP_STEP, .addr = addr};
        return true;
    }
    if (d->hooks.step)
        for (unsigned n = 0; n < d->listeners->len; n++) {
            DebugListener *l = d->listeners->pdata[n];
            if (l->insn)
                l->insn(l->opaque, v);
        }
    return false;
}

static void on_access(void *opaque, Vcpu *v, uint64_t addr, unsigned size, bool write)
{
    Debugger *d = opaque;
    for (unsigned n = 0; n < d->points->len; n++) {
        const Point *p = &g_array_index(d->points, Point, n);
        bool wanted = p->kind == BREAK_ACCESS || p->kind == (write ? BREAK_WRITE : BREAK_READ);
        if (wanted && overlaps(p, addr, size) && d->stop.why == DEBUG_STOP_NONE) {
            d->stop = (DebugStop){.why = DEBUG_STOP_WATCH, .kind = p->kind, .addr = MAX(addr, p->addr)};
            d->hooks.stop = true;
            vcpu_attention(v, ATTN_STEP);
        }
    }
}

/* ---- what listeners hear, passed on ---- */

#define PASS_ON(fn, ...)                                                                                               \
    Debugger *d = opaque;                                                                                              \
    for (unsigned n = 0; n < d->listeners->len; n++) {                                                                 \
        DebugListener *l = d->listeners->pdata[n];                                                                     \
        if (l->fn)                                                                                                     \
            l->fn(l->opaque, __VA_ARGS__);                                                                             \
    }

static void on_event(void *opaque, Vcpu *v, int vector, int kind, bool has_error, uint32_t error)
{
    PASS_ON(event, v, vector, kind, has_error, error)
}
static void on_page_filled(void *opaque, Vcpu *v, uint64_t addr, uint64_t gpa, int access, bool user)
{
    PASS_ON(page_filled, v, addr, gpa, access, user)
}
static void on_port(void *opaque, Vcpu *v, uint16_t port, unsigned size, bool write, uint32_t value)
{
    PASS_ON(port, v, port, size, write, value)
}
static void on_unassigned(void *opaque, Vcpu *v, uint64_t gpa, unsigned size, bool write)
{
    PASS_ON(unassigned, v, gpa, size, write)
}

void debugger_update(Debugger *d)
{
    bool step = d->hooks.no_irq, any = d->points->len || d->hooks.no_irq;
    d->hooks.event = NULL;
    d->hooks.page_filled = NULL;
    d->hooks.port = NULL;
    d->hooks.unassigned = NULL;
    for (unsigned n = 0; n < d->listeners->len; n++) {
        const DebugListener *l = d->listeners->pdata[n];
        any = true;
        step |= l->insn != NULL;
        if (l->event)
            d->hooks.event = on_event;
        if (l->page_filled)
            d->hooks.page_filled = on_page_filled;
        if (l->port)
            d->hooks.port = on_port;
        if (l->unassigned)
            d->hooks.unassigned = on_unassigned;
    }
    d->hooks.page = d->points->len ? on_page : NULL;
    d->hooks.step = step;
    d->v->hooks = any ? &d->hooks : NULL;
    tlb_flush_all(d->v);
    vcpu_attention(d->v, ATTN_STEP);
}

static int find(const Debugger *d, BreakKind kind, uint64_t addr, uint64_t len)
{
    for (unsigned n = 0; n < d->points->len; n++) {
        const Point *p = &g_array_index(d->points, Point, n);
        if (p->kind == kind && p->addr == addr && p->len == len)
            return n;
    }
    return -1;
}

void debugger_insert(Debugger *d, BreakKind kind, uint64_t addr, uint64_t len)
{
    if (kind == BREAK_EXEC)
        len = 1;
    if (find(d, kind, addr, len) >= 0)
        return;
    Point p = {kind, addr, MAX(len, 1)};
    g_array_append_val(d->points, p);
    debugger_update(d);
}

bool debugger_remove(Debugger *d, BreakKind kind, uint64_t addr, uint64_t len)
{
    int n = find(d, kind, addr, kind == BREAK_EXEC ? 1 : MAX(len, 1));
    if (n < 0)
        return false;
    g_array_remove_index_fast(d->points, n);
    debugger_update(d);
    return true;
}

void debugger_clear(Debugger *d)
{
    g_array_set_size(d->points, 0);
    debugger_update(d);
}

unsigned debugger_count(const Debugger *d)
{
    return d->points->len;
}

void debugger_listen(Debugger *d, DebugListener *l)
{
    if (!g_ptr_array_find(d->listeners, l, NULL))
        g_ptr_array_add(d->listeners, l);
    debugger_update(d);
}

void debugger_unlisten(Debugger *d, DebugListener *l)
{
    if (g_ptr_array_remove(d->listeners, l))
        debugger_update(d);
}

void debugger_set_steps(Debugger *d, unsigned n)
{
    d->steps = n;
    d->hooks.no_irq = true;
    debugger_update(d);
}

void debugger_resuming(Debugger *d)
{
    d->skip = d->v->hooks != NULL;
    d->skip_addr = here(d->v);
    d->stop.why = DEBUG_STOP_NONE;
    d->hooks.stop = false;
}

void debugger_stopped(Debugger *d)
{
    if (!d->hooks.no_irq)
        return;
    if (d->stop.why == DEBUG_STOP_NONE) /* a HLT ended the steps */
        d->stop = (DebugStop){.why = DEBUG_STOP_STEP, .addr = here(d->v)};
    d->hooks.no_irq = false;
    debugger_update(d);
}

const DebugStop *debugger_stop(const Debugger *d)
{
    return &d->stop;
}

Debugger *debugger_new(Vcpu *v)
{
    Debugger *d = g_new0(Debugger, 1);
    d->v = v;
    d->points = g_array_new(FALSE, FALSE, sizeof(Point));
    d->listeners = g_ptr_array_new();
    d->hooks = (DebugHooks){.opaque = d, .insn = on_insn, .access = on_access};
    return d;
}

void debugger_free(Debugger *d)
{
    if (!d)
        return;
    d->v->hooks = NULL;
    g_array_unref(d->points);
    g_ptr_array_unref(d->listeners);
    g_free(d);
}

/* See timespent.h. */
#include "config.h"
#include "timespent.h"

enum { SPENT_USER, SPENT_KERNEL, SPENT_TRANSLATING, SPENT_INTERPRETER, SPENT_DEVICES, SPENT_COUNT };

static const char *const names[SPENT_COUNT] = {
    "translated user code", "translated kernel code", "translating it", "interpreter", "devices",
};

struct TimeSpent {
    Vcpu *v;
    VcpuThread *t;
    Clock *clock;
    Bus *mem, *io;
    Direct *direct;
    int64_t busy;            /* ns not idle, until the last look */
    int64_t ns[SPENT_COUNT]; /* by what was seen at their ends */
    unsigned looks;
};

TimeSpent *timespent_new(Vcpu *v, VcpuThread *t, Clock *clock, Bus *mem, Bus *io, Direct *direct)
{
    TimeSpent *s = g_new0(TimeSpent, 1);
    *s = (TimeSpent){.v = v, .t = t, .clock = clock, .mem = mem, .io = io, .direct = direct};
    return s;
}

void timespent_free(TimeSpent *s)
{
    g_free(s);
}

/* SPENT_COUNT: at what is measured otherwise. */
static unsigned at_now(const TimeSpent *s)
{
    if (bus_busy(s->mem) || bus_busy(s->io))
        return SPENT_DEVICES;
    switch (__atomic_load_n(&s->v->doing, __ATOMIC_RELAXED)) {
    case DOING_NATIVE: return SPENT_COUNT;
    case DOING_TRANSLATING: return SPENT_TRANSLATING;
    case DOING_INTERPRETED: return SPENT_INTERPRETER;
    case DOING_TRANSLATED:
    default: return __atomic_load_n(&s->v->cpl, __ATOMIC_RELAXED) == 3 ? SPENT_USER : SPENT_KERNEL;
    }
}

void timespent_look(TimeSpent *s)
{
    unsigned at = at_now(s);
    if (vcputhread_is_idle(s->t))
        return;
    int64_t busy = clock_now(s->clock) - vcputhread_idle_ns(s->t), span = busy - s->busy;
    s->busy = busy;
    s->looks++;
    if (at < SPENT_COUNT && span > 0)
        s->ns[at] += span;
}

static void print_row(GString *out, double seconds, const char *what)
{
    g_string_append_printf(out, "%12.3f s %s\n", seconds, what);
}

void timespent_print(const TimeSpent *s, GString *out)
{
    double total = (double)clock_now(s->clock) / NS_PER_SEC, idle = (double)vcputhread_idle_ns(s->t) / NS_PER_SEC;
    double native = 0, upkeep = 0, seen = 0;
    if (s->direct)
        direct_seconds(s->direct, &native, &upkeep);
    for (unsigned n = 0; n < SPENT_COUNT; n++)
        seen += (double)s->ns[n] / NS_PER_SEC;
    double rest = MAX(total - idle - native - upkeep, 0);
    g_string_append_printf(out, "where the time went, of %.3f s:\n", total);
    print_row(out, native, "native, in sandboxes");
    print_row(out, upkeep, "their upkeep (stops, mappings)");
    if (seen > 0)
        for (unsigned n = 0; n < SPENT_COUNT; n++)
            print_row(out, rest * (double)s->ns[n] / NS_PER_SEC / seen, names[n]);
    else
        print_row(out, rest, "the engines and devices");
    print_row(out, idle, "idle");
    g_string_append_printf(out, "(idle, native and upkeep measured; the rest divided by %u looks)\n", s->looks);
}

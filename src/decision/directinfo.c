/* `info decision`: what was decided and why, in words. */
#include "config.h"
#include "decision/direct_state.h"

#include <stdlib.h>

#define COUNT "%12" G_GUINT64_FORMAT

void direct_seconds(const Direct *d, double *native, double *upkeep)
{
    double second = (double)(direct_ticks() - d->born) * 1e6 / (double)MAX(g_get_monotonic_time() - d->born_us, 1);
    *native = (double)d->stats.native / second;
    *upkeep = (double)d->stats.upkeep / second;
}

static void print_insns(const Direct *d, GString *out)
{
    g_string_append_printf(out, "translated or interpreted:\n%12.3f million instructions of user code\n%12.3f million of the kernel\n",
                           d->v->stretch.insns[1] / 1e6, d->v->stretch.insns[0] / 1e6);
}

static void print_why(const Direct *d, GString *out)
{
    const DirectStats *s = &d->stats;
    g_string_append_printf(out, "user mode entered: %" G_GUINT64_FORMAT "; decided:\n", s->entries);
    for (int n = 0; n < DECIDE_COUNT; n++)
        if (s->decided[n])
            g_string_append_printf(out, COUNT " %s\n", s->decided[n],
                                   n == DECIDE_DIRECT ? "may run directly" : decision_name(n));
    g_string_append_printf(out, "of those that may:\n" COUNT " in an address space that has not proved to compute\n",
                           s->not_promoted);
    for (int n = 0; n < HOST_LACK_COUNT; n++)
        if (s->lacks[n])
            g_string_append_printf(out, COUNT " %s%s\n", s->lacks[n], n ? "the host can not show " : "run directly",
                                   n ? host_lack_name(n) : "");
}

typedef struct RowCount {
    unsigned row;
    uint64_t count;
} RowCount;

static int more(gconstpointer a, gconstpointer b)
{
    const RowCount *x = a, *y = b;
    return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static void print_stops(const Direct *d, GString *out)
{
    const DirectStats *s = &d->stats;
    g_string_append_printf(out, "stays in a sandbox: %" G_GUINT64_FORMAT "; stops:\n", s->stays);
    for (int n = 0; n < SANDBOX_EXIT_COUNT; n++)
        if (n != SANDBOX_FAULT && s->exits[n])
            g_string_append_printf(out, COUNT " %s\n", s->exits[n], sandbox_exit_name(n));
    for (int n = 0; n < 32; n++)
        if (s->faults[n])
            g_string_append_printf(out, COUNT " fault, vector %d\n", s->faults[n], n);
    g_string_append_printf(out, "of the faults, and " "%" G_GUINT64_FORMAT " that were foreseen:\n" COUNT " data mapped\n" COUNT " code swept and mapped\n" COUNT
                           " instructions interpreted\n" COUNT " ways through code that may not run there, " COUNT " long\n",
                           s->foreseen, s->mapped, s->code, s->interpreted, s->excursions, s->excursions_long);
    if (s->left_out)
        g_string_append_printf(out, COUNT " stops at what copies of code leave out\n", s->left_out);
    RowCount rows[ROW_COUNT];
    for (unsigned n = 0; n < ROW_COUNT; n++)
        rows[n] = (RowCount){n, s->refused[n]};
    qsort(rows, ROW_COUNT, sizeof rows[0], more);
    for (unsigned n = 0; n < 8 && rows[n].count; n++)
        g_string_append_printf(out, COUNT "   by %s\n", rows[n].count,
                               rows[n].row ? insn_info[rows[n].row].name : "what this CPU does not have, or a page that changes");
}

static void print_space(Space *space, void *opaque)
{
    GString *out = opaque;
    const Policy *p = space->policy;
    if (space->sandbox)
        g_string_append_printf(out, "  CR3 %08" G_GINT64_MODIFIER "x: %" G_GUINT64_FORMAT " pages by %u tables, %u mappings of the "
                               "host at most, demoted %u times before%s\n", space->cr3, space->pages, space->tables,
                               sandbox_mappings(space->sandbox), p ? p->demotions : 0, space->split ? ", split views" : "");
}

void direct_print(Direct *d, GString *out)
{
    const DirectStats *s = &d->stats;
    g_string_append_printf(out, "direct execution: %s\n",
                           d->impossible ? "not on this host" : d->mode == DIRECT_ON ? "on" : d->mode == DIRECT_STRICT ? "strict" : "automatic");
    if (d->facts) {
        char *line = host_facts_line(d->facts);
        g_string_append_printf(out, "%s\n", line);
        g_free(line);
        if (d->facts->level == HOST_NATIVE)
            g_string_append_printf(out, "a trip: #PF %.1f us, #GP %.1f us, INT 80h %.1f us; a mapping %.1f us\n",
                                   d->facts->trip_pf_us, d->facts->trip_gp_us, d->facts->trip_int80_us, d->facts->map_us);
    }
    print_insns(d, out);
    print_why(d, out);
    if (!d->spaces)
        return;
    print_stops(d, out);
    g_string_append_printf(out, "address spaces: %" G_GUINT64_FORMAT " promotions, %" G_GUINT64_FORMAT " demotions, %" G_GUINT64_FORMAT
                           " given up, %" G_GUINT64_FORMAT " sandboxes born, %u now\n", s->promotions, s->demotions, s->bans,
                           s->births, sandbox_pool_count(d->pool));
    spaces_foreach(d->spaces, print_space, out);
    const SpacesStats *t = spaces_stats(d->spaces);
    g_string_append_printf(out, "shadow: " COUNT " pages mapped, %" G_GUINT64_FORMAT " unmapped; compared %" G_GUINT64_FORMAT
                           " times, %" G_GUINT64_FORMAT " tables, of which %" G_GUINT64_FORMAT " had changed\n", t->mapped,
                           t->unmapped, t->synced, t->tables_compared, t->tables_changed);
    g_string_append_printf(out, "code: %" G_GUINT64_FORMAT " pages swept, %" G_GUINT64_FORMAT " times refused, %" G_GUINT64_FORMAT
                           " rewritten; %" G_GUINT64_FORMAT " pages made read-only for translated code\n", t->swept, t->sweep_refused,
                           t->code_written, t->revoked);
    if (t->copied)
        g_string_append_printf(out, "split views: %" G_GUINT64_FORMAT " address spaces went over to them, %" G_GUINT64_FORMAT
                               " back, %" G_GUINT64_FORMAT " pages copied, %" G_GUINT64_FORMAT " times more of one\n", s->splits,
                               s->joins, t->copied, t->extended);
}

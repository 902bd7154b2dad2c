/*
 * What the translation cache counts, for people.
 */
#include "tcache/internal.h"

#include <stdlib.h>

void tcache_stats(const TCache *c, TCacheStats *out)
{
    *out = c->stats;
    out->code_used = c->buf->code - c->buf->write;
    out->data_used = c->buf->write + c->buf->size - c->buf->data;
    out->size = c->buf->size;
}

typedef struct RowCalls {
    unsigned row;
    uint64_t calls;
} RowCalls;

static int more_calls(gconstpointer a, gconstpointer b)
{
    const RowCalls *x = a, *y = b;
    return x->calls < y->calls ? 1 : x->calls > y->calls ? -1 : 0;
}

void tcache_stats_print(const TCache *c, GString *out)
{
    RowCalls rows[ROW_COUNT];
    uint64_t calls = 0;
    TCacheStats s;

    tcache_stats(c, &s);
    for (unsigned n = 0; n < ROW_COUNT; n++) {
        rows[n] = (RowCalls){n, c->calls[n]};
        calls += c->calls[n];
    }
    g_string_append_printf(out, "translated: %" G_GUINT64_FORMAT " blocks of %" G_GUINT64_FORMAT " instructions; buffer %zu + %zu of %zu KiB\n",
                           s.blocks, s.insns, s.code_used >> 10, s.data_used >> 10, s.size >> 10);
    g_string_append_printf(out, "executed: %" G_GUINT64_FORMAT " instructions, %" G_GUINT64_FORMAT " entries, %" G_GUINT64_FORMAT
                           " interpreted, %" G_GUINT64_FORMAT " handlers called, %"
                           G_GUINT64_FORMAT " lean ones\n", c->v->insns, s.entries, s.steps, calls, s.lean);
    g_string_append_printf(out, "spans %" G_GUINT64_FORMAT ", blocks without because a check failed %" G_GUINT64_FORMAT "\n", s.spans, s.plain);
    g_string_append_printf(out, "links %" G_GUINT64_FORMAT ", flushes %" G_GUINT64_FORMAT ", invalidated pages %" G_GUINT64_FORMAT "\n",
                           s.links, s.flushes, s.invalidations);
    qsort(rows, ROW_COUNT, sizeof rows[0], (int (*)(const void *, const void *))more_calls);
    for (unsigned n = 0; n < ROW_COUNT && n < 30 && rows[n].calls; n++)
        g_string_append_printf(out, "%12" G_GUINT64_FORMAT " %s\n", rows[n].calls, insn_info[rows[n].row].name);
}

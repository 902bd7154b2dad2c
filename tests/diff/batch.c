/*
 * Packed cases in batches.
 *
 * What an engine has to do for new code (decode, translate, sweep, copy, map) costs a sandbox ten times what the case itself does. So
 * the code of some fifty cases is put in memory at once, on both sides, and then each is run like any other: from its own state, by
 * its own entry, to its own exception; its data put back behind it. A stub that branches to all of them, and never does, comes
 * first: engines that look at code before it runs see it all.
 *
 * A case that differed is run again by itself, and if it is equal then, again in its batch.
 */
#include <string.h>

#include "diff/packed.h"
#include "diff/worker_state.h"

enum { ALONE_EVERY = 100 };

typedef struct Suspect {
    const DiffCase *c;
    unsigned differs;
    DiffResult host, got;
} Suspect;

/* Cases whose code is in memory together. */
typedef struct Round {
    const DiffCase *c[PACKED];
    unsigned count;
    Suspect suspect[PACKED];
    unsigned suspects;
} Round;

/* Bytes for the standing contents of code pages. */
static void lay(Worker *w, uint32_t addr, const uint8_t *bytes, unsigned len)
{
    for (; len; addr++, bytes++, len--) {
        int page = diff_page_index(addr);
        if (page >= 0 && (diff_pages[page].perm & DIFF_X))
            w->standing[page][addr & 0xfff] = *bytes;
    }
}

static void refill(Worker *w)
{
    for (int i = 0; i < DIFF_PAGES; i++)
        if (diff_pages[i].perm & DIFF_X) {
            w->e->touched(w->e, i, 0, 4096);
            memcpy(w->native[i], w->standing[i], 4096);
            memcpy(w->engine[i], w->standing[i], 4096);
        }
}

static void run_stub(Worker *w, uint32_t addr, unsigned code_size)
{
    uint16_t cs = code_size == 2 ? DIFF_LDT_SEL(LDT_CODE16) : DIFF_CS32;
    DiffCase stub = { .gpr = { [4] = DIFF_STACK + 0x1000 }, .eip = code_size == 2 ? addr - DIFF_CODE : addr, .eflags = 0x202,
                      .sel = { DIFF_DS32, cs, DIFF_DS32, DIFF_DS32, DIFF_DS32, 0 }, .code_addr = addr, .code_size = code_size };
    stub.fx.cw = 0x37f, stub.fx.mxcsr = 0x1f80;
    w->e->run(w->e, &stub, PACKED_STUB_MAX, &w->got);
}

static void place(Worker *w, const Round *r)
{
    uint32_t target[PACKED];
    uint8_t stub[PACKED_STUB_MAX];
    unsigned code_size = r->c[0]->code_size;

    for (unsigned n = 0; n < r->count; n++) {
        target[n] = r->c[n]->code_addr;
        lay(w, r->c[n]->code_addr, r->c[n]->code, r->c[n]->code_len);
    }
    for (int page = 0; page < PACKED_PAGES; page++)
        lay(w, packed_stub_address(page), stub, packed_stub(page, code_size, target, r->count, stub));
    refill(w);
    w->packed = true;
    for (int page = 0; page < PACKED_PAGES; page++)
        run_stub(w, packed_stub_address(page), code_size);
}

static void unplace(Worker *w)
{
    for (int i = 0; i < DIFF_PAGES; i++)
        if (diff_pages[i].perm & DIFF_X)
            gen_page(i, w->standing[i]);
    refill(w);
    w->packed = false;
}

/* Again in its batch, as it came there. Bits DIFFERS_*; the batch is left in memory. */
static unsigned again(Worker *w, const Round *r, const DiffCase *c)
{
    static WorkerStatus scratch;
    place(w, r);
    for (unsigned n = 0; r->c[n] != c; n++)
        worker_try(w, r->c[n]);
    return worker_run_both(w, c, &scratch);
}

/* It is equal by itself. */
static void only_in_batch(Worker *w, const Round *r, const Suspect *x, WorkerStatus *s, GString *report)
{
    unsigned d = again(w, r, x->c);
    GString *memory = g_string_new(NULL);
    worker_print_memory(w, memory);
    worker_restore(w, x->c);
    bool stray = d && worker_strayed(w, x->c);
    worker_restore(w, x->c);
    if (stray)
        s->strays++;
    else if (d)
        s->mismatches++;
    else
        s->unsteady++;
    if (report && !stray) {
        g_string_append(report, d ? "# MISMATCH in its batch only: " : "# UNSTEADY: differed once only, in its batch, in ");
        diff_names(d ? d : x->differs, report);
        g_string_append_c(report, '\n');
        diff_print_case(w->g, x->c, report);
        diff_print_results(x->c, &x->host, &x->got, report);
        g_string_append(report, memory->str);
        worker_print_again(w, x->c, report);
    }
    g_string_free(memory, TRUE);
    unplace(w);
}

static void run_round(Worker *w, Round *r, WorkerStatus *s, GString *report)
{
    place(w, r);
    r->suspects = 0;
    for (unsigned n = 0; n < r->count; n++) {
        unsigned d = worker_run_both(w, r->c[n], s);
        if (d)
            r->suspect[r->suspects++] = (Suspect){ r->c[n], d, w->host, w->got };
        worker_restore(w, r->c[n]);
        s->done++;
    }
    unplace(w);
    for (unsigned n = 0; n < r->suspects; n++) {
        const Suspect *x = &r->suspect[n];
        if (worker_try(w, x->c))
            worker_differed(w, x->c, x->differs, &x->host, &x->got, s, report, true);
        else
            only_in_batch(w, r, x, s, report);
    }
}

static unsigned group_of(Worker *w, const DiffCase *c)
{
    return w->e->group ? w->e->group(w->e, c) : 0;
}

/* The cases of c[0..count) that may share their pages with others of a group. */
static void choose(Worker *w, Round *r, const DiffCase *c, unsigned count, unsigned group)
{
    r->count = 0;
    for (unsigned n = 0; n < count; n++)
        if (group_of(w, &c[n]) == group)
            r->c[r->count++] = &c[n];
}

void worker_set_packed(Worker *w)
{
    gen_set_packed(w->g, true);
}

void worker_batch(Worker *w, uint64_t seed, uint64_t first, uint64_t end, WorkerStatus *s, GString *report)
{
    static DiffCase c[PACKED];
    static Round r;
    unsigned count = MIN(end - first, PACKED - first % PACKED);

    if (first / PACKED % ALONE_EVERY == ALONE_EVERY - 1) {
        for (unsigned n = 0; n < count; n++, s->next++)
            worker_case(w, seed, first + n, s, report, true);
        return;
    }
    for (unsigned n = 0; n < count; n++)
        gen_case(w->g, seed, first + n, &c[n]);
    for (unsigned group = 0; group < DIFF_GROUPS; group++) {
        choose(w, &r, c, count, group);
        if (r.count)
            run_round(w, &r, s, report);
    }
    s->next = first + count;
}

void worker_show_in_batch(Worker *w, uint64_t seed, uint64_t index, GString *out)
{
    static DiffCase c[PACKED];
    static Round r;
    uint64_t first = index - index % PACKED;
    const DiffCase *shown = &c[index - first];
    for (unsigned n = 0; n < PACKED; n++)
        gen_case(w->g, seed, first + n, &c[n]);
    choose(w, &r, c, PACKED, group_of(w, shown));
    unsigned d = again(w, &r, shown);
    g_string_append(out, d ? "#   in its batch it differs: " : "#   in its batch it is equal");
    diff_names(d, out);
    g_string_append_c(out, '\n');
    diff_print_results(shown, &w->host, &w->got, out);
    worker_print_memory(w, out);
    worker_restore(w, shown);
    unplace(w);
}

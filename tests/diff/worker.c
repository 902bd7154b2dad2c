/*
 * One worker: the same case on the host and on an engine, and what to do when they differ.
 *
 * The engine goes first: a case that does not end within its budget is dropped, so the host never loops. Memory is
 * put back after every case to its standing contents, so that each case stands alone and can be run again by its number.
 */
#include <string.h>

#include "diff/worker_state.h"
#include "frontend/insn.h"

enum { BUDGET = 6000 };

static void put_bytes(Worker *w, uint32_t addr, const uint8_t *bytes, unsigned len, bool code)
{
    while (len) {
        unsigned off = addr & 0xfff, n = MIN(len, 0x1000 - off);
        int page = diff_page_index(addr);
        if (page >= 0 && (code || !(diff_pages[page].perm & DIFF_X))) {
            w->e->touched(w->e, page, off, n);
            memcpy(w->native[page] + off, bytes, n);
            memcpy(w->engine[page] + off, bytes, n);
        }
        addr += n, bytes += n, len -= n;
    }
}

static void put_case(Worker *w, const DiffCase *c)
{
    for (int i = 0; i < 2; i++)
        if (c->hot_addr[i])
            put_bytes(w, c->hot_addr[i], c->hot[i], DIFF_HOT, false);
    if (!w->packed)
        put_bytes(w, c->code_addr, c->code, c->code_len, true);
}

static void restore_page(Worker *w, int page)
{
    if (memcmp(w->native[page], w->standing[page], 4096))
        memcpy(w->native[page], w->standing[page], 4096);
    else if (w->equal && (diff_pages[page].perm & DIFF_W))
        return; /* so is the engine's */
    if (memcmp(w->engine[page], w->standing[page], 4096)) {
        w->e->touched(w->e, page, 0, 4096);
        memcpy(w->engine[page], w->standing[page], 4096);
    }
}

/* Put the memory back that the case, or put_case(), changed. */
void worker_restore(Worker *w, const DiffCase *c)
{
    static uint8_t hlt[DIFF_CODE_MAX];
    if (!hlt[0])
        memset(hlt, 0xf4, sizeof hlt);
    if (!w->packed)
        put_bytes(w, c->code_addr, hlt, c->code_len, true);
    for (int i = 0; i < 2; i++)
        for (unsigned k = 0; c->hot_addr[i] && k < DIFF_HOT; k += DIFF_HOT - 1) {
            int page = diff_page_index(c->hot_addr[i] + k);
            if (page >= 0 && !diff_pages[page].perm)
                restore_page(w, page);
        }
    for (int i = 0; i < DIFF_PAGES; i++)
        if (diff_pages[i].perm & DIFF_W)
            restore_page(w, i);
}

static bool memory_equal(Worker *w)
{
    for (int i = 0; i < DIFF_PAGES; i++)
        if ((diff_pages[i].perm & DIFF_W) && memcmp(w->native[i], w->engine[i], 4096))
            return false;
    return true;
}

/*
 * An image of the x87 state in memory: MXCSR_MASK is a constant of the CPU, whose bit 17 (misaligned SSE) is the host's, not
 * the model's; and hosts that keep FOP, FIP and FDP only while an exception is pending store zeros for them (20 bytes), or do so
 * for an engine that runs on such a host.
 */
static bool only_host_fields(Worker *w)
{
    unsigned bytes = 0;
    for (int i = 0; i < DIFF_PAGES; i++)
        for (unsigned k = 0; (diff_pages[i].perm & DIFF_W) && k < 4096; k++)
            if (w->native[i][k] != w->engine[i][k])
                bytes += (w->native[i][k] == 2 && w->engine[i][k] == 0 && (k & 15) == 14)
                         || ((w->native[i][k] == 0 || w->engine[i][k] == 0) && !w->rules.fip_always) ? 1 : 100;
    return bytes <= 22;
}

/* Which of the instructions stores such an image first; -1: none. */
static int image_store(const DiffCase *c)
{
    for (unsigned n = 0; n < c->insns; n++)
        if (c->row[n] == ROW_FXSAVE || c->row[n] == ROW_FNSAVE || c->row[n] == ROW_FNSTENV)
            return n;
    return -1;
}

static bool in_reserved(const Worker *w, uint32_t addr)
{
    return addr - (w->e->reserved - 4096) < w->e->reserved_len + 8192;
}

unsigned worker_run_both(Worker *w, const DiffCase *c, WorkerStatus *s)
{
    const uint16_t *rows = c->row;
    int nrows = c->insns;

    w->equal = false;
    put_case(w, c);
    w->e->run(w->e, c, BUDGET, &w->got);
    if (w->got.vector == DIFF_END_HUNG) {
        s->unfinished++;
        return 0;
    }
    if (w->got.sel[1] >> 3 == 6) { /* a chance selector: the host kernel's descriptor for 64-bit code */
        s->strays++;
        return 0;
    }
    native_run(w->n, c, &w->host);
    if (w->host.vector == DIFF_END_HUNG) { /* the timer may have struck by chance: once more, from the start */
        s->hung++;
        worker_restore(w, c);
        put_case(w, c);
        w->e->run(w->e, c, BUDGET, &w->got);
        native_run(w->n, c, &w->host);
    }
    if (w->host.vector == DIFF_END_SYSCALL) {
        s->strays++;
        return 0;
    }
    for (int i = 0; i < nrows; i++)
        s->rows[rows[i]]++;
    if (diff_mxcsr_is_hosts(&w->host, rows, nrows))
        return 0;
    unsigned d = diff_compare(&w->rules, &w->host, &w->got, rows, nrows);
    /* A far call that faults may have pushed already, below ESP: some CPUs check the target last. */
    bool pushed = w->host.vector != 1 && w->host.eip == w->got.eip && nrows && rows[0] == ROW_CALL_FAR;
    bool image = image_store(c) >= 0;
    w->equal = memory_equal(w);
    if (!pushed && !w->equal && !(image && only_host_fields(w)))
        d |= DIFFERS_MEM;
    if (d && (in_reserved(w, w->host.cr2) || in_reserved(w, w->got.cr2))) {
        s->strays++;
        return 0;
    }
    return d;
}

/*
 * Did control run through bytes that the generator did not mean as instructions? Stepping the engine tells: every
 * instruction met must start where one was put, or be a HLT. Only asked of cases that differ.
 */
bool worker_strayed(Worker *w, const DiffCase *c)
{
    DiffResult r;
    w->equal = false;
    for (unsigned steps = 1; steps < 200; steps++) {
        worker_restore(w, c);
        put_case(w, c);
        w->e->run(w->e, c, steps, &r);
        if (r.vector != DIFF_END_HUNG)
            return false;
        if (r.sel[1] != c->sel[1])
            continue;
        uint32_t off = r.eip - c->eip;
        if (off >= c->code_len) {
            int page = w->packed ? diff_page_index(c->code_addr + off) : -1;
            if (page >= 0 && (diff_pages[page].perm & DIFF_X) && w->standing[page][(c->code_addr + off) & 0xfff] != 0xf4)
                return true; /* another case's */
            continue;
        }
        bool start = false;
        for (unsigned n = 0; n < c->insns; n++)
            start |= c->start[n] == off;
        if (!start)
            return true;
    }
    return false;
}

unsigned worker_try(Worker *w, const DiffCase *c)
{
    static WorkerStatus scratch;
    unsigned d = worker_run_both(w, c, &scratch);
    worker_restore(w, c);
    return d;
}

/*
 * Such a host, or an engine in a process of its, did not keep FOP, FIP and FDP, and an instruction after the one that stored them used what it
 * stored: up to that one nothing differs.
 */
static bool used_lost_pointers(Worker *w, const DiffCase *c)
{
    int n = image_store(c);
    if (w->rules.fip_always || n < 0 || n + 1u >= c->insns)
        return false;
    DiffCase t = *c;
    t.insns = n + 1;
    t.code_len = t.start[n + 1];
    return !worker_try(w, &t);
}

/* Smaller cases that still differ: fewer instructions, plainer state. */
static void minimise(Worker *w, DiffCase *c)
{
    DiffCase t;
    for (unsigned n = c->insns; n-- > 0 && c->insns > 1;) {
        t = *c;
        unsigned start = t.start[n], len = t.start[n + 1] - start;
        memmove(t.code + start, t.code + start + len, DIFF_CODE_MAX - start - len);
        for (unsigned k = n; k < t.insns; k++)
            t.start[k] = t.start[k + 1] - len;
        memmove(&t.row[n], &t.row[n + 1], (DIFF_INSNS - 1 - n) * sizeof t.row[0]);
        t.insns--, t.code_len -= MIN(len, t.code_len);
        if (worker_try(w, &t))
            *c = t;
    }
    for (int i = 0; i < 8; i++) {
        t = *c;
        t.gpr[i] = 0;
        if (i != 4 && worker_try(w, &t))
            *c = t;
    }
    t = *c;
    t.eflags = 0x202;
    if (worker_try(w, &t))
        *c = t;
    for (int i = 0; i < 8; i++) {
        t = *c;
        t.fx.st[i].mant = t.fx.st[i].exp = 0;
        if (worker_try(w, &t))
            *c = t;
        t = *c;
        t.fx.xmm[i][0] = t.fx.xmm[i][1] = 0;
        if (worker_try(w, &t))
            *c = t;
    }
    t = *c;
    t.fx.cw = 0x37f, t.fx.sw = 0, t.fx.tag = 0;
    if (worker_try(w, &t))
        *c = t;
    t = *c;
    t.fx.mxcsr = 0x1f80;
    if (worker_try(w, &t))
        *c = t;
    for (int i = 0; i < 2; i++) {
        t = *c;
        t.hot_addr[i] = 0;
        if (worker_try(w, &t))
            *c = t;
    }
}

void worker_print_memory(Worker *w, GString *out)
{
    unsigned shown = 0;
    for (int i = 0; i < DIFF_PAGES; i++)
        for (unsigned k = 0; k < 4096 && shown < 24; k++)
            if (w->native[i][k] != w->engine[i][k]) {
                g_string_append_printf(out, "#   [%08x] host %02x, engine %02x (before %02x)\n", diff_pages[i].addr + k,
                                       w->native[i][k], w->engine[i][k], w->standing[i][k]);
                shown++;
            }
}

void worker_print_again(const Worker *w, const DiffCase *c, GString *out)
{
    g_string_append_printf(out, "#   again: tests/test-diff%s --seed %" G_GUINT64_FORMAT " --case %" G_GUINT64_FORMAT "\n",
                           w->options, c->seed, c->index);
}

bool worker_differed(Worker *w, const DiffCase *given, unsigned d, const DiffResult *host, const DiffResult *got,
                            WorkerStatus *s, GString *report, bool small)
{
    DiffCase c = *given;
    bool stray = worker_strayed(w, &c);
    worker_restore(w, &c);
    if (stray) {
        s->strays++;
        return true;
    }
    if (used_lost_pointers(w, &c)) {
        s->pointers++;
        return true;
    }
    if (!worker_try(w, &c) && !worker_try(w, &c) && !worker_try(w, &c)) {
        s->unsteady++;
        if (report) {
            g_string_append(report, "# UNSTEADY: differed once only, in ");
            diff_names(d, report);
            g_string_append_c(report, '\n');
            diff_print_case(w->g, &c, report);
            diff_print_results(&c, host, got, report);
            worker_print_again(w, &c, report);
        }
        return true;
    }
    s->mismatches++;
    if (!report)
        return false;
    if (small)
        minimise(w, &c);
    d = worker_try(w, &c);
    g_string_append_printf(report, "# MISMATCH %s ", c.insns ? c.row[0] ? insn_info[c.row[0]].name : "invalid" : "-");
    diff_names(d, report);
    g_string_append(report, "\n");
    diff_print_case(w->g, &c, report);
    static WorkerStatus scratch;
    worker_run_both(w, &c, &scratch);
    diff_print_results(&c, &w->host, &w->got, report);
    worker_print_memory(w, report);
    worker_restore(w, &c);
    worker_print_again(w, &c, report);
    return false;
}

bool worker_case(Worker *w, uint64_t seed, uint64_t index, WorkerStatus *s, GString *report, bool small)
{
    DiffCase c;
    gen_case(w->g, seed, index, &c);
    unsigned d = worker_run_both(w, &c, s);
    DiffResult host = w->host, got = w->got;
    worker_restore(w, &c);
    s->done++;
    return !d || worker_differed(w, &c, d, &host, &got, s, report, small);
}

void worker_show(Worker *w, uint64_t seed, uint64_t index, GString *out)
{
    DiffCase c;
    static WorkerStatus scratch;
    gen_case(w->g, seed, index, &c);
    diff_print_case(w->g, &c, out);
    unsigned d = worker_run_both(w, &c, &scratch);
    g_string_append(out, d ? "#   differs: " : scratch.unfinished ? "#   did not end in the engine" : "#   equal");
    diff_names(d, out);
    g_string_append(out, "\n");
    diff_print_results(&c, &w->host, &w->got, out);
    worker_print_memory(w, out);
    worker_restore(w, &c);
}

/* ESI and EDI when a probe begins: where nothing is. */
enum { PROBE_SOURCE = 0x1000, PROBE_DESTINATION = 0x2000 };

/* What the host makes of one or two bytes of code. */
static const DiffResult *probe(Worker *w, uint8_t byte0, uint8_t byte1)
{
    DiffCase c = { .gpr = { [4] = DIFF_STACK + 0x1000, [6] = PROBE_SOURCE, [7] = PROBE_DESTINATION }, .eip = DIFF_CODE, .eflags = 0x202,
                   .sel = { DIFF_DS32, DIFF_CS32, DIFF_DS32, DIFF_DS32, DIFF_DS32, 0 }, .code_addr = DIFF_CODE,
                   .code = { byte0, byte1 }, .code_len = 2, .code_size = 4 };
    c.fx.cw = 0x37f, c.fx.mxcsr = 0x1f80;
    put_case(w, &c);
    native_run(w->n, &c, &w->host);
    worker_restore(w, &c);
    return &w->host;
}

Worker *worker_new(DiffEngine *e, const char *only, const char *options, const char **reason)
{
    Worker *w = g_new0(Worker, 1);
    w->e = e;
    w->options = options;
    w->g = gen_new(e->features, only);
    if (!w->g) {
        *reason = "no such row in the instruction table";
        worker_free(w);
        return NULL;
    }
    w->n = native_new(reason);
    if (!w->n) {
        worker_free(w);
        return NULL;
    }
    for (int i = 0; i < DIFF_PAGES; i++) {
        gen_page(i, w->standing[i]);
        w->native[i] = native_page(w->n, i);
        w->engine[i] = e->page(e, i);
        e->touched(e, i, 0, 4096);
        memcpy(w->native[i], w->standing[i], 4096);
        memcpy(w->engine[i], w->standing[i], 4096);
    }
    __builtin_cpu_init();
    w->rules.amd = __builtin_cpu_is("amd");
    w->rules.fip_always = probe(w, 0xd9, 0xe8)->fx.fip == DIFF_CODE; /* fld1 */
    w->rules.fip_lost = e->on_host && !w->rules.fip_always;
    w->rules.icebp_before = probe(w, 0xf1, 0x90)->eip == DIFF_CODE;
    w->rules.cmps_source_first = probe(w, 0xa6, 0x90)->cr2 == PROBE_SOURCE; /* cmpsb */
    return w;
}

void worker_free(Worker *w)
{
    if (w->g)
        gen_free(w->g);
    w->e->free(w->e);
    g_free(w);
}

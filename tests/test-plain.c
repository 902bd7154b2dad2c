/*
 * The plain cases of system instructions (cpu/plain.h) against the careful ways: random tables, segments, stacks and flags, mostly such as
 * systems have. A plain case that is done must leave what the careful way leaves, one that is refused nothing changed. And the lean
 * helpers that use them: a loop of system calls does not come back to the run loop.
 */
#include "cpubench.h"

#include <setjmp.h>
#include <string.h>

#include "cpu/handlers.h"
#include "cpu/plain.h"
#include "tcache/tcache.h"

#define RAM_SIZE (1 << 20)
#define ROUNDS 200000
enum { GDT = 0x1000, IDT = 0x2000, TSS = 0x3000, STACK = 0x5000 /* and the page behind */, ENTRIES = 12, VECTOR = 0x21 };
enum { SEG_LOAD, DELIVER, IRET, SYSENTER, SYSEXIT, VERW, OPS };

typedef struct Machine {
    CpuBench *b;
    GRand *r;
    uint8_t ram[RAM_SIZE >> 4]; /* all that is used */
    Vcpu *before, *careful;
} Machine;

static unsigned pick(Machine *m, unsigned n)
{
    return g_rand_int_range(m->r, 0, n);
}
static bool one_in(Machine *m, unsigned n)
{
    return pick(m, n) == 0;
}

static void put(Machine *m, Gpa addr, uint32_t value)
{
    memcpy(m->b->ram->host + addr, &value, 4);
}

/* Code or data with what makes it plain, but for a bit now and then. */
static void descriptor(Machine *m, Gpa addr, bool code, unsigned dpl)
{
    uint32_t attr = SEG_P | SEG_S | SEG_A | SEG_DB | SEG_G | (code ? SEG_CODE | SEG_R : SEG_W) | dpl << SEG_DPL_SHIFT;
    uint32_t base = one_in(m, 3) ? 0x100 * pick(m, 8) : 0, limit = one_in(m, 6) ? pick(m, 16) : 0xfffff;
    if (one_in(m, 5))
        attr ^= 1u << pick(m, 8);
    if (one_in(m, 12))
        attr ^= one_in(m, 2) ? SEG_DB : SEG_G;
    put(m, addr, (limit & 0xffff) | base << 16);
    put(m, addr + 4, (base >> 16 & 0xff) | (attr & 0xff) << 8 | (limit & 0xf0000) | (attr & 0xf000) << 8 | (base & 0xff000000));
}

static uint16_t selector(Machine *m, unsigned rpl)
{
    return pick(m, ENTRIES + one_in(m, 8)) << 3 | (one_in(m, 8) ? pick(m, 4) : rpl);
}

static uint32_t stack_top(Machine *m)
{
    return STACK + (one_in(m, 6) ? 0x1000 : 0x800) + (one_in(m, 4) ? pick(m, 40) : 4 * pick(m, 10)) - (one_in(m, 60) ? STACK + 0x800 : 0);
}

/* A code or data entry of that privilege, if pick() finds one. */
static uint16_t fitting(Machine *m, bool code, unsigned dpl)
{
    return (1 + (code ? 0 : 4) + dpl) << 3 | dpl;
}

static void make(Machine *m)
{
    Vcpu *v = m->b->v;
    unsigned cpl = one_in(m, 8) ? pick(m, 4) : one_in(m, 2) ? 3 : 0, to = one_in(m, 6) ? pick(m, 4) : 0;
    static const uint32_t spice[] = {FL_TF, FL_NT, FL_RF, FL_VM, FL_AC, FL_ID, FL_VIF, FL_VIP, FL_IOPL, FL_DF};

    memset(m->b->ram->host, 0, sizeof m->ram);
    for (unsigned n = 1; n < ENTRIES; n++) /* code of the four levels, data of them, and anything */
        descriptor(m, GDT + n * 8, n <= 4, n <= 8 ? (n - 1) % 4 : pick(m, 4));
    uint32_t off = pick(m, 0x20000);
    uint16_t sel = one_in(m, 10) ? selector(m, to) : fitting(m, true, to);
    put(m, IDT + VECTOR * 8, sel << 16 | (off & 0xffff));
    put(m, IDT + VECTOR * 8 + 4, (off & 0xffff0000) | ((one_in(m, 12) ? pick(m, 256) : 0x8e + pick(m, 2)) | (one_in(m, 2) ? 0x60 : 0)) << 8);
    for (unsigned n = 0; n < 3; n++) {
        put(m, TSS + 4 + n * 8, stack_top(m));
        put(m, TSS + 8 + n * 8, one_in(m, 12) ? selector(m, n) : fitting(m, false, n));
    }
    v->cr0 = CR0_PE | CR0_ET | (one_in(m, 8) ? CR0_AM : 0);
    v->flags = FL_1 | (one_in(m, 2) ? FL_IF : 0) | (one_in(m, 4) ? spice[pick(m, G_N_ELEMENTS(spice))] : 0);
    v->cc = cc_from_flags(pick(m, 0x1000));
    v->gdtr = (TableReg){GDT, ENTRIES * 8 - 1 - (one_in(m, 20) ? pick(m, 40) : 0)};
    v->idtr = (TableReg){IDT, VECTOR * 8 + 7 - one_in(m, 30)};
    v->ldtr = (Seg){.null = true};
    v->tr = (Seg){.base = TSS, .limit = one_in(m, 20) ? pick(m, 40) : 0x67, .attr = SEG_P | (one_in(m, 20) ? 3 : 11)};
    v->cpl = cpl;
    for (int n = 0; n < S_COUNT; n++) {
        uint16_t with = n == S_CS ? fitting(m, true, cpl) : n == S_SS ? fitting(m, false, cpl) : selector(m, cpl);
        Desc d = {.addr = GDT + (with & 0xfff8), .sel = with};
        memcpy(&d.lo, m->b->ram->host + d.addr, 4);
        memcpy(&d.hi, m->b->ram->host + d.addr + 4, 4);
        seg_set(v, n, with, &d);
        if (n != S_CS && n != S_SS && one_in(m, 3))
            seg_set_null(v, n, 0);
    }
    mmu_update_idx(v);
    for (int n = 0; n < 8; n++)
        v->gpr[n].q = g_rand_int(m->r);
    v->gpr[R_SP].q = stack_top(m);
    v->rip = pick(m, 0x10000);
    v->insn_rip = v->rip;
    v->nmi_blocked = one_in(m, 30);
    v->intr = one_in(m, 8);
    v->shadow = v->halted = false;
    v->msr.sysenter_cs = one_in(m, 10) ? pick(m, 4) : 8 * pick(m, 20);
    v->msr.sysenter_esp = g_rand_int(m->r);
    v->msr.sysenter_eip = g_rand_int(m->r);
    v->delivering = -1;
    /* what IRET finds */
    unsigned rpl = one_in(m, 2) ? cpl : one_in(m, 6) ? pick(m, 4) : 3;
    uint32_t sp = v->gpr[R_SP].d + v->seg[S_SS].base, image = v->flags ^ (one_in(m, 2) ? FL_IF : 0) ^ (one_in(m, 4) ? spice[pick(m, G_N_ELEMENTS(spice))] : 0);
    uint32_t frame[5] = {pick(m, 0x20000), one_in(m, 10) ? selector(m, rpl) : fitting(m, true, rpl), image | pick(m, 0x100),
                         g_rand_int(m->r), one_in(m, 10) ? selector(m, rpl) : fitting(m, false, rpl)};
    for (unsigned n = 0; n < 5; n++)
        put(m, sp + 4 * n, frame[n]);
}

/* All of the tables and stacks in the TLB. */
static void warm(Machine *m)
{
    for (Gva a = 0; a < sizeof m->ram; a += PAGE_SIZE)
        for (int idx = MMU_SUPER; idx <= MMU_USER; idx++)
            mmu_translate(m->b->v, a, ACCESS_WRITE, idx);
}

static void assert_same_seg(const Seg *a, const Seg *b)
{
    g_assert_cmphex(a->sel, ==, b->sel);
    g_assert_cmphex(a->base, ==, b->base);
    g_assert_cmphex(a->limit, ==, b->limit);
    g_assert_cmphex(a->attr, ==, b->attr);
    g_assert_cmpint(a->null, ==, b->null);
    g_assert_cmpint(a->open, ==, b->open);
    g_assert_cmpint(a->read_max, ==, b->read_max);
    g_assert_cmpint(a->write_max, ==, b->write_max);
}

static void assert_same(const Vcpu *a, const Vcpu *b)
{
    for (int n = 0; n < 8; n++)
        g_assert_cmphex(a->gpr[n].q, ==, b->gpr[n].q);
    g_assert_cmphex(eflags_get(a), ==, eflags_get(b));
    g_assert_cmpint(a->cpl, ==, b->cpl);
    g_assert_cmpint(a->mmu_idx, ==, b->mmu_idx);
    g_assert_cmphex(a->sp_mask, ==, b->sp_mask);
    g_assert_cmpint(a->halted, ==, b->halted);
    g_assert_cmpint(a->shadow, ==, b->shadow);
    g_assert_cmpint(a->nmi_blocked, ==, b->nmi_blocked);
    for (int n = 0; n < S_COUNT; n++)
        assert_same_seg(&a->seg[n], &b->seg[n]);
}

static void keep(const Vcpu *v, Vcpu *copy)
{
    memcpy(copy, v, offsetof(Vcpu, tlb));
}

typedef struct Operation {
    unsigned what, seg;
    uint16_t sel;
    bool soft, has_error;
    uint32_t error, image;
} Operation;

static void run_careful(Vcpu *v, const Operation *o)
{
    Insn i = {.opsize = 4, .rm = R_BX};
    switch (o->what) {
    case SEG_LOAD: seg_load(v, o->seg, o->sel); break;
    case DELIVER: event_deliver(v, VECTOR, o->soft ? EVENT_SOFT_INT : EVENT_EXCEPTION, o->has_error, o->error); break;
    case IRET: op_iret(v, &i); break;
    case SYSENTER: op_sysenter(v, &i); break;
    case SYSEXIT: op_sysexit(v, &i); break;
    default: op_verw(v, &i); break;
    }
}

static bool run_plain(Vcpu *v, const Operation *o)
{
    bool resume = false, done;
    switch (o->what) {
    case SEG_LOAD: return plain_seg_load(v, o->seg, o->sel);
    case DELIVER: return plain_deliver(v, VECTOR, o->soft, o->has_error ? &o->error : NULL, eflags_get(v));
    case IRET:
        done = plain_iret(v, &resume);
        if (done && resume)
            v->flags |= FL_RF;
        return done;
    case SYSENTER: return plain_sysenter(v);
    case SYSEXIT: return plain_sysexit(v);
    default: return plain_verw(v, o->sel);
    }
}

/* True: it was done. */
static bool compare(Machine *m, const Operation *o)
{
    static const uint8_t data[] = {S_ES, S_DS, S_FS, S_GS};
    Vcpu *v = m->b->v;
    jmp_buf catch_point;
    volatile bool faulted = true;
    g_autofree uint8_t *before = g_memdup2(m->b->ram->host, sizeof m->ram);

    v->gpr[R_BX].d = o->sel;
    keep(v, m->before);
    tlb_flush_all(v); /* so nothing is plain */
    v->catch_point = &catch_point;
    if (!_setjmp(catch_point)) {
        Operation careful = *o;
        careful.seg = data[o->seg];
        run_careful(v, &careful);
        faulted = false;
    }
    keep(v, m->careful);
    memcpy(m->ram, m->b->ram->host, sizeof m->ram);

    memcpy(v, m->before, offsetof(Vcpu, tlb));
    memcpy(m->b->ram->host, before, sizeof m->ram);
    warm(m);
    Operation plain = *o;
    plain.seg = data[o->seg];
    if (!run_plain(v, &plain)) {
        assert_same(v, m->before);
        g_assert_cmphex(v->rip, ==, m->before->rip);
        g_assert_cmpint(memcmp(m->b->ram->host, before, sizeof m->ram), ==, 0);
        return false;
    }
    g_assert_false(faulted);
    assert_same(v, m->careful);
    g_assert_cmphex(v->rip, ==, m->careful->rip);
    g_assert_cmpint(memcmp(m->b->ram->host, m->ram, sizeof m->ram), ==, 0);
    return true;
}

static void test_plain(void)
{
    unsigned count[OPS][2] = {0};
    Machine *m = g_new0(Machine, 1);
    m->b = cpu_bench_new("max", RAM_SIZE);
    m->r = g_rand_new_with_seed(g_test_rand_int());
    m->before = g_malloc(offsetof(Vcpu, tlb));
    m->careful = g_malloc(offsetof(Vcpu, tlb));
    for (unsigned n = 0; n < ROUNDS; n++) {
        make(m);
        Operation o = {.what = pick(m, OPS), .seg = pick(m, 4), .sel = one_in(m, 6) ? pick(m, 4) : selector(m, m->b->v->cpl),
                       .soft = one_in(m, 2)};
        o.has_error = !o.soft && one_in(m, 2);
        o.error = g_rand_int(m->r);
        count[o.what][compare(m, &o)]++;
    }
    for (unsigned n = 0; n < OPS; n++) { /* both kinds came */
        g_assert_cmpuint(count[n][0], >, ROUNDS / OPS / 100);
        g_assert_cmpuint(count[n][1], >, ROUNDS / OPS / 20);
    }
    g_free(m->before);
    g_free(m->careful);
    g_rand_free(m->r);
    cpu_bench_free(m->b);
    g_free(m);
}

/* ---- the helpers ---- */

#define LOOPS 1000
enum { USER = 0x8000, HANDLER = 0x8100, LAST = 0x8180, GATE_CALL = 0x80, GATE_END = 0x81 };

static void gate(CpuBench *b, unsigned vector, uint32_t off)
{
    uint32_t words[2] = {0x08 << 16 | off, 0xee00};
    cpu_bench_load(b, IDT + vector * 8, words, 8);
}

/* A program at CPL 3 that loads segments and calls its system LOOPS times. */
static CpuBench *calls(void)
{
    static const uint64_t gdt[] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff};
    static const uint8_t user[] = {
        0x8e, 0xd8, /* 1: mov ds, eax */
        0x8e, 0xc0, /* mov es, eax */
        0x1e, 0x1f, /* push ds; pop ds */
        0xcd, 0x80, /* int 80h */
        0x49,       /* dec ecx */
        0x75, 0xf5, /* jnz 1b */
        0xcd, 0x81, /* int 81h */
    };
    static const uint8_t handler[] = {0x43 /* inc ebx */, 0x0f, 0x00, 0xe8 /* verw ax */, 0xcf /* iret */};
    static const uint32_t tss[] = {0, STACK + 0x800, 0x10};
    CpuBench *b = cpu_bench_new("max", RAM_SIZE);
    Vcpu *v = b->v;
    cpu_bench_load(b, GDT, gdt, sizeof gdt);
    cpu_bench_load(b, TSS, tss, sizeof tss);
    cpu_bench_load(b, USER, user, sizeof user);
    cpu_bench_load(b, HANDLER, handler, sizeof handler);
    cpu_bench_load(b, LAST, "\xf4", 1); /* hlt */
    gate(b, GATE_CALL, HANDLER);
    gate(b, GATE_END, LAST);
    v->cr0 |= CR0_PE;
    v->gdtr = (TableReg){GDT, sizeof gdt - 1};
    v->idtr = (TableReg){IDT, 0x7ff};
    v->tr = (Seg){.base = TSS, .limit = 0x67, .attr = SEG_P | 11};
    for (int n = 0; n < S_COUNT; n++) {
        Desc d = {.addr = GDT + (n == S_CS ? 0x18 : 0x20), .lo = gdt[n == S_CS ? 3 : 4], .hi = gdt[n == S_CS ? 3 : 4] >> 32};
        seg_set(v, n, n == S_CS ? 0x1b : 0x23, &d);
    }
    cpu_set_cpl(v, 3);
    v->gpr[R_AX].q = 0x23;
    v->gpr[R_CX].q = LOOPS;
    v->gpr[R_BX].q = 0;
    v->gpr[R_SP].q = STACK + 0x400;
    v->rip = USER;
    return b;
}

static void test_calls(gconstpointer window)
{
    CpuBench *i = calls(), *t = calls();
    TCacheStats s;
    g_assert_nonnull(tcache_new(t->v, 1 << 20, NULL));
    if (window)
        g_assert_true(tcache_set_window(t->v->tcache, TCACHE_WINDOW_ALL, 0, NULL));
    g_assert_cmpint(interp_run(i->v, 0), ==, EXIT_HALT);
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    assert_same(t->v, i->v);
    g_assert_cmphex(t->v->rip, ==, i->v->rip);
    g_assert_cmpuint(t->v->gpr[R_BX].d, ==, LOOPS);
    g_assert_cmpuint(t->v->insns, ==, i->v->insns);
    g_assert_cmpuint(t->v->event_count, ==, i->v->event_count);
    g_assert_cmpint(memcmp(t->ram->host, i->ram->host, RAM_SIZE), ==, 0);
    tcache_stats(t->v->tcache, &s);
    /* without paging there is nothing in a window of user code, so POP's slot is never found there */
    g_assert_cmpuint(s.lean, >, (window ? 5 : 6) * LOOPS - 60);
    g_assert_cmpuint(s.entries, <, 60);
    tcache_free(t->v->tcache);
    cpu_bench_free(t);
    cpu_bench_free(i);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plain/random", test_plain);
    g_test_add_data_func("/plain/calls", GINT_TO_POINTER(false), test_calls);
    g_test_add_data_func("/plain/calls-window", GINT_TO_POINTER(true), test_calls);
    return g_test_run();
}

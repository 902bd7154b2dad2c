/*
 * Direct execution as a whole: small guests whose user code runs in the sandbox, against the record that the manual asks for;
 * kicks from another thread; writes by another thread; the policy. Skips what needs a sandbox where there is none.
 */
#include "cpubench.h"

#include <unistd.h>

#include "decision/direct_state.h"
#include "frontend/decode.h"
#include "tcache/tcache.h"

#define LOAD_ADDR 0x8000
#define CHAOS_SEED 20010917

static bool have_sandbox(void)
{
    static int have = -1;
    if (have < 0) {
        HostFacts *f = host_probe(false);
        have = f->level == HOST_NATIVE;
        if (!have)
            g_test_message("no sandbox here: %s", f->why);
        host_facts_free(f);
    }
    if (!have)
        g_test_skip("no sandbox on this host");
    return have;
}

static uint32_t word_at(const char *bytes, unsigned n)
{
    uint32_t value;
    memcpy(&value, bytes + 4 * n, 4);
    return value;
}

static CpuBench *bench_with(const char *name, const char *cpu, char **image, gsize *size)
{
    g_autofree char *file = g_strdup_printf("%s.bin", name);
    g_autofree char *path = g_test_build_filename(G_TEST_BUILT, "tests", "guests", file, NULL);
    g_autoptr(GError) error = NULL;
    CpuBench *b = cpu_bench_new(cpu, 8 << 20);
    g_file_get_contents(path, image, size, &error);
    g_assert_no_error(error);
    cpu_bench_load(b, LOAD_ADDR, *image, *size);
    cpu_bench_start(b, 0, LOAD_ADDR, 0x7000);
    tcache_new(b->v, 1 << 20, &error);
    g_assert_no_error(error);
    return b;
}

static void bench_end(CpuBench *b, Direct *d)
{
    direct_free(d);
    tcache_free(b->v->tcache);
    cpu_bench_free(b);
}

/* ---- guests with a record: tests/guests ---- */

typedef struct Guest {
    const char *name, *cpu;
    bool shuts_down; /* ends in a triple fault, not in HLT */
    bool strict;     /* by split views */
    uint64_t chaos;  /* seed; 0: none */
} Guest;

static void test_guest(gconstpointer opaque)
{
    const Guest *guest = opaque;
    g_autofree char *image = NULL;
    gsize size;
    if (!have_sandbox())
        return;
    CpuBench *b = bench_with(guest->name, guest->cpu, &image, &size);
    Direct *d = direct_new(b->v, guest->chaos ? DIRECT_AUTO : guest->strict ? DIRECT_STRICT : DIRECT_ON, NULL);
    d->forced = true;
    if (guest->chaos) {
        direct_set_chaos(d, guest->chaos);
        tcache_set_chaos(b->v->tcache, guest->chaos, false); /* they raise their interrupts themselves */
    }
    Exit why = direct_run(d);
    unsigned from = word_at(image, 1) - LOAD_ADDR, count = (word_at(image, 2) - LOAD_ADDR - from) / 4;
    for (unsigned n = 0; n < MIN(count, b->log->len / 4); n++)
        if (word_at(b->log->str, n) != word_at(image + from, n))
            g_error("%s: word %u of the record is %08x, expected %08x (before it: %08x, expected after it: %08x)", guest->name, n,
                    word_at(b->log->str, n), word_at(image + from, n), n ? word_at(image + from, n - 1) : 0,
                    n + 1 < count ? word_at(image + from, n + 1) : 0);
    g_assert_cmpuint(b->log->len / 4, ==, count);
    g_assert_cmpint(why, ==, guest->shuts_down ? EXIT_SHUTDOWN : EXIT_HALT);
    if (!strcmp(guest->name, "threads") && guest->chaos) {
        g_assert_cmpuint(d->stats.births, >, 1); /* one does */
        g_assert_cmpuint(d->stats.stays, >, 100);
        g_assert_cmpuint(d->stats.splits, >, 0);
    } else if (!strcmp(guest->name, "threads")) {
        g_assert_cmpuint(d->stats.stays, >, 300);
        g_assert_cmpuint(d->stats.lacks[HOST_LACKS_TIME], >, 50);
        g_assert_cmpuint(d->stats.bans, ==, 0);
    }
    if (!strcmp(guest->name, "direct") && !guest->chaos) {
        g_autoptr(GString) out = g_string_new(NULL);
        direct_print(d, out);
        g_test_message("%s", out->str);
        g_assert_cmpuint(d->stats.stays, >, 20);
        g_assert_cmpuint(d->stats.code, >, 0);
        g_assert_cmpuint(d->stats.mapped, >, 3);
        if (guest->strict) {
            g_assert_cmpuint(spaces_stats(d->spaces)->copied, >, 2);
            g_assert_cmpuint(d->stats.left_out, >, 20);
            g_assert_cmpuint(spaces_stats(d->spaces)->code_mapped, ==, 0);
        } else {
            g_assert_cmpuint(d->stats.refused[ROW_SGDT], >, 0);
        }
        g_assert_cmpuint(d->stats.bans, ==, 0);
        g_assert_cmpuint(d->stats.births, ==, 2);
    }
    bench_end(b, d);
}

/* ---- kicks and writes from another thread ---- */

enum { USER = 0x400000, FRAME = 0x200000, PAGE_DIR = 0x100000, PAGE_TABLE = 0x101000, GDT = 0x1000, IDT = 0x2000, HANDLER = 0x3000 };

static void poke32(CpuBench *b, Gpa addr, uint32_t value)
{
    cpu_bench_load(b, addr, &value, 4);
}

static Seg flat(uint16_t sel, uint16_t attr)
{
    return (Seg){.limit = 0xffffffff, .sel = sel, .attr = attr | SEG_P | SEG_S | SEG_A | SEG_DB | SEG_G};
}

/* A CPU at CPL 3 that runs code at USER, with page tables, a GDT and an IDT whose entry 40h is the kernel's code at HANDLER. */
static CpuBench *user_bench(const void *code, size_t n, const void *handler, size_t handler_n)
{
    g_autoptr(GError) error = NULL;
    CpuBench *b = cpu_bench_new("qemu32", 8 << 20);
    Vcpu *v = b->v;
    tcache_new(v, 1 << 20, &error);
    g_assert_no_error(error);
    poke32(b, PAGE_DIR, 0x83);
    poke32(b, PAGE_DIR + 4, PAGE_TABLE | 7);
    for (unsigned k = 0; k < 16; k++)
        poke32(b, PAGE_TABLE + 4 * k, (FRAME + k * 0x1000) | 7);
    cpu_bench_load(b, FRAME, code, n);
    cpu_bench_load(b, HANDLER, handler, handler_n);
    static const uint32_t gdt[] = {0, 0, 0xffff, 0xcf9b00, 0xffff, 0xcf9300, 0xffff, 0xcffb00, 0xffff, 0xcff300,
                                   0x08000067, 0x8900}; /* null; code and data of rings 0 and 3; a TSS at 800h */
    cpu_bench_load(b, GDT, gdt, sizeof gdt);
    poke32(b, 0x804, 0x7000);
    poke32(b, 0x808, 0x10);
    poke32(b, IDT + 0x40 * 8, 0x80000 | HANDLER);
    poke32(b, IDT + 0x40 * 8 + 4, 0x8e00);
    v->gdtr = (TableReg){GDT, sizeof gdt - 1};
    v->idtr = (TableReg){IDT, 0x7ff};
    v->tr = (Seg){.base = 0x800, .limit = 0x67, .sel = 0x28, .attr = SEG_P | 11};
    v->cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_MP | CR0_WP;
    v->cr3 = PAGE_DIR;
    v->cr4 = CR4_PSE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    v->seg[S_CS] = flat(0x1b, SEG_CODE | SEG_R | SEG_DPL);
    for (int n2 = 0; n2 < S_COUNT; n2++) {
        if (n2 != S_CS)
            v->seg[n2] = flat(0x23, SEG_W | SEG_DPL);
        seg_derive(v, n2);
    }
    cpu_set_cpl(v, 3);
    eflags_set_raw(v, FL_1 | FL_IF);
    v->gpr[R_SP].d = USER + 0x10000;
    v->rip = USER;
    tlb_flush_all(v);
    return b;
}

typedef struct Kicker {
    CpuBench *b;
    Direct *d;
    volatile uint32_t *counter;
} Kicker;

/* Once the program computes: an interrupt. */
static void *kick_main(void *opaque)
{
    Kicker *k = opaque;
    while (*k->counter < 1000)
        g_usleep(1000);
    k->b->vector = 0x40;
    __atomic_store_n(&k->b->v->intr, 1, __ATOMIC_SEQ_CST);
    vcpu_attention(k->b->v, ATTN_EVENT);
    direct_kick(k->d);
    return NULL;
}

/* A loop without end is left for an interrupt that comes meanwhile, and where it was is known. */
static void test_interrupt(void)
{
    static const uint8_t loop[] = {0xff, 0x05, 0x00, 0x40, 0x40, 0x00, /* incl USER + 4000h */ 0xeb, 0xf8 /* back */};
    static const uint8_t handler[] = {0xf4}; /* hlt */
    if (!have_sandbox())
        return;
    CpuBench *b = user_bench(loop, sizeof loop, handler, sizeof handler);
    Direct *d = direct_new(b->v, DIRECT_ON, NULL);
    Kicker k = {b, d, (volatile uint32_t *)(b->ram->host + FRAME + 0x4000)};
    GThread *t = g_thread_new("kicker", kick_main, &k);
    g_assert_cmpint(direct_run(d), ==, EXIT_HALT);
    g_thread_join(t);
    g_assert_cmpuint(b->v->cpl, ==, 0);
    g_assert_cmpuint(d->stats.stays, ==, 1);
    g_assert_cmpuint(d->stats.exits[SANDBOX_KICK], >=, 1);
    uint32_t eip = 0, cs = 0;
    memcpy(&eip, b->ram->host + 0x7000 - 20, 4);
    memcpy(&cs, b->ram->host + 0x7000 - 16, 4);
    g_assert_cmpuint(cs, ==, 0x1b);
    g_assert_true(eip == USER || eip == USER + 6);
    bench_end(b, d);
}

/* Code is rewritten by DMA, in another thread. */
static void *dma_main(void *opaque)
{
    Kicker *k = opaque;
    static const uint8_t hlt[] = {0xf4};
    while (*k->counter < 1000)
        g_usleep(1000);
    bus_dma_write(k->b->mem, FRAME + 6, hlt, 1);
    return NULL;
}

static void test_dma(void)
{
    static const uint8_t loop[] = {0xff, 0x05, 0x00, 0x40, 0x40, 0x00, 0xeb, 0xf8};
    static const uint8_t handler[] = {0xf4};
    if (!have_sandbox())
        return;
    CpuBench *b = user_bench(loop, sizeof loop, handler, sizeof handler);
    bus_set_ram(b->mem, b->ram);
    poke32(b, IDT + 13 * 8, 0x80000 | HANDLER); /* #GP, by the HLT */
    poke32(b, IDT + 13 * 8 + 4, 0x8e00);
    Direct *d = direct_new(b->v, DIRECT_ON, NULL);
    Kicker k = {b, d, (volatile uint32_t *)(b->ram->host + FRAME + 0x4000)};
    GThread *t = g_thread_new("dma", dma_main, &k);
    g_assert_cmpint(direct_run(d), ==, EXIT_HALT);
    g_thread_join(t);
    uint32_t eip = 0;
    memcpy(&eip, b->ram->host + 0x7000 - 20, 4);
    g_assert_cmpuint(eip, ==, USER + 6);
    spaces_late(d->spaces); /* if the HLT was faster than the kick */
    g_assert_cmpuint(spaces_stats(d->spaces)->code_written, ==, 1);
    bench_end(b, d);
}

/* ---- RDTSC ---- */

/*
 * A program that reads the time stamp counter where it computes, and one that does so once, elsewhere. Both see the guest's. Only the first
 * is worth that RDTSC stops.
 */
static void test_rdtsc(gconstpointer opaque)
{
    bool often = GPOINTER_TO_INT(opaque);
    static const uint8_t code[] = {
        0xbd, 0x2c, 0x01, 0x00, 0x00,       /* movl $300, %ebp */
        0x0f, 0x31,                         /* 5: rdtsc */
        0xa3, 0x00, 0x40, 0x40, 0x00,       /* movl %eax, USER + 4000h */
        0x89, 0x15, 0x04, 0x40, 0x40, 0x00, /* movl %edx, USER + 4004h */
        0xe9, 0xe9, 0x1f, 0x00, 0x00,       /* jmp USER + 2000h */
    };
    uint8_t more[] = {
        0xb9, 0x80, 0x38, 0x01, 0x00, /* movl $80000, %ecx */
        0x49, 0x75, 0xfd,             /* 1: decl %ecx; jnz 1b */
        0xcd, 0x40,                   /* int $0x40 */
        0x4d,                         /* decl %ebp */
        0x75, 0xf3,                   /* jnz more */
        0xcd, 0x41,                   /* int $0x41 */
    };
    static const uint8_t handler[] = {0xcf, 0xf4}; /* iretl; hlt */
    if (!have_sandbox())
        return;
    CpuBench *b = user_bench(code, sizeof code, handler, sizeof handler);
    if (often) { /* all on one page, and back to the RDTSC each time */
        cpu_bench_load(b, FRAME + 23, more, sizeof more);
        poke32(b, FRAME + 19, 0);
        cpu_bench_load(b, FRAME + 35, (uint8_t[]){0xe1}, 1);
    } else {
        cpu_bench_load(b, FRAME + 0x2000, more, sizeof more);
    }
    poke32(b, IDT + 0x40 * 8 + 4, 0xee00);
    poke32(b, IDT + 0x41 * 8, 0x80000 | (HANDLER + 1));
    poke32(b, IDT + 0x41 * 8 + 4, 0xee00);
    const uint64_t offset = 1ull << 50;
    b->v->msr.tsc_offset = offset;
    Direct *d = direct_new(b->v, DIRECT_ON, NULL);
    uint64_t before = __builtin_ia32_rdtsc() + offset, seen;
    g_assert_cmpint(direct_run(d), ==, EXIT_HALT);
    g_assert_cmpuint(b->v->gpr[R_BP].d, ==, 0);
    memcpy(&seen, b->ram->host + FRAME + 0x4000, 8);
    g_assert_cmpuint(seen, >, before);
    g_assert_cmpuint(seen, <, __builtin_ia32_rdtsc() + offset);
    g_assert_cmpuint(d->stats.refused[ROW_RDTSC], >, 0);
    bool stops = often && d->facts->tsc_faults;
    g_assert_cmpint(spaces_lets_rdtsc(d->spaces), ==, stops);
    /* each INT is one, too */
    if (stops)
        g_assert_cmpuint(d->stats.faults[VEC_GP], >, 500);
    else
        g_assert_cmpuint(d->stats.faults[VEC_GP], <=, 301);
    bench_end(b, d);
}

/* ---- x87 and SSE switched off ---- */

typedef struct Switch {
    uint8_t insn[3], mov_cr; /* that needs it on; ModRM of MOV between EAX and the control register */
    uint32_t bit;            /* of that register... */
    bool on;                 /* ...which this value switches on */
    unsigned vector;         /* when it is off */
    bool rarely;             /* code is looked at anew now and then only: in between it is translated */
} Switch;

/*
 * A program that computes, then uses what is switched off; the kernel switches it on when it hears of that, and off again when the program has done it
 * once. So code that was seen must be looked at anew each time.
 */
static void test_switched(gconstpointer opaque)
{
    enum { COUNTER = 0x5000, TIMES = 3, TOGGLE = HANDLER + 0x100, END = HANDLER + 0x200 };
    const Switch *s = opaque;
    static const uint8_t code[] = {
        0xbd, TIMES, 0x00, 0x00, 0x00, /* movl $TIMES, %ebp */
        0xb9, 0x80, 0x38, 0x01, 0x00,  /* 1: movl $80000, %ecx */
        0x49, 0x75, 0xfd,              /* 2: decl %ecx; jnz 2b */
        0xe8, 0xee, 0x1f, 0x00, 0x00,  /* call USER + 2000h */
        0xcd, 0x41,                    /* int $0x41 */
        0x4d, 0x75, 0xee,              /* decl %ebp; jnz 1b */
        0xcd, 0x42,                    /* int $0x42 */
    };
    uint8_t function[] = {s->insn[0], s->insn[1], s->insn[2], 0xc3};
    uint8_t handler[] = {
        0xff, 0x05, 0x00, 0x50, 0x00, 0x00, /* incl COUNTER */
        0x0f, 0x20, s->mov_cr,              /* movl %crN, %eax */
        0x35, s->bit, s->bit >> 8, s->bit >> 16, s->bit >> 24, /* xorl $bit, %eax */
        0x0f, 0x22, s->mov_cr,              /* movl %eax, %crN */
        0xcf,                               /* iretl */
    };
    if (!have_sandbox())
        return;
    CpuBench *b = user_bench(code, sizeof code, handler, sizeof handler);
    cpu_bench_load(b, FRAME + 0x2000, function, sizeof function);
    cpu_bench_load(b, TOGGLE, handler + 6, sizeof handler - 6);
    cpu_bench_load(b, END, (uint8_t[]){0xf4}, 1);
    poke32(b, COUNTER, 0);
    poke32(b, IDT + s->vector * 8, 0x80000 | HANDLER);
    poke32(b, IDT + s->vector * 8 + 4, 0x8e00);
    poke32(b, IDT + 0x41 * 8, 0x80000 | TOGGLE);
    poke32(b, IDT + 0x41 * 8 + 4, 0xee00);
    poke32(b, IDT + 0x42 * 8, 0x80000 | END);
    poke32(b, IDT + 0x42 * 8 + 4, 0xee00);
    if (s->mov_cr == 0xe0)
        b->v->cr4 ^= s->on ? s->bit : 0;
    else
        b->v->cr0 ^= s->on ? 0 : s->bit;
    Direct *d = direct_new(b->v, DIRECT_ON, NULL);
    g_assert_cmpint(direct_run(d), ==, EXIT_HALT);
    g_assert_cmpuint(b->v->gpr[R_BP].d, ==, 0);
    g_assert_cmpuint(word_at((const char *)b->ram->host, COUNTER / 4), ==, TIMES);
    g_assert_cmpuint(d->stats.stays, >=, s->rarely ? 2 : 2 * TIMES); /* before and after what was switched off */
    g_assert_cmpuint(d->stats.interpreted, <, 1000);
    g_assert_cmpuint(spaces_stats(d->spaces)->swept, >=, s->rarely ? 2 : 2 * TIMES);
    if (s->rarely)
        g_assert_cmpuint(d->stats.lacks[HOST_LACKS_TIME], >, 0);
    bench_end(b, d);
}

/* ---- split views ---- */

/* A program that does nothing but call a library at the other end of its space: split views are given up for it. */
static void test_torn(void)
{
    enum { ROUNDS = 300, KERNEL_PDE = 0x300, LIBRARY = 0xbfc00000 };
    uint8_t code[] = {
        0xbd, ROUNDS & 0xff, ROUNDS >> 8, 0x00, 0x00, /* movl $ROUNDS, %ebp */
        0xb9, 0x64, 0x00, 0x00, 0x00,                 /* more: movl $100, %ecx */
        0xe8, 0x00, 0x00, 0x00, 0x00,                 /* 1: call LIBRARY */
        0x49, 0x75, 0xf8,                             /* decl %ecx; jnz 1b */
        0xcd, 0x40,                                   /* int $0x40 */
        0x4d, 0x75, 0xee,                             /* decl %ebp; jnz more */
        0xcd, 0x41,                                   /* int $0x41 */
    };
    static const uint8_t handler[] = {0xcf, 0xf4}; /* iretl; hlt */
    static const uint8_t library[] = {0x43, 0xc3}; /* incl %ebx; ret */
    if (!have_sandbox())
        return;
    uint32_t distance = LIBRARY - (USER + 15);
    memcpy(code + 11, &distance, 4);
    CpuBench *b = user_bench(code, sizeof code, handler, sizeof handler);
    poke32(b, PAGE_DIR + 4 * (KERNEL_PDE - 1), (PAGE_TABLE + 0x1000) | 7);
    poke32(b, PAGE_DIR + 4 * KERNEL_PDE, 0x83);
    poke32(b, PAGE_TABLE + 0x1000, (FRAME + 0x10000) | 7);
    cpu_bench_load(b, FRAME + 0x10000, library, sizeof library);
    poke32(b, IDT + 0x40 * 8 + 4, 0xee00);
    poke32(b, IDT + 0x41 * 8, 0x80000 | (HANDLER + 1));
    poke32(b, IDT + 0x41 * 8 + 4, 0xee00);
    Direct *d = direct_new(b->v, DIRECT_ON, NULL);
    g_assert_true(direct_try(d));
    space_set_split(direct_space(d), true);
    g_assert_cmpint(direct_run(d), ==, EXIT_HALT);
    g_assert_cmpuint(b->v->gpr[R_BX].d, ==, ROUNDS * 100);
    g_assert_cmpuint(spaces_stats(d->spaces)->copied, >=, 2);
    g_assert_cmpuint(d->stats.joins, ==, 1);
    g_assert_false(direct_space(d)->split);
    bench_end(b, d);
}

/* ---- the policy ---- */

static const PolicyCosts costs = {.trip = 10, .map = 5, .birth = 600, .ms = 1000}; /* in microseconds */

/* Translated, in stretches of 4 ms, until it is promoted. The time that took. */
static uint64_t until_promoted(Policy *p, uint64_t pages)
{
    uint64_t time = 0;
    while (!policy_stretch(p, &costs, 4000) || !policy_promote(p, &costs, pages)) {
        time += 4000;
        g_assert_cmpuint(time, <, 1000000000);
    }
    return time;
}

/* Directly, 5 ms at a time, until it is demoted. The time that was lost. */
static uint64_t until_demoted(Policy *p, uint64_t work, uint64_t upkeep, unsigned trips)
{
    uint64_t lost = 0;
    for (;;) {
        g_assert_true(policy_stay(p, &costs, 5000, upkeep, trips));
        lost += upkeep + trips * costs.trip / 2;
        if (policy_verdict(p, &costs, work))
            return lost;
        g_assert_cmpuint(lost, <, 1000000);
    }
}

/* Directly, 5 ms at a time, with nothing but a timer tick between: that is judged well, and not often. */
static void run_well(Policy *p, int stays)
{
    uint64_t work = 0, verdicts = 0;
    for (int n = 0; n < stays; n++) {
        work += 4900;
        if (policy_stay(p, &costs, 5000, 20, 1)) {
            g_assert_false(policy_verdict(p, &costs, work));
            work = 0;
            verdicts++;
        }
    }
    g_assert_cmpuint(verdicts, >=, stays / 10);
    g_assert_cmpuint(verdicts, <=, stays / 4);
}

static void test_policy(void)
{
    Policy p = {0}, large = {0};
    /* short stretches never do */
    for (int n = 0; n < 100000; n++)
        g_assert_false(policy_stretch(&p, &costs, 50));
    g_assert_false(p.promoted);
    p = (Policy){0};
    /* long ones do, when there was enough of them: the more pages there are, the more */
    uint64_t time = until_promoted(&p, 50);
    g_assert_true(p.promoted);
    g_assert_cmpuint(time, >, 10000);
    g_assert_cmpuint(time, <, 50000);
    g_assert_cmpuint(until_promoted(&large, 10000), >, 10 * time);
    /* a good program stays */
    run_well(&p, 1000);
    /* the mapping of its pages, at first, is no reason */
    Policy young = {0};
    until_promoted(&young, 200);
    g_assert_true(policy_stay(&young, &costs, 5000, 1000, 50));
    g_assert_false(policy_verdict(&young, &costs, 3500));
}

/* One that traps all the time goes, and has to wait, each time longer. What it loses is a small part of what it has run. */
static void test_policy_dear(void)
{
    Policy p = {0};
    uint64_t waited = 0, ran = 0, lost = 0;
    for (int round = 0; round < 6; round++) {
        uint64_t wait = until_promoted(&p, 50);
        g_assert_cmpuint(wait, >, waited);
        waited = wait;
        ran += wait;
        lost += until_demoted(&p, 2000, 1000, 200);
        g_assert_false(p.promoted);
        g_assert_cmpuint(lost, <, ran / 6);
    }
    /* a profit makes up for that */
    policy_grant(&p, 1000);
    run_well(&p, 100);
    g_assert_cmpuint(p.demotions, ==, 0);
    /* and then it may go wrong for some time, not for long */
    lost = until_demoted(&p, 1000, 2000, 300);
    g_assert_cmpuint(lost, >, 10000);
    g_assert_cmpuint(lost, <, 200000);
}

/* Which stretches of user code are only counted, and what is kept of them. */
static void test_stretches(void)
{
    Stretch s = {0};
    const uint64_t here = 0x5000, there = 0x6000;
    QuietSpace *q = stretch_space(&s, here);
    uint64_t insns = 1000;

    g_assert_false(stretch_quiet(&s, here, true, insns)); /* nobody said that it may be quiet */
    g_assert_false(s.in_user);
    q->cr3 = here;
    q->left = 2;
    g_assert_false(stretch_quiet(&s, there, true, insns));
    for (unsigned n = 0; n < 2; n++) {
        g_assert_true(stretch_quiet(&s, here, true, insns));
        g_assert_true(s.in_user);
        g_assert_cmpuint(s.began, ==, insns);
        g_assert_true(stretch_quiet(&s, here, true, insns)); /* asked again */
        insns += 300;
        if (n == 1) {
            insns += QUIET_INSNS; /* a long one is told */
            g_assert_false(stretch_quiet(&s, here, false, insns));
            g_assert_true(s.in_user);
            break;
        }
        g_assert_false(stretch_quiet(&s, there, false, insns)); /* the end has to be in the same address space */
        g_assert_true(stretch_quiet(&s, here, false, insns));
        g_assert_false(s.in_user);
        insns += 70;
        g_assert_true(stretch_quiet(&s, here, false, insns)); /* from one of the kernel's levels to another */
    }
    g_assert_cmpuint(q->ended, ==, 1);
    g_assert_cmpuint(q->insns, ==, 300);
    g_assert_cmpuint(s.insns[0], ==, 1070);
    g_assert_cmpuint(s.insns[1], ==, 300);
    s.in_user = false; /* its owner was told of the long one */
    g_assert_cmpuint(q->left, ==, 0);
    g_assert_false(stretch_quiet(&s, here, true, insns));
}

int main(int argc, char **argv)
{
    static const Guest guests[] = {
        {"direct", "qemu32", false}, {"threads", "qemu32", false}, {"segments", "qemu32", false}, {"gates", "qemu32", false}, {"paging", "qemu32,+nx,+smap", false},
        {"events", "qemu32", true},  {"v8086", "qemu32", false}, {"tasks", "qemu32", false}, {"traps", "qemu32", false},
        {"vme", "qemu32", false},    {"privileged", "qemu32,+syscall,+umip", false}, {"real", "qemu32", true},
        {"faults", "qemu32,+nx", false},
    };
    g_test_init(&argc, &argv, NULL);
    alarm(300); /* a guest that goes astray must not hang the test; on a busy host all of it takes a minute or two */
    static Guest strict[G_N_ELEMENTS(guests)], chaos[G_N_ELEMENTS(guests)];
    for (unsigned n = 0; n < G_N_ELEMENTS(guests); n++) {
        g_autofree char *path = g_strdup_printf("/direct/guest/%s", guests[n].name);
        g_autofree char *split = g_strdup_printf("/direct/split/%s", guests[n].name);
        strict[n] = guests[n];
        strict[n].strict = true;
        g_autofree char *random = g_strdup_printf("/direct/chaos/%s", guests[n].name);
        chaos[n] = guests[n];
        chaos[n].chaos = CHAOS_SEED + n;
        g_test_add_data_func(path, &guests[n], test_guest);
        g_test_add_data_func(random, &chaos[n], test_guest);
        g_test_add_data_func(split, &strict[n], test_guest);
    }
    g_test_add_func("/direct/interrupt", test_interrupt);
    g_test_add_func("/direct/dma", test_dma);
    g_test_add_data_func("/direct/rdtsc/once", GINT_TO_POINTER(false), test_rdtsc);
    g_test_add_data_func("/direct/rdtsc/often", GINT_TO_POINTER(true), test_rdtsc);
    g_test_add_func("/direct/torn", test_torn);
    static const Switch sse = {{0x0f, 0x57, 0xc0}, 0xe0, CR4_OSFXSR, true, VEC_UD}; /* xorps */
    static const Switch x87 = {{0xd9, 0xd0, 0x90}, 0xc0, CR0_EM, false, VEC_NM}; /* fnop; nop */
    static const Switch task = {{0xd9, 0xd0, 0x90}, 0xc0, CR0_TS, false, VEC_NM, true};
    static const Switch mmx = {{0x0f, 0xef, 0xc0}, 0xc0, CR0_EM, false, VEC_UD}; /* pxor */
    g_test_add_data_func("/direct/switched/sse", &sse, test_switched);
    g_test_add_data_func("/direct/switched/x87", &x87, test_switched);
    g_test_add_data_func("/direct/switched/task", &task, test_switched);
    g_test_add_data_func("/direct/switched/mmx", &mmx, test_switched);
    g_test_add_func("/policy/stretches", test_stretches);
    g_test_add_func("/policy", test_policy);
    g_test_add_func("/policy/dear", test_policy_dear);
    return g_test_run();
}

/*
 * The translation cache: self-modifying code of every kind, chaining, interrupts, exact budgets, eviction.
 *
 * Guests are a few instructions in real mode at 0:1000h. Most run on the interpreter and translated, and must end alike.
 */
#include "cpubench.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/codecache.h"
#include "softmmu/window.h"
#include "tcache/codebuf.h"
#include "tcache/tcache.h"

#define CODE 0x1000
#define RAM_SIZE (8 << 20)
#define TB_BYTES (1 << 20)
#define FEW_MAPPINGS 3

static CpuBench *bench_new(bool translated, const void *code, size_t n, size_t tb_bytes)
{
    g_autoptr(GError) error = NULL;
    CpuBench *b = cpu_bench_new("max", RAM_SIZE);
    cpu_bench_load(b, CODE, code, n);
    cpu_bench_start(b, 0, CODE, 0x800);
    if (translated) {
        tcache_new(b->v, tb_bytes, &error);
        g_assert_no_error(error);
    }
    return b;
}

static void bench_free(CpuBench *b)
{
    tcache_free(b->v->tcache);
    cpu_bench_free(b);
}

static TCacheStats stats(const CpuBench *b)
{
    TCacheStats s;
    tcache_stats(b->v->tcache, &s);
    return s;
}

static void assert_alike(const CpuBench *i, const CpuBench *t)
{
    for (int n = 0; n < 8; n++)
        g_assert_cmphex(t->v->gpr[n].q, ==, i->v->gpr[n].q);
    g_assert_cmphex(t->v->rip, ==, i->v->rip);
    g_assert_cmphex(eflags_get(t->v), ==, eflags_get(i->v));
    g_assert_cmpint(memcmp(t->ram->host, i->ram->host, RAM_SIZE), ==, 0);
}

static void no_difference(void *opaque, const char *report)
{
    g_error("%s", report);
}

/* Run to HLT on both engines, in shadow mode, changing at random, and with shadow windows; compare, and return the translated bench. */
static CpuBench *run_both(const void *code, size_t n)
{
    CpuBench *i = bench_new(false, code, n, 0), *t = bench_new(true, code, n, TB_BYTES);
    g_assert_cmpint(interp_run(i->v, 0), ==, EXIT_HALT);
    for (int way = 0; way < 6; way++) {
        CpuBench *other = bench_new(true, code, n, TB_BYTES);
        if (way == 0)
            tcache_set_shadow(other->v->tcache, no_difference, NULL);
        else if (way < 4)
            tcache_set_chaos(other->v->tcache, way, false);
        else
            g_assert_true(tcache_set_window(other->v->tcache, TCACHE_WINDOW_ALL, way == 4 ? 0 : FEW_MAPPINGS, NULL));
        g_assert_cmpint(tcache_run(other->v, 0), ==, EXIT_HALT);
        assert_alike(i, other);
        g_assert_cmpuint(other->v->insns, ==, i->v->insns);
        bench_free(other);
    }
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    assert_alike(i, t);
    g_assert_cmpuint(t->v->insns, ==, i->v->insns);
    bench_free(i);
    return t;
}
#define RUN_BOTH(code) run_both(code, sizeof code - 1)

/* A loop runs without coming back to the run loop. */
static void test_chaining(void)
{
    CpuBench *t = RUN_BOTH("\xb9\x10\x27"     /*     mov cx, 10000 */
                           "\x01\xc8"         /* 1:  add ax, cx */
                           "\xe8\x04\x00"     /*     call 2f */
                           "\x49"             /*     dec cx */
                           "\x75\xf8"         /*     jnz 1b */
                           "\xf4"             /*     hlt */
                           "\x43"             /* 2:  inc bx */
                           "\xc3");           /*     ret */
    g_assert_cmphex(t->v->gpr[R_BX].w, ==, 10000);
    g_assert_cmpuint(stats(t).entries, <, 30);
    bench_free(t);
}

/* Calls to and fro between two pages 4 MiB apart, as between a program and what it maps: neither drives the other out of what
 * the look-up of code pages remembers. Big-real code: CS has no limit. */
static void test_round_addresses(void)
{
    static const char near[] = "\xb9\xe8\x03"             /*     mov cx, 1000 */
                               "\x66\xbb\x00\x10\x40\x00" /*     mov ebx, 401000h */
                               "\x66\xff\xd3"             /* 1:  call ebx */
                               "\x49"                     /*     dec cx */
                               "\x75\xfa"                 /*     jnz 1b */
                               "\xf4";                    /*     hlt */
    static const char far[] = "\x40"                      /*     inc ax */
                              "\x66\xc3";                 /*     ret */
    CpuBench *t = bench_new(true, near, sizeof near - 1, TB_BYTES);
    cpu_bench_load(t, CODE + (4 << 20), far, sizeof far - 1);
    t->v->seg[S_CS].limit = UINT32_MAX;
    cpu_bench_start(t, 0, CODE, 0x800); /* keeps the limit */
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    g_assert_cmphex(t->v->gpr[R_AX].w, ==, 1000);
    g_assert_cmpuint(stats(t).entries, <, 30);
    bench_free(t);
}

/* The next instruction but one is changed by the one before, in the same block. */
static void test_smc_running_block(void)
{
    CpuBench *t = RUN_BOTH("\xc6\x06\x07\x10\x55" /* mov byte [1007h], 55h */
                           "\x40"                 /* inc ax */
                           "\xb3\x11"             /* mov bl, 11h: 55h by now */
                           "\xf4");
    g_assert_cmphex(t->v->gpr[R_BX].b.l, ==, 0x55);
    g_assert_cmpuint(stats(t).invalidations, >=, 1);
    bench_free(t);
}

/* Code that ran often and is chained is changed from elsewhere, again and again. */
static void test_smc_ahead(void)
{
    CpuBench *t = RUN_BOTH("\xb9\x64\x00"         /*     mov cx, 100 */
                           "\xe8\x08\x00"         /* 1:  call 2f */
                           "\xfe\x06\x0f\x10"     /*     inc byte [100fh] */
                           "\x49"                 /*     dec cx */
                           "\x75\xf6"             /*     jnz 1b */
                           "\xf4"                 /*     hlt */
                           "\x05\x01\x00"         /* 2:  add ax, 1 (100fh: the immediate) */
                           "\xc3");
    g_assert_cmphex(t->v->gpr[R_AX].w, ==, 5050);
    bench_free(t);
}

/* An instruction that lies on two pages, changed in its second part; reached by a jump that crosses, too. */
static void test_smc_page_edge(void)
{
    uint8_t code[0x1020];
    memset(code, 0x90, sizeof code);
    memcpy(code, "\xb9\x05\x00", 3);                  /* mov cx, 5 */
    memcpy(code + 0xffe, "\xbb\x01\x00", 3);          /* 1ffeh: mov bx, 1; 2000h is the high byte */
    memcpy(code + 0x1001, "\x01\xd8"                  /* add ax, bx */
                          "\xfe\x06\x00\x20"          /* inc byte [2000h] */
                          "\x49"                      /* dec cx */
                          "\x0f\x85\xf2\xff"          /* jnz 1ffah */
                          "\xf4", 12);
    CpuBench *t = run_both(code, sizeof code);
    g_assert_cmphex(t->v->gpr[R_AX].w, ==, 5 + 0x0a00);
    bench_free(t);
}

/* With A20 off FFFF:xxxx writes low memory: an alias of the code's page. */
static void test_smc_alias(void)
{
    static const char code[] = "\xb8\xff\xff"         /* mov ax, ffffh */
                               "\x8e\xc0"             /* mov es, ax */
                               "\xeb\x00"             /* jmp */
                               "\x26\xc6\x06\x1f\x10\x77" /* mov byte es:[101fh], 77h: 0:100fh */
                               "\x40"                 /* inc ax */
                               "\xb3\x11"             /* mov bl, 11h */
                               "\xf4";
    CpuBench *i = bench_new(false, code, sizeof code, 0), *t = bench_new(true, code, sizeof code, TB_BYTES);
    i->v->a20_mask = t->v->a20_mask = ~UINT64_C(0x100000);
    g_assert_cmpint(interp_run(i->v, 0), ==, EXIT_HALT);
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    assert_alike(i, t);
    g_assert_cmphex(t->v->gpr[R_BX].b.l, ==, 0x77);
    bench_free(i);
    bench_free(t);
}

static const char waiting[] = "\xb0\x11"  /* 1: mov al, 11h */
                              "\x3c\x55"  /*    cmp al, 55h */
                              "\x75\xfa"  /*    jne 1b */
                              "\xf4";

static void *dma(void *opaque)
{
    CpuBench *b = opaque;
    g_usleep(20000);
    bus_dma_write(b->mem, CODE + 1, "\x55", 1);
    return NULL;
}

/* Another thread changes the loop that runs. */
static void test_smc_dma(void)
{
    CpuBench *t = bench_new(true, waiting, sizeof waiting, TB_BYTES);
    bus_set_ram(t->mem, t->ram);
    GThread *thread = g_thread_new("dma", dma, t);
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    g_assert_cmphex(t->v->gpr[R_AX].b.l, ==, 0x55);
    g_thread_join(thread);
    bench_free(t);
}

static void make_flat(Vcpu *v)
{
    v->cr0 |= CR0_PE;
    for (int n = 0; n < S_COUNT; n++) {
        v->seg[n] = (Seg){.sel = 8, .limit = UINT32_MAX, .attr = SEG_P | SEG_S | SEG_DB | SEG_G | SEG_W | SEG_A | (n == S_CS ? SEG_CODE : 0)};
        seg_derive(v, n);
    }
    v->sp_mask = UINT32_MAX;
}

/* What a full window has no room for does not fault for ever, even where all code is to be in window form. */
static void test_full_window(void)
{
    static const char code[] = "\xb9\xe8\x03\x00\x00"     /*     mov ecx, 1000 */
                               "\xff\x05\x00\x30\x00\x00" /* 1:  inc dword [3000h] */
                               "\x49"                     /*     dec ecx */
                               "\x75\xf7"                 /*     jnz 1b */
                               "\x8b\x1d\x00\x30\x00\x00" /*     mov ebx, [3000h] */
                               "\xf4";
    g_autoptr(GError) error = NULL;
    CpuBench *t = bench_new(true, code, sizeof code - 1, TB_BYTES);
    tcache_set_window(t->v->tcache, TCACHE_WINDOW_ALL, 1, &error); /* it is what lies below the code's page, which is watched */
    g_assert_no_error(error);
    make_flat(t->v);
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    g_assert_cmpuint(t->v->gpr[R_BX].d, ==, 1000);
    WindowsStats s;
    windows_stats(t->v->windows, &s);
    g_assert_cmpuint(s.refused, >=, 3);
    g_assert_cmpuint(s.faults, <, 50);
    bench_free(t);
}

/* Flat 32-bit code that rewrites itself, by a window: the page is read-only there, and each store is a miss. */
static void test_smc_window(void)
{
    static const char code[] = "\xb9\x64\x00\x00\x00"                 /*     mov ecx, 100 */
                               "\xfe\x05\x14\x10\x00\x00"             /* 1:  inc byte [1014h] */
                               "\x49"                                 /*     dec ecx */
                               "\x90\x90\x90\x90\x90\x90\x90"         /*     nop... */
                               "\xb3\x00"                             /*     mov bl, 0: at 1013h */
                               "\x85\xc9"                             /*     test ecx, ecx */
                               "\x75\xec"                             /*     jnz 1b */
                               "\xf4";
    for (unsigned which = TCACHE_WINDOW_AUTO; which <= TCACHE_WINDOW_ALL; which++) {
        g_autoptr(GError) error = NULL;
        CpuBench *t = bench_new(true, code, sizeof code - 1, TB_BYTES);
        tcache_set_window(t->v->tcache, which, 0, &error);
        g_assert_no_error(error);
        make_flat(t->v);
        g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
        g_assert_cmphex(t->v->gpr[R_BX].b.l, ==, 100);
        g_assert_cmpuint(stats(t).invalidations, >=, 3);
        WindowsStats s;
        windows_stats(t->v->windows, &s);
        g_assert_cmpuint(s.faults, >=, 3);
        bench_free(t);
    }
}

static void *interrupt(void *opaque)
{
    CpuBench *b = opaque;
    g_usleep(20000);
    b->vector = 0x40;
    __atomic_store_n(&b->v->intr, 1, __ATOMIC_RELEASE);
    vcpu_attention(b->v, ATTN_EVENT);
    return NULL;
}

/* A tight loop is left for an interrupt. */
static void test_interrupt(void)
{
    static const char code[] = "\xfb\xf9\x72\xfe"; /* sti; stc; 1: jc 1b */
    CpuBench *t = bench_new(true, code, sizeof code, TB_BYTES);
    cpu_bench_load(t, 0x40 * 4, "\x00\x30\x00\x00", 4);
    cpu_bench_load(t, 0x3000, "\xf4", 1);
    GThread *thread = g_thread_new("interrupt", interrupt, t);
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    g_thread_join(thread);
    g_assert_cmphex(t->v->rip, ==, 0x3001);
    uint16_t frame[3];
    memcpy(frame, t->ram->host + t->v->gpr[R_SP].w, 6);
    g_assert_cmphex(frame[0], ==, CODE + 2);
    g_assert_cmphex(frame[2] & (FL_CF | FL_IF), ==, FL_CF | FL_IF);
    bench_free(t);
}

/* With chaos an interrupt comes up to 255 instructions late, and at times that differ. */
static void test_late_interrupts(void)
{
    static const char code[] = "\xfb\xb9\xc8\x00"     /*     sti; mov cx, 200 */
                               "\x31\xdb\x31\xff"     /* 1:  xor bx, bx; xor di, di */
                               "\xba\xe4\x01\xb0\x40\xee" /*     mov dx, CPU_PORT_INTR; mov al, 40h; out dx, al */
                               "\x43\x85\xff\x74\xfb" /* 2:  inc bx; test di, di; jz 2b */
                               "\xe2\xef\xf4";         /*     loop 1b; hlt */
    static const char handler[] = "\xba\xe0\x01\x66\x0f\xb7\xc3" /* mov dx, CPU_PORT_VALUE; movzx eax, bx */
                                  "\x66\xef\x47\xcf";            /* out dx, eax; inc di; iret */
    for (int delays = 0; delays < 2; delays++) {
        CpuBench *t = bench_new(true, code, sizeof code, TB_BYTES);
        cpu_bench_load(t, 0x40 * 4, "\x00\x30\x00\x00", 4);
        cpu_bench_load(t, 0x3000, handler, sizeof handler);
        tcache_set_chaos(t->v->tcache, 1, delays);
        g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
        g_assert_cmpuint(t->values->len, ==, 200);
        bool seen[256] = {false};
        unsigned different = 0;
        for (unsigned n = 0; n < t->values->len; n++) {
            uint32_t rounds = g_array_index(t->values, uint32_t, n);
            g_assert_cmpuint(rounds, <=, 255 / 3 + 1);
            different += !seen[rounds];
            seen[rounds] = true;
        }
        if (delays)
            g_assert_cmpuint(different, >, 40);
        else
            g_assert_true(different == 1 && seen[0]);
        bench_free(t);
    }
}

typedef struct Nag {
    Vcpu *v;
    int end; /* atomic */
} Nag;

static void *nag_main(void *opaque)
{
    Nag *n = opaque;
    while (!g_atomic_int_get(&n->end)) {
        g_usleep(50);
        vcpu_attention(n->v, ATTN_EVENT);
    }
    return NULL;
}

/* An indirect call that is left because something asks for attention has gone where it should. */
static void test_call_left(void)
{
    static const char code[] = "\xbb\x10\x00\x31\xc0\x66\xb9\x80\x84\x1e\x00" /*     mov bx, f; xor ax, ax; mov ecx, 2000000 */
                               "\x81\xc3\x00\x00"                             /*     add bx, CODE */
                               "\xff\xd3\x66\x49\x75\xfa\xf4"                 /* 1:  call bx; dec ecx; jnz 1b; hlt */
                               "\x40\xc3";                                      /* f:  inc ax; ret */
    char bytes[sizeof code];
    memcpy(bytes, code, sizeof code);
    bytes[1] = 22;
    bytes[13] = CODE & 0xff;
    bytes[14] = CODE >> 8;
    CpuBench *t = bench_new(true, bytes, sizeof bytes, TB_BYTES);
    Nag nag = {.v = t->v};
    GThread *thread = g_thread_new("nag", nag_main, &nag);
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    g_atomic_int_set(&nag.end, 1);
    g_thread_join(thread);
    g_assert_cmphex(t->v->rip, ==, CODE + 22);
    g_assert_cmphex(t->v->gpr[R_AX].w, ==, 2000000 & 0xffff);
    bench_free(t);
}

/* Any number of instructions asked for is the number that runs. */
static void test_budget(void)
{
    static const char code[] = "\xb9\xff\xff"     /*     mov cx, ffffh */
                               "\x01\xc8"         /* 1:  add ax, cx */
                               "\xa3\x00\x04"     /*     mov [400h], ax */
                               "\x11\xc3"         /*     adc bx, ax */
                               "\x53"             /*     push bx */
                               "\x5a"             /*     pop dx */
                               "\x49"             /*     dec cx */
                               "\x75\xf4"         /*     jnz 1b */
                               "\xf4";
    CpuBench *i = bench_new(false, code, sizeof code, 0), *t = bench_new(true, code, sizeof code, TB_BYTES);
    GRand *r = g_rand_new_with_seed(1);
    for (int n = 0; n < 500; n++) {
        unsigned budget = g_rand_int_range(r, 1, 40);
        uint64_t before = t->v->insns;
        g_assert_cmpint(interp_run(i->v, budget), ==, EXIT_BUDGET);
        g_assert_cmpint(tcache_run(t->v, budget), ==, EXIT_BUDGET);
        g_assert_cmpuint(t->v->insns - before, ==, budget);
        assert_alike(i, t);
    }
    g_rand_free(r);
    bench_free(i);
    bench_free(t);
}

/* More code than fits: all is thrown away, again and again, and nothing goes wrong. */
static void test_eviction(void)
{
    GByteArray *code = g_byte_array_new();
    g_byte_array_append(code, (const uint8_t *)"\xb9\x14\x00", 3); /* mov cx, 20 */
    while (code->len < 0x8000)
        g_byte_array_append(code, (const uint8_t *)"\x01\xc8\x43\x31\xd8\x89\x07\xeb\x00", 9); /* add, inc, xor, mov [bx], jmp */
    g_byte_array_append(code, (const uint8_t *)"\x49\x74\x03\xe9", 4); /* dec cx; jz +3; jmp to 1003h */
    uint16_t back = 3 - (code->len + 2);
    g_byte_array_append(code, (const uint8_t *)&back, 2);
    g_byte_array_append(code, (const uint8_t *)"\xf4", 1);

    CpuBench *i = bench_new(false, code->data, code->len, 0), *t = bench_new(true, code->data, code->len, 256 << 10);
    i->v->gpr[R_BX].w = t->v->gpr[R_BX].w = 0xa000;
    i->v->gpr[R_AX].w = t->v->gpr[R_AX].w = 0;
    Exit a = interp_run(i->v, 60000), b = tcache_run(t->v, 60000);
    g_assert_cmpint(a, ==, b);
    assert_alike(i, t);
    g_assert_cmpuint(stats(t).flushes, >, 1);
    g_byte_array_unref(code);
    bench_free(i);
    bench_free(t);
}

/*
 * The buffer is full when an instruction on two pages is looked at for the first time: what it is translated under has another number then. Every
 * block but one begins with such an instruction, and DS, of one of two segments, is part of the mode. What goes to DS, and where to go next, lies on the stack.
 */
static void test_eviction_on_two_pages(void)
{
    enum { TABLES = RAM_SIZE - 4 * PAGE_SIZE, STACK = RAM_SIZE / 2, GDT = 0x800, HOPS = 60000, HALT = 0xff0 };
    static const uint64_t gdt[] = {0, 0x00cf92000000ffff, 0x00cf92000010ffff}; /* data: all memory; all memory but 16 bytes */
    CpuBench *both[2];
    GRand *r = g_rand_new_with_seed(2);
    uint32_t *hops = g_new(uint32_t, 2 * HOPS + 1);
    hops[0] = 8;
    for (int n = 1; n <= 2 * HOPS; n += 2) {
        hops[n] = g_rand_int_range(r, 2, STACK / PAGE_SIZE) * PAGE_SIZE - 2;
        hops[n + 1] = g_rand_boolean(r) ? 8 : 16;
    }
    hops[2 * HOPS - 1] = HALT;
    for (int k = 0; k < 2; k++) {
        CpuBench *b = both[k] = bench_new(k, "\x1f\xc3", 2, 256 << 10); /* pop ds; ret */
        for (uint32_t page = 2; page < STACK / PAGE_SIZE; page++)
            cpu_bench_load(b, page * PAGE_SIZE - 2, "\x03\x1d\x20\x00\x00\x00\x1f\xc3", 8); /* add ebx, [20h]; pop ds; ret */
        cpu_bench_load(b, 0x20, "\x01\x00\x00\x00", 4);
        cpu_bench_load(b, 0x30, "\x00\x00\x01\x00", 4);
        cpu_bench_load(b, GDT, gdt, sizeof gdt);
        cpu_bench_load(b, STACK, hops, (2 * HOPS + 1) * sizeof *hops);
        cpu_bench_load(b, HALT, "\xf4", 1);
        cpu_bench_start_flat(b, CODE, TABLES);
        b->v->gdtr.base = GDT;
        b->v->gdtr.limit = sizeof gdt - 1;
        b->v->gpr[R_SP].d = STACK;
        g_assert_cmpint(k ? tcache_run(b->v, 0) : interp_run(b->v, 0), ==, EXIT_HALT);
    }
    assert_alike(both[0], both[1]);
    g_assert_cmpuint(both[1]->v->insns, ==, both[0]->v->insns);
    g_assert_cmpuint(stats(both[1]).flushes, >, 10);
    g_free(hops);
    g_rand_free(r);
    bench_free(both[0]);
    bench_free(both[1]);
}

/* A fault in the middle of a block finds registers, flags and the count of instructions as they were before it. */
static void test_fault(void)
{
    static const char code[] = "\x31\xdb"         /* xor bx, bx */
                               "\xf9"             /* stc */
                               "\xb8\x34\x12"     /* mov ax, 1234h */
                               "\xf7\xf3"         /* div bx: #DE */
                               "\x40\xf4";
    CpuBench *i = bench_new(false, code, sizeof code, 0), *t = bench_new(true, code, sizeof code, TB_BYTES);
    for (int n = 0; n < 2; n++) {
        CpuBench *b = n ? t : i;
        cpu_bench_load(b, 0, "\x00\x30\x00\x00", 4);
        cpu_bench_load(b, 0x3000, "\xf4", 1);
    }
    g_assert_cmpint(interp_run(i->v, 0), ==, EXIT_HALT);
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    assert_alike(i, t);
    bench_free(i);
    bench_free(t);
}

/* KiB of this process's own memory: neither guest RAM nor code buffer, which are shared mappings. */
static unsigned long anonymous(void)
{
    g_autofree char *status = NULL;
    g_assert_true(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
    const char *line = strstr(status, "RssAnon:");
    g_assert_nonnull(line);
    return strtoul(line + 8, NULL, 10);
}

#define WIDE_RAM (64u << 20)
#define OWN_KIB (32u << 10)

/* Flat 32-bit code, whatever the tables say. */
static CpuBench *flat_bench(size_t tb_bytes)
{
    g_autoptr(GError) error = NULL;
    CpuBench *b = cpu_bench_new("max", WIDE_RAM);
    cpu_bench_start(b, 0, CODE, 0x800);
    b->v->cr0 |= CR0_PE;
    for (int n = 0; n < S_COUNT; n++) {
        b->v->seg[n].base = 0;
        b->v->seg[n].limit = 0xffffffff;
        b->v->seg[n].attr = SEG_P | SEG_S | SEG_DB | SEG_G | (n == S_CS ? SEG_CODE | SEG_R : SEG_W);
        seg_derive(b->v, n);
    }
    tcache_new(b->v, tb_bytes, &error);
    g_assert_no_error(error);
    return b;
}

/* A block on every page, run in an order that jumps about: what is kept beside the code buffer stays small. */
static void test_code_everywhere(void)
{
    CpuBench *t = flat_bench(64 << 20);
    unsigned long before = anonymous();
    unsigned pages = WIDE_RAM / PAGE_SIZE;
    for (unsigned n = 1; n < pages; n++) { /* 7919 is prime to their number: all are visited */
        unsigned next = (uint64_t)(n + 7919) % pages;
        uint32_t at = n * PAGE_SIZE, rel = next * PAGE_SIZE - (at + 6);
        t->ram->host[at] = 0x40; /* inc eax; jmp next */
        t->ram->host[at + 1] = 0xe9;
        memcpy(t->ram->host + at + 2, &rel, 4);
    }
    t->ram->host[0] = 0xf4;
    t->v->gpr[R_AX].q = 0;
    t->v->rip = 7919 % pages * PAGE_SIZE;
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    g_assert_cmpuint(t->v->gpr[R_AX].d, ==, pages - 1);
    g_assert_cmpuint(anonymous(), <, before + OWN_KIB);
    bench_free(t);
}

/* A loop that rewrites what it runs next, on many pages in turn, with a small buffer. */
static void test_code_rewritten(void)
{
    static const char code[] = "\x31\xc0"                 /*     xor eax, eax */
                               "\xb9\x00\x00\x03\x00"     /*     mov ecx, 30000h */
                               "\xbb\x00\x00\x10\x00"     /* 1:  mov ebx, 100000h */
                               "\x89\xca"                 /*     mov edx, ecx */
                               "\x81\xe2\xff\x07\x00\x00" /*     and edx, 7ffh */
                               "\xc1\xe2\x0c"             /*     shl edx, 12 */
                               "\x01\xd3"                 /*     add ebx, edx */
                               "\xc6\x03\xb0"             /*     mov byte [ebx], b0h: mov al, ... */
                               "\x88\x4b\x01"             /*     mov [ebx + 1], cl */
                               "\xc6\x43\x02\xc3"         /*     mov byte [ebx + 2], c3h: ret */
                               "\xff\xd3"                 /*     call ebx */
                               "\x01\xc6"                 /*     add esi, eax */
                               "\x49"                     /*     dec ecx */
                               "\x75\xdd"                 /*     jnz 1b */
                               "\xf4";
    CpuBench *t = flat_bench(1 << 20);
    unsigned long before = anonymous();
    cpu_bench_load(t, CODE, code, sizeof code - 1);
    t->v->gpr[R_SI].q = 0;
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    g_assert_cmphex(t->v->gpr[R_SI].d, ==, 0x300 * (255 * 256 / 2));
    g_assert_cmpuint(anonymous(), <, before + OWN_KIB);
    bench_free(t);
}

#define REMAPS 0x30000u
#define MAP_DIR 0x100000u
#define MAP_LOW 0x101000u  /* its first 4 MiB */
#define MAP_PAGES 0x102000u /* 256 pages from MAP_BASE on */
#define MAP_BASE 0x40000000u
#define MAP_FRAMES 0x1000000u /* 2048 of them */
G_STATIC_ASSERT(MAP_FRAMES + 2048 * PAGE_SIZE <= WIDE_RAM);

/* A page table is written at random, and what has come to lie at the page is called, and written to; all the time. */
static void test_maps_at_random(void)
{
    static const char code[] = "\xb9\x00\x00\x03\x00"         /*     mov ecx, REMAPS */
                               "\xbe\x39\x30\x00\x00"         /*     mov esi, 12345 */
                               "\x31\xff"                     /*     xor edi, edi */
                               "\x69\xf6\x0d\x66\x19\x00"     /* 1:  imul esi, esi, 1664525 */
                               "\x81\xc6\x5f\xf3\x6e\x3c"     /*     add esi, 1013904223 */
                               "\x89\xf0"                     /*     mov eax, esi */
                               "\xc1\xe8\x08"                 /*     shr eax, 8 */
                               "\x25\xff\x07\x00\x00"         /*     and eax, 7ffh */
                               "\xc1\xe0\x0c"                 /*     shl eax, 12 */
                               "\x05\x03\x00\x00\x01"         /*     add eax, MAP_FRAMES + 3 */
                               "\x89\xf3"                     /*     mov ebx, esi */
                               "\xc1\xeb\x18"                 /*     shr ebx, 24 */
                               "\x89\x04\x9d\x00\x20\x10\x00" /*     mov [MAP_PAGES + ebx * 4], eax */
                               "\xc1\xe3\x0c"                 /*     shl ebx, 12 */
                               "\x81\xc3\x00\x00\x00\x40"     /*     add ebx, MAP_BASE */
                               "\x0f\x01\x3b"                 /*     invlpg [ebx] */
                               "\xff\xd3"                     /*     call ebx: mov eax, its frame's number; ret */
                               "\x01\xc7"                     /*     add edi, eax */
                               "\x89\x8b\x00\x08\x00\x00"     /*     mov [ebx + 800h], ecx */
                               "\x49"                         /*     dec ecx */
                               "\x75\xbd"                     /*     jnz 1b */
                               "\xf4";
    CpuBench *t = flat_bench(1 << 20);
    uint8_t *ram = t->ram->host;
    uint32_t *dir = (uint32_t *)(ram + MAP_DIR), *low = (uint32_t *)(ram + MAP_LOW);
    dir[0] = MAP_LOW | 3;
    dir[MAP_BASE >> 22] = MAP_PAGES | 3;
    for (uint32_t n = 0; n < 1024; n++)
        low[n] = n * PAGE_SIZE | 3;
    for (uint32_t n = 0; n < 2048; n++) {
        uint8_t *frame = ram + MAP_FRAMES + n * PAGE_SIZE;
        frame[0] = 0xb8;
        memcpy(frame + 1, &n, 4);
        frame[5] = 0xc3;
    }
    cpu_bench_load(t, CODE, code, sizeof code - 1);
    t->v->cr3 = MAP_DIR;
    t->v->cr0 |= CR0_PG;
    tlb_flush_all(t->v);
    unsigned long before = anonymous();
    g_assert_cmpint(tcache_run(t->v, 100000), ==, EXIT_BUDGET);
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
    uint32_t x = 12345, sum = 0;
    for (unsigned n = 0; n < REMAPS; n++) {
        x = x * 1664525 + 1013904223;
        sum += x >> 8 & 0x7ff;
    }
    g_assert_cmphex(t->v->gpr[R_DI].d, ==, sum);
    g_assert_cmpuint(anonymous(), <, before + OWN_KIB);
    bench_free(t);
}

static void keep_report(void *opaque, const char *report)
{
    GString *kept = opaque;
    g_string_append(kept, report);
}

/* The engines are made to disagree, about a register and about memory; shadow mode says where, and the run stops. */
static void test_shadow_finds(gconstpointer data)
{
    bool memory = GPOINTER_TO_INT(data);
    static const char adding[] = "\xeb\x00\x40\x04\x22\xeb\xfb";              /* jmp; 1: inc ax; add al, 22h; jmp 1b */
    static const char storing[] = "\xeb\x00\x40\xc6\x06\x00\x04\x22\xeb\xf8"; /* jmp; 1: inc ax; mov byte [400h], 22h; jmp 1b */
    g_autoptr(GString) report = g_string_new(NULL);
    CpuBench *t = memory ? bench_new(true, storing, sizeof storing, TB_BYTES) : bench_new(true, adding, sizeof adding, TB_BYTES);

    tcache_set_shadow(t->v->tcache, keep_report, report);
    for (int n = 0; n < 10; n++) { /* stops in between, all the same */
        vcpu_attention(t->v, ATTN_STOP);
        g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_STOP);
        g_assert_cmpint(tcache_run(t->v, 7), ==, EXIT_BUDGET);
    }
    g_assert_cmpuint(report->len, ==, 0);
    t->ram->host[CODE + (memory ? 7 : 4)] = 0x33; /* behind the back of the translation */
    codecache_flush(t->v->code);
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_DEBUG);
    g_assert_nonnull(strstr(report->str, memory ? "memory, RAM offset 0x400, 1 bytes: translated 22, interpreted 33" : "eax: translated"));
    g_assert_nonnull(strstr(report->str, "guest code:"));
    g_assert_nonnull(strstr(report->str, memory ? "mov byte ptr" : "add al, 0x33"));
    bench_free(t);
}

/* Code that has filled the host's large pages is the same through both mappings, before and behind a reset. */
static void test_large_pages(void)
{
    enum { MIB = 1 << 20, SIZE = 6 * MIB };
    g_autoptr(GError) error = NULL;
    CodeBuf *b = codebuf_new(SIZE, &error);
    g_assert_no_error(error);
    for (int round = 0; round < 2; round++) {
        while (b->code < b->write + 5 * MIB) {
            for (int n = 0; n < 4096; n += 8)
                *(uint64_t *)(b->code + n) = (uintptr_t)(b->code + n) + round;
            b->code += 4096;
            codebuf_settle(b);
        }
        const uint8_t *x = codebuf_exec(b, b->write);
        for (int at = 0; at < 5 * MIB; at += 8)
            g_assert_cmphex(*(const uint64_t *)(x + at), ==, (uintptr_t)(b->write + at) + round);
        codebuf_reset(b);
    }
    g_assert_cmpuint(b->large, ==, 4 * MIB);
    codebuf_free(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tcache/chaining", test_chaining);
    g_test_add_func("/tcache/round-addresses", test_round_addresses);
    g_test_add_func("/tcache/smc/running-block", test_smc_running_block);
    g_test_add_func("/tcache/smc/ahead", test_smc_ahead);
    g_test_add_func("/tcache/smc/page-edge", test_smc_page_edge);
    g_test_add_func("/tcache/smc/alias", test_smc_alias);
    g_test_add_func("/tcache/smc/dma", test_smc_dma);
    g_test_add_func("/tcache/call-left", test_call_left);
    g_test_add_func("/tcache/smc/window", test_smc_window);
    g_test_add_func("/tcache/full-window", test_full_window);
    g_test_add_func("/tcache/interrupt", test_interrupt);
    g_test_add_func("/tcache/late-interrupts", test_late_interrupts);
    g_test_add_func("/tcache/budget", test_budget);
    g_test_add_func("/tcache/eviction", test_eviction);
    g_test_add_func("/tcache/eviction-on-two-pages", test_eviction_on_two_pages);
    g_test_add_func("/tcache/large-pages", test_large_pages);
    g_test_add_func("/tcache/fault", test_fault);
    g_test_add_func("/tcache/code-everywhere", test_code_everywhere);
    g_test_add_func("/tcache/code-rewritten", test_code_rewritten);
    g_test_add_func("/tcache/maps-at-random", test_maps_at_random);
    g_test_add_data_func("/tcache/shadow/register", GINT_TO_POINTER(false), test_shadow_finds);
    g_test_add_data_func("/tcache/shadow/memory", GINT_TO_POINTER(true), test_shadow_finds);
    return g_test_run();
}

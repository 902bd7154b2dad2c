/*
 * Calls and returns (the return stack of tcache/stubs.c): random functions that call each other in every way, return to where nobody called
 * from, recur deeper than the return stack reaches, and carry flags over calls and returns, while another thread asks for attention.
 *
 * On the interpreter, translated, by shadow windows, changing at random and with bounds on instructions: all must end alike.
 */
#include "cpubench.h"
#include "randomcode.h"

#include <string.h>

#include "tcache/tcache.h"

#define CODE 0x10000u
#define TABLE 0x20000u /* of functions */
#define STACK 0x70000u
#define TABLES 0x80000u /* page directory and tables: all RAM one to one */
#define RAM_SIZE (1u << 20)
#define TB_BYTES (512 << 10)
#define PROGRAMS 60
#define FUNCTIONS 6
#define ITERATIONS 12
#define DEPTH 3000
#define BUDGET 400000

typedef struct Program {
    RandomCode c;
    uint32_t function[FUNCTIONS + 1]; /* the last one recurs */
} Program;

static uint32_t here(const Program *p)
{
    return CODE + p->c.code->len;
}

static void put_call(Program *p, unsigned function)
{
    switch (any(&p->c, 4)) {
    case 0: /* mov edx, [table]; call edx */
        put(&p->c, "\x8b\x15", 2);
        put32(&p->c, TABLE + 4 * function);
        put(&p->c, "\xff\xd2", 2);
        break;
    case 1: /* call [table] */
        put(&p->c, "\xff\x15", 2);
        put32(&p->c, TABLE + 4 * function);
        break;
    default:
        put8(&p->c, 0xe8);
        put32(&p->c, p->function[function] - (here(p) + 4));
        break;
    }
}

/* Arithmetic that sees and leaves flags. */
static void put_flags(Program *p)
{
    static const char *const ops[] = {"\x83\xd0\x05", "\xf9", "\xf5", "\x19\xc3", "\x40", "\x4b", "\x11\xd8", "\x0f\x92\xc1", "\x39\xc3", "\xd1\xd8",
                                      "\x0f\x4e\xc3", "\x9c\x5e\x01\xf3", "\x9f", "\x83\xc3\x01", "\xd1\xd3"};
    const char *s = ops[any(&p->c, G_N_ELEMENTS(ops))];
    put(&p->c, s, strlen(s));
}

static void put_function(Program *p, unsigned n)
{
    p->function[n] = here(p);
    for (unsigned k = 2 + any(&p->c, 6); k > 0; k--) {
        switch (any(&p->c, 12)) {
        case 0: case 1: case 2: case 3:
            if (n > 0)
                put_call(p, any(&p->c, 6) ? n - 1 - any(&p->c, MIN(n, 2)) : FUNCTIONS);
            break;
        case 4: /* call to the next; drop it */
            put(&p->c, "\xe8\0\0\0\0\x59", 6);
            break;
        case 5: /* push the next; ret */
            put8(&p->c, 0x68);
            put32(&p->c, here(p) + 5);
            put8(&p->c, 0xc3);
            break;
        case 6: /* return early */
            put8(&p->c, 0x70 + any(&p->c, 16));
            put(&p->c, "\x01\xc3", 2);
            p->c.code->data[p->c.code->len - 3] ^= any(&p->c, 2);
            break;
        default:
            put_flags(p);
            break;
        }
    }
    if (any(&p->c, 5) == 0)
        put(&p->c, "\x59\xff\xe1", 3); /* pop ecx; jmp ecx */
    else if (any(&p->c, 5) == 0)
        put(&p->c, "\xff\x34\x24\xc2\x04\0", 6); /* push [esp]; ret 4 */
    else
        put8(&p->c, 0xc3);
}

static Program *program_new(uint32_t seed)
{
    Program *p = g_new0(Program, 1);
    code_init(&p->c, seed);
    put8(&p->c, 0xe9);
    put32(&p->c, 0); /* jmp to the end */
    /* dec bp; jle out; call itself; adc eax, 0; stc; out: ret */
    p->function[FUNCTIONS] = here(p);
    put(&p->c, "\x66\x4d\x7e\x09\xe8", 5);
    put32(&p->c, p->function[FUNCTIONS] - (here(p) + 4));
    put(&p->c, "\x83\xd0\x00\xf9\xc3", 5);
    for (unsigned n = 0; n < FUNCTIONS; n++)
        put_function(p, n);
    uint32_t begin = p->c.code->len;
    uint32_t skip = begin - 5;
    memcpy(p->c.code->data + 1, &skip, 4);
    put8(&p->c, 0xbf); /* mov edi, ITERATIONS */
    put32(&p->c, ITERATIONS);
    uint32_t loop = here(p);
    put8(&p->c, 0xbd); /* mov ebp, depth */
    put32(&p->c, any(&p->c, 2) ? DEPTH : 5);
    put_call(p, FUNCTIONS - 1);
    put(&p->c, "\x4f\x0f\x85", 3); /* dec edi; jnz loop */
    put32(&p->c, loop - (here(p) + 4));
    put8(&p->c, 0xf4);
    return p;
}

static void program_free(Program *p)
{
    code_clear(&p->c);
    g_free(p);
}

static CpuBench *bench_new(const Program *p)
{
    CpuBench *b = cpu_bench_new("max", RAM_SIZE);
    cpu_bench_start_flat(b, CODE, TABLES);
    b->v->gpr[R_SP].q = STACK;
    cpu_bench_load(b, CODE, p->c.code->data, p->c.code->len);
    memcpy(b->ram->host + TABLE, p->function, sizeof p->function);
    return b;
}

static void bench_free(CpuBench *b)
{
    if (b->v->tcache)
        tcache_free(b->v->tcache);
    cpu_bench_free(b);
}

typedef struct Nag {
    Vcpu *v;
    int end;      /* atomic */
    unsigned us;
    uint32_t what; /* ATTN_* */
} Nag;

static void *nag_main(void *opaque)
{
    Nag *n = opaque;
    do {
        g_usleep(n->us);
        vcpu_attention(n->v, n->what);
    } while (!g_atomic_int_get(&n->end));
    return NULL;
}

static void translated(CpuBench *t, bool window)
{
    g_autoptr(GError) error = NULL;
    tcache_new(t->v, TB_BYTES, &error);
    g_assert_no_error(error);
    if (window && !tcache_set_window(t->v->tcache, TCACHE_WINDOW_ALL, 0, &error))
        g_test_message("no windows here: %s", error->message);
}

static void assert_alike(const CpuBench *i, const CpuBench *t)
{
    for (int n = 0; n < 8; n++)
        g_assert_cmphex(t->v->gpr[n].q, ==, i->v->gpr[n].q);
    g_assert_cmphex(t->v->rip, ==, i->v->rip);
    g_assert_cmphex(eflags_get(t->v), ==, eflags_get(i->v));
    g_assert_cmpuint(t->v->insns, ==, i->v->insns);
    g_assert_cmpint(memcmp(t->ram->host, i->ram->host, RAM_SIZE), ==, 0);
}

static void test_random(void)
{
    unsigned ended = 0;
    for (unsigned n = 0; n < PROGRAMS; n++) {
        Program *p = program_new(n);
        CpuBench *i = bench_new(p);
        bool ends = interp_run(i->v, BUDGET) == EXIT_HALT;
        ended += ends;
        for (int way = 0; way < 6 && ends; way++) { /* translated; by windows; both nagged; changing; bounded */
            CpuBench *t = bench_new(p);
            Nag nag = {.v = t->v, .us = 20, .what = ATTN_STALE};
            GThread *thread = way == 2 || way == 3 ? g_thread_new("nag", nag_main, &nag) : NULL;
            Exit exit;
            translated(t, way & 1);
            if (way >= 4)
                tcache_set_chaos(t->v->tcache, way == 4 ? n + 1 : 0, false);
            do
                exit = tcache_run(t->v, way == 5 ? 1 + any(&p->c, 300) : 0);
            while (exit == EXIT_BUDGET);
            g_assert_cmpint(exit, ==, EXIT_HALT);
            g_atomic_int_set(&nag.end, 1);
            if (thread)
                g_thread_join(thread);
            assert_alike(i, t);
            bench_free(t);
        }
        bench_free(i);
        program_free(p);
    }
    g_test_message("%u ended", ended);
    g_assert_cmpuint(ended, >, PROGRAMS / 2);
}

/* A tree of 2 to the power of 60 calls, and no jump backward: only calls can notice that someone wants control back. */
static void test_stop(gconstpointer window)
{
    static const char code[] = "\x4d\x74\x0a"             /* f:   dec ebp; jz out */
                               "\xe8\xf8\xff\xff\xff"     /*      call f */
                               "\xe8\xf3\xff\xff\xff"     /*      call f */
                               "\x45\xc3"                 /* out: inc ebp; ret */
                               "\xe8\xec\xff\xff\xff\xf4"; /*      call f; hlt */
    Program p = {.c.code = g_byte_array_new()};
    put(&p.c, code, sizeof code - 1);
    CpuBench *t = bench_new(&p);
    translated(t, window != NULL);
    for (unsigned n = 0; n < 20; n++) { /* until all is translated and linked, so that nothing else looks */
        t->v->rip = CODE + 15;
        t->v->gpr[R_BP].q = 6;
        g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_HALT);
        t->v->halted = false;
    }
    t->v->rip = CODE + 15;
    t->v->gpr[R_BP].q = 60;
    Nag nag = {.v = t->v, .us = 20000, .what = ATTN_STOP};
    GThread *thread = g_thread_new("nag", nag_main, &nag);
    g_assert_cmpint(tcache_run(t->v, 0), ==, EXIT_STOP);
    g_atomic_int_set(&nag.end, 1);
    g_thread_join(thread);
    bench_free(t);
    g_byte_array_unref(p.c.code);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/calls/random", test_random);
    g_test_add_data_func("/calls/stop", NULL, test_stop);
    g_test_add_data_func("/calls/stop-windows", GINT_TO_POINTER(1), test_stop);
    return g_test_run();
}

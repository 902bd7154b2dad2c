/*
 * Operands that are checked together (tcache/spans.c): random code full of fields of a few frames and structures, near the edge
 * of two pages of which the second may be read-only, absent, code or no memory at all.
 *
 * Each program is a loop, so that it runs chained and by blocks without spans too. It runs on the interpreter, translated,
 * in shadow mode, changing at random and with bounds on instructions, to HLT or to a triple fault, and all must end alike.
 */
#include "cpubench.h"
#include "randomcode.h"

#include <string.h>

#include "tcache/tcache.h"

#define CODE 0x10000u
#define RAM_SIZE (1u << 20)
#define TABLES 0x80000u /* page directory and tables: all RAM and what is above it, one to one */
#define TB_BYTES (256 << 10)
#define PROGRAMS 200
#define ITERATIONS 20
#define BUDGET 20000

enum { BX = 3, SP = 4, BP = 5, SI = 6 };

typedef struct Program {
    RandomCode c;
    uint32_t pte[3];      /* flags of the second page of each place: [BX], [SP], [BP] */
    uint32_t start[3];
} Program;

/* ModRM for a field of one of the places. */
static void put_field(Program *p, unsigned reg)
{
    static const uint8_t bases[] = {BX, SP, BP, SI, SP, BP};
    unsigned base = bases[any(&p->c, sizeof bases)];
    int disp = g_rand_int_range(p->c.r, -40, 60);
    bool wide = any(&p->c, 4) == 0;
    put8(&p->c, (wide ? 0x80 : 0x40) | reg << 3 | base);
    if (base == SP)
        put8(&p->c, 0x24);
    if (wide)
        put32(&p->c, disp);
    else
        put8(&p->c, disp);
}

static void put_insn(Program *p)
{
    /* opcode, then a field: reg is one of EAX, ECX, EDX */
    static const uint8_t with_reg[] = {0x8b, 0x8b, 0x8b, 0x89, 0x89, 0x89, 0x03, 0x01, 0x13, 0x29, 0x39, 0x3b, 0x85, 0x31, 0x23, 0x87};
    static const uint16_t with_reg_0f[] = {0xb6, 0xbe, 0xb7, 0xaf, 0xc1, 0xb1, 0x42, 0x4f, 0xab, 0xa3, 0xbc};
    /* opcode, /n, bytes of immediate */
    static const uint8_t with_n[][3] = {
        {0xc7, 0, 4}, {0xc6, 0, 1}, {0x83, 0, 1}, {0x83, 7, 1}, {0x83, 2, 1}, {0xff, 0, 0}, {0xff, 1, 0}, {0xff, 6, 0}, {0xff, 6, 0},
        {0xf7, 2, 0}, {0xf7, 3, 0}, {0xf7, 4, 0}, {0xc1, 4, 1}, {0xd1, 5, 0}, {0xd9, 0, 0}, {0xd9, 3, 0}, {0xdb, 0, 0},
    };
    unsigned reg = any(&p->c, 3);

    switch (any(&p->c, 24)) {
    case 0: case 1: case 2: case 3: case 4: case 5: case 6: case 7:
        put8(&p->c, with_reg[any(&p->c, sizeof with_reg)]);
        put_field(p, reg);
        break;
    case 8: /* bytes, AH, CH and DH among them */
        put8(&p->c, any(&p->c, 2) ? 0x88 : 0x8a);
        put_field(p, reg + (any(&p->c, 2) ? 4 : 0));
        break;
    case 9: case 10:
        put8(&p->c, 0x0f);
        put8(&p->c, with_reg_0f[any(&p->c, G_N_ELEMENTS(with_reg_0f))]);
        put_field(p, reg);
        break;
    case 11: case 12: case 13: {
        const uint8_t *w = with_n[any(&p->c, G_N_ELEMENTS(with_n))];
        put8(&p->c, w[0]);
        put_field(p, w[1]);
        for (unsigned n = 0; n < w[2]; n++)
            put8(&p->c, any(&p->c, 256));
        break;
    }
    case 14: case 15:
        put8(&p->c, 0x50 + any(&p->c, 8)); /* push, ESP too */
        break;
    case 16: case 17:
        put8(&p->c, 0x58 + reg);
        break;
    case 18: { /* the places move by constants */
        static const char *const moves[] = {"\x83\xec\x08", "\x83\xc4\x0c", "\x8d\x5b\x05", "\x89\xe5", "\x8d\x73\x08", "\x8d\x6c\x24\x10",
                                            "\x46", "\x4b", "\x89\xde", "\x83\xeb\x03"};
        const char *m = moves[any(&p->c, G_N_ELEMENTS(moves))];
        put(&p->c, m, strlen(m));
        break;
    }
    case 19: /* SSE: movups, movd */
        put8(&p->c, 0x0f);
        put8(&p->c, any(&p->c, 2) ? 0x10 : 0x11);
        put_field(p, any(&p->c, 8));
        break;
    case 20: { /* what calls its handler, flags, what goes somewhere else */
        static const char *const others[] = {"\xd7", "\xf9", "\x9f", "\x9c", "\x8b\x14\x0b", "\x0f\x92\xc1", "\x99", "\x60\x61", "\x16\x58"};
        const char *o = others[any(&p->c, G_N_ELEMENTS(others))];
        put(&p->c, o, strlen(o));
        break;
    }
    case 21:
        put(&p->c, "\xe8\0\0\0\0\x58", 6); /* call to the next; pop eax */
        break;
    case 22:
        put8(&p->c, 0x70 + any(&p->c, 16)); /* jcc over an instruction */
        put(&p->c, "\x03\x90\x41\x90", 4);
        break;
    default:
        if (any(&p->c, 6) == 0) {
            put8(&p->c, 0xc9); /* leave */
            put8(&p->c, 0xb8 + BP);
            put32(&p->c, p->start[2]);
        } else {
            put8(&p->c, 0x8d); /* lea reg */
            put_field(p, reg);
        }
        break;
    }
}

static Program *program_new(uint32_t seed)
{
    static const uint32_t kinds[] = {3, 3, 3, 1, 0}; /* writable, read-only, absent */
    Program *p = g_new0(Program, 1);
    code_init(&p->c, seed);
    for (unsigned n = 0; n < 3; n++) {
        p->start[n] = 0x20000 + n * 0x10000 + PAGE_SIZE + g_rand_int_range(p->c.r, -150, 60);
        p->pte[n] = kinds[any(&p->c, G_N_ELEMENTS(kinds))];
    }
    if (any(&p->c, 8) == 0)
        p->start[0] = RAM_SIZE + 0x1000 + any(&p->c, 100); /* no memory */
    if (any(&p->c, 8) == 0)
        p->start[0] = CODE + PAGE_SIZE - 64; /* behind the code, on its page */
    put8(&p->c, 0xbf); /* mov edi, ITERATIONS */
    put32(&p->c, ITERATIONS);
    unsigned loop = p->c.code->len;
    put8(&p->c, 0xb8 + BX);
    put32(&p->c, p->start[0]);
    put8(&p->c, 0xb8 + SP);
    put32(&p->c, p->start[1]);
    put8(&p->c, 0xb8 + BP);
    put32(&p->c, p->start[2]);
    put(&p->c, "\x8d\x73\xe8", 3); /* lea esi, [ebx - 24] */
    for (unsigned n = 4 + any(&p->c, 50); n > 0; n--)
        put_insn(p);
    put(&p->c, "\x4f\x0f\x85", 3); /* dec edi; jnz loop */
    put32(&p->c, loop - (p->c.code->len + 4));
    put8(&p->c, 0xf4);
    return p;
}

static void program_free(Program *p)
{
    code_clear(&p->c);
    g_free(p);
}

static void no_difference(void *opaque, const char *report)
{
    g_error("%s", report);
}

static CpuBench *bench_new(const Program *p)
{
    CpuBench *b = cpu_bench_new("max", RAM_SIZE);
    cpu_bench_start_flat(b, CODE, TABLES);
    uint32_t *tables = (uint32_t *)(b->ram->host + TABLES);
    for (unsigned n = RAM_SIZE / PAGE_SIZE; n < 2048; n++)
        tables[1024 + n] = n * PAGE_SIZE | 3;
    tables[1] = (TABLES + 2 * PAGE_SIZE) | 3;
    for (unsigned n = 0; n < 3; n++) {
        unsigned page = p->start[n] / PAGE_SIZE + (p->start[n] % PAGE_SIZE > PAGE_SIZE / 2);
        if (page != CODE / PAGE_SIZE)
            tables[1024 + page] = page * PAGE_SIZE | p->pte[n];
    }
    for (unsigned n = 0x20000; n < 0x50000; n++)
        b->ram->host[n] = n * 0x9e3779b1u >> 24;
    cpu_bench_load(b, CODE, p->c.code->data, p->c.code->len);
    return b;
}

static void bench_free(CpuBench *b)
{
    if (b->v->tcache)
        tcache_free(b->v->tcache);
    cpu_bench_free(b);
}

static void translated(CpuBench *b)
{
    g_autoptr(GError) error = NULL;
    tcache_new(b->v, TB_BYTES, &error);
    g_assert_no_error(error);
}

static void assert_alike(const CpuBench *i, const CpuBench *t, bool insns)
{
    for (int n = 0; n < 8; n++)
        g_assert_cmphex(t->v->gpr[n].q, ==, i->v->gpr[n].q);
    g_assert_cmphex(t->v->rip, ==, i->v->rip);
    g_assert_cmphex(t->v->cr2, ==, i->v->cr2);
    g_assert_cmphex(eflags_get(t->v), ==, eflags_get(i->v));
    if (insns)
        g_assert_cmpuint(t->v->insns, ==, i->v->insns);
    g_assert_cmpuint(t->shutdowns, ==, i->shutdowns);
    g_assert_cmpint(memcmp(&t->v->fpu, &i->v->fpu, sizeof i->v->fpu), ==, 0);
    g_assert_cmpint(memcmp(t->ram->host, i->ram->host, RAM_SIZE), ==, 0);
}

static void test_random(void)
{
    uint64_t spans = 0, plain = 0;
    unsigned ended[2] = {0}; /* by HLT, or otherwise */

    for (unsigned n = 0; n < PROGRAMS; n++) {
        Program *p = program_new(n);
        CpuBench *i = bench_new(p);
        Exit exit = interp_run(i->v, BUDGET);
        ended[exit != EXIT_HALT || i->shutdowns]++;
        for (int way = 0; way < 5 && exit != EXIT_BUDGET; way++) { /* one that does not end says nothing */
            CpuBench *t = bench_new(p);
            Exit other;
            translated(t);
            if (way == 1)
                tcache_set_shadow(t->v->tcache, no_difference, NULL);
            else if (way > 2)
                tcache_set_chaos(t->v->tcache, n + way, false);
            do
                other = tcache_run(t->v, way == 2 ? 1 + any(&p->c, 30) : 0);
            while (other == EXIT_BUDGET);
            g_assert_cmpint(other, ==, exit);
            assert_alike(i, t, !t->shutdowns); /* with a bound, faults count too */
            TCacheStats s;
            tcache_stats(t->v->tcache, &s);
            spans += s.spans;
            plain += s.plain;
            bench_free(t);
        }
        bench_free(i);
        program_free(p);
    }
    g_test_message("%u ended by HLT, %u otherwise; %u spans, %u blocks without", ended[0], ended[1], (unsigned)spans, (unsigned)plain);
    g_assert_cmpuint(spans, >, PROGRAMS);
    g_assert_cmpuint(plain, >, 20);
    g_assert_cmpuint(ended[0], >, PROGRAMS / 4);
    g_assert_cmpuint(ended[1], >, PROGRAMS / 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/spans/random", test_random);
    return g_test_run();
}

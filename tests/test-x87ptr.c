/*
 * FIP, FCS, FOP, FDP and FDS in translated code (tcache/x87ptr.c): random loops of x87 instructions whose addresses go away behind them,
 * with page faults, handlers, jumps, calls, changes of selectors and stores to their own page between them.
 *
 * The page fault's handler notes the environment and maps the page; the loop takes it away again. The environment is noted in the
 * loops as well, and compared at the end with all else: the interpreter, which sets the pointers at once, tells what is right.
 */
#include "cpubench.h"
#include "randomcode.h"

#include <string.h>

#include "tcache/tcache.h"

#define CODE 0x10000u
#define HANDLER 0x18000u
#define DATA 0x20000u /* two pages; the second comes and goes */
#define STACK 0x30800u
#define GDT 0x31000u
#define IDT 0x31800u
#define POINTERS 0x32000u /* pseudo-descriptors, the log's end */
#define LOG 0x38000u
#define LOG_MASK 0x3fffu
#define RAM_SIZE (1u << 20)
#define TABLES 0x80000u /* page directory and tables: all RAM one to one */
#define TB_BYTES (256 << 10)
#define PROGRAMS 300
#define ITERATIONS 12
#define BUDGET 30000

enum { CX = 1, BX = 3, BP = 5, SI = 6 };

static void put_one(RandomCode *p, const char *const *list, unsigned n)
{
    const char *s = list[any(p, n)];
    put(p, s, strlen(s));
}

/* opcode with an operand in memory; reg: ModRM.reg */
static void put_mem(RandomCode *p, uint8_t opcode, unsigned reg)
{
    static const uint8_t bases[] = {BX, BP, SI};
    static const uint8_t overrides[] = {0x26, 0x64, 0x3e, 0x36, 0x2e};
    unsigned base = bases[any(p, 3)];
    int8_t disp = g_rand_int_range(p->r, -40, 60);

    if (any(p, 6) == 0)
        put8(p, overrides[any(p, sizeof overrides - (opcode == 0xdf || opcode == 0xd9 || opcode == 0xdb || opcode == 0xdd))]);
    switch (any(p, 10)) {
    case 0: /* [disp32] */
        put8(p, opcode);
        put8(p, reg << 3 | 5);
        put32(p, DATA + 0xfd0 + any(p, 80));
        break;
    case 1: case 2: case 3: /* [base + ECX << scale + disp8] */
        put8(p, opcode);
        put8(p, 0x44 | reg << 3);
        put8(p, any(p, 4) << 6 | CX << 3 | base);
        put8(p, disp);
        break;
    case 4: /* [BX + disp8], 16 bits */
        put8(p, 0x67);
        put8(p, opcode);
        put8(p, 0x47 | reg << 3);
        put8(p, disp);
        break;
    default:
        put8(p, opcode);
        put8(p, 0x40 | reg << 3 | base);
        put8(p, disp);
        break;
    }
}

/* What has an operand in memory, but for what could unmask exceptions. */
static void put_x87_mem(RandomCode *p)
{
    static const uint8_t ops[][2] = {
        {0xd9, 0}, {0xd9, 2}, {0xd9, 3}, {0xd9, 7}, {0xdb, 0}, {0xdb, 2}, {0xdb, 3}, {0xdb, 5}, {0xdb, 7}, {0xdd, 0}, {0xdd, 0}, {0xdd, 2},
        {0xdd, 3}, {0xdd, 3}, {0xdd, 7}, {0xdf, 0}, {0xdf, 2}, {0xdf, 3}, {0xdf, 5}, {0xdf, 6}, {0xdf, 7}, {0xd9, 6}, {0xdd, 6},
    };
    static const uint8_t arithmetic[] = {0xd8, 0xda, 0xdc, 0xde, 0xdc};
    unsigned n = any(p, 40);
    if (n < G_N_ELEMENTS(ops))
        put_mem(p, ops[n][0], ops[n][1]);
    else
        put_mem(p, arithmetic[any(p, sizeof arithmetic)], any(p, 8));
}

static void put_x87_reg(RandomCode *p)
{
    static const char *const ops[] = {
        "\xd9\xc1", "\xd9\xc9", "\xd9\xe0", "\xd9\xe1", "\xd9\xe4", "\xd9\xe5", "\xd9\xe8", "\xd9\xeb", "\xd9\xee", "\xd9\xfa", "\xd9\xfc",
        "\xd8\xc1", "\xd8\xca", "\xdc\xe1", "\xdc\xf9", "\xde\xc1", "\xde\xc9", "\xdd\xd8", "\xdd\xd1", "\xdd\xc2", "\xda\xc1", "\xdb\xd2",
        "\xdb\xe9", "\xdf\xf1", "\xda\xe9", "\xdf\xe0", "\xdb\xe2", "\x9b", "\xd9\xd0", "\x0f\x77",
    };
    put_one(p, ops, G_N_ELEMENTS(ops));
}

/* What moves the registers that operands were addressed by. */
static void put_move(RandomCode *p)
{
    static const char *const ops[] = {
        "\x83\xc3\x04", "\x83\xeb\x08", "\x8d\x73\x08", "\x89\xf5", "\x41", "\x83\xe1\x07", "\x87\xf3", "\x89\xdd", "\x53\x5e", "\xf7\xd9\x83\xe1\x03",
        "\x8d\x5e\xfc", "\x8d\x1c\x0e", "\x0f\x44\xde", "\x8d\x6d\x04", "\x31\xc9", "\x0f\xc9\x0f\xc9", "\x4e", "\x60\x61",
    };
    put_one(p, ops, G_N_ELEMENTS(ops));
}

static void put_other(RandomCode *p)
{
    static const char *const ops[] = {"\xd7", "\x9c\x9d", "\x1e\x07"}; /* XLAT, PUSHF and POPF, PUSH DS and POP ES */
    switch (any(p, 8)) {
    case 0:
        put_one(p, ops, G_N_ELEMENTS(ops));
        break;
    case 1: /* mov eax, selector; mov es, eax */
        put8(p, 0xb8);
        put32(p, 0x10 + 8 * any(p, 4));
        put(p, "\x8e\xc0", 2);
        break;
    case 2: /* to the count of iterations, whose high byte is 0: this very page */
        put(p, "\xc6\x05", 2);
        put32(p, CODE + 4);
        put8(p, 0);
        break;
    case 3:
        put(p, "\xe8\0\0\0\0\x58", 6); /* call to the next; pop eax */
        break;
    case 4: case 5: /* jcc over an FLD */
        put8(p, 0x70 + any(p, 16));
        put(p, "\x03\xd9\x43\x04", 4);
        break;
    case 6: /* the environment */
        put_mem(p, 0xd9, 6);
        break;
    default: /* an access that may fault */
        put_mem(p, 0x8b, 0);
        break;
    }
}

static RandomCode *program_new(uint32_t seed)
{
    RandomCode *p = g_new0(RandomCode, 1);
    code_init(p, seed);
    put8(p, 0xbf); /* mov edi, ITERATIONS */
    put32(p, ITERATIONS);
    put(p, "\x0f\x01\x15", 3); /* lgdt */
    put32(p, POINTERS);
    put(p, "\x0f\x01\x1d", 3); /* lidt */
    put32(p, POINTERS + 8);
    unsigned loop = p->code->len;
    put(p, "\x83\x25", 2); /* and dword [pte], ~1; invlpg */
    put32(p, TABLES + PAGE_SIZE + (DATA / PAGE_SIZE + 1) * 4);
    put(p, "\xfe\x0f\x01\x3d", 4);
    put32(p, DATA + PAGE_SIZE);
    put8(p, 0xb8 + BX);
    put32(p, DATA + PAGE_SIZE - 60 + any(p, 70));
    put(p, "\x8d\x73\xe8\x8d\x6b\x08\xb9\3\0\0\0", 11); /* lea esi, [ebx - 24]; lea ebp, [ebx + 8]; mov ecx, 3 */
    for (unsigned n = 4 + any(p, 40); n > 0; n--)
        switch (any(p, 10)) {
        case 0: case 1: case 2: case 3: put_x87_mem(p); break;
        case 4: case 5: put_x87_reg(p); break;
        case 6: case 7: case 8: put_move(p); break;
        default: put_other(p); break;
        }
    put(p, "\x4f\x0f\x85", 3); /* dec edi; jnz loop */
    put32(p, loop - (p->code->len + 4));
    put8(p, 0xf4);
    return p;
}

static void program_free(RandomCode *p)
{
    code_clear(p);
    g_free(p);
}

/* Of #PF: FNSTENV to the log, and map the page. */
static void put_handler(CpuBench *b)
{
    RandomCode h = {.code = g_byte_array_new()};
    put(&h, "\x50\xa1", 2); /* push eax; mov eax, [log's end] */
    put32(&h, POINTERS + 16);
    put(&h, "\xd9\x30\x83\x05", 4); /* fnstenv [eax]; add dword, 28 */
    put32(&h, POINTERS + 16);
    put(&h, "\x1c\x81\x25", 3); /* and dword, ... */
    put32(&h, POINTERS + 16);
    put32(&h, LOG | LOG_MASK);
    put(&h, "\x83\x0d", 2); /* or dword [pte], 3; invlpg */
    put32(&h, TABLES + PAGE_SIZE + (DATA / PAGE_SIZE + 1) * 4);
    put(&h, "\x03\x0f\x01\x3d", 4);
    put32(&h, DATA + PAGE_SIZE);
    put(&h, "\x58\x83\xc4\x04\xcf", 5); /* pop eax; add esp, 4; iretd */
    cpu_bench_load(b, HANDLER, h.code->data, h.code->len);
    g_byte_array_unref(h.code);
}

static void no_difference(void *opaque, const char *report)
{
    g_error("%s", report);
}

static CpuBench *bench_new(const RandomCode *p)
{
    CpuBench *b = cpu_bench_new("max", RAM_SIZE);
    Vcpu *v = b->v;
    uint8_t *ram = b->ram->host;
    uint64_t *gdt = (uint64_t *)(ram + GDT);
    static const uint16_t selectors[S_COUNT] = {[S_ES] = 0x10, [S_CS] = 8, [S_SS] = 0x30, [S_DS] = 0x18, [S_FS] = 0x20, [S_GS] = 0x28};

    cpu_bench_start_flat(b, CODE, TABLES);
    for (int n = 0; n < S_COUNT; n++)
        v->seg[n].sel = selectors[n];
    v->seg[S_FS].base = 0x10;
    seg_derive(v, S_FS);
    for (unsigned n = 1; n < 7; n++)
        gdt[n] = n == 1 ? 0x00cf9b000000ffff : 0x00cf93000000ffff;
    uint64_t gate = (uint64_t)(HANDLER >> 16 << 16 | 0x8e00) << 32 | 8 << 16 | (HANDLER & 0xffff);
    memcpy(ram + IDT + 14 * 8, &gate, 8);
    uint16_t limits[2] = {7 * 8 - 1, 15 * 8 - 1};
    uint32_t bases[2] = {GDT, IDT}, log = LOG;
    for (unsigned n = 0; n < 2; n++) {
        memcpy(ram + POINTERS + 8 * n, &limits[n], 2);
        memcpy(ram + POINTERS + 8 * n + 2, &bases[n], 4);
    }
    memcpy(ram + POINTERS + 16, &log, 4);
    for (unsigned n = 0; n < 2 * PAGE_SIZE; n++)
        ram[DATA + n] = n * 0x9e3779b1u >> 24;
    v->gpr[R_SP].q = STACK;
    cpu_bench_load(b, CODE, p->code->data, p->code->len);
    put_handler(b);
    return b;
}

static void bench_free(CpuBench *b)
{
    if (b->v->tcache)
        tcache_free(b->v->tcache);
    cpu_bench_free(b);
}

static void assert_alike(const CpuBench *i, const CpuBench *t)
{
    const Fpu *a = &i->v->fpu, *b = &t->v->fpu;
    for (int n = 0; n < 8; n++)
        g_assert_cmphex(t->v->gpr[n].q, ==, i->v->gpr[n].q);
    g_assert_cmphex(t->v->rip, ==, i->v->rip);
    g_assert_cmphex(eflags_get(t->v), ==, eflags_get(i->v));
    g_assert_cmpuint(t->shutdowns, ==, i->shutdowns);
    g_assert_cmphex(b->fip, ==, a->fip);
    g_assert_cmphex(b->fop, ==, a->fop);
    g_assert_cmphex(b->fcs, ==, a->fcs);
    g_assert_cmphex(b->fdp, ==, a->fdp);
    g_assert_cmphex(b->fds, ==, a->fds);
    g_assert_cmpint(memcmp(b, a, sizeof *a), ==, 0);
    g_assert_cmpint(memcmp(t->ram->host + LOG, i->ram->host + LOG, LOG_MASK), ==, 0);
    g_assert_cmpint(memcmp(t->ram->host, i->ram->host, RAM_SIZE), ==, 0);
}

static void prepare(CpuBench *t, int way, uint32_t seed)
{
    g_autoptr(GError) error = NULL;
    tcache_new(t->v, TB_BYTES, &error);
    g_assert_no_error(error);
    if (way == 1)
        tcache_set_shadow(t->v->tcache, no_difference, NULL);
    else if (way == 3)
        tcache_set_chaos(t->v->tcache, seed + 1, false);
    else if (way == 4 && !tcache_set_window(t->v->tcache, TCACHE_WINDOW_ALL, 0, &error))
        g_test_message("no windows here: %s", error->message);
}

static void test_random(void)
{
    unsigned ended = 0, faults = 0;

    for (unsigned n = 0; n < PROGRAMS; n++) {
        RandomCode *p = program_new(n);
        CpuBench *i = bench_new(p);
        Exit exit = interp_run(i->v, BUDGET);
        uint32_t log;
        memcpy(&log, i->ram->host + POINTERS + 16, 4);
        ended += exit == EXIT_HALT && !i->shutdowns;
        faults += (log - LOG) / 28;
        for (int way = 0; way < 5 && exit != EXIT_BUDGET; way++) {
            CpuBench *t = bench_new(p);
            Exit other;
            prepare(t, way, n);
            do
                other = tcache_run(t->v, way == 2 ? 1 + any(p, 30) : 0);
            while (other == EXIT_BUDGET);
            g_assert_cmpint(other, ==, exit);
            assert_alike(i, t);
            bench_free(t);
        }
        bench_free(i);
        program_free(p);
    }
    g_test_message("%u ended by HLT; %u page faults", ended, faults);
    g_assert_cmpuint(ended, >, PROGRAMS / 2);
    g_assert_cmpuint(faults, >, PROGRAMS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/x87ptr/random", test_random);
    return g_test_run();
}

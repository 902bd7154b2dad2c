/* What the sweep allows to run directly (frontend/sweep.h), and what copies of code hold (frontend/codecopy.h). */

#include <glib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "frontend/codecopy.h"
#include "frontend/decode.h"
#include "frontend/sweep.h"

/* ---- the sweep ---- */

static const SweepRules rules = {.rdtsc_faults = true, .host_bmi1 = true, .host_lzcnt = true, .host_mm = true};

static bool sweep_bytes(const char *bytes, unsigned n, unsigned at)
{
    static uint8_t page[SWEEP_PAGE];
    SweepRules r = rules;
    Sweep s = {0};
    r.features = cpu_model_find("qemu32")->features;
    memset(page, 0x90, sizeof page);
    memcpy(page + at, bytes, n);
    return sweep_from(&s, &r, page, 0, 4);
}
#define SWEEP(bytes) sweep_bytes(bytes, sizeof(bytes) - 1, 100)

static void test_sweep_insns(void)
{
    /* arithmetic, strings, system calls, what traps, x87 */
    g_assert_true(SWEEP("\x01\xd8\x0f\xaf\xc3\xf3\xa5\xcd\x80\xf4\xfa\xd9\xe8\xde\xc1\x9c\x9d\x0f\x31"));
    g_assert_true(SWEEP("\x65\xa1\x14\x00\x00\x00")); /* mov gs:[14h], eax: through a segment */
    static const struct {
        const char *bytes;
        unsigned n;
    } refused[] = {
        {"\x8c\xd8", 2}, {"\x8e\xd8", 2}, {"\x1e", 1}, {"\x07", 1}, {"\x0f\xa8", 2}, {"\xc5\x06", 2}, {"\x0f\xb4\x06", 3},
        {"\xcf", 1}, {"\xcb", 1}, {"\xea\0\0\0\0\x33\0", 7}, {"\xff\x2e", 2}, {"\xff\x1e", 2}, {"\x0f\x01\x06", 3},
        {"\x0f\x01\x0e", 3}, {"\x0f\x01\xe0", 3}, {"\x0f\x00\xc0", 3}, {"\x0f\x00\xc8", 3}, {"\x0f\x02\xc1", 3},
        {"\x0f\x03\xc1", 3}, {"\x0f\x00\xe0", 3}, {"\x0f\xa2", 2}, {"\x0f\x34", 2}, {"\x0f\x05", 2}, {"\xf1", 1},
        {"\xd9\x36", 2}, {"\xdd\x36", 2}, {"\x0f\xae\x06", 3}, {"\x0f\x33", 2}, {"\x0f\xc7\xf0", 3}, /* rdrand */
        {"\x66\x0f\x38\x00\xc1", 5}, /* pshufb: this CPU has no SSSE3 */ {"\xc5\xf8\x77", 3}, /* vzeroupper */
        {"\x0f\x01\xd0", 3}, {"\x0f\x01\xf9", 3}, {"\xf3\x0f\xbd\xc1", 4}, {"\xf3\x0f\xbc\xc1\x74\x00", 6},
        {"\x0f\xae\x16", 3}, /* ldmxcsr */
        {"\xc8\x10\x00\x02", 4}, {"\x36\xc8\x10\x00\xff", 5}, /* enter 16, 2 */
    };
    for (unsigned n = 0; n < G_N_ELEMENTS(refused); n++)
        if (sweep_bytes(refused[n].bytes, refused[n].n, 100))
            g_error("refused instruction %u was allowed", n);
    g_assert_true(SWEEP("\xf3\x0f\xbc\xc1\x89\xca\x31\xc0")); /* f3 bsf, and ZF is written before it is read */
    g_assert_true(SWEEP("\xc7\xf8\0\0\0\0"));           /* xbegin, on a host without */
    g_assert_true(SWEEP("\xb8\x8c\xd8\x0f\xa2"));         /* in an immediate */
    g_assert_true(SWEEP("\xc8\x10\x00\x01"));             /* enter 16, 1 */
}

static void test_sweep_flow(void)
{
    /* a branch into the middle of what came in line: both are looked at */
    g_assert_false(SWEEP("\xeb\x01\xb8\x0f\xa2\x00\x00"));
    g_assert_false(SWEEP("\xc3\x0f\xa2")); /* behind a return */
    /* the last instruction: what can follow does not matter, or does */
    g_assert_true(sweep_bytes("\xb8\x01", 2, SWEEP_PAGE - 2));
    SweepRules r = rules;
    r.features = cpu_model_find("qemu32")->features;
    static uint8_t one[SWEEP_PAGE], two[SWEEP_PAGE];
    for (int bad = 0; bad < 2; bad++) {
        Sweep s = {0}, next = {0};
        memset(one, 0x90, sizeof one);
        memset(two, 0x90, sizeof two);
        one[SWEEP_PAGE - 1] = 0x0f;
        two[0] = bad ? 0xa2 : 0x31;
        g_assert_true(sweep_from(&s, &r, one, 0, 4));
        g_assert_cmphex(s.crosses, ==, 1 << 1);
        g_assert_true(sweep_pair(&s, &r, one, &next, two) == !bad);
        g_assert_true(bad || sweep_saw(&next, 1));
    }
    /* two streams of code that run over the edge; one ends in an operation that is allowed whatever its operands, which are on the next page */
    for (int bad = 0; bad < 2; bad++) {
        Sweep s = {0}, next = {0};
        memset(one, 0x90, sizeof one);
        memset(two, 0x90, sizeof two);
        memcpy(one + SWEEP_PAGE - 5, "\x66\xb8\xf2\x0f\xbb", 5);       /* mov ax, 0ff2h; mov ebx, ... */
        memcpy(two, bad ? "\xe2\x8c\xd8" : "\xe2\x90\x90", 3);         /* mov eax, ds */
        g_assert_true(sweep_from(&s, &r, one, 0, 4));
        g_assert_true(sweep_from(&s, &r, one, SWEEP_PAGE - 3, 4));        /* btc edx, esp */
        g_assert_cmphex(s.crosses, ==, 1 << 1 | 1 << 3);
        g_assert_true(sweep_pair(&s, &r, one, &next, two) == !bad);
    }
    /* before the first known instruction */
    Sweep s = {0};
    memset(one, 0x90, sizeof one);
    memcpy(one + 40, "\x0f\xa2", 2);
    g_assert_true(sweep_from(&s, &r, one, 100, 4));
    g_assert_false(sweep_head(&s, &r, one));
    g_assert_cmpuint(s.bad, ==, 40);
    /* the end of an instruction of the page before may look like a jump to anywhere; the page's own jumps count */
    for (int own = 0; own < 2; own++) {
        s = (Sweep){0};
        memset(one, 0x90, sizeof one);
        memcpy(one + (own ? 50 : 0), "\xeb\x1e", 2);
        memcpy(one + (own ? 81 : 31), "\xb8\x0f\xa2\x00\x00", 5);
        g_assert_true(sweep_from(&s, &r, one, 100, 4));
        g_assert_true(sweep_head(&s, &r, one) == !own);
        g_assert_false(sweep_saw(&s, 0));
        g_assert_true(sweep_saw(&s, 50));
    }
}

/* The quick table for common instructions says what the decoder says. */
static void test_sweep_lengths(void)
{
    GRand *rand = g_rand_new_with_seed(7);
    SweepRules r = rules;
    r.features = cpu_model_find("qemu32")->features;
    for (int n = 0; n < 200000; n++) {
        static uint8_t page[SWEEP_PAGE];
        Insn i;
        Sweep s = {0};
        for (unsigned k = 0; k < 32; k++)
            page[k] = g_rand_int(rand);
        page[0] = n;
        if (insn_decode(page, 15, 4, r.features, &i) != DECODE_OK || !sweep_allows(&r, i.row, i.rep == REP_F3)
            || i.row == ROW_ENTER) /* its last byte decides */
            continue;
        memset(page + i.len, 0xf1, SWEEP_PAGE - i.len); /* INT1 behind it: found at once, or the length was wrong */
        sweep_from(&s, &r, page, 0, 4);
        if (!s.refused || (s.bad != i.len && !(i.flags & INSN_ENDS_BLOCK)))
            g_error("length of %02x %02x %02x: %u, not %u", page[0], page[1], page[2], s.bad, i.len);
    }
    g_rand_free(rand);
}

/* ---- copies of code ---- */

static const uint8_t *copy_of(const char *bytes, unsigned n, unsigned at, bool exact, CodeCopy *c)
{
    static uint8_t page[SWEEP_PAGE], dst[SWEEP_PAGE];
    SweepRules r = rules;
    r.features = cpu_model_find("qemu32")->features;
    memset(page, 0x90, sizeof page);
    memcpy(page + 100, bytes, n);
    *c = (CodeCopy){.code_size = 4, .exact = exact};
    copy_extend(c, &r, page, at);
    copy_write(c, &r, page, NULL, NULL, 0, dst);
    return dst + 100;
}
#define COPY(bytes, at, exact, c) copy_of(bytes, sizeof(bytes) - 1, at, exact, c)

static void assert_copy(const uint8_t *got, const char *want, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        if (got[k] != (uint8_t)want[k])
            g_error("byte %u of the copy is %02x, expected %02x", k, got[k], (uint8_t)want[k]);
}
#define ASSERT_COPY(got, want) assert_copy(got, want, sizeof(want) - 1)

/* What may not run is HLT, what stands around it is there; the same for what is behind a return, by a guess. */
static void test_copy(void)
{
    CodeCopy c;
    ASSERT_COPY(COPY("\x01\xd8\x0f\xa2\x01\xd8\xcd\x80\x01\xd8\xc3\x0f\x01\x06\x40", 100, false, &c),
                "\x01\xd8\xf4\xf4\x01\xd8\xf4\xf4\x01\xd8\xc3\xf4\xf4\xf4");
    g_assert_true(c.at[102] & COPY_TRAP);
    g_assert_false(c.at[111] & COPY_TRAP); /* SGDT there is a guess */
    ASSERT_COPY(COPY("\x2e\xa1\x00\x10\x00\x00\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", 100, false, &c),
                "\xf4\xf4\xf4\xf4\xf4\xf4\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00"); /* a read through CS; a NOP */
    /* a jump into an immediate that begins with CPUID: neither stays, what follows does (ADD [EAX], AL) */
    ASSERT_COPY(COPY("\xeb\x01\xb8\x0f\xa2\x00\x00\x40", 100, false, &c), "\xeb\x01\xf4\xf4\xf4\x00\x00\x40");
}

/* Nobody jumps there that is known: only an exact copy leaves it out. A load of a selector is found out anyway. */
static void test_copy_exact(void)
{
    CodeCopy c;
    static const char hidden[] = "\x40\xb8\x0f\xa2\x90\x90\x83\xc4\x1c\x8b\x06\x40";
    ASSERT_COPY(COPY(hidden, 100, false, &c), hidden);
    ASSERT_COPY(COPY("\x8b\xc8\x40\x40\x42", 100, true, &c), "\x8b\xc8\x40\x40\x42"); /* enter 4040h, 2 within */
    ASSERT_COPY(COPY(hidden, 100, true, &c), "\x40\xf4\xf4\xf4\xf4\xf4\xf4\xf4\xf4\xf4\xf4\x40");
    /* Within the RET begins an ADD whose constant lies behind it, where nobody has been: it must not add HLTs. */
    static const char across[] = "\xc2\x81\xc0\x11\x22\x33\x44\x40", same[] = "\xc2\x81\xc0\xf4\xf4\xf4\xf4\x40";
    ASSERT_COPY(COPY(across, 100, false, &c), "\xc2\x81\xc0");
    ASSERT_COPY(COPY(across, 100, true, &c), "\xf4\xf4\xf4");
    ASSERT_COPY(COPY(same, 100, true, &c), "\xc2\x81\xc0");
}

/* Behind a jump lie data, and code that only an indirect jump leads to: it may begin in the last byte of what the data look like. */
static void test_copy_guess(void)
{
    static const char bytes[] = "\xeb\x10" /* jmp over */
                                "\xb8\x01\x02\x03" /* mov eax, imm32, it seems... */
                                "\x8b\x44\x24\x0c" /* ...but here is mov eax, [esp+0ch] */
                                "\x0f\xa2"; /* cpuid */
    CodeCopy c;
    const uint8_t *copy = copy_of(bytes, sizeof bytes - 1, 100, false, &c);
    g_assert_cmphex(copy[0], ==, 0xeb);
    g_assert_cmphex(copy[6], ==, 0xf4); /* nobody has been there */
}

/*
 * What lies behind a trap, or a call that does not return, or a jump that is always made, is perhaps no code, and code begins in the middle of it: a
 * JMP here that is the operand of an OR, it seems, and whose own operand is no code at all.
 */
static void test_copy_data(void)
{
    static const char *const before[] = {"\xcc", "\xe8\x10\x11\x11\x11", "\xff\x50\x05", "\x74\x02"};
    for (unsigned n = 0; n < G_N_ELEMENTS(before); n++) {
        uint8_t bytes[16] = {0x40}, *at = bytes + 1;
        unsigned len = strlen(before[n]);
        memcpy(at, before[n], len);
        memcpy(at + len, "\x09\xe9\x54\xfd\xff\xff", 6); /* a code that the handler skips; jmp */
        CodeCopy c;
        const uint8_t *copy = copy_of((char *)bytes, 1 + len + 6, 100, false, &c);
        assert_copy(copy, (char *)bytes, 1 + len);
        g_assert_cmphex(copy[1 + len], ==, 0xf4);
        g_assert_cmphex(copy[1 + len + 1], ==, 0xf4);
        copy = copy_of((char *)bytes, 1 + len + 6, 100 + 1 + len + 1, false, &c); /* execution came to the JMP */
        assert_copy(copy + 1 + len + 1, "\xe9\x54\xfd\xff\xff", 5);
    }
}

/* An instruction on two pages is in the copies when both are there, and it may run as the two have it. */
static void test_copy_pages(void)
{
    static uint8_t one[SWEEP_PAGE], two[SWEEP_PAGE], dst[SWEEP_PAGE];
    SweepRules r = rules;
    r.features = cpu_model_find("qemu32")->features;
    for (int bad = 0; bad < 2; bad++) {
        CodeCopy c = {.code_size = 4}, next = {.code_size = 4};
        memset(one, 0x90, sizeof one);
        memset(two, 0x90, sizeof two);
        one[SWEEP_PAGE - 1] = 0x0f;
        two[0] = bad ? 0xa2 : 0xc8; /* CPUID or BSWAP EAX */
        copy_extend(&c, &r, one, 0);
        g_assert_cmpuint(copy_write(&c, &r, one, NULL, NULL, 0, dst), ==, 0);
        g_assert_cmphex(dst[SWEEP_PAGE - 1], ==, 0xf4);
        g_assert_cmpuint(copy_write(&c, &r, one, &next, two, 0, dst), ==, !bad);
        g_assert_cmphex(dst[SWEEP_PAGE - 1], ==, bad ? 0xf4 : 0x0f);
        copy_write(&next, &r, two, NULL, NULL, !bad, dst);
        g_assert_cmphex(dst[0], ==, bad ? 0xf4 : 0xc8);
        g_assert_cmphex(dst[1], ==, 0xf4);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sweep/insns", test_sweep_insns);
    g_test_add_func("/sweep/flow", test_sweep_flow);
    g_test_add_func("/sweep/lengths", test_sweep_lengths);
    g_test_add_func("/copy/insns", test_copy);
    g_test_add_func("/copy/exact", test_copy_exact);
    g_test_add_func("/copy/guess", test_copy_guess);
    g_test_add_func("/copy/data", test_copy_data);
    g_test_add_func("/copy/pages", test_copy_pages);
    return g_test_run();
}

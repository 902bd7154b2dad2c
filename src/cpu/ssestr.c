/*
 * SSE4.2 string comparison: PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM. SDM 1 12.12 (SDM 2B 4.1)
 *
 * The immediate says what elements are (bits 1:0: bytes or words, signed), how they are compared (3:2), what becomes of
 * the comparison's bits (5:4: negate all, or those within the second string), and how the result is told (6).
 */
#include "cpu/handlers.h"
#include "cpu/simd.h"

enum { STR_EQUAL_ANY, STR_RANGES, STR_EQUAL_EACH, STR_EQUAL_ORDERED };

typedef struct StrCompare {
    unsigned count; /* elements in a register: 16 or 8 */
    unsigned len1, len2;
    unsigned bits;  /* the result, one bit per element of the second string */
} StrCompare;

static int element(const Xmm *x, unsigned imm, unsigned n)
{
    switch (imm & 3) {
    case 0: return x->b[n];
    case 1: return x->w[n];
    case 2: return (int8_t)x->b[n];
    default: return (int16_t)x->w[n];
    }
}

/* Implicit length: up to the first zero element. */
static unsigned implicit_length(const Xmm *x, unsigned imm, unsigned count)
{
    unsigned n = 0;
    while (n < count && element(x, imm, n))
        n++;
    return n;
}

/* Explicit length: a register's absolute value, saturated. */
static unsigned explicit_length(uint32_t reg, unsigned count)
{
    uint32_t n = (int32_t)reg < 0 ? -reg : reg;
    return MIN(n, count);
}

static bool compare_at(const StrCompare *c, const Xmm *a, const Xmm *b, unsigned imm, unsigned j)
{
    int x = element(b, imm, j);
    switch (imm >> 2 & 3) {
    case STR_EQUAL_ANY:
        for (unsigned n = 0; n < c->len1; n++) {
            if (j < c->len2 && element(a, imm, n) == x)
                return true;
        }
        return false;
    case STR_RANGES:
        for (unsigned n = 0; n + 1 < c->len1; n += 2) {
            if (j < c->len2 && element(a, imm, n) <= x && x <= element(a, imm, n + 1))
                return true;
        }
        return false;
    case STR_EQUAL_EACH:
        if (j >= c->len1 || j >= c->len2)
            return j >= c->len1 && j >= c->len2; /* both over: equal */
        return element(a, imm, j) == x;
    default:
        /* the first string as a substring at j, as far as the register goes */
        for (unsigned n = 0; n < c->len1 && j + n < c->count; n++) {
            if (j + n >= c->len2 || element(a, imm, n) != element(b, imm, j + n))
                return false;
        }
        return true;
    }
}

static StrCompare compare(Vcpu *v, const Insn *i, bool is_explicit, const Xmm *b)
{
    const Xmm *a = &v->fpu.xmm[i->reg];
    unsigned imm = i->imm2;
    StrCompare c = { .count = imm & 1 ? 8 : 16 };
    c.len1 = is_explicit ? explicit_length(v->gpr[R_AX].d, c.count) : implicit_length(a, imm, c.count);
    c.len2 = is_explicit ? explicit_length(v->gpr[R_DX].d, c.count) : implicit_length(b, imm, c.count);
    for (unsigned j = 0; j < c.count; j++)
        c.bits |= (unsigned)compare_at(&c, a, b, imm, j) << j;
    if (imm & 0x10)
        c.bits ^= imm & 0x20 ? (1u << c.len2) - 1 : (1u << c.count) - 1;
    return c;
}

static void set_flags(Vcpu *v, const StrCompare *c)
{
    v->cc = CC_1 | (c->bits ? CC_CF : 0) | (c->len2 < c->count ? CC_ZF : 0) | (c->len1 < c->count ? CC_SF : 0) |
        (c->bits & 1 ? CC_OF : 0);
}

/* The memory operand need not be aligned. */
static Xmm second_string(Vcpu *v, const Insn *i)
{
    Xmm b;
    simd_check_sse(v);
    _mm_store_si128((__m128i *)&b, i->flags & INSN_MEM ? simd_read128(v, i, false) : xmm_get(v, i->rm));
    return b;
}

/* To ECX: the index of the lowest (or, bit 6, highest) bit set, or the count of elements. */
static void string_index(Vcpu *v, const Insn *i, bool is_explicit)
{
    Xmm b = second_string(v, i);
    StrCompare c = compare(v, i, is_explicit, &b);
    if (!c.bits)
        v->gpr[R_CX].d = c.count;
    else
        v->gpr[R_CX].d = i->imm2 & 0x40 ? 31 - __builtin_clz(c.bits) : __builtin_ctz(c.bits);
    set_flags(v, &c);
}

/* To XMM0: the bits, or (bit 6) a mask of elements. */
static void string_mask(Vcpu *v, const Insn *i, bool is_explicit)
{
    Xmm b = second_string(v, i), *r = &v->fpu.xmm[0];
    StrCompare c = compare(v, i, is_explicit, &b);
    r->q[0] = r->q[1] = 0;
    if (!(i->imm2 & 0x40)) {
        r->q[0] = c.bits;
    } else {
        for (unsigned n = 0; n < c.count; n++) {
            if (!(c.bits >> n & 1))
                continue;
            if (c.count == 16)
                r->b[n] = 0xff;
            else
                r->w[n] = 0xffff;
        }
    }
    set_flags(v, &c);
}

void op_pcmpestri(Vcpu *v, const Insn *i)
{
    string_index(v, i, true);
}

void op_pcmpistri(Vcpu *v, const Insn *i)
{
    string_index(v, i, false);
}

void op_pcmpestrm(Vcpu *v, const Insn *i)
{
    string_mask(v, i, true);
}

void op_pcmpistrm(Vcpu *v, const Insn *i)
{
    string_mask(v, i, false);
}

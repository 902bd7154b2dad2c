/*
 * Packed integer instructions of MMX and of SSE2, which share mnemonics; SSSE3 has both forms too. SDM 1 9.4, 11.4.2
 *
 * An MMX operand is an XMM operand with zeroes above, so one host instruction serves both. Where elements move between
 * halves (packing, unpacking high, horizontal sums) the MMX form arranges its operands first.
 */
#include "cpu/handlers.h"
#include "cpu/simd.h"

/* Element by element: reg = reg op rm */
#define PACKED(name)                                                                                                   \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s;                                                                                                  \
        if (!packed_check(v, i))                                                                                       \
            return;                                                                                                    \
        s = packed_rm(v, i);                                                                                           \
        d = packed_reg(v, i);                                                                                          \
        __asm__(#name " %1, %0" : "+x"(d) : "x"(s));                                                                   \
        packed_set(v, i, i->reg, d);                                                                                   \
    }

PACKED(paddb)
PACKED(paddw)
PACKED(paddd)
PACKED(paddq)
PACKED(paddsb)
PACKED(paddsw)
PACKED(paddusb)
PACKED(paddusw)
PACKED(psubb)
PACKED(psubw)
PACKED(psubd)
PACKED(psubq)
PACKED(psubsb)
PACKED(psubsw)
PACKED(psubusb)
PACKED(psubusw)
PACKED(pmullw)
PACKED(pmulhw)
PACKED(pmulhuw)
PACKED(pmaddwd)
PACKED(pmuludq)
PACKED(psadbw)
PACKED(pavgb)
PACKED(pavgw)
PACKED(pmaxub)
PACKED(pmaxsw)
PACKED(pminub)
PACKED(pminsw)
PACKED(pcmpeqb)
PACKED(pcmpeqw)
PACKED(pcmpeqd)
PACKED(pcmpgtb)
PACKED(pcmpgtw)
PACKED(pcmpgtd)
PACKED(pand)
PACKED(pandn)
PACKED(por)
PACKED(pxor)

/* SSSE3 */
PACKED(pabsb)
PACKED(pabsw)
PACKED(pabsd)
PACKED(psignb)
PACKED(psignw)
PACKED(psignd)
PACKED(pmulhrsw)
PACKED(pmaddubsw)

/* The low halves interleaved: the result's low half is right for MMX as well. */
PACKED(punpcklbw)
PACKED(punpcklwd)
PACKED(punpckldq)

/* The high halves of MMX registers are the high half of the low halves' interleaving. */
#define PACKED_UNPACK_HIGH(high, low)                                                                                  \
    void op_##high(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s;                                                                                                  \
        if (!packed_check(v, i))                                                                                       \
            return;                                                                                                    \
        s = packed_rm(v, i);                                                                                           \
        d = packed_reg(v, i);                                                                                          \
        if (packed_is_xmm(i))                                                                                          \
            __asm__(#high " %1, %0" : "+x"(d) : "x"(s));                                                               \
        else                                                                                                           \
            __asm__(#low " %1, %0\n\tpsrldq $8, %0" : "+x"(d) : "x"(s));                                               \
        packed_set(v, i, i->reg, d);                                                                                   \
    }

PACKED_UNPACK_HIGH(punpckhbw, punpcklbw)
PACKED_UNPACK_HIGH(punpckhwd, punpcklwd)
PACKED_UNPACK_HIGH(punpckhdq, punpckldq)

/* Results made from all of reg, then all of rm: for MMX both go into one XMM register, combined with itself. */
#define PACKED_ACROSS(name)                                                                                            \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s;                                                                                                  \
        if (!packed_check(v, i))                                                                                       \
            return;                                                                                                    \
        s = packed_rm(v, i);                                                                                           \
        d = packed_reg(v, i);                                                                                          \
        if (!packed_is_xmm(i))                                                                                         \
            s = d = _mm_unpacklo_epi64(d, s);                                                                          \
        __asm__(#name " %1, %0" : "+x"(d) : "x"(s));                                                                   \
        packed_set(v, i, i->reg, d);                                                                                   \
    }

PACKED_ACROSS(packsswb)
PACKED_ACROSS(packssdw)
PACKED_ACROSS(packuswb)
PACKED_ACROSS(phaddw)
PACKED_ACROSS(phaddd)
PACKED_ACROSS(phaddsw)
PACKED_ACROSS(phsubw)
PACKED_ACROSS(phsubd)
PACKED_ACROSS(phsubsw)

/* Shifts: the count is the low quadword of a register or memory operand (reg is shifted), or an immediate (rm is). */
#define PACKED_SHIFT(name)                                                                                             \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        bool by_imm = (i->opcode & 0xfc) == 0x70;                                                                      \
        unsigned n = by_imm ? i->rm : i->reg;                                                                          \
        __m128i d, count;                                                                                              \
        if (!packed_check(v, i))                                                                                       \
            return;                                                                                                    \
        count = by_imm ? _mm_cvtsi32_si128((uint8_t)i->imm) : packed_rm(v, i);                                         \
        d = packed_is_xmm(i) ? xmm_get(v, n) : _mm_cvtsi64_si128(mmx_get(v, n));                                       \
        __asm__(#name " %1, %0" : "+x"(d) : "x"(count));                                                               \
        packed_set(v, i, n, d);                                                                                        \
    }

PACKED_SHIFT(psllw)
PACKED_SHIFT(pslld)
PACKED_SHIFT(psllq)
PACKED_SHIFT(psrlw)
PACKED_SHIFT(psrld)
PACKED_SHIFT(psrlq)
PACKED_SHIFT(psraw)
PACKED_SHIFT(psrad)

/* 16 of the 48 bytes at n (at most 32): whole-register byte shifts are windows on a longer string. */
static __m128i window(const __m128i bytes[3], unsigned n)
{
    return _mm_loadu_si128((const __m128i *)((const char *)bytes + n));
}

void op_pslldq(Vcpu *v, const Insn *i)
{
    unsigned n = MIN((uint8_t)i->imm, 16);
    __m128i zero = _mm_setzero_si128();
    simd_check_sse(v);
    xmm_set(v, i->rm, window((const __m128i[3]){ zero, xmm_get(v, i->rm), zero }, 16 - n));
}

void op_psrldq(Vcpu *v, const Insn *i)
{
    unsigned n = MIN((uint8_t)i->imm, 16);
    __m128i zero = _mm_setzero_si128();
    simd_check_sse(v);
    xmm_set(v, i->rm, window((const __m128i[3]){ xmm_get(v, i->rm), zero, zero }, n));
}

void op_palignr(Vcpu *v, const Insn *i)
{
    unsigned n = MIN((uint8_t)i->imm2, 32);
    __m128i d, s, zero = _mm_setzero_si128();
    if (!packed_check(v, i))
        return;
    s = packed_rm(v, i);
    d = packed_reg(v, i);
    if (packed_is_xmm(i))
        d = window((const __m128i[3]){ s, d, zero }, n);
    else
        d = window((const __m128i[3]){ _mm_unpacklo_epi64(s, d), zero, zero }, MIN(n, 16));
    packed_set(v, i, i->reg, d);
}

void op_pshufb(Vcpu *v, const Insn *i)
{
    __m128i d, s;
    if (!packed_check(v, i))
        return;
    s = packed_rm(v, i);
    d = packed_reg(v, i);
    if (!packed_is_xmm(i))
        s = _mm_and_si128(s, _mm_set1_epi8((char)0x87)); /* eight bytes to choose from */
    __asm__("pshufb %1, %0" : "+x"(d) : "x"(s));
    packed_set(v, i, i->reg, d);
}

/* ---- between vectors and general registers ---- */

void op_pmovmskb(Vcpu *v, const Insn *i)
{
    __m128i s;
    if (!packed_check(v, i))
        return;
    s = packed_rm(v, i);
    if (!packed_is_xmm(i))
        mmx_touch(v);
    v->gpr[i->reg].d = _mm_movemask_epi8(s);
}

/* 0F C5 (register forms only), and SSE4.1's 0F 3A 15 to a register or memory */
void op_pextrw(Vcpu *v, const Insn *i)
{
    Xmm s;
    if (!packed_check(v, i))
        return;
    if (i->opcode >> 8 == 0x3a) {
        uint16_t value = v->fpu.xmm[i->reg].w[i->imm2 & 7];
        if (!cpu_has(v, F_SSE41))
            fault_ud(v);
        if (i->flags & INSN_MEM)
            mem_write16(v, i->seg, insn_ea(v, i), value);
        else
            v->gpr[i->rm].d = value;
        return;
    }
    if (packed_is_xmm(i)) {
        v->gpr[i->reg].d = v->fpu.xmm[i->rm].w[i->imm2 & 7];
    } else {
        s.q[0] = mmx_get(v, i->rm);
        mmx_touch(v);
        v->gpr[i->reg].d = s.w[i->imm2 & 3];
    }
}

void op_pinsrw(Vcpu *v, const Insn *i)
{
    uint16_t value;
    Xmm d;
    if (!packed_check(v, i))
        return;
    value = i->flags & INSN_MEM ? mem_read16(v, i->seg, insn_ea(v, i)) : v->gpr[i->rm].w;
    if (packed_is_xmm(i)) {
        v->fpu.xmm[i->reg].w[i->imm2 & 7] = value;
    } else {
        d.q[0] = mmx_get(v, i->reg);
        d.w[i->imm2 & 3] = value;
        mmx_touch(v);
        mmx_set(v, i->reg, d.q[0]);
    }
}

/* ---- shuffles by immediate ---- */

static uint64_t shuffle_words(uint64_t x, unsigned order)
{
    uint64_t r = 0;
    for (unsigned n = 0; n < 4; n++, order >>= 2)
        r |= (x >> 16 * (order & 3) & 0xffff) << 16 * n;
    return r;
}

void op_pshufw(Vcpu *v, const Insn *i)
{
    uint64_t s;
    if (!simd_check_mmx(v))
        return;
    s = mmx_rm64(v, i);
    mmx_touch(v);
    mmx_set(v, i->reg, shuffle_words(s, i->imm2));
}

void op_pshuflw(Vcpu *v, const Insn *i)
{
    Xmm s;
    simd_check_sse(v);
    _mm_store_si128((__m128i *)&s, xmm_rm128(v, i));
    s.q[0] = shuffle_words(s.q[0], i->imm2);
    v->fpu.xmm[i->reg] = s;
}

void op_pshufhw(Vcpu *v, const Insn *i)
{
    Xmm s;
    simd_check_sse(v);
    _mm_store_si128((__m128i *)&s, xmm_rm128(v, i));
    s.q[1] = shuffle_words(s.q[1], i->imm2);
    v->fpu.xmm[i->reg] = s;
}

void op_pshufd(Vcpu *v, const Insn *i)
{
    Xmm s, d;
    simd_check_sse(v);
    _mm_store_si128((__m128i *)&s, xmm_rm128(v, i));
    for (unsigned n = 0; n < 4; n++)
        d.d[n] = s.d[i->imm2 >> 2 * n & 3];
    v->fpu.xmm[i->reg] = d;
}

/* ---- state ---- */

/* All registers empty; TOP 0 as after any MMX instruction. */
void op_emms(Vcpu *v, const Insn *i)
{
    if (!simd_check_mmx(v))
        return;
    v->fpu.top = 0;
    v->fpu.full = 0;
}

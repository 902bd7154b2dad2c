/*
 * SSE4.1 and SSE4.2 integer instructions, POPCNT, AES and carry-less multiplication. SDM 1 12.10, 12.13
 */
#include "cpu/handlers.h"
#include "cpu/simd.h"

/* reg = reg op rm */
#define SSE4_PLAIN(name)                                                                                               \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s;                                                                                                  \
        simd_check_sse(v);                                                                                             \
        s = xmm_rm128(v, i);                                                                                           \
        d = xmm_get(v, i->reg);                                                                                        \
        __asm__(#name " %1, %0" : "+x"(d) : "x"(s));                                                                   \
        xmm_set(v, i->reg, d);                                                                                         \
    }

SSE4_PLAIN(packusdw)
SSE4_PLAIN(pcmpeqq)
SSE4_PLAIN(pmaxsb)
SSE4_PLAIN(pmaxsd)
SSE4_PLAIN(pmaxud)
SSE4_PLAIN(pmaxuw)
SSE4_PLAIN(pminsb)
SSE4_PLAIN(pminsd)
SSE4_PLAIN(pminud)
SSE4_PLAIN(pminuw)
SSE4_PLAIN(pmuldq)
SSE4_PLAIN(pmulld)
SSE4_PLAIN(phminposuw)
SSE4_PLAIN(pcmpgtq)
SSE4_PLAIN(aesdec)
SSE4_PLAIN(aesdeclast)
SSE4_PLAIN(aesenc)
SSE4_PLAIN(aesenclast)
SSE4_PLAIN(aesimc)

/* Widening moves read 8, 4 or 2 bytes. */
static __m128i rm16(Vcpu *v, const Insn *i)
{
    return i->flags & INSN_MEM ? _mm_cvtsi32_si128(mem_read16(v, i->seg, insn_ea(v, i))) : xmm_get(v, i->rm);
}

#define SSE4_WIDEN(name, source)                                                                                       \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s;                                                                                                  \
        simd_check_sse(v);                                                                                             \
        s = source(v, i);                                                                                              \
        __asm__(#name " %1, %0" : "=x"(d) : "x"(s));                                                                   \
        xmm_set(v, i->reg, d);                                                                                         \
    }

SSE4_WIDEN(pmovsxbw, xmm_rm64)
SSE4_WIDEN(pmovsxbd, xmm_rm32)
SSE4_WIDEN(pmovsxbq, rm16)
SSE4_WIDEN(pmovsxwd, xmm_rm64)
SSE4_WIDEN(pmovsxwq, xmm_rm32)
SSE4_WIDEN(pmovsxdq, xmm_rm64)
SSE4_WIDEN(pmovzxbw, xmm_rm64)
SSE4_WIDEN(pmovzxbd, xmm_rm32)
SSE4_WIDEN(pmovzxbq, rm16)
SSE4_WIDEN(pmovzxwd, xmm_rm64)
SSE4_WIDEN(pmovzxwq, xmm_rm32)
SSE4_WIDEN(pmovzxdq, xmm_rm64)

/* ---- blends ---- */

/* Elements of the given size in bytes from rm where the immediate has a bit. */
static void blend(Vcpu *v, const Insn *i, unsigned size, unsigned bits)
{
    Xmm s;
    simd_check_sse(v);
    _mm_store_si128((__m128i *)&s, xmm_rm128(v, i));
    for (unsigned n = 0; n < 16 / size; n++) {
        if (bits >> n & 1)
            memcpy(&v->fpu.xmm[i->reg].b[n * size], &s.b[n * size], size);
    }
}

void op_blendps(Vcpu *v, const Insn *i)
{
    blend(v, i, 4, i->imm2);
}

void op_blendpd(Vcpu *v, const Insn *i)
{
    blend(v, i, 8, i->imm2);
}

void op_pblendw(Vcpu *v, const Insn *i)
{
    blend(v, i, 2, i->imm2);
}

/* By the sign bits of XMM0's elements. */
void op_blendvps(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    blend(v, i, 4, _mm_movemask_ps(_mm_castsi128_ps(xmm_get(v, 0))));
}

void op_blendvpd(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    blend(v, i, 8, _mm_movemask_pd(_mm_castsi128_pd(xmm_get(v, 0))));
}

void op_pblendvb(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    blend(v, i, 1, _mm_movemask_epi8(xmm_get(v, 0)));
}

/* ---- elements in and out ---- */

void op_pextrb(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    uint8_t value = v->fpu.xmm[i->reg].b[i->imm2 & 15];
    if (i->flags & INSN_MEM)
        mem_write8(v, i->seg, insn_ea(v, i), value);
    else
        v->gpr[i->rm].d = value;
}

/* PEXTRD, EXTRACTPS */
void op_pextrd(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    uint32_t value = v->fpu.xmm[i->reg].d[i->imm2 & 3];
    if (i->flags & INSN_MEM)
        mem_write32(v, i->seg, insn_ea(v, i), value);
    else
        v->gpr[i->rm].d = value;
}

void op_pinsrb(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    v->fpu.xmm[i->reg].b[i->imm2 & 15] = i->flags & INSN_MEM ? mem_read8(v, i->seg, insn_ea(v, i)) : v->gpr[i->rm].d;
}

void op_pinsrd(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    v->fpu.xmm[i->reg].d[i->imm2 & 3] = i->flags & INSN_MEM ? simd_read32(v, i) : v->gpr[i->rm].d;
}

/* Immediate: source element (registers only), destination element, mask of elements to clear. */
void op_insertps(Vcpu *v, const Insn *i)
{
    Xmm *d = &v->fpu.xmm[i->reg];
    uint32_t value;
    simd_check_sse(v);
    value = i->flags & INSN_MEM ? simd_read32(v, i) : v->fpu.xmm[i->rm].d[i->imm2 >> 6 & 3];
    d->d[i->imm2 >> 4 & 3] = value;
    for (unsigned n = 0; n < 4; n++) {
        if (i->imm2 >> n & 1)
            d->d[n] = 0;
    }
}

/* ---- comparisons and sums ---- */

/* ZF: rm & reg is 0; CF: rm & ~reg is 0 */
void op_ptest(Vcpu *v, const Insn *i)
{
    Xmm s, *d = &v->fpu.xmm[i->reg];
    simd_check_sse(v);
    _mm_store_si128((__m128i *)&s, xmm_rm128(v, i));
    v->cc = CC_1;
    if (!((s.q[0] & d->q[0]) | (s.q[1] & d->q[1])))
        v->cc |= CC_ZF;
    if (!((s.q[0] & ~d->q[0]) | (s.q[1] & ~d->q[1])))
        v->cc |= CC_CF;
}

/* Sums of absolute differences of one group of four bytes and eight overlapping ones. */
void op_mpsadbw(Vcpu *v, const Insn *i)
{
    unsigned source = (i->imm2 & 3) * 4, dest = (i->imm2 >> 2 & 1) * 4;
    Xmm s, d, r;
    simd_check_sse(v);
    _mm_store_si128((__m128i *)&s, xmm_rm128(v, i));
    d = v->fpu.xmm[i->reg];
    for (unsigned n = 0; n < 8; n++) {
        r.w[n] = 0;
        for (unsigned k = 0; k < 4; k++)
            r.w[n] += ABS(d.b[dest + n + k] - s.b[source + k]);
    }
    v->fpu.xmm[i->reg] = r;
}

/* ---- general registers ---- */

void op_popcnt(Vcpu *v, const Insn *i)
{
    uint32_t value;
    if (i->osize == 2)
        value = i->flags & INSN_MEM ? mem_read16(v, i->seg, insn_ea(v, i)) : v->gpr[i->rm].w;
    else
        value = i->flags & INSN_MEM ? mem_read32(v, i->seg, insn_ea(v, i)) : v->gpr[i->rm].d;
    v->cc = value ? CC_1 : CC_1 | CC_ZF;
    value = __builtin_popcount(value);
    if (i->osize == 2)
        v->gpr[i->reg].w = value;
    else
        v->gpr[i->reg].d = value;
}

/* 0F 38 F0 takes a byte, F1 a word or doubleword by operand size. The Castagnoli polynomial, bit-reflected. */
void op_crc32(Vcpu *v, const Insn *i)
{
    unsigned size = (i->opcode & 1) ? i->opsize : 1;
    uint32_t value, crc = v->gpr[i->reg].d;
    if (!(i->flags & INSN_MEM))
        value = size == 1 ? *(i->rm < 4 ? &v->gpr[i->rm].b.l : &v->gpr[i->rm & 3].b.h) : v->gpr[i->rm].d;
    else
        value = size == 1 ? mem_read8(v, i->seg, insn_ea(v, i)) : size == 2 ? mem_read16(v, i->seg, insn_ea(v, i))
            : mem_read32(v, i->seg, insn_ea(v, i));
    if (size == 1)
        __asm__("crc32b %b1, %0" : "+r"(crc) : "q"(value));
    else if (size == 2)
        __asm__("crc32w %w1, %0" : "+r"(crc) : "r"(value));
    else
        __asm__("crc32l %1, %0" : "+r"(crc) : "r"(value));
    v->gpr[i->reg].d = crc;
}

/* ---- cryptography ---- */

/* The immediate only enters by XOR, into the second and fourth doubleword. SDM 2A, AESKEYGENASSIST */
void op_aeskeygenassist(Vcpu *v, const Insn *i)
{
    uint8_t rcon = i->imm2;
    __m128i s, d;
    simd_check_sse(v);
    s = xmm_rm128(v, i);
    __asm__("aeskeygenassist $0, %1, %0" : "=x"(d) : "x"(s));
    xmm_set(v, i->reg, _mm_xor_si128(d, _mm_set_epi32(rcon, 0, rcon, 0)));
}

/* Bits 0 and 4 of the immediate choose the quadwords. */
void op_pclmulqdq(Vcpu *v, const Insn *i)
{
    __m128i d, s;
    simd_check_sse(v);
    s = xmm_rm128(v, i);
    d = xmm_get(v, i->reg);
    if (i->imm2 & 0x10)
        s = _mm_srli_si128(s, 8);
    if (i->imm2 & 1)
        d = _mm_srli_si128(d, 8);
    __asm__("pclmulqdq $0, %1, %0" : "+x"(d) : "x"(s));
    xmm_set(v, i->reg, d);
}

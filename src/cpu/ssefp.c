/*
 * SSE, SSE2, SSE3 and SSE4.1 floating-point arithmetic and comparison. SDM 1 10.4.1, 11.4.1
 */
#include "cpu/handlers.h"
#include "cpu/simd.h"

/* reg = reg op rm; source reads only as many bytes as the operation uses. */
#define SSE_ARITH(name, source, shape)                                                                                 \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s, r;                                                                                               \
        uint32_t in, out;                                                                                              \
        simd_check_sse(v);                                                                                             \
        s = source(v, i);                                                                                              \
        r = d = xmm_get(v, i->reg);                                                                                    \
        in = sse_fp_in(v);                                                                                             \
        SSE_FP_RUN(#name " %[s], %[d]", in, out, r, s);                                                                \
        sse_fp_out(v, out, shape, d, s);                                                                               \
        xmm_set(v, i->reg, r);                                                                                         \
    }

#define SSE_ARITH_ALL(name, layout, arith)                                                                             \
    SSE_ARITH(name##ps, xmm_rm128, FP_SHAPE(layout, arith, 4, 4))                                                      \
    SSE_ARITH(name##ss, xmm_rm32, FP_SHAPE(layout, arith, 4, 1))                                                       \
    SSE_ARITH(name##pd, xmm_rm128, FP_SHAPE(layout, arith, 8, 2))                                                      \
    SSE_ARITH(name##sd, xmm_rm64, FP_SHAPE(layout, arith, 8, 1))

SSE_ARITH_ALL(add, FP_LANES, FP_ADD)
SSE_ARITH_ALL(sub, FP_LANES, FP_SUB)
SSE_ARITH_ALL(mul, FP_LANES, FP_MUL)
SSE_ARITH_ALL(div, FP_LANES, FP_DIV)
SSE_ARITH_ALL(min, FP_OTHER, 0)
SSE_ARITH_ALL(max, FP_OTHER, 0)
SSE_ARITH_ALL(sqrt, FP_OTHER, 0)

SSE_ARITH(addsubps, xmm_rm128, FP_SHAPE(FP_ALTERNATE, 0, 4, 4))
SSE_ARITH(addsubpd, xmm_rm128, FP_SHAPE(FP_ALTERNATE, 0, 8, 2))
SSE_ARITH(haddps, xmm_rm128, FP_SHAPE(FP_HORIZONTAL, FP_ADD, 4, 4))
SSE_ARITH(haddpd, xmm_rm128, FP_SHAPE(FP_HORIZONTAL, FP_ADD, 8, 2))
SSE_ARITH(hsubps, xmm_rm128, FP_SHAPE(FP_HORIZONTAL, FP_SUB, 4, 4))
SSE_ARITH(hsubpd, xmm_rm128, FP_SHAPE(FP_HORIZONTAL, FP_SUB, 8, 2))

/* Approximations: no exceptions, no MXCSR but for the host's own reading of it. */
#define SSE_APPROX(name, source)                                                                                       \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s;                                                                                                  \
        uint32_t in, out;                                                                                              \
        simd_check_sse(v);                                                                                             \
        s = source(v, i);                                                                                              \
        d = xmm_get(v, i->reg);                                                                                        \
        in = v->fpu.mxcsr | MXCSR_MASKS;                                                                               \
        SSE_FP_RUN(#name " %[s], %[d]", in, out, d, s);                                                                \
        xmm_set(v, i->reg, d);                                                                                         \
    }

SSE_APPROX(rcpps, xmm_rm128)
SSE_APPROX(rcpss, xmm_rm32)
SSE_APPROX(rsqrtps, xmm_rm128)
SSE_APPROX(rsqrtss, xmm_rm32)

/* Predicates in an immediate: one host instruction each. Of eight bits, three count. */
#define SSE_CMP(name, source)                                                                                          \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s;                                                                                                  \
        uint32_t in, out;                                                                                              \
        simd_check_sse(v);                                                                                             \
        s = source(v, i);                                                                                              \
        d = xmm_get(v, i->reg);                                                                                        \
        in = sse_fp_in(v);                                                                                             \
        switch (i->imm2 & 7) {                                                                                         \
        case 0: SSE_FP_RUN(#name " $0, %[s], %[d]", in, out, d, s); break;                                             \
        case 1: SSE_FP_RUN(#name " $1, %[s], %[d]", in, out, d, s); break;                                             \
        case 2: SSE_FP_RUN(#name " $2, %[s], %[d]", in, out, d, s); break;                                             \
        case 3: SSE_FP_RUN(#name " $3, %[s], %[d]", in, out, d, s); break;                                             \
        case 4: SSE_FP_RUN(#name " $4, %[s], %[d]", in, out, d, s); break;                                             \
        case 5: SSE_FP_RUN(#name " $5, %[s], %[d]", in, out, d, s); break;                                             \
        case 6: SSE_FP_RUN(#name " $6, %[s], %[d]", in, out, d, s); break;                                             \
        default: SSE_FP_RUN(#name " $7, %[s], %[d]", in, out, d, s); break;                                            \
        }                                                                                                              \
        sse_fp_out(v, out, FP_SHAPE_OTHER, d, s);                                                                      \
        xmm_set(v, i->reg, d);                                                                                         \
    }

SSE_CMP(cmpps, xmm_rm128)
SSE_CMP(cmpss, xmm_rm32)
SSE_CMP(cmppd, xmm_rm128)
SSE_CMP(cmpsd, xmm_rm64)

/* ZF, PF, CF by the comparison; OF, SF, AF cleared: LAHF's byte is Vcpu.cc's high one. */
#define SSE_COMI(name, source)                                                                                         \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        static const uint32_t host_mxcsr = MXCSR_HOST;                                                                 \
        __m128i d, s;                                                                                                  \
        uint32_t in, out;                                                                                              \
        uint16_t cc;                                                                                                   \
        simd_check_sse(v);                                                                                             \
        s = source(v, i);                                                                                              \
        d = xmm_get(v, i->reg);                                                                                        \
        in = sse_fp_in(v);                                                                                             \
        __asm__ volatile("ldmxcsr %[in]\n\t" #name " %[s], %[d]\n\tlahf\n\tmovw %%ax, %[cc]\n\t"                       \
                         "stmxcsr %[out]\n\tldmxcsr %[host]"                                                           \
                         : [out] "=m"(out), [cc] "=m"(cc)                                                              \
                         : [d] "x"(d), [s] "x"(s), [in] "m"(in), [host] "m"(host_mxcsr)                                \
                         : "ax", "cc");                                                                                \
        sse_fp_out(v, out, FP_SHAPE_OTHER, d, s);                                                                      \
        v->cc = (cc & (CC_ZF | CC_PF | CC_CF)) | CC_1;                                                                 \
    }

SSE_COMI(comiss, xmm_rm32)
SSE_COMI(ucomiss, xmm_rm32)
SSE_COMI(comisd, xmm_rm64)
SSE_COMI(ucomisd, xmm_rm64)

/* ---- SSE4.1 ---- */

/*
 * The immediate's rounding mode is put into MXCSR, so that two host instructions serve: with and without the precision
 * exception. SDM 2B, ROUNDPS: bit 2 takes MXCSR's own mode, bit 3 suppresses.
 */
#define SSE_ROUND(name, source)                                                                                        \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s;                                                                                                  \
        uint32_t in, out;                                                                                              \
        simd_check_sse(v);                                                                                             \
        s = source(v, i);                                                                                              \
        d = xmm_get(v, i->reg);                                                                                        \
        in = sse_fp_in(v);                                                                                             \
        if (!(i->imm2 & 4))                                                                                            \
            in = (in & ~MXCSR_RC) | (i->imm2 & 3u) << MXCSR_RC_SHIFT;                                                  \
        if (i->imm2 & 8)                                                                                               \
            SSE_FP_RUN(#name " $12, %[s], %[d]", in, out, d, s);                                                       \
        else                                                                                                           \
            SSE_FP_RUN(#name " $4, %[s], %[d]", in, out, d, s);                                                        \
        out = (out & ~MXCSR_RC) | (v->fpu.mxcsr & MXCSR_RC);                                                           \
        sse_fp_out(v, out, FP_SHAPE_OTHER, d, s);                                                                      \
        xmm_set(v, i->reg, d);                                                                                         \
    }

SSE_ROUND(roundps, xmm_rm128)
SSE_ROUND(roundss, xmm_rm32)
SSE_ROUND(roundpd, xmm_rm128)
SSE_ROUND(roundsd, xmm_rm64)

/* An element per set bit kept, the others zeroed. */
static __m128i keep_singles(__m128i x, unsigned bits)
{
    return _mm_and_si128(x, _mm_set_epi32(-(int)(bits >> 3 & 1), -(int)(bits >> 2 & 1), -(int)(bits >> 1 & 1), -(int)(bits & 1)));
}
static __m128i keep_doubles(__m128i x, unsigned bits)
{
    return _mm_and_si128(x, _mm_set_epi64x(-(int64_t)(bits >> 1 & 1), -(int64_t)(bits & 1)));
}

/* Dot products: products that the immediate leaves out count as +0, as 0 * 0 does. */
#define SSE_DOT(name, keep, shape, all)                                                                                \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s, r;                                                                                               \
        uint32_t in, out;                                                                                              \
        simd_check_sse(v);                                                                                             \
        s = keep(xmm_rm128(v, i), i->imm2 >> 4);                                                                       \
        r = d = keep(xmm_get(v, i->reg), i->imm2 >> 4);                                                                \
        in = sse_fp_in(v);                                                                                             \
        SSE_FP_RUN(#name " $" all ", %[s], %[d]", in, out, r, s);                                                      \
        sse_fp_out(v, out, shape, d, s);                                                                               \
        xmm_set(v, i->reg, keep(r, i->imm2));                                                                          \
    }

SSE_DOT(dpps, keep_singles, FP_SHAPE(FP_DOT, 0, 4, 4), "0xff")
SSE_DOT(dppd, keep_doubles, FP_SHAPE(FP_DOT, 0, 8, 2), "0x33")

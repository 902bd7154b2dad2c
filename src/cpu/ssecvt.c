/*
 * SSE conversions between integers, singles and doubles. SDM 1 11.4.1.6
 *
 * The forms with MMX registers are the XMM instruction for the same elements, with zeroes in those not used: zero
 * converts exactly, so no exception can come from there.
 */
#include "cpu/handlers.h"
#include "cpu/simd.h"

#define SSE_CVT(name, source, shape)                                                                                   \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s;                                                                                                  \
        uint32_t in, out;                                                                                              \
        simd_check_sse(v);                                                                                             \
        s = source(v, i);                                                                                              \
        d = xmm_get(v, i->reg);                                                                                        \
        in = sse_fp_in(v);                                                                                             \
        SSE_FP_RUN(#name " %[s], %[d]", in, out, d, s);                                                                \
        sse_fp_out(v, out, shape, d, s);                                                                               \
        xmm_set(v, i->reg, d);                                                                                         \
    }

SSE_CVT(cvtdq2ps, xmm_rm128, FP_SHAPE_OTHER)
SSE_CVT(cvtdq2pd, xmm_rm64, FP_SHAPE_OTHER)
SSE_CVT(cvtps2dq, xmm_rm128, FP_SHAPE_OTHER)
SSE_CVT(cvttps2dq, xmm_rm128, FP_SHAPE_OTHER)
SSE_CVT(cvtpd2dq, xmm_rm128, FP_SHAPE_OTHER)
SSE_CVT(cvttpd2dq, xmm_rm128, FP_SHAPE_OTHER)
SSE_CVT(cvtps2pd, xmm_rm64, FP_SHAPE_OTHER)
SSE_CVT(cvtpd2ps, xmm_rm128, FP_SHAPE(FP_CONVERT, 0, 8, 2))
SSE_CVT(cvtss2sd, xmm_rm32, FP_SHAPE_OTHER)
SSE_CVT(cvtsd2ss, xmm_rm64, FP_SHAPE(FP_CONVERT, 0, 8, 1))

/* A general register or 32 bits of memory, to the low element. */
#define SSE_CVT_FROM_GPR(name)                                                                                         \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        uint32_t in, out, s;                                                                                           \
        __m128i d;                                                                                                     \
        simd_check_sse(v);                                                                                             \
        s = i->flags & INSN_MEM ? simd_read32(v, i) : v->gpr[i->rm].d;                                                 \
        d = xmm_get(v, i->reg);                                                                                        \
        in = sse_fp_in(v);                                                                                             \
        __asm__ volatile("ldmxcsr %[in]\n\t" #name "l %[s], %[d]\n\tstmxcsr %[out]\n\tldmxcsr %[host]"                 \
                         : [d] "+x"(d), [out] "=m"(out)                                                                \
                         : [s] "r"(s), [in] "m"(in), [host] "m"((uint32_t){ MXCSR_HOST }));                            \
        sse_fp_out(v, out, FP_SHAPE_OTHER, d, d);                                                                      \
        xmm_set(v, i->reg, d);                                                                                         \
    }

SSE_CVT_FROM_GPR(cvtsi2ss)
SSE_CVT_FROM_GPR(cvtsi2sd)

/* The low element to a general register. */
#define SSE_CVT_TO_GPR(name, source)                                                                                   \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        uint32_t in, out, d;                                                                                           \
        __m128i s;                                                                                                     \
        simd_check_sse(v);                                                                                             \
        s = source(v, i);                                                                                              \
        in = sse_fp_in(v);                                                                                             \
        __asm__ volatile("ldmxcsr %[in]\n\t" #name "l %[s], %[d]\n\tstmxcsr %[out]\n\tldmxcsr %[host]"                 \
                         : [d] "=&r"(d), [out] "=m"(out)                                                               \
                         : [s] "x"(s), [in] "m"(in), [host] "m"((uint32_t){ MXCSR_HOST }));                            \
        sse_fp_out(v, out, FP_SHAPE_OTHER, s, s);                                                                      \
        v->gpr[i->reg].d = d;                                                                                          \
    }

SSE_CVT_TO_GPR(cvtss2si, xmm_rm32)
SSE_CVT_TO_GPR(cvttss2si, xmm_rm32)
SSE_CVT_TO_GPR(cvtsd2si, xmm_rm64)
SSE_CVT_TO_GPR(cvttsd2si, xmm_rm64)

/* ---- with MMX registers ---- */

static __m128i low_half(__m128i x)
{
    return _mm_move_epi64(x);
}

/* An MMX register is touched before anything is computed; memory leaves the x87 state alone. SDM 2A, CVTPI2PD */
static uint64_t mmx_source(Vcpu *v, const Insn *i)
{
    if (i->flags & INSN_MEM)
        return simd_read64(v, i);
    mmx_touch(v);
    return mmx_get(v, i->rm);
}

/* Two integers to two singles: the low half of the XMM register. */
void op_cvtpi2ps(Vcpu *v, const Insn *i)
{
    __m128i d = _mm_setzero_si128(), s;
    uint32_t in, out;
    simd_check_sse(v);
    if (!(i->flags & INSN_MEM) && !simd_check_mmx(v))
        return;
    s = _mm_cvtsi64_si128(mmx_source(v, i));
    in = sse_fp_in(v);
    SSE_FP_RUN("cvtdq2ps %[s], %[d]", in, out, d, s);
    sse_fp_out(v, out, FP_SHAPE_OTHER, d, d);
    v->fpu.xmm[i->reg].q[0] = _mm_cvtsi128_si64(d);
}

/* Two integers to two doubles, always exact. */
void op_cvtpi2pd(Vcpu *v, const Insn *i)
{
    __m128i d, s;
    simd_check_sse(v);
    if (!(i->flags & INSN_MEM) && !simd_check_mmx(v))
        return;
    d = xmm_get(v, i->reg);
    s = _mm_cvtsi64_si128(mmx_source(v, i));
    __asm__("cvtdq2pd %1, %0" : "=x"(d) : "x"(s));
    xmm_set(v, i->reg, d);
}

#define SSE_CVT_TO_MMX(name, host, source)                                                                             \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d = _mm_setzero_si128(), s;                                                                            \
        uint32_t in, out;                                                                                              \
        simd_check_sse(v);                                                                                             \
        if (!simd_check_mmx(v))                                                                                        \
            return;                                                                                                    \
        s = source;                                                                                                    \
        mmx_touch(v); /* even when the conversion raises #XM */                                                        \
        in = sse_fp_in(v);                                                                                             \
        SSE_FP_RUN(host " %[s], %[d]", in, out, d, s);                                                                 \
        sse_fp_out(v, out, FP_SHAPE_OTHER, d, d);                                                                      \
        mmx_set(v, i->reg, _mm_cvtsi128_si64(d));                                                                      \
    }

SSE_CVT_TO_MMX(cvtps2pi, "cvtps2dq", low_half(xmm_rm64(v, i)))
SSE_CVT_TO_MMX(cvttps2pi, "cvttps2dq", low_half(xmm_rm64(v, i)))
SSE_CVT_TO_MMX(cvtpd2pi, "cvtpd2dq", xmm_rm128(v, i))
SSE_CVT_TO_MMX(cvttpd2pi, "cvttpd2dq", xmm_rm128(v, i))

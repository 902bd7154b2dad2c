/*
 * MMX and SSE internals: availability checks, operands, and running one instruction on the host's SSE unit.
 *
 * MMX works in the host's XMM registers too (a 64-bit operand with zeroes above): the results are the same, and the
 * host's x87 registers, which MMX shares, stay out of it.
 *
 * Floating point runs under the guest's MXCSR, so results, rounding and sticky flags are the host's own. SSE exceptions
 * strike at once, so when the guest has unmasked any, the instruction runs masked first and what would have struck is
 * found from the flags; see sse_fp_unmasked().
 */
#pragma once

#include <emmintrin.h>

#include "cpu/cpu.h"
#include "cpu/x87.h"

/* MXCSR, SDM 1 figure 10-3: flags as in the x87 status word, then DAZ, masks, RC, FZ */
#define MXCSR_FLAGS 0x003fu
#define MXCSR_DAZ 0x0040u
#define MXCSR_MASK_SHIFT 7
#define MXCSR_UM 0x0800u
#define MXCSR_RC 0x6000u
#define MXCSR_RC_SHIFT 13
#define MXCSR_FZ 0x8000u
#define MXCSR_HOST 0x1f80u /* what the System V ABI promises C code */

/* Bits of MXCSR that exist: DAZ came with SSE2. SDM 1 11.6.6 */
static inline uint32_t simd_mxcsr_mask(const Vcpu *v)
{
    return cpu_has(v, F_SSE2) ? 0xffff : 0xffbf;
}

/* SDM 3A 2.5, 13.1 */
static inline void simd_check_sse(Vcpu *v)
{
    if (G_UNLIKELY((v->cr0 & CR0_EM) || !(v->cr4 & CR4_OSFXSR)))
        fault_ud(v);
    if (G_UNLIKELY(v->cr0 & CR0_TS))
        fault_raise(v, VEC_NM);
    vcpu_fpu(v);
}

/* The same for MMX, which also waits for x87 exceptions: false when the handler must return at once. */
static inline bool simd_check_mmx(Vcpu *v)
{
    if (G_UNLIKELY(v->cr0 & (CR0_EM | CR0_TS)))
        fault_raise(v, v->cr0 & CR0_EM ? VEC_UD : VEC_NM);
    vcpu_fpu(v);
    if (G_UNLIKELY(v->fpu.sw & SW_ES))
        return x87_pending(v);
    return true;
}

/* Every MMX instruction but EMMS makes all registers valid and TOP 0. SDM 1 9.5.1 */
static inline void mmx_touch(Vcpu *v)
{
    v->fpu.top = 0;
    v->fpu.full = 0xff;
}
static inline void mmx_set(Vcpu *v, unsigned n, uint64_t value)
{
    v->fpu.reg[n & 7].mant = value;
    v->fpu.reg[n & 7].exp = 0xffff;
}
static inline uint64_t mmx_get(const Vcpu *v, unsigned n)
{
    return v->fpu.reg[n & 7].mant;
}

static inline __m128i xmm_get(const Vcpu *v, unsigned n)
{
    return _mm_load_si128((const __m128i *)&v->fpu.xmm[n]);
}
static inline void xmm_set(Vcpu *v, unsigned n, __m128i value)
{
    _mm_store_si128((__m128i *)&v->fpu.xmm[n], value);
}

/* 16 bytes of memory; aligned: #GP(0) unless the linear address is a multiple of 16. SDM 1 10.4.1.1 */
static inline __m128i simd_read128(Vcpu *v, const Insn *i, bool aligned)
{
    uint64_t ea = insn_ea(v, i);
    Gva addr;
    Hva host;
    __m128i value;
    if (G_UNLIKELY(aligned && ((v->seg[i->seg].base + ea) & 15))) /* before the limit: #GP, not #SS */
        fault_gp0(v);
    addr = seg_lin_read(v, i->seg, ea, 16);
    host = lin_read_fast(v, addr, 16, v->mmu_idx);
    if (G_LIKELY(host))
        return _mm_loadu_si128((const __m128i *)host);
    lin_read_block(v, addr, &value, 16, v->mmu_idx);
    return value;
}
static inline void simd_write128(Vcpu *v, const Insn *i, __m128i value, bool aligned)
{
    uint64_t ea = insn_ea(v, i);
    Gva addr;
    Hva host;
    if (G_UNLIKELY(aligned && ((v->seg[i->seg].base + ea) & 15)))
        fault_gp0(v);
    addr = seg_lin_write(v, i->seg, ea, 16);
    host = lin_write_fast(v, addr, 16, v->mmu_idx);
    if (G_LIKELY(host))
        _mm_storeu_si128((__m128i *)host, value);
    else
        lin_write_block(v, addr, &value, 16, v->mmu_idx);
}
static inline uint64_t simd_read64(Vcpu *v, const Insn *i)
{
    return mem_read64(v, i->seg, insn_ea(v, i));
}
static inline uint32_t simd_read32(Vcpu *v, const Insn *i)
{
    return mem_read32(v, i->seg, insn_ea(v, i));
}

/* The r/m operand as a vector: all of a register; memory of 16, 8 or 4 bytes with zeroes above. */
static inline __m128i xmm_rm128(Vcpu *v, const Insn *i)
{
    return i->flags & INSN_MEM ? simd_read128(v, i, true) : xmm_get(v, i->rm);
}
static inline __m128i xmm_rm64(Vcpu *v, const Insn *i)
{
    return i->flags & INSN_MEM ? _mm_cvtsi64_si128(simd_read64(v, i)) : xmm_get(v, i->rm);
}
static inline __m128i xmm_rm32(Vcpu *v, const Insn *i)
{
    return i->flags & INSN_MEM ? _mm_cvtsi32_si128(simd_read32(v, i)) : xmm_get(v, i->rm);
}
static inline uint64_t mmx_rm64(Vcpu *v, const Insn *i)
{
    if (!(i->flags & INSN_MEM))
        return mmx_get(v, i->rm);
    return i->msize == 4 ? simd_read32(v, i) : simd_read64(v, i); /* PUNPCKL's MMX forms read 32 bits */
}

/* ---- integer instructions that exist for MMX and XMM registers ---- */

static inline bool packed_is_xmm(const Insn *i)
{
    return i->flags & INSN_XMM;
}
/* Checks. False: return at once. The XMM forms of MMX and SSE mnemonics came with SSE2. */
static inline bool packed_check(Vcpu *v, const Insn *i)
{
    if (!packed_is_xmm(i))
        return simd_check_mmx(v);
    if (G_UNLIKELY(!cpu_has(v, F_SSE2)))
        fault_ud(v);
    simd_check_sse(v);
    return true;
}
static inline __m128i packed_reg(const Vcpu *v, const Insn *i)
{
    return packed_is_xmm(i) ? xmm_get(v, i->reg) : _mm_cvtsi64_si128(mmx_get(v, i->reg));
}
static inline __m128i packed_rm(Vcpu *v, const Insn *i)
{
    return packed_is_xmm(i) ? xmm_rm128(v, i) : _mm_cvtsi64_si128(mmx_rm64(v, i));
}
/* The result, to register n. */
static inline void packed_set(Vcpu *v, const Insn *i, unsigned n, __m128i value)
{
    if (packed_is_xmm(i)) {
        xmm_set(v, n, value);
    } else {
        mmx_touch(v);
        mmx_set(v, n, _mm_cvtsi128_si64(value));
    }
}

/* ---- floating point ---- */

/*
 * What an instruction computes, for those whose results can overflow or underflow: operation, bytes and number of
 * elements, and how they pair up. Looked at only when exceptions are unmasked.
 */
typedef enum FpArith { FP_ADD, FP_SUB, FP_MUL, FP_DIV } FpArith;
typedef enum FpLayout {
    FP_OTHER,      /* cannot overflow or underflow */
    FP_LANES,      /* d[n] op s[n] */
    FP_ALTERNATE,  /* subtract in even elements, add in odd ones */
    FP_HORIZONTAL, /* neighbours of d, then neighbours of s */
    FP_CONVERT,    /* doubles of s to singles */
    FP_DOT,        /* products, then sums of neighbours */
} FpLayout;
typedef struct FpShape {
    uint8_t layout, arith, bytes, count;
} FpShape;
#define FP_SHAPE(layout, arith, bytes, count) ((FpShape){ layout, arith, bytes, count })
#define FP_SHAPE_OTHER ((FpShape){ FP_OTHER, 0, 0, 0 })

/*
 * Some exceptions are unmasked, and the masked run of d op s left MXCSR as out: raise #XM (#UD without
 * CR4.OSXMMEXCPT) for what strikes, or take the flags over and return.
 */
void sse_fp_unmasked(Vcpu *v, uint32_t out, FpShape shape, __m128i d, __m128i s);

/* MXCSR to run under. */
static inline uint32_t sse_fp_in(const Vcpu *v)
{
    uint32_t m = v->fpu.mxcsr;
    if (G_LIKELY((m & MXCSR_MASKS) == MXCSR_MASKS))
        return m;
    if (!(m & MXCSR_UM))
        m &= ~MXCSR_FZ; /* flushing needs the underflow exception masked. SDM 1 10.2.3.3 */
    return (m | MXCSR_MASKS) & ~MXCSR_FLAGS;
}
/* After the run: flags, and #XM before anything is written. */
static inline void sse_fp_out(Vcpu *v, uint32_t out, FpShape shape, __m128i d, __m128i s)
{
    if (G_LIKELY((v->fpu.mxcsr & MXCSR_MASKS) == MXCSR_MASKS))
        v->fpu.mxcsr = out;
    else
        sse_fp_unmasked(v, out, shape, d, s);
}

/* Run text, which says %[d] and %[s], on vectors x and y. */
#define SSE_FP_RUN(text, mxcsr_in, mxcsr_out, x, y)                                                                    \
    do {                                                                                                               \
        static const uint32_t host_mxcsr = MXCSR_HOST;                                                                 \
        __asm__ volatile("ldmxcsr %[in]\n\t" text "\n\tstmxcsr %[out]\n\tldmxcsr %[host]"                              \
                         : [d] "+x"(x), [out] "=m"(mxcsr_out)                                                          \
                         : [s] "x"(y), [in] "m"(mxcsr_in), [host] "m"(host_mxcsr));                                    \
    } while (0)

/*
 * SSE arithmetic with unmasked exceptions: which strike, and what MXCSR shows then. SDM 1 11.5
 *
 * The instruction has run with everything masked. Three things differ from that when exceptions are not masked:
 *   - one found before computing (invalid, denormal, divide by zero) hides those found after, in all elements;
 *   - a tiny result is an underflow even when it is exact;
 *   - after an overflow or underflow that is not masked, the precision flag speaks of the result with an unbounded
 *     exponent. The x87 FPU computes that one: it has the same precisions, and 15 bits of exponent.
 * So each element is computed again, alone.
 */
#include "cpu/simd.h"

#define X87_CW_SINGLE 0x007fu /* all masked, precision control: 24 bits, 53 bits */
#define X87_CW_DOUBLE 0x027fu
#define X87_CW_RC_SHIFT 10

typedef struct Unit {
    uint32_t in;    /* MXCSR to run under */
    uint32_t masks; /* as flags */
    uint32_t flags; /* raised so far */
} Unit;

static bool is_single(FpShape shape)
{
    return shape.bytes == 4 || shape.layout == FP_CONVERT;
}

static bool is_denormal(uint64_t x, bool single)
{
    return single ? !(x & 0x7f800000u) && (x & 0x007fffffu) : !(x >> 52 & 0x7ff) && x << 12;
}

/* One element under MXCSR u->in: the result's bits. */
static uint64_t scalar_run(const Unit *u, FpShape shape, FpArith arith, uint64_t a, uint64_t b, uint32_t *out)
{
    __m128i d = _mm_cvtsi64_si128(a), s = _mm_cvtsi64_si128(b);
    uint32_t in = u->in;
    if (shape.layout == FP_CONVERT) {
        SSE_FP_RUN("cvtsd2ss %[d], %[d]", in, *out, d, s);
    } else if (shape.bytes == 4) {
        switch (arith) {
        case FP_ADD: SSE_FP_RUN("addss %[s], %[d]", in, *out, d, s); break;
        case FP_SUB: SSE_FP_RUN("subss %[s], %[d]", in, *out, d, s); break;
        case FP_MUL: SSE_FP_RUN("mulss %[s], %[d]", in, *out, d, s); break;
        default: SSE_FP_RUN("divss %[s], %[d]", in, *out, d, s); break;
        }
    } else {
        switch (arith) {
        case FP_ADD: SSE_FP_RUN("addsd %[s], %[d]", in, *out, d, s); break;
        case FP_SUB: SSE_FP_RUN("subsd %[s], %[d]", in, *out, d, s); break;
        case FP_MUL: SSE_FP_RUN("mulsd %[s], %[d]", in, *out, d, s); break;
        default: SSE_FP_RUN("divsd %[s], %[d]", in, *out, d, s); break;
        }
    }
    return is_single(shape) ? (uint32_t)_mm_cvtsi128_si32(d) : (uint64_t)_mm_cvtsi128_si64(d);
}

static void host_push(uint64_t x, bool single)
{
    if (single)
        __asm__ volatile("flds %0" : : "m"(x));
    else
        __asm__ volatile("fldl %0" : : "m"(x));
}

/* Is the result, rounded to its precision but with an exponent as wide as need be, inexact? Operands are finite. */
static bool unbounded_inexact(const Unit *u, FpShape shape, FpArith arith, uint64_t a, uint64_t b)
{
    static const uint16_t host_cw = X87_CW_HOST;
    bool single_operands = shape.bytes == 4;
    uint16_t cw = (is_single(shape) ? X87_CW_SINGLE : X87_CW_DOUBLE) |
        (u->in & MXCSR_RC) >> MXCSR_RC_SHIFT << X87_CW_RC_SHIFT, sw;
    __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(cw));
    if (shape.layout == FP_CONVERT)
        __asm__ volatile("fld1");
    else
        host_push(b, single_operands);
    host_push(a, single_operands);
    switch (shape.layout == FP_CONVERT ? FP_MUL : arith) {
    case FP_ADD: __asm__ volatile("fadd %st(1), %st"); break;
    case FP_SUB: __asm__ volatile("fsub %st(1), %st"); break;
    case FP_MUL: __asm__ volatile("fmul %st(1), %st"); break;
    default: __asm__ volatile("fdiv %st(1), %st"); break;
    }
    __asm__ volatile("fnstsw %0\n\tfstp %%st(0)\n\tfstp %%st(0)\n\tfldcw %1" : "=&a"(sw) : "m"(host_cw));
    return sw & SW_PE;
}

/* One element: its flags join u->flags, its masked result is returned. */
static uint64_t unit_run(Unit *u, FpShape shape, FpArith arith, uint64_t a, uint64_t b)
{
    uint32_t out, flags, wrong;
    uint64_t r = scalar_run(u, shape, arith, a, b, &out);
    flags = out & MXCSR_FLAGS;
    if (!(u->masks & SW_UE) && is_denormal(r, is_single(shape)))
        flags |= SW_UE;
    wrong = flags & ~u->masks & (SW_OE | SW_UE);
    if (wrong) {
        /* DAZ is the SSE unit's alone; a converted double's sign bit is elsewhere, but zero it is. */
        if ((u->in & MXCSR_DAZ) && is_denormal(a, shape.bytes == 4))
            a = 0;
        if ((u->in & MXCSR_DAZ) && is_denormal(b, shape.bytes == 4))
            b = 0;
        flags &= ~SW_PE;
        if (unbounded_inexact(u, shape, arith, a, b))
            flags |= SW_PE;
    }
    u->flags |= flags;
    return r;
}

static uint64_t element(const Xmm *x, FpShape shape, unsigned n)
{
    return shape.bytes == 4 ? x->d[n] : x->q[n];
}

/* Exceptions found before computing hide the others of the same step. */
static uint32_t step_flags(const Unit *u)
{
    return u->flags & ~u->masks & SW_PRE ? u->flags & SW_PRE : u->flags;
}

/*
 * All products, then sums of neighbours, until one is left: each a step of its own, and the next one is only reached when
 * nothing but an inexact result struck; after that, by experiment, only what strikes too is told.
 */
static void dot_run(Unit *u, FpShape shape, const Xmm *a, const Xmm *b)
{
    uint64_t t[4];
    uint32_t before;
    for (unsigned n = 0; n < shape.count; n++)
        t[n] = unit_run(u, shape, FP_MUL, element(a, shape, n), element(b, shape, n));
    u->flags = step_flags(u);
    for (unsigned count = shape.count; count > 1 && !(u->flags & ~u->masks & ~SW_PE); count /= 2) {
        before = u->flags;
        u->flags = 0;
        for (unsigned n = 0; n < count / 2; n++)
            t[n] = unit_run(u, shape, FP_ADD, t[2 * n], t[2 * n + 1]);
        u->flags = before | (step_flags(u) & ~(before & ~u->masks ? u->masks : 0));
    }
}

static void elements_run(Unit *u, FpShape shape, const Xmm *a, const Xmm *b)
{
    unsigned half = shape.count / 2;
    for (unsigned n = 0; n < shape.count; n++) {
        const Xmm *pair = n < half ? a : b;
        switch (shape.layout) {
        case FP_CONVERT:
            unit_run(u, shape, 0, b->q[n], 0);
            break;
        case FP_ALTERNATE:
            unit_run(u, shape, n & 1 ? FP_ADD : FP_SUB, element(a, shape, n), element(b, shape, n));
            break;
        case FP_HORIZONTAL:
            unit_run(u, shape, shape.arith, element(pair, shape, n % half * 2), element(pair, shape, n % half * 2 + 1));
            break;
        default:
            unit_run(u, shape, shape.arith, element(a, shape, n), element(b, shape, n));
            break;
        }
    }
}

void sse_fp_unmasked(Vcpu *v, uint32_t out, FpShape shape, __m128i d, __m128i s)
{
    Unit u = { .in = sse_fp_in(v), .masks = v->fpu.mxcsr >> MXCSR_MASK_SHIFT & MXCSR_FLAGS, .flags = out & MXCSR_FLAGS };
    if (shape.layout == FP_DOT || (shape.layout != FP_OTHER && (u.masks & (SW_OE | SW_UE)) != (SW_OE | SW_UE))) {
        Xmm a, b;
        _mm_store_si128((__m128i *)&a, d);
        _mm_store_si128((__m128i *)&b, s);
        u.flags = 0;
        if (shape.layout == FP_DOT)
            dot_run(&u, shape, &a, &b);
        else
            elements_run(&u, shape, &a, &b);
    }
    if (shape.layout == FP_DOT)
        u.flags &= out | ~SW_DE; /* some CPUs do not tell denormals between steps: the masked run knows */
    else
        u.flags = step_flags(&u);
    v->fpu.mxcsr |= u.flags;
    if (u.flags & ~u.masks)
        fault_raise(v, v->cr4 & CR4_OSXMMEXCPT ? VEC_XM : VEC_UD);
}

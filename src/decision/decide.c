/* The decision. See decide.h; the reasons for each line of host_can_express() are in docs/sandbox.md. */
#include "config.h"
#include "decision/decide.h"

#include "cpu/desc.h"
#include "decision/ldt.h"
#include "softmmu/mmu.h"

Decision decide_with(const Vcpu *v, unsigned shadowed)
{
    if (!(v->cr0 & CR0_PE))
        return DECIDE_REAL;
    if (v->flags & FL_VM)
        return DECIDE_V8086;
    if ((v->flags & FL_IOPL) >> 12 >= v->cpl)
        return DECIDE_IOPL;
    if (!(v->flags & FL_IF))
        return DECIDE_IF;
    if (~shadowed & ((1u << S_COUNT) - 1))
        return DECIDE_SEGMENT;
    return DECIDE_DIRECT;
}

static bool peek_desc(const Vcpu *v, uint16_t sel, Desc *d)
{
    uint64_t base = sel & SEL_TI ? v->ldtr.base : v->gdtr.base;
    uint32_t limit = sel & SEL_TI ? v->ldtr.limit : v->gdtr.limit;
    if (((sel & SEL_TI) && v->ldtr.null) || (sel | 7u) > limit)
        return false;
    d->sel = sel;
    d->addr = (base + (sel & ~7u)) & 0xffffffff;
    return mmu_peek(v, d->addr, &d->lo, 4) && mmu_peek(v, d->addr + 4, &d->hi, 4);
}

static bool seg_shadowed(const Vcpu *v, int seg)
{
    const Seg *s = &v->seg[seg];
    Desc d;
    if (s->null)
        return true;
    if (!peek_desc(v, s->sel, &d))
        return false;
    /* A reload sets the accessed bit, and the cache has it set already: it makes no difference. */
    return s->base == desc_base(&d) && s->limit == desc_limit(&d) && !((s->attr ^ desc_attr(&d)) & 0xf0ff & ~SEG_A);
}

unsigned decide_shadowed(const Vcpu *v)
{
    unsigned mask = 0;
    for (int seg = 0; seg < S_COUNT; seg++)
        if (seg_shadowed(v, seg))
            mask |= 1u << seg;
    return mask;
}

Decision decide(const Vcpu *v)
{
    /* The segments are the dear part: only where they decide. */
    Decision d = decide_with(v, ~0u);
    return d == DECIDE_DIRECT ? decide_with(v, decide_shadowed(v)) : d;
}

HostLack host_can_express(const Vcpu *v)
{
    if (v->flags & FL_VM)
        return HOST_LACKS_V8086;
    if (!(v->cr0 & CR0_PE) || v->cpl != 3)
        return HOST_LACKS_CPL;
    if ((v->flags & (FL_IOPL | FL_IF | FL_VIF | FL_VIP)) != FL_IF)
        return HOST_LACKS_FLAGS;
    if (v->flags & FL_TF)
        return HOST_LACKS_TF;
    if ((v->flags & FL_AC) && !(v->cr0 & CR0_AM))
        return HOST_LACKS_AC;
    if (v->dr[7] & 0xff)
        return HOST_LACKS_DEBUG;
    for (int seg = 0; seg < S_COUNT; seg++)
        if (!ldt_can_hold(&v->seg[seg], seg))
            return HOST_LACKS_SEGMENT;
    return HOST_LACKS_NOTHING;
}

uint64_t host_may_run(const Vcpu *v)
{
    static const uint64_t sse = 1ull << F_SSE | 1ull << F_SSE2 | 1ull << F_SSE3 | 1ull << F_SSSE3 | 1ull << F_SSE41 | 1ull << F_SSE42 |
                                1ull << F_AES | 1ull << F_PCLMUL;
    static const uint64_t x87 = 1ull << F_FPU | 1ull << F_MMX;
    uint64_t off = v->cr0 & (CR0_EM | CR0_TS) ? x87 | sse : v->cr4 & CR4_OSFXSR ? 0 : sse;
    return v->model->features & ~off;
}

const char *decision_name(Decision d)
{
    static const char *const names[DECIDE_COUNT] = {
        [DECIDE_DIRECT] = "direct",
        [DECIDE_V8086] = "V8086 mode",
        [DECIDE_REAL] = "real mode",
        [DECIDE_IOPL] = "CPL within IOPL",
        [DECIDE_IF] = "interrupts off",
        [DECIDE_SEGMENT] = "a segment unlike its descriptor",
    };
    return names[d];
}

const char *host_lack_name(HostLack l)
{
    static const char *const names[HOST_LACK_COUNT] = {
        [HOST_LACKS_NOTHING] = "nothing",
        [HOST_LACKS_V8086] = "V8086 mode",
        [HOST_LACKS_CPL] = "a CPL other than 3",
        [HOST_LACKS_FLAGS] = "IOPL, IF, VIF or VIP",
        [HOST_LACKS_TF] = "single-step",
        [HOST_LACKS_AC] = "EFLAGS.AC without CR0.AM",
        [HOST_LACKS_DEBUG] = "breakpoints in DR7",
        [HOST_LACKS_SEGMENT] = "such a segment",
        [HOST_LACKS_TIME] = "CR0.TS so soon again",
    };
    return names[l];
}

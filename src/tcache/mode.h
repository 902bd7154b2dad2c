/*
 * What code is translated under, and finding the block for it: inline, for the run loop and for lean.c.
 */
#pragma once

#include "tcache/internal.h"

/* Without MODE_SINGLE. */
static inline Mode mode_of(const TCache *c)
{
    const Vcpu *v = c->v;
    const Seg *cs = &v->seg[S_CS];
    unsigned wide = 0;
    Mode m = {
        .bits = (cs->attr & SEG_DB ? MODE_CODE32 : 0) | (v->cpl == 3 ? MODE_USER : 0) | v->mmu_idx << MODE_MMU_SHIFT |
                (v->sp_mask == 0xffffffff ? MODE_STACK32 : 0),
        .cs_base = cs->base, .cs_limit = cs->limit,
    };
    G_STATIC_ASSERT(SEG_FLAT == 1 && SEG_WIDE == 2);
#pragma GCC unroll 8 /* for shifts by constants: this is a third of what lean_next() takes */
    for (int n = 0; n < S_COUNT; n++) {
        unsigned open = v->seg[n].open;
        m.bits |= (open & SEG_FLAT) << (MODE_FLAT_SHIFT + n);
        wide |= (open >> 1) << (MODE_WIDE_SHIFT + n);
    }
    if (!(v->cr0 & (CR0_EM | CR0_TS)) && !v->fpu_away) {
        const Fpu *f = &v->fpu;
        if ((f->cw & SW_EXCEPTIONS) == SW_EXCEPTIONS && !(f->sw & SW_ES))
            m.bits |= MODE_FPU;
        if ((v->cr4 & CR4_OSFXSR) && cpu_has(v, F_SSE2) && (f->mxcsr & MXCSR_MASKS) == MXCSR_MASKS)
            m.bits |= MODE_SSE;
    }
    if (c->win && winform_now(c->win, v->mmu_idx))
        m.bits |= MODE_WINDOW | wide;
    return m;
}

static inline bool mode_is(const Mode *a, const Mode *b)
{
    return a->bits == b->bits && a->cs_base == b->cs_base && a->cs_limit == b->cs_limit;
}

/* Where m's number was found last, if it was. */
static inline uint16_t *mode_quick(TCache *c, const Mode *m)
{
    return &c->mode_quick[(m->bits ^ m->cs_base >> 4 ^ m->cs_base >> 12) * 0x9e3779b1u / (UINT32_MAX / MODE_QUICK + 1)];
}

/* Code of this mode is about to run. */
static inline void quick_mode(TCache *c, unsigned mode)
{
    c->v->quick_tag = c->quick_epoch | (uint64_t)mode << 32;
}

/* By the table of indirect jumps: executable code for CS:EIP in this mode, or NULL. Not while code pages are to be forgotten. */
static inline const void *code_in_table(TCache *c, unsigned mode)
{
    Vcpu *v = c->v;
    uint32_t eip = v->rip;
    const JumpSlot *s = chain_slot(c, eip);
    if (v->rip > UINT32_MAX || s->tag != chain_tag(eip, mode))
        return NULL;
    const FetchEntry *f = (const FetchEntry *)((const uint8_t *)v + s->fetch);
    if (*f != s->key)
        return NULL;
    quick_mode(c, mode);
    return s->code;
}

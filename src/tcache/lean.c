/*
 * Lean helpers: what translated code calls without giving up its vector registers.
 *
 * They do the plain cases of cpu/plain.h and go on with the next block, found as an indirect jump finds it, so that a system call, a page
 * fault's return or a segment load costs no trip to the run loop. Whatever is not plain they leave to the interpreter's handler, having
 * changed nothing.
 *
 * This file is compiled for general registers only: the guest's XMM registers and MXCSR may be in the host's. So nothing is called here
 * that is compiled otherwise.
 */
#include "tcache/lean.h"

#include "cpu/plain.h"
#include "tcache/mode.h"

/* The privilege level may have changed: what the run loop does about it. False: it is to do it itself. */
static inline bool cross(TCache *c)
{
    Vcpu *v = c->v;
    if (v->cpl == c->cpl)
        return true;
    if (v->crossing && !stretch_quiet(&v->stretch, v->cr3, v->cpl == 3, v->insns))
        return false;
    if (c->win && v->cpl == 3 && !winform_stretch_lean(c->win))
        return false;
    if (c->user_since != UINT64_MAX)
        winform_ran(c->win, v->insns - c->user_since);
    c->user_since = c->win && v->cpl == 3 ? v->insns : UINT64_MAX;
    c->cpl = v->cpl;
    return true;
}

/* Code for CS:rip; LEAN_LEAVE: that is the run loop's business. */
static inline const void *next(TCache *c)
{
    Vcpu *v = c->v;
    if (c->single || c->fetch_generation != v->tlb_generation || __atomic_load_n(&v->attention, __ATOMIC_RELAXED) || !cross(c))
        return LEAN_LEAVE;
    Mode m = mode_of(c);
    uint16_t *last = &c->mode_last[v->cpl == 3];
    if (G_UNLIKELY(!mode_is(&c->modes[*last], &m))) { /* the last one first: it is there before m is */
        unsigned quick = *mode_quick(c, &m);
        if (!mode_is(&c->modes[quick], &m))
            return LEAN_LEAVE;
        *last = quick;
    }
    if (c->win && !winform_enter_lean(c->win, v->mmu_idx))
        return LEAN_LEAVE;
    unsigned mode = *last;
    const QuickJump *q = chain_quick(c, v->rip);
    if (q->tag == (c->quick_epoch | (uint64_t)mode << 32 | v->rip)) {
        quick_mode(c, mode);
        return q->code;
    }
    const void *code = code_in_table(c, mode);
    if (!code)
        return LEAN_LEAVE;
    *chain_quick(c, v->rip) = (QuickJump){v->quick_tag | v->rip, code};
    return code;
}

const void *lean_next(Vcpu *v)
{
    return next(v->tcache);
}

unsigned lean_verw(Vcpu *v, unsigned unused, unsigned sel)
{
    TCache *c = v->tcache;
    if (!plain_verw(v, sel))
        return LEAN_REFUSED;
    c->stats.lean++;
    return LEAN_DONE;
}

unsigned lean_seg_load(Vcpu *v, unsigned seg, unsigned sel)
{
    TCache *c = v->tcache;
    unsigned open = v->seg[seg].open;
    if (!plain_seg_load(v, seg, sel))
        return LEAN_REFUSED;
    c->stats.lean++;
    return v->seg[seg].open == open ? LEAN_DONE : LEAN_MOVED;
}

/* The same behind an instruction, if it was plain. */
static inline const void *done(Vcpu *v, bool plain)
{
    TCache *c = v->tcache;
    c->stats.lean += plain;
    return plain ? next(c) : NULL;
}

const void *lean_sysenter(Vcpu *v, const Site *s, unsigned unused)
{
    return done(v, plain_sysenter(v));
}

const void *lean_sysexit(Vcpu *v, const Site *s, unsigned unused)
{
    return done(v, plain_sysexit(v));
}

const void *lean_iret(Vcpu *v, const Site *s, unsigned unused)
{
    bool resume;
    const void *code = done(v, plain_iret(v, &resume));
    TCache *c = v->tcache;
    if (code == LEAN_LEAVE && resume) {
        if (c->single) {
            v->flags |= FL_RF;
            vcpu_attention(v, ATTN_STEP);
        } else {
            c->resume = true;
        }
    }
    return code;
}

/* INT n. What a debugger or a trace listens to is the handler's. */
const void *lean_int(Vcpu *v, const Site *s, unsigned vector)
{
    if (v->hooks || v->log)
        return NULL;
    VcpuEvent event = {
        .vector = vector, .kind = EVENT_SOFT_INT, .flags = v->flags, .cs = v->seg[S_CS].sel, .ss = v->seg[S_SS].sel, .cpl = v->cpl,
        .rip = s->eip, .rsp = v->gpr[R_SP].q, .cr2 = v->cr2,
    };
    v->rip = s->eip + s->len;
    if (!plain_deliver(v, vector, true, NULL, eflags_get(v)))
        return NULL;
    v->event[v->event_count++ % VCPU_EVENTS] = event;
    return done(v, true);
}

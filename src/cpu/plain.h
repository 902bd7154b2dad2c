/*
 * The plain cases of what systems do all the time: loading a segment register, entering a handler through a gate and coming back,
 * SYSENTER and SYSEXIT. In protected mode with 32-bit gates and stacks, present segments that have been accessed before, and frames
 * of which no doubleword lies on two pages.
 *
 * Each is done as a whole, or refused with nothing changed: whatever is not in the TLB, would raise a fault, must set a bit in a descriptor,
 * changes EFLAGS in a way that has consequences, or is rare, is for seg.c, event.c, iret.c and sysenter.c. Nothing is called and no fault
 * is raised, so translated code may use these where it could not call C that needs vector registers (tcache/lean.c).
 */
#pragma once

#include "cpu/desc.h"
#include "cpu/eflags.h"

#define PLAIN_CODE (SEG_P | SEG_S | SEG_CODE | SEG_A)
#define PLAIN_STACK (SEG_P | SEG_S | SEG_W | SEG_A | SEG_DB)
#define PLAIN_STACK_MASK (PLAIN_STACK | SEG_CODE | SEG_E)

/* 8 bytes of a table. */
static inline bool plain_read(Vcpu *v, Gva addr, Desc *d)
{
    addr &= v->lin_mask;
    Hva p = lin_read_fast(v, addr, 8, MMU_SUPER);
    if (G_UNLIKELY(!p))
        return false;
    d->addr = addr;
    memcpy(&d->lo, p, 4);
    memcpy(&d->hi, p + 4, 4);
    return true;
}

static inline bool plain_desc(Vcpu *v, uint16_t sel, Desc *d)
{
    uint64_t base = v->gdtr.base, limit = v->gdtr.limit;
    if (!SEL_INDEX(sel))
        return false;
    if (sel & SEL_TI) {
        if (v->ldtr.null)
            return false;
        base = v->ldtr.base;
        limit = v->ldtr.limit;
    }
    d->sel = sel;
    return (sel | 7u) <= limit && plain_read(v, base + (sel & 0xfff8), d);
}

static inline void plain_fill(Seg *s, uint16_t sel, const Desc *d, bool is_cs)
{
    s->base = desc_base(d);
    s->limit = desc_limit(d);
    s->sel = sel;
    s->attr = desc_attr(d);
    s->null = false;
    seg_derive_protected(s, is_cs);
}

static inline void plain_set_null(Seg *s, uint16_t sel)
{
    s->sel = sel;
    s->null = true;
    seg_derive_protected(s, false);
}

static inline void plain_set_cpl(Vcpu *v, int cpl)
{
    v->cpl = cpl;
    v->mmu_idx = cpl != 3 ? MMU_SUPER : (v->cr0 & CR0_AM) && (v->flags & FL_AC) ? MMU_CHECK : MMU_USER;
}

/* seg_load() of DS, ES, FS or GS, in any mode. */
static inline bool plain_seg_load(Vcpu *v, int seg, uint16_t sel)
{
    Desc d;
    Seg *s = &v->seg[seg];
    if (vcpu_realish(v)) {
        seg_fill_real(v, s, sel);
        s->read_max = s->write_max = s->limit;
        s->open = seg_open(s, false);
        return true;
    }
    if (!SEL_INDEX(sel)) {
        plain_set_null(s, sel);
        return true;
    }
    if (!plain_desc(v, sel, &d))
        return false;
    unsigned attr = desc_attr(&d), dpl = desc_dpl(&d);
    if ((attr & (SEG_P | SEG_S | SEG_A)) != (SEG_P | SEG_S | SEG_A) || (attr & (SEG_CODE | SEG_E)) || SEL_RPL(sel) > dpl || v->cpl > dpl)
        return false;
    plain_fill(s, sel, &d, false);
    return true;
}

/* A code segment that is not conforming, for an entry at off. */
static inline bool plain_code(Vcpu *v, uint16_t sel, uint32_t off, Desc *d)
{
    return plain_desc(v, sel, d) && (desc_attr(d) & (PLAIN_CODE | SEG_C)) == PLAIN_CODE && off <= desc_limit(d);
}

/* A stack for privilege cpl. */
static inline bool plain_stack(Vcpu *v, uint16_t sel, unsigned cpl, Desc *d)
{
    return SEL_RPL(sel) == cpl && plain_desc(v, sel, d) && (desc_attr(d) & PLAIN_STACK_MASK) == PLAIN_STACK && desc_dpl(d) == cpl;
}

/* Doublewords on a stack, on one page or two. */
typedef struct PlainFrame {
    Hva low, high; /* what is on the first page and on the second */
    unsigned split; /* bytes on the first */
} PlainFrame;

static inline Hva plain_host(Vcpu *v, Gva addr, unsigned size, int idx, bool write)
{
    return write ? lin_write_fast(v, addr, size, idx) : lin_read_fast(v, addr, size, idx);
}

static inline bool plain_frame(Vcpu *v, PlainFrame *f, Gva addr, unsigned bytes, int idx, bool write)
{
    addr &= v->lin_mask;
    f->split = PAGE_SIZE - (addr & ~PAGE_MASK);
    f->high = NULL;
    if (G_LIKELY(f->split >= bytes))
        return (f->low = plain_host(v, addr, bytes, idx, write));
    return addr % 4 == 0 && (f->low = plain_host(v, addr, 4, idx, write)) &&
           (f->high = plain_host(v, (addr + f->split) & v->lin_mask, 4, idx, write));
}

static inline Hva plain_word(const PlainFrame *f, unsigned n)
{
    return n * 4 < f->split ? f->low + n * 4 : f->high + (n * 4 - f->split);
}
static inline void plain_put(const PlainFrame *f, unsigned n, uint32_t value)
{
    memcpy(plain_word(f, n), &value, 4);
}
static inline uint32_t plain_get(const PlainFrame *f, unsigned n)
{
    uint32_t value;
    memcpy(&value, plain_word(f, n), 4);
    return value;
}

/*
 * Enter the handler of a vector, as event.c's deliver() does: soft: by INT n; error: NULL, none is pushed; image: of EFLAGS, to be pushed.
 * SDM 3A 6.12.1
 */
static inline bool plain_deliver(Vcpu *v, int vector, bool soft, const uint32_t *error, uint32_t image)
{
    Desc gate, cs, ss;
    Seg stack;

    if (vcpu_realish(v) || vector * 8u + 7 > v->idtr.limit || !plain_read(v, v->idtr.base + vector * 8, &gate))
        return false;
    if ((desc_attr(&gate) & (SEG_P | SEG_S | 0xe)) != (SEG_P | DESC_INT_GATE32) || (soft && desc_dpl(&gate) < v->cpl))
        return false;
    uint16_t sel = gate_sel(&gate);
    uint32_t off = gate_offset(&gate);
    if (!plain_code(v, sel, off, &cs) || desc_dpl(&cs) > v->cpl)
        return false;
    unsigned cpl = desc_dpl(&cs), bytes = error ? 16 : 12;
    bool inner = cpl < v->cpl;
    uint64_t sp;
    int idx = v->mmu_idx;
    if (inner) {
        Desc slot; /* ESP and SS of that level in the TSS. SDM 3A figure 7-2 */
        if (!(v->tr.attr & 8) || 4 + 8 * cpl + 7 > v->tr.limit || !plain_read(v, v->tr.base + 4 + 8 * cpl, &slot) ||
            !plain_stack(v, slot.hi, cpl, &ss))
            return false;
        plain_fill(&stack, slot.hi, &ss, false);
        sp = slot.lo;
        idx = MMU_SUPER;
        bytes += 8;
    } else {
        if (v->sp_mask != 0xffffffff)
            return false;
        stack = v->seg[S_SS];
        sp = v->gpr[R_SP].d;
    }
    if (sp < bytes || (int64_t)(sp - 1) > stack.write_max)
        return false;
    PlainFrame f;
    if (!plain_frame(v, &f, stack.base + sp - bytes, bytes, idx, true))
        return false;

    unsigned n = 0;
    if (error)
        plain_put(&f, n++, *error);
    plain_put(&f, n, v->rip);
    plain_put(&f, n + 1, v->seg[S_CS].sel);
    plain_put(&f, n + 2, image);
    if (inner) {
        plain_put(&f, n + 3, v->gpr[R_SP].d);
        plain_put(&f, n + 4, v->seg[S_SS].sel);
        v->seg[S_SS] = stack;
        v->sp_mask = 0xffffffff;
    }
    v->flags &= ~(FL_TF | FL_NT | FL_RF | FL_VM | (desc_type(&gate) & 1 ? 0 : FL_IF));
    v->halted = false;
    v->shadow = 0;
    plain_fill(&v->seg[S_CS], SEL_INDEX(sel) | cpl, &cs, true);
    if (v->cpl != cpl)
        plain_set_cpl(v, cpl);
    v->gpr[R_SP].d = sp - bytes;
    v->rip = off;
    return true;
}

/*
 * IRET with 32-bit operands, to the same level or an outer one. *resume: RF is to be set, which matters to what comes before the next
 * instruction only; the caller does it, or runs that instruction. SDM 2A "IRET", 3B 17.3.1.1
 */
static inline bool plain_iret(Vcpu *v, bool *resume)
{
    const uint32_t followed = FL_ARITH | FL_DF | FL_ID | FL_IF | FL_IOPL; /* changes that need nothing else to be done */
    const Seg *ss = &v->seg[S_SS];
    uint64_t sp = v->gpr[R_SP].d;
    Desc cs, stack;
    PlainFrame f;

    if (vcpu_realish(v) || (v->flags & (FL_NT | FL_TF | FL_RF)) || v->nmi_blocked || v->sp_mask != 0xffffffff ||
        (int64_t)(sp + 11) > ss->read_max)
        return false;
    if (!plain_frame(v, &f, ss->base + sp, 12, v->mmu_idx, false))
        return false;
    uint32_t off = plain_get(&f, 0), image = plain_get(&f, 2);
    uint16_t sel = plain_get(&f, 1);
    unsigned rpl = SEL_RPL(sel);
    uint32_t mask = FL_ARITH | FL_TF | FL_DF | FL_NT | FL_AC | FL_ID | FL_RF | (v->cpl <= (v->flags & FL_IOPL) >> 12 ? FL_IF : 0) |
                    (v->cpl == 0 ? FL_IOPL | FL_VM | FL_VIF | FL_VIP : 0);
    uint32_t old = eflags_get(v), changed = (old ^ image) & mask;
    *resume = (changed & FL_RF) && !(v->dr[7] & 0xff);
    if (*resume)
        changed &= ~FL_RF;
    bool waiting = __atomic_load_n(&v->intr, __ATOMIC_ACQUIRE) | __atomic_load_n(&v->nmi, __ATOMIC_ACQUIRE);
    if ((changed & ~followed) || ((changed & image & FL_IF) && waiting))
        return false;
    if (rpl < v->cpl || !plain_code(v, sel, off, &cs) || desc_dpl(&cs) != rpl)
        return false;
    if (rpl != v->cpl) {
        if ((int64_t)(sp + 19) > ss->read_max || !plain_frame(v, &f, ss->base + sp, 20, v->mmu_idx, false))
            return false;
        uint32_t outer = plain_get(&f, 3);
        uint16_t outer_ss = plain_get(&f, 4);
        if (!plain_stack(v, outer_ss, rpl, &stack))
            return false;
        plain_fill(&v->seg[S_SS], outer_ss, &stack, false);
        v->gpr[R_SP].d = outer;
    } else {
        v->gpr[R_SP].d = sp + 12;
    }
    eflags_set_raw(v, old ^ changed);
    plain_fill(&v->seg[S_CS], sel, &cs, true);
    if (rpl != v->cpl) {
        static const uint8_t data[] = {S_ES, S_DS, S_FS, S_GS};
        plain_set_cpl(v, rpl);
        for (unsigned n = 0; n < G_N_ELEMENTS(data); n++) { /* seg_drop_inner() */
            Seg *s = &v->seg[data[n]];
            bool conforming = (s->attr & (SEG_CODE | SEG_C)) == (SEG_CODE | SEG_C);
            if (!s->null && !conforming && (s->attr & SEG_DPL) >> SEG_DPL_SHIFT < rpl)
                plain_set_null(s, 0);
        }
    }
    v->rip = off;
    return true;
}

/* VERW. False: the handler is to do it. SDM 2B "VERR/VERW" */
static inline bool plain_verw(Vcpu *v, uint16_t sel)
{
    Desc d;
    bool may = false;
    if (vcpu_realish(v))
        return false;
    if (SEL_INDEX(sel)) {
        if (!plain_desc(v, sel, &d))
            return false;
        may = desc_is_writable(&d) && v->cpl <= desc_dpl(&d) && SEL_RPL(sel) <= desc_dpl(&d);
    }
    v->cc = may ? v->cc | CC_ZF : v->cc & ~CC_ZF;
    return true;
}

#define PLAIN_FLAT (SEG_P | SEG_S | SEG_A | SEG_DB | SEG_G)

/* CS and SS as SYSENTER and SYSEXIT leave them. */
static inline void plain_flat_pair(Vcpu *v, uint16_t cs, uint16_t ss, unsigned dpl)
{
    v->seg[S_CS] = (Seg){.limit = 0xffffffff, .sel = cs, .attr = PLAIN_FLAT | SEG_CODE | SEG_R | dpl << SEG_DPL_SHIFT};
    v->seg[S_SS] = (Seg){.limit = 0xffffffff, .sel = ss, .attr = PLAIN_FLAT | SEG_W | dpl << SEG_DPL_SHIFT};
    seg_derive_protected(&v->seg[S_CS], true);
    seg_derive_protected(&v->seg[S_SS], false);
    v->sp_mask = 0xffffffff;
    plain_set_cpl(v, dpl);
}

/* SDM 2B "SYSENTER" */
static inline bool plain_sysenter(Vcpu *v)
{
    uint16_t sel = SEL_INDEX(v->msr.sysenter_cs);
    if (vcpu_realish(v) || !sel)
        return false;
    v->flags &= ~(FL_IF | FL_RF);
    plain_flat_pair(v, sel, sel + 8, 0);
    v->gpr[R_SP].d = v->msr.sysenter_esp;
    v->rip = (uint32_t)v->msr.sysenter_eip;
    return true;
}

/* SDM 2B "SYSEXIT" */
static inline bool plain_sysexit(Vcpu *v)
{
    uint16_t sel = SEL_INDEX(v->msr.sysenter_cs);
    if (vcpu_realish(v) || v->cpl != 0 || !sel)
        return false;
    plain_flat_pair(v, (sel + 16) | 3, (sel + 24) | 3, 3);
    v->gpr[R_SP].d = v->gpr[R_CX].d;
    v->rip = v->gpr[R_DX].d;
    return true;
}

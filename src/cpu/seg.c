/*
 * Segment registers: descriptors, the caches made of them, and loading them.
 *
 * In protected mode a load reads a descriptor and checks it. In V8086 mode every cache is rebuilt. In real mode a load
 * changes the base only: limit and size stay what they were, which is what "big real" programs rely on.
 */
#include "cpu/desc.h"
#include "softmmu/mmu.h"

bool seg_covers(const Seg *s, uint64_t off, unsigned size)
{
    uint64_t last = off + size - 1;
    if ((s->attr & (SEG_S | SEG_CODE | SEG_E)) == (SEG_S | SEG_E)) /* SDM 3A 5.3: valid offsets lie above the limit */
        return off > s->limit && last <= (s->attr & SEG_DB ? 0xffffffffu : 0xffffu);
    return last <= s->limit;
}

void seg_derive(Vcpu *v, int seg)
{
    Seg *s = &v->seg[seg];
    if (vcpu_realish(v)) { /* types are not looked at */
        s->read_max = s->write_max = s->limit;
        if ((s->attr & (SEG_S | SEG_CODE | SEG_E)) == (SEG_S | SEG_E) && !vcpu_v86(v))
            s->read_max = s->write_max = -1;
        s->open = seg_open(s, seg == S_CS);
    } else {
        seg_derive_protected(s, seg == S_CS);
    }
    if (seg == S_SS)
        v->sp_mask = s->attr & SEG_DB ? 0xffffffff : 0xffff;
}

void cpu_set_cpl(Vcpu *v, int cpl)
{
    v->cpl = cpl;
    mmu_update_idx(v);
}

bool desc_read(Vcpu *v, uint16_t sel, Desc *d)
{
    uint64_t base = v->gdtr.base, limit = v->gdtr.limit;
    if (sel & SEL_TI) {
        if (v->ldtr.null)
            return false;
        base = v->ldtr.base;
        limit = v->ldtr.limit;
    }
    if ((sel | 7u) > limit)
        return false;
    d->addr = (base + (sel & 0xfff8)) & v->lin_mask;
    uint64_t raw = sys_read64(v, d->addr);
    d->lo = raw;
    d->hi = raw >> 32;
    d->sel = sel;
    return true;
}

void desc_set_accessed(Vcpu *v, Desc *d)
{
    if (d->hi & SEG_A << 8)
        return;
    d->hi |= SEG_A << 8;
    sys_write8(v, d->addr + 5, d->hi >> 8);
}

void seg_fill(Seg *s, uint16_t sel, const Desc *d)
{
    s->base = desc_base(d);
    s->limit = desc_limit(d);
    s->sel = sel;
    s->attr = desc_attr(d);
    s->null = false;
}

void seg_set(Vcpu *v, int seg, uint16_t sel, const Desc *d)
{
    seg_fill(&v->seg[seg], sel, d);
    seg_derive(v, seg);
}

void seg_set_null(Vcpu *v, int seg, uint16_t sel)
{
    v->seg[seg].sel = sel;
    v->seg[seg].null = true;
    seg_derive(v, seg);
}

void seg_set_cs(Vcpu *v, uint16_t sel, const Desc *d, int cpl)
{
    seg_set(v, S_CS, SEL_INDEX(sel) | cpl, d);
    if (v->cpl != cpl)
        cpu_set_cpl(v, cpl);
}

void seg_set_real(Vcpu *v, int seg, uint16_t sel)
{
    seg_fill_real(v, &v->seg[seg], sel);
    seg_derive(v, seg);
}

/* SDM 2B "MOV": loading SS. */
static void seg_load_ss(Vcpu *v, uint16_t sel)
{
    Desc d;
    if (!SEL_INDEX(sel))
        fault_gp0(v);
    if (!desc_read(v, sel, &d) || SEL_RPL(sel) != v->cpl || !desc_is_writable(&d) || desc_dpl(&d) != v->cpl)
        fault_raise_error(v, VEC_GP, SEL_INDEX(sel));
    if (!desc_present(&d))
        fault_raise_error(v, VEC_SS, SEL_INDEX(sel));
    desc_set_accessed(v, &d);
    seg_set(v, S_SS, sel, &d);
}

void seg_load(Vcpu *v, int seg, uint16_t sel)
{
    if (vcpu_realish(v)) {
        seg_set_real(v, seg, sel);
        return;
    }
    if (seg == S_SS) {
        seg_load_ss(v, sel);
        return;
    }
    if (!SEL_INDEX(sel)) {
        seg_set_null(v, seg, sel);
        return;
    }
    Desc d;
    if (!desc_read(v, sel, &d) || !desc_is_readable(&d))
        fault_raise_error(v, VEC_GP, SEL_INDEX(sel));
    if (!desc_is_conforming(&d) && (SEL_RPL(sel) > desc_dpl(&d) || v->cpl > desc_dpl(&d)))
        fault_raise_error(v, VEC_GP, SEL_INDEX(sel));
    if (!desc_present(&d))
        fault_raise_error(v, VEC_NP, SEL_INDEX(sel));
    desc_set_accessed(v, &d);
    seg_set(v, seg, sel, &d);
}

void desc_check_code(Vcpu *v, const Desc *d, unsigned rpl, unsigned cpl)
{
    if (!desc_is_code(d))
        fault_raise_error(v, VEC_GP, SEL_INDEX(d->sel));
    if (desc_is_conforming(d) ? desc_dpl(d) > cpl : rpl > cpl || desc_dpl(d) != cpl)
        fault_raise_error(v, VEC_GP, SEL_INDEX(d->sel));
    if (!desc_present(d))
        fault_raise_error(v, VEC_NP, SEL_INDEX(d->sel));
}

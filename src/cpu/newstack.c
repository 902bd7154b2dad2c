/* Frames for transfers between privilege levels. */
#include "cpu/newstack.h"
#include "cpu/stack.h"

void stack_inner(Vcpu *v, Stack *s, unsigned cpl, unsigned ext)
{
    bool wide = v->tr.attr & 8; /* 32-bit TSS */
    uint32_t off = wide ? 4 + 8 * cpl : 2 + 4 * cpl;
    uint32_t sp;
    uint16_t sel;
    Desc d;

    if (off + (wide ? 5 : 3) > v->tr.limit)
        fault_raise_error(v, VEC_TS, SEL_INDEX(v->tr.sel) | ext);
    if (wide) {
        sp = sys_read32(v, v->tr.base + off);
        sel = sys_read16(v, v->tr.base + off + 4);
    } else {
        sp = sys_read16(v, v->tr.base + off);
        sel = sys_read16(v, v->tr.base + off + 2);
    }
    if (!SEL_INDEX(sel))
        fault_raise_error(v, VEC_TS, ext);
    if (!desc_read(v, sel, &d) || SEL_RPL(sel) != cpl || desc_dpl(&d) != cpl || !desc_is_writable(&d))
        fault_raise_error(v, VEC_TS, SEL_INDEX(sel) | ext);
    if (!desc_present(&d))
        fault_raise_error(v, VEC_SS, SEL_INDEX(sel) | ext);
    desc_set_accessed(v, &d);
    seg_fill(&s->seg, sel, &d);
    s->mask = s->seg.attr & SEG_DB ? 0xffffffff : 0xffff;
    s->sp = sp;
    s->idx = MMU_SUPER; /* cpl is below 3 always */
    s->error = SEL_INDEX(sel) | ext;
    s->inner = true;
}

void stack_push(Vcpu *v, Stack *s, uint32_t value, unsigned size)
{
    uint64_t sp = (s->sp - size) & s->mask;
    if (!seg_covers(&s->seg, sp, size))
        fault_raise_error(v, VEC_SS, s->error);
    Gva addr = (s->seg.base + sp) & v->lin_mask;
    if (size == 2)
        idx_write16(v, addr, value, s->idx);
    else
        idx_write32(v, addr, value, s->idx);
    s->sp = sp;
}

void stack_commit(Vcpu *v, const Stack *s)
{
    if (s->inner) {
        v->seg[S_SS] = s->seg;
        seg_derive(v, S_SS);
        v->gpr[R_SP].d = (s->mask == 0xffff ? v->gpr[R_SP].d & 0xffff0000 : 0) | s->sp;
    } else {
        sp_set(v, s->sp);
    }
}

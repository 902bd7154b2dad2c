/*
 * Far transfers: JMP, CALL and RET with a new CS.
 *
 * In real and V8086 mode CS is a paragraph number. In protected mode the selector may name a code segment, a call gate,
 * a task gate or a TSS (SDM 3A 5.8, 7.3). Everything that can fault is done before any register changes.
 */
#include "cpu/handlers.h"
#include "cpu/newstack.h"
#include "cpu/stack.h"
#include "cpu/task.h"

static void far_real(Vcpu *v, uint16_t sel, uint64_t off)
{
    if (off > v->seg[S_CS].limit)
        fault_gp0(v);
    seg_set_real(v, S_CS, sel);
    v->rip = off;
}

static void check_limit(Vcpu *v, const Desc *d, uint64_t off)
{
    if (off > desc_limit(d))
        fault_gp0(v);
}

static void read_or_gp(Vcpu *v, uint16_t sel, Desc *d)
{
    if (!SEL_INDEX(sel))
        fault_gp0(v);
    if (!desc_read(v, sel, d))
        fault_raise_error(v, VEC_GP, SEL_INDEX(sel));
}

/* SDM 3A 5.8.4: both CPL and the gate selector's RPL must reach the gate's DPL. */
static void check_gate(Vcpu *v, const Desc *gate)
{
    if (desc_dpl(gate) < v->cpl || desc_dpl(gate) < SEL_RPL(gate->sel))
        fault_raise_error(v, VEC_GP, SEL_INDEX(gate->sel));
    if (!desc_present(gate))
        fault_raise_error(v, VEC_NP, SEL_INDEX(gate->sel));
}

/* JMP or CALL to a TSS or through a task gate. SDM 3A 7.3 */
static void far_task(Vcpu *v, const Desc *d, TaskSource source)
{
    Desc tss = *d;
    if (desc_type(d) == DESC_TASK_GATE) {
        check_gate(v, d);
        task_read_tss(v, gate_sel(d), &tss, VEC_GP, 0);
    } else {
        if (d->sel & SEL_TI)
            fault_raise_error(v, VEC_GP, SEL_INDEX(d->sel));
        check_gate(v, d);
    }
    task_switch(v, &tss, source, 0, NULL);
}

/* The code segment behind a call gate. */
static void read_gate_target(Vcpu *v, const Desc *gate, Desc *cs)
{
    read_or_gp(v, gate_sel(gate), cs);
    if (!desc_is_code(cs) || desc_dpl(cs) > v->cpl)
        fault_raise_error(v, VEC_GP, SEL_INDEX(cs->sel));
}

static void jump_gate(Vcpu *v, const Desc *gate)
{
    Desc cs;
    check_gate(v, gate);
    read_gate_target(v, gate, &cs);
    if (!desc_is_conforming(&cs) && desc_dpl(&cs) != v->cpl) /* JMP cannot change the privilege level */
        fault_raise_error(v, VEC_GP, SEL_INDEX(cs.sel));
    if (!desc_present(&cs))
        fault_raise_error(v, VEC_NP, SEL_INDEX(cs.sel));
    check_limit(v, &cs, gate_offset(gate));
    desc_set_accessed(v, &cs);
    seg_set_cs(v, cs.sel, &cs, v->cpl);
    v->rip = gate_offset(gate);
}

/* Is this a descriptor for the far transfer's special cases? Else it must be a code segment. */
static bool is_tss_or_task_gate(const Desc *d)
{
    unsigned type = desc_type(d);
    return !desc_is_segment(d) && (type == DESC_TASK_GATE || type == DESC_TSS16 || type == DESC_TSS32);
}
static bool is_call_gate(const Desc *d)
{
    return !desc_is_segment(d) && (desc_type(d) == DESC_CALL_GATE16 || desc_type(d) == DESC_CALL_GATE32);
}

void far_jump(Vcpu *v, uint16_t sel, uint64_t off, unsigned opsize)
{
    Desc d;
    if (opsize == 2)
        off &= 0xffff;
    if (vcpu_realish(v)) {
        far_real(v, sel, off);
        return;
    }
    read_or_gp(v, sel, &d);
    if (is_tss_or_task_gate(&d)) {
        far_task(v, &d, TASK_JUMP);
    } else if (is_call_gate(&d)) {
        jump_gate(v, &d);
    } else {
        desc_check_code(v, &d, SEL_RPL(sel), v->cpl);
        check_limit(v, &d, off);
        desc_set_accessed(v, &d);
        seg_set_cs(v, sel, &d, v->cpl);
        v->rip = off;
    }
}

/* A call gate to more privilege: a stack from the TSS, and the parameters copied over. SDM 3A 5.8.5 */
static void call_gate_inner(Vcpu *v, const Desc *gate, Desc *cs)
{
    unsigned size = gate_is32(gate) ? 4 : 2;
    unsigned count = gate->hi & 31;
    uint32_t param[31];
    Stack st;

    stack_inner(v, &st, desc_dpl(cs), 0);
    check_limit(v, cs, gate_offset(gate));
    for (unsigned n = 0; n < count; n++)
        param[n] = size == 4 ? stack_peek32(v, n * 4) : stack_peek16(v, n * 2);
    stack_push(v, &st, v->seg[S_SS].sel, size);
    stack_push(v, &st, v->gpr[R_SP].d, size);
    while (count--)
        stack_push(v, &st, param[count], size);
    stack_push(v, &st, v->seg[S_CS].sel, size);
    stack_push(v, &st, v->rip, size);
    desc_set_accessed(v, cs);
    seg_set_cs(v, cs->sel, cs, desc_dpl(cs));
    stack_commit(v, &st);
    v->rip = gate_offset(gate);
}

static void call_gate(Vcpu *v, const Desc *gate)
{
    unsigned size = gate_is32(gate) ? 4 : 2;
    Desc cs;
    Stack st;

    check_gate(v, gate);
    read_gate_target(v, gate, &cs);
    if (!desc_present(&cs))
        fault_raise_error(v, VEC_NP, SEL_INDEX(cs.sel));
    if (!desc_is_conforming(&cs) && desc_dpl(&cs) < v->cpl) {
        call_gate_inner(v, gate, &cs);
        return;
    }
    check_limit(v, &cs, gate_offset(gate));
    stack_current(v, &st, 0);
    stack_push(v, &st, v->seg[S_CS].sel, size);
    stack_push(v, &st, v->rip, size);
    desc_set_accessed(v, &cs);
    seg_set_cs(v, cs.sel, &cs, v->cpl);
    stack_commit(v, &st);
    v->rip = gate_offset(gate);
}

void far_call(Vcpu *v, uint16_t sel, uint64_t off, unsigned opsize)
{
    Stack st;
    Desc d;

    if (opsize == 2)
        off &= 0xffff;
    stack_current(v, &st, 0);
    if (vcpu_realish(v)) {
        if (off > v->seg[S_CS].limit)
            fault_gp0(v);
        stack_push(v, &st, v->seg[S_CS].sel, opsize);
        stack_push(v, &st, v->rip, opsize);
        stack_commit(v, &st);
        far_real(v, sel, off);
        return;
    }
    read_or_gp(v, sel, &d);
    if (is_tss_or_task_gate(&d)) {
        far_task(v, &d, TASK_CALL);
    } else if (is_call_gate(&d)) {
        call_gate(v, &d);
    } else {
        desc_check_code(v, &d, SEL_RPL(sel), v->cpl);
        check_limit(v, &d, off);
        stack_push(v, &st, v->seg[S_CS].sel, opsize);
        stack_push(v, &st, v->rip, opsize);
        desc_set_accessed(v, &d);
        seg_set_cs(v, sel, &d, v->cpl);
        stack_commit(v, &st);
        v->rip = off;
    }
}

void seg_drop_inner(Vcpu *v)
{
    static const uint8_t data_segs[] = { S_ES, S_DS, S_FS, S_GS };
    for (unsigned n = 0; n < G_N_ELEMENTS(data_segs); n++) {
        const Seg *s = &v->seg[data_segs[n]];
        bool conforming = (s->attr & (SEG_CODE | SEG_C)) == (SEG_CODE | SEG_C);
        if (!s->null && !conforming && (s->attr & SEG_DPL) >> SEG_DPL_SHIFT < v->cpl)
            seg_set_null(v, data_segs[n], 0);
    }
}

void far_return_check(Vcpu *v, uint16_t sel, Desc *cs)
{
    unsigned rpl = SEL_RPL(sel);
    read_or_gp(v, sel, cs);
    if (!desc_is_code(cs) || rpl < v->cpl || (desc_is_conforming(cs) ? desc_dpl(cs) > rpl : desc_dpl(cs) != rpl))
        fault_raise_error(v, VEC_GP, SEL_INDEX(sel));
    if (!desc_present(cs))
        fault_raise_error(v, VEC_NP, SEL_INDEX(sel));
}

void far_return_check_stack(Vcpu *v, uint16_t sel, unsigned cpl, Desc *ss)
{
    read_or_gp(v, sel, ss);
    if (SEL_RPL(sel) != cpl || desc_dpl(ss) != cpl || !desc_is_writable(ss))
        fault_raise_error(v, VEC_GP, SEL_INDEX(sel));
    if (!desc_present(ss))
        fault_raise_error(v, VEC_SS, SEL_INDEX(sel));
}

void far_return_outer(Vcpu *v, uint32_t off, Desc *cs, uint32_t sp, Desc *ss)
{
    int cpl = SEL_RPL(cs->sel);
    if (off > desc_limit(cs))
        fault_gp0(v);
    desc_set_accessed(v, cs);
    desc_set_accessed(v, ss);
    seg_set_cs(v, cs->sel, cs, cpl);
    seg_set(v, S_SS, ss->sel, ss);
    if (v->sp_mask == 0xffff)
        v->gpr[R_SP].w = sp;
    else
        v->gpr[R_SP].d = sp;
    v->rip = off;
    seg_drop_inner(v);
}

static uint32_t stack_peek(Vcpu *v, unsigned skip, unsigned size)
{
    return size == 4 ? stack_peek32(v, skip) : stack_peek16(v, skip);
}

void far_return(Vcpu *v, unsigned opsize, uint16_t extra_bytes)
{
    uint32_t off = stack_peek(v, 0, opsize);
    uint16_t sel = stack_peek(v, opsize, opsize); /* all of the slot is read */
    Desc cs, ss;

    if (vcpu_realish(v)) {
        far_real(v, sel, off);
        stack_drop(v, 2 * opsize + extra_bytes);
        return;
    }
    far_return_check(v, sel, &cs);
    if (SEL_RPL(sel) == v->cpl) {
        check_limit(v, &cs, off);
        desc_set_accessed(v, &cs);
        seg_set_cs(v, sel, &cs, v->cpl);
        stack_drop(v, 2 * opsize + extra_bytes);
        v->rip = off;
        return;
    }
    uint32_t sp = stack_peek(v, 2 * opsize + extra_bytes, opsize);
    uint16_t ss_sel = stack_peek(v, 3 * opsize + extra_bytes, opsize);
    far_return_check_stack(v, ss_sel, SEL_RPL(sel), &ss);
    far_return_outer(v, off, &cs, sp + extra_bytes, &ss);
}

/* The far pointer operand: immediate, or offset and selector in memory. */
static uint16_t operand(Vcpu *v, const Insn *i, uint32_t *off)
{
    if (!(i->flags & INSN_MEM)) {
        *off = i->imm;
        return i->imm2;
    }
    uint64_t ea = insn_ea(v, i);
    *off = i->opsize == 2 ? mem_read16(v, i->seg, ea) : mem_read32(v, i->seg, ea);
    return mem_read16(v, i->seg, (ea + i->opsize) & i->amask);
}

void op_jmp_far(Vcpu *v, const Insn *i)
{
    uint32_t off;
    uint16_t sel = operand(v, i, &off);
    far_jump(v, sel, off, i->opsize);
}

void op_call_far(Vcpu *v, const Insn *i)
{
    uint32_t off;
    uint16_t sel = operand(v, i, &off);
    far_call(v, sel, off, i->opsize);
}

void op_ret_far(Vcpu *v, const Insn *i)
{
    far_return(v, i->opsize, i->imm);
}

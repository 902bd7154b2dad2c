/*
 * Near jumps, calls and returns; BOUND. Far ones are in far.c.
 */
#include "cpu/handlers.h"
#include "cpu/stack.h"

static void jmp_i(Vcpu *v, const Insn *i)
{
    uint64_t target = v->rip + i->imm;
    near_jump(v, i->opsize == 2 ? target & 0xffff : target & 0xffffffff);
}
static void jmp_r16(Vcpu *v, const Insn *i)
{
    near_jump(v, DST16(v, i));
}
static void jmp_r32(Vcpu *v, const Insn *i)
{
    near_jump(v, DST32(v, i));
}
static void jmp_m16(Vcpu *v, const Insn *i)
{
    near_jump(v, mem_read16(v, i->seg, insn_ea(v, i)));
}
static void jmp_m32(Vcpu *v, const Insn *i)
{
    near_jump(v, mem_read32(v, i->seg, insn_ea(v, i)));
}
InsnFnTable op_jmp = {
    [FORM_I] = {jmp_i, jmp_i, jmp_i, jmp_i}, [FORM_R] = {NULL, jmp_r16, jmp_r32}, [FORM_M] = {NULL, jmp_m16, jmp_m32},
};

/* The target is checked before the push: neither happens when either faults. */
static inline void call_to(Vcpu *v, uint64_t target, unsigned opsize)
{
    if (target > v->seg[S_CS].limit)
        fault_gp0(v);
    if (opsize == 2)
        push16(v, v->rip);
    else
        push32(v, v->rip);
    v->rip = target;
}

static void call_i(Vcpu *v, const Insn *i)
{
    uint64_t target = v->rip + i->imm;
    call_to(v, i->opsize == 2 ? target & 0xffff : target & 0xffffffff, i->opsize);
}
static void call_r16(Vcpu *v, const Insn *i)
{
    call_to(v, DST16(v, i), 2);
}
static void call_r32(Vcpu *v, const Insn *i)
{
    call_to(v, DST32(v, i), 4);
}
static void call_m16(Vcpu *v, const Insn *i)
{
    call_to(v, mem_read16(v, i->seg, insn_ea(v, i)), 2);
}
static void call_m32(Vcpu *v, const Insn *i)
{
    call_to(v, mem_read32(v, i->seg, insn_ea(v, i)), 4);
}
InsnFnTable op_call = {
    [FORM_I] = {call_i, call_i, call_i, call_i}, [FORM_R] = {NULL, call_r16, call_r32}, [FORM_M] = {NULL, call_m16, call_m32},
};

void op_ret(Vcpu *v, const Insn *i)
{
    uint32_t target = i->opsize == 2 ? stack_peek16(v, 0) : stack_peek32(v, 0);
    near_jump(v, target);
    stack_drop(v, i->opsize + (i->form == FORM_I ? (uint16_t)i->imm : 0));
}

/* SDM 2A BOUND: signed index; the upper bound is the operand's second half. */
void op_bound(Vcpu *v, const Insn *i)
{
    uint64_t ea = insn_ea(v, i);
    int32_t index, low, high;
    if (i->opsize == 2) {
        index = (int16_t)DST16(v, i);
        low = (int16_t)mem_read16(v, i->seg, ea);
        high = (int16_t)mem_read16(v, i->seg, (ea + 2) & i->amask);
    } else {
        index = DST32(v, i);
        low = mem_read32(v, i->seg, ea);
        high = mem_read32(v, i->seg, (ea + 4) & i->amask);
    }
    if (index < low || index > high)
        fault_raise(v, VEC_BR);
}

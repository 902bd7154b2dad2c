/*
 * What depends on a condition code: Jcc, SETcc, CMOVcc; and the loop instructions.
 */
#include "cpu/handlers.h"

static inline void branch(Vcpu *v, const Insn *i)
{
    uint64_t target = v->rip + i->imm;
    near_jump(v, i->opsize == 2 ? target & 0xffff : target & 0xffffffff);
}

/* CMOVcc reads its memory operand whether or not the condition holds, so it may fault. SDM 2A CMOVcc */
#define CONDITION(name, N)                                                                                             \
    void op_j##name(Vcpu *v, const Insn *i)                                                                            \
    {                                                                                                                  \
        if (cc_test(v->cc, N))                                                                                         \
            branch(v, i);                                                                                              \
    }                                                                                                                  \
    static void set##name##_r(Vcpu *v, const Insn *i)                                                                  \
    {                                                                                                                  \
        DST8(v, i) = cc_test(v->cc, N);                                                                                \
    }                                                                                                                  \
    static void set##name##_m(Vcpu *v, const Insn *i)                                                                  \
    {                                                                                                                  \
        mem_write8(v, i->seg, insn_ea(v, i), cc_test(v->cc, N));                                                       \
    }                                                                                                                  \
    InsnFnTable op_set##name = {[FORM_R] = {set##name##_r}, [FORM_M] = {set##name##_m}};                               \
    static void cmov##name##_rr16(Vcpu *v, const Insn *i)                                                              \
    {                                                                                                                  \
        if (cc_test(v->cc, N))                                                                                         \
            DST16(v, i) = SRC16(v, i);                                                                                 \
    }                                                                                                                  \
    static void cmov##name##_rr32(Vcpu *v, const Insn *i)                                                              \
    {                                                                                                                  \
        if (cc_test(v->cc, N))                                                                                         \
            DST32(v, i) = SRC32(v, i);                                                                                 \
    }                                                                                                                  \
    static void cmov##name##_rm16(Vcpu *v, const Insn *i)                                                              \
    {                                                                                                                  \
        uint16_t b = mem_read16(v, i->seg, insn_ea(v, i));                                                             \
        if (cc_test(v->cc, N))                                                                                         \
            DST16(v, i) = b;                                                                                           \
    }                                                                                                                  \
    static void cmov##name##_rm32(Vcpu *v, const Insn *i)                                                              \
    {                                                                                                                  \
        uint32_t b = mem_read32(v, i->seg, insn_ea(v, i));                                                             \
        if (cc_test(v->cc, N))                                                                                         \
            DST32(v, i) = b;                                                                                           \
    }                                                                                                                  \
    InsnFnTable op_cmov##name = {                                                                                      \
        [FORM_RR] = {NULL, cmov##name##_rr16, cmov##name##_rr32},                                                      \
        [FORM_RM] = {NULL, cmov##name##_rm16, cmov##name##_rm32},                                                      \
    };

CONDITION(o, 0) CONDITION(no, 1) CONDITION(b, 2) CONDITION(nb, 3) CONDITION(z, 4) CONDITION(nz, 5) CONDITION(be, 6)
CONDITION(nbe, 7) CONDITION(s, 8) CONDITION(ns, 9) CONDITION(p, 10) CONDITION(np, 11) CONDITION(l, 12) CONDITION(nl, 13)
CONDITION(le, 14) CONDITION(nle, 15)

/* The count register is CX or ECX by address size. */
static uint32_t count_get(const Vcpu *v, const Insn *i)
{
    return v->gpr[R_CX].d & i->amask;
}

static void count_set(Vcpu *v, const Insn *i, uint32_t count)
{
    if (i->asize == 2)
        v->gpr[R_CX].w = count;
    else
        v->gpr[R_CX].q = count;
}

void op_jcxz(Vcpu *v, const Insn *i)
{
    if (count_get(v, i) == 0)
        branch(v, i);
}

/* The branch is checked before the count is stored: a #GP leaves it as it was. */
static void loop_if(Vcpu *v, const Insn *i, bool condition)
{
    uint32_t count = (count_get(v, i) - 1) & i->amask;
    if (count && condition)
        branch(v, i);
    count_set(v, i, count);
}

void op_loop(Vcpu *v, const Insn *i)
{
    loop_if(v, i, true);
}
void op_loope(Vcpu *v, const Insn *i)
{
    loop_if(v, i, v->cc & CC_ZF);
}
void op_loopne(Vcpu *v, const Insn *i)
{
    loop_if(v, i, !(v->cc & CC_ZF));
}

/*
 * ADD OR ADC SBB AND SUB XOR CMP TEST, INC DEC NEG NOT: the host's own instruction on the guest's operands.
 */
#include "cpu/handlers.h"
#include "cpu/rmw.h"

/* alu_add32(v, a, b): the result; flags to v->cc. */
#define BINARY(name, N, suffix, before)                                                                                \
    static inline uint##N##_t alu_##name##N(Vcpu *v, uint##N##_t a, uint##N##_t b)                                     \
    {                                                                                                                  \
        uint32_t ax = v->cc;                                                                                           \
        asm(before #name suffix " %[b], %[a]" FLAGS_OUT : [a] "+&r"(a), "+&a"(ax) : [b] "r"(b) : "cc");                \
        v->cc = ax;                                                                                                    \
        return a;                                                                                                      \
    }
#define BINARY_SIZES(name, before) BINARY(name, 8, "b", before) BINARY(name, 16, "w", before) BINARY(name, 32, "l", before)

BINARY_SIZES(add, "")
BINARY_SIZES(or, "")
BINARY_SIZES(adc, CARRY_IN)
BINARY_SIZES(sbb, CARRY_IN)
BINARY_SIZES(and, "")
BINARY_SIZES(sub, "")
BINARY_SIZES(xor, "")

#define COMPARE(name, N, suffix)                                                                                       \
    static inline void alu_##name##N(Vcpu *v, uint##N##_t a, uint##N##_t b)                                            \
    {                                                                                                                  \
        uint32_t ax;                                                                                                   \
        asm(#name suffix " %[b], %[a]" FLAGS_OUT : "=&a"(ax) : [a] "r"(a), [b] "r"(b) : "cc");                         \
        v->cc = ax;                                                                                                    \
    }
#define COMPARE_SIZES(name) COMPARE(name, 8, "b") COMPARE(name, 16, "w") COMPARE(name, 32, "l")

COMPARE_SIZES(cmp)
COMPARE_SIZES(test)

#define UNARY(name, N, suffix, before)                                                                                 \
    static inline uint##N##_t alu_##name##N(Vcpu *v, uint##N##_t a)                                                    \
    {                                                                                                                  \
        uint32_t ax = v->cc;                                                                                           \
        asm(before #name suffix " %[a]" FLAGS_OUT : [a] "+&r"(a), "+&a"(ax) : : "cc");                                 \
        v->cc = ax;                                                                                                    \
        return a;                                                                                                      \
    }
#define UNARY_SIZES(name, before) UNARY(name, 8, "b", before) UNARY(name, 16, "w", before) UNARY(name, 32, "l", before)

UNARY_SIZES(inc, CARRY_IN)
UNARY_SIZES(dec, CARRY_IN)
UNARY_SIZES(neg, "")

/* 32-bit results clear the upper half of the (64-bit) register. */
#define SET_DST8(v, i, value) (DST8(v, i) = (value))
#define SET_DST16(v, i, value) (DST16(v, i) = (value))
#define SET_DST32(v, i, value) (*(uint64_t *)((char *)(v) + (i)->dst) = (uint32_t)(value))

/* ---- handlers ---- */

#define WRITING(name, N)                                                                                               \
    static void name##_rr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        SET_DST##N(v, i, alu_##name##N(v, DST##N(v, i), SRC##N(v, i)));                                                \
    }                                                                                                                  \
    static void name##_ri##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        SET_DST##N(v, i, alu_##name##N(v, DST##N(v, i), i->imm));                                                      \
    }                                                                                                                  \
    static void name##_rm##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        uint##N##_t b = mem_read##N(v, i->seg, insn_ea(v, i));                                                         \
        SET_DST##N(v, i, alu_##name##N(v, DST##N(v, i), b));                                                           \
    }                                                                                                                  \
    static void name##_mr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        RMW(N, v, i, a, alu_##name##N(v, a, SRC##N(v, i)));                                                            \
    }                                                                                                                  \
    static void name##_mi##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        RMW(N, v, i, a, alu_##name##N(v, a, i->imm));                                                                  \
    }

#define READING(name, N)                                                                                               \
    static void name##_rr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        alu_##name##N(v, DST##N(v, i), SRC##N(v, i));                                                                  \
    }                                                                                                                  \
    static void name##_ri##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        alu_##name##N(v, DST##N(v, i), i->imm);                                                                        \
    }                                                                                                                  \
    static void name##_rm##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        alu_##name##N(v, DST##N(v, i), mem_read##N(v, i->seg, insn_ea(v, i)));                                         \
    }                                                                                                                  \
    static void name##_mr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        alu_##name##N(v, mem_read##N(v, i->seg, insn_ea(v, i)), SRC##N(v, i));                                         \
    }                                                                                                                  \
    static void name##_mi##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        alu_##name##N(v, mem_read##N(v, i->seg, insn_ea(v, i)), i->imm);                                               \
    }

#define TWO_OPERANDS(name, kind)                                                                                       \
    kind(name, 8) kind(name, 16) kind(name, 32)                                                                        \
    InsnFnTable op_##name = {                                                                                          \
        [FORM_RR] = {name##_rr8, name##_rr16, name##_rr32}, [FORM_RI] = {name##_ri8, name##_ri16, name##_ri32},        \
        [FORM_RM] = {name##_rm8, name##_rm16, name##_rm32}, [FORM_MR] = {name##_mr8, name##_mr16, name##_mr32},        \
        [FORM_MI] = {name##_mi8, name##_mi16, name##_mi32},                                                            \
    };

TWO_OPERANDS(add, WRITING)
TWO_OPERANDS(or, WRITING)
TWO_OPERANDS(adc, WRITING)
TWO_OPERANDS(sbb, WRITING)
TWO_OPERANDS(and, WRITING)
TWO_OPERANDS(sub, WRITING)
TWO_OPERANDS(xor, WRITING)
TWO_OPERANDS(cmp, READING)
TWO_OPERANDS(test, READING)

static inline uint8_t alu_not8(Vcpu *v, uint8_t a) { return ~a; }
static inline uint16_t alu_not16(Vcpu *v, uint16_t a) { return ~a; }
static inline uint32_t alu_not32(Vcpu *v, uint32_t a) { return ~a; }

#define ONE_OPERAND_N(name, N)                                                                                         \
    static void name##_r##N(Vcpu *v, const Insn *i)                                                                    \
    {                                                                                                                  \
        SET_DST##N(v, i, alu_##name##N(v, DST##N(v, i)));                                                              \
    }                                                                                                                  \
    static void name##_m##N(Vcpu *v, const Insn *i)                                                                    \
    {                                                                                                                  \
        RMW(N, v, i, a, alu_##name##N(v, a));                                                                          \
    }
#define ONE_OPERAND(name)                                                                                              \
    ONE_OPERAND_N(name, 8) ONE_OPERAND_N(name, 16) ONE_OPERAND_N(name, 32)                                             \
    InsnFnTable op_##name = {[FORM_R] = {name##_r8, name##_r16, name##_r32}, [FORM_M] = {name##_m8, name##_m16, name##_m32}};

ONE_OPERAND(inc)
ONE_OPERAND(dec)
ONE_OPERAND(neg)
ONE_OPERAND(not)

/* XADD: the sum goes to the destination, its old value to the source register. With equal registers the sum wins. */
#define XADD(N)                                                                                                        \
    static void xadd_rr##N(Vcpu *v, const Insn *i)                                                                     \
    {                                                                                                                  \
        uint##N##_t a = DST##N(v, i), sum = alu_add##N(v, a, SRC##N(v, i));                                            \
        *(uint##N##_t *)((char *)v + i->src) = a;                                                                      \
        DST##N(v, i) = sum;                                                                                            \
    }                                                                                                                  \
    static void xadd_mr##N(Vcpu *v, const Insn *i)                                                                     \
    {                                                                                                                  \
        uint##N##_t old = 0;                                                                                           \
        RMW(N, v, i, a, (old = a, alu_add##N(v, a, SRC##N(v, i))));                                                    \
        *(uint##N##_t *)((char *)v + i->src) = old;                                                                    \
    }
XADD(8) XADD(16) XADD(32)
InsnFnTable op_xadd = {[FORM_RR] = {xadd_rr8, xadd_rr16, xadd_rr32}, [FORM_MR] = {xadd_mr8, xadd_mr16, xadd_mr32}};

/* CMPXCHG writes its destination in either case: SDM 2A CMPXCHG */
#define CMPXCHG(N)                                                                                                     \
    static void cmpxchg_rr##N(Vcpu *v, const Insn *i)                                                                  \
    {                                                                                                                  \
        uint##N##_t a = (uint##N##_t)v->gpr[R_AX].q, d = DST##N(v, i);                                                 \
        alu_cmp##N(v, a, d);                                                                                           \
        if (v->cc & CC_ZF)                                                                                             \
            DST##N(v, i) = SRC##N(v, i);                                                                               \
        else                                                                                                           \
            *(uint##N##_t *)&v->gpr[R_AX] = d;                                                                         \
    }                                                                                                                  \
    static void cmpxchg_mr##N(Vcpu *v, const Insn *i)                                                                  \
    {                                                                                                                  \
        uint##N##_t a = (uint##N##_t)v->gpr[R_AX].q, old = 0;                                                          \
        RMW(N, v, i, d, (old = d, a == d ? SRC##N(v, i) : d));                                                         \
        alu_cmp##N(v, a, old);                                                                                         \
        if (a != old)                                                                                                  \
            *(uint##N##_t *)&v->gpr[R_AX] = old;                                                                       \
    }
CMPXCHG(8) CMPXCHG(16) CMPXCHG(32)
InsnFnTable op_cmpxchg = {
    [FORM_RR] = {cmpxchg_rr8, cmpxchg_rr16, cmpxchg_rr32},
    [FORM_MR] = {cmpxchg_mr8, cmpxchg_mr16, cmpxchg_mr32},
};

void op_cmpxchg8b(Vcpu *v, const Insn *i)
{
    if (!(i->flags & INSN_MEM))
        fault_ud(v);
    uint64_t want = (uint64_t)v->gpr[R_DX].d << 32 | v->gpr[R_AX].d;
    uint64_t new = (uint64_t)v->gpr[R_CX].d << 32 | v->gpr[R_BX].d;
    uint64_t old = 0;
    RMW(64, v, i, d, (old = d, d == want ? new : d));
    if (old == want) {
        v->cc |= CC_ZF;
    } else {
        v->cc &= ~CC_ZF;
        v->gpr[R_AX].q = (uint32_t)old;
        v->gpr[R_DX].q = old >> 32;
    }
}

/*
 * Shifts, rotates, double shifts, and the bit instructions, on the host. All six flags go in, so a count of zero and flags
 * that an instruction leaves alone come out as they were.
 */
#include "cpu/handlers.h"
#include "cpu/rmw.h"

#define SHIFT(name, N, suffix)                                                                                         \
    static inline uint##N##_t alu_##name##N(Vcpu *v, uint##N##_t a, uint8_t count)                                     \
    {                                                                                                                  \
        uint32_t ax = v->cc;                                                                                           \
        asm(FLAGS_IN #name suffix " %%cl, %[a]" FLAGS_OUT : [a] "+&r"(a), "+&a"(ax) : "c"(count) : "cc");              \
        v->cc = ax;                                                                                                    \
        return a;                                                                                                      \
    }                                                                                                                  \
    static void name##_rr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        DST##N(v, i) = alu_##name##N(v, DST##N(v, i), v->gpr[R_CX].b.l);                                               \
    }                                                                                                                  \
    static void name##_ri##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        DST##N(v, i) = alu_##name##N(v, DST##N(v, i), i->imm);                                                         \
    }                                                                                                                  \
    static void name##_mr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        RMW(N, v, i, a, alu_##name##N(v, a, v->gpr[R_CX].b.l));                                                        \
    }                                                                                                                  \
    static void name##_mi##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        RMW(N, v, i, a, alu_##name##N(v, a, i->imm));                                                                  \
    }
#define SHIFTS(name)                                                                                                   \
    SHIFT(name, 8, "b") SHIFT(name, 16, "w") SHIFT(name, 32, "l")                                                      \
    InsnFnTable op_##name = {                                                                                          \
        [FORM_RR] = {name##_rr8, name##_rr16, name##_rr32}, [FORM_RI] = {name##_ri8, name##_ri16, name##_ri32},        \
        [FORM_MR] = {name##_mr8, name##_mr16, name##_mr32}, [FORM_MI] = {name##_mi8, name##_mi16, name##_mi32},        \
    };
SHIFTS(rol) SHIFTS(ror) SHIFTS(rcl) SHIFTS(rcr) SHIFTS(shl) SHIFTS(shr) SHIFTS(sar)

/* 0F A4/AC take an immediate count, 0F A5/AD take CL. */
static inline uint8_t double_count(const Vcpu *v, const Insn *i)
{
    return i->opcode & 1 ? v->gpr[R_CX].b.l : (uint8_t)i->imm2;
}

#define DOUBLE_SHIFT(name, N, suffix)                                                                                  \
    static inline uint##N##_t alu_##name##N(Vcpu *v, uint##N##_t a, uint##N##_t b, uint8_t count)                      \
    {                                                                                                                  \
        uint32_t ax = v->cc;                                                                                           \
        asm(FLAGS_IN #name suffix " %%cl, %[b], %[a]" FLAGS_OUT                                                        \
            : [a] "+&r"(a), "+&a"(ax) : [b] "r"(b), "c"(count) : "cc");                                                \
        v->cc = ax;                                                                                                    \
        return a;                                                                                                      \
    }                                                                                                                  \
    static void name##_rr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        DST##N(v, i) = alu_##name##N(v, DST##N(v, i), SRC##N(v, i), double_count(v, i));                               \
    }                                                                                                                  \
    static void name##_mr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        RMW(N, v, i, a, alu_##name##N(v, a, SRC##N(v, i), double_count(v, i)));                                        \
    }
#define DOUBLE_SHIFTS(name)                                                                                            \
    DOUBLE_SHIFT(name, 16, "w") DOUBLE_SHIFT(name, 32, "l")                                                            \
    InsnFnTable op_##name = {[FORM_RR] = {NULL, name##_rr16, name##_rr32}, [FORM_MR] = {NULL, name##_mr16, name##_mr32}};
DOUBLE_SHIFTS(shld) DOUBLE_SHIFTS(shrd)

/*
 * BT and friends. With a register index the operand is a bit string: the index reaches beyond the addressed word, signed.
 * SDM 2A BT; 1 3.1.1.9
 */
#define BIT(name, N, suffix, store)                                                                                    \
    static inline uint##N##_t alu_##name##N(Vcpu *v, uint##N##_t a, uint##N##_t bit)                                   \
    {                                                                                                                  \
        uint32_t ax = v->cc;                                                                                           \
        asm(FLAGS_IN #name suffix " %[b], %[a]" FLAGS_OUT : [a] "+&r"(a), "+&a"(ax) : [b] "r"(bit) : "cc");            \
        v->cc = ax;                                                                                                    \
        return a;                                                                                                      \
    }                                                                                                                  \
    static void name##_rr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        uint##N##_t r = alu_##name##N(v, DST##N(v, i), SRC##N(v, i));                                                  \
        if (store)                                                                                                     \
            DST##N(v, i) = r;                                                                                          \
    }                                                                                                                  \
    static void name##_ri##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        uint##N##_t r = alu_##name##N(v, DST##N(v, i), i->imm);                                                        \
        if (store)                                                                                                     \
            DST##N(v, i) = r;                                                                                          \
    }                                                                                                                  \
    static void name##_at##N(Vcpu *v, const Insn *i, uint64_t ea, uint##N##_t bit)                                     \
    {                                                                                                                  \
        if (!store) {                                                                                                  \
            alu_##name##N(v, mem_read##N(v, i->seg, ea), bit);                                                         \
            return;                                                                                                    \
        }                                                                                                              \
        Gva addr = seg_lin_write(v, i->seg, ea, N / 8);                                                                \
        lin_probe(v, addr, N / 8, ACCESS_WRITE, v->mmu_idx);                                                           \
        lin_write##N(v, addr, alu_##name##N(v, lin_read##N(v, addr), bit));                                            \
    }                                                                                                                  \
    static void name##_mr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        int32_t index = (int##N##_t)SRC##N(v, i);                                                                      \
        name##_at##N(v, i, (insn_ea(v, i) + (uint32_t)((index >> (N == 16 ? 4 : 5)) * (N / 8))) & i->amask,            \
                     SRC##N(v, i));                                                                                    \
    }                                                                                                                  \
    static void name##_mi##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        name##_at##N(v, i, insn_ea(v, i), i->imm);                                                                     \
    }
#define BITS(name, store)                                                                                              \
    BIT(name, 16, "w", store) BIT(name, 32, "l", store)                                                                \
    InsnFnTable op_##name = {                                                                                          \
        [FORM_RR] = {NULL, name##_rr16, name##_rr32}, [FORM_RI] = {NULL, name##_ri16, name##_ri32},                    \
        [FORM_MR] = {NULL, name##_mr16, name##_mr32}, [FORM_MI] = {NULL, name##_mi16, name##_mi32},                    \
    };
BITS(bt, false) BITS(bts, true) BITS(btr, true) BITS(btc, true)

/* A zero source leaves the destination as it was, as processors do. LZCNT always writes it. */
#define SCAN(name, N, suffix)                                                                                          \
    static inline void alu_##name##N(Vcpu *v, const Insn *i, uint##N##_t b)                                            \
    {                                                                                                                  \
        uint32_t ax = v->cc;                                                                                           \
        uint##N##_t a = DST##N(v, i);                                                                                  \
        asm(FLAGS_IN #name suffix " %[b], %[a]" FLAGS_OUT : [a] "+&r"(a), "+&a"(ax) : [b] "r"(b) : "cc");              \
        v->cc = ax;                                                                                                    \
        DST##N(v, i) = a;                                                                                              \
    }                                                                                                                  \
    static void name##_rr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        alu_##name##N(v, i, SRC##N(v, i));                                                                             \
    }                                                                                                                  \
    static void name##_rm##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        alu_##name##N(v, i, mem_read##N(v, i->seg, insn_ea(v, i)));                                                    \
    }
#define SCANS(name)                                                                                                    \
    SCAN(name, 16, "w") SCAN(name, 32, "l")                                                                            \
    InsnFnTable op_##name = {[FORM_RR] = {NULL, name##_rr16, name##_rr32}, [FORM_RM] = {NULL, name##_rm16, name##_rm32}};
SCANS(bsf) SCANS(bsr) SCANS(lzcnt)

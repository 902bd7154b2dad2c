/*
 * Data movement without arithmetic: MOV and its extensions, XCHG, LEA, BSWAP, XLAT, sign extensions, single flags.
 */
#include "cpu/handlers.h"
#include "cpu/rmw.h"

#define WIDE_DST(v, i) (*(uint64_t *)((char *)(v) + (i)->dst))

#define MOV(N)                                                                                                         \
    static void mov_rm##N(Vcpu *v, const Insn *i)                                                                      \
    {                                                                                                                  \
        DST##N(v, i) = mem_read##N(v, i->seg, insn_ea(v, i));                                                          \
    }                                                                                                                  \
    static void mov_mr##N(Vcpu *v, const Insn *i)                                                                      \
    {                                                                                                                  \
        mem_write##N(v, i->seg, insn_ea(v, i), SRC##N(v, i));                                                          \
    }                                                                                                                  \
    static void mov_mi##N(Vcpu *v, const Insn *i)                                                                      \
    {                                                                                                                  \
        mem_write##N(v, i->seg, insn_ea(v, i), i->imm);                                                                \
    }                                                                                                                  \
    static void mov_rr##N(Vcpu *v, const Insn *i)                                                                      \
    {                                                                                                                  \
        DST##N(v, i) = SRC##N(v, i);                                                                                   \
    }                                                                                                                  \
    static void mov_ri##N(Vcpu *v, const Insn *i)                                                                      \
    {                                                                                                                  \
        DST##N(v, i) = i->imm;                                                                                         \
    }
MOV(8) MOV(16) MOV(32)
InsnFnTable op_mov = {
    [FORM_RM] = {mov_rm8, mov_rm16, mov_rm32}, [FORM_MR] = {mov_mr8, mov_mr16, mov_mr32},
    [FORM_MI] = {mov_mi8, mov_mi16, mov_mi32}, [FORM_RR] = {mov_rr8, mov_rr16, mov_rr32},
    [FORM_RI] = {mov_ri8, mov_ri16, mov_ri32},
};

/* Extensions: `from` is the source's type, N the destination's size. */
#define EXTEND(name, FROM, type, N)                                                                                    \
    static void name##_rr##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        DST##N(v, i) = (type)SRC##FROM(v, i);                                                                          \
    }                                                                                                                  \
    static void name##_rm##N(Vcpu *v, const Insn *i)                                                                   \
    {                                                                                                                  \
        DST##N(v, i) = (type)mem_read##FROM(v, i->seg, insn_ea(v, i));                                                 \
    }
#define EXTEND_TABLE(name, FROM, type)                                                                                 \
    EXTEND(name, FROM, type, 16) EXTEND(name, FROM, type, 32)                                                          \
    InsnFnTable op_##name = {[FORM_RR] = {NULL, name##_rr16, name##_rr32}, [FORM_RM] = {NULL, name##_rm16, name##_rm32}};
EXTEND_TABLE(movzx8, 8, uint8_t)
EXTEND_TABLE(movzx16, 16, uint16_t)
EXTEND_TABLE(movsx8, 8, int8_t)
EXTEND_TABLE(movsx16, 16, int16_t)

#define XCHG(N)                                                                                                        \
    static void xchg_rr##N(Vcpu *v, const Insn *i)                                                                     \
    {                                                                                                                  \
        uint##N##_t a = DST##N(v, i);                                                                                  \
        DST##N(v, i) = SRC##N(v, i);                                                                                   \
        *(uint##N##_t *)((char *)v + i->src) = a;                                                                      \
    }                                                                                                                  \
    static void xchg_mr##N(Vcpu *v, const Insn *i)                                                                     \
    {                                                                                                                  \
        uint##N##_t old = 0;                                                                                           \
        RMW(N, v, i, a, (old = a, SRC##N(v, i)));                                                                      \
        *(uint##N##_t *)((char *)v + i->src) = old;                                                                    \
    }                                                                                                                  \
    static void xchg_rm##N(Vcpu *v, const Insn *i)                                                                     \
    {                                                                                                                  \
        uint##N##_t old = 0;                                                                                           \
        RMW(N, v, i, a, (old = a, DST##N(v, i)));                                                                      \
        DST##N(v, i) = old;                                                                                            \
    }
XCHG(8) XCHG(16) XCHG(32)
InsnFnTable op_xchg = {
    [FORM_RR] = {xchg_rr8, xchg_rr16, xchg_rr32},
    [FORM_MR] = {xchg_mr8, xchg_mr16, xchg_mr32},
    [FORM_RM] = {xchg_rm8, xchg_rm16, xchg_rm32},
};

static void lea16(Vcpu *v, const Insn *i)
{
    DST16(v, i) = insn_ea(v, i);
}
static void lea32(Vcpu *v, const Insn *i)
{
    WIDE_DST(v, i) = insn_ea(v, i);
}
InsnFnTable op_lea = {[FORM_RM] = {NULL, lea16, lea32}};

/* A 16-bit operand is undefined in the manual; processors give 0. */
void op_bswap(Vcpu *v, const Insn *i)
{
    if (i->osize == 2)
        DST16(v, i) = 0;
    else
        WIDE_DST(v, i) = __builtin_bswap32(DST32(v, i));
}

static void movbe_rm16(Vcpu *v, const Insn *i)
{
    DST16(v, i) = __builtin_bswap16(mem_read16(v, i->seg, insn_ea(v, i)));
}
static void movbe_rm32(Vcpu *v, const Insn *i)
{
    WIDE_DST(v, i) = __builtin_bswap32(mem_read32(v, i->seg, insn_ea(v, i)));
}
static void movbe_mr16(Vcpu *v, const Insn *i)
{
    mem_write16(v, i->seg, insn_ea(v, i), __builtin_bswap16(SRC16(v, i)));
}
static void movbe_mr32(Vcpu *v, const Insn *i)
{
    mem_write32(v, i->seg, insn_ea(v, i), __builtin_bswap32(SRC32(v, i)));
}
InsnFnTable op_movbe = {[FORM_RM] = {NULL, movbe_rm16, movbe_rm32}, [FORM_MR] = {NULL, movbe_mr16, movbe_mr32}};

void op_xlat(Vcpu *v, const Insn *i)
{
    uint32_t ea = (v->gpr[R_BX].d + v->gpr[R_AX].b.l) & i->amask;
    v->gpr[R_AX].b.l = mem_read8(v, i->seg, ea);
}

void op_cbw(Vcpu *v, const Insn *i)
{
    v->gpr[R_AX].w = (int8_t)v->gpr[R_AX].b.l;
}
void op_cwde(Vcpu *v, const Insn *i)
{
    v->gpr[R_AX].q = (uint32_t)(int16_t)v->gpr[R_AX].w;
}
void op_cwd(Vcpu *v, const Insn *i)
{
    v->gpr[R_DX].w = (int16_t)v->gpr[R_AX].w < 0 ? 0xffff : 0;
}
void op_cdq(Vcpu *v, const Insn *i)
{
    v->gpr[R_DX].q = (int32_t)v->gpr[R_AX].d < 0 ? 0xffffffffu : 0;
}

void op_lahf(Vcpu *v, const Insn *i)
{
    v->gpr[R_AX].b.h = v->cc >> 8;
}
void op_sahf(Vcpu *v, const Insn *i)
{
    v->cc = (v->cc & CC_OF) | (v->gpr[R_AX].b.h & 0xd5) << 8 | CC_1;
}
void op_salc(Vcpu *v, const Insn *i)
{
    v->gpr[R_AX].b.l = v->cc & CC_CF ? 0xff : 0;
}
void op_clc(Vcpu *v, const Insn *i)
{
    v->cc &= ~CC_CF;
}
void op_stc(Vcpu *v, const Insn *i)
{
    v->cc |= CC_CF;
}
void op_cmc(Vcpu *v, const Insn *i)
{
    v->cc ^= CC_CF;
}
void op_cld(Vcpu *v, const Insn *i)
{
    v->flags &= ~FL_DF;
}
void op_std(Vcpu *v, const Insn *i)
{
    v->flags |= FL_DF;
}
void op_nop(Vcpu *v, const Insn *i)
{
}
void op_ud(Vcpu *v, const Insn *i)
{
    fault_ud(v);
}

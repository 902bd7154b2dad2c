/*
 * Multiplication, division and decimal adjustment.
 *
 * Products and quotients are the host's, flags included; a division that would raise #DE is found first. The decimal
 * instructions do not exist in 64-bit mode and are computed as the manual's pseudo-code says (SDM 2A).
 */
#include "cpu/handlers.h"
#include "cpu/rmw.h"

#define OPERAND(N) (i->flags & INSN_MEM ? mem_read##N(v, i->seg, insn_ea(v, i)) : DST##N(v, i))

#define WIDE(name)                                                                                                     \
    static void name##_8(Vcpu *v, const Insn *i)                                                                       \
    {                                                                                                                  \
        uint8_t b = OPERAND(8);                                                                                        \
        uint32_t ax = v->gpr[R_AX].b.l, cc = v->cc;                                                                    \
        asm("xchgl %%eax, %[cc]\n\t" FLAGS_IN "movl %[cc], %%eax\n\t" #name "b %[b]\n\tmovl %%eax, %[cc]" FLAGS_OUT    \
            : [cc] "+&r"(cc), "+&a"(ax) : [b] "r"(b) : "cc");                                                          \
        v->cc = ax;                                                                                                    \
        v->gpr[R_AX].w = cc;                                                                                           \
    }                                                                                                                  \
    WIDE_N(name, 16, "w", w) WIDE_N(name, 32, "l", d)                                                                  \
    InsnFnTable op_##name = {[FORM_R] = {name##_8, name##_16, name##_32}, [FORM_M] = {name##_8, name##_16, name##_32}};
#define WIDE_N(name, N, suffix, field)                                                                                 \
    static void name##_##N(Vcpu *v, const Insn *i)                                                                     \
    {                                                                                                                  \
        uint##N##_t b = OPERAND(N);                                                                                    \
        uint32_t ax = v->gpr[R_AX].field, dx = v->gpr[R_DX].field, cc = v->cc;                                         \
        asm("xchgl %%eax, %[cc]\n\t" FLAGS_IN "movl %[cc], %%eax\n\t" #name suffix                                     \
            " %[b]\n\tmovl %%eax, %[cc]" FLAGS_OUT                                                                     \
            : [cc] "+&r"(cc), "+&a"(ax), "+&d"(dx) : [b] "r"(b) : "cc");                                               \
        v->cc = ax;                                                                                                    \
        v->gpr[R_AX].field = cc;                                                                                       \
        v->gpr[R_DX].field = dx;                                                                                       \
    }
WIDE(mul)
WIDE(imul)

#define IMUL(N, suffix)                                                                                                \
    static inline uint##N##_t alu_imul##N(Vcpu *v, uint##N##_t a, uint##N##_t b)                                       \
    {                                                                                                                  \
        uint32_t ax = v->cc;                                                                                           \
        asm(FLAGS_IN "imul" suffix " %[b], %[a]" FLAGS_OUT : [a] "+&r"(a), "+&a"(ax) : [b] "r"(b) : "cc");             \
        v->cc = ax;                                                                                                    \
        return a;                                                                                                      \
    }                                                                                                                  \
    static void imul2_rr##N(Vcpu *v, const Insn *i)                                                                    \
    {                                                                                                                  \
        DST##N(v, i) = alu_imul##N(v, DST##N(v, i), SRC##N(v, i));                                                     \
    }                                                                                                                  \
    static void imul2_rm##N(Vcpu *v, const Insn *i)                                                                    \
    {                                                                                                                  \
        DST##N(v, i) = alu_imul##N(v, DST##N(v, i), mem_read##N(v, i->seg, insn_ea(v, i)));                            \
    }                                                                                                                  \
    static void imul3_rr##N(Vcpu *v, const Insn *i)                                                                    \
    {                                                                                                                  \
        DST##N(v, i) = alu_imul##N(v, SRC##N(v, i), i->imm);                                                           \
    }                                                                                                                  \
    static void imul3_rm##N(Vcpu *v, const Insn *i)                                                                    \
    {                                                                                                                  \
        DST##N(v, i) = alu_imul##N(v, mem_read##N(v, i->seg, insn_ea(v, i)), i->imm);                                  \
    }
IMUL(16, "w") IMUL(32, "l")
InsnFnTable op_imul2 = {[FORM_RR] = {NULL, imul2_rr16, imul2_rr32}, [FORM_RM] = {NULL, imul2_rm16, imul2_rm32}};
InsnFnTable op_imul3 = {[FORM_RR] = {NULL, imul3_rr16, imul3_rr32}, [FORM_RM] = {NULL, imul3_rm16, imul3_rm32}};

/* #DE when the quotient does not fit: the unsigned high half reaches the divisor, or the signed quotient overflows. */
static bool divides(uint64_t high_low, uint32_t divisor, int bits)
{
    return divisor && (high_low >> bits) < divisor;
}

static bool divides_signed(int64_t dividend, int64_t divisor, int bits)
{
    if (divisor == 0 || (dividend == INT64_MIN && divisor == -1))
        return false;
    int64_t q = dividend / divisor;
    return q >= -(1ll << (bits - 1)) && q < 1ll << (bits - 1);
}

static void div_8(Vcpu *v, const Insn *i)
{
    uint8_t b = OPERAND(8);
    uint16_t a = v->gpr[R_AX].w;
    if (!divides(a, b, 8))
        fault_raise(v, VEC_DE);
    v->gpr[R_AX].b.l = a / b;
    v->gpr[R_AX].b.h = a % b;
}
static void div_16(Vcpu *v, const Insn *i)
{
    uint16_t b = OPERAND(16);
    uint32_t a = (uint32_t)v->gpr[R_DX].w << 16 | v->gpr[R_AX].w;
    if (!divides(a, b, 16))
        fault_raise(v, VEC_DE);
    v->gpr[R_AX].w = a / b;
    v->gpr[R_DX].w = a % b;
}
static void div_32(Vcpu *v, const Insn *i)
{
    uint32_t b = OPERAND(32);
    uint64_t a = (uint64_t)v->gpr[R_DX].d << 32 | v->gpr[R_AX].d;
    if (!divides(a, b, 32))
        fault_raise(v, VEC_DE);
    v->gpr[R_AX].q = (uint32_t)(a / b);
    v->gpr[R_DX].q = (uint32_t)(a % b);
}
InsnFnTable op_div = {[FORM_R] = {div_8, div_16, div_32}, [FORM_M] = {div_8, div_16, div_32}};

static void idiv_8(Vcpu *v, const Insn *i)
{
    int8_t b = OPERAND(8);
    int16_t a = v->gpr[R_AX].w;
    if (!divides_signed(a, b, 8))
        fault_raise(v, VEC_DE);
    v->gpr[R_AX].b.l = a / b;
    v->gpr[R_AX].b.h = a % b;
}
static void idiv_16(Vcpu *v, const Insn *i)
{
    int16_t b = OPERAND(16);
    int32_t a = (uint32_t)v->gpr[R_DX].w << 16 | v->gpr[R_AX].w;
    if (!divides_signed(a, b, 16))
        fault_raise(v, VEC_DE);
    v->gpr[R_AX].w = a / b;
    v->gpr[R_DX].w = a % b;
}
static void idiv_32(Vcpu *v, const Insn *i)
{
    int32_t b = OPERAND(32);
    int64_t a = (uint64_t)v->gpr[R_DX].d << 32 | v->gpr[R_AX].d;
    if (!divides_signed(a, b, 32))
        fault_raise(v, VEC_DE);
    v->gpr[R_AX].q = (uint32_t)(a / b);
    v->gpr[R_DX].q = (uint32_t)(a % b);
}
InsnFnTable op_idiv = {[FORM_R] = {idiv_8, idiv_16, idiv_32}, [FORM_M] = {idiv_8, idiv_16, idiv_32}};

static void set_szp(Vcpu *v, uint8_t result)
{
    v->cc &= ~(CC_SF | CC_ZF | CC_PF);
    if (result & 0x80)
        v->cc |= CC_SF;
    if (!result)
        v->cc |= CC_ZF;
    if (!__builtin_parity(result))
        v->cc |= CC_PF;
}

static void set_flag(Vcpu *v, uint16_t flag, bool on)
{
    v->cc = on ? v->cc | flag : v->cc & ~flag;
}

/* DAA and DAS: sign is +1 or -1. OF is undefined and cleared. */
static void decimal_adjust(Vcpu *v, int sign)
{
    uint8_t old = v->gpr[R_AX].b.l, al = old;
    bool carry = v->cc & CC_CF, adjust = (old & 15) > 9 || (v->cc & CC_AF);
    bool high = old > 0x99 || carry;
    bool borrow = false;
    if (adjust) {
        borrow = sign > 0 ? al > 0xff - 6 : al < 6;
        al += sign * 6;
    }
    if (high)
        al += sign * 0x60;
    set_flag(v, CC_AF, adjust);
    set_flag(v, CC_CF, high || (carry && borrow) || (sign < 0 && borrow));
    set_flag(v, CC_OF, false);
    v->gpr[R_AX].b.l = al;
    set_szp(v, al);
}

void op_daa(Vcpu *v, const Insn *i)
{
    decimal_adjust(v, 1);
}
void op_das(Vcpu *v, const Insn *i)
{
    decimal_adjust(v, -1);
}

/* AAA and AAS add or take 106h from AX as a whole. Undefined flags: OF cleared, SF ZF PF by the result. */
static void ascii_adjust(Vcpu *v, int sign)
{
    bool adjust = (v->gpr[R_AX].b.l & 15) > 9 || (v->cc & CC_AF);
    if (adjust)
        v->gpr[R_AX].w += sign * 0x106;
    set_flag(v, CC_AF, adjust);
    set_flag(v, CC_CF, adjust);
    v->gpr[R_AX].b.l &= 15;
    set_flag(v, CC_OF, false);
    set_szp(v, v->gpr[R_AX].b.l);
}

void op_aaa(Vcpu *v, const Insn *i)
{
    ascii_adjust(v, 1);
}
void op_aas(Vcpu *v, const Insn *i)
{
    ascii_adjust(v, -1);
}

void op_aam(Vcpu *v, const Insn *i)
{
    uint8_t base = i->imm, al = v->gpr[R_AX].b.l;
    if (!base)
        fault_raise(v, VEC_DE);
    v->gpr[R_AX].b.h = al / base;
    v->gpr[R_AX].b.l = al % base;
    v->cc &= ~(CC_CF | CC_AF | CC_OF);
    set_szp(v, v->gpr[R_AX].b.l);
}

void op_aad(Vcpu *v, const Insn *i)
{
    uint8_t al = v->gpr[R_AX].b.l + v->gpr[R_AX].b.h * (uint8_t)i->imm;
    v->gpr[R_AX].w = al;
    v->cc &= ~(CC_CF | CC_AF | CC_OF);
    set_szp(v, al);
}

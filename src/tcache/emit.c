/*
 * Writing x86-64 instructions. See emit.h. SDM 2A chapter 2
 */
#include "tcache/emit.h"

#include <string.h>

#define REX 0x40u
#define REX_W 8u
#define REX_R 4u
#define REX_X 2u
#define REX_B 1u

static void emit_op(Emit *e, unsigned prefix, unsigned size, unsigned op, unsigned rex)
{
    if (size == 2)
        emit8(e, 0x66);
    if (prefix)
        emit8(e, prefix);
    if (size == 8)
        rex |= REX_W;
    if (rex)
        emit8(e, REX | rex);
    if (op > 0xff) {
        emit8(e, 0x0f);
        if ((op >> 8) != 0x0f)
            emit8(e, op >> 8);
    }
    emit8(e, op);
}

void emit_rr(Emit *e, unsigned prefix, unsigned size, unsigned op, int reg, int rm)
{
    emit_op(e, prefix, size, op, (reg & 8 ? REX_R : 0) | (rm & 8 ? REX_B : 0));
    emit8(e, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void emit_rm(Emit *e, unsigned prefix, unsigned size, unsigned op, int reg, HostMem m)
{
    unsigned rex = (reg & 8 ? REX_R : 0);
    bool based = m.base != H_NONE, sib = m.index != H_NONE || !based || (m.base & 7) == H_SP;
    unsigned mod = !based || (m.disp == 0 && (m.base & 7) != H_BP) ? 0 : m.disp == (int8_t)m.disp ? 1 : 2;

    if (based && (m.base & 8))
        rex |= REX_B;
    if (m.index != H_NONE && (m.index & 8))
        rex |= REX_X;
    if (m.scale & HOST_WINDOW) {
        e->access(e->opaque, e->p);
        emit8(e, 0x65); /* gs */
        emit8(e, 0x67); /* 32-bit address */
    }
    emit_op(e, prefix, size, op, rex);
    emit8(e, mod << 6 | (reg & 7) << 3 | (sib ? 4 : m.base & 7));
    if (sib)
        emit8(e, (m.scale & 3) << 6 | (m.index == H_NONE ? 4 : m.index & 7) << 3 | (based ? m.base & 7 : 5));
    if (mod == 1)
        emit8(e, m.disp);
    else if (mod == 2 || !based)
        emit32(e, m.disp);
}

void emit_imm(Emit *e, unsigned size, uint64_t value)
{
    if (size == 1)
        emit8(e, value);
    else if (size == 2)
        emit16(e, value);
    else
        emit32(e, value);
}

void emit_mov_imm32(Emit *e, int reg, uint32_t value)
{
    if (reg & 8)
        emit8(e, REX | REX_B);
    emit8(e, 0xb8 | (reg & 7));
    emit32(e, value);
}

void emit_mov_imm64(Emit *e, int reg, uint64_t value)
{
    emit8(e, REX | REX_W | (reg & 8 ? REX_B : 0));
    emit8(e, 0xb8 | (reg & 7));
    emit64(e, value);
}

void emit_lea(Emit *e, unsigned size, int reg, HostMem m)
{
    emit_rm(e, 0, size, 0x8d, reg, m);
}

void emit_load(Emit *e, unsigned size, int reg, HostMem m)
{
    emit_rm(e, 0, size, 0x8b, reg, m);
}

void emit_store(Emit *e, unsigned size, HostMem m, int reg)
{
    emit_rm(e, 0, size, 0x89, reg, m);
}

void emit_mov(Emit *e, unsigned size, int to, int from)
{
    emit_rr(e, 0, size, 0x89, from, to);
}

void emit_xchg(Emit *e, int a, int b)
{
    emit_rr(e, 0, 8, 0x87, a, b);
}

uint8_t *emit_jmp(Emit *e)
{
    emit8(e, 0xe9);
    emit32(e, 0);
    return e->p - 4;
}

uint8_t *emit_jcc(Emit *e, unsigned cond)
{
    emit8(e, 0x0f);
    emit8(e, 0x80 | cond);
    emit32(e, 0);
    return e->p - 4;
}

void emit_patch32(uint8_t *at, const uint8_t *target)
{
    int32_t rel = target - (at + 4);
    memcpy(at, &rel, sizeof rel); /* only the vCPU's thread runs and patches this code */
}

void emit_patch8(uint8_t *at, const uint8_t *target)
{
    ptrdiff_t rel = target - (at + 1);
    g_assert(rel >= -128 && rel <= 127);
    *at = rel;
}

void emit_jmp_to(Emit *e, const uint8_t *target)
{
    emit_patch32(emit_jmp(e), target);
}

void emit_call_to(Emit *e, const uint8_t *target)
{
    emit8(e, 0xe8);
    emit32(e, 0);
    emit_patch32(e->p - 4, target);
}

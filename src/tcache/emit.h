/*
 * Writing x86-64 instructions.
 *
 * What the translator needs and no more: one-byte, 0F, 0F38 and 0F3A opcodes with a ModRM operand, immediates and
 * relative jumps. Registers are the host's numbers. Byte operands 4..7 mean AH, CH, DH, BH: an instruction that has one
 * cannot have a REX prefix, so its other operands must be among the first eight registers.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    H_AX, H_CX, H_DX, H_BX, H_SP, H_BP, H_SI, H_DI, H_R8, H_R9, H_R10, H_R11, H_R12, H_R13, H_R14, H_R15, H_NONE = -1
};

/* A host memory operand: [base + index << scale + disp]. */
typedef struct HostMem {
    int base, index; /* H_NONE: none; without a base, disp counts from 0 */
    unsigned scale;  /* 0..3, and HOST_WINDOW: from where gs is, in 32 bits */
    int32_t disp;
} HostMem;
#define HOST_WINDOW 4u

typedef struct Emit {
    uint8_t *p; /* where the next byte goes */
    void (*access)(void *opaque, uint8_t *at); /* hears of each instruction with a HOST_WINDOW operand; NULL: there are none */
    void *opaque;
} Emit;

static inline void emit8(Emit *e, uint8_t b)
{
    *e->p++ = b;
}
static inline void emit16(Emit *e, uint16_t w)
{
    memcpy(e->p, &w, 2);
    e->p += 2;
}
static inline void emit32(Emit *e, uint32_t d)
{
    memcpy(e->p, &d, 4);
    e->p += 4;
}
static inline void emit64(Emit *e, uint64_t q)
{
    memcpy(e->p, &q, 8);
    e->p += 8;
}

/*
 * op: the opcode byte, with its map above: 0x01, 0x0faf, 0x38f0, 0x3a0f. size 1, 2, 4, 8: operand size in bytes (1 and 4
 * need no prefix); prefix: 0, 0x66, 0xf2 or 0xf3 besides.
 */
void emit_rr(Emit *e, unsigned prefix, unsigned size, unsigned op, int reg, int rm);
void emit_rm(Emit *e, unsigned prefix, unsigned size, unsigned op, int reg, HostMem m);
/* An immediate as wide as the operand: 1, 2 or 4 bytes. */
void emit_imm(Emit *e, unsigned size, uint64_t value);

void emit_mov_imm32(Emit *e, int reg, uint32_t value); /* zero-extended */
void emit_mov_imm64(Emit *e, int reg, uint64_t value);
void emit_lea(Emit *e, unsigned size, int reg, HostMem m);
void emit_load(Emit *e, unsigned size, int reg, HostMem m);  /* mov reg, m; sizes 2, 4, 8 */
void emit_store(Emit *e, unsigned size, HostMem m, int reg); /* mov m, reg; sizes 2, 4, 8 */
void emit_mov(Emit *e, unsigned size, int to, int from);     /* sizes 4, 8 */
void emit_xchg(Emit *e, int a, int b);                       /* 64 bits */

/* Jumps with a 32-bit displacement; return where the displacement lies. cond as in Jcc. */
uint8_t *emit_jmp(Emit *e);
uint8_t *emit_jcc(Emit *e, unsigned cond);
void emit_jmp_to(Emit *e, const uint8_t *target);
void emit_call_to(Emit *e, const uint8_t *target);
/* Point a displacement at target (addresses of one mapping). */
void emit_patch32(uint8_t *at, const uint8_t *target);
/* Point a one-byte displacement at target, which is near. */
void emit_patch8(uint8_t *at, const uint8_t *target);

static inline HostMem host_mem(int base, int32_t disp)
{
    return (HostMem){base, H_NONE, 0, disp};
}

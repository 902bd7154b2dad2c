/*
 * Pushes and pops. The store comes first and ESP moves after, so a fault leaves ESP as it was.
 */
#pragma once

#include "cpu/cpu.h"

/* Only the part of (E)SP that the stack size covers changes. SDM 1 6.2.3 */
static inline void sp_set(Vcpu *v, uint64_t sp)
{
    v->gpr[R_SP].q = (v->gpr[R_SP].q & ~v->sp_mask) | (sp & v->sp_mask);
}
static inline uint64_t sp_get(const Vcpu *v)
{
    return v->gpr[R_SP].q & v->sp_mask;
}

static inline void push16(Vcpu *v, uint16_t value)
{
    uint64_t sp = (v->gpr[R_SP].q - 2) & v->sp_mask;
    mem_write16(v, S_SS, sp, value);
    sp_set(v, sp);
}
static inline void push32(Vcpu *v, uint32_t value)
{
    uint64_t sp = (v->gpr[R_SP].q - 4) & v->sp_mask;
    mem_write32(v, S_SS, sp, value);
    sp_set(v, sp);
}
/* The value at (E)SP + skip bytes, without popping. */
static inline uint16_t stack_peek16(Vcpu *v, unsigned skip)
{
    return mem_read16(v, S_SS, (v->gpr[R_SP].q + skip) & v->sp_mask);
}
static inline uint32_t stack_peek32(Vcpu *v, unsigned skip)
{
    return mem_read32(v, S_SS, (v->gpr[R_SP].q + skip) & v->sp_mask);
}
static inline void stack_drop(Vcpu *v, unsigned bytes)
{
    sp_set(v, v->gpr[R_SP].q + bytes);
}
static inline uint16_t pop16(Vcpu *v)
{
    uint16_t value = stack_peek16(v, 0);
    stack_drop(v, 2);
    return value;
}
static inline uint32_t pop32(Vcpu *v)
{
    uint32_t value = stack_peek32(v, 0);
    stack_drop(v, 4);
    return value;
}

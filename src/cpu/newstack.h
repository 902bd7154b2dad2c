/*
 * Frames for transfers between privilege levels: pushes onto a stack that is not (yet) SS:ESP.
 *
 * Gates and events push whole frames, on the present stack or on one that the TSS names. Nothing of the CPU's state may
 * change if a push faults, so the frame is built on a Stack, and stack_commit() makes it SS:ESP at the end.
 */
#pragma once

#include "cpu/desc.h"

typedef struct Stack {
    Seg seg;
    uint64_t sp, mask;
    int idx;      /* MMU_*: privilege of the pushes */
    uint32_t error; /* of #SS when a push does not fit */
    bool inner;   /* came from the TSS */
} Stack;

/* The stack in use; ext is the EXT bit for error codes. */
static inline void stack_current(Vcpu *v, Stack *s, unsigned ext)
{
    s->seg = v->seg[S_SS];
    s->sp = v->gpr[R_SP].q & v->sp_mask;
    s->mask = v->sp_mask;
    s->idx = v->mmu_idx;
    s->error = ext;
    s->inner = false;
}

/* The stack for privilege level cpl from the TSS, with all checks: #TS, #SS. SDM 3A 5.8.5 */
void stack_inner(Vcpu *v, Stack *s, unsigned cpl, unsigned ext);
/* Push size (2 or 4) bytes. */
void stack_push(Vcpu *v, Stack *s, uint32_t value, unsigned size);
/* Make it SS:ESP; after CPL was set. */
void stack_commit(Vcpu *v, const Stack *s);

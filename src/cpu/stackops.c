/*
 * PUSH, POP, PUSHA, POPA, ENTER, LEAVE.
 */
#include "cpu/handlers.h"
#include "cpu/stack.h"

static void push_r16(Vcpu *v, const Insn *i)
{
    push16(v, DST16(v, i));
}
static void push_r32(Vcpu *v, const Insn *i)
{
    push32(v, DST32(v, i));
}
static void push_m16(Vcpu *v, const Insn *i)
{
    push16(v, mem_read16(v, i->seg, insn_ea(v, i)));
}
static void push_m32(Vcpu *v, const Insn *i)
{
    push32(v, mem_read32(v, i->seg, insn_ea(v, i)));
}
static void push_i(Vcpu *v, const Insn *i)
{
    if (i->opsize == 2)
        push16(v, i->imm);
    else
        push32(v, i->imm);
}
InsnFnTable op_push = {
    [FORM_R] = {NULL, push_r16, push_r32}, [FORM_M] = {NULL, push_m16, push_m32}, [FORM_I] = {push_i, push_i, push_i, push_i},
};

static void pop_r16(Vcpu *v, const Insn *i)
{
    uint16_t value = pop16(v);
    DST16(v, i) = value; /* after ESP moved: POP SP gets the value */
}
static void pop_r32(Vcpu *v, const Insn *i)
{
    uint32_t value = pop32(v);
    DST32(v, i) = value;
}

/* An address based on ESP is computed after ESP moved (SDM 2B POP); a fault puts it back. */
#define POP_M(N)                                                                                                       \
    static void pop_m##N(Vcpu *v, const Insn *i)                                                                       \
    {                                                                                                                  \
        uint##N##_t value = stack_peek##N(v, 0);                                                                       \
        uint64_t sp = v->gpr[R_SP].q;                                                                                  \
        stack_drop(v, N / 8);                                                                                          \
        uint64_t ea = insn_ea(v, i);                                                                                   \
        uint64_t new_sp = v->gpr[R_SP].q;                                                                              \
        v->gpr[R_SP].q = sp;                                                                                           \
        mem_write##N(v, i->seg, ea, value);                                                                            \
        v->gpr[R_SP].q = new_sp;                                                                                       \
    }
POP_M(16) POP_M(32)
InsnFnTable op_pop = {[FORM_R] = {NULL, pop_r16, pop_r32}, [FORM_M] = {NULL, pop_m16, pop_m32}};

/*
 * PUSHA stores from EAX down; a fault in the middle leaves what was stored and ESP as it was, as on the processor.
 */
#define PUSHA(N)                                                                                                       \
    void op_pusha##N(Vcpu *v, const Insn *i)                                                                           \
    {                                                                                                                  \
        uint64_t sp = v->gpr[R_SP].q;                                                                                  \
        for (int r = R_AX; r <= R_DI; r++) {                                                                           \
            sp -= N / 8;                                                                                               \
            mem_write##N(v, S_SS, sp & v->sp_mask, v->gpr[r].q);                                                       \
        }                                                                                                              \
        sp_set(v, sp);                                                                                                 \
    }
PUSHA(16) PUSHA(32)

/* POPA loads from EDI up; a fault in the middle leaves the registers loaded so far, and ESP as it was. */
#define POPA(N, field)                                                                                                 \
    void op_popa##N(Vcpu *v, const Insn *i)                                                                            \
    {                                                                                                                  \
        for (int n = 0; n < 8; n++) {                                                                                  \
            uint##N##_t value = stack_peek##N(v, n * N / 8);                                                           \
            if (n != 7 - R_SP)                                                                                         \
                v->gpr[7 - n].field = value;                                                                           \
        }                                                                                                              \
        stack_drop(v, N);                                                                                              \
    }
POPA(16, w) POPA(32, d)

/* SDM 2A ENTER. Nothing changes but memory below the stack until all of it has been written. */
void op_enter(Vcpu *v, const Insn *i)
{
    unsigned size = i->opsize, level = i->imm2 & 31;
    uint16_t bytes = i->imm;
    uint64_t sp = v->gpr[R_SP].q - size;
    if (size == 2)
        mem_write16(v, S_SS, sp & v->sp_mask, v->gpr[R_BP].w);
    else
        mem_write32(v, S_SS, sp & v->sp_mask, v->gpr[R_BP].d);
    /* ESP as the push leaves it: with a 16-bit stack the high half does not take part */
    uint64_t frame = (v->gpr[R_SP].q & ~v->sp_mask) | (sp & v->sp_mask);
    uint64_t bp = v->gpr[R_BP].q;
    for (unsigned n = 1; n < level; n++) {
        bp -= size;
        sp -= size;
        if (size == 2)
            mem_write16(v, S_SS, sp & v->sp_mask, mem_read16(v, S_SS, bp & v->sp_mask));
        else
            mem_write32(v, S_SS, sp & v->sp_mask, mem_read32(v, S_SS, bp & v->sp_mask));
    }
    if (level) {
        sp -= size;
        if (size == 2)
            mem_write16(v, S_SS, sp & v->sp_mask, frame);
        else
            mem_write32(v, S_SS, sp & v->sp_mask, frame);
    }
    sp -= bytes;
    /* the new top of stack must be writable: #PF here, not at the next push */
    lin_probe(v, seg_lin_write(v, S_SS, sp & v->sp_mask, size), size, ACCESS_WRITE, v->mmu_idx);
    if (size == 2)
        v->gpr[R_BP].w = frame;
    else
        v->gpr[R_BP].q = (uint32_t)frame;
    sp_set(v, sp);
}

void op_leave(Vcpu *v, const Insn *i)
{
    uint64_t bp = v->gpr[R_BP].q & v->sp_mask;
    if (i->opsize == 2) {
        uint16_t value = mem_read16(v, S_SS, bp);
        sp_set(v, bp + 2);
        v->gpr[R_BP].w = value;
    } else {
        uint32_t value = mem_read32(v, S_SS, bp);
        sp_set(v, bp + 4);
        v->gpr[R_BP].q = value;
    }
}

/*
 * System and string instructions that are worth doing in place: what kernels and old programs do all the time, in the
 * common case; anything else goes the slow way.
 *
 * CLI, STI, PUSHF, POPF: at CPL 0, with no interrupt waiting when IF is set. So STI needs no shadow: an interrupt that comes
 * later is taken after the next instruction in any case, provided that the block goes on with it (see plan.c).
 */
#include "tcache/translate.h"

#define FL_POPF_RARE (FL_TF | FL_DF | FL_IOPL | FL_NT)

static void slow_unless_cpl0(Tr *t)
{
    emit_rm(&t->e, 0, 1, 0x80, 7, TR_VCPU(cpl)); /* cmp byte, 0 */
    emit8(&t->e, 0);
    tr_slow_if(t, 5);
}

/* Is an interrupt waiting? Uses r11. */
static void slow_if_pending(Tr *t)
{
    emit_load(&t->e, 4, H_R11, TR_VCPU(intr));
    emit_rm(&t->e, 0, 4, 0x0b, H_R11, TR_VCPU(nmi)); /* or */
    tr_slow_if(t, 5);
}

static void tr_cli(Tr *t)
{
    slow_unless_cpl0(t);
    emit_rm(&t->e, 0, 4, 0x81, 4, TR_VCPU(flags)); /* and */
    emit32(&t->e, ~FL_IF);
}

static void tr_sti(Tr *t)
{
    slow_unless_cpl0(t);
    slow_if_pending(t);
    emit_rm(&t->e, 0, 4, 0x81, 1, TR_VCPU(flags)); /* or */
    emit32(&t->e, FL_IF);
}

/* The image from Vcpu.flags and the flags parked in AX. */
static void tr_pushf(Tr *t, const Insn *i)
{
    Emit *e = &t->e;
    slow_unless_cpl0(t);
    emit_load(e, 4, H_R13, TR_VCPU(flags));
    emit_rr(e, 0, 4, 0x81, 4, H_R13);
    emit32(e, ~(FL_VM | FL_RF));
    emit_mov(e, 4, H_R11, H_AX);
    emit_rr(e, 0, 4, 0xc1, 5, H_R11); /* shr: AH, as LAHF has it */
    emit8(e, 8);
    emit_rr(e, 0, 4, 0x81, 4, H_R11);
    emit32(e, FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF);
    emit_rr(e, 0, 4, 0x09, H_R11, H_R13);
    emit_rr(e, 0, 4, 0x0fb6, H_R11, H_AX); /* AL: OF */
    emit_rr(e, 0, 4, 0x83, 4, H_R11);
    emit8(e, 1);
    emit_rr(e, 0, 4, 0xc1, 4, H_R11);
    emit8(e, 11);
    emit_rr(e, 0, 4, 0x09, H_R11, H_R13);
    tr_stack(t, -(int)i->opsize, i->opsize, true);
    emit_store(e, i->opsize, t->at, H_R13);
    tr_stack_move(t, -(int)i->opsize);
}

static void tr_popf(Tr *t, const Insn *i)
{
    Emit *e = &t->e;
    uint32_t rare = i->opsize == 2 ? FL_POPF_RARE : FL_POPF_RARE | FL_AC | FL_ID;

    slow_unless_cpl0(t);
    tr_stack(t, 0, i->opsize, false);
    if (i->opsize == 2)
        emit_rm(e, 0, 4, 0x0fb7, H_R13, t->at);
    else
        emit_load(e, 4, H_R13, t->at);
    emit_load(e, 4, H_R12, TR_VCPU(flags));
    emit_rr(e, 0, 4, 0x31, H_R13, H_R12); /* xor: what would change */
    emit_rr(e, 0, 4, 0xf7, 0, H_R12);     /* test */
    emit32(e, rare);
    tr_slow_if(t, 5);
    emit_load(e, 4, H_R11, TR_VCPU(intr));
    emit_rm(e, 0, 4, 0x0b, H_R11, TR_VCPU(nmi));
    emit8(e, 0x74); /* jz over the test of IF */
    uint8_t *quiet = e->p;
    emit8(e, 0);
    emit_rr(e, 0, 4, 0xf7, 0, H_R13);
    emit32(e, FL_IF);
    tr_slow_if(t, 5);
    emit_patch8(quiet, e->p);
    emit_rr(e, 0, 4, 0x81, 4, H_R12); /* and: IF, if it changes */
    emit32(e, FL_IF);
    emit_rm(e, 0, 4, 0x31, H_R12, TR_VCPU(flags));
    emit_mov(e, 4, H_AX, H_R13);
    emit_rr(e, 0, 4, 0x81, 4, H_AX);
    emit32(e, FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF);
    emit_rr(e, 0, 4, 0xc1, 4, H_AX); /* shl */
    emit8(e, 8);
    emit_rr(e, 0, 4, 0xc1, 5, H_R13); /* shr */
    emit8(e, 11);
    emit_rr(e, 0, 4, 0x83, 4, H_R13);
    emit8(e, 1);
    emit_lea(e, 4, H_AX, (HostMem){H_AX, H_R13, 0, CC_1});
    tr_stack_move(t, i->opsize);
}

static void load_selector(Tr *t, const Insn *i, int reg)
{
    emit_rm(&t->e, 0, 4, 0x0fb7, reg, host_mem(H_R14, offsetof(Vcpu, seg) + i->reg * sizeof(Seg) + offsetof(Seg, sel)));
}

static void tr_store_sreg(Tr *t, const Insn *i)
{
    if (i->flags & INSN_MEM) {
        tr_operand(t, i, 2, true);
        load_selector(t, i, H_R11);
        emit_store(&t->e, 2, t->at, H_R11);
    } else if (i->opsize == 2) {
        load_selector(t, i, H_R11);
        emit_rr(&t->e, 0, 2, 0x89, H_R11, tr_host[i->rm]);
    } else {
        load_selector(t, i, tr_host[i->rm]);
    }
}

bool tr_is_lean(const Insn *i)
{
    return i->row == ROW_POP_SREG || (i->row == ROW_MOV_SREG && i->opcode == 0x8e) || i->row == ROW_VERW;
}

/* The selector to r10d; the rest is a lean helper's. Of POP's slot all is read. */
uint8_t *tr_lean(Tr *t, const Insn *i)
{
    Emit *e = &t->e;
    bool pop = i->row == ROW_POP_SREG;
    unsigned size = pop ? i->opsize : 2;
    if (pop)
        tr_stack(t, 0, size, false);
    else if (i->flags & INSN_MEM)
        tr_operand(t, i, 2, false);
    if (size == 4)
        emit_load(e, 4, H_R10, t->at);
    else if (pop || (i->flags & INSN_MEM))
        emit_rm(e, 0, 4, 0x0fb7, H_R10, t->at);
    else
        emit_rr(e, 0, 4, 0x0fb7, H_R10, tr_host[i->rm]);
    if (i->row == ROW_VERW) {
        emit_call_to(e, t->c->stub_verw);
        tr_slow_if(t, 7);
        return NULL;
    }
    emit_mov_imm32(e, H_R11, i->reg);
    emit_call_to(e, t->c->stub_seg);
    tr_slow_if(t, 7);
    if (pop)
        tr_stack_move(t, size);
    return emit_jcc(e, 4);
}

static void tr_load_cr(Tr *t, const Insn *i)
{
    slow_unless_cpl0(t);
    emit_load(&t->e, 4, tr_host[i->rm], i->reg == 0 ? TR_VCPU(cr0) : i->reg == 2 ? TR_VCPU(cr2) : TR_VCPU(cr3));
}

/* ---- string instructions without a prefix, upwards ---- */

static void slow_if_down(Tr *t)
{
    emit_rm(&t->e, 0, 4, 0xf7, 0, TR_VCPU(flags)); /* test */
    emit32(&t->e, FL_DF);
    tr_slow_if(t, 5);
}

static void string_advance(Tr *t, const Insn *i, int reg, unsigned size)
{
    if (i->asize == 2) {
        emit_lea(&t->e, 4, H_R11, host_mem(reg, size));
        emit_mov(&t->e, 2, reg, H_R11);
    } else {
        emit_lea(&t->e, 4, reg, host_mem(reg, size));
    }
}

/* mov between the operand and a register that is r8 or above */
static void move_sized(Tr *t, unsigned size, bool store, int reg)
{
    emit_rm(&t->e, 0, size, (store ? 0x88 : 0x8a) + (size != 1), reg, t->at);
}

static void tr_lods(Tr *t, const Insn *i, unsigned size)
{
    slow_if_down(t);
    tr_pointer(t, i->seg, H_SI, i->asize, size, false);
    move_sized(t, size, false, H_R8);
    string_advance(t, i, H_SI, size);
}

static void tr_stos(Tr *t, const Insn *i, unsigned size)
{
    slow_if_down(t);
    tr_pointer(t, S_ES, H_DI, i->asize, size, true);
    move_sized(t, size, true, H_R8);
    string_advance(t, i, H_DI, size);
}

static void tr_movs(Tr *t, const Insn *i, unsigned size)
{
    slow_if_down(t);
    tr_pointer(t, i->seg, H_SI, i->asize, size, false);
    move_sized(t, size, false, H_R13);
    tr_pointer(t, S_ES, H_DI, i->asize, size, true);
    move_sized(t, size, true, H_R13);
    string_advance(t, i, H_SI, size);
    string_advance(t, i, H_DI, size);
}

bool tr_system(Tr *t, const Insn *i)
{
    switch (i->row) {
    case ROW_CLI: tr_cli(t); break;
    case ROW_STI: tr_sti(t); break;
    case ROW_PUSHF:
    case ROW_PUSHFD: tr_pushf(t, i); break;
    case ROW_POPF:
    case ROW_POPFD:
        tr_popf(t, i);
        t->park_ok = true;
        t->host_ok = false;
        return true;
    case ROW_PUSH_SREG:
        tr_stack(t, -(int)i->opsize, i->opsize, true);
        load_selector(t, i, H_R12);
        emit_store(&t->e, i->opsize, t->at, H_R12);
        tr_stack_move(t, -(int)i->opsize);
        break;
    case ROW_MOV_SREG: tr_store_sreg(t, i); return true;
    case ROW_MOV_CR: tr_load_cr(t, i); break;
    case ROW_LODSB: tr_lods(t, i, 1); break;
    case ROW_LODSW: tr_lods(t, i, 2); break;
    case ROW_LODSD: tr_lods(t, i, 4); break;
    case ROW_STOSB: tr_stos(t, i, 1); break;
    case ROW_STOSW: tr_stos(t, i, 2); break;
    case ROW_STOSD: tr_stos(t, i, 4); break;
    case ROW_MOVSB: tr_movs(t, i, 1); break;
    case ROW_MOVSW: tr_movs(t, i, 2); break;
    case ROW_STR_MOVSD: tr_movs(t, i, 4); break;
    default: return false;
    }
    flags_clobbered(t);
    return true;
}

/*
 * Integer instructions: the guest's own, with its registers and addresses replaced.
 *
 * An instruction with AH, CH, DH or BH cannot have a REX prefix, and so cannot name r8 (guest EAX) or what the address is in:
 * those change places with rax and rdi around it.
 */
#include "tcache/translate.h"

#define NO_EXT (-1)

typedef struct Op {
    unsigned size, opcode;
    int ext;         /* ModRM.reg when it extends the opcode; else NO_EXT and reg, an offset in Vcpu */
    unsigned reg, rm; /* rm: offset in Vcpu unless mem */
    bool reg_byte, rm_byte, mem, in_ax; /* in_ax: EAX must be in rax for it */
} Op;

/* Does a window's operand name guest EAX, or ESP, which need a REX prefix? */
static bool names(HostMem m, int reg)
{
    return m.base == reg || m.index == reg;
}

static bool is_high(const Op *o)
{
    return (o->ext == NO_EXT && o->reg_byte && tr_is_high(o->reg)) || (!o->mem && o->rm_byte && tr_is_high(o->rm));
}

static void op_begin(Tr *t, const Op *o, bool *wrap, bool *swap)
{
    bool high = is_high(o);
    bool ax = (o->ext == NO_EXT && tr_gpr(o->reg) == R_AX) || (!o->mem && tr_gpr(o->rm) == R_AX);

    *wrap = o->in_ax || (high && ax);
    if (o->mem && tr_at_window(t) && ((*wrap && names(t->at, H_R8)) || (high && (names(t->at, H_R8) || names(t->at, H_R9))))) {
        t->at.scale &= ~HOST_WINDOW;
        emit_lea(&t->e, 4, H_R10, t->at);
        t->at = host_mem(H_R10, 0);
        t->at.scale |= HOST_WINDOW;
    }
    *swap = high && o->mem && t->at.base != H_NONE && (t->at.base & 8);
    if (*wrap)
        emit_xchg(&t->e, H_AX, H_R8);
    if (*swap)
        emit_xchg(&t->e, H_DI, t->at.base);
    t->fix = (*wrap ? FIX_AX : 0) | (*swap ? FIX_DI : 0);
}

static void op_end(Tr *t, bool wrap, bool swap)
{
    if (swap)
        emit_xchg(&t->e, H_DI, t->at.base);
    if (wrap)
        emit_xchg(&t->e, H_AX, H_R8);
    t->fix = 0;
}

static int op_reg(unsigned offset, bool byte, bool wrap)
{
    if (byte && tr_is_high(offset))
        return 4 + tr_gpr(offset);
    return wrap && tr_gpr(offset) == R_AX ? H_AX : tr_reg(offset);
}

/* The operation; memory at t->at. imm_size 0: no immediate. */
static void op_emit(Tr *t, const Op *o, unsigned imm_size, uint64_t imm)
{
    bool wrap, swap;
    op_begin(t, o, &wrap, &swap);
    int reg = o->ext == NO_EXT ? op_reg(o->reg, o->reg_byte, wrap) : o->ext;
    HostMem at = t->at;
    if (swap)
        at.base = H_DI;
    if (o->mem)
        emit_rm(&t->e, 0, o->size, o->opcode, reg, at);
    else
        emit_rr(&t->e, 0, o->size, o->opcode, reg, op_reg(o->rm, o->rm_byte, wrap));
    if (imm_size)
        emit_imm(&t->e, imm_size, imm);
    op_end(t, wrap, swap);
}

/* Opcodes that come as a byte form and, one more, a wide form. */
static unsigned sized(unsigned opcode, const Insn *i)
{
    return i->osize == 1 ? opcode : opcode + 1;
}

static Op op_reg_rm(const Insn *i, unsigned opcode, unsigned reg, unsigned rm, bool mem)
{
    bool byte = i->osize == 1;
    return (Op){.size = i->osize, .opcode = opcode, .ext = NO_EXT, .reg = reg, .rm = rm, .reg_byte = byte, .rm_byte = byte, .mem = mem};
}

static Op op_ext_rm(const Insn *i, unsigned opcode, int ext)
{
    return (Op){.size = i->osize, .opcode = opcode, .ext = ext, .rm = i->dst, .rm_byte = i->osize == 1, .mem = i->flags & INSN_MEM};
}

/* The memory operand, if there is one; and then the flags where the instruction wants them. */
static void operand(Tr *t, const Insn *i, bool write)
{
    const InsnPlan *p = &t->plan[t->k];
    if (i->flags & INSN_MEM)
        tr_operand(t, i, i->osize, write);
    if (p->flags == FLAGS_READ || (p->flags == FLAGS_PART && p->live))
        flags_host(t);
}

static const int8_t alu_number[] = {
    [ROW_ADD] = 0, [ROW_OR] = 1, [ROW_ADC] = 2, [ROW_SBB] = 3, [ROW_AND] = 4, [ROW_SUB] = 5, [ROW_XOR] = 6, [ROW_CMP] = 7,
};

static void tr_alu(Tr *t, const Insn *i)
{
    unsigned n = alu_number[i->row];
    Op o;

    operand(t, i, i->row != ROW_CMP && (i->form == FORM_MR || i->form == FORM_MI));
    switch (i->form) {
    case FORM_RR:
    case FORM_MR:
        o = op_reg_rm(i, sized(n << 3, i), i->src, i->dst, i->form == FORM_MR);
        op_emit(t, &o, 0, 0);
        break;
    case FORM_RM:
        o = op_reg_rm(i, sized(n << 3 | 2, i), i->dst, 0, true);
        op_emit(t, &o, 0, 0);
        break;
    default:
        if (i->osize > 1 && (int32_t)(i->osize == 2 ? (int16_t)i->imm : (int32_t)i->imm) == (int8_t)i->imm) {
            o = op_ext_rm(i, 0x83, n);
            op_emit(t, &o, 1, i->imm);
        } else {
            o = op_ext_rm(i, sized(0x80, i), n);
            op_emit(t, &o, i->osize, i->imm);
        }
        break;
    }
    flags_written(t);
}

static void tr_test(Tr *t, const Insn *i)
{
    Op o;
    operand(t, i, false);
    if (i->form == FORM_RI || i->form == FORM_MI) {
        o = op_ext_rm(i, sized(0xf6, i), 0);
        op_emit(t, &o, i->osize, i->imm);
    } else { /* it commutes */
        bool mem = i->flags & INSN_MEM;
        o = op_reg_rm(i, sized(0x84, i), i->form == FORM_RM ? i->dst : i->src, i->dst, mem);
        op_emit(t, &o, 0, 0);
    }
    flags_written(t);
}

static void tr_mov(Tr *t, const Insn *i)
{
    Op o;
    operand(t, i, i->form == FORM_MR || i->form == FORM_MI);
    switch (i->form) {
    case FORM_RR:
    case FORM_MR:
        o = op_reg_rm(i, sized(0x88, i), i->src, i->dst, i->form == FORM_MR);
        op_emit(t, &o, 0, 0);
        break;
    case FORM_RM:
        o = op_reg_rm(i, sized(0x8a, i), i->dst, 0, true);
        op_emit(t, &o, 0, 0);
        break;
    case FORM_RI:
        if (i->osize == 4) {
            emit_mov_imm32(&t->e, tr_reg(i->dst), i->imm);
            break;
        }
        /* fall through */
    default:
        o = op_ext_rm(i, sized(0xc6, i), 0);
        op_emit(t, &o, i->osize, i->imm);
        break;
    }
}

static void tr_extend(Tr *t, const Insn *i, unsigned opcode, unsigned from)
{
    bool mem = i->flags & INSN_MEM;
    if (mem)
        tr_operand(t, i, from, false);
    Op o = {.size = i->osize, .opcode = opcode, .ext = NO_EXT, .reg = i->dst, .rm = i->src, .rm_byte = from == 1, .mem = mem};
    op_emit(t, &o, 0, 0);
}

static void tr_shift(Tr *t, const Insn *i, unsigned n)
{
    bool by_cl = i->form == FORM_RR || i->form == FORM_MR;
    operand(t, i, true);
    Op o = op_ext_rm(i, sized(by_cl ? 0xd2 : 0xc0, i), n);
    op_emit(t, &o, by_cl ? 0 : 1, i->imm);
    flags_written(t);
}

static void tr_double_shift(Tr *t, const Insn *i, unsigned opcode)
{
    bool by_cl = i->opcode & 1;
    operand(t, i, true);
    Op o = op_reg_rm(i, opcode + by_cl, i->src, i->dst, i->flags & INSN_MEM);
    op_emit(t, &o, by_cl ? 0 : 1, i->imm2);
    flags_written(t);
}

/*
 * The bit may be anywhere before or behind the operand: it lies in the doubleword at offset + number / 32 * 4. The host's own instruction
 * gets what is left of the number. SDM 2A "BT"
 */
static void tr_bit_string(Tr *t, const Insn *i, unsigned n)
{
    Emit *e = &t->e;
    int number = tr_reg(i->src);
    tr_offset(t, i, H_R10);
    emit_mov(e, 4, H_R11, number);
    emit_rr(e, 0, 4, 0xc1, 7, H_R11); /* sar */
    emit8(e, 5);
    emit_lea(e, 4, H_R10, (HostMem){H_R10, H_R11, 2, 0});
    emit_mov(e, 4, H_R13, number);
    emit_rr(e, 0, 4, 0x83, 4, H_R13); /* and */
    emit8(e, 31);
    flags_clobbered(t);
    tr_computed(t, i->seg, 4, n != 4);
    if (t->plan[t->k].live)
        flags_host(t);
    emit_rm(e, 0, 4, 0x0f83 | n << 3, H_R13, t->at);
    flags_written(t);
}

static void tr_bit(Tr *t, const Insn *i, unsigned n)
{
    Op o;
    if (i->form == FORM_MR) {
        tr_bit_string(t, i, n);
        return;
    }
    operand(t, i, n != 4);
    if (i->form == FORM_RR) {
        o = op_reg_rm(i, 0x0f83 | n << 3, i->src, i->dst, false);
        op_emit(t, &o, 0, 0);
    } else {
        o = op_ext_rm(i, 0x0fba, n);
        op_emit(t, &o, 1, i->imm);
    }
    flags_written(t);
}

static void tr_cmpxchg8b(Tr *t, const Insn *i)
{
    tr_operand(t, i, 8, true);
    if (t->plan[t->k].live)
        flags_host(t);
    Op o = {.size = 4, .opcode = 0x0fc7, .ext = 1, .mem = true, .in_ax = true};
    op_emit(t, &o, 0, 0);
    flags_written(t);
}

/* reg, r/m with the destination in reg: BSF, IMUL, CMOVcc */
static void tr_to_reg(Tr *t, const Insn *i, unsigned opcode, unsigned imm_size)
{
    operand(t, i, false);
    Op o = op_reg_rm(i, opcode, i->dst, i->src, i->flags & INSN_MEM);
    op_emit(t, &o, imm_size, imm_size == 1 ? i->imm : i->imm);
}

static void tr_unary(Tr *t, const Insn *i, unsigned opcode, unsigned n)
{
    operand(t, i, true);
    Op o = op_ext_rm(i, sized(opcode, i), n);
    op_emit(t, &o, 0, 0);
}

/* MUL and IMUL of EAX: it goes to rax and back; parked flags there are dead or in the host's by now. */
static void tr_mul(Tr *t, const Insn *i, unsigned n)
{
    operand(t, i, false);
    bool mem = i->flags & INSN_MEM, window = mem && tr_at_window(t);
    if (window) /* before the parked flags go */
        emit_rm(&t->e, 0, i->osize, sized(0x8a, i), H_R13, t->at);
    emit_mov(&t->e, 8, H_AX, H_R8);
    if (window)
        emit_rr(&t->e, 0, i->osize, sized(0xf6, i), n, H_R13);
    else if (mem)
        emit_rm(&t->e, 0, i->osize, sized(0xf6, i), n, t->at);
    else
        emit_rr(&t->e, 0, i->osize, sized(0xf6, i), n, op_reg(i->dst, i->osize == 1, true));
    emit_mov(&t->e, 8, H_R8, H_AX);
    flags_written(t);
}

/* What would raise #DE, or might, goes the slow way. Flags stay parked. */
static void tr_div(Tr *t, const Insn *i, bool is_signed)
{
    Emit *e = &t->e;
    if (i->flags & INSN_MEM) {
        tr_operand(t, i, 4, false);
        emit_load(e, 4, H_R10, t->at);
    } else {
        emit_mov(e, 4, H_R10, tr_reg(i->dst));
    }
    if (is_signed) { /* EDX must be EAX's sign, and the divisor neither 0 nor -1 */
        emit_rr(e, 0, 8, 0x63, H_R12, H_R8); /* movsxd */
        emit_rr(e, 0, 8, 0xc1, 5, H_R12);
        emit8(e, 32);
        emit_rr(e, 0, 4, 0x39, H_DX, H_R12);
        tr_slow_if(t, 5);
        emit_lea(e, 4, H_R12, host_mem(H_R10, 1));
        emit_rr(e, 0, 4, 0x83, 7, H_R12);
        emit8(e, 1);
        tr_slow_if(t, 6);
    } else {
        emit_rr(e, 0, 4, 0x39, H_R10, H_DX); /* cmp edx, r10d */
        tr_slow_if(t, 3);
    }
    emit_mov(e, 8, H_R11, H_AX);
    emit_mov(e, 4, H_AX, H_R8);
    emit_rr(e, 0, 4, 0xf7, is_signed ? 7 : 6, H_R10);
    emit_mov(e, 4, H_R8, H_AX);
    emit_mov(e, 8, H_AX, H_R11);
    flags_clobbered(t);
}

static void emit_shift(Emit *e, unsigned n, int reg, unsigned count)
{
    emit_rr(e, 0, 4, 0xc1, n, reg);
    emit8(e, count);
}

/* The divisor of 8 or 16 bits, extended, to r10d. */
static void small_divisor(Tr *t, const Insn *i, bool is_signed)
{
    unsigned extend = (is_signed ? 0x0fbe : 0x0fb6) + (i->osize == 2);
    if (i->flags & INSN_MEM) {
        tr_operand(t, i, i->osize, false);
        emit_rm(&t->e, 0, 4, extend, H_R10, t->at);
    } else if (i->osize == 1 && tr_is_high(i->dst)) {
        emit_mov(&t->e, 4, H_R10, tr_reg(i->dst & ~1u));
        emit_shift(&t->e, 5, H_R10, 8); /* shr */
        emit_rr(&t->e, 0, 4, extend, H_R10, H_R10);
    } else {
        emit_rr(&t->e, 0, 4, extend, H_R10, tr_reg(i->dst));
    }
}

/* The same for 8 and 16 bits, done with 32: r11d = dividend, r10d = divisor. RDX is kept below the stack, where nothing else comes. */
static void tr_div_small(Tr *t, const Insn *i, bool is_signed)
{
    Emit *e = &t->e;
    bool bytes = i->osize == 1;

    small_divisor(t, i, is_signed);
    if (is_signed) { /* as above */
        emit_rr(e, 0, 4, bytes ? 0x0fbe : 0x0fbf, H_R11, H_R8); /* movsx */
        if (bytes) {
            emit_rr(e, 0, 2, 0x39, H_R11, H_R8); /* cmp ax */
        } else {
            emit_mov(e, 4, H_R12, H_R11);
            emit_shift(e, 7, H_R12, 31); /* sar */
            emit_rr(e, 0, 2, 0x39, H_R12, H_DX);
        }
        tr_slow_if(t, 5);
        emit_lea(e, 4, H_R12, host_mem(H_R10, 1));
        emit_rr(e, 0, 4, 0x83, 7, H_R12);
        emit8(e, 1);
        tr_slow_if(t, 6);
    } else { /* the upper half must be less than the divisor */
        if (bytes) {
            emit_rr(e, 0, 4, 0x0fb7, H_R11, H_R8);
            emit_mov(e, 4, H_R12, H_R11);
            emit_shift(e, 5, H_R12, 8);
            emit_rr(e, 0, 4, 0x39, H_R10, H_R12);
        } else {
            emit_rr(e, 0, 4, 0x0fb7, H_R11, H_DX);
            emit_rr(e, 0, 4, 0x39, H_R10, H_R11);
        }
        tr_slow_if(t, 3);
        if (!bytes) {
            emit_shift(e, 4, H_R11, 16); /* shl */
            emit_rr(e, 0, 4, 0x0fb7, H_R12, H_R8);
            emit_rr(e, 0, 4, 0x09, H_R12, H_R11); /* or */
        }
    }
    emit_mov(e, 8, H_R12, H_AX);
    emit_store(e, 8, host_mem(H_SP, -8), H_DX);
    emit_mov(e, 4, H_AX, H_R11);
    if (is_signed)
        emit8(e, 0x99); /* cdq */
    else
        emit_mov_imm32(e, H_DX, 0);
    emit_rr(e, 0, 4, 0xf7, is_signed ? 7 : 6, H_R10);
    if (bytes) {
        emit_rr(e, 0, 4, 0x0fb6, H_R10, H_AX); /* AL */
        emit_shift(e, 4, H_DX, 8);
        emit_rr(e, 0, 4, 0x09, H_DX, H_R10); /* AH */
        emit_mov(e, 2, H_R8, H_R10);
        emit_load(e, 8, H_DX, host_mem(H_SP, -8));
    } else {
        emit_mov(e, 2, H_R8, H_AX);
        emit_mov(e, 4, H_R10, H_DX);
        emit_load(e, 8, H_DX, host_mem(H_SP, -8));
        emit_mov(e, 2, H_DX, H_R10);
    }
    emit_mov(e, 8, H_AX, H_R12);
    flags_clobbered(t);
}

static void tr_sign_dx(Tr *t, const Insn *i)
{
    if (t->park_ok)
        emit_mov(&t->e, 8, H_R11, H_AX);
    emit_mov(&t->e, 8, H_AX, H_R8);
    if (i->row == ROW_CWD)
        emit8(&t->e, 0x66);
    emit8(&t->e, 0x99);
    if (t->park_ok)
        emit_mov(&t->e, 8, H_AX, H_R11);
}

static void tr_xchg(Tr *t, const Insn *i)
{
    operand(t, i, true);
    Op o = op_reg_rm(i, sized(0x86, i), i->form == FORM_RM ? i->dst : i->src, i->dst, i->flags & INSN_MEM);
    op_emit(t, &o, 0, 0);
}

static void tr_push(Tr *t, const Insn *i)
{
    Emit *e = &t->e;
    unsigned size = i->opsize;
    /* the check of the push uses r10-r12, and r13 may be a span's */
    bool covered = t->cover[t->k][SLOT_STACK] >= 0, red_zone = !covered && tr_span_lives(t);
    int value = covered || red_zone ? H_R10 : H_R13;
    if (i->form == FORM_M) {
        tr_operand(t, i, size, false);
        emit_load(e, size, value, t->at);
        if (red_zone)
            emit_store(e, size, host_mem(H_SP, -8), value);
    }
    tr_stack(t, -(int)size, size, true);
    if (i->form == FORM_M) {
        if (red_zone)
            emit_load(e, size, value = H_R12, host_mem(H_SP, -8));
        emit_store(e, size, t->at, value);
    } else if (i->form == FORM_R) {
        emit_store(e, size, t->at, tr_reg(i->dst));
    } else {
        emit_rm(e, 0, size, 0xc7, 0, t->at);
        emit_imm(e, size, i->imm);
    }
    tr_stack_move(t, -(int)size);
}

static void tr_pop(Tr *t, const Insn *i)
{
    unsigned size = i->opsize;
    tr_stack(t, 0, size, false);
    if (tr_gpr(i->dst) != R_SP) {
        emit_load(&t->e, size, tr_reg(i->dst), t->at);
        tr_stack_move(t, size);
    } else { /* the value counts, after ESP moved */
        emit_load(&t->e, size, H_R10, t->at);
        tr_stack_move(t, size);
        emit_mov(&t->e, size, H_R9, H_R10);
    }
}

static void tr_leave(Tr *t)
{
    Emit *e = &t->e;
    if (!tr_covered(t, SLOT_STACK, 4, false))
        tr_pointer(t, S_SS, H_BP, 4, 4, false);
    emit_load(e, 4, H_R10, t->at); /* by the window it may fault: nothing may have changed before */
    emit_lea(e, 4, H_R9, host_mem(H_BP, 4));
    emit_mov(e, 4, H_BP, H_R10);
}

static void tr_direction(Tr *t, bool down)
{
    emit_rm(&t->e, 0, 4, 0x81, down ? 1 : 4, TR_VCPU(flags));
    emit32(&t->e, down ? FL_DF : ~FL_DF);
    flags_clobbered(t);
}

void tr_integer(Tr *t, const Insn *i)
{
    Emit *e = &t->e;
    Op o;

    switch (i->row) {
    case ROW_ADD:
    case ROW_OR:
    case ROW_ADC:
    case ROW_SBB:
    case ROW_AND:
    case ROW_SUB:
    case ROW_XOR:
    case ROW_CMP: tr_alu(t, i); break;
    case ROW_TEST: tr_test(t, i); break;
    case ROW_INC: tr_unary(t, i, 0xfe, 0); flags_written(t); break;
    case ROW_DEC: tr_unary(t, i, 0xfe, 1); flags_written(t); break;
    case ROW_NOT: tr_unary(t, i, 0xf6, 2); break;
    case ROW_NEG: tr_unary(t, i, 0xf6, 3); flags_written(t); break;
    case ROW_MOV: tr_mov(t, i); break;
    case ROW_MOVZX8: tr_extend(t, i, 0x0fb6, 1); break;
    case ROW_MOVZX16: tr_extend(t, i, 0x0fb7, 2); break;
    case ROW_MOVSX8: tr_extend(t, i, 0x0fbe, 1); break;
    case ROW_MOVSX16: tr_extend(t, i, 0x0fbf, 2); break;
    case ROW_LEA:
        if (i->osize == 4) {
            tr_offset(t, i, tr_reg(i->dst));
        } else {
            tr_offset(t, i, H_R10);
            emit_mov(e, 2, tr_reg(i->dst), H_R10);
        }
        break;
    case ROW_XCHG: tr_xchg(t, i); break;
    case ROW_XADD:
        operand(t, i, true);
        o = op_reg_rm(i, sized(0x0fc0, i), i->src, i->dst, i->flags & INSN_MEM);
        op_emit(t, &o, 0, 0);
        flags_written(t);
        break;
    case ROW_CMPXCHG:
        operand(t, i, true);
        o = op_reg_rm(i, sized(0x0fb0, i), i->src, i->dst, i->flags & INSN_MEM);
        o.in_ax = true;
        op_emit(t, &o, 0, 0);
        flags_written(t);
        break;
    case ROW_CMPXCHG8B: tr_cmpxchg8b(t, i); break;
    case ROW_BSWAP:
        if (i->osize == 2) {
            o = op_ext_rm(i, 0xc7, 0);
            op_emit(t, &o, 2, 0);
        } else {
            emit_rr(e, 0, 4, 0x0fc8 | (tr_reg(i->dst) & 7), 0, tr_reg(i->dst));
            e->p--; /* BSWAP has no ModRM byte */
        }
        break;
    case ROW_CBW: emit_rr(e, 0, 2, 0x0fbe, H_R8, H_R8); break;
    case ROW_CWDE: emit_rr(e, 0, 4, 0x0fbf, H_R8, H_R8); break;
    case ROW_CWD:
    case ROW_CDQ: tr_sign_dx(t, i); break;
    case ROW_LAHF:
        emit_xchg(e, H_AX, H_R8);
        emit8(e, 0x9f);
        emit_xchg(e, H_AX, H_R8);
        break;
    case ROW_SAHF:
        emit_mov(e, 8, H_AX, H_R8);
        emit8(e, 0x9e);
        flags_written(t);
        break;
    case ROW_CLC: emit8(e, 0xf8); flags_written(t); break;
    case ROW_STC: emit8(e, 0xf9); flags_written(t); break;
    case ROW_CMC: emit8(e, 0xf5); flags_written(t); break;
    case ROW_CLD: tr_direction(t, false); break;
    case ROW_STD: tr_direction(t, true); break;
    case ROW_NOP:
    case ROW_PAUSE: break;
    case ROW_ROL: tr_shift(t, i, 0); break;
    case ROW_ROR: tr_shift(t, i, 1); break;
    case ROW_RCL: tr_shift(t, i, 2); break;
    case ROW_RCR: tr_shift(t, i, 3); break;
    case ROW_SHL: tr_shift(t, i, 4); break;
    case ROW_SHR: tr_shift(t, i, 5); break;
    case ROW_SAR: tr_shift(t, i, 7); break;
    case ROW_SHLD: tr_double_shift(t, i, 0x0fa4); break;
    case ROW_SHRD: tr_double_shift(t, i, 0x0fac); break;
    case ROW_BT: tr_bit(t, i, 4); break;
    case ROW_BTS: tr_bit(t, i, 5); break;
    case ROW_BTR: tr_bit(t, i, 6); break;
    case ROW_BTC: tr_bit(t, i, 7); break;
    case ROW_BSF: tr_to_reg(t, i, 0x0fbc, 0); flags_written(t); break;
    case ROW_BSR: tr_to_reg(t, i, 0x0fbd, 0); flags_written(t); break;
    case ROW_IMUL2: tr_to_reg(t, i, 0x0faf, 0); flags_written(t); break;
    case ROW_IMUL3: tr_to_reg(t, i, 0x69, i->osize); flags_written(t); break;
    case ROW_MUL: tr_mul(t, i, 4); break;
    case ROW_IMUL: tr_mul(t, i, 5); break;
    case ROW_DIV:
    case ROW_IDIV:
        if (i->osize == 4)
            tr_div(t, i, i->row == ROW_IDIV);
        else
            tr_div_small(t, i, i->row == ROW_IDIV);
        break;
    case ROW_PUSH: tr_push(t, i); break;
    case ROW_POP: tr_pop(t, i); break;
    case ROW_LEAVE: tr_leave(t); break;
    default:
        if (i->row >= ROW_SETO && i->row <= ROW_SETNLE) {
            operand(t, i, true);
            o = op_ext_rm(i, 0x0f90 + (i->row - ROW_SETO), 0);
            op_emit(t, &o, 0, 0);
        } else {
            g_assert(i->row >= ROW_CMOVO && i->row <= ROW_CMOVNLE);
            tr_to_reg(t, i, 0x0f40 + (i->row - ROW_CMOVO), 0);
        }
        break;
    }
}

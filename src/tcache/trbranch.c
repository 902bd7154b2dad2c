/*
 * Near transfers: Jcc, JMP, CALL, RET, LOOP, JECXZ.
 */
#include "tcache/translate.h"

static uint32_t target_of(const Tr *t, const Insn *i)
{
    uint32_t target = t->next + (uint32_t)i->imm;
    return i->opsize == 2 ? target & 0xffff : target;
}

/* The last instruction falls through by edge 0. */
static void fall_through(Tr *t)
{
    tr_edge(t, 0, t->next);
}

static void tr_jcc(Tr *t, const Insn *i)
{
    unsigned cond = i->row - ROW_JO;
    uint32_t target = target_of(t, i);

    tr_count(t);
    if (tr_plain_target(t, target)) {
        tr_edge_at(t, 1, target, emit_jcc(&t->e, cond));
        fall_through(t);
        return;
    }
    uint8_t *skip = emit_jcc(&t->e, cond ^ 1);
    tr_edge(t, 1, target);
    emit_patch32(skip, t->e.p);
    fall_through(t);
}

/* The block goes on behind it. */
static void tr_side_exit(Tr *t, const Insn *i)
{
    tr_count(t);
    tr_edge_at(t, tr_side_edge(t), target_of(t, i), emit_jcc(&t->e, i->row - ROW_JO));
}

/* Flags are not touched: jrcxz does the test. */
static void tr_loop(Tr *t, const Insn *i, bool count)
{
    tr_count(t);
    if (count)
        emit_lea(&t->e, 4, H_CX, host_mem(H_CX, -1));
    emit8(&t->e, 0xe3);
    emit8(&t->e, 5);
    uint8_t *nonzero = emit_jmp(&t->e);
    if (count)
        fall_through(t);
    else
        tr_edge(t, 1, target_of(t, i));
    emit_patch32(nonzero, t->e.p);
    if (count)
        tr_edge(t, 1, target_of(t, i));
    else
        fall_through(t);
}

/* reg = where to, from a register or memory. */
static void load_target(Tr *t, const Insn *i, int reg)
{
    if (i->flags & INSN_MEM) {
        tr_operand(t, i, i->opsize, false);
        if (i->opsize == 2)
            emit_rm(&t->e, 0, 4, 0x0fb7, reg, t->at);
        else
            emit_load(&t->e, 4, reg, t->at);
    } else if (i->opsize == 2) {
        emit_rr(&t->e, 0, 4, 0x0fb7, reg, tr_reg(i->dst));
    } else {
        emit_mov(&t->e, 4, reg, tr_reg(i->dst));
    }
}

static void tr_call(Tr *t, const Insn *i)
{
    unsigned size = i->opsize;
    /* the check of the push uses r10; without one r13 may be its address */
    int to = t->cover[t->k][SLOT_STACK] >= 0 ? H_R10 : H_R13;
    if (i->form != FORM_I)
        load_target(t, i, to);
    tr_stack(t, -(int)size, size, true);
    emit_rm(&t->e, 0, size, 0xc7, 0, t->at);
    emit_imm(&t->e, size, t->next);
    tr_stack_move(t, -(int)size);
    tr_count(t);
    uint32_t back = size == 2 ? t->next & 0xffff : t->next;
    if (i->form != FORM_I && to != H_R10) /* before tr_call_begin(), which may leave: for r10 */
        emit_mov(&t->e, 4, H_R10, to);
    tr_call_begin(t, back);
    if (i->form == FORM_I && (t->bits & MODE_SINGLE)) {
        tr_edge(t, 0, target_of(t, i));
    } else if (i->form == FORM_I) {
        tr_edge_call(t, 0, target_of(t, i));
        tr_call_end(t, 1, back);
    } else {
        tr_indirect(t, !(t->bits & MODE_SINGLE));
        tr_call_end(t, 0, back);
    }
}

static void tr_ret(Tr *t, const Insn *i)
{
    unsigned size = i->opsize;
    tr_stack(t, 0, size, false);
    if (size == 2)
        emit_rm(&t->e, 0, 4, 0x0fb7, H_R13, t->at);
    else
        emit_load(&t->e, 4, H_R13, t->at);
    tr_stack_move(t, size + (i->form == FORM_I ? (uint16_t)i->imm : 0));
    tr_count(t);
    tr_return(t);
}

void tr_branch(Tr *t, const Insn *i)
{
    switch (i->row) {
    case ROW_JMP:
        if (i->form == FORM_I) {
            tr_count(t);
            tr_edge(t, 0, target_of(t, i));
        } else {
            load_target(t, i, H_R10);
            flags_park(t);
            tr_count(t);
            tr_indirect(t, false);
        }
        break;
    case ROW_CALL: tr_call(t, i); break;
    case ROW_RET: tr_ret(t, i); break;
    case ROW_LOOP: tr_loop(t, i, true); break;
    case ROW_JCXZ:
    case ROW_JECXZ: tr_loop(t, i, false); break;
    default:
        if (t->k + 1 < t->n)
            tr_side_exit(t, i);
        else
            tr_jcc(t, i);
        break;
    }
}

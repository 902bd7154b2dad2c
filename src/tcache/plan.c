/*
 * How each instruction is translated, and what it does with the arithmetic flags.
 *
 * Whatever is not named here is left to its interpreter handler. Flags that a manual calls undefined are the host's, as in
 * the interpreter, so instructions that leave some alone on some hosts count as writing only part of them.
 */
#include "tcache/translate.h"

#define PLAN(k, f) ((InsnPlan){.kind = (k), .flags = (f)})

/* An ordinary instruction: in place, faulty if it has a memory operand. */
static InsnPlan ordinary(const Insn *i, FlagUse flags)
{
    return PLAN(i->flags & INSN_MEM ? KIND_FAULTY : KIND_INLINE, flags);
}

/* A near transfer by a value that is not known yet needs no limit check here. */
static bool any_target_fits(const Tr *t, const Insn *i)
{
    return t->cs_limit == 0xffffffffu || (i->opsize == 2 && t->cs_limit >= 0xffff);
}

static bool target_fits(const Tr *t, const Insn *i)
{
    uint32_t target = t->next + (uint32_t)i->imm;
    return (i->opsize == 2 ? target & 0xffff : target) <= t->cs_limit;
}

static InsnPlan plan_branch(const Tr *t, const Insn *i)
{
    InsnPlan final = PLAN(KIND_FINAL, FLAGS_NONE);

    switch (i->row) {
    case ROW_JMP:
        if (i->form == FORM_I)
            return target_fits(t, i) ? PLAN(KIND_BRANCH, FLAGS_NONE) : final;
        return any_target_fits(t, i) ? PLAN(KIND_BRANCH_FAULTY, FLAGS_NONE) : final;
    case ROW_CALL:
        if (i->form == FORM_I)
            return target_fits(t, i) ? PLAN(KIND_BRANCH_FAULTY, FLAGS_NONE) : final;
        return any_target_fits(t, i) ? PLAN(KIND_BRANCH_FAULTY, FLAGS_NONE) : final;
    case ROW_RET:
        return any_target_fits(t, i) ? PLAN(KIND_BRANCH_FAULTY, FLAGS_NONE) : final;
    case ROW_JECXZ:
    case ROW_JCXZ:
    case ROW_LOOP:
        return i->asize == 4 && target_fits(t, i) ? PLAN(KIND_BRANCH, FLAGS_NONE) : final;
    default:
        if (i->row >= ROW_JO && i->row <= ROW_JNLE && target_fits(t, i))
            return PLAN(KIND_BRANCH, FLAGS_READ);
        return final;
    }
}

/* System instructions after which the block can go on: they change nothing that code is translated under. */
static bool call_goes_on(const Insn *i)
{
    switch (i->row) {
    case ROW_MOV_CR:
    case ROW_MOV_DR:
        return i->opcode == 0x0f20 || i->opcode == 0x0f21; /* from them */
    case ROW_PUSHF:
    case ROW_PUSHFD:
    case ROW_CLI:
    case ROW_STI:
    case ROW_IN:
    case ROW_INSB:
    case ROW_INSW:
    case ROW_INSD:
    case ROW_SMSW:
    case ROW_SGDT:
    case ROW_SIDT:
    case ROW_SLDT:
    case ROW_STR:
    case ROW_LAR:
    case ROW_LSL:
    case ROW_VERR:
    case ROW_VERW:
    case ROW_ARPL:
    case ROW_CPUID:
    case ROW_RDTSC:
    case ROW_RDTSCP:
    case ROW_RDPMC:
    case ROW_RDMSR:
        return true;
    default:
        return false;
    }
}

/* System instructions that seldom change what code is translated under: their block looks. */
static bool call_may_go_on(const Insn *i)
{
    switch (i->row) {
    case ROW_MOV_SREG:
    case ROW_POP_SREG:
        return i->reg != S_SS && i->reg != S_CS;
    case ROW_LDS:
    case ROW_LES:
    case ROW_LFS:
    case ROW_LGS:
    case ROW_CLTS:
    case ROW_WRMSR:
    case ROW_OUT: /* A20 may change, and with it where code lies */
    case ROW_OUTSB:
    case ROW_OUTSW:
    case ROW_OUTSD:
        return true;
    default:
        return false;
    }
}

InsnPlan insn_plan(const Tr *t, const Insn *i)
{
    InsnPlan call = PLAN(KIND_CALL, FLAGS_NONE), final = PLAN(KIND_FINAL, FLAGS_NONE);
    bool mem = i->flags & INSN_MEM;

    if (insn_info[i->row].rule == TR_BRANCH)
        return plan_branch(t, i);
    if (i->row >= ROW_F2XM1)
        return fp_insn_plan(t, i);
    switch (i->row) {
    case ROW_ADD:
    case ROW_OR:
    case ROW_AND:
    case ROW_SUB:
    case ROW_XOR:
    case ROW_CMP:
    case ROW_TEST:
    case ROW_NEG:
    case ROW_XADD:
    case ROW_CMPXCHG:
        return ordinary(i, FLAGS_WRITE);
    case ROW_ADC:
    case ROW_SBB:
        return ordinary(i, FLAGS_READ);
    case ROW_INC:
    case ROW_DEC:
        return ordinary(i, FLAGS_PART);
    case ROW_ROL:
    case ROW_ROR:
    case ROW_SHL:
    case ROW_SHR:
    case ROW_SAR:
    case ROW_SHLD:
    case ROW_SHRD:
    case ROW_BSF:
    case ROW_BSR:
    case ROW_MUL:
    case ROW_IMUL:
    case ROW_IMUL2:
    case ROW_IMUL3:
        return ordinary(i, FLAGS_PART);
    case ROW_RCL:
    case ROW_RCR:
        return ordinary(i, FLAGS_READ);
    case ROW_BT:
    case ROW_BTS:
    case ROW_BTR:
    case ROW_BTC:
        if (i->form == FORM_MR && (i->osize != 4 || i->amask != 0xffffffff))
            return call;
        return ordinary(i, FLAGS_PART);
    case ROW_CMPXCHG8B:
        return mem ? PLAN(KIND_FAULTY, FLAGS_PART) : call;
    case ROW_DIV:
    case ROW_IDIV:
        return PLAN(KIND_FAULTY, FLAGS_NONE);
    case ROW_MOVZX8:
    case ROW_MOVSX8:
        if (!mem && tr_is_high(i->src) && tr_gpr(i->dst) == R_SP)
            return call;
        return ordinary(i, FLAGS_NONE);
    case ROW_NOT:
    case ROW_MOV:
    case ROW_MOVZX16:
    case ROW_MOVSX16:
    case ROW_XCHG:
        return ordinary(i, FLAGS_NONE);
    case ROW_LEA:
    case ROW_BSWAP:
    case ROW_CBW:
    case ROW_CWDE:
    case ROW_CWD:
    case ROW_CDQ:
    case ROW_NOP:
    case ROW_PAUSE:
        return PLAN(KIND_INLINE, FLAGS_NONE);
    case ROW_LAHF:
    case ROW_SAHF:
    case ROW_CLC:
    case ROW_STC:
    case ROW_CMC:
        return PLAN(KIND_INLINE, FLAGS_READ);
    case ROW_CLD:
    case ROW_STD:
        return PLAN(KIND_FAULTY, FLAGS_NONE); /* it cannot fault, but wants the flags out of the way */
    case ROW_PUSH:
    case ROW_PUSH_SREG:
        return PLAN(KIND_FAULTY, FLAGS_NONE);
    case ROW_MOV_SREG:
        if (i->opcode == 0x8c)
            return ordinary(i, FLAGS_NONE);
        break;
    case ROW_MOV_CR:
        if (i->opcode == 0x0f20 && (i->reg == 0 || i->reg == 2 || i->reg == 3) && !(t->bits & MODE_USER))
            return PLAN(KIND_FAULTY, FLAGS_NONE);
        break;
    case ROW_CLI:
    case ROW_STI:
    case ROW_PUSHF:
    case ROW_PUSHFD:
    case ROW_POPF:
    case ROW_POPFD:
        if (!(t->bits & MODE_USER))
            return PLAN(KIND_FAULTY, FLAGS_NONE);
        break;
    case ROW_LODSB:
    case ROW_LODSW:
    case ROW_LODSD:
    case ROW_STOSB:
    case ROW_STOSW:
    case ROW_STOSD:
    case ROW_MOVSB:
    case ROW_MOVSW:
    case ROW_STR_MOVSD:
        return i->rep ? call : PLAN(KIND_FAULTY, FLAGS_NONE);
    case ROW_POP:
        return i->form == FORM_R ? PLAN(KIND_FAULTY, FLAGS_NONE) : call;
    case ROW_LEAVE:
        return i->opsize == 4 && (t->bits & MODE_STACK32) ? PLAN(KIND_FAULTY, FLAGS_NONE) : call;
    default:
        break;
    }
    if (i->row >= ROW_SETO && i->row <= ROW_CMOVNLE)
        return ordinary(i, FLAGS_READ);
    switch (insn_info[i->row].class) {
    case INNOCUOUS:
        return call;
    default:
        return call_goes_on(i) ? call : call_may_go_on(i) ? PLAN(KIND_MODE, FLAGS_NONE) : final;
    }
}

/*
 * Spans: memory operands of a block that lie near each other are checked once.
 *
 * Most operands of compiled code are fields of one stack frame or structure: a register that only moves by constants, and
 * a displacement. Such operands form a span, if they lie within SPAN_BYTES. One check before the first of them looks in the
 * TLB for the span as a whole; r13 is its host address from then on, and the operands are [r13 + constant]. They need no check, cannot
 * fault and leave the flags alone.
 *
 * A check that fails says nothing about any single access: the page may not be in the TLB, or not be writable, or the span
 * may lie on two pages. So the code goes on by a plain edge, in a block from that instruction on that has no spans. A slow
 * path inside a span makes the check again when it comes back.
 *
 * The parts: what each instruction does to the registers (effects), its operands (note_accesses), the choice (spans_plan).
 */
#include "tcache/spans.h"

#include "tcache/translate.h"

#define SPAN_BYTES 1024 /* longer ones lie on two pages too often */

/* Values of registers: a number that names one, and a constant to be added. */
enum { SYM_ABSOLUTE = 0, SYM_REG = 1, SYM_NEW = 16 };

typedef struct Access {
    uint16_t sym;
    uint8_t k, slot;
    uint8_t size, epoch;
    bool write, taken;
    int32_t off;
} Access;

typedef struct Planner {
    Tr *t;
    RegSym now[8];
    uint16_t next_sym;
    uint8_t epoch; /* spans do not reach from one to another */
    Access access[2 * TRANS_INSNS];
    unsigned accesses;
} Planner;

static void unknown(Planner *p, unsigned reg)
{
    p->now[reg] = (RegSym){p->next_sym++, 0};
}

static void unknown_operand(Planner *p, unsigned offset)
{
    unknown(p, tr_gpr(offset));
}

/* Does the form's first operand name a register, or its second? */
static bool first_is_reg(const Insn *i)
{
    return i->form == FORM_R || i->form == FORM_RR || i->form == FORM_RM || i->form == FORM_RI;
}

static void stack_moved(Planner *p, int32_t delta)
{
    if (p->t->bits & MODE_STACK32)
        p->now[R_SP].off += delta;
    else
        unknown(p, R_SP);
}

/* reg = its sum with a constant, if it is wide enough */
static void added(Planner *p, const Insn *i, int32_t delta)
{
    if (i->osize == 4)
        p->now[tr_gpr(i->dst)].off += delta;
    else
        unknown_operand(p, i->dst);
}

static bool plain_address(const Insn *i, uint16_t *base)
{
    *base = i->base;
    if (i->amask != 0xffffffff)
        return false;
    if (i->index == REG_OFFSET_NONE)
        return true;
    *base = i->index;
    return i->base == REG_OFFSET_NONE && i->scale == 0;
}

static RegSym address_sym(const Planner *p, uint16_t base, int32_t disp)
{
    RegSym s = {SYM_ABSOLUTE, 0};
    if (base != REG_OFFSET_NONE)
        s = p->now[tr_gpr(base)];
    s.off += disp;
    return s;
}

/* What i, done in place, makes of the general registers. */
static void effects(Planner *p, const Insn *i, const uint8_t *raw)
{
    uint16_t base;

    if (i->row >= ROW_F2XM1) {
        unsigned gprs = fp_writes_gprs(i, raw);
        for (unsigned r = 0; r < 8; r++)
            if (gprs >> r & 1)
                unknown(p, r);
        return;
    }
    switch (i->row) {
    case ROW_CMP: case ROW_TEST: case ROW_BT: case ROW_NOP: case ROW_PAUSE: case ROW_SAHF: case ROW_CLC: case ROW_STC: case ROW_CMC:
    case ROW_CLD: case ROW_STD: case ROW_CLI: case ROW_STI: case ROW_CALL: case ROW_RET: case ROW_JMP:
        break;
    case ROW_MOV:
        if (i->form == FORM_RR && i->osize == 4)
            p->now[tr_gpr(i->dst)] = p->now[tr_gpr(i->src)];
        else if (first_is_reg(i))
            unknown_operand(p, i->dst);
        break;
    case ROW_LEA:
        if (i->osize == 4 && plain_address(i, &base) && base != REG_OFFSET_NONE)
            p->now[tr_gpr(i->dst)] = address_sym(p, base, i->disp);
        else
            unknown_operand(p, i->dst);
        break;
    case ROW_ADD:
    case ROW_SUB:
        if (i->form == FORM_RI)
            added(p, i, i->row == ROW_ADD ? (int32_t)i->imm : -(int32_t)i->imm);
        else if (first_is_reg(i))
            unknown_operand(p, i->dst);
        break;
    case ROW_INC:
    case ROW_DEC:
        if (i->form == FORM_R)
            added(p, i, i->row == ROW_INC ? 1 : -1);
        break;
    case ROW_PUSH:
        stack_moved(p, -(int)i->opsize);
        break;
    case ROW_PUSH_SREG:
    case ROW_PUSHF:
    case ROW_PUSHFD:
        stack_moved(p, -(int)i->opsize);
        break;
    case ROW_POPF:
    case ROW_POPFD:
        stack_moved(p, i->opsize);
        break;
    case ROW_POP:
        stack_moved(p, i->opsize);
        unknown_operand(p, i->dst);
        break;
    case ROW_LEAVE:
        p->now[R_SP] = p->now[R_BP];
        p->now[R_SP].off += 4;
        unknown(p, R_BP);
        break;
    case ROW_XCHG:
    case ROW_XADD:
        if (first_is_reg(i))
            unknown_operand(p, i->dst);
        if (i->form == FORM_RR || i->form == FORM_MR)
            unknown_operand(p, i->src);
        break;
    case ROW_CMPXCHG:
        unknown(p, R_AX);
        if (first_is_reg(i))
            unknown_operand(p, i->dst);
        break;
    case ROW_MUL:
    case ROW_IMUL:
    case ROW_DIV:
    case ROW_IDIV:
        unknown(p, R_AX);
        unknown(p, R_DX);
        break;
    case ROW_LAHF:
    case ROW_CBW:
    case ROW_CWDE:
        unknown(p, R_AX);
        break;
    case ROW_CWD:
    case ROW_CDQ:
        unknown(p, R_DX);
        break;
    case ROW_IMUL2:
    case ROW_IMUL3:
    case ROW_BSF:
    case ROW_BSR:
    case ROW_MOVZX8:
    case ROW_MOVZX16:
    case ROW_MOVSX8:
    case ROW_MOVSX16:
    case ROW_BSWAP:
        unknown_operand(p, i->dst);
        break;
    case ROW_OR: case ROW_ADC: case ROW_SBB: case ROW_AND: case ROW_XOR: case ROW_NOT: case ROW_NEG:
    case ROW_ROL: case ROW_ROR: case ROW_RCL: case ROW_RCR: case ROW_SHL: case ROW_SHR: case ROW_SAR:
    case ROW_SHLD: case ROW_SHRD: case ROW_BTS: case ROW_BTR: case ROW_BTC:
        if (!(i->flags & INSN_MEM) || first_is_reg(i))
            unknown_operand(p, i->dst);
        break;
    default:
        if (i->row >= ROW_CMOVO && i->row <= ROW_CMOVNLE) {
            unknown_operand(p, i->dst);
        } else if (i->row >= ROW_SETO && i->row <= ROW_SETNLE) {
            if (!(i->flags & INSN_MEM))
                unknown_operand(p, i->dst);
        } else if (i->row < ROW_JO || i->row > ROW_JNLE) {
            for (unsigned r = 0; r < 8; r++) /* strings and whatever else */
                unknown(p, r);
        }
        break;
    }
}

/* Size of the memory operand as its translation accesses it, and whether it writes; 0: none that a span may have. */
static unsigned operand_size(const Insn *i, const uint8_t *raw, bool *write)
{
    *write = false;
    if (i->row >= ROW_F2XM1) {
        *write = fp_writes_memory(i, raw);
        return i->msize;
    }
    switch (i->row) {
    case ROW_MOVZX8:
    case ROW_MOVSX8: return 1;
    case ROW_MOVZX16:
    case ROW_MOVSX16: return 2;
    case ROW_PUSH:
    case ROW_CALL:
    case ROW_JMP: return i->opsize;
    case ROW_CMP: case ROW_TEST: case ROW_BT: case ROW_BSF: case ROW_BSR: case ROW_MUL: case ROW_IMUL: case ROW_IMUL2:
    case ROW_IMUL3: case ROW_DIV: case ROW_IDIV:
        return i->osize;
    case ROW_MOV: case ROW_ADD: case ROW_OR: case ROW_ADC: case ROW_SBB: case ROW_AND: case ROW_SUB: case ROW_XOR:
        *write = i->form == FORM_MR || i->form == FORM_MI;
        return i->osize;
    case ROW_INC: case ROW_DEC: case ROW_NOT: case ROW_NEG: case ROW_XCHG: case ROW_XADD: case ROW_CMPXCHG:
    case ROW_ROL: case ROW_ROR: case ROW_RCL: case ROW_RCR: case ROW_SHL: case ROW_SHR: case ROW_SAR:
    case ROW_SHLD: case ROW_SHRD: case ROW_BTS: case ROW_BTR: case ROW_BTC:
        *write = true;
        return i->osize;
    default:
        if (i->row >= ROW_CMOVO && i->row <= ROW_CMOVNLE)
            return i->osize;
        if (i->row >= ROW_SETO && i->row <= ROW_SETNLE) {
            *write = true;
            return i->osize;
        }
        return 0;
    }
}

static bool flat(const Tr *t, int seg)
{
    return t->bits >> MODE_FLAT_SHIFT >> seg & 1;
}

static void add_access(Planner *p, unsigned k, unsigned slot, RegSym at, unsigned size, bool write)
{
    p->access[p->accesses++] = (Access){
        .sym = at.sym, .k = k, .slot = slot, .size = size, .epoch = p->epoch, .write = write, .off = at.off,
    };
}

static void note_accesses(Planner *p, unsigned k, const Insn *i, const uint8_t *raw)
{
    const Tr *t = p->t;
    bool write;
    uint16_t base;

    if (i->flags & INSN_MEM) {
        unsigned size = operand_size(i, raw, &write);
        if (size && size <= 16 && plain_address(i, &base) && flat(t, i->seg) && !(write && i->seg == S_CS))
            add_access(p, k, SLOT_OPERAND, address_sym(p, base, i->disp), size, write);
    }
    if (!(t->bits & MODE_STACK32) || !flat(t, S_SS))
        return;
    RegSym sp = p->now[R_SP];
    switch (i->row) {
    case ROW_PUSH:
        sp.off -= i->opsize;
        add_access(p, k, SLOT_STACK, sp, i->opsize, true);
        break;
    case ROW_CALL:
        sp.off -= i->opsize;
        add_access(p, k, SLOT_STACK, sp, i->opsize, true);
        break;
    case ROW_POP:
    case ROW_RET:
        add_access(p, k, SLOT_STACK, sp, i->opsize, false);
        break;
    case ROW_LEAVE:
        add_access(p, k, SLOT_STACK, p->now[R_BP], 4, false);
        break;
    default:
        break;
    }
}

/* Those where translated code uses r13 for something else. */
static bool needs_r13(const Insn *i)
{
    switch (i->row) {
    case ROW_BT:
    case ROW_BTS:
    case ROW_BTR:
    case ROW_BTC:
        return i->form == FORM_MR;
    case ROW_PUSHF:
    case ROW_PUSHFD:
    case ROW_POPF:
    case ROW_POPFD:
    case ROW_MOVSB:
    case ROW_MOVSW:
    case ROW_STR_MOVSD:
        return true;
    default:
        return false;
    }
}

static void walk(Planner *p)
{
    Tr *t = p->t;
    for (unsigned r = 0; r < 8; r++)
        p->now[r] = (RegSym){SYM_REG + r, 0};
    p->next_sym = SYM_NEW;
    for (unsigned k = 0; k < t->n; k++) {
        const Insn *i = &t->insn[k];
        memcpy(t->reg_sym[k], p->now, sizeof p->now);
        switch (t->plan[k].kind) {
        case KIND_FAULTY:
        case KIND_BRANCH_FAULTY:
            if (needs_r13(i))
                p->epoch++;
            else
                note_accesses(p, k, i, t->raw[k]);
            effects(p, i, t->raw[k]);
            break;
        case KIND_INLINE:
        case KIND_BRANCH:
            effects(p, i, t->raw[k]);
            break;
        default:
            for (unsigned r = 0; r < 8; r++)
                unknown(p, r);
            p->epoch++;
            break;
        }
    }
    memcpy(t->reg_sym[t->n], p->now, sizeof p->now);
}

/* Can a span reach over instruction k? */
static bool is_free(const Tr *t, unsigned k)
{
    return !t->span_at[k];
}

typedef struct Choice {
    unsigned first; /* access */
    unsigned count, last_k;
    int32_t lo, hi;
    bool write;
} Choice;

/* The span that begins with access a. */
static Choice grow(const Planner *p, unsigned a)
{
    const Access *first = &p->access[a];
    Choice c = {.first = a, .lo = first->off, .hi = first->off + first->size};
    unsigned k = first->k;
    for (unsigned n = a; n < p->accesses && p->access[n].epoch == first->epoch; n++) {
        const Access *x = &p->access[n];
        while (k < x->k && is_free(p->t, k + 1))
            k++;
        if (k < x->k)
            break;
        int32_t lo = MIN(c.lo, x->off), hi = MAX(c.hi, x->off + x->size);
        if (x->sym != first->sym || hi < lo || (uint32_t)hi - (uint32_t)lo > SPAN_BYTES)
            continue;
        c.lo = lo;
        c.hi = hi;
        c.write |= x->write;
        c.last_k = x->k;
        c.count++;
    }
    return c;
}

static bool held(const Tr *t, unsigned k, uint16_t sym)
{
    for (unsigned r = 0; r < 8; r++)
        if (t->reg_sym[k][r].sym == sym)
            return true;
    return sym == SYM_ABSOLUTE;
}

/*
 * Where to check: earlier than the first access if the flags are not wanted there. That is before the last instruction that writes
 * them all, so they are whole again after one instruction.
 */
static unsigned check_place(const Planner *p, const Choice *c)
{
    const Access *a = &p->access[c->first];
    const Tr *t = p->t;
    for (unsigned k = a->k;; k--) {
        if (!t->live_before[k])
            return k;
        if (k == 0 || !is_free(t, k - 1) || !held(t, k - 1, a->sym) || needs_r13(&t->insn[k - 1]) ||
            t->plan[k - 1].kind == KIND_CALL || t->plan[k - 1].kind == KIND_MODE ||
            t->plan[k - 1].kind == KIND_BRANCH) /* not for those that leave the block there */
            return a->k;
    }
}

static void take(Planner *p, const Choice *c)
{
    Tr *t = p->t;
    const Access *first = &p->access[c->first];
    Span *s = &t->span[t->spans++];
    *s = (Span){
        .sym = first->sym, .lo = c->lo, .bytes = (uint32_t)c->hi - (uint32_t)c->lo, .write = c->write, .first = check_place(p, c), .last = c->last_k,
    };
    for (unsigned k = s->first; k <= s->last; k++)
        t->span_at[k] = t->spans;
    for (unsigned n = c->first; n < p->accesses && p->access[n].k <= c->last_k; n++) {
        Access *x = &p->access[n];
        uint32_t at = (uint32_t)x->off - (uint32_t)c->lo;
        if (x->sym == s->sym && (uint64_t)at + x->size <= s->bytes && x->epoch == first->epoch && (!x->write || s->write)) {
            t->cover[x->k][x->slot] = at;
            x->taken = true;
        }
    }
}

/* Nothing is left of i that may fault or destroy the flags. */
static bool all_covered(const Tr *t, unsigned k)
{
    const Insn *i = &t->insn[k];
    bool operand = t->cover[k][SLOT_OPERAND] >= 0, stack = t->cover[k][SLOT_STACK] >= 0;

    if (t->plan[k].kind != KIND_FAULTY)
        return false;
    if (i->row >= ROW_F2XM1)
        return operand && !fp_may_fail(i);
    switch (i->row) {
    case ROW_DIV:
    case ROW_IDIV:
    case ROW_MOV_SREG:
        return false;
    case ROW_PUSH:
        return stack && (!(i->flags & INSN_MEM) || operand);
    case ROW_POP:
    case ROW_LEAVE:
        return stack;
    default:
        return operand;
    }
}

void spans_plan(Tr *t)
{
    unsigned candidates = 0;
    Planner p;

    t->spans = 0;
    memset(t->span_at, 0, t->n);
    memset(t->cover, 0xff, t->n * sizeof t->cover[0]);
    bool points = false;
    for (unsigned k = 0; k < t->n; k++) {
        candidates += t->plan[k].kind == KIND_FAULTY || t->plan[k].kind == KIND_BRANCH_FAULTY;
        points |= x87_points(t, k);
    }
    bool none = t->b->plain || t->b->host2 || candidates < 2 || (t->bits & MODE_WINDOW) || (t->bits >> MODE_MMU_SHIFT & 3) == MMU_CHECK;
    if (none && !points)
        return;
    p.t = t;
    p.accesses = 0;
    p.epoch = 0;
    walk(&p);
    if (none)
        return;
    while (t->spans < SPANS_MAX) {
        Choice best = {0};
        for (unsigned a = 0; a < p.accesses; a++) {
            if (p.access[a].taken || !is_free(t, p.access[a].k))
                continue;
            Choice c = grow(&p, a);
            if (c.count > best.count)
                best = c;
        }
        if (best.count < 2)
            break;
        take(&p, &best);
    }
    for (unsigned k = 0; k < t->n; k++)
        if (all_covered(t, k) && !t->c->shadow)
            t->plan[k].kind = KIND_INLINE;
}

/* The register whose value before instruction k names the span's bytes; false: none holds it any more. */
static bool find_base(const Tr *t, const Span *s, unsigned k, int *reg, int32_t *disp)
{
    *reg = H_NONE;
    *disp = s->lo;
    if (s->sym == SYM_ABSOLUTE)
        return true;
    for (unsigned r = 0; r < 8; r++) {
        const RegSym *x = &t->reg_sym[k][r];
        if (x->sym == s->sym) {
            *reg = tr_host[r];
            *disp = s->lo - x->off;
            return true;
        }
    }
    return false;
}

uint8_t *span_check(Tr *t, unsigned span, unsigned k)
{
    const Span *s = &t->span[span - 1];
    int reg;
    int32_t disp;

    if (!find_base(t, s, k, &reg, &disp))
        return NULL;
    if (reg == H_NONE)
        emit_mov_imm32(&t->e, H_R10, disp);
    else if (disp)
        emit_lea(&t->e, 4, H_R10, host_mem(reg, disp));
    else
        emit_mov(&t->e, 4, H_R10, reg);
    return tr_tlb_span(t, s->bytes, s->write);
}

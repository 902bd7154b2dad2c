/*
 * Pointers of the x87: FIP, FCS, FOP, FDP and FDS, which every instruction sets and hardly anything ever looks at.
 *
 * Translated code writes down only what the last instruction set, where something else comes to run: at a block's ends, at
 * handlers, and in the cold code of slow paths. While a block is translated Tr.x87 tells what is not written yet. FIP and FOP are
 * constants, kept beside the code (X87Last): a block leaves the place of that in Vcpu.x87_last. The selectors are those of
 * Vcpu.seg, which only C code changes, so the stubs take them from there before any runs (stubs.c). The operand's address is
 * made from the registers as they are by then, whose values relative to those before spans.c knows; if an instruction
 * changes them in another way, the address is stored before it.
 */
#include "tcache/translate.h"

bool x87_points(const Tr *t, unsigned k)
{
    const Insn *i = &t->insn[k];
    uint8_t kind = t->plan[k].kind;
    return i->row >= ROW_F2XM1 && (i->flags & INSN_MEM) && !(i->flags & INSN_XMM) && (kind == KIND_FAULTY || kind == KIND_INLINE);
}

/* The register that has, before instruction k, what the one at `offset` had before instruction j, plus *disp. False: none. */
static bool find(const Tr *t, unsigned j, uint16_t *offset, unsigned k, int32_t *disp)
{
    if (*offset == REG_OFFSET_NONE)
        return true;
    const RegSym *then = &t->reg_sym[j][tr_gpr(*offset)];
    unsigned same = tr_gpr(*offset);
    for (unsigned n = 0; n < 8; n++) {
        unsigned r = (same + n) % 8;
        const RegSym *now = &t->reg_sym[k][r];
        if (now->sym == then->sym) {
            *offset = offsetof(Vcpu, gpr) + r * sizeof(Gpr);
            *disp = now->off - then->off;
            return true;
        }
    }
    return false;
}

/* Instruction j with its operand's address as it can be named before instruction k. False: it cannot. */
static bool operand_later(const Tr *t, unsigned j, unsigned k, Insn *i)
{
    int32_t base = 0, index = 0;
    *i = t->insn[j];
    if (!find(t, j, &i->base, k, &base) || !find(t, j, &i->index, k, &index))
        return false;
    i->disp -= (uint32_t)base + ((uint32_t)index << i->scale);
    return true;
}

static void emit_dp(Tr *t, unsigned j, unsigned k)
{
    Insn i;
    bool found = operand_later(t, j, k, &i);
    g_assert(found);
    tr_offset(t, &i, H_R11);
    emit_store(&t->e, 8, TR_VCPU(fpu.fdp), H_R11);
    emit_rm(&t->e, 0, 1, 0xc6, 0, TR_VCPU(x87_seg));
    emit8(&t->e, i.seg + 1);
}

void x87ptr_emit(Tr *t, X87Pending x, unsigned k)
{
    if (x.dp)
        emit_dp(t, x.dp - 1, k);
    if (!x.ip)
        return;
    unsigned j = x.ip - 1;
    const Insn *i = &t->insn[j];
    X87Last *last = codebuf_data(t->c->buf, sizeof *last, 0);
    *last = (X87Last){.fip = t->b->eip + t->offset[j], .fop = (i->opcode & 7) << 8 | (i->imm2 & 0xff)};
    emit_rm(&t->e, 0, 4, 0xc7, 0, TR_VCPU(x87_last));
    emit32(&t->e, ref_to(t->c, last));
}

void x87ptr_settle(Tr *t)
{
    x87ptr_emit(t, t->x87, t->k);
    t->x87 = (X87Pending){0};
}

void x87ptr_note(Tr *t, const Insn *i)
{
    t->x87.ip = t->k + 1;
    if (i->flags & INSN_MEM)
        t->x87.dp = t->k + 1;
}

void x87ptr_before(Tr *t)
{
    Insn i;
    if (t->plan[t->k].kind != KIND_INLINE && t->plan[t->k].kind != KIND_FAULTY) {
        x87ptr_settle(t);
    } else if (t->x87.dp && !operand_later(t, t->x87.dp - 1, t->k + 1, &i)) {
        emit_dp(t, t->x87.dp - 1, t->k);
        t->x87.dp = 0;
    }
}

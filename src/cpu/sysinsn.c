/*
 * The small system instructions: descriptor tables, tasks, access rights, segment registers, HLT and caches.
 */
#include "cpu/desc.h"
#include "cpu/eflags.h"
#include "cpu/handlers.h"
#include "cpu/stack.h"
#include "softmmu/mmu.h"

static void need_cpl0(Vcpu *v)
{
    if (v->cpl != 0)
        fault_gp0(v);
}

/* Selectors mean nothing in real and V8086 mode. */
static void need_selectors(Vcpu *v)
{
    if (vcpu_realish(v))
        fault_ud(v);
}

static uint16_t rm16(Vcpu *v, const Insn *i)
{
    return i->flags & INSN_MEM ? mem_read16(v, i->seg, insn_ea(v, i)) : v->gpr[i->rm].w;
}

/* A 16-bit value to memory, or to a register at operand size, zero-extended. */
static void rm16_store(Vcpu *v, const Insn *i, uint16_t value)
{
    if (i->flags & INSN_MEM)
        mem_write16(v, i->seg, insn_ea(v, i), value);
    else if (i->opsize == 2)
        v->gpr[i->rm].w = value;
    else
        v->gpr[i->rm].d = value;
}

/* ---- descriptor tables ---- */

static void load_table(Vcpu *v, const Insn *i, TableReg *t)
{
    uint64_t ea = insn_ea(v, i);
    need_cpl0(v);
    uint16_t limit = mem_read16(v, i->seg, ea);
    uint32_t base = mem_read32(v, i->seg, (ea + 2) & i->amask);
    t->limit = limit;
    t->base = i->opsize == 2 ? base & 0xffffff : base;
}

/* All 32 bits of the base are stored whatever the operand size: so do all processors since the 386, SDM notwithstanding. */
static void store_table(Vcpu *v, const Insn *i, const TableReg *t)
{
    uint64_t ea = insn_ea(v, i);
    cpu_need_sight(v);
    uint16_t limit = t->limit;
    uint32_t base = t->base;
    uint8_t image[6];
    memcpy(image, &limit, 2);
    memcpy(image + 2, &base, 4);
    mem_write_block(v, i->seg, ea, image, 6);
}

void op_lgdt(Vcpu *v, const Insn *i) { load_table(v, i, &v->gdtr); }
void op_lidt(Vcpu *v, const Insn *i) { load_table(v, i, &v->idtr); }
void op_sgdt(Vcpu *v, const Insn *i) { store_table(v, i, &v->gdtr); }
void op_sidt(Vcpu *v, const Insn *i) { store_table(v, i, &v->idtr); }

void op_lldt(Vcpu *v, const Insn *i)
{
    Desc d;
    need_selectors(v);
    need_cpl0(v);
    uint16_t sel = rm16(v, i);
    if (!SEL_INDEX(sel)) {
        v->ldtr.sel = sel;
        v->ldtr.null = true;
        return;
    }
    if ((sel & SEL_TI) || !desc_read(v, sel, &d) || desc_is_segment(&d) || desc_type(&d) != DESC_LDT)
        fault_raise_error(v, VEC_GP, SEL_INDEX(sel));
    if (!desc_present(&d))
        fault_raise_error(v, VEC_NP, SEL_INDEX(sel));
    seg_fill(&v->ldtr, sel, &d);
}

void op_ltr(Vcpu *v, const Insn *i)
{
    Desc d;
    need_selectors(v);
    need_cpl0(v);
    uint16_t sel = rm16(v, i);
    if (!SEL_INDEX(sel))
        fault_gp0(v);
    if ((sel & SEL_TI) || !desc_read(v, sel, &d) || desc_is_segment(&d) ||
        (desc_type(&d) != DESC_TSS16 && desc_type(&d) != DESC_TSS32))
        fault_raise_error(v, VEC_GP, SEL_INDEX(sel));
    if (!desc_present(&d))
        fault_raise_error(v, VEC_NP, SEL_INDEX(sel));
    d.hi |= DESC_TSS_BUSY_BIT << 8;
    sys_write8(v, d.addr + 5, d.hi >> 8);
    seg_fill(&v->tr, sel, &d);
}

void op_sldt(Vcpu *v, const Insn *i)
{
    need_selectors(v);
    cpu_need_sight(v);
    rm16_store(v, i, v->ldtr.sel);
}

void op_str(Vcpu *v, const Insn *i)
{
    need_selectors(v);
    cpu_need_sight(v);
    rm16_store(v, i, v->tr.sel);
}

/* ---- access rights: ZF tells, nothing faults on a bad selector. SDM 2A "LAR" ---- */

static void set_zf(Vcpu *v, bool zf)
{
    v->cc = zf ? v->cc | CC_ZF : v->cc & ~CC_ZF;
}

/* The descriptor, if this program may know of it. */
static bool visible_desc(Vcpu *v, uint16_t sel, Desc *d)
{
    if (!SEL_INDEX(sel) || !desc_read(v, sel, d))
        return false;
    return desc_is_conforming(d) || (v->cpl <= desc_dpl(d) && SEL_RPL(sel) <= desc_dpl(d));
}

static bool in_set(const Desc *d, uint32_t system_types)
{
    return desc_is_segment(d) || (system_types >> desc_type(d) & 1);
}

static void load_info(Vcpu *v, const Insn *i, uint32_t value)
{
    if (i->opsize == 2)
        v->gpr[i->reg].w = value;
    else
        v->gpr[i->reg].d = value;
}

void op_lar(Vcpu *v, const Insn *i)
{
    Desc d;
    need_selectors(v);
    bool ok = visible_desc(v, rm16(v, i), &d) && in_set(&d, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 12);
    set_zf(v, ok);
    if (ok)
        load_info(v, i, d.hi & 0x00ffff00);
}

void op_lsl(Vcpu *v, const Insn *i)
{
    Desc d;
    need_selectors(v);
    bool ok = visible_desc(v, rm16(v, i), &d) && in_set(&d, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11);
    set_zf(v, ok);
    if (ok)
        load_info(v, i, desc_limit(&d));
}

void op_verr(Vcpu *v, const Insn *i)
{
    Desc d;
    need_selectors(v);
    set_zf(v, visible_desc(v, rm16(v, i), &d) && desc_is_readable(&d));
}

void op_verw(Vcpu *v, const Insn *i)
{
    Desc d;
    need_selectors(v);
    set_zf(v, visible_desc(v, rm16(v, i), &d) && desc_is_writable(&d));
}

void op_arpl(Vcpu *v, const Insn *i)
{
    need_selectors(v);
    unsigned rpl = SEL_RPL(v->gpr[i->reg].w);
    uint16_t sel = rm16(v, i);
    bool less = SEL_RPL(sel) < rpl;
    if (less) { /* unchanged, it is not written: read-only memory is no fault then */
        sel = SEL_INDEX(sel) | rpl;
        if (i->flags & INSN_MEM)
            mem_write16(v, i->seg, insn_ea(v, i), sel);
        else
            v->gpr[i->rm].w = sel;
    }
    set_zf(v, less);
}

/* ---- segment registers ---- */

static void shadow_mov_ss(Vcpu *v)
{
    v->shadow = SHADOW_MOV_SS;
    vcpu_attention(v, ATTN_STEP);
}

void op_mov_sreg(Vcpu *v, const Insn *i)
{
    if (i->opcode == 0x8c) {
        rm16_store(v, i, v->seg[i->reg].sel);
        return;
    }
    if (i->reg == S_CS)
        fault_ud(v);
    seg_load(v, i->reg, rm16(v, i));
    if (i->reg == S_SS)
        shadow_mov_ss(v);
}

/* Zero-extended; some processors write only the low half of a 32-bit slot. SDM 2B "PUSH" */
void op_push_sreg(Vcpu *v, const Insn *i)
{
    if (i->opsize == 2)
        push16(v, v->seg[i->reg].sel);
    else
        push32(v, v->seg[i->reg].sel);
}

void op_pop_sreg(Vcpu *v, const Insn *i)
{
    uint64_t mask = v->sp_mask; /* POP SS: the old stack is the one that is popped */
    uint16_t sel = i->opsize == 2 ? stack_peek16(v, 0) : stack_peek32(v, 0); /* all of the slot is read */
    seg_load(v, i->reg, sel);
    v->gpr[R_SP].q = (v->gpr[R_SP].q & ~mask) | ((v->gpr[R_SP].q + i->opsize) & mask);
    if (i->reg == S_SS)
        shadow_mov_ss(v);
}

static void load_far_pointer(Vcpu *v, const Insn *i, int seg)
{
    uint64_t ea = insn_ea(v, i);
    uint32_t off = i->opsize == 2 ? mem_read16(v, i->seg, ea) : mem_read32(v, i->seg, ea);
    uint16_t sel = mem_read16(v, i->seg, (ea + i->opsize) & i->amask);
    seg_load(v, seg, sel);
    if (i->opsize == 2)
        v->gpr[i->reg].w = off;
    else
        v->gpr[i->reg].d = off;
}

void op_lds(Vcpu *v, const Insn *i) { load_far_pointer(v, i, S_DS); }
void op_les(Vcpu *v, const Insn *i) { load_far_pointer(v, i, S_ES); }
void op_lfs(Vcpu *v, const Insn *i) { load_far_pointer(v, i, S_FS); }
void op_lgs(Vcpu *v, const Insn *i) { load_far_pointer(v, i, S_GS); }
void op_lss(Vcpu *v, const Insn *i) { load_far_pointer(v, i, S_SS); }

/* ---- interrupts from software ---- */

void op_int(Vcpu *v, const Insn *i) { event_soft_int(v, (uint8_t)i->imm, EVENT_SOFT_INT); }
void op_int3(Vcpu *v, const Insn *i) { event_soft_int(v, VEC_BP, EVENT_INT3_INTO); }
void op_int1(Vcpu *v, const Insn *i) { event_soft_int(v, VEC_DB, EVENT_ICEBP); }
void op_into(Vcpu *v, const Insn *i)
{
    if (v->cc & CC_OF)
        event_soft_int(v, VEC_OF, EVENT_INT3_INTO);
}

/* ---- the rest ---- */

void op_hlt(Vcpu *v, const Insn *i)
{
    need_cpl0(v);
    v->halted = true;
    vcpu_attention(v, ATTN_EVENT);
}

void op_invlpg(Vcpu *v, const Insn *i)
{
    need_cpl0(v);
    tlb_flush_page(v, (v->seg[i->seg].base + insn_ea(v, i)) & v->lin_mask);
}

/* INVD and WBINVD: there are no caches to speak of. */
void op_wbinvd(Vcpu *v, const Insn *i)
{
    need_cpl0(v);
}

/* MONITOR arms nothing, and MWAIT returns at once, as a processor may at any time. SDM 2B "MWAIT" */
void op_monitor(Vcpu *v, const Insn *i)
{
    if (v->cpl != 0)
        fault_ud(v);
    if (v->gpr[R_CX].d)
        fault_gp0(v);
    mem_read8(v, i->seg, v->gpr[R_AX].d & i->amask);
}

void op_mwait(Vcpu *v, const Insn *i)
{
    if (v->cpl != 0)
        fault_ud(v);
    if (v->gpr[R_CX].d)
        fault_gp0(v);
}

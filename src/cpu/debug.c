/*
 * Debug registers: breakpoints on instructions, data and ports, single-step, and who sees the debug registers.
 * SDM 3B 17.2, 17.3
 *
 * Instruction breakpoints are faults, looked for before an instruction (debug_before_insn). All else is a trap: hits
 * are gathered in Vcpu.debug_hits while the instruction runs and reported after it (debug_after_insn), or one later
 * when it loaded SS.
 */
#include "cpu/debug.h"
#include "cpu/handlers.h"
#include "softmmu/mmu.h"
#include "softmmu/watchpoint.h"

void debug_update(Vcpu *v)
{
    tlb_flush_all(v); /* watched pages must have no entries; pages no longer watched get theirs back */
    if (v->dr[7] & 0xff)
        vcpu_attention(v, ATTN_STEP);
}

static _Noreturn void debug_raise(Vcpu *v, uint32_t dr6)
{
    v->dr[6] |= dr6;
    v->debug_hits = 0;
    fault_raise(v, VEC_DB);
}

void debug_raise_trap(Vcpu *v, uint32_t dr6)
{
    v->insn_rip = v->rip;
    debug_raise(v, dr6);
}

void debug_before_insn(Vcpu *v)
{
    bool resume = v->flags & FL_RF;
    uint32_t hits = 0;
    v->flags &= ~FL_RF;
    if (resume || !(v->dr[7] & 0xff) || (v->shadow & SHADOW_MOV_SS))
        return;
    Gva addr = (v->seg[S_CS].base + v->rip) & v->lin_mask;
    for (int n = 0; n < 4; n++)
        if (DR7_ENABLED(v->dr[7], n) && DR7_RW(v->dr[7], n) == DR7_RW_EXEC && v->dr[n] == addr)
            hits |= DR6_B(n);
    if (hits) {
        v->insn_rip = v->rip;
        debug_raise(v, hits);
    }
}

void debug_after_insn(Vcpu *v, bool tf_before)
{
    if (v->shadow & SHADOW_MOV_SS) /* SDM 3A 6.8.3: held back by one instruction */
        return;
    uint32_t hits = v->debug_hits | (tf_before ? DR6_BS : 0);
    if (hits)
        debug_raise_trap(v, hits);
}

static void note_hits(Vcpu *v, uint64_t addr, unsigned size, unsigned rw_mask)
{
    for (int n = 0; n < 4; n++) {
        uint64_t start = debug_start(v, n);
        if (DR7_ENABLED(v->dr[7], n) && (rw_mask >> DR7_RW(v->dr[7], n) & 1) && addr < start + debug_len(v->dr[7], n) &&
            start < addr + size) {
            v->debug_hits |= DR6_B(n);
            vcpu_attention(v, ATTN_STEP);
        }
    }
}

void debug_data_access(Vcpu *v, Gva addr, unsigned size, bool write)
{
    note_hits(v, addr, size, 1 << DR7_RW_ACCESS | (write ? 1 << DR7_RW_WRITE : 0));
}

void debug_io_access(Vcpu *v, uint16_t port, unsigned size)
{
    if ((v->cr4 & CR4_DE) && (v->dr[7] & 0xff))
        note_hits(v, port, size, 1 << DR7_RW_IO);
}

/* DR4 and DR5 are DR6 and DR7 without CR4.DE. */
static unsigned dr_number(Vcpu *v, unsigned n)
{
    if (v->cpl != 0)
        fault_gp0(v);
    if (n == 4 || n == 5) {
        if (v->cr4 & CR4_DE)
            fault_ud(v);
        n += 2;
    }
    if (v->dr[7] & DR7_GD) {
        v->flags |= FL_RF; /* a fault that is not a breakpoint: RF set in the image */
        debug_raise(v, DR6_BD);
    }
    return n;
}

void op_mov_dr(Vcpu *v, const Insn *i)
{
    unsigned n = dr_number(v, i->reg & 7);
    if (i->opcode == 0x0f21) { /* read */
        v->gpr[i->rm].d = v->dr[n];
        return;
    }
    uint32_t value = v->gpr[i->rm].d;
    if (n == 6)
        v->dr[6] = DR6_FIXED | (value & 0xe00f);
    else if (n == 7)
        v->dr[7] = DR7_FIXED | (value & 0xffff23ff);
    else
        v->dr[n] = value;
    if (n != 6)
        debug_update(v);
}

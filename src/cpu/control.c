/*
 * Control registers: what may be loaded, and what follows from it. SDM 3A 2.5
 */
#include "cpu/handlers.h"
#include "cpu/cpu.h"
#include "softmmu/mmu.h"

#define CR0_DEFINED (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

void cr0_write(Vcpu *v, uint64_t value)
{
    uint64_t old = v->cr0;
    value = (value & CR0_DEFINED) | CR0_ET;
    if ((value & CR0_PG) && !(value & CR0_PE))
        fault_gp0(v);
    if ((value & CR0_NW) && !(value & CR0_CD))
        fault_gp0(v);
    /* SDM 3A 4.4.1: PAE's PDPTEs are loaded when PG, CD or NW change */
    if ((value & CR0_PG) && (v->cr4 & CR4_PAE) && ((value ^ old) & (CR0_PG | CR0_CD | CR0_NW)) &&
        !mmu_load_pdptes(v, value, v->cr3, v->cr4))
        fault_gp0(v);
    v->cr0 = value;
    if ((value ^ old) & (CR0_PG | CR0_WP | CR0_PE))
        tlb_flush_all(v);
    if ((value ^ old) & CR0_PE) {
        v->cpl = 0;
        for (int n = 0; n < S_COUNT; n++)
            seg_derive(v, n);
    }
    if ((value ^ old) & (CR0_PE | CR0_AM))
        mmu_update_idx(v);
}

void cr3_write(Vcpu *v, uint64_t value)
{
    value &= 0xffffffff;
    if ((v->cr0 & CR0_PG) && (v->cr4 & CR4_PAE) && !mmu_load_pdptes(v, v->cr0, value, v->cr4))
        fault_gp0(v);
    v->cr3 = value;
    tlb_flush_nonglobal(v);
}

static uint32_t cr4_defined(const Vcpu *v)
{
    return (cpu_has_system(v, C_VME) ? CR4_VME | CR4_PVI : 0) | (cpu_has(v, F_TSC) ? CR4_TSD : 0) |
           (cpu_has_system(v, C_DE) ? CR4_DE : 0) | (cpu_has_system(v, C_PSE) ? CR4_PSE : 0) |
           (cpu_has_system(v, C_PAE) ? CR4_PAE : 0) | (cpu_has_system(v, C_MCE) ? CR4_MCE : 0) |
           (cpu_has_system(v, C_PGE) ? CR4_PGE : 0) | (cpu_has(v, F_PMC) ? CR4_PCE : 0) |
           (cpu_has(v, F_FXSR) ? CR4_OSFXSR : 0) | (cpu_has(v, F_SSE) ? CR4_OSXMMEXCPT : 0) |
           (cpu_has_system(v, C_UMIP) ? CR4_UMIP : 0) | (cpu_has(v, F_SMAP) ? CR4_SMAP : 0);
}

void cr4_write(Vcpu *v, uint64_t value)
{
    uint64_t old = v->cr4;
    if (value & ~(uint64_t)cr4_defined(v))
        fault_gp0(v);
    if ((v->cr0 & CR0_PG) && (value & CR4_PAE) && ((value ^ old) & (CR4_PAE | CR4_PGE | CR4_PSE)) &&
        !mmu_load_pdptes(v, v->cr0, v->cr3, value))
        fault_gp0(v);
    v->cr4 = value;
    if ((value ^ old) & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMAP))
        tlb_flush_all(v);
}

void op_mov_cr(Vcpu *v, const Insn *i)
{
    uint64_t *reg;
    if (v->cpl != 0)
        fault_gp0(v);
    switch (i->reg) {
    case 0: reg = &v->cr0; break;
    case 2: reg = &v->cr2; break;
    case 3: reg = &v->cr3; break;
    case 4: reg = &v->cr4; break;
    default: fault_ud(v);
    }
    if (i->reg == 4 && !cr4_defined(v)) /* a CPU without CR4 */
        fault_ud(v);
    if (i->opcode == 0x0f20) { /* read */
        v->gpr[i->rm].d = *reg;
        return;
    }
    uint32_t value = v->gpr[i->rm].d;
    switch (i->reg) {
    case 0: cr0_write(v, value); break;
    case 2: v->cr2 = value; break;
    case 3: cr3_write(v, value); break;
    case 4: cr4_write(v, value); break;
    }
    if (!v->site || i->reg == 0 || i->reg == 4) /* translated code leaves its block here anyhow */
        vcpu_attention(v, ATTN_EVENT);
}

void op_clts(Vcpu *v, const Insn *i)
{
    if (v->cpl != 0)
        fault_gp0(v);
    v->cr0 &= ~(uint64_t)CR0_TS;
}

static void set_ac(Vcpu *v, uint64_t ac)
{
    if (vcpu_v86(v) || v->cpl != 0)
        fault_ud(v);
    v->flags = (v->flags & ~(uint64_t)FL_AC) | ac;
}

/* SDM 2A "CLAC", 2B "STAC". What they allow: SDM 3A 4.6.1 */
void op_clac(Vcpu *v, const Insn *i) { set_ac(v, 0); }
void op_stac(Vcpu *v, const Insn *i) { set_ac(v, FL_AC); }

/* LMSW changes PE, MP, EM and TS, and cannot clear PE. */
void op_lmsw(Vcpu *v, const Insn *i)
{
    if (v->cpl != 0)
        fault_gp0(v);
    uint16_t value = i->flags & INSN_MEM ? mem_read16(v, i->seg, insn_ea(v, i)) : v->gpr[i->rm].w;
    uint64_t bits = CR0_MP | CR0_EM | CR0_TS | (value & CR0_PE);
    cr0_write(v, (v->cr0 & ~bits) | (value & bits));
}

void op_smsw(Vcpu *v, const Insn *i)
{
    cpu_need_sight(v);
    if (i->flags & INSN_MEM)
        mem_write16(v, i->seg, insn_ea(v, i), v->cr0);
    else if (i->opsize == 2)
        v->gpr[i->rm].w = v->cr0;
    else /* all of CR0: documented as undefined, done by every CPU */
        v->gpr[i->rm].d = v->cr0;
}

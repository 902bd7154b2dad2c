/*
 * Fast system calls: SYSENTER and SYSEXIT, SYSCALL and SYSRET (their 32-bit forms). Segments are set to flat ones, no
 * descriptor is read. SDM 2B "SYSENTER", AMD 24594 "SYSCALL"
 */
#include "cpu/desc.h"
#include "cpu/eflags.h"
#include "cpu/handlers.h"
#include "softmmu/mmu.h"

#define ATTR_FLAT (SEG_P | SEG_S | SEG_A | SEG_DB | SEG_G)
#define ATTR_CODE (ATTR_FLAT | SEG_CODE | SEG_R)
#define ATTR_DATA (ATTR_FLAT | SEG_W)

static void set_flat(Vcpu *v, int seg, uint16_t sel, uint16_t attr, int dpl)
{
    v->seg[seg] = (Seg){.limit = 0xffffffff, .sel = sel, .attr = attr | dpl << SEG_DPL_SHIFT};
    seg_derive(v, seg);
}

void op_sysenter(Vcpu *v, const Insn *i)
{
    uint16_t sel = SEL_INDEX(v->msr.sysenter_cs);
    if (!vcpu_protected(v) || !sel)
        fault_gp0(v);
    v->flags &= ~(FL_VM | FL_IF | FL_RF);
    set_flat(v, S_CS, sel, ATTR_CODE, 0);
    set_flat(v, S_SS, sel + 8, ATTR_DATA, 0);
    cpu_set_cpl(v, 0);
    v->gpr[R_SP].d = v->msr.sysenter_esp;
    v->rip = (uint32_t)v->msr.sysenter_eip;
}

void op_sysexit(Vcpu *v, const Insn *i)
{
    uint16_t sel = SEL_INDEX(v->msr.sysenter_cs);
    if (!vcpu_protected(v) || v->cpl != 0 || !sel)
        fault_gp0(v);
    set_flat(v, S_CS, (sel + 16) | 3, ATTR_CODE, 3);
    set_flat(v, S_SS, (sel + 24) | 3, ATTR_DATA, 3);
    cpu_set_cpl(v, 3);
    v->gpr[R_SP].d = v->gpr[R_CX].d;
    v->rip = v->gpr[R_DX].d;
}

void op_syscall(Vcpu *v, const Insn *i)
{
    if (!(v->efer & EFER_SCE) || !vcpu_protected(v))
        fault_ud(v);
    uint16_t sel = SEL_INDEX(v->msr.star >> 32);
    v->gpr[R_CX].d = v->rip;
    v->flags &= ~(FL_VM | FL_IF | FL_RF);
    set_flat(v, S_CS, sel, ATTR_CODE, 0);
    set_flat(v, S_SS, sel + 8, ATTR_DATA, 0);
    cpu_set_cpl(v, 0);
    v->rip = (uint32_t)v->msr.star;
}

void op_sysret(Vcpu *v, const Insn *i)
{
    if (!(v->efer & EFER_SCE) || !vcpu_protected(v))
        fault_ud(v);
    if (v->cpl != 0)
        fault_gp0(v);
    uint16_t sel = SEL_INDEX(v->msr.star >> 48);
    set_flat(v, S_CS, sel | 3, ATTR_CODE, 3);
    v->seg[S_SS].sel = (sel + 8) | 3; /* AMD: the rest of SS stays as it is */
    cpu_set_cpl(v, 3);
    v->rip = v->gpr[R_CX].d;
    eflags_write(v, FL_IF, FL_IF);
}

/* EFLAGS: writing them, with what follows from it; PUSHF, POPF, CLI and STI. */
#include "cpu/eflags.h"
#include "cpu/handlers.h"
#include "cpu/stack.h"
#include "softmmu/mmu.h"

void eflags_write(Vcpu *v, uint32_t flags, uint32_t mask)
{
    uint32_t old = eflags_get(v);
    uint32_t now = (old & ~mask) | (flags & mask);
    eflags_set_raw(v, now);
    if (now & ~old & FL_IF)
        vcpu_attention(v, ATTN_EVENT);
    if (now & (FL_TF | FL_RF))
        vcpu_attention(v, ATTN_STEP);
    if ((now ^ old) & FL_AC)
        mmu_update_idx(v);
}

static unsigned iopl(const Vcpu *v)
{
    return (v->flags & FL_IOPL) >> 12;
}

/* V8086 mode, IOPL below 3: does VME stand in for IF with VIF? Else the instruction is for the monitor. SDM 3A 20.2.7 */
static void vme_or_gp(Vcpu *v, unsigned opsize)
{
    if (!(v->cr4 & CR4_VME) || opsize != 2)
        fault_gp0(v);
}

void op_pushf(Vcpu *v, const Insn *i)
{
    uint32_t image = eflags_get(v) & ~(FL_VM | FL_RF);
    if (vcpu_v86(v) && iopl(v) < 3) {
        vme_or_gp(v, i->opsize);
        image = (image & ~FL_IF) | FL_IOPL | (image & FL_VIF ? FL_IF : 0);
    }
    if (i->opsize == 2)
        push16(v, image);
    else
        push32(v, image);
}

uint32_t eflags_pop_mask(const Vcpu *v, unsigned opsize)
{
    uint32_t mask = FL_ARITH | FL_TF | FL_DF | FL_NT;
    if (opsize != 2)
        mask |= FL_AC | FL_ID;
    if (v->cpl <= iopl(v))
        mask |= FL_IF;
    if (v->cpl == 0)
        mask |= FL_IOPL;
    return mask;
}

uint32_t eflags_vme_image(Vcpu *v, uint32_t image)
{
    if ((image & FL_TF) || ((image & FL_IF) && (v->flags & FL_VIP)))
        fault_gp0(v);
    return (image & ~(FL_VIF | FL_IF)) | (image & FL_IF ? FL_VIF : 0);
}

void op_popf(Vcpu *v, const Insn *i)
{
    uint32_t mask = eflags_pop_mask(v, i->opsize);
    bool vme = vcpu_v86(v) && iopl(v) < 3;
    if (vme)
        vme_or_gp(v, i->opsize);
    uint32_t image = i->opsize == 2 ? stack_peek16(v, 0) : stack_peek32(v, 0);
    if (vme) {
        image = eflags_vme_image(v, image);
        mask |= FL_VIF;
    }
    stack_drop(v, i->opsize);
    eflags_write(v, image, mask);
}

/* CLI and STI below IOPL: VME in V8086 mode, PVI at CPL 3. SDM 2A "CLI", table 3-7 */
static void use_vif(Vcpu *v)
{
    bool virtual = vcpu_v86(v) ? v->cr4 & CR4_VME : v->cpl == 3 && (v->cr4 & CR4_PVI);
    if (!virtual)
        fault_gp0(v);
}

void op_cli(Vcpu *v, const Insn *i)
{
    if (vcpu_protected(v) && iopl(v) < v->cpl) {
        use_vif(v);
        v->flags &= ~FL_VIF;
    } else {
        v->flags &= ~FL_IF;
    }
}

void op_sti(Vcpu *v, const Insn *i)
{
    if (vcpu_protected(v) && iopl(v) < v->cpl) {
        use_vif(v);
        if (v->flags & FL_VIP)
            fault_gp0(v);
        v->flags |= FL_VIF;
    } else if (!(v->flags & FL_IF)) { /* SDM 2B "STI": the next instruction still runs */
        v->flags |= FL_IF;
        v->shadow = SHADOW_STI;
        vcpu_attention(v, ATTN_EVENT | ATTN_STEP);
    }
}

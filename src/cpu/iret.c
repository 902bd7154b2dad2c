/*
 * IRET: back from real-mode handlers, within V8086 mode, to it, to another task, and to the same or an outer level.
 */
#include "cpu/handlers.h"
#include "cpu/stack.h"
#include "cpu/task.h"
#include "softmmu/mmu.h"

static uint32_t peek(Vcpu *v, unsigned nth, unsigned size)
{
    return size == 4 ? stack_peek32(v, nth * 4) : stack_peek16(v, nth * 2);
}

/* Real mode, and V8086 mode with IOPL 3 (IOPL itself stays) or VME. SDM 2A "IRET" */
static void iret_real(Vcpu *v, unsigned size)
{
    bool vme = vcpu_v86(v) && (v->flags & FL_IOPL) != FL_IOPL;
    if (vme && (!(v->cr4 & CR4_VME) || size != 2))
        fault_gp0(v);
    uint32_t off = peek(v, 0, size);
    uint16_t sel = peek(v, 1, size);
    uint32_t image = peek(v, 2, size);
    uint32_t mask = eflags_pop_mask(v, size) | (size == 4 ? FL_RF : 0);
    if (off > v->seg[S_CS].limit)
        fault_gp0(v);
    if (vme) {
        image = eflags_vme_image(v, image);
        mask |= FL_VIF;
    }
    stack_drop(v, 3 * size);
    seg_set_real(v, S_CS, sel);
    v->rip = off;
    eflags_write(v, image, mask);
}

/* SDM 2A "IRET": RETURN-TO-VIRTUAL-8086-MODE; CPL is 0. */
static void iret_to_v86(Vcpu *v, uint32_t off, uint16_t sel, uint32_t image)
{
    static const uint8_t order[] = { S_ES, S_DS, S_FS, S_GS };
    uint16_t data[4];
    uint32_t sp = peek(v, 3, 4);
    uint16_t ss = peek(v, 4, 4);

    for (int n = 0; n < 4; n++)
        data[n] = peek(v, 5 + n, 4);
    if (off > 0xffff)
        fault_gp0(v);
    eflags_set_raw(v, image);
    cpu_set_cpl(v, 3);
    seg_set_real(v, S_CS, sel);
    seg_set_real(v, S_SS, ss);
    for (int n = 0; n < 4; n++)
        seg_set_real(v, order[n], data[n]);
    v->gpr[R_SP].d = sp;
    v->rip = off;
    vcpu_attention(v, ATTN_EVENT | ATTN_STEP);
}

static void iret_protected(Vcpu *v, unsigned size)
{
    uint32_t off = peek(v, 0, size);
    uint16_t sel = peek(v, 1, size);
    uint32_t image = peek(v, 2, size);
    Desc cs, ss;

    if (size == 4 && (image & FL_VM) && v->cpl == 0) {
        iret_to_v86(v, off, sel, image);
        return;
    }
    uint32_t mask = eflags_pop_mask(v, size); /* by the old CPL */
    if (size == 4)
        mask |= FL_RF | (v->cpl == 0 ? FL_VIF | FL_VIP : 0);
    far_return_check(v, sel, &cs);
    if (SEL_RPL(sel) == v->cpl) {
        if (off > desc_limit(&cs))
            fault_gp0(v);
        desc_set_accessed(v, &cs);
        seg_set_cs(v, sel, &cs, v->cpl);
        stack_drop(v, 3 * size);
        v->rip = off;
    } else {
        uint32_t sp = peek(v, 3, size);
        uint16_t ss_sel = peek(v, 4, size);
        far_return_check_stack(v, ss_sel, SEL_RPL(sel), &ss);
        far_return_outer(v, off, &cs, sp, &ss);
    }
    eflags_write(v, image, mask);
}

void op_iret(Vcpu *v, const Insn *i)
{
    /* SDM 3A 6.7.1: IRET lets NMIs in again, also when it faults */
    if (v->nmi_blocked) {
        v->nmi_blocked = false;
        vcpu_attention(v, ATTN_EVENT);
    }
    if (vcpu_realish(v))
        iret_real(v, i->opsize);
    else if (v->flags & FL_NT)
        task_return(v);
    else
        iret_protected(v, i->opsize);
}

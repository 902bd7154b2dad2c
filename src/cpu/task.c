/*
 * Hardware task switches. SDM 3A 7.3
 *
 * In three parts: everything that can still fault in the old task (limits, both TSSes paged in), the exchange of state
 * itself, and the checks of the new task's selectors, whose faults (#TS mostly) belong to the new task already.
 */
#include "cpu/debug.h"
#include "cpu/newstack.h"
#include "cpu/task.h"

enum {
    TSS32_CR3 = 0x1c, TSS32_EIP = 0x20, TSS32_EFLAGS = 0x24, TSS32_EAX = 0x28, TSS32_ES = 0x48, TSS32_LDT = 0x60,
    TSS32_TRAP = 0x64, TSS32_MIN = 0x68,
    TSS16_IP = 0x0e, TSS16_FLAGS = 0x10, TSS16_AX = 0x12, TSS16_ES = 0x22, TSS16_LDT = 0x2a, TSS16_MIN = 0x2c,
};

/* What a TSS holds of a task. */
typedef struct TaskState {
    uint32_t cr3, eip, eflags, gpr[8];
    uint16_t sel[S_COUNT], ldt;
    bool trap;
} TaskState;

void task_read_tss(Vcpu *v, uint16_t sel, Desc *tss, int vector, unsigned ext)
{
    if ((sel & SEL_TI) || !desc_read(v, sel, tss) || desc_is_segment(tss) ||
        (desc_type(tss) != DESC_TSS16 && desc_type(tss) != DESC_TSS32))
        fault_raise_error(v, vector, SEL_INDEX(sel) | ext);
    if (!desc_present(tss))
        fault_raise_error(v, VEC_NP, SEL_INDEX(sel) | ext);
}

static void save_state(Vcpu *v, uint32_t eflags)
{
    Gva tss = v->tr.base;
    if (v->tr.attr & 8) {
        sys_write32(v, tss + TSS32_EIP, v->rip);
        sys_write32(v, tss + TSS32_EFLAGS, eflags);
        for (int n = 0; n < 8; n++)
            sys_write32(v, tss + TSS32_EAX + 4 * n, v->gpr[n].d);
        for (int n = 0; n < S_COUNT; n++)
            sys_write16(v, tss + TSS32_ES + 4 * n, v->seg[n].sel);
    } else {
        sys_write16(v, tss + TSS16_IP, v->rip);
        sys_write16(v, tss + TSS16_FLAGS, eflags);
        for (int n = 0; n < 8; n++)
            sys_write16(v, tss + TSS16_AX + 2 * n, v->gpr[n].w);
        for (int n = 0; n < 4; n++)
            sys_write16(v, tss + TSS16_ES + 2 * n, v->seg[n].sel);
    }
}

static void read_state(Vcpu *v, Gva tss, bool wide, TaskState *t)
{
    *t = (TaskState){0};
    if (wide) {
        t->cr3 = sys_read32(v, tss + TSS32_CR3);
        t->eip = sys_read32(v, tss + TSS32_EIP);
        t->eflags = sys_read32(v, tss + TSS32_EFLAGS);
        for (int n = 0; n < 8; n++)
            t->gpr[n] = sys_read32(v, tss + TSS32_EAX + 4 * n);
        for (int n = 0; n < S_COUNT; n++)
            t->sel[n] = sys_read16(v, tss + TSS32_ES + 4 * n);
        t->ldt = sys_read16(v, tss + TSS32_LDT);
        t->trap = sys_read8(v, tss + TSS32_TRAP) & 1;
    } else { /* the high halves of registers come up as ones */
        t->eip = sys_read16(v, tss + TSS16_IP);
        t->eflags = sys_read16(v, tss + TSS16_FLAGS);
        for (int n = 0; n < 8; n++)
            t->gpr[n] = 0xffff0000 | sys_read16(v, tss + TSS16_AX + 2 * n);
        for (int n = 0; n < 4; n++)
            t->sel[n] = sys_read16(v, tss + TSS16_ES + 2 * n);
        t->ldt = sys_read16(v, tss + TSS16_LDT);
    }
}

static void set_busy(Vcpu *v, uint16_t sel, bool busy)
{
    Gva type = v->gdtr.base + (sel & 0xfff8) + 5;
    uint8_t byte = sys_read8(v, type);
    sys_write8(v, type, busy ? byte | DESC_TSS_BUSY_BIT : byte & ~DESC_TSS_BUSY_BIT);
}

static _Noreturn void bad_selector(Vcpu *v, int vector, uint16_t sel, unsigned ext)
{
    fault_raise_error(v, vector, SEL_INDEX(sel) | ext);
}

static void load_ldt(Vcpu *v, uint16_t sel, unsigned ext)
{
    Desc d;
    if (!SEL_INDEX(sel))
        return;
    if ((sel & SEL_TI) || !desc_read(v, sel, &d) || desc_is_segment(&d) || desc_type(&d) != DESC_LDT || !desc_present(&d))
        bad_selector(v, VEC_TS, sel, ext);
    seg_fill(&v->ldtr, sel, &d);
}

static void load_cs(Vcpu *v, uint16_t sel, unsigned ext)
{
    Desc d;
    if (!SEL_INDEX(sel) || !desc_read(v, sel, &d) || !desc_is_code(&d) ||
        (desc_is_conforming(&d) ? desc_dpl(&d) > SEL_RPL(sel) : desc_dpl(&d) != SEL_RPL(sel)))
        bad_selector(v, VEC_TS, sel, ext);
    if (!desc_present(&d))
        bad_selector(v, VEC_NP, sel, ext);
    desc_set_accessed(v, &d);
    seg_set(v, S_CS, sel, &d);
}

static void load_ss(Vcpu *v, uint16_t sel, unsigned ext)
{
    Desc d;
    if (!SEL_INDEX(sel) || !desc_read(v, sel, &d) || !desc_is_writable(&d) || desc_dpl(&d) != v->cpl ||
        SEL_RPL(sel) != v->cpl)
        bad_selector(v, VEC_TS, sel, ext);
    if (!desc_present(&d))
        bad_selector(v, VEC_SS, sel, ext);
    desc_set_accessed(v, &d);
    seg_set(v, S_SS, sel, &d);
}

static void load_data(Vcpu *v, int seg, uint16_t sel, unsigned ext)
{
    Desc d;
    if (!SEL_INDEX(sel))
        return;
    if (!desc_read(v, sel, &d) || !desc_is_readable(&d) ||
        (!desc_is_conforming(&d) && (desc_dpl(&d) < v->cpl || desc_dpl(&d) < SEL_RPL(sel))))
        bad_selector(v, VEC_TS, sel, ext);
    if (!desc_present(&d))
        bad_selector(v, VEC_NP, sel, ext);
    desc_set_accessed(v, &d);
    seg_set(v, seg, sel, &d);
}

/* The new task's registers; its segments come up unusable until their descriptors are checked. */
static void take_state(Vcpu *v, const TaskState *t, uint32_t eflags)
{
    v->rip = v->insn_rip = t->eip;
    for (int n = 0; n < 8; n++)
        v->gpr[n].d = t->gpr[n];
    eflags_set_raw(v, eflags);
    v->cr0 |= CR0_TS;
    v->dr[7] &= ~(uint64_t)0x155; /* LE, L0-L3. SDM 3A 7.3 */
    debug_update(v);
    v->ldtr = (Seg){.sel = t->ldt, .null = true};
    for (int n = 0; n < S_COUNT; n++) {
        v->seg[n] = (Seg){.sel = t->sel[n], .null = true};
        seg_derive(v, n);
    }
    cpu_set_cpl(v, vcpu_v86(v) ? 3 : SEL_RPL(t->sel[S_CS]));
}

static void check_state(Vcpu *v, const TaskState *t, unsigned ext)
{
    load_ldt(v, t->ldt, ext);
    if (vcpu_v86(v)) {
        for (int n = 0; n < S_COUNT; n++)
            seg_set_real(v, n, t->sel[n]);
    } else {
        load_cs(v, t->sel[S_CS], ext);
        load_ss(v, t->sel[S_SS], ext);
        load_data(v, S_DS, t->sel[S_DS], ext);
        load_data(v, S_ES, t->sel[S_ES], ext);
        load_data(v, S_FS, t->sel[S_FS], ext);
        load_data(v, S_GS, t->sel[S_GS], ext);
    }
    if (v->rip > v->seg[S_CS].limit)
        fault_raise_error(v, VEC_GP, ext);
}

void task_switch(Vcpu *v, Desc *tss, TaskSource source, unsigned ext, const uint32_t *error)
{
    bool nest = source == TASK_CALL || source == TASK_EVENT;
    bool wide = desc_type(tss) & 8, old_wide = v->tr.attr & 8;
    Gva base = desc_base(tss);
    uint32_t eflags = eflags_get(v);
    TaskState t;

    if (desc_limit(tss) < (wide ? TSS32_MIN : TSS16_MIN) - 1u)
        bad_selector(v, VEC_TS, tss->sel, ext);
    if (v->tr.limit < (old_wide ? TSS32_LDT : TSS16_LDT) - 1u)
        bad_selector(v, VEC_TS, v->tr.sel, ext);
    lin_probe(v, v->tr.base, old_wide ? TSS32_LDT : TSS16_LDT, ACCESS_WRITE, MMU_SUPER);
    lin_probe(v, base, wide ? TSS32_MIN : TSS16_MIN, ACCESS_READ, MMU_SUPER);
    if (nest)
        lin_probe(v, base, 2, ACCESS_WRITE, MMU_SUPER);

    if (source == TASK_JUMP || source == TASK_IRET)
        set_busy(v, v->tr.sel, false);
    if (source == TASK_IRET)
        eflags &= ~FL_NT;
    save_state(v, eflags);
    read_state(v, base, wide, &t); /* after the save: a task may switch to itself through IRET */
    if (nest) {
        sys_write16(v, base, v->tr.sel);
        t.eflags |= FL_NT;
    }
    if (source != TASK_IRET)
        set_busy(v, tss->sel, true);
    tss->hi |= DESC_TSS_BUSY_BIT << 8;
    seg_fill(&v->tr, tss->sel, tss);
    take_state(v, &t, t.eflags);
    vcpu_attention(v, ATTN_EVENT | ATTN_STEP);
    if (wide && (v->cr0 & CR0_PG))
        cr3_write(v, t.cr3);
    check_state(v, &t, ext);
    if (error) {
        Stack st;
        stack_current(v, &st, ext);
        stack_push(v, &st, *error, wide ? 4 : 2);
        stack_commit(v, &st);
    }
    if (t.trap)
        debug_raise_trap(v, DR6_BT);
}

void task_return(Vcpu *v)
{
    uint16_t sel = sys_read16(v, v->tr.base);
    Desc tss;
    if ((sel & SEL_TI) || !desc_read(v, sel, &tss) || desc_is_segment(&tss) ||
        (desc_type(&tss) != DESC_TSS16_BUSY && desc_type(&tss) != DESC_TSS32_BUSY))
        bad_selector(v, VEC_TS, sel, 0);
    if (!desc_present(&tss))
        bad_selector(v, VEC_NP, sel, 0);
    task_switch(v, &tss, TASK_IRET, 0, NULL);
}

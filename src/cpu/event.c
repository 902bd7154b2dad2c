/*
 * Events: exceptions, interrupts and INT n, through the IVT or the IDT. SDM 3A chapter 6
 *
 * event_deliver() is one delivery and may fault; event_deliver_fault() is the loop around it that knows about double and
 * triple faults. A delivery changes nothing until its last push has succeeded.
 */
#include "cpu/debug.h"
#include "cpu/newstack.h"
#include "cpu/plain.h"
#include "cpu/task.h"

#define IDT_BIT 2u /* error codes: the index is of the IDT. SDM 3A 6.13 */

/* EXT: the event did not come from the program's own INT. */
static unsigned event_ext(EventKind kind)
{
    return kind != EVENT_SOFT_INT && kind != EVENT_INT3_INTO;
}

/* Keep it for explanations, tell whoever listens. */
static void note(Vcpu *v, int vector, EventKind kind, bool has_error, uint32_t error, bool nested)
{
    v->event[v->event_count++ % VCPU_EVENTS] = (VcpuEvent){
        .vector = vector, .kind = kind, .has_error = has_error, .nested = nested, .error = error, .flags = v->flags,
        .cs = v->seg[S_CS].sel, .ss = v->seg[S_SS].sel, .cpl = v->cpl, .rip = v->insn_rip, .rsp = v->gpr[R_SP].q,
        .cr2 = v->cr2,
    };
    if (G_UNLIKELY(v->hooks != NULL) && v->hooks->event)
        v->hooks->event(v->hooks->opaque, v, vector, kind, has_error, error);
}

/* What is common at the end: flags as the handler begins with. */
static void enter_handler(Vcpu *v, uint32_t clear)
{
    v->flags &= ~clear;
    v->halted = false;
    v->shadow = 0;
}

/* A table of far pointers at base; image is what is pushed as flags. */
static void deliver_real(Vcpu *v, int vector, Gva base, uint16_t image, uint32_t clear)
{
    uint32_t entry = sys_read32(v, base + 4 * vector);
    Stack st;
    stack_current(v, &st, 0);
    stack_push(v, &st, image, 2);
    stack_push(v, &st, v->seg[S_CS].sel, 2);
    stack_push(v, &st, v->rip, 2);
    if ((entry & 0xffff) > v->seg[S_CS].limit)
        fault_gp0(v);
    stack_commit(v, &st);
    seg_set_real(v, S_CS, entry >> 16);
    v->rip = entry & 0xffff;
    enter_handler(v, clear);
}

static void read_gate(Vcpu *v, int vector, EventKind kind, Desc *gate)
{
    uint32_t error = vector * 8 | IDT_BIT | event_ext(kind);
    if (vector * 8u + 7 > v->idtr.limit)
        fault_raise_error(v, VEC_GP, error);
    gate->addr = v->idtr.base + vector * 8;
    uint64_t raw = sys_read64(v, gate->addr);
    gate->lo = raw;
    gate->hi = raw >> 32;
    gate->sel = 0;
    switch (desc_is_segment(gate) ? -1 : (int)desc_type(gate)) {
    case DESC_TASK_GATE: case DESC_INT_GATE16: case DESC_TRAP_GATE16: case DESC_INT_GATE32: case DESC_TRAP_GATE32:
        break;
    default:
        fault_raise_error(v, VEC_GP, error);
    }
    if ((kind == EVENT_SOFT_INT || kind == EVENT_INT3_INTO) && desc_dpl(gate) < v->cpl)
        fault_raise_error(v, VEC_GP, error);
    if (!desc_present(gate))
        fault_raise_error(v, VEC_NP, error);
}

/* Interrupt and trap gates. SDM 3A 6.12.1, 20.3.1 (from V8086 mode) */
static void deliver_gate(Vcpu *v, const Desc *gate, unsigned ext, uint32_t image, const uint32_t *error)
{
    unsigned size = gate_is32(gate) ? 4 : 2;
    uint16_t sel = gate_sel(gate);
    bool v86 = vcpu_v86(v);
    Stack st;
    Desc cs;

    if (!SEL_INDEX(sel))
        fault_raise_error(v, VEC_GP, ext);
    if (!desc_read(v, sel, &cs) || !desc_is_code(&cs) || desc_dpl(&cs) > v->cpl)
        fault_raise_error(v, VEC_GP, SEL_INDEX(sel) | ext);
    if (!desc_present(&cs))
        fault_raise_error(v, VEC_NP, SEL_INDEX(sel) | ext);
    int cpl = desc_is_conforming(&cs) ? v->cpl : (int)desc_dpl(&cs);
    if (v86 && cpl != 0)
        fault_raise_error(v, VEC_GP, SEL_INDEX(sel) | ext);
    if (cpl < v->cpl)
        stack_inner(v, &st, cpl, ext);
    else
        stack_current(v, &st, ext);
    if (gate_offset(gate) > desc_limit(&cs))
        fault_raise_error(v, VEC_GP, ext);

    if (v86) {
        stack_push(v, &st, v->seg[S_GS].sel, size);
        stack_push(v, &st, v->seg[S_FS].sel, size);
        stack_push(v, &st, v->seg[S_DS].sel, size);
        stack_push(v, &st, v->seg[S_ES].sel, size);
    }
    if (st.inner) {
        stack_push(v, &st, v->seg[S_SS].sel, size);
        stack_push(v, &st, v->gpr[R_SP].d, size);
    }
    stack_push(v, &st, image, size);
    stack_push(v, &st, v->seg[S_CS].sel, size);
    stack_push(v, &st, v->rip, size);
    if (error)
        stack_push(v, &st, *error, size);
    desc_set_accessed(v, &cs);

    bool interrupt = !(desc_type(gate) & 1);
    enter_handler(v, FL_TF | FL_NT | FL_RF | FL_VM | (interrupt ? FL_IF : 0));
    if (v86) {
        seg_set_null(v, S_GS, 0);
        seg_set_null(v, S_FS, 0);
        seg_set_null(v, S_DS, 0);
        seg_set_null(v, S_ES, 0);
    }
    seg_set_cs(v, sel, &cs, cpl);
    stack_commit(v, &st);
    v->rip = gate_offset(gate);
}

static void deliver(Vcpu *v, int vector, EventKind kind, const uint32_t *error, uint32_t image)
{
    if (!vcpu_protected(v)) {
        if (vector * 4u + 3 > v->idtr.limit)
            fault_raise_error(v, VEC_GP, vector * 8 | IDT_BIT | event_ext(kind));
        deliver_real(v, vector, v->idtr.base, image, FL_IF | FL_TF | FL_AC | FL_RF);
        return;
    }
    bool soft = kind == EVENT_SOFT_INT || kind == EVENT_INT3_INTO;
    if (!v->log && plain_deliver(v, vector, soft, error, image)) /* shadow mode compares this with what follows */
        return;
    Desc gate, tss;
    unsigned ext = event_ext(kind);
    read_gate(v, vector, kind, &gate);
    if (desc_type(&gate) == DESC_TASK_GATE) {
        task_read_tss(v, gate_sel(&gate), &tss, VEC_GP, ext);
        v->flags |= image & FL_RF;
        task_switch(v, &tss, TASK_EVENT, ext, error);
        v->halted = false;
        v->shadow = 0;
        return;
    }
    deliver_gate(v, &gate, ext, image, error);
}

void event_deliver(Vcpu *v, int vector, EventKind kind, bool has_error, uint32_t error)
{
    if (kind == EVENT_EXTERNAL)
        v->insn_rip = v->rip; /* a fault on the way reports the interrupted place */
    note(v, vector, kind, has_error, error, false);
    deliver(v, vector, kind, has_error ? &error : NULL, eflags_get(v));
}

/* CR4.VME: INT n through the V8086 program's own table. SDM 3A 20.3.3, table 20-2 */
static bool vme_redirects(Vcpu *v, int vector)
{
    if (!(v->cr4 & CR4_VME))
        return false;
    if (!(v->tr.attr & 8) || v->tr.limit < 0x67)
        fault_gp0(v);
    uint32_t off = sys_read16(v, v->tr.base + 0x66) - 32 + vector / 8;
    if (off > v->tr.limit)
        fault_gp0(v);
    return !(sys_read8(v, v->tr.base + off) >> vector % 8 & 1);
}

void event_soft_int(Vcpu *v, int vector, EventKind kind)
{
    if (vcpu_v86(v) && kind == EVENT_SOFT_INT) {
        bool iopl3 = (v->flags & FL_IOPL) == FL_IOPL;
        if (vme_redirects(v, vector)) {
            uint32_t image = eflags_get(v);
            if (!iopl3)
                image = (image & ~FL_IF) | FL_IOPL | (image & FL_VIF ? FL_IF : 0);
            deliver_real(v, vector, 0, image, FL_TF | FL_RF | (iopl3 ? FL_IF : FL_VIF));
            return;
        }
        if (!iopl3)
            fault_gp0(v);
    }
    event_deliver(v, vector, kind, false, 0);
}

static bool is_contributory(int vector)
{
    return vector == VEC_DE || vector == VEC_TS || vector == VEC_NP || vector == VEC_SS || vector == VEC_GP;
}

/* What a fault becomes that was met while delivering an earlier exception. False: shutdown. SDM 3A table 6-5 */
static bool combine(int first, Fault *f)
{
    bool second_counts = is_contributory(f->vector) || f->vector == VEC_PF;
    if (first == VEC_DF && second_counts)
        return false;
    if ((is_contributory(first) && is_contributory(f->vector)) || (first == VEC_PF && second_counts))
        *f = (Fault){.vector = VEC_DF, .has_error = true};
    return true;
}

enum { MAX_ROUNDS = 64 };

static void shut_down(Vcpu *v)
{
    v->delivering = -1;
    v->shutdown = true;
    vcpu_attention(v, ATTN_EVENT);
    if (v->reset_request)
        v->reset_request(v->reset_opaque);
}

/* What v->fault's handler gets as EFLAGS. SDM 3A 2.3: RF; #DB has its own rules (debug.c) */
static uint32_t fault_image(const Vcpu *v)
{
    int vector = v->fault.vector;
    return eflags_get(v) | (vector != VEC_DB && vector != VEC_DF && vector != VEC_MC ? FL_RF : 0);
}

/* One delivery of v->fault. True when it is done with, false when it met another fault, now in v->fault. */
static bool deliver_once(Vcpu *v)
{
    jmp_buf here;
    v->catch_point = &here;
    if (_setjmp(here))
        return false;
    Fault f = v->fault;
    deliver(v, f.vector, EVENT_EXCEPTION, f.has_error ? &f.error : NULL, fault_image(v));
    return true;
}

/* The same without a catch point, if it needs none. */
static bool deliver_plain(Vcpu *v)
{
    const Fault *f = &v->fault;
    return !v->log && plain_deliver(v, f->vector, false, f->has_error ? &f->error : NULL, fault_image(v));
}

void event_deliver_fault(Vcpu *v)
{
    jmp_buf *outer = v->catch_point;
    bool done;
    unsigned rounds = 0;
    do {
        /*
         * Benign faults do not combine: #AC while delivering #GP, #GP while delivering #AC, and so on. Processors go round
         * for ever, deaf to interrupts; a guest must not do that to us, so it counts as the end of this CPU.
         */
        if (++rounds > MAX_ROUNDS) {
            shut_down(v);
            break;
        }
        if (v->fault.vector == VEC_PF)
            v->cr2 = v->fault.cr2;
        note(v, v->fault.vector, EVENT_EXCEPTION, v->fault.has_error, v->fault.error, v->delivering >= 0);
        if (!combine(v->delivering, &v->fault)) {
            shut_down(v);
            break;
        }
        v->rip = v->insn_rip;
        v->delivering = v->fault.vector;
        v->debug_hits = 0;
        if (v->fault.vector == VEC_DB) /* SDM 3B 17.2.4: GD is cleared on entry to the handler */
            v->dr[7] &= ~(uint64_t)DR7_GD;
        done = deliver_plain(v) || deliver_once(v);
    } while (!done);
    v->delivering = -1;
    v->catch_point = outer;
}

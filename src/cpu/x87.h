/*
 * x87 internals: the register stack, and running one instruction on the host's own FPU.
 *
 * The result of a floating-point instruction is what the host FPU makes of it, exception by exception. A handler puts
 * its operands into the host's (empty) register stack under the guest's control word, runs the instruction, and reads
 * back the status word and the result:
 *
 *     x87_enter(f);                       guest control word, clean exception flags
 *     asm("fldt; fldt; fadd ...");
 *     sw = x87_status();                  what it raised; an unmasked exception is cleared before it can strike
 *     asm("fstpt ...");
 *     x87_exit(f);                        host control word
 *     x87_merge(v, sw, SW_C1);
 *
 * An unmasked x87 exception strikes only at the next waiting instruction, so even those run natively. The stack's own
 * faults (empty source, full destination) are found by us before: the host never sees them.
 */
#pragma once

#include "cpu/cpu.h"

/* Status word, SDM 1 8.1.3 */
#define SW_IE 0x0001u
#define SW_DE 0x0002u
#define SW_ZE 0x0004u
#define SW_OE 0x0008u
#define SW_UE 0x0010u
#define SW_PE 0x0020u
#define SW_SF 0x0040u
#define SW_C0 0x0100u
#define SW_C1 0x0200u
#define SW_C2 0x0400u
#define SW_TOP 0x3800u
#define SW_TOP_SHIFT 11
#define SW_C3 0x4000u
#define SW_B 0x8000u
#define SW_CC (SW_C0 | SW_C1 | SW_C2 | SW_C3)
#define SW_PRE (SW_IE | SW_DE | SW_ZE) /* found before computing: when unmasked, nothing is written. SDM 1 8.6 */

#define X87_CW_RESET 0x0040u
#define X87_CW_INIT 0x037fu
#define X87_CW_HOST 0x037fu /* what the System V ABI promises C code */

static inline unsigned st_phys(const Fpu *f, unsigned n)
{
    return (f->top + n) & 7;
}
static inline Fpr *st_reg(Fpu *f, unsigned n)
{
    return &f->reg[st_phys(f, n)];
}
static inline bool st_full(const Fpu *f, unsigned n)
{
    return f->full >> st_phys(f, n) & 1;
}
static inline void st_pop(Fpu *f)
{
    f->full &= ~(1u << f->top);
    f->top = (f->top + 1) & 7;
}
/* Copies the 80 bits; the six bytes after them stay 0, as FXSAVE shows them. */
static inline void fpr_copy(Fpr *to, const Fpr *from)
{
    to->mant = from->mant;
    to->exp = from->exp;
}
static inline void st_set(Fpu *f, unsigned n, const Fpr *value)
{
    fpr_copy(st_reg(f, n), value);
    f->full |= 1u << st_phys(f, n);
}
static inline void st_push(Fpu *f, const Fpr *value)
{
    f->top = (f->top - 1) & 7;
    st_set(f, 0, value);
}

/* The real indefinite, SDM 1 4.8.3.7: the masked response to a stack fault. */
static inline Fpr fpr_indefinite(void)
{
    return (Fpr){ .mant = 0xc000000000000000u, .exp = 0xffff };
}

/* The error summary and FERR# follow from status and control word; call after either changed. */
void x87_update_es(Vcpu *v);
/*
 * An unmasked exception is pending at a waiting instruction: #MF, or by CR0.NE = 0 the external way. Returns false when
 * the instruction must wait (rip is back on it), true to go on.
 */
bool x87_pending(Vcpu *v);
/*
 * Stack overflow or underflow. True: masked, the caller delivers the indefinite; false: nothing else may change.
 */
bool x87_stack_fault(Vcpu *v, bool overflow);
/* The two-bit tags of FNSTENV, from the registers' contents. */
uint16_t x87_full_tags(const Fpu *f);

/* #NM and the wait for pending exceptions. False: leave the handler at once. */
static inline bool x87_wait(Vcpu *v)
{
    if (G_UNLIKELY(v->cr0 & (CR0_EM | CR0_TS)))
        fault_raise(v, VEC_NM);
    vcpu_fpu(v);
    if (G_UNLIKELY(v->fpu.sw & SW_ES))
        return x87_pending(v);
    return true;
}
/* The same for the FN... instructions, which do not wait. */
static inline void x87_no_wait(Vcpu *v)
{
    if (G_UNLIKELY(v->cr0 & (CR0_EM | CR0_TS)))
        fault_raise(v, VEC_NM);
    vcpu_fpu(v);
}

/* Last instruction and data pointers, as the P6 keeps them. Only once no memory operand can fault any more. */
static inline void x87_pointers(Vcpu *v, const Insn *i)
{
    Fpu *f = &v->fpu;
    f->fip = v->insn_rip;
    f->fcs = v->seg[S_CS].sel;
    f->fop = (i->opcode & 7) << 8 | (i->imm2 & 0xff);
    if (i->flags & INSN_MEM) {
        f->fdp = insn_ea(v, i);
        f->fds = v->seg[i->seg].sel;
    }
}

static inline void x87_enter(const Fpu *f)
{
    uint16_t stale;
    /* FNCLEX is slow; flags that the guest has already, masked, may stay: they will only be ORed to themselves. */
    __asm__ volatile("fnstsw %0" : "=a"(stale));
    if (stale & (SW_EXCEPTIONS | SW_SF) & (~f->sw | ~f->cw))
        __asm__ volatile("fnclex");
    if (f->cw != X87_CW_HOST)
        __asm__ volatile("fldcw %0" : : "m"(f->cw));
}
/*
 * The guest's condition codes into the host's status word, after the operands: for instructions that leave some alone on
 * some CPUs. Slow, so only when they differ.
 */
static inline void x87_host_cc(const Fpu *f)
{
    uint32_t env[7];
    uint16_t sw;
    __asm__ volatile("fnstsw %0" : "=a"(sw));
    if (!((sw ^ f->sw) & SW_CC))
        return;
    __asm__ volatile("fnstenv %0" : "=m"(env));
    env[1] = (env[1] & ~SW_CC) | (f->sw & SW_CC);
    __asm__ volatile("fldenv %0" : : "m"(env));
}
static inline uint16_t x87_status(void)
{
    uint16_t sw;
    __asm__ volatile("fnstsw %0" : "=a"(sw) : : "memory");
    if (G_UNLIKELY(sw & SW_ES))
        __asm__ volatile("fnclex");
    return sw;
}
static inline void x87_exit(const Fpu *f)
{
    static const uint16_t cw = X87_CW_HOST;
    if (f->cw != X87_CW_HOST)
        __asm__ volatile("fldcw %0" : : "m"(cw));
}
/* Take over exception flags and the condition codes in mask. */
static inline void x87_merge(Vcpu *v, uint16_t host, uint16_t mask)
{
    Fpu *f = &v->fpu;
    f->sw = (f->sw & ~mask) | (host & (mask | SW_EXCEPTIONS));
    if (G_UNLIKELY(host & SW_ES))
        x87_update_es(v);
}
/* Was an unmasked exception raised that forbids writing the destination register? */
static inline bool x87_blocked(const Fpu *f, uint16_t host)
{
    return (host & SW_ES) && (host & ~f->cw & SW_PRE);
}

/* An operand into the host stack, a result from it. */
static inline void x87_host_load(const Fpr *r)
{
    __asm__ volatile("fldt %0" : : "m"(*r));
}
static inline Fpr x87_host_store(void)
{
    Fpr r = { 0 };
    __asm__ volatile("fstpt %0" : "+m"(r));
    return r;
}
static inline void x87_host_drop(void)
{
    __asm__ volatile("fstp %st(0)");
}
/* An instruction without operands in memory. */
#define X87_HOST(text) __asm__ volatile(text : : : "memory")

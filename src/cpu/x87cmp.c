/*
 * x87 comparisons and classification: results in the condition codes, or in EFLAGS for the FCOMI family; and FCMOVcc,
 * which reads those back. SDM 1 8.3.6
 */
#include "cpu/handlers.h"
#include "cpu/x87.h"

#define SW_UNORDERED (SW_C0 | SW_C2 | SW_C3)

static inline void pop_n(Fpu *f, int n)
{
    while (n-- > 0)
        st_pop(f);
}

/* A source is empty: "unordered", even when the exception is not masked. */
static void compare_underflow(Vcpu *v, int pops)
{
    bool masked = x87_stack_fault(v, false);
    v->fpu.sw |= SW_UNORDERED;
    if (masked)
        pop_n(&v->fpu, pops);
}

static inline void compare_finish(Vcpu *v, int loaded, int pops)
{
    Fpu *f = &v->fpu;
    uint16_t sw = x87_status();
    while (loaded-- > 0)
        x87_host_drop();
    x87_exit(f);
    x87_merge(v, sw, SW_CC);
    if (!x87_blocked(f, sw))
        pop_n(f, pops);
}

/* ST(0) against ST(n) */
#define X87_COMPARE_ST(host, n, pops)                                                                                  \
    do {                                                                                                               \
        if (G_UNLIKELY(!st_full(&v->fpu, 0) || !st_full(&v->fpu, n))) {                                                \
            compare_underflow(v, pops);                                                                                \
            return;                                                                                                    \
        }                                                                                                              \
        x87_enter(&v->fpu);                                                                                            \
        x87_host_load(st_reg(&v->fpu, n));                                                                             \
        x87_host_load(st_reg(&v->fpu, 0));                                                                             \
        X87_HOST(host " %%st(1)");                                                                                      \
        compare_finish(v, 2, pops);                                                                                    \
    } while (0)

static inline void compare_real(Vcpu *v, const Insn *i, int pops)
{
    bool wide = i->opcode & 4;
    uint64_t m;
    if (!x87_wait(v))
        return;
    if (!(i->flags & INSN_MEM)) {
        x87_pointers(v, i);
        X87_COMPARE_ST("fcom", i->rm, pops);
        return;
    }
    m = wide ? mem_read64(v, i->seg, insn_ea(v, i)) : mem_read32(v, i->seg, insn_ea(v, i));
    x87_pointers(v, i);
    if (G_UNLIKELY(!st_full(&v->fpu, 0))) {
        compare_underflow(v, pops);
        return;
    }
    x87_enter(&v->fpu);
    x87_host_load(st_reg(&v->fpu, 0));
    if (wide)
        __asm__ volatile("fcoml %0" : : "m"(m));
    else
        __asm__ volatile("fcoms %0" : : "m"(m));
    compare_finish(v, 1, pops);
}

static inline void compare_integer(Vcpu *v, const Insn *i, int pops)
{
    bool narrow = i->opcode & 4;
    uint32_t m;
    if (!x87_wait(v))
        return;
    m = narrow ? mem_read16(v, i->seg, insn_ea(v, i)) : mem_read32(v, i->seg, insn_ea(v, i));
    x87_pointers(v, i);
    if (G_UNLIKELY(!st_full(&v->fpu, 0))) {
        compare_underflow(v, pops);
        return;
    }
    x87_enter(&v->fpu);
    x87_host_load(st_reg(&v->fpu, 0));
    if (narrow)
        __asm__ volatile("ficoms %0" : : "m"(m));
    else
        __asm__ volatile("ficoml %0" : : "m"(m));
    compare_finish(v, 1, pops);
}

static inline void compare_unordered(Vcpu *v, const Insn *i, int pops)
{
    if (!x87_wait(v))
        return;
    x87_pointers(v, i);
    X87_COMPARE_ST("fucom", i->rm, pops);
}

void op_fcom(Vcpu *v, const Insn *i)
{
    compare_real(v, i, 0);
}

void op_fcomp(Vcpu *v, const Insn *i)
{
    compare_real(v, i, 1);
}

void op_fcompp(Vcpu *v, const Insn *i)
{
    compare_real(v, i, 2);
}

void op_ficom(Vcpu *v, const Insn *i)
{
    compare_integer(v, i, 0);
}

void op_ficomp(Vcpu *v, const Insn *i)
{
    compare_integer(v, i, 1);
}

void op_fucom(Vcpu *v, const Insn *i)
{
    compare_unordered(v, i, 0);
}

void op_fucomp(Vcpu *v, const Insn *i)
{
    compare_unordered(v, i, 1);
}

void op_fucompp(Vcpu *v, const Insn *i)
{
    compare_unordered(v, i, 2);
}

void op_ftst(Vcpu *v, const Insn *i)
{
    Fpu *f = &v->fpu;
    if (!x87_wait(v))
        return;
    x87_pointers(v, i);
    if (G_UNLIKELY(!st_full(f, 0))) {
        compare_underflow(v, 0);
        return;
    }
    x87_enter(f);
    x87_host_load(st_reg(f, 0));
    X87_HOST("ftst");
    compare_finish(v, 1, 0);
}

/* Never faults; an empty register is a class of its own, with its sign. */
void op_fxam(Vcpu *v, const Insn *i)
{
    Fpu *f = &v->fpu;
    uint16_t sw;
    if (!x87_wait(v))
        return;
    x87_pointers(v, i);
    x87_enter(f);
    x87_host_load(st_reg(f, 0));
    X87_HOST("fxam");
    sw = x87_status();
    x87_host_drop();
    x87_exit(f);
    if (!st_full(f, 0))
        sw = (sw & SW_C1) | SW_C3 | SW_C0;
    f->sw = (f->sw & ~SW_CC) | (sw & SW_CC);
}

/*
 * ZF, PF and CF as given, OF, SF and AF cleared, also when an unmasked exception keeps the stack from being popped.
 * (SDM 2A has EFLAGS unchanged then; CPUs do change them.)
 */
static inline void eflags_finish(Vcpu *v, uint16_t cc)
{
    v->cc = (cc & (CC_ZF | CC_PF | CC_CF)) | CC_1;
}

#define X87_COMPARE_EFLAGS(name, pops)                                                                                 \
    do {                                                                                                               \
        Fpu *f = &v->fpu;                                                                                              \
        uint16_t sw, cc;                                                                                               \
        if (!x87_wait(v))                                                                                              \
            return;                                                                                                    \
        x87_pointers(v, i);                                                                                            \
        if (G_UNLIKELY(!st_full(f, 0) || !st_full(f, i->rm))) {                                                        \
            eflags_finish(v, CC_ZF | CC_PF | CC_CF);                                                                   \
            if (x87_stack_fault(v, false))                                                                             \
                pop_n(f, pops);                                                                                        \
            return;                                                                                                    \
        }                                                                                                              \
        x87_enter(f);                                                                                                  \
        x87_host_load(st_reg(f, i->rm));                                                                               \
        x87_host_load(st_reg(f, 0));                                                                                   \
        x87_host_cc(f); /* C1 is cleared, or not */                                                                    \
        __asm__ volatile(name " %%st(1), %%st\n\tlahf\n\tmovw %%ax, %0" : "=m"(cc) : : "ax", "cc");                    \
        sw = x87_status();                                                                                             \
        x87_host_drop();                                                                                               \
        x87_host_drop();                                                                                               \
        x87_exit(f);                                                                                                   \
        x87_merge(v, sw, SW_C1);                                                                                       \
        eflags_finish(v, cc);                                                                                          \
        if (!x87_blocked(f, sw))                                                                                       \
            pop_n(f, pops);                                                                                            \
    } while (0)

void op_fcomi(Vcpu *v, const Insn *i)
{
    X87_COMPARE_EFLAGS("fcomi", 0);
}

void op_fcomip(Vcpu *v, const Insn *i)
{
    X87_COMPARE_EFLAGS("fcomi", 1);
}

void op_fucomi(Vcpu *v, const Insn *i)
{
    X87_COMPARE_EFLAGS("fucomi", 0);
}

void op_fucomip(Vcpu *v, const Insn *i)
{
    X87_COMPARE_EFLAGS("fucomi", 1);
}

/* One handler for all eight: ModRM.reg 0..3 is B, E, BE, U; opcode DB negates. */
void op_fcmov(Vcpu *v, const Insn *i)
{
    static const uint16_t condition[4] = { CC_CF, CC_ZF, CC_CF | CC_ZF, CC_PF };
    Fpu *f = &v->fpu;
    bool met = !!(v->cc & condition[i->reg & 3]) ^ (i->opcode & 1);
    if (!x87_wait(v))
        return;
    x87_pointers(v, i);
    if (G_UNLIKELY(!st_full(f, 0) || !st_full(f, i->rm))) {
        Fpr r = fpr_indefinite();
        if (x87_stack_fault(v, false)) /* met or not */
            st_set(f, 0, &r);
        return;
    }
    if (met)
        fpr_copy(st_reg(f, 0), st_reg(f, i->rm));
}

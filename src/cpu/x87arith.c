/*
 * x87 basic arithmetic: add, multiply, subtract, divide and their reversed, integer and popping forms; the unary
 * operations; scale and partial remainders. SDM 1 8.3.5
 *
 * D8 works on ST(0) and a register or 32-bit real, DC on a register and ST(0) or a 64-bit real, DE pops; DA and DE with
 * memory take 32-bit and 16-bit integers.
 */
#include "cpu/handlers.h"
#include "cpu/x87.h"

/* The result of a run goes to ST(n), unless an unmasked exception forbids; extra: operands left in the host stack. */
static inline void finish(Vcpu *v, unsigned n, int extra, bool pop, uint16_t cc_mask)
{
    Fpu *f = &v->fpu;
    uint16_t sw = x87_status();
    Fpr r = x87_host_store();
    if (extra)
        x87_host_drop();
    x87_exit(f);
    x87_merge(v, sw, cc_mask);
    if (G_UNLIKELY(x87_blocked(f, sw)))
        return;
    fpr_copy(st_reg(f, n), &r);
    if (pop)
        st_pop(f);
}

/* A source is empty: the masked response is the indefinite in ST(n). C2, where it has a meaning, says "complete". */
static void underflow(Vcpu *v, unsigned n, bool pop, uint16_t cc_mask)
{
    Fpr r = fpr_indefinite();
    v->fpu.sw &= ~(cc_mask & SW_C2);
    if (!x87_stack_fault(v, false))
        return;
    st_set(&v->fpu, n, &r);
    if (pop)
        st_pop(&v->fpu);
}

#define X87_BINARY(name, mnemonic)                                                                                     \
    void op_f##name(Vcpu *v, const Insn *i)                                                                            \
    {                                                                                                                  \
        Fpu *f = &v->fpu;                                                                                              \
        if (!x87_wait(v))                                                                                              \
            return;                                                                                                    \
        if (!(i->flags & INSN_MEM)) {                                                                                  \
            unsigned dst = i->opcode & 4 ? i->rm : 0, src = i->opcode & 4 ? 0 : i->rm;                                 \
            bool pop = i->opcode & 2;                                                                                  \
            x87_pointers(v, i);                                                                                        \
            if (G_UNLIKELY(!st_full(f, dst) || !st_full(f, src))) {                                                    \
                underflow(v, dst, pop, SW_C1);                                                                         \
                return;                                                                                                \
            }                                                                                                          \
            x87_enter(f);                                                                                              \
            x87_host_load(st_reg(f, src));                                                                             \
            x87_host_load(st_reg(f, dst));                                                                             \
            X87_HOST(mnemonic " %%st(1), %%st");                                                                         \
            finish(v, dst, 1, pop, SW_C1);                                                                             \
        } else {                                                                                                       \
            bool wide = i->opcode & 4;                                                                                 \
            uint64_t m = wide ? mem_read64(v, i->seg, insn_ea(v, i)) : mem_read32(v, i->seg, insn_ea(v, i));           \
            x87_pointers(v, i);                                                                                        \
            if (G_UNLIKELY(!st_full(f, 0))) {                                                                          \
                underflow(v, 0, false, SW_C1);                                                                         \
                return;                                                                                                \
            }                                                                                                          \
            x87_enter(f);                                                                                              \
            x87_host_load(st_reg(f, 0));                                                                               \
            if (wide)                                                                                                  \
                __asm__ volatile(mnemonic "l %0" : : "m"(m));                                                          \
            else                                                                                                       \
                __asm__ volatile(mnemonic "s %0" : : "m"(m));                                                          \
            finish(v, 0, 0, false, SW_C1);                                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    void op_fi##name(Vcpu *v, const Insn *i)                                                                           \
    {                                                                                                                  \
        Fpu *f = &v->fpu;                                                                                              \
        bool narrow = i->opcode & 4;                                                                                   \
        uint32_t m;                                                                                                    \
        if (!x87_wait(v))                                                                                              \
            return;                                                                                                    \
        m = narrow ? mem_read16(v, i->seg, insn_ea(v, i)) : mem_read32(v, i->seg, insn_ea(v, i));                      \
        x87_pointers(v, i);                                                                                            \
        if (G_UNLIKELY(!st_full(f, 0))) {                                                                              \
            underflow(v, 0, false, SW_C1);                                                                             \
            return;                                                                                                    \
        }                                                                                                              \
        x87_enter(f);                                                                                                  \
        x87_host_load(st_reg(f, 0));                                                                                   \
        if (narrow)                                                                                                    \
            __asm__ volatile("fi" #name "s %0" : : "m"(m));                                                            \
        else                                                                                                           \
            __asm__ volatile("fi" #name "l %0" : : "m"(m));                                                            \
        finish(v, 0, 0, false, SW_C1);                                                                                 \
    }

X87_BINARY(add, "fadd")
X87_BINARY(mul, "fmul")
X87_BINARY(sub, "fsub")
X87_BINARY(subr, "fsubr")
X87_BINARY(div, "fdiv")
X87_BINARY(divr, "fdivr")

/* ST(0) = f(ST(0)) */
#define X87_UNARY(name, cc_mask)                                                                                       \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        Fpu *f = &v->fpu;                                                                                              \
        if (!x87_wait(v))                                                                                              \
            return;                                                                                                    \
        x87_pointers(v, i);                                                                                            \
        if (G_UNLIKELY(!st_full(f, 0))) {                                                                              \
            underflow(v, 0, false, cc_mask);                                                                           \
            return;                                                                                                    \
        }                                                                                                              \
        x87_enter(f);                                                                                                  \
        x87_host_load(st_reg(f, 0));                                                                                   \
        X87_HOST(#name);                                                                                               \
        finish(v, 0, 0, false, cc_mask);                                                                               \
    }

X87_UNARY(fabs, SW_C1)
X87_UNARY(fchs, SW_C1)
X87_UNARY(fsqrt, SW_C1)
X87_UNARY(frndint, SW_C1)
X87_UNARY(f2xm1, SW_C1)
X87_UNARY(fsin, SW_C1 | SW_C2) /* C2: out of range, ST(0) unchanged */
X87_UNARY(fcos, SW_C1 | SW_C2)

/* ST(0) = f(ST(0), ST(1)) */
#define X87_BY_ST1(name, cc_mask)                                                                                      \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        Fpu *f = &v->fpu;                                                                                              \
        if (!x87_wait(v))                                                                                              \
            return;                                                                                                    \
        x87_pointers(v, i);                                                                                            \
        if (G_UNLIKELY(!st_full(f, 0) || !st_full(f, 1))) {                                                            \
            underflow(v, 0, false, cc_mask);                                                                           \
            return;                                                                                                    \
        }                                                                                                              \
        x87_enter(f);                                                                                                  \
        x87_host_load(st_reg(f, 1));                                                                                   \
        x87_host_load(st_reg(f, 0));                                                                                   \
        if (cc_mask & SW_C0)                                                                                           \
            x87_host_cc(f);                                                                                            \
        X87_HOST(#name);                                                                                               \
        finish(v, 0, 1, false, cc_mask);                                                                               \
    }

X87_BY_ST1(fscale, SW_C1)
X87_BY_ST1(fprem, SW_CC)
X87_BY_ST1(fprem1, SW_CC)

/* ST(1) = f(ST(1), ST(0)), then pop */
#define X87_INTO_ST1(name)                                                                                             \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        Fpu *f = &v->fpu;                                                                                              \
        uint16_t sw;                                                                                                   \
        Fpr r;                                                                                                         \
        if (!x87_wait(v))                                                                                              \
            return;                                                                                                    \
        x87_pointers(v, i);                                                                                            \
        if (G_UNLIKELY(!st_full(f, 0) || !st_full(f, 1))) {                                                            \
            underflow(v, 1, true, SW_C1);                                                                              \
            return;                                                                                                    \
        }                                                                                                              \
        x87_enter(f);                                                                                                  \
        x87_host_load(st_reg(f, 1));                                                                                   \
        x87_host_load(st_reg(f, 0));                                                                                   \
        X87_HOST(#name);                                                                                               \
        sw = x87_status();                                                                                             \
        if (G_UNLIKELY(x87_blocked(f, sw))) {                                                                          \
            x87_host_drop(); /* nothing was popped */                                                                  \
            x87_host_drop();                                                                                           \
        } else {                                                                                                       \
            r = x87_host_store();                                                                                      \
            fpr_copy(st_reg(f, 1), &r);                                                                                \
            st_pop(f);                                                                                                 \
        }                                                                                                              \
        x87_exit(f);                                                                                                   \
        x87_merge(v, sw, SW_C1);                                                                                       \
    }

X87_INTO_ST1(fpatan)
X87_INTO_ST1(fyl2x)
X87_INTO_ST1(fyl2xp1)

/*
 * ST(0) is replaced by one result and a second is pushed. FPTAN and FSINCOS leave an operand out of range alone (C2).
 */
#define X87_TWO_RESULTS(name, cc_mask)                                                                                 \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        Fpu *f = &v->fpu;                                                                                              \
        uint16_t sw;                                                                                                   \
        Fpr first, second;                                                                                             \
        if (!x87_wait(v))                                                                                              \
            return;                                                                                                    \
        x87_pointers(v, i);                                                                                            \
        if (G_UNLIKELY(!st_full(f, 0) || st_full(f, 7))) {                                                             \
            first = fpr_indefinite();                                                                                  \
            f->sw &= ~(cc_mask & SW_C2);                                                                               \
            if (!x87_stack_fault(v, st_full(f, 0)))                                                                    \
                return;                                                                                                \
            st_set(f, 0, &first);                                                                                      \
            st_push(f, &first);                                                                                        \
            return;                                                                                                    \
        }                                                                                                              \
        x87_enter(f);                                                                                                  \
        x87_host_load(st_reg(f, 0));                                                                                   \
        X87_HOST(#name);                                                                                               \
        sw = x87_status();                                                                                             \
        first = x87_host_store();                                                                                      \
        if ((sw & SW_TOP) == 6u << SW_TOP_SHIFT) { /* two values: the host's stack began empty, at 0 */                \
            second = x87_host_store();                                                                                 \
            fpr_copy(st_reg(f, 0), &second);                                                                           \
            st_push(f, &first);                                                                                        \
        }                                                                                                              \
        x87_exit(f);                                                                                                   \
        x87_merge(v, sw, cc_mask);                                                                                     \
    }

X87_TWO_RESULTS(fptan, (SW_C1 | SW_C2))
X87_TWO_RESULTS(fsincos, (SW_C1 | SW_C2))
X87_TWO_RESULTS(fxtract, SW_C1)

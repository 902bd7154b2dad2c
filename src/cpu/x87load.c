/*
 * x87 data transfer: loads and stores of reals, integers and packed decimals, constants, exchange. SDM 1 8.3.3
 *
 * A store computes first, then writes memory, then changes the registers: a page fault leaves everything as it was.
 */
#include "cpu/handlers.h"
#include "cpu/x87.h"

/*
 * Operands of ten bytes are accessed as eight and two: where the segment ends in the second part, the first may still
 * raise a page fault.
 */
static void ext_check(Vcpu *v, const Insn *i, int access)
{
    const Seg *s = &v->seg[i->seg];
    uint64_t ea = insn_ea(v, i);
    Gva addr;
    if (G_LIKELY((int64_t)(ea + 9) <= (access == ACCESS_WRITE ? s->write_max : s->read_max)))
        return;
    addr = access == ACCESS_WRITE ? seg_lin_write(v, i->seg, ea, 8) : seg_lin_read(v, i->seg, ea, 8);
    lin_probe(v, addr, 8, access, v->mmu_idx);
}

static void ext_read(Vcpu *v, const Insn *i, void *m)
{
    ext_check(v, i, ACCESS_READ);
    mem_read_block(v, i->seg, insn_ea(v, i), m, 10);
}

static void ext_write(Vcpu *v, const Insn *i, const void *m)
{
    ext_check(v, i, ACCESS_WRITE);
    mem_write_block(v, i->seg, insn_ea(v, i), m, 10);
}

/* There is no room to push. */
static void load_overflow(Vcpu *v)
{
    Fpr r = fpr_indefinite();
    if (x87_stack_fault(v, true))
        st_push(&v->fpu, &r);
}

/* The host has loaded (converted) a value; it stays off the stack when an unmasked exception forbade the load. */
static inline void load_finish(Vcpu *v)
{
    Fpu *f = &v->fpu;
    uint16_t sw = x87_status();
    Fpr r;
    if (sw & SW_TOP) {
        r = x87_host_store();
        st_push(f, &r);
    }
    x87_exit(f);
    x87_merge(v, sw, SW_C1);
}

static void load_ext(Vcpu *v, const Fpr *r)
{
    if (st_full(&v->fpu, 7)) {
        load_overflow(v);
        return;
    }
    v->fpu.sw &= ~SW_C1;
    st_push(&v->fpu, r);
}

void op_fld(Vcpu *v, const Insn *i)
{
    Fpu *f = &v->fpu;
    Fpr r = { 0 };
    uint64_t m;
    bool wide;
    if (!x87_wait(v))
        return;
    if (!(i->flags & INSN_MEM)) {
        x87_pointers(v, i);
        if (G_UNLIKELY(!st_full(f, i->rm))) {
            r = fpr_indefinite();
            if (x87_stack_fault(v, false))
                st_push(f, &r);
            return;
        }
        fpr_copy(&r, st_reg(f, i->rm));
        load_ext(v, &r);
        return;
    }
    if ((i->opcode & 7) == 3) { /* DB /5 */
        ext_read(v, i, &r);
        x87_pointers(v, i);
        load_ext(v, &r);
        return;
    }
    wide = i->opcode & 4;
    m = wide ? mem_read64(v, i->seg, insn_ea(v, i)) : mem_read32(v, i->seg, insn_ea(v, i));
    x87_pointers(v, i);
    if (G_UNLIKELY(st_full(f, 7))) {
        load_overflow(v);
        return;
    }
    x87_enter(f);
    if (wide)
        __asm__ volatile("fldl %0" : : "m"(m));
    else
        __asm__ volatile("flds %0" : : "m"(m));
    load_finish(v);
}

/* DB /0 m32, DF /0 m16, DF /5 m64: always exact */
void op_fild(Vcpu *v, const Insn *i)
{
    int64_t value;
    Fpr r = { 0 };
    if (!x87_wait(v))
        return;
    if ((i->opcode & 7) == 3)
        value = (int32_t)mem_read32(v, i->seg, insn_ea(v, i));
    else if (i->reg == 5)
        value = (int64_t)mem_read64(v, i->seg, insn_ea(v, i));
    else
        value = (int16_t)mem_read16(v, i->seg, insn_ea(v, i));
    x87_pointers(v, i);
    __asm__ volatile("fildll %1\n\tfstpt %0" : "+m"(r) : "m"(value));
    load_ext(v, &r);
}

void op_fbld(Vcpu *v, const Insn *i)
{
    uint8_t m[10];
    if (!x87_wait(v))
        return;
    ext_read(v, i, m);
    x87_pointers(v, i);
    if (st_full(&v->fpu, 7)) {
        load_overflow(v);
        return;
    }
    x87_enter(&v->fpu);
    __asm__ volatile("fbld %0" : : "m"(m));
    load_finish(v);
}

#define X87_CONSTANT(name)                                                                                             \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        if (!x87_wait(v))                                                                                              \
            return;                                                                                                    \
        x87_pointers(v, i);                                                                                            \
        if (G_UNLIKELY(st_full(&v->fpu, 7))) {                                                                         \
            load_overflow(v);                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        x87_enter(&v->fpu); /* the rounding control decides the last bit */                                            \
        X87_HOST(#name);                                                                                               \
        load_finish(v);                                                                                                \
    }

X87_CONSTANT(fld1)
X87_CONSTANT(fldz)
X87_CONSTANT(fldpi)
X87_CONSTANT(fldl2t)
X87_CONSTANT(fldl2e)
X87_CONSTANT(fldlg2)
X87_CONSTANT(fldln2)

/*
 * Stores. The kind says what the host does; each leaves the value in the host stack, or pops it itself where the
 * instruction only exists in that form.
 */
typedef enum StoreKind { STORE_F32, STORE_F64, STORE_I16, STORE_I32, STORE_I64, STORE_T16, STORE_T32, STORE_T64, STORE_BCD } StoreKind;

static const uint8_t store_size[] = {
    [STORE_F32] = 4, [STORE_F64] = 8, [STORE_I16] = 2, [STORE_I32] = 4, [STORE_I64] = 8,
    [STORE_T16] = 2, [STORE_T32] = 4, [STORE_T64] = 8, [STORE_BCD] = 10,
};

/* The indefinite of each format, SDM 1 tables 4-1 to 4-4 */
static void store_indefinite(StoreKind kind, uint8_t out[10])
{
    static const uint8_t bcd[10] = { 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff };
    uint64_t value = kind == STORE_F32 ? 0xffc00000u : kind == STORE_F64 ? 0xfff8000000000000u
        : 1ull << ((store_size[kind] * 8 - 1) & 63);
    if (kind == STORE_BCD)
        memcpy(out, bcd, sizeof(bcd));
    else
        memcpy(out, &value, sizeof(value));
}

static inline void store_run(StoreKind kind, uint8_t out[10])
{
    uint8_t(*m)[10] = (uint8_t(*)[10])out;
    switch (kind) {
    case STORE_F32: __asm__ volatile("fstps %0" : "+m"(*m)); break;
    case STORE_F64: __asm__ volatile("fstpl %0" : "+m"(*m)); break;
    case STORE_I16: __asm__ volatile("fistps %0" : "+m"(*m)); break;
    case STORE_I32: __asm__ volatile("fistpl %0" : "+m"(*m)); break;
    case STORE_I64: __asm__ volatile("fistpll %0" : "+m"(*m)); break;
    case STORE_T16: __asm__ volatile("fisttps %0" : "+m"(*m)); break;
    case STORE_T32: __asm__ volatile("fisttpl %0" : "+m"(*m)); break;
    case STORE_T64: __asm__ volatile("fisttpll %0" : "+m"(*m)); break;
    case STORE_BCD: __asm__ volatile("fbstp %0" : "+m"(*m)); break;
    }
}

static inline void store_write(Vcpu *v, const Insn *i, const uint8_t *out, unsigned size)
{
    uint64_t value;
    memcpy(&value, out, sizeof(value));
    switch (size) {
    case 2: mem_write16(v, i->seg, insn_ea(v, i), value); break;
    case 4: mem_write32(v, i->seg, insn_ea(v, i), value); break;
    case 8: mem_write64(v, i->seg, insn_ea(v, i), value); break;
    default: ext_write(v, i, out); break;
    }
}

/* An unmasked exception keeps memory as it is, but the address is checked all the same. */
static void store_probe(Vcpu *v, const Insn *i, unsigned size)
{
    Gva addr;
    if (size == 10)
        ext_check(v, i, ACCESS_WRITE);
    addr = seg_lin_write(v, i->seg, insn_ea(v, i), size);
    if (v->mmu_idx == MMU_CHECK && (addr & (MIN(size, 8) - 1)))
        fault_raise_error(v, VEC_AC, 0);
    if (!lin_write_fast(v, addr, size, v->mmu_idx))
        lin_probe(v, addr, size, ACCESS_WRITE, v->mmu_idx);
}

static inline void store(Vcpu *v, const Insn *i, StoreKind kind, bool pop)
{
    Fpu *f = &v->fpu;
    uint8_t out[10] = { 0 };
    uint16_t sw;
    if (!x87_wait(v))
        return;
    if (G_UNLIKELY(!st_full(f, 0))) {
        if (!(f->cw & SW_IE)) {
            store_probe(v, i, store_size[kind]);
            x87_pointers(v, i);
            x87_stack_fault(v, false);
            return;
        }
        store_indefinite(kind, out);
        store_write(v, i, out, store_size[kind]);
        x87_pointers(v, i);
        x87_stack_fault(v, false);
        if (pop)
            st_pop(f);
        return;
    }
    x87_enter(f);
    x87_host_load(st_reg(f, 0));
    store_run(kind, out);
    sw = x87_status();
    if (sw & SW_TOP) /* not popped: an unmasked exception kept it from storing */
        x87_host_drop();
    x87_exit(f);
    if (sw & SW_TOP)
        store_probe(v, i, store_size[kind]);
    else
        store_write(v, i, out, store_size[kind]);
    x87_pointers(v, i);
    x87_merge(v, sw, SW_C1);
    if (pop && !(sw & SW_TOP))
        st_pop(f);
}

static void store_ext(Vcpu *v, const Insn *i)
{
    Fpu *f = &v->fpu;
    Fpr r = *st_reg(f, 0);
    bool empty = !st_full(f, 0);
    if (G_UNLIKELY(empty)) {
        r = fpr_indefinite();
        if (!(f->cw & SW_IE)) {
            store_probe(v, i, 10);
            x87_pointers(v, i);
            x87_stack_fault(v, false);
            return;
        }
    }
    ext_write(v, i, &r);
    x87_pointers(v, i);
    f->sw &= ~SW_C1;
    if (empty)
        x87_stack_fault(v, false);
    st_pop(f);
}

/* FST and FSTP to a register */
static void store_st(Vcpu *v, const Insn *i, bool pop)
{
    Fpu *f = &v->fpu;
    Fpr r = *st_reg(f, 0);
    x87_pointers(v, i);
    if (G_UNLIKELY(!st_full(f, 0))) {
        r = fpr_indefinite();
        if (!x87_stack_fault(v, false))
            return;
    } else {
        f->sw &= ~SW_C1;
    }
    st_set(f, i->rm, &r);
    if (pop)
        st_pop(f);
}

void op_fst(Vcpu *v, const Insn *i)
{
    if (i->flags & INSN_MEM)
        store(v, i, i->opcode & 4 ? STORE_F64 : STORE_F32, false);
    else if (x87_wait(v))
        store_st(v, i, false);
}

void op_fstp(Vcpu *v, const Insn *i)
{
    if (!(i->flags & INSN_MEM)) {
        if (x87_wait(v))
            store_st(v, i, true);
    } else if ((i->opcode & 7) == 3) {
        if (x87_wait(v))
            store_ext(v, i);
    } else {
        store(v, i, i->opcode & 4 ? STORE_F64 : STORE_F32, true);
    }
}

/* D9 /3 with a register, undocumented: an empty ST(0) is not noticed ("no check empty"), nor is it copied. */
void op_fstpnce(Vcpu *v, const Insn *i)
{
    Fpu *f = &v->fpu;
    if (!x87_wait(v))
        return;
    x87_pointers(v, i);
    f->sw &= ~SW_C1;
    if (st_full(f, 0))
        st_set(f, i->rm, st_reg(f, 0));
    st_pop(f);
}

void op_fist(Vcpu *v, const Insn *i)
{
    store(v, i, i->opcode & 4 ? STORE_I16 : STORE_I32, false);
}

/* DB /3 m32, DF /3 m16, DF /7 m64 */
void op_fistp(Vcpu *v, const Insn *i)
{
    store(v, i, !(i->opcode & 4) ? STORE_I32 : i->reg == 7 ? STORE_I64 : STORE_I16, true);
}

/* DB /1 m32, DD /1 m64, DF /1 m16 */
void op_fisttp(Vcpu *v, const Insn *i)
{
    unsigned op = i->opcode & 7;
    store(v, i, op == 3 ? STORE_T32 : op == 5 ? STORE_T64 : STORE_T16, true);
}

void op_fbstp(Vcpu *v, const Insn *i)
{
    store(v, i, STORE_BCD, true);
}

void op_fxch(Vcpu *v, const Insn *i)
{
    Fpu *f = &v->fpu;
    Fpr a, b;
    if (!x87_wait(v))
        return;
    x87_pointers(v, i);
    a = *st_reg(f, 0);
    b = *st_reg(f, i->rm);
    if (G_UNLIKELY(!st_full(f, 0) || !st_full(f, i->rm))) {
        if (!x87_stack_fault(v, false))
            return;
        if (!st_full(f, 0))
            a = fpr_indefinite();
        if (!st_full(f, i->rm))
            b = fpr_indefinite();
    } else {
        f->sw &= ~SW_C1;
    }
    st_set(f, 0, &b);
    st_set(f, i->rm, &a);
}

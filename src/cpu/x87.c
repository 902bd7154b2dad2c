/*
 * x87 state: reset, control and status words, error reporting, the environment and its four memory formats, and the
 * control instructions on them. SDM 1 8.1
 */
#include "cpu/x87.h"
#include "cpu/handlers.h"

/* ---- error reporting ---- */

static void ferr_set(Vcpu *v, bool level)
{
    if (v->ferr_level == level)
        return;
    v->ferr_level = level;
    if (!level)
        v->ignne = false;
    if (v->ferr)
        v->ferr(v->ferr_opaque, level);
}

void x87_update_es(Vcpu *v)
{
    Fpu *f = &v->fpu;
    bool es = f->sw & ~f->cw & SW_EXCEPTIONS;
    f->sw &= ~(SW_ES | SW_B);
    if (es)
        f->sw |= SW_ES | SW_B;
    if (es != v->ferr_level && !(es && (v->cr0 & CR0_NE)))
        ferr_set(v, es);
}

bool x87_pending(Vcpu *v)
{
    if (v->cr0 & CR0_NE)
        fault_raise(v, VEC_MF);
    ferr_set(v, true);
    if (!v->ferr || v->ignne)
        return true;
    /* SDM 1 D.2: the processor stops before this instruction until IRQ 13 comes in; here it tries again and again. */
    v->rip = v->insn_rip;
    vcpu_attention(v, ATTN_STALE);
    return false;
}

bool x87_stack_fault(Vcpu *v, bool overflow)
{
    Fpu *f = &v->fpu;
    f->sw = (f->sw & ~SW_C1) | SW_IE | SW_SF | (overflow ? SW_C1 : 0);
    if (f->cw & SW_IE)
        return true;
    x87_update_es(v);
    return false;
}

/* ---- state ---- */

/* SDM 3A table 9-1, power-up column */
void fpu_reset(Vcpu *v)
{
    Fpu *f = &v->fpu;
    memset(f, 0, sizeof(*f));
    f->cw = X87_CW_RESET;
    f->full = 0xff;
    f->mxcsr = 0x1f80;
    x87_update_es(v);
}

/* FNINIT: the registers keep their contents. */
void fpu_init(Vcpu *v)
{
    Fpu *f = &v->fpu;
    f->cw = X87_CW_INIT;
    f->sw = 0;
    f->top = 0;
    f->full = 0;
    f->fop = 0;
    f->fip = f->fdp = 0;
    f->fcs = f->fds = 0;
    x87_update_es(v);
}

static uint16_t status_word(const Fpu *f)
{
    return (f->sw & ~SW_TOP) | f->top << SW_TOP_SHIFT;
}

static void status_word_set(Vcpu *v, uint16_t sw)
{
    v->fpu.sw = sw & ~SW_TOP;
    v->fpu.top = (sw & SW_TOP) >> SW_TOP_SHIFT;
    x87_update_es(v);
}

/* Reserved bits read as 0, but bit 6 as 1. */
static uint16_t control_word(uint16_t cw)
{
    return (cw & 0x1f3f) | 0x40;
}

uint16_t x87_full_tags(const Fpu *f)
{
    uint16_t tags = 0;
    for (unsigned n = 0; n < 8; n++) {
        const Fpr *r = &f->reg[n];
        unsigned exp = r->exp & 0x7fff, tag;
        if (!(f->full >> n & 1))
            tag = 3;
        else if (exp == 0 && r->mant == 0)
            tag = 1;
        else if (exp == 0 || exp == 0x7fff || !(r->mant >> 63))
            tag = 2;
        else
            tag = 0;
        tags |= tag << 2 * n;
    }
    return tags;
}

/* ---- the environment in memory, SDM 1 figures 8-9 to 8-12 ---- */

#define ENV_SIZE_16 14u
#define ENV_SIZE_32 28u
#define REGS_SIZE 80u

static unsigned env_size(const Insn *i)
{
    return i->opsize == 2 ? ENV_SIZE_16 : ENV_SIZE_32;
}

static void put16(uint8_t *p, uint32_t value)
{
    p[0] = value;
    p[1] = value >> 8;
}
static void put32(uint8_t *p, uint32_t value)
{
    put16(p, value);
    put16(p + 2, value >> 16);
}
static uint16_t get16(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}
static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void env_put(const Vcpu *v, const Insn *i, uint8_t *env)
{
    const Fpu *f = &v->fpu;
    bool real = vcpu_realish(v);
    /* Real and V8086 mode show linear addresses. */
    uint32_t ip = f->fip + (real ? (uint32_t)f->fcs << 4 : 0);
    uint32_t dp = f->fdp + (real ? (uint32_t)f->fds << 4 : 0);
    uint32_t ones = 0xffff0000u; /* the unused halves read as ones */
    if (i->opsize == 2) {
        put16(env, f->cw);
        put16(env + 2, status_word(f));
        put16(env + 4, x87_full_tags(f));
        put16(env + 6, ip);
        put16(env + 8, real ? (ip >> 4 & 0xf000) | f->fop : f->fcs);
        put16(env + 10, dp);
        put16(env + 12, real ? dp >> 4 & 0xf000 : f->fds);
        return;
    }
    put32(env, f->cw | ones);
    put32(env + 4, status_word(f) | ones);
    put32(env + 8, x87_full_tags(f) | ones);
    if (real) {
        put32(env + 12, (ip & 0xffff) | ones);
        put32(env + 16, (ip & 0xffff0000u) >> 4 | f->fop);
        put32(env + 20, (dp & 0xffff) | ones);
        put32(env + 24, (dp & 0xffff0000u) >> 4);
    } else {
        put32(env + 12, ip);
        put32(env + 16, f->fcs | (uint32_t)f->fop << 16);
        put32(env + 20, dp);
        put32(env + 24, f->fds | ones);
    }
}

static void env_get(Vcpu *v, const Insn *i, const uint8_t *env)
{
    Fpu *f = &v->fpu;
    bool real = vcpu_realish(v);
    uint16_t tags = get16(env + (i->opsize == 2 ? 4 : 8));
    uint16_t sw = get16(env + (i->opsize == 2 ? 2 : 4));
    f->cw = control_word(get16(env));
    f->full = 0;
    for (unsigned n = 0; n < 8; n++) {
        if ((tags >> 2 * n & 3) != 3)
            f->full |= 1u << n;
    }
    if (i->opsize == 2) {
        uint16_t high_ip = get16(env + 8), high_dp = get16(env + 12);
        f->fip = get16(env + 6) | (real ? (uint32_t)(high_ip & 0xf000) << 4 : 0);
        f->fdp = get16(env + 10) | (real ? (uint32_t)(high_dp & 0xf000) << 4 : 0);
        f->fcs = real ? 0 : high_ip;
        f->fds = real ? 0 : high_dp;
        f->fop = real ? high_ip & 0x7ff : 0;
    } else if (real) {
        uint32_t high_ip = get32(env + 16), high_dp = get32(env + 24);
        f->fip = get16(env + 12) | (high_ip & 0x0ffff000u) << 4;
        f->fdp = get16(env + 20) | (high_dp & 0x0ffff000u) << 4;
        f->fcs = f->fds = 0;
        f->fop = high_ip & 0x7ff;
    } else {
        f->fip = get32(env + 12);
        f->fcs = get16(env + 16);
        f->fop = get16(env + 18) & 0x7ff;
        f->fdp = get32(env + 20);
        f->fds = get16(env + 24);
    }
    status_word_set(v, sw);
}

void op_fnstenv(Vcpu *v, const Insn *i)
{
    uint8_t env[ENV_SIZE_32];
    x87_no_wait(v);
    env_put(v, i, env);
    mem_write_block(v, i->seg, insn_ea(v, i), env, env_size(i));
    v->fpu.cw |= SW_EXCEPTIONS;
    x87_update_es(v);
}

void op_fldenv(Vcpu *v, const Insn *i)
{
    uint8_t env[ENV_SIZE_32];
    if (!x87_wait(v))
        return;
    mem_read_block(v, i->seg, insn_ea(v, i), env, env_size(i));
    env_get(v, i, env);
}

/* The registers follow the environment, ST(0) first. */
void op_fnsave(Vcpu *v, const Insn *i)
{
    uint8_t image[ENV_SIZE_32 + REGS_SIZE];
    unsigned size = env_size(i);
    x87_no_wait(v);
    env_put(v, i, image);
    for (unsigned n = 0; n < 8; n++)
        memcpy(image + size + 10 * n, st_reg(&v->fpu, n), 10);
    mem_write_block(v, i->seg, insn_ea(v, i), image, size + REGS_SIZE);
    fpu_init(v);
}

void op_frstor(Vcpu *v, const Insn *i)
{
    uint8_t image[ENV_SIZE_32 + REGS_SIZE];
    unsigned size = env_size(i);
    if (!x87_wait(v))
        return;
    mem_read_block(v, i->seg, insn_ea(v, i), image, size + REGS_SIZE);
    env_get(v, i, image);
    for (unsigned n = 0; n < 8; n++)
        memcpy(st_reg(&v->fpu, n), image + size + 10 * n, 10);
}

/* ---- control ---- */

void op_fninit(Vcpu *v, const Insn *i)
{
    x87_no_wait(v);
    fpu_init(v);
}

void op_fnclex(Vcpu *v, const Insn *i)
{
    x87_no_wait(v);
    v->fpu.sw &= SW_CC;
    x87_update_es(v);
}

void op_fnstcw(Vcpu *v, const Insn *i)
{
    x87_no_wait(v);
    mem_write16(v, i->seg, insn_ea(v, i), v->fpu.cw);
}

void op_fldcw(Vcpu *v, const Insn *i)
{
    uint16_t cw;
    if (!x87_wait(v))
        return;
    cw = mem_read16(v, i->seg, insn_ea(v, i));
    v->fpu.cw = control_word(cw);
    x87_update_es(v);
}

/* DD /7 to memory, DF E0 to AX */
void op_fnstsw(Vcpu *v, const Insn *i)
{
    x87_no_wait(v);
    uint16_t sw = status_word(&v->fpu);
    if (i->flags & INSN_MEM)
        mem_write16(v, i->seg, insn_ea(v, i), sw);
    else
        v->gpr[R_AX].w = sw;
}

/* Ignores EM; TS matters only with MP. SDM 2A, WAIT */
void op_fwait(Vcpu *v, const Insn *i)
{
    if ((v->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
        fault_raise(v, VEC_NM);
    vcpu_fpu(v);
    if (v->fpu.sw & SW_ES)
        x87_pending(v);
}

void op_fnop(Vcpu *v, const Insn *i)
{
    if (x87_wait(v))
        x87_pointers(v, i);
}

/* FNENI, FNDISI, FNSETPM: nothing since the 387. SDM 3B 22.18.7 */
void op_fnop_387(Vcpu *v, const Insn *i)
{
    x87_no_wait(v);
}

void op_fincstp(Vcpu *v, const Insn *i)
{
    Fpu *f = &v->fpu;
    if (!x87_wait(v))
        return;
    x87_pointers(v, i);
    f->top = (f->top + 1) & 7;
    f->sw &= ~SW_C1;
}

void op_fdecstp(Vcpu *v, const Insn *i)
{
    Fpu *f = &v->fpu;
    if (!x87_wait(v))
        return;
    x87_pointers(v, i);
    f->top = (f->top - 1) & 7;
    f->sw &= ~SW_C1;
}

void op_ffree(Vcpu *v, const Insn *i)
{
    Fpu *f = &v->fpu;
    if (!x87_wait(v))
        return;
    x87_pointers(v, i);
    f->full &= ~(1u << st_phys(f, i->rm));
    f->sw &= ~SW_C1;
}

/* FFREE and pop: undocumented, and everywhere. */
void op_ffreep(Vcpu *v, const Insn *i)
{
    Fpu *f = &v->fpu;
    if (!x87_wait(v))
        return;
    x87_pointers(v, i);
    f->full &= ~(1u << st_phys(f, i->rm));
    f->sw &= ~SW_C1;
    st_pop(f);
}

/*
 * x87, MMX and SSE instructions: copied, with the memory operand where Tr.at says and general registers replaced.
 *
 * They run on the guest's own state in the host's registers (fplive.h). A block makes sure of that before its first such
 * instruction and after each call. Masked exceptions only: with any unmasked, or CR0.TS or EM set, MODE_FPU and MODE_SSE
 * are clear and the handlers do it all.
 */
#include "tcache/translate.h"

#include "cpu/simd.h"
#include "tcache/fplive.h"

/* The instruction's bytes taken apart. */
typedef struct FpBytes {
    unsigned prefix; /* the mandatory one */
    unsigned op;     /* with its map, as emit.h has it */
    uint8_t modrm;
    uint8_t imm;
    bool has_imm;
} FpBytes;

static FpBytes take_apart(const Insn *i, const uint8_t *raw)
{
    FpBytes b = {0};
    const uint8_t *p = raw;
    bool size66 = false;

    for (;; p++) {
        if (*p == 0xf2 || *p == 0xf3)
            b.prefix = *p;
        else if (*p == 0x66)
            size66 = true;
        else if (*p != 0x67 && *p != 0xf0 && (*p & 0xe7) != 0x26 && *p != 0x64 && *p != 0x65)
            break;
    }
    if (!b.prefix && size66)
        b.prefix = 0x66; /* F2 and F3 count before 66 */
    b.op = *p++;
    if (b.op == 0x0f) {
        b.op = 0x0f00 | *p++;
        if (b.op == 0x0f38 || b.op == 0x0f3a)
            b.op = (b.op & 0xff) << 8 | *p++;
    }
    b.modrm = *p;
    unsigned o = b.op & 0xff;
    b.has_imm = b.op >> 8 == 0x3a || (b.op >> 8 == 0x0f && ((o >= 0x70 && o <= 0x73) || o == 0xc2 || o == 0xc4 || o == 0xc5 || o == 0xc6));
    if (b.has_imm)
        b.imm = raw[i->len - 1];
    return b;
}

bool fp_touches_x87(const Tr *t, const Insn *i)
{
    if (i->row < ROW_F2XM1)
        return false;
    switch (i->row) {
    case ROW_CVTPI2PS:
    case ROW_CVTPS2PI:
    case ROW_CVTTPS2PI:
    case ROW_CVTPI2PD:
    case ROW_CVTPD2PI:
    case ROW_CVTTPD2PI:
    case ROW_MOVQ2DQ:
    case ROW_MOVDQ2Q:
        return true;
    case ROW_LDMXCSR:
    case ROW_STMXCSR:
    case ROW_MOVNTI:
    case ROW_POPCNT:
    case ROW_CRC32:
    case ROW_CLFLUSH:
        return false;
    default: /* unmasked SSE exceptions are found with the x87's help */
        return !(i->flags & INSN_XMM) || !(t->bits & MODE_SSE);
    }
}

/* Nothing to do: there are no pending exceptions in code that does x87 instructions in place, and no other reordering either. */
static bool is_nop(const Insn *i)
{
    switch (i->row) {
    case ROW_FWAIT:
    case ROW_LFENCE:
    case ROW_MFENCE:
    case ROW_SFENCE:
    case ROW_PREFETCH:
    case ROW_PREFETCHNTA:
    case ROW_PREFETCHT0:
    case ROW_PREFETCHT1:
    case ROW_PREFETCHT2:
    case ROW_PREFETCHW:
        return true;
    default:
        return false;
    }
}

unsigned fp_needs(const Insn *i)
{
    if (i->row < ROW_F2XM1 || is_nop(i))
        return 0;
    return (i->flags & INSN_XMM) || i->row == ROW_LDMXCSR || i->row == ROW_STMXCSR ? FP_XMM : FP_X87;
}

/* Are flags destroyed on the way to the registers that it uses? */
bool fp_wants_parked(const Tr *t, const Insn *i)
{
    unsigned needs = fp_needs(i);
    return (needs & FP_XMM && !t->xmm_ok) || (needs & FP_X87 && !t->x87_ok);
}

/* ---- SSE ---- */

static bool xmm_row_is_copied(const Tr *t, const Insn *i)
{
    switch (i->row) {
    case ROW_PCMPESTRI:
    case ROW_PCMPESTRM:
    case ROW_PCMPISTRI:
    case ROW_PCMPISTRM:
    case ROW_MASKMOVDQU:
        return false;
    default:
        return !fp_touches_x87(t, i);
    }
}

/* Which operand is a general register: 'g' ModRM.reg, 'r' ModRM.rm, 0 none. */
static char gpr_operand(unsigned op, unsigned prefix, uint8_t modrm)
{
    bool reg_form = modrm >= 0xc0;
    switch (op) {
    case 0x0f2c:
    case 0x0f2d: return 'g'; /* CVTSS2SI and such */
    case 0x0f50:
    case 0x0fd7:
    case 0x0fc5: return 'g'; /* MOVMSKPS, PMOVMSKB, PEXTRW */
    case 0x0f2a: return reg_form ? 'r' : 0; /* CVTSI2SS */
    case 0x0f6e:
    case 0x0fc4: return reg_form ? 'r' : 0; /* MOVD, PINSRW */
    case 0x0f7e: return reg_form && prefix != 0xf3 ? 'r' : 0;
    case 0x3a14:
    case 0x3a15:
    case 0x3a16:
    case 0x3a17:
    case 0x3a20:
    case 0x3a22: return reg_form ? 'r' : 0;
    default: return 0;
    }
}

static bool writes_memory(unsigned op, unsigned prefix)
{
    switch (op) {
    case 0x0f11:
    case 0x0f13:
    case 0x0f17:
    case 0x0f29:
    case 0x0f2b:
    case 0x0f7f:
    case 0x0fd6:
    case 0x0fe7:
    case 0x3a14:
    case 0x3a15:
    case 0x3a16:
    case 0x3a17: return true;
    case 0x0f7e: return prefix != 0xf3;
    default: return false;
    }
}

static bool may_be_unaligned(const Insn *i)
{
    return i->row == ROW_MOVUPS || i->row == ROW_MOVUPD || i->row == ROW_MOVDQU || i->row == ROW_LDDQU;
}

static void ensure(Tr *t, unsigned what, const uint8_t *stub)
{
    flags_park(t);
    emit_rm(&t->e, 0, 1, 0xf6, 0, TR_VCPU(fp_live)); /* test byte, imm8 */
    emit8(&t->e, what);
    emit8(&t->e, 0x75); /* jnz over the call */
    emit8(&t->e, 5);
    emit_call_to(&t->e, stub);
    flags_clobbered(t);
}

static void ensure_xmm(Tr *t)
{
    if (!t->xmm_ok)
        ensure(t, FP_XMM, t->c->stub_xmm);
    t->xmm_ok = true;
}

static void ensure_x87(Tr *t)
{
    if (!t->x87_ok) {
        ensure(t, FP_X87, t->c->stub_x87);
        t->xmm_ok = false;
    }
    t->x87_ok = true;
}

void fp_ensure(Tr *t, unsigned needs)
{
    if (needs & FP_X87)
        ensure_x87(t);
    if (needs & FP_XMM) /* behind it: the stub of the other may have put these away */
        ensure_xmm(t);
}

/* The instruction with its operands where they are now. xmm or MMX registers keep their numbers. */
static void emit_copied(Tr *t, const Insn *i, const FpBytes *b)
{
    char gpr = gpr_operand(b->op, b->prefix, b->modrm);
    int reg = b->modrm >> 3 & 7, rm = b->modrm & 7;

    if (gpr == 'g')
        reg = tr_host[reg];
    if (gpr == 'r')
        rm = tr_host[rm];
    if (b->modrm < 0xc0)
        emit_rm(&t->e, b->prefix, 4, b->op, reg, t->at);
    else
        emit_rr(&t->e, b->prefix, 4, b->op, reg, rm);
    if (b->has_imm)
        emit8(&t->e, b->imm);
}

static void tr_xmm(Tr *t, const Insn *i, const uint8_t *raw)
{
    FpBytes b = take_apart(i, raw);

    ensure_xmm(t);
    if (i->flags & INSN_MEM) {
        tr_operand(t, i, i->msize, writes_memory(b.op, b.prefix));
        if (i->msize == 16 && !may_be_unaligned(i) && !tr_at_window(t)) { /* #GP when not aligned: the handler's. By the window the host finds it out */
            if (t->at.base != H_R10)
                emit_lea(&t->e, 4, H_R10, t->at);
            emit_rr(&t->e, 0, 4, 0xf7, 0, H_R10); /* test r10d, 15 */
            emit32(&t->e, 15);
            tr_slow_if(t, 5);
            flags_clobbered(t);
        }
    }
    emit_copied(t, i, &b);
    if (t->plan[t->k].flags == FLAGS_WRITE)
        flags_written(t);
}

static void tr_mxcsr(Tr *t, const Insn *i)
{
    bool load = i->row == ROW_LDMXCSR;

    ensure_xmm(t);
    tr_operand(t, i, 4, !load);
    if (load) { /* unmasking and reserved bits are the handler's */
        emit_load(&t->e, 4, H_R11, t->at);
        emit_rr(&t->e, 0, 4, 0x81, 6, H_R11); /* xor */
        emit32(&t->e, MXCSR_MASKS);
        emit_rr(&t->e, 0, 4, 0xf7, 0, H_R11); /* test */
        emit32(&t->e, 0xffff0000u | MXCSR_MASKS);
        tr_slow_if(t, 5);
        flags_clobbered(t);
    }
    emit_rm(&t->e, 0, 4, 0x0fae, load ? 2 : 3, t->at);
}

/* ---- x87 ---- */

static InsnPlan fp_plan(Kind kind, FlagUse flags)
{
    return (InsnPlan){.kind = kind, .flags = flags};
}

/* In place. The registers it needs are there from the block's entry on, if no handler was called: then it cannot leave. */
static InsnPlan fp_copied(const Tr *t, const Insn *i, FlagUse flags)
{
    return fp_plan((i->flags & INSN_MEM) || t->called ? KIND_FAULTY : KIND_INLINE, flags);
}

static bool x87_stores(const Insn *i)
{
    switch (i->row) {
    case ROW_FST:
    case ROW_FSTP:
    case ROW_FIST:
    case ROW_FISTP:
    case ROW_FISTTP:
    case ROW_FNSTCW:
    case ROW_FNSTSW:
        return true;
    default:
        return false;
    }
}

/* FNSTSW AX */
static void emit_status_ax(Tr *t)
{
    emit_mov(&t->e, 8, H_R11, H_AX);
    emit8(&t->e, 0xdf);
    emit8(&t->e, 0xe0);
    emit_mov(&t->e, 2, H_R8, H_AX);
    emit_mov(&t->e, 8, H_AX, H_R11);
}

static void tr_x87(Tr *t, const Insn *i, const uint8_t *raw)
{
    Emit *e = &t->e;
    FpBytes b = take_apart(i, raw);

    ensure_x87(t);
    if (i->row == ROW_FNSTSW && !(i->flags & INSN_MEM)) {
        emit_status_ax(t);
        return;
    }
    if (i->flags & INSN_MEM) {
        tr_operand(t, i, i->msize, x87_stores(i));
    }
    if (i->row == ROW_FLDCW) { /* unmasking is the handler's */
        emit_load(e, 2, H_R11, t->at);
        flags_clobbered(t);
        emit_rr(e, 0, 4, 0xf7, 2, H_R11); /* not */
        emit_rr(e, 0, 4, 0xf7, 0, H_R11); /* test r11d, 0x3f */
        emit32(e, 0x3f);
        tr_slow_if(t, 5);
        flags_clobbered(t);
    }
    if (t->plan[t->k].flags == FLAGS_READ)
        flags_host(t);
    if (b.modrm < 0xc0) {
        emit_rm(e, 0, 4, b.op, b.modrm >> 3 & 7, t->at);
    } else {
        emit8(e, b.op);
        emit8(e, b.modrm);
    }
    if (i->row != ROW_FLDCW && i->row != ROW_FNSTCW && i->row != ROW_FNSTSW)
        x87ptr_note(t, i);
    if (t->plan[t->k].flags == FLAGS_WRITE)
        flags_written(t);
}

static void tr_mmx(Tr *t, const Insn *i, const uint8_t *raw)
{
    FpBytes b = take_apart(i, raw);

    ensure_x87(t);
    if (i->row == ROW_EMMS) { /* no ModRM byte */
        emit8(&t->e, 0x0f);
        emit8(&t->e, 0x77);
        return;
    }
    if (i->flags & INSN_MEM)
        tr_operand(t, i, i->msize, writes_memory(b.op, b.prefix));
    emit_copied(t, i, &b);
}

static InsnPlan x87_plan(const Tr *t, const Insn *i)
{
    switch (i->row) {
    case ROW_FADD: case ROW_FADDP: case ROW_FSUB: case ROW_FSUBP: case ROW_FSUBR: case ROW_FSUBRP:
    case ROW_FMUL: case ROW_FMULP: case ROW_FDIV: case ROW_FDIVP: case ROW_FDIVR: case ROW_FDIVRP:
    case ROW_FIADD: case ROW_FISUB: case ROW_FISUBR: case ROW_FIMUL: case ROW_FIDIV: case ROW_FIDIVR:
    case ROW_FCOM: case ROW_FCOMP: case ROW_FCOMPP: case ROW_FUCOM: case ROW_FUCOMP: case ROW_FUCOMPP:
    case ROW_FICOM: case ROW_FICOMP: case ROW_FTST: case ROW_FXAM:
    case ROW_FLD: case ROW_FILD: case ROW_FST: case ROW_FSTP: case ROW_FIST: case ROW_FISTP: case ROW_FISTTP:
    case ROW_FLD1: case ROW_FLDZ: case ROW_FLDPI: case ROW_FLDL2E: case ROW_FLDL2T: case ROW_FLDLG2: case ROW_FLDLN2:
    case ROW_FXCH: case ROW_FABS: case ROW_FCHS: case ROW_FSQRT: case ROW_FRNDINT: case ROW_FSCALE:
    case ROW_FSIN: case ROW_FCOS: case ROW_FSINCOS: case ROW_FPTAN: case ROW_FPATAN: case ROW_F2XM1: case ROW_FYL2X:
    case ROW_FYL2XP1: case ROW_FPREM: case ROW_FPREM1: case ROW_FXTRACT:
    case ROW_FNSTCW: case ROW_FNSTSW: case ROW_FLDCW:
        return fp_copied(t, i, FLAGS_NONE);
    case ROW_FCOMI: case ROW_FCOMIP: case ROW_FUCOMI: case ROW_FUCOMIP:
        return fp_copied(t, i, FLAGS_WRITE);
    case ROW_FCMOVB: case ROW_FCMOVBE: case ROW_FCMOVE: case ROW_FCMOVNB: case ROW_FCMOVNBE: case ROW_FCMOVNE:
    case ROW_FCMOVNU: case ROW_FCMOVU:
        return fp_copied(t, i, FLAGS_READ);
    default:
        return fp_plan(KIND_CALL, FLAGS_NONE);
    }
}

static bool is_mmx_row(const Insn *i)
{
    return i->row >= ROW_EMMS && i->row <= ROW_PXOR && i->row != ROW_MASKMOVQ;
}

InsnPlan fp_insn_plan(const Tr *t, const Insn *i)
{
    switch (i->row) {
    case ROW_LDMXCSR:
        return fp_plan(t->bits & MODE_SSE ? KIND_FAULTY : KIND_FINAL, FLAGS_NONE);
    case ROW_STMXCSR:
        return fp_plan(t->bits & MODE_SSE ? KIND_FAULTY : KIND_CALL, FLAGS_NONE);
    case ROW_MOVNTI:
    case ROW_POPCNT:
    case ROW_CRC32:
    case ROW_CLFLUSH:
        return fp_plan(KIND_CALL, FLAGS_NONE);
    case ROW_FXRSTOR:
    case ROW_FLDENV:
    case ROW_FRSTOR:
    case ROW_FNINIT:
    case ROW_FNSAVE:
        return fp_plan(KIND_FINAL, FLAGS_NONE); /* masks may change */
    case ROW_FWAIT:
        return fp_plan(t->bits & MODE_FPU ? KIND_INLINE : KIND_CALL, FLAGS_NONE);
    case ROW_FLDCW:
        if (!(t->bits & MODE_FPU))
            return fp_plan(KIND_FINAL, FLAGS_NONE);
        break;
    default:
        break;
    }
    if (is_nop(i))
        return fp_plan(KIND_INLINE, FLAGS_NONE);
    if (i->flags & INSN_XMM) {
        bool copied = (t->bits & MODE_SSE) && xmm_row_is_copied(t, i);
        FlagUse flags = FLAGS_NONE;
        if (i->row == ROW_COMISS || i->row == ROW_UCOMISS || i->row == ROW_COMISD || i->row == ROW_UCOMISD || i->row == ROW_PTEST)
            flags = FLAGS_WRITE;
        return copied ? fp_copied(t, i, flags) : fp_plan(KIND_CALL, FLAGS_NONE);
    }
    if (!(t->bits & MODE_FPU))
        return fp_plan(KIND_CALL, FLAGS_NONE);
    if (is_mmx_row(i))
        return fp_copied(t, i, FLAGS_NONE);
    return x87_plan(t, i);
}

bool fp_may_fail(const Insn *i)
{
    return i->row == ROW_FLDCW || i->row == ROW_LDMXCSR || (i->flags & INSN_XMM && i->msize == 16 && !may_be_unaligned(i));
}

unsigned fp_writes_gprs(const Insn *i, const uint8_t *raw)
{
    if (i->row == ROW_FNSTSW && !(i->flags & INSN_MEM))
        return 1 << R_AX;
    if (!(i->flags & INSN_XMM) && !is_mmx_row(i))
        return 0;
    FpBytes b = take_apart(i, raw);
    switch (gpr_operand(b.op, b.prefix, b.modrm)) {
    case 'g': return 1 << (b.modrm >> 3 & 7);
    case 'r': return 1 << (b.modrm & 7);
    default: return 0;
    }
}

bool fp_writes_memory(const Insn *i, const uint8_t *raw)
{
    if (i->row == ROW_STMXCSR)
        return true;
    if (!(i->flags & INSN_XMM) && !is_mmx_row(i))
        return x87_stores(i);
    FpBytes b = take_apart(i, raw);
    return writes_memory(b.op, b.prefix);
}

void tr_fp(Tr *t, const Insn *i, const uint8_t *raw)
{
    if (is_nop(i))
        return;
    if (i->row == ROW_LDMXCSR || i->row == ROW_STMXCSR)
        tr_mxcsr(t, i);
    else if (i->flags & INSN_XMM)
        tr_xmm(t, i, raw);
    else if (is_mmx_row(i))
        tr_mmx(t, i, raw);
    else
        tr_x87(t, i, raw);
}

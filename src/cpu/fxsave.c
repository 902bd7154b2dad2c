/*
 * FXSAVE, FXRSTOR and the SSE control register. SDM 1 10.5, 10.2.3
 *
 * The image holds the x87 registers relative to TOP and the abridged tag by physical register, as Vcpu does.
 */
#include "cpu/handlers.h"
#include "cpu/simd.h"
#include "cpu/x87.h"

/* Offsets in the image, SDM 1 table 10-2 */
enum {
    FX_CW = 0, FX_SW = 2, FX_TAG = 4, FX_OP = 6, FX_IP = 8, FX_CS = 12, FX_DP = 16, FX_DS = 20, FX_MXCSR = 24,
    FX_MXCSR_MASK = 28, FX_ST = 32, FX_XMM = 160, FX_XMM_END_32 = 288, FX_SIZE = 512,
};

static void put(uint8_t *image, unsigned at, uint64_t value, unsigned size)
{
    memcpy(image + at, &value, size);
}
static uint32_t get(const uint8_t *image, unsigned at, unsigned size)
{
    uint32_t value = 0;
    memcpy(&value, image + at, size);
    return value;
}

/* The part before the XMM registers. */
static void fx_put_x87(const Vcpu *v, uint8_t *image)
{
    const Fpu *f = &v->fpu;
    memset(image, 0, FX_XMM);
    put(image, FX_CW, f->cw, 2);
    put(image, FX_SW, (f->sw & ~SW_TOP) | f->top << SW_TOP_SHIFT, 2);
    put(image, FX_TAG, f->full, 1);
    put(image, FX_OP, f->fop, 2);
    put(image, FX_IP, f->fip, 4);
    put(image, FX_CS, f->fcs, 2);
    put(image, FX_DP, f->fdp, 4);
    put(image, FX_DS, f->fds, 2);
    put(image, FX_MXCSR, f->mxcsr, 4);
    put(image, FX_MXCSR_MASK, simd_mxcsr_mask(v), 4);
    for (unsigned n = 0; n < 8; n++)
        memcpy(image + FX_ST + 16 * n, &f->reg[st_phys(f, n)], 10);
}

static void fx_get_x87(Vcpu *v, const uint8_t *image)
{
    Fpu *f = &v->fpu;
    uint16_t sw = get(image, FX_SW, 2);
    f->cw = (get(image, FX_CW, 2) & 0x1f3f) | 0x40;
    f->sw = sw & ~SW_TOP;
    f->top = (sw & SW_TOP) >> SW_TOP_SHIFT;
    f->full = get(image, FX_TAG, 1);
    f->fop = get(image, FX_OP, 2) & 0x7ff;
    f->fip = get(image, FX_IP, 4);
    f->fcs = get(image, FX_CS, 2);
    f->fdp = get(image, FX_DP, 4);
    f->fds = get(image, FX_DS, 2);
    for (unsigned n = 0; n < 8; n++)
        memcpy(&f->reg[st_phys(f, n)], image + FX_ST + 16 * n, 10);
    x87_update_es(v);
}

void fpu_to_fxsave(const Vcpu *v, uint8_t image[512])
{
    fx_put_x87(v, image);
    memset(image + FX_XMM, 0, FX_SIZE - FX_XMM);
    memcpy(image + FX_XMM, v->fpu.xmm, 8 * sizeof(Xmm));
}

void fpu_from_fxsave(Vcpu *v, const uint8_t image[512])
{
    fx_get_x87(v, image);
    v->fpu.mxcsr = get(image, FX_MXCSR, 4) & simd_mxcsr_mask(v);
    memcpy(v->fpu.xmm, image + FX_XMM, 8 * sizeof(Xmm));
}

static void fx_check(Vcpu *v)
{
    if (v->cr0 & (CR0_EM | CR0_TS))
        fault_raise(v, VEC_NM);
    vcpu_fpu(v);
}

/* Whether the image carries SSE state: SDM 2A, FXSAVE: not with CR4.OSFXSR clear. */
static bool fx_has_xmm(const Vcpu *v)
{
    return cpu_has(v, F_SSE) && (v->cr4 & CR4_OSFXSR);
}

void op_fxsave(Vcpu *v, const Insn *i)
{
    uint8_t image[FX_XMM_END_32];
    uint64_t ea = insn_ea(v, i);
    Gva addr;
    fx_check(v);
    addr = seg_lin_write(v, i->seg, ea, FX_SIZE);
    if (addr & 15)
        fault_gp0(v);
    if (!lin_write_fast(v, addr, FX_SIZE, v->mmu_idx)) {
        /* All 512 bytes must be writable, though fewer are written; CR2 tells that CPUs try the last one. */
        lin_probe(v, addr, 1, ACCESS_WRITE, v->mmu_idx);
        lin_probe(v, (addr + FX_SIZE - 1) & v->lin_mask, 1, ACCESS_WRITE, v->mmu_idx);
    }
    fx_put_x87(v, image);
    if (!cpu_has(v, F_SSE))
        memset(image + FX_MXCSR, 0, FX_ST - FX_MXCSR);
    memcpy(image + FX_XMM, v->fpu.xmm, 8 * sizeof(Xmm));
    mem_write_block(v, i->seg, ea, image, fx_has_xmm(v) ? FX_XMM_END_32 : FX_XMM);
}

void op_fxrstor(Vcpu *v, const Insn *i)
{
    uint8_t image[FX_SIZE];
    uint64_t ea = insn_ea(v, i);
    fx_check(v);
    if (seg_lin_read(v, i->seg, ea, FX_SIZE) & 15)
        fault_gp0(v);
    mem_read_block(v, i->seg, ea, image, FX_SIZE);
    if (cpu_has(v, F_SSE)) {
        uint32_t mxcsr = get(image, FX_MXCSR, 4);
        if (mxcsr & ~simd_mxcsr_mask(v))
            fault_gp0(v);
        v->fpu.mxcsr = mxcsr;
    }
    fx_get_x87(v, image);
    if (fx_has_xmm(v))
        memcpy(v->fpu.xmm, image + FX_XMM, 8 * sizeof(Xmm));
}

void op_ldmxcsr(Vcpu *v, const Insn *i)
{
    uint32_t mxcsr;
    simd_check_sse(v);
    mxcsr = mem_read32(v, i->seg, insn_ea(v, i));
    if (mxcsr & ~simd_mxcsr_mask(v))
        fault_gp0(v);
    v->fpu.mxcsr = mxcsr;
}

void op_stmxcsr(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    mem_write32(v, i->seg, insn_ea(v, i), v->fpu.mxcsr);
}

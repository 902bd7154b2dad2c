/*
 * SSE, SSE2 and SSE3 data movement: moves, unpacking, shuffles, logic on floating-point registers, masks, non-temporal
 * stores, fences and prefetches. SDM 1 10.4.1.1, 10.4.6, 11.4.1
 *
 * Of the moves, even opcodes load the register, odd ones store it (except 0F 6F/7F and the MOVQ/MOVD family).
 */
#include "cpu/handlers.h"
#include "cpu/simd.h"

/* reg = reg op rm, without arithmetic */
#define SSE_PLAIN(name)                                                                                                \
    void op_##name(Vcpu *v, const Insn *i)                                                                             \
    {                                                                                                                  \
        __m128i d, s;                                                                                                  \
        simd_check_sse(v);                                                                                             \
        s = xmm_rm128(v, i);                                                                                           \
        d = xmm_get(v, i->reg);                                                                                        \
        __asm__(#name " %1, %0" : "+x"(d) : "x"(s));                                                                   \
        xmm_set(v, i->reg, d);                                                                                         \
    }

SSE_PLAIN(andps)
SSE_PLAIN(andnps)
SSE_PLAIN(orps)
SSE_PLAIN(xorps)
SSE_PLAIN(andpd)
SSE_PLAIN(andnpd)
SSE_PLAIN(orpd)
SSE_PLAIN(xorpd)
SSE_PLAIN(unpcklps)
SSE_PLAIN(unpckhps)
SSE_PLAIN(unpcklpd)
SSE_PLAIN(unpckhpd)
SSE_PLAIN(punpcklqdq)
SSE_PLAIN(punpckhqdq)
SSE_PLAIN(movshdup)
SSE_PLAIN(movsldup)

/* ---- whole registers ---- */

static inline void move128(Vcpu *v, const Insn *i, bool store, bool aligned)
{
    simd_check_sse(v);
    if (store) {
        if (i->flags & INSN_MEM)
            simd_write128(v, i, xmm_get(v, i->reg), aligned);
        else
            xmm_set(v, i->rm, xmm_get(v, i->reg));
    } else {
        xmm_set(v, i->reg, i->flags & INSN_MEM ? simd_read128(v, i, aligned) : xmm_get(v, i->rm));
    }
}

/* MOVAPS, MOVAPD: 0F 28, 0F 29 */
void op_movaps(Vcpu *v, const Insn *i)
{
    move128(v, i, i->opcode & 1, true);
}

/* MOVUPS, MOVUPD: 0F 10, 0F 11 */
void op_movups(Vcpu *v, const Insn *i)
{
    move128(v, i, i->opcode & 1, false);
}

/* 0F 6F, 0F 7F */
void op_movdqa(Vcpu *v, const Insn *i)
{
    move128(v, i, i->opcode & 0x10, true);
}

void op_movdqu(Vcpu *v, const Insn *i)
{
    move128(v, i, i->opcode & 0x10, false);
}

void op_lddqu(Vcpu *v, const Insn *i)
{
    move128(v, i, false, false);
}

/* MOVNTPS, MOVNTPD, MOVNTDQ: ordinary stores, for all that a guest can see */
void op_movnt(Vcpu *v, const Insn *i)
{
    move128(v, i, true, true);
}

void op_movntdqa(Vcpu *v, const Insn *i)
{
    move128(v, i, false, true);
}

/* ---- parts of registers ---- */

/* Between registers only the low element moves; a load clears the rest. */
void op_movss(Vcpu *v, const Insn *i)
{
    bool store = i->opcode & 1;
    simd_check_sse(v);
    if (!(i->flags & INSN_MEM))
        v->fpu.xmm[store ? i->rm : i->reg].d[0] = v->fpu.xmm[store ? i->reg : i->rm].d[0];
    else if (store)
        mem_write32(v, i->seg, insn_ea(v, i), v->fpu.xmm[i->reg].d[0]);
    else
        xmm_set(v, i->reg, _mm_cvtsi32_si128(simd_read32(v, i)));
}

void op_movsd(Vcpu *v, const Insn *i)
{
    bool store = i->opcode & 1;
    simd_check_sse(v);
    if (!(i->flags & INSN_MEM))
        v->fpu.xmm[store ? i->rm : i->reg].q[0] = v->fpu.xmm[store ? i->reg : i->rm].q[0];
    else if (store)
        mem_write64(v, i->seg, insn_ea(v, i), v->fpu.xmm[i->reg].q[0]);
    else
        xmm_set(v, i->reg, _mm_cvtsi64_si128(simd_read64(v, i)));
}

static inline void move_half(Vcpu *v, const Insn *i, int half)
{
    simd_check_sse(v);
    if (i->opcode & 1)
        mem_write64(v, i->seg, insn_ea(v, i), v->fpu.xmm[i->reg].q[half]);
    else
        v->fpu.xmm[i->reg].q[half] = simd_read64(v, i);
}

/* MOVLPS, MOVLPD, MOVHPS, MOVHPD: memory only */
void op_movlps(Vcpu *v, const Insn *i)
{
    move_half(v, i, 0);
}

void op_movhps(Vcpu *v, const Insn *i)
{
    move_half(v, i, 1);
}

void op_movhlps(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    v->fpu.xmm[i->reg].q[0] = v->fpu.xmm[i->rm].q[1];
}

void op_movlhps(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    v->fpu.xmm[i->reg].q[1] = v->fpu.xmm[i->rm].q[0];
}

void op_movddup(Vcpu *v, const Insn *i)
{
    __m128i s;
    simd_check_sse(v);
    s = xmm_rm64(v, i);
    xmm_set(v, i->reg, _mm_unpacklo_epi64(s, s));
}

/* MMX and SSE2. 0F 6E loads from, 0F 7E stores to 32 bits of register or memory. */
void op_movd(Vcpu *v, const Insn *i)
{
    uint32_t value;
    if (!packed_check(v, i))
        return;
    if (i->opcode & 0x10) {
        value = packed_is_xmm(i) ? v->fpu.xmm[i->reg].d[0] : mmx_get(v, i->reg);
        if (i->flags & INSN_MEM)
            mem_write32(v, i->seg, insn_ea(v, i), value);
        else
            v->gpr[i->rm].d = value;
        if (!packed_is_xmm(i))
            mmx_touch(v);
        return;
    }
    value = i->flags & INSN_MEM ? simd_read32(v, i) : v->gpr[i->rm].d;
    packed_set(v, i, i->reg, _mm_cvtsi32_si128(value));
}

/* MMX: 0F 6F loads, 0F 7F stores; SSE2: F3 0F 7E loads, 66 0F D6 stores. Loads clear the rest, also from registers. */
void op_movq(Vcpu *v, const Insn *i)
{
    uint8_t op = i->opcode;
    bool xmm = packed_is_xmm(i), store = op == 0x7f || op == 0xd6;
    uint64_t value;
    if (!packed_check(v, i))
        return;
    if (!store) {
        value = i->flags & INSN_MEM ? simd_read64(v, i) : xmm ? v->fpu.xmm[i->rm].q[0] : mmx_get(v, i->rm);
        packed_set(v, i, i->reg, _mm_cvtsi64_si128(value));
        return;
    }
    value = xmm ? v->fpu.xmm[i->reg].q[0] : mmx_get(v, i->reg);
    if (!(i->flags & INSN_MEM)) {
        packed_set(v, i, i->rm, _mm_cvtsi64_si128(value));
        return;
    }
    mem_write64(v, i->seg, insn_ea(v, i), value);
    if (!xmm)
        mmx_touch(v);
}

void op_movq2dq(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    if (!simd_check_mmx(v))
        return;
    mmx_touch(v);
    xmm_set(v, i->reg, _mm_cvtsi64_si128(mmx_get(v, i->rm)));
}

void op_movdq2q(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    if (!simd_check_mmx(v))
        return;
    mmx_touch(v);
    mmx_set(v, i->reg, v->fpu.xmm[i->rm].q[0]);
}

void op_movntq(Vcpu *v, const Insn *i)
{
    if (!simd_check_mmx(v))
        return;
    mem_write64(v, i->seg, insn_ea(v, i), mmx_get(v, i->reg));
    mmx_touch(v);
}

/* A general register, and so without any FPU check. */
void op_movnti(Vcpu *v, const Insn *i)
{
    mem_write32(v, i->seg, insn_ea(v, i), v->gpr[i->reg].d);
}

/* Bytes chosen by the mask's sign bits, to DS:[EDI]. The whole operand is checked, even when none is chosen. */
static void mask_move(Vcpu *v, const Insn *i, const uint8_t *data, const uint8_t *mask, unsigned size)
{
    uint64_t ea = v->gpr[R_DI].d & i->amask;
    Gva addr;
    if (size == 16 && (int64_t)(ea + 15) > v->seg[i->seg].write_max) /* in halves: the first may still page-fault */
        lin_probe(v, seg_lin_write(v, i->seg, ea, 8), 8, ACCESS_WRITE, v->mmu_idx);
    addr = seg_lin_write(v, i->seg, ea, size);
    if (v->mmu_idx == MMU_CHECK && (addr & 7))
        fault_raise_error(v, VEC_AC, 0);
    if (!lin_write_fast(v, addr, size, v->mmu_idx))
        lin_probe(v, addr, size, ACCESS_WRITE, v->mmu_idx);
    for (unsigned n = 0; n < size; n++) {
        if (mask[n] & 0x80)
            lin_write8(v, (addr + n) & v->lin_mask, data[n]);
    }
}

void op_maskmovq(Vcpu *v, const Insn *i)
{
    uint64_t data, mask;
    if (!simd_check_mmx(v))
        return;
    data = mmx_get(v, i->reg);
    mask = mmx_get(v, i->rm);
    mmx_touch(v); /* before the store can fault, by experiment */
    mask_move(v, i, (const uint8_t *)&data, (const uint8_t *)&mask, 8);
}

void op_maskmovdqu(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    mask_move(v, i, v->fpu.xmm[i->reg].b, v->fpu.xmm[i->rm].b, 16);
}

void op_movmskps(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    v->gpr[i->reg].d = _mm_movemask_ps(_mm_castsi128_ps(xmm_get(v, i->rm)));
}

void op_movmskpd(Vcpu *v, const Insn *i)
{
    simd_check_sse(v);
    v->gpr[i->reg].d = _mm_movemask_pd(_mm_castsi128_pd(xmm_get(v, i->rm)));
}

/* ---- shuffles by immediate ---- */

void op_shufps(Vcpu *v, const Insn *i)
{
    Xmm s, d, r;
    simd_check_sse(v);
    _mm_store_si128((__m128i *)&s, xmm_rm128(v, i));
    d = v->fpu.xmm[i->reg];
    for (unsigned n = 0; n < 4; n++)
        r.d[n] = (n < 2 ? &d : &s)->d[i->imm2 >> 2 * n & 3];
    v->fpu.xmm[i->reg] = r;
}

void op_shufpd(Vcpu *v, const Insn *i)
{
    Xmm s, d;
    simd_check_sse(v);
    _mm_store_si128((__m128i *)&s, xmm_rm128(v, i));
    d = v->fpu.xmm[i->reg];
    v->fpu.xmm[i->reg].q[0] = d.q[i->imm2 & 1];
    v->fpu.xmm[i->reg].q[1] = s.q[i->imm2 >> 1 & 1];
}

/* ---- nothing to do in order, with one CPU that does not reorder ---- */

void op_fence(Vcpu *v, const Insn *i)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* A hint: never faults, whatever the address. */
void op_prefetch(Vcpu *v, const Insn *i)
{
}

/* Faults as a byte's load does; the caches themselves are the host's affair. */
void op_clflush(Vcpu *v, const Insn *i)
{
    const Seg *s = &v->seg[i->seg];
    uint64_t ea = insn_ea(v, i);
    if (!vcpu_realish(v) && (s->attr & SEG_CODE) && !(s->attr & SEG_R) && ea <= s->limit)
        lin_probe(v, (s->base + ea) & v->lin_mask, 1, ACCESS_READ, v->mmu_idx); /* allowed in an execute-only segment */
    else
        mem_read8(v, i->seg, ea);
}

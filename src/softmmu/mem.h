/*
 * Guest memory accesses by linear address and by segment.
 *
 *   mem_readN(v, seg, ea), mem_writeN(v, seg, ea, value)   segment:offset, all checks; #GP/#SS/#PF/#AC raised
 *   lin_readN(v, addr), lin_writeN(v, addr, value)         linear address, current privilege
 *   sys_readN(v, addr), sys_writeN(v, addr, value)         linear address, supervisor (descriptor tables, TSS)
 *
 * The fast path is inline: one compare for the segment, one for the TLB. Everything unusual goes to the _slow function:
 * TLB misses, page-crossing, devices, watched pages, alignment checks, expand-down and other rare segments.
 * A page-crossing access is checked on both pages before any byte moves.
 */
#pragma once

#include <glib.h>
#include <string.h>

#include "softmmu/fault.h"
#include "softmmu/mmu.h"

uint64_t lin_read_slow(Vcpu *v, Gva addr, unsigned size, int mmu_idx);
void lin_write_slow(Vcpu *v, Gva addr, uint64_t value, unsigned size, int mmu_idx);

/*
 * Full segment checks for an access that the fast compare refused. Return when it is allowed after all, else raise
 * #GP(0) or #SS(0).
 */
void seg_check_slow(Vcpu *v, int seg, uint64_t ea, unsigned size, bool write);

/* Raise what a write (or read) of size bytes would raise, changing nothing but A/D bits. */
void lin_probe(Vcpu *v, Gva addr, unsigned size, int access, int mmu_idx);

/*
 * The host address of size bytes (within one page) if they may be accessed directly, else NULL: then use the byte-wise
 * calls. Raises faults as the access would.
 */
Hva lin_host(Vcpu *v, Gva addr, unsigned size, int access);

static inline TlbEntry *tlb_entry(Vcpu *v, int mmu_idx, Gva addr)
{
    return &v->tlb[mmu_idx][(addr >> PAGE_BITS) & (TLB_SIZE - 1)];
}

static inline Gva seg_lin_read(Vcpu *v, int seg, uint64_t ea, unsigned size)
{
    const Seg *s = &v->seg[seg];
    if (G_UNLIKELY((int64_t)(ea + size - 1) > s->read_max))
        seg_check_slow(v, seg, ea, size, false);
    return (s->base + ea) & v->lin_mask;
}

static inline Gva seg_lin_write(Vcpu *v, int seg, uint64_t ea, unsigned size)
{
    const Seg *s = &v->seg[seg];
    if (G_UNLIKELY((int64_t)(ea + size - 1) > s->write_max))
        seg_check_slow(v, seg, ea, size, true);
    return (s->base + ea) & v->lin_mask;
}

/* Host pointer for a write to size bytes if the TLB allows it at once, else NULL (no fault raised). */
static inline Hva lin_write_fast(Vcpu *v, Gva addr, unsigned size, int mmu_idx)
{
    TlbEntry *e = tlb_entry(v, mmu_idx, addr);
    return G_LIKELY(((addr + size - 1) & PAGE_MASK) == e->write) ? (Hva)(e->addend + addr) : NULL;
}
static inline Hva lin_read_fast(Vcpu *v, Gva addr, unsigned size, int mmu_idx)
{
    TlbEntry *e = tlb_entry(v, mmu_idx, addr);
    return G_LIKELY(((addr + size - 1) & PAGE_MASK) == e->read) ? (Hva)(e->addend + addr) : NULL;
}

#define MEM_ACCESSORS(N, T)                                                                                            \
    static inline T idx_read##N(Vcpu *v, Gva addr, int idx)                                                            \
    {                                                                                                                  \
        Hva p = lin_read_fast(v, addr, sizeof(T), idx);                                                                \
        T value;                                                                                                       \
        if (G_UNLIKELY(!p))                                                                                            \
            return (T)lin_read_slow(v, addr, sizeof(T), idx);                                                          \
        memcpy(&value, p, sizeof(T));                                                                                  \
        return value;                                                                                                  \
    }                                                                                                                  \
    static inline void idx_write##N(Vcpu *v, Gva addr, T value, int idx)                                               \
    {                                                                                                                  \
        Hva p = lin_write_fast(v, addr, sizeof(T), idx);                                                               \
        if (G_UNLIKELY(!p))                                                                                            \
            lin_write_slow(v, addr, value, sizeof(T), idx);                                                            \
        else                                                                                                           \
            memcpy(p, &value, sizeof(T));                                                                              \
    }                                                                                                                  \
    static inline T lin_read##N(Vcpu *v, Gva addr)                                                                     \
    {                                                                                                                  \
        return idx_read##N(v, addr, v->mmu_idx);                                                                       \
    }                                                                                                                  \
    static inline void lin_write##N(Vcpu *v, Gva addr, T value)                                                        \
    {                                                                                                                  \
        idx_write##N(v, addr, value, v->mmu_idx);                                                                      \
    }                                                                                                                  \
    static inline T sys_read##N(Vcpu *v, Gva addr)                                                                     \
    {                                                                                                                  \
        return idx_read##N(v, addr & v->lin_mask, MMU_SUPER);                                                          \
    }                                                                                                                  \
    static inline void sys_write##N(Vcpu *v, Gva addr, T value)                                                        \
    {                                                                                                                  \
        idx_write##N(v, addr & v->lin_mask, value, MMU_SUPER);                                                         \
    }                                                                                                                  \
    static inline T mem_read##N(Vcpu *v, int seg, uint64_t ea)                                                         \
    {                                                                                                                  \
        return lin_read##N(v, seg_lin_read(v, seg, ea, sizeof(T)));                                                    \
    }                                                                                                                  \
    static inline void mem_write##N(Vcpu *v, int seg, uint64_t ea, T value)                                            \
    {                                                                                                                  \
        lin_write##N(v, seg_lin_write(v, seg, ea, sizeof(T)), value);                                                  \
    }

MEM_ACCESSORS(8, uint8_t)
MEM_ACCESSORS(16, uint16_t)
MEM_ACCESSORS(32, uint32_t)
MEM_ACCESSORS(64, uint64_t)
#undef MEM_ACCESSORS

/* Blocks up to 4096 bytes (x87 environments, FXSAVE, 80-bit and 128-bit operands): checked whole before any byte moves. */
void mem_read_block(Vcpu *v, int seg, uint64_t ea, void *buf, unsigned size);
void mem_write_block(Vcpu *v, int seg, uint64_t ea, const void *buf, unsigned size);
/* Linear-address forms, privilege mmu_idx. */
void lin_read_block(Vcpu *v, Gva addr, void *buf, unsigned size, int mmu_idx);
void lin_write_block(Vcpu *v, Gva addr, const void *buf, unsigned size, int mmu_idx);

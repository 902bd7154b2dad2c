/*
 * Segment descriptors: reading them from the GDT or LDT, what their bits mean, and the caches made of them. SDM 3A 3.4.5
 */
#pragma once

#include "cpu/cpu.h"

/* Types of system descriptors. SDM 3A table 3-2 */
enum {
    DESC_TSS16 = 1, DESC_LDT, DESC_TSS16_BUSY, DESC_CALL_GATE16, DESC_TASK_GATE, DESC_INT_GATE16, DESC_TRAP_GATE16,
    DESC_TSS32 = 9, DESC_TSS32_BUSY = 11, DESC_CALL_GATE32, DESC_INT_GATE32 = 14, DESC_TRAP_GATE32,
};
#define DESC_TSS_BUSY_BIT 2u

/* A descriptor with the selector that named it. */
typedef struct Desc {
    Gva addr; /* linear address of its 8 bytes */
    uint32_t lo, hi;
    uint16_t sel;
} Desc;

/* A selector without its RPL: what error codes and table look-ups want. */
#define SEL_INDEX(sel) ((sel) & 0xfffcu)
#define SEL_RPL(sel) ((sel) & 3u)
#define SEL_TI 4u

/* Read the descriptor that sel names. False when it lies beyond its table's limit; may raise #PF. */
bool desc_read(Vcpu *v, uint16_t sel, Desc *d);
/* Set the accessed bit in memory if it is clear. */
void desc_set_accessed(Vcpu *v, Desc *d);
/* Make the cache of segment register seg from d; sel is what becomes visible. */
void seg_set(Vcpu *v, int seg, uint16_t sel, const Desc *d);
/* The same for a Seg that is not a segment register (LDTR, TR, a stack not yet in use). */
void seg_fill(Seg *s, uint16_t sel, const Desc *d);
/* Load a null selector: any access through it faults. Base and limit stay. */
void seg_set_null(Vcpu *v, int seg, uint16_t sel);
/* Load CS (its RPL becomes CPL) and follow the privilege level. Does not touch rip. */
void seg_set_cs(Vcpu *v, uint16_t sel, const Desc *d, int cpl);
#define SEG_ATTR_REAL (SEG_P | SEG_S | SEG_W | SEG_A)
/* What a load makes of a segment register in real and V8086 mode, but for the derived fields. */
static inline void seg_fill_real(const Vcpu *v, Seg *s, uint16_t sel)
{
    s->sel = sel;
    s->base = (uint32_t)sel << 4;
    s->null = false;
    if (vcpu_v86(v)) { /* SDM 3A 20.2.1 */
        s->limit = 0xffff;
        s->attr = SEG_ATTR_REAL | SEG_DPL;
    } else { /* Limit, G and B survive: "big real mode" */
        s->attr = (s->attr & (SEG_G | SEG_DB | SEG_AVL)) | SEG_ATTR_REAL;
    }
}
/* Seg.open */
static inline uint8_t seg_open(const Seg *s, bool is_cs)
{
    if (s->read_max != 0xffffffff || (!is_cs && s->write_max != 0xffffffff))
        return 0;
    return s->base ? SEG_WIDE : SEG_WIDE | SEG_FLAT;
}
/* seg_derive() in protected mode, but for SP's size. */
static inline void seg_derive_protected(Seg *s, bool is_cs)
{
    if (s->null || !(s->attr & SEG_P) || (s->attr & (SEG_CODE | SEG_E)) == SEG_E) {
        s->read_max = s->write_max = -1;
    } else if (s->attr & SEG_CODE) {
        s->read_max = s->attr & SEG_R ? (int64_t)s->limit : -1;
        s->write_max = -1;
    } else {
        s->read_max = s->limit;
        s->write_max = s->attr & SEG_W ? (int64_t)s->limit : -1;
    }
    s->open = seg_open(s, is_cs);
}
/* Are size bytes at off within the segment's limit? */
bool seg_covers(const Seg *s, uint64_t off, unsigned size);

/*
 * Checks for a code segment to be entered directly by a far jump or call, SDM 3A 5.8.1.1: raises #GP(sel) or
 * #NP(sel).
 */
void desc_check_code(Vcpu *v, const Desc *d, unsigned rpl, unsigned cpl);

static inline unsigned desc_attr(const Desc *d)
{
    return d->hi >> 8 & 0xf0ff;
}
static inline unsigned desc_type(const Desc *d)
{
    return d->hi >> 8 & 0xf;
}
static inline unsigned desc_dpl(const Desc *d)
{
    return d->hi >> 13 & 3;
}
static inline bool desc_present(const Desc *d)
{
    return d->hi >> 15 & 1;
}
static inline bool desc_is_segment(const Desc *d) /* code or data */
{
    return d->hi >> 12 & 1;
}
static inline bool desc_is_code(const Desc *d)
{
    return (desc_attr(d) & (SEG_S | SEG_CODE)) == (SEG_S | SEG_CODE);
}
static inline bool desc_is_writable(const Desc *d)
{
    return (desc_attr(d) & (SEG_S | SEG_CODE | SEG_W)) == (SEG_S | SEG_W);
}
static inline bool desc_is_readable(const Desc *d)
{
    return desc_is_segment(d) && (desc_attr(d) & (SEG_CODE | SEG_R)) != SEG_CODE;
}
static inline bool desc_is_conforming(const Desc *d)
{
    return (desc_attr(d) & (SEG_S | SEG_CODE | SEG_C)) == (SEG_S | SEG_CODE | SEG_C);
}
static inline uint32_t desc_base(const Desc *d)
{
    return d->lo >> 16 | (d->hi & 0xff) << 16 | (d->hi & 0xff000000);
}
static inline uint32_t desc_limit(const Desc *d)
{
    uint32_t limit = (d->lo & 0xffff) | (d->hi & 0xf0000);
    return d->hi & 0x800000 ? limit << 12 | 0xfff : limit;
}
/* Gates. SDM 3A 5.8.3 */
static inline uint16_t gate_sel(const Desc *d)
{
    return d->lo >> 16;
}
static inline bool gate_is32(const Desc *d)
{
    return d->hi & 0x800;
}
static inline uint32_t gate_offset(const Desc *d)
{
    return gate_is32(d) ? (d->lo & 0xffff) | (d->hi & 0xffff0000) : d->lo & 0xffff;
}

/*
 * Parts of far_return() that IRET shares: check the code segment and the stack of a return, raising #GP, #NP, #SS; do an
 * outward return (also checks off against the new limit); null data segments too privileged for the new CPL.
 */
void far_return_check(Vcpu *v, uint16_t sel, Desc *cs);
void far_return_check_stack(Vcpu *v, uint16_t sel, unsigned cpl, Desc *ss);
void far_return_outer(Vcpu *v, uint32_t off, Desc *cs, uint32_t sp, Desc *ss);
void seg_drop_inner(Vcpu *v);

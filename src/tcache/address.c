/*
 * Memory operands: effective address, segment, and the inline look-up in the software TLB.
 *
 *     rorx r11d, r10d, 7 ; and r11d, 0x7fe0                 offset of the entry
 *     mov  r12, [r14 + r11 + tlb.read] ; xor r12, r10       offset in the page, if the tag matches
 *     cmp  r12, 4096 - size ; ja slow                       and what crosses the page is refused as well
 *     add  r10, [r14 + r11 + tlb.addend]
 *
 * Flags are parked by then. A flat segment needs no more: an access over the top of 4 GiB crosses a page.
 *
 * In window form (winform.c) none of this is needed: the operand is gs:[offset], and flags stay where they are.
 */
#include "softmmu/storelog.h"
#include "tcache/translate.h"

#define OPERAND_MAX 511u /* bytes, less one */

/* The operand's offset as a host operand would name it; 32-bit addresses only. */
static HostMem offset_of(const Insn *i)
{
    HostMem m = {
        .base = i->base == REG_OFFSET_NONE ? H_NONE : tr_reg(i->base),
        .index = i->index == REG_OFFSET_NONE ? H_NONE : tr_reg(i->index),
        .scale = i->scale,
        .disp = i->disp,
    };
    if (m.base == H_NONE && m.index != H_NONE && m.scale == 0) {
        m.base = m.index;
        m.index = H_NONE;
    }
    return m;
}

void tr_offset(Tr *t, const Insn *i, int reg)
{
    HostMem m = offset_of(i);

    if (m.base == H_NONE && m.index == H_NONE) {
        emit_mov_imm32(&t->e, reg, (uint32_t)i->disp & i->amask);
        return;
    }
    if (m.base != H_NONE && m.index == H_NONE && i->disp == 0)
        emit_mov(&t->e, 4, reg, m.base);
    else
        emit_lea(&t->e, 4, reg, m);
    if (i->amask == 0xffff)
        emit_rr(&t->e, 0, 4, 0x0fb7, reg, reg);
}

static HostMem seg_field(int seg, size_t field)
{
    return host_mem(H_R14, offsetof(Vcpu, seg) + seg * sizeof(Seg) + field);
}

/* rorx r11d, r10d, count: BMI2 */
static void emit_rorx_r11_r10(Emit *e, unsigned count)
{
    static const uint8_t bytes[] = {0xc4, 0x43, 0x7b, 0xf0, 0xda};
    memcpy(e->p, bytes, sizeof bytes);
    e->p += sizeof bytes;
    emit8(e, count);
}

/* A field of the TLB entry whose offset in the table is r11. */
static HostMem tlb_field(const Tr *t, size_t field)
{
    int idx = t->bits >> MODE_MMU_SHIFT & 3;
    return (HostMem){H_R14, H_R11, 0, offsetof(Vcpu, tlb) + idx * sizeof t->v->tlb[0] + field};
}

/* Shadow mode: size bytes at `at` are about to be written. Uses r11, r12 and flags. */
static void emit_note_store(Tr *t, HostMem at, unsigned size)
{
    Emit *e = &t->e;
    for (unsigned done = 0, n; done < size; done += n) {
        unsigned left = size - done;
        emit_mov_imm64(e, H_R11, (uintptr_t)t->v->log); /* begins with StoreLogHead */
        emit_load(e, 8, H_R12, host_mem(H_R11, offsetof(StoreLogHead, next)));
        emit_rm(e, 0, 8, 0x83, 0, host_mem(H_R11, offsetof(StoreLogHead, next))); /* add */
        emit8(e, sizeof(StoreEntry));
        n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        emit_lea(e, 8, H_R11, at);
        emit_store(e, 8, host_mem(H_R12, offsetof(StoreEntry, at)), H_R11);
        emit_rm(e, 0, 8, 0xc7, 0, host_mem(H_R12, offsetof(StoreEntry, size)));
        emit32(e, n);
        if (n == 1)
            emit_rm(e, 0, 4, 0x0fb6, H_R11, at);
        else
            emit_load(e, n, H_R11, at);
        emit_store(e, 8, host_mem(H_R12, offsetof(StoreEntry, old)), H_R11);
        at.disp += n;
    }
}

/* Compare linear address r10d with its TLB entry: "above" unless size bytes from there may be accessed. r11 = offset of the entry. */
static void emit_tlb_compare(Tr *t, unsigned size, bool write)
{
    Emit *e = &t->e;
    size_t tag = write ? offsetof(TlbEntry, write) : offsetof(TlbEntry, read);

    G_STATIC_ASSERT(sizeof(TlbEntry) == 32);
    if (t->c->bmi2) {
        emit_rorx_r11_r10(e, PAGE_BITS - 5);
    } else {
        emit_mov(e, 4, H_R11, H_R10);
        emit_rr(e, 0, 4, 0xc1, 5, H_R11); /* shr */
        emit8(e, PAGE_BITS - 5);
    }
    emit_rr(e, 0, 4, 0x81, 4, H_R11);
    emit32(e, (TLB_SIZE - 1) << 5);
    emit_load(e, 8, H_R12, tlb_field(t, tag));
    emit_rr(e, 0, 8, 0x31, H_R10, H_R12);
    if (write && t->c->shadow) {
        emit_rr(e, 0, 8, 0x0fba, 7, H_R12); /* btc */
        emit8(e, STORELOG_TAG_BIT);
    }
    emit_rr(e, 0, 8, 0x81, 7, H_R12);
    emit32(e, PAGE_SIZE - size);
}

/* From r10d = offset in seg to r10 = host address. */
static void access(Tr *t, int seg, unsigned size, bool write)
{
    Emit *e = &t->e;

    g_assert(t->park_ok);
    if (!(t->bits >> MODE_FLAT_SHIFT >> seg & 1) || (write && seg == S_CS)) {
        emit_lea(e, 8, H_R11, host_mem(H_R10, size - 1));
        emit_rm(e, 0, 8, 0x3b, H_R11, seg_field(seg, write ? offsetof(Seg, write_max) : offsetof(Seg, read_max)));
        tr_slow_if(t, 15); /* greater, signed */
        emit_rm(e, 0, 4, 0x03, H_R10, seg_field(seg, offsetof(Seg, base))); /* 32 bits: linear addresses wrap */
    }
    emit_tlb_compare(t, size, write);
    tr_slow_if(t, 7);
    emit_rm(e, 0, 8, 0x03, H_R10, tlb_field(t, offsetof(TlbEntry, addend)));
    t->at = host_mem(H_R10, 0);
    if (write && t->c->shadow)
        emit_note_store(t, t->at, size);
    flags_clobbered(t);
}

uint8_t *tr_tlb_span(Tr *t, unsigned bytes, bool write)
{
    emit_tlb_compare(t, bytes, write);
    uint8_t *fails = emit_jcc(&t->e, 7);
    emit_load(&t->e, 8, H_R13, tlb_field(t, offsetof(TlbEntry, addend)));
    emit_rr(&t->e, 0, 8, 0x01, H_R10, H_R13); /* add */
    return fails;
}

bool tr_covered(Tr *t, int slot, unsigned size, bool write)
{
    int at = t->cover[t->k][slot];
    if (at < 0)
        return false;
    const Span *s = &t->span[t->span_at[t->k] - 1];
    g_assert(at + size <= s->bytes && (s->write || !write));
    t->at = host_mem(H_R13, at);
    if (write && t->c->shadow) {
        emit_note_store(t, t->at, size);
        flags_clobbered(t);
    }
    return true;
}

/* Is an access of this instruction to seg one by the window? */
static bool by_window(const Tr *t, int seg, bool write)
{
    return t->windowed && (t->bits >> MODE_FLAT_SHIFT >> seg & 1) && !(write && seg == S_CS);
}

/*
 * The same where the segment has a base: data of a CPU, or of a thread. The host's sum of base and offset wraps as the guest's does, but nothing
 * of the host's would notice an operand that goes on beyond the segment's last byte.
 */
static bool by_window_based(const Tr *t, int seg, bool write)
{
    return t->windowed && (t->bits >> MODE_WIDE_SHIFT >> seg & 1) && !(write && seg == S_CS);
}

/* Is its offset a constant, and no operand at it so large? */
static bool is_fixed(const Insn *i)
{
    return i->base == REG_OFFSET_NONE && i->index == REG_OFFSET_NONE && i->amask == 0xffffffff &&
           (uint32_t)i->disp <= UINT32_MAX - OPERAND_MAX;
}

bool tr_by_window(const Tr *t, const Insn *i)
{
    bool stack = i->row == ROW_PUSH || i->row == ROW_POP || i->row == ROW_LEAVE;
    bool operand = i->seg != S_CS && (by_window(t, i->seg, true) || (by_window_based(t, i->seg, true) && is_fixed(i)));
    return (!(i->flags & INSN_MEM) || operand) && (!stack || by_window(t, S_SS, true));
}

static HostMem windowed(HostMem m)
{
    m.scale |= HOST_WINDOW;
    return m;
}

void tr_operand(Tr *t, const Insn *i, unsigned size, bool write)
{
    if (tr_covered(t, SLOT_OPERAND, size, write))
        return;
    if (by_window(t, i->seg, write) && i->amask == 0xffffffff) {
        t->at = windowed(offset_of(i));
        return;
    }
    if (by_window_based(t, i->seg, write) && is_fixed(i)) {
        emit_load(&t->e, 4, H_R10, seg_field(i->seg, offsetof(Seg, base)));
        t->at = windowed(host_mem(H_R10, i->disp));
        return;
    }
    tr_offset(t, i, H_R10);
    if (by_window(t, i->seg, write)) {
        t->at = windowed(host_mem(H_R10, 0));
    } else if (by_window_based(t, i->seg, write)) {
        if (size > 1) {
            emit_rr(&t->e, 0, 4, 0x81, 7, H_R10); /* cmp */
            emit32(&t->e, -size);
            tr_slow_if(t, 7);
        }
        emit_rm(&t->e, 0, 4, 0x03, H_R10, seg_field(i->seg, offsetof(Seg, base)));
        t->at = windowed(host_mem(H_R10, 0));
        flags_clobbered(t);
    } else {
        access(t, i->seg, size, write);
    }
}

void tr_computed(Tr *t, int seg, unsigned size, bool write)
{
    if (by_window(t, seg, write))
        t->at = windowed(host_mem(H_R10, 0));
    else
        access(t, seg, size, write);
}

void tr_stack(Tr *t, int32_t delta, unsigned size, bool write)
{
    bool window = by_window(t, S_SS, write);
    if (tr_covered(t, SLOT_STACK, size, write))
        return;
    if (window && (t->bits & MODE_STACK32)) {
        t->at = windowed(host_mem(H_R9, delta));
        return;
    }
    if (delta)
        emit_lea(&t->e, 4, H_R10, host_mem(H_R9, delta));
    else
        emit_mov(&t->e, 4, H_R10, H_R9);
    if (!(t->bits & MODE_STACK32))
        emit_rr(&t->e, 0, 4, 0x0fb7, H_R10, H_R10);
    if (window)
        t->at = windowed(host_mem(H_R10, 0));
    else
        access(t, S_SS, size, write);
}

void tr_pointer(Tr *t, int seg, int reg, unsigned asize, unsigned size, bool write)
{
    bool window = by_window(t, seg, write);
    if (window && asize == 4) {
        t->at = windowed(host_mem(reg, 0));
        return;
    }
    if (asize == 2)
        emit_rr(&t->e, 0, 4, 0x0fb7, H_R10, reg);
    else
        emit_mov(&t->e, 4, H_R10, reg);
    if (window)
        t->at = windowed(host_mem(H_R10, 0));
    else
        access(t, seg, size, write);
}

void tr_stack_move(Tr *t, int32_t delta)
{
    if (t->bits & MODE_STACK32) {
        emit_lea(&t->e, 4, H_R9, host_mem(H_R9, delta));
        return;
    }
    emit_lea(&t->e, 4, H_R11, host_mem(H_R9, delta));
    emit_mov(&t->e, 2, H_R9, H_R11);
}

/*
 * The slow halves of the memory accessors: whatever the inline TLB and segment compares refuse.
 */
#include "softmmu/mem.h"

#include "softmmu/storelog.h"

static void report_unassigned(Vcpu *v, Gpa gpa, unsigned size, bool write)
{
    if (G_UNLIKELY(v->hooks != NULL) && v->hooks->unassigned)
        v->hooks->unassigned(v->hooks->opaque, v, gpa, size, write);
}

/* One piece within a page, already translated. */
static uint64_t piece_read(Vcpu *v, Gpa gpa, unsigned size)
{
    Region *r = bus_find(v->mem, gpa, NULL);
    if (r && r->kind != REGION_IO) {
        uint64_t value = 0;
        memcpy(&value, r->host + (gpa - r->start), size);
        return value;
    }
    if (!r)
        report_unassigned(v, gpa, size, false);
    return G_UNLIKELY(v->log != NULL) ? storelog_bus_read(v->log, v->mem, gpa, size) : bus_read(v->mem, gpa, size);
}

static void piece_write(Vcpu *v, Gpa gpa, uint64_t value, unsigned size)
{
    Region *r = bus_find(v->mem, gpa, NULL);
    if (r && r->kind == REGION_RAM) {
        if (r->ram != UINT64_MAX && v->ram->watch[(r->ram + (gpa - r->start)) >> PAGE_BITS])
            ram_written(v->ram, r->ram + (gpa - r->start), size);
        if (G_UNLIKELY(__atomic_load_n(&r->watched, __ATOMIC_RELAXED)))
            bus_written(v->mem, r);
        if (G_UNLIKELY(v->log != NULL))
            storelog_store(v->log, r->host + (gpa - r->start), size);
        memcpy(r->host + (gpa - r->start), &value, size);
        return;
    }
    if (!r)
        report_unassigned(v, gpa, size, true);
    if (G_UNLIKELY(v->log != NULL))
        storelog_bus_write(v->log, v->mem, gpa, value, size);
    else
        bus_write(v->mem, gpa, value, size);
}

static unsigned bytes_on_first_page(Gva addr, unsigned size)
{
    unsigned room = PAGE_SIZE - (addr & ~PAGE_MASK);
    return MIN(room, size);
}

/* SDM 3A 6.15, interrupt 17: checked at CPL 3 only, which is when MMU_CHECK is in use */
static void check_alignment(Vcpu *v, Gva addr, unsigned size, int mmu_idx)
{
    if (mmu_idx == MMU_CHECK && (addr & (size - 1)))
        fault_raise_error(v, VEC_AC, 0);
}

static void report_access(Vcpu *v, Gva addr, unsigned size, bool write)
{
    if (G_UNLIKELY(v->hooks != NULL) && v->hooks->access)
        v->hooks->access(v->hooks->opaque, v, addr, size, write);
    if (G_UNLIKELY(v->dr[7] & 0xff) && v->debug_access)
        v->debug_access(v, addr, size, write);
}

/* ---- devices ---- */

static DeviceTlbEntry *device_entry(Vcpu *v, Gva addr, int mmu_idx)
{
    return &v->device_tlb[mmu_idx != MMU_SUPER][(addr >> PAGE_BITS) & (DEVICE_TLB_SIZE - 1)];
}

/* The device behind an access within one page, when it was found before. */
static const DeviceTlbEntry *device_known(Vcpu *v, Gva addr, unsigned size, int mmu_idx, bool write)
{
    const DeviceTlbEntry *e = device_entry(v, addr, mmu_idx);
    if (v->log)
        return NULL; /* every access is noted */
    if (e->page == (addr & PAGE_MASK) && e->region && (!write || e->writable) && bytes_on_first_page(addr, size) == size
        && mmu_idx != MMU_CHECK && e->tlb_generation == v->tlb_generation
        && e->bus_generation == bus_generation(v->mem))
        return e;
    return NULL;
}

/* After a translation for a read or a write: remember a device that answers the whole page. */
static void device_remember(Vcpu *v, Gva addr, Gpa gpa, int mmu_idx, bool write)
{
    unsigned generation = bus_generation(v->mem);
    Gpa last;
    Region *r = bus_find(v->mem, gpa & PAGE_MASK, &last);
    if (!r || r->kind != REGION_IO || last < (gpa | ~PAGE_MASK) || mmu_idx == MMU_CHECK
        || (mmu_idx == MMU_SUPER && (v->cr4 & CR4_SMAP))) /* EFLAGS.AC may forbid the next access */
        return;
    *device_entry(v, addr, mmu_idx) = (DeviceTlbEntry){ addr & PAGE_MASK, gpa & PAGE_MASK, r, v->tlb_generation, generation,
                                                        write };
}

uint64_t lin_read_slow(Vcpu *v, Gva addr, unsigned size, int mmu_idx)
{
    const DeviceTlbEntry *d = device_known(v, addr, size, mmu_idx, false);
    uint64_t value;
    if (d) {
        value = bus_read_region(v->mem, d->region, (d->gpa | (addr & ~PAGE_MASK)) - d->region->start, size);
        report_access(v, addr, size, false);
        return value;
    }
    check_alignment(v, addr, size, mmu_idx);
    unsigned first = bytes_on_first_page(addr, size);
    Gpa gpa = mmu_translate(v, addr, ACCESS_READ, mmu_idx);
    Hva p = lin_read_fast(v, addr, size, mmu_idx);
    if (p) { /* it was only not in the TLB */
        value = 0;
        memcpy(&value, p, size);
    } else if (first == size) {
        device_remember(v, addr, gpa, mmu_idx, false);
        value = piece_read(v, gpa, size);
    } else {
        Gpa gpa2 = mmu_translate(v, (addr + first) & v->lin_mask, ACCESS_READ, mmu_idx);
        value = piece_read(v, gpa, first) | piece_read(v, gpa2, size - first) << (8 * first);
    }
    report_access(v, addr, size, false);
    return value;
}

/* A write to a watched page of RAM that the TLB knows: no walk is needed to tell the watchers. */
static bool write_watched(Vcpu *v, Gva addr, uint64_t value, unsigned size, int mmu_idx)
{
    TlbEntry *e = tlb_entry(v, mmu_idx, addr);
    if (e->write != ((addr & PAGE_MASK) | TLB_WATCHED) || bytes_on_first_page(addr, size) < size || v->hooks || v->log || (v->dr[7] & 0xff))
        return false;
    Hva host = (Hva)(e->addend + addr);
    uint64_t offset = host - v->ram->host;
    tlb_note_writable(v, offset);
    if (v->ram->watch[offset >> PAGE_BITS])
        ram_written(v->ram, offset, size);
    else
        e->write = addr & PAGE_MASK; /* no longer */
    memcpy(host, &value, size);
    return true;
}

void lin_write_slow(Vcpu *v, Gva addr, uint64_t value, unsigned size, int mmu_idx)
{
    if (write_watched(v, addr, value, size, mmu_idx))
        return;
    const DeviceTlbEntry *d = device_known(v, addr, size, mmu_idx, true);
    if (d) {
        bus_write_region(v->mem, d->region, (d->gpa | (addr & ~PAGE_MASK)) - d->region->start, value, size);
        report_access(v, addr, size, true);
        return;
    }
    check_alignment(v, addr, size, mmu_idx);
    unsigned first = bytes_on_first_page(addr, size);
    Gpa gpa = mmu_translate(v, addr, ACCESS_WRITE, mmu_idx);
    if (first == size) {
        device_remember(v, addr, gpa, mmu_idx, true);
        piece_write(v, gpa, value, size);
    } else {
        Gpa gpa2 = mmu_translate(v, (addr + first) & v->lin_mask, ACCESS_WRITE, mmu_idx);
        piece_write(v, gpa, value, first);
        piece_write(v, gpa2, value >> (8 * first), size - first);
    }
    report_access(v, addr, size, true);
}

void lin_probe(Vcpu *v, Gva addr, unsigned size, int access, int mmu_idx)
{
    check_alignment(v, addr, size <= 8 ? size : 1, mmu_idx);
    unsigned first = bytes_on_first_page(addr, size);
    mmu_translate(v, addr, access, mmu_idx);
    if (first < size)
        mmu_translate(v, (addr + first) & v->lin_mask, access, mmu_idx);
}

Hva lin_host(Vcpu *v, Gva addr, unsigned size, int access)
{
    TlbEntry *e = tlb_entry(v, v->mmu_idx, addr);
    Gva page = (addr + size - 1) & PAGE_MASK;
    for (int attempt = 0; attempt < 2; attempt++) {
        if ((access == ACCESS_WRITE ? e->write : e->read) == page)
            return (Hva)(e->addend + addr);
        if (attempt == 0) {
            if (bytes_on_first_page(addr, size) < size || v->mmu_idx == MMU_CHECK)
                return NULL;
            mmu_translate(v, addr, access, v->mmu_idx);
        }
    }
    return NULL;
}

static _Noreturn void seg_fault(Vcpu *v, int seg)
{
    fault_raise_error(v, seg == S_SS ? VEC_SS : VEC_GP, 0);
}

void seg_check_slow(Vcpu *v, int seg, uint64_t ea, unsigned size, bool write)
{
    const Seg *s = &v->seg[seg];
    bool plain = vcpu_realish(v); /* real and V8086 mode check the limit only */

    if (!plain) {
        if (s->null)
            fault_raise_error(v, seg == S_SS ? VEC_SS : VEC_GP, 0);
        if (s->attr & SEG_CODE) {
            if (write || !(s->attr & SEG_R))
                seg_fault(v, seg);
        } else if (write && !(s->attr & SEG_W)) {
            seg_fault(v, seg);
        }
    }
    if (!(s->attr & SEG_CODE) && (s->attr & SEG_E)) {
        /* SDM 3A 5.3: offsets up to the limit are outside; the top is by the B flag */
        uint64_t top = s->attr & SEG_DB ? 0xffffffffu : 0xffff;
        if (ea <= s->limit || ea + size - 1 > top)
            seg_fault(v, seg);
        return;
    }
    /* With a 4 GiB limit too: whether an access may wrap from the top to 0 is the processor's choice (SDM 3A 5.3) */
    if (ea + size - 1 > s->limit)
        seg_fault(v, seg);
}

/* Operands of 10, 16 and more bytes. 80-bit ones are aligned at 8; x87 environments, by experiment, at 2 or 4 by format */
static void check_block_alignment(Vcpu *v, Gva addr, unsigned size, int mmu_idx)
{
    check_alignment(v, addr, size == 16 ? 16 : size == 10 || size == 512 ? 8 : size == 14 || size == 94 ? 2
        : size >= 28 ? 4 : 1, mmu_idx);
}

void lin_read_block(Vcpu *v, Gva addr, void *buf, unsigned size, int mmu_idx)
{
    unsigned first = bytes_on_first_page(addr, size);
    Hva p = lin_read_fast(v, addr, size, mmu_idx);
    if (G_LIKELY(p)) {
        memcpy(buf, p, size);
        return;
    }
    check_block_alignment(v, addr, size, mmu_idx);
    Gpa gpa[2] = {mmu_translate(v, addr, ACCESS_READ, mmu_idx)};
    if (first < size)
        gpa[1] = mmu_translate(v, (addr + first) & v->lin_mask, ACCESS_READ, mmu_idx);
    else if ((p = lin_read_fast(v, addr, size, mmu_idx))) { /* it was only not in the TLB */
        memcpy(buf, p, size);
        return;
    }
    uint8_t *out = buf;
    for (unsigned n = 0; n < size; n++)
        out[n] = piece_read(v, n < first ? gpa[0] + n : gpa[1] + (n - first), 1);
    report_access(v, addr, size, false);
}

void lin_write_block(Vcpu *v, Gva addr, const void *buf, unsigned size, int mmu_idx)
{
    unsigned first = bytes_on_first_page(addr, size);
    Hva p = lin_write_fast(v, addr, size, mmu_idx);
    if (G_LIKELY(p)) {
        memcpy(p, buf, size);
        return;
    }
    check_block_alignment(v, addr, size, mmu_idx);
    Gpa gpa[2] = {mmu_translate(v, addr, ACCESS_WRITE, mmu_idx)};
    if (first < size)
        gpa[1] = mmu_translate(v, (addr + first) & v->lin_mask, ACCESS_WRITE, mmu_idx);
    else if ((p = lin_write_fast(v, addr, size, mmu_idx))) {
        memcpy(p, buf, size);
        return;
    }
    const uint8_t *in = buf;
    for (unsigned n = 0; n < size; n++)
        piece_write(v, n < first ? gpa[0] + n : gpa[1] + (n - first), in[n], 1);
    report_access(v, addr, size, true);
}

void mem_read_block(Vcpu *v, int seg, uint64_t ea, void *buf, unsigned size)
{
    lin_read_block(v, seg_lin_read(v, seg, ea, size), buf, size, v->mmu_idx);
}

void mem_write_block(Vcpu *v, int seg, uint64_t ea, const void *buf, unsigned size)
{
    lin_write_block(v, seg_lin_write(v, seg, ea, size), buf, size, v->mmu_idx);
}

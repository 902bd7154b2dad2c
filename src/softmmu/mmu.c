/*
 * The page walk, over a paging mode.
 *
 * A mode is a list of levels, each with the bits of the linear address that index it; entries are 4 or 8 bytes. What
 * differs otherwise (PAE's latched top level, PSE's address bits) is told in one place each. Long mode adds levels to
 * the PAE list and changes nothing here.
 */
#include "softmmu/mmu.h"

#include <glib.h>
#include <string.h>

#include "softmmu/fault.h"
#include "softmmu/pagetable.h"
#include "softmmu/storelog.h"
#include "softmmu/watchpoint.h"

typedef struct PagingMode {
    int levels;      /* the last is the page table */
    int entry_bytes; /* 4 or 8 */
    int index_bits;
} PagingMode;

static const PagingMode mode_32bit = {2, 4, 10};
static const PagingMode mode_pae = {2, 8, 9}; /* below the four latched PDPTEs */

/* What a walk found. */
typedef struct Walk {
    Gpa gpa;
    bool writable, user, no_exec, global, dirty;
    bool large;
    bool guarded; /* CR4.SMAP: EFLAGS.AC tells at each access whether it is allowed, so the TLB must not know it */
    uint32_t error; /* of the #PF when the walk failed; only P and RSVD set here */
    bool ok;
    Gpa leaf_addr; /* the entry that maps the page */
    uint64_t leaf;
    Gpa unaccessed[3]; /* upper entries whose A bit is clear */
    unsigned unaccessed_count;
} Walk;

static Hva phys_host(Vcpu *v, Gpa gpa, Region **region)
{
    Region *r = bus_find(v->mem, gpa & v->a20_mask, NULL);
    *region = r;
    return r && r->kind != REGION_IO ? r->host + ((gpa & v->a20_mask) - r->start) : NULL;
}

static uint64_t entry_read(Vcpu *v, Gpa addr, int bytes)
{
    Region *r;
    Hva p = phys_host(v, addr, &r);
    if (G_UNLIKELY(!p))
        return v->log ? storelog_bus_read(v->log, v->mem, addr & v->a20_mask, bytes) : bus_read(v->mem, addr & v->a20_mask, bytes);
    uint64_t e = 0;
    memcpy(&e, p, bytes);
    return e;
}

/* Only A and D ever change, and both lie in the low byte. */
static void entry_set_bits(Vcpu *v, Gpa addr, uint64_t bits)
{
    Region *r;
    Hva p = phys_host(v, addr, &r);
    if (!p || r->kind != REGION_RAM)
        return; /* tables in ROM or a device: A and D cannot be recorded */
    if (r->ram != UINT64_MAX)
        ram_written(v->ram, r->ram + (p - r->host), 1);
    if (G_UNLIKELY(v->log != NULL))
        storelog_walk(v->log, p);
    __atomic_fetch_or(p, (uint8_t)bits, __ATOMIC_RELAXED);
}

static uint64_t reserved_bits(const Vcpu *v, const PagingMode *mode, int level, bool large)
{
    if (mode->entry_bytes == 4)
        return large ? 0x200000 : 0; /* PSE-36: bits 13-20 are address bits 32-39; 21 is reserved */
    uint64_t r = ~PHYS_MASK & 0x7fffffffffffffffull; /* SDM 3A 4.4.2 */
    if (!(v->efer & EFER_NXE))
        r |= PTE_NX;
    if (large && level == 0)
        r |= 0x1fe000;
    return r;
}

/*
 * Walk for addr, changing nothing: A and D bits are the caller's, who knows whether the access is allowed. A walk that
 * ends in a fault leaves them all as they are, as the 386 does (later manuals allow either, SDM 3A 4.8).
 */
static Walk walk(Vcpu *v, Gva addr)
{
    Walk w = {.writable = true, .user = true};
    const PagingMode *mode;
    Gpa table;
    bool large_ok;

    if (v->cr4 & CR4_PAE) {
        mode = &mode_pae;
        uint64_t pdpte = v->pdpte[addr >> 30 & 3];
        if (!(pdpte & PTE_P))
            return w;
        table = pdpte & PHYS_MASK & PAGE_MASK;
        large_ok = true;
    } else {
        mode = &mode_32bit;
        table = v->cr3 & 0xfffff000u;
        large_ok = v->cr4 & CR4_PSE;
    }
    for (int level = 0;; level++) {
        int shift = PAGE_BITS + mode->index_bits * (mode->levels - 1 - level);
        uint64_t index = addr >> shift & ((1u << mode->index_bits) - 1);
        Gpa entry_addr = table + index * mode->entry_bytes;
        uint64_t e = entry_read(v, entry_addr, mode->entry_bytes);
        if (!(e & PTE_P))
            return w;
        bool leaf = level == mode->levels - 1 || (large_ok && (e & PTE_PS));
        bool large = leaf && level < mode->levels - 1;
        if (G_UNLIKELY(e & reserved_bits(v, mode, level, large))) {
            w.error = PF_P | PF_RSVD;
            return w;
        }
        w.writable &= !!(e & PTE_W);
        w.user &= !!(e & PTE_U);
        if (mode->entry_bytes == 8)
            w.no_exec |= !!(e & PTE_NX);
        if (!leaf) {
            if (!(e & PTE_A))
                w.unaccessed[w.unaccessed_count++] = entry_addr;
            table = e & PHYS_MASK & PAGE_MASK;
            continue;
        }
        uint64_t span = (1ull << shift) - 1;
        Gpa frame = e & PHYS_MASK & ~span;
        if (large && mode->entry_bytes == 4)
            frame = (e & 0xffc00000u) | (e >> 13 & 0xff) << 32;
        if (mode->entry_bytes == 4 && !large)
            frame = e & 0xfffff000u;
        w.gpa = frame | (addr & span);
        w.large = large;
        w.global = (e & PTE_G) && (v->cr4 & CR4_PGE);
        w.dirty = e & PTE_D;
        w.leaf_addr = entry_addr;
        w.leaf = e;
        w.ok = true;
        return w;
    }
}

static void tlb_fill(Vcpu *v, Gva addr, const Walk *w, Gpa gpa, int idx, bool writable)
{
    Region *r;
    Gva page = addr & PAGE_MASK;
    Hva host = phys_host(v, gpa & PAGE_MASK, &r);
    if (!host)
        return;
    TlbEntry *e = &v->tlb[idx][(addr >> PAGE_BITS) & (TLB_SIZE - 1)];
    unsigned hooked = debug_hooked_page(v, page);
    bool watched = w->guarded || debug_watches_page(v, page) || (hooked & HOOK_DATA);
    if (G_UNLIKELY(v->log != NULL))
        storelog_tlb(v->log, v, idx, (addr >> PAGE_BITS) & (TLB_SIZE - 1));
    unsigned n = addr >> PAGE_BITS & (TLB_SIZE - 1);
    tlb_note(v, idx, n, !w->global);
    e->addend = (uintptr_t)host - page;
    e->read = watched ? TLB_NONE : page;
    e->exec = w->no_exec || hooked ? TLB_NONE : page;
    e->write = TLB_NONE;
    if (writable && r->kind == REGION_RAM && r->ram != UINT64_MAX)
        tlb_note_writable(v, r->ram + (host - r->host));
    if (writable && !watched && r->kind == REGION_RAM &&
        (r->ram == UINT64_MAX ? !__atomic_load_n(&r->watched, __ATOMIC_SEQ_CST)
                              : !v->ram->watch[(r->ram + (host - r->host)) >> PAGE_BITS]))
        e->write = v->log ? page | STORELOG_TAG : page;
    else if (writable && !watched && r->kind == REGION_RAM && r->ram != UINT64_MAX && !v->log)
        e->write = page | TLB_WATCHED;
    v->tlb_global[idx][(addr >> PAGE_BITS) & (TLB_SIZE - 1)] = w->global;
    if (w->large) {
        v->tlb_large_lo = MIN(v->tlb_large_lo, addr & ~(Gva)0x3fffff);
        v->tlb_large_hi = MAX(v->tlb_large_hi, addr | 0x3fffff);
    }
}

static uint32_t access_error(const Vcpu *v, int access, int idx)
{
    uint32_t error = idx == MMU_SUPER ? 0 : PF_U;
    if (access == ACCESS_WRITE)
        error |= PF_W;
    /* SDM 3A 4.7: I/D is reported only where NX exists */
    if (access == ACCESS_FETCH && (v->cr4 & CR4_PAE) && (v->efer & EFER_NXE))
        error |= PF_I;
    return error;
}

/* With paging on. *error: of the #PF, when it is false. */
static bool try_access(Vcpu *v, Gva addr, int access, int idx, Gpa *gpa, uint32_t *error)
{
    Walk w = walk(v, addr);
    if (G_UNLIKELY(!w.ok)) {
        *error = w.error | access_error(v, access, idx);
        return false;
    }
    /* SDM 3A 4.6 */
    bool may_write = w.writable || (idx == MMU_SUPER && !(v->cr0 & CR0_WP));
    bool denied = (idx == MMU_USER && !w.user) || (access == ACCESS_WRITE && !may_write) ||
                  (access == ACCESS_FETCH && w.no_exec);
    /* What is the CPU's own at CPL 3, as reading a descriptor, AC does not allow. (In the kernel it is taken for the program's.) */
    w.guarded = (v->cr4 & CR4_SMAP) && idx == MMU_SUPER && w.user;
    denied |= w.guarded && access != ACCESS_FETCH && (v->cpl == 3 || !(v->flags & FL_AC));
    if (G_UNLIKELY(denied)) {
        *error = PF_P | access_error(v, access, idx);
        return false;
    }
    for (unsigned n = 0; n < w.unaccessed_count; n++)
        entry_set_bits(v, w.unaccessed[n], PTE_A);
    uint64_t want = PTE_A | (access == ACCESS_WRITE ? PTE_D : 0);
    if ((w.leaf & want) != want) {
        entry_set_bits(v, w.leaf_addr, want);
        w.dirty |= access == ACCESS_WRITE;
    }
    *gpa = w.gpa & v->a20_mask;
    tlb_fill(v, addr, &w, *gpa, idx, may_write && w.dirty);
    if (G_UNLIKELY(v->hooks != NULL) && v->hooks->page_filled)
        v->hooks->page_filled(v->hooks->opaque, v, addr, *gpa, access, idx == MMU_USER);
    return true;
}

Gpa mmu_translate(Vcpu *v, Gva addr, int access, int mmu_idx)
{
    int idx = mmu_idx == MMU_SUPER ? MMU_SUPER : MMU_USER;
    uint32_t error;
    Gpa gpa;

    if (!(v->cr0 & CR0_PG)) {
        Walk flat = {.ok = true};
        gpa = addr & v->a20_mask;
        tlb_fill(v, addr, &flat, gpa, idx, true);
        return gpa;
    }
    if (G_UNLIKELY(!try_access(v, addr, access, idx, &gpa, &error)))
        fault_raise_page(v, addr, error);
    return gpa;
}

bool mmu_touch(Vcpu *v, Gva addr, int access, int idx)
{
    uint32_t error;
    Gpa gpa;
    return !(v->cr0 & CR0_PG) || try_access(v, addr, access, idx, &gpa, &error);
}

bool mmu_probe(Vcpu *v, Gva addr, Gpa *gpa)
{
    if (!(v->cr0 & CR0_PG)) {
        *gpa = addr & v->a20_mask;
        return true;
    }
    Walk w = walk(v, addr);
    *gpa = w.gpa & v->a20_mask;
    return w.ok;
}

bool mmu_peek(const Vcpu *v, Gva addr, void *buf, unsigned size)
{
    Gpa gpa, last;
    if ((addr & ~PAGE_MASK) + size > PAGE_SIZE || !mmu_probe((Vcpu *)v, addr, &gpa)) /* which changes nothing */
        return false;
    const Region *r = bus_find(v->mem, gpa, &last);
    if (!r || r->kind == REGION_IO || last - gpa < size - 1)
        return false;
    memcpy(buf, r->host + (gpa - r->start), size);
    return true;
}

bool mmu_load_pdptes(Vcpu *v, uint64_t cr0, uint64_t cr3, uint64_t cr4)
{
    if (!(cr0 & CR0_PG) || !(cr4 & CR4_PAE))
        return true;
    uint64_t e[4];
    for (int n = 0; n < 4; n++) {
        e[n] = entry_read(v, (cr3 & 0xffffffe0u) + 8 * n, 8);
        /* SDM 3A table 4-8 */
        if ((e[n] & PTE_P) && (e[n] & (~PHYS_MASK | 0x1e6)))
            return false;
    }
    memcpy(v->pdpte, e, sizeof e);
    return true;
}

void mmu_update_idx(Vcpu *v)
{
    if (v->cpl != 3)
        v->mmu_idx = MMU_SUPER;
    else
        v->mmu_idx = (v->cr0 & CR0_AM) && (v->flags & FL_AC) ? MMU_CHECK : MMU_USER;
}

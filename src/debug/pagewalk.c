/*
 * A page walk that remembers. SDM 3A 4.3, 4.4
 */
#include "debug/pagewalk.h"

#include <string.h>

#define ENTRY_P 1u
#define ENTRY_W 2u
#define ENTRY_U 4u
#define ENTRY_PS 0x80u
#define ENTRY_NX (1ull << 63)
#define FRAME 0xffffff000ull /* 36 bits of physical address */

static bool entry_read(Vcpu *v, Gpa addr, unsigned bytes, uint64_t *entry)
{
    addr &= v->a20_mask;
    Region *r = bus_find(v->mem, addr, NULL);
    *entry = 0;
    if (!r || r->kind == REGION_IO)
        return false;
    memcpy(entry, r->host + (addr - r->start), bytes);
    return true;
}

static void one_level(Vcpu *v, PageWalk *w, const char *name, Gpa table, unsigned index, unsigned bytes)
{
    int n = w->levels++;
    w->level[n].name = name;
    w->level[n].index = index;
    w->level[n].addr = table + (Gpa)index * bytes;
    w->level[n].in_memory = entry_read(v, w->level[n].addr, bytes, &w->level[n].entry);
}

PageWalk pagewalk(Vcpu *v, Gva addr)
{
    PageWalk w = {.writable = true, .user = true};
    bool pae = v->cr4 & CR4_PAE;
    unsigned bytes = pae ? 8 : 4, bits = pae ? 9 : 10;
    Gpa table = v->cr3 & 0xfffff000u;

    addr &= 0xffffffffu;
    if (!(v->cr0 & CR0_PG)) {
        w.ok = true;
        w.gpa = addr & v->a20_mask;
        return w;
    }
    if (pae) {
        unsigned n = addr >> 30;
        w.levels = 1;
        w.level[0].name = "PDPTE";
        w.level[0].index = n;
        w.level[0].addr = (v->cr3 & 0xffffffe0u) + 8 * n;
        w.level[0].entry = v->pdpte[n];
        w.level[0].in_memory = true;
        if (!(v->pdpte[n] & ENTRY_P))
            return w;
        table = v->pdpte[n] & FRAME;
    }
    for (int level = 0; level < 2; level++) {
        unsigned shift = PAGE_BITS + bits * (1 - level);
        one_level(v, &w, level ? "PTE" : "PDE", table, addr >> shift & ((1u << bits) - 1), bytes);
        int n = w.levels - 1;
        uint64_t e = w.level[n].entry;
        if (!(e & ENTRY_P))
            return w;
        bool large = level == 0 && (e & ENTRY_PS) && (pae || (v->cr4 & CR4_PSE));
        uint64_t reserved = pae ? 0x7ffffff000000000ull | (v->efer & EFER_NXE ? 0 : ENTRY_NX) | (large ? 0x1fe000 : 0)
                                : large ? 0x200000 : 0;
        w.level[n].reserved = e & reserved;
        if (w.level[n].reserved)
            return w;
        w.writable &= !!(e & ENTRY_W);
        w.user &= !!(e & ENTRY_U);
        w.no_exec |= pae && (e & ENTRY_NX);
        table = pae ? e & FRAME : e & 0xfffff000u;
        if (large || level == 1) {
            uint64_t span = (1ull << shift) - 1;
            w.large = large;
            w.gpa = (table & ~span) | (addr & span);
            if (large && !pae)
                w.gpa |= (e >> 13 & 0xff) << 32;
            w.gpa &= v->a20_mask;
            w.ok = true;
            return w;
        }
    }
    return w;
}

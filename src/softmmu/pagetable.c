/*
 * Reading the guest's page tables. See pagetable.h. SDM 3A 4.3, 4.4
 */
#include "softmmu/pagetable.h"

const uint8_t *pt_ram(const Vcpu *v, Gpa gpa, uint64_t *offset)
{
    Gpa last;
    gpa &= v->a20_mask;
    const Region *r = bus_find(v->mem, gpa, &last);
    if (!r || r->kind != REGION_RAM || r->ram == UINT64_MAX || last - gpa < PAGE_SIZE - 1 - (gpa & ~PAGE_MASK))
        return NULL;
    if (offset)
        *offset = r->ram + (gpa - r->start);
    return r->host + (gpa - r->start);
}

static bool is_pae(const Vcpu *v)
{
    return v->cr4 & CR4_PAE;
}

const uint8_t *pt_upper(const Vcpu *v, Gva addr)
{
    if (is_pae(v)) {
        uint64_t pdpte = v->pdpte[addr >> 30 & 3];
        const uint8_t *dir = pdpte & PTE_P ? pt_ram(v, pdpte & PHYS_MASK & PAGE_MASK, NULL) : NULL;
        return dir ? dir + (addr >> 21 & 511) * 8 : NULL;
    }
    const uint8_t *dir = pt_ram(v, v->cr3 & 0xfffff000u, NULL);
    return dir ? dir + (addr >> 22 & 1023) * 4 : NULL;
}

static uint64_t nx_bit(const Vcpu *v)
{
    return is_pae(v) && (v->efer & EFER_NXE) ? PTE_NX : 0;
}

bool pt_is_large(const Vcpu *v, uint64_t upper)
{
    return (upper & PTE_PS) && (is_pae(v) || (v->cr4 & CR4_PSE));
}

uint64_t pt_reserved(const Vcpu *v, bool large)
{
    if (!is_pae(v))
        return large ? 0x3fe000 : 0; /* PSE-36 as well: no RAM of ours is up there */
    return (~PHYS_MASK & ~(nx_bit(v))) | (large ? 0x1fe000 : 0);
}

bool pt_leaf(const Vcpu *v, uint64_t upper, const uint8_t *entries, Gva addr, PtLeaf *leaf)
{
    uint64_t e = upper, offset;
    Gpa gpa;
    if (entries) {
        e = pt_entry(v, entries, pt_index(v, addr));
        if (e & pt_reserved(v, false))
            return false;
        gpa = e & PHYS_MASK & PAGE_MASK;
    } else {
        uint64_t span = (1ull << pt_bits(v)) - 1;
        gpa = (e & PHYS_MASK & ~span) + ((uint64_t)pt_index(v, addr) << PAGE_BITS);
    }
    if ((e & upper & (PTE_P | PTE_A)) != (PTE_P | PTE_A))
        return false;
    leaf->host = pt_ram(v, gpa, &offset);
    if (!leaf->host)
        return false;
    leaf->page = offset >> PAGE_BITS;
    leaf->entry = e;
    leaf->user = upper & e & PTE_U;
    leaf->writable = upper & e & PTE_W;
    leaf->dirty = e & PTE_D;
    leaf->exec = !((upper | e) & nx_bit(v));
    return true;
}

uint64_t pt_user_pages(const Vcpu *v)
{
    const uint64_t used = PTE_P | PTE_U | PTE_A;
    unsigned bytes = pt_entry_bytes(v), count = PAGE_SIZE / bytes;
    uint64_t pages = 0;
    for (uint64_t addr = 0; addr >> 32 == 0; addr += UINT64_C(1) << pt_bits(v)) {
        const uint8_t *host = pt_upper(v, addr), *entries;
        uint64_t upper = host ? pt_entry(v, host, 0) : 0;
        if ((upper & used) != used)
            continue;
        if (pt_is_large(v, upper))
            pages += count;
        else if ((entries = pt_ram(v, upper & PHYS_MASK & PAGE_MASK, NULL)))
            for (unsigned n = 0; n < count; n++)
                pages += (pt_entry(v, entries, n) & used) == used;
    }
    return pages;
}

uint64_t pt_mode(const Vcpu *v)
{
    return (v->cr4 & (CR4_PAE | CR4_PSE)) | (v->efer & EFER_NXE) << 8 | (v->cr0 & CR0_PG) | (v->a20_mask & 1 << 20) << 20;
}

/*
 * The guest's page tables as they lie in RAM, read without any effect: for whoever keeps pages mapped because of them.
 *
 * That is two levels, 32-bit or PAE: an upper entry (of the directory) covers 4 or 2 MiB, by a table of entries or as a large page.
 * PAE's top level is latched (Vcpu.pdpte). What is anywhere but in guest RAM is not found.
 */
#pragma once

#include "softmmu/mmu.h"

#define PTE_P 0x1u
#define PTE_W 0x2u
#define PTE_U 0x4u
#define PTE_A 0x20u
#define PTE_D 0x40u
#define PTE_PS 0x80u
#define PTE_G 0x100u
#define PTE_NX (1ull << 63)
#define PHYS_MASK ((1ull << PHYS_BITS) - 1)

enum { TABLES_MAX = 2048 }; /* that cover 4 GiB: of 2 MiB, with PAE; half as many of 4 MiB without */

/* A page by the tables. What is by all levels together is user, writable, exec; the others are the last entry's. */
typedef struct PtLeaf {
    const uint8_t *host;
    uint32_t page; /* number in RAM */
    bool user, writable, dirty, exec;
    uint64_t entry; /* the last one */
} PtLeaf;

/* Where the page of RAM that gpa lies on is in this process, from gpa on; NULL: not wholly in guest RAM. offset: in RAM, may be NULL. */
const uint8_t *pt_ram(const Vcpu *v, Gpa gpa, uint64_t *offset);

/* Address bits that an upper entry covers: 21 or 22. */
static inline unsigned pt_bits(const Vcpu *v)
{
    return v->cr4 & CR4_PAE ? 21 : 22;
}
static inline unsigned pt_entry_bytes(const Vcpu *v)
{
    return v->cr4 & CR4_PAE ? 8 : 4;
}
static inline uint64_t pt_entry(const Vcpu *v, const uint8_t *table, unsigned index)
{
    if (v->cr4 & CR4_PAE)
        return __atomic_load_n((const uint64_t *)table + index, __ATOMIC_RELAXED);
    return __atomic_load_n((const uint32_t *)table + index, __ATOMIC_RELAXED);
}
/* A page's number in its table. */
static inline unsigned pt_index(const Vcpu *v, Gva addr)
{
    return addr >> PAGE_BITS & ((1u << (pt_bits(v) - PAGE_BITS)) - 1);
}

/* The upper entry that covers addr; NULL: not in RAM, or not present above. */
const uint8_t *pt_upper(const Vcpu *v, Gva addr);
/* Is it a large page? */
bool pt_is_large(const Vcpu *v, uint64_t upper);
/* Bits that must be clear in an upper entry (large: of a large page), or a last one; what has them set is left to the walk. */
uint64_t pt_reserved(const Vcpu *v, bool large);
/*
 * The page at addr, which upper covers, present and accessed. entries: the table that upper names, or NULL for a large page.
 * False: not present, not accessed, not in RAM.
 */
bool pt_leaf(const Vcpu *v, uint64_t upper, const uint8_t *entries, Gva addr, PtLeaf *leaf);
/* User pages in tables that were accessed, and that were accessed themselves; a large one counts as all that it holds. */
uint64_t pt_user_pages(const Vcpu *v);
/* Paging as a whole: under another mode nothing that is mapped means anything. */
uint64_t pt_mode(const Vcpu *v);

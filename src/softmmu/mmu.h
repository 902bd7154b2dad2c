/*
 * Linear to physical: the page walk and the software TLB.
 *
 * The walker is written over a paging mode (none, 32-bit, PAE; long mode fits later) and does exactly what SDM 3A
 * chapter 4 asks: A and D bits, WP, NX, global pages, reserved bits, PDPTEs latched at CR loads. The TLB holds its
 * results; each entry has separate tags for read, write and execute, so a page whose D bit is clear, or that is
 * watched, simply has no write tag and takes the slow path.
 */
#pragma once

#include "softmmu/ram.h"
#include "vcpu.h"

/* Kinds of access; also bits of the #PF error code where named so. */
enum { ACCESS_READ = 0, ACCESS_WRITE = 2, ACCESS_FETCH = 16 };
#define PHYS_BITS 36 /* physical addresses: what CPUs have that lack CPUID leaf 8000_0008h. SDM 3A 11.11.3 */
#define PF_P 1u
#define PF_W 2u
#define PF_U 4u
#define PF_RSVD 8u
#define PF_I 16u

/* Drop all translations; those of non-global pages; those of one page (INVLPG: global ones too, both privilege levels). */
void tlb_flush_all(Vcpu *v);
void tlb_flush_nonglobal(Vcpu *v);
void tlb_flush_page(Vcpu *v, Gva addr);
/* Drop write permission only: after a page became watched. */
void tlb_protect(Vcpu *v);
/* The same for the pages of one piece of host memory. */
void tlb_protect_host(Vcpu *v, Hva host, uint64_t size);
/* The same for the page of RAM at offset. */
void tlb_protect_page(Vcpu *v, uint64_t offset);
/* An entry is about to let writes to that page through, if nobody watches it: to be called before looking. */
void tlb_note_writable(Vcpu *v, uint64_t offset);
/* The entry is back from the past: the page that it lets writes through to may be watched by now. */
void tlb_note_restored(Vcpu *v, TlbEntry *e);

/* Entry n may hold something from now on; local: something that is not global. */
static inline void tlb_note(Vcpu *v, int idx, unsigned n, bool local)
{
    v->tlb_used[idx][n / 64] |= 1ull << (n % 64);
    v->tlb_local[idx][n / 64] |= (uint64_t)local << (n % 64);
    v->tlb_local_words[idx] |= (uint64_t)local << (n / 64);
}

/*
 * Translate for an access by privilege mmu_idx (MMU_SUPER or MMU_USER); sets A and D bits; raises #PF.
 * Returns the physical address (A20 applied). Fills the TLB where RAM or ROM answers.
 */
Gpa mmu_translate(Vcpu *v, Gva addr, int access, int mmu_idx);

/* What mmu_translate() does, but false where that would raise #PF. idx: MMU_SUPER or MMU_USER. */
bool mmu_touch(Vcpu *v, Gva addr, int access, int idx);

/* The same without side effects, for debuggers: false when not mapped. */
bool mmu_probe(Vcpu *v, Gva addr, Gpa *gpa);
/* size bytes of RAM or ROM within one page, without side effects. False: not mapped, or a device's, which is not asked. */
bool mmu_peek(const Vcpu *v, Gva addr, void *buf, unsigned size);

/*
 * CR3, CR0 or CR4 changed: latch the PDPTEs when PAE paging is on. False: a reserved bit was set, the load must #GP
 * and nothing was latched. cr0/cr3/cr4 are the values about to be loaded.
 */
bool mmu_load_pdptes(Vcpu *v, uint64_t cr0, uint64_t cr3, uint64_t cr4);

/* Recompute mmu_idx from CPL, CR0.AM and EFLAGS.AC; call after any of them changes. */
void mmu_update_idx(Vcpu *v);

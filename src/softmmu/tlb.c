/*
 * Dropping what the TLB remembers: all, all but global pages, one page, or only the permission to write.
 */
#include <string.h>

#include "softmmu/mmu.h"
#include "softmmu/storelog.h"
#include "softmmu/window.h"

static void entry_clear(Vcpu *v, int idx, unsigned n)
{
    v->tlb[idx][n] = (TlbEntry){TLB_NONE, TLB_NONE, TLB_NONE, 0};
    v->tlb_global[idx][n] = 0;
    v->tlb_used[idx][n / 64] &= ~(1ull << (n % 64));
    v->tlb_local[idx][n / 64] &= ~(1ull << (n % 64));
}

/* The next entry from n on that may hold something; TLB_SIZE: no more. */
static unsigned used_next(const Vcpu *v, int idx, unsigned n)
{
    for (unsigned w = n / 64; w < TLB_SIZE / 64; w++, n = w * 64) {
        uint64_t bits = v->tlb_used[idx][w] >> (n % 64);
        if (bits)
            return n + __builtin_ctzll(bits);
    }
    return TLB_SIZE;
}
#define FOR_USED(v, idx, n) for (unsigned n = used_next(v, idx, 0); n < TLB_SIZE; n = n + 1 < TLB_SIZE ? used_next(v, idx, n + 1) : TLB_SIZE)

void tlb_flush_all(Vcpu *v)
{
    if (!v->tlb_ready) {
        /* All ones is TLB_NONE in every tag; the addend of such an entry is never used. */
        memset(v->tlb, 0xff, sizeof v->tlb);
        v->tlb_ready = true;
    }
    for (int idx = MMU_SUPER; idx <= MMU_USER; idx++)
        FOR_USED (v, idx, n)
            entry_clear(v, idx, n);
    v->tlb_large_lo = UINT64_MAX;
    v->tlb_large_hi = 0;
    v->tlb_generation++;
    v->tlb_dropped |= TLB_DROPPED_ALL;
    if (v->windows)
        windows_flushed(v->windows, true);
}

void tlb_flush_nonglobal(Vcpu *v)
{
    G_STATIC_ASSERT(TLB_SIZE / 64 == 64);
    for (int idx = MMU_SUPER; idx <= MMU_USER; idx++) {
        for (uint64_t words = v->tlb_local_words[idx]; words; words &= words - 1) {
            unsigned word = __builtin_ctzll(words);
            for (uint64_t bits = v->tlb_local[idx][word]; bits; bits &= bits - 1) {
                unsigned n = word * 64 + __builtin_ctzll(bits);
                if (!v->tlb_global[idx][n]) /* another one may be there by now */
                    entry_clear(v, idx, n);
            }
            v->tlb_local[idx][word] = 0;
        }
        v->tlb_local_words[idx] = 0;
    }
    v->tlb_generation++;
    v->tlb_dropped |= TLB_DROPPED_LOCAL;
    if (v->windows)
        windows_flushed(v->windows, false);
}

/* A large page is held in 4 KiB pieces: all of those around addr must go. */
static void flush_large(Vcpu *v, Gva addr)
{
    Gva span = ~(Gva)0x3fffff;
    for (int idx = MMU_SUPER; idx <= MMU_USER; idx++)
        FOR_USED (v, idx, n) {
            TlbEntry *e = &v->tlb[idx][n];
            if (((e->read & e->exec) ^ addr) & span)
                continue; /* a tag that is TLB_NONE leaves the other */
            entry_clear(v, idx, n);
        }
}

void tlb_flush_page(Vcpu *v, Gva addr)
{
    Gva page = addr & PAGE_MASK;
    unsigned n = (addr >> PAGE_BITS) & (TLB_SIZE - 1);
    for (int idx = MMU_SUPER; idx <= MMU_USER; idx++) {
        if (v->tlb[idx][n].read == page || v->tlb[idx][n].exec == page)
            entry_clear(v, idx, n);
    }
    bool large = addr >= v->tlb_large_lo && addr <= v->tlb_large_hi;
    if (large)
        flush_large(v, addr);
    v->tlb_generation++;
    bool another = (v->tlb_dropped & TLB_DROPPED_PAGE) && v->tlb_dropped_page != page;
    v->tlb_dropped |= another || large ? TLB_DROPPED_ALL : TLB_DROPPED_PAGE;
    v->tlb_dropped_page = page;
    if (v->windows)
        windows_page_flushed(v->windows, addr);
}

void tlb_protect(Vcpu *v)
{
    for (int idx = MMU_SUPER; idx <= MMU_USER; idx++)
        FOR_USED (v, idx, n)
            v->tlb[idx][n].write = TLB_NONE;
}

void tlb_note_writable(Vcpu *v, uint64_t offset)
{
    uint64_t *word = &v->tlb_writable[offset >> PAGE_BITS >> 6], bit = 1ull << (offset >> PAGE_BITS & 63);
    if (!(__atomic_load_n(word, __ATOMIC_SEQ_CST) & bit))
        __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
}

static Hva write_host(const TlbEntry *e)
{
    return (Hva)(e->addend + (e->write & ~(STORELOG_TAG | TLB_WATCHED)));
}

void tlb_note_restored(Vcpu *v, TlbEntry *e)
{
    uint64_t offset = write_host(e) - v->ram->host;
    if (e->write == TLB_NONE || offset >= v->ram->size)
        return;
    tlb_note_writable(v, offset);
    if (v->ram->watch[offset >> PAGE_BITS])
        e->write = TLB_NONE;
}

void tlb_protect_page(Vcpu *v, uint64_t offset)
{
    uint64_t *word = &v->tlb_writable[offset >> PAGE_BITS >> 6], bit = 1ull << (offset >> PAGE_BITS & 63);
    if (__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST) & bit)
        tlb_protect_host(v, v->ram->host + offset, PAGE_SIZE);
}

void tlb_protect_host(Vcpu *v, Hva host, uint64_t size)
{
    for (int idx = MMU_SUPER; idx <= MMU_USER; idx++)
        FOR_USED (v, idx, n) {
            TlbEntry *e = &v->tlb[idx][n];
            if (e->write != TLB_NONE && (uintptr_t)write_host(e) - (uintptr_t)host < size)
                e->write = TLB_NONE;
        }
}

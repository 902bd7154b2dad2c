/*
 * Decoded instructions, kept by physical page, so that nothing is decoded twice.
 *
 * A Block is a straight run of instructions on one page (or a single instruction that lies on two). It is found by the
 * host address of its first byte, which names the physical byte whatever linear address or alias it was reached by.
 * Pages that have blocks are watched (WATCH_CODE): a write to bytes that were decoded drops the page's blocks and raises
 * ATTN_STALE, so that a running block stops after the writing instruction.
 *
 * Memory is one bounded pool; when it is full, everything is dropped and decoding begins again.
 */
#pragma once

#include "frontend/decodecache.h"
#include "softmmu/ram.h"

typedef struct Block {
    Hva host;         /* first byte; NULL: dead (its bytes changed) */
    Hva host2;        /* crossing instruction: first byte of its second page; else NULL */
    struct Block *hash_next;
    struct Block *page_next; /* blocks that begin on the page */
    uint8_t code_size; /* 2 or 4: CS.D */
    uint8_t crosses;
    uint16_t count;   /* instructions, at least 1 */
    uint32_t bytes;
    Insn insns[];
} Block;

typedef struct CodeCache CodeCache;

/*
 * The first place to look: the block last used whose address hashes there. Part of CodeCache, so that the look-up can be
 * inline. Never holds a block whose memory was given back; a dead block's host is NULL and matches nothing.
 */
#define CODE_QUICK_SIZE 8192u
typedef struct CodeQuick {
    Block *slot[CODE_QUICK_SIZE];
} CodeQuick;

static inline Block **codecache_slot(CodeCache *c, const uint8_t *host)
{
    uintptr_t a = (uintptr_t)host;
    return &((CodeQuick *)c)->slot[(a ^ a >> 13) & (CODE_QUICK_SIZE - 1)];
}

/* The block at host if the quick table has it and it lies on one page, else NULL: then ask codecache_find(). */
static inline Block *codecache_quick(CodeCache *c, Hva host, unsigned code_size)
{
    Block *b = *codecache_slot(c, host);
    return b && b->host == host && b->code_size == code_size && !b->crosses ? b : NULL;
}

/* bind sets Insn.run after decoding. pool_bytes bounds memory. Not owned: ram. */
CodeCache *codecache_new(struct Ram *ram, uint64_t features, void (*bind)(Insn *i), size_t pool_bytes);
void codecache_free(CodeCache *c);
/* From now on use no more than so many bytes of the pool. */
void codecache_bound(CodeCache *c, size_t bytes);
/* What it decodes by, for others of the CPU's thread; belongs to c. */
DecodeCache *codecache_decoder(CodeCache *c);

/* Drop everything. Not while a block runs. */
void codecache_flush(CodeCache *c);

/* The block that starts at host, or NULL. If it crosses, the caller compares host2 with today's second page. */
Block *codecache_find(CodeCache *c, Hva host, unsigned code_size);

/* Forget one block. */
void codecache_drop(CodeCache *c, Block *b);

/*
 * Decode the block at host. When its first instruction crosses the page end, *needs_next is set and NULL returned
 * unless next (host address of the next linear page) is given.
 */
Block *codecache_build(CodeCache *c, Hva host, unsigned code_size, Hva next, bool *needs_next);

/* Decode a single instruction from a copy of its bytes (code that is not in RAM or ROM); valid until the next call. */
Block *codecache_build_uncached(CodeCache *c, const uint8_t *bytes, unsigned n, unsigned code_size);

/* The CPU to tell (ATTN_STALE) when blocks die. */
void codecache_set_vcpu(CodeCache *c, Vcpu *v);

typedef struct CodeCacheStats {
    uint64_t blocks, insns, flushes, invalidations;
    size_t used, size;
} CodeCacheStats;
void codecache_stats(const CodeCache *c, CodeCacheStats *out);

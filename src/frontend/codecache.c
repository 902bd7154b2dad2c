/*
 * The decoded-instruction cache. See codecache.h.
 */
#include "frontend/codecache.h"

#include <glib.h>
#include <string.h>
#include <sys/mman.h>


#define HASH_SIZE 16384u
#define PAGE_HASH_SIZE 4096u
#define BLOCK_MAX 32

/* A page with decoded code: its blocks, and which of its bytes they came from. */
typedef struct CodePage {
    Hva page;
    struct CodePage *hash_next;
    Block *blocks;
    uint64_t code[PAGE_SIZE / 64]; /* a bit per byte */
} CodePage;

struct CodeCache {
    CodeQuick quick; /* first: see codecache_slot() */
    GMutex lock; /* DMA kills blocks from the main loop's thread; quick needs none, a dead block matches nothing */
    struct Ram *ram;
    Vcpu *vcpu;
    DecodeCache *decoder;
    void (*bind)(Insn *i);
    uint8_t *pool;
    size_t pool_size, bound, used;
    CodeCacheStats stats;
    Block *hash[HASH_SIZE];
    CodePage *pages[PAGE_HASH_SIZE];
    union {
        Block block;
        uint8_t space[sizeof(Block) + sizeof(Insn)];
    } uncached;
};

static unsigned block_hash(Hva host)
{
    uintptr_t a = (uintptr_t)host;
    return (a ^ a >> 14) & (HASH_SIZE - 1);
}

static unsigned page_hash(Hva page)
{
    return ((uintptr_t)page >> PAGE_BITS) & (PAGE_HASH_SIZE - 1);
}

static Hva page_of(Hva p)
{
    return (Hva)((uintptr_t)p & PAGE_MASK);
}

static bool in_ram(const CodeCache *c, Hva p)
{
    return c->ram && p >= c->ram->host && p < c->ram->host + c->ram->size;
}

static CodePage *page_find(CodeCache *c, Hva page)
{
    CodePage *p = c->pages[page_hash(page)];
    while (p && p->page != page)
        p = p->hash_next;
    return p;
}

static void *pool_take(CodeCache *c, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    void *p = c->pool + c->used;
    c->used += size;
    return p;
}

/*
 * The bytes from..from + bytes of a page belong to block. second: they are those of a crossing instruction's second page,
 * which may be the first one again, mapped twice.
 */
static void page_mark(CodeCache *c, Hva from, unsigned bytes, Block *block, bool second)
{
    CodePage *p = page_find(c, page_of(from));
    if (!p) {
        p = pool_take(c, sizeof *p);
        *p = (CodePage){.page = page_of(from), .hash_next = c->pages[page_hash(page_of(from))]};
        c->pages[page_hash(p->page)] = p;
    }
    if (!p->blocks && in_ram(c, from))
        ram_watch(c->ram, p->page - c->ram->host, PAGE_SIZE, WATCH_CODE);
    for (unsigned n = 0; n < bytes; n++) {
        unsigned bit = ((uintptr_t)from & ~PAGE_MASK) + n;
        p->code[bit / 64] |= 1ull << (bit % 64);
    }
    if (!second) {
        block->page_next = p->blocks;
        p->blocks = block;
    } else {
        /* a twin entry whose only purpose is to find the block */
        Block *twin = pool_take(c, sizeof *twin);
        *twin = (Block){.host = block->host, .host2 = (Hva)block, .crosses = 2, .page_next = p->blocks};
        p->blocks = twin;
    }
}

static void block_kill(CodeCache *c, Block *b)
{
    if (b->crosses == 2)
        b = (Block *)b->host2;
    if (!b->host)
        return;
    Block **link = &c->hash[block_hash(b->host)];
    while (*link && *link != b)
        link = &(*link)->hash_next;
    if (*link)
        *link = b->hash_next;
    b->host = NULL;
}

void codecache_drop(CodeCache *c, Block *b)
{
    g_mutex_lock(&c->lock);
    block_kill(c, b);
    g_mutex_unlock(&c->lock);
}

static bool page_has_code(const CodePage *p, unsigned from, unsigned bytes)
{
    for (unsigned n = from; n < from + bytes; n++)
        if (p->code[n / 64] >> (n % 64) & 1)
            return true;
    return false;
}

/* WatchFn: RAM bytes are about to change. */
static void codecache_written(void *opaque, uint64_t offset, uint64_t len)
{
    CodeCache *c = opaque;
    g_mutex_lock(&c->lock);
    while (len) {
        uint64_t in_page = offset & ~PAGE_MASK;
        uint64_t bytes = MIN(len, PAGE_SIZE - in_page);
        CodePage *p = page_find(c, c->ram->host + (offset & PAGE_MASK));
        if (p && p->blocks && page_has_code(p, in_page, bytes)) {
            for (Block *b = p->blocks; b; b = b->page_next)
                block_kill(c, b);
            p->blocks = NULL;
            memset(p->code, 0, sizeof p->code);
            ram_unwatch(c->ram, offset & PAGE_MASK, PAGE_SIZE, WATCH_CODE);
            c->stats.invalidations++;
            if (c->vcpu)
                vcpu_attention(c->vcpu, ATTN_STALE);
        }
        offset += bytes;
        len -= bytes;
    }
    g_mutex_unlock(&c->lock);
}

CodeCache *codecache_new(struct Ram *ram, uint64_t features, void (*bind)(Insn *i), size_t pool_bytes)
{
    CodeCache *c = g_new0(CodeCache, 1);
    g_mutex_init(&c->lock);
    c->ram = ram;
    c->decoder = decodecache_new(features);
    c->bind = bind;
    c->pool_size = c->bound = pool_bytes;
    c->pool = mmap(NULL, pool_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (c->pool == MAP_FAILED)
        g_error("cannot reserve %zu bytes for decoded instructions", pool_bytes);
    if (ram)
        ram_set_watcher(ram, WATCH_CODE, codecache_written, c);
    return c;
}

void codecache_free(CodeCache *c)
{
    if (!c)
        return;
    codecache_flush(c);
    if (c->ram)
        ram_set_watcher(c->ram, WATCH_CODE, NULL, NULL);
    munmap(c->pool, c->pool_size);
    decodecache_free(c->decoder);
    g_mutex_clear(&c->lock);
    g_free(c);
}

void codecache_bound(CodeCache *c, size_t bytes)
{
    c->bound = MIN(bytes, c->pool_size);
}

DecodeCache *codecache_decoder(CodeCache *c)
{
    return c->decoder;
}

void codecache_set_vcpu(CodeCache *c, Vcpu *v)
{
    c->vcpu = v;
}

static void flush_locked(CodeCache *c)
{
    for (unsigned n = 0; n < PAGE_HASH_SIZE; n++)
        for (CodePage *p = c->pages[n]; p; p = p->hash_next)
            if (p->blocks && in_ram(c, p->page))
                ram_unwatch(c->ram, p->page - c->ram->host, PAGE_SIZE, WATCH_CODE);
    memset(&c->quick, 0, sizeof c->quick);
    memset(c->hash, 0, sizeof c->hash);
    memset(c->pages, 0, sizeof c->pages);
    c->used = 0;
    c->stats.flushes++;
}

void codecache_flush(CodeCache *c)
{
    g_mutex_lock(&c->lock);
    flush_locked(c);
    g_mutex_unlock(&c->lock);
}

Block *codecache_find(CodeCache *c, Hva host, unsigned code_size)
{
    g_mutex_lock(&c->lock);
    Block *b = c->hash[block_hash(host)];
    while (b && (b->host != host || b->code_size != code_size))
        b = b->hash_next;
    if (b)
        *codecache_slot(c, host) = b;
    g_mutex_unlock(&c->lock);
    return b;
}

/* Decode at most BLOCK_MAX instructions from bytes[0..n) to b. Returns what stopped it. */
static DecodeResult decode_run(CodeCache *c, Block *b, const uint8_t *bytes, unsigned n, unsigned max)
{
    DecodeResult result = DECODE_OK;
    while (b->count < max) {
        Insn *i = &b->insns[b->count];
        result = decodecache_decode(c->decoder, bytes + b->bytes, MIN(n - b->bytes, 15), b->code_size, i);
        if (result == DECODE_MORE)
            return result;
        if (result != DECODE_OK && b->count > 0)
            return result; /* decoded again as the first of its own block, where it raises its exception */
        if (result == DECODE_TOO_LONG)
            i->imm = VEC_GP; /* handlers of ROW_INVALID raise #GP instead of #UD */
        c->bind(i);
        b->count++;
        b->bytes += i->len;
        if (i->flags & INSN_ENDS_BLOCK)
            break;
        if (b->bytes >= n)
            break;
    }
    return result;
}

static Block *block_finish(CodeCache *c, Block *b, Hva host, Hva next, unsigned on_first)
{
    b->host = host;
    unsigned h = block_hash(host);
    b->hash_next = c->hash[h];
    c->hash[h] = b;
    c->used += (sizeof(Block) + b->count * sizeof(Insn) + 15) & ~(size_t)15;
    page_mark(c, host, on_first, b, false);
    if (next)
        page_mark(c, next, b->bytes - on_first, b, true);
    c->stats.blocks++;
    c->stats.insns += b->count;
    return b;
}

static Block *build_locked(CodeCache *c, Hva host, unsigned code_size, Hva next, bool *needs_next)
{
    unsigned room = PAGE_SIZE - ((uintptr_t)host & ~PAGE_MASK);
    size_t worst = sizeof(Block) + BLOCK_MAX * sizeof(Insn) + 2 * (sizeof(CodePage) + sizeof(Block)) + 64;

    *needs_next = false;
    if (c->used + worst > c->bound)
        flush_locked(c);
    Block *b = (Block *)(c->pool + c->used);
    *b = (Block){.code_size = code_size};
    decode_run(c, b, host, room, BLOCK_MAX);
    if (b->count)
        return block_finish(c, b, host, NULL, b->bytes);

    /* the first instruction does not end on this page */
    if (!next) {
        *needs_next = true;
        return NULL;
    }
    uint8_t bytes[30];
    memcpy(bytes, host, room);
    memcpy(bytes + room, next, 15);
    b->crosses = 1;
    b->host2 = next;
    decode_run(c, b, bytes, room + 15, 1);
    b->insns[0].flags |= INSN_CROSSES | INSN_ENDS_BLOCK;
    if (b->bytes <= room) { /* invalid before its end: nothing of the next page was needed after all */
        b->crosses = 0;
        b->host2 = NULL;
        return block_finish(c, b, host, NULL, b->bytes);
    }
    return block_finish(c, b, host, next, room);
}

Block *codecache_build(CodeCache *c, Hva host, unsigned code_size, Hva next, bool *needs_next)
{
    g_mutex_lock(&c->lock);
    Block *b = build_locked(c, host, code_size, next, needs_next);
    g_mutex_unlock(&c->lock);
    return b;
}

Block *codecache_build_uncached(CodeCache *c, const uint8_t *bytes, unsigned n, unsigned code_size)
{
    Block *b = &c->uncached.block;
    *b = (Block){.code_size = code_size};
    if (decode_run(c, b, bytes, n, 1) == DECODE_MORE)
        return NULL;
    return b;
}

void codecache_stats(const CodeCache *c, CodeCacheStats *out)
{
    *out = c->stats;
    out->used = c->used;
    out->size = c->bound;
}

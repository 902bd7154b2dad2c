/*
 * The table of translated blocks, and what happens when the bytes they came from change.
 *
 * A block is found by the host address of its first byte (which names the physical byte), its eip and its mode. Pages of
 * RAM with blocks are watched (WATCH_TRANS). A write to translated bytes kills all blocks of the page: nothing leads to
 * them any more, and ATTN_STALE makes the one that runs stop after the writing instruction. Writes by other threads (DMA)
 * are noted and looked at by the vCPU's thread, which attends before it can learn that the transfer is over.
 */
#include "tcache/mode.h"

typedef struct LateWrite {
    uint64_t offset, len;
} LateWrite;

#define RESTLESS 24 /* invalidations after which a page is left to the interpreter */

static unsigned hash_of(Hva host, uint32_t eip, unsigned mode)
{
    uint64_t a = (uintptr_t)host ^ (uint64_t)eip << 20 ^ (uint64_t)mode << 44;
    return a * 0x9e3779b97f4a7c15u >> (64 - 18);
}
G_STATIC_ASSERT(TRANS_HASH == 1u << 18);

unsigned mode_number(TCache *c, const Mode *m)
{
    uint16_t *quick = mode_quick(c, m);
    if (G_LIKELY(c->mode_count && mode_is(&c->modes[*quick], m)))
        return *quick;
    for (unsigned n = 0; n < c->mode_count; n++)
        if (mode_is(&c->modes[n], m))
            return *quick = n;
    if (c->mode_count == MODES_MAX)
        transblock_flush(c);
    c->modes[c->mode_count] = *m;
    return *quick = c->mode_count++;
}

static bool in_ram(const TCache *c, Hva p)
{
    const Ram *r = c->v->ram;
    return r && p >= r->host && p < r->host + r->size;
}

TransBlock *transblock_find(TCache *c, Hva host, uint32_t eip, unsigned mode, bool plain)
{
    TransBlock *b = ref_at(c, c->hash[hash_of(host, eip, mode)]);
    while (b && (b->host != host || b->eip != eip || b->mode != mode || b->plain != plain))
        b = ref_at(c, b->hash_next);
    return b;
}

/* Mark bytes from `from` as code. The page's record; NULL when they do not lie in RAM. */
static TransPage *page_mark(TCache *c, Hva from, unsigned bytes)
{
    if (!in_ram(c, from))
        return NULL;
    uint64_t offset = from - c->v->ram->host;
    Ref *slot = &c->pages[offset >> PAGE_BITS];
    TransPage *p = ref_at(c, *slot);
    if (!p) {
        p = codebuf_data(c->buf, sizeof *p, 0);
        *slot = ref_to(c, p);
    }
    if (!p->blocks && !p->twins)
        ram_watch(c->v->ram, offset & PAGE_MASK, PAGE_SIZE, WATCH_TRANS);
    for (unsigned n = offset & ~PAGE_MASK, end = n + bytes; n < end; n++)
        p->code[n / 64] |= 1ull << (n % 64);
    return p;
}

void transblock_add(TCache *c, TransBlock *b)
{
    unsigned h = hash_of(b->host, b->eip, b->mode);
    unsigned room = PAGE_SIZE - ((uintptr_t)b->host & ~PAGE_MASK);
    b->hash_next = c->hash[h];
    c->hash[h] = ref_to(c, b);
    c->stats.blocks++;
    c->stats.insns += b->count;
    TransPage *p = page_mark(c, b->host, MIN(b->bytes, room));
    if (p) {
        b->page_next = p->blocks;
        p->blocks = ref_to(c, b);
    }
    TransPage *second = b->host2 ? page_mark(c, b->host2, b->bytes - room) : NULL;
    if (second) {
        TransTwin *twin = codebuf_data(c->buf, sizeof *twin, 0);
        *twin = (TransTwin){b, second->twins};
        second->twins = twin;
    }
}

bool transblock_restless(TCache *c, Hva host)
{
    if (!in_ram(c, host))
        return false;
    TransPage *p = ref_at(c, c->pages[(host - c->v->ram->host) >> PAGE_BITS]);
    if (G_LIKELY(!p || p->changes < RESTLESS))
        return false;
    /* it may have come to rest: try again now and then */
    if (++p->changes > RESTLESS + 2000)
        p->changes = RESTLESS / 2;
    return true;
}

void transblock_drop(TCache *c, TransBlock *b)
{
    if (!b->host)
        return; /* by its other page already */
    Ref *link = &c->hash[hash_of(b->host, b->eip, b->mode)], me = ref_to(c, b);
    while (*link && *link != me)
        link = &((TransBlock *)ref_at(c, *link))->hash_next;
    if (*link)
        *link = b->hash_next;
    chain_unlink(c, b);
    b->host = NULL;
}

static bool has_code(const TransPage *p, unsigned from, unsigned bytes)
{
    for (unsigned n = from; n < from + bytes; n++)
        if (p->code[n / 64] >> (n % 64) & 1)
            return true;
    return false;
}

static void written(TCache *c, uint64_t offset, uint64_t len)
{
    while (len) {
        uint64_t in_page = offset & ~PAGE_MASK;
        uint64_t bytes = MIN(len, PAGE_SIZE - in_page);
        TransPage *p = ref_at(c, c->pages[offset >> PAGE_BITS]);
        if (p && (p->blocks || p->twins) && has_code(p, in_page, bytes)) {
            for (TransBlock *b = ref_at(c, p->blocks); b; b = ref_at(c, b->page_next))
                transblock_drop(c, b);
            for (TransTwin *twin = p->twins; twin; twin = twin->next)
                transblock_drop(c, twin->block);
            p->blocks = 0;
            p->twins = NULL;
            p->changes++;
            memset(p->code, 0, sizeof p->code);
            ram_unwatch(c->v->ram, offset & PAGE_MASK, PAGE_SIZE, WATCH_TRANS);
            c->stats.invalidations++;
            vcpu_attention(c->v, ATTN_STALE);
        }
        offset += bytes;
        len -= bytes;
    }
}

/* WatchFn: RAM bytes are about to change. */
static void on_write(void *opaque, uint64_t offset, uint64_t len)
{
    TCache *c = opaque;
    GThread *runner = g_atomic_pointer_get(&c->thread);

    if (G_LIKELY(!runner || runner == g_thread_self())) {
        written(c, offset, len);
        return;
    }
    LateWrite w = {offset, len};
    g_mutex_lock(&c->lock);
    g_array_append_val(c->late, w);
    g_mutex_unlock(&c->lock);
    vcpu_attention(c->v, ATTN_STALE);
}

void transblock_late(TCache *c)
{
    g_mutex_lock(&c->lock);
    for (unsigned n = 0; n < c->late->len; n++) {
        const LateWrite *w = &g_array_index(c->late, LateWrite, n);
        written(c, w->offset, w->len);
    }
    g_array_set_size(c->late, 0);
    g_mutex_unlock(&c->lock);
}

void transblock_flush(TCache *c)
{
    for (uint64_t n = 0; n < c->page_count; n++) {
        TransPage *p = ref_at(c, c->pages[n]);
        if (!p)
            continue;
        if (p->blocks || p->twins)
            ram_unwatch(c->v->ram, n << PAGE_BITS, PAGE_SIZE, WATCH_TRANS);
        c->pages[n] = 0;
    }
    memset(c->hash, 0, sizeof c->hash);
    for (unsigned n = 0; n < JUMP_SLOTS; n++)
        c->jumps[n] = (JumpSlot){.tag = JUMP_NONE};
    chain_forget_quick(c);
    c->mode_count = 0;
    memset(c->modes, 0xff, sizeof c->modes);
    memset(c->mode_quick, 0, sizeof c->mode_quick);
    codebuf_reset(c->buf);
    if (c->win)
        winform_flush(c->win);
    c->stats.flushes++;
}

void transblock_init(TCache *c)
{
    g_mutex_init(&c->lock);
    c->late = g_array_new(FALSE, FALSE, sizeof(LateWrite));
    if (c->v->ram) {
        c->page_count = c->v->ram->size >> PAGE_BITS;
        c->pages = g_new0(Ref, c->page_count);
        ram_set_watcher(c->v->ram, WATCH_TRANS, on_write, c);
    }
    transblock_flush(c);
    c->stats.flushes = 0;
}

void transblock_fini(TCache *c)
{
    transblock_flush(c);
    if (c->v->ram)
        ram_set_watcher(c->v->ram, WATCH_TRANS, NULL, NULL);
    g_free(c->pages);
    g_array_unref(c->late);
    g_mutex_clear(&c->lock);
}

/*
 * Shadow windows: coherence. See window.h.
 *
 * After a flush the tables that may have changed are compared with their copies: the directories at once, by what they were found to be
 * before, then the tables one by one. A supervisor's table that never changes is watched, and looked at again only when it was written to.
 */
#include <string.h>

#include "softmmu/window_state.h"

/* ---- coherence ---- */

static void compare_entries(Window *w, unsigned slot)
{
    const Vcpu *v = w->all->v;
    WinTable *t = w->table[slot];
    uint32_t first = window_first_page(w, slot), count = PAGE_SIZE / pt_entry_bytes(v), run = 0;
    w->all->stats.changed++;
    for (uint32_t n = 0; n < count; n++) {
        uint32_t map = w->page[first + n].map;
        if (map && !window_entry_still(pt_entry(v, t->copy, n), pt_entry(v, t->entries, n), true, map & MAP_WRITE)) {
            run++;
            continue;
        }
        window_unmap(w, first + n - run, run);
        run = 0;
    }
    window_unmap(w, first + count - run, run);
    memcpy(t->copy, t->entries, PAGE_SIZE);
}

/* Is the window as what it rests on, tables aside? */
bool window_foundation_still(const Window *w)
{
    const Vcpu *v = w->all->v;
    /* PGE that goes off and on again is how systems flush all; that empties nothing */
    return w->layout == windows_layout(w->all) && (w->pge || !(v->cr4 & CR4_PGE)) && w->mode == (pt_mode(v) | (w->user ? 0 : v->cr0 & CR0_WP));
}

/* Everything has to be compared, not only what is not global. */
static bool wants_all(const Window *w)
{
    return w->flushes != w->all->flushes || !(w->all->v->cr4 & CR4_PGE);
}

/* ---- does a window fit to the directory of now? ---- */

static unsigned dir_bits(const Window *w)
{
    return 30 - w->bits + 2 * (w->bits == 22); /* of a slot's number, in its directory */
}

static void dirs_now(const Window *w, Dirs *d)
{
    const Vcpu *v = w->all->v;
    *d = (Dirs){{NULL}};
    if (!(v->cr0 & CR0_PG) || !w->tables)
        return;
    for (unsigned n = w->lowest >> dir_bits(w); n <= w->highest >> dir_bits(w); n++) {
        uint64_t above = v->cr4 & CR4_PAE ? v->pdpte[n] : v->cr3 | PTE_P;
        d->page[n] = above & PTE_P ? pt_ram(v, above & PHYS_MASK & PAGE_MASK, NULL) : NULL;
    }
}

/* The part of directory n that matters to w: bytes from *from on. */
static unsigned dir_part(const Window *w, unsigned n, unsigned *from)
{
    unsigned bits = dir_bits(w), bytes = w->bits == 21 ? 8 : 4;
    unsigned first = MAX(w->lowest, n << bits), last = MIN(w->highest, ((n + 1) << bits) - 1);
    if (first > last)
        return *from = 0;
    *from = (first & ((1u << bits) - 1)) * bytes;
    return (last - first + 1) * bytes;
}

static bool same_dirs(const Window *w, const Verdict *was, const Dirs *d)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(d->page); n++) {
        unsigned from, bytes = dir_part(w, n, &from);
        if (was->dirs.page[n] != d->page[n] || (d->page[n] && memcmp(was->copy + n * PAGE_SIZE + from, d->page[n] + from, bytes)))
            return false;
    }
    return true;
}

/* The slot of the next table from `slot` on, every one's or one's that has pages that are not global; TABLES_MAX: no more. */
static unsigned table_next(const Window *w, unsigned slot, bool every)
{
    if (every) {
        while (slot < TABLES_MAX && !w->table[slot])
            slot++;
        return slot;
    }
    for (unsigned word = slot / 64; word < TABLES_MAX / 64; word++, slot = word * 64) {
        uint64_t bits = w->mixed_slots[word] >> (slot % 64);
        if (bits)
            return slot + __builtin_ctzll(bits);
    }
    return TABLES_MAX;
}

static unsigned count_misfits(const Window *w, const Dirs *d, bool every)
{
    const Vcpu *v = w->all->v;
    unsigned count = 0, mask = (1u << dir_bits(w)) - 1, left = every ? w->tables : w->mixed;
    for (unsigned slot = w->lowest; left; left--, slot++) {
        slot = table_next(w, slot, every);
        const WinTable *t = w->table[slot];
        const uint8_t *page = d->page[slot >> dir_bits(w)];
        uint64_t now = v->cr0 & CR0_PG ? page ? pt_entry(v, page, slot & mask) : 0 : PTE_P | PTE_A;
        count += !window_entry_still(t->upper, now, !t->entries, t->writable);
    }
    return count;
}

static uint64_t ram_offset(const Windows *all, const uint8_t *host)
{
    return host - all->v->ram->host;
}

/* Are the directories as they were? Those that do not change are watched, in the end, and need not be looked at. */
static bool verdict_holds(Window *w, Verdict *was, const Dirs *d)
{
    if (memcmp(&was->dirs, d, sizeof *d))
        return false;
    if (was->watched)
        return true;
    if (!same_dirs(w, was, d)) {
        was->quiet = 0;
        return false;
    }
    if (!w->user && ++was->quiet >= QUIET) {
        was->watched = true;
        for (unsigned n = 0; n < G_N_ELEMENTS(d->page); n++)
            if (d->page[n])
                ram_watch(w->all->v->ram, ram_offset(w->all, d->page[n]), PAGE_SIZE, WATCH_TABLE);
    }
    return true;
}

/* How many of the tables that have to be compared are others in the directory of now? */
unsigned window_misfits(Window *w)
{
    bool every = wants_all(w);
    Verdict *free = NULL;
    Dirs d;
    if (!w->tables || (!every && !w->nonglobal))
        return 0;
    dirs_now(w, &d);
    if (!every && w->mixed <= FEW_TABLES)
        return count_misfits(w, &d, every);
    for (unsigned n = 0; n < VERDICTS; n++) {
        Verdict *was = &w->verdict[n];
        if (was->epoch == w->epoch && was->every == every && verdict_holds(w, was, &d))
            return was->misfits;
        if (!free && (was->epoch != w->epoch || !memcmp(&was->dirs, &d, sizeof d)))
            free = was;
    }
    if (!free)
        free = &w->verdict[w->next_verdict++ % VERDICTS];
    unsigned count = count_misfits(w, &d, every);
    if (!free->copy)
        free->copy = g_malloc(G_N_ELEMENTS(d.page) * PAGE_SIZE);
    for (unsigned n = 0; n < G_N_ELEMENTS(d.page); n++) {
        unsigned from, bytes = dir_part(w, n, &from);
        if (d.page[n])
            memcpy(free->copy + n * PAGE_SIZE + from, d.page[n] + from, bytes);
    }
    if (memcmp(&free->dirs, &d, sizeof d)) {
        free->watched = false;
        free->quiet = 0;
    }
    free->dirs = d;
    free->every = every;
    free->misfits = count;
    free->epoch = w->epoch;
    return count;
}

/* ---- tables that do not change ---- */

/* Pages of RAM, first to last, are about to be written to. */
static void forget_directories(const Windows *all, Verdict *was, uint64_t first, uint64_t last)
{
    for (unsigned n = 0; was->watched && n < G_N_ELEMENTS(was->dirs.page); n++) {
        uint64_t offset = was->dirs.page[n] ? ram_offset(all, was->dirs.page[n]) : UINT64_MAX;
        if (offset >= first && offset <= last) {
            was->watched = false;
            was->quiet = 0;
        }
    }
}

/* A page with tables or directories in use is about to be written to. They are compared from now on. */
void windows_table_written(void *opaque, uint64_t offset, uint64_t len)
{
    Windows *all = opaque;
    uint64_t first = offset & PAGE_MASK, last = (offset + len - 1) & PAGE_MASK;
    if (g_atomic_pointer_get(&all->runner) != g_thread_self()) { /* DMA: whichever it was */
        g_atomic_int_inc(&all->late);
        ram_unwatch(all->v->ram, first, last - first + PAGE_SIZE, WATCH_TABLE);
        return;
    }
    all->written++;
    for (unsigned n = 0; n < all->count; n++) {
        Window *w = all->window[n];
        unsigned left = w->user ? 0 : w->tables;
        for (unsigned k = 0; k < VERDICTS; k++)
            forget_directories(all, &w->verdict[k], first, last);
        for (unsigned slot = w->lowest; left; slot++) {
            WinTable *t = w->table[slot];
            if (!t)
                continue;
            left--;
            if (t->watched && ram_offset(all, t->entries) >= first && ram_offset(all, t->entries) <= last) {
                t->watched = false;
                t->quiet = 0;
            }
        }
    }
    ram_unwatch(all->v->ram, first, last - first + PAGE_SIZE, WATCH_TABLE);
}

/* Is a table as its copy? One of a supervisor's that never changes is watched, and need not be looked at. */
static bool table_still(Window *w, WinTable *t)
{
    if (t->watched)
        return true;
    w->all->stats.compared++;
    if (memcmp(t->copy, t->entries, PAGE_SIZE))
        return false;
    if (!w->user && w->nonglobal && ++t->quiet >= QUIET) {
        t->watched = true;
        ram_watch(w->all->v->ram, ram_offset(w->all, t->entries), PAGE_SIZE, WATCH_TABLE);
    }
    return true;
}

/* Another thread wrote to some table: all are compared again. */
static void unwatch_tables(Window *w, int late)
{
    unsigned left = w->tables;
    for (unsigned slot = w->lowest; left; slot++)
        if (w->table[slot]) {
            w->table[slot]->watched = false;
            left--;
        }
    for (unsigned n = 0; n < VERDICTS; n++) {
        w->verdict[n].watched = false;
        w->verdict[n].quiet = 0;
    }
    w->calm = false;
    w->late = late;
}

void window_sync(Window *w)
{
    Windows *all = w->all;
    int late = g_atomic_int_get(&all->late);
    if (G_UNLIKELY(late != w->late))
        unwatch_tables(w, late);
    w->used = all->loads;
    if (w->flushes == all->flushes && w->loads == all->loads && window_foundation_still(w))
        return;
    if (!window_foundation_still(w)) {
        window_reset(w);
        return;
    }
    bool every = wants_all(w), fits = !window_misfits(w);
    bool calm = fits && w->calm && (w->calm_every || !every) && w->calm_epoch == w->epoch && w->calm_written == all->written;
    bool watched = fits;
    unsigned left = calm ? 0 : every ? w->tables : w->mixed;
    for (unsigned slot = w->lowest; left; left--, slot++) {
        slot = table_next(w, slot, every);
        WinTable *t = w->table[slot];
        watched &= !t->entries || t->watched;
        if (!fits && !window_upper_still(all, t, (Gva)slot << w->bits))
            window_table_drop(w, slot);
        else if (t->entries && !table_still(w, t))
            compare_entries(w, slot);
    }
    if (!calm) {
        w->calm = watched;
        w->calm_every = every;
        w->calm_epoch = w->epoch;
        w->calm_written = all->written;
    }
    w->flushes = all->flushes;
    w->loads = all->loads;
}

void windows_flushed(Windows *all, bool global)
{
    all->loads++;
    all->flushes += global;
}

void windows_page_flushed(Windows *all, Gva addr)
{
    uint32_t n = (addr & 0xffffffff) >> PAGE_BITS;
    for (unsigned i = 0; i < all->count; i++) {
        Window *w = all->window[i];
        unsigned slot = ((Gva)n << PAGE_BITS) >> w->bits;
        WinTable *t = w->table[slot];
        if (!t || (t->entries && !w->page[n].map))
            continue;
        if (w->user ? w->cr3 != all->v->cr3 : w != all->super) {
            if (t->nonglobal < t->mapped)
                w->flushes--; /* compare all of it before it is used again: a global page's INVLPG reaches every address space */
            continue;
        }
        if (!window_foundation_still(w))
            continue; /* it is emptied before its next use */
        if (!window_upper_still(all, t, addr))
            window_table_drop(w, slot);
        else if (t->entries) {
            unsigned index = pt_index(all->v, addr);
            if (!window_entry_still(pt_entry(all->v, t->copy, index), pt_entry(all->v, t->entries, index), true, w->page[n].map & MAP_WRITE))
                window_unmap(w, n, 1);
        }
    }
}

/*
 * Shadow windows. See window.h.
 *
 * Tables in use and what they allow; faults; windows and which is in use.
 */
#include "softmmu/window_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "softmmu/mem.h"

/* ---- tables in use ---- */

/* The upper entry for addr; without paging, one that maps as much as it would, for a supervisor. False: not in RAM. */
bool windows_upper(const Windows *all, Gva addr, uint64_t *upper)
{
    const Vcpu *v = all->v;
    if (!(v->cr0 & CR0_PG)) {
        *upper = PTE_P | PTE_A;
        return true;
    }
    const uint8_t *host = pt_upper(v, addr);
    if (host)
        *upper = pt_entry(v, host, 0);
    return host;
}

/* An entry that mappings came from: may they stay? */
bool window_entry_still(uint64_t was, uint64_t now, bool last, bool writable)
{
    uint64_t changed = (was ^ now) & ~(uint64_t)PTE_INDIFFERENT;
    if ((changed & PTE_D) && (!last || (now & PTE_D) || !writable))
        changed &= ~(uint64_t)PTE_D;
    if (!last)
        changed &= ~(uint64_t)PTE_G;
    return !changed;
}

bool window_upper_still(const Windows *all, const WinTable *t, Gva addr)
{
    uint64_t now;
    return windows_upper(all, addr, &now) && window_entry_still(t->upper, now, !t->entries, t->writable);
}

/* Unmap all that a table maps, and forget the table. */
void window_table_drop(Window *w, unsigned slot)
{
    uint32_t first = window_first_page(w, slot), count = 1u << (w->bits - PAGE_BITS);
    if (w->table[slot]->mapped) {
        while (!w->page[first].map) {
            first++;
            count--;
        }
        while (!w->page[first + count - 1].map)
            count--;
        window_unmap(w, first, count);
    }
    window_table_forget(w, slot);
}

/* The table that covers addr, taken into use. NULL: not accessed, or not for a window of this kind. */
static WinTable *table_use(Window *w, Gva addr)
{
    const Vcpu *v = w->all->v;
    unsigned slot = addr >> w->bits;
    const uint8_t *entries = NULL;
    uint64_t upper;

    if (!windows_upper(w->all, addr, &upper))
        return NULL;
    WinTable *t = w->table[slot];
    if (t && window_entry_still(t->upper, upper, !t->entries, t->writable)) {
        w->epoch += t->upper != upper;
        t->upper = upper; /* D may be set by now */
        return t;
    }
    if (t)
        window_table_drop(w, slot);
    if (v->cr0 & CR0_PG) {
        bool large = pt_is_large(v, upper);
        if ((upper & (PTE_P | PTE_A)) != (PTE_P | PTE_A) || (upper & pt_reserved(v, large)) || (w->user && !(upper & PTE_U)))
            return NULL;
        if (!large && !(entries = pt_ram(v, upper & PHYS_MASK & PAGE_MASK, NULL)))
            return NULL;
    }
    t = g_new0(WinTable, 1);
    t->upper = upper;
    t->entries = entries;
    if (entries)
        t->copy = g_memdup2(entries, PAGE_SIZE);
    w->table[slot] = t;
    w->highest = w->tables ? MAX(w->highest, slot) : slot;
    w->lowest = w->tables++ ? MIN(w->lowest, slot) : slot;
    w->epoch++;
    return t;
}

/* What page n may be mapped as by the tables of now; 0: not at all. */
static uint32_t wanted(const Window *w, const WinTable *t, uint32_t n, uint64_t *entry)
{
    const Vcpu *v = w->all->v;
    Gva addr = (Gva)n << PAGE_BITS;
    PtLeaf leaf;
    if (!(v->cr0 & CR0_PG)) {
        uint64_t offset;
        if (w->user || !pt_ram(v, addr, &offset))
            return 0;
        leaf = (PtLeaf){.page = offset >> PAGE_BITS, .writable = true, .dirty = true};
    } else if (!pt_leaf(v, t->upper, t->entries, addr, &leaf) || leaf.user != w->user) {
        return 0;
    }
    *entry = leaf.entry;
    bool writable = leaf.writable || (!w->user && !(v->cr0 & CR0_WP));
    uint32_t map = MAP_READ | leaf.page << MAP_FRAME_SHIFT;
    if (writable && leaf.dirty && !__atomic_load_n(&v->ram->watch[leaf.page], __ATOMIC_SEQ_CST))
        map |= MAP_WRITE;
    if ((leaf.entry & PTE_G) && (v->cr4 & CR4_PGE))
        map |= MAP_GLOBAL;
    return map;
}

/* What is mapped rests on this entry: the copy that is compared. */
static void remember(const Window *w, WinTable *t, uint32_t n, uint64_t entry)
{
    if (!t->entries)
        return;
    unsigned bytes = pt_entry_bytes(w->all->v);
    memcpy(t->copy + pt_index(w->all->v, (Gva)n << PAGE_BITS) * bytes, &entry, bytes);
}

/* What is mapped of these pages is as their entries were some time ago, and those were not remembered. */
static void unmap_old(Window *w, uint32_t first, uint32_t count)
{
    for (uint32_t n = first; n < first + count; n++)
        if (w->page[n].map) {
            window_unmap(w, first, count);
            return;
        }
}

/* Map what may be of pages first to end of a table; of all but the piece with page must at most `runs` pieces. True: that is mapped. */
static bool map_range(Window *w, WinTable *t, uint32_t first, uint32_t end, uint32_t must, unsigned runs)
{
    unsigned slot = ((Gva)first << PAGE_BITS) >> w->bits;
    uint32_t run = 0, head = 0, last = 0;
    bool done = false;
    for (uint32_t n = first; n <= end; n++) {
        uint64_t entry = 0;
        uint32_t want = n < end ? wanted(w, t, n, &entry) : 0;
        if (want == w->page[n < end ? n : first].map)
            want = 0; /* there already */
        if (run && !(window_goes_on(last, want) && ((last ^ want) & MAP_GLOBAL) == 0)) {
            bool has = must >= n - run && must < n;
            if (!(has || runs)) {
                unmap_old(w, n - run, run);
            } else if (!window_map_run(w, n - run, run, head) || w->table[slot] != t) {
                unmap_old(w, n - run, run);
                return done; /* if it still is: the window may have been emptied */
            } else {
                done |= has;
                runs -= runs > 0;
            }
            run = 0;
        }
        if (!want)
            continue;
        if (!run++)
            head = want;
        last = want;
        remember(w, t, n, entry);
    }
    return done;
}

/* ---- faults ---- */

/* A large page, with those like it before and behind: kernels map all memory by them, once and for good. */
static void map_neighbours(Window *w, unsigned slot, int step)
{
    unsigned pages = 1u << (w->bits - PAGE_BITS), slots = 1u << (32 - w->bits);
    for (unsigned s = slot + step; s < slots; s += step) { /* below 0 it is larger too */
        uint64_t upper;
        Gva addr = (Gva)s << w->bits;
        if (w->table[s] || !windows_upper(w->all, addr, &upper) || !pt_is_large(w->all->v, upper))
            return;
        WinTable *t = table_use(w, addr);
        if (!t || !map_range(w, t, s * pages, (s + 1) * pages, s * pages, pages)) {
            if (t && w->table[s] == t && !t->mapped)
                window_table_forget(w, s);
            return;
        }
    }
}

/*
 * The access is one that the tables allow, and has set A and D: by the TLB, or by a walk. host: where the TLB has the page, NULL when
 * it has not; tables may have changed since it looked, and until it is flushed both are right, but not in turn.
 */
static bool is_allowed(Vcpu *v, Gva addr, bool write, int idx, Hva *host)
{
    const TlbEntry *e = tlb_entry(v, idx, addr);
    Gva page = addr & PAGE_MASK;
    if (write ? (e->write & ~TLB_WATCHED) == page : e->read == page) {
        *host = (Hva)(e->addend + page);
        return true;
    }
    *host = NULL;
    return mmu_touch(v, addr, write ? ACCESS_WRITE : ACCESS_READ, idx);
}

WindowFault window_fault(Window *w, Gva addr, bool write)
{
    Windows *all = w->all;
    Vcpu *v = all->v;
    unsigned need = write ? MAP_WRITE : MAP_READ;

    all->stats.faults++;
    if (addr >> 32)
        return WINDOW_MISS;
    uint32_t n = addr >> PAGE_BITS;
    Hva host;
    if ((w->page[n].map & need) || !is_allowed(v, addr, write, w->user ? MMU_USER : MMU_SUPER, &host))
        return WINDOW_MISS;
    WinTable *t = table_use(w, addr);
    if (!t)
        return WINDOW_MISS;
    unsigned slot = addr >> w->bits;
    uint32_t first = window_first_page(w, slot), end = first + (1u << (w->bits - PAGE_BITS));
    uint64_t entry;
    uint32_t map = wanted(w, t, n, &entry);
    if (!(map & need) || (host && host != v->ram->host + ((uint64_t)(map >> MAP_FRAME_SHIFT) << PAGE_BITS))) {
        if (!t->mapped)
            window_table_forget(w, slot);
        return WINDOW_MISS;
    }
    if (!window_has_room(w)) { /* the window may have been emptied for it, and its tables forgotten */
        if (w->table[slot] == t && !t->mapped)
            window_table_forget(w, slot);
        return WINDOW_FULL;
    }
    bool large = !t->entries, fresh = !t->mapped;
    if (w->user) {
        first = MAX(first, n & ~(uint32_t)(AROUND - 1));
        end = MIN(end, first + AROUND);
    }
    bool mapped = map_range(w, t, first, end, n, large ? end - first : AROUND_RUNS);
    if (mapped && large && fresh && !w->user && (v->cr0 & CR0_PG)) {
        map_neighbours(w, slot, 1);
        map_neighbours(w, slot, -1);
    }
    return mapped && (w->page[n].map & need) ? WINDOW_MAPPED : WINDOW_FULL;
}

/* ---- windows ---- */

static void window_free(Window *w)
{
    for (unsigned slot = w->lowest; w->tables; slot++)
        if (w->table[slot])
            window_table_forget(w, slot);
    for (unsigned n = 0; n < VERDICTS; n++)
        g_free(w->verdict[n].copy);
    munmap(w->base, WINDOW_SIZE + GUARD);
    munmap(w->page, PAGES * sizeof *w->page);
    g_free(w);
}

static Window *window_new(Windows *all, bool user)
{
    if (all->count == WINDOWS_MAX)
        return NULL;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *base = mmap(NULL, WINDOW_SIZE + GUARD, PROT_NONE, flags, -1, 0);
    void *page = base == MAP_FAILED ? MAP_FAILED : mmap(NULL, PAGES * sizeof(WinPage), PROT_READ | PROT_WRITE, flags, -1, 0);
    if (page == MAP_FAILED) {
        if (base != MAP_FAILED)
            munmap(base, WINDOW_SIZE + GUARD);
        return NULL;
    }
    Window *w = g_new0(Window, 1);
    w->all = all;
    w->epoch = 1;
    w->user = user;
    w->base = base;
    w->page = page;
    w->number = all->count;
    all->window[all->count++] = w;
    window_reset(w);
    return w;
}

/*
 * A supervisor's window serves all address spaces that have its tables in common. Where a system has two kinds of them (page-table
 * isolation: the kernel's, and those in which user code runs, with little of the kernel in them), each gets its own: the one that
 * fits best, or a new one when none does. What does not fit is unmapped.
 */
static Window *super_for_now(Windows *all)
{
    Window *best = all->super, *empty = NULL;
    int supers = 0;
    if (!window_foundation_still(best))
        return best; /* it is emptied */
    int most = MAX(0, (int)best->tables - 2 * (int)window_misfits(best));
    for (unsigned n = 0; n < all->count; n++) {
        Window *w = all->window[n];
        supers += !w->user;
        if (!w->user && !w->tables)
            empty = w;
        if (w->user || (int)w->tables <= most || !window_foundation_still(w))
            continue; /* or it can't fit better */
        int score = (int)w->tables - 2 * (int)window_misfits(w);
        if (score > most) {
            best = w;
            most = score;
        }
    }
    if (most <= 0 && all->super->tables) {
        if (!empty && supers < SUPERS_MAX)
            empty = window_new(all, false);
        best = empty ? empty : best; /* which would be emptied for little */
    }
    return best;
}

void windows_run_here(Windows *all)
{
    g_atomic_pointer_set(&all->runner, g_thread_self());
}

Window *windows_super(Windows *all)
{
    Window *w = all->super;
    if (w && w->flushes == all->flushes && w->loads == all->loads && window_foundation_still(w))
        return w;
    w = super_for_now(all);
    if (w)
        window_sync(w);
    return all->super = w;
}

Window *windows_user(Windows *all, bool make)
{
    uint64_t cr3 = all->v->cr3;
    Window *oldest = NULL, *w = all->user;
    if (!w || w->cr3 != cr3) {
        w = NULL;
        unsigned users = 0;
        for (unsigned n = 0; n < all->count && !w; n++) {
            Window *other = all->window[n];
            if (!other->user)
                continue;
            users++;
            if (other->cr3 == cr3)
                w = other;
            else if (!oldest || other->used < oldest->used)
                oldest = other;
        }
        if (!w && make && users < WINDOWS_MAX - SUPERS_MAX)
            w = window_new(all, true);
        if (!w && make && oldest) {
            w = oldest;
            window_reset(w);
        }
        if (w)
            w->cr3 = cr3;
    }
    if (w)
        window_sync(w);
    return all->user = w;
}

void windows_drop_user(Windows *all)
{
    Window *w = windows_user(all, false);
    if (!w)
        return;
    window_reset(w);
    w->cr3 = UINT64_MAX;
    all->user = NULL;
}

Hva window_base(const Window *w)
{
    return w->base;
}

unsigned window_pages(const Window *w)
{
    return w->pages;
}

/* The host's limit on mappings. */
static unsigned host_limit(void)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/sys/vm/max_map_count", &text, NULL, NULL))
        return 65530;
    return strtoul(text, NULL, 10);
}

Windows *windows_new(Vcpu *v, unsigned budget, GError **error)
{
    Windows *all = g_new0(Windows, 1);
    all->v = v;
    all->budget = budget ? budget : MIN(BUDGET_MAX, host_limit() / BUDGET_SHARE);
    all->super = window_new(all, false);
    if (!all->super) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "no 4 GiB of address space for a shadow window: %s", g_strerror(errno));
        g_free(all);
        return NULL;
    }
    all->users = g_new0(uint32_t, v->ram->size >> PAGE_BITS);
    ram_add_mapper(v->ram, windows_watched, all);
    ram_set_watcher(v->ram, WATCH_TABLE, windows_table_written, all);
    v->windows = all;
    return all;
}

void windows_free(Windows *all)
{
    if (!all)
        return;
    ram_remove_mapper(all->v->ram, all);
    ram_set_watcher(all->v->ram, WATCH_TABLE, NULL, NULL);
    ram_unwatch(all->v->ram, 0, all->v->ram->size, WATCH_TABLE);
    all->v->windows = NULL;
    for (unsigned n = 0; n < all->count; n++)
        window_free(all->window[n]);
    g_array_unref(all->ranges);
    g_free(all->users);
    g_free(all);
}

void windows_stats(const Windows *all, WindowsStats *out)
{
    *out = all->stats;
    out->mappings = all->mappings;
    out->budget = all->budget;
    for (unsigned n = 0; n < all->count; n++)
        *(all->window[n]->user ? &out->users : &out->supers) += 1;
}

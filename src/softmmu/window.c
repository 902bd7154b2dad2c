/*
 * Shadow windows. See window.h.
 *
 * In order: the list of who maps a RAM page; where RAM is; mapping and unmapping; tables in use; coherence; faults; windows.
 */
#include "softmmu/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "softmmu/mem.h"
#include "softmmu/pagetable.h"

/* A page of a window. */
enum { MAP_READ = 1, MAP_WRITE = 2, MAP_GLOBAL = 4 /* survives CR3 loads */, MAP_FRAME_SHIFT = 3 };
typedef struct WinPage {
    uint32_t map;  /* MAP_*, and the page of RAM above them; 0: not mapped */
    uint32_t next; /* in the list of who maps that page of RAM: window << 20 | page, plus 1; 0 ends it */
} WinPage;

/* A table of the guest's in use, or a large page. */
typedef struct WinTable {
    uint64_t upper;         /* its entry in the directory */
    const uint8_t *entries; /* NULL: a large page */
    uint8_t *copy;          /* of them: those that are mapped are as they were then */
    unsigned mapped, nonglobal; /* pages */
    bool writable;          /* some page of a large one is */
    bool watched;           /* and not written to since: the copy is as they are */
    uint8_t quiet;          /* times it was found unchanged */
} WinTable;

/* The guest's directories: with PAE four of 512 entries, else one of 1024; NULL: not in RAM, or none of the window's is there. */
typedef struct Dirs {
    const uint8_t *page[4];
} Dirs;

/* How a window was found to fit to a directory: again so while both are the same. */
typedef struct Verdict {
    Dirs dirs;
    uint64_t epoch; /* Window.epoch then; 0: none */
    bool every;     /* for all tables, not only those with pages that are not global */
    unsigned misfits;
    uint8_t *copy;  /* of the directories; as much of them as matters */
} Verdict;

enum {
    SUPERS_MAX = 4,
    WINDOWS_MAX = 16,
    VERDICTS = 8,
    QUIET = 32,         /* comparisons without a change, after which a supervisor's table is watched instead */
    AROUND = 16,        /* pages looked at around a fault of user code: a power of two */
    AROUND_RUNS = 8,    /* and mappings made */
    POPULATE_MAX = 64,  /* pages that are mapped with their host page tables */
    REFUSALS = 16384,   /* after which a full window is emptied: what it holds may be old */
    GUARD = 64 << 10,   /* behind a window */
    BUDGET_SHARE = 4,   /* of the host's limit on mappings; each may split one of the window's own in two */
    BUDGET_MAX = 16384,
};

struct Window {
    Windows *all;
    unsigned number;
    bool user;
    uint64_t cr3;  /* user: whose it is */
    uint8_t *base;
    WinPage *page; /* 1 << 20 of them */
    WinTable *table[TABLES_MAX];
    unsigned tables, lowest, highest; /* in use; no slot below or above has one */
    uint64_t epoch; /* changes whenever what is mapped does */
    Verdict verdict[VERDICTS];
    unsigned next_verdict;
    int late; /* Windows.late that was taken notice of */
    unsigned pages;
    unsigned nonglobal; /* of them */
    unsigned bits; /* of addresses that a table covers */
    uint64_t flushes, loads; /* it was compared for */
    unsigned layout; /* Windows.layout then */
    uint64_t mode; /* what all of it rests on */
    bool pge;      /* CR4.PGE was on when it was empty: MAP_GLOBAL is right */
    uint64_t used; /* when last, in flushes */
};

#define PAGES (1u << 20)
#define PTE_INDIFFERENT 0xe18u /* PWT, PCD and what is the system's own */

/* A piece of guest RAM in physical address space. */
typedef struct Range {
    Gpa start, last;
    uint64_t ram;
} Range;

struct Windows {
    Vcpu *v;
    unsigned budget, mappings;
    uint64_t flushes, loads; /* of everything; of what is not global */
    Window *window[WINDOWS_MAX];
    unsigned count;
    Window *super, *user; /* in use */
    GArray *ranges;       /* Range: where RAM is, by address */
    unsigned bus_generation; /* it is right for */
    unsigned layout;      /* changes with it */
    uint32_t *users;      /* by page of RAM: the first WinPage, as WinPage.next */
    unsigned refusals;
    GThread *runner;      /* that runs the CPU */
    int late;             /* times that another thread wrote to a watched table (atomic) */
    WindowsStats stats;
};

/* ---- who maps a RAM page ---- */

static WinPage *page_of(Windows *all, uint32_t link)
{
    return &all->window[(link - 1) / PAGES]->page[(link - 1) % PAGES];
}

static uint32_t link_of(const Window *w, uint32_t n)
{
    return w->number * PAGES + n + 1;
}

static void users_add(Window *w, uint32_t n)
{
    WinPage *p = &w->page[n];
    uint32_t *first = &w->all->users[p->map >> MAP_FRAME_SHIFT];
    p->next = *first;
    *first = link_of(w, n);
}

static void users_remove(Window *w, uint32_t n)
{
    WinPage *p = &w->page[n];
    uint32_t *link = &w->all->users[p->map >> MAP_FRAME_SHIFT], me = link_of(w, n);
    while (*link != me)
        link = &page_of(w->all, *link)->next;
    *link = p->next;
}

/* ---- where RAM is ---- */

static GArray *ranges_now(const Vcpu *v)
{
    GArray *ranges = g_array_new(FALSE, FALSE, sizeof(Range));
    Gpa last;
    for (Gpa at = 0; at <= PHYS_MASK; at = last + 1) {
        const Region *r = bus_find(v->mem, at, &last);
        if (r && r->kind == REGION_RAM && r->ram != UINT64_MAX) {
            Range range = {at, last, r->ram + (at - r->start)};
            g_array_append_val(ranges, range);
        }
        if (last < at || last == UINT64_MAX)
            break;
    }
    return ranges;
}

/* Windows.layout of now. Devices come and go, while a system looks what there is; that changes nothing here. */
static unsigned layout_now(Windows *all)
{
    unsigned generation = bus_generation(all->v->mem);
    if (G_LIKELY(generation == all->bus_generation && all->ranges))
        return all->layout;
    GArray *now = ranges_now(all->v), *was = all->ranges;
    if (!was || was->len != now->len || memcmp(was->data, now->data, now->len * sizeof(Range)))
        all->layout++;
    if (was)
        g_array_unref(was);
    all->ranges = now;
    all->bus_generation = generation;
    return all->layout;
}

/* ---- mapping ---- */

/* Does a mapping of the host's go on from a page to the next? */
static bool goes_on(uint32_t map, uint32_t next)
{
    return map && next && ((map ^ next) & MAP_WRITE) == 0 && (map >> MAP_FRAME_SHIFT) + 1 == next >> MAP_FRAME_SHIFT;
}

/* Mappings that begin at pages first to last. */
static unsigned beginnings(const Window *w, uint32_t first, uint32_t last)
{
    unsigned count = 0;
    for (uint32_t n = first; n <= last && n < PAGES; n++)
        count += w->page[n].map && !(n && goes_on(w->page[n - 1].map, w->page[n].map));
    return count;
}

static uint8_t *address_of(const Window *w, uint32_t n)
{
    return w->base + ((uint64_t)n << PAGE_BITS);
}

static WinTable *table_of(const Window *w, uint32_t n)
{
    return w->table[((Gva)n << PAGE_BITS) >> w->bits];
}

static void count_nonglobal(Window *w, WinTable *t, uint32_t map, int by)
{
    if (map & MAP_GLOBAL)
        return;
    t->nonglobal += by;
    w->nonglobal += by;
}

/* Take the pages' entries away; the host is told by the caller. */
static void forget(Window *w, uint32_t first, uint32_t count)
{
    Windows *all = w->all;
    unsigned before = beginnings(w, first, first + count);
    w->epoch++;
    for (uint32_t n = first; n < first + count; n++) {
        WinPage *p = &w->page[n];
        if (!p->map)
            continue;
        WinTable *t = table_of(w, n);
        users_remove(w, n);
        t->mapped--;
        w->pages--;
        count_nonglobal(w, t, p->map, -1);
        p->map = 0;
        all->stats.unmapped++;
    }
    all->mappings -= before - beginnings(w, first, first + count);
}

static void host_unmap(Window *w, uint32_t first, uint32_t count)
{
    w->all->stats.calls++;
    if (mmap(address_of(w, first), (uint64_t)count << PAGE_BITS, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
        g_error("a shadow window can't be unmapped: %s", g_strerror(errno));
}

static void table_forget(Window *w, unsigned slot)
{
    WinTable *t = w->table[slot];
    g_free(t->copy);
    g_free(t);
    w->table[slot] = NULL;
    w->tables--;
    w->epoch++;
}

/* Nothing is mapped; from now on things are as they are now. */
static void window_reset(Window *w)
{
    Windows *all = w->all;
    const Vcpu *v = all->v;
    bool any = w->tables;
    for (unsigned slot = w->lowest; w->tables; slot++)
        if (w->table[slot]) {
            unsigned pages = 1u << (w->bits - PAGE_BITS);
            if (w->table[slot]->mapped)
                forget(w, slot * pages, pages);
            table_forget(w, slot);
        }
    if (any) {
        host_unmap(w, 0, PAGES);
        all->stats.resets++;
    }
    w->bits = pt_bits(v);
    w->layout = layout_now(all);
    w->flushes = all->flushes;
    w->loads = all->loads;
    w->mode = pt_mode(v) | (w->user ? 0 : v->cr0 & CR0_WP);
    w->pge = v->cr4 & CR4_PGE;
}

/* Is there room for another mapping? Another window may have to go for it. */
static bool make_room(Windows *all)
{
    while (all->mappings >= all->budget) {
        Window *oldest = NULL;
        for (unsigned n = 0; n < all->count; n++) {
            Window *w = all->window[n];
            if (w != all->super && w != all->user && w->tables && (!oldest || w->used < oldest->used))
                oldest = w;
        }
        if (!oldest)
            return false;
        window_reset(oldest);
    }
    return true;
}

/* Map count pages from first on, the first with map, the others with the pages of RAM that follow. */
static bool map_run(Window *w, uint32_t first, uint32_t count, uint32_t map)
{
    Windows *all = w->all;
    if (!make_room(all)) {
        all->stats.refused++;
        if (++all->refusals >= REFUSALS) {
            all->refusals = 0;
            window_reset(w);
        }
        return false;
    }
    int prot = map & MAP_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;
    int flags = MAP_SHARED | MAP_FIXED | MAP_NORESERVE | (count <= POPULATE_MAX ? MAP_POPULATE : 0);
    all->stats.calls++;
    if (mmap(address_of(w, first), (uint64_t)count << PAGE_BITS, prot, flags, all->v->ram->fd,
             (uint64_t)(map >> MAP_FRAME_SHIFT) << PAGE_BITS) == MAP_FAILED) {
        all->stats.refused++;
        window_reset(w); /* more than the host allows: what was there is in doubt */
        return false;
    }
    unsigned before = beginnings(w, first, first + count);
    w->epoch++;
    for (uint32_t n = first; n < first + count; n++, map += 1 << MAP_FRAME_SHIFT) {
        WinPage *p = &w->page[n];
        WinTable *t = table_of(w, n);
        if (p->map) {
            users_remove(w, n);
            count_nonglobal(w, t, p->map, -1);
        } else {
            t->mapped++;
            w->pages++;
        }
        p->map = map;
        count_nonglobal(w, t, map, 1);
        t->writable |= !!(map & MAP_WRITE);
        users_add(w, n);
    }
    all->mappings += beginnings(w, first, first + count) - before;
    all->stats.mapped += count;
    return true;
}

static void unmap(Window *w, uint32_t first, uint32_t count)
{
    if (!count)
        return;
    forget(w, first, count);
    host_unmap(w, first, count);
}

/* A page of RAM became watched: no window may let writes to it through. */
static void on_watched(void *opaque, uint64_t page)
{
    Windows *all = opaque;
    for (uint32_t link = all->users[page], next; link; link = next) {
        WinPage *p = page_of(all, link);
        Window *w = all->window[(link - 1) / PAGES];
        uint32_t n = (link - 1) % PAGES;
        next = p->next;
        if (!(p->map & MAP_WRITE))
            continue;
        unsigned before = beginnings(w, n, n + 1);
        p->map &= ~MAP_WRITE;
        all->mappings += beginnings(w, n, n + 1) - before;
        all->stats.revoked++;
        all->stats.calls++;
        if (mprotect(address_of(w, n), PAGE_SIZE, PROT_READ) < 0 || all->mappings > all->budget + all->budget / 2) {
            window_reset(w);
            next = all->users[page]; /* the list is another one now */
        }
    }
}

/* ---- tables in use ---- */

/* The upper entry for addr; without paging, one that maps as much as it would, for a supervisor. False: not in RAM. */
static bool upper_now(const Windows *all, Gva addr, uint64_t *upper)
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
static bool entry_still(uint64_t was, uint64_t now, bool last, bool writable)
{
    uint64_t changed = (was ^ now) & ~(uint64_t)PTE_INDIFFERENT;
    if ((changed & PTE_D) && (!last || (now & PTE_D) || !writable))
        changed &= ~(uint64_t)PTE_D;
    if (!last)
        changed &= ~(uint64_t)PTE_G;
    return !changed;
}

static bool upper_still(const Windows *all, const WinTable *t, Gva addr)
{
    uint64_t now;
    return upper_now(all, addr, &now) && entry_still(t->upper, now, !t->entries, t->writable);
}

static uint32_t first_page(const Window *w, unsigned slot)
{
    return slot << (w->bits - PAGE_BITS);
}

/* Unmap all that a table maps, and forget the table. */
static void table_drop(Window *w, unsigned slot)
{
    uint32_t first = first_page(w, slot), count = 1u << (w->bits - PAGE_BITS);
    if (w->table[slot]->mapped) {
        while (!w->page[first].map) {
            first++;
            count--;
        }
        while (!w->page[first + count - 1].map)
            count--;
        unmap(w, first, count);
    }
    table_forget(w, slot);
}

/* The table that covers addr, taken into use. NULL: not accessed, or not for a window of this kind. */
static WinTable *table_use(Window *w, Gva addr)
{
    const Vcpu *v = w->all->v;
    unsigned slot = addr >> w->bits;
    const uint8_t *entries = NULL;
    uint64_t upper;

    if (!upper_now(w->all, addr, &upper))
        return NULL;
    WinTable *t = w->table[slot];
    if (t && entry_still(t->upper, upper, !t->entries, t->writable)) {
        w->epoch += t->upper != upper;
        t->upper = upper; /* D may be set by now */
        return t;
    }
    if (t)
        table_drop(w, slot);
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
            unmap(w, first, count);
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
        if (run && !(goes_on(last, want) && ((last ^ want) & MAP_GLOBAL) == 0)) {
            bool has = must >= n - run && must < n;
            if (!(has || runs)) {
                unmap_old(w, n - run, run);
            } else if (!map_run(w, n - run, run, head) || w->table[slot] != t) {
                unmap_old(w, n - run, run);
                return false;
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

/* ---- coherence ---- */

static void compare_entries(Window *w, unsigned slot)
{
    const Vcpu *v = w->all->v;
    WinTable *t = w->table[slot];
    uint32_t first = first_page(w, slot), count = PAGE_SIZE / pt_entry_bytes(v), run = 0;
    w->all->stats.changed++;
    for (uint32_t n = 0; n < count; n++) {
        uint32_t map = w->page[first + n].map;
        if (map && !entry_still(pt_entry(v, t->copy, n), pt_entry(v, t->entries, n), true, map & MAP_WRITE)) {
            run++;
            continue;
        }
        unmap(w, first + n - run, run);
        run = 0;
    }
    unmap(w, first + count - run, run);
    memcpy(t->copy, t->entries, PAGE_SIZE);
}

/* Is the window as what it rests on, tables aside? */
static bool foundation_still(const Window *w)
{
    const Vcpu *v = w->all->v;
    /* PGE that goes off and on again is how systems flush all; that empties nothing */
    return w->layout == layout_now(w->all) && (w->pge || !(v->cr4 & CR4_PGE)) && w->mode == (pt_mode(v) | (w->user ? 0 : v->cr0 & CR0_WP));
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

static unsigned count_misfits(const Window *w, const Dirs *d, bool every)
{
    const Vcpu *v = w->all->v;
    unsigned count = 0, mask = (1u << dir_bits(w)) - 1, left = w->tables;
    for (unsigned slot = w->lowest; left; slot++) {
        const WinTable *t = w->table[slot];
        if (!t)
            continue;
        left--;
        if (!every && !t->nonglobal)
            continue;
        const uint8_t *page = d->page[slot >> dir_bits(w)];
        uint64_t now = v->cr0 & CR0_PG ? page ? pt_entry(v, page, slot & mask) : 0 : PTE_P | PTE_A;
        count += !entry_still(t->upper, now, !t->entries, t->writable);
    }
    return count;
}

/* How many of the tables that have to be compared are others in the directory of now? */
static unsigned misfits(Window *w)
{
    bool every = wants_all(w);
    Verdict *free = NULL;
    Dirs d;
    if (!w->tables || (!every && !w->nonglobal))
        return 0;
    dirs_now(w, &d);
    for (unsigned n = 0; n < VERDICTS; n++) {
        Verdict *was = &w->verdict[n];
        if (was->epoch == w->epoch && was->every == every && same_dirs(w, was, &d))
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
    free->dirs = d;
    free->every = every;
    free->misfits = count;
    free->epoch = w->epoch;
    return count;
}

/* ---- tables that do not change ---- */

static uint64_t table_offset(const Windows *all, const WinTable *t)
{
    return t->entries - all->v->ram->host;
}

/* A page with tables in use is about to be written to. They are compared from now on. */
static void on_table_write(void *opaque, uint64_t offset, uint64_t len)
{
    Windows *all = opaque;
    uint64_t first = offset & PAGE_MASK, last = (offset + len - 1) & PAGE_MASK;
    if (g_atomic_pointer_get(&all->runner) != g_thread_self()) { /* DMA: whichever it was */
        g_atomic_int_inc(&all->late);
        ram_unwatch(all->v->ram, first, last - first + PAGE_SIZE, WATCH_TABLE);
        return;
    }
    for (unsigned n = 0; n < all->count; n++) {
        Window *w = all->window[n];
        unsigned left = w->user ? 0 : w->tables;
        for (unsigned slot = w->lowest; left; slot++) {
            WinTable *t = w->table[slot];
            if (!t)
                continue;
            left--;
            if (t->watched && table_offset(all, t) >= first && table_offset(all, t) <= last) {
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
        ram_watch(w->all->v->ram, table_offset(w->all, t), PAGE_SIZE, WATCH_TABLE);
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
    w->late = late;
}

static void window_sync(Window *w)
{
    Windows *all = w->all;
    int late = g_atomic_int_get(&all->late);
    if (G_UNLIKELY(late != w->late))
        unwatch_tables(w, late);
    w->used = all->loads;
    if (w->flushes == all->flushes && w->loads == all->loads && foundation_still(w))
        return;
    if (!foundation_still(w)) {
        window_reset(w);
        return;
    }
    bool every = wants_all(w), fits = !misfits(w);
    unsigned left = every || w->nonglobal ? w->tables : 0;
    for (unsigned slot = w->lowest; left; slot++) {
        WinTable *t = w->table[slot];
        if (!t)
            continue;
        left--;
        if (!every && !t->nonglobal)
            continue;
        if (!fits && !upper_still(all, t, (Gva)slot << w->bits))
            table_drop(w, slot);
        else if (t->entries && !table_still(w, t))
            compare_entries(w, slot);
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
        if (!foundation_still(w))
            continue; /* it is emptied before its next use */
        if (!upper_still(all, t, addr))
            table_drop(w, slot);
        else if (t->entries) {
            unsigned index = pt_index(all->v, addr);
            if (!entry_still(pt_entry(all->v, t->copy, index), pt_entry(all->v, t->entries, index), true, w->page[n].map & MAP_WRITE))
                unmap(w, n, 1);
        }
    }
}

/* ---- faults ---- */

/* A large page, with those like it before and behind: kernels map all memory by them, once and for good. */
static void map_neighbours(Window *w, unsigned slot, int step)
{
    unsigned pages = 1u << (w->bits - PAGE_BITS), slots = 1u << (32 - w->bits);
    for (unsigned s = slot + step; s < slots; s += step) { /* below 0 it is larger too */
        uint64_t upper;
        Gva addr = (Gva)s << w->bits;
        if (w->table[s] || !upper_now(w->all, addr, &upper) || !pt_is_large(w->all->v, upper))
            return;
        WinTable *t = table_use(w, addr);
        if (!t || !map_range(w, t, s * pages, (s + 1) * pages, s * pages, pages)) {
            if (t && w->table[s] == t && !t->mapped)
                table_forget(w, s);
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

bool window_fault(Window *w, Gva addr, bool write)
{
    Windows *all = w->all;
    Vcpu *v = all->v;
    unsigned need = write ? MAP_WRITE : MAP_READ;

    all->stats.faults++;
    if (addr >> 32)
        return false;
    uint32_t n = addr >> PAGE_BITS;
    Hva host;
    if ((w->page[n].map & need) || !is_allowed(v, addr, write, w->user ? MMU_USER : MMU_SUPER, &host))
        return false;
    WinTable *t = table_use(w, addr);
    if (!t)
        return false;
    unsigned slot = addr >> w->bits;
    uint32_t first = first_page(w, slot), end = first + (1u << (w->bits - PAGE_BITS));
    uint64_t entry;
    uint32_t map = wanted(w, t, n, &entry);
    if (!(map & need) || (host && host != v->ram->host + ((uint64_t)(map >> MAP_FRAME_SHIFT) << PAGE_BITS))) {
        if (!t->mapped)
            table_forget(w, slot);
        return false;
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
    return mapped && (w->page[n].map & need);
}

/* ---- windows ---- */

static void window_free(Window *w)
{
    for (unsigned slot = w->lowest; w->tables; slot++)
        if (w->table[slot])
            table_forget(w, slot);
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
 * isolation: the kernel's, and those in which user code runs, with little of the kernel in them), each gets its own.
 */
static Window *super_for_now(Windows *all)
{
    Window *best = NULL, *old = all->super;
    if (old && (!foundation_still(old) || misfits(old) <= old->tables / 2))
        return old;
    unsigned supers = 0;
    for (unsigned n = 0; n < all->count; n++) {
        Window *w = all->window[n];
        if (w->user)
            continue;
        supers++;
        if (w != old && foundation_still(w) && (!best || w->tables > best->tables) && !misfits(w))
            best = w;
    }
    if (!best && supers < SUPERS_MAX)
        best = window_new(all, false);
    return best ? best : old;
}

void windows_run_here(Windows *all)
{
    g_atomic_pointer_set(&all->runner, g_thread_self());
}

Window *windows_super(Windows *all)
{
    Window *w = all->super;
    if (w && w->flushes == all->flushes && w->loads == all->loads && foundation_still(w))
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
    ram_add_mapper(v->ram, on_watched, all);
    ram_set_watcher(v->ram, WATCH_TABLE, on_table_write, all);
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

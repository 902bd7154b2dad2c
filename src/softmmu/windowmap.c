/*
 * Shadow windows: mapping and unmapping. See window.h.
 *
 * Who maps a RAM page; where RAM is; the host's mappings and their number.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "softmmu/window_state.h"

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
        if (last < at || last == UINT64_MAX || (!r && last == at)) /* beyond the bus */
            break;
    }
    return ranges;
}

/* Windows.layout of now. Devices come and go, while a system looks what there is; that changes nothing here. */
unsigned windows_layout(Windows *all)
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

/* Mappings that begin at pages first to last. */
static unsigned beginnings(const Window *w, uint32_t first, uint32_t last)
{
    unsigned count = 0;
    for (uint32_t n = first; n <= last && n < PAGES; n++)
        count += w->page[n].map && !(n && window_goes_on(w->page[n - 1].map, w->page[n].map));
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

static void count_nonglobal(Window *w, uint32_t n, uint32_t map, int by)
{
    WinTable *t = table_of(w, n);
    unsigned slot = ((Gva)n << PAGE_BITS) >> w->bits;
    if (map & MAP_GLOBAL)
        return;
    w->mixed -= t->nonglobal > 0;
    t->nonglobal += by;
    w->mixed += t->nonglobal > 0;
    w->mixed_slots[slot / 64] &= ~(1ull << (slot % 64));
    w->mixed_slots[slot / 64] |= (uint64_t)(t->nonglobal > 0) << (slot % 64);
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
        count_nonglobal(w, n, p->map, -1);
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

void window_table_forget(Window *w, unsigned slot)
{
    WinTable *t = w->table[slot];
    g_free(t->copy);
    g_free(t);
    w->table[slot] = NULL;
    w->tables--;
    w->epoch++;
}

/* Nothing is mapped; from now on things are as they are now. */
void window_reset(Window *w)
{
    Windows *all = w->all;
    const Vcpu *v = all->v;
    bool any = w->tables;
    for (unsigned slot = w->lowest; w->tables; slot++)
        if (w->table[slot]) {
            unsigned pages = 1u << (w->bits - PAGE_BITS);
            if (w->table[slot]->mapped)
                forget(w, slot * pages, pages);
            window_table_forget(w, slot);
        }
    if (any) {
        host_unmap(w, 0, PAGES);
        all->stats.resets++;
    }
    w->bits = pt_bits(v);
    w->layout = windows_layout(all);
    w->flushes = all->flushes;
    w->loads = all->loads;
    w->mode = pt_mode(v) | (w->user ? 0 : v->cr0 & CR0_WP);
    w->pge = v->cr4 & CR4_PGE;
}

/* The window, of those that are not in use, that was used the longest ago; NULL: none has anything. */
static Window *oldest_window(Windows *all)
{
    Window *oldest = NULL;
    for (unsigned n = 0; n < all->count; n++) {
        Window *w = all->window[n];
        bool in_use = w == all->super || w == all->user || all->loads - w->used < RECENT_LOADS;
        if (!in_use && w->tables && (!oldest || w->used < oldest->used))
            oldest = w;
    }
    return oldest;
}

bool window_has_room(Window *w)
{
    Windows *all = w->all;
    while (all->mappings >= all->budget) {
        Window *oldest = oldest_window(all);
        if (!oldest) {
            all->stats.refused++;
            if (++all->refusals >= REFUSALS) {
                all->refusals = 0;
                for (unsigned n = 0; n < all->count; n++)
                    window_reset(all->window[n]);
            }
            return false;
        }
        window_reset(oldest);
    }
    return true;
}

/* Map count pages from first on, the first with map, the others with the pages of RAM that follow. */
bool window_map_run(Window *w, uint32_t first, uint32_t count, uint32_t map)
{
    Windows *all = w->all;
    if (!window_has_room(w))
        return false;
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
            count_nonglobal(w, n, p->map, -1);
        } else {
            t->mapped++;
            w->pages++;
        }
        p->map = map;
        count_nonglobal(w, n, map, 1);
        t->writable |= !!(map & MAP_WRITE);
        users_add(w, n);
    }
    all->mappings += beginnings(w, first, first + count) - before;
    all->stats.mapped += count;
    return true;
}

void window_unmap(Window *w, uint32_t first, uint32_t count)
{
    if (!count)
        return;
    forget(w, first, count);
    host_unmap(w, first, count);
}

/* A page of RAM became watched: no window may let writes to it through. */
void windows_watched(void *opaque, uint64_t page)
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

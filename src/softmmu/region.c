/*
 * Physical address space and I/O ports: what answers where.
 *
 * 1. The map: regions as the board adds them, in order of adding.
 * 2. The flat view: sorted ranges, each answered by one region, rebuilt after a change. A machine has a hundred regions
 *    or so and the map changes rarely, so rebuilding is plain: cut the space at every start and end, and ask for each
 *    piece who is on top.
 * 3. Access: find the range, then either copy bytes or call the device in the sizes it takes.
 */
#include "config.h"
#include "softmmu/region.h"
#include "softmmu/ram.h"

#include <string.h>

typedef struct Range {
    Gpa start, last;
    Region *region;
} Range;

/*
 * A flat view. It never changes once it is published: the vCPU looks up addresses without the lock, while the main loop may
 * do DMA or, rarely, change the map. Views that were replaced are kept for a while, see publish().
 */
typedef struct View {
    unsigned count;
    Range range[];
} View;

#define RETIRED_VIEWS 64

struct Bus {
    const char *name;
    uint64_t last; /* highest address */
    GMutex *lock;
    struct Ram *ram;
    GPtrArray *regions; /* Region *, oldest first */
    View *view;         /* sorted, disjoint */
    unsigned hit;       /* a guess: index of the last look-up's range */
    View *retired[RETIRED_VIEWS];
    unsigned generation;
    unsigned batch; /* depth of bus_begin() */
    bool changed;   /* within a batch */
    void (*listener)(void *opaque);
    void *listener_opaque;
    void (*before)(void *opaque);
    void *before_opaque;
    bool busy; /* the CPU is at a device */
    void (*protect)(void *opaque);
    void *protect_opaque;
};

/* ---- the map ---- */

Bus *bus_new(const char *name, uint64_t size, GMutex *lock)
{
    Bus *bus = g_new0(Bus, 1);

    bus->name = name;
    bus->last = size - 1; /* size 0 is all of 2^64 */
    bus->lock = lock;
    bus->regions = g_ptr_array_new_with_free_func(g_free);
    bus->view = g_new0(View, 1);
    return bus;
}

void bus_free(Bus *bus)
{
    if (!bus)
        return;
    g_ptr_array_free(bus->regions, TRUE);
    g_free(bus->view);
    for (unsigned i = 0; i < RETIRED_VIEWS; i++)
        g_free(bus->retired[i]);
    g_free(bus);
}

void bus_set_ram(Bus *bus, struct Ram *ram)
{
    bus->ram = ram;
}

unsigned bus_generation(const Bus *bus)
{
    return __atomic_load_n(&bus->generation, __ATOMIC_ACQUIRE);
}

void bus_set_listener(Bus *bus, void (*changed)(void *opaque), void *opaque)
{
    bus->listener = changed;
    bus->listener_opaque = opaque;
}

bool bus_busy(const Bus *bus)
{
    return __atomic_load_n(&bus->busy, __ATOMIC_RELAXED);
}

void bus_set_before(Bus *bus, void (*before)(void *opaque), void *opaque)
{
    bus->before = before;
    bus->before_opaque = opaque;
}

/* ---- watches on RAM that is not guest RAM ---- */

void region_set_watcher(Region *r, void (*written)(void *opaque), void *opaque)
{
    r->written = written;
    r->written_opaque = opaque;
}

void bus_set_protector(Bus *bus, void (*protect)(void *opaque), void *opaque)
{
    bus->protect = protect;
    bus->protect_opaque = opaque;
}

void region_watch(Bus *bus, Region *r)
{
    g_assert(r->kind == REGION_RAM && r->ram == UINT64_MAX && r->written);
    if (!__atomic_exchange_n(&r->watched, 1, __ATOMIC_SEQ_CST) && bus->protect)
        bus->protect(bus->protect_opaque);
}

static void tell_written(Region *r)
{
    if (__atomic_exchange_n(&r->watched, 0, __ATOMIC_SEQ_CST))
        r->written(r->written_opaque);
}

void bus_written(Bus *bus, Region *r)
{
    if (bus->lock)
        g_mutex_lock(bus->lock);
    tell_written(r);
    if (bus->lock)
        g_mutex_unlock(bus->lock);
}

void bus_protect_watched(Bus *bus, void (*drop)(void *opaque, Hva host, uint64_t size), void *opaque)
{
    if (bus->lock)
        g_mutex_lock(bus->lock);
    for (unsigned n = 0; n < bus->regions->len; n++) {
        Region *r = bus->regions->pdata[n];
        if (!__atomic_load_n(&r->watched, __ATOMIC_SEQ_CST))
            continue;
        drop(opaque, r->host, r->size);
        r->written(r->written_opaque); /* what was written until now may have been missed */
    }
    if (bus->lock)
        g_mutex_unlock(bus->lock);
}

/* ---- the flat view ---- */

static bool is_visible(const Bus *bus, const Region *r)
{
    return r->enabled && r->size && r->start <= bus->last;
}

/* Last address of a region; a BAR moved to the top of the space is cut there. */
static Gpa region_last(const Bus *bus, const Region *r)
{
    return r->size - 1 > bus->last - r->start ? bus->last : r->start + (r->size - 1);
}

static int compare_gpa(const void *a, const void *b)
{
    Gpa x = *(const Gpa *)a, y = *(const Gpa *)b;

    return x < y ? -1 : x > y;
}

static Region *topmost(const Bus *bus, Gpa addr)
{
    Region *top = NULL;

    for (unsigned i = 0; i < bus->regions->len; i++) {
        Region *r = bus->regions->pdata[i];

        if (is_visible(bus, r) && addr >= r->start && addr <= region_last(bus, r) && (!top || r->priority >= top->priority))
            top = r;
    }
    return top;
}

/*
 * Replace the view. A look-up that runs in another thread may still be in the old one, which is a matter of nanoseconds,
 * while changes of the map from outside of the vCPU are a matter of milliseconds: after 64 more changes nobody is.
 */
static void publish(Bus *bus, View *view)
{
    View **slot = &bus->retired[bus->generation % RETIRED_VIEWS];

    g_free(*slot);
    *slot = bus->view;
    __atomic_store_n(&bus->view, view, __ATOMIC_RELEASE);
}

static void flatten(Bus *bus)
{
    g_autoptr(GArray) cuts = g_array_new(FALSE, FALSE, sizeof(Gpa));
    View *view;

    for (unsigned i = 0; i < bus->regions->len; i++) {
        Region *r = bus->regions->pdata[i];

        if (is_visible(bus, r)) {
            Gpa last = region_last(bus, r);

            g_array_append_val(cuts, r->start);
            if (last != bus->last) {
                last++;
                g_array_append_val(cuts, last);
            }
        }
    }
    g_array_sort(cuts, compare_gpa);
    view = g_malloc0(sizeof *view + cuts->len * sizeof view->range[0]);
    for (unsigned i = 0; i < cuts->len; i++) {
        Gpa start = g_array_index(cuts, Gpa, i);
        Gpa last = i + 1 < cuts->len ? g_array_index(cuts, Gpa, i + 1) - 1 : bus->last;
        Range *before = view->count ? &view->range[view->count - 1] : NULL;
        Region *top;

        if (i + 1 < cuts->len && last + 1 == start)
            continue; /* the same cut twice */
        top = topmost(bus, start);
        if (!top)
            continue;
        if (before && before->region == top && before->last + 1 == start)
            before->last = last;
        else
            view->range[view->count++] = (Range){ start, last, top };
    }
    publish(bus, view);
}

static void map_changed(Bus *bus)
{
    if (bus->batch) {
        bus->changed = true;
        return;
    }
    bus->changed = false;
    flatten(bus);
    __atomic_fetch_add(&bus->generation, 1, __ATOMIC_RELEASE);
    if (bus->listener)
        bus->listener(bus->listener_opaque);
}

void region_set_peek(Region *r, RegionPeek *peek)
{
    r->peek = peek;
}

void bus_begin(Bus *bus)
{
    bus->batch++;
}

void bus_commit(Bus *bus)
{
    g_assert(bus->batch > 0);
    bus->batch--;
    if (!bus->batch && bus->changed)
        map_changed(bus);
}

static Region *region_add(Bus *bus, const char *name, RegionKind kind, Gpa start, uint64_t size, int priority)
{
    Region *r = g_new0(Region, 1);

    r->name = name;
    r->kind = kind;
    r->start = start;
    r->size = size;
    r->priority = priority;
    r->enabled = true;
    r->ram = UINT64_MAX;
    g_ptr_array_add(bus->regions, r);
    return r;
}

Region *bus_add_io(Bus *bus, const char *name, Gpa start, uint64_t size, const RegionOps *ops, void *opaque, int priority)
{
    Region *r = region_add(bus, name, REGION_IO, start, size, priority);

    r->ops = ops;
    r->opaque = opaque;
    map_changed(bus);
    return r;
}

Region *bus_add_ram(Bus *bus, const char *name, Gpa start, uint64_t size, Hva host, uint64_t ram_offset, int priority)
{
    Region *r = region_add(bus, name, REGION_RAM, start, size, priority);

    g_assert(!((start | size) & ~PAGE_MASK));
    r->host = host;
    r->ram = ram_offset;
    map_changed(bus);
    return r;
}

Region *bus_add_rom(Bus *bus, const char *name, Gpa start, uint64_t size, Hva host, int priority)
{
    Region *r = region_add(bus, name, REGION_ROM, start, size, priority);

    g_assert(!((start | size) & ~PAGE_MASK));
    r->host = host;
    map_changed(bus);
    return r;
}

void region_set_enabled(Bus *bus, Region *r, bool enabled)
{
    if (r->enabled == enabled)
        return;
    r->enabled = enabled;
    map_changed(bus);
}

void region_move(Bus *bus, Region *r, Gpa start)
{
    if (r->start == start)
        return;
    r->start = start;
    if (r->enabled)
        map_changed(bus);
}

void region_set_kind(Bus *bus, Region *r, RegionKind kind)
{
    if (r->kind == kind)
        return;
    g_assert(kind == REGION_IO ? r->ops != NULL : r->host != NULL);
    r->kind = kind;
    if (r->enabled)
        map_changed(bus);
}

/* ---- access ---- */

static Range *find_range(Bus *bus, View *view, Gpa addr)
{
    unsigned low = 0, high = view->count, hit = __atomic_load_n(&bus->hit, __ATOMIC_RELAXED);

    if (hit < high && addr >= view->range[hit].start && addr <= view->range[hit].last)
        return &view->range[hit];
    while (low < high) {
        unsigned mid = (low + high) / 2;

        if (addr < view->range[mid].start) {
            high = mid;
        } else if (addr > view->range[mid].last) {
            low = mid + 1;
        } else {
            __atomic_store_n(&bus->hit, mid, __ATOMIC_RELAXED);
            return &view->range[mid];
        }
    }
    return NULL;
}

/* Last address of the hole that addr lies in. */
static Gpa hole_last(Bus *bus, View *view, Gpa addr)
{
    for (unsigned i = 0; i < view->count; i++)
        if (view->range[i].start > addr)
            return view->range[i].start - 1;
    return MAX(bus->last, addr);
}

Region *bus_find(Bus *bus, Gpa addr, Gpa *last)
{
    View *view = __atomic_load_n(&bus->view, __ATOMIC_ACQUIRE);
    Range *range = find_range(bus, view, addr);

    if (last)
        *last = range ? range->last : hole_last(bus, view, addr);
    return range ? range->region : NULL;
}

static unsigned ops_min(const RegionOps *ops)
{
    return ops->min_size ? ops->min_size : 1;
}

static unsigned ops_max(const RegionOps *ops)
{
    return ops->max_size ? ops->max_size : 4;
}

static uint64_t size_mask(unsigned size)
{
    return size >= 8 ? UINT64_MAX : (1ull << size * 8) - 1;
}

/* The largest piece, a power of two up to max, that is aligned at offset and within left bytes. */
static unsigned piece_size(uint64_t offset, unsigned left, unsigned max)
{
    unsigned n = max;

    while (n > left || (offset & (n - 1)))
        n >>= 1;
    return n;
}

static uint64_t io_read(const Region *r, uint64_t offset, unsigned size)
{
    const RegionOps *ops = r->ops;
    uint64_t value = 0;

    if (!ops->read)
        return size_mask(size);
    for (unsigned done = 0, n; done < size; done += n) {
        uint64_t at = offset + done, piece;

        n = piece_size(at, size - done, ops_max(ops));
        if (n < ops_min(ops)) {
            uint64_t wide = at & ~(uint64_t)(ops_min(ops) - 1);

            piece = ops->read(r->opaque, wide, ops_min(ops)) >> (at - wide) * 8;
        } else {
            piece = ops->read(r->opaque, at, n);
        }
        value |= (piece & size_mask(n)) << done * 8;
    }
    return value;
}

static void io_write(const Region *r, uint64_t offset, uint64_t value, unsigned size)
{
    const RegionOps *ops = r->ops;

    if (!ops || !ops->write)
        return;
    for (unsigned done = 0, n; done < size; done += n) {
        n = piece_size(offset + done, size - done, ops_max(ops));
        ops->write(r->opaque, offset + done, value >> done * 8 & size_mask(n), n);
    }
}

/* Bytes from addr on, at most len, that one range or one hole answers. A device may change the map: look up anew for each. */
static uint64_t span(Bus *bus, Gpa addr, uint64_t len, Region **region)
{
    Gpa last;

    *region = addr <= bus->last ? bus_find(bus, addr, &last) : NULL;
    if (addr > bus->last)
        return len;
    return last - addr >= len - 1 ? len : last - addr + 1;
}

static uint64_t region_read(const Region *r, uint64_t offset, unsigned size)
{
    uint64_t value = 0;

    if (r->kind == REGION_IO)
        return io_read(r, offset, size);
    memcpy(&value, r->host + offset, size);
    return value;
}

static void region_write(Bus *bus, Region *r, uint64_t offset, uint64_t value, unsigned size)
{
    if (r->kind != REGION_RAM) {
        io_write(r, offset, value, size);
        return;
    }
    if (bus->ram && r->ram != UINT64_MAX)
        ram_written(bus->ram, r->ram + offset, size);
    else
        tell_written(r);
    memcpy(r->host + offset, &value, size);
}

uint64_t bus_read_locked(Bus *bus, Gpa addr, unsigned size)
{
    uint64_t value = 0;

    for (unsigned done = 0, n; done < size; done += n) {
        Region *r;

        n = span(bus, addr + done, size - done, &r);
        value |= (r ? region_read(r, addr + done - r->start, n) : size_mask(n)) << done * 8;
    }
    return value;
}

void bus_write_locked(Bus *bus, Gpa addr, uint64_t value, unsigned size)
{
    for (unsigned done = 0, n; done < size; done += n) {
        Region *r;

        n = span(bus, addr + done, size - done, &r);
        if (r)
            region_write(bus, r, addr + done - r->start, value >> done * 8 & size_mask(n), n);
    }
}

/* The CPU's own accesses take the machine lock. */
static void access_begin(Bus *bus)
{
    if (bus->lock)
        g_mutex_lock(bus->lock);
    bus->busy = true;
    if (bus->before)
        bus->before(bus->before_opaque);
}

static void access_end(Bus *bus)
{
    bus->busy = false;
    if (bus->lock)
        g_mutex_unlock(bus->lock);
}

uint64_t bus_read(Bus *bus, Gpa addr, unsigned size)
{
    uint64_t value;

    access_begin(bus);
    value = bus_read_locked(bus, addr, size);
    access_end(bus);
    return value;
}

void bus_write(Bus *bus, Gpa addr, uint64_t value, unsigned size)
{
    access_begin(bus);
    bus_write_locked(bus, addr, value, size);
    access_end(bus);
}

uint64_t bus_read_region(Bus *bus, const Region *r, uint64_t offset, unsigned size)
{
    uint64_t value;

    if (r->peek && r->peek(r->opaque, offset, size, &value))
        return value;
    access_begin(bus);
    value = io_read(r, offset, size);
    access_end(bus);
    return value;
}

void bus_write_region(Bus *bus, const Region *r, uint64_t offset, uint64_t value, unsigned size)
{
    access_begin(bus);
    io_write(r, offset, value, size);
    access_end(bus);
}

void bus_dma_read(Bus *bus, Gpa addr, void *buf, uint64_t len)
{
    uint8_t *p = buf;

    while (len) {
        Region *r;
        uint64_t n = span(bus, addr, len, &r);

        if (!r) {
            memset(p, 0xff, n);
        } else if (r->kind == REGION_IO) {
            uint64_t value;

            n = piece_size(addr, MIN(n, 4), 4);
            value = io_read(r, addr - r->start, n);
            memcpy(p, &value, n);
        } else {
            memcpy(p, r->host + (addr - r->start), n);
        }
        addr += n;
        p += n;
        len -= n;
    }
}

void bus_dma_write(Bus *bus, Gpa addr, const void *buf, uint64_t len)
{
    const uint8_t *p = buf;

    while (len) {
        Region *r;
        uint64_t n = span(bus, addr, len, &r);

        if (r && r->kind == REGION_IO) {
            uint64_t value = 0;

            n = piece_size(addr, MIN(n, 4), 4);
            memcpy(&value, p, n);
            io_write(r, addr - r->start, value, n);
        } else if (r && r->kind == REGION_RAM) {
            if (bus->ram && r->ram != UINT64_MAX)
                ram_written(bus->ram, r->ram + (addr - r->start), n);
            else
                tell_written(r);
            memcpy(r->host + (addr - r->start), p, n);
            /* again: a CPU that runs meanwhile may have decoded or translated the old bytes since */
            if (bus->ram && r->ram != UINT64_MAX)
                ram_written(bus->ram, r->ram + (addr - r->start), n);
        }
        addr += n;
        p += n;
        len -= n;
    }
}

void bus_print(Bus *bus, const char *root, GString *out)
{
    static const char *const kinds[] = { [REGION_RAM] = "ram", [REGION_ROM] = "rom", [REGION_IO] = "i/o" };

    g_string_append_printf(out, "address-space: %s\n  %016x-%016" G_GINT64_MODIFIER "x (prio 0, i/o): %s\n", bus->name, 0,
                           bus->last, root);
    for (unsigned i = 0; i < bus->view->count; i++) {
        Range *r = &bus->view->range[i];

        g_string_append_printf(out, "    %016" G_GINT64_MODIFIER "x-%016" G_GINT64_MODIFIER "x (prio %d, %s): %s\n",
                               r->start, r->last, r->region->priority, kinds[r->region->kind], r->region->name);
    }
    g_string_append_c(out, '\n');
}

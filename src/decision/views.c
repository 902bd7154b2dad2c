/* Copies of code and where they are mapped. See views.h. */
#include "config.h"
#include "decision/space_state.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "softmmu/execfd.h"

enum {
    POOL_PAGES = 32768,         /* of copies, in all spaces */
    WINDOW_UNIT = 4u << 20,     /* windows are multiples of it */
    ROOM_MIN = 64u << 20,       /* that a kernel must leave */
    TOP_KEPT = 4u << 20,        /* of the kernel's addresses: nothing wraps at 4 GiB */
};

struct ViewPool {
    int fd;
    uint8_t *host;
    uint32_t *free;
    uint32_t free_count;
};

/* ---- the pool ---- */

ViewPool *viewpool_new(void)
{
    size_t size = (size_t)POOL_PAGES << PAGE_BITS;
    int fd = execfd_new("x86vm-views");
    void *host = fd < 0 || ftruncate(fd, size) ? MAP_FAILED
                                               : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (host == MAP_FAILED) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    ViewPool *p = g_new0(ViewPool, 1);
    p->fd = fd;
    p->host = host;
    p->free = g_new(uint32_t, POOL_PAGES);
    for (uint32_t n = 0; n < POOL_PAGES; n++)
        p->free[p->free_count++] = POOL_PAGES - 1 - n;
    return p;
}

void viewpool_free(ViewPool *p)
{
    if (!p)
        return;
    munmap(p->host, (size_t)POOL_PAGES << PAGE_BITS);
    close(p->fd);
    g_free(p->free);
    g_free(p);
}

int viewpool_fd(const ViewPool *p)
{
    return p ? p->fd : -1;
}

/* ---- windows ---- */

bool views_place(Space *s)
{
    Gva kernel;
    s->kernel = s->low_size = s->high_size = 0;
    if (!s->owner->views || !space_kernel(s, &kernel))
        return false;
    kernel = (kernel + WINDOW_UNIT - 1) / WINDOW_UNIT * WINDOW_UNIT;
    uint64_t room = (1ull << 32) - TOP_KEPT - kernel;
    if (kernel > (1ull << 32) - TOP_KEPT || room < ROOM_MIN)
        return false;
    s->kernel = kernel;
    s->low_size = MIN(room * 3 / 8, kernel / 2) / WINDOW_UNIT * WINDOW_UNIT;
    s->high_size = MIN(room - s->low_size, kernel / 2) / WINDOW_UNIT * WINDOW_UNIT;
    return s->low_size && s->high_size;
}

bool views_window(const Space *s, Gva addr, Window *w)
{
    if (addr < s->low_size)
        *w = (Window){0, s->low_size, s->kernel + s->high_size};
    else if (addr < s->kernel && addr >= s->kernel - s->high_size)
        *w = (Window){s->kernel - s->high_size, s->kernel, s->high_size};
    else
        return false;
    return true;
}

/* ---- copies ---- */

static gpointer key(Gva addr)
{
    return GUINT_TO_POINTER((guint)(addr >> PAGE_BITS) + 1);
}

View *view_at(const Space *s, Gva addr)
{
    return g_hash_table_lookup(s->view, key(addr));
}

static const uint8_t *page_of(const Space *s, const View *v)
{
    return s->owner->v->ram->host + ((uint64_t)v->page << PAGE_BITS);
}

static uint8_t *copy_of(const Space *s, const View *v)
{
    return s->owner->views->host + ((size_t)v->slot << PAGE_BITS);
}

/* The page behind the one at addr, if it has a copy that CS leads to from here. */
static View *after(const Space *s, Gva addr)
{
    Window w;
    Gva next = (addr & PAGE_MASK) + PAGE_SIZE;
    return views_window(s, addr, &w) && next < w.end ? view_at(s, next) : NULL;
}

static View *before(const Space *s, Gva addr)
{
    Window w;
    addr &= PAGE_MASK;
    return views_window(s, addr, &w) && addr > w.begin ? view_at(s, addr - PAGE_SIZE) : NULL;
}

/* Write the copy anew, and those behind it as far as it reaches into them. */
static void write_copies(Space *s, Gva addr)
{
    for (;;) {
        View *v = view_at(s, addr), *next = after(s, addr);
        uint8_t fresh[PAGE_SIZE];
        unsigned tail = copy_write(&v->copy, &s->owner->rules, page_of(s, v), next ? &next->copy : NULL, next ? page_of(s, next) : NULL,
                                   v->head, fresh);
        memcpy(copy_of(s, v), fresh, PAGE_SIZE);
        if (!next || tail == next->head)
            return;
        next->head = tail; /* what lies behind need not be code: the instruction may be a call that does not return */
        addr += PAGE_SIZE;
    }
}

/* What is known of the page at addr has grown. */
static void refresh(Space *s, Gva addr)
{
    addr &= PAGE_MASK;
    if (before(s, addr))
        write_copies(s, addr - PAGE_SIZE);
    write_copies(s, addr);
}

bool view_map(Space *s, Gva addr, uint32_t page, Gva start, unsigned code_size)
{
    ViewPool *pool = s->owner->views;
    Window w;
    addr &= PAGE_MASK;
    if (!pool || !pool->free_count || !views_window(s, addr, &w))
        return false;
    View *v = g_new0(View, 1);
    v->page = page;
    v->slot = pool->free[--pool->free_count];
    v->copy.code_size = code_size;
    v->copy.exact = s->exact;
    g_hash_table_insert(s->view, key(addr), v);
    if ((start & PAGE_MASK) == addr)
        copy_extend(&v->copy, &s->owner->rules, page_of(s, v), start & ~PAGE_MASK);
    refresh(s, addr);
    SandboxMap m = sandbox_map_view(s->sandbox, addr + w.base, (uint64_t)v->slot << PAGE_BITS, PAGE_SIZE, SANDBOX_READ | SANDBOX_EXEC);
    if (m == SANDBOX_MAP_OK)
        return true;
    s->broken = true;
    view_drop(s, addr, false);
    return false;
}

void view_drop(Space *s, Gva addr, bool tell)
{
    View *v = view_at(s, addr);
    Window w;
    if (!v)
        return;
    s->owner->views->free[s->owner->views->free_count++] = v->slot;
    g_hash_table_remove(s->view, key(addr));
    if (tell && s->sandbox && views_window(s, addr, &w)) {
        SandboxMap m = sandbox_unmap(s->sandbox, (addr & PAGE_MASK) + w.base, PAGE_SIZE);
        if (m != SANDBOX_MAP_OK && m != SANDBOX_MAP_LOW)
            s->broken = true;
    }
}

/* Is the instruction at addr in the copy? HLT itself never is: it traps either way. */
static bool is_in(const Space *s, const View *v, unsigned offset)
{
    return (v->copy.at[offset] & COPY_LEN) && copy_of(s, v)[offset] == page_of(s, v)[offset];
}

static void extend(Space *s, View *v, Gva addr)
{
    copy_extend(&v->copy, &s->owner->rules, page_of(s, v), addr & ~PAGE_MASK);
    refresh(s, addr);
    s->owner->stats.extended++;
}

void view_saw(Space *s, Gva addr)
{
    View *v = view_at(s, addr);
    if (v && !(v->copy.at[addr & ~PAGE_MASK] & COPY_KNOWN))
        extend(s, v, addr);
}

bool view_extend(Space *s, Gva addr)
{
    View *v = view_at(s, addr);
    unsigned offset = addr & ~PAGE_MASK;
    if (!v || is_in(s, v, offset) || (v->copy.at[offset] & COPY_TRAP))
        return false;
    if (!(v->copy.at[offset] & COPY_SURE)) {
        extend(s, v, addr);
        if (is_in(s, v, offset))
            return true;
    }
    Gva next = (addr & PAGE_MASK) + PAGE_SIZE;
    if (!(v->copy.at[offset] & COPY_LEN) || next - addr >= SWEEP_INSN_MAX || view_at(s, next))
        return false;
    /* it lies on the next page, too, most likely */
    return space_map_code(s, addr, next, v->copy.code_size) == SPACE_MAPPED && is_in(s, v, offset);
}

bool view_lacks(const Space *s, Gva addr)
{
    const View *v = view_at(s, addr);
    unsigned offset = addr & ~PAGE_MASK;
    return v && (v->copy.at[offset] & COPY_SURE) && !is_in(s, v, offset);
}

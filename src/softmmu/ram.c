/*
 * Guest RAM: one memfd and its page watches.
 *
 * Pages of the memfd come into being when first touched, so a VM with much memory costs only what its guest uses. The
 * watch bytes are written by the vCPU (code, tables) and by the main loop (display), so they change by atomic or/and.
 */
#include "config.h"
#include "softmmu/ram.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "softmmu/execfd.h"

static void set_error(GError **error, const char *what, uint64_t size, int err)
{
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(err),
                "guest RAM of %" G_GUINT64_FORMAT " MiB: %s: %s; try a smaller -m", size >> 20, what, g_strerror(err));
}

Ram *ram_new(uint64_t size, GError **error)
{
    struct rlimit limit;
    Ram *ram;
    void *host;
    int fd;

    g_assert(size >= PAGE_SIZE && !(size & ~PAGE_MASK));
    /* ftruncate() beyond the limit would kill us with SIGXFSZ. */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < size) {
        set_error(error, "file size limit (ulimit -f)", size, EFBIG);
        return NULL;
    }
    fd = execfd_new("x86vm-ram"); /* sandboxes execute from it */
    if (fd < 0) {
        set_error(error, "memfd_create", size, errno);
        return NULL;
    }
    if (size > INT64_MAX || ftruncate(fd, size) < 0) {
        set_error(error, "ftruncate", size, size > INT64_MAX ? EFBIG : errno);
        close(fd);
        return NULL;
    }
    host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (host == MAP_FAILED) {
        set_error(error, "mmap", size, errno);
        close(fd);
        return NULL;
    }
    ram = g_new0(Ram, 1);
    ram->fd = fd;
    ram->host = host;
    ram->size = size;
    ram->watch = g_malloc0(size >> PAGE_BITS);
    return ram;
}

void ram_free(Ram *ram)
{
    if (!ram)
        return;
    munmap(ram->host, ram->size);
    close(ram->fd);
    g_free(ram->watch);
    g_free(ram);
}

static unsigned watcher_index(unsigned flag)
{
    g_assert(flag == WATCH_CODE || flag == WATCH_DIRTY || flag == WATCH_TABLE || flag == WATCH_TRANS ||
             flag == WATCH_NATIVE);
    return __builtin_ctz(flag);
}

void ram_set_watcher(Ram *ram, unsigned flag, WatchFn *fn, void *opaque)
{
    unsigned i = watcher_index(flag);

    ram->watcher[i].fn = fn;
    ram->watcher[i].opaque = opaque;
}

void ram_add_mapper(Ram *ram, void (*fn)(void *opaque, uint64_t page), void *opaque)
{
    unsigned n = 0;

    while (ram->mapper[n].fn)
        g_assert(++n < G_N_ELEMENTS(ram->mapper));
    ram->mapper[n].fn = fn;
    ram->mapper[n].opaque = opaque;
}

void ram_remove_mapper(Ram *ram, void *opaque)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(ram->mapper); n++)
        if (ram->mapper[n].opaque == opaque)
            ram->mapper[n].fn = NULL;
}

void ram_watch(Ram *ram, uint64_t offset, uint64_t len, unsigned flag)
{
    uint64_t page = offset >> PAGE_BITS, end = (offset + len + PAGE_SIZE - 1) >> PAGE_BITS;
    bool added = false;

    g_assert(offset <= ram->size && len <= ram->size - offset);
    for (; len && page < end; page++) {
        if (__atomic_fetch_or(&ram->watch[page], flag, __ATOMIC_SEQ_CST))
            continue;
        added = true;
        for (unsigned n = 0; n < G_N_ELEMENTS(ram->mapper); n++)
            if (ram->mapper[n].fn)
                ram->mapper[n].fn(ram->mapper[n].opaque, page);
    }
    /* A page that was watched already has no write fast path to lose. */
    if (added && ram->watch_added)
        ram->watch_added(ram->watch_added_opaque, offset & PAGE_MASK, (end << PAGE_BITS) - (offset & PAGE_MASK));
}

void ram_unwatch(Ram *ram, uint64_t offset, uint64_t len, unsigned flag)
{
    uint64_t page = offset >> PAGE_BITS, end = (offset + len + PAGE_SIZE - 1) >> PAGE_BITS;

    g_assert(offset <= ram->size && len <= ram->size - offset);
    for (; len && page < end; page++)
        __atomic_fetch_and(&ram->watch[page], ~flag, __ATOMIC_SEQ_CST);
}

/* Tell one watcher, once for each run of pages that it watches. */
static void tell(Ram *ram, unsigned i, uint64_t offset, uint64_t end)
{
    uint64_t run = offset;
    bool in_run = false;

    while (offset < end) {
        bool hit = __atomic_load_n(&ram->watch[offset >> PAGE_BITS], __ATOMIC_RELAXED) & 1u << i;

        if (hit && !in_run)
            run = offset;
        if (!hit && in_run)
            ram->watcher[i].fn(ram->watcher[i].opaque, run, offset - run);
        in_run = hit;
        offset = (offset & PAGE_MASK) + PAGE_SIZE;
    }
    if (in_run)
        ram->watcher[i].fn(ram->watcher[i].opaque, run, end - run);
}

void ram_written(Ram *ram, uint64_t offset, uint64_t len)
{
    unsigned all = 0;

    if (!len)
        return;
    g_assert(offset < ram->size && len <= ram->size - offset);
    for (uint64_t p = offset >> PAGE_BITS; p <= (offset + len - 1) >> PAGE_BITS; p++)
        all |= __atomic_load_n(&ram->watch[p], __ATOMIC_RELAXED);
    for (unsigned i = 0; i < G_N_ELEMENTS(ram->watcher); i++)
        if ((all & 1u << i) && ram->watcher[i].fn)
            tell(ram, i, offset, offset + len);
}

/*
 * Memory in the host's large pages. See largepage.h.
 */
#include "config.h"
#include "softmmu/largepage.h"

#include <errno.h>
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

/* Address space for size bytes at a multiple of LARGE_PAGE; MAP_FAILED. */
static uint8_t *reserve(size_t size)
{
    uint8_t *room = mmap(NULL, size + LARGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (room == MAP_FAILED)
        return room;
    size_t before = -(uintptr_t)room & (LARGE_PAGE - 1);
    if (before)
        munmap(room, before);
    munmap(room + before + size, LARGE_PAGE - before);
    return room + before;
}

#ifdef __SANITIZE_ADDRESS__ /* which sees more when it is the heap's */
void *large_new0(size_t size)
{
    return g_malloc0(size);
}

void large_free(void *memory, size_t size)
{
    g_free(memory);
}
#else
static size_t whole(size_t size)
{
    return (size + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
}

void *large_new0(size_t size)
{
    uint8_t *memory = reserve(whole(size));

    if (memory == MAP_FAILED || mprotect(memory, whole(size), PROT_READ | PROT_WRITE) < 0)
        g_error("no memory: %zu bytes", size);
    madvise(memory, whole(size), MADV_HUGEPAGE);
    return memory;
}

void large_free(void *memory, size_t size)
{
    if (memory)
        munmap(memory, whole(size));
}
#endif

void *large_map(int fd, size_t size, int prot)
{
    uint8_t *at = reserve(size);

    if (at == MAP_FAILED)
        return at;
    void *map = mmap(at, size, prot, MAP_SHARED | MAP_FIXED, fd, 0);
    if (map == MAP_FAILED) {
        int err = errno;
        munmap(at, size);
        errno = err;
    }
    return map;
}

bool large_collapse(void *at)
{
    return madvise(at, LARGE_PAGE, MADV_COLLAPSE) == 0;
}

/*
 * What is mapped in a sandbox: queued system calls for the stub.
 *
 * A trip to the sandbox costs more than a mapping, so calls gather in the list, neighbours merged, until the next
 * run. The host's count of mappings is only bounded from above here; when the bound reaches the limit it is counted
 * exactly from /proc, which is slow and rare.
 */
#include "config.h"
#include "decision/sandbox_state.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define GUEST_END (1ull << 32)
#define POPULATE_MAX 0x10000 /* larger pieces are filled by faults: most of them may never be touched */

SandboxMap maps_queue(Sandbox *s, long nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                      uint64_t a5)
{
    if (s->queued == STUB_CALLS_MAX) {
        SandboxMap m = sandbox_flush(s);
        if (m != SANDBOX_MAP_OK)
            return m;
    }
    s->list->call[s->queued++] = (StubCall){ nr, { a0, a1, a2, a3, a4, a5 }, 0 };
    return SANDBOX_MAP_OK;
}

/* The host's own count. */
static unsigned count_exactly(const Sandbox *s)
{
    char path[40];
    unsigned lines = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)s->pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return G_MAXUINT;
    for (int c; (c = getc(f)) != EOF;)
        lines += c == '\n';
    fclose(f);
    return lines;
}

static SandboxMap may_change(Sandbox *s, uint32_t gva, uint64_t len, unsigned more)
{
    g_assert(!((gva | len) & 0xfff) && len && len <= GUEST_END - gva);
    if (s->dead)
        return SANDBOX_MAP_DEAD;
    if (s->map_failed)
        return SANDBOX_MAP_FULL;
    s->mappings += more;
    if (s->mappings > SANDBOX_MAPPINGS_MAX) {
        SandboxMap m = sandbox_flush(s);
        if (m != SANDBOX_MAP_OK)
            return m;
        s->mappings = count_exactly(s);
        /* With some room, or the next call would count again. */
        if (s->mappings > SANDBOX_MAPPINGS_MAX - 64)
            return SANDBOX_MAP_FULL;
        s->mappings += more;
    }
    return SANDBOX_MAP_OK;
}

static uint64_t prot_bits(unsigned prot)
{
    g_assert((prot & (SANDBOX_WRITE | SANDBOX_EXEC)) != (SANDBOX_WRITE | SANDBOX_EXEC));
    return (prot & SANDBOX_READ ? PROT_READ : 0) | (prot & SANDBOX_WRITE ? PROT_WRITE : 0)
           | (prot & SANDBOX_EXEC ? PROT_EXEC : 0);
}

static SandboxMap map(Sandbox *s, uint32_t gva, uint64_t offset, uint64_t len, unsigned prot, int fd,
                      uint64_t fd_size)
{
    uint64_t bits = prot_bits(prot);
    StubCall *last = s->queued ? &s->list->call[s->queued - 1] : NULL;
    bool joins = last && last->nr == SYS_mmap && last->arg[0] + last->arg[1] == gva
                 && last->arg[5] + last->arg[1] == offset && last->arg[2] == bits && last->arg[4] == (uint64_t)fd;

    g_assert(!(offset & 0xfff) && len <= fd_size && offset <= fd_size - len);
    if (gva < s->low_limit)
        return SANDBOX_MAP_LOW;
    SandboxMap m = may_change(s, gva, len, joins ? 0 : 2);
    if (m != SANDBOX_MAP_OK)
        return m;
    if (joins && s->queued && last->arg[1] + len < GUEST_END) { /* may_change() may have emptied the queue */
        last->arg[1] += len;
        if (last->arg[1] > POPULATE_MAX)
            last->arg[3] &= ~(uint64_t)MAP_POPULATE;
        return SANDBOX_MAP_OK;
    }
    if (len == GUEST_END) { /* the sandbox's seccomp filter takes lengths of 32 bits */
        map(s, gva, offset, len / 2, prot, fd, fd_size);
        return maps_queue(s, SYS_mmap, len / 2, len / 2, bits, MAP_SHARED | MAP_FIXED, fd, offset + len / 2);
    }
    return maps_queue(s, SYS_mmap, gva, len, bits, MAP_SHARED | MAP_FIXED | (len <= POPULATE_MAX ? MAP_POPULATE : 0),
                      fd, offset);
}

SandboxMap sandbox_map(Sandbox *s, uint32_t gva, uint64_t ram_offset, uint64_t len, unsigned prot)
{
    return map(s, gva, ram_offset, len, prot, STUB_FD_RAM, s->ram_size);
}

SandboxMap sandbox_map_view(Sandbox *s, uint32_t gva, uint64_t view_offset, uint64_t len, unsigned prot)
{
    return map(s, gva, view_offset, len, prot, STUB_FD_VIEW, s->view_size);
}

SandboxMap sandbox_unmap(Sandbox *s, uint32_t gva, uint64_t len)
{
    SandboxMap m = may_change(s, gva, len, 1);
    if (m != SANDBOX_MAP_OK)
        return m;
    if (len == GUEST_END) {
        maps_queue(s, SYS_munmap, 0, len / 2, 0, 0, 0, 0);
        gva = len /= 2;
    }
    return maps_queue(s, SYS_munmap, gva, len, 0, 0, 0, 0);
}

SandboxMap sandbox_protect(Sandbox *s, uint32_t gva, uint64_t len, unsigned prot)
{
    uint64_t bits = prot_bits(prot);
    SandboxMap m = may_change(s, gva, len, 2);
    return m == SANDBOX_MAP_OK ? maps_queue(s, SYS_mprotect, gva, len, bits, 0, 0, 0) : m;
}

SandboxMap sandbox_set_tsc_faults(Sandbox *s, bool on)
{
    if (s->dead)
        return SANDBOX_MAP_DEAD;
    return maps_queue(s, SYS_prctl, PR_SET_TSC, on ? PR_TSC_SIGSEGV : PR_TSC_ENABLE, 0, 0, 0, 0);
}

SandboxMap sandbox_flush(Sandbox *s)
{
    unsigned failed;
    if (s->dead)
        return SANDBOX_MAP_DEAD;
    if (s->map_failed)
        return SANDBOX_MAP_FULL;
    if (!s->queued)
        return SANDBOX_MAP_OK;
    if (trace_batch(s, &failed)) {
        s->map_failed = true;
        return s->dead ? SANDBOX_MAP_DEAD : SANDBOX_MAP_FULL;
    }
    return SANDBOX_MAP_OK;
}

unsigned sandbox_mappings(const Sandbox *s)
{
    return s->mappings;
}

/*
 * Where the vCPU's thread stays. See perch.h.
 */
#include "config.h"
#include "decision/perch.h"

#include <glib.h>
#include <time.h>

enum {
    LONG_NS = 1000000,      /* a stay of that length is one of a program that computes */
    LOOK_NS = 50000000,     /* in a sandbox, between two looks whether others want the processor... */
    WAITS_PERCENT = 15,     /* ...which they do when the sandbox waited for it for longer */
    FREE_NS = 200000000,    /* then the thread may be put elsewhere for so long */
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void hold(Perch *p, int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_getaffinity(0, sizeof p->own, &p->own) || sched_setaffinity(0, sizeof set, &set))
        return; /* slower, nothing else */
    p->held = true;
}

void perch_release(Perch *p)
{
    if (p->held)
        sched_setaffinity(0, sizeof p->own, &p->own);
    p->held = false;
}

void perch_stayed(Perch *p, Sandbox *s, uint64_t ns)
{
    if (ns < LONG_NS)
        return;
    uint64_t stayed = sandbox_stayed(s, ns);
    if (!p->held) {
        int cpu = sandbox_cpu(s);
        if (cpu >= 0 && cpu != sched_getcpu() && now_ns() >= p->free_until)
            hold(p, cpu);
    }
    if (stayed >= LOOK_NS && sandbox_waited(s) > stayed / 100 * WAITS_PERCENT && p->held) {
        perch_release(p);
        p->free_until = now_ns() + FREE_NS;
    }
}

/*
 * The processor of the host that the vCPU's thread stays on.
 *
 * A sandbox runs where the thread is, for a hand-over from one processor to another is dear. But a thread that wakes is put on whatever
 * processor idles, its sandbox has to follow, and finds none of its data in the caches there: at each tick of the guest's timer, for
 * a program that computes. So such a thread is held where its sandbox is, unless others want that processor, too.
 */
#pragma once

#include <sched.h>

#include "decision/sandbox.h"

typedef struct Perch {
    bool held;
    cpu_set_t own;             /* where the thread may run when it is not held */
    uint64_t free_until;       /* ns, CLOCK_MONOTONIC: not held again before */
} Perch;

/* In the thread: a stay of ns nanoseconds in the sandbox ended. */
void perch_stayed(Perch *p, Sandbox *s, uint64_t ns);
/* In the thread: it may run anywhere again, as before it sleeps. */
void perch_release(Perch *p);

/*
 * The thread that runs the CPU.
 *
 * It runs guest code until an engine comes back with an Exit, and does what that asks for. A halted CPU sleeps on a
 * condition variable until an input changes or a timer is due, so an idle guest costs nothing.
 */
#pragma once

#include <glib.h>

#include "clock.h"
#include "vcpu.h"

typedef struct VcpuThread VcpuThread;
struct Direct;

typedef struct VcpuThreadOps {
    /* Called in the vCPU thread with the machine lock held: put board and CPU in their reset state. */
    void (*reset)(void *opaque);
    /* The CPU shut down after a triple fault. Lock held. What follows is told by vcputhread_request(). */
    void (*triple_fault)(void *opaque);
    /* Vcpu.hooks stopped the CPU, which now stands still until vcputhread_resume(). Lock held. May be NULL. */
    void (*debug_stop)(void *opaque);
    /* The CPU halts with interrupts off: only an NMI or a reset can wake it. Lock held. May be NULL. */
    void (*stuck)(void *opaque);
} VcpuThreadOps;

/* Created paused. Nothing is owned; free before them. */
VcpuThread *vcputhread_new(Vcpu *v, GMutex *lock, Clock *clock, const VcpuThreadOps *ops, void *opaque);
/* Use direct execution from now on. Before the first vcputhread_resume(); not owned, free it after the thread. */
void vcputhread_set_direct(VcpuThread *t, struct Direct *d);
/* Stop the thread and wait for it. Machine lock not held. */
void vcputhread_free(VcpuThread *t);

/*
 * Requests, from any thread that holds the machine lock. They take effect at an instruction boundary. Pausing waits for
 * nothing: see vcputhread_wait_paused().
 */
void vcputhread_resume(VcpuThread *t);
void vcputhread_pause(VcpuThread *t);
void vcputhread_reset(VcpuThread *t);
/* Block until the CPU has stopped after a pause. Not in the vCPU thread. Machine lock held (released while waiting). */
void vcputhread_wait_paused(VcpuThread *t);

/* Interrupt lines changed: wake a halted CPU. Machine lock held. */
void vcputhread_kick(VcpuThread *t);

/* Does the CPU sleep in HLT, and how long has it, in ns of guest time, without the sleep it may be in? Any thread, without the lock: of a moment ago. */
bool vcputhread_is_idle(const VcpuThread *t);
int64_t vcputhread_idle_ns(const VcpuThread *t);

/*
 * -accel chaos=SEED, the part that is another thread's: it asks the CPU to look up at random moments, as a device does that
 * raises its line and lets it go again. Sandboxes come back then, and translated code ends where it is. There is nothing to be
 * found; the guest can not tell.
 */
#pragma once

#include "vcputhread.h"

typedef struct Chaos Chaos;

/* Begin. lock is the machine's; t lives until chaos_free(). seed is not 0. */
Chaos *chaos_new(VcpuThread *t, GMutex *lock, uint64_t seed);
/* End; waits for the thread, so without the lock. NULL is allowed. */
void chaos_free(Chaos *c);

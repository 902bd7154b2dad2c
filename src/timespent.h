/*
 * Where a machine's time goes: idle and native time are measured; how the rest divides is told by looking, each time the main loop wakes for the guest's timers, what the
 * CPU's thread is at (Vcpu.doing). That costs nothing and is as fine as the guest's ticks are frequent.
 */
#pragma once

#include "decision/direct.h"
#include "softmmu/region.h"
#include "vcputhread.h"

typedef struct TimeSpent TimeSpent;

/* All of them belong to others and live as long. direct may be NULL. */
TimeSpent *timespent_new(Vcpu *v, VcpuThread *t, Clock *clock, Bus *mem, Bus *io, Direct *direct);
/* NULL is allowed. */
void timespent_free(TimeSpent *s);
/* Look, in the main loop's thread, without the machine lock: a CPU that is at a device holds it. */
void timespent_look(TimeSpent *s);
/* In words. CPU standing still. */
void timespent_print(const TimeSpent *s, GString *out);

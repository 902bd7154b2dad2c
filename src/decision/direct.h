/*
 * Direct execution: the run loop that joins the decision, the policy, the sandboxes and the translator.
 *
 * direct_run() is what the vCPU's thread calls instead of tcache_run(), with the same contract. Translation runs until the
 * guest enters user mode; where the state may run directly (decide.h) and its address space is one that computes (policy.h),
 * the sandbox takes over, until something has to be done that it can not do: an exception, a system call, an interrupt.
 */
#pragma once

#include "decision/decide.h"

typedef enum DirectMode {
    DIRECT_AUTO, /* address spaces that compute */
    DIRECT_ON,   /* whatever may */
    DIRECT_STRICT, /* whatever may, until it proves too dear, and by split views only (views.h) */
} DirectMode;

typedef struct Direct Direct;

/*
 * v must have a translation cache. say is told, in one line, what this host lacks when it lacks something, in the vCPU's
 * thread. Nothing is tried before the first address space wants to run directly, or, with DIRECT_ON and DIRECT_STRICT, before the first run.
 */
Direct *direct_new(Vcpu *v, DirectMode mode, void (*say)(const char *line));
/* After direct_leave(), or when direct_run() was never called. */
void direct_free(Direct *d);
/* Run the guest. */
Exit direct_run(Direct *d);
/* In the thread that called direct_run(), before it ends: no sandbox is left. */
void direct_leave(Direct *d);
/* Any thread: a sandbox that runs comes back. Set Vcpu.attention first. */
void direct_kick(Direct *d);
/*
 * For tests: whatever the policy says, stretches of user code run directly or not by random numbers, sandboxes go and come back, and views are split and
 * joined. seed is not 0. Before the first run.
 */
void direct_set_chaos(Direct *d, uint64_t seed);
/* Lines for -d policy. NULL: none. CPU standing still. */
void direct_set_trace(Direct *d, void (*trace)(void *opaque, const char *line), void *opaque);
/* Seconds that sandboxes ran, and that it took to keep them. CPU standing still. */
void direct_seconds(const Direct *d, double *native, double *upkeep);
/* What was decided and why, for people. */
void direct_print(Direct *d, GString *out);

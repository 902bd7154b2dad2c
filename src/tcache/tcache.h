/*
 * The translation cache: guest code as host code.
 *
 * See docs/translation.md for the whole; the parts are codebuf.c (memory), emit.c (encoding), stubs.c (ways in and out),
 * transblock.c (the table of blocks and their invalidation), chain.c (jumps between blocks), address.c (memory operands), translate.c,
 * trinsn.c and the other tr*.c (instructions), run.c (the run loop).
 */
#pragma once

#include "cpu/cpu.h"

typedef struct TCache TCache;

typedef struct TCacheStats {
    uint64_t blocks, insns;      /* translated, ever */
    uint64_t entries;            /* times the run loop entered translated code */
    uint64_t lean;               /* instructions done by lean helpers (lean.h) */
    uint64_t steps;              /* instructions left to the interpreter by the run loop */
    uint64_t links, flushes, invalidations;
    uint64_t spans, plain;       /* operands checked together (spans.c); blocks translated without, because that failed */
    size_t code_used, data_used, size;
} TCacheStats;

/*
 * A translation cache for v, of at most bytes of host code and what describes it. NULL and an error when the host allows no
 * executable memory. v->tcache is set.
 */
TCache *tcache_new(Vcpu *v, size_t bytes, GError **error);
void tcache_free(TCache *c);

/* Run translated code. The contract is interp_run()'s, and EXIT_USER. v->tcache must be there. */
Exit tcache_run(Vcpu *v, uint64_t max_insns);
/* This thread runs the CPU by other means, or no longer: what other threads write to code is noted for it meanwhile. */
void tcache_own(TCache *c, bool own);

/*
 * Shadow mode, for good: every block runs again by the interpreter, and both must agree. At the first difference `difference`
 * is called with a report and tcache_run() returns EXIT_DEBUG.
 */
void tcache_set_shadow(TCache *c, void (*difference)(void *opaque, const char *report), void *opaque);
/* Blocks compared so far; 0 without shadow mode. */
uint64_t tcache_shadow_blocks(const TCache *c);

/*
 * Memory operands by shadow windows (softmmu/window.h): of the kernel, and of address spaces that compute (TCACHE_WINDOW_AUTO) or of all
 * (TCACHE_WINDOW_ALL). budget: mappings at a time, 0: what the host allows. False and an error when the host can't.
 */
typedef enum TCacheWindow { TCACHE_WINDOW_AUTO, TCACHE_WINDOW_ALL } TCacheWindow;
bool tcache_set_window(TCache *c, TCacheWindow which, unsigned budget, GError **error);
/* In words; windows or none. */
void tcache_window_print(const TCache *c, GString *out);

/*
 * Change engines, interpreter and translated code with and without chaining, at random block boundaries. seed: 0: no longer. delays: let interrupts
 * arrive up to 255 instructions late, which a guest can tell only when its own instruction raised the line.
 */
void tcache_set_chaos(TCache *c, uint64_t seed, bool delays);

/*
 * Tell listen of each block that is translated from now on, with its linear address and its host code in words; NULL: no more.
 * Blocks that are there already are thrown away. The CPU stands still.
 */
typedef void TCacheListen(void *opaque, uint64_t addr, const char *text);
void tcache_listen(TCache *c, TCacheListen *listen, void *opaque);

/* Write a map of translated code for Linux perf to /tmp/perf-PID.map from now on. */
void tcache_perf_map(TCache *c);

void tcache_stats(const TCache *c, TCacheStats *out);
/* In words, with the handlers called most. */
void tcache_stats_print(const TCache *c, GString *out);

/*
 * What this host can do for direct execution, found out by trying it.
 *
 * The ladder has two steps: a sandbox in which every entry behaves as entries.h says, or translation alone. The step
 * taken, and what was missing for the upper one, is said in one line; nothing is silently slow.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum HostLevel { HOST_TRANSLATE, HOST_NATIVE } HostLevel;

typedef struct HostFacts {
    HostLevel level;
    char *why;            /* HOST_TRANSLATE: what is missing */
    bool cpuid_faults;    /* CPUID stops in a sandbox; else the sweep must keep it out */
    bool tsc_faults;      /* RDTSC can be made to */
    bool segments16;      /* 16-bit segments work */
    unsigned low_limit;   /* lowest address that can be mapped */
    unsigned max_mappings;
    bool traced;          /* someone (a debugger, strace) traces x86vm */
    double birth_us;      /* a sandbox's birth */
    double trip_gp_us, trip_pf_us, trip_int80_us; /* a stop with registers: the least seen */
    double map_us;        /* one mapping in a batch */
    GString *entries;     /* a line per entry, as the report has it */
} HostFacts;

/*
 * Try. Takes some 20 ms. The calling thread becomes the tracer of sandboxes that are gone when this returns.
 * measure: also the costs (another 20 ms).
 */
HostFacts *host_probe(bool measure);
void host_facts_free(HostFacts *f);
/*
 * The one line for the user: "direct execution: native, ..." or "direct execution: off: ..., guest code is
 * translated".
 */
char *host_facts_line(const HostFacts *f);
/* Probe and report, for `-accel help`. */
void decision_print_capabilities(GString *out);

/* The start-up probe. See probe.h. */
#include "config.h"
#include "decision/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision/entries.h"
#include "softmmu/ram.h"

enum { TRIPS = 16, TRIES = 6, MAPPINGS = 32 }; /* some ms in all: the first program that computes waits for it */

static long read_number(const char *path, const char *key, long otherwise)
{
    char line[256];
    long value = otherwise;
    FILE *f = fopen(path, "re");
    if (!f)
        return otherwise;
    while (fgets(line, sizeof line, f))
        if (g_str_has_prefix(line, key)) {
            value = strtol(line + strlen(key), NULL, 10);
            break;
        }
    fclose(f);
    return value;
}

static bool try_entries(EntryBench *b, HostFacts *f)
{
    bool ok = true;
    for (const Entry *e = entries; e->name; e++) {
        SandboxStop stop;
        EntryOutcome o = entry_run(b, e, &stop);
        bool right = (e->allowed >> o & 1) && entry_stop_is_right(e, o, &stop, entry_bench_vcpu(b));
        g_string_append_printf(f->entries, "  %-40s %-12s", e->name, entry_outcome_name(o));
        if (o == ENTRY_FAULT || o == ENTRY_TRAP)
            g_string_append_printf(f->entries, " vector %-3u", stop.vector);
        else
            g_string_append_printf(f->entries, " %-10s", "");
        g_string_append_printf(f->entries, "%s%s\n", e->note ? " " : "", e->note ? e->note : "");
        if (stop.exit == SANDBOX_FULL) { /* none of the others would fare better */
            f->why = g_strdup("modify_ldt or mmap is not allowed");
            return false;
        }
        if (!right) {
            if (ok)
                f->why = g_strdup_printf("the host treats \"%s\" in an unknown way (%s, %s)", e->name,
                                         entry_outcome_name(o), stop.why);
            ok = false;
        }
        if (!strcmp(e->name, "cpuid"))
            f->cpuid_faults = o == ENTRY_FAULT;
        if (!strcmp(e->name, "16-bit code"))
            f->segments16 = o == ENTRY_RUNS;
    }
    return ok;
}

static const Entry trip_gp = { "hlt", { 0xf4, 0x90 }, 2, 0, VEC_GP, 0, ENTRY_FLAT, NULL };
static const Entry trip_pf = { "read", { 0xa1, 0, 0, 0, 0x10 }, 5, 0, VEC_PF, 0, ENTRY_FLAT, NULL };
static const Entry trip_int80 = { "int 80h", { 0xcd, 0x80 }, 2, 2, 0x80, 0, ENTRY_FLAT, NULL };
static const Entry trip_rdtsc = { "rdtsc", { 0x0f, 0x31 }, 2, 0, VEC_GP, 0, ENTRY_FLAT, NULL };

/* Microseconds of a stop: the least of some means of a few, which others' work on the machine disturbs least. */
static double trip_cost(EntryBench *b, const Entry *e)
{
    SandboxStop stop;
    double best = 1e9;
    entry_run(b, e, &stop);
    for (int n = 0; n < TRIES; n++) {
        gint64 start = g_get_monotonic_time();
        for (int k = 0; k < TRIPS; k++) {
            entry_bench_vcpu(b)->rip = ENTRY_CODE;
            sandbox_run(entry_bench_sandbox(b), entry_bench_vcpu(b), &stop);
        }
        best = MIN(best, (g_get_monotonic_time() - start) / (double)TRIPS);
    }
    return best;
}

static double map_cost(EntryBench *b)
{
    Sandbox *s = entry_bench_sandbox(b);
    double best = 1e9;
    for (int n = 0; n < TRIES; n++) {
        gint64 start = g_get_monotonic_time();
        for (int k = 0; k < MAPPINGS; k++) /* descending: neighbours do not merge */
            sandbox_map(s, 0x20000000 - k * 0x1000, (k & 7) << 12, 0x1000, SANDBOX_READ);
        sandbox_flush(s);
        best = MIN(best, (g_get_monotonic_time() - start) / (double)MAPPINGS);
        sandbox_unmap(s, 0x20000000 - MAPPINGS * 0x1000, (MAPPINGS + 1) * 0x1000);
        sandbox_flush(s);
    }
    return best;
}

HostFacts *host_probe(bool measure)
{
    HostFacts *f = g_new0(HostFacts, 1);
    GError *error = NULL;
    SandboxStop stop;

    f->entries = g_string_new(NULL);
    f->low_limit = read_number("/proc/sys/vm/mmap_min_addr", "", 0x10000);
    f->max_mappings = read_number("/proc/sys/vm/max_map_count", "", 65530);
    f->traced = read_number("/proc/self/status", "TracerPid:", 0) != 0;
    gint64 start = g_get_monotonic_time();
    EntryBench *b = entry_bench_new(&error);
    f->birth_us = g_get_monotonic_time() - start;
    if (!b) {
        f->why = g_strdup(error->message);
        g_error_free(error);
        return f;
    }
    if (try_entries(b, f))
        f->level = HOST_NATIVE;
    if (entry_bench_sandbox(b)) {
        sandbox_set_tsc_faults(entry_bench_sandbox(b), true);
        f->tsc_faults = entry_run(b, &trip_rdtsc, &stop) == ENTRY_FAULT;
        sandbox_set_tsc_faults(entry_bench_sandbox(b), false);
    }
    if (measure && f->level == HOST_NATIVE) {
        f->trip_gp_us = trip_cost(b, &trip_gp);
        f->trip_pf_us = trip_cost(b, &trip_pf);
        f->trip_int80_us = trip_cost(b, &trip_int80);
        f->map_us = map_cost(b);
    }
    entry_bench_free(b);
    return f;
}

void host_facts_free(HostFacts *f)
{
    if (!f)
        return;
    g_free(f->why);
    g_string_free(f->entries, TRUE);
    g_free(f);
}

char *host_facts_line(const HostFacts *f)
{
    if (f->level == HOST_TRANSLATE)
        return g_strdup_printf("direct execution: off: %s%s; guest code is translated", f->why,
                               f->traced ? " (x86vm is being traced)" : "");
    return g_strdup_printf("direct execution: native%s", f->cpuid_faults ? "" : ", pages with CPUID excepted");
}

void decision_print_capabilities(GString *out)
{
    HostFacts *f = host_probe(true);
    char *line = host_facts_line(f);
    g_string_append_printf(out, "%s\n", line);
    g_free(line);
    if (f->level == HOST_NATIVE) {
        g_string_append_printf(out, "  CPUID can fault: %s; RDTSC can fault: %s; 16-bit segments: %s\n",
                               f->cpuid_faults ? "yes" : "no", f->tsc_faults ? "yes" : "no",
                               f->segments16 ? "yes" : "no");
        g_string_append_printf(out, "  lowest address: %#x; mappings: %u, of which %u are used at most\n",
                               f->low_limit, f->max_mappings, SANDBOX_MAPPINGS_MAX);
        g_string_append_printf(
            out, "  microseconds: birth %.0f; stop by #GP %.1f, #PF %.1f, INT 80h %.1f; a mapping in a batch %.1f\n",
            f->birth_us, f->trip_gp_us, f->trip_pf_us, f->trip_int80_us, f->map_us);
    }
    if (f->entries->len)
        g_string_append_printf(out, "what the host does with each entry:\n%s", f->entries->str);
    host_facts_free(f);
}

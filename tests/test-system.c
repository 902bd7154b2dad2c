/*
 * System state: small guests (tests/guests) that do what an operating system does to a CPU, privileged and wrong things
 * included, and record what comes of it. Each carries the record that the manual asks for; see guests/common.inc.
 */
#include "cpubench.h"

#include "tcache/tcache.h"

#include <unistd.h>

#define LOAD_ADDR 0x8000
#define MAX_INSNS 8000000
#define CHAOS_SEED 1
#define FEW_MAPPINGS 3

typedef struct Guest {
    const char *name;
    const char *cpu;
    bool shuts_down; /* ends in a triple fault, not in HLT */
} Guest;

static uint32_t word_at(const char *bytes, unsigned n)
{
    uint32_t value;
    memcpy(&value, bytes + 4 * n, 4);
    return value;
}

typedef Exit RunFn(Vcpu *v, uint64_t max_insns);

static void run_guest(const Guest *guest, RunFn *run, bool stepping)
{
    g_autofree char *file = g_strdup_printf("%s.bin", guest->name);
    g_autofree char *path = g_test_build_filename(G_TEST_BUILT, "tests", "guests", file, NULL);
    g_autofree char *image = NULL;
    g_autoptr(GError) error = NULL;
    gsize size = 0;
    CpuBench *b = cpu_bench_new(guest->cpu, 8 << 20);

    g_file_get_contents(path, &image, &size, &error);
    g_assert_no_error(error);
    cpu_bench_load(b, LOAD_ADDR, image, size);
    cpu_bench_start(b, 0, LOAD_ADDR, 0x7000);
    if (run != interp_run) {
        tcache_new(b->v, 1 << 20, &error);
        g_assert_no_error(error);
    }
    Exit why = EXIT_BUDGET;
    if (stepping)
        why = run(b->v, MAX_INSNS);
    else
        for (int n = 0; n < 100 && why == EXIT_BUDGET; n++)
            why = run(b->v, 0);

    unsigned from = word_at(image, 1) - LOAD_ADDR, to = word_at(image, 2) - LOAD_ADDR;
    g_assert_cmpuint(from, <, to);
    g_assert_cmpuint(to, <=, size);
    unsigned count = (to - from) / 4, got = b->log->len / 4;
    for (unsigned n = 0; n < MIN(count, got); n++)
        if (word_at(b->log->str, n) != word_at(image + from, n))
            g_error("%s: word %u of the record is %08x, expected %08x (before it: %08x, expected after it: %08x)",
                    guest->name, n, word_at(b->log->str, n), word_at(image + from, n),
                    n ? word_at(image + from, n - 1) : 0, n + 1 < count ? word_at(image + from, n + 1) : 0);
    g_assert_cmpuint(got, ==, count);
    g_assert_cmpint(why, ==, guest->shuts_down ? EXIT_SHUTDOWN : EXIT_HALT);
    g_assert_cmpuint(b->shutdowns, ==, guest->shuts_down);
    tcache_free(b->v->tcache);
    cpu_bench_free(b);
}

static void test_blocks(gconstpointer guest)
{
    run_guest(guest, interp_run, false);
}

static void test_steps(gconstpointer guest)
{
    run_guest(guest, interp_run, true);
}

static void test_translated(gconstpointer guest)
{
    run_guest(guest, tcache_run, false);
}

static void test_unchained(gconstpointer guest)
{
    run_guest(guest, tcache_run, true);
}

static void no_difference(void *opaque, const char *report)
{
    g_error("%s", report);
}

/* Every block both ways. */
static Exit run_shadowed(Vcpu *v, uint64_t max_insns)
{
    if (!tcache_shadow_blocks(v->tcache))
        tcache_set_shadow(v->tcache, no_difference, NULL);
    Exit exit = tcache_run(v, max_insns);
    g_assert_cmpuint(tcache_shadow_blocks(v->tcache), >, 100);
    return exit;
}

static void test_shadow(gconstpointer guest)
{
    run_guest(guest, run_shadowed, false);
}

static Exit run_chaos(Vcpu *v, uint64_t max_insns)
{
    tcache_set_chaos(v->tcache, CHAOS_SEED, false);
    return tcache_run(v, max_insns);
}

static Exit run_windowed(Vcpu *v, unsigned budget, uint64_t max_insns)
{
    g_autoptr(GError) error = NULL;
    if (!v->windows && !tcache_set_window(v->tcache, TCACHE_WINDOW_ALL, budget, &error))
        g_error("%s", error->message);
    return tcache_run(v, max_insns);
}

static Exit run_windows(Vcpu *v, uint64_t max_insns)
{
    return run_windowed(v, 0, max_insns);
}

static Exit run_few_windows(Vcpu *v, uint64_t max_insns)
{
    return run_windowed(v, FEW_MAPPINGS, max_insns);
}

static Exit run_chaos_windows(Vcpu *v, uint64_t max_insns)
{
    tcache_set_chaos(v->tcache, CHAOS_SEED, false);
    return run_windows(v, max_insns);
}

/* Memory operands by shadow windows: chained, not, with hardly any room, and changing engines. */
static void test_windows(gconstpointer guest)
{
    run_guest(guest, run_windows, false);
    run_guest(guest, run_windows, true);
    run_guest(guest, run_few_windows, false);
    run_guest(guest, run_chaos_windows, false);
}

static void test_chaos(gconstpointer guest)
{
    run_guest(guest, run_chaos, false);
}

int main(int argc, char **argv)
{
    static const Guest guests[] = {
        {"segments", "qemu32", false},
        {"gates", "qemu32", false},
        {"paging", "qemu32,+nx,+smap", false},
        {"events", "qemu32", true},
        {"v8086", "qemu32", false},
        {"tasks", "qemu32", false},
        {"traps", "qemu32", false},
        {"vme", "qemu32", false},
        {"privileged", "qemu32,+syscall,+umip", false},
        {"real", "qemu32", true},
        {"faults", "qemu32,+nx", false},
        {"direct", "qemu32", false},
        {"threads", "qemu32", false},
    };
    g_test_init(&argc, &argv, NULL);
    alarm(60); /* a guest that goes astray must not hang the test */
    for (unsigned n = 0; n < G_N_ELEMENTS(guests); n++) {
        g_autofree char *blocks = g_strdup_printf("/system/%s/blocks", guests[n].name);
        g_autofree char *steps = g_strdup_printf("/system/%s/steps", guests[n].name);
        g_autofree char *translated = g_strdup_printf("/system/%s/translated", guests[n].name);
        g_autofree char *unchained = g_strdup_printf("/system/%s/unchained", guests[n].name);
        g_autofree char *shadow = g_strdup_printf("/system/%s/shadow", guests[n].name);
        g_autofree char *chaos = g_strdup_printf("/system/%s/chaos", guests[n].name);
        g_autofree char *windows = g_strdup_printf("/system/%s/windows", guests[n].name);
        g_test_add_data_func(shadow, &guests[n], test_shadow);
        g_test_add_data_func(chaos, &guests[n], test_chaos);
        g_test_add_data_func(windows, &guests[n], test_windows);
        g_test_add_data_func(translated, &guests[n], test_translated);
        g_test_add_data_func(unchained, &guests[n], test_unchained);
        g_test_add_data_func(blocks, &guests[n], test_blocks);
        g_test_add_data_func(steps, &guests[n], test_steps);
    }
    return g_test_run();
}

/*
 * Direct execution as a whole: small guests whose user code runs in the sandbox, against the record that the manual asks for;
 * kicks from another thread; writes by another thread; the policy; the sweep. Skips what needs a sandbox where there is none.
 */
#include "cpubench.h"

#include <unistd.h>

#include "decision/direct_state.h"
#include "tcache/tcache.h"

#define LOAD_ADDR 0x8000

static bool have_sandbox(void)
{
    static int have = -1;
    if (have < 0) {
        HostFacts *f = host_probe(false);
        have = f->level == HOST_NATIVE;
        if (!have)
            g_test_message("no sandbox here: %s", f->why);
        host_facts_free(f);
    }
    if (!have)
        g_test_skip("no sandbox on this host");
    return have;
}

static uint32_t word_at(const char *bytes, unsigned n)
{
    uint32_t value;
    memcpy(&value, bytes + 4 * n, 4);
    return value;
}

static CpuBench *bench_with(const char *name, const char *cpu, char **image, gsize *size)
{
    g_autofree char *file = g_strdup_printf("%s.bin", name);
    g_autofree char *path = g_test_build_filename(G_TEST_BUILT, "tests", "guests", file, NULL);
    g_autoptr(GError) error = NULL;
    CpuBench *b = cpu_bench_new(cpu, 8 << 20);
    g_file_get_contents(path, image, size, &error);
    g_assert_no_error(error);
    cpu_bench_load(b, LOAD_ADDR, *image, *size);
    cpu_bench_start(b, 0, LOAD_ADDR, 0x7000);
    tcache_new(b->v, 1 << 20, &error);
    g_assert_no_error(error);
    return b;
}

static void bench_end(CpuBench *b, Direct *d)
{
    direct_free(d);
    tcache_free(b->v->tcache);
    cpu_bench_free(b);
}

/* ---- guests with a record: tests/guests ---- */

typedef struct Guest {
    const char *name, *cpu;
    bool shuts_down; /* ends in a triple fault, not in HLT */
} Guest;

static void test_guest(gconstpointer opaque)
{
    const Guest *guest = opaque;
    g_autofree char *image = NULL;
    gsize size;
    if (!have_sandbox())
        return;
    CpuBench *b = bench_with(guest->name, guest->cpu, &image, &size);
    Direct *d = direct_new(b->v, DIRECT_ON, NULL);
    Exit why = direct_run(d);
    unsigned from = word_at(image, 1) - LOAD_ADDR, count = (word_at(image, 2) - LOAD_ADDR - from) / 4;
    for (unsigned n = 0; n < MIN(count, b->log->len / 4); n++)
        if (word_at(b->log->str, n) != word_at(image + from, n))
            g_error("%s: word %u of the record is %08x, expected %08x (before it: %08x, expected after it: %08x)", guest->name, n,
                    word_at(b->log->str, n), word_at(image + from, n), n ? word_at(image + from, n - 1) : 0,
                    n + 1 < count ? word_at(image + from, n + 1) : 0);
    g_assert_cmpuint(b->log->len / 4, ==, count);
    g_assert_cmpint(why, ==, guest->shuts_down ? EXIT_SHUTDOWN : EXIT_HALT);
    if (!strcmp(guest->name, "direct")) {
        g_autoptr(GString) out = g_string_new(NULL);
        direct_print(d, out);
        g_test_message("%s", out->str);
        g_assert_cmpuint(d->stats.stays, >, 20);
        g_assert_cmpuint(d->stats.code, >, 0);
        g_assert_cmpuint(d->stats.mapped, >, 3);
        g_assert_cmpuint(d->stats.refused[ROW_SGDT], >, 0);
        g_assert_cmpuint(d->stats.bans, ==, 0);
        g_assert_cmpuint(d->stats.births, ==, 2);
    }
    bench_end(b, d);
}

int main(int argc, char **argv)
{
    static const Guest guests[] = {
        {"direct", "qemu32", false}, {"segments", "qemu32", false}, {"gates", "qemu32", false}, {"paging", "qemu32,+nx", false},
        {"events", "qemu32", true},  {"v8086", "qemu32", false}, {"tasks", "qemu32", false}, {"traps", "qemu32", false},
        {"vme", "qemu32", false},    {"privileged", "qemu32,+syscall", false}, {"real", "qemu32", true},
        {"faults", "qemu32,+nx", false},
    };
    g_test_init(&argc, &argv, NULL);
    alarm(60); /* a guest that goes astray must not hang the test */
    for (unsigned n = 0; n < G_N_ELEMENTS(guests); n++) {
        g_autofree char *path = g_strdup_printf("/direct/guest/%s", guests[n].name);
        g_test_add_data_func(path, &guests[n], test_guest);
    }
    return g_test_run();
}

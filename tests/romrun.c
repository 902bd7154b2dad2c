/*
 * Runs a test ROM as the BIOS of a bare machine: RAM, the ROM below 1 MiB and below 4 GiB, and two ports. One takes
 * diagnostic (POST) codes, the other (0xe9) the characters of the ROM's output. See tests/README, "The 80386 test ROM".
 *
 *     romrun [options] ROM [REFERENCE]
 *
 * Succeeds when the last POST code is the one expected and the output equals the reference, if one is given.
 */
#include "cpubench.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tcache/tcache.h"

#define TB_BYTES (4u << 20)
#define GIVE_UP_SECONDS 300 /* the translator runs without a bound on instructions */

typedef struct PostLog {
    CpuBench *bench;
    int last, wanted;
    bool quiet;
} PostLog;

static void post_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    PostLog *p = opaque;
    p->last = value & 0xff;
    if (p->last == p->wanted)
        vcpu_attention(p->bench->v, ATTN_STOP);
    if (!p->quiet)
        fprintf(stderr, "POST %02x at %04x:%08x\n", p->last, p->bench->v->seg[S_CS].sel, (unsigned)p->bench->v->insn_rip);
}

static const RegionOps post_ops = {NULL, post_write, 1, 1};

/* The first line in which output and reference differ, told on stderr. CR and trailing blanks do not count. */
static bool same_text(const char *output, const char *reference)
{
    g_auto(GStrv) a = g_strsplit(output, "\n", -1);
    g_auto(GStrv) b = g_strsplit(reference, "\n", -1);
    unsigned differ = 0, n = 0;
    for (; a[n] && b[n]; n++)
        if (strcmp(g_strchomp(a[n]), g_strchomp(b[n])) && differ++ < 20)
            fprintf(stderr, "line %u\n  output    %s\n  reference %s\n", n + 1, a[n], b[n]);
    bool same_length = g_strv_length(a) == g_strv_length(b);
    if (!same_length)
        fprintf(stderr, "output has %u lines, reference %u\n", g_strv_length(a), g_strv_length(b));
    if (differ)
        fprintf(stderr, "%u of %u lines differ\n", differ, n);
    return !differ && same_length;
}

int main(int argc, char **argv)
{
    int post_port = 0x190, last = 0xff, limit = 2000;
    gboolean quiet = FALSE, translate = FALSE;
    g_autofree char *cpu = NULL, *save = NULL;
    const GOptionEntry options[] = {
        {"post", 0, 0, G_OPTION_ARG_INT, &post_port, "port of diagnostic codes (0x190)", "PORT"},
        {"last", 0, 0, G_OPTION_ARG_INT, &last, "code that means success (0xff)", "CODE"},
        {"limit", 0, 0, G_OPTION_ARG_INT, &limit, "give up after this many million instructions (2000)", "N"},
        {"cpu", 0, 0, G_OPTION_ARG_STRING, &cpu, "CPU model (486)", "MODEL"},
        {"translate", 't', 0, G_OPTION_ARG_NONE, &translate, "run it by the translator, not the interpreter", NULL},
        {"save", 0, 0, G_OPTION_ARG_FILENAME, &save, "write the ROM's output to a file", "FILE"},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "do not print the codes", NULL},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("ROM [REFERENCE]");
    g_autoptr(GError) error = NULL;
    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2 || argc > 3) {
        fprintf(stderr, "romrun: %s\n", error ? error->message : "give a ROM, and optionally a reference");
        return 2;
    }
    g_autofree char *rom = NULL, *reference = NULL;
    gsize rom_size = 0;
    if (!g_file_get_contents(argv[1], &rom, &rom_size, &error) ||
        (argc == 3 && !g_file_get_contents(argv[2], &reference, NULL, &error))) {
        fprintf(stderr, "romrun: %s\n", error->message);
        return 2;
    }
    if (rom_size == 0 || rom_size % PAGE_SIZE || rom_size > 0x20000) {
        fprintf(stderr, "romrun: %s: %zu bytes; a ROM has a multiple of 4096, up to 128 KiB\n", argv[1], rom_size);
        return 2;
    }

    CpuBench *b = cpu_bench_new(cpu ? cpu : "486", 1 << 20);
    g_autoptr(GError) rom_error = NULL;
    Ram *bytes = ram_new(rom_size, &rom_error); /* page aligned memory for the ROM */
    g_assert_no_error(rom_error);
    memcpy(bytes->host, rom, rom_size);
    bus_add_rom(b->mem, "rom", 0x100000 - rom_size, rom_size, bytes->host, 1);
    bus_add_rom(b->mem, "rom high", 0x100000000 - rom_size, rom_size, bytes->host, 1);
    PostLog post = {.bench = b, .last = -1, .wanted = last, .quiet = quiet};
    bus_add_io(b->io, "post", post_port, 1, &post_ops, &post, 1);

    Exit why = EXIT_BUDGET;
    gint64 start = g_get_monotonic_time();
    if (translate) {
        if (!tcache_new(b->v, TB_BYTES, &error)) {
            fprintf(stderr, "romrun: %s\n", error->message);
            return 2;
        }
        alarm(GIVE_UP_SECONDS);
        why = tcache_run(b->v, 0);
    } else {
        for (int n = 0; n < limit && why == EXIT_BUDGET && post.last != last; n++)
            why = interp_run(b->v, 1000000);
    }
    double seconds = (g_get_monotonic_time() - start) / 1e6;
    printf("%s: last POST code %02x after %" G_GUINT64_FORMAT " instructions, %.2f s; CPU %s at %04x:%08x, %zu bytes of output\n",
           translate ? "translator" : "interpreter", (unsigned)post.last, b->v->insns, seconds,
           why == EXIT_HALT ? "halted" : why == EXIT_SHUTDOWN ? "shut down" : "running", b->v->seg[S_CS].sel,
           (unsigned)b->v->rip, b->log->len);
    if (save && !g_file_set_contents(save, b->log->str, b->log->len, &error))
        fprintf(stderr, "romrun: %s\n", error->message);
    bool ok = post.last == last && (!reference || same_text(b->log->str, reference));
    tcache_free(b->v->tcache);
    cpu_bench_free(b);
    ram_free(bytes);
    return ok ? 0 : 1;
}

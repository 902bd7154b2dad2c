/* Shared by the sandbox's tests. See sandboxtest.h. */
#include "sandboxtest.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

Box *box_new(void)
{
    GError *error = NULL;
    EntryBench *bench = entry_bench_new(&error);
    if (!bench) {
        g_test_skip(error->message);
        g_error_free(error);
        return NULL;
    }
    Box *b = g_new0(Box, 1);
    b->bench = bench;
    b->v = entry_bench_vcpu(bench);
    b->ram = entry_bench_ram(bench);
    return b;
}

void box_free(Box *b)
{
    if (b)
        entry_bench_free(b->bench);
    g_free(b);
}

Sandbox *box_sandbox(Box *b)
{
    return entry_bench_sandbox(b->bench);
}

EntryOutcome box_run_bytes(Box *b, const uint8_t *code, size_t n)
{
    Entry e = { .name = "test", .len = n, .setup = ENTRY_FLAT };
    g_assert_cmpuint(n, <=, sizeof e.code);
    memcpy(e.code, code, n);
    return b->outcome = entry_run(b->bench, &e, &b->stop);
}

SandboxExit box_resume(Box *b)
{
    return sandbox_run(box_sandbox(b), b->v, &b->stop);
}

uint8_t *box_byte(Box *b, uint32_t addr)
{
    return b->ram->host + (addr & 0xffff);
}

/* Name and state of a process; false: none. */
static bool process_stat(pid_t pid, char name[32], char *state, int *parent)
{
    char path[40];
    bool ok = false;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (f) {
        ok = fscanf(f, "%*d (%31[^)]) %c %d", name, state, parent) == 3;
        fclose(f);
    }
    return ok;
}

bool process_lives(pid_t pid)
{
    char name[32], state;
    int parent;
    return process_stat(pid, name, &state, &parent) && state != 'Z' && state != 'X';
}

unsigned sandboxes_alive(void)
{
    unsigned n = 0;
    GDir *dir = g_dir_open("/proc", 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir))) {
        char name[32], state;
        int parent;
        if (g_ascii_isdigit(*entry) && process_stat(atoi(entry), name, &state, &parent) && parent == getpid()
            && g_str_has_prefix(name, "x86vm-sandbox"))
            n++;
    }
    g_dir_close(dir);
    return n;
}

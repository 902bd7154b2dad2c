/*
 * What the sandbox costs: stops with registers by kind, mappings in a batch, births, x87 transfer, kicks.
 *
 *     sandbox-bench [rounds]
 *
 * Prints, per operation, the least and the median of many: the least is what the operation costs, the median what
 * it cost just now among everything else that the machine did. References for the machine are printed beside: a
 * system call, and two processes handing over by ptrace with no registers moved. With -g N: exit status 1 when a
 * stop by #GP, #PF or SYSENTER-class call has a least above N us or a mapping above N * 2 / 3. As root, it measures
 * an ordinary user too.
 */
#include "config.h"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "decision/entries.h"
#include "cpu/cpu.h"
#include "softmmu/ram.h"

enum { BATCH = 60 };

typedef struct Cost {
    double least, median;
} Cost;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static Cost summary(double *us, int n)
{
    qsort(us, n, sizeof *us, by_value);
    return (Cost){ us[0], us[n / 2] };
}

static void print_cost(const char *name, Cost c)
{
    printf("%-44s %8.2f %8.2f\n", name, c.least, c.median);
    fflush(stdout);
}

/* A stop by the entry of that name, again and again; SANDBOX_ESCAPE can not be repeated and is not measured. */
static Cost stop_cost(EntryBench *b, const Entry *e, double *us, int rounds)
{
    SandboxStop stop;
    Vcpu *v = entry_bench_vcpu(b);
    if (entry_run(b, e, &stop) == ENTRY_ESCAPE)
        return (Cost){ 0, 0 };
    uint32_t esp = v->gpr[R_SP].d;
    for (int n = 0; n < rounds; n++) {
        v->rip = ENTRY_CODE;
        v->gpr[R_SP].d = esp;
        double start = now_us();
        sandbox_run(entry_bench_sandbox(b), v, &stop);
        us[n] = now_us() - start;
    }
    sandbox_fpu_home(entry_bench_sandbox(b), v);
    return summary(us, rounds);
}

static Cost map_cost(EntryBench *b, double *us, int rounds, int batch)
{
    Sandbox *s = entry_bench_sandbox(b);
    rounds = MAX(rounds / batch, 20);
    for (int n = 0; n < rounds; n++) {
        double start = now_us();
        for (int k = 0; k < batch; k++) /* descending: nothing merges */
            sandbox_map(s, 0x20000000 - k * 0x1000, (k & 7) << 12, 0x1000, SANDBOX_READ);
        sandbox_flush(s);
        us[n] = (now_us() - start) / batch;
        sandbox_unmap(s, 0x20000000 - batch * 0x1000, (batch + 1) * 0x1000);
        sandbox_flush(s);
    }
    return summary(us, rounds);
}

/* The machine's own: a system call; and a hand-over to a traced process and back, by an INT3 under SYSEMU. */
static Cost syscall_cost(double *us, int rounds)
{
    for (int n = 0; n < rounds; n++) {
        double start = now_us();
        for (int k = 0; k < 10; k++)
            syscall(SYS_getppid);
        us[n] = (now_us() - start) / 10;
    }
    return summary(us, rounds);
}

static Cost handover_cost(EntryBench *b, double *us, int rounds)
{
    static const Entry int3 = { "int3", { 0xcc, 0xeb, 0xfd }, 3, 1, VEC_BP, 0, ENTRY_FLAT, NULL };
    pid_t pid = sandbox_pid(entry_bench_sandbox(b));
    SandboxStop stop;
    int status;
    entry_run(b, &int3, &stop);
    for (int n = 0; n < rounds; n++) {
        double start = now_us();
        ptrace(31 /* PTRACE_SYSEMU */, pid, NULL, NULL);
        waitpid(pid, &status, __WALL);
        us[n] = now_us() - start;
    }
    return summary(us, rounds);
}

static Cost fpu_cost(EntryBench *b, double *us, int rounds, Cost plain)
{
    static const Entry gp = { "hlt", { 0xf4, 0x90 }, 2, 0, VEC_GP, 0, ENTRY_FLAT, NULL };
    SandboxStop stop;
    Vcpu *v = entry_bench_vcpu(b);
    entry_run(b, &gp, &stop);
    for (int n = 0; n < rounds; n++) {
        v->rip = ENTRY_CODE;
        double start = now_us();
        sandbox_run(entry_bench_sandbox(b), v, &stop);
        sandbox_fpu_home(entry_bench_sandbox(b), v);
        us[n] = now_us() - start;
    }
    Cost c = summary(us, rounds);
    return (Cost){ MAX(c.least - plain.least, 0), MAX(c.median - plain.median, 0) };
}

static Cost birth_cost(int ram_fd, double *us)
{
    enum { BIRTHS = 40 };
    for (int n = 0; n < BIRTHS; n++) {
        double start = now_us();
        Sandbox *s = sandbox_new(ram_fd, NULL);
        us[n] = now_us() - start;
        sandbox_free(s);
    }
    return summary(us, BIRTHS);
}

static gpointer kick_later(gpointer opaque)
{
    double *at = opaque;
    Sandbox *s = *(Sandbox **)(at + 1);
    g_usleep(500);
    *at = now_us();
    sandbox_kick(s);
    return NULL;
}

static Cost kick_cost(EntryBench *b, double *us)
{
    enum { KICKS = 60 };
    static const Entry loop = { "loop", { 0xeb, 0xfe }, 2, 0, 0, 0, ENTRY_FLAT, NULL };
    static const Entry gp = { "hlt", { 0xf4, 0x90 }, 2, 0, VEC_GP, 0, ENTRY_FLAT, NULL };
    SandboxStop stop;
    entry_run(b, &gp, &stop);
    memcpy(entry_bench_ram(b)->host + (ENTRY_CODE & 0xf000), loop.code, loop.len);
    for (int n = 0; n < KICKS; n++) {
        struct {
            double at;
            Sandbox *s;
        } k = { 0, entry_bench_sandbox(b) };
        GThread *t = g_thread_new("kicker", kick_later, &k);
        sandbox_run(k.s, entry_bench_vcpu(b), &stop);
        us[n] = now_us() - k.at;
        g_thread_join(t);
    }
    return summary(us, KICKS);
}

static int measure(int rounds, double gate)
{
    static const char *const stops[] = {
        "hlt", "in al, dx", "#PF: not mapped", "int3", "into, OF set", "sysenter", "int 80h", "ud2", "#DE", "cpuid",
    };
    GError *error = NULL;
    EntryBench *b = entry_bench_new(&error);
    double *us = g_new(double, MAX(rounds, 1000));
    double worst = 0, map;
    if (!b) {
        printf("no sandbox here: %s\n", error->message);
        g_error_free(error);
        g_free(us);
        return 0;
    }
    Cost gp = { 0, 0 };
    printf("%-44s %8s %8s\n", getuid() ? "microseconds, as an ordinary user" : "microseconds, as root", "least",
           "median");
    print_cost("a system call (reference)", syscall_cost(us, rounds));
    print_cost("hand-over there and back, no registers (ref.)", handover_cost(b, us, rounds));
    for (unsigned n = 0; n < G_N_ELEMENTS(stops); n++)
        for (const Entry *e = entries; e->name; e++) {
            if (strcmp(e->name, stops[n]))
                continue;
            Cost c = stop_cost(b, e, us, rounds);
            char *name = g_strdup_printf("stop with registers: %s", e->name);
            print_cost(name, c);
            g_free(name);
            if (n == 0)
                gp = c;
            if (n <= 3)
                worst = MAX(worst, c.least);
        }
    print_cost("x87 and SSE state in and out, on top", fpu_cost(b, us, rounds, gp));
    Cost c = map_cost(b, us, rounds, BATCH);
    map = c.least;
    print_cost("a mapping in a batch of 60", c);
    print_cost("a mapping alone", map_cost(b, us, rounds / 4, 1));
    print_cost("kick to stop", kick_cost(b, us));
    print_cost("birth", birth_cost(entry_bench_ram(b)->fd, us));
    entry_bench_free(b);
    g_free(us);
    if (gate > 0 && (worst > gate || map > gate * 2 / 3)) {
        printf("above the gate: a stop %.2f us (gate %.1f), a mapping %.2f us (gate %.1f)\n", worst, gate, map,
               gate * 2 / 3);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    double gate = 0;
    int opt;
    while ((opt = getopt(argc, argv, "g:")) != -1) {
        if (opt != 'g') {
            fprintf(stderr, "usage: sandbox-bench [-g MICROSECONDS] [rounds]\n");
            return 2;
        }
        gate = atof(optarg);
    }
    int rounds = optind < argc ? MAX(atoi(argv[optind]), 100) : 5000;
    /* One core: the gate speaks of that, and moving in between would be measured too. */
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    sched_setaffinity(0, sizeof set, &set);
    int status = measure(rounds, gate);
    if (!getuid()) {
        printf("\n");
        fflush(stdout);
        pid_t pid = fork();
        if (!pid)
            _exit(setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)
                      ? 2
                      : measure(rounds, gate));
        int s = 0;
        waitpid(pid, &s, 0);
        status |= WEXITSTATUS(s);
    }
    return status;
}

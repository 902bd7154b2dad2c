/*
 * The differential test: random instructions on the host CPU and on our engines, compared. See docs/testing.md.
 *
 *     test-diff [--cases N] [--seed S] [--first I] [--only MNEMONIC] [-j N] [--case I] [--coverage] [--reports N]
 *               [--translate | --window [--budget N] | --direct | --strict] [--batch]
 *
 * DIFF_CASES, DIFF_SEED and DIFF_JOBS in the environment are the defaults of --cases, --seed and -j. The work is done
 * in worker processes; the parent starts them, sees that they move, and starts them again behind a case that killed
 * them (which counts as a mismatch). SIGTERM and SIGINT end the run; what was done until then is told.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diff/worker.h"
#include "frontend/insn.h"

typedef struct Options {
    gint64 cases, seed, first, single;
    int jobs, reports;
    char *only, *cpu;
    gboolean coverage, translate, window, direct, strict, batch;
    int budget;
} Options;

typedef struct Job {
    pid_t pid;
    WorkerStatus *s;
    uint64_t end;
    uint64_t seen, stuck; /* the case seen last, seconds since it changed */
    uint64_t deaths;
} Job;

enum { STUCK_SECONDS = 120, EXIT_SKIP = 77 };

static DiffEngine *engine_new(const Options *o)
{
    if (o->window)
        return diff_engine_windowed(o->cpu, o->budget);
    if (o->direct || o->strict)
        return diff_engine_direct(o->cpu, o->strict);
    return o->translate ? diff_engine_translate(o->cpu) : diff_engine_interp(o->cpu);
}

/* What makes the same engine and the same cases. */
static char *same_options(const Options *o)
{
    GString *s = g_string_new(o->window ? " --window" : o->strict ? " --strict" : o->direct ? " --direct"
                              : o->translate ? " --translate" : "");
    if (o->budget)
        g_string_append_printf(s, " --budget %d", o->budget);
    if (strcmp(o->cpu, "max"))
        g_string_append_printf(s, " --cpu %s", o->cpu);
    if (o->only)
        g_string_append_printf(s, " --only %s", o->only);
    if (o->batch)
        g_string_append(s, " --batch");
    return g_string_free(s, FALSE);
}

static Worker *new_worker(const Options *o, DiffEngine *e, const char *options, const char **reason)
{
    Worker *w = worker_new(e, o->only, options, reason);
    if (w && o->batch)
        worker_set_packed(w);
    return w;
}

static void work(const Options *o, Job *job)
{
    const char *reason = NULL;
    g_autofree char *options = same_options(o);
    DiffEngine *e = engine_new(o);
    Worker *w = e ? new_worker(o, e, options, &reason) : NULL;
    if (!w) {
        printf("1..0 # SKIP %s\n", e ? reason : "no such -cpu, or not on this host");
        fflush(stdout);
        _exit(EXIT_SKIP);
    }
    GString *report = g_string_new(NULL);
    while (job->s->next < job->end) {
        bool tell = job->s->mismatches < (uint64_t)o->reports;
        if (o->batch) {
            worker_batch(w, o->seed, job->s->next, job->end, job->s, tell ? report : NULL);
        } else {
            worker_case(w, o->seed, job->s->next, job->s, tell ? report : NULL, true);
            job->s->next++;
        }
        if (report->len) {
            fputs(report->str, stdout);
            fflush(stdout);
            g_string_truncate(report, 0);
        }
    }
    if (o->direct || o->strict)
        diff_engine_direct_print(e, report);
    fputs(report->str, stdout);
    g_string_free(report, TRUE);
    fflush(stdout);
    worker_free(w);
    _exit(0);
}

static void start(const Options *o, Job *job)
{
    fflush(stdout);
    job->pid = fork();
    if (job->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        work(o, job);
    }
    g_assert_cmpint(job->pid, >, 0);
    job->stuck = 0;
}

/* Wait for a job; false when the host cannot run cases at all. */
static bool tend(const Options *o, Job *job, bool *running)
{
    int status;
    if (!job->pid)
        return true;
    if (waitpid(job->pid, &status, WNOHANG) == job->pid) {
        job->pid = 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP)
            return false;
        if (!WIFEXITED(status) || WEXITSTATUS(status)) {
            printf("# MISMATCH: the worker died (%s %d) in case --seed %" G_GINT64_FORMAT " --case %" G_GUINT64_FORMAT "\n",
                   WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                   o->seed, job->s->next);
            job->s->next++, job->s->done++, job->s->mismatches++, job->deaths++;
            if (job->s->next < job->end && job->deaths < 100) {
                start(o, job);
                *running = true;
            }
        }
        return true;
    }
    *running = true;
    if (job->s->next != job->seen)
        job->seen = job->s->next, job->stuck = 0;
    else if (++job->stuck > STUCK_SECONDS * 50)
        kill(job->pid, SIGKILL), job->stuck = 0;
    return true;
}

static void print_coverage(const uint64_t *rows)
{
    unsigned never = 0;
    for (unsigned i = 1; i < ROW_COUNT; i++) {
        printf("# %12" G_GUINT64_FORMAT " %s\n", rows[i], insn_info[i].name);
        never += !rows[i];
    }
    printf("# invalid: %" G_GUINT64_FORMAT "; rows never run: %u of %u\n", rows[0], never, ROW_COUNT - 1);
}

static gint64 from_env(const char *name, gint64 otherwise)
{
    const char *s = g_getenv(name);
    return s && *s ? g_ascii_strtoll(s, NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
    Options o = { .cases = from_env("DIFF_CASES", 500000), .seed = from_env("DIFF_SEED", 1), .single = -1,
                  .jobs = from_env("DIFF_JOBS", 1), .reports = 10, .cpu = g_strdup("max") };
    GOptionEntry entries[] = {
        { "cases", 'n', 0, G_OPTION_ARG_INT64, &o.cases, "number of cases", "N" },
        { "seed", 's', 0, G_OPTION_ARG_INT64, &o.seed, "seed of the run", "S" },
        { "first", 0, 0, G_OPTION_ARG_INT64, &o.first, "number of the first case", "I" },
        { "case", 'c', 0, G_OPTION_ARG_INT64, &o.single, "show this case only", "I" },
        { "only", 0, 0, G_OPTION_ARG_STRING, &o.only, "first instruction of this row only", "MNEMONIC" },
        { "cpu", 0, 0, G_OPTION_ARG_STRING, &o.cpu, "CPU model (as -cpu)", "MODEL" },
        { "translate", 't', 0, G_OPTION_ARG_NONE, &o.translate, "test the translator, not the interpreter", NULL },
        { "window", 'w', 0, G_OPTION_ARG_NONE, &o.window, "test the translator with shadow windows", NULL },
        { "budget", 'b', 0, G_OPTION_ARG_INT, &o.budget, "of their mappings", "N" },
        { "direct", 'd', 0, G_OPTION_ARG_NONE, &o.direct, "test direct execution in a sandbox", NULL },
        { "strict", 0, 0, G_OPTION_ARG_NONE, &o.strict, "the same by split views", NULL },
        { "batch", 0, 0, G_OPTION_ARG_NONE, &o.batch, "many cases' code in memory at once (other cases than without)", NULL },
        { "jobs", 'j', 0, G_OPTION_ARG_INT, &o.jobs, "worker processes", "N" },
        { "reports", 0, 0, G_OPTION_ARG_INT, &o.reports, "mismatches described by each worker", "N" },
        { "coverage", 0, 0, G_OPTION_ARG_NONE, &o.coverage, "print how often each row ran", NULL },
        { NULL },
    };
    GOptionContext *context = g_option_context_new("- compare the engines with the host CPU");
    GError *error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "test-diff: %s\n", error->message);
        return 2;
    }
    g_option_context_free(context);
    o.jobs = CLAMP(o.jobs, 1, 64);
    if (o.single >= 0) {
        const char *reason = NULL;
        DiffEngine *e = engine_new(&o);
        g_autofree char *options = same_options(&o);
        Worker *w = e ? new_worker(&o, e, options, &reason) : NULL;
        GString *out = g_string_new(NULL);
        static WorkerStatus s;
        if (!w) {
            fprintf(stderr, "test-diff: %s\n", e ? reason : "no such CPU model");
            return 2;
        }
        worker_show(w, o.seed, o.single, out);
        if (o.batch)
            worker_show_in_batch(w, o.seed, o.single, out);
        bool equal = worker_case(w, o.seed, o.single, &s, out, true);
        fputs(out->str, stdout);
        g_string_free(out, TRUE);
        worker_free(w);
        return !equal;
    }

    /* Blocked in the workers, too: the one who stops us may mean all. */
    sigset_t stop_signals;
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGINT);
    sigaddset(&stop_signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop_signals, NULL);
    g_autofree Job *jobs = g_new0(Job, o.jobs);
    gint64 begin = g_get_monotonic_time();
    for (int i = 0; i < o.jobs; i++) {
        jobs[i].s = mmap(NULL, sizeof *jobs[i].s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        g_assert_true(jobs[i].s != MAP_FAILED);
        jobs[i].s->next = o.first + o.cases * i / o.jobs;
        jobs[i].end = o.first + o.cases * (i + 1) / o.jobs;
        start(&o, &jobs[i]);
    }
    bool stopped = false;
    for (bool running = true; running && !stopped;) {
        running = false;
        for (int i = 0; i < o.jobs; i++)
            if (!tend(&o, &jobs[i], &running))
                return g_free(o.cpu), g_free(o.only), 0; /* the worker has said why */
        if (running)
            stopped = sigtimedwait(&stop_signals, NULL, &(struct timespec){ .tv_nsec = 20000000 }) > 0;
    }
    for (int i = 0; i < o.jobs; i++)
        if (jobs[i].pid && !kill(jobs[i].pid, SIGKILL))
            waitpid(jobs[i].pid, NULL, 0);
    double seconds = (g_get_monotonic_time() - begin) / 1e6;
    g_autofree WorkerStatus *sum = g_new0(WorkerStatus, 1);
    for (int i = 0; i < o.jobs; i++) {
        const WorkerStatus *s = jobs[i].s;
        sum->done += s->done, sum->mismatches += s->mismatches, sum->unfinished += s->unfinished;
        sum->strays += s->strays, sum->hung += s->hung, sum->unsteady += s->unsteady, sum->pointers += s->pointers;
        for (unsigned k = 0; k < ROW_COUNT; k++)
            sum->rows[k] += s->rows[k];
    }
    if (o.coverage)
        print_coverage(sum->rows);
    printf("# %" G_GUINT64_FORMAT " cases in %.1f s: %.0f cases/s a process; %" G_GUINT64_FORMAT " mismatches; proved nothing: %"
           G_GUINT64_FORMAT " without end, %" G_GUINT64_FORMAT " strayed, %" G_GUINT64_FORMAT
           " used x87 pointers lost by the host, %" G_GUINT64_FORMAT " unsteady\n", sum->done, seconds,
           sum->done / seconds / o.jobs, sum->mismatches, sum->unfinished, sum->strays, sum->pointers, sum->unsteady);
    /* One in a million may be the host's timer; more is something else. */
    bool failed = sum->mismatches || (sum->done != (uint64_t)o.cases && !stopped) || sum->unsteady > 1 + sum->done / 1000000;
    printf("1..1\n%sok 1 - %" G_GUINT64_FORMAT " cases from seed %" G_GINT64_FORMAT " equal on host and %s\n",
           failed ? "not " : "", sum->done, o.seed,
           o.strict ? "split views" : o.direct ? "direct execution" : o.window ? "translator with shadow windows"
               : o.translate ? "translator" : "interpreter");
    return failed;
}

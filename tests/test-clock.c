/* Virtual time: the manual clock step by step, and the host clock through its timerfd. */
#include "config.h"
#include "clock.h"

#include <glib.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <x86intrin.h>

typedef struct Fired {
    Clock *clock;
    Timer *timer;
    char name;
    GString *log;
    int64_t at;
    int64_t period; /* re-arm, when not 0 */
} Fired;

static void fire(void *opaque)
{
    Fired *f = opaque;

    f->at = clock_now(f->clock);
    g_string_append_c(f->log, f->name);
    if (f->period)
        timer_arm(f->timer, timer_deadline(f->timer) + f->period);
}

static void add(Fired *f, Clock *c, char name, GString *log)
{
    *f = (Fired){ .clock = c, .name = name, .log = log };
    f->timer = timer_new(c, fire, f);
}

static void test_manual_order(void)
{
    Clock *c = clock_new_manual();
    GString *log = g_string_new(NULL);
    Fired f[4];

    for (int i = 0; i < 4; i++)
        add(&f[i], c, 'a' + i, log);
    timer_arm(f[0].timer, 300);
    timer_arm(f[1].timer, 100);
    timer_arm(f[2].timer, 200);
    timer_arm(f[3].timer, 200); /* same deadline: behind c */
    g_assert_cmpint(clock_fd(c), ==, -1);
    clock_step(c, 99);
    g_assert_cmpstr(log->str, ==, "");
    clock_step(c, 1);
    g_assert_cmpstr(log->str, ==, "b");
    g_assert_false(timer_armed(f[1].timer));
    g_assert_true(timer_armed(f[2].timer));
    clock_step(c, 1000);
    g_assert_cmpstr(log->str, ==, "bcda");
    g_assert_cmpint(f[1].at, ==, 100);
    g_assert_cmpint(f[2].at, ==, 200);
    g_assert_cmpint(f[0].at, ==, 300);
    g_assert_cmpint(clock_now(c), ==, 1100);
    for (int i = 0; i < 4; i++)
        timer_free(f[i].timer);
    g_string_free(log, TRUE);
    clock_free(c);
}

static void test_manual_rearm(void)
{
    Clock *c = clock_new_manual();
    GString *log = g_string_new(NULL);
    Fired p, once;

    add(&p, c, 'p', log);
    add(&once, c, 'o', log);
    p.period = 10;
    timer_arm(p.timer, 10);
    timer_arm(once.timer, 25);
    clock_step(c, 40);
    g_assert_cmpstr(log->str, ==, "ppopp");
    g_assert_cmpint(timer_deadline(p.timer), ==, 50);
    timer_arm(once.timer, 60);
    timer_arm(once.timer, 45); /* moved, not doubled */
    timer_disarm(p.timer);
    clock_step(c, 100);
    g_assert_cmpstr(log->str, ==, "ppoppo");
    g_assert_cmpint(once.at, ==, 45);
    /* The past fires at the next step, with time as it is. */
    timer_arm(once.timer, 3);
    clock_step(c, 0);
    g_assert_cmpint(once.at, ==, 140);
    timer_arm(p.timer, 200);
    timer_free(p.timer); /* freed while armed */
    clock_step(c, 1000);
    g_assert_cmpstr(log->str, ==, "ppoppoo");
    timer_free(once.timer);
    g_string_free(log, TRUE);
    clock_free(c);
}

static bool wait_fd(Clock *c, int ms)
{
    struct pollfd p = { .fd = clock_fd(c), .events = POLLIN };

    return poll(&p, 1, ms) == 1;
}

static void test_host_stopped(void)
{
    Clock *c = clock_new();
    int64_t held, host;

    g_assert_cmpint(clock_now(c), ==, 0);
    g_usleep(2000);
    g_assert_cmpint(clock_now(c), ==, 0);
    clock_start(c);
    clock_start(c);
    g_usleep(2000);
    g_assert_cmpint(clock_now(c), >=, MS(2));
    clock_stop(c);
    clock_stop(c);
    held = clock_now(c);
    g_usleep(20000);
    g_assert_cmpint(clock_now(c), ==, held);
    host = g_get_monotonic_time();
    clock_start(c);
    g_assert_cmpint(clock_now(c), >=, held);
    g_assert_cmpint(clock_now(c) - held, <=, (g_get_monotonic_time() - host + 1) * 1000);
    clock_free(c);
}

static void test_host_timer(void)
{
    Clock *c = clock_new();
    GString *log = g_string_new(NULL);
    Fired a, b;

    add(&a, c, 'a', log);
    add(&b, c, 'b', log);
    timer_arm(a.timer, MS(5)); /* armed while stopped: nothing happens */
    g_assert_false(wait_fd(c, 10));
    clock_run(c);
    g_assert_cmpstr(log->str, ==, "");
    clock_start(c);
    g_assert_true(wait_fd(c, 5000));
    clock_run(c);
    g_assert_cmpstr(log->str, ==, "a");
    g_assert_cmpint(a.at, >=, MS(5));
    g_assert_false(wait_fd(c, 0)); /* nothing pending: the fd is quiet */

    /* An earlier timer overtakes, a pushed-back one does not fire early. */
    timer_arm(a.timer, clock_now(c) + MS(1));
    timer_arm(a.timer, clock_now(c) + 3600 * NS_PER_SEC);
    timer_arm(b.timer, clock_now(c) + MS(20));
    while (log->len < 2) {
        g_assert_true(wait_fd(c, 5000));
        clock_run(c);
    }
    g_assert_cmpstr(log->str, ==, "ab");

    /* A timer armed before a stop fires after the start, later by as much. */
    timer_arm(b.timer, clock_now(c) + MS(10));
    clock_stop(c);
    g_assert_false(wait_fd(c, 20));
    clock_start(c);
    while (log->len < 3) {
        g_assert_true(wait_fd(c, 5000));
        clock_run(c);
    }
    g_assert_cmpint(b.at, >=, timer_deadline(b.timer));
    timer_free(a.timer);
    timer_free(b.timer);
    g_string_free(log, TRUE);
    clock_free(c);
}

/* What a slowed clock counts lies between what the host counted around it, by its factor; no timer is early by it. */
static void test_host_slow(void)
{
    enum { SLOW = 7 };
    Clock *c = clock_new();
    GString *log = g_string_new(NULL);
    Fired a;

    add(&a, c, 'a', log);
    clock_set_slow(c, SLOW);
    int64_t before = g_get_monotonic_time();
    uint64_t tsc_before = __rdtsc();
    clock_start(c);
    int64_t after = g_get_monotonic_time();
    timer_arm(a.timer, MS(5));
    while (!log->len) {
        g_assert_true(wait_fd(c, 5000));
        clock_run(c);
    }
    g_assert_cmpint(a.at, >=, MS(5));
    int64_t least = (g_get_monotonic_time() - after) * 1000 / SLOW, now = clock_now(c);
    int64_t most = (g_get_monotonic_time() - before + 1) * 1000 / SLOW + 1;
    g_assert_cmpint(most, >=, MS(5));
    g_assert_cmpint(now, >=, least - 1000);
    g_assert_cmpint(now, <=, most + 1000);

    /* Halted CPUs wait by the host's time. */
    timer_arm(a.timer, now + MS(5));
    int64_t wake = clock_wait_begin(c) / 1000 - g_get_monotonic_time();
    g_assert_cmpint(wake, <=, 5000 * SLOW + 1);
    clock_wait_end(c);

    uint64_t tsc = clock_tsc(c);
    clock_stop(c);
    g_assert_cmpuint(clock_tsc(c) - tsc, <=, (__rdtsc() - tsc_before) / SLOW + 1);
    tsc = clock_tsc(c);
    uint64_t held = __rdtsc();
    clock_start(c);
    g_assert_cmpuint(clock_tsc(c) - tsc, <=, (__rdtsc() - held) / SLOW + 1);
    timer_free(a.timer);
    g_string_free(log, TRUE);
    clock_free(c);
}

/* Who arms a timer of the same period again, a little after it fired, finds the descriptor set already; it fires in time, never early. */
static void test_host_period(void)
{
    enum { ROUNDS_MAX = 500 };
    Clock *c = clock_new();
    GString *log = g_string_new(NULL);
    Fired a;
    unsigned rounds = 0, ahead = 0;

    add(&a, c, 'a', log);
    clock_start(c);
    timer_arm(a.timer, clock_now(c) + MS(4));
    while (ahead < 3 && rounds < ROUNDS_MAX) {
        struct itimerspec set;
        g_assert_true(wait_fd(c, 5000));
        clock_run(c);
        if (timer_armed(a.timer))
            continue; /* it woke before the deadline */
        g_assert_cmpint(a.at, >=, timer_deadline(a.timer));
        g_assert_cmpint(timerfd_gettime(clock_fd(c), &set), ==, 0);
        ahead += set.it_value.tv_nsec && rounds;
        rounds++;
        timer_arm(a.timer, timer_deadline(a.timer) + MS(4));
    }
    g_assert_cmpint(ahead, ==, 3); /* unless the host was late by a whole period each time */
    g_assert_cmpint(log->len, ==, rounds);

    /* The period ends: one wake-up finds nothing to do, and that is all. */
    timer_disarm(a.timer);
    while (wait_fd(c, 50))
        clock_run(c);
    g_assert_cmpint(log->len, ==, rounds);
    timer_free(a.timer);
    g_string_free(log, TRUE);
    clock_free(c);
}

static void *read_clock(void *opaque)
{
    Clock *c = opaque;
    int64_t last = 0;

    while (last < MS(50)) {
        int64_t now = clock_now(c);

        g_assert_cmpint(now, >=, last);
        last = now;
    }
    return NULL;
}

/* Time never runs backwards for a reader while another thread stops and starts it. */
static void test_threads(void)
{
    Clock *c = clock_new();
    GThread *t = g_thread_new("reader", read_clock, c);

    while (clock_now(c) < MS(50)) {
        clock_start(c);
        g_usleep(100);
        clock_stop(c);
    }
    g_thread_join(t);
    clock_free(c);
}

/* The time stamp counter stands still with the clock, and is the host's own until then. */
static void test_tsc(void)
{
    Clock *c = clock_new();
    uint64_t before, held;

    clock_start(c);
    before = __rdtsc();
    held = clock_tsc(c);
    g_assert_cmpuint(held, >=, before);
    g_assert_cmpuint(held, <=, __rdtsc());
    clock_stop(c);
    held = clock_tsc(c);
    before = __rdtsc();
    g_usleep(20000);
    g_assert_cmpuint(clock_tsc(c), ==, held);
    clock_start(c);
    g_assert_cmpuint(clock_tsc(c), >=, held);
    g_assert_cmpuint(clock_tsc(c), <, __rdtsc());
    g_assert_cmpuint(clock_tsc(c) - held, <=, __rdtsc() - before);
    clock_free(c);
}

static void count(void *opaque)
{
    ++*(int *)opaque;
}

/* Who sleeps anyway waits for the timers itself: the descriptor is silent meanwhile, and set again afterwards. */
static void test_waiter(void)
{
    Clock *c = clock_new();
    GString *log = g_string_new(NULL);
    Fired a, b;
    int sooner = 0;
    int64_t until;

    add(&a, c, 'a', log);
    add(&b, c, 'b', log);
    clock_set_sooner(c, count, &sooner);
    g_assert_cmpint(clock_wait_begin(c), ==, INT64_MAX); /* stopped */
    clock_wait_end(c);
    clock_start(c);
    g_assert_cmpint(clock_wait_begin(c), ==, INT64_MAX); /* no timer */
    timer_arm(a.timer, clock_now(c) + 3600 * NS_PER_SEC);
    g_assert_cmpint(sooner, ==, 1);
    clock_wait_end(c);

    timer_arm(a.timer, clock_now(c) + MS(20)); /* the descriptor is set for it */
    until = clock_wait_begin(c);
    g_assert_cmpint(until, >, g_get_monotonic_time() * 1000 - MS(1));
    g_assert_cmpint(until, <=, g_get_monotonic_time() * 1000 + MS(20));
    timer_arm(b.timer, clock_now(c) + 3600 * NS_PER_SEC);
    g_assert_cmpint(sooner, ==, 1); /* later than what is waited for */
    g_assert_false(wait_fd(c, 40));
    g_assert_cmpstr(log->str, ==, "");
    clock_wait_end(c);
    g_assert_cmpstr(log->str, ==, "a");

    until = clock_wait_begin(c);
    timer_arm(b.timer, clock_now(c) + MS(1));
    g_assert_cmpint(sooner, ==, 2);
    clock_run_due(c); /* not yet, or it is */
    clock_wait_end(c);
    if (log->len == 1)
        g_assert_true(wait_fd(c, 5000)); /* nobody waits: the main loop's turn */
    clock_run(c);
    g_assert_cmpstr(log->str, ==, "ab");
    timer_free(a.timer);
    timer_free(b.timer);
    g_string_free(log, TRUE);
    clock_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clock/manual/order", test_manual_order);
    g_test_add_func("/clock/manual/rearm", test_manual_rearm);
    g_test_add_func("/clock/host/stopped", test_host_stopped);
    g_test_add_func("/clock/host/timer", test_host_timer);
    g_test_add_func("/clock/host/period", test_host_period);
    g_test_add_func("/clock/host/slow", test_host_slow);
    g_test_add_func("/clock/host/threads", test_threads);
    g_test_add_func("/clock/host/tsc", test_tsc);
    g_test_add_func("/clock/host/waiter", test_waiter);
    return g_test_run();
}

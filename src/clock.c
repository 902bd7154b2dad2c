/*
 * Virtual time and timers.
 *
 * Guest time is the host's monotonic clock less an offset that grows while the VM is stopped. Any thread may ask for
 * it, so the offset sits behind a sequence count: readers never block, and retry in the rare case of a start or stop.
 * A slowed clock reads host clocks that are slower by its factor; the factor comes in where they are read and where a host's time is told.
 *
 * Timers hang in one list sorted by deadline; there are a few dozen at most, and nearly all are inserted near the head
 * or the tail. The timerfd is set only when a deadline is earlier than what it is set for: a timer that is pushed back
 * again and again costs no system call, only one early wake-up that finds nothing to do.
 *
 * While a halted CPU's thread waits for the first deadline itself, the timerfd is not set for it: the interrupt that a timer
 * makes then wakes one thread instead of two.
 *
 * Who sets a timer gets its interrupt on the same processor of the host. So that a guest's tick does not cost the processor that computes for the
 * guest two interrupts, the main loop sets the timerfd again at once, to when a timer of the same period would be due a little early: the CPU's
 * thread, when it sets that timer some microseconds later, then need not.
 */
#include "config.h"
#include "clock.h"

#include <errno.h>
#include <glib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define FD_UNSET INT64_MAX
/* Periods that are expected to go on, and how much earlier than they would end the descriptor wakes. */
#define PERIOD_MIN US(500)
#define PERIOD_MAX MS(20)
#define PERIOD_EARLY US(3)

struct Timer {
    Clock *clock;
    TimerFn *fn;
    void *opaque;
    int64_t deadline;
    bool armed;
    Timer *prev, *next; /* while armed */
};

/* See clock_absent(). */
typedef struct Absence {
    int watch; /* atomic: a first look is waited for */
    GThread *thread;
    int64_t now, ran; /* when it began: by the host's clock, and the processor time of the thread */
    int64_t absent;   /* what was found at the first look */
} Absence;

struct Clock {
    bool manual;
    unsigned slow; /* the host's seconds in one of the guest's */
    Absence absence;
    int fd;
    unsigned seq;   /* odd while offset, held and running change */
    bool running;
    int64_t offset; /* running: host time, slowed, less guest time */
    int64_t held;   /* stopped, or manual: guest time */
    uint64_t tsc_offset; /* running: the host's time stamp counter, slowed, less the guest's */
    uint64_t tsc_held;   /* stopped: the guest's; 0 before the first start, which leaves the offset at 0 */
    Timer *head, *tail;
    int64_t fd_deadline; /* guest time that the timerfd is set for */
    int64_t ran_deadline; /* the last that clock_run() found due; FD_UNSET: none yet */
    bool waiting;        /* between clock_wait_begin() and clock_wait_end() */
    int64_t wait_deadline;
    void (*sooner)(void *opaque);
    void *sooner_opaque;
};

static int64_t host_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

/* The host's clocks as they are for this Clock. The branch spares a division on every look. */
static int64_t slowed_now(const Clock *c)
{
    return c->slow == 1 ? host_now() : host_now() / c->slow;
}

static uint64_t slowed_tsc(const Clock *c)
{
    return c->slow == 1 ? __rdtsc() : __rdtsc() / c->slow;
}

static Clock *clock_alloc(bool manual)
{
    Clock *c = g_new0(Clock, 1);

    c->manual = manual;
    c->slow = 1;
    c->fd = -1;
    c->fd_deadline = c->ran_deadline = FD_UNSET;
    return c;
}

Clock *clock_new(void)
{
    Clock *c = clock_alloc(false);

    c->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (c->fd < 0)
        g_error("timerfd_create: %s", g_strerror(errno));
    return c;
}

Clock *clock_new_manual(void)
{
    Clock *c = clock_alloc(true);

    c->running = true;
    return c;
}

void clock_set_slow(Clock *c, unsigned times)
{
    g_assert(times && !c->running && !c->held);
    c->slow = times;
}

void clock_free(Clock *c)
{
    if (!c)
        return;
    while (c->head)
        timer_disarm(c->head);
    if (c->fd >= 0)
        close(c->fd);
    g_free(c);
}

int64_t clock_now(Clock *c)
{
    unsigned seq;
    int64_t now;

    do {
        seq = __atomic_load_n(&c->seq, __ATOMIC_ACQUIRE);
        if (c->manual || !__atomic_load_n(&c->running, __ATOMIC_RELAXED))
            now = __atomic_load_n(&c->held, __ATOMIC_RELAXED);
        else
            now = slowed_now(c) - __atomic_load_n(&c->offset, __ATOMIC_RELAXED);
        __builtin_ia32_lfence(); /* else the counter may be read after seq has been looked at again (SDM 2B, RDTSC) */
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((seq & 1) || seq != __atomic_load_n(&c->seq, __ATOMIC_RELAXED));
    return now;
}

static int64_t thread_ran(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

void clock_absent_begin(Clock *c)
{
    if (c->manual)
        return;
    c->absence = (Absence){.thread = g_thread_self(), .now = host_now(), .ran = thread_ran()};
    __atomic_store_n(&c->absence.watch, 1, __ATOMIC_RELEASE);
}

/* The guest looks, or just did: what the host takes in between makes things begin too late, which shows, rather than too early. */
static void first_look(Clock *c)
{
    Absence *a = &c->absence;

    if (a->thread != g_thread_self())
        return;
    a->absent = MAX(host_now() - a->now - (thread_ran() - a->ran), 0) / c->slow;
    __atomic_store_n(&a->watch, 0, __ATOMIC_RELEASE);
}

int64_t clock_absent(Clock *c)
{
    if (__atomic_load_n(&c->absence.watch, __ATOMIC_ACQUIRE))
        first_look(c);
    int64_t absent = c->absence.absent;
    c->absence.absent = 0;
    return absent;
}

uint64_t clock_tsc(Clock *c)
{
    unsigned seq;
    uint64_t tsc;

    do {
        seq = __atomic_load_n(&c->seq, __ATOMIC_ACQUIRE);
        if (__atomic_load_n(&c->running, __ATOMIC_RELAXED))
            tsc = slowed_tsc(c) - __atomic_load_n(&c->tsc_offset, __ATOMIC_RELAXED);
        else
            tsc = __atomic_load_n(&c->tsc_held, __ATOMIC_RELAXED);
        __builtin_ia32_lfence(); /* else the counter may be read after seq has been looked at again (SDM 2B, RDTSC) */
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((seq & 1) || seq != __atomic_load_n(&c->seq, __ATOMIC_RELAXED));
    if (G_UNLIKELY(__atomic_load_n(&c->absence.watch, __ATOMIC_ACQUIRE)))
        first_look(c);
    return tsc;
}

static void change_begin(Clock *c)
{
    __atomic_fetch_add(&c->seq, 1, __ATOMIC_SEQ_CST);
}

static void change_end(Clock *c)
{
    __atomic_fetch_add(&c->seq, 1, __ATOMIC_SEQ_CST);
}

/* When a deadline is, by the host's clock. */
static int64_t host_time(const Clock *c, int64_t deadline)
{
    deadline = MAX(deadline, 0);
    return deadline > INT64_MAX / c->slow - c->offset ? INT64_MAX : MAX((deadline + c->offset) * c->slow, 1);
}

static void fd_set_to(Clock *c, int64_t deadline)
{
    struct itimerspec its = { 0 };
    int64_t host = host_time(c, deadline); /* 0 would disarm; the past fires at once. */

    c->fd_deadline = deadline;
    its.it_value.tv_sec = host / NS_PER_SEC;
    its.it_value.tv_nsec = host % NS_PER_SEC;
    timerfd_settime(c->fd, TFD_TIMER_ABSTIME, &its, NULL);
}

/* The first deadline may have come nearer: set the timerfd, unless it, or who waits, will wake early enough anyway. */
static void fd_update(Clock *c)
{
    if (c->fd < 0 || !c->running || !c->head)
        return;
    if (c->waiting) {
        if (c->head->deadline < c->wait_deadline && c->sooner)
            c->sooner(c->sooner_opaque);
        return;
    }
    if (c->head->deadline >= c->fd_deadline)
        return;
    fd_set_to(c, c->head->deadline);
}

static void fd_clear(Clock *c)
{
    struct itimerspec its = { 0 };

    c->fd_deadline = FD_UNSET;
    if (c->fd >= 0)
        timerfd_settime(c->fd, 0, &its, NULL);
}

void clock_start(Clock *c)
{
    if (c->running)
        return;
    change_begin(c);
    __atomic_store_n(&c->offset, slowed_now(c) - c->held, __ATOMIC_RELAXED);
    if (c->tsc_held)
        __atomic_store_n(&c->tsc_offset, slowed_tsc(c) - c->tsc_held, __ATOMIC_RELAXED);
    __atomic_store_n(&c->running, true, __ATOMIC_RELAXED);
    change_end(c);
    fd_update(c);
}

void clock_stop(Clock *c)
{
    if (!c->running || c->manual)
        return;
    /* Look at the host's clock within the change: no reader may have got a later time than the one held. */
    change_begin(c);
    __atomic_store_n(&c->held, slowed_now(c) - c->offset, __ATOMIC_RELAXED);
    __atomic_store_n(&c->tsc_held, slowed_tsc(c) - c->tsc_offset, __ATOMIC_RELAXED);
    __atomic_store_n(&c->running, false, __ATOMIC_RELAXED);
    change_end(c);
    fd_clear(c);
}

/* Fire the timers due at limit. A callback that arms a timer within the limit sees it fired as well. */
static void run_until(Clock *c, int64_t limit)
{
    while (c->head && c->head->deadline <= limit) {
        Timer *t = c->head;

        if (c->manual && t->deadline > c->held)
            __atomic_store_n(&c->held, t->deadline, __ATOMIC_RELAXED);
        timer_disarm(t);
        t->fn(t->opaque); /* may free t */
    }
}

void clock_step(Clock *c, int64_t ns)
{
    int64_t limit = c->held + ns;

    g_assert(c->manual && ns >= 0);
    run_until(c, limit);
    __atomic_store_n(&c->held, limit, __ATOMIC_RELAXED);
}

int clock_fd(Clock *c)
{
    return c->fd;
}

/* A timer was due: perhaps one will be after the same time again. */
static void expect_next(Clock *c, int64_t due, int64_t now)
{
    int64_t period = due - c->ran_deadline, next = due + period - PERIOD_EARLY;

    c->ran_deadline = due;
    if (c->fd < 0 || c->waiting || period < PERIOD_MIN || period > PERIOD_MAX || next <= now)
        return;
    if (!c->head || next < c->head->deadline)
        fd_set_to(c, next);
}

void clock_run(Clock *c)
{
    uint64_t expirations;

    if (c->fd >= 0) {
        while (read(c->fd, &expirations, sizeof expirations) < 0 && errno == EINTR)
            ;
        c->fd_deadline = FD_UNSET; /* it has fired: nothing is set */
    }
    if (!c->running)
        return;
    int64_t now = clock_now(c), due = c->head ? c->head->deadline : FD_UNSET;
    run_until(c, now);
    if (due <= now)
        expect_next(c, due, now);
    fd_update(c);
}

void clock_run_due(Clock *c)
{
    if (c->running && !c->manual && c->head)
        run_until(c, clock_now(c));
}

int64_t clock_wait_begin(Clock *c)
{
    __atomic_store_n(&c->absence.watch, 0, __ATOMIC_RELEASE);
    g_assert(!c->waiting);
    c->waiting = true;
    c->wait_deadline = c->running && c->head ? c->head->deadline : INT64_MAX;
    if (c->fd_deadline <= c->wait_deadline && c->fd_deadline != FD_UNSET)
        fd_clear(c);
    return c->wait_deadline == INT64_MAX ? INT64_MAX : host_time(c, c->wait_deadline);
}

void clock_wait_end(Clock *c)
{
    clock_run_due(c);
    c->waiting = false;
    fd_update(c);
}

void clock_set_sooner(Clock *c, void (*sooner)(void *opaque), void *opaque)
{
    c->sooner = sooner;
    c->sooner_opaque = opaque;
}

Timer *timer_new(Clock *c, TimerFn *fn, void *opaque)
{
    Timer *t = g_new0(Timer, 1);

    t->clock = c;
    t->fn = fn;
    t->opaque = opaque;
    return t;
}

void timer_free(Timer *t)
{
    if (!t)
        return;
    timer_disarm(t);
    g_free(t);
}

void timer_disarm(Timer *t)
{
    Clock *c = t->clock;

    if (!t->armed)
        return;
    *(t->prev ? &t->prev->next : &c->head) = t->next;
    *(t->next ? &t->next->prev : &c->tail) = t->prev;
    t->prev = t->next = NULL;
    t->armed = false;
}

void timer_arm(Timer *t, int64_t deadline)
{
    Clock *c = t->clock;
    Timer *after;

    timer_disarm(t);
    t->deadline = deadline;
    t->armed = true;
    /* Behind those of the same deadline: first armed fires first. */
    for (after = c->tail; after && after->deadline > deadline; after = after->prev)
        ;
    t->prev = after;
    t->next = after ? after->next : c->head;
    *(t->prev ? &t->prev->next : &c->head) = t;
    *(t->next ? &t->next->prev : &c->tail) = t;
    fd_update(c);
}

bool timer_armed(const Timer *t)
{
    return t->armed;
}

int64_t timer_deadline(const Timer *t)
{
    return t->deadline;
}

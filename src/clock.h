/*
 * Virtual time and timers.
 *
 * A Clock counts nanoseconds of guest time: the host's monotonic clock, less the time the VM was stopped. Devices
 * compute their counters from clock_now() and arm timers for what must happen later. Timers fire in the main loop,
 * with the machine lock held, in order of deadline.
 *
 * A thread that sleeps anyway (a halted CPU) may wait for the timers itself and spare the main loop the waking:
 * clock_wait_begin().
 *
 * A manual clock (tests) moves only by clock_step().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct Clock Clock;
typedef struct Timer Timer;
typedef void TimerFn(void *opaque);

#define NS_PER_SEC 1000000000LL
#define MS(n) ((n) * 1000000LL)
#define US(n) ((n) * 1000LL)

/* A clock that follows the host; created stopped at 0. Free with clock_free(). */
Clock *clock_new(void);
/* A clock that only clock_step() moves; created at 0, running. */
Clock *clock_new_manual(void);
/*
 * A second of guest time takes `times` (1 or more) of the host's from now on: timers, clock_now() and clock_tsc() alike, so that a guest sees a machine that is
 * so many times faster. Before the clock is first started.
 */
void clock_set_slow(Clock *c, unsigned times);
void clock_free(Clock *c);

/* Nanoseconds of guest time. Any thread. */
int64_t clock_now(Clock *c);
/* The host's time stamp counter, slowed like the clock, less what it counted while the clock was stopped. Any thread; not for a manual clock. */
uint64_t clock_tsc(Clock *c);

/*
 * Something begins to count for the guest, at its own request: from now to its first look at a clock (clock_tsc(), or clock_absent()) the calling
 * thread should do nothing but run it. clock_absent(): the nanoseconds of that span in which the host ran something else, which are not
 * for the guest to count: it can not have seen them pass. 0 when asked again, for a manual clock, or when the guest slept meanwhile.
 */
void clock_absent_begin(Clock *c);
int64_t clock_absent(Clock *c);

/* Let guest time run, or hold it. Idempotent. */
void clock_start(Clock *c);
void clock_stop(Clock *c);

/*
 * Move a manual clock by ns, firing the timers that fall due, each at its own deadline (a callback sees clock_now()
 * equal to it).
 */
void clock_step(Clock *c, int64_t ns);

/* Create a timer, not armed. The caller owns it; timer_free() disarms. */
Timer *timer_new(Clock *c, TimerFn *fn, void *opaque);
void timer_free(Timer *t);

/* Arm (or re-arm) for an absolute guest time in ns; a past deadline fires at the next opportunity. Machine lock held. */
void timer_arm(Timer *t, int64_t deadline);
void timer_disarm(Timer *t);
bool timer_armed(const Timer *t);
/* The deadline last armed; meaningful while armed. */
int64_t timer_deadline(const Timer *t);

/*
 * For the main loop: a file descriptor (timerfd, owned by the clock) that becomes readable when timers are due, and the
 * call that runs them. clock_run() is to be called with the machine lock held. A manual clock's fd is -1.
 * Free the timers before their clock.
 */
int clock_fd(Clock *c);
void clock_run(Clock *c);

/* Run the timers that are due without waiting for the main loop to come round. Machine lock held. */
void clock_run_due(Clock *c);

/*
 * The caller, holding the machine lock, is going to sleep until a timer is due: the descriptor stays silent meanwhile.
 * Returns when that is, in host time (CLOCK_MONOTONIC) in ns; INT64_MAX: no timer. clock_wait_end(), with the lock
 * held again, ends that and runs what is due. One waiter at a time. Should a timer be armed for an earlier time, or the clock be
 * started, the function of clock_set_sooner() is called, with the lock held: sleep anew.
 */
int64_t clock_wait_begin(Clock *c);
void clock_wait_end(Clock *c);
void clock_set_sooner(Clock *c, void (*sooner)(void *opaque), void *opaque);

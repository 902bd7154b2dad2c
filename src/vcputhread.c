/*
 * The vCPU thread. See vcputhread.h.
 */
#include "vcputhread.h"

#include <sys/prctl.h>

#include "cpu/cpu.h"
#include "decision/direct.h"
#include "tcache/tcache.h"

struct VcpuThread {
    Vcpu *v;
    Direct *direct; /* NULL: none */
    GMutex *lock;
    Clock *clock;
    const VcpuThreadOps *ops;
    void *opaque;
    GThread *thread;
    GCond wake;    /* something for the vCPU thread to look at */
    GCond stopped; /* the vCPU thread went to sleep */
    bool want_run, want_reset, quit;
    bool running;  /* between leaving and entering its sleep */
    bool halted;   /* asleep until something comes */
    int64_t idle_ns;
};

#define NS_PER_US 1000
/* How late the kernel may wake us to save itself work; by default it is 50 us. */
#define TIMER_SLACK_NS 1000

/* Set by whoever changes a request: the engine comes back, or the sleep ends. */
static void notice(VcpuThread *t)
{
    vcpu_attention(t->v, ATTN_STOP);
    if (t->direct)
        direct_kick(t->direct);
    g_cond_signal(&t->wake);
}

static bool input_pending(const Vcpu *v)
{
    return __atomic_load_n(&v->intr, __ATOMIC_ACQUIRE) || __atomic_load_n(&v->nmi, __ATOMIC_ACQUIRE);
}

/*
 * HLT: sleep until an interrupt may end it or a request comes. The timers are waited for here, not in the main loop: what
 * they raise is for this CPU to handle, and an idle guest's tick costs one wake-up instead of two. Lock held.
 */
static void sleep_halted(VcpuThread *t)
{
    const Vcpu *v = t->v;
    int64_t began = clock_now(t->clock);
    while (t->want_run && !t->quit && !t->want_reset) {
        bool intr = __atomic_load_n(&v->intr, __ATOMIC_ACQUIRE) && (v->flags & FL_IF);
        bool nmi = __atomic_load_n(&v->nmi, __ATOMIC_ACQUIRE) && !v->nmi_blocked;
        if (intr || nmi)
            break;
        int64_t until = clock_wait_begin(t->clock);
        t->halted = true;
        if (until == INT64_MAX)
            g_cond_wait(&t->wake, t->lock);
        else
            g_cond_wait_until(&t->wake, t->lock, until / NS_PER_US + 1);
        t->halted = false;
        clock_wait_end(t->clock);
    }
    __atomic_store_n(&t->idle_ns, t->idle_ns + clock_now(t->clock) - began, __ATOMIC_RELAXED);
}

/* A timer became the first while the CPU sleeps: let it look again how long. */
static void wake_sooner(void *opaque)
{
    VcpuThread *t = opaque;
    g_cond_signal(&t->wake);
}

/* A debugger or a trace sees every instruction of the interpreter. */
static Exit run(VcpuThread *t)
{
    if (!t->v->tcache || t->v->hooks) {
        t->v->doing = DOING_INTERPRETED;
        return interp_run(t->v, 0);
    }
    return t->direct ? direct_run(t->direct) : tcache_run(t->v, 0);
}

static void *vcpu_main(void *opaque)
{
    VcpuThread *t = opaque;

    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
    g_mutex_lock(t->lock);
    while (!t->quit) {
        if (t->want_reset) {
            t->want_reset = false;
            t->ops->reset(t->opaque);
        }
        if (!t->want_run) {
            t->running = false;
            g_cond_broadcast(&t->stopped);
            g_cond_wait(&t->wake, t->lock);
            continue;
        }
        t->running = true;
        g_mutex_unlock(t->lock);
        Exit exit = run(t);
        g_mutex_lock(t->lock);
        if (exit == EXIT_HALT) {
            if (!(t->v->flags & FL_IF) && t->ops->stuck && t->want_run)
                t->ops->stuck(t->opaque);
            sleep_halted(t);
        } else if (exit == EXIT_DEBUG) {
            t->want_run = false;
            if (t->ops->debug_stop)
                t->ops->debug_stop(t->opaque);
        }
        if (exit == EXIT_SHUTDOWN && !t->want_reset && !t->quit) {
            t->want_run = false;
            t->ops->triple_fault(t->opaque);
        }
    }
    t->running = false;
    if (t->direct)
        direct_leave(t->direct);
    g_cond_broadcast(&t->stopped);
    g_mutex_unlock(t->lock);
    return NULL;
}

VcpuThread *vcputhread_new(Vcpu *v, GMutex *lock, Clock *clock, const VcpuThreadOps *ops, void *opaque)
{
    VcpuThread *t = g_new0(VcpuThread, 1);
    t->v = v;
    t->lock = lock;
    t->clock = clock;
    clock_set_sooner(clock, wake_sooner, t);
    t->ops = ops;
    t->opaque = opaque;
    g_cond_init(&t->wake);
    g_cond_init(&t->stopped);
    t->thread = g_thread_new("vcpu", vcpu_main, t);
    return t;
}

void vcputhread_set_direct(VcpuThread *t, Direct *d)
{
    t->direct = d;
}

void vcputhread_free(VcpuThread *t)
{
    if (!t)
        return;
    g_mutex_lock(t->lock);
    t->quit = true;
    notice(t);
    g_mutex_unlock(t->lock);
    g_thread_join(t->thread);
    clock_set_sooner(t->clock, NULL, NULL);
    g_cond_clear(&t->wake);
    g_cond_clear(&t->stopped);
    g_free(t);
}

void vcputhread_resume(VcpuThread *t)
{
    t->want_run = true;
    notice(t);
}

void vcputhread_pause(VcpuThread *t)
{
    t->want_run = false;
    notice(t);
}

void vcputhread_reset(VcpuThread *t)
{
    t->want_reset = true;
    notice(t);
}

void vcputhread_wait_paused(VcpuThread *t)
{
    while (t->running && !t->want_run)
        g_cond_wait(&t->stopped, t->lock);
}

bool vcputhread_is_idle(const VcpuThread *t)
{
    return __atomic_load_n(&t->halted, __ATOMIC_RELAXED);
}

int64_t vcputhread_idle_ns(const VcpuThread *t)
{
    return __atomic_load_n(&t->idle_ns, __ATOMIC_RELAXED);
}

void vcputhread_kick(VcpuThread *t)
{
    vcpu_attention(t->v, ATTN_EVENT);
    if (t->direct)
        direct_kick(t->direct);
    if (t->halted && input_pending(t->v))
        g_cond_signal(&t->wake);
}

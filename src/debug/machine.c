/*
 * Run state, and who hears of it. See machine.h.
 *
 * Events from the vCPU's thread wait in a list until the main loop comes round; one GSource, made ready from any thread,
 * delivers them.
 */
#include "debug/machine.h"

#include "debug/debugger.h"

typedef struct Listener {
    MachineListenerFn *fn;
    void *opaque;
} Listener;

typedef struct Pending {
    MachineEvent event;
    bool by_guest;
} Pending;

const char *runstate_name(RunState s)
{
    static const char *const names[RUN_STATES] = {"prelaunch", "running", "paused", "debug", "shutdown"};
    return names[s];
}

static gboolean wake_dispatch(GSource *source, GSourceFunc fn, gpointer opaque)
{
    Machine *m = opaque;
    g_source_set_ready_time(source, -1);
    g_mutex_lock(m->lock);
    machine_flush(m);
    g_mutex_unlock(m->lock);
    return G_SOURCE_CONTINUE;
}

static gboolean never_called(gpointer opaque)
{
    return G_SOURCE_CONTINUE;
}

void machine_init(Machine *m)
{
    static GSourceFuncs funcs = {.dispatch = wake_dispatch};
    m->state = RUN_PRELAUNCH;
    m->listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    m->pending = g_array_new(FALSE, FALSE, sizeof(Pending));
    m->wake = g_source_new(&funcs, sizeof(GSource));
    g_source_set_callback(m->wake, never_called, m, NULL); /* its data is what dispatch gets */
    g_source_attach(m->wake, NULL);
}

void machine_clear(Machine *m)
{
    if (!m->wake)
        return;
    g_source_destroy(m->wake);
    g_source_unref(m->wake);
    g_array_unref(m->listeners);
    g_array_unref(m->pending);
    m->wake = NULL;
}

void machine_listen(Machine *m, MachineListenerFn *fn, void *opaque)
{
    Listener l = {fn, opaque};
    g_array_append_val(m->listeners, l);
}

void machine_unlisten(Machine *m, MachineListenerFn *fn, void *opaque)
{
    for (unsigned n = 0; n < m->listeners->len; n++) {
        const Listener *l = &g_array_index(m->listeners, Listener, n);
        if (l->fn == fn && l->opaque == opaque) {
            g_array_remove_index(m->listeners, n);
            return;
        }
    }
}

void machine_flush(Machine *m)
{
    while (m->pending->len) {
        Pending p = g_array_index(m->pending, Pending, 0);
        g_array_remove_index(m->pending, 0);
        for (unsigned n = 0; n < m->listeners->len; n++) {
            const Listener *l = &g_array_index(m->listeners, Listener, n);
            l->fn(l->opaque, p.event, p.by_guest);
        }
    }
}

void machine_notify(Machine *m, MachineEvent event, bool by_guest)
{
    Pending p = {event, by_guest};
    g_array_append_val(m->pending, p);
    if (g_main_context_is_owner(g_main_context_default()))
        machine_flush(m);
    else
        g_source_set_ready_time(m->wake, 0);
}

bool machine_running(const Machine *m)
{
    return m->state == RUN_RUNNING;
}

bool machine_hold(Machine *m)
{
    bool was_running = machine_running(m);
    vcputhread_pause(m->thread);
    vcputhread_wait_paused(m->thread);
    /* it may have stopped by itself meanwhile */
    return was_running && machine_running(m);
}

void machine_release(Machine *m, bool was_running)
{
    if (was_running && machine_running(m))
        vcputhread_resume(m->thread);
}

void machine_stop(Machine *m, RunState why)
{
    if (!machine_running(m))
        return;
    machine_hold(m);
    if (!machine_running(m))
        return;
    clock_stop(m->pc->clock);
    debugger_stopped(m->debugger);
    m->state = why;
    machine_notify(m, MACHINE_STOP, false);
}

void machine_stopped_itself(Machine *m, RunState why)
{
    if (!machine_running(m))
        return;
    clock_stop(m->pc->clock);
    debugger_stopped(m->debugger);
    m->state = why;
    machine_notify(m, MACHINE_STOP, why == RUN_SHUTDOWN);
}

static void resume(Machine *m, bool timers)
{
    m->state = RUN_RUNNING;
    if (timers)
        clock_start(m->pc->clock);
    debugger_resuming(m->debugger);
    machine_notify(m, MACHINE_RESUME, false);
    vcputhread_resume(m->thread);
}

void machine_cont(Machine *m)
{
    if (!machine_running(m))
        resume(m, true);
}

void machine_step(Machine *m, unsigned n)
{
    if (machine_running(m))
        return;
    debugger_set_steps(m->debugger, n);
    resume(m, false);
}

void machine_reset_button(Machine *m)
{
    vcputhread_reset(m->thread);
}

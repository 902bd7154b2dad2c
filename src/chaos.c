/* See chaos.h. */
#include "config.h"
#include "chaos.h"

#include "dice.h"

enum { PAUSE_MIN_US = 20, PAUSE_MAX_US = 2000 };

struct Chaos {
    VcpuThread *t;
    GMutex *lock;
    GThread *thread;
    uint64_t dice;
    int ending; /* atomic */
};

static void *poke(void *opaque)
{
    Chaos *c = opaque;
    while (!g_atomic_int_get(&c->ending)) {
        g_usleep(PAUSE_MIN_US + dice_next(&c->dice) % (PAUSE_MAX_US - PAUSE_MIN_US));
        g_mutex_lock(c->lock);
        vcputhread_kick(c->t);
        g_mutex_unlock(c->lock);
    }
    return NULL;
}

Chaos *chaos_new(VcpuThread *t, GMutex *lock, uint64_t seed)
{
    Chaos *c = g_new0(Chaos, 1);
    c->t = t;
    c->lock = lock;
    c->dice = seed;
    c->thread = g_thread_new("x86vm-chaos", poke, c);
    return c;
}

void chaos_free(Chaos *c)
{
    if (!c)
        return;
    g_atomic_int_set(&c->ending, 1);
    g_thread_join(c->thread);
    g_free(c);
}

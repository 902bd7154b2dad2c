/*
 * The pool of sandboxes. See pool.h. The lock is for kicks: they come from other threads and must not meet a freed
 * sandbox.
 */
#include "config.h"
#include "decision/pool.h"

typedef struct Member {
    uint64_t cr3;
    uint64_t used; /* value of clock */
    Sandbox *sandbox;
} Member;

struct SandboxPool {
    int ram_fd, view_fd;
    unsigned max, count;
    uint64_t clock;
    Sandbox *fpu; /* has the x87 state; NULL: it is home */
    GMutex lock;
    Sandbox *running;
    Member member[];
};

SandboxPool *sandbox_pool_new(int ram_fd, int view_fd, unsigned max)
{
    g_assert(max >= 1);
    SandboxPool *p = g_malloc0(sizeof *p + max * sizeof(Member));
    p->ram_fd = ram_fd;
    p->view_fd = view_fd;
    p->max = max;
    g_mutex_init(&p->lock);
    return p;
}

void sandbox_pool_free(SandboxPool *p)
{
    if (!p)
        return;
    for (unsigned n = 0; n < p->count; n++)
        sandbox_free(p->member[n].sandbox);
    g_mutex_clear(&p->lock);
    g_free(p);
}

static Member *find(SandboxPool *p, uint64_t cr3)
{
    for (unsigned n = 0; n < p->count; n++)
        if (p->member[n].cr3 == cr3)
            return &p->member[n];
    return NULL;
}

Sandbox *sandbox_pool_find(SandboxPool *p, uint64_t cr3)
{
    Member *m = find(p, cr3);
    return m ? m->sandbox : NULL;
}

bool sandbox_pool_fpu_home(SandboxPool *p, Vcpu *v)
{
    Sandbox *s = p->fpu;
    p->fpu = NULL;
    v->fpu_away = false;
    return !s || sandbox_fpu_home(s, v);
}

static void drop(SandboxPool *p, Member *m, Vcpu *v)
{
    if (p->fpu == m->sandbox)
        sandbox_pool_fpu_home(p, v);
    sandbox_free(m->sandbox);
    *m = p->member[--p->count];
}

void sandbox_pool_drop(SandboxPool *p, uint64_t cr3, Vcpu *v)
{
    Member *m = find(p, cr3);
    if (m)
        drop(p, m, v);
}

Sandbox *sandbox_pool_get(SandboxPool *p, uint64_t cr3, Vcpu *v, bool *fresh, GError **error)
{
    Member *m = find(p, cr3);
    *fresh = !m;
    if (!m) {
        if (p->count == p->max) {
            Member *oldest = &p->member[0];
            for (unsigned n = 1; n < p->count; n++)
                if (p->member[n].used < oldest->used)
                    oldest = &p->member[n];
            drop(p, oldest, v);
        }
        Sandbox *s = sandbox_new_with_view(p->ram_fd, p->view_fd, error);
        if (!s)
            return NULL;
        m = &p->member[p->count++];
        *m = (Member){ .cr3 = cr3, .sandbox = s };
    }
    m->used = ++p->clock;
    return m->sandbox;
}

unsigned sandbox_pool_count(const SandboxPool *p)
{
    return p->count;
}

SandboxExit sandbox_pool_run(SandboxPool *p, uint64_t cr3, Vcpu *v, SandboxStop *stop)
{
    Member *m = find(p, cr3);
    g_assert(m);
    m->used = ++p->clock;
    if (p->fpu && p->fpu != m->sandbox)
        sandbox_pool_fpu_home(p, v);
    /*
     * Published before sandbox_run() looks at Vcpu.attention: whoever sets that and then kicks is seen by one or
     * the other.
     */
    g_mutex_lock(&p->lock);
    p->running = m->sandbox;
    g_mutex_unlock(&p->lock);
    SandboxExit exit = sandbox_run(m->sandbox, v, stop);
    g_mutex_lock(&p->lock);
    p->running = NULL;
    g_mutex_unlock(&p->lock);
    if (exit == SANDBOX_ESCAPE || exit == SANDBOX_LOST) {
        if (p->fpu == m->sandbox) {
            p->fpu = NULL;
            v->fpu_away = false;
        }
        sandbox_free(m->sandbox);
        *m = p->member[--p->count];
    } else {
        p->fpu = m->sandbox; /* also for a run that did not begin: then it is at home and coming home does nothing */
        v->fpu_away = true;
    }
    return exit;
}

void sandbox_pool_kick(SandboxPool *p)
{
    g_mutex_lock(&p->lock);
    if (p->running)
        sandbox_kick(p->running);
    g_mutex_unlock(&p->lock);
}

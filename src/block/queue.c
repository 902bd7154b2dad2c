/*
 * The request queue. One worker, first in first out: a read after a write to the same place sees it, and a flush
 * covers what was submitted before it, without any bookkeeping of overlaps.
 *
 * The worker delivers what it has done itself when the machine lock is free, which spares waking another thread; it never
 * waits for that lock, whose holder may be waiting for it. Else the main loop delivers.
 */
#include "block/queue.h"

struct BlockQueue {
    int (*run)(BlockReq *req);
    GMutex *machine; /* delivery holds it; may be NULL */
    GSource *source;
    GThread *worker;
    unsigned pending; /* submitted and not delivered; under the machine lock */
    GMutex lock;      /* guards what follows */
    GCond changed;
    GQueue todo, done;
    bool busy, stop;
};

typedef struct QueueSource {
    GSource source;
    BlockQueue *queue;
} QueueSource;

static BlockReq *queue_pop_done(BlockQueue *q)
{
    g_mutex_lock(&q->lock);
    GList *link = g_queue_pop_head_link(&q->done);
    g_mutex_unlock(&q->lock);
    return link ? link->data : NULL;
}

/* Machine lock held. */
static void queue_deliver(BlockQueue *q)
{
    BlockReq *req;

    while ((req = queue_pop_done(q))) {
        q->pending--;
        if (req->cancelled)
            block_req_free(req);
        else
            req->done(req->opaque, req);
    }
}

static void worker_deliver(BlockQueue *q)
{
    if (q->machine && g_mutex_trylock(q->machine)) {
        queue_deliver(q);
        g_mutex_unlock(q->machine);
    } else {
        g_source_set_ready_time(q->source, 0);
    }
}

static gpointer queue_worker(gpointer opaque)
{
    BlockQueue *q = opaque;

    g_mutex_lock(&q->lock);
    for (;;) {
        GList *link = g_queue_pop_head_link(&q->todo);

        if (!link) {
            if (q->stop)
                break;
            g_cond_wait(&q->changed, &q->lock);
            continue;
        }
        BlockReq *req = link->data;
        q->busy = true;
        g_mutex_unlock(&q->lock);
        int error = q->run(req);
        g_mutex_lock(&q->lock);
        req->error = error;
        q->busy = false;
        g_queue_push_tail_link(&q->done, link);
        g_cond_broadcast(&q->changed);
        g_mutex_unlock(&q->lock);
        worker_deliver(q);
        g_mutex_lock(&q->lock);
    }
    g_mutex_unlock(&q->lock);
    return NULL;
}

static gboolean queue_dispatch(GSource *source, GSourceFunc fn, gpointer data)
{
    BlockQueue *q = ((QueueSource *)source)->queue;

    g_source_set_ready_time(source, -1); /* before looking: a completion after this sets it again */
    if (q->machine)
        g_mutex_lock(q->machine);
    queue_deliver(q);
    if (q->machine)
        g_mutex_unlock(q->machine);
    return G_SOURCE_CONTINUE;
}

BlockQueue *queue_new(int (*run)(BlockReq *req), GMainContext *context, GMutex *lock)
{
    static GSourceFuncs funcs = {.dispatch = queue_dispatch};
    BlockQueue *q = g_new0(BlockQueue, 1);

    q->run = run;
    q->machine = lock;
    g_mutex_init(&q->lock);
    g_cond_init(&q->changed);
    q->source = g_source_new(&funcs, sizeof(QueueSource));
    ((QueueSource *)q->source)->queue = q;
    g_source_set_name(q->source, "block");
    g_source_set_priority(q->source, G_PRIORITY_HIGH);
    g_source_attach(q->source, context);
    q->worker = g_thread_new("block", queue_worker, q);
    return q;
}

void queue_free(BlockQueue *q)
{
    GList *link;

    if (!q)
        return;
    g_mutex_lock(&q->lock);
    q->stop = true;
    g_cond_broadcast(&q->changed);
    g_mutex_unlock(&q->lock);
    g_thread_join(q->worker);
    g_source_destroy(q->source);
    g_source_unref(q->source);
    while ((link = g_queue_pop_head_link(&q->done)))
        block_req_free(link->data);
    g_mutex_clear(&q->lock);
    g_cond_clear(&q->changed);
    g_free(q);
}

bool queue_idle(const BlockQueue *q)
{
    return q->pending == 0;
}

void queue_push(BlockQueue *q, BlockReq *req)
{
    q->pending++;
    g_mutex_lock(&q->lock);
    g_queue_push_tail_link(&q->todo, &req->link);
    g_cond_broadcast(&q->changed);
    g_mutex_unlock(&q->lock);
}

void queue_drain(BlockQueue *q)
{
    /* A completion may submit more. */
    while (q->pending) {
        g_mutex_lock(&q->lock);
        while (q->busy || !g_queue_is_empty(&q->todo))
            g_cond_wait(&q->changed, &q->lock);
        g_mutex_unlock(&q->lock);
        queue_deliver(q);
    }
}

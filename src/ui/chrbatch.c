/* Output put together. See chrbatch.h. */
#include "ui/chrbatch.h"

#define DELAY_US 1000
#define FULL 2048 /* bytes */

struct ChrBatch {
    ChrBatchWrite *write;
    void *opaque;
    GMutex *lock;
    GByteArray *waiting;
    GSource *source; /* ready when they have waited long enough */
};

static gboolean flush_dispatch(GSource *source, GSourceFunc callback, gpointer opaque)
{
    ChrBatch *b = opaque;
    g_source_set_ready_time(source, -1);
    g_mutex_lock(b->lock);
    chrbatch_flush(b);
    g_mutex_unlock(b->lock);
    return G_SOURCE_CONTINUE;
}

static gboolean never_called(gpointer opaque)
{
    return G_SOURCE_CONTINUE;
}

ChrBatch *chrbatch_new(ChrBatchWrite *write, void *opaque, GMutex *lock)
{
    static GSourceFuncs funcs = {.dispatch = flush_dispatch};
    ChrBatch *b = g_new0(ChrBatch, 1);
    b->write = write;
    b->opaque = opaque;
    b->lock = lock;
    b->waiting = g_byte_array_new();
    b->source = g_source_new(&funcs, sizeof(GSource));
    g_source_set_callback(b->source, never_called, b, NULL); /* its data is what dispatch gets */
    g_source_attach(b->source, NULL);
    return b;
}

void chrbatch_free(ChrBatch *b)
{
    if (!b)
        return;
    chrbatch_flush(b);
    g_source_destroy(b->source);
    g_source_unref(b->source);
    g_byte_array_unref(b->waiting);
    g_free(b);
}

void chrbatch_add(ChrBatch *b, const uint8_t *buf, size_t len)
{
    if (!b->waiting->len)
        g_source_set_ready_time(b->source, g_get_monotonic_time() + DELAY_US);
    g_byte_array_append(b->waiting, buf, len);
    if (b->waiting->len >= FULL)
        chrbatch_flush(b);
}

void chrbatch_flush(ChrBatch *b)
{
    if (b->waiting->len)
        b->write(b->opaque, b->waiting->data, b->waiting->len);
    g_byte_array_set_size(b->waiting, 0);
}

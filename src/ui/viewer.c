/*
 * When to look at a display. See viewer.h.
 *
 * A look asks for notice of the next change before it looks. The first change after it wakes the viewer's thread, which
 * then waits out the rest of the period: a guest that draws all the time is looked at 60 times a second, one that
 * does nothing never.
 */
#include "config.h"

#include "ui/viewer.h"

void viewer_touch(Viewer *v)
{
    if (v->told)
        return;
    v->told = true;
    v->wake(v->opaque);
}

static void changed(void *opaque)
{
    viewer_touch(opaque);
}

void viewer_init(Viewer *v, Display *display, GMutex *lock, void (*wake)(void *opaque), void *opaque)
{
    *v = (Viewer){.display = display, .lock = lock, .wake = wake, .opaque = opaque, .told = true};
    v->listener = (DisplayListener){.changed = changed, .opaque = v};
    g_mutex_lock(lock);
    display_listen(display, &v->listener);
    g_mutex_unlock(lock);
}

void viewer_done(Viewer *v)
{
    g_mutex_lock(v->lock);
    display_unlisten(v->display, &v->listener);
    g_mutex_unlock(v->lock);
}

gint64 viewer_wait(Viewer *v)
{
    g_mutex_lock(v->lock);
    gint64 due = v->told ? v->last + VIEWER_PERIOD : v->blink;
    g_mutex_unlock(v->lock);
    return due ? MAX(due - g_get_monotonic_time(), 0) : -1;
}

void viewer_looks(Viewer *v, bool running)
{
    v->told = false;
    v->last = g_get_monotonic_time();
    display_watch(v->display);
    int64_t blink = running ? display_blink(v->display) : 0;
    v->blink = blink ? v->last + blink / 1000 + 1 : 0;
}

/*
 * When to look at a display: when it changed, but not more often than VIEWER_PERIOD; when it blinks; else never. For screen
 * modules, which link it.
 */
#pragma once

#include "hw/display.h"

#include <glib.h>

#define VIEWER_PERIOD (G_USEC_PER_SEC / 60)

typedef struct Viewer {
    Display *display;
    GMutex *lock; /* the machine lock, which protects told */
    DisplayListener listener;
    void (*wake)(void *opaque);
    void *opaque;
    bool told;          /* a change since the last look */
    gint64 last, blink; /* of g_get_monotonic_time(): the last look, and when the picture changes by itself (0: never) */
} Viewer;

/* wake is called, with the lock held and in any thread, when viewer_wait() may say another thing. Lock not held. */
void viewer_init(Viewer *v, Display *display, GMutex *lock, void (*wake)(void *opaque), void *opaque);
void viewer_done(Viewer *v);

/* Microseconds until the next look is due: 0 now, -1 not before wake is called. Lock not held. */
gint64 viewer_wait(Viewer *v);
/* Ask for a look although nothing changed. Lock held. */
void viewer_touch(Viewer *v);
/* To be called before each look, with the lock held. While the machine does not run, nothing blinks. */
void viewer_looks(Viewer *v, bool running);

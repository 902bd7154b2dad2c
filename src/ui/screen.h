/*
 * The seam between the machine and what shows its screen: a window (SDL2) or a text terminal (curses).
 *
 * These are modules, shared objects that are loaded only when their display is wanted: a machine without a screen needs
 * neither library. A module links nothing of the program; it gets a ScreenHost, and offers a ScreenModule.
 *
 * A module runs in a thread of its own, so that a slow X server or terminal never holds up the machine. It takes the
 * machine lock for as long as it looks at the display or hands on a key, and never while it draws.
 */
#pragma once

#include "hw/display.h"
#include "hw/input.h"

#include <glib.h>

/* What -display says besides the name. */
typedef struct ScreenOptions {
    bool full_screen;
    bool no_close;    /* window-close=off: the close button does nothing */
    bool show_cursor; /* the host's pointer, also while the guest has the mouse */
} ScreenOptions;

typedef enum ScreenKind { SCREEN_NONE, SCREEN_SDL, SCREEN_CURSES, SCREEN_KINDS } ScreenKind;

/* What a module may use. The lock is held in calls of running() and power_button(), and not in the others. Any thread. */
typedef struct ScreenHost {
    Display *display;
    Input *input;
    GMutex *lock;     /* the machine lock */
    const char *name; /* -name, or NULL */
    ScreenOptions options;
    bool (*running)(void *opaque);
    bool (*power_button)(void *opaque); /* false: the guest does not listen to it */
    void (*pause)(void *opaque);        /* stop the machine, or let it go on; soon */
    /* Run a line as the monitor does; one at a time. done gets what it printed, to be freed, later, in another thread. */
    void (*command)(void *opaque, const char *line, void (*done)(void *screen, char *text), void *screen);
    void (*quit)(void *opaque, int status); /* end the program */
    void *opaque;
} ScreenHost;

#define SCREEN_MODULE_VERSION 2
#define SCREEN_MODULE_SYMBOL "x86vm_screen_module"

/* What a module exports under that name. */
typedef struct ScreenModule {
    unsigned version; /* SCREEN_MODULE_VERSION */
    /* Open the screen; host lives as long as it does. NULL and error when that can't be. Lock not held. */
    void *(*open)(const ScreenHost *host, GError **error);
    /* The machine stopped or went on. Lock held. */
    void (*state_changed)(void *screen);
    /* Lock not held. */
    void (*close)(void *screen);
} ScreenModule;

/* The display of a name; false when there is none. */
bool screen_kind_parse(const char *name, ScreenKind *kind);
const char *screen_kind_name(ScreenKind kind);

/* Is the module there? And load it: NULL and error, with the package to ask for, when it can't be. */
bool screen_module_exists(ScreenKind kind);
const ScreenModule *screen_module_load(ScreenKind kind, GError **error);

/*
 * One terminal shared by several devices (-nographic, mon:stdio: a serial port and the monitor). What they send is shown
 * together; what is typed goes to the one in focus.
 */
#pragma once

#include <glib.h>

#include "chardev.h"

typedef struct ChrMux ChrMux;

#define CHRMUX_MAX 4

ChrMux *chrmux_new(void);
void chrmux_free(ChrMux *m);
/* The side that the terminal's back end connects to. */
Chardev *chrmux_line(ChrMux *m);
/* Give chr the mux as its back end; the first one added has the focus. False when there are CHRMUX_MAX already. */
bool chrmux_add(ChrMux *m, Chardev *chr);
/*
 * Take QEMU's Ctrl-A commands out of what the line brings: c goes round, b sends a break, x calls quit, Ctrl-A
 * is Ctrl-A. Not for a terminal (chrterm.h), which does so itself.
 */
void chrmux_set_escape(ChrMux *m, void (*quit)(void *opaque), void *opaque);
/* The next one has the focus. It is told by opened(). */
void chrmux_switch(ChrMux *m);

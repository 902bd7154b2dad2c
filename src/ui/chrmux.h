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
/* Give chr the mux as its back end; the first one added has the focus. */
void chrmux_add(ChrMux *m, Chardev *chr);
/* Ctrl-A c: the next one. It is told by opened(). */
void chrmux_switch(ChrMux *m);

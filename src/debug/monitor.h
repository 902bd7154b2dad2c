/*
 * The monitor: a command line onto the machine, with QEMU's commands and formats.
 *
 * A Monitor runs commands; on a Chardev (optional) it is a terminal with line editing, history and completion, else it is
 * only for monitor_run(), which gdb's `monitor` and QMP's human-monitor-command use.
 */
#pragma once

#include "chardev.h"
#include "debug/machine.h"
#include "debug/symbols.h"
#include "debug/trace.h"
#include "ui/screendump.h"

typedef struct Monitor Monitor;

/* symbols and tracer may be NULL; nothing is owned. Machine lock held. */
Monitor *monitor_new(Machine *m, const Symbols *symbols, Tracer *tracer, Chardev *chr);
void monitor_free(Monitor *mon);

/* Run one command line. What it printed, to be freed; lines end in \n. Machine lock held, main loop's thread. */
char *monitor_run(Monitor *mon, const char *line);

#define MONITOR_DRIVE_NAME 16
/* What IDE drive n (0..3) is, and its name: "ide1-cd0". */
IdeKind monitor_ide_drive(const Machine *m, unsigned n, char name[MONITOR_DRIVE_NAME]);
/* Exchange the medium of a removable drive (floppy0, ide1-cd0); path NULL takes it out. */
bool monitor_change(Machine *m, const char *drive, const char *path, bool force, GError **error);
/* Keys as sendkey takes them, "ctrl-alt-f1"; held for ms. */
bool monitor_sendkey(Machine *m, const char *keys, unsigned ms, GError **error);
bool monitor_screendump(Machine *m, const char *path, ScreendumpFormat format, GError **error);

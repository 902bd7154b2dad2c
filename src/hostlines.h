/*
 * The host's end of the machine's lines: serial and parallel ports, debug consoles, monitor, QMP, gdb.
 *
 * A line is told by a text ("stdio", "file:PATH", "chardev:ID"...: x86vm(1)). Several may share a back end by a mux:
 * mon:DEV shares it with the monitor, a -chardev with mux=on with whoever names it.
 */
#pragma once

#include <glib.h>

#include "chardev.h"
#include "vmconfig.h"

typedef struct HostLines HostLines;

/*
 * monitor is the line that mon:DEV brings in. lock is the machine lock; quit is called when the user types Ctrl-A x.
 * config, lock and all lines outlive the object.
 */
HostLines *hostlines_new(const VmConfig *config, GMutex *lock, Chardev *monitor, void (*quit)(void *opaque),
                         void *opaque);
/* Ends all back ends; a terminal is as it was before. */
void hostlines_free(HostLines *l);

/* Connect chr to dev; option is what it was said with ("serial"). False and error when it can't be. */
bool hostlines_connect(HostLines *l, Chardev *chr, const char *option, const char *dev, GError **error);

/* Is a line on the terminal? */
bool hostlines_use_terminal(const HostLines *l);
/* Write what waits for company there; something else is going to be printed. Machine lock held. */
void hostlines_flush_terminal(HostLines *l);

/*
 * -daemonize and -pidfile.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define DAEMON_NONE -1

/*
 * Go to the background: returns in a process of its own session, while the one that was called waits for
 * daemon_ready(), then ends with status 0, or for this process's end, then with 1. Call it before there are threads.
 * Messages still go to the caller's standard error. Returns what daemon_ready() wants; DAEMON_NONE and error when
 * there can be no such process.
 */
int daemon_start(GError **error);
/* The machine is built: let the caller go, and leave its terminal alone from here on. */
void daemon_ready(int handle);

typedef struct Pidfile Pidfile;

/*
 * Write our number to path, and lock it, so that no other machine takes it while we run. NULL and error when it can't
 * be written or is another's.
 */
Pidfile *pidfile_new(const char *path, GError **error);
/* Removes the file. NULL is allowed. */
void pidfile_free(Pidfile *p);

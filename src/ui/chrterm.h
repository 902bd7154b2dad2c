/*
 * A terminal (standard input and output) as the back end of a serial port, in raw mode, with QEMU's Ctrl-A commands.
 */
#pragma once

#include <glib.h>

#include "chardev.h"

typedef struct ChrTerm ChrTerm;

/* What the user asked for by Ctrl-A; may be NULL. */
typedef struct ChrTermCommands {
    void (*quit)(void *opaque);                    /* Ctrl-A x */
    void (*command)(void *opaque, char key);       /* any other letter; a help text has been printed for h */
    void *opaque;
} ChrTermCommands;

/*
 * Connect chr to standard input and output. When standard input is a terminal it is put into raw mode; escape says whether
 * Ctrl-A is a command prefix (-nographic, mon:stdio), signals whether Ctrl-C ends the program rather than going to the
 * guest. lock is the machine lock, taken around calls into the device. chr is not owned and outlives the back end.
 */
ChrTerm *chrterm_new(Chardev *chr, GMutex *lock, bool escape, bool signals, ChrTermCommands commands);
/* Write what waits for company; something else is going to be printed on the terminal. Machine lock held. */
void chrterm_flush(ChrTerm *t);
/* Restores the terminal. */
void chrterm_free(ChrTerm *t);

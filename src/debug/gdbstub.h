/*
 * The gdb stub: real gdb, or any client of its remote protocol, debugs the guest.
 *
 * It sits on a Chardev as a device does (a socket, a pty, standard input), stops the machine when a client connects, and
 * continues it when the client detaches or goes away. Breakpoints are debugger.h's: software and hardware ones are the same,
 * by linear address, and the guest sees none of them.
 */
#pragma once

#include "chardev.h"
#include "debug/machine.h"

typedef struct GdbStub GdbStub;

typedef struct GdbStubConfig {
    /* `monitor ...`: runs a monitor command; what it printed, to be freed. May be NULL. */
    char *(*command)(void *opaque, const char *line);
    void *opaque;
    bool real_mode; /* tell gdb i8086: it disassembles 16-bit code */
} GdbStubConfig;

/* Nothing is owned. Machine lock held. */
GdbStub *gdbstub_new(Machine *m, Chardev *chr, GdbStubConfig config);
/* The machine ends with this status: the client is told. Machine lock held. */
void gdbstub_exiting(GdbStub *g, int status);
void gdbstub_free(GdbStub *g);

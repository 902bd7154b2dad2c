/*
 * A virtual machine's lifetime: board, CPU, their threads, and how it ends.
 *
 * The vCPU runs in a thread of its own; the caller's thread runs the GLib main loop, in which timers fire and host I/O
 * happens. One lock, the machine lock, covers the board; the vCPU takes it for each device access and when
 * it acknowledges an interrupt.
 */
#pragma once

#include "vmconfig.h"

typedef struct Vm Vm;

/* Build the machine. NULL and error (one line: what, where, what to do) when something the user gave is wrong. */
Vm *vm_new(const VmConfig *config, GError **error);
void vm_free(Vm *vm);

/* Run until the guest powers off or the user ends it. Returns the process's exit status. */
int vm_run(Vm *vm);

/* End the run with this status. Any thread. */
void vm_quit(Vm *vm, int status);

/*
 * isa-debug-exit: a guest writes a value v to the port, and the VM ends with status (v << 1) | 1. For test guests.
 */
#pragma once

#include "softmmu/region.h"

typedef struct DebugExit DebugExit;

/* size is 1..8 ports (QEMU: iobase=0x501,iosize=2). exit is called with the machine lock held; reads give 0. */
DebugExit *debugexit_new(Bus *io, uint16_t port, unsigned size, void (*exit)(void *opaque, int status), void *opaque);
void debugexit_free(DebugExit *d);

/*
 * A debug console: one port; every byte written goes to the chardev, and reading gives a fixed byte by which a guest
 * tells that it is there. Bochs and QEMU put theirs at 402h (BIOS messages) and E9h, reading E9h.
 */
#pragma once

#include "chardev.h"
#include "softmmu/region.h"

#define DEBUGPORT_BIOS 0x402
#define DEBUGPORT_READBACK 0xe9

typedef struct DebugPort DebugPort;

/* chr may be NULL and outlives the device. */
DebugPort *debugport_new(Bus *io, uint16_t port, uint8_t readback, Chardev *chr);
void debugport_free(DebugPort *d);

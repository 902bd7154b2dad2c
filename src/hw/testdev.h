/*
 * pc-testdev: what test guests, kvm-unit-tests above all, poke at. Memory that no engine takes for RAM, ports that remember, IRQ
 * lines that follow a write. As QEMU's device of that name.
 */
#pragma once

#include "hw/gsi.h"
#include "softmmu/region.h"

typedef struct TestDev TestDev;

#define TESTDEV_PORT 0xe0          /* 4 ports: a dword that reads as written */
#define TESTDEV_FLUSH_PORT 0xe4    /* 4 ports: nothing here */
#define TESTDEV_IRQ_PORT 0x2000    /* 24 ports: IRQ n follows bit 0 of what is written to port n */
#define TESTDEV_MEMORY 0xff000000u /* 64 KiB of bytes, by reads and writes of the device */

/* Not reset with the machine, as QEMU's is not. */
TestDev *testdev_new(Bus *mem, Bus *io, Gsi *gsi);
void testdev_free(TestDev *t);

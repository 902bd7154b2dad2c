/*
 * QMP: the machine controlled by programs, in JSON, as QEMU's libraries and tools speak it.
 */
#pragma once

#include "chardev.h"
#include "debug/monitor.h"

typedef struct Qmp Qmp;

/* On chr, with the monitor for what both have. Nothing is owned. Machine lock held. */
Qmp *qmp_new(Machine *m, Monitor *mon, Chardev *chr);
void qmp_free(Qmp *q);

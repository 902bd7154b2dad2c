/*
 * Traces: -d items, -D file, -dfilter ranges; `log` and `logfile` in the monitor. QEMU's words where they exist. What is
 * not asked for costs nothing: the CPU calls only functions that are set (debugger.h).
 */
#pragma once

#include "debug/debugger.h"
#include "debug/symbols.h"
#include "decision/direct.h"

typedef struct Tracer Tracer;

/* Nothing is owned. direct may be NULL. */
Tracer *tracer_new(Vcpu *v, Debugger *d, Direct *direct, const Symbols *symbols);
void tracer_free(Tracer *t);

/* Items with commas between them; "none" for nothing. Replaces what was set. CPU standing still. */
bool tracer_set(Tracer *t, const char *items, GError **error);
/* Write to path from now on; "" and "stderr" for standard error. */
bool tracer_set_file(Tracer *t, const char *path, GError **error);
/* Only instructions in these linear ranges (in_asm, out_asm, exec, cpu): START+LEN, START-LEN or START..END, with commas. */
bool tracer_set_filter(Tracer *t, const char *ranges, GError **error);
/* The list of items. */
void tracer_help(GString *out);
/* The CPU is about to be reset. */
void tracer_cpu_reset(Tracer *t);

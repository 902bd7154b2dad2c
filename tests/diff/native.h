/*
 * The host CPU as an engine: see native.c.
 */
#pragma once

#include "diff/case.h"

typedef struct Native Native;

/*
 * Make this process able to run cases: maps the pages below 4 GiB, loads the LDT, takes over the fault signals.
 * One per process, meant for a forked worker. NULL and a reason (static string) when the host does not allow it.
 */
Native *native_new(const char **reason);
/* Host address of the bytes of page n of diff_pages; writable whatever the guest may do. */
uint8_t *native_page(Native *n, int page);
/*
 * Run a case whose code and memory are in place already. vector is DIFF_END_HUNG when it did not end, DIFF_END_SYSCALL
 * when it called the host's kernel or reached 64-bit code; memory then has to be put back by the caller.
 */
void native_run(Native *n, const DiffCase *c, DiffResult *r);

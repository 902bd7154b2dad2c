/*
 * Shadow mode: every block runs translated, then once more by the interpreter, and both must come to the same.
 */
#pragma once

#include "tcache/internal.h"

typedef struct Shadow Shadow;

/* difference is called with a report when the engines disagree. Vcpu.log is set: the TLB must be empty. */
Shadow *shadow_new(TCache *c, void (*difference)(void *opaque, const char *report), void *opaque);
void shadow_free(Shadow *s);
/*
 * Run b, translated without chaining, both ways; at its first byte now. What it raises is delivered. False when they
 * differed: the state is the interpreter's.
 */
bool shadow_run(Shadow *s, const TransBlock *b);
uint64_t shadow_blocks(const Shadow *s);

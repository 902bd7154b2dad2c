/*
 * Why the guest died, in plain words: on a triple fault the chain of faults, the instruction with its operands' values, the
 * page walk or descriptor that failed, what kept the handler from being entered, and a guess at the usual cause. With watching
 * on (-explain) also the last branches, a CPU that halts with interrupts off, and jumps into zeroed or unmapped memory.
 */
#pragma once

#include "debug/debugger.h"
#include "debug/symbols.h"

typedef struct Explain Explain;

/* watch: -explain. Watching branches makes the CPU run one instruction at a time. Nothing is owned. */
Explain *explain_new(Vcpu *v, Debugger *d, const Symbols *symbols, bool watch);
void explain_free(Explain *x);

/* The CPU has shut down. Text to be freed. */
char *explain_triple_fault(Explain *x);
/* HLT with interrupts off: text, or NULL when not watching or told already. */
char *explain_stuck(Explain *x);

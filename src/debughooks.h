/*
 * The seam by which a debugger or a trace listens to the CPU: plain data, no cost while Vcpu.hooks is NULL or a function
 * here is.
 *
 * Breakpoints are by linear page: a page for which page() answers HOOK_EXEC gets no execute entry in the TLB, so every
 * instruction on it is looked up the slow way, where insn() is asked first. Nothing is written into guest memory. With step set
 * insn() is asked before every instruction. Watchpoints are HOOK_DATA pages: they get no TLB entries at all and every access
 * is reported. Whoever changes step or an answer of page() does so while the CPU stands still, and then calls tlb_flush_all()
 * and sets ATTN_STEP.
 *
 * Engines other than the interpreter do not run while Vcpu.hooks is set: whoever chooses an engine looks at it each time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct Vcpu;

enum { HOOK_EXEC = 1, HOOK_DATA = 2 };

typedef struct DebugHooks {
    void *opaque;
    bool step;   /* insn() before every instruction */
    bool no_irq; /* hold interrupts back, and do not sleep in HLT: single-stepping for a debugger */
    bool stop;   /* come back with EXIT_DEBUG at the next instruction boundary; the CPU clears it */

    /* What is to be reported of the linear page at addr: HOOK_* bits. */
    unsigned (*page)(void *opaque, uint64_t addr);
    /* The instruction at CS:rip comes next. True: come back with EXIT_DEBUG before it. May not fault. */
    bool (*insn)(void *opaque, struct Vcpu *v);
    /* A data access was made on a HOOK_DATA page. */
    void (*access)(void *opaque, struct Vcpu *v, uint64_t addr, unsigned size, bool write);

    /* Traces. Each may be NULL. */
    void (*event)(void *opaque, struct Vcpu *v, int vector, int kind, bool has_error, uint32_t error); /* about to be delivered */
    void (*page_filled)(void *opaque, struct Vcpu *v, uint64_t addr, uint64_t gpa, int access, bool user);
    void (*port)(void *opaque, struct Vcpu *v, uint16_t port, unsigned size, bool write, uint32_t value);
    void (*unassigned)(void *opaque, struct Vcpu *v, uint64_t gpa, unsigned size, bool write); /* memory where nothing answers */
} DebugHooks;

/*
 * Breakpoints, watchpoints and single steps, for the gdb stub and the monitor; and the one owner of Vcpu.hooks, which
 * traces and the explainer share.
 *
 * Addresses are linear. The guest never sees any of it: no byte is changed in its memory, no debug register is used.
 * Every call is made with the machine lock held and the CPU standing still (see machine_hold()).
 */
#pragma once

#include <glib.h>

#include "vcpu.h"

typedef struct Debugger Debugger;

typedef enum BreakKind { BREAK_EXEC, BREAK_WRITE, BREAK_READ, BREAK_ACCESS } BreakKind;

typedef struct DebugStop {
    enum { DEBUG_STOP_NONE, DEBUG_STOP_STEP, DEBUG_STOP_BREAK, DEBUG_STOP_WATCH } why;
    BreakKind kind; /* watchpoints */
    uint64_t addr;  /* of the access (watchpoints), of the instruction */
} DebugStop;

/* Someone who listens without stopping. Any function may be NULL; insn asks for the CPU to run stepwise, which is slow. */
typedef struct DebugListener {
    void *opaque;
    void (*insn)(void *opaque, Vcpu *v);
    void (*event)(void *opaque, Vcpu *v, int vector, int kind, bool has_error, uint32_t error);
    void (*page_filled)(void *opaque, Vcpu *v, uint64_t addr, uint64_t gpa, int access, bool user);
    void (*port)(void *opaque, Vcpu *v, uint16_t port, unsigned size, bool write, uint32_t value);
    void (*unassigned)(void *opaque, Vcpu *v, uint64_t gpa, unsigned size, bool write);
} DebugListener;

Debugger *debugger_new(Vcpu *v);
void debugger_free(Debugger *d);

/* len: bytes watched; ignored for BREAK_EXEC. The same one may be inserted several times and counts once. */
void debugger_insert(Debugger *d, BreakKind kind, uint64_t addr, uint64_t len);
/* False: there was none. */
bool debugger_remove(Debugger *d, BreakKind kind, uint64_t addr, uint64_t len);
void debugger_clear(Debugger *d);
unsigned debugger_count(const Debugger *d);

/* Add a listener (not owned, its functions may be changed between debugger_update() calls), take one away. */
void debugger_listen(Debugger *d, DebugListener *l);
void debugger_unlisten(Debugger *d, DebugListener *l);
/* A listener changed. */
void debugger_update(Debugger *d);

/* The next resume runs n instructions only, with interrupts held back. */
void debugger_set_steps(Debugger *d, unsigned n);
/* The CPU is about to run: the instruction at which it stands does not hit its breakpoint again. */
void debugger_resuming(Debugger *d);
/* The CPU has stopped, for whatever reason: steps left are forgotten. */
void debugger_stopped(Debugger *d);
/* Why the CPU came back with EXIT_DEBUG last; NONE after debugger_resuming(). */
const DebugStop *debugger_stop(const Debugger *d);

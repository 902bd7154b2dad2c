/*
 * The machine as those see it who look inside: gdb stub, monitor, QMP, traces, explanations.
 *
 * vm.c fills in the parts. The run state lives here: whoever stops or continues the machine does it by these calls, and
 * listeners hear of it, always in the main loop's thread. The machine lock is held in every call and in every callback.
 */
#pragma once

#include <glib.h>

#include "hw/pc.h"
#include "vcpu.h"
#include "vcputhread.h"
#include "vmconfig.h"

typedef enum RunState {
    RUN_PRELAUNCH, /* -S: has not run yet */
    RUN_RUNNING,
    RUN_PAUSED,    /* by a user */
    RUN_DEBUG,     /* breakpoint, watchpoint, single step */
    RUN_SHUTDOWN,  /* the guest ended and -no-shutdown or -action keeps the machine for a look */
    RUN_STATES
} RunState;

/* QEMU's name: "running", "paused"... */
const char *runstate_name(RunState s);

typedef enum MachineEvent { MACHINE_STOP, MACHINE_RESUME, MACHINE_RESET, MACHINE_SHUTDOWN, MACHINE_POWERDOWN } MachineEvent;

/* by_guest: the guest caused it (resets and shutdowns). */
typedef void MachineListenerFn(void *opaque, MachineEvent event, bool by_guest);

typedef struct Debugger Debugger;
typedef struct Machine Machine;

struct Machine {
    Vcpu *cpu;
    Pc *pc;
    Input *input;
    GPtrArray *disks; /* BlockDev, owned */
    BlockDev *floppy[2]; /* what is in the drives */
    GMutex *lock;
    VcpuThread *thread;
    struct TimeSpent *spent; /* NULL: in tests */
    struct Direct *direct; /* NULL: no direct execution */
    const VmConfig *config;
    Debugger *debugger;
    void (*quit)(void *opaque, int status);
    void *quit_opaque;

    RunState state;
    GArray *listeners;
    GArray *pending; /* events met in the vCPU's thread */
    GSource *wake;
};

/* Attach to the default main context. The fields above state are the caller's to fill in. */
void machine_init(Machine *m);
void machine_clear(Machine *m);

void machine_listen(Machine *m, MachineListenerFn *fn, void *opaque);
void machine_unlisten(Machine *m, MachineListenerFn *fn, void *opaque);
/* Tell the listeners: at once in the main loop's thread, soon from another. */
void machine_notify(Machine *m, MachineEvent event, bool by_guest);
/* Deliver what waits. Main loop's thread. */
void machine_flush(Machine *m);

/* Main loop's thread. Stopping waits until the CPU stands still; guest time stands still too. */
void machine_stop(Machine *m, RunState why);
void machine_cont(Machine *m);
/* Run n instructions, without interrupts and with guest time held, then stop with RUN_DEBUG. */
void machine_step(Machine *m, unsigned n);
/* The reset button; a stopped machine stays stopped, in its reset state. */
void machine_reset_button(Machine *m);
bool machine_running(const Machine *m);

/*
 * Hold the CPU for a moment, whatever its state, to change what it must not see half changed. Returns whether it was running,
 * which machine_release() wants to know.
 */
bool machine_hold(Machine *m);
void machine_release(Machine *m, bool was_running);

/* From the vCPU's thread: it has stopped by itself. */
void machine_stopped_itself(Machine *m, RunState why);

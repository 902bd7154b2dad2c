/* The inside of a Sandbox, shared by birth.c, trace.c and maps.c only. */
#pragma once

#include <time.h>

#include "decision/hostregs.h"
#include "decision/ldt.h"
#include "decision/sandbox.h"
#include "decision/stub.h"

struct Sandbox {
    pid_t pid;
    int pidfd;         /* for kicks; -1 where the host has none */
    bool dead;         /* reaped, or to be killed: never resumed again */
    uint32_t kicked;   /* a kick came; atomic */
    uint64_t ram_size, view_size;
    unsigned low_limit; /* vm.mmap_min_addr */

    /* the stub */
    StubList *list;
    unsigned queued;   /* calls in list->call */
    uint64_t batch, batch_end; /* addresses in the stub */
    unsigned mappings; /* no more than so many */
    bool map_failed;   /* a batch failed: the address space is not as its owner thinks */

    /* what the sandbox holds of the guest */
    LdtSlots ldt;
    bool is_split;
    SandboxSplit split;
    Seg seg[S_COUNT];          /* as last given... */
    uint16_t sel[S_COUNT];     /* ...and the selector it got */
    bool seg_known[S_COUNT];
    uint32_t id_flag;          /* EFLAGS.ID in the process */
    bool regs_known;           /* regs are the process's... */
    struct user_regs_struct regs; /* ...general registers at the last stop */
    bool fpu_inside;           /* the sandbox has the newest x87 and SSE state... */
    Seg then[S_COUNT];         /* ...and these were the guest's segments... */
    uint64_t then_cr3;         /* ...and its address space at the last stop */
    int cpu;                   /* it may run on; -1: any */
    clockid_t clock;           /* its processor time... */
    bool has_clock;            /* ...where the host tells */
    int schedstat;             /* the host's file of how long it waited; -1: not open */
    uint64_t stayed, lost;     /* ns: see sandbox_waited() */
};

/* ---- trace.c ---- */
/* Wait for the next stop; false when the process is gone (s->dead is set). */
bool trace_wait(Sandbox *s, int *status);
/* Run the queued calls of the list. 0, or a negative errno of the call at *failed; the process died: -ESRCH. */
int trace_batch(Sandbox *s, unsigned *failed);
/* Kill and reap. */
void trace_kill(Sandbox *s);

/* ---- maps.c ---- */
/* Queue a call, running the queue first when it is full. */
SandboxMap maps_queue(Sandbox *s, long nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                      uint64_t a5);

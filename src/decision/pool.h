/*
 * The sandboxes of a VM: one per guest address space that computes, not too many, and none that is handed on.
 *
 * Keyed by the guest's CR3. The one unused longest gives way when there are too many: it is killed, and a new process
 * born, so that no register, mapping or LDT entry goes from one guest process to another.
 */
#pragma once

#include "decision/sandbox.h"

typedef struct SandboxPool SandboxPool;

enum { SANDBOX_POOL_MAX = 32 };

/*
 * max: how many at most (1..). The memfds (view_fd -1: none) are not taken over. Same thread rules as for
 * sandboxes.
 */
SandboxPool *sandbox_pool_new(int ram_fd, int view_fd, unsigned max);
/* Kills all. The x87 state must be home. */
void sandbox_pool_free(SandboxPool *p);
/* The sandbox of an address space, or NULL. */
Sandbox *sandbox_pool_find(SandboxPool *p, uint64_t cr3);
/*
 * The same, born if need be: then *fresh, and nothing is mapped. May kill another, after bringing home v's x87
 * state.
 */
Sandbox *sandbox_pool_get(SandboxPool *p, uint64_t cr3, Vcpu *v, bool *fresh, GError **error);
/* The address space is gone or demoted. */
void sandbox_pool_drop(SandboxPool *p, uint64_t cr3, Vcpu *v);
unsigned sandbox_pool_count(const SandboxPool *p);

/*
 * sandbox_run() in the sandbox of cr3, which must exist; x87 state that another sandbox of the pool has goes over.
 * A sandbox that dies is dropped.
 */
SandboxExit sandbox_pool_run(SandboxPool *p, uint64_t cr3, Vcpu *v, SandboxStop *stop);
/* sandbox_fpu_home() for whichever sandbox has it. */
bool sandbox_pool_fpu_home(SandboxPool *p, Vcpu *v);
/* Any thread: stop the sandbox that runs, if one does. Set Vcpu.attention first. */
void sandbox_pool_kick(SandboxPool *p);

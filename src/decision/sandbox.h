/*
 * A sandbox: one process in which guest user code runs on the host CPU, and nothing else does.
 *
 * The contract is sandbox_run(): registers go in, the guest runs, and every reason for which it comes back is a
 * SandboxExit below; there is no other. The guest's 4 GiB are the sandbox's low 4 GiB. What is mapped there comes
 * from the guest RAM memfd (and perhaps a second one, for split views) and only from there, page by page, as its
 * owner says.
 *
 * A sandbox belongs to the thread that made it: ptrace obeys no other. Only sandbox_kick() may be called by all.
 * docs/sandbox.md tells what the host does at every entry from the sandbox, and what stands against each attack.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "vcpu.h"

typedef struct Sandbox Sandbox;

/*
 * Why sandbox_run() came back.
 *
 * After FAULT, TRAP, SYSCALL and KICK the guest's general registers, EIP and EFLAGS are in the Vcpu, and everything
 * up to there has happened exactly once. After ESCAPE and LOST the Vcpu is as it was before the run, the run's
 * stores to memory have perhaps happened, and the sandbox is dead: free it, and let its address space be
 * translated. FULL: nothing ran.
 */
typedef enum SandboxExit {
    SANDBOX_FAULT,   /* the instruction at EIP did not execute: interpret it. It raises the guest's exception, or its
                        pages become known and are mapped. vector is the host's view: a hint */
    SANDBOX_TRAP,    /* the instruction before EIP executed and traps: vector 1 (single step; INT1, but see is_int1),
                        3 (INT3) or 4 (INTO) */
    SANDBOX_SYSCALL, /* INT 80h: EIP is after it */
    SANDBOX_KICK,    /* someone called sandbox_kick(), or Vcpu.attention was set */
    SANDBOX_ESCAPE,  /* the stop shows what 32-bit guest code with the given segments can not reach: run discarded */
    SANDBOX_LOST,    /* the process is gone (killed from outside, out of memory) */
    SANDBOX_FULL,    /* the host refused a mapping or a segment: demote the address space */
    SANDBOX_EXIT_COUNT
} SandboxExit;

typedef struct SandboxStop {
    SandboxExit exit;
    uint8_t vector;
    bool has_addr;
    uint32_t addr;   /* FAULT with vector VEC_PF: linear address of the access */
    bool is_int1;    /* TRAP 1: INT1 (F1), not a single step; EIP is after it, or under some hypervisors at it */
    const char *why; /* a static string, for logs */
} SandboxStop;

/* Results of mapping calls. */
typedef enum SandboxMap {
    SANDBOX_MAP_OK,
    SANDBOX_MAP_LOW,  /* below the host's mmap_min_addr: such pages are served by translation */
    SANDBOX_MAP_FULL, /* too many mappings, or the host refused: demote the address space */
    SANDBOX_MAP_DEAD, /* the sandbox is dead */
} SandboxMap;

enum { SANDBOX_READ = 1, SANDBOX_WRITE = 2, SANDBOX_EXEC = 4 };
enum { SANDBOX_MAPPINGS_MAX = 50000 };

/*
 * A new sandbox with nothing mapped. ram_fd: the guest RAM memfd, not taken over. Costs about a millisecond. NULL
 * and an error that says which of the host's services is missing.
 */
Sandbox *sandbox_new(int ram_fd, GError **error);
/* The same with a second memfd, whose pages sandbox_map_view() maps; -1 for none. */
Sandbox *sandbox_new_with_view(int ram_fd, int view_fd, GError **error);
/* Kills the process and reaps it. NULL is allowed. */
void sandbox_free(Sandbox *s);

/*
 * Map len bytes of guest RAM from ram_offset at linear address gva; unmap; change the protection. All are multiples
 * of 4 KiB and stay below 4 GiB and within the memfd (an invariant of the caller). prot: SANDBOX_*, never WRITE
 * with EXEC. Whatever was there is replaced. The calls only queue: the sandbox does all of them, in order, before
 * the next run, adjoining ones merged; sandbox_flush() does them now.
 */
SandboxMap sandbox_map(Sandbox *s, uint32_t gva, uint64_t ram_offset, uint64_t len, unsigned prot);
SandboxMap sandbox_map_view(Sandbox *s, uint32_t gva, uint64_t view_offset, uint64_t len, unsigned prot);
SandboxMap sandbox_unmap(Sandbox *s, uint32_t gva, uint64_t len);
SandboxMap sandbox_protect(Sandbox *s, uint32_t gva, uint64_t len, unsigned prot);
SandboxMap sandbox_flush(Sandbox *s);

/*
 * Make RDTSC fault (as FAULT, VEC_GP) or not. At birth it does not. CPUID faults from birth where the CPU can make it
 * (HostFacts.cpuid_faults).
 */
SandboxMap sandbox_set_tsc_faults(Sandbox *s, bool on);

/*
 * Run v, which decide() and host_can_express() allow, until something stops it. x87 and SSE state go in when they
 * are not there already, and stay: see sandbox_fpu_home(). *stop is always filled.
 */
SandboxExit sandbox_run(Sandbox *s, Vcpu *v, SandboxStop *stop);
/*
 * Bring the x87 and SSE state home to v, if the sandbox has it: before any other engine or sandbox runs v, or
 * anyone looks at v->fpu. False: the sandbox was lost, v->fpu is as it was before the runs.
 */
bool sandbox_fpu_home(Sandbox *s, Vcpu *v);
/*
 * Does the host save FIP, FDP and FOP when no exception is pending? (AMD's do not.) Then sandbox_fpu_home() should come right after sandbox_run(): the
 * selectors that go with them are found by the guest's segments and memory.
 */
bool sandbox_keeps_x87_pointers(void);

/*
 * Split views, from the next run on: code is fetched base beyond its linear address (modulo 4 GiB), and not beyond linear address
 * code_last; flat data segments end at data_last. NULL: none of that. The guest's EIP and registers are as ever; addresses in a
 * SandboxStop are the host's.
 */
typedef struct SandboxSplit {
    uint32_t base, code_last, data_last;
} SandboxSplit;
void sandbox_set_split(Sandbox *s, const SandboxSplit *split);

/*
 * Make a running or the next sandbox_run() return SANDBOX_KICK soon. Any thread, as long as s is not freed. Never
 * lost; several may collapse into one.
 */
void sandbox_kick(Sandbox *s);

pid_t sandbox_pid(const Sandbox *s);
/* Processor time that it has used, in nanoseconds. */
uint64_t sandbox_cpu_time(const Sandbox *s);
/* It was run for ns nanoseconds. Returns how long in all since sandbox_waited(). */
uint64_t sandbox_stayed(Sandbox *s, uint64_t ns);
/*
 * How long of that it waited for its processor because others had it, in nanoseconds. Where the host does not tell (/proc/PID/schedstat): how
 * long it did not run, which the host's own interrupts and a hypervisor's other machines are part of.
 */
uint64_t sandbox_waited(Sandbox *s);
/* The processor of the host that it was last told to run on; -1: none. */
int sandbox_cpu(const Sandbox *s);
/* Upper bound on the number of host mappings. */
unsigned sandbox_mappings(const Sandbox *s);
const char *sandbox_exit_name(SandboxExit exit);

/*
 * Telling stops apart.
 *
 * First: could guest code that began with our segments be here at all? Selectors that changed, a RIP above 4 GiB or
 * anything in r8-r15 means that it left 32-bit mode or took a selector of the host's. Then by signal and code;
 * among those of the kernel's making RF tells faults (set) from traps (clear), SDM 3B 17.3.1.1: INTO looks like #GP
 * but for it.
 */
#include "config.h"
#include "decision/stops.h"

#include <signal.h>
#include <sys/wait.h>

bool stop_needs_siginfo(int status)
{
    int sig = WSTOPSIG(status);
    return WIFSTOPPED(status) && sig != SYSCALL_STOP && sig != SANDBOX_KICK_SIGNAL;
}

static bool escaped(const struct user_regs_struct *r, const struct user_regs_struct *given, const char **why)
{
    if (r->cs != given->cs || r->ss != given->ss || r->ds != given->ds || r->es != given->es || r->fs != given->fs
        || r->gs != given->gs) {
        *why = r->cs != given->cs ? "an unexpected code segment" : "an unexpected data segment";
        return true;
    }
    if (r->fs_base != given->fs_base || r->gs_base != given->gs_base) {
        *why = "a segment base of 64-bit code";
        return true;
    }
    if (r->rip >> 32) {
        *why = "an instruction pointer above 4 GiB";
        return true;
    }
    if (r->r8 | r->r9 | r->r10 | r->r11 | r->r12 | r->r13 | r->r14 | r->r15) {
        *why = "registers of 64-bit code";
        return true;
    }
    return false;
}

static bool fault(SandboxStop *stop, int vector, const char *why)
{
    stop->exit = SANDBOX_FAULT;
    stop->vector = vector;
    stop->why = why;
    return true;
}

static bool trap(SandboxStop *stop, int vector, const char *why)
{
    stop->exit = SANDBOX_TRAP;
    stop->vector = vector;
    stop->why = why;
    return true;
}

static bool sigtrap(const StopFacts *f, SandboxStop *stop)
{
    switch (f->code) {
    case SI_KERNEL: return trap(stop, VEC_BP, "INT3");
    case TRAP_BRKPT: stop->is_int1 = true; return trap(stop, VEC_DB, "INT1");
    case TRAP_TRACE:
    case TRAP_HWBKPT: return trap(stop, VEC_DB, "single step");
    }
    return false;
}

static bool sigsegv(const StopFacts *f, SandboxStop *stop)
{
    if (f->code == SI_KERNEL)
        return f->regs->eflags & FL_RF ? fault(stop, VEC_GP, "general protection") : trap(stop, VEC_OF, "INTO");
    if (f->addr >> 32) {
        stop->exit = SANDBOX_ESCAPE;
        stop->why = "an access above 4 GiB";
        return true;
    }
    if (f->code == SEGV_PKUERR) { /* our pages have key 0, and PKRU allows it until WRPKRU ran */
        stop->exit = SANDBOX_ESCAPE;
        stop->why = "a changed PKRU";
        return true;
    }
    stop->has_addr = true;
    stop->addr = f->addr;
    return fault(stop, VEC_PF, f->code == SEGV_MAPERR ? "page not mapped" : "page protection");
}

static bool sigbus(const StopFacts *f, SandboxStop *stop)
{
    switch (f->code) {
    case SI_KERNEL: return fault(stop, VEC_SS, "stack segment or segment not present");
    case BUS_ADRALN: return fault(stop, VEC_AC, "alignment");
    }
    /* The host has no memory for the page, or it is bad: whoever touches it next learns that for certain. */
    stop->has_addr = !(f->addr >> 32);
    stop->addr = f->addr;
    return fault(stop, VEC_PF, "no host memory");
}

bool stop_classify(const StopFacts *f, SandboxStop *stop)
{
    *stop = (SandboxStop){ .exit = SANDBOX_LOST, .why = "the process is gone" };
    if (!WIFSTOPPED(f->status))
        return true;
    stop->exit = SANDBOX_ESCAPE;
    if (escaped(f->regs, f->given, &stop->why))
        return true;
    if (f->status >> 16) {
        stop->why = "a ptrace event";
        return true;
    }
    int sig = WSTOPSIG(f->status);
    if (sig == SYSCALL_STOP) {
        stop->exit = SANDBOX_SYSCALL;
        stop->vector = 0x80;
        stop->why = "INT 80h";
        return true;
    }
    if (sig == SANDBOX_KICK_SIGNAL) {
        stop->exit = SANDBOX_KICK;
        stop->why = "kick";
        return true;
    }
    if (sig == SIGSYS) {
        stop->why = "a system call past ptrace";
        return true;
    }
    if (f->code <= 0) /* SI_USER and its like: a signal that someone sent */
        return false;
    switch (sig) {
    case SIGTRAP: return sigtrap(f, stop);
    case SIGSEGV: return sigsegv(f, stop);
    case SIGBUS: return sigbus(f, stop);
    case SIGFPE:
        return f->code == FPE_INTDIV ? fault(stop, VEC_DE, "divide") : fault(stop, VEC_MF, "x87 or SSE exception");
    case SIGILL: return fault(stop, VEC_UD, "undefined opcode");
    }
    return false;
}

const char *sandbox_exit_name(SandboxExit exit)
{
    static const char *const names[SANDBOX_EXIT_COUNT] = {
        "fault", "trap", "system call", "kick", "escape", "lost", "full",
    };
    return names[exit];
}

/*
 * Telling stops apart: from what ptrace reports to a SandboxExit. Pure, so that every case is table-tested.
 */
#pragma once

#include "decision/hostregs.h"

#include "decision/sandbox.h"

enum { SANDBOX_KICK_SIGNAL = 10 /* SIGUSR1 */, SYSCALL_STOP = 5 | 0x80 /* SIGTRAP by PTRACE_O_TRACESYSGOOD */ };

/* What is known at a stop. regs first; siginfo is needed unless stop_needs_siginfo() says not. */
typedef struct StopFacts {
    int status; /* from waitpid() */
    const struct user_regs_struct *regs;
    const struct user_regs_struct *given; /* the selectors that the guest was started with */
    int code;      /* si_code */
    uint64_t addr; /* si_addr */
} StopFacts;

bool stop_needs_siginfo(int status);
/* Fill *stop; false: the stop is none of ours (a signal from elsewhere), resume without it. */
bool stop_classify(const StopFacts *f, SandboxStop *stop);

/*
 * Which guest states may run on the host CPU itself: the decision, and whether the host can show the guest that
 * state.
 *
 * decide() is Rosenblum's algorithm (US patent 6,397,242): from control state alone, never from instructions. It
 * says where direct execution is *correct in principle*. host_can_express() then asks whether this host, a 64-bit
 * Linux process in compatibility mode, can present the state truly: what it can not is run translated.
 */
#pragma once

#include "cpu/cpu.h"

/* What decide() says, and why. The first two are direct execution. */
typedef enum Decision {
    DECIDE_DIRECT,
    DECIDE_V8086,   /* direct in principle: EFLAGS.VM is set */
    DECIDE_REAL,    /* translate: CR0.PE is clear */
    DECIDE_IOPL,    /* translate: CPL <= IOPL, so CLI, STI, POPF and IN would not trap */
    DECIDE_IF,      /* translate: interrupts are off, which POPF and PUSHF would treat unlike the host */
    DECIDE_SEGMENT, /* translate: a segment's cache differs from its descriptor, a reload would lose it */
    DECIDE_COUNT
} Decision;

/* What the host can not show, if anything. */
typedef enum HostLack {
    HOST_LACKS_NOTHING,
    HOST_LACKS_V8086,   /* no VM86 in long mode */
    HOST_LACKS_CPL,     /* not protected mode at CPL 3 */
    HOST_LACKS_FLAGS,   /* IOPL above 0, IF clear, VIF or VIP set: PUSHF would show the host's */
    HOST_LACKS_TF,      /* single-step: the host's signals are not the guest's traps */
    HOST_LACKS_AC,      /* EFLAGS.AC with CR0.AM clear: the host has AM set and would raise #AC */
    HOST_LACKS_DEBUG,   /* a breakpoint is enabled in DR7 */
    HOST_LACKS_SEGMENT, /* a segment that modify_ldt will not make */
    HOST_LACKS_TIME,    /* CR0.TS came too soon again for code to be looked at anew: direct.c */
    HOST_LACK_COUNT
} HostLack;

/*
 * shadowed: bit S_x set when that segment register equals its descriptor in memory (or is a null selector). Pure,
 * constant time.
 */
Decision decide_with(const Vcpu *v, unsigned shadowed);
/* The same, having asked decide_shadowed(). Guest memory is only looked at, no A bit is set, nothing faults. */
Decision decide(const Vcpu *v);
/* The argument of decide_with() for the state as it is. */
unsigned decide_shadowed(const Vcpu *v);

static inline bool decision_is_direct(Decision d)
{
    return d <= DECIDE_V8086;
}

/* Pure, constant time. A mismatch of EFLAGS.ID is none: the stub can set it (docs/sandbox.md). */
HostLack host_can_express(const Vcpu *v);
/*
 * The features, bits by InsnFeature, whose instructions may be in code that runs directly: the CPU's without those that control registers have switched off.
 * Constant time. SDM 3A 2.5, 13.1
 */
uint64_t host_may_run(const Vcpu *v);

/* A few words for counters and reports. */
const char *decision_name(Decision d);
const char *host_lack_name(HostLack l);

/*
 * Guest floating-point state in the host's registers.
 *
 * While Vcpu.fp_live says so, XMM0-7 and MXCSR, or the x87 registers with control and status word (but not the
 * pointers FIP, FDP and FOP, which translated code writes to Vcpu.fpu), are the host's own and stale in Vcpu.fpu. C code
 * destroys XMM registers, so the stubs put them back before any call. It leaves the x87 alone: that stays until someone looks
 * at Vcpu.fpu.
 */
#pragma once

#include "vcpu.h"

enum { FP_XMM = 1, FP_X87 = 2 }; /* Vcpu.fp_live */

/* x87 state from Vcpu.fpu to the host and back; the second leaves the host's in its initial state. */
void fplive_load(Vcpu *v);
void fplive_store(Vcpu *v);

/* Before C code looks at Vcpu.fpu. */
static inline void fplive_settle(Vcpu *v)
{
    if (v->fp_live & FP_X87)
        fplive_store(v);
}

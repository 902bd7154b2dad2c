/*
 * EFLAGS joined from Vcpu.cc and Vcpu.flags, and taken apart again.
 */
#pragma once

#include "vcpu.h"

static inline uint32_t cc_to_flags(uint16_t cc)
{
    return (cc >> 8 & (FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF)) | (uint32_t)(cc & CC_OF) << 11;
}
static inline uint16_t cc_from_flags(uint32_t flags)
{
    return (flags & (FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF)) << 8 | CC_1 | (flags >> 11 & 1);
}
static inline uint32_t eflags_get(const Vcpu *v)
{
    return v->flags | cc_to_flags(v->cc);
}
/* Sets all of EFLAGS as given (FL_1 forced): callers mask by privilege. Does not follow up on IF, TF, AC or VM. */
static inline void eflags_set_raw(Vcpu *v, uint32_t flags)
{
    v->cc = cc_from_flags(flags);
    v->flags = (flags & ~FL_ARITH & 0x3f7fd5u) | FL_1;
}
/*
 * Change the bits in mask as POPF, IRET and the like do, and follow up: interrupts become possible, single-step,
 * alignment checks. VM is not changed here.
 */
void eflags_write(Vcpu *v, uint32_t flags, uint32_t mask);
/* The bits that POPF and IRET may change at this CPL and IOPL. */
uint32_t eflags_pop_mask(const Vcpu *v, unsigned opsize);
/* V8086 mode with VME, IOPL below 3: a popped image with IF moved to VIF; #GP(0) on TF, or when an interrupt waits (VIP). */
uint32_t eflags_vme_image(Vcpu *v, uint32_t image);

/* Condition codes 0..15 as in Jcc. SDM 1 appendix B */
static inline bool cc_test(uint16_t cc, unsigned cond)
{
    bool r;
    switch (cond >> 1) {
    case 0: r = cc & CC_OF; break;
    case 1: r = cc & CC_CF; break;
    case 2: r = cc & CC_ZF; break;
    case 3: r = cc & (CC_CF | CC_ZF); break;
    case 4: r = cc & CC_SF; break;
    case 5: r = cc & CC_PF; break;
    case 6: r = (cc >> 15 ^ cc) & 1; break;
    default: r = (cc & CC_ZF) || ((cc >> 15 ^ cc) & 1); break;
    }
    return r ^ (cond & 1);
}

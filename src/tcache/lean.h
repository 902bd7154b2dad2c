/*
 * Lean helpers, which translated code calls with its vector registers as they are: see lean.c. The stubs that call them have put the guest's
 * general registers but EBX and EBP, and the flags, into Vcpu; rip is of no importance before and right behind.
 */
#pragma once

#include "tcache/internal.h"

/* Load DS, ES, FS or GS. VERW, whose ZF goes to Vcpu.cc. */
enum { LEAN_DONE, LEAN_MOVED /* done, and code is another one from here on */, LEAN_REFUSED };
typedef unsigned LeanSelFn(Vcpu *v, unsigned seg, unsigned sel);
LeanSelFn lean_seg_load, lean_verw;

/*
 * The instruction of site s as a whole, Vcpu.insns being what it is behind it. Where to go on; NULL: refused, the handler is to do
 * it; LEAN_LEAVE: done, and the run loop looks what is next.
 */
#define LEAN_LEAVE ((const void *)1)
typedef const void *LeanFn(Vcpu *v, const Site *s, unsigned operand);
LeanFn lean_sysenter, lean_sysexit, lean_iret, lean_int;
/* Where to go on at CS:rip, or LEAN_LEAVE. */
const void *lean_next(Vcpu *v);

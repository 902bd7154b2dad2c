/*
 * Raising guest exceptions from anywhere below the run loop.
 *
 * A handler that meets a fault does not return: fault_raise() records it and jumps to the run loop's catch point, which
 * delivers it. So handlers read and probe everything that can fault before they change state; registers they have
 * not written yet are as they were, and rip goes back to insn_rip.
 */
#pragma once

#include "vcpu.h"

/* An exception with error code / without. Vectors VEC_*. */
_Noreturn void fault_raise_error(Vcpu *v, int vector, uint32_t error);
_Noreturn void fault_raise(Vcpu *v, int vector);
/* #PF at linear address addr with error bits as SDM 3A figure 4-12. */
_Noreturn void fault_raise_page(Vcpu *v, uint64_t addr, uint32_t error);

static inline _Noreturn void fault_gp0(Vcpu *v)
{
    fault_raise_error(v, VEC_GP, 0);
}
static inline _Noreturn void fault_ud(Vcpu *v)
{
    fault_raise(v, VEC_UD);
}

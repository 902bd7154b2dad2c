/*
 * Recording a guest exception and leaving for the run loop.
 */
#include "softmmu/fault.h"

static _Noreturn void fault_jump(Vcpu *v)
{
    _longjmp(*v->catch_point, 1);
}

void fault_raise_error(Vcpu *v, int vector, uint32_t error)
{
    v->fault = (Fault){.vector = vector, .has_error = true, .error = error};
    fault_jump(v);
}

void fault_raise(Vcpu *v, int vector)
{
    v->fault = (Fault){.vector = vector};
    fault_jump(v);
}

void fault_raise_page(Vcpu *v, uint64_t addr, uint32_t error)
{
    v->fault = (Fault){.vector = VEC_PF, .has_error = true, .error = error, .cr2 = addr};
    fault_jump(v);
}

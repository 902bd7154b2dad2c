/*
 * From a decoded instruction to the function that runs it.
 */
#include "cpu/handlers.h"

typedef struct Handler {
    InsnFn *one;
    InsnFnTable *table;
} Handler;

#define OP(m, class, handler, rule, feature) [ROW_##m] = {.one = handler},
#define OPT(m, class, handlers, rule, feature) [ROW_##m] = {.table = &handlers},
static const Handler handlers[ROW_COUNT] = {
    [ROW_INVALID] = {.one = op_invalid},
#include "frontend/insn.def"
};
#undef OP
#undef OPT

void op_invalid(Vcpu *v, const Insn *i)
{
    if (i->imm == VEC_GP)
        fault_gp0(v);
    fault_ud(v);
}

void insn_bind(Insn *i)
{
    const Handler *h = &handlers[i->row];
    InsnFn *fn = h->one;
    if (h->table)
        fn = (*h->table)[i->form][__builtin_ctz(i->osize | 8)];
    i->run = fn ? fn : op_invalid;
}

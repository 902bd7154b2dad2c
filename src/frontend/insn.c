/*
 * The instruction table as data: names, classes, rules, features.
 */
#include "frontend/insn.h"

#define OP(m, class, handler, rule, feature) [ROW_##m] = {#m, class, rule, feature},
#define OPT OP
const InsnInfo insn_info[ROW_COUNT] = {
    [ROW_INVALID] = {"INVALID", INNOCUOUS, TR_CALL, F_386},
#include "frontend/insn.def"
};
#undef OP
#undef OPT

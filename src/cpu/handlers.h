/*
 * Prototypes of the instruction handlers, made from the instruction table: whoever defines one includes this, and the
 * compiler holds definition and row together.
 */
#pragma once

#include "cpu/cpu.h"
#include "frontend/insn.h"

#define OP(mnemonic, class, handler, rule, feature) InsnFn handler;
#define OPT(mnemonic, class, handlers, rule, feature) extern InsnFnTable handlers;
#include "frontend/insn.def"
#undef OP
#undef OPT

/* Not in the table: what does not decode. #UD, or #GP for too long an instruction. */
InsnFn op_invalid;

/* Set Insn.run by row, form and operand size. */
void insn_bind(Insn *i);

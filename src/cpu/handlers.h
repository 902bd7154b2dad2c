/*
 * Prototypes of the instruction handlers, made from the instruction table: whoever defines one includes this, and the
 * compiler holds definition and row together.
 */
#pragma once

#include "frontend/insn.h"

#define OP(mnemonic, class, handler, rule, feature) InsnFn handler;
#define OPT(mnemonic, class, handlers, rule, feature) extern InsnFnTable handlers;
#include "frontend/insn.def"
#undef OP
#undef OPT

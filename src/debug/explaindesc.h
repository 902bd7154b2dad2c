/*
 * Pieces of explanations: page walks, descriptors, delivery of an exception, operands, told in words. Each appends indented
 * lines; those that find something wrong return a guess at the usual cause (static, or owned by nobody), else NULL.
 */
#pragma once

#include <glib.h>

#include "debug/symbols.h"
#include "vcpu.h"

/* The walk for addr level by level. */
const char *explain_walk(Vcpu *v, GString *out, uint64_t addr);
/* What a code or data selector names. */
const char *explain_selector(Vcpu *v, GString *out, uint16_t sel, bool for_code);
/* Entering the handler of vector from privilege cpl with the stack as it is: the first thing that goes wrong. */
const char *explain_delivery(Vcpu *v, GString *out, unsigned vector, unsigned cpl, const Symbols *symbols);
/* The instruction at CS:rip with the values of its operands; a guess for instructions with frames (IRET, segment loads). */
const char *explain_insn(Vcpu *v, GString *out, uint64_t rip, const Symbols *symbols);

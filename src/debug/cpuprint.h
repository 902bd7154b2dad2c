/*
 * The CPU's registers in QEMU's words: `info registers`, -d cpu, explanations.
 */
#pragma once

#include <glib.h>

#include "vcpu.h"

/* fpu: with x87 and SSE registers. */
void cpu_print(const Vcpu *v, GString *out, bool fpu);
/* "#PF", "#GP"...; "int 0x80" style for others is the caller's: NULL from 20 on. */
const char *vector_name(unsigned vector);
/* In words: "page fault". */
const char *vector_words(unsigned vector);

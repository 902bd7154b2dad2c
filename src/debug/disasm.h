/*
 * Disassembly, by Zydis's formatter, with symbols.
 */
#pragma once

#include "debug/symbols.h"
#include "vcpu.h"

/*
 * Append the instruction in bytes[0..n), which stands at addr, in Intel's syntax. code_size is 2 or 4. Returns its length; "(bad)"
 * counts as 1.
 */
unsigned disasm_bytes(GString *out, const uint8_t *bytes, unsigned n, uint64_t addr, unsigned code_size);

/*
 * Append a line "0xADDR:  bytes  text <symbol>" for the instruction at linear addr and return its length; 0, and a line that
 * says so, where memory can't be read.
 */
unsigned disasm_line(GString *out, Vcpu *v, uint64_t addr, unsigned code_size, const Symbols *symbols);

/*
 * Guest bytes to Insn, by Zydis.
 */
#pragma once

#include "frontend/insn.h"

typedef enum DecodeResult {
    DECODE_OK,
    DECODE_MORE,    /* the instruction is longer than the n bytes given */
    DECODE_INVALID, /* #UD */
    DECODE_TOO_LONG /* over 15 bytes: #GP(0) */
} DecodeResult;

/*
 * Decode one instruction from bytes[0..n). code_size is 2, 4 or 8: the default operand and address size (CS.D, CS.L).
 * features: bit n set when feature n (InsnFeature) exists. Insn.run is left NULL: the interpreter binds it.
 * On DECODE_INVALID the row is ROW_INVALID and len the bytes looked at, at least 1.
 */
DecodeResult insn_decode(const uint8_t *bytes, unsigned n, unsigned code_size, uint64_t features, Insn *out);

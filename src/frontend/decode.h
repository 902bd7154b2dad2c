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

/* Where its parts are in the bytes of an instruction. */
typedef struct InsnLayout {
    uint8_t opcode_at;           /* the last byte of the opcode */
    bool has_modrm;
    uint8_t disp_at, disp_size;  /* in bytes; 0: none */
    uint8_t imm_at, imm_size;    /* the first immediate, which may be a branch displacement or a far pointer's offset */
    bool more_imm;               /* there is a second one */
} InsnLayout;

/* insn_decode(), and on DECODE_OK the layout. */
DecodeResult insn_decode_layout(const uint8_t *bytes, unsigned n, unsigned code_size, uint64_t features, Insn *out, InsnLayout *layout);

/* An instruction without its operands: what a sweep over a page wants to know. */
typedef struct InsnPeek {
    uint16_t row;    /* InsnRow; ROW_INVALID when this CPU does not have it */
    uint16_t opcode; /* as Insn.opcode */
    uint8_t len;
    bool known;      /* some CPU has it: with ROW_INVALID, the host's may execute it */
    bool rtm;        /* XBEGIN, XEND, XABORT, XTEST: of a CPU that this one is not */
    bool f3;         /* has that prefix, perhaps without meaning */
    bool jumps;      /* a relative branch, to its first byte + target */
    int32_t target;
} InsnPeek;

/* insn_decode() for that much; some three times as fast. */
DecodeResult insn_peek(const uint8_t *bytes, unsigned n, unsigned code_size, uint64_t features, InsnPeek *out);

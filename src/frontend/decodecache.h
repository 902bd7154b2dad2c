/*
 * Decoding by memory: what an instruction decodes to depends on its prefixes, opcode, ModRM and SIB, but for displacement and
 * immediate, which are filled in. So each such head is decoded once, by insn_decode(), and kept.
 */
#pragma once

#include "frontend/decode.h"

typedef struct DecodeCache DecodeCache;

/* features: as for insn_decode(). To be freed by decodecache_free(). */
DecodeCache *decodecache_new(uint64_t features);
void decodecache_free(DecodeCache *d);

/* The same as insn_decode(), and as slow, for heads not seen lately, other heads (two prefixes, three-byte opcodes), and n < 15. */
DecodeResult decodecache_decode(DecodeCache *d, const uint8_t *bytes, unsigned n, unsigned code_size, Insn *out);

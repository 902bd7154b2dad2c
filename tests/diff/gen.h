/*
 * The case generator: see gen.c.
 */
#pragma once

#include <Zydis/Zydis.h>

#include "diff/case.h"
#include "diff/rng.h"

typedef struct Gen Gen;

/*
 * features: the model's (InsnFeature bits), what the engine's decoder may accept. only: mnemonic to restrict the first
 * instruction to, as in the table, or NULL.
 */
Gen *gen_new(uint64_t features, const char *only);
void gen_free(Gen *g);
/* From now on make packed cases: see packed.h. They are like others, but for where their code lies and where it jumps to. */
void gen_set_packed(Gen *g, bool packed);
/* Random bytes that look like an instruction: prefixes, an opcode of any map, operands. Most decode. */
void gen_bytes(Rng *r, unsigned code_size, uint8_t bytes[15]);
/* The standing contents of page n of diff_pages. Code pages are all HLT. */
void gen_page(int page, uint8_t bytes[4096]);
/* Case number index of the run seeded with seed. The same arguments make the same case, always. */
void gen_case(Gen *g, uint64_t seed, uint64_t index, DiffCase *c);
/* A 32-bit and a 16-bit Zydis decoder, for printing. */
const ZydisDecoder *gen_decoder(const Gen *g, unsigned code_size);

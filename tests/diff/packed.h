/*
 * Packed cases: the code of the PACKED cases from number n * PACKED on does not overlap and is of one code size, so all of it can
 * be in memory at once.
 */
#pragma once

#include "diff/case.h"
#include "diff/rng.h"

enum { PACKED = 56, PACKED_PAGES = 2 /* they lie in, but for one in DIFF_SMC */, PACKED_STUB_MAX = 0xc8 };

/* Are the case's and its neighbours of 16-bit code? */
bool packed_is_16bit(uint64_t index);
/* Do they have EFLAGS.ID set? */
bool packed_has_id(uint64_t index);
/* Where the code of the case goes, by its number and code segment, which may have to be changed. */
uint32_t packed_address(DiffCase *c, Rng *r);
/* Where there is nothing special about it. */
uint32_t packed_home(const DiffCase *c);
/* A HLT for cases to jump to; k: any number. */
uint32_t packed_hole(uint32_t k);
/* Would a jump to there lead, perhaps, to the code of other cases? */
bool packed_is_others(uint32_t addr);
/*
 * A few instructions for page 0 or 1 that do nothing, but branch to those of the targets that are on it, and to its holes, if OF
 * is set. They are meant for packed_stub_address(); code holds PACKED_STUB_MAX bytes. Returns their length.
 */
unsigned packed_stub(int page, unsigned code_size, const uint32_t *target, unsigned count, uint8_t *code);
uint32_t packed_stub_address(int page);

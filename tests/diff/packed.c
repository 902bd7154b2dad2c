/*
 * Where the code of packed cases lies.
 *
 * Offsets are in the two code pages. A page begins with room for packed_stub(), or with what lies across the two; most cases have
 * a slot in the middle, one each lies across the pages, at their end, at the limit of a segment, and in the page that may be
 * written to. What is left are holes: HLTs for cases to jump to.
 */
#include <string.h>

#include <glib.h>

#include "diff/packed.h"

enum {
    SLOT = 128,
    SLOTS_A = 25, SLOT_A = 0x100,
    SLOTS_B = 13, SLOT_B = 0x1140, /* up to the limit of LDT_CODE16_SHORT */
    SLOTS_C = 14, SLOT_C = 0x1880, /* beyond it */
    SLOTS = SLOTS_A + SLOTS_B + SLOTS_C,
    PLACE_ACROSS = SLOTS, PLACE_END, PLACE_LIMIT, PLACE_SMC, PLACE_COUNT,
    HOME = 0xd80, /* slots of those four when they can not be where they want */
    EVERY_16 = 7, /* of so many batches one is of 16-bit code... */
    EVERY_ID = 10, /* ...and of so many one has EFLAGS.ID set, which costs a sandbox much to change */
};
G_STATIC_ASSERT((int)PLACE_COUNT == (int)PACKED && (int)SLOT >= DIFF_CODE_MAX + 8);

static const uint16_t stub_at[PACKED_PAGES] = { 0, 0x1078 };
static const uint16_t holes[] = { 0xf84, 0xf9d, 0xfb6, 0xfe0, 0x1f84, 0x1f9f, 0x1fb7, 0x17c3 };

static uint32_t slot_offset(unsigned place)
{
    if (place < SLOTS_A)
        return SLOT_A + place * SLOT;
    if (place < SLOTS_A + SLOTS_B)
        return SLOT_B + (place - SLOTS_A) * SLOT;
    if (place < SLOTS)
        return SLOT_C + (place - SLOTS_A - SLOTS_B) * SLOT;
    return HOME + (place - SLOTS) * SLOT;
}

bool packed_is_16bit(uint64_t index)
{
    return index / PACKED % EVERY_16 == EVERY_16 - 1;
}

bool packed_has_id(uint64_t index)
{
    return index / PACKED % EVERY_ID == EVERY_ID - 1;
}

uint32_t packed_home(const DiffCase *c)
{
    return DIFF_CODE + slot_offset(c->index % PACKED);
}

uint32_t packed_address(DiffCase *c, Rng *r)
{
    unsigned place = c->index % PACKED;
    bool is_short = c->sel[1] == DIFF_LDT_SEL(LDT_CODE16_SHORT);
    if (is_short && (place >= SLOTS_A + SLOTS_B && place <= PLACE_END))
        c->sel[1] = DIFF_LDT_SEL(LDT_CODE16);
    switch (place) {
    case PLACE_ACROSS: return DIFF_CODE + 0x1000 - rng_below(r, 16);
    case PLACE_END: return DIFF_CODE + 0x2000 - 1 - rng_below(r, 24);
    case PLACE_LIMIT:
        if (is_short)
            return DIFF_CODE + 0x1800 - 1 - rng_below(r, 16);
        break;
    case PLACE_SMC:
        if (c->sel[1] == DIFF_CS32)
            return DIFF_SMC + 0x100 + rng_below(r, 0xe00);
        break;
    default: break;
    }
    return packed_home(c) + rng_below(r, SLOT - DIFF_CODE_MAX - 4);
}

uint32_t packed_hole(uint32_t k)
{
    return DIFF_CODE + holes[k % G_N_ELEMENTS(holes)];
}

bool packed_is_others(uint32_t addr)
{
    return ((addr - DIFF_CODE) & 0xffff) < DIFF_SMC + 0x1000 - DIFF_CODE; /* EIP may be cut off at 16 bits */
}

unsigned packed_stub(int page, unsigned code_size, const uint32_t *target, unsigned count, uint8_t *code)
{
    uint8_t *p = code;
    for (unsigned n = 0; n < count + G_N_ELEMENTS(holes); n++) {
        uint32_t to = n < count ? target[n] : packed_hole(n - count);
        if (diff_page_index(to) != page)
            continue;
        *p++ = 0x0f, *p++ = 0x80; /* JO */
        uint32_t rel = to - (DIFF_CODE + stub_at[page] + (p - code) + code_size);
        memcpy(p, &rel, code_size);
        p += code_size;
    }
    g_assert(p - code <= PACKED_STUB_MAX);
    return p - code;
}

uint32_t packed_stub_address(int page)
{
    return DIFF_CODE + stub_at[page];
}

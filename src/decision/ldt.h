/*
 * Guest segments as entries of the sandbox's LDT.
 *
 * The host's GDT is not ours, so every segment that is not null gets an LDT entry with the guest's base, limit and
 * type: always DPL 3, accessed and present. Entries are kept by content, so that a guest that switches between a
 * few threads (each with its own TLS segment) loads no LDT entry twice.
 */
#pragma once

#include <asm/ldt.h>

#include "vcpu.h"

enum { LDT_SLOTS = 64 };

typedef struct LdtSlots {
    struct user_desc desc[LDT_SLOTS];
    uint64_t used[LDT_SLOTS]; /* value of clock when last asked for; 0: empty */
    uint64_t clock;
} LdtSlots;

/* Can modify_ldt make what register seg (S_x) holds? A null selector counts as yes, in data segments. Pure. */
bool ldt_can_hold(const Seg *s, int seg);
/*
 * Register seg's segment as split views have it: see SandboxSplit. Pure. The code segment ends at a page's end at the latest
 * where its limit would not fit a descriptor.
 */
struct SandboxSplit;
Seg ldt_split(const struct SandboxSplit *split, const Seg *s, int seg);
/* The entry for s, which ldt_can_hold(). entry_number is 0. */
struct user_desc ldt_desc(const Seg *s);
/*
 * The slot with that content. *fresh: it has to be written to the LDT first (the oldest entry not among the last
 * S_COUNT asked for was given up).
 */
int ldt_slot(LdtSlots *slots, const struct user_desc *d, bool *fresh);
/* A selector for slot n, RPL 3. */
static inline uint16_t ldt_selector(int n)
{
    return n << 3 | 7;
}

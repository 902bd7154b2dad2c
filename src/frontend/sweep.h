/*
 * The sweep: may a page of guest code run on the host CPU?
 *
 * User code that runs directly is not looked at while it runs, and some instructions would show it the host without
 * trapping (SGDT, MOV from a segment register, CPUID on many hosts, whatever this guest's CPU does not have). So a page is
 * executable in a sandbox only after a look at its instructions, from where they are known to begin: the addresses at
 * which execution was seen, and from there on in line and along its branches. Everything not expressly allowed is refused.
 *
 * What a sweep can not know is a jump into the middle of an instruction that it saw.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frontend/decode.h"

#define SWEEP_PAGE 4096u
#define SWEEP_INSN_MAX 15 /* bytes of an instruction, SDM 2A 2.3.11 */

/* What is allowed depends on the guest's CPU and on the host's. */
typedef struct SweepRules {
    uint64_t features;   /* of the guest's CPU, bits by InsnFeature */
    bool cpuid_faults;   /* CPUID stops on this host */
    bool rdtsc_faults;   /* RDTSC does */
    bool host_bmi1, host_lzcnt; /* F3 BSF and F3 BSR are other instructions there */
    bool host_rtm;       /* it has XBEGIN, XEND and XABORT */
    bool host_mm;        /* MXCSR has a bit 17 there (AMD's misaligned SSE mode), where a guest's CPU raises #GP */
} SweepRules;

typedef struct Sweep {
    uint64_t start[SWEEP_PAGE / 64]; /* a bit for every byte at which an instruction begins that was looked at */
    uint8_t code_size;   /* 2 or 4; 0: nothing was looked at yet */
    bool refused;        /* holds an instruction that is not allowed... */
    uint16_t bad, bad_row; /* ...the first found: its offset and InsnRow */
    uint16_t tails;      /* bit n: behind an instruction here, one begins at offset n of the next page */
    uint16_t crosses;    /* bit n: one begins n bytes before the end, whose length or leave the next page's bytes have to tell */
    bool grew;           /* tails or crosses did: sweep_pair() is due, wherever the page is followed by an executable one */
} Sweep;

/* May an instruction of this row run in a sandbox, whatever stands around it? f3: it has that prefix. */
bool sweep_allows(const SweepRules *rules, uint16_t row, bool f3);

typedef enum Look {
    LOOK_OK,
    LOOK_REFUSED,
    LOOK_MORE, /* it is longer than the n bytes given */
    LOOK_TRAPS, /* whatever CPU: no bytes of it count */
} Look;

/* One instruction: may it run in a sandbox? p->row is left alone for the commonest, which all are harmless. */
Look sweep_look(const SweepRules *rules, const uint8_t *bytes, unsigned n, unsigned code_size, InsnPeek *p);

/* The n bytes are not a whole instruction (LOOK_MORE). Can what follows not change that it is allowed? */
bool sweep_tail_allowed(const SweepRules *rules, const uint8_t *bytes, unsigned n, unsigned code_size);

/*
 * Look at the code of page (4096 bytes) from offset on, in addition to what s saw before. All that was seen in one Sweep is of
 * one code size. False: the page is refused, now or before.
 */
bool sweep_from(Sweep *s, const SweepRules *rules, const uint8_t *page, unsigned offset, unsigned code_size);
/*
 * The part of the page before its first known instruction: instructions in line that lead to one that is known. False: refused.
 */
bool sweep_head(Sweep *s, const SweepRules *rules, const uint8_t *page);

/*
 * The next page in the address space, with its Sweep, which may be empty: the instructions that lie on both, and what follows
 * them. False: they may not both be executable.
 */
bool sweep_pair(const Sweep *s, const SweepRules *rules, const uint8_t *page, Sweep *next, const uint8_t *next_page);

static inline bool sweep_saw(const Sweep *s, unsigned offset)
{
    return s->start[offset / 64] >> (offset % 64) & 1;
}

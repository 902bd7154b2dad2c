/*
 * A copy of a page of code that holds what may run on the host CPU, and HLT everywhere else.
 *
 * Where sweep.h asks whether a page may run as it is, this asks which of its instructions may. The copy is what the sandbox
 * fetches (decision/views.h), while data accesses see the page itself: so a page may hold whatever it likes. HLT traps at CPL 3,
 * and what stood there is dealt with otherwise.
 *
 * Instructions are found from where they are known to begin: where execution was seen, from there in line and along branches.
 * Behind a jump or a return, INT3 or UD2 they are guessed to begin. If what is taken for an instruction is none, a true one may begin in its
 * last bytes, and would run with HLT for its own. So guesses stay out of the copy until execution comes to them, and what is known, but not
 * sure (behind a call, which need not return, or a branch, which may always be taken) is in it where no such instruction can be. A copy
 * grows when execution reaches what it has not. An instruction that is known to begin within the bytes of another, and that must not run,
 * keeps the other out of the copy.
 *
 * An exact copy leaves nothing to chance: wherever control arrives in it, also in the middle of an instruction, it meets what may
 * run and is what the page has, or HLT. That keeps many harmless instructions out (ADD ESP, 1Ch has C4 1C in it, which is LES),
 * and those that lie on two pages.
 */
#pragma once

#include "frontend/sweep.h"

/* What is known of the byte at each offset: the length of the harmless instruction that begins there (0: none), and: */
enum {
    COPY_LEN = 15,
    COPY_SEEN = 16,  /* looked at, as the beginning of an instruction... */
    COPY_KNOWN = 32, /* ...which it is by all that code leads to... */
    COPY_TRAP = 64,  /* ...and must not run */
    COPY_SURE = 128, /* execution was there, or came by where it can but come from there */
};

typedef struct CodeCopy {
    uint8_t at[SWEEP_PAGE];
    uint8_t code_size; /* 2 or 4 */
    bool exact;
} CodeCopy;

/* Execution came to offset: look at the instruction there and at all that it leads to within the page. */
void copy_extend(CodeCopy *c, const SweepRules *rules, const uint8_t *page, unsigned offset);

/*
 * Write the copy to dst, SWEEP_PAGE bytes. next_page and next: the page that follows and its CodeCopy, NULL when it has none:
 * then instructions that lie on both stay out. head: so many bytes at the beginning belong to an instruction of the page
 * before. Returns how many bytes of the next page belong to instructions of this one.
 */
unsigned copy_write(const CodeCopy *c, const SweepRules *rules, const uint8_t *page, const CodeCopy *next, const uint8_t *next_page,
                    unsigned head, uint8_t *dst);

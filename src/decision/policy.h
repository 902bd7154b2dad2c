/*
 * The policy: which address spaces run directly. Pure: times come in as numbers.
 *
 * Every trip to the sandbox and back costs some microseconds, a trap inside the translation cache a fraction of one. So an
 * address space begins in translation, and is promoted when it has proved that it computes: long stretches of user code
 * between traps. It is demoted when, running directly, too much of its time goes into trips. Being demoted, it has to wait,
 * each time longer, before it may try again.
 *
 * All times are in one unit, whatever it is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct PolicyCosts {
    uint64_t trip; /* to the sandbox and back */
    uint64_t ms;   /* a millisecond */
} PolicyCosts;

typedef struct Policy {
    bool promoted;
    bool banned;         /* never again: it escaped, or the host refuses */
    uint64_t user, traps; /* in translation, lately: time in user mode, and how often that ended */
    uint64_t total;      /* since the last verdict: time running directly, with all that it takes */
    uint64_t trips;      /* and trips to the sandbox */
    uint64_t since;      /* when promoted */
    uint64_t not_before; /* when it may be promoted again */
    unsigned bad;        /* verdicts in a row that found it too dear */
    unsigned demotions;
} Policy;

/* In percent of the trips' cost: less user code run by them than that, and translation is better. */
enum { POLICY_WORTH_MIN = 300 };

/* So many stretches of translated user code ended, too short to prove anything. */
void policy_stretches(Policy *p, uint64_t time, unsigned count);
/* A stretch of translated user code ended. True: it may be time to promote. */
bool policy_stretch(Policy *p, const PolicyCosts *c, uint64_t time);
/* After that. False: not now. */
bool policy_promote(Policy *p, uint64_t now);
/* A stay in the sandbox ended. True: it is time for a verdict. */
bool policy_stay(Policy *p, const PolicyCosts *c, uint64_t total, unsigned trips);
/* The verdict: work is the processor time that the sandbox has used since the last one. True: demoted by that. */
bool policy_verdict(Policy *p, const PolicyCosts *c, uint64_t work, uint64_t now);

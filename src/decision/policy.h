/*
 * The policy: which address spaces run directly. Pure: times come in as numbers.
 *
 * Every trip to the sandbox and back costs some microseconds, a trap inside the translation cache a fraction of one. So an
 * address space begins in translation, and is promoted when it has proved that it computes: long stretches of user code
 * between traps.
 *
 * How long it must have run is a matter of rent or buy. A sandbox has to be born, and every page that is used to be mapped: that may
 * cost more than the rest of a short program. So an address space earns credit while it runs translated, a part of that time, and is promoted
 * when the credit pays for what promotion will cost, as far as that can be told from its pages. While it runs directly, trips and the rest of
 * the upkeep are paid from the credit, and what direct execution saves comes in. When there is none left it is demoted. So,
 * whatever a program does, it loses no more than that part of the time; and each demotion halves what it earns, until it has once
 * made a profit.
 *
 * All times are in one unit, whatever it is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct PolicyCosts {
    uint64_t trip;  /* to the sandbox and back */
    uint64_t map;   /* a mapping */
    uint64_t birth; /* of a sandbox */
    uint64_t ms;    /* a millisecond */
} PolicyCosts;

typedef struct Policy {
    bool promoted;
    bool banned;         /* never again: it escaped, or the host refuses */
    uint64_t user, traps; /* in translation, lately: time in user mode, and how often that ended */
    int64_t credit;
    int64_t need;        /* credit that promotion takes, as far as known */
    uint64_t spent;      /* what trips and upkeep cost since it was promoted, or since it last made a profit */
    uint64_t total;      /* since the last verdict: time running directly, with all that it takes */
    uint64_t upkeep;     /* of it, our own processor time */
    uint64_t trips;      /* and trips to the sandbox */
    unsigned demotions;  /* since it last made a profit */
} Policy;

/* So many stretches of translated user code ended, too short to prove anything. */
void policy_stretches(Policy *p, uint64_t time, unsigned count);
/* A stretch of translated user code ended. True: it may be time to promote. */
bool policy_stretch(Policy *p, const PolicyCosts *c, uint64_t time);
/* After that: the address space has used so many pages. False: that needs more credit. */
bool policy_promote(Policy *p, const PolicyCosts *c, uint64_t pages);
/* Promote it without proof, on so much credit. */
void policy_grant(Policy *p, uint64_t credit);
/* A stay in the sandbox ended. True: it is time for a verdict. */
bool policy_stay(Policy *p, const PolicyCosts *c, uint64_t total, uint64_t upkeep, unsigned trips);
/* The verdict: work is the processor time that the sandbox has used since the last one. True: demoted by that. */
bool policy_verdict(Policy *p, const PolicyCosts *c, uint64_t work);

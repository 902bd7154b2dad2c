/* The policy. See policy.h. */
#include "decision/policy.h"

#include <glib.h>

enum {
    PROOF_MS = 10,       /* user time that has to be seen... */
    MEMORY_MS = 40,      /* ...and beyond which it counts half */
    TRIPS_A_STRETCH = 8, /* a stretch is long when it is worth so many trips... */
    STRETCH_MIN = 10,    /* ...and at least one part in so many of a millisecond */
    VERDICT_MS = 20,     /* time after which a stay is judged */
    GRACE_MS = 50,       /* its pages have to be mapped first */
    BAD_MAX = 3,
    PENALTY_MS = 500,    /* doubled with each demotion... */
    PENALTY_DOUBLINGS = 7, /* ...so often */
};

void policy_stretches(Policy *p, uint64_t time, unsigned count)
{
    p->user += time;
    p->traps += count;
}

bool policy_stretch(Policy *p, const PolicyCosts *c, uint64_t time)
{
    policy_stretches(p, time, 1);
    if (p->user < PROOF_MS * c->ms)
        return false;
    bool computes = p->user / p->traps >= MAX(TRIPS_A_STRETCH * c->trip, c->ms / STRETCH_MIN);
    if (p->user > MEMORY_MS * c->ms) {
        p->user /= 2;
        p->traps /= 2;
    }
    return computes && !p->banned && !p->promoted;
}

bool policy_promote(Policy *p, uint64_t now)
{
    if (now < p->not_before)
        return false;
    p->promoted = true;
    p->since = now;
    p->user = p->traps = p->total = p->trips = p->bad = 0;
    return true;
}

bool policy_stay(Policy *p, const PolicyCosts *c, uint64_t total, unsigned trips)
{
    p->total += total;
    p->trips += trips;
    return p->total >= VERDICT_MS * c->ms;
}

bool policy_verdict(Policy *p, const PolicyCosts *c, uint64_t work, uint64_t now)
{
    /* Half a trip is the sandbox's own time, too. */
    uint64_t cost = p->trips * c->trip, useful = work - MIN(work, cost / 2);
    bool dear = useful * 100 < cost * POLICY_WORTH_MIN && now - p->since > GRACE_MS * c->ms;
    p->bad = dear ? p->bad + 1 : 0;
    p->total = p->trips = 0;
    if (p->bad < BAD_MAX)
        return false;
    p->promoted = false;
    p->bad = 0;
    p->not_before = now + ((uint64_t)PENALTY_MS * c->ms << MIN(p->demotions, PENALTY_DOUBLINGS));
    p->demotions++;
    return true;
}

/* The policy. See policy.h. */
#include "decision/policy.h"

#include <glib.h>

enum {
    PROOF_MS = 10,       /* user time that has to be seen... */
    MEMORY_MS = 40,      /* ...and beyond which it counts half */
    TRIPS_A_STRETCH = 8, /* a stretch is long when it is worth so many trips... */
    STRETCH_MIN = 10,    /* ...and at least one part in so many of a millisecond */
    CREDIT_SHARE = 16,   /* one part in so many of the time in translation is credit */
    CREDIT_DOUBLINGS = 7, /* demotions that count */
    NEED_PERCENT = 125,  /* of what promotion will cost: no guess is exact... */
    AGAIN_PERCENT = 150, /* ...but that which it cost the last time is better */
    AROUND = 4,          /* pages that a stop maps, on average */
    GAIN_PERCENT = 40,   /* that work would take longer in translation */
    PROFIT_MS = 50,      /* all the credit that there is when it runs well: then things may change again */
    VERDICT_MS = 5,      /* time after which a stay is judged... */
    CALM_MS = 25,        /* ...or after so much while upkeep is... */
    CALM_PART = 32,      /* ...less than one part in so many */
};

void policy_stretches(Policy *p, uint64_t time, unsigned count)
{
    p->user += time;
    p->traps += count;
    p->credit += time / CREDIT_SHARE >> MIN(p->demotions, CREDIT_DOUBLINGS);
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
    return computes && !p->banned && !p->promoted && p->credit >= p->need;
}

void policy_grant(Policy *p, uint64_t credit)
{
    p->promoted = true;
    p->credit = credit;
    p->user = p->traps = p->total = p->upkeep = p->trips = 0;
}

bool policy_promote(Policy *p, const PolicyCosts *c, uint64_t pages)
{
    uint64_t guess = (c->birth + pages * (c->map + c->trip / AROUND)) * NEED_PERCENT / 100;
    p->need = MAX(guess, p->spent * AGAIN_PERCENT / 100);
    if (p->credit < p->need)
        return false;
    p->spent = 0;
    policy_grant(p, MIN(p->credit, p->need + PROFIT_MS * (int64_t)c->ms));
    return true;
}

bool policy_stay(Policy *p, const PolicyCosts *c, uint64_t total, uint64_t upkeep, unsigned trips)
{
    p->total += total;
    p->upkeep += upkeep;
    p->trips += trips;
    return p->total >= (p->upkeep < p->total / CALM_PART ? CALM_MS : VERDICT_MS) * c->ms;
}

bool policy_verdict(Policy *p, const PolicyCosts *c, uint64_t work)
{
    /* Half a trip is the sandbox's own time. */
    uint64_t inside = MIN(work, p->trips * c->trip / 2), profit = MAX(p->need, 0) + PROFIT_MS * c->ms;
    p->credit += (int64_t)((work - inside) * GAIN_PERCENT / 100) - (int64_t)(p->upkeep + inside);
    p->spent += p->upkeep + inside;
    p->total = p->upkeep = p->trips = 0;
    if (p->credit >= (int64_t)profit) {
        p->credit = profit;
        p->demotions = p->spent = 0;
    }
    if (p->credit >= 0)
        return false;
    p->promoted = false;
    p->credit = 0;
    p->need = p->spent;
    p->demotions++;
    return true;
}

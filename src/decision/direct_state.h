/* The inside of Direct: direct.c, native.c and directinfo.c. */
#pragma once

#include "decision/direct.h"
#include "decision/perch.h"
#include "decision/policy.h"
#include "decision/pool.h"
#include "decision/probe.h"
#include "decision/space.h"
#include "decision/views.h"

typedef struct DirectStats {
    uint64_t entries;                    /* times user mode was entered in translation */
    uint64_t decided[DECIDE_COUNT];      /* of them, by what decide() said of the state */
    uint64_t lacks[HOST_LACK_COUNT];     /* of those that decide() allows */
    uint64_t not_promoted;               /* of those that the host can express: stayed in translation all the same */
    uint64_t stays;                      /* in the sandbox */
    uint64_t exits[SANDBOX_EXIT_COUNT];
    uint64_t faults[32];                 /* FAULT, by the host's vector */
    uint64_t foreseen;                   /* faults that were dealt with before they could stop the sandbox */
    uint64_t mapped, code, interpreted;  /* what became of faults: a page mapped, a code page swept and mapped, one instruction */
    uint64_t excursions, excursions_long; /* through code that may not run in the sandbox */
    uint64_t refused[ROW_COUNT];         /* excursions, and stops in copies, by the row of what is refused; 0: other reasons */
    uint64_t promotions, demotions, bans, births, splits, joins;
    uint64_t left_out;                   /* stops at what is not in a copy, for good */
    uint64_t native, upkeep;             /* ticks: in sandboxes; with stops and mappings */
} DirectStats;

enum { EARLY_POLICIES = 16 };

/* An address space's, while there are no Spaces. */
typedef struct EarlyPolicy {
    uint64_t cr3;
    Policy policy;
} EarlyPolicy;

struct Direct {
    Vcpu *v;
    DirectMode mode;
    bool forced;          /* however dear */
    void (*say)(const char *line);
    void (*trace)(void *opaque, const char *line);
    void *trace_opaque;
    HostFacts *facts;     /* NULL: not tried yet */
    GThread *prober;      /* that finds them; NULL: none, or it was waited for */
    int probed;           /* atomic: it has them */
    bool impossible;      /* tried, and not to be had */
    bool x87_pointers;    /* sandbox_keeps_x87_pointers() */
    SandboxPool *pool;    /* atomic: kicks look at it */
    ViewPool *views;
    Spaces *spaces;
    PolicyCosts costs;
    int64_t born_us;      /* the time, and the time stamp counter then: its rate */
    uint64_t born;
    uint64_t ms_guess, guess_again; /* direct.c: direct_ms() */
    bool skip;            /* the next stretch is the translator's, whatever is decided */
    bool hold;            /* all are, for now */
    uint64_t chaos;       /* state of the random numbers that overrule the policy; 0: none do */
    bool whim;            /* they did: this stay tells nothing about its address space */
    bool was_long;        /* the last stretch that was told was... */
    uint64_t began;       /* ...so this is when the one that runs began, in ticks; else 0 */
    uint64_t translated;  /* instructions translated, ever, when it began */
    uint64_t switched;    /* when x87 and SSE were last switched on or off for code that runs directly, in ticks */
    EarlyPolicy early[EARLY_POLICIES]; /* before anything was tried */
    Perch perch;          /* the thread's */
    Space *now;           /* whose */
    uint64_t now_key;     /* CR3 that it is for; 1: none */
    DirectStats stats;
};

static inline uint64_t direct_ticks(void)
{
    return __builtin_ia32_rdtsc();
}
static inline Policy *direct_policy(const Space *s)
{
    return s->policy;
}
/* The Space of the CR3 now. NULL before anything was tried. */
Space *direct_space(Direct *d);
/*
 * What the host can not show of the state now. When it can, Spaces are told which features are switched on, and code is what they allow.
 */
HostLack direct_lacks(Direct *d);
/* Try whether there is direct execution; false: no. */
bool direct_try(Direct *d);
void direct_tracef(Direct *d, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* ---- native.c ---- */
/* Run d->now in its sandbox until the translator has to go on. */
void native_stay(Direct *d);

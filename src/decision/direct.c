/*
 * The run loop. See direct.h.
 *
 * The translator asks direct_crossing() whenever the privilege level has changed between two blocks, and once when it begins.
 * That is where time is measured, address spaces are promoted, and where the answer "mine" makes it come back with EXIT_USER.
 */
#include "config.h"
#include "decision/direct_state.h"

#include <cpuid.h>
#include <stdarg.h>

#include "dice.h"
#include "softmmu/pagetable.h"
#include "tcache/tcache.h"

enum {
    INSN_PS = 500,      /* picoseconds that an instruction takes in translation... */
    TRANSLATE_PS = 1000000, /* ...and to be translated */
    LONG_INSNS = 100000, /* a stretch of so many is long enough to look at a clock... */
    SLOW_MAX = 16,      /* ...which is believed up to so many times what the instructions tell */
    TRIP_GUESS_US = 15, /* a trip, before it was measured */
    GRANT_MS = 100,     /* credit of an address space that runs directly unasked */
    BIRTH_TRIPS = 60,   /* what the birth of a sandbox costs */
    GUESS_ENTRIES = 4096, /* to user mode, between guesses of the clock's rate */
    WHIM_ONE_IN = 16,    /* with chaos: stretches that run directly unasked */
    SKIP_ONE_IN = 4,     /* ...and that are translated although they might run directly */
    SWITCH_MS = 100,     /* between two times that CR0.TS may have all code looked at anew */
    QUIET_STRETCHES = 128, /* of an address space that is not promoted, between two that are asked about */
};

void direct_tracef(Direct *d, const char *format, ...)
{
    if (!d->trace)
        return;
    va_list ap;
    va_start(ap, format);
    char *line = g_strdup_vprintf(format, ap);
    va_end(ap);
    d->trace(d->trace_opaque, line);
    g_free(line);
}

static uint64_t ms_now(const Direct *d)
{
    int64_t us = MAX(g_get_monotonic_time() - d->born_us, 1);
    return MAX((direct_ticks() - d->born) * 1000 / us, 1000);
}

/*
 * Ticks in a millisecond. Until it is known for certain a guess, made anew now and then: looking at two clocks for every system
 * call took a quarter of its time.
 */
static uint64_t direct_ms(Direct *d)
{
    if (d->costs.ms)
        return d->costs.ms;
    if (!d->ms_guess || d->stats.entries >= d->guess_again) {
        d->guess_again = d->stats.entries + GUESS_ENTRIES;
        d->ms_guess = ms_now(d);
    }
    return d->ms_guess;
}

/* ---- what this host can do ---- */

/* What the sweep wants to know of the host's CPU. SDM 2A "CPUID"; AMD 24594 appendix E */
static void host_rules(SweepRules *r)
{
    unsigned a, b, c, d;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        r->host_bmi1 = b >> 3 & 1;
        r->host_rtm = b >> 11 & 1;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        r->host_lzcnt = c >> 5 & 1;
        r->host_mm = c >> 7 & 1;
    }
}

static void *probe(void *opaque)
{
    Direct *d = opaque;
    HostFacts *facts = host_probe(true);
    g_atomic_int_set(&d->probed, 1);
    return facts;
}

/* What the host can do is found out beside the guest. True: it is known. */
static bool probe_done(Direct *d)
{
    if (!d->facts && !d->impossible && !d->prober)
        d->prober = g_thread_new("x86vm-probe", probe, d);
    return !d->prober || g_atomic_int_get(&d->probed);
}

static HostFacts *probe_end(Direct *d)
{
    HostFacts *facts = d->prober ? g_thread_join(d->prober) : NULL;
    d->prober = NULL;
    return facts;
}

static void fpu_fetch(void *opaque)
{
    Direct *d = opaque;
    sandbox_pool_fpu_home(d->pool, d->v);
}

bool direct_try(Direct *d)
{
    if (d->facts || d->impossible)
        return !d->impossible;
    d->facts = d->prober ? probe_end(d) : host_probe(true);
    d->impossible = d->facts->level != HOST_NATIVE;
    if (d->impossible) {
        char *line = host_facts_line(d->facts);
        if (d->say)
            d->say(line);
        g_free(line);
        return false;
    }
    d->costs.ms = ms_now(d);
    d->costs.trip = MAX(d->facts->trip_pf_us, d->facts->trip_gp_us) * d->costs.ms / 1000;
    d->costs.map = d->facts->map_us * d->costs.ms / 1000;
    d->costs.birth = BIRTH_TRIPS * d->costs.trip;
    SweepRules rules = {
        .features = d->v->model->features,
        .cpuid_faults = d->facts->cpuid_faults,
    };
    host_rules(&rules);
    d->views = viewpool_new();
    d->spaces = spaces_new(d->v, &rules, d->views);
    spaces_set_kick(d->spaces, (void (*)(void *))direct_kick, d);
    d->v->fpu_fetch = fpu_fetch;
    d->v->fpu_fetch_opaque = d;
    g_atomic_pointer_set(&d->pool, sandbox_pool_new(d->v->ram->fd, viewpool_fd(d->views), SANDBOX_POOL_MAX));
    return true;
}

/* ---- deciding ---- */

Space *direct_space(Direct *d)
{
    if (d->now_key != d->v->cr3 && d->spaces) {
        d->now = spaces_get(d->spaces, d->v->cr3);
        d->now_key = d->v->cr3;
        if (!d->now->policy)
            d->now->policy = g_new0(Policy, 1);
    }
    return d->now;
}

/*
 * Kernels that save the x87's state only for who uses it set CR0.TS at every switch of tasks. While no program uses it, TS stays set, and all is well with code
 * that has none of its instructions. But where programs do, all code would be looked at anew at every turn: so that is done only now and then.
 */
HostLack direct_lacks(Direct *d)
{
    HostLack lack = host_can_express(d->v);
    uint64_t features = host_may_run(d->v);
    if (lack != HOST_LACKS_NOTHING || features == spaces_features(d->spaces))
        return lack;
    uint64_t now = direct_ticks();
    if ((d->v->cr0 & CR0_TS) && d->switched && now - d->switched < SWITCH_MS * d->costs.ms)
        return HOST_LACKS_TIME;
    d->switched = now;
    spaces_set_features(d->spaces, features);
    return lack;
}

/* May the state run directly, the policy aside? */
static bool eligible(Direct *d)
{
    Decision decision = decide(d->v);
    d->stats.decided[decision]++;
    if (!decision_is_direct(decision))
        return false;
    HostLack lack = direct_lacks(d);
    d->stats.lacks[lack]++;
    return lack == HOST_LACKS_NOTHING && (d->v->cr0 & CR0_PG);
}

static bool wanted(Direct *d)
{
    Space *s = direct_space(d);
    Policy *p = s ? direct_policy(s) : NULL;
    if (!p || p->banned)
        return false;
    d->whim = d->chaos && dice_one_in(&d->chaos, WHIM_ONE_IN);
    if (d->whim)
        return true;
    if (d->mode == DIRECT_STRICT && !d->forced && !p->promoted && !p->demotions) {
        policy_grant(p, GRANT_MS * d->costs.ms);
        d->stats.promotions++;
    }
    return (d->forced || p->promoted) && !(d->chaos && dice_one_in(&d->chaos, SKIP_ONE_IN));
}

/* The policy of the address space now. */
static Policy *policy_now(Direct *d)
{
    if (d->spaces)
        return direct_policy(direct_space(d));
    EarlyPolicy *e = &d->early[(d->v->cr3 >> 12 ^ d->v->cr3 >> 16) % EARLY_POLICIES];
    if (e->cr3 != d->v->cr3)
        *e = (EarlyPolicy){.cr3 = d->v->cr3};
    return &e->policy;
}

static uint64_t insns_time(Direct *d, uint64_t insns)
{
    return insns * INSN_PS / 1000 * direct_ms(d) / 1000000;
}

/* Hear of the stretches that were not told. p: their address space's; NULL: they only count. */
static void hear(Direct *d, QuietSpace *q, Policy *p)
{
    if (p)
        policy_stretches(p, insns_time(d, q->insns), q->ended);
    d->stats.entries += q->ended;
    if (!d->impossible) {
        d->stats.decided[DECIDE_DIRECT] += q->ended;
        d->stats.not_promoted += q->ended;
    }
    *q = (QuietSpace){.cr3 = q->cr3};
}

/* The next stretches need not be told while they are short: they would be decided like this one. */
static void be_quiet(Direct *d, Policy *p)
{
    QuietSpace *q = stretch_space(&d->v->stretch, d->v->cr3);
    hear(d, q, q->cr3 == d->v->cr3 ? p : NULL);
    q->cr3 = d->v->cr3;
    q->left = QUIET_STRETCHES;
}

static bool enter_user(Direct *d)
{
    d->stats.entries++;
    if (d->impossible)
        be_quiet(d, NULL);
    if (d->skip || d->hold || d->impossible) {
        d->skip = false;
        return false;
    }
    if (!wanted(d)) { /* the segments are not looked at: that would cost more than it tells */
        Decision decision = decide_with(d->v, ~0u);
        d->stats.decided[decision]++;
        d->stats.not_promoted += decision == DECIDE_DIRECT;
        if (decision == DECIDE_DIRECT && !d->was_long && !d->chaos)
            be_quiet(d, policy_now(d));
        return false;
    }
    return eligible(d);
}

/* What has been translated since the stretch began, in time: code that runs but once takes nearly all of its time so. */
static uint64_t translation_time(Direct *d)
{
    TCacheStats stats;
    tcache_stats(d->v->tcache, &stats);
    return (stats.insns - MIN(stats.insns, d->translated)) * (TRANSLATE_PS / 1000) * direct_ms(d) / 1000000;
}

/*
 * How long the stretch of translated user code took that ended. By its instructions: what else the host does meanwhile does not
 * count, and it need not be exact. But a program that waits for its memory all the time has few of them: after a long stretch the
 * next one's time is taken as well.
 */
static uint64_t stretch_time(Direct *d)
{
    const Stretch *s = &d->v->stretch;
    uint64_t insns = s->since - s->began, time = insns_time(d, insns), began = d->began;
    d->was_long = insns >= LONG_INSNS;
    d->began = 0;
    if (d->was_long && began)
        time = CLAMP(direct_ticks() - began, time, time * SLOW_MAX);
    return MAX(time, insns_time(d, insns) + translation_time(d));
}

static void promoted(Direct *d)
{
    d->stats.promotions++;
    direct_tracef(d, "policy: CR3 %08" G_GINT64_MODIFIER "x promoted", d->v->cr3);
}

/* What was not told of this address space's stretches comes before the one that has ended. */
static void hear_now(Direct *d, Policy *p)
{
    QuietSpace *q = stretch_space(&d->v->stretch, d->v->cr3);
    if (q->cr3 == d->v->cr3)
        hear(d, q, p);
}

/* A stretch of translated user code ended. */
static void leave_user(Direct *d, uint64_t time)
{
    if (d->forced || d->impossible || d->hold)
        return;
    Policy *p = policy_now(d);
    hear_now(d, p);
    if (!d->spaces) { /* nothing was tried yet: is it time to? */
        PolicyCosts guess = {.ms = direct_ms(d), .trip = direct_ms(d) * TRIP_GUESS_US / 1000};
        if (!policy_stretch(p, &guess, time) || !probe_done(d) || !direct_try(d))
            return;
        Policy early = *p;
        d->now_key = 1;
        p = direct_policy(direct_space(d));
        *p = early;
    } else if (!policy_stretch(p, &d->costs, time)) {
        return;
    }
    if (policy_promote(p, &d->costs, pt_user_pages(d->v)))
        promoted(d);
}

/*
 * The privilege level may have changed. True: user code is ours now. Instructions are counted, not time: on some hosts the time
 * stamp counter costs a tenth of a microsecond, and this is on the way of every system call that is told.
 */
static bool direct_crossing(void *opaque)
{
    Direct *d = opaque;
    Stretch *s = &d->v->stretch;
    bool user = d->v->cpl == 3;

    stretch_account(s, d->v->insns);
    if (user && s->in_user) /* asked again, within a stretch */
        return false;
    if (s->in_user)
        leave_user(d, stretch_time(d));
    s->in_user = false;
    if (!user)
        return false;
    if (enter_user(d))
        return true;
    s->in_user = true;
    s->began = s->since;
    d->began = d->was_long ? direct_ticks() : 0;
    TCacheStats stats;
    tcache_stats(d->v->tcache, &stats);
    d->translated = stats.insns;
    return false;
}

/* ---- running ---- */

Exit direct_run(Direct *d)
{
    Vcpu *v = d->v;

    if (d->mode != DIRECT_AUTO || d->chaos)
        direct_try(d);
    v->stretch.since = v->insns;
    v->stretch.in_user = false;
    for (;;) {
        Exit exit = tcache_run(v, 0);
        if (exit != EXIT_USER) {
            stretch_account(&v->stretch, v->insns);
            if (exit == EXIT_HALT || exit == EXIT_STOP)
                perch_release(&d->perch);
            vcpu_fpu(v);
            return exit;
        }
        native_stay(d);
    }
}

void direct_kick(Direct *d)
{
    SandboxPool *pool = g_atomic_pointer_get(&d->pool);
    if (pool)
        sandbox_pool_kick(pool);
}

void direct_leave(Direct *d)
{
    perch_release(&d->perch);
    vcpu_fpu(d->v);
    SandboxPool *pool = g_atomic_pointer_get(&d->pool);
    g_atomic_pointer_set(&d->pool, NULL); /* machine lock held: nobody kicks now */
    sandbox_pool_free(pool);
    spaces_free(d->spaces);
    viewpool_free(d->views);
    d->spaces = NULL;
    d->views = NULL;
    d->now = NULL;
    d->now_key = 1;
    d->impossible = true;
    host_facts_free(probe_end(d));
}

void direct_set_chaos(Direct *d, uint64_t seed)
{
    d->chaos = seed;
}

void direct_set_trace(Direct *d, void (*trace)(void *opaque, const char *line), void *opaque)
{
    d->trace = trace;
    d->trace_opaque = opaque;
}

Direct *direct_new(Vcpu *v, DirectMode mode, void (*say)(const char *line))
{
    Direct *d = g_new0(Direct, 1);
    d->v = v;
    d->mode = mode;
    d->x87_pointers = sandbox_keeps_x87_pointers();
    d->forced = mode == DIRECT_ON;
    d->say = say;
    d->now_key = 1;
    d->born_us = g_get_monotonic_time();
    d->born = direct_ticks();
    v->crossing = direct_crossing;
    v->crossing_opaque = d;
    return d;
}

void direct_free(Direct *d)
{
    if (!d)
        return;
    direct_leave(d);
    d->v->crossing = NULL;
    host_facts_free(d->facts);
    g_free(d);
}

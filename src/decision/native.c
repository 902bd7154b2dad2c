/*
 * A stay in the sandbox: user code runs directly, and what stops it is dealt with, until the translator has to go on.
 *
 * A stop is dealt with in one of three ways. Pages that the guest's tables allow are mapped, code once it was swept. What the
 * host can not do for the guest is done by interpreting that one instruction: it raises the guest's exception, or sets the
 * guest's accessed and dirty bits, so that the page can be mapped. System calls and traps are delivered. Every one of them makes
 * progress: more is mapped than before, or the instruction is done.
 */
#include "config.h"
#include "decision/direct_state.h"

#include <time.h>

#include "cpu/cpu.h"
#include "dice.h"
#include "softmmu/mmu.h"
#include "tcache/tcache.h"

enum {
    EXCURSION_STEPS = 48,   /* instructions interpreted where code may not run directly... */
    EXCURSION_CHUNK = 256,  /* ...then translated, so many at a time... */
    EXCURSION_CHUNKS = 16,  /* ...and so often; then the translator keeps the rest of the stretch */
    BOUNCES_MAX = 6,        /* as it does after so many excursions in a row that hardly anything lay between... */
    BOUNCE_TRIPS = 4,       /* ...less than the cost of so many trips */
    LOST_MAX = 4,           /* stretches that the translator kept, before views are split... */
    ASTRAY_MAX = 10,        /* ...or so many percent of the time... */
    STIR_ONE_IN = 64,       /* with chaos: stays after which the sandbox goes, or the views change */
    LOST_MS = 20,           /* ...when so much of it was seen */
    TORN_MS = 5,            /* in so much time, split views are given up... */
    TORN_MAX = 25,          /* ...for jumps from one window to the other that took so many percent of it */
};

/* What a stay cost, for the policy. */
typedef struct Stay {
    uint64_t cr3;
    uint64_t inside; /* ticks in sandbox_run() */
    uint64_t last;   /* of them, in the last run */
    unsigned trips;
    unsigned bounces;
    bool unsure;     /* segments may have changed: decide again */
    uint64_t begin;  /* ticks */
    uint64_t own;    /* our processor time when it was looked at first, ns; 0: not yet */
    uint64_t first;  /* ticks of upkeep until then */
} Stay;

static bool needs_attention(const Vcpu *v)
{
    return __atomic_load_n(&v->attention, __ATOMIC_SEQ_CST);
}

static Gva eip_linear(const Vcpu *v)
{
    return (v->seg[S_CS].base + v->rip) & v->lin_mask;
}

static unsigned code_size(const Vcpu *v)
{
    return v->seg[S_CS].attr & SEG_DB ? 4 : 2;
}

/* The state that is looked at later lacks what only this moment tells: the segments that x87 pointers go with, and the code there. */
static void fpu_home(Direct *d)
{
    if (d->x87_pointers)
        sandbox_pool_fpu_home(d->pool, d->v);
}

/* ---- sandboxes ---- */

static void detach_lost(Space *s, void *opaque)
{
    Direct *d = opaque;
    if (s->sandbox && sandbox_pool_find(d->pool, s->cr3) != s->sandbox)
        space_detach(s);
}

static void ban(Direct *d, Space *s, const char *why)
{
    direct_policy(s)->banned = true;
    direct_policy(s)->promoted = false;
    d->stats.bans++;
    direct_tracef(d, "policy: CR3 %08" G_GINT64_MODIFIER "x translated from now on: %s", s->cr3, why);
}

static void drop(Direct *d, Space *s)
{
    sandbox_pool_drop(d->pool, s->cr3, d->v);
    space_detach(s);
}

/* RDTSC may run when the guest's counter is the host's. */
static bool tsc_is_hosts(const Vcpu *v)
{
    return !v->tsc && !v->msr.tsc_offset && !(v->cr4 & CR4_TSD);
}

/* The sandbox of d->now, born if need be, with everything mapped still true. False: there is none. */
static bool sandbox_ready(Direct *d)
{
    Space *s = d->now;
    spaces_late(d->spaces);
    if (!s->sandbox) {
        g_autoptr(GError) error = NULL;
        bool fresh;
        Sandbox *b = sandbox_pool_get(d->pool, s->cr3, d->v, &fresh, &error);
        spaces_foreach(d->spaces, detach_lost, d); /* another may have given way */
        if (!b) {
            ban(d, s, error->message);
            return false;
        }
        d->stats.births++;
        space_attach(s, b);
        s->tsc_faults = false;
        s->cpu_time = sandbox_cpu_time(b);
        s->exact = d->mode == DIRECT_STRICT;
        if (s->exact && !s->split)
            space_set_split(s, true);
    }
    space_sync(s);
    if (s->renewed) { /* another process... */
        s->renewed = s->never_split = false;
        s->lost = 0;
        if (s->split && d->mode != DIRECT_STRICT)
            space_set_split(s, false);
        if (!d->forced) { /* ...which has to prove itself */
            *direct_policy(s) = (Policy){0};
            return false;
        }
    }
    bool stops = spaces_lets_rdtsc(d->spaces) && !tsc_is_hosts(d->v);
    if (s->tsc_faults != stops) {
        s->tsc_faults = stops;
        sandbox_set_tsc_faults(s->sandbox, stops);
    }
    if (s->broken) {
        drop(d, s);
        ban(d, s, "too many mappings");
        return false;
    }
    return true;
}

/* ---- stops ---- */

/* One instruction by the interpreter. May raise a guest exception. */
static void interpret(Direct *d, Stay *stay)
{
    fpu_home(d);
    d->stats.interpreted++;
    stay->unsure = true;
    interp_step(d->v);
}

/* Is v still where d->now's user code may run? An excursion may have led through the kernel, and anywhere from there. */
static bool still_user(const Direct *d, const Stay *stay)
{
    return d->v->cpl == 3 && d->v->cr3 == stay->cr3 && !needs_attention(d->v);
}

/*
 * Through a page whose code may not run directly: interpreted for a bit, then translated for a bit more. When that does not
 * lead out of it, the translator keeps the rest of the stretch.
 */
static void make_excursion(Direct *d, Stay *stay)
{
    Vcpu *v = d->v;
    Gva page = eip_linear(v) & PAGE_MASK;
    stay->bounces = stay->last < BOUNCE_TRIPS * d->costs.trip ? stay->bounces + 1 : 0;
    d->stats.excursions++;
    for (int n = 0; n < EXCURSION_STEPS; n++) {
        interpret(d, stay);
        if (!still_user(d, stay))
            return;
        if ((eip_linear(v) & PAGE_MASK) != page) {
            d->skip = stay->bounces >= BOUNCES_MAX;
            return;
        }
    }
    d->stats.excursions_long++;
    d->hold = true;
    bool out = false;
    for (int n = 0; n < EXCURSION_CHUNKS && !out; n++) {
        Exit exit = tcache_run(v, EXCURSION_CHUNK);
        tcache_own(v->tcache, true);
        if (exit == EXIT_STOP)
            vcpu_attention(v, ATTN_STOP); /* for direct_run()'s caller, not for us */
        out = exit != EXIT_BUDGET || !still_user(d, stay) || (eip_linear(v) & PAGE_MASK) != page;
    }
    d->hold = false;
    d->skip = !out || (stay->bounces >= BOUNCES_MAX && still_user(d, stay));
}

static void excursion(Direct *d, Stay *stay)
{
    Space *s = d->now;
    uint64_t begin = direct_ticks();
    s->kept_out = space_refusal(s, eip_linear(d->v));
    d->stats.refused[s->kept_out]++;
    make_excursion(d, stay);
    if (d->v->cpl == 3) /* a way to the kernel would be one in a copy, too */
        s->astray += direct_ticks() - begin;
    s->lost += d->skip;
}

/* The instruction at EIP can not be fetched from `fetched`, on its page or the next. False: nothing was done, it is no fetch after all. */
static bool fetch_fault(Direct *d, Gva fetched, Stay *stay)
{
    Space *s = d->now;
    Gva eip = eip_linear(d->v);
    switch (space_map_code(s, eip, fetched, code_size(d->v))) {
    case SPACE_MAPPED: d->stats.code++; return true;
    case SPACE_REFUSED: excursion(d, stay); return true;
    case SPACE_STAYS: break;
    }
    if (fetched != eip && !s->split)
        return false;
    interpret(d, stay);
    return true;
}

static void page_fault(Direct *d, Gva addr, Stay *stay)
{
    Vcpu *v = d->v;
    Space *s = d->now;
    Gva fetched;
    if (space_is_fetch(s, eip_linear(v), addr, &fetched) && fetch_fault(d, fetched, stay))
        return;
    if (space_map_data(s, addr) == SPACE_MAPPED) {
        d->stats.mapped++;
        return;
    }
    s->faulted = addr;
    interpret(d, stay);
    s->faulted = SPACE_NOWHERE;
    /* its bits are set now: most likely the page can be mapped, too */
    if (v->cpl == 3 && space_map_data(s, addr) == SPACE_MAPPED)
        d->stats.mapped++;
}

/* What would only stop at once. True: something was done, look again. */
static bool foresee(Direct *d, Stay *stay)
{
    Space *s = d->now;
    Gva eip = eip_linear(d->v), addr = s->faulted;
    s->faulted = SPACE_NOWHERE;
    if (addr != SPACE_NOWHERE && space_map_data(s, addr) == SPACE_MAPPED) {
        d->stats.mapped++;
        d->stats.foreseen++;
    }
    if (space_has_code(s, eip))
        return false;
    d->stats.foreseen++;
    return fetch_fault(d, eip, stay);
}

/* What stands at EIP, for the counters. */
static unsigned row_now(const Vcpu *v)
{
    uint8_t bytes[SWEEP_INSN_MAX];
    InsnPeek p;
    Gva eip = eip_linear(v);
    unsigned n = MIN(sizeof bytes, PAGE_SIZE - (eip & ~PAGE_MASK));
    if (!mmu_peek(v, eip, bytes, n) || insn_peek(bytes, n, code_size(v), v->model->features, &p) != DECODE_OK)
        return ROW_INVALID;
    return p.row;
}

/* A stop in a copy that is no page fault: most likely at what was left out. */
static void left_out(Direct *d, Stay *stay)
{
    Vcpu *v = d->v;
    if (view_extend(d->now, eip_linear(v)))
        return;
    d->stats.left_out++;
    d->stats.refused[row_now(v)]++;
    for (int n = 0; n < EXCURSION_STEPS; n++) {
        interpret(d, stay);
        if (!still_user(d, stay) || !view_lacks(d->now, eip_linear(v)))
            return;
    }
}

static void trap(Direct *d, const SandboxStop *stop, Stay *stay)
{
    Vcpu *v = d->v;
    fpu_home(d);
    if (stop->vector == VEC_DB && !stop->is_int1) {
        debug_after_insn(v, true);
        return;
    }
    uint8_t one_byte = stop->vector == VEC_BP ? 0xcc : stop->vector == VEC_OF ? 0xce : 0xf1;
    uint8_t before = 0, opcode = 0;
    mmu_peek(v, (eip_linear(v) - 1) & v->lin_mask, &before, 1);
    if (stop->vector == VEC_OF && before != one_byte) { /* INT 4 has its vector there */
        mmu_peek(v, (eip_linear(v) - 2) & v->lin_mask, &opcode, 1);
        if (before != VEC_OF || opcode != 0xcd) { /* an interrupt of the host's came when EIP had just left the segment */
            interpret(d, stay);
            return;
        }
    }
    v->insn_rip = (uint32_t)(v->rip - (before == one_byte ? 1 : 2));
    event_soft_int(v, stop->vector, stop->is_int1 ? EVENT_ICEBP : EVENT_INT3_INTO);
}

/* False: the stay is over. */
static bool deal_with(Direct *d, const SandboxStop *stop, Stay *stay)
{
    Vcpu *v = d->v;
    Space *s = d->now;

    d->stats.exits[stop->exit]++;
    switch (stop->exit) {
    case SANDBOX_FAULT:
        d->stats.faults[stop->vector & 31]++;
        if (!space_aimed(s, eip_linear(v)))
            return true; /* a jump into the other window */
        if (stop->vector == VEC_PF && stop->has_addr)
            page_fault(d, stop->addr, stay);
        else if (s->split && stop->vector == VEC_GP)
            left_out(d, stay);
        else
            interpret(d, stay);
        return true;
    case SANDBOX_TRAP:
        trap(d, stop, stay);
        return true;
    case SANDBOX_SYSCALL:
        fpu_home(d);
        v->insn_rip = (uint32_t)(v->rip - 2);
        event_soft_int(v, stop->vector, EVENT_SOFT_INT);
        return true;
    case SANDBOX_KICK:
        return true;
    case SANDBOX_ESCAPE:
    case SANDBOX_LOST:
        space_detach(s);
        ban(d, s, stop->why);
        return false;
    case SANDBOX_FULL:
    default:
        drop(d, s);
        ban(d, s, stop->why);
        return false;
    }
}

/* ---- split views ---- */

/* There is no place for copies of code. */
static void no_place(Direct *d)
{
    Space *s = d->now;
    if (d->mode == DIRECT_STRICT) {
        drop(d, s);
        ban(d, s, "no place for copies of its code");
        return;
    }
    s->never_split = true;
    space_set_split(s, false);
}

/*
 * RDTSC can be made to stop, so that code with it may run; but then every switch to a sandbox and back writes CR4, which for a host that is a
 * virtual machine itself costs several times the switch. So that is done when a program's code is kept out by it, and not before.
 */
static bool let_rdtsc(Direct *d, Space *s)
{
    if (s->kept_out != ROW_RDTSC || !d->facts->tsc_faults || spaces_lets_rdtsc(d->spaces))
        return false;
    s->lost = 0;
    spaces_let_rdtsc(d->spaces);
    direct_tracef(d, "policy: RDTSC stops from now on: CR3 %08" G_GINT64_MODIFIER "x has it where it computes", s->cr3);
    return true;
}

/* Too much of an address space's time is spent in code that shares pages with what must not run: have copies of it. */
static void split_if_lost(Direct *d, Space *s, uint64_t time)
{
    bool wants = s->lost >= LOST_MAX || s->astray * 100 > time * ASTRAY_MAX;
    if (time)
        s->astray = 0;
    if (!wants || s->split || !s->sandbox || let_rdtsc(d, s) || s->never_split)
        return;
    s->lost = 0;
    if (!views_place(s)) {
        s->never_split = true;
        return;
    }
    space_set_split(s, true);
    d->stats.splits++;
    direct_tracef(d, "policy: CR3 %08" G_GINT64_MODIFIER "x by split views", s->cr3);
}

/*
 * Calls from a program to its library and back lead from one window to the other, and each is a stop. A program that does little else is better
 * off without copies, whatever it loses on pages that it may not run.
 */
static void join_if_torn(Direct *d, Space *s, uint64_t time)
{
    s->seen += time;
    if (s->seen < TORN_MS * d->costs.ms)
        return;
    bool torn = s->crossings * d->costs.trip * 100 > s->seen * TORN_MAX;
    s->seen = s->crossings = 0;
    if (!torn || !s->split || s->exact)
        return;
    s->never_split = true;
    space_set_split(s, false);
    d->stats.joins++;
    direct_tracef(d, "policy: CR3 %08" G_GINT64_MODIFIER "x without split views: too many jumps between them", s->cr3);
}

/* ---- the stay ---- */

static uint64_t ns_to_ticks(const Direct *d, uint64_t ns)
{
    return ns * (d->costs.ms / 1000) / 1000;
}

/* Our own processor time, ns: what the sandbox takes, and who else the host runs meanwhile, is not in it. */
static uint64_t own_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Upkeep from here on is measured by our processor time. A stay of one trip, as between two ticks of the guest's timer, does without these calls. */
static void look_at_own(Stay *stay)
{
    stay->first = direct_ticks() - stay->begin - stay->inside;
    stay->own = own_time();
}

/* What the stay took besides the sandbox's running, in ticks. */
static uint64_t upkeep_of(const Direct *d, const Stay *stay, uint64_t ticks)
{
    return stay->own ? MIN(stay->first, d->costs.trip) + ns_to_ticks(d, own_time() - stay->own) : MIN(ticks, d->costs.trip);
}

static void run(Direct *d, Stay *stay)
{
    Vcpu *v = d->v;
    while (still_user(d, stay) && !d->skip) {
        SandboxStop stop;
        v->doing = DOING_NATIVE; /* again, after an excursion */
        if (!stay->own && (stay->trips || !d->now->sandbox))
            look_at_own(stay);
        if (direct_lacks(d) != HOST_LACKS_NOTHING || (stay->unsure && decide(v) != DECIDE_DIRECT))
            return;
        stay->unsure = false;
        if (!sandbox_ready(d))
            return;
        uint32_t aim = d->now->aim;
        bool aimed = space_aim(d->now, eip_linear(v), code_size(v));
        d->now->crossings += d->now->aim != aim;
        if (!aimed) {
            if (d->now->kernel) {
                excursion(d, stay);
                continue;
            }
            no_place(d);
            return;
        }
        /* An executable page may have instructions that the sweep did not come to: here is one, perhaps. */
        space_saw(d->now, eip_linear(v), code_size(v));
        if (foresee(d, stay))
            continue;
        uint64_t begin = direct_ticks();
        sandbox_pool_run(d->pool, d->now->cr3, v, &stop);
        stay->last = direct_ticks() - begin;
        stay->inside += stay->last;
        stay->trips++;
        if (!deal_with(d, &stop, stay))
            return;
    }
}

/* Was it worth it, lately? */
static void judge(Direct *d, Space *s)
{
    uint64_t used = s->sandbox ? sandbox_cpu_time(s->sandbox) : 0;
    uint64_t work = used - MIN(used, s->cpu_time);
    s->cpu_time = used;
    s->looked += direct_policy(s)->total;
    if (s->looked >= LOST_MS * d->costs.ms) {
        split_if_lost(d, s, s->looked);
        s->looked = 0;
    }
    if (policy_verdict(direct_policy(s), &d->costs, ns_to_ticks(d, work))) {
        d->stats.demotions++;
        direct_tracef(d, "policy: CR3 %08" G_GINT64_MODIFIER "x demoted", s->cr3);
        if (s->sandbox)
            drop(d, s);
    }
}

/* Chaos: what the policy might do at any time. */
static void stir(Direct *d, Space *s)
{
    if (!s->sandbox)
        return;
    if (dice_one_in(&d->chaos, STIR_ONE_IN)) {
        drop(d, s);
    } else if (d->mode == DIRECT_AUTO && dice_one_in(&d->chaos, STIR_ONE_IN) && (s->split || views_place(s))) {
        space_set_split(s, !s->split);
        d->stats.splits += s->split;
    }
}

void native_stay(Direct *d)
{
    Vcpu *v = d->v;
    jmp_buf catch_point;
    jmp_buf *outer = v->catch_point;
    Stay stay = {.cr3 = v->cr3, .begin = direct_ticks()};
    Space *s = d->now;

    d->stats.stays++;
    tcache_own(v->tcache, true);
    v->catch_point = &catch_point;
    if (_setjmp(catch_point)) {
        d->hold = false;
        event_deliver_fault(v);
        vcpu_attention(v, ATTN_EVENT);
    } else {
        run(d, &stay);
    }
    v->catch_point = outer;
    fpu_home(d);
    tcache_own(v->tcache, false);

    uint64_t total = direct_ticks() - stay.begin, upkeep = total - MIN(stay.inside, total);
    d->stats.native += stay.inside;
    d->stats.upkeep += upkeep;
    if (s->sandbox)
        perch_stayed(&d->perch, s->sandbox, stay.last * 1000 / MAX(d->costs.ms / 1000, 1));
    v->stretch.in_user = true; /* what was interpreted is user code's */
    stretch_account(&v->stretch, v->insns);
    v->stretch.in_user = false;
    if (d->chaos)
        stir(d, s);
    if (d->whim)
        return;
    join_if_torn(d, s, total);
    if (!d->forced && policy_stay(direct_policy(s), &d->costs, total, upkeep_of(d, &stay, upkeep), stay.trips))
        judge(d, s);
    else if (d->mode != DIRECT_STRICT && s->lost >= LOST_MAX)
        split_if_lost(d, s, 0);
}

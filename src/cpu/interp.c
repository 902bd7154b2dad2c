/*
 * The interpreter's run loop: the oracle for the other engines.
 *
 * Blocks of decoded instructions are found by the host address of their bytes and run handler after handler. Between
 * instructions one word, Vcpu.attention, says whether anything else matters; if not, nothing else is looked at. What
 * needs care at every instruction (single-step, interrupt shadows, breakpoints, an exact budget) runs in step(), one
 * instruction at a time.
 *
 * Exceptions jump back here (softmmu/fault.h) and are delivered.
 */
#include "cpu/handlers.h"
#include "frontend/codecache.h"

static uint32_t attention_take(Vcpu *v)
{
    return __atomic_exchange_n(&v->attention, 0, __ATOMIC_SEQ_CST);
}

static inline unsigned code_size(const Vcpu *v)
{
    return v->seg[S_CS].attr & SEG_DB ? 4 : 2;
}

/* Privilege of instruction fetches. */
static inline int fetch_idx(const Vcpu *v)
{
    return v->cpl == 3 ? MMU_USER : MMU_SUPER;
}

/* The host address that instructions at addr are fetched from; NULL when a device or nothing answers there. */
static Hva fetch_host(Vcpu *v, Gva addr)
{
    int idx = fetch_idx(v);
    TlbEntry *e = tlb_entry(v, idx, addr);
    if (G_UNLIKELY(e->exec != (addr & PAGE_MASK))) {
        mmu_translate(v, addr, ACCESS_FETCH, idx);
        /* a page with a breakpoint can be read, but its instructions are to be looked up one by one */
        if (e->exec != (addr & PAGE_MASK) && !(v->hooks && e->read == (addr & PAGE_MASK)))
            return NULL;
    }
    return (Hva)(e->addend + addr);
}

/* A debugger's stop: leaves interp_run() with EXIT_DEBUG. */
#define JUMP_DEBUG 2

/* Ask the debugger about the instruction at CS:rip. */
static void hook_insn(Vcpu *v)
{
    DebugHooks *h = v->hooks;
    if (h->insn && h->insn(h->opaque, v)) {
        vcpu_attention(v, ATTN_STEP | ATTN_EVENT);
        _longjmp(*v->catch_point, JUMP_DEBUG);
    }
}

/* The same on a page with breakpoints, unless step() asked already; the block found is left after one instruction. */
static void hook_page(Vcpu *v, Gva addr)
{
    if (v->hooks->step || !v->hooks->page || !v->hooks->page(v->hooks->opaque, addr & PAGE_MASK))
        return;
    hook_insn(v);
    vcpu_attention(v, ATTN_STEP);
}

/*
 * The slow way to one instruction: fetch its bytes one by one, as far as they are needed, with the CS limit checked at each.
 */
static Block *fetch_careful(Vcpu *v)
{
    uint8_t bytes[15];
    const Seg *cs = &v->seg[S_CS];
    for (unsigned n = 0; n < sizeof bytes; n++) {
        uint64_t rip = v->rip + n;
        if (rip > cs->limit)
            fault_gp0(v);
        Gva addr = (cs->base + rip) & v->lin_mask;
        Hva host = fetch_host(v, addr);
        bytes[n] = host ? *host : bus_read(v->mem, mmu_translate(v, addr, ACCESS_FETCH, fetch_idx(v)), 1);
        Block *b = codecache_build_uncached(v->code, bytes, n + 1, code_size(v));
        if (b)
            return b;
    }
    fault_gp0(v); /* over 15 bytes */
}

/* The block at CS:rip, found or made. Raises what the fetch raises. */
static Block *block_lookup_slow(Vcpu *v)
{
    const Seg *cs = &v->seg[S_CS];
    Gva addr = (cs->base + v->rip) & v->lin_mask;

    v->insn_rip = v->rip;
    if (G_UNLIKELY(v->hooks != NULL))
        hook_page(v, addr);
    if (G_UNLIKELY(v->rip > cs->limit))
        fault_gp0(v);
    Hva host = fetch_host(v, addr);
    if (G_UNLIKELY(!host))
        return fetch_careful(v);
    unsigned size = code_size(v);
    Block *b = codecache_find(v->code, host, size);
    if (G_UNLIKELY(!b || b->crosses)) {
        bool needs_next = b != NULL;
        if (!b)
            b = codecache_build(v->code, host, size, NULL, &needs_next);
        if (needs_next) {
            uint64_t next_rip = v->rip + (PAGE_SIZE - (addr & ~PAGE_MASK));
            if (next_rip > cs->limit)
                return fetch_careful(v);
            Hva next = fetch_host(v, (cs->base + next_rip) & v->lin_mask);
            if (!next)
                return fetch_careful(v);
            if (b && b->host2 != next) {
                codecache_drop(v->code, b);
                b = NULL;
            }
            if (!b)
                b = codecache_build(v->code, host, size, next, &needs_next);
        }
    }
    if (G_UNLIKELY(v->rip + b->bytes - 1 > cs->limit))
        return fetch_careful(v);
    return b;
}

static inline Block *block_lookup(Vcpu *v)
{
    const Seg *cs = &v->seg[S_CS];
    Gva addr = (cs->base + v->rip) & v->lin_mask;
    const TlbEntry *e = tlb_entry(v, fetch_idx(v), addr);
    if (G_LIKELY(e->exec == (addr & PAGE_MASK))) {
        Block *b = codecache_quick(v->code, (Hva)(e->addend + addr), code_size(v));
        if (G_LIKELY(b && v->rip + b->bytes - 1 <= cs->limit))
            return b;
    }
    return block_lookup_slow(v);
}

/* Conditions under which instructions run one at a time. */
static bool must_step(const Vcpu *v)
{
    return (v->flags & (FL_TF | FL_RF)) || v->shadow || (v->dr[7] & 0xff) || (v->hooks && v->hooks->step);
}

/* One instruction, with everything looked at before and after it. */
static void step(Vcpu *v)
{
    bool tf = v->flags & FL_TF;
    v->insn_rip = v->rip;
    if (v->hooks && v->hooks->step)
        hook_insn(v);
    if ((v->dr[7] & 0xff) && !(v->flags & FL_RF) && !(v->shadow & SHADOW_MOV_SS))
        debug_before_insn(v);
    Block *b = block_lookup(v);
    const Insn *i = b->insns;
    /* RF lasts until an instruction has run; a fault's image gets it set again. SDM 3A 17.3.1.1 */
    v->flags &= ~FL_RF;
    v->shadow = 0;
    v->rip += i->len;
    v->insns++;
    i->run(v, i);
    if ((i->flags & INSN_SOFT_INT) && !(v->flags & FL_TF))
        tf = false; /* its delivery cleared TF; an INTO not taken is an instruction like others */
    /* after MOV SS the trap waits for the next instruction. SDM 3A 6.8.3 */
    if (!(v->shadow & SHADOW_MOV_SS) && (tf || (v->dr[7] & 0xff)))
        debug_after_insn(v, tf);
}

/* Interrupts and NMI that may be taken now. True when one was delivered. */
static bool take_interrupt(Vcpu *v)
{
    v->insn_rip = v->rip;
    if ((v->shadow & SHADOW_MOV_SS) || (v->hooks && v->hooks->no_irq))
        return false;
    if (__atomic_load_n(&v->nmi, __ATOMIC_ACQUIRE) && !v->nmi_blocked && !v->shadow) {
        __atomic_store_n(&v->nmi, 0, __ATOMIC_RELEASE);
        v->halted = false;
        v->nmi_blocked = true;
        event_deliver(v, VEC_NMI, EVENT_EXTERNAL, false, 0);
        return true;
    }
    if (__atomic_load_n(&v->intr, __ATOMIC_ACQUIRE) && (v->flags & FL_IF) && !v->shadow) {
        int vector = v->int_ack.ack ? v->int_ack.ack(v->int_ack.opaque) : -1;
        if (vector >= 0) {
            v->halted = false;
            event_deliver(v, vector, EVENT_EXTERNAL, false, 0);
            return true;
        }
    }
    return false;
}

static void drop_write(void *opaque, Hva host, uint64_t size)
{
    tlb_protect_host(opaque, host, size);
}

/*
 * Look at what asks for attention. True: go on running; false: *exit says why not. Leaves ATTN_STEP set for as long as
 * instructions have to be stepped.
 */
static bool attend(Vcpu *v, uint32_t attention, Exit *exit)
{
    if (attention & ATTN_PROTECT) {
        bus_protect_watched(v->mem, drop_write, v);
        attention &= ~ATTN_PROTECT;
    }
    if (v->shutdown) {
        vcpu_attention(v, ATTN_EVENT);
        *exit = EXIT_SHUTDOWN;
        return false;
    }
    if (attention & ATTN_STOP) {
        vcpu_attention(v, attention & ~ATTN_STOP);
        *exit = EXIT_STOP;
        return false;
    }
    if (v->hooks && v->hooks->stop) {
        v->hooks->stop = false;
        vcpu_attention(v, attention);
        *exit = EXIT_DEBUG;
        return false;
    }
    take_interrupt(v);
    if (v->halted) {
        vcpu_attention(v, ATTN_EVENT);
        *exit = v->hooks && v->hooks->no_irq ? EXIT_DEBUG : EXIT_HALT;
        return false;
    }
    if (must_step(v)) {
        bool shadowed = v->shadow;
        step(v);
        if (must_step(v) || shadowed)
            vcpu_attention(v, ATTN_STEP | ATTN_EVENT);
    }
    return true;
}

/* Where the block being run began, for who must count the instructions before one that faulted. */
typedef struct Running {
    const Insn *first, *end; /* NULL: no block is running */
    uint64_t rip;
} Running;

static inline void run_insns(Vcpu *v, const Insn *i, const Insn *end)
{
    const Insn *first = i;
    do {
        v->insn_rip = v->rip;
        v->rip += i->len;
        i->run(v, i);
        if (G_UNLIKELY(__atomic_load_n(&v->attention, __ATOMIC_RELAXED))) {
            i++;
            break;
        }
    } while (++i != end);
    v->insns += i - first;
}

static void run_block(Vcpu *v)
{
    const Block *b = block_lookup(v);
    run_insns(v, b->insns, b->insns + b->count);
}

/* At most max instructions of the block at CS:rip, and a note for run_before_fault(). */
static void run_bounded(Vcpu *v, uint64_t max, volatile Running *running)
{
    const Block *b = block_lookup(v);
    running->rip = v->rip;
    running->end = b->insns + MIN(b->count, max);
    running->first = b->insns;
    run_insns(v, b->insns, running->end);
    running->first = NULL;
}

/* Instructions of a block that had run when the one at insn_rip faulted. */
static unsigned run_before_fault(const Vcpu *v, const volatile Running *running)
{
    const Insn *i = running->first;
    for (uint64_t rip = running->rip; rip < v->insn_rip && i < running->end; i++) /* a task switch moves insn_rip */
        rip += i->len;
    return i - running->first;
}

void interp_step(Vcpu *v)
{
    step(v);
}

void interp_insns(Vcpu *v, uint64_t count)
{
    const uint64_t last = v->insns + count;
    while (v->insns < last) {
        if (must_step(v)) {
            step(v);
        } else {
            const Block *b = block_lookup(v);
            run_insns(v, b->insns, b->insns + MIN(b->count, last - v->insns));
        }
    }
}

bool interp_attend(Vcpu *v, Exit *exit)
{
    return attend(v, attention_take(v), exit);
}

Exit interp_run(Vcpu *v, uint64_t max_insns)
{
    jmp_buf catch_point;
    jmp_buf *outer = v->catch_point;
    Exit exit = EXIT_BUDGET;
    volatile Running running = {0};
    const uint64_t last = max_insns ? v->insns + max_insns : UINT64_MAX;

    v->catch_point = &catch_point;
    int jumped = _setjmp(catch_point);
    if (jumped == JUMP_DEBUG) {
        v->catch_point = outer;
        return EXIT_DEBUG;
    }
    if (jumped) {
        if (running.first) {
            v->insns += run_before_fault(v, &running);
            running.first = NULL;
        }
        event_deliver_fault(v);
        vcpu_attention(v, ATTN_EVENT);
        if (max_insns)
            v->insns++; /* a guest that faults forever uses up its budget too */
    }
    while (max_insns == 0 || v->insns < last) {
        uint32_t attention = __atomic_load_n(&v->attention, __ATOMIC_RELAXED);
        if (G_UNLIKELY(attention)) {
            if (!attend(v, attention_take(v), &exit))
                break;
            continue;
        }
        if (G_UNLIKELY(max_insns))
            run_bounded(v, last - v->insns, &running);
        else
            run_block(v);
    }
    v->catch_point = outer;
    return exit;
}

/*
 * The run loop of the translation cache.
 *
 * It differs from the interpreter's in what it does when nothing asks for attention: find the block at CS:EIP, translate
 * it if need be, link the edge by which the last one was left, and enter. Single steps, shadows, debug registers,
 * instructions on two pages and code that does not lie in memory are the interpreter's. With a bound on instructions
 * blocks are not chained, and one that would go beyond the bound is stepped through.
 */
#include "tcache/internal.h"

#include <unistd.h>

#include "dice.h"
#include "frontend/codecache.h"
#include "softmmu/largepage.h"
#include "tcache/fplive.h"
#include "tcache/lean.h"
#include "tcache/mode.h"
#include "tcache/shadow.h"

#define DECODED_BYTES (3u << 20) /* what is left to the interpreter is little, and seldom comes again */
#define PLAIN_TRIES 8 /* times that a span's check fails before the block without spans is translated */

unsigned mode_now(TCache *c, bool single)
{
    Mode m = mode_of(c);
    m.bits |= single ? MODE_SINGLE : 0;
    return mode_number(c, &m);
}

static void fetch_forget(TCache *c, int global)
{
    for (unsigned n = 0; n < c->fetch_count[global]; n++) {
        FetchEntry *f = c->fetch_used[global][n];
        *f = FETCH_NONE;
        c->fetch_listed[f - c->v->fetch[0]] &= ~(1u << global);
    }
    c->fetch_count[global] = 0;
}

/* Code was found for addr: remember it until its translation may have been dropped. */
static void fetch_note(TCache *c, FetchEntry *f, Gva addr, Hva host, bool global)
{
    uint8_t *listed = &c->fetch_listed[f - c->v->fetch[0]];
    *f = fetch_key(addr, host);
    if (*listed >> global & 1)
        return;
    *listed |= 1u << global;
    c->fetch_used[global][c->fetch_count[global]++] = f;
}

/* Translations have been dropped: so are ours. An entry may be in both lists; then it goes with either. */
static void fetch_flush(TCache *c)
{
    Vcpu *v = c->v;
    if (v->tlb_dropped & TLB_DROPPED_PAGE)
        for (int user = 0; user < 2; user++) {
            FetchEntry *f = fetch_entry(v, user, v->tlb_dropped_page);
            if (*f != FETCH_NONE && (*f & ((1u << FETCH_SHIFT) - 1)) == (v->tlb_dropped_page & 0xffffffff) >> PAGE_BITS)
                *f = FETCH_NONE;
        }
    if (v->tlb_dropped & (TLB_DROPPED_LOCAL | TLB_DROPPED_ALL))
        fetch_forget(c, 0);
    if (v->tlb_dropped & TLB_DROPPED_ALL)
        fetch_forget(c, 1);
    v->tlb_dropped = 0;
    c->fetch_generation = c->v->tlb_generation;
    c->quick_epoch += UINT64_C(1) << QUICK_EPOCH_SHIFT;
    if (!c->quick_epoch)
        chain_forget_quick(c); /* the numbers begin again */
    if (c->win)
        winform_sync(c);
}

/* The host address that CS:rip is fetched from, or NULL. Raises what the fetch raises. */
static Hva fetch_host(TCache *c, uint64_t rip)
{
    Vcpu *v = c->v;
    Gva addr = (v->seg[S_CS].base + rip) & v->lin_mask;
    int idx = v->cpl == 3 ? MMU_USER : MMU_SUPER;
    FetchEntry *f = fetch_entry(v, v->cpl == 3, addr);

    v->insn_rip = v->rip;
    if (G_UNLIKELY(rip > v->seg[S_CS].limit))
        return NULL;
    if (G_LIKELY((*f & ((1u << FETCH_SHIFT) - 1)) == addr >> PAGE_BITS && *f != FETCH_NONE))
        return (Hva)(*f >> FETCH_SHIFT << PAGE_BITS | (addr & ~PAGE_MASK));
    const TlbEntry *e = tlb_entry(v, idx, addr);
    if (e->exec != (addr & PAGE_MASK)) {
        mmu_translate(v, addr, ACCESS_FETCH, idx);
        if (e->exec != (addr & PAGE_MASK))
            return NULL;
    }
    Hva host = (Hva)(e->addend + addr);
    fetch_note(c, f, addr, host, v->tlb_global[idx][(addr >> PAGE_BITS) & (TLB_SIZE - 1)]);
    return host;
}

/* The address in CS of the page after the one that CS:EIP lies on. */
static uint64_t next_page(const TCache *c)
{
    const Vcpu *v = c->v;
    return v->rip + PAGE_SIZE - ((v->seg[S_CS].base + v->rip) & ~PAGE_MASK);
}

/* The block at CS:EIP; NULL: the interpreter's turn. Links e to it. */
static TransBlock *block_now(TCache *c, Edge *e, bool single)
{
    uint64_t flushes = c->stats.flushes;
    Hva host = fetch_host(c, c->v->rip);
    if (G_UNLIKELY(!host))
        return NULL;
    uint32_t eip = c->v->rip;
    unsigned mode = mode_now(c, single);
    bool plain = c->plain_next || (e && e->plain);
    c->plain_next = false;
    TransBlock *b = transblock_find(c, host, eip, mode, plain);
    if (G_UNLIKELY(b && b->host2 && fetch_host(c, next_page(c)) != b->host2)) {
        transblock_drop(c, b); /* the second page is another one now */
        b = NULL;
    }
    if (G_UNLIKELY(!b)) {
        bool crosses;
        if (transblock_restless(c, host))
            return NULL;
        b = translate(c, host, NULL, eip, mode, plain, &crosses);
        if (!b && crosses) {
            Hva next = fetch_host(c, next_page(c));
            if (next && !transblock_restless(c, next))
                b = translate(c, host, next, eip, mode_now(c, single), plain, &crosses); /* modes may have got other numbers */
        }
        if (!b)
            return NULL;
        mode = b->mode;
    }
    if (single)
        return b;
    if (e && flushes == c->stats.flushes) {
        if (edge_from(e)->mode == b->mode && e->target == eip)
            chain_link(c, e, b);
    } else if (!plain) {
        chain_remember(c, b);
    }
    return b;
}

/* The interpreter's turn, for some instructions or until something asks for attention. */
static void chaos_interpret(Vcpu *v, unsigned count)
{
    v->doing = DOING_INTERPRETED;
    fplive_settle(v);
    do
        interp_step(v);
    while (--count && !__atomic_load_n(&v->attention, __ATOMIC_RELAXED));
}

/*
 * An interrupt that arrives while it may be taken arrives some instructions later: it comes from outside, so nobody can tell. One that had
 * to wait for IF is taken as soon as it may be. x87 and SSE state is settled.
 */
static void chaos_delay(TCache *c)
{
    Vcpu *v = c->v;
    bool waits = __atomic_load_n(&v->intr, __ATOMIC_ACQUIRE);
    bool fresh = waits && !c->chaos_waits && (v->flags & FL_IF) && !v->shadow && !v->halted;
    c->chaos_waits = waits;
    if (!fresh)
        return;
    v->doing = DOING_INTERPRETED;
    for (uint64_t left = dice_next(&c->chaos) >> 20 & 255; left > 0; left--) {
        if (v->halted || v->shutdown || v->hooks || (__atomic_load_n(&v->attention, __ATOMIC_RELAXED) & ~ATTN_EVENT))
            break;
        interp_step(v);
    }
}

/*
 * A span's check failed. Flags that are dead there are lost, which nobody sees: the first instruction writes them all and cannot
 * fault (spans.c, check_place()). Mostly the page was not in the TLB yet, so the interpreter does the rest of the block the first times.
 */
static bool plain_interpret(TCache *c, Edge *e)
{
    Vcpu *v = c->v;
    const TransBlock *b = edge_from(e);
    uint32_t begin = b->eip, bytes = b->bytes;

    if (e->tries == PLAIN_TRIES || !b->host)
        return false;
    e->tries++;
    v->doing = DOING_INTERPRETED;
    fplive_settle(v);
    for (unsigned n = 0; n < TRANS_INSNS; n++) {
        uint32_t before = v->rip;
        interp_step(v);
        c->stats.steps++;
        if (v->rip <= before || v->rip - begin >= bytes || __atomic_load_n(&v->attention, __ATOMIC_RELAXED))
            break;
    }
    return true;
}

/* After an exception: is there anything to look at before its handler runs? */
static bool wants_attention(const Vcpu *v)
{
    return (v->flags & (FL_TF | FL_RF)) || v->shadow || (v->dr[7] & 0xff) || v->hooks || v->log || v->halted || v->shutdown ||
           __atomic_load_n(&v->intr, __ATOMIC_ACQUIRE) || __atomic_load_n(&v->nmi, __ATOMIC_ACQUIRE);
}

const void *tcache_next(Vcpu *v)
{
    TCache *c = v->tcache;
    v->insns += ((Site *)v->site)->index + 1;
    v->site = NULL;
    if (G_UNLIKELY(c->fetch_generation != v->tlb_generation))
        fetch_flush(c);
    return lean_next(v);
}

Exit tcache_run(Vcpu *v, uint64_t max_insns)
{
    TCache *c = v->tcache;
    jmp_buf catch_point;
    jmp_buf *outer = v->catch_point;
    Exit exit = EXIT_BUDGET;
    Edge *volatile edge = NULL;
    volatile bool second = false; /* the block's second page is to be looked up: the jump table would not */
    const uint64_t last = max_insns ? v->insns + max_insns : UINT64_MAX;

    g_atomic_pointer_set(&c->thread, g_thread_self());
    v->catch_point = &catch_point;
    v->site = NULL;
    c->cpl = -1;
    c->resume = false;
    c->user_since = UINT64_MAX;
    if (c->win)
        winform_begin(c);
    if (_setjmp(catch_point)) {
        edge = NULL;
        if (c->user_since != UINT64_MAX)
            winform_ran(c->win, v->insns - c->user_since);
        c->user_since = UINT64_MAX;
        if (v->site) { /* within a block: those before it have run */
            v->insns += ((Site *)v->site)->index;
            v->site = NULL;
        }
        event_deliver_fault(v);
        if (wants_attention(v))
            vcpu_attention(v, ATTN_EVENT);
        if (max_insns)
            v->insns++; /* a guest that faults forever uses up its budget too */
    }
    while (v->insns < last) {
        uint32_t attention = __atomic_load_n(&v->attention, __ATOMIC_RELAXED);
        if (G_UNLIKELY(c->resume)) {
            c->resume = false;
            if (attention) {
                v->flags |= FL_RF;
                vcpu_attention(v, ATTN_STEP);
            }
        }
        if (G_UNLIKELY(attention && !(edge && edge->plain))) {
            edge = NULL;
            transblock_late(c);
            if (c->win)
                winform_late(c);
            fplive_settle(v);
            if (c->chaos_delays && !max_insns)
                chaos_delay(c);
            if (!interp_attend(v, &exit))
                break;
            continue;
        }
        if (G_UNLIKELY(v->cpl != c->cpl)) {
            c->cpl = v->cpl;
            if (c->win && v->cpl == 3)
                winform_stretch(c);
            if (v->crossing && v->crossing(v->crossing_opaque)) {
                exit = EXIT_USER;
                break;
            }
        }
        if (G_UNLIKELY(c->fetch_generation != v->tlb_generation))
            fetch_flush(c);
        bool single = max_insns || c->shadow;
        if (G_UNLIKELY(c->chaos && !max_insns)) {
            uint64_t dice = dice_next(&c->chaos);
            if (dice & 1) {
                edge = NULL;
                chaos_interpret(v, 1 + (dice >> 8 & 31));
                continue;
            }
            single |= dice >> 1 & 3;
        }
        if (G_UNLIKELY(edge && edge->plain && !single)) {
            Edge *e = edge;
            edge = NULL;
            if (plain_interpret(c, e))
                continue;
            edge = e;
        }
        const void *code = single || second || (edge && !edge->to) ? NULL : code_in_table(c, mode_now(c, false));
        second = false;
        if (!code) {
            v->doing = DOING_TRANSLATING;
            TransBlock *b = block_now(c, edge, single);
            if (G_UNLIKELY(!b || b->count > last - v->insns)) {
                edge = NULL;
                c->stats.steps++;
                fplive_settle(v);
                v->doing = DOING_INTERPRETED;
                interp_step(v);
                continue;
            }
            if (G_UNLIKELY(c->shadow != NULL)) {
                edge = NULL;
                c->single = true;
                if (shadow_run(c->shadow, b))
                    continue;
                exit = EXIT_DEBUG;
                break;
            }
            code = block_code(c, b);
            quick_mode(c, b->mode);
        }
        edge = NULL;
        c->stats.entries++;
        c->single = single;
        c->user_since = c->win && v->cpl == 3 ? v->insns : UINT64_MAX;
        if (c->win)
            winform_enter(c->win, v->mmu_idx);
        v->doing = DOING_TRANSLATED;
        uint64_t left = c->enter(v, code);
        if (c->user_since != UINT64_MAX)
            winform_ran(c->win, v->insns - c->user_since);
        if (left == LEFT_SITE) {
            v->insns += ((Site *)v->site)->index + 1;
        } else if (left == LEFT_SECOND) {
            second = true;
        } else if (left == LEFT_STEP) {
            c->stats.steps++;
            fplive_settle(v);
            v->site = NULL;
            v->doing = DOING_INTERPRETED;
            interp_step(v);
        } else if (left != LEFT_PLAIN) {
            Edge *e = (Edge *)left;
            v->rip = e->target;
            edge = e;
        }
        v->site = NULL;
    }
    fplive_settle(v);
    v->catch_point = outer;
    g_atomic_pointer_set(&c->thread, NULL);
    return exit;
}

void tcache_own(TCache *c, bool own)
{
    g_atomic_pointer_set(&c->thread, own ? g_thread_self() : NULL);
}

TCache *tcache_new(Vcpu *v, size_t bytes, GError **error)
{
    CodeBuf *buf = codebuf_new(MAX(bytes, 256u << 10), error);
    if (!buf)
        return NULL;
    TCache *c = large_new0(sizeof *c);
    c->v = v;
    c->buf = buf;
    c->decoded = codecache_decoder(v->code);
    c->bmi2 = __builtin_cpu_supports("bmi2");
    for (unsigned n = 0; n < 2 * FETCH_SIZE; n++)
        v->fetch[n / FETCH_SIZE][n % FETCH_SIZE] = FETCH_NONE;
    stubs_emit(c);
    transblock_init(c);
    v->tcache = c;
    codecache_bound(v->code, DECODED_BYTES);
    return c;
}

void tcache_free(TCache *c)
{
    if (!c)
        return;
    c->v->tcache = NULL;
    shadow_free(c->shadow);
    winform_free(c);
    transblock_fini(c);
    if (c->perf_map)
        fclose(c->perf_map);
    codebuf_free(c->buf);
    large_free(c, sizeof *c);
}

void tcache_set_shadow(TCache *c, void (*difference)(void *opaque, const char *report), void *opaque)
{
    winform_free(c); /* what they store would not be noted */
    tlb_flush_all(c->v);
    transblock_flush(c); /* stores of blocks from before are not noted */
    shadow_free(c->shadow);
    c->shadow = shadow_new(c, difference, opaque);
}

uint64_t tcache_shadow_blocks(const TCache *c)
{
    return c->shadow ? shadow_blocks(c->shadow) : 0;
}

void tcache_set_chaos(TCache *c, uint64_t seed, bool delays)
{
    c->chaos = seed;
    c->chaos_delays = seed && delays;
    codecache_bound(c->v->code, seed ? SIZE_MAX : DECODED_BYTES);
}

void tcache_listen(TCache *c, TCacheListen *listen, void *opaque)
{
    if (listen != c->listen)
        transblock_flush(c);
    c->listen = listen;
    c->listen_opaque = opaque;
}

void tcache_perf_map(TCache *c)
{
    g_autofree char *name = g_strdup_printf("/tmp/perf-%d.map", (int)getpid());
    if (!c->perf_map)
        c->perf_map = fopen(name, "w");
}

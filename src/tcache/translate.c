/*
 * From guest bytes to a translated block: decode, plan backwards what happens to the flags, emit, then the cold code.
 */
#include "tcache/translate.h"

#include "cpu/handlers.h"
#include "tcache/fplive.h"
#include "tcache/listing.h"

#define SIDE_INSNS 32 /* a block as long as this ends at any branch */
#define BLOCK_ROOM (TRANS_INSNS * 256u) /* bytes of code that a block surely does not exceed */

/* ---- flags ---- */

void flags_park(Tr *t)
{
    if (t->park_ok || !t->host_ok)
        return;
    emit_mov_imm32(&t->e, H_AX, 0);       /* so that this parking need not wait for the one before, in whose bytes they go */
    emit8(&t->e, 0x9f);                   /* lahf */
    emit_rr(&t->e, 0, 1, 0x0f90, 0, H_AX); /* seto al */
    t->park_ok = true;
}

void tr_unpark(Emit *e)
{
    emit8(e, 0x04); /* add al, 0x7f: OF */
    emit8(e, 0x7f);
    emit8(e, 0x9e); /* sahf: the others */
}

void flags_host(Tr *t)
{
    if (t->host_ok || !t->park_ok)
        return;
    tr_unpark(&t->e);
    t->host_ok = true;
    t->park_ok = false;
}

/* ---- the block ---- */

/* Emit.access */
static void note_access(void *opaque, uint8_t *at)
{
    Tr *t = opaque;
    g_assert(t->host_ok || t->park_ok);
    t->access[t->accesses++] = (TrAccess){at, t->fix | (t->park_ok ? 0 : FIX_FLAGS)};
}

static uint32_t site_new(Tr *t)
{
    Site *s = codebuf_data(t->c->buf, sizeof *s, 0);
    *s = (Site){.eip = t->eip, .block = ref_to(t->c, t->b), .index = t->k - t->counted_before, .len = t->next - t->eip,
                .x87 = fp_touches_x87(t, &t->insn[t->k])};
    return ref_to(t->c, s);
}

static void emit_call(Tr *t, const uint8_t *stub)
{
    x87ptr_settle(t);
    flags_park(t);
    emit_mov_imm32(&t->e, H_R10, site_new(t));
    emit_call_to(&t->e, stub);
    t->park_ok = true;
    t->host_ok = false;
    t->xmm_ok = false;
    if (fp_touches_x87(t, &t->insn[t->k]))
        t->x87_ok = false;
}

/* The helper of an instruction that has one, and its operand. */
static const uint8_t *lean_stub(const Tr *t, const Insn *i, unsigned *operand)
{
    uint8_t *const *stub = t->c->stub_lean;
    *operand = i->imm & 0xff;
    switch (i->row) {
    case ROW_SYSENTER: return stub[LEAN_SYSENTER];
    case ROW_SYSEXIT: return stub[LEAN_SYSEXIT];
    case ROW_IRETD: return i->opsize == 4 ? stub[LEAN_IRET] : NULL;
    case ROW_INT: return stub[LEAN_INT];
    default: return NULL;
    }
}

static void emit_final(Tr *t)
{
    unsigned operand;
    const uint8_t *lean = lean_stub(t, &t->insn[t->k], &operand);
    flags_park(t);
    emit_mov_imm32(&t->e, H_R10, site_new(t));
    if (lean)
        emit_mov_imm32(&t->e, H_R11, operand);
    emit_jmp_to(&t->e, lean ? lean : t->c->stub_final);
}

/* Through its memory operand by the window at most, and with no flags destroyed by what is emitted around it? */
static bool is_quiet(const Tr *t, const Insn *i)
{
    switch (i->row) {
    case ROW_DIV:
    case ROW_IDIV:
    case ROW_CLD:
    case ROW_STD:
    case ROW_FLDCW:
    case ROW_LDMXCSR:
    case ROW_MOV_CR:
    case ROW_MOV_SREG:
    case ROW_PUSH_SREG:
    case ROW_CLI:
    case ROW_STI:
    case ROW_PUSHF:
    case ROW_PUSHFD:
    case ROW_POPF:
    case ROW_POPFD:
        return false;
    case ROW_BT:
    case ROW_BTS:
    case ROW_BTR:
    case ROW_BTC:
        return i->form != FORM_MR && tr_by_window(t, i);
    default:
        return insn_info[i->row].rule != TR_STRING && tr_by_window(t, i);
    }
}

/* The form of the memory accesses of instruction k. */
static bool wants_window(const Tr *t, unsigned k)
{
    return (t->bits & MODE_WINDOW) && winform_wanted(t->c, t->b->host + t->offset[k]);
}

static bool is_faulty(uint8_t kind)
{
    return kind != KIND_INLINE && kind != KIND_BRANCH;
}

/* Does a span begin before instruction k? */
static bool span_begins(const Tr *t, unsigned k)
{
    return t->span_at[k] && t->span[t->span_at[k] - 1].first == k;
}

/* Where a span's check fails the plain block begins; with a bound on instructions the run loop may look there. */
static bool span_wants_flags(const Tr *t, unsigned k)
{
    return t->live_before[k] || (t->bits & MODE_SINGLE);
}

static bool live_before(const InsnPlan *p, bool live_after)
{
    return is_faulty(p->kind) || p->flags == FLAGS_READ || (live_after && p->flags != FLAGS_WRITE);
}

/* Backwards: are flags wanted after each instruction? Whatever follows the block may want them. First without spans. */
static void plan_flags(Tr *t)
{
    bool live = true;
    for (int k = t->n - 1; k >= 0; k--)
        t->live_before[k] = live = live_before(&t->plan[k], live);
    spans_plan(t);
    live = true;
    for (int k = t->n - 1; k >= 0; k--) {
        InsnPlan *p = &t->plan[k];
        p->live = live;
        live = live_before(p, live);
        if (span_begins(t, k) && span_wants_flags(t, k))
            live = true;
    }
}

/* Check the span that begins before this instruction. */
static void emit_span(Tr *t)
{
    unsigned span = t->span_at[t->k];
    if (span_wants_flags(t, t->k))
        flags_park(t);
    t->span_jump[span - 1] = span_check(t, span, t->k);
    t->span_counted[span - 1] = t->counted;
    t->span_x87[span - 1] = t->x87;
    flags_clobbered(t);
}

/*
 * A block that ends by a branch backward looks for attention where that is cheapest: before the last instruction that writes all flags,
 * where they are dead. (Where it finds any they are lost, so the interpreter does that instruction.)
 */
static void plan_look(Tr *t)
{
    const Insn *last = &t->insn[t->n - 1];
    uint32_t at = t->b->eip + t->offset[t->n - 1], target = at + last->len + (uint32_t)last->imm;

    t->look = 0;
    if ((t->bits & MODE_SINGLE) || t->b->host2 || t->plan[t->n - 1].kind != KIND_BRANCH || last->form != FORM_I || last->opsize != 4 || target > at)
        return;
    for (unsigned k = t->n - 1; k > 0; k--) {
        const InsnPlan *p = &t->plan[k - 1];
        if (p->kind == KIND_INLINE && p->flags == FLAGS_WRITE) {
            t->look = k;
            return;
        }
    }
}

static void emit_look(Tr *t)
{
    emit_rm(&t->e, 0, 4, 0x83, 7, TR_VCPU(attention)); /* cmp dword, 0 */
    emit8(&t->e, 0);
    t->look_jump = emit_jcc(&t->e, 5);
    t->look_counted = t->counted;
    t->look_x87 = t->x87;
    t->host_ok = t->park_ok = false;
}

/* Go on only if the second page is still where it was; else the run loop looks. Flags parked. */
static void emit_second_page(Tr *t)
{
    Emit *e = &t->e;
    uint32_t linear = (t->cs_base + t->b->eip + PAGE_SIZE) & PAGE_MASK;
    int32_t entry = (uint8_t *)fetch_entry(t->v, t->bits & MODE_USER, linear) - (uint8_t *)t->v;
    emit_mov_imm64(e, H_R11, fetch_key(linear, t->b->host2));
    emit_rm(e, 0, 8, 0x3b, H_R11, host_mem(H_R14, entry));
    uint8_t *same = emit_jcc(e, 4);
    emit_mov_imm32(e, H_R10, t->b->eip);
    emit_jmp_to(e, t->c->stub_second);
    emit_patch32(same, e->p);
}

/* How the block likes its flags at the entry: the first instruction that cares tells. ENTRY_ANY: they are dead. */
typedef enum EntryWants { ENTRY_PARKED, ENTRY_HOST, ENTRY_ANY } EntryWants;

static EntryWants entry_wants(const Tr *t)
{
    bool wanted = false; /* in either place */
    for (unsigned k = 0; k < t->n; k++) {
        const InsnPlan *p = &t->plan[k];
        if (span_begins(t, k))
            return span_wants_flags(t, k) ? ENTRY_PARKED : ENTRY_ANY;
        if (is_faulty(p->kind) && !p->quiet)
            return ENTRY_PARKED;
        wanted |= p->quiet;
        if (!wanted && (p->flags == FLAGS_WRITE || (p->flags == FLAGS_PART && !p->live)))
            return ENTRY_ANY;
        if (p->flags != FLAGS_NONE)
            break;
    }
    return ENTRY_HOST;
}

/* The registers that instructions of the block need before any handler is called. */
static unsigned entry_needs(const Tr *t)
{
    unsigned needs = 0;
    for (unsigned k = 0; k < t->n; k++) {
        if (t->plan[k].kind == KIND_CALL || t->plan[k].kind == KIND_MODE || t->plan[k].kind == KIND_FINAL)
            break;
        needs |= fp_needs(&t->insn[k]);
    }
    return needs;
}

static void entry_fast(Tr *t, int8_t *at)
{
    *at = (int)(tr_here(t) - t->b->entry_p);
}

static void emit_entries(Tr *t)
{
    TransBlock *b = t->b;
    EntryWants wants = b->host2 ? ENTRY_PARKED : entry_wants(t);

    b->fp = b->host2 ? 0 : entry_needs(t);
    t->host_ok = t->park_ok = false;
    if (wants == ENTRY_HOST && !b->fp) {
        b->entry_p = tr_here(t);
        t->park_ok = true;
        flags_host(t);
        b->entry_h = tr_here(t);
    } else {
        b->entry_h = tr_here(t);
        if (wants != ENTRY_ANY) {
            t->host_ok = true;
            flags_park(t);
            t->host_ok = false;
        }
        b->entry_p = tr_here(t);
    }
    b->fast_h = (int)(b->entry_h - b->entry_p);
    if (b->host2)
        emit_second_page(t);
    if (!b->fp)
        return;
    fp_ensure(t, b->fp);
    entry_fast(t, &b->fast_p);
    if (wants == ENTRY_HOST)
        flags_host(t);
    if (wants != ENTRY_PARKED) /* else those who have them in the host's take the slow way, whose parking they need */
        entry_fast(t, &b->fast_h);
}

/* By its slow path, that is. */
static bool changes_mode(const Insn *i)
{
    return i->row == ROW_FLDCW || i->row == ROW_LDMXCSR || i->row == ROW_POPF || i->row == ROW_POPFD;
}

/* By a lean helper, with its slow path. */
static void emit_lean(Tr *t, const Insn *i, bool mode)
{
    flags_park(t);
    uint8_t *moved = tr_lean(t, i);
    flags_clobbered(t);
    t->cold[t->colds++] = (ColdPath){
        .site = site_new(t), .back = t->e.p, .mode = mode, .moved = moved,
        .first_jump = t->jumps_before, .jumps = t->jumps - t->jumps_before,
        .first_access = t->accesses_before, .accesses = t->accesses - t->accesses_before,
        .xmm_ok = t->xmm_ok, .x87_ok = t->x87_ok, .k = t->k, .uncounted = t->k + 1 - t->counted_before, .next = t->next,
    };
}

static void emit_insn(Tr *t)
{
    const Insn *i = &t->insn[t->k];
    const InsnPlan *p = &t->plan[t->k];

    t->jumps_before = t->jumps;
    t->counted_before = t->counted;
    t->accesses_before = t->accesses;
    t->windowed = wants_window(t, t->k);
    x87ptr_before(t);
    X87Pending x87 = t->x87;
    if (p->kind == KIND_FINAL) {
        emit_final(t);
        return;
    }
    bool last_sti = i->row == ROW_STI && t->k + 1 == t->n; /* its shadow is the next block's */
    if (tr_is_lean(i) && (p->kind == KIND_MODE || p->kind == KIND_CALL)) {
        emit_lean(t, i, p->kind == KIND_MODE);
        return;
    }
    if (p->kind == KIND_CALL || p->kind == KIND_MODE || last_sti) {
        emit_call(t, p->kind == KIND_MODE ? t->c->stub_mode : t->c->stub_call);
        return;
    }
    if (is_faulty(p->kind) && (!p->quiet || fp_wants_parked(t, i)))
        flags_park(t);
    else if (is_faulty(p->kind))
        ; /* where they are; tr_integer() and tr_fp() look at what the instruction reads */
    else if (p->flags == FLAGS_READ || (p->flags == FLAGS_PART && p->live))
        flags_host(t);
    if (p->kind == KIND_BRANCH || p->kind == KIND_BRANCH_FAULTY)
        tr_branch(t, i);
    else if (i->row >= ROW_F2XM1)
        tr_fp(t, i, t->raw[t->k]);
    else if (!tr_system(t, i))
        tr_integer(t, i);
    if (t->jumps > t->jumps_before || t->accesses > t->accesses_before) {
        bool branch = p->kind == KIND_BRANCH_FAULTY;
        if (!branch && t->host_ok)
            t->park_ok = false;
        t->cold[t->colds++] = (ColdPath){
            .site = site_new(t), .back = t->e.p, .host_ok = t->host_ok,
            .x87 = x87, .first_jump = t->jumps_before, .jumps = t->jumps - t->jumps_before,
            .first_access = t->accesses_before, .accesses = t->accesses - t->accesses_before,
            .xmm_ok = t->xmm_ok, .x87_ok = t->x87_ok, .final = branch || changes_mode(i),
            .span = tr_span_lives(t) ? t->span_at[t->k] : 0, .k = t->k, .uncounted = t->k + 1 - t->counted_before, .next = t->next,
        };
    }
}

static void plan(Tr *t, unsigned k)
{
    const Insn *i = &t->insn[k];
    t->plan[k] = insn_plan(t, i);
    t->windowed = wants_window(t, k);
    t->plan[k].quiet = t->windowed && t->plan[k].kind == KIND_FAULTY && is_quiet(t, i);
}

/* The only instruction of a block that lies on two pages: room bytes at host, the others at next. */
static unsigned decode_crossing(Tr *t, Hva host, unsigned room, Hva next)
{
    Insn *i = &t->insn[0];
    uint8_t bytes[15];

    memcpy(bytes, host, room);
    memcpy(bytes + room, next, sizeof bytes - room);
    if (decodecache_decode(t->c->decoded, bytes, sizeof bytes, t->bits & MODE_CODE32 ? 4 : 2, i) != DECODE_OK || i->len <= room)
        return 0;
    if ((uint64_t)t->b->eip + i->len > MIN((uint64_t)t->cs_limit + 1, 0xffffffffu))
        return 0;
    insn_bind(i);
    memcpy(t->raw[0], bytes, i->len);
    t->eip = t->b->eip;
    t->next = t->eip + i->len;
    t->offset[0] = 0;
    t->called = true; /* the entries have enough to do */
    plan(t, 0);
    if (i->flags & INSN_ENDS_BLOCK && t->plan[0].kind == KIND_CALL)
        t->plan[0].kind = KIND_FINAL;
    t->n = 1;
    return i->len;
}

/* Does the block go on behind this branch? Conditional jumps forward are mostly not taken; one backward closes a loop. */
static bool goes_on_behind(const Tr *t, const Insn *i)
{
    uint32_t target = t->next + (uint32_t)i->imm;
    if (i->opsize == 2)
        target &= 0xffff;
    return i->row >= ROW_JO && i->row <= ROW_JNLE && tr_plain_target(t, target) && t->n < SIDE_INSNS;
}

static unsigned decode(Tr *t, Hva host)
{
    unsigned sides = 0;
    unsigned room = PAGE_SIZE - ((uintptr_t)host & ~PAGE_MASK);
    unsigned at = 0, size = t->bits & MODE_CODE32 ? 4 : 2;
    uint64_t end = MIN((uint64_t)t->cs_limit + 1, 0xffffffffu); /* eip never wraps within a block */

    if (room > end - t->b->eip)
        room = end - t->b->eip;
    while (t->n < TRANS_INSNS && at < room) {
        Insn *i = &t->insn[t->n];
        DecodeResult result = decodecache_decode(t->c->decoded, host + at, MIN(room - at, 15), size, i);
        t->more = result == DECODE_MORE && t->n == 0;
        if (result != DECODE_OK)
            break;
        insn_bind(i);
        memcpy(t->raw[t->n], host + at, i->len);
        t->eip = t->b->eip + at;
        t->next = t->eip + i->len;
        t->offset[t->n] = at;
        plan(t, t->n);
        at += i->len;
        InsnPlan *p = &t->plan[t->n];
        t->called |= p->kind == KIND_CALL || p->kind == KIND_MODE;
        t->n++;
        if (i->flags & INSN_ENDS_BLOCK && p->kind == KIND_CALL)
            p->kind = KIND_FINAL;
        if (p->kind == KIND_FINAL || p->kind == KIND_BRANCH_FAULTY)
            break;
        if (p->kind == KIND_BRANCH && (sides++ == SIDES_MAX || !goes_on_behind(t, i)))
            break;
    }
    for (unsigned k = 0; k + 1 < t->n; k++)
        t->sides += t->plan[k].kind == KIND_BRANCH;
    return at;
}

static void perf_map_write(TCache *c, const TransBlock *b, const uint8_t *from, const uint8_t *to)
{
    fprintf(c->perf_map, "%lx %lx guest_%08x_%s\n", (unsigned long)codebuf_exec(c->buf, from), (unsigned long)(to - from),
            b->eip, c->modes[b->mode].bits & MODE_USER ? "user" : "kernel");
    fflush(c->perf_map);
}

static void tell_listener(TCache *c, const TransBlock *b)
{
    g_autoptr(GString) text = g_string_new(NULL);
    listing_host(c, b, text);
    c->listen(c->listen_opaque, (c->modes[b->mode].cs_base + b->eip) & 0xffffffffu, text->str);
}

/* Direct jumps out of the block. */
static unsigned edges_of(const Tr *t)
{
    const Insn *last = &t->insn[t->n - 1];
    switch (t->plan[t->n - 1].kind) {
    case KIND_FINAL:
        return 0;
    case KIND_BRANCH:
    case KIND_BRANCH_FAULTY:
        if (last->row == ROW_RET)
            return 0;
        if (last->row == ROW_CALL)
            return (last->form == FORM_I) + !(t->bits & MODE_SINGLE);
        return last->row != ROW_JMP ? 2 : last->form == FORM_I;
    default:
        return 1;
    }
}

TransBlock *translate(TCache *c, Hva host, Hva next, uint32_t eip, unsigned mode, bool plain, bool *crosses)
{
    Mode saved = c->modes[mode];
    size_t room = BLOCK_ROOM + sizeof(TransBlock) + (2 + SIDES_MAX + SPANS_MAX) * sizeof(Edge) + sizeof(TransTwin) + 2 * sizeof(TransPage) + TRANS_INSNS * (sizeof(Site) + sizeof(X87Last) + 24) + 64;
    Tr t;

    if (codebuf_room(c->buf) < room) {
        transblock_flush(c);
        mode = mode_number(c, &saved);
    }
    memset(&t, 0, offsetof(Tr, raw));
    t.colds = t.jumps = t.cold_edges = t.accesses = t.fix = 0;
    t.sides = t.side = t.counted = 0;
    t.quick_miss = t.full = NULL;
    t.look = 0;
    t.c = c;
    t.v = c->v;
    t.bits = saved.bits;
    t.cs_base = saved.cs_base;
    t.cs_limit = saved.cs_limit;
    t.mode = mode;
    TransBlock draft = {.host = host, .eip = eip, .mode = mode, .plain = plain};
    t.b = &draft;
    draft.bytes = decode(&t, host);
    *crosses = false;
    if (t.n == 0) {
        unsigned in_page = PAGE_SIZE - ((uintptr_t)host & ~PAGE_MASK);
        *crosses = t.more && in_page < 15;
        if (*crosses && next) {
            draft.host2 = next;
            draft.bytes = decode_crossing(&t, host, in_page, next);
        }
    }
    if (t.n == 0)
        return NULL;
    draft.count = t.n;
    plan_flags(&t);
    plan_look(&t);
    draft.edges = edges_of(&t) + t.sides + t.spans;
    TransBlock *b = t.b = codebuf_data(c->buf, sizeof draft + draft.edges * sizeof(Edge), 0);
    memcpy(b, &draft, sizeof draft);
    t.e = (Emit){.p = c->buf->code, .access = note_access, .opaque = &t};
    emit_entries(&t);
    t.eip = eip;
    for (t.k = 0; t.k < t.n; t.k++) {
        t.next = t.eip + t.insn[t.k].len;
        if (span_begins(&t, t.k))
            emit_span(&t);
        if (t.k + 1 == t.look)
            emit_look(&t);
        emit_insn(&t);
        t.eip = t.next;
    }
    const InsnPlan *last = &t.plan[t.n - 1];
    if (last->kind != KIND_FINAL && last->kind != KIND_BRANCH && last->kind != KIND_BRANCH_FAULTY) {
        x87ptr_settle(&t);
        tr_count(&t);
        t.eip = eip; /* a forward edge, whatever the address */
        tr_edge(&t, 0, t.next);
    }
    tr_cold(&t);
    g_assert(t.e.p < c->buf->data);
    if (c->perf_map)
        perf_map_write(c, b, c->buf->code, t.e.p);
    b->code_bytes = t.e.p - c->buf->code;
    c->buf->code = (uint8_t *)(((uintptr_t)t.e.p + 15) & ~(uintptr_t)15);
    codebuf_settle(c->buf);
    transblock_add(c, b);
    c->stats.spans += t.spans;
    c->stats.plain += plain;
    if (G_UNLIKELY(c->listen != NULL))
        tell_listener(c, b);
    return b;
}

/*
 * The ways out of a block: edges to other blocks, indirect jumps, calls and returns (the return stack of stubs.c), and behind the
 * block what seldom runs: slow paths, edges that are not linked yet.
 */
#include "tcache/translate.h"

#include "tcache/fplive.h"

/* ---- edges ---- */

void tr_slow_if(Tr *t, unsigned cond)
{
    t->jump[t->jumps++] = emit_jcc(&t->e, cond);
}

void tr_count(Tr *t)
{
    unsigned behind = MIN(t->k + 1, t->n); /* the fall through of a block comes after its last */
    emit_lea(&t->e, 8, H_R15, host_mem(H_R15, behind - t->counted));
    t->counted = behind;
}

unsigned tr_side_edge(Tr *t)
{
    return t->b->edges - t->spans - t->sides + t->side++;
}

static bool same_page(const Tr *t, uint32_t target)
{
    return (((t->cs_base + target) ^ (t->cs_base + t->b->eip)) & PAGE_MASK & 0xffffffffu) == 0;
}

bool tr_plain_target(const Tr *t, uint32_t target)
{
    return same_page(t, target) && (target > t->eip || t->look);
}

static ColdEdge *edge_begin(Tr *t, unsigned n, uint32_t target)
{
    ColdEdge *ce = &t->cold_edge[t->cold_edges++];
    *ce = (ColdEdge){.index = n};
    t->b->edge[n] = (Edge){.index = n, .target = target};
    return ce;
}

static unsigned fp_known(const Tr *t)
{
    return (t->xmm_ok ? FP_XMM : 0) | (t->x87_ok ? FP_X87 : 0);
}

void tr_edge_at(Tr *t, unsigned n, uint32_t target, uint8_t *at)
{
    ColdEdge *ce = edge_begin(t, n, target);
    t->b->edge[n].jump = ref_to(t->c, at);
    ce->parked = t->b->edge[n].parked = !t->host_ok;
    t->b->edge[n].fp = fp_known(t);
}

static void edge_emit(Tr *t, unsigned n, uint32_t target, bool call)
{
    bool host_ok = t->host_ok, park_ok = t->park_ok;
    ColdEdge *ce = edge_begin(t, n, target);
    Edge *edge = &t->b->edge[n];
    Emit *e = &t->e;

    if (!same_page(t, target)) {
        uint32_t linear = t->cs_base + target;
        int32_t entry = (uint8_t *)fetch_entry(t->v, t->bits & MODE_USER, linear) - (uint8_t *)t->v;
        flags_park(t);
        emit_mov_imm64(e, H_R11, 0);
        edge->guard = ref_to(t->c, e->p - 8);
        emit_rm(e, 0, 8, 0x3b, H_R11, host_mem(H_R14, entry));
        ce->extra[ce->extras++] = emit_jcc(e, 5);
        flags_clobbered(t);
    }
    if (target <= t->eip && !call && !t->look) { /* a call has looked */
        if (t->host_ok && !t->park_ok) { /* without touching the flags: LAHF is dear */
            emit_mov(e, 8, H_R11, H_CX);
            emit_load(e, 4, H_CX, TR_VCPU(attention));
            emit8(e, 0xe3); /* jrcxz */
            emit8(e, 8);
            emit_mov(e, 8, H_CX, H_R11);
            ce->extra[ce->extras++] = emit_jmp(e);
            emit_mov(e, 8, H_CX, H_R11);
        } else {
            emit_rm(e, 0, 4, 0x83, 7, TR_VCPU(attention)); /* cmp dword, 0 */
            emit8(e, 0);
            ce->extra[ce->extras++] = emit_jcc(e, 5);
            flags_clobbered(t);
        }
    }
    ce->parked = edge->parked = !t->host_ok;
    edge->fp = fp_known(t);
    uint8_t *jump = emit_jmp(e);
    if (call)
        jump[-1] = 0xe8;
    edge->jump = ref_to(t->c, jump);
    t->host_ok = host_ok; /* for what else follows in the block */
    t->park_ok = park_ok;
}

void tr_edge(Tr *t, unsigned n, uint32_t target)
{
    edge_emit(t, n, target, false);
}

void tr_edge_call(Tr *t, unsigned n, uint32_t target)
{
    edge_emit(t, n, target, true);
}

/* By Vcpu.quick, here, where the host's predictor can tell this jump from others; else as stub_indirect does it. */
void tr_indirect(Tr *t, bool call)
{
    Emit *e = &t->e;
    if (t->bits & MODE_SINGLE) {
        emit_jmp_to(e, t->c->stub_leave);
        return;
    }
    if (!call) {
        emit_rm(e, 0, 4, 0x83, 7, TR_VCPU(attention)); /* cmp dword, 0 */
        emit8(e, 0);
        emit_patch32(emit_jcc(e, 5), t->c->stub_leave);
    }
    HostMem slot = {H_R14, H_R11, 0, offsetof(Vcpu, quick) + offsetof(QuickJump, tag)};
    G_STATIC_ASSERT(sizeof(QuickJump) == 16);
    emit_lea(e, 4, H_R11, (HostMem){H_NONE, H_R10, 2, 0}); /* chain_quick() */
    emit_rr(e, 0, 4, 0x81, 4, H_R11);                      /* and */
    emit32(e, (QUICK_SIZE - 1) * sizeof(QuickJump));
    emit_load(e, 8, H_R12, TR_VCPU(quick_tag));
    emit_rr(e, 0, 8, 0x09, H_R10, H_R12); /* or */
    emit_rm(e, 0, 8, 0x3b, H_R12, slot);  /* cmp */
    t->quick_miss = emit_jcc(e, 5);
    slot.disp += offsetof(QuickJump, code);
    emit_rm(e, 0, 4, 0xff, call ? 2 : 4, slot);
    t->quick_back = call ? e->p : NULL;
}

static void emit_quick_miss(Tr *t)
{
    Emit *e = &t->e;
    emit_patch32(t->quick_miss, e->p);
    emit_mov_imm32(e, H_R12, t->mode);
    if (!t->quick_back) {
        emit_jmp_to(e, t->c->stub_indirect);
        return;
    }
    emit_call_to(e, t->c->stub_indirect);
    emit_jmp_to(e, t->quick_back);
}

void tr_return(Tr *t)
{
    Emit *e = &t->e;
    if (!(t->bits & MODE_SINGLE)) {
        emit_rm(e, 0, 4, 0x3b, H_R13, host_mem(H_SP, 8));
        emit8(e, 0x75); /* jne over the return */
        emit8(e, 1);
        emit8(e, 0xc3);
    }
    emit_mov(e, 4, H_R10, H_R13);
    emit_mov_imm32(e, H_R12, t->mode);
    emit_jmp_to(e, t->bits & MODE_SINGLE ? t->c->stub_leave : t->c->stub_miss);
}

void tr_call_begin(Tr *t, uint32_t eip)
{
    Emit *e = &t->e;
    if (t->bits & MODE_SINGLE)
        return;
    emit_rm(e, 0, 8, 0x3b, H_SP, TR_VCPU(host_sp_limit));
    t->full = emit_jcc(e, 6); /* not above */
    t->full_back = e->p;
    emit8(e, 0x68); /* push imm32; its low half counts */
    emit32(e, eip);
    flags_clobbered(t);
}

/* The return stack is full, or something asks for attention. */
static void emit_full(Tr *t)
{
    Emit *e = &t->e;
    bool direct = t->insn[t->n - 1].form == FORM_I;
    emit_patch32(t->full, e->p);
    emit_call_to(e, t->c->stub_full);
    uint8_t *leave = emit_jcc(e, 5);
    if (direct) { /* by the call's edge, which is the last but that of its return */
        ColdEdge *ce = &t->cold_edge[t->cold_edges - 2];
        ce->extra[ce->extras++] = leave;
    } else {
        emit_patch32(leave, t->c->stub_leave);
    }
    emit_jmp_to(e, t->full_back);
}

void tr_call_end(Tr *t, unsigned edge, uint32_t eip)
{
    if (t->bits & MODE_SINGLE)
        return;
    emit_lea(&t->e, 8, H_SP, host_mem(H_SP, 8));
    t->xmm_ok = t->x87_ok = false;
    tr_edge(t, edge, eip);
}

/* ---- what seldom runs ---- */

/* Where a span's check fails: on by the block without spans from that instruction on. Flags parked, or dead there. */
static void emit_plain_edge(Tr *t, unsigned n)
{
    Emit *e = &t->e;
    unsigned index = t->b->edges - t->spans + n, k = t->span[n].first;
    uint32_t target = t->b->eip;
    for (unsigned j = 0; j < k; j++)
        target += t->insn[j].len;
    emit_patch32(t->span_jump[n], e->p);
    x87ptr_emit(t, t->span_x87[n], k);
    if (k > t->span_counted[n])
        emit_lea(e, 8, H_R15, host_mem(H_R15, k - t->span_counted[n]));
    uint8_t *jump = emit_jmp(e);
    Edge *edge = &t->b->edge[index];
    *edge = (Edge){.index = index, .target = target, .plain = true, .parked = true, .jump = ref_to(t->c, jump), .cold = e->p - jump};
    emit_patch32(jump, e->p);
    emit_mov_imm32(e, H_R10, ref_to(t->c, edge));
    emit_jmp_to(e, t->c->stub_edge);
}

static void emit_look_cold(Tr *t)
{
    Emit *e = &t->e;
    unsigned k = t->look - 1;
    emit_patch32(t->look_jump, e->p);
    x87ptr_emit(t, t->look_x87, k);
    if (k > t->look_counted)
        emit_lea(e, 8, H_R15, host_mem(H_R15, k - t->look_counted));
    emit_mov_imm32(e, H_R10, t->b->eip + t->offset[k]);
    emit_jmp_to(e, t->c->stub_step);
}

void tr_cold(Tr *t)
{
    Emit *e = &t->e;
    for (unsigned n = 0; n < t->colds; n++) {
        const ColdPath *c = &t->cold[n];
        for (unsigned j = 0; j < c->jumps; j++)
            emit_patch32(t->jump[c->first_jump + j], e->p);
        for (unsigned j = 0; j < c->accesses; j++) {
            const TrAccess *a = &t->access[c->first_access + j];
            winform_add(t->c, &(WinAccess){.pc = ref_to(t->c, a->at), .cold = tr_here(t), .site = c->site, .fix = a->fix});
        }
        x87ptr_emit(t, c->x87, c->k);
        emit_mov_imm32(e, H_R10, c->site);
        if (c->final) {
            emit_jmp_to(e, t->c->stub_final);
            continue;
        }
        emit_call_to(e, c->mode ? t->c->stub_mode : t->c->stub_call);
        if (c->x87_ok)
            emit_call_to(e, t->c->stub_x87);
        uint8_t *fails = c->span ? span_check(t, c->span, c->k + 1) : NULL;
        if (c->xmm_ok)
            emit_call_to(e, t->c->stub_xmm);
        if (c->host_ok)
            tr_unpark(e);
        emit_jmp_to(e, c->back);
        if (c->moved) {
            emit_patch32(c->moved, e->p);
            emit_lea(e, 8, H_R15, host_mem(H_R15, c->uncounted));
            emit_mov_imm32(e, H_R10, c->next);
            emit_jmp_to(e, t->c->stub_next);
        }
        if (fails) { /* leave: what follows begins a block of its own */
            emit_patch32(fails, e->p);
            emit_lea(e, 8, H_R15, host_mem(H_R15, c->uncounted));
            emit_mov_imm32(e, H_R10, c->next);
            emit_jmp_to(e, t->c->stub_leave);
        }
    }
    for (unsigned n = 0; n < t->spans; n++)
        emit_plain_edge(t, n);
    if (t->look)
        emit_look_cold(t);
    if (t->quick_miss)
        emit_quick_miss(t);
    if (t->full)
        emit_full(t);
    for (unsigned n = 0; n < t->cold_edges; n++) {
        ColdEdge *ce = &t->cold_edge[n];
        Edge *edge = &t->b->edge[ce->index];
        uint8_t *jump = ref_at(t->c, edge->jump);
        edge->cold = e->p - jump;
        emit_patch32(jump, e->p);
        for (unsigned j = 0; j < ce->extras; j++)
            emit_patch32(ce->extra[j], e->p);
        if (!ce->parked) {
            emit8(e, 0x9f);
            emit_rr(e, 0, 1, 0x0f90, 0, H_AX);
        }
        emit_mov_imm32(e, H_R10, ref_to(t->c, edge));
        emit_jmp_to(e, t->c->stub_edge);
    }
}

/*
 * Jumps between blocks.
 *
 * An edge begins as a jump to its own cold code, which leaves for the run loop; the run loop finds the target and links
 * them. An edge that crosses a page boundary compares the FetchEntry of the target's page first: the page may be mapped
 * elsewhere by now, or not at all. Indirect jumps look in a table by eip, whose slots carry the same check; and before that in
 * Vcpu.quick, which is good until code pages are forgotten.
 */
#include "tcache/internal.h"

#include "tcache/emit.h"

void chain_link(TCache *c, Edge *e, TransBlock *b)
{
    if (e->to || !b->host || !edge_from(e)->host || e->plain != b->plain)
        return;
    if (e->guard) {
        FetchEntry key = fetch_key(c->modes[b->mode].cs_base + b->eip, b->host);
        memcpy(ref_at(c, e->guard), &key, sizeof key);
    }
    e->to = ref_to(c, b);
    e->next_in = b->in;
    b->in = ref_to(c, e);
    uint8_t *to = ref_at(c, e->parked ? b->entry_p : b->entry_h);
    if (!(b->fp & ~e->fp))
        to = (uint8_t *)ref_at(c, b->entry_p) + (e->parked ? b->fast_p : b->fast_h);
    emit_patch32(ref_at(c, e->jump), to);
    c->stats.links++;
}

void chain_unlink(TCache *c, TransBlock *b)
{
    for (Edge *e = ref_at(c, b->in), *next; e; e = next) {
        next = ref_at(c, e->next_in);
        uint8_t *jump = ref_at(c, e->jump);
        emit_patch32(jump, jump + e->cold);
        e->to = 0;
        e->next_in = 0;
    }
    b->in = 0;
    JumpSlot *s = chain_slot(c, b->eip);
    if (s->code == block_code(c, b))
        *s = (JumpSlot){.tag = JUMP_NONE};
    QuickJump *q = chain_quick(c, b->eip);
    if (q->code == block_code(c, b))
        *q = (QuickJump){.tag = QUICK_NONE};
}

void chain_remember(TCache *c, TransBlock *b)
{
    const Mode *m = &c->modes[b->mode];
    uint32_t linear = m->cs_base + b->eip;

    *chain_slot(c, b->eip) = (JumpSlot){
        .tag = chain_tag(b->eip, b->mode), .key = fetch_key(linear, b->host),
        .fetch = (uint8_t *)fetch_entry(c->v, m->bits & MODE_USER, linear) - (uint8_t *)c->v,
        .code = (void *)block_code(c, b),
    };
}

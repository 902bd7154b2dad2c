/*
 * Jumps between blocks.
 *
 * An edge begins as a jump to its own cold code, which leaves for the run loop; the run loop finds the target and links
 * them. An edge that crosses a page boundary compares the FetchEntry of the target's page first: the page may be mapped
 * elsewhere by now, or not at all. Indirect jumps look in a table by eip, whose slots carry the same check.
 */
#include "tcache/internal.h"

#include "tcache/emit.h"

void chain_link(TCache *c, Edge *e, TransBlock *b)
{
    if (e->to || !b->host || !e->from->host)
        return;
    if (e->guard) {
        uintptr_t linear = (c->modes[b->mode].cs_base + b->eip) & 0xffffffffu;
        uint64_t addend = (uintptr_t)b->host - linear;
        memcpy(e->guard, &addend, sizeof addend);
    }
    e->to = b;
    e->next_in = b->in;
    b->in = e;
    emit_patch32(e->jump, e->parked ? b->entry_p : b->entry_h);
    c->stats.links++;
}

void chain_unlink(TCache *c, TransBlock *b)
{
    for (Edge *e = b->in, *next; e; e = next) {
        next = e->next_in;
        emit_patch32(e->jump, e->cold);
        e->to = NULL;
        e->next_in = NULL;
    }
    b->in = NULL;
    JumpSlot *s = chain_slot(c, b->eip);
    if (s->code == codebuf_exec(c->buf, b->entry_p))
        *s = (JumpSlot){.mode = UINT32_MAX};
}

void chain_remember(TCache *c, TransBlock *b)
{
    const Mode *m = &c->modes[b->mode];
    uint32_t linear = m->cs_base + b->eip;

    *chain_slot(c, b->eip) = (JumpSlot){
        .eip = b->eip, .mode = b->mode, .page = linear & PAGE_MASK,
        .fetch = (uint8_t *)fetch_entry(c->v, m->bits & MODE_USER, linear) - (uint8_t *)c->v,
        .code = codebuf_exec(c->buf, b->entry_p), .addend = (uintptr_t)b->host - linear,
    };
}

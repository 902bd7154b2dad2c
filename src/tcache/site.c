/*
 * Sites: instructions of translated code that leave for C. Most never do, so they are decoded for that when they first do.
 *
 * The bytes are the block's: a write to them, by this CPU, would have stopped the block. Another thread's may not have been
 * noticed yet; then what is decoded now is the changed instruction, which runs, and the block ends behind it when it
 * is longer or shorter than the one before.
 */
#include "cpu/handlers.h"
#include "tcache/internal.h"

#define INSN_BYTES 15

bool site_mode_kept(Vcpu *v, const Site *s)
{
    TCache *c = v->tcache;
    const TransBlock *b = ref_at(c, s->block);
    return c->fetch_generation == v->tlb_generation && mode_now(c, c->modes[b->mode].bits & MODE_SINGLE) == b->mode;
}

const Insn *site_decode(Vcpu *v, Site *s)
{
    TCache *c = v->tcache;
    const TransBlock *b = ref_at(c, s->block);
    unsigned at = s->eip - b->eip;
    unsigned room = MIN(INSN_BYTES, PAGE_SIZE - ((uintptr_t)(b->host + at) & ~PAGE_MASK));
    uint8_t bytes[INSN_BYTES] = {0};

    memcpy(bytes, b->host + at, room);
    if (b->host2)
        memcpy(bytes + room, b->host2, INSN_BYTES - room);
    else if (room > b->bytes - at)
        room = b->bytes - at; /* not beyond the block: it may be the end of the segment */
    Insn *i = codebuf_data(c->buf, sizeof *i, 0);
    bool kept = i != NULL;
    if (!kept)
        i = &c->insn;
    if (decodecache_decode(c->decoded, bytes, b->host2 ? INSN_BYTES : room, c->modes[b->mode].bits & MODE_CODE32 ? 4 : 2, i) == DECODE_MORE)
        i->len = s->len; /* changed, and not whole: an invalid instruction */
    insn_bind(i);
    s->insn = kept ? ref_to(c, i) : 0;
    return i;
}

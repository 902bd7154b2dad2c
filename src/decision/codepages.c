/*
 * Pages of guest code: what the sweep saw of each, alone and with what lies behind it.
 *
 * A page of RAM is swept once for all address spaces, but what follows it is each one's own. So whenever a new way over the edge is seen of a
 * page, it is looked at with every page that it runs on into, wherever both are executable.
 */
#include "decision/space_state.h"

CodePage *code_page(Spaces *all, uint32_t page)
{
    CodePage *c = g_hash_table_lookup(all->code, GUINT_TO_POINTER(page));
    if (!c) {
        c = g_new0(CodePage, 1);
        g_hash_table_insert(all->code, GUINT_TO_POINTER(page), c);
    }
    return c;
}

/* Its page keeps being rewritten: leave it to translation for a while. */
bool code_restless(CodePage *c)
{
    if (c->writes < CODE_RESTLESS)
        return false;
    if (++c->writes > CODE_RESTLESS + CODE_PATIENCE)
        c->writes = CODE_RESTLESS / 2;
    return true;
}

/* The executable neighbour of a page, if there is one. */
static CodePage *neighbour(Space *s, Gva addr, const uint8_t **host)
{
    if (addr >> 32)
        return NULL;
    Table *t = s->table[addr >> s->table_bits];
    unsigned index = t ? index_of(s, addr) : 0;
    if (!t || !(t->prot[index] & SANDBOX_EXEC))
        return NULL;
    *host = s->owner->v->ram->host + ((uint64_t)t->frame[index] << PAGE_BITS);
    return code_page(s->owner, t->frame[index]);
}

/* Sweep the page from offset (or its head, when offset is beyond the page), alone and with its neighbours. */
static bool sweep_in_place(Space *s, CodePage *c, Gva addr, const PtLeaf *leaf, unsigned offset, unsigned code_size)
{
    const SweepRules *rules = &s->owner->rules;
    const uint8_t *host;
    bool first = !c->sweep.code_size;
    if (first)
        s->owner->stats.swept++;
    if (offset < PAGE_SIZE && !sweep_from(&c->sweep, rules, leaf->host, offset, code_size))
        return false;
    CodePage *before = neighbour(s, addr - PAGE_SIZE, &host);
    if (before && before->sweep.code_size == code_size &&
        !sweep_pair(&before->sweep, rules, host, &c->sweep, leaf->host))
        return false;
    if (!c->sweep.code_size)
        return false;
    if (first && !sweep_head(&c->sweep, rules, leaf->host))
        return false;
    CodePage *after = neighbour(s, addr + PAGE_SIZE, &host);
    if (after && after->sweep.code_size == code_size && !sweep_pair(&c->sweep, rules, leaf->host, &after->sweep, host)) {
        if (after->sweep.refused) {
            Table *t = s->table[(addr + PAGE_SIZE) >> s->table_bits];
            code_forget(s->owner, t->frame[index_of(s, addr + PAGE_SIZE)], false);
        } else {
            return false;
        }
    }
    return true;
}

/*
 * Look at a page with what follows it in an address space, if that is executable. What may not be any more, of the two, is not. *more: the one behind, when it
 * has new ways over its own edge.
 */
static void pair_again(Space *s, Gva addr, GQueue *more)
{
    const uint8_t *host, *next_host;
    Spaces *all = s->owner;
    CodePage *c = neighbour(s, addr, &host), *next = c && !s->split ? neighbour(s, addr + PAGE_SIZE, &next_host) : NULL;
    if (!next || next->sweep.code_size != c->sweep.code_size)
        return;
    if (!sweep_pair(&c->sweep, &all->rules, host, &next->sweep, next_host))
        code_forget(all, ((next->sweep.refused ? next_host : host) - all->v->ram->host) >> PAGE_BITS, false);
    if (next->sweep.grew)
        g_queue_push_tail(more, GUINT_TO_POINTER((next_host - all->v->ram->host) >> PAGE_BITS));
}

/* After something was seen of a page. */
static void settle_edges(Spaces *all, uint32_t page)
{
    GQueue todo = G_QUEUE_INIT;
    g_queue_push_tail(&todo, GUINT_TO_POINTER(page));
    while (!g_queue_is_empty(&todo)) {
        page = GPOINTER_TO_UINT(g_queue_pop_head(&todo));
        CodePage *c = code_page(all, page);
        if (!c->sweep.grew)
            continue;
        c->sweep.grew = false;
        for (uint32_t n = all->users[page], next; n; n = next) {
            next = all->user[n].next;
            pair_again(all->user[n].space, (Gva)all->user[n].gva << PAGE_BITS, &todo);
        }
    }
}

bool code_sweep(Space *s, CodePage *c, Gva addr, const PtLeaf *leaf, unsigned offset, unsigned code_size)
{
    const uint8_t *host;
    bool ok = sweep_in_place(s, c, addr, leaf, offset, code_size);
    settle_edges(s->owner, leaf->page);
    if (neighbour(s, addr + PAGE_SIZE, &host))
        settle_edges(s->owner, (host - s->owner->v->ram->host) >> PAGE_BITS);
    return ok && !c->sweep.refused;
}

void code_saw(Space *s, Gva addr, unsigned code_size)
{
    const uint8_t *host;
    CodePage *c = neighbour(s, addr, &host);
    unsigned offset = addr & ~PAGE_MASK;
    if (!c || sweep_saw(&c->sweep, offset))
        return;
    uint32_t page = (host - s->owner->v->ram->host) >> PAGE_BITS;
    if (sweep_from(&c->sweep, &s->owner->rules, host, offset, code_size))
        settle_edges(s->owner, page);
    else
        code_forget(s->owner, page, false);
}

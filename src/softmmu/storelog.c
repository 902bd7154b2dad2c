/*
 * The log for running a block twice. See storelog.h.
 */
#include "softmmu/storelog.h"

#include <string.h>

#include "softmmu/mmu.h"

#define PAGE_A_D 0x60u /* of a page-table entry */
#define REPEATS 65536u /* elements of repeated instructions in one block */

typedef struct TlbUndo {
    Vcpu *v;
    int idx;
    unsigned n;
    TlbEntry old;
    uint8_t old_global;
} TlbUndo;

/* What the outside said or was told. */
typedef struct Input {
    const Bus *bus;   /* NULL: by name */
    const char *name;
    Gpa addr;
    uint64_t value;
    uint8_t size;
    bool write;
} Input;

typedef struct Final {
    uint8_t bytes[16];
} Final;

typedef struct Run {
    StoreEntry *entry;
    StoreEntry *end; /* valid once it is over */
    size_t room;
    GArray *final; /* Final, by entry */
    GArray *tlb;   /* TlbUndo */
} Run;

struct StoreLog {
    StoreLogHead head; /* first */
    Run run[2];
    int now;
    enum { REST, RECORD, REPLAY } phase;
    GArray *inputs; /* Input */
    unsigned input_next;
    unsigned repeats;
    char *error;
};

StoreLog *storelog_new(void)
{
    StoreLog *l = g_new0(StoreLog, 1);
    for (int n = 0; n < 2; n++) {
        l->run[n].room = 2 * STORELOG_ROOM;
        l->run[n].entry = g_new(StoreEntry, l->run[n].room);
        l->run[n].end = l->run[n].entry;
        l->run[n].final = g_array_new(FALSE, FALSE, sizeof(Final));
        l->run[n].tlb = g_array_new(FALSE, FALSE, sizeof(TlbUndo));
    }
    l->inputs = g_array_new(FALSE, FALSE, sizeof(Input));
    l->head.next = l->run[0].entry;
    return l;
}

void storelog_free(StoreLog *l)
{
    if (!l)
        return;
    for (int n = 0; n < 2; n++) {
        g_free(l->run[n].entry);
        g_array_unref(l->run[n].final);
        g_array_unref(l->run[n].tlb);
    }
    g_array_unref(l->inputs);
    g_free(l->error);
    g_free(l);
}

void storelog_begin(StoreLog *l, int run, bool record)
{
    l->now = run;
    l->phase = record ? RECORD : REPLAY;
    l->head.next = l->run[run].entry;
    g_array_set_size(l->run[run].tlb, 0);
    g_clear_pointer(&l->error, g_free);
    l->input_next = 0;
    l->repeats = 0;
    if (record)
        g_array_set_size(l->inputs, 0);
}

void storelog_rest(StoreLog *l)
{
    l->phase = REST;
}

static void make_room(StoreLog *l)
{
    Run *r = &l->run[l->now];
    size_t used = l->head.next - r->entry;
    if (G_LIKELY(used + STORELOG_ROOM <= r->room))
        return;
    r->room *= 2;
    r->entry = g_renew(StoreEntry, r->entry, r->room);
    l->head.next = r->entry + used;
}

void storelog_store(StoreLog *l, Hva at, unsigned size)
{
    while (size && l->phase != REST) {
        unsigned n = MIN(size, 16);
        make_room(l);
        StoreEntry *e = l->head.next++;
        e->at = at;
        e->size = n;
        e->walk = 0;
        memcpy(e->old, at, n);
        at += n;
        size -= n;
    }
}

void storelog_walk(StoreLog *l, Hva at)
{
    if (l->phase == REST)
        return;
    storelog_store(l, at, 1);
    l->head.next[-1].walk = 1;
}

void storelog_tlb(StoreLog *l, Vcpu *v, int idx, unsigned n)
{
    TlbUndo u = {v, idx, n, v->tlb[idx][n], v->tlb_global[idx][n]};
    if (l->phase == REST)
        return;
    g_array_append_val(l->run[l->now].tlb, u);
}

static const Input *input_take(StoreLog *l)
{
    return l->input_next < l->inputs->len ? &g_array_index(l->inputs, Input, l->input_next++) : NULL;
}

static void input_wrong(StoreLog *l, const char *what, uint64_t addr, unsigned size, uint64_t value)
{
    if (!l->error)
        l->error = g_strdup_printf("input or output number %u of the block is %s %#" G_GINT64_MODIFIER "x, %u bytes, value %#"
                                   G_GINT64_MODIFIER "x this time", l->input_next, what, addr, size, value);
}

uint64_t storelog_bus_read(StoreLog *l, Bus *bus, Gpa addr, unsigned size)
{
    if (l->phase != REPLAY) {
        Input in = {.bus = bus, .addr = addr, .size = size, .value = bus_read(bus, addr, size)};
        if (l->phase == RECORD)
            g_array_append_val(l->inputs, in);
        return in.value;
    }
    const Input *in = input_take(l);
    if (in && in->bus == bus && in->addr == addr && in->size == size && !in->write)
        return in->value;
    input_wrong(l, "a read of device address", addr, size, 0);
    return 0;
}

void storelog_bus_write(StoreLog *l, Bus *bus, Gpa addr, uint64_t value, unsigned size)
{
    if (l->phase != REPLAY) {
        Input in = {.bus = bus, .addr = addr, .size = size, .value = value, .write = true};
        if (l->phase == RECORD)
            g_array_append_val(l->inputs, in);
        bus_write(bus, addr, value, size);
        return;
    }
    const Input *in = input_take(l);
    if (!in || in->bus != bus || in->addr != addr || in->size != size || !in->write || in->value != value)
        input_wrong(l, "a write to device address", addr, size, value);
}

bool storelog_replayed(StoreLog *l, const char *name, uint64_t *value)
{
    if (l->phase != REPLAY)
        return false;
    const Input *in = input_take(l);
    if (in && !in->bus && !strcmp(in->name, name))
        *value = in->value;
    else
        input_wrong(l, name, 0, 8, 0);
    return true;
}

void storelog_remember(StoreLog *l, const char *name, uint64_t value)
{
    Input in = {.name = name, .size = 8, .value = value};
    if (l->phase == RECORD)
        g_array_append_val(l->inputs, in);
}

bool storelog_repeat(StoreLog *l, bool attention)
{
    return l->phase == REST ? attention : ++l->repeats >= REPEATS;
}

bool storelog_repeat_io(StoreLog *l, bool attention)
{
    return l->phase == REST ? attention : true;
}

void storelog_finish(StoreLog *l, int run)
{
    Run *r = &l->run[run];
    r->end = l->head.next;
    g_array_set_size(r->final, r->end - r->entry);
    for (StoreEntry *e = r->entry; e < r->end; e++)
        memcpy(g_array_index(r->final, Final, e - r->entry).bytes, e->at, e->size);
}

void storelog_undo(StoreLog *l, int run)
{
    Run *r = &l->run[run];
    for (StoreEntry *e = r->end; e-- > r->entry;)
        memcpy(e->at, e->old, e->size);
}

void storelog_undo_tlb(StoreLog *l, int run)
{
    Run *r = &l->run[run];
    for (unsigned n = r->tlb->len; n-- > 0;) {
        const TlbUndo *u = &g_array_index(r->tlb, TlbUndo, n);
        u->v->tlb[u->idx][u->n] = u->old;
        u->v->tlb_global[u->idx][u->n] = u->old_global;
        tlb_note(u->v, u->idx, u->n, true);
        tlb_note_restored(u->v, &u->v->tlb[u->idx][u->n]);
    }
    g_array_set_size(r->tlb, 0);
}

void storelog_redo(StoreLog *l, int run)
{
    Run *r = &l->run[run];
    for (StoreEntry *e = r->entry; e < r->end; e++)
        memcpy(e->at, g_array_index(r->final, Final, e - r->entry).bytes, e->size);
}

/* Did a page walk set bits at `at`, in either run? */
static bool walked(const StoreLog *l, const uint8_t *at)
{
    for (int n = 0; n < 2; n++)
        for (const StoreEntry *e = l->run[n].entry; e < l->run[n].end; e++)
            if (e->walk && e->at == at)
                return true;
    return false;
}

static bool entry_differs(const StoreLog *l, const StoreEntry *e, const uint8_t *bytes)
{
    for (unsigned n = 0; n < e->size; n++) {
        uint8_t bits = e->at[n] ^ bytes[n];
        if (bits && ((bits & ~PAGE_A_D) || !walked(l, e->at + n)))
            return true;
    }
    return false;
}

const StoreEntry *storelog_differs(StoreLog *l, int run, const uint8_t **want)
{
    Run *r = &l->run[run];
    for (StoreEntry *e = r->entry; e < r->end; e++) {
        const uint8_t *bytes = g_array_index(r->final, Final, e - r->entry).bytes;
        if (memcmp(e->at, bytes, e->size) && entry_differs(l, e, bytes)) {
            *want = bytes;
            return e;
        }
    }
    return NULL;
}

const char *storelog_input_error(const StoreLog *l)
{
    if (l->error)
        return l->error;
    return l->input_next < l->inputs->len ? "fewer inputs and outputs than before" : NULL;
}

/*
 * The shadow of user pages. See space.h.
 *
 * In order: reading the guest's tables; the list of who maps a RAM page; mapping and unmapping; coherence; data; code; spaces.
 */
#include "config.h"
#include "decision/space_state.h"

#include <string.h>

#define PTE_INDIFFERENT 0xf18u /* PWT, PCD, G and what is the system's own: nothing to us */

enum {
    AROUND = 16,     /* pages looked at around a fault: a power of two */
    RENEWED_MIN = 8, /* pages that go all at once when a process is no more */
};

/* ---- the guest's tables ---- */

/* The table that covers addr, taken into use. NULL: the guest's directory has no user table there, or it is not accessed. */
static Table *table_use(Space *s, Gva addr)
{
    const Vcpu *v = s->owner->v;
    unsigned slot = addr >> s->table_bits;
    Table *t = s->table[slot];
    if (t)
        return t;
    const uint8_t *host = pt_upper(s->owner->v, addr);
    if (!host)
        return NULL;
    uint64_t upper = pt_entry(v, host, 0);
    bool large = pt_is_large(v, upper);
    if ((upper & (PTE_P | PTE_U | PTE_A)) != (PTE_P | PTE_U | PTE_A) || (upper & pt_reserved(v, large)))
        return NULL;
    const uint8_t *entries = NULL;
    if (!large && !(entries = pt_ram(v, upper & PHYS_MASK & PAGE_MASK, NULL)))
        return NULL;
    t = g_new0(Table, 1);
    t->upper_host = host;
    t->upper = upper;
    t->entries = entries;
    if (entries)
        memcpy(t->copy, entries, sizeof t->copy);
    s->table[slot] = t;
    s->tables++;
    return t;
}

/* The page at addr as the guest's tables have it now. False: not for a sandbox. */
static bool leaf_now(const Space *s, Table *t, Gva addr, PtLeaf *leaf)
{
    const Vcpu *v = s->owner->v;
    uint64_t upper = t->entries ? t->upper : pt_entry(v, t->upper_host, 0);
    return pt_leaf(v, upper, t->entries, addr, leaf) && leaf->user;
}

/* ---- who maps a RAM page ---- */

static void users_add(Spaces *all, uint32_t page, Space *s, Gva addr)
{
    uint32_t n = all->free_user;
    if (n)
        all->free_user = all->user[n].next;
    else if (all->user_count < all->user_size)
        n = all->user_count++;
    else {
        all->user_size = all->user_size ? all->user_size * 2 : 4096;
        all->user = g_renew(PageUser, all->user, all->user_size);
        if (!all->user_count)
            all->user_count = 1; /* number 0 ends lists */
        n = all->user_count++;
    }
    all->user[n] = (PageUser){s, addr >> PAGE_BITS, all->users[page]};
    all->users[page] = n;
}

static void users_remove(Spaces *all, uint32_t page, const Space *s, Gva addr)
{
    for (uint32_t *link = &all->users[page]; *link; link = &all->user[*link].next) {
        uint32_t n = *link;
        PageUser *u = &all->user[n];
        if (u->space == s && u->gva == addr >> PAGE_BITS) {
            *link = u->next;
            u->next = all->free_user;
            all->free_user = n;
            return;
        }
    }
    g_assert_not_reached();
}

/* ---- mapping ---- */

static void check(Space *s, SandboxMap m)
{
    if (m != SANDBOX_MAP_OK && m != SANDBOX_MAP_LOW)
        s->broken = true;
}

/* Forget that a page is mapped; the sandbox is told by the caller, but for copies of code. */
static void forget(Space *s, Table *t, unsigned index, Gva addr, bool tell)
{
    if (s->split && (t->prot[index] & SANDBOX_EXEC))
        view_drop(s, addr, tell);
    users_remove(s->owner, t->frame[index], s, addr);
    t->prot[index] = 0;
    t->mapped--;
    s->pages--;
    s->owner->stats.unmapped++;
}

static void unmap_run(Space *s, Gva addr, unsigned pages)
{
    if (pages && s->sandbox)
        check(s, sandbox_unmap(s->sandbox, addr, (uint64_t)pages << PAGE_BITS));
}

/* What is mapped rests on this entry: the copy that space_sync() compares with. */
static void remember(const Space *s, Table *t, unsigned index, const PtLeaf *leaf)
{
    if (t->entries)
        memcpy(t->copy + index * pt_entry_bytes(s->owner->v), &leaf->entry, pt_entry_bytes(s->owner->v));
    else
        t->upper = leaf->entry;
}

/* The page at addr is used, as leaf says, with prot on top of what it had. */
static void note_page(Space *s, Table *t, Gva addr, const PtLeaf *leaf, unsigned prot)
{
    unsigned index = index_of(s, addr);
    if (!t->prot[index]) {
        users_add(s->owner, leaf->page, s, addr);
        t->mapped++;
        s->pages++;
    }
    t->frame[index] = leaf->page;
    t->prot[index] = prot;
    remember(s, t, index, leaf);
}

/* Another frame than before: what was mapped goes. */
static void leave_frame(Space *s, Table *t, Gva addr, const PtLeaf *leaf)
{
    unsigned index = index_of(s, addr);
    if (t->prot[index] && t->frame[index] != leaf->page)
        forget(s, t, index, addr, true);
}

static bool map_page(Space *s, Table *t, Gva addr, const PtLeaf *leaf, unsigned prot)
{
    unsigned index = index_of(s, addr);
    leave_frame(s, t, addr, leaf);
    SandboxMap m = sandbox_map(s->sandbox, addr, (uint64_t)leaf->page << PAGE_BITS, PAGE_SIZE, prot);
    if (m != SANDBOX_MAP_OK) {
        check(s, m);
        return false;
    }
    note_page(s, t, addr, leaf, s->split ? prot | (t->prot[index] & SANDBOX_EXEC) : prot);
    s->owner->stats.mapped++;
    return true;
}

/* In a split Space only data permissions are meant, and the copy stays. */
static void protect_page(Space *s, Table *t, Gva addr, unsigned prot)
{
    unsigned index = index_of(s, addr);
    t->prot[index] = s->split ? prot | (t->prot[index] & SANDBOX_EXEC) : prot;
    if (s->sandbox)
        check(s, sandbox_protect(s->sandbox, addr, PAGE_SIZE, prot));
}

static Gva table_start(const Space *s, unsigned slot)
{
    return (Gva)slot << s->table_bits;
}

/* Unmap all that a table maps, and forget the table. */
static void table_drop(Space *s, unsigned slot, bool tell)
{
    Table *t = s->table[slot];
    Gva start = table_start(s, slot);
    unsigned first = 0, last = 0;
    for (unsigned n = 0; t->mapped; n++)
        if (t->prot[n]) {
            if (!last)
                first = n;
            last = n + 1;
            forget(s, t, n, start + ((Gva)n << PAGE_BITS), tell);
        }
    if (tell) /* copies are not among them: they lie where the guest has no user pages */
        unmap_run(s, start + ((Gva)first << PAGE_BITS), last - first);
    g_free(t);
    s->table[slot] = NULL;
    s->tables--;
}

static void drop_all(Space *s, bool tell)
{
    for (unsigned slot = 0; s->tables; slot++)
        if (s->table[slot])
            table_drop(s, slot, tell);
}

static void map_nothing(Space *s)
{
    drop_all(s, false);
    if (s->sandbox)
        check(s, sandbox_unmap(s->sandbox, 0, 1ull << 32));
    s->code_size = 0;
}

/* ---- coherence ---- */

/* Nothing is mapped; from now on things are as they are now. */
static void begin(Space *s)
{
    const Vcpu *v = s->owner->v;
    s->generation = v->tlb_generation;
    s->bus_generation = bus_generation(v->mem);
    s->mode = pt_mode(v);
    s->table_bits = pt_bits(v);
    s->kernel = 0;
    s->code_size = 0;
}

/* An entry that a mapping came from: may the mapping stay? */
static bool entry_still(uint64_t was, uint64_t now, unsigned prot)
{
    uint64_t changed = (was ^ now) & ~(uint64_t)PTE_INDIFFERENT;
    if (changed & PTE_D)
        changed &= (now & PTE_D) || !(prot & SANDBOX_WRITE) ? ~(uint64_t)PTE_D : ~(uint64_t)0;
    return !changed;
}

static void compare_entries(Space *s, Table *t, unsigned slot)
{
    const Vcpu *v = s->owner->v;
    unsigned bytes = pt_entry_bytes(v), count = PAGE_SIZE / bytes, run = 0;
    Gva start = table_start(s, slot);
    s->owner->stats.tables_changed++;
    for (unsigned n = 0; n < count; n++) {
        Gva addr = start + ((Gva)n << PAGE_BITS);
        if (t->prot[n] && !entry_still(pt_entry(v, t->copy, n), pt_entry(v, t->entries, n), t->prot[n])) {
            forget(s, t, n, addr, true);
            run++;
            continue;
        }
        unmap_run(s, addr - ((Gva)run << PAGE_BITS), run);
        run = 0;
    }
    unmap_run(s, start + ((Gva)(count - run) << PAGE_BITS), run);
    memcpy(t->copy, t->entries, sizeof t->copy);
}

static bool upper_still(const Space *s, const Table *t, Gva addr)
{
    const uint8_t *host = pt_upper(s->owner->v, addr);
    if (host != t->upper_host)
        return false;
    uint64_t now = pt_entry(s->owner->v, host, 0), indifferent = PTE_INDIFFERENT;
    if (t->entries)
        indifferent |= PTE_D; /* not a leaf: the bit is ignored */
    return !((now ^ t->upper) & ~indifferent);
}

void space_sync(Space *s)
{
    const Vcpu *v = s->owner->v;
    uint64_t mode = pt_mode(v);
    unsigned bus = bus_generation(v->mem);

    if (s->generation == v->tlb_generation && s->bus_generation == bus && s->mode == mode)
        return;
    s->generation = v->tlb_generation;
    if (s->bus_generation != bus || s->mode != mode) {
        map_nothing(s);
        begin(s);
        return;
    }
    s->owner->stats.synced++;
    unsigned left = s->tables;
    uint64_t pages = s->pages;
    for (unsigned slot = 0; left; slot++) {
        Table *t = s->table[slot];
        if (!t)
            continue;
        left--;
        s->owner->stats.tables_compared++;
        if (!upper_still(s, t, table_start(s, slot)))
            table_drop(s, slot, true);
        else if (t->entries && memcmp(t->copy, t->entries, sizeof t->copy))
            compare_entries(s, t, slot);
    }
    s->renewed = pages >= RENEWED_MIN && !s->pages;
}

/* ---- data ---- */

/* Someone watches a RAM page that the guest may write to: its code is dropped, so that it can be written to freely. */
static void free_from_watches(Spaces *all, uint32_t page)
{
    ram_written(all->v->ram, (uint64_t)page << PAGE_BITS, PAGE_SIZE);
}

static bool is_watched(const Spaces *all, uint32_t page)
{
    return __atomic_load_n(&all->v->ram->watch[page], __ATOMIC_SEQ_CST);
}

/* The neighbours, as far as they were used before: A is set already, no watch is disturbed. */
static void map_around(Space *s, Table *t, Gva addr)
{
    Gva from = addr & ~(Gva)(AROUND * PAGE_SIZE - 1);
    for (unsigned n = 0; n < AROUND && !s->broken; n++) {
        Gva a = from + ((Gva)n << PAGE_BITS);
        PtLeaf leaf;
        if (t->prot[index_of(s, a)] || (s->split && a >= s->kernel) || !leaf_now(s, t, a, &leaf))
            continue;
        bool write = leaf.writable && leaf.dirty && !is_watched(s->owner, leaf.page);
        map_page(s, t, a, &leaf, SANDBOX_READ | (write ? SANDBOX_WRITE : 0));
    }
}

SpaceResult space_map_data(Space *s, Gva addr)
{
    PtLeaf leaf;
    addr &= PAGE_MASK;
    Table *t = table_use(s, addr);
    if (!t || !leaf_now(s, t, addr, &leaf))
        return SPACE_STAYS;
    if (s->split && addr >= s->kernel)
        return SPACE_STAYS; /* copies are there */
    unsigned had = t->prot[index_of(s, addr)] & ~(s->split ? SANDBOX_EXEC : 0);
    bool write = leaf.writable && leaf.dirty;
    if (!had) {
        if (write && is_watched(s->owner, leaf.page))
            write = false; /* it may only be read: no need to disturb anyone yet */
        if (!map_page(s, t, addr, &leaf, SANDBOX_READ | (write ? SANDBOX_WRITE : 0)))
            return SPACE_STAYS;
        map_around(s, t, addr);
        return SPACE_MAPPED;
    }
    if ((had & SANDBOX_WRITE) || !write)
        return SPACE_STAYS;
    /* Mapped, not writable, and the guest's tables would have it so: it is a write. */
    free_from_watches(s->owner, leaf.page);
    if (is_watched(s->owner, leaf.page))
        return SPACE_STAYS; /* by someone who does not give way: every write is interpreted */
    remember(s, t, index_of(s, addr), &leaf);
    protect_page(s, t, addr, SANDBOX_READ | SANDBOX_WRITE);
    return SPACE_MAPPED;
}

/* ---- code ---- */

void code_forget(Spaces *all, uint32_t page, bool split)
{
    for (uint32_t n = all->users[page], next; n; n = next) {
        const PageUser *u = &all->user[n];
        Space *s = u->space;
        Gva addr = (Gva)u->gva << PAGE_BITS;
        Table *t = s->table[addr >> s->table_bits];
        unsigned index = index_of(s, addr);
        next = u->next;
        if (!(t->prot[index] & SANDBOX_EXEC) || s->split != split)
            continue;
        if (!split) {
            protect_page(s, t, addr, SANDBOX_READ);
        } else if (t->prot[index] == SANDBOX_EXEC) {
            forget(s, t, index, addr, true);
        } else {
            view_drop(s, addr, true);
            t->prot[index] &= ~SANDBOX_EXEC;
        }
    }
}

/* What was seen of a page of RAM counts no more, and nobody runs it until it was looked at again. */
static void code_reset(Spaces *all, uint32_t page, CodePage *c)
{
    code_forget(all, page, false);
    code_forget(all, page, true);
    memset(&c->sweep, 0, sizeof c->sweep);
    c->copied = false;
}

static void reset_each(gpointer page, gpointer code, gpointer opaque)
{
    code_reset(opaque, GPOINTER_TO_UINT(page), code);
}

void spaces_set_features(Spaces *all, uint64_t features)
{
    if (G_LIKELY(all->rules.features == features))
        return;
    all->rules.features = features;
    g_hash_table_foreach(all->code, reset_each, all);
}

uint64_t spaces_features(const Spaces *all)
{
    return all->rules.features;
}

static void look_anew(gpointer page, gpointer code, gpointer opaque)
{
    CodePage *c = code;
    if (!c->sweep.refused || c->sweep.bad_row != ROW_RDTSC)
        return;
    code_forget(opaque, GPOINTER_TO_UINT(page), false);
    memset(&c->sweep, 0, sizeof c->sweep);
}

void spaces_let_rdtsc(Spaces *all)
{
    all->rules.rdtsc_faults = true;
    g_hash_table_foreach(all->code, look_anew, all);
}

bool spaces_lets_rdtsc(const Spaces *all)
{
    return all->rules.rdtsc_faults;
}

/* RAM is about to be written to that code was swept in. */
static void code_written(Spaces *all, uint64_t offset, uint64_t len)
{
    uint32_t page = offset >> PAGE_BITS, last = (offset + len - 1) >> PAGE_BITS;
    for (; page <= last; page++) {
        CodePage *c = g_hash_table_lookup(all->code, GUINT_TO_POINTER(page));
        if (!c)
            continue;
        if (c->sweep.code_size || c->copied) {
            code_reset(all, page, c);
            c->writes++;
            all->stats.code_written++;
        }
        ram_unwatch(all->v->ram, (uint64_t)page << PAGE_BITS, PAGE_SIZE, WATCH_NATIVE);
    }
}

static void on_write(void *opaque, uint64_t offset, uint64_t len)
{
    Spaces *all = opaque;
    GThread *runner = g_atomic_pointer_get(&all->thread);
    if (!runner || runner == g_thread_self()) {
        code_written(all, offset, len);
        return;
    }
    LateWrite w = {offset, len};
    g_mutex_lock(&all->lock);
    g_array_append_val(all->late, w);
    g_atomic_int_set(&all->wants_late, 1);
    g_mutex_unlock(&all->lock);
    vcpu_attention(all->v, ATTN_STALE);
    if (all->kick)
        all->kick(all->kick_opaque);
}

void spaces_set_kick(Spaces *all, void (*kick)(void *opaque), void *opaque)
{
    all->kick_opaque = opaque;
    all->kick = kick;
}

bool spaces_wants_late(const Spaces *all)
{
    return g_atomic_int_get(&all->wants_late);
}

void spaces_late(Spaces *all)
{
    if (G_LIKELY(!spaces_wants_late(all)))
        return;
    g_mutex_lock(&all->lock);
    for (unsigned n = 0; n < all->late->len; n++) {
        const LateWrite *w = &g_array_index(all->late, LateWrite, n);
        code_written(all, w->offset, w->len);
    }
    g_array_set_size(all->late, 0);
    g_atomic_int_set(&all->wants_late, 0);
    g_mutex_unlock(&all->lock);
}

/* A page became watched: no sandbox may write to it without a stop. */
static void on_watched(void *opaque, uint64_t page)
{
    Spaces *all = opaque;
    for (uint32_t n = all->users[page]; n; n = all->user[n].next) {
        const PageUser *u = &all->user[n];
        Gva addr = (Gva)u->gva << PAGE_BITS;
        Table *t = u->space->table[addr >> u->space->table_bits];
        if (t->prot[index_of(u->space, addr)] & SANDBOX_WRITE) {
            protect_page(u->space, t, addr, SANDBOX_READ);
            all->stats.revoked++;
        }
    }
}

/* The same in a split Space. */
static SpaceResult map_copy(Space *s, Table *t, CodePage *c, Gva addr, const PtLeaf *leaf, Gva start, unsigned code_size)
{
    if (t->prot[index_of(s, addr)] && t->frame[index_of(s, addr)] != leaf->page)
        unmap_run(s, addr, 1);
    leave_frame(s, t, addr, leaf);
    if (!view_map(s, addr, leaf->page, start, code_size))
        return SPACE_REFUSED;
    c->copied = true;
    note_page(s, t, addr, leaf, t->prot[index_of(s, addr)] | SANDBOX_EXEC);
    s->owner->stats.copied++;
    return SPACE_MAPPED;
}

/* The neighbours, as far as others have had them looked at. */
static void map_code_around(Space *s, Table *t, Gva addr, unsigned code_size)
{
    Spaces *all = s->owner;
    Gva from = addr & ~(Gva)(AROUND * PAGE_SIZE - 1);
    for (unsigned n = 0; n < AROUND && !s->broken; n++) {
        Gva a = from + ((Gva)n << PAGE_BITS);
        PtLeaf leaf;
        if ((t->prot[index_of(s, a)] & (SANDBOX_WRITE | SANDBOX_EXEC)) || !leaf_now(s, t, a, &leaf) || !leaf.exec)
            continue;
        CodePage *c = g_hash_table_lookup(all->code, GUINT_TO_POINTER(leaf.page));
        if (!c || c->sweep.code_size != code_size || c->sweep.refused || c->writes)
            continue;
        /* Watched it is since it was looked at, or nothing would be known of it. */
        if (code_sweep(s, c, a, &leaf, PAGE_SIZE, code_size))
            all->stats.code_mapped += map_page(s, t, a, &leaf, SANDBOX_READ | SANDBOX_EXEC);
        else if (c->sweep.refused)
            code_forget(all, leaf.page, false);
    }
}

SpaceResult space_map_code(Space *s, Gva start, Gva addr, unsigned code_size)
{
    Spaces *all = s->owner;
    PtLeaf leaf;
    Table *t = table_use(s, addr);
    if (!t || !leaf_now(s, t, addr, &leaf) || !leaf.exec || (t->prot[index_of(s, addr)] & SANDBOX_EXEC))
        return SPACE_STAYS;
    CodePage *c = code_page(all, leaf.page);
    if (code_restless(c))
        return SPACE_REFUSED;
    /* Watched before it is looked at: from now on nobody writes to it unseen. */
    ram_watch(all->v->ram, (uint64_t)leaf.page << PAGE_BITS, PAGE_SIZE, WATCH_NATIVE);
    unsigned offset = (start & PAGE_MASK) == (addr & PAGE_MASK) ? start & ~PAGE_MASK : PAGE_SIZE;
    addr &= PAGE_MASK;
    if (s->split)
        return map_copy(s, t, c, addr, &leaf, start, code_size);
    if (!code_sweep(s, c, addr, &leaf, offset, code_size)) {
        if (c->sweep.refused)
            code_forget(all, leaf.page, false); /* others may have it, from before this was seen of it */
        all->stats.sweep_refused++;
        return SPACE_REFUSED;
    }
    if (!map_page(s, t, addr, &leaf, SANDBOX_READ | SANDBOX_EXEC))
        return SPACE_STAYS;
    all->stats.code_mapped++;
    map_code_around(s, t, addr, code_size);
    return SPACE_MAPPED;
}

bool space_has_code(const Space *s, Gva addr)
{
    const Table *t = s->table[addr >> s->table_bits];
    return t && (t->prot[index_of(s, addr)] & SANDBOX_EXEC);
}

void space_saw(Space *s, Gva addr, unsigned code_size)
{
    if (s->split)
        view_saw(s, addr);
    else
        code_saw(s, addr, code_size);
}

unsigned space_refusal(Space *s, Gva addr)
{
    PtLeaf leaf;
    Table *t = table_use(s, addr);
    if (!t || !leaf_now(s, t, addr, &leaf))
        return ROW_INVALID;
    const CodePage *c = g_hash_table_lookup(s->owner->code, GUINT_TO_POINTER(leaf.page));
    return c && c->sweep.refused ? c->sweep.bad_row : ROW_INVALID;
}

/* ---- split or not ---- */

/* Has a table a user page? */
static bool table_has_user(const Space *s, const uint8_t *entries)
{
    const Vcpu *v = s->owner->v;
    for (unsigned n = 0; n < PAGE_SIZE / pt_entry_bytes(v); n++)
        if ((pt_entry(v, entries, n) & (PTE_P | PTE_U)) == (PTE_P | PTE_U))
            return true;
    return false;
}

bool space_kernel(const Space *s, Gva *kernel)
{
    const Vcpu *v = s->owner->v;
    *kernel = 0;
    for (unsigned slot = 1u << (32 - s->table_bits); slot-- > 0;) {
        Gva addr = table_start(s, slot);
        const uint8_t *host = pt_upper(v, addr);
        uint64_t upper = host ? pt_entry(v, host, 0) : 0;
        if (!(upper & PTE_P))
            continue;
        if (upper & PTE_U) { /* Linux sets it for its own tables as well */
            const uint8_t *entries = pt_is_large(v, upper) ? NULL : pt_ram(v, upper & PHYS_MASK & PAGE_MASK, NULL);
            if (!entries || table_has_user(s, entries))
                break;
        }
        *kernel = addr;
    }
    return *kernel != 0;
}

void space_set_split(Space *s, bool split)
{
    map_nothing(s);
    s->split = split;
    s->kernel = 0;
    if (s->sandbox)
        sandbox_set_split(s->sandbox, NULL);
}

bool space_aim(Space *s, Gva addr, unsigned code_size)
{
    Window w;
    if (s->code_size != code_size && s->code_size)
        map_nothing(s); /* what was looked at as 32-bit code means something else as 16-bit code */
    s->code_size = code_size;
    if (!s->split)
        return true;
    if ((!s->kernel && !views_place(s)) || !views_window(s, addr, &w))
        return false;
    s->aim = w.base;
    SandboxSplit split = {.base = w.base, .code_last = w.end - 1, .data_last = s->kernel - 1};
    sandbox_set_split(s->sandbox, &split);
    return true;
}

bool space_aimed(const Space *s, Gva addr)
{
    Window w;
    return !s->split || (views_window(s, addr, &w) && w.base == s->aim);
}

bool space_is_fetch(const Space *s, Gva eip, Gva addr, Gva *fetched)
{
    Window w;
    *fetched = addr;
    if (s->split) {
        if (!views_window(s, eip, &w))
            return false;
        *fetched = (uint32_t)(addr - w.base);
    }
    return *fetched - eip < SWEEP_INSN_MAX && (*fetched == eip || !(*fetched & ~PAGE_MASK));
}

/* ---- spaces ---- */

void space_attach(Space *s, Sandbox *sandbox)
{
    space_detach(s);
    s->sandbox = sandbox;
    begin(s);
}

void space_detach(Space *s)
{
    drop_all(s, false);
    s->sandbox = NULL;
    s->broken = false;
}

static void space_free(void *opaque)
{
    Space *s = opaque;
    space_detach(s);
    g_hash_table_unref(s->view);
    g_free(s->table);
    g_free(s->policy);
    g_free(s);
}

Space *spaces_get(Spaces *all, uint64_t cr3)
{
    Space *s = g_hash_table_lookup(all->spaces, GUINT_TO_POINTER(cr3 >> 5));
    if (s)
        return s;
    if (g_hash_table_size(all->spaces) >= SPACES_MAX) {
        GHashTableIter i;
        void *value;
        g_hash_table_iter_init(&i, all->spaces);
        while (g_hash_table_iter_next(&i, NULL, &value))
            if (!((Space *)value)->sandbox) {
                g_hash_table_iter_remove(&i);
                break; /* in the order of hashing: as good as any */
            }
    }
    s = g_new0(Space, 1);
    s->owner = all;
    s->cr3 = cr3;
    s->faulted = SPACE_NOWHERE;
    s->table = g_new0(Table *, TABLES_MAX);
    s->view = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_hash_table_insert(all->spaces, GUINT_TO_POINTER(cr3 >> 5), s);
    return s;
}

void spaces_foreach(Spaces *all, void (*fn)(Space *s, void *opaque), void *opaque)
{
    GHashTableIter i;
    void *value;
    g_hash_table_iter_init(&i, all->spaces);
    while (g_hash_table_iter_next(&i, NULL, &value))
        fn(value, opaque);
}

const SpacesStats *spaces_stats(const Spaces *all)
{
    return &all->stats;
}

Spaces *spaces_new(Vcpu *v, const SweepRules *rules, ViewPool *views)
{
    Spaces *all = g_new0(Spaces, 1);
    all->v = v;
    all->views = views;
    all->rules = *rules;
    all->spaces = g_hash_table_new_full(NULL, NULL, NULL, space_free);
    all->code = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    all->users = g_new0(uint32_t, v->ram->size >> PAGE_BITS);
    all->late = g_array_new(FALSE, FALSE, sizeof(LateWrite));
    g_mutex_init(&all->lock);
    g_atomic_pointer_set(&all->thread, g_thread_self());
    ram_set_watcher(v->ram, WATCH_NATIVE, on_write, all);
    ram_add_mapper(v->ram, on_watched, all);
    return all;
}

void spaces_free(Spaces *all)
{
    if (!all)
        return;
    ram_remove_mapper(all->v->ram, all);
    ram_unwatch(all->v->ram, 0, all->v->ram->size, WATCH_NATIVE);
    ram_set_watcher(all->v->ram, WATCH_NATIVE, NULL, NULL);
    g_hash_table_unref(all->spaces);
    g_hash_table_unref(all->code);
    g_free(all->users);
    g_free(all->user);
    g_array_unref(all->late);
    g_mutex_clear(&all->lock);
    g_free(all);
}

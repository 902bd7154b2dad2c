/*
 * The interpreter as an engine, and the others, in the same world.
 *
 * A minimal protected-mode world: PAE page tables that give the case's pages the permissions they have on the host, a GDT
 * as Linux has it, the LDT, a TSS, and an IDT whose handlers are one HLT per vector. So a case's exception is delivered
 * for good, and what is compared is what a guest's handler would see: the frame on the supervisor stack.
 */
#include <string.h>

#include <glib.h>

#include "cpu/cpu.h"
#include "decision/direct_state.h"
#include "decision/space_state.h"
#include "diff/engine.h"
#include "tcache/tcache.h"

/* Linear addresses of the supervisor's pages, off the beaten track. */
enum {
    SYS = 0xc3a51000u,
    SYS_GDT = SYS,
    SYS_IDT = SYS + 0x800,
    SYS_LDT = SYS + 0x1000,
    SYS_TSS = SYS + 0x1800,
    SYS_STACK = SYS + 0x3000, /* grows down into the third page */
    SYS_HANDLERS = SYS + 0x3000,
    SYS_PAGES = 4,
};
/* Physical */
enum { PHYS_PDPT = 0x1000, PHYS_PD = 0x2000, PHYS_PT = 0x6000, PHYS_SYS = 0x10000, PHYS_PAGES = 0x20000, PHYS_SIZE = 0x100000 };

typedef struct InterpEngine {
    DiffEngine e;
    Vcpu *v;
    Bus *mem, *io;
    Ram *ram;
    unsigned tables; /* page tables in use */
    Seg ldt[DIFF_LDT], flat_code, flat_data, null, kernel_code, kernel_stack;
    bool loadable[DIFF_LDT];
    Direct *direct;
    uint8_t before[DIFF_PAGES][0x1000]; /* direct: the pages before the case */
} InterpEngine;

static InterpEngine *self(DiffEngine *e)
{
    return (InterpEngine *)e;
}

static uint64_t *phys64(InterpEngine *t, uint64_t addr)
{
    return (uint64_t *)(t->ram->host + addr);
}

static void map(InterpEngine *t, uint32_t lin, uint32_t phys, uint64_t flags)
{
    uint64_t *pde = phys64(t, PHYS_PD + (lin >> 21) * 8); /* the four page directories lie in a row */
    if (!*pde)
        *pde = (PHYS_PT + t->tables++ * 0x1000) | PTE_P | PTE_W | PTE_U;
    phys64(t, *pde & ~0xfffull)[lin >> 12 & 511] = phys | flags;
}

static uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t attr)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(attr & 0xff) << 40
           | (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(attr >> 8 & 0xf0) << 48 | (uint64_t)(base >> 24) << 56;
}

static uint32_t ldt_attr(const DiffSeg *s)
{
    return SEG_A | (s->read_only ? 0 : SEG_W) | (s->down ? SEG_E : 0) | (s->code ? SEG_CODE : 0) | SEG_S | SEG_DPL
           | (s->absent ? 0 : SEG_P) | (s->big ? SEG_DB : 0) | (s->pages ? SEG_G : 0);
}

static Seg code_seg(Vcpu *v, uint16_t sel, uint32_t base, uint32_t limit, uint32_t attr)
{
    Seg *s = &v->seg[S_CS];
    *s = (Seg){ .base = base, .limit = limit, .sel = sel, .attr = attr };
    seg_derive(v, S_CS);
    return *s;
}

static void build_tables(InterpEngine *t)
{
    static const uint64_t gdt[16] = {
        [1] = 0x00cf9b000000ffff, [2] = 0x00af9b000000ffff, [3] = 0x00cf93000000ffff, /* kernel: code 32, code 64, data */
        [4] = 0x00cffb000000ffff, [5] = 0x00cff3000000ffff, [6] = 0x00affb000000ffff, /* user: code 32, data, code 64 */
        [8] = 0x0000890000000067, [10] = 0x0000820000000000,
        [15] = 0x0040f50000000000, /* user: read-only data below, the limit tells CPU and node (0 here): vgetcpu's */
    };
    for (unsigned i = 0; i < 4; i++)
        *phys64(t, PHYS_PDPT + i * 8) = (PHYS_PD + i * 0x1000) | PTE_P;
    for (int i = 0; i < DIFF_PAGES; i++)
        map(t, diff_pages[i].addr, PHYS_PAGES + i * 0x1000,
            PTE_P | PTE_U | (diff_pages[i].perm & DIFF_W ? PTE_W : 0) | (diff_pages[i].perm & DIFF_X ? 0 : PTE_NX));
    for (unsigned i = 0; i < SYS_PAGES; i++)
        map(t, SYS + i * 0x1000, PHYS_SYS + i * 0x1000, PTE_P | PTE_W);
    g_assert(t->tables <= 10);

    memcpy(phys64(t, PHYS_SYS), gdt, sizeof gdt);
    uint64_t *idt = phys64(t, PHYS_SYS + (SYS_IDT - SYS)), *ldt = phys64(t, PHYS_SYS + (SYS_LDT - SYS));
    for (unsigned i = 0; i < 256; i++) {
        uint32_t handler = SYS_HANDLERS + i;
        unsigned dpl = i == VEC_BP || i == VEC_OF ? 3 : 0; /* as Linux has it */
        idt[i] = (handler & 0xffff) | 8 << 16 | (uint64_t)(0x8e | dpl << 5) << 40 | (uint64_t)(handler >> 16) << 48;
    }
    for (int i = 0; i < DIFF_LDT; i++)
        ldt[i] = i == LDT_EMPTY ? 0 : descriptor(diff_ldt[i].base, diff_ldt[i].limit, ldt_attr(&diff_ldt[i]));
    uint32_t *tss = (uint32_t *)phys64(t, PHYS_SYS + (SYS_TSS - SYS));
    tss[1] = SYS_STACK;
    tss[2] = 0x18;
    tss[25] = 0x68u << 16; /* no I/O bitmap */
    memset(phys64(t, PHYS_SYS + (SYS_HANDLERS - SYS)), 0xf4, 4096);
}

static void build_cpu(InterpEngine *t)
{
    Vcpu *v = t->v;

    v->gdtr = (TableReg){ SYS_GDT, DIFF_GDT_LIMIT };
    v->idtr = (TableReg){ SYS_IDT, 256 * 8 - 1 };
    v->ldtr = (Seg){ .base = SYS_LDT, .limit = DIFF_LDT * 8 - 1, .sel = 0x50, .attr = SEG_P | 2 };
    v->tr = (Seg){ .base = SYS_TSS, .limit = 0x67, .sel = 0x40, .attr = SEG_P | 0xb };
    v->cr0 = CR0_PE | CR0_PG | CR0_WP | CR0_AM | CR0_NE | CR0_ET | CR0_MP;
    v->cr3 = PHYS_PDPT;
    v->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    v->efer = EFER_NXE;
    g_assert_true(mmu_load_pdptes(v, v->cr0, v->cr3, v->cr4));
    v->flags = FL_1;
    tlb_flush_all(v);

    /* Loaded segments, once: copied into place for every case. */
    cpu_set_cpl(v, 3);
    seg_load(v, S_DS, 0);
    t->null = v->seg[S_DS];
    seg_load(v, S_DS, DIFF_DS32);
    t->flat_data = v->seg[S_DS];
    t->flat_code = code_seg(v, DIFF_CS32, 0, 0xffffffff, 0xc0fb);
    for (int i = 0; i < DIFF_LDT; i++) {
        const DiffSeg *s = &diff_ldt[i];
        uint16_t sel = DIFF_LDT_SEL(i);
        if (s->absent)
            continue;
        if (s->code) {
            t->ldt[i] = code_seg(v, sel, s->base, s->pages ? s->limit << 12 | 0xfff : s->limit, ldt_attr(s));
        } else {
            seg_load(v, S_DS, sel);
            t->ldt[i] = v->seg[S_DS];
        }
    }
}

static const Seg *seg_of(InterpEngine *t, uint16_t sel)
{
    if (sel & 4)
        return &t->ldt[sel >> 3];
    return sel == DIFF_DS32 ? &t->flat_data : sel == DIFF_CS32 ? &t->flat_code : &t->null;
}

static const uint8_t order[6] = { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS };

static void set_state(InterpEngine *t, const DiffCase *c)
{
    Vcpu *v = t->v;

    for (int i = 0; i < 8; i++)
        v->gpr[i].q = c->gpr[i];
    v->rip = v->insn_rip = c->eip;
    for (int i = 0; i < 6; i++)
        v->seg[order[i]] = *seg_of(t, c->sel[i]);
    eflags_set_raw(v, c->eflags);
    cpu_set_cpl(v, 3);
    seg_derive(v, S_SS);
    seg_derive(v, S_CS);
    mmu_update_idx(v);
    fpu_from_fxsave(v, c->fx.b);
    v->halted = v->shutdown = false;
    v->shadow = 0;
    v->dr[6] = 0xffff0ff0;
    v->delivering = -1;
    if (c->eflags & FL_TF)
        vcpu_attention(v, ATTN_STEP);
}

/* Code is written for every case: no reason to leave it to the translator. */
static void forget_writes(gpointer page, gpointer code, gpointer opaque)
{
    ((CodePage *)code)->writes = 0;
}

/* What the case did to memory in the interpreter is undone. */
static void undo(InterpEngine *t)
{
    for (int i = 0; i < DIFF_PAGES; i++) {
        uint8_t *page = t->ram->host + PHYS_PAGES + i * 0x1000;
        if (memcmp(page, t->before[i], 0x1000)) {
            ram_written(t->ram, PHYS_PAGES + i * 0x1000, 0x1000);
            memcpy(page, t->before[i], 0x1000);
        }
    }
}

/* First by the interpreter where it is not plain that the case ends. */
static Exit run_directly(InterpEngine *t, const DiffCase *c, unsigned max_insns)
{
    if (!c->straight || max_insns < DIFF_INSNS) {
        memcpy(t->before, t->ram->host + PHYS_PAGES, sizeof t->before);
        Exit why = interp_run(t->v, max_insns);
        if (why != EXIT_HALT)
            return why;
        undo(t);
        set_state(t, c);
    }
    if (t->direct->spaces)
        g_hash_table_foreach(t->direct->spaces->code, forget_writes, NULL);
    return direct_run(t->direct);
}

static void interp_engine_run(DiffEngine *e, const DiffCase *c, unsigned max_insns, DiffResult *r)
{
    InterpEngine *t = self(e);
    Vcpu *v = t->v;

    set_state(t, c);
    Exit why = t->direct ? run_directly(t, c, max_insns) : v->tcache ? tcache_run(v, max_insns) : interp_run(v, max_insns);

    memset(r, 0, sizeof *r);
    fpu_to_fxsave(v, r->fx.b);
    r->fx.fcs = r->fx.fds = 0;
    if (why != EXIT_HALT || v->cpl != 0) {
        for (int i = 0; i < 8; i++)
            r->gpr[i] = v->gpr[i].d;
        for (int i = 0; i < 6; i++)
            r->sel[i] = v->seg[order[i]].sel;
        r->eip = v->rip;
        r->eflags = eflags_get(v);
        r->vector = why == EXIT_BUDGET ? DIFF_END_HUNG : DIFF_END_LOST;
        return;
    }
    const uint32_t *frame = (uint32_t *)(t->ram->host + PHYS_SYS + (v->gpr[R_SP].d - SYS));
    r->vector = (int)(v->rip - SYS_HANDLERS) - 1;
    if (v->gpr[R_SP].d == SYS_STACK - 24)
        r->error = *frame++;
    for (int i = 0; i < 8; i++)
        r->gpr[i] = v->gpr[i].d;
    r->eip = frame[0];
    r->eflags = frame[2];
    r->gpr[R_SP] = frame[3];
    for (int i = 0; i < 6; i++)
        r->sel[i] = v->seg[order[i]].sel;
    r->sel[1] = frame[1];
    r->sel[2] = frame[4];
    r->cr2 = r->vector == VEC_PF ? (uint32_t)v->cr2 : 0;
}

static uint8_t *interp_engine_page(DiffEngine *e, int page)
{
    return self(e)->ram->host + PHYS_PAGES + page * 0x1000;
}

static void interp_engine_touched(DiffEngine *e, int page, unsigned offset, unsigned len)
{
    ram_written(self(e)->ram, PHYS_PAGES + page * 0x1000 + offset, len);
}

static void interp_engine_free(DiffEngine *e)
{
    InterpEngine *t = self(e);
    direct_free(t->direct);
    tcache_free(t->v->tcache);
    vcpu_free(t->v);
    bus_free(t->mem);
    bus_free(t->io);
    ram_free(t->ram);
    g_free(t);
}

DiffEngine *diff_engine_interp(const char *model)
{
    const CpuModel *m = cpu_model_find(model);
    if (!m)
        return NULL;
    InterpEngine *t = g_new0(InterpEngine, 1);
    t->e = (DiffEngine){ .name = "interpreter", .features = m->features, .page = interp_engine_page,
                         .touched = interp_engine_touched, .run = interp_engine_run, .free = interp_engine_free,
                         .reserved = SYS, .reserved_len = SYS_PAGES * 0x1000 };
    t->mem = bus_new("memory", 1ull << 36, NULL);
    t->io = bus_new("io", 0x10000, NULL);
    t->ram = ram_new(PHYS_SIZE, NULL);
    g_assert_nonnull(t->ram);
    bus_add_ram(t->mem, "ram", 0, PHYS_SIZE, t->ram->host, 0, 0);
    t->v = vcpu_new(m, t->mem, t->io, t->ram);
    build_tables(t);
    build_cpu(t);
    return &t->e;
}

DiffEngine *diff_engine_translate(const char *model)
{
    DiffEngine *e = diff_engine_interp(model);
    if (!e)
        return NULL;
    e->name = "translator";
    if (!tcache_new(self(e)->v, 16 << 20, NULL)) {
        e->free(e);
        return NULL;
    }
    return e;
}

DiffEngine *diff_engine_windowed(const char *model, unsigned budget)
{
    DiffEngine *e = diff_engine_translate(model);
    if (!e)
        return NULL;
    e->name = "translator with shadow windows";
    if (!tcache_set_window(self(e)->v->tcache, TCACHE_WINDOW_ALL, budget, NULL)) {
        e->free(e);
        return NULL;
    }
    return e;
}

/* A flat view is of a page as it is, and one instruction that must not run keeps all of it out. */
enum { GROUP_RUNS, GROUP_REFUSED };

static unsigned flat_group(DiffEngine *e, const DiffCase *c)
{
    const SweepRules *rules = &self(e)->direct->spaces->rules;
    uint8_t bytes[DIFF_CODE_MAX + SWEEP_INSN_MAX];
    memset(bytes, 0xf4, sizeof bytes);
    memcpy(bytes, c->code, c->code_len);
    for (unsigned k = 0; k < c->code_len;) {
        InsnPeek p;
        Look found = sweep_look(rules, bytes + k, SWEEP_INSN_MAX, c->code_size, &p);
        if (found != LOOK_OK && found != LOOK_TRAPS)
            return GROUP_REFUSED;
        k += found == LOOK_OK ? p.len : 1;
    }
    return GROUP_RUNS;
}

DiffEngine *diff_engine_direct(const char *model, bool split)
{
    DiffEngine *e = diff_engine_translate(model);
    if (!e)
        return NULL;
    e->name = split ? "split views" : "direct execution";
    self(e)->direct = direct_new(self(e)->v, split ? DIRECT_STRICT : DIRECT_ON, NULL);
    self(e)->direct->forced = true;
    e->on_host = true;
    e->group = split ? NULL : flat_group;
    if (!direct_try(self(e)->direct)) {
        e->free(e);
        return NULL;
    }
    return e;
}

void diff_engine_direct_print(const DiffEngine *e, GString *out)
{
    const DirectStats *d = &self((DiffEngine *)e)->direct->stats;
    uint64_t stops = 0;
    for (int i = 0; i < SANDBOX_EXIT_COUNT; i++)
        stops += d->exits[i];
    g_string_append_printf(out, "# stays in a sandbox: %" G_GUINT64_FORMAT ", stops: %" G_GUINT64_FORMAT ", of them instructions left"
                           " out of copies: %" G_GUINT64_FORMAT "; instructions interpreted: %" G_GUINT64_FORMAT
                           "; through refused pages: %" G_GUINT64_FORMAT "; mapped: %" G_GUINT64_FORMAT " data, %"
                           G_GUINT64_FORMAT " code\n", d->stays, stops, d->left_out, d->interpreted, d->excursions, d->mapped,
                           d->code);
}

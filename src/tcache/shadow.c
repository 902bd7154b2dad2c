/*
 * Shadow mode. See shadow.h.
 *
 * The block runs translated, on the machine itself, while a log (softmmu/storelog.h) notes every store, TLB fill and answer of
 * a device. Then the stores are undone, registers put back, and the interpreter runs as many instructions as the block
 * did, its device reads answered from the log. Registers, the exception if there is one, outputs and every byte that either
 * stored must be the same. Another thread may have written to memory in between (DMA), so what differs is tried
 * again, twice, before it counts: its effect is in memory by then.
 */
#include "tcache/shadow.h"

#include "frontend/codecache.h"
#include "softmmu/storelog.h"
#include "tcache/fplive.h"
#include "tcache/listing.h"

#define ATTEMPTS 3

/* The architectural state: Vcpu up to the TLB. */
#define STATE_BYTES offsetof(Vcpu, tlb)

typedef struct State {
    uint8_t bytes[STATE_BYTES] __attribute__((aligned(16)));
    uint64_t event_count;
    bool faulted;
    Fault fault;
    uint64_t fault_rip;
} State;

struct Shadow {
    TCache *c;
    StoreLog *log;
    void (*difference)(void *opaque, const char *report);
    void *opaque;
    State before, translated, interpreted;
    uint64_t blocks;
};

typedef struct Field {
    const char *name;
    size_t offset, size;
} Field;

#define FIELD(name, member) {name, offsetof(Vcpu, member), sizeof(((Vcpu *)NULL)->member)}
#define SEG_FIELDS(name, s)                                                                                            \
    FIELD(name, s.sel), FIELD(name ".base", s.base), FIELD(name ".limit", s.limit), FIELD(name ".attr", s.attr),       \
        FIELD(name ".null", s.null), FIELD(name ".read_max", s.read_max), FIELD(name ".write_max", s.write_max)

static const Field fields[] = {
    FIELD("eax", gpr[R_AX]), FIELD("ecx", gpr[R_CX]), FIELD("edx", gpr[R_DX]), FIELD("ebx", gpr[R_BX]),
    FIELD("esp", gpr[R_SP]), FIELD("ebp", gpr[R_BP]), FIELD("esi", gpr[R_SI]), FIELD("edi", gpr[R_DI]),
    FIELD("eip", rip), FIELD("arithmetic flags (as lahf:of)", cc), FIELD("other flags", flags),
    FIELD("cpl", cpl), FIELD("mmu index", mmu_idx), FIELD("shadow", shadow), FIELD("halted", halted),
    FIELD("nmi blocked", nmi_blocked), FIELD("shutdown", shutdown), FIELD("sp mask", sp_mask), FIELD("lin mask", lin_mask),
    SEG_FIELDS("es", seg[S_ES]), SEG_FIELDS("cs", seg[S_CS]), SEG_FIELDS("ss", seg[S_SS]), SEG_FIELDS("ds", seg[S_DS]),
    SEG_FIELDS("fs", seg[S_FS]), SEG_FIELDS("gs", seg[S_GS]), SEG_FIELDS("ldtr", ldtr), SEG_FIELDS("tr", tr),
    FIELD("gdtr.base", gdtr.base), FIELD("gdtr.limit", gdtr.limit), FIELD("idtr.base", idtr.base), FIELD("idtr.limit", idtr.limit),
    FIELD("cr0", cr0), FIELD("cr2", cr2), FIELD("cr3", cr3), FIELD("cr4", cr4), FIELD("efer", efer), FIELD("pdptes", pdpte),
    FIELD("debug registers", dr),
    FIELD("x87 control word", fpu.cw), FIELD("x87 status word", fpu.sw), FIELD("x87 top", fpu.top), FIELD("x87 tags", fpu.full),
    FIELD("fop", fpu.fop), FIELD("fip", fpu.fip), FIELD("fdp", fpu.fdp), FIELD("fcs", fpu.fcs), FIELD("fds", fpu.fds),
    FIELD("physical x87 registers", fpu.reg), FIELD("mxcsr", fpu.mxcsr), FIELD("xmm registers", fpu.xmm),
    FIELD("sysenter_cs", msr.sysenter_cs), FIELD("sysenter_esp", msr.sysenter_esp), FIELD("sysenter_eip", msr.sysenter_eip),
};

Shadow *shadow_new(TCache *c, void (*difference)(void *opaque, const char *report), void *opaque)
{
    Shadow *s = g_new0(Shadow, 1);
    s->c = c;
    s->log = storelog_new();
    s->difference = difference;
    s->opaque = opaque;
    c->v->log = s->log;
    codecache_bound(c->v->code, SIZE_MAX); /* here the interpreter runs everything */
    return s;
}

void shadow_free(Shadow *s)
{
    if (!s)
        return;
    s->c->v->log = NULL;
    tlb_flush_all(s->c->v); /* no entry with a tag is left */
    storelog_free(s->log);
    g_free(s);
}

uint64_t shadow_blocks(const Shadow *s)
{
    return s->blocks;
}

static void state_get(const Vcpu *v, State *st)
{
    memcpy(st->bytes, v, STATE_BYTES);
    Vcpu *copy = (Vcpu *)st->bytes;
    copy->insn_rip = 0; /* no state of the guest's */
    copy->attention = 0;
    st->event_count = v->event_count;
    st->faulted = false;
}

static void state_put(Vcpu *v, const State *st)
{
    size_t at = offsetof(Vcpu, attention), behind = at + sizeof v->attention;
    memcpy(v, st->bytes, at); /* what asks for attention meanwhile is not undone */
    memcpy((uint8_t *)v + behind, st->bytes + behind, STATE_BYTES - behind);
    v->event_count = st->event_count;
}

/* Call run; note its outcome in st, its instructions in *insns. */
static void attempt(Shadow *s, void (*run)(Shadow *s, const TransBlock *b, uint64_t count), const TransBlock *b, uint64_t count,
                    State *st)
{
    Vcpu *v = s->c->v;
    jmp_buf catch_point;
    jmp_buf *outer = v->catch_point;

    v->catch_point = &catch_point;
    v->site = NULL;
    if (_setjmp(catch_point)) {
        if (v->site) {
            v->insns += ((Site *)v->site)->index;
            v->site = NULL;
        }
        fplive_settle(v);
        state_get(v, st);
        st->faulted = true;
        st->fault = v->fault;
        st->fault_rip = v->insn_rip;
    } else {
        run(s, b, count);
        fplive_settle(v);
        state_get(v, st);
    }
    v->catch_point = outer;
}

static void run_translated(Shadow *s, const TransBlock *b, uint64_t count)
{
    Vcpu *v = s->c->v;
    uint64_t left = s->c->enter(v, block_code(s->c, b));
    if (left == LEFT_SITE) {
        v->insns += ((Site *)v->site)->index + 1;
    } else if (left > LEFT_SECOND) {
        v->rip = ((Edge *)left)->target;
        s->c->plain_next = ((Edge *)left)->plain;
    }
    v->site = NULL;
}

static void run_interpreted(Shadow *s, const TransBlock *b, uint64_t count)
{
    interp_insns(s->c->v, count);
}

static bool field_differs(const Field *f, const State *a, const State *b)
{
    return memcmp(a->bytes + f->offset, b->bytes + f->offset, f->size) != 0;
}

static void append_bytes(GString *out, const uint8_t *bytes, size_t n)
{
    for (size_t k = n; k-- > 0;)
        g_string_append_printf(out, "%02x", bytes[k]);
}

/* In words what differs, NULL when nothing does. Both runs are over, their stores finished, memory as the second left it. */
static char *compare(Shadow *s)
{
    const State *t = &s->translated, *i = &s->interpreted;
    g_autoptr(GString) out = g_string_new(NULL);
    const uint8_t *want;

    if (storelog_input_error(s->log))
        g_string_append_printf(out, "interpreted: %s\n", storelog_input_error(s->log));
    if (memcmp(t->bytes, i->bytes, STATE_BYTES))
        for (unsigned n = 0; n < G_N_ELEMENTS(fields); n++)
            if (field_differs(&fields[n], t, i)) {
                g_string_append_printf(out, "%s: translated ", fields[n].name);
                append_bytes(out, t->bytes + fields[n].offset, fields[n].size);
                g_string_append(out, ", interpreted ");
                append_bytes(out, i->bytes + fields[n].offset, fields[n].size);
                g_string_append_c(out, '\n');
            }
    if (t->faulted != i->faulted)
        g_string_append_printf(out, "exception: translated %s, interpreted %s\n", t->faulted ? "raised" : "none", i->faulted ? "raised" : "none");
    else if (t->faulted && (t->fault.vector != i->fault.vector || t->fault.has_error != i->fault.has_error ||
             t->fault.error != i->fault.error || (t->fault.vector == VEC_PF && t->fault.cr2 != i->fault.cr2) || t->fault_rip != i->fault_rip))
        g_string_append_printf(out, "exception: translated %d (error %x, cr2 %" G_GINT64_MODIFIER "x) at %" G_GINT64_MODIFIER
                               "x, interpreted %d (error %x, cr2 %" G_GINT64_MODIFIER "x) at %" G_GINT64_MODIFIER "x\n",
                               t->fault.vector, t->fault.error, t->fault.cr2, t->fault_rip,
                               i->fault.vector, i->fault.error, i->fault.cr2, i->fault_rip);
    const StoreEntry *e = storelog_differs(s->log, 0, &want);
    const char *who[2] = {"translated", "interpreted"};
    if (!e) { /* and what only the interpreter stored */
        storelog_undo(s->log, 1);
        storelog_redo(s->log, 0);
        e = storelog_differs(s->log, 1, &want);
        who[0] = "interpreted", who[1] = "translated";
        if (!e) { /* what the interpreter's walks set stays, as its TLB entries do */
            storelog_undo(s->log, 0);
            storelog_redo(s->log, 1);
        }
    }
    if (e) {
        const Ram *ram = s->c->v->ram;
        g_string_append_printf(out, "memory, RAM offset %#" G_GINT64_MODIFIER "x, %u bytes: %s ", (uint64_t)(e->at - ram->host),
                               (unsigned)e->size, who[0]);
        append_bytes(out, want, e->size);
        g_string_append_printf(out, ", %s ", who[1]);
        append_bytes(out, e->at, e->size);
        g_string_append_c(out, '\n');
    }
    return out->len ? g_strdup(out->str) : NULL;
}

static void report(Shadow *s, const TransBlock *b, const char *what)
{
    const Vcpu *before = (const Vcpu *)s->before.bytes;
    const Mode *m = &s->c->modes[b->mode];
    g_autoptr(GString) out = g_string_new("shadow mode: a block does not do what the interpreter does\n");

    g_string_append_printf(out, "block number %" G_GUINT64_FORMAT " run, at cs:eip %04x:%08x (cs base %08x, mode bits %x), %u instructions\n",
                           s->blocks, before->seg[S_CS].sel, b->eip, m->cs_base, m->bits, b->count);
    static const char *const names[8] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    g_string_append(out, "before:");
    for (int n = 0; n < 8; n++)
        g_string_append_printf(out, " %s %08x", names[n], before->gpr[n].d);
    g_string_append_printf(out, " eflags %08x\n", eflags_get(before));
    g_string_append_printf(out, "%sguest code:\n", what);
    listing_guest(s->c, b, out);
    g_string_append(out, "host code:\n");
    listing_host(s->c, b, out);
    s->difference(s->opaque, out->str);
}

bool shadow_run(Shadow *s, const TransBlock *b)
{
    Vcpu *v = s->c->v;
    g_autofree char *what = NULL;

    s->blocks++;
    fplive_settle(v);
    state_get(v, &s->before);
    uint64_t insns = v->insns, done = 0;
    TransBlock copy = *b; /* a store may kill it */
    for (int n = 0; n < ATTEMPTS; n++) {
        g_clear_pointer(&what, g_free);
        storelog_begin(s->log, 0, n == 0);
        attempt(s, run_translated, &copy, 0, &s->translated);
        done = v->insns - insns;
        storelog_finish(s->log, 0);
        storelog_undo(s->log, 0);
        storelog_undo_tlb(s->log, 0);
        state_put(v, &s->before);
        v->insns = insns;

        storelog_begin(s->log, 1, false);
        attempt(s, run_interpreted, &copy, done + s->translated.faulted, &s->interpreted);
        storelog_finish(s->log, 1);
        what = compare(s);
        if (G_LIKELY(!what))
            break;
        storelog_undo(s->log, 0);
        storelog_undo(s->log, 1);
        storelog_undo_tlb(s->log, 1);
        state_put(v, &s->before);
        v->insns = insns;
    }
    storelog_rest(s->log);
    v->insns = insns + done;
    if (G_UNLIKELY(what)) {
        report(s, &copy, what);
        return false;
    }
    if (s->translated.faulted) {
        v->fault = s->translated.fault;
        v->insn_rip = s->translated.fault_rip;
        event_deliver_fault(v);
        vcpu_attention(v, ATTN_EVENT);
    }
    return true;
}

/*
 * Traces. See trace.h.
 *
 * out_asm shows the host code of each block that is translated; with any other trace on the interpreter runs, and nothing is.
 * in_asm shows each stretch of straight-line code the first time that it runs (again after 64K others), exec the address at
 * which each begins, cpu the registers there; nochain is accepted. These need the CPU to run one instruction at a time.
 */
#include "debug/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cpu/cpu.h"
#include "debug/cpuprint.h"
#include "debug/disasm.h"
#include "decision/direct.h"
#include "decision/report.h"
#include "softmmu/mmu.h"
#include "tcache/tcache.h"

enum {
    TRACE_INT = 1 << 0, TRACE_EXEC = 1 << 1, TRACE_IN_ASM = 1 << 2, TRACE_CPU = 1 << 3, TRACE_RESET = 1 << 4,
            TRACE_ERRORS = 1 << 5,
    TRACE_IOPORT = 1 << 6, TRACE_PAGE = 1 << 7, TRACE_FPU = 1 << 8, TRACE_NOCHAIN = 1 << 10, TRACE_OUT_ASM = 1 << 12,
    TRACE_DECISION = 1 << 11, TRACE_POLICY = 1 << 13,
};

static const struct {
    const char *name, *help;
    unsigned bit;
} items[] = {
    {"in_asm", "show target assembly code for each block when it first runs", TRACE_IN_ASM},
    {"out_asm", "show generated host code for each block that is translated", TRACE_OUT_ASM},
    {"int", "show interrupts/exceptions in short format", TRACE_INT},
    {"exec", "show trace before each executed block", TRACE_EXEC},
    {"cpu", "show CPU registers before each block", TRACE_CPU},
    {"fpu", "include FPU registers in the 'cpu' logging", TRACE_FPU},
    {"cpu_reset", "show CPU state before CPU resets", TRACE_RESET},
    {"guest_errors", "log when the guest OS does something invalid", TRACE_ERRORS},
    {"ioport", "show accesses to I/O ports", TRACE_IOPORT},
    {"page", "show page translations as they are made", TRACE_PAGE},
    {"nochain", "accepted", TRACE_NOCHAIN},
    {"decision", "show which engine suits the CPU's state, and why, when that changes", TRACE_DECISION},
    {"policy", "show which address spaces direct execution takes up and gives up, and why", TRACE_POLICY},
};

typedef struct Range {
    uint64_t start, end; /* end is included */
} Range;

struct Tracer {
    Vcpu *v;
    Debugger *d;
    Direct *direct; /* NULL: none */
    const Symbols *symbols;
    DebugListener listener;
    unsigned on;
    FILE *file; /* NULL: standard error */
    GArray *filter;
    GHashTable *seen; /* in_asm: where blocks began */
    uint64_t next;    /* linear address after the last instruction, if it fell through */
    uint64_t count;   /* interrupts */
    GString *decision; /* as last shown */
};

static void put(Tracer *t, const GString *s)
{
    fwrite(s->str, 1, s->len, t->file ? t->file : stderr);
}

static bool wanted(const Tracer *t, uint64_t addr)
{
    for (unsigned n = 0; n < t->filter->len; n++) {
        const Range *r = &g_array_index(t->filter, Range, n);
        if (addr >= r->start && addr <= r->end)
            return true;
    }
    return !t->filter->len;
}

/* ---- what the CPU tells ---- */

/* A block's text: up to where control may leave, as the translator would cut it; here, up to 32 instructions or a page's end. */
static void in_asm(Tracer *t, GString *s, uint64_t addr)
{
    const Vcpu *v = t->v;
    char *name = symbols_name(t->symbols, addr);
    g_string_append_printf(s, "----------------\nIN: %s\n", name ? name : "");
    g_free(name);
    disasm_line(s, t->v, addr, v->seg[S_CS].attr & SEG_DB ? 4 : 2, NULL);
}

static void decision(Tracer *t, GString *s, uint64_t addr)
{
    const Vcpu *v = t->v;
    GString *now = g_string_new(NULL);
    decision_append(v, now);
    if (!g_string_equal(now, t->decision)) {
        g_string_append_printf(s, "decision: %04x:%08x CPL=%d %s", v->seg[S_CS].sel, (uint32_t)v->rip, v->cpl, now->str);
        symbols_append(t->symbols, s, addr);
        g_string_append_c(s, '\n');
        g_string_assign(t->decision, now->str);
    }
    g_string_free(now, TRUE);
}

static void on_policy(void *opaque, const char *line)
{
    Tracer *t = opaque;
    fprintf(t->file ? t->file : stderr, "%s\n", line);
}

static void on_insn(void *opaque, Vcpu *v)
{
    Tracer *t = opaque;
    uint64_t addr = (v->seg[S_CS].base + v->rip) & v->lin_mask;
    unsigned code_size = v->seg[S_CS].attr & SEG_DB ? 4 : 2;
    bool begins = addr != t->next;
    GString *s = g_string_new(NULL);
    GString *text = g_string_new(NULL);
    unsigned len = disasm_line(text, v, addr, code_size, NULL);
    t->next = len ? (addr + len) & v->lin_mask : TLB_NONE;
    if (wanted(t, addr)) {
        if ((t->on & TRACE_IN_ASM) && g_hash_table_add(t->seen, GSIZE_TO_POINTER(addr + 1))) {
            if (begins)
                in_asm(t, s, addr);
            else
                g_string_append(s, text->str);
            if (g_hash_table_size(t->seen) > 65536)
                g_hash_table_remove_all(t->seen);
        }
        if (begins && (t->on & TRACE_DECISION))
            decision(t, s, addr);
        if (begins && (t->on & TRACE_EXEC)) {
            g_string_append_printf(s, "Trace 0: [%08x/%08" G_GINT64_MODIFIER "x/%08x]", (uint32_t)v->seg[S_CS].base,
                    addr,
                                   v->flags | (uint32_t)v->cpl);
            symbols_append(t->symbols, s, addr);
            g_string_append_c(s, '\n');
        }
        if (begins && (t->on & TRACE_CPU))
            cpu_print(v, s, t->on & TRACE_FPU);
    }
    put(t, s);
    g_string_free(text, TRUE);
    g_string_free(s, TRUE);
}

/* QEMU's format of -d int: a line for the event, then the registers. */
static void on_event(void *opaque, Vcpu *v, int vector, int kind, bool has_error, uint32_t error)
{
    Tracer *t = opaque;
    GString *s = g_string_new(NULL);
    const char *name = kind == EVENT_EXCEPTION ? vector_name(vector) : kind == EVENT_EXTERNAL
            ? "hardware interrupt" : "INT";
    g_string_append_printf(s, "%6" G_GUINT64_FORMAT ": v=%02x e=%04x i=%d cpl=%d IP=%04x:%08x pc=%08x SP=%04x:%08x",
            t->count++, vector,
                           has_error ? error : 0, kind == EVENT_SOFT_INT || kind == EVENT_INT3_INTO, v->cpl,
                                   v->seg[S_CS].sel,
                           (uint32_t)v->insn_rip, (uint32_t)(v->seg[S_CS].base + v->insn_rip), v->seg[S_SS].sel,
                                   v->gpr[R_SP].d);
    if (vector == VEC_PF && kind == EVENT_EXCEPTION)
        g_string_append_printf(s, " CR2=%08x", (uint32_t)v->cr2);
    else
        g_string_append_printf(s, " env->regs[R_EAX]=%08x", v->gpr[R_AX].d);
    g_string_append_printf(s, " %s", name ? name : "exception");
    symbols_append(t->symbols, s, v->seg[S_CS].base + v->insn_rip);
    g_string_append_c(s, '\n');
    cpu_print(v, s, false);
    put(t, s);
    g_string_free(s, TRUE);
}

static void on_page_filled(void *opaque, Vcpu *v, uint64_t addr, uint64_t gpa, int access, bool user)
{
    Tracer *t = opaque;
    fprintf(t->file ? t->file : stderr, "page: %08x -> %09llx %s %s CR3=%08x\n", (uint32_t)addr & ~0xfffu,
            (unsigned long long)gpa & ~0xfffull, user ? "user" : "supervisor",
            access == ACCESS_WRITE ? "write" : access == ACCESS_FETCH ? "fetch" : "read", (uint32_t)v->cr3);
}

static void on_port(void *opaque, Vcpu *v, uint16_t port, unsigned size, bool write, uint32_t value)
{
    Tracer *t = opaque;
    if (t->on & TRACE_IOPORT)
        fprintf(t->file ? t->file : stderr, "ioport: %s %04x size %u %s %0*x at %04x:%08x\n", write ? "out" : "in ",
                port, size,
                write ? "<-" : "->", (int)size * 2, value, v->seg[S_CS].sel, (uint32_t)v->insn_rip);
    if ((t->on & TRACE_ERRORS) && !bus_find(v->io, port, NULL))
        fprintf(t->file ? t->file : stderr, "Invalid %s at port 0x%x, size %u, at %04x:%08x: nothing answers there\n",
                write ? "write" : "read", port, size, v->seg[S_CS].sel, (uint32_t)v->insn_rip);
}

static void on_unassigned(void *opaque, Vcpu *v, uint64_t gpa, unsigned size, bool write)
{
    Tracer *t = opaque;
    fprintf(t->file ? t->file : stderr, "Invalid %s at addr 0x%llX, size %u, at %04x:%08x: nothing answers there\n",
            write ? "write" : "read", (unsigned long long)gpa, size, v->seg[S_CS].sel, (uint32_t)v->insn_rip);
}

/* A block was translated. */
static void on_translated(void *opaque, uint64_t addr, const char *text)
{
    Tracer *t = opaque;
    if (!wanted(t, addr))
        return;
    char *name = symbols_name(t->symbols, addr);
    fprintf(t->file ? t->file : stderr, "----------------\nOUT: 0x%08llx %s\n%s", (unsigned long long)addr, name ? name : "", text);
    g_free(name);
}

void tracer_cpu_reset(Tracer *t)
{
    if (!t || !(t->on & TRACE_RESET))
        return;
    GString *s = g_string_new("CPU Reset (CPU 0)\n");
    cpu_print(t->v, s, true);
    put(t, s);
    g_string_free(s, TRUE);
}

/* ---- settings ---- */

static bool fail(GError **error, const char *what, const char *why)
{
    g_set_error(error, g_quark_from_static_string("trace"), 0, "%s: %s", what, why);
    return false;
}

bool tracer_set(Tracer *t, const char *list, GError **error)
{
    char **words = g_strsplit(list, ",", -1);
    unsigned on = 0;
    bool ok = true;
    for (char **w = words; *w && ok; w++) {
        unsigned bit = 0;
        for (unsigned n = 0; n < G_N_ELEMENTS(items); n++)
            if (!strcmp(*w, items[n].name))
                bit = items[n].bit;
        if (!bit && strcmp(*w, "none"))
            ok = fail(error, *w, "no such trace; -d help lists them");
        on |= bit;
    }
    g_strfreev(words);
    if (!ok)
        return false;
    t->on = on;
    t->next = TLB_NONE;
    g_string_truncate(t->decision, 0);
    g_hash_table_remove_all(t->seen);
    t->listener.insn = on & (TRACE_EXEC | TRACE_IN_ASM | TRACE_CPU | TRACE_DECISION) ? on_insn : NULL;
    t->listener.event = on & TRACE_INT ? on_event : NULL;
    t->listener.page_filled = on & TRACE_PAGE ? on_page_filled : NULL;
    t->listener.port = on & (TRACE_IOPORT | TRACE_ERRORS) ? on_port : NULL;
    t->listener.unassigned = on & TRACE_ERRORS ? on_unassigned : NULL;
    if (t->v->tcache)
        tcache_listen(t->v->tcache, on & TRACE_OUT_ASM ? on_translated : NULL, t);
    if (t->direct)
        direct_set_trace(t->direct, on & TRACE_POLICY ? on_policy : NULL, t);
    if (t->listener.insn || t->listener.event || t->listener.page_filled || t->listener.port)
        debugger_listen(t->d, &t->listener);
    else
        debugger_unlisten(t->d, &t->listener);
    return true;
}

bool tracer_set_file(Tracer *t, const char *path, GError **error)
{
    FILE *f = NULL;
    if (*path && strcmp(path, "stderr") && !(f = fopen(path, "we")))
        return fail(error, path, g_strerror(errno));
    if (t->file)
        fclose(t->file);
    t->file = f;
    if (f) /* whoever reads along sees what has happened, and so does who comes after a sudden end */
        setvbuf(f, NULL, _IOLBF, BUFSIZ);
    return true;
}

bool tracer_set_filter(Tracer *t, const char *ranges, GError **error)
{
    char **words = g_strsplit(ranges, ",", -1);
    bool ok = true;
    g_array_set_size(t->filter, 0);
    for (char **w = words; *w && ok; w++) {
        char *end, *last;
        uint64_t a = g_ascii_strtoull(*w, &end, 0), b = 0;
        Range r = {a, a};
        bool dots = g_str_has_prefix(end, "..");
        char op = *end;
        if (end == *w || (!dots && op != '+' && op != '-')) {
            ok = fail(error, *w, "expected START+LENGTH, START-LENGTH or START..END");
            break;
        }
        b = g_ascii_strtoull(end + (dots ? 2 : 1), &last, 0);
        if (dots)
            r.end = b;
        else if (op == '+')
            r.end = a + b - 1;
        else
            r.start = a - b + 1;
        if (*last || r.start > r.end)
            ok = fail(error, *w, "an empty range");
        else
            g_array_append_val(t->filter, r);
    }
    g_strfreev(words);
    return ok;
}

void tracer_help(GString *out)
{
    g_string_append(out, "Log items (comma separated):\n");
    for (unsigned n = 0; n < G_N_ELEMENTS(items); n++)
        g_string_append_printf(out, "%-15s %s\n", items[n].name, items[n].help);
}

Tracer *tracer_new(Vcpu *v, Debugger *d, Direct *direct, const Symbols *symbols)
{
    Tracer *t = g_new0(Tracer, 1);
    t->v = v;
    t->d = d;
    t->direct = direct;
    t->symbols = symbols;
    t->listener.opaque = t;
    t->filter = g_array_new(FALSE, FALSE, sizeof(Range));
    t->seen = g_hash_table_new(NULL, NULL);
    t->decision = g_string_new(NULL);
    return t;
}

void tracer_free(Tracer *t)
{
    if (!t)
        return;
    debugger_unlisten(t->d, &t->listener);
    if (t->file)
        fclose(t->file);
    g_array_unref(t->filter);
    g_hash_table_unref(t->seen);
    g_string_free(t->decision, TRUE);
    g_free(t);
}

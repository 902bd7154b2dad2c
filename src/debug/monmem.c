/*
 * Monitor commands that look at memory: x, xp, print, gva2gpa, info mem, info tlb; and expressions.
 */
#include <ctype.h>
#include <string.h>

#include "debug/disasm.h"
#include "debug/gdbregs.h"
#include "debug/memory.h"
#include "debug/moncmd.h"
#include "debug/pagewalk.h"

#include "cpu/eflags.h"

/* ---- expressions: C's operators | ^ & + - * / % ~ and parentheses ---- */

typedef struct Parser {
    Monitor *mon;
    const char *p;
    const char *error;
    unsigned depth;
} Parser;

static uint64_t parse_or(Parser *ps);

static void spaces(Parser *ps)
{
    while (isspace((unsigned char)*ps->p))
        ps->p++;
}

static uint64_t parse_register(Parser *ps)
{
    static const char *const gprs[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    static const char *const segs[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    const Vcpu *v = ps->mon->m->cpu;
    char name[8] = "";
    unsigned n = 0;
    for (ps->p++; isalnum((unsigned char)*ps->p) && n + 1 < sizeof name; ps->p++)
        name[n++] = *ps->p;
    for (n = 0; n < 8; n++)
        if (!strcmp(name, gprs[n]))
            return v->gpr[n].d;
    for (n = 0; n < S_COUNT; n++)
        if (!strcmp(name, segs[n]))
            return v->seg[n].sel;
    if (!strcmp(name, "eip") || !strcmp(name, "pc"))
        return v->rip;
    if (!strcmp(name, "eflags"))
        return eflags_get(v);
    if (!strcmp(name, "sp"))
        return v->gpr[R_SP].d;
    if (!strcmp(name, "cr0"))
        return v->cr0;
    if (!strcmp(name, "cr2"))
        return v->cr2;
    if (!strcmp(name, "cr3"))
        return v->cr3;
    if (!strcmp(name, "cr4"))
        return v->cr4;
    ps->error = "unknown register";
    return 0;
}

static uint64_t parse_unary(Parser *ps)
{
    uint64_t value = 0;
    if (++ps->depth > 64) {
        ps->error = "expression too deep";
        ps->depth--;
        return 0;
    }
    spaces(ps);
    switch (*ps->p) {
    case '-': ps->p++; value = -parse_unary(ps); break;
    case '+': ps->p++; value = parse_unary(ps); break;
    case '~': ps->p++; value = ~parse_unary(ps); break;
    case '(':
        ps->p++;
        value = parse_or(ps);
        spaces(ps);
        if (*ps->p == ')')
            ps->p++;
        else
            ps->error = "')' expected";
        break;
    case '$': value = parse_register(ps); break;
    default:
        if (isdigit((unsigned char)*ps->p)) {
            char *end;
            value = g_ascii_strtoull(ps->p, &end, 0);
            ps->p = end;
        } else {
            const char *start = ps->p;
            while (isalnum((unsigned char)*ps->p) || *ps->p == '_' || *ps->p == '.')
                ps->p++;
            char *name = g_strndup(start, ps->p - start);
            if (!*name || !symbols_find(ps->mon->symbols, name, &value))
                ps->error = *name ? "unknown symbol" : "invalid char in expression";
            g_free(name);
        }
    }
    ps->depth--;
    return value;
}

static uint64_t parse_product(Parser *ps)
{
    uint64_t value = parse_unary(ps), by;
    for (;;) {
        spaces(ps);
        char op = *ps->p;
        if (op != '*' && op != '/' && op != '%')
            return value;
        ps->p++;
        by = parse_unary(ps);
        if (op == '*') {
            value *= by;
        } else if (!by) {
            ps->error = "division by zero";
            return 0;
        } else {
            value = op == '/' ? value / by : value % by;
        }
    }
}

static uint64_t parse_sum(Parser *ps)
{
    uint64_t value = parse_product(ps);
    for (;;) {
        spaces(ps);
        if (*ps->p == '+') {
            ps->p++;
            value += parse_product(ps);
        } else if (*ps->p == '-') {
            ps->p++;
            value -= parse_product(ps);
        } else {
            return value;
        }
    }
}

static uint64_t parse_or(Parser *ps)
{
    uint64_t value = parse_sum(ps);
    for (;;) {
        spaces(ps);
        char op = *ps->p;
        if (op != '|' && op != '&' && op != '^')
            return value;
        ps->p++;
        uint64_t by = parse_sum(ps);
        value = op == '|' ? value | by : op == '&' ? value & by : value ^ by;
    }
}

bool monitor_expression(Monitor *mon, const char **p, uint64_t *value, GString *out)
{
    Parser ps = {.mon = mon, .p = *p};
    *value = parse_or(&ps);
    *p = ps.p;
    if (ps.error)
        g_string_append_printf(out, "%s\n", ps.error);
    return !ps.error;
}

/* ---- x, xp, print ---- */

/* "/COUNTFORMATSIZE" */
typedef struct Format {
    unsigned count, size;
    char letter;
} Format;

static bool parse_format(Monitor *mon, const char **args, Format *f, GString *out)
{
    const char *p = *args;
    *f = (Format){1, mon->format_size, mon->format_letter};
    if (*p == '/') {
        p++;
        if (isdigit((unsigned char)*p)) {
            char *end;
            f->count = MIN(g_ascii_strtoull(p, &end, 10), 65536);
            p = end;
        }
        for (; *p && !isspace((unsigned char)*p); p++) {
            switch (*p) {
            case 'b': f->size = 1; break;
            case 'h': f->size = 2; break;
            case 'w': f->size = 4; break;
            case 'g': f->size = 8; break;
            case 'x': case 'd': case 'u': case 'o': case 'c': case 'i': f->letter = *p; break;
            default:
                g_string_append_printf(out, "invalid char in format: '%c'\n", *p);
                return false;
            }
        }
        mon->format_size = f->size;
        mon->format_letter = f->letter;
    }
    if (f->letter == 'c')
        f->size = 1;
    *args = p;
    return true;
}

static void print_value(GString *out, const Format *f, uint64_t value)
{
    unsigned bits = f->size * 8;
    switch (f->letter) {
    case 'o': g_string_append_printf(out, "%#*" G_GINT64_MODIFIER "o", (bits + 2) / 3, value); break;
    case 'd': g_string_append_printf(out, "%*" G_GINT64_MODIFIER "d", (bits * 10 + 32) / 33, value); break; /* no sign below 8 bytes: so does QEMU */
    case 'u': g_string_append_printf(out, "%*" G_GINT64_MODIFIER "u", (bits * 10 + 32) / 33, value); break;
    case 'c': {
        unsigned char c = value;
        if (isprint(c) && c != '\'' && c != '\\')
            g_string_append_printf(out, "'%c'", c);
        else
            g_string_append_printf(out, "'\\x%02x'", c);
        break;
    }
    default: g_string_append_printf(out, "0x%0*" G_GINT64_MODIFIER "x", bits / 4, value); break;
    }
}

static void examine(Monitor *mon, const char *args, GString *out, bool phys)
{
    Vcpu *v = mon->m->cpu;
    Format f;
    uint64_t addr = mon->examine_at;
    if (!parse_format(mon, &args, &f, out))
        return;
    while (isspace((unsigned char)*args))
        args++;
    if (*args && !monitor_expression(mon, &args, &addr, out))
        return;
    if (!phys)
        addr &= 0xffffffff;
    unsigned per_line = f.letter == 'i' ? 1 : MAX(1, (f.size == 1 ? 8 : 16) / f.size);
    for (unsigned n = 0; n < f.count; n++) {
        uint8_t buf[16] = {0};
        if (f.letter == 'i') {
            if (!debug_read(v, addr, buf, 1)) {
                g_string_append_printf(out, "0x%08" G_GINT64_MODIFIER "x: unable to read memory\n", addr);
                return;
            }
            addr += disasm_line(out, v, addr, v->seg[S_CS].attr & SEG_DB ? 4 : 2, mon->symbols);
            continue;
        }
        if (n % per_line == 0)
            g_string_append_printf(out, phys ? "%016" G_GINT64_MODIFIER "x:" : "%08" G_GINT64_MODIFIER "x:", addr);
        if (phys) {
            debug_read_phys(v, addr, buf, f.size);
        } else if (debug_read(v, addr, buf, f.size) < f.size) {
            g_string_append(out, " Cannot access memory\n");
            return;
        }
        uint64_t value = 0;
        memcpy(&value, buf, f.size);
        g_string_append_c(out, ' ');
        print_value(out, &f, GUINT64_FROM_LE(value));
        if (n % per_line == per_line - 1 || n == f.count - 1)
            g_string_append_c(out, '\n');
        addr += f.size;
    }
    mon->examine_at = addr;
}

void moncmd_x(Monitor *mon, const char *args, GString *out)
{
    examine(mon, args, out, false);
}

void moncmd_xp(Monitor *mon, const char *args, GString *out)
{
    examine(mon, args, out, true);
}

void moncmd_print(Monitor *mon, const char *args, GString *out)
{
    Format f;
    uint64_t value;
    if (!parse_format(mon, &args, &f, out) || !monitor_expression(mon, &args, &value, out))
        return;
    switch (f.letter) {
    case 'o': g_string_append_printf(out, "%#" G_GINT64_MODIFIER "o\n", value); break;
    case 'u': g_string_append_printf(out, "%" G_GINT64_MODIFIER "u\n", value); break;
    case 'c': print_value(out, &f, value); g_string_append_c(out, '\n'); break;
    case 'd': g_string_append_printf(out, "%" G_GINT64_MODIFIER "d\n", (int64_t)value); break;
    default: g_string_append_printf(out, "%#" G_GINT64_MODIFIER "x\n", value); break;
    }
}

void moncmd_gva2gpa(Monitor *mon, const char *args, GString *out)
{
    uint64_t addr;
    Gpa gpa;
    if (!monitor_expression(mon, &args, &addr, out))
        return;
    if (debug_translate(mon->m->cpu, addr & 0xffffffff, &gpa))
        g_string_append_printf(out, "gpa: 0x%" G_GINT64_MODIFIER "x\n", gpa);
    else
        g_string_append(out, "Unmapped\n");
}

/* ---- info mem, info tlb ---- */

/* Call fn for each page, or large page, that is mapped, in order. */
static void each_page(Vcpu *v, void (*fn)(void *opaque, Gva addr, uint64_t size, const PageWalk *w), void *opaque)
{
    for (uint64_t addr = 0; addr < 1ull << 32;) {
        PageWalk w = pagewalk(v, addr);
        bool pae = v->cr4 & CR4_PAE;
        uint64_t span = pae ? 1 << 21 : 1 << 22; /* what one directory entry maps */
        if (pae && w.levels == 1)
            span = 1 << 30;
        else if (!w.large && w.levels == (pae ? 3 : 2))
            span = PAGE_SIZE;
        if (w.ok)
            fn(opaque, addr, span, &w);
        addr = (addr & ~(span - 1)) + span;
    }
}

typedef struct MemPrint {
    GString *out;
    uint64_t start, end;
    char prot[4];
} MemPrint;

static void mem_flush(MemPrint *mp)
{
    if (mp->end > mp->start)
        g_string_append_printf(mp->out,
                "%016" G_GINT64_MODIFIER "x-%016" G_GINT64_MODIFIER "x %016" G_GINT64_MODIFIER "x %s\n",
                               mp->start, mp->end, mp->end - mp->start, mp->prot);
}

static void mem_page(void *opaque, Gva addr, uint64_t size, const PageWalk *w)
{
    MemPrint *mp = opaque;
    char prot[4] = {w->user ? 'u' : '-', 'r', w->writable ? 'w' : '-', 0};
    if (addr != mp->end || strcmp(prot, mp->prot)) {
        mem_flush(mp);
        mp->start = addr;
        strcpy(mp->prot, prot);
    }
    mp->end = addr + size;
}

static bool paging(Vcpu *v, GString *out)
{
    if (v->cr0 & CR0_PG)
        return true;
    g_string_append(out, "PG disabled\n");
    return false;
}

void moninfo_mem(Monitor *mon, const char *args, GString *out)
{
    MemPrint mp = {.out = out};
    if (!paging(mon->m->cpu, out))
        return;
    each_page(mon->m->cpu, mem_page, &mp);
    mem_flush(&mp);
}

static void tlb_page(void *opaque, Gva addr, uint64_t size, const PageWalk *w)
{
    GString *out = opaque;
    uint64_t e = w->level[w->levels - 1].entry;
    g_string_append_printf(out, "%016" G_GINT64_MODIFIER "x: %016" G_GINT64_MODIFIER "x %c%c%c%c%c%c%c%c%c\n", addr,
            w->gpa & ~(size - 1),
                           e >> 63 ? 'X' : '-', e & 0x100 ? 'G' : '-', e & 0x80 ? 'P' : '-', e & 0x40 ? 'D' : '-',
                           e & 0x20 ? 'A' : '-', e & 0x10 ? 'C' : '-', e & 8 ? 'T' : '-', e & 4 ? 'U' : '-', e & 2
                                   ? 'W' : '-');
}

void moninfo_tlb(Monitor *mon, const char *args, GString *out)
{
    if (paging(mon->m->cpu, out))
        each_page(mon->m->cpu, tlb_page, out);
}

/*
 * Registers in QEMU's format.
 */
#include "debug/cpuprint.h"

#include "cpu/eflags.h"

static const struct {
    const char *name, *words;
} vectors[] = {
    {"#DE", "divide error"}, {"#DB", "debug exception"}, {"NMI", "non-maskable interrupt"}, {"#BP", "breakpoint"},
    {"#OF", "overflow"}, {"#BR", "bound range exceeded"}, {"#UD", "invalid opcode"}, {"#NM",
            "device (FPU) not available"},
    {"#DF", "double fault"}, {"#9", "coprocessor segment overrun"}, {"#TS", "invalid TSS"}, {"#NP",
            "segment not present"},
    {"#SS", "stack fault"}, {"#GP", "general protection fault"}, {"#PF", "page fault"}, {"#15", "reserved"},
    {"#MF", "x87 floating-point error"}, {"#AC", "alignment check"}, {"#MC", "machine check"}, {"#XM",
            "SIMD floating-point error"},
};

const char *vector_name(unsigned vector)
{
    return vector < G_N_ELEMENTS(vectors) ? vectors[vector].name : NULL;
}

const char *vector_words(unsigned vector)
{
    return vector < G_N_ELEMENTS(vectors) ? vectors[vector].words : "interrupt";
}

static void seg_print(const Vcpu *v, GString *out, const char *name, const Seg *s)
{
    static const char *const system[] = {"Reserved", "TSS16-avl", "LDT", "TSS16-busy", "CallGate16", "TaskGate",
            "IntGate16", "TrapGate16",
                                         "Reserved", "TSS32-avl", "Reserved", "TSS32-busy", "CallGate32",
                                                 "Reserved", "IntGate32", "TrapGate32"};
    uint32_t limit = s->attr & SEG_G ? s->limit >> 12 : s->limit;
    uint32_t flags = (uint32_t)s->attr << 8 | (limit & 0xf0000);
    g_string_append_printf(out, "%-3s=%04x %08x %08x %08x", name, s->sel, (uint32_t)s->base, s->limit, flags);
    if ((v->cr0 & CR0_PE) && (s->attr & SEG_P)) {
        g_string_append_printf(out, " DPL=%d ", (s->attr & SEG_DPL) >> SEG_DPL_SHIFT);
        if (!(s->attr & SEG_S))
            g_string_append(out, system[s->attr & SEG_TYPE]);
        else if (s->attr & SEG_CODE)
            g_string_append_printf(out, "%s [%c%c%c]", s->attr & SEG_DB ? "CS32" : "CS16", s->attr & SEG_C ? 'C'
                    : '-',
                                   s->attr & SEG_R ? 'R' : '-', s->attr & SEG_A ? 'A' : '-');
        else
            g_string_append_printf(out, "%s [%c%c%c]", s->attr & SEG_DB ? "DS  " : "DS16", s->attr & SEG_E ? 'E'
                    : '-',
                                   s->attr & SEG_W ? 'W' : '-', s->attr & SEG_A ? 'A' : '-');
    }
    g_string_append_c(out, '\n');
}

static void fpu_print(const Vcpu *v, GString *out)
{
    const Fpu *f = &v->fpu;
    g_string_append_printf(out, "FCW=%04x FSW=%04x [ST=%d] FTW=%02x MXCSR=%08x\n", f->cw,
            (f->sw & ~0x3800) | f->top << 11, f->top,
                           f->full, f->mxcsr);
    for (int n = 0; n < 8; n++)
        g_string_append_printf(out, "FPR%d=%016" G_GINT64_MODIFIER "x %04x%c", n, f->reg[n].mant, f->reg[n].exp,
                n & 1 ? '\n' : ' ');
    for (int n = 0; n < 8; n++)
        g_string_append_printf(out, "XMM%02d=%016" G_GINT64_MODIFIER "x %016" G_GINT64_MODIFIER "x%c", n,
                f->xmm[n].q[1], f->xmm[n].q[0],
                               n & 1 ? '\n' : ' ');
}

void cpu_print(const Vcpu *v, GString *out, bool fpu)
{
    static const char *const names[] = {"ES ", "CS ", "SS ", "DS ", "FS ", "GS "};
    uint32_t fl = eflags_get(v);
    g_string_append_printf(out, "EAX=%08x EBX=%08x ECX=%08x EDX=%08x\nESI=%08x EDI=%08x EBP=%08x ESP=%08x\n",
            v->gpr[R_AX].d,
                           v->gpr[R_BX].d, v->gpr[R_CX].d, v->gpr[R_DX].d, v->gpr[R_SI].d, v->gpr[R_DI].d,
                                   v->gpr[R_BP].d,
                           v->gpr[R_SP].d);
    g_string_append_printf(out, "EIP=%08x EFL=%08x [%c%c%c%c%c%c%c] CPL=%d II=%d A20=%d SMM=0 HLT=%d\n",
            (uint32_t)v->rip, fl,
                           fl & FL_DF ? 'D' : '-', fl & FL_OF ? 'O' : '-', fl & FL_SF ? 'S' : '-', fl & FL_ZF ? 'Z'
                                   : '-',
                           fl & FL_AF ? 'A' : '-', fl & FL_PF ? 'P' : '-', fl & FL_CF ? 'C' : '-', v->cpl,
                                   v->shadow != 0,
                           v->a20_mask == UINT64_MAX, v->halted);
    for (int n = 0; n < S_COUNT; n++)
        seg_print(v, out, names[n], &v->seg[n]);
    seg_print(v, out, "LDT", &v->ldtr);
    seg_print(v, out, "TR", &v->tr);
    g_string_append_printf(out, "GDT=     %08x %08x\nIDT=     %08x %08x\n", (uint32_t)v->gdtr.base, v->gdtr.limit,
            (uint32_t)v->idtr.base,
                           v->idtr.limit);
    g_string_append_printf(out, "CR0=%08x CR2=%08x CR3=%08x CR4=%08x\n", (uint32_t)v->cr0, (uint32_t)v->cr2,
            (uint32_t)v->cr3,
                           (uint32_t)v->cr4);
    g_string_append_printf(out,
            "DR0=%08x DR1=%08x DR2=%08x DR3=%08x \nDR6=%08x DR7=%08x\nEFER=%016" G_GINT64_MODIFIER "x\n",
                           (uint32_t)v->dr[0], (uint32_t)v->dr[1], (uint32_t)v->dr[2], (uint32_t)v->dr[3],
                                   (uint32_t)v->dr[6],
                           (uint32_t)v->dr[7], v->efer);
    if (fpu)
        fpu_print(v, out);
}

/*
 * What counts as equal.
 *
 * Everything, but for: flags undefined after an instruction that undefined.def names; FCS and FDS, which the 64-bit
 * FXSAVE form of the signal frame does not hold; FIP, FDP and FOP on CPUs that save them only while an
 * unmasked x87 exception is pending (AMD APM 2 11.4.4), when none is, and for engines in a sandbox there also when a stop may have
 * come before the exception was unmasked; MXCSR_MASK, a constant of the CPU; the RPL of null
 * selectors, which CPUs drop on the way to the signal handler. Where an instruction makes several accesses or checks
 * (is_multipart()) and more than one of them faults, the manual does not say which is told: any is right.
 */
#include <string.h>

#include "diff/compare.h"
#include "frontend/insn.h"

enum { ANY, AMD, INTEL };

typedef struct Undefined {
    uint16_t row;
    uint16_t flags;
    uint8_t vendor;
} Undefined;

static const Undefined undefined[] = {
#define UNDEFINED(m, flags, vendor) { ROW_##m, flags, vendor },
#include "diff/undefined.def"
#undef UNDEFINED
    { 0, 0, ANY },
};

bool diff_row_undefined(uint16_t row)
{
    for (const Undefined *u = undefined; u->row; u++)
        if (u->row == row)
            return true;
    return false;
}

static uint32_t undefined_flags(const HostRules *rules, const uint16_t *rows, int nrows)
{
    uint32_t mask = 0;
    for (int n = 0; n < nrows; n++)
        for (const Undefined *u = undefined; u->row; u++)
            if (u->row == rows[n]
                && (u->vendor == ANY || (u->vendor == AMD) == rules->amd))
                mask |= u->flags;
    return mask;
}

/* Several accesses, or checks among accesses, whose order the manual leaves open. */
static bool is_multipart(uint16_t row)
{
    switch (row) {
    case ROW_FLDENV: case ROW_FRSTOR: case ROW_FNSTENV: case ROW_FNSAVE: case ROW_FXSAVE: case ROW_FXRSTOR:
    case ROW_IRET: case ROW_IRETD: case ROW_RET_FAR: case ROW_CALL_FAR: case ROW_JMP_FAR: case ROW_CALL:
    case ROW_LDS: case ROW_LES: case ROW_LFS: case ROW_LGS: case ROW_LSS: case ROW_ENTER: case ROW_BOUND: case ROW_MASKMOVQ: case ROW_MASKMOVDQU:
    case ROW_FLD: case ROW_FSTP: case ROW_FBLD: case ROW_FBSTP: /* 80 bits: 64 and 16 */
        return true;
    default:
        return false;
    }
}

static bool is_cmps(uint16_t row)
{
    return row == ROW_CMPSB || row == ROW_CMPSW || row == ROW_STR_CMPSD;
}

/* MXCSR bit 17 (misaligned SSE) is AMD's: the host takes it where the model, which has none, raises #GP. */
bool diff_mxcsr_is_hosts(const DiffResult *h, const uint16_t *rows, int nrows)
{
    for (int n = 0; n < nrows; n++)
        if ((rows[n] == ROW_LDMXCSR || rows[n] == ROW_FXRSTOR) && (h->fx.mxcsr & 0x20000))
            return true;
    return false;
}

/* The sticky flags of a dot product that stops at an unmasked exception depend on how far its pieces had come. */
static bool mxcsr_depends(const DiffResult *h, const uint16_t *rows, int nrows)
{
    for (int n = 0; n < nrows; n++)
        if ((rows[n] == ROW_DPPS || rows[n] == ROW_DPPD) && h->vector == 19)
            return true;
    return false;
}

/* Exceptions that a memory access or a selector may raise. */
static bool is_access_fault(int vector)
{
    return (vector >= 10 && vector <= 14) || vector == 17;
}

/* may_lack: a stop between two instructions may have lost it. */
static bool pointer_differs(uint32_t host, uint32_t engine, bool may_lack)
{
    return host != engine && !(may_lack && !engine);
}

unsigned diff_compare(const HostRules *rules, const DiffResult *h, const DiffResult *e, const uint16_t *rows, int nrows)
{
    unsigned d = 0;
    d |= memcmp(h->gpr, e->gpr, sizeof h->gpr) ? DIFFERS_GPR : 0;
    bool icebp = false;
    for (int n = 0; n < nrows; n++)
        icebp |= rows[n] == ROW_INT1;
    if (!(rules->icebp_before && icebp && h->vector == 1 && h->eip - e->eip > -16u)) /* a little before ours */
        d |= h->eip != e->eip ? DIFFERS_EIP : 0;
    d |= (h->eflags ^ e->eflags) & ~undefined_flags(rules, rows, nrows) ? DIFFERS_FLAGS : 0;
    for (int i = 0; i < 6; i++)
        d |= h->sel[i] != e->sel[i] && (h->sel[i] > 3 || e->sel[i] > 3) ? DIFFERS_SEL : 0;
    bool either = is_access_fault(h->vector) && is_access_fault(e->vector) && h->eip == e->eip;
    bool multipart = false;
    for (int n = 0; n < nrows; n++)
        multipart |= is_multipart(rows[n]) || (rules->cmps_source_first && is_cmps(rows[n]));
    if (!(either && multipart)) {
        d |= h->vector != e->vector ? DIFFERS_VECTOR : 0;
        d |= h->error != e->error ? DIFFERS_ERROR : 0;
        d |= h->cr2 != e->cr2 ? DIFFERS_CR2 : 0;
    }
    d |= h->fx.cw != e->fx.cw || h->fx.sw != e->fx.sw || h->fx.tag != e->fx.tag ? DIFFERS_FPU : 0;
    for (int i = 0; i < 8; i++)
        d |= h->fx.st[i].mant != e->fx.st[i].mant || h->fx.st[i].exp != e->fx.st[i].exp ? DIFFERS_ST : 0;
    bool may_lack = rules->fip_lost && nrows > 1;
    if (rules->fip_always || (h->fx.sw & 0x80))
        d |= pointer_differs(h->fx.fop, e->fx.fop, may_lack) || pointer_differs(h->fx.fip, e->fx.fip, may_lack)
                     || pointer_differs(h->fx.fdp, e->fx.fdp, may_lack) ? DIFFERS_FIP : 0;
    d |= h->fx.mxcsr != e->fx.mxcsr && !mxcsr_depends(h, rows, nrows) ? DIFFERS_MXCSR : 0;
    d |= memcmp(h->fx.xmm, e->fx.xmm, sizeof h->fx.xmm) ? DIFFERS_XMM : 0;
    return d;
}

void diff_names(unsigned bits, GString *out)
{
    gsize begin = out->len;
    static const char *const names[] = { "gpr", "eip", "eflags", "sel", "vector", "error", "cr2",
                                         "fpu", "st", "fip", "mxcsr", "xmm", "memory" };
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (bits & 1u << i)
            g_string_append_printf(out, "%s%s", out->len > begin ? "+" : "", names[i]);
}

static const char *const reg_names[8] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };
static const char *const seg_names[6] = { "es", "cs", "ss", "ds", "fs", "gs" };

void diff_print_case(const Gen *g, const DiffCase *c, GString *out)
{
    ZydisFormatter f;
    ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_INTEL);
    g_string_append_printf(out, "# case seed=%" G_GUINT64_FORMAT " index=%" G_GUINT64_FORMAT ", %u-bit code at %08x\n",
                           c->seed, c->index, c->code_size * 8, c->code_addr);
    for (unsigned n = 0; n < c->insns; n++) {
        ZydisDecodedInstruction z;
        ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
        unsigned start = c->start[n], len = c->start[n + 1] - start;
        char text[160] = "(invalid)";
        if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(gen_decoder(g, c->code_size), c->code + start, len, &z, op)))
            ZydisFormatterFormatInstruction(&f, &z, op, z.operand_count_visible, text, sizeof text, c->eip + start, NULL);
        g_string_append_printf(out, "#   %08x ", c->eip + start);
        for (unsigned i = 0; i < MAX(len, 8); i++)
            g_string_append_printf(out, i < len ? "%02x" : "  ", c->code[start + i]);
        g_string_append_printf(out, "  %s\n", text);
    }
    g_string_append(out, "#   before: ");
    for (int i = 0; i < 8; i++)
        g_string_append_printf(out, "%s=%08x ", reg_names[i], c->gpr[i]);
    g_string_append_printf(out, "eflags=%06x", c->eflags);
    for (int i = 0; i < 6; i++)
        g_string_append_printf(out, " %s=%04x", seg_names[i], c->sel[i]);
    g_string_append_printf(out, "\n#   before: cw=%04x sw=%04x tag=%02x mxcsr=%04x\n", c->fx.cw, c->fx.sw, c->fx.tag, c->fx.mxcsr);
    for (int i = 0; i < 8; i++)
        if (c->fx.st[i].mant | c->fx.st[i].exp | c->fx.xmm[i][0] | c->fx.xmm[i][1])
            g_string_append_printf(out, "#     st%d %04x:%016" G_GINT64_MODIFIER "x  xmm%d %016" G_GINT64_MODIFIER "x:%016"
                                   G_GINT64_MODIFIER "x\n", i, c->fx.st[i].exp, c->fx.st[i].mant, i, c->fx.xmm[i][1],
                                   c->fx.xmm[i][0]);
    for (int n = 0; n < 2; n++)
        if (c->hot_addr[n]) {
            g_string_append_printf(out, "#   memory %08x:", c->hot_addr[n]);
            for (int i = 0; i < 16; i++)
                g_string_append_printf(out, " %02x", c->hot[n][i]);
            g_string_append_c(out, '\n');
        }
}

static void differ32(GString *out, const char *name, uint32_t before, uint32_t host, uint32_t engine)
{
    if (host != engine)
        g_string_append_printf(out, "#   %-7s host %08x, engine %08x (before %08x)\n", name, host, engine, before);
}

void diff_print_results(const DiffCase *c, const DiffResult *h, const DiffResult *e, GString *out)
{
    g_string_append_printf(out, "#   host: exception %d error %x eip %08x; engine: exception %d error %x eip %08x\n",
                           h->vector, h->error, h->eip, e->vector, e->error, e->eip);
    for (int i = 0; i < 8; i++)
        differ32(out, reg_names[i], c->gpr[i], h->gpr[i], e->gpr[i]);
    differ32(out, "eflags", c->eflags, h->eflags, e->eflags);
    for (int i = 0; i < 6; i++)
        differ32(out, seg_names[i], c->sel[i], h->sel[i], e->sel[i]);
    differ32(out, "cr2", 0, h->cr2, e->cr2);
    differ32(out, "cw", c->fx.cw, h->fx.cw, e->fx.cw);
    differ32(out, "sw", c->fx.sw, h->fx.sw, e->fx.sw);
    differ32(out, "tag", c->fx.tag, h->fx.tag, e->fx.tag);
    differ32(out, "fop", c->fx.fop, h->fx.fop, e->fx.fop);
    differ32(out, "fip", c->fx.fip, h->fx.fip, e->fx.fip);
    differ32(out, "fdp", c->fx.fdp, h->fx.fdp, e->fx.fdp);
    differ32(out, "mxcsr", c->fx.mxcsr, h->fx.mxcsr, e->fx.mxcsr);
    for (int i = 0; i < 8; i++) {
        if (h->fx.st[i].mant != e->fx.st[i].mant || h->fx.st[i].exp != e->fx.st[i].exp)
            g_string_append_printf(out, "#   st%d host %04x:%016" G_GINT64_MODIFIER "x, engine %04x:%016" G_GINT64_MODIFIER "x\n", i,
                                   h->fx.st[i].exp, h->fx.st[i].mant, e->fx.st[i].exp, e->fx.st[i].mant);
        if (memcmp(h->fx.xmm[i], e->fx.xmm[i], 16))
            g_string_append_printf(out, "#   xmm%d host %016" G_GINT64_MODIFIER "x:%016" G_GINT64_MODIFIER "x, engine %016"
                                   G_GINT64_MODIFIER "x:%016" G_GINT64_MODIFIER "x\n", i, h->fx.xmm[i][1], h->fx.xmm[i][0],
                                   e->fx.xmm[i][1], e->fx.xmm[i][0]);
    }
}

/*
 * gdb's registers of an i386: one table makes the target description, the sizes and the access functions.
 *
 * The features core, sse and linux are gdb's own and fix names and order (gdb manual, "i386 Features"); the last one is ours:
 * control registers and segment bases, which gdb shows with `info registers`.
 */
#include "debug/gdbregs.h"

#include <string.h>

#include "cpu/cpu.h"
#include "cpu/desc.h"

typedef enum RegKind {
    REG_GPR, REG_EIP, REG_EFLAGS, REG_SEL, REG_ST, REG_FPU, REG_XMM, REG_MXCSR, REG_ORIG, REG_BASE, REG_CR, REG_EFER
} RegKind;
enum { FPU_CTRL, FPU_STAT, FPU_TAG, FPU_ISEG, FPU_IOFF, FPU_OSEG, FPU_OOFF, FPU_OP };

typedef struct Reg {
    const char *name, *type;
    uint8_t bytes, kind, n;
    const char *feature; /* starts this feature */
} Reg;

static const Reg regs[] = {
    {"eax", "int32", 4, REG_GPR, R_AX, "org.gnu.gdb.i386.core"},
    {"ecx", "int32", 4, REG_GPR, R_CX, NULL},
    {"edx", "int32", 4, REG_GPR, R_DX, NULL},
    {"ebx", "int32", 4, REG_GPR, R_BX, NULL},
    {"esp", "data_ptr", 4, REG_GPR, R_SP, NULL},
    {"ebp", "data_ptr", 4, REG_GPR, R_BP, NULL},
    {"esi", "int32", 4, REG_GPR, R_SI, NULL},
    {"edi", "int32", 4, REG_GPR, R_DI, NULL},
    {"eip", "code_ptr", 4, REG_EIP, 0, NULL},
    {"eflags", "i386_eflags", 4, REG_EFLAGS, 0, NULL},
    {"cs", "int32", 4, REG_SEL, S_CS, NULL},
    {"ss", "int32", 4, REG_SEL, S_SS, NULL},
    {"ds", "int32", 4, REG_SEL, S_DS, NULL},
    {"es", "int32", 4, REG_SEL, S_ES, NULL},
    {"fs", "int32", 4, REG_SEL, S_FS, NULL},
    {"gs", "int32", 4, REG_SEL, S_GS, NULL},
    {"st0", "i387_ext", 10, REG_ST, 0, NULL},
    {"st1", "i387_ext", 10, REG_ST, 1, NULL},
    {"st2", "i387_ext", 10, REG_ST, 2, NULL},
    {"st3", "i387_ext", 10, REG_ST, 3, NULL},
    {"st4", "i387_ext", 10, REG_ST, 4, NULL},
    {"st5", "i387_ext", 10, REG_ST, 5, NULL},
    {"st6", "i387_ext", 10, REG_ST, 6, NULL},
    {"st7", "i387_ext", 10, REG_ST, 7, NULL},
    {"fctrl", "int", 4, REG_FPU, FPU_CTRL, NULL},
    {"fstat", "int", 4, REG_FPU, FPU_STAT, NULL},
    {"ftag", "int", 4, REG_FPU, FPU_TAG, NULL},
    {"fiseg", "int", 4, REG_FPU, FPU_ISEG, NULL},
    {"fioff", "int", 4, REG_FPU, FPU_IOFF, NULL},
    {"foseg", "int", 4, REG_FPU, FPU_OSEG, NULL},
    {"fooff", "int", 4, REG_FPU, FPU_OOFF, NULL},
    {"fop", "int", 4, REG_FPU, FPU_OP, NULL},
    {"xmm0", "vec128", 16, REG_XMM, 0, "org.gnu.gdb.i386.sse"},
    {"xmm1", "vec128", 16, REG_XMM, 1, NULL},
    {"xmm2", "vec128", 16, REG_XMM, 2, NULL},
    {"xmm3", "vec128", 16, REG_XMM, 3, NULL},
    {"xmm4", "vec128", 16, REG_XMM, 4, NULL},
    {"xmm5", "vec128", 16, REG_XMM, 5, NULL},
    {"xmm6", "vec128", 16, REG_XMM, 6, NULL},
    {"xmm7", "vec128", 16, REG_XMM, 7, NULL},
    {"mxcsr", "i386_mxcsr", 4, REG_MXCSR, 0, NULL},
    {"orig_eax", "int", 4, REG_ORIG, 0, "org.gnu.gdb.i386.linux"},
    {"cs_base", "int32", 4, REG_BASE, S_CS, "org.x86vm.system"},
    {"ss_base", "int32", 4, REG_BASE, S_SS, NULL},
    {"ds_base", "int32", 4, REG_BASE, S_DS, NULL},
    {"es_base", "int32", 4, REG_BASE, S_ES, NULL},
    {"fs_base", "int32", 4, REG_BASE, S_FS, NULL},
    {"gs_base", "int32", 4, REG_BASE, S_GS, NULL},
    {"cr0", "int32", 4, REG_CR, 0, NULL},
    {"cr2", "int32", 4, REG_CR, 2, NULL},
    {"cr3", "int32", 4, REG_CR, 3, NULL},
    {"cr4", "int32", 4, REG_CR, 4, NULL},
    {"efer", "int32", 4, REG_EFER, 0, NULL},
};

static const char xml_flags[] =
    "<flags id=\"i386_eflags\" size=\"4\">"
    "<field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"\" start=\"1\" end=\"1\"/>"
    "<field name=\"PF\" start=\"2\" end=\"2\"/><field name=\"AF\" start=\"4\" end=\"4\"/>"
    "<field name=\"ZF\" start=\"6\" end=\"6\"/><field name=\"SF\" start=\"7\" end=\"7\"/>"
    "<field name=\"TF\" start=\"8\" end=\"8\"/><field name=\"IF\" start=\"9\" end=\"9\"/>"
    "<field name=\"DF\" start=\"10\" end=\"10\"/><field name=\"OF\" start=\"11\" end=\"11\"/>"
    "<field name=\"NT\" start=\"14\" end=\"14\"/><field name=\"RF\" start=\"16\" end=\"16\"/>"
    "<field name=\"VM\" start=\"17\" end=\"17\"/><field name=\"AC\" start=\"18\" end=\"18\"/>"
    "<field name=\"VIF\" start=\"19\" end=\"19\"/><field name=\"VIP\" start=\"20\" end=\"20\"/>"
    "<field name=\"ID\" start=\"21\" end=\"21\"/></flags>";

static const char xml_vectors[] =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/><vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/><vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
    "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
    "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
    "<field name=\"uint128\" type=\"uint128\"/></union>"
    "<flags id=\"i386_mxcsr\" size=\"4\"><field name=\"IE\" start=\"0\" end=\"0\"/><field name=\"DE\" start=\"1\" end=\"1\"/>"
    "<field name=\"ZE\" start=\"2\" end=\"2\"/><field name=\"OE\" start=\"3\" end=\"3\"/>"
    "<field name=\"UE\" start=\"4\" end=\"4\"/><field name=\"PE\" start=\"5\" end=\"5\"/>"
    "<field name=\"DAZ\" start=\"6\" end=\"6\"/><field name=\"IM\" start=\"7\" end=\"7\"/>"
    "<field name=\"DM\" start=\"8\" end=\"8\"/><field name=\"ZM\" start=\"9\" end=\"9\"/>"
    "<field name=\"OM\" start=\"10\" end=\"10\"/><field name=\"UM\" start=\"11\" end=\"11\"/>"
    "<field name=\"PM\" start=\"12\" end=\"12\"/><field name=\"FZ\" start=\"15\" end=\"15\"/></flags>";

static gpointer make_xml(gpointer architecture)
{
    GString *s = g_string_new("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>");
    g_string_append_printf(s, "<architecture>%s</architecture>", (char *)architecture);
    for (unsigned n = 0; n < G_N_ELEMENTS(regs); n++) {
        const Reg *r = &regs[n];
        if (r->feature) {
            g_string_append_printf(s, "%s<feature name=\"%s\">", n ? "</feature>" : "", r->feature);
            if (n == 0)
                g_string_append(s, xml_flags);
            if (r->kind == REG_XMM)
                g_string_append(s, xml_vectors);
        }
        g_string_append_printf(s, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s/>", r->name,
                r->bytes * 8, r->type, n,
                               r->kind == REG_FPU ? " group=\"float\"" : "");
    }
    g_string_append(s, "</feature></target>");
    return g_string_free(s, FALSE);
}

const char *gdbregs_xml(bool real_mode)
{
    static GOnce i386 = G_ONCE_INIT, i8086 = G_ONCE_INIT;
    return real_mode ? g_once(&i8086, make_xml, "i8086") : g_once(&i386, make_xml, "i386");
}

unsigned gdbregs_count(void)
{
    return G_N_ELEMENTS(regs);
}

unsigned gdbregs_size(unsigned n)
{
    return n < G_N_ELEMENTS(regs) ? regs[n].bytes : 0;
}

/* FXSAVE keeps one bit for each register; gdb wants FSAVE's two: 0 valid, 1 zero, 2 special, 3 empty. SDM 1 8.1.7 */
static uint32_t full_tag(const Fpu *f)
{
    uint32_t tag = 0;
    for (int n = 0; n < 8; n++) {
        unsigned exp = f->reg[n].exp & 0x7fff, t = 0;
        if (!(f->full >> n & 1))
            t = 3;
        else if (exp == 0 && f->reg[n].mant == 0)
            t = 1;
        else if (exp == 0 || exp == 0x7fff || !(f->reg[n].mant >> 63))
            t = 2;
        tag |= t << n * 2;
    }
    return tag;
}

static uint32_t fpu_read(const Fpu *f, unsigned n)
{
    switch (n) {
    case FPU_CTRL: return f->cw;
    case FPU_STAT: return (f->sw & ~0x3800) | f->top << 11;
    case FPU_TAG: return full_tag(f);
    case FPU_ISEG: return f->fcs;
    case FPU_IOFF: return f->fip;
    case FPU_OSEG: return f->fds;
    case FPU_OOFF: return f->fdp;
    default: return f->fop;
    }
}

static void fpu_write(Fpu *f, unsigned n, uint32_t value)
{
    switch (n) {
    case FPU_CTRL: f->cw = value; break;
    case FPU_STAT:
        f->sw = value & ~0x3800;
        f->top = value >> 11 & 7;
        break;
    case FPU_TAG:
        f->full = 0;
        for (int k = 0; k < 8; k++)
            f->full |= (value >> k * 2 & 3) != 3 ? 1 << k : 0;
        break;
    case FPU_ISEG: f->fcs = value; break;
    case FPU_IOFF: f->fip = value; break;
    case FPU_OSEG: f->fds = value; break;
    case FPU_OOFF: f->fdp = value; break;
    default: f->fop = value & 0x7ff; break;
    }
}

static uint32_t read32(const Vcpu *v, const Reg *r)
{
    switch (r->kind) {
    case REG_GPR: return v->gpr[r->n].d;
    case REG_EIP: return v->rip;
    case REG_EFLAGS: return eflags_get(v);
    case REG_SEL: return v->seg[r->n].sel;
    case REG_FPU: return fpu_read(&v->fpu, r->n);
    case REG_MXCSR: return v->fpu.mxcsr;
    case REG_ORIG: return 0xffffffff; /* not in a system call, as far as gdb need know */
    case REG_BASE: return v->seg[r->n].base;
    case REG_CR: return r->n == 0 ? v->cr0 : r->n == 2 ? v->cr2 : r->n == 3 ? v->cr3 : v->cr4;
    default: return v->efer;
    }
}

unsigned gdbregs_read(const Vcpu *v, unsigned n, uint8_t *buf)
{
    if (n >= G_N_ELEMENTS(regs))
        return 0;
    const Reg *r = &regs[n];
    if (r->kind == REG_ST) {
        memcpy(buf, v->fpu.reg[(v->fpu.top + r->n) & 7].bytes, 10);
    } else if (r->kind == REG_XMM) {
        memcpy(buf, v->fpu.xmm[r->n].b, 16);
    } else {
        uint32_t value = GUINT32_TO_LE(read32(v, r));
        memcpy(buf, &value, 4);
    }
    return r->bytes;
}

static void load_selector(Vcpu *v, int seg, uint16_t sel)
{
    Desc d;
    if (v->seg[seg].sel == sel)
        return;
    if (vcpu_realish(v)) {
        seg_set_real(v, seg, sel);
    } else if (seg != S_CS) {
        seg_load(v, seg, sel);
    } else {
        if (!SEL_INDEX(sel) || !desc_read(v, sel, &d) || !desc_is_code(&d) || !desc_present(&d))
            fault_gp0(v);
        seg_set_cs(v, sel, &d, SEL_RPL(sel));
    }
}

static void load_eflags(Vcpu *v, uint32_t value)
{
    /* VM is not changed behind the segments' backs */
    eflags_set_raw(v, (value & ~FL_VM) | FL_1 | (v->flags & FL_VM));
    mmu_update_idx(v);
}

static bool write32(Vcpu *v, const Reg *r, uint32_t value)
{
    switch (r->kind) {
    case REG_GPR: v->gpr[r->n].d = value; break;
    case REG_EIP: v->rip = v->insn_rip = value; v->halted = false; break;
    case REG_EFLAGS: load_eflags(v, value); break;
    case REG_SEL: load_selector(v, r->n, value); break;
    case REG_FPU: fpu_write(&v->fpu, r->n, value); break;
    case REG_MXCSR:
        if (value & ~0xffffu)
            return false;
        v->fpu.mxcsr = value;
        break;
    case REG_ORIG: break;
    case REG_CR:
        switch (r->n) {
        case 0: cr0_write(v, value); break;
        case 2: v->cr2 = value; break;
        case 3: cr3_write(v, value); break;
        default: cr4_write(v, value); break;
        }
        break;
    default: return value == read32(v, r);
    }
    return true;
}

bool gdbregs_write(Vcpu *v, unsigned n, const uint8_t *buf)
{
    jmp_buf here, *outer = v->catch_point;
    uint32_t value;
    volatile bool ok;

    if (n >= G_N_ELEMENTS(regs))
        return false;
    const Reg *r = &regs[n];
    if (r->kind == REG_ST) {
        memcpy(v->fpu.reg[(v->fpu.top + r->n) & 7].bytes, buf, 10);
        return true;
    }
    if (r->kind == REG_XMM) {
        memcpy(v->fpu.xmm[r->n].b, buf, 16);
        return true;
    }
    memcpy(&value, buf, 4);
    v->catch_point = &here;
    if (_setjmp(here))
        ok = false; /* the load would fault */
    else
        ok = write32(v, r, GUINT32_FROM_LE(value));
    v->catch_point = outer;
    vcpu_attention(v, ATTN_EVENT | ATTN_STEP | ATTN_STALE);
    return ok;
}

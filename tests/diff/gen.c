/*
 * The case generator.
 *
 * Instructions are made by walking the opcode maps: a random opcode with random prefixes, ModRM, SIB, displacement and
 * immediate, decoded by Zydis and by our decoder, and kept when both know it (or neither: then it has to be #UD). This reaches
 * every row in every operand form, encodings that no assembler makes included. Then the state is bent so that the
 * instruction does something: base registers are solved for an address worth having, stack and far pointers are given good
 * contents, relative branches are led to labels.
 *
 * Parts: what may run; bytes; memory addresses; contents; state.
 */
#include <string.h>

#include <glib.h>

#include "diff/compare.h"
#include "diff/gen.h"
#include "diff/packed.h"
#include "frontend/decode.h"

struct Gen {
    ZydisDecoder dec32, dec16;
    uint64_t features;
    uint16_t only; /* row, 0 for any */
    bool packed;
};

typedef struct Op {
    ZydisDecodedInstruction z;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    uint8_t bytes[15];
    bool valid;
    uint16_t row;
} Op;

/* What is under construction. */
typedef struct Work {
    Gen *g;
    Rng *r;
    DiffCase *c;
    uint32_t pinned;  /* bit n: register n was solved for */
    unsigned hots;
    uint32_t last_lin; /* linear address the last solved operand goes to */
} Work;

Gen *gen_new(uint64_t features, const char *only)
{
    Gen *g = g_new0(Gen, 1);
    g->features = features;
    ZydisDecoderInit(&g->dec32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    ZydisDecoderInit(&g->dec16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    if (only) {
        for (int i = 1; i < ROW_COUNT; i++)
            if (!g_ascii_strcasecmp(insn_info[i].name, only))
                g->only = i;
        if (!g->only) {
            g_free(g);
            return NULL;
        }
    }
    return g;
}

void gen_free(Gen *g)
{
    g_free(g);
}

void gen_set_packed(Gen *g, bool packed)
{
    g->packed = packed;
}

const ZydisDecoder *gen_decoder(const Gen *g, unsigned code_size)
{
    return code_size == 2 ? &g->dec16 : &g->dec32;
}

/* ---- what may run ---- */

/* Instructions whose result depends on the machine, not on the case: never generated. */
static bool is_foreign(ZydisMnemonic m)
{
    switch (m) {
    case ZYDIS_MNEMONIC_CPUID: case ZYDIS_MNEMONIC_RDTSC: case ZYDIS_MNEMONIC_RDTSCP: case ZYDIS_MNEMONIC_RDPMC:
    case ZYDIS_MNEMONIC_RDRAND: case ZYDIS_MNEMONIC_RDSEED: case ZYDIS_MNEMONIC_RDPID:
    case ZYDIS_MNEMONIC_XGETBV: case ZYDIS_MNEMONIC_XSETBV:
    /* UMIP: Linux emulates some of these for 32-bit code */
    case ZYDIS_MNEMONIC_SGDT: case ZYDIS_MNEMONIC_SIDT: case ZYDIS_MNEMONIC_SLDT: case ZYDIS_MNEMONIC_STR:
    case ZYDIS_MNEMONIC_SMSW:
    /* reach the host's kernel, or are decided by its being in long mode */
    case ZYDIS_MNEMONIC_SYSENTER: case ZYDIS_MNEMONIC_SYSEXIT: case ZYDIS_MNEMONIC_SYSCALL: case ZYDIS_MNEMONIC_SYSRET:
    case ZYDIS_MNEMONIC_VMCALL: case ZYDIS_MNEMONIC_VMMCALL: case ZYDIS_MNEMONIC_MONITORX: case ZYDIS_MNEMONIC_MWAITX:
    case ZYDIS_MNEMONIC_MONITOR: case ZYDIS_MNEMONIC_MWAIT:
        return true;
    default:
        return false;
    }
}

/* Encodings whose meaning differs between vendors: a REP prefix on LOOPcc, PREFETCH of a register. */
static bool is_vendors(const Op *o)
{
    switch (o->z.mnemonic) {
    case ZYDIS_MNEMONIC_LOOPE: case ZYDIS_MNEMONIC_LOOPNE:
        return o->z.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)
               || memchr(o->bytes, 0xf2, 4) || memchr(o->bytes, 0xf3, 4);
    case ZYDIS_MNEMONIC_NOP:
        return o->z.opcode_map == ZYDIS_OPCODE_MAP_0F && o->z.opcode == 0x0d && o->z.raw.modrm.mod == 3;
    default:
        return false;
    }
}

/* REP BSF and REP BSR, which are TZCNT and LZCNT to a host that has those. */
static bool is_newer_scan(const Gen *g, const Op *o)
{
    return (o->z.mnemonic == ZYDIS_MNEMONIC_TZCNT && !(g->features >> F_BMI1 & 1))
           || (o->z.mnemonic == ZYDIS_MNEMONIC_LZCNT && !(g->features >> F_LZCNT & 1));
}

/*
 * #UD whatever follows: how many bytes the CPU wants to see before it says so differs, so these are kept away from where
 * the next byte cannot be fetched.
 */
static bool is_undefined(const Op *o)
{
    return !o->valid || o->z.mnemonic == ZYDIS_MNEMONIC_UD0 || o->z.mnemonic == ZYDIS_MNEMONIC_UD1
           || o->z.mnemonic == ZYDIS_MNEMONIC_UD2;
}

/* A repeated string instruction that overwrites itself: when the CPU notices is its own affair. */
static bool is_repeated(const Op *o)
{
    return o->valid && (o->z.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE));
}

/* Loads a selector from a register, memory or the stack: only as a case's first instruction, with a known selector. */
static bool takes_selector(const Op *o)
{
    switch (o->z.mnemonic) {
    case ZYDIS_MNEMONIC_LAR: case ZYDIS_MNEMONIC_LSL: case ZYDIS_MNEMONIC_VERR: case ZYDIS_MNEMONIC_VERW:
    case ZYDIS_MNEMONIC_LDS: case ZYDIS_MNEMONIC_LES: case ZYDIS_MNEMONIC_LFS: case ZYDIS_MNEMONIC_LGS:
    case ZYDIS_MNEMONIC_LSS: case ZYDIS_MNEMONIC_IRET: case ZYDIS_MNEMONIC_IRETD:
        return true;
    default:
        break;
    }
    if (o->z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
        return true;
    return (o->z.mnemonic == ZYDIS_MNEMONIC_MOV || o->z.mnemonic == ZYDIS_MNEMONIC_POP)
           && o->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER
           && ZydisRegisterGetClass(o->op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
}

static bool may_branch(const Op *o)
{
    return o->z.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE || o->z.mnemonic == ZYDIS_MNEMONIC_IRET
           || o->z.mnemonic == ZYDIS_MNEMONIC_IRETD;
}

/* Decode with both decoders; false when the bytes are not to be used. */
static bool op_decode(Gen *g, unsigned code_size, Op *o)
{
    const ZydisDecoder *d = gen_decoder(g, code_size);
    ZyanStatus s = ZydisDecoderDecodeFull(d, o->bytes, sizeof o->bytes, &o->z, o->op);
    Insn i;
    DecodeResult ours = insn_decode(o->bytes, sizeof o->bytes, code_size, g->features, &i);

    o->row = 0;
    o->valid = ZYAN_SUCCESS(s);
    if (o->valid) {
        if (ours != DECODE_OK || is_foreign(o->z.mnemonic) || is_vendors(o) || is_newer_scan(g, o))
            return false;
        if (o->z.mnemonic == ZYDIS_MNEMONIC_INT && o->z.raw.imm[0].value.u == 0x80)
            return false;
        o->row = i.row;
        return true;
    }
    /* Unknown to Zydis: #UD, if it is not merely long. VEX, EVEX and XOP space is left out, the host may know more. */
    if (s == ZYDIS_STATUS_NO_MORE_DATA || s == ZYDIS_STATUS_INSTRUCTION_TOO_LONG || ours != DECODE_INVALID)
        return false;
    for (unsigned n = 0; n < 6; n++)
        if (o->bytes[n] == 0xc4 || o->bytes[n] == 0xc5 || o->bytes[n] == 0x62 || o->bytes[n] == 0x8f || o->bytes[n] == 0x0f)
            return false;
    return true;
}

/* ---- bytes ---- */

static uint8_t random_modrm(Rng *r)
{
    return rng_percent(r, 55) ? (rng_next(r) & 0x3f) | rng_below(r, 3) << 6 : 0xc0 | (rng_next(r) & 0x3f);
}

void gen_bytes(Rng *r, unsigned code_size, uint8_t b[15])
{
    unsigned n = 0, map = rng_below(r, 100);
    uint64_t k = rng_next(r);

    memset(b, 0, 15);
    if (rng_percent(r, 20))
        b[n++] = 0x66;
    if (rng_percent(r, code_size == 2 ? 20 : 8))
        b[n++] = 0x67;
    if (rng_percent(r, 8))
        b[n++] = "\x26\x2e\x36\x3e\x64\x65"[k % 6];
    if (rng_percent(r, 3))
        b[n++] = 0xf0;
    k >>= 8;
    if (map < 34) { /* one byte */
        uint8_t op = k;
        if ((op & 0xfc) == 0x6c || (op & 0xf4) == 0xa4 || (op >= 0xaa && op <= 0xaf)) { /* string */
            if (rng_percent(r, 70))
                b[n++] = 0xf2 + (k >> 8 & 1);
        } else if (rng_percent(r, 4)) {
            b[n++] = 0xf2 + (k >> 8 & 1);
        }
        b[n++] = op;
    } else if (map < 40) { /* shifts, groups 3-5, stack and string instructions: many forms in few opcodes */
        static const uint8_t often[] = { 0xc0, 0xc1, 0xd0, 0xd1, 0xd2, 0xd3, 0xf6, 0xf7, 0xfe, 0xff, 0x80, 0x81, 0x83, 0x8f,
                                         0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xc8, 0x60, 0x61, 0xff };
        uint8_t op = often[k % sizeof often];
        if (op >= 0xa4 && op <= 0xaf && rng_percent(r, 80))
            b[n++] = 0xf2 + (k >> 8 & 1);
        b[n++] = op;
    } else if (map < 60) { /* x87 */
        b[n++] = 0xd8 | (k & 7);
    } else {
        unsigned prefix = rng_below(r, 8); /* mandatory prefixes */
        if (prefix < 2)
            b[n++] = 0x66;
        else if (prefix < 5)
            b[n++] = 0xf2 + (prefix & 1);
        b[n++] = 0x0f;
        if (map < 66)
            b[n++] = 0x38;
        else if (map < 69)
            b[n++] = 0x3a;
        b[n++] = map < 69 ? k & 0x7f : k;
        if (map < 66 && (k >> 16 & 7) == 0)
            b[n - 1] = 0xf0 | (k & 7);
    }
    b[n++] = random_modrm(r);
    k = rng_next(r);
    if (k & 1) /* small displacements and immediates half of the time */
        k = k & 2 ? k & 0xff00ff00ff00ff00 : (uint64_t)(int8_t)(k >> 8);
    for (; n < 15; n++, k >>= 8)
        b[n] = k;
}

/* ---- memory addresses ---- */

static uint32_t seg_base(uint16_t sel)
{
    return sel & 4 && sel >> 3 < DIFF_LDT ? diff_ldt[sel >> 3].base : 0;
}

/* A linear address worth having. */
static uint32_t pick_linear(Rng *r)
{
    uint32_t k = rng_next(r) >> 8;
    uint32_t in = DIFF_DATA + 64 + k % 7936;
    switch (rng_below(r, 20)) {
    case 0:
    case 1: return DIFF_DATA + 0x1000 - k % 17;                /* across two pages */
    case 2: return DIFF_RO - k % 17;                           /* into the read-only page */
    case 3: return DIFF_RO + k % 4000;
    case 4: return k & 1 ? DIFF_DATA - 1 - k % 16 : DIFF_RO + 0x1000 - k % 17; /* out of and into nothing */
    case 5: return DIFF_STACK + 0xfc0 + k % 128;
    case 6: return k & 0x100 ? DIFF_CODE + k % 0x2000 : k & 0x200 ? DIFF_SMC + k % 0x1000 : (uint32_t)rng_next(r);
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12: return in & ~15u;
    case 13:
    case 14: return in & ~7u;
    case 15:
    case 16: return in & ~3u;
    default: return in;
    }
}

/* An offset in the segment; near its ends now and then. */
static uint32_t pick_offset(Rng *r, uint16_t sel, bool addr16)
{
    uint32_t k = rng_next(r) >> 8, off;

    if (!(sel & 4) || sel >> 3 >= DIFF_LDT) {
        off = pick_linear(r);
    } else {
        const DiffSeg *s = &diff_ldt[sel >> 3];
        uint32_t limit = s->pages ? s->limit << 12 | 0xfff : s->limit;
        if (s->base == 0) {
            off = pick_linear(r);
        } else {
            uint32_t low = s->down ? limit + 1 : 0, high = s->down ? 0x1fff : MIN(limit, 0x1fff);
            switch (rng_below(r, 10)) {
            case 0: off = limit - k % 20; break;
            case 1: off = limit + 1 + k % 20; break;
            case 2: off = k & 1 ? k % 20 : 0u - k % 20; break;
            case 3: off = pick_linear(r) - s->base; break;
            default:
                off = high > low ? low + k % (high - low) : k % 64;
                if (k & 0x800000)
                    off &= ~15u;
                break;
            }
        }
    }
    return addr16 ? off & 0xffff : off;
}

static int gpr_number(ZydisRegister reg)
{
    if (reg == ZYDIS_REGISTER_NONE)
        return -1;
    ZydisRegisterClass class = ZydisRegisterGetClass(reg);
    if (class != ZYDIS_REGCLASS_GPR16 && class != ZYDIS_REGCLASS_GPR32)
        return -1;
    return ZydisRegisterGetId(reg);
}

static uint16_t operand_sel(Work *w, ZydisRegister seg)
{
    static const int order[6] = { 0, 1, 2, 3, 4, 5 };
    int n = seg - ZYDIS_REGISTER_ES;
    return w->c->sel[n >= 0 && n < 6 ? order[n] : 3];
}

/* The 16-bit stack's upper half of ESP must be one that native.c can make. */
static bool stack16(const DiffCase *c)
{
    return c->sel[2] & 4 && !diff_ldt[c->sel[2] >> 3].big;
}

static void set_reg(Work *w, int n, uint32_t value, bool low16)
{
    if (w->pinned & 1u << n)
        return;
    low16 |= n == 4 && stack16(w->c);
    w->c->gpr[n] = low16 ? (w->c->gpr[n] & 0xffff0000u) | (value & 0xffff) : value;
    w->pinned |= 1u << n;
}

/* Bend registers, or the displacement in code, so that operand mem of an instruction hits something; tells where. */
static void solve_memory(Work *w, const Op *o, const ZydisDecodedOperand *op, uint8_t *code, uint32_t want, bool wanted)
{
    DiffCase *c = w->c;
    int base = gpr_number(op->mem.base), index = gpr_number(op->mem.index);
    unsigned width = o->z.address_width;
    bool stack = op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && base == 4;
    bool addr16 = stack ? stack16(c) : width == 16;
    uint16_t sel = operand_sel(w, op->mem.segment);
    uint32_t mask = addr16 ? 0xffff : 0xffffffffu;
    uint32_t off = wanted ? want - seg_base(sel) : pick_offset(w->r, sel, addr16);
    uint32_t disp = op->mem.disp.has_displacement ? (uint32_t)op->mem.disp.value : 0;
    uint32_t scale = index >= 0 ? MAX(op->mem.scale, 1) : 0;

    if (stack && !wanted) {
        uint32_t k = rng_next(w->r) >> 8, b = DIFF_STACK - seg_base(sel);
        switch (rng_below(w->r, 10)) {
        case 0: off = b + k % 12 * (k & 1 ? 4 : 1); break;          /* pushes fault */
        case 1: off = b + 0x2000 - k % 12 * (k & 1 ? 4 : 1); break; /* pops fault */
        case 2: off = b + 0x1000 + k % 16 - 8; break;
        case 3: off = b + k % 0x2000; break;
        case 4: if (k & 1) { off = pick_offset(w->r, sel, addr16); break; } /* fall through */
        default: off = b + 0x200 + (k % 0x1c00 & ~3u); break;
        }
    }
    uint32_t rest = off - disp;
    if (index >= 0 && index != base) {
        if (!(w->pinned & 1u << index) && rng_percent(w->r, 80))
            set_reg(w, index, rng_next(w->r) % 64 - 8, false);
        rest -= c->gpr[index] * scale;
    }
    if (base >= 0 && base == index) {
        if (!(w->pinned & 1u << base) && scale == 1)
            set_reg(w, base, rest / 2, addr16);
    } else if (base >= 0) {
        set_reg(w, base, rest, addr16);
    } else if (o->z.raw.disp.size >= 16) {
        uint32_t d = off - (index >= 0 ? c->gpr[index] * scale : 0);
        memcpy(code + o->z.raw.disp.offset, &d, o->z.raw.disp.size / 8);
        disp = d;
    }
    uint32_t ea = disp;
    if (base >= 0)
        ea += c->gpr[base];
    if (index >= 0)
        ea += c->gpr[index] * scale;
    w->last_lin = seg_base(sel) + (ea & mask);
}

/* ---- contents ---- */

/* Give memory around addr contents of its own; returns where the byte at addr goes, or NULL when no more may be had. */
static uint8_t *hot_at(Work *w, uint32_t addr)
{
    DiffCase *c = w->c;
    if (w->hots == 2)
        return NULL;
    unsigned n = w->hots++;
    c->hot_addr[n] = addr;
    for (unsigned i = 0; i < DIFF_HOT; i += 16)
        rng_chunk(w->r, c->hot[n] + i);
    return c->hot[n];
}

static uint16_t pick_selector(Rng *r)
{
    uint32_t k = rng_next(r) >> 8;
    switch (rng_below(r, 20)) {
    case 0: return k & 3;
    case 1: return 0x28 | (k & 3);
    case 2: return 0x20 | (k & 3);
    case 3: return (0x80 + (k & 0xffff) % 0xff80) & ~4u; /* beyond the GDT */
    case 4: return (DIFF_LDT * 8 + (k & 0xffff) % (0x10000 - DIFF_LDT * 8)) | 4;
    case 5:
    case 6:
    case 7: return 0x28 | 3;
    case 8: return k % DIFF_LDT << 3 | 4 | (k >> 16 & 3);
    default: return DIFF_LDT_SEL(k % DIFF_LDT);
    }
}

/* Where control may go: a label of the case, HLTs elsewhere, or nowhere. */
static uint32_t pick_target(Work *w)
{
    DiffCase *c = w->c;
    uint32_t k = rng_next(w->r) >> 8;
    switch (rng_below(w->r, 12)) {
    case 0: return pick_linear(w->r) | 1u << 29; /* never into the middle of code */
    case 1: return DIFF_CODE + 0x2000 + k % 16;
    case 2:
    case 3:
        if (w->g->packed)
            return packed_hole(k);
        return (c->code_addr - DIFF_CODE < 0x1000 ? DIFF_CODE + 0x1200 : DIFF_CODE) + k % 0xd00;
    default: return c->code_addr + c->code_len + (w->g->packed ? 0 : k % 4);
    }
}

static void put(uint8_t **p, uint32_t value, unsigned size)
{
    memcpy(*p, &value, size);
    *p += size;
}

/* A far pointer to code: selector and offset. */
static uint16_t far_target(Work *w, uint32_t *off)
{
    static const uint8_t code[] = { LDT_CODE16, LDT_CODE32, LDT_CODE16_SHORT, LDT_CODE_X, LDT_ABSENT_CODE };
    uint32_t lin = pick_target(w);
    uint16_t sel;
    unsigned k = rng_below(w->r, 10);

    if (k < 4)
        sel = DIFF_CS32;
    else if (k < 8)
        sel = DIFF_LDT_SEL(code[rng_below(w->r, sizeof code)]);
    else
        sel = pick_selector(w->r);
    *off = lin - seg_base(sel);
    return sel;
}

/* Contents for what the first instruction reads, when random bytes would only fault. */
static void prepare_contents(Work *w, const Op *o, uint8_t *code)
{
    DiffCase *c = w->c;
    unsigned osize = o->z.operand_width == 16 ? 2 : 4;
    uint8_t *p;
    uint32_t off;
    uint16_t sel;

    switch (o->z.mnemonic) {
    case ZYDIS_MNEMONIC_RET:
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD: {
        bool far = o->z.mnemonic != ZYDIS_MNEMONIC_RET || o->z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
        if (stack16(c))
            p = hot_at(w, seg_base(c->sel[2]) + (c->gpr[4] & 0xffff));
        else
            p = hot_at(w, seg_base(c->sel[2]) + c->gpr[4]);
        if (!p)
            return;
        if (!far) {
            put(&p, pick_target(w) - seg_base(c->sel[1]), osize);
            return;
        }
        sel = far_target(w, &off);
        put(&p, off, osize);
        put(&p, sel, osize);
        if (o->z.mnemonic != ZYDIS_MNEMONIC_RET) {
            uint32_t fl = rng_next(w->r) & 0x3f7fd5;
            if (rng_percent(w->r, 90))
                fl &= ~0x100u;
            put(&p, fl & ~0x20000u, osize);
            c->eflags &= ~0x4000u;
        }
        return;
    }
    case ZYDIS_MNEMONIC_JMP:
    case ZYDIS_MNEMONIC_CALL:
        if (o->z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) {
            sel = far_target(w, &off);
            if (o->op[0].type == ZYDIS_OPERAND_TYPE_POINTER) {
                memcpy(code + o->z.raw.imm[0].offset, &off, o->z.raw.imm[0].size / 8);
                memcpy(code + o->z.raw.imm[1].offset, &sel, 2);
            } else if ((p = hot_at(w, w->last_lin))) {
                put(&p, off, osize);
                put(&p, sel, 2);
            }
        } else if (o->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY) {
            if ((p = hot_at(w, w->last_lin)))
                put(&p, pick_target(w) - seg_base(c->sel[1]), osize);
        } else if (o->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && gpr_number(o->op[0].reg.value) >= 0) {
            set_reg(w, gpr_number(o->op[0].reg.value), pick_target(w) - seg_base(c->sel[1]), false);
        }
        return;
    case ZYDIS_MNEMONIC_LDS: case ZYDIS_MNEMONIC_LES: case ZYDIS_MNEMONIC_LFS: case ZYDIS_MNEMONIC_LGS:
    case ZYDIS_MNEMONIC_LSS:
        if ((p = hot_at(w, w->last_lin))) {
            put(&p, rng_int(w->r), osize);
            put(&p, pick_selector(w->r), 2);
        }
        return;
    case ZYDIS_MNEMONIC_LAR: case ZYDIS_MNEMONIC_LSL: case ZYDIS_MNEMONIC_VERR: case ZYDIS_MNEMONIC_VERW:
    case ZYDIS_MNEMONIC_MOV: case ZYDIS_MNEMONIC_POP:
        if (!takes_selector(o))
            break;
        sel = pick_selector(w->r);
        if (o->z.mnemonic != ZYDIS_MNEMONIC_POP) {
            const ZydisDecodedOperand *src = o->z.operand_count_visible > 1 ? &o->op[1] : &o->op[0];
            if (src->type == ZYDIS_OPERAND_TYPE_REGISTER) {
                int n = gpr_number(src->reg.value);
                if (n >= 0) {
                    w->pinned &= ~(1u << n);
                    set_reg(w, n, sel, n == 4 && stack16(c) ? true : rng_percent(w->r, 50));
                }
                return;
            }
        }
        if ((p = hot_at(w, w->last_lin)))
            put(&p, sel, 2);
        return;
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
        if (rng_percent(w->r, 70)) {
            uint32_t k = rng_next(w->r);
            set_reg(w, 2, k & 3 ? (k >> 8 & 15) - (k >> 16 & 1) * 8 : (uint32_t)((int32_t)c->gpr[0] >> 31), false);
            if (o->op[0].size == 8)
                set_reg(w, 0, k >> 8 & 0x3ff, false);
        }
        break;
    case ZYDIS_MNEMONIC_BT: case ZYDIS_MNEMONIC_BTS: case ZYDIS_MNEMONIC_BTR: case ZYDIS_MNEMONIC_BTC:
        if (o->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER && gpr_number(o->op[1].reg.value) >= 0 && rng_percent(w->r, 80))
            set_reg(w, gpr_number(o->op[1].reg.value), rng_below(w->r, 8192) - 4096u, false);
        break;
    default:
        break;
    }
}

/* ---- state ---- */

static void random_fx(Rng *r, DiffFx *fx)
{
    static const uint8_t pc[] = { 0, 2, 3, 3, 1 };
    uint32_t k = rng_next(r);

    memset(fx, 0, sizeof *fx);
    fx->cw = 0x37f;
    if (k & 1) {
        fx->cw = 0x40 | pc[rng_below(r, sizeof pc)] << 8 | (k >> 1 & 3) << 10 | (k >> 3 & 1) << 12;
        fx->cw |= k & 0x30 ? 0x3f : k >> 8 & 0x3f;
    }
    k = rng_next(r);
    fx->sw = (k & 7) << 11;
    if (k & 0x18)
        fx->sw |= k & 0x4700;
    if ((k >> 5 & 7) == 0)
        fx->sw |= k >> 20 & 0x7f;
    if (fx->sw & ~fx->cw & 0x3f) {
        if (rng_percent(r, 75))
            fx->sw &= ~0x3f | fx->cw;
        else
            fx->sw |= 0x8080;
    }
    k = rng_next(r);
    fx->tag = k & 0x300 ? 0xff : k & 0xc00 ? k : 0;
    for (int i = 0; i < 8; i++)
        rng_ext80(r, &fx->st[i].mant, &fx->st[i].exp);
    if ((k >> 12 & 3) == 0) /* MMX values */
        for (int i = 0; i < 8; i++)
            rng_chunk(r, (uint8_t *)&fx->st[i]), fx->st[i].exp = 0xffff;
    for (int i = 0; i < 8; i++)
        fx->st[i].pad[0] = fx->st[i].pad[1] = fx->st[i].pad[2] = 0;
    fx->mxcsr = 0x1f80;
    if (k & 0x10000) {
        fx->mxcsr = k >> 17 & 0x603f;                        /* rounding, sticky flags */
        fx->mxcsr |= rng_percent(r, 60) ? 0x1f80 : rng_next(r) & 0x1f80;
        fx->mxcsr |= rng_percent(r, 25) ? rng_next(r) & 0x8040 : 0; /* FTZ, DAZ */
    }
    for (int i = 0; i < 8; i++)
        rng_chunk(r, (uint8_t *)fx->xmm[i]);
}

static void random_state(Work *w)
{
    DiffCase *c = w->c;
    Rng *r = w->r;
    unsigned mode = rng_below(r, 100);
    if (w->g->packed) /* a page's code is of one size at a time */
        mode = packed_is_16bit(c->index) ? 85 + mode % 15 : mode % 85;
    static const uint16_t flat[6] = { DIFF_DS32, DIFF_CS32, DIFF_DS32, DIFF_DS32, DIFF_DS32, 0 };
    static const uint8_t code32[] = { LDT_CODE32, LDT_CODE_X }, code16[] = { LDT_CODE16, LDT_CODE16, LDT_CODE16_SHORT };
    static const uint8_t stack[] = { LDT_STACK16, LDT_STACK16, 12, 13 };
    uint32_t k;

    for (int i = 0; i < 8; i++)
        c->gpr[i] = rng_percent(r, 25) ? pick_linear(r) : rng_int(r);
    c->gpr[1] = rng_percent(r, 75) ? rng_below(r, 40) : rng_percent(r, 90) ? rng_below(r, 4096) : c->gpr[1];
    k = rng_next(r);
    c->eflags = 0x202 | (k & 0x8d5);
    if (rng_percent(r, 15))
        c->eflags |= 0x400;
    if (rng_percent(r, 4))
        c->eflags |= 0x40000;
    if (rng_percent(r, 2))
        c->eflags |= 0x100;
    if (rng_percent(r, 3))
        c->eflags |= 0x4000;
    if (w->g->packed ? packed_has_id(c->index) : rng_percent(r, 10))
        c->eflags |= 0x200000;
    memcpy(c->sel, flat, sizeof flat);
    c->code_size = 4;
    if (mode >= 65) {
        for (int i = 0; i < 6; i++)
            if (i != 1 && i != 2 && rng_percent(r, 80))
                c->sel[i] = rng_percent(r, 60) ? DIFF_LDT_SEL(LDT_DATA16)
                                               : DIFF_LDT_SEL(LDT_FIRST_DATA + rng_below(r, LDT_LAST_DATA - LDT_FIRST_DATA + 1));
        if (mode >= 85) {
            c->code_size = 2;
            c->sel[1] = DIFF_LDT_SEL(code16[rng_below(r, sizeof code16)]);
        } else if (rng_percent(r, 50)) {
            c->sel[1] = DIFF_LDT_SEL(code32[rng_below(r, sizeof code32)]);
        }
        if (c->code_size == 2 ? rng_percent(r, 80) : rng_percent(r, 40))
            c->sel[2] = DIFF_LDT_SEL(stack[rng_below(r, sizeof stack)]);
        if (rng_percent(r, 5))
            c->sel[rng_below(r, 3) + 3] = 0;
    }
    random_fx(r, &c->fx);
    c->gpr[4] = DIFF_STACK + 0x100 + (rng_next(r) % 0x1e00 & ~3u) - seg_base(c->sel[2]);
    if (stack16(c))
        c->gpr[4] = (uint32_t)diff_esp_high[rng_below(r, DIFF_ESP_HIGHS)] << 16 | (c->gpr[4] & 0xffff);
    if (w->g->packed) {
        c->code_addr = packed_address(c, r);
        return;
    }
    /* Where the code lies: mostly in the middle of a page, also across the two and up to the end of the last. */
    unsigned place = rng_below(r, 12);
    uint32_t off = 0x100 + rng_below(r, 0xd00);
    if (place == 0)
        off = 0x1000 - rng_below(r, 16);
    else if (place == 1)
        off = 0x2000 - 1 - rng_below(r, 24);
    else if (place == 2 && c->sel[1] == DIFF_LDT_SEL(LDT_CODE16_SHORT))
        off = 0x1800 - 1 - rng_below(r, 16);
    if (c->sel[1] == DIFF_LDT_SEL(LDT_CODE16_SHORT) && off > 0x17ff)
        off = 0x17ff; /* IRETQ itself must not fault */
    c->code_addr = DIFF_CODE + off;
    if (place == 3 && c->sel[1] == DIFF_CS32)
        c->code_addr = DIFF_SMC + 0x100 + rng_below(r, 0xe00);
}

/* Away from the ends of pages and segments. */
static void move_code(Work *w)
{
    if (w->c->code_addr < DIFF_SMC && w->g->packed)
        w->c->code_addr = packed_home(w->c);
    else if (w->c->code_addr < DIFF_SMC)
        w->c->code_addr = DIFF_CODE + 0x100 + rng_below(w->r, 0xd00);
}

void gen_case(Gen *g, uint64_t seed, uint64_t index, DiffCase *c)
{
    Rng rng = rng_seed(seed, index);
    Work w = { .g = g, .r = &rng, .c = c };
    Op ops[DIFF_INSNS];
    unsigned want = rng_percent(&rng, 65) ? 1 : 2 + rng_below(&rng, DIFF_INSNS - 2);

    c->seed = seed, c->index = index;
    c->code_len = c->insns = 0;
    c->straight = true;
    c->hot_addr[0] = c->hot_addr[1] = 0;
    random_state(&w);
    for (unsigned n = 0, tries = 0; n < want;) {
        Op *o = &ops[n];
        gen_bytes(&rng, c->code_size, o->bytes);
        if (!op_decode(g, c->code_size, o) || (n && o->valid && takes_selector(o)) || (c->code_addr >= DIFF_SMC && is_repeated(o)) || (!o->valid && rng_percent(&rng, 70))
            || (g->only && n == 0 && o->row != g->only && ++tries < 1000000))
            continue;
        unsigned len = o->valid ? o->z.length : 8;
        uint8_t *code = c->code + c->code_len;
        memcpy(code, o->bytes, len);
        c->start[n] = c->code_len;
        c->row[n] = o->row;
        c->straight &= o->valid && !may_branch(o);
        c->code_len += len;
        c->insns = ++n;
        if (is_undefined(o))
            move_code(&w);
        if (!o->valid)
            break;
        if (diff_row_undefined(o->row))
            want = n;
        for (unsigned i = 0; i < o->z.operand_count; i++)
            if (o->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY
                && (o->op[i].mem.type == ZYDIS_MEMOP_TYPE_MEM || o->op[i].mem.type == ZYDIS_MEMOP_TYPE_AGEN)) {
                w.last_lin = 0;
                solve_memory(&w, o, &o->op[i], code, 0, false);
                if (w.hots < 1 && n == 1 && rng_percent(&rng, 60) && !takes_selector(o)
                    && o->z.meta.branch_type == ZYDIS_BRANCH_TYPE_NONE)
                    hot_at(&w, w.last_lin);
            }
        if (n == 1) {
            prepare_contents(&w, o, code);
            if ((o->z.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE && !o->z.raw.imm[0].is_relative)
                || o->z.mnemonic == ZYDIS_MNEMONIC_IRET || o->z.mnemonic == ZYDIS_MNEMONIC_IRETD)
                want = 1; /* the target it was given is the end of the code as of now */
        }
        /* the displacement may have changed under us */
        memcpy(o->bytes, code, len);
    }
    c->start[c->insns] = c->code_len;
    /* Relative branches: to labels, now that they are known. */
    for (unsigned n = 0; n < c->insns; n++) {
        const Op *o = &ops[n];
        if (!o->valid || !o->z.raw.imm[0].is_relative || !o->z.raw.imm[0].size)
            continue;
        uint32_t next = c->start[n + 1], k = rng_next(&rng) >> 8, target;
        switch (k % 8) {
        case 0:
            target = rng_int(&rng);
            if (target - (uint32_t)-128 < 128 + DIFF_CODE_MAX) /* not into the middle of an instruction */
                target = c->code_len;
            break;
        case 1:
        case 2: target = c->start[k / 8 % (c->insns + 1)]; break;
        default: target = k & 0x8000 ? c->start[n + 1 + k / 8 % (c->insns - n)] : c->code_len; break;
        }
        if (o->z.raw.imm[0].size == 8 && k % 8 == 0) { /* out of the code, not into the middle of it */
            if ((int8_t)target + (int)next >= 0 && (int8_t)target + (int)next < (int)c->code_len)
                target = c->code_len;
            else
                target = (int8_t)target + next;
        }
        if (g->packed && k % 8 == 0 && packed_is_others(c->code_addr + target))
            target = o->z.raw.imm[0].size == 8 ? c->code_len
                                               : packed_hole(k / 8) - c->code_addr;
        uint32_t rel = target - next;
        memcpy(c->code + c->start[n] + o->z.raw.imm[0].offset, &rel, o->z.raw.imm[0].size / 8);
    }
    if (w.hots < 1 && rng_percent(&rng, 20))
        hot_at(&w, DIFF_DATA + 64 + rng_below(&rng, 0x1e00));
    c->eip = c->code_addr - seg_base(c->sel[1]);
    /* Truncate code that would leave the page. */
    uint32_t room = (c->code_addr >= DIFF_SMC ? DIFF_SMC + 0x1000 : DIFF_CODE + 0x2000) - c->code_addr;
    if (c->code_len > room)
        c->code_len = room;
}

void gen_page(int page, uint8_t bytes[4096])
{
    Rng r = rng_seed(0x70616765, page);
    if (diff_pages[page].perm & DIFF_X) {
        memset(bytes, 0xf4, 4096);
        return;
    }
    for (int i = 0; i < 4096; i += 16)
        rng_chunk(&r, bytes + i);
}

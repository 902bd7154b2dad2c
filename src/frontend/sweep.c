/* The sweep. See sweep.h; what each refused entry would do on the host is in docs/sandbox.md. */
#include "frontend/sweep.h"

#include <glib.h>
#include <string.h>

#include "frontend/decode.h"

bool sweep_allows(const SweepRules *rules, uint16_t row, bool f3)
{
    switch (row) {
    case ROW_INVALID:
    /* selectors of the host's */
    case ROW_MOV_SREG: case ROW_PUSH_SREG: case ROW_POP_SREG: case ROW_LDS: case ROW_LES: case ROW_LFS: case ROW_LGS:
    case ROW_LSS: case ROW_JMP_FAR: case ROW_CALL_FAR: case ROW_RET_FAR: case ROW_IRET: case ROW_IRETD:
    /* the x87 environment holds CS and DS */
    case ROW_FNSTENV: case ROW_FLDENV: case ROW_FNSAVE: case ROW_FRSTOR: case ROW_FXSAVE: case ROW_FXRSTOR:
    /* tables of the host's, calls to its kernel, traps that hypervisors tell wrong */
    case ROW_SMSW: case ROW_SGDT: case ROW_SIDT: case ROW_SLDT: case ROW_STR: case ROW_LAR: case ROW_LSL: case ROW_VERR:
    case ROW_VERW: case ROW_SYSENTER: case ROW_SYSEXIT: case ROW_SYSCALL: case ROW_SYSRET: case ROW_INT1: case ROW_RDPMC:
    case ROW_MONITOR: case ROW_MWAIT:
    case ROW_RDTSCP: /* the host's TSC_AUX, while RDTSC may run */
        return false;
    case ROW_CPUID:
        return rules->cpuid_faults;
    case ROW_RDTSC:
        return rules->rdtsc_faults;
    case ROW_BSF: /* the host's TZCNT: see zf_is_dead() */
        return !(f3 && rules->host_bmi1);
    case ROW_BSR:
        return !(f3 && rules->host_lzcnt);
    case ROW_LDMXCSR:
        return !rules->host_mm;
    /* sensitive in principle; with IF set and IOPL 0, as host_can_express() asks, the same on the host */
    case ROW_PUSHF: case ROW_PUSHFD: case ROW_POPF: case ROW_POPFD:
    /* trap at CPL 3 and IOPL 0, always or by a gate's DPL */
    case ROW_INT: case ROW_INT3: case ROW_INTO: case ROW_CLI: case ROW_STI: case ROW_IN: case ROW_OUT: case ROW_INSB:
    case ROW_INSW: case ROW_INSD: case ROW_OUTSB: case ROW_OUTSW: case ROW_OUTSD: case ROW_MOV_CR: case ROW_MOV_DR:
    case ROW_CLTS: case ROW_LMSW: case ROW_LGDT: case ROW_LIDT: case ROW_LLDT: case ROW_LTR: case ROW_HLT: case ROW_INVLPG:
    case ROW_INVD: case ROW_WBINVD: case ROW_RDMSR: case ROW_WRMSR:
        return true;
    default:
        return insn_info[row].class == INNOCUOUS;
    }
}

/* ---- the common instructions of 32-bit code, without the decoder ---- */

enum {
    Q_MODRM = 1, Q_IMM8 = 2, Q_IMM32 = 4, Q_IMM16 = 8, Q_REL8 = 16, Q_REL32 = 32, Q_OK = 64,
    Q_GROUP = 128, /* which of them ModRM tells */
};

#define Q_ALU Q_OK | Q_MODRM, Q_OK | Q_MODRM, Q_OK | Q_MODRM, Q_OK | Q_MODRM, Q_OK | Q_IMM8, Q_OK | Q_IMM32, 0, 0
#define Q_8(x) x, x, x, x, x, x, x, x
#define Q_4(x) x, x, x, x
static const uint8_t quick[256] = {
    /* 00 */ Q_ALU, Q_ALU, Q_ALU, Q_ALU, Q_ALU, Q_ALU, Q_ALU, Q_ALU,
    /* 40 */ Q_8(Q_OK), Q_8(Q_OK), Q_8(Q_OK), Q_8(Q_OK),
    /* 60 */ Q_8(0), Q_OK | Q_IMM32, Q_OK | Q_MODRM | Q_IMM32, Q_OK | Q_IMM8, Q_OK | Q_MODRM | Q_IMM8, Q_4(0),
    /* 70 */ Q_8(Q_OK | Q_REL8), Q_8(Q_OK | Q_REL8),
    /* 80 */ Q_OK | Q_MODRM | Q_IMM8, Q_OK | Q_MODRM | Q_IMM32, 0, Q_OK | Q_MODRM | Q_IMM8, Q_4(Q_OK | Q_MODRM),
    /* 88 */ Q_4(Q_OK | Q_MODRM), 0, Q_OK | Q_MODRM | Q_GROUP, 0, 0,
    /* 90 */ Q_8(Q_OK), Q_OK, Q_OK, 0, 0, 0, 0, 0, 0,
    /* A0 */ Q_8(0), Q_OK | Q_IMM8, Q_OK | Q_IMM32, Q_4(0), 0, 0,
    /* B0 */ Q_8(Q_OK | Q_IMM8), Q_8(Q_OK | Q_IMM32),
    /* C0 */ Q_OK | Q_MODRM | Q_IMM8, Q_OK | Q_MODRM | Q_IMM8, Q_OK | Q_IMM16, Q_OK, 0, 0,
    /* C6 */ Q_OK | Q_MODRM | Q_IMM8 | Q_GROUP, Q_OK | Q_MODRM | Q_IMM32 | Q_GROUP, 0, Q_OK, 0, 0, Q_OK, 0 /* INT: copies leave it out */, 0, 0,
    /* D0 */ Q_4(Q_OK | Q_MODRM), 0, 0, 0, 0, Q_8(0),
    /* E0 */ Q_8(0), Q_OK | Q_REL32, Q_OK | Q_REL32, 0, Q_OK | Q_REL8, Q_4(0),
    /* F0 */ Q_4(0), Q_OK, Q_OK, 0, 0, Q_4(Q_OK), Q_OK, Q_OK, Q_OK | Q_MODRM | Q_GROUP, Q_OK | Q_MODRM | Q_GROUP,
};

/* ModRM, SIB and displacement; 32-bit addresses. SDM 2A table 2-2 */
static unsigned modrm_len(const uint8_t *p)
{
    unsigned mod = p[0] >> 6, rm = p[0] & 7;
    if (mod == 3)
        return 1;
    unsigned len = 1 + (rm == 4) + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
    if (mod == 0 && (rm == 4 ? (p[1] & 7) == 5 : rm == 5))
        len += 4;
    return len;
}

static bool group_has(uint8_t opcode, uint8_t modrm)
{
    unsigned reg = modrm >> 3 & 7;
    switch (opcode) {
    case 0x8d: return modrm < 0xc0;
    case 0xc6: case 0xc7: return reg == 0;
    case 0xfe: return reg < 2;
    default: return reg != 3 && reg != 5 && reg != 7; /* FF: not the far ones */
    }
}

/* True: bytes begin with an allowed instruction of every CPU, now in *out. At least SWEEP_INSN_MAX bytes are there. */
static bool quick_peek(const uint8_t *bytes, InsnPeek *out)
{
    unsigned q = quick[bytes[0]], len = 1;
    if (bytes[0] == 0x0f && (bytes[1] & 0xf0) == 0x80) { /* Jcc */
        q = Q_OK | Q_REL32;
        len = 2;
    } else if (bytes[0] == 0x0f && ((bytes[1] & 0xf6) == 0xb6 || (bytes[1] & 0xf0) == 0x90 || bytes[1] == 0xaf)) {
        q = Q_OK | Q_MODRM; /* MOVZX, MOVSX, SETcc, IMUL */
        len = 2;
    }
    if (!q || ((q & Q_GROUP) && !group_has(bytes[0], bytes[1])))
        return false;
    if (q & Q_MODRM)
        len += modrm_len(bytes + len);
    out->jumps = q & (Q_REL8 | Q_REL32);
    int32_t rel = (int8_t)bytes[len];
    if (q & Q_REL32)
        memcpy(&rel, bytes + len, 4);
    len += (q & (Q_IMM8 | Q_REL8) ? 1 : 0) + (q & Q_IMM16 ? 2 : 0) + (q & (Q_IMM32 | Q_REL32) ? 4 : 0);
    out->len = len;
    out->target = rel + len;
    return true;
}

/* ---- any instruction ---- */

/* These opcodes have ModRM values that no CPU knows or will: #UD on the host too; and XBEGIN where the host has none. */
static bool undefined_everywhere(const SweepRules *rules, const uint8_t *bytes, const InsnPeek *p)
{
    if (p->rtm)
        return !rules->host_rtm;
    return !p->known && (bytes[0] >= 0xfe || bytes[0] == 0xc6 || bytes[0] == 0xc7 || bytes[0] == 0x8d);
}

/* Does it write ZF whatever its operands, and not read it? */
static bool writes_zf(const InsnPeek *p)
{
    switch (p->row) {
    case ROW_ADD: case ROW_OR: case ROW_ADC: case ROW_SBB: case ROW_AND: case ROW_SUB: case ROW_XOR: case ROW_CMP: case ROW_TEST:
    case ROW_INC: case ROW_DEC: case ROW_NEG: case ROW_BSF: case ROW_BSR: case ROW_XADD: case ROW_CMPXCHG:
        return true;
    default:
        return false;
    }
}

/* Does it leave all flags alone, as in line goes on? Only the common ones. */
static bool ignores_flags(const InsnPeek *p)
{
    switch (p->row) {
    case ROW_MOV: case ROW_MOVZX8: case ROW_MOVZX16: case ROW_MOVSX8: case ROW_MOVSX16: case ROW_LEA: case ROW_PUSH: case ROW_POP:
    case ROW_XCHG: case ROW_NOT: case ROW_NOP: case ROW_BSWAP: case ROW_CDQ: case ROW_CWDE: case ROW_SHL: case ROW_SHR: case ROW_SAR:
    case ROW_SHLD: case ROW_SHRD: case ROW_BT: case ROW_BTS: case ROW_BTR: case ROW_BTC: case ROW_IMUL: case ROW_MUL: case ROW_ROL:
    case ROW_ROR: /* these change flags, perhaps ZF, but read none */
        return true;
    default:
        return false;
    }
}

/*
 * F3 BSF on a host with BMI1 is TZCNT, and compilers write it everywhere. By the manual BSF leaves its destination undefined
 * when the source is 0, and all flags but ZF: so the two differ in ZF alone, and not even there where it is written again
 * before it is read.
 */
static bool zf_is_dead(const SweepRules *rules, const uint8_t *bytes, unsigned n, unsigned code_size)
{
    enum { FAR_ENOUGH = 12 };
    for (unsigned k = 0; k < FAR_ENOUGH && n > 0; k++) {
        InsnPeek p;
        if (insn_peek(bytes, MIN(n, SWEEP_INSN_MAX), code_size, rules->features, &p) != DECODE_OK)
            return false;
        if (writes_zf(&p))
            return true;
        if (!ignores_flags(&p))
            return false;
        bytes += p.len;
        n -= p.len;
    }
    return false;
}

/*
 * ENTER of more than one level copies pointers to frames, perhaps over others that it has yet to copy. Stopped in the middle by a page that is
 * not mapped it has done so already when it is tried again.
 */
static bool is_deep_enter(const uint8_t *bytes, const InsnPeek *p)
{
    enum { LEVELS = 31 };
    return p->row == ROW_ENTER && (bytes[p->len - 1] & LEVELS) > 1;
}

Look sweep_look(const SweepRules *rules, const uint8_t *bytes, unsigned n, unsigned code_size, InsnPeek *p)
{
    /* Those of one byte are so in 16-bit code, too. */
    if (n >= SWEEP_INSN_MAX && (code_size == 4 || quick[bytes[0]] == Q_OK) && quick_peek(bytes, p))
        return LOOK_OK;
    switch (insn_peek(bytes, MIN(n, SWEEP_INSN_MAX), code_size, rules->features, p)) {
    case DECODE_OK:
        if (p->row == ROW_BSF && p->f3 && zf_is_dead(rules, bytes + p->len, n - p->len, code_size))
            return LOOK_OK;
        return sweep_allows(rules, p->row, p->f3) && !is_deep_enter(bytes, p) ? LOOK_OK : LOOK_REFUSED;
    case DECODE_MORE: return LOOK_MORE;
    case DECODE_TOO_LONG: return LOOK_TRAPS;
    default: return undefined_everywhere(rules, bytes, p) ? LOOK_TRAPS : LOOK_REFUSED;
    }
}

/* Tried with every byte next, and three kinds of bytes behind it. */
bool sweep_tail_allowed(const SweepRules *rules, const uint8_t *bytes, unsigned n, unsigned code_size)
{
    uint8_t full[SWEEP_INSN_MAX];
    static const uint8_t fill[] = {0x00, 0xc0, 0x1f};
    memcpy(full, bytes, n);
    for (unsigned k = 0; k < G_N_ELEMENTS(fill); k++) {
        memset(full + n, fill[k], SWEEP_INSN_MAX - n);
        for (unsigned next = 0; next < 256; next++) {
            InsnPeek p;
            full[n] = next;
            if (sweep_look(rules, full, SWEEP_INSN_MAX, code_size, &p) == LOOK_REFUSED)
                return false;
        }
    }
    return true;
}

static bool refuse(Sweep *s, unsigned offset, unsigned row)
{
    if (!s->refused) {
        s->refused = true;
        s->bad = offset;
        s->bad_row = row;
    }
    return false;
}

static void mark(Sweep *s, unsigned offset)
{
    s->start[offset / 64] |= 1ull << (offset % 64);
}

static void goes_on(Sweep *s, unsigned offset)
{
    s->grew |= !(s->tails >> offset & 1);
    s->tails |= 1u << offset;
}

/* In line from offset to what was seen before or the end. Branches within the page go to todo, a bit per byte. */
static bool line(Sweep *s, const SweepRules *rules, const uint8_t *page, unsigned offset, uint64_t *todo, bool *more)
{
    while (offset < SWEEP_PAGE && !sweep_saw(s, offset)) {
        unsigned n = SWEEP_PAGE - offset;
        InsnPeek p;
        mark(s, offset);
        switch (sweep_look(rules, page + offset, n, s->code_size, &p)) {
        case LOOK_REFUSED:
            return refuse(s, offset, p.row);
        case LOOK_TRAPS:
            offset++;
            continue;
        case LOOK_MORE:
            s->grew |= !(s->crosses >> n & 1);
            s->crosses |= 1u << n;
            return true;
        case LOOK_OK:
            break;
        }
        int64_t to = (int64_t)offset + p.target;
        if (p.jumps && to >= 0 && to < (int64_t)SWEEP_PAGE && !sweep_saw(s, to)) {
            todo[to / 64] |= 1ull << (to % 64);
            *more = true;
        }
        offset += p.len;
        if (offset >= SWEEP_PAGE)
            goes_on(s, offset - SWEEP_PAGE);
    }
    return true;
}

bool sweep_from(Sweep *s, const SweepRules *rules, const uint8_t *page, unsigned offset, unsigned code_size)
{
    uint64_t todo[SWEEP_PAGE / 64] = {0};
    bool more = false;

    if (!s->code_size)
        s->code_size = code_size;
    if (s->refused || s->code_size != code_size)
        return false;
    if (!line(s, rules, page, offset, todo, &more))
        return false;
    while (more) {
        more = false;
        for (unsigned w = 0; w < G_N_ELEMENTS(todo); w++)
            while (todo[w]) {
                unsigned to = w * 64 + __builtin_ctzll(todo[w]);
                todo[w] &= todo[w] - 1;
                if (!line(s, rules, page, to, todo, &more))
                    return false;
            }
    }
    return true;
}

/* ---- what lies before the first known instruction ---- */

enum { HEAD_TRIES = SWEEP_INSN_MAX, HEAD_ENDS = 0xffff };

typedef struct Head {
    uint16_t tries[SWEEP_PAGE]; /* which of the tries lead through here, a bit each */
    uint16_t next[SWEEP_PAGE];  /* the next instruction in line; HEAD_ENDS: this one is not allowed */
} Head;

/* Do instructions in line from offset lead to one that was seen, all of them allowed? The first that is not: *bad, *row. */
static bool leads_to_known(Head *h, const Sweep *s, const SweepRules *rules, const uint8_t *page, unsigned try, unsigned *bad, unsigned *row)
{
    unsigned offset = try;
    while (offset < SWEEP_PAGE && !sweep_saw(s, offset)) {
        if (!h->tries[offset]) {
            InsnPeek p;
            Look found = sweep_look(rules, page + offset, SWEEP_PAGE - offset, s->code_size, &p);
            h->next[offset] = found == LOOK_OK ? offset + p.len : found == LOOK_TRAPS ? offset + 1 : HEAD_ENDS;
            if (h->next[offset] == HEAD_ENDS) {
                *bad = offset;
                *row = p.row;
            }
        }
        h->tries[offset] |= 1u << try;
        offset = h->next[offset];
    }
    return offset < SWEEP_PAGE;
}

/*
 * Where the first whole instruction begins is not known, so all offsets are tried. Soon they come together: what all of them lead through
 * are the page's instructions, whose branches count. Those of what one try alone takes for instructions may lead anywhere.
 */
bool sweep_head(Sweep *s, const SweepRules *rules, const uint8_t *page)
{
    if (s->refused)
        return false;
    Head h;
    unsigned bad = 0, row = ROW_INVALID, good = 0;
    memset(h.tries, 0, sizeof h.tries);
    for (unsigned try = 0; try < HEAD_TRIES; try++)
        if (leads_to_known(&h, s, rules, page, try, &bad, &row))
            good |= 1u << try;
    if (!good)
        return refuse(s, bad, row);
    unsigned offset = __builtin_ctz(good);
    while (!sweep_saw(s, offset) && (h.tries[offset] & good) != good)
        offset = h.next[offset];
    return sweep_saw(s, offset) || sweep_from(s, rules, page, offset, s->code_size);
}

/* The instruction that begins n bytes before the page's end. */
static bool pair_crossing(const Sweep *s, const SweepRules *rules, const uint8_t *page, unsigned n, Sweep *next, const uint8_t *next_page)
{
    uint8_t bytes[SWEEP_INSN_MAX * 2];
    InsnPeek p;
    memcpy(bytes, page + SWEEP_PAGE - n, n);
    memcpy(bytes + n, next_page, SWEEP_INSN_MAX);
    switch (sweep_look(rules, bytes, n + SWEEP_INSN_MAX, s->code_size, &p)) {
    case LOOK_TRAPS: return true;
    case LOOK_OK: return p.len <= n || sweep_from(next, rules, next_page, p.len - n, s->code_size);
    default: return false;
    }
}

bool sweep_pair(const Sweep *s, const SweepRules *rules, const uint8_t *page, Sweep *next, const uint8_t *next_page)
{
    if (s->refused || next->refused)
        return false;
    for (unsigned n = 0; s->tails >> n; n++)
        if ((s->tails >> n & 1) && !sweep_saw(next, n) && !sweep_from(next, rules, next_page, n, s->code_size))
            return false;
    for (unsigned n = 1; s->crosses >> n; n++)
        if ((s->crosses >> n & 1) && !pair_crossing(s, rules, page, n, next, next_page))
            return false;
    return true;
}

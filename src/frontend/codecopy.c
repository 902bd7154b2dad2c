/* Copies of code. See codecopy.h. */
#include "frontend/codecopy.h"

#include <glib.h>
#include <string.h>

#define HLT 0xf4
#define CS_OVERRIDE 0x2e

typedef struct Todo {
    uint64_t known[SWEEP_PAGE / 64], guess[SWEEP_PAGE / 64];
    bool more;
} Todo;

/* The first byte that is no legacy prefix. SDM 2A 2.1.1 */
static unsigned skip_prefixes(const uint8_t *bytes, unsigned n, bool *cs)
{
    unsigned k = 0;
    *cs = false;
    for (; k < n - 1; k++) {
        switch (bytes[k]) {
        case CS_OVERRIDE: *cs = true; continue;
        case 0x26: case 0x36: case 0x3e: case 0x64: case 0x65: case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3: continue;
        default: return k;
        }
    }
    return k;
}

/* Does execution not go on in line behind it? */
static bool ends_line(const uint8_t *bytes, unsigned n)
{
    bool cs;
    unsigned k = skip_prefixes(bytes, n, &cs);
    uint8_t reg = k + 1 < n ? bytes[k + 1] >> 3 & 7 : 0;
    switch (bytes[k]) {
    case 0xe9: case 0xeb: case 0xea: /* JMP */
    case 0xc2: case 0xc3: case 0xca: case 0xcb: case 0xcf: /* RET, IRET */
    case HLT:
        return true;
    case 0xff: return reg == 4 || reg == 5;
    case 0x0f: return k + 1 < n && bytes[k + 1] == 0x0b; /* UD2 */
    default: return false;
    }
}

/*
 * Of what the sweep allows: may it run from a copy? What traps anyway may as well be HLT (which traps faster than INT n). A
 * CS override reads where the copies are.
 */
static bool runs(const uint8_t *bytes, const InsnPeek *p)
{
    bool cs;
    switch (p->row) {
    case ROW_INVALID: /* not told: one of the commonest */
    case ROW_NOP: case ROW_PUSHF: case ROW_PUSHFD: case ROW_POPF: case ROW_POPFD: case ROW_RDTSC: case ROW_INT3: case ROW_INTO:
        return true;
    default:
        skip_prefixes(bytes, p->len, &cs);
        return insn_info[p->row].class == INNOCUOUS && (!cs || p->jumps);
    }
}

/* At most SWEEP_INSN_MAX bytes from offset, those of the next page behind those of this one. */
static unsigned gather(const uint8_t *page, const uint8_t *next_page, unsigned offset, uint8_t *out)
{
    unsigned n = MIN(SWEEP_PAGE - offset, SWEEP_INSN_MAX);
    memcpy(out, page + offset, n);
    if (next_page && n < SWEEP_INSN_MAX) {
        memcpy(out + n, next_page, SWEEP_INSN_MAX - n);
        n = SWEEP_INSN_MAX;
    }
    return n;
}

static void put(uint64_t *set, unsigned offset)
{
    set[offset / 64] |= 1ull << (offset % 64);
}

/* In line from offset on. An instruction that goes on beyond the page counts as harmless here; copy_write() looks again. */
static void line(CodeCopy *c, const SweepRules *rules, const uint8_t *page, unsigned offset, bool known, Todo *todo)
{
    const uint8_t done = known ? COPY_KNOWN : COPY_SEEN;
    while (offset < SWEEP_PAGE && !(c->at[offset] & done)) {
        const uint8_t *bytes = page + offset;
        unsigned n = SWEEP_PAGE - offset;
        InsnPeek p = {.row = ROW_INVALID};
        Look found = sweep_look(rules, bytes, n, c->code_size, &p);
        c->at[offset] |= COPY_SEEN | (known ? COPY_KNOWN : 0);
        if (found == LOOK_MORE) {
            c->at[offset] = (c->at[offset] & ~COPY_LEN) | COPY_LEN;
            return;
        }
        if (found == LOOK_OK && runs(bytes, &p))
            c->at[offset] = (c->at[offset] & ~COPY_LEN) | p.len;
        else if (known)
            c->at[offset] |= COPY_TRAP;
        if (found == LOOK_TRAPS || (found == LOOK_REFUSED && !(known && p.known)))
            return;
        int64_t to = (int64_t)offset + p.target;
        if (p.jumps && to >= 0 && to < (int64_t)SWEEP_PAGE && !(c->at[to] & done)) {
            put(known ? todo->known : todo->guess, to);
            todo->more = true;
        }
        bool ends = ends_line(bytes, MIN(n, p.len));
        offset += p.len;
        if (ends) {
            if (!known)
                continue;
            if (offset < SWEEP_PAGE) {
                put(todo->guess, offset);
                todo->more = true;
            }
            return;
        }
    }
}

static void lines(CodeCopy *c, const SweepRules *rules, const uint8_t *page, uint64_t *set, bool known, Todo *todo)
{
    for (unsigned w = 0; w < SWEEP_PAGE / 64; w++)
        while (set[w]) {
            unsigned offset = w * 64 + __builtin_ctzll(set[w]);
            set[w] &= set[w] - 1;
            line(c, rules, page, offset, known, todo);
        }
}

void copy_extend(CodeCopy *c, const SweepRules *rules, const uint8_t *page, unsigned offset)
{
    Todo todo = {.more = true};
    put(todo.known, offset);
    while (todo.more) {
        todo.more = false;
        lines(c, rules, page, todo.known, true, &todo);
        if (!todo.more)
            lines(c, rules, page, todo.guess, false, &todo);
    }
}

/* Does an instruction that must not run begin within the len bytes from offset, not counting the first? */
static bool hides_trap(const CodeCopy *c, const CodeCopy *next, unsigned offset, unsigned len)
{
    for (unsigned k = offset + 1; k < offset + len; k++)
        if (k < SWEEP_PAGE ? c->at[k] & COPY_TRAP : !next || (next->at[k - SWEEP_PAGE] & COPY_TRAP))
            return true;
    return false;
}

/* Of what must not run: would it run on the host without a trace? What loads a selector is found out at the next stop. */
static bool is_silent(const uint8_t *bytes, unsigned n, const InsnPeek *p)
{
    bool cs;
    unsigned k = skip_prefixes(bytes, n, &cs);
    switch (p->row) {
    case ROW_INVALID:
        return p->known;
    case ROW_MOV_SREG:
        return bytes[k] == 0x8c;
    case ROW_LDS: case ROW_LES: case ROW_LFS: case ROW_LGS: case ROW_LSS: case ROW_POP_SREG: case ROW_JMP_FAR: case ROW_CALL_FAR:
    case ROW_RET_FAR: case ROW_IRET: case ROW_IRETD: case ROW_SYSENTER: case ROW_SYSCALL:
    case ROW_ENTER: /* shows nothing */
        return false;
    default:
        return insn_info[p->row].class != PRIVILEGED;
    }
}

/* Would control that arrives at offset, within an instruction in dst, meet what must not run, or what the page has not? */
static bool is_hazard(const CodeCopy *c, const SweepRules *rules, const uint8_t *page, const uint8_t *dst, unsigned offset)
{
    unsigned n = SWEEP_PAGE - offset;
    InsnPeek p = {.row = ROW_INVALID};
    switch (sweep_look(rules, dst + offset, n, c->code_size, &p)) {
    case LOOK_OK: return memcmp(dst + offset, page + offset, p.len) != 0; /* its last bytes are HLTs of ours */
    case LOOK_REFUSED: return is_silent(dst + offset, n, &p);
    case LOOK_MORE: return !sweep_tail_allowed(rules, dst + offset, n, c->code_size);
    default: return false;
    }
}

/* Take the instruction at offset out of dst, but for bytes that others in it have too. True: there are such. */
static bool take_out(const uint8_t *page, uint8_t *in, uint8_t *dst, unsigned offset)
{
    unsigned len = in[offset], from = offset < SWEEP_INSN_MAX ? 0 : offset - SWEEP_INSN_MAX;
    bool shared = false;
    memset(dst + offset, HLT, len);
    in[offset] = 0;
    for (unsigned k = from; k < offset + len; k++)
        if (in[k] && k + in[k] > offset) {
            memcpy(dst + k, page + k, in[k]);
            shared = true;
        }
    return shared;
}

/*
 * Take out of dst what makes it less than exact. in: lengths of the instructions in it, by offset. What arrives within an instruction
 * goes on behind it, so from the end to the beginning is enough, unless instructions overlap.
 */
static void make_exact(const CodeCopy *c, const SweepRules *rules, const uint8_t *page, uint8_t *in, uint8_t *dst)
{
    bool again = true;
    while (again) {
        again = false;
        for (unsigned offset = SWEEP_PAGE; offset-- > 0;)
            for (unsigned k = 1; k < in[offset]; k++)
                if (is_hazard(c, rules, page, dst, offset + k) && take_out(page, in, dst, offset))
                    again = true;
    }
}

unsigned copy_write(const CodeCopy *c, const SweepRules *rules, const uint8_t *page, const CodeCopy *next, const uint8_t *next_page,
                    unsigned head, uint8_t *dst)
{
    unsigned tail = 0;
    uint8_t in[SWEEP_PAGE] = {0};
    memset(dst, HLT, SWEEP_PAGE);
    memcpy(dst, page, head);
    for (unsigned offset = 0; offset < SWEEP_PAGE; offset++) {
        unsigned len = c->at[offset] & COPY_LEN;
        if (!len || (c->at[offset] & (COPY_TRAP | COPY_KNOWN)) != COPY_KNOWN)
            continue;
        if (offset > SWEEP_PAGE - SWEEP_INSN_MAX) { /* it may depend on the next page, which may have changed */
            uint8_t bytes[SWEEP_INSN_MAX];
            unsigned n = gather(page, next ? next_page : NULL, offset, bytes);
            InsnPeek p = {.row = ROW_INVALID};
            if (sweep_look(rules, bytes, n, c->code_size, &p) != LOOK_OK || !runs(bytes, &p))
                continue;
            len = p.len;
        }
        if (hides_trap(c, next, offset, len))
            continue;
        unsigned here = MIN(len, SWEEP_PAGE - offset);
        if (c->exact && here < len)
            continue;
        in[offset] = len;
        memcpy(dst + offset, page + offset, here);
        tail = MAX(tail, len - here);
    }
    if (c->exact)
        make_exact(c, rules, page, in, dst);
    return tail;
}

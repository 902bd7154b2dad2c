/* Copies of code. See codecopy.h. */
#include "frontend/codecopy.h"

#include <glib.h>
#include <string.h>

#define HLT 0xf4
#define CALL 0xe8
#define CS_OVERRIDE 0x2e

/* How certain it is that an instruction begins somewhere. */
typedef enum Level { GUESS, KNOWN, SURE, LEVELS } Level;

typedef struct Todo {
    uint64_t set[LEVELS][SWEEP_PAGE / 64];
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

typedef enum Way {
    WAY_ON,     /* in line */
    WAY_FORKS,  /* in line, or elsewhere; or a call, which need not return */
    WAY_ENDS,   /* not in line; behind INT3 and UD2 some compilers put data for whoever handles the exception */
} Way;

/* Where execution goes on. */
static Way way_of(const uint8_t *bytes, unsigned n)
{
    bool cs;
    unsigned k = skip_prefixes(bytes, n, &cs);
    uint8_t next = k + 1 < n ? bytes[k + 1] : 0, reg = next >> 3 & 7;
    switch (bytes[k]) {
    case 0xe9: case 0xeb: case 0xea: /* JMP */
    case 0xc2: case 0xc3: case 0xca: case 0xcb: case 0xcf: /* RET, IRET */
    case 0xcc: /* INT3 */
    case HLT:
        return WAY_ENDS;
    case 0xe8: case 0x9a: /* CALL */
    case 0xe0: case 0xe1: case 0xe2: case 0xe3: /* LOOP, JECXZ */
    case 0xce: /* INTO */
        return WAY_FORKS;
    case 0xff: return reg == 4 || reg == 5 ? WAY_ENDS : reg == 2 || reg == 3 ? WAY_FORKS : WAY_ON;
    case 0x0f: return next == 0x0b ? WAY_ENDS /* UD2 */ : (next & 0xf0) == 0x80 ? WAY_FORKS : WAY_ON;
    default: return (bytes[k] & 0xf0) == 0x70 ? WAY_FORKS : WAY_ON;
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

/* What may not run from a copy: does it, done otherwise, lead in line? Not what raises an exception, or calls the kernel. */
static bool leads_on(Look found, const InsnPeek *p)
{
    switch (p->row) {
    case ROW_INVALID: case ROW_SYSENTER: case ROW_SYSCALL: case ROW_INT1:
        return false;
    default:
        return found == LOOK_REFUSED;
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

static void later(Todo *todo, Level level, unsigned offset)
{
    todo->set[level][offset / 64] |= 1ull << (offset % 64);
    todo->more = true;
}

/* In line from offset on. An instruction that goes on beyond the page counts as harmless here; copy_write() looks again. */
static void line(CodeCopy *c, const SweepRules *rules, const uint8_t *page, unsigned offset, Level level, Todo *todo)
{
    static const uint8_t marks[LEVELS] = {COPY_SEEN, COPY_SEEN | COPY_KNOWN, COPY_SEEN | COPY_KNOWN | COPY_SURE};
    while (offset < SWEEP_PAGE && (c->at[offset] & marks[level]) != marks[level]) {
        const uint8_t *bytes = page + offset;
        unsigned n = SWEEP_PAGE - offset;
        InsnPeek p = {.row = ROW_INVALID};
        Look found = sweep_look(rules, bytes, n, c->code_size, &p);
        c->at[offset] |= marks[level];
        if (found == LOOK_MORE) {
            c->at[offset] = (c->at[offset] & ~COPY_LEN) | COPY_LEN;
            return;
        }
        bool in = found == LOOK_OK && runs(bytes, &p);
        if (in)
            c->at[offset] = (c->at[offset] & ~COPY_LEN) | p.len;
        else if (level > GUESS)
            c->at[offset] |= COPY_TRAP;
        if (found == LOOK_TRAPS || (found == LOOK_REFUSED && !(level > GUESS && p.known)))
            return;
        Way way = way_of(bytes, MIN(n, p.len));
        Level fork = c->exact ? level : MIN(level, KNOWN); /* an exact copy is right wherever control arrives */
        int64_t to = (int64_t)offset + p.target;
        if (p.jumps && to >= 0 && to < (int64_t)SWEEP_PAGE)
            later(todo, way == WAY_ENDS || bytes[0] == CALL ? level : fork, to);
        offset += p.len;
        if (way == WAY_ENDS && level > GUESS) {
            if (offset < SWEEP_PAGE)
                later(todo, GUESS, offset);
            return;
        }
        if (way == WAY_FORKS || (!in && !leads_on(found, &p)))
            level = fork;
    }
}

static void lines(CodeCopy *c, const SweepRules *rules, const uint8_t *page, Level level, Todo *todo)
{
    uint64_t *set = todo->set[level];
    for (unsigned w = 0; w < SWEEP_PAGE / 64; w++)
        while (set[w]) {
            unsigned offset = w * 64 + __builtin_ctzll(set[w]);
            set[w] &= set[w] - 1;
            line(c, rules, page, offset, level, todo);
        }
}

void copy_extend(CodeCopy *c, const SweepRules *rules, const uint8_t *page, unsigned offset)
{
    Todo todo = {0};
    later(&todo, SURE, offset);
    while (todo.more) {
        todo.more = false;
        for (int level = SURE; level >= GUESS && !todo.more; level--)
            lines(c, rules, page, level, &todo);
    }
}

/* Does an instruction that must not run begin within the len bytes from offset, not counting the first? What is sure does not give way to what is not. */
static bool hides_trap(const CodeCopy *c, const CodeCopy *next, unsigned offset, unsigned len)
{
    const uint8_t marks = COPY_TRAP | (c->at[offset] & COPY_SURE);
    for (unsigned k = offset + 1; k < offset + len; k++) {
        if (k >= SWEEP_PAGE && !next)
            return true;
        uint8_t at = k < SWEEP_PAGE ? c->at[k] : next->at[k - SWEEP_PAGE];
        if ((at & marks) == marks)
            return true;
    }
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

/* A copy that is being written. */
typedef struct Draft {
    const CodeCopy *c;
    const SweepRules *rules;
    const uint8_t *page;
    unsigned head;          /* bytes of an instruction of the page before */
    uint8_t in[SWEEP_PAGE]; /* lengths of the instructions in it, by offset */
    uint8_t *dst;
} Draft;

/* Would control that arrives at offset, within an instruction in the copy, meet what the page has not, or (in an exact one) what must not run? */
static bool is_hazard(const Draft *d, unsigned offset)
{
    const uint8_t *here = d->dst + offset, *page = d->page + offset;
    unsigned n = SWEEP_PAGE - offset;
    InsnPeek p = {.row = ROW_INVALID};
    switch (sweep_look(d->rules, here, n, d->c->code_size, &p)) {
    case LOOK_OK: return memcmp(here, page, p.len) != 0; /* its last bytes are HLTs of ours */
    case LOOK_REFUSED: return is_silent(here, n, &p) && (d->c->exact || memcmp(here, page, p.len) != 0);
    case LOOK_MORE: return !d->c->exact || !sweep_tail_allowed(d->rules, here, n, d->c->code_size);
    default: return false;
    }
}

/*
 * May control arrive within the instruction at offset, and go wrong? In an exact copy it may anywhere; else where another instruction is
 * sure to begin, and anywhere in what is not sure to be an instruction.
 */
static bool is_hazardous(const Draft *d, unsigned offset)
{
    bool sure = !d->c->exact && (d->c->at[offset] & COPY_SURE);
    unsigned end = MIN(offset + d->in[offset], SWEEP_PAGE), reach = end + SWEEP_INSN_MAX;
    if (!d->c->exact && !sure && reach <= SWEEP_PAGE && !memcmp(d->dst + offset, d->page + offset, reach - offset))
        return false; /* the commonest: the page is all there, that far */
    for (unsigned k = offset + 1; k < end; k++)
        if (sure ? (d->c->at[k] & COPY_SURE) && !d->in[k] : is_hazard(d, k))
            return true;
    return false;
}

static void put_in(Draft *d, unsigned offset)
{
    memcpy(d->dst + offset, d->page + offset, MIN(d->in[offset], SWEEP_PAGE - offset));
}

/* Take the instruction at offset out, but for bytes that others in the copy have too. True: there are such. */
static bool take_out(Draft *d, unsigned offset)
{
    unsigned end = MIN(offset + d->in[offset], SWEEP_PAGE), from = offset < SWEEP_INSN_MAX ? 0 : offset - SWEEP_INSN_MAX;
    bool shared = false;
    memset(d->dst + offset, HLT, end - offset);
    d->in[offset] = 0;
    memcpy(d->dst, d->page, d->head);
    for (unsigned k = from; k < end; k++)
        if (d->in[k] && k + d->in[k] > offset) {
            put_in(d, k);
            shared = true;
        }
    return shared;
}

/*
 * Take out all in which control may arrive and go wrong. What arrives within an instruction goes on behind it, so from the end to the
 * beginning is enough, unless instructions overlap.
 */
static void take_out_hazards(Draft *d)
{
    bool again = true;
    while (again) {
        again = false;
        for (unsigned offset = SWEEP_PAGE; offset-- > 0;)
            if (d->in[offset] > 1 && is_hazardous(d, offset) && take_out(d, offset))
                again = true;
    }
}

/* The length of the instruction at offset; 0: it may not run. That may depend on the next page, which may have changed. */
static unsigned last_len(const Draft *d, const uint8_t *next_page, unsigned offset)
{
    uint8_t bytes[SWEEP_INSN_MAX];
    unsigned n = gather(d->page, next_page, offset, bytes);
    InsnPeek p = {.row = ROW_INVALID};
    return sweep_look(d->rules, bytes, n, d->c->code_size, &p) == LOOK_OK && runs(bytes, &p) ? p.len : 0;
}

unsigned copy_write(const CodeCopy *c, const SweepRules *rules, const uint8_t *page, const CodeCopy *next, const uint8_t *next_page,
                    unsigned head, uint8_t *dst)
{
    Draft d = {.c = c, .rules = rules, .page = page, .head = head, .dst = dst};
    unsigned tail = 0;
    memset(dst, HLT, SWEEP_PAGE);
    memcpy(dst, page, head);
    for (unsigned offset = 0; offset < SWEEP_PAGE; offset++) {
        unsigned len = c->at[offset] & COPY_LEN;
        if (!len || (c->at[offset] & (COPY_TRAP | COPY_KNOWN)) != COPY_KNOWN)
            continue;
        if (offset > SWEEP_PAGE - SWEEP_INSN_MAX)
            len = last_len(&d, next ? next_page : NULL, offset);
        if (!len || hides_trap(c, next, offset, len))
            continue;
        if (offset + len > SWEEP_PAGE && (c->exact || !(c->at[offset] & COPY_SURE)))
            continue;
        d.in[offset] = len;
        put_in(&d, offset);
    }
    take_out_hazards(&d);
    for (unsigned offset = SWEEP_PAGE - SWEEP_INSN_MAX; offset < SWEEP_PAGE; offset++)
        tail = MAX(tail, offset + d.in[offset]);
    return tail - MIN(tail, SWEEP_PAGE);
}

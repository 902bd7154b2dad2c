/*
 * String instructions: MOVS, STOS, LODS, CMPS, SCAS, alone and repeated.
 *
 * A repeated instruction updates its registers after every element, so a fault or an interrupt finds them right and RIP
 * still at the instruction (SDM 2B REP). Long runs of MOVS, STOS and LODS within a page go at host speed.
 */
#include "cpu/handlers.h"
#include "cpu/hostflags.h"
#include "softmmu/storelog.h"

/* Add delta to SI, DI or CX, as wide as the address size. */
static inline void reg_add(Vcpu *v, const Insn *i, int reg, int64_t delta)
{
    if (i->asize == 2)
        v->gpr[reg].w += delta;
    else
        v->gpr[reg].q = (uint32_t)(v->gpr[reg].d + delta);
}

static inline uint32_t reg_get(const Vcpu *v, const Insn *i, int reg)
{
    return v->gpr[reg].d & i->amask;
}

static inline int step_of(const Vcpu *v, unsigned size)
{
    return v->flags & FL_DF ? -(int)size : (int)size;
}

/* Must the instruction stop after every element? Single-step and data breakpoints trap between them. SDM 3B 17.2 */
static inline bool one_at_a_time(const Vcpu *v)
{
    return (v->flags & FL_TF) || (v->dr[7] & 0xff);
}

/* More elements remain: run on, or leave with RIP at the instruction? */
static inline bool leave_repeat(Vcpu *v)
{
    bool asked = __atomic_load_n(&v->attention, __ATOMIC_RELAXED);
    if (G_UNLIKELY(v->log != NULL))
        asked = storelog_repeat(v->log, asked);
    if (G_LIKELY(!asked && !one_at_a_time(v)))
        return false;
    v->rip = v->insn_rip;
    if (v->dr[7] & 0xff)
        v->flags |= FL_RF; /* coming back is not another arrival at an instruction breakpoint */
    return true;
}

/*
 * How many elements from offset ea of seg may be touched with no check in between: up to max, within the page and the
 * segment's fast limit, ascending. 0: do it the careful way.
 */
static unsigned run_length(Vcpu *v, const Insn *i, int seg, uint32_t ea, unsigned size, unsigned max, bool write)
{
    const Seg *s = &v->seg[seg];
    unsigned room = (PAGE_SIZE - ((s->base + ea) & ~PAGE_MASK)) / size;
    uint64_t n = MIN(max, room);
    uint64_t last = (uint64_t)ea + n * size - 1;
    if (n == 0 || (int64_t)last > (write ? s->write_max : s->read_max) || last > i->amask)
        return 0;
    return n;
}

static inline Hva run_host(Vcpu *v, int seg, uint32_t ea, unsigned bytes, int access)
{
    return lin_host(v, (v->seg[seg].base + ea) & v->lin_mask, bytes, access);
}

/*
 * Overlapping upwards, a pattern fill: each element is read whole before the next is written. The host's own REP MOVS,
 * because a loop of memcpy() says to the compiler that nothing overlaps.
 */
static void copy_pattern(Hva to, Hva from, unsigned size, size_t n)
{
    if (size == 1)
        asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    else if (size == 2)
        asm volatile("rep movsw" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    else
        asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* As many elements of a repeated MOVS as go at once; 0: none. */
static unsigned movs_run(Vcpu *v, const Insn *i, unsigned size, unsigned count)
{
    uint32_t si = reg_get(v, i, R_SI), di = reg_get(v, i, R_DI);
    if ((v->flags & FL_DF) || one_at_a_time(v))
        return 0;
    unsigned n = run_length(v, i, i->seg, si, size, count, false);
    n = n ? run_length(v, i, S_ES, di, size, n, true) : 0;
    if (n < 2)
        return 0;
    Hva from = run_host(v, i->seg, si, n * size, ACCESS_READ);
    Hva to = from ? run_host(v, S_ES, di, n * size, ACCESS_WRITE) : NULL;
    if (!to)
        return 0;
    if (to > from && to < from + n * size)
        copy_pattern(to, from, size, n);
    else
        memmove(to, from, n * size);
    reg_add(v, i, R_SI, n * size);
    reg_add(v, i, R_DI, n * size);
    return n;
}

#define COMPARE(N, suffix)                                                                                             \
    static inline void compare##N(Vcpu *v, uint##N##_t a, uint##N##_t b)                                               \
    {                                                                                                                  \
        uint32_t ax;                                                                                                   \
        asm("cmp" suffix " %[b], %[a]" FLAGS_OUT : "=&a"(ax) : [a] "r"(a), [b] "r"(b) : "cc");                         \
        v->cc = ax;                                                                                                    \
    }

COMPARE(8, "b")
COMPARE(16, "w")
COMPARE(32, "l")

/* The low `size` bytes of value, n times. */
static void fill(Hva to, uint32_t value, unsigned size, size_t n)
{
    if (size == 1)
        memset(to, value, n);
    else if (size == 2)
        asm volatile("rep stosw" : "+D"(to), "+c"(n) : "a"(value) : "memory");
    else
        asm volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(value) : "memory");
}

static unsigned stos_run(Vcpu *v, const Insn *i, unsigned size, unsigned count)
{
    uint32_t di = reg_get(v, i, R_DI);
    if ((v->flags & FL_DF) || one_at_a_time(v))
        return 0;
    unsigned n = run_length(v, i, S_ES, di, size, count, true);
    Hva to = n < 2 ? NULL : run_host(v, S_ES, di, n * size, ACCESS_WRITE);
    if (!to)
        return 0;
    fill(to, v->gpr[R_AX].d, size, n);
    reg_add(v, i, R_DI, n * size);
    return n;
}

/* As many bytes of REPNE SCASB as come before the one that is looked for: that is the careful way's, and so is the last. */
static unsigned scas_run(Vcpu *v, const Insn *i, unsigned size, unsigned count)
{
    uint32_t di = reg_get(v, i, R_DI);
    if (size != 1 || i->rep != REP_F2 || (v->flags & FL_DF) || one_at_a_time(v))
        return 0;
    unsigned n = run_length(v, i, S_ES, di, 1, count - 1, false);
    Hva from = n < 2 ? NULL : run_host(v, S_ES, di, n, ACCESS_READ);
    if (!from)
        return 0;
    Hva found = memchr(from, v->gpr[R_AX].b.l, n);
    n = found ? found - from : n;
    if (n)
        compare8(v, v->gpr[R_AX].b.l, from[n - 1]); /* the next may fault */
    reg_add(v, i, R_DI, n);
    return n;
}

static unsigned no_run(Vcpu *v, const Insn *i, unsigned size, unsigned count)
{
    return 0;
}

/* Run `once` by the REP prefix: any of F3 and F2 repeats MOVS, STOS and LODS. */
#define REPEAT(name, N, run)                                                                                           \
    static void name##_repeat##N(Vcpu *v, const Insn *i)                                                               \
    {                                                                                                                  \
        uint32_t count;                                                                                                \
        while ((count = reg_get(v, i, R_CX)) != 0) {                                                                   \
            unsigned n = run(v, i, N / 8, count);                                                                      \
            if (n == 0) {                                                                                              \
                name##_once##N(v, i);                                                                                  \
                n = 1;                                                                                                 \
            }                                                                                                          \
            reg_add(v, i, R_CX, -(int64_t)n);                                                                          \
            if (count != n && leave_repeat(v))                                                                         \
                return;                                                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_any##N(Vcpu *v, const Insn *i)                                                                  \
    {                                                                                                                  \
        if (i->rep)                                                                                                    \
            name##_repeat##N(v, i);                                                                                    \
        else                                                                                                           \
            name##_once##N(v, i);                                                                                      \
    }

/* CMPS and SCAS stop on ZF: REPE (F3) while equal, REPNE (F2) while different. */
#define REPEAT_COMPARE(name, N, run)                                                                                   \
    static void name##_any##N(Vcpu *v, const Insn *i)                                                                  \
    {                                                                                                                  \
        if (!i->rep) {                                                                                                 \
            name##_once##N(v, i);                                                                                      \
            return;                                                                                                    \
        }                                                                                                              \
        uint32_t count;                                                                                                \
        while ((count = reg_get(v, i, R_CX)) != 0) {                                                                   \
            unsigned n = run(v, i, N / 8, count);                                                                      \
            reg_add(v, i, R_CX, -(int64_t)n);                                                                          \
            name##_once##N(v, i);                                                                                      \
            reg_add(v, i, R_CX, -1);                                                                                   \
            bool equal = v->cc & CC_ZF;                                                                                \
            if (reg_get(v, i, R_CX) == 0 || equal != (i->rep == REP_F3) || leave_repeat(v))                            \
                return;                                                                                                \
        }                                                                                                              \
    }

#define STRING(N, suffix)                                                                                              \
    static inline void movs_once##N(Vcpu *v, const Insn *i)                                                            \
    {                                                                                                                  \
        mem_write##N(v, S_ES, reg_get(v, i, R_DI), mem_read##N(v, i->seg, reg_get(v, i, R_SI)));                       \
        reg_add(v, i, R_SI, step_of(v, N / 8));                                                                        \
        reg_add(v, i, R_DI, step_of(v, N / 8));                                                                        \
    }                                                                                                                  \
    static inline void stos_once##N(Vcpu *v, const Insn *i)                                                            \
    {                                                                                                                  \
        mem_write##N(v, S_ES, reg_get(v, i, R_DI), v->gpr[R_AX].q);                                                    \
        reg_add(v, i, R_DI, step_of(v, N / 8));                                                                        \
    }                                                                                                                  \
    static inline void lods_once##N(Vcpu *v, const Insn *i)                                                            \
    {                                                                                                                  \
        uint##N##_t value = mem_read##N(v, i->seg, reg_get(v, i, R_SI));                                               \
        memcpy(&v->gpr[R_AX], &value, sizeof value);                                                                   \
        reg_add(v, i, R_SI, step_of(v, N / 8));                                                                        \
    }                                                                                                                  \
    static inline void cmps_once##N(Vcpu *v, const Insn *i)                                                            \
    {                                                                                                                  \
        uint##N##_t b = mem_read##N(v, S_ES, reg_get(v, i, R_DI)); /* first, as processors do: its fault is the one told */ \
        uint##N##_t a = mem_read##N(v, i->seg, reg_get(v, i, R_SI));                                                   \
        compare##N(v, a, b);                                                                                           \
        reg_add(v, i, R_SI, step_of(v, N / 8));                                                                        \
        reg_add(v, i, R_DI, step_of(v, N / 8));                                                                        \
    }                                                                                                                  \
    static inline void scas_once##N(Vcpu *v, const Insn *i)                                                            \
    {                                                                                                                  \
        compare##N(v, v->gpr[R_AX].q, mem_read##N(v, S_ES, reg_get(v, i, R_DI)));                                      \
        reg_add(v, i, R_DI, step_of(v, N / 8));                                                                        \
    }                                                                                                                  \
    REPEAT(movs, N, movs_run)                                                                                          \
    REPEAT(stos, N, stos_run)                                                                                          \
    REPEAT(lods, N, no_run)                                                                                            \
    REPEAT_COMPARE(cmps, N, no_run)                                                                                    \
    REPEAT_COMPARE(scas, N, scas_run)

STRING(8, "b")
STRING(16, "w")
STRING(32, "l")

#define HANDLER(name, target)                                                                                          \
    void name(Vcpu *v, const Insn *i)                                                                                  \
    {                                                                                                                  \
        target(v, i);                                                                                                  \
    }
HANDLER(op_movsb, movs_any8)
HANDLER(op_movsw, movs_any16)
HANDLER(op_movsd_string, movs_any32)
HANDLER(op_stosb, stos_any8)
HANDLER(op_stosw, stos_any16)
HANDLER(op_stosd, stos_any32)
HANDLER(op_lodsb, lods_any8)
HANDLER(op_lodsw, lods_any16)
HANDLER(op_lodsd, lods_any32)
HANDLER(op_cmpsb, cmps_any8)
HANDLER(op_cmpsw, cmps_any16)
HANDLER(op_cmpsd_string, cmps_any32)
HANDLER(op_scasb, scas_any8)
HANDLER(op_scasw, scas_any16)
HANDLER(op_scasd, scas_any32)

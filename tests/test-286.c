/*
 * The interpreter and the translator, without shadow windows and with all code by them, against records of a real 80286.
 *
 * Each case of the files *.MOO.gz in $SHARED/vectors/80286-real is one instruction in real mode, with the registers and
 * the memory before and after. Where a 386 or later differs from a 286, known-286.def says so, row by row, with the
 * reason; the program counts how often each row was needed, and a row never needed is an error too.
 */
#include <string.h>

#include <glib.h>

#include "cpu/cpu.h"
#include "moo.h"
#include "softmmu/window.h"
#include "tcache/tcache.h"

typedef struct Case {
    const MooTest *t;
    uint8_t op;      /* first opcode byte after the prefixes */
    uint8_t modrm;
    unsigned prefixes;
    bool lock;
    /* results */
    uint16_t flags_diff;
    unsigned regs_diff; /* bit per MOO_*, FLAGS left out */
    bool memory_diff;
    Exit exit;
} Case;

/* Instructions before which a 386 allows LOCK: read-modify-write, destination in memory. SDM 2A LOCK */
static bool is_lockable(const Case *c)
{
    unsigned reg = c->modrm >> 3 & 7;
    if (c->modrm >= 0xc0)
        return false;
    if (c->op < 0x38)
        return (c->op & 7) < 2;
    switch (c->op) {
    case 0x80: case 0x81: case 0x82: case 0x83: return reg != 7;
    case 0x86: case 0x87: return true;
    case 0xf6: case 0xf7: return reg == 2 || reg == 3;
    case 0xfe: case 0xff: return reg < 2;
    default: return false;
    }
}

static unsigned modrm_reg(const Case *c)
{
    return c->modrm >> 3 & 7;
}

static bool is_string(const Case *c)
{
    return (c->op >= 0xa4 && c->op <= 0xaf && c->op != 0xa8 && c->op != 0xa9) || (c->op >= 0x6c && c->op <= 0x6f);
}

/* Is an operand on the stack, or addressed by BP or with an SS prefix? */
static bool uses_ss(const Case *c)
{
    unsigned mod = c->modrm >> 6, rm = c->modrm & 7;
    static const uint8_t stack[] = { 0x07, 0x17, 0x1f, 0x8f, 0x9d, 0xc2, 0xc3, 0xc9, 0xca, 0xcb, 0xcf };
    if (memchr(stack, c->op, sizeof stack) || (c->op >= 0x58 && c->op <= 0x61))
        return true;
    for (unsigned n = 0; n < c->prefixes; n++)
        if (c->t->bytes[n] == 0x36)
            return true;
    return mod != 3 && (rm == 2 || rm == 3 || (rm == 6 && mod != 0));
}

enum { ONLY_FLAGS = -2, NO_EXCEPTION = -1 };

typedef struct Known {
    const char *name, *reason;
    bool (*applies)(const Case *c);
    uint16_t flags;   /* flags that may differ */
    int instead;      /* what happens on a 386: ONLY_FLAGS, NO_EXCEPTION, or the vector of an exception */
} Known;

#define KNOWN(name, cond, flags, instead, reason)                                                                      \
    static bool known_##name(const Case *c)                                                                            \
    {                                                                                                                  \
        return cond;                                                                                                   \
    }
#include "known-286.def"
#undef KNOWN

static const Known known[] = {
#define KNOWN(name, cond, flags, instead, reason)  { #name, reason, known_##name, flags, instead },
#include "known-286.def"
#undef KNOWN
    { NULL, NULL, NULL, 0, ONLY_FLAGS },
};

typedef enum Engine { ENGINE_INTERP, ENGINE_TRANSLATE, ENGINE_WINDOWS } Engine;

enum { TB_BYTES = 16 << 20 };
enum { FLAGS_286 = 0xfd5, RAM_SIZE = 16 << 20, REAL_MODE_END = 0x110000 };

typedef struct Machine {
    Bus *mem, *io;
    Ram *ram;
    Vcpu *v;
    uint64_t cases, equal, differ;
    uint64_t used[G_N_ELEMENTS(known)];
    unsigned shown;
} Machine;

/* Ports as the recording had them: nothing there. */
static Machine *machine_new(Engine engine)
{
    Machine *m = g_new0(Machine, 1);
    m->mem = bus_new("memory", 1ull << 36, NULL);
    m->io = bus_new("io", 0x10000, NULL);
    m->ram = ram_new(RAM_SIZE, NULL);
    g_assert_nonnull(m->ram);
    bus_add_ram(m->mem, "ram", 0, RAM_SIZE, m->ram->host, 0, 0);
    m->v = vcpu_new(cpu_model_find("486"), m->mem, m->io, m->ram);
    if (engine != ENGINE_INTERP) {
        g_autoptr(GError) error = NULL;
        tcache_new(m->v, TB_BYTES, &error);
        g_assert_no_error(error);
        if (engine == ENGINE_WINDOWS)
            g_assert_true(tcache_set_window(m->v->tcache, TCACHE_WINDOW_ALL, 0, NULL));
    }
    return m;
}

static Exit run(Machine *m, unsigned insns)
{
    return m->v->tcache ? tcache_run(m->v, insns) : interp_run(m->v, insns);
}

static void machine_free(Machine *m)
{
    tcache_free(m->v->tcache);
    vcpu_free(m->v);
    bus_free(m->mem);
    bus_free(m->io);
    ram_free(m->ram);
    g_free(m);
}

static void poke(Machine *m, uint32_t addr, uint8_t value)
{
    if (addr >= RAM_SIZE)
        return;
    ram_written(m->ram, addr, 1);
    m->ram->host[addr] = value;
}

static void clear(Machine *m)
{
    ram_written(m->ram, 0, REAL_MODE_END);
    memset(m->ram->host, 0, REAL_MODE_END);
}

/* Where each of the file's registers lives: general registers by number, else segments. */
static const int8_t gpr_of[MOO_REGS] = { R_AX, R_BX, R_CX, R_DX, -1, -1, -1, -1, R_SP, R_BP, R_SI, R_DI, -1, -1 };
static const int8_t seg_of[MOO_REGS] = { -1, -1, -1, -1, S_CS, S_SS, S_DS, S_ES, -1, -1, -1, -1, -1, -1 };

static void load(Machine *m, const MooTest *t)
{
    Vcpu *v = m->v;
    for (int i = 0; i < MOO_REGS; i++) {
        if (gpr_of[i] >= 0)
            v->gpr[gpr_of[i]].q = t->init.reg[i];
        if (seg_of[i] >= 0)
            seg_set_real(v, seg_of[i], t->init.reg[i]);
    }
    seg_set_real(v, S_FS, 0);
    seg_set_real(v, S_GS, 0);
    v->rip = v->insn_rip = t->init.reg[MOO_IP];
    eflags_set_raw(v, (t->init.reg[MOO_FLAGS] & FLAGS_286));
    v->cr0 = CR0_ET | CR0_NE;
    v->idtr = (TableReg){ 0, 0x3ff };
    v->halted = v->shutdown = v->nmi_blocked = false;
    v->shadow = 0;
    v->delivering = -1;
    cpu_set_cpl(v, 0);
    fpu_init(v);
    if (v->flags & FL_TF)
        vcpu_attention(v, ATTN_STEP);
    for (unsigned i = 0; i < t->init.nram; i++)
        poke(m, t->init.ram[i].addr, t->init.ram[i].value);
}

static uint16_t reg_now(const Vcpu *v, int i)
{
    if (gpr_of[i] >= 0)
        return v->gpr[gpr_of[i]].w;
    if (seg_of[i] >= 0)
        return v->seg[seg_of[i]].sel;
    return i == MOO_IP ? v->rip : eflags_get(v) & 0xffff;
}

static uint16_t reg_wanted(const MooTest *t, int i)
{
    return t->final.mask & 1u << i ? t->final.reg[i] : t->init.reg[i];
}

/* Prefixes, opcode and ModRM. */
static void dissect(Case *c)
{
    unsigned n = 0;
    for (; n + 2 < c->t->len; n++) {
        uint8_t b = c->t->bytes[n];
        if (b != 0x26 && b != 0x2e && b != 0x36 && b != 0x3e && b != 0xf0 && b != 0xf2 && b != 0xf3)
            break;
        c->lock |= b == 0xf0;
    }
    c->prefixes = n;
    c->op = c->t->bytes[n];
    c->modrm = n + 1 < c->t->len ? c->t->bytes[n + 1] : 0;
}

/* The value that memory should hold at addr; false when the case says nothing of it. */
static bool ram_wanted(const MooTest *t, uint32_t addr, uint8_t *value)
{
    for (unsigned i = t->final.nram; i-- > 0;)
        if (t->final.ram[i].addr == addr)
            return *value = t->final.ram[i].value, true;
    for (unsigned i = t->init.nram; i-- > 0;)
        if (t->init.ram[i].addr == addr)
            return *value = t->init.ram[i].value, true;
    return false;
}

static void compare(Machine *m, Case *c)
{
    const MooTest *t = c->t;
    for (int i = 0; i < MOO_FLAGS; i++)
        if (reg_now(m->v, i) != reg_wanted(t, i))
            c->regs_diff |= 1u << i;
    c->flags_diff = (reg_now(m->v, MOO_FLAGS) ^ reg_wanted(t, MOO_FLAGS)) & FLAGS_286;
    /* The record's own address of the pushed FLAGS has bit 0 cleared at times: take SS:SP. */
    uint32_t image = (uint32_t)reg_wanted(t, MOO_SS) * 16 + ((reg_wanted(t, MOO_SP) + 4) & 0xffff);
    const MooState *s[2] = { &t->init, &t->final };
    for (int k = 0; k < 2; k++)
        for (unsigned i = 0; i < s[k]->nram; i++) {
            uint32_t addr = s[k]->ram[i].addr;
            uint8_t want, diff;
            if (addr >= RAM_SIZE || !ram_wanted(t, addr, &want))
                continue;
            diff = m->ram->host[addr] ^ want;
            if (!diff)
                continue;
            if (t->exception && addr == image) {
                c->flags_diff |= diff & FLAGS_286;
            } else if (t->exception && addr == image + 1) {
                c->flags_diff |= diff << 8 & FLAGS_286;
            } else {
                c->memory_diff = true;
            }
        }
}

static void show(Machine *m, const Case *c, const char *file)
{
    const MooTest *t = c->t;
    static const char *const names[] = { "ax", "bx", "cx", "dx", "cs", "ss", "ds", "es", "sp", "bp", "si", "di", "ip", "flags" };
    if (m->shown++ > (g_getenv("MOO_ALL") ? 100000 : 60))
        return;
    GString *s = g_string_new(NULL);
    g_string_append_printf(s, "%s #%u %s [", file, t->index, t->name);
    for (unsigned i = 0; i < t->len; i++)
        g_string_append_printf(s, "%02x", t->bytes[i]);
    g_string_append_printf(s, "]%s exit %d;", t->exception ? " exception" : "", c->exit);
    if (t->exception)
        g_string_append_printf(s, " vector %u;", t->vector);
    for (int i = 0; i < MOO_REGS; i++)
        if (i == MOO_FLAGS ? c->flags_diff : c->regs_diff & 1u << i)
            g_string_append_printf(s, " %s: 80286 %04x, ours %04x (before %04x);", names[i], reg_wanted(t, i), reg_now(m->v, i),
                                   t->init.reg[i]);
    if (c->flags_diff)
        g_string_append_printf(s, " flags differ in %04x;", c->flags_diff);
    if (c->memory_diff)
        g_string_append(s, " memory differs");
    g_test_message("%s", s->str);
    g_string_free(s, TRUE);
}

/*
 * Run the case once more, with an interrupt table of our own in high memory: the exception that the instruction raised, or
 * NO_EXCEPTION. FLAGS, CS and IP on the stack are as a fault leaves them, or the answer is ONLY_FLAGS, which fits nothing.
 */
static int exception_of(Machine *m, const MooTest *t)
{
    enum { TABLE = 0xfe0000, SEGMENT = 0xf000, OFFSET = 0xe000 };
    Vcpu *v = m->v;

    clear(m);
    load(m, t);
    v->idtr = (TableReg){ TABLE, 0x3ff };
    for (unsigned n = 0; n < 32; n++) {
        uint32_t vector = SEGMENT << 16 | (OFFSET + n);
        memcpy(m->ram->host + TABLE + 4 * n, &vector, 4);
        m->ram->host[SEGMENT * 16 + OFFSET + n] = 0xf4;
    }
    run(m, 1);
    int vector = v->seg[S_CS].sel == SEGMENT ? (int)v->rip - OFFSET : NO_EXCEPTION;
    bool repeated = false; /* then elements before the one that faults may be done */
    for (unsigned n = 0; n + 1 < t->len; n++)
        repeated |= (t->bytes[n] & 0xfe) == 0xf2;
    const uint8_t *frame = m->ram->host + v->seg[S_SS].base + v->gpr[R_SP].w;
    if (vector != NO_EXCEPTION
        && (frame[0] != (t->init.reg[MOO_IP] & 0xff) || frame[1] != t->init.reg[MOO_IP] >> 8
            || frame[2] != (t->init.reg[MOO_CS] & 0xff) || v->gpr[R_SP].w != (uint16_t)(t->init.reg[MOO_SP] - 6)
            || (!repeated && (v->gpr[R_SI].w != t->init.reg[MOO_SI] || v->gpr[R_DI].w != t->init.reg[MOO_DI]
                              || v->gpr[R_CX].w != t->init.reg[MOO_CX]))))
        return ONLY_FLAGS;
    return vector;
}

static void run_case(Machine *m, const MooTest *t, const char *file)
{
    Case c = { .t = t };
    dissect(&c);
    load(m, t);
    c.exit = run(m, 100);
    compare(m, &c);
    m->cases++;
    bool equal = !c.flags_diff && !c.regs_diff && !c.memory_diff;
    if (equal) {
        m->equal++;
    } else {
        uint16_t flags = c.flags_diff;
        bool rest = c.regs_diff || c.memory_diff;
        for (const Known *k = known; k->name; k++)
            if (k->applies(&c)
                && (k->instead == ONLY_FLAGS ? flags & k->flags : rest && exception_of(m, t) == k->instead)) {
                m->used[k - known]++;
                flags &= ~k->flags;
                if (k->instead != ONLY_FLAGS)
                    flags = 0, rest = false;
            }
        if (flags || rest) {
            m->differ++;
            show(m, &c, file);
        }
    }
    /* the memory of the next case starts from zero, as the recording's did */
    if (!equal) /* who knows what it wrote */
        clear(m);
    for (unsigned i = 0; i < t->init.nram; i++)
        poke(m, t->init.ram[i].addr, 0);
    for (unsigned i = 0; i < t->final.nram; i++)
        poke(m, t->final.ram[i].addr, 0);
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void test_vectors(gconstpointer engine)
{
    const char *shared = g_getenv("SHARED"), *only = g_getenv("MOO_ONLY");
    char *dir = g_build_filename(shared ? shared : ".", "vectors", "80286-real", NULL);
    GDir *d = g_dir_open(dir, 0, NULL);
    if (!d) {
        char *why = g_strdup_printf("no hardware records: %s is missing (SingleStepTests/80286 goes there; SHARED names the folder)", dir);
        g_test_skip(why);
        g_free(why);
        g_free(dir);
        return;
    }
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(d));)
        if (g_str_has_suffix(name, ".MOO.gz") && (!only || g_str_has_prefix(name, only)))
            g_ptr_array_add(names, g_strdup(name));
    g_dir_close(d);
    g_ptr_array_sort(names, by_name);

    Machine *m = machine_new(GPOINTER_TO_INT(engine));
    for (unsigned n = 0; n < names->len; n++) {
        char *path = g_build_filename(dir, names->pdata[n], NULL);
        GError *error = NULL;
        GPtrArray *tests = moo_read(path, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(tests->len, >, 0);
        for (unsigned i = 0; i < tests->len; i++)
            run_case(m, tests->pdata[i], names->pdata[n]);
        moo_free(tests);
        g_free(path);
    }
    g_test_message("%" G_GUINT64_FORMAT " cases of %u files: %" G_GUINT64_FORMAT " equal, %" G_GUINT64_FORMAT
                   " known differences, %" G_GUINT64_FORMAT " others", m->cases, names->len, m->equal,
                   m->cases - m->equal - m->differ, m->differ);
    for (const Known *k = known; k->name; k++) {
        g_test_message("%8" G_GUINT64_FORMAT " %s: %s", m->used[k - known], k->name, k->reason);
        if (!only)
            g_assert_cmpuint(m->used[k - known], >, 0);
    }
    g_assert_cmpuint(m->differ, ==, 0);
    machine_free(m);
    g_ptr_array_unref(names);
    g_free(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/cpu/80286", GINT_TO_POINTER(ENGINE_INTERP), test_vectors);
    g_test_add_data_func("/cpu/80286/translated", GINT_TO_POINTER(ENGINE_TRANSLATE), test_vectors);
    g_test_add_data_func("/cpu/80286/windows", GINT_TO_POINTER(ENGINE_WINDOWS), test_vectors);
    return g_test_run();
}

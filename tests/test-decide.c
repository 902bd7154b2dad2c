/*
 * The decision, the host's limits and the telling apart of stops: pure functions, each over every state.
 *
 * The expected values are spelled here a second time, from the rules in DESIGN and the SDM, in another form: as the
 * order of rules and as a set of reasons. Segments that are said to be loadable are loaded, by modify_ldt, on this
 * host.
 */
#include "config.h"
#include "decision/hostregs.h"

#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "decision/decide.h"
#include "decision/ldt.h"
#include "decision/stops.h"

enum { FLAT_DATA = SEG_S | SEG_P | SEG_DB | SEG_G | SEG_DPL | SEG_W | SEG_A, FLAT_CODE = FLAT_DATA | SEG_CODE };

static Vcpu *user_state(const CpuModel *model)
{
    Vcpu *v = g_new0(Vcpu, 1);
    v->model = model;
    v->cr0 = CR0_PE | CR0_PG;
    v->cr4 = CR4_OSFXSR;
    v->flags = FL_1 | FL_IF;
    v->cpl = 3;
    for (int n = 0; n < S_COUNT; n++)
        v->seg[n] = (Seg){ .limit = ~0u, .sel = 0x23, .attr = n == S_CS ? FLAT_CODE : FLAT_DATA };
    return v;
}

/* ---- decide ---- */

static void test_decide_all(void)
{
    Vcpu *v = user_state(cpu_model_nth(0));
    unsigned seen[DECIDE_COUNT] = { 0 };

    for (int pe = 0; pe < 2; pe++)
    for (int vm = 0; vm < 2; vm++)
    for (unsigned iopl = 0; iopl < 4; iopl++)
    for (unsigned cpl = 0; cpl < 4; cpl++)
    for (int iff = 0; iff < 2; iff++)
    for (unsigned shadowed = 0; shadowed < 64; shadowed++) {
        v->cr0 = pe ? CR0_PE : 0;
        v->flags = FL_1 | (vm ? FL_VM : 0) | iopl << 12 | (iff ? FL_IF : 0);
        v->cpl = cpl;
        Decision d = decide_with(v, shadowed);
        bool direct = pe && (vm || (iopl < cpl && iff && shadowed == 63));
        g_assert_cmpint(decision_is_direct(d), ==, direct);
        Decision want = !pe ? DECIDE_REAL : vm ? DECIDE_V8086 : iopl >= cpl ? DECIDE_IOPL : !iff ? DECIDE_IF
                        : shadowed != 63 ? DECIDE_SEGMENT : DECIDE_DIRECT;
        g_assert_cmpint(d, ==, want);
        g_assert_nonnull(decision_name(d));
        seen[d]++;
    }
    for (int d = 0; d < DECIDE_COUNT; d++)
        g_assert_cmpuint(seen[d], >, 0);
    g_free(v);
}

/* Nothing but the named state counts. */
static void test_decide_ignores(void)
{
    Vcpu *v = user_state(cpu_model_nth(0));
    for (int bit = 0; bit < 32; bit++) {
        uint32_t flag = 1u << bit;
        if (flag & (FL_VM | FL_IOPL | FL_IF))
            continue;
        v->flags ^= flag;
        g_assert_cmpint(decide_with(v, 63), ==, DECIDE_DIRECT);
        v->flags ^= flag;
    }
    for (int bit = 1; bit < 32; bit++) {
        v->cr0 ^= 1u << bit;
        g_assert_cmpint(decide_with(v, 63), ==, DECIDE_DIRECT);
        v->cr0 ^= 1u << bit;
    }
    g_free(v);
}

/* Segments against descriptors in memory. */
static void test_shadowed(void)
{
    Ram *ram = ram_new(0x10000, NULL);
    Bus *mem = bus_new("memory", 1ull << 32, NULL), *io = bus_new("io", 65536, NULL);
    bus_add_ram(mem, "ram", 0, ram->size, ram->host, 0, 0);
    Vcpu *v = vcpu_new(cpu_model_nth(0), mem, io, ram);
    static const uint32_t gdt[8] = { 0, 0, 0x0000ffff, 0x00cffb00, 0x0000ffff, 0x00cff300, 0x5678ffff, 0x1240f334 };

    memcpy(ram->host + 0x1000, gdt, sizeof gdt);
    v->cr0 = CR0_PE;
    v->flags |= FL_IF;
    v->cpl = 3;
    v->gdtr = (TableReg){ 0x1000, 0x1f };
    v->ldtr.null = true;
    for (int n = 0; n < S_COUNT; n++)
        v->seg[n] = (Seg){ .limit = ~0u, .sel = n == S_CS ? 0x0b : 0x13, .attr = n == S_CS ? FLAT_CODE : FLAT_DATA };
    v->seg[S_GS] = (Seg){ .base = 0x12345678, .limit = 0xffff, .sel = 0x1b, .attr = FLAT_DATA & ~SEG_G };
    g_assert_cmphex(decide_shadowed(v), ==, 63);
    g_assert_cmpint(decide(v), ==, DECIDE_DIRECT);

    v->seg[S_ES].base = 0x10; /* as a segment loaded in real mode has */
    g_assert_cmphex(decide_shadowed(v), ==, 63 & ~(1 << S_ES));
    g_assert_cmpint(decide(v), ==, DECIDE_SEGMENT);
    v->seg[S_ES].null = true; /* nothing to lose */
    g_assert_cmpint(decide(v), ==, DECIDE_DIRECT);

    ram->host[0x1000 + 0x1a] ^= 1; /* the guest changed a descriptor: GS's base */
    g_assert_cmphex(decide_shadowed(v), ==, 63 & ~(1 << S_GS));
    ram->host[0x1000 + 0x1a] ^= 1;
    ram->host[0x1000 + 0x15] &= ~1; /* a clear accessed bit differs from nothing */
    g_assert_cmphex(decide_shadowed(v), ==, 63);
    v->gdtr.limit = 0x1e; /* GS's descriptor is cut */
    g_assert_cmphex(decide_shadowed(v), ==, 63 & ~(1 << S_GS));
    v->gdtr = (TableReg){ 0xffff0000, 0x1f }; /* no memory there */
    g_assert_cmphex(decide_shadowed(v), ==, 1 << S_ES);
    v->gdtr = (TableReg){ 0x1000, 0x1f };
    v->seg[S_FS].sel = 0x0f; /* in the LDT, of which there is none */
    g_assert_cmphex(decide_shadowed(v), ==, 63 & ~(1 << S_FS));
    v->ldtr = (Seg){ .base = 0x1008, .limit = 0x17 };
    v->seg[S_FS].sel = 0x0f;
    g_assert_cmphex(decide_shadowed(v), ==, 63);
    vcpu_free(v);
    bus_free(mem);
    bus_free(io);
    ram_free(ram);
}

/* ---- host_can_express ---- */

static void test_express_all(void)
{
    CpuModel *sse = cpu_model_parse("pentium3", NULL), *plain = cpu_model_parse("pentium", NULL);
    unsigned seen[HOST_LACK_COUNT] = { 0 };
    static const uint32_t flags[] = {
        FL_VM, FL_IOPL & 0x1000, FL_IOPL & 0x2000, FL_IF, FL_VIF, FL_VIP, FL_TF, FL_AC
    };

    g_assert_nonnull(sse);
    g_assert_nonnull(plain);
    for (int m = 0; m < 2; m++) {
        Vcpu *v = user_state(m ? sse : plain);
        for (unsigned f = 0; f < 256; f++)
        for (unsigned cr = 0; cr < 32; cr++)
        for (unsigned cpl = 0; cpl < 4; cpl++)
        for (int debug = 0; debug < 2; debug++)
        for (int bad = 0; bad < 2; bad++) {
            unsigned lacks = 0; /* all that apply, as bits */
            v->flags = FL_1;
            for (int n = 0; n < 8; n++)
                if (f >> n & 1)
                    v->flags |= flags[n];
            v->cr0 = (cr & 1 ? CR0_PE : 0) | (cr & 2 ? CR0_TS : 0) | (cr & 4 ? CR0_EM : 0) | (cr & 8 ? CR0_AM : 0);
            v->cr4 = cr & 16 ? CR4_OSFXSR : 0;
            v->cpl = cpl;
            v->dr[7] = debug ? 0x400 | 1 << (f & 7) : 0x400;
            v->seg[S_GS].attr = bad ? FLAT_CODE | SEG_C : FLAT_DATA;
            lacks |= (v->flags & FL_VM ? 1 : 0) << HOST_LACKS_V8086;
            lacks |= (cpl != 3 || !(cr & 1)) << HOST_LACKS_CPL;
            lacks |= ((f & 6) || !(f & 8) || (f & 0x30)) << HOST_LACKS_FLAGS;
            lacks |= (f >> 6 & 1) << HOST_LACKS_TF;
            lacks |= ((f & 0x80) && !(cr & 8)) << HOST_LACKS_AC;
            lacks |= debug << HOST_LACKS_DEBUG;
            lacks |= bad << HOST_LACKS_SEGMENT;
            HostLack l = host_can_express(v);
            if (!lacks)
                g_assert_cmpint(l, ==, HOST_LACKS_NOTHING);
            else
                g_assert_true(l != HOST_LACKS_NOTHING && (lacks >> l & 1));
            seen[l]++;
        }
        g_free(v);
    }
    for (int l = 0; l < HOST_LACK_COUNT; l++) {
        g_assert_true(seen[l] || l == HOST_LACKS_TIME);
        g_assert_nonnull(host_lack_name(l));
    }
    g_free(sse);
    g_free(plain);
}

/* What control registers switch off is left out of what code may hold, and nothing else is. */
static void test_may_run(void)
{
    CpuModel *model = cpu_model_parse("max", NULL);
    g_assert_nonnull(model);
    Vcpu *v = user_state(model);
    for (unsigned n = 0; n < 8; n++) {
        bool none = n & 1 || n & 4;
        v->cr0 = CR0_PE | (n & 1 ? CR0_EM : 0) | (n & 4 ? CR0_TS : 0);
        v->cr4 = n & 2 ? CR4_OSFXSR : 0;
        uint64_t off = model->features & ~host_may_run(v);
        g_assert_cmpint(off >> F_FPU & off >> F_MMX & 1, ==, none);
        g_assert_cmpint((off >> F_FPU | off >> F_MMX) & 1, ==, none);
        for (unsigned f = F_SSE; f <= F_SSE42; f++)
            g_assert_cmpint(off >> f & 1, ==, none || !(n & 2));
        g_assert_cmpint((off >> F_AES & off >> F_PCLMUL) & 1, ==, none || !(n & 2));
        g_assert_cmphex(off & (1ull << F_386 | 1ull << F_CMOV | 1ull << F_CX8 | 1ull << F_POPCNT | 1ull << F_MOVBE), ==, 0);
        g_assert_cmphex(host_may_run(v) & ~model->features, ==, 0);
    }
    g_free(v);
    g_free(model);
}

/* ---- segments ---- */

typedef unsigned SegShape; /* bits 0-3 type, 4 S, 5 P, 6 DB, 7 L, 8-9 limit, 10 base */

static Seg shape(SegShape n)
{
    static const uint32_t limits[] = { 0, 0xfffff, 0x123fff, 0x123456 };
    return (Seg){ .base = n >> 10 & 1 ? 0x87654321 : 0,
                  .limit = limits[n >> 8 & 3],
                  .sel = 0x23,
                  .attr = (n & 15) | (n & 16 ? SEG_S : 0) | (n & 32 ? SEG_P : 0) | (n & 64 ? SEG_DB : 0)
                          | (n & 128 ? SEG_L : 0) | SEG_DPL };
}

static void test_segments(void)
{
    bool host = true;
    unsigned loaded = 0;
    for (SegShape n = 0; n < 1 << 11; n++) {
        Seg s = shape(n);
        bool code = n & 8, conforming = code && (n & 4), rw = n & 2;
        bool good = (n & 16) && (n & 32) && !(n & 128) && (n >> 8 & 3) != 3 && !conforming;
        for (int r = 0; r < S_COUNT; r++) {
            bool want = good && (r == S_CS ? code : r == S_SS ? !code && rw : !code || rw);
            g_assert_cmpint(ldt_can_hold(&s, r), ==, want);
        }
        Seg null = s;
        null.null = true;
        g_assert_true(ldt_can_hold(&null, S_DS) && ldt_can_hold(&null, S_GS));
        g_assert_false(ldt_can_hold(&null, S_SS) || ldt_can_hold(&null, S_CS));
        if (good && host) {
            struct user_desc d = ldt_desc(&s);
            d.entry_number = 7;
            if (syscall(SYS_modify_ldt, 0x11, &d, sizeof d)) {
                g_test_message("modify_ldt is not allowed here: %s", g_strerror(errno));
                host = false;
                continue;
            }
            /* what the CPU says of it: LAR's type (accessed) and size, LSL's limit */
            uint32_t lar = 0, lsl = 0;
            bool ok;
            __asm__("lar %2, %0; setz %1" : "=r"(lar), "=qm"(ok) : "r"(7 << 3 | 7) : "cc");
            g_assert_true(ok);
            __asm__("lsl %2, %0; setz %1" : "=r"(lsl), "=qm"(ok) : "r"(7 << 3 | 7) : "cc");
            g_assert_true(ok);
            g_assert_cmphex(lar >> 8 & 0xff, ==, (n & 15) | 1 | 0xf0);
            g_assert_cmpint(lar >> 22 & 1, ==, n >> 6 & 1);
            g_assert_cmphex(lsl, ==, s.limit);
            loaded++;
        }
    }
    if (!host)
        g_test_skip("modify_ldt is not allowed here: the rules are tested, the host is not");
    else
        g_assert_cmpuint(loaded, ==, 2 * 3 * 2 * 12); /* bases, limits, DB, the types but conforming ones */
    Seg far = shape(16 | 32 | 2);
    far.base = 1ull << 32;
    g_assert_false(ldt_can_hold(&far, S_DS));
}

static void test_slots(void)
{
    LdtSlots *l = g_new0(LdtSlots, 1);
    bool fresh;
    Seg s = shape(16 | 32 | 2);
    for (int round = 0; round < 2; round++)
        for (int n = 0; n < LDT_SLOTS; n++) {
            s.base = n * 0x1000;
            struct user_desc d = ldt_desc(&s);
            g_assert_cmpint(ldt_slot(l, &d, &fresh), ==, n);
            g_assert_cmpint(fresh, ==, round == 0);
        }
    s.base = 0;
    struct user_desc again = ldt_desc(&s);
    ldt_slot(l, &again, &fresh);
    g_assert_false(fresh);
    s.base = 0x999000;
    struct user_desc d = ldt_desc(&s);
    g_assert_cmpint(ldt_slot(l, &d, &fresh), ==, 1); /* the oldest now */
    g_assert_true(fresh);
    g_assert_cmpint(l->desc[1].entry_number, ==, 1);
    g_assert_cmphex(l->desc[1].base_addr, ==, 0x999000);
    g_free(l);
}

/* ---- stops ---- */

typedef struct StopCase {
    int sig, code;
    uint64_t addr;
    bool rf;
    int exit; /* -1: not ours */
    uint8_t vector;
} StopCase;

static const StopCase stop_cases[] = {
    { SIGTRAP | 0x80, 0, 0, false, SANDBOX_SYSCALL, 0x80 },
    { SIGUSR1, SI_TKILL, 0, false, SANDBOX_KICK, 0 },
    { SIGTRAP, SI_KERNEL, 0, false, SANDBOX_TRAP, 3 },
    { SIGTRAP, TRAP_TRACE, 0, false, SANDBOX_TRAP, 1 },
    { SIGTRAP, TRAP_BRKPT, 0, false, SANDBOX_TRAP, 1 },
    { SIGTRAP, TRAP_HWBKPT, 0, false, SANDBOX_TRAP, 1 },
    { SIGSEGV, SI_KERNEL, 0, true, SANDBOX_FAULT, 13 },
    { SIGSEGV, SI_KERNEL, 0, false, SANDBOX_TRAP, 4 },
    { SIGSEGV, SEGV_MAPERR, 0x1000, true, SANDBOX_FAULT, 14 },
    { SIGSEGV, SEGV_ACCERR, 0xfffffffc, true, SANDBOX_FAULT, 14 },
    { SIGSEGV, SEGV_MAPERR, 1ull << 32, true, SANDBOX_ESCAPE, 0 },
    { SIGSEGV, SEGV_PKUERR, 0x1000, true, SANDBOX_ESCAPE, 0 },
    { SIGBUS, SI_KERNEL, 0, true, SANDBOX_FAULT, 12 },
    { SIGBUS, BUS_ADRALN, 0, true, SANDBOX_FAULT, 17 },
    { SIGBUS, BUS_ADRERR, 0x5000, true, SANDBOX_FAULT, 14 },
    { SIGBUS, BUS_OBJERR, 0x5000, true, SANDBOX_FAULT, 14 },
    { SIGFPE, FPE_INTDIV, 0x1000, true, SANDBOX_FAULT, 0 },
    { SIGFPE, FPE_FLTDIV, 0x1000, true, SANDBOX_FAULT, 16 },
    { SIGFPE, FPE_FLTINV, 0x1000, true, SANDBOX_FAULT, 16 },
    { SIGILL, ILL_ILLOPN, 0x1000, true, SANDBOX_FAULT, 6 },
    { SIGSYS, 1, 0, false, SANDBOX_ESCAPE, 0 },
    /* signals that someone sent */
    { SIGSEGV, SI_USER, 0, true, -1, 0 },
    { SIGTRAP, SI_TKILL, 0, false, -1, 0 },
    { SIGBUS, SI_QUEUE, 0, false, -1, 0 },
    { SIGINT, SI_KERNEL, 0, false, -1, 0 }, /* the terminal's Ctrl-C */
    { SIGTSTP, SI_KERNEL, 0, false, -1, 0 },
    { SIGSTOP, SI_USER, 0, false, -1, 0 },
    { SIGWINCH, SI_KERNEL, 0, false, -1, 0 },
};

static void test_stops(void)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(stop_cases); n++) {
        const StopCase *c = &stop_cases[n];
        struct user_regs_struct given = { .cs = 7, .ss = 15, .ds = 15, .es = 15, .fs = 0, .gs = 23 }, r = given;
        StopFacts f = { .status = c->sig << 8 | 0x7f, .regs = &r, .given = &given, .code = c->code, .addr = c->addr };
        SandboxStop stop;
        r.rip = 0x401000;
        r.eflags = 0x202 | (c->rf ? FL_RF : 0);
        r.rax = 0xffffffffffffffda; /* as after a system call */
        g_assert_cmpint(stop_classify(&f, &stop), ==, c->exit >= 0);
        if (c->exit >= 0) {
            g_assert_cmpint(stop.exit, ==, c->exit);
            g_assert_cmpuint(stop.vector, ==, c->vector);
            g_assert_nonnull(stop.why);
            if (c->exit == SANDBOX_FAULT && c->vector == 14)
                g_assert_true(stop.has_addr && stop.addr == c->addr);
        }
        /* the same stop, from where the guest can not be */
        uint64_t *const signs[] = { (uint64_t *)&r.r8,  (uint64_t *)&r.r9,  (uint64_t *)&r.r10, (uint64_t *)&r.r11,
                                    (uint64_t *)&r.r12, (uint64_t *)&r.r13, (uint64_t *)&r.r14, (uint64_t *)&r.r15,
                                    (uint64_t *)&r.cs,  (uint64_t *)&r.ss,  (uint64_t *)&r.ds,  (uint64_t *)&r.es,
                                    (uint64_t *)&r.fs, (uint64_t *)&r.fs_base, (uint64_t *)&r.gs_base, (uint64_t *)&r.gs };
        for (unsigned k = 0; k < G_N_ELEMENTS(signs); k++) {
            *signs[k] ^= 0x8;
            g_assert_true(stop_classify(&f, &stop));
            g_assert_cmpint(stop.exit, ==, SANDBOX_ESCAPE);
            *signs[k] ^= 0x8;
        }
        r.rip |= 1ull << 32;
        g_assert_true(stop_classify(&f, &stop));
        g_assert_cmpint(stop.exit, ==, SANDBOX_ESCAPE);
        r.rip &= 0xffffffff;
        f.status |= 4 << 16; /* PTRACE_EVENT_EXEC */
        g_assert_true(stop_classify(&f, &stop));
        g_assert_cmpint(stop.exit, ==, SANDBOX_ESCAPE);
    }
    /* ended by a signal; exited */
    for (int status = 0; status < 2; status++) {
        SandboxStop stop;
        StopFacts f = { .status = status ? SIGKILL : 3 << 8 };
        g_assert_true(stop_classify(&f, &stop));
        g_assert_cmpint(stop.exit, ==, SANDBOX_LOST);
    }
    for (int e = 0; e < SANDBOX_EXIT_COUNT; e++)
        g_assert_nonnull(sandbox_exit_name(e));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/decide/every-state", test_decide_all);
    g_test_add_func("/decide/nothing-else-counts", test_decide_ignores);
    g_test_add_func("/decide/shadowed-segments", test_shadowed);
    g_test_add_func("/express/every-state", test_express_all);
    g_test_add_func("/express/may-run", test_may_run);
    g_test_add_func("/express/segments", test_segments);
    g_test_add_func("/express/ldt-slots", test_slots);
    g_test_add_func("/stops/every-kind", test_stops);
    return g_test_run();
}

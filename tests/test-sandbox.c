/*
 * The sandbox on the machine at hand: what the host does at every entry, that state goes in and comes back whole,
 * mappings, segments, kicks, the pool, and that no process stays behind. As root it runs once more as an ordinary
 * user.
 */
#include "config.h"
#include "sandboxtest.h"

#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "decision/decide.h"
#include "decision/pool.h"
#include "decision/probe.h"

/* ---- the table ---- */

static void test_entry(gconstpointer opaque)
{
    const Entry *e = opaque;
    SandboxStop stop;
    Box *b = box_new();
    if (!b)
        return;
    EntryOutcome o = entry_run(b->bench, e, &stop);
    g_test_message("%s: %s, vector %u, eip %x: %s", e->name, entry_outcome_name(o), stop.vector, (unsigned)b->v->rip,
                   stop.why);
    g_assert_true(e->allowed >> o & 1);
    g_assert_true(entry_stop_is_right(e, o, &stop, b->v));
    g_assert_cmphex(b->v->flags & (FL_IF | FL_IOPL | FL_VM | FL_RF), ==, FL_IF);
    box_free(b);
    g_assert_cmpuint(sandboxes_alive(), ==, 0);
}

/* Values, where an entry leaves some. */
static void test_values(void)
{
    Box *b = box_new();
    SandboxStop stop;
    if (!b)
        return;
    for (const Entry *e = entries; e->name; e++) {
        entry_run(b->bench, e, &stop);
        if (!strcmp(e->name, "popf with IF clear and IOPL 3"))
            g_assert_cmphex(b->v->gpr[R_AX].d & (FL_IF | FL_IOPL), ==, FL_IF);
        if (!strcmp(e->name, "16-bit code"))
            g_assert_cmphex(b->v->gpr[R_AX].d, ==, 0x1235);
        if (!strcmp(e->name, "16-bit stack"))
            g_assert_cmphex(b->v->gpr[R_SP].d, ==, 0xabcd0800);
        if (!strcmp(e->name, "#PF: not mapped"))
            g_assert_true(stop.has_addr && stop.addr == 0x10000000);
        if (!strcmp(e->name, "#PF: the last page below 4 GiB"))
            g_assert_true(stop.has_addr && stop.addr == 0xfffffffc);
        if (!strcmp(e->name, "#PF: execute a page without permission"))
            g_assert_true(stop.has_addr && stop.addr == ENTRY_CODE);
        if (!strcmp(e->name, "popf with TF"))
            g_assert_true(b->v->flags & FL_TF);
    }
    box_free(b);
}

/* ---- state ---- */

static void test_registers(void)
{
    Box *b = box_new();
    if (!b)
        return;
    box_run(b, 0x90); /* a good state */
    static const uint32_t in[8] = { 0x80000001,          0xfffffff2, 3, 0x7fffffff,
                                    ENTRY_STACK + 0x800, 0xdeadbeef, 7, 0x12345678 };
    /* xchg eax, ecx; not edx; neg ebx; push esi; pop edi; inc ebp; int 80h */
    memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0x91, 0xf7, 0xd2, 0xf7, 0xdb, 0x56, 0x5f, 0x45, 0xcd, 0x80 }, 10);
    for (int n = 0; n < 8; n++)
        b->v->gpr[n].q = in[n];
    b->v->rip = ENTRY_CODE;
    g_assert_cmpint(box_resume(b), ==, SANDBOX_SYSCALL);
    g_assert_cmphex(b->v->gpr[R_AX].q, ==, in[R_CX]);
    g_assert_cmphex(b->v->gpr[R_CX].q, ==, in[R_AX]);
    g_assert_cmphex(b->v->gpr[R_DX].q, ==, (uint32_t)~in[R_DX]);
    g_assert_cmphex(b->v->gpr[R_BX].q, ==, -in[R_BX]);
    g_assert_cmphex(b->v->gpr[R_SP].q, ==, in[R_SP]);
    g_assert_cmphex(b->v->gpr[R_BP].q, ==, in[R_BP] + 1);
    g_assert_cmphex(b->v->gpr[R_DI].q, ==, in[R_SI]);
    g_assert_cmphex(b->v->rip, ==, ENTRY_CODE + 10);
    box_free(b);
}

/* Every flag that user code sees goes in and comes back, ID too. */
static void test_flags(void)
{
    static const uint32_t bits[] = { FL_CF, FL_PF, FL_AF, FL_ZF, FL_SF, FL_DF, FL_OF, FL_NT, FL_AC, FL_ID };
    Box *b = box_new();
    if (!b)
        return;
    box_run(b, 0x90);
    for (unsigned n = 0; n < 1 << G_N_ELEMENTS(bits); n += n < 16 || n > 1000 ? 1 : 37) {
        uint32_t want = FL_1 | FL_IF;
        for (unsigned k = 0; k < G_N_ELEMENTS(bits); k++)
            if (n >> k & 1)
                want |= bits[k];
        memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0x9c, 0x58, 0xcd, 0x80 }, 4); /* pushf; pop eax; int 80h */
        b->v->rip = ENTRY_CODE;
        eflags_set_raw(b->v, want);
        g_assert_cmpint(box_resume(b), ==, SANDBOX_SYSCALL);
        g_assert_cmphex(b->v->gpr[R_AX].d, ==, want);
        g_assert_cmphex(eflags_get(b->v), ==, want);
    }
    /* and out, as POPF left them */
    for (unsigned k = 0; k < G_N_ELEMENTS(bits); k++) {
        memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0x9d, 0xcd, 0x80 }, 3); /* popf; int 80h */
        b->v->rip = ENTRY_CODE;
        b->v->gpr[R_SP].d = ENTRY_STACK;
        memcpy(box_byte(b, ENTRY_STACK), &bits[k], 4);
        eflags_set_raw(b->v, FL_1 | FL_IF);
        g_assert_cmpint(box_resume(b), ==, SANDBOX_SYSCALL);
        g_assert_cmphex(eflags_get(b->v), ==, FL_1 | FL_IF | bits[k]);
    }
    box_free(b);
}

static void test_fpu(void)
{
    Box *b = box_new();
    Fpu before;
    if (!b)
        return;
    box_run(b, 0x90);
    fpu_init(b->v);
    b->v->fpu.mxcsr = 0x1f80;
    for (int n = 0; n < 8; n++) {
        b->v->fpu.xmm[n].q[0] = 0x1111111111111111ull * n;
        b->v->fpu.xmm[n].q[1] = ~b->v->fpu.xmm[n].q[0];
        b->v->fpu.reg[n].mant = 0x8000000000000000ull + n;
        b->v->fpu.reg[n].exp = 0x3fff + n;
    }
    b->v->fpu.full = 0xff;
    b->v->fpu.top = 3;
    b->v->fpu.cw = 0x27f;
    before = b->v->fpu;
    /* nothing touched: everything comes back as it was */
    memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0xcd, 0x80 }, 2);
    b->v->rip = ENTRY_CODE;
    g_assert_cmpint(box_resume(b), ==, SANDBOX_SYSCALL);
    memset(&b->v->fpu, 0, sizeof before);
    b->v->fpu.fip = before.fip, b->v->fpu.fdp = before.fdp;
    b->v->fpu.fcs = before.fcs, b->v->fpu.fds = before.fds;
    g_assert_true(sandbox_fpu_home(box_sandbox(b), b->v));
    g_assert_cmpmem(b->v->fpu.reg, sizeof before.reg, before.reg, sizeof before.reg);
    g_assert_cmpmem(b->v->fpu.xmm, 8 * sizeof(Xmm), before.xmm, 8 * sizeof(Xmm));
    g_assert_cmphex(b->v->fpu.cw, ==, before.cw);
    g_assert_cmphex(b->v->fpu.sw, ==, before.sw);
    g_assert_cmphex(b->v->fpu.top, ==, before.top);
    g_assert_cmphex(b->v->fpu.full, ==, before.full);
    g_assert_cmphex(b->v->fpu.mxcsr, ==, before.mxcsr);
    /* faddp; paddd xmm0, xmm1: 80 bits exact */
    fpu_init(b->v);
    b->v->fpu.full = 0xff;
    b->v->fpu.reg[0] = (Fpr){ .mant = 0x8000000000000001ull, .exp = 0x3fff };
    b->v->fpu.reg[1] = (Fpr){ .mant = 0x8000000000000002ull, .exp = 0x3fff };
    b->v->fpu.top = 0;
    memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0xde, 0xc1, 0x66, 0x0f, 0xfe, 0xc1, 0xcd, 0x80 }, 8);
    b->v->rip = ENTRY_CODE;
    g_assert_cmpint(box_resume(b), ==, SANDBOX_SYSCALL);
    g_assert_true(sandbox_fpu_home(box_sandbox(b), b->v));
    g_assert_cmpint(b->v->fpu.top, ==, 1);
    g_assert_cmphex(b->v->fpu.full, ==, 0xfe);
    g_assert_cmphex(b->v->fpu.reg[1].mant, ==,
                    0x8000000000000002ull); /* 1.0..01 + 1.0..10 = 2 * 1.0..015, ties to even */
    g_assert_cmphex(b->v->fpu.reg[1].exp, ==, 0x4000);
    g_assert_cmphex(b->v->fpu.xmm[0].d[0], ==, 0x11111111);
    box_free(b);
}

/* Segments of every loadable kind, by what code in them sees; more of them than the LDT has slots. */
static void test_segments(void)
{
    Box *b = box_new();
    if (!b)
        return;
    box_run(b, 0x90);
    for (unsigned n = 0; n < 200; n++) {
        *(uint32_t *)box_byte(b, ENTRY_DATA + 4 * n) = n * 0x01010101;
        b->v->seg[S_GS].base = ENTRY_DATA + 4 * n; /* as a thread's TLS */
        b->v->seg[S_GS].limit = 3;
        b->v->seg[S_FS] = b->v->seg[S_GS];
        b->v->seg[S_FS].base = 0xfffff000u + n; /* wraps */
        b->v->seg[S_FS].limit = ~0u;
        /* mov eax, gs:[0]; mov ecx, fs:[ENTRY_DATA + 1000h - n]; mov edx, gs:[1] faults: limit 3 */
        uint32_t at = ENTRY_DATA + 0x1000 - n + 4 * n;
        uint8_t code[] = { 0x65,    0xa1,     0,        0,    0,    0,    0x64, 0x8b, 0x0d, at,
                           at >> 8, at >> 16, at >> 24, 0x65, 0x8b, 0x15, 1,    0,    0,    0 };
        memcpy(box_byte(b, ENTRY_CODE), code, sizeof code);
        b->v->rip = ENTRY_CODE;
        g_assert_cmpint(box_resume(b), ==, SANDBOX_FAULT);
        g_assert_cmpint(b->stop.vector, ==, VEC_GP);
        g_assert_cmphex(b->v->rip, ==, ENTRY_CODE + 13);
        g_assert_cmphex(b->v->gpr[R_AX].d, ==, n * 0x01010101);
        g_assert_cmphex(b->v->gpr[R_CX].d, ==, n * 0x01010101);
    }
    /* read-only and expand-down data */
    b->v->seg[S_GS] = b->v->seg[S_DS];
    b->v->seg[S_GS].attr &= ~SEG_W;
    memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0x65, 0xa1, 0, 0x30, 0x40, 0, 0x65, 0xa3, 0, 0x30, 0x40, 0, 0xf4 },
           13);
    b->v->rip = ENTRY_CODE;
    g_assert_cmpint(box_resume(b), ==, SANDBOX_FAULT);
    g_assert_cmphex(b->v->rip, ==, ENTRY_CODE + 6);
    b->v->seg[S_GS].attr |= SEG_E | SEG_W;
    b->v->seg[S_GS].limit = ENTRY_DATA - 1; /* valid: from ENTRY_DATA up */
    b->v->rip = ENTRY_CODE;
    g_assert_cmpint(box_resume(b), ==, SANDBOX_FAULT);
    g_assert_cmphex(b->v->rip, ==, ENTRY_CODE + 12);
    b->v->seg[S_GS].limit = ENTRY_DATA + 0xfff;
    b->v->rip = ENTRY_CODE;
    g_assert_cmpint(box_resume(b), ==, SANDBOX_FAULT);
    g_assert_cmphex(b->v->rip, ==, ENTRY_CODE);
    /* an EIP beyond the limit: the host's kernel can not return there, and it must not look like INTO */
    b->v->seg[S_CS].limit = ENTRY_CODE - 1;
    g_assert_cmpint(box_resume(b), ==, SANDBOX_FAULT);
    g_assert_cmpint(b->stop.vector, ==, VEC_GP);
    g_assert_cmphex(b->v->rip, ==, ENTRY_CODE);
    box_free(b);
}

/* ---- mappings ---- */

/* Read a doubleword through the sandbox; false: it faulted there. */
static bool sees(Box *b, uint32_t addr, uint32_t *value)
{
    uint8_t code[] = { 0xa1, addr, addr >> 8, addr >> 16, addr >> 24, 0xcd, 0x80 };
    memcpy(box_byte(b, ENTRY_CODE), code, sizeof code);
    b->v->rip = ENTRY_CODE;
    SandboxExit e = box_resume(b);
    g_assert_true(e == SANDBOX_SYSCALL || (e == SANDBOX_FAULT && b->stop.vector == VEC_PF && b->stop.addr == addr));
    *value = b->v->gpr[R_AX].d;
    return e == SANDBOX_SYSCALL;
}

static bool writes(Box *b, uint32_t addr)
{
    uint8_t code[] = { 0xa3, addr, addr >> 8, addr >> 16, addr >> 24, 0xcd, 0x80 };
    memcpy(box_byte(b, ENTRY_CODE), code, sizeof code);
    b->v->rip = ENTRY_CODE;
    SandboxExit e = box_resume(b);
    g_assert_true(e == SANDBOX_SYSCALL || (e == SANDBOX_FAULT && b->stop.vector == VEC_PF && b->stop.addr == addr));
    return e == SANDBOX_SYSCALL;
}

static void test_maps(void)
{
    Box *b = box_new();
    uint32_t value;
    if (!b)
        return;
    box_run(b, 0x90);
    Sandbox *s = box_sandbox(b);
    *(uint32_t *)(b->ram->host + 0x7000) = 0x77777777;
    *(uint32_t *)(b->ram->host + 0x8000) = 0x88888888;
    /* single, merged, unmapped in the middle, aliased, to the very end */
    g_assert_cmpint(sandbox_map(s, 0x80000000, 0x7000, 0x1000, SANDBOX_READ), ==, SANDBOX_MAP_OK);
    g_assert_cmpint(sandbox_map(s, 0x80001000, 0x8000, 0x1000, SANDBOX_READ), ==, SANDBOX_MAP_OK);
    g_assert_cmpint(sandbox_map(s, 0xfffff000, 0x7000, 0x1000, SANDBOX_READ | SANDBOX_WRITE), ==, SANDBOX_MAP_OK);
    g_assert_true(sees(b, 0x80000000, &value) && value == 0x77777777);
    g_assert_true(sees(b, 0x80001000, &value) && value == 0x88888888);
    g_assert_true(sees(b, 0xfffff000, &value) && value == 0x77777777);
    g_assert_false(sees(b, 0x80002000, &value));
    g_assert_false(writes(b, 0x80000000));
    b->v->gpr[R_AX].d = 0x55aa55aa;
    g_assert_true(writes(b, 0xfffff000));
    g_assert_true(sees(b, 0x80000000, &value) && value == 0x55aa55aa); /* one page, two addresses */
    g_assert_cmphex(*(uint32_t *)(b->ram->host + 0x7000), ==, 0x55aa55aa);
    g_assert_cmpint(sandbox_protect(s, 0x80000000, 0x2000, SANDBOX_READ | SANDBOX_WRITE), ==, SANDBOX_MAP_OK);
    g_assert_true(writes(b, 0x80001000));
    g_assert_cmpint(sandbox_unmap(s, 0x80000000, 0x1000), ==, SANDBOX_MAP_OK);
    g_assert_false(sees(b, 0x80000000, &value));
    g_assert_true(sees(b, 0x80001000, &value));
    /* remapped elsewhere; everything gone */
    g_assert_cmpint(sandbox_map(s, 0x80001000, 0x7000, 0x1000, SANDBOX_READ), ==, SANDBOX_MAP_OK);
    g_assert_true(sees(b, 0x80001000, &value) && value == 0x55aa55aa);
    g_assert_cmpint(sandbox_unmap(s, 0, 1ull << 32), ==, SANDBOX_MAP_OK);
    b->v->rip = ENTRY_CODE;
    g_assert_cmpint(box_resume(b), ==, SANDBOX_FAULT);
    g_assert_cmphex(b->stop.addr, ==, ENTRY_CODE);
    /* more calls than one batch holds; the first and last of them */
    for (uint32_t n = 0; n < 1500; n++)
        g_assert_cmpint(sandbox_map(s, 0x20000000 - n * 0x2000, 0x8000, 0x1000, SANDBOX_READ), ==, SANDBOX_MAP_OK);
    g_assert_cmpint(sandbox_map(s, ENTRY_CODE, ENTRY_CODE & 0xf000, 0x1000, SANDBOX_READ | SANDBOX_EXEC), ==,
                    SANDBOX_MAP_OK);
    g_assert_true(sees(b, 0x20000000, &value));
    g_assert_true(sees(b, 0x20000000 - 1499 * 0x2000, &value));
    g_assert_false(sees(b, 0x20000000 - 1500 * 0x2000, &value));
    box_free(b);
}

/* Too many mappings, and pages too low: said, not suffered. */
static void test_map_limits(void)
{
    Box *b = box_new();
    uint32_t value, n;
    SandboxMap m = SANDBOX_MAP_OK;
    if (!b)
        return;
    box_run(b, 0x90);
    HostFacts *f = host_probe(false);
    Sandbox *s = box_sandbox(b);
    if (f->low_limit)
        g_assert_cmpint(sandbox_map(s, 0, 0, 0x1000, SANDBOX_READ), ==, SANDBOX_MAP_LOW);
    g_assert_false(sees(b, 0, &value));
    /* scattered single pages, more than any address space may have */
    for (n = 0; n < SANDBOX_MAPPINGS_MAX + 100 && m == SANDBOX_MAP_OK; n++)
        m = sandbox_map(s, 0x10000000 + n * 0x2000, 0, 0x1000, SANDBOX_READ);
    g_assert_cmpint(m, ==, SANDBOX_MAP_FULL);
    g_assert_cmpuint(n, >, MIN(SANDBOX_MAPPINGS_MAX / 2, f->max_mappings / 2) - 1000);
    g_test_message("%u scattered pages before the limit", n);
    /* it still runs: only mapping is over */
    if (n > SANDBOX_MAPPINGS_MAX / 2)
        g_assert_true(sees(b, 0x10000000, &value));
    host_facts_free(f);
    box_free(b);
    g_assert_cmpuint(sandboxes_alive(), ==, 0);
}

/* Pages of the second memfd, as code at one place while RAM is data at another. */
static void test_view(void)
{
    Box *b = box_new();
    bool fresh;
    SandboxStop stop;
    if (!b)
        return;
    box_run(b, 0x90);
    Ram *view = ram_new(0x4000, NULL);
    SandboxPool *p = sandbox_pool_new(b->ram->fd, view->fd, 1);
    Sandbox *s = sandbox_pool_get(p, 0, b->v, &fresh, NULL);
    g_assert_nonnull(s);
    memcpy(view->host + 0x2000, (uint8_t[]){ 0xb8, 0x11, 0x22, 0x33, 0x44, 0xcd, 0x80 }, 7);
    memset(b->ram->host + 0x2000, 0xf4, 16);
    sandbox_map_view(s, 0x70000000, 0x2000, 0x1000, SANDBOX_READ | SANDBOX_EXEC);
    sandbox_map(s, 0x70001000, 0x2000, 0x1000,
                SANDBOX_READ | SANDBOX_EXEC); /* next to it, but of another file: not merged */
    b->v->rip = 0x70000000;
    g_assert_cmpint(sandbox_pool_run(p, 0, b->v, &stop), ==, SANDBOX_SYSCALL);
    g_assert_cmphex(b->v->gpr[R_AX].d, ==, 0x44332211);
    b->v->rip = 0x70001000;
    g_assert_cmpint(sandbox_pool_run(p, 0, b->v, &stop), ==, SANDBOX_FAULT);
    g_assert_cmphex(b->v->rip, ==, 0x70001000);
    sandbox_pool_fpu_home(p, b->v);
    sandbox_pool_free(p);
    ram_free(view);
    box_free(b);
}

/* What a new sandbox has: the stub, the list, the RAM memfd, no environment, and a filter. */
static void test_bare(void)
{
    Box *b = box_new();
    char *text, *path;
    if (!b)
        return;
    unsigned pid = sandbox_pid(box_sandbox(b));
    path = g_strdup_printf("/proc/%u/maps", pid);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    char **lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l && **l; l++) {
        bool known =
            strstr(*l, "x86vm-sandbox") || strstr(*l, "x86vm-list") || strstr(*l, "[v"); /* vsyscall; a sealed vdso */
        g_assert_true(known);
        g_assert_null(strstr(*l, " rw"));
    }
    g_strfreev(lines);
    g_free(text);
    g_free(path);
    path = g_strdup_printf("/proc/%u/fd", pid);
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *fd;
    unsigned fds = 0;
    while (dir && (fd = g_dir_read_name(dir))) {
        g_assert_cmpstr(fd, ==, "3");
        fds++;
    }
    g_assert_cmpuint(fds, ==, 1);
    g_dir_close(dir);
    g_free(path);
    path = g_strdup_printf("/proc/%u/status", pid);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "NoNewPrivs:\t1"));
    g_assert_nonnull(strstr(text, "Seccomp:\t2"));
    g_assert_nonnull(strstr(text, "SigBlk:\t0000000000000000"));
    g_free(text);
    g_free(path);
    box_free(b);
}

/* ---- kicks ---- */

typedef struct Kicker {
    Sandbox *s;
    int stop;
} Kicker;

static gpointer kick_thread(gpointer opaque)
{
    Kicker *k = opaque;
    for (int n = 0; !__atomic_load_n(&k->stop, __ATOMIC_SEQ_CST) && n < 20000; n++) {
        sandbox_kick(k->s);
        g_usleep(100 + n % 7 * 100);
    }
    return NULL;
}

/* A guest that never yields: incl ecx; jmp. Kicked many times it counts on, exactly once each. */
static void test_kicks(void)
{
    Box *b = box_new();
    if (!b)
        return;
    box_run(b, 0x90);
    memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0x41, 0x42, 0xeb, 0xfc }, 4); /* inc ecx; inc edx; jmp */
    b->v->rip = ENTRY_CODE;
    b->v->gpr[R_CX].d = b->v->gpr[R_DX].d = 0;
    Kicker k = { .s = box_sandbox(b) };
    GThread *t = g_thread_new("kicker", kick_thread, &k);
    uint32_t last = 0;
    for (int n = 0; n < 100; n++) {
        g_assert_cmpint(box_resume(b), ==, SANDBOX_KICK);
        uint32_t c = b->v->gpr[R_CX].d, d = b->v->gpr[R_DX].d;
        g_assert_cmpuint(c - d, <=, 1);
        g_assert_cmpuint(c, >=, last);
        last = c;
        /* the stub may meet one too */
        g_assert_cmpint(sandbox_map(box_sandbox(b), 0x80000000, 0, 0x1000, SANDBOX_READ), ==, SANDBOX_MAP_OK);
    }
    __atomic_store_n(&k.stop, 1, __ATOMIC_SEQ_CST);
    g_thread_join(t);
    g_assert_cmpuint(last, >, 0);
    /* attention alone is a kick before the run */
    vcpu_attention(b->v, ATTN_EVENT);
    g_assert_cmpint(box_resume(b), ==, SANDBOX_KICK);
    box_free(b);
}

/* One that computes on a processor that another process wants, too, has waited for it; and it is told once. */
static void test_waited(void)
{
    cpu_set_t own, one;
    Box *b = box_new();
    if (!b)
        return;
    g_assert_cmpint(sched_getaffinity(0, sizeof own, &own), ==, 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    g_assert_cmpint(sched_setaffinity(0, sizeof one, &one), ==, 0);
    pid_t rival = fork();
    if (!rival) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            ;
    }
    g_assert_cmpint(rival, >, 0);
    box_run(b, 0x90);
    memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0xeb, 0xfe }, 2);
    b->v->rip = ENTRY_CODE;
    Kicker k = { .s = box_sandbox(b) };
    sandbox_waited(k.s);
    gint64 begin = g_get_monotonic_time();
    GThread *t = g_thread_new("kicker", kick_thread, &k);
    for (int n = 0; n < 200; n++)
        g_assert_cmpint(box_resume(b), ==, SANDBOX_KICK);
    __atomic_store_n(&k.stop, 1, __ATOMIC_SEQ_CST);
    g_thread_join(t);
    uint64_t all = (g_get_monotonic_time() - begin) * 1000;
    sandbox_stayed(k.s, all);
    uint64_t waited = sandbox_waited(k.s);
    g_assert_cmpuint(waited, >, 0);
    g_assert_cmpuint(waited, <=, all);
    g_assert_cmpuint(sandbox_waited(k.s), ==, 0);
    g_assert_cmpuint(sandbox_stayed(k.s, 7), ==, 7);
    kill(rival, SIGKILL);
    waitpid(rival, NULL, 0);
    sched_setaffinity(0, sizeof own, &own);
    box_free(b);
}

/* Signals that are none of our kicks change nothing. */
static void test_other_signals(void)
{
    static const int signals[] = { SIGINT, SIGTSTP, SIGTERM, SIGSTOP, SIGSEGV, SIGTRAP, SIGHUP, SIGUSR2, SIGCONT };
    Box *b = box_new();
    if (!b)
        return;
    box_run(b, 0x90);
    for (unsigned n = 0; n < G_N_ELEMENTS(signals); n++) {
        memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0xb8, 1, 0, 0, 0, 0xcd, 0x80 }, 7);
        b->v->rip = ENTRY_CODE;
        b->v->gpr[R_AX].d = 0;
        kill(sandbox_pid(box_sandbox(b)), signals[n]);
        g_assert_cmpint(box_resume(b), ==, SANDBOX_SYSCALL);
        g_assert_cmpuint(b->v->gpr[R_AX].d, ==, 1);
    }
    box_free(b);
}

/* Killed from outside: said, with the registers as before, and no zombie. */
static void test_lost(void)
{
    Box *b = box_new();
    if (!b)
        return;
    box_run(b, 0x90);
    Sandbox *s = box_sandbox(b);
    pid_t pid = sandbox_pid(s);
    b->v->gpr[R_AX].d = 0x1234;
    kill(pid, SIGKILL);
    g_assert_cmpint(box_resume(b), ==, SANDBOX_LOST);
    g_assert_cmphex(b->v->gpr[R_AX].d, ==, 0x1234);
    g_assert_cmpint(sandbox_map(s, 0x80000000, 0, 0x1000, SANDBOX_READ), ==, SANDBOX_MAP_DEAD);
    g_assert_cmpint(box_resume(b), ==, SANDBOX_LOST);
    sandbox_kick(s); /* harmless */
    g_assert_false(kill(pid, 0) == 0);
    box_free(b);
}

static void test_tsc(void)
{
    Box *b = box_new();
    if (!b)
        return;
    box_run(b, 0x90);
    g_assert_cmpint(sandbox_set_tsc_faults(box_sandbox(b), true), ==, SANDBOX_MAP_OK);
    g_assert_cmpint(box_run(b, 0x0f, 0x31), ==, ENTRY_FAULT);
    g_assert_cmpint(sandbox_set_tsc_faults(box_sandbox(b), false), ==, SANDBOX_MAP_OK);
    g_assert_cmpint(box_run(b, 0x0f, 0x31), ==, ENTRY_RUNS);
    box_free(b);
}

/* ---- pool ---- */

static void test_pool(void)
{
    Box *b = box_new();
    bool fresh;
    SandboxStop stop;
    if (!b)
        return;
    box_run(b, 0x90); /* leaves a good state in the Vcpu */
    SandboxPool *p = sandbox_pool_new(b->ram->fd, -1, 3);
    pid_t pid[4];
    memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0x66, 0x0f, 0xfe, 0xc0, 0xcd, 0x80 }, 6); /* paddd xmm0, xmm0 */
    b->v->fpu.xmm[0].d[0] = 1;
    for (int n = 0; n < 4; n++) {
        GError *error = NULL;
        Sandbox *s = sandbox_pool_get(p, 0x1000 * n, b->v, &fresh, &error);
        g_assert_no_error(error);
        g_assert_true(fresh);
        pid[n] = sandbox_pid(s);
        sandbox_map(s, ENTRY_CODE, ENTRY_CODE & 0xf000, 0x1000, SANDBOX_READ | SANDBOX_EXEC);
        b->v->rip = ENTRY_CODE;
        g_assert_cmpint(sandbox_pool_run(p, 0x1000 * n, b->v, &stop), ==, SANDBOX_SYSCALL);
    }
    /* x87 and SSE state followed from one to the next */
    g_assert_true(sandbox_pool_fpu_home(p, b->v));
    g_assert_cmpuint(b->v->fpu.xmm[0].d[0], ==, 16);
    g_assert_cmpuint(sandbox_pool_count(p), ==, 3);
    g_assert_null(sandbox_pool_find(p, 0));
    g_assert_false(process_lives(pid[0])); /* the oldest gave way */
    g_assert_true(sandbox_pool_get(p, 0x1000, b->v, &fresh, NULL) && !fresh);
    sandbox_pool_drop(p, 0x2000, b->v);
    g_assert_false(process_lives(pid[2]));
    g_assert_cmpuint(sandbox_pool_count(p), ==, 2);
    /* one that escapes is gone at once */
    memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0xea, 0x07, 0x10, 0x40, 0x00, 0x23, 0x00, 0xf4 }, 8);
    b->v->rip = ENTRY_CODE;
    g_assert_cmpint(sandbox_pool_run(p, 0x3000, b->v, &stop), ==, SANDBOX_ESCAPE);
    g_assert_cmpuint(sandbox_pool_count(p), ==, 1);
    sandbox_pool_kick(p); /* nothing runs: nothing happens */
    sandbox_pool_free(p);
    for (int n = 0; n < 4; n++)
        g_assert_false(process_lives(pid[n]));
    box_free(b);
    g_assert_cmpuint(sandboxes_alive(), ==, 0);
}

/* ---- the end of x86vm ---- */

/* A monitor killed by SIGKILL, in whatever its sandbox is doing, takes the sandbox with it. */
static void test_killed_monitor(void)
{
    Box *probe = box_new();
    if (!probe)
        return;
    box_free(probe);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    for (int how = 0; how < 2; how++) {
        int pipes[2];
        g_assert_cmpint(pipe(pipes), ==, 0);
        pid_t monitor = fork();
        if (!monitor) {
            Box *b = box_new();
            pid_t pid = sandbox_pid(box_sandbox(b));
            box_run(b, 0x90);
            if (write(pipes[1], &pid, sizeof pid) < 0)
                _exit(1);
            if (how)
                pause(); /* stopped in its sandbox */
            box_run(b, 0xeb, 0xfe); /* running for ever */
            _exit(1);
        }
        pid_t sandbox = 0;
        g_assert_cmpint(read(pipes[0], &sandbox, sizeof sandbox), ==, sizeof sandbox);
        g_usleep(20000);
        g_assert_true(process_lives(sandbox));
        kill(monitor, SIGKILL);
        g_assert_cmpint(waitpid(monitor, NULL, 0), ==, monitor);
        for (int n = 0; n < 6000 && process_lives(sandbox); n++)
            g_usleep(10000);
        g_assert_false(process_lives(sandbox));
        waitpid(sandbox, NULL, 0);
        close(pipes[0]);
        close(pipes[1]);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

/* ---- the probe, and an ordinary user ---- */

static void test_probe(void)
{
    HostFacts *f = host_probe(false);
    char *line = host_facts_line(f);
    GError *error = NULL;
    Sandbox *s = NULL;
    Ram *ram = ram_new(0x10000, NULL);

    g_test_message("%s", line);
    s = sandbox_new(ram->fd, &error);
    if (s) {
        g_assert_cmpint(f->level, ==, HOST_NATIVE);
        g_assert_true(g_str_has_prefix(line, "direct execution: native"));
        g_assert_true(f->tsc_faults);
    } else { /* the ladder's lower step, and the reason said */
        g_assert_cmpint(f->level, ==, HOST_TRANSLATE);
        g_assert_nonnull(strstr(line, "guest code is translated"));
        g_assert_nonnull(strstr(line, error->message));
        g_error_free(error);
    }
    sandbox_free(s);
    ram_free(ram);
    g_free(line);
    host_facts_free(f);
    g_assert_cmpuint(sandboxes_alive(), ==, 0);
}

/* What `-accel help` prints: the step taken, and a line for every entry. */
static void test_report(void)
{
    GString *report = g_string_new(NULL);
    decision_print_capabilities(report);
    g_assert_true(g_str_has_prefix(report->str, "direct execution: "));
    if (g_str_has_prefix(report->str, "direct execution: native"))
        for (const Entry *e = entries; e->name; e++)
            g_assert_nonnull(strstr(report->str, e->name));
    g_string_free(report, TRUE);
    g_assert_cmpuint(sandboxes_alive(), ==, 0);
}

/* No memfd to be had: the reason is said, nothing is left open. */
static void test_no_resources(void)
{
    Box *probe = box_new();
    if (!probe)
        return;
    GError *error = NULL;
    Sandbox *s = sandbox_new(-1, &error); /* no RAM to hand over */
    g_assert_null(s);
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, "sandbox:"));
    g_error_free(error);
    box_free(probe);
    g_assert_cmpuint(sandboxes_alive(), ==, 0);
}

/* Make a system call fail with EPERM from here on, as containers' policies do. */
static bool forbid(unsigned nr)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = { G_N_ELEMENTS(code), code };
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

/* A host that forbids any of what a sandbox needs: the ladder's lower step, a reason, no hang, no process left. */
static void test_forbidden(void)
{
    static const unsigned needed[] = { SYS_ptrace,       SYS_seccomp,  SYS_modify_ldt,
                                       SYS_memfd_create, SYS_execveat, SYS_munmap };
    Box *probe = box_new();
    if (!probe)
        return;
    box_free(probe);
    for (unsigned n = 0; n < G_N_ELEMENTS(needed); n++) {
        pid_t pid = fork();
        if (!pid) {
            /* munmap is needed by more than the stub: only what the probe itself says counts */
            if (!forbid(needed[n]))
                _exit(9);
            HostFacts *f = host_probe(false);
            char *line = host_facts_line(f);
            bool ok = f->level == HOST_TRANSLATE && f->why && *f->why && strstr(line, "guest code is translated")
                      && sandboxes_alive() == 0;
            fprintf(stderr, "# without system call %u: %s\n", needed[n], line);
            _exit(ok ? 0 : 1);
        }
        int status;
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmphex(status, ==, 0);
    }
}

static void test_ordinary_user(void)
{
    if (getuid() != 0) {
        g_test_skip("is one already");
        return;
    }
    /* A process of its own: this one stays root. g_test's results do not cross, the exit status does. */
    pid_t pid = fork();
    if (!pid) {
        int devnull = 65534;
        if (setgroups(0, NULL) || setresgid(devnull, devnull, devnull) || setresuid(devnull, devnull, devnull))
            _exit(2);
        HostFacts *f = host_probe(false);
        char *line = host_facts_line(f);
        if (f->level != HOST_NATIVE) {
            fprintf(stderr, "# as nobody: %s\n", line);
            _exit(3);
        }
        test_values();
        test_registers();
        test_maps();
        test_kicks();
        test_pool();
        test_killed_monitor();
        _exit(0);
    }
    int status;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    HostFacts *f = host_probe(false);
    if (f->level != HOST_NATIVE)
        g_test_skip(f->why);
    else
        g_assert_cmphex(status, ==, 0);
    host_facts_free(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (const Entry *e = entries; e->name; e++) {
        char *name = g_strdelimit(g_strdup(e->name), " /,:()", '-');
        char *path = g_strconcat("/sandbox/entry/", name, NULL);
        g_test_add_data_func(path, e, test_entry);
        g_free(path);
        g_free(name);
    }
    g_test_add_func("/sandbox/entry-values", test_values);
    g_test_add_func("/sandbox/registers", test_registers);
    g_test_add_func("/sandbox/flags", test_flags);
    g_test_add_func("/sandbox/fpu", test_fpu);
    g_test_add_func("/sandbox/segments", test_segments);
    g_test_add_func("/sandbox/maps", test_maps);
    g_test_add_func("/sandbox/map-limits", test_map_limits);
    g_test_add_func("/sandbox/view", test_view);
    g_test_add_func("/sandbox/bare", test_bare);
    g_test_add_func("/sandbox/kicks", test_kicks);
    g_test_add_func("/sandbox/waited", test_waited);
    g_test_add_func("/sandbox/other-signals", test_other_signals);
    g_test_add_func("/sandbox/lost", test_lost);
    g_test_add_func("/sandbox/tsc", test_tsc);
    g_test_add_func("/sandbox/pool", test_pool);
    g_test_add_func("/sandbox/killed-monitor", test_killed_monitor);
    g_test_add_func("/sandbox/probe", test_probe);
    g_test_add_func("/sandbox/report", test_report);
    g_test_add_func("/sandbox/no-resources", test_no_resources);
    g_test_add_func("/sandbox/forbidden", test_forbidden);
    g_test_add_func("/sandbox/ordinary-user", test_ordinary_user);
    return g_test_run();
}

/*
 * Attacks on the sandbox, as code that runs in it.
 *
 * Each must end in a SandboxExit or a discarded run. After each: guest RAM that the sandbox was not given is as it
 * was, no signal reached the monitor, no process is left, and a next guest finds nothing that the attack left
 * behind.
 */
#include "config.h"
#include "sandboxtest.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "decision/pool.h"
#include "decision/stub.h"

/* RAM pages that no sandbox of the bench is given: all but code, data and stack. */
static bool given(uint32_t page)
{
    return page == 0x1000 || page == 0x2000 || page == 0x3000 || page == 0x4000 || page == 0x5000 || page == 0x6000;
}

static void guard_fill(Box *b)
{
    for (uint32_t page = 0; page < ENTRY_RAM; page += 0x1000)
        if (!given(page))
            memset(b->ram->host + page, 0xc3, 0x1000);
}

static void guard_check(Box *b)
{
    for (uint32_t at = 0; at < ENTRY_RAM; at++)
        if (!given(at & 0xf000))
            g_assert_cmphex(b->ram->host[at], ==, 0xc3);
}

static Box *attack_new(void)
{
    Box *b = box_new();
    if (b)
        guard_fill(b);
    return b;
}

static void attack_end(Box *b)
{
    guard_check(b);
    /* the bench still works, with the next sandbox if need be */
    g_assert_cmpint(box_run(b, 0xb8, 0x21, 0x43, 0, 0), ==, ENTRY_RUNS);
    g_assert_cmphex(b->v->gpr[R_AX].d, ==, 0x4321);
    box_free(b);
    g_assert_cmpuint(sandboxes_alive(), ==, 0);
}

/* Far jump to 64-bit code that follows, at ENTRY_CODE + 7. */
#define TO_64 0xea, 0x07, 0x10, 0x40, 0x00, 0x33, 0x00
#define IMM32(x) (uint8_t)(x), (uint8_t)((x) >> 8), (uint8_t)((x) >> 16), (uint8_t)((x) >> 24)
#define IMM64(x) IMM32((uint64_t)(x)), IMM32((uint64_t)(x) >> 32)

/* ---- host system calls ---- */

/* INT 80h with every number: nothing happens but the stop, and the registers are the guest's. */
static void attack_int80(void)
{
    Box *b = attack_new();
    if (!b)
        return;
    for (uint32_t nr = 0; nr < 520; nr++) {
        box_run(b, 0xb8, IMM32(nr), 0xbb, IMM32(3), 0xb9, IMM32(ENTRY_DATA), 0xba, IMM32(64), 0xcd, 0x80);
        g_assert_cmpint(b->outcome, ==, ENTRY_SYSCALL);
        g_assert_cmpuint(b->v->gpr[R_AX].q, ==, nr);
        g_assert_cmphex(b->v->rip, ==, ENTRY_CODE + 22);
    }
    guard_check(b);
    attack_end(b);
}

/* SYSCALL from 64-bit code, where it is the host's own way in. */
static void attack_syscall64(void)
{
    static const uint16_t numbers[] = {
        SYS_write,        SYS_pwrite64, SYS_open,      SYS_mmap,    SYS_mprotect,     SYS_munmap,
        SYS_rt_sigreturn, SYS_fork,     SYS_vfork,     SYS_clone,   SYS_execve,       SYS_exit,
        SYS_exit_group,   SYS_kill,     SYS_tgkill,    SYS_ptrace,  SYS_prctl,        SYS_arch_prctl,
        SYS_modify_ldt,   SYS_socket,   SYS_ftruncate, SYS_seccomp, SYS_memfd_create, SYS_execveat,
        0x200 /* x32 */,  999,
    };
    Box *b = attack_new();
    if (!b)
        return;
    for (unsigned n = 0; n < G_N_ELEMENTS(numbers); n++) {
        /* mov edi, 3; mov esi, 0; mov edx, 64; mov eax, nr; syscall: write(3, ...) is guest RAM's memfd */
        box_run(b, TO_64, 0xbf, IMM32(3), 0xbe, IMM32(ENTRY_DATA), 0xb2, 64, 0xb8, IMM32(numbers[n]), 0x0f, 0x05);
        g_assert_cmpint(b->outcome, ==, ENTRY_ESCAPE);
        guard_check(b);
    }
    attack_end(b);
}

/*
 * SYSENTER and SYSCALL from 32-bit code, with a stack that can be read and one that can not; INT 80h from 64-bit
 * code.
 */
static void attack_fast_calls(void)
{
    static const uint8_t code[][16] = {
        { 0x0f, 0x34 },        { 0x31, 0xed, 0x0f, 0x34 }, { 0x31, 0xed, 0x31, 0xe4, 0x0f, 0x34 },
        { 0x0f, 0x05 },        { 0x31, 0xed, 0x0f, 0x05 }, { TO_64, 0xcd, 0x80 },
        { TO_64, 0x0f, 0x34 },
    };
    Box *b = attack_new();
    if (!b)
        return;
    for (unsigned n = 0; n < G_N_ELEMENTS(code); n++) {
        box_run_bytes(b, code[n], sizeof code[n]);
        g_assert_true(b->outcome == ENTRY_ESCAPE || (b->outcome == ENTRY_FAULT && b->stop.vector == VEC_UD));
    }
    attack_end(b);
}

/* The vsyscall page's three calls, which ptrace does not see: time() would write to a given address. */
static void attack_vsyscall(void)
{
    Box *b = attack_new();
    if (!b)
        return;
    for (unsigned n = 0; n < 3; n++) {
        memset(box_byte(b, ENTRY_DATA), 0, 64);
        /* mov edi, ENTRY_DATA; mov rax, vsyscall + n * 400h; call rax */
        box_run(b, TO_64, 0xbf, IMM32(ENTRY_DATA), 0x48, 0xc7, 0xc0, IMM32(0xff600000u + n * 0x400), 0xff, 0xd0);
        g_assert_cmpint(b->outcome, ==, ENTRY_ESCAPE);
        for (int k = 0; k < 64; k++)
            g_assert_cmphex(*box_byte(b, ENTRY_DATA + k), ==, 0);
    }
    attack_end(b);
}

/* ---- the stub, and memory ---- */

static void attack_stub(void)
{
    Box *b = attack_new();
    if (!b)
        return;
    /* run its code from every byte: what it calls is but another stop */
    for (unsigned at = 0; at < 0x160; at += 3) {
        box_run(b, TO_64, 0x48, 0xb8, IMM64(STUB_BASE + at), 0xff, 0xe0);
        g_assert_true(b->outcome == ENTRY_ESCAPE);
    }
    /* write its code; write the list, which is the monitor's alone */
    static const uint64_t where[] = { STUB_BASE + 0xb0, STUB_LIST, STUB_LIST + STUB_CALLS };
    for (unsigned n = 0; n < G_N_ELEMENTS(where); n++) {
        box_run(b, TO_64, 0x48, 0xb8, IMM64(where[n]), 0xc6, 0x00, 0x90);
        g_assert_cmpint(b->outcome, ==, ENTRY_ESCAPE);
    }
    attack_end(b);
}

/* Reads all over the 64-bit space from 64-bit code: nothing but the guest's pages, the stub and the list is there. */
static void attack_read_outside(void)
{
    Box *b = attack_new();
    if (!b)
        return;
    for (unsigned bit = 32; bit < 64; bit++)
        for (int down = 0; down < 2; down++) {
            uint64_t at = down ? (1ull << bit) - 0x1000 : 1ull << bit;
            box_run(b, TO_64, 0x48, 0xb8, IMM64(at), 0x48, 0x8b, 0x00);
            g_assert_true(b->outcome == ENTRY_ESCAPE);
        }
    /* and from 32-bit code, around what is given */
    static const uint32_t low[] = { 0, 0x1000, 0x10000, 0x400ffc, 0x407000, 0x7fffffff, 0xffffe000 };
    for (unsigned n = 0; n < G_N_ELEMENTS(low); n++) {
        box_run(b, 0xa1, IMM32(low[n]));
        g_assert_true(b->outcome == ENTRY_FAULT && b->stop.vector == VEC_PF && b->stop.has_addr
                      && b->stop.addr == low[n]);
    }
    attack_end(b);
}

/* ---- selectors ---- */

static void attack_selectors(void)
{
    Box *b = attack_new();
    if (!b)
        return;
    for (unsigned sel = 0; sel < 0x90; sel++) { /* the host's GDT and the first LDT entries, every RPL */
        box_run(b, 0xb8, IMM32(sel), 0x8e, 0xc0, 0xcd, 0x80); /* mov es, ax; int 80h */
        bool ours = b->outcome == ENTRY_SYSCALL; /* the very selector that ES had */
        g_assert_true(ours ? (sel & 7) == 7
                           : b->outcome == ENTRY_ESCAPE || (b->outcome == ENTRY_FAULT && b->stop.vector == VEC_GP)
                                 || (b->outcome == ENTRY_FAULT && b->stop.vector == VEC_SS));
        if (sel % 3 == 0) { /* far jump */
            box_run(b, 0xea, IMM32(ENTRY_CODE + 7), sel, sel >> 8, 0xcd, 0x80);
            ours = b->outcome == ENTRY_SYSCALL;
            /* CS takes CPL for its RPL, so that its own entry by another RPL is the same selector */
            g_assert_true(ours ? (sel & 4) != 0 : b->outcome == ENTRY_ESCAPE || b->outcome == ENTRY_FAULT);
        }
    }
    /* the LDT itself can not be reached */
    g_assert_cmpint(box_run(b, 0xb8, IMM32(8), 0x0f, 0x00, 0xd0), ==, ENTRY_FAULT); /* lldt */
    g_assert_cmpint(
        box_run(b, 0xb8, IMM32(123), 0xbb, IMM32(0x11), 0xb9, IMM32(ENTRY_DATA), 0xba, IMM32(16), 0xcd, 0x80), ==,
        ENTRY_SYSCALL);
    attack_end(b);
}

/* A segment that another guest thread had is still in the LDT: taking it back by its selector is found. */
static void attack_stale_segment(void)
{
    Box *b = attack_new();
    if (!b)
        return;
    box_run(b, 0x90);
    for (int n = 0; n < 4; n++) {
        memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0xcd, 0x80 }, 2);
        b->v->seg[S_GS].base = ENTRY_DATA + n * 16;
        b->v->rip = ENTRY_CODE;
        g_assert_cmpint(box_resume(b), ==, SANDBOX_SYSCALL);
    }
    memcpy(box_byte(b, ENTRY_CODE), (uint8_t[]){ 0x8c, 0xe8, 0x83, 0xe8, 0x08, 0x8e, 0xe8, 0xcd, 0x80 },
           9); /* gs -= 8 */
    b->v->rip = ENTRY_CODE;
    b->v->gpr[R_AX].d = 0x77;
    g_assert_cmpint(box_resume(b), ==, SANDBOX_ESCAPE);
    g_assert_cmphex(b->v->gpr[R_AX].d, ==, 0x77); /* the run is discarded */
    g_assert_cmphex(b->v->rip, ==, ENTRY_CODE);
    g_assert_cmpint(box_resume(b), ==, SANDBOX_LOST);
    guard_check(b);
    box_free(b);
}

/* ---- forged stops ---- */

static void attack_forged(void)
{
    Box *b = attack_new();
    if (!b)
        return;
    for (unsigned n = 0; n < 256; n++) { /* INT n with every n */
        box_run(b, 0xcd, n);
        bool gate = n == 3 || n == 4 || n == 0x80;
        if (gate)
            g_assert_cmpint(b->outcome, ==, n == 0x80 ? ENTRY_SYSCALL : ENTRY_TRAP);
        else
            g_assert_true(b->outcome == ENTRY_FAULT && b->stop.vector == VEC_GP && b->v->rip == ENTRY_CODE);
    }
    /* IRET sets RF, then INTO, which tells from #GP by RF alone: one of the two, and EIP within the code */
    box_run(b, 0x9c, 0x81, 0x0c, 0x24, IMM32(0x10800), 0x0e, 0x68, IMM32(ENTRY_CODE + 15), 0xcf, 0xce);
    g_assert_true(b->outcome == ENTRY_TRAP || b->outcome == ENTRY_FAULT || b->outcome == ENTRY_RUNS);
    g_assert_cmphex(b->v->rip & ~0x1full, ==, ENTRY_CODE);
    attack_end(b);
}

/* RAX values that the kernel knows as "restart this call": EIP stays, RAX too, also over a signal. */
static void attack_restart(void)
{
    static const int32_t codes[] = { -512, -513, -514, -516, -4 };
    Box *b = attack_new();
    if (!b)
        return;
    for (unsigned n = 0; n < G_N_ELEMENTS(codes); n++) {
        box_run(b, 0x31, 0xc9, 0xb8, IMM32(codes[n]), 0xcd, 0x80, 0x41, 0xcd, 0x80); /* int 80h; inc ecx; int 80h */
        g_assert_cmpint(b->outcome, ==, ENTRY_SYSCALL);
        g_assert_cmphex(b->v->gpr[R_AX].q, ==, (uint32_t)codes[n]);
        g_assert_cmphex(b->v->rip, ==, ENTRY_CODE + 9);
        for (int sig = 0; sig < 2; sig++) { /* a kick, and a stranger's signal */
            b->v->rip = ENTRY_CODE + 9;
            b->v->gpr[R_CX].d = 0;
            kill(sandbox_pid(box_sandbox(b)), sig ? SIGTERM : SIGUSR1);
            SandboxExit e = box_resume(b);
            if (e == SANDBOX_KICK) {
                g_assert_cmphex(b->v->gpr[R_AX].q, ==, (uint32_t)codes[n]);
                e = box_resume(b);
            }
            g_assert_cmpint(e, ==, SANDBOX_SYSCALL);
            g_assert_cmphex(b->v->rip, ==, ENTRY_CODE + 12);
            g_assert_cmpuint(b->v->gpr[R_CX].d, ==, 1);
        }
    }
    attack_end(b);
}

/* ---- residue ---- */

/* To 64-bit code and back by RETF with the selector read before: what stays in registers that 32-bit code has not. */
#define VIA_64(...)                                                                                                  \
    0x8c, 0xce, 0xea, 0x09, 0x10, 0x40, 0x00, 0x33, 0x00, __VA_ARGS__, 0x56, 0x68, IMM32(ENTRY_CODE + 24), 0x48,     \
        0xcb, 0xcd, 0x80

static void attack_residue(void)
{
    Box *b = attack_new();
    if (!b)
        return;
    /* r8..r15: found at the next stop */
    box_run(b, VIA_64(0x49, 0xc7, 0xc0, 1, 0, 0, 0)); /* mov r8, 1 */
    g_assert_cmpint(b->outcome, ==, ENTRY_ESCAPE);
    box_run(b, VIA_64(0x49, 0xc7, 0xc7, 1, 0, 0, 0)); /* mov r15, 1 */
    g_assert_cmpint(b->outcome, ==, ENTRY_ESCAPE);
    /* upper halves: the guest has none, and a later run finds none */
    box_run(b, VIA_64(0x48, 0xc7, 0xc3, 0xef, 0xbe, 0xad, 0xde)); /* mov rbx, FFFFFFFFDEADBEEF */
    if (b->outcome == ENTRY_SYSCALL) {
        g_assert_cmphex(b->v->gpr[R_BX].q, ==, 0xdeadbeef);
        uint8_t look[] = { VIA_64(0x48, 0xc1, 0xeb, 0x20, 0x90, 0x90, 0x90) }; /* shr rbx, 32 */
        memcpy(box_byte(b, ENTRY_CODE), look, sizeof look);
        b->v->rip = ENTRY_CODE;
        g_assert_cmpint(box_resume(b), ==, SANDBOX_SYSCALL);
        g_assert_cmphex(b->v->gpr[R_BX].q, ==, 0);
    } else {
        g_assert_cmpint(b->outcome, ==, ENTRY_ESCAPE);
    }
    /* xmm8: gone once the x87 state came home and went in again */
    box_run(b, VIA_64(0x66, 0x4c, 0x0f, 0x6e, 0xc4, 0x90, 0x90)); /* movq xmm8, rsp */
    if (b->outcome == ENTRY_SYSCALL) { /* box_run() brings the x87 state home */
        uint8_t look[] = { VIA_64(0x66, 0x4c, 0x0f, 0x7e, 0xc3, 0x90, 0x90) }; /* movq rbx, xmm8 */
        memcpy(box_byte(b, ENTRY_CODE), look, sizeof look);
        b->v->rip = ENTRY_CODE;
        b->v->gpr[R_BX].d = 1;
        g_assert_cmpint(box_resume(b), ==, SANDBOX_SYSCALL);
        g_assert_cmphex(b->v->gpr[R_BX].q, ==, 0);
    }
    attack_end(b);
}

/* The x87 environment shows guest addresses only. */
static void attack_fpu_pointers(void)
{
    Box *b = attack_new();
    uint32_t env[7];
    if (!b)
        return;
    for (int used = 0; used < 2; used++) {
        box_run(b, 0xd9, used ? 0xe8 : 0xd0, 0xd9, 0x35, IMM32(ENTRY_DATA), 0xd9, 0x35,
                IMM32(ENTRY_DATA)); /* fld1 or fnop; fnstenv */
        g_assert_cmpint(b->outcome, ==, ENTRY_RUNS);
        memcpy(env, box_byte(b, ENTRY_DATA), sizeof env);
        g_assert_true(env[3] == 0 || (env[3] & ~0x1fu) == ENTRY_CODE);
        g_assert_true(env[5] == 0 || (env[5] & ~0xfffu) == ENTRY_DATA);
    }
    attack_end(b);
}

/* Protection keys, where the CPU has them: WRPKRU shuts every page; found, and the next sandbox has its pages. */
static void attack_pkru(void)
{
    Box *b = attack_new();
    if (!b)
        return;
    box_run(b, 0x31, 0xc9, 0x31, 0xd2, 0xb8, IMM32(~0u), 0x0f, 0x01, 0xef, 0xa1, IMM32(ENTRY_DATA));
    g_assert_true(b->outcome == ENTRY_ESCAPE || (b->outcome == ENTRY_FAULT && b->stop.vector == VEC_UD));
    attack_end(b);
}

/* ---- never yielding, and chance ---- */

typedef struct Fuzz {
    SandboxPool *pool;
    int stop;
} Fuzz;

static gpointer kick_thread(gpointer opaque)
{
    Fuzz *f = opaque;
    while (!__atomic_load_n(&f->stop, __ATOMIC_SEQ_CST)) {
        sandbox_pool_kick(f->pool);
        g_usleep(1000);
    }
    return NULL;
}

static Sandbox *fuzz_sandbox(Fuzz *f, Vcpu *v)
{
    bool fresh;
    GError *error = NULL;
    Sandbox *s = sandbox_pool_get(f->pool, 0, v, &fresh, &error);
    g_assert_no_error(error);
    if (fresh) {
        sandbox_map(s, ENTRY_CODE, ENTRY_CODE & 0xf000, 0x2000, SANDBOX_READ | SANDBOX_EXEC);
        sandbox_map(s, ENTRY_DATA, ENTRY_DATA & 0xf000, 0x4000, SANDBOX_READ | SANDBOX_WRITE);
    }
    return s;
}

static void attack_never_yield(void)
{
    static const uint8_t code[][12] = {
        { 0xeb, 0xfe },                                      /* jmp $ */
        { 0xf3, 0x90, 0xeb, 0xfc },                          /* pause; jmp */
        { 0x8b, 0x05, IMM32(ENTRY_DATA), 0xeb, 0xf8 },       /* read; jmp */
        { 0xf0, 0xff, 0x05, IMM32(ENTRY_DATA), 0xeb, 0xf7 }, /* lock inc; jmp */
        { 0x9c, 0x9d, 0xeb, 0xfc },                          /* pushf; popf; jmp */
        { 0xe2, 0xfe, 0xeb, 0xfc },                          /* loop $; jmp */
    };
    Box *b = attack_new();
    SandboxStop stop;
    if (!b)
        return;
    box_run(b, 0x90);
    Fuzz f = { .pool = sandbox_pool_new(b->ram->fd, -1, 2) };
    GThread *t = g_thread_new("kicker", kick_thread, &f);
    for (unsigned n = 0; n < G_N_ELEMENTS(code); n++)
        for (int again = 0; again < 3; again++) {
            fuzz_sandbox(&f, b->v);
            memcpy(box_byte(b, ENTRY_CODE), code[n], sizeof code[n]);
            b->v->rip = ENTRY_CODE;
            b->v->gpr[R_SP].d = ENTRY_STACK + 0x800;
            g_assert_cmpint(sandbox_pool_run(f.pool, 0, b->v, &stop), ==, SANDBOX_KICK);
            g_assert_cmphex(b->v->rip & ~0xfull, ==, ENTRY_CODE);
        }
    __atomic_store_n(&f.stop, 1, __ATOMIC_SEQ_CST);
    g_thread_join(t);
    sandbox_pool_fpu_home(f.pool, b->v);
    sandbox_pool_free(f.pool);
    attack_end(b);
}

/* Random bytes as code, with random registers. Whatever they do, the run ends, and nothing else has changed. */
static void attack_random(void)
{
    Box *b = attack_new();
    SandboxStop stop;
    unsigned count[SANDBOX_EXIT_COUNT] = { 0 };
    if (!b)
        return;
    box_run(b, 0x90);
    Vcpu clean = *b->v;
    Fuzz f = { .pool = sandbox_pool_new(b->ram->fd, -1, 2) };
    GThread *t = g_thread_new("kicker", kick_thread, &f);
    gint64 end = g_get_monotonic_time() + 2 * G_USEC_PER_SEC;
    for (int n = 0; n < 20000 && g_get_monotonic_time() < end; n++) {
        fuzz_sandbox(&f, b->v);
        sandbox_pool_fpu_home(f.pool, b->v);
        for (int k = 0; k < 64; k += 4) {
            uint32_t bits = g_test_rand_int();
            memcpy(box_byte(b, ENTRY_CODE + k), &bits, 4);
        }
        for (int k = 0; k < 8; k++)
            b->v->gpr[k].q =
                n & 1 ? (uint32_t)g_test_rand_int() : ENTRY_DATA + ((uint32_t)g_test_rand_int() & 0x1ffc);
        b->v->gpr[R_SP].q = ENTRY_STACK + 0x800;
        eflags_set_raw(b->v, FL_1 | FL_IF | (g_test_rand_int() & FL_ARITH));
        __atomic_store_n(&b->v->attention, 0, __ATOMIC_SEQ_CST);
        b->v->rip = ENTRY_CODE;
        SandboxExit e = sandbox_pool_run(f.pool, 0, b->v, &stop);
        g_assert_cmpint(e, !=, SANDBOX_LOST);
        g_assert_cmpint(e, !=, SANDBOX_FULL);
        count[e]++;
        g_assert_cmphex(b->v->flags & (FL_IF | FL_IOPL | FL_VM | FL_RF | FL_VIF | FL_VIP), ==, FL_IF);
        g_assert_cmpmem(b->v->seg, sizeof clean.seg, clean.seg, sizeof clean.seg);
        for (int k = 0; k < 16; k++)
            g_assert_cmphex(b->v->gpr[k].q >> 32, ==, 0);
    }
    __atomic_store_n(&f.stop, 1, __ATOMIC_SEQ_CST);
    g_thread_join(t);
    for (int e = 0; e < SANDBOX_EXIT_COUNT; e++)
        g_test_message("%s: %u", sandbox_exit_name(e), count[e]);
    g_assert_cmpuint(count[SANDBOX_FAULT], >, 0);
    sandbox_pool_fpu_home(f.pool, b->v);
    sandbox_pool_free(f.pool);
    attack_end(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/attack/int80", attack_int80);
    g_test_add_func("/attack/syscall64", attack_syscall64);
    g_test_add_func("/attack/fast-calls", attack_fast_calls);
    g_test_add_func("/attack/vsyscall", attack_vsyscall);
    g_test_add_func("/attack/stub", attack_stub);
    g_test_add_func("/attack/read-outside", attack_read_outside);
    g_test_add_func("/attack/selectors", attack_selectors);
    g_test_add_func("/attack/stale-segment", attack_stale_segment);
    g_test_add_func("/attack/forged", attack_forged);
    g_test_add_func("/attack/restart", attack_restart);
    g_test_add_func("/attack/residue", attack_residue);
    g_test_add_func("/attack/fpu-pointers", attack_fpu_pointers);
    g_test_add_func("/attack/pkru", attack_pkru);
    g_test_add_func("/attack/never-yield", attack_never_yield);
    g_test_add_func("/attack/random", attack_random);
    return g_test_run();
}

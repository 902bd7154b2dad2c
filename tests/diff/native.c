/*
 * Run a case on the host CPU, in compatibility mode.
 *
 * The guest's pages are mapped at their own addresses below 4 GiB of this (64-bit) process. native_enter loads x87/SSE
 * state, segment registers and general registers and leaves by IRETQ, which an unprivileged program may use to reach
 * 32-bit or 16-bit code. The case ends in an exception; the kernel makes it a signal whose frame holds everything: the
 * registers, trapno, error code, CR2 and the FXSAVE image. The handler copies that out and jumps back to native_enter's
 * caller without a sigreturn, so a case costs one signal delivery and no other system call.
 *
 * Two traps for the unwary. IRETQ to a 16-bit stack segment leaves the upper bits of ESP as they were in RSP, so the
 * context lies at addresses whose bits 16-31 are the wanted ones. And FS is the C library's thread pointer: the handler
 * puts it back before anything else, hence no stack protector there.
 */
#include "config.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include <glib.h>

#include "diff/native.h"

const DiffPage diff_pages[DIFF_PAGES] = {
    { DIFF_CODE, DIFF_X },           { DIFF_CODE + 0x1000, DIFF_X }, { DIFF_DATA, DIFF_W },
    { DIFF_DATA + 0x1000, DIFF_W },  { DIFF_RO, 0 },                 { DIFF_STACK, DIFF_W },
    { DIFF_STACK + 0x1000, DIFF_W }, { DIFF_SMC, DIFF_W | DIFF_X },
};

const DiffSeg diff_ldt[DIFF_LDT] = {
    [LDT_CODE16] = { DIFF_CODE, 0xffff, .code = true },
    [LDT_STACK16] = { DIFF_STACK, 0xffff },
    [LDT_DATA16] = { DIFF_DATA, 0xffff },
    [LDT_CODE32] = { DIFF_CODE, 0x2fff, .code = true, .big = true },
    [LDT_CODE16_SHORT] = { DIFF_CODE, 0x17ff, .code = true },
    [5] = { DIFF_DATA, 0x17ff },
    [6] = { DIFF_DATA, 0x17fe, .big = true },
    [7] = { DIFF_DATA, 0x7fff, .read_only = true },
    [8] = { DIFF_DATA, 0x07ff, .down = true },               /* valid: 800..ffff */
    [9] = { DIFF_DATA, 0x0801, .down = true, .big = true },  /* valid: 802..ffffffff */
    [10] = { DIFF_DATA - 0x800, 1, .pages = true },
    [11] = { 0, 0xfffff, .big = true, .pages = true },
    [12] = { DIFF_STACK, 0x1fff, .big = true },
    [13] = { DIFF_STACK, 0x0fff, .down = true },
    [14] = { DIFF_DATA + 0x123, 0x2001, .big = true },
    [15] = { DIFF_DATA, 0 },
    [LDT_CODE_X] = { DIFF_CODE, 0xffff, .code = true, .read_only = true, .big = true },
    [LDT_ABSENT] = { DIFF_DATA, 0xffff, .absent = true },
    [LDT_ABSENT_CODE] = { DIFF_CODE, 0xffff, .code = true, .absent = true },
    [LDT_EMPTY] = { 0, 0, .absent = true }, /* left out: a descriptor of zeros */
};

const uint16_t diff_esp_high[DIFF_ESP_HIGHS] = { 0x0000, 0x3000, 0x8421, 0xffff };

int diff_page_index(uint32_t addr)
{
    for (int i = 0; i < DIFF_PAGES; i++)
        if (diff_pages[i].addr == (addr & ~0xfffu))
            return i;
    return -1;
}

#define CTX_BASE 0x500000000ull /* above anything that 32-bit code can reach */

typedef struct Context {
    uint64_t host_rsp;                  /* 0 */
    uint64_t rip, cs, rflags, rsp, ss;  /* 8: the IRETQ frame */
    uint64_t ax, cx, dx, bx, bp, si, di; /* 48 */
    uint16_t ds, es, fs, gs;            /* 104 */
    uint64_t unused[2];
    DiffFx fx;                          /* 128 */
} Context;
G_STATIC_ASSERT(offsetof(Context, ax) == 48 && offsetof(Context, ds) == 104 && offsetof(Context, fx) == 128);

struct Native {
    uint8_t *pages;
    uint64_t fs_base;
    bool fsgsbase;
    volatile bool inside;
    Context *ctx;  /* the alias in use */
    DiffResult *result;
    struct sigaction segv; /* the engine's: accesses by shadow windows fault */
};

/* A signal handler is told nothing of its owner: the one process-wide pointer. */
static Native *the_native;

void native_enter(Context *ctx);
_Noreturn void native_leave(uint64_t host_rsp);
__asm__(".text\n"
        ".globl native_enter\n.type native_enter,@function\n"
        "native_enter:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "mov %rsp, 0(%rdi)\n"
        "fxrstor 128(%rdi)\n"
        "mov 104(%rdi), %ds\n"
        "mov 106(%rdi), %es\n"
        "mov 108(%rdi), %fs\n"
        "mov 110(%rdi), %gs\n"
        "lea 8(%rdi), %rsp\n"
        "mov 48(%rdi), %rax; mov 56(%rdi), %rcx; mov 64(%rdi), %rdx; mov 72(%rdi), %rbx\n"
        "mov 80(%rdi), %rbp; mov 88(%rdi), %rsi; mov 96(%rdi), %rdi\n"
        "xor %r8d, %r8d; xor %r9d, %r9d; xor %r10d, %r10d; xor %r11d, %r11d\n"
        "xor %r12d, %r12d; xor %r13d, %r13d; xor %r14d, %r14d; xor %r15d, %r15d\n"
        "iretq\n"
        ".size native_enter, .-native_enter\n"
        ".globl native_leave\n.type native_leave,@function\n"
        "native_leave:\n"
        "mov %rdi, %rsp\n"
        "cld\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "ret\n"
        ".size native_leave, .-native_leave\n");

static inline __attribute__((always_inline)) void thread_pointer_restore(Native *n)
{
    __asm__ volatile("mov %0, %%fs; mov %0, %%gs" ::"r"(0));
    if (n->fsgsbase) {
        __asm__ volatile("wrfsbase %0" ::"r"(n->fs_base));
    } else {
        long r = SYS_arch_prctl;
        __asm__ volatile("syscall" : "+a"(r) : "D"((long)ARCH_SET_FS), "S"(n->fs_base) : "rcx", "r11", "memory");
    }
}

__attribute__((no_stack_protector)) static void on_signal(int sig, siginfo_t *si, void *opaque)
{
    Native *n = the_native;
    uint16_t fs, gs, ds, es;
    ucontext_t *uc = opaque;
    const greg_t *g = uc->uc_mcontext.gregs;
    uint16_t cs = g[REG_CSGSFS];

    /* The kernel leaves the guest's AC and NT set: the one would trap our own code, the other the next IRETQ. */
    __asm__ volatile("lea -128(%%rsp), %%rsp; push $2; popfq; lea 128(%%rsp), %%rsp" ::: "cc", "memory");
    bool ours = cs == 0x33 && (uint64_t)g[REG_RIP] > 0xffffffff;
    if (!n->inside || ours) {
        if (sig == SIGVTALRM)
            return;
        if (sig == SIGSEGV && !n->inside && (n->segv.sa_flags & SA_SIGINFO)) {
            n->segv.sa_sigaction(sig, si, opaque);
            return;
        }
        /* Our own code went wrong: die of it, the supervisor tells. */
        signal(sig, SIG_DFL);
        return;
    }
    __asm__ volatile("mov %%fs, %0; mov %%gs, %1; mov %%ds, %2; mov %%es, %3" : "=r"(fs), "=r"(gs), "=r"(ds), "=r"(es));
    thread_pointer_restore(n);
    n->inside = false;

    DiffResult *r = n->result;
    static const uint8_t order[8] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI };
    for (int i = 0; i < 8; i++)
        r->gpr[i] = (uint32_t)g[order[i]];
    r->eip = (uint32_t)g[REG_RIP];
    r->eflags = (uint32_t)g[REG_EFL];
    r->sel[0] = es;
    r->sel[1] = cs;
    r->sel[2] = (uint64_t)g[REG_CSGSFS] >> 48;
    r->sel[3] = ds;
    r->sel[4] = fs;
    r->sel[5] = gs;
    r->vector = g[REG_TRAPNO];
    r->error = g[REG_ERR];
    r->cr2 = r->vector == 14 ? (uint32_t)g[REG_CR2] : 0;
    if (sig == SIGVTALRM)
        r->vector = DIFF_END_HUNG;
    else if (sig == SIGSYS || cs == 0x33) /* by way of the kernel's descriptor for 64-bit code */
        r->vector = DIFF_END_SYSCALL;
    memcpy(&r->fx, uc->uc_mcontext.fpregs, 512);
    /* The 64-bit layout has offsets of 64 bits where the 32-bit one has selectors; the guest's are 32 bits wide. */
    r->fx.fcs = r->fx.fds = 0;
    native_leave(n->ctx->host_rsp);
}

/* 32-bit system calls become SIGSYS: guest bytes may hold INT 80h or SYSENTER by accident. */
static bool forbid_32bit_syscalls(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = { G_N_ELEMENTS(code), code };
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
           && !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog);
}

static bool load_ldt(void)
{
    for (int i = 0; i < DIFF_LDT; i++) {
        const DiffSeg *s = &diff_ldt[i];
        struct user_desc d = { .entry_number = i, .base_addr = s->base, .limit = s->limit };
        if (i == LDT_EMPTY) { /* base 0, limit 0 and this very set of bits is modify_ldt's word for "clear" */
            d.read_exec_only = d.seg_not_present = 1;
        } else {
            d.seg_32bit = s->big;
            d.contents = s->code ? MODIFY_LDT_CONTENTS_CODE : s->down ? MODIFY_LDT_CONTENTS_STACK : MODIFY_LDT_CONTENTS_DATA;
            d.read_exec_only = s->read_only;
            d.limit_in_pages = s->pages;
            d.seg_not_present = s->absent;
        }
        if (syscall(SYS_modify_ldt, 0x11, &d, sizeof d))
            return false;
    }
    return true;
}

static bool map_pages(Native *n)
{
    int fd = memfd_create("diff", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, DIFF_PAGES * 4096))
        return false;
    n->pages = mmap(NULL, DIFF_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (n->pages == MAP_FAILED)
        return false;
    for (int i = 0; i < DIFF_PAGES; i++) {
        unsigned perm = diff_pages[i].perm;
        int prot = PROT_READ | (perm & DIFF_W ? PROT_WRITE : 0) | (perm & DIFF_X ? PROT_EXEC : 0);
        void *want = (void *)(uintptr_t)diff_pages[i].addr;
        if (mmap(want, 4096, prot, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, fd, i * 4096) != want)
            return false;
    }
    close(fd);
    fd = memfd_create("diff-context", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 4096))
        return false;
    for (int i = 0; i < DIFF_ESP_HIGHS; i++) {
        void *want = (void *)(CTX_BASE + ((uint64_t)diff_esp_high[i] << 16));
        if (mmap(want, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, fd, 0) != want)
            return false;
    }
    close(fd);
    return true;
}

Native *native_new(const char **reason)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGVTALRM };
    Native *n = g_new0(Native, 1);
    unsigned long fs_base = 0;

#if defined(__SANITIZE_ADDRESS__)
    *reason = "AddressSanitizer keeps its shadow memory below 4 GiB, where the guest's pages must be";
    g_free(n);
    return NULL;
#endif
    the_native = n;
    n->fsgsbase = getauxval(AT_HWCAP2) & 2; /* HWCAP2_FSGSBASE */
    syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_base);
    n->fs_base = fs_base;
    if (!map_pages(n)) {
        *reason = "cannot map pages below 4 GiB";
    } else if (!load_ldt()) {
        *reason = "modify_ldt is not allowed here";
    } else if (!forbid_32bit_syscalls()) {
        *reason = "seccomp is not allowed here";
    } else {
        size_t size = 256 * 1024;
        stack_t alt = { .ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0),
                        .ss_size = size };
        sigaltstack(&alt, NULL);
        sigaction(SIGSEGV, NULL, &n->segv);
        for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++) {
            struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART };
            sigaction(signals[i], &sa, NULL);
        }
        struct itimerval tick = { { 0, 50000 }, { 0, 50000 } };
        setitimer(ITIMER_VIRTUAL, &tick, NULL);
        return n;
    }
    g_free(n);
    return NULL;
}

uint8_t *native_page(Native *n, int page)
{
    return n->pages + page * 4096;
}

void native_run(Native *n, const DiffCase *c, DiffResult *r)
{
    uint64_t high = c->gpr[4] & 0xffff0000u;
    bool known = false;

    for (int i = 0; i < DIFF_ESP_HIGHS; i++)
        known |= (uint64_t)diff_esp_high[i] << 16 == high;
    n->ctx = (Context *)(CTX_BASE + (known ? high : 0));
    Context *x = n->ctx;
    x->rip = c->eip;
    x->cs = c->sel[1];
    x->rflags = c->eflags;
    x->rsp = c->gpr[4];
    x->ss = c->sel[2];
    x->ax = c->gpr[0], x->cx = c->gpr[1], x->dx = c->gpr[2], x->bx = c->gpr[3];
    x->bp = c->gpr[5], x->si = c->gpr[6], x->di = c->gpr[7];
    x->es = c->sel[0], x->ds = c->sel[3], x->fs = c->sel[4], x->gs = c->sel[5];
    x->fx = c->fx;
    n->result = r;
    __asm__ volatile("" ::: "memory");
    /* "inside" is set a little early; the handler looks at CS as well. */
    n->inside = true;
    native_enter(x);
    n->inside = false;
}

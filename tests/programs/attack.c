/*
 * Attacks from an ordinary program of a Linux guest on its kernel's memory, on the machine that runs it, and on the
 * machine's patience. Nothing may be read or written that is not the program's, the guest goes on, and what is
 * printed is the same in every engine. usage: attack NAME
 *
 * Every attack begins with computing, so that direct execution has taken the program up.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <asm/ldt.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define KERNEL 0xc0000000u
#define PAGE 4096u

static sigjmp_buf back;

static void caught(int sig)
{
    siglongjmp(back, sig);
}

static void catch_all(void)
{
    static const int signals[] = {SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP};
    for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++)
        sigaction(signals[n], &(struct sigaction){.sa_handler = caught, .sa_flags = SA_NODEFER}, NULL);
}

/* ---- memory that is not ours ---- */

static bool can_read(uint32_t at)
{
    if (sigsetjmp(back, 0))
        return false;
    (void)*(volatile uint8_t *)at;
    return true;
}

static bool can_write(uint32_t at)
{
    if (sigsetjmp(back, 0))
        return false;
    *(volatile uint8_t *)at = 0x90;
    return true;
}

static bool can_call(uint32_t at)
{
    if (sigsetjmp(back, 0))
        return false;
    ((void (*)(void))at)();
    return true;
}

static void kernel(void)
{
    int read = 0, written = 0, called = 0, tried = 0;
    catch_all();
    for (uint32_t at = KERNEL; at >= KERNEL; at += 0x100000 + PAGE) {
        tried++;
        read += can_read(at);
        written += can_write(at + 8);
        if (tried % 16 == 0)
            called += can_call(at);
    }
    for (uint32_t at = 0xfff00000; at >= 0xfff00000; at += PAGE)
        tried++, read += can_read(at + 4095);
    printf("%d pages of the kernel's tried: %d read, %d written, %d called\n", tried, read, written, called);
    /* over the edge: the stack ends there */
    printf("over the edge: %s\n", sigsetjmp(back, 0) ? "fault" : (*(volatile uint32_t *)(KERNEL - 2), "read"));
    /* the lowest pages */
    printf("address 0: %s, read %d\n",
           mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? strerror(errno)
                                                                                                  : "mapped",
           can_read(16));
}

/* By the kernel's own copying: it must refuse addresses of its own. */
static void calls(void)
{
    int p[2];
    if (pipe(p))
        return;
    for (uint32_t at = KERNEL; at >= KERNEL; at += 0x4000000) {
        errno = 0;
        long n = write(p[1], (void *)at, 16);
        printf("write from %08x: %ld %s\n", at, n, strerror(errno));
    }
    if (write(p[1], "0123456789abcdef", 16) != 16)
        return;
    errno = 0;
    printf("read to the kernel: %zd", read(p[0], (void *)0xc0100000, 16));
    printf(" %s\n", strerror(errno));
    /* numbers that are no system calls */
    for (unsigned n = 500; n < 0xffffffffu - 0x1fffffff; n += 0x1fffffff) {
        errno = 0;
        printf("call %08x: %ld %s\n", n, syscall(n, p[0], 1, 2, 3, 4, 5), strerror(errno));
    }
}

/* ---- LDT and TLS ---- */

static long set_ldt(int entry, uint32_t base, uint32_t limit, bool pages, bool wide, int contents, bool absent,
                    bool read_only)
{
    struct user_desc d = {.entry_number = entry,
                          .base_addr = base,
                          .limit = limit,
                          .seg_32bit = wide,
                          .contents = contents,
                          .read_exec_only = read_only,
                          .limit_in_pages = pages,
                          .seg_not_present = absent};
    long got = syscall(SYS_modify_ldt, 0x11, &d, sizeof d);
    printf("ldt %d base %08x limit %x: %s\n", entry, base, limit, got ? strerror(errno) : "set");
    return got;
}

static void ldt(void)
{
    probe_init();
    if (set_ldt(0, PROBE_DATA, 0xfff, false, true, MODIFY_LDT_CONTENTS_DATA, false, false))
        return;
    set_ldt(1, PROBE_CODE, 0xff, false, true, MODIFY_LDT_CONTENTS_CODE, false, true);
    set_ldt(2, PROBE_CODE, 0xff, false, false, MODIFY_LDT_CONTENTS_CODE, false, true);
    set_ldt(3, 0, 0xfffff, true, true, MODIFY_LDT_CONTENTS_CODE, false, true);
    set_ldt(4, PROBE_DATA + 0x800, 0x7ff, false, true, MODIFY_LDT_CONTENTS_STACK, false, false);
    set_ldt(5, PROBE_DATA, 0xfff, false, true, MODIFY_LDT_CONTENTS_DATA, true, false);
    set_ldt(6, PROBE_DATA, 0xfff, false, true, MODIFY_LDT_CONTENTS_DATA, false, true);
    set_ldt(7, KERNEL, 0xfffff, true, true, MODIFY_LDT_CONTENTS_DATA, false, false);
    set_ldt(8191, PROBE_DATA, 0xf, false, true, MODIFY_LDT_CONTENTS_DATA, false, false);
    static const Probe probes[] = {{"read by an LDT segment", "b8 07 00 00 00 8e c0 31 db 26 8b 43 08", NULL},
        {"its limit", "b8 07 00 00 00 8e c0 bb fd 0f 00 00 26 8b 03", NULL},
        {"code by the LDT", "ea 07 00 00 00 0f 00 b8 05 00 00 00", NULL},
        {"its limit, too", "ea 00 10 00 00 0f 00", NULL},
        {"16 bits wide", "ea 07 00 00 00 17 00 b8 34 12 01 c0 f4", NULL},
        {"flat by the LDT", "ea 07 00 00 20 1f 00 0e 58", NULL},
        {"expand-down", "b8 27 00 00 00 8e c0 bb 00 08 00 00 26 8b 03", NULL},
        {"below it", "b8 27 00 00 00 8e c0 bb 00 04 00 00 26 8b 03", NULL},
        {"absent", "b8 2f 00 00 00 8e c0", NULL},
        {"read-only", "b8 37 00 00 00 8e c0 26 c7 07 01 00 00 00", NULL},
        {"read-only, stack", "b8 37 00 00 00 8e d0", NULL},
        {"the kernel's addresses", "b8 3f 00 00 00 8e c0 31 db 26 8b 03", NULL},
        {"the last entry", "b8 ff ff 00 00 8e c0 31 db 26 8b 43 0c", NULL},
        {"its limit, three", "b8 ff ff 00 00 8e c0 31 db 26 8b 43 0d", NULL},
        {"behind the table", "b8 47 00 00 00 8e c0", NULL},
        {"its LAR and LSL", "b8 07 00 00 00 0f 02 d8 0f 03 c8", NULL},
        {NULL, NULL, NULL}};
    for (int round = 0; round < 2; round++) {
        for (const Probe *p = probes; p->name; p++)
            probe_run(p);
        probe_compute();
    }
    /* a segment in use changes, and goes */
    uint16_t was, sel = 7;
    uint32_t seen;
    asm volatile("mov %%es, %0" : "=r"(was));
    *(uint32_t *)PROBE_DATA = 0x1234;
    asm volatile("mov %1, %%es; mov %%es:0, %0; mov %2, %%es" : "=&r"(seen) : "r"(sel), "r"(was) : "memory");
    printf("before: %x\n", seen);
    set_ldt(0, PROBE_DATA + 4, 0xfff, false, true, MODIFY_LDT_CONTENTS_DATA, false, false);
    *(uint32_t *)(PROBE_DATA + 4) = 0x5678;
    asm volatile("mov %1, %%es; mov %%es:0, %0; mov %2, %%es" : "=&r"(seen) : "r"(sel), "r"(was) : "memory");
    printf("after: %x\n", seen);
    struct user_desc none = {.entry_number = 0, .read_exec_only = 1, .seg_not_present = 1};
    printf("clear: %ld\n", syscall(SYS_modify_ldt, 0x11, &none, sizeof none));
    probe_run(&(Probe){"cleared", "b8 07 00 00 00 8e c0", NULL});
}

/* ---- forged signal frames ---- */

static struct {
    uint16_t cs, ss, ds, gs;
    uint32_t eip, flags;
    int hits;
} forged;

static void forge(int sig, siginfo_t *info, void *context)
{
    (void)info;
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (sig != SIGUSR1 || forged.hits++) {
        printf(" signal %d trap %d err %x cs %x ss %x\n", sig, r[REG_TRAPNO], r[REG_ERR], r[REG_CS] & 0xffff,
               r[REG_SS] & 0xffff);
        siglongjmp(back, 1);
    }
    if (forged.cs)
        r[REG_CS] = forged.cs;
    if (forged.ss)
        r[REG_SS] = forged.ss;
    if (forged.ds)
        r[REG_DS] = forged.ds;
    if (forged.gs)
        r[REG_GS] = forged.gs;
    if (forged.eip)
        r[REG_EIP] = forged.eip;
    r[REG_EFL] |= forged.flags;
}

static void frames(void)
{
    static char stack[65536];
    static const struct {
        uint16_t cs, ss, ds, gs;
        uint32_t eip, flags;
    } tries[] = {
        {0x33, 0, 0, 0, 0, 0},      {0x23, 0, 0, 0, 0, 0},       {0x10, 0, 0, 0, 0, 0},  {0x60, 0, 0, 0, 0, 0},
        {0x73, 0, 0, 0, KERNEL, 0}, {0x7b, 0, 0, 0, 0, 0},       {0x07, 0, 0, 0, 0, 0},  {0, 0x2b, 0, 0, 0, 0},
        {0, 0x68, 0, 0, 0, 0},      {0, 0x33, 0, 0, 0, 0},       {0, 0, 0x2b, 0, 0, 0},  {0, 0, 0x68, 0, 0, 0},
        {0, 0, 0, 0, 0, 0x3000},    {0, 0, 0, 0, 0, 0x20000},    {0, 0, 0, 0, 0, 0x100}, {0, 0, 0, 0, 0, 0x40000},
        {0, 0, 0, 0, 0, 0x4000},    {0, 0, 0, 0, 0xfffffffe, 0}, {0, 0, 0, 0, 1, 0},     {0, 0, 0, 0, 0, 0x180000},
    };
    static const int signals[] = {SIGSEGV, SIGILL, SIGBUS, SIGTRAP, SIGUSR1};
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alt, NULL);
    for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++)
        sigaction(signals[n],
                  &(struct sigaction){.sa_sigaction = forge, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER}, NULL);
    for (unsigned n = 0; n < sizeof tries / sizeof *tries; n++) {
        memset(&forged, 0, sizeof forged);
        forged.cs = tries[n].cs, forged.ss = tries[n].ss, forged.ds = tries[n].ds, forged.gs = tries[n].gs;
        forged.eip = tries[n].eip, forged.flags = tries[n].flags;
        printf("forged %x %x %x %08x %x:", tries[n].cs, tries[n].ss, tries[n].ds, tries[n].eip, tries[n].flags);
        fflush(stdout);
        if (!sigsetjmp(back, 0)) {
            uint32_t flags;
            raise(SIGUSR1);
            asm volatile("pushfl; popl %0; pushl $0x202; popfl" : "=r"(flags));
            printf(" returned, flags %x\n", flags & ~0xd5u);
        } else
            asm volatile("pushl $0x202; popfl" ::: "cc");
    }
}

/* ---- code hidden in the middle of other instructions ---- */

/* 64-bit code that would make the host's system calls; here 33h is no code segment, so nothing of it ever runs. */
/* MOV EDI, hidden; XOR EBP, EBP; JE over; MOV m32, imm32, of which 8 bytes are the hidden code; over: JMP EDI. A
 * sweep in line and along branches sees the MOV, which is never executed. */
#define PASS_BY "bf 0b 00 00 20 31 ed 74 0a c7 05 "
#define JUMP " ff e7 "

static void hidden(void)
{
    static const Probe probes[] = {
        /* what would be write(1, ...), exit_group and kill in 64-bit code */
        {"hidden far jump, write",
         PASS_BY "ea 15 00 00 20 33 00 90" JUMP "bf 01 00 00 00 be :: ba 10 00 00 00 b8 01 00 00 00 0f 05", NULL},
        {"hidden far jump, exit", PASS_BY "ea 15 00 00 20 33 00 90" JUMP "31 ff b8 e7 00 00 00 0f 05", NULL},
        {"hidden far jump, kill all",
         PASS_BY "ea 15 00 00 20 33 00 90" JUMP "48 c7 c7 ff ff ff ff be 09 00 00 00 b8 3e 00 00 00 0f 05", NULL},
        {"hidden far jump, the stub", PASS_BY "ea 15 00 00 20 33 00 90" JUMP "48 b8 00 00 00 00 00 10 00 00 ff e0",
         NULL},
        {"hidden far jump, r8 to r15", PASS_BY "ea 15 00 00 20 33 00 90" JUMP "49 89 e0 4d 89 c7 90 90 f4", NULL},
        {"hidden far jump to 23h", PASS_BY "ea 15 00 00 20 23 00 90" JUMP "40 40", NULL},
        {"hidden syscall", PASS_BY "0f 05 90 90 90 90 90 f4" JUMP, "c"},
        {"hidden sysenter", PASS_BY "31 ed 0f 34 90 90 90 f4" JUMP, "dbslp"},
        {"hidden int 2eh", PASS_BY "cd 2e 90 90 90 90 90 f4" JUMP, NULL},
        {"hidden load of ss", PASS_BY "6a 2b 17 90 90 90 90 f4" JUMP, NULL},
        {"hidden load of gs", PASS_BY "31 c0 8e e8 90 90 90 f4" JUMP, NULL},
        {NULL, NULL, NULL}};
    probe_init();
    for (int round = 0; round < 3; round++) {
        for (const Probe *p = probes; p->name; p++)
            probe_run(p);
        probe_compute();
    }
}

/* ---- code that changes ---- */

static void rewriting(void)
{
    uint8_t *code = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint32_t sum = 0;
    for (uint32_t n = 0; n < 3000; n++) {
        uint8_t *at = code + n % 4091; /* over the page's edge, too */
        at[0] = 0xb8;
        memcpy(at + 1, &n, 4);
        at[5] = 0xc3;
        sum = sum * 31 + ((uint32_t(*)(void))at)();
    }
    printf("rewritten: %08x\n", sum);
    /* by another mapping of the same memory */
    uint8_t *twin = mremap(code, 0, 2 * PAGE, MREMAP_MAYMOVE);
    for (uint32_t n = 0; n < 1000; n++) {
        twin[0] = 0xb8;
        memcpy(twin + 1, &n, 4);
        twin[5] = 0xc3;
        sum = sum * 31 + ((uint32_t(*)(void))code)();
    }
    printf("by a twin: %08x\n", sum);
    /* an instruction that rewrites the next one, and itself */
    static const uint8_t self[] = {0xc6, 0x05, 0, 0, 0, 0, 0x02, 0xb8, 0x01, 0, 0, 0, 0xc3};
    memcpy(code, self, sizeof self);
    uint32_t target = (uint32_t)code + 8;
    memcpy(code + 2, &target, 4);
    printf("the next: %u\n", ((uint32_t(*)(void))code)());
    /* mapped, run and unmapped, with other code at the same address */
    for (uint32_t n = 0; n < 200; n++) {
        uint8_t *m =
            mmap((void *)0x30000000, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        m[0] = 0xb8, memcpy(m + 1, &n, 4), m[5] = 0xc3;
        mprotect(m, PAGE, PROT_READ | PROT_EXEC);
        sum = sum * 31 + ((uint32_t(*)(void))m)();
        munmap(m, PAGE);
    }
    printf("remapped: %08x\n", sum);
}

/* ---- patience ---- */

static void endless(void)
{
    static const uint8_t loops[][8] = {
        {0xeb, 0xfe}, {0x90, 0xeb, 0xfd}, {0x9c, 0x9d, 0xeb, 0xfc}, {0xe8, 0, 0, 0, 0, 0x58, 0xeb, 0xf8}};
    for (unsigned n = 0; n < sizeof loops / sizeof *loops; n++) {
        pid_t pid = fork();
        if (!pid) {
            uint8_t *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            memcpy(code, loops[n], 8);
            mprotect(code, PAGE, PROT_READ | PROT_EXEC);
            ((void (*)(void))code)();
        }
        usleep(300000);
        int status;
        printf("still runs: %d\n", waitpid(pid, &status, WNOHANG) == 0);
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        printf("killed by %d\n", WTERMSIG(status));
    }
}

/* More mappings than the host lets a process have; then many address spaces that compute at once. */
static void exhaust(void)
{
    enum { PAGES = 80000 };
    uint32_t sum = 0;
    uint8_t *m = mmap(NULL, (size_t)PAGES * 2 * PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m == MAP_FAILED) {
        printf("no memory\n");
        return;
    }
    for (uint32_t n = 0; n < PAGES; n++)
        m[(size_t)n * 2 * PAGE + n % PAGE] = n;
    for (uint32_t n = 0; n < PAGES; n++)
        sum = sum * 31 + m[(size_t)n * 2 * PAGE + n % PAGE];
    probe_compute();
    for (uint32_t n = 0; n < PAGES; n++)
        sum = sum * 31 + m[(size_t)n * 2 * PAGE + n % PAGE];
    printf("scattered: %08x\n", sum);
    munmap(m, (size_t)PAGES * 2 * PAGE);
}

static void many(void)
{
    enum { CHILDREN = 24 };
    pid_t pids[CHILDREN];
    int good = 0;
    for (int n = 0; n < CHILDREN; n++)
        if (!(pids[n] = fork())) {
            probe_compute();
            for (int k = 0; k < 20; k++)
                sched_yield(), getppid();
            _exit(n);
        }
    for (int n = 0; n < CHILDREN; n++) {
        int status;
        good += waitpid(pids[n], &status, 0) == pids[n] && WIFEXITED(status) && WEXITSTATUS(status) == n;
    }
    printf("%d computed and ended\n", good);
}

/* Threads that run code while another rewrites its constant: only values that were written are seen. */
static volatile bool stop;
static uint8_t *shared_code;

static int reader(void *arg)
{
    (void)arg;
    while (!stop) {
        uint32_t value = ((uint32_t(*)(void))shared_code)();
        if (value & 0xffffff00u)
            return 1;
    }
    return 0;
}

static void threads(void)
{
    static char stacks[3][16384] __attribute__((aligned(16)));
    pid_t pids[3];
    int bad = 0;
    shared_code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memcpy(shared_code, (uint8_t[]){0xb8, 1, 0, 0, 0, 0xc3}, 6);
    for (int n = 0; n < 3; n++)
        pids[n] = clone(reader, stacks[n] + sizeof stacks[n], CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, NULL);
    for (int n = 0; n < 3000; n++) {
        shared_code[1] = n;
        if (n % 100 == 0)
            sched_yield();
        if (n % 1000 == 0)
            usleep(20000);
    }
    stop = true;
    for (int n = 0; n < 3; n++) {
        int status = -1;
        waitpid(pids[n], &status, 0);
        bad += status != 0;
    }
    printf("threads that saw what nobody wrote: %d\n", bad);
}

/* ---- a debugger in the guest ---- */

static void debugger(void)
{
    pid_t pid = fork();
    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        asm volatile("movl $200, %%ecx; 1: addl $3, %%eax; xorl %%eax, %%edx; loop 1b; int3; ud2" ::
                         : "eax", "ecx", "edx");
        _exit(9);
    }
    int status, steps = 0;
    struct user_regs_struct r;
    waitpid(pid, &status, 0);
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, 0);
    printf("stopped by %d\n", WSTOPSIG(status));
    ptrace(PTRACE_GETREGS, pid, 0, &r);
    r.eip -= 8; /* back to the loop's begin */
    r.ecx = 100;
    long word = ptrace(PTRACE_PEEKTEXT, pid, r.eip, 0);
    printf("selectors %lx %lx %lx, code %08lx\n", r.xcs & 0xffff, r.xss & 0xffff, r.xds & 0xffff, word);
    ptrace(PTRACE_GETREGS, pid, 0, &r);
    for (; steps < 400; steps++) {
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        waitpid(pid, &status, 0);
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
            break;
    }
    printf("%d steps, then %d\n", steps, WIFSTOPPED(status) ? WSTOPSIG(status) : -1);
    /* a hardware watchpoint of the guest's kernel */
    ptrace(PTRACE_KILL, pid, 0, 0);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

/* Ports, with the kernel's permission: IN and OUT then work at CPL 3, CLI does not. */
static void ports(void)
{
    probe_init();
    probe_run(&(Probe){"in without permission", "ba 61 00 00 00 ec", "a"});
    printf("ioperm: %s\n", ioperm(0x61, 1, 1) ? strerror(errno) : "granted");
    probe_run(&(Probe){"in with permission", "ba 61 00 00 00 ec", "a"});
    probe_run(&(Probe){"in, word", "ba 61 00 00 00 66 ed", "a"});
    probe_compute();
    probe_run(&(Probe){"in with permission", "ba 61 00 00 00 ec", "a"});
    probe_run(&(Probe){"in of another", "ba 64 00 00 00 ec", "a"});
    printf("iopl: %s\n", iopl(3) ? strerror(errno) : "granted");
    probe_run(&(Probe){"in of another", "ba 64 00 00 00 ec", "a"});
    probe_run(&(Probe){"cli", "fa", NULL});
    probe_run(&(Probe){"popf", "6a 00 9d 9c 58", NULL});
}

static const struct {
    const char *name;
    void (*run)(void);
} attacks[] = {
    {"kernel", kernel}, {"calls", calls},         {"ldt", ldt},           {"frames", frames},
    {"hidden", hidden}, {"rewriting", rewriting}, {"endless", endless},   {"exhaust", exhaust},
    {"many", many},     {"threads", threads},     {"debugger", debugger}, {"ports", ports},
};

#define CS_OF_I386_KERNEL 0x73

int main(int argc, char **argv)
{
    uint16_t cs;
    asm("movw %%cs, %0" : "=r"(cs));
    if (cs != CS_OF_I386_KERNEL) { /* elsewhere 33h may be 64-bit code, and what is attacked the host itself */
        fprintf(stderr, "attack: this is for a guest with a 32-bit Linux\n");
        return 2;
    }
    for (unsigned n = 0; n < sizeof attacks / sizeof *attacks; n++) {
        if (argc != 2 || strcmp(attacks[n].name, argv[1]))
            continue;
        setvbuf(stdout, NULL, _IOLBF, 0);
        probe_compute();
        attacks[n].run();
        printf("goes on\n");
        return 0;
    }
    fprintf(stderr, "usage: attack NAME; the names:");
    for (unsigned n = 0; n < sizeof attacks / sizeof *attacks; n++)
        fprintf(stderr, " %s", attacks[n].name);
    fprintf(stderr, "\n");
    return 2;
}

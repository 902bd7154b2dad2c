/*
 * Runs a few instructions and prints what came of them; see probe.h.
 *
 * The frame of the signal at the end is the guest kernel's own view: exception, error code, registers, selectors, and
 * the x87 environment with its pointers. What is as it was before is left out, so a line is short: "sgdt: trap 13 err
 * 0 at +3 mem 0:ff00...".
 */
#define _GNU_SOURCE
#include "probe.h"

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define FLAGS_BEFORE 0x202u
#define MXCSR_BEFORE 0x1f80u
#define SECONDS_MAX 600

enum { EAX, ECX, EDX, EBX, EBP, ESI, EDI, REGISTERS };
static const char *const register_names[REGISTERS] = {"eax", "ecx", "edx", "ebx", "ebp", "esi", "edi"};
static const char register_letters[REGISTERS] = "acdbpsi";
static const int register_places[REGISTERS] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_EBP, REG_ESI, REG_EDI};
static const uint32_t before[REGISTERS] = {0x11223344, 0x00000003, 0x55667788, 0x99aabbcc,
                                           0x20020f80, PROBE_DATA, PROBE_DATA};

/* A signal handler's only way to its program. */
static struct {
    sigjmp_buf back;
    int signal, code;
    uint32_t address;
    gregset_t regs;
    struct _libc_fpstate fpu;
    uint16_t gs, fs;
} caught;

__attribute__((noinline, used)) static void remember(int sig, siginfo_t *info, ucontext_t *uc)
{
    caught.signal = sig;
    caught.code = info->si_code;
    caught.address = (uint32_t)info->si_addr;
    memcpy(caught.regs, uc->uc_mcontext.gregs, sizeof caught.regs);
    if (uc->uc_mcontext.fpregs)
        caught.fpu = *uc->uc_mcontext.fpregs;
    siglongjmp(caught.back, 1);
}

/* A probe may have left GS and FS, AC and DF in any state: the handler begins without using them. */
static void handler(int sig, siginfo_t *info, void *context)
{
    asm volatile("pushl %0; popfl; movw %1, %%gs; movw %2, %%fs; cld"
                 :
                 : "i"(FLAGS_BEFORE), "m"(caught.gs), "m"(caught.fs)
                 : "memory", "cc");
    remember(sig, info, context);
}

static void map(uint32_t at, uint32_t size, int prot)
{
    if (mmap((void *)at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
        perror("probe: mmap");
        exit(1);
    }
}

void probe_init(void)
{
    static const int signals[] = {SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP, SIGSYS};
    static char stack[65536];
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(SECONDS_MAX);
    asm volatile("movw %%gs, %0; movw %%fs, %1" : "=m"(caught.gs), "=m"(caught.fs));
    sigaltstack(&alt, NULL);
    for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++)
        sigaction(signals[n], &act, NULL);
    map(PROBE_CODE, 0x1000, PROT_READ | PROT_WRITE);
    map(PROBE_DATA, 0x1000, PROT_READ | PROT_WRITE);
    map(PROBE_STACK & ~0xfffu, 0x1000, PROT_READ | PROT_WRITE);
}

static unsigned put32(uint8_t *to, uint32_t value)
{
    memcpy(to, &value, 4);
    return 4;
}

/* The code's length. */
static unsigned assemble(const char *text, uint8_t *code)
{
    unsigned n = 0;
    for (const char *s = text; *s && n < PROBE_CODE_MAX;) {
        if (*s == ' ')
            s++;
        else if (!strncmp(s, "::", 2))
            n += put32(code + n, PROBE_DATA), s += 2;
        else if (!strncmp(s, "..", 2)) { /* a far pointer's offset: the selector comes behind it */
            n += put32(code + n, PROBE_CODE + n + 6), s += 2;
        } else {
            char digits[3] = {s[0], s[1]};
            code[n++] = strtoul(digits, NULL, 16);
            s += 2;
        }
    }
    return n;
}

static void enter(void)
{
    uint32_t at = PROBE_CODE;
    static uint32_t target, mxcsr = MXCSR_BEFORE;
    target = at;
    asm volatile("fninit\n\t"
                 "ldmxcsr %[mxcsr]\n\t"
                 "xorps %%xmm0, %%xmm0; xorps %%xmm1, %%xmm1; xorps %%xmm2, %%xmm2; xorps %%xmm3, %%xmm3\n\t"
                 "xorps %%xmm4, %%xmm4; xorps %%xmm5, %%xmm5; xorps %%xmm6, %%xmm6; xorps %%xmm7, %%xmm7\n\t"
                 "movl %[stack], %%esp\n\t"
                 "pushl %[flags]\n\t"
                 "popfl\n\t"
                 "movl %[eax], %%eax\n\t"
                 "movl %[ecx], %%ecx\n\t"
                 "movl %[edx], %%edx\n\t"
                 "movl %[ebx], %%ebx\n\t"
                 "movl %[ebp], %%ebp\n\t"
                 "movl %[data], %%esi\n\t"
                 "movl %[data], %%edi\n\t"
                 "jmp *%[target]"
                 :
                 : [mxcsr] "m"(mxcsr), [stack] "i"(PROBE_STACK), [flags] "i"(FLAGS_BEFORE), [eax] "i"(0x11223344),
                   [ecx] "i"(3), [edx] "i"(0x55667788), [ebx] "i"(0x99aabbccu), [ebp] "i"(0x20020f80),
                   [data] "i"(PROBE_DATA), [target] "m"(target)
                 : "memory");
    __builtin_unreachable();
}

static void data_before(uint8_t *data)
{
    for (int n = 0; n < 0x1000; n++)
        data[n] = n % 64 < 32 ? 0x3f : 0x40; /* as float: 0.747 or 3.003 */
}

static void show_memory(const uint8_t *data)
{
    static uint8_t was[0x1000];
    data_before(was);
    int last = -2;
    for (int n = 0; n < 0x1000; n++) {
        if (data[n] == was[n])
            continue;
        if (n != last + 1)
            printf(" mem %x:", n);
        printf("%02x", data[n]);
        last = n;
    }
}

void probe_run(const Probe *p)
{
    uint8_t *code = (uint8_t *)PROBE_CODE, *data = (uint8_t *)PROBE_DATA;
    const char *hide = p->hide ? p->hide : "";

    mprotect(code, 0x1000, PROT_READ | PROT_WRITE);
    memset(code, 0xf4, 0x1000); /* HLT: #GP */
    assemble(p->code, code);
    mprotect(code, 0x1000, PROT_READ | PROT_EXEC);
    data_before(data);
    memset((void *)(PROBE_STACK & ~0xfffu), 0, 0x1000);
    memset(&caught.fpu, 0, sizeof caught.fpu);
    if (!sigsetjmp(caught.back, 0))
        enter();

    printf("%s: signal %d trap %d err %x", p->name, caught.signal, caught.regs[REG_TRAPNO], caught.regs[REG_ERR]);
    if (caught.regs[REG_TRAPNO] == 14)
        printf(" address %08x", caught.address);
    if (!strchr(hide, 'l'))
        printf((uint32_t)caught.regs[REG_EIP] - PROBE_CODE < 0x1000 ? " at +%x" : " at %x",
               (uint32_t)caught.regs[REG_EIP] -
                   ((uint32_t)caught.regs[REG_EIP] - PROBE_CODE < 0x1000 ? PROBE_CODE : 0));
    for (int n = 0; n < REGISTERS; n++)
        if ((uint32_t)caught.regs[register_places[n]] != before[n] && !strchr(hide, register_letters[n]))
            printf(" %s %x", register_names[n], caught.regs[register_places[n]]);
    if (caught.regs[REG_ESP] != (int)PROBE_STACK)
        printf(" esp%+d", caught.regs[REG_ESP] - (int)PROBE_STACK);
    if (!strchr(hide, 'f'))
        printf(" fl %x", caught.regs[REG_EFL]);
    printf(" cs %x ss %x ds %x es %x fs %x gs %x", caught.regs[REG_CS] & 0xffff, caught.regs[REG_SS] & 0xffff,
           caught.regs[REG_DS] & 0xffff, caught.regs[REG_ES] & 0xffff, caught.regs[REG_FS] & 0xffff,
           caught.regs[REG_GS] & 0xffff);
    if ((caught.fpu.tag & 0xffff) != 0xffff || (caught.fpu.sw & 0xffff) || (caught.fpu.cw & 0xffff) != 0x37f ||
        caught.fpu.ipoff || caught.fpu.dataoff)
        printf(" x87 cw %lx sw %lx tw %lx ip %lx:%lx dp %lx:%lx", caught.fpu.cw & 0xffff, caught.fpu.sw & 0xffff,
               caught.fpu.tag & 0xffff, caught.fpu.cssel & 0x07ffffff, caught.fpu.ipoff, caught.fpu.datasel & 0xffff,
               caught.fpu.dataoff);
    if (!strchr(hide, 'm'))
        show_memory(data);
    putchar('\n');
}

void probe_compute(void)
{
    static volatile uint32_t seed = 1;
    uint32_t x = seed;
    for (int n = 0; n < 24000000; n++)
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    seed = x;
}

/*
 * Looks for the monitor, as programs do that want to know where they run: what an unprivileged instruction shows of the
 * machine must be the guest's, in every engine. usage: redpill GROUP
 *
 * Each group is a table of probes (probe.h); it is run twice, the second time after the program has computed for so long
 * that direct execution takes it up, and both must be the same.
 */
#include "probe.h"

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

static const Probe tables[] = {
    {"sgdt", "0f 01 07", NULL},
    {"sidt", "0f 01 0f", NULL},
    {"sgdt 16", "66 0f 01 07", NULL},
    {"sidt 16", "66 0f 01 0f", NULL},
    {"sldt r", "0f 00 c0", NULL},
    {"sldt m", "0f 00 07", NULL},
    {"str r", "0f 00 c8", NULL},
    {"str m", "0f 00 0f", NULL},
    {"smsw r", "0f 01 e0", NULL},
    {"smsw r16", "66 0f 01 e0", NULL},
    {"smsw m", "0f 01 27", NULL},
    {"lgdt", "0f 01 17", NULL},
    {"lidt", "0f 01 1f", NULL},
    {"lldt", "0f 00 d0", NULL},
    {"ltr", "0f 00 d8", NULL},
    {"lmsw", "0f 01 f0", NULL},
    {"mov from cr0", "0f 20 c0", NULL},
    {"mov from cr3", "0f 20 d8", NULL},
    {"mov from cr4", "0f 20 e0", NULL},
    {"mov to cr0", "0f 22 c0", NULL},
    {"mov from dr7", "0f 21 f8", NULL},
    {"clts", "0f 06", NULL},
    {"invlpg", "0f 01 3f", NULL},
    {"wbinvd", "0f 09", NULL},
    {"rdmsr", "0f 32", NULL},
    {"wrmsr", "0f 30", NULL},
    {"rdpmc", "0f 33", NULL},
    {"cli", "fa", NULL},
    {"sti", "fb", NULL},
    {"in", "ec", NULL},
    {"out", "ee", NULL},
    {"insb", "6c", NULL},
    {"outsb", "6e", NULL},
    {"arpl", "b8 10 00 00 00 63 c8", NULL},
    {NULL, NULL, NULL}};

static const Probe selectors[] = {
    {"mov from cs", "8c c8", NULL},
    {"mov from ss", "8c d0", NULL},
    {"mov from ds", "8c d8", NULL},
    {"mov from es m", "8c 07", NULL},
    {"mov from fs", "8c e0", NULL},
    {"mov from gs 16", "66 8c e8", NULL},
    {"push cs", "0e 58", NULL},
    {"push ss", "16 58", NULL},
    {"push ds", "1e 58", NULL},
    {"push fs", "0f a0 58", NULL},
    {"push gs 16", "66 0f a8 66 58", NULL},
    {"pop ds", "6a 7b 1f 8c d8", NULL},
    {"pop ss", "16 17 8c d0", NULL},
    {"null to ds", "31 c0 8e d8", NULL},
    {"null to ds, used", "31 c0 8e d8 8b 07", NULL},
    {"null to es", "31 c0 8e c0 8c c0", NULL},
    {"rpl 3 null to fs", "b8 03 00 00 00 8e e0 8c e0", NULL},
    {"null to gs", "31 c0 8e e8 65 8b 07", NULL},
    {"null to ss", "31 c0 8e d0", NULL},
    {"far call itself", "9a .. 73 00 58 5b", "a"},
    {"far call, return", "9a 0c 00 00 20 73 00 90 90 90 90 90 cb", NULL},
    {"far jump to 23h", "ea .. 23 00 40", NULL},
    {"far jump to 2bh", "ea .. 2b 00 40", NULL},
    {"far jump to 33h", "ea .. 33 00 48 31 c0", NULL},
    {"far jump to 10h", "ea .. 10 00 40", NULL},
    {"far jump to 60h", "ea .. 60 00 40", NULL},
    {"far jump to 73h", "ea .. 73 00 40", NULL},
    {"far jump to 7bh", "ea .. 7b 00 40", NULL},
    {"far jump to 80h", "ea .. 80 00 40", NULL},
    {"far call to 33h", "9a .. 33 00 48 31 c0", NULL},
    {"retf to 33h", "6a 33 68 10 00 00 20 cb 90 90 90 90 90 90 90 90 48 31 c0", NULL},
    {"retf to 23h", "6a 23 68 10 00 00 20 cb", NULL},
    {"iret to 33h", "9c 6a 33 68 10 00 00 20 cf", NULL},
    {"iret to 73h", "9c 6a 73 68 10 00 00 20 cf 90 90 90 90 90 90 90 40", NULL},
    {"far jump m", "c7 07 10 00 00 20 c7 47 04 33 00 00 00 ff 2f", "m"},
    {"les", "c7 47 04 7b 00 00 00 c4 07", NULL},
    {"lds 33h", "c7 47 04 33 00 00 00 c5 07", NULL},
    {"lfs null", "c7 47 04 00 00 00 00 0f b4 07", NULL},
    {"lss 2bh", "c7 47 04 2b 00 00 00 0f b2 07", NULL},
    {NULL, NULL, NULL}};

static const Probe flags[] = {
    {"pushf", "9c 58", NULL},
    {"pushf 16", "66 9c 58", NULL},
    {"popf 0", "6a 00 9d 9c 58", NULL},
    {"popf all but TF", "68 d5 fe ff ff 9d 9c 58", NULL},
    {"popf IOPL", "68 00 30 00 00 9d 9c 58", NULL},
    {"popf NT", "68 02 42 00 00 9d 9c 58", NULL},
    {"popf ID", "68 02 02 20 00 9d 9c 58", NULL},
    {"popf VM RF", "68 02 02 03 00 9d 9c 58", NULL},
    {"popf VIF VIP", "68 02 02 18 00 9d 9c 58", NULL},
    {"popf 16", "66 68 d7 ce 66 9d 9c 58", NULL},
    {"popf DF, lods", "68 02 06 00 00 9d ad 9c 58", NULL},
    {"AC, aligned", "68 02 02 04 00 9d 8b 07", NULL},
    {"AC, unaligned", "68 02 02 04 00 9d 8b 47 01", NULL},
    {"AC, unaligned word", "68 02 02 04 00 9d 66 8b 47 03", NULL},
    {"AC, unaligned push", "68 02 02 04 00 9d 83 ec 01 50", NULL},
    {"TF", "68 02 03 00 00 9d 40 40 40", NULL},
    {"TF, popf off", "9c 68 02 03 00 00 9d 9d 40", NULL},
    {"TF, mov ss", "68 02 03 00 00 9d 8c d0 8e d0 40 40", NULL},
    {"TF, pushf", "68 02 03 00 00 9d 9c 58", NULL},
    {"sahf lahf", "b4 d7 9e 9f", NULL},
    {"cmc stc std", "f5 f9 fd", NULL},
    {"iret flags", "68 d7 0e 24 00 6a 73 68 10 00 00 20 cf 90 90 90 90 90", NULL},
    {"adc chain", "f9 11 c0 11 d0 9c 5b", NULL},
    {"mul flags", "f7 e2", "f"},
    {"shift by 0", "b1 00 d3 e0 9c 5b", NULL},
    {"bt", "0f a3 d0 0f ab d0 0f b3 d3 0f bb d9", NULL},
    {"daa das", "27 2f", NULL},
    {"aaa aas", "37 3f", "f"},
    {NULL, NULL, NULL}};

/* What this CPU has not, and the host's may have; what no CPU defines; what is long. */
static const Probe alien[] = {
    {"vzeroupper", "c5 f8 77", NULL},
    {"vaddps", "c5 f4 58 c2", NULL},
    {"vpaddd ymm", "c5 f5 fe c2", NULL},
    {"vmovd m", "c5 f9 6e 07", NULL},
    {"vex3 bextr", "c4 e2 70 f7 c2", NULL},
    {"vex3 vbroadcast", "c4 e2 7d 18 07", NULL},
    {"evex", "62 f1 7c 48 58 c1", NULL},
    {"bound", "c7 07 00 00 00 00 c7 47 04 ff ff ff 7f 62 07", NULL},
    {"bound below", "c7 07 80 33 22 11 c7 47 04 ff ff ff 7f 62 07", NULL},
    {"xop", "8f e8 78 c2 c1 01", NULL},
    {"pop r, as xop", "8f c0", NULL},
    {"xbegin", "c7 f8 00 00 00 00", NULL},
    {"xend", "0f 01 d5", NULL},
    {"xtest", "0f 01 d6", NULL},
    {"xabort", "c6 f8 00", NULL},
    {"rdrand", "0f c7 f0", NULL},
    {"rdseed", "0f c7 f8", NULL},
    {"xgetbv", "31 c9 0f 01 d0", NULL},
    {"xsave", "0f ae 27", NULL},
    {"xrstor", "0f ae 2f", NULL},
    {"rdtscp", "0f 01 f9", NULL},
    {"rdpid", "f3 0f c7 f8", NULL},
    {"rdpkru", "31 c9 0f 01 ee", NULL},
    {"wrpkru", "31 c0 31 c9 31 d2 0f 01 ef", NULL},
    {"rdfsbase", "f3 0f ae c0", NULL},
    {"wrgsbase", "f3 0f ae d8", NULL},
    {"popcnt", "f3 0f b8 c2", NULL},
    {"lzcnt, here bsr", "f3 0f bd c2", NULL},
    {"tzcnt, here bsf", "f3 0f bc c2", NULL},
    {"tzcnt of 0", "31 d2 f3 0f bc c2", "af"},
    {"movbe", "0f 38 f0 07", NULL},
    {"crc32", "f2 0f 38 f0 c2", NULL},
    {"adcx", "66 0f 38 f6 c2", NULL},
    {"adox", "f3 0f 38 f6 c2", NULL},
    {"pshufb", "0f 38 00 c1", NULL},
    {"pabsb xmm", "66 0f 38 1c c1", NULL},
    {"ptest", "66 0f 38 17 c1", NULL},
    {"pcmpistri", "66 0f 3a 63 c1 00", NULL},
    {"aesenc", "66 0f 38 dc c1", NULL},
    {"pclmulqdq", "66 0f 3a 44 c1 00", NULL},
    {"sha1rnds4", "0f 3a cc c1 00", NULL},
    {"gf2p8", "66 0f 38 cf c1", NULL},
    {"haddps", "f2 0f 7c c1", NULL},
    {"lddqu", "f2 0f f0 07", NULL},
    {"movddup", "f2 0f 12 c1", NULL},
    {"fisttp", "d9 e8 db 0f", NULL},
    {"extrq", "66 0f 78 c0 08 08", NULL},
    {"insertq", "f2 0f 79 c1", NULL},
    {"movntss", "f3 0f 2b 07", NULL},
    {"3dnow pfadd", "0f 0f c1 9e", NULL},
    {"femms", "0f 0e", NULL},
    {"prefetchw", "0f 0d 0f", NULL},
    {"prefetcht0", "0f 18 0f", NULL},
    {"clflush", "0f ae 3f", NULL},
    {"clflushopt", "66 0f ae 3f", NULL},
    {"clwb", "66 0f ae 37", NULL},
    {"clzero", "89 f8 0f 01 fc", NULL},
    {"monitor", "0f 01 c8", NULL},
    {"mwait", "0f 01 c9", NULL},
    {"monitorx", "0f 01 fa", NULL},
    {"mwaitx", "0f 01 fb", NULL},
    {"umonitor", "f3 0f ae f0", NULL},
    {"vmcall", "0f 01 c1", NULL},
    {"vmmcall", "0f 01 d9", NULL},
    {"vmlaunch", "0f 01 c2", NULL},
    {"vmrun", "0f 01 d8", NULL},
    {"vmread", "0f 78 c0", NULL},
    {"skinit", "0f 01 de", NULL},
    {"clgi", "0f 01 dd", NULL},
    {"endbr32", "f3 0f 1e fb", NULL},
    {"rdsspd", "f3 0f 1e c8", NULL},
    {"incsspd", "f3 0f ae e8", NULL},
    {"serialize", "0f 01 e8", NULL},
    {"enqcmd", "f2 0f 38 f8 07", NULL},
    {"movdiri", "0f 38 f9 07", NULL},
    {"cldemote, here nop", "0f 1c 07", NULL},
    {"long nop", "66 0f 1f 84 00 00 00 00 00", NULL},
    {"nop 0f 19", "0f 19 c0", NULL},
    {"cmpxchg8b", "0f c7 0f", NULL},
    {"lock cmpxchg8b r", "f0 0f c7 c8", NULL},
    {"syscall", "0f 05", NULL},
    {"sysret", "0f 07", NULL},
    {"sysexit", "0f 35", NULL},
    {"rsm", "0f aa", NULL},
    {"ud0", "0f ff c0", NULL},
    {"ud1", "0f b9 c0", NULL},
    {"ud2", "0f 0b", NULL},
    {"icebp", "f1", NULL},
    {"salc", "f9 d6", NULL},
    {"82 /0", "82 c0 01", NULL},
    {"f6 /1", "f6 c8 01", NULL},
    {"c0 /6", "c0 f0 01", NULL},
    {"ffreep", "d9 e8 df c0", NULL},
    {"fstp d9 d8", "d9 e8 d9 d8", NULL},
    {"lock nop", "f0 90", NULL},
    {"lock add r", "f0 01 c0", NULL},
    {"14 prefixes", "66 66 66 66 66 66 66 66 66 66 66 66 66 66 40", NULL},
    {"15 prefixes", "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 40", NULL},
    {"repne ret", "68 10 00 00 20 f2 c3", NULL},
    {"66 ret", "66 68 00 00 66 c3", NULL},
    {"div by 0", "31 c9 f7 f1", NULL},
    {"div overflow", "b9 01 00 00 00 f7 f1", NULL},
    {"idiv min", "b8 00 00 00 80 99 83 c9 ff f7 f9", NULL},
    {"aam 0", "d4 00", NULL},
    {"into", "b8 ff ff ff 7f 40 ce", NULL},
    {"into, no overflow", "ce", NULL},
    {"int3", "cc", NULL},
    {"enter 31", "c8 10 00 1f", NULL},
    {"wrap of an address", "b8 ff ff ff ff 8b 40 02", NULL},
    {"jump to 0", "31 c0 ff e0", NULL},
    {"jump to the end", "b8 ff ff ff ff ff e0", NULL},
    {NULL, NULL, NULL}};

static const Probe fpu[] = {
    {"fnstenv", "d9 e8 d8 0f d9 37", NULL},
    {"fnstenv 16", "d9 e8 d8 0f 66 d9 37", NULL},
    {"fnsave", "d9 07 dc 4f 08 dd 37", NULL},
    {"fxsave", "d9 07 d8 4f 04 0f ae 07", NULL},
    {"fxsave, no operand", "d9 07 d9 fa 0f ae 07", NULL},
    {"fninit", "d9 07 d9 fa db e3 d9 37", NULL},
    {"fldenv", "d9 07 d9 77 40 d9 67 40 d9 37", NULL},
    {"pointers in the frame", "d9 07 d8 4f 04", NULL},
    {"fcs and fds", "d9 07 26 d8 4f 04 d9 77 20", NULL},
    {"fld m80", "db 2f d9 77 20", NULL},
    {"unmasked zero divide", "c7 07 7b 03 00 00 d9 2f d9 e8 d9 ee de f9 9b", NULL},
    {"the same, fnstenv", "c7 07 7b 03 00 00 d9 2f d9 e8 d9 ee de f9 d9 77 20", NULL},
    {"the same, fxsave", "c7 07 7b 03 00 00 d9 2f d9 e8 d9 ee d8 77 48 d8 ff 0f ae 07", NULL},
    {"stack fault", "c7 07 7e 03 00 00 d9 2f d8 c0 9b", NULL},
    {"sse unmasked", "c7 07 00 1d 00 00 0f ae 17 0f 57 c0 0f 57 c9 f3 0f 5e c1", NULL},
    {"stmxcsr", "0f ae 1f", NULL},
    {"ldmxcsr reserved", "c7 07 00 00 01 00 0f ae 17", NULL},
    {"ldmxcsr, a bit of AMD's", "c7 07 00 00 02 00 0f ae 17", NULL},
    {"mmx", "0f 6f 07 0f fc 47 08 0f 7f 47 10 d9 77 20", NULL},
    {"emms", "0f 6f 07 0f 77 d9 77 20", NULL},
    {"fnop", "d9 d0 d9 77 20", NULL},
    {"fstcw fstsw", "d9 3f dd 7f 04 df e0", NULL},
    {"movaps unaligned", "0f 28 47 04", NULL},
    {NULL, NULL, NULL}};

static const Probe cpuid[] = {
    {"cpuid 0", "b8 00 00 00 00 0f a2", NULL},
    {"cpuid 1", "b8 01 00 00 00 0f a2", NULL},
    {"cpuid 2", "b8 02 00 00 00 0f a2", NULL},
    {"cpuid 3", "b8 03 00 00 00 0f a2", NULL},
    {"cpuid 4", "b8 04 00 00 00 31 c9 0f a2", NULL},
    {"cpuid 7", "b8 07 00 00 00 31 c9 0f a2", NULL},
    {"cpuid 0bh", "b8 0b 00 00 00 31 c9 0f a2", NULL},
    {"cpuid 0dh", "b8 0d 00 00 00 31 c9 0f a2", NULL},
    {"cpuid 40000000h", "b8 00 00 00 40 0f a2", NULL},
    {"cpuid 80000000h", "b8 00 00 00 80 0f a2", NULL},
    {"cpuid 80000001h", "b8 01 00 00 80 0f a2", NULL},
    {"cpuid 80000002h", "b8 02 00 00 80 0f a2", NULL},
    {"cpuid 80000004h", "b8 04 00 00 80 0f a2", NULL},
    {"cpuid 80000008h", "b8 08 00 00 80 0f a2", NULL},
    {"cpuid ffffffffh", "b8 ff ff ff ff 0f a2", NULL},
    {NULL, NULL, NULL}};

/*
 * In the middle of other instructions: MOV EDI, hidden; XOR EBP, EBP; MOV EAX, imm32, which is first executed as that, then
 * its four bytes as code; INC EBP; CMP EBP, 2; JGE end; JMP EDI; end.
 */
#define FIRST "bf 08 00 00 20 31 ed b8 "
#define AGAIN " 45 83 fd 02 7d 02 ff e7"
static const Probe hidden[] = {
    {"hidden sgdt", FIRST "0f 01 06 90" AGAIN, NULL},
    {"hidden mov from cs", FIRST "8c c8 90 90" AGAIN, NULL},
    {"hidden push cs", FIRST "0e 58 90 90" AGAIN, NULL},
    {"hidden str", FIRST "0f 00 c8 90" AGAIN, NULL},
    {"hidden smsw", FIRST "0f 01 e0 90" AGAIN, NULL},
    {"hidden cpuid", FIRST "31 c0 0f a2" AGAIN, NULL},
    {"hidden vzeroupper", FIRST "c5 f8 77 90" AGAIN, NULL},
    {"hidden rdrand", FIRST "0f c7 f0 90" AGAIN, NULL},
    {"hidden fnstenv", FIRST "9b d9 36 90" AGAIN, NULL},
    {"hidden lar", FIRST "90 0f 02 c1" AGAIN, NULL},
    {NULL, NULL, NULL}};

static void run(const Probe *p)
{
    for (; p->name; p++)
        probe_run(p);
}

static void run_number(const char *what, unsigned from, unsigned to, unsigned step, const char *pattern)
{
    char name[64], code[128];
    for (unsigned n = from; n < to; n += step) {
        snprintf(name, sizeof name, "%s %x", what, n);
        snprintf(code, sizeof code, pattern, n & 0xff, n >> 8);
        probe_run(&(Probe){name, code, NULL});
    }
}

/* LAR, LSL, VERR and VERW, and loads, of every selector of the GDT, and some of the LDT. */
static void descriptors(void)
{
    static const char *const patterns[][2] = {
        {"lar", "66 b9 %02x %02x 0f 02 c1"},
        {"lsl", "66 b9 %02x %02x 0f 03 c1"},
        {"verr", "66 b9 %02x %02x 0f 00 e1"},
        {"verw", "66 b9 %02x %02x 0f 00 e9"},
        {"mov to es", "66 b9 %02x %02x 8e c1"},
        {"mov to ss", "66 b9 %02x %02x 8e d1"},
    };
    for (unsigned n = 0; n < sizeof patterns / sizeof *patterns; n++) {
        run_number(patterns[n][0], 3, 0x108, 8, patterns[n][1]);
        run_number(patterns[n][0], 0, 0x100, 0x18, patterns[n][1]);
        run_number(patterns[n][0], 7, 0x40, 8, patterns[n][1]);
    }
}

/* INT n of every n but the system calls' (and 2: what an NMI's gate says is the CPU's own matter as for others). */
static void interrupts(void)
{
    run_number("int", 0, 0x80, 1, "cd %02x");
    run_number("int", 0x81, 0x100, 1, "cd %02x");
    /* INT 80h with numbers that are none */
    probe_run(&(Probe){"int 80, no such call", "b8 ff 0f 00 00 cd 80", NULL});
    probe_run(&(Probe){"int 80, negative", "b8 ff ff ff ff cd 80", NULL});
    /* getpgid of a process that is none (132) by SYSENTER, as the vDSO does it: it returns there, which pops EBP, EDX, ECX */
    probe_run(&(Probe){"sysenter", "b8 84 00 00 00 bb ff ff ff 7f e8 02 00 00 00 eb 07 51 52 55 89 e5 0f 34", NULL});
    probe_run(&(Probe){"sysenter, bad stack", "b8 84 00 00 00 68 10 00 00 20 31 ed 0f 34", "l"});
}

static void vsyscall(void)
{
    const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);
    uint32_t sum = 0;
    printf("vDSO at %p, entry at +%lx\n", (const void *)vdso, getauxval(AT_SYSINFO) - (uintptr_t)vdso);
    for (int n = 0; vdso && n < 0x1000; n++)
        sum = sum * 31 + (uint8_t)vdso[n];
    printf("its first page: %08x\n", sum);
    printf("platform %s, hwcap %lx, hwcap2 %lx\n", (const char *)getauxval(AT_PLATFORM), getauxval(AT_HWCAP),
           getauxval(AT_HWCAP2));
    probe_run(&(Probe){"read ffffe000h", "b8 00 e0 ff ff 8b 00", NULL});
    probe_run(&(Probe){"call ffffe400h", "b8 00 e4 ff ff ff d0", NULL});
    probe_run(&(Probe){"call ffffe000h + sysenter", "b8 10 e4 ff ff ff e0", NULL});
    probe_run(&(Probe){"read ff600000h", "b8 00 00 60 ff 8b 00", NULL});
    probe_run(&(Probe){"call ff600400h", "b8 00 04 60 ff ff d0", NULL});
    probe_run(&(Probe){"gs:10h is the entry", "65 a1 10 00 00 00 85 c0 0f 95 c0 0f b6 c0", NULL});
}

/* The counter only grows, also over system calls, computing and sleeping, and about as the clock does. */
static void tsc(void)
{
    uint64_t last = __builtin_ia32_rdtsc(), least = ~0ull;
    for (int n = 0; n < 200000; n++) {
        uint64_t now = __builtin_ia32_rdtsc();
        if (now < last) {
            printf("the counter went back\n");
            return;
        }
        if (now - last < least)
            least = now - last;
        last = now;
        if (n % 20000 == 0)
            nanosleep(&(struct timespec){0, 1000000}, NULL);
        if (n % 50000 == 0)
            probe_compute();
    }
    printf("monotonic\n");
}

typedef struct Group {
    const char *name;
    const Probe *probes;
    void (*run)(void);
} Group;

static const Group groups[] = {
    {"tables", tables, NULL},   {"selectors", selectors, NULL}, {"flags", flags, NULL},
    {"alien", alien, NULL},     {"fpu", fpu, NULL},             {"cpuid", cpuid, NULL},
    {"hidden", hidden, NULL},   {"descriptors", NULL, descriptors}, {"interrupts", NULL, interrupts},
    {"vsyscall", NULL, vsyscall}, {"tsc", NULL, tsc},
};

int main(int argc, char **argv)
{
    for (unsigned n = 0; n < sizeof groups / sizeof *groups; n++) {
        if (argc != 2 || strcmp(groups[n].name, argv[1]))
            continue;
        probe_init();
        for (int round = 0; round < 2; round++) {
            printf("round %d\n", round + 1);
            if (round)
                probe_compute();
            if (groups[n].probes)
                run(groups[n].probes);
            else
                groups[n].run();
        }
        return 0;
    }
    fprintf(stderr, "usage: redpill GROUP; the groups:");
    for (unsigned n = 0; n < sizeof groups / sizeof *groups; n++)
        fprintf(stderr, " %s", groups[n].name);
    fprintf(stderr, "\n");
    return 2;
}

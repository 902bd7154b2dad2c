/* The table of entries, and the bench that tries them. See entries.h. */
#include "config.h"
#include "decision/entries.h"

#include <string.h>

#include "cpu/cpu.h"
#include "softmmu/ram.h"

#define B(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })
#define RUNS (1 << ENTRY_RUNS)
#define FAULT (1 << ENTRY_FAULT)
#define TRAP (1 << ENTRY_TRAP)
#define SYSCALL (1 << ENTRY_SYSCALL)
#define ESCAPE (1 << ENTRY_ESCAPE)
#define GP(name, ...) { name, B(__VA_ARGS__), 0, VEC_GP, FAULT, ENTRY_FLAT, NULL }

static const char swept[] = "shows or changes the host: never in a swept page";
static const char host_selector[] = "takes the host's GDT for the guest's: never in a swept page, run discarded";
static const char left32[] = "leaves 32-bit code: never in a swept page, run discarded";

const Entry entries[] = {
    /* software interrupts */
    { "int 80h", B(0xcd, 0x80), 2, 0x80, SYSCALL, ENTRY_FLAT, NULL },
    GP("int 20h", 0xcd, 0x20),
    GP("int 0Eh (a forged page fault)", 0xcd, 0x0e),
    { "int3", B(0xcc), 1, VEC_BP, TRAP, ENTRY_FLAT, NULL },
    { "int 3 (two bytes)", B(0xcd, 0x03), 2, VEC_BP, TRAP, ENTRY_FLAT, NULL },
    { "into, OF set", B(0xb0, 0x7f, 0x04, 0x01, 0xce), 5, VEC_OF, TRAP, ENTRY_FLAT, NULL },
    { "into, OF clear", B(0x31, 0xc0, 0xce), 0, 0, RUNS, ENTRY_FLAT, NULL },
    { "int 4", B(0xcd, 0x04), 2, VEC_OF, TRAP, ENTRY_FLAT, NULL },
    { "int1 (F1)", B(0xf1), 1, VEC_DB, TRAP, ENTRY_FLAT,
      "EIP is after it, or at it under some hypervisors: never in a swept page" },
    GP("int 1", 0xcd, 0x01),
    { "bound, out of range", B(0xb8, 5, 0, 0, 0, 0x62, 0x05, 0x00, 0x30, 0x40, 0x00), 5, VEC_GP, FAULT, ENTRY_FLAT,
      NULL },
    /* system calls */
    { "sysenter", B(0x0f, 0x34), 0, VEC_UD, FAULT | ESCAPE, ENTRY_FLAT,
      "Intel: runs into the host: never in a swept page" },
    { "syscall", B(0x0f, 0x05), 0, VEC_UD, FAULT | ESCAPE, ENTRY_FLAT,
      "AMD: runs into the host: never in a swept page" },
    { "syscall, EBP unreadable", B(0x31, 0xed, 0x0f, 0x05), 2, VEC_UD, FAULT | ESCAPE, ENTRY_FLAT,
      "AMD: the host returns to its own code segment without a stop; found at the next" },
    /* privileged */
    GP("hlt", 0xf4, 0x90),
    GP("cli", 0xfa),
    GP("sti", 0xfb),
    GP("in al, dx", 0xec),
    GP("out dx, al", 0xee),
    GP("insb", 0x6c),
    GP("outsb", 0x6e),
    GP("mov eax, cr0", 0x0f, 0x20, 0xc0),
    GP("mov cr3, eax", 0x0f, 0x22, 0xd8),
    GP("mov eax, dr7", 0x0f, 0x21, 0xf8),
    GP("lgdt", 0x0f, 0x01, 0x15, 0x00, 0x30, 0x40, 0x00),
    GP("lidt", 0x0f, 0x01, 0x1d, 0x00, 0x30, 0x40, 0x00),
    GP("lldt", 0x0f, 0x00, 0xd0),
    GP("ltr", 0x0f, 0x00, 0xd8),
    GP("lmsw", 0x0f, 0x01, 0xf0),
    GP("clts", 0x0f, 0x06),
    GP("invlpg", 0x0f, 0x01, 0x3d, 0x00, 0x30, 0x40, 0x00),
    GP("wbinvd", 0x0f, 0x09),
    GP("rdmsr", 0x0f, 0x32),
    GP("wrmsr", 0x0f, 0x30),
    GP("rdpmc", 0x0f, 0x33),
    /* flags */
    { "popf with TF", B(0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d, 0x90), 10, VEC_DB, TRAP, ENTRY_FLAT, NULL },
    { "popf with IF clear and IOPL 3", B(0x9c, 0x8b, 0x04, 0x24, 0x35, 0, 0x32, 0, 0, 0x50, 0x9d, 0x9c, 0x58), 0, 0,
      RUNS, ENTRY_FLAT, "changes neither, as at CPL 3 with IOPL 0 in the guest" },
    { "popf with AC, unaligned read", B(0x9c, 0x81, 0x0c, 0x24, 0, 0, 4, 0, 0x9d, 0xa1, 0x01, 0x30, 0x40, 0x00), 9,
      VEC_AC, FAULT, ENTRY_FLAT, NULL },
    /* far transfers and selectors */
    { "far jump to 64-bit code", B(0xea, 0x07, 0x10, 0x40, 0x00, 0x33, 0x00, 0xf4), 0, 0, ESCAPE, ENTRY_FLAT,
      left32 },
    { "vsyscall page, from 64-bit code",
      B(0xea, 0x07, 0x10, 0x40, 0x00, 0x33, 0x00, 0x31, 0xff, 0x48, 0xc7, 0xc0, 0x00, 0x00, 0x60, 0xff, 0xff, 0xd0),
      0, 0, ESCAPE, ENTRY_FLAT, "seccomp answers where ptrace is not asked" },
    { "far jump to the host's 32-bit code", B(0xea, 0x07, 0x10, 0x40, 0x00, 0x23, 0x00), 0, 0, ESCAPE, ENTRY_FLAT,
      host_selector },
    { "far jump to a ring 0 selector", B(0xea, 0x07, 0x10, 0x40, 0x00, 0x10, 0x00), 0, VEC_GP, FAULT, ENTRY_FLAT,
      NULL },
    { "load the host's data selector", B(0xb8, 0x2b, 0, 0, 0, 0x8e, 0xd8), 0, 0, ESCAPE, ENTRY_FLAT, host_selector },
    { "load a selector beyond the tables", B(0xb8, 0xfb, 0xff, 0, 0, 0x8e, 0xc0), 5, VEC_GP, FAULT, ENTRY_FLAT,
      NULL },
    { "load an empty LDT selector", B(0xb8, 0xff, 0x01, 0, 0, 0x8e, 0xc0), 5, VEC_GP, FAULT, ENTRY_FLAT, NULL },
    { "load a null selector", B(0x31, 0xc0, 0x8e, 0xe8), 0, 0, ESCAPE, ENTRY_FLAT, host_selector },
    { "read a selector", B(0x8c, 0xd8), 0, 0, RUNS, ENTRY_FLAT, swept },
    { "lar", B(0xb8, 0x33, 0, 0, 0, 0x0f, 0x02, 0xc8), 0, 0, RUNS, ENTRY_FLAT, swept },
    { "lsl", B(0xb8, 0x7b, 0, 0, 0, 0x0f, 0x03, 0xc8), 0, 0, RUNS, ENTRY_FLAT, swept },
    { "verr", B(0x0f, 0x00, 0xe0), 0, 0, RUNS, ENTRY_FLAT, swept },
    { "sgdt", B(0x0f, 0x01, 0x05, 0x00, 0x30, 0x40, 0x00), 0, VEC_GP, RUNS | FAULT, ENTRY_FLAT, swept },
    { "sidt", B(0x0f, 0x01, 0x0d, 0x00, 0x30, 0x40, 0x00), 0, VEC_GP, RUNS | FAULT, ENTRY_FLAT, swept },
    { "sldt", B(0x0f, 0x00, 0xc0), 0, VEC_GP, RUNS | FAULT, ENTRY_FLAT, swept },
    { "str", B(0x0f, 0x00, 0xc8), 0, VEC_GP, RUNS | FAULT, ENTRY_FLAT, swept },
    { "smsw", B(0x0f, 0x01, 0xe0), 0, VEC_GP, RUNS | FAULT, ENTRY_FLAT, swept },
    /* the host's CPU */
    { "cpuid", B(0x31, 0xc0, 0x0f, 0xa2), 2, VEC_GP, RUNS | FAULT, ENTRY_FLAT,
      "swept, unless the CPU can make it fault" },
    { "rdtsc", B(0x0f, 0x31), 0, VEC_GP, RUNS | FAULT, ENTRY_FLAT, "sandbox_set_tsc_faults()" },
    { "rdtscp", B(0x0f, 0x01, 0xf9), 0, VEC_UD, RUNS | FAULT, ENTRY_FLAT, swept },
    { "rdpid", B(0xf3, 0x0f, 0xc7, 0xf8), 0, VEC_UD, RUNS | FAULT, ENTRY_FLAT, swept },
    { "rdrand", B(0x0f, 0xc7, 0xf0), 0, VEC_UD, RUNS | FAULT, ENTRY_FLAT, swept },
    { "xgetbv", B(0x31, 0xc9, 0x0f, 0x01, 0xd0), 2, VEC_UD, RUNS | FAULT, ENTRY_FLAT, swept },
    { "rdpkru", B(0x31, 0xc9, 0x0f, 0x01, 0xee), 2, VEC_UD, RUNS | FAULT, ENTRY_FLAT, swept },
    { "xbegin", B(0xc7, 0xf8, 0, 0, 0, 0), 0, VEC_UD, RUNS | FAULT, ENTRY_FLAT, swept },
    { "ud2", B(0x0f, 0x0b), 0, VEC_UD, FAULT, ENTRY_FLAT, NULL },
    /* exceptions */
    { "#DE", B(0x31, 0xc9, 0xf7, 0xf1), 2, VEC_DE, FAULT, ENTRY_FLAT, NULL },
    { "#MF", B(0xdb, 0xe3, 0x68, 0x7b, 0x03, 0, 0, 0xd9, 0x2c, 0x24, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0x9b), 16,
      VEC_MF, FAULT, ENTRY_FLAT, NULL },
    { "#XM",
      B(0x68, 0x80, 0x1d, 0, 0, 0x0f, 0xae, 0x14, 0x24, 0x0f, 0x57, 0xc0, 0x89, 0xe0, 0xf3, 0x0f, 0x2a, 0xc8, 0xf3,
        0x0f, 0x5e, 0xc8),
      18, VEC_MF, FAULT, ENTRY_FLAT, "looks like #MF" },
    { "#SS: push beyond the limit", B(0x50), 0, VEC_SS, FAULT, ENTRY_SS_LOW, NULL },
    { "#GP: data limit", B(0xa1, 0x00, 0x30, 0x40, 0x00), 0, VEC_GP, FAULT, ENTRY_DS_LOW, NULL },
    { "#GP: null data segment", B(0xa1, 0x00, 0x30, 0x40, 0x00), 0, VEC_GP, FAULT, ENTRY_DS_NULL, NULL },
    { "#GP: code limit", B(0x90, 0x90, 0x90, 0x90), 2, VEC_GP, FAULT, ENTRY_CS_LOW, NULL },
    { "#PF: not mapped", B(0xa1, 0x00, 0x00, 0x00, 0x10), 0, VEC_PF, FAULT, ENTRY_FLAT, NULL },
    { "#PF: write to code", B(0xa3, 0x00, 0x10, 0x40, 0x00), 0, VEC_PF, FAULT, ENTRY_FLAT, NULL },
    { "#PF: the last page below 4 GiB", B(0xa1, 0xfc, 0xff, 0xff, 0xff), 0, VEC_PF, FAULT, ENTRY_FLAT, NULL },
    { "#PF: execute a page without permission", B(0x90), 0, VEC_PF, FAULT, ENTRY_NX, NULL },
    /* segments */
    { "wrap at 4 GiB", B(0xa1, 0x00, 0x40, 0x40, 0x00), 0, 0, RUNS, ENTRY_DS_WRAP, NULL },
    { "16-bit code", B(0xb8, 0x34, 0x12, 0x05, 0x01, 0x00), 0, 0, RUNS, ENTRY_CODE16, NULL },
    { "16-bit stack", B(0x66, 0x50, 0x66, 0x59), 0, 0, RUNS, ENTRY_STACK16, NULL },
    { .name = NULL },
};

struct EntryBench {
    Bus *mem, *io;
    Ram *ram;
    CpuModel *model;
    Vcpu *v;
    Sandbox *s;
};

static bool make_sandbox(EntryBench *b, GError **error)
{
    b->s = sandbox_new(b->ram->fd, error);
    if (!b->s)
        return false;
    sandbox_map(b->s, ENTRY_CODE, ENTRY_CODE & 0xf000, 0x2000, SANDBOX_READ | SANDBOX_EXEC);
    sandbox_map(b->s, ENTRY_DATA, ENTRY_DATA & 0xf000, 0x2000, SANDBOX_READ | SANDBOX_WRITE);
    sandbox_map(b->s, ENTRY_STACK, ENTRY_STACK & 0xf000, 0x2000, SANDBOX_READ | SANDBOX_WRITE);
    return true;
}

EntryBench *entry_bench_new(GError **error)
{
    EntryBench *b = g_new0(EntryBench, 1);
    b->ram = ram_new(ENTRY_RAM, error);
    if (!b->ram || !make_sandbox(b, error)) {
        entry_bench_free(b);
        return NULL;
    }
    b->mem = bus_new("memory", 1ull << 32, NULL);
    b->io = bus_new("io", 65536, NULL);
    b->v = vcpu_new(cpu_model_nth(0), b->mem, b->io, b->ram);
    return b;
}

void entry_bench_free(EntryBench *b)
{
    if (!b)
        return;
    sandbox_free(b->s);
    if (b->v) {
        vcpu_free(b->v);
        bus_free(b->mem);
        bus_free(b->io);
    }
    ram_free(b->ram);
    g_free(b);
}

Vcpu *entry_bench_vcpu(EntryBench *b)
{
    return b->v;
}
struct Ram *entry_bench_ram(EntryBench *b)
{
    return b->ram;
}
Sandbox *entry_bench_sandbox(EntryBench *b)
{
    return b->s;
}

/* CPL 3, flat, everything on that host_can_express() wants. */
static void set_state(Vcpu *v, EntrySetup setup)
{
    vcpu_reset(v);
    v->cr0 |= CR0_PE | CR0_AM | CR0_NE;
    v->cr0 &= ~(uint64_t)(CR0_TS | CR0_EM);
    v->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu_set_cpl(v, 3);
    v->flags |= FL_IF;
    for (int n = 0; n < S_COUNT; n++) {
        v->seg[n] = (Seg){ .limit = ~0u,
                           .sel = n == S_CS ? 0x1b : 0x23,
                           .attr = SEG_S | SEG_P | SEG_DB | SEG_G | SEG_DPL | SEG_W | SEG_A };
        if (n == S_CS)
            v->seg[n].attr |= SEG_CODE;
    }
    v->rip = ENTRY_CODE;
    v->gpr[R_SP].d = v->gpr[R_BP].d = ENTRY_STACK + 0x1000;
    switch (setup) {
    case ENTRY_CODE16:
        v->seg[S_CS].base = ENTRY_CODE;
        v->seg[S_CS].limit = 0xffff;
        v->seg[S_CS].attr &= ~(SEG_DB | SEG_G);
        v->rip = 0;
        break;
    case ENTRY_STACK16:
        v->seg[S_SS].base = ENTRY_STACK;
        v->seg[S_SS].limit = 0xffff;
        v->seg[S_SS].attr &= ~(SEG_DB | SEG_G);
        v->gpr[R_SP].d = 0xabcd0800; /* the upper half does not count, and stays */
        break;
    case ENTRY_SS_LOW: v->seg[S_SS].limit = ENTRY_STACK - 1; break;
    case ENTRY_DS_LOW: v->seg[S_DS].limit = ENTRY_DATA - 1; break;
    case ENTRY_CS_LOW:
        v->seg[S_CS].base = ENTRY_CODE;
        v->seg[S_CS].limit = 1;
        v->rip = 0;
        break;
    case ENTRY_DS_WRAP: v->seg[S_DS].base = 0xfffff000; break;
    case ENTRY_DS_NULL: v->seg[S_DS].null = true; break;
    case ENTRY_FLAT:
    case ENTRY_NX: break;
    }
    __atomic_store_n(&v->attention, 0, __ATOMIC_SEQ_CST);
}

EntryOutcome entry_run(EntryBench *b, const Entry *e, SandboxStop *stop)
{
    Hva code = b->ram->host + (ENTRY_CODE & 0xf000);

    *stop = (SandboxStop){ .exit = SANDBOX_LOST, .why = "no sandbox" };
    if (!b->s && !make_sandbox(b, NULL))
        return ENTRY_OTHER;
    memset(code, 0xf4, 64);
    memcpy(code, e->code, e->len);
    memset(b->ram->host + (ENTRY_DATA & 0xf000), 0, 64);
    set_state(b->v, e->setup);
    if (e->setup == ENTRY_NX)
        sandbox_protect(b->s, ENTRY_CODE, PAGE_SIZE, SANDBOX_READ);
    SandboxExit exit = sandbox_run(b->s, b->v, stop);
    if (exit != SANDBOX_ESCAPE && exit != SANDBOX_LOST && e->setup == ENTRY_NX)
        sandbox_protect(b->s, ENTRY_CODE, PAGE_SIZE, SANDBOX_READ | SANDBOX_EXEC);
    sandbox_fpu_home(b->s, b->v);
    if (exit == SANDBOX_ESCAPE || exit == SANDBOX_LOST) {
        sandbox_free(b->s);
        b->s = NULL;
        make_sandbox(b, NULL);
    }
    switch (exit) {
    case SANDBOX_FAULT: /* the HLT after it, unless it is one itself */
        return stop->vector == VEC_GP && b->v->rip + b->v->seg[S_CS].base == (uint64_t)ENTRY_CODE + e->len
                   ? ENTRY_RUNS
                   : ENTRY_FAULT;
    case SANDBOX_TRAP: return ENTRY_TRAP;
    case SANDBOX_SYSCALL: return ENTRY_SYSCALL;
    case SANDBOX_ESCAPE: return ENTRY_ESCAPE;
    default: return ENTRY_OTHER;
    }
}

bool entry_stop_is_right(const Entry *e, EntryOutcome o, const SandboxStop *stop, const Vcpu *v)
{
    if (o == ENTRY_RUNS || o == ENTRY_ESCAPE)
        return true;
    if (stop->is_int1 && v->rip == ENTRY_CODE)
        return true;
    return stop->vector == e->vector && v->rip + v->seg[S_CS].base == (uint64_t)ENTRY_CODE + e->stop_at;
}

const char *entry_outcome_name(EntryOutcome o)
{
    static const char *const names[ENTRY_OUTCOME_COUNT] = {
        "runs", "fault", "trap", "system call", "escape", "other"
    };
    return names[o];
}

/*
 * The tracer's side of a run: registers in, PTRACE_SYSEMU, the stop, registers home.
 *
 * In order: waiting; the stub's batches; segments; x87 and SSE state; general registers; the run; kicks. Guest code
 * is resumed in one place only, by PTRACE_SYSEMU; the stub in one other, by PTRACE_CONT.
 */
#include "config.h"
#include "decision/sandbox_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "decision/stops.h"
#include "frontend/decode.h"
#include "softmmu/mmu.h"

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424 /* Linux 5.1 */
#endif
/* asm/ptrace-abi.h; glibc's sys/ptrace.h leaves it out on x86-64. */
#ifndef PTRACE_SYSEMU
#define PTRACE_SYSEMU 31
#endif

/* ---- waiting ---- */

bool trace_wait(Sandbox *s, int *status)
{
    pid_t got;
    do
        got = waitpid(s->pid, status, __WALL);
    while (got < 0 && errno == EINTR);
    if (got == s->pid && WIFSTOPPED(*status))
        return true;
    s->dead = true; /* reaped just now, or by nobody's leave */
    *status = 0;
    return false;
}

void trace_kill(Sandbox *s)
{
    int status;
    if (!s->dead) {
        s->dead = true;
        kill(s->pid, SIGKILL); /* not reaped yet, so the number is still its own */
        while (waitpid(s->pid, &status, __WALL) >= 0 ? WIFSTOPPED(status) : errno == EINTR)
            ;
    }
}

/* ---- the stub ---- */

static bool resume(Sandbox *s, int request)
{
    if (ptrace(request, s->pid, NULL, NULL) == 0)
        return true;
    /* ESRCH: it is being killed. Reap it. */
    trace_kill(s);
    return false;
}

int trace_batch(Sandbox *s, unsigned *failed)
{
    struct user_regs_struct r;
    int status;

    s->list->call[s->queued].nr = (int64_t)STUB_END;
    s->list->rflags = FL_1 | FL_IF | s->id_flag;
    s->queued = 0;
    s->regs_known = false;
    memset(&r, 0, sizeof r);
    r.rip = s->batch;
    r.cs = 0x33; /* the host's 64-bit user code and data segments */
    r.ss = 0x2b;
    r.eflags = FL_1 | FL_IF;
    r.orig_rax = -1;
    if (ptrace(PTRACE_SETREGS, s->pid, NULL, &r)) {
        trace_kill(s);
        return -ESRCH;
    }
    for (;;) {
        if (!resume(s, PTRACE_CONT) || !trace_wait(s, &status))
            return -ESRCH;
        if (WSTOPSIG(status) == SANDBOX_KICK_SIGNAL)
            __atomic_store_n(&s->kicked, 1, __ATOMIC_SEQ_CST);
        else if (WSTOPSIG(status) == SIGTRAP)
            break;
        else if (WSTOPSIG(status) == SIGSEGV || WSTOPSIG(status) == SIGBUS || WSTOPSIG(status) == SIGSYS
                 || WSTOPSIG(status) == SIGILL) {
            /* Sent from elsewhere, or the stub went wrong: it would only do so again. */
            trace_kill(s);
            return -ESRCH;
        }
    }
    if (ptrace(PTRACE_GETREGS, s->pid, NULL, &r) || (s->batch_end && r.rip != s->batch_end)) {
        trace_kill(s);
        return -ESRCH;
    }
    if (r.rax == STUB_END)
        return 0;
    *failed = (r.rbx - STUB_LIST - STUB_CALLS) / sizeof(StubCall);
    return (int)(int64_t)r.rax;
}

/* ---- segments ---- */

/* Find LDT entries for all segments, queueing those that have to be written. */
static SandboxMap load_segments(Sandbox *s, const Vcpu *v)
{
    for (int n = 0; n < S_COUNT; n++) {
        Seg split = s->is_split ? ldt_split(&s->split, &v->seg[n], n) : (Seg){0};
        const Seg *now = s->is_split ? &split : &v->seg[n], *had = &s->seg[n];
        bool fresh;
        if (s->seg_known[n] && now->base == had->base && now->limit == had->limit && now->attr == had->attr
            && now->null == had->null)
            continue;
        if (!ldt_can_hold(now, n))
            return SANDBOX_MAP_FULL;
        s->seg_known[n] = true;
        s->seg[n] = *now;
        s->sel[n] = 0;
        if (now->null)
            continue;
        struct user_desc d = ldt_desc(now);
        int slot = ldt_slot(&s->ldt, &d, &fresh);
        s->sel[n] = ldt_selector(slot);
        if (fresh) {
            /* A register that kept the slot's old content without asking lately must ask again. */
            for (int k = 0; k < S_COUNT; k++)
                if (k != n && s->seg_known[k] && s->sel[k] == s->sel[n])
                    s->seg_known[k] = false;
            s->list->desc[slot] = s->ldt.desc[slot];
            SandboxMap m = maps_queue(s, SYS_modify_ldt, 0x11,
                                      STUB_LIST + offsetof(StubList, desc) + slot * sizeof(struct user_desc),
                                      sizeof(struct user_desc), 0, 0, 0);
            if (m != SANDBOX_MAP_OK)
                return m;
        }
    }
    for (int n = 0; n < S_COUNT; n++)
        if (!s->seg_known[n])
            return load_segments(s, v); /* rare, and ends: a slot just asked for is not the oldest */
    return SANDBOX_MAP_OK;
}

void sandbox_set_split(Sandbox *s, const SandboxSplit *split)
{
    s->is_split = split;
    if (split)
        s->split = *split;
}

/* ---- x87 and SSE ---- */

/* The 64-bit image has 8-byte pointers where the 32-bit one has 4 bytes and a selector. SDM 1 table 10-2 */
enum { FX_IP = 8, FX_CS = 12, FX_DP = 16, FX_DS = 20, FX_MXCSR_MASK = 28, FX_XMM8 = 288 };

static bool fpu_load(Sandbox *s, const Vcpu *v)
{
    struct user_fpregs_struct fp;
    uint8_t image[512];
    fpu_to_fxsave(v, image);
    memset(image + FX_CS, 0, 4);
    memset(image + FX_DS, 0, 4);
    memset(image + FX_MXCSR_MASK, 0, 4);
    memset(image + FX_XMM8, 0, sizeof image - FX_XMM8);
    memcpy(&fp, image, sizeof fp);
    return ptrace(PTRACE_SETFPREGS, s->pid, NULL, &fp) == 0;
}

bool sandbox_keeps_x87_pointers(void)
{
    uint8_t image[512] __attribute__((aligned(16)));
    uint64_t fip;
    __asm__ volatile("fld1\n\tfstp %%st(0)\n\tfxsave64 %0" : "=m"(image) : : "st");
    memcpy(&fip, image + FX_IP, sizeof fip);
    return fip != 0;
}

/*
 * The selector that goes with a new FDP: the instruction at FIP tells through which segment it accessed memory. When another address space is
 * mapped by now, most likely the usual one.
 */
static uint16_t data_selector(const Sandbox *s, const Vcpu *v)
{
    enum { INSN_MAX = 15 };
    uint8_t bytes[INSN_MAX];
    Insn i;
    const Seg *cs = &s->then[S_CS];
    unsigned code_size = cs->attr & SEG_DB ? 4 : 2;
    Gva at = (cs->base + v->fpu.fip) & v->lin_mask;
    unsigned here = MIN(sizeof bytes, PAGE_SIZE - (at & ~PAGE_MASK)), n = 0;
    if (v->cr3 == s->then_cr3)
        n = mmu_peek(v, at, bytes, sizeof bytes) ? sizeof bytes : mmu_peek(v, at, bytes, here) ? here : 0;
    if (n && insn_decode(bytes, n, code_size, v->model->features, &i) == DECODE_OK && (i.flags & INSN_MEM))
        return s->then[i.seg].sel;
    return s->then[S_DS].sel;
}

/* Selectors do not pass through the 64-bit image: unchanged pointers keep their own. */
static void pointers_home(const Sandbox *s, Vcpu *v, uint64_t fip, uint64_t fdp)
{
    Fpu *f = &v->fpu;
    if (f->fip == fip && f->fdp == fdp)
        return;
    if (!(f->fip | f->fdp | f->fop)) { /* by FNINIT, or a host that does not save them then: see docs/testing.md */
        f->fcs = f->fds = 0;
        return;
    }
    if (f->fip != fip)
        f->fcs = s->then[S_CS].sel;
    if (f->fdp != fdp)
        f->fds = data_selector(s, v);
}

bool sandbox_fpu_home(Sandbox *s, Vcpu *v)
{
    struct user_fpregs_struct fp;
    uint8_t image[512];
    uint64_t fip = v->fpu.fip, fdp = v->fpu.fdp;
    uint16_t fcs = v->fpu.fcs, fds = v->fpu.fds;

    if (!s->fpu_inside)
        return true;
    s->fpu_inside = false;
    if (s->dead || ptrace(PTRACE_GETFPREGS, s->pid, NULL, &fp))
        return false;
    memcpy(image, &fp, sizeof image);
    fpu_from_fxsave(v, image);
    v->fpu.fcs = fcs;
    v->fpu.fds = fds;
    pointers_home(s, v, fip, fdp);
    return true;
}

/* ---- general registers ---- */

static uint64_t seg_base(const Seg *s)
{
    return s->null ? 0 : s->base;
}

static void regs_from_vcpu(const Sandbox *s, const Vcpu *v, struct user_regs_struct *r)
{
    memset(r, 0, sizeof *r);
    r->rax = v->gpr[R_AX].d;
    r->rcx = v->gpr[R_CX].d;
    r->rdx = v->gpr[R_DX].d;
    r->rbx = v->gpr[R_BX].d;
    r->rsp = v->gpr[R_SP].d;
    r->rbp = v->gpr[R_BP].d;
    r->rsi = v->gpr[R_SI].d;
    r->rdi = v->gpr[R_DI].d;
    r->rip = (uint32_t)v->rip;
    r->eflags = eflags_get(v);
    r->orig_rax = -1; /* else the kernel may think that a system call wants restarting, and move RIP */
    r->es = s->sel[S_ES];
    r->cs = s->sel[S_CS];
    r->ss = s->sel[S_SS];
    r->ds = s->sel[S_DS];
    r->fs = s->sel[S_FS];
    r->gs = s->sel[S_GS];
    r->fs_base = seg_base(&v->seg[S_FS]); /* the kernel restores selector and base apart, the base last */
    r->gs_base = seg_base(&v->seg[S_GS]);
}

/* User code can change no others: IOPL, IF, VIF and VIP are out of its reach. */
#define FLAGS_OF_USER (FL_ARITH | FL_TF | FL_DF | FL_NT | FL_AC | FL_ID)

static void regs_to_vcpu(Sandbox *s, Vcpu *v, const struct user_regs_struct *r, bool syscall)
{
    v->gpr[R_AX].d = syscall ? r->orig_rax : r->rax; /* the kernel has put its "no such call" into rax */
    v->gpr[R_CX].d = r->rcx;
    v->gpr[R_DX].d = r->rdx;
    v->gpr[R_BX].d = r->rbx;
    v->gpr[R_SP].d = r->rsp;
    v->gpr[R_BP].d = r->rbp;
    v->gpr[R_SI].d = r->rsi;
    v->gpr[R_DI].d = r->rdi;
    v->rip = v->insn_rip = r->rip;
    v->flags &= ~FL_RF;
    v->shadow = 0;
    eflags_write(v, r->eflags, FLAGS_OF_USER);
}

/* ---- the run ---- */

/*
 * Hand-over costs 4-5 us on one core and 70-100 us across two: keep the sandbox where this thread is. Who computes for long
 * keeps the thread from moving: perch.h.
 */
static void follow(Sandbox *s)
{
    int cpu = sched_getcpu();
    if (cpu >= 0 && cpu != s->cpu && cpu < CPU_SETSIZE) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        sched_setaffinity(s->pid, sizeof set, &set); /* refused: slower, nothing else */
        s->cpu = cpu;
    }
}

static SandboxExit leave(SandboxStop *stop, SandboxExit exit, const char *why)
{
    *stop = (SandboxStop){ .exit = exit, .why = why };
    return exit;
}

static SandboxExit lost(Sandbox *s, SandboxStop *stop)
{
    trace_kill(s);
    return leave(stop, SANDBOX_LOST, "the process is gone");
}

/* Everything that must be so before guest code runs. False: *stop tells why not. */
static bool prepare(Sandbox *s, const Vcpu *v, SandboxStop *stop)
{
    if (s->dead)
        return lost(s, stop), false;
    SandboxMap m = load_segments(s, v);
    uint32_t id = v->flags & FL_ID;
    unsigned failed;
    if (m == SANDBOX_MAP_OK
        && id != s->id_flag) { /* ptrace does not set ID, the stub's POPF does, calls or no calls */
        s->id_flag = id;
        if (trace_batch(s, &failed)) {
            s->map_failed = true;
            m = SANDBOX_MAP_FULL;
        }
    }
    if (m == SANDBOX_MAP_OK)
        m = sandbox_flush(s);
    if (s->dead)
        return lost(s, stop), false;
    if (m != SANDBOX_MAP_OK)
        return leave(stop, SANDBOX_FULL, "the host refused a mapping or a segment"), false;
    if (!s->fpu_inside && !fpu_load(s, v))
        return lost(s, stop), false;
    s->fpu_inside = true;
    return true;
}

SandboxExit sandbox_run(Sandbox *s, Vcpu *v, SandboxStop *stop)
{
    struct user_regs_struct given, *r = &s->regs;
    StopFacts facts = { .regs = r, .given = &given };

    if (!prepare(s, v, stop))
        return stop->exit;
    if (__atomic_exchange_n(&s->kicked, 0, __ATOMIC_SEQ_CST)
        || (__atomic_load_n(&v->attention, __ATOMIC_SEQ_CST) & (ATTN_EVENT | ATTN_STOP)))
        return leave(stop, SANDBOX_KICK, "kick");
    /*
     * The host's kernel could not return to such a place: its IRET faults, and that looks like INTO, as RF is clear. SDM 2A IRET
     */
    if ((uint32_t)v->rip > s->seg[S_CS].limit) {
        leave(stop, SANDBOX_FAULT, "beyond the code segment");
        stop->vector = VEC_GP;
        return stop->exit;
    }
    follow(s);
    regs_from_vcpu(s, v, &given);
    /* After a timer tick they are mostly as they were. */
    if ((!s->regs_known || memcmp(r, &given, sizeof given)) && ptrace(PTRACE_SETREGS, s->pid, NULL, &given))
        return lost(s, stop);
    s->regs_known = true;
    do {
        siginfo_t si;
        if (!resume(s, PTRACE_SYSEMU) || !trace_wait(s, &facts.status) || ptrace(PTRACE_GETREGS, s->pid, NULL, r))
            return lost(s, stop);
        if (stop_needs_siginfo(facts.status)) {
            if (ptrace(PTRACE_GETSIGINFO, s->pid, NULL, &si))
                return lost(s, stop);
            facts.code = si.si_code;
            facts.addr = si.si_code > 0 ? (uintptr_t)si.si_addr : 0;
        }
    } while (!stop_classify(&facts, stop));
    if (stop->exit == SANDBOX_ESCAPE) {
        trace_kill(s); /* nothing of it can be trusted, nor its x87 state */
        s->fpu_inside = false;
        return stop->exit;
    }
    if (stop->exit == SANDBOX_KICK)
        __atomic_store_n(&s->kicked, 0, __ATOMIC_SEQ_CST);
    s->id_flag = r->eflags & FL_ID;
    memcpy(s->then, v->seg, sizeof s->then);
    s->then_cr3 = v->cr3;
    regs_to_vcpu(s, v, r, stop->exit == SANDBOX_SYSCALL);
    return stop->exit;
}

/* ---- kicks ---- */

void sandbox_kick(Sandbox *s)
{
    /* By descriptor where there is one: the number of a process that died may be another's by now. */
    if (s->pidfd >= 0
        && (syscall(SYS_pidfd_send_signal, s->pidfd, SANDBOX_KICK_SIGNAL, NULL, 0) == 0 || errno == ESRCH))
        return;
    syscall(SYS_tgkill, s->pid, s->pid, SANDBOX_KICK_SIGNAL);
}

pid_t sandbox_pid(const Sandbox *s)
{
    return s->pid;
}

uint64_t sandbox_cpu_time(const Sandbox *s)
{
    struct timespec t;
    if (s->dead || !s->has_clock || clock_gettime(s->clock, &t))
        return 0;
    return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

uint64_t sandbox_stayed(Sandbox *s, uint64_t ns)
{
    return s->stayed += ns;
}

/* Nanoseconds that it has ever waited in the queue of a processor. False: the host does not tell. */
static bool queued(Sandbox *s, uint64_t *ns)
{
    char text[80];

    if (s->schedstat < 0) {
        snprintf(text, sizeof text, "/proc/%d/schedstat", (int)s->pid);
        s->schedstat = open(text, O_RDONLY | O_CLOEXEC);
    }
    ssize_t size = s->schedstat < 0 ? -1 : pread(s->schedstat, text, sizeof text - 1, 0);
    if (size <= 0)
        return false;
    text[size] = 0;
    return sscanf(text, "%*u %" SCNu64, ns) == 1;
}

uint64_t sandbox_waited(Sandbox *s)
{
    uint64_t now, lost = s->lost, stayed = s->stayed;

    s->stayed = 0;
    if (queued(s, &now)) {
        s->lost = now;
        return now - MIN(now, lost);
    }
    s->lost = sandbox_cpu_time(s);
    return stayed - MIN(stayed, s->lost - MIN(s->lost, lost));
}

int sandbox_cpu(const Sandbox *s)
{
    return s->cpu;
}

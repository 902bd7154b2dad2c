/*
 * The birth of a sandbox.
 *
 * vfork and exec of the stub, a static program of one page that is embedded in x86vm: the new process shares
 * nothing with the monitor but the two memfds, costs the same however much the monitor has mapped, and has no rseq,
 * no C library and no secrets. (A resident parent process to fork from would save a third of a millisecond per
 * address space, and would be one more process to guard.) The stub asks to be traced after exec; from its first
 * stop on the monitor drives it through the list: it gives up its stack, the vdso and everything else but its own
 * page and the list, and last installs a seccomp filter.
 */
#include "config.h"
#include "decision/sandbox_state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "softmmu/execfd.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef ARCH_SET_CPUID
#define ARCH_SET_CPUID 0x1012
#endif

extern const uint8_t stub_image_start[], stub_image_end[];

enum { BIRTH_STACK = 32768, BIRTH_PATIENCE_MS = 3000 };

static bool fail(GError **error, const char *what, int err)
{
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(err), "sandbox: %s: %s", what, g_strerror(err));
    return false;
}

/* ---- the seccomp filter ---- */

#define ARG_LO(n) (offsetof(struct seccomp_data, args) + 8 * (n))
#define ARG_HI(n) (ARG_LO(n) + 4)
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define RET(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
/* The last word of each call's part is a refusal: jumps of "no" land on it. */
#define MUST_BE(value, to_refusal) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (to_refusal))

/*
 * What the stub may do: map, unmap and protect below 4 GiB, never writable and executable at once, from the memfds
 * only; LDT entries; RDTSC's switch. All else stops as SIGSYS. It guards where PTRACE_SYSEMU does not see: the
 * vsyscall page.
 */
static unsigned write_filter(struct sock_filter *out)
{
    static const struct sock_filter code[] = {
        LOAD(offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        RET(SECCOMP_RET_TRAP),
        LOAD(offsetof(struct seccomp_data, nr)),

        UNLESS(SYS_mmap, 15),
        LOAD(ARG_HI(0)), MUST_BE(0, 12),
        LOAD(ARG_HI(1)), MUST_BE(0, 10),
        LOAD(ARG_LO(4)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, STUB_FD_RAM, 1, 0),
        MUST_BE(STUB_FD_VIEW, 7),
        LOAD(ARG_LO(3)),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)MAP_POPULATE),
        MUST_BE(MAP_SHARED | MAP_FIXED, 4),
        LOAD(ARG_LO(2)),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_WRITE | PROT_EXEC, 1, 0),
        RET(SECCOMP_RET_ALLOW),
        RET(SECCOMP_RET_TRAP),

        UNLESS(SYS_munmap, 6),
        LOAD(ARG_HI(0)), MUST_BE(0, 3),
        LOAD(ARG_HI(1)), MUST_BE(0, 1),
        RET(SECCOMP_RET_ALLOW),
        RET(SECCOMP_RET_TRAP),

        UNLESS(SYS_mprotect, 9),
        LOAD(ARG_HI(0)), MUST_BE(0, 6),
        LOAD(ARG_HI(1)), MUST_BE(0, 4),
        LOAD(ARG_LO(2)),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_WRITE | PROT_EXEC, 1, 0),
        RET(SECCOMP_RET_ALLOW),
        RET(SECCOMP_RET_TRAP),

        UNLESS(SYS_modify_ldt, 4),
        LOAD(ARG_LO(0)), MUST_BE(0x11, 1),
        RET(SECCOMP_RET_ALLOW),
        RET(SECCOMP_RET_TRAP),

        UNLESS(SYS_prctl, 3),
        LOAD(ARG_LO(0)), MUST_BE(PR_SET_TSC, 1),
        RET(SECCOMP_RET_ALLOW),
        RET(SECCOMP_RET_TRAP),
    };
    G_STATIC_ASSERT(G_N_ELEMENTS(code) <= G_N_ELEMENTS(((StubList *)0)->filter));
    memcpy(out, code, sizeof code);
    return G_N_ELEMENTS(code);
}

/* ---- exec ---- */

/* The stub as a file to execute. Asked for as executable, which the host's vm.memfd_noexec may refuse. */
static int open_stub(void)
{
    size_t size = stub_image_end - stub_image_start;
    int fd = execfd_new("x86vm-sandbox");
    if (fd >= 0 && write(fd, stub_image_start, size) != (ssize_t)size) {
        close(fd);
        fd = -1;
    }
    return fd;
}

typedef struct Birth {
    int stub_fd, ram_fd, view_fd, list_fd;
    pid_t parent;
    int error; /* of the step that failed, in the child */
} Birth;

/* A copy of fd above those that the stub uses. */
static int out_of_the_way(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 16);
}

/* Between vfork and exec: our memory is the monitor's, so only system calls and this frame. */
static int child(void *opaque)
{
    static char *const argv[] = { (char *)"x86vm-sandbox", NULL };
    static char *const envp[] = { NULL };
    Birth *b = opaque;
    struct rlimit none = { 0, 0 };
    int stub = out_of_the_way(b->stub_fd), ram = out_of_the_way(b->ram_fd), list = out_of_the_way(b->list_fd);
    int view = b->view_fd >= 0 ? out_of_the_way(b->view_fd) : -1;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != b->parent)
        _exit(1);
    setrlimit(RLIMIT_CORE, &none); /* a dump would hold guest memory */
    if (stub >= 0 && ram >= 0 && list >= 0 && (view >= 0) == (b->view_fd >= 0) && dup2(ram, STUB_FD_RAM) >= 0
        && dup2(list, STUB_FD_LIST) >= 0 && (view < 0 || dup2(view, STUB_FD_VIEW) >= 0)) {
        for (int fd = 0; fd < STUB_FD_RAM; fd++)
            close(fd);
        if (view < 0)
            close(STUB_FD_VIEW);
        /* All above those three, when exec succeeds. */
        if (syscall(SYS_close_range, STUB_FD_LIST + 1, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */)) {
            struct rlimit files;
            long top = getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur > 65536 ? 65536 : (long)files.rlim_cur;
            for (int fd = STUB_FD_LIST + 1; fd < top; fd++)
                fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
        syscall(SYS_execveat, stub, "", argv, envp, AT_EMPTY_PATH);
    }
    b->error = errno;
    _exit(1);
}

static pid_t spawn(Birth *b)
{
    sigset_t all, old;
    void *stack = mmap(NULL, BIRTH_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    pid_t pid = -1;

    if (stack == MAP_FAILED)
        return -1;
    /* No handler of ours may run in the child, which shares our memory. The stub empties its mask. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    b->parent = getpid();
    b->error = 0;
    pid = clone(child, (char *)stack + BIRTH_STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, b);
    int err = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    munmap(stack, BIRTH_STACK);
    if (pid >= 0 && b->error) {
        while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
        err = b->error;
        pid = -1;
    }
    errno = err;
    return pid;
}

/* ---- the first stop ---- */

/* As trace_wait(), but not for ever: under a debugger the child may be someone else's. */
static bool first_stop(Sandbox *s, GError **error)
{
    struct timespec nap = { 0, 50000 };
    int status;
    gint64 end = g_get_monotonic_time() + BIRTH_PATIENCE_MS * 1000;

    for (;;) {
        pid_t got = waitpid(s->pid, &status, __WALL | WNOHANG);
        if (got == s->pid && WIFSTOPPED(status))
            break;
        if (got == s->pid || (got < 0 && errno != EINTR)) {
            s->dead = true;
            if (got == s->pid && WIFEXITED(status))
                return fail(error, "ptrace is not allowed (another tracer, such as strace -f, or a seccomp policy)",
                            WEXITSTATUS(status));
            return fail(error, "the process died at birth", ECHILD);
        }
        if (g_get_monotonic_time() > end) {
            trace_kill(s);
            return fail(error, "the process did not stop for us", ETIMEDOUT);
        }
        nanosleep(&nap, NULL);
    }
    struct user_regs_struct r;
    if (ptrace(PTRACE_SETOPTIONS, s->pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD)
        || ptrace(PTRACE_GETREGS, s->pid, NULL, &r)) {
        int err = errno;
        trace_kill(s);
        return fail(error, "ptrace options", err);
    }
    if (r.rax != STUB_LIST) {
        trace_kill(s);
        return fail(error, "no shared list", r.rax > -4096ull ? -(int)r.rax : EINVAL);
    }
    s->batch = r.rip;
    return true;
}

/* ---- becoming a sandbox ---- */

/* Run the queued calls; all must succeed. */
static bool must(Sandbox *s, const char *what, GError **error)
{
    unsigned failed = 0;
    int e = trace_batch(s, &failed);
    if (!e) {
        if (!s->batch_end) {
            struct user_regs_struct r;
            s->batch_end = ptrace(PTRACE_GETREGS, s->pid, NULL, &r) ? 0 : r.rip;
        }
        return true;
    }
    trace_kill(s);
    return fail(error, what, -e);
}

/* Give up everything but the stub and the list. Sealed system mappings (Linux 6.16 has the option) stay. */
static bool empty_space(Sandbox *s, GError **error)
{
    char path[40], line[512];
    unsigned failed;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)s->pid);
    FILE *f = fopen(path, "re");
    if (!f) {
        int err = errno;
        trace_kill(s);
        return fail(error, "/proc is not mounted or not readable", err);
    }
    bool ok = true;
    while (ok && fgets(line, sizeof line, f)) {
        uint64_t start, end;
        if (sscanf(line, "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x", &start, &end) != 2)
            continue;
        if (start == STUB_BASE || start == STUB_LIST || start >> 47)
            continue;
        maps_queue(s, SYS_munmap, start, end - start, 0, 0, 0, 0);
        if (strstr(line, "[v"))
            ok = trace_batch(s, &failed) != -ESRCH;
        else
            ok = must(s, "munmap", error);
    }
    fclose(f);
    if (!ok && error && !*error)
        fail(error, "the process died at birth", ESRCH);
    return ok;
}

static bool grow_up(Sandbox *s, GError **error)
{
    StubList *l = s->list;
    unsigned failed;

    g_strlcpy(l->name, "x86vm-sandbox", sizeof l->name);
    maps_queue(s, SYS_rt_sigprocmask, SIG_SETMASK, STUB_LIST + offsetof(StubList, sigmask), 0, 8, 0, 0);
    maps_queue(s, SYS_prctl, PR_SET_NAME, STUB_LIST + offsetof(StubList, name), 0, 0, 0, 0);
    maps_queue(s, SYS_close, STUB_FD_LIST, 0, 0, 0, 0, 0);
    if (!must(s, "the stub", error))
        return false;
    maps_queue(s, SYS_arch_prctl, ARCH_SET_CPUID, 0, 0, 0, 0, 0);
    if (trace_batch(s, &failed) == -ESRCH) /* -ENODEV: the CPU can not, and the sweep must not let CPUID in */
        return fail(error, "the process died at birth", ESRCH);
    if (!empty_space(s, error))
        return false;
    l->prog.len = write_filter(l->filter);
    l->prog.filter = STUB_LIST + offsetof(StubList, filter);
    maps_queue(s, SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
    maps_queue(s, SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
               STUB_LIST + offsetof(StubList, prog), 0, 0, 0);
    return must(s, "seccomp", error);
}

static uint64_t fd_size(int fd)
{
    struct stat st;
    return fd >= 0 && !fstat(fd, &st) ? st.st_size : 0;
}

static unsigned read_low_limit(void)
{
    unsigned limit = 0x10000;
    FILE *f = fopen("/proc/sys/vm/mmap_min_addr", "re");
    if (f) {
        if (fscanf(f, "%u", &limit) != 1)
            limit = 0x10000;
        fclose(f);
    }
    return limit;
}

Sandbox *sandbox_new_with_view(int ram_fd, int view_fd, GError **error)
{
    Sandbox *s = g_new0(Sandbox, 1);
    Birth b = { .ram_fd = ram_fd, .view_fd = view_fd, .list_fd = -1, .stub_fd = -1 };

    s->pid = s->pidfd = s->schedstat = s->cpu = -1;
    s->dead = true;
    s->ram_size = fd_size(ram_fd);
    s->view_size = fd_size(view_fd);
    s->low_limit = read_low_limit();
    b.list_fd = memfd_create("x86vm-list", MFD_CLOEXEC);
    b.stub_fd = open_stub();
    if (b.list_fd < 0 || b.stub_fd < 0 || ftruncate(b.list_fd, STUB_LIST_SIZE)) {
        fail(error, "memfd_create", errno);
    } else {
        s->list = mmap(NULL, STUB_LIST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, b.list_fd, 0);
        if (s->list == MAP_FAILED) {
            s->list = NULL;
            fail(error, "mmap", errno);
        } else if ((s->pid = spawn(&b)) < 0) {
            fail(error, "starting the process", errno);
        } else {
            s->dead = false;
            s->pidfd = syscall(SYS_pidfd_open, s->pid, 0);
            s->has_clock = clock_getcpuclockid(s->pid, &s->clock) == 0;
            if (first_stop(s, error))
                grow_up(s, error);
        }
    }
    if (b.list_fd >= 0)
        close(b.list_fd);
    if (b.stub_fd >= 0)
        close(b.stub_fd);
    if (s->dead) {
        sandbox_free(s);
        return NULL;
    }
    s->mappings = 8; /* stub, list, and what the host may have kept */
    return s;
}

Sandbox *sandbox_new(int ram_fd, GError **error)
{
    return sandbox_new_with_view(ram_fd, -1, error);
}

void sandbox_free(Sandbox *s)
{
    if (!s)
        return;
    trace_kill(s);
    if (s->list)
        munmap(s->list, STUB_LIST_SIZE);
    if (s->pidfd >= 0)
        close(s->pidfd);
    if (s->schedstat >= 0)
        close(s->schedstat);
    g_free(s);
}

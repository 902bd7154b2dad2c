/*
 * Runs a command in a narrower host: as another user, in namespaces of its own, behind seccomp filters as containers
 * have them.
 *
 *     hostenv OPTION... -- COMMAND...
 *
 *     user=ID        as that user and group, without other groups; needs root
 *     namespaces     user, mount, process, IPC, network and host name namespaces of its own, as an unprivileged
 * container docker         system calls that Docker's default profile refuses fail with EPERM yama PTRACE_ATTACH and
 * PTRACE_SEIZE fail, as they do under Yama's scope 1 for all but descendants low=N          fixed mappings below N
 * fail, as vm.mmap_min_addr has it no-CALL        CALL fails with EPERM: ptrace, seccomp, memfd_create, execveat,
 * modify_ldt, pidfd_open
 *
 * The exit status is the command's; 99 when it left processes behind, 77 when this host can not be made so, told on
 * standard error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CANNOT = 77, LEFT_BEHIND = 99, PATIENCE_MS = 3000 };

/* What moby's profiles/seccomp/default.json does not allow without capabilities. */
static const int docker_refuses[] = {
    SYS_acct,
    SYS_add_key,
    SYS_bpf,
    SYS_clock_adjtime,
    SYS_clock_settime,
    SYS_create_module,
    SYS_delete_module,
    SYS_finit_module,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fsopen,
    SYS_fspick,
    SYS_get_kernel_syms,
    SYS_get_mempolicy,
    SYS_init_module,
    SYS_ioperm,
    SYS_iopl,
    SYS_kcmp,
    SYS_kexec_file_load,
    SYS_kexec_load,
    SYS_keyctl,
    SYS_lookup_dcookie,
    SYS_mbind,
    SYS_mount,
    SYS_move_mount,
    SYS_move_pages,
    SYS_nfsservctl,
    SYS_open_by_handle_at,
    SYS_open_tree,
    SYS_perf_event_open,
    SYS_pivot_root,
    SYS_query_module,
    SYS_quotactl,
    SYS_reboot,
    SYS_request_key,
    SYS_set_mempolicy,
    SYS_setns,
    SYS_settimeofday,
    SYS_swapoff,
    SYS_swapon,
    SYS_sysfs,
    SYS__sysctl,
    SYS_umount2,
    SYS_unshare,
    SYS_uselib,
    SYS_userfaultfd,
    SYS_ustat,
    SYS_vhangup,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
};

static const struct {
    const char *name;
    int nr;
} calls[] = {
    {"no-ptrace", SYS_ptrace},     {"no-seccomp", SYS_seccomp},       {"no-memfd_create", SYS_memfd_create},
    {"no-execveat", SYS_execveat}, {"no-modify_ldt", SYS_modify_ldt}, {"no-pidfd_open", SYS_pidfd_open},
};

static _Noreturn void cannot(const char *format, ...)
{
    va_list args;
    int error = errno;
    va_start(args, format);
    fputs("hostenv: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, ": %s\n", strerror(error));
    exit(CANNOT);
}

/* ---- filters: each is a program of its own, which allows what it is not about ---- */

typedef struct Filter {
    struct sock_filter code[256];
    unsigned short len;
} Filter;

#define FAIL(error) (SECCOMP_RET_ERRNO | (error))
#define NUMBER offsetof(struct seccomp_data, nr)
#define ARG_LOW(n) (offsetof(struct seccomp_data, args) + 8 * (n))
#define ARG_HIGH(n) (ARG_LOW(n) + 4)

static void add(Filter *f, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    f->code[f->len++] = (struct sock_filter){code, yes, no, k};
}

/* Go on only where the word at offset compares so; all else is allowed. */
static void only(Filter *f, uint32_t offset, uint16_t comparison, uint32_t k, bool wanted)
{
    add(f, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
    add(f, BPF_JMP | comparison | BPF_K, k, wanted, !wanted);
    add(f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static Filter filter_new(void)
{
    Filter f = {.len = 0};
    only(&f, offsetof(struct seccomp_data, arch), BPF_JEQ, AUDIT_ARCH_X86_64, true);
    return f;
}

static void filter_install(Filter *f, int error)
{
    add(f, BPF_RET | BPF_K, FAIL(error), 0, 0);
    struct sock_fprog prog = {f->len, f->code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0))
        cannot("no seccomp filter");
}

static void refuse(int nr, int error)
{
    Filter f = filter_new();
    only(&f, NUMBER, BPF_JEQ, nr, true);
    filter_install(&f, error);
}

static void docker(void)
{
    Filter f = filter_new();
    unsigned count = sizeof docker_refuses / sizeof *docker_refuses;
    add(&f, BPF_LD | BPF_W | BPF_ABS, NUMBER, 0, 0);
    for (unsigned n = 0; n < count; n++)
        add(&f, BPF_JMP | BPF_JEQ | BPF_K, docker_refuses[n], count - n, 0);
    add(&f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    filter_install(&f, EPERM);

    refuse(SYS_clone3, ENOSYS);
    f = filter_new();
    only(&f, NUMBER, BPF_JEQ, SYS_clone, true);
    only(&f, ARG_LOW(0), BPF_JSET,
         CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
         true);
    filter_install(&f, EPERM);
    f = filter_new();
    only(&f, NUMBER, BPF_JEQ, SYS_personality, true);
    only(&f, ARG_LOW(0), BPF_JEQ, 0xffffffff, false);
    only(&f, ARG_LOW(0), BPF_JSET, ~0x20008u, true);
    filter_install(&f, EPERM);
}

static void yama(void)
{
    static const int requests[] = {PTRACE_ATTACH, PTRACE_SEIZE};
    for (int n = 0; n < 2; n++) {
        Filter f = filter_new();
        only(&f, NUMBER, BPF_JEQ, SYS_ptrace, true);
        only(&f, ARG_LOW(0), BPF_JEQ, requests[n], true);
        filter_install(&f, EPERM);
    }
}

static void low_limit(uint32_t low)
{
    Filter f = filter_new();
    only(&f, NUMBER, BPF_JEQ, SYS_mmap, true);
    only(&f, ARG_LOW(3), BPF_JSET, MAP_FIXED, true);
    only(&f, ARG_HIGH(0), BPF_JEQ, 0, true);
    only(&f, ARG_LOW(0), BPF_JGE, low, false);
    filter_install(&f, EPERM);
}

static void no_call(const char *name)
{
    for (unsigned n = 0; n < sizeof calls / sizeof *calls; n++)
        if (!strcmp(calls[n].name, name)) {
            refuse(calls[n].nr, EPERM);
            if (calls[n].nr == SYS_seccomp) { /* and its older form */
                Filter f = filter_new();
                only(&f, NUMBER, BPF_JEQ, SYS_prctl, true);
                only(&f, ARG_LOW(0), BPF_JEQ, PR_SET_SECCOMP, true);
                filter_install(&f, EPERM);
            }
            return;
        }
    fprintf(stderr, "hostenv: %s: no such option\n", name);
    exit(2);
}

/* ---- namespaces ---- */

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        cannot("%s", path);
    close(fd);
}

static int wait_status(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            cannot("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void namespaces(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET))
        cannot("no namespaces");
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "1000 %u 1", uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "1000 %u 1", gid);
    write_file("/proc/self/gid_map", map);
    pid_t pid = fork(); /* the first in its process namespace; all end with it */
    if (pid < 0)
        cannot("fork");
    if (pid)
        exit(wait_status(pid));
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) &&
        errno != EPERM) /* where /proc is partly covered */
        cannot("mount /proc");
}

/* ---- the command ---- */

/* Whoever it left behind has become our child. */
static bool left_behind(void)
{
    for (int ms = 0; ms < PATIENCE_MS; ms += 20) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0)
            return false;
        if (pid == 0)
            nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    return true;
}

int main(int argc, char **argv)
{
    int n = 1;
    bool in_namespaces = false;
    for (int k = 1; k < argc && strcmp(argv[k], "--"); k++)
        in_namespaces |= !strcmp(argv[k], "namespaces");
    prctl(PR_SET_DUMPABLE, 1);
    for (; n < argc && strcmp(argv[n], "--"); n++)
        if (!strncmp(argv[n], "user=", 5)) {
            int id = atoi(argv[n] + 5);
            if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id))
                cannot("user %d", id);
            prctl(PR_SET_DUMPABLE, 1); /* the change of user took it, and with it the right to write its own maps */
        }
    if (in_namespaces)
        namespaces();
    if (n + 1 >= argc) {
        fprintf(stderr, "usage: hostenv OPTION... -- COMMAND...\n");
        return 2;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t pid = fork();
    if (pid < 0)
        cannot("fork");
    if (pid == 0) {
        for (int k = 1; k < n; k++)
            if (!strcmp(argv[k], "docker"))
                docker();
            else if (!strcmp(argv[k], "yama"))
                yama();
            else if (!strncmp(argv[k], "low=", 4))
                low_limit(strtoul(argv[k] + 4, NULL, 0));
            else if (!strncmp(argv[k], "no-", 3))
                no_call(argv[k]);
            else if (strncmp(argv[k], "user=", 5) && strcmp(argv[k], "namespaces")) {
                fprintf(stderr, "hostenv: %s: no such option\n", argv[k]);
                _exit(2);
            }
        execvp(argv[n + 1], argv + n + 1);
        perror(argv[n + 1]);
        _exit(127);
    }
    int status = wait_status(pid);
    if (left_behind()) {
        fprintf(stderr, "hostenv: %s left a process behind\n", argv[n + 1]);
        return LEFT_BEHIND;
    }
    return status;
}

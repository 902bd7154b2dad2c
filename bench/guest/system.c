/*
 * What a program asks of its kernel: system calls, processes, pages, pipes, signals, files.
 */
#include "work.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t syscalls(unsigned n)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < n * 1000; i++)
        sum += syscall(SYS_getppid) == getppid();
    return sum;
}

static void wait_for(pid_t pid)
{
    int status;
    work_need(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child failed");
}

static uint32_t forks(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        wait_for(pid);
    }
    return n;
}

static uint32_t execs(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            execl("/proc/self/exe", "work", "-nothing", (char *)NULL);
            _exit(1);
        }
        wait_for(pid);
    }
    return n;
}

static uint32_t pages(unsigned n)
{
    enum { LENGTH = 1 << 20 };
    uint32_t sum = 0;
    while (n--) {
        uint8_t *p = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        work_need(p != MAP_FAILED, "mmap");
        for (unsigned at = 0; at < LENGTH; at += 4096)
            sum += ++p[at];
        munmap(p, LENGTH);
    }
    return sum;
}

/* A byte to and fro between two processes: two switches of context a round. */
static uint32_t pipes(unsigned n)
{
    int there[2], back[2];
    char c = 0;
    work_need(pipe(there) == 0 && pipe(back) == 0, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        close(there[1]);
        while (read(there[0], &c, 1) == 1) {
            c++;
            if (write(back[1], &c, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(there[0]);
    for (unsigned i = 0; i < n; i++)
        work_need(write(there[1], &c, 1) == 1 && read(back[0], &c, 1) == 1, "pipe");
    close(there[1]);
    wait_for(pid);
    close(back[0]);
    close(back[1]);
    return (uint8_t)c;
}

static volatile sig_atomic_t signals_seen;

static void on_signal(int number)
{
    signals_seen++;
}

static uint32_t signals(unsigned n)
{
    struct sigaction action = {.sa_handler = on_signal};
    signals_seen = 0;
    sigaction(SIGUSR1, &action, NULL);
    for (unsigned i = 0; i < n; i++)
        raise(SIGUSR1);
    return signals_seen;
}

/* Files made, written, read again, removed. */
static uint32_t files(unsigned n)
{
    static char buf[64 << 10], again[64 << 10];
    char name[] = "/tmp/work-XXXXXX", file[64];
    uint32_t seed = 5, sum = 0;
    work_need(mkdtemp(name) != NULL, "mkdtemp");
    for (unsigned i = 0; i < sizeof buf; i++)
        buf[i] = work_random(&seed);
    for (unsigned i = 0; i < n; i++) {
        snprintf(file, sizeof file, "%s/%u", name, i % 8);
        int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
        for (unsigned at = 0; at < sizeof buf; at += 4096)
            work_need(write(fd, buf + at, 4096) == 4096, file);
        for (unsigned at = 0; at < sizeof buf; at += 4096)
            work_need(pread(fd, again + at, 4096, at) == 4096, file);
        close(fd);
        sum = work_mix(sum, again[i % sizeof again]);
        unlink(file);
    }
    rmdir(name);
    return sum;
}

const Workload work_system[] = {
    {"syscall", syscalls, 500},
    {"fork", forks, 1500},
    {"exec", execs, 500},
    {"pagefault", pages, 150},
    {"pipe", pipes, 20000},
    {"signal", signals, 20000},
    {"file", files, 1500},
    {"shell", work_shell, 500},
    {0},
};

/*
 * Runs workloads by name, as a program or as a guest's init. See work.h.
 *
 * A line for each: "work NAME SECONDS CHECKSUM". A guest's init ends by switching the machine off.
 */
#include "work.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAUSE 100000 /* us between workloads in a guest: who reads along may look at the machine's own clocks then */

void work_need(int ok, const char *what)
{
    if (!ok) {
        printf("work: failed: %s\n", what);
        fflush(stdout);
        _exit(1);
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static const Workload *find(const char *name)
{
    const Workload *const lists[] = {work_compute, work_system, work_programs};
    for (int n = 0; n < 3; n++)
        for (const Workload *w = lists[n]; w->name; w++)
            if (!strcmp(w->name, name))
                return w;
    return NULL;
}

static void run(const char *name, double scale)
{
    const Workload *w = find(name);
    if (!w) {
        printf("work: no workload is called %s\n", name);
        return;
    }
    fflush(stdout);
    pid_t pid = fork(); /* each in a process of its own: none inherits another's memory */
    if (pid == 0) {
        unsigned n = w->n * scale;
        double start = now();
        uint32_t sum = w->run(n ? n : 1);
        printf("work %s %.6f %08x\n", name, now() - start, sum);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static void run_list(char *names, double scale, useconds_t pause)
{
    for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
        run(name, scale);
        usleep(pause);
    }
}

static void init(void)
{
    char line[4096] = "", *names, *scale;
    mkdir("/proc", 0755);
    mkdir("/tmp", 0777);
    mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("tmp", "/tmp", "tmpfs", 0, NULL);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    int fd = open("/proc/cmdline", O_RDONLY);
    ssize_t got = read(fd, line, sizeof line - 1);
    close(fd);
    line[got > 0 ? got : 0] = 0;
    line[strcspn(line, "\n")] = 0;
    printf("work: booted\n");
    scale = strstr(line, "scale=");
    double factor = scale ? atof(scale + 6) : 1;
    names = strstr(line, "work=");
    if (names) {
        names += 5;
        names[strcspn(names, " ")] = 0;
        usleep(PAUSE);
        run_list(names, factor, PAUSE);
    }
    printf("work: done\n");
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
}

int main(int argc, char **argv)
{
    double scale = 1;
    if (argc > 1 && !strcmp(argv[1], "-nothing"))
        return 0;
    if (getpid() == 1) {
        init();
        for (;;)
            pause();
    }
    for (int n = 1; n < argc; n++) {
        if (!strcmp(argv[n], "-scale") && n + 1 < argc)
            scale = atof(argv[++n]);
        else
            run_list(argv[n], scale, 0);
    }
    return 0;
}

/*
 * Going to the background, and the file with our number. See daemon.h.
 */
#include <config.h>

#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAEMON_ERROR g_quark_from_static_string("daemon")

/* In the process that was called: as soon as the daemon says that it is ready, or is gone without a word. */
static G_GNUC_NORETURN void wait_for_daemon(int fd)
{
    char ready;
    ssize_t n;
    while ((n = read(fd, &ready, 1)) < 0 && errno == EINTR)
        ;
    _exit(n == 1 ? 0 : 1);
}

static int fail(GError **error, const char *what)
{
    g_set_error(error, DAEMON_ERROR, 0, "-daemonize: %s: %s", what, g_strerror(errno));
    return DAEMON_NONE;
}

int daemon_start(GError **error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail(error, "pipe");
    pid_t child = fork();
    if (child < 0)
        return fail(error, "fork");
    if (child > 0) {
        close(ends[1]);
        wait_for_daemon(ends[0]);
    }
    close(ends[0]);
    /* a session without a terminal, and a process that can't get one by opening it: setsid(2), credentials(7) */
    if (setsid() < 0)
        return fail(error, "setsid");
    child = fork();
    if (child < 0)
        return fail(error, "fork");
    if (child > 0)
        _exit(0);
    return ends[1];
}

void daemon_ready(int handle)
{
    if (handle == DAEMON_NONE)
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    fflush(NULL);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && null >= 0; fd++)
        dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
    while (write(handle, "+", 1) < 0 && errno == EINTR)
        ;
    close(handle);
}

/* ---- -pidfile ---- */

struct Pidfile {
    char *path;
    int fd;
};

Pidfile *pidfile_new(const char *path, GError **error)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        g_set_error(error, DAEMON_ERROR, 0, "-pidfile %s: %s", path, g_strerror(errno));
        return NULL;
    }
    g_autofree char *number = g_strdup_printf("%ld\n", (long)getpid());
    if (fcntl(fd, F_SETLK, &lock) < 0) {
        g_set_error(error, DAEMON_ERROR, 0, "-pidfile %s: %s", path,
                    errno == EAGAIN || errno == EACCES ? "another machine that runs has it" : g_strerror(errno));
        close(fd);
        return NULL;
    }
    if (ftruncate(fd, 0) < 0 || write(fd, number, strlen(number)) != (ssize_t)strlen(number)) {
        g_set_error(error, DAEMON_ERROR, 0, "-pidfile %s: %s", path, g_strerror(errno));
        close(fd);
        return NULL;
    }
    Pidfile *p = g_new(Pidfile, 1);
    *p = (Pidfile){g_strdup(path), fd};
    return p;
}

void pidfile_free(Pidfile *p)
{
    if (!p)
        return;
    unlink(p->path);
    close(p->fd);
    g_free(p->path);
    g_free(p);
}

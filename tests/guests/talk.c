/*
 * Talks to a program on a pseudo-terminal, by a script: for guests on a serial console.
 *
 *     talk LOG SECONDS COMMAND... <script
 *
 * Lines of the script: "expect REGEX" waits for the output to match (SECONDS at most, from the last match), "send TEXT" types it
 * (\r \n \t \\ and octal \001 understood), "end" waits for the program to end. Exit status: the program's after "end"; 0 when the
 * script ran out first (the program is then terminated); 124 when a pattern did not come, told on standard error.
 */
#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Talk {
    int fd;
    pid_t pid;
    FILE *log;
    GString *output; /* since the last match */
    bool ended;
} Talk;

/* Read what comes within ms milliseconds. */
static void listen_for(Talk *t, int ms)
{
    char buf[4096];
    struct pollfd p = {t->fd, POLLIN, 0};
    if (t->ended) {
        g_usleep(ms * 1000);
        return;
    }
    if (poll(&p, 1, ms) <= 0)
        return;
    ssize_t n = read(t->fd, buf, sizeof buf);
    if (n > 0) {
        g_string_append_len(t->output, buf, n);
        fwrite(buf, 1, n, t->log);
        fflush(t->log);
    } else if (n == 0 || errno == EIO) {
        t->ended = true;
    }
}

static bool await_match(Talk *t, const char *pattern, int seconds)
{
    GError *error = NULL;
    GRegex *re = g_regex_new(pattern, G_REGEX_RAW | G_REGEX_DOTALL, 0, &error);
    if (!re) {
        fprintf(stderr, "talk: %s\n", error->message);
        exit(2);
    }
    gint64 until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    bool found = false;
    while (!found) {
        GMatchInfo *match;
        if (g_regex_match_full(re, t->output->str, t->output->len, 0, 0, &match, NULL)) {
            int end;
            g_match_info_fetch_pos(match, 0, NULL, &end);
            g_string_erase(t->output, 0, end);
            found = true;
        }
        g_match_info_free(match);
        if (found || t->ended || g_get_monotonic_time() > until)
            break;
        listen_for(t, 100);
    }
    g_regex_unref(re);
    return found;
}

static void type(Talk *t, const char *text)
{
    char *bytes = g_strcompress(text);
    listen_for(t, 300); /* let the other side settle, as a person would */
    if (write(t->fd, bytes, strlen(bytes)) < 0)
        t->ended = true;
    g_free(bytes);
}

static int finish(Talk *t, int seconds)
{
    gint64 until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    int status;
    while (waitpid(t->pid, &status, WNOHANG) == 0) {
        if (g_get_monotonic_time() > until) {
            fprintf(stderr, "did not end within %d s\n", seconds);
            kill(t->pid, SIGKILL);
            waitpid(t->pid, &status, 0);
            return 124;
        }
        listen_for(t, 100);
    }
    while (!t->ended)
        listen_for(t, 100);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    char line[1024];
    if (argc < 4) {
        fprintf(stderr, "usage: talk LOG SECONDS COMMAND... <script\n");
        return 2;
    }
    int seconds = atoi(argv[2]);
    Talk t = {.log = fopen(argv[1], "w"), .output = g_string_new(NULL)};
    if (!t.log) {
        perror(argv[1]);
        return 2;
    }
    t.pid = forkpty(&t.fd, NULL, NULL, NULL);
    if (t.pid < 0) {
        perror("forkpty");
        return 2;
    }
    if (t.pid == 0) {
        execvp(argv[3], argv + 3);
        perror(argv[3]);
        _exit(127);
    }
    int status = 0;
    bool running = true;
    while (running && fgets(line, sizeof line, stdin)) {
        g_strchomp(line);
        if (g_str_has_prefix(line, "expect ")) {
            if (!await_match(&t, line + 7, seconds)) {
                fprintf(stderr, "no '%s' %s\n", line + 7, t.ended ? "before the program ended" : "in time");
                status = 124;
                break;
            }
        } else if (g_str_has_prefix(line, "send ")) {
            type(&t, line + 5);
        } else if (!strcmp(line, "end")) {
            status = finish(&t, seconds);
            running = false;
        }
    }
    if (running) {
        kill(t.pid, SIGTERM);
        int ignored = finish(&t, 10);
        (void)ignored;
    }
    fclose(t.log);
    g_string_free(t.output, TRUE);
    return status;
}

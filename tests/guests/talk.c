/*
 * Talks to a program on a pseudo-terminal, by a script: for guests on a serial console.
 *
 *     talk LOG SECONDS COMMAND... <script
 *
 * Lines of the script: "expect REGEX" waits for the output to match (SECONDS at most, from the last match), "send TEXT" types it
 * (\r \n \t \\ and octal \001 understood), "end" waits for the program to end. For guests that know no serial line there is the
 * machine's monitor, which Ctrl-A c reaches: "screen REGEX" waits until the text screen (the 25 lines at B8000h, with newlines)
 * matches, "memory REGEX" looks at all 32 KiB there, for systems that scroll through them, "type TEXT" presses the keys for TEXT on a US keyboard, "keys NAME..." those with the monitor's names, "picture N" waits until the
 * screen's picture has at least N colours. Exit status: the program's after "end"; 0 when the script ran out first (the
 * program is then terminated); 124 when a pattern did not come, told on standard error.
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

/* ---- The monitor ---- */

#define MONITOR_PROMPT "(qemu) "
#define SCREEN_ADDR 0xb8000
#define SCREEN_COLUMNS 80
#define SCREEN_LINES 25
#define SCREEN_WORDS (SCREEN_COLUMNS * SCREEN_LINES / 2)
#define SCREEN_MEMORY_WORDS 0x2000

/* Give the monitor a command; what it says up to its next prompt, or NULL. To be freed. */
static char *monitor(Talk *t, const char *command, int seconds)
{
    char *line = g_strdup_printf("\001c\r"), *said = NULL;
    gint64 until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    listen_for(t, 50);
    g_string_truncate(t->output, 0);
    for (int step = 0; step < 2; step++) {
        if (write(t->fd, line, strlen(line)) < 0)
            t->ended = true;
        g_free(line);
        while (!t->ended && !strstr(t->output->str, MONITOR_PROMPT) && g_get_monotonic_time() < until)
            listen_for(t, 20);
        for (gsize before = 0; before != t->output->len;) { /* a return brings a second prompt */
            before = t->output->len;
            listen_for(t, 60);
        }
        if (step == 1 && strstr(t->output->str, MONITOR_PROMPT))
            said = g_strdup(t->output->str);
        g_string_truncate(t->output, 0);
        line = g_strdup_printf("%s\r", command);
    }
    g_free(line);
    if (!t->ended && write(t->fd, "\001c", 2) < 0)
        t->ended = true;
    return said;
}

/* So many words, of two characters, of the text screen's memory; to be freed. */
static GString *screen_text(Talk *t, int words, int seconds)
{
    char *command = g_strdup_printf("xp /%dxw 0x%x", words, SCREEN_ADDR);
    char *said = monitor(t, command, seconds);
    GString *text = g_string_new(NULL);
    char **lines = g_strsplit(said ? said : "", "\n", -1);
    unsigned column = 0;
    for (char **l = lines; *l; l++) {
        char *colon = strstr(*l, ": 0x");
        for (char *word = colon ? colon + 1 : NULL; word && g_str_has_prefix(word, " 0x");) {
            guint64 two = g_ascii_strtoull(word + 1, &word, 16);
            for (int shift = 0; shift <= 16; shift += 16) {
                char c = two >> shift;
                g_string_append_c(text, c ? c : ' ');
                if (++column % SCREEN_COLUMNS == 0)
                    g_string_append_c(text, '\n');
            }
        }
    }
    g_strfreev(lines);
    g_free(said);
    g_free(command);
    return text;
}

static bool await_screen(Talk *t, const char *pattern, int words, int seconds)
{
    gint64 until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    bool found = false;
    do {
        GString *text = screen_text(t, words, seconds);
        found = g_regex_match_simple(pattern, text->str, G_REGEX_RAW | G_REGEX_DOTALL, 0);
        bool last = !found && (t->ended || g_get_monotonic_time() > until);
        if (found || last)
            fprintf(t->log, "\n[screen]\n%s[end of screen]\n", text->str);
        g_string_free(text, TRUE);
        if (found || last)
            break;
        listen_for(t, 500);
    } while (true);
    return found;
}

static guint colours(const char *ppm)
{
    char *bytes;
    gsize length, at = 0;
    if (!g_file_get_contents(ppm, &bytes, &length, NULL))
        return 0;
    for (int lines = 0; at < length && lines < 3; at++) /* P6, sizes, 255 */
        lines += bytes[at] == '\n';
    GHashTable *seen = g_hash_table_new(NULL, NULL);
    for (; at + 3 <= length; at += 3) {
        guint rgb = (guint8)bytes[at] << 16 | (guint8)bytes[at + 1] << 8 | (guint8)bytes[at + 2];
        g_hash_table_add(seen, GUINT_TO_POINTER(rgb));
    }
    guint n = g_hash_table_size(seen);
    g_hash_table_unref(seen);
    g_free(bytes);
    return n;
}

/* The picture is kept beside the log. */
static bool await_picture(Talk *t, const char *log, guint wanted, int seconds)
{
    gint64 until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    char *path = g_strdup_printf("%s.ppm", log), *command = g_strdup_printf("screendump %s", path);
    bool found = false;
    while (!found && !t->ended && g_get_monotonic_time() < until) {
        g_free(monitor(t, command, seconds));
        found = colours(path) >= wanted;
        listen_for(t, 500);
    }
    g_free(command);
    g_free(path);
    return found;
}

static void press(Talk *t, const char *key)
{
    char *command = g_strdup_printf("sendkey %s", key);
    g_free(monitor(t, command, 10));
    g_free(command);
    listen_for(t, 150); /* the key is held for 100 ms */
}

static void press_text(Talk *t, const char *text)
{
    static const struct {
        char c;
        const char *key;
    } names[] = {{' ', "spc"},        {'\n', "ret"},       {'\r', "ret"},      {'\t', "tab"},        {'.', "dot"},
                 {',', "comma"},      {'-', "minus"},      {'/', "slash"},     {'\\', "backslash"},  {':', "shift-semicolon"},
                 {';', "semicolon"},  {'=', "equal"},      {'+', "shift-equal"}, {'*', "shift-8"},    {'"', "shift-apostrophe"},
                 {'\'', "apostrophe"}, {'_', "shift-minus"}, {'>', "shift-dot"}, {'(', "shift-9"}, {')', "shift-0"}, {'$', "shift-4"},
                 {'&', "shift-7"},    {'{', "shift-bracket_left"}, {'}', "shift-bracket_right"}, {'?', "shift-slash"}, {'|', "shift-backslash"},
                 {'<', "shift-comma"}, {'!', "shift-1"},   {'#', "shift-3"},   {'%', "shift-5"}};
    char *bytes = g_strcompress(text);
    for (const char *c = bytes; *c; c++) {
        char plain[] = {g_ascii_tolower(*c), 0};
        char *key = g_strdup_printf("%s%s", g_ascii_isupper(*c) ? "shift-" : "", plain);
        for (unsigned n = 0; n < G_N_ELEMENTS(names); n++)
            if (names[n].c == *c) {
                g_free(key);
                key = g_strdup(names[n].key);
            }
        press(t, key);
        g_free(key);
    }
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
        } else if (g_str_has_prefix(line, "screen ") || g_str_has_prefix(line, "memory ")) {
            if (!await_screen(&t, line + 7, line[0] == 's' ? SCREEN_WORDS : SCREEN_MEMORY_WORDS, seconds)) {
                fprintf(stderr, "no '%s' on the screen %s\n", line + 7, t.ended ? "before the program ended" : "in time");
                status = 124;
                break;
            }
        } else if (g_str_has_prefix(line, "picture ")) {
            if (!await_picture(&t, argv[1], atoi(line + 8), seconds)) {
                fprintf(stderr, "no picture of %s colours %s\n", line + 8, t.ended ? "before the program ended" : "in time");
                status = 124;
                break;
            }
        } else if (g_str_has_prefix(line, "type ")) {
            press_text(&t, line + 5);
        } else if (g_str_has_prefix(line, "keys ")) {
            char **keys = g_strsplit(line + 5, " ", -1);
            for (char **k = keys; *k; k++)
                press(&t, *k);
            g_strfreev(keys);
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

/*
 * Programs of Debian packages, with input made here; what they write is summed up. They lie in the directory that the
 * environment names in BENCH_ROOT (empty: /), with the C library and the loader of their own.
 */
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *root(void)
{
    const char *dir = getenv("BENCH_ROOT");
    return dir ? dir : "";
}

/* Run it, output in a pipe. Checksum of the output. */
static uint32_t output(char *const *argv)
{
    int out[2], status;
    uint32_t sum = 0;
    work_need(pipe(out) == 0, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        close(out[0]);
        close(out[1]);
        setenv("OPENSSL_ia32cap", "0x07888010:0", 1); /* up to SSE2 everywhere, whatever else this CPU has */
        execv(argv[0], argv);
        perror(argv[0]);
        _exit(1);
    }
    close(out[1]);
    static uint8_t buf[65536];
    for (ssize_t got; (got = read(out[0], buf, sizeof buf)) > 0;)
        for (ssize_t i = 0; i < got; i++)
            sum = work_mix(sum, buf[i]);
    close(out[0]);
    work_need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0, argv[0]);
    return sum;
}

/* The same by its root's own loader. args ends with NULL and has at most 12. */
static uint32_t output_of(const char *program, const char *const *args)
{
    char loader[256], path[256], libraries[1024], *argv[20];
    int argc = 0;
    snprintf(loader, sizeof loader, "%s/lib/ld-linux.so.2", root());
    snprintf(path, sizeof path, "%s%s", root(), program);
    snprintf(libraries, sizeof libraries, "%1$s/lib/i386-linux-gnu:%1$s/usr/lib/i386-linux-gnu", root());
    argv[argc++] = loader;
    argv[argc++] = "--library-path";
    argv[argc++] = libraries;
    argv[argc++] = path;
    while (*args)
        argv[argc++] = (char *)*args++;
    argv[argc] = NULL;
    return output(argv);
}

/* A file of kib KiB that compresses about as well as text does; after the first unique KiB it repeats itself. */
static void make_text(const char *path, unsigned kib, unsigned unique)
{
    static char text[8 << 20];
    size_t size = 0;
    static const char *const words[4] = {"the ", "and ", "of ", "is "};
    FILE *f = fopen(path, "w");
    uint32_t seed = 11;
    work_need(f != NULL, path);
    unique = (unique < kib ? unique : kib) * 1024;
    work_need(unique + 64 < sizeof text, "text size");
    while (size < unique) {
        uint32_t r = work_random(&seed);
        unsigned word = (r & 0xff) * (r >> 8 & 0xff) >> 8; /* some words come more often than others */
        size += snprintf(text + size, 64, "%s%x%c", words[word % 4], word * 2654435761u >> 12, r >> 16 & 0xf ? ' ' : '\n');
    }
    for (unsigned at = 0; at < kib * 1024; at += size)
        work_need(fwrite(text, size, 1, f) == 1, path);
    fclose(f);
}

static uint32_t on_text(const char *program, const char *const *args, unsigned kib, unsigned unique)
{
    make_text("/tmp/work-text", kib, unique);
    uint32_t sum = output_of(program, args);
    unlink("/tmp/work-text");
    return sum;
}

static uint32_t gzip(unsigned n)
{
    static const char *const args[] = {"-6nc", "/tmp/work-text", NULL};
    return on_text("/bin/gzip", args, n, n);
}

static uint32_t xz(unsigned n)
{
    static const char *const args[] = {"-4c", "--threads=1", "/tmp/work-text", NULL};
    return on_text("/usr/bin/xz", args, n, n);
}

static uint32_t sha512(unsigned n)
{
    static const char *const args[] = {"dgst", "-sha512", "-r", "/tmp/work-text", NULL};
    return on_text("/usr/bin/openssl", args, n, 256);
}

static uint32_t aes(unsigned n)
{
    static const char *const args[] = {"enc", "-aes-128-cbc", "-K", "000102030405060708090a0b0c0d0e0f", "-iv",
            "00000000000000000000000000000000", "-in", "/tmp/work-text", NULL};
    return on_text("/usr/bin/openssl", args, n, 256);
}

static uint32_t python(unsigned n)
{
    static const char script[] =
        "import sys\n"
        "total = 0\n"
        "for k in range(int(sys.argv[1])):\n"
        "    words = {}\n"
        "    for i in range(2000):\n"
        "        w = 'w%d' % (i * i % 997)\n"
        "        words[w] = words.get(w, 0) + 1\n"
        "    total += sum(v * len(w) for w, v in sorted(words.items()))\n"
        "    total += int(sum(x * 0.5 for x in range(1000)))\n"
        "print(total)\n";
    char count[16];
    const char *args[] = {"-I", "-S", "-c", script, count, NULL};
    char home[256];
    snprintf(count, sizeof count, "%u", n);
    snprintf(home, sizeof home, "%s/usr", root());
    setenv("PYTHONHOME", home, 1);
    return output_of("/usr/bin/python3.11", args);
}

static uint32_t compiler(unsigned n)
{
    static const char *const args[] = {"-quiet", "-O2", "-m32", "-march=i686", "-fpreprocessed", "source.i", "-o", "-", NULL};
    uint32_t sum = 0;
    work_need(chdir(*root() ? root() : "/") == 0, "chdir"); /* the output names its source */
    while (n--)
        sum = work_mix(sum, output_of("/usr/lib/gcc/i686-linux-gnu/12/cc1", args));
    return sum;
}

/* A shell that runs a program n times: processes that live short. */
uint32_t work_shell(unsigned n)
{
    char busybox[256], script[512], *const argv[] = {busybox, "sh", "-c", script, NULL};
    snprintf(busybox, sizeof busybox, "%s/bin/busybox", root());
    snprintf(script, sizeof script, "i=0; while [ $i -lt %u ]; do %s true; i=$((i + 1)); done; echo $i", n, busybox);
    return output(argv);
}

const Workload work_programs[] = {
    {"gzip", gzip, 4000},
    {"xz", xz, 1000},
    {"openssl-sha512", sha512, 20000},
    {"openssl-aes", aes, 12000},
    {"python", python, 150},
    {"compiler", compiler, 2},
    {0},
};

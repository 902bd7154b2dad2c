/*
 * kill -9 while a guest writes: what it had flushed is on the image, what it had not is old or new but never anything
 * else, and no other byte has changed. tests/guests/writer.S tells what the guest does. KILLS=N for more than a few dozen.
 */
#include "config.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECTOR 512
#define SECTORS 4096
#define COUNTED 64 /* as in writer.S */
#define COUNTED_SECTORS 32
#define LOOSE 1024
#define LOOSE_GROUPS 128
#define LOOSE_SECTORS 8

#define FIRST_FLUSH_MS 5000

typedef struct Rig {
    char *dir, *image, *log;
    char *before; /* the image as it was made */
    uint32_t counted; /* the greatest n that was seen on the image */
} Rig;

static char *load(const char *path, gsize *len)
{
    char *data;
    g_autoptr(GError) error = NULL;

    if (!g_file_get_contents(path, &data, len, &error))
        g_error("%s", error->message);
    return data;
}

static void rig_init(Rig *r)
{
    g_autofree char *guest = g_test_build_filename(G_TEST_BUILT, "tests", "guests", "writer.img", NULL);
    g_autofree char *code = NULL;
    gsize len;

    code = load(guest, &len);
    g_assert_cmpuint(len, ==, SECTOR);
    *r = (Rig){.dir = g_dir_make_tmp("x86vm-kill-XXXXXX", NULL)};
    r->image = g_build_filename(r->dir, "disk.img", NULL);
    r->log = g_build_filename(r->dir, "log", NULL);
    r->before = g_malloc0(SECTORS * SECTOR);
    memcpy(r->before, code, SECTOR);
    g_assert_true(g_file_set_contents(r->image, r->before, SECTORS * SECTOR, NULL));
}

static void rig_free(Rig *r)
{
    g_unlink(r->image);
    g_unlink(r->log);
    g_assert_cmpint(g_rmdir(r->dir), ==, 0); /* nothing else was left there */
    g_free(r->dir);
    g_free(r->image);
    g_free(r->log);
    g_free(r->before);
}

/* The last n that the guest said it had flushed; 0: none. */
static uint32_t last_said(const Rig *r)
{
    uint32_t n = 0;
    gsize len = 0;
    g_autofree char *log = NULL;

    if (!g_file_get_contents(r->log, &log, &len, NULL))
        return 0;
    if (len >= sizeof n)
        memcpy(&n, log + len / sizeof n * sizeof n - sizeof n, sizeof n);
    return n;
}

/* Run the guest for so long, from its start or from the first time that it has flushed, then kill it. */
static void run(Rig *r, unsigned ms, bool flushed, bool snapshot)
{
    g_autofree char *vm = g_test_build_filename(G_TEST_BUILT, "src", "x86vm", NULL);
    g_autofree char *serial = g_strconcat("file:", r->log, NULL);
    char *argv[] = {vm, "-hda", r->image, "-m", "2", "-display", "none", "-vga", "none", "-serial", serial,
                    snapshot ? "-snapshot" : NULL, NULL};
    g_autoptr(GError) error = NULL;
    GPid pid;
    int status;

    g_unlink(r->log);
    if (!g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, &pid, &error))
        g_error("%s", error->message);
    for (int i = 0; flushed && i < FIRST_FLUSH_MS && !last_said(r); i++)
        g_usleep(1000);
    g_usleep(ms * 1000);
    kill(pid, SIGKILL);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFSIGNALED(status)); /* it had not ended by itself */
    g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
}

/* What a sector is filled with: one dword throughout. */
static uint32_t filling(const char *image, unsigned sector)
{
    uint32_t words[SECTOR / 4];

    memcpy(words, image + sector * SECTOR, SECTOR);
    for (unsigned i = 1; i < G_N_ELEMENTS(words); i++)
        g_assert_cmphex(words[i], ==, words[0]);
    return words[0];
}

static void check(Rig *r, uint32_t said)
{
    gsize len;
    g_autofree char *image = load(r->image, &len);
    uint32_t least = UINT32_MAX, most = 0;

    g_assert_cmpuint(len, ==, SECTORS * SECTOR);
    for (unsigned s = COUNTED; s < COUNTED + COUNTED_SECTORS; s++) {
        uint32_t n = filling(image, s);
        least = MIN(least, n);
        most = MAX(most, n);
    }
    g_assert_cmpuint(least, >=, said);
    g_assert_cmpuint(least, >=, r->counted ? r->counted - 1 : 0);
    g_assert_cmpuint(most - least, <=, 1);
    r->counted = most;
    for (unsigned g = 0; g < LOOSE_GROUPS; g++) {
        for (unsigned s = 0; s < LOOSE_SECTORS; s++) {
            uint32_t n = filling(image, LOOSE + g * LOOSE_SECTORS + s);
            g_assert_cmpuint(n, <=, most);
            if (n)
                g_assert_cmpuint(n % LOOSE_GROUPS, ==, g);
        }
    }
    /* all else is as it was */
    memcpy(image + COUNTED * SECTOR, r->before + COUNTED * SECTOR, COUNTED_SECTORS * SECTOR);
    memcpy(image + LOOSE * SECTOR, r->before + LOOSE * SECTOR, LOOSE_GROUPS * LOOSE_SECTORS * SECTOR);
    g_assert_true(!memcmp(image, r->before, SECTORS * SECTOR));
}

static void test_kill(void)
{
    const char *more = g_getenv("KILLS");
    unsigned kills = more ? atoi(more) : 36, writing = 0;
    Rig r;

    rig_init(&r);
    for (unsigned i = 0; i < kills; i++) {
        run(&r, g_test_rand_int_range(0, 120), i % 4, false);
        uint32_t said = last_said(&r);
        writing += said > 0;
        check(&r, said);
    }
    g_test_message("%u kills, %u of them after flushes, %u rounds in all", kills, writing, r.counted);
    g_assert_cmpuint(writing, >, 0);
    rig_free(&r);
}

/* With -snapshot the image stays as it is, and nothing else stays. */
static void test_snapshot(void)
{
    Rig r;
    unsigned writing = 0;

    rig_init(&r);
    g_setenv("TMPDIR", r.dir, TRUE);
    for (unsigned i = 0; i < 6; i++) {
        run(&r, g_test_rand_int_range(0, 120), true, true);
        writing += last_said(&r) > 0;
        gsize len;
        g_autofree char *image = load(r.image, &len);
        g_assert_cmpuint(len, ==, SECTORS * SECTOR);
        g_assert_true(!memcmp(image, r.before, len));
    }
    g_assert_cmpuint(writing, >, 0);
    g_unsetenv("TMPDIR");
    rig_free(&r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kill/flushed", test_kill);
    g_test_add_func("/kill/snapshot", test_snapshot);
    return g_test_run();
}

/*
 * Disk images: every way an open can fail and what it says, locks between processes, the snapshot overlay, I/O and
 * its errors, the request queue, geometry.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block/block.h"
#include "block/geometry.h"
#include "block/overlay.h"
#include "block/probe.h"

static char *scratch; /* directory of this run */

static char *image_path(const char *name)
{
    return g_build_filename(scratch, name, NULL);
}

/* An image of size bytes, the given bytes at the start and each sector ending with its number. */
static char *make_image(const char *name, size_t size, const void *head, size_t head_len)
{
    char *path = image_path(name);
    g_autofree uint8_t *bytes = g_malloc0(size + 1);

    for (size_t s = 0; s < size / 512; s++)
        memcpy(bytes + s * 512 + 500, &s, sizeof(s));
    if (head_len)
        memcpy(bytes, head, head_len);
    g_assert_true(g_file_set_contents(path, (char *)bytes, (gssize)size, NULL));
    return path;
}

/* The open must fail with code, in one line that starts with the path and contains hint. */
static void check_refused(const char *path, const BlockOptions *o, BlockErrorCode code, const char *hint)
{
    g_autoptr(GError) error = NULL;
    BlockDev *b = block_open(path, o, &error);

    g_assert_null(b);
    g_assert_error(error, BLOCK_ERROR, (int)code);
    g_assert_true(g_str_has_prefix(error->message, path) || code == BLOCK_ERROR_OVERLAY);
    g_assert_null(strchr(error->message, '\n'));
    if (!strstr(error->message, hint))
        g_error("'%s' does not say '%s'", error->message, hint);
}

static void test_open_missing(void)
{
    g_autofree char *path = image_path("no-such.img");

    check_refused(path, NULL, BLOCK_ERROR_OPEN, "No such file");
    check_refused(path, &(BlockOptions){.snapshot = true}, BLOCK_ERROR_OPEN, "check the name");
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void test_open_kinds(void)
{
    g_autofree char *fifo = image_path("fifo");

    check_refused(scratch, NULL, BLOCK_ERROR_OPEN, "a directory");
    check_refused("/dev/null", NULL, BLOCK_ERROR_OPEN, "a character device");
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    check_refused(fifo, NULL, BLOCK_ERROR_OPEN, "a FIFO"); /* and does not hang */
}

static void test_open_unreadable(void)
{
    g_autofree char *path = make_image("secret.img", 1024, NULL, 0);

    bool root = geteuid() == 0;

    /* Root may read everything: be nobody for a while. */
    if (root) {
        g_chmod(scratch, 0755);
        g_assert_cmpint(chown(path, 65534, 65534), ==, 0);
        g_assert_cmpint(seteuid(65534), ==, 0);
    }
    g_chmod(path, 0);
    check_refused(path, NULL, BLOCK_ERROR_OPEN, "Permission denied");
    g_chmod(path, 0400);
    check_refused(path, NULL, BLOCK_ERROR_OPEN, "-snapshot");
    BlockDev *b = block_open(path, &(BlockOptions){.auto_read_only = true}, NULL);
    g_assert_nonnull(b);
    g_assert_true(block_read_only(b));
    g_assert_cmpint(block_write(b, 0, "x", 1), ==, -EROFS);
    block_close(b);
    b = block_open(path, &(BlockOptions){.snapshot = true}, NULL);
    g_assert_nonnull(b);
    g_assert_false(block_read_only(b));
    block_close(b);
    if (root)
        g_assert_cmpint(seteuid(0), ==, 0);
}

static void test_open_size(void)
{
    g_autofree char *empty = make_image("empty.img", 0, NULL, 0);
    g_autofree char *one = make_image("one.img", 1, NULL, 0);
    g_autofree char *odd = make_image("odd.img", 1025, NULL, 0);
    g_autofree char *good = make_image("good.img", 512, NULL, 0);

    check_refused(empty, NULL, BLOCK_ERROR_SIZE, "empty image");
    check_refused(one, NULL, BLOCK_ERROR_SIZE, ": 1-byte image; a raw disk is a multiple of 512 bytes: truncate -s %512 ");
    check_refused(odd, NULL, BLOCK_ERROR_SIZE, ": 1025-byte image");
    check_refused(odd, &(BlockOptions){.format = "raw"}, BLOCK_ERROR_SIZE, ": 1025-byte image");
    BlockDev *b = block_open(good, NULL, NULL);
    g_assert_nonnull(b);
    g_assert_cmpuint(block_size(b), ==, 512);
    g_assert_cmpstr(block_path(b), ==, good);
    block_close(b);
}

static void test_open_formats(void)
{
    static const struct {
        const char *format, *bytes;
        size_t len, offset;
        const char *hint;
    } cases[] = {
        {"qcow2", "QFI\xfb\0\0\0\3", 8, 0, "qemu-img convert -O raw '"},
        {"vmdk", "KDMV\1\0\0\0", 8, 0, "qemu-img"},
        {"vmdk", "# Disk DescriptorFile\nversion=1\n", 32, 0, "qemu-img"},
        {"vdi", "\x7f\x10\xda\xbe", 4, 64, "qemu-img"},
        {"vhd", "conectix", 8, 0, "qemu-img"},
        {"vhd", "conectix", 8, 3 * 512, "qemu-img"}, /* the footer of a fixed one */
        {"vhdx", "vhdxfile", 8, 0, "qemu-img"},
        {"qed", "QED\0", 4, 0, "qemu-img"},
        {"gzip", "\x1f\x8b\x08\0", 4, 0, "gzip -dc '"},
        {"xz", "\xfd" "7zXZ\0", 6, 0, "xz -dc '"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint8_t head[4 * 512] = {0};
        memcpy(head + cases[i].offset, cases[i].bytes, cases[i].len);
        g_autofree char *path = make_image("other.img", sizeof(head), head, sizeof(head));
        g_autofree char *says = g_strdup_printf(": %s format", cases[i].format);
        check_refused(path, NULL, BLOCK_ERROR_FORMAT, says);
        check_refused(path, NULL, BLOCK_ERROR_FORMAT, cases[i].hint);
        BlockDev *b = block_open(path, &(BlockOptions){.format = "raw"}, NULL);
        g_assert_nonnull(b); /* the user knows better */
        block_close(b);
    }
    g_autofree char *path = make_image("plain.img", 512, NULL, 0);
    check_refused(path, &(BlockOptions){.format = "qcow2"}, BLOCK_ERROR_FORMAT, "qcow2 format");
    check_refused(path, &(BlockOptions){.format = "nonsense"}, BLOCK_ERROR_FORMAT, "unknown format 'nonsense'");

    /* A boot sector that happens to begin like a packed file is a boot sector. */
    uint8_t boot[512] = "BZh";
    boot[510] = 0x55, boot[511] = 0xaa;
    g_assert_cmpstr(probe_format(boot, sizeof(boot), NULL), ==, "raw");
    boot[510] = 0;
    g_assert_cmpstr(probe_format(boot, sizeof(boot), NULL), ==, "bzip2");
    g_assert_cmpstr(probe_format((const uint8_t *)"QFI", 3, NULL), ==, "raw");
}

static void test_lock_same_process(void)
{
    g_autofree char *path = make_image("lock.img", 1024, NULL, 0);
    const BlockOptions ro = {.read_only = true}, snap = {.snapshot = true};
    BlockDev *w = block_open(path, NULL, NULL);

    g_assert_nonnull(w);
    check_refused(path, NULL, BLOCK_ERROR_LOCKED, "in use by another virtual machine");
    check_refused(path, &ro, BLOCK_ERROR_LOCKED, "that writes to it");
    check_refused(path, &snap, BLOCK_ERROR_LOCKED, "that writes to it");
    block_close(w);

    BlockDev *r1 = block_open(path, &ro, NULL), *r2 = block_open(path, &snap, NULL);
    g_assert_nonnull(r1);
    g_assert_nonnull(r2);
    check_refused(path, NULL, BLOCK_ERROR_LOCKED, "shut that one down");
    block_close(r1);
    check_refused(path, NULL, BLOCK_ERROR_LOCKED, "shut that one down");
    block_close(r2);
    w = block_open(path, NULL, NULL);
    g_assert_nonnull(w);
    block_close(w);
}

static void test_lock_killed(void)
{
    g_autofree char *path = make_image("killed.img", 1024, NULL, 0);
    int ready[2];
    char c;

    g_assert_cmpint(pipe(ready), ==, 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (block_open(path, NULL, NULL) && write(ready[1], "y", 1) == 1)
            pause();
        _exit(1);
    }
    g_assert_cmpint(read(ready[0], &c, 1), ==, 1);
    check_refused(path, NULL, BLOCK_ERROR_LOCKED, "in use");
    kill(pid, SIGKILL);
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    BlockDev *b = block_open(path, NULL, NULL);
    g_assert_nonnull(b);
    block_close(b);
    close(ready[0]);
    close(ready[1]);
}

static void test_read_write(void)
{
    g_autofree char *path = make_image("rw.img", 8192, NULL, 0);
    BlockDev *b = block_open(path, NULL, NULL);
    uint8_t buf[4096], want[4096];
    g_autofree char *disk = NULL;
    size_t len;

    g_assert_cmpint(block_read(b, 512, buf, 512), ==, 0);
    g_assert_cmpuint(buf[500], ==, 1);
    memset(want, 0xa5, sizeof(want));
    g_assert_cmpint(block_write(b, 1000, want, 3000), ==, 0);
    g_assert_cmpint(block_flush(b), ==, 0);
    g_assert_cmpint(block_read(b, 1000, buf, 3000), ==, 0);
    g_assert_cmpmem(buf, 3000, want, 3000);
    /* Written means in the file, without a close. */
    g_assert_true(g_file_get_contents(path, &disk, &len, NULL));
    g_assert_cmpuint(len, ==, 8192);
    g_assert_cmpmem(disk + 1000, 3000, want, 3000);

    g_assert_cmpint(block_read(b, 8192, buf, 1), ==, -EINVAL);
    g_assert_cmpint(block_write(b, 8191, buf, 2), ==, -EINVAL);
    g_assert_cmpint(block_read(b, UINT64_MAX - 100, buf, 512), ==, -EINVAL);
    g_assert_cmpint(block_discard(b, 8000, 193), ==, -EINVAL);
    g_assert_cmpint(block_discard(b, 0, 4096), ==, 0);
    g_assert_cmpint(block_read(b, 4096 + 500, buf, 1), ==, 0);
    g_assert_cmpuint(buf[0], ==, 8);

    /* Somebody cuts the file off: an error, not zeros. */
    g_assert_cmpint(truncate(path, 4096), ==, 0);
    g_assert_cmpint(block_read(b, 3584, buf, 512), ==, 0);
    g_assert_cmpint(block_read(b, 3584, buf, 1024), ==, -EIO);
    block_close(b);
}

static void test_write_error(void)
{
    g_autofree char *path = make_image("full.img", 512, NULL, 0);
    struct rlimit old, small = {4096, 0};
    uint8_t buf[512] = {1};

    g_assert_cmpint(truncate(path, 64 << 10), ==, 0);
    BlockDev *b = block_open(path, NULL, NULL);
    g_assert_nonnull(b);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    int inside = block_write(b, 0, buf, sizeof(buf)), outside = block_write(b, 8192, buf, sizeof(buf));
    setrlimit(RLIMIT_FSIZE, &old);
    g_assert_cmpint(inside, ==, 0);
    g_assert_cmpint(outside, ==, -EFBIG);
    block_close(b);
}

static void test_read_only(void)
{
    g_autofree char *path = make_image("ro.img", 1024, NULL, 0);
    BlockDev *b = block_open(path, &(BlockOptions){.read_only = true, .snapshot = true}, NULL);

    g_assert_true(block_read_only(b));
    g_assert_cmpint(block_write(b, 0, "x", 1), ==, -EROFS);
    g_assert_cmpint(block_discard(b, 0, 512), ==, -EROFS);
    g_assert_cmpint(block_flush(b), ==, 0);
    block_close(b);
}

static void test_snapshot(void)
{
    enum { SIZE = 1 << 20 | 512 }; /* the last cluster is a part of one */
    g_autofree char *path = make_image("snap.img", SIZE, NULL, 0);
    g_autofree char *before = NULL, *after = NULL;
    g_autofree uint8_t *model = g_malloc(SIZE), *buf = g_malloc(SIZE);
    struct stat st0, st1;
    GRand *rand = g_rand_new_with_seed(42);
    size_t len;

    g_assert_true(g_file_get_contents(path, &before, &len, NULL));
    memcpy(model, before, SIZE);
    stat(path, &st0);
    BlockDev *b = block_open(path, &(BlockOptions){.snapshot = true}, NULL);
    for (int i = 0; i < 500; i++) {
        uint64_t at = (uint64_t)g_rand_int_range(rand, 0, SIZE);
        size_t n = (size_t)g_rand_int_range(rand, 1, i % 10 ? 3000 : 60000);
        n = MIN(n, SIZE - at);
        if (i % 2) {
            memset(buf, i, n);
            memcpy(model + at, buf, n);
            g_assert_cmpint(block_write(b, at, buf, n), ==, 0);
        } else {
            g_assert_cmpint(block_read(b, at, buf, n), ==, 0);
            g_assert_cmpmem(buf, n, model + at, n);
        }
    }
    g_assert_cmpint(block_flush(b), ==, 0);
    g_assert_cmpint(block_read(b, 0, buf, SIZE), ==, 0);
    g_assert_cmpmem(buf, SIZE, model, SIZE);
    block_close(b);
    g_rand_free(rand);

    g_assert_true(g_file_get_contents(path, &after, &len, NULL));
    g_assert_cmpmem(after, len, before, SIZE);
    stat(path, &st1);
    g_assert_cmpint(st0.st_mtim.tv_nsec, ==, st1.st_mtim.tv_nsec);
}

static void test_snapshot_full(void)
{
    g_autofree char *path = make_image("snapfull.img", 64 << 10, NULL, 0);
    struct rlimit old, small;
    uint8_t buf[4096] = {7}, back[4096];
    BlockDev *b = block_open(path, &(BlockOptions){.snapshot = true}, NULL);

    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){16 << 10, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    int r0 = block_write(b, 0, buf, sizeof(buf)), r1 = block_write(b, 32 << 10, buf, 700);
    setrlimit(RLIMIT_FSIZE, &old);
    g_assert_cmpint(r0, ==, 0);
    g_assert_cmpint(r1, ==, -EFBIG);
    /* What failed is not half there. */
    g_assert_cmpint(block_read(b, 32 << 10, back, 512), ==, 0);
    g_assert_cmpuint(back[0], ==, 0);
    g_assert_cmpuint(back[500], ==, 64);
    block_close(b);
}

static void test_snapshot_tmpdir(void)
{
    g_autofree char *path = make_image("snapdir.img", 4096, NULL, 0);
    g_autofree char *old = g_strdup(g_getenv("TMPDIR"));

    g_setenv("TMPDIR", "/no/such/directory", TRUE);
    check_refused(path, &(BlockOptions){.snapshot = true}, BLOCK_ERROR_OVERLAY, "set TMPDIR");
    g_setenv("TMPDIR", scratch, TRUE);
    GDir *dir = g_dir_open(scratch, 0, NULL);
    unsigned before = 0, during = 0;
    while (g_dir_read_name(dir))
        before++;
    BlockDev *b = block_open(path, &(BlockOptions){.snapshot = true}, NULL);
    g_assert_nonnull(b);
    g_dir_rewind(dir);
    while (g_dir_read_name(dir))
        during++;
    g_assert_cmpuint(before, ==, during); /* anonymous: nothing is left behind by kill -9 */
    g_dir_close(dir);
    block_close(b);
    if (old)
        g_setenv("TMPDIR", old, TRUE);
    else
        g_unsetenv("TMPDIR");
}

/* The map of a huge disk stays small. */
static void test_snapshot_huge(void)
{
    g_autofree char *path = make_image("huge.img", 512, NULL, 0);
    uint8_t buf[512], back[512];
    const uint64_t size = 2ull << 40;

    if (truncate(path, (off_t)size) < 0) {
        g_test_skip("no sparse files of 2 TiB here");
        return;
    }
    g_autoptr(GError) error = NULL;
    BlockDev *b = block_open(path, &(BlockOptions){.snapshot = true}, &error);
    g_assert_no_error(error);
    memset(buf, 0x5a, sizeof(buf));
    g_assert_cmpint(block_write(b, size - 512, buf, 512), ==, 0);
    g_assert_cmpint(block_read(b, size - 512, back, 512), ==, 0);
    g_assert_cmpmem(back, 512, buf, 512);
    g_assert_cmpint(block_read(b, size - 1024, back, 512), ==, 0);
    g_assert_cmpuint(back[0], ==, 0);
    block_close(b);
    g_unlink(path);
}

/* ---- Requests ---- */

typedef struct Log {
    GString *order;
    int error;
    uint8_t first; /* of the last buffer */
    GMutex *lock;
    bool locked;
} Log;

static void log_done(void *opaque, BlockReq *req)
{
    Log *log = opaque;

    g_string_append_c(log->order, "RWFD"[req->op]);
    log->error = req->error;
    log->first = req->buf ? req->buf[0] : 0;
    if (log->lock) {
        log->locked = !g_mutex_trylock(log->lock);
        g_assert_true(log->locked);
    }
    block_req_free(req);
}

static void test_queue_sync(void)
{
    g_autofree char *path = make_image("sync.img", 4096, "Z", 1);
    BlockDev *b = block_open(path, NULL, NULL);
    Log log = {.order = g_string_new("")};

    block_submit(b, block_req_new(BLOCK_READ, 0, 512), log_done, &log);
    g_assert_cmpstr(log.order->str, ==, "R"); /* before block_submit() returned */
    g_assert_cmpuint(log.first, ==, 'Z');
    block_submit(b, block_req_new(BLOCK_READ, 4096, 512), log_done, &log);
    g_assert_cmpint(log.error, ==, -EINVAL);
    block_submit(b, block_req_new(BLOCK_FLUSH, 0, 0), log_done, &log);
    g_assert_cmpint(log.error, ==, 0);
    block_submit(b, block_req_new(BLOCK_DISCARD, 512, 512), log_done, &log);
    g_assert_cmpstr(log.order->str, ==, "RRFD");
    g_string_free(log.order, TRUE);
    block_close(b);
}

/* Until n requests are done: some by the worker, those for which it found the lock taken by the context. */
static void await_done(Log *log, GMainContext *context, size_t n)
{
    size_t done = 0;

    for (int i = 0; i < 10000 && done < n; i++) {
        if (!context || !g_main_context_iteration(context, FALSE))
            g_usleep(1000);
        g_mutex_lock(log->lock);
        done = log->order->len;
        g_mutex_unlock(log->lock);
    }
    g_assert_cmpuint(done, ==, n);
}

static void test_queue_async(void)
{
    g_autofree char *path = make_image("async.img", 1 << 20, NULL, 0);
    GMainContext *context = g_main_context_new();
    GMutex lock;
    BlockDev *b = block_open(path, NULL, NULL);
    Log log = {.order = g_string_new(""), .lock = &lock};

    g_mutex_init(&lock);
    block_set_async(b, context, &lock);
    g_mutex_lock(&lock);
    for (int i = 1; i <= 50; i++) {
        BlockReq *w = block_req_new(BLOCK_WRITE, 0, 4096);
        memset(w->buf, i, 4096);
        block_submit(b, w, log_done, &log);
        block_submit(b, block_req_new(BLOCK_READ, 0, 512), log_done, &log);
    }
    block_submit(b, block_req_new(BLOCK_FLUSH, 0, 0), log_done, &log);
    g_assert_cmpuint(log.order->len, ==, 0); /* the lock is ours: nothing can have been delivered */
    g_mutex_unlock(&lock);
    await_done(&log, context, 101);
    g_assert_true(log.locked);
    for (int i = 0; i < 50; i++) {
        g_assert_cmpint(log.order->str[2 * i], ==, 'W');
        g_assert_cmpint(log.order->str[2 * i + 1], ==, 'R');
    }
    /* Reads saw the writes before them. */
    uint8_t byte;
    g_assert_cmpint(block_read(b, 4095, &byte, 1), ==, 0);
    g_assert_cmpuint(byte, ==, 50);

    /* A cancelled write happens, its completion doesn't. */
    g_string_truncate(log.order, 0);
    g_mutex_lock(&lock);
    BlockReq *w = block_req_new(BLOCK_WRITE, 8192, 512);
    memset(w->buf, 0x77, 512);
    block_submit(b, w, log_done, &log);
    block_cancel(w);
    block_submit(b, block_req_new(BLOCK_READ, 8192, 512), log_done, &log);
    block_drain(b);
    g_mutex_unlock(&lock);
    g_assert_cmpstr(log.order->str, ==, "R");
    g_assert_cmpuint(log.first, ==, 0x77);

    /* Closing with work queued finishes the work. */
    g_mutex_lock(&lock);
    for (int i = 0; i < 20; i++) {
        w = block_req_new(BLOCK_WRITE, (uint64_t)(16 + i) * 512, 512);
        memset(w->buf, 0x42, 512);
        block_submit(b, w, log_done, &log);
    }
    block_close(b);
    g_mutex_unlock(&lock);
    g_assert_cmpstr(log.order->str, ==, "R");
    g_autofree char *disk = NULL;
    size_t len;
    g_assert_true(g_file_get_contents(path, &disk, &len, NULL));
    g_assert_cmpint(disk[35 * 512 + 511], ==, 0x42);
    g_string_free(log.order, TRUE);
    g_mutex_clear(&lock);
    g_main_context_unref(context);
}

/* With the machine lock free a write is done without the main loop's help. */
static void test_queue_direct(void)
{
    g_autofree char *path = make_image("direct.img", 1 << 20, NULL, 0);
    GMainContext *context = g_main_context_new();
    GMutex lock;
    BlockDev *b = block_open(path, &(BlockOptions){.snapshot = true}, NULL);
    Log log = {.order = g_string_new(""), .lock = &lock};
    unsigned direct = 0;

    g_mutex_init(&lock);
    block_set_async(b, context, &lock);
    for (unsigned i = 1; i <= 100; i++) {
        g_mutex_lock(&lock);
        BlockReq *w = block_req_new(BLOCK_WRITE, 0, 65536);
        memset(w->buf, i, 65536);
        block_submit(b, w, log_done, &log);
        g_mutex_unlock(&lock);
        if (g_main_context_pending(context)) { /* it was quicker than we with the lock */
            await_done(&log, context, i);
            continue;
        }
        g_usleep(2000);
        direct += !g_main_context_pending(context);
        await_done(&log, context, i);
    }
    g_assert_cmpuint(direct, >, 0);
    block_close(b);
    g_string_free(log.order, TRUE);
    g_mutex_clear(&lock);
    g_main_context_unref(context);
}

/* ---- Geometry ---- */

static void check_geometry(uint64_t sectors, int end_head, int end_sector, const BlockGeometry *want)
{
    uint8_t mbr[512] = {0};
    BlockGeometry g;

    if (end_head >= 0) {
        mbr[510] = 0x55, mbr[511] = 0xaa;
        mbr[0x1be + 5] = (uint8_t)end_head;
        mbr[0x1be + 6] = (uint8_t)end_sector;
        mbr[0x1be + 12] = 100;
    }
    g_autofree char *path = make_image("geometry.img", 512, mbr, 512);
    g_assert_cmpint(truncate(path, (off_t)(sectors * 512)), ==, 0);
    BlockDev *b = block_open(path, NULL, NULL);
    block_guess_geometry(b, &g);
    g_assert_cmpuint(g.cylinders, ==, want->cylinders);
    g_assert_cmpuint(g.heads, ==, want->heads);
    g_assert_cmpuint(g.sectors, ==, want->sectors);
    g_assert_cmpint((int)g.translation, ==, (int)want->translation);
    g_assert_cmpuint(g.bios_cylinders, ==, want->bios_cylinders);
    g_assert_cmpuint(g.bios_heads, ==, want->bios_heads);
    g_assert_cmpuint(g.bios_sectors, ==, want->bios_sectors);
    block_close(b);
}

static void test_geometry(void)
{
    /* No table: 16 heads, 63 sectors; translated above 1024 cylinders. */
    check_geometry(1, -1, 0, &(BlockGeometry){2, 16, 63, BLOCK_TRANSLATION_NONE, 2, 16, 63});
    check_geometry(1024 * 1008, -1, 0, &(BlockGeometry){1024, 16, 63, BLOCK_TRANSLATION_NONE, 1024, 16, 63});
    check_geometry(4194304, -1, 0, &(BlockGeometry){4161, 16, 63, BLOCK_TRANSLATION_LBA, 520, 128, 63});
    check_geometry(33554432, -1, 0, &(BlockGeometry){16383, 16, 63, BLOCK_TRANSLATION_LBA, 1024, 255, 63});
    /* A table made under translation (255 heads), on a small and on a large disk. */
    check_geometry(4194304, 254, 63, &(BlockGeometry){4161, 16, 63, BLOCK_TRANSLATION_LARGE, 520, 128, 63});
    check_geometry(33554432, 254, 63, &(BlockGeometry){16383, 16, 63, BLOCK_TRANSLATION_LBA, 1024, 255, 63});
    /* A table made with the drive's own geometry. */
    check_geometry(615 * 4 * 17, 3, 17, &(BlockGeometry){615, 4, 17, BLOCK_TRANSLATION_NONE, 615, 4, 17});
    /* Nonsense in the table doesn't count. */
    check_geometry(1008 * 100, 3, 0, &(BlockGeometry){100, 16, 63, BLOCK_TRANSLATION_NONE, 100, 16, 63});
}

static void remove_scratch(void)
{
    GDir *dir = g_dir_open(scratch, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = image_path(name);
        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(scratch);
    g_free(scratch);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    scratch = g_dir_make_tmp("x86vm-test-block-XXXXXX", NULL);
    g_test_add_func("/block/open/missing", test_open_missing);
    g_test_add_func("/block/open/kinds", test_open_kinds);
    g_test_add_func("/block/open/unreadable", test_open_unreadable);
    g_test_add_func("/block/open/size", test_open_size);
    g_test_add_func("/block/open/formats", test_open_formats);
    g_test_add_func("/block/lock/same-process", test_lock_same_process);
    g_test_add_func("/block/lock/killed", test_lock_killed);
    g_test_add_func("/block/read-write", test_read_write);
    g_test_add_func("/block/write-error", test_write_error);
    g_test_add_func("/block/read-only", test_read_only);
    g_test_add_func("/block/snapshot/model", test_snapshot);
    g_test_add_func("/block/snapshot/full", test_snapshot_full);
    g_test_add_func("/block/snapshot/tmpdir", test_snapshot_tmpdir);
    g_test_add_func("/block/snapshot/huge", test_snapshot_huge);
    g_test_add_func("/block/queue/sync", test_queue_sync);
    g_test_add_func("/block/queue/async", test_queue_async);
    g_test_add_func("/block/queue/direct", test_queue_direct);
    g_test_add_func("/block/geometry", test_geometry);
    int r = g_test_run();
    remove_scratch();
    return r;
}

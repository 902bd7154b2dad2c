/*
 * BlockDev: opening an image with errors that help, and its I/O.
 */
#define _GNU_SOURCE
#include "block/block.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "block/lock.h"
#include "block/overlay.h"
#include "block/probe.h"
#include "block/queue.h"
#include "block/rw.h"

struct BlockDev {
    char *path;
    int fd;
    uint64_t size;
    bool read_only;
    bool no_nowait;  /* the file system can't tell what is cached */
    Overlay *overlay;
    GMutex io;       /* serialises the overlay's users */
    BlockQueue *queue; /* NULL: synchronous mode */
};

G_DEFINE_QUARK(x86vm-block-error, block_error)

/* ---- Opening ---- */

static void set_open_error(GError **error, const char *path, int e, bool writing)
{
    const char *hint = "";

    if (e == ENOENT)
        hint = "; check the name, or make an empty disk: truncate -s 4G FILE";
    else if ((e == EACCES || e == EPERM || e == EROFS) && writing)
        hint = "; it must be readable and writable, or use -snapshot or readonly=on";
    else if (e == EACCES || e == EPERM)
        hint = "; it must be readable";
    else if (e == ENOMEDIUM)
        hint = "; insert one";
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "%s: %s%s", path, g_strerror(e), hint);
}

/* Look before opening: opening a FIFO or a tape has side effects. */
static bool check_kind(const char *path, GError **error)
{
    struct stat st;

    if (stat(path, &st) < 0) {
        set_open_error(error, path, errno, false);
        return false;
    }
    if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
        return true;
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "%s: %s; an image is a file or a block device", path,
                S_ISDIR(st.st_mode)    ? "a directory"
                : S_ISCHR(st.st_mode)  ? "a character device"
                : S_ISFIFO(st.st_mode) ? "a FIFO"
                                       : "a socket");
    return false;
}

static bool open_file(BlockDev *b, const BlockOptions *o, GError **error)
{
    bool writing = !o->read_only && !o->snapshot;

    b->fd = open(b->path, (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY);
    if (b->fd < 0 && writing && o->auto_read_only && (errno == EACCES || errno == EPERM || errno == EROFS)) {
        writing = false;
        b->fd = open(b->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    }
    if (b->fd < 0) {
        set_open_error(error, b->path, errno, writing);
        return false;
    }
    b->read_only = !writing && !o->snapshot;
    return true;
}

static bool lock_file(BlockDev *b, bool writing, GError **error)
{
    int r = image_lock(b->fd, writing ? IMAGE_LOCK_WRITE : IMAGE_LOCK_READ);

    if (r == 0)
        return true;
    if (r == -ENOTSUP) {
        g_printerr("x86vm: %s: this file system has no locks; see to it that no other program uses the image\n",
                   b->path);
        return true;
    }
    if (r == -EAGAIN)
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_LOCKED,
                    "%s: in use by another virtual machine%s; shut that one down, or give this one a copy", b->path,
                    writing ? "" : " that writes to it");
    else
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_LOCKED, "%s: can't lock: %s", b->path, g_strerror(-r));
    return false;
}

static bool read_size(BlockDev *b, GError **error)
{
    off_t end = lseek(b->fd, 0, SEEK_END);

    if (end < 0) {
        set_open_error(error, b->path, errno, false);
        return false;
    }
    if (end == 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_SIZE,
                    "%s: empty image; a raw disk is a multiple of 512 bytes: truncate -s 4G FILE makes one", b->path);
        return false;
    }
    b->size = (uint64_t)end;
    return true;
}

/* Errors for other formats come before those of size: a qcow2 file may have any. */
static bool check_format(BlockDev *b, const char *format, GError **error)
{
    uint8_t head[4096], tail[BLOCK_SECTOR];
    size_t n = MIN(b->size, sizeof(head));
    bool has_tail = b->size >= sizeof(tail);
    int r;

    if (format && !strcmp(format, "raw"))
        return true;
    if (!format) {
        r = rw_read(b->fd, 0, head, n, 0);
        if (r == 0 && has_tail)
            r = rw_read(b->fd, b->size - sizeof(tail), tail, sizeof(tail), 0);
        if (r < 0) {
            set_open_error(error, b->path, -r, false);
            return false;
        }
        format = probe_format(head, n, has_tail ? tail : NULL);
        if (!strcmp(format, "raw"))
            return true;
    }
    g_autofree char *how = probe_conversion(format, b->path);
    if (how)
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT,
                    "%s: %s format, only raw images are supported; convert it: %s", b->path, format, how);
    else
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT, "%s: unknown format '%s'; use format=raw", b->path, format);
    return false;
}

static bool check_size(BlockDev *b, GError **error)
{
    if (b->size % BLOCK_SECTOR == 0)
        return true;
    g_autofree char *quoted = g_shell_quote(b->path);
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_SIZE,
                "%s: %" G_GUINT64_FORMAT "-byte image; a raw disk is a multiple of 512 bytes: truncate -s %%512 %s fills it up",
                b->path, b->size, quoted);
    return false;
}

BlockDev *block_open(const char *path, const BlockOptions *options, GError **error)
{
    const BlockOptions none = {0}, *o = options ? options : &none;
    BlockDev *b = g_new0(BlockDev, 1);

    b->path = g_strdup(path);
    b->fd = -1;
    g_mutex_init(&b->io);
    if (!check_kind(path, error) || !open_file(b, o, error) ||
        !lock_file(b, !b->read_only && !o->snapshot, error) || !read_size(b, error) ||
        !check_format(b, o->format, error) || !check_size(b, error))
        goto fail;
    if (o->snapshot && !o->read_only) {
        b->overlay = overlay_new(b->fd, b->size, error);
        if (!b->overlay)
            goto fail;
    }
    b->read_only |= o->read_only;
    return b;
fail:
    block_close(b);
    return NULL;
}

BlockDev *block_open_memory(const char *name, const void *data, size_t len, GError **error)
{
    g_assert(len % BLOCK_SECTOR == 0);
    BlockDev *b = g_new0(BlockDev, 1);
    b->path = g_strdup(name);
    g_mutex_init(&b->io);
    b->size = len;
    b->fd = memfd_create(name, MFD_CLOEXEC);
    int r = b->fd < 0 ? -errno : rw_write(b->fd, 0, data, len);
    if (r == 0)
        return b;
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "%s: no memory for it: %s", name, g_strerror(-r));
    block_close(b);
    return NULL;
}

void block_close(BlockDev *b)
{
    if (!b)
        return;
    queue_free(b->queue);
    overlay_free(b->overlay);
    if (b->fd >= 0)
        close(b->fd);
    g_mutex_clear(&b->io);
    g_free(b->path);
    g_free(b);
}

uint64_t block_size(const BlockDev *b)
{
    return b->size;
}

bool block_read_only(const BlockDev *b)
{
    return b->read_only;
}

const char *block_path(const BlockDev *b)
{
    return b->path;
}

/* ---- Synchronous I/O ---- */

static bool range_ok(const BlockDev *b, uint64_t offset, uint64_t len)
{
    return offset <= b->size && len <= b->size - offset;
}

int block_read(BlockDev *b, uint64_t offset, void *buf, size_t len)
{
    if (!range_ok(b, offset, len))
        return -EINVAL;
    if (!b->overlay)
        return rw_read(b->fd, offset, buf, len, 0);
    g_mutex_lock(&b->io);
    int r = overlay_read(b->overlay, offset, buf, len, 0);
    g_mutex_unlock(&b->io);
    return r;
}

int block_write(BlockDev *b, uint64_t offset, const void *buf, size_t len)
{
    if (b->read_only)
        return -EROFS;
    if (!range_ok(b, offset, len))
        return -EINVAL;
    if (!b->overlay)
        return rw_write(b->fd, offset, buf, len);
    g_mutex_lock(&b->io);
    int r = overlay_write(b->overlay, offset, buf, len);
    g_mutex_unlock(&b->io);
    return r;
}

int block_flush(BlockDev *b)
{
    /* The overlay dies with us: there is nothing that could survive. */
    if (b->read_only || b->overlay)
        return 0;
    return fdatasync(b->fd) < 0 ? -errno : 0;
}

int block_discard(BlockDev *b, uint64_t offset, uint64_t len)
{
    if (b->read_only)
        return -EROFS;
    if (!range_ok(b, offset, len))
        return -EINVAL;
    if (!b->overlay && len)
        (void)!fallocate(b->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len);
    return 0;
}

/* ---- Requests ---- */

BlockReq *block_req_new(BlockOp op, uint64_t offset, uint64_t len)
{
    BlockReq *req = g_new0(BlockReq, 1);

    req->op = op;
    req->offset = offset;
    req->len = len;
    if (op == BLOCK_READ || op == BLOCK_WRITE)
        req->buf = g_malloc(len);
    req->link.data = req;
    return req;
}

void block_req_free(BlockReq *req)
{
    if (!req)
        return;
    g_free(req->buf);
    g_free(req);
}

static int req_run(BlockReq *req)
{
    switch (req->op) {
    case BLOCK_READ:
        return block_read(req->dev, req->offset, req->buf, req->len);
    case BLOCK_WRITE:
        return block_write(req->dev, req->offset, req->buf, req->len);
    case BLOCK_FLUSH:
        return block_flush(req->dev);
    case BLOCK_DISCARD:
        return block_discard(req->dev, req->offset, req->len);
    }
    g_assert_not_reached();
}

/* Try to complete without blocking; -EAGAIN when that can't be done. */
static int req_run_now(BlockReq *req)
{
    BlockDev *b = req->dev;
    int r;

    if (req->op != BLOCK_READ || b->no_nowait || !queue_idle(b->queue))
        return -EAGAIN;
    if (!range_ok(b, req->offset, req->len))
        return -EINVAL;
    if (b->overlay) {
        if (!g_mutex_trylock(&b->io))
            return -EAGAIN;
        r = overlay_read(b->overlay, req->offset, req->buf, req->len, RWF_NOWAIT);
        g_mutex_unlock(&b->io);
    } else {
        r = rw_read(b->fd, req->offset, req->buf, req->len, RWF_NOWAIT);
    }
    if (r == -EOPNOTSUPP || r == -ENOSYS || r == -EINVAL) {
        b->no_nowait = true;
        return -EAGAIN;
    }
    return r;
}

void block_submit(BlockDev *b, BlockReq *req, BlockDoneFn *done, void *opaque)
{
    req->dev = b;
    req->done = done;
    req->opaque = opaque;
    req->error = b->queue ? req_run_now(req) : req_run(req);
    if (b->queue && req->error == -EAGAIN)
        queue_push(b->queue, req);
    else
        done(opaque, req);
}

void block_cancel(BlockReq *req)
{
    /* The worker never looks at this flag; delivery does, under the machine lock as we are. */
    req->cancelled = true;
}

void block_set_async(BlockDev *b, GMainContext *context, GMutex *lock)
{
    g_assert(!b->queue);
    b->queue = queue_new(req_run, context, lock);
}

void block_drain(BlockDev *b)
{
    if (b->queue)
        queue_drain(b->queue);
}

/*
 * The -snapshot overlay. See overlay.h.
 */
#define _GNU_SOURCE
#include "block/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block/block.h"
#include "block/rw.h"

#define CLUSTER_MIN 4096u
#define MAP_MAX_BITS (32u << 20)

struct Overlay {
    int base_fd, fd;
    uint64_t size;
    uint64_t cluster; /* bytes, a power of two */
    uint8_t *map;     /* a bit per cluster: 1 here, 0 in the base */
    uint8_t *bounce;  /* a cluster */
    char *dir;
    bool full_told;
};

/* QEMU prefers /var/tmp when $TMPDIR is unset: /tmp may be a small tmpfs. */
static const char *overlay_dir(void)
{
    const char *dir = g_getenv("TMPDIR");

    if (dir && *dir)
        return dir;
    return access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp";
}

static int overlay_open(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return fd;
    /* File systems without O_TMPFILE. */
    g_autofree char *name = g_build_filename(dir, "x86vm-snapshot-XXXXXX", NULL);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

Overlay *overlay_new(int base_fd, uint64_t size, GError **error)
{
    const char *dir = overlay_dir();
    int fd = overlay_open(dir);

    if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OVERLAY,
                    "%s: no temporary file of %" G_GUINT64_FORMAT " bytes for the snapshot: %s; "
                    "set TMPDIR to a directory that you can write to", dir, size, g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    Overlay *o = g_new0(Overlay, 1);
    o->base_fd = base_fd;
    o->fd = fd;
    o->size = size;
    o->dir = g_strdup(dir);
    for (o->cluster = CLUSTER_MIN; size / o->cluster >= MAP_MAX_BITS; o->cluster *= 2)
        ;
    o->map = g_malloc0(size / o->cluster / 8 + 1);
    o->bounce = g_malloc(o->cluster);
    return o;
}

void overlay_free(Overlay *o)
{
    if (!o)
        return;
    close(o->fd);
    g_free(o->map);
    g_free(o->bounce);
    g_free(o->dir);
    g_free(o);
}

static bool overlay_has(const Overlay *o, uint64_t c)
{
    return o->map[c / 8] >> c % 8 & 1;
}

/* The first offset after `offset`, at most end, whose cluster is not on the same side. */
static uint64_t overlay_run(const Overlay *o, uint64_t offset, uint64_t end)
{
    uint64_t c = offset / o->cluster;
    bool here = overlay_has(o, c);

    do
        c++;
    while (c * o->cluster < end && overlay_has(o, c) == here);
    return MIN(end, c * o->cluster);
}

int overlay_read(Overlay *o, uint64_t offset, uint8_t *buf, size_t len, int rwf)
{
    uint64_t end = offset + len;

    while (offset < end) {
        uint64_t next = overlay_run(o, offset, end);
        int fd = overlay_has(o, offset / o->cluster) ? o->fd : o->base_fd;
        int r = rw_read(fd, offset, buf, next - offset, rwf);

        if (r < 0)
            return r;
        buf += next - offset;
        offset = next;
    }
    return 0;
}

/* Bring the cluster here: base contents with the new bytes over them. */
static int overlay_write_part(Overlay *o, uint64_t offset, const uint8_t *buf, size_t len)
{
    uint64_t start = offset & ~(o->cluster - 1);
    size_t n = MIN(o->cluster, o->size - start);
    int r = rw_read(o->base_fd, start, o->bounce, n, 0);

    if (r < 0)
        return r;
    memcpy(o->bounce + (offset - start), buf, len);
    return rw_write(o->fd, start, o->bounce, n);
}

/* Can [offset, end of its cluster or `end`) be written without looking at the base? */
static bool overlay_direct(const Overlay *o, uint64_t offset, uint64_t end, uint64_t *next)
{
    uint64_t c = offset / o->cluster;

    *next = MIN(end, (c + 1) * o->cluster);
    return overlay_has(o, c) || (offset == c * o->cluster && (*next == (c + 1) * o->cluster || *next == o->size));
}

static int overlay_write_some(Overlay *o, uint64_t offset, const uint8_t *buf, size_t len)
{
    uint64_t end = offset + len, next, more;
    int r;

    while (offset < end) {
        if (overlay_direct(o, offset, end, &next)) {
            while (next < end && overlay_direct(o, next, end, &more))
                next = more;
            r = rw_write(o->fd, offset, buf, next - offset);
        } else {
            r = overlay_write_part(o, offset, buf, next - offset);
        }
        if (r < 0)
            return r;
        for (uint64_t c = offset / o->cluster; c * o->cluster < next; c++)
            o->map[c / 8] |= 1 << c % 8;
        buf += next - offset;
        offset = next;
    }
    return 0;
}

int overlay_write(Overlay *o, uint64_t offset, const uint8_t *buf, size_t len)
{
    int r = overlay_write_some(o, offset, buf, len);

    if ((r == -ENOSPC || r == -EDQUOT || r == -EFBIG) && !o->full_told) {
        o->full_told = true; /* the guest retries: say it once */
        g_printerr("x86vm: %s: full: the -snapshot writes don't fit (%s); set TMPDIR to a larger file system\n", o->dir,
                   g_strerror(-r));
    }
    return r;
}

/*
 * A file that takes what a port sends. A full disk or another write error is reported once.
 */
#include "ui/chrfile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ui/chrbatch.h"

struct ChrFile {
    Chardev *chr;
    ChrBatch *out;
    char *path;
    int fd;
    bool failed;
};

static void write_all(void *opaque, const uint8_t *buf, size_t len)
{
    ChrFile *f = opaque;
    while (len && !f->failed) {
        ssize_t n = write(f->fd, buf, len);
        if (n > 0) {
            buf += n;
            len -= n;
        } else if (errno != EINTR) {
            g_printerr("x86vm: %s: %s; what the port sends from here on is lost\n", f->path, g_strerror(errno));
            f->failed = true;
        }
    }
}

static void chrfile_write(void *opaque, const uint8_t *buf, size_t len)
{
    ChrFile *f = opaque;
    chrbatch_add(f->out, buf, len);
}

static const ChardevBackendOps chrfile_ops = {.write = chrfile_write};

ChrFile *chrfile_new(Chardev *chr, const char *path, bool append, GMutex *lock, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC) | O_CLOEXEC, 0666);
    if (fd < 0) {
        g_set_error(error, g_quark_from_static_string("chrfile"), errno, "%s: %s", path, g_strerror(errno));
        return NULL;
    }
    ChrFile *f = g_new0(ChrFile, 1);
    f->chr = chr;
    f->path = g_strdup(path);
    f->fd = fd;
    f->out = chrbatch_new(write_all, f, lock);
    chr->back = &chrfile_ops;
    chr->back_opaque = f;
    return f;
}

void chrfile_free(ChrFile *f)
{
    if (!f)
        return;
    chrbatch_free(f->out);
    f->chr->back = NULL;
    close(f->fd);
    g_free(f->path);
    g_free(f);
}

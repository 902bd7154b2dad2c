/*
 * The code buffer. See codebuf.h.
 */
#include "config.h"
#include "tcache/codebuf.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "softmmu/execfd.h"
#include "softmmu/largepage.h"

CodeBuf *codebuf_new(size_t size, GError **error)
{
    int fd = execfd_new("x86vm-code");
    void *w = MAP_FAILED, *x = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, size) == 0) {
        w = large_map(fd, size, PROT_READ | PROT_WRITE);
        x = large_map(fd, size, PROT_READ | PROT_EXEC);
    }
    if (w == MAP_FAILED || x == MAP_FAILED) {
        int err = errno;
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(err),
                    "no executable memory for translated code (memfd, %zu MiB): %s", size >> 20, g_strerror(err));
        if (w != MAP_FAILED)
            munmap(w, size);
        if (x != MAP_FAILED)
            munmap(x, size);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    CodeBuf *b = g_new0(CodeBuf, 1);
    b->fd = fd;
    b->write = w;
    b->delta = (uint8_t *)x - (uint8_t *)w;
    b->size = size;
    b->code_base = w;
    codebuf_reset(b);
    return b;
}

void codebuf_free(CodeBuf *b)
{
    if (!b)
        return;
    munmap(b->write + b->delta, b->size);
    munmap(b->write, b->size);
    close(b->fd);
    g_free(b);
}

void codebuf_settle(CodeBuf *b)
{
    size_t filled = (b->code - b->write) & ~(LARGE_PAGE - 1);

    for (; b->large < filled; b->large += LARGE_PAGE) {
        if (large_collapse(b->write + b->large))
            large_collapse(b->write + b->delta + b->large);
    }
}

void codebuf_keep(CodeBuf *b)
{
    b->code_base = b->code;
}

void codebuf_reset(CodeBuf *b)
{
    b->code = b->code_base;
    b->data = b->write + b->size;
}

void *codebuf_data(CodeBuf *b, size_t bytes, size_t reserve)
{
    bytes = (bytes + 7) & ~(size_t)7;
    if (codebuf_room(b) < bytes + reserve)
        return NULL;
    b->data -= bytes;
    return memset(b->data, 0, bytes);
}

/*
 * Whole-range pread and pwrite: restarts after signals and short transfers.
 */
#define _GNU_SOURCE
#include "block/rw.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

int rw_read(int fd, uint64_t offset, void *buf, size_t len, int rwf)
{
    uint8_t *p = buf;

    while (len) {
        struct iovec iov = {p, len};
        ssize_t n = preadv2(fd, &iov, 1, (off_t)offset, rwf);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        p += n;
        offset += (size_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int rw_write(int fd, uint64_t offset, const void *buf, size_t len)
{
    const uint8_t *p = buf;

    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        p += n;
        offset += (size_t)n;
        len -= (size_t)n;
    }
    return 0;
}

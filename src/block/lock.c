/*
 * Image locks on single bytes; see lock.h for the protocol.
 */
#define _GNU_SOURCE
#include "block/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

/* Permission numbers of the protocol; bytes 2 (rewrite the same data) and 4 and up don't concern us. */
#define PERM_CONSISTENT_READ 0
#define PERM_WRITE 1
#define PERM_RESIZE 3
#define PERM_COUNT 4
#define PERM_BASE 100
#define UNSHARED_BASE 200

static int lock_error(int error)
{
    if (error == EAGAIN || error == EACCES)
        return -EAGAIN;
    if (error == EINVAL || error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP)
        return -ENOTSUP;
    return -error;
}

static int lock_byte(int fd, off_t at)
{
    struct flock fl = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

    return fcntl(fd, F_OFD_SETLK, &fl) < 0 ? lock_error(errno) : 0;
}

/* 0 when nobody else holds a lock on the byte. */
static int lock_test(int fd, off_t at)
{
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

    if (fcntl(fd, F_OFD_GETLK, &fl) < 0)
        return lock_error(errno);
    return fl.l_type == F_UNLCK ? 0 : -EAGAIN;
}

int image_lock(int fd, ImageLock kind)
{
    unsigned used = 1u << PERM_CONSISTENT_READ | (kind == IMAGE_LOCK_WRITE ? 1u << PERM_WRITE : 0);
    unsigned unshared = 1u << PERM_WRITE | 1u << PERM_RESIZE;
    int r = 0;

    /* Everybody announces before looking: of two who start at once, at least one sees the other. */
    for (int n = 0; n < PERM_COUNT && r == 0; n++) {
        if (used & 1u << n)
            r = lock_byte(fd, PERM_BASE + n);
        if (r == 0 && unshared & 1u << n)
            r = lock_byte(fd, UNSHARED_BASE + n);
    }
    for (int n = 0; n < PERM_COUNT && r == 0; n++) {
        if (used & 1u << n)
            r = lock_test(fd, UNSHARED_BASE + n);
        if (r == 0 && unshared & 1u << n)
            r = lock_test(fd, PERM_BASE + n);
    }
    return r;
}

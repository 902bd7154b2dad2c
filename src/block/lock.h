/*
 * Image locks, as QEMU takes them, so that x86vm and QEMU keep each other off an image too.
 *
 * A user of an image takes shared locks on single bytes: byte 100+n says "I use permission n", byte 200+n says "I
 * can't bear anyone using permission n". Then it looks for locks of others that contradict. All locks are shared
 * ones, so that a read-only descriptor can take them, and they are open-file-description locks: the kernel drops them
 * when the process is gone, however it died.
 */
#pragma once

#include <stdbool.h>

typedef enum ImageLock { IMAGE_LOCK_READ, IMAGE_LOCK_WRITE } ImageLock;

/*
 * Lock the open image fd until it is closed: readers share, a writer is alone. 0, -EAGAIN when another has it in a
 * way that contradicts, -ENOTSUP when the file system has no locks, or another -errno.
 */
int image_lock(int fd, ImageLock kind);

/*
 * Whole-range pread and pwrite.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * 0, or -errno: EIO when the file ends before the range does. rwf is preadv2's flags; with RWF_NOWAIT, -EAGAIN
 * when the page cache hasn't all of it and -EOPNOTSUPP where the file system can't tell.
 */
int rw_read(int fd, uint64_t offset, void *buf, size_t len, int rwf);
int rw_write(int fd, uint64_t offset, const void *buf, size_t len);

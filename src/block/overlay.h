/*
 * The -snapshot overlay: where writes go that must vanish with the process.
 *
 * An unlinked temporary file of the image's size, sparse, with the same offsets, and one bit per cluster that tells
 * whether the cluster lives here. The map takes at most 4 MiB of memory: clusters are 4 KiB up to 128 GiB, larger
 * above.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Overlay Overlay;

/* An overlay for an image of size bytes that is open as base_fd (not owned). In $TMPDIR, or /var/tmp or /tmp. */
Overlay *overlay_new(int base_fd, uint64_t size, GError **error);
void overlay_free(Overlay *o);

/*
 * As pread and pwrite, whole ranges: 0 or -errno. The range lies inside the image. rwf is preadv2's flags:
 * with RWF_NOWAIT a read that would block gives -EAGAIN. The caller serialises all calls.
 */
int overlay_read(Overlay *o, uint64_t offset, uint8_t *buf, size_t len, int rwf);
int overlay_write(Overlay *o, uint64_t offset, const uint8_t *buf, size_t len);

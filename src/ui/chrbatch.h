/*
 * Puts together what a port sends byte by byte: a guest's OUT is one byte, but a write(2) for each would cost more than all the rest.
 *
 * What waits is passed on after a millisecond at the latest, and at once when it has become a page of text; nobody who
 * reads can tell.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct ChrBatch ChrBatch;
typedef void ChrBatchWrite(void *opaque, const uint8_t *buf, size_t len);

/* write() gets the bytes, with the machine lock (lock) held, in the main loop's thread or in that of the caller of add and flush. */
ChrBatch *chrbatch_new(ChrBatchWrite *write, void *opaque, GMutex *lock);
/* Passes on what waits. Main loop's thread. */
void chrbatch_free(ChrBatch *b);

/* Machine lock held. */
void chrbatch_add(ChrBatch *b, const uint8_t *buf, size_t len);
void chrbatch_flush(ChrBatch *b);

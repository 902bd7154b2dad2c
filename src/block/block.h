/*
 * Disk images, as the devices see them: an array of bytes that can be read, written, flushed and discarded.
 *
 * A BlockDev is a raw image (a file or a host block device), alone or under a -snapshot overlay. Nothing is cached in
 * this process: what a completed write stored is in the host's page cache, so that even kill -9 loses nothing that
 * the guest had been told is written, and block_flush() puts it on the host's disk.
 *
 * Requests come in two forms. block_read() and its friends block the caller. A BlockReq is handed to block_submit(),
 * which runs it in the image's worker thread, in the order submitted, and delivers its completion in the main loop
 * with the machine lock held. Reads that the page cache can answer at once complete inside block_submit(): no thread
 * hop.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SECTOR 512u

typedef struct BlockDev BlockDev;

#define BLOCK_ERROR block_error_quark()
GQuark block_error_quark(void);

typedef enum BlockErrorCode {
    BLOCK_ERROR_OPEN,    /* missing, unreadable, a directory... */
    BLOCK_ERROR_FORMAT,  /* a format that is not raw, or not known */
    BLOCK_ERROR_SIZE,    /* empty, or not a multiple of 512 bytes */
    BLOCK_ERROR_LOCKED,  /* another program has it */
    BLOCK_ERROR_OVERLAY, /* no place for the -snapshot overlay */
} BlockErrorCode;

typedef struct BlockOptions {
    const char *format;  /* "raw"; NULL looks at the image */
    bool read_only;      /* never open for writing; writes fail with EROFS */
    bool auto_read_only; /* fall back to read-only when the host denies writing (floppies: the write-protect tab) */
    bool snapshot;       /* writes go to a temporary overlay and vanish with the process */
} BlockOptions;

/*
 * Open and lock an image. options may be NULL: read-write, probed. On failure NULL, and an error whose message is one
 * line that says what is wrong, where, and what to do.
 *
 * Locks are QEMU's (see lock.h): one writer, or any number of readers; a -snapshot user is a reader.
 */
BlockDev *block_open(const char *path, const BlockOptions *options, GError **error);

/*
 * An image in memory with these contents, len a multiple of 512: what is written is there until it is closed. name is for
 * messages. NULL and error when the host has no memory for it.
 */
BlockDev *block_open_memory(const char *name, const void *data, size_t len, GError **error);

/* Finish what is queued, drop undelivered completions, unlock, close. Not a flush. NULL is allowed. */
void block_close(BlockDev *b);

uint64_t block_size(const BlockDev *b);    /* bytes, a multiple of 512 */
bool block_read_only(const BlockDev *b);   /* can the guest not write? (false under a snapshot) */
const char *block_path(const BlockDev *b); /* as given to block_open() */

/*
 * Synchronous I/O at byte offsets; any thread. 0 or -errno: EINVAL for a range that leaves the image, EROFS, EIO for
 * an image that was truncated meanwhile, or whatever the host says.
 */
int block_read(BlockDev *b, uint64_t offset, void *buf, size_t len);
int block_write(BlockDev *b, uint64_t offset, const void *buf, size_t len);
/* All completed writes are on stable storage when this returns 0. */
int block_flush(BlockDev *b);
/* The range's contents no longer matter. A hint: success even where the host can't free the space. */
int block_discard(BlockDev *b, uint64_t offset, uint64_t len);

typedef enum BlockOp { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD } BlockOp;

typedef struct BlockReq BlockReq;
typedef void BlockDoneFn(void *opaque, BlockReq *req);

/*
 * An asynchronous request with a buffer of its own, so that a device may be reset while the host still works on it.
 */
struct BlockReq {
    BlockOp op;
    uint64_t offset;
    uint64_t len;  /* bytes */
    uint8_t *buf;  /* len bytes for READ and WRITE, NULL otherwise */
    int error;     /* 0 or -errno, when done */
    /* private to the queue */
    BlockDev *dev;
    BlockDoneFn *done;
    void *opaque;
    bool cancelled;
    GList link;
};

BlockReq *block_req_new(BlockOp op, uint64_t offset, uint64_t len);
void block_req_free(BlockReq *req);

/*
 * Start a request; it belongs to the queue until done(opaque, req), which takes it back. done may be called before
 * block_submit() returns (always so in the synchronous mode). Machine lock held.
 */
void block_submit(BlockDev *b, BlockReq *req, BlockDoneFn *done, void *opaque);

/*
 * Nobody waits for req any more: done won't be called, and the queue frees it. A write still happens. Machine lock
 * held.
 */
void block_cancel(BlockReq *req);

/*
 * Leave the synchronous mode: completions are delivered in context (NULL: the default one) with lock held (NULL:
 * none). Call once, before the first request.
 */
void block_set_async(BlockDev *b, GMainContext *context, GMutex *lock);

/* Wait until every submitted request is done and delivered (in this thread). Machine lock held. */
void block_drain(BlockDev *b);

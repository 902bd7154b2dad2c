/*
 * The asynchronous side of a BlockDev: one worker thread that runs requests in the order of submission, and a GSource
 * that delivers them. Private to src/block.
 */
#pragma once

#include "block/block.h"

typedef struct BlockQueue BlockQueue;

/* run(req) does the request's I/O, sets nothing, and returns 0 or -errno; called in the worker. */
BlockQueue *queue_new(int (*run)(BlockReq *req), GMainContext *context, GMutex *lock);
/* Finishes the queued I/O, drops the completions. NULL is allowed. */
void queue_free(BlockQueue *q);
/* All of these with the machine lock held. */
bool queue_idle(const BlockQueue *q);
void queue_push(BlockQueue *q, BlockReq *req);
void queue_drain(BlockQueue *q);

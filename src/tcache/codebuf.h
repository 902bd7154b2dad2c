/*
 * The memory that holds translated code: bounded, and mapped twice.
 *
 * One memfd has a writable and an executable mapping, so no page is ever both. Code grows from the start; what
 * describes it (blocks, sites, edges) grows down from the end, in the same bound. When they meet the owner throws all away.
 * Addresses below are those of the writable mapping; codebuf_exec() gives the executable one's.
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CodeBuf {
    int fd;
    uint8_t *write;
    ptrdiff_t delta;   /* executable minus writable address */
    size_t size;
    uint8_t *code;     /* next free byte of code */
    uint8_t *data;     /* lowest byte of data in use */
    uint8_t *code_base; /* what stays when all is thrown away ends here */
    size_t large;      /* from the start: in large pages, where the host has them */
} CodeBuf;

/* NULL and an error when the host allows no executable memory. size in bytes, a multiple of 64 KiB. */
CodeBuf *codebuf_new(size_t size, GError **error);
void codebuf_free(CodeBuf *b);
/* Everything written so far stays at a reset. */
void codebuf_keep(CodeBuf *b);
void codebuf_reset(CodeBuf *b);
/*
 * Code has been added. What fills a large page of the host (2 MiB) is moved into one: translated code is spread thin, and
 * under nested paging a miss of the instruction TLB is dear. A host without them (before Linux 6.1) changes nothing.
 */
void codebuf_settle(CodeBuf *b);
/* Zeroed memory for data; NULL when fewer than reserve bytes would be left for code. */
void *codebuf_data(CodeBuf *b, size_t bytes, size_t reserve);

static inline void *codebuf_exec(const CodeBuf *b, const uint8_t *p)
{
    return (void *)(p + b->delta);
}
static inline size_t codebuf_room(const CodeBuf *b)
{
    return b->data - b->code;
}

/*
 * Guest RAM: one memfd, mapped once, and a byte of watch flags per page.
 *
 * The memfd lets a sandbox map the same pages at the guest's addresses. The watch flags tell which pages someone wants to
 * know writes to: decoded or translated code, dirty video memory, page tables in use. The TLB gives a watched page
 * no write fast path, so watches cost nothing elsewhere.
 */
#pragma once

#include "softmmu/region.h"

#define PAGE_BITS 12
#define PAGE_SIZE 4096u
#define PAGE_MASK (~(uint64_t)0xfff)

/* Why a page is watched. */
enum {
    WATCH_CODE = 1 << 0,  /* decoded instructions come from this page */
    WATCH_DIRTY = 1 << 1, /* the display wants to know */
    WATCH_TABLE = 1 << 2, /* a page table whose copy is in use */
    WATCH_TRANS = 1 << 3, /* translated code comes from this page */
    WATCH_NATIVE = 1 << 4, /* its code was looked at and may run in a sandbox */
};

typedef void WatchFn(void *opaque, uint64_t ram_offset, uint64_t len);

typedef struct Ram {
    int fd;        /* memfd; -1 for none */
    Hva host;      /* size bytes */
    uint64_t size; /* multiple of 4 KiB */
    uint8_t *watch; /* WATCH_* per page */
    struct {
        WatchFn *fn;
        void *opaque;
    } watcher[5]; /* by bit number of the WATCH_* flag */
    void (*watch_added)(void *opaque, uint64_t offset, uint64_t len); /* TLBs must drop write access: set by the MMU */
    void *watch_added_opaque;
    struct {
        void (*fn)(void *opaque, uint64_t page); /* so must others who let this page be written to; NULL: nobody */
        void *opaque;
    } mapper[2];
} Ram;

/* Make size bytes of zeroed RAM. NULL and error when the host refuses. size is a multiple of 4 KiB, at least 4 KiB. */
Ram *ram_new(uint64_t size, GError **error);
void ram_free(Ram *ram);

/* Say who hears of writes to pages with the flag (a single WATCH_* bit). */
void ram_set_watcher(Ram *ram, unsigned flag, WatchFn *fn, void *opaque);
/*
 * Say who lets pages be written to without a look at their watch flags, or (NULL) no longer: fn is called for each page that becomes
 * watched, by the thread that watches it. There is room for two.
 */
void ram_add_mapper(Ram *ram, void (*fn)(void *opaque, uint64_t page), void *opaque);
void ram_remove_mapper(Ram *ram, void *opaque);
/* Start watching len bytes at offset: whole pages. */
void ram_watch(Ram *ram, uint64_t offset, uint64_t len, unsigned flag);
/* Stop watching. The write fast path comes back by itself. */
void ram_unwatch(Ram *ram, uint64_t offset, uint64_t len, unsigned flag);
/*
 * Tell watchers that bytes were, or are about to be, written: called by the slow write path and by DMA. Before the
 * store, so that a watcher may still read the old bytes.
 */
void ram_written(Ram *ram, uint64_t offset, uint64_t len);

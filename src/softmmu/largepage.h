/*
 * Memory in the host's large pages (2 MiB).
 *
 * What the CPU's engine touches is spread thin: a few bytes of many pages, in any order. Where x86vm runs in a virtual machine
 * itself a TLB miss walks two trees of page tables, so it pays to have few pages. All of this is a wish: a host that has no
 * large pages, or none left, gives small ones, and nothing else changes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LARGE_PAGE ((size_t)2 << 20)

/* Zeroed memory for an object of some 100 KiB and more. Ends the program when there is none. Free with large_free(), same size. */
void *large_new0(size_t size);
/* NULL: nothing. */
void large_free(void *memory, size_t size);

/*
 * Map the first size bytes of a file, shared, where large pages can be: at a multiple of their size. prot as for mmap().
 * MAP_FAILED and errno when the host refuses; munmap() it.
 */
void *large_map(int fd, size_t size, int prot);
/* Move the large page at `at` of such a mapping, all of it in use, into one of the host's, contents kept. False: it stays. */
bool large_collapse(void *at);

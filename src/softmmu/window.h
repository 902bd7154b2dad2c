/*
 * Shadow windows: the guest's linear address space, mapped into ours.
 *
 * A window is 4 GiB of our address space and a guard page. Pages of guest RAM are mapped in it at the guest's linear addresses, one
 * fault after the other, from the guest's page tables: only where the access that asks for it is allowed and its accessed bit is set;
 * writable only where its dirty bit is set and nobody watches the page. So code that accesses window + address needs no
 * check of its own: whatever would raise a fault, set a bit, reach a device or write to watched bytes faults on the host first.
 *
 * There are windows for what a supervisor may access, which hold pages that user code may not, and windows for user code, one per
 * address space (CR3). The first kind outlives CR3 loads: all that has to stay the same is what is mapped.
 *
 * Coherence: Vcpu's TLB functions tell what is flushed (windows_flushed(), windows_page_flushed()). Before a window is used again
 * the tables that may have changed are compared with the copies taken when they were used, and what changed is unmapped.
 *
 * All calls are made by the thread that runs the CPU, or while it stands still. None raises a guest fault.
 */
#pragma once

#include <glib.h>

#include "softmmu/mmu.h"

#define WINDOW_SIZE (1ull << 32)

typedef struct Windows Windows;
typedef struct Window Window;

typedef struct WindowsStats {
    uint64_t faults;   /* asked for */
    uint64_t mapped;   /* pages, ever */
    uint64_t unmapped, revoked, refused;
    uint64_t calls;    /* to the host's memory management */
    uint64_t compared, changed; /* tables */
    uint64_t resets;   /* windows emptied */
    unsigned supers, users, mappings, budget;
} WindowsStats;

/*
 * For v, which must have RAM; v->windows is set. budget: mappings (pieces of contiguous RAM) at a time, 0: what the host allows.
 * NULL and an error when the host has no room.
 */
Windows *windows_new(Vcpu *v, unsigned budget, GError **error);
void windows_free(Windows *all);
void windows_stats(const Windows *all, WindowsStats *out);

/* This thread runs the CPU from now on. */
void windows_run_here(Windows *all);
/*
 * The window for supervisor accesses, brought up to date; NULL: none can be had. The same for user accesses under the CR3 of now;
 * NULL also when there is none yet and make is false.
 */
Window *windows_super(Windows *all);
Window *windows_user(Windows *all, bool make);
/* The user window of this CR3 is wanted no more. */
void windows_drop_user(Windows *all);

/* Where linear address 0 is. */
Hva window_base(const Window *w);
/* Pages mapped in it. */
unsigned window_pages(const Window *w);
/* What a fault came to. */
typedef enum WindowFault {
    WINDOW_MISS,   /* the access is not for a window */
    WINDOW_MAPPED, /* it may be tried again, more is mapped than before */
    WINDOW_FULL,   /* it would be for one that had room */
} WindowFault;

/* An access at addr faulted. addr may be WINDOW_SIZE or a little above it: the guard. */
WindowFault window_fault(Window *w, Gva addr, bool write);

/* The TLB was flushed: all of it or all but global pages; one page. */
void windows_flushed(Windows *all, bool global);
void windows_page_flushed(Windows *all, Gva addr);

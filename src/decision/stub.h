/*
 * What the stub in the sandbox and the monitor agree on: where things are. Read by the assembler too.
 *
 * All of it lies above the guest's 4 GiB, out of reach of 32-bit code whatever its segments.
 */
#define STUB_BASE 0x100000000000 /* where the stub's one page of code is linked (local.mk) */
#define STUB_LIST 0x100000100000 /* the list: written by the monitor, read-only in the sandbox */
#define STUB_LIST_SIZE 0x10000
#define STUB_CALLS 0x1000 /* offset of the system calls to make, 64 bytes each */
#define STUB_END 0x8000000000000000 /* the number that ends them */

/* The sandbox's file descriptors; there are no others, and LIST is closed at birth. */
#define STUB_FD_RAM 3
#define STUB_FD_VIEW 4
#define STUB_FD_LIST 5

#ifndef __ASSEMBLER__
#include <asm/ldt.h>
#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

typedef struct StubCall {
    int64_t nr;
    uint64_t arg[6];
    uint64_t unused;
} StubCall;

typedef struct StubList {
    uint64_t rflags; /* popped before the calls: the one way to set EFLAGS.ID */
    uint64_t sigmask; /* empty */
    char name[16];
    struct {
        uint16_t len;
        uint64_t filter; /* address in the sandbox */
    } prog;
    uint64_t limits[2];
    struct sock_filter filter[64];
    struct user_desc desc[64];
    uint8_t pad[STUB_CALLS - 64 - 64 * 8 - 64 * 16];
    StubCall call[(STUB_LIST_SIZE - STUB_CALLS) / 64];
} StubList;
_Static_assert(sizeof(StubCall) == 64 && offsetof(StubList, call) == STUB_CALLS && sizeof(StubList) == STUB_LIST_SIZE,
               "the stub's assembly knows this layout");

enum { STUB_CALLS_MAX = (STUB_LIST_SIZE - STUB_CALLS) / 64 - 1 };
#endif

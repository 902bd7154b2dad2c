/*
 * Data breakpoints as the MMU sees them: which linear pages DR0-DR3 watch. Such a page gets no TLB entry, so every
 * access to it takes the slow path, which reports it to debug_data_access() (cpu/debug.c).
 */
#pragma once

#include "softmmu/ram.h"
#include "vcpu.h"

#define DR7_ENABLED(dr7, n) ((dr7) >> ((n) * 2) & 3) /* L or G */
#define DR7_RW(dr7, n) ((dr7) >> (16 + (n) * 4) & 3)
#define DR7_LEN(dr7, n) ((dr7) >> (18 + (n) * 4) & 3)
enum { DR7_RW_EXEC, DR7_RW_WRITE, DR7_RW_IO, DR7_RW_ACCESS };

/* Bytes that breakpoint n covers: 1, 2, 8 or 4. SDM 3B 17.2.4 */
static inline unsigned debug_len(uint64_t dr7, int n)
{
    return "\1\2\10\4"[DR7_LEN(dr7, n)];
}

/* First address that breakpoint n covers: the low bits do not count. SDM 3B 17.2.5 */
static inline uint64_t debug_start(const Vcpu *v, int n)
{
    return v->dr[n] & ~(uint64_t)(debug_len(v->dr[7], n) - 1);
}

/* What a debugger outside the guest wants to hear of the page: HOOK_* bits. */
static inline unsigned debug_hooked_page(const Vcpu *v, Gva addr)
{
    return G_UNLIKELY(v->hooks != NULL) && v->hooks->page ? v->hooks->page(v->hooks->opaque, addr & PAGE_MASK) : 0;
}

/* Does a data breakpoint lie on the page of this linear address? */
static inline bool debug_watches_page(const Vcpu *v, Gva addr)
{
    if (G_LIKELY(!(v->dr[7] & 0xff)))
        return false;
    for (int n = 0; n < 4; n++)
        if (DR7_ENABLED(v->dr[7], n) && (DR7_RW(v->dr[7], n) & DR7_RW_WRITE) &&
            (debug_start(v, n) & PAGE_MASK) == (addr & PAGE_MASK))
            return true;
    return false;
}

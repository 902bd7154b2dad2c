/*
 * A page walk told level by level, for explanations, `info tlb` and debuggers. Unlike the MMU's (softmmu/mmu.c) it
 * remembers every entry, changes nothing, and never reads a device: tables that lie outside memory read as not present.
 */
#pragma once

#include "softmmu/ram.h"
#include "vcpu.h"

#define PAGEWALK_LEVELS 3

typedef struct PageWalk {
    int levels; /* entries looked at */
    struct {
        const char *name; /* "PDPTE", "PDE", "PTE" */
        Gpa addr;         /* of the entry; for a latched PDPTE, where it was loaded from */
        unsigned index;
        uint64_t entry;
        bool in_memory;   /* false: nothing but a device or a hole is at addr */
        bool reserved;    /* sets reserved bits */
    } level[PAGEWALK_LEVELS];
    bool ok;     /* present at all levels, nothing reserved */
    bool large;
    Gpa gpa;     /* of the address asked for; A20 applied */
    bool writable, user, no_exec; /* of all levels together */
} PageWalk;

/* With paging off: no levels, ok, gpa is the address. */
PageWalk pagewalk(Vcpu *v, Gva addr);

static inline bool debug_translate(Vcpu *v, Gva addr, Gpa *gpa)
{
    PageWalk w = pagewalk(v, addr);
    *gpa = w.gpa;
    return w.ok;
}

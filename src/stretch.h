/*
 * Stretches of translated user code: what lies between two changes of the privilege level.
 *
 * Vcpu.crossing is asked at each change, since it may want the user code that begins. But most stretches are short, and of address
 * spaces that it does not want: those it lets the translator count, so many of them, and hears of later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    QUIET_SPACES = 16,
    QUIET_INSNS = 20000, /* a longer stretch is told at once */
};

typedef struct QuietSpace {
    uint64_t cr3;
    uint32_t left;  /* stretches that need not be asked about */
    uint32_t ended; /* stretches that were not... */
    uint64_t insns; /* ...and their instructions */
} QuietSpace;

typedef struct Stretch {
    bool in_user;      /* translated user code runs, ... */
    uint64_t began;    /* ...since Vcpu.insns was this */
    uint64_t since;    /* Vcpu.insns up to which they are accounted for, ... */
    uint64_t insns[2]; /* ...as the kernel's and as user code's */
    QuietSpace quiet[QUIET_SPACES];
} Stretch;

/* The place of an address space's. May be another's: see cr3. */
static inline QuietSpace *stretch_space(Stretch *s, uint64_t cr3)
{
    return &s->quiet[(cr3 >> 12 ^ cr3 >> 16) % QUIET_SPACES];
}

static inline void stretch_account(Stretch *s, uint64_t insns)
{
    s->insns[s->in_user] += insns - s->since;
    s->since = insns;
}

/* The privilege level has changed, to user code or not. Was it enough to count that? Else nothing has changed. insns: Vcpu.insns. */
static inline bool stretch_quiet(Stretch *s, uint64_t cr3, bool user, uint64_t insns)
{
    QuietSpace *q = stretch_space(s, cr3);
    if (user != s->in_user) {
        if (q->cr3 != cr3 || !q->left || (!user && insns - s->began > QUIET_INSNS))
            return false;
        if (user) {
            q->left--;
        } else {
            q->ended++;
            q->insns += insns - s->began;
        }
    }
    stretch_account(s, insns);
    if (user && !s->in_user)
        s->began = insns;
    s->in_user = user;
    return true;
}

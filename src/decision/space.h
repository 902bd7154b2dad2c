/*
 * Address spaces: what each sandbox has mapped, and why that is still true.
 *
 * A Space is a guest page directory (a CR3) with the shadow of its user pages: pages of the RAM memfd mapped in the sandbox at
 * the guest's linear addresses. They are mapped one fault after the other, from the guest's page tables, and only where the
 * guest's accessed bit is set; writable only where its dirty bit is set and nobody watches the page; executable only after a
 * sweep (frontend/sweep.h), and never both. So whatever would set a bit, raise a fault or change watched bytes stops the
 * sandbox first.
 *
 * A split Space has copies of its code instead of executable pages (views.h). It is the caller who decides which it is.
 *
 * Coherence: a CPU's TLB may be stale until INVLPG or a CR3 load, and so may the shadow. After each such event space_sync()
 * compares the page tables in use with the copies taken when they were used, and unmaps what changed.
 *
 * All calls are made in the thread that runs the CPU, but for what DMA in another thread writes: that is noted, and done later.
 */
#pragma once

#include "decision/sandbox.h"
#include "frontend/sweep.h"
#include "softmmu/mmu.h"

typedef struct Spaces Spaces;
struct ViewPool;

/* A table of the guest's in use, and what is mapped by it. */
typedef struct Table Table;

#define SPACE_NOWHERE ((Gva)-1)

typedef struct Space {
    uint64_t cr3;
    Spaces *owner;
    Sandbox *sandbox;   /* NULL: none, nothing is mapped */
    uint64_t cpu_time;  /* the sandbox's at the last verdict: its owner's note */
    bool tsc_faults;    /* RDTSC stops: its owner's note */
    bool broken;        /* a mapping call failed: the sandbox is not as we think. Drop it. */
    uint64_t generation; /* Vcpu.tlb_generation it was compared for */
    unsigned bus_generation;
    uint64_t mode;      /* paging mode bits it was made under */
    unsigned table_bits; /* of linear addresses that a table covers */
    Table **table;      /* by linear address; NULL: not in use */
    unsigned tables;    /* in use */
    uint64_t pages;     /* mapped */
    bool renewed;       /* space_sync() found all that was mapped gone: another process's, by now */
    bool split;         /* by space_set_split() */
    bool exact;         /* split: with exact copies (frontend/codecopy.h): its owner's wish */
    uint32_t aim;       /* split: CS's base, by space_aim() */
    bool never_split;   /* it can not be, or need not: its owner's note */
    unsigned lost;      /* stretches left to the translator lately, for code that may not run: its owner's note... */
    unsigned kept_out;  /* ...and the InsnRow that was the reason the last time */
    uint64_t astray;    /* and ticks spent in such code since it was looked at last... */
    uint64_t looked;    /* ...of so many */
    uint64_t crossings; /* between windows: its owner's note... */
    uint64_t seen;      /* ...and the ticks that they were in */
    Gva faulted;        /* where the guest was told of a page fault last, or SPACE_NOWHERE: its owner's note */
    unsigned code_size; /* that code was looked at with; 0: none was */
    Gva kernel;         /* split: where the guest's begins; 0: not known yet... */
    uint32_t low_size, high_size; /* ...and of the windows */
    GHashTable *view;   /* page -> View */
    void *policy;       /* the policy's own, freed with g_free() */
} Space;

typedef struct SpacesStats {
    uint64_t synced, tables_compared, tables_changed, unmapped, mapped, code_mapped, swept, sweep_refused, code_written,
        revoked, copied, extended;
} SpacesStats;

/* views: room for split views, NULL for none; not owned, to be freed later. */
Spaces *spaces_new(Vcpu *v, const SweepRules *rules, struct ViewPool *views);
/*
 * From now on RDTSC may be in code that runs directly: pages that it kept out are looked at anew. The caller sees to it that it stops there, before any
 * such code runs. Not so in the beginning.
 */
void spaces_let_rdtsc(Spaces *all);
bool spaces_lets_rdtsc(const Spaces *all);
/* The features whose instructions may run directly from now on (host_may_run()). When they are others than before, all code is looked at anew. */
void spaces_set_features(Spaces *all, uint64_t features);
uint64_t spaces_features(const Spaces *all);
void spaces_free(Spaces *all);
/* The Space of a CR3, made if need be; the one unused longest that has no sandbox may go for it. */
Space *spaces_get(Spaces *all, uint64_t cr3);
/* Call fn for each. */
void spaces_foreach(Spaces *all, void (*fn)(Space *s, void *opaque), void *opaque);
const SpacesStats *spaces_stats(const Spaces *all);
/* What other threads wrote to code pages, while the CPU runs or not: look at it. Before every run. */
void spaces_late(Spaces *all);
/* kick: called in another thread when it noted something while the CPU may be in a sandbox. */
void spaces_set_kick(Spaces *all, void (*kick)(void *opaque), void *opaque);
/* Someone noted something for spaces_late(). Any thread. */
bool spaces_wants_late(const Spaces *all);

/* A sandbox was born for s, with nothing mapped. */
void space_attach(Space *s, Sandbox *sandbox);
/* The sandbox of s is gone, or goes now. */
void space_detach(Space *s);
/* Before a run: is all that is mapped still so in the guest's tables? Unmaps what is not. */
void space_sync(Space *s);
/* Split views, or none. All that is mapped goes. */
void space_set_split(Space *s, bool split);
/*
 * Before a run that begins at addr, after space_sync(): have the sandbox fetch from there. False: a split Space can not run code
 * there.
 */
bool space_aim(Space *s, Gva addr, unsigned code_size);
/* Is addr in the window that space_aim() chose? If not, whatever stopped there is to be tried again. */
bool space_aimed(const Space *s, Gva addr);
/* Is addr, where a fetch stopped, where the instruction at eip is fetched from? *fetched: its linear address to the guest. */
bool space_is_fetch(const Space *s, Gva eip, Gva addr, Gva *fetched);

typedef enum SpaceResult {
    SPACE_MAPPED,  /* more is mapped than before: try again */
    SPACE_STAYS,   /* the guest's tables allow no more, or it was mapped already: interpret the instruction */
    SPACE_REFUSED, /* code that must not run in a sandbox */
} SpaceResult;

/* A data access at addr stopped: map what the guest's tables allow there, and around it. */
SpaceResult space_map_data(Space *s, Gva addr);
/*
 * An instruction at linear address start could not be fetched from addr, which is on its page or the next. code_size 2 or 4.
 */
SpaceResult space_map_code(Space *s, Gva start, Gva addr, unsigned code_size);
/* Is code mapped at addr? */
bool space_has_code(const Space *s, Gva addr);
/* Execution was seen at addr: if its page is executable, is addr an instruction that the sweep knows? Looks again if not. */
void space_saw(Space *s, Gva addr, unsigned code_size);
/* Why a page is refused: the row of the instruction, or 0. */
unsigned space_refusal(Space *s, Gva addr);

/* The inside of Spaces: space.c, codepages.c and views.c. */
#pragma once

#include "decision/space.h"
#include "decision/views.h"
#include "softmmu/pagetable.h"

enum {
    SPACES_MAX = 256,   /* known, with sandbox or without */
    CODE_RESTLESS = 16, /* rewritings after which a page's code is left to translation... */
    CODE_PATIENCE = 500, /* ...for so many tries */
};

struct Table {
    const uint8_t *upper_host; /* the directory entry */
    uint64_t upper;            /* its value */
    const uint8_t *entries;    /* the guest's table; NULL: a large page */
    uint8_t copy[PAGE_SIZE];   /* of it: entries that are mapped are as they were then */
    uint8_t prot[1024];        /* SANDBOX_*; 0: not mapped. EXEC in a split Space: it has a copy */
    uint32_t frame[1024];      /* RAM page mapped */
    unsigned mapped;
};

/* A mapping of a RAM page. */
typedef struct PageUser {
    Space *space;
    uint32_t gva;  /* page number */
    uint32_t next; /* in the list of the RAM page; 0 ends it */
} PageUser;

/* A RAM page that code was looked at in. */
typedef struct CodePage {
    Sweep sweep; /* code_size 0: to be done again */
    bool copied; /* a split Space has a copy */
    unsigned writes;
} CodePage;

typedef struct LateWrite {
    uint64_t offset, len;
} LateWrite;

struct Spaces {
    Vcpu *v;
    SweepRules rules;
    ViewPool *views;    /* NULL: none. Not owned */
    GHashTable *spaces; /* by CR3 >> 5 */
    GHashTable *code;   /* RAM page -> CodePage */
    uint32_t *users;    /* RAM page -> first PageUser */
    PageUser *user;
    uint32_t user_count, user_size, free_user;
    GThread *thread;    /* that runs the CPU */
    GMutex lock;        /* late */
    GArray *late;       /* LateWrite, by other threads */
    int wants_late;     /* atomic */
    void (*kick)(void *opaque);
    void *kick_opaque;
    SpacesStats stats;
};

/* Where the guest's kernel begins: supervisor pages, and no user page above. False: there is no such place. */
bool space_kernel(const Space *s, Gva *kernel);

/* Which entry of its table an address has. */
static inline unsigned index_of(const Space *s, Gva addr)
{
    return addr >> PAGE_BITS & ((1u << (s->table_bits - PAGE_BITS)) - 1);
}

/* ---- codepages.c ---- */
/* What is known of the code in a page of RAM. */
CodePage *code_page(Spaces *all, uint32_t page);
/* Its page keeps being rewritten: leave it to translation for a while. */
bool code_restless(CodePage *c);
/*
 * Sweep the page at addr, which leaf maps, from offset (or its head, when offset is beyond the page), alone and with its neighbours. False: it may not be
 * executable, or not here.
 */
bool code_sweep(Space *s, CodePage *c, Gva addr, const PtLeaf *leaf, unsigned offset, unsigned code_size);
/* Execution comes to addr: if its page is executable, it is from here on only when the sweep allows that, too. */
void code_saw(Space *s, Gva addr, unsigned code_size);

/* ---- space.c ---- */
/* No sandbox runs code in this page of RAM any more, or none with split views. */
void code_forget(Spaces *all, uint32_t page, bool split);

/* The inside of Windows: what window.c, windowmap.c and windowsync.c share. */
#pragma once

#include "softmmu/pagetable.h"
#include "softmmu/window.h"


/* A page of a window. */
enum { MAP_READ = 1, MAP_WRITE = 2, MAP_GLOBAL = 4 /* survives CR3 loads */, MAP_FRAME_SHIFT = 3 };
typedef struct WinPage {
    uint32_t map;  /* MAP_*, and the page of RAM above them; 0: not mapped */
    uint32_t next; /* in the list of who maps that page of RAM: window << 20 | page, plus 1; 0 ends it */
} WinPage;

/* A table of the guest's in use, or a large page. */
typedef struct WinTable {
    uint64_t upper;         /* its entry in the directory */
    const uint8_t *entries; /* NULL: a large page */
    uint8_t *copy;          /* of them: those that are mapped are as they were then */
    unsigned mapped, nonglobal; /* pages */
    bool writable;          /* some page of a large one is */
    bool watched;           /* and not written to since: the copy is as they are */
    uint8_t quiet;          /* times it was found unchanged */
} WinTable;

/* The guest's directories: with PAE four of 512 entries, else one of 1024; NULL: not in RAM, or none of the window's is there. */
typedef struct Dirs {
    const uint8_t *page[4];
} Dirs;

/* How a window was found to fit to a directory: again so while both are the same. */
typedef struct Verdict {
    Dirs dirs;
    uint64_t epoch; /* Window.epoch then; 0: none */
    bool every;     /* for all tables, not only those with pages that are not global */
    unsigned misfits;
    bool watched;   /* and the directories not written to since: they are as they were */
    uint8_t quiet;  /* times they were found unchanged */
    uint8_t *copy;  /* of them; as much as matters */
} Verdict;

enum {
    SUPERS_MAX = 4,
    WINDOWS_MAX = 16,
    VERDICTS = 8,
    FEW_TABLES = 8,     /* are looked at themselves: sooner done than comparing directories */
    QUIET = 32,         /* comparisons without a change, after which a supervisor's table is watched instead */
    AROUND = 16,        /* pages looked at around a fault of user code: a power of two */
    AROUND_RUNS = 8,    /* and mappings made */
    POPULATE_MAX = 64,  /* pages that are mapped with their host page tables */
    REFUSALS = 16384,   /* after which full windows are emptied: what they hold may be old */
    RECENT_LOADS = 16,  /* a window that was used so few loads of CR3 ago is not emptied for another: it will be wanted again */
    GUARD = 64 << 10,   /* behind a window */
    BUDGET_SHARE = 4,   /* of the host's limit on mappings; each may split one of the window's own in two */
    BUDGET_MAX = 16384,
};

struct Window {
    Windows *all;
    unsigned number;
    bool user;
    uint64_t cr3;  /* user: whose it is */
    uint8_t *base;
    WinPage *page; /* 1 << 20 of them */
    WinTable *table[TABLES_MAX];
    unsigned tables, lowest, highest; /* in use; no slot below or above has one */
    uint64_t epoch; /* changes whenever what is mapped does */
    Verdict verdict[VERDICTS];
    unsigned next_verdict;
    int late; /* Windows.late that was taken notice of */
    bool calm, calm_every;               /* all tables (or those with pages that are not global) were as before, and watched, */
    uint64_t calm_epoch, calm_written;   /* at this Window.epoch and Windows.written: they still are while these stay */
    unsigned pages;
    unsigned nonglobal; /* of them */
    unsigned mixed;     /* tables that have such pages, and a bit for the slot of each */
    uint64_t mixed_slots[TABLES_MAX / 64];
    unsigned bits; /* of addresses that a table covers */
    uint64_t flushes, loads; /* it was compared for */
    unsigned layout; /* Windows.layout then */
    uint64_t mode; /* what all of it rests on */
    bool pge;      /* CR4.PGE was on when it was empty: MAP_GLOBAL is right */
    uint64_t used; /* when last, in flushes */
};

#define PAGES (1u << 20)
#define PTE_INDIFFERENT 0xe18u /* PWT, PCD and what is the system's own */

/* A piece of guest RAM in physical address space. */
typedef struct Range {
    Gpa start, last;
    uint64_t ram;
} Range;

struct Windows {
    Vcpu *v;
    unsigned budget, mappings;
    uint64_t flushes, loads; /* of everything; of what is not global */
    Window *window[WINDOWS_MAX];
    unsigned count;
    Window *super, *user; /* in use */
    GArray *ranges;       /* Range: where RAM is, by address */
    unsigned bus_generation; /* it is right for */
    unsigned layout;      /* changes with it */
    uint32_t *users;      /* by page of RAM: the first WinPage, as WinPage.next */
    unsigned refusals;
    GThread *runner;      /* that runs the CPU */
    uint64_t written;     /* times that a watched table or directory was written to, or had to be taken as if */
    int late;             /* times that another thread wrote to a watched table (atomic) */
    WindowsStats stats;
};

/* ---- windowmap.c ---- */
/* Nothing is mapped; from now on things are as they are now. */
void window_reset(Window *w);
/* Is there room for another mapping? Other windows may go for it; w does, now and then, when there is none: what it holds may be old. */
bool window_has_room(Window *w);
/* Map count pages from first on, the first as map says, the others with the pages of RAM that follow. False: no room. */
bool window_map_run(Window *w, uint32_t first, uint32_t count, uint32_t map);
void window_unmap(Window *w, uint32_t first, uint32_t count);
/* Forget a table that maps nothing. */
void window_table_forget(Window *w, unsigned slot);
/* Windows.layout of now. */
unsigned windows_layout(Windows *all);
/* A page of RAM became watched: no window may let writes to it through. */
void windows_watched(void *opaque, uint64_t page);

/* ---- window.c ---- */
/* The upper entry for addr; without paging, one that maps as much as it would, for a supervisor. False: not in RAM. */
bool windows_upper(const Windows *all, Gva addr, uint64_t *upper);
/* An entry that mappings came from: may they stay? last: it is a page's; writable: some mapping is. */
bool window_entry_still(uint64_t was, uint64_t now, bool last, bool writable);
bool window_upper_still(const Windows *all, const WinTable *t, Gva addr);
/* Unmap all that a table maps, and forget the table. */
void window_table_drop(Window *w, unsigned slot);

/* ---- windowsync.c ---- */
/* Is the window as what it rests on, tables aside? */
bool window_foundation_still(const Window *w);
/* How many of the tables that have to be compared are others in the directory of now? */
unsigned window_misfits(Window *w);
/* Unmap what is not as the tables have it now. */
void window_sync(Window *w);
/* WatchFn of WATCH_TABLE. */
void windows_table_written(void *opaque, uint64_t offset, uint64_t len);

/* Does a mapping of the host's go on from a page to the next? */
static inline bool window_goes_on(uint32_t map, uint32_t next)
{
    return map && next && ((map ^ next) & MAP_WRITE) == 0 && (map >> MAP_FRAME_SHIFT) + 1 == next >> MAP_FRAME_SHIFT;
}

static inline uint32_t window_first_page(const Window *w, unsigned slot)
{
    return slot << (w->bits - PAGE_BITS);
}

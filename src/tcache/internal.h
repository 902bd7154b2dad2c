/*
 * What the parts of the translation cache share.
 *
 * Registers while translated code runs: guest ECX, EDX, EBX, EBP, ESI and EDI are in the host registers of the same
 * number; EAX is in r8 and ESP in r9, zero-extended all. The arithmetic flags are in the host's flags, or parked in AX (AH as
 * LAHF, AL as SETO leaves them: Vcpu.cc), which is why guest EAX is not there. r10-r13 are scratch, r14 is the
 * Vcpu, r15 counts instructions.
 *
 * A block has two entries: entry_p for flags parked, entry_h for flags in the host's. Whatever may fault or call has the
 * flags parked (compares would destroy them), so a fault finds them. See translate.h.
 */
#pragma once

#include <stdio.h>

#include "frontend/decodecache.h"
#include "tcache/codebuf.h"
#include "tcache/tcache.h"
#include "tcache/winform.h"

/* Conditions that code is translated under: bits of Mode.bits. */
enum {
    MODE_CODE32 = 1 << 0,
    MODE_USER = 1 << 1,      /* fetches are at CPL 3 */
    MODE_MMU_SHIFT = 2,      /* two bits: Vcpu.mmu_idx */
    MODE_FLAT_SHIFT = 4,     /* a bit each by S_*: base 0, 4 GiB readable, and but for CS writable */
    MODE_STACK32 = 1 << 10,
    MODE_SINGLE = 1 << 11,   /* no chaining: the run loop counts instructions */
    MODE_SSE = 1 << 12,      /* XMM registers and MXCSR are the host's */
    MODE_WINDOW = 1 << 14,   /* memory operands by the shadow window: winform.h */
    MODE_WIDE_SHIFT = 15,    /* a bit each by S_*: 4 GiB readable, and but for CS writable, at any base; with MODE_WINDOW only */
    MODE_FPU = 1 << 13,      /* x87 instructions raise neither #NM nor wait for anything */
};

typedef struct Mode {
    uint32_t bits;
    uint32_t cs_base, cs_limit;
} Mode;

typedef struct TransBlock TransBlock;

/*
 * What describes code is kept small, for it shares the buffer with the code: places in the buffer are 32-bit offsets (Ref), and
 * 0, where the stubs lie, is none.
 */
typedef uint32_t Ref;

/* A direct jump out of a block. */
typedef struct Edge {
    Ref to;          /* TransBlock; 0 while not linked */
    Ref next_in;     /* Edge: others that lead to the same block */
    uint32_t target; /* eip */
    Ref jump;        /* displacement to patch */
    Ref guard;       /* crossing a page: the 64-bit immediate to compare with the FetchEntry; else 0 */
    uint16_t cold;   /* where it leads while not linked, from `jump` on */
    uint8_t index;   /* in TransBlock.edge */
    bool parked : 1; /* flags parked at the jump */
    bool plain : 1;  /* where a span's check failed: to a block without spans */
    uint8_t fp : 2;  /* FP_XMM, FP_X87: surely in the host's registers at the jump */
    uint8_t tries : 4; /* of plain ones: times that the interpreter did it */
} Edge;

struct TransBlock {
    Hva host;            /* first byte; NULL: dead */
    Hva host2;           /* one instruction on two pages: first byte of the second; else NULL */
    uint32_t eip;
    Ref entry_p, entry_h;
    Ref hash_next, page_next; /* TransBlock */
    Ref in;              /* Edge */
    uint16_t mode;       /* number in TCache.modes */
    uint16_t bytes, code_bytes; /* of the guest's code; of the host's, from the first entry on */
    uint8_t count;       /* instructions */
    uint8_t edges : 7;
    bool plain : 1;      /* has no spans (spans.c) */
    uint8_t fp;          /* FP_XMM, FP_X87: the entries see to these registers */
    int8_t fast_p, fast_h; /* for edges that know them to be there: where the entries lie then, from entry_p on */
    Edge edge[];
};

/* Of an x87 instruction: what a block leaves instead of FIP, FOP and FCS (x87ptr.c). */
typedef struct X87Last {
    uint32_t fip;
    uint16_t fop;
} X87Last;

/* An instruction in translated code that can leave for C. */
typedef struct Site {
    uint32_t eip;
    Ref insn;      /* Insn; 0: not decoded yet, most never are */
    Ref block;
    uint8_t index; /* instructions of the block before it */
    uint8_t len;
    bool x87;      /* its handler deals with Vcpu.fpu's x87 part */
} Site;

/* A block in the list of its second page. */
typedef struct TransTwin {
    TransBlock *block;
    struct TransTwin *next;
} TransTwin;

/* A page of RAM that code was translated from. */
typedef struct TransPage {
    Ref blocks;         /* that begin here */
    TransTwin *twins;   /* that end here only */
    uint32_t changes; /* invalidations lately */
    uint64_t code[PAGE_SIZE / 64]; /* a bit for every byte that was translated */
} TransPage;

/* Where an indirect jump goes: the block for an eip, good while the FetchEntry of its page is as it was. */
typedef struct JumpSlot {
    uint64_t tag;    /* eip, and the mode's number above it; JUMP_NONE */
    FetchEntry key;
    uint64_t fetch;  /* offset of its FetchEntry in Vcpu */
    void *code;      /* executable address of entry_p */
} JumpSlot;

#define QUICK_EPOCH_SHIFT 48 /* in Vcpu.quick_tag */
#define JUMP_BITS 14
#define JUMP_SLOT_SHIFT 5 /* a JumpSlot is 32 bytes */
#define JUMP_SLOTS (1u << JUMP_BITS)
#define JUMP_HASH 0x9e3779b1u
#define JUMP_NONE (~(uint64_t)0)
#define TRANS_HASH 262144u /* a power of two */
#define MODES_MAX 1024u
#define MODE_QUICK 64u /* a power of two */
#define TRANS_INSNS 64

/* What the code that ran last came back with: an Edge's address, or one of these. */
enum {
    LEFT_PLAIN = 0,
    LEFT_SITE = 1,   /* after the instruction of Vcpu.site */
    LEFT_SECOND = 2, /* a second page is to be looked up */
    LEFT_STEP = 3,   /* flags are lost: the interpreter is to do the next instruction, which writes them all and cannot fault */
};

/* Instructions with a lean helper (lean.h). */
typedef enum Lean { LEAN_SYSENTER, LEAN_SYSEXIT, LEAN_IRET, LEAN_INT, LEAN_COUNT } Lean;

typedef uint64_t EnterFn(Vcpu *v, const void *code);

struct TCache {
    Vcpu *v;
    CodeBuf *buf;
    DecodeCache *decoded; /* of the interpreter's code cache */
    bool bmi2;         /* the host has it */
    GThread *thread;   /* that runs the CPU */

    /* stubs.c: in the writable mapping */
    EnterFn *enter;
    uint8_t *stub_call, *stub_mode, *stub_final, *stub_indirect, *stub_edge, *stub_leave, *stub_second, *stub_step, *stub_miss, *stub_xmm, *stub_x87,
            *stub_full, *stub_seg, *stub_verw, *stub_next, *stub_lean[LEAN_COUNT];
    uint32_t host_mxcsr; /* what C code runs under */

    Mode modes[MODES_MAX];
    unsigned mode_count;
    uint16_t mode_quick[MODE_QUICK]; /* where one was found last, by hash */
    uint16_t mode_last[2]; /* what a change of privilege led to, by privilege (user) */

    Ref hash[TRANS_HASH];
    Insn insn; /* where there is no room for one */
    uint64_t quick_epoch;       /* times that code pages were forgotten, shifted by QUICK_EPOCH_SHIFT */
    uint64_t fetch_generation;  /* Vcpu.tlb_generation that Vcpu.fetch is good for */
    FetchEntry *fetch_used[2][2 * FETCH_SIZE]; /* those that may hold something: of pages that are not global; of global ones */
    unsigned fetch_count[2];
    uint8_t fetch_listed[2 * FETCH_SIZE];      /* a bit for each of these lists that an entry is in */

    Ref *pages; /* TransPage, by page of RAM */
    uint64_t page_count;
    JumpSlot jumps[JUMP_SLOTS];

    /* writes by other threads, to be looked at by this one */
    GMutex lock;
    GArray *late; /* LateWrite */

    int cpl;             /* that Vcpu.crossing and windows know of; -1: none */
    bool resume;         /* RF is to be set, if anything comes before the next instruction */
    bool single;         /* code is left after each block */
    uint64_t user_since; /* Vcpu.insns when windows heard last of the user code that runs; UINT64_MAX: none does */

    struct WinForm *win;   /* code in window form, or NULL: there is none */
    bool plain_next;       /* the next block is to have no spans: else it would not get on */
    struct Shadow *shadow; /* shadow mode, or NULL */
    uint64_t chaos;        /* state of the random numbers by which engines change; 0: they don't */
    bool chaos_delays;     /* interrupts, too, are late... */
    bool chaos_waits;      /* ...except this one: an interrupt was seen that has not been taken */
    TCacheListen *listen;  /* to blocks being translated; may be NULL */
    void *listen_opaque;
    FILE *perf_map;
    TCacheStats stats;
    uint64_t calls[ROW_COUNT]; /* handlers called from translated code */
};

static inline void *ref_at(const TCache *c, Ref ref)
{
    return ref ? c->buf->write + ref : NULL;
}
static inline Ref ref_to(const TCache *c, const void *p)
{
    return p ? (Ref)((const uint8_t *)p - c->buf->write) : 0;
}
static inline TransBlock *edge_from(const Edge *e)
{
    return (TransBlock *)((uint8_t *)(e - e->index) - offsetof(TransBlock, edge));
}
static inline const void *block_code(const TCache *c, const TransBlock *b)
{
    return codebuf_exec(c->buf, c->buf->write + b->entry_p);
}

/* ---- stubs.c ---- */
void stubs_emit(TCache *c);

/* ---- site.c ---- */
/* Decode the site's instruction again, from where its block came from. */
const Insn *site_decode(Vcpu *v, Site *s);
/* Is everything still as its block was translated under? */
bool site_mode_kept(Vcpu *v, const Site *s);

/* ---- run.c ---- */
/* The number of what the CPU is in now. single: blocks are not chained. */
unsigned mode_now(TCache *c, bool single);
/* Behind the handler of a block's last instruction, at Vcpu.site: where to go on, or LEAN_LEAVE (lean.h). Vcpu.insns counts it. */
const void *tcache_next(Vcpu *v);

/* ---- transblock.c ---- */
unsigned mode_number(TCache *c, const Mode *m);
TransBlock *transblock_find(TCache *c, Hva host, uint32_t eip, unsigned mode, bool plain);
/* Enter b in the table and watch its page. */
void transblock_add(TCache *c, TransBlock *b);
/* Is the page of host, in RAM, changing too often to be worth translating? */
bool transblock_restless(TCache *c, Hva host);
/* Forget one. */
void transblock_drop(TCache *c, TransBlock *b);
/* Forget all blocks. Not while one runs. */
void transblock_flush(TCache *c);
/* Take notice of what other threads wrote. */
void transblock_late(TCache *c);
void transblock_init(TCache *c);
void transblock_fini(TCache *c);

/* ---- chain.c ---- */
static inline FetchEntry *fetch_entry(Vcpu *v, bool user, Gva addr)
{
    /* The upper bits too: programs, libraries and mappings begin at round addresses and call each other. */
    return &v->fetch[user][(addr >> PAGE_BITS ^ addr >> 24) & (FETCH_SIZE - 1)];
}
/* What the entry of a linear address is while it lies at host. */
static inline FetchEntry fetch_key(Gva addr, const void *host)
{
    return (uintptr_t)host >> PAGE_BITS << FETCH_SHIFT | (addr & 0xffffffff) >> PAGE_BITS;
}
/* Where eip would be in TCache.jumps. */
static inline JumpSlot *chain_slot(TCache *c, uint32_t eip)
{
    return &c->jumps[eip * JUMP_HASH >> (32 - JUMP_BITS)];
}
static inline uint64_t chain_tag(uint32_t eip, unsigned mode)
{
    return (uint64_t)mode << 32 | eip;
}
/* The same in Vcpu.quick, whose offset is (eip << 2) & (QUICK_SIZE - 1) * sizeof(QuickJump) in translated code. */
static inline QuickJump *chain_quick(TCache *c, uint32_t eip)
{
    return &c->v->quick[eip >> 2 & (QUICK_SIZE - 1)];
}
/* Forget all indirect jumps that Vcpu.quick has. */
static inline void chain_forget_quick(TCache *c)
{
    memset(c->v->quick, 0xff, sizeof c->v->quick); /* QUICK_NONE */
}
/* Let e jump to b directly. */
void chain_link(TCache *c, Edge *e, TransBlock *b);
/* Nothing leads to b any more. */
void chain_unlink(TCache *c, TransBlock *b);
/* Remember b for indirect jumps. */
void chain_remember(TCache *c, TransBlock *b);

/* ---- translate.c ---- */
/*
 * Translate the block at host = CS:eip; NULL when its first instruction is the interpreter's, or lies on two pages and next,
 * the host address of the second, is NULL: *crosses tells. plain: without spans.
 */
TransBlock *translate(TCache *c, Hva host, Hva next, uint32_t eip, unsigned mode, bool plain, bool *crosses);

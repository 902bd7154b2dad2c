/*
 * One differential case: a machine state, a little code, a little memory; and what came of it.
 *
 * The same case is given to the host CPU (native.c) and to an engine of ours (engine.h). Both see the same pages at the
 * same linear addresses with the same permissions, the same LDT, CPL 3, IOPL 0, IF set. A case always ends in an
 * exception: unused code bytes are HLT, which is #GP(0) at CPL 3.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pages that exist; everything else below 4 GiB is unmapped. */
enum {
    DIFF_CODE = 0x08048000,  /* 2 pages, read and execute */
    DIFF_DATA = 0x20001000,  /* 2 pages, read and write, no execute */
    DIFF_RO = 0x20003000,    /* 1 page, read only, just after them */
    DIFF_STACK = 0x30001000, /* 2 pages, read and write */
    DIFF_SMC = 0x0804b000,   /* 1 page, read, write and execute */
};

enum { DIFF_W = 1, DIFF_X = 2 };

typedef struct DiffPage {
    uint32_t addr;
    unsigned perm;
} DiffPage;

#define DIFF_PAGES 8
extern const DiffPage diff_pages[DIFF_PAGES];
/* Index into diff_pages of the page at addr, or -1. */
int diff_page_index(uint32_t addr);

/* The local descriptor table, as modify_ldt can make it: all DPL 3, accessed. */
typedef struct DiffSeg {
    uint32_t base;
    uint32_t limit; /* in pages when pages is set */
    bool code, read_only /* data: no write; code: no read */, down, big, pages, absent;
} DiffSeg;

#define DIFF_LDT 20
extern const DiffSeg diff_ldt[DIFF_LDT];
#define DIFF_LDT_SEL(n) ((uint16_t)((n) << 3 | 7))
#define DIFF_CS32 0x23
#define DIFF_DS32 0x2b
/* The highest valid byte offset: of the GDT (16 descriptors, as Linux has) and of the LDT. */
#define DIFF_GDT_LIMIT 127

/* Names of LDT entries that the generator needs. */
enum {
    LDT_CODE16 = 0,      /* over the code pages, 64 KiB */
    LDT_STACK16 = 1,     /* over the stack pages */
    LDT_DATA16 = 2,      /* over the data pages, 64 KiB */
    LDT_CODE32 = 3,      /* base at the code pages, byte limit just past them */
    LDT_CODE16_SHORT = 4, /* limit inside the second code page */
    LDT_FIRST_DATA = 5,  /* from here on: data segments of all sorts */
    LDT_LAST_DATA = 15,
    LDT_CODE_X = 16, /* execute only */
    LDT_ABSENT = 17,
    LDT_ABSENT_CODE = 18,
    LDT_EMPTY = 19,
};

/* Upper halves of ESP that a case with a 16-bit stack can have: native.c maps a page for each. */
#define DIFF_ESP_HIGHS 4
extern const uint16_t diff_esp_high[DIFF_ESP_HIGHS];

enum { DIFF_HOT = 64, DIFF_CODE_MAX = 120, DIFF_INSNS = 8 };

/* FXSAVE image, 32-bit layout. */
typedef union DiffFx {
    uint8_t b[512];
    struct {
        uint16_t cw, sw;
        uint8_t tag, pad;
        uint16_t fop;
        uint32_t fip;
        uint16_t fcs, pad2;
        uint32_t fdp;
        uint16_t fds, pad3;
        uint32_t mxcsr, mxcsr_mask;
        struct {
            uint64_t mant;
            uint16_t exp, pad[3];
        } st[8];
        uint64_t xmm[8][2];
    };
} __attribute__((aligned(16))) DiffFx;

typedef struct DiffCase {
    uint64_t seed, index;
    uint32_t gpr[8];
    uint32_t eip, eflags;
    uint16_t sel[6]; /* ES CS SS DS FS GS */
    DiffFx fx;
    uint32_t code_addr; /* linear */
    uint8_t code[DIFF_CODE_MAX];
    unsigned code_len;
    unsigned insns;             /* instructions generated */
    bool straight;                 /* no branches: it ends */
    uint16_t row[DIFF_INSNS];      /* of the instruction table, 0: invalid */
    uint8_t start[DIFF_INSNS + 1]; /* offset of each in code, and the end */
    uint32_t hot_addr[2];       /* linear; memory that differs from the standing contents, 0: none */
    uint8_t hot[2][DIFF_HOT];
    unsigned code_size; /* 2 or 4 */
} DiffCase;

typedef struct DiffResult {
    uint32_t gpr[8];
    uint32_t eip, eflags;
    uint16_t sel[6];
    int vector; /* or one of DIFF_END_* */
    uint32_t error, cr2;
    DiffFx fx; /* FCS and FDS zero */
} DiffResult;

enum { DIFF_END_HUNG = -1, DIFF_END_SYSCALL = -2, DIFF_END_LOST = -3 };

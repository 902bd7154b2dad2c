/*
 * Reader of MOO files: captured single-instruction tests of real CPUs (SingleStepTests). See moo.c.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The order of the files' register masks. */
enum { MOO_AX, MOO_BX, MOO_CX, MOO_DX, MOO_CS, MOO_SS, MOO_DS, MOO_ES, MOO_SP, MOO_BP, MOO_SI, MOO_DI, MOO_IP, MOO_FLAGS, MOO_REGS };

typedef struct MooRam {
    uint32_t addr;
    uint8_t value;
} MooRam;

typedef struct MooState {
    uint16_t mask; /* registers given */
    uint16_t reg[MOO_REGS];
    unsigned nram;
    MooRam *ram;
} MooState;

typedef struct MooTest {
    uint32_t index;
    char name[80];
    uint8_t bytes[24];
    unsigned len; /* the terminating HLT included */
    MooState init, final; /* final: what changed */
    bool exception;
    uint8_t vector;
    uint32_t flags_addr; /* where the exception pushed FLAGS */
} MooTest;

/* All tests of a gzip-compressed file, in an array to be freed with moo_free(). NULL and an error. */
GPtrArray *moo_read(const char *path, GError **error);
void moo_free(GPtrArray *tests);

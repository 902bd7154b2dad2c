/*
 * An engine of ours under differential test.
 *
 * Each engine has its own copy of the pages of diff_pages. The harness puts code and contents there, tells so with
 * touched(), runs the case and compares what came out with what the host CPU made of it.
 */
#pragma once

#include <glib.h>

#include "diff/case.h"

enum { DIFF_GROUPS = 2 };

typedef struct DiffEngine DiffEngine;
struct DiffEngine {
    const char *name;
    bool on_host;      /* cases run in a process of the host's, and stop there between instructions */
    uint64_t features; /* InsnFeature bits of the CPU it models */
    /* Host address of the bytes of page n of diff_pages. */
    uint8_t *(*page)(DiffEngine *e, int page);
    /* The harness is about to change len bytes of page n. */
    void (*touched)(DiffEngine *e, int page, unsigned offset, unsigned len);
    /* Run until an exception, at most max_insns instructions; vector is DIFF_END_HUNG when there was none. */
    void (*run)(DiffEngine *e, const DiffCase *c, unsigned max_insns, DiffResult *r);
    /* Cases of which group may the case share its pages of code with? NULL: with all. */
    unsigned (*group)(DiffEngine *e, const DiffCase *c);
    void (*free)(DiffEngine *e);
    /* The engine's own supervisor pages: cases that meet them prove nothing. */
    uint32_t reserved, reserved_len;
};

/* The interpreter, with paging (PAE and NX) on, in a CPU of the model named (as in -cpu). NULL for an unknown one. */
DiffEngine *diff_engine_interp(const char *model);
/* The translator in the same world. NULL for an unknown model, or when the host has no executable memory for us. */
DiffEngine *diff_engine_translate(const char *model);
/* The same with shadow windows for all code; budget of mappings, 0: as many as the host allows. */
DiffEngine *diff_engine_windowed(const char *model, unsigned budget);
/*
 * Direct execution in the same world: what may goes through a sandbox, by split views if so asked. A case with
 * branches runs on the interpreter first, to see that it ends. NULL for an unknown model, or when the host allows no sandbox.
 */
DiffEngine *diff_engine_direct(const char *model, bool split);
/* How often it ran code in a sandbox, and with what stops. */
void diff_engine_direct_print(const DiffEngine *e, GString *out);

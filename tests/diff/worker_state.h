/*
 * The inside of a Worker: worker.c's and batch.c's.
 */
#pragma once

#include "diff/worker.h"

struct Worker {
    DiffEngine *e;
    Native *n;
    Gen *g;
    HostRules rules;
    uint8_t standing[DIFF_PAGES][4096];
    uint8_t *native[DIFF_PAGES], *engine[DIFF_PAGES];
    DiffResult host, got;
    const char *options; /* of the command that shows a case again */
    bool equal;  /* after the last run memory was the same on both sides */
    bool packed; /* cases' code is in the standing contents */
};

/* Run a case on both sides. Bits DIFFERS_*; memory is left as the case left it. */
unsigned worker_run_both(Worker *w, const DiffCase *c, WorkerStatus *s);
/* Put the memory back that the case changed. */
void worker_restore(Worker *w, const DiffCase *c);
/* Did it run through bytes that are not meant as instructions? After worker_restore(), which is needed again. */
bool worker_strayed(Worker *w, const DiffCase *c);
/* Run it on both sides and put the memory back. */
unsigned worker_try(Worker *w, const DiffCase *c);
/* A case differed by d: is there anything in it? True: no. */
bool worker_differed(Worker *w, const DiffCase *c, unsigned d, const DiffResult *host, const DiffResult *got, WorkerStatus *s,
                     GString *report, bool small);
void worker_print_memory(Worker *w, GString *out);
void worker_print_again(const Worker *w, const DiffCase *c, GString *out);

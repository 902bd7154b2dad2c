/*
 * Runs cases on the host and on an engine, side by side in one process: see worker.c.
 */
#pragma once

#include <glib.h>

#include "diff/compare.h"
#include "diff/engine.h"
#include "diff/native.h"

/* Shared between a worker process and its supervisor. */
typedef struct WorkerStatus {
    uint64_t next;  /* the case under way */
    uint64_t done, mismatches, unfinished, strays, hung;
    uint64_t pointers; /* the host lost the x87's pointers, and a later instruction used the stored ones */
    uint64_t unsteady; /* differed once, and not when run again: the host was disturbed, or an engine remembers too much */
    uint64_t rows[4096]; /* by row: cases with it */
} WorkerStatus;

typedef struct Worker Worker;

/*
 * NULL and a reason (static string) when the host cannot run cases. Takes over the engine. options: of the command that shows a
 * case again, a space before each; not taken over.
 */
Worker *worker_new(DiffEngine *e, const char *only, const char *options, const char **reason);
void worker_free(Worker *w);
/*
 * Run one case; true when equal (or when it proves nothing: s says). With report, differences are described there.
 * minimise: the case described is the smallest one found that still differs.
 */
bool worker_case(Worker *w, uint64_t seed, uint64_t index, WorkerStatus *s, GString *report, bool minimise);
/*
 * From now on cases are packed (packed.h). worker_batch() runs case number first and those behind it that belong to its batch, before
 * end, with the code of all in memory; every hundredth batch one by one. s->next: beyond them.
 */
void worker_set_packed(Worker *w);
void worker_batch(Worker *w, uint64_t seed, uint64_t first, uint64_t end, WorkerStatus *s, GString *report);
/* Describe a case whether or not it differs. */
void worker_show(Worker *w, uint64_t seed, uint64_t index, GString *out);
/* The same for a packed case among the others of its batch. */
void worker_show_in_batch(Worker *w, uint64_t seed, uint64_t index, GString *out);

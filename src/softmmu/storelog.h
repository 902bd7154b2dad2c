/*
 * A log that makes a piece of execution repeatable: for the translation cache's shadow mode.
 *
 * While Vcpu.log is set every store to guest memory is noted with the bytes that were there, every TLB entry with what it
 * held before it was filled, and every answer of a device. The first run of a block records; then its stores are undone
 * and it runs again, with the devices' answers replayed and writes to devices only compared. So devices see one run.
 *
 * A TLB entry's write tag has STORELOG_TAG set meanwhile: the inline write paths of C code do not match it and go to the
 * slow path, which notes the store; translated code takes the tag off and notes the store itself.
 */
#pragma once

#include "softmmu/region.h"
#include "vcpu.h"

#define STORELOG_TAG_BIT 40
#define STORELOG_TAG ((uint64_t)1 << STORELOG_TAG_BIT)
#define STORELOG_ROOM 512u /* stores that translated code may make without asking */

typedef struct StoreEntry {
    Hva at;
    uint32_t size; /* up to 16 */
    uint32_t walk; /* A and D bits, set by the page walk */
    uint8_t old[16];
} StoreEntry;

typedef struct StoreLog StoreLog;

/* At the start of a StoreLog, for translated code: where the next entry goes. */
typedef struct StoreLogHead {
    StoreEntry *next;
} StoreLogHead;

StoreLog *storelog_new(void);
void storelog_free(StoreLog *l);

/* Begin run 0 or 1. record: devices are asked; else what they said is replayed. Until then and after a rest nothing is noted. */
void storelog_begin(StoreLog *l, int run, bool record);
void storelog_rest(StoreLog *l);
/* size bytes at `at`, in one page, are about to be written. */
void storelog_store(StoreLog *l, Hva at, unsigned size);
/*
 * The page walk sets bits of a table entry's low byte. TLBs may differ between two runs (fetches fill them, watches take
 * permissions away), so may these bits.
 */
void storelog_walk(StoreLog *l, Hva at);
/* TLB entry n of v->tlb[idx] is about to be filled. */
void storelog_tlb(StoreLog *l, Vcpu *v, int idx, unsigned n);
/* Device accesses by bus. */
uint64_t storelog_bus_read(StoreLog *l, Bus *bus, Gpa addr, unsigned size);
void storelog_bus_write(StoreLog *l, Bus *bus, Gpa addr, uint64_t value, unsigned size);
/* Any other input, by a name: a recorded one if there is one to replay (true, *value), else remember value. */
bool storelog_replayed(StoreLog *l, const char *name, uint64_t *value);
void storelog_remember(StoreLog *l, const char *name, uint64_t value);
/* One more element of a repeated instruction is done: must it be left? The same in both runs, unlike attention. */
bool storelog_repeat(StoreLog *l, bool attention);
/* The same for INS and OUTS: after every one, for a device may ask for attention, which only one run would see. */
bool storelog_repeat_io(StoreLog *l, bool attention);

/* After a run: remember what is now where it stored; put back what was there before it; and the other way round. */
void storelog_finish(StoreLog *l, int run);
void storelog_undo(StoreLog *l, int run);
void storelog_redo(StoreLog *l, int run);
/* Put back what the run's TLB fills replaced. */
void storelog_undo_tlb(StoreLog *l, int run);
/*
 * The first entry of the run whose bytes are not what they were when it finished; NULL: none. *want: what they were. A and D
 * bits set by a page walk do not count.
 */
const StoreEntry *storelog_differs(StoreLog *l, int run, const uint8_t **want);
/* What went wrong with the inputs of the replayed run, in words; NULL: nothing. */
const char *storelog_input_error(const StoreLog *l);

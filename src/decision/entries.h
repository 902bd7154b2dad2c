/*
 * Every way by which guest user code can enter the host, and what the host does with it.
 *
 * One table serves three: the test that checks each on the machine at hand, the report of `-accel help`, and the
 * table in docs/sandbox.md. An outcome that is not among those allowed means that this host is unlike what the
 * monitor was built for, and the sandbox is not used.
 */
#pragma once

#include "decision/sandbox.h"

struct Ram;

/* What became of an entry: the instruction ran without a stop, or one of the SandboxExit. */
typedef enum EntryOutcome {
    ENTRY_RUNS, ENTRY_FAULT, ENTRY_TRAP, ENTRY_SYSCALL, ENTRY_ESCAPE, ENTRY_OTHER, ENTRY_OUTCOME_COUNT
} EntryOutcome;

/* The surroundings of an entry. */
typedef enum EntrySetup {
    ENTRY_FLAT,    /* flat segments */
    ENTRY_CODE16,  /* CS is a 16-bit segment at ENTRY_CODE */
    ENTRY_STACK16, /* SS is a 16-bit segment at ENTRY_STACK */
    ENTRY_SS_LOW,  /* SS ends where the stack begins */
    ENTRY_DS_LOW,  /* DS ends before ENTRY_DATA */
    ENTRY_CS_LOW,  /* CS ends two bytes into the code */
    ENTRY_DS_WRAP, /* DS has base FFFFF000: ENTRY_DATA is at its offset ENTRY_DATA + 1000h */
    ENTRY_DS_NULL, /* DS is a null selector */
    ENTRY_NX,      /* the code's page is mapped without execute permission */
} EntrySetup;

enum { ENTRY_CODE = 0x401000, ENTRY_DATA = 0x403000, ENTRY_STACK = 0x405000, ENTRY_RAM = 0x10000 };

typedef struct Entry {
    const char *name;
    uint8_t code[48];
    uint8_t len;
    uint8_t stop_at; /* EIP - ENTRY_CODE at a stop; for faults the instruction's own */
    uint8_t vector;  /* as SandboxStop has it, for faults and traps */
    uint8_t allowed; /* bits by EntryOutcome */
    EntrySetup setup;
    const char *note; /* what follows from it; NULL: the guest's own behaviour, nothing to do */
} Entry;

/* The table, ended by an Entry without name. */
extern const Entry entries[];

typedef struct EntryBench EntryBench;
/* A CPU, 64 KiB of RAM and a sandbox to try entries in. NULL and an error without a sandbox. Same thread rules. */
EntryBench *entry_bench_new(GError **error);
void entry_bench_free(EntryBench *b);
/* Run an entry. *stop and the bench's Vcpu tell more. Makes a new sandbox when the last one died. */
EntryOutcome entry_run(EntryBench *b, const Entry *e, SandboxStop *stop);
Vcpu *entry_bench_vcpu(EntryBench *b);
struct Ram *entry_bench_ram(EntryBench *b);
Sandbox *entry_bench_sandbox(EntryBench *b);
/* Did a stop come where and as the table says? (The outcome is checked apart.) */
bool entry_stop_is_right(const Entry *e, EntryOutcome o, const SandboxStop *stop, const Vcpu *v);
const char *entry_outcome_name(EntryOutcome o);

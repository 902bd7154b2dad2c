/*
 * What the sandbox's tests share: the bench of decision/entries.h, code given as bytes, and a skip with its reason
 * where the host forbids sandboxes.
 */
#pragma once

#include "decision/entries.h"

#include <glib.h>

#include "cpu/cpu.h"
#include "softmmu/ram.h"

typedef struct Box {
    EntryBench *bench;
    Vcpu *v;
    Ram *ram;
    SandboxStop stop;
    EntryOutcome outcome;
} Box;

/* NULL when the host allows no sandbox: the test is then marked as skipped, with the reason. */
Box *box_new(void);
void box_free(Box *b);
/* The sandbox as it is now: a new one after an escape. */
Sandbox *box_sandbox(Box *b);
/* Put code at ENTRY_CODE (HLT behind it) and a fresh flat CPL 3 state into the Vcpu, and run. */
#define box_run(b, ...) box_run_bytes(b, (const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }))
EntryOutcome box_run_bytes(Box *b, const uint8_t *code, size_t n);
/* Run on from the state as it is. */
SandboxExit box_resume(Box *b);
/* A byte of guest memory at a linear address of the bench. */
uint8_t *box_byte(Box *b, uint32_t addr);
/* Is there such a process, zombies not counted? */
bool process_lives(pid_t pid);
/* Processes below this one whose name begins with "x86vm-sandbox". */
unsigned sandboxes_alive(void);

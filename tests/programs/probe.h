/*
 * A few instructions run from a page of their own, and what came of them: every probe ends in a signal (behind its
 * code stands HLT), whose frame has the trap, all registers, the flags and the x87 state. See probe.c.
 */
#ifndef TESTS_PROGRAMS_PROBE_H
#define TESTS_PROGRAMS_PROBE_H

#include <stdint.h>

#define PROBE_CODE 0x20000000u  /* where the code is put: one page, read and execute */
#define PROBE_DATA 0x20010000u  /* EDI and ESI point here: one page */
#define PROBE_STACK 0x20020f00u /* ESP */
#define PROBE_CODE_MAX 256

typedef struct Probe {
    const char *name;
    const char
        *code; /* hexadecimal, with blanks; "..": the four bytes of the address behind it, "::" of PROBE_DATA */
    const char *hide; /* registers that are not to be shown, of "adcbflp" (EAX EDX ECX EBX flags, EIP); NULL: none */
} Probe;

/* Call once at first. */
void probe_init(void);

/* Run one and print a line: its name, the trap and what has changed. */
void probe_run(const Probe *p);

/* So long that a monitor which looks for programs that compute has noticed this one. */
void probe_compute(void);

#endif

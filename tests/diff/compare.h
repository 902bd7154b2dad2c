/*
 * What counts as equal, and how differences are shown: see compare.c.
 */
#pragma once

#include <glib.h>

#include "diff/gen.h"

enum {
    DIFFERS_GPR = 1 << 0,
    DIFFERS_EIP = 1 << 1,
    DIFFERS_FLAGS = 1 << 2,
    DIFFERS_SEL = 1 << 3,
    DIFFERS_VECTOR = 1 << 4,
    DIFFERS_ERROR = 1 << 5,
    DIFFERS_CR2 = 1 << 6,
    DIFFERS_FPU = 1 << 7,   /* control, status, tags */
    DIFFERS_ST = 1 << 8,    /* x87 and MMX registers */
    DIFFERS_FIP = 1 << 9,   /* FOP, FIP, FDP */
    DIFFERS_MXCSR = 1 << 10,
    DIFFERS_XMM = 1 << 11,
    DIFFERS_MEM = 1 << 12,  /* set by the caller, who has the memory */
};

/* What is known of the host CPU. */
typedef struct HostRules {
    bool amd;
    bool fip_always; /* FIP, FDP and FOP are saved always; else only while an unmasked exception is pending */
    bool fip_lost; /* an engine runs in a process of the host's, and a stop between two instructions loses them in that case */
    bool icebp_before; /* INT1 reports its own address, as some hypervisors have it; the CPUs report the next one */
    bool cmps_source_first; /* CMPS reads DS:ESI before ES:EDI, as AMD's family 1Ah does; others, and our engines, the other way round */
} HostRules;

/* Bits DIFFERS_* between what the host made of the case and what the engine made of it; rows: DiffCase.row. */
unsigned diff_compare(const HostRules *rules, const DiffResult *host, const DiffResult *engine, const uint16_t *rows, int nrows);
/* Did the host take a value of MXCSR that the model refuses (AMD's bit 17)? What follows can not be compared. */
bool diff_mxcsr_is_hosts(const DiffResult *host, const uint16_t *rows, int nrows);
/* Does the row leave flags behind that undefined.def lists? Then it must be a case's last. */
bool diff_row_undefined(uint16_t row);
/* "gpr eflags": the names of the bits. */
void diff_names(unsigned bits, GString *out);
/* Print case and results; lines start with '#', as TAP asks. disassembly by gen's decoder. */
void diff_print_case(const Gen *g, const DiffCase *c, GString *out);
void diff_print_results(const DiffCase *c, const DiffResult *host, const DiffResult *engine, GString *out);

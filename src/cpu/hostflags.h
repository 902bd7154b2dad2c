/*
 * Running an instruction on the host for its result and flags.
 *
 * The arithmetic flags live in Vcpu.cc as LAHF and SETO leave them (AH, AL). FLAGS_OUT collects them after an
 * instruction; FLAGS_IN restores all six before one (adding 0x7f to AL sets OF when AL was 1; SAHF leaves OF alone);
 * CARRY_IN restores CF only. Undefined flags thus come out as this host's CPU makes them.
 */
#pragma once

#define FLAGS_OUT "\n\tlahf\n\tseto %%al"
#define FLAGS_IN "addb $0x7f, %%al\n\tsahf\n\t"
#define CARRY_IN "btl $8, %%eax\n\t"

/* Integers in guest memory need not be aligned. */
typedef uint8_t Mem8;
typedef uint16_t __attribute__((aligned(1), may_alias)) Mem16;
typedef uint32_t __attribute__((aligned(1), may_alias)) Mem32;
typedef uint64_t __attribute__((aligned(1), may_alias)) Mem64;

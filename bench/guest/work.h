/*
 * The benchmarks' programs: one static i386 binary, which runs a workload and prints its time and checksum.
 *
 *     work [-scale X] NAME...       on any Linux
 *     as /init of a guest: the names and the scale come from the kernel's command line (work=NAME,NAME scale=X)
 *
 * A workload does n rounds of the same thing, from the same start, and returns a checksum that depends on all of it: equal
 * everywhere, or something is wrong. The n of its row is for about a quarter of a second on a native CPU, less where an
 * emulator is much slower than that.
 */
#pragma once

#include <stdint.h>

typedef struct Workload {
    const char *name;
    uint32_t (*run)(unsigned n);
    unsigned n;
} Workload;

/* Ended by a NULL name. */
extern const Workload work_compute[], work_system[], work_programs[];

uint32_t nbody_x87(unsigned n);
uint32_t nbody_sse(unsigned n);
uint32_t work_shell(unsigned n);

/* What is not taken from a workload's checksum alone: end the program when ok is false. */
void work_need(int ok, const char *what);

static inline uint32_t work_mix(uint32_t sum, uint32_t value)
{
    return (sum ^ value) * 16777619u; /* FNV-1 */
}

static inline uint32_t work_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/*
 * The bench on which a bare CPU runs a small guest: RAM, an optional ROM, no devices but three test ports.
 *
 *     port CPU_PORT_LOG (0xe9): every byte written is appended to log
 *     port CPU_PORT_VALUE (0x1e0): every 32-bit value written is appended to values
 *     port CPU_PORT_INTR (0x1e4): a write raises INTR with that vector, to be acknowledged once; a write of 0x100 raises NMI
 *
 * Reading CPU_PORT_VALUE gives 0x11223344, then each time one more.
 */
#pragma once

#include "cpu/cpu.h"

enum { CPU_PORT_LOG = 0xe9, CPU_PORT_VALUE = 0x1e0, CPU_PORT_INTR = 0x1e4 };

typedef struct CpuBench {
    Vcpu *v;
    Bus *mem, *io;
    Ram *ram;
    CpuModel *model;
    GString *log;
    GArray *values; /* uint32_t */
    uint32_t next_in;
    int vector;     /* of the INTR that is pending, or -1 */
    unsigned shutdowns;
} CpuBench;

/* A CPU of the model (-cpu syntax), reset, with ram_size bytes of RAM. */
CpuBench *cpu_bench_new(const char *model, uint64_t ram_size);
void cpu_bench_free(CpuBench *b);

/* Put bytes into RAM at a physical address. */
void cpu_bench_load(CpuBench *b, Gpa addr, const void *bytes, size_t n);

/* Start in real mode at sel:off with a stack at sel:sp, all other segments sel too. */
void cpu_bench_start(CpuBench *b, uint16_t sel, uint16_t off, uint16_t sp);

/*
 * Start at linear address `at` in flat 32-bit segments, at CPL 0, with SSE on, all registers but EIP known but useless, and all RAM mapped one to
 * one, writable, by a page directory at `tables` and the page tables behind it: (uint32_t) RAM[tables + PAGE_SIZE] is page 0's entry.
 */
void cpu_bench_start_flat(CpuBench *b, uint32_t at, uint32_t tables);

/* Nth value that the guest wrote to CPU_PORT_VALUE; aborts the test when there are fewer. */
uint32_t cpu_bench_value(const CpuBench *b, unsigned n);

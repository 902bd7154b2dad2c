/*
 * Descriptor tables. Segments are flat, so that paging alone protects: the four of them only tell ring 0 from ring 3.
 * The TSS is there for ESP0, the stack on which the CPU enters the kernel, and denies all I/O ports to ring 3 and
 * V8086 tasks.
 */
#include "kernel/kernel.h"

#define INTERRUPT_GATE 0x8e00u /* present, 32-bit, clears IF (SDM 3A 6.11) */
#define DPL3 0x6000u
#define VECTORS 256
#define STUBS 48
#define VECTOR_BREAKPOINT 3
#define VECTOR_OVERFLOW 4

typedef struct Gate {
    uint16_t offset_low, selector, type, offset_high;
} Gate;

typedef struct Tss {
    uint32_t link, esp0, ss0;
    uint32_t unused[22];
    uint16_t trap, io_bitmap;
} Tss;

typedef struct __attribute__((packed)) TablePointer {
    uint16_t limit;
    const void *base;
} TablePointer;

extern const uint32_t stubs[STUBS + 1];

static uint64_t gdt[] = {
    0,
    0x00cf9a000000ffff, /* KERNEL_CODE */
    0x00cf92000000ffff, /* KERNEL_DATA */
    0x00cffa000000ffff, /* USER_CODE */
    0x00cff2000000ffff, /* USER_DATA */
    0,                  /* TSS_SELECTOR */
};
static Gate idt[VECTORS];
static Tss tss;

static void gate_set(unsigned vector, uint32_t handler, uint16_t dpl)
{
    idt[vector] = (Gate){handler, KERNEL_CODE, INTERRUPT_GATE | dpl, handler >> 16};
}

static uint64_t tss_descriptor(uint32_t base, uint32_t limit)
{
    return limit | (uint64_t)(base & 0xffffff) << 16 | 0x89ull << 40 | (uint64_t)(base >> 24) << 56;
}

void segments_init(void)
{
    for (unsigned n = 0; n < STUBS; n++)
        gate_set(n, stubs[n], n == VECTOR_BREAKPOINT || n == VECTOR_OVERFLOW ? DPL3 : 0);
    gate_set(SYSCALL_VECTOR, stubs[STUBS], DPL3);
    tss.ss0 = KERNEL_DATA;
    tss.io_bitmap = sizeof tss; /* beyond the limit: no port is allowed (SDM 1, 19.5.2) */
    gdt[TSS_SELECTOR / 8] = tss_descriptor((uint32_t)&tss, sizeof tss - 1);

    TablePointer gdt_pointer = {sizeof gdt - 1, gdt}, idt_pointer = {sizeof idt - 1, idt};
    asm volatile("lgdt %0\n lidt %1\n"
                 "ljmp %2, $1f\n 1:\n"
                 "movl %3, %%ds\n movl %3, %%es\n movl %3, %%ss\n movl %4, %%fs\n movl %4, %%gs\n"
                 "ltr %w5"
                 : : "m"(gdt_pointer), "m"(idt_pointer), "i"(KERNEL_CODE), "r"(KERNEL_DATA), "r"(0), "r"(TSS_SELECTOR)
                 : "memory");
}

void segments_set_kernel_stack(uint32_t esp0)
{
    tss.esp0 = esp0;
}

void segments_forget(void)
{
    TablePointer none = {0, NULL};
    asm volatile("lidt %0" : : "m"(none));
}

/*
 * The kernel's first instructions: 32-bit, flat, paging off, running at KERNEL_PHYSICAL but linked for KERNEL_BASE
 * above it. ESI is the file system's first sector, EDI the memory in KiB.
 *
 * It builds the page directory that all others copy their upper quarter from: 4 MiB pages, global, supervisor only.
 */
#include "kernel/layout.h"

#define PHYSICAL(symbol) ((symbol) - KERNEL_BASE)
#define LARGE_PAGE 0x83        /* present, writable, 4 MiB (SDM 3A 4.3) */
#define LARGE_GLOBAL_PAGE 0x183
#define CR0_BITS 0x80010023    /* PG; WP: read-only binds the kernel too; NE, MP: x87 errors are exceptions; PE */
#define CR4_BITS 0x00000690    /* PSE, PGE, OSFXSR, OSXMMEXCPT */

    .section .start, "ax"
    .globl start
start:
    cld
    movl %edi, %ebx
    xorl %eax, %eax
    movl $PHYSICAL(bss_start), %edi
    movl $PHYSICAL(bss_end), %ecx
    subl %edi, %ecx
    rep stosb

    movl $LARGE_PAGE, PHYSICAL(kernel_directory)  /* the ground under our feet, until the jump below */
    movl $LARGE_GLOBAL_PAGE, %eax
    movl $PHYSICAL(kernel_directory) + KERNEL_BASE / 0x400000 * 4, %edi
    movl $DIRECT_MAP_MIB / 4, %ecx
1:  stosl
    addl $0x400000, %eax
    loop 1b

    movl $CR4_BITS, %eax
    movl %eax, %cr4
    movl $PHYSICAL(kernel_directory), %eax
    movl %eax, %cr3
    movl $CR0_BITS, %eax
    movl %eax, %cr0
    movl $1f, %eax
    jmp *%eax
1:  movl $0, kernel_directory
    movl %cr3, %eax
    movl %eax, %cr3
    movl $first_stack + 4096, %esp
    pushl %esi
    pushl %ebx
    call kernel_main

    .bss
    .balign 4096
    .globl kernel_directory
kernel_directory: .skip 4096
first_stack: .skip 4096
    .section .note.GNU-stack, "", @progbits

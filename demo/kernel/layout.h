/*
 * Where things are. Processes have the lower 3 GiB of every address space; the kernel has the upper, where all of RAM
 * (256 MiB of it at most) appears once more, from KERNEL_BASE on. So the kernel reaches any frame without mapping it.
 *
 *   00000000  V8086 tasks: interrupt vectors, BIOS data, their 64 KiB, video memory, ROMs.
 *             Not mapped in others, so null pointers fault
 *   00400000  program: code (read-only) and data
 *   10000000  what map() gave
 *   bffef000  stack, 64 KiB
 *   c0000000  RAM, for the kernel only
 */
#ifndef DEMO_LAYOUT_H
#define DEMO_LAYOUT_H

#define KERNEL_BASE 0xc0000000
#define KERNEL_PHYSICAL 0x10000
#define KERNEL_PHYSICAL_END 0x90000
#define DIRECT_MAP_MIB 256

#define MAP_BASE 0x10000000
#define STACK_TOP 0xbffff000
#define STACK_BYTES 0x10000

#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_CODE 0x1b /* RPL 3 */
#define USER_DATA 0x23
#define TSS_SELECTOR 0x28

#define SYSCALL_VECTOR 0x80

#endif

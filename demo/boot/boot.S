/*
 * The boot sector: the BIOS reads it to 0000:7C00 and jumps to it in real mode, with the drive's number in DL.
 *
 * It reads the kernel from the sectors behind it to KERNEL_PHYSICAL, asks the BIOS how much memory there is, and
 * enters protected mode. mkdisk fills in the two numbers at offset 4.
 */
#include "kernel/layout.h"

#define CHUNK 64 /* sectors read at once: 32 KiB never cross a 64 KiB boundary, which some BIOSes' DMA could not */
#define CODE 0x08
#define DATA 0x10

    .code16
    .globl _start
_start:
    jmp begin
    .org 4
left: .word 0      /* sectors of the kernel still to read */
files: .word 0     /* first sector of the file system */

begin:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp
    sti
    cld
    movw $greeting, %si
    call print

    /* INT 13h AH=42h: extended read. DS:SI is the packet below, DL the drive. */
read:
    movw left, %ax
    testw %ax, %ax
    jz loaded
    cmpw $CHUNK, %ax
    jbe 1f
    movw $CHUNK, %ax
1:  movw %ax, packet_count
    pushw %ax
    movw $packet, %si
    movb $0x42, %ah
    int $0x13
    popw %ax
    jc failed
    subw %ax, left
    addw %ax, packet_sector
    shlw $5, %ax /* sectors to paragraphs */
    addw %ax, packet_segment
    jmp read

failed:
    movw $sorry, %si
    call print
1:  hlt
    jmp 1b

    /* INT 15h AX=E801h: KiB from 1 to 16 MiB in CX, 64 KiB blocks above in DX. */
loaded:
    xorl %ecx, %ecx
    xorl %edx, %edx
    movw $0xe801, %ax
    int $0x15
    shll $6, %edx
    leal 1024(%edx,%ecx), %edi
    movzwl files, %esi

    inb $0x92, %al /* address line 20 on */
    orb $2, %al
    outb %al, $0x92

    cli
    lgdt gdt_pointer
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmp $CODE, $protected

print: /* INT 10h AH=0Eh: teletype */
    lodsb
    testb %al, %al
    jz 1f
    movb $0x0e, %ah
    movw $7, %bx
    int $0x10
    jmp print
1:  ret

    .code32
protected:
    movw $DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movl $KERNEL_PHYSICAL, %eax
    jmp *%eax

    .balign 8
gdt: /* flat: base 0, limit 4 GiB */
    .quad 0
    .quad 0x00cf9a000000ffff
    .quad 0x00cf92000000ffff
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt

packet:
    .byte 16, 0
packet_count: .word 0
    .word 0
packet_segment: .word KERNEL_PHYSICAL / 16
packet_sector: .quad 1

greeting: .asciz "Loading the demo system\r\n"
sorry: .asciz "The disk cannot be read.\r\n"

    .org 510
    .word 0xaa55
    .section .note.GNU-stack, "", @progbits

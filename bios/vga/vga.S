/* The VGA BIOS's shell: option ROM header, entry of INT 10h into C, the protected-mode interface of VBE, fonts. */

#include "bios/enter.h"

#define REGS_SIZE 40

    .code16
    .section .header, "ax"
    .globl vga_header
vga_header:
    .byte 0x55, 0xaa
    .byte vga_blocks
    jmp vga_init
    .org 0x18
    .word pcir
    .org 0x1e
    .asciz "IBM compatible VGA BIOS of x86vm"
    .balign 4
pcir:                                   /* PCI 2.1, 6.3.1.2 */
    .ascii "PCIR"
    .word 0x1234, 0x1111
    .word 0
    .word 0x18
    .byte 0
    .byte 0x00, 0x00, 0x03              /* VGA controller */
    .word vga_blocks
    .word 1
    .byte 0, 0x80
    .word 0

    .text
vga_init:                               /* far-called by POST */
    pushfw
    cli
    enter_c
    calll vga_post
    leave_c
    popfw
    lretw

    .globl int10_entry
int10_entry:
    pushw $0
    enter_c
    movl %esp, %eax
    calll int10
    leave_c
    leaw 2(%esp), %sp
    iretw

/* VBE window function, far-called in real mode: BH 0 set, 1 get; DX the 64 KiB bank (VBE 3.0, 4F05h). */
    .globl vbe_window_far
vbe_window_far:
    pushw %dx
    pushw %ax
    movw $0x1ce, %dx
    movw $5, %ax
    outw %ax, %dx
    incw %dx
    testb %bh, %bh
    jnz 1f
    popw %ax
    popw %dx
    pushw %dx
    pushw %ax
    movw %dx, %ax
    movw $0x1cf, %dx
    outw %ax, %dx
    popw %ax
    popw %dx
    movw $0x004f, %ax
    lretw
1:  inw %dx, %ax
    popw %dx                            /* AX's */
    popw %dx
    movw %ax, %dx
    movw $0x004f, %ax
    lretw

/* VBE 2.0 protected-mode interface (4F0Ah): position-independent 32-bit code, copied by the caller. */
    .section .rom, "a"
    .balign 4
    .globl vbe_pm_start, vbe_pm_end
vbe_pm_start:
    .word pm_window - vbe_pm_start
    .word pm_start - vbe_pm_start
    .word pm_palette - vbe_pm_start
    .word pm_ports - vbe_pm_start
pm_ports:
    .word 0x1ce, 0x1cf, 0x3c6, 0x3c7, 0x3c8, 0x3c9, 0x3da, 0xffff
    .word 0xffff
    .code32
pm_window:                              /* 4F05h: BH 0 set, 1 get; DX the bank */
    pushl %edx
    movw $0x1ce, %dx
    movw $5, %ax
    outw %ax, %dx
    incl %edx
    testb %bh, %bh
    jnz 1f
    movl (%esp), %eax
    outw %ax, %dx
    popl %edx
    movw $0x004f, %ax
    ret
1:  inw %dx, %ax
    addl $4, %esp
    movzwl %ax, %edx
    movw $0x004f, %ax
    ret
pm_start:                               /* 4F07h: DX:CX the start in units of 4 bytes */
    pushal
    movzwl %cx, %ecx
    shll $16, %edx
    orl %edx, %ecx
    shll $2, %ecx
    movw $0x1ce, %dx
    movw $6, %ax                        /* virtual width, in pixels */
    outw %ax, %dx
    incl %edx
    inw %dx, %ax
    movzwl %ax, %ebx
    decl %edx
    movw $3, %ax                        /* bits per pixel */
    outw %ax, %dx
    incl %edx
    xorl %eax, %eax
    inw %dx, %ax
    addl $7, %eax
    shrl $3, %eax
    movl %eax, %esi
    imull %eax, %ebx                    /* bytes per line */
    testl %ebx, %ebx
    jz 1f
    movl %ecx, %eax
    xorl %edx, %edx
    divl %ebx
    movl %eax, %edi
    movl %edx, %eax
    xorl %edx, %edx
    divl %esi
    movl %eax, %ebx
    movw $0x1ce, %dx
    movw $8, %ax
    outw %ax, %dx
    incl %edx
    movw %bx, %ax
    outw %ax, %dx
    decl %edx
    movw $9, %ax
    outw %ax, %dx
    incl %edx
    movw %di, %ax
    outw %ax, %dx
1:  popal
    movw $0x004f, %ax
    ret
pm_palette:                             /* 4F09h: ES:EDI entries blue, green, red, 0; CX of them from DX */
    cmpb $0x80, %bl
    je 1f
    testb %bl, %bl
    jz 1f
    movw $0x014f, %ax
    ret
1:  pushal
    movzwl %cx, %ecx
    jecxz 3f
    movb %dl, %al
    movw $0x3c8, %dx
    outb %al, %dx
    incl %edx
2:  movb %es:2(%edi), %al
    outb %al, %dx
    movb %es:1(%edi), %al
    outb %al, %dx
    movb %es:(%edi), %al
    outb %al, %dx
    addl $4, %edi
    decl %ecx
    jnz 2b
3:  popal
    movw $0x004f, %ax
    ret
vbe_pm_end:

    .globl vga_font8, vga_font14, vga_font16
    .include "bios/fonts.inc"
    .section .note.GNU-stack, "", @progbits

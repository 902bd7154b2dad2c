/* BIOS32 service directory (PCI BIOS 2.1, 3.2) and the 32-bit entries behind it. Far-called with a flat or F0000-based
 * CS; nothing but the stack may be touched, and that through SS. */
#include "bios/layout.h"

    .section .rom, "a"
    .balign 16
    .globl bios32_header
bios32_header:
    .ascii "_32_"
    .long BIOS_LINEAR + bios32_entry
    .byte 0, 1, 0, 0, 0, 0, 0, 0

    .text
    .code32
    .balign 16
bios32_entry:                           /* EAX: service; returns AL, EBX base, ECX length, EDX offset */
    pushfl
    cmpl $0x49435024, %eax              /* "$PCI" */
    jne 1f
    testl %ebx, %ebx
    jnz 2f
    movl $BIOS_LINEAR, %ebx
    movl $0x10000, %ecx
    movl $pci32_entry, %edx
    movb $0, %al
    popfl
    lretl
1:  movb $0x80, %al                     /* not present */
    popfl
    lretl
2:  movb $0x81, %al                     /* function not implemented */
    popfl
    lretl

pci32_entry:
    pushfl
    cli
    pushal
    pushl %ds
    pushl %ss
    popl %ds
    cld
    leal 4(%esp), %eax
    cmpb $0xb1, 1+28(%eax)              /* AH */
    movb $0x81, %cl
    jne 1f
    call pcibios_call32
    movb %al, %cl
1:  popl %ds
    movb %cl, 29(%esp)                  /* AH */
    testb %cl, %cl
    popal
    jnz 2f
    popfl
    clc
    lretl
2:  popfl
    stc
    lretl
    .section .note.GNU-stack, "", @progbits

/* APM's protected-mode entries: far-called with CS based at F0000. The same code, assembled for 16 and for 32 bits;
 * it uses registers, the stack and constants in CS. */
    .section .rom, "a"
    .globl apm_pm_base
    .balign 4
apm_pm_base:
    .word 0

    .text
    .macro apm_body suffix
    .globl apm_entry\suffix
apm_entry\suffix:
    cmpb $0x05, %al
    je 5f
    cmpb $0x07, %al
    je 7f
    cmpb $0x0a, %al
    je 10f
    cmpb $0x0b, %al
    je 11f
    cmpb $0x0c, %al
    je 12f
    cmpb $0x0e, %al
    je 14f
    cmpb $0x0f, %al
    ja 9f
    movb $0, %ah
    clc
    lret
5:  sti
    hlt
    clc
    lret
7:  cmpw $1, %bx
    jne 1f
    cmpw $3, %cx
    jne 1f
    pushw %dx
    movw %cs:apm_pm_base, %dx
    testw %dx, %dx
    jz 2f
    addw $4, %dx
    movw $0x2000, %ax
    outw %ax, %dx
2:  popw %dx
1:  movb $0, %ah
    clc
    lret
10: movw $0x01ff, %bx
    movw $0xffff, %cx
    movw $0xffff, %dx
    clc
    lret
11: movb $0x80, %ah
    stc
    lret
12: xorw %cx, %cx
    movb $0, %ah
    clc
    lret
14: movw $0x0102, %ax
    clc
    lret
9:  movb $0x09, %ah
    stc
    lret
    .endm

    .code16
    apm_body 16
    .code32
    apm_body 32
    .section .note.GNU-stack, "", @progbits

/* A disk's boot sector: says on the debug port that it was booted, with DL, and ends the machine with status 0. */
    .code16
    .globl _start
_start:
    mov %dl, %bl
    mov $0x402, %dx
    mov $text, %si
    add $0x7c00, %si
1:  lodsb %cs:(%si)
    test %al, %al
    jz 2f
    out %al, %dx
    jmp 1b
2:  mov %bl, %al
    shr $4, %al
    call digit
    mov %bl, %al
    call digit
    mov $10, %al
    out %al, %dx
    mov $0x501, %dx
    xor %al, %al
    out %al, %dx
3:  hlt
    jmp 3b
digit:
    and $15, %al
    cmp $10, %al
    sbb $0x69, %al
    das
    out %al, %dx
    ret
text: .asciz "\nbooted from drive "
    .org 446 + 4
    .byte 0x83
    .org 510
    .word 0xaa55
    .section .note.GNU-stack, "", @progbits

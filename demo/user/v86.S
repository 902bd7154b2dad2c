/*
 * A program of the 1980s: 16 bits, a .COM file of DOS, run as a V8086 task. It asks the BIOS for the size of memory
 * (INT 12h), the video mode (INT 10h), the equipment (INT 11h) and the time (INT 1Ah), computes a little, and prints
 * by DOS (INT 21h).
 */
    .code16
    .globl start
start:
    movw $hello, %dx
    call print

    int $0x12
    movw $memory, %dx
    call print_value

    movb $0x0f, %ah
    int $0x10
    movb $0, %ah
    movw $video, %dx
    call print_value

    int $0x11
    andw $0x30, %ax /* initial video: 20h is colour, 80 columns */
    shrw $4, %ax
    movw $equipment, %dx
    call print_value

    movw $time, %dx
    call print
    movb $0x02, %ah
    int $0x1a
    pushw %cx
    movb %ch, %al
    call print_bcd
    movb $':', %dl
    call print_char
    popw %cx
    movb %cl, %al
    call print_bcd
    movw $new_line, %dx
    call print

    /* the greatest square below 10000 by adding odd numbers, many times over */
    movw $200, %cx
again:
    xorw %ax, %ax
    movw $1, %bx
1:  addw %bx, %ax
    addw $2, %bx
    cmpw $10000, %ax
    jb 1b
    loop again
    shrw $1, %bx
    xchgw %ax, %bx
    movw $root, %dx
    call print_value

    pushfw /* sensitive: the task sees its own interrupt flag, not the machine's */
    cli
    pushfw
    popw %ax
    popfw
    shrw $9, %ax
    andw $1, %ax
    movw $flag, %dx
    call print_value

    movw $0x4c00, %ax
    int $0x21

print:
    movb $0x09, %ah
    int $0x21
    ret

print_char:
    movb $0x02, %ah
    int $0x21
    ret

print_value: /* the text at DX, AX in decimal, a new line */
    pushw %ax
    call print
    popw %ax
    call print_decimal
    movw $new_line, %dx
    jmp print

print_decimal:
    xorw %dx, %dx
    movw $10, %bx
    divw %bx
    pushw %dx
    testw %ax, %ax
    jz 1f
    call print_decimal
1:  popw %dx
    addb $'0', %dl
    jmp print_char

print_bcd:
    pushw %ax
    movb %al, %dl
    shrb $4, %dl
    addb $'0', %dl
    call print_char
    popw %ax
    movb %al, %dl
    andb $15, %dl
    addb $'0', %dl
    jmp print_char

hello: .ascii "Hello from 16 bits.\r\n$"
memory: .ascii "INT 12h: KiB of memory: $"
video: .ascii "INT 10h: video mode: $"
equipment: .ascii "INT 11h: initial video mode: $"
time: .ascii "INT 1Ah: the time: $"
root: .ascii "square root of 10000: $"
flag: .ascii "interrupt flag after CLI: $"
new_line: .ascii "\r\n$"
    .section .note.GNU-stack, "", @progbits

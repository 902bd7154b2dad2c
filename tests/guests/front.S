/*
 * A boot sector for tests of the command line. It says "front" on COM1, "e" to port E9h, "b" to port 402h, and then obeys
 * letters from COM1: q powers off, r resets, x writes 21 to port F4h (isa-debug-exit: status 43), any other is echoed.
 */
    .code16
    .globl _start
_start:
    ljmp $0, $1f
1:  cli                      /* with -nographic the BIOS takes what comes by COM1 for its keyboard */
    xor %ax, %ax
    mov %ax, %ds
    mov $'e', %al
    out %al, $0xe9
    mov $'b', %al
    mov $0x402, %dx
    out %al, %dx
    mov $text, %si
2:  lodsb
    test %al, %al
    jz 3f
    call put
    jmp 2b
3:  mov $0x3fd, %dx          /* line status: data ready */
    in %dx, %al
    test $1, %al
    jz 3b
    mov $0x3f8, %dx
    in %dx, %al
    cmp $'q', %al
    je off
    cmp $'r', %al
    je reset
    cmp $'x', %al
    je exit
    call put
    jmp 3b
put:
    mov %al, %ah
    mov $0x3fd, %dx
4:  in %dx, %al
    test $0x20, %al          /* transmitter empty */
    jz 4b
    mov %ah, %al
    mov $0x3f8, %dx
    out %al, %dx
    ret
off:                         /* SLP_EN, SLP_TYP 0: PMBASE is 600h (docs/board.md) */
    mov $0x2000, %ax
    mov $0x604, %dx
    out %ax, %dx
    jmp 3b
reset:
    mov $0xfe, %al
    out %al, $0x64
    hlt
exit:
    mov $21, %al
    out %al, $0xf4
    hlt
text:
    .asciz "front\r\n"
    .org 510
    .word 0xaa55

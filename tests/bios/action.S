/* A boot sector that does one thing, chosen by ACTION, which should end it: 1 Ctrl-Alt-Del at the keyboard, 2 APM power-off,
 * 3 INT 18h, 4 a reset through port 92h with shutdown code 0Ah, which comes back here. Says so when it is still there. */
    .code16
    .globl _start
_start:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7c00, %sp
    sti
#if ACTION == 1
    mov $0x1d, %al
    call key
    mov $0x38, %al
    call key
    mov $0x53, %al
    call key
#elif ACTION == 2
    mov $0x5301, %ax
    xor %bx, %bx
    int $0x15
    mov $0x5307, %ax
    mov $1, %bx
    mov $3, %cx
    int $0x15
#elif ACTION == 3
    int $0x18
#elif ACTION == 4
    cli
    movw $back, 0x467
    movw $0, 0x469
    mov $0x0f, %al
    out %al, $0x70
    mov $0x0a, %al
    out %al, $0x71
    mov $0xfe, %al
    out %al, $0x64
1:  hlt
    jmp 1b
back:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7c00, %sp
    mov $0x0800, %ax                    /* the services are still there */
    mov $0x80, %dl
    int $0x13
    mov $came_back, %si
    jnc say
#endif
    mov $20, %cx
2:  hlt
    loop 2b
    mov $text, %si
say:
    mov $0x402, %dx
3:  lodsb
    out %al, %dx
    test %al, %al
    jnz 3b
    mov $0x501, %dx
    xor %al, %al
    out %al, %dx
    hlt
key:
    mov %al, %ah
4:  in $0x64, %al
    test $3, %al
    jnz 4b
    mov $0xd2, %al
    out %al, $0x64
5:  in $0x64, %al
    test $2, %al
    jnz 5b
    mov %ah, %al
    out %al, $0x60
    ret
text: .asciz "\nstill here\n"
came_back: .asciz "\ncame back\n"
    .org 510
    .word 0xaa55
    .section .note.GNU-stack, "", @progbits

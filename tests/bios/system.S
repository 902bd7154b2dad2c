/* Included by services.S. INT 14h, 15h, 17h. */

test_serial:
    mov $0x00e3, %ax
    mov $0, %dx
    int $0x14
    test $0x60, %ah
    isnt "14/00: transmitter empty"
    mov $0x3fc, %dx                 /* loopback */
    mov $0x10, %al
    out %al, %dx
    mov $0x0155, %ax
    mov $0, %dx
    int $0x14
    test $0x80, %ah
    is "14/01: sent"
    mov $0x0200, %ax
    mov $0, %dx
    int $0x14
    eq $0x55, %al, "14/02: received"
    mov $0x3fc, %dx
    mov $0x03, %al
    out %al, %dx
    mov $0x0300, %ax
    mov $0, %dx
    int $0x14
    test $0x20, %ah
    isnt "14/03: status"
    mov $0x0100, %ax
    mov $0, %dx
    int $0x17
    test $0x08, %ah
    is "17/01: printer without error"
    ret

test_system:
    mov $BUF, %ax
    mov %ax, %es
    xor %edi, %edi
    xor %ebx, %ebx
    mov $0xe820, %eax
    mov $0x534d4150, %edx
    mov $20, %ecx
    int $0x15
    ok "15/E820"
    eq $0x534d4150, %eax, "15/E820: SMAP"
    eq $20, %ecx, "15/E820: 20 bytes"
    cmpl $1, %es:16
    is "15/E820: RAM first"
    xor %ebp, %ebp
1:  mov $0xe820, %eax
    mov $0x534d4150, %edx
    mov $20, %ecx
    int $0x15
    jc 2f
    cmpl $0x100000, %es:0
    jne 3f
    mov %es:8, %ebp
3:  test %ebx, %ebx
    jnz 1b
2:  cmp $0x1e00000, %ebp
    ok "15/E820: above 1 MiB"
    mov $0xe801, %ax
    int $0x15
    ok "15/E801"
    eq $15360, %ax, "15/E801: 15 MiB below 16"
    mov $0x8800, %ax
    int $0x15
    cmp $15360, %ax
    ok "15/88"
    /* block move: the boot sector to 2 MiB and from there to BUF */
    mov $table, %si
    xor %ax, %ax
    mov %ax, %es
    movl $0x93007c00, table + 0x12
    movl $0x93200000, table + 0x1a
    mov $0x8700, %ax
    mov $256, %cx
    int $0x15
    ok "15/87: up"
    movl $0x93200000, table + 0x12
    movl $(0x93000000 + BUF * 16), table + 0x1a
    mov $0x8700, %ax
    mov $256, %cx
    int $0x15
    ok "15/87: down"
    mov $BUF, %ax
    mov %ax, %fs
    cmpw $0xaa55, %fs:510
    is "15/87: arrived"
    mov $0x2402, %ax
    int $0x15
    eq $1, %al, "15/2402: A20 is on"
    mov $0x2400, %ax
    int $0x15
    mov $0x2402, %ax
    int $0x15
    eq $0, %al, "15/2400: off"
    mov $0x2401, %ax
    int $0x15
    ok "15/2401: on"
    mov $0x2403, %ax
    int $0x15
    test $2, %bl
    isnt "15/2403: port 92h"
    mov $0xc000, %ax
    int $0x15
    ok "15/C0"
    cmpb $0xfc, %es:2(%bx)
    is "15/C0: AT"
    mov $0xc100, %ax
    int $0x15
    mov %es, %ax
    eq %ax, 0x40e, "15/C1: EBDA"
    xor %ax, %ax
    mov %ax, %es
    mov $0xc205, %ax
    mov $3, %bh
    int $0x15
    ok "15/C205: mouse"
    mov $0xc204, %ax
    int $0x15
    eq $0, %bh, "15/C204: id 0"
    mov $0xc207, %ax
    mov $mouse_handler, %bx
    int $0x15
    ok "15/C207: handler"
    mov $0xc200, %ax
    mov $1, %bh
    int $0x15
    ok "15/C200: enabled"
    cli                             /* a packet, as if from the mouse: command D3h */
    mov $0x08, %al
    call aux_byte
    mov $0x11, %al
    call aux_byte
    mov $0x22, %al
    call aux_byte
    sti
    call settle
    cmpw $0x0008, mouse_status
    is "74, 15/C207: status"
    cmpw $0x0011, mouse_x
    is "74, 15/C207: X"
    cmpw $0x0022, mouse_y
    is "74, 15/C207: Y"
    mov $0xc200, %ax
    mov $0, %bh
    int $0x15
    mov $0x8600, %ax
    mov $0, %cx
    mov $2000, %dx
    int $0x15
    ok "15/86: wait"
    movb $0, event
    mov $0x8300, %ax
    mov $0, %cx
    mov $3000, %dx
    mov $event, %bx
    int $0x15
    ok "15/83"
    mov $60, %cx
4:  testb $0x80, event
    jnz 5f
    hlt
    loop 4b
5:  testb $0x80, event
    isnt "70, 15/83: event"
    mov $0x4f1e, %ax
    stc
    int $0x15
    fails "15/4F: key goes on"
    eq $0x1e, %al, "15/4F: unchanged"
    mov $0x5300, %ax
    mov $0, %bx
    int $0x15
    ok "15/5300: APM"
    eq $0x504d, %bx, "15/5300: PM"
    eq $0x0102, %ax, "15/5300: 1.2"
    mov $0x5303, %ax
    mov $0, %bx
    int $0x15
    ok "15/5303: 32-bit connection"
    mov $0xee00, %ax
    int $0x15
    fails "15/EE: no such function"
    eq $0x86, %ah, "15/EE: 86h"
    ret
    .balign 8
table:
    .quad 0, 0
    .quad 0x000093000000ffff, 0x000093000000ffff, 0, 0
event: .byte 0
mouse_status: .word 0
mouse_x: .word 0
mouse_y: .word 0
mouse_handler:
    push %bp
    mov %sp, %bp
    mov 12(%bp), %ax
    mov %ax, %cs:mouse_status
    mov 10(%bp), %ax
    mov %ax, %cs:mouse_x
    mov 8(%bp), %ax
    mov %ax, %cs:mouse_y
    pop %bp
    lret
aux_byte:                           /* AL; waits until the one before has been taken */
    mov %al, %ah
    sti
1:  in $0x64, %al
    test $3, %al
    jnz 1b
    mov $0xd3, %al
    out %al, $0x64
2:  in $0x64, %al
    test $2, %al
    jnz 2b
    mov %ah, %al
    out %al, $0x60
    ret
settle:                             /* three ticks */
    mov $3, %cx
1:  hlt
    loop 1b
    ret

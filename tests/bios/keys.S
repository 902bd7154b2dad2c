/* Included by services.S. INT 09h and 16h. */

/* A scan code, as if from the keyboard: controller command D2h. */
key:
    mov %al, %ah
1:  in $0x64, %al
    test $3, %al
    jnz 1b
    mov $0xd2, %al
    out %al, $0x64
2:  in $0x64, %al
    test $2, %al
    jnz 2b
    mov %ah, %al
    out %al, $0x60
3:  in $0x64, %al
    test $1, %al
    jnz 3b
    ret

    .macro keys first, more:vararg
    mov $\first, %al
    call key
    .ifnb \more
    keys \more
    .endif
    .endm

test_keyboard:
    mov $0x0100, %ax
    int $0x16
    is "16/01: no key"
    mov $0x0500, %ax
    mov $0x2c7a, %cx
    int $0x16
    eq $0, %al, "16/05: stored"
    mov $0x0100, %ax
    int $0x16
    isnt "16/01: a key"
    eq $0x2c7a, %ax, "16/01: which"
    mov $0x0000, %ax
    int $0x16
    eq $0x2c7a, %ax, "16/00"
    keys 0x1e, 0x9e
    mov $0, %ah
    int $0x16
    eq $0x1e61, %ax, "09: a"
    keys 0x2a, 0x1e, 0x9e
    mov $0x0200, %ax
    int $0x16
    test $2, %al
    isnt "16/02: left shift"
    keys 0xaa
    mov $0, %ah
    int $0x16
    eq $0x1e41, %ax, "09: A"
    keys 0x1d, 0x2e, 0xae, 0x9d
    mov $0, %ah
    int $0x16
    eq $0x2e03, %ax, "09: Ctrl-C"
    keys 0x38, 0x3b, 0xbb, 0xb8
    mov $0, %ah
    int $0x16
    eq $0x6800, %ax, "09: Alt-F1"
    keys 0xe0, 0x48, 0xe0, 0xc8
    mov $0x10, %ah
    int $0x16
    eq $0x48e0, %ax, "16/10: grey up"
    keys 0xe0, 0x48, 0xe0, 0xc8
    mov $0, %ah
    int $0x16
    eq $0x4800, %ax, "16/00: grey up as an old key"
    keys 0x57, 0xd7
    mov $0x11, %ah
    int $0x16
    eq $0x8500, %ax, "16/11: F11"
    mov $0x01, %ah
    int $0x16
    is "16/01: F11 is not for old programs"
    keys 0x38, 0x4c, 0xcc, 0x4f, 0xcf, 0x52, 0xd2, 0xb8
    mov $0, %ah
    int $0x16
    eq $0x00fe, %ax, "09: Alt and digits 510 make FE"
    keys 0x3a, 0xba
    call settle
    mov $0x0200, %ax
    int $0x16
    test $0x40, %al
    isnt "09: Caps Lock"
    keys 0x1e, 0x9e
    mov $0, %ah
    int $0x16
    eq $0x1e41, %ax, "09: A by Caps Lock"
    keys 0x3a, 0xba
    call settle
    mov $0x1200, %ax
    int $0x16
    test $0x40, %al
    is "16/12: Caps Lock off"
    keys 0xe0, 0x1c, 0xe0, 0x9c
    mov $0x10, %ah
    int $0x16
    eq $0xe00d, %ax, "16/10: keypad Enter"
    mov $0x0305, %ax
    mov $0x0000, %bx
    int $0x16
    mov $0x0100, %ax
    int $0x16
    is "16/03: typematic rate leaves no key"
    movb $0, 0x471
    keys 0x1d, 0xe0, 0x46, 0xe0, 0xc6, 0x9d
    cmpb $0x80, 0x471
    is "09: Ctrl-Break"
    mov $0, %ah
    int $0x16
    eq $0, %ax, "09: Ctrl-Break's word"
    ret

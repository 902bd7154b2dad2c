/* Included by services.S. INT 13h: floppy, hard disk, CD. */

test_floppy:
    mov $BUF, %ax
    mov %ax, %es
    xor %bx, %bx
    mov $0x0201, %ax
    mov $1, %cx
    mov $0, %dx
    int $0x13
    ok "13/02: floppy"
    eq $1, %al, "13/02: one sector"
    cmpw $0xaa55, %es:510
    is "13/02: the boot sector"
    movl $0x12345678, %es:0
    mov $0x0301, %ax
    mov $0x4f12, %cx
    mov $0x0100, %dx
    int $0x13
    ok "13/03: floppy's last sector"
    movl $0, %es:0
    mov $0x0201, %ax
    int $0x13
    cmpl $0x12345678, %es:0
    is "13/03: written"
    mov $0x0402, %ax
    mov $1, %cx
    mov $0, %dx
    int $0x13
    ok "13/04: floppy verify"
    # from sector 2 of head 0 to 13 of head 1
    movl $0x87654321, %es:0
    mov $0x0301, %ax
    mov $13, %cx
    mov $0x0100, %dx
    int $0x13
    mov $0x021e, %ax
    mov $2, %cx
    mov $0, %dx
    int $0x13
    ok "13/02: past the track's end"
    eq $30, %al, "13/02: 30 sectors of two heads"
    cmpl $0x87654321, %es:29*512
    is "13/02: head 1 after head 0"
    mov $0x0201, %ax
    mov $0x0013, %cx
    mov $0, %dx
    int $0x13
    fails "13/02: no sector 19"
    mov $0x0101, %ax
    mov $0, %dl
    int $0x13
    eq $4, %ah, "13/01: sector not found"
    mov $0x0000, %ax
    mov $0, %dl
    int $0x13
    ok "13/00: floppy reset"
    xor %di, %di
    mov %di, %es
    mov $0x0800, %ax
    mov $0, %dl
    int $0x13
    eq $4, %bl, "13/08: 1.44 MB drive"
    eq $0x4f12, %cx, "13/08: 80 tracks of 18 sectors"
    eq $1, %dh, "13/08: 2 sides"
    cmpb $2, %es:3(%di)
    is "13/08: parameter table"
    mov $0x1500, %ax
    mov $0, %dl
    int $0x13
    eq $2, %ah, "13/15: floppy with change line"
    mov $BUF, %ax
    mov %ax, %es
    xor %di, %di
    mov $18, %cx
    mov $0x0200014f, %eax           /* track 79, head 1: C 4F, H 01, R, N 02 */
1:  mov $0x02, %al
    movb $0x4f, %es:(%di)
    movb $0x01, %es:1(%di)
    mov $19, %al
    sub %cl, %al
    movb %al, %es:2(%di)
    movb $0x02, %es:3(%di)
    add $4, %di
    loop 1b
    xor %bx, %bx
    mov $0x0512, %ax
    mov $0x4f01, %cx
    mov $0x0100, %dx
    int $0x13
    ok "13/05: format a track"
    movl $0x12345678, %es:0
    mov $0x0201, %ax
    mov $0x4f12, %cx
    mov $0x0100, %dx
    int $0x13
    cmpl $0x12345678, %es:0         /* QEMU 7.2 answers a format by DMA, but writes nothing */
    je 2f
    cmpl $0xf6f6f6f6, %es:0
2:  is "13/05: filled with F6"
    mov $0x0800, %ax
    mov $0xff, %dl
    int $0x13
    fails "13/08: no such drive"
    xor %ax, %ax
    mov %ax, %es
    mov 0x78, %bx
    mov 0x7a, %fs
    cmpb $18, %fs:4(%bx)
    is "1E: diskette parameters"
    mov $0, %dl
    call with_small_stack
    is "13/02: floppy, with 56 bytes of stack"
    ret

/* Read drive DL's first sector with 56 bytes of stack left. ZF: it was read, and nothing below them was written to. */
with_small_stack:
    cli                             /* interrupts would want more */
    mov $BUF, %ax
    mov %ax, %es
    mov $0x1000, %di
    mov $0x5a, %al
    mov $0x1200, %cx
    rep stosb                       /* what is below the stack, and the buffer */
    mov %ss, %si
    mov %sp, %bp
    mov %es, %ax
    mov %ax, %ss
    mov $0x1100 + 56, %sp
    mov $0x2000, %bx
    mov $0x0201, %ax
    mov $1, %cx
    mov $0, %dh
    int $0x13
    mov %si, %ss
    mov %bp, %sp
    sti
    sbb %al, %al                    /* CF */
    jnz 1f
    cmpb $0x5a, %es:0x2000 + 510
    sete %al
    test %al, %al
    jnz 1f
    mov $0x1000, %di
    mov $0x5a, %al
    mov $0x100, %cx
    repe scasb
1:  ret

test_disk:
    mov $BUF, %ax
    mov %ax, %es
    mov $0x0800, %ax
    mov $0x80, %dl
    int $0x13
    ok "13/08: hard disk"
    eq $1, %dl, "13/08: one hard disk"
    mov %cl, spt
    andb $0x3f, spt
    mov $BUF, %ax
    mov %ax, %es
    xor %bx, %bx
    mov $0x0202, %ax
    mov $0x0002, %cx
    mov $0x0080, %dx
    int $0x13
    ok "13/02: disk"
    mov $0x80, %dl
    call with_small_stack
    is "13/02: disk, with 56 bytes of stack"
    xor %bx, %bx
    cmpl $1, %es:0
    is "13/02: sector 1"
    cmpl $2, %es:512
    is "13/02: sector 2"
    mov $0x0201, %ax
    mov $0x0001, %cx
    mov $0x0180, %dx
    int $0x13
    movzbl spt, %eax
    eq %eax, %es:0, "13/02: head 1 begins at the 1st track's end"
    mov $0x0201, %ax
    mov $0x003f, %cx
    mov $0xff80, %dx
    int $0x13
    fails "13/02: beyond the heads"
    mov $0x4100, %ax
    mov $0x55aa, %bx
    mov $0x80, %dl
    int $0x13
    ok "13/41: EDD"
    eq $0xaa55, %bx, "13/41: installed"
    test $1, %cl
    isnt "13/41: packets"
    movl $1000, packet_lba
    movw $200, packet_count
    mov $0x4200, %ax
    mov $packet, %si
    mov $0x80, %dl
    int $0x13
    ok "13/42: 200 sectors across 64 KiB"
    mov $BUF, %ax
    mov %ax, %fs
    cmpl $1000, %fs:0
    is "13/42: first"
    mov $(BUF + 199 * 32), %ax
    mov %ax, %fs
    cmpl $1199, %fs:0
    is "13/42: last"
    movl $0xcafe, %fs:4
    movl $1500, packet_lba
    movw $1, packet_count
    movw $(BUF + 199 * 32), packet_seg
    mov $0x4300, %ax
    mov $packet, %si
    mov $0x80, %dl
    int $0x13
    ok "13/43: write"
    movl $0, %fs:4
    mov $0x4200, %ax
    mov $packet, %si
    int $0x13
    cmpl $0xcafe, %fs:4
    is "13/43: written"
    movw $BUF, packet_seg
    movw $1, packet_off             /* an odd address: not for DMA */
    movl $77, packet_lba
    mov $0x4200, %ax
    mov $packet, %si
    int $0x13
    mov $BUF, %ax
    mov %ax, %fs
    cmpl $77, %fs:1
    is "13/42: odd buffer"
    movw $0, packet_off
    mov $0x4400, %ax
    mov $packet, %si
    int $0x13
    ok "13/44: verify"
    movl $0x7fffffff, packet_lba
    mov $0x4200, %ax
    mov $packet, %si
    int $0x13
    fails "13/42: beyond the end"
    mov $BUF, %ax
    mov %ax, %ds
    movw $0x1e, 0
    xor %si, %si
    mov $0x4800, %ax
    mov $0x80, %dl
    int $0x13
    push $0
    pop %ds
    ok "13/48: parameters"
    cmpl $8192, %fs:16
    is "13/48: sectors"
    cmpw $512, %fs:24
    is "13/48: sector size"
    mov $0x1500, %ax
    mov $0x80, %dl
    int $0x13
    eq $3, %ah, "13/15: hard disk"
    mov $0x1000, %ax
    mov $0x80, %dl
    int $0x13
    ok "13/10: ready"
    mov $0x0000, %ax
    mov $0x80, %dl
    int $0x13
    ok "13/00: disk reset"
    mov $0x4e00, %ax
    mov $0x80, %dl
    int $0x13
    ok "13/4E"
    mov $0xee00, %ax
    mov $0x80, %dl
    int $0x13
    fails "13/EE: no such function"
    mov $0x0201, %ax
    mov $1, %cx
    mov $0x0085, %dx
    int $0x13
    fails "13/02: no such disk"
    lfs 0x104, %bx
    mov spt, %al
    eq %fs:14(%bx), %al, "41: disk parameters"
    xor %ax, %ax
    mov %ax, %es
    ret
spt: .byte 0
packet:
    .byte 16, 0
packet_count: .word 1
packet_off: .word 0
packet_seg: .word BUF
packet_lba: .long 0, 0

test_cd:
    mov $0x4100, %ax
    mov $0x55aa, %bx
    mov $0xe0, %dl
    int $0x13
    ok "13/41: CD"
    movl $16, packet_lba
    movw $1, packet_count
    mov $0x4200, %ax
    mov $packet, %si
    mov $0xe0, %dl
    int $0x13
    ok "13/42: CD"
    mov $BUF, %ax
    mov %ax, %fs
    cmpl $0x30444301, %fs:0
    is "13/42: CD volume descriptor"
    mov %ax, %ds
    movw $0x1a, 0
    xor %si, %si
    mov $0x4800, %ax
    mov $0xe0, %dl
    int $0x13
    push $0
    pop %ds
    cmpw $2048, %fs:24
    is "13/48: CD block size"
    mov $0x4300, %ax
    mov $packet, %si
    mov $0xe0, %dl
    int $0x13
    fails "13/43: CD is read-only"
    mov $0x4b01, %ax
    mov $packet, %si
    mov $0xe0, %dl
    int $0x13
    fails "13/4B: no emulation runs"
    ret

/* Included by services.S. INT 10h: text, graphics, VBE. */

test_video:
    mov $0x0003, %ax
    int $0x10
    mov $0x0f00, %ax
    int $0x10
    eq $0x5003, %ax, "10/0F: mode 3 has 80 columns"
    eq $0, %bh, "10/0F: page 0"
    mov $0x0200, %ax
    mov $0, %bh
    mov $0x0c22, %dx
    int $0x10
    mov $0x0300, %ax
    xor %dx, %dx
    int $0x10
    eq $0x0c22, %dx, "10/02, 03: cursor"
    eq $0x0607, %cx, "10/03: cursor shape"
    mov $0x0941, %ax
    mov $0x001e, %bx
    mov $3, %cx
    int $0x10
    mov $0x0800, %ax
    int $0x10
    eq $0x1e41, %ax, "10/09, 08: character and attribute"
    mov $0xb800, %ax
    mov %ax, %fs
    cmpl $0x1e411e41, %fs:(12 * 80 + 34) * 2 + 2
    is "10/09: count of 3"
    mov $0x0a42, %ax
    mov $1, %cx
    int $0x10
    cmpw $0x1e42, %fs:(12 * 80 + 34) * 2
    is "10/0A: keeps the attribute"
    mov $0x0e43, %ax
    mov $0, %bx
    int $0x10
    mov $0x0300, %ax
    int $0x10
    eq $0x0c23, %dx, "10/0E: advances"
    mov $0x0e0d, %ax
    int $0x10
    mov $0x0e0a, %ax
    int $0x10
    mov $0x0300, %ax
    int $0x10
    eq $0x0d00, %dx, "10/0E: CR and LF"
    mov $0x0601, %ax
    mov $0x07, %bh
    mov $0x0000, %cx
    mov $0x184f, %dx
    int $0x10
    cmpw $0x1e43, %fs:(11 * 80 + 34) * 2
    is "10/06: scrolls up"
    mov $0x0702, %ax
    int $0x10
    cmpw $0x1e43, %fs:(13 * 80 + 34) * 2
    is "10/07: scrolls down"
    mov $0x0200, %ax
    mov $0, %bh
    mov $0x184f, %dx
    int $0x10
    mov $0x0e58, %ax
    int $0x10
    mov $0x0300, %ax
    int $0x10
    eq $0x1800, %dx, "10/0E: at the end of the screen"
    cmpw $0x1e43, %fs:(12 * 80 + 34) * 2
    is "10/0E: scrolls at the end"
    mov $0x1303, %ax
    mov $0x000f, %bx
    mov $2, %cx
    mov $0x0203, %dx
    mov $string, %bp
    int $0x10
    cmpl $0x2f693e68, %fs:(2 * 80 + 3) * 2
    is "10/13: string with attributes"
    mov $0x0300, %ax
    int $0x10
    eq $0x0205, %dx, "10/13: moves the cursor"
    mov $0x0501, %ax
    int $0x10
    mov $0x0f00, %ax
    int $0x10
    eq $1, %bh, "10/05: page 1"
    mov $0x0500, %ax
    int $0x10
    mov $0x1000, %ax
    mov $0x2a05, %bx
    int $0x10
    mov $0x1007, %ax
    mov $0x0005, %bx
    int $0x10
    eq $0x2a, %bh, "10/1000, 1007: palette register"
    mov $0x1010, %ax
    mov $0x21, %bx
    mov $0x1100, %dx
    mov $0x2233, %cx
    int $0x10
    mov $0x1015, %ax
    xor %cx, %cx
    xor %dx, %dx
    int $0x10
    eq $0x11, %dh, "10/1010, 1015: red"
    eq $0x2233, %cx, "10/1010, 1015: green and blue"
    mov $0x1130, %ax
    mov $6, %bh
    int $0x10
    eq $16, %cx, "10/1130: 16 lines a character"
    eq $24, %dl, "10/1130: 25 rows"
    mov %es, %ax
    eq $0xc000, %ax, "10/1130: font in the ROM"
    xor %ax, %ax
    mov %ax, %es
    mov $0x1112, %ax
    mov $0, %bl
    int $0x10
    cmpb $49, 0x484
    is "10/1112: 50 rows"
    mov $0x1200, %ax
    mov $0x10, %bl
    int $0x10
    eq $3, %bx, "10/12/10: colour, 256 KiB"
    mov $0x1a00, %ax
    int $0x10
    eq $0x1a, %al, "10/1A00: supported"
    eq $0x08, %bl, "10/1A00: VGA with colour display"
    mov $0x1b00, %ax
    mov $0, %bx
    mov $BUF, %di
    mov %di, %es
    xor %di, %di
    int $0x10
    eq $0x1b, %al, "10/1B: supported"
    cmpb $3, %es:4
    is "10/1B: mode"
    mov $0x1c00, %ax
    mov $7, %cx
    int $0x10
    eq $0x1c, %al, "10/1C00: supported"
    mov $0x1c01, %ax
    mov $7, %cx
    xor %bx, %bx
    int $0x10
    mov $0x0013, %ax
    int $0x10
    mov $0x1c02, %ax
    mov $7, %cx
    xor %bx, %bx
    int $0x10
    mov $0x0f00, %ax
    int $0x10
    eq $0x03, %al, "10/1C01, 1C02: mode restored"
    xor %ax, %ax
    mov %ax, %es
    ret
string: .byte 'h', 0x3e, 'i', 0x2f

test_graphics:
    mov $modes, %si
1:  mov (%si), %al
    cmp $0xff, %al
    je 3f
    xor %ah, %ah
    int $0x10
    mov $0x0c00, %ax
    mov 1(%si), %al
    mov $0, %bh
    mov $77, %cx
    mov $51, %dx
    int $0x10
    mov $0x0d00, %ax
    int $0x10
    cmp 1(%si), %al
    is "10/0C, 0D: pixel in a graphics mode"
    mov $0x0d00, %ax
    mov $78, %cx
    int $0x10
    eq $0, %al, "10/0D: its neighbour is clear"
    mov $0x0200, %ax
    mov $0, %bh
    mov $0x0302, %dx
    int $0x10
    mov $0x0951, %ax
    mov 1(%si), %bl
    mov $1, %cx
    int $0x10
    mov $0x0800, %ax
    int $0x10
    eq $'Q', %al, "10/09, 08: character in graphics"
    mov $0x0601, %ax
    mov $0, %bh
    mov $0, %cx
    mov $0x1827, %dx
    int $0x10
    mov $0x0200, %ax
    mov $0, %bh
    mov $0x0202, %dx
    int $0x10
    mov $0x0800, %ax
    int $0x10
    eq $'Q', %al, "10/06: graphics scroll"
    add $2, %si
    jmp 1b
3:  ret
modes: .byte 0x04, 3, 0x05, 2, 0x06, 1, 0x0d, 11, 0x0e, 5, 0x10, 14, 0x11, 1, 0x12, 9, 0x13, 0xa5, 0xff

test_vbe:
    mov $BUF, %ax
    mov %ax, %es
    xor %di, %di
    movl $0x32454256, %es:(%di)
    mov $0x4f00, %ax
    int $0x10
    eq $0x004f, %ax, "10/4F00: supported"
    cmpl $0x41534556, %es:0
    is "10/4F00: VESA"
    cmpw $16, %es:18
    setae %al
    eq $1, %al, "10/4F00: a megabyte at least"
    lfs %es:14, %bx
1:  mov %fs:(%bx), %ax
    add $2, %bx
    cmp $0x144, %ax
    je 2f
    cmp $0xffff, %ax
    jne 1b
2:  eq $0x144, %ax, "10/4F00: mode 144h in the list"
    mov $0x4f01, %ax
    mov $0x144, %cx
    mov $0x200, %di
    int $0x10
    eq $0x004f, %ax, "10/4F01: supported"
    cmpl $(768 << 16 | 1024), %es:0x212
    is "10/4F01: 1024 by 768"
    cmpw $4096, %es:0x210
    is "10/4F01: bytes per line"
    cmpb $32, %es:0x219
    is "10/4F01: 32 bits"
    cmpl $0, %es:0x228
    isnt "10/4F01: linear frame buffer"
    mov $0x4f01, %ax
    mov $0x1ee, %cx
    int $0x10
    eq $0x014f, %ax, "10/4F01: unknown mode refused"
    mov $0x4f02, %ax
    mov $0x101, %bx
    int $0x10
    eq $0x004f, %ax, "10/4F02: mode 101h"
    mov $0x4f03, %ax
    int $0x10
    eq $0x101, %bx, "10/4F03"
    mov $0x4f05, %ax
    mov $0, %bx
    mov $2, %dx
    int $0x10
    eq $0x004f, %ax, "10/4F05: bank 2"
    mov $0xa000, %ax
    mov %ax, %fs
    movb $0x5a, %fs:0x1234
    mov $0x4f05, %ax
    mov $0, %dx
    int $0x10
    cmpb $0x5a, %fs:0x1234
    isnt "10/4F05: bank 0 is another"
    mov $0x4f05, %ax
    mov $2, %dx
    int $0x10
    cmpb $0x5a, %fs:0x1234
    is "10/4F05: bank 2 again"
    mov $0x4f06, %ax
    mov $0, %bl
    mov $1024, %cx
    int $0x10
    eq $1024, %bx, "10/4F06: line length"
    mov $0x4f07, %ax
    mov $0, %bx
    mov $16, %cx
    mov $32, %dx
    int $0x10
    mov $0x4f07, %ax
    mov $1, %bx
    int $0x10
    eq $16, %cx, "10/4F07: start x"
    eq $32, %dx, "10/4F07: start y"
    mov $0x4f08, %ax
    mov $0x0800, %bx
    int $0x10
    eq $8, %bh, "10/4F08: 8-bit DAC"
    movl $0x00aabbcc, %es:0
    xor %di, %di
    mov $0x4f09, %ax
    mov $0, %bl
    mov $1, %cx
    mov $7, %dx
    int $0x10
    movl $0, %es:0
    mov $0x4f09, %ax
    mov $1, %bl
    int $0x10
    cmpl $0x00aabbcc, %es:0
    is "10/4F09: palette"
    mov $0x4f04, %ax
    mov $0, %dl
    mov $0xf, %cx
    int $0x10
    eq $0x004f, %ax, "10/4F04: size of the state"
    mov $0x4f0a, %ax
    mov $0, %bl
    int $0x10
    eq $0x004f, %ax, "10/4F0A: protected-mode interface"
    mov $BUF, %ax
    mov %ax, %es
    xor %di, %di
    mov $0x4f15, %ax
    mov $1, %bl
    mov $0, %cx
    mov $0, %dx
    int $0x10
    eq $0x004f, %ax, "10/4F15: EDID"
    xor %ax, %ax
    xor %si, %si
    mov $128, %cx
3:  add %es:(%si), %al
    inc %si
    loop 3b
    eq $0, %al, "10/4F15: checksum"
    mov $0x4f02, %ax
    mov $0x3, %bx
    int $0x10
    mov $0x4f03, %ax
    int $0x10
    eq $3, %bx, "10/4F02: back to text"
    mov $0x4fee, %ax
    int $0x10
    eq $0xee, %al, "10/4FEE: not supported"
    xor %ax, %ax
    mov %ax, %es
    ret

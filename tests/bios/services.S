/* Calls every service of the BIOS and reports in TAP lines on debug port 402h; ends by the debug-exit device at 501h.
 *
 * A floppy's boot sector loads the rest to 0:7E00. The machine has this floppy (1.44 MB), a hard disk hda whose sectors
 * each begin with their number, a CD on hdc, a VGA with VBE, PS/2 keyboard and mouse, COM1 and LPT1. */

    .code16
    .globl _start

    .macro eq a, b, name            /* a == b */
    cmp \a, \b
    call report
    .asciz "\name"
    .endm
    .macro is name                  /* ZF set */
    call report
    .asciz "\name"
    .endm
    .macro isnt name                /* ZF clear */
    call report_not
    .asciz "\name"
    .endm
    .macro ok name                  /* CF clear */
    call report_nc
    .asciz "\name"
    .endm
    .macro fails name               /* CF set */
    call report_c
    .asciz "\name"
    .endm

#define BUF 0x2000                  /* segment of scratch memory */

_start:
    ljmp $0, $1f
1:  cli
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7c00, %sp
    sti
    mov %dl, boot_drive
    mov $1, %si                     /* sector by sector, so that no load crosses a 64 KiB page */
    mov $0x7e0, %di
2:  mov %di, %es
    xor %bx, %bx
    mov %si, %ax
    mov $18, %cl
    div %cl
    mov %ah, %cl
    inc %cl
    xor %ah, %ah
    mov %al, %dh
    and $1, %dh
    shr $1, %al
    mov %al, %ch
    mov boot_drive, %dl
    mov $0x0201, %ax
    int $0x13
    jc 3f
    add $0x20, %di
    inc %si
    cmp $SECTORS, %si
    jb 2b
    xor %ax, %ax
    mov %ax, %es
    jmp main
3:  mov $0x501, %dx
    mov $0x7f, %al
    out %al, %dx
    hlt
boot_drive:
    .byte 0
    .org 510
    .word 0xaa55

/* ---- reports ------------------------------------------------------------------------------------------------- */

number:
    .word 0
failed:
    .byte 0
flags:
    .word 0

report:
    pushf
    pop %cs:flags
    jmp 1f
report_not:
    pushf
    pop %cs:flags
    xorw $0x40, %cs:flags
    jmp 1f
report_c:
    pushf
    pop %cs:flags
    andw $~0x40, %cs:flags
    testw $1, %cs:flags
    jz 1f
    orw $0x40, %cs:flags
    jmp 1f
report_nc:
    pushf
    pop %cs:flags
    andw $~0x40, %cs:flags
    testw $1, %cs:flags
    jnz 1f
    orw $0x40, %cs:flags
1:  pushal
    push %ds
    push %cs
    pop %ds
    mov %sp, %bp
    mov 34(%bp), %si                /* the return address is the name's */
    incw number
    testw $0x40, flags
    jnz 2f
    movb $1, failed
    mov $not_text, %di
    call puts
2:  mov $ok_text, %di
    call puts
    mov number, %ax
    call put_number
    mov $dash_text, %di
    call puts
    mov %si, %di
    call puts
    inc %di
    mov %di, 34(%bp)
    mov $0x402, %dx
    mov $10, %al
    out %al, %dx
    pop %ds
    popal
    ret

puts:                               /* DI; leaves it at the terminating 0 */
    mov $0x402, %dx
1:  mov (%di), %al
    test %al, %al
    jz 2f
    out %al, %dx
    inc %di
    jmp 1b
2:  ret

put_number:                         /* AX */
    mov $10, %bx
    xor %cx, %cx
1:  xor %dx, %dx
    div %bx
    push %dx
    inc %cx
    test %ax, %ax
    jnz 1b
    mov $0x402, %dx
2:  pop %ax
    add $'0', %al
    out %al, %dx
    loop 2b
    ret

not_text: .asciz "not "
ok_text: .asciz "ok "
dash_text: .asciz " - "

/* ---- the checks ---------------------------------------------------------------------------------------------- */

main:
    call test_video
    call test_graphics
    call test_vbe
    call test_sizes
    call test_floppy
    call test_disk
    call test_cd
    call test_serial
    call test_system
    call test_keyboard
    call test_time
    call test_pci
    call test_tables
    call test_protected
    mov $plan_text, %di
    call puts
    mov number, %ax
    call put_number
    mov $0x402, %dx
    mov $10, %al
    out %al, %dx
    mov failed, %al
    mov $0x501, %dx
    out %al, %dx
1:  hlt
    jmp 1b
plan_text: .asciz "1.."

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

test_sizes:
    int $0x11
    test $1, %al
    isnt "11: floppy"
    test $4, %al
    isnt "11: mouse"
    test $0x0e00, %ax
    isnt "11: serial ports"
    int $0x12
    eq %ax, 0x413, "12: as in the BDA"
    cmp $600, %ax
    ok "12: most of 640 KiB"
    ret

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
    ret

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

test_time:
    mov $0x0000, %ax
    int $0x1a
    mov %dx, %si
    call settle
    mov $0x0000, %ax
    int $0x1a
    sub %si, %dx
    cmp $2, %dx
    ok "08, 1A/00: ticks"
    mov $0x0100, %ax
    mov $0x0018, %cx
    mov $0x00af, %dx
    int $0x1a
    call settle
    mov $0x0000, %ax
    int $0x1a
    eq $1, %al, "08: midnight"
    eq $0, %cx, "08: count starts again"
    mov $0x0200, %ax
    int $0x1a
    ok "1A/02: time"
    cmp $0x24, %ch
    fails "1A/02: an hour"
    cmp $0x60, %cl
    fails "1A/02: a minute"
    mov $0x0400, %ax
    int $0x1a
    ok "1A/04: date"
    eq $0x20, %ch, "1A/04: century"
    mov $0x0500, %ax
    mov $0x2031, %cx
    mov $0x0704, %dx
    int $0x1a
    mov $0x0400, %ax
    int $0x1a
    eq $0x2031, %cx, "1A/05: year set"
    eq $0x0704, %dx, "1A/05: day set"
    mov $0x0300, %ax
    mov $0x1234, %cx
    mov $0x5600, %dx
    int $0x1a
    mov $0x0200, %ax
    int $0x1a
    eq $0x1234, %cx, "1A/03: time set"
    movw $alarm, 0x4a * 4
    movw $0, 0x4a * 4 + 2
    mov $0x0600, %ax
    mov $0x1234, %cx
    mov $0x5800, %dx
    int $0x1a
    ok "1A/06: alarm"
    mov $0x0600, %ax
    int $0x1a
    fails "1A/06: one alarm at a time"
    mov $60, %cx
1:  cmpb $0, alarmed
    jne 2f
    hlt
    loop 1b
2:  cmpb $1, alarmed
    is "70, 4A: alarm"
    mov $0x0700, %ax
    int $0x1a
    ok "1A/07: alarm off"
    ret
alarmed: .byte 0
alarm:
    movb $1, %cs:alarmed
    iret

test_pci:
    mov $0xb101, %ax
    int $0x1a
    ok "1A/B101: PCI BIOS"
    eq $0x20494350, %edx, "1A/B101: PCI"
    eq $0x0210, %bx, "1A/B101: 2.1"
    mov $0xb102, %ax
    mov $0x1237, %cx
    mov $0x8086, %dx
    mov $0, %si
    int $0x1a
    ok "1A/B102: the 440FX"
    eq $0, %bx, "1A/B102: at 00:00.0"
    mov $0xb102, %ax
    mov $0x5555, %cx
    mov $0x8086, %dx
    mov $0, %si
    int $0x1a
    fails "1A/B102: nothing"
    eq $0x86, %ah, "1A/B102: 86h"
    mov $0xb103, %ax
    mov $0x030000, %ecx
    mov $0, %si
    int $0x1a
    ok "1A/B103: a VGA"
    mov $0xb109, %ax
    mov $0, %bx
    mov $0, %di
    int $0x1a
    eq $0x8086, %cx, "1A/B109: vendor"
    mov $0xb108, %ax
    mov $3, %di
    int $0x1a
    eq $0x12, %cl, "1A/B108"
    mov $0xb10a, %ax
    mov $0, %di
    int $0x1a
    eq $0x12378086, %ecx, "1A/B10A"
    mov $0xb10a, %ax
    mov $2, %di
    int $0x1a
    fails "1A/B10A: unaligned"
    eq $0x87, %ah, "1A/B10A: 87h"
    mov $BUF, %ax
    mov %ax, %es
    xor %di, %di
    movw $0, %es:(%di)
    mov $0xb10e, %ax
    int $0x1a
    eq $0x89, %ah, "1A/B10E: buffer too small"
    xor %ax, %ax
    mov %ax, %es
    ret

/* Finds a signature EAX at a 16-byte boundary from segment DX up; FS, or CF set. */
find:
    mov %dx, %fs
    cmp %eax, %fs:0
    je 1f
    inc %dx
    jnz find
    stc
    ret
1:  clc
    ret
sum:                                /* CX bytes at FS:0, ZF when 0 */
    xor %ax, %ax
    xor %si, %si
1:  add %fs:(%si), %al
    inc %si
    loop 1b
    test %al, %al
    ret

test_tables:
    mov $0xf000, %dx
    mov $0x5f32335f, %eax           /* _32_ */
    call find
    ok "BIOS32 directory"
    mov $16, %cx
    call sum
    is "BIOS32 directory: checksum"
    mov $0xf000, %dx
    mov $0x52495024, %eax           /* $PIR */
    call find
    ok "PIR table"
    mov %fs:6, %cx
    call sum
    is "PIR table: checksum"
    mov $0xe000, %dx
    mov $0x20445352, %eax           /* "RSD " */
    call find
    ok "ACPI RSDP"
    mov $20, %cx
    call sum
    is "ACPI RSDP: checksum"
    mov $0xf000, %dx
    mov $0x5f504d5f, %eax           /* _MP_ */
    call find
    ok "MP floating pointer"
    mov $16, %cx
    call sum
    is "MP floating pointer: checksum"
    mov %fs:4, %eax
    shr $4, %eax
    mov %ax, %fs
    cmpl $0x504d4350, %fs:0
    is "MP table: PCMP"
    mov %fs:4, %cx
    call sum
    is "MP table: checksum"
    ret

/* The protected-mode entries, called as an operating system calls them: BIOS32 and PCI with flat segments, APM with the
 * segments that 5303h told, VBE's from a copy. What they return is kept and looked at afterwards. */
    .macro keep what
    movl \what, (%ebp)
    addl $4, %ebp
    .endm

test_protected:
    mov $0xf000, %dx
    mov $0x5f32335f, %eax
    call find
    mov %fs:4, %eax
    mov %eax, bios32
    mov $0x5303, %ax
    mov $0, %bx
    int $0x15
    mov %ebx, apm
    mov $0x4f02, %ax
    mov $0x101, %bx
    int $0x10
    mov $0x4f0a, %ax
    mov $0, %bl
    int $0x10
    mov %es, %eax
    movzwl %ax, %eax
    shl $4, %eax
    movzwl %di, %edi
    lea (%eax, %edi), %ecx
    movzwl %es:(%di), %edx
    add %ecx, %edx
    mov %edx, vbe_window
    movzwl %es:2(%di), %edx
    add %ecx, %edx
    mov %edx, vbe_start
    xor %ax, %ax
    mov %ax, %es
    cli
    mov %esp, %edi
    lgdtl pointer32
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl $0x08, $1f
    .code32
1:  mov $0x10, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $kept, %ebp
    movl $0x49435024, %eax          /* $PCI */
    xor %ebx, %ebx
    push %cs
    call *bios32
    keep %eax
    keep %ebx
    keep %ecx
    add %ebx, %edx
    mov %edx, pci32
    mov $0xb101, %eax
    push %cs
    call *pci32
    keep %edx
    movw $0xb10a, %ax
    xor %ebx, %ebx
    push %edi
    xor %edi, %edi
    push %cs
    call *pci32
    pop %edi
    keep %ecx
    movw $0xb10a, %ax
    push %edi
    mov $1, %edi
    push %cs
    call *pci32
    setc %al
    pop %edi
    keep %eax
    mov $0x530a, %eax
    mov $1, %ebx
    lcall *apm
    keep %ebx
    mov $0x5380, %eax
    mov $1, %ebx
    lcall *apm
    keep %eax
    movw $3, %dx                    /* VBE: set bank 3 */
    xor %ebx, %ebx
    call *vbe_window
    keep %eax
    mov $0x100, %ebx
    xor %edx, %edx
    call *vbe_window
    keep %edx
    mov $(640 * 10 / 4), %ecx       /* start at line 10 */
    xor %edx, %edx
    xor %ebx, %ebx
    call *vbe_start
    ljmpl $0x28, $2f
    .code16
2:  mov $0x30, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov %cr0, %eax
    and $0xfe, %al
    mov %eax, %cr0
    ljmp $0, $3f
3:  xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov %edi, %esp
    sti
    cmpb $0, kept
    is "BIOS32: PCI is there"
    cmpl $0xf0000, kept + 4
    is "BIOS32: base"
    cmpl $0x20494350, kept + 12
    is "BIOS32: PCI, B101"
    cmpl $0x12378086, kept + 16
    is "BIOS32: PCI, B10A"
    cmpb $1, kept + 20
    is "BIOS32: PCI, B10A unaligned"
    cmpw $0x01ff, kept + 24
    is "APM, 32-bit: 530A"
    cmpb $0x09, kept + 29
    is "APM, 32-bit: 5380 is unknown"
    cmpw $0x004f, kept + 32
    is "VBE, 32-bit: set window"
    cmpw $3, kept + 36
    is "VBE, 32-bit: get window"
    mov $0x4f07, %ax
    mov $1, %bx
    int $0x10
    eq $0, %cx, "VBE, 32-bit: display start x"
    eq $10, %dx, "VBE, 32-bit: display start y"
    mov $0x0003, %ax
    int $0x10
    /* INT 15h/89h */
    mov %sp, saved_sp
    mov $table89, %si
    mov $0x8900, %ax
    mov $0x2820, %bx
    int $0x15
    jc 5f
    mov %cr0, %eax                  /* in protected mode: CS 30h, DS 18h */
    mov %eax, kept
    and $0xfe, %al
    mov %eax, %cr0
    ljmp $0, $4f
4:  xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov saved_sp, %sp
    lidtl idt_real
5:  testb $1, kept
    isnt "15/89: protected mode"
    in $0x21, %al
    eq $0xff, %al, "15/89: interrupts masked"
    ret

    .balign 8
gdt32:
    .quad 0
    .quad 0x00cf9b000000ffff        /* 08 flat code */
    .quad 0x00cf93000000ffff        /* 10 flat data */
    .quad 0x00409b0f0000ffff        /* 18 APM: 32-bit code at F0000, then 16-bit code, then data */
    .quad 0x00009b0f0000ffff
    .quad 0x00009b000000ffff        /* 28 16-bit code */
    .quad 0x000093000000ffff        /* 30 16-bit data */
pointer32:
    .word pointer32 - gdt32 - 1
    .long gdt32
table89:
    .quad 0
    .word 0x3f, table89, 0, 0       /* GDT */
    .word 0x7ff, 0, 0, 0            /* IDT */
    .quad 0x000093000000ffff        /* DS, ES, SS, CS */
    .quad 0x000093000000ffff
    .quad 0x000093000000ffff
    .quad 0x00009b000000ffff
    .quad 0                         /* the BIOS's */
idt_real:
    .word 0x3ff
    .long 0
saved_sp: .word 0
bios32: .long 0
pci32: .long 0
apm: .long 0
    .word 0x18
vbe_window: .long 0
vbe_start: .long 0
kept: .fill 16, 4, 0

    .balign 512
end:
    .set SECTORS, (end - _start) / 512
    .section .note.GNU-stack, "", @progbits

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

#include "video.S"
#include "disks.S"
#include "system.S"
#include "keys.S"
#include "tables.S"

    .balign 512
end:
    .set SECTORS, (end - _start) / 512
    .section .note.GNU-stack, "", @progbits

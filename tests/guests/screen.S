# A guest for the tests of windows and terminals: it draws a screen for each digit typed, and tells by the debug console
# what it gets from keyboard and mouse:
#
#     S1           screen 1 is drawn: 1 text, 2 mode 13h, 3 mode X, 4 planar 640x480, 5 VBE 800x600x32, linear,
#                  6 text with a cursor at column 5 of row 3
#     K1e          a byte of the keyboard (scan code set 1)
#     M08 05 fb 00 a packet of the mouse, with wheel
#     A            it listens to the power button now (key o); P: it was pressed, and the machine goes off
#     X            key a: a few bytes of the screen's memory were changed, without touching a register
#
        .code16
        .text
        .globl _start
        .set SECTORS, 8
        .set DEBUG, 0xe9
        .set PM_STATUS, 0x600
        .set PM_ENABLE, 0x602
        .set PM_CONTROL, 0x604

_start: ljmp $0, $1f
1:      cli
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $0x7000, %sp
        movw $0x0200 + SECTORS - 1, %ax # the rest of this image follows the boot sector
        movw $0x7e00, %bx
        movw $2, %cx
        movb $0, %dh
        sti
        int $0x13
        cli
        jc .
        jmp main
        .org 510
        .word 0xaa55

main:   movw $irq, 0x09 * 4             # IRQ 1, 9 and 12 only wake us
        movw $0, 0x09 * 4 + 2
        movw $irq, 0x71 * 4
        movw $0, 0x71 * 4 + 2
        movw $irq, 0x74 * 4
        movw $0, 0x74 * 4 + 2
        movb $0xf9, %al
        outb %al, $0x21
        movb $0xed, %al
        outb %al, $0xa1
        call mouse_on
        movb $0x02, %al
        call key

idle:   sti
        hlt
        cli
        movw $PM_STATUS, %dx
        inw %dx, %ax
        testb $1, %ah
        jz 1f
        cmpb $0, listens
        je 1f
        movb $'P', %al
        call line
        movw $PM_CONTROL, %dx
        movw $0x2001, %ax
        outw %ax, %dx
1:      inb $0x64, %al
        testb $1, %al
        jz idle
        movb %al, %ah
        inb $0x60, %al
        testb $0x20, %ah
        jz 2f
        call mouse_byte
        jmp 1b
2:      call tell_key
        call key
        jmp 1b

irq:    pushw %ax
        movb $0x20, %al
        outb %al, $0xa0
        outb %al, $0x20
        popw %ax
        iret

# ---- telling ----

put:    pushw %dx                       # AL as it is
        movw $DEBUG, %dx
        outb %al, %dx
        popw %dx
        ret

line:   call put                        # AL and a new line
        movb $'\n', %al
        jmp put

hex:    pushw %ax
        shrb $4, %al
        call 1f
        popw %ax
        andb $15, %al
1:      cmpb $10, %al
        jb 2f
        addb $'a' - '0' - 10, %al
2:      addb $'0', %al
        jmp put

tell_key:
        pushw %ax
        pushw %ax
        movb $'K', %al
        call put
        popw %ax
        call hex
        movb $'\n', %al
        call put
        popw %ax
        ret

# ---- the mouse: with wheel, streaming ----

wait_in:
        inb $0x64, %al
        testb $2, %al
        jnz wait_in
        ret

to_mouse:                               # BL to the mouse, and its answer taken
        call wait_in
        movb $0xd4, %al
        outb %al, $0x64
        call wait_in
        movb %bl, %al
        outb %al, $0x60
1:      inb $0x64, %al
        andb $0x21, %al
        cmpb $0x21, %al
        jne 1b
        inb $0x60, %al
        ret

mouse_on:
        call wait_in
        movb $0xa8, %al
        outb %al, $0x64
        movw $knock, %si
1:      movb (%si), %bl
        testb %bl, %bl
        jz 2f
        call to_mouse
        incw %si
        jmp 1b
2:      call wait_in
        movb $0x60, %al
        outb %al, $0x64
        call wait_in
        movb $0x47, %al                 # both interrupts, translation
        outb %al, $0x60
        jmp wait_in
knock:  .byte 0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf4, 0

mouse_byte:
        xorw %bx, %bx
        movb have, %bl
        movb %al, packet(%bx)
        incb have
        cmpb $4, have
        jne 9f
        movb $0, have
        movb $'M', %al
        call put
        xorw %bx, %bx
1:      movb packet(%bx), %al
        call hex
        movb $' ', %al
        cmpb $3, %bl
        jne 2f
        movb $'\n', %al
2:      call put
        incw %bx
        cmpw $4, %bx
        jne 1b
9:      ret

# ---- keys that do something ----

key:    cmpb $0x1e, %al
        je poke
        cmpb $0x18, %al
        je listen
        cmpb $0x02, %al
        jb 9f
        cmpb $0x07, %al
        ja 9f
        movb %al, screen
        movzbw %al, %bx
        shlw $1, %bx
        call *screens - 4(%bx)
        movb $'S', %al
        call put
        movb screen, %al
        addb $'1' - 2, %al
        call line
9:      ret
screens:
        .word text, mode13, modex, planar, vbe, prompt

listen: movb $0xf1, %al                 # ACPI mode
        outb %al, $0xb2
        movw $PM_ENABLE, %dx
        movw $0x100, %ax
        outw %ax, %dx
        movb $1, listens
        movb $'A', %al
        jmp line

# Change 16 bytes at the top left without any port.
poke:   cmpb $0x06, screen
        je 3f
        movw $0xb800, %ax
        cmpb $0x02, screen
        je 1f
        cmpb $0x07, screen
        je 1f
        movw $0xa000, %ax
1:      movw %ax, %es
        xorw %di, %di
2:      xorb $0x15, %es:(%di)
        incw %di
        cmpw $16, %di
        jne 2b
        jmp 4f
3:      call flat
        movl frame, %edi
        xorl $0x00ff00, %fs:(%edi)
        xorl $0x00ff00, %fs:4(%edi)
4:      movb $'X', %al
        jmp line

# ---- screens ----

text:   movw $0x0003, %ax
        int $0x10
        movw $0x3d4, %dx
        movw $0x200a, %ax               # no cursor: nothing blinks
        outw %ax, %dx
        movw $0xb800, %ax
        movw %ax, %es
        xorw %di, %di
1:      movw %di, %ax
        shrw $1, %ax
        movb %al, %ah
        imulw $7, %ax, %bx
        movb %bl, %ah
        andb $0x7f, %ah
        stosw
        cmpw $4000, %di
        jne 1b
        cli
        ret

prompt: movw $0x0003, %ax
        int $0x10
        movw $0xb800, %ax
        movw %ax, %es
        movw $message, %si
        xorw %di, %di
        movb $0x1f, %ah                 # white on blue
1:      lodsb
        testb %al, %al
        jz 2f
        stosw
        jmp 1b
2:      movb $2, %ah
        movb $0, %bh
        movw $0x0305, %dx
        int $0x10
        cli
        ret
message:
        .ascii "text by \260\261\262 \311\315\273 \201\0"

mode13: movw $0x0013, %ax
        int $0x10
        movw $0xa000, %ax
        movw %ax, %es
        xorw %di, %di
        xorw %dx, %dx                   # y
1:      xorw %cx, %cx                   # x
2:      movb %cl, %al
        xorb %dl, %al
        stosb
        incw %cx
        cmpw $320, %cx
        jne 2b
        incw %dx
        cmpw $200, %dx
        jne 1b
        cli
        ret

modex:  call mode13
        movw $0x3c4, %dx
        movw $0x0604, %ax               # no chain 4
        outw %ax, %dx
        movw $0x3d4, %dx
        movw $0x0014, %ax
        outw %ax, %dx
        movw $0xe317, %ax
        outw %ax, %dx
        movb $1, %ah                    # the map mask
        movb $0x30, %bl
1:      movw $0x3c4, %dx
        movb $2, %al
        outw %ax, %dx
        xorw %di, %di
2:      movw %di, %cx
        addb %bl, %cl
        movb %cl, %es:(%di)
        incw %di
        cmpw $16000, %di
        jne 2b
        addb $0x17, %bl
        shlb $1, %ah
        cmpb $16, %ah
        jne 1b
        ret

planar: movw $0x0012, %ax
        int $0x10
        movw $0xa000, %ax
        movw %ax, %es
        movb $1, %ah
        movb $3, %bl
1:      movw $0x3c4, %dx
        movb $2, %al
        outw %ax, %dx
        xorw %di, %di
2:      pushw %ax
        movw %di, %ax
        mulb %bl
        movb %al, %es:(%di)
        popw %ax
        incw %di
        cmpw $38400, %di
        jne 2b
        addb $4, %bl
        shlb $1, %ah
        cmpb $16, %ah
        jne 1b
        cli
        ret

# VBE by the dispi registers: index, value in AX, BX
dispi:  movw $0x1ce, %dx
        outw %ax, %dx
        incw %dx
        movw %bx, %ax
        outw %ax, %dx
        ret
        .macro DISPI index, value
        movw $\index, %ax
        movw $\value, %bx
        call dispi
        .endm

vbe:    movw $0x0003, %ax               # palette and all else in order
        int $0x10
        cli
        DISPI 4, 0
        DISPI 1, 800
        DISPI 2, 600
        DISPI 3, 32
        DISPI 4, 0x41
        call flat
        movl frame, %edi
        xorl %edx, %edx                 # y
1:      xorl %ecx, %ecx                 # x
2:      movl %ecx, %eax
        shll $8, %eax
        xorl %edx, %eax
        shll $8, %eax
        movb %cl, %al
        addb %dl, %al
        andl $0xffffff, %eax
        movl %eax, %fs:(%edi)
        addl $4, %edi
        incl %ecx
        cmpl $800, %ecx
        jne 2b
        incl %edx
        cmpl $600, %edx
        jne 1b
        ret

# FS over all of 4 GiB, and the address of the frame buffer: BAR0 of the display, device 2
flat:   lgdtl gdtr
        movl %cr0, %eax
        orb $1, %al
        movl %eax, %cr0
        jmp 1f
1:      movw $8, %bx
        movw %bx, %fs
        andb $0xfe, %al
        movl %eax, %cr0
        jmp 2f
2:      movl $0x80001010, %eax
        movw $0xcf8, %dx
        outl %eax, %dx
        movw $0xcfc, %dx
        inl %dx, %eax
        andl $0xfffffff0, %eax
        movl %eax, frame
        ret

        .balign 8
gdt:    .quad 0, 0x00cf92000000ffff
gdtr:   .word 15
        .long gdt
frame:  .long 0
packet: .long 0
have:   .byte 0
screen: .byte 0
listens: .byte 0
        .org SECTORS * 512

# V8086 mode with CR4.VME: the interrupt redirection bitmap under every IOPL, VIF and VIP, what stays with the monitor, and
# external interrupts. SDM 3A 20.2.7-20.3.3, table 20-2
        .include "common.inc"

        .set INTR, 0x1e4                # the bench: a vector to interrupt with
        .set BITMAP, tss_bitmap - 32
gdt_end:

        # To V8086 mode at a label (code segment 0x700, offsets by 0x7000 less), with EFLAGS and a stack at 0600:0100
        .macro TO_V86 label, flags
        pushl $0
        pushl $0
        pushl $0x700
        pushl $0x700
        pushl $0x600
        pushl $0x100
        pushl $(0x20002 + \flags)
        pushl $0x700
        pushl $\label - 0x7000
        iret
        .endm

v86_leave:                              # AX and the flags' image, and out
        movl %eax, %ebx
        movw $DATA0, %cx
        movw %cx, %ds
        movzwl %bx, %eax
        call emit
        movl 8(%esp), %eax
        andl $0x1f7300, %eax            # VIP, VIF, VM, RF, NT, IOPL, IF, TF
        call emit
        movl $STACK0, %esp
        jmp *resume

gp_handler:                             # error code, IP, flags, AX
        movl %eax, %ebx
        popl %eax
        movw $DATA0, %cx
        movw %cx, %ds
        orl $0x0d000000, %eax
        call emit
        movl (%esp), %eax
        addl $0x7000, %eax
        subl culprit, %eax
        call emit
        movl 8(%esp), %eax
        andl $0x1f7300, %eax
        call emit
        movzwl %bx, %eax
        call emit
        movl $STACK0, %esp
        jmp *resume

        # Run instructions in V8086 mode, with AX 0, and leave: the record is AX and the flags by INT 40h's frame
        .macro V86 flags, insns
        movl $.Lvout\@, resume
        xorl %eax, %eax
        TO_V86 .Lvin\@, \flags
        .code16
.Lvin\@: \insns
        int $0x40
        .code32
.Lvout\@:
        .endm
        # With IOPL below 3 INT 40h is #GP: its record
        .macro V86_LOW flags, image, ax, insns
        movl $.Lvend\@, culprit
        movl $.Lvout\@, resume
        xorl %eax, %eax
        TO_V86 .Lvin\@, \flags
        .code16
.Lvin\@: \insns
.Lvend\@:
        int $0x40
        .code32
.Lvout\@: EXPECT 0x0d000000, 0, \image, \ax
        .endm
        # #GP(0) at the last of the instructions, which is len bytes long
        .macro V86_GP flags, image, len, insns
        movl $.Lvend\@ - \len, culprit
        movl $.Lvout\@, resume
        xorl %eax, %eax
        TO_V86 .Lvin\@, \flags
        .code16
.Lvin\@: \insns
.Lvend\@:
        int $0x40
        .code32
.Lvout\@: EXPECT 0x0d000000, 0, \image, 0
        .endm

guest_main:
        SET_GATE 0x40, v86_leave, CODE0, 0xee
        SET_GATE 0x30, v86_leave
        SET_GATE 13, gp_handler
        movl $v86_handler - 0x7000, %eax
        orl $0x07000000, %eax
        movl %eax, 0x50 * 4             # the program's own vectors
        movl %eax, 0x40 * 4
        movl %eax, 0xff * 4
        movl %cr4, %eax
        orl $1, %eax
        movl %eax, %cr4
        orb $1, BITMAP + 0x40 / 8       # INT 40h is the monitor's

        # ---- IOPL 3: INT 50h is redirected, and IF is IF ----
        jmp 1f
        .code16
v86_handler:                            # AX: the flags that were pushed and, in bit 15, those inside have IF (VIF)
        pushw %bp
        movw %sp, %bp
        movw 6(%bp), %ax
        andw $0x7300, %ax
        pushfw
        popw %cx
        andw $0x200, %cx
        shlw $6, %cx
        orw %cx, %ax
        popw %bp
        iretw
        .code32
1:      V86 0x3200, "int $0x50"
        EXPECT 0x3200, 0x23200
        V86 0x3000, "int $0x50"
        EXPECT 0x3000, 0x23000
        V86 0x83200, "int $0x50"          # VIF plays no part
        EXPECT 0x3200, 0xa3200
        # ---- IOPL 0: the image has IOPL 3, and VIF for IF; VIF is cleared within, IF is not ----
        V86_LOW 0x80200, 0xb0200, 0x3200, "int $0x50"
        V86_LOW 0x00200, 0x30200, 0x3000, "int $0x50"
        V86_LOW 0x80000, 0xb0000, 0x3200, "int $0xff"
        V86_LOW 0x01200, 0x31200, 0x3000, "int $0x50"     # IOPL 1 is as good as 0
        movl $v86_handler - 0x7000 + 0x07000000, %eax
        movl %eax, 3 * 4
        V86_LOW 0x80200, 0xb0200, 0x3200, ".byte 0xcd, 3" # INT 3 in two bytes is an INT n
        # beyond the TSS: the monitor's
        movw $0x8000, tss + 0x66
        V86_GP 0x80200, 0xb0200, 2, "int $0x50"
        movw $(tss_bitmap - tss), tss + 0x66
        orb $1, BITMAP + 0x50 / 8
        V86_GP 0x80200, 0xb0200, 2, "int $0x50"
        andb $0xfe, BITMAP + 0x50 / 8

        # ---- the flags' instructions ----
        V86_LOW 0x80200, 0xb0200, 0x3202, "pushfw; popw %ax; andw $0x7302, %ax"
        V86_LOW 0x00200, 0x30200, 0x3002, "pushfw; popw %ax; andw $0x7302, %ax"
        V86_LOW 0x80200, 0x30200, 0, "cli"
        V86_LOW 0x00200, 0xb0200, 0, "sti"
        V86_LOW 0x00000, 0xb0000, 0, "sti"
        V86_LOW 0x00200, 0xb0200, 0, "pushw $0x3202; popfw"       # IOPL does not move
        V86_LOW 0x80200, 0x30200, 0, "pushw $0x0002; popfw"
        V86_LOW 0x80200, 0x34200, 0, "pushw $0x4002; popfw"       # NT does
        V86_LOW 0x00200, 0xb0200, 0, "pushw $0x0202; pushw $0x700; call 1f; 1: addw $7, (%esp); nop; iretw"
        # VIP: nothing may set VIF
        V86_GP 0x100200, 0x130200, 1, "sti"
        V86_GP 0x100200, 0x130200, 1, "pushw $0x202; popfw"
        V86_LOW 0x100200, 0x130200, 0, "pushw $0x2; popfw"
        V86_GP 0x100200, 0x130200, 1, "pushw $0x202; pushw $0x700; pushw $0; iretw"
        V86_LOW 0x180200, 0x130200, 0, "cli"
        # TF cannot be set, and the 32-bit forms are the monitor's
        V86_GP 0x00200, 0x30200, 1, "pushw $0x102; popfw"
        V86_GP 0x00200, 0x30200, 2, "pushfl"
        V86_GP 0x00200, 0x30200, 2, "pushl $2; popfl"
        V86_GP 0x00200, 0x30200, 2, "pushl $2; pushl $0x700; pushl $0; iretl"

        # ---- INT3 and external interrupts are never redirected ----
        SET_GATE 3, v86_leave, CODE0, 0xee
        movl $1f, resume
        xorl %eax, %eax
        TO_V86 2f, 0x80200
        .code16
2:      int3
        .code32
1:      EXPECT 0, 0xa0200
        movl $1f, resume
        TO_V86 2f, 0x80200
        .code16
2:      movw $INTR, %dx
        movl $0x30, %eax
        outl %eax, %dx
        nop
        .code32
1:      EXPECT 0x30, 0xa0200
        hlt

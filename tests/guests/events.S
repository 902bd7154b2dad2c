# Events: interrupts and their shadows, NMI, single-step and breakpoints, alignment, double and triple faults.
# SDM 3A chapter 6, 3B 17.2
        .include "common.inc"

        .set INTR, 0x1e4                # the bench: a vector to interrupt with, 100h for NMI
        .set VALUE, 0x1e0
        .set ABSENT_CODE, FIRST_OWN
        DESC 0, 0xfffff, 0x1b, 0xc
gdt_end:

count:  .long 0
order:  .long 0
buffer: .space 64

# Interrupt 30h: notes EBX, which the code under test steps.
note_ebx:
        movl %ebx, order
        incl count
        iret
note_nmi:
        incl count
        movl $0x100, %eax               # another NMI while this one is served: waits for IRET
        cmpl $1, count
        jne 1f
        movw $INTR, %dx
        outl %eax, %dx
        movl count, %eax
        movl %eax, order
1:      iret
# 31h: how far had REP come?
note_ecx:
        movl %ecx, order
        movl (%esp), %eax
        subl culprit, %eax
        incl count
        iret

db_handler:                             # records DR6's low bits and where
        pushl %eax
        movl %dr6, %eax
        andl $0xe00f, %eax
        call emit
        movl 4(%esp), %eax
        subl culprit, %eax
        call emit
        movl 12(%esp), %eax
        andl $0x10000, %eax             # RF in the image
        call emit
        andl $~0x100, 12(%esp)
        orl $0x10000, 12(%esp)          # RF: go on
        xorl %eax, %eax
        movl %eax, %dr6
        popl %eax
        iret

df_handler:
        popl %eax
        orl $0xdf000000, %eax
        call emit
        movl $STACK0, %esp
        jmp *resume

        .macro AT
        movl $.Lat\@, culprit
.Lat\@:
        .endm

guest_main:
        SET_GATE 0x30, note_ebx
        SET_GATE 0x31, note_ecx
        SET_GATE 2, note_nmi
        SET_GATE 1, db_handler
        SET_GATE 8, df_handler

        # ---- STI and MOV SS let one instruction pass ----
        xorl %ebx, %ebx
        movw $INTR, %dx
        movl $0x30, %eax
        outl %eax, %dx                  # pending, IF clear
        sti
        incl %ebx
        incl %ebx
        cli
        movl order, %eax
        CHECK 1
        xorl %ebx, %ebx
        movw %ss, %cx
        sti
        nop
        movl $0x30, %eax
        outl %eax, %dx                  # taken at once
        incl %ebx
        cli
        movl order, %eax
        CHECK 0
        movl count, %eax
        CHECK 2
        # HLT wakes up
        movl $0x30, %eax
        outl %eax, %dx
        sti
        hlt
        cli
        movl count, %eax
        CHECK 3

        # ---- NMI: blocked until IRET ----
        movl $0, count
        movl $0x100, %eax
        outl %eax, %dx
        nop
        movl order, %eax
        CHECK 1                         # the second had not come in the first one's handler
        movl count, %eax
        CHECK 2

        # ---- REP is interrupted between elements ----
        movl $0, count
        movl $1f, culprit
        movl $buffer, %edi
        movl $buffer, %esi
        movl $0x31, buffer              # OUTS to the interrupting port
        movl $0x31, buffer + 4
        movl $4, %ecx
        movl $0x31, buffer + 8
        movl $0x31, buffer + 12
        movw $INTR, %dx
        cld
        sti
1:      rep outsl
        cli
        movl count, %eax
        CHECK 4
        movl %ecx, %eax
        CHECK 0

        # ---- single-step: the trap comes after the instruction behind POPF ----
        movl $1f, culprit
        pushfl
        orl $0x100, (%esp)
        popfl
        nop
1:      nop
        EXPECT 0x4000, 0, 0
        # ---- instruction breakpoint: a fault, RF passes it ----
        movl $1f, %eax
        movl %eax, %dr0
        movl %eax, culprit
        movl $0x403, %eax
        movl %eax, %dr7
1:      nop
        EXPECT 1, 0, 0
        # ---- data breakpoint: a trap after the write, not after a read ----
        movl $buffer, %eax
        movl %eax, %dr1
        movl $0x00d0040c, %eax          # DR1: write, 4 bytes
        movl %eax, %dr7
        movl buffer, %eax
        movl $1f, culprit
        movl %eax, buffer + 4
        movb %al, buffer + 3
1:      EXPECT 2, 0, 0
        # ---- data breakpoint on MOV SS: held back one instruction ----
        movl $0x00f0040c, %eax          # read or write
        movl %eax, %dr7
        movl $1f, culprit
        movw $DATA0, buffer
1:      nop
        EXPECT 2, 0, 0
        movl $1f, culprit
        movw buffer, %ss
        nop
1:      EXPECT 2, 0, 0
        # ---- I/O breakpoint ----
        movl %cr4, %eax
        orl $8, %eax
        movl %eax, %cr4
        movl $VALUE, %eax
        movl %eax, %dr2
        movl $0x0e000420, %eax
        movl %eax, %dr7
        movl $1f, culprit
        movw $VALUE, %dx
        inb %dx, %al
1:      EXPECT 4, 0, 0
        # ---- general detect ----
        movl $0x2400, %eax
        movl %eax, %dr7
        movl $1f, culprit
1:      movl %dr3, %eax
        EXPECT 0x2000, 0, 0x10000
        movl %dr7, %eax
        CHECK 0x400
        FAULT 6, 0xffff, .byte 0x0f, 0x21, 0xe0         # mov %dr4, %eax with CR4.DE

        # ---- alignment: CPL 3, AM and AC ----
        movl %cr0, %eax
        orl $0x40000, %eax
        movl %eax, %cr0
        pushfl
        orl $0x40000, (%esp)
        popfl
        movl buffer + 1, %eax           # not at CPL 0
        TO_USER 0x43002
        FAULT 17, 0, movl buffer + 1, %eax
        TO_USER 0x43002
        FAULT 17, 0, movw %ax, buffer + 3
        pushl $2
        popfl

        # ---- double fault: #NP on the way to #GP's handler ----
        movw $ABSENT_CODE, IDT + 8 * 13 + 2
        movl $1f, resume
        movw $0xfff0, %ax
        movw %ax, %fs
1:      EXPECT 0xdf000000
        # a benign one first: #UD's handler not there is just #NP
        movw $ABSENT_CODE, IDT + 8 * 6 + 2
        FAULT 11, ABSENT_CODE + 1, ud2

        # ---- triple fault ----
        movw $ABSENT_CODE, IDT + 8 * 8 + 2
        movw $0xfff0, %ax
        movw %ax, %fs
        hlt

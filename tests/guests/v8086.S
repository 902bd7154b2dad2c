# V8086 mode: in by IRET, out by events with the segment registers on the stack, IOPL and VME. SDM 3A chapter 20
        .include "common.inc"
gdt_end:

frame_sp: .long 0

        # To V8086 mode at a label (code segment 0x700, offsets by 0x7000 less), with EFLAGS and a stack at 0600:0100
        .macro TO_V86 label, flags
        pushl $0x1234                   # GS
        pushl $0x2345
        pushl $0x700                    # DS: the same bytes as CS
        pushl $0x3456                   # ES
        pushl $0x600
        pushl $0x100
        pushl $(0x20002 + \flags)
        pushl $0x700
        pushl $\label - 0x7000
        iret
        .endm

        # Record a frame that came from V8086 mode: selectors GS, FS, ES, SS, SP, flags, CS
v86_exit:
        movl %ss:32(%esp), %eax
        movw $DATA0, %cx
        movw %ds, %bx
        movw %cx, %ds
        call emit
        movl 28(%esp), %eax
        call emit
        movl 20(%esp), %eax
        call emit
        movl 16(%esp), %eax
        call emit
        movl 12(%esp), %eax
        call emit
        movl 8(%esp), %eax
        call emit
        movzwl %bx, %eax                # DS was nulled
        call emit
        movl $STACK0, %esp
        jmp *resume

gp_handler:                             # error code on top: record it and the IP, then leave
        popl %eax
        movw $DATA0, %cx
        movw %cx, %ds
        orl $0x0d000000, %eax
        call emit
        movl (%esp), %eax
        addl $0x7000, %eax
        subl culprit, %eax
        call emit
        movl $STACK0, %esp
        jmp *resume

guest_main:
        SET_GATE 0x40, v86_exit, CODE0, 0xee
        SET_GATE 13, gp_handler
        movl $v86_ivt_handler - 0x7000, %eax
        orl $0x07000000, %eax
        movl %eax, 0x50 * 4             # the V8086 program's own table

        # ---- IOPL 3: INT goes through the IDT; the frame ----
        movl $1f, resume
        TO_V86 2f, 0x3000
        .code16
2:      int $0x40
        .code32
1:      EXPECT 0x1234, 0x2345, 0x3456, 0x600, 0x100, 0x23002, 0

        # ---- IOPL 3: PUSHF and CLI work, HLT and MOV CR do not ----
        movl $1f, resume
        movl $3f, culprit
        TO_V86 2f, 0x3200
        .code16
2:      cli
        pushf
        popw %ax
        andw $0x200, %ax
        jnz 3f
        sti
        nop
3:      hlt
        .code32
1:      EXPECT 0x0d000000, 0

        # ---- IOPL 0: CLI, PUSHF, INT n, IRET are the monitor's; INT3 is not ----
        .macro SENSITIVE insn:vararg
        movl $.Lsout\@, resume
        movl $.Lsin\@, culprit
        TO_V86 .Lsin\@, 0
        .code16
.Lsin\@: \insn
        int $0x40
        .code32
.Lsout\@: EXPECT 0x0d000000, 0
        .endm
        SENSITIVE cli
        SENSITIVE sti
        SENSITIVE pushfw
        SENSITIVE popfw
        SENSITIVE iretw
        SENSITIVE int $0x40
        SENSITIVE movl %cr0, %eax
        movw $0xee00, IDT + 8 * 3 + 4
        movl $v86_exit, %eax
        movw %ax, IDT + 8 * 3
        movl $1f, resume
        TO_V86 2f, 0
        .code16
2:      int3
        .code32
1:      EXPECT 0x1234, 0x2345, 0x3456, 0x600, 0x100, 0x20002, 0

        # ---- VME: VIF stands in for IF, INT goes through the program's own table where the bitmap says so ----
        movl %cr4, %eax
        orl $1, %eax
        movl %eax, %cr4
        orb $1, tss_bitmap - 32 + 0x40 / 8      # INT 40h stays with the monitor; INT 50h is redirected
        movl $1f, resume
        movl $3f, culprit
        TO_V86 2f, 0
        .code16
2:      sti                             # VIF
        int $0x50
        movw %ax, %fs                   # the image that the handler saw
        cli
        pushfw
        popw %gs                        # IF (VIF) clear, IOPL 3
3:      int $0x40                       # IOPL is 0: #GP
v86_ivt_handler:
        pushfw
        popw %ax                        # within the handler: VIF clear
        movw %ax, %es
        popw %bx
        popw %cx
        popw %ax
        pushw %ax
        pushw %cx
        pushw %bx
        iretw
        .code32
1:      EXPECT 0x0d000000, 0
        # the same, with VIP: STI is #GP
        movl $1f, resume
        movl $2f, culprit
        TO_V86 2f, 0x100000
        .code16
2:      sti
        .code32
1:      EXPECT 0x0d000000, 0

        # what the redirected INT saw, by INT3's frame
        movl $1f, resume
        TO_V86 2f, 0
        .code16
2:      sti
        int $0x50
        movw %ax, %fs
        cli
        pushfw
        popw %gs
        int3
        .code32
1:      EXPECT 0x3002, 0x3202, 0x3002, 0x600, 0x100, 0x20002, 0
        hlt

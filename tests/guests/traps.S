# What waits, and what does not: single steps behind MOV SS, REP, INT and faults; the shadows of STI and MOV SS; breakpoints that
# hit together; INT1, INT3, INTO, BOUND; protected-mode virtual interrupts. SDM 3A 6.8, 20.4; 3B 17.2-17.3
        .include "common.inc"

        .set INTR, 0x1e4                # the bench: a vector to interrupt with
gdt_end:

        .balign 4
steps:  .long 1                         # single-step traps to take before TF is cleared
order:  .long 0
count:  .long 0
far_ss: .long STACK0 - 64
        .word DATA0
bounds: .long 1, 5
        .balign 4
buffer: .space 64

note_ebx:                               # interrupt 30h
        movl %ebx, order
        incl count
        iret

db_handler:                             # DR6's low bits, and where
        pushl %eax
        movl %dr6, %eax
        andl $0xe00f, %eax
        call emit
        movl 4(%esp), %eax
        subl culprit, %eax
        call emit
        decl steps
        jg 1f
        andl $~0x100, 12(%esp)
1:      orl $0x10000, 12(%esp)          # RF: go on
        xorl %eax, %eax
        movl %eax, %dr6
        popl %eax
        iret

        .macro STEP n=1                 # the instruction behind is stepped
        movl $\n, steps
        pushfl
        orl $0x100, (%esp)
        popfl
        .endm
        .macro RAISE vector             # an interrupt that waits for IF
        movw $INTR, %dx
        movl $\vector, %eax
        outl %eax, %dx
        .endm

guest_main:
        SET_GATE 1, db_handler
        SET_GATE 0x30, note_ebx, CODE0, 0xee

        # ---- single-step ----
        movw %ss, %cx
        movl $1f, culprit
        STEP
        movw %cx, %ss                   # held back by one instruction
        nop
1:      EXPECT 0x4000, 0
        pushl $DATA0
        movl $1f, culprit
        STEP
        popl %ss
        nop
1:      EXPECT 0x4000, 0
        movl $1f, culprit
        STEP
        lss far_ss, %esp                # LSS holds nothing back
1:      nop
        EXPECT 0x4000, 0
        movl $STACK0, %esp
        # REP: a trap behind each element
        movl $buffer, %edi
        movl $3, %ecx
        cld
        movl $1f, culprit
        STEP 3
1:      rep stosb
        movl %ecx, %eax
        EXPECT 0x4000, 0, 0x4000, 0, 0x4000, 2
        CHECK 0
        # INT: its handler is not stepped; IRET sets TF again, and the instruction behind it is
        movl $1f, culprit
        movl $0, count
        STEP
        int $0x30
        nop
1:      movl count, %eax
        EXPECT 0x4000, 0
        CHECK 1
        # a fault: no trap, TF in the image
        movl $1f, resume
        movl $2f, culprit
        STEP
2:      ud2
1:      movl saved_eflags, %eax
        andl $0x10100, %eax             # RF and TF
        EXPECT 0xe006ffff, 0
        CHECK 0x10100
        # POPF that clears TF is itself still stepped
        pushl $2
        movl $1f, culprit
        STEP
        popfl
1:      nop
        EXPECT 0x4000, 0
        # a jump: the address trapped at is where it went
        movl $1f, culprit
        STEP
        jmp 1f
        nop
1:      nop
        EXPECT 0x4000, 0
        # stepping at CPL 3, into the handler of CPL 0
        TO_USER 0x3002
        movl $1f, culprit
        STEP
        int $0x30
        nop
1:      nop
        EXPECT 0x4000, 0
        TO_KERNEL

        # ---- shadows ----
        xorl %ebx, %ebx
        movl $0, count
        RAISE 0x30                      # waits: IF is clear
        movw %ss, %cx
        sti
        movw %cx, %ss                   # STI's shadow, then its own
        incl %ebx
        incl %ebx
        cli
        movl order, %eax
        CHECK 1
        xorl %ebx, %ebx
        RAISE 0x30
        sti
        sti                             # IF is set: this one casts no shadow
        incl %ebx
        cli
        movl order, %eax
        CHECK 0
        movl count, %eax
        CHECK 2
        RAISE 0x30
        sti
        cli                             # no room between them
        nop
        movl count, %eax
        CHECK 2
        sti
        nop
        nop
        cli
        movl count, %eax
        CHECK 3
        RAISE 0x30
        pushfl
        orl $0x200, (%esp)
        movl $0, %ebx
        popfl                           # POPF casts none
        incl %ebx
        cli
        movl order, %eax
        CHECK 0

        # ---- breakpoints ----
        movl $buffer + 1, %eax          # lengths round the address down
        movl %eax, %dr0
        movl $buffer + 4, %eax
        movl %eax, %dr1
        movl $0x00dd040a, %eax          # G0, G1: writes of 4 bytes
        movl %eax, %dr7
        movl $1f, culprit
        movl %eax, buffer + 2           # both
1:      nop
        EXPECT 3, 0
        movl $1f, culprit
        movb %al, buffer                # the first
1:      movb %al, buffer + 8            # none
        EXPECT 1, 0
        # with a single step: one trap that has both
        movl $1f, culprit
        STEP
        movb %al, buffer + 5
1:      nop
        EXPECT 0x4002, 0
        # in REP: behind the element that hit
        movl $buffer - 2, %edi
        movl $4, %ecx
        movl $1f, culprit
1:      rep stosb
        movl %ecx, %eax
        EXPECT 1, 0, 1, 2
        CHECK 0
        # a read-modify-write is a write, and so is a POP to memory
        movl $1f, culprit
        incl buffer
1:      nop
        EXPECT 1, 0
        pushl $2
        movl $1f, culprit
        popl buffer + 4
1:      nop
        EXPECT 2, 0
        # disabled
        movl $0x00dd0400, %eax
        movl %eax, %dr7
        movl %eax, buffer
        # DR6 collects, nothing clears it but the program
        movl $0x4001, %eax
        movl %eax, %dr6
        movl $0x00dd0408, %eax
        movl %eax, %dr7
        movl $1f, culprit
        movl %eax, buffer + 4
1:      nop
        EXPECT 0x4003, 0
        movl $0x400, %eax
        movl %eax, %dr7

        # ---- INT1, INT3, INTO, BOUND, INT n ----
        TO_USER 0x3002
        movl $1f, culprit
        .byte 0xf1                      # INT1: the gate's DPL does not count, DR6 says nothing
1:      nop
        EXPECT 0, 0
        # a trap reports the next instruction
        .macro TRAP vector, len, insn:vararg
        movl $.Ltrout\@, resume
        movl $.Ltrin\@, culprit
.Ltrin\@: \insn
        call no_fault
.Ltrout\@: EXPECT (0xe000ffff + (\vector << 16)), \len
        .endm
        SET_GATE 1, stubs+16
        TRAP 3, 1, int3
        TO_USER 0x3002
        TRAP 3, 1, int3
        TO_USER 0x3002
        movb $0x7f, %al
        addb $1, %al
        TRAP 4, 1, into
        xorl %eax, %eax
        into                            # no overflow: nothing
        movb $0x8e, IDT + 8 * 3 + 5
        TO_USER 0x3002
        FAULT 13, (3 * 8 + 2), int3
        TO_USER 0x3002
        FAULT 13, (3 * 8 + 2), .byte 0xcd, 3
        TO_USER 0x3002
        TRAP 1, 1, .byte 0xf1
        movl $0, %eax
        FAULT 5, 0xffff, bound %eax, bounds
        movl $6, %eax
        FAULT 5, 0xffff, bound %eax, bounds
        movl $5, %eax
        bound %eax, bounds
        xorl %ecx, %ecx
        FAULT 0, 0xffff, divl %ecx
        FAULT 0, 0xffff, .byte 0xd4, 0  # AAM 0
        FAULT 13, (0x90 * 8 + 2), int $0x90     # beyond the IDT
        movb $0, IDT + 8 * 0x32 + 5
        FAULT 13, (0x32 * 8 + 2), int $0x32     # no gate at all

        # ---- protected-mode virtual interrupts: CLI and STI at CPL 3 move VIF ----
        movl %cr4, %eax
        orl $2, %eax
        movl %eax, %cr4
        .macro USER_FLAGS value
        pushfl
        popl %eax
        andl $0x180200, %eax            # VIP, VIF, IF
        int $0x81
        EXPECT \value
        .endm
        TO_USER 0x0202                  # IOPL 0, IF set
        sti
        USER_FLAGS 0x80200
        cli
        USER_FLAGS 0x200
        pushl $0x80002
        popfl                           # POPF moves neither IF nor VIF
        USER_FLAGS 0x200
        pushl $0x2
        popfl
        USER_FLAGS 0x200
        sti
        pushl $0x2
        popfl
        USER_FLAGS 0x80200
        TO_KERNEL
        TO_USER 0x100002                # VIP: something waits
        cli
        USER_FLAGS 0x100000
        FAULT 13, 0, sti
        TO_USER 0x3002                  # IOPL 3: IF itself
        sti
        USER_FLAGS 0x200
        cli
        TO_KERNEL
        TO_USER 0x0202
        movw $0x900, %dx                # nothing else is let through: IN, HLT
        FAULT 13, 0, inb %dx, %al
        TO_USER 0x0202
        FAULT 13, 0, hlt
        movl %cr4, %eax
        andl $~2, %eax
        movl %eax, %cr4
        TO_USER 0x0202
        FAULT 13, 0, sti
        hlt

# Tasks entered by events: interrupts, exceptions and double faults through task gates, the T bit, V8086 tasks, bad links,
# LDT and CR3 of a task. SDM 3A 6.12.2, 7.2-7.4, 20.2.1
        .include "common.inc"

        .set INTR, 0x1e4                # the bench: a vector to interrupt with
        .set TSSA, FIRST_OWN            # what handles events
        .set TSSB, FIRST_OWN + 8        # what is called
        .set TSSV, FIRST_OWN + 16       # a V8086 task
        .set TSS_SHORT, FIRST_OWN + 24
        .set TSS_ABSENT, FIRST_OWN + 32
        .set LDT1, FIRST_OWN + 40
        .set ABSENT_CODE, FIRST_OWN + 48
        .set DIR1, 0x100000             # two page directories that agree but for one page
        .set DIR2, 0x101000
        .set TABLE1, 0x102000
        .set TABLE2, 0x103000
        .set PAGE, 0x400000
        .macro TSS_DESC label, limit=103, access=0x89
        .word \limit, \label - base_of_image + 0x8000
        .byte 0, \access, 0, 0
        .endm
        TSS_DESC tssa
        TSS_DESC tssb
        TSS_DESC tssv
        TSS_DESC tssb, 102
        TSS_DESC tssb, 103, 0x09
        DESC 0x18000, 15, 0x82
        DESC 0, 0xfffff, 0x1b, 0xc
gdt_end:

        .set LINK, 0
        .set TCR3, 0x1c
        .set TEIP, 0x20
        .set TEFLAGS, 0x24
        .set TESP, 0x38
        .set TCS, 0x4c
        .set TGS, 0x5c
        .set TLDT, 0x60
        .set TTRAP, 0x64
        .macro TASK eip, eflags, esp, cs=CODE0, data=DATA0
        .long 0, STACK0, DATA0, 0, 0, 0, 0, 0
        .long \eip, \eflags, 0xa0a0a0a0, 0xc0c0c0c0, 0xd0d0d0d0, 0xb0b0b0b0, \esp, 0xbbbb, 0x5151, 0xd1d1
        .long \data, \cs, \data, \data, \data, \data, 0
        .word 0, 104
        .endm
        .balign 4
tssa:   TASK event_task, 2, 0x5000
tssb:   TASK called_task, 2, 0x5800
tssv:   TASK 0, 0x23002, 0x100, 0x700, 0x700
go_on:  .long 0                         # where the interrupted task goes on; 0: where it was

        # What a task gate's entry must leave behind: who was interrupted, where (less culprit), with which RF and VM,
        # then back to wherever that task's EIP is set to.
event_task:
        movw tssa + LINK, %ax
        movzwl %ax, %eax
        movl %eax, %esi
        orl $0x7a000000, %eax
        call emit
        pushfl
        popl %eax
        andl $0x4200, %eax              # NT, IF
        call emit
        movl $tss, %ebx
        cmpl $TSSB, %esi
        jne 1f
        movl $tssb, %ebx
1:      cmpl $TSSV, %esi
        jne 1f
        movl $tssv, %ebx
1:      movl TEIP(%ebx), %eax
        subl culprit, %eax
        call emit
        movl TEFLAGS(%ebx), %eax
        andl $0x30000, %eax
        call emit
        movl $0x5000, %eax              # what was pushed here: nothing or an error code
        subl %esp, %eax
        call emit
        cmpl $0x5000, %esp
        je 1f
        popl %eax
        call emit
1:      movl go_on, %eax
        testl %eax, %eax
        jz 1f
        movl %eax, TEIP(%ebx)           # a fault: do not run into it again
        movl $0, go_on
1:      movw $0, tssb + TLDT            # of no use to anybody any more
        clts
        iret
        jmp event_task

called_task:
        call emit
        iret
again:  movl $0x0ca11ed2, %eax
        call emit
        iret

        .macro TASK_GATE vector, sel, access=0x85
        movl $(\sel << 16), IDT + 8 * \vector
        movl $(\access << 8), IDT + 8 * \vector + 4
        .endm
        # The event task's record of an event that came from link
        .macro EVENT link, flags, images=0, pushed:vararg
        EXPECT (0x7a000000 + \link), 0x4000, \flags, \images
        .ifb \pushed
        EXPECT 0
        .else
        EXPECT 4, \pushed
        .endif
        .endm

db_handler:
        pushl %eax
        movl %dr6, %eax
        andl $0xe00f, %eax
        call emit
        movl 4(%esp), %eax
        subl culprit, %eax
        call emit
        xorl %eax, %eax
        movl %eax, %dr6
        orl $0x10000, 12(%esp)          # RF: go on
        popl %eax
        iret

guest_main:
        # ---- INT n through a task gate ----
        TASK_GATE 0x30, TSSA, 0xe5
        movl $1f, culprit
        movl $0x600d, %edi
        int $0x30
1:      EVENT TSS0, 0
        movl %edi, %eax                 # our registers came back
        CHECK 0x600d
        movl %cr0, %eax
        andl $8, %eax
        CHECK 8                         # each switch sets TS
        clts
        movzbl gdt + TSSA + 5, %eax
        CHECK 0x89
        movzwl tss + LINK, %eax
        CHECK 0                         # IRET writes no link
        # from CPL 3
        TO_USER 0x3002
        movl $1f, culprit
        int $0x30
1:      EVENT TSS0, 0
        movl %cs, %eax
        int $0x81
        EXPECT CODE3
        TASK_GATE 0x31, TSSA, 0x85
        FAULT 13, (0x31 * 8 + 2), int $0x31     # the gate's DPL counts

        # ---- an external interrupt through a task gate: IF of the new task ----
        clts
        movw $INTR, %dx
        movl $1f, culprit
        movl $0x31, %eax
        sti
        nop
        outl %eax, %dx
1:      cli
        EVENT TSS0, 0
        pushfl
        popl %eax
        andl $0x4000, %eax              # NT was not ours
        CHECK 0

        # ---- exceptions: the error code goes to the new task's stack, RF to the old one's image ----
        .macro TASK_FAULT error, insn:vararg
        movl $.Ltout\@, go_on
        movl $.Ltin\@, culprit
.Ltin\@: \insn
        call no_fault
.Ltout\@: EVENT TSS0, 0, 0x10000, \error
        .endm
        TASK_GATE 13, TSSA
        movw $0xfff0, %ax
        TASK_FAULT 0xfff0, movw %ax, %fs
        TASK_GATE 6, TSSA
        TASK_FAULT , ud2
        TASK_GATE 11, TSSA
        movl $ABSENT_CODE, %eax
        TASK_FAULT ABSENT_CODE, ljmp $ABSENT_CODE, $0
        clts
        # a double fault by a task of its own: what it is for
        TASK_GATE 8, TSSA
        SET_GATE 13, event_task, ABSENT_CODE
        movw $0xfff0, %ax
        movl $2f, go_on
        movl $1f, culprit
1:      movw %ax, %fs
2:      EVENT TSS0, 0, 0, 0                     # an abort: EIP and RF are nobody's promise
        SET_GATE 13, stubs+16*13
        SET_GATE 11, stubs+16*11

        # ---- gates that lead to no task ----
        TASK_GATE 0x31, TSS0, 0xe5              # busy
        FAULT 13, TSS0, int $0x31
        TASK_GATE 0x31, TSS_ABSENT, 0xe5
        FAULT 11, TSS_ABSENT, int $0x31
        TASK_GATE 0x31, TSS_SHORT, 0xe5
        FAULT 10, TSS_SHORT, int $0x31
        TASK_GATE 0x31, CODE0, 0xe5
        FAULT 13, CODE0, int $0x31
        TASK_GATE 0x31, (TSSA + 4), 0xe5        # never in the LDT
        FAULT 13, (TSSA + 4), int $0x31
        TASK_GATE 0x31, TSSA, 0x65
        FAULT 11, (0x31 * 8 + 2), int $0x31
        TASK_GATE 6, TSS0                       # EXT: the program did not ask for it
        FAULT 13, (TSS0 + 1), ud2
        SET_GATE 6, stubs+16*6

        # ---- IRET with NT set: the link must be a busy TSS ----
        .macro IRET_NT link
        movw $\link, tss + LINK
        pushfl
        orl $0x4000, (%esp)
        popfl
        FAULT 10, \link, iret
        pushl $2
        popfl
        .endm
        IRET_NT TSSA                            # not busy
        IRET_NT CODE0
        IRET_NT (TSSA + 4)
        movl $0, tss + LINK

        # ---- the T bit: #DB before the task's first instruction, with BT ----
        SET_GATE 1, db_handler
        movb $1, tssb + TTRAP
        movl $called_task, culprit
        lcall $TSSB, $0
        EXPECT 0x8000, 0
        EXPECT 0xa0a0a0a0
        movb $0, tssb + TTRAP
        # local breakpoints end with the task, global ones stay
        movl $called_task, %eax
        movl %eax, %dr0
        movl %eax, %dr1
        movl %eax, %dr2
        movl $0x419, %eax                       # L0, G1, L2
        movl %eax, %dr7
        movl %eax, culprit
        movl $called_task, culprit
        movl $called_task, tssb + TEIP
        lcall $TSSB, $0
        EXPECT 2, 0
        EXPECT 0xa0a0a0a0
        movl %dr7, %eax
        CHECK 0x408
        movl $0x400, %eax
        movl %eax, %dr7
        SET_GATE 1, stubs+16*1

        # ---- the task's LDT ----
        movl $0x00000fff, 0x18008
        movl $0x0040f302, 0x1800c               # entry 1: base 0x20000, DPL 3
        movl $0x5a5a1234, 0x20000
        movw $LDT1, tssb + TLDT
        movw $0x0c, tssb + TGS
        movl $2f, tssb + TEIP
        lcall $TSSB, $0
        jmp 3f
2:      movl %gs:0, %eax
        CHECK 0x5a5a1234
        sldt %ax
        movzwl %ax, %eax
        CHECK LDT1
        iret
3:      xorl %eax, %eax
        sldt %ax
        CHECK 0
        # a bad one: #TS is the new task's, before its first instruction
        TASK_GATE 10, TSSA
        movw $CODE0, tssb + TLDT
        movw $0, tssb + TGS
        movl $again, tssb + TEIP
        movl $again, culprit
        lcall $TSSB, $0
        EVENT TSSB, 0, 0x10000, CODE0
        EXPECT 0x0ca11ed2
        SET_GATE 10, stubs+16*10

        # ---- a task of V8086 mode: faults in it and interrupts through task gates ----
        TASK_GATE 13, TSSA
        SET_GATE 0x33, v86_out, CODE0, 0xee
        movl $1f - 0x7000, tssv + TEIP
        movl $1f - 0x7000, culprit
        movl $2f - 0x7000, go_on
        lcall $TSSV, $0
        jmp 3f
        .code16
1:      movl %cr0, %eax                         # the monitor's
        hlt
2:      int $0x30
        int $0x33
        .code32
v86_out:
        movw $DATA0, %ax
        movw %ax, %ds
        xorl %eax, %eax
        str %ax
        call emit
        pushl $0x4002
        popfl
        iret
3:      EVENT TSSV, 0, 0x30000, 0
        EXPECT (0x7a000000 + TSSV), 0x4000, 4 + 2, 0x20000, 0
        EXPECT TSSV
        SET_GATE 13, stubs+16*13
        xorl %eax, %eax
        str %ax
        CHECK TSS0

        # ---- with paging a task brings its CR3; that of the old one is not saved ----
        clts
        movl $DIR1, %edi
        xorl %eax, %eax
        movl $0x1000, %ecx
        cld
        rep stosl
        movl $0x83, DIR1
        movl $0x83, DIR2
        movl $TABLE1 + 3, DIR1 + 4
        movl $TABLE2 + 3, DIR2 + 4
        movl $0x200003, TABLE1
        movl $0x201003, TABLE2
        movl $0x11111111, 0x200000
        movl $0x22222222, 0x201000
        movl %cr4, %eax
        orl $0x10, %eax
        movl %eax, %cr4
        movl $DIR1, %eax
        movl %eax, %cr3
        movl %eax, tss + TCR3
        movl $DIR2, tssb + TCR3
        movl %cr0, %eax
        orl $0x80000000, %eax
        movl %eax, %cr0
        jmp 1f
1:      movl PAGE, %eax
        CHECK 0x11111111
        movl $2f, tssb + TEIP
        lcall $TSSB, $0
        jmp 3f
2:      movl PAGE, %eax
        CHECK 0x22222222
        movl $DIR1, %eax                        # the task may change it,
        movl %eax, %cr3
        iret
        movl PAGE, %eax                         # and finds its own again
        call emit
        iret
3:      movl %cr3, %eax
        CHECK DIR1
        movl tssb + TCR3, %eax
        CHECK DIR2
        clts
        lcall $TSSB, $0
        EXPECT 0x22222222
        hlt

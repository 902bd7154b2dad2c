# Far transfers in protected mode: conforming code, call gates with parameters, returns outward, task switches, SYSENTER.
# SDM 3A 5.8, 7.3
        .include "common.inc"

        .set CONFORM, FIRST_OWN         # conforming code, DPL 0
        .set GATE32, FIRST_OWN + 8      # to inner, DPL 3, two parameters
        .set GATE16, FIRST_OWN + 16     # 16-bit gate, DPL 3, one parameter
        .set GATE0, FIRST_OWN + 24      # DPL 0
        .set GATE_ABSENT, FIRST_OWN + 32
        .set GATE_DATA, FIRST_OWN + 40  # leads to data
        .set TSS1, FIRST_OWN + 48       # 32-bit
        .set TASK_GATE, FIRST_OWN + 56  # DPL 3, to TSS1
        .set TSS2, FIRST_OWN + 64       # 16-bit
        .set TSS_SHORT, FIRST_OWN + 72
        .set RW1, FIRST_OWN + 80        # data, DPL 1
        .set BAD_TASK_GATE, FIRST_OWN + 88
        .set PM_SYS, FIRST_OWN + 96     # SYSENTER's four
        .set ABSENT_CODE, FIRST_OWN + 128
        DESC 0, 0xfffff, 0x9f, 0xc
        GATE inner32, CODE0, 2, 0xec
        GATE inner16, CODE0, 1, 0xe4
        GATE inner32, CODE0, 0, 0x8c
        GATE inner32, CODE0, 0, 0x6c
        GATE inner32, DATA0, 0, 0xec
        .word 103, tss1 - base_of_image + 0x8000
        .byte 0, 0x89, 0, 0
        GATE base_of_image, TSS1, 0, 0xe5
        .word 43, tss2 - base_of_image + 0x8000
        .byte 0, 0x81, 0, 0
        .word 102, tss1 - base_of_image + 0x8000
        .byte 0, 0x89, 0, 0
        DESC 0, 0xfffff, 0xb3, 0xc
        GATE base_of_image, CODE0, 0, 0xe5
        DESC 0, 0xfffff, 0x9b, 0xc
        DESC 0, 0xfffff, 0x93, 0xc
        DESC 0, 0xfffff, 0xfb, 0xc
        DESC 0, 0xfffff, 0xf3, 0xc
        DESC 0, 0xfffff, 0x1b, 0xc
gdt_end:

        .balign 4
tss1:   .long 0, STACK0, DATA0, 0, 0, 0, 0, 0
        .long task1, 2, 0x11111111, 0x22222222, 0x33333333, 0x44444444, 0x5000, 0x66666666, 0x77777777, 0x88888888
        .long DATA0, CODE0, DATA0, DATA0, DATA0, 0, 0
        .word 0, 104
tss2:   .word 0, 0x7000, DATA0, 0, 0, 0, 0
        .word task2 - base_of_image + 0x8000, 2, 0x1111, 0x2222, 0x3333, 0x4444, 0x5000, 0x6666, 0x7777, 0x8888
        .word DATA0, CODE0, DATA0, DATA0, 0

guest_main:
        # ---- far jumps that fault ----
        FAULT 13, 0, ljmp $0, $0
        FAULT 13, DATA0, ljmp $DATA0, $0
        FAULT 13, 0x18, ljmp $0x1b, $0          # outer code cannot be jumped to
        FAULT 11, ABSENT_CODE, ljmp $ABSENT_CODE, $0
        FAULT 13, 0xfff8, ljmp $0xfff8, $0
        FAULT 11, GATE_ABSENT, lcall $GATE_ABSENT, $0
        FAULT 13, DATA0, lcall $GATE_DATA, $0
        FAULT 10, TSS_SHORT, ljmp $TSS_SHORT, $0
        FAULT 13, CODE0, ljmp $BAD_TASK_GATE, $0
        FAULT 13, TSS0, ljmp $TSS0, $0          # busy

        # ---- conforming code runs at the caller's level ----
        TO_USER 0x3002
        FAULT 13, CODE0, ljmp $CODE0 + 3, $0
        TO_USER 0x3002
        lcall $CONFORM, $1f
        jmp 2f
1:      movw %cs, %ax
        movzwl %ax, %eax
        int $0x81
        EXPECT CONFORM + 3
        lret
2:      FAULT 13, GATE0, lcall $GATE0, $0

        # ---- through call gates, with parameters, and back ----
        TO_USER 0x3002
        movw $RW1 + 1, %ax                      # DPL 1 from CPL 3: refused
        FAULT 13, RW1, movw %ax, %fs
        movw $RW1 + 1, %ax
        movw %ax, %gs
        TO_USER 0x3002
        pushl $0x01234567
        pushl $0x89abcdef
        lcall $GATE32 + 3, $0xdeadbeef
        jmp 3f
inner32:                # EIP CS p1 p0 ESP SS
        movw %cs, %ax
        movzwl %ax, %eax
        CHECK CODE0
        movl 8(%esp), %eax
        CHECK 0x89abcdef
        movl 12(%esp), %eax
        CHECK 0x01234567
        movl 16(%esp), %eax
        CHECK (STACK3 - 8)
        movl 20(%esp), %eax
        CHECK DATA3
        movw $DATA0, %ax
        movw %ax, %fs
        lret $8

3:      # back at CPL 3: parameters dropped, inner data segments nulled
        movl %esp, %eax
        int $0x81
        EXPECT STACK3
        movw %fs, %ax
        movzwl %ax, %eax
        int $0x81
        EXPECT 0
        movw %ds, %ax
        movzwl %ax, %eax
        int $0x81
        EXPECT DATA3
        pushl $0x00005a5a
        lcall $GATE16 + 3, $0
        jmp 3f
inner16:                # IP CS p0 SP SS, words
        movzwl 4(%esp), %eax
        CHECK 0x5a5a
        movzwl 6(%esp), %eax
        CHECK (STACK3 - 4)
        lretw $2

3:
        movl %esp, %eax
        int $0x81
        EXPECT (STACK3 - 2)
        TO_KERNEL

        # ---- tasks ----
        movl $0x01010101, %ebx
        lcall $TSS1, $0
        jmp 3f
task1:  CHECK 0x11111111
        movl %edi, %eax
        CHECK 0x88888888
        movl %esp, %eax
        CHECK 0x5000
        pushfl
        popl %eax
        andl $0x4000, %eax
        CHECK 0x4000
        movzwl tss1, %eax
        CHECK TSS0
        movzbl gdt + TSS1 + 5, %eax
        CHECK 0x8b
        movw $TSS1, %ax
        str %ax
        movzwl %ax, %eax
        CHECK TSS1
        iret
        jmp task1_second
3:
        movl %ebx, %eax                         # back through IRET
        CHECK 0x01010101
        pushfl
        popl %eax
        andl $0x4000, %eax
        CHECK 0                                 # NT was saved clear
        movl %cr0, %eax
        andl $8, %eax
        CHECK 8                                 # TS
        clts
        movzbl gdt + TSS1 + 5, %eax
        CHECK 0x89                              # no longer busy
        movzbl gdt + TSS0 + 5, %eax
        CHECK 0x8b
        TO_USER 0x3002
        lcall $TASK_GATE + 3, $0                # IRET left EIP behind its IRET: the task goes on from there
        jmp 3f
task1_second:
        movl $0x0badcafe, %eax  # second entry, by way of the task gate
        CHECK 0x0badcafe
        iret
3:      TO_KERNEL
        movl $0x02020202, %ebx
        lcall $TSS2, $0
        jmp 3f
task2:  movl %esp, %ebx
        movzwl %sp, %esp                        # what is in the high halves is nobody's business, but SS is big
        movzwl %ax, %eax
        CHECK 0x1111
        movzwl %bx, %eax
        CHECK 0x5000
        iret
3:
        movl %ebx, %eax
        CHECK 0x02020202
        # a task whose GS is no good: #TS in the new task, before it begins
        movl $task1_again, tss1 + 0x20
        movl $0x5000, tss1 + 0x38
        movl $1f, resume
        movl $task1_again, culprit
        movw $RW1 + 2, tss1 + 0x5c
        ljmp $TSS1, $0
        jmp 2f
1:      EXPECT (0xe0000000 + (10 << 16) + RW1), 0
        xorl %eax, %eax
        str %ax
        CHECK TSS1
        movzbl gdt + TSS0 + 5, %eax
        CHECK 0x89                              # a jump leaves the old task for good
        ljmp $TSS0, $0                          # goes on behind its own jump
        hlt
2:      clts

        # ---- SYSENTER and SYSEXIT ----
        movl $0x174, %ecx
        xorl %eax, %eax
        xorl %edx, %edx
        wrmsr
        FAULT 13, 0, sysenter
        movl $0x174, %ecx
        movl $PM_SYS, %eax
        xorl %edx, %edx
        wrmsr
        movl $0x175, %ecx
        movl $0x6800, %eax
        wrmsr
        movl $0x176, %ecx
        movl $1f, %eax
        wrmsr
        TO_USER 0x3202
        FAULT 13, 0, sysexit
        TO_USER 0x3202
        movl %esp, %ecx
        sysenter
        hlt
1:      movl %esp, %eax
        CHECK 0x6800
        movw %cs, %ax
        movzwl %ax, %eax
        CHECK PM_SYS
        movw %ss, %ax
        movzwl %ax, %eax
        CHECK (PM_SYS + 8)
        pushfl
        popl %eax
        andl $0x200, %eax
        CHECK 0
        movl $STACK3 - 16, %ecx
        movl $1f, %edx
        sysexit
        hlt
1:      movw %cs, %ax
        movzwl %ax, %eax
        int $0x81
        EXPECT (PM_SYS + 16 + 3)
        movw %ss, %ax
        movzwl %ax, %eax
        int $0x81
        EXPECT (PM_SYS + 24 + 3)
        movl %esp, %eax
        int $0x81
        EXPECT (STACK3 - 16)
        TO_KERNEL
        hlt

task1_again:
        hlt

# User code that computes, faults, is rewritten, remapped and looked at, at IOPL 0 with interrupts on: what direct execution may
# run. Every value is one that the guest's own CPU and tables give; the host's would differ.
        .include "common.inc"

        .set DIR, 0x100000
        .set TABLE, 0x101000            # maps USER, 4 MiB; the first 4 MiB are one identity-mapped large page, supervisor
        .set DIR2, 0x102000             # a second address space: as the first, but for its page DATA
        .set TABLE2, 0x103000
        .set FRAME, 0x200000
        .set USER, 0x400000
        .set WRITTEN, USER + 0x2000     # code that is written at run time
        .set DATA, USER + 0x4000
        .set READONLY, USER + 0x5000
        .set SECRET, USER + 0x6000      # the supervisor's
        .set ABSENT, USER + 0x7000
        .set FRESH, USER + 0x8000
        .set POKED, USER + 0xc000       # code that the kernel writes
        .set STACK, USER + 0x10000
        .set KERNEL, 0xc0000000         # the first 4 MiB once more: a kernel has its place above user code
gdt_end:

        # An IDT entry of ours: vector, label, DPL 3 or 0
        .macro SERVICE vector, label
        SET_GATE \vector, \label, CODE0, 0xee
        .endm

guest_main:
        movl $DIR, %edi
        xorl %eax, %eax
        movl $0x1000, %ecx
        cld
        rep stosl
        movl $0x83, DIR
        movl $0x83, DIR2
        movl $0x83, DIR + (KERNEL >> 20)
        movl $0x83, DIR2 + (KERNEL >> 20)
        movl $TABLE + 7, DIR + 4
        movl $TABLE2 + 7, DIR2 + 4
        movl $0, %ecx
1:      movl %ecx, %eax
        shll $12, %eax
        addl $FRAME + 7, %eax
        movl %eax, TABLE(, %ecx, 4)
        movl %eax, TABLE2(, %ecx, 4)
        incl %ecx
        cmpl $16, %ecx
        jb 1b
        andl $~2, TABLE                 # code is read-only
        andl $~2, TABLE + 4
        andl $~2, TABLE2
        andl $~2, TABLE2 + 4
        andl $~2, TABLE + 4 * 5
        andl $~4, TABLE + 4 * 6
        andl $~1, TABLE + 4 * 7
        addl $0x100000, TABLE2 + 4 * 4
        movl $user_begin, %esi
        movl $FRAME, %edi
        movl $user_end - user_begin, %ecx
        rep movsb
        SET_GATE 0, stubs2 + 0
        SET_GATE 1, stubs2 + 16
        SET_GATE 3, stubs2 + 32, CODE0, 0xee
        SET_GATE 4, stubs2 + 48, CODE0, 0xee
        SET_GATE 5, stubs2 + 64
        SET_GATE 6, stubs2 + 80
        SET_GATE 13, stubs2 + 96
        SET_GATE 14, stubs2 + 112
        SET_GATE 17, stubs2 + 128
        SERVICE 0x83, get_bits
        SERVICE 0x84, clear_bits
        SERVICE 0x86, switch_space
        SERVICE 0x87, remap
        SERVICE 0x88, poke
        SERVICE 0x89, use_fp
        movl %cr4, %eax
        orl $0x690, %eax                # PSE, PGE, OSFXSR, OSXMMEXCPT
        movl %eax, %cr4
        movl $DIR, %eax
        movl %eax, %cr3
        movl %cr0, %eax
        andl $~0xc, %eax
        orl $0x80050022, %eax           # PG, WP, AM, NE, MP
        movl %eax, %cr0
        jmp 1f
1:      fninit
        movl $DATA3, %eax
        movl %eax, %ds
        movl %eax, %es
        pushl %eax
        pushl $STACK
        pushl $0x202
        pushl $CODE3
        pushl $USER
        xorl %ebp, %ebp
        iret

# ---- exceptions: what, where (from EDI), CR2; the user goes on at ESI ----
        .macro STUB vector, error
        .balign 16
        .if \error == 0
        pushl $0xffff
        .endif
        pushl $\vector
        jmp caught
        .endm
        .balign 16
stubs2: STUB 0, 0
        STUB 1, 0
        STUB 3, 0
        STUB 4, 0
        STUB 5, 0
        STUB 6, 0
        STUB 13, 1
        STUB 14, 1
        STUB 17, 1
caught: pushl %eax
        pushl %ebx
        movl 8(%esp), %eax
        movl %eax, %ebx
        shll $16, %eax
        orw 12(%esp), %ax
        orl $0xe0000000, %eax
        call emit
        movl 16(%esp), %eax
        subl %edi, %eax
        call emit
        cmpl $14, %ebx
        jne 1f
        movl %cr2, %eax
        call emit
1:      cmpl $1, %ebx
        jne 1f
        movl %dr6, %eax
        call emit
        andl $~0x100, 24(%esp)          # TF
1:      movl %esi, 16(%esp)
        popl %ebx
        popl %eax
        addl $8, %esp
        iret

# ---- services ----
get_bits:                               # EAX: page number; its A and D
        movl %ss:TABLE(, %eax, 4), %eax
        andl $0x60, %eax
        iret
clear_bits:                             # EAX: page number, EBX: bits to clear
        notl %ebx
        andl %ebx, %ss:TABLE(, %eax, 4)
        shll $12, %eax
        addl $USER, %eax
        invlpg (%eax)
        iret
switch_space:                           # EAX: 0 or 1
        shll $13, %eax
        addl $DIR, %eax
        movl %eax, %cr3
        iret
remap:                                  # EAX: page number, EBX: frame's
        movl %ebx, %ss:TABLE(, %eax, 4)
        shll $12, %eax
        addl $USER, %eax
        invlpg (%eax)
        iret

poke:                                   # EAX: address, BL: byte
        movb %bl, %ss:(%eax)
        iret

use_fp:                                 # in another address space: EBX what ST0 was, ECX XMM3, EDX the control word; both are changed
        movl $DIR2, %eax
        movl %eax, %cr3
        pushl %eax
        fistpl (%esp)
        popl %ebx
        pushl %eax
        movss %xmm3, (%esp)
        popl %ecx
        pushl $0
        fnstcw (%esp)
        popl %edx
        addss %xmm3, %xmm3
        fld1
        movl $DIR, %eax
        movl %eax, %cr3
        iret

# ---- the user's program, run at USER ----
        .macro EMIT value
        int $0x81
        EXPECT \value
        .endm
        # An instruction that raises an exception: its word, where, and what follows.
        .macro RAISES vector, error, offset, more, insn:vararg
        movl $(.Lnext\@ - user_begin + USER), %esi
        movl $(.Lfault\@ - user_begin + USER), %edi
.Lfault\@: \insn
.Lnext\@:
        EXPECT (0xe0000000 + (\vector << 16) + (\error)), \offset
        .ifnc \more,-
        EXPECT \more
        .endif
        .endm

        .balign 0x1000
user_begin:
        # a loop
        movl $1, %eax
        movl $1000000, %ecx
1:      imull $1664525, %eax, %eax
        addl $1013904223, %eax
        decl %ecx
        jnz 1b
        EMIT 0x15d54c41
        # x87 and SSE live through traps
        pushl $20
        fildl (%esp)
        movl $0x40a00000, (%esp)        # 5.0
        movss (%esp), %xmm3
        movl $7, %eax
        EMIT 7
        fld1
        faddp
        fistpl (%esp)
        popl %eax
        EMIT 21
        pushl $0
        addss %xmm3, %xmm3
        movss %xmm3, (%esp)
        popl %eax
        EMIT 0x41200000                 # 10.0
        # and the kernel finds them, and leaves others
        pushl $0x0b7f                   # rounding upwards
        fldcw (%esp)
        movl $-20, (%esp)
        fildl (%esp)
        movl $0x40a00000, (%esp)        # 5.0
        movss (%esp), %xmm3
        int $0x89
        movl %ebx, %eax
        EMIT -20
        movl %ecx, %eax
        EMIT 0x40a00000
        movl %edx, %eax
        EMIT 0x0b7f
        movss %xmm3, (%esp)
        movl (%esp), %eax
        EMIT 0x41200000                 # 10.0
        fistpl (%esp)
        movl (%esp), %eax
        EMIT 1
        movl $0x037f, (%esp)
        fldcw (%esp)
        popl %eax
        # memory: A and D
        movl $8, %eax
        int $0x83
        EMIT 0
        movl FRESH, %ebx
        movl $8, %eax
        int $0x83
        EMIT 0x20
        movl $5, FRESH
        movl $8, %eax
        int $0x83
        EMIT 0x60
        movl $8, %eax
        movl $0x40, %ebx
        int $0x84
        movl FRESH, %ecx
        movl $8, %eax
        int $0x83
        EMIT 0x20
        incl FRESH
        movl $8, %eax
        int $0x83
        EMIT 0x60
        movl $8, %eax
        movl $0x60, %ebx
        int $0x84
        movl FRESH, %ecx
        movl $8, %eax
        int $0x83
        EMIT 0x20
        movl %ecx, %eax
        EMIT 6
        # page faults
        RAISES 14, 5, 0, SECRET + 8, movl SECRET + 8, %eax
        RAISES 14, 7, 0, SECRET, movl %eax, SECRET
        RAISES 14, 7, 0, READONLY + 12, movl %eax, READONLY + 12
        movl READONLY, %eax
        RAISES 14, 7, 0, READONLY, incl READONLY
        RAISES 14, 4, 0, ABSENT, movl ABSENT, %eax
        RAISES 14, 6, 0, ABSENT + 0xffc, movl %eax, ABSENT + 0xffc
        movl $(1f - user_begin + USER), %esi
        movl $ABSENT + 3, %edi
        jmp *%edi
1:      EXPECT 0xe00e0004, 0, ABSENT + 3
        # other exceptions
        RAISES 13, 0, 0, -, hlt
        RAISES 13, 0, 0, -, cli
        movw $0x1e0, %dx                # a port that the task may use
        inl %dx, %eax
        EMIT 0x11223344
        movw $0x8000, %dx
        RAISES 13, 0, 0, -, inl %dx, %eax
        RAISES 13, 0x102, 0, -, int $0x20
        RAISES 13, 0, 0, -, movl %eax, %cr3
        RAISES 6, 0xffff, 0, -, ud2
        xorl %ecx, %ecx
        RAISES 0, 0xffff, 0, -, divl %ecx
        RAISES 3, 0xffff, 1, -, int3
        RAISES 3, 0xffff, 2, -, .word 0x03cd
        movb $0x7f, %cl
        addb $1, %cl
        RAISES 4, 0xffff, 1, -, into
        pushl $5
        pushl $1
        movl $9, %ecx
        RAISES 5, 0xffff, 0, -, bound %ecx, (%esp)
        popl %eax
        popl %eax
        pushf                           # IF, 1, PF
        popl %eax
        andl $0x3f7702, %eax
        EMIT 0x202
        movl $(2f - user_begin + USER), %esi
        movl %esi, %edi
        pushl $0x302                    # a single step: after the instruction that follows
        popf
1:      nop
2:      EXPECT 0xe001ffff, 0, 0xffff4ff0
        pushl $0x40202                  # an alignment fault
        popf
        RAISES 17, 0, 0, -, movl DATA + 1, %eax
        pushl $0x202
        popf
        # code that is written at run time, and again
        movl $WRITTEN, %ebx
        movl $0x000001b8, (%ebx)        # mov $1, %eax; ret
        movw $0xc300, 4(%ebx)
        call *%ebx
        EMIT 1
        incb 1(%ebx)
        call *%ebx
        EMIT 2
        movl $20, %ecx                  # often enough to be left to translation
1:      incb 1(%ebx)
        call *%ebx
        decl %ecx
        jnz 1b
        EMIT 22
        # code that the kernel writes: by the user's address, by two others
        movl $POKED, %edx
        movl $0x000001b8, (%edx)
        movw $0xc300, 4(%edx)
        movb $1, 1(%edx)
        call *%edx
        EMIT 1
        movl $5, %ebx
        movl $POKED + 1, %eax
        int $0x88
        call *%edx
        EMIT 5
        movl $6, %ebx
        movl $POKED - USER + FRAME + 1, %eax
        int $0x88
        call *%edx
        EMIT 6
        movl $7, %ebx
        movl $POKED - USER + FRAME + KERNEL + 1, %eax
        int $0x88
        call *%edx
        EMIT 7
        # two address spaces
        movl $0x11111111, DATA
        movl $1, %eax
        int $0x86
        movl $0x22222222, DATA
        movl $0, %eax
        int $0x86
        movl DATA, %eax
        EMIT 0x11111111
        movl $20, %ecx
1:      movl %ecx, %eax
        andl $1, %eax
        int $0x86
        incl DATA
        decl %ecx
        jnz 1b
        movl DATA, %eax
        EMIT 0x2222222c
        movl $0, %eax
        int $0x86
        movl DATA, %eax
        EMIT 0x1111111b
        # a page that comes to lie elsewhere
        movl $4, %eax
        movl $FRAME + 0x9007, %ebx
        movl $0x33333333, USER + 0x9000
        int $0x87
        movl DATA, %eax
        EMIT 0x33333333
        movl $0x44444444, DATA
        movl USER + 0x9000, %eax
        EMIT 0x44444444
        movl $4, %eax
        movl $FRAME + 0x4005, %ebx      # and becomes read-only
        int $0x87
        movl DATA, %eax
        EMIT 0x1111111b
        RAISES 14, 7, 0, DATA, movl %eax, DATA
        # an instruction within another, on a page that runs already: the kernel returns there
        movl $(hidden + 1 - user_begin + USER), %esi
        movl $(1f - user_begin + USER), %edi
1:      ud2
hidden: movl $0x9090d88c, %eax          # movl %ds, %eax; nop; nop
        EXPECT 0xe006ffff, 0
        EMIT DATA3
        # what shows the machine
        jmp pills
to_and_fro:
        movl $1000, %ecx
1:      call selector
        loop 1b
        ret
        .balign 0x1000
selector:
        movl %ds, %eax
        ret
pills:  subl $16, %esp
        sgdt (%esp)
        movl 2(%esp), %eax
        EMIT gdt
        sidt (%esp)
        movl 2(%esp), %eax
        EMIT IDT
        sldt %eax
        EMIT 0
        str %eax
        EMIT TSS0
        smsw %ax
        movzwl %ax, %eax
        EMIT 0x0033
        movl %cs, %eax
        EMIT CODE3
        movl %ss, %eax
        EMIT DATA3
        movl $CODE0, %ecx
        lar %ecx, %eax
        setnz %al
        movzbl %al, %eax
        EMIT 1
        movl $DATA3, %ecx
        lsl %ecx, %eax
        EMIT 0xffffffff
        xorl %eax, %eax
        cpuid
        movl %ebx, %eax
        EMIT 0x756e6547
        RAISES 13, 0, 0, -, movw $1, %fs:0
        RAISES 6, 0xffff, 0, -, .byte 0xc7, 0xf8, 0, 0, 0, 0
        call to_and_fro
        EMIT DATA3
        int $0x80
        hlt
user_end:

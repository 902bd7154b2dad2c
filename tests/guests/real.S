# Real mode: exceptions without error codes, limits of 64 KiB, big real mode, a table of vectors that moves and is too short,
# and the end when nothing is left to call. SDM 3A 20.1
        .set PORT, 0xe9
        .set INTR, 0x1e4                # the bench: a vector to interrupt with, 100h for NMI
        .set STACK, 0x7000
        .set IVT2, 0x1000
        .set FAR, 0x2000                # segment

        .macro EXPECT words:vararg
        .pushsection expect, "a"
        .long \words
        .popsection
        .endm
        .macro CHECK value
        call emit
        EXPECT \value
        .endm
        # One instruction that must raise vector, and where IP is then: at the instruction, if not said otherwise
        .macro FAULT vector, insn, ip=0
        movl $.Lafter\@, %cs:resume
        movl $.Lat\@, %cs:culprit
.Lat\@: \insn
        call no_fault
.Lafter\@:
        EXPECT (0xe0000000 + (\vector << 16) + \ip)
        .endm

        .text
        .code16
base_of_image:
        jmp start
        .balign 4
        .long __start_expect, __stop_expect
resume: .long 0
culprit: .long 0
saved_flags: .long 0
gdtr:   .word 31
        .long gdt
        .balign 8
gdt:    .quad 0, 0x00009b000000ffff, 0x00cf93000000ffff, 0x000093000000ffff
ivt:    .word 0x3ff
        .long 0
ivt_moved: .word 0x3ff
        .long IVT2
ivt_to_13: .word 14 * 4 - 1             # up to #GP
        .long 0
ivt_to_8: .word 9 * 4 - 1               # up to #DF
        .long 0
ivt_none: .word 3
        .long 0
bounds: .word 1, 5

emit:   pushl %eax
        outb %al, $PORT
        shrl $8, %eax
        outb %al, $PORT
        shrl $8, %eax
        outb %al, $PORT
        shrl $8, %eax
        outb %al, $PORT
        popl %eax
        ret

no_fault:
        movl $0x600dc0de, %eax
        call emit
        xorw %ax, %ax
        movw %ax, %ss
        movw $STACK, %sp
        jmp *%cs:resume

        # Vector n's stub is n * 4 behind stubs; what was pushed: IP, CS, flags
        .balign 16
stubs:  .set vector, 0
        .rept 0x40
        pushw $vector
        jmp exception
        .balign 8
        .set vector, vector + 1
        .endr
exception:
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        popw %ax
        movzwl %ax, %eax
        shll $16, %eax
        popw %bx
        subw culprit, %bx
        movw %bx, %ax
        orl $0xe0000000, %eax
        call emit
        popw %bx                        # CS
        popw saved_flags
        xorw %ax, %ax
        movw %ax, %ss
        movw $STACK, %sp
        jmp *resume

count:  .long 0
counting:
        incl %cs:count
        iretw
moved:  pushl %eax
        movl $0x30003000, %eax
        call emit
        popl %eax
        iretw

start:  cli
        cld
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $STACK, %sp
        xorw %di, %di
        movw $stubs, %ax
        movw $0x40, %cx
1:      stosw
        movw $0, (%di)
        addw $2, %di
        addw $8, %ax
        loop 1b

        # ---- exceptions ----
        xorw %cx, %cx
        FAULT 0, "divw %cx"
        FAULT 6, "ud2"
        movw $6, %ax
        FAULT 5, "boundw %ax, bounds"
        FAULT 3, "int3", 1
        movb $0x7f, %al
        addb $1, %al
        FAULT 4, "into", 1
        FAULT 0x21, "int $0x21", 2
        FAULT 1, ".byte 0xf1", 1
        FAULT 13, "movw 0xffff, %ax"
        FAULT 13, "movw %ax, 0xffff"
        FAULT 13, "movl 0xfffd, %eax"
        movl $0x10000, %ebx
        FAULT 13, "movb (%ebx), %al"
        FAULT 12, "movb %ss:(%ebx), %al"
        movl $0xfff0, %ebp
        FAULT 12, "movb 0x10(%ebp), %al"        # a 32-bit address does not wrap,
        movb $0x77, 0x510
        movw $0xfff0, %bx
        movb 0x520(%bx), %al           # a 16-bit one does
        movzbl %al, %eax
        CHECK 0x77
        movw $0xffff, %si
        FAULT 13, "lodsw"
        movw $0xffff, %sp
        FAULT 12, "popw %ax"
        movw $0, %sp
        pushw $0x1234                   # wraps
        movw %sp, %ax
        movw $STACK, %sp
        movzwl %ax, %eax
        CHECK 0xfffe
        movzwl 0xfffe, %eax
        CHECK 0x1234
        FAULT 13, "ljmpl $0, $0x10000"
        FAULT 13, ".byte 0x66, 0xe9, 0, 0, 1, 0"        # jmp 64 KiB ahead
        FAULT 6, ".byte 0xf0, 0x90"
        FAULT 13, ".byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90"
        # an instruction over the end of the segment
        movw $0xb0b0, 0xfffe            # movb $..., %al
        movl $1f, resume
        movl $0xffff, culprit
        movw $0xffff, %ax
        jmp *%ax
1:      EXPECT 0xe00d0000
        # what there is in protected mode only
        FAULT 6, "lldt %ax"
        FAULT 6, "ltr %ax"
        FAULT 6, "sldt %ax"
        FAULT 6, "str %ax"
        FAULT 6, "lar %ax, %ax"
        FAULT 6, "lsl %ax, %ax"
        FAULT 6, "verr %ax"
        FAULT 6, "verw %ax"
        FAULT 6, "arpl %ax, %ax"
        FAULT 13, "sysenter"
        FAULT 13, "sysexit"

        # ---- flags: a single step, what the handler begins with and IRET puts back ----
        movl $1f, resume
        movl $2f, culprit
        pushw $0x7302                   # NT, IOPL 3, IF, TF
        popfw
        nop
2:      hlt
1:      EXPECT 0xe0010000
        movzwl saved_flags, %eax
        andw $0x7300, %ax
        CHECK 0x7300
        pushfw
        popw %ax
        movzwl %ax, %eax
        andw $0x7300, %ax
        CHECK 0x7000                    # IF and TF cleared, IOPL and NT as they were
        pushl $0x243002                 # AC and ID by 32 bits; VIP and VIF not by POPF
        popfl
        pushfl
        popl %eax
        andl $0x3f7300, %eax
        CHECK 0x243000
        pushl $2
        popfl
        pushl $0x43202
        pushl $0
        pushl $2f
        iretl
        hlt
2:      pushfl
        popl %eax
        andl $0x3f7300, %eax
        CHECK 0x43200
        pushl $2
        popfl
        movw $counting, 0x20 * 4
        sti
        int $0x20
        pushfw
        cli
        popw %ax
        movzwl %ax, %eax
        andw $0x200, %ax
        CHECK 0x200

        # ---- interrupts ----
        movw $INTR, %dx
        movl $0x20, %eax
        outl %eax, %dx
        sti
        nop
        nop
        cli
        movl count, %eax
        CHECK 2
        movw $counting, 2 * 4
        movl $0x100, %eax               # NMI does not ask IF
        outl %eax, %dx
        nop
        movl count, %eax
        CHECK 3
        movw %ss, %cx
        movl $0x20, %eax
        outl %eax, %dx
        sti
        movw %cx, %ss
        movw count, %bx
        cli                             # (the interrupt came before this)
        movzwl %bx, %eax
        CHECK 3
        movl count, %eax
        CHECK 4

        # ---- big real mode: limits outlive protected mode, and loads in real mode ----
        lgdtl gdtr
        movl %cr0, %eax
        orb $1, %al
        movl %eax, %cr0
        jmp 1f
1:      movw $16, %bx
        movw %bx, %fs
        movw %bx, %gs
        andb $0xfe, %al
        movl %eax, %cr0
        jmp 1f
1:      movl $0x100000, %ebx
        movl $0x12345678, %fs:(%ebx)
        movl %fs:(%ebx), %eax
        CHECK 0x12345678
        movw $FAR, %ax
        movw %ax, %fs                   # a new base, the old limit
        xorl %edx, %edx
        movl %fs:0xe0000(%edx), %eax
        CHECK 0x12345678
        FAULT 13, "movl (%ebx), %eax"   # DS never was changed
        movl $0xabcdef01, %gs:(%ebx)
        movl %fs:0xe0000(%edx), %eax
        CHECK 0xabcdef01
        movl $3, %ecx                   # a string beyond 64 KiB
        movl $0x100000, %esi
        movl $0x600, %edi
        movl $0x55aa55aa, %gs:8(%ebx)
        addr32 rep movsl %gs:(%esi), %es:(%edi)
        movl 0x608, %eax
        CHECK 0x55aa55aa
        movl %esi, %eax
        CHECK 0x10000c
        # and small again
        movl %cr0, %eax
        orb $1, %al
        movl %eax, %cr0
        jmp 1f
1:      movw $24, %bx
        movw %bx, %fs
        movw %bx, %gs
        andb $0xfe, %al
        movl %eax, %cr0
        jmp 1f
1:      movl $0x100000, %ebx
        FAULT 13, "movl %fs:(%ebx), %eax"
        # CPL 0 whatever the selector's low bits say
        movw $3, %ax
        movw %ax, %ds
        clts
        xorw %ax, %ax
        movw %ax, %ds

        # ---- the table of vectors ----
        movw $moved, IVT2 + 0x30 * 4
        movw $0, IVT2 + 0x30 * 4 + 2
        lidtl ivt_moved
        int $0x30
        EXPECT 0x30003000
        lidtl ivt_to_13
        FAULT 13, "int $0x20"
        FAULT 13, "int $14"             # just beyond
        FAULT 6, "ud2"
        lidtl ivt_to_8
        FAULT 8, "int $0x20"            # #GP's vector is beyond, too
        lidtl ivt_none
        int $0x20
        hlt

# What only the kernel may, and what nobody may: SYSCALL and SYSRET, model-specific registers, control registers, time stamp and
# performance counters, the FPU's exceptions, LOCK, instructions that are too long. SDM 3A 2.5, 6.15, 4; AMD 24594 "SYSCALL"
        .include "common.inc"

        .set SYS, FIRST_OWN             # SYSCALL's two and SYSRET's two
        DESC 0, 0xfffff, 0x9b, 0xc
        DESC 0, 0xfffff, 0x93, 0xc
        DESC 0, 0xfffff, 0xfb, 0xc
        DESC 0, 0xfffff, 0xf3, 0xc
gdt_end:

        .set EFER, 0xc0000080
        .set STAR, 0xc0000081
        .balign 4
one:    .long 0x3f800000
cw:     .word 0x37f, 0x37b              # all masked; zero divide not
table:  .fill 6
        .balign 4
mxcsr:  .long 0x1f80, 0x1d80            # the same

        .macro SET_MSR number, low, high=0
        movl $\number, %ecx
        movl $\low, %eax
        movl $\high, %edx
        wrmsr
        .endm
        .macro NO_SET number, low, high=0
        movl $\number, %ecx
        movl $\low, %eax
        movl $\high, %edx
        FAULT 13, 0, wrmsr
        .endm
        .macro NO_GET number
        movl $\number, %ecx
        FAULT 13, 0, rdmsr
        .endm
        # Write, read back
        .macro RW_MSR number, low, high=0
        SET_MSR \number, \low, \high
        xorl %eax, %eax
        xorl %edx, %edx
        rdmsr
        call emit
        movl %edx, %eax
        call emit
        EXPECT \low, \high
        .endm
        .macro EDIT_CR reg, set, clear=0
        movl %\reg, %eax
        orl $\set, %eax
        andl $~\clear, %eax
        movl %eax, %\reg
        .endm
        .macro NO_CR reg, set, clear=0
        movl %\reg, %eax
        orl $\set, %eax
        andl $~\clear, %eax
        FAULT 13, 0, movl %eax, %\reg
        .endm

guest_main:
        # ---- SYSCALL, SYSRET ----
        FAULT 6, 0xffff, syscall        # EFER.SCE is clear
        FAULT 6, 0xffff, sysretl
        NO_SET EFER, 0x101           # LME: no such mode here
        NO_SET EFER, 1, 1
        RW_MSR EFER, 1
        movl $1f, %eax
        movl $((SYS + 16) << 16 | SYS), %edx
        movl $STAR, %ecx
        wrmsr
        TO_USER 0x3202
        FAULT 13, 0, sysretl
        TO_USER 0x3202
        movl $0, %ecx
        syscall
2:      hlt
1:      movl %ecx, %eax
        subl $2b, %eax
        CHECK 0
        movl %cs, %eax
        CHECK SYS
        movl %ss, %eax
        CHECK (SYS + 8)
        movl %esp, %eax
        CHECK STACK3                    # ESP is nobody's but the kernel's to change
        pushfl
        popl %eax
        andl $0x23200, %eax
        CHECK 0x3000                    # IF is cleared
        movl $1f, %ecx
        sysretl
        hlt
1:      movl %cs, %eax
        int $0x81
        EXPECT (SYS + 16 + 3)
        movl %ss, %eax
        int $0x81
        EXPECT (SYS + 24 + 3)
        pushfl
        popl %eax
        andl $0x23200, %eax
        int $0x81
        EXPECT 0x3200                   # and set again
        FAULT 13, 0, hlt                # CPL is 3

        # ---- MSRs ----
        NO_GET 0x12345
        NO_SET 0x12345, 0
        NO_GET 0xc0000100            # FS.base: 64-bit CPUs only
        NO_SET 0xfe, 0               # MTRRCAP is read only
        NO_SET 0x179, 0              # so is MCG_CAP
        NO_SET 0x1b, 0xfee00801      # APIC_BASE: a reserved bit
        NO_SET 0x1b, 0xfee00800, 0x10        # beyond 36 bits
        NO_SET 0x277, 0x02           # PAT: a reserved type
        NO_SET 0x277, 0x08
        NO_SET 0x277, 0, 0x03000000
        RW_MSR 0x277, 0x01040506, 0x00070100
        NO_SET 0x400, 0xaaaaaaaa, 0xaaaaaaaa # MC0_CTL: all ones or zeros
        NO_SET 0x400, 0xffffffff
        RW_MSR 0x400, 0xffffffff, 0xffffffff
        RW_MSR 0x400, 0
        NO_SET 0x2ff, 0x02           # MTRRs: types, reserved bits
        NO_SET 0x2ff, 0x1000
        RW_MSR 0x2ff, 0xc06
        NO_SET 0x200, 0x07           # UC- is the PAT's alone
        NO_SET 0x200, 0x106
        NO_SET 0x200, 0, 0x10
        RW_MSR 0x200, 0xfffff006, 0xf
        NO_SET 0x201, 0x400
        NO_SET 0x201, 0, 0x10
        RW_MSR 0x201, 0xfff00800, 0xf
        NO_SET 0x250, 0x03
        RW_MSR 0x250, 0x06060606, 0x01040500
        NO_SET 0x401, 1              # a bank's STATUS can only be cleared
        SET_MSR 0x401, 0
        NO_SET 0x1d9, 0x40
        RW_MSR 0x174, SYS
        RW_MSR 0x175, 0x12345678
        RW_MSR 0x176, 0x9abcdef0
        NO_GET 0xc0000103            # no RDTSCP, no TSC_AUX
        FAULT 6, 0xffff, rdtscp
        FAULT 6, 0xffff, stac           # no SMAP
        TO_USER 0x3002
        FAULT 13, 0, rdmsr
        TO_USER 0x3002
        FAULT 13, 0, wrmsr

        # ---- counters ----
        SET_MSR 0x10, 0, 0x1000
        rdtsc
        movl %edx, %eax
        CHECK 0x1000
        TO_USER 0x3002
        rdtsc
        xorl %ecx, %ecx
        FAULT 13, 0, rdpmc              # CR4.PCE
        EDIT_CR cr4, 0x104                   # TSD, PCE
        rdtsc                           # CPL 0 may
        TO_USER 0x3002
        xorl %ecx, %ecx
        rdpmc
        FAULT 13, 0, rdtsc
        movl $0x100, %ecx
        FAULT 13, 0, rdpmc
        EDIT_CR cr4, 0, 0x104

        # ---- UMIP: SDM 3A 2.5 ----
        TO_USER 0x3002
        smsw %eax                       # anyone may
        sgdt table
        FAULT 13, 0, rdmsr
        EDIT_CR cr4, 0x800
        smsw %eax                       # CPL 0 may
        sgdt table
        sldt %eax
        .irp insn, "sgdt table", "sidt table", "sldt %eax", "str table", "smsw %eax", "smsw table"
        TO_USER 0x3002
        FAULT 13, 0, \insn
        .endr
        EDIT_CR cr4, 0, 0x800

        # ---- control registers ----
        NO_CR cr4, 0x00002000          # VMXE
        NO_CR cr4, 0x80000000
        NO_CR cr0, 0x80000000, 1       # PG without PE
        NO_CR cr0, 0x20000000, 0x40000000      # NW without CD
        FAULT 6, 0xffff, .byte 0x0f, 0x20, 0xc8 # mov %cr1, %eax
        FAULT 6, 0xffff, .byte 0x0f, 0x22, 0xe8 # mov %eax, %cr5
        movl %cr0, %eax
        movl %eax, %esi
        andl $~1, %eax
        lmsw %ax                        # cannot clear PE
        movl %cr0, %eax
        subl %esi, %eax
        CHECK 0
        TO_USER 0x3002
        smsw %ax                        # for everybody
        FAULT 13, 0, lmsw %ax
        TO_USER 0x3002
        FAULT 13, 0, movl %cr0, %eax
        TO_USER 0x3002
        FAULT 13, 0, movl %eax, %cr4
        TO_USER 0x3002
        FAULT 13, 0, invlpg 0
        TO_USER 0x3002
        FAULT 13, 0, wbinvd
        TO_USER 0x3002
        FAULT 13, 0, lidt idtr
        TO_USER 0x3002
        FAULT 13, 0, ltr %ax
        TO_USER 0x3002
        FAULT 13, 0, lldt %ax
        TO_USER 0x3002
        sgdt 0x6800                     # these are not
        sidt 0x6808
        str %ax
        sldt %ax

        # ---- the FPU: who says what when it is not to be used ----
        TO_KERNEL
        EDIT_CR cr0, 0x20, 0xe               # NE; MP, EM, TS clear
        fninit
        fld1
        EDIT_CR cr0, 0x8                     # TS
        FAULT 7, 0xffff, fld1
        fwait                           # without MP WAIT does not care
        FAULT 7, 0xffff, emms
        EDIT_CR cr0, 0x2
        FAULT 7, 0xffff, fwait
        clts
        fwait
        EDIT_CR cr0, 0x4                     # EM
        FAULT 7, 0xffff, fld1
        FAULT 6, 0xffff, emms           # MMX is not emulated
        fwait
        EDIT_CR cr0, 0, 0x4
        # SSE
        FAULT 6, 0xffff, xorps %xmm0, %xmm0     # CR4.OSFXSR
        EDIT_CR cr4, 0x200
        xorps %xmm0, %xmm0
        EDIT_CR cr0, 0x8
        FAULT 7, 0xffff, xorps %xmm0, %xmm0
        clts
        EDIT_CR cr0, 0x4
        FAULT 6, 0xffff, xorps %xmm0, %xmm0
        EDIT_CR cr0, 0, 0x4
        # numeric errors: #MF at the next waiting instruction, #XM at once, or #UD without OSXMMEXCPT
        fninit
        fldcw cw + 2
        fld1
        fldz
        fdivrp
        fnstsw %ax
        FAULT 16, 0xffff, fwait
        FAULT 16, 0xffff, fld1
        fnclex
        fwait
        ldmxcsr mxcsr + 4
        movss one, %xmm1
        FAULT 6, 0xffff, divss %xmm0, %xmm1
        EDIT_CR cr4, 0x400
        FAULT 19, 0xffff, divss %xmm0, %xmm1
        movd %xmm1, %eax
        CHECK 0x3f800000                # unchanged
        ldmxcsr mxcsr
        divss %xmm0, %xmm1
        movd %xmm1, %eax
        CHECK 0x7f800000
        movl $0x10000, 0x6800
        FAULT 13, 0, ldmxcsr 0x6800     # a reserved bit
        FAULT 13, 0, movaps one + 1, %xmm0      # alignment

        # ---- LOCK, lengths, encodings that nobody has ----
        FAULT 6, 0xffff, .byte 0xf0, 0x90               # lock nop
        FAULT 6, 0xffff, .byte 0xf0, 0x01, 0xc0         # lock add to a register
        FAULT 6, 0xffff, .byte 0xf0, 0x8b, 0x05, 0, 0, 0, 0     # lock mov
        FAULT 6, 0xffff, .byte 0xf0, 0x39, 0x05, 0, 0, 0, 0     # lock cmp
        lock addl $0, one
        FAULT 13, 0, .byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
        FAULT 6, 0xffff, .byte 0x0f, 0xff
        FAULT 6, 0xffff, .byte 0xff, 0xff
        FAULT 6, 0xffff, .byte 0x8d, 0xc0               # lea with a register
        hlt

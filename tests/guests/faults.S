# Page faults in awkward places: descriptor tables, interrupt stacks, in the middle of instructions that push, copy or cross
# pages; rights at both levels; and double faults that a task handles. SDM 3A 4.6-4.7, 6.15 ("#DF", "#PF")
        .include "common.inc"

        .set TSSDF, FIRST_OWN
        .set LDT, FIRST_OWN + 8
        .word 103, tssdf - base_of_image + 0x8000
        .byte 0, 0x89, 0, 0
        DESC PAGE, 0x1fff, 0x82
gdt_end:

        .set DIR, 0x100000
        .set TABLE, 0x101000            # maps 4 MiB to 8 MiB; the first 4 MiB are one identity-mapped large page
        .set PDPT, 0x102000
        .set PAE_DIR, 0x103000
        .set PAE_TABLE, 0x104000
        .set FRAME, 0x200000
        .set PAGE, 0x400000             # linear addresses under test

        .macro PTE n, flags             # entry n of the table, frame FRAME + n pages; flush
        movl $(FRAME + \n * 0x1000 + \flags), TABLE + 4 * \n
        invlpg PAGE + \n * 0x1000
        .endm

        .balign 4
tssdf:  .long 0, STACK0, DATA0, 0, 0, 0, 0, DIR
        .long double_fault, 2, 0, 0, 0, 0, 0x5000, 0, 0, 0, DATA0, CODE0, DATA0, DATA0, DATA0, DATA0, 0
        .word 0, 104
idt_far: .word 0x40 * 8 - 1
        .long PAGE + 0x1000 - 0x20 * 8

double_fault:                           # error code; CR2 of the second fault; whence
        popl %eax
        orl $0xdf000000, %eax
        call emit
        movl %cr2, %eax
        call emit
        movzwl tssdf, %eax
        call emit
        movl $STACK0, tss + 4
        clts
        movl resume, %eax
        movl %eax, tss + 0x20           # the interrupted task goes on, with a stack and CPL 0
        movl $CODE0, tss + 0x4c
        movl $DATA0, tss + 0x50
        movl $DATA0, tss + 0x54
        movl $DATA0, tss + 0x48
        movl $STACK0, tss + 0x38
        movl $2, tss + 0x24
        iret
        jmp double_fault

        # #PF from CPL 3: error code, EIP, CR2, and the registers that a restart needs
pf_handler:
        pushal
        movw $DATA0, %ax
        movw %ax, %ds
        movw %ax, %es
        movl 32(%esp), %eax
        orl $0xe00e0000, %eax
        call emit
        movl 36(%esp), %eax
        subl culprit, %eax
        call emit
        movl %cr2, %eax
        call emit
        movl 48(%esp), %eax             # ESP
        call emit
        movl 24(%esp), %eax             # ECX
        call emit
        movl 0(%esp), %eax              # EDI
        call emit
        movl $STACK0, %esp
        jmp *resume

        # Setup and one instruction at CPL 3, which must fault
        .macro USER_PF error, cr2, esp, ecx, edi, setup, insn
        movl $.Lufafter\@, resume
        movl $.Lufat\@, culprit
        TO_USER 0x3002
        movw %ax, %es
        movl $\ecx, %ecx
        movl $\edi, %edi
        movl $\esp, %esp
        \setup
.Lufat\@: \insn
        call no_fault
.Lufafter\@:
        EXPECT (0xe00e0000 + \error), 0, \cr2, \esp
        .endm

guest_main:
        movl $DIR, %edi
        xorl %eax, %eax
        movl $0x1800, %ecx
        cld
        rep stosl
        movl $0x87, DIR                 # user, writable, 4 MiB
        movl $TABLE + 7, DIR + 4
        movl %cr4, %eax
        orl $0x10, %eax                 # PSE
        movl %eax, %cr4
        movl $DIR, %eax
        movl %eax, %cr3
        movl %eax, tss + 0x1c
        movl %cr0, %eax
        orl $0x80010000, %eax           # PG, WP
        movl %eax, %cr0
        jmp 1f
1:
        # ---- descriptor tables: the processor's own accesses, supervisor's whatever CPL is ----
        movw $LDT, %ax
        lldt %ax
        TO_USER 0x3002
        movw $0x0f, %ax
        PAGE_FAULT 0, (PAGE + 8), movw %ax, %fs
        movl $0x0000ffff, FRAME + 8
        movl $0x00cff200, FRAME + 12    # DPL 3, data, not accessed
        PTE 0, 1                        # supervisor, read only
        TO_USER 0x3002
        movw $0x0f, %ax
        PAGE_FAULT 3, (PAGE + 13), movw %ax, %fs        # the accessed bit cannot be set
        movl $0x00cff300, FRAME + 12
        TO_USER 0x3002
        movw $0x0f, %ax
        movw %ax, %fs                   # nothing to set: fine
        larl %eax, %ebx
        PAGE_FAULT 5, PAGE, movl PAGE, %eax
        xorl %eax, %eax
        lldt %ax
        movw %ax, %fs

        # ---- the IDT: entries from 20h on are on the next page ----
        movl $IDT, %esi
        movl $FRAME + 0x1000 - 0x20 * 8, %edi
        movl $0x80, %ecx
        rep movsl
        PTE 0, 3
        movl $0, TABLE + 4
        invlpg PAGE + 0x1000
        lidt idt_far
        PAGE_FAULT 0, (PAGE + 0x1000 + 0x10 * 8), int $0x30
        PTE 1, 3
        movb $0xee, FRAME + 0x1000 + 0x10 * 8 + 5
        movl $0, TABLE + 4
        invlpg PAGE + 0x1000
        movl $1f, resume
        movl $2f, culprit
        TO_USER 0x3002
2:      int $0x30
1:      EXPECT 0xe00e0000, 0, (PAGE + 0x1000 + 0x10 * 8)
        lidt idtr

        # ---- the stack of an inner level: #PF within #PF is #DF, and a task that is told of it ----
        movl $(TSSDF << 16), IDT + 8 * 8
        movl $0x8500, IDT + 8 * 8 + 4
        movl $0, TABLE
        invlpg PAGE
        movl $PAGE + 0x800, tss + 4
        movl $1f, resume
        TO_USER 0x3002
        int $0x80
1:      EXPECT 0xdf000000, (PAGE + 0x7fc), TSS0
        # one that is not writable
        PTE 0, 1
        movl $PAGE + 0x800, tss + 4
        movl $1f, resume
        TO_USER 0x3002
        int $0x80
1:      EXPECT 0xdf000000, (PAGE + 0x7fc), TSS0
        # contributory on the way to #PF: its handler's segment is bad
        movw $0xfff8, IDT + 8 * 14 + 2
        movl $1f, resume
        movl $0, TABLE
        invlpg PAGE
        movl PAGE, %eax
1:      EXPECT 0xdf000000, PAGE, TSS0
        # a fault on the way to #UD, which is benign: just that fault
        SET_GATE 14, stubs+16*14
        movw $0xfff8, IDT + 8 * 6 + 2
        FAULT 13, 0xfff9, ud2
        SET_GATE 6, stubs+16*6

        # ---- instructions that fault half-way begin again ----
        SET_GATE 14, pf_handler
        PTE 1, 7
        movl $0, TABLE
        invlpg PAGE
        USER_PF 6, (PAGE + 0xffc), (PAGE + 0x1010), 5, 6, nop, pushal
        EXPECT 5, 6
        USER_PF 6, (PAGE + 0xffe), (PAGE + 0x1002), 5, 6, nop, "pushl $1"
        EXPECT 5, 6
        USER_PF 6, (PAGE + 0xffc), (PAGE + 0x1000), 5, 6, nop, "call no_fault"
        EXPECT 5, 6
        USER_PF 4, (PAGE + 0xff0), (PAGE + 0x1100), 5, 6, "movl $PAGE + 0xff0, %ebp", leave
        EXPECT 5, 6
        USER_PF 4, (PAGE + 0xffc), (PAGE + 0xffc), 5, 6, nop, ret
        EXPECT 5, 6
        USER_PF 6, (PAGE + 0x800), (PAGE + 0x1800), 5, (PAGE + 0x800), nop, "popl (%edi)"
        EXPECT 5, (PAGE + 0x800)
        USER_PF 6, (PAGE + 0x2000), STACK3, 0x402, (PAGE + 0x1ff8), nop, "rep stosl"
        EXPECT 0x400, (PAGE + 0x2000)
        USER_PF 6, (PAGE + 0x2000), STACK3, 4, (PAGE + 0x1ffd), nop, "rep stosl"
        EXPECT 4, (PAGE + 0x1ffd)
        USER_PF 6, (PAGE + 0x800), STACK3, 5, (PAGE + 0x800), nop, "xchgl %ecx, (%edi)"
        EXPECT 5, (PAGE + 0x800)
        PTE 1, 5                        # read only: a locked compare that fails writes too
        USER_PF 7, (PAGE + 0x1000), STACK3, 5, (PAGE + 0x1000), "movl $0x12345, %eax", "cmpxchgl %ecx, (%edi)"
        EXPECT 5, (PAGE + 0x1000)
        USER_PF 7, (PAGE + 0x1ffc), STACK3, 5, (PAGE + 0x1ffc), nop, "btrl $0, (%edi)"
        EXPECT 5, (PAGE + 0x1ffc)
        PTE 1, 7
        # an instruction on two pages
        movb $0xb8, FRAME + 0x1ffd      # movl $..., %eax
        movl $1f, resume
        movl $PAGE + 0x1ffd, culprit
        TO_USER 0x3002
        movl $7, %ecx
        movl $8, %edi
        jmp *culprit
1:      EXPECT 0xe00e0004, 0, (PAGE + 0x2000), STACK3, 7, 8

        # ---- an instruction whose two pages are one, mapped twice; and changed ----
        SET_GATE 14, stubs+16*14
        movl $FRAME + 7, TABLE
        movl $FRAME + 7, TABLE + 4
        movl %cr3, %eax
        movl %eax, %cr3
        movw $0x01b8, FRAME + 0xffe     # movl $0x04030201, %eax; ret
        movl $0xc3040302, FRAME
        movl $PAGE + 0xffe, %ebx
        call *%ebx
        CHECK 0x04030201
        movb $0x33, FRAME + 1
        call *%ebx
        CHECK 0x04330201
        movb $0x11, PAGE + 0x1fff
        call *%ebx
        CHECK 0x04330211
        SET_GATE 14, pf_handler

        # ---- rights at both levels: the lesser counts ----
        .macro LEVELS dir, page
        movl $TABLE + \dir, DIR + 4
        movl $FRAME + \page, TABLE
        movl %cr3, %eax
        movl %eax, %cr3
        .endm
        LEVELS 3, 7
        USER_PF 5, PAGE, STACK3, 0, PAGE, nop, "movl (%edi), %eax"
        EXPECT 0, PAGE
        LEVELS 5, 7
        USER_PF 7, PAGE, STACK3, 0, PAGE, nop, "movl %eax, (%edi)"
        EXPECT 0, PAGE
        LEVELS 7, 3
        USER_PF 7, PAGE, STACK3, 0, PAGE, nop, "movl %eax, (%edi)"
        EXPECT 0, PAGE
        LEVELS 6, 7
        USER_PF 6, PAGE, STACK3, 0, PAGE, nop, "movl %eax, (%edi)"
        EXPECT 0, PAGE
        # more rights need no flush
        LEVELS 7, 5
        movl PAGE, %eax
        movl $FRAME + 7, TABLE
        movl $0x600df00d, PAGE
        movl FRAME, %eax
        CHECK 0x600df00d
        # PS means nothing without CR4.PSE: the entry leads to a table
        SET_GATE 14, stubs+16*14
        movl $TABLE + 0x87, DIR + 4
        # (the code itself lies in a large page: a table of 1024 small ones for it first)
        movl $0x105000, %edi
        movl $0x27, %eax                # A is set: when a stale TLB is given up is not what is tested here
        movl $1024, %ecx
1:      stosl
        addl $0x1000, %eax
        loop 1b
        movl $0x105027, DIR
        movl %cr4, %eax
        andl $~0x10, %eax
        movl %eax, %cr4
        movl PAGE, %eax
        CHECK 0x600df00d

        # ---- PAE: NX at the upper level, reserved bits there ----
        movl %cr0, %eax
        andl $0x7fffffff, %eax
        movl %eax, %cr0
        movl $PAE_DIR + 1, PDPT
        movl $0, PDPT + 4
        movl $0x87, PAE_DIR             # 0 to 2 MiB
        movl $0, PAE_DIR + 4
        movl $0x200087, PAE_DIR + 8     # 2 to 4 MiB, NX
        movl $0x80000000, PAE_DIR + 12
        movl $PAE_TABLE + 7, PAE_DIR + 16
        movl $0x80000000, PAE_DIR + 20  # NX for all below
        movl $FRAME + 7, PAE_TABLE
        movl $0, PAE_TABLE + 4
        movl %cr4, %eax
        orl $0x20, %eax
        movl %eax, %cr4
        movl $PDPT, %eax
        movl %eax, %cr3
        movl $0xc0000080, %ecx
        xorl %edx, %edx
        movl $0x800, %eax
        wrmsr                           # EFER.NXE
        movl %cr0, %eax
        orl $0x80000000, %eax
        movl %eax, %cr0
        jmp 1f
1:      movl $1f, resume
        movl $PAGE, culprit
        jmp *culprit
1:      EXPECT 0xe00e0011, 0, PAGE
        movl $1f, resume
        movl $FRAME, culprit
        jmp *culprit
1:      EXPECT 0xe00e0011, 0, FRAME
        TO_USER 0x3002
        movl $1f, resume
        movl $FRAME, culprit
        jmp *culprit
1:      EXPECT 0xe00e0015, 0, FRAME
        # absent and fetched: I/D without P
        movl $0, PAE_TABLE
        movl $0, PAE_DIR + 20
        movl %cr3, %eax
        movl %eax, %cr3
        movl $1f, resume
        movl $PAGE, culprit
        jmp *culprit
1:      EXPECT 0xe00e0010, 0, PAGE
        movl $0x100, PAE_DIR + 20       # beyond 36 bits
        movl %cr3, %eax
        movl %eax, %cr3
        PAGE_FAULT 9, PAGE, movl PAGE, %eax
        movl $0x00202087, PAE_DIR + 8   # a large page's bit 13
        movl %cr3, %eax
        movl %eax, %cr3
        PAGE_FAULT 11, FRAME, movl %eax, FRAME
        hlt

# What user code meets under systems with threads: TLS segments whose base changes, x87 and SSE state that is switched by #NM only
# when it is used, a code segment that ends behind the code. At IOPL 0 with interrupts on: what direct execution may run.
        .include "common.inc"

        .set DIR, 0x100000
        .set TABLE, 0x101000            # maps USER, 4 MiB; the first 4 MiB are one identity-mapped large page, supervisor
        .set FRAME, 0x200000
        .set USER, 0x400000
        .set LAST, USER + 0x2000        # the last page of the code segment that ends
        .set BEYOND, USER + 0x3000
        .set DATA, USER + 0x4000
        .set STACK, USER + 0x10000
        .set KERNEL, 0xc0000000         # the first 4 MiB once more: a kernel has its place above user code
        .set TLS, FIRST_OWN
        .set SHORT, FIRST_OWN + 8
        DESC DATA, 0xfffff, 0xf3, 0xc
        DESC 0, (BEYOND>>12)-1, 0xfb, 0xc
gdt_end:

guest_main:
        movl $DIR, %edi
        xorl %eax, %eax
        movl $0x800, %ecx
        cld
        rep stosl
        movl $0x83, DIR
        movl $0x83, DIR + (KERNEL >> 20)
        movl $TABLE + 7, DIR + 4
        xorl %ecx, %ecx
1:      movl %ecx, %eax
        shll $12, %eax
        addl $FRAME + 7, %eax
        movl %eax, TABLE(, %ecx, 4)
        incl %ecx
        cmpl $16, %ecx
        jb 1b
        movl $user_begin, %esi
        movl $FRAME, %edi
        movl $user_end - user_begin, %ecx
        rep movsb
        SET_GATE 7, not_available
        SET_GATE 13, general_protection
        SET_GATE 0x82, set_tls, CODE0, 0xee
        SET_GATE 0x83, switch_fpu, CODE0, 0xee
        SET_GATE 0x84, get_count, CODE0, 0xee
        movl %cr4, %eax
        orl $0x610, %eax                # PSE, OSFXSR, OSXMMEXCPT
        movl %eax, %cr4
        movl $DIR, %eax
        movl %eax, %cr3
        movl %cr0, %eax
        andl $~0xc, %eax
        orl $0x80010022, %eax           # PG, WP, NE, MP
        movl %eax, %cr0
        jmp 1f
1:      fninit
        fxsave state
        fxsave state + 512
        movl $DATA3, %eax
        movl %eax, %ds
        movl %eax, %es
        pushl %eax
        pushl $STACK
        pushl $0x202
        pushl $CODE3
        pushl $USER
        iret

not_available:                          # the state of the task that is current, for that of the one that was
        pushl %eax
        clts
        movl %ss:owner, %eax
        shll $9, %eax
        fxsave %ss:state(%eax)
        movl %ss:current, %eax
        movl %eax, %ss:owner
        shll $9, %eax
        fxrstor %ss:state(%eax)
        incl %ss:count
        popl %eax
        iret
general_protection:                     # what, where (from EDI); the user goes on at ESI
        pushl %eax
        movl 4(%esp), %eax
        orl $0xe00d0000, %eax
        call emit
        movl 8(%esp), %eax
        subl %edi, %eax
        call emit
        movl %esi, 8(%esp)
        popl %eax
        addl $4, %esp
        iret
set_tls:                                # EAX: base
        movw %ax, %ss:gdt + TLS + 2
        shrl $16, %eax
        movb %al, %ss:gdt + TLS + 4
        movb %ah, %ss:gdt + TLS + 7
        movl $TLS + 3, %eax
        movl %eax, %gs
        iret
switch_fpu:                             # EAX: 0 or 1
        movl %eax, %ss:current
        movl %cr0, %eax
        orl $8, %eax                    # TS
        movl %eax, %cr0
        iret
get_count:
        movl %ss:count, %eax
        iret
        .balign 16
state:  .space 1024
owner:  .long 0
current: .long 0
count:  .long 0

# ---- the user's program, run at USER ----
        .macro EMIT value
        int $0x81
        EXPECT \value
        .endm
        .macro AT label, register
        movl $(\label - user_begin + USER), \register
        .endm

        .balign 0x1000
user_begin:
        # TLS: below and above its base, and another thread's
        movl $0x11111111, DATA + 0x100
        movl $0x0f0f0f0f, DATA + 0xfc
        movl $0x22222222, DATA + 0x200
        movl $0x1f1f1f1f, DATA + 0x1fc
        movl $DATA + 0x100, %eax
        int $0x82
        movl %gs:0, %eax
        EMIT 0x11111111
        movl %gs:-4, %eax
        EMIT 0x0f0f0f0f
        movl $-4, %ecx
        incl %gs:(%ecx)
        movl DATA + 0xfc, %eax
        EMIT 0x0f0f0f10
        movl $DATA + 0x200, %eax
        int $0x82
        movl %gs:0, %eax
        EMIT 0x22222222
        movl $7, %gs:8
        movl DATA + 0x208, %eax
        EMIT 7
        movl $200, %ecx                 # two threads in turn
1:      movl %ecx, %eax
        andl $1, %eax
        incl %eax
        shll $8, %eax
        addl $DATA, %eax
        int $0x82
        incl %gs:0x10
        decl %ecx
        jnz 1b
        movl DATA + 0x110, %eax
        EMIT 100
        movl DATA + 0x210, %eax
        EMIT 100
        # x87 and SSE state, switched when it is used
        pushl $7
        fildl (%esp)
        cvtsi2ss (%esp), %xmm2
        movl $1, %eax
        int $0x83
        movl $3, %eax                   # none is used here
        movl %eax, %ebx
        int $0x84
        EMIT 0
        movl $9, (%esp)
        fildl (%esp)
        cvtsi2ss (%esp), %xmm2
        int $0x84
        EMIT 1
        movl $100, %ecx
1:      movl %ecx, %eax
        andl $1, %eax
        int $0x83
        fld1
        faddp
        addss %xmm2, %xmm2
        mulss half - user_begin + USER, %xmm2
        decl %ecx
        jnz 1b
        int $0x84
        EMIT 101
        fistpl (%esp)                   # task 1's
        movl (%esp), %eax
        EMIT 59
        cvtss2si %xmm2, %eax
        EMIT 9
        xorl %eax, %eax
        int $0x83
        fistpl (%esp)
        movl (%esp), %eax
        EMIT 57
        cvtss2si %xmm2, %eax
        EMIT 7
        int $0x84
        EMIT 102
        popl %eax
        # a code segment that ends
        movb $0x90, BEYOND - 1
        movb $0xc3, BEYOND
        ljmp $SHORT + 3, $(1f - user_begin + USER)
1:      movl %cs, %eax
        EMIT SHORT + 3
        movl $100000, %ecx
        xorl %eax, %eax
1:      addl %ecx, %eax
        call 2f
        decl %ecx
        jnz 1b
        EMIT 0x2a06b550
        jmp 3f
2:      xorl $1, %eax
        ret
3:      AT 2f, %esi                     # by a jump: it faults
        AT 1f, %edi
1:      jmp user_begin + BEYOND - USER
2:      EXPECT 0xe00d0000, 0
        AT 2f, %esi                     # by a return
        AT 1f, %edi
        pushl $BEYOND
1:      ret
2:      EXPECT 0xe00d0000, 0
        popl %eax
        EMIT BEYOND
        AT 2f, %esi                     # by a register
        AT 1f, %edi
1:      jmp *%eax
2:      EXPECT 0xe00d0000, 0
        AT 2f, %esi                     # in line: the first instruction behind the end faults
        movl $BEYOND, %edi
        movl $BEYOND - 1, %eax
        jmp *%eax
2:      EXPECT 0xe00d0000, 0
        movzbl BEYOND, %eax             # data may lie there
        EMIT 0xc3
        ljmp $CODE3, $(1f - user_begin + USER)
1:      movl $BEYOND, %eax
        call *%eax
        EMIT BEYOND
        int $0x80
        hlt
half:   .float 0.5
user_end:

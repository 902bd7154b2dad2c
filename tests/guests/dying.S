/*
 * The ways in which student kernels die: one boot sector, CASE says which way. Each begins with a working protected-mode
 * kernel: a flat GDT, and where PAGING is set page tables that map the first 4 MiB one to one, an IDT with a handler that works.
 */
        .set PAGING, 1
        .set NO_IDT, 0
        .set USER, 0        /* go to user mode and call INT 0x30 */
        .set PD, 0x1000
        .set PT, 0x2000
        .set IDT, 0x3000
        .set TSS, 0x4000
        .if CASE == 1 || CASE == 2 || CASE == 16 || CASE == 21
        .set PAGING, 0
        .endif
        .if CASE <= 2 || CASE == 21
        .set NO_IDT, 1
        .endif
        .if CASE == 9 || CASE == 10 || CASE == 11
        .set USER, 1
        .endif

        .code16
        .globl _start
_start: ljmp $0, $real
real:   cli
        xor %ax, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %ss
        mov $0x7c00, %sp
        lgdt gdtr
        mov %cr0, %eax
        or $1, %al
        mov %eax, %cr0
        ljmp $8, $kmain

        .code32
        .globl kmain
kmain:  mov $16, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %ss
        mov $0x7c00, %esp
        mov $PD, %edi
        xor %eax, %eax
        mov $0x1000, %ecx
        rep stosl
        movl $PT + 7, PD
        mov $7, %eax
        mov $PT, %edi
        mov $1024, %ecx
1:      stosl
        add $0x1000, %eax
        loop 1b
        .if !NO_IDT
        mov $IDT, %edi
        mov $64, %ecx
2:      movw $handler, (%edi)
        movw $8, 2(%edi)
        movw $0xee00, 4(%edi)
        add $8, %edi
        loop 2b
        lidt idtr
        .endif
        movl $0x7000, TSS + 4
        movl $16, TSS + 8
        .if PAGING
        mov $PD, %eax
        mov %eax, %cr3
        mov %cr0, %eax
        or $0x80010000, %eax
        mov %eax, %cr0
        .endif
        .globl death
        .if USER
        .if CASE != 9
        mov $40, %eax
        ltr %ax
        .endif
        .if CASE == 10
        movl $0, TSS + 4
        .endif
        .if CASE == 11
        movl $0, TSS + 8
        .endif
        pushl $35
        pushl $0x6000
        pushl $2
        pushl $27
        pushl $death
        iret
        .endif
        .if CASE == 1           /* no IDT, its limit 0 */
        lidt nothing
death:  ud2
        .endif
        .if CASE == 2           /* still the real-mode IDT */
death:  int3
        .endif
        .if CASE == 3           /* the handler of #GP is missing, and that of #DF */
        movl $0, IDT + 13 * 8
        movl $0, IDT + 13 * 8 + 4
        movl $0, IDT + 8 * 8
        movl $0, IDT + 8 * 8 + 4
        mov $0x200, %eax
death:  mov %eax, %ds
        .endif
        .if CASE == 4           /* gates written for another GDT */
        call gates_0x10
death:  ud2
        .endif
        .if CASE == 5           /* no stack */
        mov $0x800000, %esp
death:  push %eax
        .endif
        .if CASE == 6           /* stack overflow */
        movl $0, PT + 6 * 4
death:  call death
        .endif
        .if CASE == 7           /* a CR3 whose tables do not map the kernel */
        mov $0x5000, %eax
        mov %eax, %cr3
death:  nop
        .endif
        .if CASE == 8           /* a CR3 outside memory */
        mov $0x7ffff000, %eax
        mov %eax, %cr3
death:  nop
        .endif
        .if USER                /* 9: no TSS; 10: ESP0 is 0; 11: SS0 is 0 */
death:  int $0x30
        .endif
        .if CASE == 12          /* IRET with an error code still on the stack; no handler for it */
        call no_handlers
        pushf
        push $8
        push $death
        push $0x1234
death:  iret
        .endif
        .if CASE == 13          /* the gates' type is wrong */
        call bad_types
death:  ud2
        .endif
        .if CASE == 14          /* the present bit is forgotten */
        call not_present
death:  ud2
        .endif
        .if CASE == 15          /* a null pointer, the first page not mapped, no handler */
        call no_handlers
        movl $0, PT
        mov %cr3, %eax
        mov %eax, %cr3
        xor %ebx, %ebx
death:  mov 8(%ebx), %eax
        .endif
        .if CASE == 16          /* paging on without the kernel mapped */
        call no_handlers
        movl $0, PT + 7 * 4
        mov $PD, %eax
        mov %eax, %cr3
        mov %cr0, %eax
        or $0x80000000, %eax
        mov %eax, %cr0
death:  nop
        .endif
        .if CASE == 17          /* a page table freed and poisoned while in use */
        mov $PT, %edi
        mov $0x5a5a5a5a, %eax
        mov $1024, %ecx
        rep stosl
        mov %cr3, %eax
        mov %eax, %cr3
death:  nop
        .endif
        .if CASE == 18          /* the IDT is not mapped */
        movl $0, PT + 3 * 4
        mov %cr3, %eax
        mov %eax, %cr3
death:  ud2
        .endif
        .if CASE == 19          /* the page fault handler is not mapped */
        movw $0x80, IDT + 14 * 8 + 6
        movl $0, PT + 6 * 4
death:  mov 0x900000, %eax
        .endif
        .if CASE == 20          /* a write to a read-only page, with no handlers */
        call no_handlers
        movl $0x9001, PT + 9 * 4
        mov %cr3, %eax
        mov %eax, %cr3
        mov $0x9010, %ebx
        mov $0x77, %ecx
death:  mov %ecx, (%ebx)
        .endif
        .if CASE == 21          /* division by 0 without IDT */
        lidt nothing
        xor %ebx, %ebx
        mov $5, %eax
        cltd
death:  idiv %ebx
        .endif
        .if CASE == 22          /* halts with interrupts off */
        cli
death:  hlt
        .endif
        .if CASE == 23          /* a jump into zeroed memory */
        mov $0x20000, %eax
death:  jmp *%eax
        .endif
        .if CASE == 24          /* a jump to an address that is not mapped, with no handlers */
        call no_handlers
        mov $0x1badb002, %eax
death:  jmp *%eax
        .endif
        .if CASE == 25          /* a selector beyond the GDT's end */
        call no_handlers
death:  ljmp $0x80, $kmain
        .endif

/* Change all gates. */
        .if CASE == 3 || CASE == 12 || CASE == 15 || CASE == 16 || CASE == 20 || CASE == 24 || CASE == 25
no_handlers:
        mov $IDT, %edi
        xor %eax, %eax
        mov $128, %ecx
        rep stosl
        ret
        .endif
        .if CASE == 4 || CASE == 13 || CASE == 14
gates_0x10:
bad_types:
not_present:
        mov $IDT, %edi
        mov $64, %ecx
3:
        .if CASE == 4
        movw $0x10, 2(%edi)
        .elseif CASE == 13
        movw $0x8000, 4(%edi)
        .else
        movw $0x0e00, 4(%edi)
        .endif
        add $8, %edi
        loop 3b
        ret
        .endif
        .globl handler
handler:
        mov $0x501, %dx
        mov $1, %al
        out %al, %dx
4:      hlt
        jmp 4b

        .p2align 3
gdt:    .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00cffa000000ffff, 0x00cff2000000ffff
        .quad 0x0000890040000067
gdtr:   .word 47
        .long gdt
idtr:   .word 511
        .long IDT
nothing: .word 0
        .long 0
        .org 510
        .word 0xaa55

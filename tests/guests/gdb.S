/*
 * A boot sector for the gdb test: real mode, a far return to protected mode, paging with a page mapped twice, a counter that
 * a loop reads and writes, a call to user mode with a stack of its own. The addresses that the test needs are at its
 * end, in fixed places.
 */
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
        pushl $8
        pushl $protected
        .globl far_return
far_return:
        lretl

        .code32
        .globl protected
protected:
        mov $16, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %ss
        mov $0x7c00, %esp
        /* one page table at 0x2000 maps the first 4 MiB one to one; the directory at 0x1000 has it for 0xc0000000 too */
        mov $0x2007, %eax
        mov %eax, 0x1000
        mov %eax, 0x1c00
        mov $7, %eax
        mov $0x2000, %edi
        mov $1024, %ecx
1:      stosl
        add $0x1000, %eax
        loop 1b
        mov $0x1000, %eax
        mov %eax, %cr3
        mov %cr0, %eax
        or $0x80000000, %eax
        mov %eax, %cr0
        movl $0, counter
        movw $40, %ax
        ltr %ax
        /* to user mode */
        mov $35, %eax
        mov %eax, %ds
        mov %eax, %es
        pushl $35
        pushl $0x6000
        pushl $2
        pushl $27
        pushl $user
        iret
        .globl user
user:   push $0x12345678
        .globl loop
loop:   mov counter, %eax
        call bump
        mov %eax, counter
        jmp loop
        .globl bump
bump:   inc %eax
        nop
        ret

        .p2align 3
gdt:    .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00cffa000000ffff, 0x00cff2000000ffff
        .quad 0x0000890030000067
gdtr:   .word 47
        .long gdt
        .globl counter
counter: .long 0
        .org 510
        .word 0xaa55

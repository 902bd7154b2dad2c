/*
 * The doors of the kernel: every exception, interrupt and system call comes in by a stub here, makes a Frame on the
 * kernel stack, calls trap() and leaves by trap_return. And context_switch, which changes from one kernel stack to
 * another.
 */
#include "kernel/layout.h"

    .text
    .macro stub vector
stub_\vector:
    /* The CPU pushes an error code for some exceptions (SDM 3A 6.13); for the others we push 0. */
    .if !(\vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17)
    pushl $0
    .endif
    pushl $\vector
    jmp trap_entry
    .endm

    .altmacro
    .set n, 0
    .rept 48
    stub %n
    .set n, n + 1
    .endr
    stub 128

trap_entry:
    pushl %ds
    pushl %es
    pushl %fs
    pushl %gs
    pushal
    movl $KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
    pushl %esp
    call trap
    addl $4, %esp

    .globl trap_return
trap_return:
    popal
    popl %gs
    popl %fs
    popl %es
    popl %ds
    addl $8, %esp /* vector, error code */
    iret

/* void context_switch(uint32_t *save, uint32_t load): what C expects to survive a call is kept on the old stack. */
    .globl context_switch
context_switch:
    movl 4(%esp), %eax
    movl 8(%esp), %edx
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl %esp, (%eax)
    movl %edx, %esp
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

/* The stubs' addresses, for the IDT. */
    .section .rodata
    .macro stub_address vector
    .long stub_\vector
    .endm
    .globl stubs
stubs:
    .set n, 0
    .rept 48
    stub_address %n
    .set n, n + 1
    .endr
    stub_address 128
    .section .note.GNU-stack, "", @progbits

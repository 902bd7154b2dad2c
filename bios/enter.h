/*
 * For assembly: from an interrupt or a far call into 16-bit C and back. DS = ES = SS, GS = the ROM, as the C code expects; EBX
 * keeps ESP, in whose upper half a caller may have rubbish.
 */
    .macro enter_c              /* ESP is then where Regs begin */
    pushal
    pushw %ds
    pushw %es
    pushw %fs
    pushw %gs
    cld
    movw %ss, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %cs, %ax
    movw %ax, %gs
    movl %esp, %ebx
    movzwl %sp, %esp
    .endm

    .macro leave_c
    movl %ebx, %esp
    popw %gs
    popw %fs
    popw %es
    popw %ds
    popal
    .endm

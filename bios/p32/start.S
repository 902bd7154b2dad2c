/* First byte of the 32-bit part: POST32_LINEAR. */
    .section .start, "ax"
    .globl _start
_start:
    jmp entry32

/* void multiboot_jump(u32 entry, u32 info): Multiboot 0.6.96, 3.2: the machine state. */
    .text
    .globl multiboot_jump
multiboot_jump:
    movl %edx, %ebx
    movl %eax, %ecx
    movl $0x2badb002, %eax
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    jmp *%ecx
    .section .note.GNU-stack, "", @progbits

/* A Multiboot 1 kernel (-kernel): reports its magic, flags and command line on the debug port. With VIRTUAL it leaves its addresses
 * to the ELF file, which is linked for addresses that far above the physical ones. */
#ifdef VIRTUAL
#define FLAGS 0x00000003
#else
#define FLAGS 0x00010003
#define VIRTUAL 0
#endif
    .code32
    .globl _start
    .text
    .balign 4
header:
    .long 0x1badb002, FLAGS, -(0x1badb002 + FLAGS)
    .long header, header, end, end, _start
_start:
    cmpl $0x2badb002, %eax
    jne 3f
    testl $0x41, (%ebx)                 /* memory, map */
    jz 3f
    cmpl $0x4000, 8(%ebx)               /* upper memory in KiB */
    jb 3f
    cmpl $0, 44(%ebx)
    je 3f
    movw $0x402, %dx
    movl $text - VIRTUAL, %esi
    call puts
    movl 16(%ebx), %esi
    call puts
    movb $10, %al
    outb %al, %dx
    movw $0x501, %dx
    xorb %al, %al
    outb %al, %dx
3:  hlt
    jmp 3b
puts:
    lodsb
    testb %al, %al
    jz 1f
    outb %al, %dx
    jmp puts
1:  ret
text: .asciz "\nmultiboot: "
#ifdef SPACE
    .space SPACE
#endif
end:
    .section .note.GNU-stack, "", @progbits

/* memcpy and memset, which the compiler may call: between objects on the stack. Arguments in EAX, EDX, ECX (-mregparm=3). */
    .code16
    .text
    .globl memcpy, memset
memcpy:
    pushl %esi
    pushl %edi
    movl %eax, %edi
    movl %edx, %esi
    cld
    rep movsb
    popl %edi
    popl %esi
    retl
memset:
    pushl %edi
    pushl %eax
    movl %eax, %edi
    movb %dl, %al
    cld
    rep stosb
    popl %eax
    popl %edi
    retl
    .section .note.GNU-stack, "", @progbits

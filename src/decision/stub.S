/*
 * The stub: all the code of ours that a sandbox process ever holds.
 *
 * A static program without C library, heap, stack or data. It asks to be traced, maps the list that the monitor
 * writes, and stops. From then on it makes the system calls of the list each time the monitor sends it to "batch",
 * and stops at the end. It knows nothing of the guest, so there is nothing in it to read; between stops of its own
 * it runs only under PTRACE_CONT, guest code only under PTRACE_SYSEMU, where its SYSCALL instruction is but another
 * stop.
 */
#include "decision/stub.h"

#define NR_MMAP 9
#define NR_PTRACE 101
#define NR_EXIT_GROUP 231
#define PROT_READ 1
#define MAP_SHARED_FIXED 0x11

    .text
    .globl _start
_start:
    mov $NR_PTRACE, %eax /* PTRACE_TRACEME: after exec, so that the parent is free and can not deadlock with us */
    xor %edi, %edi
    syscall
    test %rax, %rax
    jnz refused
    mov $NR_MMAP, %eax
    movabs $STUB_LIST, %rdi
    mov $STUB_LIST_SIZE, %esi
    mov $PROT_READ, %edx
    mov $MAP_SHARED_FIXED, %r10d
    mov $STUB_FD_LIST, %r8d
    xor %r9d, %r9d
    syscall
    int3 /* the monitor learns here where batch is, and from rax whether there is a list */

batch:
    movabs $STUB_LIST, %rsp
    popfq
    movabs $(STUB_LIST + STUB_CALLS), %rbx
    movabs $STUB_END, %rbp
1:  mov (%rbx), %rax
    cmp %rbp, %rax
    je 2f
    mov 8(%rbx), %rdi
    mov 16(%rbx), %rsi
    mov 24(%rbx), %rdx
    mov 32(%rbx), %r10
    mov 40(%rbx), %r8
    mov 48(%rbx), %r9
    syscall
    cmp $-4095, %rax
    jae 2f
    add $64, %rbx
    jmp 1b
2:  int3 /* rax: STUB_END, or the error of the call at rbx */
    jmp batch

refused:
    mov %eax, %edi
    neg %edi
    mov $NR_EXIT_GROUP, %eax
    syscall
    hlt
    .section .note.GNU-stack, "", @progbits

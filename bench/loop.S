/*
 * A boot sector that runs one of interp-bench's loops COUNT times in 32-bit protected mode, then ends the machine: by
 * isa-debug-exit at 0xf4, by Bochs's port 0x8900. For bench/bochs. LOOP: 0 to 4; COUNT: 0 for the time of a boot.
 */
        .code16
        .globl _start
_start: cli
        xor %ax, %ax
        mov %ax, %ds
        lgdt gdtr
        mov %cr0, %eax
        or $1, %al
        mov %eax, %cr0
        ljmpl $8, $protected

        .code32
protected:
        mov $16, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %ss
        mov $0x40000, %esp
        mov $0x20000, %ebx
        xor %eax, %eax
        mov $COUNT, %edi                /* a count that no loop uses */
        test %edi, %edi
        jz done
        .if LOOP == 0                   /* register arithmetic: 7 instructions */
1:      add %ebx, %eax
        xor %eax, %ecx
        inc %edx
        lea (%eax,%ecx,4), %esi
        cmp %edi, %edx
        .elseif LOOP == 1               /* loads and stores: 8 */
1:      mov (%ebx), %eax
        add $1, %eax
        mov %eax, 4(%ebx)
        mov 8(%ebx), %ecx
        add %eax, %ecx
        mov %ecx, 8(%ebx)
        .elseif LOOP == 2               /* branches: 6.5 */
        mov $0, %ecx
1:      dec %ecx
        jz 2f
        test $1, %al
        jnz 3f
2:      inc %eax
3:
        .elseif LOOP == 3               /* calls and stack: 9 */
1:      push %eax
        call 2f
        pop %eax
        .else                           /* shifts and multiplies: 7 */
1:      shl $3, %eax
        movzbl %al, %ecx
        imul %ebx, %ecx
        sar $2, %ecx
        setz %dl
        .endif
        dec %edi
        jnz 1b
done:   mov $0x8900, %dx
        mov $name, %esi
        mov $8, %ecx
        rep outsb
        mov $0xf4, %dx
        outb %al, %dx
        hlt
2:      push %ebp
        mov %esp, %ebp
        pop %ebp
        ret

name:   .ascii "Shutdown"
        .balign 8
gdt:    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:   .word 23
        .long gdt
        .org 510
        .word 0xaa55

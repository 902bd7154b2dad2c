/* The assembly shell of the BIOS: the reset path, the way into C for every interrupt, the ways from C to other
 * real-mode code and to 32-bit code, and the addresses at which PC software expects things to be.
 *
 * Linked at offset 0 of segment F000; the 32-bit part of POST sits below it, at E0000. */

#include "bios/layout.h"
#include "bios/enter.h"

#define REGS_SIZE 40            /* gs fs es ds, edi .. eax: see Regs in far.h */
#define R_ES  4
#define R_DS  6
#define R_EDI 8
#define R_ESI 12
#define R_EBP 16
#define R_EBX 24
#define R_EDX 28
#define R_ECX 32
#define R_EAX 36
#define R_FLAGS 46
#define REGS_FRAME 48           /* all of Regs */

#define SEL_CODE32 0x08
#define SEL_DATA32 0x10
#define SEL_CODE16 0x18
#define SEL_DATA16 0x20

    .code16
    .text

/* ---- interrupts into C ------------------------------------------------------------------------------------- */

int_common:
    enter_c
int_common_entered:
    movl %esp, %eax
    movzwl REGS_SIZE(%eax), %ecx
    calll *%ecx
int_common_leave:
    leave_c
    leaw 2(%esp), %sp           /* drop the handler's address */
    iretw

/* As int_common, but on the stack in the EBDA, unless that is in use: boot programs and old systems call INT 13h with a hundred bytes of theirs. */
int_own_stack:
    enter_c
    movw $0x40, %ax
    movw %ax, %fs
    movw %fs:0x0e, %dx          /* EBDA's segment */
    movw %dx, %fs
    movb $1, %al
    xchgb %al, %fs:EBDA_STACK_BUSY
    testb %al, %al
    jnz int_common_entered
    movw %ss, %bp               /* C keeps it, as EBX */
    movw %dx, %es
    movl %esp, %esi
    movl $(EBDA_STACK_TOP - REGS_FRAME), %edi
    movl $(REGS_FRAME / 4), %ecx
    rep movsl
    movw %dx, %ds
    movw %dx, %ss
    movl $(EBDA_STACK_TOP - REGS_FRAME), %esp
    movl %esp, %eax
    movzwl REGS_SIZE(%eax), %ecx
    calll *%ecx
    movl %esp, %esi
    movw %bp, %es
    movzwl %bx, %edi
    movl $(REGS_FRAME / 4), %ecx
    cld
    rep movsl
    movw %bp, %ss
    movl %ebx, %esp
    movb $0, EBDA_STACK_BUSY
    jmp int_common_leave

    .macro service vec, name
    .globl \name
    .text
stub_\vec:
    pushw $\name
    jmp int_common
    .section .rom, "a"
    .byte 0x\vec
    .word stub_\vec
    .endm

    .macro direct vec, label
    .section .rom, "a"
    .byte 0x\vec
    .word \label
    .endm

    .section .rom, "a"
    .globl ivt_table
ivt_table:                      /* { vector, offset } ... ; the IVT's contents, ended by vector 0 */
    direct 02, int_02
    direct 05, stub_05
    service 08, irq0_timer
    service 09, irq1_keyboard
    service 0e, irq6_floppy
    service 10, int10_no_video
    direct 13, stub_13
    service 14, int14
    service 15, int15
    service 16, int16
    service 17, int17
    service 18, int18
    service 19, int19
    service 1a, int1a
    service 70, irq8_rtc
    service 74, irq12_mouse
    service 76, irq14_ide
    service 77, irq14_ide
    service 75, irq13_fpu
    direct 11, int_11
    direct 12, int_12
    direct 40, stub_40
    direct 0a, stub_irq
    direct 0b, stub_irq
    direct 0c, stub_irq
    direct 0d, stub_irq
    direct 0f, stub_irq
    direct 71, stub_irq9
    direct 72, stub_irq
    direct 73, stub_irq
    .byte 0, 0, 0

    .text
    .globl stub_10_serial
stub_10_serial:                 /* INT 10h with a copy to the serial console; passes on to the VGA BIOS */
    pushw $int10_serial
    jmp int_common_chain

/* As int_common, but goes on to the handler whose far address C left in the EBDA. */
int_common_chain:
    enter_c
    movl %esp, %eax
    movzwl REGS_SIZE(%eax), %ecx
    calll *%ecx
    leave_c
    leaw 2(%esp), %sp
    ljmpw *%cs:video_vector

stub_13:
    pushw $int13
    jmp int_own_stack
stub_40:
    pushw $int40
    jmp int_own_stack
stub_05:
    pushw $int05
    jmp int_common
stub_irq:
    pushw $irq_spurious
    jmp int_common
stub_irq9:                      /* IRQ 9 stands in for IRQ 2 (AT BIOS) */
    pushw %ax
    movb $0x20, %al
    outb %al, $0xa0
    popw %ax
    int $0x0a
    iretw

int_02:
    iretw
int_11:                         /* equipment list, RB INT 11 */
    pushw %ds
    pushw $0x40
    popw %ds
    movw 0x10, %ax
    popw %ds
    iretw
int_12:                         /* conventional memory in KiB, RB INT 12 */
    pushw %ds
    pushw $0x40
    popw %ds
    movw 0x13, %ax
    popw %ds
    iretw
    .globl dummy_iret
dummy_iret:
    iretw

/* ---- from C to real-mode code -------------------------------------------------------------------------------- */

    .macro load_regs
    movw R_ES(%edx), %es
    movl R_EAX(%edx), %eax
    movl R_EBX(%edx), %ebx
    movl R_ECX(%edx), %ecx
    movl R_ESI(%edx), %esi
    movl R_EDI(%edx), %edi
    movl R_EBP(%edx), %ebp
    pushw R_DS(%edx)
    movl R_EDX(%edx), %edx
    popw %ds
    .endm

    .macro store_regs                   /* stack: Regs pointer, then what call_* saved */
    pushfw
    pushw %ds
    pushl %edx
    pushl %ebp
    movzwl %sp, %esp
    movl %esp, %ebp
    movl 12(%ebp), %edx
    pushw %ss
    popw %ds
    movl %eax, R_EAX(%edx)
    movl %ebx, R_EBX(%edx)
    movl %ecx, R_ECX(%edx)
    movl %esi, R_ESI(%edx)
    movl %edi, R_EDI(%edx)
    movw %es, R_ES(%edx)
    popl R_EBP(%edx)
    popl R_EDX(%edx)
    popw R_DS(%edx)
    popw R_FLAGS(%edx)
    popl %edx
    popw %gs
    popw %fs
    popw %es
    popw %ds
    popal
    cld
    .endm

/* void call_int(u32 vector, Regs *r): INT vector with and into the registers of r. */
    .globl call_int
call_int:
    pushal
    pushw %ds
    pushw %es
    pushw %fs
    pushw %gs
    pushl %edx
    pushw $0
    popw %fs
    pushfw
    pushw %cs
    pushw $1f
    pushl %fs:(,%eax,4)
    load_regs
    lretw
1:  store_regs
    retl

/* void call_far(u32 seg_off, Regs *r): far call, the callee ends with RETF. */
    .globl call_far
call_far:
    pushal
    pushw %ds
    pushw %es
    pushw %fs
    pushw %gs
    pushl %edx
    pushw %cs
    pushw $1f
    pushl %eax
    load_regs
    lretw
1:  store_regs
    retl

/* void call_mouse(u32 handler, u32 status_x, u32 y_z): the C2xx device driver's frame (RB INT 15/C207). */
    .globl call_mouse
call_mouse:
    pushal
    pushw %ds
    pushw %es
    pushw %fs
    pushw %gs
    movl %esp, %ebp
    pushl %edx                  /* high word status, low word X */
    pushl %ecx                  /* high word Y, low word Z */
    pushw %cs
    pushw $1f
    pushl %eax
    lretw
1:  cli
    addw $8, %sp
    cld
    popw %gs
    popw %fs
    popw %es
    popw %ds
    popal
    retl

/* void jump_boot(u32 seg_off, u32 drive): no way back but INT 18h and 19h. */
    .globl jump_boot
jump_boot:
    cli
    xorl %ecx, %ecx
    movw %cx, %ds
    movw %cx, %es
    movw %cx, %fs
    movw %cx, %gs
    movw %cx, %ss
    movl $0x7c00, %esp
    pushl %eax
    movzbl %dl, %edx
    movl $0xaa55, %eax
    xorl %ebx, %ebx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    sti
    lretw

/* void jump_linux(u32 segment, u32 sp): the setup code's entry (Linux boot protocol, "Running the kernel"). */
    .globl jump_linux
jump_linux:
    cli
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movzwl %dx, %esp
    addw $0x20, %ax
    pushw %ax
    pushw $0
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    lretw

/* ---- 32-bit code ------------------------------------------------------------------------------------------- */

/* u32 call32(u32 function, u32 argument): flat, interrupts off, on the same stack; real mode only. */
    .globl call32
call32:
    pushl %ebx
    pushl %edi
    pushw %ds
    pushw %es
    pushw %fs
    pushw %gs
    pushfl
    cli
    movw %ss, %bx
    movl %esp, %edi
    lgdtl %cs:gdt_pointer
    movl %cr0, %ecx
    orb $1, %cl
    movl %ecx, %cr0
    ljmpl $SEL_CODE32, $(BIOS_LINEAR + 1f)
    .code32
1:  movl $SEL_DATA32, %ecx
    movl %ecx, %ds
    movl %ecx, %es
    movl %ecx, %fs
    movl %ecx, %gs
    movl %ecx, %ss
    movzwl %bx, %ebx
    movl %ebx, %ecx
    shll $4, %ecx
    addl %edi, %ecx
    movl %ecx, %esp
    pushl %ebx
    pushl %edi
    movl $POST32_LINEAR, %ecx
    call *%ecx
    popl %edi
    popl %ebx
    ljmpl $SEL_CODE16, $2f
    .code16
2:  movw $SEL_DATA16, %cx
    movw %cx, %ds
    movw %cx, %es
    movw %cx, %fs
    movw %cx, %gs
    movw %cx, %ss
    movl %cr0, %ecx
    andb $0xfe, %cl
    movl %ecx, %cr0
    ljmpw $0xf000, $3f
3:  movw %bx, %ss
    movl %edi, %esp
    popfl
    popw %gs
    popw %fs
    popw %es
    popw %ds
    popl %edi
    popl %ebx
    retl

/* void enter_protected(Regs *r): INT 15h/89h (RB INT 15/AH=89h). The caller's table is at ES:SI; C has filled in 38h,
 * a descriptor of this segment. Returns to the caller in protected mode, CS = 30h, DS = 18h, ES = 20h, SS = 28h. */
    .globl enter_protected
enter_protected:
    cli
    movw R_ES(%eax), %es
    movl R_ESI(%eax), %esi
    lgdtl %es:8(%si)
    lidtl %es:16(%si)
    movl %eax, %ebx
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpw $0x38, $1f
1:  movw $0x18, %ax
    movw %ax, %ds
    movw $0x20, %ax
    movw %ax, %es
    movw $0x28, %ax
    movw %ax, %ss
    leal REGS_SIZE + 2(%ebx), %esp      /* ip, cs, flags of the interrupted program */
    popw %bx
    addw $4, %sp
    xorw %ax, %ax
    pushw $0x30
    pushw %bx
    lretw

    .section .rom, "a"
    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff            /* 08h: flat 32-bit code */
    .quad 0x00cf93000000ffff            /* 10h: flat data */
    .quad 0x00009b0f0000ffff            /* 18h: 16-bit code at F0000 */
    .quad 0x000093000000ffff            /* 20h: 64 KiB data */
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long BIOS_LINEAR + gdt
    .globl video_vector
video_vector:
    .long 0

/* ---- addresses that software knows ------------------------------------------------------------------------- */

    .section .fixed, "ax"
    .org 0x005b                         /* E05B: POST */
post_entry:
    cli
    cld
    movb $0x8f, %al                     /* shutdown byte: a 286 program left protected mode by a reset */
    outb %al, $0x70
    inb $0x71, %al
    movb %al, %bl
    movb $0x0f, %al
    outb %al, $0x70
    movb $0, %al
    outb %al, $0x71
    cmpb $0x05, %bl
    je resume
    cmpb $0x0a, %bl
    je resume
    lgdtl %cs:gdt_pointer
    movl %cr0, %eax
    andl $0x1fffffff, %eax              /* caches on */
    orb $1, %al
    movl %eax, %cr0
    ljmpl $SEL_CODE32, $(ROM_ALIAS + 1f)

/* Shadow: 440FX PAM (datasheet 3.2.18): 59h for F0000, 5Eh and 5Fh for E0000. We run from the alias below 4 GiB, so
 * the megabyte's copy can be replaced: reads and writes to RAM, filled from the alias. */
    .code32
1:  movl $SEL_DATA32, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl $POST_STACK, %esp
    movl $0x80000058, %eax
    movw $0xcf8, %dx
    outl %eax, %dx
    movw $0xcfc, %dx
    inl %dx, %eax
    andl $0x000000ff, %eax
    orl $0x33333000, %eax
    orb $0x30, %ah
    outl %eax, %dx
    movl $0x8000005c, %eax
    movw $0xcf8, %dx
    outl %eax, %dx
    movl $0x33333333, %eax
    movw $0xcfc, %dx
    outl %eax, %dx
    movl $(ROM_ALIAS - 0x10000), %esi
    movl $POST32_LINEAR, %edi
    movl $0x8000, %ecx
    rep movsl
    xorl %eax, %eax                     /* function 0: POST */
    xorl %edx, %edx
    movl $POST32_LINEAR, %ecx
    call *%ecx
    ljmpl $SEL_CODE16, $1f
    .code16
1:  movw $SEL_DATA16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movl %cr0, %eax
    andb $0xfe, %al
    movl %eax, %cr0
    ljmpw $0xf000, $2f
2:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $POST_STACK, %esp
    movw %cs, %ax
    movw %ax, %gs
    lidtl %cs:idt_pointer
    calll post16
    hlt

    .balign 4
idt_pointer:
    .word 0x3ff
    .long 0

/* The shadow is in RAM already, read-only after POST. */
resume:
    movl $0x80000058, %eax
    movw $0xcf8, %dx
    outl %eax, %dx
    movw $0xcfc, %dx
    inl %dx, %eax
    andl $0x000000ff, %eax
    orl $0x11111000, %eax
    orb $0x10, %ah
    outl %eax, %dx
    movl $0x8000005c, %eax
    movw $0xcf8, %dx
    outl %eax, %dx
    movl $0x11111111, %eax
    movw $0xcfc, %dx
    outl %eax, %dx
    movb $0x02, %al                     /* A20 stays on */
    outb %al, $0x92
    xorw %ax, %ax
    movw %ax, %ds
    cmpb $0x05, %bl
    jne 1f
    movb $0x20, %al
    outb %al, $0xa0
    outb %al, $0x20
1:  ljmpw *0x467

    .macro compat offset, target
    .org \offset - 0xe000
    jmp \target
    .endm
    compat 0xe2c3, int_02
    compat 0xe6f2, stub_19
    compat 0xe739, stub_14
    compat 0xe82e, stub_16
    compat 0xe987, stub_09
    compat 0xec59, stub_40
    compat 0xef57, stub_0e
    .org 0x0fc7                         /* EFC7: diskette parameters, INT 1Eh */
    .globl diskette_parameters
diskette_parameters:
    .byte 0xaf, 0x02, 0x25, 0x02, 18, 0x1b, 0xff, 0x6c, 0xf6, 0x0f, 0x08
    compat 0xefd2, stub_17
    compat 0xf045, stub_10
    compat 0xf841, int_12
    compat 0xf84d, int_11
    compat 0xf859, stub_15
    .org 0x1a6e                         /* FA6E: the 8x8 font's first half */
    .globl rom_font8
rom_font8:
    .include "bios/font8.inc"
    compat 0xfe6e, stub_1a
    compat 0xfea5, stub_08
    .org 0x1f53
    iretw
    compat 0xff54, stub_05
    .org 0x1ff0
    ljmpw $0xf000, $0xe05b
    .ascii BIOS_DATE                    /* FFF5: mm/dd/yy */
    .org 0x1ffe
    .byte 0xfc, 0                       /* model: AT */
    .section .note.GNU-stack, "", @progbits

/* Included by services.S. The PCI BIOS, the tables of POST, the protected-mode entries. */

test_pci:
    mov $0xb101, %ax
    int $0x1a
    ok "1A/B101: PCI BIOS"
    eq $0x20494350, %edx, "1A/B101: PCI"
    eq $0x0210, %bx, "1A/B101: 2.1"
    mov $0xb102, %ax
    mov $0x1237, %cx
    mov $0x8086, %dx
    mov $0, %si
    int $0x1a
    ok "1A/B102: the 440FX"
    eq $0, %bx, "1A/B102: at 00:00.0"
    mov $0xb102, %ax
    mov $0x5555, %cx
    mov $0x8086, %dx
    mov $0, %si
    int $0x1a
    fails "1A/B102: nothing"
    eq $0x86, %ah, "1A/B102: 86h"
    mov $0xb103, %ax
    mov $0x030000, %ecx
    mov $0, %si
    int $0x1a
    ok "1A/B103: a VGA"
    mov $0xb109, %ax
    mov $0, %bx
    mov $0, %di
    int $0x1a
    eq $0x8086, %cx, "1A/B109: vendor"
    mov $0xb108, %ax
    mov $3, %di
    int $0x1a
    eq $0x12, %cl, "1A/B108"
    mov $0xb10a, %ax
    mov $0, %di
    int $0x1a
    eq $0x12378086, %ecx, "1A/B10A"
    mov $0xb10a, %ax
    mov $2, %di
    int $0x1a
    fails "1A/B10A: unaligned"
    eq $0x87, %ah, "1A/B10A: 87h"
    mov $BUF, %ax
    mov %ax, %es
    xor %di, %di
    movw $0, %es:(%di)
    mov $0xb10e, %ax
    int $0x1a
    eq $0x89, %ah, "1A/B10E: buffer too small"
    xor %ax, %ax
    mov %ax, %es
    ret

/* Finds a signature EAX at a 16-byte boundary from segment DX up; FS, or CF set. */
find:
    mov %dx, %fs
    cmp %eax, %fs:0
    je 1f
    inc %dx
    jnz find
    stc
    ret
1:  clc
    ret
sum:                                /* CX bytes at FS:0, ZF when 0 */
    xor %ax, %ax
    xor %si, %si
1:  add %fs:(%si), %al
    inc %si
    loop 1b
    test %al, %al
    ret

test_tables:
    mov $0xf000, %dx
    mov $0x5f32335f, %eax           /* _32_ */
    call find
    ok "BIOS32 directory"
    mov $16, %cx
    call sum
    is "BIOS32 directory: checksum"
    mov $0xf000, %dx
    mov $0x52495024, %eax           /* $PIR */
    call find
    ok "PIR table"
    mov %fs:6, %cx
    call sum
    is "PIR table: checksum"
    mov $0xe000, %dx
    mov $0x20445352, %eax           /* "RSD " */
    call find
    ok "ACPI RSDP"
    mov $20, %cx
    call sum
    is "ACPI RSDP: checksum"
    mov $0xf000, %dx
    mov $0x5f4d535f, %eax           /* _SM_ */
    call find
    ok "SMBIOS entry point"
    movzbw %fs:5, %cx
    call sum
    is "SMBIOS entry point: checksum"
    mov $0xf000, %dx
    mov $0x5f504d5f, %eax           /* _MP_ */
    call find
    ok "MP floating pointer"
    mov $16, %cx
    call sum
    is "MP floating pointer: checksum"
    mov %fs:4, %eax
    shr $4, %eax
    mov %ax, %fs
    cmpl $0x504d4350, %fs:0
    is "MP table: PCMP"
    mov %fs:4, %cx
    call sum
    is "MP table: checksum"
    ret

/* The protected-mode entries, called as an operating system calls them: BIOS32 and PCI with flat segments, APM with the
 * segments that 5303h told, VBE's from a copy. What they return is kept and looked at afterwards. */
    .macro keep what
    movl \what, (%ebp)
    addl $4, %ebp
    .endm

test_protected:
    mov $0xf000, %dx
    mov $0x5f32335f, %eax
    call find
    mov %fs:4, %eax
    mov %eax, bios32
    mov $0x5303, %ax
    mov $0, %bx
    int $0x15
    mov %ebx, apm
    mov $0x4f02, %ax
    mov $0x101, %bx
    int $0x10
    mov $0x4f0a, %ax
    mov $0, %bl
    int $0x10
    mov %es, %eax
    movzwl %ax, %eax
    shl $4, %eax
    movzwl %di, %edi
    lea (%eax, %edi), %ecx
    movzwl %es:(%di), %edx
    add %ecx, %edx
    mov %edx, vbe_window
    movzwl %es:2(%di), %edx
    add %ecx, %edx
    mov %edx, vbe_start
    xor %ax, %ax
    mov %ax, %es
    cli
    mov %esp, %edi
    lgdtl pointer32
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl $0x08, $1f
    .code32
1:  mov $0x10, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $kept, %ebp
    movl $0x49435024, %eax          /* $PCI */
    xor %ebx, %ebx
    push %cs
    call *bios32
    keep %eax
    keep %ebx
    keep %ecx
    add %ebx, %edx
    mov %edx, pci32
    mov $0xb101, %eax
    push %cs
    call *pci32
    keep %edx
    movw $0xb10a, %ax
    xor %ebx, %ebx
    push %edi
    xor %edi, %edi
    push %cs
    call *pci32
    pop %edi
    keep %ecx
    movw $0xb10a, %ax
    push %edi
    mov $1, %edi
    push %cs
    call *pci32
    setc %al
    pop %edi
    keep %eax
    mov $0x530a, %eax
    mov $1, %ebx
    lcall *apm
    keep %ebx
    mov $0x5380, %eax
    mov $1, %ebx
    lcall *apm
    keep %eax
    movw $3, %dx                    /* VBE: set bank 3 */
    xor %ebx, %ebx
    call *vbe_window
    keep %eax
    mov $0x100, %ebx
    xor %edx, %edx
    call *vbe_window
    keep %edx
    mov $(640 * 10 / 4), %ecx       /* start at line 10 */
    xor %edx, %edx
    xor %ebx, %ebx
    call *vbe_start
    ljmpl $0x28, $2f
    .code16
2:  mov $0x30, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov %cr0, %eax
    and $0xfe, %al
    mov %eax, %cr0
    ljmp $0, $3f
3:  xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov %edi, %esp
    sti
    cmpb $0, kept
    is "BIOS32: PCI is there"
    cmpl $0xf0000, kept + 4
    is "BIOS32: base"
    cmpl $0x20494350, kept + 12
    is "BIOS32: PCI, B101"
    cmpl $0x12378086, kept + 16
    is "BIOS32: PCI, B10A"
    cmpb $1, kept + 20
    is "BIOS32: PCI, B10A unaligned"
    cmpw $0x01ff, kept + 24
    is "APM, 32-bit: 530A"
    cmpb $0x09, kept + 29
    is "APM, 32-bit: 5380 is unknown"
    cmpw $0x004f, kept + 32
    is "VBE, 32-bit: set window"
    cmpw $3, kept + 36
    is "VBE, 32-bit: get window"
    mov $0x4f07, %ax
    mov $1, %bx
    int $0x10
    eq $0, %cx, "VBE, 32-bit: display start x"
    eq $10, %dx, "VBE, 32-bit: display start y"
    mov $0x0003, %ax
    int $0x10
    /* INT 15h/89h */
    mov %sp, saved_sp
    mov $table89, %si
    mov $0x8900, %ax
    mov $0x2820, %bx
    int $0x15
    jc 5f
    mov %cr0, %eax                  /* in protected mode: CS 30h, DS 18h */
    mov %eax, kept
    and $0xfe, %al
    mov %eax, %cr0
    ljmp $0, $4f
4:  xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov saved_sp, %sp
    lidtl idt_real
5:  testb $1, kept
    isnt "15/89: protected mode"
    in $0x21, %al
    eq $0xff, %al, "15/89: interrupts masked"
    ret

    .balign 8
gdt32:
    .quad 0
    .quad 0x00cf9b000000ffff        /* 08 flat code */
    .quad 0x00cf93000000ffff        /* 10 flat data */
    .quad 0x00409b0f0000ffff        /* 18 APM: 32-bit code at F0000, then 16-bit code, then data */
    .quad 0x00009b0f0000ffff
    .quad 0x00009b000000ffff        /* 28 16-bit code */
    .quad 0x000093000000ffff        /* 30 16-bit data */
pointer32:
    .word pointer32 - gdt32 - 1
    .long gdt32
table89:
    .quad 0
    .word 0x3f, table89, 0, 0       /* GDT */
    .word 0x7ff, 0, 0, 0            /* IDT */
    .quad 0x000093000000ffff        /* DS, ES, SS, CS */
    .quad 0x000093000000ffff
    .quad 0x000093000000ffff
    .quad 0x00009b000000ffff
    .quad 0                         /* the BIOS's */
idt_real:
    .word 0x3ff
    .long 0
saved_sp: .word 0
bios32: .long 0
pci32: .long 0
apm: .long 0
    .word 0x18
vbe_window: .long 0
vbe_start: .long 0
kept: .fill 16, 4, 0

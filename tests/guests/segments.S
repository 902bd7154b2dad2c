# Segment registers: loads of every type of descriptor, and accesses through them. SDM 3A 5.4-5.6, 2B "MOV"
        .include "common.inc"

        .set RO, FIRST_OWN              # data, read only
        .set RW, FIRST_OWN + 8          # data, limit 0xfff
        .set DOWN, FIRST_OWN + 16       # data, expand down, limit 0xfff, big
        .set DOWN16, FIRST_OWN + 24     # the same, 64 KiB at most
        .set XO, FIRST_OWN + 32         # code, execute only
        .set XR, FIRST_OWN + 40         # code, readable
        .set XC, FIRST_OWN + 48         # code, conforming, readable, DPL 0
        .set ABSENT, FIRST_OWN + 56     # data, not present
        .set LDT, FIRST_OWN + 64
        .set RW3, FIRST_OWN + 72        # data, DPL 3
        .set ABSENT_LDT, FIRST_OWN + 80
        .set FRESH, FIRST_OWN + 88      # data, not yet accessed
        .set LIMIT, FIRST_OWN + 96
        DESC 0x10000, 0xfff, 0x91, 4
        DESC 0x10000, 0xfff, 0x93, 4
        DESC 0x10000, 0xfff, 0x97, 4
        DESC 0x10000, 0xfff, 0x97, 0
        DESC 0x10000, 0xfff, 0x99, 4
        DESC 0x10000, 0xfff, 0x9b, 4
        DESC 0x10000, 0xfff, 0x9f, 4
        DESC 0x10000, 0xfff, 0x13, 4
        DESC 0x18000, 15, 0x82, 0
        DESC 0x10000, 0xfff, 0xf3, 4
        DESC 0x18000, 15, 0x02, 0
        DESC 0x10000, 0xfff, 0x92, 4
gdt_end:

guest_main:
        # ---- loads that fault ----
        movw $LIMIT, %ax
        FAULT 13, LIMIT, movw %ax, %ds
        movw $XO, %ax
        FAULT 13, XO, movw %ax, %ds
        movw $LDT, %ax
        FAULT 13, LDT, movw %ax, %es
        movw $TSS0, %ax
        FAULT 13, TSS0, movw %ax, %fs
        movw $ABSENT, %ax
        FAULT 11, ABSENT, movw %ax, %gs
        movw $RW + 3, %ax               # RPL 3, DPL 0
        FAULT 13, RW, movw %ax, %ds
        xorl %eax, %eax
        lldt %ax
        movw $RW + 4, %ax               # no LDT
        FAULT 13, RW + 4, movw %ax, %ds
        xorw %ax, %ax
        FAULT 13, 0, movw %ax, %ss
        movw $RO, %ax
        FAULT 13, RO, movw %ax, %ss
        movw $XR, %ax
        FAULT 13, XR, movw %ax, %ss
        movw $RW3, %ax                  # DPL 3 at CPL 0
        FAULT 13, RW3, movw %ax, %ss
        movw $RW + 1, %ax               # RPL 1 at CPL 0
        FAULT 13, RW, movw %ax, %ss
        movw $ABSENT, %ax
        FAULT 12, ABSENT, movw %ax, %ss
        pushl $XO
        FAULT 13, XO, popl %fs
        FAULT 6, 0xffff, .byte 0x8e, 0xc8       # mov %eax, %cs

        # ---- loads that work: what LSL, LAR say, and the accessed bit ----
        movl gdt + FRESH + 4, %eax
        shrl $8, %eax
        andl $1, %eax
        CHECK 0
        movw $FRESH, %ax
        movw %ax, %fs
        movl gdt + FRESH + 4, %eax
        shrl $8, %eax
        andl $1, %eax
        CHECK 1
        movw $XC + 3, %ax               # conforming: RPL does not matter
        movw %ax, %gs
        movl $DOWN, %ecx
        larl %ecx, %eax
        CHECK 0x00409700
        movl $CODE0, %ecx
        lsll %ecx, %eax
        CHECK 0xffffffff
        movl $RW, %ecx
        lslw %cx, %ax
        movzwl %ax, %eax
        CHECK 0xfff
        movl $LIMIT, %ecx
        movl $0x1234, %eax
        larl %ecx, %eax                 # ZF clear, EAX as it was
        setzb %bl
        CHECK 0x1234
        movzbl %bl, %eax
        CHECK 0
        movl $XO, %ecx
        verr %cx
        setzb %al
        movzbl %al, %eax
        CHECK 0
        movl $RO, %ecx
        verw %cx
        setzb %al
        movzbl %al, %eax
        CHECK 0
        verr %cx
        setzb %al
        movzbl %al, %eax
        CHECK 1

        # ---- accesses ----
        movw $RO, %ax
        movw %ax, %fs
        movl %fs:0, %eax
        FAULT 13, 0, movl %eax, %fs:0
        FAULT 13, 0, movl %fs:0xffd, %eax       # one byte beyond
        movl %fs:0xffc, %eax
        movw $XR, %ax
        movw %ax, %fs
        movl %fs:0, %eax
        FAULT 13, 0, movl %eax, %fs:0
        FAULT 13, 0, movl %eax, %cs:resume
        xorw %ax, %ax
        movw %ax, %fs
        FAULT 13, 0, movl %fs:0, %eax
        movw $DOWN, %ax
        movw %ax, %fs
        FAULT 13, 0, movb %fs:0xfff, %al
        movb %fs:0x1000, %al
        FAULT 13, 0, movl %fs:0xffe, %eax
        movb %fs:0x20000, %al
        movw $DOWN16, %ax
        movw %ax, %fs
        movb %fs:0xffff, %al
        FAULT 13, 0, movb %fs:0x10000, %al
        FAULT 13, 0, movw %fs:0xffff, %ax
        FAULT 13, 0, movb %fs:0xfff, %al
        movw $RW, %ax                   # the stack: #SS
        movw %ax, %ss
        movl $0x800, %esp
        FAULT 12, 0, movl %eax, %ss:0xffd
        movw $RW, %ax
        movw %ax, %ss
        movl $0xffe, %esp
        FAULT 12, 0, popl %eax

        # ---- the LDT ----
        movw $ABSENT_LDT, %ax
        FAULT 11, ABSENT_LDT, lldt %ax
        movw $RW, %ax
        FAULT 13, RW, lldt %ax
        movw $TSS0, %ax                 # busy
        FAULT 13, TSS0, ltr %ax
        movl $0x00000fff, 0x18008
        movl $0x0040f302, 0x1800c       # LDT entry 1: base 0x20000, DPL 3
        movw $LDT, %ax
        lldt %ax
        movw $0x0c, %ax
        movw %ax, %fs
        movl $0x13579bdf, 0x20010
        movl %fs:0x10, %eax
        CHECK 0x13579bdf
        movw $0x14, %ax
        FAULT 13, 0x14, movw %ax, %fs
        xorl %eax, %eax
        lldt %ax
        movw $0x0c, %ax
        FAULT 13, 0x0c, movw %ax, %gs

        # ---- CPL 3: inner segments, privileged instructions ----
        TO_USER 0x3002
        movw $RW3 + 3, %ax
        movw %ax, %fs
        movw $RW, %ax
        FAULT 13, RW, movw %ax, %fs
        TO_USER 0x3002
        FAULT 13, 0, hlt
        TO_USER 0x3002
        FAULT 13, 0, lgdt gdtr
        TO_USER 0x3002
        FAULT 13, 0, movl %eax, %cr3
        TO_USER 0x3002
        FAULT 13, 0, movl %dr0, %eax
        TO_USER 0x3002
        FAULT 13, 0, clts
        TO_USER 0x0002                  # IOPL 0
        FAULT 13, 0, cli
        TO_USER 0x0002
        FAULT 13, 0x102, int $0x20      # gate of DPL 0
        orb $1, tss_bitmap + 0x90 / 8   # port 90h: forbidden
        TO_USER 0x0002
        inb $0x91, %al
        FAULT 13, 0, inb $0x90, %al
        TO_USER 0x0002
        FAULT 13, 0, inw $0x8f, %ax     # one forbidden byte is enough
        TO_USER 0x0002
        movw $0x900, %dx                # beyond the bitmap
        FAULT 13, 0, inb %dx, %al
        hlt

/*
 * A boot sector for the test of sudden ends: it writes to its disk for ever. Round n fills 32 sectors from LBA 64 on with the
 * dword n, flushes the drive's cache, and only then says n (four bytes) to the first serial port; after that it writes 8 sectors that it doesn't
 * flush, at LBA 1024 + 8 * (n mod 128). It goes on counting from what it
 * finds in the last of the 32.
 */
        .set    COUNTED, 64
        .set    LOOSE, 1024
        .set    BUFFER, 0x8000
        .code16
        .globl _start
_start: ljmp    $0, $main
main:   cli
        cld
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     $0x7c00, %sp
        mov     $0x3f6, %dx
        mov     $2, %al                 /* no interrupts: status is polled */
        out     %al, %dx
        mov     $COUNTED + 31, %ebx
        mov     $1, %cl
        mov     $0x20, %al              /* READ SECTORS */
        call    command
        call    ready
        mov     $BUFFER, %di
        mov     $256, %cx
        mov     $0x1f0, %dx
        rep insw
        mov     BUFFER, %ebp            /* n */
round:  inc     %ebp
        mov     %ebp, %eax
        mov     $BUFFER, %di
        mov     $128, %cx
        rep stosl
        mov     $COUNTED, %ebx
        mov     $32, %cl
        call    fill
        mov     $0xe7, %al              /* FLUSH CACHE */
        call    order
        call    idle
        test    $1, %al
        jnz     failed
        mov     $0x3f8, %dx
        mov     %ebp, %eax
        mov     $4, %cx
1:      out     %al, %dx
        ror     $8, %eax
        loop    1b
        mov     %ebp, %ebx
        and     $127, %ebx
        shl     $3, %ebx
        add     $LOOSE, %ebx
        mov     $8, %cl
        call    fill
        jmp     round
failed: hlt
        jmp     failed

/* write cl sectors at LBA ebx from BUFFER, the same in each */
fill:   mov     $0x30, %al              /* WRITE SECTORS */
        call    command
        movzbw  %cl, %bx
1:      call    ready
        mov     $BUFFER, %si
        mov     $256, %cx
        mov     $0x1f0, %dx
        rep outsw
        dec     %bx
        jnz     1b
        jmp     idle

/* command al on cl sectors at LBA ebx */
command:
        push    %ax
        call    idle
        mov     $0x1f6, %dx
        mov     $0xe0, %al
        out     %al, %dx
        mov     $0x1f2, %dx
        mov     %cl, %al
        out     %al, %dx
        mov     %ebx, %eax
        inc     %dx
        out     %al, %dx
        shr     $8, %eax
        inc     %dx
        out     %al, %dx
        shr     $8, %eax
        inc     %dx
        out     %al, %dx
        pop     %ax
order:  mov     $0x1f7, %dx
        out     %al, %dx
        ret

/* until the drive is not busy; al = status */
idle:   mov     $0x3f6, %dx
1:      in      %dx, %al
        test    $0x80, %al
        jnz     1b
        ret

/* until it wants data */
ready:  call    idle
        test    $1, %al
        jnz     failed
        test    $8, %al
        jz      ready
        ret

        .org    510
        .word   0xaa55

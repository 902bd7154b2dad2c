/* The demo disk (demo/), embedded: what x86vm boots when nothing else is named. */
    .section .rodata
    .globl demo_disk_start, demo_disk_end
    .balign 16
demo_disk_start:
    .incbin "demo/demo.img"
demo_disk_end:
    .section .note.GNU-stack, "", @progbits

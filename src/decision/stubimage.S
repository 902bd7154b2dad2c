/* The stub program, embedded: x86vm needs no file beside itself. */
    .section .rodata
    .globl stub_image_start, stub_image_end
    .balign 16
stub_image_start:
    .incbin "src/decision/stub.elf"
stub_image_end:
    .section .note.GNU-stack, "", @progbits

/* Our own firmware, embedded: x86vm needs no file beside itself. */
    .section .rodata
    .globl bios_rom_start, bios_rom_end, vgabios_rom_start, vgabios_rom_end
    .balign 16
bios_rom_start:
    .incbin "bios/bios.bin"
bios_rom_end:
    .balign 16
vgabios_rom_start:
    .incbin "bios/vgabios.bin"
vgabios_rom_end:
    .section .note.GNU-stack, "", @progbits

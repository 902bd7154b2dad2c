/* The firmware built from bios/, embedded in the program by biosrom.S. */
#ifndef HW_BIOSROM_H
#define HW_BIOSROM_H

/* The system BIOS, 128 KiB: the bytes from start up to end, ending at FFFFFh and at FFFFFFFFh. */
extern const unsigned char bios_rom_start[], bios_rom_end[];
/* The VGA BIOS, whole 512-byte blocks: the VGA controller's expansion ROM (PCI vendor 1234h, device 1111h). */
extern const unsigned char vgabios_rom_start[], vgabios_rom_end[];

#endif

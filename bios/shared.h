/* What the 32-bit part of POST leaves for the 16-bit services: one structure at F000:SHARED_OFFSET. */
#ifndef BIOS_SHARED_H
#define BIOS_SHARED_H

#include "bios/layout.h"
#include "bios/types.h"

#define E820_MAX 32
#define E820_RAM 1
#define E820_RESERVED 2
#define E820_ACPI 3

typedef struct PACKED E820Entry {
    u64 base, length;
    u32 type;
} E820Entry;

/* A device to boot from, as fw_cfg's bootorder or CMOS names it. */
enum { BOOT_NONE, BOOT_FLOPPY, BOOT_DISK, BOOT_CD, BOOT_NETWORK, BOOT_KERNEL };
#define BOOT_MAX 12
#define BOOT_ANY_UNIT 0xff
typedef struct PACKED BootEntry {
    u8 kind;
    u8 unit;                    /* floppy: 0, 1; IDE: channel * 2 + unit; or BOOT_ANY_UNIT */
} BootEntry;

enum { KERNEL_NONE, KERNEL_LINUX, KERNEL_MULTIBOOT };

typedef struct PACKED Shared {
    u32 low_ram;                /* bytes of RAM below 4 GiB */
    u32 high_ram_64k;           /* RAM from 4 GiB, in 64 KiB units */
    u16 sercon_port;            /* serial console, 0 when there is none */
    u16 vga_bdf;                /* of the VGA controller, 0xffff when there is none */
    u16 ide_bdf;                /* of the IDE controller, 0xffff when there is none */
    u16 pm_base;                /* ACPI PM I/O base, 0 when there is none */
    u8 last_bus;
    u8 kernel;                  /* KERNEL_* */
    u16 linux_segment;          /* of the loaded setup code */
    u16 linux_sp;
    u16 rom_segment[8];         /* option ROMs to start, after the VGA BIOS, with their bdf */
    u16 rom_bdf[8];
    u8 roms;
    u8 boots;
    u8 has_vga_rom;
    u8 fw_cfg;
    u16 pir_offset;
    u32 e820_count;
    BootEntry boot[BOOT_MAX];
    E820Entry e820[E820_MAX];
} Shared;

/* Functions of the 32-bit part, bios/p32/main.c. */
enum { P32_POST, P32_BLOCK_MOVE, P32_LOAD_LINUX, P32_BOOT_MULTIBOOT, P32_SHADOW_LOCK, P32_SHADOW_UNLOCK };

#endif

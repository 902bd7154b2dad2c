/* -kernel: the machine hands over a Linux bzImage or a Multiboot image through fw_cfg's numbered keys. */
#include "bios/p32/p32.h"

#define FW_CFG_KERNEL_ADDR  0x07
#define FW_CFG_KERNEL_SIZE  0x08
#define FW_CFG_INITRD_ADDR  0x0a
#define FW_CFG_INITRD_SIZE  0x0b
#define FW_CFG_KERNEL_ENTRY 0x10
#define FW_CFG_KERNEL_DATA  0x11
#define FW_CFG_INITRD_DATA  0x12
#define FW_CFG_CMDLINE_ADDR 0x13
#define FW_CFG_CMDLINE_SIZE 0x14
#define FW_CFG_CMDLINE_DATA 0x15
#define FW_CFG_SETUP_ADDR   0x16
#define FW_CFG_SETUP_SIZE   0x17
#define FW_CFG_SETUP_DATA   0x18

#define MBI_MEM_LOWER 4
#define MBI_MEM_UPPER 8
#define MBI_MMAP_LENGTH 44
#define MBI_MMAP_ADDR 48
#define MULTIBOOT_MMAP_BYTES 0x500 /* room for the memory map, which the machine leaves below the information */

void multiboot_jump(u32 entry, u32 info);

void kernel_find(void)
{
    if (!fwcfg_read32(FW_CFG_KERNEL_SIZE)) {
        SHARED->kernel = KERNEL_NONE;
    } else {
        SHARED->kernel = fwcfg_read32(FW_CFG_SETUP_SIZE) ? KERNEL_LINUX : KERNEL_MULTIBOOT;
    }
}

static u32 load(u16 address, u16 size, u16 data)
{
    u32 at = fwcfg_read32(address);
    u32 bytes = fwcfg_read32(size);

    if (bytes) {
        fwcfg_read(data, (void *)at, bytes);
    }
    return at;
}

/* Linux boot protocol: DS = ES = SS = the setup segment, CS 20h above it, SP below the command line. */
u32 kernel_load_linux(void)
{
    u32 setup = load(FW_CFG_SETUP_ADDR, FW_CFG_SETUP_SIZE, FW_CFG_SETUP_DATA);
    u32 cmdline = load(FW_CFG_CMDLINE_ADDR, FW_CFG_CMDLINE_SIZE, FW_CFG_CMDLINE_DATA);
    u32 sp = cmdline - setup - 16;

    load(FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA);
    load(FW_CFG_INITRD_ADDR, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA);
    SHARED->linux_segment = setup >> 4;
    SHARED->linux_sp = cmdline > setup && sp < 0xfff0 ? sp & ~15u : 0xfff0;
    return 0;
}

u32 kernel_boot_multiboot(void)
{
    u32 entry = fwcfg_read32(FW_CFG_KERNEL_ENTRY), info;
    u8 *map, *begin;

    load(FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA);
    info = load(FW_CFG_INITRD_ADDR, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA);
    map = begin = (u8 *)info - MULTIBOOT_MMAP_BYTES;
    for (u32 i = 0; i < SHARED->e820_count; i++, map += 24) {
        *(u32 *)map = 20;
        memcpy(map + 4, &SHARED->e820[i], 20);
    }
    *(u32 *)(info + MBI_MEM_LOWER) = (EBDA_SEG << 4) / 1024;
    *(u32 *)(info + MBI_MEM_UPPER) = ((high_alloc_bottom() & ~0xfffu) - 0x100000) / 1024;
    *(u32 *)(info + MBI_MMAP_LENGTH) = map - begin;
    *(u32 *)(info + MBI_MMAP_ADDR) = (u32)begin;
    rom_shadow_lock(true);
    multiboot_jump(entry, info);
    return 0;
}

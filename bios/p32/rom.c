/* Option ROMs: copied into the shadow RAM of C0000-DFFFF; POST's 16-bit part starts them.
 *
 * The VGA BIOS comes from the VGA controller's expansion ROM, from a fw_cfg file vgaroms/..., or lies at C0000. */
#include "bios/p32/p32.h"

#define VGA_ROM     0xc0000u
#define ROM_END     0xe0000u
#define PCI_ROM_BAR 0x30

static u32 rom_top = VGA_ROM;

/* PAM, 440FX datasheet 3.2.18: a nibble per 16 KiB, 59h's high one F0000; 1 read RAM, 2 write RAM. */
static void pam_set(u32 base, u32 end, u8 mode)
{
    for (u32 at = base; at < end && at < 0xf0000; at += 0x4000) {
        u32 n = (at - VGA_ROM) >> 14;
        u8 reg = 0x5a + n / 2, value = pci_read8(0, reg);

        value = n & 1 ? (value & 0x0f) | mode << 4 : (value & 0xf0) | mode;
        pci_write8(0, reg, value);
    }
    if (end > 0xf0000) {
        pci_write8(0, 0x59, mode << 4);
    }
}

void rom_shadow_open(void)
{
    u16 *rom = (u16 *)VGA_ROM;
    u32 bytes = rom[0] == 0xaa55 ? ((u8 *)rom)[2] * 512u : 0;
    void *keep = (void *)0x110000;

    if (bytes) {
        memcpy(keep, rom, bytes);
    }
    pam_set(VGA_ROM, ROM_END, 3);
    memset((void *)VGA_ROM, 0, ROM_END - VGA_ROM);
    if (bytes && bytes <= 0x10000) {
        memcpy(rom, keep, bytes);
        rom_top = VGA_ROM + ((bytes + 0x7ff) & ~0x7ffu);
        SHARED->has_vga_rom = 1;
    }
}

void rom_shadow_lock(bool lock)
{
    pam_set(VGA_ROM, (rom_top + 0x3fff) & ~0x3fffu, lock ? 1 : 3);
    pam_set(POST32_LINEAR, 0x100000, lock ? 1 : 3);
}

static bool place(const u8 *image, u32 at, u32 room)
{
    u32 bytes = image[2] * 512u;

    if (image[0] != 0x55 || image[1] != 0xaa || !bytes || bytes > room || at + bytes > ROM_END) {
        return false;
    }
    memcpy((void *)at, image, bytes);
    if (at + ((bytes + 0x7ff) & ~0x7ffu) > rom_top) {
        rom_top = at + ((bytes + 0x7ff) & ~0x7ffu);
    }
    return true;
}

/* Finds the x86 image for this device among those of its expansion ROM (PCI 2.1, 6.3.1). */
static bool place_pci(PciDevice *dev, u32 at)
{
    u32 size, offset = 0;
    bool done = false;

    if (!dev->rom) {
        return false;
    }
    pci_write32(dev->bdf, PCI_ROM_BAR, 0xfffffffeu);
    size = -(pci_read32(dev->bdf, PCI_ROM_BAR) & 0xfffff800u);
    pci_write32(dev->bdf, PCI_ROM_BAR, dev->rom | 1);
    while (offset + 0x200 <= size) {
        const u8 *image = (const u8 *)dev->rom + offset;
        const u8 *pcir = image + *(const u16 *)(image + 0x18);
        u32 length;

        if (image[0] != 0x55 || image[1] != 0xaa || (u32)(pcir - image) > size - offset - 0x18 ||
            memcmp(pcir, "PCIR", 4)) {
            break;
        }
        length = *(const u16 *)(pcir + 0x10) * 512u;
        if (pcir[0x14] == 0 && *(const u16 *)(pcir + 4) == dev->vendor && *(const u16 *)(pcir + 6) == dev->device) {
            done = place(image, at, size - offset);
            break;
        }
        if ((pcir[0x15] & 0x80) || !length) {
            break;
        }
        offset += length;
    }
    pci_write32(dev->bdf, PCI_ROM_BAR, dev->rom);
    return done;
}

static bool place_file(const FwFile *file, u32 at)
{
    u8 *scratch = (u8 *)0x110000;

    if (file->size < 512 || file->size > 0x20000) {
        return false;
    }
    fwcfg_read(file->select, scratch, file->size);
    return place(scratch, at, file->size);
}

static void add_rom(u32 at, u16 bdf)
{
    if (SHARED->roms < ARRAY_LEN(SHARED->rom_segment)) {
        SHARED->rom_segment[SHARED->roms] = at >> 4;
        SHARED->rom_bdf[SHARED->roms++] = bdf;
    }
}

void rom_init(void)
{
    FwFile file;

    for (u32 i = 0; i < pci_count; i++) {
        if (pci_devices[i].bdf == SHARED->vga_bdf && place_pci(&pci_devices[i], VGA_ROM)) {
            SHARED->has_vga_rom = 1;
        }
    }
    if (!SHARED->has_vga_rom && fwcfg_find_prefix("vgaroms/", 0, &file)) {
        SHARED->has_vga_rom = place_file(&file, VGA_ROM);
    }
    if (rom_top < 0xc8000) {
        rom_top = rom_top == VGA_ROM ? VGA_ROM : 0xc8000;
    }
    for (u32 i = 0; i < pci_count; i++) {
        u32 at = rom_top < 0xc8000 ? 0xc8000 : rom_top;

        if (pci_devices[i].bdf != SHARED->vga_bdf && place_pci(&pci_devices[i], at)) {
            add_rom(at, pci_devices[i].bdf);
        }
    }
    /* Kernels given to -kernel are booted by boot.c itself, and kvmvapic has no use without KVM. */
    for (u32 n = 0; fwcfg_find_prefix("genroms/", n, &file); n++) {
        u32 at = rom_top < 0xc8000 ? 0xc8000 : rom_top;

        if (!text_find(file.name, "linuxboot") && !text_find(file.name, "multiboot") &&
            !text_find(file.name, "pvh") && !text_find(file.name, "kvmvapic") && place_file(&file, at)) {
            add_rom(at, 0);
        }
    }
}

/*
 * The VGA as a PCI function: 1234:1111, the frame buffer in BAR0, and in BAR2 what modern drivers use instead of ports
 * (QEMU's standard-vga specification):
 *
 *     000..3ff  EDID
 *     400..41f  ports 3C0..3DF
 *     500..515  dispi registers, 16 bits each
 *     600       size of the extended registers in bytes, 604 byte order of the frame buffer
 */
#include "config.h"

#include "hw/vgastate.h"

enum {
    MMIO_SIZE = 0x1000,
    MMIO_PORTS = 0x400,
    MMIO_PORTS_END = 0x420,
    MMIO_DISPI = 0x500,
    MMIO_DISPI_END = MMIO_DISPI + 2 * VBE_COUNT,
    MMIO_EXT_SIZE = 0x600,
    MMIO_EXT_ENDIAN = 0x604,
    EXT_SIZE = 8,
    LITTLE_ENDIAN_FB = 0x1e1e1e1e,
};

static uint8_t mmio_read8(Vga *vga, unsigned offset)
{
    if (offset < EDID_SIZE)
        return vga->edid[offset];
    if (offset >= MMIO_PORTS && offset < MMIO_PORTS_END)
        return vga_port_read(vga, 0x3c0 + offset - MMIO_PORTS);
    if (offset >= MMIO_DISPI && offset < MMIO_DISPI_END)
        return (uint8_t)(vbe_read(vga, (offset - MMIO_DISPI) / 2) >> 8 * (offset & 1));
    if (offset >= MMIO_EXT_SIZE && offset < MMIO_EXT_SIZE + EXT_SIZE)
        return (uint8_t)((offset < MMIO_EXT_ENDIAN ? EXT_SIZE : LITTLE_ENDIAN_FB) >> 8 * (offset & 3));
    return 0;
}

static uint64_t mmio_read(void *opaque, uint64_t offset, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)mmio_read8(opaque, (unsigned)offset + i) << 8 * i;
    return value;
}

static void mmio_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Vga *vga = opaque;
    if (offset >= MMIO_PORTS && offset < MMIO_PORTS_END) {
        /* Bytes in order: one write can set an index and its register. */
        for (unsigned i = 0; i < size && offset + i < MMIO_PORTS_END; i++)
            vga_port_write(vga, 0x3c0 + (unsigned)offset + i - MMIO_PORTS, (uint8_t)(value >> 8 * i));
    } else if (offset >= MMIO_DISPI && offset < MMIO_DISPI_END && size > 1) {
        for (unsigned i = 0; i < size; i += 2)
            vbe_write(vga, ((unsigned)offset + i - MMIO_DISPI) / 2, (uint16_t)(value >> 8 * i));
    }
    /* The frame buffer is little endian for good: writes of the other order are ignored, as the read back tells. */
}

static const RegionOps mmio_ops = {mmio_read, mmio_write, 1, 4};

PciDevice *vga_pci_attach(Vga *vga, PciBus *bus, unsigned devfn, const void *rom, size_t rom_len)
{
    PciDevice *dev = pci_device_new(bus, devfn, "vga", &(PciId){0x1234, 0x1111, 2, 0x030000, 0, 0});
    vga->linear = pci_bar_ram(dev, 0, vga->vram_size, vga->vram, UINT64_MAX, true);
    region_set_watcher(vga->linear, vgamem_written, vga);
    pci_bar_mem(dev, 2, MMIO_SIZE, &mmio_ops, vga);
    if (rom)
        pci_rom(dev, rom, rom_len);
    return dev;
}

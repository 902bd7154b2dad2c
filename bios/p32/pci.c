/* PCI: find the functions of bus 0, give them addresses and interrupts, and set up the PIIX parts.
 *
 * I/O windows go up from C000h, memory windows down from FEC00000h, each list in the order that wastes least. */
#include "bios/p32/p32.h"

#define PCI_COMMAND   0x04
#define PCI_CLASS     0x0a
#define PCI_HEADER    0x0e
#define PCI_BAR0      0x10
#define PCI_ROM       0x30
#define PCI_INT_LINE  0x3c
#define PCI_INT_PIN   0x3d

#define PCI_IO_START  0xc000
#define PCI_MEM_END   0xfec00000u

#define PIIX_PIRQ     0x60      /* PIIX3 datasheet 2.3.12 PIRQRC */
#define ACPI_PM_BASE  0x600
#define SMBUS_BASE    0x700

PciDevice pci_devices[PCI_MAX_DEVICES];
u32 pci_count;

typedef struct Window {
    PciDevice *dev;
    u8 reg;
    bool io;
    u32 size;
} Window;

static Window windows[PCI_MAX_DEVICES * 7];
static u32 window_count;

/* Four PIRQs on two lines, as PIIX boards of this family have them. */
static const u8 pirq_line[4] = { 10, 10, 11, 11 };

static void size_windows(PciDevice *dev)
{
    u8 header = pci_read8(dev->bdf, PCI_HEADER) & 0x7f;
    int bars = header == 0 ? 6 : header == 1 ? 2 : 0;

    for (int i = 0; i < bars + 1; i++) {
        bool rom = i == bars;
        u8 reg = rom ? (header == 1 ? 0x38 : PCI_ROM) : PCI_BAR0 + 4 * i;
        u32 old = pci_read32(dev->bdf, reg), probe, mask;
        bool io;

        pci_write32(dev->bdf, reg, rom ? 0xfffffffeu : 0xffffffffu);
        probe = pci_read32(dev->bdf, reg);
        pci_write32(dev->bdf, reg, old);
        io = !rom && (probe & 1);
        mask = io ? 0xfffffffcu : rom ? 0xfffff800u : 0xfffffff0u;
        if (!(probe & mask)) {
            continue;
        }
        windows[window_count++] = (Window){ dev, reg, io, -((probe & mask) | (io ? 0xffff0000u : 0)) };
        if (!rom && !io && (probe & 6) == 4) {
            pci_write32(dev->bdf, reg + 4, 0);
            i++;
        }
    }
}

static void place_windows(void)
{
    u32 io = PCI_IO_START, mem = PCI_MEM_END;

    for (u32 i = 1; i < window_count; i++) {    /* by size, smallest first */
        Window w = windows[i];
        u32 j = i;

        for (; j && windows[j - 1].size > w.size; j--) {
            windows[j] = windows[j - 1];
        }
        windows[j] = w;
    }
    for (u32 i = window_count; i--;) {          /* I/O: largest first, upwards */
        Window *w = &windows[i];

        if (w->io && io + w->size <= 0x10000) {
            pci_write32(w->dev->bdf, w->reg, io);
            io += w->size;
        }
    }
    for (u32 i = 0; i < window_count; i++) {    /* memory: smallest first, downwards */
        Window *w = &windows[i];
        u32 at = (mem - w->size) & -w->size;

        if (w->io || at > mem || at < SHARED->low_ram) {
            continue;
        }
        mem = at;
        pci_write32(w->dev->bdf, w->reg, at);
        if (w->reg == PCI_ROM) {
            w->dev->rom = at;
        }
    }
}

static void setup_piix(PciDevice *dev)
{
    switch ((u32)dev->vendor << 16 | dev->device) {
    case 0x80867000:            /* PIIX3 ISA bridge */
    case 0x80867110:
        for (int i = 0; i < 4; i++) {
            pci_write8(dev->bdf, PIIX_PIRQ + i, pirq_line[i]);
        }
        outb(0x4d0, 0x00);      /* ELCR: the PIRQ lines are level-triggered */
        outb(0x4d1, 0x0c);
        break;
    case 0x80867010:            /* PIIX3 IDE: decode both channels (datasheet 2.4, IDETIM) */
    case 0x80867111:
        SHARED->ide_bdf = dev->bdf;
        pci_write16(dev->bdf, 0x40, 0x8000);
        pci_write16(dev->bdf, 0x42, 0x8000);
        break;
    case 0x80867113:            /* PIIX4 power management: SCI on 9, PM and SMBus I/O */
        dev->line = 9;
        pci_write8(dev->bdf, PCI_INT_LINE, 9);
        pci_write32(dev->bdf, 0x40, ACPI_PM_BASE | 1);
        pci_write8(dev->bdf, 0x80, 1);
        pci_write32(dev->bdf, 0x90, SMBUS_BASE | 1);
        pci_write8(dev->bdf, 0xd2, 0x09);
        SHARED->pm_base = ACPI_PM_BASE;
        break;
    }
}

void pci_init(void)
{
    SHARED->vga_bdf = 0xffff;
    SHARED->ide_bdf = 0xffff;
    for (u32 bdf = 0; bdf < 256 && pci_count < PCI_MAX_DEVICES; bdf++) {
        u32 id = pci_read32(bdf, 0);
        PciDevice *dev = &pci_devices[pci_count];

        if (id == 0xffffffff || id == 0 || (id & 0xffff) == 0xffff) {
            if (!(bdf & 7)) {
                bdf |= 7;       /* no function 0, no device */
            }
            continue;
        }
        dev->bdf = bdf;
        dev->vendor = id;
        dev->device = id >> 16;
        dev->class = pci_read16(bdf, PCI_CLASS);
        dev->pin = pci_read8(bdf, PCI_INT_PIN);
        dev->line = 0xff;
        dev->rom = 0;
        pci_count++;
        if (dev->class == 0x0300 && SHARED->vga_bdf == 0xffff) {
            SHARED->vga_bdf = bdf;
        }
        if (dev->class != 0x0600) {
            size_windows(dev);
        }
        if (dev->pin) {
            dev->line = pirq_line[(dev->pin - 1 + (bdf >> 3) - 1) & 3];
            pci_write8(bdf, PCI_INT_LINE, dev->line);
        }
        if (!(bdf & 7) && !(pci_read8(bdf, PCI_HEADER) & 0x80)) {
            bdf |= 7;
        }
    }
    place_windows();
    for (u32 i = 0; i < pci_count; i++) {
        PciDevice *dev = &pci_devices[i];

        setup_piix(dev);
        pci_write16(dev->bdf, PCI_COMMAND, pci_read16(dev->bdf, PCI_COMMAND) | 3);
    }
}

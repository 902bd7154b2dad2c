/*
 * The PIIX3's IDE function (82371SB datasheet 2.2, function 1). Always in the compatibility mode: ports and
 * interrupts are those of the AT.
 */
#include "hw/piix_ide.h"

#include "hw/bmdma.h"

#define PIIX_IDETIM 0x40 /* a timing register per channel, two bytes each; */
#define PIIX_SIDETIM 0x44
#define IDETIM_DECODE 0x80 /* in the upper byte: the channel's ports are enabled */

struct PiixIde {
    PciDevice *pci;
    IdeChannel *channel[2];
    Bmdma *master[2];
};

static uint64_t bm_read(void *opaque, uint64_t offset, unsigned size)
{
    PiixIde *ide = opaque;

    return bmdma_read(ide->master[offset >> 3 & 1], offset & 7, size);
}

static void bm_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    PiixIde *ide = opaque;

    bmdma_write(ide->master[offset >> 3 & 1], offset & 7, value, size);
}

static const RegionOps bm_ops = {bm_read, bm_write, 1, 4};

/*
 * The timing registers only remember, with one exception to the datasheet: the decode bits are set from the start, so
 * that a kernel that is loaded without a BIOS finds its disks (Linux skips a channel whose bit is clear).
 */
static void piix_ide_reset_config(PiixIde *ide)
{
    uint8_t *c = ide->pci->config;

    c[PIIX_IDETIM] = c[PIIX_IDETIM + 2] = c[PIIX_SIDETIM] = 0;
    c[PIIX_IDETIM + 1] = c[PIIX_IDETIM + 3] = IDETIM_DECODE;
}

void piix_ide_reset(PiixIde *ide)
{
    piix_ide_reset_config(ide);
    for (int i = 0; i < 2; i++) {
        ide_channel_reset(ide->channel[i]);
        bmdma_reset(ide->master[i]);
    }
}

PiixIde *piix_ide_new(PciBus *bus, unsigned devfn, Bus *io, IrqLine irq14, IrqLine irq15)
{
    PiixIde *ide = g_new0(PiixIde, 1);

    ide->pci = pci_device_new(bus, devfn, "piix-ide", &(PciId){0x8086, 0x7010, 0, 0x010180, 0, 0});
    ide->pci->config[PCI_STATUS] = PCI_STATUS_FAST_BACK;
    ide->pci->config[PCI_STATUS + 1] = PCI_STATUS_DEVSEL_MEDIUM >> 8;
    for (unsigned i = PIIX_IDETIM; i <= PIIX_SIDETIM; i++)
        ide->pci->wmask[i] = 0xff;
    ide->channel[0] = ide_channel_new(io, 0x1f0, 0x3f6, irq14);
    ide->channel[1] = ide_channel_new(io, 0x170, 0x376, irq15);
    for (int i = 0; i < 2; i++)
        ide->master[i] = bmdma_new(ide->pci, ide->channel[i]);
    pci_bar_io(ide->pci, 4, 16, &bm_ops, ide);
    piix_ide_reset_config(ide);
    return ide;
}

void piix_ide_free(PiixIde *ide)
{
    if (!ide)
        return;
    for (int i = 0; i < 2; i++) {
        ide_channel_free(ide->channel[i]);
        bmdma_free(ide->master[i]);
    }
    g_free(ide);
}

IdeChannel *piix_ide_channel(PiixIde *ide, unsigned n)
{
    g_assert(n < 2);
    return ide->channel[n];
}

/*
 * The PIIX3 ISA bridge.
 *
 * PIRQRC[A:D] at 0x60 to 0x63 route the four PCI interrupts: bit 7 disconnects, the low four bits name the IRQ
 * (82371SB datasheet, 2.2.13). The PIC's ELCR makes those inputs level-triggered; that register is the PIC's own
 * here. The reset control register (2.5.6.1) is a byte port inside the configuration address dword, 0xcf9.
 */
#include "hw/piix3.h"

#include <string.h>

#define PIIX3_PIRQRC 0x60
#define PIRQRC_DISABLE 0x80

#define RCR_HARD 0x02 /* remembered: a hard reset rather than INIT */
#define RCR_RESET 0x04

/* The IRQs that the chip can route to; the others are ISA's own. */
#define PIRQ_ROUTABLE 0xdef8

struct Piix3 {
    PciDevice *pci;
    IrqLine isa[16];
    bool pirq[4]; /* levels on the PCI side */
    uint8_t rcr;
    IrqLine reset;
};

static void piix3_update(Piix3 *p)
{
    uint16_t pulled = 0;
    for (unsigned n = 0; n < 4; n++) {
        uint8_t route = p->pci->config[PIIX3_PIRQRC + n];
        if (p->pirq[n] && !(route & PIRQRC_DISABLE))
            pulled |= 1 << (route & 15);
    }
    pulled &= PIRQ_ROUTABLE;
    for (unsigned irq = 0; irq < 16; irq++)
        irqline_set(&p->isa[irq], pulled >> irq & 1);
}

static void piix3_set_pirq(void *opaque, int n, bool level)
{
    Piix3 *p = opaque;
    p->pirq[n] = level;
    piix3_update(p);
}

static void piix3_written(void *opaque, unsigned offset, unsigned size)
{
    piix3_update(opaque);
}

static uint8_t rcr_read(void *opaque)
{
    Piix3 *p = opaque;
    return p->rcr;
}

static void rcr_write(void *opaque, uint8_t value)
{
    Piix3 *p = opaque;
    p->rcr = value & RCR_HARD;
    if (value & RCR_RESET)
        irqline_pulse(&p->reset);
}

void piix3_reset(Piix3 *p)
{
    static const struct {
        uint8_t offset, value;
    } initial[] = {
        { PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER },
        { PCI_STATUS + 1, 0x02 }, /* medium DEVSEL timing */
        { 0x4c, 0x4d },           /* ISA I/O recovery */
        { 0x4e, 0x03 },           /* X-bus chip selects: keyboard, RTC */
        { 0x60, PIRQRC_DISABLE }, { 0x61, PIRQRC_DISABLE }, { 0x62, PIRQRC_DISABLE }, { 0x63, PIRQRC_DISABLE },
        { 0x69, 0x02 },           /* top of memory */
        { 0x70, 0x80 },           /* motherboard IRQ off */
        { 0x76, 0x0c }, { 0x77, 0x0c }, /* motherboard DMA off */
        { 0x78, 0x02 },           /* programmable chip select */
        { 0xa0, 0x08 },           /* SMI control */
        { 0xa8, 0x0f },           /* clock throttle */
    };
    memset(p->pci->config + 0x40, 0, 0x100 - 0x40);
    for (unsigned i = 0; i < G_N_ELEMENTS(initial); i++)
        p->pci->config[initial[i].offset] = initial[i].value;
    p->rcr = 0;
    piix3_update(p);
}

Piix3 *piix3_new(PciBus *bus, Gsi *gsi, IrqLine reset)
{
    Piix3 *p = g_new0(Piix3, 1);
    p->reset = reset;
    p->pci = pci_device_new(bus, PCI_DEVFN(1, 0), "PIIX3", &(PciId){ 0x8086, 0x7000, 0, 0x060100, 0, 0 });
    p->pci->config[PCI_HEADER_TYPE] |= PCI_HEADER_MULTIFUNCTION;
    memset(p->pci->wmask + 0x40, 0xff, 0x100 - 0x40);
    p->pci->written = piix3_written;
    p->pci->opaque = p;
    for (unsigned irq = 0; irq < 16; irq++) {
        if (PIRQ_ROUTABLE >> irq & 1)
            p->isa[irq] = gsi_line(gsi, irq);
    }
    for (int n = 0; n < 4; n++)
        pci_bus_set_pirq(bus, n, (IrqLine){ .set = piix3_set_pirq, .opaque = p, .n = n });
    pci_bus_set_reset_port(bus, (PciHostByte){ .read = rcr_read, .write = rcr_write, .opaque = p });
    piix3_reset(p);
    return p;
}

void piix3_free(Piix3 *p)
{
    g_free(p);
}

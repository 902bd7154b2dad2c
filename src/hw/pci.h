/*
 * The PCI bus: configuration space, base address registers, interrupt pins, bus mastering.
 *
 * A device file makes its PciDevice with pci_device_new(), says what lies behind its BARs, and from then on only
 * looks at config[] and drives its INTA# with pci_set_irq(). The bus maps and moves BARs as the guest programs
 * them.
 *
 *     PciDevice *dev = pci_device_new(bus, PCI_DEVFN(2, 0), "vga", &(PciId){ 0x1234, 0x1111, 2, 0x030000, 0, 0 });
 *     pci_bar_ram(dev, 0, 16 << 20, vram, offset, true);
 *     pci_bar_mem(dev, 2, 4096, &mmio_ops, vga);
 *     pci_rom(dev, bytes, length);
 *
 * All calls with the machine lock held.
 */
#pragma once

#include "irqline.h"
#include "softmmu/region.h"

typedef struct PciBus PciBus;
typedef struct PciDevice PciDevice;

#define PCI_DEVFN(slot, fn) ((slot) << 3 | (fn))

/* Offsets in configuration space (PCI Local Bus Specification 2.2, 6.1). */
enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION_ID = 0x08,
    PCI_CLASS_PROG = 0x09,
    PCI_CLASS_DEVICE = 0x0a,
    PCI_CACHE_LINE_SIZE = 0x0c,
    PCI_LATENCY_TIMER = 0x0d,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR_ID = 0x2c,
    PCI_SUBSYSTEM_ID = 0x2e,
    PCI_ROM_ADDRESS = 0x30,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
};

enum {
    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_COMMAND_SERR = 1 << 8,
    PCI_COMMAND_INTX_DISABLE = 1 << 10,
    PCI_STATUS_INTERRUPT = 1 << 3,
    PCI_STATUS_FAST_BACK = 1 << 7,
    PCI_STATUS_DEVSEL_MEDIUM = 1 << 9,
    PCI_HEADER_MULTIFUNCTION = 0x80,
};

typedef struct PciId {
    uint16_t vendor, device;
    uint8_t revision;
    uint32_t class_code; /* base class, subclass, programming interface: 0x030000 is VGA */
    uint16_t subvendor, subdevice; /* 0, 0: the bus fills in what QEMU's devices show, 1af4:1100 */
} PciId;

#define PCI_BARS 7 /* 0..5, and the expansion ROM */
#define PCI_BAR_ROM 6

typedef struct PciBar {
    Region *region; /* NULL: not implemented */
    Bus *bus;       /* where the region lives */
    uint32_t size;  /* power of two */
} PciBar;

struct PciDevice {
    const char *name;
    PciBus *bus;
    unsigned devfn;
    /*
     * What the guest reads. wmask has the bits that it may set and clear, w1c those that a written 1 clears. The
     * standard header is set up by pci_device_new(); the registers from 0x40 are read-only until the device opens
     * them.
     */
    uint8_t config[256], wmask[256], w1c[256];
    PciBar bar[PCI_BARS];
    Hva rom; /* the expansion ROM's bytes; owned */
    bool irq; /* level of INTx as the device drives it */
    /* Called after a guest write of size bytes at offset has been stored. Optional. */
    void (*written)(void *opaque, unsigned offset, unsigned size);
    void *opaque;
};

/* Registers that share the address register's dword but answer to bytes only: the PIIX3's reset control at 0xcf9. */
typedef struct PciHostByte {
    uint8_t (*read)(void *opaque);
    void (*write)(void *opaque, uint8_t value);
    void *opaque;
} PciHostByte;

/* Put configuration mechanism #1 (0xcf8, 0xcfc) on io; BARs will appear on io and mem. */
PciBus *pci_bus_new(Bus *io, Bus *mem);
/* Frees the devices' PciDevice too. Regions belong to their Bus. */
void pci_bus_free(PciBus *bus);
/*
 * RST#: commands cleared, BARs unmapped, interrupt lines 0, pins low. Device registers are the devices' own matter.
 */
void pci_bus_reset(PciBus *bus);
/* Where the four PIRQ lines go (the ISA bridge's inputs). */
void pci_bus_set_pirq(PciBus *bus, unsigned n, IrqLine line);
/* Who answers byte accesses at 0xcf9. */
void pci_bus_set_reset_port(PciBus *bus, PciHostByte port);
/* The device at devfn, or NULL. */
PciDevice *pci_bus_device(PciBus *bus, unsigned devfn);
/* What kind of device it is, in words; to be freed. */
char *pci_class_name(const PciDevice *dev);
/* Print the devices, as `info pci` shows them. */
void pci_bus_print(PciBus *bus, GString *out);

/*
 * Add a device at a free devfn. It belongs to the bus. A device that interrupts sets config[PCI_INTERRUPT_PIN] to 1
 * (INTA#).
 */
PciDevice *pci_device_new(PciBus *bus, unsigned devfn, const char *name, const PciId *id);

/* Give BAR n (0..5) something to show. size is a power of two: I/O 4..256, memory 16 up; RAM is page aligned. */
Region *pci_bar_io(PciDevice *dev, unsigned n, uint32_t size, const RegionOps *ops, void *opaque);
Region *pci_bar_mem(PciDevice *dev, unsigned n, uint32_t size, const RegionOps *ops, void *opaque);
/* Memory that is read and written directly; ram_offset as for bus_add_ram(). */
Region *pci_bar_ram(PciDevice *dev, unsigned n, uint32_t size, Hva host, uint64_t ram_offset, bool prefetchable);
/* The expansion ROM: a copy of len bytes, padded with 0xff to a power of two. */
Region *pci_rom(PciDevice *dev, const void *bytes, size_t len);
/* Where BAR n is mapped now; UINT64_MAX when it isn't. */
uint64_t pci_bar_address(const PciDevice *dev, unsigned n);

/* Drive the device's interrupt pin (level). Masked while the guest has INTx disabled. */
void pci_set_irq(PciDevice *dev, bool level);
/* The same as a wire. */
IrqLine pci_irqline(PciDevice *dev);

/* Bus-master transfers. False, and nothing moved (reads give 0xff), while the guest has bus mastering off. */
bool pci_dma_read(PciDevice *dev, Gpa addr, void *buf, uint64_t len);
bool pci_dma_write(PciDevice *dev, Gpa addr, const void *buf, uint64_t len);

/* Little-endian access to config[], for the device itself: no masks, no callbacks. */
static inline uint16_t pci_get16(const PciDevice *dev, unsigned offset)
{
    return dev->config[offset] | dev->config[offset + 1] << 8;
}

static inline uint32_t pci_get32(const PciDevice *dev, unsigned offset)
{
    return pci_get16(dev, offset) | (uint32_t)pci_get16(dev, offset + 2) << 16;
}

static inline void pci_put16(uint8_t *space, unsigned offset, uint16_t value)
{
    space[offset] = (uint8_t)value;
    space[offset + 1] = (uint8_t)(value >> 8);
}

static inline void pci_put32(uint8_t *space, unsigned offset, uint32_t value)
{
    pci_put16(space, offset, (uint16_t)value);
    pci_put16(space, offset + 2, (uint16_t)(value >> 16));
}

/* What the guest does through 0xcfc, for our own use and for tests: size 1, 2 or 4, inside the dword. */
uint32_t pci_config_read(PciDevice *dev, unsigned offset, unsigned size);
void pci_config_write(PciDevice *dev, unsigned offset, uint32_t value, unsigned size);

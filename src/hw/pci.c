/*
 * The PCI bus.
 *
 * One bus, 32 slots of 8 functions. The guest selects a register with a dword at 0xcf8 and moves it through 0xcfc
 * (PCI Local Bus Specification 2.2, 3.2.2.3.2, "configuration mechanism #1"). A BAR is a Region that the bus moves
 * about: hidden at first, shown where the register says while the command register lets it decode.
 *
 * Memory BARs have a lower priority than the board's RAM and ROM, as the host bridge claims those itself; I/O BARs
 * have a higher one than ISA ports, which only get what no PCI device wants (subtractive decode).
 */
#include "hw/pci.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PCI_CONFIG_ADDRESS 0xcf8
#define PCI_CONFIG_DATA 0xcfc
#define PCI_ENABLE 0x80000000u
/* Bits of the address register that exist: enable, bus, device, function, register. */
#define PCI_ADDRESS_MASK 0x80fffffcu

#define PCI_BAR_IS_IO 1u
#define PCI_BAR_PREFETCH 8u
#define PCI_ROM_ENABLE 1u

enum { PRIORITY_BAR_MEM = -1, PRIORITY_BAR_IO = 1, PRIORITY_HOST = 2 };

struct PciBus {
    Bus *io, *mem;
    PciDevice *device[256];
    uint32_t address; /* 0xcf8 */
    IrqLine pirq[4];
    unsigned asserted[4]; /* devices that drive each PIRQ */
    PciHostByte reset_port;
};

/* BARs */

static unsigned bar_offset(unsigned n)
{
    return n == PCI_BAR_ROM ? PCI_ROM_ADDRESS : PCI_BAR0 + 4 * n;
}

uint64_t pci_bar_address(const PciDevice *dev, unsigned n)
{
    const PciBar *bar = &dev->bar[n];
    if (!bar->region)
        return UINT64_MAX;
    uint32_t reg = pci_get32(dev, bar_offset(n));
    uint16_t command = pci_get16(dev, PCI_COMMAND);
    bool io = bar->bus == dev->bus->io;
    if (!(command & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
        return UINT64_MAX;
    if (n == PCI_BAR_ROM && !(reg & PCI_ROM_ENABLE))
        return UINT64_MAX;
    uint64_t start = reg & ~(bar->size - 1);
    uint64_t last = start + bar->size - 1;
    /* 0 means "not assigned"; all ones are there only while the guest asks for the size. */
    if (start == 0 || last >= (io ? 0xffff : 0xffffffff))
        return UINT64_MAX;
    return start;
}

static void pci_map_bars(PciDevice *dev)
{
    for (unsigned n = 0; n < PCI_BARS; n++) {
        PciBar *bar = &dev->bar[n];
        if (!bar->region)
            continue;
        uint64_t start = pci_bar_address(dev, n);
        bus_begin(bar->bus);
        if (start != UINT64_MAX)
            region_move(bar->bus, bar->region, start);
        region_set_enabled(bar->bus, bar->region, start != UINT64_MAX);
        bus_commit(bar->bus);
    }
}

static Region *pci_bar_add(PciDevice *dev, unsigned n, Bus *bus, Region *region, uint32_t size, uint32_t flags)
{
    g_assert(n < PCI_BARS && !dev->bar[n].region);
    g_assert(size >= 4 && !(size & (size - 1)));
    unsigned offset = bar_offset(n);
    region_set_enabled(bus, region, false);
    dev->bar[n] = (PciBar){ .region = region, .bus = bus, .size = size };
    pci_put32(dev->config, offset, flags);
    /* The low bits tell the kind; in the ROM BAR bit 0 is the enable. */
    pci_put32(dev->wmask, offset, ~(size - 1) | (n == PCI_BAR_ROM ? PCI_ROM_ENABLE : 0));
    return region;
}

Region *pci_bar_io(PciDevice *dev, unsigned n, uint32_t size, const RegionOps *ops, void *opaque)
{
    Bus *bus = dev->bus->io;
    g_assert(size <= 256);
    Region *region = bus_add_io(bus, dev->name, 0, size, ops, opaque, PRIORITY_BAR_IO);
    return pci_bar_add(dev, n, bus, region, size, PCI_BAR_IS_IO);
}

Region *pci_bar_mem(PciDevice *dev, unsigned n, uint32_t size, const RegionOps *ops, void *opaque)
{
    Bus *bus = dev->bus->mem;
    return pci_bar_add(dev, n, bus, bus_add_io(bus, dev->name, 0, size, ops, opaque, PRIORITY_BAR_MEM), size, 0);
}

Region *pci_bar_ram(PciDevice *dev, unsigned n, uint32_t size, Hva host, uint64_t ram_offset, bool prefetchable)
{
    Bus *bus = dev->bus->mem;
    return pci_bar_add(dev, n, bus, bus_add_ram(bus, dev->name, 0, size, host, ram_offset, PRIORITY_BAR_MEM), size,
                       prefetchable ? PCI_BAR_PREFETCH : 0);
}

Region *pci_rom(PciDevice *dev, const void *bytes, size_t len)
{
    Bus *bus = dev->bus->mem;
    uint32_t size = 4096;
    g_assert(len > 0 && len <= 16 << 20);
    while (size < len)
        size *= 2;
    dev->rom = aligned_alloc(4096, size);
    g_assert(dev->rom);
    memset(dev->rom, 0xff, size);
    memcpy(dev->rom, bytes, len);
    Region *region = bus_add_rom(bus, dev->name, 0, size, dev->rom, PRIORITY_BAR_MEM);
    return pci_bar_add(dev, PCI_BAR_ROM, bus, region, size, 0);
}

/* Interrupt pins */

/* The wire that the pin is soldered to: slots take the four lines in turn, as on the 440FX reference board. */
static unsigned pci_pirq(const PciDevice *dev)
{
    unsigned slot = dev->devfn >> 3;
    unsigned pin = dev->config[PCI_INTERRUPT_PIN] - 1;
    return (slot - 1 + pin) & 3;
}

static bool pci_irq_on_wire(const PciDevice *dev)
{
    return dev->irq && !(pci_get16(dev, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
}

static void pci_irq_changed(PciDevice *dev, bool was)
{
    PciBus *bus = dev->bus;
    bool is = pci_irq_on_wire(dev);
    if (is == was)
        return;
    unsigned n = pci_pirq(dev);
    bus->asserted[n] += is ? 1 : -1;
    if (bus->asserted[n] == (is ? 1 : 0))
        irqline_set(&bus->pirq[n], is);
}

void pci_set_irq(PciDevice *dev, bool level)
{
    bool was = pci_irq_on_wire(dev);
    dev->irq = level;
    /* PCI 2.3, 6.2.3: interrupt status shows the device's state, whether INTx is disabled or not */
    if (level)
        dev->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
    else
        dev->config[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
    pci_irq_changed(dev, was);
}

static void pci_line_set(void *opaque, int n, bool level)
{
    pci_set_irq(opaque, level);
}

IrqLine pci_irqline(PciDevice *dev)
{
    return (IrqLine){ .set = pci_line_set, .opaque = dev, .n = 0 };
}

/* Bus mastering */

bool pci_dma_read(PciDevice *dev, Gpa addr, void *buf, uint64_t len)
{
    if (!(pci_get16(dev, PCI_COMMAND) & PCI_COMMAND_MASTER)) {
        memset(buf, 0xff, len);
        return false;
    }
    bus_dma_read(dev->bus->mem, addr, buf, len);
    return true;
}

bool pci_dma_write(PciDevice *dev, Gpa addr, const void *buf, uint64_t len)
{
    if (!(pci_get16(dev, PCI_COMMAND) & PCI_COMMAND_MASTER))
        return false;
    bus_dma_write(dev->bus->mem, addr, buf, len);
    return true;
}

/* Configuration space */

uint32_t pci_config_read(PciDevice *dev, unsigned offset, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)dev->config[(offset + i) & 0xff] << 8 * i;
    return value;
}

static bool overlaps(unsigned offset, unsigned size, unsigned reg, unsigned reg_size)
{
    return offset < reg + reg_size && reg < offset + size;
}

void pci_config_write(PciDevice *dev, unsigned offset, uint32_t value, unsigned size)
{
    bool irq = pci_irq_on_wire(dev);
    for (unsigned i = 0; i < size; i++) {
        unsigned at = (offset + i) & 0xff;
        uint8_t byte = (uint8_t)(value >> 8 * i);
        dev->config[at] = (dev->config[at] & ~dev->wmask[at]) | (byte & dev->wmask[at]);
        dev->config[at] &= ~(byte & dev->w1c[at]);
    }
    pci_irq_changed(dev, irq);
    if (overlaps(offset, size, PCI_COMMAND, 2) || overlaps(offset, size, PCI_BAR0, 24) ||
        overlaps(offset, size, PCI_ROM_ADDRESS, 4))
        pci_map_bars(dev);
    if (dev->written)
        dev->written(dev->opaque, offset, size);
}

/* The ports */

static uint64_t address_read(void *opaque, uint64_t offset, unsigned size)
{
    PciBus *bus = opaque;
    if (offset == 0 && size == 4)
        return bus->address;
    if (offset == 1 && size == 1 && bus->reset_port.read)
        return bus->reset_port.read(bus->reset_port.opaque);
    return UINT64_MAX;
}

/* Only a dword reaches the address register; anything else passes on to the bus (82441FX, 3.1.1). */
static void address_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    PciBus *bus = opaque;
    if (offset == 0 && size == 4)
        bus->address = (uint32_t)value & PCI_ADDRESS_MASK;
    else if (offset == 1 && size == 1 && bus->reset_port.write)
        bus->reset_port.write(bus->reset_port.opaque, (uint8_t)value);
}

static PciDevice *pci_selected(PciBus *bus)
{
    if (!(bus->address & PCI_ENABLE) || (bus->address >> 16 & 0xff) != 0)
        return NULL;
    return bus->device[bus->address >> 8 & 0xff];
}

static uint64_t data_read(void *opaque, uint64_t offset, unsigned size)
{
    PciBus *bus = opaque;
    PciDevice *dev = pci_selected(bus);
    if (!dev)
        return UINT64_MAX; /* master abort reads as ones */
    return pci_config_read(dev, (bus->address & 0xfc) + (unsigned)offset, size);
}

static void data_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    PciBus *bus = opaque;
    PciDevice *dev = pci_selected(bus);
    if (dev)
        pci_config_write(dev, (bus->address & 0xfc) + (unsigned)offset, (uint32_t)value, size);
}

static const RegionOps pci_address_ops = { address_read, address_write, .min_size = 1, .max_size = 4 };
static const RegionOps pci_data_ops = { data_read, data_write, .min_size = 1, .max_size = 4 };

/* Reset, create */

void pci_bus_reset(PciBus *bus)
{
    bus->address = 0;
    bus_begin(bus->io);
    bus_begin(bus->mem);
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        PciDevice *dev = bus->device[devfn];
        if (!dev)
            continue;
        if (dev->config[PCI_INTERRUPT_PIN])
            pci_set_irq(dev, false);
        dev->config[PCI_COMMAND] &= ~dev->wmask[PCI_COMMAND];
        dev->config[PCI_COMMAND + 1] &= ~dev->wmask[PCI_COMMAND + 1];
        dev->config[PCI_INTERRUPT_LINE] = 0;
        dev->config[PCI_CACHE_LINE_SIZE] = 0;
        for (unsigned n = 0; n < PCI_BARS; n++) {
            unsigned at = bar_offset(n);
            for (unsigned i = 0; i < 4 && dev->bar[n].region; i++)
                dev->config[at + i] &= ~dev->wmask[at + i];
        }
        pci_map_bars(dev);
    }
    bus_commit(bus->mem);
    bus_commit(bus->io);
}

PciBus *pci_bus_new(Bus *io, Bus *mem)
{
    PciBus *bus = g_new0(PciBus, 1);
    bus->io = io;
    bus->mem = mem;
    bus_add_io(io, "pci-config-address", PCI_CONFIG_ADDRESS, 4, &pci_address_ops, bus, PRIORITY_HOST);
    bus_add_io(io, "pci-config-data", PCI_CONFIG_DATA, 4, &pci_data_ops, bus, PRIORITY_HOST);
    return bus;
}

void pci_bus_free(PciBus *bus)
{
    if (!bus)
        return;
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        if (bus->device[devfn])
            free(bus->device[devfn]->rom);
        g_free(bus->device[devfn]);
    }
    g_free(bus);
}

void pci_bus_set_pirq(PciBus *bus, unsigned n, IrqLine line)
{
    g_assert(n < 4);
    bus->pirq[n] = line;
}

void pci_bus_set_reset_port(PciBus *bus, PciHostByte port)
{
    bus->reset_port = port;
}

PciDevice *pci_bus_device(PciBus *bus, unsigned devfn)
{
    return devfn < 256 ? bus->device[devfn] : NULL;
}

PciDevice *pci_device_new(PciBus *bus, unsigned devfn, const char *name, const PciId *id)
{
    g_assert(devfn < 256 && !bus->device[devfn]);
    PciDevice *dev = g_new0(PciDevice, 1);
    dev->name = name;
    dev->bus = bus;
    dev->devfn = devfn;
    pci_put16(dev->config, PCI_VENDOR_ID, id->vendor);
    pci_put16(dev->config, PCI_DEVICE_ID, id->device);
    pci_put32(dev->config, PCI_REVISION_ID, id->class_code << 8 | id->revision);
    bool named = id->subvendor || id->subdevice;
    pci_put16(dev->config, PCI_SUBSYSTEM_VENDOR_ID, named ? id->subvendor : 0x1af4);
    pci_put16(dev->config, PCI_SUBSYSTEM_ID, named ? id->subdevice : 0x1100);
    pci_put16(dev->wmask, PCI_COMMAND,
              PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
    dev->wmask[PCI_CACHE_LINE_SIZE] = 0xff;
    dev->wmask[PCI_INTERRUPT_LINE] = 0xff;
    bus->device[devfn] = dev;
    /* Function 0 says that there are others; guests look no further otherwise. */
    PciDevice *first = bus->device[devfn & ~7u];
    for (unsigned fn = 1; fn < 8 && first; fn++) {
        if (bus->device[(devfn & ~7u) | fn])
            first->config[PCI_HEADER_TYPE] |= PCI_HEADER_MULTIFUNCTION;
    }
    return dev;
}

char *pci_class_name(const PciDevice *dev)
{
    static const struct {
        uint16_t class;
        const char *name;
    } names[] = {
        { 0x0101, "IDE controller" },  { 0x0200, "Ethernet controller" }, { 0x0300, "VGA controller" },
        { 0x0401, "Audio controller" }, { 0x0600, "Host bridge" },        { 0x0601, "ISA bridge" },
        { 0x0680, "Bridge" },
    };
    unsigned class = pci_get16(dev, PCI_CLASS_DEVICE);

    for (unsigned n = 0; n < G_N_ELEMENTS(names); n++)
        if (names[n].class == class)
            return g_strdup(names[n].name);
    return g_strdup_printf("Class %04x", class);
}

static void bar_print(const PciDevice *dev, unsigned n, GString *out)
{
    const PciBar *bar = &dev->bar[n];
    uint64_t start = pci_bar_address(dev, n); /* all ones while it isn't mapped, and so shown, as QEMU does */
    uint64_t last = start + bar->size - 1;

    if (bar->bus == dev->bus->io)
        g_string_append_printf(out, "      BAR%u: I/O at 0x%04" PRIx64 " [0x%04" PRIx64 "].\n", n, start, last);
    else
        g_string_append_printf(out, "      BAR%u: 32 bit%s memory at 0x%08" PRIx64 " [0x%08" PRIx64 "].\n", n,
                               n != PCI_BAR_ROM && (dev->config[PCI_BAR0 + 4 * n] & 8) ? " prefetchable" : "", start,
                               last);
}

void pci_bus_print(PciBus *bus, GString *out)
{
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        PciDevice *dev = bus->device[devfn];
        if (!dev)
            continue;
        char *class = pci_class_name(dev);
        g_string_append_printf(out, "  Bus  0, device %3u, function %u:\n    %s: PCI device %04x:%04x\n"
                                    "      PCI subsystem %04x:%04x\n",
                               devfn >> 3, devfn & 7, class, pci_get16(dev, PCI_VENDOR_ID), pci_get16(dev, PCI_DEVICE_ID),
                               pci_get16(dev, PCI_SUBSYSTEM_VENDOR_ID), pci_get16(dev, PCI_SUBSYSTEM_ID));
        g_free(class);
        if (dev->config[PCI_INTERRUPT_PIN])
            g_string_append_printf(out, "      IRQ %u, pin %c\n", dev->config[PCI_INTERRUPT_LINE],
                                   'A' + dev->config[PCI_INTERRUPT_PIN] - 1);
        for (unsigned n = 0; n < PCI_BARS; n++)
            if (dev->bar[n].region)
                bar_print(dev, n, out);
        g_string_append(out, "      id \"\"\n");
    }
}

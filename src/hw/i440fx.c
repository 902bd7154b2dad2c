/*
 * The 440FX host bridge.
 *
 * Thirteen segments between 0xc0000 and 0xfffff each have a read and a write bit (82441FX datasheet, 3.2.12, PAM
 * registers): reads go to RAM or to the bus (the BIOS ROM), writes likewise. A BIOS copies itself by reading the
 * bus and writing RAM, then makes the RAM read-only. Here each segment is a RAM region over the bus's view:
 *
 *     read  write
 *      0     0     the RAM is hidden
 *      0     1     the RAM is hidden; what lies below passes writes on to it
 *      1     0     the RAM shows, as ROM
 *      1     1     the RAM shows
 *
 * The SMRAM register opens the RAM behind the VGA window at 0xa0000. There is no system management mode, so
 * "closed" and "only in SMM" are the same.
 */
#include "hw/i440fx.h"

#include <string.h>

#define I440FX_PAM0 0x59
#define I440FX_SMRAM 0x72

#define PAM_READ 1u
#define PAM_WRITE 2u

#define SMRAM_OPEN 0x40
#define SMRAM_LOCK 0x10
#define SMRAM_ENABLE 0x08
#define SMRAM_BASE 0x02 /* read-only: 0xa0000 */

#define PAM_SEGMENTS 13
#define PAM_START 0xc0000u
#define BIOS_START 0xe0000u

enum { PRIORITY_PAM = 1, PRIORITY_SMRAM = 16 };

struct I440fx {
    PciDevice *pci;
    Bus *mem;
    Ram *ram;
    Hva bios;
    Region *pam[PAM_SEGMENTS];
    Region *smram;
};

/* Segment 0 is the 64 KiB at 0xf0000, the other twelve are 16 KiB each from 0xc0000. */
static Gpa pam_start(unsigned n)
{
    return n == 0 ? 0xf0000 : PAM_START + (n - 1) * 0x4000;
}

static uint64_t pam_size(unsigned n)
{
    return n == 0 ? 0x10000 : 0x4000;
}

static unsigned pam_segment(Gpa addr)
{
    return addr >= 0xf0000 ? 0 : 1 + (unsigned)(addr - PAM_START) / 0x4000;
}

/* Segment 0 has the high nibble of 0x59, segments 1 and 2 the low and the high nibble of 0x5a, and so on. */
static unsigned pam_bits(const I440fx *f, unsigned n)
{
    uint8_t reg = f->pci->config[I440FX_PAM0 + (n + 1) / 2];
    return (n & 1 ? reg : reg >> 4) & (PAM_READ | PAM_WRITE);
}

static void i440fx_update(I440fx *f)
{
    uint8_t smram = f->pci->config[I440FX_SMRAM];
    bus_begin(f->mem);
    for (unsigned n = 0; n < PAM_SEGMENTS; n++) {
        unsigned bits = pam_bits(f, n);
        region_set_kind(f->mem, f->pam[n], bits & PAM_WRITE ? REGION_RAM : REGION_ROM);
        region_set_enabled(f->mem, f->pam[n], bits & PAM_READ);
    }
    region_set_enabled(f->mem, f->smram, (smram & SMRAM_OPEN) && (smram & SMRAM_ENABLE));
    bus_commit(f->mem);
}

/* The bus below hidden RAM */

static void shadow_store(I440fx *f, Gpa addr, uint64_t value, unsigned size)
{
    if (!(pam_bits(f, pam_segment(addr)) & PAM_WRITE))
        return;
    ram_written(f->ram, addr, size);
    memcpy(f->ram->host + addr, &value, size);
}

static uint64_t option_read(void *opaque, uint64_t offset, unsigned size)
{
    return UINT64_MAX;
}

static void option_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    shadow_store(opaque, PAM_START + offset, value, size);
}

static uint64_t bios_read(void *opaque, uint64_t offset, unsigned size)
{
    I440fx *f = opaque;
    uint64_t value = 0;
    memcpy(&value, f->bios + offset, size);
    return value;
}

static void bios_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    shadow_store(opaque, BIOS_START + offset, value, size);
}

static const RegionOps option_ops = { .read = option_read, .write = option_write, .min_size = 1, .max_size = 8 };
static const RegionOps bios_ops = { .read = bios_read, .write = bios_write, .min_size = 1, .max_size = 8 };

/* Configuration space */

static void i440fx_written(void *opaque, unsigned offset, unsigned size)
{
    I440fx *f = opaque;
    uint8_t *smram = &f->pci->config[I440FX_SMRAM];
    /* Locking closes SMRAM and freezes the register until reset. */
    if (*smram & SMRAM_LOCK) {
        *smram &= ~SMRAM_OPEN;
        f->pci->wmask[I440FX_SMRAM] = 0;
    }
    i440fx_update(f);
}

void i440fx_reset(I440fx *f)
{
    PciDevice *pci = f->pci;
    memset(pci->config + 0x40, 0, 0x100 - 0x40);
    memset(pci->wmask + 0x40, 0xff, 0x100 - 0x40);
    pci->config[I440FX_SMRAM] = SMRAM_BASE;
    pci->wmask[I440FX_SMRAM] = SMRAM_OPEN | SMRAM_LOCK | SMRAM_ENABLE | 0x20;
    i440fx_update(f);
}

I440fx *i440fx_new(PciBus *bus, Bus *mem, Ram *ram, uint64_t ram_size, Hva bios)
{
    g_assert(ram_size >= 1 << 20 && ram_size <= ram->size);
    I440fx *f = g_new0(I440fx, 1);
    f->mem = mem;
    f->ram = ram;
    f->bios = bios;
    f->pci = pci_device_new(bus, PCI_DEVFN(0, 0), "i440FX", &(PciId){ 0x8086, 0x1237, 2, 0x060000, 0, 0 });
    f->pci->written = i440fx_written;
    f->pci->opaque = f;

    bus_begin(mem);
    bus_add_ram(mem, "ram-low", 0, 0xa0000, ram->host, 0, 0);
    if (ram_size > 1 << 20)
        bus_add_ram(mem, "ram-high", 1 << 20, ram_size - (1 << 20), ram->host + (1 << 20), 1 << 20, 0);
    bus_add_io(mem, "option-roms", PAM_START, BIOS_START - PAM_START, &option_ops, f, 0);
    Region *rom = bus_add_rom(mem, "bios-low", BIOS_START, I440FX_BIOS_WINDOW, bios, 0);
    rom->ops = &bios_ops;
    rom->opaque = f;
    for (unsigned n = 0; n < PAM_SEGMENTS; n++) {
        Gpa start = pam_start(n);
        f->pam[n] = bus_add_ram(mem, "ram-pam", start, pam_size(n), ram->host + start, start, PRIORITY_PAM);
    }
    f->smram = bus_add_ram(mem, "ram-smram", 0xa0000, 0x20000, ram->host + 0xa0000, 0xa0000, PRIORITY_SMRAM);
    bus_commit(mem);
    i440fx_reset(f);
    return f;
}

void i440fx_free(I440fx *f)
{
    g_free(f);
}

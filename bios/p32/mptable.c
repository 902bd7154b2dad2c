/* Interrupt routing tables: the MP configuration table (MP 1.4, chapter 4) and the PCI IRQ routing table ($PIR). */
#include "bios/p32/p32.h"

#define LAPIC_BASE   0xfee00000u
#define LAPIC_SPURIOUS 0xf0
#define LAPIC_LINT0 0x350
#define LAPIC_LINT1 0x360
#define IOAPIC_BASE  0xfec00000u
#define FW_CFG_NB_CPUS 0x05
#define FW_CFG_IRQ0_OVERRIDE 0x8002

enum { MP_CPU, MP_BUS, MP_IOAPIC, MP_INT, MP_LINT };
#define BUS_PCI 0
#define BUS_ISA 1

typedef struct PACKED MpConfig {
    char signature[4];
    u16 length;
    u8 revision, sum;
    char oem[8], product[12];
    u32 oem_table;
    u16 oem_size, entries;
    u32 lapic;
    u16 extended_length;
    u8 extended_sum, reserved;
} MpConfig;

static u8 *put_interrupt(u8 *p, u8 kind, u8 type, u16 flags, u8 bus, u8 irq, u8 apic, u8 pin)
{
    p[0] = kind;
    p[1] = type;
    *(u16 *)(p + 2) = flags;
    p[4] = bus;
    p[5] = irq;
    p[6] = apic;
    p[7] = pin;
    return p + 8;
}

static u8 *put_bus(u8 *p, u8 id, const char *name)
{
    p[0] = MP_BUS;
    p[1] = id;
    memcpy(p + 2, name, 6);
    return p + 8;
}

void mptable_init(void)
{
    u32 eax, ebx, ecx, edx, cpus = fwcfg_read32(FW_CFG_NB_CPUS) & 0xffff, ioapic_id;
    u8 lines = 0, *p, *floating;
    MpConfig *config;
    u32 block, entries = 0;

    if (!cpuid(1, &eax, &ebx, &ecx, &edx) || !(edx & 1u << 9)) {
        return;                         /* no local APIC */
    }
    /* Virtual wire mode (MP 1.4, 3.6.2.2): the 8259s come in on LINT0, NMI on LINT1. */
    *(volatile u32 *)(LAPIC_BASE + LAPIC_SPURIOUS) = 0x1ff;
    *(volatile u32 *)(LAPIC_BASE + LAPIC_LINT0) = 0x8700;
    *(volatile u32 *)(LAPIC_BASE + LAPIC_LINT1) = 0x8400;
    /* Register 1 of an I/O APIC: version 11h-20h; anything else means there is none. */
    *(volatile u32 *)IOAPIC_BASE = 1;
    if ((*(volatile u32 *)(IOAPIC_BASE + 0x10) & 0xff) - 0x11u > 0x0f) {
        return;
    }
    if (!cpus || cpus > 16) {
        cpus = 1;
    }
    block = alloc_pool(16 + sizeof(MpConfig) + cpus * 20 + 16 + 8 + 16 * 8 + pci_count * 8 + 16);
    if (!block) {
        return;
    }
    floating = (u8 *)block;
    config = (MpConfig *)(block + 16);
    memset(floating, 0, 16 + sizeof *config);
    p = (u8 *)(config + 1);
    for (u32 i = 0; i < cpus; i++, entries++, p += 20) {
        memset(p, 0, 20);
        p[0] = MP_CPU;
        p[1] = i;
        p[2] = 0x14;
        p[3] = i ? 1 : 3;
        *(u32 *)(p + 4) = eax;
        *(u32 *)(p + 8) = edx;
    }
    p = put_bus(p, BUS_PCI, "PCI   ");
    p = put_bus(p, BUS_ISA, "ISA   ");
    *(volatile u32 *)IOAPIC_BASE = 0;
    ioapic_id = *(volatile u32 *)(IOAPIC_BASE + 0x10) >> 24 & 15;
    p[0] = MP_IOAPIC;
    p[1] = ioapic_id;
    p[2] = 0x11;
    p[3] = 1;
    *(u32 *)(p + 4) = IOAPIC_BASE;
    p += 8;
    entries += 3;
    for (u32 i = 0; i < pci_count; i++) {
        PciDevice *d = &pci_devices[i];

        if (d->pin && d->line < 16) {
            lines |= d->line >= 8 ? 1u << (d->line - 8) : 0;
            p = put_interrupt(p, MP_INT, 0, 0x0d, BUS_PCI, (d->bdf >> 3) << 2 | (d->pin - 1), ioapic_id, d->line);
            entries++;
        }
    }
    for (u8 irq = 0; irq < 16; irq++) {
        u8 pin = irq == 0 && (fwcfg_read32(FW_CFG_IRQ0_OVERRIDE) & 0xff) ? 2 : irq;

        if (irq == 2 || (irq >= 8 && (lines >> (irq - 8) & 1))) {
            continue;                   /* the cascade; lines that PCI has */
        }
        p = put_interrupt(p, MP_INT, 0, 0, BUS_ISA, irq, ioapic_id, pin);
        entries++;
    }
    p = put_interrupt(p, MP_LINT, 3, 0, BUS_ISA, 0, 0, 0);         /* ExtINT on LINT0 */
    p = put_interrupt(p, MP_LINT, 1, 0, BUS_ISA, 0, 0xff, 1);      /* NMI on LINT1 */
    entries += 2;

    memcpy(config->signature, "PCMP", 4);
    config->length = p - (u8 *)config;
    config->revision = 4;
    memcpy(config->oem, "X86VM   ", 8);
    memcpy(config->product, "PC          ", 12);
    config->entries = entries;
    config->lapic = LAPIC_BASE;
    config->sum = -checksum(config, config->length);
    memcpy(floating, "_MP_", 4);
    *(u32 *)(floating + 4) = (u32)config;
    floating[8] = 1;
    floating[9] = 4;
    floating[10] = -checksum(floating, 16);
}

/* PCI IRQ routing table 1.0: for each slot, the PIRQ register (60h-63h) its four pins come to. */
void pir_init(void)
{
    u32 slots = 0, bytes;
    u8 *pir, *p;

    for (u32 i = 0; i < pci_count; i++) {
        slots += (i == 0 || pci_devices[i].bdf >> 3 != pci_devices[i - 1].bdf >> 3);
    }
    bytes = 32 + slots * 16;
    pir = (u8 *)alloc_pool(bytes);
    if (!pir || !slots) {
        return;
    }
    memset(pir, 0, bytes);
    memcpy(pir, "$PIR", 4);
    pir[5] = 1;
    *(u16 *)(pir + 6) = bytes;
    pir[9] = 1 << 3;                    /* the router: the PIIX3 at 00:01.0 */
    *(u32 *)(pir + 12) = 0x122e8086;    /* compatible with the PIIX */
    p = pir + 32;
    for (u32 i = 0; i < pci_count; i++) {
        u8 slot = pci_devices[i].bdf >> 3;

        if (i && slot == pci_devices[i - 1].bdf >> 3) {
            continue;
        }
        p[1] = slot << 3;
        for (int pin = 0; pin < 4; pin++) {
            p[2 + pin * 3] = 0x60 + ((slot - 1 + pin) & 3);
            p[3 + pin * 3] = 0xf8;      /* lines 3-7, 9-12, 14, 15 */
            p[4 + pin * 3] = 0xde;
        }
        p[14] = slot >= 3 ? slot - 2 : 0;
        p += 16;
    }
    pir[31] = -checksum(pir, bytes);
    SHARED->pir_offset = (u32)pir - BIOS_LINEAR;
}

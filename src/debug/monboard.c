/*
 * The monitor's view of the board: interrupt controllers, address maps, drives, the device tree, firmware. The formats
 * are QEMU's; `info irq` has a line more, about the CPU.
 */
#include "debug/moncmd.h"

#include <string.h>

#include "block/block.h"
#include "cpu/cpu.h"

/* ---- interrupts ---- */

void moninfo_pic(Monitor *mon, const char *args, GString *out)
{
    if (mon->m->pc->ioapic)
        ioapic_print(mon->m->pc->ioapic, out);
    pic_print(mon->m->pc->pic, out);
}

static void count_line(GString *out, unsigned n, uint64_t count)
{
    if (count)
        g_string_append_printf(out, "%2u: %" G_GUINT64_FORMAT "\n", n, count);
}

void moninfo_irq(Monitor *mon, const char *args, GString *out)
{
    const Pc *pc = mon->m->pc;
    const Vcpu *v = mon->m->cpu;
    if (pc->ioapic) {
        g_string_append(out, "IRQ statistics for ioapic:\n");
        for (unsigned n = 0; n < IOAPIC_PINS; n++)
            count_line(out, n, ioapic_pin_count(pc->ioapic, n));
    }
    g_string_append(out, "IRQ statistics for isa-i8259:\n");
    for (int n = 0; n < 16; n++)
        count_line(out, n, pic_irq_count(pc->pic, n));
    g_string_append_printf(out, "CPU: INTR=%u NMI=%u IF=%d, %" G_GUINT64_FORMAT " events delivered; the last ones:",
            v->intr, v->nmi, !!(v->flags & FL_IF), v->event_count);
    for (unsigned n = 0; n < MIN(v->event_count, 8); n++)
        g_string_append_printf(out, " %02x", v->event[(v->event_count - 1 - n) % VCPU_EVENTS].vector);
    g_string_append_c(out, '\n');
}

/* ---- maps ---- */

void moninfo_mtree(Monitor *mon, const char *args, GString *out)
{
    bus_print(mon->m->pc->mem, "system", out);
    bus_print(mon->m->pc->io, "io", out);
}

void moninfo_pci(Monitor *mon, const char *args, GString *out)
{
    pci_bus_print(mon->m->pc->pci, out);
}

/* An address at width 16 and a size, as `info roms` lists what lies in memory. */
void moninfo_roms(Monitor *mon, const char *args, GString *out)
{
    const VmConfig *c = mon->m->config;
    const Pc *pc = mon->m->pc;
    g_string_append_printf(out, "addr=%016x size=0x%06zx mem=rom name=\"%s\"\n", -(uint32_t)pc->bios_size, pc->bios_size,
            c->bios ? c->bios : "bios.bin");
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        const PciDevice *d = pci_bus_device(pc->pci, devfn);
        if (d && d->bar[PCI_BAR_ROM].region)
            g_string_append_printf(out, "fw=pci/%s size=0x%06x name=\"%s\"\n", d->name, d->bar[PCI_BAR_ROM].size, d->name);
    }
    if (c->kernel)
        g_string_append_printf(out, "fw=fw_cfg/kernel name=\"%s\"\n", c->kernel);
    if (c->initrd)
        g_string_append_printf(out, "fw=fw_cfg/initrd name=\"%s\"\n", c->initrd);
}

/* ---- drives ---- */

IdeKind monitor_ide_drive(const Machine *m, unsigned n, char name[MONITOR_DRIVE_NAME])
{
    IdeKind kind = ide_drive_kind(piix_ide_channel(m->pc->ide, n / 2), n % 2);
    g_snprintf(name, MONITOR_DRIVE_NAME, "ide%u-%s%u", n / 2, kind == IDE_CDROM ? "cd" : "hd", n % 2);
    return kind;
}

static void block_lines(GString *out, const char *name, BlockDev *b, bool removable, bool tray_open)
{
    if (out->len)
        g_string_append_c(out, '\n');
    if (b)
        g_string_append_printf(out, "%s: %s (raw%s)\n", name, block_path(b), block_read_only(b) ? ", read-only" : "");
    else
        g_string_append_printf(out, "%s: [not inserted]\n", name);
    g_string_append_printf(out, "    Attached to:      %s\n", name);
    if (removable)
        g_string_append_printf(out, "    Removable device: not locked, tray %s\n", tray_open ? "open" : "closed");
    if (b)
        g_string_append(out, "    Cache mode:       writeback\n");
}

void moninfo_block(Monitor *mon, const char *args, GString *out)
{
    for (unsigned n = 0; n < 4; n++) {
        char name[MONITOR_DRIVE_NAME];
        IdeChannel *ch = piix_ide_channel(mon->m->pc->ide, n / 2);
        IdeKind kind = monitor_ide_drive(mon->m, n, name);
        bool cd = kind == IDE_CDROM;
        if (kind != IDE_NONE)
            block_lines(out, name, ide_drive_image(ch, n % 2), cd, cd && ide_cdrom_tray_open(ch, n % 2));
    }
    for (unsigned n = 0; n < 2 && mon->m->pc->fdc; n++)
        block_lines(out, n ? "floppy1" : "floppy0", mon->m->floppy[n], true, false);
}

/* ---- the device tree ---- */

typedef struct IsaDevice {
    const char *name;
    bool there;
    unsigned iobase;
    int irq, dma; /* -1: none */
} IsaDevice;

static void number_line(GString *out, unsigned indent, const char *name, unsigned value)
{
    g_string_append_printf(out, "%*s%s = %u (0x%x)\n", indent, "", name, value, value);
}

static void dev_line(GString *out, unsigned indent, const char *name)
{
    g_string_append_printf(out, "%*sdev: %s, id \"\"\n", indent, "", name);
}

static void bus_line(GString *out, unsigned indent, const char *name, const char *type)
{
    g_string_append_printf(out, "%*sbus: %s\n%*stype %s\n", indent, "", name, indent + 2, "", type);
}

static void drive_lines(GString *out, unsigned indent, const char *type, const char *name, unsigned unit)
{
    dev_line(out, indent, type);
    g_string_append_printf(out, "%*sdrive = \"%s\"\n", indent + 2, "", name);
    number_line(out, indent + 2, "unit", unit);
}

static void ide_tree(const Machine *m, GString *out)
{
    for (unsigned channel = 0; channel < 2; channel++) {
        bus_line(out, 8, channel ? "ide.1" : "ide.0", "IDE");
        for (unsigned unit = 0; unit < 2; unit++) {
            char name[MONITOR_DRIVE_NAME];
            IdeKind kind = monitor_ide_drive(m, channel * 2 + unit, name);
            if (kind != IDE_NONE)
                drive_lines(out, 10, kind == IDE_CDROM ? "ide-cd" : "ide-hd", name, unit);
        }
    }
}

static void isa_tree(const Pc *pc, GString *out)
{
    const IsaDevice devices[] = {
        {"isa-i8259", true, 0x20, -1, -1},
        {"isa-i8259", true, 0xa0, 2, -1},
        {"isa-pit", true, 0x40, 0, -1},
        {"isa-pcspk", true, 0x61, -1, -1},
        {"mc146818rtc", true, 0x70, 8, -1},
        {"i8042", true, 0x60, 1, -1},
        {"i8257", true, 0, -1, -1},
        {"i8257", true, 0xc0, -1, -1},
        {"port92", true, 0x92, -1, -1},
        {"isa-fdc", pc->fdc, 0x3f0, 6, 2},
        {"isa-serial", pc->serial[0], 0x3f8, 4, -1},
        {"isa-serial", pc->serial[1], 0x2f8, 3, -1},
        {"isa-serial", pc->serial[2], 0x3e8, 4, -1},
        {"isa-serial", pc->serial[3], 0x2e8, 3, -1},
        {"isa-parallel", pc->parallel[0], 0x378, 7, -1},
        {"isa-parallel", pc->parallel[1], 0x278, 5, -1},
        {"isa-debugcon", pc->debugport[0], pc->debugcon_port[0], -1, -1},
        {"isa-debugcon", pc->debugport[1], pc->debugcon_port[1], -1, -1},
        {"isa-debug-exit", pc->debugexit, pc->debug_exit_port, -1, -1},
        {"pc-testdev", pc->testdev, TESTDEV_PORT, -1, -1},
        {"fw_cfg", pc->fwcfg, 0x510, -1, -1},
    };
    bus_line(out, 8, "isa.0", "ISA");
    for (const IsaDevice *d = devices; d < devices + G_N_ELEMENTS(devices); d++) {
        if (!d->there)
            continue;
        dev_line(out, 10, d->name);
        if (d->iobase || !strcmp(d->name, "i8257"))
            number_line(out, 12, "iobase", d->iobase);
        if (d->irq >= 0)
            number_line(out, 12, "irq", d->irq);
        if (d->dma >= 0)
            number_line(out, 12, "dma", d->dma);
        if (!strcmp(d->name, "isa-fdc")) {
            bus_line(out, 12, "floppy-bus.0", "floppy-bus");
            for (unsigned unit = 0; unit < 2; unit++)
                drive_lines(out, 14, "floppy", unit ? "floppy1" : "floppy0", unit);
        }
    }
}

static void pci_lines(const Machine *m, const PciDevice *d, GString *out)
{
    unsigned slot = d->devfn >> 3, fn = d->devfn & 7;
    char *class = pci_class_name(d);
    dev_line(out, 6, d->name);
    g_string_append_printf(out, "        addr = %02x.%x\n        class %s, addr 00:%02x.%x, pci id %04x:%04x (sub %04x:%04x)\n",
            slot, fn, class, slot, fn, pci_get16(d, PCI_VENDOR_ID), pci_get16(d, PCI_DEVICE_ID),
            pci_get16(d, PCI_SUBSYSTEM_VENDOR_ID), pci_get16(d, PCI_SUBSYSTEM_ID));
    g_free(class);
    for (unsigned n = 0; n < PCI_BARS; n++) {
        uint64_t start = pci_bar_address(d, n);
        if (d->bar[n].region)
            g_string_append_printf(out, "        bar %u: %s at 0x%" G_GINT64_MODIFIER "x [0x%" G_GINT64_MODIFIER "x]\n", n,
                    d->bar[n].bus == m->pc->io ? "i/o" : "mem", start, start + d->bar[n].size - 1);
    }
    switch (pci_get16(d, PCI_CLASS_DEVICE)) {
    case 0x0101: ide_tree(m, out); break;
    case 0x0601: isa_tree(m->pc, out); break;
    default: break;
    }
}

static void mmio_dev(GString *out, const char *name, uint64_t addr, uint64_t size)
{
    dev_line(out, 2, name);
    g_string_append_printf(out, "    mmio %016" G_GINT64_MODIFIER "x/%016" G_GINT64_MODIFIER "x\n", addr, size);
}

void moninfo_qtree(Monitor *mon, const char *args, GString *out)
{
    const Pc *pc = mon->m->pc;
    bus_line(out, 0, "main-system-bus", "System");
    if (pc->hpet)
        mmio_dev(out, "hpet", HPET_BASE, 0x400);
    if (pc->ioapic)
        mmio_dev(out, "ioapic", IOAPIC_BASE, 0x1000);
    dev_line(out, 2, "i440FX-pcihost");
    bus_line(out, 4, "pci.0", "PCI");
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        const PciDevice *d = pci_bus_device(pc->pci, devfn);
        if (d)
            pci_lines(mon->m, d, out);
    }
}

/*
 * The board.
 *
 * Read pc_new() as a schematic: memory, interrupt controllers, the two bridges, then device by device with port and
 * IRQ. What the BIOS can't find out by looking, it is told in CMOS and fw_cfg (cmos_fill, fwcfg_fill).
 *
 * Parts: wires that the board bends itself, firmware information, the schematic, reset.
 */
#include "hw/pc.h"

#include "block/geometry.h"
#include "hw/acpitables.h"
#include "hw/smbios.h"

#include <stdlib.h>
#include <string.h>

G_DEFINE_QUARK(pc-error-quark, pc_error)

#define BIOS_UNIT (64u << 10)
#define IO_SPACE 0x10000ull
#define MEMORY_SPACE (1ull << 36)

/* PCI devices, where QEMU has them. */
#define SLOT_IDE PCI_DEVFN(1, 1)
#define SLOT_ACPI PCI_DEVFN(1, 3)
#define SLOT_VGA PCI_DEVFN(2, 0)


/* Wires */

static void intr_set(void *opaque, int n, bool level)
{
    Pc *pc = opaque;
    irqline_set(&pc->cpu.intr, level);
}

static void nmi_set(void *opaque, int n, bool level)
{
    Pc *pc = opaque;
    irqline_set(&pc->cpu.nmi, level);
}

static void ignne_set(void *opaque, int n, bool level)
{
    Pc *pc = opaque;
    irqline_set(&pc->cpu.ignne, level);
}

/* Port 92h and the keyboard controller both drive A20; whoever came last wins, as on QEMU and Bochs. */
static void a20_set(void *opaque, int n, bool level)
{
    Pc *pc = opaque;
    pc->a20 = level;
    irqline_set(&pc->cpu.a20, level);
}

static void reset_set(void *opaque, int n, bool level)
{
    Pc *pc = opaque;
    if (level && pc->events.reset)
        pc->events.reset(pc->events.opaque);
}

/* The RTC's interrupt is IRQ 8, by way of the HPET, and an ACPI event that works when the HPET has taken IRQ 8 over. */
static void rtc_irq_set(void *opaque, int n, bool level)
{
    Pc *pc = opaque;
    irqline_set(&pc->irq8, level);
    acpi_rtc_alarm(pc->acpi, level);
}

static void power_off(void *opaque)
{
    Pc *pc = opaque;
    if (pc->events.power_off)
        pc->events.power_off(pc->events.opaque);
}

static void debug_exit(void *opaque, int status)
{
    Pc *pc = opaque;
    if (pc->events.exit)
        pc->events.exit(pc->events.opaque, status);
}

static void eoi_broadcast(void *opaque, uint8_t vector)
{
    Pc *pc = opaque;
    if (pc->ioapic)
        ioapic_eoi(pc->ioapic, vector);
}

/* How the last timer interrupt fared: it goes by the PIC, or with that masked by the I/O APIC's pin 2. */
static int tick_state(void *opaque)
{
    Pc *pc = opaque;
    PicIrqState state = pic_irq_state(pc->pic, 0);
    if (state != PIC_IRQ_MASKED || !pc->ioapic || ioapic_masked(pc->ioapic, 2))
        return state;
    return lapic_requested(pc->lapic, ioapic_vector(pc->ioapic, 2)) ? PIC_IRQ_PENDING : PIC_IRQ_IDLE;
}

/* While the HPET stands in for the PIT, that has nobody to wake. */
static void hpet_legacy(void *opaque, int n, bool level)
{
    Pc *pc = opaque;
    if (pc->pit)
        pit_set_irq_enabled(pc->pit, !level);
}

static int int_ack(void *opaque)
{
    Pc *pc = opaque;
    int vector = lapic_ack(pc->lapic);
    if (pc->hpet)
        hpet_tick_taken(pc->hpet);
    pit_tick_taken(pc->pit);
    return vector;
}

IntAck pc_int_ack(Pc *pc)
{
    return (IntAck){ .ack = int_ack, .opaque = pc };
}

IrqLine pc_ferr(Pc *pc)
{
    return ferr_input(pc->ferr);
}

void pc_connect_cpu(Pc *pc, const PcCpu *cpu)
{
    pc->cpu = *cpu;
    irqline_set(&pc->cpu.a20, pc->a20);
    lapic_drive(pc->lapic);
}

bool pc_power_button(Pc *pc)
{
    return acpi_power_button(pc->acpi);
}

void pc_nmi(Pc *pc)
{
    IrqLine nmi = lapic_lint(pc->lapic, 1);
    if (!rtc_nmi_masked(pc->rtc))
        irqline_pulse(&nmi);
}

/* Firmware information */

static uint8_t boot_code(char letter)
{
    switch (letter) {
    case 'a':
        return 1;
    case 'c':
        return 2;
    case 'd':
        return 3;
    case 'n':
        return 4;
    default:
        return 0;
    }
}

static void cmos_set16(Rtc *rtc, unsigned reg, uint64_t value)
{
    value = MIN(value, 0xffff);
    rtc_set_cmos(rtc, reg, (uint8_t)value);
    rtc_set_cmos(rtc, reg + 1, (uint8_t)(value >> 8));
}

void pc_set_boot_order(Pc *pc, const char *order)
{
    uint8_t boot[3] = { 0 };

    if (!order)
        order = "cad";
    for (unsigned i = 0; i < G_N_ELEMENTS(boot) && order[i]; i++)
        boot[i] = boot_code(order[i]);
    rtc_set_cmos(pc->rtc, CMOS_BOOT2, boot[1] << 4 | boot[0]);
    rtc_set_cmos(pc->rtc, CMOS_BOOT, boot[2] << 4);
}

/* CMOS as IBM and, from 34h, QEMU's BIOSes know it. */
static void cmos_fill(Pc *pc, const PcConfig *config)
{
    enum { CMOS_EXT_KB_AGAIN = 0x30, EQUIPMENT_FPU = 0x02, EQUIPMENT_MOUSE = 0x04 };
    const uint64_t mib = 1 << 20;
    uint64_t ram = config->ram_size;

    cmos_set16(pc->rtc, CMOS_BASE_KB, 640);
    cmos_set16(pc->rtc, CMOS_EXT_KB, (ram - mib) / 1024);
    cmos_set16(pc->rtc, CMOS_EXT_KB_AGAIN, (ram - mib) / 1024);
    cmos_set16(pc->rtc, CMOS_EXT2_64KB, ram > 16 * mib ? (ram - 16 * mib) / 65536 : 0);
    cmos_set16(pc->rtc, CMOS_HIGH_64KB, 0);
    pc_set_boot_order(pc, config->boot_order);
    rtc_set_cmos(pc->rtc, CMOS_EQUIPMENT, EQUIPMENT_FPU | EQUIPMENT_MOUSE);
}

void pc_attach_ide(Pc *pc, unsigned index, IdeKind kind, BlockDev *image)
{
    enum { DISK_USER_TYPE = 0xf, DISK_TYPE_47 = 47, CMOS_DISK_PARAMETERS = 0x1b, CMOS_TRANSLATION = 0x39 };
    char serial[21];
    g_assert(index < 4);
    g_snprintf(serial, sizeof serial, "XM%05u", index + 1);
    ide_attach(piix_ide_channel(pc->ide, index / 2), index & 1, kind, image, serial);
    if (kind != IDE_DISK || !image)
        return;
    BlockGeometry g;
    block_guess_geometry(image, &g);
    uint8_t translation = rtc_get_cmos(pc->rtc, CMOS_TRANSLATION) & ~(3 << index * 2);
    rtc_set_cmos(pc->rtc, CMOS_TRANSLATION, translation | g.translation << index * 2);
    if (index >= 2)
        return; /* the rest is IBM's, and knows two disks */
    uint8_t types = rtc_get_cmos(pc->rtc, CMOS_DISK);
    rtc_set_cmos(pc->rtc, CMOS_DISK, types | DISK_USER_TYPE << (index ? 0 : 4));
    rtc_set_cmos(pc->rtc, CMOS_DISK_TYPE + index, DISK_TYPE_47);
    unsigned reg = CMOS_DISK_PARAMETERS + index * 9;
    cmos_set16(pc->rtc, reg, g.cylinders);
    rtc_set_cmos(pc->rtc, reg + 2, g.heads);
    cmos_set16(pc->rtc, reg + 3, 0xffff); /* no write precompensation */
    rtc_set_cmos(pc->rtc, reg + 5, 0xc0 | (g.heads > 8) << 3);
    cmos_set16(pc->rtc, reg + 6, g.cylinders); /* landing zone */
    rtc_set_cmos(pc->rtc, reg + 8, g.sectors);
}

static void cmos_floppies(Pc *pc)
{
    enum { EQUIPMENT_FLOPPY = 0x01, EQUIPMENT_TWO = 0x40, EQUIPMENT_FLOPPIES = 0xc1 };
    uint8_t types = fdc_cmos_types(pc->fdc);
    uint8_t equipment = rtc_get_cmos(pc->rtc, CMOS_EQUIPMENT) & ~EQUIPMENT_FLOPPIES;
    if (types)
        equipment |= EQUIPMENT_FLOPPY;
    if ((types & 0xf0) && (types & 0x0f))
        equipment |= EQUIPMENT_TWO;
    rtc_set_cmos(pc->rtc, CMOS_FLOPPY, types);
    rtc_set_cmos(pc->rtc, CMOS_EQUIPMENT, equipment);
}

bool pc_attach_floppy(Pc *pc, unsigned unit, BlockDev *image, GError **error)
{
    g_assert(pc->fdc && unit < 2);
    if (!fdc_attach(pc->fdc, unit, image, error))
        return false;
    cmos_floppies(pc);
    return true;
}

/* Where PCI memory starts: what SeaBIOS chooses for the RAM size, and the DSDT tells. */
static uint32_t pci_window(uint64_t ram_size)
{
    if (ram_size <= 0x80000000)
        return 0x80000000;
    return ram_size <= 0xc0000000 ? 0xc0000000 : 0xe0000000;
}

static void fwcfg_fill(Pc *pc, const PcConfig *config)
{
    struct __attribute__((packed)) {
        uint64_t address, length;
        uint32_t type;
    } ram = { GUINT64_TO_LE(0), GUINT64_TO_LE(config->ram_size), GUINT32_TO_LE(1) };
    /* Sleep states, by number: bit 7 has it. S0, S4 (the byte after: its type), S5; not S3. */
    static const uint8_t states[6] = { 0x80, 0, 0, 0x01, 0x02, 0x80 };
    FwCfg *f = pc->fwcfg;
    AcpiTablesConfig acpi = {
        .pci_window = pci_window(config->ram_size),
        .apic = !config->no_apic,
        .hpet = !config->no_hpet,
        .floppies = config->floppies,
    };
    fwcfg_set16(f, FW_CFG_CPUS, 1);
    fwcfg_set16(f, FW_CFG_MAX_CPUS, 1);
    fwcfg_set64(f, FW_CFG_RAM_SIZE, config->ram_size);
    fwcfg_set16(f, FW_CFG_NOGRAPHIC, config->serial_console);
    fwcfg_set16(f, FW_CFG_BOOT_MENU, config->boot_menu);
    fwcfg_set16(f, FW_CFG_BOOT_DEVICE, config->boot_order ? config->boot_order[0] : 'c');
    fwcfg_set32(f, FW_CFG_IRQ0_OVERRIDE, 1);
    fwcfg_set_file(f, "etc/e820", &ram, sizeof ram);
    fwcfg_set_file(f, "etc/system-states", states, sizeof states);
    if (config->serial_console && config->has_serial[0]) {
        static const uint8_t port[2] = { 0xf8, 0x03 };
        fwcfg_set_file(f, "etc/sercon-port", port, sizeof port);
    }
    for (unsigned i = 0; i < PC_SERIALS; i++)
        acpi.serials |= (unsigned)config->has_serial[i] << i;
    for (unsigned i = 0; i < PC_PARALLELS; i++)
        acpi.parallels |= (unsigned)config->has_parallel[i] << i;
    if (!config->no_acpi)
        acpitables_install(f, &acpi);
    smbios_install(f, config->ram_size, config->uuid);
}

/* The schematic */

static bool config_check(const PcConfig *config, GError **error)
{
    uint64_t ram = config->ram_size;
    if (ram < PC_RAM_MIN || ram > PC_RAM_MAX || ram % 4096) {
        g_set_error(error, PC_ERROR, PC_ERROR_RAM,
                    "%" G_GUINT64_FORMAT " bytes of memory; this machine takes 1 to %u MiB: use -m 512, for example",
                    ram, (unsigned)(PC_RAM_MAX >> 20));
        return false;
    }
    size_t size = config->bios_size;
    if (size < PC_BIOS_MIN || size > PC_BIOS_MAX || size % BIOS_UNIT) {
        g_set_error(error, PC_ERROR, PC_ERROR_BIOS,
                    "a BIOS of %zu bytes; an image has 64 KiB to 4096 KiB, a multiple of 64 KiB", size);
        return false;
    }
    return true;
}

/*
 * The image ends at 4 GiB, where the CPU starts; its last 128 KiB are at 0xe0000 too, while the PAM registers say
 * so.
 */
static void bios_load(Pc *pc, const PcConfig *config)
{
    pc->bios_size = MAX(config->bios_size, I440FX_BIOS_WINDOW);
    pc->bios = aligned_alloc(PAGE_SIZE, pc->bios_size);
    g_assert(pc->bios);
    memset(pc->bios, 0xff, pc->bios_size);
    memcpy(pc->bios + pc->bios_size - config->bios_size, config->bios, config->bios_size);
}

static Pc *pc_build(Pc *pc, const PcConfig *config, GError **error)
{
    static const struct {
        uint16_t port;
        unsigned irq;
    } serial[PC_SERIALS] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } },
      parallel[PC_PARALLELS] = { { 0x378, 7 }, { 0x278, 5 } };
    IrqLine reset = { .set = reset_set, .opaque = pc };
    IrqLine a20 = { .set = a20_set, .opaque = pc };
    Clock *clock = config->clock;

    /* memory and buses */
    pc->ram = ram_new(config->ram_size, error);
    if (!pc->ram)
        return NULL;
    pc->mem = bus_new("memory", MEMORY_SPACE, config->lock);
    pc->io = bus_new("I/O", IO_SPACE, config->lock);
    bus_set_ram(pc->mem, pc->ram);
    bus_begin(pc->mem);
    bus_begin(pc->io);
    bios_load(pc, config);
    bus_add_rom(pc->mem, "bios", (1ull << 32) - pc->bios_size, pc->bios_size, pc->bios, 0);

    /* interrupts: IRQ -> PIC -> LINT0 of the local APIC -> CPU, and IRQ -> I/O APIC -> local APIC -> CPU */
    pc->gsi = gsi_new();
    pc->lapic = lapic_new(pc->mem, clock, &(LapicWires){
        .intr = { intr_set, pc, 0 },
        .nmi = { nmi_set, pc, 0 },
        .eoi = eoi_broadcast,
        .eoi_opaque = pc,
    }, !config->no_apic);
    pc->pic = pic_new(pc->io, lapic_lint(pc->lapic, 0)); /* 20h, a0h, 4d0h */
    lapic_set_pic(pc->lapic, (IntAck){ pic_ack, pc->pic });
    for (unsigned n = 0; n < 16; n++)
        gsi_connect_pic(pc->gsi, n, pic_line(pc->pic, n));
    if (!config->no_apic) {
        pc->ioapic = ioapic_new(pc->mem, lapic_send, pc->lapic); /* fec00000h */
        for (unsigned n = 0; n < IOAPIC_PINS; n++)
            gsi_connect_ioapic(pc->gsi, n, ioapic_line(pc->ioapic, n));
    }

    /* PCI: the host bridge 00.0, and the south bridge 01.0 with IDE 01.1 and power management 01.3 */
    pc->pci = pci_bus_new(pc->io, pc->mem); /* cf8h */
    Hva bios_end = pc->bios + pc->bios_size;
    pc->i440fx = i440fx_new(pc->pci, pc->mem, pc->ram, config->ram_size, bios_end - I440FX_BIOS_WINDOW);
    pc->piix3 = piix3_new(pc->pci, pc->gsi, reset); /* cf9h */
    pc->ide = piix_ide_new(pc->pci, SLOT_IDE, pc->io, gsi_line(pc->gsi, 14), gsi_line(pc->gsi, 15)); /* 1f0h, 170h */
    pc->acpi = acpi_new(pc->pci, SLOT_ACPI, pc->io, clock, &(AcpiWires){ /* b2h, 600h */
        .sci = gsi_line(pc->gsi, ACPI_SCI_IRQ),
        .power_off = power_off,
        .opaque = pc,
    });

    /* timers: with an HPET, it stands between the old two and their interrupts */
    IrqLine irq0 = gsi_line(pc->gsi, 0), irq8 = gsi_line(pc->gsi, 8);
    if (!config->no_hpet) {
        pc->hpet = hpet_new(pc->mem, clock, &(HpetWires){ /* fed00000h */
            .irq0 = irq0,
            .irq8 = irq8,
            .irq2 = gsi_line(pc->gsi, 2),
            .legacy = { hpet_legacy, pc, 0 },
        });
        hpet_set_irq_state(pc->hpet, tick_state, pc);
        irq0 = hpet_pit_input(pc->hpet);
        irq8 = hpet_rtc_input(pc->hpet);
    }
    pc->pit = pit_new(pc->io, clock, irq0); /* 40h, 61h */
    pit_set_irq_state(pc->pit, tick_state, pc);
    pc->irq8 = irq8;
    pc->rtc = rtc_new(pc->io, clock, (IrqLine){ rtc_irq_set, pc, 0 }, config->rtc); /* 70h */

    /* ISA */
    pc->dma = dma_new(pc->io, pc->mem); /* 0h, 80h, c0h */
    if (config->floppies)
        pc->fdc = fdc_new(pc->io, clock, pc->dma, gsi_line(pc->gsi, 6)); /* 3f2h */
    pc->port92 = port92_new(pc->io, a20, reset);
    pc->kbd = kbd_new(pc->io, clock, (KbdLines){ /* 60h, 64h */
        .irq1 = gsi_line(pc->gsi, 1),
        .irq12 = gsi_line(pc->gsi, 12),
        .a20 = a20,
        .reset = reset,
    }, config->input);
    pc->ferr = ferr_new(pc->io, gsi_line(pc->gsi, 13), (IrqLine){ ignne_set, pc, 0 }); /* f0h */
    for (unsigned i = 0; i < PC_SERIALS; i++) {
        IrqLine irq = gsi_line(pc->gsi, serial[i].irq);
        if (config->has_serial[i])
            pc->serial[i] = serial_new(pc->io, clock, serial[i].port, irq, config->serial[i]);
    }
    for (unsigned i = 0; i < PC_PARALLELS; i++) {
        IrqLine irq = gsi_line(pc->gsi, parallel[i].irq);
        if (config->has_parallel[i])
            pc->parallel[i] = parallel_new(pc->io, parallel[i].port, irq, config->parallel[i]);
    }
    pc->debug_exit_port = config->debug_exit;
    for (unsigned i = 0; i < PC_DEBUGCONS; i++)
        if ((pc->debugcon_port[i] = config->debugcon[i].port))
            pc->debugport[i] = debugport_new(pc->io, config->debugcon[i].port, config->debugcon[i].readback, config->debugcon[i].chr);
    if (config->debug_exit)
        pc->debugexit = debugexit_new(pc->io, config->debug_exit, config->debug_exit_size, debug_exit, pc);
    if (config->testdev)
        pc->testdev = testdev_new(pc->mem, pc->io, pc->gsi); /* e0h, 2000h, ff000000h */
    pc->fwcfg = fwcfg_new(pc->io, pc->mem); /* 510h */

    /* the display, 02.0 */
    if (!config->no_vga) {
        pc->vga = vga_new(pc->mem, pc->io, clock, &config->vga, error); /* 3b0h, 1ceh, a0000h */
        if (!pc->vga)
            return NULL;
        vga_pci_attach(pc->vga, pc->pci, SLOT_VGA, config->vga_bios, config->vga_bios_size);
    }

    cmos_fill(pc, config);
    for (unsigned i = 0; i < config->floppies; i++) {
        if (!pc_attach_floppy(pc, i, NULL, error))
            return NULL;
    }
    fwcfg_fill(pc, config);
    bus_commit(pc->io);
    bus_commit(pc->mem);
    pc_reset(pc);
    return pc;
}

Pc *pc_new(const PcConfig *config, GError **error)
{
    if (!config_check(config, error))
        return NULL;
    Pc *pc = g_new0(Pc, 1);
    pc->clock = config->clock;
    if (!pc_build(pc, config, error)) {
        pc_free(pc);
        return NULL;
    }
    pc->events = config->events;
    return pc;
}

void pc_free(Pc *pc)
{
    if (!pc)
        return;
    vga_free(pc->vga);
    fwcfg_free(pc->fwcfg);
    debugexit_free(pc->debugexit);
    testdev_free(pc->testdev);
    for (unsigned i = 0; i < PC_DEBUGCONS; i++)
        debugport_free(pc->debugport[i]);
    for (unsigned i = 0; i < PC_PARALLELS; i++)
        parallel_free(pc->parallel[i]);
    for (unsigned i = 0; i < PC_SERIALS; i++)
        serial_free(pc->serial[i]);
    ferr_free(pc->ferr);
    kbd_free(pc->kbd);
    port92_free(pc->port92);
    fdc_free(pc->fdc);
    dma_free(pc->dma);
    rtc_free(pc->rtc);
    pit_free(pc->pit);
    hpet_free(pc->hpet);
    acpi_free(pc->acpi);
    piix_ide_free(pc->ide);
    piix3_free(pc->piix3);
    i440fx_free(pc->i440fx);
    pci_bus_free(pc->pci);
    ioapic_free(pc->ioapic);
    pic_free(pc->pic);
    lapic_free(pc->lapic);
    gsi_free(pc->gsi);
    bus_free(pc->io);
    bus_free(pc->mem);
    ram_free(pc->ram);
    free(pc->bios);
    g_free(pc);
}

/* Reset */

void pc_reset(Pc *pc)
{
    bus_begin(pc->mem);
    bus_begin(pc->io);
    pci_bus_reset(pc->pci); /* first: the bridges then set what they have beyond the standard header */
    i440fx_reset(pc->i440fx);
    piix3_reset(pc->piix3);
    piix_ide_reset(pc->ide);
    acpi_reset(pc->acpi);
    if (pc->vga)
        vga_reset(pc->vga);
    fwcfg_reset(pc->fwcfg);
    for (unsigned i = 0; i < PC_SERIALS; i++) {
        if (pc->serial[i])
            serial_reset(pc->serial[i]);
    }
    for (unsigned i = 0; i < PC_PARALLELS; i++) {
        if (pc->parallel[i])
            parallel_reset(pc->parallel[i]);
    }
    ferr_reset(pc->ferr);
    dma_reset(pc->dma);
    if (pc->fdc)
        fdc_reset(pc->fdc);
    rtc_reset(pc->rtc);
    pit_reset(pc->pit);
    if (pc->hpet)
        hpet_reset(pc->hpet);
    port92_reset(pc->port92);
    kbd_reset(pc->kbd); /* after port 92h: A20 is on */
    if (pc->ioapic)
        ioapic_reset(pc->ioapic);
    pic_reset(pc->pic);
    lapic_reset(pc->lapic);
    bus_commit(pc->io);
    bus_commit(pc->mem);
}

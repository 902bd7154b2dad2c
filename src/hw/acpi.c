/*
 * The PIIX4's power management function.
 *
 * PMBASE (configuration 40h, switched on by 80h bit 0) places 64 ports: the PM1 event and control registers of the
 * ACPI specification (4.8.3), a 24-bit timer at 3.579545 MHz, and general purpose events. Everything that may
 * interrupt is one level, the SCI: status and enable, ORed.
 *
 * The timer's overflow status is set when its top bit changes: every 2.34 s. It is computed when looked at; a real
 * timer runs only while the guest has enabled the interrupt.
 *
 * There is no system management mode. The SMI command port does what the SMI handler of a BIOS would: F1h and F0h
 * switch ACPI mode on and off by SCI_EN. DEVACTB tells that SMIs by this port are set up already (a BIOS would
 * otherwise install a handler, and wait for it). Sleep type 0 is soft-off; the others aren't offered to the guest.
 */
#include "hw/acpi.h"

#include "hw/smbus.h"

#include <string.h>

#define PM_TIMER_HZ 3579545
#define PM_TIMER_MASK 0xffffffu
#define PM_TIMER_HALF 0x800000u /* ticks between changes of the top bit */

#define CONFIG_PMBASE 0x40
#define CONFIG_DEVACTB 0x58
#define CONFIG_PMREGMISC 0x80
#define CONFIG_SMBBASE 0x90
#define CONFIG_SMBHSTCFG 0xd2
#define PMREGMISC_ENABLE 1
#define SMBHSTCFG_ENABLE 1
#define SMBHSTCFG_IRQ9 (4 << 1)
#define DEVACTB_APMC_EN (1u << 25)

/* PM1 status and enable */
#define PM1_TIMER (1u << 0)
#define PM1_GLOBAL (1u << 5)
#define PM1_POWER_BUTTON (1u << 8)
#define PM1_RTC (1u << 10)
#define PM1_WAKE (1u << 15)
#define PM1_STATUS_BITS (PM1_TIMER | 1u << 4 | PM1_GLOBAL | PM1_POWER_BUTTON | PM1_RTC | PM1_WAKE)
#define PM1_ENABLE_BITS (PM1_TIMER | PM1_GLOBAL | PM1_POWER_BUTTON | PM1_RTC)

/* PM1 control */
#define PM1_SCI_EN (1u << 0)
#define PM1_SLEEP_TYPE(v) ((v) >> 10 & 7)
#define PM1_SLEEP_EN (1u << 13)
#define PM1_CONTROL_BITS 0x1c03u

struct Acpi {
    PciDevice *pci;
    Bus *io;
    Region *pm;
    Clock *clock;
    AcpiWires wires;
    Smbus *smbus;
    uint16_t status, enable, control;
    uint16_t gpe_status, gpe_enable;
    bool rtc; /* its interrupt's level */
    uint64_t overflow; /* the tick at which the timer's status is set next */
    Timer *timer;
    uint8_t apm_command, apm_status;
};

static uint64_t pm_ticks(const Acpi *a)
{
    return (uint64_t)((unsigned __int128)clock_now(a->clock) * PM_TIMER_HZ / NS_PER_SEC);
}

/* The first moment at which the count is `ticks`. */
static int64_t pm_time(uint64_t ticks)
{
    return (int64_t)(((unsigned __int128)ticks * NS_PER_SEC + PM_TIMER_HZ - 1) / PM_TIMER_HZ);
}

static void overflow_schedule(Acpi *a)
{
    a->overflow = (pm_ticks(a) / PM_TIMER_HALF + 1) * PM_TIMER_HALF;
}

static void status_update(Acpi *a)
{
    if (pm_ticks(a) >= a->overflow)
        a->status |= PM1_TIMER;
}

static void acpi_update(Acpi *a)
{
    status_update(a);
    bool event = (a->status & a->enable & PM1_ENABLE_BITS) || (a->gpe_status & a->gpe_enable);
    irqline_set(&a->wires.sci, event && (a->control & PM1_SCI_EN));
    if ((a->enable & PM1_TIMER) && !(a->status & PM1_TIMER))
        timer_arm(a->timer, pm_time(a->overflow));
    else
        timer_disarm(a->timer);
}

static void pm_timer_expired(void *opaque)
{
    acpi_update(opaque);
}

/* PIIX4 (82371AB) datasheet, PMSTS bit 10: set when IRQ8# is asserted. */
void acpi_rtc_alarm(Acpi *a, bool level)
{
    if (level && !a->rtc)
        a->status |= PM1_RTC;
    a->rtc = level;
    acpi_update(a);
}

bool acpi_power_button(Acpi *a)
{
    a->status |= PM1_POWER_BUTTON;
    acpi_update(a);
    return (a->control & PM1_SCI_EN) && (a->enable & PM1_POWER_BUTTON);
}

/* PM registers: 16 bits wide but for the timer. Bytes are merged here, so that any access works. */

static uint16_t pm_register(Acpi *a, unsigned reg)
{
    switch (reg) {
    case ACPI_PM1_STATUS:
        status_update(a);
        return a->status;
    case ACPI_PM1_ENABLE:
        return a->enable;
    case ACPI_PM1_CONTROL:
        return a->control;
    case ACPI_PM_TIMER:
        return (uint16_t)pm_ticks(a);
    case ACPI_PM_TIMER + 2:
        return (uint16_t)(pm_ticks(a) >> 16 & PM_TIMER_MASK >> 16);
    case ACPI_GPE0:
        return a->gpe_status;
    case ACPI_GPE0 + 2:
        return a->gpe_enable;
    default:
        return 0;
    }
}

static void control_write(Acpi *a, uint16_t value)
{
    /* SCI_EN is switched by the command port; letting the guest do it too harms nobody, and QEMU does. */
    a->control = value & PM1_CONTROL_BITS;
    acpi_update(a);
    if ((value & PM1_SLEEP_EN) && PM1_SLEEP_TYPE(value) == ACPI_SLEEP_SOFT_OFF && a->wires.power_off)
        a->wires.power_off(a->wires.opaque);
}

/* The bits `changed` of a register get those of value. */
static void pm_register_write(Acpi *a, unsigned reg, uint16_t value, uint16_t changed)
{
    uint16_t merged = (pm_register(a, reg) & ~changed) | (value & changed);
    switch (reg) {
    case ACPI_PM1_STATUS:
        status_update(a);
        if (value & changed & a->status & PM1_TIMER)
            overflow_schedule(a);
        a->status &= ~(value & changed & PM1_STATUS_BITS);
        break;
    case ACPI_PM1_ENABLE:
        a->enable = merged & PM1_ENABLE_BITS;
        break;
    case ACPI_PM1_CONTROL:
        control_write(a, merged);
        return;
    case ACPI_GPE0:
        a->gpe_status &= ~(value & changed);
        break;
    case ACPI_GPE0 + 2:
        a->gpe_enable = merged;
        break;
    }
    acpi_update(a);
}

static uint64_t pm_read(void *opaque, uint64_t offset, unsigned size)
{
    uint64_t value = pm_register(opaque, (unsigned)offset & ~1u) >> (offset & 1) * 8;
    if (size == 4)
        value |= (uint64_t)pm_register(opaque, (unsigned)offset + 2) << 16;
    return value;
}

static void pm_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    unsigned shift = (offset & 1) * 8;
    uint16_t changed = size == 1 ? 0xff << shift : 0xffff;
    pm_register_write(opaque, (unsigned)offset & ~1u, (uint16_t)(value << shift), changed);
    if (size == 4)
        pm_register_write(opaque, (unsigned)offset + 2, (uint16_t)(value >> 16), 0xffff);
}

static const RegionOps pm_ops = { .read = pm_read, .write = pm_write, .min_size = 1, .max_size = 4 };

/* The SMI command and status ports */

static uint64_t apm_read(void *opaque, uint64_t offset, unsigned size)
{
    Acpi *a = opaque;
    return offset ? a->apm_status : a->apm_command;
}

static void apm_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Acpi *a = opaque;
    if (offset) {
        a->apm_status = (uint8_t)value;
        return;
    }
    a->apm_command = (uint8_t)value;
    if (value == ACPI_ENABLE_COMMAND)
        a->control |= PM1_SCI_EN;
    else if (value == ACPI_DISABLE_COMMAND)
        a->control &= ~PM1_SCI_EN;
    acpi_update(a);
}

static const RegionOps apm_ops = { .read = apm_read, .write = apm_write, .min_size = 1, .max_size = 1 };

/* Configuration space */

static void acpi_place(Acpi *a)
{
    PciDevice *pci = a->pci;
    uint32_t base = pci_get32(pci, CONFIG_PMBASE) & 0xffc0;
    bool on = (pci->config[CONFIG_PMREGMISC] & PMREGMISC_ENABLE) && base;
    bus_begin(a->io);
    if (on)
        region_move(a->io, a->pm, base);
    region_set_enabled(a->io, a->pm, on);
    bus_commit(a->io);
    base = pci_get32(pci, CONFIG_SMBBASE) & 0xffc0;
    smbus_place(a->smbus, base, (pci->config[CONFIG_SMBHSTCFG] & SMBHSTCFG_ENABLE) && base);
}

static void acpi_written(void *opaque, unsigned offset, unsigned size)
{
    acpi_place(opaque);
}

void acpi_reset(Acpi *a)
{
    PciDevice *pci = a->pci;
    memset(pci->config + 0x40, 0, 0x100 - 0x40);
    memset(pci->wmask + 0x40, 0xff, 0x100 - 0x40);
    pci_put32(pci->config, CONFIG_PMBASE, 1); /* bit 0: these are ports */
    pci_put32(pci->wmask, CONFIG_PMBASE, 0xffc0);
    pci_put32(pci->config, CONFIG_SMBBASE, 1);
    pci_put32(pci->wmask, CONFIG_SMBBASE, 0xffc0);
    pci_put32(pci->config, CONFIG_DEVACTB, DEVACTB_APMC_EN);
    pci->config[CONFIG_SMBHSTCFG] = SMBHSTCFG_IRQ9;
    a->status = a->enable = a->control = 0;
    a->gpe_status = a->gpe_enable = 0;
    a->apm_command = a->apm_status = 0;
    overflow_schedule(a);
    smbus_reset(a->smbus);
    acpi_place(a);
    acpi_update(a);
}

Acpi *acpi_new(PciBus *bus, unsigned devfn, Bus *io, Clock *clock, const AcpiWires *wires)
{
    Acpi *a = g_new0(Acpi, 1);
    a->io = io;
    a->clock = clock;
    a->wires = *wires;
    a->timer = timer_new(clock, pm_timer_expired, a);
    a->smbus = smbus_new(io);
    a->pci = pci_device_new(bus, devfn, "PIIX4-PM", &(PciId){ 0x8086, 0x7113, 3, 0x068000, 0, 0 });
    a->pci->config[PCI_STATUS] = PCI_STATUS_FAST_BACK;
    a->pci->config[PCI_STATUS + 1] = PCI_STATUS_DEVSEL_MEDIUM >> 8;
    a->pci->config[PCI_INTERRUPT_PIN] = 1;
    a->pci->written = acpi_written;
    a->pci->opaque = a;
    a->pm = bus_add_io(io, "acpi-pm", ACPI_PM_BASE, ACPI_PM_SIZE, &pm_ops, a, 0);
    bus_add_io(io, "apm", ACPI_SMI_COMMAND, 2, &apm_ops, a, 0);
    acpi_reset(a);
    return a;
}

void acpi_free(Acpi *a)
{
    if (!a)
        return;
    timer_free(a->timer);
    smbus_free(a->smbus);
    g_free(a);
}

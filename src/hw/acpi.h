/*
 * Power management: the PIIX4's ACPI function (82371AB, 8086:7113), with the PM timer, the SCI, the power button,
 * and the SMI command port that switches ACPI mode.
 */
#pragma once

#include "clock.h"
#include "hw/pci.h"
#include "irqline.h"

typedef struct Acpi Acpi;

/* The general purpose events and their registers lie behind the PM registers, as on the chip. */
enum {
    ACPI_PM1_STATUS = 0x00,
    ACPI_PM1_ENABLE = 0x02,
    ACPI_PM1_CONTROL = 0x04,
    ACPI_PM_TIMER = 0x08,
    ACPI_GPE0 = 0x0c,
    ACPI_PM_SIZE = 0x40,
};

/* What a BIOS puts into the guest's tables. */
#define ACPI_PM_BASE 0x600      /* SeaBIOS's choice, and ours */
#define ACPI_SMI_COMMAND 0xb2
#define ACPI_ENABLE_COMMAND 0xf1
#define ACPI_DISABLE_COMMAND 0xf0
#define ACPI_SLEEP_SOFT_OFF 0   /* SLP_TYP of S5 */
#define ACPI_SCI_IRQ 9

typedef struct AcpiWires {
    IrqLine sci;
    void (*power_off)(void *opaque); /* the guest went to S5 */
    void *opaque;
} AcpiWires;

Acpi *acpi_new(PciBus *pci, unsigned devfn, Bus *io, Clock *clock, const AcpiWires *wires);
void acpi_reset(Acpi *a);
void acpi_free(Acpi *a);

/* The level of the RTC's interrupt: its rise is the event that PM1's RTC bits are about. */
void acpi_rtc_alarm(Acpi *a, bool level);

/* Press the power button. True when the guest is listening (ACPI mode, event enabled). */
bool acpi_power_button(Acpi *a);

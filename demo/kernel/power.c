/*
 * Off and on again. ACPI's way to switch off is to write the sleep type of S5 and SLP_EN to PM1a control. Its port is
 * that of the PIIX4's power management function, found by PCI configuration as the BIOS set it; the type is 0 on this
 * chipset.
 */
#include "kernel/kernel.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PIIX4_PM 0x71138086u
#define PCI_ENABLE 0x80000000u
#define PM_BASE 0x40
#define PM1_CONTROL 4
#define SLEEP_ENABLE 0x2000
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_BUSY 2
#define KEYBOARD_RESET 0xfe

static _Noreturn void stop(void)
{
    for (;;)
        asm volatile("cli\n hlt");
}

static uint32_t pci_read(unsigned device, unsigned function, unsigned offset)
{
    outl(PCI_ADDRESS, PCI_ENABLE | device << 11 | function << 8 | offset);
    return inl(PCI_DATA);
}

void power_off(void)
{
    for (unsigned device = 0; device < 32; device++)
        for (unsigned function = 0; function < 8; function++)
            if (pci_read(device, function, 0) == PIIX4_PM) {
                outw((pci_read(device, function, PM_BASE) & 0xffc0) + PM1_CONTROL, SLEEP_ENABLE);
                stop();
            }
    panic("this machine cannot switch itself off");
}

void power_reboot(void)
{
    while (inb(KEYBOARD_COMMAND) & KEYBOARD_BUSY) {
    }
    outb(KEYBOARD_COMMAND, KEYBOARD_RESET);
    stop();
}

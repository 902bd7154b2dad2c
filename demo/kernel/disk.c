/*
 * The disk: the first drive of the first ATA channel, read with PIO. The process that reads sleeps until the
 * interrupt.
 */
#include "kernel/kernel.h"

#define IRQ 14
enum { DATA = 0x1f0, COUNT = 0x1f2, LBA_LOW, LBA_MIDDLE, LBA_HIGH, DRIVE, COMMAND, STATUS = COMMAND, CONTROL = 0x3f6 };
#define DRIVE_LBA 0xe0
#define COMMAND_READ 0x20
#define STATUS_ERROR 0x21 /* ERR or DF */
#define STATUS_READY 0x40
#define NO_CHANNEL 0xff

static bool busy, interrupted;

void disk_init(void)
{
    outb(DRIVE, DRIVE_LBA);
    if (!(inb(STATUS) & STATUS_READY) || inb(STATUS) == NO_CHANNEL)
        panic("the demo disk must be the first ATA disk (-hda)");
    outb(CONTROL, 0); /* nIEN clear: interrupts wanted */
    pic_unmask(IRQ);
}

void disk_interrupt(void)
{
    counters.disk++;
    interrupted = true;
    process_wake(&interrupted);
}

/* Wait for the interrupt; reading the status then takes it back. */
static bool sector_is_ready(void)
{
    while (!interrupted)
        process_sleep(&interrupted, FOREVER);
    interrupted = false;
    return !(inb(STATUS) & STATUS_ERROR);
}

bool disk_read(uint32_t sector, uint32_t count, void *to)
{
    bool ok = true;
    while (busy)
        process_sleep(&busy, FOREVER);
    busy = true;
    interrupted = false;
    outb(DRIVE, DRIVE_LBA | (sector >> 24 & 15));
    outb(COUNT, count);
    outb(LBA_LOW, sector);
    outb(LBA_MIDDLE, sector >> 8);
    outb(LBA_HIGH, sector >> 16);
    outb(COMMAND, COMMAND_READ);
    for (; count && (ok = sector_is_ready()); count--) {
        uint32_t words = SECTOR_BYTES / 2;
        asm volatile("rep insw" : "+D"(to), "+c"(words) : "d"(DATA) : "memory");
    }
    busy = false;
    process_wake(&busy);
    return ok;
}

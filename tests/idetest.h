/*
 * What the IDE tests share: scratch images whose sectors know their number, and the register dance of a driver.
 */
#pragma once

#include "hw/ide.h"
#include "hwtest.h"

#define CMD0 0x1f0
#define CTL0 0x3f6
#define CMD1 0x170
#define CTL1 0x376

/* Status bits. */
enum { ERR = 0x01, DRQ = 0x08, DSC = 0x10, DF = 0x20, DRDY = 0x40, BSY = 0x80 };

/*
 * A scratch image of n units of the given size, each beginning with its number (32 bits); removed from the file
 * system.
 */
BlockDev *idetest_image(uint64_t n, unsigned unit);
/* The same, with its descriptor's path (under /proc/self/fd) so that a test can truncate it. */
BlockDev *idetest_image_path(uint64_t n, unsigned unit, char **path);

/* Write the task file and the command; drive is the whole device register. */
void ide_command28(HwTest *t, uint16_t base, uint8_t device, uint8_t feature, uint8_t count, uint32_t lba,
                   uint8_t command);
void ide_command48(HwTest *t, uint16_t base, uint8_t device, uint16_t count, uint64_t lba, uint8_t command);

/* Move n bytes through the data port by words. */
void ide_pio_in(HwTest *t, uint16_t base, void *buf, unsigned n);
void ide_pio_out(HwTest *t, uint16_t base, const void *buf, unsigned n);

/* Expect the status (read from the alternate status register, so that INTRQ stays). */
#define assert_status(t, ctl, want) g_assert_cmphex(hw_inb(t, ctl), ==, want)

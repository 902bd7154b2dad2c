/*
 * The 440FX host bridge (82441FX PMC, 8086:1237 at 00:00.0): which of the first megabyte is RAM, ROM or bus.
 */
#pragma once

#include "hw/pci.h"
#include "softmmu/ram.h"

typedef struct I440fx I440fx;

#define I440FX_BIOS_WINDOW 0x20000u /* 0xe0000 to 0xfffff */

/*
 * Put the first ram_size bytes of ram on mem: 0 to 640 KiB, 1 MiB to the end, and the 384 KiB between as the PAM
 * and SMRAM registers say. bios is what the bus shows at 0xe0000 (I440FX_BIOS_WINDOW bytes, page aligned, not
 * owned). ram_size is a multiple of 4 KiB, 1 MiB at least.
 */
I440fx *i440fx_new(PciBus *pci, Bus *mem, Ram *ram, uint64_t ram_size, Hva bios);
void i440fx_reset(I440fx *f);
void i440fx_free(I440fx *f);

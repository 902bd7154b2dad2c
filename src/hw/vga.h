/*
 * The VGA: IBM's registers and planar memory, and the Bochs VBE ("dispi") extension for true colour and large modes,
 * as the PCI display controller 1234:1111 that QEMU calls stdvga.
 *
 *     Vga *vga = vga_new(mem, io, clock, &(VgaConfig){0});
 *     vga_pci_attach(vga, pci, PCI_DEVFN(2, 0), rom, rom_len);
 *     Display *display = vga_display(vga);
 *
 * Facts: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"; the VBE Display API of Bochs; QEMU's
 * standard-vga specification. All calls with the machine lock held.
 */
#pragma once

#include "clock.h"
#include "hw/display.h"
#include "hw/pci.h"
#include "softmmu/region.h"

#include <stddef.h>

typedef struct Vga Vga;

typedef struct VgaConfig {
    uint32_t vram_size; /* bytes, a power of two from 1 to 256 MiB; 0: 16 MiB */
    int xres, yres;     /* the size that the EDID prefers, 640x480 to 4095x4095; 0: 1024x768 */
} VgaConfig;

/* Lies over the RAM (and under nothing) in the legacy window A0000..BFFFF. */
#define VGA_PRIORITY 10

/*
 * Make a VGA that answers at the legacy ports and at A0000 at once. Video memory is zeroed and takes host memory only where
 * touched. NULL and error when the configuration is out of range or the host has no memory. Free the buses first or
 * not at all: they don't touch the VGA while being freed.
 */
Vga *vga_new(Bus *mem, Bus *io, Clock *clock, const VgaConfig *config, GError **error);
void vga_free(Vga *vga);
/* RESET#: all registers to their power-on values. Memory contents stay. */
void vga_reset(Vga *vga);

/*
 * Put it on the PCI bus: the frame buffer is BAR0, EDID and registers are BAR2. rom (copied) is the VGA BIOS that the
 * expansion ROM register maps; NULL for none.
 */
PciDevice *vga_pci_attach(Vga *vga, PciBus *bus, unsigned devfn, const void *rom, size_t rom_len);

/* The picture. Lives as long as the VGA. */
Display *vga_display(Vga *vga);

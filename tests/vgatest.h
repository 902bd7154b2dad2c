/*
 * What the VGA's tests share: a VGA on the bench, indexed registers, and IBM's standard modes (the register values of
 * the PS/2 BIOS, which every VGA BIOS uses).
 */
#pragma once

#include "hw/vga.h"
#include "hwtest.h"

typedef struct VgaMode {
    uint8_t misc, seq[5], crtc[25], gfx[9], attr[21];
} VgaMode;

extern const VgaMode mode_1;  /* text 40x25 */
extern const VgaMode mode_3;  /* text 80x25, 9x16 */
extern const VgaMode mode_4;  /* 320x200, 4 colours, CGA memory */
extern const VgaMode mode_6;  /* 640x200, 2 colours, CGA memory */
extern const VgaMode mode_d;  /* 320x200, 16 colours */
extern const VgaMode mode_12; /* 640x480, 16 colours */
extern const VgaMode mode_13; /* 320x200, 256 colours */

Vga *vga_on(HwTest *t);

void seq(HwTest *t, uint8_t index, uint8_t value);
void gfx(HwTest *t, uint8_t index, uint8_t value);
void crtc(HwTest *t, uint8_t index, uint8_t value);
uint8_t crtc_get(HwTest *t, uint8_t index);
/* Attribute registers; the screen stays on. */
void attr(HwTest *t, uint8_t index, uint8_t value);
void dispi(HwTest *t, uint16_t index, uint16_t value);
uint16_t dispi_get(HwTest *t, uint16_t index);

/* Load all registers, switch the screen on, and give DAC entry i the colour dac_rgb(i). */
void set_mode(HwTest *t, const VgaMode *mode);
/* Program byte-wide access to the planes at A0000: write mode 0, no odd/even, no chain, bit mask ff. */
void planar_access(HwTest *t);
/* Write and read a byte of a plane (after planar_access()). */
void plane_write(HwTest *t, int plane, uint32_t offset, uint8_t value);
uint8_t plane_read(HwTest *t, int plane, uint32_t offset);

/* Six-bit components, different for every entry, and the pixel that they make. */
void dac_entry(unsigned i, uint8_t rgb[3]);
uint32_t dac_rgb(unsigned i);

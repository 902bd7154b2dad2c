/*
 * The EDID of the monitor that a display adapter pretends to have (VESA Enhanced EDID Standard, release A2: EDID 1.4).
 */
#pragma once

#include <stdint.h>

#define EDID_SIZE 128

/* Describe a monitor of at most, and preferably, xres * yres pixels (each 1..4095) at 60 Hz. */
void edid_make(uint8_t edid[EDID_SIZE], int xres, int yres);

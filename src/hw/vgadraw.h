/*
 * What the drawing files of the VGA share: the geometry of the picture that the registers describe.
 */
#pragma once

#include "hw/vgastate.h"

/* The most that the CRTC can ask for: 256 characters of 9 dots, doubled; 1024 lines, doubled. */
enum { VGA_MAX_CHARS = 256, VGA_MAX_WIDTH = VGA_MAX_CHARS * 18 };

/* A picture, read out of the registers once per refresh. */
typedef struct VgaScreen {
    const Vga *vga;
    bool graphics;
    unsigned chars, char_dots; /* a row is chars * char_dots dots */
    unsigned dot_width;        /* 1, or 2 with the half dot clock */
    int width, height;         /* of the surface */
    unsigned row_height;       /* row scans in a character row */
    unsigned scan_repeat;      /* lines shown for each row scan */
    unsigned line_compare;
    unsigned start, row_step; /* character addresses */
    unsigned preset, byte_pan, pan;
    bool pan_split;       /* panning goes on below the split */
    bool cursor_on, blink_off; /* phases of blinking */
    uint32_t colour[256];
} VgaScreen;

/* What the CRTC fetches for one line. */
typedef struct VgaLine {
    unsigned address; /* character address of the first character */
    unsigned row_scan;
    unsigned pan; /* dots shifted out on the left */
} VgaLine;

void vga_screen_read(Vga *vga, VgaScreen *s);
VgaLine vga_screen_line(const VgaScreen *s, unsigned y);
/* The four plane bytes for a character address. */
uint32_t vga_screen_fetch(const VgaScreen *s, unsigned address, unsigned row_scan);

/* vgatext.c: colour indexes for the dots of a line, (chars + 1) * char_dots of them; and the text itself. */
void vga_text_line(const VgaScreen *s, const VgaLine *line, uint8_t *dots);
bool vga_text_read(Vga *vga, DisplayText *text);
/* Does a character of the text blink? */
bool vga_text_blinks(const DisplayText *text);

/* vbedraw.c */
DisplayChange vbe_draw(Vga *vga, DisplaySurface *surface, DisplayRect *changed);

/* The colour that the DAC makes of an 8-bit pixel: 0x00RRGGBB. */
uint32_t vga_dac_colour(const Vga *vga, uint8_t pixel);
/* The colours of 4-bit pixels: through plane enable, internal palette, colour select and DAC. */
void vga_palette16(const Vga *vga, uint32_t colour[16]);
/*
 * Spread bits over eight bytes of 0 or 1, the leftmost (bit 7) into the byte at the lowest address. The factor puts a copy
 * of bits at every ninth bit, so copy k has bit 7 - k just where byte k ends.
 */
static inline uint64_t vga_spread(uint8_t bits)
{
    return bits * 0x8040201008040201ull >> 7 & 0x0101010101010101ull;
}

/* Eight 4-bit pixels of four plane bytes, leftmost first. */
void vga_planes_to_dots(uint32_t planes, uint8_t dots[8]);

extern const DisplayOps vga_display_ops; /* opaque: Vga */

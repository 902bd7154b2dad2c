/* The VGA BIOS: INT 10h for a VGA with the Bochs VBE extension, in segment C000 (RB INT 10). */
#ifndef BIOS_VGA_H
#define BIOS_VGA_H

#include "bios/far.h"

#define VGA_SEG 0xc000

/* BIOS data area */
#define BDA_SEG 0x40
enum {
    V_EQUIPMENT = 0x10, V_MODE = 0x49, V_COLS = 0x4a, V_PAGE_SIZE = 0x4c, V_PAGE_START = 0x4e, V_CURSORS = 0x50,
    V_CURSOR_SHAPE = 0x60, V_PAGE = 0x62, V_CRTC = 0x63, V_MODE_REG = 0x65, V_CGA_PALETTE = 0x66, V_ROWS = 0x84,
    V_CHAR_HEIGHT = 0x85, V_CONTROL = 0x87, V_SWITCHES = 0x88, V_FLAGS = 0x89, V_DCC = 0x8a, V_SAVE_POINTER = 0xa8,
};
#define FLAG_NO_PALETTE 0x08            /* V_FLAGS: mode sets leave the palette alone */
#define FLAG_GREY 0x02

#define bda8(off) peek8(BDA_SEG, off)
#define bda16(off) peek16(BDA_SEG, off)
#define bda_set8(off, v) poke8(BDA_SEG, off, v)
#define bda_set16(off, v) poke16(BDA_SEG, off, v)

/* VGA ports (IBM PS/2 Hardware Interface Technical Reference, Video) */
#define ATTR_PORT 0x3c0
#define ATTR_READ 0x3c1
#define MISC_WRITE 0x3c2
#define MISC_READ 0x3cc
#define SEQ_PORT 0x3c4
#define DAC_MASK 0x3c6
#define DAC_READ_INDEX 0x3c7
#define DAC_WRITE_INDEX 0x3c8
#define DAC_DATA 0x3c9
#define GFX_PORT 0x3ce

enum { KIND_TEXT, KIND_CGA4, KIND_CGA2, KIND_PLANAR, KIND_LINEAR };
enum { PALETTE_CGA, PALETTE_EGA, PALETTE_MONO, PALETTE_256 };

typedef struct PACKED VgaMode {
    u8 mode, kind, palette;
    u8 cols, rows, height;      /* in characters; height of one */
    u16 segment, page_size;
    u8 pages;
    u8 misc, seq[4], crtc[25], attr[20], gfx[9];
} VgaMode;

typedef const VgaMode GSEG *ModePtr;

/* modes.c */
ModePtr mode_find(u8 mode);
ModePtr mode_current(void);
/* setmode.c */
void mode_set(u8 mode);
void mode_write_registers(ModePtr m);
void mode_bda(ModePtr m);
void screen_clear(ModePtr m);

/* registers */
static inline u16 crtc_port(void)
{
    return bda16(V_CRTC);
}

static inline void reg_write(u16 port, u8 index, u8 value)
{
    outw(port, value << 8 | index);
}

static inline u8 reg_read(u16 port, u8 index)
{
    outb(port, index);
    return inb(port + 1);
}

void attr_write(u8 index, u8 value);
u8 attr_read(u8 index);
void attr_screen(bool on);

/* text.c */
void cursor_shape(u8 start, u8 end);
void cursor_move(u8 page, u8 row, u8 col);
u16 cursor_get(u8 page);
void page_show(u8 page);
void scroll(u8 top, u8 left, u8 bottom, u8 right, u8 lines, u8 attr, bool down);
void char_read(Regs *r);
void char_write(u8 c, u8 attr, u8 page, u16 count, bool with_attr);
void teletype(u8 c, u8 page, u8 attr);
void string_write(Regs *r);

/* pixel.c */
void pixel_write(u16 x, u16 y, u8 page, u8 colour);
u8 pixel_read(u16 x, u16 y, u8 page);
void glyph_draw(ModePtr m, u8 c, u8 attr, u8 background, u8 page, u8 row, u8 col);
u8 glyph_read(ModePtr m, u8 page, u8 row, u8 col);
void graphics_scroll(ModePtr m, u8 top, u8 left, u8 bottom, u8 right, u8 lines, u8 attr, bool down);

/* palette.c */
void palette_load(u8 kind);
void palette_service(Regs *r);
void palette_grey(u16 first, u16 count);
void cga_palette_service(Regs *r);

/* font.c */
extern const u8 GSEG vga_font8[], vga_font14[], vga_font16[];
void font_load(u16 seg, u16 off, u8 height, u16 first, u16 count, u8 block);
void font_service(Regs *r);
/* The ROM's font of 8, 14 or 16 lines. */
const u8 GSEG *rom_font(u8 height);

/* state.c */
void display_service(Regs *r);
void alternate_service(Regs *r);
void functionality(Regs *r);
u16 state_size(u16 what);
void state_save(u16 what, u16 seg, u16 off);
void state_restore(u16 what, u16 seg, u16 off);

/* vbe.c */
void vbe_service(Regs *r);
void vbe_off(void);
bool vbe_present(void);
u16 dispi_read(u16 index);
void dispi_write(u16 index, u16 value);

#endif

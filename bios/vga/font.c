/* Fonts: loading character generator RAM (plane 2), and INT 10h/11xx. */
#include "bios/vga/vga.h"

/* Opens plane 2 at A0000, as 64 KiB, and puts text mode's addressing back. */
static void generator_open(bool open)
{
    reg_write(SEQ_PORT, 0, 1);
    reg_write(SEQ_PORT, 2, open ? 0x04 : 0x03);
    reg_write(SEQ_PORT, 4, open ? 0x07 : 0x03);
    reg_write(SEQ_PORT, 0, 3);
    reg_write(GFX_PORT, 4, open ? 0x02 : 0x00);
    reg_write(GFX_PORT, 5, open ? 0x00 : 0x10);
    reg_write(GFX_PORT, 6, open ? 0x04 : inb(MISC_READ) & 1 ? 0x0e : 0x0a);
}

/* Eight blocks of 8 KiB, the odd ones after the even; 32 bytes a character. */
void font_load(u16 seg, u16 off, u8 height, u16 first, u16 count, u8 block)
{
    u16 to = ((block & 3) << 14) + ((block & 4) << 11) + first * 32;

    generator_open(true);
    for (; count; count--, to += 32, off += height) {
        far_copy(0xa000, to, seg, off, height);
        for (u8 i = height; i < 32; i++) {
            poke8(0xa000, to + i, 0);
        }
    }
    generator_open(false);
}

const u8 GSEG *rom_font(u8 height)
{
    return height == 16 ? vga_font16 : height == 14 ? vga_font14 : vga_font8;
}

/* 111xh: as many rows as now fit, and the CRTC's cells to match. */
static void set_height(u8 height)
{
    u16 crtc = crtc_port(), scan_lines, end, rows;
    u8 overflow = reg_read(crtc, 0x07);

    end = reg_read(crtc, 0x12) | (overflow & 0x02) << 7 | (overflow & 0x40) << 3;
    scan_lines = (end + 1) >> (reg_read(crtc, 0x09) >> 7);
    rows = scan_lines / height;
    reg_write(crtc, 0x09, (reg_read(crtc, 0x09) & 0xe0) | (height - 1));
    reg_write(crtc, 0x14, bda8(V_MODE) == 7 ? height - 1 : 0x1f);
    bda_set16(V_CHAR_HEIGHT, height);
    bda_set8(V_ROWS, rows - 1);
    bda_set16(V_PAGE_SIZE, (rows * bda16(V_COLS) * 2 + 0xff) & ~0xff);
    end = rows * height * (reg_read(crtc, 0x09) & 0x80 ? 2 : 1) - 1;
    reg_write(crtc, 0x12, end);
    reg_write(crtc, 0x07, (overflow & ~0x42) | (end >> 7 & 0x02) | (end >> 3 & 0x40));
    cursor_shape(6, 7);
}

static void set_graphics_font(u32 font, u8 height, u8 rows_code, u8 rows)
{
    poke32(0, 0x43 * 4, font);
    bda_set16(V_CHAR_HEIGHT, height);
    bda_set8(V_ROWS, (rows_code == 0 ? rows : rows_code == 1 ? 14 : rows_code == 2 ? 25 : 43) - 1);
}

/* 1130h: a font's address. */
static void font_information(Regs *r)
{
    u32 at = (u32)VGA_SEG << 16;

    switch (r->bh) {
    case 0:
        at = peek32(0, 0x1f * 4);
        break;
    case 1:
        at = peek32(0, 0x43 * 4);
        break;
    case 2:
        at |= (u32)vga_font14;
        break;
    case 3:
        at |= (u32)vga_font8;
        break;
    case 4:
        at |= (u32)(vga_font8 + 128 * 8);
        break;
    case 6:
        at |= (u32)vga_font16;
        break;
    default:
        return;                         /* 5 and 7 are the 9-dot alternates, which we have not */
    }
    r->es = at >> 16;
    r->bp = at;
    r->cx = bda16(V_CHAR_HEIGHT);
    r->dl = bda8(V_ROWS);
}

void font_service(Regs *r)
{
    u8 height;
    u32 rom = (u32)VGA_SEG << 16;

    switch (r->al) {
    case 0x00:                          /* the caller's: ES:BP, CX characters from DX, BH high, block BL */
    case 0x10:
        font_load(r->es, r->bp, r->bh, r->dx, r->cx, r->bl);
        if (r->al & 0x10) {
            set_height(r->bh);
        }
        break;
    case 0x01:                          /* ROM fonts */
    case 0x11:
    case 0x02:
    case 0x12:
    case 0x04:
    case 0x14:
        height = (r->al & 7) == 1 ? 14 : (r->al & 7) == 2 ? 8 : 16;
        font_load(VGA_SEG, (u32)rom_font(height), height, 0, 256, r->bl);
        if (r->al & 0x10) {
            set_height(height);
        }
        break;
    case 0x03:                          /* which blocks attribute bit 3 chooses from */
        reg_write(SEQ_PORT, 3, r->bl);
        break;
    case 0x20:                          /* INT 1Fh */
        poke32(0, 0x1f * 4, (u32)r->es << 16 | r->bp);
        break;
    case 0x21:                          /* graphics modes */
        set_graphics_font((u32)r->es << 16 | r->bp, r->cx, r->bl, r->dl);
        break;
    case 0x22:
        set_graphics_font(rom | (u32)vga_font14, 14, r->bl, r->dl);
        break;
    case 0x23:
        set_graphics_font(rom | (u32)vga_font8, 8, r->bl, r->dl);
        break;
    case 0x24:
        set_graphics_font(rom | (u32)vga_font16, 16, r->bl, r->dl);
        break;
    case 0x30:
        font_information(r);
        break;
    }
}

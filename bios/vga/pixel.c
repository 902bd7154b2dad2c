/* Graphics: pixels and characters in each of the four memory layouts (INT 10h/0Ch, 0Dh). */
#include "bios/vga/vga.h"

#define XOR 0x80                /* colour bit: exclusive or, but in 256-colour modes */

/* CGA interlaces: odd lines are 8 KiB further on. */
static u16 cga_address(u16 x, u16 y, u8 pixels_per_byte)
{
    return (y & 1) * 0x2000 + (y >> 1) * 80 + x / pixels_per_byte;
}

static u16 planar_address(u16 x, u16 y, u8 page)
{
    return page * bda16(V_PAGE_SIZE) + y * bda16(V_COLS) + x / 8;
}

/* The graphics controller writes colour to the planes wherever mask has a one (set/reset, write mode 0). */
static void planar_begin(u8 colour)
{
    reg_write(SEQ_PORT, 2, 0x0f);
    reg_write(GFX_PORT, 0, colour & 0x0f);
    reg_write(GFX_PORT, 1, 0x0f);
    reg_write(GFX_PORT, 3, colour & XOR ? 0x18 : 0x00);
    reg_write(GFX_PORT, 5, 0);
}

static void planar_put(u16 seg, u16 at, u8 mask)
{
    reg_write(GFX_PORT, 8, mask);
    set_fs(seg);
    FAR8(at);                   /* fills the latches */
    FAR8(at) = 0xff;
}

static void planar_end(void)
{
    reg_write(GFX_PORT, 0, 0);
    reg_write(GFX_PORT, 1, 0);
    reg_write(GFX_PORT, 3, 0);
    reg_write(GFX_PORT, 8, 0xff);
}

static void cga_put(u16 seg, u16 at, u8 mask, u8 bits, bool exclusive)
{
    u8 v = peek8(seg, at);

    poke8(seg, at, exclusive ? v ^ (bits & mask) : (v & ~mask) | (bits & mask));
}

void pixel_write(u16 x, u16 y, u8 page, u8 colour)
{
    ModePtr m = mode_current();
    u8 shift;

    if (!m) {
        return;
    }
    switch (m->kind) {
    case KIND_CGA4:
        shift = 6 - 2 * (x & 3);
        cga_put(m->segment, cga_address(x, y, 4), 3 << shift, (colour & 3) << shift, colour & XOR);
        break;
    case KIND_CGA2:
        shift = 7 - (x & 7);
        cga_put(m->segment, cga_address(x, y, 8), 1 << shift, (colour & 1) << shift, colour & XOR);
        break;
    case KIND_PLANAR:
        planar_begin(colour);
        planar_put(m->segment, planar_address(x, y, page & 7), 0x80 >> (x & 7));
        planar_end();
        break;
    case KIND_LINEAR:
        poke8(m->segment, y * 320 + x, colour);
        break;
    }
}

u8 pixel_read(u16 x, u16 y, u8 page)
{
    ModePtr m = mode_current();
    u8 colour = 0;

    if (!m) {
        return 0;
    }
    switch (m->kind) {
    case KIND_CGA4:
        return peek8(m->segment, cga_address(x, y, 4)) >> (6 - 2 * (x & 3)) & 3;
    case KIND_CGA2:
        return peek8(m->segment, cga_address(x, y, 8)) >> (7 - (x & 7)) & 1;
    case KIND_PLANAR:
        for (u8 plane = 0; plane < 4; plane++) {
            reg_write(GFX_PORT, 4, plane);
            colour |= (peek8(m->segment, planar_address(x, y, page & 7)) >> (7 - (x & 7)) & 1) << plane;
        }
        reg_write(GFX_PORT, 4, 0);
        return colour;
    case KIND_LINEAR:
        return peek8(m->segment, y * 320 + x);
    }
    return 0;
}

/* INT 43h has the font of graphics modes; for CGA modes INT 1Fh has its upper half. */
static u8 glyph_line(ModePtr m, u8 c, u8 height, u8 line)
{
    u32 font = peek32(0, 0x43 * 4);

    if (c >= 0x80 && (m->kind == KIND_CGA4 || m->kind == KIND_CGA2)) {
        font = peek32(0, 0x1f * 4);
        c -= 0x80;
    }
    return peek8(font >> 16, font + c * height + line);
}

/* Each bit of an 8-pixel line doubled. */
static u16 doubled(u8 bits)
{
    u16 v = 0;

    for (u8 i = 0; i < 8; i++) {
        v |= (bits >> i & 1 ? 3 : 0) << 2 * i;
    }
    return v;
}

void glyph_draw(ModePtr m, u8 c, u8 attr, u8 background, u8 page, u8 row, u8 col)
{
    u8 height = bda16(V_CHAR_HEIGHT);

    for (u8 line = 0; line < height; line++) {
        u8 bits = glyph_line(m, c, height, line);
        u16 y = row * height + line, at, wide, colour;

        switch (m->kind) {
        case KIND_CGA4:
            at = cga_address(col * 8, y, 4);
            wide = doubled(bits);
            colour = (attr & 3) * 0x5555;
            cga_put(m->segment, at, 0xff, (wide & colour) >> 8, attr & XOR);
            cga_put(m->segment, at + 1, 0xff, wide & colour, attr & XOR);
            break;
        case KIND_CGA2:
            cga_put(m->segment, cga_address(col * 8, y, 8), 0xff, attr & 1 ? bits : 0, attr & XOR);
            break;
        case KIND_PLANAR:
            at = planar_address(col * 8, y, page);
            if (!(attr & XOR)) {
                planar_begin(background);
                planar_put(m->segment, at, 0xff);
            }
            planar_begin(attr);
            planar_put(m->segment, at, bits);
            break;
        case KIND_LINEAR:
            set_fs(m->segment);
            at = y * 320 + col * 8;
            for (u8 x = 0; x < 8; x++) {
                FAR8((u16)(at + x)) = bits & 0x80 >> x ? attr : background;
            }
            break;
        }
    }
    if (m->kind == KIND_PLANAR) {
        planar_end();
    }
}

/* Which character do these pixels show? 0 when none. */
u8 glyph_read(ModePtr m, u8 page, u8 row, u8 col)
{
    u8 height = bda16(V_CHAR_HEIGHT), lines[16];

    for (u8 line = 0; line < height && line < 16; line++) {
        u8 bits = 0;

        for (u8 x = 0; x < 8; x++) {
            bits = bits << 1 | (pixel_read(col * 8 + x, row * height + line, page) != 0);
        }
        lines[line] = bits;
    }
    for (u16 c = 0; c < 256; c++) {
        u8 line = 0;

        while (line < height && line < 16 && glyph_line(m, c, height, line) == lines[line]) {
            line++;
        }
        if (line == height) {
            return c;
        }
    }
    return 0;
}

static void planar_scroll(ModePtr m, u8 left, u8 width, u16 to, u16 from, u16 lines, u8 attr, bool copy)
{
    u16 cols = bda16(V_COLS), base = bda16(V_PAGE_START) + left;

    if (copy) {
        reg_write(SEQ_PORT, 2, 0x0f);
        reg_write(GFX_PORT, 5, 1);      /* write mode 1: latches to memory */
        set_fs(m->segment);
        for (u16 i = 0; i < lines; i++) {
            for (u8 x = 0; x < width; x++) {
                u8 latched = FAR8((u16)(base + (from + i) * cols + x));

                FAR8((u16)(base + (to + i) * cols + x)) = latched;
            }
        }
        reg_write(GFX_PORT, 5, 0);
    } else {
        planar_begin(attr & 0x0f);
        reg_write(GFX_PORT, 8, 0xff);
        set_fs(m->segment);
        for (u16 i = 0; i < lines; i++) {
            for (u8 x = 0; x < width; x++) {
                FAR8((u16)(base + (to + i) * cols + x)) = 0;
            }
        }
        planar_end();
    }
}

static void byte_scroll(ModePtr m, u8 left, u8 width, u16 to, u16 from, u16 lines, u8 attr, bool copy)
{
    u8 per_char = m->kind == KIND_LINEAR ? 8 : m->kind == KIND_CGA4 ? 2 : 1;
    u16 fill = m->kind == KIND_LINEAR ? attr : m->kind == KIND_CGA4 ? (attr & 3) * 0x55 : attr & 1 ? 0xff : 0;

    for (u16 i = 0; i < lines; i++) {
        u16 d = m->kind == KIND_LINEAR ? (to + i) * 320 : cga_address(0, to + i, 1);
        u16 s = m->kind == KIND_LINEAR ? (from + i) * 320 : cga_address(0, from + i, 1);

        d += left * per_char;
        s += left * per_char;
        if (copy) {
            far_copy(m->segment, d, m->segment, s, width * per_char);
        } else {
            set_fs(m->segment);
            for (u16 x = 0; x < width * per_char; x++) {
                FAR8((u16)(d + x)) = fill;
            }
        }
    }
}

void graphics_scroll(ModePtr m, u8 top, u8 left, u8 bottom, u8 right, u8 lines, u8 attr, bool down)
{
    u8 height = bda16(V_CHAR_HEIGHT);

    for (u8 i = 0; i <= bottom - top; i++) {
        u8 row = down ? bottom - i : top + i;
        u8 from = down ? row - lines : row + lines;
        bool copy = i <= bottom - top - lines;

        if (m->kind == KIND_PLANAR) {
            planar_scroll(m, left, right - left + 1, row * height, from * height, height, attr, copy);
        } else {
            byte_scroll(m, left, right - left + 1, row * height, from * height, height, attr, copy);
        }
    }
}

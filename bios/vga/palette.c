/* The palette: default colours, and INT 10h/0Bh and 10xx. */
#include "bios/vga/vga.h"

static void dac_write(u8 index, u8 red, u8 green, u8 blue)
{
    outb(DAC_WRITE_INDEX, index);
    outb(DAC_DATA, red);
    outb(DAC_DATA, green);
    outb(DAC_DATA, blue);
}

/* Bits rgbRGB as the EGA has them: two thirds and one third of full. */
static void ega_colour(u8 index, u8 c)
{
    dac_write(index, (c & 4 ? 42 : 0) + (c & 0x20 ? 21 : 0), (c & 2 ? 42 : 0) + (c & 0x10 ? 21 : 0),
              (c & 1 ? 42 : 0) + (c & 0x08 ? 21 : 0));
}

/* Bits IRGB as the CGA has them, dark yellow as brown. */
static void cga_colour(u8 index, u8 c)
{
    u8 more = c & 8 ? 21 : 0;

    dac_write(index, (c & 4 ? 42 : 0) + more, (c == 6 ? 21 : c & 2 ? 42 : 0) + more, (c & 1 ? 42 : 0) + more);
}

/* Mode 13h: 16 CGA colours, 16 greys, then 24 hues in 3 saturations for each of 3 brightnesses, 8 black. The hues walk
 * round blue, red, green in steps of a quarter between the lowest and highest level of the group. */
static void colours_256(void)
{
    static const GSEG u8 __attribute__((section(".rom"))) greys[16] = {
        0, 5, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40, 45, 50, 56, 63
    };
    static const GSEG u8 __attribute__((section(".rom"))) levels[9][5] = {
        { 0, 16, 31, 47, 63 }, { 31, 39, 47, 55, 63 }, { 45, 49, 54, 58, 63 },
        { 0, 7, 14, 21, 28 }, { 14, 17, 21, 24, 28 }, { 20, 22, 24, 26, 28 },
        { 0, 4, 8, 12, 16 }, { 8, 10, 12, 14, 16 }, { 11, 12, 13, 15, 16 },
    };
    u8 at = 32;

    for (u8 i = 0; i < 16; i++) {
        cga_colour(i, i);
        dac_write(16 + i, greys[i], greys[i], greys[i]);
    }
    for (u8 group = 0; group < 9; group++) {
        for (u8 hue = 0; hue < 24; hue++) {
            u8 r = hue < 4 ? hue : hue <= 12 ? 4 : hue < 16 ? 16 - hue : 0;
            u8 g = hue <= 8 ? 0 : hue < 12 ? hue - 8 : hue <= 20 ? 4 : 24 - hue;
            u8 b = hue <= 4 ? 4 : hue < 8 ? 8 - hue : hue <= 16 ? 0 : hue < 20 ? hue - 16 : 4;

            dac_write(at++, levels[group][r], levels[group][g], levels[group][b]);
        }
    }
    for (; at; at++) {
        dac_write(at, 0, 0, 0);
    }
}

void palette_load(u8 kind)
{
    switch (kind) {
    case PALETTE_CGA:           /* 0-7 dark, 10h-17h bright, and repeats */
        for (u8 i = 0; i < 64; i++) {
            cga_colour(i, (i & 7) | (i & 0x10 ? 8 : 0));
        }
        break;
    case PALETTE_EGA:
        for (u8 i = 0; i < 64; i++) {
            ega_colour(i, i);
        }
        break;
    case PALETTE_MONO:
        for (u8 i = 0; i < 64; i++) {
            u8 v = (i & 0x10 ? 21 : 0) + (i & 0x08 ? 42 : 0);

            dac_write(i, v, v, v);
        }
        break;
    case PALETTE_256:
        colours_256();
        break;
    }
    if (kind != PALETTE_256) {
        for (u32 i = 64; i < 256; i++) {
            dac_write(i, 0, 0, 0);
        }
    }
}

/* 30 % red, 59 % green, 11 % blue (RB INT 10/AX=101Bh). */
void palette_grey(u16 first, u16 count)
{
    for (; count; count--, first++) {
        u16 r, g, b, v;

        outb(DAC_READ_INDEX, first);
        r = inb(DAC_DATA);
        g = inb(DAC_DATA);
        b = inb(DAC_DATA);
        v = (77 * r + 151 * g + 28 * b + 128) >> 8;
        v = v > 63 ? 63 : v;
        dac_write(first, v, v, v);
    }
}

/* INT 10h/0Bh: CGA background or border, and the choice of the two 4-colour palettes. */
void cga_palette_service(Regs *r)
{
    u8 now = bda8(V_CGA_PALETTE);

    if (r->bh == 0) {
        u8 colour = r->bl & 0x1f;

        bda_set8(V_CGA_PALETTE, (now & 0xe0) | colour);
        colour = (colour & 7) | (colour & 8) << 1;
        attr_write(0x11, colour);
        if (bda8(V_MODE) >= 4 && bda8(V_MODE) != 7) {
            attr_write(0, colour);
            for (u8 i = 1; i < 4; i++) {
                attr_write(i, (attr_read(i) & ~0x10) | (r->bl & 0x10));
            }
        }
    } else {
        bda_set8(V_CGA_PALETTE, (now & 0xdf) | (r->bl & 1) << 5);
        for (u8 i = 1; i < 4; i++) {
            attr_write(i, (attr_read(i) & 0x10) | (2 * i + (r->bl & 1)));
        }
    }
}

void palette_service(Regs *r)
{
    u16 i;

    switch (r->al) {
    case 0x00:                          /* one palette register */
        if (r->bl <= 0x14) {
            attr_write(r->bl, r->bh);
        }
        break;
    case 0x01:                          /* border */
        attr_write(0x11, r->bh);
        break;
    case 0x02:                          /* all and border, ES:DX */
        for (i = 0; i < 17; i++) {
            attr_write(i < 16 ? i : 0x11, peek8(r->es, r->dx + i));
        }
        break;
    case 0x03:                          /* blink or bright background */
        attr_write(0x10, (attr_read(0x10) & ~0x08) | (r->bl & 1) << 3);
        bda_set8(V_MODE_REG, (bda8(V_MODE_REG) & ~0x20) | (r->bl & 1) << 5);
        break;
    case 0x07:
        if (r->bl <= 0x14) {
            r->bh = attr_read(r->bl);
        }
        break;
    case 0x08:
        r->bh = attr_read(0x11);
        break;
    case 0x09:
        for (i = 0; i < 17; i++) {
            u8 value = attr_read(i < 16 ? i : 0x11);

            poke8(r->es, r->dx + i, value);
        }
        break;
    case 0x10:                          /* one DAC entry: DH, CH, CL */
        dac_write(r->bx, r->dh, r->ch, r->cl);
        break;
    case 0x12:                          /* CX entries from BX, ES:DX */
        outb(DAC_WRITE_INDEX, r->bx);
        for (i = 0; i < r->cx * 3; i++) {
            outb(DAC_DATA, peek8(r->es, r->dx + i));
        }
        break;
    case 0x13:                          /* pages of the DAC */
        i = attr_read(0x10);
        if (r->bl == 0) {
            attr_write(0x10, (i & 0x7f) | (r->bh & 1) << 7);
        } else {
            attr_write(0x14, (i & 0x80 ? r->bh : r->bh << 2) & 0x0f);
        }
        break;
    case 0x15:
        outb(DAC_READ_INDEX, r->bx);
        r->dh = inb(DAC_DATA);
        r->ch = inb(DAC_DATA);
        r->cl = inb(DAC_DATA);
        break;
    case 0x17:
        outb(DAC_READ_INDEX, r->bx);
        for (i = 0; i < r->cx * 3; i++) {
            poke8(r->es, r->dx + i, inb(DAC_DATA));
        }
        break;
    case 0x18:
        outb(DAC_MASK, r->bl);
        break;
    case 0x19:
        r->bl = inb(DAC_MASK);
        break;
    case 0x1a:
        r->bl = attr_read(0x10) >> 7;
        r->bh = attr_read(0x14) & 0x0f;
        if (!r->bl) {
            r->bh >>= 2;
        }
        break;
    case 0x1b:
        palette_grey(r->bx, r->cx);
        break;
    }
}

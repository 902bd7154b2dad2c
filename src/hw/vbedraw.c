/*
 * The picture of VBE modes: linear pixels of 8 to 32 bits, or four planes.
 */
#include "config.h"

#include "hw/vgadraw.h"

#include <endian.h>

static uint16_t load16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return le16toh(v);
}

static uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}

/* Widen a colour of 5 or 6 bits to 8 so that all ones become 255. */
static uint32_t widen5(unsigned v)
{
    return (v & 0x1f) << 3 | (v >> 2 & 7);
}

static uint32_t widen6(unsigned v)
{
    return (v & 0x3f) << 2 | (v >> 4 & 3);
}

static void linear_row(unsigned bpp, const uint32_t *colour, const uint8_t *src, uint32_t *row, int width)
{
    unsigned v;
    switch (bpp) {
    case 8:
        for (int x = 0; x < width; x++)
            row[x] = colour[src[x]];
        break;
    case 15:
        for (int x = 0; x < width; x++) {
            v = load16(src + 2 * x);
            row[x] = widen5(v >> 10) << 16 | widen5(v >> 5) << 8 | widen5(v);
        }
        break;
    case 16:
        for (int x = 0; x < width; x++) {
            v = load16(src + 2 * x);
            row[x] = widen5(v >> 11) << 16 | widen6(v >> 5) << 8 | widen5(v);
        }
        break;
    case 24:
        for (int x = 0; x < width; x++)
            row[x] = (uint32_t)(src[3 * x] | src[3 * x + 1] << 8 | src[3 * x + 2] << 16);
        break;
    default:
        for (int x = 0; x < width; x++)
            row[x] = load32(src + 4 * x) & 0xffffff;
        break;
    }
}

static void planar_row(const Vga *vga, const uint32_t *colour, unsigned x, unsigned y, uint32_t *row, int width)
{
    uint32_t o = y * (vga->vbe.reg[VBE_VIRT_WIDTH] / 8u) + x / 8;
    uint8_t dots[8];
    unsigned d = x % 8;
    vga_planes_to_dots(vga_load(vga, vga_group(o)), dots);
    for (int i = 0; i < width; i++) {
        row[i] = colour[dots[d]];
        if (++d == 8) {
            d = 0;
            vga_planes_to_dots(vga_load(vga, vga_group(++o)), dots);
        }
    }
}

DisplayChange vbe_draw(Vga *vga, DisplaySurface *surface, DisplayRect *changed)
{
    const uint16_t *r = vga->vbe.reg;
    int width = r[VBE_XRES], height = r[VBE_YRES];
    unsigned bpp = r[VBE_BPP], x = r[VBE_X_OFFSET], y = r[VBE_Y_OFFSET], bytes = (bpp + 7) / 8;
    bool resized = display_surface_resize(surface, width, height);

    uint32_t colour[256];
    if (bpp == 4)
        vga_palette16(vga, colour);
    else if (bpp == 8)
        for (unsigned i = 0; i < 256; i++)
            colour[i] = vga_dac_colour(vga, (uint8_t)i);

    /* vbe.c keeps (x + width, y + height) inside the virtual screen, and that inside memory. */
    g_autofree uint32_t *row = g_new(uint32_t, width);
    for (int i = 0; i < height; i++) {
        if (bpp == 4)
            planar_row(vga, colour, x, y + (unsigned)i, row, width);
        else
            linear_row(bpp, colour, vga->vram + (size_t)(y + (unsigned)i) * vga->vbe.line_length + x * bytes, row, width);
        display_surface_put(surface, i, row, changed);
    }
    return resized ? DISPLAY_RESIZED : changed->width ? DISPLAY_CHANGED : DISPLAY_SAME;
}

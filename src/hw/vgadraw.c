/*
 * The picture of the VGA's own modes: a line at a time, as the CRTC and the shift registers make it.
 *
 * There is no table of modes. The registers say how the CRTC counts (row scans, doubling, line compare), how an address
 * becomes plane offsets (byte, word or doubleword, the CGA's interleaving) and how four plane bytes become eight dots
 * (planar, CGA or 256 colours); tweaked modes then come out by themselves. A line is first made as colour indexes with
 * one byte per dot, then shifted by the panning and turned into pixels.
 *
 * Sizes are those of a monitor that shows every dot clock and line: 720x400 for text, 640x400 for mode 13h.
 */
#include "config.h"

#include "hw/vgadraw.h"

/* PS/2 Technical Reference: the cursor blinks with 8 frames on, 8 off, characters with 16 and 16. */
enum { CURSOR_FRAMES = 8, BLINK_FRAMES = 16 };

enum { BLANK_WIDTH = 640, BLANK_HEIGHT = 480 };

uint32_t vga_dac_colour(const Vga *vga, uint8_t pixel)
{
    const uint8_t *c = vga->dac[pixel & vga->dac_mask];
    if (vga->vbe.reg[VBE_ENABLE] & VBE_8BIT_DAC)
        return (uint32_t)(c[0] << 16 | c[1] << 8 | c[2]);
    uint32_t rgb = 0;
    for (int i = 0; i < 3; i++) {
        uint8_t six = c[i] & 0x3f;
        rgb = rgb << 8 | (uint32_t)(six << 2 | six >> 4);
    }
    return rgb;
}

void vga_palette16(const Vga *vga, uint32_t colour[16])
{
    uint8_t select = vga->attr[ATTR_COLOUR];
    for (unsigned i = 0; i < 16; i++) {
        uint8_t p = vga->attr[i & vga->attr[ATTR_PLANES]];
        p = vga->attr[ATTR_MODE] & ATTR_MODE_P54 ? (uint8_t)((p & 0xf) | (select & 0xf) << 4)
                                                 : (uint8_t)((p & 0x3f) | (select & 0xc) << 4);
        colour[i] = vga_dac_colour(vga, p);
    }
}

void vga_screen_read(Vga *vga, VgaScreen *s)
{
    const uint8_t *crtc = vga->crtc, *attr = vga->attr;
    uint8_t clocking = vga->seq[SEQ_CLOCKING], overflow = crtc[CRTC_OVERFLOW];
    unsigned vscale = crtc[CRTC_MODE] & CRTC_MODE_VDOUBLE ? 2 : 1;

    s->vga = vga;
    s->graphics = vga->gfx[GFX_MISC] & GFX_MISC_GRAPHICS;
    s->chars = crtc[CRTC_HDISPLAY] + 1;
    s->char_dots = s->graphics || (clocking & SEQ_CLOCKING_8DOT) ? 8 : 9;
    s->dot_width = clocking & SEQ_CLOCKING_HALF ? 2 : 1;
    s->width = (int)(s->chars * s->char_dots * s->dot_width);
    s->height = (int)(((crtc[CRTC_VDISPLAY] | (overflow >> 1 & 1) << 8 | (overflow >> 6 & 1) << 9) + 1) * vscale);
    s->row_height = (crtc[CRTC_MAX_SCAN] & 0x1f) + 1;
    s->scan_repeat = crtc[CRTC_MAX_SCAN] & MAX_SCAN_DOUBLE ? 2 : 1;
    s->line_compare =
        (crtc[CRTC_LINE_COMPARE] | (overflow >> 4 & 1) << 8 | (crtc[CRTC_MAX_SCAN] >> 6 & 1) << 9) * vscale;
    s->start = crtc[CRTC_START_HIGH] << 8 | crtc[CRTC_START_LOW];
    s->row_step = crtc[CRTC_OFFSET] * 2;
    s->preset = crtc[CRTC_PRESET_ROW] & 0x1f;
    s->byte_pan = crtc[CRTC_PRESET_ROW] >> 5 & 3;
    s->pan_split = !(attr[ATTR_MODE] & ATTR_MODE_PAN_SPLIT);
    /* With 9 dots, 8 means no shift and 0 to 7 mean 1 to 8 (attribute controller, horizontal PEL panning). */
    unsigned pan = attr[ATTR_PANNING];
    s->pan = s->char_dots == 9 ? (pan >= 8 ? 0 : pan + 1) : pan & 7;
    s->cursor_on = !(vga_frame(vga) / CURSOR_FRAMES & 1);
    s->blink_off = vga_frame(vga) / BLINK_FRAMES & 1;

    if (s->graphics && (vga->gfx[GFX_MODE] & GFX_MODE_256) && (attr[ATTR_MODE] & ATTR_MODE_8BIT))
        for (unsigned i = 0; i < 256; i++)
            s->colour[i] = vga_dac_colour(vga, (uint8_t)i);
    else
        vga_palette16(vga, s->colour);
}

VgaLine vga_screen_line(const VgaScreen *s, unsigned y)
{
    /* The line on which the counter equals line compare is the last of the upper picture. */
    if (y > s->line_compare) {
        unsigned scan = (y - s->line_compare - 1) / s->scan_repeat;
        return (VgaLine){(s->pan_split ? s->byte_pan : 0) + scan / s->row_height * s->row_step, scan % s->row_height,
                         s->pan_split ? s->pan : 0};
    }
    unsigned scan = y / s->scan_repeat + s->preset;
    return (VgaLine){s->start + s->byte_pan + scan / s->row_height * s->row_step, scan % s->row_height, s->pan};
}

uint32_t vga_screen_fetch(const VgaScreen *s, unsigned address, unsigned row_scan)
{
    uint8_t mode = s->vga->crtc[CRTC_MODE];
    address &= 0xffff;
    unsigned o = address;
    if (s->vga->crtc[CRTC_UNDERLINE] & UNDERLINE_DWORD)
        o = address << 2;
    else if (!(mode & CRTC_MODE_BYTE))
        o = address << 1 | (address >> (mode & CRTC_MODE_A15 ? 15 : 13) & 1);
    if (!(mode & CRTC_MODE_A13))
        o = (o & ~0x2000u) | (row_scan & 1) << 13;
    if (!(mode & CRTC_MODE_A14))
        o = (o & ~0x4000u) | (row_scan >> 1 & 1) << 14;
    return vga_load(s->vga, vga_group(o & 0xffff));
}

void vga_planes_to_dots(uint32_t planes, uint8_t dots[8])
{
    uint64_t eight = vga_spread((uint8_t)planes) | vga_spread((uint8_t)(planes >> 8)) << 1 |
                     vga_spread((uint8_t)(planes >> 16)) << 2 | vga_spread((uint8_t)(planes >> 24)) << 3;
    memcpy(dots, &eight, sizeof(eight));
}

/* Shift mode 1: planes 0 and 1 in turn give pairs of bits, as the CGA's memory did, planes 2 and 3 the upper pair. */
static void cga_to_dots(uint32_t planes, uint8_t dots[8])
{
    for (int i = 0; i < 8; i++) {
        unsigned shift = (i & 4) * 2 + 6 - (i & 3) * 2;
        dots[i] = (uint8_t)((planes >> shift & 3) | (planes >> (16 + shift) & 3) << 2);
    }
}

/* 256 colours: a nibble per dot clock. With 8-bit pixels the attribute controller joins two: pixels are two dots wide. */
static void bytes_to_dots(uint32_t planes, bool join, uint8_t dots[8])
{
    for (int i = 0; i < 8; i++) {
        uint8_t byte = (uint8_t)(planes >> i / 2 * 8);
        dots[i] = join ? byte : i & 1 ? byte & 0xf : byte >> 4;
    }
}

static void graphics_line(const VgaScreen *s, const VgaLine *line, uint8_t *dots)
{
    const Vga *vga = s->vga;
    bool join = vga->attr[ATTR_MODE] & ATTR_MODE_8BIT;
    unsigned count_shift = vga->crtc[CRTC_UNDERLINE] & UNDERLINE_COUNT4 ? 2 : vga->crtc[CRTC_MODE] & CRTC_MODE_COUNT2 ? 1 : 0;
    for (unsigned i = 0; i <= s->chars; i++, dots += 8) {
        uint32_t planes = vga_screen_fetch(s, line->address + (i >> count_shift), line->row_scan);
        if (vga->gfx[GFX_MODE] & GFX_MODE_256)
            bytes_to_dots(planes, join, dots);
        else if (vga->gfx[GFX_MODE] & GFX_MODE_CGA)
            cga_to_dots(planes, dots);
        else
            vga_planes_to_dots(planes, dots);
    }
}

static void dots_to_pixels(const VgaScreen *s, const uint8_t *dots, uint32_t *row)
{
    if (s->dot_width == 1) {
        for (int x = 0; x < s->width; x++)
            row[x] = s->colour[dots[x]];
        return;
    }
    for (int x = 0; x < s->width; x += 2)
        row[x] = row[x + 1] = s->colour[dots[x / 2]];
}

/* Do two lines show the same? In graphics the row scan matters only where it is part of the address. */
static bool same_line(const VgaScreen *s, const VgaLine *a, const VgaLine *b)
{
    unsigned mode = s->vga->crtc[CRTC_MODE];
    unsigned scan_bits = s->graphics ? ~mode & 3 : ~0u;
    return a->address == b->address && a->pan == b->pan && ((a->row_scan ^ b->row_scan) & scan_bits) == 0;
}

static DisplayChange draw(Vga *vga, DisplaySurface *surface, DisplayRect *changed)
{
    VgaScreen s;
    vga_screen_read(vga, &s);
    bool resized = display_surface_resize(surface, s.width, s.height);

    uint8_t dots[(VGA_MAX_CHARS + 1) * 9];
    uint32_t row[VGA_MAX_WIDTH];
    VgaLine previous = {0};
    for (int y = 0; y < s.height; y++) {
        VgaLine line = vga_screen_line(&s, (unsigned)y);
        if (y == 0 || !same_line(&s, &line, &previous)) {
            if (s.graphics)
                graphics_line(&s, &line, dots);
            else
                vga_text_line(&s, &line, dots);
            dots_to_pixels(&s, dots + line.pan, row);
            previous = line;
        }
        display_surface_put(surface, y, row, changed);
    }
    return resized ? DISPLAY_RESIZED : changed->width ? DISPLAY_CHANGED : DISPLAY_SAME;
}

/* A blanked screen keeps its size: blanking around a mode set must not make a window jump. */
static DisplayChange draw_blank(DisplaySurface *surface, DisplayRect *changed)
{
    if (surface->width == 0)
        display_surface_resize(surface, BLANK_WIDTH, BLANK_HEIGHT);
    else {
        g_autofree uint32_t *black = g_new0(uint32_t, surface->width);
        for (int y = 0; y < surface->height; y++)
            display_surface_put(surface, y, black, changed);
        return changed->width ? DISPLAY_CHANGED : DISPLAY_SAME;
    }
    return DISPLAY_RESIZED;
}

static DisplayChange refresh(void *opaque, DisplaySurface *surface, DisplayRect *changed)
{
    Vga *vga = opaque;
    if (vga_blanked(vga))
        return draw_blank(surface, changed);
    return vbe_enabled(vga) ? vbe_draw(vga, surface, changed) : draw(vga, surface, changed);
}

static bool text(void *opaque, DisplayText *text)
{
    Vga *vga = opaque;
    bool shows_text = !vga_blanked(vga) && !vbe_enabled(vga) && !(vga->gfx[GFX_MISC] & GFX_MISC_GRAPHICS);
    return shows_text && vga_text_read(vga, text);
}

static bool size(void *opaque, int *width, int *height)
{
    Vga *vga = opaque;
    VgaScreen s;
    if (vga_blanked(vga))
        return false;
    vga_screen_read(vga, &s);
    *width = vbe_enabled(vga) ? vga->vbe.reg[VBE_XRES] : s.width;
    *height = vbe_enabled(vga) ? vga->vbe.reg[VBE_YRES] : s.height;
    return true;
}

static void watch(void *opaque)
{
    vgamem_watch(opaque);
}

/* Only text blinks; a blinking cell that the cursor's phase overtakes is looked at twice as often as it needs. */
static int64_t blink(void *opaque)
{
    Vga *vga = opaque;
    DisplayText screen = {0};
    int64_t frames = 0;
    if (text(vga, &screen)) {
        if (vga_text_blinks(&screen))
            frames = BLINK_FRAMES;
        if (screen.cursor_visible)
            frames = CURSOR_FRAMES;
    }
    display_text_clear(&screen);
    return frames ? vga_frames_until(vga, frames) : 0;
}

const DisplayOps vga_display_ops = {refresh, text, size, watch, blink};

/* What the VGA shows in IBM's modes and their tweaks, and the ways out: surface, text, screenshot. */
#include "config.h"

#include "ui/screendump.h"
#include "vgatest.h"

#include <glib/gstdio.h>
#include <png.h>
#include <string.h>

typedef struct Screen {
    Vga *vga;
    DisplaySurface surface;
    DisplayRect changed;
} Screen;

static Screen screen_on(HwTest *t, const VgaMode *mode)
{
    Screen s = {.vga = vga_on(t)};
    set_mode(t, mode);
    return s;
}

static void screen_off(Screen *s)
{
    display_surface_clear(&s->surface);
    vga_free(s->vga);
}

static DisplayChange look(Screen *s)
{
    return display_refresh(vga_display(s->vga), &s->surface, &s->changed);
}

static uint32_t pixel(const Screen *s, int x, int y)
{
    g_assert_cmpint(x, <, s->surface.width);
    g_assert_cmpint(y, <, s->surface.height);
    return s->surface.pixels[y * s->surface.width + x];
}

static void assert_size(const Screen *s, int width, int height)
{
    g_assert_cmpint(s->surface.width, ==, width);
    g_assert_cmpint(s->surface.height, ==, height);
}

/* The DAC entry that a colour index reaches through the standard text palette. */
static uint32_t text_colour(unsigned i)
{
    return dac_rgb(i == 6 ? 0x14 : i < 8 ? i : 0x30 + i);
}

/* Row y of character ch in the test's fonts: every character differs, and font 1 from font 0. */
static uint8_t glyph_row(int font, unsigned ch, unsigned y)
{
    return (uint8_t)(ch * 29 + y * 53 + font * 101 + (ch >> 3 ^ y));
}

static void load_font(HwTest *t, int font, uint32_t offset)
{
    planar_access(t);
    for (unsigned ch = 0; ch < 256; ch++)
        for (unsigned y = 0; y < 32; y++)
            plane_write(t, 2, offset + ch * 32 + y, glyph_row(font, ch, y));
    seq(t, 2, 3);
    seq(t, 4, 2);
    gfx(t, 5, 0x10);
    gfx(t, 6, 0x0e);
}

static void put_cell(HwTest *t, unsigned n, uint8_t ch, uint8_t attribute)
{
    hw_writew(t, 0xb8000 + 2 * n, (uint16_t)(attribute << 8 | ch));
}

/* Assert that cell (column, row) shows ch of the font in the two colours; ninth: the expected ninth dot. */
static void assert_cell(const Screen *s, unsigned column, unsigned row, int font, uint8_t ch, unsigned fg, unsigned bg, bool ninth)
{
    for (unsigned y = 0; y < 16; y++)
        for (unsigned x = 0; x < 9; x++) {
            bool on = x < 8 ? glyph_row(font, ch, y) >> (7 - x) & 1 : ninth && (glyph_row(font, ch, y) & 1);
            g_assert_cmphex(pixel(s, (int)(column * 9 + x), (int)(row * 16 + y)), ==, text_colour(on ? fg : bg));
        }
}

static void test_text(HwTest *t)
{
    Screen s = screen_on(t, &mode_3);
    load_font(t, 0, 0);
    crtc(t, 0x0a, 0x20); /* no cursor */
    for (unsigned n = 0; n < 2000; n++)
        put_cell(t, n, (uint8_t)(n * 7), (uint8_t)(n & 0x7f));
    g_assert_cmpint(look(&s), ==, DISPLAY_RESIZED);
    assert_size(&s, 720, 400);
    g_assert_cmpint(s.changed.width, ==, 720);
    g_assert_cmpint(s.changed.height, ==, 400);
    for (unsigned n = 0; n < 2000; n++) {
        uint8_t ch = (uint8_t)(n * 7);
        assert_cell(&s, n % 80, n / 80, 0, ch, n & 15, n >> 4 & 7, ch >= 0xc0 && ch <= 0xdf);
    }

    /* Without line graphics the ninth dot is always background. */
    attr(t, 0x10, 0x08);
    put_cell(t, 0, 0xc1, 0x1e);
    g_assert_cmpint(look(&s), ==, DISPLAY_CHANGED);
    assert_cell(&s, 0, 0, 0, 0xc1, 14, 1, false);
    screen_off(&s);
}

static void test_fonts(HwTest *t)
{
    Screen s = screen_on(t, &mode_3);
    load_font(t, 0, 0);
    load_font(t, 1, 0x6000);
    crtc(t, 0x0a, 0x20);
    seq(t, 3, 0x24); /* map A, for attribute bit 3: the upper half of the second 16 KiB; map B: the first 8 KiB */
    put_cell(t, 0, 'x', 0x07);
    put_cell(t, 1, 'x', 0x0f);
    look(&s);
    assert_cell(&s, 0, 0, 0, 'x', 7, 0, false);
    assert_cell(&s, 1, 0, 1, 'x', 15, 0, false);
    screen_off(&s);
}

static void test_blink(HwTest *t)
{
    Screen s = screen_on(t, &mode_3);
    load_font(t, 0, 0);
    crtc(t, 0x0a, 0x20);
    put_cell(t, 0, 'B', 0x9e);
    put_cell(t, 1, 'B', 0x1e);
    look(&s);
    assert_cell(&s, 0, 0, 0, 'B', 14, 1, false);
    clock_step(t->clock, 17 * NS_PER_SEC / 70); /* 16 frames of 1/70 s later */
    g_assert_cmpint(look(&s), ==, DISPLAY_CHANGED);
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 9; x++)
            g_assert_cmphex(pixel(&s, x, y), ==, text_colour(1));
    assert_cell(&s, 1, 0, 0, 'B', 14, 1, false);

    attr(t, 0x10, 0x04); /* bit 7 is background intensity now */
    look(&s);
    assert_cell(&s, 0, 0, 0, 'B', 14, 9, false);
    screen_off(&s);
}

static void test_cursor(HwTest *t)
{
    Screen s = screen_on(t, &mode_3);
    load_font(t, 0, 0);
    put_cell(t, 81, 0, 0x2c);
    crtc(t, 0x0e, 0);
    crtc(t, 0x0f, 81);
    look(&s);
    for (int y = 0; y < 16; y++) {
        bool cursor = y == 13 || y == 14;
        for (int x = 0; x < 9; x++) {
            bool on = cursor || (x < 8 && (glyph_row(0, 0, (unsigned)y) >> (7 - x) & 1));
            g_assert_cmphex(pixel(&s, 9 + x, 16 + y), ==, text_colour(on ? 12 : 2));
        }
    }

    clock_step(t->clock, 9 * NS_PER_SEC / 70); /* the other half of the blinking */
    g_assert_cmpint(look(&s), ==, DISPLAY_CHANGED);
    assert_cell(&s, 1, 1, 0, 0, 12, 2, false);
    g_assert_cmpint(s.changed.x, >=, 9);
    g_assert_cmpint(s.changed.x + s.changed.width, ==, 18);
    g_assert_cmpint(s.changed.y, >=, 16 + 13);
    g_assert_cmpint(s.changed.y + s.changed.height, <=, 16 + 15);
    screen_off(&s);
}

static void test_underline(HwTest *t)
{
    Screen s = screen_on(t, &mode_3);
    load_font(t, 0, 0);
    crtc(t, 0x0a, 0x20);
    crtc(t, 0x14, 12);
    put_cell(t, 0, ' ', 0x01);
    put_cell(t, 1, ' ', 0x02);
    look(&s);
    for (int x = 0; x < 9; x++)
        g_assert_cmphex(pixel(&s, x, 12), ==, text_colour(1));
    assert_cell(&s, 1, 0, 0, ' ', 2, 0, false);
    screen_off(&s);
}

static void test_text_40(HwTest *t)
{
    Screen s = screen_on(t, &mode_1);
    load_font(t, 0, 0);
    crtc(t, 0x0a, 0x20);
    seq(t, 1, 0x09); /* 8 dots at half the clock */
    put_cell(t, 41, 'Q', 0x17);
    look(&s);
    assert_size(&s, 640, 400);
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 16; x++)
            g_assert_cmphex(pixel(&s, 16 + x, 16 + y), ==,
                            text_colour(glyph_row(0, 'Q', (unsigned)y) >> (7 - x / 2) & 1 ? 7 : 1));
    screen_off(&s);
}

/* Text scrolled smoothly: start address, preset row scan and panning move the picture up and left. */
static void test_text_scroll(HwTest *t)
{
    Screen s = screen_on(t, &mode_3);
    load_font(t, 0, 0);
    crtc(t, 0x0a, 0x20);
    for (unsigned n = 0; n < 4000; n++)
        put_cell(t, n, (uint8_t)(n * 11), 0x07);
    look(&s);
    DisplaySurface before = s.surface;
    s.surface = (DisplaySurface){0};

    crtc(t, 0x0d, 160); /* two rows */
    crtc(t, 0x08, 5);   /* and five lines */
    attr(t, 0x13, 2);   /* and three dots: with 9 dots, 8 is none, 0 is one */
    look(&s);
    for (int y = 0; y < 300; y++)
        for (int x = 0; x < 700; x++)
            g_assert_cmphex(pixel(&s, x, y), ==, before.pixels[(y + 37) * 720 + x + 3]);
    display_surface_clear(&before);
    screen_off(&s);
}

static void test_mode_13h(HwTest *t)
{
    Screen s = screen_on(t, &mode_13);
    for (unsigned i = 0; i < 64000; i++)
        hw_writeb(t, 0xa0000 + i, (uint8_t)(i * 3 + i / 320));
    look(&s);
    assert_size(&s, 640, 400);
    for (int y = 0; y < 400; y++)
        for (int x = 0; x < 640; x++) {
            unsigned i = (unsigned)(y / 2 * 320 + x / 2);
            g_assert_cmphex(pixel(&s, x, y), ==, dac_rgb((uint8_t)(i * 3 + i / 320)));
        }
    g_assert_cmpint(look(&s), ==, DISPLAY_SAME);
    g_assert_cmpint(s.changed.width, ==, 0);

    hw_writeb(t, 0xa0000 + 320 * 50 + 100, hw_readb(t, 0xa0000 + 320 * 50 + 100) ^ 1);
    g_assert_cmpint(look(&s), ==, DISPLAY_CHANGED);
    g_assert_cmpint(s.changed.x, ==, 200);
    g_assert_cmpint(s.changed.y, ==, 100);
    g_assert_cmpint(s.changed.width, ==, 2);
    g_assert_cmpint(s.changed.height, ==, 2);

    hw_outb(t, 0x3c6, 0x0f); /* the DAC's mask */
    look(&s);
    g_assert_cmphex(pixel(&s, 2 * 30, 0), ==, dac_rgb(90 & 0x0f));
    screen_off(&s);
}

/* Mode X: chain-4 off, bytes counted one by one, 320x240, with a virtual width, panning and a split screen. */
static void test_mode_x(HwTest *t)
{
    Screen s = screen_on(t, &mode_13);
    seq(t, 4, 6);
    hw_outb(t, 0x3c2, 0xe3);
    crtc(t, 0x11, 0);
    static const uint8_t x240[][2] = {{0x06, 0x0d}, {0x07, 0x3e}, {0x09, 0x41}, {0x10, 0xea}, {0x11, 0xac},
                                      {0x12, 0xdf}, {0x14, 0x00}, {0x15, 0xe7}, {0x16, 0x06}, {0x17, 0xe3}};
    for (size_t i = 0; i < G_N_ELEMENTS(x240); i++)
        crtc(t, x240[i][0], x240[i][1]);
    crtc(t, 0x13, 50); /* 100 groups, 400 pixels a line */
    gfx(t, 8, 0xff);
    for (int p = 0; p < 4; p++)
        for (uint32_t o = 0; o < 0x10000; o++)
            plane_write(t, p, o, (uint8_t)(o * 4 + (unsigned)p + o / 100));

    unsigned start = 100 * 7 + 5;
    crtc(t, 0x0c, (uint8_t)(start >> 8));
    crtc(t, 0x0d, (uint8_t)start);
    attr(t, 0x13, 2); /* one pixel of two dots */
    attr(t, 0x10, 0x61);
    crtc(t, 0x18, 299 & 0xff); /* the split begins on line 300 */
    crtc(t, 0x07, 0x3e);       /* bit 8 */
    crtc(t, 0x09, 0x01);       /* bit 9 clear */
    look(&s);
    assert_size(&s, 640, 480);
    for (int y = 0; y < 480; y++)
        for (int x = 0; x < 640; x++) {
            unsigned v = (unsigned)(x / 2), o, p;
            if (y < 300) {
                v += 1;
                o = start + (unsigned)(y / 2) * 100 + v / 4;
            } else {
                o = (unsigned)((y - 300) / 2) * 100 + v / 4; /* from address 0, and not panned */
            }
            p = v % 4;
            g_assert_cmphex(pixel(&s, x, y), ==, dac_rgb((uint8_t)(o * 4 + p + o / 100)));
        }

    attr(t, 0x10, 0x41); /* now the lower part is panned too */
    look(&s);
    g_assert_cmphex(pixel(&s, 0, 300), ==, dac_rgb(1));
    screen_off(&s);
}

static unsigned planar_pixel(HwTest *t, unsigned x, unsigned y, unsigned stride)
{
    unsigned colour = 0;
    for (int p = 0; p < 4; p++)
        colour |= (plane_read(t, p, y * stride + x / 8) >> (7 - x % 8) & 1u) << p;
    return colour;
}

static void fill_planes(HwTest *t, unsigned bytes)
{
    planar_access(t);
    for (int p = 0; p < 4; p++)
        for (unsigned o = 0; o < bytes; o++)
            plane_write(t, p, o, (uint8_t)(o * (unsigned)(2 * p + 1) + o / 251));
}

static void test_planar(HwTest *t)
{
    Screen s = screen_on(t, &mode_12);
    fill_planes(t, 80 * 480);
    look(&s);
    assert_size(&s, 640, 480);
    for (unsigned y = 0; y < 480; y += 7)
        for (unsigned x = 0; x < 640; x++)
            g_assert_cmphex(pixel(&s, (int)x, (int)y), ==, text_colour(planar_pixel(t, x, y, 80)));

    attr(t, 0x12, 0x05); /* planes 0 and 2 only */
    attr(t, 0x13, 3);
    look(&s);
    for (unsigned x = 0; x < 600; x++)
        g_assert_cmphex(pixel(&s, (int)x, 9), ==, text_colour(planar_pixel(t, x + 3, 9, 80) & 5));

    /* Colour select: bits 7-6 of the DAC index, and with P54 bits 5-4 too. */
    attr(t, 0x12, 0x0f);
    attr(t, 0x13, 0);
    attr(t, 0x14, 0x0d);
    look(&s);
    unsigned c = planar_pixel(t, 40, 0, 80), palette = c == 6 ? 0x14 : c < 8 ? c : 0x30 + c;
    g_assert_cmphex(pixel(&s, 40, 0), ==, dac_rgb(0xc0 | palette));
    attr(t, 0x10, 0x81);
    look(&s);
    g_assert_cmphex(pixel(&s, 40, 0), ==, dac_rgb(0xd0 | (palette & 15)));
    screen_off(&s);
}

static void test_mode_0dh(HwTest *t)
{
    Screen s = screen_on(t, &mode_d);
    fill_planes(t, 40 * 200);
    look(&s);
    assert_size(&s, 640, 400);
    for (unsigned y = 0; y < 400; y += 3)
        for (unsigned x = 0; x < 640; x++)
            g_assert_cmphex(pixel(&s, (int)x, (int)y), ==, dac_rgb(planar_pixel(t, x / 2, y / 2, 40)));
    screen_off(&s);
}

/* CGA graphics: even lines at B8000, odd ones at BA000, through odd/even memory in mode 4 and without in mode 6. */
static void test_cga(HwTest *t)
{
    static const uint8_t palette[4] = {0, 0x13, 0x15, 0x17};
    Screen s = screen_on(t, &mode_4);
    for (unsigned o = 0; o < 0x4000; o++)
        hw_writeb(t, 0xb8000 + o, (uint8_t)(o * 5 + o / 80));
    look(&s);
    assert_size(&s, 640, 400);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 640; x++) {
            unsigned o = y / 4 * 80 + (y / 2 & 1) * 0x2000 + x / 8;
            unsigned two = (uint8_t)(o * 5 + o / 80) >> (6 - x / 2 % 4 * 2) & 3;
            g_assert_cmphex(pixel(&s, (int)x, (int)y), ==, dac_rgb(palette[two]));
        }

    set_mode(t, &mode_6);
    for (unsigned o = 0; o < 0x4000; o++)
        hw_writeb(t, 0xb8000 + o, (uint8_t)(o * 5 + o / 80));
    look(&s);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 640; x++) {
            unsigned o = y / 4 * 80 + (y / 2 & 1) * 0x2000 + x / 8;
            bool on = (uint8_t)(o * 5 + o / 80) >> (7 - x % 8) & 1;
            g_assert_cmphex(pixel(&s, (int)x, (int)y), ==, dac_rgb(on ? 0x17 : 0));
        }
    screen_off(&s);
}

static void test_blank(HwTest *t)
{
    Screen s = {.vga = vga_on(t)};
    g_assert_cmpint(look(&s), ==, DISPLAY_RESIZED); /* fresh from reset: nothing, of a decent size */
    assert_size(&s, 640, 480);

    set_mode(t, &mode_13);
    hw_writeb(t, 0xa0000, 5);
    g_assert_cmpint(look(&s), ==, DISPLAY_RESIZED);
    g_assert_cmphex(pixel(&s, 0, 0), ==, dac_rgb(5));
    hw_inb(t, 0x3da);
    hw_outb(t, 0x3c0, 0x00); /* palette address source off */
    g_assert_cmpint(look(&s), ==, DISPLAY_CHANGED);
    assert_size(&s, 640, 400);
    g_assert_cmphex(pixel(&s, 0, 0), ==, 0);
    hw_inb(t, 0x3da);
    hw_outb(t, 0x3c0, 0x20);
    look(&s);
    g_assert_cmphex(pixel(&s, 0, 0), ==, dac_rgb(5));
    seq(t, 1, 0x21);
    look(&s);
    g_assert_cmphex(pixel(&s, 0, 0), ==, 0);
    screen_off(&s);
}

static void test_text_access(HwTest *t)
{
    Screen s = screen_on(t, &mode_3);
    DisplayText text = {0};
    static const char hello[] = "Hello, world";
    for (unsigned i = 0; i < sizeof(hello) - 1; i++)
        put_cell(t, 160 + i, (uint8_t)hello[i], (uint8_t)(0x10 + i));
    crtc(t, 0x0d, 80); /* the second row is now the first */
    crtc(t, 0x0e, 0);
    crtc(t, 0x0f, 172);
    g_assert_true(display_text(vga_display(s.vga), &text));
    g_assert_cmpint(text.columns, ==, 80);
    g_assert_cmpint(text.rows, ==, 25);
    for (unsigned i = 0; i < sizeof(hello) - 1; i++)
        g_assert_cmphex(text.cells[80 + i], ==, (0x10 + i) << 8 | (uint8_t)hello[i]);
    g_assert_true(text.cursor_visible);
    g_assert_cmpint(text.cursor_x, ==, 12);
    g_assert_cmpint(text.cursor_y, ==, 1);

    crtc(t, 0x0a, 0x2d);
    g_assert_true(display_text(vga_display(s.vga), &text));
    g_assert_false(text.cursor_visible);

    crtc(t, 0x09, 0x47); /* 8 lines a character: 50 rows */
    g_assert_true(display_text(vga_display(s.vga), &text));
    g_assert_cmpint(text.rows, ==, 50);

    set_mode(t, &mode_12);
    g_assert_false(display_text(vga_display(s.vga), &text));
    display_text_clear(&text);
    screen_off(&s);
}

/* Whatever the guest writes into the registers, looking at it does no harm (the sanitizers watch). */
static void test_hostile(HwTest *t)
{
    Screen s = {.vga = vga_on(t)};
    DisplayText text = {0};
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x3d4);
    static const uint16_t index_ports[] = {0x3c4, 0x3ce, 0x3d4, 0x3b4};
    for (int round = 0; round < 400; round++) {
        if (round % 8 == 0)
            hw_outb(t, 0x3c2, (uint8_t)g_rand_int(rand) | 1);
        if (round % 50 == 0)
            set_mode(t, &mode_3);
        for (int i = 0; i < 12; i++) {
            hw_outw(t, index_ports[g_rand_int_range(rand, 0, 4)],
                    (uint16_t)(g_rand_int_range(rand, 0, 0x1a) | g_rand_int(rand) << 8));
            attr(t, (uint8_t)g_rand_int_range(rand, 0, 0x18), (uint8_t)g_rand_int(rand));
            hw_writel(t, 0xa0000 + (g_rand_int(rand) & 0x1fffc), g_rand_int(rand));
        }
        if (g_rand_int_range(rand, 0, 3) == 0)
            dispi(t, (uint16_t)g_rand_int_range(rand, 0, 12), (uint16_t)g_rand_int_range(rand, 0, 700));
        look(&s);
        g_assert_cmpint(s.surface.width, >, 0);
        g_assert_cmpint(s.surface.height, >, 0);
        display_text(vga_display(s.vga), &text);
    }
    display_text_clear(&text);
    screen_off(&s);
}

static void test_screendump(HwTest *t)
{
    g_autofree char *dir = g_dir_make_tmp("x86vm-XXXXXX", NULL);
    g_autofree char *ppm = g_build_filename(dir, "shot.ppm", NULL), *png = g_build_filename(dir, "shot.PNG", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(screendump_format_of(ppm), ==, SCREENDUMP_PPM);
    g_assert_cmpint(screendump_format_of(png), ==, SCREENDUMP_PNG);

    Screen s = screen_on(t, &mode_13);
    for (unsigned i = 0; i < 64000; i++)
        hw_writeb(t, 0xa0000 + i, (uint8_t)(i * 3 + i / 320));
    look(&s);

    g_assert_true(screendump(vga_display(s.vga), ppm, SCREENDUMP_PPM, &error));
    g_autofree char *bytes = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(ppm, &bytes, &len, NULL));
    g_assert_cmpint(len, ==, 15 + 640 * 400 * 3);
    g_assert_true(memcmp(bytes, "P6\n640 400\n255\n", 15) == 0);
    const uint8_t *rgb = (const uint8_t *)bytes + 15;
    for (int i = 0; i < 640 * 400; i++, rgb += 3)
        g_assert_cmphex((uint32_t)(rgb[0] << 16 | rgb[1] << 8 | rgb[2]), ==, s.surface.pixels[i]);

    g_assert_true(screendump(vga_display(s.vga), png, SCREENDUMP_PNG, &error));
    png_image image = {.version = PNG_IMAGE_VERSION};
    g_assert_true(png_image_begin_read_from_file(&image, png));
    g_assert_cmpint(image.width, ==, 640);
    g_assert_cmpint(image.height, ==, 400);
    image.format = PNG_FORMAT_RGB;
    g_autofree uint8_t *read = g_malloc(PNG_IMAGE_SIZE(image));
    g_assert_true(png_image_finish_read(&image, NULL, read, 0, NULL));
    for (int i = 0; i < 640 * 400; i++)
        g_assert_cmphex((uint32_t)(read[3 * i] << 16 | read[3 * i + 1] << 8 | read[3 * i + 2]), ==, s.surface.pixels[i]);

    g_assert_false(screendump(vga_display(s.vga), "/nonexistent/shot.ppm", SCREENDUMP_PPM, &error));
    g_assert_nonnull(strstr(error->message, "/nonexistent/shot.ppm"));
    g_clear_error(&error);
    g_assert_false(screendump_write(&(DisplaySurface){0}, ppm, SCREENDUMP_PPM, &error));
    g_assert_nonnull(error);

    g_unlink(ppm);
    g_unlink(png);
    g_rmdir(dir);
    screen_off(&s);
}

static void count(void *opaque)
{
    ++*(unsigned *)opaque;
}

/* A viewer that asked is told of the next change, once; one that did not is not. */
static void test_notices(HwTest *t)
{
    Screen s = screen_on(t, &mode_3);
    Display *d = vga_display(s.vga);
    unsigned told = 0;
    DisplayListener l = {.changed = count, .opaque = &told};
    display_listen(d, &l);
    hw_writeb(t, 0xb8000, 'A');
    g_assert_cmpuint(told, ==, 0);

    display_watch(d);
    look(&s);
    hw_inb(t, 0x3da);
    hw_readb(t, 0xb8000);
    g_assert_cmpuint(told, ==, 0);
    hw_writeb(t, 0xb8000, 'B');
    hw_writeb(t, 0xb8001, 7);
    g_assert_cmpuint(told, ==, 1);
    display_watch(d);
    crtc(t, 0x0f, 5);
    g_assert_cmpuint(told, ==, 2);

    /* mode 13h: the CPU has the memory itself */
    set_mode(t, &mode_13);
    display_watch(d);
    told = 0;
    hw_writeb(t, 0xa0000, 1);
    hw_writeb(t, 0xa0001, 1);
    g_assert_cmpuint(told, ==, 1);
    display_watch(d);
    display_unlisten(d, &l);
    hw_writeb(t, 0xa0000, 2);
    g_assert_cmpuint(told, ==, 1);
    screen_off(&s);
}

/* The picture changes by itself while the cursor or a character blinks. */
static void test_blink_times(HwTest *t)
{
    Screen s = screen_on(t, &mode_3);
    load_font(t, 0, 0);
    set_mode(t, &mode_3);
    Display *d = vga_display(s.vga);
    hw_writew(t, 0xb8000, 0x0741);
    for (uint32_t a = 2; a < 4000; a += 2)
        hw_writew(t, 0xb8000 + a, 0x0720);
    crtc(t, 0x0a, 13);
    crtc(t, 0x0b, 14);
    crtc(t, 0x0e, 0);
    crtc(t, 0x0f, 0);
    look(&s);
    int64_t wait = display_blink(d);
    g_assert_cmpint(wait, >, 0);
    clock_step(t->clock, wait - 1);
    g_assert_cmpint(look(&s), ==, DISPLAY_SAME);
    clock_step(t->clock, 1);
    g_assert_cmpint(look(&s), ==, DISPLAY_CHANGED);

    crtc(t, 0x0a, 0x20); /* no cursor */
    look(&s);
    g_assert_cmpint(display_blink(d), ==, 0);
    hw_writew(t, 0xb8000, 0x8741);
    look(&s);
    wait = display_blink(d);
    g_assert_cmpint(wait, >, 0);
    clock_step(t->clock, wait - 1);
    g_assert_cmpint(look(&s), ==, DISPLAY_SAME);
    clock_step(t->clock, 1);
    g_assert_cmpint(look(&s), ==, DISPLAY_CHANGED);
    set_mode(t, &mode_13);
    g_assert_cmpint(display_blink(d), ==, 0);
    screen_off(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/display/text", test_text);
    hw_test_add("/display/fonts", test_fonts);
    hw_test_add("/display/blink", test_blink);
    hw_test_add("/display/cursor", test_cursor);
    hw_test_add("/display/underline", test_underline);
    hw_test_add("/display/text-40", test_text_40);
    hw_test_add("/display/text-scroll", test_text_scroll);
    hw_test_add("/display/mode-13h", test_mode_13h);
    hw_test_add("/display/mode-x", test_mode_x);
    hw_test_add("/display/planar", test_planar);
    hw_test_add("/display/mode-0dh", test_mode_0dh);
    hw_test_add("/display/cga", test_cga);
    hw_test_add("/display/blank", test_blank);
    hw_test_add("/display/text-access", test_text_access);
    hw_test_add("/display/hostile", test_hostile);
    hw_test_add("/display/screendump", test_screendump);
    hw_test_add("/display/notices", test_notices);
    hw_test_add("/display/blink-times", test_blink_times);
    return g_test_run();
}

/*
 * Screenshots as PPM (binary, "P6": trivial to compare in scripts) and PNG (by libpng).
 *
 * The picture is encoded in memory and then handed to g_file_set_contents(), which writes a temporary file and renames
 * it: whoever waits for the file to appear never reads half a picture.
 */
#include "config.h"

#include "ui/screendump.h"

#include <png.h>
#include <string.h>

static void row_to_rgb(const uint32_t *row, int width, uint8_t *rgb)
{
    for (int x = 0; x < width; x++) {
        *rgb++ = (uint8_t)(row[x] >> 16);
        *rgb++ = (uint8_t)(row[x] >> 8);
        *rgb++ = (uint8_t)row[x];
    }
}

static void encode_ppm(const DisplaySurface *s, GByteArray *out)
{
    g_autofree char *header = g_strdup_printf("P6\n%d %d\n255\n", s->width, s->height);
    g_byte_array_append(out, (const uint8_t *)header, strlen(header));
    g_autofree uint8_t *rgb = g_malloc((size_t)s->width * 3);
    for (int y = 0; y < s->height; y++) {
        row_to_rgb(s->pixels + (size_t)y * s->width, s->width, rgb);
        g_byte_array_append(out, rgb, s->width * 3);
    }
}

static void png_append(png_structp png, png_bytep data, size_t len)
{
    g_byte_array_append(png_get_io_ptr(png), data, len);
}

static void png_no_flush(png_structp png)
{
}

/* libpng reports errors by longjmp: nothing allocated after setjmp may live in a register, hence out and rgb from outside. */
static bool encode_png(const DisplaySurface *s, GByteArray *out, uint8_t *rgb)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return false;
    }
    png_set_write_fn(png, out, png_append, png_no_flush);
    png_set_IHDR(png, info, s->width, s->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < s->height; y++) {
        row_to_rgb(s->pixels + (size_t)y * s->width, s->width, rgb);
        png_write_row(png, rgb);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return true;
}

ScreendumpFormat screendump_format_of(const char *path)
{
    size_t len = strlen(path);
    return len > 4 && g_ascii_strcasecmp(path + len - 4, ".png") == 0 ? SCREENDUMP_PNG : SCREENDUMP_PPM;
}

bool screendump_write(const DisplaySurface *surface, const char *path, ScreendumpFormat format, GError **error)
{
    if (surface->width == 0 || surface->height == 0) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: the display shows nothing yet", path);
        return false;
    }
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autofree uint8_t *rgb = g_malloc((size_t)surface->width * 3);
    if (format == SCREENDUMP_PPM) {
        encode_ppm(surface, out);
    } else if (!encode_png(surface, out, rgb)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: libpng could not encode a picture of %dx%d", path,
                    surface->width, surface->height);
        return false;
    }
    return g_file_set_contents(path, (const char *)out->data, out->len, error);
}

bool screendump(Display *display, const char *path, ScreendumpFormat format, GError **error)
{
    DisplaySurface surface = {0};
    display_refresh(display, &surface, NULL);
    bool ok = screendump_write(&surface, path, format, error);
    display_surface_clear(&surface);
    return ok;
}

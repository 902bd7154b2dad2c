/*
 * Screenshots: a display's picture in a file.
 */
#pragma once

#include "hw/display.h"

#include <glib.h>

typedef enum ScreendumpFormat { SCREENDUMP_PPM, SCREENDUMP_PNG } ScreendumpFormat;

/* The format that a file name asks for: PNG for .png in either case, else PPM. */
ScreendumpFormat screendump_format_of(const char *path);

/*
 * Write surface to path, replacing what is there only when all went well. False and error, which names the path, when
 * the surface is empty or the file can't be written.
 */
bool screendump_write(const DisplaySurface *surface, const char *path, ScreendumpFormat format, GError **error);

/* Look at the display now and write what it shows. Machine lock held. */
bool screendump(Display *display, const char *path, ScreendumpFormat format, GError **error);

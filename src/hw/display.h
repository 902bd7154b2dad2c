/*
 * The seam between video devices and whatever shows their picture: a window, VNC, a screenshot, a text console.
 *
 * A device offers a Display; nothing happens until someone asks. A viewer keeps a surface of its own and calls
 * display_refresh() as often as it wants to look: the device brings the surface up to date and tells which rectangle
 * changed since that viewer's last look. So several viewers do not disturb each other, and a machine nobody looks at spends
 * nothing on its picture.
 *
 * A viewer that shows the picture all the time need not look all the time: it listens, calls display_watch() before each
 * look, and looks again when its listener is called, or when display_blink() says that the picture changes by itself.
 *
 * All calls are made with the machine lock held.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A picture: height rows of width pixels, 0x00RRGGBB each, without gaps. Zero-initialise it; the caller owns it. */
typedef struct DisplaySurface {
    int width, height;
    uint32_t *pixels;
} DisplaySurface;

/* Pixels [x, x + width) of rows [y, y + height). Empty when width is 0. */
typedef struct DisplayRect {
    int x, y, width, height;
} DisplayRect;

typedef enum DisplayChange {
    DISPLAY_SAME,    /* nothing changed since the last look */
    DISPLAY_CHANGED, /* some pixels did */
    DISPLAY_RESIZED, /* the picture has another size: all of it is new */
} DisplayChange;

/*
 * The contents of a text screen: rows * columns cells, the character code (of the loaded font: code page 437 unless the
 * guest changed it) in the low byte and the VGA attribute in the high byte. Zero-initialise it; the caller owns it.
 */
typedef struct DisplayText {
    int columns, rows;
    uint16_t *cells;
    bool cursor_visible; /* enabled and on the screen; blinking is the viewer's business */
    int cursor_x, cursor_y;
    bool blink; /* attribute bit 7 makes the character blink; else it is the background's brightness */
} DisplayText;

/* What a device implements. text is NULL for a device without text modes; the others may be too. */
typedef struct DisplayOps {
    DisplayChange (*refresh)(void *opaque, DisplaySurface *surface, DisplayRect *changed);
    bool (*text)(void *opaque, DisplayText *text);
    bool (*size)(void *opaque, int *width, int *height);
    void (*watch)(void *opaque);
    int64_t (*blink)(void *opaque);
} DisplayOps;

/* Told of a change that display_watch() asked for; in any thread, so it only wakes someone. Owned by the viewer. */
typedef struct DisplayListener {
    void (*changed)(void *opaque);
    void *opaque;
    struct DisplayListener *next;
} DisplayListener;

typedef struct Display {
    const DisplayOps *ops;
    void *opaque;
    DisplayListener *listeners;
    bool watched; /* a change is to be told */
} Display;

/*
 * Bring surface up to date. changed, unless NULL, receives the smallest rectangle found that holds every changed pixel:
 * empty for DISPLAY_SAME, the whole surface for DISPLAY_RESIZED.
 */
DisplayChange display_refresh(Display *d, DisplaySurface *surface, DisplayRect *changed);

/* The picture's size, without a look at it. False while nothing is shown. */
bool display_size(Display *d, int *width, int *height);

/* Read the text screen. False, and text untouched, while the device shows graphics or nothing. */
bool display_text(Display *d, DisplayText *text);

void display_listen(Display *d, DisplayListener *l);
void display_unlisten(Display *d, DisplayListener *l);
/* Ask to be told, once, when the picture may have changed from now on. Each look asks anew, before it looks. */
void display_watch(Display *d);
/* Nanoseconds of guest time until the picture, left alone, changes by itself (cursor, blinking text); 0: it does not. */
int64_t display_blink(Display *d);

/* Free what the structures hold and zero them. */
void display_surface_clear(DisplaySurface *surface);
void display_text_clear(DisplayText *text);

/* For devices: the picture may have changed. */
void display_tell(Display *d);
static inline void display_changed(Display *d)
{
    if (d->watched)
        display_tell(d);
}

/*
 * For devices. display_surface_resize() gives the surface width * height pixels (both at least 1) and returns true when
 * it had another size; the pixels are then black. display_surface_put() stores a row, skipping what is there already,
 * and widens changed; y is within the surface and row holds surface->width pixels.
 */
bool display_surface_resize(DisplaySurface *surface, int width, int height);
void display_surface_put(DisplaySurface *surface, int y, const uint32_t *row, DisplayRect *changed);
/* Give text rows * columns cells, contents undefined. */
void display_text_resize(DisplayText *text, int columns, int rows);

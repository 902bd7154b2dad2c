/*
 * The device-independent half of the display seam: surfaces, and finding out what changed.
 *
 * What changed is found by comparing pixels. A device renders a row, and display_surface_put() compares it with the row
 * the viewer has: no dirty flags to keep in step with palettes, fonts, panning and split screens, and nothing to pay for
 * on the guest's side of a store.
 */
#include "config.h"

#include "hw/display.h"

#include <glib.h>
#include <string.h>

DisplayChange display_refresh(Display *d, DisplaySurface *surface, DisplayRect *changed)
{
    DisplayRect rect = {0};
    DisplayChange change = d->ops->refresh(d->opaque, surface, &rect);
    if (change == DISPLAY_RESIZED)
        rect = (DisplayRect){0, 0, surface->width, surface->height};
    if (changed)
        *changed = rect;
    return change;
}

bool display_size(Display *d, int *width, int *height)
{
    return d->ops->size && d->ops->size(d->opaque, width, height);
}

bool display_text(Display *d, DisplayText *text)
{
    return d->ops->text && d->ops->text(d->opaque, text);
}

void display_listen(Display *d, DisplayListener *l)
{
    l->next = d->listeners;
    d->listeners = l;
}

void display_unlisten(Display *d, DisplayListener *l)
{
    for (DisplayListener **p = &d->listeners; *p; p = &(*p)->next)
        if (*p == l) {
            *p = l->next;
            return;
        }
}

void display_watch(Display *d)
{
    d->watched = true;
    if (d->ops->watch)
        d->ops->watch(d->opaque);
}

void display_tell(Display *d)
{
    d->watched = false;
    for (DisplayListener *l = d->listeners; l; l = l->next)
        l->changed(l->opaque);
}

int64_t display_blink(Display *d)
{
    return d->ops->blink ? d->ops->blink(d->opaque) : 0;
}

void display_surface_clear(DisplaySurface *surface)
{
    g_free(surface->pixels);
    *surface = (DisplaySurface){0};
}

void display_text_clear(DisplayText *text)
{
    g_free(text->cells);
    *text = (DisplayText){0};
}

bool display_surface_resize(DisplaySurface *surface, int width, int height)
{
    if (surface->width == width && surface->height == height)
        return false;
    g_free(surface->pixels);
    surface->pixels = g_new0(uint32_t, (size_t)width * height);
    surface->width = width;
    surface->height = height;
    return true;
}

void display_surface_put(DisplaySurface *surface, int y, const uint32_t *row, DisplayRect *changed)
{
    uint32_t *old = surface->pixels + (size_t)y * surface->width;
    if (memcmp(old, row, surface->width * sizeof(*row)) == 0)
        return;

    int first = 0, last = surface->width - 1;
    while (old[first] == row[first])
        first++;
    while (old[last] == row[last])
        last--;
    memcpy(old + first, row + first, (last - first + 1) * sizeof(*row));

    if (changed->width == 0) {
        *changed = (DisplayRect){first, y, last - first + 1, 1};
        return;
    }
    int right = MAX(changed->x + changed->width, last + 1), bottom = MAX(changed->y + changed->height, y + 1);
    changed->x = MIN(changed->x, first);
    changed->y = MIN(changed->y, y);
    changed->width = right - changed->x;
    changed->height = bottom - changed->y;
}

void display_text_resize(DisplayText *text, int columns, int rows)
{
    if (text->columns == columns && text->rows == rows)
        return;
    g_free(text->cells);
    text->cells = g_new(uint16_t, (size_t)columns * rows);
    text->columns = columns;
    text->rows = rows;
}

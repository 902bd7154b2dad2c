/*
 * A text screen as UTF-8: for tests that read what a guest shows, and for terminals.
 */
#pragma once

#include "hw/display.h"

#include <glib.h>

/* The Unicode character that code page 437 shows for a byte, control codes as their glyphs (1 is a smiling face); 0 is a space. */
gunichar textscreen_char(uint8_t code);

/*
 * Append the screen, a line of UTF-8 for each row. Spaces at the ends of rows are left out, and so are empty rows
 * at the end of the screen.
 */
void textscreen_append(const DisplayText *text, GString *out);

/* Read the display's text screen. NULL while it shows graphics or nothing; else free it with g_free(). Machine lock held. */
char *textscreen_dump(Display *display);

/*
 * What the files of the text terminal's screen share.
 */
#pragma once

#include <stdbool.h>
#include <wchar.h>

enum { STROKE_SHIFT = 1 << 0, STROKE_ALT = 1 << 1, STROKE_CTRL = 1 << 2 };

/* A key as it is typed on a PC: KEY_* of evdev, with modifiers. key 0: none. */
typedef struct Stroke {
    unsigned key, modifiers;
} Stroke;

/*
 * The stroke for a character, as on a US keyboard, and for a key by the name that curses has for it. Apart from curses itself,
 * since evdev's keys have the names of curses'.
 */
Stroke stroke_of_char(wint_t c);
Stroke stroke_of_key(const char *name);

/*
 * The nth of the sequences that terminals send for keys with modifiers, and its stroke. False: there are no more.
 */
enum { STROKE_SEQUENCE = 12 };
bool stroke_sequence(unsigned n, char sequence[STROKE_SEQUENCE], Stroke *s);

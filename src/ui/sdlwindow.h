/*
 * What the files of the SDL window share.
 */
#pragma once

/* The KEY_* number of an SDL scancode, or 0. Both number physical keys, so the host's layout does not matter. */
unsigned sdl_key(unsigned scancode);

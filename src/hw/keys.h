/*
 * The keys of a PC keyboard: what each sends in the three scan code sets, and what it's called.
 */
#pragma once

#include <stdint.h>

/* A code of 0 is none; E0xx is a code with the E0 prefix. KEY_SYSRQ and KEY_PAUSE are special in sets 1 and 2. */
typedef struct KeyCodes {
    const char *name; /* as sendkey spells it */
    uint16_t set1, set2;
    uint8_t set3;
} KeyCodes;

/* The row of a KEY_* number, or NULL: not on this keyboard. */
const KeyCodes *key_codes(unsigned key);

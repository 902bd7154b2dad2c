/*
 * The PIIX4's SMBus host controller (82371AB datasheet, 7.3), with nothing on the bus: every transaction ends in an
 * error.
 */
#pragma once

#include "softmmu/region.h"

typedef struct Smbus Smbus;

Smbus *smbus_new(Bus *io);
void smbus_reset(Smbus *s);
void smbus_free(Smbus *s);

/* Where the registers lie, and whether they do. */
void smbus_place(Smbus *s, Gpa base, bool enabled);

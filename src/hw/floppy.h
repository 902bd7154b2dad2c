/*
 * A floppy drive and the diskette in it: formats by image size, the head's position, the change line.
 */
#pragma once

#include "block/block.h"

/* Data rates as CCR and DSR select them. */
typedef enum FloppyRate { FLOPPY_500K = 0, FLOPPY_300K = 1, FLOPPY_250K = 2, FLOPPY_1M = 3 } FloppyRate;

/* Drive types as CMOS byte 10h has them, a nibble each. */
typedef enum FloppyType {
    FLOPPY_NONE = 0,
    FLOPPY_360K = 1,
    FLOPPY_1200K = 2,
    FLOPPY_720K = 3,
    FLOPPY_1440K = 4,
    FLOPPY_2880K = 5,
} FloppyType;

typedef struct FloppyFormat {
    unsigned sectors, tracks, heads; /* sectors a track; 512 bytes each */
    FloppyRate rate;                 /* in the drive below */
    FloppyType drive;                /* that such diskettes are made for */
} FloppyFormat;

/*
 * The format of an image of so many bytes. Sizes that no format has get the smallest of 1.44M and 2.88M that holds
 * them: the rest reads as zeros. NULL when it is too large.
 */
const FloppyFormat *floppy_format(uint64_t bytes);

typedef struct FloppyDrive {
    FloppyType type;
    BlockDev *image;            /* NULL: no diskette; not owned */
    const FloppyFormat *format; /* of the diskette */
    unsigned track;             /* where the head is */
    unsigned passing;           /* the sector that READ ID sees next */
    bool changed;               /* the change line (DIR bit 7): set by removal, cleared by a step */
} FloppyDrive;

/* Put a diskette in (NULL: take it out). The image must have a format. */
void floppy_insert(FloppyDrive *d, BlockDev *image);
/* Step to a track; drives stop at track 0 and a little after the last one. */
void floppy_seek(FloppyDrive *d, unsigned track);

/* A sector of the track under the head; buf has 512 bytes. sector counts from 1. 0 or -errno. */
int floppy_read(FloppyDrive *d, unsigned head, unsigned sector, uint8_t *buf);
int floppy_write(FloppyDrive *d, unsigned head, unsigned sector, const uint8_t *buf);

/*
 * EDID 1.4: one block of 128 bytes. Section numbers are those of the VESA Enhanced EDID Standard.
 *
 * The order is the block's own: header, identification, parameters, colours, established and standard timings, and four
 * descriptors of 18 bytes: preferred timing, range limits, name, and one unused.
 */
#include "config.h"

#include "hw/edid.h"

#include <string.h>

enum {
    EDID_VENDOR = 8,
    EDID_VERSION = 18,
    EDID_INPUT = 20,
    EDID_COLOURS = 25,
    EDID_ESTABLISHED = 35,
    EDID_STANDARD = 38,
    EDID_DESCRIPTORS = 54,
    EDID_CHECKSUM = 127,
    DESCRIPTOR_SIZE = 18,
    DPI = 96,
};

/* 3.8: established timings at 60 Hz. */
static const struct {
    int xres, yres, byte;
    uint8_t bit;
} established[] = {
    {640, 480, 0, 0x20},
    {800, 600, 0, 0x01},
    {1024, 768, 1, 0x08},
};

/* 3.9: standard timings, aspect 0 is 16:10, 1 is 4:3, 2 is 5:4, 3 is 16:9. Eight fit. */
static const struct {
    int xres, yres, aspect;
} standard[] = {
    {1920, 1200, 0}, {1920, 1080, 3}, {1680, 1050, 0}, {1600, 1200, 1},
    {1440, 900, 0},  {1280, 1024, 2}, {1280, 960, 1},  {1280, 800, 0},
};

static int millimetres(int pixels)
{
    return pixels * 254 / (DPI * 10);
}

static void put_identity(uint8_t *e)
{
    static const uint8_t header[8] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    memcpy(e, header, sizeof(header));
    /* 3.4.1: three letters of five bits, 'A' is 1, big endian: "XVM" */
    unsigned vendor = ('X' - '@') << 10 | ('V' - '@') << 5 | ('M' - '@');
    e[EDID_VENDOR] = (uint8_t)(vendor >> 8);
    e[EDID_VENDOR + 1] = (uint8_t)vendor;
    e[EDID_VENDOR + 2] = 1;
    e[EDID_VENDOR + 8] = 0xff; /* 3.4.4: the year is that of the model, not of manufacture */
    e[EDID_VENDOR + 9] = 2026 - 1990;
    e[EDID_VERSION] = 1;
    e[EDID_VERSION + 1] = 4;
}

static void put_parameters(uint8_t *e, int xres, int yres)
{
    e[EDID_INPUT] = 0xa0;                                    /* 3.6.1: digital, 8 bits per colour */
    e[EDID_INPUT + 1] = (uint8_t)((millimetres(xres) + 5) / 10); /* cm; 4095 pixels are 108 cm */
    e[EDID_INPUT + 2] = (uint8_t)((millimetres(yres) + 5) / 10);
    e[EDID_INPUT + 3] = 220 - 100; /* gamma 2.2 */
    e[EDID_INPUT + 4] = 0x06;      /* 3.6.4: sRGB, the first timing is the native one */
    /* 3.7: sRGB's primaries, x and y of red, green, blue, white, as fractions of 1024 */
    static const unsigned xy[8] = {655, 338, 307, 614, 154, 61, 320, 337};
    for (int i = 0; i < 8; i++) {
        e[EDID_COLOURS + i / 4] |= (uint8_t)((xy[i] & 3) << (6 - i % 4 * 2));
        e[EDID_COLOURS + 2 + i] = (uint8_t)(xy[i] >> 2);
    }
}

static void put_modes(uint8_t *e, int xres, int yres)
{
    for (unsigned i = 0; i < sizeof(established) / sizeof(*established); i++)
        if (established[i].xres <= xres && established[i].yres <= yres)
            e[EDID_ESTABLISHED + established[i].byte] |= established[i].bit;

    uint8_t *next = e + EDID_STANDARD;
    memset(next, 1, 16); /* 01 01: unused */
    for (unsigned i = 0; i < sizeof(standard) / sizeof(*standard); i++) {
        if (standard[i].xres > xres || standard[i].yres > yres)
            continue;
        *next++ = (uint8_t)(standard[i].xres / 8 - 31);
        *next++ = (uint8_t)(standard[i].aspect << 6); /* + 0: 60 Hz */
    }
}

/* 3.10.2: detailed timing, with about the blanking of VESA's reduced-blanking formula. */
static void put_timing(uint8_t *d, int xres, int yres)
{
    int hblank = 160, hfront = 48, hsync = 32;
    int vfront = 3, vsync = 6, vblank = 12 + yres / 40;
    int64_t clock = (int64_t)(xres + hblank) * (yres + vblank) * 60 / 10000; /* units of 10 kHz, 16 bits */
    if (clock > 0xffff)
        clock = 0xffff;
    int xmm = millimetres(xres), ymm = millimetres(yres);

    d[0] = (uint8_t)clock;
    d[1] = (uint8_t)(clock >> 8);
    d[2] = (uint8_t)xres;
    d[3] = (uint8_t)hblank;
    d[4] = (uint8_t)(xres >> 8 << 4 | hblank >> 8);
    d[5] = (uint8_t)yres;
    d[6] = (uint8_t)vblank;
    d[7] = (uint8_t)(yres >> 8 << 4 | vblank >> 8);
    d[8] = (uint8_t)hfront;
    d[9] = (uint8_t)hsync;
    d[10] = (uint8_t)(vfront << 4 | vsync);
    d[12] = (uint8_t)xmm;
    d[13] = (uint8_t)ymm;
    d[14] = (uint8_t)(xmm >> 8 << 4 | ymm >> 8);
    d[17] = 0x1a; /* separate syncs, horizontal positive */
}

static void put_descriptors(uint8_t *e, int xres, int yres)
{
    /* 3.10.3: range limits 50..75 Hz, 30..160 kHz, 660 MHz, no secondary formula; monitor name; dummy */
    static const uint8_t ranges[] = {0, 0, 0, 0xfd, 0, 50, 75, 30, 160, 66, 1, '\n', ' ', ' ', ' ', ' ', ' ', ' '};
    static const uint8_t name[] = {0,   0,   0,   0xfc, 0,   'x', '8', '6',  'v',
                                   'm', ' ', 's', 'c',  'r', 'e', 'e', 'n', '\n'};
    static const uint8_t dummy[DESCRIPTOR_SIZE] = {0, 0, 0, 0x10};
    uint8_t *d = e + EDID_DESCRIPTORS;
    put_timing(d, xres, yres);
    memcpy(d + DESCRIPTOR_SIZE, ranges, sizeof(ranges));
    memcpy(d + 2 * DESCRIPTOR_SIZE, name, sizeof(name));
    memcpy(d + 3 * DESCRIPTOR_SIZE, dummy, sizeof(dummy));
}

void edid_make(uint8_t edid[EDID_SIZE], int xres, int yres)
{
    memset(edid, 0, EDID_SIZE);
    put_identity(edid);
    put_parameters(edid, xres, yres);
    put_modes(edid, xres, yres);
    put_descriptors(edid, xres, yres);
    uint8_t sum = 0;
    for (int i = 0; i < EDID_CHECKSUM; i++)
        sum += edid[i];
    edid[EDID_CHECKSUM] = (uint8_t)-sum;
}

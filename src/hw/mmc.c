/*
 * What a CD-ROM drive does with a packet (MMC-3, SFF-8020i, SPC-2).
 *
 * One handler a command, in a table that also says whether it needs a medium and whether it may run although a unit
 * attention is pending. The disc is one session with one data track, mode 1. Parts: helpers, drive, medium, reading,
 * features, the table.
 */
#include "hw/ide_drive.h"

#include <string.h>

#include "config.h"

#define CD_MAX_SECTORS (80u * 60 * 75) /* larger images are DVDs */
#define LEAD_IN 150                    /* frames before LBA 0 */
#define LEAD_OUT_TRACK 0xaa
#define PROFILE_NONE 0x0000
#define PROFILE_CD_ROM 0x0008
#define PROFILE_DVD_ROM 0x0010

/* ---- Helpers ---- */

static void put_be16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put_be32(uint8_t *p, uint32_t v)
{
    put_be16(p, v >> 16);
    put_be16(p + 2, v & 0xffff);
}

static unsigned get_be16(const uint8_t *p)
{
    return (unsigned)(p[0] << 8 | p[1]);
}

static uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static void put_msf(uint8_t *p, uint32_t lba)
{
    lba += LEAD_IN;
    p[0] = (uint8_t)(lba / 75 / 60);
    p[1] = (uint8_t)(lba / 75 % 60);
    p[2] = (uint8_t)(lba % 75);
}

/* A position in a reply: LBA, or 0 and minute, second, frame. */
static void put_address(uint8_t *p, uint32_t lba, bool msf)
{
    if (msf) {
        p[0] = 0;
        put_msf(p + 1, lba);
    } else {
        put_be32(p, lba);
    }
}

static void put_text(uint8_t *p, size_t n, const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < n; i++)
        p[i] = i < len ? (uint8_t)text[i] : ' ';
}

static uint8_t to_bcd(unsigned v)
{
    return (uint8_t)(v / 10 % 10 << 4 | v % 10);
}

void mmc_raw_sector(uint8_t *buf, uint32_t lba)
{
    uint8_t msf[3];

    buf[0] = buf[11] = 0;
    memset(buf + 1, 0xff, 10);
    put_msf(msf, lba);
    for (int i = 0; i < 3; i++)
        buf[12 + i] = to_bcd(msf[i]); /* ECMA-130 14.2 */
    buf[15] = 1; /* mode 1 */
    memset(buf + 16 + CD_SECTOR, 0, CD_RAW_SECTOR - 16 - CD_SECTOR);
}

static bool is_dvd(const IdeDrive *d)
{
    return atapi_sectors(d) > CD_MAX_SECTORS;
}

static unsigned profile(const IdeDrive *d)
{
    return atapi_sectors(d) == 0 ? PROFILE_NONE : is_dvd(d) ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

static uint8_t *reply_buffer(IdeDrive *d)
{
    memset(d->buf, 0, 4096);
    return d->buf;
}

/* ---- The drive ---- */

static void mmc_test_unit_ready(IdeDrive *d, const uint8_t *p)
{
    atapi_ok(d);
}

static void mmc_request_sense(IdeDrive *d, const uint8_t *p)
{
    Sense s = d->atapi.sense;
    uint8_t *b = reply_buffer(d);

    if (s.key == 0 && d->atapi.attention) {
        s = sense_medium_changed;
        d->atapi.attention = false;
    }
    b[0] = 0x70; /* current, fixed format */
    b[2] = s.key;
    b[7] = 10; /* bytes that follow */
    b[12] = s.asc;
    b[13] = s.ascq;
    d->atapi.sense = sense_none;
    atapi_reply(d, 18, p[4]);
}

static void mmc_inquiry_page(IdeDrive *d, const uint8_t *p)
{
    uint8_t *b = reply_buffer(d);
    unsigned allowed = get_be16(p + 3);

    b[0] = 5;
    b[1] = p[2];
    switch (p[2]) {
    case 0x00: /* the pages there are */
        b[3] = 2;
        b[5] = 0x80;
        break;
    case 0x80:
        b[3] = (uint8_t)strlen(d->serial);
        put_text(b + 4, b[3], d->serial);
        break;
    default:
        atapi_fail(d, &sense_bad_field);
        return;
    }
    atapi_reply(d, 4u + b[3], allowed);
}

static void mmc_inquiry(IdeDrive *d, const uint8_t *p)
{
    if (p[1] & 1) {
        mmc_inquiry_page(d, p);
        return;
    }
    if (p[2]) {
        atapi_fail(d, &sense_bad_field);
        return;
    }
    uint8_t *b = reply_buffer(d);
    b[0] = 5;    /* CD-ROM */
    b[1] = 0x80; /* removable */
    b[3] = 0x21; /* ATAPI 2, response format 1 */
    b[4] = 31;
    put_text(b + 8, 8, "X86VM");
    put_text(b + 16, 16, "X86VM DVD-ROM");
    put_text(b + 32, 4, PACKAGE_VERSION);
    atapi_reply(d, 36, get_be16(p + 3));
}

static void mmc_start_stop(IdeDrive *d, const uint8_t *p)
{
    AtapiState *a = &d->atapi;
    bool start = p[4] & 1, tray = p[4] & 2;

    if (p[4] >> 4) { /* power condition */
        atapi_ok(d);
        return;
    }
    if (tray && !start && a->locked && !a->tray_open) {
        atapi_fail(d, &sense_locked);
        return;
    }
    if (tray && a->tray_open != !start) {
        a->tray_open = !start;
        a->event = start && d->image ? 2 : 3;
        a->attention = start && d->image;
    }
    atapi_ok(d);
}

static void mmc_prevent_allow(IdeDrive *d, const uint8_t *p)
{
    d->atapi.locked = p[4] & 1;
    atapi_ok(d);
}

static uint32_t mode_page_recovery(uint8_t *b)
{
    b[0] = 0x01;
    b[1] = 6;
    b[3] = 5; /* read retries */
    return 8;
}

static uint32_t mode_page_audio(uint8_t *b)
{
    b[0] = 0x0e;
    b[1] = 14;
    b[2] = 4; /* immediate */
    b[8] = 1, b[9] = 0xff;  /* port 0: channel 0, full volume */
    b[10] = 2, b[11] = 0xff; /* port 1 */
    return 16;
}

static uint32_t mode_page_capabilities(const IdeDrive *d, uint8_t *b)
{
    b[0] = 0x2a;
    b[1] = 20;
    b[2] = 0x3b; /* reads CD-R, CD-RW, method 2, DVD-ROM, DVD-R */
    b[4] = 0x70; /* mode 2 forms 1 and 2, multisession */
    b[5] = 0x02; /* CD-DA by READ CD is not stream accurate; UPC no */
    b[6] = 0x20 | 0x08 | 0x01 | (d->atapi.locked ? 0x02 : 0); /* tray, can eject, can lock, locked now */
    put_be16(b + 8, 706 * 5);           /* kB/s: 20x */
    put_be16(b + 12, 512);              /* buffer kB */
    put_be16(b + 14, 706 * 5);
    return 22;
}

/* Header and pages as SFF-8020 and MMC have them: no block descriptor. */
static uint32_t mode_pages(IdeDrive *d, unsigned code, uint8_t *b)
{
    uint32_t n = 0;

    if (code == 0x01 || code == 0x3f)
        n += mode_page_recovery(b + n);
    if (code == 0x0e || code == 0x3f)
        n += mode_page_audio(b + n);
    if (code == 0x2a || code == 0x3f)
        n += mode_page_capabilities(d, b + n);
    return n;
}

/* Medium type codes of SFF-8020i table 71. */
static uint8_t medium_type(const IdeDrive *d)
{
    return d->atapi.tray_open ? 0x71 : atapi_sectors(d) == 0 ? 0x70 : 0x01;
}

static const Sense *mode_check(const uint8_t *p)
{
    static const Sense not_saved = {0x05, 0x39, 0x00};

    return p[2] >> 6 == 3 ? &not_saved : NULL;
}

static void mmc_mode_sense10(IdeDrive *d, const uint8_t *p)
{
    uint8_t *b = reply_buffer(d);
    uint32_t n = mode_pages(d, p[2] & 0x3f, b + 8);

    if (mode_check(p) || n == 0) {
        atapi_fail(d, mode_check(p) ? mode_check(p) : &sense_bad_field);
        return;
    }
    if (p[2] >> 6 == 1) /* changeable values: none */
        memset(b + 8, 0, n);
    put_be16(b, 6 + n);
    b[2] = medium_type(d);
    atapi_reply(d, 8 + n, get_be16(p + 7));
}

static void mmc_mode_sense6(IdeDrive *d, const uint8_t *p)
{
    uint8_t *b = reply_buffer(d);
    uint32_t n = mode_pages(d, p[2] & 0x3f, b + 4);

    if (mode_check(p) || n == 0) {
        atapi_fail(d, mode_check(p) ? mode_check(p) : &sense_bad_field);
        return;
    }
    if (p[2] >> 6 == 1)
        memset(b + 4, 0, n);
    b[0] = (uint8_t)(3 + n);
    b[1] = medium_type(d);
    atapi_reply(d, 4 + n, p[4]);
}

static void mmc_mechanism_status(IdeDrive *d, const uint8_t *p)
{
    uint8_t *b = reply_buffer(d);

    b[1] = d->atapi.tray_open ? 0x10 : 0; /* door open */
    b[5] = 1;                             /* one slot, no slot table */
    atapi_reply(d, 8, get_be16(p + 8));
}

/* MMC-3 6.6: only by polling, only media events. */
static void mmc_event_status(IdeDrive *d, const uint8_t *p)
{
    AtapiState *a = &d->atapi;
    uint8_t *b = reply_buffer(d);
    unsigned allowed = get_be16(p + 7);

    if (!(p[1] & 1)) {
        atapi_fail(d, &sense_bad_field);
        return;
    }
    b[3] = 0x10; /* classes supported: media */
    if (!(p[4] & 0x10)) {
        put_be16(b, 2);
        b[2] = 0x80; /* no event available */
        atapi_reply(d, 4, allowed);
        return;
    }
    put_be16(b, 6);
    b[2] = 4;
    b[4] = a->event;
    b[5] = (a->tray_open ? 1 : 0) | (d->image && !a->tray_open ? 2 : 0);
    if (allowed > 4)
        a->event = 0;
    atapi_reply(d, 8, allowed);
}

static void mmc_accept(IdeDrive *d, const uint8_t *p)
{
    atapi_ok(d);
}

static void mmc_no_audio(IdeDrive *d, const uint8_t *p)
{
    atapi_fail(d, &sense_wrong_mode);
}

/* ---- The medium ---- */

static void mmc_read_capacity(IdeDrive *d, const uint8_t *p)
{
    uint8_t *b = reply_buffer(d);

    put_be32(b, atapi_sectors(d) - 1);
    put_be32(b + 4, CD_SECTOR);
    atapi_reply(d, 8, 8);
}

static uint8_t *toc_track(uint8_t *b, uint8_t track, uint32_t lba, bool msf)
{
    b[1] = 0x14; /* Q sub-channel holds the position; data track */
    b[2] = track;
    put_address(b + 4, lba, msf);
    return b + 8;
}

static uint32_t toc_tracks(IdeDrive *d, uint8_t *b, unsigned first, bool msf)
{
    uint8_t *e = b + 4;

    b[2] = b[3] = 1; /* first and last track */
    if (first <= 1)
        e = toc_track(e, 1, 0, msf);
    e = toc_track(e, LEAD_OUT_TRACK, atapi_sectors(d), msf);
    return (uint32_t)(e - b);
}

static uint32_t toc_sessions(uint8_t *b, bool msf)
{
    b[2] = b[3] = 1;
    toc_track(b + 4, 1, 0, msf);
    return 12;
}

/* The raw lead-in: points A0, A1, A2 and the track; always in MSF (MMC-3 table 324). */
static uint32_t toc_full(IdeDrive *d, uint8_t *b)
{
    static const uint8_t points[] = {0xa0, 0xa1, 0xa2, 1};
    uint8_t *e = b + 4;

    b[2] = b[3] = 1;
    for (size_t i = 0; i < G_N_ELEMENTS(points); i++, e += 11) {
        e[0] = 1; /* session */
        e[1] = 0x14;
        e[3] = points[i];
        if (points[i] == 0xa0 || points[i] == 0xa1)
            e[8] = 1; /* first, last track */
        else
            put_msf(e + 8, points[i] == 0xa2 ? atapi_sectors(d) : 0);
    }
    return (uint32_t)(e - b);
}

static void mmc_read_toc(IdeDrive *d, const uint8_t *p)
{
    uint8_t *b = reply_buffer(d);
    unsigned format = p[2] & 0x0f ? p[2] & 0x0f : p[9] >> 6; /* MMC's place, SFF-8020's place */
    bool msf = p[1] & 2;
    uint32_t n = 0;

    if (format == 0 && (p[6] <= 1 || p[6] == LEAD_OUT_TRACK))
        n = toc_tracks(d, b, p[6], msf);
    else if (format == 1)
        n = toc_sessions(b, msf);
    else if (format == 2)
        n = toc_full(d, b);
    if (n == 0) {
        atapi_fail(d, &sense_bad_field);
        return;
    }
    put_be16(b, n - 2);
    atapi_reply(d, n, get_be16(p + 7));
}

static void mmc_read_disc_information(IdeDrive *d, const uint8_t *p)
{
    uint8_t *b = reply_buffer(d);

    if (p[1] & 7) {
        atapi_fail(d, &sense_bad_field);
        return;
    }
    put_be16(b, 32);
    b[2] = 0x0e; /* last session complete, disc finalised */
    b[3] = b[4] = b[5] = b[6] = 1; /* first track, sessions, first and last track of the last session */
    b[7] = 0x20; /* unrestricted use */
    atapi_reply(d, 34, get_be16(p + 7));
}

static void mmc_read_track_information(IdeDrive *d, const uint8_t *p)
{
    uint8_t *b = reply_buffer(d);
    uint32_t n = get_be32(p + 2);
    unsigned type = p[1] & 3;

    if (type > 2 || (type == 0 ? n >= atapi_sectors(d) : n != 1)) {
        atapi_fail(d, &sense_bad_field);
        return;
    }
    put_be16(b, 34);
    b[2] = b[3] = 1; /* track, session */
    b[5] = 4;        /* data track */
    b[6] = 1;        /* mode 1 */
    put_be32(b + 24, atapi_sectors(d));
    atapi_reply(d, 36, get_be16(p + 7));
}

static void mmc_read_subchannel(IdeDrive *d, const uint8_t *p)
{
    uint8_t *b = reply_buffer(d);
    uint32_t n = 4;

    b[1] = 0x15; /* no audio status to return */
    if (p[2] & 0x40) {
        switch (p[3]) {
        case 1: /* current position */
            b[4] = 1;
            b[5] = 0x14;
            b[6] = b[7] = 1;
            put_address(b + 8, 0, p[1] & 2);
            put_address(b + 12, 0, p[1] & 2);
            n = 16;
            break;
        case 2: /* catalogue number: none */
        case 3:
            b[4] = p[3];
            n = 24;
            break;
        default:
            atapi_fail(d, &sense_bad_field);
            return;
        }
    }
    put_be16(b + 2, n - 4);
    atapi_reply(d, n, get_be16(p + 7));
}

/* MMC-3 6.25, for what a DVD-ROM must answer: physical format, copyright, manufacturer, and the list of these. */
static void mmc_read_dvd_structure(IdeDrive *d, const uint8_t *p)
{
    static const Sense incompatible = {0x05, 0x30, 0x02};
    uint8_t *b = reply_buffer(d);
    uint32_t n;

    if (!is_dvd(d)) {
        atapi_fail(d, &incompatible);
        return;
    }
    switch (p[7]) {
    case 0x00:
        b[4] = 0x01; /* DVD-ROM, version 1 */
        b[5] = 0x0f; /* 120 mm, any rate */
        b[6] = 0x01; /* one layer, embossed */
        put_be32(b + 8, 0x30000);
        put_be32(b + 12, 0x30000 + atapi_sectors(d) - 1);
        n = 2048 + 4;
        break;
    case 0x01: /* not protected, all regions */
        n = 8;
        break;
    case 0x04:
        n = 2048 + 4;
        break;
    case 0xff: {
        static const struct {
            uint8_t format;
            uint16_t len;
        } formats[] = {{0x00, 2052}, {0x01, 8}, {0x04, 2052}};
        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
            b[4 + 4 * i] = formats[i].format;
            b[5 + 4 * i] = 0x40; /* readable */
            put_be16(b + 6 + 4 * i, formats[i].len);
        }
        n = 4 + 4 * G_N_ELEMENTS(formats);
        break;
    }
    default:
        atapi_fail(d, &sense_bad_field);
        return;
    }
    put_be16(b, n - 2);
    atapi_reply(d, n, get_be16(p + 8));
}

/* ---- Reading ---- */

static void mmc_read10(IdeDrive *d, const uint8_t *p)
{
    atapi_read(d, get_be32(p + 2), get_be16(p + 7), CD_SECTOR);
}

static void mmc_read12(IdeDrive *d, const uint8_t *p)
{
    atapi_read(d, get_be32(p + 2), get_be32(p + 6), CD_SECTOR);
}

static void mmc_seek(IdeDrive *d, const uint8_t *p)
{
    if (get_be32(p + 2) >= atapi_sectors(d))
        atapi_fail(d, &sense_out_of_range);
    else
        atapi_ok(d);
}

/* READ CD and READ CD MSF: byte 1 wants a sector type, byte 9 says which of its fields. */
static void read_cd(IdeDrive *d, const uint8_t *p, uint32_t lba, uint32_t count)
{
    unsigned type = p[1] >> 2 & 7, header = p[9] >> 5 & 3;
    uint8_t fields = p[9] & 0x98;
    uint32_t size;

    if (type != 0 && type != 2) { /* any, or mode 1 */
        atapi_fail(d, &sense_wrong_mode);
        return;
    }
    if (p[9] & 0x07 || p[10] & 7) { /* C2 error bits, sub-channels */
        atapi_fail(d, &sense_bad_field);
        return;
    }
    if (header & 1) /* bit 1, the sub-header, has mode 2 sectors only */
        fields |= 0x20;
    size = (fields & 0x80 ? 12u : 0) + (fields & 0x20 ? 4u : 0) + (fields & 0x10 ? CD_SECTOR : 0) +
           (fields & 0x08 ? 288u : 0);
    if (size == 0) {
        atapi_read(d, lba, 0, CD_SECTOR);
        return;
    }
    d->atapi.fields = fields;
    atapi_read(d, lba, count, size);
}

static void mmc_read_cd(IdeDrive *d, const uint8_t *p)
{
    read_cd(d, p, get_be32(p + 2), (uint32_t)p[6] << 16 | get_be16(p + 7));
}

static uint32_t msf_to_lba(const uint8_t *p)
{
    return ((uint32_t)p[0] * 60 + p[1]) * 75 + p[2] - LEAD_IN;
}

static void mmc_read_cd_msf(IdeDrive *d, const uint8_t *p)
{
    uint32_t start = msf_to_lba(p + 3), end = msf_to_lba(p + 6);

    if (end < start || start > UINT32_MAX - LEAD_IN)
        atapi_fail(d, &sense_bad_field);
    else
        read_cd(d, p, start, end - start);
}

/* ---- Features ---- */

typedef struct Feature {
    uint16_t code;
    uint8_t flags; /* version and persistence: byte 2 without the current bit */
    uint8_t len;
    uint8_t data[8];
} Feature;

/* MMC-3 5.3; the profile list (0000h) is made on the spot. */
static const Feature features[] = {
    {0x0001, 0x02, 4, {0, 0, 0, 2}},       /* core: ATAPI */
    {0x0003, 0x02, 4, {0x29}},             /* removable: tray, eject, lock */
    {0x0010, 0x00, 8, {0, 0, 8, 0, 0, 1}}, /* random readable: 2048 bytes */
    {0x001e, 0x00, 4, {0}},                /* CD read */
    {0x001f, 0x00, 4, {0}},                /* DVD read */
    {0x0100, 0x02, 0, {0}},                /* power management */
};

static bool feature_current(const IdeDrive *d, const Feature *f)
{
    switch (f->code) {
    case 0x0010:
        return atapi_sectors(d) != 0;
    case 0x001e:
        return atapi_sectors(d) != 0 && !is_dvd(d);
    case 0x001f:
        return is_dvd(d);
    default:
        return true;
    }
}

static uint32_t put_profiles(const IdeDrive *d, uint8_t *b)
{
    static const uint16_t profiles[] = {PROFILE_DVD_ROM, PROFILE_CD_ROM};

    b[2] = 0x03; /* persistent, current */
    b[3] = 4 * G_N_ELEMENTS(profiles);
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        put_be16(b + 4 + 4 * i, profiles[i]);
        b[6 + 4 * i] = profiles[i] == profile(d);
    }
    return 4u + b[3];
}

static bool feature_wanted(unsigned type, unsigned start, unsigned code, bool current)
{
    switch (type) {
    case 0:
        return code >= start;
    case 1:
        return code >= start && current;
    default:
        return code == start;
    }
}

static void mmc_get_configuration(IdeDrive *d, const uint8_t *p)
{
    uint8_t *b = reply_buffer(d);
    unsigned type = p[1] & 3, start = get_be16(p + 2);
    uint32_t n = 8;

    if (type == 3) {
        atapi_fail(d, &sense_bad_field);
        return;
    }
    if (feature_wanted(type, start, 0, true))
        n += put_profiles(d, b + n);
    for (size_t i = 0; i < G_N_ELEMENTS(features); i++) {
        const Feature *f = &features[i];
        bool current = feature_current(d, f);
        if (!feature_wanted(type, start, f->code, current))
            continue;
        put_be16(b + n, f->code);
        b[n + 2] = f->flags | (current ? 1 : 0);
        b[n + 3] = f->len;
        memcpy(b + n + 4, f->data, f->len);
        n += 4u + f->len;
    }
    put_be32(b, n - 4);
    put_be16(b + 6, profile(d));
    atapi_reply(d, n, get_be16(p + 7));
}

/* ---- The table ---- */

enum {
    MEDIUM = 1, /* fails without a medium */
    CALM = 2,   /* doesn't report a pending unit attention (SPC-2 5.6.4, MMC-3 4.1.6) */
};

typedef struct Command {
    void (*run)(IdeDrive *d, const uint8_t *p);
    unsigned flags;
} Command;

static const Command commands[256] = {
    [0x00] = {mmc_test_unit_ready, MEDIUM},
    [0x03] = {mmc_request_sense, CALM},
    [0x12] = {mmc_inquiry, CALM},
    [0x1a] = {mmc_mode_sense6, 0},
    [0x1b] = {mmc_start_stop, 0},
    [0x1e] = {mmc_prevent_allow, 0},
    [0x25] = {mmc_read_capacity, MEDIUM},
    [0x28] = {mmc_read10, MEDIUM},
    [0x2b] = {mmc_seek, MEDIUM},
    [0x42] = {mmc_read_subchannel, MEDIUM},
    [0x43] = {mmc_read_toc, MEDIUM},
    [0x45] = {mmc_no_audio, MEDIUM},
    [0x46] = {mmc_get_configuration, CALM},
    [0x47] = {mmc_no_audio, MEDIUM},
    [0x48] = {mmc_no_audio, MEDIUM},
    [0x4a] = {mmc_event_status, CALM},
    [0x4e] = {mmc_accept, MEDIUM}, /* STOP PLAY */
    [0x51] = {mmc_read_disc_information, MEDIUM},
    [0x52] = {mmc_read_track_information, MEDIUM},
    [0x5a] = {mmc_mode_sense10, 0},
    [0xa5] = {mmc_no_audio, MEDIUM},
    [0xa8] = {mmc_read12, MEDIUM},
    [0xad] = {mmc_read_dvd_structure, MEDIUM},
    [0xb9] = {mmc_read_cd_msf, MEDIUM},
    [0xbb] = {mmc_accept, 0}, /* SET CD SPEED */
    [0xbd] = {mmc_mechanism_status, 0},
    [0xbe] = {mmc_read_cd, MEDIUM},
};

void mmc_command(IdeDrive *d)
{
    AtapiState *a = &d->atapi;
    const uint8_t *p = a->packet;
    const Command *c = &commands[p[0]];

    if (p[0] != 0x03) /* REQUEST SENSE asks about the command before it */
        a->sense = sense_none;
    if (a->attention && !(c->flags & CALM)) {
        a->attention = false;
        atapi_fail(d, &sense_medium_changed);
    } else if (!c->run) {
        atapi_fail(d, &sense_bad_command);
    } else if (c->flags & MEDIUM && atapi_sectors(d) == 0) {
        atapi_fail(d, a->tray_open ? &sense_tray_open : &sense_no_medium);
    } else {
        c->run(d, p);
    }
}

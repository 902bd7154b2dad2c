/*
 * A byte stream between a device (serial port, parallel port, debug console) and its host back end (terminal, file, pipe).
 *
 * The board makes a Chardev and hands it to both sides. The back end fills in the functions that it has; the device fills in
 * its handlers. Either side may be absent, and every function but write may be NULL. The machine lock is held in every
 * call, in both directions.
 *
 * Flow to the guest: the back end asks chardev_can_receive(), reads at most as many bytes from the host, and calls
 * chardev_receive(). When the device has room again it calls chardev_accept(), on which the back end resumes reading. The
 * device never drops bytes that it said it could take.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Modem lines as bits: towards the host, and from it. */
enum {
    CHARDEV_DTR = 1 << 0,
    CHARDEV_RTS = 1 << 1,
    CHARDEV_CTS = 1 << 2,
    CHARDEV_DSR = 1 << 3,
    CHARDEV_RI = 1 << 4,
    CHARDEV_DCD = 1 << 5,
};

/* Line parameters as the guest programmed them. */
typedef struct ChardevParams {
    unsigned baud;
    unsigned data_bits; /* 5..8 */
    char parity;        /* 'N', 'O', 'E', 'M', 'S' */
    unsigned stop_bits; /* 1 or 2 (1.5 counts as 2) */
} ChardevParams;

typedef struct ChardevBackendOps {
    /* Take len bytes from the device. All are taken: a back end that cannot deliver them buffers or drops. */
    void (*write)(void *opaque, const uint8_t *buf, size_t len);
    /* The device has room again. */
    void (*accept)(void *opaque);
    void (*set_params)(void *opaque, const ChardevParams *params);
    void (*set_break)(void *opaque, bool on);
    /* DTR and RTS as bits of lines. */
    void (*set_modem)(void *opaque, unsigned lines);
    /* CTS, DSR, RI, DCD as bits. Without it a device assumes CTS, DSR and DCD. */
    unsigned (*get_modem)(void *opaque);
} ChardevBackendOps;

typedef struct ChardevFrontendOps {
    /* How many bytes the device takes now. */
    size_t (*can_receive)(void *opaque);
    /* Bytes from the host, at most as many as can_receive() said. */
    void (*receive)(void *opaque, const uint8_t *buf, size_t len);
    /* The host sent a break. */
    void (*receive_break)(void *opaque);
    /* The lines of get_modem() changed. */
    void (*modem_changed)(void *opaque);
    /* Someone at the host end came (a connection) or went. A back end that is always there never calls it. */
    void (*opened)(void *opaque, bool open);
} ChardevFrontendOps;

typedef struct Chardev {
    const ChardevBackendOps *back; /* NULL: nothing connected, writes vanish */
    void *back_opaque;
    const ChardevFrontendOps *front; /* NULL: no device listens */
    void *front_opaque;
} Chardev;

/* ---- called by the device; chr may be NULL ---- */

static inline void chardev_write(const Chardev *chr, const uint8_t *buf, size_t len)
{
    if (chr && chr->back)
        chr->back->write(chr->back_opaque, buf, len);
}

static inline void chardev_accept(const Chardev *chr)
{
    if (chr && chr->back && chr->back->accept)
        chr->back->accept(chr->back_opaque);
}

static inline void chardev_set_params(const Chardev *chr, const ChardevParams *params)
{
    if (chr && chr->back && chr->back->set_params)
        chr->back->set_params(chr->back_opaque, params);
}

static inline void chardev_set_break(const Chardev *chr, bool on)
{
    if (chr && chr->back && chr->back->set_break)
        chr->back->set_break(chr->back_opaque, on);
}

static inline void chardev_set_modem(const Chardev *chr, unsigned lines)
{
    if (chr && chr->back && chr->back->set_modem)
        chr->back->set_modem(chr->back_opaque, lines);
}

static inline unsigned chardev_get_modem(const Chardev *chr)
{
    if (chr && chr->back && chr->back->get_modem)
        return chr->back->get_modem(chr->back_opaque);
    return CHARDEV_CTS | CHARDEV_DSR | CHARDEV_DCD;
}

/* ---- called by the back end ---- */

static inline size_t chardev_can_receive(const Chardev *chr)
{
    return chr->front && chr->front->can_receive ? chr->front->can_receive(chr->front_opaque) : 0;
}

static inline void chardev_receive(const Chardev *chr, const uint8_t *buf, size_t len)
{
    if (chr->front && chr->front->receive)
        chr->front->receive(chr->front_opaque, buf, len);
}

static inline void chardev_receive_break(const Chardev *chr)
{
    if (chr->front && chr->front->receive_break)
        chr->front->receive_break(chr->front_opaque);
}

static inline void chardev_opened(const Chardev *chr, bool open)
{
    if (chr->front && chr->front->opened)
        chr->front->opened(chr->front_opaque, open);
}

static inline void chardev_modem_changed(const Chardev *chr)
{
    if (chr->front && chr->front->modem_changed)
        chr->front->modem_changed(chr->front_opaque);
}

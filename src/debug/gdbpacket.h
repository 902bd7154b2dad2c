/*
 * The framing of gdb's remote protocol: $data#checksum, acknowledgements, the interrupt byte. Knows nothing of commands.
 * (gdb manual, "Overview" of the Remote Serial Protocol)
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define GDB_PACKET_MAX 0x4000 /* bytes of data; announced as PacketSize */

typedef struct GdbPacketOps {
    void (*packet)(void *opaque, char *data, size_t len); /* escapes resolved, a 0 after it; may be changed */
    void (*interrupt)(void *opaque);                      /* Ctrl-C */
    void (*send)(void *opaque, const uint8_t *buf, size_t len);
} GdbPacketOps;

typedef struct GdbPacket {
    const GdbPacketOps *ops;
    void *opaque;
    enum { GDB_IDLE, GDB_DATA, GDB_ESCAPE, GDB_SUM1, GDB_SUM2 } state;
    bool no_ack;       /* QStartNoAckMode */
    bool overflow;
    uint8_t sum, sum_sent;
    GString *in, *last; /* last: the packet sent last, for when it is asked for again */
} GdbPacket;

void gdbpacket_init(GdbPacket *p, const GdbPacketOps *ops, void *opaque);
void gdbpacket_clear(GdbPacket *p);
/* A new connection. */
void gdbpacket_reset(GdbPacket *p);
void gdbpacket_feed(GdbPacket *p, const uint8_t *buf, size_t len);
/* Frame and send; data may hold any bytes. */
void gdbpacket_send(GdbPacket *p, const char *data, size_t len);

/*
 * Packet framing. See gdbpacket.h.
 */
#include "debug/gdbpacket.h"

#include <string.h>

#define INTERRUPT 3
#define ESCAPE '}'

void gdbpacket_init(GdbPacket *p, const GdbPacketOps *ops, void *opaque)
{
    *p = (GdbPacket){.ops = ops, .opaque = opaque, .in = g_string_new(NULL), .last = g_string_new(NULL)};
}

void gdbpacket_clear(GdbPacket *p)
{
    g_string_free(p->in, TRUE);
    g_string_free(p->last, TRUE);
}

void gdbpacket_reset(GdbPacket *p)
{
    p->state = GDB_IDLE;
    p->no_ack = false;
    g_string_truncate(p->in, 0);
    g_string_truncate(p->last, 0);
}

static void raw(GdbPacket *p, const char *data, size_t len)
{
    p->ops->send(p->opaque, (const uint8_t *)data, len);
}

void gdbpacket_send(GdbPacket *p, const char *data, size_t len)
{
    uint8_t sum = 0;
    g_string_assign(p->last, "$");
    for (size_t n = 0; n < len; n++) {
        if (data[n] == '$' || data[n] == '#' || data[n] == ESCAPE || data[n] == '*') {
            g_string_append_c(p->last, ESCAPE);
            g_string_append_c(p->last, data[n] ^ 0x20);
        } else {
            g_string_append_c(p->last, data[n]);
        }
    }
    for (size_t n = 1; n < p->last->len; n++)
        sum += (uint8_t)p->last->str[n];
    g_string_append_printf(p->last, "#%02x", sum);
    raw(p, p->last->str, p->last->len);
}

static void complete(GdbPacket *p)
{
    bool good = p->sum == p->sum_sent && !p->overflow;
    p->state = GDB_IDLE;
    if (!p->no_ack)
        raw(p, good ? "+" : "-", 1);
    else if (!good)
        return; /* nobody would send it again; a reliable transport does not damage packets */
    if (good)
        p->ops->packet(p->opaque, p->in->str, p->in->len);
}

static void append(GdbPacket *p, char c)
{
    if (p->in->len >= GDB_PACKET_MAX)
        p->overflow = true;
    else
        g_string_append_c(p->in, c);
}

static void idle_byte(GdbPacket *p, uint8_t c)
{
    switch (c) {
    case '$':
        p->state = GDB_DATA;
        p->sum = 0;
        p->overflow = false;
        g_string_truncate(p->in, 0);
        break;
    case INTERRUPT:
        p->ops->interrupt(p->opaque);
        break;
    case '-':
        if (p->last->len && !p->no_ack)
            raw(p, p->last->str, p->last->len);
        break;
    default: /* '+', and noise */
        break;
    }
}

void gdbpacket_feed(GdbPacket *p, const uint8_t *buf, size_t len)
{
    for (size_t n = 0; n < len; n++) {
        uint8_t c = buf[n];
        switch (p->state) {
        case GDB_IDLE:
            idle_byte(p, c);
            break;
        case GDB_DATA:
            if (c == '$') { /* the end of the one before was lost */
                idle_byte(p, c);
            } else if (c == '#') {
                p->state = GDB_SUM1;
            } else {
                p->sum += c;
                if (c == ESCAPE)
                    p->state = GDB_ESCAPE;
                else
                    append(p, c);
            }
            break;
        case GDB_ESCAPE:
            p->sum += c;
            append(p, c ^ 0x20);
            p->state = GDB_DATA;
            break;
        case GDB_SUM1:
            p->sum_sent = g_ascii_xdigit_value(c) << 4;
            p->state = GDB_SUM2;
            break;
        case GDB_SUM2:
            p->sum_sent |= g_ascii_xdigit_value(c) & 0xf;
            complete(p);
            break;
        }
    }
}

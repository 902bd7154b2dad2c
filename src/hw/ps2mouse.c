/*
 * A PS/2 mouse: two or three buttons, and on request a wheel (IntelliMouse, id 3) or a wheel and five buttons (id 4).
 *
 * Movement adds up until a packet is due: at most one a sample period in stream mode, on demand in remote mode. A button
 * that changes is never merged into a later packet, so that quick clicks survive.
 *
 * 1. Packets. 2. Commands.
 *
 * IBM Personal System/2 Hardware Interface Technical Reference, "Mouse"; Microsoft's IntelliMouse protocol.
 */
#include "config.h"
#include "hw/ps2.h"

#include <glib.h>

enum {
    MOUSE_SCALE_1 = 0xe6,
    MOUSE_SCALE_2 = 0xe7,
    MOUSE_RESOLUTION = 0xe8,
    MOUSE_STATUS = 0xe9,
    MOUSE_STREAM = 0xea,
    MOUSE_READ = 0xeb,
    MOUSE_UNWRAP = 0xec,
    MOUSE_WRAP = 0xee,
    MOUSE_REMOTE = 0xf0,
    MOUSE_IDENTIFY = 0xf2,
    MOUSE_RATE = 0xf3,
    MOUSE_ENABLE = 0xf4,
    MOUSE_DISABLE = 0xf5,
    MOUSE_DEFAULTS = 0xf6,
    MOUSE_RESEND = 0xfe,
    MOUSE_RESET = 0xff,
};

enum {
    ID_STANDARD = 0,
    ID_WHEEL = 3,
    ID_FIVE_BUTTONS = 4,
};

struct Ps2Mouse {
    Clock *clock;
    Input *input;
    Ps2Port port;
    bool enabled, remote, wrap, double_scale;
    uint8_t resolution, rate, id;
    uint8_t rates[2]; /* the last two before the present one: the knock that changes the id */
    int dx, dy, dz;
    unsigned buttons, sent_buttons;
    Timer *sample; /* armed until the next packet may go */
};

/* ---- 1. packets ---- */

/* 2:1 scaling of stream mode: slow movement finer, fast movement doubled. */
static int scale(const Ps2Mouse *m, int d)
{
    static const int slow[] = { 0, 1, 1, 3, 6, 9 };
    int a = ABS(d);

    if (!m->double_scale || m->remote)
        return d;
    a = a < (int)G_N_ELEMENTS(slow) ? slow[a] : 2 * a;
    return d < 0 ? -a : a;
}

/* Take up to limit of an accumulated movement. */
static int take(int *sum, int low, int high)
{
    int d = CLAMP(*sum, low, high);

    *sum -= d;
    return d;
}

/* Make a packet of what has happened; returns its length. */
static size_t make_packet(Ps2Mouse *m, uint8_t *out)
{
    int half = m->double_scale && !m->remote ? 127 : 255;
    int dx = scale(m, take(&m->dx, -half, half)), dy = scale(m, take(&m->dy, -half, half));
    unsigned b = m->buttons;
    size_t n = 3;

    out[0] = 0x08 | (b & 7) | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0);
    out[1] = dx;
    out[2] = dy;
    if (m->id == ID_WHEEL)
        out[n++] = take(&m->dz, -128, 127);
    else if (m->id == ID_FIVE_BUTTONS)
        out[n++] = (take(&m->dz, -8, 7) & 0x0f) | (b & (INPUT_SIDE | INPUT_EXTRA)) << 1;
    else
        m->dz = 0;
    m->sent_buttons = b;
    return n;
}

static bool has_news(const Ps2Mouse *m)
{
    return m->dx || m->dy || m->dz || m->buttons != m->sent_buttons;
}

static void send_packet(Ps2Mouse *m)
{
    uint8_t packet[4];
    size_t n;

    if (m->port.events.count + sizeof packet > PS2_QUEUE)
        return; /* later: movement goes on adding up */
    n = make_packet(m, packet);
    ps2_queue_put(&m->port.events, packet, n);
    timer_arm(m->sample, clock_now(m->clock) + NS_PER_SEC / m->rate);
    m->port.ready(m->port.opaque);
}

static bool streams(const Ps2Mouse *m)
{
    return m->enabled && !m->remote && !m->wrap;
}

static void sample_fire(void *opaque)
{
    Ps2Mouse *m = opaque;

    if (streams(m) && has_news(m))
        send_packet(m);
}

static void mouse_event(void *opaque, int dx, int dy, int dz, unsigned buttons)
{
    Ps2Mouse *m = opaque;

    /* A click that hasn't gone out yet must not be hidden by the next change. */
    if (streams(m) && buttons != m->buttons && m->buttons != m->sent_buttons)
        send_packet(m);
    m->buttons = buttons;
    if (!m->enabled && !m->remote)
        return;
    m->dx = CLAMP(m->dx + CLAMP(dx, -4096, 4096), -4096, 4096);
    m->dy = CLAMP(m->dy - CLAMP(dy, -4096, 4096), -4096, 4096); /* upwards counts up */
    m->dz = CLAMP(m->dz + CLAMP(dz, -4096, 4096), -4096, 4096);
    if (streams(m) && has_news(m) && !timer_armed(m->sample) && !m->port.events.count)
        send_packet(m);
}

/* ---- 2. commands ---- */

static void reply(Ps2Mouse *m, uint8_t byte)
{
    ps2_port_reply(&m->port, byte);
}

static void forget(Ps2Mouse *m)
{
    m->dx = m->dy = m->dz = 0;
    m->sent_buttons = m->buttons;
    m->port.events.count = 0;
}

static void set_defaults(Ps2Mouse *m)
{
    m->rate = 100;
    m->resolution = 2;
    m->enabled = m->remote = m->double_scale = false;
    forget(m);
}

void ps2_mouse_reset(Ps2Mouse *m)
{
    set_defaults(m);
    m->id = ID_STANDARD;
    m->rates[0] = m->rates[1] = 0;
    m->wrap = false;
    ps2_port_reset(&m->port);
    timer_disarm(m->sample);
}

static void set_rate(Ps2Mouse *m, uint8_t rate)
{
    /* 200, 100, 80 asks for the wheel; 200, 200, 80 for five buttons. */
    if (m->rates[0] == 200 && m->rates[1] == 100 && rate == 80)
        m->id = ID_WHEEL;
    else if (m->rates[0] == 200 && m->rates[1] == 200 && rate == 80)
        m->id = ID_FIVE_BUTTONS;
    m->rates[0] = m->rates[1];
    m->rates[1] = rate;
    m->rate = MAX(rate, 10);
}

static void send_status(Ps2Mouse *m)
{
    reply(m, (m->remote ? 0x40 : 0) | (m->enabled ? 0x20 : 0) | (m->double_scale ? 0x10 : 0) |
                 (m->buttons & INPUT_LEFT ? 4 : 0) | (m->buttons & INPUT_MIDDLE ? 2 : 0) |
                 (m->buttons & INPUT_RIGHT ? 1 : 0));
    reply(m, m->resolution);
    reply(m, m->rate);
}

static void command(Ps2Mouse *m, uint8_t byte)
{
    uint8_t packet[4];
    size_t n;

    if (byte == MOUSE_RESET) {
        ps2_mouse_reset(m);
        reply(m, PS2_ACK);
        reply(m, PS2_SELF_TEST_PASSED);
        reply(m, m->id);
        return;
    }
    if (byte == MOUSE_RESEND) {
        reply(m, m->port.last);
        return;
    }
    switch (byte) {
    case MOUSE_SCALE_1:
    case MOUSE_SCALE_2:
        m->double_scale = byte == MOUSE_SCALE_2;
        break;
    case MOUSE_RESOLUTION:
    case MOUSE_RATE:
        m->port.command = byte;
        break;
    case MOUSE_STREAM:
    case MOUSE_REMOTE:
        m->remote = byte == MOUSE_REMOTE;
        forget(m);
        break;
    case MOUSE_UNWRAP:
        m->wrap = false;
        break;
    case MOUSE_WRAP:
        m->wrap = true;
        break;
    case MOUSE_ENABLE:
    case MOUSE_DISABLE:
        m->enabled = byte == MOUSE_ENABLE;
        forget(m);
        break;
    case MOUSE_DEFAULTS:
        set_defaults(m);
        break;
    case MOUSE_STATUS:
    case MOUSE_READ:
    case MOUSE_IDENTIFY:
        break;
    default:
        reply(m, PS2_RESEND);
        return;
    }
    reply(m, PS2_ACK);
    if (byte == MOUSE_STATUS) {
        send_status(m);
    } else if (byte == MOUSE_IDENTIFY) {
        reply(m, m->id);
    } else if (byte == MOUSE_READ) {
        n = make_packet(m, packet);
        for (size_t i = 0; i < n; i++)
            reply(m, packet[i]);
    }
}

void ps2_mouse_write(Ps2Mouse *m, uint8_t byte)
{
    uint8_t waiting = ps2_port_begin(&m->port);

    if (m->wrap && byte != MOUSE_RESET && byte != MOUSE_UNWRAP) {
        reply(m, byte);
    } else if (waiting == MOUSE_RESOLUTION && byte <= 3) {
        m->resolution = byte;
        reply(m, PS2_ACK);
    } else if (waiting == MOUSE_RATE && byte < MOUSE_SCALE_1) {
        set_rate(m, byte);
        reply(m, PS2_ACK);
    } else {
        command(m, byte);
    }
}

bool ps2_mouse_pending(const Ps2Mouse *m)
{
    return ps2_port_pending(&m->port);
}

uint8_t ps2_mouse_take(Ps2Mouse *m)
{
    uint8_t byte = ps2_port_take(&m->port);

    /* What added up while the guest was slow follows when it has caught up. */
    if (!m->port.events.count && streams(m) && has_news(m) && !timer_armed(m->sample))
        timer_arm(m->sample, clock_now(m->clock) + NS_PER_SEC / m->rate);
    return byte;
}

Ps2Mouse *ps2_mouse_new(Clock *clock, Input *input, void (*ready)(void *opaque), void *opaque)
{
    Ps2Mouse *m = g_new0(Ps2Mouse, 1);

    m->clock = clock;
    m->input = input;
    m->port.ready = ready;
    m->port.opaque = opaque;
    m->sample = timer_new(clock, sample_fire, m);
    input->mouse = mouse_event;
    input->mouse_opaque = m;
    ps2_mouse_reset(m);
    return m;
}

void ps2_mouse_free(Ps2Mouse *m)
{
    if (!m)
        return;
    m->input->mouse = NULL;
    timer_free(m->sample);
    g_free(m);
}

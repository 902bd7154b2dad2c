/*
 * A shared terminal. See chrmux.h.
 */
#include "ui/chrmux.h"

struct ChrMux {
    Chardev line;
    Chardev *device[CHRMUX_MAX];
    unsigned count, focus;
};

static size_t line_can_receive(void *opaque)
{
    ChrMux *m = opaque;
    return m->count ? chardev_can_receive(m->device[m->focus]) : 0;
}

static void line_receive(void *opaque, const uint8_t *buf, size_t len)
{
    ChrMux *m = opaque;
    chardev_receive(m->device[m->focus], buf, len);
}

static void line_break(void *opaque)
{
    ChrMux *m = opaque;
    if (m->count)
        chardev_receive_break(m->device[m->focus]);
}

static const ChardevFrontendOps line_ops = {.can_receive = line_can_receive, .receive = line_receive, .receive_break = line_break};

static void device_write(void *opaque, const uint8_t *buf, size_t len)
{
    ChrMux *m = opaque;
    chardev_write(&m->line, buf, len);
}

static void device_accept(void *opaque)
{
    ChrMux *m = opaque;
    chardev_accept(&m->line);
}

static const ChardevBackendOps device_ops = {.write = device_write, .accept = device_accept};

ChrMux *chrmux_new(void)
{
    ChrMux *m = g_new0(ChrMux, 1);
    m->line.front = &line_ops;
    m->line.front_opaque = m;
    return m;
}

void chrmux_free(ChrMux *m)
{
    if (!m)
        return;
    for (unsigned n = 0; n < m->count; n++)
        m->device[n]->back = NULL;
    g_free(m);
}

Chardev *chrmux_line(ChrMux *m)
{
    return &m->line;
}

void chrmux_add(ChrMux *m, Chardev *chr)
{
    g_assert(m->count < CHRMUX_MAX);
    m->device[m->count++] = chr;
    chr->back = &device_ops;
    chr->back_opaque = m;
}

void chrmux_switch(ChrMux *m)
{
    if (!m->count)
        return;
    m->focus = (m->focus + 1) % m->count;
    chardev_opened(m->device[m->focus], true);
    chardev_accept(&m->line);
}

/*
 * A shared terminal. See chrmux.h.
 */
#include "ui/chrmux.h"

#define ESCAPE 1 /* Ctrl-A */

struct ChrMux {
    Chardev line;
    Chardev *device[CHRMUX_MAX];
    unsigned count, focus;
    void (*quit)(void *opaque); /* NULL: Ctrl-A is nothing special */
    void *quit_opaque;
    bool escaped;
};

static size_t line_can_receive(void *opaque)
{
    ChrMux *m = opaque;
    return m->count ? chardev_can_receive(m->device[m->focus]) : 0;
}

/* A byte after Ctrl-A. True: it goes to the device after all. */
static bool take_command(ChrMux *m, uint8_t key)
{
    m->escaped = false;
    switch (key) {
    case ESCAPE:
        return true;
    case 'b':
        chardev_receive_break(m->device[m->focus]);
        return false;
    case 'c':
        chrmux_switch(m);
        return false;
    case 'x':
        m->quit(m->quit_opaque);
        return false;
    default:
        return false;
    }
}

static void line_receive(void *opaque, const uint8_t *buf, size_t len)
{
    ChrMux *m = opaque;
    if (!m->quit) {
        chardev_receive(m->device[m->focus], buf, len);
        return;
    }
    for (size_t n = 0; n < len; n++) {
        if (!m->escaped && buf[n] == ESCAPE)
            m->escaped = true;
        else if ((!m->escaped || take_command(m, buf[n])) && chardev_can_receive(m->device[m->focus]))
            chardev_receive(m->device[m->focus], &buf[n], 1);
    }
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

bool chrmux_add(ChrMux *m, Chardev *chr)
{
    if (m->count == CHRMUX_MAX)
        return false;
    m->device[m->count++] = chr;
    chr->back = &device_ops;
    chr->back_opaque = m;
    return true;
}

void chrmux_set_escape(ChrMux *m, void (*quit)(void *opaque), void *opaque)
{
    m->quit = quit;
    m->quit_opaque = opaque;
}

void chrmux_switch(ChrMux *m)
{
    if (!m->count)
        return;
    m->focus = (m->focus + 1) % m->count;
    chardev_opened(m->device[m->focus], true);
    chardev_accept(&m->line);
}

/*
 * Host back ends of lines. See hostlines.h.
 */
#include "hostlines.h"

#include <string.h>

#include "ui/chrfile.h"
#include "ui/chrmux.h"
#include "ui/chrsocket.h"
#include "ui/chrterm.h"

#define HOSTLINES_ERROR g_quark_from_static_string("hostlines")

/* A host back end and how to end it. */
typedef struct Backend {
    void *it;
    void (*free)(void *it);
} Backend;

/* A -chardev that is in use. */
typedef struct Named {
    const char *id;
    ChrMux *mux; /* NULL: it is not shared */
} Named;

struct HostLines {
    const VmConfig *config;
    GMutex *lock;
    Chardev *monitor;
    void (*quit)(void *opaque);
    void *quit_opaque;
    GArray *backends; /* Backend */
    GPtrArray *muxes; /* ChrMux */
    GArray *named;    /* Named */
    ChrTerm *terminal; /* one of the back ends, or NULL */
    ChrMux *terminal_mux; /* what Ctrl-A c goes round in */
};

static void add_backend(HostLines *l, void *it, void (*free)(void *))
{
    Backend b = {it, free};
    g_array_append_val(l->backends, b);
}

static void term_quit(void *opaque)
{
    HostLines *l = opaque;
    l->quit(l->quit_opaque);
}

static void term_command(void *opaque, char key)
{
    HostLines *l = opaque;
    if (key == 'c' && l->terminal_mux)
        chrmux_switch(l->terminal_mux);
}

/* mux: chr is the line of one */
static bool take_terminal(HostLines *l, Chardev *chr, ChrMux *mux, const char *option, bool signals, GError **error)
{
    if (l->terminal) {
        g_set_error(error, HOSTLINES_ERROR, 0,
                    "-%s stdio: the terminal is already used by another port; use file:PATH", option);
        return false;
    }
    l->terminal_mux = mux;
    ChrTermCommands commands = {.quit = term_quit, .command = term_command, .opaque = l};
    bool escape = mux || l->config->nographic;
    l->terminal = chrterm_new(chr, l->lock, escape, signals && !l->config->nographic, commands);
    add_backend(l, l->terminal, (void (*)(void *))chrterm_free);
    return true;
}

/* Open the back end itself: no mux, no chardev. chr is the line of mux, if there is one. */
static bool open_backend(HostLines *l, Chardev *chr, ChrMux *mux, const char *option, const ChardevConfig *c,
                         GError **error)
{
    if (!strcmp(c->dev, "none") || !strcmp(c->dev, "null") || !strcmp(c->dev, "vc") ||
        g_str_has_prefix(c->dev, "vc:"))
        return true;
    if (!strcmp(c->dev, "stdio"))
        return take_terminal(l, chr, mux, option, c->signals, error);
    if (mux)
        chrmux_set_escape(mux, l->quit, l->quit_opaque);
    if (g_str_has_prefix(c->dev, "file:")) {
        ChrFile *f = chrfile_new(chr, c->dev + strlen("file:"), c->append, l->lock, error);
        if (f)
            add_backend(l, f, (void (*)(void *))chrfile_free);
        return f != NULL;
    }
    if (chrsocket_handles(c->dev)) {
        ChrSocket *s = chrsocket_new(chr, c->dev, !strcmp(option, "gdb"), l->lock, error);
        if (s)
            add_backend(l, s, (void (*)(void *))chrsocket_free);
        else
            g_prefix_error(error, "-%s ", option);
        return s != NULL;
    }
    g_set_error(error, HOSTLINES_ERROR, 0,
                "-%s %s: no such device; there are stdio, mon:stdio, file:PATH, tcp:, telnet:, "
                "unix:, pty, pipe:PATH, chardev:ID, null and none",
                option, c->dev);
    return false;
}

static ChrMux *open_mux(HostLines *l, const char *option, const ChardevConfig *c, GError **error)
{
    ChrMux *mux = chrmux_new();
    g_ptr_array_add(l->muxes, mux);
    return open_backend(l, chrmux_line(mux), mux, option, c, error) ? mux : NULL;
}

static bool mux_add(ChrMux *mux, Chardev *chr, const char *option, GError **error)
{
    if (chrmux_add(mux, chr))
        return true;
    g_set_error(error, HOSTLINES_ERROR, 0, "-%s: at most %d lines can share a chardev", option, CHRMUX_MAX);
    return false;
}

static const ChardevConfig *chardev_find(const VmConfig *c, const char *id)
{
    for (unsigned n = 0; n < c->chardevs->len; n++) {
        const ChardevConfig *chardev = c->chardevs->pdata[n];
        if (!strcmp(chardev->id, id))
            return chardev;
    }
    return NULL;
}

static bool connect_named(HostLines *l, Chardev *chr, const char *option, const char *id, GError **error)
{
    const ChardevConfig *c = chardev_find(l->config, id);
    if (!c) {
        g_set_error(error, HOSTLINES_ERROR, 0, "-%s chardev:%s: there is no -chardev with id=%s", option, id, id);
        return false;
    }
    for (unsigned n = 0; n < l->named->len; n++) {
        const Named *used = &g_array_index(l->named, Named, n);
        if (strcmp(used->id, id))
            continue;
        if (used->mux)
            return mux_add(used->mux, chr, option, error);
        g_set_error(error, HOSTLINES_ERROR, 0,
                    "-%s chardev:%s: it is in use already; mux=on in its -chardev lets several share it", option, id);
        return false;
    }
    Named named = {c->id, c->mux ? open_mux(l, option, c, error) : NULL};
    if (c->mux ? !named.mux || !mux_add(named.mux, chr, option, error)
               : !open_backend(l, chr, NULL, option, c, error))
        return false;
    g_array_append_val(l->named, named);
    return true;
}

/* The monitor joins, unless it is elsewhere. */
static bool connect_with_monitor(HostLines *l, Chardev *chr, const char *option, const char *dev, GError **error)
{
    ChardevConfig c = {.dev = (char *)dev};
    ChrMux *mux = open_mux(l, option, &c, error);
    if (!mux || !mux_add(mux, chr, option, error))
        return false;
    return chr == l->monitor || l->config->monitor || mux_add(mux, l->monitor, option, error);
}

bool hostlines_connect(HostLines *l, Chardev *chr, const char *option, const char *dev, GError **error)
{
    bool share = g_str_has_prefix(dev, "mon:");
    if (share)
        dev += strlen("mon:");
    if (g_str_has_prefix(dev, "chardev:"))
        return connect_named(l, chr, option, dev + strlen("chardev:"), error);
    /* -nographic's terminal has Ctrl-A, whichever port is on it */
    if (share || (l->config->nographic && !strcmp(dev, "stdio")))
        return connect_with_monitor(l, chr, option, dev, error);
    return open_backend(l, chr, NULL, option, &(ChardevConfig){.dev = (char *)dev, .signals = true}, error);
}

bool hostlines_use_terminal(const HostLines *l)
{
    return l->terminal != NULL;
}

void hostlines_flush_terminal(HostLines *l)
{
    if (l->terminal)
        chrterm_flush(l->terminal);
}

HostLines *hostlines_new(const VmConfig *config, GMutex *lock, Chardev *monitor, void (*quit)(void *opaque),
                         void *opaque)
{
    HostLines *l = g_new0(HostLines, 1);
    l->config = config;
    l->lock = lock;
    l->monitor = monitor;
    l->quit = quit;
    l->quit_opaque = opaque;
    l->backends = g_array_new(FALSE, FALSE, sizeof(Backend));
    l->muxes = g_ptr_array_new_with_free_func((GDestroyNotify)chrmux_free);
    l->named = g_array_new(FALSE, FALSE, sizeof(Named));
    return l;
}

void hostlines_free(HostLines *l)
{
    if (!l)
        return;
    for (unsigned n = 0; n < l->backends->len; n++) {
        Backend *b = &g_array_index(l->backends, Backend, n);
        b->free(b->it);
    }
    g_array_unref(l->backends);
    g_ptr_array_unref(l->muxes);
    g_array_unref(l->named);
    g_free(l);
}

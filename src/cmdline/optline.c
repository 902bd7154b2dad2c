/*
 * Options about lines: what serial ports, the monitor, QMP, gdb are connected to.
 *
 * A line is told by a text, "stdio" or "tcp::4444,server=on"; a -chardev is turned into such a text too.
 */
#include "cmdline/cmdline.h"

#include <string.h>

static bool has_chardev(const VmConfig *c, const char *id)
{
    for (unsigned n = 0; n < c->chardevs->len; n++)
        if (!strcmp(((const ChardevConfig *)c->chardevs->pdata[n])->id, id))
            return true;
    return false;
}

bool line_check(const char *option, const char *dev, GError **error)
{
    static const char *const kinds[] = {
        "stdio", "mon:", "file:", "tcp:", "telnet:", "unix:", "pipe:", "pty", "chardev:", "vc", "null", "none", NULL};
    const char *colon = strchr(dev, ':');
    g_autofree char *kind = colon ? g_strndup(dev, colon - dev + 1) : g_strndup(dev, strcspn(dev, ","));
    if (g_str_has_prefix(dev, "mon:"))
        return line_check(option, dev + strlen("mon:"), error);
    if (g_strv_contains(kinds, kind) || !strcmp(kind, "vc:"))
        return !colon || colon[1] || option_fail(error, "-%s %s: expected something after the colon", option, dev);
    const char *near = nearest_name(kind, kinds);
    if (near)
        return option_fail(error, "-%s %s: no such device; did you mean %s?", option, dev, near);
    return option_fail(
        error,
        "-%s %s: no such device; there are stdio, mon:stdio, file:PATH, tcp:HOST:PORT, telnet:HOST:PORT, "
        "unix:PATH, pipe:PATH, pty, chardev:ID, null and none",
        option, dev);
}

static bool store(char **field, const Option *o, const char *arg, GError **error)
{
    set_string(field, arg);
    return line_check(o->name, arg, error);
}

static bool add(GPtrArray *list, unsigned max, const Option *o, const char *arg, GError **error)
{
    if (list->len == max)
        return option_fail(error, "-%s %s: there are %u of these ports", o->name, arg, max);
    g_ptr_array_add(list, g_strdup(arg));
    return line_check(o->name, arg, error);
}

bool take_serial(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return add(l->config->serials, VM_SERIALS, o, arg, error);
}

bool take_parallel(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return add(l->config->parallels, VM_PARALLELS, o, arg, error);
}

bool take_monitor(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return store(&l->config->monitor, o, arg, error);
}

bool take_qmp(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return store(&l->config->qmp, o, arg, error);
}

bool take_gdb(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return store(&l->config->gdb, o, arg, error);
}

bool take_debugcon(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return store(&l->debugcon, o, arg, error);
}

bool take_s(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    set_string(&l->config->gdb, "tcp::1234");
    return true;
}

/* ---- -chardev ---- */

typedef struct ChardevWords {
    char *backend, *id, *path, *host, *port;
    bool server, wait, telnet, mux, append, signal;
} ChardevWords;

const Prop chardev_props[] = {
    {"backend", PROP_CHOICE, offsetof(ChardevWords, backend), "stdio|file|socket|pipe|pty|null|vc|ringbuf",
     "its kind"},
    {"id", PROP_STRING, offsetof(ChardevWords, id), NULL, "its name"},
    {"path", PROP_STRING, offsetof(ChardevWords, path), "FILE", "of a file, a pipe, a Unix socket"},
    {"host", PROP_STRING, offsetof(ChardevWords, host), NULL, "of a TCP socket"},
    {"port", PROP_STRING, offsetof(ChardevWords, port), NULL, "of a TCP socket"},
    {"server", PROP_BOOL, offsetof(ChardevWords, server), NULL,
     "wait to be called, instead of calling (default off)"},
    {"wait", PROP_BOOL, offsetof(ChardevWords, wait), NULL, "a server: begin when somebody has called (default on)"},
    {"telnet", PROP_BOOL, offsetof(ChardevWords, telnet), NULL, "speak the telnet protocol (default off)"},
    {"mux", PROP_BOOL, offsetof(ChardevWords, mux), NULL, "several may share it; Ctrl-A c goes round (default off)"},
    {"append", PROP_BOOL, offsetof(ChardevWords, append), NULL, "continue the file (default off)"},
    {"signal", PROP_BOOL, offsetof(ChardevWords, signal), NULL,
     "Ctrl-C on the terminal ends the program (default on)"},
    {"nodelay", PROP_IGNORED},
    {"delay", PROP_IGNORED},
    {"reconnect", PROP_IGNORED},
    {"ipv4", PROP_IGNORED},
    {"ipv6", PROP_IGNORED},
    {"size", PROP_IGNORED},
    {"width", PROP_IGNORED},
    {"height", PROP_IGNORED},
    {"cols", PROP_IGNORED},
    {"rows", PROP_IGNORED},
    {NULL},
};

/* The text that says the same to -serial. NULL and error when something is missing. */
static char *chardev_text(const ChardevWords *w, const char *arg, GError **error)
{
    const char *options = w->server ? (w->wait ? ",server=on" : ",server=on,wait=off") : "";
    if (!strcmp(w->backend, "file") || !strcmp(w->backend, "pipe")) {
        if (w->path)
            return g_strdup_printf("%s:%s", w->backend, w->path);
        option_fail(error, "-chardev %s: expected path=", arg);
        return NULL;
    }
    if (!strcmp(w->backend, "socket")) {
        if (w->path)
            return g_strdup_printf("unix:%s%s", w->path, options);
        if (w->port)
            return g_strdup_printf("%s:%s:%s%s", w->telnet ? "telnet" : "tcp", w->host ? w->host : "", w->port,
                                   options);
        option_fail(error, "-chardev %s: expected host= and port=, or path=", arg);
        return NULL;
    }
    return g_strdup(!strcmp(w->backend, "stdio") || !strcmp(w->backend, "pty") ? w->backend : "null");
}

bool take_chardev(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    ChardevWords w = {.wait = true, .signal = true};
    char *dev = NULL;
    bool ok = props_parse(chardev_props, &w, o->name, "backend", arg, error);
    if (ok && (!w.backend || !w.id))
        ok = option_fail(error, "-chardev %s: expected a kind and a name, as in -chardev stdio,id=a", arg);
    else if (ok && has_chardev(l->config, w.id))
        ok = option_fail(error, "-chardev id=%s: there is a chardev of that name already", w.id);
    else if (ok)
        ok = (dev = chardev_text(&w, arg, error)) != NULL;
    if (ok) {
        ChardevConfig *c = g_new0(ChardevConfig, 1);
        *c = (ChardevConfig){.id = g_strdup(w.id), .dev = dev, .mux = w.mux, .append = w.append, .signals = w.signal};
        g_ptr_array_add(l->config->chardevs, c);
    }
    char *strings[] = {w.backend, w.id, w.path, w.host, w.port};
    for (unsigned n = 0; n < G_N_ELEMENTS(strings); n++)
        g_free(strings[n]);
    return ok;
}

/* ---- -mon ---- */

typedef struct MonWords {
    char *chardev, *mode;
} MonWords;

const Prop mon_props[] = {
    {"chardev", PROP_STRING, offsetof(MonWords, chardev), "ID", "the line"},
    {"mode", PROP_CHOICE, offsetof(MonWords, mode), "readline|control", "for people, or QMP"},
    {"id", PROP_IGNORED},
    {"pretty", PROP_IGNORED},
    {NULL},
};

bool take_mon(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    MonWords w = {NULL};
    bool ok = props_parse(mon_props, &w, o->name, "chardev", arg, error);
    if (ok && !w.chardev)
        ok = option_fail(error, "-mon %s: expected chardev=ID", arg);
    if (ok) {
        g_autofree char *dev = g_strconcat("chardev:", w.chardev, NULL);
        set_string(!g_strcmp0(w.mode, "control") ? &l->config->qmp : &l->config->monitor, dev);
    }
    g_free(w.chardev);
    g_free(w.mode);
    return ok;
}

/* ---- when all is read ---- */

static bool check_known(const VmConfig *c, const char *option, const char *dev, GError **error)
{
    if (dev && g_str_has_prefix(dev, "mon:"))
        dev += strlen("mon:");
    if (!dev || !g_str_has_prefix(dev, "chardev:") || has_chardev(c, dev + strlen("chardev:")))
        return true;
    return option_fail(error, "-%s %s: there is no -chardev with id=%s", option, dev, dev + strlen("chardev:"));
}

static bool check_list(const VmConfig *c, const char *option, const GPtrArray *list, GError **error)
{
    for (unsigned n = 0; n < list->len; n++)
        if (!check_known(c, option, list->pdata[n], error))
            return false;
    return true;
}

static bool is_terminal(const VmConfig *c, const char *dev)
{
    if (dev && g_str_has_prefix(dev, "mon:"))
        dev += strlen("mon:");
    for (unsigned n = 0; dev && g_str_has_prefix(dev, "chardev:") && n < c->chardevs->len; n++) {
        const ChardevConfig *chardev = c->chardevs->pdata[n];
        if (!strcmp(chardev->id, dev + strlen("chardev:")))
            dev = chardev->dev;
    }
    return !g_strcmp0(dev, "stdio");
}

/* A daemon has no terminal. */
static bool check_daemon(VmConfig *c, GError **error)
{
    bool terminal = is_terminal(c, c->monitor) || is_terminal(c, c->qmp) || is_terminal(c, c->gdb);
    for (unsigned n = 0; n < c->serials->len; n++)
        terminal |= is_terminal(c, c->serials->pdata[n]);
    for (unsigned n = 0; n < c->parallels->len; n++)
        terminal |= is_terminal(c, c->parallels->pdata[n]);
    for (unsigned n = 0; n < c->debugcons->len; n++)
        terminal |= is_terminal(c, ((const DebugconConfig *)c->debugcons->pdata[n])->dev);
    if (c->nographic || terminal || !g_strcmp0(c->display, "curses"))
        return option_fail(
            error, "-daemonize: in the background there is no terminal for -nographic, stdio or curses; use file:, "
                   "unix: or telnet:, and -display none");
    if (!c->display)
        set_string(&c->display, "none");
    return true;
}

bool lines_finish(CmdLine *l, GError **error)
{
    VmConfig *c = l->config;
    if (c->daemonize && !check_daemon(c, error))
        return false;
    for (unsigned n = 0; n < c->debugcons->len; n++)
        if (!check_known(c, "debugcon", ((const DebugconConfig *)c->debugcons->pdata[n])->dev, error))
            return false;
    return check_list(c, "serial", c->serials, error) && check_list(c, "parallel", c->parallels, error) &&
           check_known(c, "monitor", c->monitor, error) && check_known(c, "qmp", c->qmp, error) &&
           check_known(c, "gdb", c->gdb, error);
}

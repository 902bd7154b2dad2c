/*
 * Options about screen and keyboard. What they ask for is carried out by the user interfaces.
 */
#include "cmdline/cmdline.h"

#include <string.h>

bool take_vga(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    static const char *const names[] = {"std", "none", NULL}, *const others[] = {"cirrus", "vmware", "qxl", "virtio",
                                                                                 NULL};
    if (is_help(arg))
        return cmdline_done(l, "  std    VGA with Bochs VBE\n  none   no adapter\n");
    if (g_strv_contains(others, arg)) {
        cmdline_warn(l, "-vga %s: there is no such adapter; going on with std", arg);
        arg = "std";
    }
    set_string(&l->config->vga, arg);
    return one_of(o->name, arg, names, error);
}

typedef struct DisplayWords {
    char *type;
    bool full_screen, show_cursor, window_close;
} DisplayWords;

const Prop display_props[] = {
    {"type", PROP_STRING, offsetof(DisplayWords, type), "sdl|curses|none", "a window, a text terminal, or nothing"},
    {"full-screen", PROP_BOOL, offsetof(DisplayWords, full_screen), NULL, "start in full screen (default off)"},
    {"show-cursor", PROP_BOOL, offsetof(DisplayWords, show_cursor), NULL,
     "show the host's pointer also while the guest has the mouse (default off)"},
    {"window-close", PROP_BOOL, offsetof(DisplayWords, window_close), NULL,
     "does the window's close button do something? (default on)"},
    {"gl", PROP_IGNORED},
    {"grab-mod", PROP_IGNORED},
    {"alt_grab", PROP_IGNORED},
    {"ctrl_grab", PROP_IGNORED},
    {"grab-on-hover", PROP_IGNORED},
    {"zoom-to-fit", PROP_IGNORED},
    {"show-tabs", PROP_IGNORED},
    {"show-menubar", PROP_IGNORED},
    {"charset", PROP_IGNORED},
    {NULL},
};

/* A display of QEMU's: what comes next to it here. */
static const struct {
    const char *name, *instead; /* NULL: the default */
} other_displays[] = {
    {"gtk", NULL},         {"cocoa", NULL}, {"default", NULL}, {"dbus", "none"}, {"egl-headless", "none"},
    {"spice-app", "none"}, {"vnc", "none"},
};

static bool set_display(CmdLine *l, const Option *o, const char *name, GError **error)
{
    static const char *const names[] = {"sdl", "curses", "none", NULL};
    for (unsigned n = 0; n < G_N_ELEMENTS(other_displays); n++) {
        if (strcmp(name, other_displays[n].name))
            continue;
        const char *instead = other_displays[n].instead;
        if (strcmp(name, "default"))
            cmdline_warn(l, "-display %s: there is no such display; going on with %s", name,
                         instead ? instead : "the default");
        set_string(&l->config->display, instead);
        return true;
    }
    set_string(&l->config->display, name);
    return one_of(o->name, name, names, error);
}

bool take_display(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    DisplayWords w = {.full_screen = l->config->full_screen, .window_close = true};
    if (g_str_has_prefix(arg, "vnc="))
        return set_display(l, o, "vnc", error);
    bool ok =
        props_parse(display_props, &w, o->name, "type", arg, error) && (!w.type || set_display(l, o, w.type, error));
    l->config->full_screen = w.full_screen;
    l->config->show_cursor = w.show_cursor;
    l->config->no_close = !w.window_close;
    g_free(w.type);
    return ok;
}

bool take_sdl(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    set_string(&l->config->display, "sdl");
    return true;
}

bool take_curses(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    set_string(&l->config->display, "curses");
    return true;
}

bool take_vnc(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    if (strcmp(arg, "none"))
        cmdline_warn(l, "-vnc %s: there is no VNC server; going on without a screen", arg);
    set_string(&l->config->display, "none");
    return true;
}

bool take_full_screen(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    l->config->full_screen = true;
    return true;
}

bool take_nographic(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    l->config->nographic = true;
    return true;
}

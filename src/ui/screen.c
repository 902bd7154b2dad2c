/*
 * The argument of -display, and finding and loading the module that serves it.
 *
 * Modules are in pkglibdir; a program that runs where it was built takes those that were built with it. A module
 * stays loaded: the libraries under it leave threads and handlers behind.
 */
#include "config.h"

#include "ui/screen.h"

#include <gmodule.h>
#include <string.h>

#define SCREEN_ERROR g_quark_from_static_string("x86vm-screen")

static const struct {
    const char *name, *file, *package;
} kinds[SCREEN_KINDS] = {
    [SCREEN_NONE] = {"none", NULL, NULL},
    [SCREEN_SDL] = {"sdl", "display-sdl.so", "libsdl2-dev"},
    [SCREEN_CURSES] = {"curses", "display-curses.so", "libncurses-dev"},
};

const char *screen_kind_name(ScreenKind kind)
{
    return kinds[kind].name;
}

/* ---- -display ---- */

static bool take_property(ScreenKind kind, const char *word, ScreenOptions *o, GError **error)
{
    struct {
        const char *key;
        bool *field, invert;
    } properties[] = {
        {"full-screen=", &o->full_screen, false},
        {"window-close=", &o->no_close, true},
        {"show-cursor=", &o->show_cursor, false},
    };
    for (unsigned n = 0; kind == SCREEN_SDL && n < G_N_ELEMENTS(properties); n++) {
        if (!g_str_has_prefix(word, properties[n].key))
            continue;
        const char *value = word + strlen(properties[n].key);
        bool on = !strcmp(value, "on");
        if (!on && strcmp(value, "off")) {
            g_set_error(error, SCREEN_ERROR, 0, "-display %s,%s: expected on or off", kinds[kind].name, word);
            return false;
        }
        *properties[n].field = on != properties[n].invert;
        return true;
    }
    if (!strcmp(word, "gl=off") || g_str_has_prefix(word, "charset="))
        return true; /* QEMU's: so it is here */
    g_set_error(error, SCREEN_ERROR, 0, "-display %s,%s: no such property%s", kinds[kind].name, word,
                kind == SCREEN_SDL ? "; there are full-screen, window-close and show-cursor" : "");
    return false;
}

bool screen_parse(const char *arg, ScreenKind *kind, ScreenOptions *options, GError **error)
{
    g_auto(GStrv) words = g_strsplit(arg, ",", -1);
    *options = (ScreenOptions){0};
    *kind = SCREEN_KINDS;
    for (ScreenKind k = 0; k < SCREEN_KINDS; k++)
        if (words[0] && !strcmp(words[0], kinds[k].name))
            *kind = k;
    if (*kind == SCREEN_KINDS) {
        g_set_error(error, SCREEN_ERROR, 0, "-display %s: no such display; there are sdl (a window), curses (this terminal) and none",
                    arg);
        return false;
    }
    for (char **w = words + 1; *w; w++)
        if (!take_property(*kind, *w, options, error))
            return false;
    return true;
}

/* ---- modules ---- */

/* The module's file, or NULL. */
static char *find_module(ScreenKind kind)
{
    g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
    if (exe) {
        g_autofree char *dir = g_path_get_dirname(exe);
        char *built = g_build_filename(dir, "ui", kinds[kind].file, NULL);
        if (g_file_test(built, G_FILE_TEST_EXISTS))
            return built;
        g_free(built);
    }
    char *installed = g_build_filename(PKGLIBDIR, kinds[kind].file, NULL);
    if (g_file_test(installed, G_FILE_TEST_EXISTS))
        return installed;
    g_free(installed);
    return NULL;
}

bool screen_module_exists(ScreenKind kind)
{
    g_autofree char *path = find_module(kind);
    return path != NULL;
}

const ScreenModule *screen_module_load(ScreenKind kind, GError **error)
{
    g_autofree char *path = find_module(kind);
    if (!path) {
        g_set_error(error, SCREEN_ERROR, 0, "-display %s: this x86vm was built without it; install %s and build again",
                    kinds[kind].name, kinds[kind].package);
        return NULL;
    }
    GModule *module = g_module_open(path, G_MODULE_BIND_LOCAL);
    gpointer symbol;
    if (!module || !g_module_symbol(module, SCREEN_MODULE_SYMBOL, &symbol)) {
        g_set_error(error, SCREEN_ERROR, 0, "-display %s: %s", kinds[kind].name, g_module_error());
        return NULL;
    }
    g_module_make_resident(module);
    const ScreenModule *m = symbol;
    if (m->version != SCREEN_MODULE_VERSION) {
        g_set_error(error, SCREEN_ERROR, 0, "-display %s: %s belongs to another version of x86vm", kinds[kind].name, path);
        return NULL;
    }
    return m;
}

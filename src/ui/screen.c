/*
 * The displays there are, and finding and loading the module that serves one.
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

bool screen_kind_parse(const char *name, ScreenKind *kind)
{
    for (*kind = 0; *kind < SCREEN_KINDS; ++*kind)
        if (!strcmp(name, kinds[*kind].name))
            return true;
    return false;
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

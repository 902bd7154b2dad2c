/*
 * The machine's screen. See vmscreen.h.
 *
 * What a module asks for, in its own thread, is done in the main loop's thread where that is required.
 */
#include "vmscreen.h"

#include <string.h>
#include <unistd.h>

#include "ui/screen.h"

struct VmScreen {
    Machine *m;
    Monitor *monitor;
    ScreenHost host;
    const ScreenModule *module;
    void *screen; /* the module's */
    char *line;   /* a monitor command on its way to the main loop */
    void (*line_done)(void *screen, char *text);
    void *line_screen;
};

static bool host_running(void *opaque)
{
    VmScreen *s = opaque;
    return machine_running(s->m);
}

static bool host_power_button(void *opaque)
{
    VmScreen *s = opaque;
    machine_notify(s->m, MACHINE_POWERDOWN, false);
    return machine_running(s->m) && pc_power_button(s->m->pc);
}

static gboolean pause_now(gpointer opaque)
{
    VmScreen *s = opaque;
    g_mutex_lock(s->m->lock);
    if (machine_running(s->m))
        machine_stop(s->m, RUN_PAUSED);
    else
        machine_cont(s->m);
    g_mutex_unlock(s->m->lock);
    return G_SOURCE_REMOVE;
}

static void host_pause(void *opaque)
{
    g_idle_add(pause_now, opaque);
}

static gboolean command_now(gpointer opaque)
{
    VmScreen *s = opaque;
    g_autofree char *line = g_steal_pointer(&s->line);
    g_mutex_lock(s->m->lock);
    char *text = monitor_run(s->monitor, line);
    g_mutex_unlock(s->m->lock);
    s->line_done(s->line_screen, text);
    return G_SOURCE_REMOVE;
}

static void host_command(void *opaque, const char *line, void (*done)(void *screen, char *text), void *screen)
{
    VmScreen *s = opaque;
    s->line = g_strdup(line);
    s->line_done = done;
    s->line_screen = screen;
    g_idle_add(command_now, s);
}

static void host_quit(void *opaque, int status)
{
    VmScreen *s = opaque;
    s->m->quit(s->m->quit_opaque, status);
}

static void on_event(void *opaque, MachineEvent event, bool by_guest)
{
    VmScreen *s = opaque;
    if (event == MACHINE_STOP || event == MACHINE_RESUME)
        s->module->state_changed(s->screen);
}

static VmScreen *open_screen(VmScreen *s, ScreenKind kind, GError **error)
{
    s->module = screen_module_load(kind, error);
    if (!s->module || !(s->screen = s->module->open(&s->host, error)))
        return NULL;
    g_mutex_lock(s->m->lock);
    machine_listen(s->m, on_event, s);
    g_mutex_unlock(s->m->lock);
    return s;
}

static bool has_text(const char *variable)
{
    const char *value = g_getenv(variable);
    return value && *value;
}

/* The display for a command line that names none. */
static VmScreen *open_default(VmScreen *s, bool terminal_taken)
{
    g_autofree char *no_window = NULL;
    if ((has_text("DISPLAY") || has_text("WAYLAND_DISPLAY")) && screen_module_exists(SCREEN_SDL)) {
        g_autoptr(GError) why = NULL;
        if (open_screen(s, SCREEN_SDL, &why))
            return s;
        no_window = g_strdup_printf(" (%s)", why->message);
    }
    bool terminal = !terminal_taken && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (terminal && screen_module_exists(SCREEN_CURSES) && open_screen(s, SCREEN_CURSES, NULL))
        return s;
    if (!terminal_taken)
        g_printerr("x86vm: the guest's screen is not shown%s; to see it: -display sdl in a window system, -display curses on a "
                   "terminal, -nographic for the serial port (-display none says that this is wanted)\n",
                   no_window ? no_window : "");
    return NULL;
}

VmScreen *vmscreen_new(Machine *m, Monitor *monitor, bool terminal_taken, GError **error)
{
    const VmConfig *c = m->config;
    ScreenKind kind = SCREEN_NONE;
    ScreenOptions options = {.full_screen = c->full_screen, .no_close = c->no_close, .show_cursor = c->show_cursor};
    if (c->display && !screen_kind_parse(c->display, &kind)) {
        g_set_error(error, g_quark_from_static_string("x86vm"), 0, "-display %s: no such display", c->display);
        return NULL;
    }
    if (c->display ? kind == SCREEN_NONE : c->nographic || !m->pc->vga)
        return NULL;
    if (!m->pc->vga || (kind == SCREEN_CURSES && terminal_taken)) {
        g_set_error(error, g_quark_from_static_string("x86vm"), 0, "-display %s: %s", c->display,
                    m->pc->vga ? "the terminal is already used by a port; use -monitor or -serial with telnet:, unix: or file:"
                               : "with -vga none there is nothing to show");
        return NULL;
    }
    VmScreen *s = g_new0(VmScreen, 1);
    s->m = m;
    s->monitor = monitor;
    s->host = (ScreenHost){
        .display = vga_display(m->pc->vga), .input = m->input, .lock = m->lock, .name = c->name, .options = options,
        .running = host_running, .power_button = host_power_button, .pause = host_pause, .command = host_command,
        .quit = host_quit, .opaque = s,
    };
    if (c->display ? open_screen(s, kind, error) : open_default(s, terminal_taken))
        return s;
    g_free(s);
    return NULL;
}

void vmscreen_free(VmScreen *s)
{
    if (!s)
        return;
    g_mutex_lock(s->m->lock);
    machine_unlisten(s->m, on_event, s);
    g_mutex_unlock(s->m->lock);
    s->module->close(s->screen);
    while (g_idle_remove_by_data(s))
        ;
    g_free(s->line);
    g_free(s);
}

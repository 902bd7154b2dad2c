/*
 * Options about running, ending, debugging: most of them only store what was said.
 */
#include "cmdline/cmdline.h"

#include <string.h>

#include "debug/trace.h"

#define STORE(function, field)                                                                                         \
    bool function(CmdLine *l, const Option *o, const char *arg, GError **error)                                        \
    {                                                                                                                  \
        set_string(&l->config->field, arg);                                                                            \
        return true;                                                                                                   \
    }
STORE(take_kernel, kernel)
STORE(take_initrd, initrd)
STORE(take_append, append)
STORE(take_bios, bios)
STORE(take_pidfile, pidfile)
STORE(take_trace_file, trace_file)
STORE(take_trace_filter, trace_filter)
STORE(take_symbols, symbols)

#define FLAG(function, field)                                                                                          \
    bool function(CmdLine *l, const Option *o, const char *arg, GError **error)                                        \
    {                                                                                                                  \
        l->config->field = true;                                                                                       \
        return true;                                                                                                   \
    }
FLAG(take_explain, explain)
FLAG(take_snapshot, snapshot)
FLAG(take_no_reboot, no_reboot)
FLAG(take_no_shutdown, no_shutdown)
FLAG(take_start_stopped, start_stopped)
FLAG(take_daemonize, daemonize)

bool take_trace(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    if (is_help(arg)) {
        g_autoptr(GString) out = g_string_new(NULL);
        tracer_help(out);
        return cmdline_done(l, out->str);
    }
    set_string(&l->config->trace, arg);
    return true;
}

typedef struct ActionWords {
    char *triple_fault, *reboot, *shutdown;
} ActionWords;

const Prop action_props[] = {
    {"triple-fault", PROP_CHOICE, offsetof(ActionWords, triple_fault), "reset|shutdown|pause",
     "the guest could not handle an exception"},
    {"reboot", PROP_CHOICE, offsetof(ActionWords, reboot), "reset|shutdown", "it rebooted; shutdown is -no-reboot"},
    {"shutdown", PROP_CHOICE, offsetof(ActionWords, shutdown), "poweroff|pause",
     "it powered off; pause is -no-shutdown"},
    {"panic", PROP_IGNORED},
    {"watchdog", PROP_IGNORED},
    {NULL},
};

bool take_action(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    VmConfig *c = l->config;
    ActionWords w = {NULL};
    bool ok = props_parse(action_props, &w, o->name, NULL, arg, error);
    if (w.triple_fault)
        set_string(&c->triple_fault, w.triple_fault);
    if (w.reboot)
        c->no_reboot = !strcmp(w.reboot, "shutdown");
    if (w.shutdown)
        c->no_shutdown = !strcmp(w.shutdown, "pause");
    g_free(w.triple_fault);
    g_free(w.reboot);
    g_free(w.shutdown);
    return ok;
}

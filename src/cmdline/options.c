/*
 * The command line: the table, and the walk along argv.
 *
 * Options may be written with one dash or two. An option that we do not have is an error that names the nearest one
 * we do have.
 */
#include "cmdline/cmdline.h"

#include <config.h>
#include <stdio.h>
#include <string.h>

static const Option options[] = {
#define OPT(name, arg, take, props, help) {name, arg, take, props, help},
#define SECTION(title) {NULL, NULL, NULL, NULL, title},
#include "cmdline/options.def"
#undef OPT
#undef SECTION
};

const Option *options_nth(unsigned n)
{
    return n < G_N_ELEMENTS(options) ? &options[n] : NULL;
}

const Option *options_find(const char *name)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(options); n++)
        if (options[n].name && !strcmp(options[n].name, name))
            return &options[n];
    return NULL;
}

static bool unknown_option(const char *word, GError **error)
{
    const char *names[G_N_ELEMENTS(options) + 1];
    unsigned count = 0;
    for (unsigned n = 0; n < G_N_ELEMENTS(options); n++)
        if (options[n].name)
            names[count++] = options[n].name;
    names[count] = NULL;
    const char *near = nearest_name(word, names);
    if (near)
        return option_fail(error, "-%s: no such option; did you mean -%s? (x86vm -help lists them all)", word, near);
    return option_fail(error, "-%s: no such option (x86vm -help lists them all)", word);
}

/* ---- help ---- */

/* Text in lines of at most width columns, the second and later ones indented. */
static void print_wrapped(GString *out, const char *text, unsigned indent, unsigned width)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    unsigned column = indent;
    for (char **w = words; *w; w++) {
        if (w > words && column + 1 + strlen(*w) > width) {
            g_string_append_printf(out, "\n%*s", indent, "");
            column = indent;
        } else if (w > words) {
            g_string_append_c(out, ' ');
            column++;
        }
        g_string_append(out, *w);
        column += strlen(*w);
    }
    g_string_append_c(out, '\n');
}

void options_print_help(GString *out)
{
    enum { LEFT = 18, WIDTH = 100 };
    g_string_append_printf(
        out, "x86vm %s: a whole x86 PC in one unprivileged process\nusage: x86vm [options] [disk.img]\n",
        PACKAGE_VERSION);
    for (const Option *o = options; o < options + G_N_ELEMENTS(options); o++) {
        if (!o->name) {
            g_string_append_printf(out, "\n%s:\n", o->help);
            continue;
        }
        gsize start = out->len;
        g_string_append_printf(out, "-%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        gsize used = out->len - start;
        if (used < LEFT)
            g_string_append_printf(out, "%*s", (int)(LEFT - used), "");
        else
            g_string_append_printf(out, "\n%*s", LEFT, "");
        print_wrapped(out, o->help, LEFT, WIDTH);
    }
}

bool take_help(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    options_print_help(out);
    return cmdline_done(l, out->str);
}

bool take_version(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return cmdline_done(l, "x86vm " PACKAGE_VERSION "\n");
}

/* ---- what the options' functions use ---- */

void cmdline_warn(CmdLine *l, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    bool first = !g_hash_table_contains(l->warned, text);
    if (first)
        g_printerr("x86vm: %s\n", text);
    g_hash_table_add(l->warned, text); /* which frees it, if it has it */
}

bool cmdline_done(CmdLine *l, const char *text)
{
    fputs(text, stdout);
    l->done = true;
    return true;
}

bool is_help(const char *arg)
{
    return !strcmp(arg, "help") || !strcmp(arg, "?");
}

void set_string(char **field, const char *value)
{
    g_free(*field);
    *field = g_strdup(value);
}

static bool take(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    if (arg && o->props && is_help(arg) && o->take != take_accel) {
        g_autoptr(GString) out = g_string_new(NULL);
        g_string_append_printf(out, "-%s %s\n", o->name, o->arg);
        props_print(o->props, out);
        return cmdline_done(l, out->str);
    }
    return o->take(l, o, arg, error);
}

bool cmdline_take(CmdLine *l, const char *name, const char *arg, GError **error)
{
    const Option *o = options_find(name);
    return o ? take(l, o, arg, error) : unknown_option(name, error);
}

/* ---- argv ---- */

static bool take_argv(CmdLine *l, int argc, char **argv, GError **error)
{
    for (int n = 1; n < argc && !l->done; n++) {
        const char *word = argv[n], *arg = NULL;
        if (*word != '-') {
            if (!cmdline_take(l, "hda", word, error))
                return false;
            continue;
        }
        word += word[1] == '-' ? 2 : 1;
        const Option *o = options_find(word);
        if (!o)
            return unknown_option(word, error);
        if (o->arg) {
            if (++n >= argc)
                return option_fail(error, "-%s: expected %s after it", o->name, o->arg);
            arg = argv[n];
        }
        if (!take(l, o, arg, error))
            return false;
    }
    return true;
}

OptionsResult options_parse(int argc, char **argv, VmConfig *config, GError **error)
{
    CmdLine l = {
        .config = config,
        .devices = g_ptr_array_new_with_free_func(g_free),
        .globals = g_ptr_array_new_with_free_func((GDestroyNotify)global_prop_free),
        .warned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };
    bool ok = take_argv(&l, argc, argv, error) && (l.done || (devices_finish(&l, error) && lines_finish(&l, error)));
    g_ptr_array_unref(l.devices);
    g_ptr_array_unref(l.globals);
    g_hash_table_unref(l.warned);
    g_free(l.debugcon);
    return !ok ? OPTIONS_ERROR : l.done ? OPTIONS_DONE : OPTIONS_RUN;
}

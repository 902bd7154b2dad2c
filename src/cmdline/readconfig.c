/*
 * -readconfig: options from a file, in QEMU's format.
 *
 *     [drive "disk"]          # -drive id=disk,file=disk.img,if=ide
 *       file = "disk.img"
 *       if = "ide"
 *
 * A section is an option, its name the id, its lines the properties: each is written out as a command line would have
 * it, and taken like one.
 */
#include "cmdline/cmdline.h"

#include <string.h>

#define DEPTH_MAX 8

/* Sections whose option has another name. */
static const struct {
    const char *section, *option;
} renamed[] = {{"memory", "m"}, {"smp-opts", "smp"}, {"boot-opts", "boot"}};

typedef struct Reader {
    CmdLine *l;
    const char *path;
    unsigned line;
    char *option; /* of the section that is being read, NULL before the first */
    GString *arg;
} Reader;

static bool fail_here(const Reader *r, const char *what, GError **error)
{
    return option_fail(error, "%s:%u: %s", r->path, r->line, what);
}

static bool end_section(Reader *r, GError **error)
{
    if (!r->option)
        return true;
    const Option *o = options_find(r->option);
    if (!o || !o->arg)
        return option_fail(error, "%s: [%s]: no such section", r->path, r->option);
    if (cmdline_take(r->l, r->option, r->arg->str, error))
        return true;
    g_prefix_error(error, "%s: ", r->path);
    return false;
}

static void add_word(Reader *r, const char *key, const char *value)
{
    g_string_append_printf(r->arg, "%s%s=", r->arg->len ? "," : "", key);
    for (; *value; value++)
        g_string_append(r->arg, *value == ',' ? ",," : (char[]){*value, 0});
}

/* [option] or [option "id"] */
static bool begin_section(Reader *r, char *line, GError **error)
{
    char *close = strrchr(line, ']'), *quote = strchr(line, '"');
    if (!close || close[1])
        return fail_here(r, "expected [SECTION] or [SECTION \"ID\"]", error);
    *close = 0;
    g_free(r->option);
    r->option = g_strstrip(g_strndup(line + 1, quote ? (size_t)(quote - line - 1) : strlen(line + 1)));
    for (unsigned n = 0; n < G_N_ELEMENTS(renamed); n++)
        if (!strcmp(renamed[n].section, r->option))
            set_string(&r->option, renamed[n].option);
    g_string_truncate(r->arg, 0);
    if (quote) {
        char *end = strchr(quote + 1, '"');
        if (!end)
            return fail_here(r, "a quotation mark is missing", error);
        *end = 0;
        add_word(r, "id", quote + 1);
    }
    return true;
}

static bool add_line(Reader *r, char *line, GError **error)
{
    char *eq = strchr(line, '=');
    if (!eq || !r->option)
        return fail_here(r, r->option ? "expected key = \"value\"" : "expected a [SECTION] first", error);
    *eq = 0;
    char *key = g_strstrip(line), *value = g_strstrip(eq + 1);
    size_t len = strlen(value);
    if (len < 2 || value[0] != '"' || value[len - 1] != '"')
        return fail_here(r, "expected key = \"value\", with quotation marks", error);
    value[len - 1] = 0;
    /* a device's driver comes first, as on a command line */
    if (!strcmp(key, "driver") && r->arg->len) {
        g_autofree char *first = g_strdup_printf("driver=%s,", value + 1);
        g_string_prepend(r->arg, first);
    } else {
        add_word(r, key, value + 1);
    }
    return true;
}

static bool read_lines(Reader *r, char *text, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        r->line++;
        char *line = g_strstrip(*l);
        if (!*line || *line == '#')
            continue;
        if (*line == '[' ? !end_section(r, error) || !begin_section(r, line, error) : !add_line(r, line, error))
            return false;
    }
    return end_section(r, error);
}

bool take_readconfig(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    g_autofree char *text = NULL;
    GError *why = NULL;
    if (l->depth == DEPTH_MAX)
        return option_fail(error, "-readconfig %s: files that read files, more than %d deep", arg, DEPTH_MAX);
    if (!g_file_get_contents(arg, &text, NULL, &why)) {
        option_fail(error, "-readconfig %s: %s", arg, why->message);
        g_error_free(why);
        return false;
    }
    Reader r = {.l = l, .path = arg, .arg = g_string_new(NULL)};
    l->depth++;
    bool ok = read_lines(&r, text, error);
    l->depth--;
    g_free(r.option);
    g_string_free(r.arg, TRUE);
    return ok;
}

/*
 * Properties. See props.h.
 */
#include "cmdline/props.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline/options.h"

#define MIB (1024ull * 1024)

bool option_fail(GError **error, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error_literal(error, OPTIONS_ERROR_DOMAIN, 0, text);
    g_free(text);
    return false;
}

/* ---- names ---- */

/* Letters to change to make a into b (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(b);
    unsigned *row = g_new(unsigned, n + 1);
    for (size_t k = 0; k <= n; k++)
        row[k] = k;
    for (; *a; a++) {
        unsigned diagonal = row[0]++;
        for (size_t k = 1; k <= n; k++) {
            unsigned best = MIN(MIN(row[k], row[k - 1]) + 1, diagonal + (*a != b[k - 1]));
            diagonal = row[k];
            row[k] = best;
        }
    }
    unsigned d = row[n];
    g_free(row);
    return d;
}

const char *nearest_name(const char *word, const char *const *names)
{
    const char *best = NULL;
    unsigned best_distance = (strlen(word) + 1) / 2 + 1;
    for (; *names; names++) {
        unsigned d = distance(word, *names);
        if (d < best_distance) {
            best = *names;
            best_distance = d;
        }
    }
    return best;
}

bool one_of(const char *option, const char *value, const char *const *names, GError **error)
{
    if (g_strv_contains(names, value))
        return true;
    char *list = g_strjoinv(", ", (char **)names);
    const char *near = nearest_name(value, names);
    if (near)
        option_fail(error, "-%s %s: no such value; did you mean %s? (one of: %s)", option, value, near, list);
    else
        option_fail(error, "-%s %s: no such value; it is one of: %s", option, value, list);
    g_free(list);
    return false;
}

/* ---- words ---- */

char **props_split(const char *arg)
{
    GPtrArray *words = g_ptr_array_new();
    GString *word = g_string_new(NULL);
    for (;; arg++) {
        if (*arg == ',' && arg[1] == ',') {
            g_string_append_c(word, ',');
            arg++;
        } else if (*arg == ',' || !*arg) {
            g_ptr_array_add(words, g_strdup(word->str));
            g_string_truncate(word, 0);
            if (!*arg)
                break;
        } else {
            g_string_append_c(word, *arg);
        }
    }
    g_string_free(word, TRUE);
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

bool options_parse_size(const char *text, uint64_t unit, uint64_t *bytes)
{
    char *end;
    errno = 0;
    double n = g_ascii_strtod(text, &end);
    if (end == text || errno || !(n >= 0) || *text == '-')
        return false;
    uint64_t scale = unit;
    switch (g_ascii_toupper(*end)) {
    case 'B': scale = 1; end++; break;
    case 'K': scale = 1024; end++; break;
    case 'M': scale = MIB; end++; break;
    case 'G': scale = 1024 * MIB; end++; break;
    case 'T': scale = MIB * MIB; end++; break;
    default: break;
    }
    if (*end || n * scale > 1e18)
        return false;
    *bytes = n * scale;
    return true;
}

/* ---- values ---- */

static bool parse_bool(const char *value, bool *out)
{
    static const char *const on[] = {"on", "yes", "true", "y", NULL}, *const off[] = {"off", "no", "false", "n",
                                                                                      NULL};
    *out = g_strv_contains(on, value);
    return *out || g_strv_contains(off, value);
}

/* "0..3"; no bounds: all of int. */
static void bounds(const char *values, long *low, long *high)
{
    const char *dots = values ? strstr(values, "..") : NULL;
    *low = dots ? strtol(values, NULL, 0) : 0;
    *high = dots ? strtol(dots + 2, NULL, 0) : G_MAXINT;
}

static bool parse_int(const Prop *p, const char *value, int *out)
{
    long low, high;
    char *end;
    errno = 0;
    long n = strtol(value, &end, 0);
    bounds(p->values, &low, &high);
    if (end == value || *end || errno || n < low || n > high)
        return false;
    *out = n;
    return true;
}

static bool parse_mib(const Prop *p, const char *value, uint64_t *out)
{
    long low, high;
    uint64_t bytes;
    bounds(p->values, &low, &high);
    if (!options_parse_size(value, MIB, &bytes) || bytes < low * MIB || bytes > high * MIB)
        return false;
    *out = bytes;
    return true;
}

static const Prop *prop_find(const Prop *table, const char *name)
{
    for (; table->name; table++)
        if (!strcmp(table->name, name))
            return table;
    return NULL;
}

static bool unknown_prop(const Prop *table, const char *option, const char *key, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new(), ours = g_ptr_array_new();
    for (; table->name; table++) {
        g_ptr_array_add(names, (char *)table->name);
        if (table->kind != PROP_IGNORED)
            g_ptr_array_add(ours, (char *)table->name);
    }
    g_ptr_array_add(names, NULL);
    g_ptr_array_add(ours, NULL);
    g_autofree char *list = g_strjoinv(", ", (char **)ours->pdata);
    const char *near = nearest_name(key, (const char *const *)names->pdata);
    if (near)
        return option_fail(error, "-%s %s=: no such property; did you mean %s? (there are: %s)", option, key, near,
                           list);
    return option_fail(error, "-%s %s=: no such property; there are: %s", option, key, list);
}

bool props_set(const Prop *table, void *into, const char *option, const char *key, const char *value, GError **error)
{
    const Prop *p = prop_find(table, key);
    if (!p)
        return unknown_prop(table, option, key, error);
    void *field = (char *)into + p->offset;
    switch (p->kind) {
    case PROP_CHOICE: {
        g_auto(GStrv) names = g_strsplit(p->values, "|", -1);
        g_autofree char *where = g_strdup_printf("%s %s", option, key);
        if (!one_of(where, value, (const char *const *)names, error))
            return false;
    }
        G_GNUC_FALLTHROUGH;
    case PROP_STRING:
        g_free(*(char **)field);
        *(char **)field = g_strdup(value);
        return true;
    case PROP_BOOL:
        return parse_bool(value, field) || option_fail(error, "-%s %s=%s: expected on or off", option, key, value);
    case PROP_INT:
        return parse_int(p, value, field) ||
               option_fail(error, "-%s %s=%s: expected a number%s%s", option, key, value, p->values ? ", " : "",
                           p->values ? p->values : "");
    case PROP_SEED:
        return g_ascii_string_to_unsigned(value, 10, 1, G_MAXUINT64, field, NULL) ||
               option_fail(error, "-%s %s=%s: expected a number from 1 on", option, key, value);
    case PROP_MIB:
        return parse_mib(p, value, field) ||
               option_fail(error, "-%s %s=%s: expected a size in MiB%s%s", option, key, value, p->values ? ", " : "",
                           p->values ? p->values : "");
    case PROP_IGNORED:
        return true;
    }
    g_assert_not_reached();
}

/* A word without "=": a switch. */
static bool set_switch(const Prop *table, void *into, const char *option, const char *word, GError **error)
{
    const Prop *p = prop_find(table, word);
    if (p && (p->kind == PROP_BOOL || p->kind == PROP_IGNORED))
        return props_set(table, into, option, word, "on", error);
    if (g_str_has_prefix(word, "no") && (p = prop_find(table, word + 2)) && p->kind == PROP_BOOL)
        return props_set(table, into, option, word + 2, "off", error);
    if (!prop_find(table, word))
        return unknown_prop(table, option, word, error);
    return option_fail(error, "-%s %s: expected %s=value", option, word, word);
}

bool props_parse(const Prop *table, void *into, const char *option, const char *implied, const char *arg,
                 GError **error)
{
    g_auto(GStrv) words = props_split(arg);
    bool ok = true;
    for (char **w = words; *w && ok; w++) {
        char *eq = strchr(*w, '=');
        if (eq) {
            *eq = 0;
            ok = props_set(table, into, option, *w, eq + 1, error);
        } else if (w == words && implied) {
            ok = props_set(table, into, option, implied, *w, error);
        } else if (**w) { /* QEMU forgives a comma too many */
            ok = set_switch(table, into, option, *w, error);
        }
    }
    return ok;
}

/* ---- help ---- */

void props_print(const Prop *table, GString *out)
{
    static const char *const shown[] = {[PROP_STRING] = "TEXT", [PROP_BOOL] = "on|off", [PROP_INT] = "N",
                                        [PROP_MIB] = "MIB",     [PROP_SEED] = "N",      [PROP_CHOICE] = ""};
    for (; table->name; table++) {
        if (table->kind == PROP_IGNORED)
            continue;
        g_autofree char *left =
            g_strdup_printf("%s=%s", table->name, table->values ? table->values : shown[table->kind]);
        g_string_append_printf(out, "  %-28s %s\n", left, table->help);
    }
}

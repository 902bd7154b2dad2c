/*
 * Makes documents from the table of options, at build time: optdoc man TEMPLATE, optdoc bash, optdoc zsh.
 *
 * The man page is the template with a line @OPTIONS@ replaced, and @VERSION@ wherever it is. The completions know
 * each option's values, as far as its argument or a property lists them.
 */
#include "cmdline/cmdline.h"

#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- man page ---- */

/* Text for roff: a hyphen that is typed, a line that begins with no request. */
static void put_roff(GString *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '-')
            g_string_append(out, "\\-");
        else if (*c == '\\')
            g_string_append(out, "\\e");
        else if ((*c == '.' || *c == '\'') && (c == text || c[-1] == '\n'))
            g_string_append_printf(out, "\\&%c", *c);
        else
            g_string_append_c(out, *c);
    }
}

/* An argument: what the user replaces is in capitals. */
static void put_argument(GString *out, const char *arg)
{
    bool italic = false;
    for (; *arg; arg++) {
        bool upper = g_ascii_isupper(*arg);
        if (upper != italic)
            g_string_append(out, upper ? "\\fI" : "\\fR");
        italic = upper;
        put_roff(out, (char[]){*arg, 0});
    }
    g_string_append(out, "\\fR");
}

static void put_props(GString *out, const Prop *p)
{
    g_string_append(out, ".RS\n");
    for (; p->name; p++) {
        if (p->kind == PROP_IGNORED)
            continue;
        g_string_append_printf(out, ".TP\n\\fB%s\\fR=", p->name);
        put_argument(out, p->values                ? p->values
                          : p->kind == PROP_BOOL   ? "on|off"
                          : p->kind == PROP_STRING ? "TEXT"
                                                   : "N");
        g_string_append_c(out, '\n');
        put_roff(out, p->help);
        g_string_append_c(out, '\n');
    }
    g_string_append(out, ".RE\n");
}

static void put_options(GString *out)
{
    const Prop *shown[64] = {NULL};
    unsigned count = 0;
    const Option *o;
    for (unsigned n = 0; (o = options_nth(n)); n++) {
        if (!o->name) {
            g_string_append_printf(out, ".SS %s\n", o->help);
            continue;
        }
        g_string_append(out, ".TP\n\\fB\\-");
        put_roff(out, o->name);
        g_string_append(out, "\\fR");
        if (o->arg) {
            g_string_append_c(out, ' ');
            put_argument(out, o->arg);
        }
        g_string_append_c(out, '\n');
        put_roff(out, o->help);
        g_string_append_c(out, '\n');
        bool again = false; /* -M has -machine's */
        for (unsigned k = 0; k < count; k++)
            again |= shown[k] == o->props;
        if (o->props && !again && count < G_N_ELEMENTS(shown)) {
            put_props(out, o->props);
            shown[count++] = o->props;
        }
    }
}

static bool make_man(const char *path, GString *out)
{
    g_autofree char *text = NULL;
    GError *error = NULL;
    if (!g_file_get_contents(path, &text, NULL, &error)) {
        g_printerr("optdoc: %s\n", error->message);
        g_error_free(error);
        return false;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l && (l[1] || **l); l++) {
        if (!strcmp(*l, "@OPTIONS@")) {
            put_options(out);
            continue;
        }
        g_auto(GStrv) parts = g_strsplit(*l, "@VERSION@", -1);
        g_autofree char *line = g_strjoinv(PACKAGE_VERSION, parts);
        g_string_append_printf(out, "%s\n", line);
    }
    return true;
}

/* ---- completions ---- */

/* The words of "[key=]a|b|NAME[,...]" that are typed as they are: "a b". */
static char *plain_words(const char *arg)
{
    GString *out = g_string_new(NULL);
    if (*arg == '[')
        arg = strchr(arg, ']') + 1;
    g_autofree char *head = g_strndup(arg, strcspn(arg, "[,"));
    g_auto(GStrv) words = g_strsplit(head, "|", -1);
    for (char **w = words; *w; w++)
        if (**w && !g_ascii_isupper(**w) && !strchr(*w, '=') && !strstr(*w, ".."))
            g_string_append_printf(out, "%s%s", out->len ? " " : "", *w);
    return g_string_free(out, FALSE);
}

static bool is_line(const Option *o)
{
    return o->arg && !strcmp(o->arg, "LINE");
}

#define LINE_WORDS "stdio mon:stdio file: tcp: telnet: unix: pipe: pty chardev: null none"

static void put_bash_options(GString *out)
{
    const Option *o;
    g_string_append(out, "_x86vm_options='");
    for (unsigned n = 0; (o = options_nth(n)); n++)
        if (o->name)
            g_string_append_printf(out, "-%s ", o->name);
    g_string_append(
        out, "'\n\n# OPTION: the words its argument may begin with; FILE for file names, HELP to ask the program\n"
             "_x86vm_words()\n{\n    case $1 in\n");
    for (unsigned n = 0; (o = options_nth(n)); n++) {
        if (!o->name || !o->arg)
            continue;
        g_autofree char *words = plain_words(o->arg);
        bool ask = o->take == take_device || o->take == take_cpu || o->take == take_trace;
        const char *what = ask ? "HELP" : is_line(o) ? LINE_WORDS : !strcmp(o->arg, "FILE") ? "FILE" : words;
        if (*what)
            g_string_append_printf(out, "    -%s) echo '%s' ;;\n", o->name, what);
        else if (!o->props)
            g_string_append_printf(out, "    -%s) ;;\n", o->name);
    }
    g_string_append(out, "    esac\n}\n\n");
}

static void put_bash_props(GString *out)
{
    const Option *o;
    g_string_append(out, "# OPTION: its properties\n_x86vm_keys()\n{\n    case $1 in\n");
    for (unsigned n = 0; (o = options_nth(n)); n++) {
        if (!o->name || !o->props)
            continue;
        g_string_append_printf(out, "    -%s) echo '", o->name);
        for (const Prop *p = o->props; p->name; p++)
            if (p->kind != PROP_IGNORED)
                g_string_append_printf(out, "%s= ", p->name);
        g_string_append(out, "' ;;\n");
    }
    g_string_append(out, "    esac\n}\n\n# OPTION KEY: its values\n_x86vm_values()\n{\n    case $1,$2 in\n");
    for (unsigned n = 0; (o = options_nth(n)); n++) {
        for (const Prop *p = o->name ? o->props : NULL; p && p->name; p++) {
            g_autofree char *words =
                p->values ? plain_words(p->values) : g_strdup(p->kind == PROP_BOOL ? "on off" : "");
            const char *what = p->values && !strcmp(p->values, "FILE") ? "FILE" : words;
            if (p->kind != PROP_IGNORED && *what)
                g_string_append_printf(out, "    -%s,%s) echo '%s' ;;\n", o->name, p->name, what);
        }
    }
    g_string_append(out, "    esac\n}\n\n");
}

static void make_bash(GString *out)
{
    g_string_append(out, "# bash completion for x86vm, made from its table of options\n\n");
    put_bash_options(out);
    put_bash_props(out);
    g_string_append(
        out, "_x86vm()\n"
             "{\n"
             "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} done last words key\n"
             "    # bash cuts words at = and :, which are parts of ours\n"
             "    declare -F _get_comp_words_by_ref >/dev/null && _get_comp_words_by_ref -n =: cur prev\n"
             "    [[ $prev == --* ]] && prev=${prev#-}\n"
             "    COMPREPLY=()\n"
             "    last=${cur##*,} done=${cur%\"$last\"}\n"
             "    if [[ $cur == -* ]]; then\n"
             "        COMPREPLY=($(compgen -W \"$_x86vm_options\" -- \"$cur\"))\n"
             "        return\n"
             "    elif [[ $last == *=* ]]; then\n"
             "        key=${last%%=*} words=$(_x86vm_values \"$prev\" \"${last%%=*}\")\n"
             "        done=$done$key= last=${last#*=}\n"
             "    elif [[ -n $done ]]; then\n"
             "        words=$(_x86vm_keys \"$prev\")\n"
             "    elif [[ $prev == -* && \" $_x86vm_options\" == *\" $prev \"* && -n $(_x86vm_words "
             "\"$prev\")$(_x86vm_keys \"$prev\") ]]; then\n"
             "        words=\"$(_x86vm_words \"$prev\") $(_x86vm_keys \"$prev\")\"\n"
             "        [[ $words == 'HELP '* ]] && words=$(\"$1\" \"$prev\" help 2>/dev/null | awk '{ print $1 }')\n"
             "    else\n"
             "        words=FILE\n"
             "    fi\n"
             "    if [[ $words == 'FILE '* || $words == FILE ]]; then\n"
             "        COMPREPLY=($(compgen -f -- \"$last\"))\n"
             "        compopt -o filenames 2>/dev/null\n"
             "    else\n"
             "        COMPREPLY=($(compgen -W \"$words\" -- \"$last\"))\n"
             "    fi\n"
             "    COMPREPLY=(\"${COMPREPLY[@]/#/$done}\")\n"
             "    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace 2>/dev/null\n"
             "    declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions \"$cur\"\n"
             "    return 0\n"
             "}\n"
             "complete -F _x86vm x86vm\n");
}

/* Text in zsh's '-option[text]:message:action'. */
static void put_zsh(GString *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            g_string_append(out, "'\\''");
        else if (strchr("[]:\\", *text))
            g_string_append_printf(out, "\\%c", *text);
        else
            g_string_append_c(out, *text);
    }
}

static void make_zsh(GString *out)
{
    const Option *o;
    g_string_append(out,
                    "#compdef x86vm\n# zsh completion for x86vm, made from its table of options\n\n_arguments \\\n");
    for (unsigned n = 0; (o = options_nth(n)); n++) {
        if (!o->name)
            continue;
        g_string_append_printf(out, "  '*-%s[", o->name);
        put_zsh(out, o->help);
        g_string_append_c(out, ']');
        if (o->arg) {
            g_autofree char *words = plain_words(o->arg);
            g_string_append_c(out, ':');
            put_zsh(out, o->arg);
            if (!strcmp(o->arg, "FILE"))
                g_string_append(out, ":_files");
            else
                g_string_append_printf(out, ":%s%s%s", is_line(o) || *words ? "(" : "",
                                       is_line(o) ? "stdio pty null none" : words, is_line(o) || *words ? ")" : "");
        }
        g_string_append(out, "' \\\n");
    }
    g_string_append(out, "  '*:disk image:_files'\n");
}

int main(int argc, char **argv)
{
    g_autoptr(GString) out = g_string_new(NULL);
    if (argc == 3 && !strcmp(argv[1], "man")) {
        if (!make_man(argv[2], out))
            return EXIT_FAILURE;
    } else if (argc == 2 && !strcmp(argv[1], "bash")) {
        make_bash(out);
    } else if (argc == 2 && !strcmp(argv[1], "zsh")) {
        make_zsh(out);
    } else {
        g_printerr("usage: optdoc man TEMPLATE | bash | zsh\n");
        return EXIT_FAILURE;
    }
    return fputs(out->str, stdout) < 0 || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

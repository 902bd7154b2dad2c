/*
 * The command line, in QEMU's words.
 *
 * options.def is the one table of options. It makes `-help`, the man page and the shells' completions, and names for
 * each option the function that takes it. An option's properties are a table too (props.h).
 */
#pragma once

#include "cmdline/props.h"
#include "vmconfig.h"

typedef enum OptionsResult {
    OPTIONS_RUN,  /* config is filled in */
    OPTIONS_DONE, /* -help, -version and the like: printed, exit with status 0 */
    OPTIONS_ERROR /* error is set: print it, exit with status 1 */
} OptionsResult;

/* Warnings (what of QEMU's is accepted but has no effect) go to standard error, each once. */
OptionsResult options_parse(int argc, char **argv, VmConfig *config, GError **error);

#define OPTIONS_ERROR_DOMAIN g_quark_from_static_string("x86vm-options")

/* A size such as 512, 512M or 2G (bytes when no suffix, unless unit says otherwise). False when it is none. */
bool options_parse_size(const char *text, uint64_t unit, uint64_t *bytes);

/* ---- the table ---- */

typedef struct CmdLine CmdLine;
typedef struct Option Option;
typedef bool OptionFn(CmdLine *l, const Option *o, const char *arg, GError **error);

struct Option {
    const char *name; /* NULL: help is the title of a section */
    const char *arg;  /* what follows it; NULL: nothing */
    OptionFn *take;   /* NULL: -help and -version */
    const Prop *props;
    const char *help;
};

/* The nth row, NULL behind the last one. */
const Option *options_nth(unsigned n);
const Option *options_find(const char *name);
/* What `-help` prints. */
void options_print_help(GString *out);

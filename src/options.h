/*
 * The command line, in QEMU's words.
 */
#pragma once

#include "vmconfig.h"

typedef enum OptionsResult {
    OPTIONS_RUN,  /* config is filled in */
    OPTIONS_DONE, /* -help, -version and the like: printed, exit with status 0 */
    OPTIONS_ERROR /* error is set: print it, exit with status 1 */
} OptionsResult;

OptionsResult options_parse(int argc, char **argv, VmConfig *config, GError **error);

#define OPTIONS_ERROR_DOMAIN g_quark_from_static_string("x86vm-options")

/* A size such as 512, 512M or 2G (bytes when no suffix, unless unit says otherwise). False when it is none. */
bool options_parse_size(const char *text, uint64_t unit, uint64_t *bytes);

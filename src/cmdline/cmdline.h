/*
 * What the options' functions share while a command line is taken apart.
 */
#pragma once

#include "cmdline/options.h"

/* -global DRIVER.KEY=VALUE */
typedef struct GlobalProp {
    char *driver, *key, *value;
} GlobalProp;

struct CmdLine {
    VmConfig *config;
    bool done;          /* something was printed instead: do not run */
    /* these wait for the whole command line: a -device names a -drive that may come later */
    GPtrArray *devices; /* char*: -device arguments */
    GPtrArray *globals; /* GlobalProp* */
    char *debugcon;     /* -debugcon's line */
    GHashTable *warned; /* texts */
    unsigned depth;     /* of -readconfig in -readconfig */
};

/* ---- options.c ---- */

/* "x86vm: TEXT" on standard error, once however often it is said. */
void cmdline_warn(CmdLine *l, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Print text; the machine does not run. True. */
bool cmdline_done(CmdLine *l, const char *text);
/* Take one option as if it were written on the command line; arg is NULL if it takes none. */
bool cmdline_take(CmdLine *l, const char *name, const char *arg, GError **error);
bool is_help(const char *arg);
void set_string(char **field, const char *value);

/* ---- optdisk.c ---- */

/* Add d, which is owned from here on. False and error when its place is taken or its id is known. */
bool drive_add(VmConfig *c, DriveConfig *d, GError **error);
DriveConfig *drive_find(const VmConfig *c, const char *id);
/* Connect d, one of c, there; index -1 is the first free place. */
bool drive_place(const VmConfig *c, DriveConfig *d, DriveIf iface, int index, GError **error);

/* ---- optline.c ---- */

/* Are all chardevs there that were named? */
bool lines_finish(CmdLine *l, GError **error);
/* Does dev look like something that a line can be connected to? */
bool line_check(const char *option, const char *dev, GError **error);

/* ---- optdevice.c ---- */

void global_prop_free(GlobalProp *g);
/* Carry out what -device and -debugcon said. */
bool devices_finish(CmdLine *l, GError **error);

/* ---- the functions and property tables that options.def names ---- */

#define OPT(name, arg, take, props, help) OptionFn take;
#define SECTION(title)
#include "cmdline/options.def"
#undef OPT
#undef SECTION

extern const Prop accel_props[], action_props[], boot_props[], chardev_props[], display_props[], drive_props[],
    machine_props[], memory_props[], mon_props[], name_props[], rtc_props[], smp_props[];

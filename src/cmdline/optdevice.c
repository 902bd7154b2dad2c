/*
 * -device and -global.
 *
 * The board is fixed, so a device either names one of its optional parts, or connects a drive or a line to a part
 * that is there. It is carried out when the whole command line is read: -device drive=ID may come before its -drive.
 */
#include "cmdline/cmdline.h"

#include <stdlib.h>
#include <string.h>

/* All that devices know; each has a table of its own. */
typedef struct DeviceWords {
    char *bus, *drive, *chardev;
    int iobase, iosize, readback, unit; /* unit -1: the first free one */
} DeviceWords;

typedef struct DeviceType {
    const char *name;
    const Prop *props;
    bool (*add)(CmdLine *l, const char *name, const DeviceWords *w, GError **error);
    const char *help;
} DeviceType;

static bool add_debug_exit(CmdLine *l, const char *name, const DeviceWords *w, GError **error)
{
    l->config->debug_exit_port = w->iobase ? w->iobase : 0x501;
    l->config->debug_exit_size = w->iosize ? w->iosize : 2;
    return true;
}

static bool add_testdev(CmdLine *l, const char *name, const DeviceWords *w, GError **error)
{
    l->config->testdev = true;
    return true;
}

static bool add_debugcon_dev(CmdLine *l, const char *dev, const DeviceWords *w, GError **error)
{
    if (l->config->debugcons->len == VM_DEBUGCONS)
        return option_fail(error, "-device isa-debugcon: there are at most %d debug consoles", VM_DEBUGCONS);
    DebugconConfig *d = g_new0(DebugconConfig, 1);
    *d = (DebugconConfig){w->iobase ? w->iobase : 0xe9, w->readback ? w->readback : 0xe9, g_strdup(dev)};
    g_ptr_array_add(l->config->debugcons, d);
    return true;
}

static char *chardev_line(const DeviceWords *w)
{
    return w->chardev ? g_strconcat("chardev:", w->chardev, NULL) : g_strdup("null");
}

static bool add_debugcon(CmdLine *l, const char *name, const DeviceWords *w, GError **error)
{
    g_autofree char *dev = chardev_line(w);
    return add_debugcon_dev(l, dev, w, error);
}

static bool add_port(CmdLine *l, const char *name, const DeviceWords *w, GError **error)
{
    g_autofree char *dev = chardev_line(w);
    return cmdline_take(l, !strcmp(name, "isa-serial") ? "serial" : "parallel", dev, error);
}

static bool add_vga(CmdLine *l, const char *name, const DeviceWords *w, GError **error)
{
    set_string(&l->config->vga, "std");
    return true;
}

/* bus=ide.N,unit=M is hda to hdd; a port of another controller, as ahci.N, is the Nth drive. */
static int ide_index(const DeviceWords *w)
{
    const char *dot = w->bus ? strrchr(w->bus, '.') : NULL;
    if (!dot)
        return w->unit > 0 ? 1 : -1;
    int n = atoi(dot + 1);
    return g_str_has_prefix(w->bus, "ide.") ? (n & 1) * 2 + MAX(w->unit, 0) : n;
}

static bool add_drive(CmdLine *l, const char *name, const DeviceWords *w, GError **error)
{
    bool floppy = !strcmp(name, "floppy"), cdrom = !strcmp(name, "ide-cd");
    int index = floppy ? w->unit : ide_index(w), places = floppy ? 2 : 4;
    if (index >= places)
        return option_fail(error, "-device %s: bus or unit is too large: there are %d such drives", name, places);
    if (w->drive) {
        DriveConfig *d = drive_find(l->config, w->drive);
        if (!d)
            return option_fail(error, "-device %s,drive=%s: there is no -drive with id=%s", name, w->drive, w->drive);
        d->cdrom = !floppy && (cdrom || (d->cdrom && strcmp(name, "ide-hd")));
        d->read_only |= d->cdrom;
        return drive_place(l->config, d, floppy ? DRIVE_FLOPPY : DRIVE_IDE, index, error);
    }
    if (!cdrom && !floppy)
        return option_fail(error, "-device %s: expected drive=ID, the id of a -drive", name);
    DriveConfig *d = g_new0(DriveConfig, 1);
    d->iface = floppy ? DRIVE_FLOPPY : DRIVE_IDE;
    d->index = index;
    d->cdrom = d->read_only = cdrom;
    return drive_add(l->config, d, error);
}

/* What any of QEMU's devices may be given. */
#define COMMON {"id", PROP_IGNORED}, {"addr", PROP_IGNORED}, {"bootindex", PROP_IGNORED}

static const Prop debug_exit_props[] = {
    {"iobase", PROP_INT, offsetof(DeviceWords, iobase), "1..65535", "its port (default 0x501)"},
    {"iosize", PROP_INT, offsetof(DeviceWords, iosize), "1..8", "how many ports (default 2)"},
    COMMON,
    {NULL},
};
static const Prop testdev_props[] = {
    COMMON,
    {NULL},
};
static const Prop debugcon_props[] = {
    {"iobase", PROP_INT, offsetof(DeviceWords, iobase), "1..65535", "its port (default 0xe9)"},
    {"readback", PROP_INT, offsetof(DeviceWords, readback), "1..255", "what a read gives (default 0xe9)"},
    {"chardev", PROP_STRING, offsetof(DeviceWords, chardev), "ID", "the line"},
    COMMON,
    {NULL},
};
static const Prop port_props[] = {
    {"chardev", PROP_STRING, offsetof(DeviceWords, chardev), "ID", "the line"},
    {"index", PROP_IGNORED},
    {"iobase", PROP_IGNORED},
    {"irq", PROP_IGNORED},
    COMMON,
    {NULL},
};
static const Prop drive_device_props[] = {
    {"drive", PROP_STRING, offsetof(DeviceWords, drive), "ID", "the -drive that is in it"},
    {"bus", PROP_STRING, offsetof(DeviceWords, bus), "ide.0|ide.1", "its channel"},
    {"unit", PROP_INT, offsetof(DeviceWords, unit), "0..1", "0 master, 1 slave"},
    {"serial", PROP_IGNORED},
    {"model", PROP_IGNORED},
    {"ver", PROP_IGNORED},
    {"rotation_rate", PROP_IGNORED},
    {"write-cache", PROP_IGNORED},
    COMMON,
    {NULL},
};
static const Prop floppy_props[] = {
    {"drive", PROP_STRING, offsetof(DeviceWords, drive), "ID", "the -drive that is in it"},
    {"unit", PROP_INT, offsetof(DeviceWords, unit), "0..1", "A or B"},
    {"drive-type", PROP_IGNORED},
    COMMON,
    {NULL},
};
static const Prop vga_props[] = {
    {"vgamem_mb", PROP_IGNORED},
    {"edid", PROP_IGNORED},
    {"xres", PROP_IGNORED},
    {"yres", PROP_IGNORED},
    {"romfile", PROP_IGNORED},
    COMMON,
    {NULL},
};

static const DeviceType types[] = {
    {"isa-debug-exit", debug_exit_props, add_debug_exit, "a guest's write of N ends the program with status 2N+1"},
    {"pc-testdev", testdev_props, add_testdev, "memory, ports and IRQ lines for test guests"},
    {"isa-debugcon", debugcon_props, add_debugcon, "debug console: bytes written to a port"},
    {"isa-serial", port_props, add_port, "serial port"},
    {"isa-parallel", port_props, add_port, "parallel port"},
    {"ide-hd", drive_device_props, add_drive, "hard disk"},
    {"ide-cd", drive_device_props, add_drive, "CD-ROM drive"},
    {"ide-drive", drive_device_props, add_drive, "either, as the -drive says"},
    {"floppy", floppy_props, add_drive, "floppy drive"},
    {"VGA", vga_props, add_vga, "VGA with Bochs VBE, as -vga std"},
};

/* QEMU's devices that a guest can do without. */
static const struct {
    const char *pattern, *what;
} absent[] = {
    {"e1000*", "network card yet"},
    {"rtl8139", "network card yet"},
    {"pcnet", "network card yet"},
    {"ne2k_*", "network card yet"},
    {"i82*", "network card yet"},
    {"vmxnet3", "network card yet"},
    {"virtio-net*", "network card yet"},
    {"AC97", "sound yet"},
    {"ac97", "sound yet"},
    {"ES1370", "sound yet"},
    {"sb16", "sound yet"},
    {"adlib", "sound yet"},
    {"gus", "sound yet"},
    {"cs4231a", "sound yet"},
    {"*intel-hda", "sound yet"},
    {"hda-*", "sound yet"},
    {"usb-*", "USB"},
    {"*-uhci", "USB"},
    {"*-ohci", "USB"},
    {"*-xhci", "USB"},
    {"ich9-usb-*", "USB"},
    {"ahci", "AHCI controller; its drives are IDE drives"},
    {"ich9-ahci", "AHCI controller; its drives are IDE drives"},
    {"cirrus-vga", "such adapter"},
    {"vmware-svga", "such adapter"},
    {"qxl*", "such adapter"},
    {"virtio-vga*", "such adapter"},
    {"virtio-gpu*", "such adapter"},
    {"bochs-display", "such adapter"},
    {"pvpanic*", "such device"},
    {"virtio-rng*", "such device"},
    {"virtio-balloon*", "such device"},
    {"pc-testdev", "such device"},
    {"pci-testdev", "such device"},
    {"edu", "such device"},
};

static const DeviceType *type_find(const char *name)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(types); n++)
        if (!strcmp(types[n].name, name))
            return &types[n];
    return NULL;
}

static bool unknown_device(CmdLine *l, const char *name, GError **error)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(absent); n++) {
        if (!g_pattern_match_simple(absent[n].pattern, name))
            continue;
        cmdline_warn(l, "-device %s: there is no %s; going on without", name, absent[n].what);
        return true;
    }
    const char *names[G_N_ELEMENTS(types) + 1] = {NULL};
    for (unsigned n = 0; n < G_N_ELEMENTS(types); n++)
        names[n] = types[n].name;
    const char *near = nearest_name(name, names);
    if (near)
        return option_fail(error, "-device %s: no such device; did you mean %s?", name, near);
    return option_fail(error, "-device %s: no such device ('-device help' lists them)", name);
}

bool take_device(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    if (is_help(arg)) {
        for (unsigned n = 0; n < G_N_ELEMENTS(types); n++)
            g_string_append_printf(out, "  %-16s %s\n", types[n].name, types[n].help);
        return cmdline_done(l, out->str);
    }
    g_autofree char *name = g_strndup(arg, strcspn(arg, ","));
    const DeviceType *type = type_find(name);
    if (type && (g_str_has_suffix(arg, ",help") || g_str_has_suffix(arg, ",?"))) {
        g_string_append_printf(out, "-device %s: %s\n", type->name, type->help);
        props_print(type->props, out);
        return cmdline_done(l, out->str);
    }
    g_ptr_array_add(l->devices, g_strdup(arg));
    return true;
}

/* ---- -global ---- */

void global_prop_free(GlobalProp *g)
{
    g_free(g->driver);
    g_free(g->key);
    g_free(g->value);
    g_free(g);
}

typedef struct GlobalWords {
    char *driver, *property, *value;
} GlobalWords;

static const Prop global_props[] = {
    {"driver", PROP_STRING, offsetof(GlobalWords, driver), NULL, NULL},
    {"property", PROP_STRING, offsetof(GlobalWords, property), NULL, NULL},
    {"value", PROP_STRING, offsetof(GlobalWords, value), NULL, NULL},
    {NULL},
};

/* driver.property=value, or the long form for drivers with a dot in their names */
bool take_global(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    GlobalWords w = {NULL};
    const char *dot = strchr(arg, '.'), *eq = strchr(arg, '=');
    bool ok = true;
    if (dot && eq && dot < eq)
        w = (GlobalWords){g_strndup(arg, dot - arg), g_strndup(dot + 1, eq - dot - 1), g_strdup(eq + 1)};
    else if (eq)
        ok = props_parse(global_props, &w, o->name, NULL, arg, error);
    if (ok && !(w.driver && w.property && w.value))
        ok = option_fail(error, "-global %s: expected DRIVER.PROPERTY=VALUE", arg);
    GlobalProp *g = g_new0(GlobalProp, 1);
    *g = (GlobalProp){w.driver, w.property, w.value};
    if (!ok) {
        global_prop_free(g);
        return false;
    }
    if (!type_find(g->driver))
        cmdline_warn(l, "-global %s: %s has no properties that can be set; going on without", arg, g->driver);
    g_ptr_array_add(l->globals, g);
    return true;
}

/* ---- when all is read ---- */

static bool set_globals(CmdLine *l, const DeviceType *type, DeviceWords *w, GError **error)
{
    for (unsigned n = 0; n < l->globals->len; n++) {
        const GlobalProp *g = l->globals->pdata[n];
        g_autofree char *option = g_strconcat("global ", type->name, NULL);
        if (!strcmp(g->driver, type->name) && !props_set(type->props, w, option, g->key, g->value, error))
            return false;
    }
    return true;
}

static void words_clear(DeviceWords *w)
{
    g_free(w->bus);
    g_free(w->drive);
    g_free(w->chardev);
}

static bool add_device(CmdLine *l, const char *arg, GError **error)
{
    const char *implied = g_str_has_prefix(arg, "driver=") ? arg + strlen("driver=") : arg;
    g_autofree char *name = g_strndup(implied, strcspn(implied, ","));
    const char *rest = strchr(implied, ',');
    const DeviceType *type = type_find(name);
    if (!type)
        return unknown_device(l, name, error);
    DeviceWords w = {.unit = -1};
    g_autofree char *option = g_strconcat("device ", type->name, NULL);
    bool ok = set_globals(l, type, &w, error) &&
              (!rest || props_parse(type->props, &w, option, NULL, rest + 1, error)) &&
              type->add(l, type->name, &w, error);
    words_clear(&w);
    return ok;
}

static bool add_debugcon_option(CmdLine *l, GError **error)
{
    DeviceWords w = {.unit = -1};
    bool ok = set_globals(l, type_find("isa-debugcon"), &w, error) && add_debugcon_dev(l, l->debugcon, &w, error);
    words_clear(&w);
    return ok;
}

bool devices_finish(CmdLine *l, GError **error)
{
    if (l->debugcon && !add_debugcon_option(l, error))
        return false;
    for (unsigned n = 0; n < l->devices->len; n++)
        if (!add_device(l, l->devices->pdata[n], error))
            return false;
    return true;
}

/*
 * Options about drives.
 */
#include "cmdline/cmdline.h"

#include <string.h>

#define FLOPPY_DRIVES 2

static const char *place(const DriveConfig *d)
{
    static const char *const ide[] = {"hda", "hdb", "hdc", "hdd"};
    return d->iface == DRIVE_FLOPPY ? (d->index ? "fdb" : "fda") : ide[d->index & 3];
}

DriveConfig *drive_find(const VmConfig *c, const char *id)
{
    for (unsigned n = 0; n < c->drives->len; n++) {
        DriveConfig *d = c->drives->pdata[n];
        if (!g_strcmp0(d->id, id))
            return d;
    }
    return NULL;
}

static bool place_free(const VmConfig *c, const DriveConfig *d, GError **error)
{
    for (unsigned n = 0; n < c->drives->len; n++) {
        const DriveConfig *other = c->drives->pdata[n];
        if (other != d && d->index >= 0 && other->iface == d->iface && other->index == d->index &&
            d->iface != DRIVE_NONE)
            return option_fail(error, "%s: %s is already taken by %s", d->file ? d->file : "(empty)", place(d),
                               other->file ? other->file : "an empty drive");
    }
    return true;
}

bool drive_add(VmConfig *c, DriveConfig *d, GError **error)
{
    bool ok = place_free(c, d, error);
    if (ok && d->id && drive_find(c, d->id))
        ok = option_fail(error, "-drive id=%s: there is a drive of that name already", d->id);
    if (ok)
        g_ptr_array_add(c->drives, d);
    else
        drive_config_free(d);
    return ok;
}

bool drive_place(const VmConfig *c, DriveConfig *d, DriveIf iface, int index, GError **error)
{
    d->iface = iface;
    d->index = index;
    return place_free(c, d, error);
}

static bool add_file(VmConfig *c, DriveIf iface, int index, bool cdrom, const char *file, GError **error)
{
    DriveConfig *d = g_new0(DriveConfig, 1);
    d->file = g_strdup(file);
    d->iface = iface;
    d->index = index;
    d->cdrom = d->read_only = cdrom;
    return drive_add(c, d, error);
}

bool take_hd(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return add_file(l->config, DRIVE_IDE, o->name[2] - 'a', false, arg, error);
}

bool take_fd(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return add_file(l->config, DRIVE_FLOPPY, o->name[2] - 'a', false, arg, error);
}

bool take_cdrom(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return add_file(l->config, DRIVE_IDE, 2, true, arg, error);
}

/* ---- -drive ---- */

typedef struct DriveWords {
    char *file, *iface, *media, *format, *id;
    int index, bus, unit; /* -1: not said */
    bool snapshot, read_only;
} DriveWords;

const Prop drive_props[] = {
    {"file", PROP_STRING, offsetof(DriveWords, file), "FILE", "the image"},
    {"if", PROP_CHOICE, offsetof(DriveWords, iface), "ide|floppy|none",
     "how it is connected; none: a -device drive=ID says it"},
    {"index", PROP_INT, offsetof(DriveWords, index), "0..3",
     "which of them: 0 to 3 are hda to hdd, 0 and 1 fda and fdb"},
    {"bus", PROP_INT, offsetof(DriveWords, bus), "0..1", "IDE channel, with unit instead of index"},
    {"unit", PROP_INT, offsetof(DriveWords, unit), "0..1", "0 master, 1 slave"},
    {"media", PROP_CHOICE, offsetof(DriveWords, media), "disk|cdrom", "what it is"},
    {"format", PROP_STRING, offsetof(DriveWords, format), "raw", "the image's format; left out, it is looked at"},
    {"id", PROP_STRING, offsetof(DriveWords, id), NULL, "a name for -device drive=ID"},
    {"snapshot", PROP_BOOL, offsetof(DriveWords, snapshot), NULL, "write to temporary storage"},
    {"readonly", PROP_BOOL, offsetof(DriveWords, read_only), NULL, "the guest can't write"},
    {"read-only", PROP_BOOL, offsetof(DriveWords, read_only), NULL, "the same"},
    {"cache", PROP_IGNORED},
    {"aio", PROP_IGNORED},
    {"werror", PROP_IGNORED},
    {"rerror", PROP_IGNORED},
    {"discard", PROP_IGNORED},
    {"detect-zeroes", PROP_IGNORED},
    {"copy-on-read", PROP_IGNORED},
    {"file.locking", PROP_IGNORED},
    {"cyls", PROP_IGNORED},
    {"heads", PROP_IGNORED},
    {"secs", PROP_IGNORED},
    {"trans", PROP_IGNORED},
    {"serial", PROP_IGNORED},
    {NULL},
};

static bool check_drive(const DriveWords *w, const char *arg, DriveConfig *d, GError **error)
{
    if (w->unit >= 0 || w->bus >= 0) {
        if (w->index >= 0)
            return option_fail(error, "-drive %s: index says what bus and unit say; give one of them", arg);
        d->index = MAX(w->bus, 0) * 2 + MAX(w->unit, 0);
    }
    if (d->iface == DRIVE_FLOPPY && d->index >= FLOPPY_DRIVES)
        return option_fail(error, "-drive if=floppy,index=%d: there are two floppy drives, 0 and 1", d->index);
    if (!d->file && !d->cdrom && d->iface != DRIVE_FLOPPY)
        return option_fail(error, "-drive %s: a disk needs file=IMAGE", arg);
    return true;
}

bool take_drive(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    DriveWords w = {.index = -1, .bus = -1, .unit = -1};
    DriveConfig *d = g_new0(DriveConfig, 1);
    bool ok = props_parse(drive_props, &w, o->name, NULL, arg, error);
    d->file = w.file;
    d->format = w.format;
    d->id = w.id;
    d->iface = !w.iface || !strcmp(w.iface, "ide") ? DRIVE_IDE
               : !strcmp(w.iface, "floppy")        ? DRIVE_FLOPPY
                                                   : DRIVE_NONE;
    d->index = w.index;
    d->cdrom = w.media && !strcmp(w.media, "cdrom");
    d->read_only = w.read_only || d->cdrom;
    d->snapshot = w.snapshot;
    ok = ok && check_drive(&w, arg, d, error);
    g_free(w.iface);
    g_free(w.media);
    if (ok)
        return drive_add(l->config, d, error);
    drive_config_free(d);
    return false;
}

/*
 * The command line: one table of options, each with its argument, its help and the function that takes it.
 *
 * Options may be written with one dash or two. An option that we do not have is an error that names the nearest one
 * we do have.
 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "debug/trace.h"
#include "decision/probe.h"
#include "ui/screen.h"
#include <config.h>

#define MIB (1024ull * 1024)
#define RAM_MAX (3584 * MIB)
#define RAM_MIN MIB

typedef bool OptionFn(VmConfig *c, const char *name, const char *arg, GError **error);

typedef struct Option {
    const char *name;
    const char *arg; /* NULL: takes none */
    const char *help;
    OptionFn *take;
} Option;

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(GError **error, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error_literal(error, OPTIONS_ERROR_DOMAIN, 0, text);
    g_free(text);
    return false;
}

/* ---- configuration ---- */

void drive_config_free(DriveConfig *d)
{
    if (!d)
        return;
    g_free(d->file);
    g_free(d->format);
    g_free(d->id);
    g_free(d);
}

VmConfig *vm_config_new(void)
{
    VmConfig *c = g_new0(VmConfig, 1);
    c->drives = g_ptr_array_new_with_free_func((GDestroyNotify)drive_config_free);
    c->serials = g_ptr_array_new_with_free_func(g_free);
    c->parallels = g_ptr_array_new_with_free_func(g_free);
    c->devices = g_ptr_array_new_with_free_func(g_free);
    c->ram_bytes = 128 * MIB;
    return c;
}

void vm_config_free(VmConfig *c)
{
    if (!c)
        return;
    g_ptr_array_unref(c->drives);
    g_ptr_array_unref(c->serials);
    g_ptr_array_unref(c->parallels);
    g_ptr_array_unref(c->devices);
    char *strings[] = {c->boot_order, c->kernel, c->initrd, c->append, c->debugcon, c->bios, c->cpu, c->vga,
                       c->display, c->monitor, c->qmp, c->gdb, c->trace, c->trace_file, c->trace_filter, c->symbols,
                       c->triple_fault, c->accel, c->rtc_base, c->name};
    for (unsigned n = 0; n < G_N_ELEMENTS(strings); n++)
        g_free(strings[n]);
    g_free(c);
}

/* ---- pieces of arguments ---- */

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

/* Letters to change to make a into b (Levenshtein), for suggestions. */
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

/* The nearest of names (ended by NULL), or NULL when nothing is near. */
static const char *nearest(const char *word, const char *const *names)
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

static bool one_of(const char *option, const char *value, const char *const *names, GError **error)
{
    if (g_strv_contains((const char *const *)names, value))
        return true;
    char *list = g_strjoinv(", ", (char **)names);
    const char *near = nearest(value, names);
    if (near)
        fail(error, "-%s %s: no such value; did you mean %s? (one of: %s)", option, value, near, list);
    else
        fail(error, "-%s %s: no such value; it is one of: %s", option, value, list);
    g_free(list);
    return false;
}

static bool on_off(const char *option, const char *key, const char *value, bool *out, GError **error)
{
    if (!g_strcmp0(value, "on") || !g_strcmp0(value, "yes") || !g_strcmp0(value, "true"))
        *out = true;
    else if (!g_strcmp0(value, "off") || !g_strcmp0(value, "no") || !g_strcmp0(value, "false"))
        *out = false;
    else
        return fail(error, "-%s %s=%s: expected on or off", option, key, value);
    return true;
}

/* Split "a=b,c=d,,e" into words at single commas; ",," is a comma. Free with g_strfreev(). */
static char **split_commas(const char *arg)
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

static void set_string(char **field, const char *value)
{
    g_free(*field);
    *field = g_strdup(value);
}

/* ---- options ---- */

static bool add_drive(VmConfig *c, DriveConfig *d, GError **error)
{
    for (unsigned n = 0; n < c->drives->len; n++) {
        const DriveConfig *other = c->drives->pdata[n];
        if (d->index >= 0 && other->iface == d->iface && other->index == d->index && d->iface != DRIVE_NONE) {
            const char *where[] = {"hda", "hdb", "hdc", "hdd"};
            bool ok = fail(error, "%s: %s is already taken by %s", d->file ? d->file : "(empty)",
                           d->iface == DRIVE_FLOPPY ? (d->index ? "fdb" : "fda") : where[d->index & 3],
                           other->file ? other->file : "an empty drive");
            drive_config_free(d);
            return ok;
        }
    }
    g_ptr_array_add(c->drives, d);
    return true;
}

static bool take_hd(VmConfig *c, const char *name, const char *arg, GError **error)
{
    DriveConfig *d = g_new0(DriveConfig, 1);
    d->file = g_strdup(arg);
    d->iface = DRIVE_IDE;
    d->index = name[2] - 'a';
    return add_drive(c, d, error);
}

static bool take_fd(VmConfig *c, const char *name, const char *arg, GError **error)
{
    DriveConfig *d = g_new0(DriveConfig, 1);
    d->file = g_strdup(arg);
    d->iface = DRIVE_FLOPPY;
    d->index = name[2] - 'a';
    return add_drive(c, d, error);
}

static bool take_cdrom(VmConfig *c, const char *name, const char *arg, GError **error)
{
    DriveConfig *d = g_new0(DriveConfig, 1);
    d->file = g_strdup(arg);
    d->iface = DRIVE_IDE;
    d->index = 2;
    d->cdrom = true;
    d->read_only = true;
    return add_drive(c, d, error);
}

static bool drive_key(VmConfig *c, DriveConfig *d, const char *key, const char *value, GError **error)
{
    static const char *const keys[] = {"file", "if", "index", "media", "format", "id", "snapshot", "readonly", "read-only",
                                       "cache", "aio", "werror", "rerror", "discard", "bus", "unit", NULL};
    static const char *const ifs[] = {"ide", "floppy", "none", NULL};
    static const char *const medias[] = {"disk", "cdrom", NULL};

    if (!strcmp(key, "file")) {
        set_string(&d->file, value);
    } else if (!strcmp(key, "if")) {
        if (!one_of("drive if", value, ifs, error))
            return false;
        d->iface = !strcmp(value, "ide") ? DRIVE_IDE : !strcmp(value, "floppy") ? DRIVE_FLOPPY : DRIVE_NONE;
    } else if (!strcmp(key, "index")) {
        char *end;
        d->index = strtol(value, &end, 10);
        if (*end || d->index < 0 || d->index > 3)
            return fail(error, "-drive index=%s: expected 0 to 3", value);
    } else if (!strcmp(key, "media")) {
        if (!one_of("drive media", value, medias, error))
            return false;
        d->cdrom = !strcmp(value, "cdrom");
        d->read_only |= d->cdrom;
    } else if (!strcmp(key, "format")) {
        set_string(&d->format, value);
    } else if (!strcmp(key, "id")) {
        set_string(&d->id, value);
    } else if (!strcmp(key, "snapshot")) {
        return on_off("drive", key, value, &d->snapshot, error);
    } else if (!strcmp(key, "readonly") || !strcmp(key, "read-only")) {
        return on_off("drive", key, value, &d->read_only, error);
    } else if (!g_strv_contains(keys, key)) {
        const char *near = nearest(key, keys);
        return near ? fail(error, "-drive %s=: no such key; did you mean %s?", key, near)
                    : fail(error, "-drive %s=: no such key; there are file, if, index, media, format, id, snapshot, readonly", key);
    }
    return true; /* cache, aio and the like: accepted, they change nothing here */
}

static bool take_drive(VmConfig *c, const char *name, const char *arg, GError **error)
{
    DriveConfig *d = g_new0(DriveConfig, 1);
    char **words = split_commas(arg);
    bool ok = true;
    d->index = -1;
    for (char **w = words; *w && ok; w++) {
        char *eq = strchr(*w, '=');
        if (!eq) {
            ok = fail(error, "-drive %s: expected key=value, as in file=disk.img,format=raw", *w);
            break;
        }
        *eq = 0;
        ok = drive_key(c, d, *w, eq + 1, error);
    }
    g_strfreev(words);
    if (ok && d->iface == DRIVE_FLOPPY && d->index > 1)
        ok = fail(error, "-drive if=floppy,index=%d: there are two floppy drives, 0 and 1", d->index);
    if (ok && !d->file && !d->cdrom && d->iface != DRIVE_FLOPPY)
        ok = fail(error, "-drive %s: a disk needs file=IMAGE", arg);
    if (ok)
        return add_drive(c, d, error);
    drive_config_free(d);
    return false;
}

static bool take_m(VmConfig *c, const char *name, const char *arg, GError **error)
{
    const char *size = g_str_has_prefix(arg, "size=") ? arg + 5 : arg;
    char **words = split_commas(size);
    bool ok = options_parse_size(words[0], MIB, &c->ram_bytes);
    g_strfreev(words);
    if (!ok)
        return fail(error, "-m %s: expected a size such as 512, 512M or 2G", arg);
    if (c->ram_bytes < RAM_MIN)
        return fail(error, "-m %s: a PC needs at least 1M", arg);
    if (c->ram_bytes > RAM_MAX)
        return fail(error, "-m %s: at most 3584M (3.5 GiB) fits below the PCI devices of a 32-bit PC", arg);
    c->ram_bytes &= ~0xfffull;
    return true;
}

static bool take_boot(VmConfig *c, const char *name, const char *arg, GError **error)
{
    char **words = split_commas(arg);
    bool ok = true;
    for (char **w = words; *w && ok; w++) {
        const char *order = *w;
        if (g_str_has_prefix(*w, "menu=")) {
            ok = on_off("boot", "menu", *w + 5, &c->boot_menu, error);
            continue;
        }
        if (g_str_has_prefix(*w, "strict=") || g_str_has_prefix(*w, "splash"))
            continue;
        if (g_str_has_prefix(*w, "order="))
            order += 6;
        else if (g_str_has_prefix(*w, "once="))
            order += 5;
        if (strspn(order, "abcdnp") != strlen(order) || !*order)
            ok = fail(error, "-boot %s: expected letters of a (floppy), c (disk), d (CD-ROM), n (network), as in -boot dc", *w);
        else
            set_string(&c->boot_order, order);
    }
    g_strfreev(words);
    return ok;
}

static bool take_cpu(VmConfig *c, const char *name, const char *arg, GError **error)
{
    set_string(&c->cpu, arg);
    return true;
}

static bool take_nographic(VmConfig *c, const char *name, const char *arg, GError **error)
{
    c->nographic = true;
    return true;
}

static bool take_rtc(VmConfig *c, const char *name, const char *arg, GError **error)
{
    char **words = split_commas(arg);
    bool ok = true;
    for (char **w = words; *w && ok; w++) {
        if (g_str_has_prefix(*w, "base="))
            set_string(&c->rtc_base, *w + 5);
        else if (!g_str_has_prefix(*w, "clock=") && !g_str_has_prefix(*w, "driftfix="))
            ok = fail(error, "-rtc %s: expected base=utc, base=localtime or base=2006-06-17T16:01:21", *w);
    }
    g_strfreev(words);
    return ok;
}

static bool take_vga(VmConfig *c, const char *name, const char *arg, GError **error)
{
    static const char *const names[] = {"std", "none", NULL};
    set_string(&c->vga, arg);
    return one_of("vga", arg, names, error);
}

static bool take_display(VmConfig *c, const char *name, const char *arg, GError **error)
{
    ScreenKind kind;
    ScreenOptions options;
    set_string(&c->display, arg);
    return screen_parse(arg, &kind, &options, error);
}

static bool take_curses(VmConfig *c, const char *name, const char *arg, GError **error)
{
    set_string(&c->display, "curses");
    return true;
}

static bool take_machine(VmConfig *c, const char *name, const char *arg, GError **error)
{
    char **words = split_commas(arg);
    bool ok = true;
    for (char **w = words; *w && ok; w++) {
        const char *value = g_str_has_prefix(*w, "type=") ? *w + 5 : *w;
        if (g_str_has_prefix(*w, "accel="))
            continue;
        if (strcmp(value, "pc") && !g_str_has_prefix(value, "pc-i440fx") && !strchr(value, '='))
            ok = fail(error, "-machine %s: there is one machine, pc", *w);
    }
    g_strfreev(words);
    return ok;
}

/* NAME[,tb-size=MIB][,shadow=on][,stats=on][,perfmap=on] or chaos=SEED[,...] */
static bool take_accel(VmConfig *c, const char *name, const char *arg, GError **error)
{
    static const char *const names[] = {"interp", "translate", NULL};
    char **words = split_commas(arg);
    bool ok = true;

    for (char **w = words; *w && ok; w++) {
        if (w == words) {
            if (g_str_has_prefix(*w, "tcg") || g_str_has_prefix(*w, "kvm"))
                continue; /* QEMU's words: the guest runs all the same */
            if (g_str_has_prefix(*w, "chaos=")) {
                ok = g_ascii_string_to_unsigned(*w + 6, 10, 1, G_MAXUINT64, &c->accel_chaos, NULL);
                if (!ok)
                    fail(error, "-accel %s: a seed is a number from 1 on", arg);
                continue;
            }
            set_string(&c->accel, *w);
            ok = one_of("accel", *w, names, error);
        } else if (g_str_has_prefix(*w, "tb-size=")) {
            guint64 mib;
            ok = g_ascii_string_to_unsigned(*w + 8, 10, 1, 1024, &mib, NULL);
            c->tb_bytes = mib << 20;
            if (!ok)
                fail(error, "-accel %s: tb-size is 1 to 1024 (MiB)", arg);
        } else if (!strcmp(*w, "shadow=on")) {
            c->accel_shadow = true;
        } else if (!strcmp(*w, "stats=on")) {
            c->accel_stats = true;
        } else if (!strcmp(*w, "perfmap=on")) {
            c->perf_map = true;
        } else if (strchr(*w, '=') == NULL) {
            ok = fail(error, "-accel %s: unknown property %s", arg, *w);
        }
    }
    g_strfreev(words);
    return ok;
}

static bool take_enable_kvm(VmConfig *c, const char *name, const char *arg, GError **error)
{
    fprintf(stderr, "x86vm: -%s: KVM is not used here; going on without it\n", name);
    return true;
}

static bool take_smp(VmConfig *c, const char *name, const char *arg, GError **error)
{
    if (strcmp(arg, "1") && !g_str_has_prefix(arg, "1,") && strcmp(arg, "cpus=1"))
        return fail(error, "-smp %s: the machine has one CPU; use -smp 1", arg);
    return true;
}

/* Options that only store their argument, told by where. */
#define STORE(function, field)                                                                                         \
    static bool function(VmConfig *c, const char *name, const char *arg, GError **error)                               \
    {                                                                                                                  \
        set_string(&c->field, arg);                                                                                    \
        return true;                                                                                                   \
    }
STORE(take_kernel, kernel)
STORE(take_initrd, initrd)
STORE(take_append, append)
STORE(take_bios, bios)
STORE(take_name, name)
STORE(take_debugcon, debugcon)
STORE(take_monitor, monitor)
STORE(take_gdb, gdb)
STORE(take_qmp, qmp)
STORE(take_trace, trace)
STORE(take_trace_file, trace_file)
STORE(take_trace_filter, trace_filter)
STORE(take_symbols, symbols)

static bool take_s(VmConfig *c, const char *name, const char *arg, GError **error)
{
    set_string(&c->gdb, "tcp::1234");
    return true;
}

static bool take_action(VmConfig *c, const char *name, const char *arg, GError **error)
{
    static const char *const faults[] = {"reset", "shutdown", "pause", NULL};
    char **words = split_commas(arg);
    bool ok = true;
    for (char **w = words; *w && ok; w++) {
        if (g_str_has_prefix(*w, "triple-fault=")) {
            set_string(&c->triple_fault, strchr(*w, '=') + 1);
            ok = one_of("action triple-fault", c->triple_fault, faults, error);
        } else if (!strcmp(*w, "reboot=shutdown")) {
            c->no_reboot = true;
        } else if (!strcmp(*w, "shutdown=pause")) {
            c->no_shutdown = true;
        } else if (strcmp(*w, "reboot=reset") && strcmp(*w, "shutdown=poweroff") && !g_str_has_prefix(*w, "panic=") &&
                   !g_str_has_prefix(*w, "watchdog=")) {
            ok = fail(error, "-action %s: expected triple-fault=reset|shutdown|pause, reboot=reset|shutdown or shutdown=poweroff|pause", *w);
        }
    }
    g_strfreev(words);
    return ok;
}

#define FLAG(function, field)                                                                                          \
    static bool function(VmConfig *c, const char *name, const char *arg, GError **error)                               \
    {                                                                                                                  \
        c->field = true;                                                                                               \
        return true;                                                                                                   \
    }
FLAG(take_explain, explain)
FLAG(take_full_screen, full_screen)
FLAG(take_snapshot, snapshot)
FLAG(take_no_reboot, no_reboot)
FLAG(take_no_shutdown, no_shutdown)
FLAG(take_start_stopped, start_stopped)

#define LIST(function, field)                                                                                          \
    static bool function(VmConfig *c, const char *name, const char *arg, GError **error)                               \
    {                                                                                                                  \
        g_ptr_array_add(c->field, g_strdup(arg));                                                                      \
        return true;                                                                                                   \
    }
LIST(take_serial, serials)
LIST(take_parallel, parallels)
LIST(take_device, devices)

static bool take_nothing(VmConfig *c, const char *name, const char *arg, GError **error)
{
    return true;
}

static const Option options[] = {
    {"help", NULL, "show this help", NULL},
    {"h", NULL, "the same", NULL},
    {"version", NULL, "show the version", NULL},
    {"hda", "FILE", "hard disk image, primary master; an argument without a dash means the same", take_hd},
    {"hdb", "FILE", "primary slave", take_hd},
    {"hdc", "FILE", "secondary master", take_hd},
    {"hdd", "FILE", "secondary slave", take_hd},
    {"fda", "FILE", "floppy image, drive A", take_fd},
    {"fdb", "FILE", "floppy image, drive B", take_fd},
    {"cdrom", "FILE", "CD-ROM image (ISO), secondary master", take_cdrom},
    {"drive", "file=F[,if=ide|floppy|none][,index=N][,media=disk|cdrom][,format=raw][,snapshot=on][,readonly=on]",
     "a drive in full", take_drive},
    {"snapshot", NULL, "write to temporary storage: no image is changed", take_snapshot},
    {"m", "SIZE", "memory, in MiB unless it ends in K, M or G (default 128M, at most 3584M)", take_m},
    {"cpu", "MODEL", "CPU model; '-cpu help' lists them", take_cpu},
    {"smp", "1", "number of CPUs: one", take_smp},
    {"boot", "ORDER", "boot order: letters of a (floppy), c (disk), d (CD-ROM)", take_boot},
    {"kernel", "FILE", "boot a Linux (bzImage) or Multiboot kernel", take_kernel},
    {"initrd", "FILE", "initial ramdisk for -kernel", take_initrd},
    {"append", "TEXT", "kernel command line for -kernel", take_append},
    {"bios", "FILE", "another BIOS image, such as SeaBIOS's bios.bin", take_bios},
    {"rtc", "base=utc|localtime|DATE", "what the real-time clock starts with", take_rtc},
    {"nographic", NULL, "no screen: the first serial port is this terminal (Ctrl-A x ends, Ctrl-A h helps)", take_nographic},
    {"serial", "DEV", "serial port: stdio, mon:stdio, file:PATH, tcp:HOST:PORT[,server=on,wait=off], telnet:, unix:PATH, pty, pipe:PATH, null, none", take_serial},
    {"parallel", "DEV", "parallel port: file:PATH, null, none", take_parallel},
    {"debugcon", "DEV", "debug console at port 402h: stdio, file:PATH", take_debugcon},
    {"monitor", "DEV", "the monitor, a command line onto the machine: stdio, telnet:, tcp:, unix:, pty, null, none", take_monitor},
    {"device", "isa-debug-exit[,iobase=N][,iosize=N]", "an extra device", take_device},
    {"vga", "std|none", "graphics adapter", take_vga},
    {"display", "sdl[,full-screen=on][,window-close=off][,show-cursor=on]|curses|none",
     "how the screen is shown: a window, this terminal, not at all", take_display},
    {"curses", NULL, "the same as -display curses", take_curses},
    {"full-screen", NULL, "start the window in full screen", take_full_screen},
    {"machine", "pc", "the machine type", take_machine},
    {"M", "pc", "the same", take_machine},
    {"accel", "interp|translate", "how guest code runs; '-accel help' tells what this host can do", take_accel},
    {"enable-kvm", NULL, "accepted; KVM is not used", take_enable_kvm},
    {"name", "TEXT", "a name for the machine", take_name},
    {"no-reboot", NULL, "end instead of rebooting", take_no_reboot},
    {"no-shutdown", NULL, "stop instead of ending when the guest powers off", take_no_shutdown},
    {"S", NULL, "do not start the CPU", take_start_stopped},
    {"qmp", "DEV", "control by programs, QEMU's protocol: unix:PATH,server=on,wait=off or tcp:", take_qmp},
    {"d", "ITEM,...", "traces; '-d help' lists them", take_trace},
    {"D", "FILE", "traces go there", take_trace_file},
    {"dfilter", "RANGE,...", "trace these addresses only: START+LEN, START-LEN, START..END", take_trace_filter},
    {"explain", NULL, "watch for the ways in which kernels die, and tell; slow", take_explain},
    {"symbols", "FILE", "an ELF file with names for the guest's addresses", take_symbols},
    {"action", "triple-fault=reset|shutdown|pause", "what happens then (also reboot=, shutdown=)", take_action},
    {"gdb", "DEV", "let gdb debug the guest: tcp::PORT, unix:PATH, pty or stdio; ',arch=i8086' after it for 16-bit code", take_gdb},
    {"s", NULL, "the same as -gdb tcp::1234", take_s},
    {"no-fd-bootchk", NULL, "accepted", take_nothing},
    {"no-acpi", NULL, "accepted", take_nothing},
    {"nodefaults", NULL, "accepted", take_nothing},
    {"usb", NULL, "accepted; there is no USB", take_nothing},
    {"net", "none", "accepted; there is no network yet", take_nothing},
    {"nic", "none", "accepted; there is no network yet", take_nothing},
};

static void print_help(void)
{
    printf("usage: x86vm [options] [disk.img]\n\nA whole x86 PC in one unprivileged process.\n\n");
    for (unsigned n = 0; n < G_N_ELEMENTS(options); n++) {
        char *left = g_strdup_printf("-%s%s%s", options[n].name, options[n].arg ? " " : "", options[n].arg ? options[n].arg : "");
        if (strlen(left) > 22)
            printf("  %s\n  %-22s %s\n", left, "", options[n].help);
        else
            printf("  %-22s %s\n", left, options[n].help);
        g_free(left);
    }
}

static void print_cpus(void)
{
    const CpuModel *m;
    for (int n = 0; (m = cpu_model_nth(n)); n++)
        printf("  %-12s %s\n", m->name, m->brand ? m->brand : "");
}

/* The engines, and what this host can do for direct execution: found out by trying. */
static void print_accels(void)
{
    GString *report = g_string_new(NULL);
    decision_print_capabilities(report);
    printf("  interp       interpret every instruction\n"
           "  translate    translate (default); shadow=on runs every block in the interpreter too and compares,\n"
           "               tb-size=MIB bounds the code buffer, stats=on prints counters at the end\n"
           "  chaos=SEED   change between the engines at random: a test of them\n\n%s", report->str);
    g_string_free(report, TRUE);
}

static const Option *option_find(const char *name)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(options); n++)
        if (!strcmp(options[n].name, name))
            return &options[n];
    return NULL;
}

static bool unknown_option(const char *word, GError **error)
{
    const char *names[G_N_ELEMENTS(options) + 1] = {NULL};
    for (unsigned n = 0; n < G_N_ELEMENTS(options); n++)
        names[n] = options[n].name;
    const char *near = nearest(word, names);
    if (near)
        return fail(error, "-%s: no such option; did you mean -%s? (x86vm -help lists them all)", word, near);
    return fail(error, "-%s: no such option (x86vm -help lists them all)", word);
}

OptionsResult options_parse(int argc, char **argv, VmConfig *config, GError **error)
{
    for (int n = 1; n < argc; n++) {
        const char *word = argv[n];
        if (*word != '-') {
            if (!take_hd(config, "hda", word, error))
                return OPTIONS_ERROR;
            continue;
        }
        word += word[1] == '-' ? 2 : 1;
        const Option *o = option_find(word);
        if (!o)
            return unknown_option(word, error), OPTIONS_ERROR;
        if (!strcmp(o->name, "help") || !strcmp(o->name, "h"))
            return print_help(), OPTIONS_DONE;
        if (!strcmp(o->name, "version"))
            return printf("x86vm %s\n", PACKAGE_VERSION), OPTIONS_DONE;
        const char *arg = NULL;
        if (o->arg) {
            if (++n >= argc)
                return fail(error, "-%s: expected %s after it", o->name, o->arg), OPTIONS_ERROR;
            arg = argv[n];
        }
        if (!strcmp(o->name, "d") && (!strcmp(arg, "help") || !strcmp(arg, "?"))) {
            GString *out = g_string_new(NULL);
            tracer_help(out);
            fputs(out->str, stdout);
            g_string_free(out, TRUE);
            return OPTIONS_DONE;
        }
        if (!strcmp(o->name, "cpu") && (!strcmp(arg, "help") || !strcmp(arg, "?")))
            return print_cpus(), OPTIONS_DONE;
        if (!strcmp(o->name, "accel") && (!strcmp(arg, "help") || !strcmp(arg, "?")))
            return print_accels(), OPTIONS_DONE;
        if (!o->take(config, o->name, arg, error))
            return OPTIONS_ERROR;
    }
    return OPTIONS_RUN;
}

/*
 * The monitor's commands, but for those about memory (monmem.c): a table each for commands and for info.
 */
#include "debug/moncmd.h"

#include <config.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "block/block.h"
#include "cpu/cpu.h"
#include "debug/cpuprint.h"
#include "debug/debugger.h"
#include "decision/direct.h"
#include "decision/report.h"
#include "tcache/tcache.h"
#include "timespent.h"
#include "ui/screendump.h"

static void report(GString *out, GError *error)
{
    if (!error)
        return;
    g_string_append_printf(out, "Error: %s\n", error->message);
    g_error_free(error);
}

static bool fail(GError **error, const char *what, const char *why)
{
    g_set_error(error, g_quark_from_static_string("monitor"), 0, "%s: %s", what, why);
    return false;
}

/* ---- the machine ---- */

static void cmd_stop(Monitor *mon, const char *args, GString *out)
{
    machine_stop(mon->m, RUN_PAUSED);
}
static void cmd_cont(Monitor *mon, const char *args, GString *out)
{
    machine_cont(mon->m);
}
static void cmd_step(Monitor *mon, const char *args, GString *out)
{
    unsigned n = *args ? MIN(g_ascii_strtoull(args, NULL, 0), 1000000) : 1;
    if (machine_running(mon->m))
        g_string_append(out, "step: the machine runs; stop it first\n");
    else
        machine_step(mon->m, MAX(n, 1));
}
static void cmd_reset(Monitor *mon, const char *args, GString *out)
{
    machine_reset_button(mon->m);
    machine_notify(mon->m, MACHINE_RESET, false);
}
static void cmd_powerdown(Monitor *mon, const char *args, GString *out)
{
    machine_notify(mon->m, MACHINE_POWERDOWN, false);
    if (!pc_power_button(mon->m->pc))
        g_string_append(out, "system_powerdown: the guest does not listen to the power button\n");
}
static void cmd_quit(Monitor *mon, const char *args, GString *out)
{
    mon->m->quit(mon->m->quit_opaque, 0);
}
static void cmd_nmi(Monitor *mon, const char *args, GString *out)
{
    pc_nmi(mon->m->pc);
}

/* ---- screen, keys, mouse ---- */

bool monitor_screendump(Machine *m, const char *path, ScreendumpFormat format, GError **error)
{
    if (!*path)
        return fail(error, "screendump", "expected a file name");
    if (!m->pc->vga)
        return fail(error, "screendump", "there is no display");
    return screendump(vga_display(m->pc->vga), path, format, error);
}

static void cmd_screendump(Monitor *mon, const char *args, GString *out)
{
    GError *error = NULL;
    if (g_str_has_prefix(args, "-f png "))
        monitor_screendump(mon->m, args + 7, SCREENDUMP_PNG, &error);
    else if (g_str_has_prefix(args, "-f ppm "))
        monitor_screendump(mon->m, args + 7, SCREENDUMP_PPM, &error);
    else
        monitor_screendump(mon->m, args, screendump_format_of(args), &error);
    report(out, error);
}

typedef struct HeldKeys {
    Input *input;
    unsigned keys[16], count;
} HeldKeys;

static gboolean release_keys(gpointer opaque)
{
    HeldKeys *h = opaque;
    while (h->count)
        input_key(h->input, h->keys[--h->count], false);
    return G_SOURCE_REMOVE;
}

bool monitor_sendkey(Machine *m, const char *keys, unsigned ms, GError **error)
{
    HeldKeys h = {.input = m->input};
    char **names = g_strsplit(keys, "-", -1);
    bool ok = *keys;
    for (char **n = names; *n && ok; n++) {
        char *end;
        unsigned key = input_key_by_name(**n ? *n : "minus");
        if (!key && g_str_has_prefix(*n,
                "0x")) /* QEMU takes numbers: set 1 codes, which are evdev's for the main block */
            key = g_ascii_strtoull(*n, &end, 16) & 0x7f;
        if (!key || h.count == G_N_ELEMENTS(h.keys))
            ok = false;
        else
            h.keys[h.count++] = key;
    }
    g_strfreev(names);
    if (!ok)
        {
        g_set_error(error, g_quark_from_static_string("monitor"), 0,
                "invalid parameter: %s; names are as in sendkey ctrl-alt-f1", keys);
        return false;
    }
    for (unsigned n = 0; n < h.count; n++)
        input_key(h.input, h.keys[n], true);
    /* the keyboard queues what it is sent, so a key is held as long as the guest takes to read it: nothing to wait for */
    release_keys(&h);
    return true;
}

static void cmd_sendkey(Monitor *mon, const char *args, GString *out)
{
    char **w = g_strsplit(args, " ", 2);
    GError *error = NULL;
    monitor_sendkey(mon->m, w[0] ? w[0] : "", w[0] && w[1] ? atoi(w[1]) : 100, &error);
    report(out, error);
    g_strfreev(w);
}

static void cmd_mouse_move(Monitor *mon, const char *args, GString *out)
{
    char *end;
    int dx = strtol(args, &end, 0), dy = strtol(end, &end, 0), dz = strtol(end, &end, 0);
    input_mouse(mon->m->input, dx, dy, dz, mon->buttons);
}

static void cmd_mouse_button(Monitor *mon, const char *args, GString *out)
{
    int state = strtol(args, NULL, 0); /* QEMU's: 1 left, 2 middle, 4 right */
    mon->buttons = (state & 1 ? INPUT_LEFT : 0) | (state & 2 ? INPUT_MIDDLE : 0) | (state & 4 ? INPUT_RIGHT : 0);
    input_mouse(mon->m->input, 0, 0, 0, mon->buttons);
}

/* ---- drives ---- */

/* The IDE drive of that name; "cdrom" is the first CD-ROM drive. What it is, and where. */
static IdeKind find_drive(Machine *m, const char *drive, IdeChannel **ch, unsigned *unit)
{
    for (unsigned n = 0; n < 4; n++) {
        char name[MONITOR_DRIVE_NAME];
        IdeKind kind = monitor_ide_drive(m, n, name);
        *ch = piix_ide_channel(m->pc->ide, n / 2);
        *unit = n % 2;
        if (kind != IDE_NONE && (!strcmp(drive, name) || (kind == IDE_CDROM && !strcmp(drive, "cdrom"))))
            return kind;
    }
    return IDE_NONE;
}

bool monitor_change(Machine *m, const char *drive, const char *path, bool force, GError **error)
{
    IdeChannel *ch;
    unsigned unit = 0;
    bool floppy = g_str_has_prefix(drive, "floppy") && (drive[6] == '0' || drive[6] == '1') && !drive[7] &&
            m->pc->fdc;
    BlockDev *image = NULL, *old = NULL;
    IdeKind kind = floppy ? IDE_NONE : find_drive(m, drive, &ch, &unit);
    if (!floppy && kind != IDE_CDROM) {
        g_set_error(error, g_quark_from_static_string("monitor"), 0, "Device '%s' %s; info block lists the drives", drive,
                kind == IDE_NONE ? "not found" : "is not removable");
        return false;
    }
    BlockOptions options = {.read_only = !floppy, .auto_read_only = floppy};
    if (path && !(image = block_open(path, &options, error)))
        return false;
    if (image)
        block_set_async(image, NULL, m->lock);
    bool ok;
    if (floppy) {
        unit = drive[6] - '0';
        old = m->floppy[unit];
        ok = fdc_change(m->pc->fdc, unit, image, error);
        if (ok)
            m->floppy[unit] = image;
    } else {
        old = ide_drive_image(ch, unit);
        ok = ide_cdrom_change(ch, unit, image, force);
        if (!ok)
            fail(error, drive, "the guest has locked the tray; eject -f forces it open");
    }
    if (!ok) {
        block_close(image);
        return false;
    }
    if (image)
        g_ptr_array_add(m->disks, image);
    if (old)
        g_ptr_array_remove(m->disks, old); /* closes it */
    return true;
}

static void cmd_change(Monitor *mon, const char *args, GString *out)
{
    char **w = g_strsplit(args, " ", 2);
    GError *error = NULL;
    if (!w[0] || !w[1])
        g_string_append(out, "change: expected a drive and a file\n");
    else
        monitor_change(mon->m, w[0], g_strstrip(w[1]), false, &error);
    report(out, error);
    g_strfreev(w);
}

static void cmd_eject(Monitor *mon, const char *args, GString *out)
{
    GError *error = NULL;
    bool force = g_str_has_prefix(args, "-f ");
    if (force)
        args += 3;
    while (isspace((unsigned char)*args))
        args++;
    monitor_change(mon->m, args, NULL, force, &error);
    report(out, error);
}

/* ---- traces ---- */

static void cmd_log(Monitor *mon, const char *args, GString *out)
{
    GError *error = NULL;
    bool was_running = machine_hold(mon->m);
    tracer_set(mon->tracer, args, &error);
    machine_release(mon->m, was_running);
    report(out, error);
}

static void cmd_logfile(Monitor *mon, const char *args, GString *out)
{
    GError *error = NULL;
    bool was_running = machine_hold(mon->m);
    tracer_set_file(mon->tracer, args, &error);
    machine_release(mon->m, was_running);
    report(out, error);
}

/* ---- info ---- */

static void info_registers(Monitor *mon, const char *args, GString *out)
{
    g_string_append(out, "\nCPU#0\n");
    cpu_print(mon->m->cpu, out, true);
}
static void info_status(Monitor *mon, const char *args, GString *out)
{
    RunState s = mon->m->state;
    if (s == RUN_RUNNING)
        g_string_append(out, "VM status: running\n");
    else if (s == RUN_PAUSED)
        g_string_append(out, "VM status: paused\n");
    else
        g_string_append_printf(out, "VM status: paused (%s)\n", runstate_name(s));
}
static void info_version(Monitor *mon, const char *args, GString *out)
{
    g_string_append(out, PACKAGE_VERSION "\n");
}
static void info_jit(Monitor *mon, const char *args, GString *out)
{
    if (mon->m->cpu->tcache)
        tcache_stats_print(mon->m->cpu->tcache, out);
    else
        g_string_append(out, "no translation: the interpreter runs (-accel translate changes that)\n");
}

static void info_window(Monitor *mon, const char *args, GString *out)
{
    if (mon->m->cpu->tcache)
        tcache_window_print(mon->m->cpu->tcache, out);
    else
        g_string_append(out, "no translation: the interpreter runs (-accel translate changes that)\n");
}

static void info_decision(Monitor *mon, const char *args, GString *out)
{
    const Vcpu *v = mon->m->cpu;
    g_string_append_printf(out, "engine: %s\n", v->hooks ? "interpreter (a debugger or a trace watches)"
            : v->tcache ? "translate" : "interpreter");
    g_mutex_unlock(mon->m->lock); /* the guest's tables may lie anywhere: the bus takes the lock itself. The CPU stands still */
    decision_print(v, out);
    g_mutex_lock(mon->m->lock);
    if (mon->m->spent)
        timespent_print(mon->m->spent, out);
    if (mon->m->direct)
        direct_print(mon->m->direct, out);
}

const MonCommand mon_info[] = {
    {"block", "", "drives and their media", moninfo_block, false},
    {"decision", "", "which engine runs, and the state that decides", info_decision, false},
    {"irq", "", "interrupt lines and the last events", moninfo_irq, false},
    {"jit", "", "the translation cache", info_jit, false},
    {"mem", "", "active virtual memory mappings", moninfo_mem, false},
    {"mtree", "", "memory and port map", moninfo_mtree, false},
    {"pci", "", "PCI devices", moninfo_pci, false},
    {"pic", "", "interrupt controllers", moninfo_pic, false},
    {"qtree", "", "the device tree", moninfo_qtree, false},
    {"registers", "", "the CPU's registers", info_registers, false},
    {"roms", "", "firmware images", moninfo_roms, false},
    {"status", "", "running or not", info_status, false},
    {"tlb", "", "virtual to physical mappings", moninfo_tlb, false},
    {"version", "", "the version of x86vm", info_version, false},
    {"window", "", "shadow windows", info_window, false},
    {NULL, NULL, NULL, NULL, false},
};

bool moncmd_is(const MonCommand *c, const char *word, size_t len)
{
    for (const char *name = c->name; name; name = strchr(name, '|') ? strchr(name, '|') + 1 : NULL)
        if (strcspn(name, "|") == len && !strncmp(name, word, len))
            return true;
    return false;
}

static void list_info(GString *out)
{
    for (const MonCommand *c = mon_info; c->name; c++)
        g_string_append_printf(out, "info %s -- show %s\n", c->name, c->help);
}

void moncmd_info(Monitor *mon, const char *args, GString *out)
{
    size_t word = strcspn(args, " \t");
    const char *rest = args + word + strspn(args + word, " \t");
    for (const MonCommand *c = mon_info; c->name; c++)
        if (moncmd_is(c, args, word)) {
            c->run(mon, rest, out);
            return;
        }
    if (word)
        g_string_append_printf(out, "unknown command: 'info %.*s'\n", (int)word, args);
    else
        list_info(out);
}

static void cmd_help(Monitor *mon, const char *args, GString *out)
{
    bool found = false;
    for (const MonCommand *c = mon_commands; c->name; c++)
        if (!*args || moncmd_is(c, args, strlen(args))) {
            g_string_append_printf(out, "%s %s -- %s\n", c->name, c->args, c->help);
            found = true;
        }
    if (!found)
        g_string_append_printf(out, "unknown command: '%s'\n", args);
    if (!strcmp(args, "info"))
        list_info(out);
    if (!strcmp(args, "log"))
        tracer_help(out);
}

const MonCommand mon_commands[] = {
    {"help|?", "[cmd]", "show the help", cmd_help, false},
    {"change", "device file", "change a removable medium", cmd_change, false},
    {"cont|c", "", "resume emulation", cmd_cont, true},
    {"eject", "[-f] device", "eject a removable medium (use -f to force it)", cmd_eject, false},
    {"gva2gpa", "addr", "print the guest physical address corresponding to a guest virtual address", moncmd_gva2gpa,
            false},
    {"info", "[subcommand]", "show various information about the system state", moncmd_info, false},
    {"log", "item1[,...]", "activate logging of the specified items", cmd_log, false},
    {"logfile", "filename", "output logs to 'filename'", cmd_logfile, false},
    {"mouse_button", "state", "change mouse button state (1=L, 2=M, 4=R)", cmd_mouse_button, false},
    {"mouse_move", "dx dy [dz]", "send mouse move events", cmd_mouse_move, false},
    {"nmi", "", "inject an NMI", cmd_nmi, false},
    {"print|p", "/fmt expr", "print expression value (use $reg for CPU register access)", moncmd_print, false},
    {"quit|q", "", "quit", cmd_quit, true},
    {"screendump", "[-f png|ppm] filename", "save screen into PPM (or .png) image 'filename'", cmd_screendump, false},
    {"sendkey", "keys [hold_ms]", "send keys to the VM (e.g. 'sendkey ctrl-alt-f1')", cmd_sendkey, false},
    {"step", "[count]", "execute instructions of a stopped machine", cmd_step, true},
    {"stop|s", "", "stop emulation", cmd_stop, true},
    {"system_powerdown", "", "send system power down event", cmd_powerdown, true},
    {"system_reset", "", "reset the system", cmd_reset, true},
    {"x", "/fmt addr", "virtual memory dump starting at 'addr'", moncmd_x, false},
    {"xp", "/fmt addr", "physical memory dump starting at 'addr'", moncmd_xp, false},
    {NULL, NULL, NULL, NULL, false},
};

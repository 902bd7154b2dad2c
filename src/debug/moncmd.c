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
#include "tcache/tcache.h"
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

bool monitor_screendump(Machine *m, const char *path, GError **error)
{
    if (!*path)
        return fail(error, "screendump", "expected a file name");
    if (!m->pc->vga)
        return fail(error, "screendump", "there is no display");
    return screendump(vga_display(m->pc->vga), path, screendump_format_of(path), error);
}

static void cmd_screendump(Monitor *mon, const char *args, GString *out)
{
    GError *error = NULL;
    monitor_screendump(mon->m, args, &error);
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
        return fail(error, keys, "unknown key; names are as in sendkey ctrl-alt-f1");
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

static bool find_cdrom(Machine *m, const char *drive, IdeChannel **ch, unsigned *unit)
{
    for (unsigned n = 0; n < 4; n++) {
        char name[16];
        g_snprintf(name, sizeof name, "ide%u-cd%u", n / 2, n % 2);
        *ch = piix_ide_channel(m->pc->ide, n / 2);
        *unit = n % 2;
        if (ide_drive_kind(*ch, *unit) == IDE_CDROM && (!strcmp(drive, name) || !strcmp(drive, "cdrom")))
            return true;
    }
    return false;
}

bool monitor_change(Machine *m, const char *drive, const char *path, bool force, GError **error)
{
    IdeChannel *ch;
    unsigned unit = 0;
    bool floppy = g_str_has_prefix(drive, "floppy") && (drive[6] == '0' || drive[6] == '1') && !drive[7] &&
            m->pc->fdc;
    BlockDev *image = NULL, *old = NULL;
    if (!floppy && !find_cdrom(m, drive, &ch, &unit))
        return fail(error, drive, "no such removable drive; info block lists them");
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
static void info_pic(Monitor *mon, const char *args, GString *out)
{
    pic_print(mon->m->pc->pic, out);
}
static void info_mtree(Monitor *mon, const char *args, GString *out)
{
    bus_print(mon->m->pc->mem, out);
    bus_print(mon->m->pc->io, out);
}
static void info_pci(Monitor *mon, const char *args, GString *out)
{
    pci_bus_print(mon->m->pc->pci, out);
}

static void info_irq(Monitor *mon, const char *args, GString *out)
{
    static const char *const states[] = {"idle", "pending", "masked"};
    const Vcpu *v = mon->m->cpu;
    for (int n = 0; n < 16; n++)
        g_string_append_printf(out, "IRQ%-2d %s\n", n, states[pic_irq_state(mon->m->pc->pic, n)]);
    g_string_append_printf(out, "CPU: INTR=%u NMI=%u IF=%d, %" G_GUINT64_FORMAT " events delivered; the last ones:",
            v->intr, v->nmi,
                           !!(v->flags & FL_IF), v->event_count);
    for (unsigned n = 0; n < MIN(v->event_count, 8); n++)
        g_string_append_printf(out, " %02x", v->event[(v->event_count - 1 - n) % VCPU_EVENTS].vector);
    g_string_append_c(out, '\n');
}

/* A drive in QEMU's words. */
static void block_line(GString *out, const char *name, BlockDev *b, bool removable, bool tray_open)
{
    if (b)
        g_string_append_printf(out, "%s: %s (raw%s)\n", name, block_path(b), block_read_only(b) ? ", read-only" : "");
    else
        g_string_append_printf(out, "%s: [not inserted]\n", name);
    if (removable)
        g_string_append_printf(out, "    Removable device: not locked, tray %s\n", tray_open ? "open" : "closed");
}

static void info_block(Monitor *mon, const char *args, GString *out)
{
    for (unsigned n = 0; n < 4; n++) {
        IdeChannel *ch = piix_ide_channel(mon->m->pc->ide, n / 2);
        IdeKind kind = ide_drive_kind(ch, n % 2);
        char name[16];
        g_snprintf(name, sizeof name, "ide%u-%s%u", n / 2, kind == IDE_CDROM ? "cd" : "hd", n % 2);
        if (kind != IDE_NONE)
            block_line(out, name, ide_drive_image(ch, n % 2), kind == IDE_CDROM, kind == IDE_CDROM &&
                    ide_cdrom_tray_open(ch, n % 2));
    }
    for (unsigned n = 0; n < 2 && mon->m->pc->fdc; n++)
        block_line(out, n ? "floppy1" : "floppy0", mon->m->floppy[n], true, false);
}

static void info_qtree(Monitor *mon, const char *args, GString *out)
{
    const Pc *pc = mon->m->pc;
    const struct {
        const char *text;
        bool there;
    } isa[] = {
        {"isa-pic, ports 0x20 0xa0", true}, {"isa-pit, port 0x40, irq 0", true}, {"mc146818rtc, port 0x70, irq 8",
                true},
        {"i8042, ports 0x60 0x64, irq 1 and 12", true}, {"i8257, ports 0x00 0xc0", true}, {"port92, port 0x92", true},
        {"isa-fdc, port 0x3f0, irq 6, dma 2", pc->fdc}, {"isa-serial, port 0x3f8, irq 4", pc->serial[0]},
        {"isa-serial, port 0x2f8, irq 3", pc->serial[1]}, {"isa-serial, port 0x3e8, irq 4", pc->serial[2]},
        {"isa-serial, port 0x2e8, irq 3", pc->serial[3]}, {"isa-parallel, port 0x378, irq 7", pc->parallel[0]},
        {"isa-parallel, port 0x278, irq 5", pc->parallel[1]}, {"isa-debugcon, port 0x402", pc->debugport},
        {"isa-debug-exit", pc->debugexit}, {"fw_cfg, port 0x510", pc->fwcfg},
    };
    g_string_append(out, "bus: main-system-bus\n  dev: i440FX-pcihost\n    bus: pci.0\n");
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        PciDevice *d = pci_bus_device(pc->pci, devfn);
        if (d)
            g_string_append_printf(out, "      dev: %s, addr %02x.%x\n", d->name, devfn >> 3, devfn & 7);
    }
    g_string_append(out, "    bus: isa.0\n");
    for (unsigned n = 0; n < G_N_ELEMENTS(isa); n++)
        if (isa[n].there)
            g_string_append_printf(out, "      dev: %s\n", isa[n].text);
    if (pc->ioapic)
        g_string_append(out, "  dev: apic, 0xfee00000\n  dev: ioapic, 0xfec00000\n");
    if (pc->hpet)
        g_string_append(out, "  dev: hpet, 0xfed00000\n");
}

static void info_roms(Monitor *mon, const char *args, GString *out)
{
    const VmConfig *c = mon->m->config;
    g_string_append_printf(out, "addr=%08x size=0x%06zx mem=rom name=\"%s\"\n",
            (uint32_t)-(uint32_t)mon->m->pc->bios_size,
                           mon->m->pc->bios_size, c->bios ? c->bios : "bios.bin (built in)");
    if (mon->m->pc->vga)
        g_string_append_printf(out, "rom mem=vga name=\"%s\"\n", c->bios ? "vgabios-stdvga.bin"
                : "vgabios.bin (built in)");
    if (c->kernel)
        g_string_append_printf(out, "fw_cfg name=\"%s\"\n", c->kernel);
}

static void info_jit(Monitor *mon, const char *args, GString *out)
{
    if (mon->m->cpu->tcache)
        tcache_stats_print(mon->m->cpu->tcache, out);
    else
        g_string_append(out, "no translation: the interpreter runs (-accel translate changes that)\n");
}

static void info_decision(Monitor *mon, const char *args, GString *out)
{
    const Vcpu *v = mon->m->cpu;
    g_string_append_printf(out, "engine: %s\n", v->hooks ? "interpreter (a debugger or a trace watches)"
            : v->tcache ? "translate"
                                                                                                                     : "interpreter");
    g_string_append_printf(out, "state: CPL=%d CR0.PE=%d VM=%d IOPL=%u IF=%d\n", v->cpl, !!(v->cr0 & CR0_PE),
            !!(v->flags & FL_VM),
                           (v->flags & FL_IOPL) >> 12, !!(v->flags & FL_IF));
}

const MonCommand mon_info[] = {
    {"block", "", "drives and their media", info_block, false},
    {"decision", "", "which engine runs, and the state that decides", info_decision, false},
    {"irq", "", "interrupt lines and the last events", info_irq, false},
    {"jit", "", "the translation cache", info_jit, false},
    {"mem", "", "active virtual memory mappings", moninfo_mem, false},
    {"mtree", "", "memory and port map", info_mtree, false},
    {"pci", "", "PCI devices", info_pci, false},
    {"pic", "", "interrupt controllers", info_pic, false},
    {"qtree", "", "the device tree", info_qtree, false},
    {"registers", "", "the CPU's registers", info_registers, false},
    {"roms", "", "firmware images", info_roms, false},
    {"status", "", "running or not", info_status, false},
    {"tlb", "", "virtual to physical mappings", moninfo_tlb, false},
    {"version", "", "the version of x86vm", info_version, false},
    {NULL, NULL, NULL, NULL, false},
};

void moncmd_info(Monitor *mon, const char *args, GString *out)
{
    char **w = g_strsplit_set(args, " \t", 2);
    bool found = false;
    for (const MonCommand *c = mon_info; c->name && !found; c++)
        if (w[0] && !strcmp(c->name, w[0])) {
            c->run(mon, w[1] ? w[1] : "", out);
            found = true;
        }
    if (!found)
        for (const MonCommand *c = mon_info; c->name; c++)
            g_string_append_printf(out, "info %s -- show %s\n", c->name, c->help);
    g_strfreev(w);
}

static void cmd_help(Monitor *mon, const char *args, GString *out)
{
    for (const MonCommand *c = mon_commands; c->name; c++)
        if (!*args || !strcmp(args, c->name))
            g_string_append_printf(out, "%s %s -- %s\n", c->name, c->args, c->help);
    if (!strcmp(args, "info"))
        moncmd_info(mon, "", out);
    if (g_str_has_prefix("log", args) && *args)
        tracer_help(out);
}

const MonCommand mon_commands[] = {
    {"help", "[cmd]", "show the help", cmd_help, false},
    {"?", "[cmd]", "the same", cmd_help, false},
    {"c", "", "resume emulation", cmd_cont, true},
    {"change", "device file", "change a removable medium", cmd_change, false},
    {"cont", "", "resume emulation", cmd_cont, true},
    {"eject", "[-f] device", "eject a removable medium (use -f to force it)", cmd_eject, false},
    {"gva2gpa", "addr", "print the guest physical address corresponding to a guest virtual address", moncmd_gva2gpa,
            false},
    {"info", "[subcommand]", "show various information about the system state", moncmd_info, false},
    {"log", "item1[,...]", "activate logging of the specified items", cmd_log, false},
    {"logfile", "filename", "output logs to 'filename'", cmd_logfile, false},
    {"mouse_button", "state", "change mouse button state (1=L, 2=M, 4=R)", cmd_mouse_button, false},
    {"mouse_move", "dx dy [dz]", "send mouse move events", cmd_mouse_move, false},
    {"nmi", "", "inject an NMI", cmd_nmi, false},
    {"p", "/fmt expr", "print expression value (use $reg for CPU register access)", moncmd_print, false},
    {"print", "/fmt expr", "print expression value (use $reg for CPU register access)", moncmd_print, false},
    {"q", "", "quit", cmd_quit, true},
    {"quit", "", "quit", cmd_quit, true},
    {"s", "", "stop emulation", cmd_stop, true},
    {"screendump", "filename", "save screen into PPM (or .png) image 'filename'", cmd_screendump, false},
    {"sendkey", "keys [hold_ms]", "send keys to the VM (e.g. 'sendkey ctrl-alt-f1')", cmd_sendkey, false},
    {"step", "[count]", "execute instructions of a stopped machine", cmd_step, true},
    {"stop", "", "stop emulation", cmd_stop, true},
    {"system_powerdown", "", "send system power down event", cmd_powerdown, true},
    {"system_reset", "", "reset the system", cmd_reset, true},
    {"x", "/fmt addr", "virtual memory dump starting at 'addr'", moncmd_x, false},
    {"xp", "/fmt addr", "physical memory dump starting at 'addr'", moncmd_xp, false},
    {NULL, NULL, NULL, NULL, false},
};

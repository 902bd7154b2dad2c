/*
 * Options about the machine itself: CPU, memory, engine, firmware, clock, names.
 *
 * What QEMU has and a guest can do without is accepted with a word on standard error, so that existing makefiles work
 * as they are: other machine types, several CPUs, CPU models that we do not have.
 */
#include "cmdline/cmdline.h"

#include <string.h>

#include "cpu/cpu.h"
#include "decision/probe.h"

#define MIB (1024ull * 1024)
#define RAM_MAX (3584 * MIB)
#define RAM_MIN MIB

/* ---- engine ---- */

const Prop accel_props[] = {
#define ACCEL(key, kind, field, values, help) {key, kind, offsetof(VmConfig, field), values, help},
#include "cmdline/accel.def"
#undef ACCEL
    {"accel", PROP_IGNORED}, /* the implied key; taken before */
    {"thread", PROP_IGNORED},
    {"split-wx", PROP_IGNORED},
    {"one-insn-per-tb", PROP_IGNORED},
    {"kernel-irqchip", PROP_IGNORED},
    {"dirty-ring-size", PROP_IGNORED},
    {NULL},
};

static bool print_accels(CmdLine *l)
{
    g_autoptr(GString) out = g_string_new("  interp       interpret every instruction\n"
                                          "  translate    translate (default)\n\n");
    props_print(accel_props, out);
    g_string_append_c(out, '\n');
    decision_print_capabilities(out); /* what this host can do for direct execution: found out by trying */
    return cmdline_done(l, out->str);
}

/* One name of ours or QEMU's. */
static bool set_accel(CmdLine *l, const char *option, const char *name, GError **error)
{
    static const char *const names[] = {"interp", "translate", "tcg", "kvm", NULL};
    static const char *const others[] = {"kvm", "hvf", "hax", "whpx", "nvmm", "xen", "qtest", NULL};
    if (g_strv_contains(others, name)) {
        cmdline_warn(l, "-%s %s: %s is not used here; going on without it", option, name, name);
        return true; /* the guest runs all the same */
    }
    if (!strcmp(name, "tcg"))
        return true;
    if (!one_of(option, name, names, error))
        return false;
    set_string(&l->config->accel, name);
    return true;
}

bool take_accel(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    g_auto(GStrv) words = props_split(arg);
    if (is_help(arg))
        return print_accels(l);
    const char *name = g_str_has_prefix(words[0], "accel=") ? words[0] + strlen("accel=") : words[0];
    bool named = strchr(name, '=') == NULL;
    if (named && !set_accel(l, o->name, name, error))
        return false;
    const char *rest = named ? strchr(arg, ',') : arg;
    return !rest || props_parse(accel_props, l->config, o->name, NULL, named ? rest + 1 : rest, error);
}

bool take_enable_kvm(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    cmdline_warn(l, "-%s: kvm is not used here; going on without it", o->name);
    return true;
}

/* ---- machine ---- */

typedef struct MachineWords {
    char *type, *accel;
    bool hpet, acpi;
} MachineWords;

const Prop machine_props[] = {
    {"type", PROP_STRING, offsetof(MachineWords, type), "pc", "the machine type; there is one"},
    {"accel", PROP_STRING, offsetof(MachineWords, accel), "interp|translate", "as -accel; several, in order: a:b"},
    {"hpet", PROP_BOOL, offsetof(MachineWords, hpet), NULL, "is there an HPET? (default on)"},
    {"acpi", PROP_BOOL, offsetof(MachineWords, acpi), NULL, "are there ACPI tables? (default on)"},
    {"usb", PROP_IGNORED},
    {"vmport", PROP_IGNORED},
    {"smm", PROP_IGNORED},
    {"graphics", PROP_IGNORED},
    {"kernel-irqchip", PROP_IGNORED},
    {"kernel_irqchip", PROP_IGNORED},
    {"pcspk-audiodev", PROP_IGNORED},
    {"dump-guest-core", PROP_IGNORED},
    {"mem-merge", PROP_IGNORED},
    {"suppress-vmdesc", PROP_IGNORED},
    {"nvdimm", PROP_IGNORED},
    {"sata", PROP_IGNORED},
    {"smbus", PROP_IGNORED},
    {"pit", PROP_IGNORED},
    {"max-ram-below-4g", PROP_IGNORED},
    {NULL},
};

static bool set_machine_type(CmdLine *l, const Option *o, const char *type, GError **error)
{
    static const char *const names[] = {"pc", "q35", "isapc", "microvm", NULL};
    if (!strcmp(type, "pc") || g_str_has_prefix(type, "pc-i440fx"))
        return true;
    if (!g_str_has_prefix(type, "pc-q35") && !one_of(o->name, type, names, error))
        return false;
    cmdline_warn(l, "-%s %s: there is one machine, pc; going on with it", o->name, type);
    return true;
}

bool take_machine(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    MachineWords w = {.hpet = !l->config->no_hpet, .acpi = !l->config->no_acpi};
    bool ok = props_parse(machine_props, &w, o->name, "type", arg, error) &&
              (!w.type || set_machine_type(l, o, w.type, error));
    if (ok && w.accel) { /* the first that works, as on QEMU: all of ours do */
        g_auto(GStrv) names = g_strsplit(w.accel, ":", -1);
        static const char *const ours[] = {"tcg", "interp", "translate", NULL};
        char **name = names;
        while (name[1] && !g_strv_contains(ours, *name))
            name++;
        ok = set_accel(l, "machine accel", *name, error);
    }
    l->config->no_hpet = !w.hpet;
    l->config->no_acpi = !w.acpi;
    g_free(w.type);
    g_free(w.accel);
    return ok;
}

bool take_no_acpi(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    l->config->no_acpi = true;
    return true;
}

bool take_no_hpet(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    l->config->no_hpet = true;
    return true;
}

/* ---- CPU and memory ---- */

bool take_cpu(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    static const char *const qemus[] = {
        "host",    "base",      "qemu64",         "kvm32",  "kvm64",      "n270",      "athlon",      "core2duo",
        "coreduo", "phenom",    "Conroe",         "Penryn", "Nehalem",    "Westmere",  "SandyBridge", "IvyBridge",
        "Haswell", "Broadwell", "Skylake-Client", "EPYC",   "Opteron_G1", "Denverton", NULL};
    if (is_help(arg)) {
        g_autoptr(GString) out = g_string_new(NULL);
        const CpuModel *m;
        for (int n = 0; (m = cpu_model_nth(n)); n++)
            g_string_append_printf(out, "  %-12s %s\n", m->name, m->brand ? m->brand : "");
        return cmdline_done(l, out->str);
    }
    g_autofree char *model = g_strndup(arg, strcspn(arg, ","));
    if (g_strv_contains(qemus, model)) {
        const char *instead = !strcmp(model, "host") ? "max" : cpu_model_nth(0)->name;
        cmdline_warn(l, "-cpu %s: there is no such model; going on with %s ('-cpu help' lists the models)", arg,
                     instead);
        set_string(&l->config->cpu, instead);
        return true;
    }
    CpuModel *m = cpu_model_parse(arg, error);
    g_free(m);
    set_string(&l->config->cpu, arg);
    return m != NULL;
}

typedef struct SmpWords {
    int cpus;
} SmpWords;

const Prop smp_props[] = {
    {"cpus", PROP_INT, offsetof(SmpWords, cpus), "1..255", "CPUs; more than 1 are not given"},
    {"maxcpus", PROP_IGNORED},
    {"sockets", PROP_IGNORED},
    {"dies", PROP_IGNORED},
    {"clusters", PROP_IGNORED},
    {"cores", PROP_IGNORED},
    {"threads", PROP_IGNORED},
    {NULL},
};

bool take_smp(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    SmpWords w = {1};
    if (!props_parse(smp_props, &w, o->name, "cpus", arg, error))
        return false;
    if (w.cpus > 1)
        cmdline_warn(l, "-smp %s: the machine has one CPU; going on with it", arg);
    return true;
}

typedef struct MemoryWords {
    char *size;
} MemoryWords;

const Prop memory_props[] = {
    {"size", PROP_STRING, offsetof(MemoryWords, size), NULL, "memory, in MiB or with a suffix K, M, G"},
    {"slots", PROP_IGNORED},
    {"maxmem", PROP_IGNORED},
    {NULL},
};

static bool set_memory(VmConfig *c, const char *size, GError **error)
{
    if (!options_parse_size(size, MIB, &c->ram_bytes))
        return option_fail(error, "-m %s: expected a size such as 512, 512M or 2G", size);
    if (c->ram_bytes < RAM_MIN)
        return option_fail(error, "-m %s: a PC needs at least 1M", size);
    if (c->ram_bytes > RAM_MAX)
        return option_fail(error, "-m %s: at most 3584M (3.5 GiB) fits below the PCI devices of a 32-bit PC", size);
    c->ram_bytes &= ~0xfffull;
    return true;
}

bool take_m(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    MemoryWords w = {NULL};
    bool ok = props_parse(memory_props, &w, o->name, "size", arg, error) &&
              (!w.size || set_memory(l->config, w.size, error));
    g_free(w.size);
    return ok;
}

/* ---- boot ---- */

const Prop boot_props[] = {
    {"order", PROP_STRING, offsetof(VmConfig, boot_order), NULL,
     "letters of a (floppy), c (disk), d (CD-ROM), n (network)"},
    {"once", PROP_STRING, offsetof(VmConfig, boot_once), NULL, "the same, until the first reset"},
    {"menu", PROP_BOOL, offsetof(VmConfig, boot_menu), NULL, "let the user choose"},
    {"strict", PROP_IGNORED},
    {"splash", PROP_IGNORED},
    {"splash-time", PROP_IGNORED},
    {"reboot-timeout", PROP_IGNORED},
    {NULL},
};

static bool check_order(const char *order, GError **error)
{
    if (!order || (*order && strspn(order, "abcdnp") == strlen(order)))
        return true;
    return option_fail(
        error, "-boot %s: expected letters of a (floppy), c (disk), d (CD-ROM), n (network), as in -boot dc", order);
}

bool take_boot(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return props_parse(boot_props, l->config, o->name, "order", arg, error) &&
           check_order(l->config->boot_order, error) && check_order(l->config->boot_once, error);
}

/* ---- clock and names ---- */

const Prop rtc_props[] = {
    {"base", PROP_STRING, offsetof(VmConfig, rtc_base), "utc|localtime|DATE",
     "what the clock starts with; DATE is 2006-06-17T16:01:21"},
    {"clock", PROP_IGNORED},
    {"driftfix", PROP_IGNORED},
    {NULL},
};

bool take_rtc(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return props_parse(rtc_props, l->config, o->name, "base", arg, error);
}

const Prop name_props[] = {
    {"guest", PROP_STRING, offsetof(VmConfig, name), NULL, "the name, which the window and QMP show"},
    {"process", PROP_IGNORED},
    {"debug-threads", PROP_IGNORED},
    {NULL},
};

bool take_name(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return props_parse(name_props, l->config, o->name, "guest", arg, error);
}

/* 8-4-4-4-12 hexadecimal digits. */
bool take_uuid(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    if (!g_uuid_string_is_valid(arg))
        return option_fail(error, "-uuid %s: expected a UUID such as 550e8400-e29b-41d4-a716-446655440000", arg);
    for (unsigned n = 0; n < sizeof l->config->uuid; n++) {
        while (*arg == '-')
            arg++;
        l->config->uuid[n] = g_ascii_xdigit_value(arg[0]) << 4 | g_ascii_xdigit_value(arg[1]);
        arg += 2;
    }
    return true;
}

bool take_nodefaults(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    l->config->nodefaults = true;
    return true;
}

/* ---- what there is not ---- */

bool take_nothing(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return true;
}

bool take_with_nothing(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    return true;
}

bool take_net(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    if (strcmp(arg, "none"))
        cmdline_warn(l, "-%s: there is no network card yet; going on without", o->name);
    return true;
}

bool take_usb(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    cmdline_warn(l, "-%s %s: there is no USB; the PS/2 mouse and keyboard are there", o->name, arg);
    return true;
}

bool take_audio(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    if (!g_str_has_prefix(arg, "none"))
        cmdline_warn(l, "-%s %s: there is no sound yet; going on without", o->name, arg);
    return true;
}

bool take_icount(CmdLine *l, const Option *o, const char *arg, GError **error)
{
    cmdline_warn(l, "-%s %s: guest time is the host's, or slowed with -accel slow=N; going on with it", o->name, arg);
    return true;
}

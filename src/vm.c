/*
 * A virtual machine put together. See vm.h.
 */
#include "vm.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "block/block.h"
#include "chaos.h"
#include "cpu/cpu.h"
#include "debug/debugger.h"
#include "debug/explain.h"
#include "debug/gdbstub.h"
#include "debug/machine.h"
#include "debug/monitor.h"
#include "debug/qmp.h"
#include "debug/trace.h"
#include "decision/direct.h"
#include "demodisk.h"
#include "hostlines.h"
#include "hw/biosrom.h"
#include "hw/kernel.h"
#include "hw/pc.h"
#include "tcache/tcache.h"
#include "timespent.h"
#include "vcputhread.h"
#include "vmscreen.h"

#define VM_ERROR g_quark_from_static_string("x86vm")

#define TB_BYTES (64u << 20)
#define CATCH_UP_CYCLES (1u << 18) /* of the host: about 100 us */

struct Vm {
    const VmConfig *config;
    GMutex lock; /* the machine lock */
    GMainLoop *loop;
    Clock *clock;
    Pc *pc;
    CpuModel *model;
    IntAck int_ack;
    IrqLine ferr;
    Input input;
    Vcpu *vcpu;
    VcpuThread *thread;
    Chaos *chaos;         /* NULL: none */
    TimeSpent *spent;
    Direct *direct;       /* NULL: none */
    GPtrArray *disks; /* BlockDev */
    Chardev serial[PC_SERIALS], parallel[PC_PARALLELS], debugcon[PC_DEBUGCONS], gdb_line, monitor_line, qmp_line;
    Machine machine;
    GdbStub *gdb;
    Symbols *symbols;
    Tracer *tracer;
    Explain *explain;
    Monitor *monitor;
    Qmp *qmp;
    VmScreen *screen;
    bool explained;       /* a triple fault was: others are only counted */
    HostLines *lines;
    int status;
    uint64_t caught_up; /* the TSC when the timers were last looked at for the guest */
};

#define STATUS_DIFFERENCE 3 /* exit status: shadow mode found a difference */

static gboolean quit_now(gpointer opaque)
{
    Vm *vm = opaque;
    g_main_loop_quit(vm->loop);
    return G_SOURCE_REMOVE;
}

void vm_quit(Vm *vm, int status)
{
    vm->status = status;
    /* from within the loop: a loop that does not run yet would forget that it was to end */
    g_idle_add_full(G_PRIORITY_HIGH, quit_now, vm, NULL);
}

/* ---- host back ends ---- */

static void user_quit(void *opaque)
{
    vm_quit(opaque, 0);
}

static bool connect_lines(Vm *vm, GError **error)
{
    const VmConfig *c = vm->config;
    for (unsigned n = 0; n < c->serials->len && n < PC_SERIALS; n++)
        if (!hostlines_connect(vm->lines, &vm->serial[n], "serial", c->serials->pdata[n], error))
            return false;
    for (unsigned n = 0; n < c->parallels->len && n < PC_PARALLELS; n++)
        if (!hostlines_connect(vm->lines, &vm->parallel[n], "parallel", c->parallels->pdata[n], error))
            return false;
    for (unsigned n = 0; n < c->debugcons->len && n < PC_DEBUGCONS; n++) {
        const DebugconConfig *d = c->debugcons->pdata[n];
        if (!hostlines_connect(vm->lines, &vm->debugcon[n], "debugcon", d->dev, error))
            return false;
    }
    if (c->nographic && c->serials->len == 0 && !c->nodefaults)
        return hostlines_connect(vm->lines, &vm->serial[0], "nographic", "mon:stdio", error);
    return true;
}

/* ---- drives ---- */

static BlockDev *open_image(Vm *vm, const DriveConfig *d, GError **error)
{
    BlockOptions options = {
        .format = d->format,
        .read_only = d->read_only || d->cdrom,
        .auto_read_only = d->iface == DRIVE_FLOPPY,
        .snapshot = (d->snapshot || vm->config->snapshot) && !d->cdrom,
    };
    BlockDev *b = block_open(d->file, &options, error);
    if (b) {
        block_set_async(b, NULL, &vm->lock);
        g_ptr_array_add(vm->disks, b);
    }
    return b;
}

/* The first free place for a drive that names none. */
static int free_index(const VmConfig *c, DriveIf iface, unsigned used)
{
    for (unsigned n = 0; n < c->drives->len; n++) {
        const DriveConfig *d = c->drives->pdata[n];
        if (d->iface == iface && d->index >= 0)
            used |= 1u << d->index;
    }
    for (int index = 0; index < (iface == DRIVE_FLOPPY ? 2 : 4); index++)
        if (!(used & 1u << index))
            return index;
    return -1;
}

/* Nothing was named that could be booted: then it is the demo disk, from memory. */
static bool wants_demo(const VmConfig *c)
{
    return c->drives->len == 0 && !c->kernel && !c->bios && !c->nodefaults;
}

static bool attach_demo(Vm *vm, GError **error)
{
    BlockDev *b = block_open_memory("demo disk", demo_disk_start, demo_disk_end - demo_disk_start, error);
    if (!b)
        return false;
    block_set_async(b, NULL, &vm->lock);
    g_ptr_array_add(vm->disks, b);
    pc_attach_ide(vm->pc, 0, IDE_DISK, b);
    return true;
}

static bool attach_drives(Vm *vm, GError **error)
{
    const VmConfig *c = vm->config;
    unsigned ide_used = 0, floppy_used = 0;

    if (wants_demo(c) && !attach_demo(vm, error))
        return false;
    for (unsigned n = 0; n < c->drives->len; n++) {
        const DriveConfig *d = c->drives->pdata[n];
        unsigned *used = d->iface == DRIVE_FLOPPY ? &floppy_used : &ide_used;
        if (d->iface == DRIVE_NONE)
            continue;
        int index = d->index >= 0 ? d->index : free_index(c, d->iface, *used);
        if (index < 0) {
            g_set_error(error, VM_ERROR, 0, "%s: no free place for another drive: there are 4 IDE and 2 floppy drives", d->file);
            return false;
        }
        *used |= 1u << index;
        BlockDev *image = NULL;
        if (d->file && !(image = open_image(vm, d, error)))
            return false;
        if (d->iface == DRIVE_FLOPPY) {
            if (!pc_attach_floppy(vm->pc, index, image, error))
                return false;
            vm->machine.floppy[index] = image;
        } else {
            pc_attach_ide(vm->pc, index, d->cdrom ? IDE_CDROM : IDE_DISK, image);
        }
    }
    /* like QEMU's PC: an empty CD-ROM drive where nothing else is */
    if (!(ide_used & 4) && !c->nodefaults)
        pc_attach_ide(vm->pc, 2, IDE_CDROM, NULL);
    return true;
}

/* ---- the board's events; machine lock held ---- */

static void on_reset(void *opaque)
{
    Vm *vm = opaque;
    machine_notify(&vm->machine, vm->config->no_reboot ? MACHINE_SHUTDOWN : MACHINE_RESET, true);
    if (vm->config->no_reboot)
        vm_quit(vm, 0);
    else if (vm->thread)
        vcputhread_reset(vm->thread);
}

static void on_power_off(void *opaque)
{
    Vm *vm = opaque;
    machine_notify(&vm->machine, MACHINE_SHUTDOWN, true);
    if (!vm->config->no_shutdown)
        vm_quit(vm, 0);
    vcputhread_pause(vm->thread);
    machine_stopped_itself(&vm->machine, RUN_SHUTDOWN);
}

static void on_guest_exit(void *opaque, int status)
{
    Vm *vm = opaque;
    vm_quit(vm, status);
    vcputhread_pause(vm->thread);
}

/* ---- the CPU's wires ---- */

static void cpu_intr(void *opaque, int n, bool level)
{
    Vm *vm = opaque;
    __atomic_store_n(&vm->vcpu->intr, level, __ATOMIC_RELEASE);
    if (vm->thread && level)
        vcputhread_kick(vm->thread);
}

static void cpu_nmi(void *opaque, int n, bool level)
{
    Vm *vm = opaque;
    if (!level)
        return;
    __atomic_store_n(&vm->vcpu->nmi, 1, __ATOMIC_RELEASE);
    if (vm->thread)
        vcputhread_kick(vm->thread);
}

/* Driven by guest I/O, so in the vCPU thread, or while it does not run. */
static void cpu_a20(void *opaque, int n, bool level)
{
    Vm *vm = opaque;
    uint64_t mask = level ? UINT64_MAX : ~(1ull << 20);
    if (vm->vcpu->a20_mask == mask)
        return;
    vm->vcpu->a20_mask = mask;
    tlb_flush_all(vm->vcpu);
    vcpu_attention(vm->vcpu, ATTN_STALE);
}

static void cpu_ignne(void *opaque, int n, bool level)
{
    Vm *vm = opaque;
    vm->vcpu->ignne = level;
}

static void cpu_ferr(void *opaque, bool level)
{
    Vm *vm = opaque;
    g_mutex_lock(&vm->lock);
    irqline_set(&vm->ferr, level);
    g_mutex_unlock(&vm->lock);
}

static int cpu_int_ack(void *opaque)
{
    Vm *vm = opaque;
    g_mutex_lock(&vm->lock);
    clock_run_due(vm->clock); /* a busy host may let us come first, and the main loop later */
    int vector = vm->int_ack.ack(vm->int_ack.opaque);
    g_mutex_unlock(&vm->lock);
    return vector;
}

/*
 * Machine lock held, in the vCPU thread, before the guest looks at a device or a clock: the timers that are due have fired. A
 * busy host may leave this process without a CPU for long, or run the vCPU first and the main loop much later; the guest
 * must not see that time has passed before it sees what should have happened in it. Linux's test whether timer interrupts come at all is
 * a loop over the TSC, and panics when none came; a BIOS waits for its mouse by the 8254.
 */
static void catch_up(Vm *vm)
{
    uint64_t now = clock_tsc(vm->clock);
    if (now - vm->caught_up <= CATCH_UP_CYCLES)
        return;
    vm->caught_up = now;
    clock_run_due(vm->clock);
}

static void before_access(void *opaque)
{
    catch_up(opaque);
}

static uint64_t cpu_tsc(void *opaque)
{
    Vm *vm = opaque;
    uint64_t now = clock_tsc(vm->clock);
    if (now - vm->caught_up > CATCH_UP_CYCLES) {
        g_mutex_lock(&vm->lock);
        catch_up(vm);
        g_mutex_unlock(&vm->lock);
    }
    return now;
}

static uint64_t cpu_apic_msr(void *opaque, bool write, uint64_t value)
{
    Vm *vm = opaque;
    g_mutex_lock(&vm->lock);
    if (write)
        lapic_set_base(vm->pc->lapic, value);
    uint64_t base = lapic_base(vm->pc->lapic);
    g_mutex_unlock(&vm->lock);
    return base;
}

/* The memory map changed (PAM, BARs): what the TLB remembers may be wrong. In the vCPU thread, or while it does not run. */
static void map_changed(void *opaque)
{
    Vm *vm = opaque;
    tlb_flush_all(vm->vcpu);
    vcpu_attention(vm->vcpu, ATTN_STALE);
}

static void connect_cpu(Vm *vm)
{
    Vcpu *v = vm->vcpu;
    vm->int_ack = pc_int_ack(vm->pc);
    vm->ferr = pc_ferr(vm->pc);
    v->int_ack = (IntAck){cpu_int_ack, vm};
    v->tsc = cpu_tsc;
    v->tsc_opaque = vm;
    v->ferr = cpu_ferr;
    v->ferr_opaque = vm;
    v->apic_msr = cpu_apic_msr;
    v->apic_opaque = vm;
    bus_set_listener(vm->pc->mem, map_changed, vm);
    bus_set_before(vm->pc->mem, before_access, vm);
    bus_set_before(vm->pc->io, before_access, vm);
    pc_connect_cpu(vm->pc, &(PcCpu){
                               .intr = {cpu_intr, vm, 0},
                               .nmi = {cpu_nmi, vm, 0},
                               .a20 = {cpu_a20, vm, 0},
                               .ignne = {cpu_ignne, vm, 0},
                           });
}

static void machine_reset(void *opaque)
{
    Vm *vm = opaque;
    tracer_cpu_reset(vm->tracer);
    if (vm->config->boot_once)
        pc_set_boot_order(vm->pc, vm->config->boot_order);
    pc_reset(vm->pc);
    vcpu_reset(vm->vcpu);
}

static void triple_fault(void *opaque)
{
    Vm *vm = opaque;
    const char *action = vm->config->triple_fault;
    if (!vm->explained || vm->config->explain) {
        char *text = explain_triple_fault(vm->explain);
        hostlines_flush_terminal(vm->lines); /* what the guest said before */
        g_printerr("%s", text);
        g_free(text);
    }
    vm->explained = true;
    if (!g_strcmp0(action, "pause")) {
        machine_stopped_itself(&vm->machine, RUN_SHUTDOWN);
        return;
    }
    if (action ? !strcmp(action, "shutdown") : vm->config->no_reboot) {
        machine_notify(&vm->machine, MACHINE_SHUTDOWN, true);
        g_printerr("x86vm: triple fault at %04x:%08" G_GINT64_MODIFIER "x: the guest could not handle an exception; ending (-no-reboot)\n",
                   vm->vcpu->seg[S_CS].sel, vm->vcpu->insn_rip);
        vm_quit(vm, 1);
        return;
    }
    machine_notify(&vm->machine, MACHINE_RESET, true);
    vcputhread_reset(vm->thread);
    vcputhread_resume(vm->thread);
}

static void debug_stop(void *opaque)
{
    Vm *vm = opaque;
    machine_stopped_itself(&vm->machine, RUN_DEBUG);
}

static void stuck(void *opaque)
{
    Vm *vm = opaque;
    char *text = explain_stuck(vm->explain);
    if (text)
        hostlines_flush_terminal(vm->lines);
    if (text)
        g_printerr("%s", text);
    g_free(text);
}

static const VcpuThreadOps thread_ops = {.stuck = stuck, .reset = machine_reset, .triple_fault = triple_fault, .debug_stop = debug_stop};

/* ---- looking inside ---- */

static bool build_trace(Vm *vm, GError **error)
{
    const VmConfig *c = vm->config;
    if (c->symbols && !(vm->symbols = symbols_load(c->symbols, error)))
        return false;
    vm->tracer = tracer_new(vm->vcpu, vm->machine.debugger, vm->direct, vm->symbols);
    vm->explain = explain_new(vm->vcpu, vm->machine.debugger, vm->symbols, c->explain);
    if ((c->trace_file && !tracer_set_file(vm->tracer, c->trace_file, error)) ||
        (c->trace_filter && !tracer_set_filter(vm->tracer, c->trace_filter, error)) ||
        (c->trace && !tracer_set(vm->tracer, c->trace, error)))
        return false;
    tracer_cpu_reset(vm->tracer); /* power-on is a reset too */
    return true;
}

static char *run_monitor(void *opaque, const char *line)
{
    Vm *vm = opaque;
    return monitor_run(vm->monitor, line);
}

static void machine_quit(void *opaque, int status)
{
    vm_quit(opaque, status);
}

static bool build_debug(Vm *vm, GError **error)
{
    vm->machine.cpu = vm->vcpu;
    vm->machine.pc = vm->pc;
    vm->machine.input = &vm->input;
    vm->machine.disks = vm->disks;
    vm->machine.lock = &vm->lock;
    vm->machine.thread = vm->thread;
    vm->machine.config = vm->config;
    vm->machine.debugger = debugger_new(vm->vcpu);
    vm->machine.quit = machine_quit;
    vm->machine.quit_opaque = vm;
    machine_init(&vm->machine);
    if (!build_trace(vm, error))
        return false;
    vm->monitor = monitor_new(&vm->machine, vm->symbols, vm->tracer, &vm->monitor_line);
    if (vm->config->monitor && !hostlines_connect(vm->lines, &vm->monitor_line, "monitor", vm->config->monitor, error))
        return false;
    if (vm->config->qmp) {
        vm->qmp = qmp_new(&vm->machine, vm->monitor, &vm->qmp_line);
        if (!hostlines_connect(vm->lines, &vm->qmp_line, "qmp", vm->config->qmp, error))
            return false;
    }
    if (vm->config->gdb) {
        const char arch[] = ",arch=i8086";
        bool real_mode = g_str_has_suffix(vm->config->gdb, arch);
        char *dev = g_strndup(vm->config->gdb, strlen(vm->config->gdb) - (real_mode ? strlen(arch) : 0));
        vm->gdb = gdbstub_new(&vm->machine, &vm->gdb_line, (GdbStubConfig){run_monitor, vm, real_mode});
        bool ok = hostlines_connect(vm->lines, &vm->gdb_line, "gdb", dev, error);
        g_free(dev);
        return ok;
    }
    return true;
}

static void free_debug(Vm *vm)
{
    gdbstub_free(vm->gdb);
    qmp_free(vm->qmp);
    monitor_free(vm->monitor);
    explain_free(vm->explain);
    tracer_free(vm->tracer);
    symbols_free(vm->symbols);
    machine_clear(&vm->machine);
    debugger_free(vm->machine.debugger);
}

/* ---- firmware ---- */

static GBytes *load_bios(const VmConfig *c, GError **error)
{
    if (!c->bios)
        return g_bytes_new_static(bios_rom_start, bios_rom_end - bios_rom_start);
    char *data;
    gsize len;
    GError *why = NULL;
    if (!g_file_get_contents(c->bios, &data, &len, &why)) {
        g_set_error(error, VM_ERROR, 0, "-bios %s: %s", c->bios, why->message);
        g_error_free(why);
        return NULL;
    }
    return g_bytes_new_take(data, len);
}

/* The adapter's BIOS: SeaBIOS brings its own beside its image; ours otherwise. */
static GBytes *load_vga_bios(const VmConfig *c)
{
    if (c->bios) {
        char *dir = g_path_get_dirname(c->bios);
        char *path = g_build_filename(dir, "vgabios-stdvga.bin", NULL);
        char *data;
        gsize len;
        bool found = g_file_get_contents(path, &data, &len, NULL);
        g_free(path);
        g_free(dir);
        if (found)
            return g_bytes_new_take(data, len);
    }
    return g_bytes_new_static(vgabios_rom_start, vgabios_rom_end - vgabios_rom_start);
}

/* ---- building ---- */

static bool build_board(Vm *vm, GError **error)
{
    const VmConfig *c = vm->config;
    PcConfig pc = {
        .clock = vm->clock,
        .lock = &vm->lock,
        .events = {on_reset, on_power_off, on_guest_exit, vm},
        .ram_size = c->ram_bytes,
        .no_vga = c->vga ? !strcmp(c->vga, "none") : c->nodefaults,
        .no_apic = !(vm->model->features >> F_MSR & 1), /* CPUs before the Pentium had none */
        .input = &vm->input,
        .boot_order = c->boot_once ? c->boot_once : c->boot_order,
        .boot_menu = c->boot_menu,
        .serial_console = c->nographic,
        .floppies = 2,
        .debug_exit = c->debug_exit_port,
        .debug_exit_size = c->debug_exit_size,
        .testdev = c->testdev,
        .no_hpet = c->no_hpet,
        .no_acpi = c->no_acpi,
    };
    memcpy(pc.uuid, c->uuid, sizeof pc.uuid);
    if (c->rtc_base && !rtc_parse_base(c->rtc_base, &pc.rtc, error))
        return false;
    for (unsigned n = 0; n < c->debugcons->len && n < PC_DEBUGCONS; n++) {
        const DebugconConfig *d = c->debugcons->pdata[n];
        pc.debugcon[n].port = d->port;
        pc.debugcon[n].readback = d->readback;
        pc.debugcon[n].chr = &vm->debugcon[n];
    }
    for (unsigned n = 0; n < PC_SERIALS; n++) {
        pc.has_serial[n] = n < c->serials->len ? strcmp(c->serials->pdata[n], "none") != 0 : n == 0 && !c->nodefaults;
        pc.serial[n] = &vm->serial[n];
    }
    for (unsigned n = 0; n < PC_PARALLELS; n++) {
        pc.has_parallel[n] = n < c->parallels->len ? strcmp(c->parallels->pdata[n], "none") != 0 : n == 0 && !c->nodefaults;
        pc.parallel[n] = &vm->parallel[n];
    }
    GBytes *bios = load_bios(c, error);
    if (!bios)
        return false;
    GBytes *vga_bios = load_vga_bios(c);
    pc.bios = g_bytes_get_data(bios, &pc.bios_size);
    if (vga_bios)
        pc.vga_bios = g_bytes_get_data(vga_bios, &pc.vga_bios_size);
    vm->pc = pc_new(&pc, error);
    if (!vm->pc)
        g_prefix_error(error, "%s: ", c->bios ? c->bios : "BIOS");
    g_bytes_unref(bios);
    g_clear_pointer(&vga_bios, g_bytes_unref);
    return vm->pc != NULL;
}

/* Shadow mode found one. The vCPU stops by itself. */
static void shadow_difference(void *opaque, const char *report)
{
    fputs(report, stderr);
    vm_quit(opaque, STATUS_DIFFERENCE);
}

static void say(const char *line)
{
    fprintf(stderr, "x86vm: %s\n", line);
}

/* The engine that was asked for: translation unless told otherwise. The interpreter needs nothing. */
static void start_engine(Vm *vm)
{
    g_autoptr(GError) error = NULL;

    if (!g_strcmp0(vm->config->accel, "interp"))
        return;
    TCache *c = tcache_new(vm->vcpu, vm->config->tb_bytes ? vm->config->tb_bytes : TB_BYTES, &error);
    if (!c)
        fprintf(stderr, "x86vm: %s; interpreting instead, which is slow\n", error->message);
    if (c && vm->config->perf_map)
        tcache_perf_map(c);
    if (c && vm->config->accel_shadow)
        tcache_set_shadow(c, shadow_difference, vm);
    if (c && vm->config->accel_chaos)
        tcache_set_chaos(c, vm->config->accel_chaos, true);
    const char *window = vm->config->window ? vm->config->window : "auto";
    if (c && strcmp(window, "off") && !vm->config->accel_shadow &&
        !tcache_set_window(c, !strcmp(window, "on") ? TCACHE_WINDOW_ALL : TCACHE_WINDOW_AUTO, vm->config->window_budget, &error))
        fprintf(stderr, "x86vm: %s; translated code checks memory accesses itself, which is slower\n", error->message);
    /* the translator's own tests want all of the guest, unless told otherwise */
    bool testing = vm->config->accel_shadow || vm->config->accel_chaos;
    const char *direct = vm->config->direct ? vm->config->direct : testing ? "off" : "auto";
    if (c && strcmp(direct, "off"))
        vm->direct = direct_new(vm->vcpu, !strcmp(direct, "on") ? DIRECT_ON : !strcmp(direct, "strict") ? DIRECT_STRICT
                                : DIRECT_AUTO, say);
    if (vm->direct && vm->config->accel_chaos)
        direct_set_chaos(vm->direct, vm->config->accel_chaos);
}

Vm *vm_new(const VmConfig *config, GError **error)
{
    Vm *vm = g_new0(Vm, 1);
    vm->config = config;
    g_mutex_init(&vm->lock);
    vm->loop = g_main_loop_new(NULL, FALSE);
    vm->lines = hostlines_new(config, &vm->lock, &vm->monitor_line, user_quit, vm);
    vm->disks = g_ptr_array_new_with_free_func((GDestroyNotify)block_close);
    vm->clock = clock_new();
    clock_set_slow(vm->clock, MAX(config->slow, 1));

    vm->model = cpu_model_parse(config->cpu ? config->cpu : cpu_model_nth(0)->name, error);
    if (!vm->model || !build_board(vm, error) || !attach_drives(vm, error) || !connect_lines(vm, error)) {
        vm_free(vm);
        return NULL;
    }
    KernelFiles kernel = {config->kernel, config->initrd, config->append};
    if (config->kernel ? !kernel_load(vm->pc->fwcfg, config->ram_bytes, &kernel, error) : false) {
        vm_free(vm);
        return NULL;
    }
    vm->vcpu = vcpu_new(vm->model, vm->pc->mem, vm->pc->io, vm->pc->ram);
    connect_cpu(vm);
    start_engine(vm);
    pc_reset(vm->pc);
    vm->thread = vcputhread_new(vm->vcpu, &vm->lock, vm->clock, &thread_ops, vm);
    vcputhread_set_direct(vm->thread, vm->direct);
    if (config->accel_chaos)
        vm->chaos = chaos_new(vm->thread, &vm->lock, config->accel_chaos);
    vm->machine.direct = vm->direct;
    vm->machine.spent = vm->spent = timespent_new(vm->vcpu, vm->thread, vm->clock, vm->pc->mem, vm->pc->io, vm->direct);
    GError *why = NULL;
    if (build_debug(vm, &why))
        vm->screen = vmscreen_new(&vm->machine, vm->monitor, hostlines_use_terminal(vm->lines), &why);
    if (why) {
        g_propagate_error(error, why);
        vm_free(vm);
        return NULL;
    }
    return vm;
}

void vm_free(Vm *vm)
{
    if (!vm)
        return;
    vmscreen_free(vm->screen);
    chaos_free(vm->chaos);
    timespent_free(vm->spent);
    vcputhread_free(vm->thread);
    direct_free(vm->direct);
    /* what the guest has written goes to its disks, and nothing is delivered to devices that are gone */
    g_mutex_lock(&vm->lock);
    for (unsigned n = 0; n < vm->disks->len; n++)
        block_drain(vm->disks->pdata[n]);
    g_mutex_unlock(&vm->lock);
    if (vm->vcpu)
        tcache_free(vm->vcpu->tcache); /* it watches RAM */
    hostlines_free(vm->lines);
    free_debug(vm);
    if (vm->pc) {
        bus_set_listener(vm->pc->mem, NULL, NULL);
        bus_set_before(vm->pc->mem, NULL, NULL);
        bus_set_before(vm->pc->io, NULL, NULL);
        pc_connect_cpu(vm->pc, &(PcCpu){.intr = {NULL, NULL, 0}});
    }
    vcpu_free(vm->vcpu); /* it watches RAM */
    pc_free(vm->pc);
    g_ptr_array_unref(vm->disks);
    g_free(vm->model);
    clock_free(vm->clock);
    while (g_idle_remove_by_data(vm))
        ;
    g_main_loop_unref(vm->loop);
    g_mutex_clear(&vm->lock);
    g_free(vm);
}

/* ---- running ---- */

static gboolean timers_due(int fd, GIOCondition condition, gpointer opaque)
{
    Vm *vm = opaque;
    timespent_look(vm->spent);
    g_mutex_lock(&vm->lock);
    clock_run(vm->clock);
    g_mutex_unlock(&vm->lock);
    return G_SOURCE_CONTINUE;
}

static gboolean on_signal(gpointer opaque)
{
    vm_quit(opaque, 1);
    return G_SOURCE_CONTINUE;
}

/*
 * May recurse (it never does): GLib takes the descriptor of any other source out of the poll while its callback runs, and to put it
 * back wakes the loop by a pipe, which is three more system calls a tick.
 */
static guint add_timers(Vm *vm)
{
    GSource *source = g_unix_fd_source_new(clock_fd(vm->clock), G_IO_IN);
    g_source_set_callback(source, G_SOURCE_FUNC(timers_due), vm, NULL);
    g_source_set_can_recurse(source, TRUE);
    guint id = g_source_attach(source, NULL);
    g_source_unref(source);
    return id;
}

int vm_run(Vm *vm)
{
    guint sources[] = {
        add_timers(vm),
        g_unix_signal_add(SIGINT, on_signal, vm),
        g_unix_signal_add(SIGTERM, on_signal, vm),
        g_unix_signal_add(SIGHUP, on_signal, vm),
    };
    g_mutex_lock(&vm->lock);
    if (!vm->config->start_stopped && vm->machine.state == RUN_PRELAUNCH)
        machine_cont(&vm->machine);
    g_mutex_unlock(&vm->lock);
    g_main_loop_run(vm->loop);

    g_mutex_lock(&vm->lock);
    vcputhread_pause(vm->thread);
    vcputhread_wait_paused(vm->thread);
    clock_stop(vm->clock);
    machine_flush(&vm->machine);
    if (vm->gdb)
        gdbstub_exiting(vm->gdb, vm->status);
    g_mutex_unlock(&vm->lock);
    for (unsigned n = 0; n < G_N_ELEMENTS(sources); n++)
        g_source_remove(sources[n]);
    if (vm->config->accel_stats && vm->vcpu->tcache) {
        g_autoptr(GString) out = g_string_new(NULL);
        tcache_stats_print(vm->vcpu->tcache, out);
        tcache_window_print(vm->vcpu->tcache, out);
        timespent_print(vm->spent, out);
        if (vm->direct)
            direct_print(vm->direct, out);
        fputs(out->str, stderr);
    }
    return vm->status;
}

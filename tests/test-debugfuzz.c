/*
 * The gdb stub and QMP (and the monitor behind both) fed with damaged input: nothing crashes, and both still answer afterwards.
 * FUZZ_CASES sets the number of cases, FUZZ_SEED the seed; `make check` runs a short one.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "debug/debugger.h"
#include "debug/gdbstub.h"
#include "debug/machine.h"
#include "debug/monitor.h"
#include "debug/qmp.h"

#define DEFAULT_CASES 20000

typedef struct Bench {
    GMutex lock;
    Clock *clock;
    CpuModel *model;
    Machine m;
    VmConfig config;
    Chardev gdb_line, qmp_line;
    GString *gdb_out, *qmp_out;
    Tracer *tracer;
    Monitor *monitor;
    GdbStub *gdb;
    Qmp *qmp;
} Bench;

static void sink(void *opaque, const uint8_t *buf, size_t len)
{
    GString *s = opaque;
    if (s->len > 1 << 16)
        g_string_truncate(s, 0);
    g_string_append_len(s, (const char *)buf, len);
}

static const ChardevBackendOps sink_ops = {.write = sink};

static void on_reset(void *opaque)
{
    Bench *b = opaque;
    pc_reset(b->m.pc);
    vcpu_reset(b->m.cpu);
}
static void on_triple_fault(void *opaque)
{
    Bench *b = opaque;
    machine_stopped_itself(&b->m, RUN_SHUTDOWN);
}
static void on_debug_stop(void *opaque)
{
    Bench *b = opaque;
    machine_stopped_itself(&b->m, RUN_DEBUG);
}
static void on_quit(void *opaque, int status)
{
}

static const VcpuThreadOps thread_ops = {.reset = on_reset, .triple_fault = on_triple_fault,
        .debug_stop = on_debug_stop};

static Bench *bench_new(void)
{
    static uint8_t bios[64 << 10];
    Bench *b = g_new0(Bench, 1);
    memset(bios, 0x90, sizeof bios);
    bios[0xfff0] = 0xeb; /* jmp to itself */
    bios[0xfff1] = 0xfe;
    g_mutex_init(&b->lock);
    b->clock = clock_new();
    b->model = cpu_model_parse("qemu32", NULL);
    PcConfig pc = {.clock = b->clock, .lock = &b->lock, .ram_size = 1 << 20, .bios = bios, .bios_size = sizeof bios,
            .input = NULL, .floppies = 2};
    Input *input = g_new0(Input, 1);
    pc.input = input;
    b->m.pc = pc_new(&pc, NULL);
    g_assert_nonnull(b->m.pc);
    b->m.cpu = vcpu_new(b->model, b->m.pc->mem, b->m.pc->io, b->m.pc->ram);
    b->m.input = input;
    b->m.disks = g_ptr_array_new();
    b->m.lock = &b->lock;
    b->m.thread = vcputhread_new(b->m.cpu, &b->lock, &thread_ops, b);
    b->m.config = &b->config;
    b->m.debugger = debugger_new(b->m.cpu);
    b->m.quit = on_quit;
    machine_init(&b->m);
    b->tracer = tracer_new(b->m.cpu, b->m.debugger, NULL);
    b->gdb_out = g_string_new(NULL);
    b->qmp_out = g_string_new(NULL);
    b->gdb_line = (Chardev){.back = &sink_ops, .back_opaque = b->gdb_out};
    b->qmp_line = (Chardev){.back = &sink_ops, .back_opaque = b->qmp_out};
    b->monitor = monitor_new(&b->m, NULL, b->tracer, NULL);
    b->qmp = qmp_new(&b->m, b->monitor, &b->qmp_line);
    b->gdb = gdbstub_new(&b->m, &b->gdb_line, (GdbStubConfig){(char *(*)(void *, const char *))monitor_run,
            b->monitor, false});
    return b;
}

static void bench_free(Bench *b)
{
    vcputhread_free(b->m.thread);
    gdbstub_free(b->gdb);
    qmp_free(b->qmp);
    monitor_free(b->monitor);
    tracer_free(b->tracer);
    machine_clear(&b->m);
    debugger_free(b->m.debugger);
    vcpu_free(b->m.cpu);
    pc_free(b->m.pc);
    g_ptr_array_unref(b->m.disks);
    g_free(b->m.input);
    g_free(b->model);
    clock_free(b->clock);
    g_string_free(b->gdb_out, TRUE);
    g_string_free(b->qmp_out, TRUE);
    g_mutex_clear(&b->lock);
    g_free(b);
}

static void feed(Bench *b, Chardev *line, const char *text, size_t len)
{
    g_mutex_lock(&b->lock);
    while (len) {
        size_t n = MIN(len, chardev_can_receive(line));
        chardev_receive(line, (const uint8_t *)text, n);
        text += n;
        len -= n;
    }
    machine_flush(&b->m);
    g_mutex_unlock(&b->lock);
}

static const char *const packets[] = {
    "?", "g", "p8", "P8=12340000", "P0=ffffffff", "Pa=08000000", "P30=11000080", "P32=00100000", "m7c00,10",
            "mfffffff0,20", "M500,2:9090",
    "Z0,7c00,1", "z0,7c00,1", "Z1,fff0,1", "Z2,500,4", "Z3,500,4", "Z4,fffffffe,4", "z2,500,4", "s", "c",
            "vCont;s:1;c", "vCont;c", "vCont?",
    "Hg0", "Hc-1", "T1", "D", "qSupported:xmlRegisters=i386", "qXfer:features:read:target.xml:0,ffb", "qC",
            "qfThreadInfo",
    "qRcmd,696e666f20726567697374657273", "qRcmd,782f3130692030", "Qqemu.PhyMemMode:1", "Qqemu.PhyMemMode:0",
            "qThreadExtraInfo,1", "X500,0:",
};
static const char *const commands[] = {
    "{\"execute\":\"qmp_capabilities\"}", "{\"execute\":\"query-status\",\"id\":1}", "{\"execute\":\"stop\"}",
            "{\"execute\":\"cont\"}",
    "{\"execute\":\"query-block\",\"arguments\":{}}",
            "{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\",\"data\":\"a\"}]}}",
    "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"x/3xw (1+2)*3\"}}",
    "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"print/x $eip|~-(7%3)\"}}",
    "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"info mem\"}}",
    "{\"execute\":\"eject\",\"arguments\":{\"device\":\"floppy0\",\"force\":true}}",
            "{\"execute\":\"query-commands\"}",
    "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"sendkey ctrl-alt-0x3b 100\"}}",
};

static void damage(GRand *r, GString *s)
{
    for (int n = g_rand_int_range(r, 0, 4); n > 0 && s->len; n--) {
        unsigned at = g_rand_int_range(r, 0, s->len);
        switch (g_rand_int_range(r, 0, 4)) {
        case 0: s->str[at] = g_rand_int(r); break;
        case 1: g_string_insert_c(s, at, "0f,;:-{}[]\"$#"[g_rand_int_range(r, 0, 13)]); break;
        case 2: g_string_erase(s, at, 1); break;
        default: g_string_truncate(s, at); break;
        }
    }
}

static void frame(GRand *r, GString *s)
{
    uint8_t sum = 0;
    for (gsize n = 0; n < s->len; n++)
        sum += (uint8_t)s->str[n];
    if (g_rand_int_range(r, 0, 20) == 0)
        sum++;
    g_string_prepend_c(s, '$');
    g_string_append_printf(s, "#%02x", sum);
    if (g_rand_int_range(r, 0, 20) == 0)
        g_string_append_c(s, 3);
}

static void test_fuzz(void)
{
    const char *cases = g_getenv("FUZZ_CASES"), *seed = g_getenv("FUZZ_SEED");
    GRand *r = g_rand_new_with_seed(seed ? atoi(seed) : 1);
    Bench *b = bench_new();
    guint64 n = cases ? g_ascii_strtoull(cases, NULL, 0) : DEFAULT_CASES;
    g_assert_true(g_main_context_acquire(NULL));
    feed(b, &b->qmp_line, commands[0], strlen(commands[0]));
    while (n--) {
        GString *s;
        if (g_rand_boolean(r)) {
            s = g_string_new(packets[g_rand_int_range(r, 0, G_N_ELEMENTS(packets))]);
            damage(r, s);
            frame(r, s);
            feed(b, &b->gdb_line, s->str, s->len);
        } else {
            s = g_string_new(commands[g_rand_int_range(r, 0, G_N_ELEMENTS(commands))]);
            damage(r, s);
            if (g_rand_int_range(r, 0, 8) == 0) { /* a new client */
                chardev_opened(&b->qmp_line, true);
                g_string_prepend(s, commands[0]);
            }
            feed(b, &b->qmp_line, s->str, s->len);
        }
        g_string_free(s, TRUE);
    }
    /* both still speak: end what was left open, then ask */
    g_string_truncate(b->gdb_out, 0);
    feed(b, &b->gdb_line, "#00\003$?#3f", 9);
    g_assert_nonnull(strstr(b->gdb_out->str, "$T0"));
    chardev_opened(&b->qmp_line, true);
    feed(b, &b->qmp_line, commands[0], strlen(commands[0]));
    g_string_truncate(b->qmp_out, 0);
    feed(b, &b->qmp_line, "{\"execute\":\"query-name\",\"id\":77}", strlen("{\"execute\":\"query-name\",\"id\":77}"));
    g_assert_nonnull(strstr(b->qmp_out->str, "77"));
    g_main_context_release(NULL);
    bench_free(b);
    g_rand_free(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/debug/fuzz", test_fuzz);
    return g_test_run();
}

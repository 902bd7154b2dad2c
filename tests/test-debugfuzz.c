/*
 * The gdb stub, QMP and the monitor's terminal fed with damaged input: nothing crashes, and all still answer afterwards.
 *
 * Most cases go straight into the three front ends; one in SOCKET_SHARE goes over a unix socket, as from a real client,
 * which sends in pieces, hangs up in the middle and comes again. A case is one packet, one object or one line, made from
 * those below: numbers exchanged for others, two of them spliced, bytes changed, inserted, taken away.
 * FUZZ_CASES sets the number of cases, FUZZ_SEED the seed; `make check` runs a short one. Whatever the commands write to
 * files goes to a directory of the test's own.
 */
#include <config.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "block/block.h"
#include "cpu/cpu.h"
#include "debug/debugger.h"
#include "debug/gdbstub.h"
#include "debug/machine.h"
#include "debug/memory.h"
#include "debug/monitor.h"
#include "debug/qmp.h"
#include "ui/chrsocket.h"

#define DEFAULT_CASES 20000
#define SOCKET_SHARE 64  /* one case in so many */
#define TIDY_EVERY 1024  /* cases after which files are removed, traces ended and page tables put back */
#define REPORT_EVERY 250000
#define RAM_SIZE (1u << 20)

enum { PORT_GDB, PORT_QMP, PORT_MONITOR, PORTS };

/* A front end twice: in this process, and behind a socket. */
typedef struct Port {
    Chardev line, socket_line;
    GString *out; /* what the first one answered last */
    ChrSocket *socket;
    int client;   /* the socket's other end; -1: not connected */
    Monitor *monitor, *socket_monitor;
    GdbStub *gdb, *socket_gdb;
    Qmp *qmp, *socket_qmp;
} Port;

typedef struct Bench {
    GMutex lock;
    Clock *clock;
    CpuModel *model;
    Machine m;
    VmConfig config;
    Tracer *tracer;
    Port port[PORTS];
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

/* Two pages of tables that map the first 64 KiB and the BIOS, and one entry that leads out of memory. */
static void page_tables(Bench *b)
{
    uint32_t dir[2048] = {0}, *table = dir + 1024;
    for (unsigned n = 0; n < 16; n++)
        table[n] = n << 12 | 7;
    dir[0] = 0x2007;
    dir[5] = 0x7ffff007;
    dir[1023] = 0xffc00083;
    debug_write_phys(b->m.cpu, 0x1000, dir, sizeof dir);
}

static char *socket_name(unsigned port)
{
    return g_strdup_printf("socket%u", port);
}

static void port_new(Bench *b, unsigned n)
{
    Port *p = &b->port[n];
    GdbStubConfig gdb = {(char *(*)(void *, const char *))monitor_run, NULL, false};
    char *dev = g_strdup_printf("unix:socket%u,server=on,wait=off", n);
    GError *error = NULL;
    p->out = g_string_new(NULL);
    p->line = (Chardev){.back = &sink_ops, .back_opaque = p->out};
    p->client = -1;
    p->monitor = monitor_new(&b->m, NULL, b->tracer, n == PORT_MONITOR ? &p->line : NULL);
    p->socket_monitor = monitor_new(&b->m, NULL, b->tracer, n == PORT_MONITOR ? &p->socket_line : NULL);
    if (n == PORT_GDB) {
        gdb.opaque = p->monitor;
        p->gdb = gdbstub_new(&b->m, &p->line, gdb);
        p->socket_gdb = gdbstub_new(&b->m, &p->socket_line, gdb);
    } else if (n == PORT_QMP) {
        p->qmp = qmp_new(&b->m, p->monitor, &p->line);
        p->socket_qmp = qmp_new(&b->m, p->socket_monitor, &p->socket_line);
    }
    p->socket = chrsocket_new(&p->socket_line, dev, true, &b->lock, &error);
    g_assert_no_error(error);
    g_free(dev);
}

static void port_free(Port *p)
{
    if (p->client >= 0)
        close(p->client);
    chrsocket_free(p->socket);
    gdbstub_free(p->gdb);
    gdbstub_free(p->socket_gdb);
    qmp_free(p->qmp);
    qmp_free(p->socket_qmp);
    monitor_free(p->monitor);
    monitor_free(p->socket_monitor);
    g_string_free(p->out, TRUE);
}

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
    PcConfig pc = {.clock = b->clock, .lock = &b->lock, .ram_size = RAM_SIZE, .bios = bios, .bios_size = sizeof bios,
            .input = NULL, .floppies = 2};
    Input *input = g_new0(Input, 1);
    pc.input = input;
    b->m.pc = pc_new(&pc, NULL);
    g_assert_nonnull(b->m.pc);
    b->m.cpu = vcpu_new(b->model, b->m.pc->mem, b->m.pc->io, b->m.pc->ram);
    b->m.input = input;
    b->m.disks = g_ptr_array_new_with_free_func((GDestroyNotify)block_close);
    b->m.lock = &b->lock;
    b->m.thread = vcputhread_new(b->m.cpu, &b->lock, b->clock, &thread_ops, b);
    b->m.config = &b->config;
    b->m.debugger = debugger_new(b->m.cpu);
    b->m.quit = on_quit;
    machine_init(&b->m);
    b->tracer = tracer_new(b->m.cpu, b->m.debugger, NULL, NULL);
    page_tables(b);
    for (unsigned n = 0; n < PORTS; n++)
        port_new(b, n);
    return b;
}

static void bench_free(Bench *b)
{
    vcputhread_free(b->m.thread);
    for (unsigned n = 0; n < PORTS; n++)
        port_free(&b->port[n]);
    tracer_free(b->tracer);
    machine_clear(&b->m);
    debugger_free(b->m.debugger);
    vcpu_free(b->m.cpu);
    pc_free(b->m.pc);
    g_ptr_array_unref(b->m.disks);
    g_free(b->m.input);
    g_free(b->model);
    clock_free(b->clock);
    g_mutex_clear(&b->lock);
    g_free(b);
}

/* ---- ways in ---- */

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

static void settle(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void hang_up(Port *p)
{
    if (p->client >= 0)
        close(p->client);
    p->client = -1;
    settle();
}

static void feed_socket(Bench *b, unsigned port, const char *text, size_t len, unsigned pieces)
{
    Port *p = &b->port[port];
    if (p->client < 0) {
        struct sockaddr_un addr = {.sun_family = AF_UNIX};
        char *name = socket_name(port);
        g_strlcpy(addr.sun_path, name, sizeof addr.sun_path);
        g_free(name);
        p->client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        g_assert_cmpint(connect(p->client, (struct sockaddr *)&addr, sizeof addr), ==, 0);
        settle();
    }
    while (len) {
        size_t n = MAX(1, len / pieces);
        char answer[4096];
        ssize_t sent = send(p->client, text, MIN(n, len), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            text += sent;
            len -= sent;
        }
        settle();
        while (recv(p->client, answer, sizeof answer, MSG_DONTWAIT) > 0)
            settle();
        if (sent <= 0) { /* it hung up on us; nothing else ends it: the other side has just been served */
            hang_up(p);
            return;
        }
    }
}

/* ---- cases ---- */

static const char *const packets[] = {
    "?", "g", "p8", "p30", "P8=12340000", "P0=ffffffff", "Pa=08000000", "P30=11000080", "P31=00000000", "P32=00100000",
    "P33=10000000", "P9=02000000", "P9=02020200", "P10=0000000000000000ff7f", "m7c00,10", "mfffffff0,20", "m0,ffff",
    "M500,2:9090", "M1000,4:07200000", "Z0,7c00,1", "z0,7c00,1", "Z1,fff0,1", "Z0,fffffff0,1", "Z2,500,4", "Z3,500,4",
    "Z4,fffffffe,4", "z2,500,4", "z3,500,4", "z4,fffffffe,4", "s", "c", "s7c00", "cfff0", "C05", "S05;7c00",
    "vCont;s:1;c", "vCont;c", "vCont;C05:1;s:2", "vCont?", "Hg0", "Hc-1", "T1", "D", "D;1", "k", "vKill;1", "!", "R00",
    "qSupported:xmlRegisters=i386", "qXfer:features:read:target.xml:0,ffb", "qXfer:features:read:target.xml:7f0,10",
    "qC", "qAttached", "qfThreadInfo", "qsThreadInfo", "Qqemu.PhyMemMode:1", "Qqemu.PhyMemMode:0", "qqemu.PhyMemMode",
    "qThreadExtraInfo,1", "X500,0:", "QStartNoAckMode", "vMustReplyEmpty", "qTStatus", "qOffsets", "qSymbol::",
};
static const char *const objects[] = {
    "{\"execute\":\"qmp_capabilities\"}", "{\"execute\":\"query-status\",\"id\":1}", "{\"execute\":\"stop\"}",
    "{\"execute\":\"cont\"}", "{\"execute\":\"quit\"}", "{\"execute\":\"system_reset\"}",
    "{\"execute\":\"system_powerdown\"}", "{\"execute\":\"inject-nmi\"}", "{\"execute\":\"query-version\"}",
    "{\"execute\":\"query-name\"}", "{\"execute\":\"query-kvm\"}", "{\"execute\":\"query-cpus-fast\"}",
    "{\"execute\":\"query-block\",\"arguments\":{}}", "{\"execute\":\"query-commands\"}",
    "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"s.ppm\"}}",
    "{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\",\"data\":\"a\"}]}}",
    "{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"number\",\"data\":57}],\"hold-time\":1}}",
    "{\"execute\":\"eject\",\"arguments\":{\"device\":\"floppy0\",\"force\":true}}",
    "{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"device\":\"floppy1\",\"filename\":\"f.img\"}}",
    "{\"execute\":\"query-status\",\"id\":[1,2.5e300,{\"a\":null}]}", "[1,[2,{\"x\":\"\\u0041\"}]]", "\"text\"",
};
static const char *const lines[] = {
    "info registers", "info mem", "info tlb", "info pic", "info irq", "info mtree", "info block", "info qtree",
    "info decision", "info jit", "info roms", "info version", "info status", "info pci", "info", "x/10i 0", "x/3xw (1+2)*3",
    "x/4xb $esp", "x", "xp/8xg 0x1000", "xp/2c 0xb8000", "xp/1xw 0xfee00020", "print/x $eip|~-(7%3)", "p 1/0",
    "print/c 65", "stop", "cont", "c", "step 3", "system_reset", "system_powerdown", "quit", "screendump s.ppm",
    "sendkey ctrl-alt-0x3b 100", "mouse_move 1 -2 3", "mouse_button 5", "change floppy0 f.img", "eject -f floppy0",
    "log int,cpu", "log exec,in_asm,page,ioport", "log none", "logfile log.txt", "nmi", "gva2gpa 0xfffff000", "help",
    "help info", "help log",
};
static const char *const numbers[] = {
    "0", "1", "7", "8", "10", "34", "35", "ff", "100", "fff", "1000", "7c00", "ffff", "10000", "fffff", "100000", "7fffffff",
    "80000000", "fffff000", "ffffffff", "100000000", "7fffffffffffffff", "8000000000000000", "ffffffffffffffff",
    "123456789abcdef01", "-1", "0x", "-",
};
static const char *const keys[] = {
    "\001", "\005", "\002", "\006", "\020", "\016", "\013", "\025", "\027", "\004", "\010", "\t", "\177", "\014", "\003",
    "\033[A", "\033[B", "\033[C", "\033[D", "\033[H", "\033[F", "\033[3~", "\033[999", "\033O", "\r", "\n",
};

#define ANY(r, list) ((list)[g_rand_int_range(r, 0, G_N_ELEMENTS(list))])
static bool one_in(GRand *r, int n)
{
    return g_rand_int_range(r, 0, n) == 0;
}

/* Another number in the place of one. */
static void renumber(GRand *r, GString *s)
{
    gsize at = g_rand_int_range(r, 0, s->len), end;
    while (at < s->len && !g_ascii_isxdigit(s->str[at]))
        at++;
    for (end = at; end < s->len && g_ascii_isxdigit(s->str[end]);)
        end++;
    if (at == s->len)
        return;
    g_string_erase(s, at, end - at);
    g_string_insert(s, at, ANY(r, numbers));
}

static void damage(GRand *r, GString *s, const char *other)
{
    for (int n = g_rand_int_range(r, 0, 4); n > 0 && s->len; n--) {
        unsigned at = g_rand_int_range(r, 0, s->len);
        switch (g_rand_int_range(r, 0, 7)) {
        case 0: s->str[at] = g_rand_int(r); break;
        case 1: g_string_insert_c(s, at, "0f,;:-{}[]\"$#}"[g_rand_int_range(r, 0, 14)]); break;
        case 2: g_string_erase(s, at, 1); break;
        case 3: g_string_truncate(s, at); break;
        case 4:
            g_string_truncate(s, at);
            g_string_append(s, other + g_rand_int_range(r, 0, strlen(other) + 1));
            break;
        default: renumber(r, s); break;
        }
    }
}

/* Lines that name files stay in this directory. */
static void keep_inside(GString *s)
{
    if (strstr(s->str, "log") || strstr(s->str, "dump") || strstr(s->str, "change"))
        for (gsize n = 0; n < s->len; n++)
            if (s->str[n] == '/')
                s->str[n] = '_';
}

/* Traces stay in their file. Pictures and dumps of 65536 values come seldom: they would take most of the time. */
static void restrain(GRand *r, GString *s)
{
    char *slash = strchr(s->str, '/');
    if (g_str_has_prefix(s->str, "logfile"))
        g_string_assign(s, "logfile log.txt");
    if (one_in(r, 64))
        return;
    if (strstr(s->str, "dump"))
        g_string_assign(s, "screendump");
    else if (slash && g_ascii_isdigit(slash[1]) && g_ascii_isdigit(slash[2]))
        for (char *p = slash + 2; g_ascii_isdigit(*p);)
            g_string_erase(s, p - s->str, 1);
}

static GString *line_case(GRand *r)
{
    GString *s = g_string_new(ANY(r, lines));
    damage(r, s, ANY(r, lines));
    keep_inside(s);
    restrain(r, s);
    return s;
}

static GString *monitor_case(GRand *r)
{
    GString *s = line_case(r);
    for (int n = one_in(r, 4) ? g_rand_int_range(r, 1, 9) : 0; n > 0; n--)
        g_string_insert(s, g_rand_int_range(r, 0, s->len + 1), ANY(r, keys));
    g_string_append_c(s, "\r\n"[g_rand_boolean(r)]);
    return s;
}

/* A damaged packet, framed; sometimes the frame is damaged too. */
static GString *gdb_case(GRand *r)
{
    GString *s;
    uint8_t sum = 0;
    if (one_in(r, 8)) {
        GString *line = line_case(r);
        s = g_string_new("qRcmd,");
        for (gsize n = 0; n < line->len; n++)
            g_string_append_printf(s, "%02x", (uint8_t)line->str[n]);
        g_string_free(line, TRUE);
    } else if (one_in(r, 64)) { /* a long one */
        s = g_string_new(g_rand_boolean(r) ? "G" : "M500,800:");
        for (int n = g_rand_int_range(r, 0, 6000); n > 0; n--)
            g_string_append_c(s, "0123456789abcdefxX"[g_rand_int_range(r, 0, 18)]);
    } else {
        s = g_string_new(ANY(r, packets));
        damage(r, s, ANY(r, packets));
    }
    for (gsize n = 0; n < s->len; n++)
        sum += (uint8_t)s->str[n];
    sum += one_in(r, 20);
    g_string_prepend_c(s, '$');
    g_string_append_printf(s, "#%02x", sum);
    if (one_in(r, 20))
        g_string_append_c(s, 3);
    else if (one_in(r, 20))
        g_string_append_c(s, g_rand_boolean(r) ? '+' : '-');
    else if (one_in(r, 50))
        g_string_truncate(s, g_rand_int_range(r, 0, s->len));
    return s;
}

static GString *qmp_case(GRand *r)
{
    GString *s;
    if (one_in(r, 4)) {
        GString *line = line_case(r);
        char *text = g_utf8_make_valid(line->str, line->len), *quoted = g_strescape(text, NULL);
        s = g_string_new(NULL);
        g_string_printf(s, "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"%s\"}}", quoted);
        g_free(quoted);
        g_free(text);
        g_string_free(line, TRUE);
        if (one_in(r, 4))
            damage(r, s, ANY(r, objects));
    } else {
        s = g_string_new(ANY(r, objects));
        damage(r, s, ANY(r, objects));
    }
    keep_inside(s);
    if (!one_in(r, 64) && strstr(s->str, "s.ppm"))
        g_string_truncate(s, s->len / 2);
    if (one_in(r, 4))
        g_string_append_c(s, '\n');
    return s;
}

static void tidy(Bench *b, bool paging)
{
    static const char paged[] = "#00$P32=00100000#73$P33=10000000#74$P30=11000080#7a";
    static const char quiet[] = "\025log none\nlogfile log.txt\neject -f floppy0\neject -f floppy1\n";
    GDir *dir = g_dir_open(".", 0, NULL);
    const char *name;
    feed(b, &b->port[PORT_MONITOR].line, quiet, strlen(quiet));
    while ((name = g_dir_read_name(dir)))
        if (!g_str_has_prefix(name, "socket"))
            g_unlink(name);
    g_dir_close(dir);
    g_assert_true(g_file_set_contents("f.img", "", 0, NULL));
    g_assert_cmpint(truncate("f.img", 737280), ==, 0);
    g_mutex_lock(&b->lock);
    machine_stop(&b->m, RUN_PAUSED);
    page_tables(b);
    g_mutex_unlock(&b->lock);
    if (paging)
        feed(b, &b->port[PORT_GDB].line, paged, strlen(paged));
}

/* Say it, and the answer must hold what is wanted. */
static void still_answers(Bench *b, unsigned port, const char *text, const char *wanted)
{
    g_string_truncate(b->port[port].out, 0);
    feed(b, &b->port[port].line, text, strlen(text));
    if (!strstr(b->port[port].out->str, wanted))
        g_error("asked \"%s\", it answered \"%s\"", text, b->port[port].out->str);
}

static void fuzz(Bench *b, GRand *r, guint64 cases)
{
    static GString *(*const make[PORTS])(GRand *) = {gdb_case, qmp_case, monitor_case};
    static const char start[] = "{\"execute\":\"qmp_capabilities\"}";
    feed(b, &b->port[PORT_QMP].line, start, strlen(start));
    for (guint64 n = 0; n < cases; n++) {
        unsigned port = g_rand_int_range(r, 0, PORTS);
        Port *p = &b->port[port];
        if (n % TIDY_EVERY == 0)
            tidy(b, n / TIDY_EVERY % 2);
        if (n && n % REPORT_EVERY == 0)
            g_test_message("%" G_GUINT64_FORMAT " cases", n);
        GString *s = make[port](r);
        bool again = one_in(r, 16); /* a new client */
        if (again && port == PORT_QMP)
            g_string_prepend(s, start);
        if (one_in(r, SOCKET_SHARE)) {
            if (again)
                hang_up(p);
            feed_socket(b, port, s->str, s->len, g_rand_int_range(r, 1, 4));
        } else {
            if (again) {
                g_mutex_lock(&b->lock);
                chardev_opened(&p->line, false);
                chardev_opened(&p->line, true);
                g_mutex_unlock(&b->lock);
            }
            feed(b, &p->line, s->str, s->len);
        }
        g_string_free(s, TRUE);
    }
    tidy(b, true);
    still_answers(b, PORT_MONITOR, "info tlb\r", "ffc00000: 0000");
    /* all still speak: end what was left open, then ask */
    still_answers(b, PORT_GDB, "#00\003$?#3f", "$T0");
    g_mutex_lock(&b->lock);
    chardev_opened(&b->port[PORT_QMP].line, true);
    g_mutex_unlock(&b->lock);
    feed(b, &b->port[PORT_QMP].line, start, strlen(start));
    still_answers(b, PORT_QMP, "{\"execute\":\"query-name\",\"id\":77}", "77");
    still_answers(b, PORT_MONITOR, "\033[A\025info version\r", PACKAGE_VERSION);
    for (unsigned port = 0; port < PORTS; port++) {
        hang_up(&b->port[port]);
        feed_socket(b, port, "\r", 1, 1);
        g_assert_cmpint(b->port[port].client, >=, 0);
    }
}

static void test_fuzz(void)
{
    const char *cases = g_getenv("FUZZ_CASES"), *seed = g_getenv("FUZZ_SEED");
    char *home = g_get_current_dir(), *dir = g_dir_make_tmp("debugfuzz-XXXXXX", NULL);
    GRand *r = g_rand_new_with_seed(seed ? atoi(seed) : 1);
    g_assert_nonnull(dir);
    g_assert_cmpint(g_chdir(dir), ==, 0);
    g_assert_true(g_main_context_acquire(NULL));
    Bench *b = bench_new();
    fuzz(b, r, cases ? g_ascii_strtoull(cases, NULL, 0) : DEFAULT_CASES);
    g_main_context_release(NULL);
    bench_free(b);
    g_rand_free(r);
    g_unlink("f.img");
    g_unlink("log.txt");
    g_assert_cmpint(g_chdir(home), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    g_free(dir);
    g_free(home);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/debug/fuzz", test_fuzz);
    return g_test_run();
}

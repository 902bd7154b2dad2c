/*
 * The commands of gdb's remote protocol. See gdbstub.h; the gdb manual, appendix E "gdb Remote Serial Protocol".
 *
 * One CPU is one thread, number 1. Parts: answers, registers and memory, breakpoints, resuming and stopping, queries,
 * the table of packets.
 */
#include "debug/gdbstub.h"

#include <stdlib.h>
#include <string.h>

#include "debug/debugger.h"
#include "debug/gdbpacket.h"
#include "debug/gdbregs.h"
#include "debug/memory.h"

#define THREAD "1"
#define SIGINT_GDB 2   /* gdb's own numbers */
#define SIGTRAP_GDB 5

struct GdbStub {
    Machine *m;
    Chardev *chr;
    GdbStubConfig config;
    GdbPacket packet;
    bool attached;  /* a client has spoken since it connected */
    bool waiting;   /* the client waits for a stop reply */
    bool interrupted;
    bool phys;      /* memory packets take physical addresses */
};

/* ---- answers ---- */

static void answer(GdbStub *g, const char *text)
{
    gdbpacket_send(&g->packet, text, strlen(text));
}

static void answer_ok(GdbStub *g, bool ok)
{
    answer(g, ok ? "OK" : "E22"); /* EINVAL */
}

static void append_hex(GString *s, const uint8_t *bytes, size_t len)
{
    for (size_t n = 0; n < len; n++)
        g_string_append_printf(s, "%02x", bytes[n]);
}

/* Bytes that text spells in hexadecimal, at most max; stops at what isn't a digit. */
static size_t unhex(const char *text, uint8_t *bytes, size_t max)
{
    size_t n = 0;
    for (; n < max && g_ascii_isxdigit(text[0]) && g_ascii_isxdigit(text[1]); text += 2)
        bytes[n++] = g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]);
    return n;
}

/* A hexadecimal number at *p, which moves behind it and behind the character after. False: there is none. */
static bool number(char **p, char after, uint64_t *value)
{
    char *end;
    if (!g_ascii_isxdigit(**p))
        return false;
    *value = g_ascii_strtoull(*p, &end, 16);
    if (after && *end != after)
        return false;
    *p = after ? end + 1 : end;
    return true;
}

static void stop_reply(GdbStub *g)
{
    const DebugStop *stop = debugger_stop(g->m->debugger);
    int signal = g->interrupted ? SIGINT_GDB : SIGTRAP_GDB;
    char *text;
    if (g->m->state == RUN_DEBUG && stop->why == DEBUG_STOP_WATCH) {
        const char *const kinds[] = {[BREAK_WRITE] = "watch", [BREAK_READ] = "rwatch", [BREAK_ACCESS] = "awatch"};
        text = g_strdup_printf("T%02xthread:" THREAD ";%s:%" G_GINT64_MODIFIER "x;", SIGTRAP_GDB, kinds[stop->kind],
                stop->addr);
    } else {
        text = g_strdup_printf("T%02xthread:" THREAD ";", signal);
    }
    answer(g, text);
    g_free(text);
}

/* ---- registers and memory ---- */

static void read_registers(GdbStub *g, char *args)
{
    GString *s = g_string_new(NULL);
    uint8_t buf[16];
    for (unsigned n = 0; n < gdbregs_count(); n++)
        append_hex(s, buf, gdbregs_read(g->m->cpu, n, buf));
    answer(g, s->str);
    g_string_free(s, TRUE);
}

/* Loading a selector reads the guest's tables, which may lie anywhere: not with the lock held. The CPU stands still. */
static bool write_one(GdbStub *g, unsigned n, const uint8_t *buf)
{
    g_mutex_unlock(g->m->lock);
    bool ok = gdbregs_write(g->m->cpu, n, buf);
    g_mutex_lock(g->m->lock);
    return ok;
}

static void write_registers(GdbStub *g, char *args)
{
    uint8_t buf[16], old[16];
    bool ok = true;
    for (unsigned n = 0; n < gdbregs_count(); n++) {
        unsigned size = gdbregs_size(n);
        if (unhex(args, buf, size) < size)
            break;
        args += 2 * size;
        gdbregs_read(g->m->cpu, n, old);
        if (memcmp(buf, old, size))
            ok &= write_one(g, n, buf);
    }
    answer_ok(g, ok);
}

static void read_register(GdbStub *g, char *args)
{
    uint64_t n;
    uint8_t buf[16];
    if (!number(&args, 0, &n) || n >= gdbregs_count()) {
        answer(g, "E22");
        return;
    }
    GString *s = g_string_new(NULL);
    append_hex(s, buf, gdbregs_read(g->m->cpu, n, buf));
    answer(g, s->str);
    g_string_free(s, TRUE);
}

static void write_register(GdbStub *g, char *args)
{
    uint64_t n;
    uint8_t buf[16];
    if (!number(&args, '=', &n) || n >= gdbregs_count() || unhex(args, buf, gdbregs_size(n)) < gdbregs_size(n))
        answer(g, "E22");
    else
        answer_ok(g, write_one(g, n, buf));
}

static void read_memory(GdbStub *g, char *args)
{
    uint64_t addr, len;
    if (!number(&args, ',', &addr) || !number(&args, 0, &len) || len > GDB_PACKET_MAX / 2) {
        answer(g, "E22");
        return;
    }
    uint8_t *buf = g_malloc(len + 1);
    size_t got = len;
    if (g->phys)
        debug_read_phys(g->m->cpu, addr, buf, len);
    else
        got = debug_read(g->m->cpu, addr, buf, len);
    GString *s = g_string_new(NULL);
    append_hex(s, buf, got);
    answer(g, len && !got ? "E14" : s->str); /* EFAULT; what could be read is worth having */
    g_string_free(s, TRUE);
    g_free(buf);
}

static void store(GdbStub *g, uint64_t addr, const uint8_t *buf, size_t len)
{
    size_t done = len;
    if (g->phys)
        debug_write_phys(g->m->cpu, addr, buf, len);
    else
        done = debug_write(g->m->cpu, addr, buf, len);
    answer(g, done == len ? "OK" : "E14");
}

static void write_memory(GdbStub *g, char *args)
{
    uint64_t addr, len;
    if (!number(&args, ',', &addr) || !number(&args, ':', &len) || len > GDB_PACKET_MAX / 2) {
        answer(g, "E22");
        return;
    }
    uint8_t *buf = g_malloc(len + 1);
    if (unhex(args, buf, len) == len)
        store(g, addr, buf, len);
    else
        answer(g, "E22");
    g_free(buf);
}

/* ---- breakpoints ---- */

static void breakpoint(GdbStub *g, char *args, bool insert)
{
    static const BreakKind kinds[] = {BREAK_EXEC, BREAK_EXEC, BREAK_WRITE, BREAK_READ, BREAK_ACCESS};
    uint64_t type, addr, len;
    if (!number(&args, ',', &type) || !number(&args, ',', &addr) || !number(&args, 0, &len)) {
        answer(g, "E22");
    } else if (type >= G_N_ELEMENTS(kinds)) {
        answer(g, ""); /* not supported */
    } else if (len > 0x10000 || debugger_count(g->m->debugger) > 4096) {
        answer(g, "E22");
    } else {
        bool was_running = machine_hold(g->m);
        bool ok = true;
        if (insert)
            debugger_insert(g->m->debugger, kinds[type], addr & 0xffffffff, len);
        else
            ok = debugger_remove(g->m->debugger, kinds[type], addr & 0xffffffff, len);
        machine_release(g->m, was_running);
        answer(g, ok ? "OK" : "E02"); /* ENOENT */
    }
}

static void insert_breakpoint(GdbStub *g, char *args)
{
    breakpoint(g, args, true);
}

static void remove_breakpoint(GdbStub *g, char *args)
{
    breakpoint(g, args, false);
}

/* ---- resuming and stopping ---- */

static void set_pc(GdbStub *g, char *args)
{
    uint64_t addr;
    if (number(&args, 0, &addr))
        g->m->cpu->rip = g->m->cpu->insn_rip = addr & 0xffffffff;
}

static void go(GdbStub *g, bool step)
{
    g->waiting = true;
    g->interrupted = false;
    if (step)
        machine_step(g->m, 1);
    else
        machine_cont(g->m);
}

static void cont(GdbStub *g, char *args)
{
    set_pc(g, args);
    go(g, false);
}

static void step(GdbStub *g, char *args)
{
    set_pc(g, args);
    go(g, true);
}

/* C and S bring a signal, which a machine has no use for. */
static char *after_signal(char *args)
{
    char *semicolon = strchr(args, ';');
    return semicolon ? semicolon + 1 : args + strlen(args);
}

static void cont_signal(GdbStub *g, char *args)
{
    cont(g, after_signal(args));
}

static void step_signal(GdbStub *g, char *args)
{
    step(g, after_signal(args));
}

static void on_interrupt(void *opaque)
{
    GdbStub *g = opaque;
    g->attached = true;
    if (!machine_running(g->m))
        return;
    g->interrupted = true;
    g->waiting = true;
    machine_stop(g->m, RUN_PAUSED);
}

static void on_machine(void *opaque, MachineEvent event, bool by_guest)
{
    GdbStub *g = opaque;
    if (event != MACHINE_STOP || !g->attached || !g->waiting)
        return;
    g->waiting = false;
    stop_reply(g);
    g->interrupted = false;
}

static void let_go(GdbStub *g)
{
    bool was_running = machine_hold(g->m);
    debugger_clear(g->m->debugger);
    machine_release(g->m, was_running);
    g->attached = false;
    g->waiting = false;
    g->phys = false;
}

static void detach(GdbStub *g, char *args)
{
    let_go(g);
    answer(g, "OK");
    machine_cont(g->m);
}

static void kill_machine(GdbStub *g, char *args)
{
    let_go(g);
    if (g->m->quit)
        g->m->quit(g->m->quit_opaque, 0);
}

/* ---- queries ---- */

static void why_stopped(GdbStub *g, char *args)
{
    stop_reply(g);
}

static void select_thread(GdbStub *g, char *args)
{
    /* H op thread: 0 any, -1 all, or ours */
    const char *id = *args ? args + 1 : args;
    answer(g, !strcmp(id, "0") || !strcmp(id, "-1") || strtoul(id, NULL, 16) == 1 ? "OK" : "E22");
}

static void thread_alive(GdbStub *g, char *args)
{
    answer(g, strtoul(args, NULL, 16) == 1 ? "OK" : "E22");
}

static void transfer_features(GdbStub *g, char *args)
{
    const char *xml = gdbregs_xml(g->config.real_mode);
    uint64_t offset, len;
    if (!g_str_has_prefix(args, "target.xml:")) {
        answer(g, "E00");
        return;
    }
    args += strlen("target.xml:");
    if (!number(&args, ',', &offset) || !number(&args, 0, &len)) {
        answer(g, "E22");
        return;
    }
    size_t total = strlen(xml);
    offset = MIN(offset, total);
    len = MIN(MIN(len, total - offset), GDB_PACKET_MAX / 2);
    GString *s = g_string_new(offset + len == total ? "l" : "m");
    g_string_append_len(s, xml + offset, len);
    gdbpacket_send(&g->packet, s->str, s->len);
    g_string_free(s, TRUE);
}

static void remote_command(GdbStub *g, char *args)
{
    uint8_t line[1024];
    size_t len = unhex(args, line, sizeof line - 1);
    line[len] = 0;
    char *out = g->config.command ? g->config.command(g->config.opaque, (char *)line) : NULL;
    if (out && *out) {
        /* console output in pieces that fit a packet */
        for (size_t n = 0, rest = strlen(out); rest;) {
            size_t piece = MIN(rest, GDB_PACKET_MAX / 2 - 1);
            GString *s = g_string_new("O");
            append_hex(s, (uint8_t *)out + n, piece);
            answer(g, s->str);
            g_string_free(s, TRUE);
            n += piece;
            rest -= piece;
        }
    }
    g_free(out);
    answer(g, "OK");
}

static void phys_mode(GdbStub *g, char *args)
{
    g->phys = *args == '1';
    answer_ok(g, *args == '0' || *args == '1');
}

static void query_phys(GdbStub *g, char *args)
{
    answer(g, g->phys ? "1" : "0");
}

static void supported(GdbStub *g, char *args)
{
    char *text = g_strdup_printf("PacketSize=%x;qXfer:features:read+;vContSupported+;QStartNoAckMode+",
            GDB_PACKET_MAX);
    answer(g, text);
    g_free(text);
}

static void start_no_ack(GdbStub *g, char *args)
{
    answer(g, "OK");
    g->packet.no_ack = true;
}

static void query_attached(GdbStub *g, char *args)
{
    answer(g, "1"); /* gdb's end detaches, it doesn't kill */
}
static void current_thread(GdbStub *g, char *args)
{
    answer(g, "QC" THREAD);
}
static void first_threads(GdbStub *g, char *args)
{
    answer(g, "m" THREAD);
}
static void more_threads(GdbStub *g, char *args)
{
    answer(g, "l");
}
static void thread_info(GdbStub *g, char *args)
{
    const char *text = g->m->cpu->halted ? "CPU#0 [halted ]" : "CPU#0 [running]";
    GString *s = g_string_new(NULL);
    append_hex(s, (const uint8_t *)text, strlen(text));
    answer(g, s->str);
    g_string_free(s, TRUE);
}
static void vcont_query(GdbStub *g, char *args)
{
    answer(g, "vCont;c;C;s;S");
}

/* vCont;action[:thread]...: the first action that applies to our thread counts. */
static void vcont(GdbStub *g, char *args)
{
    char **actions = g_strsplit(args, ";", -1);
    char what = 0;
    for (char **a = actions; *a && !what; a++) {
        const char *colon = strchr(*a, ':');
        if (strchr("cCsS", **a ? **a : '?') && (!colon || colon[1] == '-' || strtoul(colon + 1, NULL, 16) <= 1))
            what = g_ascii_tolower(**a);
    }
    g_strfreev(actions);
    if (what)
        go(g, what == 's');
    else
        answer(g, "E22");
}

static void vkill(GdbStub *g, char *args)
{
    answer(g, "OK");
    kill_machine(g, args);
}

/* ---- the table ---- */

static const struct {
    const char *prefix;
    void (*run)(GdbStub *g, char *args);
} packets[] = {
    {"?", why_stopped},
    {"g", read_registers},
    {"G", write_registers},
    {"p", read_register},
    {"P", write_register},
    {"m", read_memory},
    {"M", write_memory},
    {"Z", insert_breakpoint},
    {"z", remove_breakpoint},
    {"c", cont},
    {"s", step},
    {"C", cont_signal},
    {"S", step_signal},
    {"D", detach},
    {"k", kill_machine},
    {"H", select_thread},
    {"T", thread_alive},
    {"vCont?", vcont_query},
    {"vCont;", vcont},
    {"vKill;", vkill},
    {"qSupported", supported},
    {"QStartNoAckMode", start_no_ack},
    {"qXfer:features:read:", transfer_features},
    {"qAttached", query_attached},
    {"qC", current_thread},
    {"qfThreadInfo", first_threads},
    {"qsThreadInfo", more_threads},
    {"qThreadExtraInfo,", thread_info},
    {"qRcmd,", remote_command},
    {"Qqemu.PhyMemMode:", phys_mode},
    {"qqemu.PhyMemMode", query_phys},
};

static void on_packet(void *opaque, char *data, size_t len)
{
    GdbStub *g = opaque;
    size_t best = 0;
    void (*run)(GdbStub *, char *) = NULL;
    if (!g->attached) /* a line that knows no connections: the first packet is one */
        machine_stop(g->m, RUN_PAUSED);
    g->attached = true;
    for (unsigned n = 0; n < G_N_ELEMENTS(packets); n++) {
        size_t prefix = strlen(packets[n].prefix);
        if (prefix > best && !strncmp(data, packets[n].prefix, prefix)) {
            best = prefix;
            run = packets[n].run;
        }
    }
    /* q, Q and v words are whole words: "qC" is not the start of "qCRC:" */
    if (run && strchr("qQv", data[0]) && g_ascii_isalpha(data[best - 1]) && g_ascii_isalnum(data[best]))
        run = NULL;
    if (run) {
        /* a client may speak while the guest runs: what it asks for must not meet a CPU in motion */
        bool was_running = machine_hold(g->m);
        run(g, data + best);
        machine_release(g->m, was_running);
    } else {
        answer(g, "");
    }
}

static void send_bytes(void *opaque, const uint8_t *buf, size_t len)
{
    GdbStub *g = opaque;
    chardev_write(g->chr, buf, len);
}

static const GdbPacketOps packet_ops = {.packet = on_packet, .interrupt = on_interrupt, .send = send_bytes};

/* ---- the line ---- */

static size_t can_receive(void *opaque)
{
    return GDB_PACKET_MAX;
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
    GdbStub *g = opaque;
    gdbpacket_feed(&g->packet, buf, len);
}

static void opened(void *opaque, bool open)
{
    GdbStub *g = opaque;
    if (open) {
        gdbpacket_reset(&g->packet);
        machine_stop(g->m, RUN_PAUSED);
        g->interrupted = false;
        g->waiting = false;
    } else if (g->attached) {
        let_go(g);
        machine_cont(g->m); /* went away without a word: as if detached */
    }
}

static const ChardevFrontendOps front_ops = {.can_receive = can_receive, .receive = receive, .opened = opened};

GdbStub *gdbstub_new(Machine *m, Chardev *chr, GdbStubConfig config)
{
    GdbStub *g = g_new0(GdbStub, 1);
    g->m = m;
    g->chr = chr;
    g->config = config;
    gdbpacket_init(&g->packet, &packet_ops, g);
    chr->front = &front_ops;
    chr->front_opaque = g;
    machine_listen(m, on_machine, g);
    return g;
}

void gdbstub_exiting(GdbStub *g, int status)
{
    if (!g->attached)
        return;
    char *text = g_strdup_printf("W%02x", status & 0xff);
    answer(g, text);
    g_free(text);
    g->attached = false;
}

void gdbstub_free(GdbStub *g)
{
    if (!g)
        return;
    machine_unlisten(g->m, on_machine, g);
    g->chr->front = NULL;
    gdbpacket_clear(&g->packet);
    g_free(g);
}

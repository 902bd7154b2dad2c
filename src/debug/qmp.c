/*
 * QMP. See qmp.h; QEMU's docs/interop/qmp-spec.
 *
 * Input is a stream of JSON objects: their ends are found by counting brackets outside strings, then json-glib parses each.
 * A command's answer has "return" or "error", and its "id". Events go out between answers once capabilities are negotiated.
 */
#include "debug/qmp.h"

#include <config.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "block/block.h"

#define INPUT_MAX (1u << 20)
#define DEPTH_MAX 64 /* json-glib recurses */

struct Qmp {
    Machine *m;
    Monitor *mon;
    Chardev *chr;
    GString *in;
    unsigned depth;
    bool string, escape, too_deep;
    bool ready; /* qmp_capabilities was given */
    bool greeted;
};

/* A command: fills in result (an object builder, already begun) or error. */
typedef struct Call {
    Qmp *q;
    JsonObject *args; /* NULL: none */
    JsonNode *result; /* NULL: {} */
    GError *error;
} Call;

/* ---- output ---- */

static void send_node(Qmp *q, JsonNode *node)
{
    char *text = json_to_string(node, FALSE);
    char *line = g_strconcat(text, "\r\n", NULL);
    chardev_write(q->chr, (const uint8_t *)line, strlen(line));
    g_free(line);
    g_free(text);
    json_node_unref(node);
}

static JsonNode *object_node(JsonObject *o)
{
    JsonNode *n = json_node_new(JSON_NODE_OBJECT);
    json_node_take_object(n, o);
    return n;
}

static void send_error(Qmp *q, const char *class, const char *desc, JsonNode *id)
{
    JsonObject *o = json_object_new(), *e = json_object_new();
    json_object_set_string_member(e, "class", class);
    json_object_set_string_member(e, "desc", desc);
    json_object_set_object_member(o, "error", e);
    if (id)
        json_object_set_member(o, "id", json_node_copy(id));
    send_node(q, object_node(o));
}

static void greet(Qmp *q)
{
    JsonObject *o = json_object_new(), *qmp = json_object_new(), *version = json_object_new(),
            *numbers = json_object_new();
    json_object_set_int_member(numbers, "micro", 0);
    json_object_set_int_member(numbers, "minor", 2); /* of the QEMU whose commands these are */
    json_object_set_int_member(numbers, "major", 7);
    json_object_set_object_member(version, "qemu", numbers);
    json_object_set_string_member(version, "package", "x86vm " PACKAGE_VERSION);
    json_object_set_object_member(qmp, "version", version);
    json_object_set_array_member(qmp, "capabilities", json_array_new());
    json_object_set_object_member(o, "QMP", qmp);
    q->greeted = true;
    send_node(q, object_node(o));
}

static void on_machine(void *opaque, MachineEvent event, bool by_guest)
{
    static const char *const names[] = {[MACHINE_STOP] = "STOP", [MACHINE_RESUME] = "RESUME",
            [MACHINE_RESET] = "RESET",
                                        [MACHINE_SHUTDOWN] = "SHUTDOWN", [MACHINE_POWERDOWN] = "POWERDOWN"};
    Qmp *q = opaque;
    if (!q->ready)
        return;
    JsonObject *o = json_object_new(), *time = json_object_new();
    gint64 now = g_get_real_time();
    json_object_set_int_member(time, "seconds", now / G_USEC_PER_SEC);
    json_object_set_int_member(time, "microseconds", now % G_USEC_PER_SEC);
    json_object_set_object_member(o, "timestamp", time);
    json_object_set_string_member(o, "event", names[event]);
    if (event == MACHINE_RESET || event == MACHINE_SHUTDOWN) {
        JsonObject *data = json_object_new();
        json_object_set_boolean_member(data, "guest", by_guest);
        json_object_set_string_member(data, "reason", event == MACHINE_RESET ? (by_guest ? "guest-reset"
                : "host-qmp-system-reset")
                                                                             : (by_guest ? "guest-shutdown"
                                                                                     : "host-qmp-quit"));
        json_object_set_object_member(o, "data", data);
    }
    send_node(q, object_node(o));
}

/* ---- commands ---- */

static const char *string_arg(Call *c, const char *name, bool required)
{
    JsonNode *n = c->args ? json_object_get_member(c->args, name) : NULL;
    if (n && JSON_NODE_HOLDS_VALUE(n) && json_node_get_value_type(n) == G_TYPE_STRING)
        return json_node_get_string(n);
    if (required || n)
        g_set_error(&c->error, g_quark_from_static_string("qmp"), 0, n
                ? "Invalid parameter type for '%s', expected: string"
                                                                       : "Parameter '%s' is missing", name);
    return NULL;
}

static void take_object(Call *c, JsonObject *o)
{
    c->result = object_node(o);
}

static void qmp_capabilities(Call *c)
{
    c->q->ready = true;
}
static void qmp_stop(Call *c)
{
    machine_stop(c->q->m, RUN_PAUSED);
}
static void qmp_cont(Call *c)
{
    machine_cont(c->q->m);
}
static void qmp_quit(Call *c)
{
    machine_notify(c->q->m, MACHINE_SHUTDOWN, false);
    c->q->m->quit(c->q->m->quit_opaque, 0);
}
static void qmp_reset(Call *c)
{
    machine_reset_button(c->q->m);
    machine_notify(c->q->m, MACHINE_RESET, false);
}
static void qmp_powerdown(Call *c)
{
    machine_notify(c->q->m, MACHINE_POWERDOWN, false);
    pc_power_button(c->q->m->pc);
}
static void qmp_nmi(Call *c)
{
    pc_nmi(c->q->m->pc);
}

static void qmp_hmp(Call *c)
{
    const char *line = string_arg(c, "command-line", true);
    if (!line)
        return;
    char *out = monitor_run(c->q->mon, line);
    char **lines = g_strsplit(out, "\n", -1);
    char *crlf = g_strjoinv("\r\n", lines);
    c->result = json_node_init_string(json_node_alloc(), crlf);
    g_free(crlf);
    g_strfreev(lines);
    g_free(out);
}

static void qmp_screendump(Call *c)
{
    const char *path = string_arg(c, "filename", true);
    const char *format = path ? string_arg(c, "format", false) : NULL;
    if (!path || c->error)
        return;
    if (format && strcmp(format, "png") && strcmp(format, "ppm"))
        g_set_error(&c->error, g_quark_from_static_string("qmp"), 0, "Parameter 'format' does not accept value '%s'", format);
    else
        monitor_screendump(c->q->m, path, format ? !strcmp(format, "png") ? SCREENDUMP_PNG : SCREENDUMP_PPM : screendump_format_of(path),
                           &c->error);
}

static void qmp_send_key(Call *c)
{
    JsonNode *n = c->args ? json_object_get_member(c->args, "keys") : NULL;
    if (!n || !JSON_NODE_HOLDS_ARRAY(n)) {
        g_set_error(&c->error, g_quark_from_static_string("qmp"), 0, "Parameter 'keys' is missing");
        return;
    }
    JsonArray *keys = json_node_get_array(n);
    GString *names = g_string_new(NULL);
    for (unsigned k = 0; k < json_array_get_length(keys) && !c->error; k++) {
        JsonNode *e = json_array_get_element(keys, k), *data = NULL;
        if (JSON_NODE_HOLDS_OBJECT(e))
            data = json_object_get_member(json_node_get_object(e), "data");
        if (!data || !JSON_NODE_HOLDS_VALUE(data))
            g_set_error(&c->error, g_quark_from_static_string("qmp"), 0,
                    "keys: expected {\"type\": \"qcode\", \"data\": KEY}");
        else if (json_node_get_value_type(data) == G_TYPE_STRING)
            g_string_append_printf(names, "%s%s", names->len ? "-" : "", json_node_get_string(data));
        else
            g_string_append_printf(names, "%s0x%x", names->len ? "-" : "", (unsigned)json_node_get_int(data) & 0x7f);
    }
    if (!c->error)
        monitor_sendkey(c->q->m, names->str, 100, &c->error);
    g_string_free(names, TRUE);
}

static const char *drive_arg(Call *c)
{
    const char *drive = string_arg(c, "device", false);
    return drive || c->error ? drive : string_arg(c, "id", true);
}

static void qmp_eject(Call *c)
{
    const char *drive = drive_arg(c);
    bool force = c->args && json_object_has_member(c->args, "force") &&
                 json_node_get_value_type(json_object_get_member(c->args, "force")) == G_TYPE_BOOLEAN &&
                 json_object_get_boolean_member(c->args, "force");
    if (drive)
        monitor_change(c->q->m, drive, NULL, force, &c->error);
}

static void qmp_change_medium(Call *c)
{
    const char *drive = drive_arg(c), *path = drive ? string_arg(c, "filename", true) : NULL;
    if (path)
        monitor_change(c->q->m, drive, path, false, &c->error);
}

static void query_status(Call *c)
{
    JsonObject *o = json_object_new();
    json_object_set_boolean_member(o, "running", machine_running(c->q->m));
    json_object_set_boolean_member(o, "singlestep", FALSE);
    json_object_set_string_member(o, "status", runstate_name(c->q->m->state));
    take_object(c, o);
}

static void query_version(Call *c)
{
    JsonObject *o = json_object_new(), *numbers = json_object_new();
    json_object_set_int_member(numbers, "micro", 0);
    json_object_set_int_member(numbers, "minor", 2);
    json_object_set_int_member(numbers, "major", 7);
    json_object_set_object_member(o, "qemu", numbers);
    json_object_set_string_member(o, "package", "x86vm " PACKAGE_VERSION);
    take_object(c, o);
}

static void query_name(Call *c)
{
    JsonObject *o = json_object_new();
    if (c->q->m->config->name)
        json_object_set_string_member(o, "name", c->q->m->config->name);
    take_object(c, o);
}

static void query_kvm(Call *c)
{
    JsonObject *o = json_object_new();
    json_object_set_boolean_member(o, "enabled", FALSE);
    json_object_set_boolean_member(o, "present", FALSE);
    take_object(c, o);
}

static void take_array(Call *c, JsonArray *a)
{
    c->result = json_node_init_array(json_node_alloc(), a);
    json_array_unref(a);
}

static void query_cpus(Call *c)
{
    JsonArray *a = json_array_new();
    JsonObject *o = json_object_new();
    json_object_set_int_member(o, "cpu-index", 0);
    json_object_set_int_member(o, "thread-id", 0);
    json_object_set_string_member(o, "qom-path", "/machine/unattached/device[0]");
    json_object_set_string_member(o, "target", "i386");
    json_array_add_object_element(a, o);
    take_array(c, a);
}

static void add_drive(JsonArray *a, const char *name, BlockDev *b, bool removable)
{
    JsonObject *o = json_object_new();
    json_object_set_string_member(o, "device", name);
    json_object_set_boolean_member(o, "removable", removable);
    json_object_set_boolean_member(o, "locked", FALSE);
    json_object_set_string_member(o, "type", "unknown");
    if (b) {
        JsonObject *i = json_object_new();
        json_object_set_string_member(i, "file", block_path(b));
        json_object_set_string_member(i, "drv", "raw");
        json_object_set_boolean_member(i, "ro", block_read_only(b));
        json_object_set_object_member(o, "inserted", i);
    }
    json_array_add_object_element(a, o);
}

static void query_block(Call *c)
{
    Pc *pc = c->q->m->pc;
    JsonArray *a = json_array_new();
    for (unsigned n = 0; n < 4; n++) {
        IdeChannel *ch = piix_ide_channel(pc->ide, n / 2);
        char name[MONITOR_DRIVE_NAME];
        IdeKind kind = monitor_ide_drive(c->q->m, n, name);
        if (kind != IDE_NONE)
            add_drive(a, name, ide_drive_image(ch, n % 2), kind == IDE_CDROM);
    }
    for (unsigned n = 0; n < 2 && pc->fdc; n++)
        add_drive(a, n ? "floppy1" : "floppy0", c->q->m->floppy[n], true);
    take_array(c, a);
}

static void query_commands(Call *c);

static const struct {
    const char *name;
    void (*run)(Call *c);
} commands[] = {
    {"qmp_capabilities", qmp_capabilities},
    {"query-commands", query_commands},
    {"query-version", query_version},
    {"query-status", query_status},
    {"query-name", query_name},
    {"query-kvm", query_kvm},
    {"query-cpus-fast", query_cpus},
    {"query-block", query_block},
    {"stop", qmp_stop},
    {"cont", qmp_cont},
    {"quit", qmp_quit},
    {"system_reset", qmp_reset},
    {"system_powerdown", qmp_powerdown},
    {"inject-nmi", qmp_nmi},
    {"screendump", qmp_screendump},
    {"send-key", qmp_send_key},
    {"eject", qmp_eject},
    {"blockdev-change-medium", qmp_change_medium},
    {"human-monitor-command", qmp_hmp},
};

static void query_commands(Call *c)
{
    JsonArray *a = json_array_new();
    for (unsigned n = 0; n < G_N_ELEMENTS(commands); n++) {
        JsonObject *o = json_object_new();
        json_object_set_string_member(o, "name", commands[n].name);
        json_array_add_object_element(a, o);
    }
    take_array(c, a);
}

/* ---- input ---- */

static void execute(Qmp *q, JsonObject *request)
{
    JsonNode *id = json_object_get_member(request, "id"), *name = json_object_get_member(request, "execute"),
             *args = json_object_get_member(request, "arguments");
    Call c = {.q = q};
    void (*run)(Call *) = NULL;
    if (!name || !JSON_NODE_HOLDS_VALUE(name) || json_node_get_value_type(name) != G_TYPE_STRING) {
        send_error(q, "GenericError", "QMP input lacks member 'execute'", id);
        return;
    }
    if (args && !JSON_NODE_HOLDS_OBJECT(args)) {
        send_error(q, "GenericError", "QMP input member 'arguments' must be an object", id);
        return;
    }
    c.args = args ? json_node_get_object(args) : NULL;
    const char *word = json_node_get_string(name);
    for (unsigned n = 0; n < G_N_ELEMENTS(commands); n++)
        if (!strcmp(commands[n].name, word))
            run = commands[n].run;
    if (!q->ready && run != qmp_capabilities) {
        send_error(q, "CommandNotFound", "Expecting capabilities negotiation with 'qmp_capabilities'", id);
        return;
    }
    if (!run) {
        char *desc = g_strdup_printf("The command %s has not been found", word);
        send_error(q, "CommandNotFound", desc, id);
        g_free(desc);
        return;
    }
    run(&c);
    if (c.error) {
        send_error(q, "GenericError", c.error->message, id);
        g_error_free(c.error);
        if (c.result)
            json_node_unref(c.result);
        return;
    }
    JsonObject *o = json_object_new();
    json_object_set_member(o, "return", c.result ? c.result : object_node(json_object_new()));
    if (id)
        json_object_set_member(o, "id", json_node_copy(id));
    send_node(q, object_node(o));
}

static void take_text(Qmp *q)
{
    GError *error = NULL;
    JsonParser *parser = json_parser_new();
    if (!g_utf8_validate(q->in->str, q->in->len, NULL) || !json_parser_load_from_data(parser, q->in->str,
            q->in->len, &error))
        send_error(q, "GenericError", "JSON parse error, invalid input", NULL);
    else if (!json_parser_get_root(parser) || !JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser)))
        send_error(q, "GenericError", "QMP input must be a JSON object", NULL);
    else
        execute(q, json_node_get_object(json_parser_get_root(parser)));
    g_clear_error(&error);
    g_object_unref(parser);
}

static void restart(Qmp *q)
{
    g_string_truncate(q->in, 0);
    q->depth = 0;
    q->string = q->escape = q->too_deep = false;
}

static void byte(Qmp *q, char c)
{
    if (!q->depth && c != '{' && c != '[') {
        /* between objects: white space, or a value that is no object */
        if (!g_ascii_isspace(c) && c != ',') {
            if (!q->in->len) {
                send_error(q, "GenericError", "JSON parse error, expecting value", NULL);
                g_string_append_c(q->in, c); /* once for each line of rubbish */
            }
        } else if (c == '\n') {
            restart(q);
        }
        return;
    }
    if (!q->depth)
        restart(q);
    if (q->in->len < INPUT_MAX)
        g_string_append_c(q->in, c);
    else
        q->too_deep = true;
    if (q->string) {
        if (q->escape)
            q->escape = false;
        else if (c == '\\')
            q->escape = true;
        else if (c == '"')
            q->string = false;
        if ((unsigned char)c < ' ') { /* no string goes on over a line's end: what came before was damaged */
            send_error(q, "GenericError", "JSON parse error, invalid string", NULL);
            restart(q);
        }
    } else if (c == '"') {
        q->string = true;
    } else if (c == '{' || c == '[') {
        if (++q->depth > DEPTH_MAX)
            q->too_deep = true;
    } else if (c == '}' || c == ']') {
        if (--q->depth == 0) {
            if (q->too_deep)
                send_error(q, "GenericError", "JSON nesting depth or size limit exceeded", NULL);
            else
                take_text(q);
            restart(q);
        }
    }
}

static size_t can_receive(void *opaque)
{
    return 4096;
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
    Qmp *q = opaque;
    if (!q->greeted)
        greet(q);
    for (size_t n = 0; n < len; n++)
        byte(q, buf[n]);
}

static void opened(void *opaque, bool open)
{
    Qmp *q = opaque;
    q->ready = q->greeted = false;
    restart(q);
    if (open)
        greet(q);
}

static const ChardevFrontendOps front_ops = {.can_receive = can_receive, .receive = receive, .opened = opened};

Qmp *qmp_new(Machine *m, Monitor *mon, Chardev *chr)
{
    Qmp *q = g_new0(Qmp, 1);
    q->m = m;
    q->mon = mon;
    q->chr = chr;
    q->in = g_string_new(NULL);
    chr->front = &front_ops;
    chr->front_opaque = q;
    machine_listen(m, on_machine, q);
    return q;
}

void qmp_free(Qmp *q)
{
    if (!q)
        return;
    machine_unlisten(q->m, on_machine, q);
    q->chr->front = NULL;
    g_string_free(q->in, TRUE);
    g_free(q);
}

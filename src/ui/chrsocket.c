/*
 * Sockets, pseudo-terminals and pipes. See chrsocket.h.
 *
 * All are the same once they are open: a descriptor to read, one to write (often the same one), bytes that could not be
 * written yet. Parts: options, opening, the stream, telnet.
 */
#include <config.h>

#include "ui/chrsocket.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define OUT_MAX (1u << 20) /* unsent bytes kept for a reader that does not read */

/* Telnet: RFC 854, 857, 858 */
enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240, TELNET_BREAK = 243,
        TELNET_IP = 244 };
enum { OPT_BINARY = 0, OPT_ECHO = 1, OPT_SGA = 3 };

struct ChrSocket {
    Chardev *chr;
    GMutex *lock;
    int listener, in, out; /* -1: none */
    int pty_slave;
    char *path;            /* of a unix socket to remove */
    bool is_socket, telnet;
    enum { TEL_DATA, TEL_IAC, TEL_OPTION, TEL_SB, TEL_SB_IAC } telnet_state;
    GByteArray *unsent;
    guint listen_source, in_source, out_source;
};

typedef struct SocketOptions {
    char *address;
    bool server, wait;
} SocketOptions;

static bool fail(GError **error, const char *dev, const char *why)
{
    g_set_error(error, g_quark_from_static_string("chrsocket"), 0, "%s: %s", dev, why);
    return false;
}

bool chrsocket_handles(const char *dev)
{
    return g_str_has_prefix(dev, "tcp:") || g_str_has_prefix(dev, "telnet:") || g_str_has_prefix(dev, "unix:") ||
           g_str_has_prefix(dev, "pipe:") || !strcmp(dev, "pty");
}

/* ---- options ---- */

static bool parse_options(const char *dev, const char *rest, SocketOptions *o, GError **error)
{
    char **words = g_strsplit(rest, ",", -1);
    bool ok = true;
    *o = (SocketOptions){.address = g_strdup(words[0] ? words[0] : ""), .wait = true};
    for (char **w = words[0] ? words + 1 : words; *w && ok; w++) {
        if (!strcmp(*w, "server") || !strcmp(*w, "server=on"))
            o->server = true;
        else if (!strcmp(*w, "nowait") || !strcmp(*w, "wait=off"))
            o->wait = false;
        else if (strcmp(*w, "server=off") && strcmp(*w, "wait=on") && strcmp(*w, "wait") && !g_str_has_prefix(*w,
                "nodelay") &&
                 !g_str_has_prefix(*w, "delay") && !g_str_has_prefix(*w, "ipv"))
            ok = fail(error, dev, "expected server=on and wait=on or off after the address");
    }
    g_strfreev(words);
    return ok;
}

/* ---- opening ---- */

static int finish_socket(int fd, const struct sockaddr *addr, socklen_t len, bool server)
{
    int one = 1;
    if (server)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if ((server ? bind(fd, addr, len) : connect(fd, addr, len)) == 0 && (!server || listen(fd, 1) == 0))
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int open_tcp(const char *dev, const SocketOptions *o, GError **error)
{
    const char *colon = strrchr(o->address, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = o->server ? AI_PASSIVE : 0}, *list;
    if (!colon || !colon[1])
        return fail(error, dev, "expected tcp:HOST:PORT"), -1;
    char *host = g_strndup(o->address, colon - o->address);
    /* a server without a host name serves this machine only: a debugger port is no public service */
    int why = getaddrinfo(*host ? host : "127.0.0.1", colon + 1, &hints, &list);
    g_free(host);
    if (why)
        return fail(error, dev, gai_strerror(why)), -1;
    int fd = -1;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0)
            fd = finish_socket(fd, a->ai_addr, a->ai_addrlen, o->server);
    }
    if (fd < 0)
        fail(error, dev, g_strerror(errno));
    freeaddrinfo(list);
    return fd;
}

static int open_unix(ChrSocket *s, const char *dev, const SocketOptions *o, GError **error)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (!*o->address || strlen(o->address) >= sizeof addr.sun_path)
        return fail(error, dev, "expected a path of at most 107 characters"), -1;
    strcpy(addr.sun_path, o->address);
    if (o->server)
        unlink(o->address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        fd = finish_socket(fd, (struct sockaddr *)&addr, sizeof addr, o->server);
    if (fd < 0)
        fail(error, dev, g_strerror(errno));
    else if (o->server)
        s->path = g_strdup(o->address);
    return fd;
}

static bool open_pty(ChrSocket *s, const char *dev, GError **error)
{
    char name[128];
    struct termios raw;
    if (openpty(&s->in, &s->pty_slave, name, NULL, NULL) < 0)
        return fail(error, dev, g_strerror(errno));
    /* the slave stays open here, so that the line survives programs that come and go */
    tcgetattr(s->pty_slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(s->pty_slave, TCSANOW, &raw);
    fcntl(s->in, F_SETFD, FD_CLOEXEC);
    fcntl(s->pty_slave, F_SETFD, FD_CLOEXEC);
    s->out = s->in;
    g_printerr("char device redirected to %s\n", name);
    return true;
}

static bool open_pipe(ChrSocket *s, const char *dev, GError **error)
{
    const char *path = dev + strlen("pipe:");
    char *in = g_strconcat(path, ".in", NULL), *out = g_strconcat(path, ".out", NULL);
    s->in = open(in, O_RDWR | O_CLOEXEC | O_NONBLOCK); /* read and write: no end of file when a writer leaves */
    s->out = open(out, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (s->in < 0 || s->out < 0) {
        if (s->in >= 0)
            close(s->in);
        if (s->out >= 0)
            close(s->out);
        s->in = s->out = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    }
    g_free(in);
    g_free(out);
    return s->in >= 0 || fail(error, dev, g_strerror(errno));
}

/* ---- the stream ---- */

static ssize_t write_some(const ChrSocket *s, const uint8_t *buf, size_t len)
{
    return s->is_socket ? send(s->out, buf, len, MSG_NOSIGNAL) : write(s->out, buf, len);
}

static gboolean accept_ready(int fd, GIOCondition condition, gpointer opaque);

static void drop(guint *source)
{
    if (*source)
        g_source_remove(*source);
    *source = 0;
}

static void hang_up(ChrSocket *s)
{
    if (s->in < 0)
        return;
    drop(&s->in_source);
    drop(&s->out_source);
    if (s->out != s->in)
        close(s->out);
    close(s->in);
    s->in = s->out = -1;
    g_byte_array_set_size(s->unsent, 0);
    chardev_opened(s->chr, false);
    if (s->listener >= 0 && !s->listen_source)
        s->listen_source = g_unix_fd_add(s->listener, G_IO_IN, accept_ready, s);
}

static gboolean output_ready(int fd, GIOCondition condition, gpointer opaque)
{
    ChrSocket *s = opaque;
    gboolean again = G_SOURCE_CONTINUE;
    g_mutex_lock(s->lock);
    ssize_t n = write_some(s, s->unsent->data, s->unsent->len);
    if (n > 0)
        g_byte_array_remove_range(s->unsent, 0, n);
    if (!s->unsent->len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        s->out_source = 0; /* a broken line is noticed by the reading side */
        again = G_SOURCE_REMOVE;
    }
    g_mutex_unlock(s->lock);
    return again;
}

static void send_raw(ChrSocket *s, const uint8_t *buf, size_t len)
{
    if (s->out < 0)
        return;
    while (len && !s->unsent->len) {
        ssize_t n = write_some(s, buf, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        buf += n;
        len -= n;
    }
    if (!len || s->unsent->len + len > OUT_MAX)
        return;
    g_byte_array_append(s->unsent, buf, len);
    if (!s->out_source)
        s->out_source = g_unix_fd_add(s->out, G_IO_OUT, output_ready, s);
}

static void chrsocket_write(void *opaque, const uint8_t *buf, size_t len)
{
    ChrSocket *s = opaque;
    if (!s->telnet) {
        send_raw(s, buf, len);
        return;
    }
    static const uint8_t iac = IAC;
    for (size_t start = 0, n = 0; n < len; n++) { /* a data byte of 255 is sent twice */
        if (buf[n] == IAC)
            send_raw(s, &iac, 1);
        if (n + 1 == len || buf[n + 1] == IAC || buf[n] == IAC) {
            send_raw(s, buf + start, n + 1 - start);
            start = n + 1;
        }
    }
}

/* Take telnet's commands out of buf. Returns what is left. */
static size_t telnet_filter(ChrSocket *s, uint8_t *buf, size_t len)
{
    size_t out = 0;
    for (size_t n = 0; n < len; n++) {
        uint8_t c = buf[n];
        switch (s->telnet_state) {
        case TEL_DATA:
            if (c == IAC)
                s->telnet_state = TEL_IAC;
            else if (c) /* the 0 or LF after CR is no key: LF is dropped by who asks for lines */
                buf[out++] = c;
            break;
        case TEL_IAC:
            s->telnet_state = c >= WILL && c <= DONT ? TEL_OPTION : c == SB ? TEL_SB : TEL_DATA;
            if (c == IAC)
                buf[out++] = c;
            else if (c == TELNET_BREAK)
                chardev_receive_break(s->chr);
            else if (c == TELNET_IP)
                buf[out++] = 3;
            break;
        case TEL_OPTION:
            s->telnet_state = TEL_DATA;
            break;
        case TEL_SB:
            if (c == IAC)
                s->telnet_state = TEL_SB_IAC;
            break;
        case TEL_SB_IAC:
            s->telnet_state = c == SE ? TEL_DATA : TEL_SB;
            break;
        }
    }
    return out;
}

static gboolean input_ready(int fd, GIOCondition condition, gpointer opaque)
{
    ChrSocket *s = opaque;
    uint8_t buf[4096];
    gboolean again = G_SOURCE_CONTINUE;

    g_mutex_lock(s->lock);
    size_t room = MIN(chardev_can_receive(s->chr), sizeof buf);
    if (!room) { /* until the device says accept(); a hang-up is noticed then */
        s->in_source = 0;
        again = G_SOURCE_REMOVE;
    } else {
        ssize_t n = read(fd, buf, room);
        if (n > 0) {
            size_t len = s->telnet ? telnet_filter(s, buf, n) : (size_t)n;
            if (len)
                chardev_receive(s->chr, buf, len);
            again = s->in_source ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            s->in_source = 0;
            again = G_SOURCE_REMOVE;
            hang_up(s);
        }
    }
    g_mutex_unlock(s->lock);
    return again;
}

static void watch_input(ChrSocket *s)
{
    if (s->in >= 0 && !s->in_source)
        s->in_source = g_unix_fd_add(s->in, G_IO_IN | G_IO_HUP | G_IO_ERR, input_ready, s);
}

static void connected(ChrSocket *s, int fd)
{
    static const uint8_t hello[] = {IAC, WILL, OPT_ECHO, IAC, WILL, OPT_SGA, IAC, WILL, OPT_BINARY, IAC, DO,
            OPT_BINARY};
    int one = 1;
    s->in = s->out = fd;
    s->is_socket = true;
    s->telnet_state = TEL_DATA;
    g_unix_set_fd_nonblocking(fd, TRUE, NULL);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (s->telnet)
        send_raw(s, hello, sizeof hello);
    watch_input(s);
    chardev_opened(s->chr, true);
}

static gboolean accept_ready(int fd, GIOCondition condition, gpointer opaque)
{
    ChrSocket *s = opaque;
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (peer < 0)
        return G_SOURCE_CONTINUE;
    g_mutex_lock(s->lock);
    s->listen_source = 0;
    connected(s, peer);
    g_mutex_unlock(s->lock);
    return G_SOURCE_REMOVE;
}

static void chrsocket_accept(void *opaque)
{
    watch_input(opaque);
}

static const ChardevBackendOps ops = {.write = chrsocket_write, .accept = chrsocket_accept};

static bool open_socket(ChrSocket *s, const char *dev, bool serve, GError **error)
{
    SocketOptions o;
    bool ok = parse_options(dev, strchr(dev, ':') + 1, &o, error);
    if (serve) {
        o.server = true;
        o.wait = false;
    }
    int fd = !ok ? -1 : g_str_has_prefix(dev, "unix:") ? open_unix(s, dev, &o, error) : open_tcp(dev, &o, error);
    g_free(o.address);
    if (fd < 0)
        return false;
    if (!o.server) {
        connected(s, fd);
        return true;
    }
    s->listener = fd;
    if (o.wait) {
        g_printerr("x86vm: waiting for a connection to %s\n", dev);
        struct pollfd p = {fd, POLLIN, 0};
        while (poll(&p, 1, -1) < 0 && errno == EINTR)
            ;
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (peer >= 0) {
            connected(s, peer);
            return true;
        }
    }
    s->listen_source = g_unix_fd_add(fd, G_IO_IN, accept_ready, s);
    return true;
}

ChrSocket *chrsocket_new(Chardev *chr, const char *dev, bool serve, GMutex *lock, GError **error)
{
    ChrSocket *s = g_new0(ChrSocket, 1);
    bool ok;
    s->chr = chr;
    s->lock = lock;
    s->listener = s->in = s->out = s->pty_slave = -1;
    s->telnet = g_str_has_prefix(dev, "telnet:");
    s->unsent = g_byte_array_new();
    chr->back = &ops;
    chr->back_opaque = s;
    if (!strcmp(dev, "pty"))
        ok = open_pty(s, dev, error);
    else if (g_str_has_prefix(dev, "pipe:"))
        ok = open_pipe(s, dev, error);
    else
        ok = open_socket(s, dev, serve, error);
    if (!ok) {
        chrsocket_free(s);
        return NULL;
    }
    if (s->in >= 0) {
        g_unix_set_fd_nonblocking(s->in, TRUE, NULL);
        watch_input(s);
    }
    return s;
}

void chrsocket_free(ChrSocket *s)
{
    if (!s)
        return;
    drop(&s->listen_source);
    drop(&s->in_source);
    drop(&s->out_source);
    if (s->out >= 0 && s->out != s->in)
        close(s->out);
    if (s->in >= 0)
        close(s->in);
    if (s->listener >= 0)
        close(s->listener);
    if (s->pty_slave >= 0)
        close(s->pty_slave);
    if (s->path)
        unlink(s->path);
    s->chr->back = NULL;
    g_free(s->path);
    g_byte_array_unref(s->unsent);
    g_free(s);
}

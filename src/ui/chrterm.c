/*
 * Standard input and output as a serial back end.
 *
 * Input is read only when the device has room, so nothing typed or piped is lost. Output is written within a millisecond: a
 * reader that stops reading stops the guest, as a serial line with hardware flow control does.
 */
#include "ui/chrterm.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ui/chrbatch.h"

#define ESCAPE 1 /* Ctrl-A */

struct ChrTerm {
    Chardev *chr;
    GMutex *lock;
    ChrTermCommands commands;
    bool escape, escaped;
    bool raw;
    bool ended; /* end of input */
    bool closed; /* output went away */
    struct termios saved;
    GSource *source;
    ChrBatch *out;
    GByteArray *pending; /* typed, but not yet taken by the device */
};

static void write_all(void *opaque, const uint8_t *p, size_t len)
{
    ChrTerm *t = opaque;
    while (len && !t->closed) {
        ssize_t n = write(STDOUT_FILENO, p, len);
        if (n > 0) {
            p += n;
            len -= n;
        } else if (errno == EAGAIN) {
            struct pollfd fd = {STDOUT_FILENO, POLLOUT, 0};
            poll(&fd, 1, -1);
        } else if (errno != EINTR) {
            t->closed = true;
        }
    }
}

static void print(ChrTerm *t, const char *text)
{
    chrbatch_add(t->out, (const uint8_t *)text, strlen(text));
}

static void chrterm_write(void *opaque, const uint8_t *buf, size_t len)
{
    ChrTerm *t = opaque;
    chrbatch_add(t->out, buf, len);
}

static void watch_input(ChrTerm *t);

/* Give the device what it has room for. */
static void deliver(ChrTerm *t)
{
    while (t->pending->len) {
        size_t n = MIN(chardev_can_receive(t->chr), t->pending->len);
        if (n == 0)
            return;
        chardev_receive(t->chr, t->pending->data, n);
        g_byte_array_remove_range(t->pending, 0, n);
    }
}

static void chrterm_accept(void *opaque)
{
    deliver(opaque);
    watch_input(opaque);
}

static const ChardevBackendOps chrterm_ops = {.write = chrterm_write, .accept = chrterm_accept};

/* A byte after Ctrl-A. True: it goes to the guest after all. */
static bool take_command(ChrTerm *t, uint8_t key)
{
    t->escaped = false;
    switch (key) {
    case ESCAPE:
        return true;
    case 'b':
        chardev_receive_break(t->chr);
        return false;
    case 'h':
    case '?':
        print(t, "\r\nC-a h    print this help\r\nC-a x    end x86vm\r\nC-a b    send break\r\nC-a c    the monitor, and back\r\nC-a C-a  send C-a\r\n");
        return false;
    case 'x':
        print(t, "x86vm: terminated\r\n");
        if (t->commands.quit)
            t->commands.quit(t->commands.opaque);
        return false;
    default:
        if (t->commands.command)
            t->commands.command(t->commands.opaque, key);
        return false;
    }
}

static void take_input(ChrTerm *t, const uint8_t *buf, size_t len)
{
    for (size_t n = 0; n < len; n++) {
        if (t->escape && !t->escaped && buf[n] == ESCAPE) {
            t->escaped = true;
            deliver(t); /* what was typed before a change of focus is for the device that had it */
        } else if (!t->escaped || take_command(t, buf[n])) {
            g_byte_array_append(t->pending, &buf[n], 1);
        }
    }
    deliver(t);
}

static gboolean input_ready(int fd, GIOCondition condition, gpointer opaque)
{
    ChrTerm *t = opaque;
    uint8_t buf[256];
    gboolean keep = G_SOURCE_CONTINUE;

    g_mutex_lock(t->lock);
    /* a device without room holds a pipe back, but never a terminal: Ctrl-A x must work with a hung guest */
    bool full = t->pending->len > 0 && !(t->escape && t->raw);
    ssize_t n = full ? -1 : read(fd, buf, sizeof buf);
    if (n > 0)
        take_input(t, buf, n);
    else if (!full && (n == 0 || (errno != EAGAIN && errno != EINTR)))
        t->ended = true;
    if (full || t->ended) {
        g_source_unref(t->source);
        t->source = NULL;
        keep = G_SOURCE_REMOVE;
    }
    g_mutex_unlock(t->lock);
    return keep;
}

static void watch_input(ChrTerm *t)
{
    if (t->source || t->ended || t->pending->len)
        return;
    t->source = g_unix_fd_source_new(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR);
    g_source_set_callback(t->source, (GSourceFunc)(void (*)(void))input_ready, t, NULL);
    g_source_attach(t->source, NULL);
}

ChrTerm *chrterm_new(Chardev *chr, GMutex *lock, bool escape, bool signals, ChrTermCommands commands)
{
    ChrTerm *t = g_new0(ChrTerm, 1);
    t->chr = chr;
    t->lock = lock;
    t->escape = escape;
    t->commands = commands;
    t->pending = g_byte_array_new();
    t->out = chrbatch_new(write_all, t, lock);
    chr->back = &chrterm_ops;
    chr->back_opaque = t;
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &t->saved) == 0) {
        struct termios raw = t->saved;
        cfmakeraw(&raw);
        raw.c_oflag |= OPOST | ONLCR;
        if (signals)
            raw.c_lflag |= ISIG;
        t->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    watch_input(t);
    return t;
}

void chrterm_flush(ChrTerm *t)
{
    chrbatch_flush(t->out);
}

void chrterm_free(ChrTerm *t)
{
    if (!t)
        return;
    if (t->source) {
        g_source_destroy(t->source);
        g_source_unref(t->source);
    }
    chrbatch_free(t->out);
    if (t->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &t->saved);
    t->chr->back = NULL;
    g_byte_array_unref(t->pending);
    g_free(t);
}

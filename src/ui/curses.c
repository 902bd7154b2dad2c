/*
 * The screen on a text terminal: a screen module on ncursesw.
 *
 * A text mode is shown in the terminal's own characters and colours; of a graphics mode only its size is told. Esc 2 (or
 * Alt-2) goes to the monitor, Esc 1 back. What the program says on stderr would spoil the picture, so it goes to the monitor's
 * page as long as the terminal is ours.
 *
 * One thread does all of curses. It sleeps in poll() on the terminal, on an eventfd by which others wake it, and on the
 * pipe that stands for stderr.
 *
 * 1. The guest's screen. 2. The monitor's page. 3. Keys. 4. The thread. 5. Opening and closing.
 */
#include "config.h"

#include "ui/cursesscreen.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { GUEST_LEFTCTRL = 29, GUEST_LEFTSHIFT = 42, GUEST_LEFTALT = 56 }; /* KEY_* of evdev */

#include "ui/screen.h"
#include "ui/textscreen.h"
#include "ui/viewer.h"

#define PROMPT "(qemu) "
#define STROKE_US 10000    /* between two strokes: a paste must not run over the keyboard's buffer */
#define PAGE_BYTES 65536   /* of the monitor's page that are kept */
#define SEQUENCE_CODE 3000 /* curses' codes from here on are stroke_sequence()'s; its own are far below */
#define ESCAPE_MS 25       /* how long a terminal may take between Esc and the rest of a key */

enum { ESC = 0x1b, DEL = 0x7f, CTRL_U = 'u' & 0x1f };

typedef struct Terminal {
    const ScreenHost *host;
    GThread *thread;
    int wake_fd, stderr_pipe, saved_stderr; /* the last two -1: stderr is no terminal */
    guint winch;
    gint ending, resized; /* atomic */
    GMutex lock;          /* of the fields down to answering, which are written in other threads */
    GCond started;
    bool start_done, failed;
    GString *page; /* what the monitor and stderr said */
    bool answering; /* a command runs */
    GString *said;  /* on stderr: to be said again when the terminal is a plain one */

    SCREEN *curses;
    Viewer viewer;
    DisplayText text;
    bool utf8, colours16, running;
    wchar_t glyph[256];
    bool monitor, redraw;
    GString *line;     /* being typed to the monitor */
    GPtrArray *typed;  /* lines typed before */
    unsigned recalled; /* index there; its length: none */
    GArray *strokes;   /* Stroke, not yet sent */
    gint64 next_stroke;
} Terminal;

static void wake(void *opaque)
{
    Terminal *t = opaque;
    uint64_t one = 1;
    while (write(t->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* ---- 1. the guest's screen ---- */

/* What stands for a character on a terminal that has only ASCII. */
static wchar_t ascii_glyph(gunichar c)
{
    if (c < DEL)
        return (wchar_t)c;
    if (c == 0x2502 || c == 0x2551)
        return L'|';
    if (c == 0x2500 || c == 0x2550)
        return L'-';
    if (c > 0x2500 && c < 0x2580)
        return L'+';
    if (c >= 0x2580 && c < 0x25a0)
        return L'#';
    char utf8[7] = {0};
    g_unichar_to_utf8(c, utf8);
    g_autofree char *ascii = g_str_to_ascii(utf8, "C");
    return (wchar_t)ascii[0];
}

static void make_glyphs(Terminal *t)
{
    for (unsigned code = 0; code < G_N_ELEMENTS(t->glyph); code++) {
        gunichar c = textscreen_char((uint8_t)code);
        t->glyph[code] = t->utf8 ? (wchar_t)c : ascii_glyph(c);
    }
    if (t->utf8)
        t->glyph[0xff] = L' '; /* the no-break space */
}

/* VGA colours have blue in bit 0 and red in bit 2; terminals the other way round. */
static short terminal_colour(unsigned vga)
{
    return (short)((vga & 0xa) | (vga & 1) << 2 | (vga >> 2 & 1));
}

/* Pair 0 can't be set: it is light grey on black, the most common. */
static short pair_of(unsigned foreground, unsigned background)
{
    return (short)((foreground + background * 16) ^ 7);
}

static void make_colours(Terminal *t)
{
    start_color();
    t->colours16 = COLORS >= 16 && COLOR_PAIRS >= 256;
    unsigned shades = t->colours16 ? 16 : 8;
    for (unsigned b = 0; b < shades; b++)
        for (unsigned f = 0; f < shades; f++) {
            short pair = t->colours16 ? pair_of(f, b) : (short)((f + b * 8) ^ 7);
            if (pair)
                init_pair(pair, terminal_colour(f), terminal_colour(b));
        }
}

static void cell_attributes(const Terminal *t, uint8_t vga, attr_t *attributes, short *pair)
{
    unsigned f = vga & 0xf, b = vga >> 4;
    *attributes = A_NORMAL;
    if (t->text.blink) {
        if (b & 8)
            *attributes |= A_BLINK;
        b &= 7;
    }
    if (t->colours16) {
        *pair = pair_of(f, b);
        return;
    }
    if (f & 8)
        *attributes |= A_BOLD;
    *pair = has_colors() ? (short)(((f & 7) + (b & 7) * 8) ^ 7) : 0;
    if (!has_colors() && b && !(f & 7))
        *attributes |= A_REVERSE;
}

/* Where the guest's screen begins: in the middle if there is room, else so that the cursor is seen. */
static int origin(int have, int want, int cursor)
{
    if (want <= have)
        return (have - want) / 2;
    return -CLAMP(cursor - have + 1, 0, want - have);
}

static void draw_text(Terminal *t)
{
    const DisplayText *text = &t->text;
    int top = origin(LINES, text->rows, text->cursor_visible ? text->cursor_y : 0);
    int left = origin(COLS, text->columns, text->cursor_visible ? text->cursor_x : 0);
    for (int y = MAX(0, -top); y < text->rows && y + top < LINES; y++)
        for (int x = MAX(0, -left); x < text->columns && x + left < COLS; x++) {
            uint16_t cell = text->cells[y * text->columns + x];
            wchar_t glyph[2] = {t->glyph[cell & 0xff], 0};
            attr_t attributes;
            short pair;
            cchar_t c;
            cell_attributes(t, (uint8_t)(cell >> 8), &attributes, &pair);
            setcchar(&c, glyph, attributes, pair, NULL);
            mvadd_wch(y + top, x + left, &c);
        }
    bool cursor = text->cursor_visible && text->cursor_y + top < LINES && text->cursor_x + left < COLS;
    curs_set(cursor ? 1 : 0);
    if (cursor)
        move(text->cursor_y + top, text->cursor_x + left);
}

/* Below the guest's screen, where there is room: what runs here and how to leave. */
static void draw_status(Terminal *t)
{
    int y, x;
    getyx(stdscr, y, x);
    const char *name = t->host->name;
    g_autofree char *status = g_strdup_printf("x86vm%s%s%s%s  Esc 2: monitor (quit ends)", name ? " (" : "", name ? name : "",
                                              name ? ")" : "", t->running ? "" : " [stopped]");
    attron(A_REVERSE);
    mvaddnstr(LINES - 1, 0, status, COLS);
    attroff(A_REVERSE);
    move(y, x);
}

static void draw_screen(Terminal *t)
{
    int width = 0, height = 0, rows = 1;
    g_mutex_lock(t->host->lock);
    t->running = t->host->running(t->host->opaque);
    viewer_looks(&t->viewer, false); /* the terminal blinks its cursor itself */
    bool text = display_text(t->host->display, &t->text);
    bool graphics = !text && display_size(t->host->display, &width, &height);
    g_mutex_unlock(t->host->lock);
    erase();
    curs_set(0);
    if (text) {
        draw_text(t);
        rows = t->text.rows;
    } else if (graphics) {
        g_autofree char *note = g_strdup_printf("%dx%d graphics mode", width, height);
        mvaddnstr(LINES / 2, MAX((COLS - (int)strlen(note)) / 2, 0), note, COLS);
    }
    /* The text is centred: the last line is free when at least two are. */
    if (LINES >= rows + 2)
        draw_status(t);
    refresh();
}

/* ---- 2. the monitor's page ---- */

static void page_add(Terminal *t, const char *text, gssize len)
{
    g_mutex_lock(&t->lock);
    g_string_append_len(t->page, text, len);
    if (t->page->len > PAGE_BYTES)
        g_string_erase(t->page, 0, (gssize)(t->page->len - PAGE_BYTES));
    g_mutex_unlock(&t->lock);
}

/* In the main loop's thread. */
static void command_done(void *screen, char *text)
{
    Terminal *t = screen;
    page_add(t, text, -1);
    g_free(text);
    g_mutex_lock(&t->lock);
    t->answering = false;
    g_mutex_unlock(&t->lock);
    wake(t);
}

/* The tail of the page that fits above the prompt; long lines are cut. */
static void draw_monitor(Terminal *t)
{
    erase();
    g_mutex_lock(&t->lock);
    const char *end = t->page->str + t->page->len;
    if (end > t->page->str && end[-1] == '\n')
        end--;
    const char *begin = end;
    int lines = 0;
    while (end > t->page->str && lines < LINES - 1) {
        lines++;
        while (begin > t->page->str && begin[-1] != '\n')
            begin--;
        if (lines == LINES - 1 || begin == t->page->str)
            break;
        begin--;
    }
    int y = 0;
    for (const char *p = begin; lines && p <= end && y < LINES - 1; y++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        g_autofree char *one = g_strndup(p, (gsize)((nl ? nl : end) - p));
        g_strdelimit(one, "\r\033", ' ');
        mvaddnstr(y, 0, one, COLS);
        p = (nl ? nl : end) + 1;
    }
    bool answering = t->answering;
    g_mutex_unlock(&t->lock);
    curs_set(1);
    if (!answering) {
        size_t room = (size_t)MAX(COLS - (int)strlen(PROMPT) - 1, 0);
        mvaddstr(y, 0, PROMPT);
        addstr(t->line->str + (t->line->len > room ? t->line->len - room : 0));
    } else {
        move(y, 0);
    }
    refresh();
}

static void run_line(Terminal *t)
{
    g_autofree char *echo = g_strdup_printf(PROMPT "%s\n", t->line->str);
    page_add(t, echo, -1);
    g_strstrip(t->line->str);
    if (*t->line->str) {
        g_mutex_lock(&t->lock);
        t->answering = true;
        g_mutex_unlock(&t->lock);
        g_ptr_array_add(t->typed, g_strdup(t->line->str));
        t->host->command(t->host->opaque, t->line->str, command_done, t);
    }
    t->recalled = t->typed->len;
    g_string_truncate(t->line, 0);
}

static void recall(Terminal *t, int by)
{
    t->recalled = (unsigned)CLAMP((int)t->recalled + by, 0, (int)t->typed->len);
    g_string_assign(t->line, t->recalled < t->typed->len ? t->typed->pdata[t->recalled] : "");
}

static void monitor_key(Terminal *t, wint_t c, bool is_key)
{
    g_mutex_lock(&t->lock);
    bool answering = t->answering;
    g_mutex_unlock(&t->lock);
    if (answering)
        return;
    if (is_key ? c == KEY_BACKSPACE : c == DEL || c == '\b')
        g_string_truncate(t->line, t->line->len ? t->line->len - 1 : 0);
    else if (is_key && c == KEY_UP)
        recall(t, -1);
    else if (is_key && c == KEY_DOWN)
        recall(t, 1);
    else if (!is_key && c == CTRL_U)
        g_string_truncate(t->line, 0);
    else if (is_key ? c == KEY_ENTER : c == '\r' || c == '\n')
        run_line(t);
    else if (!is_key && c >= ' ' && c < DEL)
        g_string_append_c(t->line, (char)c);
}

/* ---- 3. keys ---- */

static void send_stroke(Terminal *t, Stroke s)
{
    static const struct {
        unsigned bit, key;
    } modifiers[] = {{STROKE_CTRL, GUEST_LEFTCTRL}, {STROKE_ALT, GUEST_LEFTALT}, {STROKE_SHIFT, GUEST_LEFTSHIFT}};
    const Input *in = t->host->input;
    g_mutex_lock(t->host->lock);
    for (unsigned n = 0; n < G_N_ELEMENTS(modifiers); n++)
        if (s.modifiers & modifiers[n].bit)
            input_key(in, modifiers[n].key, true);
    input_key(in, s.key, true);
    input_key(in, s.key, false);
    for (unsigned n = G_N_ELEMENTS(modifiers); n-- > 0;)
        if (s.modifiers & modifiers[n].bit)
            input_key(in, modifiers[n].key, false);
    g_mutex_unlock(t->host->lock);
}

/* Send what may be sent now. */
static void send_strokes(Terminal *t)
{
    gint64 now = g_get_monotonic_time();
    if (!t->strokes->len || now < t->next_stroke)
        return;
    send_stroke(t, g_array_index(t->strokes, Stroke, 0));
    g_array_remove_index(t->strokes, 0);
    t->next_stroke = now + STROKE_US;
}

static void show(Terminal *t, bool monitor)
{
    t->monitor = monitor;
    t->redraw = true;
    clearok(curscr, TRUE);
}

static void define_sequences(void)
{
    char sequence[STROKE_SEQUENCE];
    Stroke s;
    for (unsigned n = 0; stroke_sequence(n, sequence, &s); n++)
        define_key(sequence, SEQUENCE_CODE + (int)n);
}

static Stroke key_stroke(wint_t code)
{
    char sequence[STROKE_SEQUENCE];
    Stroke s = {0};
    if (code >= SEQUENCE_CODE) {
        stroke_sequence(code - SEQUENCE_CODE, sequence, &s);
        return s;
    }
    const char *name = keyname((int)code);
    return name ? stroke_of_key(name) : s;
}

static void take_key(Terminal *t, wint_t c, bool is_key, bool alt)
{
    if (alt && !is_key && (c == '1' || c == '2')) {
        show(t, c == '2');
    } else if (t->monitor) {
        if (!alt)
            monitor_key(t, c, is_key);
        t->redraw = true;
    } else {
        Stroke s = is_key ? key_stroke(c) : stroke_of_char(c);
        s.modifiers |= alt ? STROKE_ALT : 0;
        if (s.key)
            g_array_append_val(t->strokes, s);
    }
}

/* Esc and another key at once is Alt with that key: so terminals say it, and so it can be typed where Alt is taken. */
static void take_keys(Terminal *t)
{
    wint_t c;
    int kind;
    bool alt = false;
    for (;;) {
        timeout(alt ? ESCAPE_MS : 0);
        kind = get_wch(&c);
        if (kind == ERR)
            break;
        if (kind == OK && c == ESC && !alt) {
            alt = true;
            continue;
        }
        take_key(t, c, kind == KEY_CODE_YES, alt);
        alt = false;
    }
    if (alt)
        take_key(t, ESC, false, false);
}

/* ---- 4. the thread ---- */

static void resize(Terminal *t)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resize_term(size.ws_row, size.ws_col);
    clearok(curscr, TRUE);
    t->redraw = true;
}

static void take_stderr(Terminal *t)
{
    char buf[1024];
    ssize_t n = read(t->stderr_pipe, buf, sizeof buf);
    if (n > 0) {
        page_add(t, buf, n);
        g_string_append_len(t->said, buf, n);
        if (t->said->len > PAGE_BYTES)
            g_string_erase(t->said, 0, (gssize)(t->said->len - PAGE_BYTES));
    }
    t->redraw |= t->monitor;
}

static int wait_ms(Terminal *t)
{
    gint64 wait = t->monitor ? -1 : viewer_wait(&t->viewer);
    if (t->strokes->len) {
        gint64 stroke = MAX(t->next_stroke - g_get_monotonic_time(), 0);
        wait = wait < 0 ? stroke : MIN(wait, stroke);
    }
    return t->redraw ? 0 : wait < 0 ? -1 : (int)((wait + 999) / 1000);
}

static void run(Terminal *t)
{
    struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {t->wake_fd, POLLIN, 0}, {t->stderr_pipe, POLLIN, 0}};
    while (!g_atomic_int_get(&t->ending)) {
        uint64_t count;
        poll(fds, G_N_ELEMENTS(fds), wait_ms(t));
        if ((fds[1].revents & POLLIN) && read(t->wake_fd, &count, sizeof count) > 0)
            t->redraw |= t->monitor;
        if (fds[2].revents & POLLIN)
            take_stderr(t);
        if (g_atomic_int_compare_and_exchange(&t->resized, 1, 0))
            resize(t);
        if (fds[0].revents & POLLIN)
            take_keys(t);
        if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) {
            t->host->quit(t->host->opaque, 1); /* the terminal went away */
            fds[0].fd = -1;
        }
        send_strokes(t);
        if (!t->monitor && (t->redraw || viewer_wait(&t->viewer) == 0))
            draw_screen(t);
        else if (t->monitor && t->redraw)
            draw_monitor(t);
        t->redraw = false;
    }
}

static bool start_curses(Terminal *t)
{
    t->curses = newterm(NULL, stdout, stdin);
    if (!t->curses)
        return false;
    set_term(t->curses);
    set_escdelay(ESCAPE_MS);
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    define_sequences();
    make_colours(t);
    make_glyphs(t);
    return true;
}

static gpointer terminal_thread(gpointer opaque)
{
    Terminal *t = opaque;
    bool ok = start_curses(t);
    g_mutex_lock(&t->lock);
    t->failed = !ok;
    t->start_done = true;
    g_cond_signal(&t->started);
    g_mutex_unlock(&t->lock);
    if (!ok)
        return NULL;
    run(t);
    endwin();
    delscreen(t->curses);
    return NULL;
}

/* ---- 5. opening and closing ---- */

static gboolean on_winch(gpointer opaque)
{
    Terminal *t = opaque;
    g_atomic_int_set(&t->resized, 1);
    wake(t);
    return G_SOURCE_CONTINUE;
}

static void take_stderr_over(Terminal *t)
{
    int fds[2];
    t->stderr_pipe = t->saved_stderr = -1;
    if (!isatty(STDERR_FILENO) || !g_unix_open_pipe(fds, FD_CLOEXEC, NULL))
        return;
    t->saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    t->stderr_pipe = fds[0];
}

static void give_stderr_back(Terminal *t)
{
    char buf[1024];
    ssize_t n;
    if (t->saved_stderr < 0)
        return;
    dup2(t->saved_stderr, STDERR_FILENO); /* which was the pipe's last end for writing: reading comes to an end */
    while ((n = read(t->stderr_pipe, buf, sizeof buf)) > 0)
        g_string_append_len(t->said, buf, n);
    fputs(t->said->str, stderr);
    close(t->saved_stderr);
    close(t->stderr_pipe);
}

static GThread *start_thread(Terminal *t)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t all, old;
    sigfillset(&all);
    for (unsigned n = 0; n < G_N_ELEMENTS(faults); n++)
        sigdelset(&all, faults[n]);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    GThread *thread = g_thread_new("terminal", terminal_thread, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return thread;
}

static void terminal_free(Terminal *t)
{
    g_thread_join(t->thread);
    viewer_done(&t->viewer);
    g_source_remove(t->winch);
    give_stderr_back(t);
    close(t->wake_fd);
    display_text_clear(&t->text);
    g_string_free(t->page, TRUE);
    g_string_free(t->said, TRUE);
    g_string_free(t->line, TRUE);
    g_ptr_array_unref(t->typed);
    g_array_unref(t->strokes);
    g_mutex_clear(&t->lock);
    g_cond_clear(&t->started);
    g_free(t);
}

static bool fail(GError **error, const char *why)
{
    g_set_error(error, g_quark_from_static_string("x86vm-screen"), 0, "-display curses: %s", why);
    return false;
}

/* newterm() would end the process for some of these. */
static bool usable(GError **error)
{
    const char *term = g_getenv("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return fail(error, "standard input and output are no terminal");
    if (!term || !*term || !strcmp(term, "dumb"))
        return fail(error, "TERM names no terminal that can be drawn on");
    return true;
}

static void *terminal_open(const ScreenHost *host, GError **error)
{
    if (!usable(error))
        return NULL;
    setlocale(LC_CTYPE, "");
    Terminal *t = g_new0(Terminal, 1);
    t->host = host;
    t->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    t->page = g_string_new("x86vm monitor; Esc 1 goes back to the screen, help lists the commands, quit ends\n");
    t->said = g_string_new(NULL);
    t->line = g_string_new(NULL);
    t->typed = g_ptr_array_new_with_free_func(g_free);
    t->strokes = g_array_new(FALSE, FALSE, sizeof(Stroke));
    g_mutex_init(&t->lock);
    g_cond_init(&t->started);
    take_stderr_over(t);
    t->winch = g_unix_signal_add(SIGWINCH, on_winch, t); /* before curses, which then takes none itself */
    viewer_init(&t->viewer, host->display, host->lock, wake, t);
    t->thread = start_thread(t);
    g_mutex_lock(&t->lock);
    while (!t->start_done)
        g_cond_wait(&t->started, &t->lock);
    bool failed = t->failed;
    g_mutex_unlock(&t->lock);
    if (!failed)
        return t;
    terminal_free(t);
    fail(error, "this TERM is not known here");
    return NULL;
}

static void terminal_state_changed(void *screen)
{
    Terminal *t = screen;
    viewer_touch(&t->viewer);
}

static void terminal_close(void *screen)
{
    Terminal *t = screen;
    g_atomic_int_set(&t->ending, 1);
    wake(t);
    terminal_free(t);
}

__attribute__((visibility("default"))) extern const ScreenModule x86vm_screen_module;
const ScreenModule x86vm_screen_module = {SCREEN_MODULE_VERSION, terminal_open, terminal_state_changed, terminal_close};

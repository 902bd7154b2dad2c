/*
 * The window: a screen module on SDL2.
 *
 * One thread does all of SDL. It sleeps in SDL_WaitEvent() until the user does something, the display tells of a change, or
 * the cursor blinks; then it looks at the display under the machine lock, and draws without it. A second one wakes it: to push
 * an event SDL may write to the X server, which whoever tells of a change, with the machine lock held, must not wait for.
 *
 * 1. Drawing. 2. The window: size, full screen, title, closing. 3. Mouse and keys. 4. The thread.
 *
 * The keys with Ctrl-Alt are QEMU's: F full screen, G mouse, U the picture's own size, + and - scale; and P stops the machine.
 */
#include "config.h"

#include "ui/sdlwindow.h"

#define SDL_MAIN_HANDLED
#include <SDL.h>
#include <errno.h>
#include <gmodule.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ui/screen.h"
#include "ui/viewer.h"

#define ZOOM_STEP 0.25
#define ZOOM_MAX 8.0

enum { MIN_WIDTH = 160, MIN_HEIGHT = 100 };

/* What the close button has done. */
typedef enum Closing { CLOSE_NOT, CLOSE_ASKED, CLOSE_UNHEARD } Closing;

typedef struct Window {
    const ScreenHost *host;
    GThread *thread, *waker;
    int wake_fd; /* eventfd that the waker reads */
    gint lost;   /* atomic: the X server went away, and with it both threads */
    GMutex start_lock;
    GCond started;
    bool start_done;
    char *failure; /* why it could not start; NULL: it did */
    gint ending;   /* atomic: the thread is to end */
    Uint32 wake_event;

    Viewer viewer;
    DisplaySurface surface;
    bool running;

    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture; /* of the surface's size; NULL: the host cannot */
    bool visible, full_screen;
    double zoom;
    int own_width, own_height; /* the size that we gave the window: while it has it, it follows the picture */

    Closing closing;
    bool grabbed, grabbed_by_full_screen;
    unsigned buttons;                /* INPUT_* held */
    bool down[SDL_NUM_SCANCODES];    /* what the guest thinks is held */
} Window;

/* ---- 1. drawing ---- */

/* Where the picture goes: as large as fits, its sides in proportion. */
static SDL_Rect picture_place(Window *w)
{
    int width, height;
    SDL_GetRendererOutputSize(w->renderer, &width, &height);
    double scale = fmin((double)width / w->surface.width, (double)height / w->surface.height);
    /* whole steps keep pixels sharp; between them they are smoothed */
    SDL_SetTextureScaleMode(w->texture, scale == floor(scale) ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
    int shown_width = MAX((int)lround(w->surface.width * scale), 1), shown_height = MAX((int)lround(w->surface.height * scale), 1);
    return (SDL_Rect){(width - shown_width) / 2, (height - shown_height) / 2, shown_width, shown_height};
}

static void present(Window *w)
{
    SDL_SetRenderDrawColor(w->renderer, 0, 0, 0, SDL_ALPHA_OPAQUE);
    SDL_RenderClear(w->renderer);
    if (w->texture) {
        SDL_Rect place = picture_place(w);
        SDL_RenderCopy(w->renderer, w->texture, NULL, &place);
    }
    SDL_RenderPresent(w->renderer);
}

static void upload(Window *w, const DisplayRect *r)
{
    SDL_Rect rect = {r->x, r->y, r->width, r->height};
    if (w->texture)
        SDL_UpdateTexture(w->texture, &rect, w->surface.pixels + (size_t)r->y * w->surface.width + r->x,
                          w->surface.width * (int)sizeof(uint32_t));
}

static void new_texture(Window *w)
{
    if (w->texture)
        SDL_DestroyTexture(w->texture);
    w->texture = SDL_CreateTexture(w->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING, w->surface.width,
                                   w->surface.height);
    upload(w, &(DisplayRect){0, 0, w->surface.width, w->surface.height});
}

/* Look at the display, in the surface alone. */
static DisplayChange look_at(Window *w, DisplayRect *changed)
{
    g_mutex_lock(w->host->lock);
    w->running = w->host->running(w->host->opaque);
    viewer_looks(&w->viewer, w->running);
    DisplayChange change = display_refresh(w->host->display, &w->surface, changed);
    g_mutex_unlock(w->host->lock);
    return change;
}

static void fit_window(Window *w);

static void look(Window *w)
{
    DisplayRect changed;
    DisplayChange change = look_at(w, &changed);
    if (change == DISPLAY_SAME)
        return;
    if (change == DISPLAY_RESIZED) {
        new_texture(w);
        fit_window(w);
    } else {
        upload(w, &changed);
    }
    present(w);
}

/* ---- 2. the window ---- */

static void set_title(Window *w)
{
    const char *name = w->host->name;
    const char *state = w->running ? "" : " [stopped]";
    const char *hint = w->closing == CLOSE_ASKED     ? " - the guest was asked to power off; close again to end at once"
                       : w->closing == CLOSE_UNHEARD ? " - the guest does not listen to the power button; close again to end"
                       : w->grabbed                  ? " - Press Ctrl-Alt-G to release"
                                                     : "";
    g_autofree char *title = g_strdup_printf("x86vm%s%s%s%s%s", name ? " (" : "", name ? name : "", name ? ")" : "", state, hint);
    if (g_strcmp0(title, SDL_GetWindowTitle(w->window)))
        SDL_SetWindowTitle(w->window, title);
}

/* The window's size for the present picture, within what the desktop has room for. */
static void picture_size(Window *w, int *width, int *height)
{
    SDL_Rect room;
    double scale = w->zoom;
    if (SDL_GetDisplayUsableBounds(w->window ? MAX(SDL_GetWindowDisplayIndex(w->window), 0) : 0, &room) == 0)
        scale = fmin(scale, fmin((double)room.w / w->surface.width, (double)room.h / w->surface.height));
    *width = MAX((int)(w->surface.width * scale), MIN_WIDTH);
    *height = MAX((int)(w->surface.height * scale), MIN_HEIGHT);
}

static void resize_window(Window *w)
{
    picture_size(w, &w->own_width, &w->own_height);
    SDL_SetWindowSize(w->window, w->own_width, w->own_height);
}

/* The picture has another size: the window follows, unless the user has chosen its size. */
static void fit_window(Window *w)
{
    int width, height;
    SDL_GetWindowSize(w->window, &width, &height);
    if (!w->full_screen && width == w->own_width && height == w->own_height)
        resize_window(w);
}

static void set_zoom(Window *w, double zoom)
{
    if (w->full_screen)
        return;
    w->zoom = CLAMP(zoom, ZOOM_STEP, ZOOM_MAX);
    resize_window(w);
}

static void set_grab(Window *w, bool grab)
{
    if (grab == w->grabbed)
        return;
    w->grabbed = grab;
    SDL_SetRelativeMouseMode(grab ? SDL_TRUE : SDL_FALSE);
    SDL_SetWindowKeyboardGrab(w->window, grab ? SDL_TRUE : SDL_FALSE);
    set_title(w);
}

static void set_full_screen(Window *w, bool full)
{
    if (SDL_SetWindowFullscreen(w->window, full ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) < 0)
        return;
    w->full_screen = full;
    if (full && !w->grabbed) {
        set_grab(w, true);
        w->grabbed_by_full_screen = true;
    } else if (!full && w->grabbed_by_full_screen) {
        set_grab(w, false);
        w->grabbed_by_full_screen = false;
    }
    if (!full)
        resize_window(w); /* for a picture that changed meanwhile */
    present(w);
}

/* The close button: the first time it is the guest's power button. */
static void close_pressed(Window *w)
{
    const ScreenHost *h = w->host;
    if (h->options.no_close)
        return;
    if (w->closing != CLOSE_NOT) {
        h->quit(h->opaque, 0);
        return;
    }
    g_mutex_lock(h->lock);
    w->closing = h->power_button(h->opaque) ? CLOSE_ASKED : CLOSE_UNHEARD;
    g_mutex_unlock(h->lock);
    set_title(w);
}

/* ---- 3. mouse and keys ---- */

static void send_mouse(Window *w, int dx, int dy, int dz)
{
    g_mutex_lock(w->host->lock);
    input_mouse(w->host->input, dx, dy, dz, w->buttons);
    g_mutex_unlock(w->host->lock);
}

static void send_key(Window *w, SDL_Scancode code, bool down)
{
    unsigned key = sdl_key(code);
    if (!key || w->down[code] == down)
        return;
    w->down[code] = down;
    g_mutex_lock(w->host->lock);
    input_key(w->host->input, key, down);
    g_mutex_unlock(w->host->lock);
}

/* The keyboard goes elsewhere: what is held now will be released where we don't see it. */
static void release_all(Window *w)
{
    for (unsigned code = 0; code < SDL_NUM_SCANCODES; code++)
        if (w->down[code])
            send_key(w, code, false);
    if (w->buttons) {
        w->buttons = 0;
        send_mouse(w, 0, 0, 0);
    }
}

/* A key with Ctrl and Alt. True: it is for us. */
static bool take_hotkey(Window *w, SDL_Scancode code)
{
    switch (code) {
    case SDL_SCANCODE_F:
        set_full_screen(w, !w->full_screen);
        return true;
    case SDL_SCANCODE_G:
        w->grabbed_by_full_screen = false;
        set_grab(w, !w->grabbed);
        return true;
    case SDL_SCANCODE_U:
        set_zoom(w, 1);
        return true;
    case SDL_SCANCODE_EQUALS:
    case SDL_SCANCODE_KP_PLUS:
        set_zoom(w, w->zoom + ZOOM_STEP);
        return true;
    case SDL_SCANCODE_MINUS:
    case SDL_SCANCODE_KP_MINUS:
        set_zoom(w, w->zoom - ZOOM_STEP);
        return true;
    case SDL_SCANCODE_P:
        w->host->pause(w->host->opaque);
        return true;
    default:
        return false;
    }
}

static void take_key(Window *w, const SDL_KeyboardEvent *e)
{
    SDL_Scancode code = e->keysym.scancode;
    bool down = e->type == SDL_KEYDOWN;
    if (e->repeat) /* the guest's keyboard repeats by itself */
        return;
    if (down && (e->keysym.mod & KMOD_CTRL) && (e->keysym.mod & KMOD_LALT) && take_hotkey(w, code))
        return;
    send_key(w, code, down);
}

static void take_button(Window *w, const SDL_MouseButtonEvent *e)
{
    static const unsigned bits[] = {[SDL_BUTTON_LEFT] = INPUT_LEFT, [SDL_BUTTON_MIDDLE] = INPUT_MIDDLE,
                                    [SDL_BUTTON_RIGHT] = INPUT_RIGHT, [SDL_BUTTON_X1] = INPUT_SIDE, [SDL_BUTTON_X2] = INPUT_EXTRA};
    unsigned bit = e->button < G_N_ELEMENTS(bits) ? bits[e->button] : 0;
    bool down = e->type == SDL_MOUSEBUTTONDOWN;
    if (!w->grabbed) {
        if (down && e->button == SDL_BUTTON_LEFT)
            set_grab(w, true); /* this click is ours */
        return;
    }
    unsigned buttons = down ? w->buttons | bit : w->buttons & ~bit;
    if (buttons == w->buttons)
        return;
    w->buttons = buttons;
    send_mouse(w, 0, 0, 0);
}

static void take_wheel(Window *w, const SDL_MouseWheelEvent *e)
{
    if (w->grabbed)
        send_mouse(w, 0, 0, e->direction == SDL_MOUSEWHEEL_FLIPPED ? e->y : -e->y);
}

/* ---- 4. the thread ---- */

static void take_window_event(Window *w, const SDL_WindowEvent *e)
{
    switch (e->event) {
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_SIZE_CHANGED:
        present(w);
        break;
    case SDL_WINDOWEVENT_MINIMIZED:
    case SDL_WINDOWEVENT_HIDDEN:
        w->visible = false;
        break;
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_RESTORED:
    case SDL_WINDOWEVENT_MAXIMIZED:
        w->visible = true;
        present(w);
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        release_all(w);
        set_grab(w, false);
        break;
    case SDL_WINDOWEVENT_CLOSE:
        close_pressed(w);
        break;
    default:
        break;
    }
}

static void take_event(Window *w, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_WINDOWEVENT:
        take_window_event(w, &e->window);
        break;
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        take_key(w, &e->key);
        break;
    case SDL_MOUSEMOTION:
        if (w->grabbed && e->motion.which != SDL_TOUCH_MOUSEID)
            send_mouse(w, e->motion.xrel, e->motion.yrel, 0);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        take_button(w, &e->button);
        break;
    case SDL_MOUSEWHEEL:
        take_wheel(w, &e->wheel);
        break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        new_texture(w);
        present(w);
        break;
    default:
        break;
    }
}

static void run(Window *w)
{
    while (!g_atomic_int_get(&w->ending) && !g_atomic_int_get(&w->lost)) {
        gint64 wait = w->visible ? viewer_wait(&w->viewer) : -1;
        SDL_Event e;
        int some = wait < 0 ? SDL_WaitEvent(&e) : SDL_WaitEventTimeout(&e, (int)((wait + 999) / 1000));
        for (; some; some = SDL_PollEvent(&e))
            take_event(w, &e);
        if (w->visible && viewer_wait(&w->viewer) == 0)
            look(w);
        g_mutex_lock(w->host->lock);
        w->running = w->host->running(w->host->opaque);
        g_mutex_unlock(w->host->lock);
        set_title(w);
    }
}

static void set_hints(const ScreenOptions *o)
{
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_QUIT_ON_LAST_WINDOW_CLOSE, "0");
    SDL_SetHint(SDL_HINT_APP_NAME, "x86vm");
    if (o->show_cursor)
        SDL_SetHint("SDL_MOUSE_RELATIVE_CURSOR_VISIBLE", "1");
}

/*
 * Left to itself SDL would in the end take a driver that shows nothing, and libwayland complain of what is not set: so it is
 * told which to try, unless the user has (SDL_VIDEODRIVER). False, with the error set: there is no window system.
 */
static bool init_video(void)
{
    const char *display = g_getenv("DISPLAY"), *socket = g_getenv("WAYLAND_DISPLAY");
    bool wayland = g_getenv("WAYLAND_SOCKET") || g_getenv("XDG_RUNTIME_DIR") || (socket && *socket == '/');
    bool chosen = g_getenv("SDL_VIDEODRIVER") != NULL;
    if (!chosen)
        SDL_SetHint(SDL_HINT_VIDEODRIVER, wayland ? "x11,wayland,KMSDRM" : "x11,KMSDRM");
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) == 0)
        return true;
    if (!chosen && display && *display)
        SDL_SetError("nobody answers at DISPLAY=%s", display);
    else if (!chosen)
        SDL_SetError("there is no window system here; DISPLAY and WAYLAND_DISPLAY tell where one is");
    return false;
}

static void catch_lost_connection(void);

static bool open_window(Window *w)
{
    set_hints(&w->host->options);
    if (!init_video())
        return false;
    catch_lost_connection();
    w->wake_event = SDL_RegisterEvents(1);
    SDL_StopTextInput(); /* keys by position: input methods would keep some for themselves */
    DisplayRect all;
    look_at(w, &all);
    picture_size(w, &w->own_width, &w->own_height);
    w->window = SDL_CreateWindow("x86vm", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, w->own_width, w->own_height,
                                 SDL_WINDOW_RESIZABLE);
    if (!w->window)
        return false;
    SDL_SetWindowMinimumSize(w->window, MIN_WIDTH, MIN_HEIGHT);
    w->renderer = SDL_CreateRenderer(w->window, -1, 0);
    if (!w->renderer)
        w->renderer = SDL_CreateRenderer(w->window, -1, SDL_RENDERER_SOFTWARE);
    if (!w->renderer)
        return false;
    w->visible = true;
    new_texture(w);
    set_title(w);
    if (w->host->options.full_screen)
        set_full_screen(w, true);
    present(w);
    return true;
}

static void close_window(Window *w)
{
    if (w->texture)
        SDL_DestroyTexture(w->texture);
    if (w->renderer)
        SDL_DestroyRenderer(w->renderer);
    if (w->window)
        SDL_DestroyWindow(w->window);
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
}

static void wake(void *opaque)
{
    Window *w = opaque;
    uint64_t one = 1;
    while (write(w->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static GPrivate this_window; /* of the thread: Xlib's handler gets nothing else */

static gpointer waker_thread(gpointer opaque)
{
    Window *w = opaque;
    uint64_t count;
    g_private_set(&this_window, w);
    while (read(w->wake_fd, &count, sizeof count) > 0 || errno == EINTR) {
        SDL_Event e = {.type = w->wake_event};
        SDL_PushEvent(&e);
        if (g_atomic_int_get(&w->ending))
            break;
    }
    return NULL;
}

/* Tell window_open() how the start went; failure: why it failed, or NULL. False: it knows already. */
static bool started(Window *w, const char *failure)
{
    g_mutex_lock(&w->start_lock);
    bool first = !w->start_done;
    if (first) {
        w->failure = g_strdup(failure);
        w->start_done = true;
        g_cond_signal(&w->started);
    }
    g_mutex_unlock(&w->start_lock);
    return first;
}

/*
 * The X server went away. Xlib would end the process here and now; instead the machine ends as by a signal, its disks in
 * order. The thread cannot go on, as it may hold locks of Xlib and SDL.
 */
static int connection_lost(void *display)
{
    Window *w = g_private_get(&this_window);
    if (w && !g_atomic_int_exchange(&w->lost, 1) && !started(w, "the window system went away")) {
        g_printerr("x86vm: the window system went away; ending\n");
        w->host->quit(w->host->opaque, 1);
    }
    for (;;)
        pause();
    return 0;
}

static void catch_lost_connection(void)
{
    gpointer set;
    GModule *xlib = g_strcmp0(SDL_GetCurrentVideoDriver(), "x11") ? NULL : g_module_open("libX11.so.6", G_MODULE_BIND_LAZY);
    if (xlib && g_module_symbol(xlib, "XSetIOErrorHandler", &set))
        ((int (*(*)(int (*)(void *)))(void *))set)(connection_lost);
}

static gpointer window_thread(gpointer opaque)
{
    Window *w = opaque;
    g_private_set(&this_window, w);
    if (open_window(w)) {
        started(w, NULL);
        run(w);
        if (g_atomic_int_get(&w->lost))
            return NULL;
    } else {
        started(w, SDL_GetError());
    }
    close_window(w);
    return NULL;
}

/* Signals are the main thread's, and the guest's engines'. */
static GThread *start_thread(Window *w, const char *name, GThreadFunc main)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t all, old;
    sigfillset(&all);
    for (unsigned n = 0; n < G_N_ELEMENTS(faults); n++)
        sigdelset(&all, faults[n]);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    GThread *thread = g_thread_new(name, main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return thread;
}

static void leave_now(int status, void *unused)
{
    fflush(NULL);
    _exit(status);
}

static void window_free(Window *w)
{
    viewer_done(&w->viewer);
    if (g_atomic_int_get(&w->lost)) {
        on_exit(leave_now, NULL); /* the threads stay, and have the window: what libraries do at exit would wait for them */
        return;
    }
    g_thread_join(w->thread);
    if (w->waker)
        g_thread_join(w->waker);
    close(w->wake_fd);
    display_surface_clear(&w->surface);
    g_mutex_clear(&w->start_lock);
    g_cond_clear(&w->started);
    g_free(w->failure);
    g_free(w);
}

static void *window_open(const ScreenHost *host, GError **error)
{
    Window *w = g_new0(Window, 1);
    w->host = host;
    w->zoom = 1;
    g_mutex_init(&w->start_lock);
    g_cond_init(&w->started);
    w->wake_fd = eventfd(0, EFD_CLOEXEC);
    viewer_init(&w->viewer, host->display, host->lock, wake, w);
    w->thread = start_thread(w, "window", window_thread);
    g_mutex_lock(&w->start_lock);
    while (!w->start_done)
        g_cond_wait(&w->started, &w->start_lock);
    g_mutex_unlock(&w->start_lock);
    if (!w->failure) {
        w->waker = start_thread(w, "window-waker", waker_thread);
        return w;
    }
    g_set_error(error, g_quark_from_static_string("x86vm-screen"), 0, "-display sdl: no window: %s", w->failure);
    window_free(w);
    return NULL;
}

static void window_state_changed(void *screen)
{
    Window *w = screen;
    viewer_touch(&w->viewer);
    wake(w); /* a hidden window does not look, but has a title */
}

static void window_close(void *screen)
{
    Window *w = screen;
    g_atomic_int_set(&w->ending, 1);
    wake(w);
    window_free(w);
}

__attribute__((visibility("default"))) extern const ScreenModule x86vm_screen_module;
const ScreenModule x86vm_screen_module = {SCREEN_MODULE_VERSION, window_open, window_state_changed, window_close};

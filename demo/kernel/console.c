/*
 * The console: what is printed goes to the text screen and to COM1, what is typed comes from the keyboard and from
 * COM1.
 *
 * Typed characters wait in a queue and are echoed and edited when somebody reads, so that a script may type ahead and
 * the transcript is still in order. Ctrl-C acts at once: it ends the process in the foreground.
 */
#include "kernel/kernel.h"

#define SCREEN ((volatile uint16_t *)(KERNEL_BASE + 0xb8000))
#define BIOS_CURSOR ((const uint8_t *)(KERNEL_BASE + 0x450)) /* column, row */
#define COLUMNS 80
#define ROWS 25
#define BLANK 0x0720 /* a space, light grey on black */
#define CRTC 0x3d4
#define QUEUE 1024
#define CTRL_C 3
#define CTRL_D 4
#define DELETE 127

static unsigned column, row;
static char queue[QUEUE];
static unsigned queue_in, queue_out; /* counted without end; the place is their remainder */
static int foreground;

static void cursor_show(void)
{
    unsigned place = row * COLUMNS + column;
    outw(CRTC, 0x0e | (place & 0xff00));
    outw(CRTC, 0x0f | place << 8);
}

static void scroll(void)
{
    for (unsigned n = 0; n < COLUMNS * ROWS; n++)
        SCREEN[n] = n < COLUMNS * (ROWS - 1) ? SCREEN[n + COLUMNS] : BLANK;
    row--;
}

static void screen_put(char c)
{
    if (c == '\n') {
        column = 0;
        row++;
    } else if (c == '\b') {
        column -= column > 0;
    } else {
        SCREEN[row * COLUMNS + column] = (BLANK & 0xff00) | (uint8_t)c;
        if (++column == COLUMNS) {
            column = 0;
            row++;
        }
    }
    if (row == ROWS)
        scroll();
    cursor_show();
}

/* The BIOS printed first: go on below it. */
void console_init(void)
{
    column = BIOS_CURSOR[0] % COLUMNS;
    row = BIOS_CURSOR[1] % ROWS;
}

void console_put(char c)
{
    screen_put(c);
    serial_put(c);
}

static void put_to_console(void *to, char c)
{
    (void)to;
    console_put(c);
}

void console_printf(const char *text, ...)
{
    va_list values;
    va_start(values, text);
    format(put_to_console, NULL, text, values);
    va_end(values);
}

/* A Ctrl-C that came just before was meant for it too. */
void console_set_foreground(int pid)
{
    foreground = pid;
    if (pid && queue_in != queue_out && queue[(queue_in - 1) % QUEUE] == CTRL_C) {
        queue_in--;
        process_kill(pid);
    }
}

bool console_has_room(void)
{
    return queue_in - queue_out < QUEUE;
}

void console_receive(char c)
{
    if (c == CTRL_C && foreground) {
        process_kill(foreground);
        return;
    }
    queue[queue_in++ % QUEUE] = c == '\r' ? '\n' : c;
    process_wake(queue);
}

/* The next character typed; CTRL_C when the reader was killed while waiting. */
static char next_typed(void)
{
    while (queue_in == queue_out) {
        serial_interrupt(); /* perhaps it has what found no room before */
        if (queue_in != queue_out)
            break;
        if (current->killed)
            return CTRL_C;
        process_sleep(queue, FOREVER);
    }
    return queue[queue_out++ % QUEUE];
}

int console_read(char *bytes, int room)
{
    int n = 0;
    while (n < room) {
        char c = next_typed();
        if (c == CTRL_D && n == 0)
            return 0;
        if (c == CTRL_C) {
            console_printf("^C");
            n = 0;
            c = '\n';
        }
        if (c == '\b' || c == DELETE) {
            if (n > 0) {
                n--;
                console_printf("\b \b");
            }
        } else if (c == '\n' || (c >= ' ' && n < room - 1)) {
            console_put(c);
            bytes[n++] = c;
            if (c == '\n')
                break;
        }
    }
    return n;
}

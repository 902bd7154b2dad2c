/* The serial console: with fw_cfg's etc/sercon-port, what goes to the screen by INT 10h goes to that UART too, as text
 * with ANSI cursor movements, and what comes from it is typed. Programs that write video memory are not mirrored. */
#include "bios/bios.h"

#define LSR_DATA 0x01
#define LSR_EMPTY 0x20

/* EBDA_SERCON: the terminal's cursor and colours as far as we know them; input's escape state. */
enum {
    S_COL = EBDA_SERCON, S_ROW, S_ATTR, S_STATE, S_PARAM, S_TICK, S_KNOWN,
};

u16 kbd_key_for(u8 ascii);
void int10_serial(Regs *r);

static u16 uart(void)
{
    return SHARED_FIELD(sercon_port);
}

static void send(u8 c)
{
    u16 port = uart();

    for (u32 n = 0; n < 20000 && !(inb(port + 5) & LSR_EMPTY); n++) {
    }
    outb(port, c);
}

static void send_text(Str s)
{
    while (*s) {
        send(*s++);
    }
}

static void send_uint(u8 value)
{
    if (value >= 100) {
        send('0' + value / 100);
    }
    if (value >= 10) {
        send('0' + value / 10 % 10);
    }
    send('0' + value % 10);
}

/* A character alone, for INT 10h before there is a screen. */
void sercon_char(char c)
{
    if (uart()) {
        send(c);
    }
}

static void set_where(u8 row, u8 col)
{
    ebda_set8(S_ROW, row);
    ebda_set8(S_COL, col);
    ebda_set8(S_KNOWN, 1);
}

static void move_to(u8 row, u8 col)
{
    if (ebda8(S_KNOWN) && ebda8(S_ROW) == row && ebda8(S_COL) == col) {
        return;
    }
    if (ebda8(S_KNOWN) && ebda8(S_ROW) == row && col == 0) {
        send('\r');
    } else {
        send_text(STR("\033["));
        send_uint(row + 1);
        send(';');
        send_uint(col + 1);
        send('H');
    }
    set_where(row, col);
}

/* CGA colour bits are blue, green, red; ANSI's red, green, blue. */
static u8 ansi(u8 colour)
{
    return (colour & 1) << 2 | (colour & 2) | (colour >> 2 & 1);
}

static void set_attr(u8 attr)
{
    if (attr == ebda8(S_ATTR)) {
        return;
    }
    ebda_set8(S_ATTR, attr);
    send_text(STR("\033[0"));
    if (attr & 8) {
        send_text(STR(";1"));
    }
    if ((attr & 0x77) != 0x07) {
        send_text(STR(";3"));
        send('0' + ansi(attr & 7));
        send_text(STR(";4"));
        send('0' + ansi(attr >> 4 & 7));
    }
    send('m');
}

/* CP437's frames and blocks have no place in 7 bits. */
static u8 plain(u8 c)
{
    if (c == 0 || c == 0xff) {
        return ' ';
    }
    if (c == 0xc4 || c == 0xcd) {
        return '-';
    }
    if (c == 0xb3 || c == 0xba) {
        return '|';
    }
    if (c >= 0xb4 && c <= 0xda) {
        return '+';
    }
    if (c == 0x18 || c == 0x1e) {
        return '^';
    }
    if (c == 0x19 || c == 0x1f) {
        return 'v';
    }
    if (c == 0x10 || c == 0x1a) {
        return '>';
    }
    if (c == 0x11 || c == 0x1b) {
        return '<';
    }
    return c < 0x20 || c >= 0x7f ? '?' : c;
}

static void put_at(u8 row, u8 col, u8 c)
{
    move_to(row, col);
    send(plain(c));
    if (col + 1 < (u8)bda16(BDA_VIDEO_COLS)) {
        set_where(row, col + 1);
    } else {
        ebda_set8(S_KNOWN, 0);          /* at the margin terminals differ */
    }
}

static u16 cursor(void)
{
    return bda16(0x50 + 2 * (bda8(BDA_VIDEO_PAGE) & 7));
}

static void teletype(u8 c, u8 row, u8 col)
{
    u8 rows = bda8(BDA_VIDEO_ROWS);

    switch (c) {
    case '\n':
        send('\n');
        if (ebda8(S_KNOWN) && ebda8(S_ROW) == row) {
            set_where(row < rows ? row + 1 : row, ebda8(S_COL));
        } else {
            ebda_set8(S_KNOWN, 0);
        }
        break;
    case '\r':
        send('\r');
        ebda_set8(S_COL, 0);
        break;
    case '\b':
        send('\b');
        if (ebda8(S_COL)) {
            ebda_set8(S_COL, ebda8(S_COL) - 1);
        }
        break;
    case 7:
        send(7);
        break;
    default:
        put_at(row, col, c);
    }
}

static void clear_screen(u8 attr)
{
    set_attr(attr);
    send_text(STR("\033[2J\033[H"));
    set_where(0, 0);
}

static void write_string(Regs *r)
{
    u8 row = r->dh, col = r->dl;

    if (r->al > 3) {
        return;
    }
    for (u16 i = 0; i < r->cx; i++) {
        u8 c = peek8(r->es, r->bp + (r->al & 2 ? 2 * i : i));

        set_attr(r->al & 2 ? peek8(r->es, r->bp + 2 * i + 1) : r->bl);
        if (c == '\r') {
            col = 0;
        } else if (c == '\n') {
            row++;
        } else if (c != 7 && c != 8) {
            put_at(row, col++, c);
        }
    }
}

/* Sees every INT 10h before the VGA BIOS does. */
void int10_serial(Regs *r)
{
    u16 at = cursor();
    u8 rows = bda8(BDA_VIDEO_ROWS);

    if (bda8(BDA_VIDEO_MODE) > 3 && bda8(BDA_VIDEO_MODE) != 7 && r->ah != 0) {
        return;
    }
    switch (r->ah) {
    case 0x00:
        clear_screen(0x07);
        break;
    case 0x02:
        move_to(r->dh, r->dl);
        break;
    case 0x06:
        if (r->cx == 0 && r->dh >= rows && (r->al == 0 || r->al > rows)) {
            clear_screen(r->bh);
        } else if (r->cx == 0 && r->dh >= rows) {
            move_to(rows, 0);
            for (u8 i = 0; i < r->al; i++) {
                send('\n');
            }
        }
        break;
    case 0x09:
        set_attr(r->bl);
        /* fall through */
    case 0x0a:
        for (u16 i = 0; i < r->cx && i < 80; i++) {
            put_at(at >> 8, (u8)at + i, r->al);
        }
        break;
    case 0x0e:
        teletype(r->al, at >> 8, at);
        break;
    case 0x13:
        write_string(r);
        break;
    }
}

void sercon_init(void)
{
    u16 port = uart();
    u32 old = peek32(0, 0x10 * 4);

    if (!port) {
        return;
    }
    outb(port + 3, 0x80);               /* 115200 8N1 */
    outb(port, 1);
    outb(port + 1, 0);
    outb(port + 3, 0x03);
    outb(port + 2, 0x07);
    outb(port + 4, 0x03);
    ebda_set8(S_ATTR, 0x07);
    if (old >> 16 != BIOS_SEG) {
        *(u32 GSEG *)video_vector = old;
        poke32(0, 0x10 * 4, (u32)BIOS_SEG << 16 | (u16)(u32)stub_10_serial);
    }
}

/* Cursor keys and the like: ESC [ letter, ESC O letter, ESC [ number ~. */
static u16 escape_key(u8 final, u8 param)
{
    switch (final) {
    case 'A': return 0x48e0;
    case 'B': return 0x50e0;
    case 'C': return 0x4de0;
    case 'D': return 0x4be0;
    case 'H': return 0x47e0;
    case 'F': return 0x4fe0;
    case 'P': return 0x3b00;
    case 'Q': return 0x3c00;
    case 'R': return 0x3d00;
    case 'S': return 0x3e00;
    case '~':
        switch (param) {
        case 1: case 7: return 0x47e0;
        case 2: return 0x52e0;
        case 3: return 0x53e0;
        case 4: case 8: return 0x4fe0;
        case 5: return 0x49e0;
        case 6: return 0x51e0;
        case 11: case 12: case 13: case 14: case 15: return (0x3b + param - 11) << 8;
        case 17: case 18: case 19: case 20: case 21: return (0x40 + param - 17) << 8;
        case 23: return 0x8500;
        case 24: return 0x8600;
        }
    }
    return 0;
}

static void input(u8 c)
{
    u8 state = ebda8(S_STATE);
    u16 key = 0;

    if (state == 0) {
        if (c == 27) {
            ebda_set8(S_STATE, 1);
            ebda_set8(S_TICK, timer_ticks());
            return;
        }
        key = kbd_key_for(c == 0x7f ? 8 : c == '\n' ? '\r' : c);
    } else if (state == 1 && (c == '[' || c == 'O')) {
        ebda_set8(S_STATE, 2);
        ebda_set8(S_PARAM, 0);
        return;
    } else if (state == 1) {
        ebda_set8(S_STATE, 0);
        kbd_store(0x011b);
        input(c);
        return;
    } else if (c >= '0' && c <= '9') {
        ebda_set8(S_PARAM, ebda8(S_PARAM) * 10 + c - '0');
        return;
    } else {
        ebda_set8(S_STATE, 0);
        key = escape_key(c, ebda8(S_PARAM));
    }
    if (key) {
        kbd_store(key);
    }
}

/*
 * From the timer and INT 16h: takes what has come, as far as the keyboard buffer has room; the rest waits in the port, so
 * that pasted text isn't lost. A byte may be two keys (Esc, then a letter). A lone Esc is known by the silence after it.
 */
void sercon_poll(void)
{
    u16 port = uart();

    if (!port) {
        return;
    }
    for (int n = 0; n < 16; n++) {
        u8 status = inb(port + 5);

        if (status == 0xff || !(status & LSR_DATA) || kbd_room() < 2) {
            break;
        }
        input(inb(port));
    }
    if (ebda8(S_STATE) == 1 && (u8)(timer_ticks() - ebda8(S_TICK)) >= 2) {
        ebda_set8(S_STATE, 0);
        kbd_store(0x011b);
    }
}

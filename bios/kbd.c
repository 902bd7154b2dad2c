/* The keyboard: IRQ 1 turns scan codes of set 1 into the words of BDA's type-ahead buffer (RB INT 09). */
#include "bios/bios.h"

/* BDA 17h */
#define F_RSHIFT 0x01
#define F_LSHIFT 0x02
#define F_CTRL   0x04
#define F_ALT    0x08
#define F_SCROLL 0x10
#define F_NUM    0x20
#define F_CAPS   0x40
#define F_INSERT 0x80
/* BDA 18h: the same keys as held; 01h left Ctrl, 02h left Alt, 04h SysReq, 08h pause */
#define F2_PAUSE 0x08
/* BDA 96h */
#define M_E1 0x01
#define M_E0 0x02
#define M_RCTRL 0x04
#define M_RALT 0x08
#define M_101 0x10
/* BDA 97h */
#define L_MASK 0x07
#define L_ACK 0x10
#define L_UPDATE 0x40

#define KEY_LETTER 1        /* Caps Lock acts as Shift */
#define KEY_PAD 2           /* Num Lock acts as Shift */

typedef struct PACKED Key {
    u16 plain, shift, ctrl, alt;
    u8 kind;
} Key;

#define NONE 0
#define LETTER(scan, c) \
    { scan << 8 | c, scan << 8 | (c - 32), scan << 8 | (c - 96), scan << 8, KEY_LETTER }
#define FKEY(n) { (0x3b + n) << 8, (0x54 + n) << 8, (0x5e + n) << 8, (0x68 + n) << 8, 0 }

/* Indexed by make code; US layout (RB table 00006). */
ROM Key keys[0x59] = {
    [0x01] = { 0x011b, 0x011b, 0x011b, 0x0100, 0 },
    { 0x0231, 0x0221, NONE, 0x7800, 0 }, { 0x0332, 0x0340, 0x0300, 0x7900, 0 },
    { 0x0433, 0x0423, NONE, 0x7a00, 0 }, { 0x0534, 0x0524, NONE, 0x7b00, 0 },
    { 0x0635, 0x0625, NONE, 0x7c00, 0 }, { 0x0736, 0x075e, 0x071e, 0x7d00, 0 },
    { 0x0837, 0x0826, NONE, 0x7e00, 0 }, { 0x0938, 0x092a, NONE, 0x7f00, 0 },
    { 0x0a39, 0x0a28, NONE, 0x8000, 0 }, { 0x0b30, 0x0b29, NONE, 0x8100, 0 },
    { 0x0c2d, 0x0c5f, 0x0c1f, 0x8200, 0 }, { 0x0d3d, 0x0d2b, NONE, 0x8300, 0 },
    { 0x0e08, 0x0e08, 0x0e7f, 0x0e00, 0 }, { 0x0f09, 0x0f00, 0x9400, 0xa500, 0 },
    LETTER(0x10, 'q'), LETTER(0x11, 'w'), LETTER(0x12, 'e'), LETTER(0x13, 'r'), LETTER(0x14, 't'),
    LETTER(0x15, 'y'), LETTER(0x16, 'u'), LETTER(0x17, 'i'), LETTER(0x18, 'o'), LETTER(0x19, 'p'),
    { 0x1a5b, 0x1a7b, 0x1a1b, 0x1a00, 0 }, { 0x1b5d, 0x1b7d, 0x1b1d, 0x1b00, 0 },
    { 0x1c0d, 0x1c0d, 0x1c0a, 0x1c00, 0 },
    [0x1e] = LETTER(0x1e, 'a'), LETTER(0x1f, 's'), LETTER(0x20, 'd'), LETTER(0x21, 'f'), LETTER(0x22, 'g'),
    LETTER(0x23, 'h'), LETTER(0x24, 'j'), LETTER(0x25, 'k'), LETTER(0x26, 'l'),
    { 0x273b, 0x273a, NONE, 0x2700, 0 }, { 0x2827, 0x2822, NONE, 0x2800, 0 }, { 0x2960, 0x297e, NONE, 0x2900, 0 },
    [0x2b] = { 0x2b5c, 0x2b7c, 0x2b1c, 0x2b00, 0 },
    LETTER(0x2c, 'z'), LETTER(0x2d, 'x'), LETTER(0x2e, 'c'), LETTER(0x2f, 'v'), LETTER(0x30, 'b'),
    LETTER(0x31, 'n'), LETTER(0x32, 'm'),
    { 0x332c, 0x333c, NONE, 0x3300, 0 }, { 0x342e, 0x343e, NONE, 0x3400, 0 }, { 0x352f, 0x353f, NONE, 0x3500, 0 },
    [0x37] = { 0x372a, 0x372a, 0x9600, 0x3700, 0 },
    [0x39] = { 0x3920, 0x3920, 0x3920, 0x3920, 0 },
    [0x3b] = FKEY(0), FKEY(1), FKEY(2), FKEY(3), FKEY(4), FKEY(5), FKEY(6), FKEY(7), FKEY(8), FKEY(9),
    [0x47] = { 0x4700, 0x4737, 0x7700, NONE, KEY_PAD }, { 0x4800, 0x4838, 0x8d00, NONE, KEY_PAD },
    { 0x4900, 0x4939, 0x8400, NONE, KEY_PAD }, { 0x4a2d, 0x4a2d, 0x8e00, 0x4a00, 0 },
    { 0x4b00, 0x4b34, 0x7300, NONE, KEY_PAD }, { 0x4cf0, 0x4c35, 0x8f00, NONE, KEY_PAD },
    { 0x4d00, 0x4d36, 0x7400, NONE, KEY_PAD }, { 0x4e2b, 0x4e2b, 0x9000, 0x4e00, 0 },
    { 0x4f00, 0x4f31, 0x7500, NONE, KEY_PAD }, { 0x5000, 0x5032, 0x9100, NONE, KEY_PAD },
    { 0x5100, 0x5133, 0x7600, NONE, KEY_PAD }, { 0x5200, 0x5230, 0x9200, NONE, KEY_PAD },
    { 0x5300, 0x532e, 0x9300, NONE, KEY_PAD },
    [0x56] = { 0x565c, 0x567c, NONE, NONE, 0 },
    { 0x8500, 0x8700, 0x8900, 0x8b00, 0 }, { 0x8600, 0x8800, 0x8a00, 0x8c00, 0 },
};

/* Digit that Alt and a keypad key enter, for make codes 47h-52h. */
ROM u8 pad_digit[] = { 7, 8, 9, 0xff, 4, 5, 6, 0xff, 1, 2, 3, 0 };

/* Puts a key into the type-ahead buffer; false when it is full. */
/* Keys that the buffer still takes. */
u16 kbd_room(void)
{
    u16 size = bda16(BDA_KBD_END) - bda16(BDA_KBD_START), head = bda16(BDA_KBD_HEAD), tail = bda16(BDA_KBD_TAIL);
    u16 used = tail >= head ? tail - head : size - (head - tail);

    return (size - used) / 2 - 1;
}

bool kbd_store(u16 key)
{
    u16 tail = bda16(BDA_KBD_TAIL), next = tail + 2;

    if (next >= bda16(BDA_KBD_END)) {
        next = bda16(BDA_KBD_START);
    }
    if (next == bda16(BDA_KBD_HEAD)) {
        return false;
    }
    bda_set16(tail, key);
    bda_set16(BDA_KBD_TAIL, next);
    return true;
}

/* The LEDs follow BDA 17h: EDh, acknowledge, value, acknowledge; the acknowledges come as interrupts. */
static void leds_start(void)
{
    u8 leds = bda8(BDA_KBD_FLAGS) >> 4 & L_MASK, state = bda8(BDA_KBD_LEDS);

    if (!(state & L_UPDATE) && (state & L_MASK) != leds) {
        bda_set8(BDA_KBD_LEDS, L_UPDATE | leds);
        i8042_write(0x60, 0xed);
    }
}

static bool leds_acknowledge(u8 code)
{
    u8 state = bda8(BDA_KBD_LEDS);

    if (!(state & L_UPDATE) || (code != 0xfa && code != 0xfe)) {
        return false;
    }
    if (code == 0xfa && !(state & L_ACK)) {
        bda_set8(BDA_KBD_LEDS, state | L_ACK);
        i8042_write(0x60, state & L_MASK);
    } else {
        bda_set8(BDA_KBD_LEDS, state & L_MASK);
        leds_start();
    }
    return true;
}

static void hold(u8 offset, u8 bit, bool down)
{
    u8 v = bda8(offset);

    bda_set8(offset, down ? v | bit : v & ~bit);
}

/* Caps, Num, Scroll, Insert: BDA 18h has them held, 17h toggled at the first make only. */
static void toggle(u8 bit, bool down)
{
    u8 held = bda8(BDA_KBD_FLAGS2);

    if (down && !(held & bit)) {
        bda_set8(BDA_KBD_FLAGS, bda8(BDA_KBD_FLAGS) ^ bit);
        if (bit != F_INSERT) {
            leds_start();
        }
    }
    hold(BDA_KBD_FLAGS2, bit, down);
}

static void call(u8 vector, u16 ax)
{
    Regs r;

    regs_clear(&r);
    r.ax = ax;
    call_int(vector, &r);
}

static void break_key(void)
{
    bda_set8(BDA_BREAK, 0x80);
    bda_set16(BDA_KBD_HEAD, bda16(BDA_KBD_START));
    bda_set16(BDA_KBD_TAIL, bda16(BDA_KBD_START));
    call(0x1b, 0);
    kbd_store(0);
}

/* Stops the program until another key; IRQ 1 of that key clears the flag. */
static void pause_key(void)
{
    bda_set8(BDA_KBD_FLAGS2, bda8(BDA_KBD_FLAGS2) | F2_PAUSE);
    pic_eoi(1);
    while (bda8(BDA_KBD_FLAGS2) & F2_PAUSE) {
        irq_wait();
    }
    irq_disable();
}

/* Modifier keys; true when the code was one. */
static bool modifier(u8 code, bool down, bool e0)
{
    u8 flags = bda8(BDA_KBD_FLAGS);

    switch (code) {
    case 0x2a:
        if (!e0) {
            hold(BDA_KBD_FLAGS, F_LSHIFT, down);
        }
        return true;            /* E0 2A: a shift the keyboard makes up */
    case 0x36:
        if (!e0) {
            hold(BDA_KBD_FLAGS, F_RSHIFT, down);
        }
        return true;
    case 0x1d:
        if (e0) {
            hold(BDA_KBD_MODE, M_RCTRL, down);
        } else {
            hold(BDA_KBD_FLAGS2, 0x01, down);
        }
        hold(BDA_KBD_FLAGS, F_CTRL, (bda8(BDA_KBD_MODE) & M_RCTRL) || (bda8(BDA_KBD_FLAGS2) & 0x01));
        return true;
    case 0x38:
        if (e0) {
            hold(BDA_KBD_MODE, M_RALT, down);
        } else {
            hold(BDA_KBD_FLAGS2, 0x02, down);
        }
        hold(BDA_KBD_FLAGS, F_ALT, (bda8(BDA_KBD_MODE) & M_RALT) || (bda8(BDA_KBD_FLAGS2) & 0x02));
        if (!down && bda8(BDA_KBD_ALT) && !(bda8(BDA_KBD_FLAGS) & F_ALT)) {
            kbd_store(bda8(BDA_KBD_ALT));
            bda_set8(BDA_KBD_ALT, 0);
        }
        return true;
    case 0x3a:
        toggle(F_CAPS, down);
        return true;
    case 0x45:
        if (down && (flags & F_CTRL) && !e0) {
            pause_key();
        } else {
            toggle(F_NUM, down);
        }
        return true;
    case 0x46:
        if (down && (e0 || (flags & F_CTRL))) {
            break_key();
        } else {
            toggle(F_SCROLL, down);
        }
        return true;
    case 0x54:
        call(0x15, down ? 0x8500 : 0x8501);
        return true;
    }
    return false;
}

/* E0 codes: grey cursor keys, keypad Enter and slash (RB INT 16/AH=10h). */
static u16 translate_e0(u8 code, u8 flags)
{
    static const GSEG u8 __attribute__((section(".rom"))) alt_code[] = {
        0x97, 0x98, 0x99, 0, 0x9b, 0, 0x9d, 0, 0x9f, 0xa0, 0xa1, 0xa2, 0xa3
    };

    if (code == 0x1c) {
        return flags & F_ALT ? 0xa600 : flags & F_CTRL ? 0xe00a : 0xe00d;
    }
    if (code == 0x35) {
        return flags & F_ALT ? 0xa400 : flags & F_CTRL ? 0x9500 : 0xe02f;
    }
    if (code < 0x47 || code > 0x53 || !alt_code[code - 0x47]) {
        return 0;
    }
    if (flags & F_ALT) {
        return alt_code[code - 0x47] << 8;
    }
    return ((flags & F_CTRL ? keys[code].ctrl : keys[code].plain) & 0xff00) | 0xe0;
}

static u16 translate(u8 code, u8 flags)
{
    const Key GSEG *k;
    bool shift = flags & (F_LSHIFT | F_RSHIFT);

    if (code >= ARRAY_LEN(keys)) {
        return 0;
    }
    k = &keys[code];
    if (flags & F_ALT) {
        return k->alt;
    }
    if (flags & F_CTRL) {
        return k->ctrl;
    }
    if ((k->kind & KEY_LETTER) && (flags & F_CAPS)) {
        shift = !shift;
    }
    if ((k->kind & KEY_PAD) && (flags & F_NUM)) {
        shift = !shift;
    }
    return shift ? k->shift : k->plain;
}

/* The scan code to go with an ASCII character that comes from a serial line. */
u16 kbd_key_for(u8 ascii);
u16 kbd_key_for(u8 ascii)
{
    for (u32 code = 1; code < ARRAY_LEN(keys); code++) {
        if ((keys[code].plain & 0xff) == ascii) {
            return keys[code].plain;
        }
        if ((keys[code].shift & 0xff) == ascii) {
            return keys[code].shift;
        }
    }
    for (u32 code = 1; code < ARRAY_LEN(keys); code++) {
        if ((keys[code].ctrl & 0xff) == ascii) {
            return keys[code].ctrl;
        }
    }
    return ascii;
}

static void make_key(u8 code, bool e0)
{
    u8 flags = bda8(BDA_KBD_FLAGS);
    u16 key;

    if (bda8(BDA_KBD_FLAGS2) & F2_PAUSE) {
        hold(BDA_KBD_FLAGS2, F2_PAUSE, false);
        return;
    }
    if (code == 0x53 && (flags & (F_CTRL | F_ALT)) == (F_CTRL | F_ALT)) {
        bda_set16(BDA_RESET, 0x1234);
        reset_machine();
    }
    if (code == 0x37 && (e0 ? !(flags & F_CTRL) : (flags & (F_LSHIFT | F_RSHIFT)) && !(flags & (F_CTRL | F_ALT)))) {
        pic_eoi(1);
        call(0x05, 0);
        return;
    }
    if ((flags & F_ALT) && !e0 && code >= 0x47 && code <= 0x52 && pad_digit[code - 0x47] != 0xff) {
        bda_set8(BDA_KBD_ALT, bda8(BDA_KBD_ALT) * 10 + pad_digit[code - 0x47]);
        return;
    }
    if (code == 0x52 && (e0 || translate(code, flags) == 0x5200)) {
        toggle(F_INSERT, true);
    }
    key = e0 ? translate_e0(code, flags) : translate(code, flags);
    if (e0 && code == 0x37) {
        key = 0x7200;           /* Ctrl-PrtSc */
    }
    if (key) {
        kbd_store(key);
    }
}

static void process(u8 code)
{
    u8 mode = bda8(BDA_KBD_MODE);
    bool down = !(code & 0x80), e0 = mode & M_E0;

    if (code == 0xe0) {
        bda_set8(BDA_KBD_MODE, mode | M_E0);
        return;
    }
    if (code == 0xe1) {
        bda_set8(BDA_KBD_MODE, mode | M_E1);
        return;
    }
    if (mode & M_E1) {          /* Pause: E1 1D 45 E1 9D C5 */
        if ((code & 0x7f) == 0x45) {
            bda_set8(BDA_KBD_MODE, mode & ~M_E1);
            if (down && !(bda8(BDA_KBD_FLAGS2) & F2_PAUSE)) {
                pause_key();
            }
        }
        return;
    }
    bda_set8(BDA_KBD_MODE, mode & ~M_E0);
    code &= 0x7f;
    if (modifier(code, down, e0)) {
        return;
    }
    if (down) {
        make_key(code, e0);
    } else if (code == 0x52) {
        toggle(F_INSERT, false);
    }
}

void irq1_keyboard(Regs *r);
void irq1_keyboard(Regs *r)
{
    Regs n;
    u8 status = inb(0x64), code;

    if ((status & 0x21) != 0x01) {
        pic_eoi(1);
        return;
    }
    code = inb(0x60);
    if (!leds_acknowledge(code)) {
        regs_clear(&n);
        n.ah = 0x4f;            /* keyboard intercept, RB INT 15/AH=4Fh */
        n.al = code;
        n.flags = FLAG_CF;
        call_int(0x15, &n);
        irq_disable();
        if (n.flags & FLAG_CF) {
            process(n.al);
        }
    }
    pic_eoi(1);
}

void kbd_init(void)
{
    int answer;

    while (inb(0x64) & 1) {
        inb(0x60);
    }
    i8042_write(0x64, 0xaa);    /* controller self-test */
    answer = i8042_read(100);
    i8042_write(0x64, 0xae);
    i8042_write(0x64, 0xa8);
    i8042_write(0x64, 0x60);    /* command byte: translate, both clocks, no interrupts yet */
    i8042_write(0x60, 0x44);
    i8042_write(0x60, 0xff);    /* keyboard reset: FA, AA */
    if (answer >= 0 && i8042_read(200) >= 0) {
        i8042_read(500);
    }
    i8042_write(0x60, 0xf4);
    i8042_read(50);
    i8042_write(0x64, 0x60);
    i8042_write(0x60, 0x45 | 0x02 | 0x04);
    pic_unmask(1);
}

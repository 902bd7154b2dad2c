/* The keyboard: scan codes of set 1, as the 8042 translates them, become characters of a US keyboard. */
#include "kernel/kernel.h"

#define DATA 0x60
#define STATUS 0x64
#define STATUS_FULL 1
#define RELEASED 0x80
enum { KEY_CONTROL = 0x1d, KEY_LEFT_SHIFT = 0x2a, KEY_RIGHT_SHIFT = 0x36 };
#define CONTROL(letter) ((letter) & 0x1f)

static const char plain[] = "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static bool shift, control;

void keyboard_init(void)
{
    while (inb(STATUS) & STATUS_FULL)
        inb(DATA);
    pic_unmask(1);
    pic_unmask(4);
}

void keyboard_interrupt(void)
{
    uint8_t code = inb(DATA), key = code & ~RELEASED;
    bool pressed = !(code & RELEASED);
    counters.keyboard++;
    if (key == KEY_LEFT_SHIFT || key == KEY_RIGHT_SHIFT)
        shift = pressed;
    else if (key == KEY_CONTROL)
        control = pressed;
    else if (pressed && key < sizeof plain - 1 && plain[key] && console_has_room())
        console_receive(control ? CONTROL(plain[key]) : shift ? shifted[key] : plain[key]);
}

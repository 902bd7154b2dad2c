/* Text for the user: INT 10h teletype, and a copy to debug port 402h. */
#include "bios/bios.h"

#define DEBUG_PORT 0x402

void put_char(char c)
{
    Regs r;

    if (c == '\n') {
        put_char('\r');
    }
    regs_clear(&r);
    r.ah = 0x0e;
    r.al = c;
    r.bx = 7;
    call_int(0x10, &r);
    outb(DEBUG_PORT, c);
}

void put_text(Str s)
{
    for (; *s; s++) {
        put_char(*s);
    }
}

void put_uint(u32 value)
{
    u32 scale = 1000000000;
    bool started = false;

    for (; scale; scale /= 10) {
        u32 digit = value / scale;

        value -= digit * scale;
        if (digit || started || scale == 1) {
            put_char('0' + digit);
            started = true;
        }
    }
}

void put_hex(u32 value, int digits)
{
    while (digits--) {
        u8 d = value >> digits * 4 & 15;

        put_char(d < 10 ? '0' + d : 'a' + d - 10);
    }
}

/* INT 16h: keyboard services (RB INT 16). */
#include "bios/bios.h"

static bool peek_key(u16 *key)
{
    u16 head;
    bool any;
    u16 flags = irq_save();

    sercon_poll();
    head = bda16(BDA_KBD_HEAD);
    any = head != bda16(BDA_KBD_TAIL);
    if (any) {
        *key = bda16(head);
    }
    irq_restore(flags);
    return any;
}

static void drop_key(void)
{
    u16 flags = irq_save(), head = bda16(BDA_KBD_HEAD) + 2;

    bda_set16(BDA_KBD_HEAD, head >= bda16(BDA_KBD_END) ? bda16(BDA_KBD_START) : head);
    irq_restore(flags);
}

/* What functions 00h and 01h show of a key; false for keys that an 84-key keyboard does not have. */
static bool old_key(u16 *key)
{
    u8 scan = *key >> 8, ascii = *key;

    if (scan == 0xe0) {
        *key = (ascii == 0x2f ? 0x3500 : 0x1c00) | ascii;
        return true;
    }
    if (ascii == 0xe0 && scan) {
        *key &= 0xff00;
        ascii = 0;
    }
    return !(ascii == 0xf0 && scan) && !(ascii == 0 && scan > 0x84);
}

static bool next_key(bool extended, u16 *key)
{
    while (peek_key(key)) {
        if (extended) {
            if ((*key & 0xff) == 0xf0 && *key >> 8) {
                *key &= 0xff00;
            }
            return true;
        }
        if (old_key(key)) {
            return true;
        }
        drop_key();
    }
    return false;
}

void int16(Regs *r);
void int16(Regs *r)
{
    bool extended = r->ah & 0x10;
    u8 flags2, mode;
    u16 key;

    switch (r->ah) {
    case 0x00:                  /* read */
    case 0x10:
        while (!next_key(extended, &key)) {
            irq_wait();
        }
        drop_key();
        r->ax = key;
        break;
    case 0x01:                  /* look */
    case 0x11:
        irq_enable();
        if (next_key(extended, &key)) {
            r->ax = key;
            regs_zero(r, false);
        } else {
            regs_zero(r, true);
        }
        break;
    case 0x02:                  /* shift flags */
        r->al = bda8(BDA_KBD_FLAGS);
        break;
    case 0x12:
        flags2 = bda8(BDA_KBD_FLAGS2);
        mode = bda8(BDA_KBD_MODE);
        r->al = bda8(BDA_KBD_FLAGS);
        r->ah = (flags2 & 0x73) | (flags2 & 0x04) << 5 | (mode & 0x0c);
        break;
    case 0x03:                  /* typematic: F3h, delay and rate */
        if (r->al == 0x05 || r->al == 0x00) {
            u8 value = r->al ? (r->bh & 3) << 5 | (r->bl & 0x1f) : 0x2b;
            u16 flags = irq_save();

            i8042_write(0x60, 0xf3);
            if (i8042_read(50) >= 0) {
                i8042_write(0x60, value);
                i8042_read(50);
            }
            irq_restore(flags);
        }
        break;
    case 0x05:                  /* store a key: AL 0 stored, 1 full */
        r->al = !kbd_store(r->cx);
        break;
    case 0x09:                  /* functionality: 10h-12h, 03h/05h */
        r->al = 0x30;
        break;
    case 0x92:                  /* probes for 10h-12h: AH must not stay as it was (RB INT 16/AH=92h, A2h) */
        r->ah = 0x80;
        break;
    }
}

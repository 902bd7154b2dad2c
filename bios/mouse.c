/* The PS/2 mouse: INT 15h/C2xx and IRQ 12 (RB INT 15/AX=C200h ff.). */
#include "bios/bios.h"

#define FLAG_ENABLED_HANDLER 0x80   /* EBDA 27h */
#define STATUS_AUX 0x20

enum { MOUSE_OK = 0, MOUSE_BAD_FUNCTION = 1, MOUSE_BAD_INPUT = 2, MOUSE_INTERFACE = 3, MOUSE_NO_HANDLER = 5 };

/* Sends bytes to the mouse and reads its answer; false when it does not acknowledge. */
static bool command(u8 code, int argument, u8 *answer, int answers)
{
    bool ok = false;
    u16 flags = irq_save();

    i8042_write(0x64, 0xad);            /* hold the keyboard: its bytes must not be mistaken or lost */
    for (int step = 0; step < 2; step++) {
        int byte = step ? argument : code, got = -1;

        if (byte < 0) {
            continue;
        }
        i8042_write(0x64, 0xd4);
        i8042_write(0x60, byte);
        for (int tries = 0; tries < 8; tries++) {
            got = i8042_read(50);
            if (got < 0 || ((got >> 8 & STATUS_AUX) && (got & 0xff) >= 0xfa)) {
                break;
            }
        }
        ok = got >= 0 && (got & 0xff) == 0xfa;
        if (!ok) {
            break;
        }
    }
    for (int i = 0; ok && i < answers; i++) {
        int got = i8042_read(500);

        if (got < 0) {
            ok = false;
        } else {
            answer[i] = got;
        }
    }
    i8042_write(0x64, 0xae);
    irq_restore(flags);
    return ok;
}

static bool set_irq(bool on)
{
    int byte;
    u16 flags = irq_save();

    i8042_write(0x64, 0xad);
    i8042_write(0x64, 0x20);
    byte = i8042_read(50);
    if (byte >= 0) {
        byte = on ? (byte & ~0x20) | 2 : byte & ~2;
        i8042_write(0x64, 0x60);
        i8042_write(0x60, byte & ~0x10);
    }
    i8042_write(0x64, 0xae);
    irq_restore(flags);
    return byte >= 0;
}

void mouse_init(void)
{
    u8 answer[2];

    if (!command(0xff, -1, answer, 2)) {
        bda_set16(BDA_EQUIPMENT, bda16(BDA_EQUIPMENT) & ~4);
    }
    pic_unmask(12);
}

static u8 reset_mouse(Regs *r)
{
    u8 answer[2];

    ebda_set8(EBDA_MOUSE_FLAGS, 0);
    if (!command(0xff, -1, answer, 2)) {
        return MOUSE_INTERFACE;
    }
    r->bl = answer[0];
    r->bh = answer[1];
    return MOUSE_OK;
}

static u8 service(Regs *r)
{
    static const GSEG u8 __attribute__((section(".rom"))) rates[] = { 10, 20, 40, 60, 80, 100, 200 };
    u8 answer[3], flags2 = ebda8(EBDA_MOUSE_FLAGS2);

    switch (r->al) {
    case 0x00:                          /* C200: enable, disable */
        if (r->bh > 1) {
            return MOUSE_BAD_INPUT;
        }
        if (r->bh && !(flags2 & FLAG_ENABLED_HANDLER)) {
            return MOUSE_NO_HANDLER;
        }
        ebda_set8(EBDA_MOUSE_FLAGS, 0);
        set_irq(r->bh);
        return command(r->bh ? 0xf4 : 0xf5, -1, answer, 0) ? MOUSE_OK : MOUSE_INTERFACE;
    case 0x01:                          /* C201: reset */
        return reset_mouse(r);
    case 0x02:                          /* C202: sample rate */
        if (r->bh >= ARRAY_LEN(rates)) {
            return MOUSE_BAD_INPUT;
        }
        return command(0xf3, rates[r->bh], answer, 0) ? MOUSE_OK : MOUSE_INTERFACE;
    case 0x03:                          /* C203: resolution */
        if (r->bh > 3) {
            return MOUSE_BAD_INPUT;
        }
        return command(0xe8, r->bh, answer, 0) ? MOUSE_OK : MOUSE_INTERFACE;
    case 0x04:                          /* C204: device id */
        if (!command(0xf2, -1, answer, 1)) {
            return MOUSE_INTERFACE;
        }
        r->bh = answer[0];
        return MOUSE_OK;
    case 0x05:                          /* C205: initialise, BH bytes a packet */
        if (!r->bh || r->bh > 8) {
            return MOUSE_BAD_INPUT;
        }
        ebda_set8(EBDA_MOUSE_FLAGS2, (flags2 & ~7) | (r->bh - 1));
        return reset_mouse(r);
    case 0x06:                          /* C206: status, scaling */
        if (r->bh == 0) {
            if (!command(0xe9, -1, answer, 3)) {
                return MOUSE_INTERFACE;
            }
            r->bl = answer[0];
            r->cl = answer[1];
            r->dl = answer[2];
            return MOUSE_OK;
        }
        if (r->bh > 2) {
            return MOUSE_BAD_INPUT;
        }
        return command(r->bh == 1 ? 0xe6 : 0xe7, -1, answer, 0) ? MOUSE_OK : MOUSE_INTERFACE;
    case 0x07:                          /* C207: handler ES:BX, 0:0 removes it */
        ebda_set32(EBDA_MOUSE_HANDLER, (u32)r->es << 16 | r->bx);
        if (r->es || r->bx) {
            ebda_set8(EBDA_MOUSE_FLAGS2, flags2 | FLAG_ENABLED_HANDLER);
        } else {
            ebda_set8(EBDA_MOUSE_FLAGS2, flags2 & ~FLAG_ENABLED_HANDLER);
            set_irq(false);
        }
        return MOUSE_OK;
    }
    return MOUSE_BAD_FUNCTION;
}

void mouse_service(Regs *r)
{
    r->ah = service(r);
    regs_carry(r, r->ah != 0);
}

void irq12_mouse(Regs *r);
void irq12_mouse(Regs *r)
{
    u8 flags2 = ebda8(EBDA_MOUSE_FLAGS2), index = ebda8(EBDA_MOUSE_FLAGS) & 7, byte;

    if ((inb(0x64) & 0x21) != 0x21) {
        pic_eoi(12);
        return;
    }
    byte = inb(0x60);
    if (flags2 & FLAG_ENABLED_HANDLER) {
        ebda_set8(EBDA_MOUSE_DATA + index, byte);
        if (index < (flags2 & 7)) {
            ebda_set8(EBDA_MOUSE_FLAGS, index + 1);
        } else {
            u8 z = (flags2 & 7) >= 3 ? ebda8(EBDA_MOUSE_DATA + 3) : 0;

            ebda_set8(EBDA_MOUSE_FLAGS, 0);
            pic_eoi(12);
            call_mouse(ebda32(EBDA_MOUSE_HANDLER),
                       (u32)ebda8(EBDA_MOUSE_DATA) << 16 | ebda8(EBDA_MOUSE_DATA + 1),
                       (u32)ebda8(EBDA_MOUSE_DATA + 2) << 16 | z);
            return;
        }
    }
    pic_eoi(12);
}

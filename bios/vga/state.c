/* What there is and how it stands: INT 10h/12xx, 1Axx, 1Bxx, and saving it: 1Cxx, 4F04h. */
#include "bios/vga/vga.h"

#define DCC_VGA_COLOUR 8

/* RB table 00040: modes 00h-13h but 08h-0Ch, scan lines 200/350/400, 2 fonts of 8 blocks, all functions. */
ROM u8 static_functionality[16] = { 0xff, 0xe0, 0x0f, 0, 0, 0, 0, 0x07, 0x02, 0x08, 0xe7, 0x0c, 0, 0, 0, 0 };

void alternate_service(Regs *r)
{
    u8 flags = bda8(V_FLAGS);

    switch (r->bl) {
    case 0x10:                          /* EGA information */
        r->bh = bda16(V_CRTC) == 0x3b4;
        r->bl = 3;                      /* 256 KiB */
        r->ch = bda8(V_SWITCHES) >> 4;
        r->cl = bda8(V_SWITCHES) & 15;
        break;
    case 0x20:                          /* print screen is POST's, and knows rows */
        break;
    case 0x30:                          /* scan lines of text modes: our text modes have 400 */
        if (r->al <= 2) {
            flags &= ~0x90;
            bda_set8(V_FLAGS, flags | (r->al == 0 ? 0x80 : r->al == 2 ? 0x10 : 0));
            r->al = 0x12;
        }
        break;
    case 0x31:
        bda_set8(V_FLAGS, r->al & 1 ? flags | FLAG_NO_PALETTE : flags & ~FLAG_NO_PALETTE);
        r->al = 0x12;
        break;
    case 0x32:                          /* memory addressing */
        outb(MISC_WRITE, (inb(MISC_READ) & ~2) | (r->al & 1 ? 0 : 2));
        r->al = 0x12;
        break;
    case 0x33:
        bda_set8(V_FLAGS, r->al & 1 ? flags & ~FLAG_GREY : flags | FLAG_GREY);
        r->al = 0x12;
        break;
    case 0x34:                          /* cursor emulation */
        bda_set8(V_CONTROL, (bda8(V_CONTROL) & ~1) | (r->al & 1));
        r->al = 0x12;
        break;
    case 0x36:                          /* screen off */
        reg_write(SEQ_PORT, 1, (reg_read(SEQ_PORT, 1) & ~0x20) | (r->al & 1) << 5);
        r->al = 0x12;
        break;
    }
}

void display_service(Regs *r)
{
    if (r->al == 0) {
        r->bx = bda8(V_DCC);
        r->al = 0x1a;
    } else if (r->al == 1) {
        bda_set8(V_DCC, r->bl);
        r->al = 0x1a;
    }
}

/* RB table 00039: 64 bytes at ES:DI. */
void functionality(Regs *r)
{
    ModePtr m = mode_current();
    u16 seg = r->es, at = r->di;

    if (r->bx != 0) {
        return;
    }
    for (u16 i = 0; i < 64; i++) {
        poke8(seg, at + i, 0);
    }
    poke32(seg, at, (u32)VGA_SEG << 16 | (u32)static_functionality);
    for (u16 i = 0; i < 30; i++) {      /* 49h-66h, as they are in the BDA */
        u8 v = bda8(V_MODE + i);

        poke8(seg, at + 4 + i, v);
    }
    for (u16 i = 0; i < 3; i++) {
        u8 v = bda8(V_ROWS + i);

        poke8(seg, at + 0x22 + i, i == 0 ? v + 1 : v);
    }
    poke8(seg, at + 0x25, bda8(V_DCC));
    poke16(seg, at + 0x27, !m || m->kind == KIND_LINEAR ? 256 : m->kind == KIND_CGA4 ? 4 : m->kind == KIND_CGA2 ? 2 :
                           m->palette == PALETTE_MONO ? 0 : 16);
    poke8(seg, at + 0x29, m ? m->pages : 1);
    poke8(seg, at + 0x2a, !m || m->crtc[0x12] == 0xdf ? 3 : m->kind == KIND_TEXT ? 2 : m->crtc[0x12] == 0x5d ? 1 : 0);
    poke8(seg, at + 0x2d, 0x01 | (bda8(V_FLAGS) & FLAG_GREY) | (bda8(V_FLAGS) & FLAG_NO_PALETTE) |
                          (bda8(V_CONTROL) & 1 ? 0 : 0x10) | (bda8(V_MODE_REG) & 0x20));
    poke8(seg, at + 0x31, 3);           /* 256 KiB */
    r->al = 0x1b;
}

/* A saved state: 1 registers, 2 BDA, 4 DAC, 8 VBE; each part has a fixed size, in this order. */
#define SAVED_REGISTERS 0x60
#define SAVED_BDA 0x40
#define SAVED_DAC 0x304
#define SAVED_VBE 0x20

u16 state_size(u16 what)
{
    return (what & 1 ? SAVED_REGISTERS : 0) + (what & 2 ? SAVED_BDA : 0) + (what & 4 ? SAVED_DAC : 0) +
           (what & 8 ? SAVED_VBE : 0);
}

static void save_range(u16 seg, u16 at, u16 from, u16 bytes)
{
    for (u16 i = 0; i < bytes; i++) {
        u8 v = bda8(from + i);

        poke8(seg, at + i, v);
    }
}

static void restore_range(u16 seg, u16 at, u16 to, u16 bytes)
{
    for (u16 i = 0; i < bytes; i++) {
        u8 v = peek8(seg, at + i);

        bda_set8(to + i, v);
    }
}

void state_save(u16 what, u16 seg, u16 at)
{
    u16 crtc = crtc_port();

    if (what & 1) {
        poke8(seg, at, inb(SEQ_PORT));
        poke8(seg, at + 1, inb(crtc));
        poke8(seg, at + 2, inb(GFX_PORT));
        poke8(seg, at + 3, inb(MISC_READ));
        poke16(seg, at + 4, crtc);
        for (u8 i = 0; i < 5; i++) {
            poke8(seg, at + 8 + i, reg_read(SEQ_PORT, i));
        }
        for (u8 i = 0; i < 25; i++) {
            poke8(seg, at + 0x10 + i, reg_read(crtc, i));
        }
        for (u8 i = 0; i < 21; i++) {
            poke8(seg, at + 0x30 + i, attr_read(i));
        }
        for (u8 i = 0; i < 9; i++) {
            poke8(seg, at + 0x48 + i, reg_read(GFX_PORT, i));
        }
        outb(SEQ_PORT, peek8(seg, at));
        outb(crtc, peek8(seg, at + 1));
        outb(GFX_PORT, peek8(seg, at + 2));
        at += SAVED_REGISTERS;
    }
    if (what & 2) {
        save_range(seg, at, V_MODE, 0x1e);
        save_range(seg, at + 0x1e, V_ROWS, 7);
        poke8(seg, at + 0x25, bda8(V_EQUIPMENT) & 0x30);
        poke32(seg, at + 0x28, peek32(BDA_SEG, V_SAVE_POINTER));
        poke32(seg, at + 0x2c, peek32(0, 0x1f * 4));
        poke32(seg, at + 0x30, peek32(0, 0x43 * 4));
        at += SAVED_BDA;
    }
    if (what & 4) {
        poke8(seg, at, inb(DAC_MASK));
        outb(DAC_READ_INDEX, 0);
        for (u16 i = 0; i < 768; i++) {
            poke8(seg, at + 4 + i, inb(DAC_DATA));
        }
        at += SAVED_DAC;
    }
    if (what & 8) {
        for (u16 i = 0; i < 10; i++) {
            poke16(seg, at + 2 * i, vbe_present() ? dispi_read(i) : 0);
        }
    }
}

void state_restore(u16 what, u16 seg, u16 at)
{
    u16 vbe = at + state_size(what & 7);

    if ((what & 8) && vbe_present()) {
        u16 enable = peek16(seg, vbe + 8);

        dispi_write(4, 0);
        if (enable & 1) {
            for (u16 i = 1; i < 4; i++) {
                dispi_write(i, peek16(seg, vbe + 2 * i));
            }
            dispi_write(4, enable | 0x80);
            for (u16 i = 5; i < 10; i++) {
                dispi_write(i, peek16(seg, vbe + 2 * i));
            }
        }
    }
    if (what & 1) {
        u16 crtc = peek16(seg, at + 4);

        outb(MISC_WRITE, peek8(seg, at + 3));
        for (u8 i = 1; i < 5; i++) {
            reg_write(SEQ_PORT, i, peek8(seg, at + 8 + i));
        }
        reg_write(crtc, 0x11, 0x0e);
        for (u8 i = 0; i < 25; i++) {
            reg_write(crtc, i, peek8(seg, at + 0x10 + i));
        }
        for (u8 i = 0; i < 9; i++) {
            reg_write(GFX_PORT, i, peek8(seg, at + 0x48 + i));
        }
        bda_set16(V_CRTC, crtc);
        for (u8 i = 0; i < 21; i++) {
            attr_write(i, peek8(seg, at + 0x30 + i));
        }
        outb(SEQ_PORT, peek8(seg, at));
        outb(crtc, peek8(seg, at + 1));
        outb(GFX_PORT, peek8(seg, at + 2));
        at += SAVED_REGISTERS;
    }
    if (what & 2) {
        restore_range(seg, at, V_MODE, 0x1e);
        restore_range(seg, at + 0x1e, V_ROWS, 7);
        bda_set8(V_EQUIPMENT, (bda8(V_EQUIPMENT) & ~0x30) | peek8(seg, at + 0x25));
        poke32(BDA_SEG, V_SAVE_POINTER, peek32(seg, at + 0x28));
        poke32(0, 0x1f * 4, peek32(seg, at + 0x2c));
        poke32(0, 0x43 * 4, peek32(seg, at + 0x30));
        at += SAVED_BDA;
    }
    if (what & 4) {
        outb(DAC_MASK, peek8(seg, at));
        outb(DAC_WRITE_INDEX, 0);
        for (u16 i = 0; i < 768; i++) {
            outb(DAC_DATA, peek8(seg, at + 4 + i));
        }
    }
}

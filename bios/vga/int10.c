/* INT 10h's dispatch, and the start by POST. */
#include "bios/vga/vga.h"

void vga_post(void);
void int10(Regs *r);
extern u8 int10_entry[];

void vga_post(void)
{
    outb(0x3c3, 1);                     /* the adapter decodes its ports */
    outb(MISC_WRITE, 0x67);
    reg_write(SEQ_PORT, 4, 0x02);
    bda_set8(V_CONTROL, 0x60);          /* 256 KiB, cursor emulation */
    bda_set8(V_SWITCHES, 0xf9);
    bda_set8(V_FLAGS, 0x51);            /* VGA, 400 lines */
    bda_set8(V_DCC, 8);
    poke32(0, 0x10 * 4, (u32)VGA_SEG << 16 | (u32)int10_entry);
    poke32(0, 0x6d * 4, (u32)VGA_SEG << 16 | (u32)int10_entry);
    mode_set(3);
}

void int10(Regs *r)
{
    switch (r->ah) {
    case 0x00:
        mode_set(r->al);
        r->al = (r->al & 0x7f) > 7 ? 0x20 : (r->al & 0x7f) == 6 ? 0x3f : 0x30;
        break;
    case 0x01:
        cursor_shape(r->ch, r->cl);
        break;
    case 0x02:
        cursor_move(r->bh, r->dh, r->dl);
        break;
    case 0x03:
        r->cx = bda16(V_CURSOR_SHAPE);
        r->dx = cursor_get(r->bh);
        break;
    case 0x04:                          /* light pen: none */
        r->ah = 0;
        break;
    case 0x05:
        page_show(r->al);
        break;
    case 0x06:
        scroll(r->ch, r->cl, r->dh, r->dl, r->al, r->bh, false);
        break;
    case 0x07:
        scroll(r->ch, r->cl, r->dh, r->dl, r->al, r->bh, true);
        break;
    case 0x08:
        char_read(r);
        break;
    case 0x09:
        char_write(r->al, r->bl, r->bh, r->cx, true);
        break;
    case 0x0a:
        char_write(r->al, r->bl, r->bh, r->cx, false);
        break;
    case 0x0b:
        cga_palette_service(r);
        break;
    case 0x0c:
        pixel_write(r->cx, r->dx, r->bh, r->al);
        break;
    case 0x0d:
        r->al = pixel_read(r->cx, r->dx, r->bh);
        break;
    case 0x0e:
        teletype(r->al, bda8(V_PAGE), r->bl);
        break;
    case 0x0f:
        r->al = bda8(V_MODE) | (bda8(V_CONTROL) & 0x80);
        r->ah = bda16(V_COLS);
        r->bh = bda8(V_PAGE);
        break;
    case 0x10:
        palette_service(r);
        break;
    case 0x11:
        font_service(r);
        break;
    case 0x12:
        alternate_service(r);
        break;
    case 0x13:
        string_write(r);
        break;
    case 0x1a:
        display_service(r);
        break;
    case 0x1b:
        functionality(r);
        break;
    case 0x1c:
        if (r->al == 0) {
            r->bx = (state_size(r->cx & 7) + 63) / 64;
        } else if (r->al == 1) {
            state_save(r->cx & 7, r->es, r->bx);
        } else if (r->al == 2) {
            state_restore(r->cx & 7, r->es, r->bx);
        } else {
            break;
        }
        r->al = 0x1c;
        break;
    case 0x4f:
        vbe_service(r);
        break;
    }
}

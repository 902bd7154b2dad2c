/* Setting a mode: registers, palette, font, memory, BIOS data area. */
#include "bios/vga/vga.h"

/* Reading input status 1 points 3C0h at its index (either address, as one of the two is decoded). */
static void attr_index(void)
{
    inb(0x3da);
    inb(0x3ba);
}

void attr_write(u8 index, u8 value)
{
    attr_index();
    outb(ATTR_PORT, index);
    outb(ATTR_PORT, value);
    attr_screen(true);
}

u8 attr_read(u8 index)
{
    u8 value;

    attr_index();
    outb(ATTR_PORT, index);
    value = inb(ATTR_READ);
    attr_screen(true);
    return value;
}

/* Bit 5 of the index gives the palette back to the display. */
void attr_screen(bool on)
{
    attr_index();
    outb(ATTR_PORT, on ? 0x20 : 0x00);
    attr_index();
}

void mode_write_registers(ModePtr m)
{
    u16 crtc = m->misc & 1 ? 0x3d4 : 0x3b4;

    attr_screen(false);
    for (u8 i = 0; i < 20; i++) {
        attr_index();
        outb(ATTR_PORT, i);
        outb(ATTR_PORT, m->attr[i]);
    }
    attr_index();
    outb(ATTR_PORT, 0x14);
    outb(ATTR_PORT, 0);
    reg_write(SEQ_PORT, 0, 1);          /* synchronous reset while the clock changes */
    outb(MISC_WRITE, m->misc);
    for (u8 i = 0; i < 4; i++) {
        reg_write(SEQ_PORT, i + 1, m->seq[i]);
    }
    reg_write(SEQ_PORT, 0, 3);
    for (u8 i = 0; i < 9; i++) {
        reg_write(GFX_PORT, i, m->gfx[i]);
    }
    reg_write(crtc, 0x11, 0x0e);        /* unlock 0-7 */
    for (u8 i = 0; i < 25; i++) {
        reg_write(crtc, i, m->crtc[i]);
    }
}

void screen_clear(ModePtr m)
{
    switch (m->kind) {
    case KIND_TEXT:
        far_fill16(m->segment, 0, 0x0720, 0x4000);
        break;
    case KIND_CGA4:
    case KIND_CGA2:
        far_fill16(m->segment, 0, 0, 0x2000);
        break;
    case KIND_PLANAR:
        reg_write(SEQ_PORT, 2, 0x0f);
        far_fill16(m->segment, 0, 0, 0x8000);
        break;
    case KIND_LINEAR:
        far_fill16(m->segment, 0, 0, 0x8000);
        break;
    }
}

void mode_bda(ModePtr m)
{
    u16 equipment = bda16(V_EQUIPMENT) & ~0x30;

    bda_set16(V_EQUIPMENT, equipment | (m->mode == 7 ? 0x30 : m->cols == 40 && m->kind == KIND_TEXT ? 0x10 : 0x20));
    bda_set8(V_MODE, m->mode);
    bda_set16(V_COLS, m->cols);
    bda_set16(V_PAGE_SIZE, m->page_size);
    bda_set16(V_PAGE_START, 0);
    for (u8 i = 0; i < 8; i++) {
        bda_set16(V_CURSORS + 2 * i, 0);
    }
    bda_set8(V_PAGE, 0);
    bda_set16(V_CRTC, m->misc & 1 ? 0x3d4 : 0x3b4);
    bda_set8(V_ROWS, m->rows - 1);
    bda_set16(V_CHAR_HEIGHT, m->height);
    bda_set16(V_CURSOR_SHAPE, 0x0607);
    bda_set8(V_MODE_REG, m->mode == 6 ? 0x1e : m->kind == KIND_CGA4 ? 0x2a : m->cols == 40 ? 0x2c : 0x2d);
    bda_set8(V_CGA_PALETTE, m->mode == 6 ? 0x3f : 0x30);
}

void mode_set(u8 number)
{
    ModePtr m = mode_find(number & 0x7f);
    u8 flags = bda8(V_FLAGS);

    if (!m) {
        return;
    }
    vbe_off();
    mode_write_registers(m);
    outb(DAC_MASK, 0xff);
    if (!(flags & FLAG_NO_PALETTE)) {
        palette_load(m->palette);
        if (flags & FLAG_GREY) {
            palette_grey(0, 256);
        }
    }
    if (!(number & 0x80)) {
        screen_clear(m);
    }
    mode_bda(m);
    bda_set8(V_CONTROL, (bda8(V_CONTROL) & 0x7f) | (number & 0x80));
    poke32(0, 0x43 * 4, (u32)VGA_SEG << 16 | (u32)rom_font(m->height));
    poke32(0, 0x1f * 4, (u32)VGA_SEG << 16 | (u32)(vga_font8 + 128 * 8));
    if (m->kind == KIND_TEXT) {
        font_load(VGA_SEG, (u32)vga_font16, 16, 0, 256, 0);
        cursor_shape(6, 7);
    }
    attr_screen(true);
}

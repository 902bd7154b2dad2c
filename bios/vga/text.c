/* Characters: cursor, pages, scrolling, teletype (INT 10h/01h-0Ah, 0Eh, 13h). */
#include "bios/vga/vga.h"

/* CGA shapes are for 8 lines; with cursor emulation they are stretched to the font's height (RB INT 10/AH=01h). */
void cursor_shape(u8 start, u8 end)
{
    u8 height = bda16(V_CHAR_HEIGHT);

    bda_set16(V_CURSOR_SHAPE, start << 8 | end);
    if (!(bda8(V_CONTROL) & 1) && height > 8 && (end & 0x1f) < 8 && !(start & 0x20)) {
        if ((end & 0x1f) != (start & 0x1f) + 1) {
            start = ((start + 1) * height / 8) - 1;
        } else {
            start = (end + 1) * height / 8 - 2;
        }
        end = (end + 1) * height / 8 - 1;
        if (height >= 14 && end == height - 1) {
            start--;
            end--;
        }
    }
    reg_write(crtc_port(), 0x0a, start);
    reg_write(crtc_port(), 0x0b, end);
}

u16 cursor_get(u8 page)
{
    return bda16(V_CURSORS + 2 * (page & 7));
}

void cursor_move(u8 page, u8 row, u8 col)
{
    bda_set16(V_CURSORS + 2 * (page & 7), row << 8 | col);
    if (page == bda8(V_PAGE)) {
        ModePtr m = mode_current();
        u16 at;

        if (m && m->kind == KIND_TEXT) {
            at = bda16(V_PAGE_START) / 2 + row * bda16(V_COLS) + col;
            reg_write(crtc_port(), 0x0e, at >> 8);
            reg_write(crtc_port(), 0x0f, at);
        }
    }
}

void page_show(u8 page)
{
    ModePtr m = mode_current();
    u16 start, at;

    if (!m || page >= 8) {
        return;
    }
    start = page * bda16(V_PAGE_SIZE);
    bda_set16(V_PAGE_START, start);
    bda_set8(V_PAGE, page);
    at = m->kind == KIND_TEXT ? start / 2 : start;
    reg_write(crtc_port(), 0x0c, at >> 8);
    reg_write(crtc_port(), 0x0d, at);
    start = cursor_get(page);
    cursor_move(page, start >> 8, start);
}

static void text_scroll(ModePtr m, u8 page, u8 top, u8 left, u8 bottom, u8 right, u8 lines, u8 attr, bool down)
{
    u16 cols = bda16(V_COLS), base = page * bda16(V_PAGE_SIZE), width = right - left + 1;

    for (u8 i = 0; i <= bottom - top; i++) {
        u8 row = down ? bottom - i : top + i;
        u16 to = base + (row * cols + left) * 2;

        if (i <= bottom - top - lines) {
            u16 from = base + ((down ? row - lines : row + lines) * cols + left) * 2;

            far_copy(m->segment, to, m->segment, from, width * 2);
        } else {
            far_fill16(m->segment, to, attr << 8 | ' ', width);
        }
    }
}

void scroll(u8 top, u8 left, u8 bottom, u8 right, u8 lines, u8 attr, bool down)
{
    ModePtr m = mode_current();
    u8 rows = bda8(V_ROWS) + 1, cols = bda16(V_COLS);

    if (!m) {
        return;
    }
    bottom = bottom >= rows ? rows - 1 : bottom;
    right = right >= cols ? cols - 1 : right;
    if (top > bottom || left > right) {
        return;
    }
    if (lines == 0 || lines > bottom - top + 1) {
        lines = bottom - top + 1;
    }
    if (m->kind == KIND_TEXT) {
        text_scroll(m, bda8(V_PAGE), top, left, bottom, right, lines, attr, down);
    } else {
        graphics_scroll(m, top, left, bottom, right, lines, attr, down);
    }
}

static u16 text_address(u8 page, u8 row, u8 col)
{
    return page * bda16(V_PAGE_SIZE) + (row * bda16(V_COLS) + col) * 2;
}

void char_read(Regs *r)
{
    ModePtr m = mode_current();
    u8 page = r->bh & 7;
    u16 at = cursor_get(page);

    if (!m) {
        return;
    }
    if (m->kind == KIND_TEXT) {
        r->ax = peek16(m->segment, text_address(page, at >> 8, at));
    } else {
        r->ah = 0;
        r->al = glyph_read(m, page, at >> 8, at);
    }
}

static void put(ModePtr m, u8 c, u8 attr, u8 page, u8 row, u8 col, bool with_attr)
{
    if (m->kind != KIND_TEXT) {
        glyph_draw(m, c, attr, 0, page, row, col);
        return;
    }
    if (with_attr) {
        poke16(m->segment, text_address(page, row, col), attr << 8 | c);
    } else {
        poke8(m->segment, text_address(page, row, col), c);
    }
}

/* 09h and 0Ah: count copies from the cursor, which stays; lines wrap in text modes only. */
void char_write(u8 c, u8 attr, u8 page, u16 count, bool with_attr)
{
    ModePtr m = mode_current();
    u16 at = cursor_get(page);
    u8 row = at >> 8, col = at, cols = bda16(V_COLS), rows = bda8(V_ROWS) + 1;

    if (!m) {
        return;
    }
    for (; count && row < rows; count--) {
        put(m, c, attr, page & 7, row, col, with_attr);
        if (++col >= cols) {
            col = 0;
            row++;
        }
    }
}

static void beep(void)
{
    u8 gate = inb(0x61);

    outb(0x43, 0xb6);
    outb(0x42, 0x33);           /* 896 Hz */
    outb(0x42, 0x05);
    outb(0x61, gate | 3);
    for (u32 n = 0; n < 2000; n++) {
        inb(0x61);
    }
    outb(0x61, gate);
}

static void type(u8 c, u8 page, u8 attr, bool with_attr)
{
    ModePtr m = mode_current();
    u16 at = cursor_get(page);
    u8 row = at >> 8, col = at, cols = bda16(V_COLS), last = bda8(V_ROWS);

    if (!m) {
        return;
    }
    switch (c) {
    case 7:
        beep();
        return;
    case 8:
        col -= col != 0;
        break;
    case '\r':
        col = 0;
        break;
    case '\n':
        row++;
        break;
    default:
        put(m, c, attr, page & 7, row, col, with_attr);
        if (++col >= cols) {
            col = 0;
            row++;
        }
    }
    if (row > last) {
        u8 fill = 0;

        row = last;
        if (m->kind == KIND_TEXT) {     /* the new line takes the cursor's attribute */
            u8 shown = bda8(V_PAGE);

            fill = peek8(m->segment, text_address(page & 7, last, cols - 1) + 1);
            if (page != shown) {
                text_scroll(m, page & 7, 0, 0, last, cols - 1, 1, fill, false);
                cursor_move(page, row, col);
                return;
            }
        }
        scroll(0, 0, last, cols - 1, 1, fill, false);
    }
    cursor_move(page, row, col);
}

void teletype(u8 c, u8 page, u8 attr)
{
    type(c, page, attr, false);
}

/* 13h: AL bit 0 moves the cursor, bit 1: the string has attributes. */
void string_write(Regs *r)
{
    u16 before = cursor_get(r->bh);

    if (r->al > 3) {
        return;
    }
    cursor_move(r->bh, r->dh, r->dl);
    for (u16 i = 0; i < r->cx; i++) {
        u16 at = r->bp + (r->al & 2 ? 2 * i : i);

        type(peek8(r->es, at), r->bh, r->al & 2 ? peek8(r->es, at + 1) : r->bl, true);
    }
    if (!(r->al & 1)) {
        cursor_move(r->bh, before >> 8, before);
    }
}

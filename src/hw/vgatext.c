/*
 * Text modes: a character in plane 0, its attribute in plane 1, and the font, 8 KiB each of up to eight, in plane 2.
 */
#include "config.h"

#include "hw/vgadraw.h"

enum { FONT_CHAR_SIZE = 32, ATTR_BLINKS = 0x80 };

/* Character map select: two bits choose 16 KiB of plane 2, the third its upper half. */
static unsigned font_offset(unsigned low, unsigned high)
{
    return low * 0x4000 + high * 0x2000;
}

typedef struct TextRow {
    unsigned font[2];  /* by attribute bit 3: map B, map A */
    bool blink;        /* attribute bit 7 means blinking, not bright background */
    bool underline;    /* this row scan is the underline's */
    unsigned cursor;   /* character address; above 0xffff: not on this line */
} TextRow;

static void text_row(const VgaScreen *s, const VgaLine *line, TextRow *t)
{
    const Vga *vga = s->vga;
    uint8_t fonts = vga->seq[SEQ_FONTS];
    t->font[0] = font_offset(fonts & 3, fonts >> 4 & 1);
    t->font[1] = font_offset(fonts >> 2 & 3, fonts >> 5 & 1);
    t->blink = vga->attr[ATTR_MODE] & ATTR_MODE_BLINK;
    t->underline = line->row_scan == (vga->crtc[CRTC_UNDERLINE] & 0x1f);

    unsigned start = vga->crtc[CRTC_CURSOR_START], end = vga->crtc[CRTC_CURSOR_END] & 0x1f;
    bool here = s->cursor_on && !(start & CURSOR_START_OFF) && line->row_scan >= (start & 0x1f) && line->row_scan <= end;
    t->cursor = here ? (unsigned)(vga->crtc[CRTC_CURSOR_HIGH] << 8 | vga->crtc[CRTC_CURSOR_LOW]) : 0x10000;
}

void vga_text_line(const VgaScreen *s, const VgaLine *line, uint8_t *dots)
{
    TextRow t;
    text_row(s, line, &t);
    bool line_graphics = s->vga->attr[ATTR_MODE] & ATTR_MODE_LINE_GRAPHICS;

    for (unsigned i = 0; i <= s->chars; i++) {
        unsigned address = (line->address + i) & 0xffff;
        uint32_t planes = vga_screen_fetch(s, address, line->row_scan);
        uint8_t ch = (uint8_t)planes, attr = (uint8_t)(planes >> 8);
        unsigned glyph = t.font[attr >> 3 & 1] + ch * FONT_CHAR_SIZE + line->row_scan;
        uint8_t bits = (uint8_t)(vga_load(s->vga, vga_group(glyph)) >> 16);
        uint8_t fg = attr & 0xf, bg = attr >> 4;

        /* The underline is for attributes of foreground 1 on background 0: "normal, underlined" on a monochrome screen. */
        if (t.underline && (attr & 0x77) == 0x01)
            bits = 0xff;
        if (t.blink) {
            bg &= 7;
            if ((attr & ATTR_BLINKS) && s->blink_off)
                bits = 0;
        }
        bool ninth = line_graphics && ch >= 0xc0 && ch <= 0xdf && (bits & 1);
        if (t.underline && (attr & 0x77) == 0x01 && bits)
            ninth = true;
        if (address == t.cursor) {
            bits = 0xff;
            ninth = true;
        }
        uint64_t lit = vga_spread(bits), dark = lit ^ 0x0101010101010101ull, eight = lit * fg | dark * bg;
        memcpy(dots, &eight, sizeof(eight));
        dots += 8;
        if (s->char_dots == 9)
            *dots++ = ninth ? fg : bg;
    }
}

bool vga_text_read(Vga *vga, DisplayText *text)
{
    VgaScreen s;
    vga_screen_read(vga, &s);
    unsigned row_lines = s.row_height * s.scan_repeat;
    unsigned rows = ((unsigned)s.height + row_lines - 1) / row_lines;
    display_text_resize(text, (int)s.chars, (int)rows);

    unsigned start = vga->crtc[CRTC_CURSOR_START], end = vga->crtc[CRTC_CURSOR_END] & 0x1f;
    unsigned cursor = (unsigned)(vga->crtc[CRTC_CURSOR_HIGH] << 8 | vga->crtc[CRTC_CURSOR_LOW]);
    bool cursor_shown = !(start & CURSOR_START_OFF) && (start & 0x1f) <= end && (start & 0x1f) < s.row_height;
    text->blink = vga->attr[ATTR_MODE] & ATTR_MODE_BLINK;
    text->cursor_visible = false;
    text->cursor_x = text->cursor_y = 0;

    for (unsigned r = 0; r < rows; r++) {
        VgaLine line = vga_screen_line(&s, r * row_lines);
        for (unsigned c = 0; c < s.chars; c++) {
            unsigned address = (line.address + c) & 0xffff;
            text->cells[r * s.chars + c] = (uint16_t)vga_screen_fetch(&s, address, line.row_scan);
            if (cursor_shown && address == cursor && !text->cursor_visible) {
                text->cursor_visible = true;
                text->cursor_x = (int)c;
                text->cursor_y = (int)r;
            }
        }
    }
    return true;
}

bool vga_text_blinks(const DisplayText *text)
{
    if (!text->blink)
        return false;
    for (int i = 0; i < text->columns * text->rows; i++)
        if (text->cells[i] >> 8 & ATTR_BLINKS)
            return true;
    return false;
}

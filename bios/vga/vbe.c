/* VBE 3.0 (INT 10h/4Fxx) on the Bochs display interface: ports 1CEh and 1CFh, a linear frame buffer in PCI BAR 0. */
#include "bios/vga/vga.h"

#define DISPI_INDEX 0x1ce
#define DISPI_DATA 0x1cf
enum {
    D_ID, D_XRES, D_YRES, D_BPP, D_ENABLE, D_BANK, D_VIRT_WIDTH, D_VIRT_HEIGHT, D_X_OFFSET, D_Y_OFFSET, D_MEMORY_64K
};
#define ENABLED 0x01
#define GETCAPS 0x02
#define DAC_8BIT 0x20
#define LFB 0x40
#define KEEP 0x80
#define DISPI_ID0 0xb0c0
#define DISPI_ID5 0xb0c5

#define V_VBE_MODE 0xba                 /* BDA: the VBE mode set, as 4F03h tells it */
#define BDA_MODE_VBE 0x7f               /* BDA 49h meanwhile */

#define MODE_LFB 0x4000
#define MODE_KEEP 0x8000

typedef struct PACKED VbeMode {
    u16 mode, width, height;
    u8 bpp;
} VbeMode;

ROM VbeMode vbe_modes[] = {
    { 0x100, 640, 400, 8 }, { 0x101, 640, 480, 8 }, { 0x102, 800, 600, 4 }, { 0x103, 800, 600, 8 },
    { 0x104, 1024, 768, 4 }, { 0x105, 1024, 768, 8 }, { 0x107, 1280, 1024, 8 },
    { 0x10d, 320, 200, 15 }, { 0x10e, 320, 200, 16 }, { 0x10f, 320, 200, 24 },
    { 0x110, 640, 480, 15 }, { 0x111, 640, 480, 16 }, { 0x112, 640, 480, 24 },
    { 0x113, 800, 600, 15 }, { 0x114, 800, 600, 16 }, { 0x115, 800, 600, 24 },
    { 0x116, 1024, 768, 15 }, { 0x117, 1024, 768, 16 }, { 0x118, 1024, 768, 24 },
    { 0x119, 1280, 1024, 15 }, { 0x11a, 1280, 1024, 16 }, { 0x11b, 1280, 1024, 24 },
    { 0x11c, 1600, 1200, 8 }, { 0x11d, 1600, 1200, 15 }, { 0x11e, 1600, 1200, 16 }, { 0x11f, 1600, 1200, 24 },
    { 0x140, 320, 200, 32 }, { 0x141, 640, 400, 32 }, { 0x142, 640, 480, 32 }, { 0x143, 800, 600, 32 },
    { 0x144, 1024, 768, 32 }, { 0x145, 1280, 1024, 32 }, { 0x146, 320, 200, 8 }, { 0x147, 1600, 1200, 32 },
    { 0x148, 1152, 864, 8 }, { 0x149, 1152, 864, 15 }, { 0x14a, 1152, 864, 16 }, { 0x14b, 1152, 864, 24 },
    { 0x14c, 1152, 864, 32 },
    { 0x175, 1280, 768, 16 }, { 0x176, 1280, 768, 24 }, { 0x177, 1280, 768, 32 },
    { 0x178, 1280, 800, 16 }, { 0x179, 1280, 800, 24 }, { 0x17a, 1280, 800, 32 },
    { 0x17b, 1280, 960, 16 }, { 0x17c, 1280, 960, 24 }, { 0x17d, 1280, 960, 32 },
    { 0x17e, 1440, 900, 16 }, { 0x17f, 1440, 900, 24 }, { 0x180, 1440, 900, 32 },
    { 0x181, 1400, 1050, 16 }, { 0x182, 1400, 1050, 24 }, { 0x183, 1400, 1050, 32 },
    { 0x184, 1680, 1050, 16 }, { 0x185, 1680, 1050, 24 }, { 0x186, 1680, 1050, 32 },
    { 0x187, 1920, 1200, 16 }, { 0x188, 1920, 1200, 24 }, { 0x189, 1920, 1200, 32 },
    { 0x18d, 1280, 720, 16 }, { 0x18e, 1280, 720, 24 }, { 0x18f, 1280, 720, 32 },
    { 0x190, 1920, 1080, 16 }, { 0x191, 1920, 1080, 24 }, { 0x192, 1920, 1080, 32 },
};

ROM char oem_name[] = "x86vm VBE";
ROM char oem_vendor[] = "x86vm";
ROM char oem_revision[] = "1.0";

extern const u8 GSEG vbe_pm_start[], vbe_pm_end[];
extern u8 vbe_window_far[];

u16 dispi_read(u16 index)
{
    outw(DISPI_INDEX, index);
    return inw(DISPI_DATA);
}

void dispi_write(u16 index, u16 value)
{
    outw(DISPI_INDEX, index);
    outw(DISPI_DATA, value);
}

bool vbe_present(void)
{
    u16 id = dispi_read(D_ID);

    return id >= DISPI_ID0 && id <= DISPI_ID5;
}

void vbe_off(void)
{
    if (vbe_present()) {
        dispi_write(D_ENABLE, 0);
    }
    bda_set16(V_VBE_MODE, 0);
}

static u16 memory_64k(void)
{
    u16 blocks = dispi_read(D_MEMORY_64K);

    return blocks ? blocks : 16;
}

/* Physical address of the frame buffer: BAR 0 of the display controller on bus 0. */
static u32 frame_buffer(void)
{
    for (u16 bdf = 0; bdf < 0x100; bdf++) {
        u32 id = pci_read32(bdf, 0);

        if (id == 0x11111234) {
            return pci_read32(bdf, 0x10) & 0xfffffff0;
        }
        if ((id & 0xffff) == 0xffff && !(bdf & 7)) {
            bdf |= 7;
        }
    }
    return 0xe0000000;
}

static u16 line_bytes(u16 width, u8 bpp)
{
    return bpp == 4 ? width / 8 : width * ((bpp + 7) / 8);
}

static u32 mode_bytes(const VbeMode GSEG *m)
{
    return (u32)line_bytes(m->width, m->bpp) * m->height * (m->bpp == 4 ? 4 : 1);
}

static const VbeMode GSEG *find(u16 mode)
{
    for (u32 i = 0; i < ARRAY_LEN(vbe_modes); i++) {
        if (vbe_modes[i].mode == (mode & 0x1ff)) {
            return mode_bytes(&vbe_modes[i]) <= (u32)memory_64k() << 16 ? &vbe_modes[i] : NULL;
        }
    }
    return NULL;
}

/* 4F00h: VbeInfoBlock at ES:DI; the list of modes goes into its reserved part. */
static bool information(Regs *r)
{
    u16 seg = r->es, at = r->di, list = at + 0x22;
    bool vbe2 = peek32(seg, at) == 0x32454256;

    poke32(seg, at, 0x41534556);        /* "VESA" */
    poke16(seg, at + 4, 0x0300);
    poke32(seg, at + 6, (u32)VGA_SEG << 16 | (u32)oem_name);
    poke32(seg, at + 10, 0x01);         /* the DAC can do 8 bits */
    poke32(seg, at + 14, (u32)seg << 16 | list);
    poke16(seg, at + 18, memory_64k());
    if (vbe2) {
        poke16(seg, at + 20, 0x0100);
        poke32(seg, at + 22, (u32)VGA_SEG << 16 | (u32)oem_vendor);
        poke32(seg, at + 26, (u32)VGA_SEG << 16 | (u32)oem_name);
        poke32(seg, at + 30, (u32)VGA_SEG << 16 | (u32)oem_revision);
    }
    for (u32 i = 0; i < ARRAY_LEN(vbe_modes); i++) {
        if (find(vbe_modes[i].mode)) {
            poke16(seg, list, vbe_modes[i].mode);
            list += 2;
        }
    }
    poke16(seg, list, 0xffff);
    return true;
}

/* Size and position of red, green, blue, reserved, by depth. */
static void direct_colour(u16 seg, u16 at, u8 bpp)
{
    u32 sizes_low, sizes_high;

    if (bpp == 15) {
        sizes_low = 0x05050a05;         /* red 5 at 10, green 5 at 5 ... */
        sizes_high = 0x0f010005;
    } else if (bpp == 16) {
        sizes_low = 0x05060b05;
        sizes_high = 0x00000005;
    } else {
        sizes_low = 0x08081008;
        sizes_high = bpp == 32 ? 0x18080008 : 0x00000008;
    }
    poke32(seg, at, sizes_low);
    poke32(seg, at + 4, sizes_high);
}

/* 4F01h: ModeInfoBlock of CX at ES:DI. */
static bool mode_information(Regs *r)
{
    const VbeMode GSEG *m = find(r->cx);
    u16 seg = r->es, at = r->di, pitch;
    u32 pages;

    if (!m || !(r->cx & 0x100)) {
        return false;
    }
    for (u16 i = 0; i < 256; i += 2) {
        poke16(seg, at + i, 0);
    }
    pitch = line_bytes(m->width, m->bpp);
    pages = ((u32)memory_64k() << 16) / mode_bytes(m);
    poke16(seg, at, m->bpp == 4 ? 0x1b : 0x9b);
    poke8(seg, at + 2, 7);              /* window A: relocatable, readable, writable */
    poke16(seg, at + 4, 64);
    poke16(seg, at + 6, 64);
    poke16(seg, at + 8, 0xa000);
    poke32(seg, at + 12, (u32)VGA_SEG << 16 | (u32)vbe_window_far);
    poke16(seg, at + 16, pitch);
    poke16(seg, at + 18, m->width);
    poke16(seg, at + 20, m->height);
    poke8(seg, at + 22, 8);
    poke8(seg, at + 23, 16);
    poke8(seg, at + 24, m->bpp == 4 ? 4 : 1);
    poke8(seg, at + 25, m->bpp);
    poke8(seg, at + 26, 1);
    poke8(seg, at + 27, m->bpp == 4 ? 3 : m->bpp == 8 ? 4 : 6);
    poke8(seg, at + 29, pages > 256 ? 255 : pages - 1);
    poke8(seg, at + 30, 1);
    if (m->bpp > 8) {
        direct_colour(seg, at + 31, m->bpp);
        poke8(seg, at + 39, m->bpp == 32 ? 2 : 0);
        direct_colour(seg, at + 54, m->bpp);
    }
    if (m->bpp != 4) {
        poke32(seg, at + 40, frame_buffer());
    }
    poke16(seg, at + 50, pitch);        /* VBE 3.0: the same for linear modes */
    poke8(seg, at + 52, pages > 256 ? 255 : pages - 1);
    poke8(seg, at + 53, pages > 256 ? 255 : pages - 1);
    poke32(seg, at + 62, 230000000);
    return true;
}

/* The VGA side of a linear mode: chained planes at A0000, CRTC counting as for 640x480. */
static void vga_for_vbe(u8 bpp)
{
    ModePtr m = mode_find(bpp == 4 ? 0x12 : 0x13);

    mode_write_registers(m);
    attr_screen(true);
}

static bool set_mode(u16 mode)
{
    const VbeMode GSEG *m;

    if (!(mode & 0x100)) {
        if (!mode_find(mode & 0x7f) || (mode & 0x1ff) > 0x7f) {
            return false;
        }
        mode_set((mode & 0x7f) | (mode & MODE_KEEP ? 0x80 : 0));
        return true;
    }
    m = find(mode);
    if (!m || ((mode & MODE_LFB) && m->bpp == 4)) {
        return false;
    }
    dispi_write(D_ENABLE, 0);
    vga_for_vbe(m->bpp);
    palette_load(m->bpp == 4 ? PALETTE_EGA : PALETTE_256);
    dispi_write(D_XRES, m->width);
    dispi_write(D_YRES, m->height);
    dispi_write(D_BPP, m->bpp);
    dispi_write(D_ENABLE, ENABLED | (mode & MODE_LFB ? LFB : 0) | (mode & MODE_KEEP ? KEEP : 0));
    dispi_write(D_BANK, 0);
    if (m->bpp != 4) {                  /* windowed access: all planes, 64 KiB at A0000 */
        reg_write(SEQ_PORT, 2, 0x0f);
        reg_write(SEQ_PORT, 4, 0x0e);
        reg_write(GFX_PORT, 5, 0x40);
        reg_write(GFX_PORT, 6, 0x05);
    }
    bda_set8(V_MODE, BDA_MODE_VBE);
    bda_set16(V_VBE_MODE, mode & ~MODE_KEEP);
    bda_set16(V_COLS, m->width / 8);
    bda_set8(V_ROWS, m->height / 16 - 1);
    bda_set16(V_CHAR_HEIGHT, 16);
    bda_set8(V_PAGE, 0);
    return true;
}

static u16 current_mode(void)
{
    u16 mode = bda16(V_VBE_MODE);

    return vbe_present() && (dispi_read(D_ENABLE) & ENABLED) && mode ? mode : bda8(V_MODE);
}

static bool vbe_is_on(void)
{
    return dispi_read(D_ENABLE) & ENABLED;
}

/* 4F05h */
static bool window(Regs *r)
{
    if (r->bl != 0 || !vbe_is_on()) {
        return false;
    }
    if (r->bh == 0) {
        dispi_write(D_BANK, r->dx);
        return dispi_read(D_BANK) == r->dx;
    }
    r->dx = dispi_read(D_BANK);
    return true;
}

/* 4F06h: logical line length, in pixels or bytes. */
static bool line_length(Regs *r)
{
    u16 bpp = dispi_read(D_BPP), width = r->cx;
    u16 step = (bpp + 7) / 8;
    u32 total = (u32)memory_64k() << 16;

    if (!vbe_is_on()) {
        return false;
    }
    switch (r->bl) {
    case 2:
        width = bpp == 4 ? r->cx * 8 : (r->cx + step - 1) / step;
        /* fall through */
    case 0:
        if (width < dispi_read(D_XRES)) {
            width = dispi_read(D_XRES);
        }
        if ((u32)line_bytes(width, bpp) * dispi_read(D_YRES) > total) {
            return false;
        }
        dispi_write(D_VIRT_WIDTH, width);
        break;
    case 1:
        break;
    case 3:
        width = total / dispi_read(D_YRES) / (bpp == 4 ? 1 : step);
        r->bx = line_bytes(width, bpp);
        r->cx = width;
        r->dx = dispi_read(D_YRES);
        return true;
    default:
        return false;
    }
    width = dispi_read(D_VIRT_WIDTH);
    r->bx = line_bytes(width, bpp);
    r->cx = width;
    r->dx = r->bx ? total / r->bx > 0xffff ? 0xffff : total / r->bx : 0;
    return true;
}

/* 4F07h: display start. */
static bool display_start(Regs *r)
{
    if (!vbe_is_on()) {
        return false;
    }
    switch (r->bl) {
    case 0x00:
    case 0x80:
        dispi_write(D_X_OFFSET, r->cx);
        dispi_write(D_Y_OFFSET, r->dx);
        return dispi_read(D_X_OFFSET) == r->cx && dispi_read(D_Y_OFFSET) == r->dx;
    case 0x01:
        r->bh = 0;
        r->cx = dispi_read(D_X_OFFSET);
        r->dx = dispi_read(D_Y_OFFSET);
        return true;
    }
    return false;
}

/* 4F08h: bits of a colour in the DAC. */
static bool dac_width(Regs *r)
{
    u16 enable = dispi_read(D_ENABLE);

    if (r->bl == 0) {
        dispi_write(D_ENABLE, r->bh >= 8 ? enable | DAC_8BIT | KEEP : (enable & ~DAC_8BIT) | KEEP);
    } else if (r->bl != 1) {
        return false;
    }
    r->bh = dispi_read(D_ENABLE) & DAC_8BIT ? 8 : 6;
    return true;
}

/* 4F09h: CX entries from DX at ES:DI: blue, green, red, 0. */
static bool palette_data(Regs *r)
{
    if (r->bl == 0x00 || r->bl == 0x80) {
        outb(DAC_WRITE_INDEX, r->dx);
        for (u16 i = 0; i < r->cx; i++) {
            for (u16 k = 3; k--;) {
                outb(DAC_DATA, peek8(r->es, r->di + 4 * i + k));
            }
        }
        return true;
    }
    if (r->bl == 0x01) {
        outb(DAC_READ_INDEX, r->dx);
        for (u16 i = 0; i < r->cx; i++) {
            for (u16 k = 3; k--;) {
                poke8(r->es, r->di + 4 * i + k, inb(DAC_DATA));
            }
            poke8(r->es, r->di + 4 * i + 3, 0);
        }
        return true;
    }
    return false;
}

/* 4F04h */
static bool state(Regs *r)
{
    switch (r->dl) {
    case 0:
        r->bx = (state_size(r->cx) + 63) / 64;
        return true;
    case 1:
        state_save(r->cx, r->es, r->bx);
        return true;
    case 2:
        state_restore(r->cx, r->es, r->bx);
        return true;
    }
    return false;
}

/* EDID 1.3 of a display that takes what we offer: 1024x768 preferred (VESA E-EDID A.1). */
ROM u8 edid[127] = {
    0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x62, 0x1a, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00,
    0x01, 0x24, 0x01, 0x03, 0x0e, 0x20, 0x18, 0x78, 0x2a, 0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26,
    0x0f, 0x50, 0x54, 0x21, 0x08, 0x00, 0x61, 0x40, 0x81, 0x80, 0xa9, 0x40, 0x01, 0x01, 0x01, 0x01,
    0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18, 0x88,
    0x36, 0x00, 0x40, 0xf0, 0x10, 0x00, 0x00, 0x18, 0x00, 0x00, 0x00, 0xfd, 0x00, 0x32, 0x7d, 0x1e,
    0xa0, 0x1e, 0x00, 0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x00, 0x00, 0x00, 0xfc, 0x00, 0x78,
    0x38, 0x36, 0x76, 0x6d, 0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x00, 0x00, 0x00, 0x10,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

/* 4F15h: DDC */
static bool ddc(Regs *r)
{
    u8 sum = 0;

    if (r->bl == 0) {
        r->bx = 0x0103;                 /* 1 s a block; DDC1 and DDC2 */
        return true;
    }
    if (r->bl != 1 || r->dx != 0) {
        return false;
    }
    for (u16 i = 0; i < sizeof edid; i++) {
        sum += edid[i];
        poke8(r->es, r->di + i, edid[i]);
    }
    poke8(r->es, r->di + 127, -sum);
    return true;
}

void vbe_service(Regs *r)
{
    bool ok = false;

    if (!vbe_present()) {
        return;
    }
    switch (r->al) {
    case 0x00:
        ok = information(r);
        break;
    case 0x01:
        ok = mode_information(r);
        break;
    case 0x02:
        ok = set_mode(r->bx);
        break;
    case 0x03:
        r->bx = current_mode();
        ok = true;
        break;
    case 0x04:
        ok = state(r);
        break;
    case 0x05:
        ok = window(r);
        break;
    case 0x06:
        ok = line_length(r);
        break;
    case 0x07:
        ok = display_start(r);
        break;
    case 0x08:
        ok = dac_width(r);
        break;
    case 0x09:
        ok = palette_data(r);
        break;
    case 0x0a:                          /* protected-mode interface */
        if (r->bl == 0) {
            r->es = VGA_SEG;
            r->di = (u32)vbe_pm_start;
            r->cx = vbe_pm_end - vbe_pm_start;
            ok = true;
        }
        break;
    case 0x15:
        ok = ddc(r);
        break;
    default:
        return;                         /* AL stays: the function is not there */
    }
    r->ax = ok ? 0x004f : 0x014f;
}

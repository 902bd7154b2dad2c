/*
 * A foreign VGA BIOS, unmodified, on our VGA: Debian's SeaBIOS build for QEMU's stdvga, run by the interpreter.
 *
 * Skipped where the file is not installed (apt-get install seabios).
 */
#include "config.h"

#include "cpu/cpu.h"
#include "hw/vga.h"
#include "hwtest.h"

#include <string.h>

#define BIOS_FILE "/usr/share/seabios/vgabios-stdvga.bin"

enum {
    FB = 0xe0000000,
    MMIO = 0xfebf0000,
    ROM_SEG = 0xc000,
    STACK_TOP = 0x7c00,
    CODE = 0x600,  /* where calls are made from */
    BUFFER = 0x8000,
    BDA = 0x400,
    BUDGET = 200 * 1000 * 1000,
};

/* Guest, board and viewer. */
typedef struct Pc {
    HwTest *t;
    Vcpu *v;
    PciBus *pci;
    PciDevice *dev;
    Vga *vga;
    DisplaySurface surface;
    DisplayText text;
    uint8_t *ram;
} Pc;

/* SeaBIOS calls option ROMs in "big real mode", and this one relies on it: it reads the EDID through [eax]. */
static void set_big_real(Vcpu *v, int seg)
{
    seg_set_real(v, seg, 0);
    v->seg[seg].limit = 0xffffffff;
    v->seg[seg].attr |= SEG_G;
    seg_derive(v, seg);
}

/* Run the bytes at CODE until their HLT. */
static void run(Pc *pc, const uint8_t *code, size_t len)
{
    ram_written(pc->t->ram, CODE, len);
    memcpy(pc->ram + CODE, code, len);
    Vcpu *v = pc->v;
    seg_set_real(v, S_CS, 0);
    seg_set_real(v, S_SS, 0);
    set_big_real(v, S_DS);
    set_big_real(v, S_ES);
    v->gpr[R_SP].d = STACK_TOP;
    v->rip = CODE;
    v->halted = false;
    for (uint64_t ran = 0; ran < BUDGET; ran += 10000) {
        if (interp_run(v, 10000) == EXIT_HALT)
            return;
        clock_step(pc->t->clock, US(100));
    }
    g_error("the VGA BIOS did not come back: cs:ip %04x:%04x", v->seg[S_CS].sel, (unsigned)v->rip);
}

static void call_init(Pc *pc)
{
    static const uint8_t code[] = {0x9a, 0x03, 0x00, 0x00, 0xc0, 0xf4}; /* call far c000:0003; hlt */
    pc->v->gpr[R_AX].d = PCI_DEVFN(2, 0);
    run(pc, code, sizeof(code));
}

static uint16_t int10(Pc *pc, uint16_t ax, uint16_t bx, uint16_t cx, uint16_t dx)
{
    static const uint8_t code[] = {0xcd, 0x10, 0xf4}; /* int 10h; hlt */
    Vcpu *v = pc->v;
    v->gpr[R_AX].d = ax;
    v->gpr[R_BX].d = bx;
    v->gpr[R_CX].d = cx;
    v->gpr[R_DX].d = dx;
    v->gpr[R_DI].d = BUFFER;
    run(pc, code, sizeof(code));
    return v->gpr[R_AX].w;
}

static void map_changed(void *opaque)
{
    tlb_flush_all(opaque);
}

static bool pc_on(Pc *pc, HwTest *t)
{
    g_autofree char *rom = NULL;
    gsize len;
    if (!g_file_get_contents(BIOS_FILE, &rom, &len, NULL)) {
        g_test_skip(BIOS_FILE " is not installed");
        return false;
    }
    *pc = (Pc){.t = t, .ram = t->ram->host};
    pc->vga = vga_new(t->mem, t->io, t->clock, &(VgaConfig){0}, NULL);
    pc->pci = pci_bus_new(t->io, t->mem);
    pc->dev = vga_pci_attach(pc->vga, pc->pci, PCI_DEVFN(2, 0), rom, len);
    pci_config_write(pc->dev, PCI_BAR0, FB, 4);
    pci_config_write(pc->dev, PCI_BAR0 + 8, MMIO, 4);
    pci_config_write(pc->dev, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 2);
    memcpy(pc->ram + (ROM_SEG << 4), rom, len); /* the copy that a BIOS makes */
    pc->v = vcpu_new(cpu_model_nth(0), t->mem, t->io, t->ram);
    bus_set_listener(t->mem, map_changed, pc->v);
    call_init(pc);
    return true;
}

static void pc_off(Pc *pc)
{
    display_surface_clear(&pc->surface);
    display_text_clear(&pc->text);
    bus_set_listener(pc->t->mem, NULL, NULL);
    vcpu_free(pc->v);
    pci_bus_free(pc->pci);
    vga_free(pc->vga);
}

static void look(Pc *pc)
{
    display_refresh(vga_display(pc->vga), &pc->surface, NULL);
}

static uint32_t pixel(const Pc *pc, int x, int y)
{
    g_assert_cmpint(x, <, pc->surface.width);
    g_assert_cmpint(y, <, pc->surface.height);
    return pc->surface.pixels[y * pc->surface.width + x];
}

static uint16_t ram16(const Pc *pc, uint32_t at)
{
    return (uint16_t)(pc->ram[at] | pc->ram[at + 1] << 8);
}

static void print(Pc *pc, const char *s)
{
    for (; *s; s++)
        int10(pc, (uint16_t)(0x0e00 | (uint8_t)*s), 0x0007, 0, 0);
}

/* The text is there, the cursor behind it, and the pixels are those of the BIOS's own font. */
static void test_text(HwTest *t)
{
    Pc pc;
    if (!pc_on(&pc, t))
        return;
    int10(&pc, 0x0003, 0, 0, 0);
    print(&pc, "Hello\r\nx86");
    g_assert_true(display_text(vga_display(pc.vga), &pc.text));
    g_assert_cmpint(pc.text.columns, ==, 80);
    g_assert_cmpint(pc.text.rows, ==, 25);
    for (int i = 0; i < 5; i++)
        g_assert_cmphex(pc.text.cells[i], ==, 0x0700 | (uint8_t)"Hello"[i]);
    g_assert_cmphex(pc.text.cells[80], ==, 0x0700 | 'x');
    g_assert_true(pc.text.cursor_visible);
    g_assert_cmpint(pc.text.cursor_x, ==, 3);
    g_assert_cmpint(pc.text.cursor_y, ==, 1);

    int10(&pc, 0x1130, 0x0600, 0, 0); /* where is the 8x16 font? */
    const uint8_t *font = pc.ram + pc.v->seg[S_ES].sel * 16 + pc.v->gpr[R_BP].w;
    look(&pc);
    g_assert_cmpint(pc.surface.width, ==, 720);
    g_assert_cmpint(pc.surface.height, ==, 400);
    unsigned lit = 0;
    for (int c = 0; c < 5; c++)
        for (int y = 0; y < 16; y++)
            for (int x = 0; x < 8; x++) {
                bool on = font[(uint8_t)"Hello"[c] * 16 + y] >> (7 - x) & 1;
                g_assert_cmphex(pixel(&pc, c * 9 + x, y), ==, on ? 0xaaaaaa : 0);
                lit += on;
            }
    g_assert_cmpint(lit, >, 100);
    pc_off(&pc);
}

/* Every graphics mode of the VGA: the right size, and pixels set by the BIOS show and read back. */
static void test_graphics(HwTest *t)
{
    static const struct {
        uint8_t mode;
        int width, height, shown_width, shown_height;
        unsigned colours;
    } modes[] = {
        {0x04, 320, 200, 640, 400, 4},   {0x06, 640, 200, 640, 400, 2},   {0x0d, 320, 200, 640, 400, 16},
        {0x0e, 640, 200, 640, 400, 16},  {0x10, 640, 350, 640, 350, 16},  {0x11, 640, 480, 640, 480, 2},
        {0x12, 640, 480, 640, 480, 16},  {0x13, 320, 200, 640, 400, 256}, {0x6a, 800, 600, 800, 600, 16},
    };
    Pc pc;
    if (!pc_on(&pc, t))
        return;
    for (size_t m = 0; m < G_N_ELEMENTS(modes); m++) {
        int10(&pc, modes[m].mode, 0, 0, 0);
        look(&pc);
        g_assert_cmpint(pc.surface.width, ==, modes[m].shown_width);
        g_assert_cmpint(pc.surface.height, ==, modes[m].shown_height);
        uint32_t background = pixel(&pc, 0, 0);
        for (int i = 1; i < 60; i++) {
            uint16_t x = (uint16_t)(i * 577 % modes[m].width), y = (uint16_t)(i * 353 % modes[m].height);
            unsigned colour = 1 + (unsigned)i % (modes[m].colours - 1);
            int10(&pc, (uint16_t)(0x0c00 | colour), 0, x, y);
            g_assert_cmphex(int10(&pc, 0x0d00, 0, x, y) & 0xff, ==, colour);
            look(&pc);
            int sx = modes[m].shown_width / modes[m].width, sy = modes[m].shown_height / modes[m].height;
            if (colour < 16)
                g_assert_cmphex(pixel(&pc, x * sx, y * sy), !=, background);
            g_assert_cmphex(pixel(&pc, x * sx, y * sy), ==, pixel(&pc, x * sx + sx - 1, y * sy + sy - 1));
        }
        for (int x = 0; x < modes[m].shown_width; x++)
            if (modes[m].height == 200 && modes[m].mode != 0x13)
                g_assert_cmphex(pixel(&pc, x, 398), ==, pixel(&pc, x, 399));
    }
    /* Standard colours come out right: 1 is blue, 15 white. */
    int10(&pc, 0x0012, 0, 0, 0);
    int10(&pc, 0x0c01, 0, 10, 10);
    int10(&pc, 0x0c0f, 0, 11, 10);
    look(&pc);
    g_assert_cmphex(pixel(&pc, 10, 10), ==, 0x0000aa);
    g_assert_cmphex(pixel(&pc, 11, 10), ==, 0xffffff);
    pc_off(&pc);
}

/* All the VBE modes that the BIOS lists can be set, have the size it says, and show what is put into memory. */
static void test_vbe(HwTest *t)
{
    Pc pc;
    if (!pc_on(&pc, t))
        return;
    memcpy(pc.ram + BUFFER, "VBE2", 4);
    g_assert_cmphex(int10(&pc, 0x4f00, 0, 0, 0), ==, 0x004f);
    g_assert_cmpmem(pc.ram + BUFFER, 4, "VESA", 4);
    g_assert_cmpint(ram16(&pc, BUFFER + 0x12), ==, 256); /* 64 KiB each: it found all the memory */
    uint16_t list[128];
    unsigned count = 0;
    uint32_t at = ram16(&pc, BUFFER + 0x10) * 16u + ram16(&pc, BUFFER + 0x0e);
    while (count < G_N_ELEMENTS(list) && ram16(&pc, at) != 0xffff) {
        list[count++] = ram16(&pc, at);
        at += 2;
    }
    g_assert_cmpint(count, >, 40);

    unsigned linear = 0, planar = 0;
    for (unsigned i = 0; i < count; i++) {
        g_assert_cmphex(int10(&pc, 0x4f01, 0, list[i], 0), ==, 0x004f);
        unsigned attributes = ram16(&pc, BUFFER), pitch = ram16(&pc, BUFFER + 0x10);
        int width = ram16(&pc, BUFFER + 0x12), height = ram16(&pc, BUFFER + 0x14);
        unsigned bpp = pc.ram[BUFFER + 0x19], model = pc.ram[BUFFER + 0x1b];
        if (list[i] < 0x100 || !(attributes & 0x10))
            continue; /* VGA's own, or text */
        bool lfb = attributes & 0x80;
        g_assert_cmphex(int10(&pc, 0x4f02, (uint16_t)(list[i] | (lfb ? 0x4000 : 0)), 0, 0), ==, 0x004f);
        int10(&pc, 0x4f03, 0, 0, 0);
        g_assert_cmphex(pc.v->gpr[R_BX].w & 0x1ff, ==, list[i] & 0x1ff);
        look(&pc);
        g_assert_cmpint(pc.surface.width, ==, width);
        g_assert_cmpint(pc.surface.height, ==, height);
        if (model == 3) {
            planar++;
            int10(&pc, 0x0c0f, 0, 17, 3);
            look(&pc);
            g_assert_cmphex(pixel(&pc, 17, 3), ==, 0xffffff);
            continue;
        }
        linear++;
        g_assert_cmphex(ram16(&pc, BUFFER + 0x28) | (uint32_t)ram16(&pc, BUFFER + 0x2a) << 16, ==, FB);
        unsigned bytes = (bpp + 7) / 8;
        for (unsigned b = 0; b < bytes; b++)
            hw_writeb(t, FB + 5 * pitch + 17 * bytes + b, bpp == 8 ? 15 : 0xff);
        look(&pc);
        g_assert_cmphex(pixel(&pc, 17, 5), ==, 0xffffff);
        g_assert_cmphex(pixel(&pc, 16, 5), ==, 0);
    }
    g_assert_cmpint(linear, >, 30);
    g_assert_cmpint(planar, >=, 1);

    /* Display start and line length move the picture. */
    int10(&pc, 0x4f02, 0x4000 | 0x115, 0, 0); /* 800x600x24 */
    g_assert_cmphex(int10(&pc, 0x4f06, 0, 1000, 0), ==, 0x004f);
    for (int b = 0; b < 3; b++)
        hw_writeb(t, FB + (50 * 1000 + 200) * 3 + (unsigned)b, 0xff);
    g_assert_cmphex(int10(&pc, 0x4f07, 0, 190, 40), ==, 0x004f);
    look(&pc);
    g_assert_cmphex(pixel(&pc, 10, 10), ==, 0xffffff);

    /* The monitor's data, which the BIOS has read through BAR2. */
    g_assert_cmphex(int10(&pc, 0x4f15, 1, 0, 0), ==, 0x004f);
    for (unsigned i = 0; i < 128; i++)
        g_assert_cmphex(pc.ram[BUFFER + i], ==, hw_readb(t, MMIO + i));

    /* Back to text. */
    int10(&pc, 0x0003, 0, 0, 0);
    print(&pc, "again");
    g_assert_true(display_text(vga_display(pc.vga), &pc.text));
    g_assert_cmphex(pc.text.cells[0], ==, 0x0700 | 'a');
    look(&pc);
    g_assert_cmpint(pc.surface.width, ==, 720);
    pc_off(&pc);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/vgabios/text", test_text);
    hw_test_add("/vgabios/graphics", test_graphics);
    hw_test_add("/vgabios/vbe", test_vbe);
    return g_test_run();
}

/* The Bochs VBE extension: dispi registers, linear and banked memory, every depth, BAR2, EDID. */
#include "config.h"

#include "vgatest.h"

#include <string.h>

enum { ID, XRES, YRES, BPP, ENABLE, BANK, VIRT_WIDTH, VIRT_HEIGHT, X_OFFSET, Y_OFFSET, MEMORY_64K };
enum { ENABLED = 1, GETCAPS = 2, DAC8 = 0x20, LFB = 0x40, NOCLEAR = 0x80 };

#define FB 0xe0000000u
#define MMIO 0xfebf0000u
#define ROM 0xfeb00000u

/* A VGA on PCI with its BARs mapped, and a viewer. */
typedef struct Card {
    HwTest *t;
    PciBus *bus;
    PciDevice *dev;
    Vga *vga;
    DisplaySurface surface;
    DisplayRect changed;
} Card;

static Card card_on(HwTest *t, const VgaConfig *config)
{
    static const uint8_t rom[] = {0x55, 0xaa, 2, 0xcb};
    Card c = {.t = t, .bus = pci_bus_new(t->io, t->mem)};
    c.vga = vga_new(t->mem, t->io, t->clock, config, NULL);
    g_assert_nonnull(c.vga);
    c.dev = vga_pci_attach(c.vga, c.bus, PCI_DEVFN(2, 0), rom, sizeof(rom));
    pci_config_write(c.dev, PCI_BAR0, FB, 4);
    pci_config_write(c.dev, PCI_BAR0 + 8, MMIO, 4);
    pci_config_write(c.dev, PCI_ROM_ADDRESS, ROM | 1, 4);
    pci_config_write(c.dev, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 2);
    set_mode(t, &mode_3); /* loads the DAC and switches the screen on */
    return c;
}

static void card_off(Card *c)
{
    display_surface_clear(&c->surface);
    pci_bus_free(c->bus);
    vga_free(c->vga);
}

static DisplayChange look(Card *c)
{
    return display_refresh(vga_display(c->vga), &c->surface, &c->changed);
}

static uint32_t pixel(const Card *c, int x, int y)
{
    g_assert_cmpint(x, <, c->surface.width);
    g_assert_cmpint(y, <, c->surface.height);
    return c->surface.pixels[y * c->surface.width + x];
}

static void vbe_mode(HwTest *t, uint16_t xres, uint16_t yres, uint16_t bpp, uint16_t flags)
{
    dispi(t, ENABLE, 0);
    dispi(t, XRES, xres);
    dispi(t, YRES, yres);
    dispi(t, BPP, bpp);
    dispi(t, BANK, 0);
    dispi(t, ENABLE, ENABLED | flags);
}

static void test_id(HwTest *t)
{
    Card c = card_on(t, &(VgaConfig){0});
    for (uint16_t id = 0xb0c0; id <= 0xb0c5; id++) {
        dispi(t, ID, id);
        g_assert_cmphex(dispi_get(t, ID), ==, id);
    }
    dispi(t, ID, 0xb0c6);
    dispi(t, ID, 0x1234);
    g_assert_cmphex(dispi_get(t, ID), ==, 0xb0c5);
    g_assert_cmphex(dispi_get(t, MEMORY_64K), ==, 256);
    dispi(t, MEMORY_64K, 1);
    g_assert_cmphex(dispi_get(t, MEMORY_64K), ==, 256);
    g_assert_cmphex(dispi_get(t, 11), ==, 0);

    hw_outw(t, 0x1ce, XRES);
    g_assert_cmphex(hw_inw(t, 0x1ce), ==, XRES);
    hw_outw(t, 0x1d0, 1280); /* the data port of machines other than PCs */
    g_assert_cmpint(hw_inw(t, 0x1cf), ==, 1280);
    g_assert_cmpint(hw_inw(t, 0x1d0), ==, 1280);

    dispi(t, ENABLE, GETCAPS);
    g_assert_cmpint(dispi_get(t, XRES), >=, 2560);
    g_assert_cmpint(dispi_get(t, YRES), >=, 1600);
    g_assert_cmpint(dispi_get(t, BPP), ==, 32);
    dispi(t, ENABLE, 0);
    g_assert_cmpint(dispi_get(t, XRES), ==, 1280);
    card_off(&c);
}

/* A value for pixel (x, y) that exercises all the bits of a depth, and the colour that it should show as. */
static uint32_t sample(unsigned x, unsigned y)
{
    return (x * 2654435761u) ^ (y * 40503u << 7);
}

static uint32_t scale(uint32_t v, unsigned bits)
{
    return (v << (8 - bits)) | (v >> (2 * bits - 8));
}

static uint32_t expected(unsigned bpp, uint32_t v)
{
    switch (bpp) {
    case 8:
        return dac_rgb(v & 0xff);
    case 15:
        return scale(v >> 10 & 31, 5) << 16 | scale(v >> 5 & 31, 5) << 8 | scale(v & 31, 5);
    case 16:
        return scale(v >> 11 & 31, 5) << 16 | scale(v >> 5 & 63, 6) << 8 | scale(v & 31, 5);
    default:
        return v & 0xffffff;
    }
}

static void put_pixel(HwTest *t, Gpa at, unsigned bytes, uint32_t v)
{
    for (unsigned i = 0; i < bytes; i++)
        hw_writeb(t, at + i, (uint8_t)(v >> 8 * i));
}

static void check_depth(HwTest *t, uint16_t bpp)
{
    Card c = card_on(t, &(VgaConfig){0});
    unsigned bytes = (bpp + 7u) / 8, w = 200, h = 60, stride = 300;
    vbe_mode(t, (uint16_t)w, (uint16_t)h, bpp, LFB);
    dispi(t, VIRT_WIDTH, (uint16_t)stride);
    dispi(t, X_OFFSET, 17);
    dispi(t, Y_OFFSET, 5);
    g_assert_cmpint(dispi_get(t, VIRT_HEIGHT), ==, MIN((16u << 20) / (stride * bytes), 65535u));
    for (unsigned y = 0; y < h + 5; y++)
        for (unsigned x = 0; x < stride; x++)
            put_pixel(t, FB + (y * stride + x) * bytes, bytes, sample(x, y));
    g_assert_cmpint(look(&c), ==, DISPLAY_RESIZED);
    g_assert_cmpint(c.surface.width, ==, w);
    g_assert_cmpint(c.surface.height, ==, h);
    for (unsigned y = 0; y < h; y++)
        for (unsigned x = 0; x < w; x++)
            g_assert_cmphex(pixel(&c, (int)x, (int)y), ==, expected(bpp, sample(x + 17, y + 5)));
    g_assert_cmpint(look(&c), ==, DISPLAY_SAME);

    put_pixel(t, FB + (15 * stride + 117) * bytes, bytes, ~sample(117, 15));
    g_assert_cmpint(look(&c), ==, DISPLAY_CHANGED);
    g_assert_cmpint(c.changed.x, ==, 100);
    g_assert_cmpint(c.changed.y, ==, 10);
    g_assert_cmpint(c.changed.width, ==, 1);
    g_assert_cmpint(c.changed.height, ==, 1);
    card_off(&c);
}

static void test_8(HwTest *t)
{
    check_depth(t, 8);
}

static void test_15(HwTest *t)
{
    check_depth(t, 15);
}

static void test_16(HwTest *t)
{
    check_depth(t, 16);
}

static void test_24(HwTest *t)
{
    check_depth(t, 24);
}

static void test_32(HwTest *t)
{
    check_depth(t, 32);
}

static void test_dac8(HwTest *t)
{
    Card c = card_on(t, &(VgaConfig){0});
    vbe_mode(t, 64, 64, 8, LFB | DAC8);
    hw_outb(t, 0x3c8, 9);
    hw_outb(t, 0x3c9, 0x12);
    hw_outb(t, 0x3c9, 0x9a);
    hw_outb(t, 0x3c9, 0xfe);
    hw_writeb(t, FB, 9);
    look(&c);
    g_assert_cmphex(pixel(&c, 0, 0), ==, 0x129afe);
    card_off(&c);
}

/* What byte o of plane p holds in test_planar(), and the colour of pixel x counted from byte o on. */
static uint8_t plane_byte(unsigned o, unsigned p)
{
    return (uint8_t)(sample(o, p) >> 9);
}

static uint32_t planar_colour(unsigned o, unsigned x)
{
    unsigned i = 0;
    for (unsigned p = 0; p < 4; p++)
        i |= (plane_byte(o + x / 8, p) >> (7 - x % 8) & 1u) << p;
    return dac_rgb(i == 6 ? 0x14 : i < 8 ? i : 0x30 + i);
}

/* Four planes beyond 64 KiB each, reached by banks, shown with an odd offset. */
static void test_planar(HwTest *t)
{
    Card c = card_on(t, &(VgaConfig){0});
    set_mode(t, &mode_12);
    vbe_mode(t, 1024, 768, 4, 0);
    planar_access(t);
    for (int p = 0; p < 4; p++)
        for (uint32_t o = 0; o < 128 * 768; o++) {
            if (o % 0x10000 == 0)
                dispi(t, BANK, (uint16_t)(o >> 16));
            plane_write(t, p, o & 0xffff, plane_byte(o, (unsigned)p));
        }
    look(&c);
    g_assert_cmpint(c.surface.width, ==, 1024);
    for (unsigned y = 0; y < 768; y += 5)
        for (unsigned x = 0; x < 1024; x++)
            g_assert_cmphex(pixel(&c, (int)x, (int)y), ==, planar_colour(y * 128, x));

    /* A wider virtual screen, seen from pixel 13 of line 2. */
    dispi(t, VIRT_WIDTH, 1040);
    dispi(t, X_OFFSET, 13);
    dispi(t, Y_OFFSET, 2);
    look(&c);
    for (unsigned x = 0; x < 1024; x++)
        g_assert_cmphex(pixel(&c, (int)x, 1), ==, planar_colour(3 * 130, x + 13));
    card_off(&c);
}

static void test_banks(HwTest *t)
{
    Card c = card_on(t, &(VgaConfig){0});
    vbe_mode(t, 640, 480, 32, 0);
    for (uint16_t bank = 0; bank < 256; bank += 15) {
        dispi(t, BANK, bank);
        g_assert_cmpint(dispi_get(t, BANK), ==, bank);
        g_assert_cmpint(bus_find(t->mem, 0xa0000, NULL)->kind, ==, REGION_RAM);
        hw_writel(t, 0xa0000, 0x01020304u * (bank + 1u));
        hw_writel(t, 0xafffc, bank);
    }
    for (uint16_t bank = 0; bank < 256; bank += 15) {
        g_assert_cmphex(hw_readl(t, FB + bank * 0x10000u), ==, 0x01020304u * (bank + 1u));
        g_assert_cmphex(hw_readl(t, FB + bank * 0x10000u + 0xfffc), ==, bank);
    }
    /* A bank that isn't there: the BIOS finds out by reading back. */
    dispi(t, BANK, 256);
    g_assert_cmpint(dispi_get(t, BANK), !=, 256);
    g_assert_cmphex(hw_readl(t, 0xb8000), ==, 0xffffffff);

    dispi(t, ENABLE, 0);
    g_assert_cmpint(bus_find(t->mem, 0xa0000, NULL)->kind, ==, REGION_IO);
    card_off(&c);
}

static void test_clear(HwTest *t)
{
    Card c = card_on(t, &(VgaConfig){0});
    hw_writel(t, FB + 640 * 480 - 4, 0x55555555);
    hw_writel(t, FB + 640 * 480, 0x66666666);
    vbe_mode(t, 640, 480, 8, LFB | NOCLEAR);
    g_assert_cmphex(hw_readl(t, FB + 640 * 480 - 4), ==, 0x55555555);
    vbe_mode(t, 640, 480, 8, LFB);
    g_assert_cmphex(hw_readl(t, FB + 640 * 480 - 4), ==, 0);
    g_assert_cmphex(hw_readl(t, FB + 640 * 480), ==, 0x66666666);
    hw_writel(t, FB, 7);
    dispi(t, ENABLE, ENABLED | LFB | DAC8); /* already enabled: only the flags change */
    g_assert_cmphex(hw_readl(t, FB), ==, 7);
    card_off(&c);
}

/* Impossible geometry is corrected, and what is read back fits the memory. */
static void test_limits(HwTest *t)
{
    Card c = card_on(t, &(VgaConfig){.vram_size = 1 << 20});
    vbe_mode(t, 16000, 12000, 32, LFB);
    g_assert_cmpint(dispi_get(t, XRES) * 4 * dispi_get(t, YRES), <=, 1 << 20);
    look(&c);
    vbe_mode(t, 0xffff, 0xffff, 4, LFB);
    look(&c);
    vbe_mode(t, 0, 0, 8, LFB);
    look(&c);
    g_assert_cmpint(c.surface.width, ==, 1);
    vbe_mode(t, 800, 600, 16, LFB);
    dispi(t, BPP, 17);
    g_assert_cmpint(dispi_get(t, BPP), ==, 16);
    dispi(t, X_OFFSET, 100);
    g_assert_cmpint(dispi_get(t, X_OFFSET), ==, 0); /* no wider than the screen yet */
    dispi(t, Y_OFFSET, 0xffff);
    g_assert_cmpint(dispi_get(t, Y_OFFSET), ==, (1 << 20) / 1600 - 600);
    dispi(t, BPP, 32); /* grows the line under the offset's feet */
    look(&c);
    g_assert_cmpint(dispi_get(t, YRES), ==, (1 << 20) / 3200);
    g_assert_cmpint(dispi_get(t, Y_OFFSET), ==, 0);
    card_off(&c);
}

static void test_hostile(HwTest *t)
{
    static const uint16_t sizes[] = {0, 1, 7, 8, 100, 640, 1023, 16000, 16001, 0x8000, 0xffff};
    static const uint16_t depths[] = {0, 4, 8, 15, 16, 24, 32, 77};
    Card c = card_on(t, &(VgaConfig){.vram_size = 1 << 20});
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x1ce);
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 8; i++) {
            uint16_t index = (uint16_t)g_rand_int_range(rand, 0, 12);
            uint16_t value = index == BPP ? depths[g_rand_int_range(rand, 0, 8)]
                             : index == ENABLE ? (uint16_t)g_rand_int_range(rand, 0, 4)
                             : sizes[g_rand_int_range(rand, 0, 11)];
            dispi(t, index, value);
            hw_writel(t, 0xa0000 + (g_rand_int(rand) & 0x1fffc), g_rand_int(rand));
            hw_readl(t, 0xa0000 + (g_rand_int(rand) & 0x1fffc));
            hw_readl(t, MMIO + (g_rand_int(rand) & 0xffc));
            hw_readl(t, FB + (g_rand_int(rand) & 0xffffc));
        }
        if (round % 4 == 0)
            hw_writel(t, MMIO + 0x400 + (g_rand_int(rand) & 0x1fc), g_rand_int(rand));
        look(&c);
        hw_inb(t, 0x3da);
    }
    card_off(&c);
}

static void test_pci(HwTest *t)
{
    Card c = card_on(t, &(VgaConfig){.vram_size = 32 << 20});
    g_assert_cmphex(pci_config_read(c.dev, 0, 4), ==, 0x11111234);
    g_assert_cmphex(pci_config_read(c.dev, 8, 4), ==, 0x03000002);
    pci_config_write(c.dev, PCI_BAR0, 0xffffffff, 4);
    g_assert_cmphex(pci_config_read(c.dev, PCI_BAR0, 4), ==, 0xfe000008); /* 32 MiB, prefetchable */
    pci_config_write(c.dev, PCI_BAR0, FB, 4);
    g_assert_cmpint(bus_find(t->mem, FB + (32 << 20) - 1, NULL)->kind, ==, REGION_RAM);
    g_assert_cmphex(hw_readl(t, ROM), ==, 0xcb02aa55);
    card_off(&c);
}

static void test_mmio(HwTest *t)
{
    Card c = card_on(t, &(VgaConfig){.xres = 1366, .yres = 768});
    hw_writew(t, MMIO + 0x500 + 2 * XRES, 800);
    g_assert_cmpint(dispi_get(t, XRES), ==, 800);
    g_assert_cmpint(hw_readw(t, MMIO + 0x500 + 2 * MEMORY_64K), ==, 256);
    g_assert_cmphex(hw_readw(t, MMIO + 0x500), ==, 0xb0c5);

    hw_writew(t, MMIO + 0x40e, 0x3c08); /* index and data at once: 3CE, 3CF */
    g_assert_cmphex(hw_inw(t, 0x3ce), ==, 0x3c08);
    hw_outb(t, 0x3c6, 0x5a);
    g_assert_cmphex(hw_readb(t, MMIO + 0x406), ==, 0x5a);

    g_assert_cmphex(hw_readl(t, MMIO + 0x600), ==, 8);
    g_assert_cmphex(hw_readl(t, MMIO + 0x604), ==, 0x1e1e1e1e);
    hw_writel(t, MMIO + 0x604, 0xbebebebe);
    g_assert_cmphex(hw_readl(t, MMIO + 0x604), ==, 0x1e1e1e1e);
    g_assert_cmphex(hw_readl(t, MMIO + 0xffc), ==, 0);

    uint8_t edid[128], sum = 0;
    for (unsigned i = 0; i < sizeof(edid); i++)
        sum += edid[i] = hw_readb(t, MMIO + i);
    static const uint8_t header[] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    g_assert_cmpmem(edid, 8, header, 8);
    g_assert_cmpint(sum, ==, 0);
    const uint8_t *d = edid + 54; /* the preferred timing */
    g_assert_cmpint(d[2] | d[4] >> 4 << 8, ==, 1366);
    g_assert_cmpint(d[5] | d[7] >> 4 << 8, ==, 768);
    unsigned htotal = 1366u + (d[3] | (d[4] & 15) << 8), vtotal = 768u + (d[6] | (d[7] & 15) << 8);
    g_assert_cmpfloat_with_epsilon((d[0] | d[1] << 8) * 10000. / htotal / vtotal, 60, 0.5);
    g_assert_cmphex(edid[35], ==, 0x21); /* 640x480, 800x600 */
    g_assert_cmphex(edid[36], ==, 0x08); /* 1024x768 */
    g_assert_cmphex(edid[38], ==, 1);    /* no standard mode fits this monitor */
    card_off(&c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/vbe/id", test_id);
    hw_test_add("/vbe/8", test_8);
    hw_test_add("/vbe/15", test_15);
    hw_test_add("/vbe/16", test_16);
    hw_test_add("/vbe/24", test_24);
    hw_test_add("/vbe/32", test_32);
    hw_test_add("/vbe/8-bit-dac", test_dac8);
    hw_test_add("/vbe/planar", test_planar);
    hw_test_add("/vbe/banks", test_banks);
    hw_test_add("/vbe/clear", test_clear);
    hw_test_add("/vbe/limits", test_limits);
    hw_test_add("/vbe/hostile", test_hostile);
    hw_test_add("/vbe/pci", test_pci);
    hw_test_add("/vbe/mmio", test_mmio);
    return g_test_run();
}

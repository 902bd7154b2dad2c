/* The VGA's registers, timing and memory window. */
#include "config.h"

#include "vgatest.h"

#include <string.h>

static void test_registers(HwTest *t)
{
    Vga *vga = vga_on(t);
    hw_outb(t, 0x3c2, 0xff);
    g_assert_cmphex(hw_inb(t, 0x3cc), ==, 0xef);
    hw_outb(t, 0x3da, 0xff);
    g_assert_cmphex(hw_inb(t, 0x3ca), ==, 0x10);

    /* A word sets index and data at once; bits that don't exist read as 0. */
    hw_outw(t, 0x3c4, 0xff02);
    g_assert_cmphex(hw_inw(t, 0x3c4), ==, 0x0f02);
    hw_outw(t, 0x3ce, 0xff05);
    g_assert_cmphex(hw_inw(t, 0x3ce), ==, 0x7b05);
    hw_outw(t, 0x3ce, 0xa508);
    g_assert_cmphex(hw_inb(t, 0x3cf), ==, 0xa5);

    /* Indexes without a register are harmless. */
    hw_outw(t, 0x3c4, 0xffff);
    g_assert_cmphex(hw_inb(t, 0x3c5), ==, 0);
    hw_outw(t, 0x3ce, 0xff09);
    g_assert_cmphex(hw_inb(t, 0x3cf), ==, 0);
    hw_outw(t, 0x3d4, 0xffff);
    g_assert_cmphex(hw_inb(t, 0x3d5), ==, 0);

    vga_reset(vga);
    g_assert_cmphex(hw_inb(t, 0x3cc), ==, 0);
    hw_outb(t, 0x3ce, 8);
    g_assert_cmphex(hw_inb(t, 0x3cf), ==, 0);
    vga_free(vga);
}

static void test_colour_select(HwTest *t)
{
    Vga *vga = vga_on(t);
    hw_outb(t, 0x3c2, 0x01);
    hw_outw(t, 0x3d4, 0x5a0f);
    g_assert_cmphex(hw_inw(t, 0x3d4), ==, 0x5a0f);
    g_assert_cmphex(hw_inw(t, 0x3b4), ==, 0xffff);
    g_assert_cmphex(hw_inb(t, 0x3ba), ==, 0xff);

    hw_outb(t, 0x3c2, 0x00);
    g_assert_cmphex(hw_inw(t, 0x3b4), ==, 0x5a0f);
    g_assert_cmphex(hw_inw(t, 0x3d4), ==, 0xffff);
    hw_outw(t, 0x3d4, 0x110f); /* nobody listens */
    g_assert_cmphex(hw_inb(t, 0x3b5), ==, 0x5a);
    g_assert_cmphex(hw_inb(t, 0x3ba), !=, 0xff);
    vga_free(vga);
}

static void test_crtc_protect(HwTest *t)
{
    Vga *vga = vga_on(t);
    hw_outb(t, 0x3c2, 0x01);
    for (uint8_t i = 0; i <= 7; i++)
        crtc(t, i, 0x41);
    crtc(t, 0x11, 0x80);
    for (uint8_t i = 0; i <= 0x18; i++)
        if (i != 0x11)
            crtc(t, i, 0xbe);
    for (uint8_t i = 0; i <= 6; i++)
        g_assert_cmphex(crtc_get(t, i), ==, 0x41);
    g_assert_cmphex(crtc_get(t, 7), ==, 0x51); /* only bit 4, line compare, went through */
    g_assert_cmphex(crtc_get(t, 8), ==, 0xbe);
    crtc(t, 0x11, 0);
    crtc(t, 0, 0xbe);
    g_assert_cmphex(crtc_get(t, 0), ==, 0xbe);
    vga_free(vga);
}

static void test_attribute_flip_flop(HwTest *t)
{
    Vga *vga = vga_on(t);
    hw_outb(t, 0x3c2, 0x01);
    hw_inb(t, 0x3da);
    hw_outb(t, 0x3c0, 0x03);
    hw_outb(t, 0x3c0, 0x2a);
    hw_outb(t, 0x3c0, 0x04);
    g_assert_cmphex(hw_inb(t, 0x3c0), ==, 0x04);
    hw_inb(t, 0x3da); /* back to the index, though data was due */
    hw_outb(t, 0x3c0, 0x03);
    g_assert_cmphex(hw_inb(t, 0x3c1), ==, 0x2a);
    g_assert_cmphex(crtc_get(t, 0x24), ==, 0x83);
    hw_inb(t, 0x3da);
    g_assert_cmphex(crtc_get(t, 0x24), ==, 0x03);
    attr(t, 0x10, 0xff);
    g_assert_cmphex(hw_inb(t, 0x3c1), ==, 0xef);
    attr(t, 0x1f, 0xff);
    g_assert_cmphex(hw_inb(t, 0x3c1), ==, 0);
    vga_free(vga);
}

static void test_dac(HwTest *t)
{
    Vga *vga = vga_on(t);
    hw_outb(t, 0x3c8, 0xfe);
    g_assert_cmphex(hw_inb(t, 0x3c7), ==, 0);
    for (uint8_t i = 0; i < 9; i++) /* entries fe, ff and, wrapping, 0 */
        hw_outb(t, 0x3c9, 0x40 | (i + 1));
    g_assert_cmphex(hw_inb(t, 0x3c8), ==, 1);

    hw_outb(t, 0x3c7, 0xff);
    g_assert_cmphex(hw_inb(t, 0x3c7), ==, 3);
    for (uint8_t i = 3; i < 9; i++)
        g_assert_cmphex(hw_inb(t, 0x3c9), ==, i + 1);

    /* An unfinished triple leaves the entry alone; an index write starts anew. */
    hw_outb(t, 0x3c8, 0xff);
    hw_outb(t, 0x3c9, 0x3f);
    hw_outb(t, 0x3c9, 0x3f);
    hw_outb(t, 0x3c7, 0xff);
    g_assert_cmphex(hw_inb(t, 0x3c9), ==, 4);
    g_assert_cmphex(hw_inb(t, 0x3c9), ==, 5);
    g_assert_cmphex(hw_inb(t, 0x3c9), ==, 6);

    hw_outb(t, 0x3c6, 0x0f);
    g_assert_cmphex(hw_inb(t, 0x3c6), ==, 0x0f);

    /* Eight bits when the dispi interface says so. */
    dispi(t, 4, 0x20);
    hw_outb(t, 0x3c8, 7);
    for (int i = 0; i < 3; i++)
        hw_outb(t, 0x3c9, 0xe1);
    hw_outb(t, 0x3c7, 7);
    g_assert_cmphex(hw_inb(t, 0x3c9), ==, 0xe1);
    vga_free(vga);
}

/* Look at input status 1 every step ns for a second: how often do the bits of mask rise, and for how many looks are they set? */
static void watch_status(HwTest *t, uint8_t mask, int64_t step, unsigned *rises, double *share)
{
    unsigned looks = 0, set = 0;
    bool before = hw_inb(t, 0x3da) & mask;
    *rises = 0;
    for (int64_t at = 0; at < NS_PER_SEC; at += step) {
        clock_step(t->clock, step);
        bool now = hw_inb(t, 0x3da) & mask;
        *rises += now && !before;
        set += now;
        looks++;
        before = now;
    }
    *share = (double)set / looks;
}

static void test_retrace(HwTest *t)
{
    static const struct {
        const VgaMode *mode;
        unsigned hz;
        double lines; /* total, of which 2 are retrace */
        double displayed; /* share of time */
    } cases[] = {
        {&mode_3, 70, 449, 400. / 449 * 80 / 100},
        {&mode_13, 70, 449, 400. / 449 * 80 / 100},
        {&mode_12, 60, 525, 480. / 525 * 80 / 100},
        {&mode_d, 70, 449, 400. / 449 * 40 / 50},
    };
    Vga *vga = vga_on(t);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        unsigned rises;
        double share;
        set_mode(t, cases[i].mode);
        watch_status(t, 8, US(20), &rises, &share);
        g_assert_cmpint(ABS((int)rises - (int)cases[i].hz), <=, 1);
        g_assert_cmpfloat_with_epsilon(share, 2 / cases[i].lines, 0.002);
        watch_status(t, 1, US(1), &rises, &share);
        g_assert_cmpfloat_with_epsilon(1 - share, cases[i].displayed, 0.01);
        /* One rise for each displayed line: the vertical blank merges the rest. */
        g_assert_cmpint(ABS((int)rises - (int)(cases[i].hz * (cases[i].hz == 60 ? 480 : 400))), <, 500);
    }

    /* Registers that describe no picture still give a retrace: nobody waits for ever. */
    unsigned rises;
    double share;
    vga_reset(vga);
    hw_outb(t, 0x3c2, 1);
    watch_status(t, 8, US(20), &rises, &share);
    g_assert_cmpint(rises, >=, 59);
    vga_free(vga);
}

/*
 * An independent model of the planes: bit by bit, with the planes as four arrays, straight from the manual's block diagram
 * of the graphics controller.
 */
typedef struct Model {
    uint8_t plane[4][0x10000];
    uint8_t latch[4];
    uint8_t gfx[9], map_mask;
    bool chain4, odd_even;
} Model;

static void model_locate(const Model *m, uint32_t a, bool write, unsigned *offset, bool take[4])
{
    for (unsigned p = 0; p < 4; p++)
        take[p] = write ? m->map_mask >> p & 1 : p == m->gfx[4];
    *offset = a;
    if (m->chain4) {
        for (unsigned p = 0; p < 4; p++)
            take[p] = p == a % 4 && (!write || take[p]);
        *offset = a - a % 4;
    } else if (m->odd_even) {
        for (unsigned p = 0; p < 4; p++)
            take[p] = p % 2 == a % 2 && (write ? take[p] : p / 2 == m->gfx[4] / 2);
        *offset = a - a % 2;
    }
}

static uint8_t model_read(Model *m, uint32_t a)
{
    unsigned offset;
    bool take[4];
    uint8_t value = 0;
    model_locate(m, a, false, &offset, take);
    for (int p = 0; p < 4; p++)
        m->latch[p] = m->plane[p][offset];
    for (int bit = 0; bit < 8; bit++) {
        bool one = true;
        for (int p = 0; p < 4; p++) {
            bool b = m->latch[p] >> bit & 1;
            if (m->gfx[5] & 8) /* compare */
                one = one && (!(m->gfx[7] >> p & 1) || b == (m->gfx[2] >> p & 1));
            else if (take[p])
                one = b;
        }
        value |= (uint8_t)(one << bit);
    }
    return value;
}

static void model_write(Model *m, uint32_t a, uint8_t cpu)
{
    unsigned offset;
    bool take[4];
    model_locate(m, a, true, &offset, take);
    for (int p = 0; p < 4; p++) {
        if (!take[p])
            continue;
        uint8_t result = 0;
        for (int bit = 0; bit < 8; bit++) {
            bool rotated = cpu >> (bit + (m->gfx[3] & 7)) % 8 & 1, old = m->latch[p] >> bit & 1;
            bool set = m->gfx[0] >> p & 1, may = m->gfx[8] >> bit & 1, new;
            switch (m->gfx[5] & 3) {
            case 0:
                new = m->gfx[1] >> p & 1 ? set : rotated;
                break;
            case 2:
                new = cpu >> p & 1;
                break;
            case 3:
                new = set;
                may = may && rotated;
                break;
            default:
                new = old;
                may = false;
            }
            switch (m->gfx[3] >> 3 & 3) {
            case 1:
                new = new && old;
                break;
            case 2:
                new = new || old;
                break;
            case 3:
                new = new != old;
                break;
            }
            result |= (uint8_t)((may ? new : old) << bit);
        }
        m->plane[p][offset] = result;
    }
}

static void model_check_planes(HwTest *t, Model *m, uint32_t limit)
{
    planar_access(t);
    for (int p = 0; p < 4; p++)
        for (uint32_t o = 0; o < limit; o++)
            g_assert_cmphex(plane_read(t, p, o), ==, m->plane[p][o]);
}

/* Random registers, random accesses: every read agrees, and at the end every byte. */
static void test_graphics_controller(HwTest *t)
{
    enum { SPAN = 64, ROUNDS = 3000 };
    Vga *vga = vga_on(t);
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x3cf);
    g_autofree Model *m = g_new0(Model, 1);
    static const uint32_t bases[] = {0, 0x3fe0, 0x8000 - SPAN / 2, 0x10000 - SPAN};

    set_mode(t, &mode_12);
    m->map_mask = 0xf;
    m->gfx[8] = 0xff;
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t i = (uint8_t)g_rand_int_range(rand, 0, 9);
        uint8_t value = (uint8_t)g_rand_int(rand);
        if (i == 6)
            continue;
        static const uint8_t mask[9] = {0xf, 0xf, 0xf, 0x1f, 3, 0x0b, 0, 0xf, 0xff};
        m->gfx[i] = value & mask[i];
        m->map_mask = (uint8_t)g_rand_int_range(rand, 0, 16);
        m->chain4 = g_rand_int_range(rand, 0, 4) == 0;
        m->odd_even = g_rand_int_range(rand, 0, 4) == 0;
        if (m->gfx[8] == 0xff && m->chain4)
            m->gfx[8] = 0x7f; /* keep off the direct view, whose reads load no latches */
        for (uint8_t r = 0; r < 9; r++)
            if (r != 6)
                gfx(t, r, m->gfx[r] | (r == 5 && m->odd_even ? 0x10 : 0));
        seq(t, 2, m->map_mask);
        seq(t, 4, (uint8_t)(2 | (m->odd_even ? 0 : 4) | (m->chain4 ? 8 : 0)));
        for (int k = 0; k < 16; k++) {
            uint32_t a = bases[g_rand_int_range(rand, 0, G_N_ELEMENTS(bases))] + g_rand_int_range(rand, 0, SPAN);
            if (g_rand_boolean(rand)) {
                value = (uint8_t)g_rand_int(rand);
                hw_writeb(t, 0xa0000 + a, value);
                model_write(m, a, value);
            } else {
                g_assert_cmphex(hw_readb(t, 0xa0000 + a), ==, model_read(m, a));
            }
        }
    }
    model_check_planes(t, m, 0x10000);
    vga_free(vga);
}

static void test_latches(HwTest *t)
{
    Vga *vga = vga_on(t);
    set_mode(t, &mode_12);
    planar_access(t);
    for (int p = 0; p < 4; p++)
        plane_write(t, p, 100, (uint8_t)(0x10 + p));
    seq(t, 2, 0xf);
    gfx(t, 5, 1);
    hw_readb(t, 0xa0000 + 100);
    hw_writew(t, 0xa0000 + 200, 0xffff); /* write mode 1: four planes copied, the data is nothing */
    gfx(t, 4, 2);
    g_assert_cmphex(crtc_get(t, 0x22), ==, 0x12);
    gfx(t, 5, 0);
    for (int p = 0; p < 4; p++) {
        g_assert_cmphex(plane_read(t, p, 200), ==, 0x10 + p);
        g_assert_cmphex(plane_read(t, p, 201), ==, 0x10 + p);
        g_assert_cmphex(plane_read(t, p, 202), ==, 0);
    }
    vga_free(vga);
}

static void test_memory_maps(HwTest *t)
{
    static const struct {
        uint8_t misc;
        uint32_t start, end;
    } maps[] = {
        {0x00, 0xa0000, 0xc0000},
        {0x04, 0xa0000, 0xb0000},
        {0x08, 0xb0000, 0xb8000},
        {0x0c, 0xb8000, 0xc0000},
    };
    Vga *vga = vga_on(t);
    set_mode(t, &mode_12);
    planar_access(t);
    seq(t, 2, 0xf);
    hw_writeb(t, 0xa0000, 0x77);
    for (size_t i = 0; i < G_N_ELEMENTS(maps); i++) {
        gfx(t, 6, maps[i].misc | 1);
        for (uint32_t a = 0xa0000; a < 0xc0000; a += 0x8000) {
            bool inside = a >= maps[i].start && a < maps[i].end;
            bool first = (a - maps[i].start) % 0x10000 == 0; /* 128 KiB show 64 KiB twice */
            g_assert_cmphex(hw_readb(t, a), ==, !inside ? 0xff : first ? 0x77 : 0);
        }
    }
    gfx(t, 6, 5);
    hw_outb(t, 0x3c2, 0xe1); /* CPU access off */
    g_assert_cmphex(hw_readb(t, 0xa0000), ==, 0xff);
    hw_writeb(t, 0xa0000, 0x12);
    hw_outb(t, 0x3c2, 0xe3);
    g_assert_cmphex(hw_readb(t, 0xa0000), ==, 0x77);
    vga_free(vga);
}

/* Text memory: characters in plane 0, attributes in plane 1, both at even offsets. */
static void test_odd_even(HwTest *t)
{
    Vga *vga = vga_on(t);
    set_mode(t, &mode_3);
    hw_writel(t, 0xb8000, 0x1f421e41);
    hw_writeb(t, 0xb8ffe, 'Z');
    g_assert_cmphex(hw_readl(t, 0xb8000), ==, 0x1f421e41);
    planar_access(t);
    g_assert_cmphex(plane_read(t, 0, 0), ==, 0x41);
    g_assert_cmphex(plane_read(t, 1, 0), ==, 0x1e);
    g_assert_cmphex(plane_read(t, 0, 1), ==, 0);
    g_assert_cmphex(plane_read(t, 0, 2), ==, 0x42);
    g_assert_cmphex(plane_read(t, 1, 2), ==, 0x1f);
    g_assert_cmphex(plane_read(t, 0, 0xffe), ==, 'Z');
    vga_free(vga);
}

static bool is_direct(HwTest *t)
{
    Region *r = bus_find(t->mem, 0xa0000, NULL);
    return r && r->kind == REGION_RAM;
}

/* Mode 13h is memory that needs no callbacks; what is written there is in the planes by chain-4's rule. */
static void test_direct(HwTest *t)
{
    Vga *vga = vga_on(t);
    g_assert_false(is_direct(t));
    set_mode(t, &mode_13);
    g_assert_true(is_direct(t));
    for (uint32_t a = 0; a < 0x10000; a++)
        hw_writeb(t, 0xa0000 + a, (uint8_t)(a * 167 >> 3));

    static const struct {
        uint8_t port_low, index, value;
    } spoilers[] = {
        {0xc4, 2, 0x7}, {0xc4, 4, 0x6}, {0xce, 1, 0x1}, {0xce, 3, 0x8}, {0xce, 3, 0x1},
        {0xce, 5, 0x1}, {0xce, 5, 0x8}, {0xce, 8, 0x7f}, {0xce, 6, 0xd},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(spoilers); i++) {
        uint16_t port = 0x300 | spoilers[i].port_low;
        hw_outb(t, port, spoilers[i].index);
        uint8_t before = hw_inb(t, port + 1);
        hw_outb(t, port + 1, spoilers[i].value);
        g_assert_false(is_direct(t));
        hw_outb(t, port + 1, before);
        g_assert_true(is_direct(t));
    }

    gfx(t, 8, 0x7f); /* the same memory by way of the callbacks */
    for (uint32_t a = 0; a < 0x10000; a += 13)
        g_assert_cmphex(hw_readb(t, 0xa0000 + a), ==, (uint8_t)(a * 167 >> 3));
    planar_access(t);
    for (uint32_t a = 0; a < 0x10000; a++)
        g_assert_cmphex(plane_read(t, a % 4, a - a % 4), ==, (uint8_t)(a * 167 >> 3));
    vga_reset(vga);
    g_assert_false(is_direct(t));
    vga_free(vga);
}

static void test_config(HwTest *t)
{
    static const VgaConfig bad[] = {
        {3 << 20, 0, 0}, {512 << 10, 0, 0}, {512u << 20, 0, 0}, {0, 100, 100}, {0, 5000, 1000}, {0, 1024, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(vga_new(t->mem, t->io, t->clock, &bad[i], &error));
        g_assert_nonnull(error);
        g_assert_nonnull(strstr(error->message, "VGA"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/vga/registers", test_registers);
    hw_test_add("/vga/colour-select", test_colour_select);
    hw_test_add("/vga/crtc-protect", test_crtc_protect);
    hw_test_add("/vga/attribute-flip-flop", test_attribute_flip_flop);
    hw_test_add("/vga/dac", test_dac);
    hw_test_add("/vga/retrace", test_retrace);
    hw_test_add("/vga/graphics-controller", test_graphics_controller);
    hw_test_add("/vga/latches", test_latches);
    hw_test_add("/vga/memory-maps", test_memory_maps);
    hw_test_add("/vga/odd-even", test_odd_even);
    hw_test_add("/vga/direct", test_direct);
    hw_test_add("/vga/config", test_config);
    return g_test_run();
}

/*
 * The IDE channel and the ATA disk at register level: probing as SeaBIOS and Linux do it, PIO reads and writes of
 * every form, addresses, interrupts, errors.
 */
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <unistd.h>
#include <glib/gstdio.h>

#include "idetest.h"

#define SECTORS 20000u
#define IRQ 14

typedef struct Rig {
    HwTest *t;
    IdeChannel *ch;
    BlockDev *disk;
    char *path;
} Rig;

static Rig rig_new(HwTest *t, uint64_t sectors)
{
    Rig r = {.t = t};

    r.ch = ide_channel_new(t->io, CMD0, CTL0, hw_irq_line(t, IRQ));
    r.disk = idetest_image_path(sectors, 512, &r.path);
    ide_attach(r.ch, 0, IDE_DISK, r.disk, "XM00001");
    return r;
}

static void rig_free(Rig *r)
{
    ide_channel_free(r->ch);
    block_close(r->disk);
    g_unlink(r->path);
    g_free(r->path);
}

static void identify(HwTest *t, uint16_t *words)
{
    ide_command28(t, CMD0, 0xa0, 0, 0, 0, 0xec);
    assert_status(t, CTL0, DRDY | DSC | DRQ);
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(hw_inb(t, CMD0 + 7), ==, DRDY | DSC | DRQ);
    g_assert_false(hw_irq(t, IRQ));
    ide_pio_in(t, CMD0, words, 512);
    assert_status(t, CTL0, DRDY | DSC);
    g_assert_false(hw_irq(t, IRQ));
}

/* What SeaBIOS's ata_detect and Linux's ata_devchk do. */
static void test_probe(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);

    for (int unit = 0; unit < 2; unit++) {
        hw_outb(t, CMD0 + 6, unit ? 0xb0 : 0xa0);
        hw_outb(t, CMD0 + 2, 0x55);
        hw_outb(t, CMD0 + 3, 0xaa);
        hw_outb(t, CMD0 + 2, 0xaa);
        hw_outb(t, CMD0 + 3, 0x55);
        hw_outb(t, CMD0 + 2, 0x55);
        hw_outb(t, CMD0 + 3, 0xaa);
        g_assert_cmphex(hw_inb(t, CMD0 + 2), ==, unit ? 0 : 0x55);
        g_assert_cmphex(hw_inb(t, CMD0 + 3), ==, unit ? 0 : 0xaa);
    }
    /* Soft reset: busy while SRST is set, then the signature, on device 0, without an interrupt. */
    hw_outb(t, CTL0, 0x0a);
    hw_outb(t, CTL0, 0x0e);
    hw_outb(t, CMD0 + 6, 0xa0);
    assert_status(t, CTL0, BSY);
    hw_outb(t, CTL0, 0x08);
    assert_status(t, CTL0, DRDY | DSC);
    g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 1);
    g_assert_cmphex(hw_inb(t, CMD0 + 2), ==, 1);
    g_assert_cmphex(hw_inb(t, CMD0 + 3), ==, 1);
    g_assert_cmphex(hw_inb(t, CMD0 + 4), ==, 0);
    g_assert_cmphex(hw_inb(t, CMD0 + 5), ==, 0);
    g_assert_cmphex(hw_inb(t, CMD0 + 6), ==, 0xa0);
    g_assert_false(hw_irq(t, IRQ));
    /* The absent device answers with zeros and takes no command. */
    hw_outb(t, CMD0 + 6, 0xb0);
    assert_status(t, CTL0, 0);
    hw_outb(t, CMD0 + 7, 0xec);
    assert_status(t, CTL0, 0);
    g_assert_false(hw_irq(t, IRQ));
    rig_free(&r);
}

static void test_empty_channel(HwTest *t)
{
    IdeChannel *ch = ide_channel_new(t->io, CMD1, CTL1, hw_irq_line(t, 15));

    hw_outb(t, CMD1 + 2, 0x55);
    hw_outb(t, CMD1 + 7, 0xec);
    for (uint16_t i = 0; i < 8; i++)
        g_assert_cmphex(hw_inb(t, CMD1 + i), ==, 0);
    g_assert_cmphex(hw_inw(t, CMD1), ==, 0);
    hw_outw(t, CMD1, 0x1234);
    hw_outb(t, CTL1, 4);
    hw_outb(t, CTL1, 0);
    assert_status(t, CTL1, 0);
    g_assert_false(hw_irq(t, 15));
    ide_channel_free(ch);
}

static void test_identify(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);
    uint16_t w[256];

    identify(t, w);
    g_assert_cmphex(w[0], ==, 0x0040);
    g_assert_cmpuint(w[1], ==, SECTORS / 1008);
    g_assert_cmpuint(w[3], ==, 16);
    g_assert_cmpuint(w[6], ==, 63);
    g_assert_cmphex(w[10], ==, 'X' << 8 | 'M'); /* the serial number, bytes swapped */
    g_assert_cmphex(w[27], ==, 'X' << 8 | '8');
    g_assert_cmphex(w[47] & 0xff, ==, 16);
    g_assert_cmphex(w[49] & 0x0300, ==, 0x0300);
    g_assert_cmpuint(w[54], ==, w[1]);
    g_assert_cmpuint(w[57] | (unsigned)w[58] << 16, ==, w[1] * 16u * 63u);
    g_assert_cmphex(w[59], ==, 0x110);
    g_assert_cmpuint(w[60] | (unsigned)w[61] << 16, ==, SECTORS);
    g_assert_cmphex(w[83] & 0xf400, ==, 0x7400); /* valid; flush ext, flush, 48 bits */
    g_assert_cmphex(w[88], ==, 0x203f);
    g_assert_cmpuint(w[100], ==, SECTORS);
    g_assert_cmpuint(w[101], ==, 0);
    g_assert_cmphex(w[93] & 0xe000, ==, 0x6000);

    /* SET MULTIPLE and the transfer mode show. */
    ide_command28(t, CMD0, 0xa0, 0, 8, 0, 0xc6);
    assert_status(t, CTL0, DRDY | DSC);
    ide_command28(t, CMD0, 0xa0, 0x03, 0x22, 0, 0xef);
    assert_status(t, CTL0, DRDY | DSC);
    identify(t, w);
    g_assert_cmphex(w[59], ==, 0x108);
    g_assert_cmphex(w[63], ==, 0x0407);
    g_assert_cmphex(w[88], ==, 0x003f);
    /* Modes that no PC of this kind has, and multiples that aren't powers of two. */
    ide_command28(t, CMD0, 0xa0, 0x03, 0x47, 0, 0xef);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 0x04);
    ide_command28(t, CMD0, 0xa0, 0, 3, 0, 0xc6);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    rig_free(&r);
}

/* A disk beyond 28 bits: the old words saturate. */
static void test_identify_large(HwTest *t)
{
    Rig r = rig_new(t, (1ull << 28) + 100);
    uint16_t w[256];

    identify(t, w);
    g_assert_cmpuint(w[60] | (unsigned)w[61] << 16, ==, 0x0fffffff);
    g_assert_cmphex(w[100] | (unsigned)w[101] << 16, ==, 0x10000064);
    g_assert_cmpuint(w[1], ==, 16383);
    /* The last sector, with 48 bits. */
    ide_command48(t, CMD0, 0xe0, 1, (1ull << 28) + 99, 0x24);
    assert_status(t, CTL0, DRDY | DSC | DRQ);
    rig_free(&r);
}

static void check_sector(HwTest *t, uint32_t number)
{
    uint8_t buf[512];
    uint32_t got;

    assert_status(t, CTL0, DRDY | DSC | DRQ);
    ide_pio_in(t, CMD0, buf, 512);
    memcpy(&got, buf, 4);
    g_assert_cmpuint(got, ==, number);
}

static void test_read(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);

    /* One interrupt a sector; none at the end. */
    ide_command28(t, CMD0, 0xe0, 0, 3, 1000, 0x20);
    for (uint32_t i = 0; i < 3; i++) {
        g_assert_true(hw_irq(t, IRQ));
        hw_inb(t, CMD0 + 7);
        g_assert_false(hw_irq(t, IRQ));
        check_sector(t, 1000 + i);
    }
    assert_status(t, CTL0, DRDY | DSC);
    g_assert_false(hw_irq(t, IRQ));
    g_assert_cmphex(hw_inb(t, CMD0 + 2), ==, 0);

    /* By 32-bit accesses, as Linux and SeaBIOS may. */
    ide_command28(t, CMD0, 0xe0, 0, 1, 77, 0x20);
    g_assert_cmpuint(hw_inl(t, CMD0), ==, 77);
    for (int i = 1; i < 128; i++)
        hw_inl(t, CMD0);
    assert_status(t, CTL0, DRDY | DSC);

    /* 48 bits: read back with HOB. */
    ide_command48(t, CMD0, 0xe0, 2, 0x1234, 0x24);
    check_sector(t, 0); /* beyond 4096 the image's sectors are blank */
    check_sector(t, 0);
    ide_command48(t, CMD0, 0xe0, 2, 2222, 0x24);
    check_sector(t, 2222);
    check_sector(t, 2223);
    hw_outb(t, CMD0 + 3, 0x11);
    hw_outb(t, CMD0 + 3, 0x22);
    g_assert_cmphex(hw_inb(t, CMD0 + 3), ==, 0x22);
    hw_outb(t, CTL0, 0x80);
    g_assert_cmphex(hw_inb(t, CMD0 + 3), ==, 0x11);
    hw_outb(t, CMD0 + 2, 0); /* any write to the command block clears HOB */
    g_assert_cmphex(hw_inb(t, CMD0 + 3), ==, 0x22);
    rig_free(&r);
}

static void test_count_zero(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);

    ide_command28(t, CMD0, 0xe0, 0, 0, 5, 0x20); /* 256 sectors */
    for (uint32_t i = 0; i < 256; i++)
        check_sector(t, 5 + i);
    assert_status(t, CTL0, DRDY | DSC);
    rig_free(&r);
}

static void read_chs(HwTest *t, unsigned c, unsigned h, unsigned s)
{
    ide_command28(t, CMD0, (uint8_t)(0xa0 | h), 0, 1, 0, 0);
    hw_outb(t, CMD0 + 2, 1);
    hw_outb(t, CMD0 + 3, (uint8_t)s);
    hw_outb(t, CMD0 + 4, (uint8_t)c);
    hw_outb(t, CMD0 + 5, (uint8_t)(c >> 8));
    hw_outb(t, CMD0 + 7, 0x20);
}

static void test_chs(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);

    read_chs(t, 2, 3, 4);
    check_sector(t, (2 * 16 + 3) * 63 + 3);
    /* The task file goes on to the next sector, over a track and a cylinder. */
    read_chs(t, 0, 15, 63);
    check_sector(t, 15 * 63 + 62);
    g_assert_cmpuint(hw_inb(t, CMD0 + 3), ==, 1);
    g_assert_cmpuint(hw_inb(t, CMD0 + 4), ==, 1);
    g_assert_cmphex(hw_inb(t, CMD0 + 6), ==, 0xa0);
    /* Sector 0, and a sector or head that isn't there. */
    read_chs(t, 0, 0, 0);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 0x10);
    read_chs(t, 0, 0, 64);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    /* INITIALIZE DEVICE PARAMETERS: 4 heads of 17 sectors. */
    ide_command28(t, CMD0, 0xa3, 0, 17, 0, 0x91);
    assert_status(t, CTL0, DRDY | DSC);
    read_chs(t, 3, 2, 5);
    check_sector(t, (3 * 4 + 2) * 17 + 4);
    read_chs(t, 0, 4, 1);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    uint16_t w[256];
    identify(t, w);
    g_assert_cmpuint(w[54], ==, SECTORS / 68);
    g_assert_cmpuint(w[55], ==, 4);
    g_assert_cmpuint(w[56], ==, 17);
    g_assert_cmpuint(w[6], ==, 63);
    rig_free(&r);
}

static void test_multiple(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);

    /* SET MULTIPLE MODE to 0 turns it off. */
    ide_command28(t, CMD0, 0xe0, 0, 0, 0, 0xc6);
    ide_command28(t, CMD0, 0xe0, 0, 1, 0, 0xc4);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    ide_command28(t, CMD0, 0xe0, 0, 8, 0, 0xc6);
    hw_inb(t, CMD0 + 7);
    hw_irq_edges(t, IRQ);
    ide_command28(t, CMD0, 0xe0, 0, 20, 300, 0xc4);
    for (uint32_t i = 0; i < 20; i++) {
        if (i % 8 == 0) { /* blocks of 8, 8 and 4 */
            g_assert_true(hw_irq(t, IRQ));
            hw_inb(t, CMD0 + 7);
        }
        g_assert_false(hw_irq(t, IRQ));
        check_sector(t, 300 + i);
    }
    g_assert_cmpuint(hw_irq_edges(t, IRQ), ==, 3);
    assert_status(t, CTL0, DRDY | DSC);

    uint8_t out[10 * 512], back[10 * 512];
    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 7);
    ide_command48(t, CMD0, 0xe0, 10, 400, 0x39);
    assert_status(t, CTL0, DRDY | DSC | DRQ);
    g_assert_false(hw_irq(t, IRQ)); /* none before the first block */
    ide_pio_out(t, CMD0, out, 8 * 512);
    g_assert_true(hw_irq(t, IRQ));
    hw_inb(t, CMD0 + 7);
    ide_pio_out(t, CMD0, out + 8 * 512, 2 * 512);
    g_assert_true(hw_irq(t, IRQ));
    assert_status(t, CTL0, DRDY | DSC);
    g_assert_cmpint(block_read(r.disk, 400 * 512, back, sizeof(back)), ==, 0);
    g_assert_cmpmem(back, sizeof(back), out, sizeof(out));
    rig_free(&r);
}

static void test_write(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);
    uint8_t out[1024], back[1024];

    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 13 + 1);
    for (int form = 0; form < 3; form++) {
        static const uint8_t commands[] = {0x30, 0x3c, 0x34};
        uint32_t lba = 50 + 10u * (unsigned)form;
        if (commands[form] == 0x34)
            ide_command48(t, CMD0, 0xe0, 2, lba, 0x34);
        else
            ide_command28(t, CMD0, 0xe0, 0, 2, lba, commands[form]);
        g_assert_false(hw_irq(t, IRQ));
        assert_status(t, CTL0, DRDY | DSC | DRQ);
        ide_pio_out(t, CMD0, out, 512);
        g_assert_true(hw_irq(t, IRQ));
        assert_status(t, CTL0, DRDY | DSC | DRQ);
        hw_inb(t, CMD0 + 7);
        ide_pio_out(t, CMD0, out + 512, 512);
        g_assert_true(hw_irq(t, IRQ));
        assert_status(t, CTL0, DRDY | DSC);
        hw_inb(t, CMD0 + 7);
        g_assert_cmpint(block_read(r.disk, lba * 512, back, 1024), ==, 0);
        g_assert_cmpmem(back, 1024, out, 1024);
    }
    rig_free(&r);
}

static void test_bounds(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);
    static const uint8_t commands[] = {0x20, 0x30, 0x40};

    for (size_t i = 0; i < sizeof(commands); i++) {
        ide_command28(t, CMD0, 0xe0, 0, 2, SECTORS - 1, commands[i]);
        assert_status(t, CTL0, DRDY | DSC | ERR);
        g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 0x10); /* ID not found */
        g_assert_true(hw_irq(t, IRQ));
    }
    ide_command28(t, CMD0, 0xe0, 0, 1, SECTORS - 1, 0x40);
    assert_status(t, CTL0, DRDY | DSC);
    ide_command48(t, CMD0, 0xe0, 1, 0xffffffffffffull, 0x24);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    /* An unknown command aborts; the next good one clears the error. */
    ide_command28(t, CMD0, 0xe0, 0, 1, 0, 0xff);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 0x04);
    ide_command28(t, CMD0, 0xe0, 0, 1, 0, 0x40);
    assert_status(t, CTL0, DRDY | DSC);
    g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 0);
    rig_free(&r);
}

/* The host can't read the image's end: UNC at the first bad sector, with its address. */
static void test_read_error(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);

    g_assert_cmpint(truncate(r.path, 1002 * 512), ==, 0);
    ide_command28(t, CMD0, 0xe0, 0, 4, 1000, 0x20);
    check_sector(t, 1000);
    check_sector(t, 1001);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 0x40);
    g_assert_cmpuint(hw_inb(t, CMD0 + 3) | hw_inb(t, CMD0 + 4) << 8, ==, 1002);
    g_assert_true(hw_irq(t, IRQ));
    /* READ VERIFY finds it too, from a larger piece. */
    ide_command28(t, CMD0, 0xe0, 0, 100, 990, 0x40);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 0x40);
    g_assert_cmpuint(hw_inb(t, CMD0 + 3) | hw_inb(t, CMD0 + 4) << 8, ==, 1002);
    rig_free(&r);
}

static void test_write_error(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);
    uint8_t out[512] = {0};
    struct rlimit old, small;

    ide_command28(t, CMD0, 0xe0, 0, 1, 2000, 0x30);
    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){1000 * 512, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    ide_pio_out(t, CMD0, out, 512);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 0x04);
    g_assert_true(hw_irq(t, IRQ));
    rig_free(&r);
}

/* nIEN hides the interrupt and gives it back; the interrupt belongs to the selected drive. */
static void test_interrupts(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);
    BlockDev *second = idetest_image(100, 512);

    ide_attach(r.ch, 1, IDE_DISK, second, "XM00002");
    hw_outb(t, CTL0, 0x02);
    ide_command28(t, CMD0, 0xe0, 0, 1, 0, 0x40);
    g_assert_false(hw_irq(t, IRQ));
    hw_outb(t, CTL0, 0x00);
    g_assert_true(hw_irq(t, IRQ));
    hw_outb(t, CMD0 + 6, 0xf0);
    g_assert_false(hw_irq(t, IRQ));
    hw_inb(t, CMD0 + 7); /* reading drive 1's status leaves drive 0's interrupt pending */
    hw_outb(t, CMD0 + 6, 0xe0);
    g_assert_true(hw_irq(t, IRQ));
    hw_inb(t, CTL0);
    g_assert_true(hw_irq(t, IRQ));
    hw_inb(t, CMD0 + 7);
    g_assert_false(hw_irq(t, IRQ));
    /* A new command withdraws the old interrupt. */
    ide_command28(t, CMD0, 0xe0, 0, 1, 0, 0x40);
    g_assert_true(hw_irq(t, IRQ));
    ide_command28(t, CMD0, 0xe0, 0, 1, 0, 0x30);
    g_assert_false(hw_irq(t, IRQ));
    /* In a data phase the registers hold, and commands bounce. */
    hw_outb(t, CMD0 + 2, 0x99);
    g_assert_cmphex(hw_inb(t, CMD0 + 2), !=, 0x99);
    hw_outb(t, CMD0 + 7, 0xec);
    assert_status(t, CTL0, DRDY | DSC | DRQ);
    /* A reset ends it. */
    hw_outb(t, CTL0, 0x04);
    assert_status(t, CTL0, BSY);
    hw_outb(t, CTL0, 0x00);
    assert_status(t, CTL0, DRDY | DSC);
    hw_outw(t, CMD0, 0xdead);
    uint8_t sector[512];
    g_assert_cmpint(block_read(r.disk, 0, sector, 512), ==, 0);
    g_assert_cmphex(sector[0], ==, 0);
    rig_free(&r);
    block_close(second);
}

static void test_two_drives(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);
    BlockDev *second = idetest_image(100, 512);
    uint16_t w[256];

    ide_attach(r.ch, 1, IDE_DISK, second, "XM00002");
    ide_command28(t, CMD0, 0xb0, 0, 0, 0, 0xec);
    ide_pio_in(t, CMD0, w, 512);
    g_assert_cmpuint(w[60], ==, 100);
    /* Diagnostics: both fine, told by device 0, which is then selected. */
    hw_outb(t, CMD0 + 6, 0xb0);
    hw_outb(t, CMD0 + 7, 0x90);
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(hw_inb(t, CMD0 + 7), ==, DRDY | DSC);
    g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 1);
    g_assert_cmphex(hw_inb(t, CMD0 + 6), ==, 0xa0);
    g_assert_cmphex(hw_inb(t, CMD0 + 2), ==, 1);
    rig_free(&r);
    block_close(second);
}

static void test_small_commands(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);
    static const uint8_t good[] = {0x10, 0x1f, 0x70, 0x7f, 0xe0, 0xe1, 0xe2, 0xe3, 0xe6, 0xe7, 0xea, 0x94, 0x97, 0x99};

    for (size_t i = 0; i < sizeof(good); i++) {
        ide_command28(t, CMD0, 0xe0, 0, 1, 10, good[i]);
        g_assert_true(hw_irq(t, IRQ));
        g_assert_cmphex(hw_inb(t, CMD0 + 7), ==, DRDY | DSC);
    }
    /* NOP, PACKET, IDENTIFY PACKET DEVICE, DEVICE RESET are not for disks. */
    static const uint8_t bad[] = {0x00, 0xa0, 0xa1, 0x08};
    for (size_t i = 0; i < sizeof(bad); i++) {
        ide_command28(t, CMD0, 0xe0, 0, 1, 10, bad[i]);
        g_assert_cmphex(hw_inb(t, CMD0 + 7), ==, DRDY | DSC | ERR);
        g_assert_cmphex(hw_inb(t, CMD0 + 1), ==, 4);
    }
    /* Power: standby shows until something moves. */
    ide_command28(t, CMD0, 0xe0, 0, 0, 0, 0xe0);
    ide_command28(t, CMD0, 0xe0, 0, 0x55, 0, 0xe5);
    g_assert_cmphex(hw_inb(t, CMD0 + 2), ==, 0x00);
    ide_command28(t, CMD0, 0xe0, 0, 1, 0, 0x40);
    ide_command28(t, CMD0, 0xe0, 0, 0x55, 0, 0xe5);
    g_assert_cmphex(hw_inb(t, CMD0 + 2), ==, 0xff);
    /* READ NATIVE MAX ADDRESS. */
    ide_command28(t, CMD0, 0xe0, 0, 0, 0, 0xf8);
    g_assert_cmpuint(hw_inb(t, CMD0 + 3) | hw_inb(t, CMD0 + 4) << 8, ==, SECTORS - 1);
    /* WRITE BUFFER, READ BUFFER. */
    uint8_t out[512], in[512];
    memset(out, 0x3c, sizeof(out));
    ide_command28(t, CMD0, 0xe0, 0, 0, 0, 0xe8);
    ide_pio_out(t, CMD0, out, 512);
    assert_status(t, CTL0, DRDY | DSC);
    ide_command28(t, CMD0, 0xe0, 0, 0, 0, 0xe4);
    ide_pio_in(t, CMD0, in, 512);
    g_assert_cmpmem(in, 512, out, 512);
    rig_free(&r);
}

static void smart(HwTest *t, uint8_t feature)
{
    ide_command28(t, CMD0, 0xe0, feature, 1, 0xc24f00, 0xb0);
}

static void test_smart(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);
    uint8_t buf[512], sum = 0;

    smart(t, 0xd0);
    assert_status(t, CTL0, DRDY | DSC | DRQ);
    ide_pio_in(t, CMD0, buf, 512);
    for (int i = 0; i < 512; i++)
        sum += buf[i];
    g_assert_cmphex(sum, ==, 0);
    g_assert_cmphex(buf[2], ==, 1);
    smart(t, 0xda); /* healthy: 4F C2 stay */
    assert_status(t, CTL0, DRDY | DSC);
    g_assert_cmphex(hw_inb(t, CMD0 + 4), ==, 0x4f);
    g_assert_cmphex(hw_inb(t, CMD0 + 5), ==, 0xc2);
    smart(t, 0xd9);
    smart(t, 0xd0); /* disabled */
    assert_status(t, CTL0, DRDY | DSC | ERR);
    smart(t, 0xd8);
    smart(t, 0xd1);
    assert_status(t, CTL0, DRDY | DSC | DRQ);
    ide_pio_in(t, CMD0, buf, 512);
    ide_command28(t, CMD0, 0xe0, 0xd0, 1, 0, 0xb0); /* without the signature */
    assert_status(t, CTL0, DRDY | DSC | ERR);
    rig_free(&r);
}

/* DMA commands without a bus master. */
static void test_no_master(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);

    ide_command28(t, CMD0, 0xe0, 0, 1, 0, 0xc8);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    ide_command28(t, CMD0, 0xe0, 0, 1, 0, 0xca);
    assert_status(t, CTL0, DRDY | DSC | ERR);
    rig_free(&r);
}

/* With the worker thread: BSY until the main loop delivers; a reset forgets the answer. */
static void test_async(HwTest *t)
{
    Rig r = rig_new(t, SECTORS);
    GMainContext *context = g_main_context_new();
    uint8_t out[512];

    block_set_async(r.disk, context, NULL);
    memset(out, 0x99, sizeof(out));
    ide_command28(t, CMD0, 0xe0, 0, 2, 700, 0x30);
    ide_pio_out(t, CMD0, out, 512);
    assert_status(t, CTL0, BSY | DRDY | DSC);
    g_assert_false(hw_irq(t, IRQ));
    while (!hw_irq(t, IRQ))
        g_main_context_iteration(context, TRUE);
    g_assert_cmphex(hw_inb(t, CMD0 + 7), ==, DRDY | DSC | DRQ);
    ide_pio_out(t, CMD0, out, 512);
    assert_status(t, CTL0, BSY | DRDY | DSC);
    hw_outb(t, CMD0 + 7, 0xec); /* busy: ignored */
    hw_outb(t, CTL0, 4);
    hw_outb(t, CTL0, 0);
    assert_status(t, CTL0, DRDY | DSC);
    block_drain(r.disk);
    g_assert_false(hw_irq(t, IRQ)); /* the cancelled write told nobody, */
    g_assert_cmpint(block_read(r.disk, 701 * 512, out, 512), ==, 0);
    g_assert_cmphex(out[511], ==, 0x99); /* but happened */
    ide_command28(t, CMD0, 0xe0, 0, 0, 0, 0xe7);
    assert_status(t, CTL0, BSY | DRDY | DSC);
    while (!hw_irq(t, IRQ))
        g_main_context_iteration(context, TRUE);
    assert_status(t, CTL0, DRDY | DSC);
    rig_free(&r);
    g_main_context_unref(context);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/ide/probe", test_probe);
    hw_test_add("/ide/empty-channel", test_empty_channel);
    hw_test_add("/ide/identify", test_identify);
    hw_test_add("/ide/identify-large", test_identify_large);
    hw_test_add("/ide/read", test_read);
    hw_test_add("/ide/count-zero", test_count_zero);
    hw_test_add("/ide/chs", test_chs);
    hw_test_add("/ide/multiple", test_multiple);
    hw_test_add("/ide/write", test_write);
    hw_test_add("/ide/bounds", test_bounds);
    hw_test_add("/ide/read-error", test_read_error);
    hw_test_add("/ide/write-error", test_write_error);
    hw_test_add("/ide/interrupts", test_interrupts);
    hw_test_add("/ide/two-drives", test_two_drives);
    hw_test_add("/ide/small-commands", test_small_commands);
    hw_test_add("/ide/smart", test_smart);
    hw_test_add("/ide/no-master", test_no_master);
    hw_test_add("/ide/async", test_async);
    return g_test_run();
}

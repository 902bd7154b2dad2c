/*
 * The CD-ROM drive at register level: identification, the packet protocol by PIO and DMA, the commands' replies,
 * media changes.
 */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "hw/pci.h"
#include "hw/piix_ide.h"
#include "idetest.h"

#define IRQ 15
#define BM 0xc008
#define TABLE 0x1000u
#define DATA 0x10000u
#define DISC 3000u /* sectors */
#define PACKET(...) (const uint8_t[12]){__VA_ARGS__}

typedef struct Rig {
    PciBus *pci;
    PiixIde *ide;
    IdeChannel *ch;
    BlockDev *disc;
    char *path;
} Rig;

static Rig rig_new(HwTest *t, uint64_t sectors)
{
    Rig r = {0};

    r.pci = pci_bus_new(t->io, t->mem);
    r.ide = piix_ide_new(r.pci, PCI_DEVFN(1, 1), t->io, hw_irq_line(t, 14), hw_irq_line(t, 15));
    r.ch = piix_ide_channel(r.ide, 1);
    if (sectors)
        r.disc = idetest_image_path(sectors, 2048, &r.path);
    ide_attach(r.ch, 0, IDE_CDROM, r.disc, "XM00003");
    PciDevice *dev = pci_bus_device(r.pci, PCI_DEVFN(1, 1));
    pci_config_write(dev, 0x20, BM & ~15, 4);
    pci_config_write(dev, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER, 2);
    return r;
}

static void rig_free(Rig *r)
{
    piix_ide_free(r->ide);
    pci_bus_free(r->pci);
    block_close(r->disc);
    if (r->path)
        g_unlink(r->path);
    g_free(r->path);
}

/* Issue PACKET and send the twelve bytes, as Linux's ide and SeaBIOS do. */
static void packet(HwTest *t, uint16_t limit, bool dma, const uint8_t *p)
{
    ide_command28(t, CMD1, 0xa0, dma ? 1 : 0, 0, (uint32_t)limit << 8, 0xa0);
    assert_status(t, CTL1, DRDY | DSC | DRQ);
    g_assert_false(hw_irq(t, IRQ)); /* word 0 of IDENTIFY says: without an interrupt */
    g_assert_cmphex(hw_inb(t, CMD1 + 2) & 3, ==, 1); /* C/D, to the device */
    ide_pio_out(t, CMD1, p, 12);
}

/* Take the data of a PIO command: portion by portion as announced; returns how many bytes there were. */
static unsigned take(HwTest *t, uint8_t *buf, unsigned room, unsigned *portions)
{
    unsigned n = 0;

    if (portions)
        *portions = 0;
    for (;;) {
        g_assert_true(hw_irq(t, IRQ));
        uint8_t status = hw_inb(t, CMD1 + 7);
        g_assert_false(hw_irq(t, IRQ));
        g_assert_cmphex(status & ~DRQ, ==, DRDY | DSC);
        if (!(status & DRQ)) {
            g_assert_cmphex(hw_inb(t, CMD1 + 2) & 3, ==, 3);
            return n;
        }
        g_assert_cmphex(hw_inb(t, CMD1 + 2) & 3, ==, 2);
        unsigned len = hw_inb(t, CMD1 + 4) | (unsigned)hw_inb(t, CMD1 + 5) << 8;
        g_assert_cmpuint(n + len, <=, room);
        ide_pio_in(t, CMD1, buf + n, len);
        n += len;
        if (portions)
            ++*portions;
    }
}

static unsigned run(HwTest *t, const uint8_t *p, uint8_t *buf, unsigned room)
{
    packet(t, 0xfffe, false, p);
    return take(t, buf, room, NULL);
}

static void check_failed(HwTest *t, uint8_t key, uint8_t asc, uint8_t ascq)
{
    uint8_t s[18];

    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(hw_inb(t, CMD1 + 7), ==, DRDY | DSC | ERR);
    g_assert_cmphex(hw_inb(t, CMD1 + 1) >> 4, ==, key);
    g_assert_cmphex(hw_inb(t, CMD1 + 2) & 3, ==, 3);
    g_assert_cmpuint(run(t, PACKET(0x03, 0, 0, 0, 18), s, sizeof(s)), ==, 18);
    g_assert_cmphex(s[0], ==, 0x70);
    g_assert_cmphex(s[2], ==, key);
    g_assert_cmphex(s[12], ==, asc);
    g_assert_cmphex(s[13], ==, ascq);
}

static void run_failing(HwTest *t, const uint8_t *p, uint8_t key, uint8_t asc, uint8_t ascq)
{
    packet(t, 0xfffe, false, p);
    check_failed(t, key, asc, ascq);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | p[2] << 16 | p[1] << 8 | p[0];
}

static void test_identify(HwTest *t)
{
    Rig r = rig_new(t, DISC);
    uint16_t w[256];

    /* After a reset: signature, status 0. */
    hw_outb(t, CTL1, 4);
    hw_outb(t, CTL1, 0);
    assert_status(t, CTL1, 0);
    g_assert_cmphex(hw_inb(t, CMD1 + 4), ==, 0x14);
    g_assert_cmphex(hw_inb(t, CMD1 + 5), ==, 0xeb);
    g_assert_cmphex(hw_inb(t, CMD1 + 2), ==, 1);
    /* IDENTIFY DEVICE and READ SECTORS abort and say what it is. */
    ide_command28(t, CMD1, 0xa0, 0, 0, 0, 0xec);
    assert_status(t, CTL1, DRDY | DSC | ERR);
    g_assert_cmphex(hw_inb(t, CMD1 + 1), ==, 4);
    g_assert_cmphex(hw_inb(t, CMD1 + 4), ==, 0x14);
    g_assert_cmphex(hw_inb(t, CMD1 + 5), ==, 0xeb);
    ide_command28(t, CMD1, 0xa0, 0, 1, 0, 0x20);
    assert_status(t, CTL1, DRDY | DSC | ERR);
    ide_command28(t, CMD1, 0xa0, 0, 0, 0, 0xa1);
    g_assert_true(hw_irq(t, IRQ));
    ide_pio_in(t, CMD1, w, 512);
    g_assert_cmphex(w[0], ==, 0x85c0);
    g_assert_cmphex(w[49] & 0x0300, ==, 0x0300);
    g_assert_cmphex(w[27], ==, 'X' << 8 | '8');
    assert_status(t, CTL1, DRDY | DSC);
    /* DEVICE RESET in the middle of a packet, without an interrupt. */
    ide_command28(t, CMD1, 0xa0, 0, 0, 0, 0xa0);
    hw_inb(t, CMD1 + 7);
    hw_outb(t, CMD1 + 7, 0x08);
    assert_status(t, CTL1, 0);
    g_assert_cmphex(hw_inb(t, CMD1 + 4), ==, 0x14);
    g_assert_false(hw_irq(t, IRQ));
    /* Overlapped commands aren't there. */
    ide_command28(t, CMD1, 0xa0, 2, 0, 0, 0xa0);
    assert_status(t, CTL1, DRDY | DSC | ERR);
    rig_free(&r);
}

static void test_inquiry(HwTest *t)
{
    Rig r = rig_new(t, DISC);
    uint8_t b[256];

    g_assert_cmpuint(run(t, PACKET(0x12, 0, 0, 0, 36), b, sizeof(b)), ==, 36);
    g_assert_cmphex(b[0], ==, 5);
    g_assert_cmphex(b[1], ==, 0x80);
    g_assert_cmpmem(b + 8, 8, "X86VM   ", 8);
    g_assert_cmpuint(run(t, PACKET(0x12, 0, 0, 0, 5), b, sizeof(b)), ==, 5);
    g_assert_cmpuint(run(t, PACKET(0x12, 0, 0, 0, 0), b, sizeof(b)), ==, 0);
    g_assert_cmpuint(run(t, PACKET(0x12, 1, 0x80, 0, 255), b, sizeof(b)), ==, 11);
    g_assert_cmpmem(b + 4, 7, "XM00003", 7);
    run_failing(t, PACKET(0x12, 1, 0x55, 0, 255), 5, 0x24, 0);
    run_failing(t, PACKET(0xee), 5, 0x20, 0);
    rig_free(&r);
}

static void test_ready_and_capacity(HwTest *t)
{
    Rig r = rig_new(t, DISC);
    uint8_t b[64];

    g_assert_cmpuint(run(t, PACKET(0x00), b, 0), ==, 0);
    g_assert_cmpuint(run(t, PACKET(0x25), b, sizeof(b)), ==, 8);
    g_assert_cmpuint(be32(b), ==, DISC - 1);
    g_assert_cmpuint(be32(b + 4), ==, 2048);
    /* No sense left over. */
    g_assert_cmpuint(run(t, PACKET(0x03, 0, 0, 0, 18), b, sizeof(b)), ==, 18);
    g_assert_cmphex(b[2], ==, 0);
    rig_free(&r);
}

static void test_read_pio(HwTest *t)
{
    Rig r = rig_new(t, DISC);
    g_autofree uint8_t *b = g_malloc(100 * 2048);
    unsigned portions;

    /* READ(10), one sector a portion. */
    packet(t, 2048, false, PACKET(0x28, 0, 0, 0, 0, 16, 0, 0, 3));
    g_assert_cmpuint(take(t, b, 100 * 2048, &portions), ==, 3 * 2048);
    g_assert_cmpuint(portions, ==, 3);
    for (unsigned i = 0; i < 3; i++)
        g_assert_cmpuint(le32(b + 2048 * i), ==, 16 + i);
    /* READ(12), more than the buffer holds at once, portions over sector borders. */
    packet(t, 30001, false, PACKET(0xa8, 0, 0, 0, 1, 0, 0, 0, 0, 100));
    g_assert_cmpuint(take(t, b, 100 * 2048, &portions), ==, 100 * 2048);
    for (unsigned i = 0; i < 100; i++)
        g_assert_cmpuint(le32(b + 2048 * i), ==, 256 + i);
    /* By 32-bit reads, the last word of an odd reply alone. */
    packet(t, 0xfffe, false, PACKET(0x28, 0, 0, 0, 0, 20, 0, 0, 1));
    g_assert_cmpuint(hw_inl(t, CMD1), ==, 20);
    for (int i = 1; i < 512; i++)
        hw_inl(t, CMD1);
    assert_status(t, CTL1, DRDY | DSC);
    hw_inb(t, CMD1 + 7);
    /* Nothing, and off the end. */
    g_assert_cmpuint(run(t, PACKET(0x28, 0, 0, 0, 0, 16, 0, 0, 0), b, 0), ==, 0);
    run_failing(t, PACKET(0x28, 0, 0, 0, 0x0b, 0xb7, 0, 0, 2), 5, 0x21, 0);
    g_assert_cmpuint(run(t, PACKET(0x28, 0, 0, 0, 0x0b, 0xb7, 0, 0, 1), b, 2048), ==, 2048);
    g_assert_cmpuint(le32(b), ==, DISC - 1);
    run_failing(t, PACKET(0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 5, 0x21, 0);
    g_assert_cmpuint(run(t, PACKET(0x2b, 0, 0, 0, 0x0b, 0xb7), b, 0), ==, 0);
    run_failing(t, PACKET(0x2b, 0, 0, 0, 0x0b, 0xb8), 5, 0x21, 0);
    rig_free(&r);
}

static void test_read_dma(HwTest *t)
{
    Rig r = rig_new(t, DISC);

    for (unsigned i = 0; i < 4; i++) {
        hw_writel(t, TABLE + 8 * i, DATA + 0x10000 * i);
        hw_writel(t, TABLE + 8 * i + 4, i == 3 ? 0x80000000 | 0x2000 : 0);
    }
    hw_outl(t, BM + 4, TABLE);
    hw_outb(t, BM, 8);
    hw_outb(t, BM + 2, 6);
    packet(t, 0, true, PACKET(0x28, 0, 0, 0, 1, 0, 0, 0, 100));
    g_assert_false(hw_irq(t, IRQ));
    hw_outb(t, BM, 9);
    g_assert_true(hw_irq(t, IRQ));
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x04);
    hw_outb(t, BM, 8);
    g_assert_cmphex(hw_inb(t, CMD1 + 7), ==, DRDY | DSC);
    g_assert_cmphex(hw_inb(t, CMD1 + 2) & 3, ==, 3);
    for (unsigned i = 0; i < 100; i++)
        g_assert_cmpuint(hw_readl(t, DATA + 2048 * i), ==, 256 + i);
    /* A reply by DMA: the table is longer. */
    hw_outb(t, BM + 2, 6);
    packet(t, 0, true, PACKET(0x25));
    hw_outb(t, BM, 9);
    g_assert_cmphex(hw_inb(t, BM + 2), ==, 0x05);
    g_assert_cmphex(hw_readl(t, DATA + 4), ==, 0x00080000);
    hw_outb(t, BM, 8);
    /* An error before any data. */
    hw_outb(t, BM + 2, 6);
    packet(t, 0, true, PACKET(0x28, 0, 0, 1, 0, 0, 0, 0, 1));
    hw_outb(t, BM, 9);
    hw_outb(t, BM, 8);
    check_failed(t, 5, 0x21, 0);
    /* An error in the middle: the host can't read the rest of the image. */
    g_assert_cmpint(truncate(r.path, 200 * 2048), ==, 0);
    hw_outb(t, BM + 2, 6);
    packet(t, 0, true, PACKET(0x28, 0, 0, 0, 0, 130, 0, 0, 100));
    hw_outb(t, BM, 9);
    g_assert_cmphex(hw_inb(t, BM + 2) & 4, ==, 4);
    hw_outb(t, BM, 8);
    check_failed(t, 3, 0x11, 0);
    rig_free(&r);
}

static void test_read_cd(HwTest *t)
{
    Rig r = rig_new(t, DISC);
    uint8_t b[3 * 2352];

    /* The whole sector: sync, header in BCD, mode 1, data. LBA 16 is at 00:02:16. */
    g_assert_cmpuint(run(t, PACKET(0xbe, 0, 0, 0, 0, 16, 0, 0, 2, 0xf8), b, sizeof(b)), ==, 2 * 2352);
    static const uint8_t head[16] = {0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 2, 0x16, 1};
    g_assert_cmpmem(b, 16, head, 16);
    g_assert_cmpuint(le32(b + 16), ==, 16);
    g_assert_cmpuint(le32(b + 2352 + 16), ==, 17);
    /* User data; header and data; nothing. */
    g_assert_cmpuint(run(t, PACKET(0xbe, 8, 0, 0, 0, 16, 0, 0, 1, 0x10), b, sizeof(b)), ==, 2048);
    g_assert_cmpuint(le32(b), ==, 16);
    g_assert_cmpuint(run(t, PACKET(0xbe, 0, 0, 0, 0, 16, 0, 0, 1, 0x30), b, sizeof(b)), ==, 2052);
    g_assert_cmphex(b[3], ==, 1);
    g_assert_cmpuint(le32(b + 4), ==, 16);
    g_assert_cmpuint(run(t, PACKET(0xbe, 0, 0, 0, 0, 16, 0, 0, 1, 0), b, sizeof(b)), ==, 0);
    /* Audio there is none; sub-channels neither. */
    run_failing(t, PACKET(0xbe, 4, 0, 0, 0, 16, 0, 0, 1, 0xf8), 5, 0x64, 0);
    run_failing(t, PACKET(0xbe, 0, 0, 0, 0, 16, 0, 0, 1, 0xf8, 1), 5, 0x24, 0);
    run_failing(t, PACKET(0x47, 0, 0, 0, 2, 0, 0, 3, 0), 5, 0x64, 0);
    /* By MSF: 00:02:16 to 00:02:17. */
    g_assert_cmpuint(run(t, PACKET(0xb9, 0, 0, 0, 2, 16, 0, 2, 17, 0x10), b, sizeof(b)), ==, 2048);
    g_assert_cmpuint(le32(b), ==, 16);
    run_failing(t, PACKET(0xb9, 0, 0, 0, 0, 0, 0, 2, 17, 0x10), 5, 0x24, 0);
    rig_free(&r);
}

static void test_toc(HwTest *t)
{
    Rig r = rig_new(t, DISC);
    uint8_t b[128];

    g_assert_cmpuint(run(t, PACKET(0x43, 0, 0, 0, 0, 0, 0, 1, 0), b, sizeof(b)), ==, 20);
    static const uint8_t lba[20] = {0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 0x0b, 0xb8};
    g_assert_cmpmem(b, 20, lba, 20);
    g_assert_cmpuint(run(t, PACKET(0x43, 2, 0, 0, 0, 0, 0, 0, 100), b, sizeof(b)), ==, 20);
    static const uint8_t msf[8] = {0, 0, 2, 0, 0, 0x14, 0xaa, 0};
    g_assert_cmpmem(b + 8, 8, msf, 8);
    g_assert_cmpuint(b[17], ==, 0); /* 3000 + 150 frames: 00:42:00 */
    g_assert_cmpuint(b[18], ==, 42);
    g_assert_cmpuint(b[19], ==, 0);
    /* The lead-out alone; a track that isn't there. */
    g_assert_cmpuint(run(t, PACKET(0x43, 0, 0, 0, 0, 0, 0xaa, 0, 100), b, sizeof(b)), ==, 12);
    run_failing(t, PACKET(0x43, 0, 0, 0, 0, 0, 2, 0, 100), 5, 0x24, 0);
    /* Sessions, also where SFF-8020 had the format; the raw lead-in. */
    for (int old = 0; old < 2; old++) {
        g_assert_cmpuint(run(t, PACKET(0x43, 0, !old, 0, 0, 0, 0, 0, 100, old ? 0x40 : 0), b, sizeof(b)), ==, 12);
        g_assert_cmphex(b[6], ==, 1);
    }
    g_assert_cmpuint(run(t, PACKET(0x43, 2, 2, 0, 0, 0, 0, 0, 100), b, sizeof(b)), ==, 48);
    g_assert_cmphex(b[7], ==, 0xa0);
    g_assert_cmphex(b[4 + 22 + 3], ==, 0xa2);
    g_assert_cmpuint(b[4 + 22 + 9], ==, 42);
    g_assert_cmphex(b[4 + 33 + 3], ==, 1);
    run_failing(t, PACKET(0x43, 0, 5, 0, 0, 0, 0, 0, 100), 5, 0x24, 0);
    rig_free(&r);
}

static void test_features(HwTest *t)
{
    Rig r = rig_new(t, DISC);
    uint8_t b[256];
    unsigned n = run(t, PACKET(0x46, 0, 0, 0, 0, 0, 0, 1, 0), b, sizeof(b));

    g_assert_cmpuint(be32(b), ==, n - 4);
    g_assert_cmphex(b[7], ==, 0x08); /* CD-ROM */
    unsigned at = 8, last = 0;
    while (at < n) { /* each where the one before ends, in order */
        unsigned code = b[at] << 8 | b[at + 1];
        g_assert_true(at == 8 || code > last);
        last = code;
        at += 4u + b[at + 3];
    }
    g_assert_cmpuint(at, ==, n);
    /* One feature; one that isn't there; the current ones. */
    g_assert_cmpuint(run(t, PACKET(0x46, 2, 0, 0x1e, 0, 0, 0, 1, 0), b, sizeof(b)), ==, 16);
    g_assert_cmphex(b[10], ==, 1);
    g_assert_cmpuint(run(t, PACKET(0x46, 2, 0, 0x21, 0, 0, 0, 1, 0), b, sizeof(b)), ==, 8);
    g_assert_cmpuint(run(t, PACKET(0x46, 1, 0, 0, 0, 0, 0, 1, 0), b, sizeof(b)), <, n);
    g_assert_cmpuint(run(t, PACKET(0x51, 0, 0, 0, 0, 0, 0, 0, 100), b, sizeof(b)), ==, 34);
    g_assert_cmphex(b[2], ==, 0x0e);
    g_assert_cmpuint(run(t, PACKET(0x52, 1, 0, 0, 0, 1, 0, 0, 100), b, sizeof(b)), ==, 36);
    g_assert_cmpuint(be32(b + 24), ==, DISC);
    g_assert_cmpuint(run(t, PACKET(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8), b, sizeof(b)), ==, 8);
    g_assert_cmpuint(run(t, PACKET(0x42, 0, 0x40, 1, 0, 0, 0, 0, 16), b, sizeof(b)), ==, 16);
    g_assert_cmphex(b[1], ==, 0x15);
    run_failing(t, PACKET(0xad, 0, 0, 0, 0, 0, 0, 0, 0, 8), 5, 0x30, 2);
    rig_free(&r);
}

static void test_dvd(HwTest *t)
{
    Rig r = rig_new(t, 400000);
    uint8_t b[4096];

    run(t, PACKET(0x46, 0, 0, 0, 0, 0, 0, 0, 8), b, sizeof(b));
    g_assert_cmphex(b[7], ==, 0x10);
    g_assert_cmpuint(run(t, PACKET(0xad, 0, 0, 0, 0, 0, 0, 0, 8, 4), b, sizeof(b)), ==, 2052);
    g_assert_cmpuint(be32(b + 12), ==, 0x30000 + 399999);
    g_assert_cmpuint(run(t, PACKET(0xad, 0, 0, 0, 0, 0, 0, 0xff, 0, 100), b, sizeof(b)), ==, 16);
    rig_free(&r);
}

static void test_mode_sense(HwTest *t)
{
    Rig r = rig_new(t, DISC);
    uint8_t b[256];
    unsigned n = run(t, PACKET(0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 128), b, sizeof(b));

    g_assert_cmpuint((unsigned)(b[0] << 8 | b[1]), ==, n - 2);
    g_assert_cmphex(b[2], ==, 0x01);
    g_assert_cmphex(b[8], ==, 0x2a);
    g_assert_cmphex(b[8 + 6] & 2, ==, 0);
    run(t, PACKET(0x1e, 0, 0, 0, 1), b, 0);
    run(t, PACKET(0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 128), b, sizeof(b));
    g_assert_cmphex(b[8 + 6] & 2, ==, 2); /* locked */
    n = run(t, PACKET(0x1a, 0, 0x3f, 0, 255), b, sizeof(b));
    g_assert_cmpuint(b[0], ==, n - 1);
    g_assert_cmphex(b[4], ==, 0x01);
    run_failing(t, PACKET(0x5a, 0, 0x11, 0, 0, 0, 0, 0, 128), 5, 0x24, 0);
    run_failing(t, PACKET(0x5a, 0, 0xea, 0, 0, 0, 0, 0, 128), 5, 0x39, 0);
    rig_free(&r);
}

static void test_media(HwTest *t)
{
    Rig r = rig_new(t, 0);
    uint8_t b[64];

    /* Empty. */
    run_failing(t, PACKET(0x00), 2, 0x3a, 0);
    run_failing(t, PACKET(0x25), 2, 0x3a, 0);
    run_failing(t, PACKET(0x28, 0, 0, 0, 0, 0, 0, 0, 1), 2, 0x3a, 0);
    g_assert_cmpuint(run(t, PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), b, sizeof(b)), ==, 8);
    g_assert_cmphex(b[4], ==, 0);
    g_assert_cmphex(b[5], ==, 0);
    /* A disc comes: attention, once, not for INQUIRY; the event, once. */
    r.disc = idetest_image_path(DISC, 2048, &r.path);
    g_assert_true(ide_cdrom_change(r.ch, 0, r.disc, false));
    g_assert_cmpuint(run(t, PACKET(0x12, 0, 0, 0, 36), b, sizeof(b)), ==, 36);
    g_assert_cmpuint(run(t, PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), b, sizeof(b)), ==, 8);
    g_assert_cmphex(b[4], ==, 2);
    g_assert_cmphex(b[5], ==, 2);
    run(t, PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), b, sizeof(b));
    g_assert_cmphex(b[4], ==, 0);
    run_failing(t, PACKET(0x00), 6, 0x28, 0);
    g_assert_cmpuint(run(t, PACKET(0x00), b, 0), ==, 0);
    /* Other event classes, and no polling. */
    g_assert_cmpuint(run(t, PACKET(0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8), b, sizeof(b)), ==, 4);
    g_assert_cmphex(b[2], ==, 0x80);
    run_failing(t, PACKET(0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8), 5, 0x24, 0);

    /* Locked: the guest can't eject, the user neither, but the guest hears of the wish. */
    run(t, PACKET(0x1e, 0, 0, 0, 1), b, 0);
    run_failing(t, PACKET(0x1b, 0, 0, 0, 2), 5, 0x53, 2);
    g_assert_false(ide_cdrom_change(r.ch, 0, NULL, false));
    run(t, PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), b, sizeof(b));
    g_assert_cmphex(b[4], ==, 1);
    run(t, PACKET(0x1e, 0, 0, 0, 0), b, 0);
    /* Tray out, tray in. */
    run(t, PACKET(0x1b, 0, 0, 0, 2), b, 0);
    g_assert_true(ide_cdrom_tray_open(r.ch, 0));
    run_failing(t, PACKET(0x00), 2, 0x3a, 2);
    run(t, PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), b, sizeof(b));
    g_assert_cmphex(b[4], ==, 3);
    g_assert_cmphex(b[5], ==, 1);
    run(t, PACKET(0x1b, 0, 0, 0, 3), b, 0);
    g_assert_false(ide_cdrom_tray_open(r.ch, 0));
    run_failing(t, PACKET(0x00), 6, 0x28, 0);
    g_assert_cmpuint(run(t, PACKET(0x00), b, 0), ==, 0);
    /* Taken out by force while locked. */
    run(t, PACKET(0x1e, 0, 0, 0, 1), b, 0);
    g_assert_true(ide_cdrom_change(r.ch, 0, NULL, true));
    run_failing(t, PACKET(0x00), 2, 0x3a, 0);
    rig_free(&r);
}

/* A disc that goes while it is being read: between two portions, and while the host reads. */
static void test_media_gone(HwTest *t)
{
    Rig r = rig_new(t, DISC);
    GMainContext *context = g_main_context_new();

    packet(t, 2048, false, PACKET(0x28, 0, 0, 0, 0, 0, 0, 0, 200));
    for (int i = 0; i < 10 * 1024; i++)
        hw_inw(t, CMD1);
    g_assert_true(ide_cdrom_change(r.ch, 0, NULL, true));
    while (hw_inb(t, CTL1) & DRQ)
        hw_inw(t, CMD1);
    check_failed(t, 2, 0x3a, 0);

    g_assert_true(ide_cdrom_change(r.ch, 0, r.disc, true));
    run_failing(t, PACKET(0x00), 6, 0x28, 0);
    block_set_async(r.disc, context, NULL);
    BlockReq *slow = block_req_new(BLOCK_FLUSH, 0, 0);
    block_submit(r.disc, slow, NULL, NULL);
    block_cancel(slow);
    packet(t, 2048, false, PACKET(0x28, 0, 0, 0, 0, 0, 0, 0, 1));
    assert_status(t, CTL1, BSY | DRDY | DSC);
    g_assert_true(ide_cdrom_change(r.ch, 0, NULL, true));
    check_failed(t, 2, 0x3a, 0);
    block_drain(r.disc);
    assert_status(t, CTL1, DRDY | DSC);
    rig_free(&r);
    g_main_context_unref(context);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/atapi/identify", test_identify);
    hw_test_add("/atapi/inquiry", test_inquiry);
    hw_test_add("/atapi/ready-and-capacity", test_ready_and_capacity);
    hw_test_add("/atapi/read-pio", test_read_pio);
    hw_test_add("/atapi/read-dma", test_read_dma);
    hw_test_add("/atapi/read-cd", test_read_cd);
    hw_test_add("/atapi/toc", test_toc);
    hw_test_add("/atapi/features", test_features);
    hw_test_add("/atapi/dvd", test_dvd);
    hw_test_add("/atapi/mode-sense", test_mode_sense);
    hw_test_add("/atapi/media", test_media);
    hw_test_add("/atapi/media-gone", test_media_gone);
    return g_test_run();
}

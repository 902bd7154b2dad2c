/* The board: memory map, ports, interrupts, reset, what the BIOS is told. */
#include "hw/pc.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

enum { INTR, NMI, A20, IGNNE, LINES };

typedef struct Board {
    Clock *clock;
    Input input;
    Pc *pc;
    uint8_t *bios;
    bool level[LINES];
    unsigned edges[LINES];
    unsigned resets, offs;
    int status;
} Board;

static void line_set(void *opaque, int n, bool level)
{
    Board *b = opaque;
    b->edges[n] += level && !b->level[n];
    b->level[n] = level;
}

static void want_reset(void *opaque)
{
    Board *b = opaque;
    b->resets++;
}

static void want_off(void *opaque)
{
    Board *b = opaque;
    b->offs++;
}

static void want_exit(void *opaque, int status)
{
    Board *b = opaque;
    b->status = status;
}

#define RAM_SIZE (8u << 20)
#define BIOS_SIZE (256u << 10)

static void board_config(Board *b, PcConfig *config)
{
    *b = (Board){ .clock = clock_new_manual(), .bios = g_malloc(4 << 20), .status = -1 };
    for (unsigned i = 0; i < 4 << 20; i++)
        b->bios[i] = (uint8_t)(i >> 12 ^ i);
    *config = (PcConfig){
        .clock = b->clock,
        .events = { want_reset, want_off, want_exit, b },
        .ram_size = RAM_SIZE,
        .bios = b->bios,
        .bios_size = BIOS_SIZE,
        .input = &b->input,
        .has_serial = { true },
        .has_parallel = { true },
        .debug_exit = 0x501,
        .debug_exit_size = 2,
    };
}

static void board_build(Board *b, const PcConfig *config)
{
    GError *error = NULL;
    b->pc = pc_new(config, &error);
    g_assert_no_error(error);
    pc_connect_cpu(b->pc, &(PcCpu){
        .intr = { line_set, b, INTR }, .nmi = { line_set, b, NMI },
        .a20 = { line_set, b, A20 }, .ignne = { line_set, b, IGNNE },
    });
}

static void board_up(Board *b)
{
    PcConfig config;
    board_config(b, &config);
    board_build(b, &config);
}

static void board_down(Board *b)
{
    pc_free(b->pc);
    clock_free(b->clock);
    g_free(b->bios);
}

static uint32_t in(Board *b, uint16_t port, unsigned size)
{
    return (uint32_t)bus_read(b->pc->io, port, size);
}

static void out(Board *b, uint16_t port, uint32_t value, unsigned size)
{
    bus_write(b->pc->io, port, value, size);
}

static uint32_t peek(Board *b, Gpa at, unsigned size)
{
    return (uint32_t)bus_read(b->pc->mem, at, size);
}

static void poke(Board *b, Gpa at, uint32_t value, unsigned size)
{
    bus_write(b->pc->mem, at, value, size);
}

static uint32_t pci_read(Board *b, unsigned devfn, unsigned reg)
{
    out(b, 0xcf8, 0x80000000u | devfn << 8 | reg, 4);
    return in(b, 0xcfc, 4);
}

static void pci_write(Board *b, unsigned devfn, unsigned reg, uint32_t value)
{
    out(b, 0xcf8, 0x80000000u | devfn << 8 | reg, 4);
    out(b, 0xcfc, value, 4);
}

static uint8_t cmos(Board *b, uint8_t reg)
{
    out(b, 0x70, reg, 1);
    return (uint8_t)in(b, 0x71, 1);
}

static int ack(Board *b)
{
    IntAck a = pc_int_ack(b->pc);
    return a.ack(a.opaque);
}

static void test_memory(void)
{
    Board b;
    board_up(&b);
    poke(&b, 0, 0x11223344, 4);
    poke(&b, 0x9fffc, 0x55667788, 4);
    poke(&b, 0x100000, 0x99aabbcc, 4);
    poke(&b, RAM_SIZE - 4, 0xddeeff00, 4);
    g_assert_cmphex(peek(&b, 0, 4), ==, 0x11223344);
    g_assert_cmphex(peek(&b, 0x9fffc, 4), ==, 0x55667788);
    g_assert_cmphex(peek(&b, 0x100000, 4), ==, 0x99aabbcc);
    g_assert_cmphex(peek(&b, RAM_SIZE - 4, 4), ==, 0xddeeff00);
    g_assert_cmphex(peek(&b, RAM_SIZE, 4), ==, 0xffffffff);
    g_assert_cmphex(b.pc->ram->host[0x100000], ==, 0xcc);
    /* the BIOS, twice */
    for (unsigned i = 0; i < BIOS_SIZE; i += 4097)
        g_assert_cmphex(peek(&b, 0x100000000 - BIOS_SIZE + i, 1), ==, b.bios[i]);
    for (unsigned i = 0; i < 0x20000; i += 4097)
        g_assert_cmphex(peek(&b, 0xe0000 + i, 1), ==, b.bios[BIOS_SIZE - 0x20000 + i]);
    g_assert_cmphex(peek(&b, 0x100000000 - BIOS_SIZE - 1, 1), ==, 0xff);
    poke(&b, 0xfffffff0, 0, 4);
    g_assert_cmphex(peek(&b, 0xfffffff0, 1), ==, b.bios[BIOS_SIZE - 16]);
    poke(&b, 0xffff0, 0, 4);
    g_assert_cmphex(peek(&b, 0xffff0, 1), ==, b.bios[BIOS_SIZE - 16]);
    /* shadow: read the ROM, write RAM, then RAM only */
    pci_write(&b, 0, 0x58, 0x00002000);
    poke(&b, 0xf0010, 0xcafe, 2);
    g_assert_cmphex(peek(&b, 0xf0010, 1), ==, b.bios[BIOS_SIZE - 0x10000 + 0x10]);
    pci_write(&b, 0, 0x58, 0x00003000);
    g_assert_cmphex(peek(&b, 0xf0010, 2), ==, 0xcafe);
    /* devices in memory */
    g_assert_cmphex(peek(&b, 0xfee00030, 4), ==, 0x50014);
    g_assert_cmphex(peek(&b, 0xfec00010, 4), ==, 0);
    g_assert_cmphex(peek(&b, 0xfed00000, 4), ==, 0x8086a201);
    board_down(&b);
}

static void test_bios_sizes(void)
{
    static const struct { size_t size; bool good; } sizes[] = {
        { 0, false }, { 32 << 10, false }, { 65535, false }, { 65536, true }, { 128 << 10, true }, { 192 << 10, true },
        { 4 << 20, true }, { (4 << 20) + 65536, false }, { (1 << 20) + 1, false },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Board b;
        PcConfig config;
        GError *error = NULL;
        board_config(&b, &config);
        config.bios_size = sizes[i].size;
        b.pc = pc_new(&config, &error);
        g_assert_cmpint(b.pc != NULL, ==, sizes[i].good);
        if (!b.pc) {
            g_assert_error(error, PC_ERROR, PC_ERROR_BIOS);
            g_clear_error(&error);
        } else {
            g_assert_cmphex(peek(&b, 0xfffffff0, 1), ==, b.bios[sizes[i].size - 16]);
            g_assert_cmphex(peek(&b, 0xf0000, 1), ==, b.bios[sizes[i].size - 65536]);
            g_assert_cmphex(peek(&b, 0xe0000, 1), ==, sizes[i].size > 65536 ? b.bios[sizes[i].size - 131072] : 0xff);
        }
        board_down(&b);
    }
}

static void test_ram_sizes(void)
{
    static const struct { uint64_t size; bool good; } sizes[] = {
        { 0, false }, { 4096, false }, { 1 << 20, true }, { (1 << 20) + 1, false }, { (1 << 20) + 4096, true },
        { PC_RAM_MAX, true }, { PC_RAM_MAX + 4096, false }, { UINT64_MAX & ~4095ull, false },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Board b;
        PcConfig config;
        GError *error = NULL;
        board_config(&b, &config);
        config.ram_size = sizes[i].size;
        b.pc = pc_new(&config, &error);
        g_assert_cmpint(b.pc != NULL, ==, sizes[i].good);
        if (!b.pc) {
            g_assert_error(error, PC_ERROR, PC_ERROR_RAM);
            g_clear_error(&error);
        } else {
            poke(&b, sizes[i].size - 1, 0x5a, 1);
            g_assert_cmphex(peek(&b, sizes[i].size - 1, 1), ==, sizes[i].size == 1 << 20 ? b.bios[BIOS_SIZE - 1] : 0x5a);
        }
        board_down(&b);
    }
}

static void test_pci(void)
{
    static const struct { unsigned devfn; uint32_t id, class_code; } devices[] = {
        { PCI_DEVFN(0, 0), 0x12378086, 0x06000002 }, { PCI_DEVFN(1, 0), 0x70008086, 0x06010000 },
        { PCI_DEVFN(1, 1), 0x70108086, 0x01018000 }, { PCI_DEVFN(1, 2), 0xffffffff, 0xffffffff },
        { PCI_DEVFN(1, 3), 0x71138086, 0x06800003 }, { PCI_DEVFN(2, 0), 0x11111234, 0x03000002 },
        { PCI_DEVFN(3, 0), 0xffffffff, 0xffffffff },
    };
    Board b;
    board_up(&b);
    for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++) {
        g_assert_cmphex(pci_read(&b, devices[i].devfn, 0), ==, devices[i].id);
        g_assert_cmphex(pci_read(&b, devices[i].devfn, 8), ==, devices[i].class_code);
    }
    board_down(&b);
}

static void test_ports(void)
{
    Board b;
    board_up(&b);
    out(&b, 0x21, 0xa5, 1); /* PIC mask */
    g_assert_cmphex(in(&b, 0x21, 1), ==, 0xa5);
    out(&b, 0x4d1, 0x0c, 1); /* ELCR */
    g_assert_cmphex(in(&b, 0x4d1, 1), ==, 0x0c);
    g_assert_cmphex(in(&b, 0x64, 1), !=, 0xff);
    out(&b, 0x81, 0x5a, 1); /* DMA page */
    g_assert_cmphex(in(&b, 0x81, 1), ==, 0x5a);
    out(&b, 0x3ff, 0x3c, 1); /* serial scratch */
    g_assert_cmphex(in(&b, 0x3ff, 1), ==, 0x3c);
    g_assert_cmphex(in(&b, 0x2ff, 1), ==, 0xff); /* no COM2 */
    g_assert_cmphex(in(&b, 0x379, 1), !=, 0xff);
    g_assert_cmphex(in(&b, 0x514, 4), ==, 0x554d4551);
    g_assert_cmphex(in(&b, 0x1ce, 2), !=, 0xffff); /* VBE index */
    g_assert_cmphex(in(&b, 0x402, 1), ==, 0xff); /* no debug console */
    g_assert_cmphex(in(&b, 0x3f4, 1), ==, 0xff); /* no floppy controller */
    g_assert_cmphex(cmos(&b, 0x0d), ==, 0x80); /* the battery is good */
    out(&b, 0x501, 0x10, 1);
    g_assert_cmpint(b.status, ==, 0x21);
    board_down(&b);
}

static void test_a20(void)
{
    Board b;
    board_up(&b);
    g_assert_true(b.pc->a20);
    g_assert_true(b.level[A20]);
    out(&b, 0x92, 0, 1);
    g_assert_false(b.pc->a20);
    g_assert_false(b.level[A20]);
    out(&b, 0x92, 2, 1);
    g_assert_true(b.level[A20]);
    out(&b, 0x64, 0xd1, 1); /* the keyboard controller's way; the last one counts */
    out(&b, 0x60, 0xdd, 1);
    g_assert_false(b.level[A20]);
    out(&b, 0x92, 0, 1);
    out(&b, 0x92, 2, 1);
    g_assert_true(b.level[A20]);
    out(&b, 0x92, 0, 1);
    pc_reset(b.pc);
    g_assert_true(b.level[A20]);
    board_down(&b);
}

/* The 8259s as a BIOS sets them up: vectors 08h and 70h. */
static void pic_init(Board *b)
{
    static const struct { uint16_t port; uint8_t value; } steps[] = {
        { 0x20, 0x11 }, { 0x21, 0x08 }, { 0x21, 0x04 }, { 0x21, 0x01 }, { 0x21, 0x00 },
        { 0xa0, 0x11 }, { 0xa1, 0x70 }, { 0xa1, 0x02 }, { 0xa1, 0x01 }, { 0xa1, 0x00 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++)
        out(b, steps[i].port, steps[i].value, 1);
}

static void pit_start(Board *b)
{
    out(b, 0x43, 0x34, 1);
    out(b, 0x40, 0xa9, 1); /* 1193 ticks: a millisecond */
    out(b, 0x40, 0x04, 1);
}

static void test_interrupts(void)
{
    Board b;
    board_up(&b);
    pic_init(&b);
    g_assert_false(b.level[INTR]);
    pit_start(&b);
    clock_step(b.clock, MS(2));
    g_assert_true(b.level[INTR]);
    g_assert_cmphex(ack(&b), ==, 0x08);
    out(&b, 0x20, 0x20, 1);
    out(&b, 0x21, 0x01, 1);
    /* now by the I/O APIC: pin 2 to vector 31h */
    poke(&b, 0xfee000f0, 0x1ff, 4);
    poke(&b, 0xfec00000, 0x14, 4);
    poke(&b, 0xfec00010, 0x31, 4);
    clock_step(b.clock, MS(2));
    for (int i = 0; i < 2; i++) { /* two came due: the second follows when the first is done */
        g_assert_true(b.level[INTR]);
        g_assert_cmphex(ack(&b), ==, 0x31);
        g_assert_false(b.level[INTR]);
        poke(&b, 0xfee000b0, 0, 4);
    }
    g_assert_false(b.level[INTR]);
    poke(&b, 0xfec00010, 0x10031, 4);
    /* serial: IRQ 4, transmitter empty */
    out(&b, 0x3fc, 0x08, 1);
    out(&b, 0x3f9, 0x02, 1);
    g_assert_cmphex(ack(&b), ==, 0x0c);
    in(&b, 0x3fa, 1);
    out(&b, 0x20, 0x20, 1);
    /* SCI: IRQ 9, by the power button */
    pci_write(&b, PCI_DEVFN(1, 3), 0x40, 0x601);
    pci_write(&b, PCI_DEVFN(1, 3), 0x80, 1);
    out(&b, 0xb2, 0xf1, 1);
    out(&b, 0x602, 0x100, 2);
    g_assert_true(pc_power_button(b.pc));
    g_assert_cmphex(ack(&b), ==, 0x71);
    out(&b, 0x600, 0x100, 2);
    out(&b, 0xa0, 0x20, 1);
    out(&b, 0x20, 0x20, 1);
    /* IDE: IRQ 14 by software reset has none; the PCI lines go where PIRQRC says */
    pci_write(&b, PCI_DEVFN(1, 0), 0x60, 0x80800b80); /* PIRQB to 11 */
    g_assert_false(b.level[INTR]);
    PciDevice *card = pci_device_new(b.pc->pci, PCI_DEVFN(10, 0), "card", &(PciId){ 1, 1, 0, 0x020000, 0, 0 });
    card->config[PCI_INTERRUPT_PIN] = 1; /* slot 10: PIRQB */
    pci_set_irq(card, true);
    g_assert_cmphex(ack(&b), ==, 0x73);
    pci_set_irq(card, false);
    board_down(&b);
}

static void test_hpet_legacy(void)
{
    Board b;
    board_up(&b);
    pit_start(&b); /* its output goes high at once: before the PIC looks */
    pic_init(&b);
    poke(&b, 0xfed00100, 0x4 | 0x100, 4);
    poke(&b, 0xfed00108, 10000, 4);
    poke(&b, 0xfed00010, 3, 4);
    clock_step(b.clock, US(99));
    g_assert_false(b.level[INTR]);
    clock_step(b.clock, US(1));
    g_assert_cmphex(ack(&b), ==, 0x08);
    out(&b, 0x20, 0x20, 1);
    clock_step(b.clock, MS(50)); /* the PIT is cut off */
    g_assert_false(b.level[INTR]);
    poke(&b, 0xfed00010, 0, 4);
    clock_step(b.clock, MS(2));
    g_assert_cmphex(ack(&b), ==, 0x08);
    board_down(&b);
}

static void test_ferr(void)
{
    Board b;
    board_up(&b);
    pic_init(&b);
    IrqLine ferr = pc_ferr(b.pc);
    irqline_set(&ferr, true);
    g_assert_cmphex(ack(&b), ==, 0x75);
    g_assert_false(b.level[IGNNE]);
    out(&b, 0xf0, 0, 1);
    g_assert_true(b.level[IGNNE]);
    out(&b, 0xa0, 0x20, 1);
    out(&b, 0x20, 0x20, 1);
    g_assert_false(b.level[INTR]);
    irqline_set(&ferr, false);
    g_assert_false(b.level[IGNNE]);
    out(&b, 0xf0, 0, 1); /* no error, nothing to ignore */
    g_assert_false(b.level[IGNNE]);
    board_down(&b);
}

static void test_nmi(void)
{
    Board b;
    board_up(&b);
    poke(&b, 0xfee000f0, 0x1ff, 4);
    poke(&b, 0xfee00360, 0x400, 4);
    pc_nmi(b.pc);
    g_assert_cmpuint(b.edges[NMI], ==, 1);
    out(&b, 0x70, 0x80, 1);
    pc_nmi(b.pc);
    g_assert_cmpuint(b.edges[NMI], ==, 1);
    board_down(&b);
}

static void test_events(void)
{
    Board b;
    board_up(&b);
    out(&b, 0x64, 0xfe, 1);
    g_assert_cmpuint(b.resets, ==, 1);
    out(&b, 0x92, 3, 1);
    g_assert_cmpuint(b.resets, ==, 2);
    out(&b, 0xcf9, 6, 1);
    g_assert_cmpuint(b.resets, ==, 3);
    pci_write(&b, PCI_DEVFN(1, 3), 0x40, 0x601);
    pci_write(&b, PCI_DEVFN(1, 3), 0x80, 1);
    out(&b, 0x604, 0x2000, 2);
    g_assert_cmpuint(b.offs, ==, 1);
    board_down(&b);
}

static void test_reset(void)
{
    Board b;
    board_up(&b);
    pic_init(&b);
    poke(&b, 0x1000, 0x12345678, 4);
    pci_write(&b, 0, 0x58, 0x00003000);
    pci_write(&b, PCI_DEVFN(1, 3), 0x40, 0x601);
    pci_write(&b, PCI_DEVFN(1, 3), 0x80, 1);
    pci_write(&b, PCI_DEVFN(2, 0), 0x10, 0xe0000000);
    pci_write(&b, PCI_DEVFN(2, 0), 4, 2);
    poke(&b, 0xe0000000, 0x77, 1);
    g_assert_cmphex(peek(&b, 0xe0000000, 1), ==, 0x77);
    out(&b, 0x70, 0x0f, 1);
    out(&b, 0x71, 0x05, 1);
    pit_start(&b);
    clock_step(b.clock, MS(2));
    g_assert_true(b.level[INTR]);
    poke(&b, 0xfee000f0, 0x1ff, 4);
    pc_reset(b.pc);
    g_assert_false(b.level[INTR]);
    g_assert_cmphex(peek(&b, 0xfee000f0, 4), ==, 0xff);
    g_assert_cmphex(peek(&b, 0x1000, 4), ==, 0x12345678);
    g_assert_cmphex(peek(&b, 0xffff0, 1), ==, b.bios[BIOS_SIZE - 16]);
    g_assert_cmphex(in(&b, 0x600, 4), ==, 0xffffffff);
    g_assert_cmphex(peek(&b, 0xe0000000, 1), ==, 0xff);
    g_assert_cmphex(cmos(&b, 0x0f), ==, 0x05); /* for the BIOS to look at */
    board_down(&b);
}

static void test_cmos(void)
{
    Board b;
    PcConfig config;
    board_config(&b, &config);
    config.ram_size = 100 << 20;
    config.boot_order = "dca";
    config.floppies = 1;
    board_build(&b, &config);
    g_assert_cmphex(cmos(&b, 0x15) | cmos(&b, 0x16) << 8, ==, 640);
    g_assert_cmphex(cmos(&b, 0x17) | cmos(&b, 0x18) << 8, ==, 65535); /* as much as fits */
    g_assert_cmphex(cmos(&b, 0x30) | cmos(&b, 0x31) << 8, ==, 65535);
    g_assert_cmphex(cmos(&b, 0x34) | cmos(&b, 0x35) << 8, ==, 84 * 16);
    g_assert_cmphex(cmos(&b, 0x3d), ==, 0x23);
    g_assert_cmphex(cmos(&b, 0x38), ==, 0x10);
    g_assert_cmphex(cmos(&b, 0x14), ==, 0x07);
    g_assert_cmphex(cmos(&b, 0x10), ==, 0x40);
    g_assert_cmphex(cmos(&b, 0x12), ==, 0);
    g_assert_cmphex(in(&b, 0x3f4, 1), !=, 0xff); /* a floppy controller */
    board_down(&b);
}

/* A disk's geometry reaches CMOS, and the disk answers on its channel. */
static void test_disk(void)
{
    Board b;
    GError *error = NULL;
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("test-pc-XXXXXX", &path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(ftruncate(fd, 504 << 20), ==, 0);
    close(fd);
    BlockDev *disk = block_open(path, &(BlockOptions){ .format = "raw" }, &error);
    g_assert_no_error(error);
    board_up(&b);
    pc_attach_ide(b.pc, 1, IDE_DISK, disk);
    pc_attach_ide(b.pc, 2, IDE_CDROM, NULL);
    g_assert_cmphex(cmos(&b, 0x12), ==, 0x0f);
    g_assert_cmphex(cmos(&b, 0x1a), ==, 47);
    g_assert_cmpuint(cmos(&b, 0x24) | cmos(&b, 0x25) << 8, ==, 1024);
    g_assert_cmpuint(cmos(&b, 0x26), ==, 16);
    g_assert_cmphex(cmos(&b, 0x29), ==, 0xc8);
    g_assert_cmpuint(cmos(&b, 0x2c), ==, 63);
    out(&b, 0x1f6, 0xb0, 1);
    g_assert_cmphex(in(&b, 0x1f7, 1) & 0xc0, ==, 0x40); /* slave ready */
    board_down(&b);
    block_close(disk);
    g_unlink(path);
}

/* An old CPU's board: no APIC, no HPET, no display. */
static void test_plain(void)
{
    Board b;
    PcConfig config;
    board_config(&b, &config);
    config.no_apic = config.no_hpet = config.no_vga = true;
    board_build(&b, &config);
    g_assert_cmphex(peek(&b, 0xfee00030, 4), ==, 0xffffffff);
    g_assert_cmphex(peek(&b, 0xfec00000, 4), ==, 0xffffffff);
    g_assert_cmphex(peek(&b, 0xfed00000, 4), ==, 0xffffffff);
    g_assert_cmphex(pci_read(&b, PCI_DEVFN(2, 0), 0), ==, 0xffffffff);
    pic_init(&b);
    pit_start(&b);
    clock_step(b.clock, MS(2));
    g_assert_true(b.level[INTR]);
    g_assert_cmphex(ack(&b), ==, 0x08);
    board_down(&b);
}

/* Two machines in one process don't know of each other. */
static void test_two(void)
{
    Board a, b;
    board_up(&a);
    board_up(&b);
    poke(&a, 0x1000, 1, 4);
    poke(&b, 0x1000, 2, 4);
    out(&a, 0x92, 0, 1);
    pic_init(&a);
    pit_start(&a);
    clock_step(a.clock, MS(2));
    clock_step(b.clock, MS(2));
    g_assert_cmphex(peek(&a, 0x1000, 4), ==, 1);
    g_assert_true(b.level[A20]);
    g_assert_true(a.level[INTR]);
    g_assert_false(b.level[INTR]);
    board_down(&a);
    board_down(&b);
}

/* Whatever a guest writes wherever, the board stands. Not the ports that end it. */
static void test_random(void)
{
    Board b;
    board_up(&b);
    GRand *rand = g_rand_new_with_seed(5);
    for (unsigned i = 0; i < 200000; i++) {
        unsigned size = 1 << g_rand_int_range(rand, 0, 3);
        uint16_t port = g_rand_int_range(rand, 0, 0x800);
        uint32_t value = g_rand_int(rand);
        if (g_rand_int_range(rand, 0, 4) == 0)
            port = 0xcf8 + g_rand_int_range(rand, 0, 8);
        if (g_rand_boolean(rand))
            out(&b, port, port == 0xcf8 && size == 4 ? value | 0x80000000 : value, size);
        else
            in(&b, port, size);
        if (i % 16 == 0)
            clock_step(b.clock, g_rand_int_range(rand, 0, 100000));
        if (b.level[INTR])
            ack(&b);
        if (i % 5000 == 0)
            pc_reset(b.pc);
    }
    pc_reset(b.pc);
    g_assert_cmphex(pci_read(&b, 0, 0), ==, 0x12378086);
    g_assert_cmphex(peek(&b, 0xfffffff0, 1), ==, b.bios[BIOS_SIZE - 16]);
    g_rand_free(rand);
    board_down(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pc/memory", test_memory);
    g_test_add_func("/pc/bios-sizes", test_bios_sizes);
    g_test_add_func("/pc/ram-sizes", test_ram_sizes);
    g_test_add_func("/pc/pci", test_pci);
    g_test_add_func("/pc/ports", test_ports);
    g_test_add_func("/pc/a20", test_a20);
    g_test_add_func("/pc/interrupts", test_interrupts);
    g_test_add_func("/pc/hpet-legacy", test_hpet_legacy);
    g_test_add_func("/pc/ferr", test_ferr);
    g_test_add_func("/pc/nmi", test_nmi);
    g_test_add_func("/pc/events", test_events);
    g_test_add_func("/pc/reset", test_reset);
    g_test_add_func("/pc/cmos", test_cmos);
    g_test_add_func("/pc/disk", test_disk);
    g_test_add_func("/pc/plain", test_plain);
    g_test_add_func("/pc/two", test_two);
    g_test_add_func("/pc/random", test_random);
    return g_test_run();
}

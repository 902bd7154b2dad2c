/* POST, 16-bit part: vectors, data areas, devices, option ROMs; ends in INT 19h.
 *
 * The 32-bit part (bios/p32) has been here before: memory is known, PCI is set up, option ROMs lie in the shadow. */
#include "bios/bios.h"

void post16(void);

static void set_vector(u8 vector, u16 seg, u16 off)
{
    poke32(0, vector * 4, (u32)seg << 16 | off);
}

static void vectors_init(void)
{
    const u8 GSEG *p = ivt_table;

    for (u32 v = 0; v < 0x78; v++) {
        set_vector(v, BIOS_SEG, (u32)dummy_iret);
    }
    for (u32 v = 0x78; v < 0x100; v++) {
        poke32(0, v * 4, 0);            /* 60h-67h for users stay IRETs; above 78h unused ones are null */
    }
    for (u32 v = 0x60; v < 0x68; v++) {
        set_vector(v, 0, 0);
    }
    for (; p[0]; p += 3) {
        set_vector(p[0], BIOS_SEG, p[1] | p[2] << 8);
    }
    set_vector(0x1d, 0, 0);
    set_vector(0x1e, BIOS_SEG, (u32)diskette_parameters);
    set_vector(0x1f, 0, 0);
    set_vector(0x43, BIOS_SEG, (u32)rom_font8);
}

static void bda_init(void)
{
    far_fill16(BDA_SEG, 0, 0, 0x80);
    far_fill16(EBDA_SEG, 0, 0, EBDA_KIB * 512);
    bda_set16(BDA_EBDA, EBDA_SEG);
    bda_set16(BDA_MEMORY, 640 - EBDA_KIB);
    bda_set16(BDA_EQUIPMENT, 0x0026);   /* x87, PS/2 mouse, 80x25 colour */
    poke8(EBDA_SEG, EBDA_SIZE, EBDA_KIB);
    bda_set16(BDA_KBD_HEAD, BDA_KBD_BUFFER);
    bda_set16(BDA_KBD_TAIL, BDA_KBD_BUFFER);
    bda_set16(BDA_KBD_START, BDA_KBD_BUFFER);
    bda_set16(BDA_KBD_END, BDA_KBD_BUFFER + 32);
    bda_set8(BDA_KBD_MODE, 0x10);       /* 101-key keyboard */
}

/* An option ROM's init vector is at offset 3: AX = bus, device, function (PCI Firmware 3.0, 5.2.1.21). */
static void start_rom(u16 seg, u16 bdf)
{
    Regs r;

    regs_clear(&r);
    r.ax = bdf;
    r.bx = 0xffff;
    r.dx = 0xffff;
    r.es = BIOS_SEG;
    call_far((u32)seg << 16 | 3, &r);
}

static void video_init(void)
{
    Regs r;

    if (SHARED_FIELD(has_vga_rom)) {
        start_rom(0xc000, SHARED_FIELD(vga_bdf));
        regs_clear(&r);
        r.ax = 0x0003;
        call_int(0x10, &r);
    }
}

void irq_spurious(Regs *r);
void irq_spurious(Regs *r)
{
    /* The in-service register tells whether anything is to be ended (8259A datasheet, OCW3). */
    outb(0x20, 0x0b);
    if (inb(0x20)) {
        outb(0x20, 0x20);
    }
}

/* IRQ 13: the x87 reports an error: clear its latch, pass on as NMI (AT BIOS). */
void irq13_fpu(Regs *r);
void irq13_fpu(Regs *r)
{
    Regs n;

    outb(0xf0, 0);
    pic_eoi(13);
    regs_clear(&n);
    call_int(2, &n);
}

/* INT 05h, print screen (RB INT 05): text of the page shown, to LPT1. */
void int05(Regs *r);
void int05(Regs *r)
{
    Regs v;
    u8 page, cols, rows;
    u16 at;

    if (peek8(0x50, 0) == 1) {
        return;
    }
    irq_enable();
    poke8(0x50, 0, 1);
    page = bda8(BDA_VIDEO_PAGE);
    cols = bda16(BDA_VIDEO_COLS);
    rows = bda8(BDA_VIDEO_ROWS);
    regs_clear(&v);
    v.ah = 3;
    v.bh = page;
    call_int(0x10, &v);
    at = v.dx;
    for (u8 row = 0; row <= rows; row++) {
        for (u8 col = 0; col < cols + 2; col++) {
            regs_clear(&v);
            if (col < cols) {
                v.ah = 2;
                v.bh = page;
                v.dx = row << 8 | col;
                call_int(0x10, &v);
                v.ax = 0x0800;
                v.bh = page;
                call_int(0x10, &v);
                v.al = v.al ? v.al : ' ';
            } else {
                v.al = col == cols ? '\r' : '\n';
            }
            v.ah = 0;
            v.dx = 0;
            call_int(0x17, &v);
            if (v.ah & 0x29) {
                poke8(0x50, 0, 0xff);
                goto restore;
            }
        }
    }
    poke8(0x50, 0, 0);
restore:
    regs_clear(&v);
    v.ah = 2;
    v.bh = page;
    v.dx = at;
    call_int(0x10, &v);
}

/* INT 10h before there is a VGA BIOS: text goes to the debug port and serial console only. */
void int10_no_video(Regs *r);
void int10_no_video(Regs *r)
{
    if (r->ah == 0x0e) {
        sercon_char(r->al);
    }
}

void post16(void)
{
    Regs r;

    vectors_init();
    bda_init();
    pic_init();
    timer_init();
    ports_init();
    video_init();
    sercon_init();
    kbd_init();
    mouse_init();
    irq_enable();
    boot_banner();
    floppy_init();
    ata_init();
    disk_init_tables();
    pcibios_init();
    apm_init();
    for (u32 i = 0; i < SHARED_FIELD(roms); i++) {
        start_rom(SHARED_FIELD(rom_segment[i]), SHARED_FIELD(rom_bdf[i]));
    }
    call32(P32_SHADOW_LOCK, 0);
    regs_clear(&r);
    call_int(0x19, &r);
}

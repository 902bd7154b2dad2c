/* INT 15h: system services (RB INT 15), and IRQ 8, which its waits count. */
#include "bios/bios.h"

#define RTC_PERIOD_US 976
#define SMAP 0x534d4150

void int15(Regs *r);
void irq8_rtc(Regs *r);
void apm_service(Regs *r);

/* Configuration table of INT 15h/C0h: AT; two 8259s, RTC, keyboard intercept, EBDA. */
ROM u8 config_table[] = { 8, 0, 0xfc, 0, 1, 0x74, 0x40, 0, 0, 0 };

static void result(Regs *r, u8 status)
{
    r->ah = status;
    regs_carry(r, status != 0);
}

static void a20(Regs *r)
{
    u8 port = inb(0x92);

    switch (r->al) {
    case 0:
        outb(0x92, port & ~3);
        break;
    case 1:
        outb(0x92, (port & ~1) | 2);
        break;
    case 2:
        r->al = port >> 1 & 1;
        break;
    case 3:
        r->bx = 3;                      /* keyboard controller and port 92h */
        break;
    default:
        result(r, 0x86);
        return;
    }
    result(r, 0);
}

static u32 kib_above_1m(void)
{
    return (SHARED_FIELD(low_ram) >> 10) - 1024;
}

static void e801(Regs *r)
{
    u32 kib = kib_above_1m();

    r->cx = kib < 15 * 1024 ? kib : 15 * 1024;
    r->dx = kib < 15 * 1024 ? 0 : (kib - 15 * 1024) >> 6;
    /* the tables at the top of RAM are not free */
    for (u32 i = 0; i < SHARED_FIELD(e820_count); i++) {
        const E820Entry GSEG *e = &SHARED_FIELD(e820[i]);

        if (e->type == E820_RAM && e->base == 0x100000) {
            kib = (u32)e->length >> 10;
            r->dx = kib < 15 * 1024 ? 0 : (kib - 15 * 1024) >> 6;
        }
    }
    r->ax = r->cx;
    r->bx = r->dx;
    regs_carry(r, false);
}

static void e820(Regs *r)
{
    u32 i = r->ebx;
    const u8 GSEG *from;

    if (r->edx != SMAP || i >= SHARED_FIELD(e820_count) || r->ecx < sizeof(E820Entry)) {
        result(r, 0x86);
        return;
    }
    from = (const u8 GSEG *)&SHARED_FIELD(e820[i]);
    set_fs(r->es);
    for (u32 n = 0; n < sizeof(E820Entry); n++) {
        FAR8((u16)(r->di + n)) = from[n];
    }
    r->eax = SMAP;
    r->ecx = sizeof(E820Entry);
    r->ebx = i + 1 < SHARED_FIELD(e820_count) ? i + 1 : 0;
    regs_carry(r, false);
}

static void block_move(Regs *r)
{
    u32 argument[2];
    u16 ss;

    asm("movw %%ss, %0" : "=r"(ss));
    argument[0] = ((u32)r->es << 4) + r->si;
    argument[1] = r->cx;
    call32(P32_BLOCK_MOVE, ((u32)ss << 4) + (u32)argument);
    result(r, 0);
}

/* 83h: sets bit 7 of the caller's byte after CX:DX us. */
static void event_wait(Regs *r)
{
    if (r->al == 1) {
        cmos_write(0x0b, cmos_read(0x0b) & ~0x40);
        bda_set8(BDA_WAIT_ACTIVE, 0);
        result(r, 0);
        return;
    }
    if (bda8(BDA_WAIT_ACTIVE) & 1) {
        result(r, 0x83);
        return;
    }
    bda_set8(BDA_WAIT_ACTIVE, 1);
    bda_set32(BDA_WAIT_USER, (u32)r->es << 16 | r->bx);
    bda_set32(BDA_WAIT_COUNT, (u32)r->cx << 16 | r->dx);
    pic_unmask(8);
    cmos_write(0x0b, cmos_read(0x0b) | 0x40);
    result(r, 0);
}

static void wait(Regs *r)
{
    u32 us = (u32)r->cx << 16 | r->dx;

    irq_enable();
    for (; us > 10000; us -= 10000) {
        delay_us(10000);
    }
    delay_us(us);
    result(r, 0);
}

static void to_protected_mode(Regs *r)
{
    /* 38h: this segment, code (RB table 00499) */
    set_fs(r->es);
    FAR32((u16)(r->si + 0x38)) = 0x0000ffff;
    FAR32((u16)(r->si + 0x3c)) = 0x00009b0f;
    outb(0x20, 0x11);
    outb(0xa0, 0x11);
    outb(0x21, r->bh);
    outb(0xa1, r->bl);
    outb(0x21, 4);
    outb(0xa1, 2);
    outb(0x21, 1);
    outb(0xa1, 1);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    outb(0x92, (inb(0x92) & ~1) | 2);
    enter_protected(r);
}

void int15(Regs *r)
{
    switch (r->ah) {
    case 0x24:
        a20(r);
        return;
    case 0x4f:                          /* keyboard intercept: the key is to be processed */
        regs_carry(r, true);
        return;
    case 0x52:                          /* eject allowed */
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x85:
    case 0x90:
    case 0x91:
        result(r, 0);
        return;
    case 0x53:
        apm_service(r);
        return;
    case 0x83:
        event_wait(r);
        return;
    case 0x86:
        wait(r);
        return;
    case 0x87:
        block_move(r);
        return;
    case 0x88:
        r->ax = kib_above_1m() < 0xfc00 ? kib_above_1m() : 0xfc00;
        regs_carry(r, false);
        return;
    case 0x89:
        to_protected_mode(r);
        return;
    case 0x8a:
        r->ax = kib_above_1m();
        r->dx = kib_above_1m() >> 16;
        regs_carry(r, false);
        return;
    case 0xc0:
        r->es = BIOS_SEG;
        r->bx = (u32)config_table;
        result(r, 0);
        return;
    case 0xc1:
        r->es = ebda_seg();
        regs_carry(r, false);
        return;
    case 0xc2:
        mouse_service(r);
        return;
    case 0xe8:
        if (r->al == 0x01) {
            e801(r);
            return;
        }
        if (r->al == 0x20) {
            e820(r);
            return;
        }
        if (r->al == 0x81) {
            e801(r);
            r->eax &= 0xffff;
            r->ebx &= 0xffff;
            r->ecx &= 0xffff;
            r->edx &= 0xffff;
            return;
        }
        break;
    }
    result(r, 0x86);
}

/* RB INT 70: periodic interrupts count 83h's wait, the alarm calls INT 4Ah. */
void irq8_rtc(Regs *r)
{
    u8 cause = cmos_read(0x0c) & cmos_read(0x0b);
    Regs n;

    if (cause & 0x20) {
        regs_clear(&n);
        call_int(0x4a, &n);
        irq_disable();
    }
    if ((cause & 0x40) && (bda8(BDA_WAIT_ACTIVE) & 1)) {
        u32 left = bda32(BDA_WAIT_COUNT);

        if (left > RTC_PERIOD_US) {
            bda_set32(BDA_WAIT_COUNT, left - RTC_PERIOD_US);
        } else {
            u32 user = bda32(BDA_WAIT_USER);

            cmos_write(0x0b, cmos_read(0x0b) & ~0x40);
            bda_set8(BDA_WAIT_ACTIVE, 0);
            bda_set32(BDA_WAIT_COUNT, 0);
            poke8(user >> 16, user, peek8(user >> 16, user) | 0x80);
        }
    }
    pic_eoi(8);
}

void reset_machine(void)
{
    outb(0xcf9, 0x02);                  /* PIIX reset control: hard reset */
    outb(0xcf9, 0x06);
    i8042_write(0x64, 0xfe);
    for (;;) {
        outb(0x92, inb(0x92) | 1);
    }
}

void power_off(void)
{
    u16 pm = SHARED_FIELD(pm_base);

    if (pm) {
        outw(pm + 4, 0x2000);           /* PM1_CNT: SLP_EN, SLP_TYP 0 is S5 on this board (ACPI 4.8.3.2) */
    }
}

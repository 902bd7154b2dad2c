/* INT 1Ah: time and date (RB INT 1A), and the PCI BIOS, which is in pcibios.c. */
#include "bios/bios.h"

enum { RTC_SECONDS = 0, RTC_ALARM_SECONDS, RTC_MINUTES, RTC_ALARM_MINUTES, RTC_HOURS, RTC_ALARM_HOURS,
       RTC_DAY = 7, RTC_MONTH, RTC_YEAR, RTC_A, RTC_B, RTC_C, RTC_CENTURY = 0x32 };
#define RTC_A_UPDATING 0x80
#define RTC_B_SET 0x80
#define RTC_B_ALARM 0x20
#define RTC_B_DST 0x01

bool pcibios_service(Regs *r);
void int1a(Regs *r);

/* Until the RTC is not updating; it is for 2 ms at most. */
static bool rtc_settle(void)
{
    Deadline d;

    deadline_start(&d, 20);
    while (cmos_read(RTC_A) & RTC_A_UPDATING) {
        if (deadline_passed(&d)) {
            return false;
        }
    }
    return true;
}

static void set_clock(Regs *r, bool date)
{
    u8 b = cmos_read(RTC_B);

    cmos_write(RTC_B, b | RTC_B_SET);
    if (date) {
        cmos_write(RTC_CENTURY, r->ch);
        cmos_write(RTC_YEAR, r->cl);
        cmos_write(RTC_MONTH, r->dh);
        cmos_write(RTC_DAY, r->dl);
    } else {
        cmos_write(RTC_HOURS, r->ch);
        cmos_write(RTC_MINUTES, r->cl);
        cmos_write(RTC_SECONDS, r->dh);
        b = (b & ~RTC_B_DST) | (r->dl & 1);
    }
    cmos_write(RTC_B, b & ~RTC_B_SET);
}

void int1a(Regs *r)
{
    u8 b;

    if (r->ah == 0xb1) {
        regs_carry(r, !pcibios_service(r));
        return;
    }
    regs_carry(r, false);
    switch (r->ah) {
    case 0x00:                          /* ticks; AL counts midnights since the last call */
        r->dx = bda16(BDA_TIMER);
        r->cx = bda16(BDA_TIMER + 2);
        r->al = bda8(BDA_MIDNIGHT);
        bda_set8(BDA_MIDNIGHT, 0);
        break;
    case 0x01:
        bda_set16(BDA_TIMER, r->dx);
        bda_set16(BDA_TIMER + 2, r->cx);
        bda_set8(BDA_MIDNIGHT, 0);
        break;
    case 0x02:
        if (!rtc_settle()) {
            regs_carry(r, true);
            break;
        }
        r->ch = cmos_read(RTC_HOURS);
        r->cl = cmos_read(RTC_MINUTES);
        r->dh = cmos_read(RTC_SECONDS);
        r->dl = cmos_read(RTC_B) & RTC_B_DST;
        r->ah = 0;
        break;
    case 0x03:
        set_clock(r, false);
        r->ah = 0;
        break;
    case 0x04:
        if (!rtc_settle()) {
            regs_carry(r, true);
            break;
        }
        r->ch = cmos_read(RTC_CENTURY);
        r->cl = cmos_read(RTC_YEAR);
        r->dh = cmos_read(RTC_MONTH);
        r->dl = cmos_read(RTC_DAY);
        r->ah = 0;
        break;
    case 0x05:
        set_clock(r, true);
        r->ah = 0;
        break;
    case 0x06:                          /* alarm: INT 4Ah at CH:CL:DH */
        b = cmos_read(RTC_B);
        if (b & RTC_B_ALARM) {
            regs_carry(r, true);
            break;
        }
        cmos_write(RTC_ALARM_HOURS, r->ch);
        cmos_write(RTC_ALARM_MINUTES, r->cl);
        cmos_write(RTC_ALARM_SECONDS, r->dh);
        pic_unmask(8);
        cmos_write(RTC_B, b | RTC_B_ALARM);
        break;
    case 0x07:
        cmos_write(RTC_B, cmos_read(RTC_B) & ~RTC_B_ALARM);
        break;
    default:
        regs_carry(r, true);
    }
}

/* The 8254 and the time of day it counts: IRQ 0, and delays that need no interrupts. */
#include "bios/bios.h"

#define PIT_CH0 0x40
#define PIT_CMD 0x43
#define PIT_HZ 1193182
#define TICKS_PER_DAY 0x1800b0

static u8 from_bcd(u8 v)
{
    return (v >> 4) * 10 + (v & 15);
}

/* Sets BDA's tick count from the RTC: 1193182 / 65536 ticks a second. */
static void ticks_from_rtc(void)
{
    u32 seconds = (from_bcd(cmos_read(4) & 0x3f) * 60u + from_bcd(cmos_read(2))) * 60 + from_bcd(cmos_read(0));

    bda_set32(BDA_TIMER, seconds * 18 + seconds * 1350 / 6553);      /* 18.2065 */
}

void timer_init(void)
{
    outb(PIT_CMD, 0x36);        /* channel 0, mode 3 */
    outb(PIT_CH0, 0);
    outb(PIT_CH0, 0);
    outb(PIT_CMD, 0x54);        /* channel 1: refresh, 15 us */
    outb(PIT_CH0 + 1, 18);
    outb(0x61, inb(0x61) & 0xfc);
    cmos_write(0x0a, 0x26);
    cmos_write(0x0b, 0x02);
    cmos_read(0x0c);
    ticks_from_rtc();
    pic_unmask(0);
    pic_unmask(2);
}

u32 timer_ticks(void)
{
    return bda32(BDA_TIMER);
}

static u16 pit_count(void)
{
    u8 low;

    outb(PIT_CMD, 0x00);        /* latch channel 0 */
    low = inb(PIT_CH0);
    return low | inb(PIT_CH0) << 8;
}

/* Mode 3 counts down by two, 65536 to 0 twice a period: one count here is half a PIT clock. A guest may have set
 * mode 2; then a delay is twice as long, which is safe. */
void deadline_start(Deadline *d, u32 ms)
{
    d->left = ms * (2 * PIT_HZ / 1000);
    d->last = pit_count();
}

bool deadline_passed(Deadline *d)
{
    u16 now = pit_count();
    u16 gone = d->last - now;

    d->last = now;
    if (gone >= d->left) {
        d->left = 0;
        return true;
    }
    d->left -= gone;
    return false;
}

void delay_us(u32 us)
{
    Deadline d = { us * 2 + us / 2, pit_count() };

    while (!deadline_passed(&d)) {
    }
}

/* IRQ 0, RB INT 08. */
void irq0_timer(Regs *r);
void irq0_timer(Regs *r)
{
    u32 ticks = bda32(BDA_TIMER) + 1;
    u8 motor;
    Regs n;

    if (ticks >= TICKS_PER_DAY) {
        ticks = 0;
        bda_set8(BDA_MIDNIGHT, bda8(BDA_MIDNIGHT) + 1);
    }
    bda_set32(BDA_TIMER, ticks);
    motor = bda8(BDA_FD_COUNTDOWN);
    if (motor) {
        bda_set8(BDA_FD_COUNTDOWN, --motor);
        if (!motor) {           /* floppy motors off; drive selection, DMA and reset lines stay */
            bda_set8(BDA_FD_MOTOR, bda8(BDA_FD_MOTOR) & 0xf0);
            outb(0x3f2, 0x0c);
        }
    }
    sercon_poll();
    regs_clear(&n);
    n.ds = BDA_SEG;             /* INT 1Ch handlers have seen DS = 40h since the PC */
    call_int(0x1c, &n);
    irq_disable();
    pic_eoi(0);
}

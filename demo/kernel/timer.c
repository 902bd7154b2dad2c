/*
 * Time: the two interrupt controllers (8259) are given vectors 32 to 47, and channel 0 of the timer (8254) beats 100
 * times a second.
 */
#include "kernel/kernel.h"

#define PIC1 0x20
#define PIC2 0xa0
#define PIC_EOI 0x20
#define PIC_INIT 0x11 /* ICW1: edge triggered, cascaded, ICW4 follows */
#define FIRST_VECTOR 32
#define PIT_CHANNEL0 0x40
#define PIT_COMMAND 0x43
#define PIT_RATE_GENERATOR 0x34 /* channel 0, both bytes, mode 2 */
#define PIT_HZ 1193182
#define CASCADE 2

static uint32_t ticks;

static void pic_init(void)
{
    static const uint8_t words[][2] = { /* ICW1 to ICW4 of both */
        {PIC_INIT, PIC_INIT}, {FIRST_VECTOR, FIRST_VECTOR + 8}, {1 << CASCADE, CASCADE}, {1, 1},
    };
    for (int n = 0; n < 4; n++) {
        outb(PIC1 + (n > 0), words[n][0]);
        outb(PIC2 + (n > 0), words[n][1]);
    }
    outb(PIC1 + 1, 0xff);
    outb(PIC2 + 1, 0xff);
    pic_unmask(CASCADE);
}

void pic_unmask(int irq)
{
    uint16_t port = (irq < 8 ? PIC1 : PIC2) + 1;
    outb(port, inb(port) & ~(1 << (irq & 7)));
}

void pic_acknowledge(int irq)
{
    if (irq >= 8)
        outb(PIC2, PIC_EOI);
    outb(PIC1, PIC_EOI);
}

void timer_init(void)
{
    pic_init();
    outb(PIT_COMMAND, PIT_RATE_GENERATOR);
    outb(PIT_CHANNEL0, (PIT_HZ / TICKS_PER_SECOND) & 0xff);
    outb(PIT_CHANNEL0, PIT_HZ / TICKS_PER_SECOND >> 8);
    pic_unmask(0);
}

void timer_interrupt(void)
{
    ticks++;
    counters.timer++;
    process_tick();
}

uint32_t timer_ticks(void)
{
    return ticks;
}

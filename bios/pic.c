/* The two 8259A interrupt controllers as PC software expects them: IRQ 0-7 at 08h, 8-15 at 70h. */
#include "bios/bios.h"

#define PIC1 0x20
#define PIC2 0xa0
#define PIC_EOI 0x20

void pic_init(void)
{
    outb(PIC1, 0x11);           /* ICW1: edge, cascade, ICW4 follows */
    outb(PIC2, 0x11);
    outb(PIC1 + 1, 0x08);
    outb(PIC2 + 1, 0x70);
    outb(PIC1 + 1, 0x04);
    outb(PIC2 + 1, 0x02);
    outb(PIC1 + 1, 0x01);
    outb(PIC2 + 1, 0x01);
    outb(PIC1 + 1, 0xfb);       /* all masked but the cascade */
    outb(PIC2 + 1, 0xff);
}

void pic_eoi(u8 irq)
{
    if (irq >= 8) {
        outb(PIC2, PIC_EOI);
    }
    outb(PIC1, PIC_EOI);
}

void pic_unmask(u8 irq)
{
    u16 port = irq >= 8 ? PIC2 + 1 : PIC1 + 1;

    outb(port, inb(port) & ~(1 << (irq & 7)));
}

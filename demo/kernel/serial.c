/* COM1, a 16550: the console of a machine without a screen. It sends by asking and receives by interrupt. */
#include "kernel/kernel.h"

#define COM1 0x3f8
#define IRQ 4
enum { DATA = 0, INTERRUPTS = 1, FIFO = 2, LINE = 3, MODEM = 4, STATUS = 5 };
#define STATUS_RECEIVED 0x01
#define STATUS_CAN_SEND 0x20
#define STATUS_IDLE 0x40
#define NO_UART 0xff

void serial_init(void)
{
    while (!(inb(COM1 + STATUS) & STATUS_IDLE)) { /* the BIOS's last words are on their way */
    }
    outb(COM1 + LINE, 0x03);
    serial_interrupt(); /* what has come already; turning the FIFO on would lose it */
    outb(COM1 + LINE, 0x80); /* the divisor's latch: 115200 baud */
    outb(COM1 + DATA, 1);
    outb(COM1 + INTERRUPTS, 0);
    outb(COM1 + LINE, 0x03); /* 8 bits, no parity, 1 stop bit */
    outb(COM1 + FIFO, 0x01);
    outb(COM1 + MODEM, 0x0b); /* DTR, RTS; OUT2 lets the interrupt through */
    outb(COM1 + INTERRUPTS, 1);
}

void serial_put(char c)
{
    if (c == '\n')
        serial_put('\r');
    while (!(inb(COM1 + STATUS) & STATUS_CAN_SEND)) {
    }
    outb(COM1 + DATA, c);
}

/* Also called when the console has room again: what it has none for waits in the UART. */
void serial_interrupt(void)
{
    uint8_t status;
    counters.serial++;
    while (console_has_room() && ((status = inb(COM1 + STATUS)) & STATUS_RECEIVED) && status != NO_UART)
        console_receive(inb(COM1 + DATA));
}

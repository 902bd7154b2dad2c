/* INT 14h and 17h: serial and parallel ports (RB INT 14, INT 17). */
#include "bios/bios.h"

/* 8250 registers */
#define UART_DATA 0
#define UART_IER 1
#define UART_IIR 2
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_MSR 6
#define LCR_DLAB 0x80
#define LSR_DATA 0x01
#define LSR_EMPTY 0x20

#define TIMEOUT 0x80

ROM u16 com_ports[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
ROM u16 lpt_ports[] = { 0x3bc, 0x378, 0x278 };
ROM u16 divisors[] = { 1047, 768, 384, 192, 96, 48, 24, 12 };      /* 110 to 9600 baud */

void ports_init(void)
{
    u16 equipment = bda16(BDA_EQUIPMENT);
    u8 coms = 0, lpts = 0;

    for (u32 i = 0; i < ARRAY_LEN(com_ports); i++) {
        u16 port = com_ports[i];

        outb(port + UART_IER, 0x02);
        if (inb(port + UART_IER) != 0x02 || (inb(port + UART_IIR) & 0x3f) != 0x02) {
            continue;
        }
        outb(port + UART_IER, 0);
        bda_set16(BDA_COM + 2 * coms, port);
        bda_set8(BDA_COM_TIMEOUT + coms, 0x0a);
        coms++;
    }
    for (u32 i = 0; i < ARRAY_LEN(lpt_ports); i++) {
        u16 port = lpt_ports[i];

        outb(port + 2, 0x08);
        outb(port, 0xaa);
        if (inb(port) != 0xaa) {
            continue;
        }
        outb(port + 2, 0x0c);
        bda_set16(BDA_LPT + 2 * lpts, port);
        bda_set8(BDA_LPT_TIMEOUT + lpts, 0x14);
        lpts++;
    }
    bda_set16(BDA_EQUIPMENT, (equipment & 0x31ff) | coms << 9 | lpts << 14);
}

/* Waits until register bits are set; BDA's timeout counts roughly seconds. */
static bool wait_bits(u16 port, u8 bits, u8 timeout)
{
    Deadline d;

    deadline_start(&d, (timeout ? timeout : 1) * 256u);
    do {
        for (int n = 0; n < 50; n++) {
            if ((inb(port) & bits) == bits) {
                return true;
            }
        }
    } while (!deadline_passed(&d));
    return false;
}

static void set_line(u16 port, u16 divisor, u8 line)
{
    outb(port + UART_LCR, LCR_DLAB);
    outb(port + UART_DATA, divisor);
    outb(port + UART_IER, divisor >> 8);
    outb(port + UART_LCR, line);
    outb(port + UART_IER, 0);
}

void int14(Regs *r);
void int14(Regs *r)
{
    u16 port = r->dx < 4 ? bda16(BDA_COM + 2 * r->dx) : 0;
    u8 timeout = r->dx < 4 ? bda8(BDA_COM_TIMEOUT + r->dx) : 0;

    irq_enable();
    if (!port) {
        return;
    }
    switch (r->ah) {
    case 0x00:                          /* initialise */
        set_line(port, divisors[r->al >> 5], r->al & 0x1f);
        break;
    case 0x01:                          /* send */
        outb(port + UART_MCR, inb(port + UART_MCR) | 3);
        if (!wait_bits(port + UART_LSR, LSR_EMPTY, timeout)) {
            r->ah = inb(port + UART_LSR) | TIMEOUT;
            return;
        }
        outb(port + UART_DATA, r->al);
        r->ah = inb(port + UART_LSR);
        return;
    case 0x02:                          /* receive */
        outb(port + UART_MCR, (inb(port + UART_MCR) & ~2) | 1);
        if (!wait_bits(port + UART_LSR, LSR_DATA, timeout)) {
            r->ah = inb(port + UART_LSR) | TIMEOUT;
            return;
        }
        r->ah = inb(port + UART_LSR) & 0x1e;
        r->al = inb(port + UART_DATA);
        return;
    case 0x03:                          /* status */
        break;
    case 0x04:                          /* extended initialise (PS/2) */
        if (r->cl > 8) {
            return;
        }
        {
            u16 divisor = r->cl == 8 ? 6 : divisors[r->cl];
            u8 parity = r->bh == 1 ? 0x08 : r->bh == 2 ? 0x18 : r->bh == 3 ? 0x28 : r->bh == 4 ? 0x38 : 0;

            set_line(port, divisor, (r->ch & 3) | (r->bl ? 4 : 0) | parity | (r->al ? 0x40 : 0));
        }
        break;
    case 0x05:                          /* modem control */
        if (r->al == 1) {
            outb(port + UART_MCR, r->bl & 0x1f);
        } else {
            r->bl = inb(port + UART_MCR);
        }
        break;
    default:
        return;
    }
    r->ah = inb(port + UART_LSR);
    r->al = inb(port + UART_MSR);
}

void int17(Regs *r);
void int17(Regs *r)
{
    u16 port = r->dx < 3 ? bda16(BDA_LPT + 2 * r->dx) : 0;
    u8 control;

    irq_enable();
    if (!port) {
        return;
    }
    switch (r->ah) {
    case 0x00:                          /* print */
        outb(port, r->al);
        control = inb(port + 2);
        if (!wait_bits(port + 1, 0x80, bda8(BDA_LPT_TIMEOUT + r->dx))) {
            r->ah = ((inb(port + 1) ^ 0x48) & 0xf8) | 1;
            return;
        }
        outb(port + 2, control | 0x01);
        delay_us(1);
        outb(port + 2, control & ~0x01);
        break;
    case 0x01:                          /* initialise */
        outb(port + 2, 0x08);
        delay_us(50);
        outb(port + 2, 0x0c);
        break;
    case 0x02:
        break;
    default:
        return;
    }
    r->ah = (inb(port + 1) ^ 0x48) & 0xf8;
}

/*
 * A serial port: 16550A UART, eight ports.
 *
 * Bytes go out at once, whatever the baud rate says; what comes in is held back by the receive FIFO, and the character
 * timeout follows the baud rate.
 */
#pragma once

#include "chardev.h"
#include "clock.h"
#include "irqline.h"
#include "softmmu/region.h"

typedef struct Serial Serial;

/* port is 3F8h, 2F8h, 3E8h, 2E8h (IRQ 4, 3, 4, 3). chr may be NULL: an unplugged port. It outlives the device. */
Serial *serial_new(Bus *io, Clock *clock, uint16_t port, IrqLine irq, Chardev *chr);
void serial_free(Serial *s);
void serial_reset(Serial *s);

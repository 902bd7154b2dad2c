/*
 * The interrupt controller of the PC: two 8259A, cascaded at IRQ 2, and the edge/level control registers (ELCR).
 *
 * Ports 20h-21h (master), A0h-A1h (slave), 4D0h-4D1h (ELCR).
 */
#pragma once

#include "irqline.h"
#include "softmmu/region.h"

typedef struct Pic Pic;

/* intr is the wire to the CPU (or to the local APIC's LINT0): high while the master requests an interrupt. */
Pic *pic_new(Bus *io, IrqLine intr);
void pic_free(Pic *p);
/* To power-on state; input lines keep their level. */
void pic_reset(Pic *p);

/* Input n, 0..15. Input 2 is taken by the slave: driving it does nothing. */
IrqLine pic_line(Pic *p, int n);
void pic_set_irq(Pic *p, int n, bool level);

/* An IntAck function: the vector of the highest request, which goes in service; a spurious vector when it has gone. */
int pic_ack(void *pic);

/* How input n stands; a timer asks before it raises the next tick. */
typedef enum PicIrqState {
    PIC_IRQ_IDLE,    /* no request waits */
    PIC_IRQ_PENDING, /* requested, and the CPU hasn't taken it yet */
    PIC_IRQ_MASKED,  /* the guest doesn't want it */
} PicIrqState;
PicIrqState pic_irq_state(Pic *p, int n);
/* How often input n has risen since pic_new(). */
uint64_t pic_irq_count(const Pic *p, int n);

/* As `info pic` shows it. */
void pic_print(Pic *p, GString *out);

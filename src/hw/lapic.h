/*
 * The local APIC of the one processor (SDM 3A chapter 10), and the place where all interrupts for it come together:
 * the PIC's output enters at LINT0, NMIs at LINT1, messages from the I/O APIC through lapic_send().
 *
 * The CPU side reads and writes IA32_APIC_BASE through lapic_base() and lapic_set_base(), CR8 through lapic_cr8(),
 * and takes vectors with lapic_ack(). Machine lock held throughout.
 */
#pragma once

#include "clock.h"
#include "hw/apicbus.h"
#include "irqline.h"
#include "softmmu/region.h"

typedef struct Lapic Lapic;

#define LAPIC_BASE 0xfee00000u
#define LAPIC_LINTS 2

typedef struct LapicWires {
    IrqLine intr; /* to the CPU: an interrupt waits; lapic_ack() tells which */
    IrqLine nmi;  /* to the CPU: pulsed */
    IntAck pic;   /* who knows the vector of an ExtINT */
    void (*eoi)(void *opaque, uint8_t vector); /* EOI broadcast of a level-triggered vector */
    void *eoi_opaque;
} LapicWires;

/* present is false for a CPU without one: no registers, LINT0 is INTR and LINT1 is NMI for good. */
Lapic *lapic_new(Bus *mem, Clock *clock, const LapicWires *wires, bool present);
void lapic_reset(Lapic *a);
void lapic_free(Lapic *a);

/* Who knows the vector of an ExtINT, when it wasn't known to lapic_new(). */
void lapic_set_pic(Lapic *a, IntAck pic);
/* Drive intr to its present level, for a CPU that has just been connected. */
void lapic_drive(Lapic *a);

/* The local interrupt pins, 0 and 1. */
IrqLine lapic_lint(Lapic *a, unsigned n);
/* An ApicSendFn; opaque is the Lapic. */
bool lapic_send(void *opaque, const ApicMessage *message);

/* Is vector asked for, and not yet taken? */
bool lapic_requested(const Lapic *a, uint8_t vector);

/* The vector of the interrupt being taken, or -1 when none waits any more. An IntAck. */
int lapic_ack(void *opaque);

/* IA32_APIC_BASE (MSR 0x1b). False: the value is one that raises #GP. */
uint64_t lapic_base(const Lapic *a);
bool lapic_set_base(Lapic *a, uint64_t value);
/* Enabled in IA32_APIC_BASE: what CPUID.1:EDX.APIC shows. */
bool lapic_enabled(const Lapic *a);
/* CR8: bits 7:4 of the task priority. */
uint8_t lapic_cr8(const Lapic *a);
void lapic_set_cr8(Lapic *a, uint8_t value);

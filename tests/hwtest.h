/*
 * The bench on which a device is tested: an I/O bus, a memory bus over a little RAM, a clock moved by hand, and
 * sixteen interrupt lines whose level and rising edges are recorded. No lock, one thread.
 *
 *     static void test_tick(HwTest *t)
 *     {
 *         Pit *pit = pit_new(t->io, t->clock, hw_irq_line(t, 0), ...);
 *
 *         hw_outb(t, 0x43, 0x34);
 *         clock_step(t->clock, MS(1));
 *         g_assert_true(hw_irq(t, 0));
 *     }
 *
 *     int main(int argc, char **argv)
 *     {
 *         g_test_init(&argc, &argv, NULL);
 *         hw_test_add("/pit/tick", test_tick);
 *         return g_test_run();
 *     }
 */
#pragma once

#include "clock.h"
#include "irqline.h"
#include "softmmu/ram.h"
#include "softmmu/region.h"

#include <glib.h>

#define HW_LINES 16
#define HW_RAM_SIZE (2u << 20)

typedef struct HwTest {
    Bus *io;  /* 64 Ki ports */
    Bus *mem; /* 4 GiB, RAM at 0 to HW_RAM_SIZE */
    Ram *ram;
    Clock *clock;
    bool level[HW_LINES];
    unsigned edges[HW_LINES]; /* rising */
} HwTest;

HwTest *hw_new(void);
void hw_free(HwTest *t);

/* Add a test case that gets a fresh bench. */
void hw_test_add(const char *path, void (*test)(HwTest *t));

/* Line n of the bench, to hand to a device; its level; its rising edges since last asked. */
IrqLine hw_irq_line(HwTest *t, int n);
bool hw_irq(const HwTest *t, int n);
unsigned hw_irq_edges(HwTest *t, int n);

/* Ports. */
uint8_t hw_inb(HwTest *t, uint16_t port);
uint16_t hw_inw(HwTest *t, uint16_t port);
uint32_t hw_inl(HwTest *t, uint16_t port);
void hw_outb(HwTest *t, uint16_t port, uint8_t value);
void hw_outw(HwTest *t, uint16_t port, uint16_t value);
void hw_outl(HwTest *t, uint16_t port, uint32_t value);

/* Memory, as the CPU accesses it. */
uint8_t hw_readb(HwTest *t, Gpa addr);
uint16_t hw_readw(HwTest *t, Gpa addr);
uint32_t hw_readl(HwTest *t, Gpa addr);
void hw_writeb(HwTest *t, Gpa addr, uint8_t value);
void hw_writew(HwTest *t, Gpa addr, uint16_t value);
void hw_writel(HwTest *t, Gpa addr, uint32_t value);

/*
 * The V8086 monitor. In virtual-8086 mode the CPU runs 16-bit code by itself, but CLI, STI, PUSHF, POPF, INT n, IRET,
 * HLT and I/O trap to here with #GP, since IOPL is 0 (SDM 3A 20.2.7). Each is done on the task's behalf: so a BIOS,
 * which thinks that it owns the machine, is used as a subroutine. INT 20h and 21h are DOS's; this is all of DOS that
 * there is.
 */
#include "kernel/kernel.h"

#define TASK_FLAGS 0x0cd5u /* what the task may change: CF PF AF ZF SF DF OF */
#define OPERAND_SIZE 0x66
#define NO_DEVICE 0xff
enum { PUSHF = 0x9c, POPF = 0x9d, INT = 0xcd, IRET = 0xcf, IN_IMM = 0xe4, OUT_IMM = 0xe6, IN = 0xec, OUT = 0xee,
       HLT = 0xf4, CLI = 0xfa, STI = 0xfb };

static uint8_t *task_pointer(uint32_t segment, uint32_t offset)
{
    return (uint8_t *)(((segment & 0xffff) << 4) + (offset & 0xffff));
}

static void move_register16(uint32_t *r, int by)
{
    *r = (*r & 0xffff0000) | ((*r + by) & 0xffff);
}

static void push(Frame *f, uint32_t value, int bytes)
{
    move_register16(&f->esp, -bytes);
    memcpy(task_pointer(f->ss, f->esp), &value, bytes);
}

static uint32_t pop(Frame *f, int bytes)
{
    uint32_t value = 0;
    memcpy(&value, task_pointer(f->ss, f->esp), bytes);
    move_register16(&f->esp, bytes);
    return value;
}

static uint32_t task_flags(const Frame *f)
{
    return (f->eflags & ~(FLAG_VM | FLAG_IF)) | (current->v_if ? FLAG_IF : 0);
}

static void set_task_flags(Frame *f, uint32_t flags)
{
    f->eflags = (f->eflags & ~TASK_FLAGS) | (flags & TASK_FLAGS);
    current->v_if = flags & FLAG_IF;
}

static void dos(Frame *f)
{
    switch (f->eax >> 8 & 0xff) {
    case 0x02:
        console_put(f->edx);
        break;
    case 0x09:
        for (const uint8_t *s = task_pointer(f->v_ds, f->edx); *s != '$'; s++)
            if (*s != '\r')
                console_put(*s);
        break;
    case 0x4c:
        process_exit(f->eax & 0xff);
    }
}

/* INT n, as the CPU does it in real mode: through the vector at 4 n. */
static void call_vector(Frame *f, uint32_t n)
{
    uint16_t vector[2];
    memcpy(vector, task_pointer(0, n * 4), sizeof vector);
    push(f, task_flags(f), 2);
    push(f, f->cs, 2);
    push(f, f->eip, 2);
    current->v_if = false;
    f->eip = vector[0];
    f->cs = vector[1];
}

/* CMOS and VGA: what the BIOS needs for time and text. All else is not there. */
static bool port_allowed(uint16_t port)
{
    return port == 0x70 || port == 0x71 || (port >= 0x3b0 && port <= 0x3df);
}

/* IN and OUT by opcode: bit 0 is the size, bit 1 the direction. */
static void in_out(Frame *f, uint8_t opcode, uint16_t port)
{
    for (int n = 0; n <= (opcode & 1); n++, port++) {
        int shift = n * 8;
        if (opcode & 2) {
            if (port_allowed(port))
                outb(port, f->eax >> shift);
        } else {
            uint32_t value = port_allowed(port) ? inb(port) : NO_DEVICE;
            f->eax = (f->eax & ~(0xffu << shift)) | value << shift;
        }
    }
}

/* #GP in a V8086 task: true when it was an instruction that we do for it. */
bool v8086_monitor(Frame *f)
{
    uint32_t start = f->eip;
    int operand = 2;
    uint8_t opcode, n;
    counters.v8086_traps++;
    while ((opcode = *task_pointer(f->cs, f->eip++)) == OPERAND_SIZE)
        operand = 4;

    switch (opcode) {
    case CLI:
        current->v_if = false;
        return true;
    case STI:
        current->v_if = true;
        return true;
    case PUSHF:
        push(f, task_flags(f), operand);
        return true;
    case POPF:
        set_task_flags(f, pop(f, operand));
        return true;
    case HLT:
        process_yield();
        return true;
    case INT:
        n = *task_pointer(f->cs, f->eip++);
        if (n == 0x20)
            process_exit(0);
        else if (n == 0x21)
            dos(f);
        else
            call_vector(f, n);
        return true;
    case IRET:
        f->eip = pop(f, operand) & 0xffff;
        f->cs = pop(f, operand) & 0xffff;
        set_task_flags(f, pop(f, operand));
        return true;
    case IN_IMM: case IN_IMM + 1: case OUT_IMM: case OUT_IMM + 1:
        in_out(f, opcode, *task_pointer(f->cs, f->eip++));
        return true;
    case IN: case IN + 1: case OUT: case OUT + 1:
        in_out(f, opcode, f->edx);
        return true;
    }
    f->eip = start;
    return false;
}

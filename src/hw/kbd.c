/*
 * The 8042 keyboard controller.
 *
 * There is one output buffer, port 60h, filled by the controller itself, the keyboard or the mouse, in this order; what
 * filled it decides between IRQ 1 and IRQ 12. A device's next byte comes a moment after the last was read, as over the
 * real serial line: old keyboard handlers read port 60h twice and want the same byte. Keyboard bytes are translated from
 * set 2 to set 1 on their way, if the command byte says so.
 *
 * 1. The output buffer. 2. Commands. 3. Ports.
 *
 * IBM PC/AT Technical Reference, "Keyboard Controller"; PS/2 HITR, "Keyboard and Auxiliary Device Controller".
 */
#include "config.h"
#include "hw/kbd.h"
#include "hw/ps2.h"

#include <glib.h>

enum {
    STATUS_OUTPUT_FULL = 1 << 0,
    STATUS_SYSTEM = 1 << 2,
    STATUS_COMMAND = 1 << 3, /* the last write was to port 64h */
    STATUS_UNLOCKED = 1 << 4,
    STATUS_MOUSE = 1 << 5,
};

enum {
    MODE_KBD_INT = 1 << 0,
    MODE_MOUSE_INT = 1 << 1,
    MODE_SYSTEM = 1 << 2,
    MODE_KBD_OFF = 1 << 4,
    MODE_MOUSE_OFF = 1 << 5,
    MODE_TRANSLATE = 1 << 6,
};

enum {
    OUTPORT_NOT_RESET = 1 << 0,
    OUTPORT_A20 = 1 << 1,
    OUTPORT_KBD_FULL = 1 << 4,
    OUTPORT_MOUSE_FULL = 1 << 5,
    OUTPORT_IDLE_HIGH = 0xcc, /* keyboard and mouse clock and data */
    INPORT_NOT_LOCKED = 1 << 7,
};

/* Commands at port 64h. */
enum {
    CCMD_READ_RAM = 0x20, /* 20h to 3Fh; 20h is the command byte, called mode here */
    CCMD_WRITE_RAM = 0x60,
    CCMD_TEST_PASSWORD = 0xa4,
    CCMD_MOUSE_OFF = 0xa7,
    CCMD_MOUSE_ON = 0xa8,
    CCMD_TEST_MOUSE = 0xa9,
    CCMD_SELF_TEST = 0xaa,
    CCMD_TEST_KBD = 0xab,
    CCMD_KBD_OFF = 0xad,
    CCMD_KBD_ON = 0xae,
    CCMD_READ_INPORT = 0xc0,
    CCMD_READ_OUTPORT = 0xd0,
    CCMD_WRITE_OUTPORT = 0xd1,
    CCMD_WRITE_KBD_BUFFER = 0xd2,
    CCMD_WRITE_MOUSE_BUFFER = 0xd3,
    CCMD_WRITE_MOUSE = 0xd4,
    CCMD_A20_OFF = 0xdd,
    CCMD_A20_ON = 0xdf,
    CCMD_READ_TEST_INPUTS = 0xe0,
    CCMD_PULSE = 0xf0, /* F0h to FFh: output port bits that are 0 in the command */
};

typedef enum Source { FROM_CONTROLLER, FROM_KBD, FROM_MOUSE } Source;

#define LINE_TIME US(200) /* between a read of port 60h and a device's next byte; a real one takes a millisecond */

struct Kbd {
    Clock *clock;
    KbdLines lines;
    Ps2Keyboard *keyboard;
    Ps2Mouse *mouse;
    uint8_t mode, outport;
    uint8_t ram[32];
    uint8_t command; /* that waits for its data, or 0 */
    bool last_was_command;
    uint8_t output;
    bool full;
    Source source;
    uint8_t reply; /* the controller's own byte, waiting for the buffer */
    bool reply_waits;
    Source reply_as;
    bool released; /* F0 came from the keyboard: the next code is a break */
    Timer *line;   /* armed while the serial lines are busy */
};

/*
 * Scan code set 2 to set 1, as the controller's ROM has it: also for codes that no key sends. Above 84h a code stays as
 * it is.
 */
static const uint8_t translation[0x85] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59, /* 00 */
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, /* 10 */
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d, /* 20 */
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f, /* 30 */
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61, /* 40 */
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, /* 50 */
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, /* 60 */
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, /* 70 */
    0x80, 0x81, 0x82, 0x41, 0x54,                                                                   /* 80 */
};

/* ---- 1. the output buffer ---- */

static void update_irq(Kbd *k)
{
    bool mouse = k->source == FROM_MOUSE;

    irqline_set(&k->lines.irq1, k->full && !mouse && (k->mode & MODE_KBD_INT));
    irqline_set(&k->lines.irq12, k->full && mouse && (k->mode & MODE_MOUSE_INT));
}

static void fill(Kbd *k, uint8_t byte, Source source)
{
    k->output = byte;
    k->source = source;
    k->full = true;
    update_irq(k);
}

/* True when a keyboard byte is to be shown; a translated F0 is swallowed. */
static bool translate(Kbd *k, uint8_t *byte)
{
    if (!(k->mode & MODE_TRANSLATE)) {
        k->released = false;
        return true;
    }
    if (*byte == 0xf0) {
        k->released = true;
        return false;
    }
    if (*byte < sizeof translation)
        *byte = translation[*byte];
    if (k->released)
        *byte |= 0x80;
    k->released = false;
    return true;
}

/* If the buffer is free, put in it what waits. */
static void pump(Kbd *k)
{
    while (!k->full) {
        if (k->reply_waits) {
            k->reply_waits = false;
            fill(k, k->reply, k->reply_as);
        } else if (timer_armed(k->line)) {
            return;
        } else if (ps2_keyboard_pending(k->keyboard) && !(k->mode & MODE_KBD_OFF)) {
            uint8_t byte = ps2_keyboard_take(k->keyboard);

            if (translate(k, &byte))
                fill(k, byte, FROM_KBD);
        } else if (ps2_mouse_pending(k->mouse) && !(k->mode & MODE_MOUSE_OFF)) {
            fill(k, ps2_mouse_take(k->mouse), FROM_MOUSE);
        } else {
            return;
        }
    }
}

static void pump_opaque(void *opaque)
{
    pump(opaque);
}

static void reply(Kbd *k, uint8_t byte, Source as)
{
    k->reply = byte;
    k->reply_as = as;
    k->reply_waits = true;
}

static uint8_t read_data(Kbd *k)
{
    uint8_t byte = k->output;

    if (k->full) {
        k->full = false;
        update_irq(k);
        if (k->source != FROM_CONTROLLER)
            timer_arm(k->line, clock_now(k->clock) + LINE_TIME);
        pump(k);
    }
    return byte;
}

/* ---- 2. commands ---- */

static void write_outport(Kbd *k, uint8_t value)
{
    bool reset = !(value & OUTPORT_NOT_RESET);

    k->outport = value & (OUTPORT_NOT_RESET | OUTPORT_A20);
    irqline_set(&k->lines.a20, value & OUTPORT_A20);
    if (reset) {
        k->outport |= OUTPORT_NOT_RESET; /* the reset itself lets go of the line */
        irqline_pulse(&k->lines.reset);
    }
}

static uint8_t read_outport(Kbd *k)
{
    uint8_t full = !k->full ? 0 : k->source == FROM_MOUSE ? OUTPORT_MOUSE_FULL : OUTPORT_KBD_FULL;

    return k->outport | full | OUTPORT_IDLE_HIGH;
}

static void write_mode(Kbd *k, uint8_t mode)
{
    k->mode = mode;
    update_irq(k);
}

/* A byte written to port 60h after a command that takes one. */
static void command_data(Kbd *k, uint8_t command, uint8_t byte)
{
    switch (command) {
    case CCMD_WRITE_RAM:
        write_mode(k, byte);
        break;
    case CCMD_WRITE_OUTPORT:
        write_outport(k, byte);
        break;
    case CCMD_WRITE_KBD_BUFFER:
        reply(k, byte, FROM_KBD);
        break;
    case CCMD_WRITE_MOUSE_BUFFER:
        reply(k, byte, FROM_MOUSE);
        break;
    case CCMD_WRITE_MOUSE:
        k->mode &= ~MODE_MOUSE_OFF; /* sending enables the line */
        ps2_mouse_write(k->mouse, byte);
        break;
    default:
        k->ram[command & 31] = byte;
        break;
    }
}

static void write_command(Kbd *k, uint8_t byte)
{
    if (byte >= CCMD_WRITE_RAM && byte < CCMD_WRITE_RAM + 32) {
        k->command = byte;
        return;
    }
    if (byte >= CCMD_READ_RAM && byte < CCMD_READ_RAM + 32) {
        reply(k, byte == CCMD_READ_RAM ? k->mode : k->ram[byte & 31], FROM_CONTROLLER);
        return;
    }
    if (byte >= CCMD_PULSE) {
        if (!(byte & OUTPORT_NOT_RESET))
            irqline_pulse(&k->lines.reset);
        return;
    }
    switch (byte) {
    case CCMD_TEST_PASSWORD:
        reply(k, 0xf1, FROM_CONTROLLER); /* none installed */
        break;
    case CCMD_MOUSE_OFF:
        write_mode(k, k->mode | MODE_MOUSE_OFF);
        break;
    case CCMD_MOUSE_ON:
        write_mode(k, k->mode & ~MODE_MOUSE_OFF);
        break;
    case CCMD_SELF_TEST:
        k->mode |= MODE_SYSTEM;
        reply(k, 0x55, FROM_CONTROLLER);
        break;
    case CCMD_TEST_MOUSE:
    case CCMD_TEST_KBD:
    case CCMD_READ_TEST_INPUTS:
        reply(k, 0x00, FROM_CONTROLLER);
        break;
    case CCMD_KBD_OFF:
        write_mode(k, k->mode | MODE_KBD_OFF);
        break;
    case CCMD_KBD_ON:
        write_mode(k, k->mode & ~MODE_KBD_OFF);
        break;
    case CCMD_READ_INPORT:
        reply(k, INPORT_NOT_LOCKED, FROM_CONTROLLER);
        break;
    case CCMD_READ_OUTPORT:
        reply(k, read_outport(k), FROM_CONTROLLER);
        break;
    case CCMD_WRITE_OUTPORT:
    case CCMD_WRITE_KBD_BUFFER:
    case CCMD_WRITE_MOUSE_BUFFER:
    case CCMD_WRITE_MOUSE:
        k->command = byte;
        break;
    case CCMD_A20_OFF:
        write_outport(k, k->outport & ~OUTPORT_A20);
        break;
    case CCMD_A20_ON:
        write_outport(k, k->outport | OUTPORT_A20);
        break;
    default: /* unknown commands do nothing */
        break;
    }
}

/* ---- 3. ports ---- */

static uint64_t data_read(void *opaque, uint64_t offset, unsigned size)
{
    return read_data(opaque);
}

static void data_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Kbd *k = opaque;
    uint8_t command = k->command;

    k->last_was_command = false;
    k->command = 0;
    if (command) {
        command_data(k, command, value);
    } else {
        k->mode &= ~MODE_KBD_OFF; /* sending enables the line */
        ps2_keyboard_write(k->keyboard, value);
    }
    pump(k);
}

static uint64_t status_read(void *opaque, uint64_t offset, unsigned size)
{
    Kbd *k = opaque;

    return STATUS_UNLOCKED | (k->last_was_command ? STATUS_COMMAND : 0) | (k->mode & MODE_SYSTEM ? STATUS_SYSTEM : 0) |
           (k->full ? STATUS_OUTPUT_FULL : 0) | (k->full && k->source == FROM_MOUSE ? STATUS_MOUSE : 0);
}

static void command_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Kbd *k = opaque;

    k->last_was_command = true;
    k->command = 0;
    write_command(k, value);
    pump(k);
}

static const RegionOps data_ops = { data_read, data_write, 1, 1 };
static const RegionOps command_ops = { status_read, command_write, 1, 1 };

void kbd_reset(Kbd *k)
{
    ps2_keyboard_reset(k->keyboard);
    ps2_mouse_reset(k->mouse);
    timer_disarm(k->line);
    k->mode = MODE_KBD_INT | MODE_MOUSE_INT;
    k->command = 0;
    k->last_was_command = k->full = k->reply_waits = k->released = false;
    k->output = 0;
    write_outport(k, OUTPORT_NOT_RESET | OUTPORT_A20);
    update_irq(k);
}

Kbd *kbd_new(Bus *io, Clock *clock, KbdLines lines, Input *input)
{
    Kbd *k = g_new0(Kbd, 1);

    k->clock = clock;
    k->lines = lines;
    k->line = timer_new(clock, pump_opaque, k);
    k->keyboard = ps2_keyboard_new(clock, input, pump_opaque, k);
    k->mouse = ps2_mouse_new(clock, input, pump_opaque, k);
    bus_add_io(io, "kbd-data", 0x60, 1, &data_ops, k, 0);
    bus_add_io(io, "kbd-command", 0x64, 1, &command_ops, k, 0);
    kbd_reset(k);
    return k;
}

void kbd_free(Kbd *k)
{
    if (!k)
        return;
    ps2_keyboard_free(k->keyboard);
    ps2_mouse_free(k->mouse);
    timer_free(k->line);
    g_free(k);
}

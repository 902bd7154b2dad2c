/*
 * Two 8237A DMA controllers and the page registers.
 *
 * A channel has a base and a current address and count. Transfers are made by the device calling us, as many bytes at a time as
 * it has; what the chip does byte by byte (address wrap within 64 Ki, terminal count, auto-initialisation) is done in
 * runs. The second controller counts words: its address goes out shifted by one, and the page's lowest bit is unused.
 *
 * 1. Transfers. 2. Registers. 3. Page registers.
 *
 * Intel 8237A datasheet (231466).
 */
#include "config.h"
#include "hw/dma.h"

#include <string.h>

enum {
    COMMAND_DISABLE = 1 << 2,
    MODE_TYPE = 3 << 2, /* verify, write (to memory), read (from memory), illegal */
    MODE_WRITE = 1 << 2,
    MODE_READ = 2 << 2,
    MODE_AUTO = 1 << 4,
    MODE_DOWN = 1 << 5,
};

/* Registers above the eight of the channels, in order of address. */
enum {
    REG_COMMAND = 8, /* read: status */
    REG_REQUEST,
    REG_MASK,
    REG_MODE,
    REG_FLIPFLOP,
    REG_MASTER_CLEAR, /* read: temporary register */
    REG_CLEAR_MASK,
    REG_ALL_MASK,
};

typedef struct Channel {
    uint16_t base_addr, base_count, addr, count;
    uint8_t mode;
    bool dreq;
    bool open; /* as last told to the device */
    void (*ready)(void *opaque);
    void *opaque;
} Channel;

typedef struct Chip {
    Dma *dma;
    bool wide; /* moves words */
    Channel channel[4];
    uint8_t command, mask, request, tc;
    bool flipflop; /* next is the high byte */
} Chip;

struct Dma {
    Bus *mem;
    Chip chip[2];
    uint8_t page[16]; /* ports 80h-8Fh; those of no channel are scratch */
};

/* Offset of a channel's page register from 80h. */
static const uint8_t page_of[8] = { 7, 3, 1, 2, 15, 11, 9, 10 };

static Chip *chip_of(Dma *d, int channel)
{
    return &d->chip[channel >> 2 & 1];
}

/* ---- 1. transfers ---- */

bool dma_is_open(const Dma *d, int channel)
{
    const Chip *low = &d->chip[0], *high = &d->chip[1];

    if (channel >= 4)
        return channel > 4 && !(high->command & COMMAND_DISABLE) && !(high->mask & 1 << (channel & 3));
    return !(low->command & COMMAND_DISABLE) && !(low->mask & 1 << channel) && !(high->command & COMMAND_DISABLE) &&
           !(high->mask & 1); /* through the cascade, channel 4 */
}

/* Tell devices that wait for their channel. A device may transfer, or drop DREQ, from within. */
static void wake(Dma *d)
{
    for (int n = 0; n < 8; n++) {
        Channel *c = &chip_of(d, n)->channel[n & 3];
        bool open = dma_is_open(d, n), opened = open && !c->open;

        c->open = open;
        if (opened && c->dreq && c->ready)
            c->ready(c->opaque);
    }
}

void dma_attach(Dma *d, int channel, void (*ready)(void *opaque), void *opaque)
{
    Channel *c = &chip_of(d, channel)->channel[channel & 3];

    g_assert(channel >= 0 && channel < 8 && channel != 4);
    c->ready = ready;
    c->opaque = opaque;
}

void dma_set_dreq(Dma *d, int channel, bool level)
{
    chip_of(d, channel)->channel[channel & 3].dreq = level;
}

static void move(Dma *d, int n, Gpa at, void *to_device, const void *to_memory, size_t bytes, bool down)
{
    Chip *chip = chip_of(d, n);
    size_t unit = chip->wide ? 2 : 1;

    if (!down) {
        if (to_memory)
            bus_dma_write(d->mem, at, to_memory, bytes);
        else
            bus_dma_read(d->mem, at, to_device, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i += unit) {
        if (to_memory)
            bus_dma_write(d->mem, at - i, (const uint8_t *)to_memory + i, unit);
        else
            bus_dma_read(d->mem, at - i, (uint8_t *)to_device + i, unit);
    }
}

/* One of the two buffers is given: the direction that the device means. */
static size_t transfer(Dma *d, int n, uint8_t *to_device, const uint8_t *to_memory, size_t len, bool *tc)
{
    Chip *chip = chip_of(d, n);
    Channel *c = &chip->channel[n & 3];
    size_t unit = chip->wide ? 2 : 1, done = 0;
    bool matches = (c->mode & MODE_TYPE) == (to_memory ? MODE_WRITE : MODE_READ), reached = false;

    if (tc)
        *tc = false;
    if (!dma_is_open(d, n))
        return 0;
    while (!reached && len - done >= unit) {
        bool down = c->mode & MODE_DOWN;
        uint32_t page = d->page[page_of[n]];
        uint32_t at = chip->wide ? (page & 0xfe) << 16 | c->addr << 1 : page << 16 | c->addr;
        /* Until the count ends, and within the 64 Ki that the address counts. */
        uint32_t units = MIN((len - done) / unit, (uint32_t)c->count + 1);

        units = MIN(units, down ? (uint32_t)c->addr + 1 : 0x10000u - c->addr);
        if (matches)
            move(d, n, at, to_device ? to_device + done : NULL, to_memory ? to_memory + done : NULL, units * unit, down);
        else if (to_device)
            memset(to_device + done, 0xff, units * unit);
        done += units * unit;
        c->addr = down ? c->addr - units : c->addr + units;
        reached = units == (uint32_t)c->count + 1;
        c->count -= units;
    }
    if (reached) {
        chip->tc |= 1 << (n & 3);
        chip->request &= ~(1 << (n & 3));
        if (c->mode & MODE_AUTO) {
            c->addr = c->base_addr;
            c->count = c->base_count;
        } else {
            chip->mask |= 1 << (n & 3);
            c->open = false;
        }
    }
    if (tc)
        *tc = reached;
    return done;
}

size_t dma_to_memory(Dma *d, int channel, const void *buf, size_t len, bool *tc)
{
    return transfer(d, channel, NULL, buf, len, tc);
}

size_t dma_from_memory(Dma *d, int channel, void *buf, size_t len, bool *tc)
{
    return transfer(d, channel, buf, NULL, len, tc);
}

/* ---- 2. registers ---- */

static void chip_clear(Chip *chip)
{
    chip->command = chip->request = chip->tc = 0;
    chip->mask = 15;
    chip->flipflop = false;
}

static uint8_t read_status(Chip *chip)
{
    uint8_t value = chip->tc;

    for (int i = 0; i < 4; i++)
        if (chip->channel[i].dreq || chip->request & 1 << i)
            value |= 0x10 << i;
    chip->tc = 0;
    return value;
}

static uint64_t chip_read(void *opaque, uint64_t offset, unsigned size)
{
    Chip *chip = opaque;
    unsigned reg = chip->wide ? offset >> 1 : offset;
    Channel *c = &chip->channel[reg >> 1 & 3];
    uint16_t value;

    switch (reg) {
    case REG_COMMAND:
        return read_status(chip);
    case REG_MASTER_CLEAR: /* temporary register: memory-to-memory transfers don't work on a PC */
        return 0;
    case REG_ALL_MASK: /* as later chips; the original can't tell */
        return 0xf0 | chip->mask;
    default:
        if (reg > REG_COMMAND)
            return 0xff;
        break;
    }
    value = reg & 1 ? c->count : c->addr;
    chip->flipflop = !chip->flipflop;
    return chip->flipflop ? value & 0xff : value >> 8;
}

static void write_half(uint16_t *base, uint16_t *current, uint8_t value, bool high)
{
    *base = high ? (*base & 0x00ff) | value << 8 : (*base & 0xff00) | value;
    *current = *base;
}

static void chip_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Chip *chip = opaque;
    unsigned reg = chip->wide ? offset >> 1 : offset;
    Channel *c = &chip->channel[reg >> 1 & 3];
    uint8_t bit = 1 << (value & 3);

    switch (reg) {
    case REG_COMMAND:
        chip->command = value;
        break;
    case REG_REQUEST:
        chip->request = value & 4 ? chip->request | bit : chip->request & ~bit;
        break;
    case REG_MASK:
        chip->mask = value & 4 ? chip->mask | bit : chip->mask & ~bit;
        break;
    case REG_MODE:
        chip->channel[value & 3].mode = value;
        break;
    case REG_FLIPFLOP:
        chip->flipflop = false;
        break;
    case REG_MASTER_CLEAR:
        chip_clear(chip);
        break;
    case REG_CLEAR_MASK:
        chip->mask = 0;
        break;
    case REG_ALL_MASK:
        chip->mask = value & 15;
        break;
    default:
        if (reg & 1)
            write_half(&c->base_count, &c->count, value, chip->flipflop);
        else
            write_half(&c->base_addr, &c->addr, value, chip->flipflop);
        chip->flipflop = !chip->flipflop;
        return;
    }
    wake(chip->dma);
}

static const RegionOps chip_ops = { chip_read, chip_write, 1, 1 };

/* ---- 3. page registers ---- */

static uint64_t page_read(void *opaque, uint64_t offset, unsigned size)
{
    Dma *d = opaque;

    return d->page[offset];
}

static void page_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Dma *d = opaque;

    d->page[offset] = value;
}

static const RegionOps page_ops = { page_read, page_write, 1, 1 };

void dma_reset(Dma *d)
{
    for (int i = 0; i < 2; i++) {
        chip_clear(&d->chip[i]);
        for (int j = 0; j < 4; j++) {
            Channel *c = &d->chip[i].channel[j];

            *c = (Channel){ .dreq = c->dreq, .ready = c->ready, .opaque = c->opaque };
        }
    }
    memset(d->page, 0, sizeof d->page);
}

Dma *dma_new(Bus *io, Bus *mem)
{
    Dma *d = g_new0(Dma, 1);

    d->mem = mem;
    for (int i = 0; i < 2; i++)
        d->chip[i].dma = d;
    d->chip[1].wide = true;
    bus_add_io(io, "dma1", 0x00, 16, &chip_ops, &d->chip[0], 0);
    bus_add_io(io, "dma2", 0xc0, 32, &chip_ops, &d->chip[1], 0);
    bus_add_io(io, "dma-page", 0x80, 16, &page_ops, d, 0);
    dma_reset(d);
    return d;
}

void dma_free(Dma *d)
{
    g_free(d);
}

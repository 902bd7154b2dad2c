/*
 * The legacy memory window A0000..BFFFF: what the graphics controller does to a byte on its way to and from the planes.
 *
 * Every access goes through callbacks, except where the mode makes the window plain memory: in chain-4 with nothing
 * else switched on (mode 13h), and in VBE's banked modes. Then A0000..AFFFF is mapped directly, and the guest draws at the
 * speed of RAM. The one visible difference: such reads don't load the latches.
 */
#include "config.h"

#include "hw/vgastate.h"

#define WINDOW_START 0xa0000
#define WINDOW_SIZE 0x20000
#define DIRECT_SIZE 0x10000

/* Where an access at offset a in the window leads: a group, and which planes take part. */
typedef struct Target {
    uint32_t group;
    unsigned plane; /* the plane that is read (read mode 0) */
    uint8_t planes; /* the planes that may be written */
} Target;

/* Expand 4 bits into 4 bytes of 00 or ff: one per plane. */
static uint32_t plane_bytes(uint8_t planes)
{
    return ((planes & 0xf) * 0x00204081u & 0x01010101u) * 0xff;
}

static uint32_t all_planes(uint8_t byte)
{
    return byte * 0x01010101u;
}

static uint32_t bank_offset(const Vga *vga)
{
    return vbe_enabled(vga) ? (uint32_t)vga->vbe.reg[VBE_BANK] << 16 : 0;
}

/* Graphics miscellaneous register, bits 3-2: which part of the window answers. False: not this address. */
static bool map_address(const Vga *vga, uint32_t a, uint32_t *offset)
{
    switch (vga->gfx[GFX_MISC] >> 2 & 3) {
    case 0:
        *offset = a;
        return true;
    case 1:
        *offset = a;
        return a < 0x10000;
    case 2:
        *offset = a & 0x7fff;
        return a >= 0x10000 && a < 0x18000;
    default:
        *offset = a & 0x7fff;
        return a >= 0x18000;
    }
}

/*
 * Odd/even puts even addresses in planes 0 and 2, odd ones in 1 and 3, at the even offset; with the 128 KiB map, address
 * bit 16 takes the place of bit 0. Reads and writes choose it by different registers.
 */
static bool locate(const Vga *vga, uint32_t a, bool odd_even, Target *t)
{
    uint32_t o;
    if (vbe_linear(vga)) /* the rest of the window would only scribble on the picture */
        return false;
    if (!(vga->misc & MISC_RAM) || !map_address(vga, a, &o))
        return false;
    t->plane = vga->gfx[GFX_READ_MAP];
    t->planes = vga->seq[SEQ_MAP_MASK];
    if (vga->seq[SEQ_MEMORY] & SEQ_MEMORY_CHAIN4) {
        t->plane = o & 3;
        t->planes &= 1 << (o & 3);
        o &= ~3u;
    } else if (odd_even) {
        t->plane = (t->plane & 2) | (o & 1);
        t->planes &= o & 1 ? 0xa : 0x5;
        o = (o & ~1u) | o >> 16;
    }
    t->group = vga_group((o & 0xffff) + bank_offset(vga));
    return true;
}

static uint8_t read_byte(Vga *vga, uint32_t a)
{
    Target t;
    const uint8_t *gfx = vga->gfx;
    if (!locate(vga, a, gfx[GFX_MODE] & GFX_MODE_ODD_EVEN, &t))
        return 0xff;
    vga->latch = vga_load(vga, t.group);
    if (!(gfx[GFX_MODE] & GFX_MODE_READ_COMPARE))
        return (uint8_t)(vga->latch >> 8 * t.plane);

    /* Read mode 1: a bit is 1 where all the planes cared about have the compare colour. */
    uint32_t differ = (vga->latch ^ plane_bytes(gfx[GFX_COLOUR_COMPARE])) & plane_bytes(gfx[GFX_COLOUR_CARE]);
    differ |= differ >> 16;
    return (uint8_t)~(differ | differ >> 8);
}

static uint8_t rotate(const Vga *vga, uint8_t value)
{
    unsigned n = vga->gfx[GFX_ROTATE] & 7;
    return (uint8_t)(value >> n | value << (8 - n));
}

static uint32_t logic(const Vga *vga, uint32_t data)
{
    switch (vga->gfx[GFX_ROTATE] >> 3) {
    case 1:
        return data & vga->latch;
    case 2:
        return data | vga->latch;
    case 3:
        return data ^ vga->latch;
    default:
        return data;
    }
}

/* What the graphics controller offers the four planes for a byte from the CPU. */
static uint32_t write_data(const Vga *vga, uint8_t value)
{
    const uint8_t *gfx = vga->gfx;
    uint32_t set_reset = plane_bytes(gfx[GFX_SET_RESET]), enable, data;
    uint8_t mask = gfx[GFX_BIT_MASK];

    switch (gfx[GFX_MODE] & 3) {
    case 0: /* the rotated byte, or set/reset where that is enabled */
        enable = plane_bytes(gfx[GFX_ENABLE_SET_RESET]);
        data = (all_planes(rotate(vga, value)) & ~enable) | (set_reset & enable);
        break;
    case 1: /* the latches, as they are */
        return vga->latch;
    case 2: /* the low 4 bits are a colour */
        data = plane_bytes(value);
        break;
    default: /* 3: set/reset is the colour, the rotated byte narrows the bit mask */
        data = set_reset;
        mask &= rotate(vga, value);
        break;
    }
    uint32_t m = all_planes(mask);
    return (logic(vga, data) & m) | (vga->latch & ~m);
}

static void write_byte(Vga *vga, uint32_t a, uint8_t value)
{
    Target t;
    if (!locate(vga, a, !(vga->seq[SEQ_MEMORY] & SEQ_MEMORY_SEQUENTIAL), &t))
        return;
    uint32_t planes = plane_bytes(t.planes);
    vga_store(vga, t.group, (vga_load(vga, t.group) & ~planes) | (write_data(vga, value) & planes));
}

static uint64_t window_read(void *opaque, uint64_t offset, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)read_byte(opaque, (uint32_t)offset + i) << 8 * i;
    return value;
}

static void window_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    display_changed(&((Vga *)opaque)->display);
    for (unsigned i = 0; i < size; i++)
        write_byte(opaque, (uint32_t)offset + i, (uint8_t)(value >> 8 * i));
}

static const RegionOps window_ops = {window_read, window_write, 1, 8};

/* The bytes that A0000..AFFFF is a plain view of; NULL when the mode doesn't allow that. */
static Hva direct_view(const Vga *vga)
{
    if (vbe_linear(vga))
        return vga->vram + bank_offset(vga);
    const uint8_t *gfx = vga->gfx;
    bool plain = (vga->misc & MISC_RAM) && (vga->seq[SEQ_MEMORY] & SEQ_MEMORY_CHAIN4) &&
                 vga->seq[SEQ_MAP_MASK] == 0xf && gfx[GFX_ENABLE_SET_RESET] == 0 && gfx[GFX_ROTATE] == 0 &&
                 !(gfx[GFX_MODE] & (3 | GFX_MODE_READ_COMPARE)) && gfx[GFX_BIT_MASK] == 0xff &&
                 (gfx[GFX_MISC] >> 2 & 3) <= 1;
    return plain && !vbe_enabled(vga) ? vga->vram : NULL;
}

void vgamem_written(void *opaque)
{
    Vga *vga = opaque;
    display_changed(&vga->display);
}

void vgamem_watch(Vga *vga)
{
    region_watch(vga->mem, vga->direct);
    if (vga->linear)
        region_watch(vga->mem, vga->linear);
}

void vgamem_update(Vga *vga)
{
    Hva view = direct_view(vga);
    Region *r = vga->direct;
    if (view ? r->enabled && r->host == view : !r->enabled)
        return;
    bus_begin(vga->mem);
    region_set_enabled(vga->mem, r, false);
    if (view) {
        r->host = view; /* seen by the rebuild that enabling asks for */
        region_set_enabled(vga->mem, r, true);
    }
    bus_commit(vga->mem);
}

void vgamem_init(Vga *vga)
{
    bus_add_io(vga->mem, "vga-window", WINDOW_START, WINDOW_SIZE, &window_ops, vga, VGA_PRIORITY);
    vga->direct =
        bus_add_ram(vga->mem, "vga-direct", WINDOW_START, DIRECT_SIZE, vga->vram, UINT64_MAX, VGA_PRIORITY + 1);
    region_set_enabled(vga->mem, vga->direct, false);
    region_set_watcher(vga->direct, vgamem_written, vga);
}

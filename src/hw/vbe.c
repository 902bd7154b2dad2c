/*
 * The Bochs VBE extension, "dispi": large and true-colour modes by a handful of 16-bit registers.
 *
 * The interface is that of Bochs' "VBE Display API" as QEMU serves it, at ports 1CE (index) and 1CF or 1D0 (data), and flat in
 * BAR2. Registers are corrected, not refused: what the guest reads back is what it got. That keeps every geometry inside
 * video memory, which the drawing code relies on.
 */
#include "config.h"

#include "hw/vgastate.h"

enum {
    ID_FIRST = 0xb0c0,
    ID_LAST = 0xb0c5,
    MAX_XRES = 16000,
    MAX_YRES = 12000,
    MAX_BPP = 32,
};

static uint32_t line_bytes(unsigned pixels, unsigned bpp)
{
    return bpp == 4 ? pixels / 2 : pixels * ((bpp + 7) / 8);
}

/* Make an enabled mode consistent: nothing outside memory, nothing wider than its line. */
static void fix(Vga *vga)
{
    uint16_t *r = vga->vbe.reg;
    unsigned bpp = r[VBE_BPP];
    if (bpp == 4) { /* eight pixels share the bytes of four planes */
        r[VBE_XRES] &= 0xfff8;
        r[VBE_VIRT_WIDTH] &= 0xfff8;
    }
    r[VBE_XRES] = (uint16_t)CLAMP(r[VBE_XRES], bpp == 4 ? 8 : 1, MAX_XRES);
    r[VBE_VIRT_WIDTH] = MAX(r[VBE_VIRT_WIDTH], r[VBE_XRES]);
    /* 65535 pixels of 4 bytes are less than the smallest memory: at least one line fits. */
    vga->vbe.line_length = line_bytes(r[VBE_VIRT_WIDTH], bpp);
    uint32_t lines = vga->vram_size / vga->vbe.line_length;
    r[VBE_VIRT_HEIGHT] = (uint16_t)MIN(lines, 0xffff);
    r[VBE_YRES] = (uint16_t)CLAMP(r[VBE_YRES], 1, MIN(r[VBE_VIRT_HEIGHT], MAX_YRES));
    r[VBE_X_OFFSET] = (uint16_t)MIN(r[VBE_X_OFFSET], r[VBE_VIRT_WIDTH] - r[VBE_XRES]);
    r[VBE_Y_OFFSET] = (uint16_t)MIN(r[VBE_Y_OFFSET], r[VBE_VIRT_HEIGHT] - r[VBE_YRES]);
}

/* Planes are scattered over whole 256 KiB (see vgastate.h), so all of those that the picture touches are cleared. */
static void clear(Vga *vga)
{
    size_t size = (size_t)vga->vbe.line_length * vga->vbe.reg[VBE_YRES];
    if (vga->vbe.reg[VBE_BPP] == 4)
        size = (size + 0x3ffff) & ~(size_t)0x3ffff;
    memset(vga->vram, 0, MIN(size, vga->vram_size));
}

static void write_enable(Vga *vga, uint16_t value)
{
    uint16_t *r = vga->vbe.reg;
    bool rising = (value & VBE_ENABLED) && !vbe_enabled(vga);
    r[VBE_ENABLE] = value;
    if (rising) {
        r[VBE_VIRT_WIDTH] = r[VBE_XRES];
        r[VBE_X_OFFSET] = r[VBE_Y_OFFSET] = 0;
        fix(vga);
        if (!(value & VBE_NOCLEARMEM))
            clear(vga);
    }
}

static bool valid_bpp(uint16_t bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

uint16_t vbe_read(const Vga *vga, unsigned index)
{
    const uint16_t *r = vga->vbe.reg;
    if (index >= VBE_COUNT)
        return 0;
    if (index == VBE_MEMORY_64K)
        return (uint16_t)(vga->vram_size >> 16);
    if (r[VBE_ENABLE] & VBE_GETCAPS) {
        if (index == VBE_XRES)
            return MAX_XRES;
        if (index == VBE_YRES)
            return MAX_YRES;
        if (index == VBE_BPP)
            return MAX_BPP;
    }
    return r[index];
}

void vbe_write(Vga *vga, unsigned index, uint16_t value)
{
    uint16_t *r = vga->vbe.reg;
    uint32_t banks;
    display_changed(&vga->display);

    switch (index) {
    case VBE_ID:
        if (value >= ID_FIRST && value <= ID_LAST)
            r[VBE_ID] = value;
        break;
    case VBE_BPP:
        if (value == 0)
            value = 8; /* Bochs' first interface knew no other */
        if (valid_bpp(value))
            r[VBE_BPP] = value;
        break;
    case VBE_ENABLE:
        write_enable(vga, value);
        break;
    case VBE_BANK: /* 64 KiB each; four planes take four times that at once */
        banks = vga->vram_size >> (r[VBE_BPP] == 4 ? 18 : 16);
        r[VBE_BANK] = (uint16_t)(value & (banks - 1));
        break;
    case VBE_XRES:
    case VBE_YRES:
    case VBE_VIRT_WIDTH:
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET:
        r[index] = value;
        break;
    default: /* read only or not there */
        return;
    }
    if (vbe_enabled(vga))
        fix(vga);
    vga->timing.valid = false;
    vgamem_update(vga);
}

void vbe_reset(Vga *vga)
{
    vga->vbe = (Vbe){0};
    vga->vbe.reg[VBE_ID] = ID_LAST;
    vga->vbe.reg[VBE_BPP] = 8;
}

/*
 * Ports: 1CE index; 1CF data on PCs, 1D0 data elsewhere, each a word. The word at 1CF lies askew, and the bus delivers it as
 * two bytes: the low one waits for the high one.
 */
enum { PORT_INDEX, PORT_DATA_ODD, PORT_DATA };

static uint64_t port_read(void *opaque, uint64_t offset, unsigned size)
{
    Vga *vga = opaque;
    if (offset == PORT_INDEX)
        return vga->vbe.index;
    uint16_t value = vbe_read(vga, vga->vbe.index);
    return offset == PORT_DATA && size == 1 ? value >> 8 : value;
}

static void port_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Vga *vga = opaque;
    if (offset == PORT_INDEX)
        vga->vbe.index = (uint16_t)value;
    else if (offset == PORT_DATA_ODD && size == 1)
        vga->vbe.data_low = (uint8_t)value;
    else if (size == 1)
        vbe_write(vga, vga->vbe.index, (uint16_t)(value << 8 | vga->vbe.data_low));
    else
        vbe_write(vga, vga->vbe.index, (uint16_t)value);
}

const RegionOps vbe_port_ops = {port_read, port_write, 1, 2};

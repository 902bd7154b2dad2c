/*
 * What the files of the VGA share: its state, and how the four planes lie in video memory.
 *
 * Layout. The same bytes are seen three ways: as four planes of 64 KiB (planar and text modes), through chain-4
 * as 64 KiB of pixels (mode 13h), and as one linear frame buffer (VBE). Byte o of the four planes is a group, 4 bytes next
 * to each other, plane 0 first. Chain-4 sends address a to plane a & 3 at offset a & ~3, so giving offset o the group
 * o rotated right by 2 (in 16 bits) makes chain-4 address a simply vram[a]: mode 13h is linear memory that the CPU can be
 * given directly, while every offset of every plane keeps a place of its own, as on the hardware.
 */
#pragma once

#include "hw/edid.h"
#include "hw/vga.h"

#include <string.h>

/* Register indexes (PS/2 Hardware Interface Technical Reference, Video Subsystem). */
enum {
    SEQ_CLOCKING = 1,
    SEQ_MAP_MASK = 2,
    SEQ_FONTS = 3,
    SEQ_MEMORY = 4,

    CRTC_HTOTAL = 0x00,
    CRTC_HDISPLAY = 0x01,
    CRTC_VTOTAL = 0x06,
    CRTC_OVERFLOW = 0x07,
    CRTC_PRESET_ROW = 0x08,
    CRTC_MAX_SCAN = 0x09,
    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_END = 0x0b,
    CRTC_START_HIGH = 0x0c,
    CRTC_START_LOW = 0x0d,
    CRTC_CURSOR_HIGH = 0x0e,
    CRTC_CURSOR_LOW = 0x0f,
    CRTC_VRETRACE_START = 0x10,
    CRTC_VRETRACE_END = 0x11,
    CRTC_VDISPLAY = 0x12,
    CRTC_OFFSET = 0x13,
    CRTC_UNDERLINE = 0x14,
    CRTC_MODE = 0x17,
    CRTC_LINE_COMPARE = 0x18,
    CRTC_COUNT = 0x19,
    CRTC_LATCH = 0x22,     /* read only: the latch of the plane selected for reading */
    CRTC_FLIP_FLOP = 0x24, /* read only: the attribute controller's */

    GFX_SET_RESET = 0,
    GFX_ENABLE_SET_RESET = 1,
    GFX_COLOUR_COMPARE = 2,
    GFX_ROTATE = 3,
    GFX_READ_MAP = 4,
    GFX_MODE = 5,
    GFX_MISC = 6,
    GFX_COLOUR_CARE = 7,
    GFX_BIT_MASK = 8,
    GFX_COUNT = 9,

    ATTR_MODE = 0x10,
    ATTR_OVERSCAN = 0x11,
    ATTR_PLANES = 0x12,
    ATTR_PANNING = 0x13,
    ATTR_COLOUR = 0x14,
    ATTR_COUNT = 0x15,
};

/* Bits of those registers. */
enum {
    MISC_COLOUR = 1 << 0, /* CRTC at 3Dx instead of 3Bx */
    MISC_RAM = 1 << 1,    /* the CPU may access video memory */

    SEQ_CLOCKING_8DOT = 1 << 0,
    SEQ_CLOCKING_HALF = 1 << 3, /* every dot lasts two dot clocks */
    SEQ_CLOCKING_OFF = 1 << 5,
    SEQ_MEMORY_SEQUENTIAL = 1 << 2, /* no odd/even on writes */
    SEQ_MEMORY_CHAIN4 = 1 << 3,

    MAX_SCAN_DOUBLE = 1 << 7,
    VRETRACE_PROTECT = 1 << 7,
    CURSOR_START_OFF = 1 << 5,
    UNDERLINE_COUNT4 = 1 << 5,
    UNDERLINE_DWORD = 1 << 6,
    CRTC_MODE_A13 = 1 << 0, /* 0: address bit 13 comes from row scan bit 0, as on the CGA */
    CRTC_MODE_A14 = 1 << 1,
    CRTC_MODE_VDOUBLE = 1 << 2,
    CRTC_MODE_COUNT2 = 1 << 3,
    CRTC_MODE_A15 = 1 << 5, /* word mode: bit 15 goes to bit 0 instead of bit 13 */
    CRTC_MODE_BYTE = 1 << 6,

    GFX_MODE_READ_COMPARE = 1 << 3,
    GFX_MODE_ODD_EVEN = 1 << 4,
    GFX_MODE_CGA = 1 << 5,
    GFX_MODE_256 = 1 << 6,
    GFX_MISC_GRAPHICS = 1 << 0,

    ATTR_INDEX_PAS = 1 << 5, /* palette address source: 0 blanks the screen */
    ATTR_MODE_LINE_GRAPHICS = 1 << 2,
    ATTR_MODE_BLINK = 1 << 3,
    ATTR_MODE_PAN_SPLIT = 1 << 5, /* no panning below the line compare */
    ATTR_MODE_8BIT = 1 << 6,
    ATTR_MODE_P54 = 1 << 7, /* colour bits 5 and 4 from the colour select register */

    STATUS0_SENSE = 1 << 4,
    STATUS1_DISABLED = 1 << 0, /* not displaying: horizontal or vertical blanking */
    STATUS1_VRETRACE = 1 << 3,
};

/* VBE dispi registers (Bochs, "VBE Display API"). */
enum {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_MEMORY_64K,
    VBE_COUNT,
};

enum {
    VBE_ENABLED = 1 << 0,
    VBE_GETCAPS = 1 << 1,
    VBE_8BIT_DAC = 1 << 5,
    VBE_LFB_ENABLED = 1 << 6,
    VBE_NOCLEARMEM = 1 << 7,
};

typedef struct Vbe {
    uint16_t index;
    uint8_t data_low; /* of a word that arrives as two bytes */
    uint16_t reg[VBE_COUNT];
    uint32_t line_length; /* bytes of video memory from one line to the next; meaningful while enabled */
} Vbe;

/* Where the beam is, in dot clocks. Derived from the CRTC. */
typedef struct VgaTiming {
    bool valid;
    int64_t frame_ns;
    unsigned htotal, hdisplay, vtotal, vdisplay, vretrace_start, vretrace_end;
} VgaTiming;

/* One range of ports: region callbacks get offsets, the handlers want port numbers. */
typedef struct VgaPorts {
    Vga *vga;
    uint16_t base;
} VgaPorts;

struct Vga {
    Bus *mem;
    Clock *clock;
    Hva vram;
    uint32_t vram_size; /* power of two */

    uint8_t misc, feature;
    uint8_t seq_index, seq[8];
    uint8_t crtc_index, crtc[CRTC_COUNT];
    uint8_t gfx_index, gfx[GFX_COUNT];
    uint8_t attr_index, attr[ATTR_COUNT];
    bool attr_data;  /* flip-flop: the next write to 3C0 is data */
    uint32_t latch; /* plane p in bits 8p */

    uint8_t dac_mask, dac_read, dac_write, dac_state;
    uint8_t dac_component; /* 0..2: which of red, green, blue is next */
    uint8_t dac_latch[2];  /* red and green, until blue completes a write */
    uint8_t dac[256][3];

    Vbe vbe;
    VgaTiming timing;

    Region *direct; /* A0000..AFFFF as memory, when the mode makes it linear */
    Region *linear; /* BAR0; NULL without PCI */
    VgaPorts ports[5];
    Display display;
    uint8_t edid[EDID_SIZE];
};

/* The group (index of 4 bytes) that holds byte o of the planes; see the layout above. Offsets above 64 KiB: VBE, 4 bpp. */
static inline uint32_t vga_group(uint32_t o)
{
    return (o & ~0xffffu) | (o & 0xffff) >> 2 | (o & 3) << 14;
}

static inline uint32_t vga_load(const Vga *vga, uint32_t group)
{
    uint32_t planes;
    memcpy(&planes, vga->vram + (group * 4 & (vga->vram_size - 1)), 4);
    return planes;
}

static inline void vga_store(Vga *vga, uint32_t group, uint32_t planes)
{
    memcpy(vga->vram + (group * 4 & (vga->vram_size - 1)), &planes, 4);
}

static inline bool vbe_enabled(const Vga *vga)
{
    return vga->vbe.reg[VBE_ENABLE] & VBE_ENABLED;
}

/* VBE modes of 8 and more bits per pixel: memory is linear whatever the VGA registers say. */
static inline bool vbe_linear(const Vga *vga)
{
    return vbe_enabled(vga) && vga->vbe.reg[VBE_BPP] != 4;
}

/* Nothing is shown: by the palette address source bit, or (VGA modes) the sequencer's screen-off bit. */
static inline bool vga_blanked(const Vga *vga)
{
    return !(vga->attr_index & ATTR_INDEX_PAS) || (!vbe_enabled(vga) && (vga->seq[SEQ_CLOCKING] & SEQ_CLOCKING_OFF));
}

/* vga.c: the registers, by port number 3B0..3DF. Unassigned ports read as 0xff. */
uint8_t vga_port_read(Vga *vga, unsigned port);
void vga_port_write(Vga *vga, unsigned port, uint8_t value);

/* vgatiming.c: what input status 1 shows of the beam, and frames since the start of time (for blinking). */
uint8_t vga_beam_status(Vga *vga);
int64_t vga_frame(Vga *vga);
/* Nanoseconds until the number of frames is next a multiple of n. */
int64_t vga_frames_until(Vga *vga, int64_t n);

/* vgamem.c: the legacy memory window. vgamem_update() follows a change of any register that decides how it works. */
void vgamem_init(Vga *vga);
void vgamem_update(Vga *vga);
/* Ask to hear of the next write that goes to video memory directly; what is then called. */
void vgamem_watch(Vga *vga);
void vgamem_written(void *opaque);

/* vbe.c: dispi registers by index. */
void vbe_reset(Vga *vga);
uint16_t vbe_read(const Vga *vga, unsigned index);
void vbe_write(Vga *vga, unsigned index, uint16_t value);
extern const RegionOps vbe_port_ops; /* opaque: Vga; offset 0 is the index port 1CE */

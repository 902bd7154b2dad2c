/*
 * The VGA's registers: the general ones, sequencer, CRT controller, graphics controller, attribute controller and DAC.
 *
 * In the order of the PS/2 Hardware Interface Technical Reference, "Video Subsystem", which is the authority here. A
 * register holds what the guest wrote, less the bits that do not exist; what a register means is computed when needed, by
 * the files that need it.
 */
#include "config.h"

#include "hw/vgadraw.h"

#include <errno.h>
#include <sys/mman.h>

enum {
    VRAM_DEFAULT = 16 << 20,
    VRAM_MIN = 1 << 20,
    VRAM_MAX = 256 << 20,
    EDID_DEFAULT_XRES = 1024,
    EDID_DEFAULT_YRES = 768,
    XRES_MIN = 640,
    YRES_MIN = 480,
    SIZE_LIMIT = 4095,
    DAC_STATE_READ = 3,
};

/* The bits that exist. */
static const uint8_t seq_mask[8] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0};
static const uint8_t gfx_mask[GFX_COUNT] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
static const uint8_t attr_mask[ATTR_COUNT] = {
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};

static void seq_write(Vga *vga, uint8_t value)
{
    if (vga->seq_index >= G_N_ELEMENTS(vga->seq))
        return;
    vga->seq[vga->seq_index] = value & seq_mask[vga->seq_index];
    vga->timing.valid = false;
    vgamem_update(vga);
}

static void gfx_write(Vga *vga, uint8_t value)
{
    if (vga->gfx_index >= GFX_COUNT)
        return;
    vga->gfx[vga->gfx_index] = value & gfx_mask[vga->gfx_index];
    vgamem_update(vga);
}

static uint8_t crtc_read(const Vga *vga)
{
    switch (vga->crtc_index) {
    case CRTC_LATCH:
        return (uint8_t)(vga->latch >> 8 * vga->gfx[GFX_READ_MAP]);
    case CRTC_FLIP_FLOP:
        return (uint8_t)(vga->attr_data << 7 | (vga->attr_index & 0x3f));
    default:
        return vga->crtc_index < CRTC_COUNT ? vga->crtc[vga->crtc_index] : 0;
    }
}

static void crtc_write(Vga *vga, uint8_t value)
{
    unsigned i = vga->crtc_index;
    if (i >= CRTC_COUNT)
        return;
    if (i <= CRTC_OVERFLOW && (vga->crtc[CRTC_VRETRACE_END] & VRETRACE_PROTECT)) {
        /* Protected are 0 to 7, but for the line compare bit in 7. */
        if (i != CRTC_OVERFLOW)
            return;
        value = (uint8_t)((vga->crtc[i] & ~0x10) | (value & 0x10));
    }
    vga->crtc[i] = value;
    vga->timing.valid = false;
}

static void attr_write(Vga *vga, uint8_t value)
{
    if (!vga->attr_data)
        vga->attr_index = value & 0x3f;
    else if ((vga->attr_index & 0x1f) < ATTR_COUNT)
        vga->attr[vga->attr_index & 0x1f] = value & attr_mask[vga->attr_index & 0x1f];
    vga->attr_data = !vga->attr_data;
}

static uint8_t attr_read(const Vga *vga)
{
    unsigned i = vga->attr_index & 0x1f;
    return i < ATTR_COUNT ? vga->attr[i] : 0;
}

static uint8_t dac_read(Vga *vga)
{
    uint8_t value = vga->dac[vga->dac_read][vga->dac_component];
    if (++vga->dac_component == 3) {
        vga->dac_component = 0;
        vga->dac_read++;
    }
    return value;
}

/* Red and green wait for blue: the three go into the table at once. */
static void dac_write(Vga *vga, uint8_t value)
{
    if (!(vga->vbe.reg[VBE_ENABLE] & VBE_8BIT_DAC))
        value &= 0x3f;
    if (vga->dac_component < 2) {
        vga->dac_latch[vga->dac_component++] = value;
        return;
    }
    uint8_t *entry = vga->dac[vga->dac_write++];
    entry[0] = vga->dac_latch[0];
    entry[1] = vga->dac_latch[1];
    entry[2] = value;
    vga->dac_component = 0;
}

/* Do the CRTC and status registers answer at this port? They live at 3Bx or 3Dx. */
static bool selected(const Vga *vga, unsigned port)
{
    bool colour_port = (port & 0xff0) == 0x3d0, mono_port = (port & 0xff0) == 0x3b0;
    return !(colour_port || mono_port) || colour_port == !!(vga->misc & MISC_COLOUR);
}

uint8_t vga_port_read(Vga *vga, unsigned port)
{
    if (!selected(vga, port))
        return 0xff;

    switch (port) {
    case 0x3c0:
        return vga->attr_index;
    case 0x3c1:
        return attr_read(vga);
    case 0x3c2:
        return STATUS0_SENSE; /* input status 0: the DAC's comparator sees a colour monitor */
    case 0x3c3:
        return 1; /* the subsystem is enabled */
    case 0x3c4:
        return vga->seq_index;
    case 0x3c5:
        return vga->seq_index < G_N_ELEMENTS(vga->seq) ? vga->seq[vga->seq_index] : 0;
    case 0x3c6:
        return vga->dac_mask;
    case 0x3c7:
        return vga->dac_state;
    case 0x3c8:
        return vga->dac_write;
    case 0x3c9:
        return dac_read(vga);
    case 0x3ca:
        return vga->feature;
    case 0x3cc:
        return vga->misc;
    case 0x3ce:
        return vga->gfx_index;
    case 0x3cf:
        return vga->gfx_index < GFX_COUNT ? vga->gfx[vga->gfx_index] : 0;
    case 0x3b4:
    case 0x3d4:
        return vga->crtc_index;
    case 0x3b5:
    case 0x3d5:
        return crtc_read(vga);
    case 0x3ba:
    case 0x3da:
        vga->attr_data = false;
        return vga_beam_status(vga);
    default:
        return 0xff;
    }
}

void vga_port_write(Vga *vga, unsigned port, uint8_t value)
{
    if (!selected(vga, port))
        return;
    display_changed(&vga->display);

    switch (port) {
    case 0x3c0:
        attr_write(vga, value);
        break;
    case 0x3c2:
        vga->misc = value & 0xef;
        vga->timing.valid = false;
        vgamem_update(vga);
        break;
    case 0x3c4:
        vga->seq_index = value;
        break;
    case 0x3c5:
        seq_write(vga, value);
        break;
    case 0x3c6:
        vga->dac_mask = value;
        break;
    case 0x3c7:
        vga->dac_read = value;
        vga->dac_component = 0;
        vga->dac_state = DAC_STATE_READ;
        break;
    case 0x3c8:
        vga->dac_write = value;
        vga->dac_component = 0;
        vga->dac_state = 0;
        break;
    case 0x3c9:
        dac_write(vga, value);
        break;
    case 0x3ce:
        vga->gfx_index = value;
        break;
    case 0x3cf:
        gfx_write(vga, value);
        break;
    case 0x3b4:
    case 0x3d4:
        vga->crtc_index = value;
        break;
    case 0x3b5:
    case 0x3d5:
        crtc_write(vga, value);
        break;
    case 0x3ba:
    case 0x3da:
        vga->feature = value & 0x10;
        break;
    default:
        break;
    }
}

static uint64_t port_region_read(void *opaque, uint64_t offset, unsigned size)
{
    VgaPorts *ports = opaque;
    return vga_port_read(ports->vga, ports->base + (unsigned)offset);
}

static void port_region_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    VgaPorts *ports = opaque;
    vga_port_write(ports->vga, ports->base + (unsigned)offset, (uint8_t)value);
}

/* Byte registers: a word written to an index port reaches index and data, low byte first. */
static const RegionOps port_ops = {port_region_read, port_region_write, 1, 1};

void vga_reset(Vga *vga)
{
    vga->misc = vga->feature = 0;
    vga->seq_index = vga->crtc_index = vga->gfx_index = vga->attr_index = 0;
    vga->attr_data = false;
    memset(vga->seq, 0, sizeof(vga->seq));
    memset(vga->crtc, 0, sizeof(vga->crtc));
    memset(vga->gfx, 0, sizeof(vga->gfx));
    memset(vga->attr, 0, sizeof(vga->attr));
    memset(vga->dac, 0, sizeof(vga->dac));
    vga->dac_mask = 0xff;
    vga->dac_read = vga->dac_write = vga->dac_state = vga->dac_component = 0;
    vga->latch = 0;
    vga->timing.valid = false;
    vbe_reset(vga);
    vgamem_update(vga);
    display_changed(&vga->display);
}

static bool config_check(VgaConfig *config, GError **error)
{
    if (config->vram_size == 0)
        config->vram_size = VRAM_DEFAULT;
    if (config->xres == 0 && config->yres == 0) {
        config->xres = EDID_DEFAULT_XRES;
        config->yres = EDID_DEFAULT_YRES;
    }
    uint32_t size = config->vram_size;
    if (size < VRAM_MIN || size > VRAM_MAX || (size & (size - 1))) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "VGA: %u bytes of video memory; it must be a power of two from 1 to 256 MiB", size);
        return false;
    }
    if (config->xres < XRES_MIN || config->xres > SIZE_LIMIT || config->yres < YRES_MIN || config->yres > SIZE_LIMIT) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "VGA: preferred size %dx%d; it must be from %dx%d to %dx%d",
                    config->xres, config->yres, XRES_MIN, YRES_MIN, SIZE_LIMIT, SIZE_LIMIT);
        return false;
    }
    return true;
}

Vga *vga_new(Bus *mem, Bus *io, Clock *clock, const VgaConfig *config, GError **error)
{
    VgaConfig c = *config;
    if (!config_check(&c, error))
        return NULL;
    Hva vram = mmap(NULL, c.vram_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (vram == MAP_FAILED) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "VGA: %u bytes of video memory: %s", c.vram_size,
                    g_strerror(errno));
        return NULL;
    }

    Vga *vga = g_new0(Vga, 1);
    vga->mem = mem;
    vga->clock = clock;
    vga->vram = vram;
    vga->vram_size = c.vram_size;
    vga->display = (Display){.ops = &vga_display_ops, .opaque = vga};
    edid_make(vga->edid, c.xres, c.yres);

    static const struct {
        uint16_t base, count;
    } ranges[G_N_ELEMENTS(vga->ports)] = {{0x3b4, 2}, {0x3ba, 1}, {0x3c0, 16}, {0x3d4, 2}, {0x3da, 1}};
    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
        vga->ports[i] = (VgaPorts){vga, ranges[i].base};
        bus_add_io(io, "vga", ranges[i].base, ranges[i].count, &port_ops, &vga->ports[i], VGA_PRIORITY);
    }
    bus_add_io(io, "vbe", 0x1ce, 4, &vbe_port_ops, vga, VGA_PRIORITY);
    vgamem_init(vga);
    vga_reset(vga);
    return vga;
}

void vga_free(Vga *vga)
{
    if (!vga)
        return;
    munmap(vga->vram, vga->vram_size);
    g_free(vga);
}

Display *vga_display(Vga *vga)
{
    return &vga->display;
}

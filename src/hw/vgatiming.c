/*
 * Where the beam is: computed from virtual time when someone asks, by input status 1 or for blinking.
 *
 * The CRTC's totals and the dot clock give the length of a line and of a frame; the position in the frame is the time
 * modulo that. Registers that describe no displayable picture (between two writes of a mode set, or VBE modes, whose
 * timing the dispi interface doesn't tell) get a picture of 60 Hz instead, so that waiting for the retrace always ends.
 */
#include "config.h"

#include "hw/vgastate.h"

enum { FRAME_NS_MIN = MS(5), FRAME_NS_MAX = MS(100), FRAME_NS_60HZ = NS_PER_SEC / 60 };

static unsigned overflow_bits(const Vga *vga, unsigned low, unsigned bit8, unsigned bit9)
{
    uint8_t o = vga->crtc[CRTC_OVERFLOW];
    return vga->crtc[low] | (o >> bit8 & 1) << 8 | (o >> bit9 & 1) << 9;
}

/* A picture of the given size at 60 Hz, with blanking like that of VESA's timings. */
static void timing_standard(VgaTiming *t, unsigned width, unsigned height)
{
    t->frame_ns = FRAME_NS_60HZ;
    t->hdisplay = width;
    t->htotal = width + width / 4 + 1;
    t->vdisplay = height;
    t->vretrace_start = height + 3;
    t->vretrace_end = height + 9;
    t->vtotal = height + height / 20 + 15;
}

static void timing_update(Vga *vga)
{
    VgaTiming *t = &vga->timing;
    t->valid = true;
    if (vbe_enabled(vga)) {
        timing_standard(t, vga->vbe.reg[VBE_XRES], vga->vbe.reg[VBE_YRES]);
        return;
    }

    const uint8_t *crtc = vga->crtc;
    unsigned dots = vga->seq[SEQ_CLOCKING] & SEQ_CLOCKING_8DOT ? 8 : 9;
    if (vga->seq[SEQ_CLOCKING] & SEQ_CLOCKING_HALF)
        dots *= 2;
    unsigned vscale = crtc[CRTC_MODE] & CRTC_MODE_VDOUBLE ? 2 : 1;
    t->htotal = (crtc[CRTC_HTOTAL] + 5) * dots;
    t->hdisplay = (crtc[CRTC_HDISPLAY] + 1) * dots;
    t->vtotal = (overflow_bits(vga, CRTC_VTOTAL, 0, 5) + 2) * vscale;
    t->vdisplay = (overflow_bits(vga, CRTC_VDISPLAY, 1, 6) + 1) * vscale;
    unsigned start = overflow_bits(vga, CRTC_VRETRACE_START, 2, 7);
    /* The end register has the low 4 bits of the line on which retrace ends. */
    unsigned lines = (crtc[CRTC_VRETRACE_END] - start) & 0xf;
    t->vretrace_start = start * vscale;
    t->vretrace_end = (start + (lines ? lines : 16)) * vscale;

    int64_t clock_hz = (vga->misc >> 2 & 3) == 1 ? 28322000 : 25175000;
    t->frame_ns = (int64_t)t->htotal * t->vtotal * NS_PER_SEC / clock_hz;
    if (t->frame_ns < FRAME_NS_MIN || t->frame_ns > FRAME_NS_MAX || t->hdisplay >= t->htotal ||
        t->vdisplay >= t->vtotal || t->vretrace_start < t->vdisplay || t->vretrace_end > t->vtotal)
        timing_standard(t, 640, 480);
}

uint8_t vga_beam_status(Vga *vga)
{
    VgaTiming *t = &vga->timing;
    if (!t->valid)
        timing_update(vga);
    int64_t in_frame = clock_now(vga->clock) % t->frame_ns;
    uint64_t dot = (uint64_t)in_frame * t->htotal * t->vtotal / (uint64_t)t->frame_ns;
    unsigned line = (unsigned)(dot / t->htotal), x = (unsigned)(dot % t->htotal);

    uint8_t status = 0;
    if (line >= t->vdisplay || x >= t->hdisplay)
        status |= STATUS1_DISABLED;
    if (line >= t->vretrace_start && line < t->vretrace_end)
        status |= STATUS1_VRETRACE;
    return status;
}

int64_t vga_frame(Vga *vga)
{
    if (!vga->timing.valid)
        timing_update(vga);
    return clock_now(vga->clock) / vga->timing.frame_ns;
}

int64_t vga_frames_until(Vga *vga, int64_t n)
{
    int64_t next = (vga_frame(vga) / n + 1) * n * vga->timing.frame_ns;
    return MAX(next - clock_now(vga->clock), 1);
}

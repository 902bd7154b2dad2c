/*
 * Physical memory above 1 MiB, in frames of 4 KiB. A frame counts its references, since fork shares; free ones are a
 * list whose links are in the frames themselves. Frames below 1 MiB (BIOS, video memory, this kernel) are not counted.
 */
#include "kernel/kernel.h"

#define FIRST_FRAME 0x100000u
#define LAST_FRAME (DIRECT_MAP_MIB * 1024 * 1024u)

static uint16_t references[LAST_FRAME / PAGE_BYTES];
static uint32_t first_free;

void frames_init(uint32_t memory_kib)
{
    uint32_t end = memory_kib < LAST_FRAME / 1024 ? memory_kib * 1024 : LAST_FRAME;
    for (uint32_t frame = end & -PAGE_BYTES; (frame -= PAGE_BYTES) >= FIRST_FRAME;) {
        *(uint32_t *)frame_pointer(frame) = first_free;
        first_free = frame;
        counters.frames++;
    }
    counters.free_frames = counters.frames;
}

uint32_t frame_new(void)
{
    uint32_t frame = first_free;
    if (frame) {
        first_free = *(uint32_t *)frame_pointer(frame);
        references[frame / PAGE_BYTES] = 1;
        counters.free_frames--;
        memset(frame_pointer(frame), 0, PAGE_BYTES);
    }
    return frame;
}

void frame_share(uint32_t frame)
{
    if (frame >= FIRST_FRAME)
        references[frame / PAGE_BYTES]++;
}

void frame_release(uint32_t frame)
{
    if (frame < FIRST_FRAME || --references[frame / PAGE_BYTES])
        return;
    *(uint32_t *)frame_pointer(frame) = first_free;
    first_free = frame;
    counters.free_frames++;
}

unsigned frame_references(uint32_t frame)
{
    return references[frame / PAGE_BYTES];
}

/* fw_cfg, by its DMA interface where there is one (QEMU docs/specs/fw_cfg). */
#include "bios/p32/p32.h"

#define FW_CFG_PORT_SELECT 0x510
#define FW_CFG_PORT_DATA   0x511
#define FW_CFG_PORT_DMA    0x514

#define FW_CFG_SIGNATURE 0x00
#define FW_CFG_ID        0x01
#define FW_CFG_FILE_DIR  0x19

#define FW_CFG_ID_DMA 2
#define FW_CFG_DMA_ERROR  1u
#define FW_CFG_DMA_READ   2u
#define FW_CFG_DMA_SELECT 8u
#define FW_CFG_DMA_SKIP   4u
#define FW_CFG_DMA_WRITE  16u

static bool present, has_dma;
static u32 files;

static u32 swap32(u32 v)
{
    return v << 24 | (v & 0xff00) << 8 | (v >> 8 & 0xff00) | v >> 24;
}

/* Returns false when the device reports an error. */
static bool dma(u32 control, void *buffer, u32 bytes)
{
    volatile struct {
        u32 control, length, address_high, address_low;
    } access;

    access.control = swap32(control);
    access.length = swap32(bytes);
    access.address_high = 0;
    access.address_low = swap32((u32)buffer);
    outl(FW_CFG_PORT_DMA + 4, swap32((u32)&access));
    while (swap32(access.control) & ~FW_CFG_DMA_ERROR) {
    }
    return !access.control;
}

static void read_more(void *buffer, u32 bytes)
{
    if (has_dma) {
        dma(FW_CFG_DMA_READ, buffer, bytes);
    } else {
        asm volatile("rep insb" : "+D"(buffer), "+c"(bytes) : "d"(FW_CFG_PORT_DATA) : "memory");
    }
}

void fwcfg_read(u16 select, void *buffer, u32 bytes)
{
    outw(FW_CFG_PORT_SELECT, select);
    read_more(buffer, bytes);
}

u32 fwcfg_read32(u16 select)
{
    u32 value = 0;

    if (present) {
        fwcfg_read(select, &value, 4);
    }
    return value;
}

bool fwcfg_init(void)
{
    u32 id;

    fwcfg_read(FW_CFG_SIGNATURE, &id, 4);
    if (memcmp(&id, "QEMU", 4)) {
        return false;
    }
    fwcfg_read(FW_CFG_ID, &id, 4);
    present = true;
    has_dma = id & FW_CFG_ID_DMA;
    fwcfg_read(FW_CFG_FILE_DIR, &files, 4);
    files = swap32(files);
    return true;
}

static void next_file(FwFile *f)
{
    struct PACKED {
        u32 size;
        u16 select, reserved;
        char name[56];
    } entry;

    read_more(&entry, sizeof entry);
    f->size = swap32(entry.size);
    f->select = (u16)(entry.select << 8 | entry.select >> 8);
    memcpy(f->name, entry.name, sizeof entry.name);
    f->name[sizeof f->name - 1] = 0;
}

bool fwcfg_find(const char *name, FwFile *out)
{
    u32 count;

    if (!present) {
        return false;
    }
    fwcfg_read(FW_CFG_FILE_DIR, &count, 4);
    for (u32 i = 0; i < files; i++) {
        next_file(out);
        if (text_equal(out->name, name)) {
            return true;
        }
    }
    return false;
}

bool fwcfg_find_prefix(const char *prefix, u32 nth, FwFile *out)
{
    u32 count;

    if (!present) {
        return false;
    }
    fwcfg_read(FW_CFG_FILE_DIR, &count, 4);
    for (u32 i = 0; i < files; i++) {
        next_file(out);
        if (text_starts(out->name, prefix) && !nth--) {
            return true;
        }
    }
    return false;
}

bool fwcfg_write(u16 select, u32 offset, const void *data, u32 bytes)
{
    return has_dma && dma((u32)select << 16 | FW_CFG_DMA_SELECT | FW_CFG_DMA_SKIP, NULL, offset) &&
           dma(FW_CFG_DMA_WRITE, (void *)data, bytes);
}

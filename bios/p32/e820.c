/* Memory: how much there is, what of it POST keeps, and the map INT 15h/E820 shows. */
#include "bios/p32/p32.h"

static u32 high_bottom;         /* POST's own allocations grow down from the top of RAM below 4 GiB */
static u32 high_ram_top;
static u8 fseg[0x2000] __attribute__((aligned(64)));
static u32 fseg_used;
static u32 pool_used;

u32 high_alloc_bottom(void)
{
    return high_bottom;
}

u32 alloc_zone(u32 bytes, u32 align, int zone)
{
    if (align < 16) {
        align = 16;
    }
    if (zone == ZONE_FSEG) {
        u32 start = ((u32)fseg + fseg_used + align - 1) & -align;

        if (start + bytes > (u32)fseg + sizeof fseg) {
            return 0;
        }
        fseg_used = start + bytes - (u32)fseg;
        return start;
    }
    if (bytes > high_bottom - 0x200000) {
        return 0;
    }
    high_bottom = (high_bottom - bytes) & -align;
    return high_bottom;
}

u32 alloc_pool(u32 bytes)
{
    u32 start = BIOS_LINEAR + POOL_OFFSET + pool_used;

    bytes = (bytes + 15) & -16u;
    if (pool_used + bytes > POOL_END - POOL_OFFSET) {
        return 0;
    }
    pool_used += bytes;
    return start;
}

/* CMOS 34h-35h counts 64 KiB units above 16 MiB, 30h-31h KiB above 1 MiB, 5Bh-5Dh 64 KiB units above 4 GiB. */
void e820_find_ram(void)
{
    u32 above_16m = (cmos_read(0x34) | cmos_read(0x35) << 8) << 16;
    u32 above_1m = (cmos_read(0x30) | cmos_read(0x31) << 8) << 10;

    SHARED->low_ram = above_16m ? above_16m + 0x1000000 : above_1m + 0x100000;
    SHARED->high_ram_64k = cmos_read(0x5b) | cmos_read(0x5c) << 8 | cmos_read(0x5d) << 16;
    high_ram_top = high_bottom = SHARED->low_ram & ~0xfffu;
}

static void add(u64 base, u64 end, u32 type)
{
    E820Entry *e;
    u32 at;

    if (base >= end || SHARED->e820_count == E820_MAX) {
        return;
    }
    for (at = SHARED->e820_count; at && SHARED->e820[at - 1].base > base; at--) {
        SHARED->e820[at] = SHARED->e820[at - 1];
    }
    e = &SHARED->e820[at];
    e->base = base;
    e->length = end - base;
    e->type = type;
    SHARED->e820_count++;
}

void e820_build(void)
{
    FwFile file;
    u32 bottom = high_bottom & ~0xfffu;

    add(0, EBDA_SEG << 4, E820_RAM);
    add(EBDA_SEG << 4, 0xa0000, E820_RESERVED);
    add(POST32_LINEAR, 0x100000, E820_RESERVED);
    add(0x100000, bottom, E820_RAM);
    add(bottom, high_ram_top, E820_RESERVED);
    add(0xfffc0000u, 0x100000000ull, E820_RESERVED);
    add(0x100000000ull, 0x100000000ull + ((u64)SHARED->high_ram_64k << 16), E820_RAM);
    /* fw_cfg knows of holes that CMOS cannot tell; its RAM entries repeat CMOS. */
    if (fwcfg_find("etc/e820", &file)) {
        static E820Entry entries[E820_MAX];
        u32 n = file.size / sizeof(E820Entry);

        n = n < E820_MAX ? n : E820_MAX;
        fwcfg_read(file.select, entries, n * sizeof(E820Entry));
        for (u32 i = 0; i < n; i++) {
            if (entries[i].type != E820_RAM) {
                add(entries[i].base, entries[i].base + entries[i].length, entries[i].type);
            }
        }
    }
}

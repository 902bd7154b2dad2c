/* SMBIOS: fw_cfg delivers the entry point and the structures; they need an address and checksums (DSP0134 5.2). */
#include "bios/p32/p32.h"

void smbios_init(void)
{
    FwFile anchor, tables;
    u32 entry, at;
    u8 *e;

    if (!fwcfg_find("etc/smbios/smbios-anchor", &anchor) || anchor.size > 64 || anchor.size < 24) {
        return;
    }
    if (!fwcfg_find("etc/smbios/smbios-tables", &tables)) {
        return;
    }
    entry = alloc_pool(anchor.size);
    at = alloc_zone(tables.size, 16, ZONE_HIGH);
    if (!entry || !at) {
        return;
    }
    fwcfg_read(tables.select, (void *)at, tables.size);
    e = (u8 *)entry;
    fwcfg_read(anchor.select, e, anchor.size);
    if (!memcmp(e, "_SM3_", 5)) {
        *(u64 *)(e + 0x10) = at;
        e[5] -= checksum(e, e[6]);
    } else {
        *(u32 *)(e + 0x18) = at;
        e[0x15] -= checksum(e + 0x10, 0x0f);
        e[4] -= checksum(e, e[5]);
    }
}

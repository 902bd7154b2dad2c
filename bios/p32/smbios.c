/* SMBIOS: fw_cfg delivers the entry point and the structures; they need an address and checksums (DSP0134 5.2), and
 * where it is missing the structure about the BIOS itself (type 0, DSP0134 7.1). */
#include "bios/p32/p32.h"

static const struct PACKED {
    u8 type, length;
    u16 handle;
    u8 vendor, version;
    u16 segment;
    u8 date, size;
    u32 can[2];
    u8 extended[2], major, minor, ec_major, ec_minor;
    char strings[sizeof "x86vm" + sizeof BIOS_VERSION + sizeof BIOS_DATE_LONG + 1];
} bios_information = {
    .type = 0, .length = 24, .handle = 0, .vendor = 1, .version = 2, .segment = 0xe000, .date = 3, .size = 1,
    .can = { 0x0001c890, 0 },   /* PCI, APM, shadowing, CD boot, selectable boot, EDD */
    .extended = { 1, 0 },       /* ACPI */
    .major = 0, .minor = 1, .ec_major = 0xff, .ec_minor = 0xff,
    .strings = "x86vm\0" BIOS_VERSION "\0" BIOS_DATE_LONG "\0",
};

static bool has_type0(const u8 *p, u32 bytes)
{
    const u8 *end = p + bytes;

    while (p + 4 <= end && p[1] >= 4) {
        if (p[0] == 0) {
            return true;
        }
        for (p += p[1]; p + 2 <= end && (p[0] || p[1]); p++) {
        }
        p += 2;
    }
    return false;
}

void smbios_init(void)
{
    FwFile anchor, tables;
    u32 entry, at, bytes, more = sizeof bios_information;
    u8 *e;

    if (!fwcfg_find("etc/smbios/smbios-anchor", &anchor) || anchor.size > 64 || anchor.size < 24) {
        return;
    }
    if (!fwcfg_find("etc/smbios/smbios-tables", &tables)) {
        return;
    }
    entry = alloc_pool(anchor.size);
    at = alloc_zone(tables.size + more, 16, ZONE_HIGH);
    if (!entry || !at) {
        return;
    }
    fwcfg_read(tables.select, (void *)(at + more), tables.size);
    if (has_type0((u8 *)at + more, tables.size)) {
        at += more;
        more = 0;
    } else {
        memcpy((void *)at, &bios_information, more);
    }
    bytes = tables.size + more;
    e = (u8 *)entry;
    fwcfg_read(anchor.select, e, anchor.size);
    if (!memcmp(e, "_SM3_", 5)) {
        *(u32 *)(e + 0x0c) = bytes;
        *(u64 *)(e + 0x10) = at;
        e[5] = 0;
        e[5] -= checksum(e, e[6]);
    } else {
        if (more && *(u16 *)(e + 8) < more) {
            *(u16 *)(e + 8) = more;
        }
        *(u16 *)(e + 0x16) = bytes;
        *(u32 *)(e + 0x18) = at;
        *(u16 *)(e + 0x1c) += more != 0;
        e[0x15] = 0;
        e[0x15] -= checksum(e + 0x10, 0x0f);
        e[4] = 0;
        e[4] -= checksum(e, e[5]);
    }
}

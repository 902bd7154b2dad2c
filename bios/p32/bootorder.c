/* The boot order: fw_cfg's bootorder where given, then CMOS 3Dh and 38h as -boot fills them. Also the serial console's
 * port. */
#include "bios/p32/p32.h"

static void add(u8 kind, u8 unit)
{
    if (kind != BOOT_NONE && SHARED->boots < BOOT_MAX) {
        SHARED->boot[SHARED->boots++] = (BootEntry){ kind, unit };
    }
}

static u8 hex_digit(const char *s)
{
    return *s >= '0' && *s <= '9' ? *s - '0' : BOOT_ANY_UNIT;
}

/* One Open Firmware device path, such as /pci@i0cf8/ide@1,1/drive@0/disk@1. */
static void add_path(const char *path)
{
    const char *drive, *disk, *floppy;

    floppy = text_find(path, "/floppy@");
    drive = text_find(path, "/drive@");
    if (floppy) {
        add(BOOT_FLOPPY, hex_digit(floppy));
    } else if (drive && text_find(path, "/ide@")) {
        disk = text_find(path, "/disk@");
        if (disk) {
            /* BOOT_DISK finds out itself whether the unit is a disk or a CD */
            add(BOOT_DISK, hex_digit(drive) * 2 + hex_digit(disk));
        }
    } else if (text_find(path, "ethernet@")) {
        add(BOOT_NETWORK, BOOT_ANY_UNIT);
    }
}

void bootorder_init(void)
{
    FwFile file;
    u8 low = cmos_read(0x3d), high = cmos_read(0x38);
    u8 wanted[3] = { low & 15, low >> 4, high >> 4 };
    static char list[1024];

    if (fwcfg_find("bootorder", &file)) {
        u32 bytes = file.size < sizeof list ? file.size : sizeof list - 1, start = 0;

        fwcfg_read(file.select, list, bytes);
        list[bytes] = 0;
        for (u32 i = 0; i <= bytes; i++) {
            if (list[i] == '\n' || !list[i]) {
                list[i] = 0;
                add_path(list + start);
                start = i + 1;
            }
        }
    }
    for (int i = 0; i < 3; i++) {
        static const u8 kind[5] = { BOOT_NONE, BOOT_FLOPPY, BOOT_DISK, BOOT_CD, BOOT_NETWORK };

        add(wanted[i] < 5 ? kind[wanted[i]] : BOOT_NONE, BOOT_ANY_UNIT);
    }
    if (!SHARED->boots) {
        add(BOOT_DISK, BOOT_ANY_UNIT);
        add(BOOT_FLOPPY, BOOT_ANY_UNIT);
        add(BOOT_CD, BOOT_ANY_UNIT);
    }
    if (fwcfg_find("etc/sercon-port", &file)) {
        fwcfg_read(file.select, &SHARED->sercon_port, 2);
    }
}

/* INT 19h and 18h: go through the boot order; when nothing boots, say what was found and what to do. */
#include "bios/bios.h"

void int18(Regs *r);
void int19(Regs *r);

#define BOOT_SECTOR 0x7c00

void boot_banner(void)
{
    put_text(STR("x86vm BIOS " BIOS_VERSION "\n"));
}

/* INT 13h read of the first sector into 0:7C00, with retries for media changes. Returns INT 13h's status. */
static u8 read_boot_sector(u8 drive)
{
    Regs r;

    for (int tries = 0; tries < 4; tries++) {
        regs_clear(&r);
        r.dl = drive;
        if (tries) {
            r.ah = 0;
            call_int(0x13, &r);
            regs_clear(&r);
            r.dl = drive;
        }
        r.ax = 0x0201;
        r.cx = 1;
        r.bx = BOOT_SECTOR;
        call_int(0x13, &r);
        if (!(r.flags & FLAG_CF)) {
            return 0;
        }
        if (r.ah == 0x80 || r.ah == 0x31) {
            break;
        }
    }
    return r.ah ? r.ah : 0xff;
}

/* A sector of one repeated byte is no boot sector: blank, or as a format left it. */
static bool is_blank(void)
{
    u16 first = peek16(0, BOOT_SECTOR);

    for (u16 i = 2; i < 64; i += 2) {
        if (peek16(0, BOOT_SECTOR + i) != first) {
            return false;
        }
    }
    return true;
}

/* What keeps a device from being booted; NULL: nothing, and its boot program lies in memory. */
static Str floppy_lacks(u8 unit)
{
    u8 status;

    if (cmos_read(0x10) >> (unit ? 0 : 4) == 0 || (unit && !(cmos_read(0x10) & 15))) {
        return STR("not there");
    }
    status = read_boot_sector(unit);
    if (status == 0x80) {
        return STR("no disk in the drive");
    }
    if (status) {
        return STR("its first sector cannot be read");
    }
    return is_blank() ? STR("its first sector is blank") : NULL;
}

static Str disk_lacks(u8 index)
{
    if (read_boot_sector(0x80 + index)) {
        return STR("its first sector cannot be read");
    }
    if (peek16(0, BOOT_SECTOR + 510) != 0xaa55) {
        return is_blank() ? STR("it is blank (no 55AA signature)") : STR("its first sector has no 55AA signature");
    }
    return NULL;
}

/* A device's bit in EBDA_BOOT_TRIED */
#define TRIED_FLOPPY(unit) (1 << (unit))
#define TRIED_DISK(index) (4 << (index))
#define TRIED_CD(index) (0x40 << (index))

static void tried(u16 bit)
{
    ebda_set16(EBDA_BOOT_TRIED, ebda16(EBDA_BOOT_TRIED) | bit);
}

static void boot_floppy(u8 unit)
{
    if (floppy_lacks(unit)) {
        return;
    }
    tried(TRIED_FLOPPY(unit));
    put_text(STR("Booting from floppy\n"));
    jump_boot(BOOT_SECTOR, unit);
}

static void boot_disk(u8 index)
{
    if (disk_lacks(index)) {
        return;
    }
    tried(TRIED_DISK(index));
    put_text(STR("Booting from hard disk\n"));
    jump_boot(BOOT_SECTOR, 0x80 + index);
}

static void boot_cd(u8 index)
{
    u32 entry;
    u8 drive;

    if (cd_boot(index, &entry, &drive)) {
        return;
    }
    tried(TRIED_CD(index));
    put_text(STR("Booting from CD\n"));
    jump_boot(entry, drive);
}

static void boot_kernel(void)
{
    if (SHARED_FIELD(kernel) == KERNEL_LINUX) {
        call32(P32_SHADOW_UNLOCK, 0);
        call32(P32_LOAD_LINUX, 0);
        call32(P32_SHADOW_LOCK, 0);
        jump_linux(SHARED_FIELD(linux_segment), SHARED_FIELD(linux_sp));
    }
    call32(P32_SHADOW_UNLOCK, 0);
    call32(P32_BOOT_MULTIBOOT, 0);
}

/* Tries entry n of the order; returns when it does not boot. */
static void boot_entry(u8 n)
{
    u8 kind = SHARED_FIELD(boot[n].kind), unit = SHARED_FIELD(boot[n].unit);

    switch (kind) {
    case BOOT_FLOPPY:
        boot_floppy(unit == BOOT_ANY_UNIT ? 0 : unit);
        break;
    case BOOT_DISK:
        for (u8 i = 0; i < hd_count; i++) {
            if (unit == BOOT_ANY_UNIT || hd_unit[i] == unit) {
                boot_disk(i);
                break;
            }
        }
        if (unit == BOOT_ANY_UNIT) {
            break;
        }
        /* bootorder does not tell disks from CDs */
        /* fall through */
    case BOOT_CD:
        for (u8 i = 0; i < cd_count; i++) {
            if (unit == BOOT_ANY_UNIT || cd_unit[i] == unit) {
                boot_cd(i);
            }
        }
        break;
    case BOOT_NETWORK: {
        /* a network ROM hooks INT 18h or 19h itself, or offers a BEV in its PnP header (BBS 1.01, 3.3) */
        for (u32 i = 0; i < SHARED_FIELD(roms); i++) {
            u16 seg = SHARED_FIELD(rom_segment[i]), pnp = peek16(seg, 0x1a), bev;

            if (pnp && peek32(seg, pnp) == 0x506e5024 && (bev = peek16(seg, pnp + 0x1a))) {
                Regs r;

                put_text(STR("Booting from network\n"));
                regs_clear(&r);
                r.es = BIOS_SEG;
                call_far((u32)seg << 16 | bev, &r);
            }
        }
        break;
    }
    }
}

static void name_unit(Str what, u8 letter)
{
    put_text(STR("  "));
    put_text(what);
    put_char(letter);
}

static void reason(Str why, u16 bit)
{
    put_text(STR(": "));
    if (!why) {
        why = ebda16(EBDA_BOOT_TRIED) & bit ? STR("it was booted, and gave up (INT 18h)") : STR("bootable, but -boot leaves it out");
    }
    put_text(why);
    put_char('\n');
}

/* What each device lacks. */
static void explain(void)
{
    put_text(STR("\nNo bootable disk.\n"));
    for (u8 i = 0; i < 2; i++) {
        if (i ? cmos_read(0x10) & 15 : cmos_read(0x10) >> 4) {
            name_unit(STR("fd"), 'a' + i);
            reason(floppy_lacks(i), TRIED_FLOPPY(i));
        }
    }
    for (u8 i = 0; i < hd_count; i++) {
        DrivePtr d = &drives[hd_unit[i]];

        name_unit(STR("hd"), 'a' + d->unit);
        put_text(STR(" ("));
        put_uint((u32)(d->sectors >> 11));
        put_text(STR(" MiB)"));
        reason(disk_lacks(i), TRIED_DISK(i));
    }
    for (u8 i = 0; i < cd_count; i++) {
        u32 entry;
        u8 drive;
        Str why = cd_boot(i, &entry, &drive);

        name_unit(STR("hd"), 'a' + drives[cd_unit[i]].unit);
        put_text(STR(" (CD)"));
        reason(why, TRIED_CD(i));
    }
    if (!hd_count) {
        put_text(STR("There is no hard disk. Give an image with -hda, -cdrom or -fda, or a -kernel.\n"));
    } else {
        put_text(STR("Boot from another drive: -boot a (floppy), c (disk), d (CD); or give a -kernel.\n"));
    }
    put_text(STR("Ctrl-Alt-Del restarts.\n"));
}

static void boot_from(u8 n)
{
    /* a failed boot program's stack is no more ours than its data */
    ebda_set8(EBDA_STACK_BUSY, 0);
    irq_enable();
    for (; n < SHARED_FIELD(boots); n++) {
        ebda_set8(EBDA_BOOT_NEXT, n + 1);
        boot_entry(n);
    }
    explain();
    for (;;) {
        irq_wait();
    }
}

/* INT 18h: what was booted gives up; the next one's turn (BBS 1.01, 4.6). */
void int18(Regs *r)
{
    boot_from(ebda8(EBDA_BOOT_NEXT));
}

void int19(Regs *r)
{
    ebda_set16(EBDA_BOOT_TRIED, 0);
    if (SHARED_FIELD(kernel) != KERNEL_NONE) {
        boot_kernel();
    }
    boot_from(0);
}

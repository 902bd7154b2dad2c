/* CD drives: reading, and El Torito 1.0 booting with no emulation or as a floppy or hard disk (INT 13h/4Ah-4Dh).
 *
 * While an emulation runs its state is in the EBDA, EBDA_CD: the image takes drive 00h or 80h, and the real drives of
 * that kind move up by one. A CD booted without emulation is drive E0h. */
#include "bios/bios.h"

#define CD_DRIVE 0xe0
#define CD_BLOCK 2048

enum { MEDIA_NONE, MEDIA_120, MEDIA_144, MEDIA_288, MEDIA_HD };

/* EBDA_CD */
enum {
    C_ACTIVE = EBDA_CD, C_MEDIA, C_DRIVE, C_INDEX,
    C_LBA = EBDA_CD + 4,        /* u32: of the image, in CD blocks */
    C_SEGMENT = EBDA_CD + 8,    /* u16 */
    C_COUNT = EBDA_CD + 10,     /* u16: 512-byte sectors loaded */
    C_CYLINDERS = EBDA_CD + 12, /* u16 */
    C_HEADS = EBDA_CD + 14, C_SPT,
};

enum { S_OK = 0x00, S_BAD_COMMAND = 0x01, S_WRITE_PROTECTED = 0x03, S_NOT_FOUND = 0x04, S_NOT_READY = 0xaa,
       S_NO_MEDIA = 0x31, S_LOCKED = 0xb1 };

/* MMC commands */
#define CMD_READY 0x00
#define CMD_SENSE 0x03
#define CMD_START_STOP 0x1b
#define CMD_READ10 0x28

static u8 command(DrivePtr d, u8 code, u8 length)
{
    u8 packet[12];

    for (u32 i = 0; i < sizeof packet; i++) {
        packet[i] = 0;
    }
    packet[0] = code;
    packet[4] = length;
    return atapi_packet(d, packet, ebda_seg(), EBDA_SENSE, code == CMD_SENSE ? 14 : 0, 0);
}

/* READ(10), of which `bytes` from offset `skip` are wanted. */
static u8 read10(DrivePtr d, u32 lba, u32 blocks, u32 at, u32 bytes, u32 skip)
{
    u8 packet[12];

    for (u32 i = 0; i < sizeof packet; i++) {
        packet[i] = 0;
    }
    packet[0] = CMD_READ10;
    packet[2] = lba >> 24;
    packet[3] = lba >> 16;
    packet[4] = lba >> 8;
    packet[5] = lba;
    packet[7] = blocks >> 8;
    packet[8] = blocks;
    return atapi_packet(d, packet, at >> 4, at & 15, bytes, skip);
}

u8 cd_read(DrivePtr d, u32 lba, u32 blocks, u16 seg, u16 off)
{
    u32 at = ((u32)seg << 4) + off;

    while (blocks) {
        u32 n = blocks < 16 ? blocks : 16;
        u8 status = read10(d, lba, n, at, n * CD_BLOCK, 0);

        if (status) {
            return status;
        }
        lba += n;
        at += n * CD_BLOCK;
        blocks -= n;
    }
    return S_OK;
}

/* Reads 512-byte sectors of an image whose first CD block is base. */
static u8 read_sectors(DrivePtr d, u32 base, u32 sector, u32 count, u16 seg, u16 off)
{
    u32 at = ((u32)seg << 4) + off;

    while (count) {
        u32 skip = sector & 3, n = count < 60 ? count : 60;
        u8 status = read10(d, base + (sector >> 2), (skip + n + 3) >> 2, at, n * 512, skip * 512);

        if (status) {
            return status;
        }
        sector += n;
        at += n * 512;
        count -= n;
    }
    return S_OK;
}

/* TEST UNIT READY until it is; the first answers after a change are unit attentions. */
u8 cd_ready(DrivePtr d, u32 ms)
{
    u8 status = S_NOT_READY;
    Deadline dl;

    deadline_start(&dl, ms);
    for (int n = 0; n < 5 || !deadline_passed(&dl); n++) {
        status = command(d, CMD_READY, 0);
        if (!status) {
            return S_OK;
        }
        if (command(d, CMD_SENSE, 18)) {
            return status;
        }
        if ((ebda8(EBDA_SENSE + 2) & 15) == 2 && ebda8(EBDA_SENSE + 12) == 0x3a) {
            return S_NO_MEDIA;
        }
    }
    return status;
}

/* The boot catalog's default entry. Returns NULL and what to jump to, or why the CD does not boot. */
Str cd_boot(u8 index, u32 *entry, u8 *drive)
{
    DrivePtr d = &drives[cd_unit[index]];
    const u16 seg = 0x1000;             /* scratch, free before an operating system */
    u32 catalog, lba;
    u16 segment, count, load;
    u8 media, ready;

    ebda_set8(C_ACTIVE, 0);
    ready = cd_ready(d, 3000);
    if (ready) {
        return ready == S_NO_MEDIA ? STR("no disc in the drive") : STR("the drive is not ready");
    }
    if (cd_read(d, 17, 1, seg, 0)) {
        return STR("the disc cannot be read");
    }
    /* boot record volume descriptor: type 0, "CD001", 1, "EL TORITO SPECIFICATION" */
    if (peek32(seg, 0) != 0x30444300 || peek16(seg, 4) != 0x3130 || peek8(seg, 6) != 1 ||
        peek32(seg, 7) != 0x54204c45) {
        return STR("the disc has no El Torito boot record: it is a data disc");
    }
    catalog = peek32(seg, 0x47);
    if (cd_read(d, catalog, 1, seg, 0)) {
        return STR("its boot catalog cannot be read");
    }
    if (peek8(seg, 0) != 1 || peek16(seg, 30) != 0xaa55) {
        return STR("its boot catalog is damaged (no validation entry)");
    }
    if (peek8(seg, 1) != 0) {
        return STR("its boot catalog is for another kind of machine, not for a PC BIOS");
    }
    if (peek8(seg, 32) != 0x88) {
        return STR("its boot catalog says that it is not bootable");
    }
    media = peek8(seg, 33) & 15;
    segment = peek16(seg, 34);
    count = peek16(seg, 38);
    lba = peek32(seg, 40);
    load = segment ? segment : 0x7c0;
    if (media > MEDIA_HD) {
        return STR("its boot catalog names an unknown kind of emulation");
    }
    if (read_sectors(d, lba, 0, count ? count : 1, load, 0)) {
        return STR("its boot image cannot be read");
    }
    *drive = media == MEDIA_NONE ? CD_DRIVE : media == MEDIA_HD ? 0x80 : 0x00;
    ebda_set8(C_MEDIA, media);
    ebda_set8(C_DRIVE, *drive);
    ebda_set8(C_INDEX, index);
    ebda_set32(C_LBA, lba);
    ebda_set16(C_SEGMENT, load);
    ebda_set16(C_COUNT, count);
    if (media == MEDIA_HD) {            /* geometry as the image's first partition ends */
        ebda_set16(C_CYLINDERS, (peek8(load, 446 + 7) | (peek8(load, 446 + 6) & 0xc0) << 2) + 1);
        ebda_set8(C_HEADS, peek8(load, 446 + 5) + 1);
        ebda_set8(C_SPT, peek8(load, 446 + 6) & 0x3f);
        bda_set8(BDA_HD_COUNT, bda8(BDA_HD_COUNT) + 1);
    } else if (media != MEDIA_NONE) {
        u16 equipment = bda16(BDA_EQUIPMENT);

        ebda_set16(C_CYLINDERS, 80);
        ebda_set8(C_HEADS, 2);
        ebda_set8(C_SPT, media == MEDIA_120 ? 15 : media == MEDIA_144 ? 18 : 36);
        bda_set16(BDA_EQUIPMENT, equipment & 1 ? equipment | 0x40 : equipment | 1);
    }
    ebda_set8(C_ACTIVE, 1);
    *entry = (u32)load << 16;
    if (load == 0x7c0) {
        *entry = 0x7c00;
    }
    return NULL;
}

/* The specification packet of 4Ah-4Ch (El Torito figure 8). */
static void specification(Regs *r)
{
    u16 seg = r->ds, at = r->si;

    poke8(seg, at, 0x13);
    poke8(seg, at + 1, ebda8(C_MEDIA));
    poke8(seg, at + 2, ebda8(C_DRIVE));
    poke8(seg, at + 3, drives[cd_unit[ebda8(C_INDEX)]].unit >> 1);
    poke32(seg, at + 4, ebda32(C_LBA));
    poke16(seg, at + 8, drives[cd_unit[ebda8(C_INDEX)]].unit & 1);
    poke16(seg, at + 10, 0);
    poke16(seg, at + 12, ebda16(C_SEGMENT));
    poke16(seg, at + 14, ebda16(C_COUNT));
    poke8(seg, at + 16, ebda16(C_CYLINDERS) - 1);
    poke8(seg, at + 17, ebda8(C_SPT) | ((ebda16(C_CYLINDERS) - 1) >> 2 & 0xc0));
    poke8(seg, at + 18, ebda8(C_HEADS) - 1);
}

static void terminate(void)
{
    u8 media = ebda8(C_MEDIA);

    if (media == MEDIA_HD) {
        bda_set8(BDA_HD_COUNT, bda8(BDA_HD_COUNT) - 1);
    }
    ebda_set8(C_ACTIVE, 0);
}

static u8 emulated_read(Regs *r, bool verify)
{
    u16 cylinder = r->ch | (r->cl & 0xc0) << 2;
    u8 sector = r->cl & 0x3f, status;
    u32 lba;

    if (!r->al || !sector || sector > ebda8(C_SPT) || r->dh >= ebda8(C_HEADS) || cylinder >= ebda16(C_CYLINDERS)) {
        r->al = 0;
        return S_BAD_COMMAND;
    }
    lba = ((u32)cylinder * ebda8(C_HEADS) + r->dh) * ebda8(C_SPT) + sector - 1;
    if (verify) {
        return S_OK;
    }
    irq_enable();
    status = read_sectors(&drives[cd_unit[ebda8(C_INDEX)]], ebda32(C_LBA), lba, r->al, r->es, r->bx);
    if (status) {
        r->al = 0;
    }
    return status;
}

static u8 emulated_extended(Regs *r, bool verify)
{
    u32 sector = peek32(r->ds, r->si + 8), count = peek16(r->ds, r->si + 2);
    u32 total = (u32)ebda16(C_CYLINDERS) * ebda8(C_HEADS) * ebda8(C_SPT);

    if (sector >= total || count > total - sector) {
        return S_NOT_FOUND;
    }
    irq_enable();
    return verify ? S_OK : read_sectors(&drives[cd_unit[ebda8(C_INDEX)]], ebda32(C_LBA), sector, count,
                                        peek16(r->ds, r->si + 6), peek16(r->ds, r->si + 4));
}

static u8 emulated(Regs *r)
{
    bool hd = ebda8(C_MEDIA) == MEDIA_HD;

    switch (r->ah) {
    case 0x00:
    case 0x05:
    case 0x09:
    case 0x0c:
    case 0x0d:
    case 0x10:
    case 0x11:
    case 0x14:
    case 0x16:
    case 0x47:
        return r->ah == 0x05 ? S_WRITE_PROTECTED : S_OK;
    case 0x01:
        r->al = bda8(BDA_HD_STATUS);
        return r->al;
    case 0x02:
        return emulated_read(r, false);
    case 0x04:
        return emulated_read(r, true);
    case 0x03:
    case 0x43:
        return S_WRITE_PROTECTED;
    case 0x08:
        r->al = 0;
        r->ch = ebda16(C_CYLINDERS) - 1;
        r->cl = ((ebda16(C_CYLINDERS) - 1) >> 2 & 0xc0) | ebda8(C_SPT);
        r->dh = ebda8(C_HEADS) - 1;
        r->dl = hd ? bda8(BDA_HD_COUNT) : floppy_drives() + 1;
        if (!hd) {
            r->bl = ebda8(C_MEDIA) * 2;         /* 1.2, 1.44, 2.88 MB: types 2, 4, 6 */
            r->es = BIOS_SEG;
            r->di = (u32)diskette_parameters;
        }
        return S_OK;
    case 0x15:
        r->ah = hd ? 3 : 1;
        regs_carry(r, false);
        return 0xff;
    case 0x41:
        if (!hd || r->bx != 0x55aa) {
            return S_BAD_COMMAND;
        }
        r->bx = 0xaa55;
        r->cx = 0x0001;
        r->ah = 0x30;
        regs_carry(r, false);
        return 0xff;
    case 0x42:
        return hd ? emulated_extended(r, false) : S_BAD_COMMAND;
    case 0x44:
        return hd ? emulated_extended(r, true) : S_BAD_COMMAND;
    }
    return S_BAD_COMMAND;
}

/* A CD as itself, drive E0h upwards: EDD with 2048-byte blocks. */
static u8 plain(Regs *r, DrivePtr d)
{
    u32 lba, count;

    switch (r->ah) {
    case 0x00:
    case 0x09:
    case 0x0c:
    case 0x0d:
    case 0x10:
    case 0x11:
    case 0x14:
    case 0x47:
        return S_OK;
    case 0x01:
        r->al = bda8(BDA_HD_STATUS);
        return r->al;
    case 0x03:
    case 0x05:
    case 0x43:
        return S_WRITE_PROTECTED;
    case 0x15:
        r->ah = 2;
        regs_carry(r, false);
        return 0xff;
    case 0x41:
        if (r->bx != 0x55aa) {
            return S_BAD_COMMAND;
        }
        r->bx = 0xaa55;
        r->cx = 0x0007;
        r->ah = 0x30;
        regs_carry(r, false);
        return 0xff;
    case 0x42:
    case 0x44:
        lba = peek32(r->ds, r->si + 8);
        count = peek16(r->ds, r->si + 2);
        if (peek32(r->ds, r->si + 12)) {
            return S_NOT_FOUND;
        }
        irq_enable();
        return r->ah == 0x44 ? S_OK : cd_read(d, lba, count, peek16(r->ds, r->si + 6), peek16(r->ds, r->si + 4));
    case 0x45:                          /* lock: AL 0 lock, 1 unlock, 2 status */
        if (r->al == 2) {
            r->al = 0;
        }
        return r->al > 2 ? S_BAD_COMMAND : S_OK;
    case 0x46:                          /* eject: LoEj */
        return command(d, CMD_START_STOP, 2) ? S_LOCKED : S_OK;
    case 0x48:
        cd_edd(r, d);
        return 0xff;
    case 0x49:                          /* changed? */
        return S_OK;
    case 0x4e:
        r->al = 0;
        return S_OK;
    }
    return S_BAD_COMMAND;
}

/* True when the call was for a CD or its emulation and has been answered. */
bool cd_int13(Regs *r)
{
    bool active = ebda8(C_ACTIVE);
    u8 drive = ebda8(C_DRIVE), status, n;

    if (r->ah >= 0x4a && r->ah <= 0x4d) {
        if (r->ah == 0x4b && active && (r->dl == drive || r->dl == 0x7f)) {
            specification(r);
            if (r->al == 0) {
                terminate();
            }
            int13_done(r, S_OK);
            return true;
        }
        if (r->ah == 0x4d && active) {  /* read the boot catalog: DS:SI, count at +1, buffer at +2, start at +6 */
            DrivePtr d = &drives[cd_unit[ebda8(C_INDEX)]];
            u32 catalog;
            u32 at = ((u32)ebda_seg() << 4) + EBDA_EDD;

            if (read10(d, 17, 1, at, 4, 0x44)) {
                int13_done(r, S_NOT_READY);
                return true;
            }
            catalog = ebda32(EBDA_EDD) >> 24;
            if (read10(d, 17, 1, at, 4, 0x48)) {
                int13_done(r, S_NOT_READY);
                return true;
            }
            catalog |= ebda32(EBDA_EDD) << 8;
            int13_done(r, read_sectors(d, catalog, peek16(r->ds, r->si + 6) * 4u, peek8(r->ds, r->si + 1) * 4u,
                                       peek16(r->ds, r->si + 4), peek16(r->ds, r->si + 2)));
            return true;
        }
        int13_done(r, S_BAD_COMMAND);
        return true;
    }
    if (active && ebda8(C_MEDIA) != MEDIA_NONE && r->dl == drive) {
        status = emulated(r);
    } else if (r->dl >= CD_DRIVE && (n = r->dl - CD_DRIVE) < cd_count) {
        if (active && ebda8(C_MEDIA) == MEDIA_NONE) {
            n = n == 0 ? ebda8(C_INDEX) : n <= ebda8(C_INDEX) ? n - 1 : n;
        }
        status = plain(r, &drives[cd_unit[n]]);
    } else if (active && ebda8(C_MEDIA) != MEDIA_NONE && (r->dl & 0x80) == drive && r->dl > drive) {
        /* the real drives of this kind are one higher now */
        u8 dl = r->dl;

        r->dl--;
        if (drive) {
            disk_int13(r);
        } else {
            floppy_int13(r);
        }
        if (r->ah != 0x08 && r->dl == dl - 1) {
            r->dl = dl;
        }
        return true;
    } else {
        return false;
    }
    if (status != 0xff) {
        bda_set8(BDA_HD_STATUS, status);
        int13_done(r, status);
    }
    return true;
}

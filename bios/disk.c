/* INT 13h: dispatch, and hard disks by CHS and by EDD 3.0 (RB INT 13). */
#include "bios/bios.h"

enum { S_OK = 0x00, S_BAD_COMMAND = 0x01, S_NOT_FOUND = 0x04, S_NOT_READY = 0xaa };

void int13(Regs *r);
void int40(Regs *r);

void int13_done(Regs *r, u8 status)
{
    r->ah = status;
    regs_carry(r, status != 0);
}

/* The logical geometry: CMOS 39h-3Ah tell for each disk how the board's owner wants it (0 none, 1 LBA, 2 large,
 * 3 revised); a disk of more than 1024 cylinders can't go without. */
static void choose_geometry(Drive GSEG *d)
{
    u8 how = cmos_read(0x39 + (d->unit >> 1)) >> (d->unit & 1) * 2 & 3;
    u32 cylinders = d->cylinders, heads = d->heads ? d->heads : 16, spt = d->spt ? d->spt : 63;

    if (how == 0 && cylinders > 1024) {
        how = 1;
    }
    if (how == 1) {
        u32 sectors = d->sectors > 0xffffffffu ? 0xffffffffu : (u32)d->sectors;
        u32 per_head = sectors / (63 * 1024);

        spt = 63;
        heads = per_head > 128 ? 255 : per_head > 64 ? 128 : per_head > 32 ? 64 : per_head > 16 ? 32 : 16;
        cylinders = sectors / (heads * 63);
    } else if (how >= 2) {
        if (how == 3 && heads == 16) {
            if (cylinders > 61439) {
                cylinders = 61439;
            }
            heads = 15;
            cylinders = cylinders * 16 / 15;
        }
        while (cylinders > 1024 && heads < 128) {
            cylinders >>= 1;
            heads <<= 1;
        }
    }
    d->log_cylinders = cylinders > 1024 ? 1024 : cylinders;
    d->log_heads = heads;
    d->log_spt = spt;
}

/* Fixed disk parameter tables for INT 41h and 46h (RB table 03196). */
static void set_table(u8 n, DrivePtr d)
{
    u16 seg = ebda_seg(), at = n ? EBDA_FDPT1 : EBDA_FDPT0;
    u8 sum = 0;

    poke16(seg, at, d->log_cylinders);
    poke8(seg, at + 2, d->log_heads);
    poke16(seg, at + 5, 0xffff);
    poke8(seg, at + 8, d->log_heads > 8 ? 0xc8 : 0xc0);
    poke8(seg, at + 14, d->log_spt);
    if (d->log_cylinders != d->cylinders || d->log_heads != d->heads) {
        poke8(seg, at + 3, 0xa0);       /* translated: the physical geometry follows */
        poke8(seg, at + 4, d->spt);
        poke16(seg, at + 9, d->cylinders);
        poke8(seg, at + 11, d->heads);
        for (u8 i = 0; i < 15; i++) {
            sum += peek8(seg, at + i);
        }
        poke8(seg, at + 15, -sum);
    } else {
        poke16(seg, at + 12, d->log_cylinders);
    }
    poke32(0, (n ? 0x46 : 0x41) * 4, (u32)seg << 16 | at);
}

void disk_init_tables(void)
{
    for (u8 i = 0; i < hd_count; i++) {
        choose_geometry(&drives[hd_unit[i]]);
        if (i < 2) {
            set_table(i, &drives[hd_unit[i]]);
        }
    }
}

static u8 chs_transfer(Regs *r, DrivePtr d, int op)
{
    u16 cylinder = r->ch | (r->cl & 0xc0) << 2;
    u8 sector = r->cl & 0x3f, status;
    Transfer t;

    if (!r->al || r->al > 128 || !sector || sector > d->log_spt || r->dh >= d->log_heads ||
        cylinder >= d->log_cylinders) {
        r->al = 0;
        return S_BAD_COMMAND;
    }
    t.lba = ((u32)cylinder * d->log_heads + r->dh) * d->log_spt + sector - 1;
    t.count = r->al;
    t.seg = r->es;
    t.off = r->bx;
    if (t.lba + t.count > d->sectors) {
        r->al = 0;
        return S_NOT_FOUND;
    }
    irq_enable();
    status = ata_transfer(d, op, &t);
    r->al = t.count;
    return status;
}

/* 42h-44h, 47h: the disk address packet at DS:SI (RB table 00272). */
static u8 packet_transfer(Regs *r, DrivePtr d, int op)
{
    u16 seg = r->ds, at = r->si;
    u8 status;
    Transfer t;

    if (peek8(seg, at) < 0x10) {
        return S_BAD_COMMAND;
    }
    t.count = peek16(seg, at + 2);
    t.off = peek16(seg, at + 4);
    t.seg = peek16(seg, at + 6);
    t.lba = peek32(seg, at + 8) | (u64)peek32(seg, at + 12) << 32;
    if (t.seg == 0xffff && t.off == 0xffff) {
        return S_BAD_COMMAND;           /* a 64-bit flat address: EDD 3.0's, which 40:13 memory never needs */
    }
    if (t.lba >= d->sectors || t.count > d->sectors - t.lba) {
        poke16(seg, at + 2, 0);
        return S_NOT_FOUND;
    }
    irq_enable();
    status = ata_transfer(d, op, &t);
    poke16(seg, at + 2, t.count);
    return status;
}

/* 48h: drive parameters (RB table 00273); also for CDs. */
static u8 edd_parameters(Regs *r, DrivePtr d)
{
    u16 seg = r->ds, at = r->si, size = peek16(seg, at), ebda = ebda_seg();
    bool cd = d->kind == DRIVE_ATAPI;
    u8 sum = 0;

    if (size < 0x1a) {
        return S_BAD_COMMAND;
    }
    poke16(seg, at + 2, cd ? 0x74 : (d->cylinders <= 16383 ? 0x02 : 0));
    poke32(seg, at + 4, cd ? 0xffffffff : d->cylinders);
    poke32(seg, at + 8, cd ? 0xffffffff : d->heads);
    poke32(seg, at + 12, cd ? 0xffffffff : d->spt);
    poke32(seg, at + 16, cd ? 0xffffffff : (u32)d->sectors);
    poke32(seg, at + 20, cd ? 0xffffffff : (u32)(d->sectors >> 32));
    poke16(seg, at + 24, cd ? 2048 : 512);
    if (size < 0x1e) {
        poke16(seg, at, 0x1a);
        return S_OK;
    }
    poke16(seg, at, size < 0x42 ? 0x1e : 0x42);
    /* the device parameter table extension (RB table 00274) */
    poke16(ebda, EBDA_EDD, d->command);
    poke16(ebda, EBDA_EDD + 2, d->control);
    poke8(ebda, EBDA_EDD + 4, 0xe0 | (d->unit & 1) << 4);
    poke8(ebda, EBDA_EDD + 5, 0xcb);
    poke8(ebda, EBDA_EDD + 6, d->irq);
    poke8(ebda, EBDA_EDD + 7, 1);
    poke8(ebda, EBDA_EDD + 8, 0);
    poke8(ebda, EBDA_EDD + 9, 0);
    poke16(ebda, EBDA_EDD + 10, cd ? 0x70 : 0x10);
    poke16(ebda, EBDA_EDD + 12, 0);
    poke8(ebda, EBDA_EDD + 14, 0x11);
    for (u16 i = 0; i < 15; i++) {
        sum += peek8(ebda, EBDA_EDD + i);
    }
    poke8(ebda, EBDA_EDD + 15, -sum);
    poke32(seg, at + 26, (u32)ebda << 16 | EBDA_EDD);
    if (size < 0x42) {
        return S_OK;
    }
    /* the device path: PCI bus, device, function; ATA(PI) master or slave */
    for (u16 i = 0x1e; i < 0x42; i++) {
        poke8(seg, at + i, 0);
    }
    poke16(seg, at + 0x1e, 0xbedd);
    poke8(seg, at + 0x20, 0x24);
    poke32(seg, at + 0x28, 'A' | 'T' << 8 | 'A' << 16 | (cd ? 'P' : ' ') << 24);
    poke32(seg, at + 0x2c, 0x20202020 | (cd ? 'I' - ' ' : 0));
    if (SHARED_FIELD(ide_bdf) != 0xffff) {
        poke32(seg, at + 0x24, 'P' | 'C' << 8 | 'I' << 16 | ' ' << 24);
        poke8(seg, at + 0x31, SHARED_FIELD(ide_bdf) >> 3 & 31);
        poke8(seg, at + 0x32, SHARED_FIELD(ide_bdf) & 7);
    } else {
        poke32(seg, at + 0x24, 'I' | 'S' << 8 | 'A' << 16 | ' ' << 24);
        poke16(seg, at + 0x30, d->command);
    }
    poke8(seg, at + 0x38, d->unit & 1);
    sum = 0;
    for (u16 i = 0x1e; i < 0x41; i++) {
        sum += peek8(seg, at + i);
    }
    poke8(seg, at + 0x41, -sum);
    return S_OK;
}

void cd_edd(Regs *r, DrivePtr d)
{
    int13_done(r, edd_parameters(r, d));
}

static u8 disk_service(Regs *r, DrivePtr d)
{
    u32 sectors;

    switch (r->ah) {
    case 0x00:
    case 0x0d:                          /* reset */
        return ata_reset_channel(d);
    case 0x01:                          /* last status */
        r->al = bda8(BDA_HD_STATUS);
        return r->al;
    case 0x02:
        return chs_transfer(r, d, ATA_READ);
    case 0x03:
        return chs_transfer(r, d, ATA_WRITE);
    case 0x04:
        return chs_transfer(r, d, ATA_VERIFY);
    case 0x05:                          /* format track: nothing to do on such disks */
    case 0x09:                          /* initialise parameters */
    case 0x0c:                          /* seek */
    case 0x11:                          /* recalibrate */
    case 0x14:                          /* controller diagnostic */
    case 0x47:                          /* extended seek */
        return S_OK;
    case 0x08:                          /* geometry */
        r->al = 0;
        r->ch = d->log_cylinders - 1;
        r->cl = (d->log_cylinders - 1) >> 2 & 0xc0;
        r->cl |= d->log_spt;
        r->dh = d->log_heads - 1;
        r->dl = bda8(BDA_HD_COUNT);
        return S_OK;
    case 0x10:                          /* ready? */
        return inb(d->command + 7) & 0x80 ? S_NOT_READY : S_OK;
    case 0x15:                          /* type: hard disk, CX:DX sectors */
        sectors = (u32)d->log_cylinders * d->log_heads * d->log_spt;
        r->cx = sectors >> 16;
        r->dx = sectors;
        regs_carry(r, false);
        r->ah = 3;
        return 0xff;
    case 0x41:                          /* EDD installed: 3.0, packet access and enhanced drive functions */
        if (r->bx != 0x55aa) {
            return S_BAD_COMMAND;
        }
        r->bx = 0xaa55;
        r->cx = 0x0005;
        regs_carry(r, false);
        r->ah = 0x30;
        return 0xff;
    case 0x42:
        return packet_transfer(r, d, ATA_READ);
    case 0x43:
        return packet_transfer(r, d, ATA_WRITE);
    case 0x44:
        return packet_transfer(r, d, ATA_VERIFY);
    case 0x45:                          /* lock, eject: not removable */
    case 0x46:
    case 0x49:
        return S_BAD_COMMAND;
    case 0x48:
        return edd_parameters(r, d);
    case 0x4e:                          /* hardware configuration: modes are fixed, and already the best */
        if (r->al > 6) {
            return S_BAD_COMMAND;
        }
        r->al = 0;
        return S_OK;
    }
    return S_BAD_COMMAND;
}

void disk_int13(Regs *r)
{
    u8 n = r->dl - 0x80, status;

    if (n >= hd_count) {
        if (r->ah == 0x08) {
            r->cx = 0;
            r->dx = bda8(BDA_HD_COUNT);
        }
        int13_done(r, r->ah == 0x15 ? 0 : S_BAD_COMMAND);
        return;
    }
    status = disk_service(r, &drives[hd_unit[n]]);
    if (status != 0xff) {               /* 0xff: the service has set AH and CF itself */
        bda_set8(BDA_HD_STATUS, status);
        int13_done(r, status);
    }
}

void int13(Regs *r)
{
    if (cd_int13(r)) {
        return;
    }
    if (r->dl < 0x80) {
        floppy_int13(r);
    } else {
        disk_int13(r);
    }
}

/* INT 40h: floppies, for those who took INT 13h. */
void int40(Regs *r)
{
    if (r->dl < 0x80) {
        floppy_int13(r);
    } else {
        int13_done(r, S_BAD_COMMAND);
    }
}

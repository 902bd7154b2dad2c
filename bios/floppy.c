/* Floppy drives on an 82077AA, by DMA channel 2 (RB INT 13 with DL below 80h). */
#include "bios/bios.h"

#define FDC_DOR 0x3f2
#define FDC_MSR 0x3f4
#define FDC_DATA 0x3f5
#define FDC_DIR 0x3f7           /* read: disk changed in bit 7 */
#define FDC_CCR 0x3f7           /* write: data rate */
#define MSR_READY 0x80
#define MSR_TO_CPU 0x40
#define DOR_ON 0x0c             /* not reset, DMA and interrupt enabled */
#define DIR_CHANGED 0x80

#define CMD_SPECIFY 0x03
#define CMD_RECALIBRATE 0x07
#define CMD_SENSE 0x08
#define CMD_SEEK 0x0f
#define CMD_READ_ID 0x4a
#define CMD_READ 0xe6           /* multitrack, MFM, skip deleted */
#define CMD_WRITE 0xc5
#define CMD_FORMAT 0x4d

enum { S_OK = 0x00, S_BAD_COMMAND = 0x01, S_NO_MARK = 0x02, S_WRITE_PROTECTED = 0x03, S_NOT_FOUND = 0x04,
       S_CHANGED = 0x06, S_OVERRUN = 0x08, S_BOUNDARY = 0x09, S_MEDIA = 0x0c, S_CRC = 0x10, S_CONTROLLER = 0x20,
       S_SEEK = 0x40, S_TIMEOUT = 0x80 };

#define IRQ_SEEN 0x80           /* BDA 3Eh */
#define MEDIA_KNOWN 0x10        /* BDA 90h */
#define MOTOR_TICKS 37

/* Media, in the order in which a drive that can take them is asked: rate for CCR, sectors, tracks, gap. */
typedef struct PACKED Media {
    u8 rate, spt, tracks, gap, format_gap, state;
} Media;

ROM Media media[] = {
    { 0, 18, 80, 0x1b, 0x6c, 0x17 },    /* 0: 1.44 MB, 500 kb/s */
    { 2, 9, 80, 0x1b, 0x50, 0x97 },     /* 1: 720 KB, 250 kb/s */
    { 0, 15, 80, 0x1b, 0x54, 0x15 },    /* 2: 1.2 MB */
    { 3, 36, 80, 0x1b, 0x53, 0xd7 },    /* 3: 2.88 MB, 1 Mb/s */
    { 2, 9, 40, 0x2a, 0x50, 0x93 },     /* 4: 360 KB */
    { 1, 9, 40, 0x2a, 0x50, 0x74 },     /* 5: 360 KB in a 1.2 MB drive, 300 kb/s */
};
/* By CMOS type: what to try, ended by 0xff. */
ROM u8 tries[7][4] = {
    { 0xff }, { 4, 0xff }, { 2, 5, 0xff }, { 1, 0xff }, { 0, 1, 0xff }, { 3, 0, 1, 0xff }, { 3, 0, 1, 0xff },
};

void irq6_floppy(Regs *r);

/* RB INT 0E. */
void irq6_floppy(Regs *r)
{
    bda_set8(BDA_FD_RECALIBRATE, bda8(BDA_FD_RECALIBRATE) | IRQ_SEEN);
    pic_eoi(6);
}

/* CMOS 10h: drive types, 0 none, 1 360K, 2 1.2M, 3 720K, 4 1.44M, 5 and 6 2.88M. */
static u8 drive_type(u8 drive)
{
    u8 types = cmos_read(0x10), type = drive == 0 ? types >> 4 : drive == 1 ? types & 15 : 0;

    return type <= 6 ? type : 0;
}

u8 floppy_drives(void)
{
    return (drive_type(0) != 0) + (drive_type(1) != 0);
}

static bool send(u8 byte)
{
    for (u32 n = 0; n < 20000; n++) {
        if ((inb(FDC_MSR) & (MSR_READY | MSR_TO_CPU)) == MSR_READY) {
            outb(FDC_DATA, byte);
            return true;
        }
    }
    return false;
}

/* Result bytes go to BDA 42h. */
static bool receive(u8 bytes)
{
    for (u8 i = 0; i < bytes; i++) {
        u32 n;

        for (n = 0; n < 20000; n++) {
            if ((inb(FDC_MSR) & (MSR_READY | MSR_TO_CPU)) == (MSR_READY | MSR_TO_CPU)) {
                break;
            }
        }
        if (n == 20000) {
            return false;
        }
        bda_set8(BDA_FD_RESULT + i, inb(FDC_DATA));
    }
    return true;
}

static void irq_forget(void)
{
    bda_set8(BDA_FD_RECALIBRATE, bda8(BDA_FD_RECALIBRATE) & ~IRQ_SEEN);
}

/* Until IRQ 6; also seen when the caller has masked it, since the controller then has a result to give. */
static bool irq_arrives(u32 ms)
{
    Deadline d;

    deadline_start(&d, ms);
    irq_enable();
    do {
        for (int n = 0; n < 50; n++) {
            if (bda8(BDA_FD_RECALIBRATE) & IRQ_SEEN) {
                irq_forget();
                return true;
            }
        }
    } while (!deadline_passed(&d));
    return false;
}

static void motor_on(u8 drive)
{
    bda_set8(BDA_FD_COUNTDOWN, 0xff);
    bda_set8(BDA_FD_MOTOR, (bda8(BDA_FD_MOTOR) & 0xf0) | 1 << drive);
    outb(FDC_DOR, DOR_ON | 0x10 << drive | drive);
}

static void motor_later(void)
{
    bda_set8(BDA_FD_COUNTDOWN, MOTOR_TICKS);
}

static bool reset_controller(u8 drive)
{
    u8 motors = (bda8(BDA_FD_MOTOR) & 3) << 4;

    irq_forget();
    outb(FDC_DOR, (motors | drive) & ~0x04);
    delay_us(20);
    outb(FDC_DOR, DOR_ON | motors | drive);
    if (!irq_arrives(200)) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        if (!send(CMD_SENSE) || !receive(2)) {
            return false;
        }
    }
    bda_set8(BDA_FD_RECALIBRATE, bda8(BDA_FD_RECALIBRATE) & 0xf0);
    return send(CMD_SPECIFY) && send(0xaf) && send(0x02);
}

/* Seeks; the first seek after a reset is a recalibration. */
static u8 seek(u8 drive, u8 track)
{
    bool known = bda8(BDA_FD_RECALIBRATE) & (1 << drive);

    if (known && bda8(BDA_FD_TRACK + drive) == track) {
        return S_OK;
    }
    for (int step = known ? 1 : 0; step < 2; step++) {
        irq_forget();
        if (step == 0 ? !(send(CMD_RECALIBRATE) && send(drive)) : !(send(CMD_SEEK) && send(drive) && send(track))) {
            return S_CONTROLLER;
        }
        if (!irq_arrives(3000) || !send(CMD_SENSE) || !receive(2)) {
            return S_TIMEOUT;
        }
        if ((bda8(BDA_FD_RESULT) & 0xe0) != 0x20) {
            return S_SEEK;
        }
    }
    bda_set8(BDA_FD_RECALIBRATE, bda8(BDA_FD_RECALIBRATE) | 1 << drive);
    bda_set8(BDA_FD_TRACK + drive, track);
    return S_OK;
}

static u8 result_status(void)
{
    u8 st0 = bda8(BDA_FD_RESULT), st1 = bda8(BDA_FD_RESULT + 1), st2 = bda8(BDA_FD_RESULT + 2);

    if (!(st0 & 0xc0)) {
        return S_OK;
    }
    if (st1 & 0x02) {
        return S_WRITE_PROTECTED;
    }
    if ((st1 & 0x20) || (st2 & 0x20)) {
        return S_CRC;
    }
    if (st1 & 0x10) {
        return S_OVERRUN;
    }
    if (st1 & 0x01) {
        return S_NO_MARK;
    }
    if (st1 & 0x84) {
        return S_NOT_FOUND;
    }
    return S_CONTROLLER;
}

static bool read_id(u8 drive, u8 rate)
{
    outb(FDC_CCR, rate);
    irq_forget();
    return send(CMD_READ_ID) && send(drive) && irq_arrives(600) && receive(7) && !(bda8(BDA_FD_RESULT) & 0xc0);
}

/* Can the last sector of a track at this rate be found? A read ID succeeds on any media of the rate. */
static u8 find_media(u8 drive)
{
    const u8 GSEG *t = tries[drive_type(drive)];
    u8 status = seek(drive, 0);

    if (status) {
        return status;
    }
    for (; *t != 0xff; t++) {
        if (read_id(drive, media[*t].rate)) {
            bda_set8(BDA_FD_MEDIA + drive, media[*t].state);
            return S_OK;
        }
        if (!(inb(FDC_MSR) & MSR_READY) && !reset_controller(drive)) {
            return S_TIMEOUT;
        }
    }
    return inb(FDC_DIR) & DIR_CHANGED ? S_TIMEOUT : S_MEDIA;
}

static u8 media_rate(u8 drive)
{
    return bda8(BDA_FD_MEDIA + drive) >> 6;
}

/* Motor, change line, media: what every access needs first. */
static u8 prepare(u8 drive)
{
    u8 status;

    if (!drive_type(drive)) {
        return S_TIMEOUT;
    }
    irq_enable();
    motor_on(drive);
    if (inb(FDC_DIR) & DIR_CHANGED) {
        bool was_known = bda8(BDA_FD_MEDIA + drive) & MEDIA_KNOWN;

        bda_set8(BDA_FD_MEDIA + drive, 0);
        bda_set8(BDA_FD_RECALIBRATE, bda8(BDA_FD_RECALIBRATE) & ~(1 << drive));
        status = seek(drive, 1);        /* a step clears the line when there is a disk */
        if (!status) {
            status = seek(drive, 0);
        }
        if (inb(FDC_DIR) & DIR_CHANGED) {
            return S_TIMEOUT;
        }
        if (was_known) {
            return S_CHANGED;
        }
    }
    if (!(bda8(BDA_FD_MEDIA + drive) & MEDIA_KNOWN)) {
        status = find_media(drive);
        if (status) {
            return status;
        }
    }
    outb(FDC_CCR, media_rate(drive));
    return S_OK;
}

/* 8237 channel 2; the count never leaves a 64 KiB page. */
static bool dma_setup(u32 at, u32 bytes, u8 mode)
{
    if ((at & 0xffff) + bytes > 0x10000) {
        return false;
    }
    outb(0x0a, 0x06);
    outb(0x0c, 0);
    outb(0x0b, mode);
    outb(0x04, at);
    outb(0x04, at >> 8);
    outb(0x81, at >> 16);
    outb(0x0c, 0);
    outb(0x05, bytes - 1);
    outb(0x05, (bytes - 1) >> 8);
    outb(0x0a, 0x02);
    return true;
}

/* INT 1Eh's table: sector size code, last sector, gap, data length, format gap and fill byte. */
static u8 parameter(u8 n)
{
    u32 table = peek32(0, 0x1e * 4);

    return peek8(table >> 16, table + n);
}

/*
 * The track's last sector, where the controller goes on with the other head: INT 1Eh's table has it. Ours is made for the drive's largest disk, so
 * as long as it is ours the disk's own is better. A sector beyond, of a format that nobody told us of, is looked for all the same.
 */
static u8 end_of_track(u8 drive, u8 sector, u8 last)
{
    u8 end = parameter(4);

    if (peek32(0, 0x1e * 4) == (((u32)BIOS_SEG << 16) | (u16)(u32)diskette_parameters)) {
        for (const u8 GSEG *t = tries[drive_type(drive)]; *t != 0xff; t++) {
            if (media[*t].state == bda8(BDA_FD_MEDIA + drive)) {
                end = media[*t].spt;
            }
        }
    }
    return sector > end ? last : end;
}

static u8 transfer(Regs *r, bool write, bool verify)
{
    u8 drive = r->dl, track = r->ch, sector = r->cl, head = r->dh, status, count = r->al;
    u32 at = ((u32)r->es << 4) + r->bx, bytes = count * 512u;

    if (drive > 1 || !count || head > 1 || !sector) {
        r->al = 0;
        return S_BAD_COMMAND;
    }
    status = prepare(drive);
    if (!status && !verify && (at & 0xffff) + bytes > 0x10000) {
        status = S_BOUNDARY;
    }
    if (!status) {
        status = seek(drive, track);
    }
    if (status) {
        r->al = 0;
        motor_later();
        return status;
    }
    /* mode 42h: a verify transfer, the 8237 moves nothing */
    dma_setup(verify ? 0 : at, bytes, write ? 0x4a : verify ? 0x42 : 0x46);
    irq_forget();
    if (!(send(write ? CMD_WRITE : CMD_READ) && send(head << 2 | drive) && send(track) && send(head) && send(sector) &&
          send(parameter(3)) && send(end_of_track(drive, sector, sector + count - 1)) &&
          send(parameter(5)) && send(parameter(6)))) {
        status = S_CONTROLLER;
    } else if (!irq_arrives(5000) || !receive(7)) {
        reset_controller(drive);
        status = S_TIMEOUT;
    } else {
        status = result_status();
    }
    motor_later();
    if (status) {
        r->al = 0;
    }
    return status;
}

static u8 format(Regs *r)
{
    u8 drive = r->dl, status;
    u32 at = ((u32)r->es << 4) + r->bx, bytes = r->al * 4u;

    if (drive > 1 || r->dh > 1 || !r->al) {
        return S_BAD_COMMAND;
    }
    status = prepare(drive);
    if (status == S_MEDIA) {            /* unformatted: take the drive's own media */
        bda_set8(BDA_FD_MEDIA + drive, media[tries[drive_type(drive)][0]].state);
        outb(FDC_CCR, media_rate(drive));
        status = S_OK;
    }
    if (!status && !dma_setup(at, bytes, 0x4a)) {
        status = S_BOUNDARY;
    }
    if (!status) {
        status = seek(drive, r->ch);
    }
    if (!status) {
        irq_forget();
        if (!(send(CMD_FORMAT) && send(r->dh << 2 | drive) && send(parameter(3)) && send(r->al) && send(parameter(7)) &&
              send(parameter(8)))) {
            status = S_CONTROLLER;
        } else if (!irq_arrives(5000) || !receive(7)) {
            reset_controller(drive);
            status = S_TIMEOUT;
        } else {
            status = result_status();
        }
    }
    motor_later();
    return status;
}

static u8 set_media(Regs *r)
{
    u8 drive = r->dl, spt = r->cl & 0x3f;

    if (drive > 1 || !drive_type(drive)) {
        return S_TIMEOUT;
    }
    for (const u8 GSEG *t = tries[drive_type(drive)]; *t != 0xff; t++) {
        if (media[*t].spt == spt && media[*t].tracks == r->ch + 1) {
            bda_set8(BDA_FD_MEDIA + drive, media[*t].state);
            r->es = BIOS_SEG;
            r->di = (u32)diskette_parameters;
            return S_OK;
        }
    }
    return S_MEDIA;
}

static u8 geometry(Regs *r)
{
    u8 drive = r->dl, type = drive_type(drive);
    const Media GSEG *m;

    r->ax = r->bx = r->cx = r->dx = 0;
    r->es = BIOS_SEG;
    r->di = (u32)diskette_parameters;
    r->dl = floppy_drives();
    if (!type) {
        return drive < 2 ? S_OK : S_BAD_COMMAND;
    }
    m = &media[tries[type][0]];
    r->bl = type;
    r->ch = m->tracks - 1;
    r->cl = m->spt;
    r->dh = 1;
    return S_OK;
}

static u8 service(Regs *r)
{
    u8 drive = r->dl, ah = r->ah;

    switch (ah) {
    case 0x00:
        irq_enable();
        return reset_controller(drive & 1) ? S_OK : S_CONTROLLER;
    case 0x01:
        r->al = bda8(BDA_FD_STATUS);
        return r->al;
    case 0x02:
        return transfer(r, false, false);
    case 0x03:
        return transfer(r, true, false);
    case 0x04:
        return transfer(r, false, true);
    case 0x05:
        return format(r);
    case 0x08:
        return geometry(r);
    case 0x15:                          /* 0 none, 1 without, 2 with change line */
        r->ah = !drive_type(drive) ? 0 : drive_type(drive) == 1 ? 1 : 2;
        regs_carry(r, false);
        return 0xff;
    case 0x16:                          /* changed? */
        if (drive > 1 || !drive_type(drive)) {
            return S_TIMEOUT;
        }
        motor_on(drive);
        ah = inb(FDC_DIR);
        motor_later();
        return ah & DIR_CHANGED ? S_CHANGED : S_OK;
    case 0x17:                          /* disk type for format: 1-4 */
        if (drive > 1 || r->al < 1 || r->al > 4) {
            return S_BAD_COMMAND;
        }
        bda_set8(BDA_FD_MEDIA + drive, r->al == 1 ? 0x93 : r->al == 2 ? 0x74 : r->al == 3 ? 0x15 : 0x97);
        return S_OK;
    case 0x18:
        return set_media(r);
    }
    return S_BAD_COMMAND;
}

void floppy_int13(Regs *r)
{
    u8 status;

    status = service(r);
    if (status != 0xff) {
        bda_set8(BDA_FD_STATUS, status);
        int13_done(r, status);
    }
}

void floppy_init(void)
{
    u8 drives_found = floppy_drives();
    u16 equipment = bda16(BDA_EQUIPMENT);

    if (drives_found) {
        bda_set16(BDA_EQUIPMENT, equipment | 1 | (drives_found - 1) << 6);
        bda_set8(BDA_FD_CONFIG, 0);
        pic_unmask(6);
        outb(0xd6, 0xc0);               /* 8237: cascade */
        outb(0xd4, 0x00);
        reset_controller(0);
    }
}

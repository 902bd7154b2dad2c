/* IDE disks and CD drives (ATA/ATAPI-5): finding them, and moving sectors by bus-master DMA or PIO.
 *
 * DMA is for real mode only: in virtual-8086 mode a segment need not be where its number says. */
#include "bios/bios.h"

#define R_DATA 0
#define R_ERROR 1
#define R_COUNT 2
#define R_LBA0 3
#define R_LBA1 4
#define R_LBA2 5
#define R_DEVICE 6
#define R_COMMAND 7
#define ST_BUSY 0x80
#define ST_READY 0x40
#define ST_FAULT 0x20
#define ST_DRQ 0x08
#define ST_ERR 0x01
#define CTL_NIEN 0x02
#define CTL_SRST 0x04
#define CTL_ON 0x08

#define CMD_READ 0x20
#define CMD_READ_EXT 0x24
#define CMD_READ_DMA 0xc8
#define CMD_READ_DMA_EXT 0x25
#define CMD_WRITE 0x30
#define CMD_WRITE_EXT 0x34
#define CMD_WRITE_DMA 0xca
#define CMD_WRITE_DMA_EXT 0x35
#define CMD_VERIFY 0x40
#define CMD_VERIFY_EXT 0x42
#define CMD_FLUSH 0xe7
#define CMD_PACKET 0xa0
#define CMD_IDENTIFY 0xec
#define CMD_IDENTIFY_PACKET 0xa1

#define BM_COMMAND 0
#define BM_STATUS 2
#define BM_PRD 4
#define BM_START 0x01
#define BM_TO_MEMORY 0x08
#define BM_ERROR 0x02
#define BM_INTERRUPT 0x04

#define EBDA_PRD 0x300          /* four descriptors, 32 bytes */
#define TIMEOUT_MS 30000

/* INT 13h statuses */
enum { S_OK = 0x00, S_WRITE_PROTECTED = 0x03, S_NOT_FOUND = 0x04, S_ECC = 0x10, S_CONTROLLER = 0x20,
       S_TIMEOUT = 0x80, S_NOT_READY = 0xaa };

POSTVAR Drive drives[DRIVE_MAX] = { { 0 } };
POSTVAR u8 hd_unit[DRIVE_MAX] = { 0 }, cd_unit[DRIVE_MAX] = { 0 };
POSTVAR u8 hd_count = 0, cd_count = 0;

void irq14_ide(Regs *r);

/* RB INT 76: the flag at 40:8E tells that the interrupt came. */
void irq14_ide(Regs *r)
{
    inb(0x1f7);
    inb(0x177);
    bda_set8(BDA_HD_INT, 0xff);
    pic_eoi(15);
}

/* Waits until BSY is clear; returns the status, or -1. */
static int wait_idle(u16 command, u32 ms)
{
    Deadline d;

    deadline_start(&d, ms);
    do {
        for (int n = 0; n < 100; n++) {
            u8 status = inb(command + R_COMMAND);

            if (!(status & ST_BUSY)) {
                return status;
            }
        }
    } while (!deadline_passed(&d));
    return -1;
}

static int wait_data(u16 command, u32 ms)
{
    Deadline d;

    deadline_start(&d, ms);
    do {
        int status = wait_idle(command, ms);

        if (status < 0 || (status & (ST_DRQ | ST_ERR | ST_FAULT))) {
            return status;
        }
    } while (!deadline_passed(&d));
    return -1;
}

static u8 error_status(u16 command)
{
    u8 error = inb(command + R_ERROR);

    if (error & 0x40) {
        return S_ECC;
    }
    if (error & 0x10) {
        return S_NOT_FOUND;
    }
    return S_CONTROLLER;
}

static void insw_far(u16 port, u16 seg, u16 off, u32 words)
{
    u32 d = off;

    asm volatile("pushw %%es\n movw %w3, %%es\n cld\n rep insw\n popw %%es"
                 : "+D"(d), "+c"(words) : "d"(port), "a"(seg) : "memory");
}

static void outsw_far(u16 port, u16 seg, u16 off, u32 words)
{
    u32 s = off;

    asm volatile("pushw %%ds\n movw %w3, %%ds\n cld\n rep outsw\n popw %%ds"
                 : "+S"(s), "+c"(words) : "d"(port), "a"(seg) : "memory");
}

static u16 stack_segment(void)
{
    u16 ss;

    asm("movw %%ss, %0" : "=r"(ss));
    return ss;
}

static void select(DrivePtr d, u8 bits)
{
    outb(d->command + R_DEVICE, 0xa0 | (d->unit & 1) << 4 | bits);
    inb(d->control);
    inb(d->control);
    inb(d->control);
    inb(d->control);
}

/* Writes the task file: 28-bit, or 48-bit when the address needs it; returns true for the latter. */
static bool address(DrivePtr d, u64 lba, u32 count)
{
    u16 c = d->command;
    bool ext = d->lba48 && lba + count > 0x0fffffff;

    select(d, 0x40 | (ext ? 0 : (u8)(lba >> 24) & 15));
    if (ext) {
        outb(c + R_COUNT, count >> 8);
        outb(c + R_LBA0, (u32)lba >> 24);
        outb(c + R_LBA1, (u32)(lba >> 32));
        outb(c + R_LBA2, (u32)(lba >> 32) >> 8);
    }
    outb(c + R_COUNT, count);
    outb(c + R_LBA0, (u32)lba);
    outb(c + R_LBA1, (u32)lba >> 8);
    outb(c + R_LBA2, (u32)lba >> 16);
    return ext;
}

static bool in_v86(void)
{
    u32 msw;

    asm volatile("smsw %w0" : "=r"(msw));
    return msw & 1;
}

/* One command by DMA, at most 127 sectors: two descriptors when it crosses 64 KiB. */
static u8 transfer_dma(DrivePtr d, bool write, u64 lba, u32 count, u32 at)
{
    u16 ebda = ebda_seg(), bm = d->bus_master, n = EBDA_PRD;
    u32 bytes = count * 512;
    u8 status = 0;
    Deadline dl;
    bool ext;

    while (bytes) {
        u32 room = 0x10000 - (at & 0xffff), part = bytes < room ? bytes : room;

        bytes -= part;
        poke32(ebda, n, at);
        poke32(ebda, n + 4, (part & 0xffff) | (bytes ? 0 : 0x80000000u));
        at += part;
        n += 8;
    }
    if (wait_idle(d->command, TIMEOUT_MS) < 0) {
        return S_TIMEOUT;
    }
    outb(bm + BM_COMMAND, 0);
    outl(bm + BM_PRD, ((u32)ebda << 4) + EBDA_PRD);
    outb(bm + BM_STATUS, inb(bm + BM_STATUS) | BM_ERROR | BM_INTERRUPT);
    outb(bm + BM_COMMAND, write ? 0 : BM_TO_MEMORY);
    outb(d->control, CTL_ON);
    ext = address(d, lba, count);
    outb(d->command + R_COMMAND, write ? (ext ? CMD_WRITE_DMA_EXT : CMD_WRITE_DMA)
                                       : (ext ? CMD_READ_DMA_EXT : CMD_READ_DMA));
    outb(bm + BM_COMMAND, (write ? 0 : BM_TO_MEMORY) | BM_START);
    deadline_start(&dl, TIMEOUT_MS);
    do {
        for (int i = 0; i < 100; i++) {
            status = inb(bm + BM_STATUS);
            if (status & (BM_INTERRUPT | BM_ERROR)) {
                goto ended;
            }
        }
    } while (!deadline_passed(&dl));
ended:
    outb(bm + BM_COMMAND, 0);
    outb(bm + BM_STATUS, inb(bm + BM_STATUS) | BM_ERROR | BM_INTERRUPT);
    if (!(status & (BM_INTERRUPT | BM_ERROR))) {
        return S_TIMEOUT;
    }
    if (inb(d->command + R_COMMAND) & (ST_ERR | ST_FAULT)) {
        return error_status(d->command);
    }
    return status & BM_ERROR ? S_CONTROLLER : S_OK;
}

static u8 transfer_pio(DrivePtr d, bool write, u64 lba, u32 *count, u16 seg, u16 off)
{
    u32 wanted = *count;
    bool ext;
    int status;

    *count = 0;
    if (wait_idle(d->command, TIMEOUT_MS) < 0) {
        return S_TIMEOUT;
    }
    outb(d->control, CTL_ON | CTL_NIEN);
    ext = address(d, lba, wanted);
    outb(d->command + R_COMMAND, write ? (ext ? CMD_WRITE_EXT : CMD_WRITE) : (ext ? CMD_READ_EXT : CMD_READ));
    for (; *count < wanted; (*count)++) {
        status = wait_data(d->command, TIMEOUT_MS);
        if (status < 0) {
            return S_TIMEOUT;
        }
        if (!(status & ST_DRQ)) {
            return error_status(d->command);
        }
        if (write) {
            outsw_far(d->command, seg, off, 256);
        } else {
            insw_far(d->command, seg, off, 256);
        }
        seg += 512 / 16;
    }
    status = wait_idle(d->command, TIMEOUT_MS);
    outb(d->control, CTL_ON);
    if (status < 0) {
        return S_TIMEOUT;
    }
    return status & (ST_ERR | ST_FAULT) ? error_status(d->command) : S_OK;
}

static u8 verify(DrivePtr d, u64 lba, u32 count)
{
    bool ext;
    int status;

    if (wait_idle(d->command, TIMEOUT_MS) < 0) {
        return S_TIMEOUT;
    }
    outb(d->control, CTL_ON | CTL_NIEN);
    ext = address(d, lba, count);
    outb(d->command + R_COMMAND, ext ? CMD_VERIFY_EXT : CMD_VERIFY);
    status = wait_idle(d->command, TIMEOUT_MS);
    outb(d->control, CTL_ON);
    if (status < 0) {
        return S_TIMEOUT;
    }
    return status & ST_ERR ? error_status(d->command) : S_OK;
}

u8 ata_transfer(DrivePtr d, int op, Transfer *t)
{
    u32 left = t->count, done = 0;
    u32 at = ((u32)t->seg << 4) + t->off;
    u64 lba = t->lba;
    bool dma = d->bus_master && !(at & 1) && op != ATA_VERIFY && !in_v86();
    u8 status = S_OK;

    while (left && !status) {
        u32 n = left < 127 ? left : 127;

        if (op == ATA_VERIFY) {
            status = verify(d, lba, n);
        } else if (dma) {
            status = transfer_dma(d, op == ATA_WRITE, lba, n, at);
        } else {
            u32 moved = n;

            status = transfer_pio(d, op == ATA_WRITE, lba, &moved, at >> 4, at & 15);
            if (status) {
                done += moved;
            }
        }
        if (!status) {
            done += n;
        }
        left -= n;
        lba += n;
        at += n * 512;
    }
    t->count = done;
    return status;
}

u8 ata_flush(DrivePtr d)
{
    outb(d->control, CTL_ON | CTL_NIEN);
    select(d, 0);
    outb(d->command + R_COMMAND, CMD_FLUSH);
    return wait_idle(d->command, TIMEOUT_MS) < 0 ? S_TIMEOUT : S_OK;
}

u8 ata_reset_channel(DrivePtr d)
{
    outb(d->control, CTL_ON | CTL_SRST | CTL_NIEN);
    delay_us(5);
    outb(d->control, CTL_ON | CTL_NIEN);
    delay_us(2000);
    select(d, 0);
    return wait_idle(d->command, TIMEOUT_MS) < 0 ? S_TIMEOUT : S_OK;
}

/* An ATAPI command that reads; `skip` bytes before the buffer's part are thrown away, as is what follows. */
u8 atapi_packet(DrivePtr d, const u8 *packet, u16 seg, u16 off, u32 bytes, u32 skip)
{
    u16 c = d->command;
    u32 at = ((u32)seg << 4) + off;
    int status;

    if (wait_idle(c, TIMEOUT_MS) < 0) {
        return S_TIMEOUT;
    }
    outb(d->control, CTL_ON | CTL_NIEN);
    select(d, 0);
    outb(c + R_ERROR, 0);
    outb(c + R_LBA1, 0x00);             /* at most 0x8000 bytes a burst */
    outb(c + R_LBA2, 0x80);
    outb(c + R_COMMAND, CMD_PACKET);
    status = wait_data(c, 1000);
    if (status < 0 || !(status & ST_DRQ)) {
        outb(d->control, CTL_ON);
        return status < 0 ? S_TIMEOUT : S_CONTROLLER;
    }
    outsw_far(c, stack_segment(), (u32)packet, 6);
    for (;;) {
        u32 burst;

        status = wait_idle(c, TIMEOUT_MS);
        if (status < 0 || !(status & ST_DRQ)) {
            break;
        }
        burst = inb(c + R_LBA1) | inb(c + R_LBA2) << 8;
        for (u32 i = 0; i < burst;) {
            if (!skip && bytes >= 2) {
                u32 n = burst - i < bytes ? burst - i : bytes;

                n = n < 0x8000 ? n & ~1u : 0x8000;
                insw_far(c, at >> 4, at & 15, n / 2);
                at += n;
                bytes -= n;
                i += n;
            } else {
                inw(c);
                skip -= skip ? 2 : 0;
                i += 2;
            }
        }
    }
    outb(d->control, CTL_ON);
    if (status < 0) {
        return S_TIMEOUT;
    }
    return status & (ST_ERR | ST_FAULT) ? S_NOT_READY : S_OK;
}

static bool identify(Drive GSEG *d, u16 *id)
{
    int status;

    outb(d->control, CTL_ON | CTL_NIEN);
    select(d, 0);
    outb(d->command + R_COMMAND, d->kind == DRIVE_ATAPI ? CMD_IDENTIFY_PACKET : CMD_IDENTIFY);
    status = wait_data(d->command, 500);
    if (status < 0 || !(status & ST_DRQ)) {
        return false;
    }
    insw_far(d->command, stack_segment(), (u32)id, 256);
    outb(d->control, CTL_ON);
    return true;
}

static void read_identity(Drive GSEG *d, const u16 *id)
{
    u32 end = 40;

    for (u32 i = 0; i < 20; i++) {
        d->model[2 * i] = id[27 + i] >> 8;
        d->model[2 * i + 1] = id[27 + i];
    }
    while (end && (d->model[end - 1] == ' ' || !d->model[end - 1])) {
        end--;
    }
    d->model[end] = 0;
    d->removable = id[0] >> 7 & 1;
    if (!(id[49] & 0x100)) {
        d->bus_master = 0;
    }
    if (d->kind == DRIVE_ATAPI) {
        return;
    }
    d->cylinders = id[1];
    d->heads = id[3];
    d->spt = id[6];
    d->sectors = id[60] | (u32)id[61] << 16;
    d->lba48 = id[83] >> 10 & 1;
    if (d->lba48) {
        u64 sectors = (u64)id[102] << 32 | (u32)id[101] << 16 | id[100];

        d->sectors = sectors ? sectors : d->sectors;
    }
}

static void find_device(u8 unit, u16 command, u16 control, u16 bus_master)
{
    Drive GSEG *d = &drives[unit];
    u16 id[256];
    u8 mid, high, status;

    d->unit = unit;
    d->command = command;
    d->control = control;
    d->bus_master = bus_master;
    d->irq = 14 + (unit >> 1);
    select(d, 0);
    status = inb(command + R_COMMAND);
    if (status == 0xff || wait_idle(command, 500) < 0) {
        return;
    }
    /* the signature that a reset leaves (ATA-5 9.12); a packet device's status is 0 until its first command */
    mid = inb(command + R_LBA1);
    high = inb(command + R_LBA2);
    d->kind = (mid == 0x14 && high == 0xeb) ? DRIVE_ATAPI : status ? DRIVE_ATA : DRIVE_NONE;
    if (!d->kind || !identify(d, id)) {
        d->kind = DRIVE_NONE;
        return;
    }
    read_identity(d, id);
    if (d->kind == DRIVE_ATAPI) {
        if ((id[0] >> 8 & 0x1f) == 5) {
            cd_unit[cd_count++] = unit;
        }
    } else {
        hd_unit[hd_count++] = unit;
    }
}

void ata_init(void)
{
    u16 bdf = SHARED_FIELD(ide_bdf), bm = 0;

    if (bdf != 0xffff) {
        bm = pci_read16(bdf, 0x20) & 0xfff0;
        if (bm) {
            pci_write16(bdf, 4, pci_read16(bdf, 4) | 5);
        }
    }
    for (u8 channel = 0; channel < 2; channel++) {
        u16 command = channel ? 0x170 : 0x1f0, control = channel ? 0x376 : 0x3f6;

        outb(command + R_DEVICE, 0xa0);
        if (inb(command + R_COMMAND) == 0xff) {
            continue;                   /* a floating bus: nothing there */
        }
        outb(control, CTL_ON | CTL_SRST | CTL_NIEN);
        delay_us(5);
        outb(control, CTL_ON | CTL_NIEN);
        wait_idle(command, 2000);
        for (u8 unit = 0; unit < 2; unit++) {
            find_device(channel * 2 + unit, command, control, bm ? bm + 8 * channel : 0);
        }
        outb(control, CTL_ON);
    }
    bda_set8(BDA_HD_COUNT, hd_count);
    pic_unmask(14);
    pic_unmask(15);
}

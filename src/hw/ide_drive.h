/*
 * What the parts of an IDE drive share: the channel (ide.c), the disk (ata.c, ata_identify.c), the CD-ROM (atapi.c,
 * mmc.c), and the bus master's side of a transfer (bmdma.c). Private to them.
 *
 * A command runs as a chain of steps. A step ends by asking for data (ide_data_in, ide_data_out: the guest moves
 * bytes through the data port, then the next step runs), for the disk (ide_submit: BSY until the request completes),
 * for the bus master (ide_dma_wait: the next step runs when the guest starts it), or by ide_done() or ide_fail().
 */
#pragma once

#include "hw/ide.h"

/* Status register (ATA-6 7.15). */
enum {
    ATA_ERR = 1 << 0, /* CHK for packet devices */
    ATA_DRQ = 1 << 3,
    ATA_DSC = 1 << 4, /* seek complete; SERV for packet devices */
    ATA_DF = 1 << 5,
    ATA_DRDY = 1 << 6,
    ATA_BSY = 1 << 7,
};

/* Error register (ATA-6 7.9 and the commands' error outputs). */
enum {
    ATA_ABRT = 1 << 2,
    ATA_IDNF = 1 << 4,
    ATA_UNC = 1 << 6,
};

/* Device register. */
enum {
    ATA_DEVICE_HEAD = 0x0f,
    ATA_DEVICE_DEV = 1 << 4,
    ATA_DEVICE_LBA = 1 << 6,
    ATA_DEVICE_OBSOLETE = 0xa0, /* always read as ones */
};

/* Device control register. */
enum {
    ATA_CONTROL_NIEN = 1 << 1,
    ATA_CONTROL_SRST = 1 << 2,
    ATA_CONTROL_HOB = 1 << 7,
};

/* Interrupt reason, a packet device's view of the sector count register. */
enum {
    ATAPI_CD = 1 << 0, /* the packet itself, or status */
    ATAPI_IO = 1 << 1, /* towards the host */
};

#define ATA_MAX_MULTIPLE 16
#define CD_SECTOR 2048u
#define CD_RAW_SECTOR 2352u
/* Largest piece of a command that is read, copied and forgotten at once. */
#define IDE_CHUNK (128u << 10)

typedef struct IdeDrive IdeDrive;
typedef void IdeStep(IdeDrive *d);

/* SCSI sense data, the reason of a packet command's failure (MMC-3 annex). */
typedef struct Sense {
    uint8_t key, asc, ascq;
} Sense;

typedef struct AtaState {
    unsigned cylinders, heads, sectors;             /* default translation */
    unsigned cur_cylinders, cur_heads, cur_sectors; /* what INITIALIZE DEVICE PARAMETERS asked for */
    unsigned multiple; /* sectors per DRQ block of READ/WRITE MULTIPLE; 0: not set */
    bool write_cache, look_ahead, smart, smart_autosave;
    bool standby;
    uint8_t transfer_mode; /* SET FEATURES 03h: as written */
    /* the command under way */
    bool ext; /* 48-bit addresses */
    bool through; /* FUA: on the medium before it is done */
    uint64_t lba;
    uint32_t left;  /* sectors */
    uint32_t block; /* sectors per DRQ block or chunk */
} AtaState;

typedef struct AtapiState {
    uint8_t packet[12];
    Sense sense;
    bool attention; /* UNIT ATTENTION pending for the next command */
    bool locked, tray_open;
    uint8_t event; /* media event for GET EVENT STATUS: 0 none, 1 eject request, 2 new media, 3 removal */
    bool dma;
    uint8_t transfer_mode;
    /* the command under way */
    uint32_t reply, reply_pos; /* bytes in buf, bytes passed on */
    uint32_t lba, left; /* CD sectors still to be read into buf */
    uint32_t sector_size; /* 2048 or 2352; or as READ CD chose the fields */
    uint8_t fields; /* READ CD: byte 9 of the packet */
    uint32_t limit; /* byte count limit of PIO */
} AtapiState;

struct IdeDrive {
    IdeChannel *ch;
    unsigned unit;
    IdeKind kind;
    BlockDev *image;
    char serial[21];
    /* The task file; hob_ is what the registers held before the last write (ATA-6 6.20). */
    uint8_t feature, count, low, mid, high, device;
    uint8_t hob_feature, hob_count, hob_low, hob_mid, hob_high;
    uint8_t error, status;
    bool irq; /* INTRQ asked for, and the status not read since */
    /* The data port. */
    uint8_t *buf; /* IDE_CHUNK bytes */
    uint32_t pos, end;
    bool out;      /* the guest writes */
    IdeStep *next; /* when pos reaches end */
    /* The image. */
    BlockReq *req; /* under way */
    void (*req_done)(IdeDrive *d, BlockReq *req);
    BlockReq *finished; /* see ide_submit() */
    bool submitting, waiting;
    bool dma; /* the bus master is moving data for us */
    union {
        AtaState ata;
        AtapiState atapi;
    };
};

/* What a bus master offers to its channel. */
typedef struct IdeMaster {
    /* Has the guest started it? */
    bool (*active)(void *opaque);
    /* Move up to len bytes between buf and guest memory as the table says; returns how many it described. */
    uint32_t (*transfer)(void *opaque, uint8_t *buf, uint32_t len, bool to_memory);
    /* The drive is through. */
    void (*finish)(void *opaque);
    /* INTRQ rose. */
    void (*interrupt)(void *opaque);
    void *opaque;
} IdeMaster;

struct IdeChannel {
    IrqLine irq;
    bool irq_level;
    IdeDrive drive[2];
    unsigned selected;
    uint8_t control;
    const IdeMaster *master;
    IdeDrive *dma_drive; /* waits for the bus master, */
    IdeStep *dma_step;   /* and will go on with this */
};

/* ---- ide.c: for the drives ---- */

static inline IdeDrive *ide_selected(IdeChannel *ch)
{
    return &ch->drive[ch->selected];
}

void ide_raise_irq(IdeDrive *d);
/* Interrupt, let the guest read n bytes of buf from `at` on through the data port, then run next. */
void ide_data_in(IdeDrive *d, uint32_t at, uint32_t n, IdeStep *next);
/* Let the guest write n bytes to buf, with or without an interrupt; then run next. */
void ide_data_out(IdeDrive *d, uint32_t n, bool irq, IdeStep *next);
/* The command is complete; it failed with the bits of the error register. Both interrupt. */
void ide_done(IdeDrive *d);
void ide_fail(IdeDrive *d, uint8_t error);
void ide_abort(IdeDrive *d);
/*
 * Start I/O; BSY until done, which owns the request (freed after it returns). May be called before ide_submit()
 * returns.
 */
void ide_submit(IdeDrive *d, BlockReq *req, void (*done)(IdeDrive *d, BlockReq *req));
/* Forget what is under way: request, data phase, wait for DMA. */
void ide_cancel(IdeDrive *d);
/* Is there a bus master? */
bool ide_dma_possible(const IdeDrive *d);
/* Assert DMARQ: run step when the guest has started the bus master. */
void ide_dma_wait(IdeDrive *d, IdeStep *step);
uint32_t ide_dma_transfer(IdeDrive *d, uint8_t *buf, uint32_t len, bool to_memory);
/* The transfer is over: comes before ide_done() or ide_fail(). */
void ide_dma_finish(IdeDrive *d);
/* The table was too short: the transfer is over, and the drive stops without an interrupt, as QEMU's does. */
void ide_dma_underrun(IdeDrive *d);
/* Signature of the kind in the task file, diagnostic code 1 in the error register (ATA-6 9.12). */
void ide_signature(IdeDrive *d);
/* Fill an IDENTIFY string field: space-padded, bytes swapped in each word (ATA-6 8.15.8). */
void ide_identify_string(uint8_t *words, unsigned first, unsigned count, const char *text);
static inline void ide_put_word(uint8_t *words, unsigned n, uint16_t value)
{
    words[2 * n] = (uint8_t)value;
    words[2 * n + 1] = (uint8_t)(value >> 8);
}

/* ---- ide.c: for the bus master ---- */

void ide_set_master(IdeChannel *ch, const IdeMaster *master);
void ide_master_started(IdeChannel *ch);
/* The guest took the start bit back in the middle: nothing may touch its memory any more. */
void ide_master_stopped(IdeChannel *ch);

/* ---- the kinds of drive ---- */

void ata_attach(IdeDrive *d);
void ata_reset(IdeDrive *d, bool hard);
void ata_command(IdeDrive *d, uint8_t command);
void ata_identify(IdeDrive *d);
void ata_set_features(IdeDrive *d);
void ata_smart(IdeDrive *d);

void atapi_attach(IdeDrive *d);
void atapi_reset(IdeDrive *d, bool hard);
void atapi_command(IdeDrive *d, uint8_t command);
void atapi_change(IdeDrive *d, BlockDev *image);

/* ---- atapi.c and mmc.c, for each other ---- */

extern const Sense sense_none, sense_no_medium, sense_tray_open, sense_bad_command, sense_bad_field, sense_out_of_range,
    sense_read_error, sense_locked, sense_medium_changed, sense_wrong_mode;

void atapi_ok(IdeDrive *d);
void atapi_fail(IdeDrive *d, const Sense *sense);
/* Answer with the first n bytes of buf, or as many as the guest allowed for. */
void atapi_reply(IdeDrive *d, uint32_t n, uint32_t allowed);
/* Read count CD sectors of the given size from lba on and pass them to the guest. */
void atapi_read(IdeDrive *d, uint32_t lba, uint32_t count, uint32_t sector_size);
uint32_t atapi_sectors(const IdeDrive *d); /* of the medium; 0 without one */
/* Run the command in the packet. */
void mmc_command(IdeDrive *d);
/* Surround the 2048 bytes at buf + 16 with sync, header and the zeros where ECC would be. */
void mmc_raw_sector(uint8_t *buf, uint32_t lba);

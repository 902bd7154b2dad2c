/*
 * What the two halves of the floppy controller share. Private to fdc.c and fdc_transfer.c.
 */
#pragma once

#include "hw/fdc.h"

#define FDC_DRIVES 2
#define FDC_DMA_CHANNEL 2

enum {
    DOR_SELECT = 3,
    DOR_NRESET = 1 << 2,
    DOR_DMAGATE = 1 << 3,
};
enum {
    MSR_BUSY = 1 << 4,
    MSR_NON_DMA = 1 << 5,
    MSR_DIO = 1 << 6,
    MSR_RQM = 1 << 7,
};
/* Status registers, 290166 6.1. */
enum {
    ST0_NOT_READY = 1 << 3,
    ST0_EQUIPMENT = 1 << 4,
    ST0_SEEK_END = 1 << 5,
    ST0_ABNORMAL = 1 << 6,
    ST0_INVALID = 2 << 6,
    ST0_POLLED = 3 << 6,
    ST1_NO_ADDRESS_MARK = 1 << 0,
    ST1_NOT_WRITABLE = 1 << 1,
    ST1_NO_DATA = 1 << 2,
    ST1_DATA_ERROR = 1 << 5,
    ST1_END_OF_CYLINDER = 1 << 7,
    ST2_SCAN_NOT_SATISFIED = 1 << 2,
    ST2_SCAN_EQUAL = 1 << 3,
    ST2_WRONG_CYLINDER = 1 << 4,
    ST2_DATA_ERROR = 1 << 5,
    ST2_CONTROL_MARK = 1 << 6,
};

typedef enum FdcPhase { FDC_COMMAND, FDC_EXECUTION, FDC_RESULT } FdcPhase;
typedef enum FdcOp { FDC_READ, FDC_WRITE, FDC_VERIFY, FDC_SCAN, FDC_FORMAT } FdcOp;

typedef struct FdcSeek {
    bool active;
    uint8_t head, track;
} FdcSeek;

typedef struct FdcSense {
    bool pending;
    uint8_t st0;
} FdcSense;

/* The execution phase of a data command. */
typedef struct FdcTransfer {
    FdcOp op;
    unsigned unit;
    uint8_t c, h, r, n, eot; /* the sector's address, as the command numbers them */
    uint8_t st1, st2;
    bool multitrack, to_host;
    bool one;           /* stop after this sector: its mark is of the other kind */
    uint8_t scan, step; /* SCAN: the command's low five bits; sectors to step by */
    bool matched, equal;
    unsigned left;      /* FORMAT, VERIFY with a count: sectors to go; 0: not counted */
    uint8_t fill;       /* FORMAT */
    uint8_t buf[512];
    unsigned pos, end;
} FdcTransfer;

struct Fdc {
    Clock *clock;
    Timer *timer;
    Dma *dma;
    IrqLine irq;
    bool data_irq;  /* a data byte or a result is ready */
    bool sense_irq; /* SENSE INTERRUPT STATUS has something to tell */
    FloppyDrive drive[FDC_DRIVES];
    uint8_t dor, tdr, rate;
    uint8_t specify[2], config, precompensation, perpendicular;
    bool lock;
    FdcPhase phase;
    uint8_t fifo[16]; /* command, parameters; results */
    unsigned pos, len;
    FdcSeek seek[4];
    FdcSense sense[4];
    uint8_t cylinder[4]; /* where the controller believes the heads are (PCN) */
    bool read_id;        /* waits for the timer */
    FdcTransfer x;
};

/* ---- fdc.c ---- */

FloppyDrive *fdc_drive(Fdc *f, unsigned unit); /* NULL: not connected */
void fdc_set_irq(Fdc *f, bool level); /* of data and results */
/* Hand out the first n bytes of fifo. */
void fdc_result(Fdc *f, unsigned n);
bool fdc_implied_seek(const Fdc *f);
/* SPECIFY's ND bit, or no DMA controller to talk to. */
static inline bool fdc_non_dma(const Fdc *f)
{
    return f->specify[1] & 1 || !f->dma;
}

/* ---- fdc_transfer.c: commands, and the ways data move ---- */

void transfer_read(Fdc *f);
void transfer_write(Fdc *f);
void transfer_read_deleted(Fdc *f);
void transfer_read_track(Fdc *f);
void transfer_verify(Fdc *f);
void transfer_scan(Fdc *f);
void transfer_format(Fdc *f);
void transfer_read_id(Fdc *f);
void transfer_dma(void *opaque);
uint8_t transfer_fifo_read(Fdc *f);
void transfer_fifo_write(Fdc *f, uint8_t byte);
/* The diskette of a drive is about to be taken out: what is under way with it fails. */
void transfer_diskette_gone(Fdc *f, unsigned unit);

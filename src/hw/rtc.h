/*
 * The real-time clock of the PC: MC146818A with 128 bytes of CMOS RAM, ports 70h-71h.
 *
 * The date runs by guest time from where it started. Bit 7 of port 70h masks NMI.
 */
#pragma once

#include "clock.h"
#include "irqline.h"
#include "softmmu/region.h"

/* CMOS registers that a board fills in and a BIOS reads. */
enum {
    CMOS_SHUTDOWN = 0x0f,
    CMOS_FLOPPY = 0x10,
    CMOS_DISK = 0x12,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_KB = 0x15,      /* 640, two bytes */
    CMOS_EXT_KB = 0x17,       /* KiB above 1 MiB, up to 63 MiB; again at 30h */
    CMOS_DISK_TYPE = 0x19,
    CMOS_CENTURY = 0x32,
    CMOS_EXT2_64KB = 0x34,    /* 64 KiB units above 16 MiB, two bytes */
    CMOS_BOOT = 0x38,         /* QEMU and SeaBIOS: third boot device, and flags */
    CMOS_BOOT2 = 0x3d,        /* first two boot devices */
    CMOS_HIGH_64KB = 0x5b,    /* 64 KiB units above 4 GiB, three bytes */
};

typedef struct Rtc Rtc;

/* Where the date starts: `-rtc base=`. */
typedef enum RtcBaseKind { RTC_UTC, RTC_LOCALTIME, RTC_DATE } RtcBaseKind;
typedef struct RtcBase {
    RtcBaseKind kind;
    int64_t date; /* RTC_DATE: seconds since 1970, as the guest's registers show it */
} RtcBase;

/* Parse utc, localtime, 2006-06-17T16:01:21 or 2006-06-17. False and error when it's none of them. */
bool rtc_parse_base(const char *text, RtcBase *base, GError **error);

Rtc *rtc_new(Bus *io, Clock *clock, IrqLine irq, RtcBase base);
void rtc_free(Rtc *r);
/* The CPU's reset: interrupts off, the date and CMOS stay. */
void rtc_reset(Rtc *r);

/* CMOS as the board prepares it; reg is 0..127. Not for the clock's own registers 0 to 0Dh, which these don't touch. */
void rtc_set_cmos(Rtc *r, unsigned reg, uint8_t value);
uint8_t rtc_get_cmos(Rtc *r, unsigned reg);

/* Whether port 70h masks NMI, and a line that is high while it does (may stay unconnected). */
bool rtc_nmi_masked(const Rtc *r);
void rtc_set_nmi_mask_line(Rtc *r, IrqLine line);

/*
 * MC146818A real-time clock and CMOS RAM.
 *
 * The date is guest time plus an offset; registers 0 to 9 are computed when read, and writing one moves the offset.
 * While the guest holds the clock (SET, or the divider stopped) they are plain memory.
 *
 * The flags of register C are computed too: the periodic, alarm and update events since it was last looked at. Only an
 * event whose interrupt is enabled has a host timer, so a clock that nobody asks costs nothing.
 *
 * 1. Date and time. 2. Events and flags. 3. Registers. 4. The board's side.
 *
 * Motorola MC146818A datasheet; century and NMI mask as on the PC/AT.
 */
#include "config.h"
#include "hw/rtc.h"

#include <stdio.h>
#include <string.h>

enum {
    RTC_SECONDS,
    RTC_SECONDS_ALARM,
    RTC_MINUTES,
    RTC_MINUTES_ALARM,
    RTC_HOURS,
    RTC_HOURS_ALARM,
    RTC_WEEKDAY,
    RTC_DAY,
    RTC_MONTH,
    RTC_YEAR,
    RTC_A,
    RTC_B,
    RTC_C,
    RTC_D,
    RTC_PS2_CENTURY = 0x37,
};

enum {
    A_UIP = 1 << 7,
    A_DIVIDER = 7 << 4,
    A_DIVIDER_RUN = 2 << 4, /* 32768 Hz */
    A_RATE = 15,
    B_SET = 1 << 7,
    B_PIE = 1 << 6,
    B_AIE = 1 << 5,
    B_UIE = 1 << 4,
    B_BINARY = 1 << 2,
    B_24H = 1 << 1,
    C_IRQF = 1 << 7,
    C_PF = 1 << 6,
    C_AF = 1 << 5,
    C_UF = 1 << 4,
    C_EVENTS = C_PF | C_AF | C_UF, /* the same bits as the enables in B */
    D_VRT = 1 << 7,
    HOURS_PM = 1 << 7,
    ALARM_ANY = 0xc0,
};

#define RTC_HZ 32768
#define NEVER INT64_MAX
#define DAY 86400
/* The update begins 244 us after UIP rises and takes 1984 us (datasheet, table 6); the date changes at its end. */
#define UIP_NS (244000 + 1984000)
/* Periodic interrupts a guest took too late for, that are made up for: as many as fit in these seconds. */
#define OWED_SECONDS 10

struct Rtc {
    Clock *clock;
    IrqLine irq, nmi_mask_line;
    uint8_t index;
    bool nmi_masked;
    uint8_t cmos[128]; /* of the clock's registers: alarms, A, B, C */

    int64_t offset; /* date in ns since 1970 as the registers show it, less guest time */
    bool counting;  /* neither held by SET nor by the divider */
    int64_t literal_until; /* guest time until which the registers show what was written, however odd */
    int64_t seen; /* guest time up to which C has its events */

    Timer *timer; /* next enabled event */
    Timer *owed_timer;
    int64_t owed;
};

/* ---- 1. date and time ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Civil date from days since 1970-01-01, and back; proleptic Gregorian. */
static void civil_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2);
}

static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = year - (month <= 2), era = floor_div(y, 400), yoe = y - era * 400;
    int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static uint8_t encode(const Rtc *r, int value)
{
    return r->cmos[RTC_B] & B_BINARY ? value : value / 10 << 4 | value % 10;
}

static int decode(const Rtc *r, uint8_t value)
{
    return r->cmos[RTC_B] & B_BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static uint8_t encode_hour(const Rtc *r, int hour)
{
    if (r->cmos[RTC_B] & B_24H)
        return encode(r, hour);
    return encode(r, (hour + 11) % 12 + 1) | (hour >= 12 ? HOURS_PM : 0);
}

static int decode_hour(const Rtc *r, uint8_t value)
{
    if (r->cmos[RTC_B] & B_24H)
        return decode(r, value);
    return decode(r, value & ~HOURS_PM) % 12 + (value & HOURS_PM ? 12 : 0);
}

/* The registers that show the date, filled in from it. */
static void show_date(Rtc *r, int64_t date)
{
    int64_t seconds = floor_div(date, NS_PER_SEC), days = floor_div(seconds, DAY);
    int second = seconds - days * DAY, year, month, day;

    civil_from_days(days, &year, &month, &day);
    r->cmos[RTC_SECONDS] = encode(r, second % 60);
    r->cmos[RTC_MINUTES] = encode(r, second / 60 % 60);
    r->cmos[RTC_HOURS] = encode_hour(r, second / 3600);
    r->cmos[RTC_WEEKDAY] = encode(r, (days % 7 + 11) % 7 + 1); /* Sunday is 1; 1970-01-01 was a Thursday */
    r->cmos[RTC_DAY] = encode(r, day);
    r->cmos[RTC_MONTH] = encode(r, month);
    r->cmos[RTC_YEAR] = encode(r, year % 100);
    /* The century is always BCD. */
    r->cmos[CMOS_CENTURY] = r->cmos[RTC_PS2_CENTURY] = (year / 1000 % 10) << 4 | year / 100 % 10;
}

/* The date that the registers show, in seconds; out-of-range values count on. */
static int64_t read_date(const Rtc *r)
{
    int century = (r->cmos[CMOS_CENTURY] >> 4) * 10 + (r->cmos[CMOS_CENTURY] & 15);
    int year = century * 100 + decode(r, r->cmos[RTC_YEAR]), month = decode(r, r->cmos[RTC_MONTH]);
    int64_t days = days_from_civil(year, CLAMP(month, 1, 12), decode(r, r->cmos[RTC_DAY]));

    return days * DAY + decode_hour(r, r->cmos[RTC_HOURS]) * 3600 + decode(r, r->cmos[RTC_MINUTES]) * 60 +
           decode(r, r->cmos[RTC_SECONDS]);
}

/* How far the divider chain is within its second, in ns. */
static int64_t phase(const Rtc *r, int64_t now)
{
    return now + r->offset - floor_div(now + r->offset, NS_PER_SEC) * NS_PER_SEC;
}

static int64_t next_second(const Rtc *r, int64_t after)
{
    return after - phase(r, after) + NS_PER_SEC;
}

/* Bring registers 0 to 9 up to date. */
static void refresh(Rtc *r, int64_t now)
{
    if (r->counting && now >= r->literal_until)
        show_date(r, now + r->offset);
}

/* The date follows the registers, the chain's phase stays. */
static void adopt(Rtc *r, int64_t now)
{
    r->offset = read_date(r) * NS_PER_SEC + phase(r, now) - now;
}

static bool divider_runs(const Rtc *r)
{
    return (r->cmos[RTC_A] & A_DIVIDER) == A_DIVIDER_RUN;
}

/* A or B gets a new value: the date may stop or go on. */
static void write_control(Rtc *r, int reg, uint8_t value, int64_t now)
{
    bool ran = divider_runs(r), counting;

    refresh(r, now);
    r->cmos[reg] = value;
    if (!ran && divider_runs(r))
        r->offset = NS_PER_SEC / 2 - now; /* the first update comes half a second after the divider starts */
    counting = divider_runs(r) && !(r->cmos[RTC_B] & B_SET);
    if (counting && !r->counting) {
        adopt(r, now);
        r->literal_until = now;
    }
    r->counting = counting;
}

static void write_date(Rtc *r, int reg, uint8_t value, int64_t now)
{
    refresh(r, now);
    r->cmos[reg] = value;
    if (r->counting) {
        adopt(r, now);
        /* A program that doesn't use SET writes day, month and year one by one: 31 February may become 31 March. */
        r->literal_until = next_second(r, now);
    }
}

/* ---- 2. events and flags ---- */

/* Periods of the divider that the rate select takes, as a shift of 32768 Hz; 0 for none. */
static int rate_shift(const Rtc *r)
{
    int rate = r->cmos[RTC_A] & A_RATE;

    if (!rate || !divider_runs(r))
        return 0;
    return rate < 3 ? rate + 6 : rate - 1;
}

/* Periodic events since the epoch of the chain. */
static int64_t periods(const Rtc *r, int64_t now)
{
    int64_t x = now + r->offset, seconds = floor_div(x, NS_PER_SEC);

    return (seconds * RTC_HZ + (x - seconds * NS_PER_SEC) * RTC_HZ / NS_PER_SEC) >> rate_shift(r);
}

static int64_t next_period(const Rtc *r, int64_t after)
{
    int64_t next;

    if (!rate_shift(r))
        return NEVER;
    next = (periods(r, after) + 1) * (1ll << rate_shift(r));
    return floor_div(next, RTC_HZ) * NS_PER_SEC + ((next & (RTC_HZ - 1)) * NS_PER_SEC + RTC_HZ - 1) / RTC_HZ - r->offset;
}

static bool alarm_matches(uint8_t alarm, uint8_t value)
{
    return (alarm & ALARM_ANY) == ALARM_ANY || alarm == value;
}

/* Guest time of the first alarm after `after`; skips hours and minutes that don't match. */
static int64_t next_alarm(const Rtc *r, int64_t after)
{
    int64_t second, end;
    bool possible = false;

    if (!r->counting)
        return NEVER;
    for (int i = 0; i < 60 && !possible; i++)
        possible = alarm_matches(r->cmos[RTC_SECONDS_ALARM], encode(r, i));
    if (!possible)
        return NEVER;
    second = floor_div(after + r->offset, NS_PER_SEC) + 1;
    for (end = second + DAY; second < end;) {
        int of_day = second - floor_div(second, DAY) * DAY;

        if (!alarm_matches(r->cmos[RTC_HOURS_ALARM], encode_hour(r, of_day / 3600)))
            second += 3600 - of_day % 3600;
        else if (!alarm_matches(r->cmos[RTC_MINUTES_ALARM], encode(r, of_day / 60 % 60)))
            second += 60 - of_day % 60;
        else if (!alarm_matches(r->cmos[RTC_SECONDS_ALARM], encode(r, of_day % 60)))
            second++;
        else
            return second * NS_PER_SEC - r->offset;
    }
    return NEVER;
}

static void update_irq(Rtc *r)
{
    bool asserted = r->cmos[RTC_C] & r->cmos[RTC_B] & C_EVENTS;

    r->cmos[RTC_C] = (r->cmos[RTC_C] & C_EVENTS) | (asserted ? C_IRQF : 0);
    irqline_set(&r->irq, asserted);
}

/* Put the events since the last call into C. */
static void collect(Rtc *r, int64_t now)
{
    uint8_t flags = 0;

    if (r->counting && next_second(r, r->seen) <= now) {
        flags |= C_UF;
        if (next_alarm(r, r->seen) <= now)
            flags |= C_AF;
    }
    if (rate_shift(r)) {
        int64_t n = periods(r, now) - periods(r, r->seen);

        if (n) {
            flags |= C_PF;
            if (r->cmos[RTC_B] & B_PIE)
                r->owed += r->cmos[RTC_C] & C_PF ? n : n - 1;
        }
        r->owed = MIN(r->owed, (OWED_SECONDS * (int64_t)RTC_HZ) >> rate_shift(r));
    }
    r->seen = now;
    r->cmos[RTC_C] |= flags;
    update_irq(r);
}

/* Arm for the next event whose interrupt is enabled and not already requested. */
static void arm(Rtc *r, int64_t now)
{
    uint8_t wanted = r->cmos[RTC_B] & ~r->cmos[RTC_C] & C_EVENTS;
    int64_t next = NEVER;

    if ((wanted & C_UF) && r->counting)
        next = MIN(next, next_second(r, now));
    if (wanted & C_AF)
        next = MIN(next, next_alarm(r, now));
    if (wanted & C_PF)
        next = MIN(next, next_period(r, now));
    if (next == NEVER)
        timer_disarm(r->timer);
    else
        timer_arm(r->timer, next);
    if (r->owed && (wanted & C_PF) && rate_shift(r))
        timer_arm(r->owed_timer, now + (NS_PER_SEC >> (16 - rate_shift(r)))); /* half a period */
    else
        timer_disarm(r->owed_timer);
}

static void rtc_fire(void *opaque)
{
    Rtc *r = opaque;
    int64_t now = clock_now(r->clock);

    collect(r, now);
    arm(r, now);
}

static void owed_fire(void *opaque)
{
    Rtc *r = opaque;
    int64_t now = clock_now(r->clock);

    collect(r, now);
    if (r->owed && (r->cmos[RTC_B] & B_PIE) && !(r->cmos[RTC_C] & C_PF)) {
        r->owed--;
        r->cmos[RTC_C] |= C_PF;
        update_irq(r);
    }
    arm(r, now);
}

/* ---- 3. registers ---- */

static bool is_date(int reg)
{
    return (reg <= RTC_YEAR && (reg > RTC_HOURS_ALARM || !(reg & 1))) || reg == CMOS_CENTURY || reg == RTC_PS2_CENTURY;
}

static uint8_t read_reg(Rtc *r, int reg)
{
    int64_t now = clock_now(r->clock);
    uint8_t value;

    if (is_date(reg))
        refresh(r, now);
    switch (reg) {
    case RTC_A:
        return r->cmos[RTC_A] | (r->counting && phase(r, now) >= NS_PER_SEC - UIP_NS ? A_UIP : 0);
    case RTC_C:
        collect(r, now);
        value = r->cmos[RTC_C];
        r->cmos[RTC_C] = 0;
        update_irq(r);
        arm(r, now);
        return value;
    case RTC_D:
        return D_VRT;
    default:
        return r->cmos[reg];
    }
}

static void write_reg(Rtc *r, int reg, uint8_t value)
{
    int64_t now = clock_now(r->clock);

    collect(r, now);
    switch (reg) {
    case RTC_A:
        if ((value ^ r->cmos[RTC_A]) & A_RATE)
            r->owed = 0;
        write_control(r, RTC_A, value & ~A_UIP, now);
        break;
    case RTC_B:
        if (value & B_SET)
            value &= ~B_UIE; /* datasheet: SET clears UIE */
        if (!(value & B_PIE))
            r->owed = 0;
        write_control(r, RTC_B, value, now);
        break;
    case RTC_C:
    case RTC_D:
        return;
    case RTC_PS2_CENTURY: /* one century, two places */
        write_date(r, CMOS_CENTURY, value, now);
        r->cmos[reg] = value;
        break;
    default:
        if (is_date(reg))
            write_date(r, reg, value, now);
        else
            r->cmos[reg] = value;
        break;
    }
    update_irq(r);
    arm(r, now);
}

static uint64_t rtc_read(void *opaque, uint64_t offset, unsigned size)
{
    Rtc *r = opaque;

    return offset ? read_reg(r, r->index) : 0xff; /* the index can't be read */
}

static void rtc_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Rtc *r = opaque;

    if (offset) {
        write_reg(r, r->index, value);
    } else {
        r->index = value & 0x7f;
        r->nmi_masked = value & 0x80;
        irqline_set(&r->nmi_mask_line, r->nmi_masked);
    }
}

static const RegionOps rtc_ops = { rtc_read, rtc_write, 1, 1 };

/* ---- 4. the board's side ---- */

void rtc_set_cmos(Rtc *r, unsigned reg, uint8_t value)
{
    g_assert(reg < sizeof r->cmos);
    if (reg > RTC_D)
        r->cmos[reg] = value;
}

uint8_t rtc_get_cmos(Rtc *r, unsigned reg)
{
    g_assert(reg < sizeof r->cmos);
    refresh(r, clock_now(r->clock));
    return r->cmos[reg];
}

bool rtc_nmi_masked(const Rtc *r)
{
    return r->nmi_masked;
}

void rtc_set_nmi_mask_line(Rtc *r, IrqLine line)
{
    r->nmi_mask_line = line;
}

bool rtc_parse_base(const char *text, RtcBase *base, GError **error)
{
    int year, month, day, hour = 0, minute = 0, second = 0, end = 0;

    *base = (RtcBase){ RTC_UTC, 0 };
    if (!strcmp(text, "utc"))
        return true;
    if (!strcmp(text, "localtime")) {
        base->kind = RTC_LOCALTIME;
        return true;
    }
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &end) != 6 || text[end]) {
        hour = minute = second = end = 0;
        if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 || text[end])
            year = 0;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1 || !g_date_valid_dmy(day, month, year) || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 59) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "-rtc base=%s: expected utc, localtime or a date such as 2006-06-17T16:01:21", text);
        return false;
    }
    base->kind = RTC_DATE;
    base->date = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    return true;
}

/* The date to start with, in ns. */
static int64_t start_date(RtcBase base)
{
    int64_t now = g_get_real_time();

    if (base.kind == RTC_DATE)
        return base.date * NS_PER_SEC;
    if (base.kind == RTC_LOCALTIME) {
        g_autoptr(GDateTime) local = g_date_time_new_now_local();

        now += g_date_time_get_utc_offset(local);
    }
    return now * 1000;
}

void rtc_reset(Rtc *r)
{
    int64_t now = clock_now(r->clock);

    collect(r, now);
    write_control(r, RTC_B, r->cmos[RTC_B] & ~(B_PIE | B_AIE | B_UIE), now);
    r->cmos[RTC_C] = 0;
    r->owed = 0;
    r->nmi_masked = false;
    irqline_set(&r->nmi_mask_line, false);
    update_irq(r);
    arm(r, now);
}

Rtc *rtc_new(Bus *io, Clock *clock, IrqLine irq, RtcBase base)
{
    Rtc *r = g_new0(Rtc, 1);

    r->clock = clock;
    r->irq = irq;
    r->timer = timer_new(clock, rtc_fire, r);
    r->owed_timer = timer_new(clock, owed_fire, r);
    r->cmos[RTC_A] = A_DIVIDER_RUN | 6; /* 1024 Hz */
    r->cmos[RTC_B] = B_24H;
    r->counting = true;
    r->seen = clock_now(clock);
    r->literal_until = r->seen;
    r->offset = start_date(base) - r->seen;
    bus_add_io(io, "rtc", 0x70, 2, &rtc_ops, r, 0);
    return r;
}

void rtc_free(Rtc *r)
{
    if (!r)
        return;
    timer_free(r->timer);
    timer_free(r->owed_timer);
    g_free(r);
}

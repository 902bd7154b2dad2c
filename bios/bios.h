/* The 16-bit services and their shared state: the BIOS data area, the EBDA, the drives. */
#ifndef BIOS_BIOS_H
#define BIOS_BIOS_H

#include "bios/far.h"
#include "bios/shared.h"

#define BIOS_SEG 0xf000
#define SHARED_FIELD(member) (((const Shared GSEG *)SHARED_OFFSET)->member)

/* BIOS data area, offsets in segment 40h (RB memory list, segment 0040h). */
#define BDA_SEG 0x40
enum {
    BDA_COM = 0x00, BDA_LPT = 0x08, BDA_EBDA = 0x0e, BDA_EQUIPMENT = 0x10, BDA_MEMORY = 0x13,
    BDA_KBD_FLAGS = 0x17, BDA_KBD_FLAGS2 = 0x18, BDA_KBD_ALT = 0x19, BDA_KBD_HEAD = 0x1a, BDA_KBD_TAIL = 0x1c,
    BDA_KBD_BUFFER = 0x1e, BDA_FD_RECALIBRATE = 0x3e, BDA_FD_MOTOR = 0x3f, BDA_FD_COUNTDOWN = 0x40,
    BDA_FD_STATUS = 0x41, BDA_FD_RESULT = 0x42, BDA_VIDEO_MODE = 0x49, BDA_VIDEO_COLS = 0x4a,
    BDA_VIDEO_PAGE = 0x62, BDA_RESUME = 0x67, BDA_TIMER = 0x6c, BDA_MIDNIGHT = 0x70, BDA_BREAK = 0x71,
    BDA_RESET = 0x72, BDA_HD_STATUS = 0x74, BDA_HD_COUNT = 0x75, BDA_LPT_TIMEOUT = 0x78, BDA_COM_TIMEOUT = 0x7c,
    BDA_KBD_START = 0x80, BDA_KBD_END = 0x82, BDA_VIDEO_ROWS = 0x84, BDA_FD_CONFIG = 0x8b, BDA_HD_INT = 0x8e,
    BDA_FD_MEDIA = 0x90, BDA_FD_TRACK = 0x94, BDA_KBD_MODE = 0x96, BDA_KBD_LEDS = 0x97,
    BDA_WAIT_USER = 0x98, BDA_WAIT_COUNT = 0x9c, BDA_WAIT_ACTIVE = 0xa0,
};

#define bda8(off) peek8(BDA_SEG, off)
#define bda16(off) peek16(BDA_SEG, off)
#define bda32(off) peek32(BDA_SEG, off)
#define bda_set8(off, v) poke8(BDA_SEG, off, v)
#define bda_set16(off, v) poke16(BDA_SEG, off, v)
#define bda_set32(off, v) poke32(BDA_SEG, off, v)

/* Extended BDA: the first 5Dh bytes are IBM's, the rest ours. A ROM may move it, so its segment is looked up. C6h and what is above 400h: layout.h. */
enum {
    EBDA_SIZE = 0x00, EBDA_MOUSE_HANDLER = 0x22, EBDA_MOUSE_FLAGS = 0x26, EBDA_MOUSE_FLAGS2 = 0x27,
    EBDA_MOUSE_DATA = 0x28, EBDA_FDPT0 = 0x3d, EBDA_FDPT1 = 0x4d,
    EBDA_FD_CHANGED = 0x60, EBDA_SERCON_STATE = 0x64, EBDA_CD = 0x80, EBDA_SENSE = 0xb0,
    EBDA_BOOT_NEXT = 0xc0, EBDA_BOOT_TRIED = 0xc2, EBDA_SERCON = 0xc8, EBDA_EDD = 0x100,
};

static inline u16 ebda_seg(void)
{
    return bda16(BDA_EBDA);
}

#define ebda8(off) peek8(ebda_seg(), off)
#define ebda16(off) peek16(ebda_seg(), off)
#define ebda32(off) peek32(ebda_seg(), off)
#define ebda_set8(off, v) poke8(ebda_seg(), off, v)
#define ebda_set16(off, v) poke16(ebda_seg(), off, v)
#define ebda_set32(off, v) poke32(ebda_seg(), off, v)

/* entry.S */
void call_int(u32 vector, Regs *r);
void call_far(u32 seg_off, Regs *r);
void call_mouse(u32 handler, u32 status_x, u32 y_z);
void jump_boot(u32 seg_off, u32 drive) __attribute__((noreturn));
void jump_linux(u32 segment, u32 sp) __attribute__((noreturn));
u32 call32(u32 function, u32 argument);
void enter_protected(Regs *r);
extern const u8 GSEG ivt_table[];
extern u8 GSEG video_vector[];
extern u8 diskette_parameters[];
extern u8 rom_font8[];
extern u8 stub_10_serial[];
extern u8 dummy_iret[];

/* A zeroed register set for call_int. */
static inline void regs_clear(Regs *r)
{
    for (u32 i = 0; i < sizeof(Regs) / 2; i++) {
        ((u16 *)r)[i] = 0;
    }
}

/* text.c: printing by INT 10h teletype and to the debug port. */
void put_char(char c);
void put_text(Str s);
void put_uint(u32 value);
void put_hex(u32 value, int digits);

/* pic.c: the 8259s */
void pic_init(void);
void pic_eoi(u8 irq);
void pic_unmask(u8 irq);

/* timer.c */
void timer_init(void);
u32 timer_ticks(void);
/* Busy-waits at least us microseconds on PIT channel 0; works with interrupts off. */
void delay_us(u32 us);
typedef struct Deadline { u32 left; u16 last; } Deadline;
void deadline_start(Deadline *d, u32 ms);
bool deadline_passed(Deadline *d);

/* keyboard and mouse */
bool i8042_write(u8 port, u8 value);
int i8042_read(u32 ms);
void kbd_init(void);
u16 kbd_room(void);
bool kbd_store(u16 key);
void mouse_init(void);
void mouse_service(Regs *r);

/* serial.c, sercon.c */
void ports_init(void);
void sercon_init(void);
void sercon_poll(void);
void sercon_char(char c);

/* disks */
enum { DRIVE_NONE, DRIVE_ATA, DRIVE_ATAPI };
typedef struct Drive {
    u8 kind;
    u8 unit;                    /* channel * 2 + device */
    u8 lba48;
    u8 removable;
    u16 command, control;       /* I/O ports of its channel */
    u16 bus_master;             /* of its channel, 0: PIO only */
    u8 irq;
    u8 multiple;
    u32 cylinders, heads, spt;  /* as IDENTIFY says */
    u16 log_cylinders;          /* as INT 13h shows them */
    u8 log_heads, log_spt;
    u64 sectors;
    char model[41];
} Drive;
#define DRIVE_MAX 8
typedef const Drive GSEG *DrivePtr;
extern POSTVAR Drive drives[DRIVE_MAX];
/* Units, in the order found: hard disks are 80h.., CDs E0h.. */
extern POSTVAR u8 hd_unit[DRIVE_MAX], cd_unit[DRIVE_MAX];
extern POSTVAR u8 hd_count, cd_count;

typedef struct Transfer {
    u64 lba;
    u32 count;                  /* sectors; on return those moved */
    u16 seg, off;
} Transfer;

enum { ATA_READ, ATA_WRITE, ATA_VERIFY };
void ata_init(void);
/* INT 13h status, 0 when all went well. */
u8 ata_transfer(DrivePtr d, int op, Transfer *t);
u8 ata_reset_channel(DrivePtr d);
u8 ata_flush(DrivePtr d);
u8 atapi_packet(DrivePtr d, const u8 *packet, u16 seg, u16 off, u32 bytes, u32 skip_before);
u8 cd_read(DrivePtr d, u32 lba, u32 blocks, u16 seg, u16 off);
u8 cd_ready(DrivePtr d, u32 ms);
void int13_done(Regs *r, u8 status);
bool cd_int13(Regs *r);
void cd_edd(Regs *r, DrivePtr d);
/* El Torito (1.0): returns NULL and the boot entry, or the reason why not. */
Str cd_boot(u8 index, u32 *entry, u8 *drive);
void floppy_init(void);
void floppy_int13(Regs *r);
u8 floppy_drives(void);
void disk_int13(Regs *r);
void disk_init_tables(void);

/* other parts of POST */
void boot_banner(void);
void int15_wait_tick(void);
void apm_init(void);
void pcibios_init(void);
void power_off(void);
void reset_machine(void) __attribute__((noreturn));

#endif

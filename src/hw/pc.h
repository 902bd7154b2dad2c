/*
 * The board: a PC with an i440FX and a PIIX3. docs/board.md has its maps.
 *
 *     Pc *pc = pc_new(&config, &error);
 *     pc_attach_ide(pc, 0, IDE_DISK, image);
 *     Vcpu *cpu = vcpu_new(model, pc->mem, pc->io, pc->ram);
 *     pc_connect_cpu(pc, &(PcCpu){ .intr = ..., .a20 = ... });
 *     pc_reset(pc);
 *
 * The machine lock is held in every call, or nobody else knows the board yet. hw/ knows no CPU: what one needs of
 * the board, and the board of it, goes through PcCpu, pc_int_ack() and lapic_set_base().
 */
#pragma once

#include "chardev.h"
#include "clock.h"
#include "hw/acpi.h"
#include "hw/debugexit.h"
#include "hw/debugport.h"
#include "hw/dma.h"
#include "hw/fdc.h"
#include "hw/ferr.h"
#include "hw/fwcfg.h"
#include "hw/gsi.h"
#include "hw/hpet.h"
#include "hw/i440fx.h"
#include "hw/ioapic.h"
#include "hw/kbd.h"
#include "hw/lapic.h"
#include "hw/parallel.h"
#include "hw/pci.h"
#include "hw/pic.h"
#include "hw/piix3.h"
#include "hw/piix_ide.h"
#include "hw/pit.h"
#include "hw/port92.h"
#include "hw/rtc.h"
#include "hw/serial.h"
#include "hw/testdev.h"
#include "hw/vga.h"
#include "softmmu/ram.h"

#define PC_SERIALS 4
#define PC_PARALLELS 2
#define PC_DEBUGCONS 2

#define PC_RAM_MIN (1ull << 20)
#define PC_RAM_MAX 0xe0000000ull /* 3.5 GiB: PCI memory comes next */
#define PC_BIOS_MIN (64u << 10)
#define PC_BIOS_MAX (4u << 20)

#define PC_ERROR pc_error_quark()
GQuark pc_error_quark(void);
typedef enum PcErrorCode { PC_ERROR_RAM, PC_ERROR_BIOS } PcErrorCode;

/* What happens to the machine as a whole. */
typedef struct PcEvents {
    void (*reset)(void *opaque);            /* the guest asks for a reset: call pc_reset() and reset the CPU, soon */
    void (*power_off)(void *opaque);        /* the guest switched the machine off */
    void (*exit)(void *opaque, int status); /* debug-exit device */
    void *opaque;
} PcEvents;

typedef struct PcConfig {
    Clock *clock; /* not owned, and outlives the board, as do lock, chardevs and input */
    GMutex *lock; /* the machine lock; NULL in tests */
    PcEvents events;
    uint64_t ram_size; /* bytes, PC_RAM_MIN to PC_RAM_MAX, whole pages */
    const void *bios;  /* copied; a multiple of 64 KiB, PC_BIOS_MIN to PC_BIOS_MAX */
    size_t bios_size;
    const void *vga_bios; /* copied; the display's expansion ROM; may be NULL */
    size_t vga_bios_size;
    bool no_vga;
    VgaConfig vga;
    bool no_apic; /* the CPU has none: no local and no I/O APIC */
    bool no_hpet;
    bool no_acpi; /* no ACPI tables; the power management device stays */
    RtcBase rtc;
    Input *input;
    unsigned floppies; /* drives, 0 to 2; none: no controller either */
    bool has_serial[PC_SERIALS]; /* ports present; chardevs may be NULL: nothing plugged in */
    Chardev *serial[PC_SERIALS];
    bool has_parallel[PC_PARALLELS];
    Chardev *parallel[PC_PARALLELS];
    struct {
        uint16_t port;        /* 0: there is none */
        uint8_t readback;
        Chardev *chr;
    } debugcon[PC_DEBUGCONS];
    uint16_t debug_exit;      /* isa-debug-exit's port, 0: none */
    unsigned debug_exit_size; /* its ports */
    bool testdev;             /* pc-testdev */
    const char *boot_order;   /* letters a, c, d, n; up to three count; NULL: "cad" */
    bool boot_menu;
    uint8_t uuid[16];         /* for SMBIOS; zeros: none */
    bool serial_console; /* -nographic: the BIOS talks by the first serial port too */
} PcConfig;

/* What the board drives on the CPU. Unconnected wires are allowed. */
typedef struct PcCpu {
    IrqLine intr;  /* level; pc_int_ack() tells the vector */
    IrqLine nmi;   /* pulsed */
    IrqLine a20;   /* false: address bit 20 is masked */
    IrqLine ignne; /* IGNNE# asserted */
} PcCpu;

typedef struct Pc {
    Bus *mem, *io;
    Ram *ram;
    Clock *clock;
    bool a20; /* as last driven */
    PcEvents events;
    PcCpu cpu;
    Hva bios; /* the image, preceded by 0xff up to 128 KiB */
    size_t bios_size;

    Gsi *gsi;
    Lapic *lapic;
    Ioapic *ioapic; /* NULL without APIC */
    Hpet *hpet;     /* NULL without */
    Pic *pic;
    Pit *pit;
    Rtc *rtc;
    IrqLine irq8; /* where the RTC's interrupt goes on to */
    Dma *dma;
    Fdc *fdc; /* NULL without drives */
    Kbd *kbd;
    Port92 *port92;
    Ferr *ferr;
    Serial *serial[PC_SERIALS];
    Parallel *parallel[PC_PARALLELS];
    DebugPort *debugport[PC_DEBUGCONS];
    DebugExit *debugexit;
    TestDev *testdev;
    uint16_t debugcon_port[PC_DEBUGCONS], debug_exit_port; /* where they are */
    FwCfg *fwcfg;

    PciBus *pci;
    I440fx *i440fx;
    Piix3 *piix3;
    PiixIde *ide;
    Acpi *acpi;
    Vga *vga; /* NULL without */
} Pc;

/* Build the board, in its reset state. NULL and error for RAM or BIOS sizes that it can't have. */
Pc *pc_new(const PcConfig *config, GError **error);
void pc_free(Pc *pc);

/* Connect the CPU; its wires are driven to their present levels at once. */
void pc_connect_cpu(Pc *pc, const PcCpu *cpu);
/* The controller that knows the vector when INTR is up. */
IntAck pc_int_ack(Pc *pc);
/* Where the CPU's FERR# goes. */
IrqLine pc_ferr(Pc *pc);

/*
 * The reset button: every device to its power-on state. RAM, CMOS, media and the date stay. The CPU is the
 * caller's.
 */
void pc_reset(Pc *pc);
/* What the BIOS will boot from: as PcConfig.boot_order. */
void pc_set_boot_order(Pc *pc, const char *order);
/* Press the power button. False: the guest isn't listening. */
bool pc_power_button(Pc *pc);
/* An NMI, unless the guest masks them (port 70h). */
void pc_nmi(Pc *pc);

/* Connect an IDE drive, index 0..3 for hda..hdd, and tell CMOS. As ide_attach(). */
void pc_attach_ide(Pc *pc, unsigned index, IdeKind kind, BlockDev *image);
/* Put a diskette into floppy drive unit, one of PcConfig.floppies, and tell CMOS. As fdc_attach(). */
bool pc_attach_floppy(Pc *pc, unsigned unit, BlockDev *image, GError **error);

/*
 * What the user asked for: the command line, taken apart and checked. Plain data.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum DriveIf { DRIVE_IDE, DRIVE_FLOPPY, DRIVE_NONE } DriveIf;

typedef struct DriveConfig {
    char *file;    /* NULL: an empty drive (CD-ROM, floppy) */
    char *format;  /* NULL: probe */
    char *id;
    DriveIf iface;
    int index;     /* IDE: 0..3 = hda..hdd; floppy: 0..1; -1: the first free one */
    bool cdrom;
    bool read_only;
    bool snapshot;
} DriveConfig;

typedef struct VmConfig {
    GPtrArray *drives;    /* DriveConfig* */
    uint64_t ram_bytes;
    char *boot_order;     /* letters of a (floppy), c (disk), d (CD-ROM), n (network) */
    bool boot_menu;
    bool snapshot;        /* for every drive */
    char *kernel, *initrd, *append;
    bool nographic;
    GPtrArray *serials;   /* char*: -serial arguments in order */
    GPtrArray *parallels;
    char *debugcon;       /* chardev for port 402h */
    GPtrArray *devices;   /* char*: -device arguments */
    char *bios;
    char *cpu;
    char *vga;            /* std or none */
    char *display;        /* as -display takes it; NULL: the default for this host */
    bool full_screen;
    char *monitor;
    char *trace, *trace_file, *trace_filter; /* -d, -D, -dfilter */
    char *symbols;        /* an ELF file with names for the guest's addresses */
    char *triple_fault;   /* -action triple-fault=: reset, shutdown, pause; NULL: by no_reboot */
    bool explain;         /* -explain */
    char *qmp;            /* chardev of QMP */
    char *gdb;            /* chardev of the gdb stub */
    char *accel;          /* interp or translate; chaos=SEED is translate */
    uint64_t tb_bytes;    /* bound of the translation cache */
    bool accel_shadow;    /* run every block twice and compare */
    uint64_t accel_chaos; /* change engines at random from this seed; 0: don't */
    bool accel_stats;     /* print the engine's counters at the end */
    bool perf_map;
    char *rtc_base;
    char *name;
    bool no_reboot, no_shutdown;
    bool start_stopped;   /* -S */
} VmConfig;

void drive_config_free(DriveConfig *d);
VmConfig *vm_config_new(void);
void vm_config_free(VmConfig *c);

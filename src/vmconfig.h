/*
 * What the user asked for: the command line, taken apart and checked. Plain data; strings are g_malloc()ed, NULL when
 * not given.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define VM_SERIALS 4 /* ports the board has room for */
#define VM_PARALLELS 2
#define VM_DEBUGCONS 2

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

/* A -chardev, or what a name such as "mon:stdio" stands for. */
typedef struct ChardevConfig {
    char *id;
    char *dev;    /* as -serial takes it: "stdio", "file:PATH", "tcp:HOST:PORT,server=on"... */
    bool mux;     /* several front ends may share it */
    bool append;  /* a file is continued */
    bool signals; /* a terminal's Ctrl-C ends the program */
} ChardevConfig;

/* A debug console: bytes written to the port go to dev. */
typedef struct DebugconConfig {
    int port, readback;
    char *dev; /* as for -serial */
} DebugconConfig;

typedef struct VmConfig {
    GPtrArray *drives;    /* DriveConfig* */
    uint64_t ram_bytes;
    char *boot_order;     /* letters of a (floppy), c (disk), d (CD-ROM), n (network) */
    char *boot_once;      /* the same, until the first reset; NULL: as boot_order */
    bool boot_menu;
    bool snapshot;        /* for every drive */
    char *kernel, *initrd, *append;
    bool nographic;
    bool nodefaults;      /* no port, drive, display that was not asked for */
    GPtrArray *chardevs;  /* ChardevConfig* */
    GPtrArray *serials;   /* char*: -serial arguments in order */
    GPtrArray *parallels;
    GPtrArray *debugcons; /* DebugconConfig* */
    int debug_exit_port;  /* isa-debug-exit; 0: none */
    int debug_exit_size;
    bool testdev; /* pc-testdev */
    char *bios;
    char *cpu;
    char *vga;            /* std or none */
    char *display;        /* sdl, curses, none; NULL: the default for this host */
    bool full_screen, show_cursor, no_close; /* -display NAME,full-screen=,show-cursor=,window-close= */
    char *monitor;
    char *trace, *trace_file, *trace_filter; /* -d, -D, -dfilter */
    char *symbols;        /* an ELF file with names for the guest's addresses */
    char *triple_fault;   /* -action triple-fault=: reset, shutdown, pause; NULL: by no_reboot */
    bool explain;         /* -explain */
    char *qmp;            /* chardev of QMP */
    char *gdb;            /* chardev of the gdb stub */
    char *accel;          /* interp or translate; NULL: the default */
    char *direct;         /* direct execution: off, auto, on; NULL: the default */
    char *window;         /* shadow windows: off, auto, on; NULL: the default */
    int window_budget;    /* mappings; 0: by the host's limit */
    uint64_t tb_bytes;    /* bound of the translation cache */
    int slow;             /* the host's seconds in one of the guest's; 0: 1 */
    bool accel_shadow;    /* run every block twice and compare */
    uint64_t accel_chaos; /* change engines at random from this seed; 0: don't */
    bool accel_stats;     /* print the engine's counters at the end */
    bool perf_map;
    char *rtc_base;
    char *name;
    uint8_t uuid[16];     /* zeros: none */
    bool no_hpet, no_acpi;
    bool no_reboot, no_shutdown;
    bool start_stopped;   /* -S */
    bool daemonize;
    char *pidfile;
} VmConfig;

void drive_config_free(DriveConfig *d);
void chardev_config_free(ChardevConfig *c);
void debugcon_config_free(DebugconConfig *d);
VmConfig *vm_config_new(void);
void vm_config_free(VmConfig *c);

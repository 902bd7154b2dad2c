/*
 * What programs and the kernel agree on. A system call is INT 80h with its number in EAX and its arguments in EBX, ECX
 * and EDX; the result comes in EAX, negative when it failed.
 */
#ifndef DEMO_ABI_H
#define DEMO_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_BYTES 16
#define LINE_BYTES 128

enum {
    SYS_EXIT,     /* status */
    SYS_WRITE,    /* bytes, count: to the console */
    SYS_READ,     /* bytes, room: a line from the console; 0 at its end (Ctrl-D) */
    SYS_FORK,     /* pid of the child, 0 in the child */
    SYS_EXEC,     /* file's name, argument text: does not return when it succeeds */
    SYS_WAIT,     /* pid or ANY_CHILD, &status, flags: the pid that ended, 0 with NO_HANG when none did yet */
    SYS_KILL,     /* pid */
    SYS_GETPID,
    SYS_YIELD,
    SYS_SLEEP,    /* milliseconds */
    SYS_UPTIME,   /* milliseconds */
    SYS_MAP,      /* bytes: address of fresh memory that is zero, 0 when there is none; it takes frames when touched */
    SYS_FILE_INFO, /* index in the directory, FileInfo * */
    SYS_FILE_READ, /* FileRead * */
    SYS_PROCESSES, /* ProcessInfo *, room: number of processes */
    SYS_SYSTEM,   /* SystemInfo * */
    SYS_MACHINE,  /* MACHINE_... */
    SYS_COUNT
};

enum { MACHINE_POWEROFF, MACHINE_REBOOT, MACHINE_TRIPLE_FAULT };

#define ANY_CHILD -1
#define NO_HANG 1
#define STATUS_KILLED -1 /* wait()'s status of a process that did not call exit() */

typedef struct FileInfo {
    char name[24];
    uint32_t sector; /* on the disk: first sector, the rest follow */
    uint32_t bytes;
} FileInfo;

typedef struct FileRead {
    const char *name;
    uint32_t offset;
    void *bytes;
    uint32_t count;
} FileRead;

typedef struct ProcessInfo {
    int pid, parent;
    char name[NAME_BYTES];
    char state[8]; /* "ready", "sleeps", "zombie" */
    char ring[8];  /* "0", "3", "V8086" */
    uint32_t ticks, pages, syscalls, faults;
} ProcessInfo;

typedef struct SystemInfo {
    uint32_t frames, free_frames;                    /* of 4 KiB */
    uint32_t timer, keyboard, serial, disk;          /* interrupts */
    uint32_t demand_zero, demand_file, copy_on_write; /* page faults that gave memory */
    uint32_t syscalls, switches, v8086_traps;
    uint32_t idle_ticks, ticks;
} SystemInfo;

#endif

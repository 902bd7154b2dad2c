/*
 * The kernel's own interfaces, file by file, from the hardware up.
 *
 * There is one machine and one kernel on it, so its state is static in the file that owns it. Interrupts are off while
 * the kernel runs, except in process 0, which idles: so there is no locking, and whoever must wait sleeps and lets
 * others run.
 */
#ifndef DEMO_KERNEL_H
#define DEMO_KERNEL_H

#include <stdarg.h>

#include "abi.h"
#include "kernel/layout.h"

#define PAGE_BYTES 4096u
#define SECTOR_BYTES 512u
#define TICKS_PER_SECOND 100u
#define FLAG_IF 0x200u
#define FLAG_VM 0x20000u

/* ---- the CPU ---- */

static inline void outb(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline void outw(uint16_t port, uint16_t value) { asm volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
static inline void outl(uint16_t port, uint32_t value) { asm volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint16_t inw(uint16_t port)
{
    uint16_t value;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t inl(uint16_t port)
{
    uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* What the kernel stack holds of whoever was interrupted: entry.S pushes it up to error, the CPU pushed the rest. */
typedef struct Frame {
    uint32_t edi, esi, ebp, unused_esp, ebx, edx, ecx, eax;
    uint32_t gs, fs, es, ds;
    uint32_t vector, error;
    uint32_t eip, cs, eflags;
    uint32_t esp, ss;                  /* from ring 3 and V8086 only */
    uint32_t v_es, v_ds, v_fs, v_gs;   /* from V8086 only (SDM 3A 20.2.3) */
} Frame;

/* ---- segments.c: GDT, IDT, TSS ---- */
void segments_init(void);
void segments_set_kernel_stack(uint32_t esp0);
void segments_forget(void); /* the IDT is gone: the next exception is a triple fault */

/* ---- trap.c ---- */
extern SystemInfo counters;
void trap(Frame *f);
void trap_return(void);
void context_switch(uint32_t *save, uint32_t load);
_Noreturn void panic(const char *format, ...);

/* ---- timer.c, the PIC and the PIT ---- */
void timer_init(void);
void timer_interrupt(void);
uint32_t timer_ticks(void);
void pic_unmask(int irq);
void pic_acknowledge(int irq);

/* ---- console.c, serial.c, keyboard.c ---- */
void console_init(void);
void console_put(char c);
void console_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_receive(char c);   /* a character was typed */
bool console_has_room(void);    /* for one more */
int console_read(char *bytes, int room);
void console_set_foreground(int pid); /* whom Ctrl-C ends */
void serial_init(void);
void serial_put(char c);
void serial_interrupt(void);
void keyboard_init(void);
void keyboard_interrupt(void);

/* ---- format.c, shared with programs ---- */
void format(void (*put)(void *to, char c), void *to, const char *text, va_list values);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
void *memmove(void *to, const void *from, size_t n);

/* ---- frames.c: physical memory, in frames of 4 KiB that are counted ---- */
void frames_init(uint32_t memory_kib);
uint32_t frame_new(void);            /* physical address, zeroed, 1 reference; 0 when memory is full */
void frame_share(uint32_t frame);    /* 1 reference more */
void frame_release(uint32_t frame);
unsigned frame_references(uint32_t frame);
static inline void *frame_pointer(uint32_t physical) { return (void *)(physical + KERNEL_BASE); }

/* ---- space.c: address spaces ---- */
#define REGIONS 8
typedef enum RegionKind { REGION_NONE, REGION_MEMORY, REGION_FILE, REGION_PHYSICAL } RegionKind;

typedef struct Region {
    RegionKind kind;
    bool writable;
    uint32_t start, end;         /* whole pages */
    const FileInfo *file;        /* REGION_FILE: where its bytes come from, up to file_end; zeros follow */
    uint32_t file_offset, file_end;
} Region;

typedef struct Space {
    uint32_t directory;          /* physical address: CR3 */
    uint32_t pages, faults;
    Region regions[REGIONS];
} Space;

bool space_new(Space *s);
bool space_fork(Space *child, Space *parent);
void space_free(Space *s);
Region *space_add(Space *s, RegionKind kind, uint32_t start, uint32_t end, bool writable);
uint32_t space_map(Space *s, uint32_t bytes);
bool space_allows(const Space *s, uint32_t start, uint32_t bytes, bool write);
bool space_resolve_fault(Space *s, uint32_t address, bool write);
void space_use(uint32_t directory);

/* ---- disk.c, files.c ---- */
void disk_init(void);
void disk_interrupt(void);
bool disk_read(uint32_t sector, uint32_t count, void *to);
void files_init(uint32_t first_sector);
const FileInfo *file_at(unsigned index);
const FileInfo *file_find(const char *name);
int file_read(const FileInfo *f, uint32_t offset, void *to, uint32_t count);

/* ---- process.c ---- */
typedef enum ProcessState { PROCESS_FREE, PROCESS_READY, PROCESS_SLEEPING, PROCESS_ZOMBIE } ProcessState;

typedef struct Process {
    uint8_t fpu[512] __attribute__((aligned(16))); /* FXSAVE's area */
    int pid, parent;
    ProcessState state;
    const void *waits_for;   /* when sleeping: what wake() will name */
    uint32_t wake_tick;      /* or when */
    bool killed;
    int status;              /* a zombie's */
    uint32_t kernel_esp;     /* where context_switch left it */
    uint32_t stack;          /* frame of the kernel stack */
    Space space;
    bool v8086, v_if;        /* a V8086 task and its own idea of the interrupt flag */
    uint32_t ticks, syscalls;
    char name[NAME_BYTES];
} Process;

#define FOREVER 0u

extern Process *current;
void process_init(void (*first)(void)); /* makes process 0, which is the caller, and process 1, which begins in first */
int process_fork(Frame *f);
int process_wait(int pid, int *status, int flags);
_Noreturn void process_exit(int status);
int process_kill(int pid);
void process_sleep(const void *what, uint32_t until_tick); /* until woken, killed, or then */
void process_wake(const void *what);
void process_tick(void);
void process_yield(void);
int process_list(ProcessInfo *info, int room);
Frame *process_frame(Process *p);
void process_enter_program(bool v8086);
uint32_t process_idle_ticks(void);

/* ---- program.c: exec; syscall.c; v8086.c; power.c ---- */
int program_exec(const char *name, const char *arguments);
void syscall(Frame *f);
bool v8086_monitor(Frame *f);
_Noreturn void power_off(void);
_Noreturn void power_reboot(void);

#endif

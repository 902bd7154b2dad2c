/* What programs have: the system calls (abi.h), printing, and the time stamp counter. */
#ifndef DEMO_LIB_H
#define DEMO_LIB_H

#include <stdarg.h>

#include "abi.h"

#define PAGE_BYTES 4096u

static inline int system_call(int number, uint32_t b, uint32_t c, uint32_t d)
{
    int result;
    asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(b), "c"(c), "d"(d) : "memory");
    return result;
}

static inline _Noreturn void exit(int status)
{
    for (;;)
        system_call(SYS_EXIT, status, 0, 0);
}

static inline int write(const char *bytes, uint32_t n) { return system_call(SYS_WRITE, (uint32_t)bytes, n, 0); }
static inline int read(char *bytes, uint32_t room) { return system_call(SYS_READ, (uint32_t)bytes, room, 0); }
static inline int fork(void) { return system_call(SYS_FORK, 0, 0, 0); }
static inline int kill(int pid) { return system_call(SYS_KILL, pid, 0, 0); }
static inline int getpid(void) { return system_call(SYS_GETPID, 0, 0, 0); }
static inline int yield(void) { return system_call(SYS_YIELD, 0, 0, 0); }
static inline int sleep_ms(uint32_t ms) { return system_call(SYS_SLEEP, ms, 0, 0); }
static inline uint32_t uptime_ms(void) { return system_call(SYS_UPTIME, 0, 0, 0); }
static inline void *map(uint32_t bytes) { return (void *)system_call(SYS_MAP, bytes, 0, 0); }
static inline int system_info(SystemInfo *info) { return system_call(SYS_SYSTEM, (uint32_t)info, 0, 0); }
static inline int machine(int what) { return system_call(SYS_MACHINE, what, 0, 0); }

static inline int exec(const char *name, const char *arguments)
{
    return system_call(SYS_EXEC, (uint32_t)name, (uint32_t)arguments, 0);
}

static inline int wait(int pid, int *status, int flags)
{
    return system_call(SYS_WAIT, pid, (uint32_t)status, flags);
}

static inline int processes(ProcessInfo *info, int room)
{
    return system_call(SYS_PROCESSES, (uint32_t)info, room, 0);
}

static inline int file_info(int index, FileInfo *info)
{
    return system_call(SYS_FILE_INFO, index, (uint32_t)info, 0);
}

static inline int file_read(const char *name, uint32_t offset, void *bytes, uint32_t count)
{
    FileRead r = {name, offset, bytes, count};
    return system_call(SYS_FILE_READ, (uint32_t)&r, 0, 0);
}

static inline uint64_t cycles(void)
{
    uint64_t tsc;
    asm volatile("rdtsc" : "=A"(tsc));
    return tsc;
}

/* Division of 64 by 32 bits that is known to fit 32: the CPU's own DIV, no library. */
static inline uint32_t divide(uint64_t value, uint32_t by)
{
    uint32_t quotient, rest;
    asm("divl %4" : "=a"(quotient), "=d"(rest) : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "r"(by));
    return quotient;
}

int main(char *arguments); /* every program's */
void print(const char *text, ...) __attribute__((format(printf, 1, 2)));
uint32_t number(const char *text, uint32_t otherwise);

size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);

#endif

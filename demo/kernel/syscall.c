/*
 * System calls: INT 80h looks the number in EAX up in a table. Whatever a program points to is checked before it is
 * used.
 */
#include "kernel/kernel.h"

#define FAILED -1

typedef int Syscall(Frame *f);

/* Copy a string of the program's; false when it is not all there or does not fit. */
static bool copy_string(char *to, uint32_t room, uint32_t from)
{
    for (uint32_t n = 0; n < room; n++) {
        if (!space_allows(&current->space, from + n, 1, false))
            return false;
        to[n] = *(const char *)(from + n);
        if (!to[n])
            return true;
    }
    return false;
}

static bool may_write(uint32_t to, uint32_t bytes)
{
    return space_allows(&current->space, to, bytes, true);
}

static int sys_exit(Frame *f)
{
    process_exit(f->ebx);
}

static int sys_write(Frame *f)
{
    if (!space_allows(&current->space, f->ebx, f->ecx, false))
        return FAILED;
    for (uint32_t n = 0; n < f->ecx; n++)
        console_put(((const char *)f->ebx)[n]);
    return f->ecx;
}

static int sys_read(Frame *f)
{
    return f->ecx <= INT32_MAX && may_write(f->ebx, f->ecx) ? console_read((char *)f->ebx, f->ecx) : FAILED;
}

static int sys_fork(Frame *f)
{
    return process_fork(f);
}

static int sys_exec(Frame *f)
{
    char name[sizeof(FileInfo){0}.name], arguments[LINE_BYTES];
    if (!copy_string(name, sizeof name, f->ebx) || !copy_string(arguments, sizeof arguments, f->ecx))
        return FAILED;
    return program_exec(name, arguments);
}

static int sys_wait(Frame *f)
{
    int status = 0;
    if (!may_write(f->ecx, sizeof status))
        return FAILED;
    int pid = process_wait(f->ebx, &status, f->edx);
    *(int *)f->ecx = status;
    return pid;
}

static int sys_kill(Frame *f)
{
    return process_kill(f->ebx);
}

static int sys_getpid(Frame *f)
{
    return current->pid;
}

static int sys_yield(Frame *f)
{
    process_yield();
    return 0;
}

static int sys_sleep(Frame *f)
{
    uint32_t until = timer_ticks() + f->ebx / (1000 / TICKS_PER_SECOND) + 1;
    while ((int32_t)(timer_ticks() - until) < 0 && !current->killed)
        process_sleep(&counters.timer, until ? until : 1);
    return 0;
}

static int sys_uptime(Frame *f)
{
    return timer_ticks() * (1000 / TICKS_PER_SECOND);
}

static int sys_map(Frame *f)
{
    return space_map(&current->space, f->ebx);
}

static int sys_file_info(Frame *f)
{
    const FileInfo *file = file_at(f->ebx);
    if (!file || !may_write(f->ecx, sizeof *file))
        return FAILED;
    *(FileInfo *)f->ecx = *file;
    return 0;
}

static int sys_file_read(Frame *f)
{
    char name[sizeof(FileInfo){0}.name];
    if (!space_allows(&current->space, f->ebx, sizeof(FileRead), false))
        return FAILED;
    FileRead r = *(const FileRead *)f->ebx;
    if (!copy_string(name, sizeof name, (uint32_t)r.name) || !may_write((uint32_t)r.bytes, r.count))
        return FAILED;
    const FileInfo *file = file_find(name);
    return file ? file_read(file, r.offset, r.bytes, r.count) : FAILED;
}

static int sys_processes(Frame *f)
{
    if (f->ecx > 1024 || !may_write(f->ebx, f->ecx * sizeof(ProcessInfo)))
        return FAILED;
    return process_list((ProcessInfo *)f->ebx, f->ecx);
}

static int sys_system(Frame *f)
{
    if (!may_write(f->ebx, sizeof counters))
        return FAILED;
    counters.ticks = timer_ticks();
    counters.idle_ticks = process_idle_ticks();
    *(SystemInfo *)f->ebx = counters;
    return 0;
}

static int sys_machine(Frame *f)
{
    switch (f->ebx) {
    case MACHINE_POWEROFF: power_off();
    case MACHINE_REBOOT: power_reboot();
    case MACHINE_TRIPLE_FAULT: segments_forget(); asm volatile("ud2");
    }
    return FAILED;
}

static Syscall *const table[SYS_COUNT] = {
    [SYS_EXIT] = sys_exit, [SYS_WRITE] = sys_write, [SYS_READ] = sys_read, [SYS_FORK] = sys_fork, [SYS_EXEC] = sys_exec,
    [SYS_WAIT] = sys_wait, [SYS_KILL] = sys_kill, [SYS_GETPID] = sys_getpid, [SYS_YIELD] = sys_yield,
    [SYS_SLEEP] = sys_sleep, [SYS_UPTIME] = sys_uptime, [SYS_MAP] = sys_map, [SYS_FILE_INFO] = sys_file_info,
    [SYS_FILE_READ] = sys_file_read,
    [SYS_PROCESSES] = sys_processes, [SYS_SYSTEM] = sys_system, [SYS_MACHINE] = sys_machine,
};

void syscall(Frame *f)
{
    counters.syscalls++;
    current->syscalls++;
    if (f->eax >= SYS_COUNT) {
        f->eax = FAILED;
        return;
    }
    int result = table[f->eax](f);
    if (f->vector == SYSCALL_VECTOR) /* not after exec, which made a new frame */
        f->eax = result;
}

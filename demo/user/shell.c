/*
 * The shell, process 1. What it does not know itself it looks for on the disk and runs in a child. It tells what of
 * the machine below each demonstration keeps busy: that is the point of this system.
 */
#include "user/lib.h"

typedef void BuiltIn(char *arguments);

typedef struct Command {
    const char *name, *help;
    const char *monitor; /* the mechanism of x86vm that it exercises */
    BuiltIn *run;        /* NULL: a program on the disk */
} Command;

static BuiltIn do_help, do_ls, do_cat, do_ps, do_mem, do_kill, do_uptime, do_triple, do_reboot, do_poweroff;

static const Command commands[] = {
    {"help", "this list; help NAME tells what a command exercises", NULL, do_help},
    {"ls", "files on the disk", NULL, do_ls},
    {"cat", "FILE: show a text file", "IDE: programmed I/O, and an interrupt for every sector", do_cat},
    {"ps", "processes", NULL, do_ps},
    {"mem", "memory, and what the kernel has counted", NULL, do_mem},
    {"kill", "PID: end a process", NULL, do_kill},
    {"uptime", "time since the timer began", NULL, do_uptime},
    {"sieve", "primes below a million: integers",
     "translation cache: a hot loop of copied instructions, chained; loads and stores through the inline TLB", NULL},
    {"sort", "sorting: calls and returns",
     "translation cache: calls chained, returns found in a table by address", NULL},
    {"nbody", "planets: x87 floating point", "x87 state in the host's registers; exact 80-bit arithmetic", NULL},
    {"mandel", "the Mandelbrot set: SSE2", "SSE instructions copied to the host's CPU", NULL},
    {"race", "two processes, one CPU: pre-emption",
     "timer interrupts taken in the middle of chained blocks; CR3 loads", NULL},
    {"fork", "copy on write", "page faults, TLB flushes; write-protected pages that become writable", NULL},
    {"pagefaults", "demand paging, timed", "page walks; precise state at a faulting instruction", NULL},
    {"syscalls", "system calls, timed",
     "INT 80h and IRET: gates, stack switch by TSS, within the translation cache", NULL},
    {"selfmod", "code that changes itself",
     "write watches on pages of code: translations are thrown away, the running one too", NULL},
    {"jit", "code made while running", "new code in data pages: translated when first run", NULL},
    {"fault", "[KIND]: programs that do what they must not",
     "exceptions: error codes, CR2, the faulting EIP", NULL},
    {"v86", "a 16-bit program that calls the BIOS",
     "the V8086 variant of the translator; #GP for the sensitive instructions", NULL},
    {"hlt", "sleep: the CPU halts", "HLT: the monitor's thread waits, the host's CPU is free", NULL},
    {"spin", "loop for ever; try spin &, ps, kill",
     "what direct execution is for: an address space that only computes", NULL},
    {"triple", "triple fault: the CPU gives up", "x86vm's explanation of triple faults", do_triple},
    {"reboot", "start again", "the keyboard controller's reset line", do_reboot},
    {"poweroff", "switch off", "ACPI: PM1a control", do_poweroff},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static const Command *find_command(const char *name)
{
    for (const Command *c = commands; c < commands + COMMANDS; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

static void do_help(char *arguments)
{
    const Command *one = find_command(arguments);
    if (one) {
        print("%s  %s\n", one->name, one->help);
        if (one->monitor)
            print("  exercises %s\n", one->monitor);
        return;
    }
    for (const Command *c = commands; c < commands + COMMANDS; c++)
        print("%-11s %s\n", c->name, c->help);
    print("A & at the end leaves a program in the background; Ctrl-C ends the one in front.\n");
}

static void do_ls(char *arguments)
{
    FileInfo f;
    for (int n = 0; file_info(n, &f) == 0; n++)
        print("%6u %s\n", f.bytes, f.name);
}

static void do_cat(char *arguments)
{
    char bytes[512];
    int n = 0;
    for (uint32_t at = 0; (n = file_read(arguments, at, bytes, sizeof bytes)) > 0; at += n)
        write(bytes, n);
    if (n < 0)
        print("cat: there is no file %s; ls lists them\n", arguments);
}

static void do_ps(char *arguments)
{
    static ProcessInfo list[32];
    int n = processes(list, 32);
    print("  PID PARENT STATE  RING  CPU ms PAGES FAULTS  CALLS NAME\n");
    for (ProcessInfo *p = list; p < list + n; p++)
        print("%5d %6d %-6s %-5s %6u %5u %6u %6u %s\n", p->pid, p->parent, p->state, p->ring, p->ticks * 10,
              p->pages, p->faults, p->syscalls, p->name);
}

static void do_mem(char *arguments)
{
    SystemInfo s;
    system_info(&s);
    print("frames of 4 KiB   %u, %u free\n", s.frames, s.free_frames);
    print("pages brought     %u zeroed, %u from files, %u copied on write\n", s.demand_zero, s.demand_file,
          s.copy_on_write);
    print("interrupts        %u timer, %u keyboard, %u serial, %u disk\n", s.timer, s.keyboard, s.serial, s.disk);
    print("switches          %u; %u of %u ticks idle\n", s.switches, s.idle_ticks, s.ticks);
    print("system calls      %u; V8086 traps %u\n", s.syscalls, s.v8086_traps);
}

static void tell_ended(int pid, int status)
{
    if (status == STATUS_KILLED)
        print("[%d] killed\n", pid);
    else if (status)
        print("[%d] ended with status %d\n", pid, status);
}

/* What is killed ends when it has its turn: the shell waits, so that the next ps tells of it no more. */
static void do_kill(char *arguments)
{
    int status, pid = number(arguments, 0);
    if (kill(pid) < 0)
        print("kill: there is no process %s that may be ended; ps lists them\n", arguments);
    else if (wait(pid, &status, 0) == pid)
        tell_ended(pid, status);
}

static void do_uptime(char *arguments)
{
    print("%u ms\n", uptime_ms());
}

static void do_triple(char *arguments)
{
    machine(MACHINE_TRIPLE_FAULT);
}

static void do_reboot(char *arguments)
{
    machine(MACHINE_REBOOT);
}

static void do_poweroff(char *arguments)
{
    machine(MACHINE_POWEROFF);
}

static void run(const char *name, const char *arguments, bool background)
{
    int status, pid = fork();
    if (pid == 0) {
        exec(name, arguments);
        print("%s: no such command; help lists them\n", name);
        exit(127);
    }
    if (pid < 0)
        print("%s: no process or memory is left for it\n", name);
    else if (background)
        print("[%d] %s\n", pid, name);
    else if (wait(pid, &status, 0) == pid && status != 127)
        tell_ended(pid, status);
}

/* Cut the first word off: returns what follows it. */
static char *cut_word(char *text)
{
    while (*text && *text != ' ')
        text++;
    while (*text == ' ')
        *text++ = 0;
    return text;
}

static void obey(char *line)
{
    char *end = line + strlen(line);
    bool background = false;
    while (end > line && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '&')) {
        background |= end[-1] == '&';
        *--end = 0;
    }
    while (*line == ' ')
        line++;
    if (!*line)
        return;
    char *arguments = cut_word(line);
    if (!strcmp(line, "run")) {
        line = arguments;
        arguments = cut_word(line);
    }
    const Command *c = find_command(line);
    if (c && c->monitor)
        print("  exercises %s\n", c->monitor);
    if (c && c->run)
        c->run(arguments);
    else
        run(c && !strcmp(line, "v86") ? "v86.com" : line, arguments, background);
}

int main(char *arguments)
{
    char line[LINE_BYTES];
    int pid, status, n;
    print("Type help for what there is to see.\n");
    for (;;) {
        while ((pid = wait(ANY_CHILD, &status, NO_HANG)) > 0) {
            print("[%d] done\n", pid);
            tell_ended(pid, status);
        }
        print("demo> ");
        n = read(line, sizeof line - 1);
        if (n <= 0) {
            print("(poweroff switches off)\n");
            continue;
        }
        line[n] = 0;
        obey(line);
    }
}

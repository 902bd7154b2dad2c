/*
 * Processes: a table of them, each with its address space and its own kernel stack. Changing from one to another is
 * changing kernel stacks (context_switch in entry.S): whoever calls process_yield() returns from it when its turn
 * comes again.
 *
 * The turn goes round the table. The timer takes the CPU from programs 100 times a second; in the kernel a process
 * keeps it until it sleeps. Process 0 runs when nobody else can, and halts the CPU until the next interrupt.
 */
#include "kernel/kernel.h"

#define PROCESSES 32
#define SHELL 1

/* In V8086 mode the CPU pushes four segment registers more, up to the stack's top. ESP0 of all others is as much lower:
 * so a Frame is always in the same place, and exec can turn a process into a V8086 task. */
#define V8086_BYTES (sizeof(Frame) - offsetof(Frame, v_es))

Process *current;
static Process processes[PROCESSES];
static uint8_t clean_fpu[512] __attribute__((aligned(16)));
static int last_pid = SHELL;

static void fpu_save(uint8_t *to) { asm volatile("fxsave %0" : "=m"(*(uint8_t(*)[512])to)); }
static void fpu_load(const uint8_t *from) { asm volatile("fxrstor %0" : : "m"(*(const uint8_t(*)[512])from)); }

static uint32_t stack_top(const Process *p)
{
    return (uint32_t)frame_pointer(p->stack) + PAGE_BYTES;
}

Frame *process_frame(Process *p)
{
    return (Frame *)(stack_top(p) - sizeof(Frame));
}

static void use_kernel_stack(const Process *p)
{
    segments_set_kernel_stack(stack_top(p) - (p->v8086 ? 0 : V8086_BYTES));
}

static Process *process_find(int pid)
{
    for (Process *p = processes; p < processes + PROCESSES; p++)
        if (p->state != PROCESS_FREE && p->pid == pid)
            return p;
    return NULL;
}

static Process *next_ready(void)
{
    unsigned here = current - processes;
    for (unsigned n = 1; n <= PROCESSES; n++) {
        Process *p = processes + (here + n) % PROCESSES;
        if (p->state == PROCESS_READY && p->pid != 0)
            return p;
    }
    return processes;
}

void process_yield(void)
{
    Process *old = current, *next = next_ready();
    if (next == old)
        return;
    counters.switches++;
    current = next;
    fpu_save(old->fpu);
    fpu_load(next->fpu);
    use_kernel_stack(next);
    space_use(next->space.directory);
    context_switch(&old->kernel_esp, next->kernel_esp);
}

/* A free entry. When it first runs it returns into first, when there is one, and from there into trap_return. */
static Process *process_new(void (*first)(void))
{
    Process *p = processes;
    while (p < processes + PROCESSES && p->state != PROCESS_FREE)
        p++;
    if (p == processes + PROCESSES)
        return NULL;
    *p = (Process){.stack = frame_new()};
    if (!p->stack)
        return NULL;
    uint32_t *stack = (uint32_t *)process_frame(p);
    *--stack = (uint32_t)trap_return;
    if (first)
        *--stack = (uint32_t)first;
    p->kernel_esp = (uint32_t)(stack - 4); /* what context_switch pops: EDI, ESI, EBX, EBP */
    memcpy(p->fpu, clean_fpu, sizeof p->fpu);
    return p;
}

void process_init(void (*first)(void))
{
    const uint32_t mxcsr = 0x1f80;
    asm volatile("fninit\n ldmxcsr %0" : : "m"(mxcsr));
    fpu_save(clean_fpu);

    current = processes;
    *current = (Process){.state = PROCESS_READY, .name = "idle"};
    asm volatile("movl %%cr3, %0" : "=r"(current->space.directory));

    Process *shell = process_new(first);
    if (!shell || !space_new(&shell->space))
        panic("there is too little memory");
    shell->pid = SHELL;
    shell->state = PROCESS_READY;
}

int process_fork(Frame *f)
{
    Process *child = process_new(NULL);
    if (!child)
        return -1;
    if (!space_fork(&child->space, &current->space)) {
        frame_release(child->stack);
        return -1;
    }
    *process_frame(child) = *f;
    process_frame(child)->eax = 0;
    fpu_save(child->fpu);
    memcpy(child->name, current->name, NAME_BYTES);
    child->pid = ++last_pid;
    child->parent = current->pid;
    child->state = PROCESS_READY;
    return child->pid;
}

/* The process becomes another program: nothing of the old one's x87 and SSE state is left. */
void process_enter_program(bool v8086)
{
    current->v8086 = v8086;
    current->v_if = true;
    fpu_load(clean_fpu);
    use_kernel_stack(current);
}

void process_exit(int status)
{
    if (current->pid == SHELL)
        panic("the shell has ended");
    for (Process *p = processes; p < processes + PROCESSES; p++)
        if (p->parent == current->pid)
            p->parent = SHELL;
    space_free(&current->space);
    current->space.directory = processes->space.directory;
    current->status = status;
    current->state = PROCESS_ZOMBIE;
    process_wake(process_find(current->parent));
    process_wake(process_find(SHELL));
    process_yield();
    panic("a zombie walks");
}

int process_wait(int pid, int *status, int flags)
{
    for (;;) {
        bool children = false;
        for (Process *p = processes; p < processes + PROCESSES; p++) {
            if (p->state == PROCESS_FREE || p->pid == 0 || p->parent != current->pid)
                continue;
            if (pid != ANY_CHILD && pid != p->pid)
                continue;
            children = true;
            if (p->state != PROCESS_ZOMBIE)
                continue;
            *status = p->status;
            frame_release(p->stack);
            p->state = PROCESS_FREE;
            return p->pid;
        }
        if (!children || current->killed)
            return -1;
        if (flags & NO_HANG)
            return 0;
        if (current->pid == SHELL)
            console_set_foreground(pid);
        process_sleep(current, FOREVER);
        console_set_foreground(0);
    }
}

int process_kill(int pid)
{
    Process *p = process_find(pid);
    if (!p || pid <= SHELL || p->state == PROCESS_ZOMBIE)
        return -1;
    p->killed = true; /* it ends when it leaves the kernel */
    if (p->state == PROCESS_SLEEPING)
        p->state = PROCESS_READY;
    return 0;
}

void process_sleep(const void *what, uint32_t until_tick)
{
    current->waits_for = what;
    current->wake_tick = until_tick;
    current->state = PROCESS_SLEEPING;
    process_yield();
}

void process_wake(const void *what)
{
    for (Process *p = processes; p < processes + PROCESSES; p++)
        if (p->state == PROCESS_SLEEPING && p->waits_for == what)
            p->state = PROCESS_READY;
}

void process_tick(void)
{
    current->ticks++;
    for (Process *p = processes; p < processes + PROCESSES; p++)
        if (p->state == PROCESS_SLEEPING && p->wake_tick != FOREVER && (int32_t)(timer_ticks() - p->wake_tick) >= 0)
            p->state = PROCESS_READY;
}

uint32_t process_idle_ticks(void)
{
    return processes->ticks;
}

static void copy_name(char *to, const char *from)
{
    memcpy(to, from, strlen(from) + 1);
}

int process_list(ProcessInfo *info, int room)
{
    static const char *const states[] = {"", "ready", "sleeps", "zombie"};
    int n = 0;
    for (const Process *p = processes; p < processes + PROCESSES && n < room; p++) {
        if (p->state == PROCESS_FREE)
            continue;
        info[n] = (ProcessInfo){p->pid, p->parent, "", "", "", p->ticks, p->space.pages, p->syscalls, p->space.faults};
        copy_name(info[n].name, p->name);
        copy_name(info[n].state, p == current ? "runs" : states[p->state]);
        copy_name(info[n].ring, p->pid == 0 ? "0" : p->v8086 ? "V8086" : "3");
        n++;
    }
    return n;
}

/*
 * Whatever takes the CPU from a program comes here: exceptions, interrupts, system calls. On the way out, a process
 * that was killed ends, and a timer tick lets the next one run.
 */
#include "kernel/kernel.h"

#define VECTOR_PAGE_FAULT 14
#define VECTOR_PROTECTION 13
#define VECTOR_IRQ 32
#define PAGE_FAULT_PRESENT 1u
#define PAGE_FAULT_WRITE 2u

enum { IRQ_TIMER = 0, IRQ_KEYBOARD = 1, IRQ_SERIAL = 4, IRQ_DISK = 14 };

SystemInfo counters;

static const char *const exception_names[] = {
    "#DE divide error", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow", "#BR bound", "#UD invalid opcode",
    "#NM no x87", "#DF double fault", "x87 segment overrun", "#TS invalid TSS", "#NP segment not present",
    "#SS stack", "#GP general protection", "#PF page fault", "reserved", "#MF x87 error", "#AC alignment",
    "#MC machine check", "#XM SSE error",
};
#define EXCEPTIONS (sizeof exception_names / sizeof *exception_names)

static bool from_program(const Frame *f)
{
    return (f->cs & 3) == 3 || (f->eflags & FLAG_VM);
}

static uint32_t fault_address(void)
{
    uint32_t address;
    asm volatile("movl %%cr2, %0" : "=r"(address));
    return address;
}

void panic(const char *text, ...)
{
    console_printf("kernel panic: %s\n", text);
    for (;;)
        asm volatile("cli\n hlt");
}

static void report(const Frame *f, uint32_t address)
{
    const char *name = f->vector < EXCEPTIONS ? exception_names[f->vector] : "exception";
    console_printf("%s (%d): %s at %04x:%08x", current->name, current->pid, name, f->cs, f->eip);
    if (f->vector == VECTOR_PAGE_FAULT)
        console_printf(", %s %08x, %s", f->error & PAGE_FAULT_WRITE ? "writing" : "reading", address,
                       f->error & PAGE_FAULT_PRESENT ? "protected" : "nothing there");
    console_printf("\n");
}

static void exception(Frame *f)
{
    uint32_t address = fault_address(); /* before anything else can fault */
    if (f->vector == VECTOR_PAGE_FAULT && space_resolve_fault(&current->space, address, f->error & PAGE_FAULT_WRITE))
        return;
    if (f->vector == VECTOR_PROTECTION && (f->eflags & FLAG_VM) && v8086_monitor(f))
        return;
    report(f, address);
    if (!from_program(f) && address >= KERNEL_BASE)
        panic("the fault is the kernel's own");
    process_exit(STATUS_KILLED);
}

static void interrupt(int irq)
{
    pic_acknowledge(irq);
    switch (irq) {
    case IRQ_TIMER: timer_interrupt(); break;
    case IRQ_KEYBOARD: keyboard_interrupt(); break;
    case IRQ_SERIAL: serial_interrupt(); break;
    case IRQ_DISK: disk_interrupt(); break;
    }
}

void trap(Frame *f)
{
    if (f->vector == SYSCALL_VECTOR)
        syscall(f);
    else if (f->vector >= VECTOR_IRQ)
        interrupt(f->vector - VECTOR_IRQ);
    else
        exception(f);

    /* An interrupt may have made somebody ready. The kernel is not pre-empted, but process 0 is always glad to stop. */
    if (f->vector >= VECTOR_IRQ && f->vector != SYSCALL_VECTOR && (from_program(f) || current->pid == 0))
        process_yield();
    if (from_program(f) && current->killed)
        process_exit(STATUS_KILLED);
}

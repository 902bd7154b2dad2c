/*
 * A bare-metal guest that times single privileged operations, as in Adams and Agesen, "A Comparison of Software and
 * Hardware Techniques for x86 Virtualization" (ASPLOS 2006), figure 4. Loaded by -kernel (Multiboot); prints a line for each,
 * "nano NAME PICOSECONDS", on the first serial port and ends by isa-debug-exit at 501h.
 *
 *   syscall  INT 80h from ring 3 to ring 0 and IRET back
 *   in       IN from port 80h
 *   clts     CLTS (cr8wr exists in 64-bit mode only)
 *   callret  an indirect call and its return
 *   pgfault  a read of an absent page; the handler skips it
 *   divzero  a division by zero; the handler skips it
 *   ptemod   another frame into a page table entry, INVLPG, a read through it
 *   apicid   a read of the local APIC's ID register, by which kernels ask which processor they are on
 *   apiceoi  a write to its EOI register
 *
 * Time is the ACPI timer's, 3.579545 MHz at port 608h, where both firmwares put it.
 */
#include <stdint.h>

#define PM_TIMER 0x608
#define PM_HZ 3579545u
#define DEBUG_EXIT 0x501
#define COM1 0x3f8

#define SPARE 0x800000u /* linear: its page table starts empty */
#define LAPIC 0xfee00000u
#define LAPIC_AT (SPARE + 0x20000)
#define PTE 7u          /* present, writable, user */

enum { KERNEL_CS = 0x08, KERNEL_DS = 0x10, USER_CS = 0x1b, USER_DS = 0x23, TSS = 0x28 };

static uint64_t gdt[6] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff, 0};
static uint64_t idt[256];
static uint32_t tss[26];
static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t table[3][1024] __attribute__((aligned(4096)));
static uint8_t frames[2][4096] __attribute__((aligned(4096)));
static uint8_t kernel_stack[4096] __attribute__((aligned(16))), user_stack[4096] __attribute__((aligned(16)));

static inline void outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
static inline uint8_t inb(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint32_t ticks(void)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"((uint16_t)PM_TIMER));
    return value & 0xffffff;
}

static void put(const char *s)
{
    for (; *s; s++) {
        while (!(inb(COM1 + 5) & 0x20))
            ;
        outb(COM1, *s);
    }
}

static void put_number(uint64_t n)
{
    char text[24], *p = text + sizeof text - 1;
    *p = 0;
    do
        *--p = '0' + n % 10;
    while (n /= 10);
    put(p);
}

/* ---- entry, handlers, and the way to ring 3 and back ---- */

void enter_user(void (*code)(void), void *stack);
extern char on_int80[], on_page_fault[], on_divide[], on_other[];
extern void call_target(void);

__asm__(
    ".section .multiboot, \"a\"\n"
    "  .balign 4\n"
    "  .long 0x1badb002, 0, -0x1badb002\n"
    ".text\n"
    ".globl _start\n"
    "_start:\n"
    "  mov $boot_stack_end, %esp\n"
    "  push $0\n  popf\n"
    "  call nano_main\n"
    "1: hlt\n  jmp 1b\n"
    "on_int80:\n" /* EAX 0: come back at once; 1: leave ring 3 for good */
    "  test %eax, %eax\n  jnz 2f\n  iret\n"
    "2: mov saved_esp, %esp\n"
    "  mov $0x10, %eax\n  mov %eax, %ds\n  mov %eax, %es\n"
    "  popa\n  ret\n"
    "enter_user:\n"
    "  mov 4(%esp), %eax\n  mov 8(%esp), %edx\n"
    "  pusha\n  mov %esp, saved_esp\n"
    "  mov $0x23, %ecx\n  mov %ecx, %ds\n  mov %ecx, %es\n"
    "  push $0x23\n  push %edx\n  pushf\n  push $0x1b\n  push %eax\n  iret\n"
    "on_page_fault:\n  add $4, %esp\n"  /* both instructions that fault are two bytes long */
    "on_divide:\n  addl $2, (%esp)\n  iret\n"
    "on_other:\n  mov $'!', %al\n  mov $0x3f8, %dx\n  out %al, %dx\n  mov $0x501, %dx\n  out %al, %dx\n3: hlt\n  jmp 3b\n"
    "call_target:\n  ret\n"
    ".bss\n"
    "  .balign 16\nboot_stack:\n  .skip 8192\nboot_stack_end:\n"
    "saved_esp: .skip 4\n"
    ".text\n");

static void gate(int n, const char *handler, uint8_t access)
{
    uint32_t at = (uint32_t)handler;
    idt[n] = (uint64_t)(at & 0xffff0000) << 32 | (uint64_t)access << 40 | KERNEL_CS << 16 | (at & 0xffff);
}

static void set_up(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint32_t base;
    } gdtr = {sizeof gdt - 1, (uint32_t)gdt}, idtr = {sizeof idt - 1, (uint32_t)idt};
    uint32_t at = (uint32_t)tss;
    tss[1] = (uint32_t)(kernel_stack + sizeof kernel_stack);
    tss[2] = KERNEL_DS;
    gdt[5] = (uint64_t)(at & 0xff000000) << 32 | 0x8900ull << 32 | (uint64_t)(at & 0xffffff) << 16 | (sizeof tss - 1);
    for (int n = 0; n < 256; n++)
        gate(n, on_other, 0x8e);
    gate(0, on_divide, 0x8e);
    gate(14, on_page_fault, 0x8e);
    gate(0x80, on_int80, 0xee);
    for (uint32_t n = 0; n < 2048; n++)
        table[n / 1024][n % 1024] = n << 12 | PTE;
    table[2][(LAPIC_AT >> 12) % 1024] = LAPIC | 0x10 | PTE; /* not cached */
    for (int n = 0; n < 3; n++)
        directory[n] = (uint32_t)table[n] | PTE;
    __asm__ volatile("lgdt %0\n  lidt %1\n  ljmp $0x08, $1f\n1:\n"
                     "  mov %2, %%ds\n  mov %2, %%es\n  mov %2, %%ss\n  mov %2, %%fs\n  mov %2, %%gs\n"
                     "  ltr %w3\n"
                     : : "m"(gdtr), "m"(idtr), "r"(KERNEL_DS), "r"(TSS) : "memory");
    uint32_t cr0;
    __asm__ volatile("mov %1, %%cr3\n  mov %%cr0, %0\n  or $0x80010000, %0\n  mov %0, %%cr0\n  jmp 1f\n1:"
                     : "=&r"(cr0) : "r"(directory) : "memory");
}

/* ---- the operations, n times each ---- */

static volatile uint32_t user_count;

static void user_loop(void)
{
    for (uint32_t n = user_count; n; n--)
        __asm__ volatile("int $0x80" : : "a"(0) : "memory");
    __asm__ volatile("int $0x80" : : "a"(1) : "memory");
    __builtin_unreachable();
}

static void do_syscall(uint32_t n)
{
    user_count = n;
    enter_user(user_loop, user_stack + sizeof user_stack);
}

static void do_in(uint32_t n)
{
    while (n--)
        inb(0x80);
}

static void do_clts(uint32_t n)
{
    while (n--)
        __asm__ volatile("clts");
}

static void do_callret(uint32_t n)
{
    void (*volatile target)(void) = call_target;
    while (n--)
        target();
}

static void do_pgfault(uint32_t n)
{
    while (n--)
        __asm__ volatile(".byte 0x8b, 0x03" : : "b"(SPARE + 0x10000) : "eax", "memory"); /* mov (%ebx), %eax */
}

static void do_divzero(uint32_t n)
{
    while (n--)
        __asm__ volatile(".byte 0xf7, 0xf1" : : "a"(1), "d"(0), "c"(0)); /* div %ecx */
}

static void do_ptemod(uint32_t n)
{
    while (n--) {
        volatile uint8_t *page = (uint8_t *)SPARE;
        *(volatile uint32_t *)&table[2][0] = (uint32_t)frames[n & 1] | PTE;
        __asm__ volatile("invlpg (%0)" : : "r"(page) : "memory");
        if (*page != (n & 1)) {
            put("nano: a stale translation was used\n");
            outb(DEBUG_EXIT, 1);
        }
    }
}

static volatile uint32_t *const lapic = (uint32_t *)LAPIC_AT;

static void do_apicid(uint32_t n)
{
    while (n--)
        (void)lapic[0x20 / 4];
}

static void do_apiceoi(uint32_t n)
{
    while (n--)
        lapic[0xb0 / 4] = 0;
}

static void measure(const char *name, void (*run)(uint32_t), uint32_t batch)
{
    uint64_t done = 0, spent = 0;
    run(batch); /* what is done once is done */
    while (spent < PM_HZ / 4) {
        uint32_t start = ticks();
        run(batch);
        spent += (ticks() - start) & 0xffffff;
        done += batch;
    }
    put("nano ");
    put(name);
    put(" ");
    put_number(spent * (1000000000000ull / PM_HZ) / done);
    put("\n");
}

void nano_main(void)
{
    set_up();
    frames[1][0] = 1;
    outb(COM1 + 1, 0);
    outb(COM1 + 3, 3);
    uint32_t start = ticks();
    for (int n = 0; n < 1000 && ticks() == start; n++)
        inb(0x80);
    if (ticks() == start) {
        put("nano: no ACPI timer\n");
    } else {
        measure("syscall", do_syscall, 10000);
        measure("in", do_in, 10000);
        measure("clts", do_clts, 10000);
        measure("callret", do_callret, 100000);
        measure("pgfault", do_pgfault, 10000);
        measure("divzero", do_divzero, 10000);
        measure("ptemod", do_ptemod, 10000);
        measure("apicid", do_apicid, 10000);
        measure("apiceoi", do_apiceoi, 10000);
    }
    outb(DEBUG_EXIT, 0);
}

/*
 * Programs that do what they must not. The kernel ends each, and only it; with no argument they all run, in children.
 */
#include "user/lib.h"

typedef struct Kind {
    const char *name;
    void (*act)(void);
} Kind;

static void divide_by_zero(void) { asm volatile("divl %0" : : "r"(0), "a"(1), "d"(0)); }
static void null_pointer(void) { *(volatile int *)0 = 1; }
static void write_to_code(void) { *(volatile uint8_t *)main = 0x90; }
static void illegal_instruction(void) { asm volatile("ud2"); }
static void privileged_instruction(void) { asm volatile("movl %0, %%cr3" : : "r"(0)); }
static void input_and_output(void) { asm volatile("outb %%al, $0x64" : : "a"(0xfe)); }
static void kernel_memory(void) { (void)*(volatile int *)0xc0010000; }
static void wild_jump(void) { asm volatile("jmp *%0" : : "r"(0x30000000)); }
static void breakpoint(void) { asm volatile("int3"); }
static void bad_selector(void) { asm volatile("movl %0, %%es" : : "r"(0x70)); }

/* Deeper than any stack. The array's sum is used behind the call, so that the call is no jump. */
static int descend(int depth)
{
    volatile char room[1024];
    room[depth % 1024] = 1;
    return depth < 1000000 ? descend(depth + 1) + room[depth % 1024] : 0;
}

static void stack_overflow(void)
{
    exit(descend(0));
}

static const Kind kinds[] = {
    {"divide", divide_by_zero}, {"null", null_pointer}, {"readonly", write_to_code}, {"illegal", illegal_instruction},
    {"privileged", privileged_instruction}, {"io", input_and_output}, {"kernel", kernel_memory}, {"wild", wild_jump},
    {"breakpoint", breakpoint}, {"selector", bad_selector}, {"stack", stack_overflow},
};
#define KINDS (sizeof kinds / sizeof *kinds)

int main(char *arguments)
{
    int status, survivors = 0;
    for (const Kind *k = kinds; k < kinds + KINDS; k++) {
        if (!strcmp(arguments, k->name))
            k->act();
        if (*arguments)
            continue;
        print("%-11s", k->name);
        int pid = fork();
        if (pid == 0) {
            k->act();
            exit(0);
        }
        wait(pid, &status, 0);
        survivors += status != STATUS_KILLED;
    }
    if (*arguments)
        print("%s is no kind of fault; without an argument all are shown\n", arguments);
    else
        print("%d survived\n", survivors);
    return survivors;
}

/*
 * The kernel's beginning: the machine is made ready, then process 1 becomes the shell and this becomes process 0,
 * which idles.
 */
#include "kernel/kernel.h"

_Noreturn void kernel_main(uint32_t memory_kib, uint32_t files_sector);

static uint32_t first_files_sector;

/* Process 1 begins here, in the kernel: the disk's driver sleeps, which process 0 must not. */
static void become_shell(void)
{
    files_init(first_files_sector);
    if (program_exec("shell", "") < 0)
        panic("there is no shell on the disk");
}

void kernel_main(uint32_t memory_kib, uint32_t files_sector)
{
    first_files_sector = files_sector;
    serial_init();
    console_init();
    segments_init();
    frames_init(memory_kib);
    console_printf("x86vm demo system: paging is on, %u KiB of memory\n", counters.frames * 4);
    timer_init();
    keyboard_init();
    disk_init();
    process_init(become_shell);
    for (;;)
        asm volatile("sti\n hlt\n cli"); /* no interrupt comes between STI and HLT (SDM 2B, STI) */
}

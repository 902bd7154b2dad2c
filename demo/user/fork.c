/* fork shares every page; a write makes a copy of one. The child's writes must not show in the parent. */
#include "user/lib.h"

#define PAGES 64
#define WRITTEN 16

int main(char *arguments)
{
    uint8_t *memory = map(PAGES * PAGE_BYTES);
    SystemInfo before, after;
    int status;
    for (int n = 0; n < PAGES; n++)
        memory[n * PAGE_BYTES] = 1;

    system_info(&before);
    int pid = fork();
    if (pid == 0) {
        for (int n = 0; n < WRITTEN; n++)
            memory[n * PAGE_BYTES] = 2;
        exit(memory[0] == 2 && memory[WRITTEN * PAGE_BYTES] == 1 ? 42 : 1);
    }
    wait(pid, &status, 0);
    system_info(&after);

    int changed = 0;
    for (int n = 0; n < PAGES; n++)
        changed += memory[n * PAGE_BYTES] != 1;
    print("%u pages shared; the child wrote to %u and ended with %d; %d changed here\n", PAGES, WRITTEN, status,
          changed);
    print("%u pages were copied\n", after.copy_on_write - before.copy_on_write);
    return changed != 0;
}

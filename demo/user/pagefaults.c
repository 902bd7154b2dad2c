/* The price of a page: memory from map() is touched once, so that every page faults, and once more, when none does. */
#include "user/lib.h"

#define PAGES 512

static uint32_t touch(uint8_t *memory)
{
    uint64_t begin = cycles();
    for (int n = 0; n < PAGES; n++)
        memory[n * PAGE_BYTES]++;
    return divide(cycles() - begin, PAGES);
}

int main(char *arguments)
{
    SystemInfo before, after;
    uint8_t *memory = map(PAGES * PAGE_BYTES);
    system_info(&before);
    uint32_t first = touch(memory), second = touch(memory);
    system_info(&after);
    print("%u pages, %u faults: %u cycles a page, %u when it is there\n", PAGES,
          after.demand_zero - before.demand_zero, first, second);
    return 0;
}

/* Nothing to do: every process sleeps, so process 0 halts the CPU between the ticks of the timer. */
#include "user/lib.h"

#define SLEEP_MS 500

int main(char *arguments)
{
    SystemInfo before, after;
    system_info(&before);
    sleep_ms(SLEEP_MS);
    system_info(&after);
    print("slept %u ms: %u of %u ticks found the CPU halted\n", SLEEP_MS,
          after.idle_ticks - before.idle_ticks, after.ticks - before.ticks);
    return 0;
}

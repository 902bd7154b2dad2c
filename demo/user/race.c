/* Two processes that never give up the CPU: only the timer makes them share it. */
#include "user/lib.h"

#define RUN_MS 300

static int count_until(uint32_t end)
{
    int laps = 0;
    while ((int32_t)(uptime_ms() - end) < 0)
        for (volatile int n = 0; n < 10000; n++)
            laps += n == 0;
    return laps;
}

int main(char *arguments)
{
    SystemInfo before, after;
    uint32_t end = uptime_ms() + RUN_MS;
    int status;
    system_info(&before);
    for (int n = 1; n <= 2; n++)
        if (fork() == 0)
            exit(count_until(end) > 0 ? 0 : 1);
    bool both = true;
    for (int n = 0; n < 2; n++)
        both &= wait(ANY_CHILD, &status, 0) > 0 && status == 0;
    system_info(&after);
    print("in %u ms %s; %u switches between processes\n", RUN_MS, both ? "both ran" : "one starved",
          after.switches - before.switches);
    return !both;
}

/* The price of a system call: the shortest one, and one that changes to another process and back. */
#include "user/lib.h"

#define CALLS 20000
#define YIELDS 2000

int main(char *arguments)
{
    uint64_t begin = cycles();
    int wrong = 0, pid = getpid(), status;
    for (int n = 0; n < CALLS; n++)
        wrong += getpid() != pid;
    print("%u calls of getpid: %u cycles each\n", CALLS, divide(cycles() - begin, CALLS));

    int child = fork();
    if (child == 0)
        for (;;)
            yield();
    begin = cycles();
    for (int n = 0; n < YIELDS; n++)
        yield();
    print("%u calls of yield, to another process and back: %u cycles each\n", YIELDS, divide(cycles() - begin, YIELDS));
    kill(child);
    wait(child, &status, 0);
    return wrong != 0;
}

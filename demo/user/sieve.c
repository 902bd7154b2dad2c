/*
 * Eratosthenes: integers, byte loads and stores, loops. The flags are memory from map(), which the kernel brings page
 * by page.
 */
#include "user/lib.h"

#define LIMIT 1000000

int main(char *arguments)
{
    uint8_t *composite = map(LIMIT);
    uint32_t primes = 0, last = 0;
    uint64_t begin = cycles();
    for (uint32_t n = 2; n < LIMIT; n++) {
        if (composite[n])
            continue;
        primes++;
        last = n;
        for (uint32_t multiple = n + n; multiple < LIMIT; multiple += n)
            composite[multiple] = 1;
    }
    print("%u primes below %u, the last is %u (%u million cycles)\n", primes, LIMIT, last,
          divide(cycles() - begin, 1000000));
    return 0;
}

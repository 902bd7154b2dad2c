/* Random numbers for -accel chaos=SEED: cheap, and the same from the same seed (xorshift64; Marsaglia, "Xorshift RNGs", 2003). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The next one. *state is not 0 and does not become it. */
static inline uint64_t dice_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Once in n times, on average. */
static inline bool dice_one_in(uint64_t *state, unsigned n)
{
    return (dice_next(state) >> 20) % n == 0;
}

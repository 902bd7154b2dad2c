/*
 * A small deterministic random number generator (splitmix64), and the values that CPUs get wrong.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct Rng {
    uint64_t s;
} Rng;

static inline uint64_t rng_next(Rng *r)
{
    uint64_t z = r->s += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}
static inline Rng rng_seed(uint64_t seed, uint64_t index)
{
    Rng r = { seed * 0xd1342543de82ef95ull + index };
    r.s = rng_next(&r) ^ index << 1;
    return r;
}
/* 0..n-1; n is small. */
static inline uint32_t rng_below(Rng *r, uint32_t n)
{
    return (uint64_t)(uint32_t)rng_next(r) * n >> 32;
}
static inline bool rng_percent(Rng *r, unsigned percent)
{
    return rng_below(r, 100) < percent;
}

/* Integers near edges. */
uint32_t rng_int(Rng *r);
/* 16 bytes of one kind: integers, floats, doubles, an 80-bit value, packed decimal. */
void rng_chunk(Rng *r, uint8_t out[16]);
/* Floating-point specials and ordinary values. */
uint32_t rng_float(Rng *r);
uint64_t rng_double(Rng *r);
void rng_ext80(Rng *r, uint64_t *mant, uint16_t *exp);

/*
 * Guest code put together at random, for tests that run the same code in several ways.
 */
#pragma once

#include <glib.h>

typedef struct RandomCode {
    GRand *r;
    GByteArray *code;
} RandomCode;

static inline void code_init(RandomCode *c, uint32_t seed)
{
    *c = (RandomCode){g_rand_new_with_seed(seed), g_byte_array_new()};
}

static inline void code_clear(RandomCode *c)
{
    g_rand_free(c->r);
    g_byte_array_unref(c->code);
}

static inline void put(RandomCode *c, const void *bytes, unsigned n)
{
    g_byte_array_append(c->code, bytes, n);
}

static inline void put8(RandomCode *c, uint8_t b)
{
    put(c, &b, 1);
}

static inline void put32(RandomCode *c, uint32_t d)
{
    put(c, &d, 4);
}

/* 0 to n - 1. */
static inline unsigned any(RandomCode *c, unsigned n)
{
    return g_rand_int_range(c->r, 0, n);
}

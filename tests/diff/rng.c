/*
 * Values that CPUs get wrong: integers at the edges of their types, and every class of floating-point datum that the
 * formats know, unnormals and pseudo-denormals included.
 */
#include <stdbool.h>
#include <string.h>

#include "diff/rng.h"

uint32_t rng_int(Rng *r)
{
    uint32_t k = rng_next(r);
    switch (rng_below(r, 16)) {
    case 0: return 0;
    case 1: return 0xffffffffu;
    case 2: return 1u << (k & 31);
    case 3: return (1u << (k & 31)) - 1;
    case 4: return ~(1u << (k & 31));
    case 5: return 0x80000000u + (int32_t)(k % 5) - 2;
    case 6: return 0x8000u + (int32_t)(k % 5) - 2;
    case 7: return 0x80u + (int32_t)(k % 5) - 2;
    case 8: return k & 0x1f;
    case 9: return k & 0xff;
    case 10: return (uint32_t)(int8_t)k;
    case 11: return (uint32_t)(int16_t)k;
    case 12: return k & 0xffff;
    case 13: return 0x01010101u * (k & 0xff);
    default: return k;
    }
}

uint32_t rng_float(Rng *r)
{
    uint32_t k = rng_next(r), sign = k & 0x80000000u;
    switch (rng_below(r, 14)) {
    case 0: return sign;
    case 1: return sign | 0x3f800000;
    case 2: return sign | 0x7f800000;
    case 3: return sign | 0x7fc00000 | (k & 0x3fffff);
    case 4: return sign | 0x7f800000 | (k & 0x3fffff) | 1;
    case 5: return sign | (k & 0x7fffff);
    case 6: return sign | 0x7f7fffff;
    case 7: return sign | 0x00800000 | (k & 3);
    case 8: return sign | (0x4f000000 + (k & 1) - ((k >> 1) & 1)); /* 2^31 and neighbours */
    case 9: {
        union { float f; uint32_t u; } u = { (float)(int32_t)(k >> (k & 31)) };
        return u.u;
    }
    case 10: return sign | (0x3e800000 + (k & 0x1ffffff)); /* 0.25..1..4 */
    case 11: return sign | (127u + rng_below(r, 64) - 32) << 23 | (k & 0x7fffff);
    default: return k;
    }
}

uint64_t rng_double(Rng *r)
{
    uint64_t k = rng_next(r), sign = k & 1ull << 63;
    switch (rng_below(r, 15)) {
    case 0: return sign;
    case 1: return sign | 0x3ff0000000000000;
    case 2: return sign | 0x7ff0000000000000;
    case 3: return sign | 0x7ff8000000000000 | (k & 0x7ffffffffffff);
    case 4: return sign | 0x7ff0000000000000 | (k & 0x7ffffffffffff) | 1;
    case 5: return sign | (k & 0xfffffffffffff);
    case 6: return sign | 0x7fefffffffffffff;
    case 7: return sign | 0x0010000000000000 | (k & 3);
    case 8: return sign | (0x41e0000000000000 + (k & 0xffffff) - 0x800000); /* near 2^31 */
    case 9: return sign | (0x43e0000000000000 + (k & 1) - (k >> 1 & 1));   /* near 2^63 */
    case 10: {
        union { double f; uint64_t u; } u = { (double)((int64_t)k >> (k & 63)) };
        return u.u;
    }
    case 11: { /* representable as a float, or just not */
        union { float f; uint32_t u; } s = { .u = rng_float(r) };
        union { double f; uint64_t u; } u = { s.f };
        return u.u ^ (k & 1);
    }
    case 12: return sign | (1023ull + rng_below(r, 128) - 64) << 52 | (k & 0xfffffffffffff);
    default: return k;
    }
}

void rng_ext80(Rng *r, uint64_t *mant, uint16_t *exp)
{
    uint64_t k = rng_next(r), one = 1ull << 63;
    uint16_t sign = k & 0x8000;
    k = rng_next(r);
    switch (rng_below(r, 20)) {
    case 0: *mant = 0, *exp = sign; break;
    case 1: *mant = one, *exp = sign | 0x3fff; break;
    case 2: *mant = one, *exp = sign | 0x7fff; break;
    case 3: *mant = one | 1ull << 62 | k >> 2, *exp = sign | 0x7fff; break;
    case 4: *mant = one | k >> 2 | 1, *exp = sign | 0x7fff; break;
    case 5: *mant = k >> 1, *exp = sign; break;              /* denormal */
    case 6: *mant = one | k, *exp = sign; break;             /* pseudo-denormal */
    case 7: *mant = k >> 1, *exp = sign | (0x3fff + (k & 15)); break; /* unnormal: invalid */
    case 8: *mant = k >> 1, *exp = sign | 0x7fff; break;     /* pseudo-NaN, pseudo-infinity */
    case 9: *mant = ~0ull, *exp = sign | 0x7ffe; break;
    case 10: *mant = one | (k & 3), *exp = sign | 1; break;
    case 11: *mant = one | k, *exp = sign | (0x3fff + rng_below(r, 70)); break; /* integers with fractions */
    case 12: { /* small integers */
        uint64_t n = (k & 0xffff) + 1;
        int z = __builtin_clzll(n);
        *mant = n << z, *exp = sign | (0x3fff + 63 - z);
        break;
    }
    case 13: *mant = 0xc90fdaa22168c235, *exp = sign | (0x4000 - (k & 3)); break; /* pi and its halves */
    case 14: *mant = one | k >> 40 << 40, *exp = sign | (0x3fff - 130 + rng_below(r, 260)); break; /* float-sized */
    case 15: *mant = one | k >> 11 << 11, *exp = sign | (0x3fff - 1080 + rng_below(r, 2160)); break;
    case 16: *mant = one | k, *exp = sign | (0x3ffe - rng_below(r, 70)); break; /* below 1 */
    default: *mant = one | k, *exp = sign | (0x3fff - 40 + rng_below(r, 80)); break;
    }
}

void rng_chunk(Rng *r, uint8_t out[16])
{
    uint64_t q[2];
    uint32_t d[4];
    uint16_t exp;
    switch (rng_below(r, 8)) {
    case 0:
    case 1:
        for (int i = 0; i < 4; i++)
            d[i] = rng_int(r);
        memcpy(out, d, 16);
        return;
    case 2:
        for (int i = 0; i < 4; i++)
            d[i] = rng_float(r);
        memcpy(out, d, 16);
        return;
    case 3:
    case 4:
        q[0] = rng_double(r), q[1] = rng_double(r);
        break;
    case 5:
    case 6:
        rng_ext80(r, &q[0], &exp);
        q[1] = rng_next(r) << 16 | exp;
        break;
    default: /* packed decimal digits, now and then a bad one */
        for (int i = 0; i < 16; i++)
            out[i] = rng_below(r, 10) << 4 | rng_below(r, 10);
        if (rng_percent(r, 20))
            out[rng_below(r, 10)] = rng_next(r);
        if (rng_percent(r, 80))
            out[9] = rng_below(r, 2) << 7;
        return;
    }
    memcpy(out, q, 16);
}

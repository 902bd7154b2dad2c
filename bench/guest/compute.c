/*
 * What a CPU does alone: no system call in any of it.
 */
#include "work.h"

#include <stdlib.h>
#include <string.h>

/* CRC-32 by table, then a sieve: shifts, masks, byte loads; a loop of stores at strides. */
static uint32_t integer(unsigned n)
{
    static uint32_t table[256];
    static uint8_t buf[1 << 16], composite[1 << 16];
    uint32_t seed = 1, sum = 0;
    for (unsigned i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
        table[i] = c;
    }
    for (unsigned i = 0; i < sizeof buf; i++)
        buf[i] = work_random(&seed);
    while (n--) {
        uint32_t crc = ~sum;
        for (unsigned i = 0; i < sizeof buf; i++)
            crc = crc >> 8 ^ table[(crc ^ buf[i]) & 0xff];
        memset(composite, 0, sizeof composite);
        for (unsigned i = 2; i < sizeof composite; i++) {
            if (composite[i])
                continue;
            sum += i;
            for (unsigned k = i + i; k < sizeof composite; k += i)
                composite[k] = 1;
        }
        sum = work_mix(sum, ~crc);
    }
    return sum;
}

static void quicksort(uint32_t *a, int lo, int hi)
{
    while (lo < hi) {
        uint32_t pivot = a[(lo + hi) / 2];
        int i = lo, j = hi;
        while (i <= j) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i <= j) {
                uint32_t t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        if (j - lo < hi - i) {
            quicksort(a, lo, j);
            lo = i;
        } else {
            quicksort(a, i, hi);
            hi = j;
        }
    }
}

static uint32_t sort(unsigned n)
{
    enum { COUNT = 1 << 17 };
    static uint32_t a[COUNT];
    uint32_t seed = 7, sum = 0;
    while (n--) {
        for (int i = 0; i < COUNT; i++)
            a[i] = work_random(&seed);
        quicksort(a, 0, COUNT - 1);
        for (int i = 1; i < COUNT; i++)
            work_need(a[i - 1] <= a[i], "sort: out of order");
        sum = work_mix(sum, a[COUNT / 2]);
    }
    return sum;
}

__attribute__((noinline)) static uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/* volatile: the compiler may not fold the calls into one another */
static uint32_t recursion(unsigned n)
{
    uint32_t (*volatile call)(uint32_t) = fib;
    uint32_t sum = 0;
    while (n--)
        sum = work_mix(sum, call(27));
    return sum;
}

/* Calls through a table in a random order, as interpreters and drivers make them. */
#define STEP(name, expression) \
    __attribute__((noinline)) static uint32_t name(uint32_t x) \
    { \
        return expression; \
    }
STEP(step_add, x + 0x9e3779b9)
STEP(step_rot, x << 5 | x >> 27)
STEP(step_xor, x ^ x >> 7)
STEP(step_mul, x * 5)
STEP(step_sub, x - 77)
STEP(step_not, ~x)
STEP(step_swap, x << 16 | x >> 16)
STEP(step_shift, x ^ x << 3)

static uint32_t indirect(unsigned n)
{
    static uint32_t (*const volatile steps[8])(uint32_t) = {step_add, step_rot, step_xor, step_mul, step_sub, step_not,
            step_swap, step_shift};
    uint32_t x = 1;
    for (unsigned i = 0; i < n * 1000; i++)
        x = steps[x >> 11 & 7](x);
    return x;
}

/* A ring of pointers in random order, larger than a level 2 cache. */
static uint32_t chase(unsigned n)
{
    enum { COUNT = 1 << 18 };
    void **ring = malloc(COUNT * sizeof *ring), **p = ring;
    uint32_t *order = malloc(COUNT * sizeof *order), seed = 3;
    for (uint32_t i = 0; i < COUNT; i++)
        order[i] = i;
    for (uint32_t i = COUNT - 1; i > 0; i--) {
        uint32_t k = work_random(&seed) % (i + 1), t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    for (uint32_t i = 0; i < COUNT; i++)
        ring[order[i]] = &ring[order[(i + 1) % COUNT]];
    for (unsigned i = 0; i < n * 1000; i++)
        p = *p;
    uint32_t end = p - ring;
    free(order);
    free(ring);
    return end;
}

/* Copies by REP MOVS and by a loop of words: 256 KiB each. */
static uint32_t copy(unsigned n)
{
    enum { WORDS = 1 << 16 };
    static uint32_t from[WORDS], to[WORDS];
    uint32_t seed = 9, sum = 0;
    for (int i = 0; i < WORDS; i++)
        from[i] = work_random(&seed);
    while (n--) {
        const void *source = from;
        void *target = to;
        uint32_t count = WORDS;
        __asm__ volatile("rep movsl" : "+S"(source), "+D"(target), "+c"(count) : : "memory");
        for (int i = 0; i < WORDS; i++) {
            from[i] = to[i] + 1;
            __asm__ volatile("" : : : "memory"); /* a loop, not a call of memcpy */
        }
        sum = work_mix(sum, from[n % WORDS]);
    }
    return sum;
}

const Workload work_compute[] = {
    {"integer", integer, 900},
    {"sort", sort, 25},
    {"recursion", recursion, 400},
    {"indirect", indirect, 60000},
    {"chase", chase, 20000},
    {"copy", copy, 6000},
    {"nbody-x87", nbody_x87, 480},
    {"nbody-sse", nbody_sse, 1000},
    {0},
};

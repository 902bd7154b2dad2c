/* Quicksort of pseudo-random numbers: recursion, so calls and returns, and branches that nobody can predict. */
#include "user/lib.h"

#define COUNT 100000

static void sort(uint32_t *a, int n)
{
    while (n > 1) {
        uint32_t pivot = a[n / 2];
        int low = 0, high = n - 1;
        while (low <= high) {
            while (a[low] < pivot)
                low++;
            while (a[high] > pivot)
                high--;
            if (low <= high) {
                uint32_t t = a[low];
                a[low++] = a[high];
                a[high--] = t;
            }
        }
        sort(a, high + 1);
        a += low;
        n -= low;
    }
}

int main(char *arguments)
{
    uint32_t *a = map(COUNT * sizeof *a), random = 1, sum = 0, disorder = 0;
    for (int n = 0; n < COUNT; n++) {
        random = random * 1664525 + 1013904223;
        a[n] = random >> 8;
    }
    uint64_t begin = cycles();
    sort(a, COUNT);
    uint64_t took = cycles() - begin;
    for (int n = 0; n < COUNT; n++) {
        sum = sum * 31 + a[n];
        disorder += n > 0 && a[n - 1] > a[n];
    }
    print("%u numbers sorted, %u out of order, checksum %08x (%u million cycles)\n", COUNT, disorder, sum,
          divide(took, 1000000));
    return disorder != 0;
}

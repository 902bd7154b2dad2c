/* A program that only computes, for ever; kill ends it. */
#include "user/lib.h"

int main(char *arguments)
{
    for (uint32_t n = 1;; n = n * 1664525 + 1013904223)
        asm volatile("" : : "r"(n));
}

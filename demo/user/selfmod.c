/*
 * Code that changes itself, in two ways. A function's constant is written over before each call; and an instruction
 * writes over the one right behind it, which the CPU must then run as it is now, however far ahead it (or a
 * translator) has read.
 */
#include "user/lib.h"

#define CALLS 2000

int constant(void);
int next_instruction(void);
extern uint8_t constant_code[], next_code[];

asm(".section .data\n"
    "constant: constant_code: movl $0, %eax\n"
    "    ret\n"
    "next_instruction:\n"
    "    movl $7, next_code + 1\n"
    "next_code: movl $3, %eax\n"
    "    movl $3, next_code + 1\n"
    "    ret\n"
    ".text\n");

int main(char *arguments)
{
    uint32_t sum = 0, expected = 0, sevens = 0;
    uint64_t begin = cycles();
    for (uint32_t n = 0; n < CALLS; n++) {
        memcpy(constant_code + 1, &n, sizeof n);
        sum += constant();
        expected += n;
    }
    uint64_t took = cycles() - begin;
    for (int n = 0; n < CALLS; n++)
        sevens += next_instruction() == 7;
    print("a constant changed %u times: sum %u, expected %u (%u cycles each)\n", CALLS, sum, expected,
          divide(took, CALLS));
    print("the next instruction changed %u times: %u seen\n", CALLS, sevens);
    return sum != expected || sevens != CALLS;
}

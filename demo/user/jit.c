/*
 * A compiler of one page: a formula in postfix notation becomes machine code in fresh memory, which is run, and must
 * agree with a calculation of the same formula by hand.
 */
#include "user/lib.h"

#define RUNS 20000
typedef uint32_t Function(uint32_t x);

static uint8_t *emit(uint8_t *code, const char *bytes, int n)
{
    memcpy(code, bytes, n);
    return code + n;
}

/* x, one-digit numbers and + - *, each put on the stack or combining its two upper values. */
static Function *compile(const char *formula, uint8_t *code)
{
    Function *f = (Function *)code;
    for (; *formula; formula++) {
        if (*formula == 'x') {
            code = emit(code, "\x51", 1);                 /* push ecx */
        } else if (*formula >= '0' && *formula <= '9') {
            code = emit(code, "\x6a", 1);                 /* push imm8 */
            *code++ = *formula - '0';
        } else if (*formula != ' ') {
            code = emit(code, "\x5a\x58", 2);             /* pop edx; pop eax */
            code = *formula == '+' ? emit(code, "\x01\xd0", 2)          /* add eax, edx */
                   : *formula == '-' ? emit(code, "\x29\xd0", 2)        /* sub eax, edx */
                                     : emit(code, "\x0f\xaf\xc2", 3);   /* imul eax, edx */
            code = emit(code, "\x50", 1);                 /* push eax */
        }
    }
    emit(code, "\x58\xc3", 2);                            /* pop eax; ret */
    return f;
}

static uint32_t call(Function *f, uint32_t x)
{
    uint32_t result;
    asm volatile("call *%1" : "=a"(result) : "r"(f), "c"(x) : "edx", "memory", "cc");
    return result;
}

static uint32_t by_hand(const char *formula, uint32_t x)
{
    uint32_t stack[16], n = 0;
    for (; *formula; formula++) {
        if (*formula == ' ')
            continue;
        if (*formula == 'x' || (*formula >= '0' && *formula <= '9')) {
            stack[n++] = *formula == 'x' ? x : (uint32_t)*formula - '0';
            continue;
        }
        uint32_t b = stack[--n], a = stack[n - 1];
        stack[n - 1] = *formula == '+' ? a + b : *formula == '-' ? a - b : a * b;
    }
    return stack[0];
}

int main(char *arguments)
{
    static const char *const formulas[] = {"x x * 3 * x + 7 -", "x 1 + x 2 + * x 3 + *", "9 x - x *"};
    uint8_t *page = map(PAGE_BYTES);
    uint32_t wrong = 0;
    for (unsigned n = 0; n < sizeof formulas / sizeof *formulas; n++) {
        Function *f = compile(formulas[n], page); /* over the one before */
        uint32_t sum = 0, expected = 0;
        uint64_t begin = cycles();
        for (uint32_t x = 0; x < RUNS; x++)
            sum += call(f, x);
        uint64_t took = cycles() - begin;
        for (uint32_t x = 0; x < RUNS; x++)
            expected += by_hand(formulas[n], x);
        wrong += sum != expected;
        print("%-22s sum %08x, by hand %08x (%u cycles each)\n", formulas[n], sum, expected, divide(took, RUNS));
    }
    return wrong;
}

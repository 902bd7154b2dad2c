/* A program's beginning and end, and printing: one system call for each piece of text, not for each character. */
#include "user/lib.h"

void format(void (*put)(void *to, char c), void *to, const char *text, va_list values);
_Noreturn void start(char *arguments);

typedef struct Buffer {
    unsigned n;
    char bytes[256];
} Buffer;

/* The kernel begins a program here, with what followed its name on the command line. */
void start(char *arguments)
{
    exit(main(arguments));
}

static void put_to_buffer(void *to, char c)
{
    Buffer *b = to;
    b->bytes[b->n++] = c;
    if (b->n == sizeof b->bytes) {
        write(b->bytes, b->n);
        b->n = 0;
    }
}

void print(const char *text, ...)
{
    Buffer b = {0};
    va_list values;
    va_start(values, text);
    format(put_to_buffer, &b, text, values);
    va_end(values);
    write(b.bytes, b.n);
}

/* The decimal number that text begins with. */
uint32_t number(const char *text, uint32_t otherwise)
{
    uint32_t value = 0;
    if (*text < '0' || *text > '9')
        return otherwise;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + *text - '0';
    return value;
}
